"""tokens.wordpiece: the greedy longest match of BERT's tokenizer."""
from __future__ import annotations

from ...i18n import L
from ..engine.exact import Exact
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import word as random_word

__all__ = ["EXERCISE"]


def wordpiece(word, vocab, unk="[UNK]", prefix="##"):
    """Cut a word into the pieces of a WordPiece vocabulary, the longest first.

    word: str; vocab: set of str. Returns a list of str. All pieces but the first carry the prefix, in vocab and in the result. Where no piece
    fits, the whole word becomes [unk]; '' gives []. No lower-casing, no length limit, no going back.

    Steps: from the start of what is left try the longest stretch, then ever shorter ones; take the first that vocab holds; go on behind it.
    """
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = (prefix if start > 0 else "") + word[start:end]
            if piece in vocab:
                break
        else:                                    # no stretch fits
            return [unk]
        pieces.append(piece)
        start = end
    return pieces


def wordpiece_next(word, vocab, unk="[UNK]", prefix="##"):
    pieces, rest, mark = [], word, ""
    while rest:
        size = next((n for n in range(len(rest), 0, -1) if mark + rest[:n] in vocab), 0)
        if size == 0:
            return [unk]
        pieces.append(mark + rest[:size])
        rest, mark = rest[size:], prefix
    return pieces


def wordpiece_recursive(word, vocab, unk="[UNK]", prefix="##"):
    def cut(rest, mark):
        if not rest:
            return []
        for n in reversed(range(1, len(rest) + 1)):
            if mark + rest[:n] in vocab:
                after = cut(rest[n:], prefix)
                return None if after is None else [mark + rest[:n], *after]
        return None

    pieces = cut(word, "")
    return [unk] if pieces is None else pieces


def wordpiece_shrinking(word, vocab, unk="[UNK]", prefix="##"):
    """The loops of BERT's own tokenizer."""
    output, start = [], 0
    while start < len(word):
        end, found = len(word), None
        while start < end and found is None:
            candidate = word[start:end] if start == 0 else prefix + word[start:end]
            if candidate in vocab:
                found = candidate
            else:
                end -= 1
        if found is None:
            output = [unk]
            break
        output.append(found)
        start = end
    return output


def wordpiece_by_length(word, vocab, unk="[UNK]", prefix="##"):
    """All pieces of the vocabulary that begin the rest; of these the longest."""
    pieces, done = [], 0
    while done < len(word):
        heads = [p for p in vocab if p and p.startswith(prefix) and word.startswith(p[len(prefix):], done) and len(p) > len(prefix)] \
            if done else [p for p in vocab if p and word.startswith(p)]
        if not heads:
            return [unk]
        best = max(heads, key=len)
        pieces.append(best)
        done += len(best) - (len(prefix) if done else 0)
    return pieces


def wordpiece_trie(word, vocab, unk="[UNK]", prefix="##"):
    trie = {}
    for entry in vocab:
        node = trie
        for c in entry:
            node = node.setdefault(c, {})
        node[None] = entry
    pieces, at = [], 0
    while at < len(word):
        node, best, i = trie, None, at
        for c in prefix if at else "":
            node = node.get(c, {})
        while i < len(word) and word[i] in node:
            node = node[word[i]]
            i += 1
            if None in node:
                best = node[None], i
        if best is None:
            return [unk]
        pieces.append(best[0])
        at = best[1]
    return pieces


def _wordpiece_cases(draw: Draw) -> list[Case]:
    unknown, marks = L(zh="切不下去的词", en="words that cannot be cut"), L(zh="前缀", en="the prefix")
    letters = {"a", "b", "c", "##a", "##b", "##c"}
    longer = {random_word(draw, draw.int(2, 5), "abc") for _ in range(6)} | {"##" + random_word(draw, draw.int(2, 5), "abc") for _ in range(12)}
    own = {"x" + random_word(draw, 2, "ab"), *"xab", "@@a", "@@b", "@@ab", "@@ba", "##a", "##b", "##x"}
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ("unlike", {"un", "u", "##like", "##l", "##ike"})),
        Case(L(zh="整个词在词表里", en="the whole word is in vocab"), ("tokens", {"tokens", "token", "##s", "t", "##o"})),
        Case(L(zh="三块", en="three pieces"), ("tokenizers", {"token", "to", "##ize", "##izer", "##r", "##rs", "##s", "##kenizers"})),
        Case(L(zh="开头的一块只有带前缀的", en="the first piece exists with the prefix alone"), ("like", {"##like", "##l", "li", "##ke"}), marks),
        Case(L(zh="后面的一块只有不带前缀的", en="a later piece exists without the prefix alone"), ("unlike", {"un", "like", "##lik"}), unknown),
        Case(L(zh="最长匹配走进死胡同", en="the longest match leads nowhere"), ("abcd", {"ab", "a", "##bcd", "##b", "##c"}), unknown),
        Case(L(zh="最后一个字符切不下", en="the last character does not fit"), ("lower?", {"low", "##er", "lower", "##r"}), unknown),
        Case(L(zh="开头两个字符切不下", en="the first two characters do not fit"), ("??lower", {"lower", "##lower", "##low", "##er"}), unknown),
        Case(L(zh="大写字母", en="capital letters"), ("UNlike", {"un", "##like", "unlike", "U", "##n"}), unknown),
        Case(L(zh="空字符串", en="an empty string"), ("", {"a", "##a"}), L(zh="空字符串", en="the empty string")),
        Case(L(zh="一个字符", en="a single character"), ("a", {"a", "##a"})),
        Case(L(zh="中文", en="Chinese"), ("北京大学生", {"北京", "北", "##大", "##大学", "##学生", "##生", "##京"})),
        Case(L(zh="240 个字符的词", en="a word of 240 characters"), ("ab" * 120, {"ab", "##ab", "##abab", "##a"}), L(zh="很长的词", en="a very long word")),
        Case(L(zh="另外的 unk 和前缀", en="another unk and prefix"), ("x" + random_word(draw, 7, "ab"), own, "<unk>", "@@"), L(zh="unk 和前缀的参数", en="the arguments unk and prefix")),
        Case(L(zh="另外的 unk，切不下的词", en="another unk, a word that cannot be cut"), ("xyz", {"x", "##y", "@@y"}, "<unk>", "@@"), L(zh="unk 和前缀的参数", en="the arguments unk and prefix")),
        Case(L(zh="随机词表，9 个字符", en="a random vocabulary, 9 characters"), (random_word(draw, 9, "abc"), letters | longer)),
        Case(L(zh="随机词表，15 个字符", en="a random vocabulary, 15 characters"), (random_word(draw, 15, "abc"), letters | longer)),
    ]


_PREFIX = L(zh="第一块不带前缀，后面每一块都带：查词表时带着，返回时也带着。", en="The first piece has no prefix, every later one has it: when it is looked up, and in the result.")
_GREEDY = L(zh="从剩下部分的开头起，先试最长的一段，再一个字符一个字符地缩短。", en="From the start of what is left try the longest stretch, then one character less, and so on.")
_UNKNOWN = L(zh="有一处切不下去，整个词就是一个 [unk]。", en="Where one place cannot be cut, the whole word is one [unk].")

_FAILS, _TAKES = "            return [unk]", "pieces.append(piece)"


def _backtracking(word, vocab, unk="[UNK]", prefix="##"):
    def cut(start):
        if start == len(word):
            return []
        for end in range(len(word), start, -1):
            piece = (prefix if start else "") + word[start:end]
            after = cut(end) if piece in vocab else None
            if after is not None:
                return [piece, *after]
        return None

    found = cut(0)
    return [unk] if found is None else found


def _from_the_right(word, vocab, unk="[UNK]", prefix="##"):
    pieces, end = [], len(word)
    while end > 0:
        start = next((s for s in range(end) if (prefix if s else "") + word[s:end] in vocab), None)
        if start is None:
            return [unk]
        pieces.insert(0, (prefix if start else "") + word[start:end])
        end = start
    return pieces


EXERCISE = Exercise(
    id="tokens.wordpiece", title=L(zh="WordPiece 切词", en="WordPiece"), reference=wordpiece, returns=Exact(list), cases=_wordpiece_cases,
    hints=(
        L(zh="用一个变量记住已经切到哪里。每次从那里出发，先试到词尾的一整段，再让右端一格一格往左移。",
          en="Let a variable hold how far the word is cut. From there try the stretch up to the end of the word, then move its right end back step by step."),
        L(zh="查词表之前，除了第一块，都在前面加上 prefix；放进结果的也是加了前缀的那一块。",
          en="Before looking a stretch up, put prefix before it unless it is the first; what goes into the result carries the prefix too."),
        L(zh="右端一直移到起点也没有找到，就返回 `[unk]`，前面切好的几块都不要。Python 的 `for … else` 正好：循环没有 break 才执行 else。",
          en="If nothing was found down to the start, return `[unk]` and forget the pieces so far. Python's `for ... else` fits: the else runs when the loop did not break."),
    ),
    mistakes=(
        Mistake("wp-shortest", L(zh="每次取了最短的一块", en="the shortest piece is taken each time"), _GREEDY,
                ("range(len(word), start, -1)", "range(start + 1, len(word) + 1)"), skill="rank", hint=1),
        Mistake("wp-from-the-right", L(zh="从词尾往前切", en="the word is cut from its end"), _GREEDY, program=_from_the_right, skill="rank", hint=1),
        Mistake("wp-no-prefix", L(zh="没有用前缀：查词表和返回时都没有", en="there is no prefix, neither in the look-up nor in the result"), _PREFIX,
                ("(prefix if start > 0 else \"\") + ", ""), skill="edge"),
        Mistake("wp-prefix-dropped", L(zh="查词表时带了前缀，返回时没有带", en="the prefix is used in the look-up and missing from the result"), _PREFIX,
                (_TAKES, "pieces.append(word[start:end])"), skill="edge"),
        Mistake("wp-prefix-after", L(zh="查词表时没有带前缀，返回时才加上", en="the prefix is added to the result and missing from the look-up"), _PREFIX,
                ("(prefix if start > 0 else \"\") + ", ""), (_TAKES, "pieces.append((prefix if start > 0 else \"\") + piece)"), skill="edge"),
        Mistake("wp-prefix-everywhere", L(zh="第一块也带了前缀", en="the first piece carries the prefix as well"), _PREFIX,
                ("(prefix if start > 0 else \"\")", "prefix"), skill="edge"),
        Mistake("wp-prefix-optional", L(zh="后面的块不带前缀也算在词表里", en="a later piece is accepted without its prefix as well"), _PREFIX,
                ("if piece in vocab:", "if piece in vocab or (piece := word[start:end]) in vocab:"), skill="edge"),
        Mistake("wp-unk-per-character", L(zh="切不下的字符各变成一个 [unk]，其余照切", en="each character that does not fit becomes an [unk] of its own"), _UNKNOWN,
                (_FAILS, "            piece, end = unk, start + 1"), skill="edge", hint=3),
        Mistake("wp-unk-run", L(zh="切不下的一串字符变成一个 [unk]，其余照切", en="a run of characters that do not fit becomes one [unk] among the pieces"), _UNKNOWN,
                (_FAILS, "            piece, end = unk, start + 1"), (_TAKES, "pieces += [] if [piece] == pieces[-1:] == [unk] else [piece]"), skill="edge", hint=3),
        Mistake("wp-unk-string", L(zh="切不下去时返回的是字符串 unk，不是列表 [unk]", en="the string unk is returned where no piece fits, not the list [unk]"), _UNKNOWN,
                ("return [unk]", "return unk"), skill="formula", hint=3),
        Mistake("wp-unk-rest", L(zh="保留了前面切好的几块，后面接一个 [unk]", en="the pieces so far are kept and an [unk] follows"), _UNKNOWN,
                (_FAILS, "            return pieces + [unk]"), skill="edge", hint=3),
        Mistake("wp-drops-rest", L(zh="切不下去时只返回了前面的几块", en="only the pieces so far are returned where no piece fits"), _UNKNOWN,
                (_FAILS, "            return pieces"), skill="edge", hint=3),
        Mistake("wp-skips", L(zh="跳过了切不下的字符", en="characters that do not fit are skipped"), _UNKNOWN,
                (_FAILS, "            start += 1\n            continue"), skill="edge", hint=3),
        Mistake("wp-keeps-word", L(zh="切不下去时返回了原来的词，不是 [unk]", en="the word itself is returned where no piece fits, not [unk]"), _UNKNOWN,
                (_FAILS, "            return [word]"), skill="edge", hint=3),
        Mistake("wp-backtracks", L(zh="最长的走不通时退回去试了短的", en="it goes back to a shorter piece where the longest leads nowhere"),
                L(zh="WordPiece 不回头：取了最长的一块，就不再改。", en="WordPiece does not go back: the longest piece, once taken, stays."), program=_backtracking,
                skill="rank", hint=3),
        Mistake("wp-empty-unk", L(zh="空字符串得到了 [unk]", en="an empty string gives [unk]"), L(zh="没有字符，就没有块。", en="No characters, no pieces."),
                ("return pieces", "return pieces or [unk]"), skill="edge", hint=1),
        Mistake("wp-lower-case", L(zh="先把词变成了小写", en="the word is lower-cased first"), L(zh="本题不改大小写。", en="In this task the case stays as it is."),
                ("    pieces, start = [], 0", "    word = word.lower()\n    pieces, start = [], 0"), skill="edge", hint=1),
        Mistake("wp-length-limit", L(zh="太长的词直接变成 [unk]", en="very long words become [unk]"), L(zh="本题没有长度限制。", en="This task has no length limit."),
                ("    pieces, start = [], 0", "    if len(word) > 100:\n        return [unk]\n    pieces, start = [], 0"), skill="edge", hint=1,
                also=((("    pieces, start = [], 0", "    if len(word) > 200:\n        return [unk]\n    pieces, start = [], 0"),),)),
        Mistake("wp-fixed-unk", L(zh="总是返回 \"[UNK]\"，没有用 unk 参数", en="\"[UNK]\" is returned whatever unk says"), _UNKNOWN, ("return [unk]", "return [\"[UNK]\"]"),
                skill="edge", hint=3),
        Mistake("wp-fixed-prefix", L(zh="前缀总是 \"##\"，没有用 prefix 参数", en="the prefix is always \"##\", whatever prefix says"), _PREFIX,
                ("(prefix if start", "(\"##\" if start"), skill="edge"),
        Mistake("wp-one-short", L(zh="右端少试了一格：从没试过到词尾的一整段", en="the stretch up to the end of the word is never tried"), _GREEDY,
                ("range(len(word), start, -1)", "range(len(word) - 1, start, -1)"), skill="shift", hint=1),
        Mistake("wp-one-character-lost", L(zh="从没试过只有一个字符的一段", en="stretches of one character are never tried"), _GREEDY,
                ("range(len(word), start, -1)", "range(len(word), start + 1, -1)"), skill="shift", hint=1),
        Mistake("wp-whole-word-only", L(zh="只看了整个词在不在词表里", en="only the whole word is looked up"), _GREEDY,
                ("range(len(word), start, -1)", "range(len(word), len(word) - 1, -1)"), skill="formula", hint=1),
    ),
    alternatives=(wordpiece_next, wordpiece_recursive, wordpiece_shrinking, wordpiece_by_length, wordpiece_trie,
                  (("(prefix if start > 0 else \"\") + word[start:end]", "(word[start:end] if start == 0 else prefix + word[start:end])"),)),
    think=L(zh="什么样的词会变成 [UNK]？字节级的 BPE 为什么不会遇到这种情况？", en="Which words become [UNK]? Why does byte-level BPE never need it?"),
)

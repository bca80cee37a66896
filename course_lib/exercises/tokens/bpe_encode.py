"""tokens.bpe_encode: cutting a word with learned merges."""
from __future__ import annotations

from ...i18n import L
from ..engine.exact import Exact
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import BOUNDARY, LEFT_TO_RIGHT, corpus, replaced, word
from .bpe_train import bpe_train

__all__ = ["EXERCISE"]


def bpe_encode(word, merges):
    """Cut a word with the merges of byte-pair encoding.

    word: str; merges: list of (left, right) as bpe_train returns it. Returns a list of str; characters that no merge knows stay as they
    are; '' gives [].

    Begin with the characters; always join the pair that was learned earliest of those that occur, everywhere, from left to right without
    overlap.
    """
    symbols = list(word)
    for pair in merges:                          # earliest-learned first
        for i in range(len(symbols)):            # symbols grow fewer
            if tuple(symbols[i:i + 2]) == pair:
                symbols[i:i + 2] = ["".join(pair)]
    return symbols


def encode_as_told(word, merges):
    """To the letter: look for the earliest pair again after every merge."""
    symbols = list(word)
    while True:
        pairs = set(zip(symbols, symbols[1:]))
        best = next((pair for pair in merges if pair in pairs), None)
        if best is None:
            return symbols
        for i in range(len(symbols)):                        # symbols grow fewer
            if tuple(symbols[i:i + 2]) == best:
                symbols[i:i + 2] = ["".join(best)]


def encode_by_rank(word, merges):
    rank = {pair: i for i, pair in enumerate(merges)}
    symbols = [c for c in word]
    while len(symbols) > 1:
        place = min(range(len(symbols) - 1), key=lambda i: rank.get((symbols[i], symbols[i + 1]), len(merges)))
        if (symbols[place], symbols[place + 1]) not in rank:
            break
        symbols = symbols[:place] + [symbols[place] + symbols[place + 1]] + symbols[place + 2:]
    return symbols


def encode_recursive(word, merges, symbols=None):
    symbols = list(word) if symbols is None else symbols
    found = [p for p in merges if any(p == q for q in zip(symbols, symbols[1:]))]
    if not found:
        return symbols
    (left, right), i, out = found[0], 0, []
    while i < len(symbols):
        both = symbols[i:i + 2] == [left, right]
        out.append(left + right if both else symbols[i])
        i += 2 if both else 1
    return encode_recursive(word, merges, out)


def encode_on_strings(word, merges):
    text = "".join(f"\0{c}\1" for c in word)
    for a, b in merges:
        text = text.replace(f"\0{a}\1\0{b}\1", f"\0{a}{b}\1")
    return text[1:-1].split("\1\0") if word else []


def encode_linked(word, merges):
    """Borders between symbols, of which merging removes some."""
    borders = list(range(len(word) + 1))
    for a, b in merges:
        i = 0
        while i + 2 < len(borders):
            if word[borders[i]:borders[i + 1]] == a and word[borders[i + 1]:borders[i + 2]] == b:
                del borders[i + 1]
            i += 1
    return [word[s:e] for s, e in zip(borders, borders[1:])]


def _encode_cases(draw: Draw) -> list[Case]:
    order, runs = L(zh="合并的先后", en="the order of the merges"), L(zh="重复的字符", en="runs of one character")
    three, two = corpus(draw, "abc", 8), corpus(draw, "ab", 8)
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ("abcab", [("b", "c"), ("a", "b")])),
        Case(L(zh="先学到的先合并", en="the earlier merge comes first"), ("abcd", [("c", "d"), ("b", "cd"), ("a", "b")]), order),
        Case(L(zh="最长的不一定先合并", en="the longest piece is not the first"), ("abcdab", [("a", "b"), ("c", "d"), ("b", "c"), ("bc", "a")]), order),
        Case(L(zh="一层一层地合并", en="merges upon merges"), ("lowerlow", [("l", "o"), ("lo", "w"), ("e", "r"), ("low", "er")])),
        Case(L(zh="重复的字符", en="a run of one character"), ("aaaaaba", [("a", "a"), ("aa", "a"), ("b", "a")]), runs),
        Case(L(zh="五个相同的字符", en="five equal characters"), ("xaaaaa", [("a", "a"), ("x", "a")]), runs),
        Case(L(zh="一个符号的结尾像另一个符号", en="one symbol ends like another"), ("xabab", [("x", "a"), ("a", "b")])),
        Case(L(zh="没见过的字符", en="unseen characters"), ("a🙂ab?", [("a", "b")]), L(zh="没见过的字符", en="unseen characters")),
        Case(L(zh="中文", en="Chinese"), ("北京大学生", [("学", "生"), ("北", "京"), ("大", "学")])),
        Case(L(zh="空字符串", en="an empty string"), ("", [("a", "b")]), L(zh="空字符串", en="the empty string")),
        Case(L(zh="没有合并", en="no merges"), ("abc", []), L(zh="没有合并的情形", en="the case without merges")),
        Case(L(zh="一个字符", en="a single character"), ("b", [("a", "b")])),
        Case(L(zh="学来的合并，字母 abc", en="learned merges over abc"), (word(draw, 14, "abc"), bpe_train(three, 7))),
        Case(L(zh="学来的合并，字母 ab", en="learned merges over ab"), (word(draw, 18, "ab"), bpe_train(two, 6))),
        Case(L(zh="学来的合并，词在语料里", en="learned merges, a word of the corpus"), (max(three, key=len) + min(three), bpe_train(three, 12))),
    ]


_ORDER = L(zh="每一步看的是：现在出现的对里，哪一个在 merges 里排得最前？", en="At each step: of the pairs that occur now, which stands first in merges?")
_CONTRACT = L(zh="题目要的是字符串的列表，连起来就是原来的词。", en="The task asks for a list of strings that join to the word.")


def _longest(word, merges):
    known, out, start = {left + right for left, right in merges}, [], 0
    while start < len(word):
        end = next((e for e in range(len(word), start + 1, -1) if word[start:e] in known), start + 1)
        out.append(word[start:end])
        start = end
    return out


def _leftmost(word, merges):
    symbols = list(word)
    while (i := next((i for i in range(len(symbols) - 1) if tuple(symbols[i:i + 2]) in merges), None)) is not None:
        symbols[i:i + 2] = ["".join(symbols[i:i + 2])]
    return symbols


def _replacing(word, merges):
    text = " ".join(word)
    for pair in merges:
        text = replaced(text, pair)
    return text.split(" ") if word else []


def _first_only(word, merges):
    symbols = list(word)
    for pair in merges:
        i = next((i for i in range(len(symbols) - 1) if tuple(symbols[i:i + 2]) == pair), None)
        if i is not None:
            symbols[i:i + 2] = ["".join(pair)]
    return symbols


def _most_frequent(word, merges):
    symbols = list(word)
    while True:
        pairs = [pair for pair in zip(symbols, symbols[1:]) if pair in merges]
        if not pairs:
            return symbols
        best = min(set(pairs), key=lambda pair: (-pairs.count(pair), merges.index(pair)))
        for i in range(len(symbols)):
            if tuple(symbols[i:i + 2]) == best:
                symbols[i:i + 2] = ["".join(best)]


def _overlapping(word, merges):
    symbols = list(word)
    for pair in merges:
        out = []
        for i, symbol in enumerate(symbols):
            if tuple(symbols[i:i + 2]) == pair:
                out.append("".join(pair))
            elif i == 0 or tuple(symbols[i - 1:i + 1]) != pair:
                out.append(symbol)
        symbols = out
    return symbols


_KNOWN = "any(symbol in left + right for left, right in merges)"

EXERCISE = Exercise(
    id="tokens.bpe_encode", title=L(zh="用 BPE 切词", en="Encoding with BPE"), reference=bpe_encode, returns=Exact(list), cases=_encode_cases,
    hints=(
        L(zh="从一个字符一个符号开始，一轮一轮地合并，直到没有学过的对。", en="Begin with one symbol a character and merge, round by round, until no learned pair is left."),
        L(zh="先学到的先合并：在 merges 里从头往后走。学到一个合并时，比它早的合并已经没有可合的了，所以走一遍就够。",
          en="What was learned first is merged first: go through merges from the start. When a merge was learned, the earlier ones had nothing left to join, so one pass is enough."),
        L(zh="把这一对的每一处都合并：从左往右走，`symbols[i:i + 2]` 等于它就换成一个符号。aaa 变成 aa、a。",
          en="Join every occurrence of it: go from left to right and put one symbol where `symbols[i:i + 2]` is the pair. aaa becomes aa, a."),
    ),
    mistakes=(
        Mistake("bpe-encode-not-by-rank", L(zh="没有按合并的先后，而是取最长的匹配，或者先合并最左边的对",
                                            en="the longest match or the leftmost pair is taken, not the merge that was learned earliest"), _ORDER,
                program=_longest, also=(_leftmost,), skill="rank", hint=2),
        Mistake("bpe-encode-reversed", L(zh="先用了最后学到的合并", en="the merge that was learned last comes first"), _ORDER,
                ("in merges", "in reversed(merges)"), skill="rank", hint=2),
        Mistake("bpe-encode-by-count", L(zh="先合并了词里出现最多的对", en="the pair that is most frequent in the word comes first"), _ORDER,
                program=_most_frequent, skill="rank", hint=2),
        Mistake("bpe-encode-alphabetical", L(zh="先用了字典序最小的对", en="the smallest tuple comes first"), _ORDER, ("in merges", "in sorted(merges)"),
                skill="rank", hint=2),
        Mistake("bpe-substring", L(zh="用字符串替换来合并，越过了符号的边界", en="a string replacement merges across the borders of symbols"), BOUNDARY,
                program=_replacing, skill="edge", hint=3),
        Mistake("bpe-first-occurrence", L(zh="每个合并只用在第一处", en="each merge is applied to its first occurrence only"),
                L(zh="一个合并要用在它出现的每一处。", en="A merge is applied wherever it occurs."), program=_first_only, skill="edge", hint=3),
        Mistake("bpe-one-round", L(zh="只合并了一轮就停了", en="it stops after one round"),
                L(zh="合并之后会出现新的对。", en="A merge makes new pairs."),
                ("    return symbols", "        if len(symbols) < len(word):\n            break\n    return symbols"), skill="edge", hint=1),
        Mistake("bpe-from-the-right", L(zh="从右往左合并", en="the merge runs from right to left"), LEFT_TO_RIGHT,
                ("in range(len(symbols))", "in reversed(range(len(symbols)))"), skill="shift", hint=3),
        Mistake("bpe-overlapping-merge", L(zh="重叠的对都合并了：aaa 变成了 aa、aa", en="overlapping pairs are all merged: aaa becomes aa, aa"), LEFT_TO_RIGHT,
                program=_overlapping, skill="shift", hint=3),
        Mistake("bpe-unseen-unk", L(zh="没见过的字符换成了 [UNK]", en="unseen characters become [UNK]"),
                L(zh="merges 里没有的字符照原样留下。", en="Characters that no merge knows stay as they are."),
                ("return symbols", f"return [symbol if {_KNOWN} else \"[UNK]\" for symbol in symbols]"), skill="edge", hint=1),
        Mistake("bpe-unseen-dropped", L(zh="没见过的字符被丢掉了", en="unseen characters are dropped"),
                L(zh="merges 里没有的字符照原样留下。", en="Characters that no merge knows stay as they are."),
                ("return symbols", f"return [symbol for symbol in symbols if {_KNOWN}]"), skill="edge", hint=1),
        Mistake("bpe-empty", L(zh="空字符串得到了 ['']", en="an empty string gives ['']"), L(zh="没有字符，就没有符号。", en="No characters, no symbols."),
                ("return symbols", "return symbols or [\"\"]"), skill="edge", hint=1),
        Mistake("bpe-joined", L(zh="返回的是一个用空格隔开的字符串", en="one string with spaces is returned"), _CONTRACT,
                ("return symbols", "return \" \".join(symbols)"), skill="formula", hint=1),
        Mistake("bpe-last-merge-lost", L(zh="少用了最后一个合并", en="the last merge is left out"), _ORDER, ("in merges", "in merges[:-1]"), skill="shift", hint=2),
        Mistake("bpe-first-merge-lost", L(zh="少用了第一个合并", en="the first merge is left out"), _ORDER, ("in merges", "in merges[1:]"), skill="shift", hint=2),
        Mistake("bpe-end-marker", L(zh="给词加了结尾标记 </w>", en="the word gets the end marker </w>"), L(zh="本题的词不加结尾标记。", en="In this task words have no end marker."),
                ("symbols = list(word)", "symbols = [*word, \"</w>\"]"), convention=True, skill="edge", hint=1),
        Mistake("bpe-distinct", L(zh="重复的符号只留了一个", en="repeated symbols are kept once"), _CONTRACT, ("return symbols", "return list(dict.fromkeys(symbols))"),
                skill="count", hint=1),
        Mistake("bpe-characters", L(zh="只切成了字符，没有合并", en="the characters are returned without merging"), _ORDER,
                ("in merges", "in []"), skill="formula", hint=1),
    ),
    alternatives=(encode_as_told, encode_by_rank, encode_recursive, encode_on_strings, encode_linked,
                  (("symbols = list(word)", "symbols = [character for character in word]"),)),
    think=L(zh="同一个词换一份 merges 就切得不同。为什么模型必须配自己的分词器？", en="Other merges cut the same word differently. Why does a model need its own tokenizer?"),
)

"""tokens.bpe_train: learning the merges of byte-pair encoding."""
from __future__ import annotations

from collections import Counter

from ...i18n import L
from ..engine.exact import Exact
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._shared import BOUNDARY, LEFT_TO_RIGHT, corpus, replaced

__all__ = ["EXERCISE", "bpe_train"]


def bpe_train(words, n_merges):
    """The first merges of byte-pair encoding.

    words: dict word -> count, split into characters, no end marker. Returns a list of (left, right), first learned first; shorter than
    n_merges where no pair is left.

    Steps: count the neighbouring pairs inside words anew, weighted by the words' counts (aaa holds (a, a) once); append the most frequent
    (ties: the smallest tuple); join it in every word, from left to right; repeat.
    """
    parts, merges = {word: list(word) for word in words}, []
    while len(merges) < n_merges and any(len(s) > 1 for s in parts.values()):
        counts = {}
        for word, symbols in parts.items():
            before = None
            for pair in zip(symbols, symbols[1:]):
                before = None if pair == before else pair   # aaa holds (a, a) once
                if before:
                    counts[pair] = counts.get(pair, 0) + words[word]
        merges.append(min(counts, key=lambda pair: (-counts[pair], pair)))
        for symbols in parts.values():
            for i in range(len(symbols)):                        # symbols grow fewer
                if symbols[i:i + 2] == list(merges[-1]):
                    symbols[i:i + 2] = ["".join(merges[-1])]
    return merges


def _merged(symbols, pair):
    out = []
    for symbol in symbols:
        if out and (out[-1], symbol) == pair:
            out[-1] += symbol
        else:
            out.append(symbol)
    return out


def train_by_shrinking(words, n_merges):
    """A pair occurs as often as merging it makes the word shorter."""
    parts, merges = [(tuple(w), n) for w, n in words.items()], []
    for _ in range(n_merges):
        counts = Counter()
        for symbols, n in parts:
            for pair in set(zip(symbols, symbols[1:])):
                counts[pair] += n * (len(symbols) - len(_merged(symbols, pair)))
        if not counts:
            break
        merges.append(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[0][0])
        parts = [(tuple(_merged(symbols, merges[-1])), n) for symbols, n in parts]
    return merges


def train_on_strings(words, n_merges):
    """Each symbol between marks, so that `str.count` and `str.replace` see the boundaries."""
    texts = {w: "".join(f"\0{c}\1" for c in w) for w in words}
    merges = []
    while len(merges) < n_merges:
        counts = {}
        for w, text in texts.items():
            symbols = text[1:-1].split("\1\0")
            for a, b in set(zip(symbols, symbols[1:])):
                counts[a, b] = counts.get((a, b), 0) + words[w] * text.count(f"\0{a}\1\0{b}\1")
        if not counts:
            return merges
        top = max(counts.values())
        a, b = min(pair for pair in counts if counts[pair] == top)
        merges.append((a, b))
        texts = {w: text.replace(f"\0{a}\1\0{b}\1", f"\0{a + b}\1") for w, text in texts.items()}
    return merges


def train_recursive(words, n_merges, parts=None):
    parts = [list(w) for w in words] if parts is None else parts
    counts = {}
    for symbols, n in zip(parts, words.values()):
        i, last = 0, {}
        while i + 1 < len(symbols):
            pair = symbols[i], symbols[i + 1]
            if last.get(pair) != i - 1:
                counts.setdefault(pair, []).append(n)
                last[pair] = i
            i += 1
    if n_merges == 0 or not counts:
        return []
    best = min(counts, key=lambda pair: (-sum(counts[pair]), *pair))
    return [best] + train_recursive(words, n_merges - 1, [_merged(symbols, best) for symbols in parts])


def train_with_ids(words, n_merges):
    """Symbols as numbers in a growing table, in the manner of byte-level tokenizers."""
    names = sorted({c for w in words for c in w})
    parts, merges = [([names.index(c) for c in w], n) for w, n in words.items()], []
    for _ in range(n_merges):
        counts = Counter()
        for ids, n in parts:
            skip = False
            for k in range(len(ids) - 1):
                skip = not skip and k > 0 and ids[k - 1] == ids[k] == ids[k + 1]
                if not skip:
                    counts[ids[k], ids[k + 1]] += n
        if not counts:
            break
        a, b = sorted(counts, key=lambda p: (-counts[p], names[p[0]], names[p[1]]))[0]
        merges.append((names[a], names[b]))
        names.append(names[a] + names[b])
        for ids, _ in parts:
            k = 0
            while k < len(ids) - 1:
                if ids[k] == a and ids[k + 1] == b:
                    ids[k:k + 2] = [len(names) - 1]
                k += 1
    return merges


def train_from_scratch_each_time(words, n_merges):
    """Nothing is kept but the merges: the words are split anew for each."""
    merges = []
    for _ in range(n_merges):
        counts = {}
        for word, n in words.items():
            symbols = list(word)
            for pair in merges:
                symbols = _merged(symbols, pair)
            for pair in dict.fromkeys(zip(symbols, symbols[1:])):
                counts[pair] = counts.get(pair, 0) + n * (len(symbols) - len(_merged(symbols, pair)))
        ranked = sorted(counts, key=lambda pair: pair)
        ranked.sort(key=counts.get, reverse=True)                # a stable sort keeps the smallest tuple first
        merges += ranked[:1]
    return merges


def _train_cases(draw: Draw) -> list[Case]:
    ties, early = L(zh="次数相同时的选择", en="the choice between ties"), L(zh="没有词对可合并", en="running out of pairs")
    runs = L(zh="重复的字符", en="runs of one character")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ({"low": 5, "lower": 2, "aaa": 4}, 3)),
        Case(L(zh="词频不同", en="words of different counts"), ({"ab": 1, "abc": 1, "cd": 9}, 2)),
        Case(L(zh="一个词里同一对出现两次", en="a pair twice in one word"), ({"abxab": 3, "cd": 5}, 3)),
        Case(L(zh="次数相同", en="ties"), ({"ca": 2, "ba": 2, "ac": 2, "bc": 2}, 3), ties),
        Case(L(zh="长短不同的符号次数相同", en="ties between symbols of different lengths"), ({"bc": 20, "ab": 15, "abc": 3, "aba": 3, "ae": 3}, 5), ties),
        Case(L(zh="重复的字符不重叠计数", en="a run counted without overlap"), ({"aaa": 4, "bc": 6, "aaaaa": 1}, 4), runs),
        Case(L(zh="合并后从左往右", en="a run merged from the left"), ({"aaa": 5, "aaab": 4, "baaa": 1}, 5), runs),
        Case(L(zh="一个符号的结尾像另一个符号", en="one symbol ends like another"), ({"xab": 1, "xac": 8, "ab": 5}, 5)),
        Case(L(zh="中文词", en="Chinese words"), ({"北京大学": 4, "大学生": 5, "学生": 3, "北京": 6}, 4)),
        Case(L(zh="词对用完了", en="no pair left"), ({"ab": 3, "ba": 1}, 10), early),
        Case(L(zh="只有单个字符", en="single characters only"), ({"a": 7, "b": 2}, 3), early),
        Case(L(zh="没有词", en="no words"), ({}, 2), early),
        Case(L(zh="n_merges=0", en="n_merges=0"), ({"abab": 3}, 0)),
        Case(L(zh="随机词，字母 abc", en="random words over abc"), (corpus(draw, "abc"), 6)),
        Case(L(zh="随机词，字母 ab", en="random words over ab"), (corpus(draw, "ab"), 8)),
        Case(L(zh="随机词，字母 abcde，12 个", en="12 random words over abcde"), (corpus(draw, "abcde", 12), 10)),
    ]


_COUNTING = L(zh="看看词对是怎么数的：哪些算，每次算几。", en="Look at how pairs are counted: which count, and how much each time.")
_CHOICE = L(zh="看看怎样从计数里选出这一次要合并的一对。", en="Look at how the pair to merge is chosen from the counts.")
_LENGTH = L(zh="看看循环什么时候停。", en="Look at when the loop stops.")


def _cross_word(words, n_merges):
    symbols = [c for word, n in words.items() for c in word * n]
    return bpe_train({"".join(symbols): 1}, n_merges)


def _substring(words, n_merges):
    texts, merges = {w: " ".join(w) for w in words}, []
    while len(merges) < n_merges:
        counts = Counter()
        for w, text in texts.items():
            symbols = text.split(" ")
            for pair in set(zip(symbols, symbols[1:])):
                counts[pair] += words[w] * (len(symbols) - len(_merged(symbols, pair)))
        if not counts:
            break
        merges.append(min(counts, key=lambda pair: (-counts[pair], pair)))
        texts = {w: replaced(text, merges[-1]) for w, text in texts.items()}
    return merges


def _stale(words, n_merges):
    counts = Counter()
    for word, n in words.items():
        for pair in set(zip(word, word[1:])):
            counts[pair] += n * (len(word) - len(_merged(list(word), pair)))
    return sorted(counts, key=lambda pair: (-counts[pair], pair))[:n_merges]


_COUNT = "counts[pair] = counts.get(pair, 0) + words[word]"
_BEST = "min(counts, key=lambda pair: (-counts[pair], pair))"

EXERCISE = Exercise(
    id="tokens.bpe_train", title=L(zh="训练 BPE", en="Training BPE"), reference=bpe_train, returns=Exact(list), cases=_train_cases,
    hints=(
        L(zh="把每个词记成符号的列表，开始时一个字符一个符号。每一轮三步：数相邻的对，选最多的，在所有词里合并它。",
          en="Keep each word as a list of symbols, at first its characters. Each round has three steps: count neighbouring pairs, choose the best, join it in all words."),
        L(zh="一对出现一次，就加上这个词的次数。次数最多的若有几个，取最小的元组：`min(counts, key=lambda pair: (-counts[pair], pair))`。",
          en="Each occurrence adds the count of its word. Among the most frequent take the smallest tuple: `min(counts, key=lambda pair: (-counts[pair], pair))`."),
        L(zh="aaa 里的 (a, a) 只算一次：刚数过的一对，如果紧接着又是它，就跳过。合并也从左往右，合并后的符号不再和右边的 a 算一对。没有词对时提前结束。",
          en="aaa holds (a, a) once: skip a pair that repeats the one just counted. Merging runs from left to right as well, so that a joined symbol does not pair up again. Stop early when no pair is left."),
    ),
    mistakes=(
        Mistake("bpe-ignores-freq", L(zh="没有乘词频：每个词只算一次", en="the words' counts are ignored: each word counts once"), _COUNTING,
                (_COUNT, "counts[pair] = counts.get(pair, 0) + 1"), skill="count"),
        Mistake("bpe-overlap", L(zh="重叠的对重复计数：aaa 里的 (a, a) 算了两次", en="overlapping pairs are counted: (a, a) twice in aaa"), _COUNTING,
                ("None if pair == before else pair", "pair"), skill="count", hint=3),
        Mistake("bpe-run-once", L(zh="一串相同的字符不管多长，都只算一次", en="a run of one character counts once, however long"), _COUNTING,
                ("before = None if pair == before else pair", "again, before = pair == before, pair"), ("if before:", "if not again:"), skill="count", hint=3),
        Mistake("bpe-pair-once-per-word", L(zh="同一对在一个词里出现几次都只算一次", en="a pair counts once in a word, however often it occurs there"), _COUNTING,
                ("in zip(symbols, symbols[1:])", "in set(zip(symbols, symbols[1:]))"), skill="count"),
        Mistake("bpe-cross-word", L(zh="词连成了一串，合并跨过了词的边界", en="the words are strung together, so that pairs cross their borders"),
                L(zh="一对的左右两个符号必须在同一个词里。", en="Both symbols of a pair stand in one word."), program=_cross_word, skill="edge", hint=1),
        Mistake("bpe-substring", L(zh="用字符串替换来合并，越过了符号的边界", en="a string replacement merges across the borders of symbols"), BOUNDARY,
                program=_substring, skill="edge", hint=3),
        Mistake("bpe-stale-counts", L(zh="词对只数了一遍，合并之后没有重新计数", en="pairs are counted once, and not anew after a merge"),
                L(zh="合并之后有了新的符号，旧的对也少了。", en="A merge makes new symbols, and some old pairs are gone."), program=_stale, skill="count", hint=1),
        Mistake("bpe-one-short", L(zh="合并次数差一", en="the number of merges is off by one"), _LENGTH,
                ("len(merges) < n_merges", "len(merges) < n_merges - 1"), skill="shift", hint=1,
                also=((("len(merges) < n_merges", "len(merges) <= n_merges"),),)),
        Mistake("bpe-tie-largest", L(zh="次数相同时取了最大的元组", en="among ties the largest tuple is taken"), _CHOICE,
                (_BEST, "max(counts, key=lambda pair: (counts[pair], pair))"), skill="rank"),
        Mistake("bpe-tie-first", L(zh="次数相同时取了最先遇到的一对", en="among ties the pair that was met first is taken"), _CHOICE,
                (_BEST, "max(counts, key=counts.get)"), skill="rank"),
        Mistake("bpe-tie-last", L(zh="次数相同时取了最后遇到的一对", en="among ties the pair that was met last is taken"), _CHOICE,
                (_BEST, "sorted(counts, key=counts.get)[-1]"), skill="rank"),
        Mistake("bpe-tie-joined", L(zh="次数相同时比的是合并后的字符串，不是元组", en="among ties the joined strings are compared, not the tuples"), _CHOICE,
                (_BEST, "min(counts, key=lambda pair: (-counts[pair], \"\".join(pair)))"), skill="rank"),
        Mistake("bpe-tie-longest", L(zh="次数相同时取了最长的一对", en="among ties the longest pair is taken"), _CHOICE,
                (_BEST, "min(counts, key=lambda pair: (-counts[pair], -len(\"\".join(pair)), pair))"), skill="rank"),
        Mistake("bpe-rarest", L(zh="选了最少见的一对", en="the rarest pair is chosen"), _CHOICE, ("(-counts[pair], pair)", "(counts[pair], pair)"),
                skill="rank", hint=1),
        Mistake("bpe-smallest", L(zh="选了最小的元组，没有看次数", en="the smallest tuple is chosen, whatever the counts"), _CHOICE,
                (_BEST, "min(counts)"), skill="rank", hint=1),
        Mistake("bpe-strings", L(zh="返回的是合并后的字符串，不是一对", en="the joined strings are returned, not pairs"),
                L(zh="题目要的是 (左, 右) 的列表。", en="The task asks for a list of (left, right)."), ("return merges", "return [\"\".join(pair) for pair in merges]"),
                skill="formula", hint=1),
        Mistake("bpe-swapped", L(zh="每一对的左右颠倒了", en="left and right of each pair are exchanged"),
                L(zh="题目要的是 (左, 右) 的列表。", en="The task asks for a list of (left, right)."), ("return merges", "return [pair[::-1] for pair in merges]"),
                skill="shift", hint=1),
        Mistake("bpe-no-early-stop", L(zh="没有词对时没有停下，而是报错", en="it fails when no pair is left"), _LENGTH,
                (" and any(len(s) > 1 for s in parts.values())", ""), skill="edge", hint=3),
        Mistake("bpe-first-occurrence", L(zh="每个词里只合并了第一处", en="only the first occurrence in each word is merged"),
                L(zh="这一对在词里出现几次，就合并几处。", en="Every occurrence of the pair in a word is joined."),
                ("= [\"\".join(merges[-1])]", "= [\"\".join(merges[-1])]\n                    break"), skill="edge", hint=3),
        Mistake("bpe-from-the-right", L(zh="从右往左合并", en="the merge runs from right to left"), LEFT_TO_RIGHT,
                ("in range(len(symbols))", "in reversed(range(len(symbols)))"), skill="shift", hint=3),
        Mistake("bpe-end-marker", L(zh="给每个词加了结尾标记 </w>", en="every word gets the end marker </w>"),
                L(zh="本题的词不加结尾标记。", en="In this task words have no end marker."), ("list(word) for word", "[*word, \"</w>\"] for word"), convention=True,
                skill="edge", hint=1),
        Mistake("bpe-two-at-least", L(zh="只出现一次的对没有合并", en="pairs that occur once are not merged"),
                L(zh="只要还有词对，就继续合并。", en="The merging goes on as long as there is a pair."),
                ("        merges.append(", "        if max(counts.values()) < 2:\n            break\n        merges.append("), skill="edge", hint=3),
    ),
    alternatives=(train_by_shrinking, train_on_strings, train_recursive, train_with_ids, train_from_scratch_each_time,
                  (("before = None if pair == before else pair", "before = pair if pair != before else None"),)),
    think=L(zh="为什么训练时先把文本切成词，而不是让词对跨过空格？", en="Why is the text cut into words first, instead of letting pairs cross spaces?"),
)

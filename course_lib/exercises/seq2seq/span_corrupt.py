"""seq2seq.span_corrupt: T5's pre-training task, spans replaced by sentinels."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import IntList, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def span_corrupt(ids, spans, sentinels):
    """T5's pre-training task (Raffel et al. 2020): spans leave the input, one sentinel each, and become the target.

    ids: list. spans: list of (start, end), end exclusive, ascending. sentinels: list of ids. Returns lists (inputs, targets). In inputs span i becomes
    the one id sentinels[i]; targets: each sentinel, then its span, last the next unused sentinel; no end token. Touching spans stay two; no spans:
    (ids, [sentinels[0]]). Empty, unordered, overlapping or outside spans and too few sentinels raise ValueError.
    """
    if len(sentinels) <= len(spans):
        raise ValueError("one sentinel more than spans is needed")
    inputs, targets, place = [], [], 0
    for (start, end), sentinel in zip(spans, sentinels):
        if not place <= start < end <= len(ids):
            raise ValueError("spans must be non-empty, in order, apart and inside")
        inputs += [*ids[place:start], sentinel]
        targets += [sentinel, *ids[start:end]]
        place = end
    return inputs + ids[place:], [*targets, sentinels[len(spans)]]


def _checked(ids, spans, sentinels):
    ends = [place for span in spans for place in span]
    if len(sentinels) < len(spans) + 1 or any(a >= b for a, b in spans) or ends != sorted(ends) or (ends and (ends[0] < 0 or ends[-1] > len(ids))):
        raise ValueError(spans)


def span_token_by_token(ids, spans, sentinels):
    """For each token: in which span, if any?"""
    _checked(ids, spans, sentinels)
    inputs, targets, last = [], [], None
    for t, token in enumerate(ids):
        here = next((i for i, (a, b) in enumerate(spans) if a <= t < b), None)
        if here is None:
            inputs.append(token)
        else:
            if here != last:
                inputs.append(sentinels[here])
                targets.append(sentinels[here])
            targets.append(token)
        last = here
    return inputs, targets + [sentinels[len(spans)]]


def span_backwards(ids, spans, sentinels):
    """From the last span, so that earlier places stay as they are."""
    _checked(ids, spans, sentinels)
    inputs, targets = list(ids), [sentinels[len(spans)]]
    for i in reversed(range(len(spans))):
        a, b = spans[i]
        targets[:0] = [sentinels[i]] + ids[a:b]
        inputs[a:b] = [sentinels[i]]
    return inputs, targets


def span_gaps(ids, spans, sentinels):
    """What is left lies between the spans."""
    _checked(ids, spans, sentinels)
    starts, ends = [0] + [b for _, b in spans], [a for a, _ in spans] + [len(ids)]
    inputs = list(ids[starts[0]:ends[0]])
    for sentinel, a, b in zip(sentinels, starts[1:], ends[1:]):
        inputs += [sentinel] + list(ids[a:b])
    targets = sum(([s, *ids[a:b]] for s, (a, b) in zip(sentinels, spans)), [])
    return inputs, targets + sentinels[len(spans):len(spans) + 1]


def span_recursive(ids, spans, sentinels):
    _checked(ids, spans, sentinels)
    if not spans:
        return list(ids), sentinels[:1]
    a, b = spans[0]
    rest, said = span_recursive(ids[b:], [(s - b, e - b) for s, e in spans[1:]], sentinels[1:])
    return ids[:a] + sentinels[:1] + rest, sentinels[:1] + ids[a:b] + said


def span_numpy(ids, spans, sentinels):
    import numpy as np
    _checked(ids, spans, sentinels)
    hidden, first = np.zeros(len(ids), bool), np.zeros(len(ids), bool)
    for a, b in spans:
        hidden[a:b], first[a] = True, True
    marked = np.array(ids, dtype=np.int64)
    marked[first] = np.array(sentinels[:len(spans)], dtype=np.int64)
    inputs = marked[~hidden | first].tolist()
    targets = [i for s, (a, b) in zip(sentinels, spans) for i in (s, *ids[a:b])]
    return inputs, [*targets, sentinels[len(spans)]]


def span_tensor(ids, spans, sentinels):
    """Cut into pieces by torch; the pieces of odd number are the spans."""
    _checked(ids, spans, sentinels)
    cuts = [place for span in spans for place in span]
    pieces = [piece.tolist() for piece in torch.tensor(ids, dtype=torch.long).tensor_split(cuts)] if cuts else [list(ids)]
    inputs, targets = list(pieces[0]), []
    for i, sentinel in enumerate(sentinels[:len(spans)]):
        inputs += [sentinel, *pieces[2 * i + 2]]
        targets += [sentinel, *pieces[2 * i + 1]]
    return inputs, targets + [sentinels[len(spans)]]


def _cases(draw: Draw) -> list[Case]:
    none, touch, edge = L(zh="没有片段", en="no spans"), L(zh="紧挨着的片段", en="touching spans"), L(zh="两端的片段", en="spans at the ends")
    order, bad, few = L(zh="哨兵的次序", en="the order of the sentinels"), L(zh="不允许的片段", en="spans that are not allowed"), L(zh="哨兵不够", en="too few sentinels")
    text = draw.ints(50, 20, low=10).tolist()
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ([1, 2, 3, 4, 5, 6], [(1, 3), (4, 5)], [99, 98, 97])),
        Case(L(zh="一段，三个词元", en="one span of three"), ([11, 12, 13, 14, 15, 16, 17], [(2, 5)], [99, 98])),
        Case(L(zh="20 个词元，三段", en="20 ids, three spans"), (text, [(2, 4), (7, 10), (15, 16)], [99, 98, 97, 96, 95])),
        Case(L(zh="哨兵不是递减的", en="sentinels that do not descend"), (text[:12], [(1, 2), (4, 7), (9, 10)], [70, 93, 81, 66]), order),
        Case(L(zh="第一个词元就在片段里", en="a span at the start"), (text[:8], [(0, 2), (5, 6)], [99, 98, 97]), edge),
        Case(L(zh="最后一个词元也在片段里", en="a span at the end"), (text[:8], [(2, 3), (6, 8)], [99, 98, 97]), edge),
        Case(L(zh="整句都是一段", en="one span over everything"), ([4, 5, 6], [(0, 3)], [99, 98]), edge),
        Case(L(zh="两段紧挨着", en="two touching spans"), (text[:9], [(2, 4), (4, 7)], [99, 98, 97]), touch),
        Case(L(zh="三段挨着，盖住整句", en="three touching spans cover everything"), ([4, 5, 6, 7], [(0, 1), (1, 3), (3, 4)], [99, 98, 97, 96]), touch),
        Case(L(zh="没有片段", en="no spans"), ([3, 1, 2], [], [99, 98]), none),
        Case(L(zh="没有词元", en="no ids"), ([], [], [99]), none),
        Case(L(zh="哨兵正好多一个", en="just one sentinel more"), ([7, 7, 8, 7, 7], [(1, 2), (3, 4)], [99, 98, 97])),
        Case(L(zh="词元重复", en="repeated ids"), ([7, 8, 7, 8, 7, 8], [(0, 1), (2, 4)], [99, 98, 97])),
        Case(L(zh="空的片段", en="an empty span"), ([1, 2, 3, 4], [(2, 2)], [99, 98]), bad),
        Case(L(zh="次序颠倒", en="spans out of order"), ([1, 2, 3, 4, 5], [(3, 4), (0, 2)], [99, 98, 97]), bad),
        Case(L(zh="重叠", en="overlapping spans"), ([1, 2, 3, 4, 5], [(0, 3), (2, 4)], [99, 98, 97]), bad),
        Case(L(zh="超出末尾", en="a span beyond the end"), ([1, 2, 3], [(1, 4)], [99, 98]), bad),
        Case(L(zh="负的起点", en="a negative start"), ([1, 2, 3], [(-2, 2)], [99, 98]), bad),
        Case(L(zh="起点在终点之后", en="a start behind its end"), ([1, 2, 3, 4], [(3, 1)], [99, 98]), bad),
        Case(L(zh="哨兵和片段一样多", en="as many sentinels as spans"), ([1, 2, 3, 4], [(1, 2), (3, 4)], [99, 98]), few),
        Case(L(zh="哨兵比片段少", en="fewer sentinels than spans"), ([1, 2, 3, 4], [(1, 2), (3, 4)], [99]), few),
        Case(L(zh="没有哨兵", en="no sentinels"), ([1, 2], [], []), few),
    ]


_INPUT = L(zh="输入：每一段，不管多长，都只换成一个哨兵；段外的词元照抄。", en="Inputs: each span, however long, becomes one sentinel; what lies outside is copied.")
_TARGET = L(zh="目标：哨兵，接着是这一段的词元；全部写完，再加一个没用过的哨兵。", en="Targets: a sentinel, then the ids of its span; after the last of them one unused sentinel.")
_SENTINEL = L(zh="第 i 段用 sentinels[i]，输入里和目标里是同一个。", en="Span i has sentinels[i], the same one in inputs and in targets.")
_END = L(zh="终点不含在内，和切片一样：ids[start:end]。", en="The end is exclusive, as in a slice: ids[start:end].")
_BAD = L(zh="题目列出的五种情形都要抛出 ValueError。", en="The task lists five cases that raise ValueError.")
_IN, _OUT, _RETURN = "[*ids[place:start], sentinel]", "[sentinel, *ids[start:end]]", "return inputs + ids[place:], [*targets, sentinels[len(spans)]]"


def _merged(ids, spans, sentinels):
    _checked(ids, spans, sentinels)
    joined = []
    for a, b in spans:
        if joined and joined[-1][1] == a:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return span_gaps(ids, joined, sentinels)


def _per_token(ids, spans, sentinels):
    inputs, targets = span_gaps(ids, spans, sentinels)
    length = {sentinel: b - a for sentinel, (a, b) in zip(sentinels, spans)}
    return [i for token in inputs for i in [token] * length.get(token, 1)], targets


EXERCISE = Exercise(
    id="seq2seq.span_corrupt", title=L(zh="片段破坏", en="Span corruption"), reference=span_corrupt,
    returns=Tuple((("inputs", IntList()), ("targets", IntList()))), cases=_cases,
    hints=(
        L(zh="从左往右走，记住走到了哪里（place）。每到一段：先抄段前的词元，再放一个哨兵，然后跳到段尾。",
          en="Go from left to right and remember the place. At each span: copy what lies before it, put one sentinel, jump to its end."),
        L(zh="同一趟里写目标：哨兵，接着 `ids[start:end]`。走完以后，输入补上剩下的，目标补上下一个哨兵 `sentinels[len(spans)]`。",
          en="Write the targets on the same way: the sentinel, then `ids[start:end]`. At the end inputs get the rest, targets the next sentinel, `sentinels[len(spans)]`."),
        L(zh="一个链式比较就能查出四种坏片段：`place <= start < end <= len(ids)`。哨兵至少比片段多一个，先查。",
          en="One chained comparison finds four kinds of bad span: `place <= start < end <= len(ids)`. There must be one sentinel more than spans: check that first."),
    ),
    mistakes=(
        Mistake("span-end-inclusive", L(zh="终点也算在片段里", en="the end belongs to the span"), _END, ("targets += [sentinel, *ids[start:end]]", "targets += [sentinel, *ids[start:end + 1]]"), ("place = end", "place = end + 1"), skill="shift",
                also=((("targets += [sentinel, *ids[start:end]]", "targets += [sentinel, *ids[start:end + 1]]"),),)),
        Mistake("span-length", L(zh="把 (start, end) 当成了起点和长度", en="(start, end) is read as start and length"), _END,
                (_OUT, "[sentinel, *ids[start:start + end]]"), ("place = end", "place = start + end"), skill="shift"),
        Mistake("span-per-token", L(zh="片段里每个词元都换成了一个哨兵", en="each id of a span becomes a sentinel"), _INPUT, program=_per_token, skill="count", hint=1),
        Mistake("span-no-sentinel", L(zh="输入里没有哨兵：片段直接消失", en="inputs have no sentinels: the spans vanish"), _INPUT, (_IN, "ids[place:start]"), skill="formula", hint=1),
        Mistake("span-stays", L(zh="片段还留在输入里", en="the spans stay in inputs"), _INPUT, ("place = end", "place = start"), skill="shift", hint=1),
        Mistake("span-tail-lost", L(zh="最后一段后面的词元丢了", en="what follows the last span is lost"), _INPUT, ("inputs + ids[place:]", "inputs"), skill="edge", hint=2),
        Mistake("span-head-lost", L(zh="段前的词元丢了", en="what precedes a span is lost"), _INPUT, (_IN, "[sentinel]"), skill="edge", hint=1),
        Mistake("span-one-sentinel", L(zh="每一段用的都是第一个哨兵", en="every span has the first sentinel"), _SENTINEL, (_IN, "[*ids[place:start], sentinels[0]]"), (_OUT, "[sentinels[0], *ids[start:end]]"), skill="alias", hint=1,
                also=(((_IN, "[*ids[place:start], sentinels[0]]"),), ((_OUT, "[sentinels[0], *ids[start:end]]"),))),
        Mistake("span-sentinel-number", L(zh="写的是第几段，不是 sentinels 里的编号", en="the number of the span stands there, not the id from sentinels"), _SENTINEL,
                ("zip(spans, sentinels)", "zip(spans, range(len(spans)))"), skill="alias", hint=1),
        Mistake("span-backward-sentinels", L(zh="哨兵从后往前用", en="sentinels are used from the last to the first"), _SENTINEL, ("zip(spans, sentinels)", "zip(spans, sentinels[::-1])"), skill="rank", hint=1),
        Mistake("span-descending", L(zh="哨兵按“第一个减 i”来算，没有用列表", en="sentinels are counted down from the first, not taken from the list"), _SENTINEL,
                ("zip(spans, sentinels)", "zip(spans, range(sentinels[0], sentinels[0] - len(spans), -1))"), (_RETURN, "return inputs + ids[place:], [*targets, sentinels[0] - len(spans)]"), skill="alias", hint=1),
        Mistake("span-no-last", L(zh="目标末尾少了没用过的哨兵", en="targets lack the unused sentinel at the end"), _TARGET, ("[*targets, sentinels[len(spans)]]", "targets"), skill="edge"),
        Mistake("span-last-used", L(zh="目标末尾放的是最后用过的哨兵", en="targets end with the last sentinel used"), _TARGET, ("sentinels[len(spans)]]", "sentinels[max(len(spans) - 1, 0)]]"), skill="shift"),
        Mistake("span-last-of-list", L(zh="目标末尾放的是列表里最后一个哨兵", en="targets end with the last sentinel of the list"), _TARGET, ("sentinels[len(spans)]]", "sentinels[-1]]"), skill="rank"),
        Mistake("span-last-in-inputs", L(zh="输入末尾也加了一个哨兵", en="inputs end with a sentinel, too"), _INPUT, ("inputs + ids[place:]", "inputs + ids[place:] + [sentinels[len(spans)]]"), skill="edge"),
        Mistake("span-bare-target", L(zh="目标里没有分隔的哨兵", en="targets have no sentinels before the spans"), _TARGET, (_OUT, "ids[start:end]"), skill="formula"),
        Mistake("span-sentinel-after", L(zh="目标里哨兵放在了片段后面", en="targets have each sentinel after its span"), _TARGET, (_OUT, "[*ids[start:end], sentinel]"), skill="rank"),
        Mistake("span-whole-target", L(zh="目标是整句原文", en="targets are the whole text"), _TARGET, ("[*targets, sentinels[len(spans)]]", "[*ids]"), skill="formula"),
        Mistake("span-full-target", L(zh="目标末尾还抄了剩下的词元", en="targets end with the rest of the text"), _TARGET, ("[*targets, sentinels[len(spans)]]", "[*targets, sentinels[len(spans)], *ids[place:]]"), skill="edge"),
        Mistake("span-exchanged", L(zh="返回的次序反了：(targets, inputs)", en="(targets, inputs) is returned"), L(zh="先 inputs，后 targets。", en="inputs first, then targets."),
                (_RETURN, "return [*targets, sentinels[len(spans)]], inputs + ids[place:]"), skill="rank", hint=2),
        Mistake("span-merged", L(zh="紧挨着的两段合成了一段", en="touching spans are joined"), L(zh="紧挨着的两段仍是两段，各有一个哨兵。", en="Touching spans stay two, with a sentinel each."), program=_merged, skill="edge", hint=1),
        Mistake("span-touching-refused", L(zh="紧挨着的两段也抛出了 ValueError", en="touching spans raise ValueError"), L(zh="紧挨着不是重叠：start 可以等于前一段的 end。", en="Touching is not overlapping: start may equal the end before."),
                ("not place <= start", "not place - (place == 0) < start"), skill="edge", hint=3),
        Mistake("span-no-check", L(zh="坏的片段没有报错", en="bad spans are not refused"), _BAD, ("if not place <= start < end <= len(ids):", "if False:"), skill="edge", hint=3),
        Mistake("span-empty-allowed", L(zh="空的片段没有报错", en="an empty span is not refused"), _BAD, ("start < end <=", "start <= end <="), skill="edge", hint=3),
        Mistake("span-order-unchecked", L(zh="次序和重叠没有查", en="order and overlap are not checked"), _BAD, ("not place <= start", "not 0 <= start"), skill="edge", hint=3),
        Mistake("span-outside-allowed", L(zh="超出末尾的片段没有报错", en="a span beyond the end is not refused"), _BAD, (" <= len(ids):", ":"), skill="edge", hint=3),
        Mistake("span-few-sentinels", L(zh="哨兵不够时没有抛出 ValueError", en="too few sentinels are not refused"), _BAD, ("if len(sentinels) <= len(spans):", "if False:"), skill="edge", hint=3),
        Mistake("span-one-sentinel-short", L(zh="哨兵和片段一样多时没有抛出 ValueError", en="as many sentinels as spans are not refused"), _BAD, ("<= len(spans):", "< len(spans):"), skill="edge", hint=3),
    ),
    alternatives=(span_token_by_token, span_backwards, span_gaps, span_recursive, span_numpy, span_tensor),
    think=L(zh="目标只写被遮住的片段，不写整句。这省下了多少计算？", en="Targets hold the hidden spans, not the whole text. How much computing does that save?"),
)

"""apps.chunk: cutting a text into overlapping chunks."""
from __future__ import annotations

import math

from ...i18n import L
from ..engine.contract import Windows
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def chunk(tokens, size, overlap):
    """Cut a long text into overlapping windows.

    tokens: list; windows of `size` start every size - overlap tokens; the last may be shorter; no window lies wholly inside the one
    before; [] for []; overlap >= size raises ValueError.
    """
    if overlap >= size:
        raise ValueError("overlap must be smaller than size")
    windows = []
    for start in range(0, len(tokens), size - overlap):
        windows.append(tokens[start:start + size])
        if start + size >= len(tokens):
            break
    return windows


def chunk_while(tokens, size, overlap):
    if size - overlap <= 0:
        raise ValueError("the windows would not move on")
    out, start = [], 0
    while start < len(tokens) and (not out or start + overlap < len(tokens)):
        out.append(list(tokens[start:start + size]))
        start += size - overlap
    return out


def chunk_count(tokens, size, overlap):
    step = size - overlap
    if step < 1:
        raise ValueError(f"{overlap} >= {size}")
    n = 0 if not tokens else 1 + max(0, math.ceil((len(tokens) - size) / step))
    return [tokens[i * step:i * step + size] for i in range(n)]


def chunk_recursive(tokens, size, overlap):
    if overlap >= size:
        raise ValueError
    if len(tokens) <= size:
        return [tokens] if tokens else []
    return [tokens[:size]] + chunk_recursive(tokens[size - overlap:], size, overlap)


def chunk_filter(tokens, size, overlap):
    if not overlap < size:
        raise ValueError((size, overlap))
    spans = [(s, min(s + size, len(tokens))) for s in range(0, len(tokens), size - overlap)]
    return [tuple(tokens[a:b]) for i, (a, b) in enumerate(spans) if i == 0 or b > spans[i - 1][1]]


def chunk_pop(tokens, size, overlap):
    if overlap >= size:
        raise ValueError("overlap")
    windows = [tokens[i:i + size] for i in range(0, len(tokens), size - overlap)]
    while len(windows) > 1 and len(windows[-1]) <= overlap:
        windows.pop()
    return windows


def _chunk_cases(draw: Draw) -> list[Case]:
    word = lambda n: [f"{w}{i}" for i, w in enumerate(draw.words(n))]
    inside, refuse = L(zh="最后一个窗口", en="the last window"), L(zh="overlap >= size 的检查", en="the check for overlap >= size")
    return [
        Case(L(zh="5 个词，size=2，overlap=0", en="5 tokens, size=2, overlap=0"), (word(5), 2, 0)),
        Case(L(zh="7 个词，size=3，overlap=1", en="7 tokens, size=3, overlap=1"), (word(7), 3, 1)),
        Case(L(zh="8 个词，size=4，overlap=2", en="8 tokens, size=4, overlap=2"), (word(8), 4, 2), inside),
        Case(L(zh="9 个词，size=4，overlap=3", en="9 tokens, size=4, overlap=3"), (word(9), 4, 3), inside),
        Case(L(zh="11 个词，size=5，overlap=2", en="11 tokens, size=5, overlap=2"), (word(11), 5, 2)),
        Case(L(zh="12 个词，size=5，overlap=3", en="12 tokens, size=5, overlap=3"), (word(12), 5, 3)),
        Case(L(zh="整数 id", en="integer ids"), (draw.permutation(13).tolist(), 6, 1)),
        Case(L(zh="比一个窗口短", en="shorter than one window"), (word(3), 10, 4), inside),
        Case(L(zh="正好一个窗口", en="exactly one window"), (word(4), 4, 2), inside),
        Case(L(zh="空列表", en="an empty list"), ([], 4, 1), L(zh="空列表", en="the empty list")),
        Case(L(zh="只有一个词", en="a single token"), (word(1), 3, 2), inside),
        Case(L(zh="size=1", en="size=1"), (word(3), 1, 0)),
        Case(L(zh="overlap=size", en="overlap=size"), (word(6), 3, 3), refuse),
        Case(L(zh="overlap 大于 size", en="overlap larger than size"), (word(6), 2, 4), refuse),
    ]


_STEP = L(zh="相邻两个窗口的起点相差 size - overlap。", en="Two windows begin size - overlap tokens apart.")
_LAST = L(zh="一个窗口到了末尾就不再开新的：新的会整个落在它里面。", en="Once a window reaches the end no other is opened: it would lie wholly inside.")

_CHECK = L(zh="overlap >= size 时窗口不会前进，题目要求 ValueError。",
        en="With overlap >= size the windows do not move on; the task asks for ValueError.")

EXERCISE = Exercise(
    id="apps.chunk", title=L(zh="把长文切成重叠的块",
            en="Cutting a text into overlapping chunks"), reference=chunk, returns=Windows(), cases=_chunk_cases,
    hints=(
        L(zh="起点是 0、步长、2×步长……步长 = size - overlap。", en="Windows start at 0, step, 2 * step, and so on, where step = size - overlap."),
        L(zh="某个窗口已经到达末尾，就可以停了：后面的窗口会整个落在它里面。", en="Once a window reaches the end you can stop: later ones would lie wholly inside it."),
        L(zh="先检查 overlap >= size 并抛出 ValueError；空列表返回空列表。",
                en="Check overlap >= size first and raise ValueError; an empty list gives an empty list."),
    ),
    mistakes=(
        Mistake("chunk-inside", L(zh="多了一个整个落在前一窗口里的窗口",
                en="a last window lies wholly inside the one before"), _LAST,
                ("        if start + size >= len(tokens):\n            break\n", ""), skill="edge"),
        Mistake("chunk-no-overlap", L(zh="没有重叠：步长用了 size", en="there is no overlap: the step is size"),
                _STEP,
                ("len(tokens), size - overlap)", "len(tokens), size)"), skill="formula", hint=1),
        Mistake("chunk-step-overlap", L(zh="步长用了 overlap", en="the step is overlap"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), overlap or size)"), skill="formula", hint=1,
                also=((("len(tokens), size - overlap)", "len(tokens), max(1, overlap))"),),)),
        Mistake("chunk-drops-last", L(zh="丢掉了不满 size 的最后一块",
                en="what is left over for a last, shorter window is dropped"),
                L(zh="最后一个窗口可以短一些。", en="The last window may be shorter."), ("return windows",
                "return [w for w in windows if len(w) == size]"), skill="edge"),
        Mistake("chunk-padded-back", L(zh="最后一块往前挪，凑满了 size",
                en="the last window is moved back to be full"),
                L(zh="每个起点都是步长的倍数，最后一块可以短。",
                en="Every start is a multiple of the step, and the last window may be short."),
                ("tokens[start:start + size]", "tokens[max(0, min(start, len(tokens) - size)):][:size]"),
                skill="edge"),
        Mistake("chunk-no-check", L(zh="overlap >= size 时没有抛出 ValueError",
                en="overlap >= size raises no ValueError"), _CHECK,
                ("if overlap >= size:\n        raise ValueError(\"overlap must be smaller than size\")",
                "if overlap >= size:\n        return [tokens]"), skill="edge", hint=3,
                also=((("    if overlap >= size:\n        raise ValueError(\"overlap must be smaller than size\")\n",
                ""),
                       ("len(tokens), size - overlap)", "len(tokens), size - overlap or 1)")),
                      (("raise ValueError(\"overlap must be smaller than size\")", "return []"),),
                      (("    if overlap >= size:\n        raise ValueError(\"overlap must be smaller than size\")\n",
                ""),
                       ("len(tokens), size - overlap)", "len(tokens), max(1, size - overlap))")),
                      (("    if overlap >= size:\n        raise ValueError(\"overlap must be smaller than size\")\n",
                ""),))),
        Mistake("chunk-assert", L(zh="抛出的是 AssertionError，不是 ValueError",
                en="AssertionError is raised, not ValueError"), _CHECK,
                ("raise ValueError(\"overlap must be smaller than size\")", "raise AssertionError"), skill="edge",
                hint=3),
        Mistake("chunk-empty", L(zh="空列表得到了 [[]]", en="an empty list gives [[]]"),
                L(zh="空列表应得到 []。", en="An empty list should give []."),
                ("return windows", "return windows or [[]]"), skill="edge", hint=3),
        Mistake("chunk-one-short", L(zh="窗口短了一个词", en="each window is one token short"),
                L(zh="切片的右端不含在内。", en="A slice does not include its right end."),
                ("tokens[start:start + size]",
                "tokens[start:start + size - 1]"), skill="shift"),
        Mistake("chunk-one-long", L(zh="窗口长了一个词", en="each window is one token long"),
                L(zh="切片的右端不含在内。", en="A slice does not include its right end."),
                ("tokens[start:start + size]",
                "tokens[start:start + size + 1]"), skill="shift"),
        Mistake("chunk-padded", L(zh="最后一块被补满了", en="the last window is padded"),
                L(zh="最后一个窗口可以短一些。", en="The last window may be shorter."),
                ("windows.append(tokens[start:start + size])",
                "windows.append((tokens[start:start + size] + [None] * size)[:size])"),
                skill="edge", also=tuple((("windows.append(tokens[start:start + size])",
                             f"windows.append((tokens[start:start + size] + [{pad}] * size)[:size])"),
                ) for pad in ("0", "\"\"", "\"[PAD]\"", "\"<pad>\""))),
        Mistake("chunk-joined", L(zh="窗口里是拼成的字符串，不是词的列表",
                en="a window is a joined string, not a list of tokens"),
                L(zh="每个窗口是 tokens 的一段。", en="Each window is a stretch of tokens."),
                ("tokens[start:start + size]",
                "\" \".join(map(str, tokens[start:start + size]))"), skill="formula", hint=1),
        Mistake("chunk-check-equal", L(zh="overlap 等于 size 时没有抛出 ValueError",
                en="overlap equal to size raises no ValueError"), _CHECK,
                ("if overlap >= size:", "if overlap > size:"),
                ("len(tokens), size - overlap)", "len(tokens), max(1, size - overlap))"), skill="edge", hint=3,
                also=((("if overlap >= size:",
                "if overlap == size:\n        return [tokens]\n    if overlap > size:"),),
                      (("if overlap >= size:", "if overlap == size:\n        return []\n    if overlap > size:"),))),
        Mistake("chunk-tail-lost", L(zh="剩下一个词时没有再开窗口", en="a tail of one token gets no window"), _LAST,
                ("start + size >= len(tokens):", "start + size >= len(tokens) - 1:"), skill="shift"),
        Mistake("chunk-short-text-lost", L(zh="不比 overlap 长的文本什么窗口也没有得到",
                en="a text no longer than overlap gets no window at all"),
                L(zh="第一个窗口总要有；只有后面的窗口才可能整个落在前一个里面。",
                  en="There is always a first window; only later ones can lie wholly inside the one before."),
                ("return windows", "return [w for w in windows if len(w) > overlap]"), skill="edge"),
        Mistake("chunk-tail-overlap", L(zh="刚好等于 overlap 的尾巴又成了一个窗口",
                en="a tail exactly as long as the overlap becomes a window"), _LAST,
                ("if start + size >= len(tokens):", "if start + size > len(tokens):"), skill="edge"),
        Mistake("chunk-step-plus", L(zh="步长用了 size + overlap，窗口之间有空隙",
                en="the step is size + overlap, which leaves gaps"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), size + overlap)"), skill="formula", hint=1),
        Mistake("chunk-step-one", L(zh="步长是 1", en="the step is 1"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), 1)"), skill="formula", hint=1),
        Mistake("chunk-step-off", L(zh="步长差一", en="the step is off by one"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), size - overlap + 1)"),
                skill="shift", hint=1,
                also=((("len(tokens), size - overlap)", "len(tokens), max(1, size - overlap - 1))"),),)),
        Mistake("chunk-extended", L(zh="重叠加在了窗口上：每个窗口有 size + overlap 个词",
                en="the overlap is added to the windows: each has size + overlap tokens"), _STEP,
                ("len(tokens), size - overlap)", "len(tokens), size)"),
                ("tokens[start:start + size]", "tokens[start:start + size + overlap]"),
                skill="formula", hint=1, also=((("len(tokens), size - overlap)", "len(tokens), size)"),
                ("tokens[start:start + size]", "tokens[max(0, start - overlap):start + size]")),
                (("len(tokens), size - overlap)", "len(tokens), size)"),
                ("tokens[start:start + size]", "tokens[start:start + size + overlap]"),
                 ("        if start + size >= len(tokens):\n            break\n", "")),
                (("len(tokens), size - overlap)", "len(tokens), size)"),
                ("tokens[start:start + size]", "tokens[start:start + size + overlap]"),
                 ("if start + size >= len(tokens):", "if start + size + overlap >= len(tokens):")))),
        Mistake("chunk-full-only", L(zh="最后一个窗口没有了，即使它是满的",
                en="the last window is missing even where it is full"), _LAST,
                ("range(0, len(tokens),", "range(0, len(tokens) - size,"), skill="shift"),
        Mistake("chunk-from-end", L(zh="窗口的次序颠倒了", en="the windows come in reverse order"),
                L(zh="窗口从头到尾排列。", en="The windows run from the beginning to the end."),
                ("return windows", "return windows[::-1]"), skill="rank", hint=1),
        Mistake("chunk-flat", L(zh="窗口拼成了一个长列表", en="the windows are joined to one long list"),
                L(zh="题目要的是窗口的列表。", en="The task asks for a list of windows."),
                ("windows.append(tokens", "windows.extend(tokens"), skill="formula", hint=1),
        Mistake("chunk-starts", L(zh="返回的是起点，不是窗口", en="the starts are returned, not the windows"),
                L(zh="每个窗口是 tokens 的一段。", en="Each window is a stretch of tokens."),
                ("windows.append(tokens[start:start + size])", "windows.append(start)"),
                skill="formula", hint=1, also=((("windows.append(tokens[start:start + size])",
                "windows.append((start, min(start + size, len(tokens))))"),),)),
    ),
    alternatives=(chunk_while, chunk_count, chunk_recursive, chunk_filter, chunk_pop),
    think=L(zh="重叠是为了什么？重叠太大又有什么代价？", en="What is the overlap for, and what does a large one cost?"),
)

"""lm.sample: the sampling loop, with its random numbers given."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import IntList
from ..engine.spec import Case, Draw, Exercise, Mistake
from .greedy import ToyModel

__all__ = ["EXERCISE"]


def sample(next_logits, prompt, u, eos_id):
    """Sampling, one number of u for each new id.

    next_logits: callable, list of ids -> logits [V] of the next one; prompt: list of ids; u: list of numbers in [0, 1). A new id is the
    first i with p[0] + ... + p[i] > number. Returns prompt and new ids as a list; stops when u is used up or after appending a new eos_id.
    """
    ids = list(prompt)
    for number in u:
        p = torch.softmax(next_logits(ids), dim=-1)
        chosen = int((p.cumsum(0) <= number).sum())
        ids.append(min(chosen, len(p) - 1))         # p may sum to a little below 1
        if ids[-1] == eos_id:
            break
    return ids


def sample_loop(next_logits, prompt, u, eos_id):
    ids = prompt[:]
    for number in u:
        total, chosen = 0.0, -1
        for chance in next_logits(ids).softmax(0).tolist():
            chosen, total = chosen + 1, total + chance
            if total > number:
                break
        ids.append(chosen)
        if chosen == eos_id:
            return ids
    return ids


def sample_searchsorted(next_logits, prompt, u, eos_id):
    ids, step = list(prompt), 0
    while step < len(u):
        edges = next_logits(ids).double().softmax(-1).cumsum(-1)
        ids.append(int(torch.searchsorted(edges, u[step], right=True).clamp(max=len(edges) - 1)))
        step = len(u) if ids[-1] == eos_id else step + 1
    return ids


def sample_numpy(next_logits, prompt, u, eos_id):
    import numpy as np
    new = []
    for number in u:
        x = next_logits(prompt + new).numpy().astype("float64")
        weights = np.exp(x - x.max())
        new.append(int(np.argmax(np.cumsum(weights / weights.sum()) > number)))
        if new[-1] == eos_id:
            break
    return prompt + new


def sample_unnormalised(next_logits, prompt, u, eos_id):
    ids = list(prompt)
    for number in u:
        weights = (next_logits(ids) - next_logits(ids).max()).exp()
        ids = [*ids, int((weights.cumsum(0) > number * weights.sum()).int().argmax())]
        if ids[-1] == eos_id:
            break
    return ids


def sample_recursive(next_logits, prompt, u, eos_id):
    if not u:
        return list(prompt)
    edges = next_logits(prompt).log_softmax(0).exp().cumsum(0)
    chosen = next((i for i, edge in enumerate(edges.tolist()) if edge > u[0]), len(edges) - 1)
    return [*prompt, chosen] if chosen == eos_id else sample_recursive(next_logits, [*prompt, chosen], u[1:], eos_id)


def _numbers(draw: Draw, model: ToyModel, prompt: list[int], wanted: list[int]) -> list[float]:
    """Numbers under which sampling writes `wanted`: each well inside the share of its token, where no rounding reaches."""
    ids, u = list(prompt), []
    for id, place in zip(wanted, draw.floats(len(wanted), 0.3, 0.7)):
        p = model(ids).double().softmax(0)
        u.append(float(p[:id].sum() + place * p[id]))
        ids.append(id)
    return u


def _sample_cases(draw: Draw) -> list[Case]:
    seed, stop = draw.int(0, 99_999), L(zh="遇到 eos 停止", en="stopping at eos")
    inside = L(zh="提示里的 eos", en="eos inside the prompt")

    def case(zh: str, en: str, vocab: int, prompt: list[int], wanted: list[int], eos: int, about: L | None = None, low: bool = False) -> Case:
        model = ToyModel(vocab, seed + vocab, low=low)
        return Case(L(zh=zh, en=en), (model, prompt, _numbers(draw, model, prompt, wanted), eos), about)

    far = draw.ints(8, 12).tolist()
    return [
        case("3 步，没有 eos", "3 steps, no eos", 5, [1], [2, 0, 3], 4),
        case("12 步，没有 eos", "12 steps, no eos", 9, [3, 1, 4, 1], far, 8),
        case("第 3 步是 eos", "eos at step 3", 6, [0, 2], [1, 4, 5, 2, 3, 1], 5, stop),
        case("第一步就是 eos", "eos at once", 7, [1, 1, 2], [3, 1, 2, 0], 3, stop),
        case("最后一步是 eos", "eos at the last step", 7, [2], [6, 5, 0], 0),
        case("提示以 eos 结尾", "a prompt that ends in eos", 6, [5, 0, 5], [1, 2, 0, 4], 5, inside),
        case("提示的中间有 eos", "eos in the middle of the prompt", 6, [0, 5, 2], [3, 1, 4, 2], 5, inside),
        case("u 是空的", "u is empty", 4, [2, 0], [], 3, L(zh="u 是空的", en="u is empty")),
        case("分数全为负", "all scores negative", 8, [6], [7, 3, 5, 1], 0, low=True),
        case("第一个和最后一个词元", "the first and the last token", 6, [3], [0, 5, 0, 5], 2),
    ]


_SHARES = L(zh="看看概率怎样变成一段一段的区间，数落在哪一段。", en="Look at how the probabilities become intervals, and into which of them the number falls.")
_LOOP = L(zh="看看循环里每一步的次序：算概率、选、追加、判断停止。", en="Look at the order inside the loop: probabilities, choose, append, decide to stop.")
_ASKED = L(zh="交给 next_logits 的是什么？", en="What is given to next_logits?")

EXERCISE = Exercise(
    id="lm.sample", title=L(zh="抽样生成", en="Sampling"), reference=sample, returns=IntList(), cases=_sample_cases,
    hints=(
        L(zh="循环和 `greedy` 一样，只换掉选词元的那一步：先把分数变成概率，再看这一步的数落在哪个词元的那一段里。",
          en="The loop is that of `greedy`; only the choice differs: turn the scores into probabilities, then see into which token's interval the number falls."),
        L(zh="把概率从头累加（`cumsum`），得到每一段的右端。第一个大于这个数的右端，就是选中的词元。",
          en="Add the probabilities up from the start (`cumsum`): these are the right ends of the intervals. The first end that exceeds the number is the chosen token."),
        L(zh="`(p.cumsum(0) <= number).sum()` 数出有几段完全在这个数的左边，它正好是选中的编号。选完先追加，再看是不是 eos。",
          en="`(p.cumsum(0) <= number).sum()` counts the intervals that lie wholly to the left of the number, which is just the chosen id. Append it, then look whether it is eos."),
    ),
    mistakes=(
        Mistake("sample-greedy", L(zh="取了概率最大的词元，没有用 u", en="the likeliest id is taken and u is not used"),
                L(zh="同样的概率，不同的数，应该选出不同的词元。", en="With the same probabilities another number should choose another token."),
                ("int((p.cumsum(0) <= number).sum())", "int(p.argmax())"), skill="rank", hint=1),
        Mistake("sample-no-softmax", L(zh="累加的是分数，不是概率", en="the scores are added up, not probabilities"), _SHARES,
                ("torch.softmax(next_logits(ids), dim=-1)", "next_logits(ids)"), skill="formula", hint=1),
        Mistake("sample-exp-only", L(zh="取了 exp，没有除以总和", en="the exponentials are not divided by their sum"), _SHARES,
                ("torch.softmax(next_logits(ids), dim=-1)", "torch.exp(next_logits(ids))"), skill="formula", hint=1),
        Mistake("sample-one-early", L(zh="选中的编号少了一", en="the id before the right one is chosen"), _SHARES,
                ("int((p.cumsum(0) <= number).sum())", "max(int((p.cumsum(0) <= number).sum()) - 1, 0)"), skill="shift"),
        Mistake("sample-one-late", L(zh="选中的编号多了一", en="the id after the right one is chosen"), _SHARES,
                ("int((p.cumsum(0) <= number).sum())", "int((p.cumsum(0) <= number).sum()) + 1"), skill="shift"),
        Mistake("sample-nearest", L(zh="选了概率和这个数最接近的词元", en="the id whose probability is nearest to the number is chosen"), _SHARES,
                ("int((p.cumsum(0) <= number).sum())", "int((p - number).abs().argmin())"), skill="rank", hint=2),
        Mistake("sample-no-cumsum", L(zh="没有累加：拿每个词元自己的概率去比", en="the probabilities are not added up: each token's own is compared"), _SHARES,
                ("p.cumsum(0)", "p"), skill="formula", hint=2),
        Mistake("sample-sorted", L(zh="先按概率排了序，选中的是名次，不是编号", en="the probabilities are sorted first, so a rank is chosen and not an id"),
                L(zh="排序以后，第 i 个还是编号 i 吗？", en="After sorting, is number i still id i?"),
                ("p.cumsum(0)", "p.sort(descending=True).values.cumsum(0)"), skill="rank"),
        Mistake("sample-from-the-end", L(zh="从最后一个词元往前累加", en="the probabilities are added up from the last token"), _SHARES,
                ("int((p.cumsum(0) <= number).sum())", "len(p) - 1 - int((p.flip(0).cumsum(0) <= number).sum())"), skill="rank"),
        Mistake("sample-one-number", L(zh="每一步都用了 u 的第一个数", en="the first number of u is used at every step"),
                L(zh="每个新词元用 u 里的下一个数。", en="Each new id takes the next number of u."),
                ("<= number", "<= u[0]"), skill="shift", hint=1),
        Mistake("sample-own-numbers", L(zh="用了自己的随机数，没有用 u", en="random numbers of its own are used instead of u"),
                L(zh="随机数已经给了：u。", en="The random numbers are given: u."),
                ("int((p.cumsum(0) <= number).sum())", "int(torch.multinomial(p, 1))"), skill="rank", hint=1),
        Mistake("sample-no-eos", L(zh="遇到 eos 没有停", en="it does not stop at eos"), _LOOP,
                ("            break", "            pass"), skill="edge"),
        Mistake("sample-drops-eos", L(zh="停在 eos 之前，没有把 eos 接上", en="it stops before appending eos"), _LOOP,
                ("            break", "            return ids[:-1]"), skill="edge"),
        Mistake("sample-stops-at-0", L(zh="遇到 0 就停，没有用 eos_id", en="it stops at id 0, whatever eos_id"), _LOOP,
                ("if ids[-1] == eos_id:", "if ids[-1] == 0:"), skill="edge"),
        Mistake("sample-eos-in-prompt", L(zh="prompt 里有 eos 就停了", en="an eos inside the prompt stops it"),
                L(zh="只有刚接上的词元是 eos 才停。", en="Only an eos that was just appended ends the text."),
                ("if ids[-1] == eos_id:", "if eos_id in ids:"), skill="edge"),
        Mistake("sample-new-only", L(zh="只返回了新词元，没有 prompt", en="only the new ids are returned, without the prompt"),
                L(zh="返回值里要有 prompt。", en="The result begins with the prompt."),
                ("return ids", "return ids[len(prompt):]"), skill="edge", hint=1),
        Mistake("sample-inplace", L(zh="在调用者的 prompt 上就地追加", en="it appends to the caller's prompt itself"),
                L(zh="`ids = prompt` 没有复制。", en="`ids = prompt` makes no copy."), ("ids = list(prompt)", "ids = prompt"), skill="alias", hint=1),
        Mistake("sample-last-only", L(zh="只把最后一个词元交给了模型", en="the model sees only the last id"), _ASKED,
                ("next_logits(ids)", "next_logits(ids[-1:])"), skill="shift", hint=1),
        Mistake("sample-prompt-only", L(zh="每一步都只把 prompt 交给模型，没有带上新词元", en="the model sees only the prompt at every step"), _ASKED,
                ("next_logits(ids)", "next_logits(list(prompt))"), skill="shift", hint=1),
    ),
    alternatives=(sample_loop, sample_searchsorted, sample_numpy, sample_unnormalised, sample_recursive,
                  (("p.cumsum(0) <= number", "p.cumsum(0) < number"),)),
    think=L(zh="想让文章更保守一些，只改概率、不改循环，可以怎么改？（第 7 章）",
            en="To make the text more cautious, how could the probabilities be changed and the loop be left alone? (chapter 7)"),
)

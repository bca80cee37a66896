"""lm.fill_mask: fill in the mask."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def fill_mask(logits, ids, mask_id, k):
    """The k likeliest ids for every masked position.

    logits: float [T, V]; ids: long [T]. Returns long [M, k], one row for each of the M positions where ids == mask_id, in order,
    best first; M = 0 gives shape [0, k].
    """
    masked = ids == mask_id                      # (T,)
    return logits[masked].topk(k, dim=-1).indices


def fill_mask_loop(logits, ids, mask_id, k):
    rows = [sorted(range(logits.shape[1]), key=lambda v: -float(logits[t, v]))[:k] for t in range(len(ids)) if int(ids[t]) == mask_id]
    return torch.tensor(rows, dtype=torch.long).reshape(len(rows), k)


def fill_mask_argsort(logits, ids, mask_id, k):
    positions = (ids == mask_id).nonzero().squeeze(-1)
    return logits.softmax(-1)[positions].argsort(dim=-1, descending=True)[:, :k]


def fill_mask_numpy(logits, ids, mask_id, k):
    import numpy as np
    rows = logits.numpy()[ids.numpy() == mask_id]
    return np.argsort(-rows, axis=-1)[:, :k]


def fill_mask_where(logits, ids, mask_id, k):
    where = torch.where(ids == mask_id)[0]
    if len(where) == 0:
        return torch.empty(0, k, dtype=torch.int64)
    return torch.stack([torch.topk(logits[t], k)[1] for t in where])


def fill_mask_sort_all(logits, ids, mask_id, k):
    order = logits.log_softmax(-1).sort(dim=-1, descending=True).indices
    return order.masked_select((ids == mask_id).unsqueeze(1)).view(-1, order.shape[1])[:, :k].to(torch.int32)


def fill_mask_one_by_one(logits, ids, mask_id, k):
    left, columns = logits[ids == mask_id].clone(), []
    for _ in range(k):
        columns.append(left.argmax(-1))
        left[torch.arange(len(left)), columns[-1]] = -math.inf
    return torch.stack(columns, dim=-1)


def _distinct(draw: Draw, rows: int, columns: int) -> torch.Tensor:
    """Rows of scores without ties and with clear gaps, in random order."""
    return torch.stack([draw.permutation(columns).float() for _ in range(rows)]) * 0.5 - 3 + draw.normal(rows, 1)


def _fill_cases(draw: Draw) -> list[Case]:
    none = L(zh="没有掩码的句子", en="a text without a mask")
    return [
        Case(L(zh="一个掩码，k=2", en="one mask, k=2"), (_distinct(draw, 3, 4), torch.tensor([2, 3, 1]), 3, 2)),
        Case(L(zh="三个掩码，k=3", en="three masks, k=3"), (_distinct(draw, 7, 9), torch.tensor([4, 8, 1, 8, 8, 0, 2]), 8, 3),
                L(zh="多个掩码", en="several masks")),
        Case(L(zh="T=V，掩码在首尾", en="T=V, masks at both ends"), (_distinct(draw, 6, 6), torch.tensor([0, 5, 3, 1, 4, 0]), 0, 4)),
        Case(L(zh="k=1", en="k=1"), (_distinct(draw, 5, 8), torch.tensor([7, 2, 7, 3, 1]), 7, 1)),
        Case(L(zh="k=V", en="k=V"), (_distinct(draw, 4, 5), torch.tensor([1, 2, 2, 0]), 2, 5)),
        Case(L(zh="全是掩码", en="masks only"), (_distinct(draw, 3, 7), torch.tensor([6, 6, 6]), 6, 2), L(zh="多个掩码", en="several masks")),
        Case(L(zh="没有掩码", en="no mask"), (_distinct(draw, 4, 6), torch.tensor([1, 2, 3, 0]), 5, 3), none),
    ]


_ROWS = L(zh="取的是 logits 的哪几行？", en="Which rows of logits are taken?")

EXERCISE = Exercise(
    id="lm.fill_mask", title=L(zh="完形填空", en="Fill in the mask"), reference=fill_mask, returns=Array("M k", "int"), cases=_fill_cases,
    hints=(
        L(zh="模型在每个位置都给出分数，只有被遮住的位置才要填。怎样选出 `ids == mask_id` 的那些行？",
                en="The model scores every position, but only the masked ones are to be filled. How do you select the rows where `ids == "
                   "mask_id`?"),
        L(zh="掩码可能有好几个，也可能没有。用布尔下标一次选出所有行，0 行时形状也对。",
                en="There may be several masks, or none. A boolean index selects all rows at once, and its shape is right for none, too."),
        L(zh="`topk` 同时给出分数和下标，从大到小；这里要的是下标。", en="`topk` gives scores and indices, largest first; the indices are wanted here."),
    ),
    mistakes=(
        Mistake("fill-first-only", L(zh="只填了第一个掩码", en="only the first mask is filled"), _ROWS,
                ("logits[masked].topk", "logits[masked][:1].topk"), skill="mask"),
        Mistake("fill-worst", L(zh="取了最不可能的 k 个", en="the k least likely are taken"),
                L(zh="排序方向？", en="Which direction does the sort have?"),
                ("dim=-1)", "dim=-1, largest=False)"), skill="rank", hint=3),
        Mistake("fill-ascending", L(zh="选对了 k 个词，但次序是从小到大", en="the right k ids come worst first"),
                L(zh="题目要最好的在前。", en="The task wants the best first."),
                (".indices", ".indices.flip(-1)"), skill="rank", hint=3),
        Mistake("fill-next-position", L(zh="取了掩码后面一个位置的 logits",
                en="the logits one position after the mask are taken"),
                L(zh="这是掩码模型：位置 t 的 logits 预测的就是位置 t。",
                en="This is a masked model: the logits at t predict position t itself."),
                ("logits[masked]", "logits.roll(-1, 0)[masked]"), skill="shift"),
        Mistake("fill-previous-position", L(zh="取了掩码前面一个位置的 logits（那是自回归的约定）",
                en="the logits one position before the mask are taken, as in an autoregressive model"),
                        L(zh="这是掩码模型：位置 t 的 logits 预测的就是位置 t。",
                en="This is a masked model: the logits at t predict position t itself."),
                ("logits[masked]", "logits.roll(1, 0)[masked]"), skill="shift"),
        Mistake("fill-unmasked", L(zh="填的是没有被遮住的位置", en="the positions that are not masked are filled"),
                _ROWS,
                ("ids == mask_id", "ids != mask_id"), skill="mask", hint=1),
        Mistake("fill-all-positions", L(zh="每个位置都填了", en="every position is filled"), _ROWS,
                ("logits[masked]", "logits"), skill="mask",
                hint=1),
        Mistake("fill-returns-scores", L(zh="返回了分数而不是词的编号", en="the scores are returned, not the ids"),
                L(zh="`topk` 的两个结果里要哪一个？", en="Which of the two results of `topk` is wanted?"),
                (".indices", ".values"), skill="axis", hint=3),
        Mistake("fill-excludes-mask", L(zh="候选里去掉了 mask_id 自己",
                en="mask_id itself is removed from the candidates"),
                L(zh="题目没有要求去掉任何候选。", en="The task does not exclude any candidate."),
                program=lambda logits, ids, mask_id, k: logits.index_fill(1, torch.tensor([mask_id]),
                -math.inf)[ids == mask_id].topk(k,
                        dim=-1).indices,
                skill="edge", hint=3,
                also=(lambda logits, ids, mask_id, k: _without_mask_id(logits, mask_id)[ids == mask_id].topk(k,
                dim=-1).indices,)),
        Mistake("fill-best-only", L(zh="只返回了最好的一个", en="only the single best id is returned"),
                L(zh="每个掩码要 k 个候选。", en="Each mask asks for k candidates."),
                ("topk(k, dim=-1)", "topk(1, dim=-1)"), skill="rank", hint=3),
        Mistake("fill-rows-reversed", L(zh="各个掩码的次序颠倒了", en="the masks come in reverse order"),
                L(zh="行的次序应和句子里掩码的次序相同。",
                en="The rows should come in the order of the masks in the text."),
                ("logits[masked]", "logits[masked].flip(0)"), skill="rank"),
        Mistake("fill-stack-empty", L(zh="没有掩码时出错：空列表不能 stack",
                en="it breaks when there is no mask: an empty list cannot be stacked"),
                L(zh="没有掩码时应返回形状 [0, k]。", en="Without a mask the shape should be [0, k]."),
                ("logits[masked].topk(k, dim=-1).indices",
                "torch.stack([row.topk(k).indices for row in logits[masked]])"), skill="edge"),
        Mistake("fill-empty-flat", L(zh="没有掩码时返回了没有第二轴的空张量",
                en="without a mask the empty result has no second axis"),
                L(zh="没有掩码时应返回形状 [0, k]。", en="Without a mask the shape should be [0, k]."),
                ("logits[masked].topk(k, dim=-1).indices",
                        "torch.tensor([row.topk(k).indices.tolist() for row in logits[masked]], dtype=torch.long)"),
                skill="edge"),
        Mistake("fill-sorted-by-id", L(zh="选对了 k 个词，却按编号排了序",
                en="the right k ids come sorted by id, not by score"),
                L(zh="题目要分数最高的在前。", en="The task wants the best score first."),
                (".indices", ".indices.sort(-1).values"), skill="rank", hint=3),
        Mistake("fill-single-flat", L(zh="只有一个掩码时，结果少了一个轴",
                en="with a single mask the result lacks an axis"),
                L(zh="`squeeze` 会去掉所有长度为 1 的轴；M=1 时形状也应是 [1, k]。",
                  en="`squeeze` drops axes of length 1; with M = 1 the shape should still be [1, k]."),
                (".indices", ".indices.squeeze(0)"), skill="edge", also=(((".indices", ".indices.squeeze()"),),)),
        Mistake("fill-first-flat", L(zh="只填了第一个掩码，返回了一维的 k 个词",
                en="only the first mask is filled, as a flat row of k ids"), _ROWS,
                ("logits[masked].topk", "logits[masked][0].topk"), skill="mask",
                also=((("logits[masked].topk", "logits[ids.tolist().index(mask_id)].topk"),),
                      (("logits[masked].topk", "logits[int(masked.int().argmax())].topk"),),
                      (("logits[masked].topk", "logits[int(masked.nonzero()[0])].topk"),))),
        Mistake("fill-flat", L(zh="各个掩码的候选接成了一长串",
                en="the candidates of all masks are strung together in one row"),
                L(zh="题目要 [M, k]：每个掩码一行。", en="The task asks for [M, k], one row a mask."),
                (".indices", ".indices.flatten()"), skill="axis"),
        Mistake("fill-transposed", L(zh="行列颠倒，形状成了 [k, M]",
                en="rows and columns are exchanged: the shape is [k, M]"),
                L(zh="题目要 [M, k]：每个掩码一行。", en="The task asks for [M, k], one row a mask."),
                (".indices", ".indices.T"), skill="axis"),
        Mistake("fill-axis", L(zh="topk 沿位置轴，而不是沿词表",
                en="topk runs over the positions, not over the vocabulary"),
                L(zh="对每个位置，是在哪些数里挑最大的？",
                en="For one position, among which numbers are the largest picked?"),
                ("dim=-1)", "dim=0)"), skill="axis", hint=3),
        Mistake("fill-returns-both", L(zh="分数和编号一起返回了", en="scores and ids are returned together"),
                L(zh="`topk` 的两个结果里要哪一个？", en="Which of the two results of `topk` is wanted?"),
                (".indices", ""), skill="axis", hint=3),
        Mistake("fill-no-k", L(zh="没有用 k，返回了全部候选", en="k is not used: all candidates are returned"),
                L(zh="每个掩码只要前 k 个。", en="Each mask asks for the first k."),
                ("topk(k, dim=-1)", "topk(logits.shape[1], dim=-1)"),
                skill="rank", hint=3),
        Mistake("fill-positions", L(zh="返回的是掩码所在的位置，不是候选词",
                en="the positions of the masks are returned, not the candidates"),
                L(zh="位置只用来取出 logits 的行。", en="The positions only select rows of logits."),
                ("logits[masked].topk(k, dim=-1).indices", "masked.nonzero().flatten()"), skill="axis", hint=1),
        Mistake("fill-last-only", L(zh="只填了最后一个掩码", en="only the last mask is filled"), _ROWS,
                ("logits[masked].topk", "logits[masked][-1:].topk"), skill="mask"),
        Mistake("fill-skips-best", L(zh="跳过了最好的那个候选", en="the best candidate is skipped"),
                L(zh="排名从下标 0 开始。", en="The ranking begins at index 0."),
                ("topk(k, dim=-1).indices", "topk(min(k + 1, logits.shape[1]), dim=-1).indices[:, 1:]"),
                skill="shift", hint=3),
    ),
    alternatives=(fill_mask_loop, fill_mask_argsort, fill_mask_numpy, fill_mask_where, fill_mask_sort_all,
            fill_mask_one_by_one),
    think=L(zh="两个掩码是分别填的。它们合在一起一定通顺吗？", en="Two masks are filled independently. Must they fit together?"),
)


def _without_mask_id(logits, mask_id):
    logits[:, mask_id] = -math.inf               # in place, as it happens
    return logits

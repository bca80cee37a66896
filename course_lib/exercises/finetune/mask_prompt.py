"""finetune.mask_prompt: labels for instruction tuning, on the answer alone."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def mask_prompt(ids, prompt_lengths, pad_id):
    """Labels for the answer alone: the token itself there, -100 for prompt and padding. The model does the shift.

    ids: long [B, T], in each row prompt, answer, padding; prompt_lengths: long [B]. Returns a new tensor [B, T].
    """
    labels = ids.clone()
    for row, length in zip(labels, prompt_lengths):          # row: (T,)
        row[:length] = -100
        row[row == pad_id] = -100
    return labels


def mask_where(ids, prompt_lengths, pad_id):
    answer = torch.arange(ids.shape[1]) >= prompt_lengths[:, None]
    return torch.where(answer & (ids != pad_id), ids, -100)


def mask_fill(ids, prompt_lengths, pad_id):
    prompt = torch.arange(ids.shape[1]).expand_as(ids) < prompt_lengths.unsqueeze(1)
    return ids.masked_fill(prompt | ids.eq(pad_id), -100)


def mask_lists(ids, prompt_lengths, pad_id):
    return torch.tensor([[token if t >= length and token != pad_id else -100 for t, token in enumerate(row)]
                         for row, length in zip(ids.tolist(), prompt_lengths.tolist())])


def mask_from_empty(ids, prompt_lengths, pad_id):
    labels = torch.full_like(ids, -100)
    for b, length in enumerate(prompt_lengths.tolist()):
        labels[b, length:] = ids[b, length:]
    labels[ids == pad_id] = -100
    return labels


def mask_product(ids, prompt_lengths, pad_id):
    keep = (torch.ones_like(ids).cumsum(1) > prompt_lengths[:, None]).long() * (ids != pad_id).long()
    return ids * keep - 100 * (1 - keep)


def _mask_cases(draw: Draw) -> list[Case]:
    def batch(prompts, answers, T, pad, V=30):
        ids = torch.full((len(prompts), T), pad)
        for b, size in enumerate(map(sum, zip(prompts, answers))):
            ids[b, :size] = draw.permutation(V)[:size] + pad + 1
        return ids, torch.tensor(prompts), pad

    pads, long = L(zh="填充", en="padding"), L(zh="提示长短不一", en="prompts of different lengths")
    return [
        Case(L(zh="B=1，T=4", en="B=1, T=4"), (torch.tensor([[5, 6, 7, 2]]), torch.tensor([2]), 2)),
        Case(L(zh="没有填充", en="no padding"), batch([3, 3], [2, 2], 5, 0)),
        Case(L(zh="提示长短不一", en="prompts of different lengths"), batch([1, 4, 2], [5, 2, 4], 6, 2), long),
        Case(L(zh="右侧填充", en="padding on the right"), batch([2, 3, 1], [3, 1, 2], 7, 2), pads),
        Case(L(zh="pad_id=0", en="pad_id=0"), batch([4, 2], [1, 3], 8, 0), pads),
        Case(L(zh="B=T=3", en="B=T=3"), batch([1, 2, 1], [2, 1, 1], 3, 5), long),
        Case(L(zh="没有提示", en="no prompt"), batch([0, 2], [4, 1], 5, 3)),
        Case(L(zh="没有回答", en="no answer"), batch([3, 1], [0, 2], 4, 2)),
    ]


_WHERE = L(zh="第 0 到 length−1 个位置是提示，第 length 个起是回答。", en="Positions 0 to length - 1 are the prompt; the answer starts at position length.")

EXERCISE = Exercise(
    id="finetune.mask_prompt", title=L(zh="提示掩码", en="Masking the prompt"), reference=mask_prompt,
    returns=Array("B T", dtype="int"), cases=_mask_cases, fresh=True,
    hints=(
        L(zh="从 ids 的一份拷贝开始，把不该算损失的位置改成 −100。", en="Start from a copy of ids and set to -100 what no loss is taken on."),
        L(zh="每一行的提示长度不同：第 b 行前 prompt_lengths[b] 个位置是提示。", en="Each row has its own prompt length: the first prompt_lengths[b] positions of row b."),
        L(zh="填充也不算损失：等于 pad_id 的位置放 −100。不要错位，模型会做。", en="Padding counts for nothing either: -100 where ids equal pad_id. Do not shift; the model does."),
    ),
    mistakes=(
        Mistake("mask-no-prompt", L(zh="提示部分也算了损失", en="the prompt keeps its labels"),
                L(zh="前 length 个位置应是 −100。", en="The first `length` positions should be -100."), ("        row[:length] = -100\n", ""), skill="mask", hint=2),
        Mistake("mask-no-pad", L(zh="填充也算了损失", en="padding keeps its labels"),
                L(zh="等于 pad_id 的位置应是 −100。", en="Positions equal to pad_id should be -100."), ("        row[row == pad_id] = -100\n", ""), skill="mask", hint=3),
        Mistake("mask-one-more", L(zh="多遮了一个：回答的第一个词元也被遮住", en="one too many is masked: the answer's first token goes, too"), _WHERE,
                ("row[:length]", "row[:length + 1]"), skill="shift", hint=2),
        Mistake("mask-answer", L(zh="遮反了：遮住的是回答", en="the answer is masked, not the prompt"), _WHERE, ("row[:length]", "row[length:]"), skill="mask", hint=2),
        Mistake("mask-shifted", L(zh="标签错位了一格", en="the labels are shifted by one"),
                L(zh="错位由模型去做，这里不要错位。", en="The model does the shift; do not shift here."), ("return labels", "return labels.roll(-1, 1)"), skill="shift", hint=3),
        Mistake("mask-with-0", L(zh="用 0 当忽略标签", en="0 is used as the label to ignore"),
                L(zh="损失跳过的是 −100，0 是一个词元。", en="The loss skips -100; 0 is a token."), ("row[:length] = -100", "row[:length] = 0"),
                ("row[row == pad_id] = -100", "row[row == pad_id] = 0"), skill="mask", hint=1),
        Mistake("mask-with-pad", L(zh="用 pad_id 当忽略标签", en="pad_id is used as the label to ignore"),
                L(zh="损失跳过的是 −100，不是 pad_id。", en="The loss skips -100, not pad_id."), ("row[:length] = -100", "row[:length] = pad_id"),
                ("row[row == pad_id] = -100", "row[row == pad_id] = pad_id"), skill="mask", hint=1),
        Mistake("mask-first-length", L(zh="每一行都用了第一行的提示长度", en="every row gets the first row's prompt length"),
                L(zh="每一行有自己的提示长度。", en="Each row has its own prompt length."), ("row[:length]", "row[:prompt_lengths[0]]"), skill="axis", hint=2),
        Mistake("mask-in-place", L(zh="就地改了 ids", en="ids is changed in place"),
                L(zh="返回新的张量：从 ids.clone() 开始。", en="Return a new tensor: start from ids.clone()."), ("ids.clone()", "ids"), skill="alias", hint=1),
    ),
    alternatives=(mask_where, mask_fill, mask_lists, mask_from_empty, mask_product),
    think=L(zh="如果回答里的结束符和 pad_id 是同一个词元，模型学得会在哪里停下吗？",
            en="Where the end token of an answer is the same token as pad_id, can the model learn where to stop?"),
)

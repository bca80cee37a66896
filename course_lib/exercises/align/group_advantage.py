"""align.group_advantage: an answer against the others to the same prompt."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def group_advantage(rewards, eps=1e-6):
    """How much better each answer is than the others to the same prompt (GRPO, Shao et al. 2024).

    rewards: float [G, n], n answers to each of G prompts. Returns [G, n]: (reward - group mean) / (group std + eps), where the std divides by n.
    A group of equal rewards, n = 1 included, gives exactly 0.
    """
    shifted = rewards - rewards[:, :1]                       # (G, n), 0 if all equal
    centred = shifted - shifted.mean(dim=1, keepdim=True)
    std = centred.square().mean(dim=1, keepdim=True).sqrt()  # (G, 1)
    return centred / (std + eps)


def advantage_where(rewards, eps=1e-6):
    level = rewards.amax(1) == rewards.amin(1)
    out = (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True, correction=0) + eps)
    return torch.where(level[:, None], 0.0, out)


def advantage_lists(rewards, eps=1e-6):
    out = []
    for row in rewards.tolist():
        if len(set(row)) == 1:
            out.append([0.0] * len(row))
            continue
        mean = sum(row) / len(row)
        std = math.sqrt(sum((x - mean) ** 2 for x in row) / len(row))
        out.append([(x - mean) / (std + eps) for x in row])
    return torch.tensor(out)


def advantage_numpy(rewards, eps=1e-6):
    x = rewards.numpy().astype("float64")
    x = x - x.min(axis=1, keepdims=True)
    return (x - x.mean(axis=1, keepdims=True)) / (x.std(axis=1, keepdims=True) + eps)


def advantage_top(rewards, eps=1e-6):
    """Measured from the best answer of the group."""
    below = rewards - rewards.max(dim=-1, keepdim=True).values
    mean = below.sum(-1, keepdim=True) / rewards.shape[-1]
    var = (below * below).sum(-1, keepdim=True) / rewards.shape[-1] - mean * mean
    return (below - mean) / (var.clamp(min=0).sqrt() + eps)


def advantage_rows(rewards, eps=1e-6):
    out = torch.zeros_like(rewards)
    for g, group in enumerate(rewards):
        if (group != group[0]).any():
            out[g] = (group - group.mean()) / (group.var(unbiased=False).sqrt() + eps)
    return out


def advantage_pairs(rewards, eps=1e-6):
    """Every answer against every other: a mean of differences is a difference of means."""
    gaps = rewards[:, :, None] - rewards[:, None, :]                     # (G, n, n)
    return gaps.mean(2) / (gaps.square().mean((1, 2)).div(2).sqrt()[:, None] + eps)


def _cases(draw: Draw) -> list[Case]:
    def verdicts(G, n):
        """0 or 1, at least one of each in every group."""
        rows = draw.ints(2, G, n).float()
        rows[:, 0], rows[:, 1] = 0.0, 1.0
        return torch.stack([row[draw.permutation(n)] for row in rows])

    level, single, eps = L(zh="奖励全相等的组", en="groups of equal rewards"), L(zh="n=1", en="n=1"), L(zh="eps", en="eps")
    mixed = verdicts(4, 6)
    mixed[1], mixed[3] = 1.0, 0.0
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[1., 0., 0., 1.], [2., 2., 2., 2.]]), 0.5), eps),
        Case(L(zh="G=3，n=5", en="G=3, n=5"), (draw.normal(3, 5) * torch.tensor([[1.], [4.], [.3]]) + torch.tensor([[0.], [3.], [-2.]]),)),
        Case(L(zh="对错奖励，G=4，n=8", en="right or wrong, G=4, n=8"), (verdicts(4, 8),)),
        Case(L(zh="有的组全对，有的组全错", en="some groups all right or all wrong"), (mixed,), level),
        Case(L(zh="G=n=4", en="G=n=4"), (draw.normal(4, 4, scale=2.0) + draw.normal(4, 1, scale=3.0),)),
        Case(L(zh="n=2", en="n=2"), (draw.normal(5, 2, scale=3.0), 0.1), eps),
        Case(L(zh="eps=0.3，方差很小", en="eps=0.3, little variance"), (draw.normal(3, 6) * 0.2 + 1, 0.3), eps),
        Case(L(zh="eps=2，奖励差得远", en="eps=2, rewards far apart"), (draw.normal(2, 7) * 5 - 3, 2.0), eps),
        Case(L(zh="奖励全是同一个小数", en="every reward the same fraction"), (torch.tensor(draw.floats(24, 0.1, 2.0)).float()[:, None].repeat(1, 11),), level),
        Case(L(zh="奖励都极小", en="tiny rewards"), (draw.normal(3, 6, scale=1e-5),), eps),
        Case(L(zh="n=1", en="n=1"), (draw.normal(3, 1, scale=2.0),), single),
        Case(L(zh="一组", en="one group"), (draw.normal(1, 9, scale=2.0) + 5,)),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), ((draw.normal(6, 3) * torch.tensor([1., 3., 6.])).T, 0.05)),
    ]


_GROUP = L(zh="一行是一组：平均和标准差都沿着这一行算，形状 [G,1]。", en="A row is a group: its mean and its std run along that row, with shape [G,1].")
_STD = L(zh="标准差：与平均之差，平方，平均（除以 n），开方。", en="The std: differences from the mean, squared, averaged (over n), and the root.")
_EPS = L(zh="eps 加在标准差上，开方之后。", en="eps is added to the std, after the root.")
_EQUAL = L(zh="一组奖励全相等，谁也不比谁好，优势应恰好是 0。", en="Where all rewards of a group are equal nobody did better: the advantages are exactly 0.")
_FORM = L(zh="(奖励 - 组平均) / (组标准差 + eps)。", en="(reward - group mean) / (group std + eps).")
_MEAN, _ROOT, _RETURN = "shifted.mean(dim=1, keepdim=True)", "centred.square().mean(dim=1, keepdim=True).sqrt()", "centred / (std + eps)"
_SHIFT = "rewards - rewards[:, :1]"


def _flat(rewards, eps=1e-6):
    return advantage_pairs(rewards.reshape(1, -1), eps).reshape(rewards.shape)


def _unbiased(rewards, eps=1e-6):
    shifted = rewards - rewards[:, :1]
    return (shifted - shifted.mean(1, keepdim=True)) / (shifted.std(1, keepdim=True) + eps)


EXERCISE = Exercise(
    id="align.group_advantage", title=L(zh="组内优势", en="The advantage within a group"), reference=group_advantage, returns=Array("G n"), cases=_cases,
    hints=(
        L(zh="每一行减去自己的平均。`mean(dim=1, keepdim=True)` 的形状是 [G,1]，正好可以从 [G,n] 里减。",
          en="Take its own mean from each row. `mean(dim=1, keepdim=True)` has shape [G,1], which lines up with [G,n]."),
        L(zh="标准差除以 n，不是 n-1：`std(..., correction=0)`，或者自己写：差的平方，平均，开方。",
          en="The std divides by n, not n - 1: `std(..., correction=0)`, or by hand: squares of the differences, their mean, the root."),
        L(zh="11 个 0.1 的平均在 float32 里不一定是 0.1。先从每行减去这一行的第一个数，相等的奖励就恰好是 0，后面怎么算都是 0。",
          en="In float32 the mean of eleven 0.1 need not be 0.1. Take each row's first number from the row first: equal rewards are then exactly 0, and so is all that follows."),
    ),
    mistakes=(
        Mistake("adv-ddof", L(zh="标准差除以了 n-1", en="the std divides by n - 1"), _STD, program=_unbiased, skill="count", convention=True,
                also=(lambda rewards, eps=1e-6: (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + eps),)),
        Mistake("adv-no-std", L(zh="没有除以标准差（Dr. GRPO 的做法）", en="it is not divided by the std (as in Dr. GRPO)"), _FORM, (_RETURN, "centred"), skill="scale", convention=True, hint=1,
                also=(lambda rewards, eps=1e-6: rewards - rewards.mean(1, keepdim=True),)),
        Mistake("adv-no-mean", L(zh="没有减去组平均", en="the group mean is not subtracted"), _GROUP, ("return centred", "return rewards"), skill="formula", hint=1),
        Mistake("adv-batch-mean", L(zh="减的是整批的平均，不是各组的", en="the mean of the whole batch is subtracted, not each group's"), _GROUP,
                ("return centred", "return (rewards - rewards.mean())"), skill="axis", hint=1),
        Mistake("adv-batch-std", L(zh="除以的是整批的标准差，不是各组的", en="it is divided by the std of the whole batch, not by each group's"), _GROUP,
                (_ROOT, "rewards.std(correction=0)"), skill="axis", hint=1,
                also=(((_ROOT, "rewards.std()"),), ((_ROOT, "centred.std(correction=0)"),))),
        Mistake("adv-batch", L(zh="没有分组：平均和标准差都是整批的", en="groups are not kept apart: mean and std are the whole batch's"), _GROUP, program=_flat, skill="axis", hint=1,
                also=(lambda rewards, eps=1e-6: (rewards - rewards.mean()) / (rewards.std() + eps),)),
        Mistake("adv-axis", L(zh="沿第 0 轴算的：比的是不同提示的回答", en="mean and std run along axis 0, over answers to different prompts"), _GROUP,
                program=lambda rewards, eps=1e-6: advantage_pairs(rewards.T, eps).T, skill="axis", hint=1),
        Mistake("adv-variance", L(zh="除以的是方差，没有开方", en="it is divided by the variance; the root is missing"), _STD, (".sqrt()", ""), skill="formula"),
        Mistake("adv-eps-inside", L(zh="eps 加在了根号里面", en="eps stands inside the root"), _EPS, (_ROOT, "(centred.square().mean(dim=1, keepdim=True) + eps).sqrt()"), ("(std + eps)", "std"),
                skill="stability"),
        Mistake("adv-eps-bound", L(zh="eps 用作了标准差的下限，没有加上去", en="eps is a lower bound of the std, not added to it"), _EPS, ("(std + eps)", "std.clamp(min=eps)"), skill="stability"),
        Mistake("adv-eps-fixed", L(zh="eps 写死了，没有用参数", en="eps is a fixed number, whatever the argument"), _EPS, ("std + eps", "std + 1e-6"), skill="formula",
                also=((("std + eps", "std + 1e-8"),), (("std + eps", "std + 1e-4"),))),
        Mistake("adv-eps-after", L(zh="eps 加在了商上", en="eps is added to the quotient"), _EPS, (_RETURN, "centred / std.clamp(min=1e-12) + eps"), skill="formula"),
        Mistake("adv-no-eps", L(zh="没有加 eps：奖励全相等时是 0/0", en="eps is missing: equal rewards give 0/0"), _EQUAL, ("(std + eps)", "std"), skill="edge"),
        Mistake("adv-rounding", L(zh="平均的舍入没有处理：奖励全相等时不恰好是 0", en="the mean is rounded, and equal rewards do not give exactly 0"), _EQUAL, (_SHIFT, "rewards"), skill="stability", hint=3,
                also=(lambda rewards, eps=1e-6: (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True, correction=0) + eps),)),
        Mistake("adv-sign", L(zh="减反了：平均减奖励", en="it is the mean minus the reward"), _FORM, ("return centred", "return -centred"), skill="formula", hint=1),
        Mistake("adv-others", L(zh="减的是组里其他回答的平均（留一法）", en="the mean of the other answers is subtracted (leave-one-out)"), _FORM,
                ("return centred", "n = rewards.shape[1]\n    return centred * n / max(n - 1, 1)"), skill="count", convention=True, hint=1,
                also=((("return centred / (std + eps)", "n = rewards.shape[1]\n    return centred * n / max(n - 1, 1)"),),)),
        Mistake("adv-median", L(zh="减的是中位数，不是平均", en="the median is subtracted, not the mean"), _FORM, (_MEAN, "shifted.median(dim=1, keepdim=True).values"), skill="formula", hint=1),
        Mistake("adv-range", L(zh="除以的是最大与最小之差", en="it is divided by the range, largest minus smallest"), _STD,
                (_ROOT, "shifted.amax(1, keepdim=True) - shifted.amin(1, keepdim=True)"), skill="formula"),
        Mistake("adv-absolute", L(zh="用了差的绝对值的平均代替标准差", en="the mean absolute difference stands in for the std"), _STD, (_ROOT, "centred.abs().mean(dim=1, keepdim=True)"), skill="formula"),
        Mistake("adv-norm", L(zh="除以的是差的长度，没有除以 √n", en="it is divided by the length of the differences, √n too large"), _STD, (_ROOT, "centred.norm(dim=1, keepdim=True)"), skill="count"),
        Mistake("adv-positive", L(zh="负的优势变成了 0", en="negative advantages are set to 0"), _FORM, ("return centred", "return centred.clamp(min=0)"), skill="formula", hint=1),
        Mistake("adv-softmax", L(zh="对奖励做了 softmax", en="the softmax of the rewards is taken"), _FORM, (f"return {_RETURN}", "return rewards.softmax(1)"), skill="formula", hint=1),
        Mistake("adv-eps-minus", L(zh="eps 是减去的", en="eps is subtracted"), _EPS, ("std + eps", "std - eps"), skill="formula"),
        Mistake("adv-inplace", L(zh="就地改动了调用者的 rewards", en="the caller's rewards are changed in place"),
                L(zh="`rewards -= …` 会改动传进来的张量。", en="`rewards -= ...` changes the tensor that was passed in."),
                ("shifted = rewards", "rewards -= rewards[:, :1].clone()\n    shifted = rewards"), skill="alias", hint=1),
    ),
    alternatives=(advantage_where, advantage_lists, advantage_numpy, advantage_top, advantage_rows, advantage_pairs),
    think=L(zh="8 个回答里只对 1 个，和只错 1 个，那一个的优势各是多少？", en="Of eight answers one is right, or one is wrong: what is the advantage of that one?"),
)

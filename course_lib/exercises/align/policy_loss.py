"""align.policy_loss: the clipped loss of PPO and GRPO."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def policy_loss(logp, old_logp, advantages, mask, clip=0.2):
    """Minus the mean over tokens of min(ratio A, clamp(ratio, 1 - clip, 1 + clip) A), with ratio = exp(logp - old_logp) (PPO, Schulman et al. 2017).

    logp, old_logp: [B, T], of the sampled tokens now and when they were drawn; advantages A: [B, T] or [B, 1]; mask: [B, T] of 0/1, any dtype.
    The mean runs over all tokens of the batch whose mask is 1, whatever stands at the others (nan, inf); no token gives 0. Returns a scalar, differentiable in logp.

    Steps: choose the tokens; the ratio; the smaller of two gains; minus the mean.
    """
    kept = mask.bool()                                       # (B, T)
    ratio = (logp - old_logp)[kept].exp()                    # (tokens)
    A = advantages.expand_as(logp)[kept]
    gain = torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)
    return -gain.sum() / max(len(gain), 1)


def policy_where(logp, old_logp, advantages, mask, clip=0.2):
    on = mask == 1
    ratio = torch.exp(torch.where(on, logp - old_logp, 0.0))
    A = torch.where(on, advantages, 0.0)
    loss = torch.maximum(-A * ratio, -A * torch.clamp(ratio, 1 - clip, 1 + clip))
    return loss.sum() / on.sum().clamp(min=1)


def policy_loop(logp, old_logp, advantages, mask, clip=0.2):
    total, count = logp.new_zeros(()), 0
    for b, row in enumerate(mask.tolist()):
        for t, on in enumerate(row):
            if on:
                a = advantages[b, t if advantages.shape[1] > 1 else 0]
                ratio = (logp[b, t] - old_logp[b, t]).exp()
                total = total + min(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
                count += 1
    return -total / count if count else total


def policy_by_sign(logp, old_logp, advantages, mask, clip=0.2):
    """Above 0 the ratio is bounded from above, below 0 from below."""
    A = advantages.expand(logp.shape)
    rows, columns = mask.nonzero(as_tuple=True)
    ratio, A = (logp[rows, columns] - old_logp[rows, columns]).exp(), A[rows, columns]
    bounded = torch.where(A > 0, ratio.clamp(max=1 + clip), ratio.clamp(min=1 - clip))
    return (-bounded * A).sum() / max(rows.numel(), 1)


def policy_masked_select(logp, old_logp, advantages, mask, clip=0.2):
    on = mask != 0
    new, old, A = (x.masked_select(on) for x in (logp, old_logp, advantages + torch.zeros_like(logp).masked_fill(~on, 0.0)))
    ratio = torch.exp(new - old)
    gain = torch.stack([ratio * A, ratio.clip(1 - clip, 1 + clip) * A]).amin(0)
    return -(gain.mean() if gain.numel() else gain.sum())


def policy_logs(logp, old_logp, advantages, mask, clip=0.2):
    """Clipped before the exponential."""
    on = mask.to(torch.bool).flatten()
    gap = (logp.flatten() - old_logp.flatten())[on].double()
    A = advantages.repeat(1, logp.shape[1] // advantages.shape[1]).flatten()[on].double()
    lower, upper = torch.tensor([1 - clip, 1 + clip], dtype=torch.float64).log()
    gain = torch.min(gap.exp() * A, gap.clamp(lower, upper).exp() * A)
    return -gain.sum() / (len(gain) or 1)


def _cases(draw: Draw) -> list[Case]:
    def make(B, T, gap=0.5, each=False, mask=None):
        old = -0.2 - 3 * torch.rand(B, T, generator=draw.generator)
        sign = draw.ints(2, B, T) * 2.0 - 1
        logp = old + gap * sign * (0.3 + torch.rand(B, T, generator=draw.generator))
        size = (B, T if each else 1)
        advantages = (draw.ints(2, *size) * 2.0 - 1) * (0.5 + 2 * torch.rand(*size, generator=draw.generator))
        advantages[0], advantages[-1] = advantages[0].abs(), -advantages[-1].abs() if B > 1 else advantages[-1]
        return logp, old, advantages, torch.ones(B, T) if mask is None else mask

    def lengths(T, *counts):
        return (torch.arange(T) < torch.tensor(counts)[:, None])

    def spoilt(logp, old, advantages, mask):
        """Anything at all where the mask is 0."""
        off = mask == 0
        logp, old, advantages = logp.clone(), old.clone(), advantages.expand_as(logp).clone()
        logp[off], old[off], advantages[off] = float("inf"), float("-inf"), float("nan")
        return logp, old, advantages, mask

    masked, none, bounds = L(zh="掩码", en="the mask"), L(zh="没有词元", en="no token"), L(zh="裁剪", en="clipping")
    up, down = torch.tensor([[1.0]]), torch.tensor([[-1.0]])
    four = torch.tensor([[-1.0, 0.1, 0.9, -0.1]])
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[0., 1., 0.], [0., 0., 0.]]), torch.tensor([[0., 0., 0.], [1., 0., 0.]]), torch.tensor([[1.], [-1.]]),
             torch.tensor([[1, 1, 0], [1, 1, 1]])), masked),
        Case(L(zh="B=3，T=4，没有裁剪到", en="B=3, T=4, nothing is clipped"), (*make(3, 4, 0.1), 0.9)),
        Case(L(zh="B=3，T=5", en="B=3, T=5"), make(3, 5)),
        Case(L(zh="每个词元有自己的优势", en="every token has its own advantage"), make(2, 6, each=True)),
        Case(L(zh="B=T=4", en="B=T=4"), make(4, 4, each=True)),
        Case(L(zh="优势为正", en="positive advantages"), (four, torch.zeros(1, 4), 2 * up, torch.ones(1, 4)), bounds),
        Case(L(zh="优势为负", en="negative advantages"), (four, torch.zeros(1, 4), 3 * down, torch.ones(1, 4)), bounds),
        Case(L(zh="clip=0.05", en="clip=0.05"), (*make(3, 4), 0.05), bounds),
        Case(L(zh="clip=0.5", en="clip=0.5"), (*make(3, 4, 1.0), 0.5), bounds),
        Case(L(zh="回答长短不一", en="answers of different lengths"), make(3, 6, mask=lengths(6, 6, 1, 3).float()), masked),
        Case(L(zh="长短不一，布尔掩码", en="different lengths, a boolean mask"), make(3, 5, mask=lengths(5, 1, 4, 5)), masked),
        Case(L(zh="掩码外是 inf 和 nan", en="inf and nan outside the mask"), spoilt(*make(3, 4, mask=lengths(4, 4, 2, 3).long())), masked),
        Case(L(zh="有一个回答一个词元也没有", en="an answer without a token"), make(3, 4, mask=lengths(4, 4, 0, 2).float()), masked),
        Case(L(zh="只有一个词元", en="a single token"), make(2, 3, mask=torch.tensor([[0, 1, 0], [0, 0, 0]])), masked),
        Case(L(zh="一个词元也没有", en="no token at all"), make(2, 3, mask=torch.zeros(2, 3)), none),
        Case(L(zh="ratio 很大和很小", en="very large and very small ratios"), (torch.tensor([[-0.1, -18.0], [-0.2, -16.0]]), torch.tensor([[-12.0, -0.5], [-1.0, -0.5]]), torch.tensor([[1.5], [-0.7]]),
             torch.ones(2, 2)), bounds),
    ]


_RATIO = L(zh="ratio = exp(logp - old_logp)：现在的概率除以抽样时的概率。", en="ratio = exp(logp - old_logp): the probability now over the one when it was drawn.")
_MIN = L(zh="两个得益取小的：ratio·A 和裁剪后的 ratio·A。", en="The smaller of two gains: ratio·A and the clipped ratio times A.")
_BOUNDS = L(zh="裁剪的是 ratio，范围是 1 - clip 到 1 + clip。", en="What is clipped is the ratio, to 1 - clip ... 1 + clip.")
_MASK = L(zh="掩码为 1 的词元才算，分子分母都是。用下标选出来，不要乘：nan 乘 0 还是 nan。",
          en="Only tokens with mask 1 count, above and below the line. Choose them with an index; do not multiply: nan times 0 is nan.")
_BATCH = L(zh="整批词元放在一起平均，不是先在每个回答里平均。", en="The mean runs over all tokens of the batch, not first within each answer.")
_GAIN, _CLAMP, _RETURN = "torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)", "ratio.clamp(1 - clip, 1 + clip)", "return -gain.sum() / max(len(gain), 1)"
_EXP = "(logp - old_logp)[kept].exp()"


def _token_losses(logp, old_logp, advantages, mask, clip):
    on = mask.bool()
    ratio, A = torch.where(on, logp - old_logp, 0.0).exp(), torch.where(on, advantages, 0.0)
    return -torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A), on


def _row_means(logp, old_logp, advantages, mask, clip=0.2):
    loss, on = _token_losses(logp, old_logp, advantages, mask, clip)
    return (loss.sum(1) / on.sum(1).clamp(min=1)).mean()


def _per_answer(logp, old_logp, advantages, mask, clip=0.2):
    return _token_losses(logp, old_logp, advantages, mask, clip)[0].sum(1).mean()


def _all_tokens(logp, old_logp, advantages, mask, clip=0.2):
    return _token_losses(logp, old_logp, advantages, mask, clip)[0].mean()


def _multiplied(logp, old_logp, advantages, mask, clip=0.2):
    ratio = (logp - old_logp).exp()
    gain = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -(gain * mask).sum() / mask.sum().clamp(min=1)


def _rows_weighed(logp, old_logp, advantages, mask, clip=0.2):
    """The ratio of whole answers, as in GSPO without its root."""
    on = mask.bool()
    gap = torch.where(on, logp - old_logp, 0.0).sum(1, keepdim=True).expand_as(logp)
    return policy_where(gap, torch.zeros_like(gap), advantages, mask, clip)


EXERCISE = Exercise(
    id="align.policy_loss", title=L(zh="带裁剪的策略损失", en="The clipped policy loss"), reference=policy_loss, returns=Scalar, cases=_cases,
    gradients=(0,), differentiable=True,
    hints=(
        L(zh="先用布尔掩码选出要算的词元：`x[mask.bool()]` 是一维的。优势先 `expand_as(logp)` 再选。",
          en="First choose the tokens that count: `x[mask.bool()]` has one axis. Expand the advantages to logp's shape before choosing."),
        L(zh="ratio = exp(logp - old_logp)。两个得益是 ratio * A 和 clamp(ratio, 1 - clip, 1 + clip) * A，逐个取小的。",
          en="ratio = exp(logp - old_logp). The two gains are ratio * A and clamp(ratio, 1 - clip, 1 + clip) * A; take the smaller at each token."),
        L(zh="结果是负的总和除以选出的个数；一个也没有时除以 1，得 0。", en="The result is minus their sum over their number; with none, divide by 1 and get 0."),
    ),
    mistakes=(
        Mistake("ppo-sign", L(zh="少了负号：这样会把奖励高的回答压下去", en="the minus sign is missing: it would push good answers down"), L(zh="损失是得益的相反数。", en="The loss is minus the gain."),
                (_RETURN, _RETURN.replace("-gain", "gain")), skill="formula", hint=3),
        Mistake("ppo-no-clip", L(zh="没有裁剪", en="nothing is clipped"), _BOUNDS, (_GAIN, "ratio * A"), skill="formula"),
        Mistake("ppo-only-clipped", L(zh="只用了裁剪后的得益，没有取小的", en="only the clipped gain is used, not the smaller of the two"), _MIN, (_GAIN, f"{_CLAMP} * A"), skill="formula"),
        Mistake("ppo-maximum", L(zh="取了大的得益，不是小的", en="the larger gain is taken"), _MIN, ("torch.minimum", "torch.maximum"), skill="rank"),
        Mistake("ppo-ratio-inverted", L(zh="ratio 倒了：旧的除以新的", en="the ratio is upside down: old over new"), _RATIO, ("logp - old_logp", "old_logp - logp"), skill="formula"),
        Mistake("ppo-no-exp", L(zh="ratio 没有取 exp：用了对数概率之差", en="exp is missing: the difference of log-probabilities is the ratio"), _RATIO, (_EXP, "(logp - old_logp)[kept]"), skill="formula"),
        Mistake("ppo-probability", L(zh="ratio 用了现在的概率，没有除以旧的", en="the ratio is the probability now, not divided by the old one"), _RATIO, (_EXP, "logp[kept].exp()"), skill="formula"),
        Mistake("ppo-ratio-of-logs", L(zh="把两个对数概率相除了", en="log-probabilities are divided by each other"), _RATIO, (_EXP, "(logp / old_logp)[kept]"), skill="formula"),
        Mistake("ppo-reinforce", L(zh="用的是 logp·A（REINFORCE），没有 ratio", en="logp times A is used (REINFORCE), without a ratio"), _RATIO, (_GAIN, "logp[kept] * A"), skill="formula"),
        Mistake("ppo-clip-fixed", L(zh="裁剪的范围写死了，没有用 clip", en="the bounds are fixed numbers, whatever clip"), _BOUNDS, ("1 - clip, 1 + clip", "0.8, 1.2"), skill="formula"),
        Mistake("ppo-clip-log", L(zh="裁剪的是对数之差，不是 ratio", en="the difference of logs is clipped, not the ratio"), _BOUNDS, (_CLAMP, "ratio.log().clamp(-clip, clip).exp()"), skill="formula"),
        Mistake("ppo-clip-low", L(zh="下限用了 clip，不是 1 - clip", en="the lower bound is clip, not 1 - clip"), _BOUNDS, ("(1 - clip, 1", "(clip, 1"), skill="formula"),
        Mistake("ppo-clip-around-0", L(zh="裁剪到了 -clip 到 clip", en="the ratio is clipped to -clip ... clip"), _BOUNDS, (_CLAMP, "ratio.clamp(-clip, clip)"), skill="formula"),
        Mistake("ppo-upper-only", L(zh="只裁剪了上边", en="only the upper bound is there"), _BOUNDS, (_CLAMP, "ratio.clamp(max=1 + clip)"), skill="edge"),
        Mistake("ppo-lower-only", L(zh="只裁剪了下边", en="only the lower bound is there"), _BOUNDS, (_CLAMP, "ratio.clamp(min=1 - clip)"), skill="edge"),
        Mistake("ppo-clips-gain", L(zh="裁剪的是得益，不是 ratio", en="the gain is clipped, not the ratio"), _BOUNDS, (_GAIN, "torch.minimum(ratio * A, (ratio * A).clamp(1 - clip, 1 + clip))"), skill="formula"),
        Mistake("ppo-min-before-A", L(zh="先取小的 ratio，再乘优势：优势为负时取反了", en="the smaller ratio is taken before A multiplies it, which is wrong for negative A"), _MIN,
                (_GAIN, f"torch.minimum(ratio, {_CLAMP}) * A"), skill="rank"),
        Mistake("ppo-row-means", L(zh="先在每个回答里平均，再对回答平均（原来的 GRPO）", en="each answer is averaged first, then the answers (the original GRPO)"), _BATCH, program=_row_means, skill="count", convention=True, hint=3),
        Mistake("ppo-per-answer", L(zh="除以的是回答的个数，不是词元的个数", en="it is divided by the number of answers, not of tokens"), _BATCH, program=_per_answer, skill="count", hint=3),
        Mistake("ppo-all-tokens", L(zh="分母里数了掩码为 0 的词元", en="tokens with mask 0 are counted in the denominator"), _MASK, program=_all_tokens, skill="count", hint=1),
        Mistake("ppo-sum", L(zh="求和而没有平均", en="the losses are added, not averaged"), _BATCH, (_RETURN, "return -gain.sum()"), skill="count", hint=3),
        Mistake("ppo-mask-ignored", L(zh="没有用掩码", en="the mask is not used"), _MASK, ("mask.bool()", "torch.ones_like(mask).bool()"), skill="mask", hint=1),
        Mistake("ppo-mask-inverted", L(zh="掩码用反了", en="the mask is the wrong way round"), _MASK, ("mask.bool()", "~mask.bool()"), skill="mask", hint=1),
        Mistake("ppo-mask-times", L(zh="用乘法去掉词元：掩码外的 nan、inf 乘 0 还是 nan", en="tokens are removed by multiplication, and nan or inf times 0 is nan"), _MASK, program=_multiplied, skill="mask", hint=1),
        Mistake("ppo-none-nan", L(zh="一个词元也没有时得到 nan", en="without a token it gives nan"), L(zh="题目要 0。", en="The task asks for 0."), (_RETURN, "return -gain.mean()"), skill="edge", hint=3),
        Mistake("ppo-whole-answers", L(zh="ratio 是整个回答的，不是每个词元的", en="the ratio is of whole answers, not of each token"), _RATIO, program=_rows_weighed, skill="axis"),
        Mistake("ppo-absolute", L(zh="优势取了绝对值", en="the advantage loses its sign"), _MIN, ("expand_as(logp)[kept]", "expand_as(logp)[kept].abs()"), skill="formula"),
    ),
    alternatives=(policy_where, policy_loop, policy_by_sign, policy_masked_select, policy_logs),
    think=L(zh="刚抽完样、还没有更新时，每个 ratio 是多少？这时裁剪起作用吗？", en="Right after sampling, before any update, what is every ratio? Does clipping do anything then?"),
)

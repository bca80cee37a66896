"""align.dpo_loss: learning from pairs, one answer preferred to the other."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1):
    """Direct preference optimisation (Rafailov et al. 2023).

    Four [B] tensors of log-probabilities, summed over the tokens of an answer: of the chosen and the rejected one, under the policy and under the
    reference. Returns the mean over B of -log sigmoid(beta ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected))), a scalar.
    Finite for gaps of +-10000. Differentiable in the policy; no gradient reaches the reference.
    """
    chosen = policy_chosen - ref_chosen.detach()             # (B)
    rejected = policy_rejected - ref_rejected.detach()
    margin = beta * (chosen - rejected)
    return -torch.nn.functional.logsigmoid(margin).mean()


def dpo_softplus(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1):
    policy, reference = policy_chosen - policy_rejected, (ref_chosen - ref_rejected).detach()
    return F.softplus(-beta * (policy - reference)).mean()


def dpo_loop(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1):
    total = 0.0
    for pc, pr, rc, rr in zip(policy_chosen, policy_rejected, ref_chosen.tolist(), ref_rejected.tolist()):
        x = beta * (pc - rc - pr + rr)
        total = total + torch.log1p((-x.abs()).exp()) + (-x).clamp(min=0)
    return total / len(policy_chosen)


def dpo_two_classes(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1):
    """Two classes, the first one right: a cross-entropy."""
    with torch.no_grad():
        reference = torch.stack([ref_chosen, ref_rejected], dim=1)
    scores = beta * (torch.stack([policy_chosen, policy_rejected], dim=1) - reference)       # (B, 2)
    return F.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long))


def dpo_logaddexp(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1):
    margin = (policy_chosen - policy_rejected - ref_chosen.data + ref_rejected.data) * beta
    return torch.logaddexp(torch.zeros_like(margin), -margin).sum() / margin.numel()


def dpo_bce(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1):
    ref_chosen, ref_rejected = ref_chosen.clone().detach(), ref_rejected.clone().detach()
    margin = beta * (policy_chosen - ref_chosen) - beta * (policy_rejected - ref_rejected)
    return F.binary_cross_entropy_with_logits(margin, torch.ones_like(margin))


def _cases(draw: Draw) -> list[Case]:
    def make(B, gap=3.0):
        base = -4 - 30 * torch.rand(2, B, generator=draw.generator)
        moved = base + gap * draw.normal(2, B)
        return moved[0], moved[1], base[0], base[1]

    far, sizes = L(zh="很大的差", en="large gaps"), L(zh="beta", en="beta")
    zeros = torch.zeros(3)
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([-4.]), torch.tensor([-6.]), torch.tensor([-5.]), torch.tensor([-5.]), 0.5), sizes),
        Case(L(zh="B=4，beta=0.1", en="B=4, beta=0.1"), make(4)),
        Case(L(zh="B=5，beta=0.7", en="B=5, beta=0.7"), (*make(5), 0.7), sizes),
        Case(L(zh="beta=2", en="beta=2"), (*make(3, 1.0), 2.0), sizes),
        Case(L(zh="策略和参考相同", en="the policy equals the reference"), (lambda pc, pr, rc, rr: (rc.clone(), rr.clone(), rc, rr))(*make(4)), L(zh="策略与参考相同的情形", en="a policy equal to the reference")),
        Case(L(zh="参考是 0", en="a reference of 0"), (*make(3)[:2], zeros, zeros.clone(), 0.3)),
        Case(L(zh="差得悬殊的几对", en="pairs of very different margins"), (torch.tensor([-5., -40., -12.]), torch.tensor([-30., -6., -12.5]), torch.tensor([-10., -11., -12.]), torch.tensor([-9., -13., -14.]), 0.4)),
        Case(L(zh="选中的差 10000", en="gaps of 10000 the right way"), (torch.tensor([-10., -20.]), torch.tensor([-10010., -10020.]), torch.tensor([-11., -19.]), torch.tensor([-12., -21.]), 1.0), far),
        Case(L(zh="反了，差 10000", en="gaps of 10000 the wrong way"), (torch.tensor([-10010., -10020.]), torch.tensor([-10., -20.]), torch.tensor([-11., -19.]), torch.tensor([-12., -21.]), 1.0), far),
        Case(L(zh="反了，差 60", en="gaps of 60 the wrong way"), (torch.tensor([-70., -75.]), torch.tensor([-10., -12.]), torch.tensor([-11., -19.]), torch.tensor([-12., -21.]), 1.0), far),
        Case(L(zh="B=1", en="B=1"), (*make(1), 0.25)),
        Case(L(zh="B=12", en="B=12"), (*make(12, 2.0), 0.5)),
    ]


_MARGIN = L(zh="beta * ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected))。", en="beta * ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)).")
_REF = L(zh="每个回答都先减去参考模型给它的对数概率。", en="From each answer's log-probability the reference's is subtracted first.")
_STABLE = L(zh="sigmoid 会下溢成 0，再取 log 就是 -inf。用 `logsigmoid` 或 `softplus`。", en="The sigmoid underflows to 0, whose log is -inf. Use `logsigmoid` or `softplus`.")
_BETA = L(zh="beta 在 sigmoid 里面，乘在整个差上。", en="beta stands inside the sigmoid and multiplies the whole difference.")
_LOSS = L(zh="损失是 -log sigmoid(…)，对 B 平均。", en="The loss is -log sigmoid(...), averaged over B.")
_DIFF, _RETURN, _MARGIN_CODE = "(chosen - rejected)", "return -torch.nn.functional.logsigmoid(margin).mean()", "beta * (chosen - rejected)"

EXERCISE = Exercise(
    id="align.dpo_loss", title=L(zh="DPO 损失", en="The DPO loss"), reference=dpo_loss, returns=Scalar, cases=_cases, gradients=(0, 1, 2, 3), differentiable=True,
    hints=(
        L(zh="两个回答各求一个差：策略的对数概率减去参考的。参考先 `.detach()`，它不训练。", en="A difference for each answer: the policy's log-probability minus the reference's. `.detach()` the reference, which is not trained."),
        L(zh="选中的差减去落选的差，再乘 beta。", en="The chosen one's difference minus the rejected one's, times beta."),
        L(zh="-log sigmoid(x) 用 `-F.logsigmoid(x)` 或 `F.softplus(-x)` 算，最后平均。", en="Compute -log sigmoid(x) as `-F.logsigmoid(x)` or `F.softplus(-x)`, and average."),
    ),
    mistakes=(
        Mistake("dpo-no-ref", L(zh="没有用参考模型", en="the reference is not used"), _REF, ("policy_chosen - ref_chosen.detach()", "policy_chosen"), ("policy_rejected - ref_rejected.detach()", "policy_rejected"), skill="formula", hint=1),
        Mistake("dpo-swapped", L(zh="选中和落选颠倒了", en="chosen and rejected are exchanged"), _MARGIN, (_DIFF, "(rejected - chosen)"), skill="formula"),
        Mistake("dpo-ref-sign", L(zh="参考是加上去的", en="the reference is added, not subtracted"), _REF, ("policy_chosen - ref_chosen", "policy_chosen + ref_chosen"), ("policy_rejected - ref_rejected", "policy_rejected + ref_rejected"),
                skill="formula", hint=1),
        Mistake("dpo-sum-of-gaps", L(zh="两个差加在了一起，没有相减", en="the two differences are added"), _MARGIN, (_DIFF, "(chosen + rejected)"), skill="formula"),
        Mistake("dpo-log-of-sigmoid", L(zh="先 sigmoid 再取 log，下溢成 -inf", en="the log of a sigmoid is taken, which underflows"), _STABLE, ("torch.nn.functional.logsigmoid(margin)", "torch.sigmoid(margin).log()"), skill="stability", hint=3,
                also=((("-torch.nn.functional.logsigmoid(margin)", "torch.log(1 + torch.exp(-margin))"),),)),
        Mistake("dpo-log-eps", L(zh="取 log 之前加了一个小数：大损失被封了顶", en="a small number is added before the log, which caps large losses"), _STABLE,
                ("torch.nn.functional.logsigmoid(margin)", "(torch.sigmoid(margin) + 1e-8).log()"), skill="stability", hint=3,
                also=((("torch.nn.functional.logsigmoid(margin)", "(torch.sigmoid(margin) + 1e-6).log()"),), (("torch.nn.functional.logsigmoid(margin)", "torch.sigmoid(margin).clamp(min=1e-8).log()"),))),
        Mistake("dpo-margin-clamped", L(zh="差被截断了", en="the margin is clamped"), _STABLE, (_MARGIN_CODE, f"({_MARGIN_CODE}).clamp(-30, 30)"), skill="stability", hint=3,
                also=(((_MARGIN_CODE, f"({_MARGIN_CODE}).clamp(-20, 20)"),), ((_MARGIN_CODE, f"({_MARGIN_CODE}).clamp(-50, 50)"),))),
        Mistake("dpo-no-log", L(zh="没有取 log：用了 sigmoid 本身", en="the log is missing: it is the sigmoid itself"), _LOSS, ("torch.nn.functional.logsigmoid", "torch.sigmoid"), skill="formula", hint=3),
        Mistake("dpo-one-minus-sigmoid", L(zh="用了 1 - sigmoid，没有取 log", en="1 - sigmoid is used, without a log"), _LOSS, (_RETURN, "return (1 - torch.sigmoid(margin)).mean()"), skill="formula", hint=3),
        Mistake("dpo-sign", L(zh="少了负号", en="the minus sign is missing"), _LOSS, ("return -", "return "), skill="formula", hint=3),
        Mistake("dpo-beta-outside", L(zh="beta 乘在了 log sigmoid 外面", en="beta multiplies outside the log sigmoid"), _BETA, (_MARGIN_CODE, "chosen - rejected"), (_RETURN, _RETURN.replace("-torch", "-beta * torch")), skill="scale"),
        Mistake("dpo-beta-missing", L(zh="没有用 beta", en="beta is not used"), _BETA, (_MARGIN_CODE, "chosen - rejected"), skill="scale"),
        Mistake("dpo-beta-divides", L(zh="除以了 beta", en="it is divided by beta"), _BETA, (_MARGIN_CODE, "(chosen - rejected) / beta"), skill="scale"),
        Mistake("dpo-beta-fixed", L(zh="beta 写死成了 0.1", en="beta is 0.1, whatever the argument"), _BETA, (_MARGIN_CODE, "0.1 * (chosen - rejected)"), skill="scale"),
        Mistake("dpo-beta-chosen", L(zh="beta 只乘了选中的那一项", en="beta multiplies the chosen answer's difference alone"), _BETA, (_MARGIN_CODE, "beta * chosen - rejected"), skill="scale"),
        Mistake("dpo-beta-policy", L(zh="beta 只乘了策略，没有乘参考", en="beta multiplies the policy's part alone, not the reference's"), _BETA, ("policy_chosen - ref_chosen.detach()", "policy_chosen - ref_chosen.detach() / beta"),
                ("policy_rejected - ref_rejected.detach()", "policy_rejected - ref_rejected.detach() / beta"), skill="scale"),
        Mistake("dpo-only-chosen", L(zh="只看了选中的回答", en="only the chosen answer counts"), _MARGIN, (_DIFF, "chosen"), skill="formula"),
        Mistake("dpo-only-rejected", L(zh="只看了落选的回答", en="only the rejected answer counts"), _MARGIN, (_DIFF, "(-rejected)"), skill="formula"),
        Mistake("dpo-probabilities", L(zh="取了 exp：减的是概率，不是对数概率", en="probabilities are subtracted, not their logarithms"), _REF, ("policy_chosen - ref_chosen.detach()", "policy_chosen.exp() - ref_chosen.detach().exp()"),
                ("policy_rejected - ref_rejected.detach()", "policy_rejected.exp() - ref_rejected.detach().exp()"), skill="formula", hint=1),
        Mistake("dpo-sum", L(zh="求和而没有平均", en="the losses are added, not averaged"), _LOSS, (".mean()", ".sum()"), skill="count", hint=3),
        Mistake("dpo-mean-first", L(zh="先对差求平均，再取 log sigmoid", en="the margins are averaged before the log sigmoid"), _LOSS, (_MARGIN_CODE, f"({_MARGIN_CODE}).mean()"), skill="count", hint=3),
        Mistake("dpo-per-pair", L(zh="每一对一个损失，没有平均", en="one loss a pair is returned"), _LOSS, (".mean()", ""), skill="count", hint=3),
        Mistake("dpo-hinge", L(zh="用的是 hinge：max(0, 1 - 差)（SLiC）", en="it is the hinge max(0, 1 - margin), as in SLiC"), _LOSS, (_RETURN, "return (1 - margin).clamp(min=0).mean()"), skill="formula", convention=True, hint=3),
        Mistake("dpo-ipo", L(zh="用的是平方损失（IPO）", en="it is the squared loss of IPO"), _LOSS, (_RETURN, "return (chosen - rejected - 1 / (2 * beta)).square().mean()"), skill="formula", convention=True, hint=3),
    ),
    alternatives=(dpo_softplus, dpo_loop, dpo_two_classes, dpo_logaddexp, dpo_bce),
    think=L(zh="训练开始时策略就是参考，损失是多少？", en="Training starts with the policy equal to the reference. What is the loss then?"),
)

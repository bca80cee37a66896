"""finetune.warmup_linear: learning-rate warm-up and linear decay."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def warmup_linear(step, warmup_steps, total_steps, peak):
    """Learning rate with linear warm-up and linear decay.

    step is 0-based. step < warmup_steps: peak * (step + 1) / warmup_steps; then peak * (total_steps - step) / (total_steps - warmup_steps),
    never below 0. warmup_steps = 0 starts at peak.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    left = (total_steps - step) / (total_steps - warmup_steps)
    return peak * max(0.0, left)


def warmup_one_line(step, warmup_steps, total_steps, peak):
    return peak * (step + 1) / warmup_steps if step < warmup_steps else max(0, peak * (total_steps - step) / (total_steps - warmup_steps))


def warmup_branches(step, warmup_steps, total_steps, peak):
    if step >= total_steps:
        return 0.0
    if warmup_steps > 0 and step + 1 <= warmup_steps:
        return (step + 1) / warmup_steps * peak
    return peak - peak * (step - warmup_steps) / (total_steps - warmup_steps)


def warmup_min(step, warmup_steps, total_steps, peak):
    up = (step + 1) / max(warmup_steps, 1) if step < warmup_steps else float("inf")
    down = (total_steps - step) / (total_steps - warmup_steps) if step >= warmup_steps else float("inf")
    return peak * max(min(up, down), 0.0)


def warmup_numpy(step, warmup_steps, total_steps, peak):
    import numpy as np
    if step < warmup_steps:
        return np.float64(peak) * (step + 1) / warmup_steps
    return np.interp(step, [warmup_steps, total_steps], [peak, 0.0])


def warmup_torch(step, warmup_steps, total_steps, peak):
    if step < warmup_steps:
        return torch.tensor(peak * (step + 1) / warmup_steps)
    return torch.relu(torch.tensor(float(total_steps - step))) * peak / (total_steps - warmup_steps)


def warmup_table(step, warmup_steps, total_steps, peak):
    rates = [peak * (s + 1) / warmup_steps for s in range(warmup_steps)]
    rates += [peak * left / (total_steps - warmup_steps) for left in range(total_steps - warmup_steps, 0, -1)]
    return rates[step] if step < len(rates) else 0.0


def _warmup_cases(draw: Draw) -> list[Case]:
    peak = draw.floats(1, 0.5, 3.0)[0]
    warm, total = draw.int(4, 9), draw.int(20, 40)
    up, down, end, zero = (L(zh="预热阶段", en="the warm-up"), L(zh="下降阶段", en="the decay"), L(zh="总步数之后", en="the steps after the end"),
                           L(zh="warmup_steps=0", en="warmup_steps=0"))
    return [
        Case(L(zh="第 0 步", en="step 0"), (0, 4, 10, 1.0), up),
        Case(L(zh="预热中间", en="in the middle of the warm-up"), (2, 4, 10, 2.0), up),
        Case(L(zh="预热的最后一步", en="the last step of the warm-up"), (warm - 1, warm, total, peak), up),
        Case(L(zh="预热刚结束", en="the first step after it"), (warm, warm, total, peak), down),
        Case(L(zh="再下一步", en="one step later"), (warm + 1, warm, total, peak), down),
        Case(L(zh="下降中间", en="in the middle of the decay"), ((warm + total) // 2, warm, total, peak), down),
        Case(L(zh="最后一步", en="the last step"), (total - 1, warm, total, peak), down),
        Case(L(zh="第 total_steps 步", en="step total_steps"), (total, warm, total, peak), end),
        Case(L(zh="超过 total_steps", en="beyond total_steps"), (total + 7, warm, total, peak), end),
        Case(L(zh="warmup_steps=0，第 0 步", en="warmup_steps=0, step 0"), (0, 0, 8, 3e-4), zero),
        Case(L(zh="warmup_steps=0，第 3 步", en="warmup_steps=0, step 3"), (3, 0, 8, 3e-4), zero),
        Case(L(zh="warmup_steps=1，第 0 步", en="warmup_steps=1, step 0"), (0, 1, 5, peak), up),
    ]


_CLOCK = L(zh="下降从第 warmup_steps 步开始，到第 total_steps 步归零：把这两点代进你的式子。",
        en="The decay starts at step warmup_steps and reaches 0 at total_steps: put both into your formula.")
_UP = L(zh="第 0 步应是 peak/warmup，第 warmup-1 步应是 peak。", en="Step 0 should give peak/warmup, step warmup-1 should give peak.")

EXERCISE = Exercise(
    id="finetune.warmup_linear", title=L(zh="学习率预热与线性下降",
            en="Learning-rate warm-up and linear decay"), reference=warmup_linear, returns=Scalar, cases=_warmup_cases,
    hints=(
        L(zh="分两段：step < warmup_steps 时上升，之后下降。", en="Two pieces: up while step < warmup_steps, then down."),
        L(zh="步数从 0 数起，所以上升段用 step + 1：第一步不能是 0。", en="Steps count from 0, so the rise uses step + 1: the first step must not be 0."),
        L(zh="下降段剩下的比例是 (total - step) / (total - warmup)，超过 total 之后用 max 截到 0。",
                en="In the decay (total - step) / (total - warmup) is left; beyond total, max cuts it off at 0."),
    ),
    mistakes=(
        Mistake("wu-zero", L(zh="第一步的学习率是 0：用了 step/warmup",
                en="the first learning rate is 0: step/warmup instead of (step+1)/warmup"),
                _UP, ("(step + 1) / warmup_steps", "step / warmup_steps"), skill="shift"),
        Mistake("wu-never-peak", L(zh="预热除以了 warmup+1，到不了峰值",
                en="the warm-up is divided by warmup+1 and never reaches the peak"), _UP,
                ("(step + 1) / warmup_steps", "(step + 1) / (warmup_steps + 1)"), skill="shift"),
        Mistake("wu-decay-during", L(zh="下降的钟从第 0 步走起：除以了 total 而不是 total - warmup",
                en="the decay's clock starts at step 0: total stands where total - warmup should"), _CLOCK,
                        ("(total_steps - warmup_steps)", "total_steps"), skill="count", hint=3),
        Mistake("wu-late", L(zh="下降晚了一步", en="the decay is one step late"), _CLOCK,
                ("(total_steps - step)", "(total_steps - step + 1)"),
                skill="shift", hint=3),
        Mistake("wu-early", L(zh="下降早了一步", en="the decay is one step early"), _CLOCK,
                ("(total_steps - step)", "(total_steps - step - 1)"),
                skill="shift", hint=3),
        Mistake("wu-negative", L(zh="超过总步数后变成了负数", en="it turns negative beyond total_steps"),
                L(zh="学习率不会低于 0。", en="A learning rate is never below 0."), ("max(0.0, left)", "left"),
                skill="edge", hint=3),
        Mistake("wu-abs", L(zh="超过总步数后又升高了", en="it rises again beyond total_steps"),
                L(zh="学习率到 0 之后保持 0。", en="Once at 0 it stays at 0."),
                ("max(0.0, left)", "abs(left)"), skill="edge", hint=3),
        Mistake("wu-no-decay", L(zh="预热之后一直是峰值，没有下降", en="it stays at the peak after the warm-up"),
                _CLOCK, ("max(0.0, left)", "1.0"),
                skill="formula", hint=1, also=((("max(0.0, left)", "float(left > 0)"),),)),
        Mistake("wu-no-warmup", L(zh="没有预热，一开始就下降", en="there is no warm-up"), _UP,
                ("if step < warmup_steps:", "if False:"),
                skill="formula", hint=1),
        Mistake("wu-cosine", L(zh="用余弦而不是直线下降", en="the decay is a cosine, not a line"),
                L(zh="题目要直线。", en="The task asks for a straight line."), ("peak * max(0.0, left)",
                "peak * (1 - math.cos(math.pi * max(0.0, left))) / 2"), convention=True, skill="formula", hint=3),
        Mistake("wu-no-peak", L(zh="返回的是比例，没有乘 peak", en="a ratio is returned, not multiplied by peak"),
                L(zh="peak 用在哪里？", en="Where does peak come in?"), ("return peak * (step", "return (step"),
                ("return peak * max",
                "return max"), skill="scale", hint=1, also=((("return peak * max", "return max"),),
                (("return peak * (step", "return (step"),))),
        Mistake("wu-peak-at-warmup", L(zh="预热多了一步：step <= warmup 也在上升",
                en="the warm-up lasts one step too long: step <= warmup"), _UP,
                ("if step < warmup_steps:", "if step <= warmup_steps and warmup_steps:"), skill="shift"),
        Mistake("wu-zero-division", L(zh="warmup_steps=0 时除以了 0", en="it divides by zero at warmup_steps=0"),
                L(zh="warmup_steps=0 时第一步就是峰值。", en="With warmup_steps=0 the first step is the peak."),
                ("if step < warmup_steps:",
                "if step < warmup_steps or warmup_steps == 0:"), skill="edge"),
        Mistake("wu-zero-as-one", L(zh="把 warmup_steps=0 当成了 1", en="warmup_steps=0 is treated as 1"),
                L(zh="warmup_steps=0 时没有预热，第 0 步就开始下降。",
                en="With warmup_steps=0 there is no warm-up: the decay begins at step 0."),
                ("    if step < warmup_steps:",
                "    warmup_steps = max(1, warmup_steps)\n    if step < warmup_steps:"), skill="edge"),
        Mistake("wu-last-step-zero", L(zh="最后一步已经降到 0：分子和分母都少了 1",
                en="the last step is 0 already: numerator and denominator are both one less"),
                _CLOCK, ("(total_steps - step) / (total_steps - warmup_steps)",
                "(total_steps - 1 - step) / (total_steps - 1 - warmup_steps)"),
                skill="shift", hint=3),
        Mistake("wu-clock-shifted", L(zh="下降的步数从预热结束数起，却除以了全长 total",
                en="the decay counts steps since the warm-up, but over the full length total"), _CLOCK,
                ("(total_steps - step) / (total_steps - warmup_steps)",
                "(total_steps - (step - warmup_steps)) / total_steps"), skill="count", hint=3),
        Mistake("wu-decay-plus-one", L(zh="下降的分母多了 1，预热之后达不到峰值",
                en="the decay's denominator is one too large, so that it starts below the peak"),
                _CLOCK, ("(total_steps - warmup_steps)", "(total_steps - warmup_steps + 1)"), skill="shift", hint=3),
        Mistake("wu-floor", L(zh="用了整除", en="integer division is used"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."),
                ("(step + 1) / warmup_steps", "(step + 1) // warmup_steps"),
                ("(total_steps - step) / (total", "(total_steps - step) // (total"), skill="formula", hint=1),
        Mistake("wu-constant-warmup", L(zh="预热阶段一直是峰值", en="it is at the peak all through the warm-up"), _UP,
                ("peak * (step + 1) / warmup_steps", "peak"), skill="formula", hint=1),
        Mistake("wu-rises", L(zh="预热之后是往上走的：用的是走过的比例，不是剩下的",
                en="it rises after the warm-up: the share gone by is used, not what is left"),
                _CLOCK, ("(total_steps - step) / (total", "(step - warmup_steps) / (total"), skill="formula", hint=3),
        Mistake("wu-steps-inverted", L(zh="预热的比例倒了：warmup / (step + 1)",
                en="the warm-up's ratio is upside down: warmup / (step + 1)"), _UP,
                ("(step + 1) / warmup_steps", "warmup_steps / (step + 1)"), skill="formula"),
        Mistake("wu-one-based", L(zh="把 step 当成从 1 数起，整条曲线晚了一步",
                en="step is taken to count from 1, so that the whole curve comes one step late"), _UP,
                ("    if step < warmup_steps:", "    step = step - 1\n    if step < warmup_steps:"), skill="shift",
                hint=2),
        Mistake("wu-floor-value", L(zh="超过总步数后停在一个很小的正数上",
                en="it stays at a small positive number beyond total_steps"),
                L(zh="题目说最低是 0。", en="The task says that the lowest is 0."),
                ("max(0.0, left)", "max(0.01, left)"), skill="edge", hint=3,
                also=((("max(0.0, left)", "max(0.1, left)"),),
                (("max(0.0, left)", "max(1 / (total_steps - warmup_steps), left)"),))),
    ),
    alternatives=(warmup_one_line, warmup_branches, warmup_min, warmup_numpy, warmup_torch, warmup_table),
    think=L(zh="只训练 189 步却预热 500 步，学习率最高到多少？", en="With 189 steps of training and 500 of warm-up, how high does the learning rate get?"),
)

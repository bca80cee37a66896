"""pretrain.cosine_schedule: linear warm-up, then half a cosine."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def cosine_schedule(step, warmup_steps, total_steps, peak, lowest=0.0):
    """Learning rate with linear warm-up and cosine decay (Loshchilov and Hutter 2017).

    step is 0-based; returns a float. step < warmup_steps: peak * (step + 1) / warmup_steps, whatever total_steps is. Otherwise, from step
    total_steps on, lowest; between, half a cosine from peak at step = warmup_steps to lowest at total_steps. warmup_steps = 0 starts at peak.
    """
    if step < warmup_steps:
        return peak * (step + 1) / warmup_steps
    if step >= total_steps:
        return lowest
    done = (step - warmup_steps) / (total_steps - warmup_steps)          # from 0 to 1
    return lowest + (peak - lowest) * (1 + math.cos(math.pi * done)) / 2


def cosine_mixed(step, warmup_steps, total_steps, peak, lowest=0.0):
    """A weighted mean of peak and lowest."""
    if step + 1 <= warmup_steps:
        return peak / warmup_steps * (step + 1)
    if total_steps <= step:
        return lowest
    share = 0.5 + 0.5 * math.cos((step - warmup_steps) * math.pi / (total_steps - warmup_steps))
    return share * peak + (1 - share) * lowest


def cosine_squared(step, warmup_steps, total_steps, peak, lowest=0.0):
    """(1 + cos x) / 2 is cos² of half the angle."""
    if step < warmup_steps:
        return (step + 1) * peak / warmup_steps
    left = max(total_steps - step, 0) / max(total_steps - warmup_steps, 1)
    return lowest + (peak - lowest) * math.sin(math.pi / 2 * left) ** 2


def cosine_clamped(step, warmup_steps, total_steps, peak, lowest=0.0):
    warm = step < warmup_steps
    done = 1.0 if step >= total_steps else min(max((step - warmup_steps) / (total_steps - warmup_steps), 0.0), 1.0) if not warm else 0.0
    decayed = lowest + 0.5 * (peak - lowest) * (1.0 + math.cos(math.pi * done))
    return peak * (step + 1) / warmup_steps if warm else decayed


def cosine_torch(step, warmup_steps, total_steps, peak, lowest=0.0):
    if step < warmup_steps:
        return torch.tensor((step + 1) / warmup_steps, dtype=torch.float64) * peak
    done = torch.tensor(min(step, total_steps) - warmup_steps, dtype=torch.float64) / max(total_steps - warmup_steps, 1)
    curve = (peak + lowest) / 2 + (peak - lowest) / 2 * torch.cos(done * torch.pi)
    return torch.where(torch.tensor(step >= total_steps), lowest, curve)


def cosine_table(step, warmup_steps, total_steps, peak, lowest=0.0):
    length = total_steps - warmup_steps
    rates = [peak * n / warmup_steps for n in range(1, warmup_steps + 1)]
    rates += [lowest + (peak - lowest) / 2 * (1 + math.cos(math.pi * n / length)) for n in range(max(length, 0))]
    return rates[step] if step < len(rates) else lowest


def cosine_library(step, warmup_steps, total_steps, peak, lowest=0.0):
    """The decay by numpy."""
    import numpy as np
    if step < warmup_steps:
        return np.interp(step, [-1, warmup_steps - 1], [0.0, peak])
    if step >= total_steps:
        return np.float64(lowest)
    angle = np.interp(step, [warmup_steps, total_steps], [0.0, np.pi])
    return peak - (peak - lowest) * (1 - np.cos(angle)) / 2


def _cases(draw: Draw) -> list[Case]:
    peak, lowest = draw.floats(1, 1.0, 3.0)[0], draw.floats(1, 0.1, 0.4)[0]
    warm, total = draw.int(4, 9), draw.int(20, 40)
    up, down, end = L(zh="预热阶段", en="the warm-up"), L(zh="下降阶段", en="the decay"), L(zh="总步数之后", en="the steps after the end")
    zero, short = L(zh="warmup_steps=0", en="warmup_steps=0"), L(zh="预热比总步数还长", en="a warm-up longer than the run")
    at = lambda zh, en, step, about, *rest: Case(L(zh=zh, en=en), (step, *(rest or (warm, total, peak, lowest))), about)
    return [
        at("题目里的例子，第 3 步", "the example of the task, step 3", 3, down, 2, 6, 1.0, 0.1),
        at("第 0 步", "step 0", 0, up), at("预热中间", "in the middle of the warm-up", 2, up), at("预热的最后一步", "the last step of the warm-up", warm - 1, up),
        at("预热刚结束", "the first step after it", warm, down), at("再下一步", "one step later", warm + 1, down),
        at("下降的四分之一", "a quarter down", warm + (total - warm) // 4, down), at("下降过半", "more than half down", warm + 2 * (total - warm) // 3, down),
        at("最后一步", "the last step", total - 1, down), at("第 total_steps 步", "step total_steps", total, end), at("超过 total_steps", "beyond total_steps", total + 7, end),
        at("超过一倍", "at twice the length", 2 * total - warm, end), at("没有给 lowest", "lowest is left out", warm + 5, down, warm, total, peak),
        at("没有给 lowest，已经结束", "lowest is left out, after the end", total + 1, end, warm, total, peak),
        at("warmup_steps=0，第 0 步", "warmup_steps=0, step 0", 0, zero, 0, 8, 3e-4, 3e-5), at("warmup_steps=0，第 3 步", "warmup_steps=0, step 3", 3, zero, 0, 8, 3e-4, 3e-5),
        at("warmup_steps=1，第 0 步", "warmup_steps=1, step 0", 0, up, 1, 5, peak, lowest),
        at("预热 10 步，总共 6 步，第 7 步", "warm-up of 10 steps, 6 in all, step 7", 7, short, 10, 6, peak, lowest),
        at("预热 10 步，总共 6 步，第 10 步", "warm-up of 10 steps, 6 in all, step 10", 10, short, 10, 6, peak, lowest),
        at("预热和总数一样长", "the warm-up is the whole run", 5, short, 5, 5, peak, lowest),
    ]


_UP = L(zh="第 0 步应是 peak/warmup，第 warmup-1 步应是 peak。", en="Step 0 should give peak/warmup, step warmup-1 should give peak.")
_CLOCK = L(zh="走过的比例：第 warmup_steps 步是 0，第 total_steps 步是 1。", en="The share gone by is 0 at step warmup_steps and 1 at total_steps.")
_WAVE = L(zh="半个余弦：比例 0 时是 peak，一半时在正中间，1 时是 lowest。", en="Half a cosine: peak at share 0, the mean of both at one half, lowest at 1.")
_LOW = L(zh="降到 lowest，不是降到 0；结束之后停在那里。", en="It falls to lowest, not to 0, and stays there after the end.")
_DONE, _CURVE = "(step - warmup_steps) / (total_steps - warmup_steps)", "lowest + (peak - lowest) * (1 + math.cos(math.pi * done)) / 2"
_END = "    if step >= total_steps:\n        return lowest\n"

EXERCISE = Exercise(
    id="pretrain.cosine_schedule", title=L(zh="预热与余弦下降", en="Warm-up and cosine decay"), reference=cosine_schedule, returns=Scalar, cases=_cases,
    hints=(
        L(zh="三段：预热、下降、结束以后。先判断预热。", en="Three pieces: warm-up, decay, after the end. Decide on the warm-up first."),
        L(zh="下降走过的比例是 (step - warmup) / (total - warmup)，从 0 到 1。", en="The share of the decay gone by is (step - warmup) / (total - warmup), from 0 to 1."),
        L(zh="(1 + cos(π · 比例)) / 2 从 1 降到 0；乘 (peak - lowest)，再加 lowest。", en="(1 + cos(π · share)) / 2 falls from 1 to 0; multiply it by (peak - lowest) and add lowest."),
    ),
    mistakes=(
        Mistake("wu-zero", L(zh="第一步的学习率是 0：用了 step/warmup", en="the first learning rate is 0: step/warmup instead of (step+1)/warmup"), _UP,
                ("(step + 1) / warmup_steps", "step / warmup_steps"), skill="shift"),
        Mistake("wu-never-peak", L(zh="预热除以了 warmup+1，到不了峰值", en="the warm-up is divided by warmup+1 and never reaches the peak"), _UP,
                ("(step + 1) / warmup_steps", "(step + 1) / (warmup_steps + 1)"), skill="shift"),
        Mistake("wu-no-warmup", L(zh="没有预热", en="there is no warm-up"), _UP, ("if step < warmup_steps:", "if False:"), skill="formula", hint=1),
        Mistake("wu-constant-warmup", L(zh="预热阶段一直是峰值", en="it is at the peak all through the warm-up"), _UP, ("peak * (step + 1) / warmup_steps", "peak"), skill="formula", hint=1),
        Mistake("wu-from-lowest", L(zh="预热从 lowest 开始", en="the warm-up starts from lowest"), _UP,
                ("peak * (step + 1) / warmup_steps", "lowest + (peak - lowest) * (step + 1) / warmup_steps"), convention=True, skill="formula"),
        Mistake("wu-cut-short", L(zh="总步数比预热短时，预热没有走完", en="a warm-up longer than total_steps is cut short"), L(zh="题目说：预热不管 total_steps。", en="The task says: the warm-up, whatever total_steps is."),
                ("if step < warmup_steps:", "if step < min(warmup_steps, total_steps):"), skill="edge", hint=1),
        Mistake("wu-decay-during", L(zh="余弦的钟从第 0 步走起", en="the cosine's clock starts at step 0"), _CLOCK, (_DONE, "step / total_steps"), skill="count"),
        Mistake("wu-clock-shifted", L(zh="从预热结束数起，却除以了全长 total", en="steps count from the end of the warm-up, but over the full length total"), _CLOCK,
                (_DONE, "(step - warmup_steps) / total_steps"), skill="count"),
        Mistake("wu-clock-not-shifted", L(zh="分子没有减去预热", en="the warm-up is not taken off the numerator"), _CLOCK, (_DONE, "step / (total_steps - warmup_steps)"), skill="count"),
        Mistake("cos-late", L(zh="余弦晚了一步", en="the cosine is one step late"), _CLOCK, (_DONE, "(step - 1 - warmup_steps) / (total_steps - warmup_steps)"), skill="shift"),
        Mistake("cos-early", L(zh="余弦早了一步", en="the cosine is one step early"), _CLOCK, (_DONE, "(step + 1 - warmup_steps) / (total_steps - warmup_steps)"), skill="shift"),
        Mistake("cos-last-step-lowest", L(zh="最后一步已经到了 lowest：除以了 total - 1 - warmup", en="the last step is at lowest already: total - 1 - warmup stands below"), _CLOCK,
                ("(total_steps - warmup_steps)  ", "(total_steps - 1 - warmup_steps)  "), skill="shift"),
        Mistake("cos-full-period", L(zh="余弦走了完整的一周，又升了回去", en="the cosine runs through a whole period and rises again"), _WAVE, ("math.pi * done", "2 * math.pi * done"), skill="formula", hint=3),
        Mistake("cos-quarter", L(zh="余弦只走了四分之一周", en="the cosine runs through a quarter of a period"), _WAVE, (_CURVE, "lowest + (peak - lowest) * math.cos(math.pi / 2 * done)"), skill="formula", hint=3,
                also=((("math.pi * done", "math.pi / 2 * done"),),)),
        Mistake("cos-amplitude", L(zh="少了 ½(1 + cos)：直接用了 cos", en="½(1 + cos) is missing: cos itself is used"), _WAVE, ("(1 + math.cos(math.pi * done)) / 2", "math.cos(math.pi * done)"),
                skill="formula", hint=3),
        Mistake("cos-no-half", L(zh="没有除以 2", en="it is not divided by 2"), _WAVE, ("(1 + math.cos(math.pi * done)) / 2", "(1 + math.cos(math.pi * done))"), skill="scale", hint=3),
        Mistake("cos-rises", L(zh="往上走的：用了 1 - cos", en="it rises: 1 - cos is used"), _WAVE, ("(1 + math", "(1 - math"), skill="formula", hint=3),
        Mistake("cos-degrees", L(zh="余弦里用的是角度 180，不是 π", en="the cosine is given degrees, 180 and not π"), _WAVE, ("math.pi * done", "180 * done"), skill="formula", hint=3),
        Mistake("linear-not-cos", L(zh="直线下降，不是余弦", en="the decay is a line, not a cosine"), _WAVE, ("(1 + math.cos(math.pi * done)) / 2", "(1 - done)"), skill="formula", hint=3),
        Mistake("cos-no-decay", L(zh="预热之后一直是峰值", en="it stays at the peak after the warm-up"), _WAVE, (_CURVE, "peak"), skill="formula", hint=1),
        Mistake("cos-no-min", L(zh="降到了 0，没有用 lowest", en="it falls to 0; lowest is not used"), _LOW, (_CURVE, _CURVE.replace("lowest + (peak - lowest)", "peak")), (_END, _END.replace("lowest", "0.0")),
                skill="scale", hint=3, also=(((_CURVE, _CURVE.replace("lowest + (peak - lowest)", "peak")),),)),
        Mistake("cos-end-zero", L(zh="结束之后变成了 0，不是 lowest", en="after the end it is 0, not lowest"), _LOW, (_END, _END.replace("lowest", "0.0")), skill="edge", hint=3),
        Mistake("cos-min-added", L(zh="加了 lowest，振幅却还是 peak：超过了峰值", en="lowest is added while the amplitude stays peak, so that it starts above the peak"), _LOW,
                ("(peak - lowest)", "peak"), skill="scale", hint=3),
        Mistake("cos-clipped", L(zh="降向 0，到 lowest 被截住", en="it falls towards 0 and is cut off at lowest"), _LOW, (_CURVE, "max(lowest, peak * (1 + math.cos(math.pi * done)) / 2)"), skill="scale", hint=3),
        Mistake("cos-after-end", L(zh="结束之后余弦又升了起来", en="after the end the cosine rises again"), _LOW, (_END, ""), skill="edge", hint=1, also=(
            ((_END, ""), ("(total_steps - warmup_steps)  ", "max(total_steps - warmup_steps, 1)  ")), ((_END, "    if step == total_steps:\n        return lowest\n"),))),
        Mistake("cos-no-peak", L(zh="返回的是比例，没有乘 peak", en="a ratio is returned, not multiplied by peak"), L(zh="peak 用在哪里？", en="Where does peak come in?"),
                ("peak * (step + 1) / warmup_steps", "(step + 1) / warmup_steps"), (_CURVE, "(1 + math.cos(math.pi * done)) / 2"), skill="scale", hint=1,
                also=((("peak * (step + 1) / warmup_steps", "(step + 1) / warmup_steps"),), ((_CURVE, "(1 + math.cos(math.pi * done)) / 2"),))),
    ),
    alternatives=(cosine_mixed, cosine_squared, cosine_clamped, cosine_torch, cosine_table, cosine_library),
    think=L(zh="余弦的形状要先知道 total_steps。想多训练一会儿，该怎么办？", en="A cosine has to know total_steps beforehand. What if you would like to train for longer?"),
)

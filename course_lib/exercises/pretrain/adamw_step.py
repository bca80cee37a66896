"""pretrain.adamw_step: one step of AdamW."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def adamw_step(p, grad, m, v, step, lr, beta1=0.9, beta2=0.999, eps=1e-8,
               weight_decay=0.01):
    """One step of AdamW (Loshchilov and Hutter 2019).

    p, grad, m, v: tensors of one shape. Returns the new (p, m, v); the inputs stay as they are. Decoupled decay first: p * (1 - lr *
    weight_decay); then the Adam update, with moments of grad alone, both bias-corrected (step counts from 1), and eps outside the root. The moments
    returned are uncorrected; step < 1 raises ValueError.

    Steps: check step; both moments; correct both; decay p; update p.
    """
    if step < 1:
        raise ValueError("step counts from 1")
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * grad ** 2
    m_hat, v_hat = m / (1 - beta1 ** step), v / (1 - beta2 ** step)  # unbiased
    p = p * (1 - lr * weight_decay)
    return p - lr * m_hat / (v_hat.sqrt() + eps), m, v


def adamw_lerp(p, grad, m, v, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    if step <= 0:
        raise ValueError("step")
    m = torch.lerp(m, grad, 1 - beta1)
    v = v.mul(beta2).addcmul(grad, grad, value=1 - beta2)
    update = m.div(1 - beta1 ** step) / v.div(1 - beta2 ** step).sqrt().add(eps)
    return p.sub(lr * weight_decay * p).sub(update, alpha=lr), m, v


def adamw_step_size(p, grad, m, v, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """As torch.optim has it: the corrections go into the step size and the denominator."""
    if step < 1:
        raise ValueError
    p, m, v = p.clone(), m.clone(), v.clone()
    p.mul_(1 - lr * weight_decay)
    m.mul_(beta1).add_(grad, alpha=1 - beta1)
    v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    denominator = (v.sqrt() / math.sqrt(1 - beta2 ** step)).add_(eps)
    return p.addcdiv_(m, denominator, value=-lr / (1 - beta1 ** step)), m, v


def adamw_library(p, grad, m, v, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """torch.optim.AdamW with its state put in place."""
    if step < 1:
        raise ValueError("step < 1")
    weight = torch.nn.Parameter(p.clone())
    optimizer = torch.optim.AdamW([weight], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)
    weight.grad = grad.clone()
    optimizer.state[weight] = {"step": torch.tensor(float(step - 1)), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
    optimizer.step()
    return weight.detach(), optimizer.state[weight]["exp_avg"], optimizer.state[weight]["exp_avg_sq"]


def adamw_numpy(p, grad, m, v, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    import numpy as np
    if not step >= 1:
        raise ValueError("step")
    P, G, M, V = (x.numpy().astype("float64") for x in (p, grad, m, v))
    M, V = M + (1 - beta1) * (G - M), V + (1 - beta2) * (np.square(G) - V)
    update = M / (1 - beta1 ** step) / (np.sqrt(V / (1 - beta2 ** step)) + eps)
    return P - lr * weight_decay * P - lr * update, M, V


def adamw_numbers(p, grad, m, v, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """One number after the other."""
    if step < 1:
        raise ValueError("step")
    new = []
    for a, g, b, c in zip(*(x.double().flatten().tolist() for x in (p, grad, m, v))):
        b, c = beta1 * b + (1 - beta1) * g, beta2 * c + (1 - beta2) * g * g
        slope, size = b / (1 - beta1 ** step), math.sqrt(c / (1 - beta2 ** step))
        new.append((a - lr * weight_decay * a - lr * slope / (size + eps), b, c))
    return tuple(torch.tensor(column).reshape(p.shape) for column in zip(*new))


def adamw_corrections(p, grad, m, v, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01):
    """Both corrections as factors, numerator and denominator times the root."""
    if step < 1:
        raise ValueError("step")
    m, v = m + (grad - m) * (1 - beta1), v + (grad.pow(2) - v) * (1 - beta2)
    root = math.sqrt(1 - beta2 ** step)
    return (1 - lr * weight_decay) * p - lr * root / (1 - beta1 ** step) * m / (torch.sqrt(v) + eps * root), m, v


def _cases(draw: Draw) -> list[Case]:
    def state(*shape: int):
        grad = draw.normal(*shape)
        return draw.normal(*shape) * 2 + 0.5, grad, draw.normal(*shape) * 0.4, draw.normal(*shape).square() * 0.3 + 0.01

    later, first = L(zh="后面的步", en="later steps"), L(zh="第一步", en="the first step")
    eps, decay, bad = L(zh="很大的 eps", en="a large eps"), L(zh="权重衰减", en="weight decay"), L(zh="step < 1", en="step < 1")
    p, grad, m, v = state(3, 4)
    zero = torch.zeros(3, 4)
    one = lambda number: torch.tensor([number])
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (one(1.0), one(0.5), one(0.0), one(0.0), 1, 0.1, 0.9, 0.999, 1e-8, 0.1), first),
        Case(L(zh="第 1 步，矩量是 0", en="step 1, moments of 0"), (p, grad, zero, zero, 1, 0.1, 0.8, 0.9, 1e-3, 0.05), first),
        Case(L(zh="第 5 步", en="step 5"), (*state(4, 3), 5, 0.2, 0.8, 0.9, 1e-3, 0.05), later),
        Case(L(zh="第 2 步，大步长、大衰减", en="step 2, a large lr and decay"), (*state(6), 2, 0.5, 0.7, 0.9, 1e-3, 0.3), decay),
        Case(L(zh="第 400 步：几乎不用校正", en="step 400: hardly any correction"), (*state(2, 3, 2), 400, 0.1, 0.9, 0.99, 1e-3, 0.1), later),
        Case(L(zh="默认的 beta、eps、衰减", en="default betas, eps and decay"), (*state(5), 3, 0.3), later),
        Case(L(zh="eps=0.5", en="eps=0.5"), (*state(5), 4, 0.2, 0.8, 0.9, 0.5, 0.1), eps),
        Case(L(zh="没有衰减", en="no decay"), (*state(4), 3, 0.2, 0.8, 0.9, 1e-3, 0.0)),
        Case(L(zh="beta1=0", en="beta1=0"), (*state(4), 3, 0.2, 0.0, 0.9, 1e-3, 0.1)),
        Case(L(zh="梯度是 0：只有衰减和旧的动量", en="a gradient of 0: decay and old momentum alone"), (p, zero, m, v, 7, 0.1, 0.9, 0.99, 1e-3, 0.2), decay),
        Case(L(zh="梯度只有 1e-8：默认的 eps 起作用", en="gradients of 1e-8: the default eps tells"), (torch.tensor([1.0, -2.0, 0.5]), torch.tensor([1e-8, -3e-8, 0.0]), *torch.zeros(2, 3), 1, 0.4), eps),
        Case(L(zh="非连续内存", en="a non-contiguous layout"), (*(x.T for x in state(3, 5)), 6, 0.1, 0.8, 0.95, 1e-2, 0.1), later),
        Case(L(zh="step=0", en="step=0"), (*state(3), 0, 0.1), bad),
        Case(L(zh="step=-1", en="step=-1"), (*state(3), -1, 0.1), bad),
    ]


_MOMENTS = L(zh="m 是梯度的滑动平均，v 是梯度平方的滑动平均：旧的乘 beta，新的乘 1 - beta。",
             en="m is the running mean of the gradient, v of its square: the old one times beta, the new one times 1 - beta.")
_BIAS = L(zh="m 除以 1 - beta1 ** step，v 除以 1 - beta2 ** step；step 从 1 数起。", en="m is divided by 1 - beta1 ** step and v by 1 - beta2 ** step; step counts from 1.")
_DECAY = L(zh="衰减和梯度无关：p 乘 1 - lr · weight_decay，在更新之前。", en="The decay has nothing to do with the gradient: p times 1 - lr · weight_decay, before the update.")
_UPDATE = L(zh="更新是 lr · m̂ / (√v̂ + eps)，从 p 里减去。", en="The update is lr · m̂ / (√v̂ + eps), taken off p.")
_RETURNS = L(zh="返回新的 (p, m, v)；m、v 是没有校正的。", en="What is returned is the new (p, m, v); m and v are not the corrected ones.")
_M, _V = "m = beta1 * m + (1 - beta1) * grad", "v = beta2 * v + (1 - beta2) * grad ** 2"
_HATS = "m / (1 - beta1 ** step), v / (1 - beta2 ** step)"
_P, _RETURN = "    p = p * (1 - lr * weight_decay)\n", "return p - lr * m_hat / (v_hat.sqrt() + eps), m, v"

EXERCISE = Exercise(
    id="pretrain.adamw_step", title=L(zh="AdamW 的一步", en="One step of AdamW"), reference=adamw_step,
    returns=Tuple((("p", Array("...")), ("m", Array("...")), ("v", Array("...")))), cases=_cases,
    hints=(
        L(zh="先更新两个滑动平均：m 用梯度，v 用梯度的平方。", en="First update the two running means: m with the gradient, v with its square."),
        L(zh="再各自除以 1 - beta ** step，得到 m̂ 和 v̂：一开始 m、v 从 0 起步，偏小。", en="Then divide each by 1 - beta ** step, for m̂ and v̂: m and v begin at 0 and are too small at first."),
        L(zh="p 先乘 1 - lr · weight_decay，再减 lr · m̂ / (√v̂ + eps)。返回没有校正的 m、v。", en="p is first multiplied by 1 - lr · weight_decay; then take off lr · m̂ / (√v̂ + eps). Return m and v uncorrected."),
    ),
    mistakes=(
        Mistake("adamw-l2", L(zh="衰减加进了梯度（L2 正则的 Adam）", en="the decay is added to the gradient, as in Adam with L2"), _DECAY,
                (_M, "grad = grad + weight_decay * p\n    " + _M), (_P, ""), skill="formula", hint=3),
        Mistake("adamw-no-decay", L(zh="没有权重衰减", en="there is no weight decay"), _DECAY, (_P, ""), skill="formula", hint=3),
        Mistake("adamw-decay-no-lr", L(zh="衰减没有乘学习率", en="the decay is not multiplied by the learning rate"), _DECAY, ("1 - lr * weight_decay", "1 - weight_decay"), skill="scale", hint=3),
        Mistake("adamw-decay-sign", L(zh="衰减的方向反了：p 变大了", en="the decay has the wrong sign and lets p grow"), _DECAY, ("1 - lr * weight_decay", "1 + lr * weight_decay"), skill="formula", hint=3),
        Mistake("adamw-decay-after", L(zh="先更新，后衰减", en="the decay comes after the update"), _DECAY, (_P, ""),
                ("p - lr * m_hat / (v_hat.sqrt() + eps), m", "(p - lr * m_hat / (v_hat.sqrt() + eps)) * (1 - lr * weight_decay), m"), convention=True, skill="formula", hint=3),
        Mistake("adamw-decay-twice", L(zh="衰减了两次", en="the decay is applied twice"), _DECAY, ("(1 - lr * weight_decay)", "(1 - lr * weight_decay) ** 2"), skill="count", hint=3),
        Mistake("adamw-no-bias-corr", L(zh="没有做偏差校正", en="there is no bias correction"), _BIAS, (_HATS, "m, v"), skill="formula"),
        Mistake("adamw-m-only-corr", L(zh="只校正了 m", en="only m is corrected"), _BIAS, (_HATS, "m / (1 - beta1 ** step), v"), skill="formula"),
        Mistake("adamw-v-only-corr", L(zh="只校正了 v", en="only v is corrected"), _BIAS, (_HATS, "m, v / (1 - beta2 ** step)"), skill="formula"),
        Mistake("adamw-t0", L(zh="step 从 0 数起：校正用了 step - 1", en="step counts from 0: the correction uses step - 1"), _BIAS, (_HATS, _HATS.replace("step", "(step - 1)")), skill="shift"),
        Mistake("adamw-t-late", L(zh="校正用了 step + 1", en="the correction uses step + 1"), _BIAS, (_HATS, _HATS.replace("step", "(step + 1)")), skill="shift"),
        Mistake("adamw-corr-no-power", L(zh="校正没有用 step：除以了 1 - beta", en="the correction ignores step: it divides by 1 - beta"), _BIAS, (_HATS, "m / (1 - beta1), v / (1 - beta2)"), skill="formula"),
        Mistake("adamw-corr-times", L(zh="校正用了 beta × step，不是 beta ** step", en="the correction has beta * step, not beta ** step"), _BIAS,
                (_HATS, "m / (1 - beta1 * step), v / (1 - beta2 * step)"), skill="formula"),
        Mistake("adamw-corr-same-beta", L(zh="两个校正用了同一个 beta", en="both corrections use the same beta"), _BIAS, ("v / (1 - beta2 ** step)", "v / (1 - beta1 ** step)"), skill="formula",
                also=((("m / (1 - beta1 ** step)", "m / (1 - beta2 ** step)"),),)),
        Mistake("adamw-betas-swapped", L(zh="beta1 和 beta2 用反了", en="beta1 and beta2 are exchanged"), _MOMENTS, (_M, _M.replace("beta1", "beta2")), (_V, _V.replace("beta2", "beta1")),
                (_HATS, "m / (1 - beta2 ** step), v / (1 - beta1 ** step)"), skill="rank", hint=1, also=(((_M, _M.replace("beta1", "beta2")), (_V, _V.replace("beta2", "beta1"))),)),
        Mistake("adamw-weights-swapped", L(zh="滑动平均的两个权重用反了：旧的乘了 1 - beta", en="the weights of the running means are exchanged: the old one times 1 - beta"), _MOMENTS,
                (_M, "m = (1 - beta1) * m + beta1 * grad"), (_V, "v = (1 - beta2) * v + beta2 * grad ** 2"), skill="rank", hint=1),
        Mistake("adamw-momentum-sum", L(zh="m 里新梯度没有乘 1 - beta1（SGD 的动量）", en="the new gradient enters m without 1 - beta1, as in SGD's momentum"), _MOMENTS,
                ("(1 - beta1) * grad", "grad"), skill="scale", hint=1, also=((("(1 - beta1) * grad", "grad"), ("(1 - beta2) * grad", "grad")),)),
        Mistake("adamw-v-not-squared", L(zh="v 里用的是梯度的绝对值，没有平方", en="v takes the gradient's absolute value, not its square"), _MOMENTS, ("grad ** 2", "grad.abs()"), skill="formula", hint=1),
        Mistake("adamw-v-gradient", L(zh="v 里用的是梯度本身，没有平方", en="v takes the gradient itself, not its square"), _MOMENTS, ("grad ** 2", "grad"), skill="formula", hint=1),
        Mistake("adamw-v-of-m", L(zh="v 里用的是 m 的平方，不是梯度的平方", en="v takes the square of m, not of the gradient"), _MOMENTS, ("grad ** 2", "m ** 2"), skill="formula", hint=1),
        Mistake("adamw-no-momentum", L(zh="更新用的是梯度，没有用 m（RMSProp）", en="the update uses the gradient, not m, as in RMSProp"), _UPDATE, ("lr * m_hat /", "lr * grad /"), skill="formula", hint=3),
        Mistake("adamw-eps-inside", L(zh="eps 放进了根号", en="eps is added inside the root"), _UPDATE, ("(v_hat.sqrt() + eps)", "(v_hat + eps).sqrt()"), skill="formula", hint=3),
        Mistake("adamw-no-eps", L(zh="没有用 eps", en="eps is not used"), _UPDATE, (" + eps", ""), skill="stability", hint=3),
        Mistake("adamw-eps-uncorrected", L(zh="eps 加在没有校正的 √v 上", en="eps is added to the uncorrected √v"), _UPDATE,
                ("m_hat / (v_hat.sqrt() + eps)", "m_hat * (1 - beta2 ** step) ** 0.5 / (v.sqrt() + eps)"), skill="formula", hint=3),
        Mistake("adamw-no-root", L(zh="没有开方：除以了 v̂", en="there is no root: it is divided by v̂"), _UPDATE, ("v_hat.sqrt()", "v_hat"), skill="formula", hint=3),
        Mistake("adamw-ascent", L(zh="更新是加上去的", en="the update is added, not taken off"), _UPDATE, ("return p - lr", "return p + lr"), skill="formula", hint=3),
        Mistake("adamw-no-lr", L(zh="更新没有乘学习率", en="the update is not multiplied by the learning rate"), _UPDATE, ("lr * m_hat", "m_hat"), skill="scale", hint=3),
        Mistake("adamw-returns-hats", L(zh="返回的是校正过的 m 和 v：下一步会再校正一次", en="the corrected m and v are returned, to be corrected once more at the next step"), _RETURNS,
                ("+ eps), m, v", "+ eps), m_hat, v_hat"), skill="formula", hint=3),
        Mistake("adamw-old-moments", L(zh="返回的是旧的 m 和 v", en="the old m and v are returned"), _RETURNS, (_M, "old = m, v\n    " + _M), ("+ eps), m, v", "+ eps), *old"), skill="shift", hint=3),
        Mistake("adamw-update-only", L(zh="返回的是更新，不是新的 p", en="the update is returned, not the new p"), _RETURNS, ("return p - lr * m_hat", "return lr * m_hat"), skill="formula", hint=3,
                also=((("return p - lr * m_hat", "return -lr * m_hat"),),)),
        Mistake("adamw-inplace", L(zh="就地改动了传进来的张量", en="tensors that were passed in are changed in place"), L(zh="`*=`、`mul_`、`add_` 会改动调用者的张量。", en="`*=`, `mul_` and `add_` change the caller's tensors."),
                (_P, "    p *= 1 - lr * weight_decay\n"), skill="alias", hint=3,
                also=(((_M, "m *= beta1\n    m += (1 - beta1) * grad"), (_V, "v *= beta2\n    v += (1 - beta2) * grad ** 2")),
                      ((_M, "m.mul_(beta1).add_((1 - beta1) * grad)"), (_V, "v.mul_(beta2).add_((1 - beta2) * grad ** 2)"), (_P, "    p.mul_(1 - lr * weight_decay)\n")))),
        Mistake("adamw-no-error", L(zh="step < 1 时没有报错", en="step < 1 is not refused"), L(zh="题目要 ValueError。", en="The task asks for ValueError."), ("if step < 1:", "if False:"), skill="edge", hint=1,
                also=((("if step < 1:", "if step == 0:"),), (("if step < 1:", "if step < 0:"),))),
    ),
    alternatives=(adamw_lerp, adamw_step_size, adamw_library, adamw_numpy, adamw_numbers, adamw_corrections),
    think=L(zh="第 1 步的更新有多大？它和梯度的大小有关吗？", en="How large is the update at step 1? Does it depend on how large the gradient is?"),
)

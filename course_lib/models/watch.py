"""Attention seen where it happens, whatever the model's class calls its parts: a softmax, then the product of
its result with the values, then the first linear map that is given the heads' outputs side by side.

So there is no list of architectures here. The weights are what multiplied the values, the values are what was
multiplied (after grouping, norms, LoRA or quantisation), and a layer is one execution: a module that serves
many layers (ALBERT) is seen as many times as it runs. What is not done this way is not seen, and `Watch`
knows why nothing was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

__all__ = ["PRODUCT", "SOFTMAX", "Product", "Watch"]

SOFTMAX = {F.softmax, torch.softmax, torch.Tensor.softmax}
PRODUCT = {torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.bmm, torch.Tensor.bmm}
_SLACK = {torch.float32: 1e-3, torch.float64: 1e-3}  # of the largest number; half precision below
_HALF_SLACK = 2e-2


@dataclass
class Product:
    """One weighted sum. weights [H,T,S]; scores [H,T,S], what the softmax made them of; values [H,S,D] or
    None; value_norms [H,S] or None."""

    weights: torch.Tensor
    scores: torch.Tensor
    values: torch.Tensor | None
    value_norms: torch.Tensor | None = None


class Watch(TorchFunctionMode):
    """While active, sees every attention of `model`'s pass over one text (a batch of one), in order of
    execution.

    begin(path, call, shape): asked when a table [H,T,S] meets its values, with the module that runs it and
    the number of that run; says which heads to silence, or None where this table is of no interest.
    on_product: told when all is known of a table that was of interest, before the next one begins.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        begin: Callable[[str, int, torch.Size], list[int] | None],
        on_product: Callable[[Product], None] | None,
    ) -> None:
        super().__init__()
        self.model, self.begin, self.on_product = model, begin, on_product
        self.softmaxes = self._calls = 0
        self._path: list[tuple[str, int]] = [("", 0)]  # the modules being run, outermost first
        self._soft: torch.Size | None = None  # shape of the last softmax that has not met its values
        self._scores = torch.empty(0)  # what that softmax was given
        self._last: Product | None = None  # waits for its output projection, and the modules that may be it
        self._readers: list[tuple[torch.nn.Module, torch.Tensor, torch.Tensor]] = []
        self._inner = ""  # the path of the first of these
        self._sums: torch.Tensor | None = None  # the heads' outputs side by side, [T, H * D]
        self._hooks: list = []

    def __enter__(self) -> Watch:
        for name, module in self.model.named_modules():
            self._hooks.append(
                module.register_forward_pre_hook(lambda module, inputs, name=name: self._before_module(name))
            )
            self._hooks.append(module.register_forward_hook(self._after_module, always_call=True))
        return super().__enter__()

    def __exit__(self, *error) -> None:
        super().__exit__(*error)
        for hook in self._hooks:
            hook.remove()
        if error[0] is None:
            self._emit()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            return self._fused(*args, **kwargs)
        if func in SOFTMAX:
            return self._softmax(func(*args, **kwargs), args, kwargs)
        if self._soft is not None and func in PRODUCT and len(args) == 2 and self._meets(args[0]):
            left, right = args
            values = (
                right.expand(*left.shape[:-2], *right.shape[-2:])
                if right.dim() > 1 and _broadcasts(left, right)
                else None
            )
            return func(self._product(left, values), right, **kwargs)
        if (
            self._soft is not None
            and func is torch.einsum
            and len(operands := _operands(args)) == 2
            and self._meets(operands[0])
        ):
            return func(args[0], self._product(operands[0], _einsum_values(args[0], *operands)), operands[1])
        return func(*args, **kwargs)

    def _softmax(self, result, args, kwargs):
        dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
        if result.dim() > 2 and dim in (-1, result.dim() - 1):
            self.softmaxes += 1
            self._soft, self._scores = result.shape, args[0] if args else kwargs["input"]
        return result

    def _meets(self, left) -> bool:
        """Whether `left` can be the last softmax's result: the same table, reshaped perhaps, or without a
        sink's column at its end."""
        T, S = self._soft[-2:]
        heads = self._soft.numel() // (T * S)
        return (
            torch.is_tensor(left)
            and left.dim() > 2
            and left.shape[-2] == T
            and left.shape[-1] in (S, S - 1)
            and left.shape[:-2].numel() == heads
        )

    def _product(self, left: torch.Tensor, values: torch.Tensor | None) -> torch.Tensor:
        """Note this product; -> the weights to go on with, which are others where a head is silenced."""
        self._soft = None
        self._emit()
        weights = left.reshape(-1, *left.shape[-2:])  # (H, T, S)
        heads = self.begin(*self._path[-1], weights.shape)
        if heads is not None and self.on_product is not None:
            scores = self._scores[..., : weights.shape[-1]].reshape(weights.shape)  # without a sink's column
            self._last = Product(
                weights, scores, None if values is None else values.reshape(-1, *values.shape[-2:])
            )
        if heads:
            left = left.clone(memory_format=torch.contiguous_format)
            left.view(weights.shape)[heads] = 0
        return left

    def _fused(self, q, k, v, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
        """scaled_dot_product_attention in the open, for models that know no other way."""
        k, v = (x.repeat_interleave(q.shape[-3] // x.shape[-3], dim=-3) if enable_gqa else x for x in (k, v))
        scores = q @ k.transpose(-2, -1) * (q.shape[-1] ** -0.5 if scale is None else scale)
        if is_causal:
            attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
        if attn_mask is not None:
            scores = (
                scores.masked_fill(~attn_mask, -torch.inf)
                if attn_mask.dtype == torch.bool
                else scores + attn_mask
            )
        # nothing to see: zeros
        weights = scores.softmax(-1).masked_fill((scores == -torch.inf).all(-1, keepdim=True), 0.0)
        self.softmaxes += 1
        self._scores = scores
        return self._product(weights, v.expand(*weights.shape[:-2], *v.shape[-2:])) @ v

    def _emit(self) -> None:
        product, self._last, self._sums = self._last, None, None
        if product is None:
            return
        readers, self._readers = self._readers, []
        # what is around the first one (LoRA) finished later and counts first
        for module, given, made in reversed(readers):
            matrix = _matrix(module, given, made)
            if matrix is not None:
                product.value_norms = _norms(product.values.float(), matrix)
                break
        self.on_product(product)

    def _before_module(self, name: str) -> None:
        self._calls += 1
        self._path.append((name, self._calls))

    def _after_module(self, module, inputs, output) -> None:
        path, _ = self._path.pop()
        last = self._last
        if (
            last is None
            or last.values is None
            or len(inputs) != 1
            or not (torch.is_tensor(inputs[0]) and torch.is_tensor(output))
        ):
            return
        if self._readers and not self._inner.startswith(path + "."):  # it reads something later
            return
        H, T, D = last.weights.shape[0], last.weights.shape[1], last.values.shape[-1]
        if inputs[0].shape[-1] != H * D or inputs[0].numel() != T * H * D or output.numel() % T:
            return
        given, made = inputs[0].reshape(T, H * D), output.reshape(T, -1)
        if given.shape == made.shape and torch.equal(given, made):  # dropout, identity: not it
            return
        if self._sums is None:
            self._sums = (last.weights.to(last.values.dtype) @ last.values).transpose(0, 1).reshape(T, H * D)
        if _close(given, self._sums):
            self._inner = self._inner if self._readers else path
            self._readers.append((module, given, made))


def _norms(values: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """||W_h v_j|| for every head h and key j. values (H, S, D), matrix (H * D, model) -> (H, S)"""
    W = matrix.unflatten(0, (values.shape[0], values.shape[-1]))  # (H, D, model)
    gram = W @ W.transpose(1, 2)  # |Wv|^2 = v'(W'W)v: D x D instead of model x S
    return ((values @ gram) * values).sum(-1).clamp_min(0).sqrt()


def _matrix(module: torch.nn.Module, given: torch.Tensor, made: torch.Tensor) -> torch.Tensor | None:
    """float32 [in, out] of a linear map, or None where what it `made` of the `given` is no linear map."""
    if type(module) is torch.nn.Linear:
        return module.weight.T.float()
    width = given.shape[-1]
    # one row for each input, one for the bias
    probes = torch.cat((torch.eye(width), torch.zeros(1, width))).to(given)
    try:
        answers = module.forward(probes[None])[0].float()
    except (RuntimeError, TypeError, ValueError, IndexError):  # it wants something else
        return None
    if answers.shape != (width + 1, made.shape[-1]):
        return None
    matrix = answers[:-1] - answers[-1]
    # int8 rounds by its input's range
    return matrix if _close(given.float() @ matrix + answers[-1], made.float(), _HALF_SLACK) else None


def _close(x: torch.Tensor, y: torch.Tensor, slack: float | None = None) -> bool:
    slack = _SLACK.get(x.dtype, _HALF_SLACK) if slack is None else slack
    return bool((x - y).abs().max() <= slack * y.abs().max())


def _broadcasts(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether `right` holds values for each head of `left`, or values that all share."""
    tail = left.shape[:-2][len(left.shape) - right.dim() :] if right.dim() <= left.dim() else ()
    return (
        right.shape[-2] == left.shape[-1]
        and right.dim() > 2
        and right.dim() <= left.dim()
        and all(a in (1, b) for a, b in zip(right.shape[:-2], tail))
    )


def _operands(args) -> tuple:
    return tuple(args[1]) if len(args) == 2 and isinstance(args[1], (tuple, list)) else tuple(args[1:])


def _einsum_values(equation: str, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor | None:
    """`right` in the order [..., S, D] of `left`'s heads: "bnij,jbnd->ibnd" has its values as [j, b, n,
    d]."""
    inputs = equation.replace(" ", "").partition("->")[0].split(",")
    if len(inputs) != 2 or "." in equation:
        return None
    a, b = inputs
    own = [letter for letter in b if letter not in a]
    wanted = [*a[:-2], a[-1], *own]
    if len(own) != 1 or sorted(wanted) != sorted(b):
        return None
    return right.permute([b.index(letter) for letter in wanted])

"""A tokenizer that a reader wrote, with `encode` and `decode` alone, made to answer like one of
transformers'."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .failure import ModelError

__all__ = ["PlainTokenizer"]


class PlainTokenizer:
    """own: has encode(text) -> ids (a list, a tensor, or an object with .ids) and decode(ids) -> text. What
    it may know of special tokens is not asked."""

    model_max_length = float("inf")
    all_special_ids: Sequence[int] = ()
    mask_token_id = eos_token_id = pad_token_id = mask_token = None

    def __init__(self, own: Any) -> None:
        self.own = own

    def __call__(
        self,
        text: str | None = None,
        *,
        text_target: str | None = None,
        truncation: bool = False,
        max_length: int | None = None,
        **_: Any,
    ) -> dict[str, torch.Tensor]:
        """One text -> {"input_ids": long [1,T]}."""
        ids = self.own.encode(text if text_target is None else text_target)
        ids = getattr(ids, "ids", ids)
        try:
            ids = torch.as_tensor(ids)
        except (TypeError, ValueError, RuntimeError):
            ids = torch.empty(0, 0)
        if (
            ids.dim() != 1
            or len(ids)
            and (ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool)
        ):
            raise ModelError(
                zh="tokenizer.encode(文本) 应返回一列词元编号（整数）。",
                en="tokenizer.encode(text) must return a list of ids, whole numbers.",
            )
        return {"input_ids": ids[: max_length if truncation else None].long()[None]}

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        return self.own.decode(list(ids))

    def convert_ids_to_tokens(self, token_id: int) -> str:
        return getattr(self.own, "id_to_token", lambda one: self.decode([one]))(token_id)

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        return 0

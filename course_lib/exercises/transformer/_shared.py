"""What several exercises of this chapter share."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.spec import Draw

AXIS = L(zh="归一化只看最后一个轴：每个位置自己的 D 个数。", en="The norm looks at the last axis alone: the D numbers of each position.")
EPS = L(zh="eps 加在根号里面，分母是 √(… + eps)。", en="eps is added inside the root: the denominator is √(... + eps).")
HALF = L(zh="半精度装不下大数的平方，平方也不够精确：先用 `x.float()` 换成 float32，最后再换回来。",
         en="Half precision overflows on the squares of large numbers: compute in float32 (`x.float()`) and turn back at the end.")
HALF_INPUT = L(zh="半精度输入", en="half-precision input")
NORM_FORBIDDEN = {"layer_norm": "F.layer_norm", "native_layer_norm": "F.layer_norm", "rms_norm": "F.rms_norm", "_fused_rms_norm": "F.rms_norm"}


def even_rows(draw: Draw, rows: int) -> torch.Tensor:
    """Rows [rows, 8] of quarters whose mean is 0 and whose mean square is 1: their norm needs no rounding, in any precision."""
    quarters = torch.tensor([[-9, -3, 0, 0, 2, 3, 3, 4], [-9, -2, -1, 0, 1, 3, 4, 4]]) / 4
    return torch.stack([quarters[i][draw.permutation(8)] for i in draw.ints(2, rows).tolist()])

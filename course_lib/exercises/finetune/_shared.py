"""What several exercises of this chapter share."""
from __future__ import annotations

from ...i18n import L

SCALE = L(zh="缩放因子是 alpha/r，r 是 A 的行数。", en="The scale is alpha/r, where r is the number of rows of A.")

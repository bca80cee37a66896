"""What several exercises of this chapter share."""
from __future__ import annotations

from ...i18n import L

STABLE = L(zh="先减去每行的最大值，或者用 logsumexp。", en="Subtract each row's maximum first, or use logsumexp.")

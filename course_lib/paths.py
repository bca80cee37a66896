"""Where things live: what the package ships, what it fetched, and what belongs to the learner.

- `data(name)`   shipped with the course: `data/` of a checkout, or inside an installed wheel.
- `cache()`      fetched models; may be deleted at any time. COURSE_CACHE overrides.
- `home()`       progress and training checkpoints; never deleted by the course. COURSE_HOME overrides.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from pathlib import Path

import platformdirs

__all__ = ["cache", "data", "disk_full", "home", "writable"]

_PACKAGE = Path(__file__).parent


def data(name: str = "") -> Path:
    """Path of a shipped file or folder; FileNotFoundError names the folders that were searched."""
    roots = [_PACKAGE / "data", _PACKAGE.parent / "data"]  # a wheel carries data/ inside the package
    for root in roots:
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"{name!r} is not in {' or '.join(map(str, roots))}")


def cache() -> Path:
    """The folder for fetched models (not created here)."""
    return Path(os.environ.get("COURSE_CACHE") or platformdirs.user_cache_path("course_lib", appauthor=False))


def home() -> Path:
    """The folder for the learner's own files (not created here)."""
    return Path(os.environ.get("COURSE_HOME") or platformdirs.user_data_path("course_lib", appauthor=False))


def writable(folder: Path) -> bool:
    """True if files can be made in `folder`, which is created if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def disk_full(problem: BaseException | str) -> bool:
    """True if an error, one behind it, or what a program said tells of a full disk or a used-up quota.

    Libraries in Rust and C++ (safetensors, tokenizers, torch) raise errors of their own, with the system's
    words in them.
    """
    if isinstance(problem, str):
        return bool(
            re.search(
                r"No space left on device|[Dd]isk quota exceeded|not enough space on the disk|os "
                r"error (28|122|112)\b",
                problem,
            )
        )
    while problem is not None:
        if getattr(problem, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or disk_full(str(problem)):
            return True
        problem = problem.__cause__ or problem.__context__
    return False

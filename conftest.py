"""Every test, and every notebook under nbval, runs at small size, on one thread, with a progress file of its own."""
import os
import tempfile
from functools import lru_cache

import pytest

os.environ.update(COURSE_QUICK="1", OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")


@lru_cache
def home_of(path: str) -> str:
    """One folder for the progress of each test file."""
    return tempfile.mkdtemp()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Kernels that nbval starts inherit COURSE_HOME, so progress never leaks from one notebook to another."""
    os.environ["COURSE_HOME"] = home_of(str(item.path))

"""Every test and every notebook runs at small size, in English and on one thread unless told otherwise, with
a progress file of its own.

Of each chapter the solved edition is executed in both languages, cell by cell, by nbval; what a cell shows is
compared by tests/nbval_compare.py, the same on every processor. The learner's edition runs in a browser
(test_browser), and what both editions hold must show the same (test_notebooks).
"""

import os
import tempfile
from functools import lru_cache

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tests.nbval_compare import difference

os.environ.update(COURSE_QUICK="1", COURSE_LANG="en", TOKENIZERS_PARALLELISM="false")
os.environ.setdefault("OMP_NUM_THREADS", "1")


# looked through for doctests, a chapter's source would run
collect_ignore_glob = ["notebooks/*.py", "notebooks/src/*"]


@lru_cache
def home_of(path: str) -> str:
    """One folder for the progress of each test file."""
    return tempfile.mkdtemp()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Kernels that nbval starts inherit COURSE_HOME, so progress never leaks from one notebook to another."""
    os.environ["COURSE_HOME"] = home_of(str(item.path))


@pytest.fixture(autouse=True)
def language_as_found():
    """A test may choose a language; the next one, in whatever order, finds it as it was."""
    from course_lib import i18n

    was = i18n._current
    yield
    i18n._current = was


def pytest_configure(config):
    config.option.nbval = (
        False  # it would collect each notebook a second time, to be compared letter by letter
    )


class Notebook(IPyNbFile):
    """A notebook, whose cells run in one kernel."""

    def collect(self):
        for cell in super().collect():
            yield Cell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )


class Cell(IPyNbCell):
    """A cell that is compared by what it shows; nbval itself compares texts letter by letter, and pictures
    not at all."""

    def compare_outputs(self, test, ref, skip_compare=None):
        found = difference(ref, test, self.sanitize)
        self.comparison_traceback = [found]
        return found is None


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".ipynb" and file_path.parent.name == "solutions":
        return Notebook.from_parent(parent, path=file_path)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """In random order, too, the cells of a notebook stay in theirs."""
    places = [i for i, item in enumerate(items) if isinstance(item, Cell)]
    cells = sorted((items[i] for i in places), key=lambda cell: (str(cell.path), cell.cell_num))
    for i, cell in zip(places, cells):
        items[i] = cell

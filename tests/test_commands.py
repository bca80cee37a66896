"""`lab` opens the course without make; `doctor` knows what goes wrong between installed libraries."""

import os
import subprocess
import sys

import pytest

from course_lib import checkup, lab
from course_lib.errors import CourseError


@pytest.mark.parametrize("number, name", [(0, "00_start"), (3, "03_attention")])
def test_lab_finds_the_chapter_in_the_language_in_force(number, name, monkeypatch):
    for lang in ("zh", "en"):
        lab.set_language(lang)
        assert lab.notebook(number).parts[-2:] == (lang, f"{name}.ipynb")


def test_lab_says_which_chapters_there_are():
    written = ", ".join(
        str(number)
        for number in (int(path.name[:2]) for path in sorted((lab._NOTEBOOKS / "en").glob("[0-9]*.ipynb")))
    )
    with pytest.raises(CourseError, match=f"no chapter 99 yet; there are {written}"):
        lab.notebook(99)


def test_lab_outside_the_courses_folder_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(lab, "_NOTEBOOKS", tmp_path / "notebooks")
    with pytest.raises(CourseError, match="run this in the course's folder"):
        lab.notebook(0)


def test_lab_starts_a_server_at_the_chapter(tmp_path):
    command = [sys.executable, "-m", "course_lib", "lab", "1", "--lang", "en"]
    server = subprocess.Popen(
        command,
        env={**os.environ, "BROWSER": "true", "JUPYTER_RUNTIME_DIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        assert any("is running at" in line for line in server.stderr)
        # it has written the page for the browser
        assert any("Skipped" in line or "open this file" in line for line in server.stderr)
        (page,) = tmp_path.glob("jpserver-file-to-run-*.html")
        # not alone: its links lead to docs
        assert "/notebooks/en/01_language_models.ipynb" in page.read_text("utf-8")
    finally:
        os.killpg(server.pid, 9)
        server.wait()


OMP = "OMP: Error #15: Initializing libiomp5md.dll, but found libomp already initialized."
BUILT = "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.4.6"


@pytest.mark.parametrize(
    "library, says, mend",
    [
        (
            f"import sys, os; print('{OMP}', file=sys.stderr, flush=True); os._exit(3)",
            "OMP: Error #15",
            "OpenMP",
        ),
        (
            "raise ImportError('numpy.core.multiarray failed to import')",
            "numpy.core.multiarray",
            "--force-reinstall",
        ),
        (
            f"import sys; print('{BUILT}', file=sys.stderr); raise ImportError('x')",
            "ImportError",
            "-U -c constraints.txt",
        ),
        ("raise RuntimeError('something new')", "something new", "fresh environment"),
    ],
)
def test_doctor_names_a_clash_of_libraries(library, says, mend, tmp_path, monkeypatch):
    (tmp_path / "matplotlib.py").write_text(library, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ((ok, what, how),) = checkup._together()
    assert not ok and says in what and mend in how


def test_doctor_finds_the_libraries_of_this_environment_in_order():
    assert [ok for ok, *_ in checkup._together()] == [True]


def test_doctor_knows_a_numpy_replaced_while_in_use(monkeypatch):
    import numpy

    monkeypatch.setattr(numpy, "__version__", "1.0")
    found = list(checkup._together())
    assert not found[-1][0] and "1.0" in found[-1][1] and "restart" in found[-1][2]


@pytest.mark.parametrize(
    "encoding, fine", [("utf-8", True), ("ascii", False), ("gbk", False), ("cp1252", False)]
)
def test_doctor_knows_a_console_without_chinese(encoding, fine):
    child = "from course_lib import checkup; print([ok for ok, *_ in checkup._console()])"
    ran = subprocess.run(
        [sys.executable, "-c", child],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        text=True,
    )
    assert ran.stdout.strip() == f"[{fine}]"

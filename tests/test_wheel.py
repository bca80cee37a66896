"""The course as a wheel alone: a fresh environment, an empty folder, one notebook copied into it, as on
Colab.

The environment is fresh in what matters: it sees the libraries of the one that runs the tests, but no
checkout and no course_lib.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[1]
# The first chapter, and one that reads most of the data.
NOTEBOOKS = [ROOT / "notebooks" / "zh" / f"{name}.ipynb" for name in ("00_start", "14_retrieval")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT],
        check=True,
        capture_output=True,
    )
    return next(out.glob("*.whl"))


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A new environment with a kernel named "fresh", without course_lib; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    site = next((tmp_path / "env").rglob("site-packages"))
    # by this name dill, which datasets uses, knows a library from a reader's own module
    libraries = tmp_path / "libraries" / "site-packages"
    libraries.mkdir(parents=True)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "course_lib" not in entry.name:
            (libraries / entry.name).symlink_to(entry)
    (site / "libraries.pth").write_text(str(libraries))
    python = tmp_path / "env" / "bin" / "python"
    kernel = tmp_path / "share" / "kernels" / "fresh"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        json.dumps(
            {
                "argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                "display_name": "fresh",
                "language": "python",
            }
        )
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return python


def run_alone(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    folder.mkdir()
    client = NotebookClient(
        notebook, timeout=300, kernel_name="fresh", resources={"metadata": {"path": str(folder)}}
    )
    client.widget_registry = {}
    client.execute(env=dict(os.environ))
    assert not list(folder.iterdir()), "a chapter leaves nothing behind in the reader's folder"
    return notebook


def install(python: Path, wheel: Path) -> None:
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True, capture_output=True
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_runs_from_the_wheel_in_an_empty_folder(fresh, wheel, tmp_path, path):
    install(fresh, wheel)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("import course_lib; print(course_lib.__file__)"))
    notebook = run_alone(notebook, tmp_path / "empty")
    assert str(tmp_path) in notebook.cells[-1].outputs[0].text


def test_the_wheel_carries_data(fresh, wheel, tmp_path):
    install(fresh, wheel)
    shipped = sorted(
        path.relative_to(ROOT / "data").as_posix() for path in (ROOT / "data").rglob("*") if path.is_file()
    )
    code = (
        f"from course_lib import paths; print([name for name in {shipped!r} if not "
        f"paths.data(name).is_file()], paths.data())"
    )
    ran = subprocess.run(
        [fresh, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert ran.stdout.startswith("[] ") and str(tmp_path) in ran.stdout


def test_the_first_cell_installs_the_course_or_says_what_to_do(fresh, wheel, tmp_path, monkeypatch):
    cells = [cell for cell in nbformat.read(NOTEBOOKS[0], as_version=4).cells if cell.cell_type == "code"][:1]
    assert "COURSE_SOURCE" in cells[0].source
    notebook = nbformat.v4.new_notebook(
        cells=cells + [nbformat.v4.new_code_cell("import course_lib; print(course_lib.__file__)")]
    )
    with pytest.raises(CellExecutionError, match="Set COURSE_SOURCE"):
        run_alone(notebook, tmp_path / "a")
    monkeypatch.setenv("COURSE_SOURCE", str(wheel))
    monkeypatch.setenv("PIP_NO_DEPS", "1")
    notebook = run_alone(notebook, tmp_path / "b")
    assert str(tmp_path) in notebook.cells[-1].outputs[0].text
    shutil.rmtree(tmp_path / "env")

"""The build: four editions from one source, deterministic, with twins that agree and no solution in a
student's hands."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))

import build  # noqa: E402
import rules  # noqa: E402
from nbval_compare import difference  # noqa: E402

from course_lib import exercises  # noqa: E402

SOURCES = build.sources()
SOURCE = '''# %% zh [md]
r"""
# 标题
公式 $x$ 与 `code`
"""
# %% en [md]
r"""
# Title
The formula $x$ and `code`
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
# %% exercise id="lm.bigram"
# lm.bigram
# %%
cl.check("lm.bigram")
'''


@pytest.fixture
def source(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    (folder / "src").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / "notebooks" / "rows.csv", folder)
    monkeypatch.setattr(build, "HERE", folder)
    file = folder / "src" / "99_test.py"
    file.write_text(SOURCE, "utf-8")
    return file


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_sources_keep_the_rules(source):
    assert list(rules.broken_rules(source)) == []


@pytest.mark.parametrize(
    "old, new, broken",
    [
        ("The formula $x$", "The formula $y$", "formulas"),
        ("# Title", "## Title", "headings"),
        ("and `code`", "and code", "code names"),
        ('# %% en [md]\nr"""\n# Title\nThe formula $x$ and `code`\n"""\n', "", "no twin"),
        ("公式", "见 [这里](a.ipynb)", "links"),
        ("cl.check", "\n" * 20 + "cl.check", "lines"),
    ],
)
def test_a_drifting_twin_is_found(source, old, new, broken):
    assert list(rules.broken_rules(source)) == []
    source.write_text(SOURCE.replace(old, new), "utf-8")
    assert any(broken in problem for problem in rules.broken_rules(source))


def test_build_is_deterministic_and_stale_is_found(source):
    jobs = [(source, lang, solution, False) for lang in build.LANGS for solution in (False, True)]
    texts = [build.build(*job)[2] for job in jobs]
    assert texts == [build.build(*job)[2] for job in jobs]
    zh, _, en, _ = (nbformat.reads(text, as_version=4) for text in texts)
    code = [[cell.source for cell in notebook.cells if cell.cell_type == "code"] for notebook in (zh, en)]
    assert code[0] == [text.replace('lang="en"', 'lang="zh"') for text in code[1]] and code[0] != code[1]
    path, old, new = build.build(*jobs[0])
    assert old is None
    path.parent.mkdir()
    path.write_text(new, "utf-8")
    assert build.build(*jobs[0])[1] == build.build(*jobs[0])[2]
    source.write_text(SOURCE.replace("公式", "新公式"), "utf-8")
    assert build.build(*jobs[0])[1] != build.build(*jobs[0])[2]


def test_outputs_of_unchanged_cells_are_kept(source):
    notebook = build.render(source, "zh", False)
    old = build.render(source, "zh", False)
    code = [cell for cell in old.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.execution_count, cell.outputs = number, [nbformat.v4.new_output("stream", text=f"{number}")]
    notebook.cells[-1].source += "  # edited"
    notebook.cells[-1].id = "edited"
    build.carry_outputs(notebook, old)
    new = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [bool(cell.outputs) for cell in new] == [True] * (len(new) - 1) + [False]


def test_pictures_are_stored_small_and_look_the_same():
    from matplotlib.figure import Figure
    from PIL import Image

    axis = (figure := Figure(figsize=(6, 3), facecolor="none")).subplots()
    axis.imshow([[i * j for i in range(9)] for j in range(9)], cmap="YlOrBr", alpha=0.8)
    axis.plot(range(9), color="#ee7733", lw=8)
    axis.set(title="title", facecolor="none")
    figure.savefig(out := io.BytesIO(), format="png")
    png = base64.b64encode(out.getvalue()).decode()
    output = nbformat.v4.new_output(
        "display_data",
        data={"image/png": png, "text/html": f'<img alt="x" src="data:image/png;base64,{png}">'},
    )
    stored = build._clean(nbformat.from_dict(output))
    small = stored.data["image/png"]
    assert (
        len(small) < 0.6 * len(png)
        and stored.data["text/html"] == f'<img alt="x" src="data:image/png;base64,{small}">'
    )
    assert (
        difference(
            [stored],
            [
                nbformat.v4.new_output(
                    "display_data", data={"image/png": png, "text/html": output.data["text/html"]}
                )
            ],
        )
        is None
    )
    before, after = (Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA") for text in (png, small))
    common = sorted(before.getcolors(10**6))[-20:]
    assert all(colour in {colour for _, colour in after.getcolors(10**6)} for _, colour in common), (
        "no surface changes its colour"
    )
    assert build._clean(stored).data["image/png"] == small


def test_a_progress_bar_is_kept_as_its_last_state():
    parts = ["one\n", "\r 0%", "\r 50%", "\r100%", "\ntwo\r\n"]
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in parts]
    picture = nbformat.v4.new_output("display_data", data={"text/plain": "x"})
    kept = build._joined([*outputs, picture, nbformat.v4.new_output("stream", name="stdout", text="three")])
    assert [output.get("text") for output in kept] == ["one\n100%\ntwo\r\n", None, "three"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_solution_in_a_student_edition(source):
    for lang in build.LANGS:
        text = "\n".join(
            cell.source for cell in nbformat.read(build.edition(source, lang, False), as_version=4).cells
        )
        for entry in exercises.catalog():
            reference = exercises.reference_source(entry["id"])
            body = [
                line.strip() for line in reference.split('"""')[-1].splitlines() if len(line.strip()) > 12
            ]
            leaked = [line for line in body if line in text]
            assert len(leaked) < max(2, len(body)), (
                f"{entry['id']} leaks into {source.stem} ({lang}): {leaked}"
            )


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "notebooks").glob("[ze][hn]/**/*.ipynb")),
    ids=lambda path: str(path.relative_to(ROOT / "notebooks")),
)
def test_stored_notebooks_are_whole(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count, (
                "every code cell was executed: nbval does not compare one that was not"
            )
            kinds = [output.output_type for output in cell.outputs] + [
                output.get("name") for output in cell.outputs
            ]
            assert "error" not in kinds and "stderr" not in kinds, cell.source
            if path.parent.name == "solutions" and "cl.check(" in cell.source:
                assert "✗" not in str(cell.outputs), (
                    "the course's own solution passes its check where it stands"
                )
    text = path.read_text("utf-8")
    assert (
        "Glyph" not in text
        and "widget-view" not in text
        and not re.search(r"/(?:home|root|work|tmp)/", text.replace(r"\/", "/"))
    ), "names a folder of the machine"


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "notebooks").glob("[ze][hn]/*.ipynb")),
    ids=lambda path: str(path.relative_to(ROOT / "notebooks")),
)
def test_the_learners_edition_shows_what_the_solved_one_shows(path):
    """Where no exercise is asked; what a cell of the solved edition shows is executed and compared
    elsewhere."""
    ours, solved = (
        nbformat.read(file, as_version=4).cells for file in (path, path.parent / "solutions" / path.name)
    )
    compared = 0
    for a, b in zip(ours, solved, strict=True):
        own = (
            a.cell_type != "code"
            or a.source != b.source
            or re.search(r"cl\.(check|use|progress)\(", a.source)
        )
        if not own and "nbval-ignore-output" not in a.metadata.get("tags", []):
            assert difference(a.outputs, b.outputs) is None, a.source
            compared += bool(a.outputs)
    assert compared >= 5


def test_stale_notebooks_fail_the_build_check():
    ran = subprocess.run(
        [sys.executable, ROOT / "notebooks" / "build.py", "--check"],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_links_between_chapters_lead_somewhere(source):
    text = source.read_text("utf-8")
    linked = set(re.findall(r"\]\((\d\d_\w+\.ipynb)", text))
    assert all((ROOT / "notebooks" / "zh" / name).is_file() for name in linked), linked

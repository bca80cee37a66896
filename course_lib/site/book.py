"""The chapters as web pages, in both languages, made by Sphinx from the executed notebooks."""
from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from ..chapters import chapters
from ..errors import CourseError
from ..i18n import LANGUAGES
from ..models import load
from ..viz import attention_view

__all__ = ["book"]

_ROOT = Path(__file__).parents[2]
_SPHINX = _ROOT / "docs" / "site"
# Rooms of the package whose names are for readers; each becomes a section of the API page.
_ROOMS = ("", "models", "nn", "text", "metrics", "training", "generation", "interpret", "viz", "exercises")


def book(out: Path) -> None:
    """Write out/index.html and, under out/zh and out/en, every written chapter, the index of rows, the bibliography and the API, with search.

    No page asks for anything outside the folder.

    CourseError: the notebooks are not here (only the package is installed), Sphinx is missing, or a page could not be built.
    """
    if not (_ROOT / "notebooks" / "zh").is_dir():
        raise CourseError(zh="这里只装了 course_lib，没有笔记本：请在课程目录里运行。",
                          en="Only course_lib is installed here, without the notebooks: run this in the course's folder.")
    if any(find_spec(name) is None for name in ("sphinx", "myst_nb", "furo", "latex2mathml")):
        raise CourseError(zh='还没有安装 Sphinx：pip install -c constraints.txt -e ".[site]"', en='Sphinx is not installed: pip install -c constraints.txt -e ".[site]"')
    for lang in LANGUAGES:
        with tempfile.TemporaryDirectory() as folder:
            sources, pages = Path(folder, "sources"), Path(folder, "pages")
            _write_sources(sources, lang)
            # A process of its own: Sphinx keeps the words of the first language that it built in.
            command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-c", str(_SPHINX), "-t", lang, "-d", f"{folder}/trees", str(sources), str(pages)]
            if subprocess.run(command).returncode:
                raise CourseError(zh="Sphinx 没有写完 {lang} 的网页，原因见上。", en="Sphinx did not finish the pages in {lang}; the reason stands above.", lang=lang)
            shutil.rmtree(out / lang, ignore_errors=True)
            shutil.move(pages, out / lang)
    shutil.copy(_SPHINX / "landing.html", out / "index.html")
    attention_view(load("smollm2-135m"), "The cat sat on the mat because it was tired.").to_html(out / "viewer.html")


def _write_sources(folder: Path, lang: str) -> None:
    """What Sphinx reads: the notebooks without their installer cell, and four pages of text."""
    folder.mkdir()
    written = [chapter for chapter in chapters() if (_ROOT / "notebooks" / lang / f"{chapter.stem}.ipynb").exists()]
    for chapter in written:
        notebook = json.loads((_ROOT / "notebooks" / lang / f"{chapter.stem}.ipynb").read_text("utf-8"))
        notebook["cells"] = [cell for cell in notebook["cells"] if "cellView" not in cell["metadata"]]
        for cell in notebook["cells"]:
            if cell["metadata"].get("jupyter", {}).get("outputs_hidden"):       # the answer to a guess: folded here, too
                cell["metadata"].setdefault("tags", []).append("hide-output")
                cell["outputs"] = [output for output in cell["outputs"] if output.get("data", True)]
        text = json.dumps(notebook, ensure_ascii=False).replace("../../docs/index.md", "rows.md").replace("../../docs/bibliography.md", "bibliography.md")
        (folder / f"{chapter.stem}.ipynb").write_text(text, "utf-8")
    other = 4 if lang == "zh" else 3                # | row | subject | 中文版 | English |
    rows = ["|".join(cell for i, cell in enumerate(line.split("|")) if i != other) for line in (_ROOT / "docs" / "index.md").read_text("utf-8").splitlines()]
    (folder / "rows.md").write_text("\n".join(rows).replace(f"../notebooks/{lang}/", ""), "utf-8")
    shutil.copy(_ROOT / "docs" / "bibliography.md", folder)
    names = {"zh": ("看得见的大语言模型", "接口", "章节", "查阅"), "en": ("Large language models, in plain sight", "API", "Chapters", "Look up")}[lang]
    pages, stems = "rows\nbibliography\napi", "\n".join(chapter.stem for chapter in written)
    tree = "\n```{{toctree}}\n:caption: {}\n\n{}\n```\n"
    (folder / "index.md").write_text(f"# {names[0]}\n" + tree.format(names[2], stems) + tree.format(names[3], pages), "utf-8")
    told: set[int] = set()
    (folder / "api.md").write_text(f"# {names[1]}\n\n" + "\n".join(_room(room, told) for room in _ROOMS), "utf-8")


def _room(room: str, told: set[int]) -> str:
    """The section of one room: each of its public functions and classes that was not `told` before, with its docstring."""
    module = import_module(f"course_lib.{room}" if room else "course_lib")
    lines = [f"## `{module.__name__}`\n", "```{eval-rst}"]
    for name in module.__all__:
        thing = getattr(module, name)
        if callable(thing) and getattr(thing, "__module__", "").startswith("course_lib") and id(thing) not in told:
            told.add(id(thing))
            lines.append(f".. auto{'class' if isinstance(thing, type) else 'function'}:: {module.__name__}.{name}")
    return "\n".join([*lines, "```\n"])

"""The chapters as web pages, in both languages, made by Sphinx from the executed notebooks."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..chapters import Chapter, chapters
from ..errors import CourseError
from ..i18n import LANGUAGES
from ..models import load
from ..viz import attention_view
from ..viz.attention.view import AttentionView
from ..viz.widgets.chat import Chat
from ..viz.widgets.explore import Explore
from ..viz.widgets.guide import Tour
from ..viz.widgets.painter import MaskPainter
from ..viz.widgets.plane import QueryPlane
from ..viz.widgets.triangle import Simplex

__all__ = ["book"]

_ROOT = Path(__file__).parents[2]
_SPHINX = _ROOT / "docs" / "site"
# what `notebooks/build.py` kept of the widgets: language / chapter / cell
_BAKED = _ROOT / "notebooks" / "live"
_WIDGETS = (Explore, QueryPlane, MaskPainter, Simplex, Chat, Tour, AttentionView)
# Rooms of the package whose names are for readers; each becomes a section of the API page.
_ROOMS = ("", "models", "nn", "text", "metrics", "training", "generation", "interpret", "viz", "exercises")


def book(out: Path) -> None:
    """Write out/index.html and, under out/zh and out/en, every written chapter, the index of rows, the
    bibliography and the API, with search.

    No page asks for anything outside the folder.

    CourseError: the notebooks are not here (only the package is installed), Sphinx is missing, or a page
    could not be built.
    """
    if not (_ROOT / "notebooks" / "zh").is_dir():
        raise CourseError(
            zh="这里只装了 course_lib，没有笔记本：请在课程目录里运行。",
            en="Only course_lib is installed here, without the notebooks: run this in the course's folder.",
        )
    if any(find_spec(name) is None for name in ("sphinx", "myst_nb", "furo", "latex2mathml")):
        raise CourseError(
            zh='还没有安装 Sphinx：pip install -c constraints.txt -e ".[site]"',
            en='Sphinx is not installed: pip install -c constraints.txt -e ".[site]"',
        )
    for lang in LANGUAGES:
        with tempfile.TemporaryDirectory() as folder:
            sources, pages = Path(folder, "sources"), Path(folder, "pages")
            _write_sources(sources, lang)
            # A process of its own: Sphinx keeps the words of the first language that it built in.
            command = [
                sys.executable,
                "-m",
                "sphinx",
                "-q",
                "-W",
                "--keep-going",
                "-b",
                "html",
                "-c",
                str(_SPHINX),
                "-t",
                lang,
                "-d",
                f"{folder}/trees",
                str(sources),
                str(pages),
            ]
            if subprocess.run(command).returncode:
                raise CourseError(
                    zh="Sphinx 没有写完 {lang} 的网页，原因见上。",
                    en="Sphinx did not finish the pages in {lang}; the reason stands above.",
                    lang=lang,
                )
            write_widgets(pages / "_static" / "live", _BAKED / lang)
            for file in (_ROOT / "notebooks" / lang).glob("*.ipynb"):
                shutil.copy(file, pages)
            shutil.rmtree(out / lang, ignore_errors=True)
            shutil.move(pages, out / lang)
    shutil.copy(_SPHINX / "landing.html", out / "index.html")
    attention_view(load("smollm2-135m"), "The cat sat on the mat because it was tired.").to_html(
        out / "viewer.html"
    )


def _write_sources(folder: Path, lang: str) -> None:
    """What Sphinx reads: the notebooks without their installer cell, and five pages of text."""
    folder.mkdir()
    written = [
        chapter for chapter in chapters() if (_ROOT / "notebooks" / lang / f"{chapter.stem}.ipynb").exists()
    ]
    for chapter in written:
        notebook = json.loads((_ROOT / "notebooks" / lang / f"{chapter.stem}.ipynb").read_text("utf-8"))
        notebook["cells"] = [cell for cell in notebook["cells"] if "cellView" not in cell["metadata"]]
        tolerances = dict(
            re.findall(
                r'guess\.result\("([\w.]+)".*tolerance=([\d.]+)',
                "".join(line for cell in notebook["cells"] for line in cell["source"]),
            )
        )
        for cell in notebook["cells"]:
            if guess := re.search(r'cl\.guess\(\s*"([\w.]+)"', "".join(cell["source"])):
                _mark(cell, guess=guess[1], tolerance=tolerances.get(guess[1], "0"))
            if (_BAKED / lang / chapter.stem / f"{cell['id']}.z").exists():
                _mark(cell, live=f"{chapter.stem}/{cell['id']}")
            # the answer to a guess: folded here, too
            if cell["metadata"].get("jupyter", {}).get("outputs_hidden"):
                cell["metadata"].setdefault("tags", []).append("hide-output")
                cell["outputs"] = [output for output in cell["outputs"] if output.get("data", True)]
        text = (
            json.dumps(notebook, ensure_ascii=False)
            .replace("../../docs/index.md", "rows.md")
            .replace("../../docs/bibliography.md", "bibliography.md")
        )
        (folder / f"{chapter.stem}.ipynb").write_text(text, "utf-8")
    other = 4 if lang == "zh" else 3  # | row | subject | 中文版 | English |
    rows = [
        "|".join(cell for i, cell in enumerate(line.split("|")) if i != other)
        for line in (_ROOT / "docs" / "index.md").read_text("utf-8").splitlines()
    ]
    (folder / "rows.md").write_text("\n".join(rows).replace(f"../notebooks/{lang}/", ""), "utf-8")
    shutil.copy(_ROOT / "docs" / "bibliography.md", folder)
    (folder / "live.md").write_text(_what_lives(lang, written), "utf-8")
    names = {
        "zh": ("看得见的大语言模型", "接口", "章节", "查阅"),
        "en": ("Large language models, in plain sight", "API", "Chapters", "Look up"),
    }[lang]
    pages, stems = "rows\nbibliography\nlive\napi", "\n".join(chapter.stem for chapter in written)
    tree = "\n```{{toctree}}\n:caption: {}\n\n{}\n```\n"
    (folder / "index.md").write_text(
        f"# {names[0]}\n" + tree.format(names[2], stems) + tree.format(names[3], pages), "utf-8"
    )
    told: set[int] = set()
    (folder / "api.md").write_text(
        f"# {names[1]}\n\n" + "\n".join(_room(room, told) for room in _ROOMS), "utf-8"
    )


def _what_lives(lang: str, written: list[Chapter]) -> str:
    """A page with, for each chapter, how many of its views are computed in the browser, looked up, or
    replayed."""
    title, text, head = {
        "zh": (
            "这些网页上什么是活的",
            "没有内核时：有的图由网页现算；有的是事先算好，按你的选择取出来；对话是录下的。猜测和回想的题都能点。代码要在笔记本里运行。",
            "| 章 | 现算 | 事先算好（图或句子的数目） | 录下的对话 |",
        ),
        "en": (
            "What is live on these pages",
            "Without a kernel, some views are computed by the page; others were computed "
            "beforehand and are looked up as you choose; "
            "conversations are recordings. Guesses and questions to recall can be answered "
            "everywhere. To run code, take the notebook.",
            "| Chapter | Computed here | Computed beforehand (pictures or sentences) | Recordings |",
        ),
    }[lang]
    rows = []
    for chapter in written:
        baked = [
            json.loads(zlib.decompress(file.read_bytes()))
            for file in sorted((_BAKED / lang / chapter.stem).glob("*.z"))
        ]
        counts = [len(view["state"].get("pictures", view["state"].get("texts", ()))) for view in baked]
        looked_up, kinds = [count for count in counts if count], [view["kind"] for view in baked]
        cells = (
            len(baked) - len(looked_up) - kinds.count("Chat"),
            f"{len(looked_up)} ({sum(looked_up)})",
            kinds.count("Chat"),
        )
        rows.append(
            f"| [{chapter.title[lang]}]({chapter.stem}.ipynb) | " + " | ".join(map(str, cells)) + " |"
        )
    return "\n".join([f"# {title}\n", f"{text}\n", head, "|---|---|---|---|", *rows])


def _mark(cell: dict[str, Any], **data: str) -> None:
    """Write data-… into a cell's last still picture, for the page's scripts; above it may stand help below a
    check, which is still, too."""
    for output in reversed(cell["outputs"]):
        html = "".join(output.get("data", {}).get("text/html", ""))
        if 'class="course-static"' in html:
            attributes = " ".join(f'data-{name}="{value}"' for name, value in data.items())
            output["data"]["text/html"] = html.replace(
                'class="course-static"', f'class="course-static" {attributes}', 1
            )
            return


def write_widgets(folder: Path, baked: Path) -> None:
    """The widgets' modules and styles, and what each view begins with, as scripts: from the disk a page may
    load nothing else."""
    folder.mkdir()
    modules = [
        f"WIDGETS.{kind.__name__} = (() => {{{str(kind._esm).replace('export default', 'return')}\n"
        f"{getattr(kind, 'file_script', '')}}})();"
        for kind in _WIDGETS
    ]
    style = json.dumps("".join(dict.fromkeys(str(kind._css) for kind in _WIDGETS)))
    modules.append(
        f"document.head.append(Object.assign(document.createElement('style'), {{ textContent: {style} }}));"
    )
    (folder / "widgets.js").write_text("\n".join(modules), "utf-8")
    for file in baked.glob("*/*.z"):
        name = f"{file.parent.name}/{file.stem}"
        (folder / file.parent.name).mkdir(exist_ok=True)
        (folder / f"{name}.js").write_text(
            f'BAKED["{name}"] = "{base64.b64encode(file.read_bytes()).decode()}";', "utf-8"
        )


def _room(room: str, told: set[int]) -> str:
    """The section of one room: each of its public functions and classes that was not `told` before, with its
    docstring."""
    module = import_module(f"course_lib.{room}" if room else "course_lib")
    lines = [f"## `{module.__name__}`\n", "```{eval-rst}"]
    for name in module.__all__:
        thing = getattr(module, name)
        if (
            callable(thing)
            and getattr(thing, "__module__", "").startswith("course_lib")
            and id(thing) not in told
        ):
            told.add(id(thing))
            lines.append(
                f".. auto{'class' if isinstance(thing, type) else 'function'}:: {module.__name__}.{name}"
            )
    return "\n".join([*lines, "```\n"])

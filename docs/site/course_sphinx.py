"""What Sphinx lacks: formulas as MathML, our docstrings' indentation, and the questions to recall as data for
the page's script."""

from __future__ import annotations

import json

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

from course_lib.chapters import chapters
from course_lib.exercises.engine.record import VERSION
from course_lib.loop.revision import bank


def anchor(heading: str) -> str:
    """A heading's anchor in Jupyter, which the notebooks' own links use."""
    return heading.replace(" ", "-")


def _inline(writer, node: nodes.math) -> None:
    # browsers draw MathML themselves: no script, no font, no network
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(writer, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def _flat(app, what, name, thing, options, lines: list[str]) -> None:
    # an indented line goes on with its paragraph; Sphinx would make a quotation of it
    lines[:] = [line.strip() for line in lines]


def _recall(app: Sphinx, exception: Exception | None) -> None:
    if exception:
        return
    lang = "zh" if app.config.language.startswith("zh") else "en"
    stems = {chapter.number: chapter.stem for chapter in chapters()}
    data = {
        question.text[lang].replace("`", ""): [
            question.right[lang],
            question.reason[lang].replace("`", ""),
            f"{stems[question.chapter]}.html",
            question.section[lang],
            question.id,
        ]
        for question in bank()
    }
    script = f"const RECALL = {json.dumps(data, ensure_ascii=False)}, VERSION = {VERSION};\n"
    (app.outdir / "_static" / "recall.js").write_text(script, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", _flat)
    app.connect("build-finished", _recall)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

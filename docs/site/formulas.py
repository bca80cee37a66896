"""What Sphinx lacks: formulas as MathML, which browsers draw themselves (no script, no font, no network), and our docstrings' indentation."""
from __future__ import annotations

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def anchor(heading: str) -> str:
    """A heading's anchor in Jupyter, which the notebooks' own links use."""
    return heading.replace(" ", "-")


def _inline(writer, node: nodes.math) -> None:
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(writer, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def _flat(app, what, name, thing, options, lines: list[str]) -> None:
    lines[:] = [line.strip() for line in lines]         # an indented line goes on with its paragraph; Sphinx would make a quotation of it


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", _flat)
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""What a chapter's source must keep: twins in both languages that say the same, and short cells."""
from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import jupytext

__all__ = ["broken_rules", "features"]

LONGEST_CELL = 18       # lines; about 15 is the aim

_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.S)


def features(text: str) -> dict[str, list]:
    """What must be equal in the two languages of one cell."""
    fences = re.findall(r"^```(.*?)^```", text, re.S | re.M)
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    code = [found[1] for found in _CODE.findall(text)]
    text = _CODE.sub("", text)
    formulas = [re.sub(r"\\text\{.*?\}", r"\\text{}", a or b).strip() for a, b in _FORMULA.findall(text)]
    return {
        "headings": [len(marks) for marks in re.findall(r"^(#+) ", text, re.M)],
        "formulas": sorted(formulas),
        "code names": sorted(code),
        "links": sorted(re.sub(r"#.*", "", link) for link in re.findall(r"\]\((.+?)\)", text)),
        "list items": [len(re.findall(r"^\s*(?:[-*]|\d+\.) ", text, re.M))],
        "table rows": [len(re.findall(r"^\|", text, re.M))],
        "code blocks": fences,
    }


def broken_rules(source: Path) -> Iterator[str]:
    """One sentence for each rule that the source breaks."""
    cells = [cell for cell in jupytext.read(source, fmt="py:percent").cells if cell.cell_type != "raw"]
    i = 0
    while i < len(cells):
        cell, title = cells[i], cells[i].metadata.get("title", "")
        start = cell.source.strip().splitlines()[:1]
        if cell.cell_type == "code" and len(cell.source.splitlines()) > LONGEST_CELL:
            yield f"code cell {start} has {len(cell.source.splitlines())} lines, more than {LONGEST_CELL}"
        if cell.cell_type == "markdown":
            if title not in ("zh", "en"):
                yield f"prose cell {start} has no language"
            elif title == "en" or i + 1 == len(cells) or cells[i + 1].metadata.get("title") != "en":
                yield f"prose cell {start} has no twin"
            else:
                zh, en = features(cell.source), features(cells[i + 1].source)
                yield from (f"twins of {start} differ in {kind}: {zh[kind]} and {en[kind]}" for kind in zh if zh[kind] != en[kind])
                if leftover := re.search(r"\*\*\S.*?[：，。！？]\*\*(?=\w)", cell.source):
                    yield f"{leftover[0]!r} will not be bold: move the punctuation out of the **"
                i += 1
        i += 1

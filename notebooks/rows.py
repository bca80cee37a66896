"""The syllabus rows, and which cell of which chapter makes each one work."""
from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import jupytext

__all__ = ["fill_in", "index_table"]

_HEADS = {"zh": ("编号", "内容", "在哪里运行"), "en": ("No.", "Subject", "Where it runs")}
_LATER = {"zh": "第 {} 章（即将推出）", "en": "chapter {} (to come)"}


def fill_in(text: str, lang: str, folder: Path) -> str:
    """Replace {{rows}} by the index table, and {{R12}} by links to where that row runs."""
    if "{{" not in text:
        return text
    text = text.replace("{{rows}}", index_table(lang, folder))
    later = _chapters(folder)
    return re.sub(r"\{\{([RE]\d+)\}\}", lambda m: " ".join(_covered(folder, lang).get(m[1], [])) or _later(later[m[1]], lang), text)


def _chapters(folder: Path) -> dict[str, str]:
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["chapter"] for row in csv.DictReader(file)}


def _later(chapters: str, lang: str) -> str:
    """"06 08" -> "chapter 6, 8 (to come)"."""
    return _LATER[lang].format({"zh": "、", "en": ", "}[lang].join(number.lstrip("0") or "0" for number in chapters.split()))


def index_table(lang: str, folder: Path) -> str:
    """A Markdown table of all rows: number, title, links to the headings under which it runs, or the chapter that will bring it."""
    where = _covered(folder, lang)
    lines = ["| " + " | ".join(_HEADS[lang]) + " |", "|---|---|---|"]
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            places = where.get(row["id"], [])
            links = "；".join(places) if lang == "zh" else "; ".join(places)
            lines.append(f"| {row['id']} | {row[lang]} | {links or _later(row['chapter'], lang)} |")
    return "\n".join(lines)


@cache
def _covered(folder: Path, lang: str) -> dict[str, list[str]]:
    """Row -> links of the form [heading](NN_name.ipynb#heading), one for each cell that carries the row."""
    found: dict[str, list[str]] = {}
    for source in sorted((folder / "src").glob("[0-9][0-9]_*.py")):
        heading = source.stem
        for cell in jupytext.read(source, fmt="py:percent").cells:
            if cell.cell_type == "markdown" and cell.metadata.get("title") == lang:
                if titles := re.findall(r"^#+ (.+)$", cell.source, re.M):
                    heading = titles[-1].strip()
            for row in str(cell.metadata.get("rows", "")).split():
                label = heading if heading[0].isdigit() else f"{int(source.stem[:2])} · {heading}"
                link = f"[{label}]({source.stem}.ipynb#{heading.replace(' ', '-')})"
                if link not in found.setdefault(row, []):
                    found[row].append(link)
    return found

"""What the build fills into prose: the map of the chapters, and the rows of the syllabus with links to the cells that make them work."""
from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import jupytext

from course_lib.chapters import Chapter, chapters

__all__ = ["chapter_map", "fill_in", "index_table", "readme_table", "written"]

_HEADS = {"zh": ("编号", "内容", "在哪里运行"), "en": ("No.", "Subject", "Where it runs")}
_MAP = {"zh": ("章", "题目", "你会弄明白"), "en": ("chapter", "title", "what you will understand")}
_LATER = {"zh": "第 {} 章（即将推出）", "en": "chapter {} (to come)"}


def fill_in(text: str, lang: str, folder: Path) -> str:
    """Replace {{chapters}} and {{rows}} by their tables, and {{R12}} by links to where that row runs."""
    if "{{" not in text:
        return text
    text = text.replace("{{chapters}}", chapter_map(lang, folder)).replace("{{rows}}", index_table(lang, folder))
    later = _chapters(folder)
    return re.sub(r"\{\{([RE]\d+)\}\}", lambda m: " ".join(_covered(folder, lang).get(m[1], [])) or _later(later[m[1]], lang), text)


def written(folder: Path) -> list[Chapter]:
    """The chapters whose source is there."""
    return [chapter for chapter in chapters(folder / "chapters.toml") if (folder / "src" / f"{chapter.stem}.py").exists()]


def chapter_map(lang: str, folder: Path) -> str:
    """A Markdown table of all chapters: number, title (a link where the chapter is written), what the reader will understand."""
    here = written(folder)
    lines = ["| " + " | ".join(_MAP[lang]) + " |", "|---|---|---|"]
    for chapter in chapters(folder / "chapters.toml"):
        title = chapter.title[lang]
        lines.append(f"| {chapter.number} | {f'[{title}]({chapter.stem}.ipynb)' if chapter in here else title} | {chapter.learn[lang]} |")
    return "\n".join(lines)


def readme_table(folder: Path) -> str:
    """README's table: the written chapters with both editions and minutes, then one line for those to come."""
    lines = ["| | 章节 Chapter | 分钟 min | 中文 | English |", "|---|---|---|---|---|"]
    here = written(folder)
    for chapter in here:
        title = " ".join(dict.fromkeys((chapter.title["zh"], chapter.title["en"])))
        lines.append(f"| {chapter.number:02} | {title} | {chapter.minutes} | [打开](notebooks/zh/{chapter.stem}.ipynb) | "
                     f"[open](notebooks/en/{chapter.stem}.ipynb) |")
    if later := [chapter for chapter in chapters(folder / "chapters.toml") if chapter not in here]:
        names = {lang: {"zh": "、", "en": ", "}[lang].join(chapter.title[lang] for chapter in later) for lang in ("zh", "en")}
        lines.append(f"| {', '.join(f'{chapter.number:02}' for chapter in later)} | {names['zh']} · {names['en']} | | 即将推出 | to come |")
    return "\n".join(lines)


def _chapters(folder: Path) -> dict[str, str]:
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["chapter"] for row in csv.DictReader(file)}


def _later(numbers: str, lang: str) -> str:
    """"06 08" -> "chapter 6, 8 (to come)"."""
    return _LATER[lang].format({"zh": "、", "en": ", "}[lang].join(number.lstrip("0") or "0" for number in numbers.split()))


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
    for chapter in written(folder):
        heading = chapter.stem
        for cell in jupytext.read(folder / "src" / f"{chapter.stem}.py", fmt="py:percent").cells:
            if cell.cell_type == "markdown" and cell.metadata.get("title") == lang:
                if titles := re.findall(r"^#+ (.+)$", cell.source, re.M):
                    heading = titles[-1].strip()
            for row in str(cell.metadata.get("rows", "")).split():
                label = heading if heading[0].isdigit() else f"{chapter.number} · {heading}"
                link = f"[{label}]({chapter.stem}.ipynb#{heading.replace(' ', '-')})"
                if link not in found.setdefault(row, []):
                    found[row].append(link)
    return found

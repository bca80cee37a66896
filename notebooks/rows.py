"""What the build fills in: the map of the chapters and links to the cells that make a row work in prose; the
index and the bibliography in docs/.

rows.csv lists the rows: what the five handouts say (R) and where they are wrong (E). citations.csv lists what
they cite, and what was found of it.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import jupytext

from course_lib.chapters import Chapter, chapters

__all__ = ["bibliography", "chapter_map", "fill_in", "index", "readme_table", "written"]

_MAP = {"zh": ("章", "题目", "你会弄明白"), "en": ("chapter", "title", "what you will understand")}
_BIBLIOGRAPHY = {"zh": "书目", "en": "Bibliography"}
_LATER = {"zh": "第 {} 章（即将推出）", "en": "chapter {} (to come)"}


def fill_in(text: str, lang: str, folder: Path, depth: int = 2) -> str:
    """Replace {{chapters}} by the map, {{R12}} by links to where that row runs, {{docs}} by the way to docs/
    from a notebook `depth` folders below the root."""
    if "{{" not in text:
        return text
    text = text.replace("{{chapters}}", chapter_map(lang, folder)).replace("{{docs}}", "../" * depth + "docs")
    later = {row["id"]: row["chapter"] for row in _table(folder, "rows.csv")}
    return re.sub(
        r"\{\{([RE]\d+)\}\}",
        lambda m: " ".join(_covered(folder, lang).get(m[1], [])) or _later(later[m[1]], lang),
        text,
    )


def written(folder: Path) -> list[Chapter]:
    """The chapters whose source is there."""
    return [
        chapter
        for chapter in chapters(folder / "chapters.toml")
        if (folder / "src" / f"{chapter.stem}.py").exists()
    ]


def chapter_map(lang: str, folder: Path) -> str:
    """A Markdown table of all chapters: number, title (a link where the chapter is written), what the reader
    will understand."""
    here = written(folder)
    lines = ["| " + " | ".join(_MAP[lang]) + " |", "|---|---|---|"]
    for chapter in chapters(folder / "chapters.toml"):
        title = chapter.title[lang]
        lines.append(
            f"| {chapter.number} | "
            f"{f'[{title}]({chapter.stem}.ipynb)' if chapter in here else title} | "
            f"{chapter.learn[lang]} |"
        )
    return "\n".join(lines)


def readme_table(folder: Path) -> str:
    """README's table: the written chapters with both editions and minutes, then one line for those to
    come."""
    lines = ["| | 章节 Chapter | 分钟 min | 中文 | English |", "|---|---|---|---|---|"]
    here = written(folder)
    for chapter in here:
        title = " ".join(dict.fromkeys((chapter.title["zh"], chapter.title["en"])))
        lines.append(
            f"| {chapter.number:02} | {title} | {chapter.minutes} | [打"
            f"开](notebooks/zh/{chapter.stem}.ipynb) | "
            f"[open](notebooks/en/{chapter.stem}.ipynb) |"
        )
    if later := [chapter for chapter in chapters(folder / "chapters.toml") if chapter not in here]:
        names = {
            lang: {"zh": "、", "en": ", "}[lang].join(chapter.title[lang] for chapter in later)
            for lang in ("zh", "en")
        }
        lines.append(
            f"| {', '.join(f'{chapter.number:02}' for chapter in later)} | {names['zh']} · "
            f"{names['en']} | | 即将推出 | to come |"
        )
    return "\n".join(lines)


def readme_pages(address: str) -> str:
    """README's way to the pages that need no Python: links where the course has an address on GitHub, else
    the command that writes them."""
    if "github.com/" not in address:
        return (
            "不装 Jupyter 也能看：`make site`（`python -m course_lib site`）把全部章节写成网页，"
            "断网能开，能搜索；其中 `living.html` 里住着一个模型，"
            "打字就能看它怎样往下写、每个注意力头在看哪里。<br>\n"
            "Or without Jupyter: `make site` (`python -m course_lib site`) writes all chapters "
            "as web pages that open offline, with search; "
            "in one of them, `living.html`, lives a model: type, and see what it would write "
            "next and where every attention head looks."
        )
    owner, name = address.partition("github.com/")[2].split("/")[:2]
    pages = f"https://{owner}.github.io/{name}"
    return (
        f"先看一眼，什么都不用装：[网页里住着一个模型]({pages}/living.html)，打字就能看它怎样往下写、每个注意力头在看哪里；"
        f"[全部章节的网页版]({pages}/zh/index.html)。<br>\n"
        f"Look first, with nothing to install: [a model that lives in a "
        f"page]({pages}/living.html): type, and see what it would write next and "
        f"where every attention head looks; [all chapters as web pages]({pages}/en/index.html)."
    )


def _table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _later(numbers: str, lang: str) -> str:
    """ "06 08" -> "chapter 6, 8 (to come)"."""
    return _LATER[lang].format(
        {"zh": "、", "en": ", "}[lang].join(number.lstrip("0") or "0" for number in numbers.split())
    )


def index(folder: Path) -> str:
    """docs/index.md: every row with links to the headings under which it runs, or the chapter that will bring
    it."""
    cited = {row for citation in _table(folder, "citations.csv") for row in citation["rows"].split()}
    lines = [
        "# 索引：讲义的每一条在哪里运行 · Index: where each point of the handouts runs",
        "",
        "R 是五份讲义里的要点，E 是其中的错误。R: a point of the five handouts. E: an error in them.",
        "",
        "| | 内容 · Subject | 中文版 | English |",
        "|---|---|---|---|",
    ]
    for row in _table(folder, "rows.csv"):
        places = []
        for lang in ("zh", "en"):
            links = [
                re.sub(r"\]\((?=\d\d_)", f"](../notebooks/{lang}/", link)
                for link in _covered(folder, lang).get(row["id"], [])
            ]
            links += [f"[{_BIBLIOGRAPHY[lang]}](bibliography.md)"] if row["id"] in cited else []
            places.append("<br>".join(links) or _later(row["chapter"], lang))
        lines.append(f"| {row['id']} | {row['zh']} · {row['en']} | {places[0]} | {places[1]} |")
    return "\n".join(lines) + "\n"


def bibliography(folder: Path) -> str:
    """docs/bibliography.md: what the handouts cite as they write it, and what was found."""
    lines = [
        "# 书目：讲义引用了什么，查到了什么 · Bibliography: what the handouts cite, and what was found",
        "",
        "| 讲义 · handout | 讲义的写法 · as written | 查到的 · found | | |",
        "|---|---|---|---|---|",
    ]
    for row in _table(folder, "citations.csv"):
        link = f"[{row['link'].removeprefix('https://').rstrip('/')}]({row['link']})" if row["link"] else ""
        lines.append(
            f"| {row['handouts'].replace(' ', ', ')} | {row['written']} | "
            f"{row['zh']}<br>{row['en']} | {link} | {row['rows']} |"
        )
    return "\n".join(lines) + "\n"


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

"""What a chapter's source must keep: twins in both languages that say the same, and the measure of a
chapter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
from editions import masked, one_language
from numerals import differing

__all__ = ["broken_rules", "features", "guesses"]

MOST_CELLS = 56  # prose and code of one edition
LONGEST_CELL = 15  # lines
WIDEST_LINE = 88  # columns, as the reader of one edition sees them

_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.S)
_PLUMBING = (  # what a cell must not hold -> why
    (
        r"\blanguage\(\)|[!=]= ?['\"](?:zh|en)['\"]|\[language|\bcl\.L\b",
        "asks which language it speaks: write cl.L(zh=…, en=…), the build puts the words in",
    ),
    (r"\b(?:True|False) \* ", "multiplies by a truth value: use an if"),
)


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
    yield from _prose(cells)
    yield from _measure(cells)
    yield from _code(cells)


def _prose(cells: list) -> Iterator[str]:
    """Every prose cell has its twin, which says the same."""
    i = 0
    while i < len(cells):
        cell, title = cells[i], cells[i].metadata.get("title", "")
        start = cell.source.strip().splitlines()[:1]
        if cell.cell_type == "markdown":
            if title not in ("zh", "en"):
                yield f"prose cell {start} has no language"
            elif title == "en" or i + 1 == len(cells) or cells[i + 1].metadata.get("title") != "en":
                yield f"prose cell {start} has no twin"
            else:
                zh, en = features(cell.source), features(cells[i + 1].source)
                yield from (
                    f"twins of {start} differ in {kind}: {zh[kind]} and {en[kind]}"
                    for kind in zh
                    if zh[kind] != en[kind]
                )
                if numbers := differing(_words(cell.source), _words(cells[i + 1].source)):
                    yield f"twins of {start} differ in numbers: {', '.join(numbers)}"
                if leftover := re.search(r"\*\*\S.*?[：，。！？]\*\*(?=\w)", cell.source):
                    yield f"{leftover[0]!r} will not be bold: move the punctuation out of the **"
                i += 1
        i += 1


def _words(text: str) -> str:
    """Prose without its code, formulas and the targets of its links."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    return re.sub(r"\]\(.+?\)", "]", _FORMULA.sub(" ", _CODE.sub(" ", text)))


def _measure(cells: list) -> Iterator[str]:
    """What is too much, for the edition in Chinese and its code as the reader sees it."""
    count = sum(cell.metadata.get("title") != "en" for cell in cells)
    if count > MOST_CELLS:
        yield f"{count} cells, more than {MOST_CELLS}"
    for cell in cells:
        if cell.cell_type != "code":
            continue
        start = cell.source.strip().splitlines()[:1]
        if len(lines := cell.source.splitlines()) > LONGEST_CELL:
            yield f"code cell {start} has {len(lines)} lines, more than {LONGEST_CELL}"
        for lang in ("zh", "en"):
            if wide := [
                line for line in one_language(cell.source, lang).splitlines() if len(line) > WIDEST_LINE
            ]:
                yield (
                    f"code cell {start} ({lang}) has lines over {WIDEST_LINE} columns: "
                    f"{wide[0].strip()[:50]}…"
                )


def _code(cells: list) -> Iterator[str]:
    """One language a cell, the same code in both; every guess is resolved."""
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    for source in sources:
        start = source.strip().splitlines()[:1]
        zh, en = one_language(source, "zh"), one_language(source, "en")
        if masked(zh) != masked(en):
            yield f"code cell {start} is not the same in both languages but for its words"
        for pattern, why in _PLUMBING:
            if found := re.search(pattern, zh):
                yield f"code cell {start} {why} ({found[0]})"
    asked: set[str] = set()
    resolved: set[str] = set()
    for source in sources:
        now, ended = guesses(source)
        if now and ended:
            yield (
                f"a code cell both asks {', '.join(sorted(now))} and shows a result: a guess has a "
                f"cell of its own, before the experiment"
            )
        yield from (
            f"the result of the guess {id} is shown before anybody is asked" for id in sorted(ended - asked)
        )
        asked, resolved = asked | now, resolved | ended
    yield from (
        f"the guess {id} is never resolved: cl.guess.result({id!r}, …)" for id in sorted(asked - resolved)
    )


def guesses(source: str) -> tuple[set[str], set[str]]:
    """The ids that a code cell asks a guess for, and those whose result it shows."""
    asked, resolved = (
        set(re.findall(rf"""cl\.{name}\(\s*["'](.+?)["']""", source)) for name in ("guess", r"guess\.result")
    )
    return asked, resolved

"""Your own labelled texts, from a CSV file with the columns text and label."""
from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from ..errors import CourseError
from ..i18n import L

__all__ = ["CsvError", "Labelled", "labelled_csv"]


class CsvError(CourseError, ValueError):
    """The file cannot be trained on; the message says what to change."""


@dataclass(frozen=True)
class Labelled:
    """Texts, the number of each one's label, and the labels' names in alphabetical order."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    names: tuple[str, ...]


def labelled_csv(path: str | Path) -> Labelled:
    """Read a CSV file whose first line names the columns text and label; others are ignored, rows without text or label are skipped.

    UTF-8 (with or without a mark) and, where it is not UTF-8, the GB 18030 of Chinese spreadsheets. CsvError: no such file, another encoding,
    a column missing, no rows, fewer than two labels.
    """
    path = Path(path)
    if not path.is_file():
        raise CsvError(L(zh="找不到文件 {0}", en="there is no file {0}").format(path.name))
    rows = list(csv.reader(io.StringIO(_read(path), newline="")))
    if not any(map(any, rows)):
        raise CsvError(L(zh="{0} 是空的：第一行应是 text,label，下面每行一条",
                         en="{0} is empty: it should begin with the line text,label and then hold one example a line").format(path.name))
    head = [name.strip().lower() for name in rows[0]]
    for name in ("text", "label"):
        if name not in head:
            raise CsvError(L(zh="{0} 缺少 {1} 列；第一行写的是：{2}",
                             en="{0} has no column {1}; its first line reads: {2}").format(path.name, name, ",".join(rows[0])))
    text, label = head.index("text"), head.index("label")
    kept = [(row[text].strip(), row[label].strip()) for row in rows[1:] if len(row) > max(text, label)]
    kept = [(text, label) for text, label in kept if text and label]
    if not kept:
        raise CsvError(L(zh="{0} 里没有一行同时有文字和标签", en="{0} has no row with both a text and a label").format(path.name))
    names = sorted({label for _, label in kept})
    if len(names) < 2:
        raise CsvError(L(zh="{0} 里只有一种标签（{1}）：至少要两种才能学会区分",
                         en="{0} has one label only ({1}): it takes two to tell apart").format(path.name, names[0]))
    return Labelled(tuple(text for text, _ in kept), tuple(names.index(label) for _, label in kept), tuple(names))


def _read(path: Path) -> str:
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:                       # a spreadsheet's own format, or UTF-16, often decodes to nonsense with zeros
            return text
    raise CsvError(L(zh="{0} 不是文本文件，或编码无法识别：请另存为 UTF-8 编码的 CSV",
                     en="{0} is no text file, or in an unknown encoding: save it as CSV in UTF-8").format(path.name))

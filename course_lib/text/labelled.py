"""Your own labelled texts, from a CSV file with the columns text and label.

Spreadsheets write CSV in many ways. What is sure is read (UTF-8, UTF-16 with a mark, semicolons and tabs);
what is doubtful is asked, and what would train a model on nonsense (a shifted row, one label in two
spellings) is said with its line.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import CourseError
from ..i18n import L
from .encodings import Ambiguous, decode

__all__ = ["CsvError", "Labelled", "labelled_csv"]

_SEPARATORS = (",", ";", "\t", "|")
_NOT_TEXT = (
    (b"PK\x03\x04", "Excel (.xlsx)"),
    (b"\xd0\xcf\x11\xe0", "Excel (.xls)"),
    (b"%PDF", "PDF"),
    (b"\x1f\x8b", "gzip"),
    (b"[", "JSON"),
    (b"{", "JSON"),
    (b"<", "HTML"),
)
_LONGEST = 2**31 - 1  # csv's own limit on a field is 131,072 characters


class CsvError(CourseError, ValueError):
    """The file cannot be trained on; the message says what to change."""


@dataclass(frozen=True)
class Labelled:
    """Texts, the number of each one's label, the labels' names in alphabetical order, and the lines that were
    skipped for want of either."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    names: tuple[str, ...]
    skipped: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return (
            f"Labelled({len(self.texts)} texts, labels {', '.join(self.names)}; {len(self.skipped)} "
            f"rows skipped)"
        )


def labelled_csv(path: str | Path, encoding: str | None = None) -> Labelled:
    """Read a CSV file whose first line names the columns text and label; others are ignored.

    Separated by commas, semicolons, tabs or bars. Rows without text or label are skipped, and a line says
    which. `encoding` need be given only where the error asks for it. CsvError names the line: no such file,
    no table, an encoding that is not sure, a column missing or repeated, a row of too many fields, quotes
    that do not close, one label in two spellings, no rows, fewer than two labels.
    """
    path = Path(path)
    if not path.is_file():
        raise CsvError(zh="找不到文件 {file}", en="there is no file {file}", file=path.name)
    rows = _rows(path.name, _read(path, encoding))
    head = next(rows, None)
    if head is None:
        raise CsvError(
            zh="{file} 是空的：第一行应是 text,label，下面每行一条",
            en="{file} is empty: it should begin with the line text,label and then hold one example a line",
            file=path.name,
        )
    text, label = _columns(path.name, head[1])
    kept: list[tuple[int, str, str]] = []
    skipped: list[int] = []
    for line, row in rows:
        if any(field.strip() for field in row[len(head[1]) :]):
            raise CsvError(
                zh="{file} 第 {line} 行有 {found} 格，第一行只有 {wanted} 格："
                '多半是文字里有没加引号的逗号（分隔符）。给这段文字加上英文双引号："……"',
                en="{file}, line {line}: {found} fields where the first line has {wanted}; most likely the "
                'text holds a comma (the separator) and no quotes. Put the text in double quotes: "..."',
                file=path.name,
                line=line,
                found=len(row),
                wanted=len(head[1]),
            )
        words, kind = (row[at].strip() if at < len(row) else "" for at in (text, label))
        if words and kind:
            kept.append((line, words, kind))
        else:
            skipped.append(line)
    if not kept:
        same = (
            L(
                zh="：下面各行的分隔符和第一行一样吗？",
                en="; is the separator of its rows that of its first line?",
            )
            if skipped
            else ""
        )
        raise CsvError(
            zh="{file} 里没有一行同时有文字和标签{same}",
            en="{file} has no row with both a text and a label{same}",
            file=path.name,
            same=same,
        )
    _one_spelling(path.name, kept)
    names = sorted({label for _, _, label in kept})
    if len(names) < 2:
        raise CsvError(
            zh="{file} 里只有一种标签（{label}）：至少要两种才能学会区分",
            en="{file} has one label only ({label}): it takes two to tell apart",
            file=path.name,
            label=names[0],
        )
    if skipped:
        shown = ", ".join(map(str, skipped[:5])) + (" ..." if len(skipped) > 5 else "")
        print(
            L(
                zh="{0}：读入 {1} 行，跳过 {2} 行（没有文字或没有标签；第 {3} 行）",
                en="{0}: {1} rows read, {2} skipped for want of text or label (lines {3})",
            ).format(path.name, len(kept), len(skipped), shown)
        )
    return Labelled(
        tuple(text for _, text, _ in kept),
        tuple(names.index(label) for _, _, label in kept),
        tuple(names),
        tuple(skipped),
    )


def _columns(file: str, head: list[str]) -> tuple[int, int]:
    names = [_canonical(name) for name in head]
    for name in ("text", "label"):
        if name not in names:
            raise CsvError(
                zh="{file} 缺少 {name} 列；第一行写的是：{header}",
                en="{file} has no column {name}; its first line reads: {header}",
                file=file,
                name=name,
                header=",".join(head)[:200],
            )
        if names.count(name) > 1:
            raise CsvError(
                zh="{file} 的第一行有 {times} 个 {name} 列：只留一个，其余改名或删掉",
                en="{file}: the first line names the column {name} {times} times; "
                "keep one and rename or delete the rest",
                file=file,
                name=name,
                times=names.count(name),
            )
    return names.index("text"), names.index("label")


def _one_spelling(file: str, kept: list[tuple[int, str, str]]) -> None:
    """CsvError where labels differ only in what an eye passes over: "Pos" and "pos", "1" and "1.0",
    full-width letters."""
    seen: dict[str, tuple[int, str]] = {}
    for line, _, label in kept:
        key = _canonical(label)
        if re.fullmatch(r"[+-]?\d{1,15}(\.\d*)?", key):
            key = str(float(key))
        first, other = seen.setdefault(key, (line, label))
        if other != label:
            raise CsvError(
                zh="{file} 第 {first} 行的标签是 {other!r}，第 {line} 行的是 {label!r}："
                "像是同一个标签的两种写法，会被当成两类。统一写法再试",
                en="{file}: the label is {other!r} in line {first} and {label!r} in line {line}; this looks "
                "like one label in two spellings and would make two classes. Write it in one way",
                file=file,
                first=first,
                other=other,
                line=line,
                label=label,
            )


def _canonical(text: str) -> str:
    seen = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return " ".join(seen.casefold().split())


def _rows(file: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, fields) for every row that is not blank."""
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    excel = re.fullmatch(r"sep=(.)", first.strip("\r\n"))  # Excel's own word on the separator
    named = next((line for line in lines[lines.index(first) + 1 :] if line.strip()), "") if excel else first
    fits = lambda separator: (
        {"text", "label"} <= {_canonical(name.strip('"')) for name in named.split(separator)}
    )
    separator = excel[1] if excel else next(filter(fits, _SEPARATORS), ",")
    if separator == "," and not fits(",") and fits("，"):
        raise CsvError(
            zh="{file} 的第一行用了全角逗号“，”：改用英文逗号 text,label",
            en="{file}: the first line has a full-width comma (，); write text,label",
            file=file,
        )
    limit, begun = csv.field_size_limit(_LONGEST), 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for row in reader:
            if any(map(str.strip, row)) and not (excel and begun == 1):
                yield begun, row
            begun = reader.line_num + 1
    except csv.Error as error:
        raise CsvError(
            zh='{file} 从第 {line} 行起引号不成对：找到没有收尾的英文双引号 "，补上或去掉；'
            '文字里的引号要写两个 ""（csv：{error}）',
            en='{file}: from line {line} on the quotes do not match. Find the double quote " that is not '
            'closed, close or delete it; a quote within a text is written twice "" (csv: {error})',
            file=file,
            line=begun,
            error=error,
        ) from error
    finally:
        csv.field_size_limit(limit)


def _read(path: Path, encoding: str | None) -> str:
    raw = path.read_bytes()
    for mark, kind in _NOT_TEXT:
        if raw.lstrip().startswith(mark):
            raise CsvError(
                zh="{file} 是 {kind} 文件，不是 CSV：请用表格软件打开，另存为 UTF-8 编码的 CSV",
                en="{file} is a file of {kind}, not CSV: "
                "open it in a spreadsheet and save it as CSV in the encoding UTF-8",
                file=path.name,
                kind=kind,
            )
    try:
        text = raw.decode(encoding).removeprefix("\ufeff") if encoding else decode(raw)
    except LookupError as error:
        raise CsvError(
            zh="没有名为 {encoding} 的编码：试试 gb18030、big5、cp932、cp949、cp1252",
            en="there is no encoding {encoding}: try gb18030, big5, cp932, cp949, cp1252",
            encoding=encoding,
        ) from error
    except UnicodeDecodeError as error:
        raise CsvError(
            zh="{file} 第 {line} 行不是 {encoding} 编码：换一个 encoding=",
            en="{file}, line {line}: this is not in the encoding {encoding}; pass another encoding=",
            file=path.name,
            line=raw.count(b"\n", 0, error.start) + 1,
            encoding=error.encoding,
        ) from error
    except Ambiguous as error:
        raise _ask(path.name, error.readings) from error
    if "\0" in text:
        raise CsvError(
            zh="{file} 第 {line} 行有空字符（NUL）：文件坏了，或不是文本；请重新另存为 UTF-8 编码的 CSV",
            en="{file}, line {line}: a NUL character; the file is damaged or is no text. "
            "Save it anew as CSV in the encoding UTF-8",
            file=path.name,
            line=text.count("\n", 0, text.index("\0")) + 1,
        )
    return text


def _ask(file: str, readings: dict[str, str]) -> CsvError:
    if not readings:
        return CsvError(
            zh="{file} 不是文本文件，或编码无法识别：请另存为 UTF-8 编码的 CSV",
            en="{file} is no text file, or in an unknown encoding: save it as CSV in UTF-8",
            file=file,
        )
    shown = {}
    for encoding, text in readings.items():
        line = next(
            (line for line in text.splitlines() if re.search(r"[^\x00-\x7f]", line)),
            (text.splitlines() or [""])[0],
        ).strip()[:40]
        if line not in shown.values():
            shown[encoding] = line
    listed = "".join(f'\n    encoding="{encoding}"  {line}' for encoding, line in list(shown.items())[:6])
    return CsvError(
        zh="{file} 不是 UTF-8，编码不能确定。看下面哪一行读得通，就把它的 encoding= 加进 labelled_csv(…)；"
        "或者另存为 UTF-8 编码的 CSV：{listed}",
        en="{file} is not UTF-8, and its encoding is not sure. Pass labelled_csv the encoding= whose line "
        "below reads well, or save the file as CSV in UTF-8:{listed}",
        file=file,
        listed=listed,
    )

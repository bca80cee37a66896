"""A class's files, exercise by exercise, for its teacher. Files come by mail and chat: what cannot be read is
counted and named."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...i18n import L, language
from .card import Card, literal
from .classpage import middle, page
from .record import VERSION, asked, is_event, str_mistake, summarise, summarise_guesses, summarise_recalls
from .registry import exercises

__all__ = ["Merged", "merge"]

LARGEST = 50_000_000  # bytes; a whole course's progress is a thousandth of it
STATES = ("done", "tried", "new")
STUCK = 3  # failed checks without a pass


class Merged(dict):
    """Exercise id -> how many learners are done, tried, did not start (new), their checks and hints, how many
    tried the puzzle of the solution's lines (`puzzles`) and `solved` it, their open mistakes, all that were
    `proved`, and the `seconds` of those who passed. Exercises of chapters that are not written are left out.

    `files` says how many files were read; `unread` holds what was not: (file, what is wrong with it), in both
    languages. `guesses` has for each id how many were right and wrong and the values of the wrong ones,
    `recalls` how often each question was asked and rightly answered, `stuck` who has checked an exercise at
    least `STUCK` times without a pass: (file, id, checks, open mistakes).
    """

    def __init__(self) -> None:
        super().__init__(
            {
                id: {
                    **dict.fromkeys(STATES, 0),
                    "checks": 0,
                    "hints": 0,
                    "puzzles": 0,
                    "solved": 0,
                    "mistakes": Counter(),
                    "proved": Counter(),
                    "seconds": [],
                }
                for id in asked()
            }
        )
        self.files = 0
        self.unread: list[tuple[str, L]] = []
        self.guesses: dict[str, dict[str, Any]] = {}
        self.recalls: dict[str, Counter[str]] = {}
        self.stuck: list[tuple[str, str, int, list[str]]] = []
        self.seen: dict[str, str] = {}  # digest of a file that was counted -> its name

    def to_html(self, path: str | Path, lang: str | None = None) -> Path:
        """Write one self-contained page for the teacher; returns the path."""
        path = Path(path)
        # a name may hold half a character
        path.write_text(page(self, lang or language()), "utf-8", "replace")
        return path

    def to_csv(self, path: str | Path) -> Path:
        """Write a table with a row an exercise, for a spreadsheet; returns the path."""
        path = Path(path)
        # the mark tells Excel that it is UTF-8
        with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
            table = csv.writer(file)
            table.writerow(
                [
                    "exercise",
                    *STATES,
                    "checks",
                    "hints",
                    "puzzle tried",
                    "puzzle solved",
                    "median seconds to pass",
                    "most proved mistakes",
                ]
            )
            for id, row in self.items():
                mistakes = " ".join(f"{mistake}:{n}" for mistake, n in row["proved"].most_common(3))
                table.writerow(
                    [
                        id,
                        *(row[state] for state in STATES),
                        row["checks"],
                        row["hints"],
                        row["puzzles"],
                        row["solved"],
                        middle(row["seconds"]),
                        _cell(mistakes),
                    ]
                )
        return path

    def card(self, lang: str | None = None) -> Card:
        """One page: the commonest open mistakes, who is stuck where, and what could not be read."""
        lang = lang or language()
        lines = [L(zh="全班 {n} 份进度", en="Progress files read: {n}").format(n=self.files)[lang]]
        open_ = Counter(
            {(id, mistake): n for id, row in self.items() for mistake, n in row["mistakes"].items()}
        )
        for (id, mistake), n in sorted(open_.items(), key=lambda item: (-item[1], item[0]))[:10]:
            lines.append(
                L(zh="{n} 人未解决 · `{id}`：{what}", en="{n} still open · `{id}`: {what}").format(
                    n=n, id=id, what=literal(str_mistake(id, mistake)[lang])
                )[lang]
            )
        lines += [
            L(zh="`{id}`：{done} 人通过，{tried} 人试过", en="`{id}`: {done} passed, {tried} tried").format(
                id=id, **row
            )[lang]
            for id, row in self.items()
            if row["done"] or row["tried"]
        ]
        if self.unread:
            lines.append(
                L(zh="读不懂的有 {n} 处，没有计入：", en="{n} could not be read and do not count:").format(
                    n=len(self.unread)
                )[lang]
            )
            lines += [
                L(zh="{file}：{what}", en="{file}: {what}").format(file=literal(file), what=what)[lang]
                for file, what in self.unread
            ]
        return Card("note" if self.unread else "good", lines)

    def _ipython_display_(self) -> None:
        self.card().show()

    def __str__(self) -> str:
        return self.card().text


def merge(files: Iterable[str | Path] | str | Path) -> Merged:
    """Join files that `progress.export` wrote, or the `progress.jsonl` of a learner's folder. Never fails for
    a bad file.

    Returns a dictionary, exercise by exercise, with `to_html` and `to_csv`; what could not be read is in its
    `unread`, and is told at once.
    """
    merged = Merged()
    for file in [files] if isinstance(files, (str, os.PathLike)) else files:
        _add(merged, file)
    if merged.unread:
        merged.card().show()
    return merged


def _add(merged: Merged, file: Any) -> None:
    try:
        path = Path(file)
        if path.is_dir():
            return merged.unread.append((str(file), L(zh="是文件夹，不是文件", en="is a folder, not a file")))
        if not path.is_file():
            return merged.unread.append((str(file), L(zh="没有这个文件", en="there is no such file")))
        if path.stat().st_size > LARGEST:
            return merged.unread.append(
                (str(file), L(zh="太大，不会是进度文件", en="is too large to be a progress file"))
            )
        raw = path.read_bytes()
        if first := merged.seen.get(hashlib.sha256(raw).hexdigest()):
            return merged.unread.append(
                (
                    str(file),
                    L(zh=f"和 {first} 一模一样，只算一次", en=f"is the same as {first}, which counts once"),
                )
            )
        whole = _whole(raw, str(file), merged)
    except (OSError, TypeError, ValueError) as error:
        return merged.unread.append((str(file), L(zh=f"打不开：{error}", en=f"cannot be opened: {error}")))
    if whole is None:
        return merged.unread.append(
            (str(file), L(zh="不是 progress.export 写出的文件", en="was not written by progress.export"))
        )
    merged.files += 1
    merged.seen[hashlib.sha256(raw).hexdigest()] = str(file)
    newer = isinstance(whole.get("version"), int) and whole["version"] > VERSION
    if newer:
        merged.unread.append(
            (
                str(file),
                L(
                    zh="由更新的课程写出；只计入这里认识的部分",
                    en="was written by a newer course; what this one knows was counted",
                ),
            )
        )
    for id, row in whole["exercises"].items():
        problem = _count(merged, path.stem, id, row)
        if problem is not None and not (newer and id not in merged):
            merged.unread.append((f"{file} · {str(id)[:60]}", problem))
    _count_guesses(merged, whole.get("guesses"))
    _count_recalls(merged, whole.get("recalls"))


def _text(raw: bytes) -> str:
    """The file's text; keys and ids are ASCII, so that a foreign encoding harms at most what nobody reads."""
    encoding = (
        "utf-16"
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        else json.detect_encoding(raw[:4].ljust(4, b" "))
        if raw
        else "utf-8"
    )
    return raw.decode("utf-8-sig" if encoding.startswith("utf-8") else encoding, "replace")


def _whole(raw: bytes, file: str, merged: Merged) -> dict[str, Any] | None:
    """What an export holds, also where the file has lines of events; None for anything else."""
    text = _text(raw)
    whole = _json(text)
    if isinstance(whole, dict) and isinstance(whole.get("exercises"), dict):
        return whole
    events = []
    for number, line in enumerate(text.split("\n"), 1):
        event = _json(line)
        if is_event(event):
            events.append(event)
        elif line.strip() and events:
            merged.unread.append(
                (file, L(zh="第 {n} 行读不懂", en="line {n} cannot be read").format(n=number))
            )
    if not events:
        return None
    return {
        "version": max((event["v"] for event in events if isinstance(event.get("v"), int)), default=1),
        "exercises": {id: row for id, row in summarise(events).items() if row["state"] != "new"},
        "guesses": summarise_guesses(events),
        "recalls": summarise_recalls(events),
    }


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _count(merged: Merged, name: str, id: Any, row: Any) -> L | None:
    """Add one learner's row, or say why not."""
    if id not in merged:
        return (
            None
            if id in exercises()
            else L(zh="这个版本的课程没有这道练习", en="this version of the course has no such exercise")
        )
    if not isinstance(row, dict) or row.get("state") not in STATES:
        return L(zh="看不出做到了哪一步（state）", en="does not say how far the learner is (state)")
    checks, mistakes, proved = (
        row.get("checks", 0),
        row.get("mistakes", []),
        row.get("proved", row.get("mistakes", [])),
    )
    if type(checks) is not int or not 0 <= checks < 10**6:
        return L(zh="检查次数（checks）不是个数", en="its number of checks is none")
    if not _names(mistakes) or not _names(proved):
        return L(zh="错误（mistakes）不是一列名字", en="its mistakes are no list of names")
    merged[id][row["state"]] += 1
    merged[id]["checks"] += checks
    merged[id]["mistakes"].update(set(mistakes))
    merged[id]["proved"].update(set(proved))
    merged[id]["puzzles"] += isinstance(row.get("puzzle"), bool)
    merged[id]["solved"] += row.get("puzzle") is True
    merged[id]["hints"] += row["hints"] if _number(row.get("hints"), 10**6) else 0
    if _number(row.get("seconds"), 10**9):
        merged[id]["seconds"].append(row["seconds"])
    if row["state"] == "tried" and checks >= STUCK:
        merged.stuck.append((name, id, checks, mistakes))
    return None


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _number(value: Any, top: int) -> bool:
    return type(value) is int and 0 <= value < top


def _rows(table: Any) -> list[tuple[str, dict[str, Any]]]:
    """The rows of a file's guesses or recalls that have an id; a chapter asks a dozen, so a thousand are
    enough."""
    found = table.items() if isinstance(table, dict) else ()
    return [(id, row) for id, row in found if isinstance(row, dict) and re.fullmatch(r"[\w.-]{1,60}", id)][
        :1000
    ]


def _count_guesses(merged: Merged, table: Any) -> None:
    for id, row in _rows(table):
        value, right = row.get("value"), row.get("right")
        if isinstance(value, str) and isinstance(right, bool):
            counted = merged.guesses.setdefault(id, {"right": 0, "wrong": 0, "values": Counter()})
            counted["right" if right else "wrong"] += 1
            if not right:
                counted["values"][value[:200]] += 1


def _count_recalls(merged: Merged, table: Any) -> None:
    for id, row in _rows(table):
        asked, right = row.get("asked"), row.get("right")
        if _number(asked, 10**6) and _number(right, 10**6) and right <= asked:
            merged.recalls.setdefault(id, Counter()).update(asked=asked, right=right)


def _cell(text: str) -> str:
    """Text for a spreadsheet, which would take a leading = + - or @ for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text

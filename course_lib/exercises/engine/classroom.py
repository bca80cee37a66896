"""A class's files, exercise by exercise, for its teacher. Files come by mail and chat: what cannot be read is counted and named."""
from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ...i18n import L, language
from .card import Card, literal
from .record import is_event, str_mistake, summarise
from .registry import exercises

__all__ = ["Merged", "merge"]

LARGEST = 50_000_000             # bytes; a whole course's progress is a thousandth of it
STATES = ("done", "tried", "new")


class Merged(dict):
    """Exercise id -> how many learners are done, tried, did not start (new), their checks, and their open mistakes.

    `files` says how many files were read; `unread` holds what was not: (file, what is wrong with it), in both languages.
    """

    def __init__(self) -> None:
        super().__init__({id: {**dict.fromkeys(STATES, 0), "checks": 0, "mistakes": Counter()} for id in exercises()})
        self.files = 0
        self.unread: list[tuple[str, L]] = []

    def card(self, lang: str | None = None) -> Card:
        """One page: the commonest open mistakes, who is stuck where, and what could not be read."""
        lang = lang or language()
        lines = [L(zh="全班 {n} 份进度", en="Progress files read: {n}").format(n=self.files)[lang]]
        open_ = Counter({(id, mistake): n for id, row in self.items() for mistake, n in row["mistakes"].items()})
        for (id, mistake), n in sorted(open_.items(), key=lambda item: (-item[1], item[0]))[:10]:
            lines.append(L(zh="{n} 人未解决 · `{id}`：{what}", en="{n} still open · `{id}`: {what}").format(
                n=n, id=id, what=literal(str_mistake(id, mistake)[lang]))[lang])
        lines += [L(zh="`{id}`：{done} 人通过，{tried} 人试过", en="`{id}`: {done} passed, {tried} tried").format(id=id, **row)[lang]
                  for id, row in self.items() if row["done"] or row["tried"]]
        if self.unread:
            lines.append(L(zh="读不懂的有 {n} 处，没有计入：", en="{n} could not be read and do not count:").format(n=len(self.unread))[lang])
            lines += [L(zh="{file}：{what}", en="{file}: {what}").format(file=literal(file), what=what)[lang] for file, what in self.unread]
        return Card("note" if self.unread else "good", lines)

    def _ipython_display_(self) -> None:
        self.card().show()

    def __str__(self) -> str:
        return self.card().text


def merge(files: Iterable[str | Path] | str | Path) -> Merged:
    """Join files that `progress.export` wrote, or the `progress.jsonl` of a learner's folder. Never fails for a bad file.

    Returns a dictionary, exercise by exercise; what could not be read is in its `unread`, and is told at once.
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
            return merged.unread.append((str(file), L(zh="太大，不会是进度文件", en="is too large to be a progress file")))
        table = _table(path.read_bytes(), str(file), merged)
    except (OSError, TypeError, ValueError) as error:
        return merged.unread.append((str(file), L(zh=f"打不开：{error}", en=f"cannot be opened: {error}")))
    if table is None:
        return merged.unread.append((str(file), L(zh="不是 progress.export 写出的文件", en="was not written by progress.export")))
    merged.files += 1
    for id, row in table.items():
        problem = _count(merged, id, row)
        if problem is not None:
            merged.unread.append((f"{file} · {str(id)[:60]}", problem))


def _text(raw: bytes) -> str:
    """The file's text; keys and ids are ASCII, so that a foreign encoding harms at most what nobody reads."""
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else json.detect_encoding(raw[:4].ljust(4, b" ")) if raw else "utf-8"
    return raw.decode("utf-8-sig" if encoding.startswith("utf-8") else encoding, "replace")


def _table(raw: bytes, file: str, merged: Merged) -> dict[str, Any] | None:
    """Exercise id -> its row, from an export or from lines of events; None for anything else."""
    text = _text(raw)
    whole = _json(text)
    if isinstance(whole, dict) and isinstance(whole.get("exercises"), dict):
        return whole["exercises"]
    events = []
    for number, line in enumerate(text.splitlines(), 1):
        event = _json(line)
        if is_event(event):
            events.append(event)
        elif line.strip() and events:
            merged.unread.append((file, L(zh="第 {n} 行读不懂", en="line {n} cannot be read").format(n=number)))
    return {id: row for id, row in summarise(events).items() if row["state"] != "new"} if events else None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _count(merged: Merged, id: Any, row: Any) -> L | None:
    """Add one learner's row, or say why not."""
    if id not in merged:
        return L(zh="这个版本的课程没有这道练习", en="this version of the course has no such exercise")
    if not isinstance(row, dict) or row.get("state") not in STATES:
        return L(zh="看不出做到了哪一步（state）", en="does not say how far the learner is (state)")
    checks, mistakes = row.get("checks", 0), row.get("mistakes", [])
    if type(checks) is not int or not 0 <= checks < 10**6:
        return L(zh="检查次数（checks）不是个数", en="its number of checks is none")
    if not isinstance(mistakes, list) or not all(isinstance(mistake, str) for mistake in mistakes):
        return L(zh="错误（mistakes）不是一列名字", en="its mistakes are no list of names")
    merged[id][row["state"]] += 1
    merged[id]["checks"] += checks
    merged[id]["mistakes"].update(set(mistakes))
    return None

"""What the learner has done: one JSON line an event, in the learner's own folder, and nowhere else.

A line has `time`, the `id` of an exercise, a guess or a recalled question, and what happened (`event`):

    check    status, mistakes (the ids that the evidence proves)
    hint     rung
    parsons  right (the puzzle of the solution's lines)
    solution
    guess    value (in words); outcome: right
    recall   right

`v` is the version of the lines, 2; lines of version 1 have none and know only check, hint and solution.

Lines are only ever appended, under a file lock, so two kernels lose nothing; a line that cannot be read is
passed over. Where the folder cannot be written, events stay in memory and `progress()` says so.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import filelock

from ... import paths
from ...chapters import chapters
from ...i18n import L, language
from .card import Card
from .registry import exercises

__all__ = [
    "Progress",
    "VERSION",
    "asked",
    "events",
    "failures",
    "hints_given",
    "is_event",
    "note",
    "open_mistakes",
    "progress",
    "standing",
    "str_mistake",
    "summarise",
    "summarise_guesses",
    "summarise_recalls",
    "weak_skills",
    "when",
]

VERSION = 2
TIME = "%Y-%m-%dT%H:%M:%S%z"
_memory: list[dict[str, Any]] = []  # where the folder is read-only
STATES = {  # sign and name of how far one is with an exercise
    "done": ("✓", L(zh="通过", en="passed")),
    "tried": ("◐", L(zh="试过", en="tried")),
    "told": ("◇", L(zh="看过参考解", en="solution seen")),
    "new": ("○", L(zh="未开始", en="not started")),
}


def _file() -> Path:
    return paths.home() / "progress.jsonl"


def note(id: str, event: str, **details: Any) -> None:
    """Append one event."""
    entry = {"v": VERSION, "time": time.strftime(TIME), "id": id, "event": event, **details}
    path = _file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{path}.lock", timeout=5), path.open("a+b") as file:
            size = file.seek(0, 2)
            if size and (file.seek(size - 1), file.read(1))[1] != b"\n":  # a line that a crash cut short
                file.write(b"\n")
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
    except (OSError, filelock.Timeout):
        _memory.append(entry)


def events() -> list[dict[str, Any]]:
    """All events, oldest first."""
    found = []
    try:
        # a text may hold other line ends
        for line in _file().read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if is_event(entry):
                found.append(entry)
    except OSError:
        pass
    return found + _memory


def is_event(entry: Any) -> bool:
    """True for what `note` writes; a file that was edited or cut holds other things too."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("id"), str)
        and isinstance(entry.get("event"), str)
        and isinstance(entry.get("rung", 0), int)
        and isinstance(entry.get("mistakes", []), list)
        and all(isinstance(mistake, str) for mistake in entry.get("mistakes", []))
        and isinstance(entry.get("value", ""), str)
        and isinstance(entry.get("right", False), bool)
    )


def failures(id: str) -> int:
    """Failed checks of this exercise so far."""
    return sum(e["id"] == id and e["event"] == "check" and e.get("status") != "passed" for e in events())


def hints_given(id: str) -> set[int]:
    """The rungs of the ladder that were shown."""
    return {e.get("rung", 0) for e in events() if e["id"] == id and e["event"] == "hint"}


def asked() -> list[str]:
    """The exercises that a reader can come to: those of the chapters that are written."""
    return [id for chapter in chapters() if chapter.minutes for id in chapter.exercises]


def summarise(found: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Exercise id -> state (new, tried, done), checks, hints, solution seen, mistakes still open, and all
    that were `proved`.

    `puzzle` is True once the lines of the solution were put in order, False where that was only tried, else
    None. `seconds` is the time from the first check to the first pass, None where there is no pass or no time
    that can be read.
    """
    table: dict[str, dict[str, Any]] = {
        id: {
            "state": "new",
            "checks": 0,
            "hints": 0,
            "puzzle": None,
            "solution": False,
            "mistakes": [],
            "proved": [],
            "seconds": None,
        }
        for id in exercises()
    }
    first: dict[str, datetime | None] = {}
    for event in found:
        row = table.get(event["id"])
        if row is None:
            continue
        if event["event"] == "check":
            row["checks"] += 1
            passed = event.get("status") == "passed"
            now = when(event)
            start = first.setdefault(event["id"], now)
            if passed and row["state"] != "done" and start and now:
                row["seconds"] = max(0, round((now - start).total_seconds()))
            row["proved"] += [
                mistake for mistake in event.get("mistakes", []) if mistake not in row["proved"]
            ]
            row["state"] = "done" if passed or row["state"] == "done" else "tried"
            row["mistakes"] = [] if passed else list(event.get("mistakes") or row["mistakes"])
            row["last"] = event.get("time")
        elif event["event"] == "hint":
            row["hints"] += 1
        elif event["event"] == "parsons":
            row["puzzle"] = bool(row["puzzle"] or event.get("right"))
        elif event["event"] == "solution":
            row["solution"] = True
    return table


def when(event: dict[str, Any]) -> datetime | None:
    """The time of an event, None where it cannot be read."""
    try:
        return datetime.strptime(str(event.get("time")), TIME).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def summarise_guesses(found: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Guess id -> its last `value`, and `right`: None until its result was shown."""
    table: dict[str, dict[str, Any]] = {}
    for event in found:
        if event["event"] == "guess":
            table[event["id"]] = {"value": event.get("value", ""), "right": None}
        elif event["event"] == "outcome" and event["id"] in table:
            table[event["id"]]["right"] = event.get("right")
    return table


def summarise_recalls(found: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Question id -> how often it was `asked`, and how often the answer was `right`."""
    table: dict[str, dict[str, int]] = {}
    for event in found:
        if event["event"] == "recall":
            row = table.setdefault(event["id"], {"asked": 0, "right": 0})
            row["asked"] += 1
            row["right"] += event.get("right") is True
    return table


def open_mistakes(id: str) -> list[str]:
    """The mistakes that the last failed check of this exercise proved."""
    return summarise(events())[id]["mistakes"]


def weak_skills() -> Counter:
    """How often each skill (axis, mask, scale, ...) stood behind a mistake, over all exercises."""
    skills: Counter = Counter()
    for event in events():
        exercise = exercises().get(event["id"])
        if exercise and event["event"] == "check":
            skills.update(
                m.skill for m in exercise.mistakes if m.id in (event.get("mistakes") or ()) and m.skill
            )
    return skills


def next_exercise() -> tuple[str, L] | None:
    """What to do now, and why: what is begun, then what trains the commonest slip, then the order of the
    course."""
    found = events()
    table = summarise(found)
    for event in reversed(found):  # the last one tried and not yet passed
        if event["event"] == "check" and table.get(event["id"], {}).get("state") == "tried":
            names = [str_mistake(event["id"], m) for m in table[event["id"]]["mistakes"]]
            return event["id"], L(zh="还差一步：{what}", en="almost there: {what}").format(
                what=names[0]
            ) if names else L(zh="已经开始，还没通过", en="begun, not yet passed")
    skills = weak_skills()
    begun = [id for id, row in table.items() if row["state"] == "done"]
    chapter = begun[-1].split(".")[0] if begun else ""
    # only among this chapter's exercises: later ones need their chapter's text
    for skill, _ in skills.most_common():
        for id, row in table.items():
            if (
                row["state"] == "new"
                and id.split(".")[0] == chapter
                and any(m.skill == skill for m in exercises()[id].mistakes)
            ):
                return id, L(
                    zh="正好练习你出过错的一点：{skill}", en="it trains what went wrong before: {skill}"
                ).format(skill=SKILLS[skill])
    ids = asked()
    here = ids.index(begun[-1]) if begun and begun[-1] in ids else 0  # then what was left out before
    return next(
        (
            (id, L(zh="按顺序的下一题", en="next in order"))
            for id in [*ids[here:], *ids[:here]]
            if table[id]["state"] == "new"
        ),
        None,
    )


SKILLS = {
    "axis": L(zh="轴与形状", en="axes and shapes"),
    "mask": L(zh="掩码", en="masks"),
    "scale": L(zh="缩放", en="scaling"),
    "shift": L(zh="错位与差一", en="shifts and off-by-one"),
    "count": L(zh="分母与计数", en="denominators and counts"),
    "stability": L(zh="数值稳定", en="numerical stability"),
    "alias": L(zh="就地修改", en="changes in place"),
    "edge": L(zh="边界情形", en="edge cases"),
    "rank": L(zh="排序", en="ranking"),
    "formula": L(zh="公式细节", en="details of the formula"),
}


def str_mistake(id: str, mistake: str) -> L:
    """What a mistake says, by its id."""
    return next((m.says for m in exercises()[id].mistakes if m.id == mistake), L(zh=mistake, en=mistake))


def _signs(ids: Iterable[str], table: dict[str, dict[str, Any]]) -> str:
    """Each exercise with the sign of its state."""
    return "  ".join(
        f"{STATES['told' if row['solution'] and row['state'] != 'done' else row['state']][0]} "
        f"{id.split('.')[1]}"
        for id, row in ((id, table[id]) for id in ids)
    )


def _legend() -> L:
    return L(
        zh="  ".join(f"{sign} {name.zh}" for sign, name in STATES.values()),
        en="  ".join(f"{sign} {name.en}" for sign, name in STATES.values()),
    )


def standing(id: str) -> L:
    """How far the chapter of this exercise is, what the signs mean, and what comes next."""
    table, chapter = summarise(events()), next(chapter for chapter in chapters() if id in chapter.exercises)
    done, following = sum(table[other]["state"] == "done" for other in chapter.exercises), next_exercise()
    return L(
        zh="本章 {done}/{all} 题通过：{signs}（{legend}）。{next}",
        en="This chapter, {done} of {all} passed: {signs} ({legend}). {next}",
    ).format(
        done=done,
        all=len(chapter.exercises),
        signs=_signs(chapter.exercises, table),
        legend=_legend(),
        next=L(zh="下一题：`{id}`（{why}）", en="Next: `{id}` ({why})").format(
            id=following[0], why=following[1]
        )
        if following
        else L(zh="全部完成。", en="All done."),
    )


class Progress:
    """`progress()` shows a table a chapter; `progress.export(path)` writes it for a teacher."""

    def __call__(self, lang: str | None = None) -> Card:
        lang = lang or language()
        table, lines = summarise(events()), []
        done = sum(table[id]["state"] == "done" for id in asked())
        lines.append(
            L(zh="进度：{done}/{all} 题通过", en="Progress: {done} of {all} exercises passed").format(
                done=done, all=len(asked())
            )[lang]
        )
        for chapter in filter(lambda chapter: chapter.minutes and chapter.exercises, chapters()):
            title = f"{chapter.number:02} {chapter.title[lang]}"
            lines.append(f"{title}{'：' if lang == 'zh' else ': '}{_signs(chapter.exercises, table)}")
        for id, row in table.items():
            if row["state"] == "tried" and row["mistakes"]:
                lines.append(
                    L(zh="未解决 · `{id}`：{what}", en="Still open · `{id}`: {what}").format(
                        id=id,
                        what=L(
                            zh="；".join(str_mistake(id, m).zh for m in row["mistakes"]),
                            en="; ".join(str_mistake(id, m).en for m in row["mistakes"]),
                        ),
                    )[lang]
                )
        following = next_exercise()
        lines.append(
            L(zh="下一题：`{id}`（{why}）", en="Next: `{id}` ({why})").format(
                id=following[0], why=following[1]
            )[lang]
            if following
            else L(zh="全部完成。", en="All done.")[lang]
        )
        lines.append(_legend()[lang])
        if _memory or not paths.writable(paths.home()):
            lines.append(
                L(
                    zh="注意：{folder} 不可写，进度只保留到内核关闭。"
                    "可把环境变量 COURSE_HOME 设为可写的文件夹。",
                    en="Note: {folder} cannot be written, so progress lasts until the kernel stops. "
                    "Set COURSE_HOME to a folder "
                    "that can.",
                ).format(folder=paths.home())[lang]
            )
        card = Card("good" if done == len(asked()) else "idle", lines)
        return card.show()

    def export(self, path: str | Path) -> Path:
        """Write the progress of every exercise, the guesses and the recalled questions as JSON, for a
        teacher; returns the path."""
        path, found = Path(path), events()
        whole = {
            "course": "course_lib",
            "version": VERSION,
            "exercises": summarise(found),
            "guesses": summarise_guesses(found),
            "recalls": summarise_recalls(found),
        }
        path.write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")
        return path


progress = Progress()

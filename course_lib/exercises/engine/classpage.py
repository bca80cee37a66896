"""A class on one page: what is done, which misconceptions it shows most, which guesses surprised it, who is
stuck where.

One file without a script or an address. Whatever a learner's file said goes in as text.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from ...chapters import chapters
from ...i18n import L
from .record import str_mistake
from .registry import exercises

__all__ = ["middle", "page"]

MOST = 100  # rows of a list whose length the learners decide
STYLE = """:root{color-scheme:light dark}body{font:15px/1.5 sans-serif;max-width:1100px;margin:24px auto;padding:0 16px}
table{border-collapse:collapse;margin:8px 0 28px}th,td{text-align:left;vertical-align:top;padding:4px 14px 4px 0;border-bottom:1px solid #8886;overflow-wrap:anywhere}th{overflow-wrap:normal}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.bar{display:flex;width:160px;height:12px;border:1px solid #888}
.bar i{display:block}.done{background:#4477aa}.tried{background:#ee7733}"""  # noqa: E501


def page(merged: Any, lang: str) -> str:
    """The whole document, in `lang`, of what `classroom.merge` made."""
    say = lambda zh, en: L(zh=zh, en=en)[lang]
    title = L(zh="全班进度：{n} 份文件", en="The class: {n} files").format(n=merged.files)[lang]
    parts = [Markup("<h1>{}</h1>").format(title)]
    if merged.unread:
        parts.append(
            Markup("<p>{}</p>").format(
                L(
                    zh="有 {n} 处没有计入，见页尾。", en="{n} places did not count: see the end of the page."
                ).format(n=len(merged.unread))[lang]
            )
        )
    head = [
        say("练习", "exercise"),
        say("通过（蓝）、试过（橙）、未开始", "passed (blue), tried (orange), not started"),
        say("通过用时，中位数", "time to pass, median"),
        say("检查", "checks"),
        say("提示", "hints"),
        say("拼代码：拼对 / 试过（人）", "puzzle: solved / tried (learners)"),
        say("最常见的三个误解（人数）", "the three commonest misconceptions (learners)"),
    ]
    for chapter in chapters():
        parts.append(
            _section(
                f"{chapter.number:02} {chapter.title[lang]}",
                head,
                (_exercise(merged[id], id, lang) for id in chapter.exercises if id in merged),
            )
        )
    surprising = sorted(
        ((id, row) for id, row in merged.guesses.items() if row["wrong"]),
        key=lambda item: (-item[1]["wrong"] / (item[1]["right"] + item[1]["wrong"]), item[0]),
    )
    parts.append(
        _section(
            say("让全班意外的猜测", "Guesses that surprised the class"),
            [say("猜测", "guess"), say("猜错", "wrong"), say("常见的猜法", "what was guessed most")],
            (
                (
                    id,
                    f"{row['wrong']} / {row['right'] + row['wrong']}",
                    _counted(row["values"].most_common(3)),
                )
                for id, row in surprising[:MOST]
            ),
        )
    )
    forgotten = sorted(
        merged.recalls.items(), key=lambda item: (item[1]["right"] / max(item[1]["asked"], 1), item[0])
    )
    parts.append(
        _section(
            say("最容易忘的题", "What is forgotten most"),
            [say("题目", "question"), say("答对", "right")],
            ((id, f"{row['right']} / {row['asked']}") for id, row in forgotten[:10]),
        )
    )
    stuck: dict[str, list[str]] = {}
    for name, id, checks, open_ in merged.stuck:
        stuck.setdefault(name, []).append(
            f"{id} ({checks}) {'; '.join(str_mistake(id, mistake)[lang] for mistake in open_)}"[:200]
        )
    worst = sorted(stuck.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST]
    parts.append(
        _section(
            say("谁卡在哪里", "Who is stuck where"),
            [
                say("谁（文件名）", "who (file)"),
                say("几题", "exercises"),
                say("练习（检查次数）和未解决的误解", "exercise (checks) and the misconception still open"),
            ],
            ((name, len(places), Markup("<br>").join(places)) for name, places in worst),
        )
    )
    parts.append(
        _section(
            say("没有计入的", "What did not count"),
            [say("文件", "file"), say("原因", "why")],
            ((file, what[lang]) for file, what in merged.unread[:MOST]),
        )
    )
    document = Markup(
        '<!doctype html><html lang="{}"><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width"><title>{}</title><style>{}</style>{}</html>\n'
    )
    return document.format(lang, title, Markup(STYLE), Markup("").join(parts))


def middle(seconds: Sequence[int]) -> int | None:
    """The median, None of nothing."""
    return round(statistics.median(seconds)) if seconds else None


def _exercise(row: dict[str, Any], id: str, lang: str) -> tuple[object, ...]:
    total = max(row["done"] + row["tried"] + row["new"], 1)
    bar = Markup(
        '<div class="bar"><i class="done" style="width:{}%"></i><i class="tried" '
        'style="width:{}%"></i></div>{}'
    ).format(
        round(100 * row["done"] / total),
        round(100 * row["tried"] / total),
        f"{row['done']} · {row['tried']} · {row['new']}",
    )
    mistakes = _counted((str_mistake(id, mistake)[lang], n) for mistake, n in row["proved"].most_common(3))
    puzzles = f"{row['solved']} / {row['puzzles']}" if row["puzzles"] else ""
    seconds = middle(row["seconds"])
    duration = "" if seconds is None else f"{seconds // 60}:{seconds % 60:02}"
    return (
        Markup("{}<br><small>{}</small>").format(exercises()[id].title[lang], id),
        bar,
        duration,
        row["checks"],
        row["hints"],
        puzzles,
        mistakes,
    )


def _counted(rows: Iterable[tuple[str, int]]) -> Markup:
    return Markup("<br>").join(Markup("{} ({})").format(text[:200], n) for text, n in rows)


def _section(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A heading and its table; nothing where there are no rows."""
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<td{}>{}</td>").format(
                    Markup(' class="n"') if isinstance(cell, int) else "", escape(cell)
                )
                for cell in row
            )
        )
        for row in rows
    )
    cells = Markup("").join(Markup("<th>{}</th>").format(cell) for cell in head)
    return (
        Markup("<h2>{}</h2><table><tr>{}</tr>{}</table>").format(title, cells, body) if body else Markup("")
    )

"""A class's files: three hundred of them, some broken, old, from the future, twice there, or hostile."""

import csv
import json
import random
import time

import pytest
from lab import browser_page

from course_lib import exercises as ex
from course_lib.chapters import chapters
from course_lib.exercises.engine import record
from course_lib.exercises.engine.registry import exercises
from course_lib.i18n import set_language

NASTY = "<img src=x onerror='window.bad = 1'>"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    set_language("en")
    return tmp_path / "home"


def learner(rng):
    """Events of one learner, as the file has them."""
    events, clock = [], 1_780_000_000 + rng.randrange(10**6)

    def event(id, what, **details):
        nonlocal clock
        clock += rng.randrange(30, 300)
        events.append(
            {
                "v": 2,
                "time": time.strftime(record.TIME, time.gmtime(clock)),
                "id": id,
                "event": what,
                **details,
            }
        )

    for id, exercise in exercises().items():
        for _ in range(rng.choice((0, 1, 1, 2, 5))):
            event(
                id,
                "check",
                status="wrong",
                mistakes=[rng.choice(exercise.mistakes).id] if rng.random() < 0.7 else [],
            )
            event(id, "hint", rung=1)
            event(id, "parsons", right=rng.random() < 0.5)
        if rng.random() < 0.6:
            event(id, "check", status="passed", mistakes=[])
    for id in ("lm.who", "loss.floor"):
        event(id, "guess", value=rng.choice(("“A”", "“B”", "2.5 nats")))
        event(id, "outcome", right=rng.random() < (0.2 if id == "lm.who" else 0.9))
    event("recall.lm.chain", "recall", right=rng.random() < 0.5)
    return events


def export(events):
    return json.dumps(
        {
            "course": "course_lib",
            "version": 2,
            "exercises": record.summarise(events),
            "guesses": record.summarise_guesses(events),
            "recalls": record.summarise_recalls(events),
        }
    )


@pytest.fixture
def classroom(tmp_path):
    """300 files; what is wrong with the last of them is in their names."""
    rng, folder = random.Random(0), tmp_path / "class"
    folder.mkdir()
    for i in range(280):
        events = learner(rng)
        text = export(events) if i % 2 else "\n".join(map(json.dumps, events))
        (folder / f"learner{i:03}.json{'' if i % 2 else 'l'}").write_text(text, "utf-8")
    whole = export(learner(rng))
    hostile = {
        NASTY: {"value": NASTY, "right": False},
        "=1+1": {"value": "x", "right": False},
        "loss.floor": {"value": f"=cmd|{NASTY}", "right": False},
    }
    row = {"state": "tried", "checks": 9, "mistakes": [NASTY, "=HYPERLINK(1)", "\ud800"]}
    bad = {
        "cut": whole[:500],
        "empty": "",
        "noise": "\x00\x01" * 100,
        "list": "[1]",
        "future": json.dumps({**json.loads(whole), "version": 99, "news": [1]}),
        "one": json.dumps(
            {
                "version": 1,
                "exercises": {
                    "lm.bigram": {"state": "done", "checks": 2, "hints": 0, "solution": False, "mistakes": []}
                },
            }
        ),
        "twice": (folder / "learner001.json").read_text("utf-8"),
        "<b>hostile": json.dumps({"exercises": {"lm.bigram": row}, "guesses": hostile, "recalls": {"a": 5}}),
        "odd": json.dumps(
            {
                "exercises": {"lm.bigram": {**row, "checks": "9"}},
                "guesses": [],
                "recalls": {"q": {"asked": -1, "right": 9}},
            }
        ),
    }
    for name, text in bad.items():
        (folder / f"{name}.json").write_text(text, "utf-8")
    for i in range(300 - 280 - len(bad)):
        (folder / f"more{i}.json").write_text(export(learner(rng)), "utf-8")
    return folder


def test_three_hundred_files_are_one_page_and_one_table(classroom, tmp_path):
    files = sorted(classroom.iterdir())
    assert len(files) == 300
    merged = ex.merge(files)
    page, table = merged.to_html(tmp_path / "class.html"), merged.to_csv(tmp_path / "class.csv")
    assert merged.files == 300 - len(("cut", "empty", "noise", "list", "twice"))
    named = {file.rsplit("/", 1)[-1].split(".json")[0]: what.en for file, what in merged.unread}
    assert (
        set(named) == {"cut", "empty", "noise", "list", "future", "twice", "odd"}
        and "the same as" in named["twice"]
        and "newer course" in named["future"]
    )
    text = page.read_text("utf-8")
    assert NASTY not in text and "http" not in text and "<script" not in text
    rows = list(csv.DictReader(table.open(encoding="utf-8-sig", newline="")))
    assert [row["exercise"] for row in rows] == record.asked()
    assert all(0 < int(row["puzzle solved"]) < int(row["puzzle tried"]) < merged.files for row in rows)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    for row in rows:
        assert (
            int(row["done"]) + int(row["tried"]) + int(row["new"]) <= merged.files
            and int(row["median seconds to pass"]) >= 0
        )
    assert (
        merged.guesses["lm.who"]["wrong"] > merged.guesses["loss.floor"]["wrong"]
        and NASTY not in merged.guesses
        and "=1+1" not in merged.guesses
    )
    assert merged.recalls["recall.lm.chain"]["asked"] > 280 and "q" not in merged.recalls
    assert all(checks >= 3 and merged[id]["tried"] for _, id, checks, _ in merged.stuck)


@pytest.mark.parametrize(
    "lang, words",
    [
        ("en", ("Guesses that surprised the class", "Who is stuck where", "What did not count")),
        ("zh", ("让全班意外的猜测", "谁卡在哪里", "没有计入的")),
    ],
)
def test_the_page_in_a_browser_shows_text_as_text(classroom, tmp_path, lang, words):
    files = sorted(classroom.iterdir())
    path = ex.merge(files[:15] + files[-15:]).to_html(tmp_path / "class.html", lang)
    with browser_page() as page:
        page.goto(path.as_uri())
        assert (
            page.evaluate("window.bad") is None
            and page.outside == []
            and page.locator("img, script, b").count() == 0
        )
        seen = page.locator("body").inner_text()
        assert all(word in seen for word in words) and NASTY in seen
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_not_written_yet_is_neither_listed_nor_unread(tmp_path, monkeypatch):
    written = [chapter for chapter in chapters() if chapter.exercises and chapter.minutes]
    monkeypatch.setattr(record, "chapters", lambda: written[:1])
    file = tmp_path / "a.json"
    file.write_text(export(learner(random.Random(0))), "utf-8")
    merged = ex.merge(file)
    assert list(merged) == list(written[0].exercises) and merged.unread == []
    text = merged.to_html(tmp_path / "class.html").read_text("utf-8")
    assert written[0].title["en"] in text and written[1].title["en"] not in text


def test_a_puzzle_once_solved_stays_solved(home, tmp_path):
    for id, *rights in (("lm.bigram", False, True, False), ("lm.sample", False)):
        for right in rights:
            record.note(id, "parsons", right=right)
    found = record.summarise(record.events())
    assert [found[id]["puzzle"] for id in ("lm.bigram", "lm.sample", "lm.greedy")] == [True, False, None]
    merged = ex.merge(record.progress.export(tmp_path / "me.json"))
    assert [
        (merged[id]["solved"], merged[id]["puzzles"]) for id in ("lm.bigram", "lm.sample", "lm.greedy")
    ] == [(1, 1), (0, 1), (0, 0)]


def test_old_lines_and_old_exports_are_read(home, tmp_path):
    home.mkdir()
    old = [
        {
            "time": "2026-01-05T10:00:00+0000",
            "id": "lm.bigram",
            "event": "check",
            "status": "wrong",
            "mistakes": ["bigram-transposed"],
        },
        {
            "time": "2026-01-05T10:02:05+0000",
            "id": "lm.bigram",
            "event": "check",
            "status": "passed",
            "mistakes": [],
        },
        {
            "time": "2026-01-05T10:09:00+0000",
            "id": "lm.bigram",
            "event": "check",
            "status": "passed",
            "mistakes": [],
        },
    ]
    (home / "progress.jsonl").write_text("".join(json.dumps(line) + "\n" for line in old), "utf-8")
    record.note("loss.floor", "guess", value="a\u2028b")
    record.note("loss.floor", "outcome", right=True)
    row = record.summarise(record.events())["lm.bigram"]
    assert (row["state"], row["seconds"], row["proved"], row["mistakes"]) == (
        "done",
        125,
        ["bigram-transposed"],
        [],
    )
    assert record.summarise_guesses(record.events()) == {"loss.floor": {"value": "a\u2028b", "right": True}}
    whole = json.loads(record.progress.export(tmp_path / "me.json").read_text("utf-8"))
    assert whole["version"] == 2 and whole["guesses"]["loss.floor"]["right"] is True
    merged = ex.merge([tmp_path / "me.json", home / "progress.jsonl"])
    assert (
        merged.files == 2
        and merged.unread == []
        and merged["lm.bigram"]["seconds"] == [125, 125]
        and merged.guesses["loss.floor"]["right"] == 2
    )

"""The learner's loop: a guess before its answer, questions that come back, by mouse and by keyboard, in both
languages."""

import json
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import pytest
from lab import browser_page, jupyter, run_all, show

import course_lib as cl
from course_lib.errors import CourseError
from course_lib.exercises.engine import record
from course_lib.i18n import set_language
from course_lib.loop import prediction, revision, schedule
from course_lib.viz.widgets.answers import Choice, Line, Number, Order
from course_lib.viz.widgets.question import inline


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    set_language("en")
    return tmp_path / "home"


def noted(home):
    path = home / "progress.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


ROOT = Path(__file__).parents[1]


def said(capsys, **answer):
    cl.guess.result("x.y", **answer)
    return capsys.readouterr().out.strip()


# --- guesses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asks, sent, answer, words",
    [
        ({"choices": ["A", "B"]}, 1, {"answer": "B"}, "✓ You guessed “B”, and so it is."),
        ({"choices": ["A", "B"]}, 0, {"answer": "B"}, "You guessed “A”; it is “B”."),
        ({"choices": ["A", "B"]}, 0, {"answer": None}, "You guessed “A”; none of the choices is right."),
        ({"choices": [1, 2]}, 0, {"answer": 1}, "✓ You guessed “1”, and so it is."),
        (
            {"unit": "nats"},
            "2.5",
            {"answer": 2.4613, "tolerance": 0.1},
            "✓ You guessed 2.5 nats, which is close: it is 2.46 nats.",
        ),
        ({"unit": "nats"}, "3", {"answer": 2.4613, "tolerance": 0.1}, "You guessed 3 nats; it is 2.46 nats."),
        ({"unit": "nats"}, "2.46", {"answer": 2.4613}, "✓ You guessed 2.46 nats, and so it is."),
        ({}, "12,000", {"answer": 12_000}, "✓ You guessed 12,000, and so it is."),
        (
            {"order": ["a", "b", "c"]},
            [2, 1, 0],
            {"answer": ["a", "b", "c"]},
            "1 of 3 are in the right place. Your order: c → b → a; the right one: a → b → c.",
        ),
        (
            {"order": ["a", "b", "c"]},
            [0, 1, 2],
            {"answer": ["a", "b", "c"]},
            "✓ You guessed a → b → c, and so it is.",
        ),
        (
            {"line": (0, 100), "unit": "%"},
            30,
            {"answer": 42.0, "tolerance": 5},
            "You guessed 30%; it is 42%. you 0 ● 100 answer 0 ● 100",
        ),
    ],
)
def test_ones_own_guess_beside_the_truth(capsys, home, asks, sent, answer, words):
    question = cl.guess("x.y", "What?", **asks)
    question.say(sent)
    assert "Noted" in question.note and said(capsys, **answer) == words and question.fixed
    right = [event["right"] for event in noted(home) if event["event"] == "outcome"]
    assert right == [words.startswith("✓")]


@pytest.mark.parametrize(
    "asks, answer, words",
    [
        ({"choices": ["A", "B"]}, "B", "No guess · the answer is “B”."),
        ({"choices": ["A", "B"]}, None, "No guess · none of the choices is right."),
        ({}, 7, "No guess · the answer is 7."),
        ({"order": ["a", "b"]}, ["b", "a"], "No guess · the answer is b → a."),
        ({"line": (0, 1)}, 0.5, "No guess · the answer is 0.5."),
    ],
)
def test_nothing_waits_for_a_guess(capsys, home, asks, answer, words):
    cl.guess("x.y", "What?", **asks)
    assert said(capsys, answer=answer) == words and noted(home) == []


def test_a_guess_may_be_changed_until_its_result_is_shown(capsys, home):
    question = cl.guess("x.y", "What?", choices=["A", "B"])
    question.say(0)
    question.say(1)
    assert "“B”" in said(capsys, answer="B")
    question.say(0)
    assert question.answer == 1 and "stays" in question.note
    assert said(capsys, answer="B").startswith("✓"), "the cell of the result may run again"
    assert [event.get("value") for event in noted(home) if event["event"] == "guess"] == ["“A”", "“B”"]
    assert cl.guess("x.y", "What?", choices=["A", "B"]).answer is None, "its own cell run again asks anew"


def test_a_guess_after_the_result_changes_the_line_below_it(monkeypatch, home):
    class Display:
        lines = []

        def update(self, bundle, raw):
            self.lines.append(bundle["text/plain"])

    monkeypatch.setattr(prediction, "_shown", lambda line: Display())
    question = cl.guess("x.y", "What?", choices=["A", "B"])
    cl.guess.result("x.y", "B")
    question.say(0)
    question.say(1)
    assert Display.lines == ["You guessed “A”; it is “B”."] and question.fixed


@pytest.mark.parametrize(
    "form, sent, answer",
    [
        (Number(), "２．５", 2.5),
        (Number(), "2,5", 2.5),
        (Number(), "1,000", 1000.0),
        (Number(), "−3", -3.0),
        (Number(), " 1/4 ", 0.25),
        (Number("%"), "50 %", 50.0),
        (Number("%"), "50％", 50.0),
        (Number("nats"), "2 nats", 2.0),
        (Number(), "1e3", 1000.0),
        *[
            (Number(), odd, None)
            for odd in (
                "",
                "abc",
                "nan",
                "inf",
                "1/0",
                "1/2/3",
                "1e999",
                "9" * 50,
                None,
                3,
                [],
                {},
                "<b>",
                "😀",
                "二",
            )
        ],
        *[(Choice(("a", "b")), odd, None) for odd in (2, -1, True, "a", None, 0.0, [])],
        (Choice(("a", "b")), 1, 1),
        *[
            (Order(("a", "b")), odd, None)
            for odd in ([0], [0, 0], [0, 1, 2], [True, 0], "01", None, [[0], 1])
        ],
        (Order(("a", "b")), [1, 0], [1, 0]),
        *[(Line("", 0, 1), odd, None) for odd in (2, -1, float("nan"), "0.5", True, None)],
        (Line("", 0, 1), 0.5, 0.5),
    ],
)
def test_what_a_page_sends_is_an_answer_or_none(form, sent, answer):
    assert form.read(sent) == answer


def test_what_is_no_answer_says_what_is_one(home):
    question = cl.guess("x.y", "How many?")
    for odd in ({"say": "abc"}, {"say": None}, {}, None, 7, {"x": 1}):
        question._heard(question, odd, [])
    assert question.answer is None and "2.5" in question.note and noted(home) == []


@pytest.mark.parametrize(
    "wrong, says",
    [
        (lambda: cl.guess.result("no.such", 1), 'run the cell with cl.guess("no.such", …) first'),
        (lambda: cl.guess.result("x.choice", "C"), "one of the choices"),
        (lambda: cl.guess.result("x.order", ["a"]), "all the items"),
        (lambda: cl.guess.result("x.order", ["a", "a"]), "all the items"),
        (lambda: cl.guess.result("x.order", 5), "all the items"),
        (lambda: cl.guess.result("x.number", "many"), "a number"),
        (lambda: cl.guess.result("x.number", None), "a number"),
        (lambda: cl.guess.result("x.number", float("nan")), "a number"),
        (lambda: cl.guess("x", "?", choices=["a"]), "at least two"),
        (lambda: cl.guess("x", "?", choices=["a", "a"]), "all different"),
        (lambda: cl.guess("x", "?", line=(2, 1)), "from low to high"),
        (lambda: cl.guess("x", "?", line=(0, 1), order=["a", "b"]), "line"),
    ],
)
def test_an_authors_mistake_is_one_sentence(wrong, says):
    cl.guess("x.choice", "?", choices=["A", "B"])
    cl.guess("x.order", "?", order=["a", "b"])
    cl.guess("x.number", "?")
    with pytest.raises(CourseError) as problem:
        wrong()
    assert says in str(problem.value)
    set_language("zh")
    assert "猜测" in str(problem.value) or "还没有" in str(problem.value)


def test_a_tensor_of_one_number_is_a_number(capsys):
    import numpy
    import torch

    for answer in (torch.tensor(2.5), numpy.float32(2.5), torch.tensor([[2.5]])):
        cl.guess("x.y", "?").say("2.5")
        assert said(capsys, answer=answer) == "✓ You guessed 2.5, and so it is."


def test_chinese_reads_as_chinese(capsys):
    set_language("zh")
    for sent, words in (
        (0, "你猜的是“长”；答案是“短”。"),
        (1, "✓ 你猜的是“短”，猜中了。"),
        (None, "没有猜 · 答案是“短”。"),
    ):
        question = cl.guess("x.y", "？", choices=["长", "短"])
        assert question.text == "先猜一猜 · ？"
        if sent is not None:
            question.say(sent)
        assert said(capsys, answer="短") == words


def test_a_page_without_a_kernel_shows_question_and_choices():
    for asks, seen in (
        ({"choices": ["<i>", "B"]}, ["&lt;i&gt;", ">B<"]),
        ({"order": ["a", "b"]}, [">a<", ">b<"]),
        ({"line": (0, 5)}, ["0 ├", "┤ 5"]),
        ({"unit": "nats"}, ["nats"]),
    ):
        still = cl.guess("x.y", "Is `a < b`?", **asks).still()
        assert all(part in still for part in ("<code>a &lt; b</code>", *seen))


KINDS = {
    "choice": {"choices": ["A", "B"]},
    "number": {"unit": "nats"},
    "order": {"order": ["a", "b", "c"]},
    "line": {"line": (0, 10)},
}
KEYS = {
    "choice": ["Tab", "Tab", "Enter"],
    "number": ["Tab", "2", ".", "5", "Enter"],
    "order": ["Tab", "Tab", "Space", "Tab", "Space", "Shift+Tab", "Shift+Tab", "Space"],
    "line": ["Tab", "ArrowRight", "ArrowRight", "Tab", "Enter"],
}
SENT = {"choice": 1, "number": "2.5", "order": [1, 2, 0], "line": 5.2}


@pytest.mark.parametrize("kind", KINDS)
def test_by_keyboard_alone_and_by_mouse(kind):
    with browser_page() as page:
        show(page, cl.guess("x.y", "What?", **KINDS[kind]))
        for key in KEYS[kind]:
            page.keyboard.press(key)
        assert page.evaluate("views[0].sent") == [{"say": SENT[kind]}]
        page.reload()
        show(page, cl.guess("x.y", "What?", **KINDS[kind]))
        if kind == "number":
            page.locator("input").fill("2.5")
        if kind == "line":
            page.locator("input").evaluate("e => { e.value = 5.2; e.dispatchEvent(new Event('input')); }")
        for at in {"choice": [1], "order": [1, 2, 0]}.get(kind, [0]):
            page.get_by_role("button").nth(at).click()
        assert page.evaluate("views[0].sent") == [{"say": SENT[kind]}]


def test_two_views_of_one_question_say_the_same():
    question = cl.guess("x.y", "What?", unit="nats")
    with browser_page() as page:
        show(page, question)
        question.say("2.5")
        show(page, question)
        assert (
            page.locator("input").input_value() == "2.5"
            and "Noted: 2.5 nats" in page.locator("body").inner_text()
        )


WORDS = {
    "en": ("No guess · the answer is", "You guessed “B”; it is “A”.", "✓ You guessed 2.5, and so it is."),
    "zh": ("没有猜 · 答案是", "你猜的是“B”；答案是“A”。", "✓ 你猜的是 2.5，猜中了。"),
}


@pytest.mark.parametrize("lang", WORDS)
def test_in_a_real_notebook_the_line_follows_a_late_guess(tmp_path, lang):
    cells = [
        f'import course_lib as cl\ncl.start(lang="{lang}")',
        'cl.guess("x.a", "A?", choices=["A", "B"])',
        'print("experiment")\ncl.guess.result("x.a", "A")',
        'cl.guess("x.b", "B?")',
        'cl.guess.result("x.b", 2.5)',
        "cl.recall(before=2)",
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    )
    notebook.cells[2].metadata["jupyter"] = {"outputs_hidden": True}
    # as the build leaves it
    notebook.cells[2].outputs = [
        nbformat.v4.new_output("display_data"),
        nbformat.v4.new_output("stream", text="experiment"),
    ]
    nbformat.write(notebook, tmp_path / "n.ipynb")
    nothing, wrong, right = WORDS[lang]
    with jupyter(tmp_path) as address, browser_page(address) as page:
        page.goto(f"{address}/lab/tree/n.ipynb?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
        page.locator(".jp-Placeholder-content").wait_for()
        assert not page.get_by_text("experiment", exact=True).is_visible(), "a stored answer is folded"
        run_all(page)
        assert page.locator(".jp-Placeholder-content").count() == 0, "a cell that runs shows what it prints"
        page.locator(".course-quiz").wait_for()
        outputs = page.locator(".jp-CodeCell .jp-OutputArea")
        assert nothing in outputs.nth(2).inner_text() and nothing in outputs.nth(4).inner_text()
        assert page.locator(".course-static:visible").count() == 0
        page.get_by_role("button", name="B", exact=True).click()
        page.get_by_text(wrong).wait_for()
        page.locator(".course-quiz .course-fields").nth(1).get_by_role("button").first.click()
        link = page.locator(".course-quiz a").first
        link.wait_for()
        assert link.evaluate("a => a.href").startswith(f"{address}/lab/tree/01_language_models.ipynb#1.2-"), (
            "it opens the chapter in JupyterLab"
        )
        page.locator(".course-quiz .course-fields").first.get_by_role("button").click()
        page.locator(".course-quiz a").wait_for(state="detached")
        field = page.locator(".course-question input")
        field.focus()
        page.keyboard.type("2.5")
        page.keyboard.press("Enter")
        page.get_by_text(right).wait_for()
        assert page.locator(".course-question:not(.course-quiz) button:enabled").count() == 0, (
            "a guess stays once its result is out"
        )
        assert page.outside == []


# --- questions that come back ---------------------------------------------------------------------

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_bank_is_whole_in_both_languages():
    bank = revision.bank()
    assert len({question.id for question in bank}) == len(bank)
    written = {
        int(path.name[:2]): path.read_text("utf-8") for path in (ROOT / "notebooks" / "src").glob("[0-9]*.py")
    }
    for question in bank:
        for lang in ("zh", "en"):
            options = [option[lang] for option in question.options(0)]
            assert (
                len(set(options)) == len(options) >= 3
                and all(options)
                and question.text[lang]
                and question.reason[lang]
            )
            assert bool(re.search(r"[\u4e00-\u9fff]", question.text[lang] + question.reason[lang])) == (
                lang == "zh"
            )
            if question.chapter in written:
                assert re.search(
                    rf"(?m)^#+ {re.escape(question.section[lang])}$", written[question.chapter]
                ), f"{question.id}: no section {question.section[lang]!r}"
    counts = Counter(question.chapter for question in bank)
    assert all(counts[chapter] >= 5 for chapter in (0, 1, 3, 5))


def test_the_right_answer_stands_anywhere():
    places = Counter(
        question.options(times).index(question.right) for question in revision.bank() for times in range(10)
    )
    assert min(places[0], places[1], places[2]) > 0.25 * sum(places.values())


def ids(questions):
    return [question.id.split(".")[1] for question in questions]


def test_a_fresh_learner_gets_questions_of_each_earlier_chapter():
    pick = lambda before: schedule.pick(
        [q for q in revision.bank() if q.chapter in (0, 1, 3, 5) and q.chapter < before], {}, NOW
    )
    assert ids(pick(0)) == [] and ids(pick(1)) == ["start"] * 3 and ids(pick(3)) == ["lm", "start", "lm"]
    assert ids(pick(8)) == ["loss", "attention", "lm"]


def test_sm2_intervals():
    answers = []
    for right, days in ((True, 1), (True, 6), (True, 15), (False, 1), (True, 1), (True, 6)):
        answers.append((NOW, right))
        assert schedule.due(answers) == NOW + timedelta(days=days)


def test_four_weeks_of_recall():
    """A learner who opens a chapter every day and always misses one kind of question sees it again and again,
    and the others ever more seldom."""
    bank, answers, asked = [q for q in revision.bank() if q.chapter in (0, 1, 3)], {}, {}
    hard = bank[0].id
    for day in range(28):
        now = NOW + timedelta(days=day, hours=day % 3)
        chosen = schedule.pick(bank, answers, now)
        assert len({q.id for q in chosen}) == len(chosen) <= 3
        for question in chosen:
            last = asked.setdefault(question.id, [])
            assert not last or now >= schedule.due(answers[question.id]), "never before its time"
            last.append(day)
            answers.setdefault(question.id, []).append((now, question.id != hard))
    assert set(asked) == {q.id for q in bank}, "every question was asked"
    gaps = {id: [b - a for a, b in zip(days, days[1:])] for id, days in asked.items()}
    assert len(asked[hard]) >= 12 and max(gaps[hard]) <= 2, "what is missed comes back first"
    assert all(gap == sorted(gap) for id, gap in gaps.items() if id != hard), (
        "what is known rests longer each time"
    )
    assert max(map(len, asked.values())) == len(asked[hard])


@pytest.mark.parametrize("right", [1.0, 0.5])
def test_four_weeks_of_chapters(right):
    """A chapter every three days or so, opened every other day: what is missed and due leaves room for a new
    question each time."""
    rng, answers, opened, before = random.Random(0), {}, {0: 1, 2: 3, 5: 5, 8: 8, 11: 9, 15: 14, 19: 15}, 1
    for day in range(28):
        before, now = opened.get(day, before), NOW + timedelta(days=day)
        bank = [
            question
            for question in revision.bank()
            if question.chapter in {0, *opened.values()} and question.chapter < before
        ]
        if day % 2 and day not in opened:
            continue
        new = [question for question in bank if question.id not in answers]
        chosen = schedule.pick(bank, answers, now)
        assert len(chosen) == 3 and sum(question in new for question in chosen) >= min(1, len(new))
        for question in chosen:
            answers.setdefault(question.id, []).append((now, rng.random() < right))
    met = Counter(question.chapter for question in revision.bank() if question.id in answers)
    assert set(met) == {0, 1, 3, 5, 8, 9, 14} and sum(met.values()) >= 18
    assert right < 1 or max(len(given) for given in answers.values()) <= 4, "1, 6 and 15 days of rest"


def test_recall_asks_notes_and_comes_back(home, capsys):
    quiz = cl.recall(before=2)
    assert len(quiz.items) == 3 and "3 questions" in quiz.words["title"] and noted(home) == []
    first = revision.bank()[[q.id for q in revision.bank()].index("recall.lm.chain")]
    options = [str(option) for option in first.options(0)]
    right = options.index(first.right.en)
    quiz._heard(quiz, {"say": [0, right]}, [])
    quiz._heard(quiz, {"say": [0, (right + 1) % 3]}, [])
    assert (
        "✓" in quiz.items[0]["note"]
        and 'href="01_language_models.ipynb#1.2-The-chain-rule' in quiz.items[0]["note"]
    )
    second = next(question for question in revision.bank() if inline(question.text) == quiz.items[1]["text"])
    quiz.say(1, next(i for i, option in enumerate(quiz.items[1]["options"]) if option != second.right.en))
    assert "It is “" in quiz.items[1]["note"]
    events = [event for event in noted(home) if event["event"] == "recall"]
    assert [event["right"] for event in events if event["id"] == "recall.lm.chain"] == [True]
    assert "recall.lm.chain" not in [
        q.id
        for q in schedule.pick(
            revision.bank(), revision.answered(NOW + timedelta(days=1000)), datetime.now().astimezone()
        )
    ]
    assert cl.recall(before=0) is None and "no earlier chapter" in capsys.readouterr().out
    for question in revision.bank():
        record.note(question.id, "recall", right=True)
    assert (
        cl.recall() is None
        and f"the next one on {datetime.now() + timedelta(days=1):%Y-%m-%d}" in capsys.readouterr().out
    )


def test_times_that_cannot_be_read_are_passed_over(home):
    home.mkdir()
    lines = [
        {"id": "recall.lm.chain", "event": "recall", "right": True, "time": time}
        for time in (None, "", "now", 7, "9999-12-31T23:59:59+0000", "0001-01-01T00:00:00+2359")
    ]
    (home / "progress.jsonl").write_text(
        "\n".join(map(json.dumps, [*lines, {"id": "recall.lm.chain", "event": "recall", "right": "yes"}])),
        "utf-8",
    )
    found = revision.answered(datetime.now().astimezone())
    assert len(found["recall.lm.chain"]) in (1, 2) and schedule.due(
        found["recall.lm.chain"]
    ) <= datetime.now().astimezone() + timedelta(days=6)
    assert len(cl.recall().items) == 3


def test_recall_by_keyboard_and_away_in_one_click():
    with browser_page() as page:
        quiz = cl.recall(before=3)
        show(page, quiz)
        for key in ("Tab", "Tab", "Enter"):
            page.keyboard.press(key)
        assert page.evaluate("views[0].sent") == [{"say": [0, 0]}]
        quiz.say(0, 0)
        show(page, quiz)
        assert page.get_by_role("link").count() == 1 and page.locator("button:disabled").count() == 3
        page.get_by_role("button", name="Skip").click()
        assert page.evaluate("views[0].sent") == [{"skip": True}]
        quiz._heard(quiz, {"skip": True}, [])
        show(page, quiz)
        assert page.get_by_role("button").count() == 0 and "Skipped" in page.locator("body").inner_text()

"""A check that can be trusted, and the ladder below it: hints, the puzzle of the solution's lines, the
solution; by mouse and by keyboard."""

import json
import math

import nbformat
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from lab import SETTINGS, browser_page, jupyter, show

import course_lib as cl
from course_lib import exercises as ex
from course_lib.exercises.engine import cells, offer, record
from course_lib.exercises.engine.parsons import FEWEST, _lines, puzzle
from course_lib.exercises.engine.registry import exercises
from course_lib.i18n import set_language
from course_lib.viz.html import Markup
from course_lib.viz.widgets.ladder import Ladder

SDPA = ex.find("attention.sdpa")
WRONG = """def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, -1).nan_to_num(0.0) @ v
"""
RIGHT = WRONG.replace("k.transpose(-2, -1)", "k.transpose(-2, -1) / math.sqrt(q.shape[-1])")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    set_language("en")
    return tmp_path / "home"


# --- what became of the cell ----------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a cell in a kernel of its own: `run(source, cell)`; `run.check()` is what a check in it gives."""
    monkeypatch.setattr(cells, "_runs", [])
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    cells.watch()
    cells.watch()
    shell.run_cell("import math, torch\nfrom course_lib import check, use", cell_id="start")

    def run(source, cell="a"):
        shell.run_cell(source, store_history=True, cell_id=cell)
        return shell.user_ns

    run.check = lambda: run("found = check('attention.sdpa', show=False)", "check")["found"]
    run.shell = shell
    yield run
    InteractiveShell.clear_instance()
    capsys.readouterr()


def test_a_cell_that_did_not_run_is_not_graded_in_its_former_version(run):
    run(RIGHT)
    assert run.check().passed
    run(RIGHT.replace("if mask is not None:", "if mask is not None"))
    result = run.check()
    assert (
        result.status == "error"
        and "SyntaxError in line 3" in result.message
        and "the version before" in result.message
        and not result.mistakes
    )
    assert [event["status"] for event in record.events()] == ["passed"], (
        "nothing was checked, so nothing is on record"
    )
    set_language("zh")
    assert "第 3 行 SyntaxError" in run.check().message
    set_language("en")
    run(RIGHT)
    assert run.check().passed


@pytest.mark.parametrize(
    "broken, says",
    [
        ("no_such_name\n" + WRONG, "NameError in line 1"),
        ("def attention(q, k, v, mask=no_such_name):\n    return q", "NameError in line 1"),
        ("def attention(q, k, v, mask=None):\nreturn q", "IndentationError in line 2"),
        ("deff attention(q):\n    return q", "SyntaxError in line 1"),
    ],
)
def test_whatever_stopped_the_cell_is_named(run, broken, says):
    run(RIGHT)
    run(broken)
    result = run.check()
    assert result.status == "error" and says in result.message


def test_a_first_version_that_does_not_run_is_no_missing_one(run):
    run("def attention(q, k, v, mask=None)\n    return q")
    assert run.check().status == "error" and "not defined yet" in run.check().message


def test_a_renamed_function_is_not_graded_in_its_former_version(run):
    run(RIGHT)
    run(WRONG.replace("attention", "attn"))
    result = run.check()
    assert result.status == "missing" and "`attn`" in result.message
    run("attention = attn", "b")
    assert run.check().mistakes == ("no-scale",), "chosen by hand"


def test_what_comes_after_the_function_makes_it_no_older(run):
    run(RIGHT + "\nattention(1, 2, 3)")
    assert run.check().passed, "the cell failed below the function"
    run("attention(1, 2, 3)", "b")
    run("print('nothing is defined here')")
    assert run.check().passed
    run("no_such_name\n" + RIGHT)
    assert run.check().passed, "the function is, word for word, the one in the cell"


def test_a_check_in_the_cell_of_the_function(run):
    run("def attention(q, k, v, mask=None) return q\nfound = check('attention.sdpa', show=False)")
    assert run(RIGHT + "\nfound = check('attention.sdpa', show=False)")["found"].passed


def test_use_hands_out_the_reference_where_the_cell_failed(run):
    run(WRONG)
    run(RIGHT)
    run(RIGHT.replace(":", "", 1))
    assert run("mine = use('attention.sdpa', show=False)", "b")["mine"] is not run.shell.user_ns["attention"]
    run(RIGHT)
    assert run("mine = use('attention.sdpa', show=False)", "b")["mine"] is run.shell.user_ns["attention"]


# --- the card -------------------------------------------------------------------------------------


def functions(source):
    scope = {"torch": torch, "math": math}
    exec(source, scope)
    return scope["attention"]


def check(source, **options):
    return ex.check("attention.sdpa", functions(source), show=False, **options)


@pytest.mark.parametrize("source", [WRONG, RIGHT])
def test_what_was_printed_is_shown_folded_and_bounded(source):
    loud = check(
        source.replace("    scores =", "    for i in range(300): print('<b>', i, q.shape)\n    scores =", 1)
    )
    fold = loud.card.html.partition("<details>")[2]
    assert (
        "What your function printed on input “" in fold
        and "&lt;b&gt; 0 torch.Size" in fold
        and "<b>" not in fold
        and len(fold) < 4000
    )
    assert (
        "torch.Size" in loud.message
        and loud.message.endswith("…")
        and "<details" not in check(source).card.html
    )


def test_the_empty_card_offers_a_hint_and_a_worked_example():
    empty = check(SDPA.stub)
    assert empty.status == "not_attempted" and '`cl.hint("attention.sdpa")`' in empty.message
    given = {
        "q": torch.tensor([[[[0.5, 0], [2, -0.5]]]]),
        "k": torch.tensor([[[[2, 1.5], [-1.5, -1], [-1.5, 0.5]]]]),
        "v": torch.tensor([[[[-0.5, -1.5], [-1.5, -0.5], [0.5, 2]]]]),
    }
    assert all(
        f"{name} = {value.tolist()}".replace(".0,", ",").replace(".0]", "]") in empty.message
        for name, value in given.items()
    )
    assert (
        f"{float(SDPA.reference(**given)[0, 0, 0, 1]):.4g}" in empty.message
        and "A worked example" in empty.card.html
    )


def test_after_a_pass_the_card_says_where_one_stands():
    check(WRONG, lang="en")
    ex.check("attention.masks", lambda lengths, size: 0, show=False)
    cl.solution("attention.additive", force=True)
    said = check(RIGHT).message
    assert (
        "This chapter, 1 of 6 passed: ✓ sdpa  ◇ additive  ◐ masks  ○ split_heads" in said
        and "◇ solution seen" in said
        and "Next: `attention.masks`" in said
    )
    assert "本章 1/6 题通过" in check(RIGHT, lang="zh").message
    assert "This chapter" not in check(RIGHT, record=False).message


def test_the_ladder_starts_at_one_keeps_its_rungs_and_ends():
    # a slip made often is no proof that it was made here
    for id in ("attention.multi_head", "attention.sdpa"):
        mistake = next(m for m in ex.find(id).mistakes if m.id == "no-scale")
        for _ in range(2):
            ex.check(id, ex.find(id).program(mistake), show=False)
    first = str(cl.hint("attention.additive"))
    assert first.startswith("Hint 1/") and "(the last)" not in first
    exercise = ex.find("lm.bigram")
    for rung in (1, 2, 3, 4):
        lines = str(cl.hint("lm.bigram")).splitlines()
        assert (
            all(line.startswith(f"Hint {n}/4") for n, line in enumerate(lines[:rung], 1))
            and exercise.hints[0].en in lines[0]
        )
        assert not rung == 4 or "(the last)" in lines[3]
        ex.check("lm.bigram", lambda ids, v, alpha=1.0: torch.eye(v), show=False)
    assert f'`cl.hint("{SDPA.id}", 4)`' in str(cl.solution("lm.greedy")).replace("lm.greedy", SDPA.id)


# --- the puzzle -----------------------------------------------------------------------------------


def in_order(exercise):
    lines = puzzle(exercise).lines
    return [lines.index(line) for line in _lines(exercise.code)[1:]]


@pytest.mark.parametrize("exercise", exercises().values(), ids=lambda exercise: exercise.id)
def test_the_references_lines_pass_and_no_two_pieces_are_alike(exercise):
    lines, asked = _lines(exercise.code)[1:], puzzle(exercise)
    if len(lines) < FEWEST:
        assert asked is None and "in order" not in str(ex.hint(exercise.id, len(exercise.hints)))
        return
    assert len(lines) < len(asked.lines) <= len(lines) + 4 and asked.text.splitlines()[1:] != lines
    assert offer.puzzle_card(exercise, in_order(exercise), "en").mood == "good"
    table = record.summarise(record.events())[exercise.id]
    assert (
        table["state"] == "new"
        and record.events()[-1]["event"] == "parsons"
        and record.events()[-1]["right"] is True
    )


def test_the_puzzles_verdict_is_the_checks():
    asked, order = puzzle(SDPA), in_order(SDPA)
    at = next(
        i for i, line in enumerate(asked.lines) if line.startswith("    scores = q @ k.transpose(-2, -1)  #")
    )
    wrong = [at if "sqrt" in asked.lines[i] else i for i in order]
    assert (
        "not divided by √d" in offer.puzzle_card(SDPA, wrong, "en").text
        and "没有除以 √d" in offer.puzzle_card(SDPA, wrong, "zh").text
    )
    additive = ex.find("attention.additive")
    first, second, *rest = in_order(additive)
    assert offer.puzzle_card(additive, [second, first, *rest], "en").mood == "good", (
        "queries and keys may come in either order"
    )
    assert (
        "cannot read on at line" in offer.puzzle_card(SDPA, order[::-1], "en").text
        and "empty" in offer.puzzle_card(SDPA, [], "en").text
    )
    assert [event["right"] for event in record.events() if event["event"] == "parsons"] == [
        False,
        False,
        True,
        False,
    ]


def lines_widget():
    return Ladder(
        [],
        None,
        lambda order: Markup(f"<p role='status'>{order}</p>"),
        {"head": "def f(x):", "lines": ["    b", "    return c", "    a"]},
    )


def test_lines_by_mouse_and_by_keyboard():
    with browser_page() as page:
        show(page, lines_widget())
        program = lambda: page.locator("[aria-label='Your program'] button").all_inner_texts()
        for line in ("a", "b", "return c", "b"):
            page.get_by_role("button", name=line, exact=True).click()
        assert [line.strip() for line in program()] == ["a", "return c"], "a second click takes a line back"
        page.get_by_role("button", name="Check").click()
        assert page.evaluate("views[0].sent") == [{"order": [2, 1]}]
        page.reload()
        show(page, lines_widget())
        for key in (
            "Tab",
            "Enter",
            "Enter",
            "Enter",
            "ArrowUp",
            "Shift+Tab",
            "Enter",
            "ArrowUp",
            "ArrowUp",
            "ArrowDown",
        ):
            page.keyboard.press(key)
        assert [line.strip() for line in program()] == ["b", "a"]
        assert page.evaluate("document.activeElement.textContent.trim()") == "a", (
            "the focus stays on the line"
        )


def test_what_a_page_sends_is_an_order_or_nothing():
    widget = lines_widget()
    for odd in (
        {"order": [0, 0]},
        {"order": [3]},
        {"order": [-1]},
        {"order": [True]},
        {"order": "01"},
        {"order": None},
        {"ask": 0},
        {"ask": True},
        {},
        None,
        7,
    ):
        widget._heard(widget, odd, [])
    assert widget.verdict == "" and "□     return c" in widget.still()
    widget._heard(widget, {"order": [2, 0, 1]}, [])
    assert "[2, 0, 1]" in widget.verdict and not widget.busy


# --- in a real notebook ---------------------------------------------------------------------------

WORDS = {
    "en": {
        "hint": "Hint",
        "solution": "Solution",
        "check": "Check",
        "wrong": "Not right yet",
        "later": "after one more check",
        "right": "In order:",
        "stale": "did not run (SyntaxError in line 1)",
        "one": "One",
        "guessed": "You guessed “One”; it is “Two”.",
        "skip": "Skip",
        "skipped": "Skipped",
        "due": "3 questions",
    },
    "zh": {
        "hint": "提示",
        "solution": "参考解",
        "check": "检查",
        "wrong": "结果不对",
        "later": "再检查一次之后",
        "right": "排对了",
        "stale": "没有跑通（第 1 行 SyntaxError）",
        "one": "一",
        "guessed": "你猜的是“一”；答案是“二”。",
        "skip": "跳过",
        "skipped": "已跳过",
        "due": "3 道题",
    },
}
TOP = """() => {                      // where the first verdict of the third cell begins, and the part of the page that shows cells
  const [card, box] = [document.querySelectorAll('.jp-CodeCell')[3].querySelector('[role=status]'), document.querySelector('.jp-WindowedPanel-outer')];
  const [a, b] = [card.getBoundingClientRect(), box.getBoundingClientRect()];
  return [a.top, b.top, b.bottom];
}"""  # noqa: E501
WRITE = (
    "([at, source]) => { "
    "jupyterapp.shell.currentWidget.content.widgets[at].model.sharedModel.setSource(source); }"
)


@pytest.mark.parametrize("lang", WORDS)
def test_the_ladder_in_jupyterlab(tmp_path, lang, monkeypatch):
    monkeypatch.delitem(SETTINGS, "notebook-extension/tracker")  # as a reader has it: with windowing
    words, prose = WORDS[lang], "\n\n".join(["A paragraph."] * 40)
    choices = {"en": '["One", "Two"]', "zh": '["一", "二"]'}[lang]
    code = [
        f'import math, torch\nimport course_lib as cl\ncl.start(lang="{lang}")\ncl.recall(before=3)',
        f'cl.guess("x.y", "?", choices={choices})',
        WRONG,
        'found = cl.check("attention.sdpa")\nprint(*range(60), sep="\\n")',
        f'cl.guess.result("x.y", {choices}[1])',
    ]
    made = [nbformat.v4.new_code_cell(source) for source in code]
    made.insert(4, nbformat.v4.new_markdown_cell(prose))
    nbformat.write(
        nbformat.v4.new_notebook(
            cells=made,
            metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        ),
        tmp_path / "n.ipynb",
    )
    with jupyter(tmp_path) as address, browser_page(address, 1280, 800) as page:
        page.set_default_timeout(20_000)
        page.goto(f"{address}/lab/tree/n.ipynb?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
        page.evaluate(
            "async () => { const p = jupyterapp.shell.currentWidget; await p.context.ready; "
            "await p.sessionContext.ready; "
            "await p.sessionContext.session.kernel.info; p.content.activeCellIndex = 0; "
            "p.content.activate(); }"
        )

        def press(cell, key=""):
            page.evaluate(
                "at => { const n = jupyterapp.shell.currentWidget.content; n.activeCellIndex = "
                "at; n.mode = 'command'; n.node.focus(); }",
                cell,
            )
            if key:
                page.keyboard.press(key)
            else:
                page.evaluate("async () => { await jupyterapp.commands.execute('notebook:run-cell'); }")
            page.wait_for_function(
                "at => /\\d/.test(jupyterapp.shell.currentWidget.content.widgets[at].prompt)",
                arg=cell,
                timeout=60_000,
            )

        press(0)
        page.locator(".course-quiz").get_by_text(words["due"]).wait_for(timeout=60_000)
        page.get_by_role("button", name=words["skip"]).click()
        page.get_by_text(words["skipped"]).first.wait_for()
        press(1)
        page.get_by_role("button", name=words["one"], exact=True).click()
        press(2)
        press(3, "Shift+Enter")
        button = lambda name: page.locator(".course-ladder").last.get_by_role(
            "button", name=words[name], exact=True
        )
        button("hint").wait_for(timeout=60_000)
        page.wait_for_timeout(1000)
        top, low, high = page.evaluate(TOP)
        assert low - 1 <= top < high - 40, "the verdict's first line is in view"
        assert page.get_by_text(words["wrong"]).first.is_visible()
        ladder = page.locator(".course-ladder").last
        button("hint").click()
        ladder.get_by_text("2/4").first.wait_for()
        button("hint").click()
        ladder.get_by_text(words["later"]).first.wait_for()
        assert ladder.get_by_text("2/4").first.is_visible(), "the hint before stays"
        press(3, "Shift+Enter")
        page.locator(".course-ladder").last.wait_for()
        page.wait_for_function("() => document.querySelectorAll('.course-ladder').length === 1")
        button("hint").click()
        ladder.get_by_text("3/4").first.wait_for()
        button("hint").click()
        asked = puzzle(SDPA).lines
        for n, i in enumerate(in_order(SDPA)):
            line = ladder.locator(".course-lines button").filter(has_text=asked[i].strip()).first
            line.click() if n % 2 else line.press("Enter")
        button("check").click()
        ladder.get_by_text(words["right"]).first.wait_for()
        button("solution").click()
        ladder.get_by_text("def attention").last.wait_for()
        press(5)
        page.get_by_text(words["guessed"]).first.wait_for()
        page.evaluate(WRITE, [2, WRONG.replace(":", "", 1)])
        press(2)
        press(3, "Shift+Enter")
        page.get_by_text(words["stale"]).first.wait_for()
        page.evaluate(WRITE, [2, RIGHT])
        press(2)
        press(3, "Shift+Enter")
        page.get_by_text("✓ sdpa").first.wait_for()
        page.wait_for_timeout(1000)
        top, low, high = page.evaluate(TOP)
        assert low - 1 <= top < high - 40, "a pass is in view, too"
        assert page.outside == []
    events = [
        json.loads(line) for line in (tmp_path / "home" / "progress.jsonl").read_text("utf-8").splitlines()
    ]
    assert [event["right"] for event in events if event["event"] == "parsons"] == [True]
    assert [event["status"] for event in events if event["event"] == "check"] == ["wrong", "wrong", "passed"]
    assert {event["v"] for event in events} == {record.VERSION}

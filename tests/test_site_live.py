"""Widgets on a page without a kernel: baked by Python, then used in a real browser from the disk, each beside
what Python itself would show."""

import base64
import json
import random
import re
import shutil
import zlib
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from lab import browser_page

import course_lib as cl
from course_lib import viz
from course_lib.site.book import write_widgets
from course_lib.viz.widgets.baking import KEY, grid, sealed

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "docs" / "site" / "static"
SENTENCES = ["The cat sat on the mat.", "The mat sat on the cat.", "猫坐在垫子上。"]


def shout(text, times, mark, at="0"):
    words = text.split()
    return viz.coloured_tokens(words, [1.0] * len(words), current=at, control="at_") + viz.paragraph(
        f"{words[int(at) % len(words)]}{mark}" * times
    )


def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1).nan_to_num(0) @ v


def plane():
    return viz.query_plane(
        attention,
        {"a": (2.0, 0.5), "b": (-0.5, 2.0), "c": (-1.5, -1.5)},
        {"a": "#4477aa", "b": "#66ccee", "c": "#aa3377"},
        query=(1.5, 0.4),
    )


def painter():
    torch.manual_seed(0)
    return viz.mask_painter(
        attention,
        torch.randn(4, 8),
        torch.randn(4, 8),
        "wxyz",
        "wxyz",
        {"all": torch.ones(4, 4, dtype=torch.bool), "itself": torch.eye(4, dtype=torch.bool)},
    )


def triangle():
    return viz.simplex(
        lambda logits, targets: logits.softmax(1) - torch.nn.functional.one_hot(targets, 3), rate=0.5
    )


def talk():
    return viz.chat(
        lambda history, write: write(f"You said: {history[-1]['content']}"), "Good evening", "<b>What?</b>"
    )


WIDGETS = {
    "typed": lambda: viz.explore(shout, text="one two three", times=(1, 9, 3), mark=["!", "?"], at_="0"),
    "drawn": lambda: viz.explore(lambda rate: f"rate {rate}", rate=(0.0, 1.0, 0.33)),
    "plane": plane,
    "painter": painter,
    "triangle": triangle,
    "talk": talk,
    "tour": lambda: cl.tour(tiny.llama(), SENTENCES[0]),
    "view": lambda: cl.attention_view(tiny.llama(), SENTENCES[0]),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    (folder / "examples.toml").write_text(
        f'"one two three" = ["four five", "<six>"]\n"{SENTENCES[0]}" = {SENTENCES[1:]}\n'.replace("'", '"'),
        "utf-8",
    )
    (folder / "baked" / "00").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_BAKE", str(folder / "examples.toml"))
        for name, make in WIDGETS.items():
            (folder / "baked" / "00" / f"{name}.z").write_bytes(base64.b64decode(sealed(make())[KEY]))
    write_widgets(folder / "live", folder / "baked")
    shutil.copy(STATIC / "live.js", folder)
    stills = "".join(
        f'<h2>{name}</h2><div><div class="course-static" data-live="00/{name}">still</div></div>'
        for name in WIDGETS
    )
    (folder / "page.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><script src="live.js"></script><body>{stills}',
        "utf-8",
    )
    return folder / "page.html"


@pytest.fixture(scope="module")
def page(path):
    with browser_page(width=1000, height=900) as page:
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(path.as_uri())
        yield page


@pytest.fixture()
def awake(page):
    """awake("plane") scrolls to a widget and gives what stands in its place once it lives."""

    def wake(name):
        still = page.locator(f'[data-live="00/{name}"]')
        still.evaluate("still => still.parentElement.scrollIntoView()")
        box = page.locator(f'[data-live="00/{name}"] + .course-awake')
        box.wait_for()
        page.wait_for_function("still => still.style.display === 'none'", arg=still.element_handle())
        return box

    yield wake
    assert page.errors == [] and page.outside == []


def shown(markup):
    """The words of markup, as they stand in a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", str(markup))).strip()


def test_a_picture_follows_fields_and_clicks(awake):
    box, same = awake("typed"), WIDGETS["typed"]()
    picture = box.locator("[aria-live]")
    box.locator("select").first.select_option("four five")
    box.locator("select").last.select_option("?")
    picture.get_by_text("five").click()
    same.values = {"text": "four five", "times": 3, "mark": "?", "at_": "1"}
    assert shown(picture.inner_html()) == shown(same.picture)
    box.locator("select").first.select_option("<six>")  # it has no second word: the click is forgotten
    assert "<six>?<six>?<six>?" in picture.inner_text()
    assert "beforehand" in box.locator("> p").inner_text() and box.locator("input[type=text]").count() == 0


def test_a_slider_stops_at_what_was_computed(awake):
    box = awake("drawn")
    box.locator("input").fill("0.5")
    box.get_by_text("rate 0.5", exact=True).wait_for()
    assert "101 pictures" in box.locator("> p").inner_text()


def test_the_build_moves_it_out_of_the_notebook(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "notebooks"))
    import build
    from nbformat.v4 import new_code_cell, new_notebook

    draw = (
        "import matplotlib.pyplot as plt\nfrom course_lib import viz\ndef draw(n):\n    "
        "plt.plot(range(n))\n    return plt.gcf()\n"
    )
    notebook = new_notebook(
        cells=[
            new_code_cell(f"{draw}viz.explore(draw, n=(1, 5, 2))", id="drawn"),
            new_code_cell("viz.paragraph('a')", id="still"),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    build.execute(notebook, tmp_path, tmp_path / "live")
    assert [file.name for file in (tmp_path / "live").iterdir()] == ["drawn.z"]
    state = json.loads(zlib.decompress((tmp_path / "live" / "drawn.z").read_bytes()))["state"]
    assert [row[0]["n"] for row in state["rows"]] == [2, 1, 3, 4, 5] and len(state["pictures"]) == 5
    assert all(output.metadata == {} for cell in notebook.cells for output in cell.outputs)
    # the same picture as the still one, made small
    assert state["pictures"][0] in notebook.cells[0].outputs[0].data["text/html"]


def test_it_leaves_no_trace(monkeypatch, capsys):
    view = viz.explore(
        lambda n: f"{n}{torch.rand(1)}{random.random()}{np.random.rand()}{print(n)}", n=(1, 5, 2)
    )
    capsys.readouterr()
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    monkeypatch.setenv("COURSE_BAKE", "/dev/null")
    assert sealed(view) and capsys.readouterr().out == ""
    assert (
        torch.equal(torch.get_rng_state(), before[0])
        and random.getstate() == before[1]
        and np.random.get_state()[1].tolist() == before[2]
    )


def test_a_grid_is_bounded_and_keeps_the_beginning():
    fields = [{"name": name, "kind": "slider", "low": 0, "high": 100, "step": 1, "value": 7} for name in "ab"]
    fields += [
        {"name": "c", "kind": "choice", "value": "x", "options": ["x", "y"]},
        {"name": "d", "kind": "slider", "low": 0.0, "high": 1.0, "step": 0.01, "value": 0.3},
    ]
    for room in (1, 2, 10, 100, 5000):
        kept, rows = grid(fields, room)
        assert 1 <= len(rows) <= room and rows[0] == {"a": 7, "b": 7, "c": "x", "d": 0.3}
        assert len({tuple(row.items()) for row in rows}) == len(rows)
        for field in kept:  # what is left moves, and reaches its ends
            values = {row[field["name"]] for row in rows}
            assert len(values) > 1 and (
                len(values) < 4 or field["kind"] == "choice" or {field["low"], field["high"]} <= values
            )
    assert len(grid(fields[:3], 10**5)[1]) == 101 * 101 * 2


def test_what_a_chapter_asks_its_reader_to_try_comes_first(monkeypatch, tmp_path):
    (tmp_path / "examples.toml").write_text(
        '"The" = ["A", {text = "One", seed = 5}, {seed = 7}, {other = 1}]', "utf-8"
    )
    monkeypatch.setenv("COURSE_BAKE", str(tmp_path / "examples.toml"))
    kept, rows = grid(
        [
            {"name": "text", "kind": "text", "value": "The"},
            {"name": "seed", "kind": "slider", "low": 0, "high": 20, "step": 1, "value": 1},
        ],
        4,
    )
    assert rows[:3] == [
        {"text": "The", "seed": 1},
        {"text": "One", "seed": 5},
        {"text": "The", "seed": 7},
    ] and kept[0]["options"][:2] == ["The", "One"]
    assert len(rows) <= 4


def test_the_plane_computes_attention(awake):
    box, same = awake("plane"), plane()
    box.locator("circle").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft"):
        box.page.keyboard.press(key)
    same.query = [1.4, 0.6]
    rows = box.locator(".course-weights > div")
    assert [float(text.split()[-1]) for text in rows.all_inner_texts()[:3]] == pytest.approx(
        same.weights, abs=0.006
    )
    colour = rows.last.locator("i").evaluate("bar => bar.style.backgroundColor")
    assert [int(part) for part in re.findall(r"\d+", colour)] == [
        int(same.mixed[i : i + 2], 16) for i in (1, 3, 5)
    ]


def test_the_painter_masks(awake):
    box, same = awake("painter"), painter()
    for at in ((0, 1), (1, 0), (1, 1), (1, 2), (1, 3)):
        box.locator("td").nth(4 * at[0] + at[1]).click()
    mask = torch.ones(4, 4, dtype=torch.bool)
    mask[0, 1] = mask[1] = False
    same.mask = mask.tolist()
    wanted = [
        f"{w:.2f}" if may else "×"
        for row, may_row in zip(same.weights, same.mask)
        for w, may in zip(row, may_row)
    ]
    assert box.locator("td").all_inner_texts() == wanted
    assert box.locator("tr th:last-child").all_inner_texts()[1:] == ["1.00", "0.00", "1.00", "1.00"]


def test_the_triangle_steps(awake):
    box, same = awake("triangle"), triangle()
    box.locator("[role=button]").nth(2).click()  # the third corner: the right answer is C
    box.locator("input[type=range]").fill("0.3")
    for _ in range(2):
        box.get_by_role("button", name="One step").click()
    same._asked(None, {"target": 2}, None)
    same._asked(None, {"smoothing": 0.3}, None)
    same.step(), same.step()
    assert shown(box.locator("[aria-live]").inner_html()) == shown(same.note)
    box.get_by_role("button", name="Start again").click()
    assert "steps taken: 0" in box.inner_text()


def test_a_chat_is_a_recording(awake):
    box = awake("talk")
    bubbles = box.locator(".course-chat-log > div")
    assert bubbles.count() == 4 and "<b>What?</b>" in bubbles.nth(2).inner_text()
    box.locator("form input").fill("Are you there?")
    box.get_by_role("button", name="Send").click()
    assert "recorded" in bubbles.last.inner_text()
    box.get_by_role("button", name="Start over").click()
    box.page.wait_for_function(
        "button => !button.disabled", arg=box.locator("[type=submit]").element_handle()
    )
    assert bubbles.count() == 4
    assert bubbles.nth(1).inner_text().endswith("You said: Good evening")


def test_a_tour_goes_on(awake):
    box = awake("tour")
    before = box.locator(".course-tour-panel").inner_text()
    box.get_by_role("button", name="Next").click()
    assert box.locator(".course-tour-panel").inner_text() != before


def test_the_viewer_reads_another_sentence(awake):
    box = awake("view")
    box.locator("canvas").first.wait_for()
    assert box.locator("textarea").first.input_value() == SENTENCES[0]
    box.locator("select").first.select_option(SENTENCES[2])
    box.page.wait_for_function(
        "([box, text]) => box.querySelector('textarea').value === text",
        arg=[box.element_handle(), SENTENCES[2]],
    )
    assert box.locator(".attn-q li").all_inner_texts() == cl.attention_view(tiny.llama(), SENTENCES[2]).tokens

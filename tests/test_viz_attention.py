"""The attention chapter's pictures: the numbers are the handed-in function's, and a hand, a finger or a
keyboard moves them."""

import json

import pytest
import torch
from lab import browser_page

from course_lib.exercises.attention.sdpa import attention
from course_lib.i18n import set_language
from course_lib.viz import MaskPainter, mask_painter, query_plane, weight_table

KEYS = {"a": (2.0, 0.0), "b": (0.0, 2.0), "c": (-1.0, -1.0)}
COLOURS = {"a": "#ff0000", "b": "#00ff00", "c": "#0000ff"}
WORDS = ["w0", "w1", "w2", "w3"]


@pytest.fixture(autouse=True)
def english():
    set_language("en")


def plane():
    return query_plane(attention, KEYS, COLOURS, query=(1.0, 0.5))


def painter():
    rng = torch.Generator().manual_seed(0)
    q, k = torch.randn(4, 8, generator=rng), torch.randn(4, 8, generator=rng)
    masks = {"causal": torch.ones(4, 4, dtype=torch.bool).tril(), "all": torch.ones(4, 4, dtype=torch.bool)}
    return mask_painter(attention, q, k, WORDS, WORDS, masks), q, k


def test_the_plane_shows_softmax_of_the_scaled_dot_products():
    view = plane()
    q, k = torch.tensor([1.0, 0.5]), torch.tensor(list(KEYS.values()))
    expected = (k @ q / 2**0.5).softmax(0)
    torch.testing.assert_close(torch.tensor(view.weights), expected)
    mixed = [int(view.mixed[i : i + 2], 16) for i in (1, 3, 5)]
    assert mixed == [round(255 * float(w)) for w in expected]
    view.query = [0.0, 0.0]
    assert view.weights == pytest.approx([1 / 3] * 3)


def test_the_plane_is_drawn_by_the_function_it_was_given():
    view = query_plane(lambda q, k, v: v.mean(2, keepdim=True), KEYS, COLOURS, query=(3.0, 0.0))
    assert view.weights == pytest.approx([1 / 3] * 3)


def test_a_painted_mask_is_attended_with():
    view, q, k = painter()
    expected = (
        (q @ k.T / 8**0.5).masked_fill(~torch.ones(4, 4, dtype=torch.bool).tril(), -torch.inf).softmax(-1)
    )
    torch.testing.assert_close(torch.tensor(view.weights), expected)
    view.mask = [[False] * 4, *view.mask[1:]]
    assert view.weights[0] == [0.0] * 4 and view.weights[3] == pytest.approx(expected[3].tolist())


def test_masks_need_not_be_square():
    view = MaskPainter(
        attention,
        torch.randn(2, 4),
        torch.randn(3, 4),
        ["x", "y"],
        ["a", "b", "c"],
        {"all": torch.ones(2, 3, dtype=torch.bool)},
    )
    assert [len(row) for row in view.weights] == [3, 3] and [
        sum(row) for row in view.weights
    ] == pytest.approx([1, 1])


def test_still_pictures_stand_before_the_live_ones(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    plane()._ipython_display_()
    painter()[0]._ipython_display_()
    first, second = shown[0]["text/html"], shown[2]["text/html"]
    assert "data:image/png;base64" in first and "a 0." in first  # the weights are in the text alternative
    assert second.count("×") == 6 and "1.00" in second and "<script" not in second
    assert all(any("widget-view" in kind for kind in data) for data in (shown[1], shown[3]))


def test_weight_table_escapes_and_marks_what_is_blocked():
    html = weight_table(torch.tensor([[0.25, 0.75]]), ["<s>"], ["a&b", "c"], [[True, False]])
    assert "&lt;s&gt;" in html and "a&amp;b" in html and "0.25" in html and "0.75" not in html and "×" in html


HOST = """async ([script, style, traits]) => {
  const sheet = document.createElement('style'); sheet.textContent = style; document.head.append(sheet);
  const { default: widget } = await import(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
  const listeners = {};
  window.traits = traits;
  const model = {
    get: (name) => window.traits[name], save_changes: () => {}, off: () => {},
    set: (name, value) => { window.traits[name] = value; (listeners['change:' + name] ?? []).forEach((f) => f()); },
    on: (names, f) => names.split(' ').forEach((name) => (listeners[name] ??= []).push(f)),
  };
  const el = document.createElement('div'); document.body.append(el);
  widget.render({ model, el });
}"""  # noqa: E501


def shown(page, view, *names):
    """The widget's front end in a page, with a stand-in for the notebook's end of the wire."""
    page.set_content('<meta name="viewport" content="width=device-width"><body style="margin:8px">')
    page.evaluate(
        HOST,
        [
            str(view._esm),
            str(view._css),
            json.loads(json.dumps({name: getattr(view, name) for name in names})),
        ],
    )


@pytest.mark.parametrize("width", [390, 1200])
def test_dragging_and_arrow_keys_move_the_query(width):
    with browser_page(width=width, height=800) as page:
        shown(page, plane(), "query", "arrows", "weights", "mixed", "words", "reach")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator("circle").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2 + 50, box["y"] + box["height"] / 2, steps=3)
        page.mouse.up()
        x, y = page.evaluate("traits.query")
        assert x == pytest.approx(2.0, abs=0.1) and y == pytest.approx(0.5, abs=0.1)
        page.mouse.move(10, 10)  # let go is let go
        page.locator("circle").focus()
        page.keyboard.press("ArrowUp")
        assert page.evaluate("traits.query") == pytest.approx([x, y + 0.1])


@pytest.mark.parametrize("width", [390, 1200])
def test_painting_by_hand_and_by_keyboard(width):
    with browser_page(width=width, height=800) as page:
        shown(page, painter()[0], "mask", "weights", "labels", "presets", "words")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = [page.locator(f'[data-at="2,{s}"]').bounding_box() for s in (0, 1, 2)]
        page.mouse.move(boxes[0]["x"] + 9, boxes[0]["y"] + 9)
        page.mouse.down()
        for box in boxes[1:]:
            page.mouse.move(box["x"] + 9, box["y"] + 9, steps=3)
        page.mouse.up()
        assert page.evaluate("traits.mask[2]") == [False] * 4
        page.locator('[data-at="2,2"]').focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press(" ")
        assert page.evaluate("traits.mask[2]") == [False, False, False, True]
        page.get_by_role("button", name="all").click()
        assert page.evaluate("traits.mask.flat().every(Boolean)")

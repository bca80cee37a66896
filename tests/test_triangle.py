"""The probability simplex and clickable tokens: the numbers in Python, the fingers in a real browser."""

import pytest
import torch
from lab import browser_page, show

from course_lib import viz
from course_lib.i18n import set_language


def gradient(logits, targets):
    return (logits.softmax(1) - torch.nn.functional.one_hot(targets, 3)) / len(targets)


@pytest.fixture
def widget():
    set_language("en")
    return viz.simplex(gradient, labels=("cat", "<dog>", "fish"), start=(0.2, 0.5, 0.3))


def test_the_arrow_goes_from_the_prediction_to_the_target(widget):
    assert [p + d for p, d in zip(widget.state["p"], widget.state["arrow"])] == pytest.approx(
        [1, 0, 0], abs=1e-6
    )
    widget._asked(widget, {"smoothing": 0.3}, [])
    assert [p + d for p, d in zip(widget.state["p"], widget.state["arrow"])] == pytest.approx(
        [0.8, 0.1, 0.1], abs=1e-6
    )
    assert widget.state["goal"] == pytest.approx([0.8, 0.1, 0.1])


def test_steps_are_gradient_descent_and_dragging_forgets_them(widget):
    expected = torch.tensor([0.2, 0.5, 0.3]).log().requires_grad_()
    for _ in range(3):
        (slope,) = torch.autograd.grad(
            torch.nn.functional.cross_entropy(expected[None], torch.tensor([0])), expected
        )
        expected = (expected - slope).detach().requires_grad_()
        widget._asked(widget, {"step": 1}, [])
    assert (
        widget.state["p"] == pytest.approx(expected.softmax(0).tolist(), abs=1e-6)
        and len(widget.state["trail"]) == 3
    )
    widget._asked(widget, {"p": [0.0, 1.0, 0.0]}, [])
    assert (
        widget.state["trail"] == []
        and min(widget.state["p"]) > 0
        and sum(widget.state["p"]) == pytest.approx(1)
    )


def test_the_still_picture_is_an_image_and_a_table_without_markup_from_labels(widget):
    picture = widget.still()
    assert "data:image/png;base64," in picture and "&lt;dog&gt;" in picture and "<dog>" not in picture


def test_tokens_become_buttons_only_with_a_control():
    assert "data-set" not in viz.coloured_tokens(["a"], [1.0])
    clickable = viz.coloured_tokens(["a", "<b>"], [1.0, 2.0], current="1", control="at_")
    assert clickable.count("outline") == 1 and 'data-set="at_=1"' in clickable and "&lt;b&gt;" in clickable


def test_dragging_clicking_and_keys_in_a_browser(widget):
    with browser_page(width=390, height=844) as page:
        show(page, widget)
        dot = page.locator("svg g[role=button]").last
        box = dot.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y - 300, steps=3)  # past the upper corner
        page.mouse.up()
        last = page.evaluate("views[0].sent.at(-1).p")
        assert sum(last) == pytest.approx(1) and min(last) > 0 and last[0] > 0.9
        dot.focus()
        page.keyboard.press("ArrowRight")
        moved = page.evaluate("views[0].sent.at(-1).p")
        assert moved[2] > widget.state["p"][2] and moved[1] < widget.state["p"][1]
        page.keyboard.press("Enter")
        assert page.evaluate("views[0].sent.at(-1)") == {"step": 1}
        page.locator("svg g[role=button]").nth(1).press("Enter")
        assert page.evaluate("views[0].sent.at(-1)") == {"target": 1}
        page.locator("input[type=range]").fill("0.3")
        assert page.evaluate("views[0].sent.at(-1)") == {"smoothing": 0.3}
        assert page.evaluate("document.documentElement.scrollWidth <= 390"), "fits a phone"

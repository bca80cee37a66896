"""Each widget twice on one page, with the kernel's side behind it: by mouse, by keyboard alone, and what the
other one shows all the while.

The page talks to the Python widgets themselves, by way of `kernel`, so that a picture that follows was
computed and sent back.
"""

import base64

import pytest
import tiny
import torch
from lab import HOST, browser_page, parts

import course_lib as cl
from course_lib import viz
from course_lib.exercises.attention.sdpa import attention
from course_lib.i18n import set_language

# Opens a view whose model asks the kernel, which answers with the traits that changed and with messages,
# unless the view is `dead`.
CONNECT = """async ([parts, at]) => {
  await open_view(parts, document.getElementById(at));
  const view = views.at(-1), { model, values } = view, dirty = new Set(), keep = model.set;
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const ask = async (message) => {
    const state = Object.fromEntries([...dirty].map((name) => [name, values[name]]));
    dirty.clear();
    if (view.dead) throw new Error("Kernel is dead");
    const [changed, messages] = await kernel(at, state, message ?? null);
    Object.assign(values, changed);
    for (const name of Object.keys(changed)) view.tell("change:" + name);
    for (const [content, buffers] of messages) view.tell("msg:custom", content, buffers.map(bytes));
  };
  model.set = (name, value) => { dirty.add(name); keep(name, value); };
  model.save_changes = () => ask();
  model.send = ask;
}"""


@pytest.fixture(scope="module", autouse=True)
def english():
    set_language("en")


@pytest.fixture(scope="module")
def page():
    with browser_page(width=1000, height=1600) as page:
        page.made = {}

        def kernel(at, state, message):
            widget = page.made[at]
            before = {**parts(widget)[2], **state}
            if state:
                widget.set_state(state)
            messages = []
            widget.send = lambda content, buffers=(): messages.append(
                [content, [base64.b64encode(buffer).decode() for buffer in buffers or ()]]
            )
            if message:
                widget._handle_custom_msg(message, [])
            return [
                {name: value for name, value in parts(widget)[2].items() if value != before[name]},
                messages,
            ]

        page.expose_function("kernel", kernel)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        yield page


@pytest.fixture
def pair(page):
    """Open two widgets, each below a still picture in a cell of its own: (page, [(widget, its place in the
    page)])."""

    def opened(make):
        page.errors.clear()
        page.made = {"one": make(), "two": make()}
        cell = '<div class="jp-OutputArea"><div class="course-static">still</div><div id="{}"></div></div>'
        # a new document: one that is written anew keeps no pointer on what is dragged
        page.goto("about:blank")
        page.set_content("<body>" + cell.format("one") + "<input id='between'>" + cell.format("two"))
        page.evaluate(HOST)
        for at, widget in page.made.items():
            page.evaluate(CONNECT, [parts(widget), at])
        page.wait_for_function(
            "[...document.querySelectorAll('.course-static')].every((still) => "
            "still.style.display === 'none')"
        )
        # a mouse finds nothing before the first paint
        page.evaluate("new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))")
        return page, [(widget, page.locator(f"#{at}")) for at, widget in page.made.items()]

    yield opened
    assert page.errors == [] and page.outside == []


def until(page, true):
    """Wait for what the kernel and the page settle between them."""
    for _ in range(60):
        if true():
            return
        page.wait_for_timeout(50)
    assert true(), page.locator("body").inner_text()


def tab_to(page, place, what, back=False):
    """Press Tab, from wherever the focus is, until it stands on `what` in `place`; that it stands there can
    be seen."""
    wanted = place.locator(what).first.element_handle()
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if wanted.evaluate("at => at === document.activeElement"):
            assert wanted.evaluate("at => getComputedStyle(at).outlineStyle") != "none", (
                "the focus can be seen"
            )
            return
    raise AssertionError(f"Tab never comes to {what}")


def enter_second(page):
    """The keyboard's way into the second widget: from the field between the two."""
    page.locator("#between").focus()


def kernel_gone(page, used, place, other):
    """The one whose kernel goes says so when it is `used`; its picture stays; the other says nothing."""
    page.evaluate("views[0].dead = true")
    used()
    until(page, lambda: "No answer from the kernel" in place.inner_text())
    assert "No answer from the kernel" not in other.inner_text()
    page.evaluate("views[0].dead = false")
    used()
    until(page, lambda: "No answer from the kernel" not in place.inner_text())


def test_explore(pair):
    def make():
        draw = lambda text, size, kind, box: (
            viz.flow({"a": "box a", "b": "box b"}, box, control="box_")
            + viz.paragraph(f"{text}|{size}|{kind}|{box}")
        )
        return viz.explore(draw, text="cat", size=(1, 9, 5), kind=["x", "y"], box_="a")

    page, ((one, first), (two, second)) = pair(make)
    first.get_by_text("box b").click()
    until(page, lambda: "cat|5|x|b" in first.inner_text())
    slider = first.locator("input[type=range]").bounding_box()
    page.mouse.click(slider["x"] + slider["width"] - 2, slider["y"] + slider["height"] / 2)
    until(page, lambda: "cat|9|x|b" in first.inner_text())
    assert (
        two.values == {"text": "cat", "size": 5, "kind": "x", "box_": "a"}
        and "cat|5|x|a" in second.inner_text()
    )

    enter_second(page)
    tab_to(page, second, "input[type=text]")
    page.keyboard.press("End")
    page.keyboard.type("s")
    tab_to(page, second, "input[type=range]")
    page.keyboard.press("ArrowLeft")
    until(page, lambda: "cats|4|x|a" in second.inner_text())
    tab_to(page, second, "select")
    page.keyboard.press("ArrowDown")
    tab_to(page, second, "[data-set='box_=b']")
    page.keyboard.press("Enter")
    until(page, lambda: "cats|4|y|b" in second.inner_text())
    assert second.locator("[data-set='box_=b']").evaluate("at => at === document.activeElement"), (
        "the focus stays where it was"
    )
    assert one.values["text"] == "cat" and "cat|9|x|b" in first.inner_text()

    first.get_by_text("box a").click()
    until(page, lambda: "cat|9|x|a" in first.inner_text())
    kernel_gone(page, first.get_by_text("box b").click, first, second)
    assert float(first.locator("[aria-live]").evaluate("at => getComputedStyle(at).opacity")) == 1
    page.evaluate("views[0].dead = true")
    first.get_by_text("box a").click()
    until(
        page, lambda: float(first.locator("[aria-live]").evaluate("at => getComputedStyle(at).opacity")) < 1
    )
    assert "cat|9|x|b" in first.inner_text(), "dimmed, for it is not what was asked for"


def test_chat(pair):
    page, ((one, first), (two, second)) = pair(
        lambda: viz.chat(
            lambda history, write: write(f"{len(history)}: {history[-1]['content'].upper()}"), "hello"
        )
    )
    first.locator("input").click()
    page.keyboard.type("by mouse")
    first.get_by_role("button", name="Send").click()
    until(page, lambda: "3: BY MOUSE" in first.inner_text())
    assert len(two.messages) == 2 and "BY MOUSE" not in second.inner_text()

    enter_second(page)
    tab_to(page, second, "input")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    until(page, lambda: "3: BY KEYS" in second.inner_text() and not two.busy)
    assert "BY KEYS" not in first.inner_text() and len(one.messages) == 4
    tab_to(page, second, "button[type=button]")
    page.keyboard.press("Enter")
    until(page, lambda: second.locator(".course-chat-log").inner_text() == "")
    assert "3: BY MOUSE" in first.inner_text()

    def again():
        first.locator("input").fill("again")
        first.locator("input").press("Enter")

    kernel_gone(page, again, first, second)
    assert one.messages[-1]["content"] == "5: AGAIN"


def test_mask_painter(pair):
    q, k = (
        torch.randn(3, 4, generator=torch.Generator().manual_seed(0)),
        torch.randn(3, 4, generator=torch.Generator().manual_seed(1)),
    )
    masks = {"all": torch.ones(3, 3, dtype=torch.bool), "causal": torch.ones(3, 3, dtype=torch.bool).tril()}
    page, ((one, first), (two, second)) = pair(lambda: viz.mask_painter(attention, q, k, "abc", "abc", masks))
    shown = lambda place: [
        [cell == "×" for cell in row.locator("td").all_inner_texts()] for row in place.locator("tr").all()[1:]
    ]
    whole = [[False] * 3] * 3
    from_, to = (first.locator(f"[data-at='{at}']").bounding_box() for at in ("0,1", "0,2"))
    page.mouse.move(from_["x"] + 9, from_["y"] + 9)
    page.mouse.down()
    page.mouse.move(to["x"] + 9, to["y"] + 9, steps=4)
    page.mouse.up()
    until(page, lambda: shown(first) == [[False, True, True], *whole[1:]])
    assert one.mask[0] == [True, False, False] and one.weights[0][0] == pytest.approx(1)
    assert two.mask == [[True] * 3] * 3 and shown(second) == whole

    enter_second(page)
    tab_to(page, second, "button >> nth=1")
    page.keyboard.press("Enter")
    until(page, lambda: two.mask == masks["causal"].tolist())
    tab_to(page, second, "td[data-at]")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", " "):
        page.keyboard.press(key)
    until(page, lambda: shown(second)[2] == [False, True, False])
    assert two.weights[2][1] == 0 and shown(first)[2] == [False] * 3
    kernel_gone(page, first.locator("[data-at='2,2']").click, first, second)


def test_query_plane(pair):
    make = lambda: viz.query_plane(
        attention, {"a": (2.0, 0.0), "b": (0.0, 2.0)}, {"a": "#4477aa", "b": "#ee7733"}, query=(1.0, 0.5)
    )
    page, ((one, first), (two, second)) = pair(make)
    numbers = lambda place: place.locator(".course-weights").inner_text()
    before = numbers(second)
    dot, plane = first.locator("circle").bounding_box(), first.locator("svg").bounding_box()
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    page.mouse.down()
    page.mouse.move(plane["x"] + plane["width"] / 2, plane["y"] + plane["height"] / 4, steps=4)
    page.mouse.up()
    until(page, lambda: abs(one.query[0]) < 0.05 and one.query[1] > 0.5)
    until(page, lambda: f"{one.weights[1]:.2f}" in numbers(first))
    assert one.weights[1] > 0.5 and two.query == [1.0, 0.5] and numbers(second) == before

    enter_second(page)
    tab_to(page, second, "circle[tabindex]")
    after = numbers(first)
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    until(page, lambda: two.query == pytest.approx([1.2, 0.4]))
    until(page, lambda: f"{two.weights[0]:.2f}" in numbers(second))
    assert numbers(first) == after

    def nudge():
        first.locator("circle[tabindex]").focus()
        page.keyboard.press("ArrowLeft")

    kernel_gone(page, nudge, first, second)


def test_simplex(pair):
    gradient = lambda logits, targets: logits.softmax(1) - torch.nn.functional.one_hot(targets, 3)
    page, ((one, first), (two, second)) = pair(
        lambda: viz.simplex(gradient, labels=("cat", "dog", "fish"), start=(0.2, 0.5, 0.3))
    )
    row = lambda place: place.locator("td").nth(1).inner_text()  # the first class's probability
    first.get_by_role("button", name="One step").click()
    until(page, lambda: "steps taken: 1" in first.inner_text())
    dot = first.locator("svg g[role=button]").last.bounding_box()
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    page.mouse.down()
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] - 60, steps=4)
    page.mouse.up()
    until(page, lambda: one.p[0] > 0.4 and f"{one.p[0]:.3f}" == row(first))
    assert two.p == [0.2, 0.5, 0.3] and row(second) == "0.200"

    enter_second(page)
    tab_to(page, second, "g[role=button] >> nth=1")
    page.keyboard.press("Enter")
    until(page, lambda: two.target == 1)
    tab_to(page, second, "g[role=button] >> nth=3")
    page.keyboard.press("ArrowUp")
    until(page, lambda: two.p[0] > 0.2)
    page.keyboard.press("Enter")
    until(page, lambda: "steps taken: 1" in second.inner_text())
    tab_to(page, second, "input[type=range]")
    page.keyboard.press("ArrowRight")
    until(page, lambda: two.smoothing == pytest.approx(0.05))
    assert one.smoothing == 0 and one.target == 0 and f"{one.p[0]:.3f}" == row(first)
    kernel_gone(page, first.get_by_role("button", name="One step").click, first, second)


def test_attention_view(pair):
    def make():
        weights = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)).tril()
        return cl.attention_view(
            cl.Attention(list("abcd"), (weights / weights.sum(-1, keepdim=True)).numpy())
        )

    page, ((one, first), (two, second)) = pair(make)
    shown = lambda place: place.locator(".attn-panel").get_attribute("data-shown")
    for place in (first, second):
        place.locator(".attn-panel[data-shown]").wait_for()
    begun = shown(first)
    first.locator("[data-what=heads]").click(position={"x": 36, "y": 24})  # layer 0, head 0
    until(page, lambda: shown(first) != begun)
    assert shown(second) == begun

    enter_second(page)
    tab_to(page, second, "[data-what=heads]")
    clicked = shown(first)
    page.keyboard.press("ArrowLeft")
    until(page, lambda: shown(second) != begun)
    tab_to(page, second, ".attn-q")
    page.keyboard.press("End")
    assert (
        second.locator(".attn-q li[aria-selected]").get_attribute("data-i") == "3"
        and first.locator(".attn-q li[aria-selected]").count() == 0
    )
    assert shown(first) == clicked
    first.locator(".attn-q li").nth(2).hover()
    until(page, lambda: first.locator(".attn-k li[data-w]").count() > 0)
    assert second.locator(".attn-q li[aria-selected]").get_attribute("data-i") == "3"


def test_tour(pair):
    page, ((one, first), (_, second)) = pair(lambda: cl.tour(tiny.llama(), "The cat sat on the mat."))
    at = lambda place: int(place.locator(".course-tour-bar select").input_value())
    pressed = lambda place: place.locator(".course-tour-tokens [aria-pressed=true]").inner_text()
    next_ = lambda place: place.get_by_role("button", name="Next")
    next_(first).click()
    first.locator(".course-tour-options button").first.click()
    assert first.locator(".course-tour-note").count() == 1 and at(second) == 0
    first.locator(".course-tour-box").nth(4).click()
    first.locator(".course-tour-tokens button").nth(2).click()
    assert (at(first), pressed(first)) == (4, one.tokens[2]) and (at(second), pressed(second)) == (
        0,
        one.tokens[-1],
    )

    enter_second(page)
    tab_to(page, second, ".course-tour")
    page.keyboard.press("ArrowRight")
    assert at(second) == 1 and second.locator(".course-tour-note").count() == 0, "guesses are each view's own"
    tab_to(page, second, ".course-tour-options button")
    page.keyboard.press("Enter")
    assert second.locator(".course-tour-note").count() == 1
    page.keyboard.press("ArrowRight")  # the button that was pressed is gone; the keys still work
    assert at(second) == 2
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert at(second) == len(one.steps) - 2 and pressed(second) == one.tokens[-2] and at(first) == 4
    tab_to(page, second, ".course-tour-bar select", back=True)
    page.keyboard.press("Home")  # in the list the keys are the list's own
    assert at(second) == 0 and pressed(second) == one.tokens[-2]


@pytest.fixture
def model_view(pair, tmp_path, monkeypatch):
    """Two views of one small model in a learner's home of their own: (page, view, its place)."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    page, ((view, place), _) = pair(
        lambda: cl.attention_view(tiny.llama(), tiny.TEXT).select(layer=1, head=2)
    )
    place.locator(".attn-panel[data-shown]").wait_for()
    return page, view, place


def height(page, place):
    """Of the view; all of it is to be seen, but for a picture that scrolls in itself."""
    page.wait_for_timeout(50)
    return place.locator(".attn").evaluate("at => at.offsetHeight")


def test_a_view_is_at_most_640_high_and_fills_the_screen(model_view):
    page, _, place = model_view
    for use in (
        lambda: None,
        lambda: place.get_by_role("button", name="No, thanks").click(),
        lambda: place.get_by_label("Score").select_option("previous"),
        lambda: place.get_by_role("button", name="Ablate this head").click(),
        lambda: place.get_by_role("button", name="Compare").click(),
        lambda: place.locator("summary").first.click(),
    ):
        use()
        assert height(page, place) <= 640
    place.locator("[data-what=heads]").click(position={"x": 36, "y": 24})
    page.keyboard.press("f")
    page.wait_for_function("document.fullscreenElement?.className === 'attn'")
    assert height(page, place) == page.evaluate("innerHeight")
    page.keyboard.press("Escape")
    page.wait_for_function("document.fullscreenElement === null")
    assert height(page, place) <= 640
    place.locator("textarea").first.press("f")
    assert page.evaluate("document.fullscreenElement") is None, "who writes an f wants an f"


def test_predictions_stand_beside_the_attention_and_change_where_a_head_is_ablated(model_view):
    page, view, place = model_view
    outcome, effect = view.ablate([]), view.ablate([(1, 2)])
    box = place.locator(".attn-outcome")
    first = lambda row: f"{row:.3f}" in box.locator("tr").nth(1).inner_text()
    assert first(outcome.rows[0][1])
    place.get_by_role("button", name="Ablate this head").click()
    until(page, lambda: "Without L1·H2" in box.inner_text())
    assert (
        first(effect.rows[0][1])
        and first(effect.rows[0][2])
        and f"{effect.divergence:.3f} bits" in box.inner_text()
    )
    place.get_by_role("button", name="Restore this head").click()
    until(page, lambda: "Without" not in box.inner_text() and first(outcome.rows[0][1]))


def test_the_read_out_stands_beside_what_is_pointed_at(model_view):
    page, view, place = model_view
    tip = place.locator(".attn-tip")
    for at in (place.locator(".attn-q li").nth(3), place.locator(".attn-k li").nth(5)):
        at.hover()
        token, said = at.bounding_box(), tip.bounding_box()
        assert (
            abs(said["y"] - token["y"]) < 60 + said["height"]
            and token["x"] - said["width"] <= said["x"] <= token["x"] + token["width"]
        )
    place.locator("[data-what=matrix]").hover(position={"x": 80, "y": 120})
    square, said = place.locator("[data-what=matrix]").bounding_box(), tip.bounding_box()
    assert abs(said["x"] - square["x"] - 80) < 60 and abs(said["y"] - square["y"] - 120) < 60


def test_the_scores_that_the_softmax_was_given(model_view):
    page, view, place = model_view
    q = 6
    place.get_by_role("button", name="q·k").click()
    place.locator(".attn-q li").nth(q).click()
    best = int(view.weights(1, 2)[q].argmax())
    until(page, lambda: "→" in (place.locator(".attn-k li").nth(best).get_attribute("data-w") or ""))
    scores = torch.frombuffer(
        bytearray(view._on_exact(0, "self", 1, 2, "plain", q, 0, scores=True)[1][2]), dtype=torch.float32
    )
    assert torch.allclose(
        scores[: q + 1].softmax(0), torch.from_numpy(view.weights(1, 2)[q, : q + 1]), atol=1e-5
    )
    assert place.locator(".attn-k li").nth(best).get_attribute("data-w").startswith(f"{scores[best]:.1f} → ")


def test_the_tour_is_closed_in_one_click_and_never_comes_back(model_view):
    page, view, place = model_view
    assert page.locator(".attn-tour").count() == 2
    place.get_by_role("button", name="No, thanks").click()
    assert page.locator(".attn-tour").count() == 0, "nor in the other view of the page"
    until(page, lambda: not view._tour)
    assert not cl.attention_view(tiny.llama(), tiny.TEXT)._tour


def test_the_tour_has_three_steps(model_view):
    page, _, place = model_view
    words = lambda: place.locator(".attn-tour").inner_text()
    assert words().startswith("1/3")
    place.get_by_role("button", name="Next").click()
    assert words().startswith("2/3")
    place.get_by_role("button", name="Next").click()
    place.get_by_role("button", name="Done").click()
    assert page.locator(".attn-tour").count() == 0


def test_picture_and_page_are_saved(model_view, tmp_path):
    page, view, place = model_view
    for name, what, begins in (
        ("Save picture", "tiny-llama-L1-H2.png", b"\x89PNG"),
        ("Save page", "tiny-llama-L1-H2.html", b"<!doctype html>"),
    ):
        with page.expect_download() as download:
            place.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / what)
        assert download.value.suggested_filename == what and (tmp_path / what).read_bytes().startswith(begins)
    assert (tmp_path / "tiny-llama-L1-H2.html").read_text("utf-8") == view._page()

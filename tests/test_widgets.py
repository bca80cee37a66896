"""What all ten widgets share, in a real browser: they leave a page as they found it, take the still picture's
place, and show text as text."""

import re
from pathlib import Path

import pytest
import tiny
import torch
import traitlets
from lab import CONTRAST, HOST, browser_page, one_browser, parts, show

import course_lib as cl
from course_lib import viz
from course_lib.exercises.attention.sdpa import attention
from course_lib.exercises.engine.card import COLOURS, Card, Table
from course_lib.i18n import set_language
from course_lib.interpret import trace
from course_lib.viz.html import Markup
from course_lib.viz.widgets.answers import Choice
from course_lib.viz.widgets.ladder import Ladder
from course_lib.viz.widgets.live import PICTURE, markup
from course_lib.viz.widgets.question import Question
from course_lib.viz.widgets.quiz import Quiz

torch.set_num_threads(1)

BAD = [
    "<img src=x onerror='window.bad = 1'>",
    "</script><script>window.bad = 1</script>",
    "&amp; &lt;b&gt;",
    "<pos>",
    "a\"b'c`d",
    "👩‍🚀🏳️‍🌈",
    "𰻞𠮷㐂",
    "שלום ‏مرحبا",
    "$\\frac{$",
    "x" * 10_000,
    "%%STATE%% {0} ${1}",
]


@pytest.fixture(autouse=True, scope="module")
def english_in_one_browser():
    set_language("en")
    with one_browser():
        yield


def explore(label="text", labels=("a",)):
    return viz.explore(
        lambda text, kind, at: (
            viz.coloured_tokens(labels, [1.0] * len(labels), label, current="0", control="at_")
            + viz.bars({text: 0.5, **{name: 0.1 for name in labels}}, mark=label)
            + viz.flow({name: name for name in labels}, text, control=label)
            + viz.shares([[(name, name, 1 / len(labels)) for name in labels]])
            + viz.table([labels], header=labels)
            + viz.paragraph(label)
            + label
        ),
        text=label[:300],
        kind=list(labels),
        at_="0",
    )


def chat(label="hello", labels=()):
    def reply(history, write):
        write(f"{label} {' '.join(labels)}")
        if history[-1]["content"] == "fail":
            raise ValueError(label)

    return viz.chat(reply, "fail", label)


def painter(label="all", labels=("w0", "w1", "w2")):
    labels = [*labels[:3], label]
    n = len(labels)
    q, k = (
        torch.randn(n, 4, generator=torch.Generator().manual_seed(0)),
        torch.randn(n, 4, generator=torch.Generator().manual_seed(1)),
    )
    return viz.mask_painter(attention, q, k, labels, labels, {label: torch.ones(n, n, dtype=torch.bool)})


def plane(label="b", labels=("a",)):
    names = [*labels, label + " "]
    return viz.query_plane(
        attention,
        {
            name: (torch.tensor(i).sin().item() * 2, torch.tensor(i).cos().item() * 2)
            for i, name in enumerate(names)
        },
        {name: "#4477aa" for name in names},
        query=(1.0, 0.5),
    )


def triangle(label="c", labels=("a", "b")):
    return viz.simplex(
        lambda logits, targets: logits.softmax(1) - torch.nn.functional.one_hot(targets, 3),
        labels=[*labels[:2], label],
    )


def question(label="e", labels=("a", "b")):
    return Question(label, Choice((*labels, label + " ")), lambda question, answer: None)


def quiz(label="f", labels=("a", "b")):
    return Quiz(label, [(label, (*labels, label + " "))], lambda question, option: viz.paragraph(label))


def viewer(label="d", labels=("a", "b")):
    names = [*labels, label]
    return cl.attention_view(
        cl.Attention(
            names,
            torch.ones(len(names), len(names)).tril().numpy()[None, None]
            / torch.arange(1, len(names) + 1)[:, None].numpy(),
        )
    )


def guide(label="g", labels=("a", "b")):
    names = [*labels, label]
    found = trace(tiny.llama(), "abcdefghijkl"[: len(names)])
    found.tokens.labels, found.text, found.title = names, label, label
    found.likely = [(i, name, p) for (i, _, p), name in zip(found.likely, names)]
    return viz.Tour(found)


def ladder(label="h", labels=("a", "b")):
    return Ladder(
        [*labels, label],
        lambda button: (viz.paragraph(label), {}),
        lambda order: viz.paragraph(label),
        {"head": label, "lines": [f"    {label}", *labels]},
    )


WIDGETS = {
    "explore": explore,
    "chat": chat,
    "painter": painter,
    "plane": plane,
    "triangle": triangle,
    "question": question,
    "quiz": quiz,
    "viewer": viewer,
    "guide": guide,
    "ladder": ladder,
}
widgets = pytest.mark.parametrize("make", WIDGETS.values(), ids=WIDGETS)
DRAWN = {
    "explore": ".course-controls",
    "chat": ".course-chat-log",
    "painter": ".course-paint",
    "plane": ".course-weights",
    "triangle": "svg polygon",
    "question": ".course-fields button",
    "quiz": ".course-fields button",
    "viewer": ".attn-panel[data-shown]",
    "guide": ".course-tour-panel p",
    "ladder": ".course-lines button",
}


def drawn(page, make, state="visible"):
    page.locator(DRAWN[make.__name__]).first.wait_for(state=state)


class Counters:
    """What the page holds after the garbage is gone: listeners and nodes, and the objects that watch."""

    def __init__(self, page):
        self.cdp = page.context.new_cdp_session(page)

    def __call__(self) -> dict[str, int]:
        for _ in range(3):
            self.cdp.send("HeapProfiler.collectGarbage")
        held = self.cdp.send("Memory.getDOMCounters")
        found = {"listeners": held["jsEventListeners"], "nodes": held["nodes"]}
        for kind in ("MediaQueryList", "ResizeObserver", "MutationObserver"):
            group = {"objectGroup": "count"}
            prototype = self.cdp.send("Runtime.evaluate", {"expression": f"{kind}.prototype", **group})[
                "result"
            ]["objectId"]
            objects = self.cdp.send("Runtime.queryObjects", {"prototypeObjectId": prototype, **group})[
                "objects"
            ]["objectId"]
            found[kind] = self.cdp.send(
                "Runtime.callFunctionOn",
                {
                    "objectId": objects,
                    "functionDeclaration": "function () { return this.length; }",
                    "returnByValue": True,
                },
            )["result"]["value"]
            self.cdp.send("Runtime.releaseObjectGroup", group)
        return found


@widgets
def test_a_page_stays_as_it_was_while_views_come_and_go(make):
    widget = make()
    with browser_page() as page:
        page.goto("about:blank")
        page.evaluate(HOST)
        count = Counters(page)

        def once():
            page.evaluate("parts => open_view(parts)", parts(widget))
            drawn(page, make)
            page.evaluate(
                "() => { const view = views.pop(); view.close(); window.left = view.listening(); "
                "view.el.remove(); }"
            )
            assert page.evaluate("left") == 0, "a closed view hears nothing more"

        once()  # what a page keeps of any number of views: a style, a media query list
        page.wait_for_timeout(100)
        before = count()
        for _ in range(25):
            once()
        page.wait_for_timeout(100)
        after = count()
        assert {kind: after[kind] - before[kind] for kind in after if after[kind] - before[kind] > 5} == {}
        assert after["MediaQueryList"] <= 1


# One cell's outputs, as hosts build them: the still picture before the place where the view appears.
CELLS = {
    "lab": '<div class="jp-Cell"><div class="jp-OutputArea"><div class="jp-OutputArea-child">{still}</div>'
    '<div class="jp-OutputArea-child"><div class="lm-Panel"><div id="here"></div></div></div></div></div>',
    "colab": '<div id="output-area"><div class="display_data output_subarea output_html '
    'rendered_html">{still}</div>'
    '<div class="display_data output_subarea"><div id="here"></div></div></div>',
    "vscode": '<div class="cell_container"><div class="output_container"><div '
    'class="output">{still}</div></div>'
    '<div class="output_container"><div class="output"><div id="here"></div></div></div></div>',
    "unknown": '<section>{still}</section><section><div id="here"></div></section>',
}


@pytest.mark.parametrize("host", CELLS)
@widgets
def test_the_live_view_takes_the_still_pictures_place(make, host, monkeypatch):
    widget, outputs = make(), []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: outputs.append(data))
    widget._ipython_display_()
    still = outputs[0]["text/html"]
    # the cell before, saved and not run again
    other = CELLS[host].replace("here", "other").format(still=still)
    with browser_page() as page:
        # Colab: a frame for each cell
        show(page, widget, (other if host != "colab" else "") + CELLS[host].format(still=still))
        drawn(page, make)
        stills = page.locator(".course-static")
        page.wait_for_function(
            "[...document.querySelectorAll('.course-static')].pop().style.display === 'none'"
        )
        assert [stills.nth(i).is_visible() for i in range(stills.count())] == [True] * (
            stills.count() - 1
        ) + [False]
        page.evaluate("views.pop().close()")
        assert (
            stills.last.is_visible()
            and page.evaluate("document.getElementById('here').childElementCount") == 0
        )


def test_in_a_shadow_tree_and_before_it_stands_in_the_page():
    with browser_page() as page:
        page.set_content(
            '<div id="output-area"><div class="course-static">still</div><div id="host"></div></div>'
        )
        page.evaluate(HOST)
        page.evaluate(
            "parts => { window.el = document.createElement('div'); return open_view(parts, el); }",
            parts(painter()),
        )
        page.wait_for_timeout(200)
        assert page.locator(".course-static").is_visible(), "nothing live is to be seen yet"
        page.evaluate("document.getElementById('host').attachShadow({ mode: 'open' }).append(el)")
        page.locator(".course-static").wait_for(state="hidden")


@widgets
def test_text_is_text_wherever_it_stands(make, monkeypatch):
    with browser_page() as page:
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        for label in BAD:
            widget, outputs = make(label, BAD[:9]), []
            monkeypatch.setattr("IPython.display.display", lambda data, **_: outputs.append(data))
            widget._ipython_display_()
            show(
                page,
                widget,
                f'<div class="jp-OutputArea">{outputs[0]["text/html"]}<div id="here"></div></div>',
            )
            drawn(page, make)
            assert page.evaluate("window.bad") is None and errors == [] and page.outside == []
            assert page.locator("#here").locator("img, b > b, pos, script").count() == 0
            seen = page.locator("#here").evaluate(
                "e => e.textContent + [...e.querySelectorAll('[aria-label], option')].map(o => "
                "o.ariaLabel + o.text).join()"
            )
            assert label.strip() in seen
            assert make in (plane, triangle, viewer) or label.strip() in page.locator(
                ".course-static"
            ).evaluate("e => e.textContent"), "so says the still picture"


def test_a_plain_string_is_text_and_markup_is_markup():
    assert viz.explore(lambda text: text, text="<pos>\n<i>").picture == viz.paragraph(
        "<pos>\n<i>"
    ) and "&lt;pos&gt;" in viz.paragraph("<pos>")
    assert (
        viz.explore(lambda text: viz.Markup("<i>{}</i>").format(text), text="<b>").picture
        == "<i>&lt;b&gt;</i>"
    )
    widget = viz.explore(lambda text: viz.bars({text: 1.0}), text="a")
    widget.picture = "<img src=x onerror='window.bad = 1'>"
    assert "<img" not in widget.picture, "whoever sets it"
    for made in (
        viz.bars({"<b>": 1.0}),
        viz.table([["<b>"]]),
        viz.flow({"<b>": "<b>"}, ""),
        viz.coloured_tokens(["<b>"], [1.0], "<b>"),
        viz.chips(["<b>"], [True]),
        viz.shares([[("<b>", "<b>", 1.0)]]),
        viz.treemap([[("<b>", 1.0)]]),
        viz.tree({(1,): ("<b>", "<b>")}, {"<b>": (1,)}),
        viz.weight_table([[1.0]], ["<b>"], ["<b>"]),
        markup("<b>"),
        chat("<b>").still(),
    ):
        assert (
            isinstance(made, viz.Markup)
            and "<b>" not in made
            and "<b>" in repr(made)
            and "<b>" not in made + "<b>"
        )
    scripts = [path for path in Path(viz.__file__).parent.rglob("*.js")]
    assert [
        path.name
        for path in scripts
        if re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment",
            path.read_text("utf-8"),
        )
    ] == ["host.js"], "one door for markup"


def test_a_tree_has_a_row_for_each_leaf_and_frames_the_ways():
    drawn = viz.tree(
        {(7, 1): ("a", "-1"), (7, 2): ("<b>", ""), (7, 1, 3): ("c", ""), (7, 1, 4): ("d ", "")},
        {"greedy": (7, 1, 3), "beam": (7, 1, 3), "other": (7, 2)},
    )
    rows = drawn.split("<tr")[1:]
    assert len(rows) == 3 and 'rowspan="2"' in rows[0] and "&lt;b&gt;" in rows[2] and "d␣" in rows[1]
    assert (
        [row.count("2px solid") for row in rows] == [2, 0, 1]
        and "← greedy · beam" in rows[0]
        and "← other" in rows[2]
    )
    assert viz.tree({}).count("<tr") == 0


@pytest.mark.parametrize(
    "boxes, ways",
    [({(1,): ("a", ""), (2, 3): ("b", "")}, {}), ({(1,): ("a", "")}, {"w": (1, 2)}), ({}, {"w": (1,)})],
)
def test_a_tree_with_a_missing_parent_is_an_error(boxes, ways):
    with pytest.raises(ValueError, match="lacks"):
        viz.tree(boxes, ways)


def test_a_treemaps_boxes_are_as_large_as_their_amounts():
    drawn = viz.treemap([[("a", 20.0)], [("b", 60.0), ("c", 20.0), ("none", 0.0)]])
    widths = [float(found) for found in re.findall(r"width:([\d.]+)%;padding", drawn)]
    heights = dict(re.findall(r'title="(\w+)" style="height:([\d.]+)px', drawn))
    assert widths == [20.0, 80.0] and heights == {"a": "180.0", "b": "135.0", "c": "45.0", "none": "0.0"}


def test_an_exported_page_shows_text_as_text(tmp_path):
    with browser_page() as page:
        for label in BAD:
            view = viewer(label, BAD[:9])
            view._title = label[:50]
            view.lang = '"><img src=x onerror="window.bad = 1">'
            page.goto(view.to_html(tmp_path / "view.html").as_uri())
            page.locator(".attn-panel[data-shown]").wait_for()
            assert (
                page.evaluate("window.bad") is None
                and page.title() == " ".join(label[:50].split())
                and page.locator(".attn-k li").count() == 10
            )
            assert page.locator(".attn img, .attn script, .attn pos").count() == 0


def test_the_exercise_card_shows_text_as_text():
    with browser_page() as page:
        for label in BAD:
            lines = [f"{label}: {label}\n{label}", f"`{label}` and **{label}**"]
            card = Card(
                "bad",
                lines,
                [Table(label, ((label,),), frozenset({(0, 0)}))],
                {lines[0]: f"{label}\n{label}"},
                code=label,
            )
            page.set_content(card.html)
            page.wait_for_timeout(20)
            assert page.evaluate("window.bad") is None and page.locator("img, script, pos").count() == 0
            assert (
                page.locator("td").inner_text().strip() == label.strip()
                and page.locator("pre").text_content() == label
            )


@widgets
def test_a_kernel_that_is_gone_throws_nothing_and_is_said(make):
    widget = make()
    with browser_page() as page:
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        show(page, widget)
        drawn(page, make)
        page.evaluate("""() => { const { model } = views[0]; let turn = 0;
          const dead = () => { if (turn++ % 2) return Promise.reject(new Error('Canceled')); throw new Error('Kernel is dead'); };
          Object.assign(model, { send: dead, save_changes: dead }); }""")  # noqa: E501
        for _ in range(3):
            page.evaluate("""() => {
              for (const at of views[0].el.querySelectorAll('button, td, svg *, li, input, [data-set]')) at.dispatchEvent(new MouseEvent('click', { bubbles: true }));
              for (const at of views[0].el.querySelectorAll('input, select, textarea')) {
                if (at.type === 'text' || at.tagName === 'TEXTAREA') at.value = 'words';
                for (const what of ['input', 'change']) at.dispatchEvent(new Event(what, { bubbles: true }));
                at.form?.requestSubmit();
              }
              for (const at of views[0].el.querySelectorAll('[tabindex]'))
                for (const key of ['ArrowRight', 'Enter', ' ', 'a']) at.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
            }""")  # noqa: E501
            page.wait_for_timeout(200)
        assert errors == []
        if make not in (viewer, guide):  # the viewer says it in its own words; the tour asks for nothing
            assert "No answer from the kernel" in page.locator("body").inner_text()
            page.evaluate(
                "for (const name of ['drawn', 'messages', 'mask', 'query', 'state', 'note', "
                "'items']) views[0].tell('change:' + name)"
            )
            assert "No answer from the kernel" not in page.locator("body").inner_text(), "it was only slow"


@widgets
def test_a_view_survives_any_message_in_the_page(make):
    with browser_page() as page:
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        show(page, make())
        drawn(page, make)
        page.evaluate(
            "for (const odd of [undefined, null, 0, 'x', [], {}, { id: 1 }, { id: null, error: 1 "
            "}, { error: {} }]) views[0].tell('msg:custom', odd)"
        )
        assert errors == []


@pytest.mark.parametrize("make", [make for make in WIDGETS.values() if make is not viewer])
def test_a_view_survives_any_message_in_the_kernel(make, monkeypatch):
    widget, outputs = make(), []
    for odd in (
        None,
        0,
        "x",
        [],
        {},
        {"p": "x"},
        {"p": [1]},
        {"p": ["a", 0, 0]},
        {"p": [float("nan")] * 3},
        {"p": [float("inf"), 1, 1]},
        {"p": None},
        {"p": [1, 1, 1]},
        {"target": 9},
        {"target": "x"},
        {"smoothing": 7},
        {"smoothing": []},
        {"say": [0]},
        {"say": [9, 0]},
        {"say": [0, 9]},
        {"say": ["0", True]},
        {"say": [0, {}]},
        {"say": None},
        {"say": 5},
        {"forget": "x"},
    ):
        widget._msg_callbacks.callbacks and widget._msg_callbacks.callbacks[0](widget, odd, [])
    for name, odd in (
        ("values", {"x": {}}),
        ("values", 5),
        ("mask", [[True]]),
        ("mask", 7),
        ("query", []),
        ("query", ["x", None]),
        ("query", [float("inf"), 0]),
    ):
        if widget.has_trait(name):
            try:
                widget.set_state({name: odd})
            except traitlets.TraitError:  # a refusal is an answer, too
                pass
    monkeypatch.setattr("IPython.display.display", lambda data, **_: outputs.append(data))
    widget._ipython_display_()
    assert "application/vnd.jupyter.widget-view+json" in outputs[-1]


def test_the_models_words_reach_the_page_as_text():
    view = cl.attention_view(tiny.llama(), "<img src=x onerror='window.bad = 1'> <pos>")
    with browser_page() as page:
        show(page, view)
        page.locator(".attn-panel[data-shown]").wait_for()
        assert page.evaluate("window.bad") is None and page.locator("img, pos").count() == 0
        assert (
            "".join(page.locator(".attn-q li").all_inner_texts())
            .replace("·", " ")
            .strip()
            .startswith("<img src=x")
        )


def test_a_cycle_has_its_edge_back_and_escapes():
    made = viz.cycle(
        {"a": "one", "b": "<b>", "c": "three", "again": "again"}, ("again", "b", "c"), "c", control="step_"
    )
    upper, lower = made.split("</tr>")[:2]
    assert upper.count("→") == 2 and "&lt;b&gt;" in upper and "again" not in upper
    assert 'colspan="2"' in lower and 'colspan="3"' in lower and "step_=again" in lower
    assert made.count('aria-pressed="true"') == 1 and isinstance(made, viz.Markup)


themes = pytest.mark.parametrize(
    "colours", ["background:#fff;color:rgba(0,0,0,.87)", "background:#111;color:#fff"], ids=["light", "dark"]
)


@themes
@widgets
def test_every_word_can_be_read(make, colours):
    widget = make()
    still = f"<div>{widget.still()}</div>" if hasattr(widget, "still") else ""
    with browser_page() as page:
        show(page, widget, f'<body style="{colours}">{still}<div id="here"></div>')
        drawn(page, make)
        if make is viewer:
            for i in range(3):
                page.locator(".attn-q li").nth(i).hover()
                ratio, text = page.evaluate(CONTRAST)
                assert ratio >= 4.5, text
        ratio, text = page.evaluate(CONTRAST)
        assert ratio >= 4.5, text


@themes
def test_every_word_of_what_was_answered_can_be_read(colours):
    asked, quizzed, helped = question(), quiz(), ladder()
    asked.say(0)
    asked.fixed, asked.note = True, viz.paragraph("It stays.")
    quizzed.say(0, 1)
    card = Markup("").join(
        Markup(
            Card(
                mood, ["Word: `code`, **bold**"], (Table("c", (("1",),), frozenset({(0, 0)})),), code="x"
            ).html
        )
        for mood in COLOURS
    )
    helped.note = helped.verdict = card
    with browser_page() as page:
        for widget in (asked, quizzed, helped):
            page.goto("about:blank")
            show(page, widget, f'<body style="{colours}"><div id="here"></div>')
            page.locator(".course-question").wait_for()
            # one's own answer is on a button that is out of use
            ratio, text = page.evaluate(CONTRAST.replace(":disabled, ", ""))
            assert ratio >= 4.5, text


def outputs_of(widget, monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: outputs.append(data))
    widget._ipython_display_()
    return outputs[0]["text/html"]


def test_words_that_stand_still_are_not_called_a_picture():
    for lang, picture in (("zh", "图片"), ("en", "picture")):
        said = [make().without_kernel[lang] for make in (question, quiz, ladder)]
        assert (
            len(set(said)) == 3 and not any(picture in words for words in said) and picture in PICTURE[lang]
        )


@widgets
def test_a_still_says_that_it_is_one_and_invites_no_click(make, monkeypatch):
    still = outputs_of(make(), monkeypatch)
    assert f">{getattr(make(), 'without_kernel', PICTURE)}<" in still
    with browser_page() as page:
        page.set_content(still)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") in ("BODY", "SUMMARY")  # a table that opens
        assert page.evaluate(
            "[...document.querySelectorAll('.course-static *')].every(at => "
            "getComputedStyle(at).cursor !== 'pointer')"
        )


def test_a_still_shows_what_was_typed(monkeypatch):
    still = outputs_of(
        viz.explore(lambda text, k: viz.paragraph("drawn"), text="a < b", k=(1, 9, 5)), monkeypatch
    )
    assert "Type here: a &lt; b · How many, k: 5" in still and still.index("Type here") < still.index("drawn")


@pytest.mark.parametrize(
    "typed",
    ["", "  \n", "abc", "x" * 5000, "👩‍🚀", "𰻞𠮷", "<script>window.bad = 1</script>", "<|endoftext|>[MASK]"],
)
def test_a_field_forgives_whatever_is_typed(typed):
    def draw(text):
        assert text.strip() and len(text) <= 300, "draw never sees these"
        return str(int(text))

    made = viz.explore(draw, text="7")
    made.values = {"text": typed}
    shown = re.sub("<[^>]*>", "", made.picture)
    assert not re.search(r"Error|Exception|Traceback", shown) and len(shown) > 20 and len(shown) < 1000
    made.values = {"text": "8"}
    assert "8" in made.picture and "No picture" not in made.picture


def test_a_name_that_is_not_there_is_said():
    made = viz.explore(lambda text: {"cat": "here"}[text], text="cat")
    made.values = {"text": "<dog>"}
    assert "There is no “&lt;dog&gt;” here" in made.picture


def test_controls_say_what_the_picture_shows_after_the_page_is_loaded_again():
    made = viz.explore(lambda **values: viz.paragraph(values), text="cat", k=(1, 9, 5), kind=["x", "y"])
    made.values = {"text": "dog", "k": 7, "kind": "y"}
    with browser_page() as page:
        show(page, made)
        controls = page.locator(".course-controls")
        assert (
            controls.locator("input[type=text]").input_value() == "dog"
            and controls.locator("select").input_value() == "y"
        )
        assert (
            controls.locator("input[type=range]").input_value() == "7"
            and controls.locator("output").last.inner_text() != "5"
        )


def test_what_was_clicked_says_that_something_runs_and_then_for_how_long():
    made = viz.explore(lambda k, box: viz.flow({"a": "box a"}, box, control="box_"), k=["1", "2"], box_="a")
    with browser_page() as page:
        show(page, made)
        page.locator("[data-set]").click()
        assert page.locator("[data-set]").get_attribute("aria-busy") == "true"
        page.locator("select").select_option("2")
        assert page.locator("label").get_attribute("aria-busy") == "true"
        page.get_by_text(re.compile(r"Computing… [2-9] s")).wait_for()
        page.evaluate("views[0].tell('change:drawn')")
        assert page.locator("[aria-busy]").count() == 0
        page.get_by_text("Computing").wait_for(state="hidden")


@pytest.mark.parametrize("make", WIDGETS.values(), ids=WIDGETS)
def test_after_a_restart_of_the_kernel_a_widget_says_what_to_do(make):
    with browser_page() as page:
        show(page, make())
        drawn(page, make)
        page.evaluate("views[0].tell('comm_live_update')")
        assert re.search(
            "[Rr]un the cell again|run the cells above again, then this one",
            page.locator("body").inner_text(),
        )

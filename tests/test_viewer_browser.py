"""The attention viewer in a real browser with the network cut: a file, JupyterLab, Notebook 7, and a notebook
reopened without running it."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import tiny
from lab import browser_page, chromium, jupyter, one_browser, run_all, show

import course_lib as cl
from course_lib.viz.attention.coding import NAN, decode, encode

SHOWN = ".attn-panel[data-shown]"
# The colour in the middle of every cell of the matrix: [T][S][r, g, b]
PIXELS = """canvas => {
  const { left, top, cell } = canvas.dataset, ratio = devicePixelRatio, context = canvas.getContext('2d');
  const T = canvas.closest('.attn-panel').querySelectorAll('.attn-q li').length, S = canvas.closest('.attn-panel').querySelectorAll('.attn-k li').length;
  const at = (q, k) => [...context.getImageData(Math.floor((+left + (k + .5) * cell) * ratio), Math.floor((+top + (q + .5) * cell) * ratio), 1, 1).data].slice(0, 3);
  return Array.from({ length: T }, (_, q) => Array.from({ length: S }, (_, k) => at(q, k)));
}"""  # noqa: E501


@pytest.fixture(scope="module", autouse=True)
def english_in_one_browser():
    from course_lib.i18n import language, set_language

    was = language()
    set_language("en")
    with one_browser():
        yield
    set_language(was)


def codes_in(page):
    """The codes that the matrix shows, read back from its pixels: [T, S]; 0 outside a causal triangle."""
    script = (Path(cl.__file__).parent / "viz/attention/front/data.js").read_text("utf-8")
    stops = np.array(json.loads(re.search(r"light: (\[\[.*\]\])", script)[1]))
    colours = [
        np.interp(np.arange(255) / 254 * (len(stops) - 1), range(len(stops)), channel) for channel in stops.T
    ]
    table = {tuple(color): code for code, color in enumerate(np.rint(colours).T.tolist())}
    table[tuple(json.loads(re.search(r"NAN_COLOR = \{ light: (\[.*?\])", script)[1]))] = NAN
    assert len(table) == 256, "every code has a colour of its own"
    pixels = page.locator("[data-what=matrix]").first.evaluate(PIXELS)
    return np.array([[table.get(tuple(rgb), 0) for rgb in row] for row in pixels])


def hover(page, q, k):
    canvas = page.locator("[data-what=matrix]").first
    canvas.scroll_into_view_if_needed()
    at = canvas.evaluate(
        "(c, [q, k]) => ({ x: +c.dataset.left + (k + .5) * c.dataset.cell, y: +c.dataset.top + "
        "(q + .5) * c.dataset.cell })",
        [q, k],
    )
    canvas.hover(position=at)
    return page.locator(".attn-readout").first


@pytest.fixture(scope="module")
def view():
    chromium()
    return cl.attention_view(tiny.llama(), tiny.TEXT).select(layer=1, head=2)


@pytest.fixture
def file_page(view, tmp_path):
    path = view.to_html(tmp_path / "view.html")
    with browser_page() as page:
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector(SHOWN)
        yield page
        assert page.outside == [] and page.errors == []


def test_file_shows_the_models_numbers(view, file_page):
    page, weights = file_page, view.weights(1, 2)
    shown = codes_in(page)
    np.testing.assert_array_equal(shown, encode(weights))
    assert np.abs(decode(shown).sum(-1) - 1).max() < 0.01
    T = len(weights)
    for q, k in ((T - 1, 0), (T - 1, T - 2), (5, 5)):
        readout = hover(page, q, k)
        assert float(readout.get_attribute("data-value")) == pytest.approx(
            decode(encode(weights))[q, k], abs=1e-6
        )
        assert abs(float(readout.get_attribute("data-value")) - weights[q, k]) < 0.004
    assert page.evaluate("document.querySelectorAll('.attn *').length") <= 2 * T + 400
    for mode, name in (("value", "Value-weighted"), ("rollout", "Rollout")):
        page.get_by_role("button", name=name).click()
        assert (
            np.abs(
                codes_in(page).astype(int) - encode(view._heads().unpack(view._heads().picture(1, 2, mode)))
            ).max()
            <= 3
        )


def test_keyboard_alone(view, file_page):
    page = file_page
    page.locator("[data-what=heads]").focus()
    page.keyboard.press("ArrowRight")  # three layers, four heads: heads run across
    assert page.locator(SHOWN).get_attribute("data-shown") == "plain/self/1/3"
    page.keyboard.press("ArrowUp")
    assert page.locator(SHOWN).get_attribute("data-shown") == "plain/self/0/3"
    np.testing.assert_array_equal(codes_in(page), encode(view.weights(0, 3)))
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", (
        "focus can be seen"
    )
    page.locator("[data-what=matrix]").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    T = len(view.tokens)
    assert float(page.locator(".attn-readout").get_attribute("data-value")) == pytest.approx(
        decode(encode(view.weights(0, 3)))[T - 2, 1], abs=1e-6
    )
    page.locator(".attn-q").focus()
    page.keyboard.press("End")
    assert page.locator(".attn-q li[aria-selected]").get_attribute("data-i") == str(T - 1)
    best = int(view.weights(0, 3)[T - 1].argmax())
    assert page.locator(f".attn-k li[data-i='{best}']").get_attribute("data-w"), (
        "the token looked at carries its weight"
    )
    page.keyboard.press("Escape")
    assert page.locator(".attn-readout").inner_text().startswith("Point at")
    reached = set()
    page.locator("header button").first.focus()
    for _ in range(20):
        reached.add(
            page.evaluate("document.activeElement.dataset.what ?? document.activeElement.className ?? ''")
            or page.evaluate("document.activeElement.tagName")
        )
        page.keyboard.press("Tab")
    assert {"heads", "matrix", "attn-tokens attn-q", "attn-tokens attn-k"} <= reached, reached


def test_scores_sort_and_filter(view, file_page):
    page = file_page
    page.get_by_label("Score").select_option("first")
    page.get_by_label("Sort").check()
    scores = view._heads().scores()[2]
    page.locator("[data-what=heads]").focus()
    page.keyboard.press("Home")
    layer, head = np.unravel_index(scores.argmax(), scores.shape)
    assert page.locator(SHOWN).get_attribute("data-shown") == f"plain/self/{layer}/{head}"
    page.locator("input[type=range]").evaluate(
        "(r, v) => { r.value = v; r.dispatchEvent(new Event('input')); }", 10
    )
    assert page.locator(".attn-num").first.inner_text() == f"{(scores >= 0.1).sum()} of 12 heads"
    page.get_by_label("Score").select_option("toward")
    page.locator(".attn-k li").nth(4).click()
    page.wait_for_timeout(100)
    page.locator("[data-what=heads]").focus()
    page.keyboard.press("Home")
    toward = view._heads().to_token(4)
    layer, head = np.unravel_index(toward.argmax(), toward.shape)
    assert page.locator(SHOWN).get_attribute("data-shown") == f"plain/self/{layer}/{head}"


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (900, "dark"), (1920, "light")])
def test_fits_and_follows_the_theme(view, tmp_path, width, scheme):
    path = view.to_html(tmp_path / "view.html")
    with browser_page(width=width) as page:
        page.emulate_media(color_scheme=scheme)
        page.goto(path.as_uri())
        page.wait_for_selector(SHOWN)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".attn").get_attribute("data-theme") == scheme
        page.emulate_media(color_scheme="light")
        page.wait_for_function("document.querySelector('.attn').dataset.theme === 'light'")
        page.get_by_role("button", name="中文").click()
        assert "全部注意力头" in page.locator(".attn").inner_text()
        np.testing.assert_array_equal(codes_in(page), encode(view.weights(1, 2)))


def test_a_host_that_loses_buffers(view, tmp_path):
    """Colab may open a widget without its binary data: the view then asks for it as text."""
    path = view.to_html(tmp_path / "view.html")
    page_text = path.read_text("utf-8")
    for host, lossy in (
        (
            "  off: (",
            """  send: (m) => setTimeout(() => heard["msg:custom"].forEach((hear) => hear({ id: m.id, meta: state._meta, data: window.kept }))),
  off: (""",  # noqa: E501
        ),
        (
            "const heard = {};",
            """window.kept = JSON.parse(document.getElementById("state").textContent)._data;
state._data = null;
const heard = {};""",
        ),
    ):
        assert page_text.count(host) == 1, (
            "the page's stand-in for a host is no longer the one that this changes"
        )
        page_text = page_text.replace(host, lossy)
    path.write_text(page_text, "utf-8")
    with browser_page() as page:
        page.goto(path.as_uri())
        page.wait_for_selector(SHOWN)
        np.testing.assert_array_equal(codes_in(page), encode(view.weights(1, 2)))


def test_nan_one_token_and_encoder_decoder_in_a_file(tmp_path):
    weights = np.tile(np.tril(np.ones((4, 4))) / np.arange(1, 5)[:, None], (1, 2, 1, 1))
    weights[0, 0, 2, :3] = np.nan
    views = {
        "nan": cl.attention_view(cl.Attention(list("abcd"), weights)).select(layer=0, head=0),
        "one": cl.attention_view(tiny.llama(), "T"),
        "t5": cl.attention_view(tiny.t5(), "The cat sat on", "the mat"),
        "mask": cl.attention_view(tiny.bert(), "The cat"),
    }
    for name, view in views.items():
        with browser_page() as page:
            page.goto(view.to_html(tmp_path / f"{name}.html").as_uri())
            page.wait_for_selector(SHOWN)
            np.testing.assert_array_equal(codes_in(page), encode(view.weights(view.layer, view.head)))
            if name == "nan":
                assert "NaN" in hover(page, 2, 1).inner_text()
            if name == "t5":
                page.get_by_label("Kind").select_option("encoder")
                np.testing.assert_array_equal(
                    codes_in(page),
                    encode(
                        view._heads("encoder").weights(
                            *map(int, page.locator(SHOWN).get_attribute("data-shown").split("/")[2:])
                        )
                    ),
                )
            if name == "mask":
                assert page.locator(".attn-q .attn-special").all_inner_texts() == ["[CLS]", "[SEP]"]


def notebook(path):
    cells = [
        "from tests import tiny\nimport course_lib as cl\nfrom course_lib.i18n import "
        "set_language\nset_language('en')\n"
        "view = cl.attention_view(tiny.llama(), tiny.TEXT).select(layer=0, head=0)\nview",
        "view.select(layer=1, head=2).layer",
    ]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    chromium()
    root = tmp_path_factory.mktemp("viewer")
    for name in ("lab", "notebook7"):
        notebook(root / f"{name}.ipynb")
    with jupyter(root) as address:
        yield address, root


def open_and_run(page, url):
    page.goto(url)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    run_all(page)
    page.wait_for_selector(f"{SHOWN[:-1]}='plain/self/1/2']", timeout=20_000)


def test_jupyterlab(site, view):
    address, root = site
    with browser_page(address, height=1600) as page:
        open_and_run(page, f"{address}/lab/tree/lab.ipynb?reset")
        assert page.locator(".course-static img").is_hidden(), "the live view takes the still picture's place"
        np.testing.assert_array_equal(codes_in(page), encode(view.weights(1, 2)))
        readout = hover(page, 7, 3)
        page.wait_for_selector(".attn-readout[data-exact=true]")
        assert float(readout.get_attribute("data-value")) == float(view.weights(1, 2)[7, 3]), (
            "the exact float of the forward pass"
        )

        page.locator("[data-what=heads]").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f"{SHOWN[:-1]}='plain/self/1/3']")
        np.testing.assert_array_equal(codes_in(page), encode(view.weights(1, 3)))
        page.keyboard.press("a")
        page.wait_for_selector(".attn-effect tr:nth-child(2)")
        effect = cl.attention_view(tiny.llama(), tiny.TEXT).ablate([(1, 3)])
        assert (
            f"{effect.rows[0][1]:.3f}" in page.locator(".attn-effect").inner_text()
            and f"{effect.divergence:.3f} bits" in page.locator(".attn").inner_text()
        )

        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        other = cl.attention_view(tiny.llama(), "The mat sat on the cat 猫")
        page.locator(".attn textarea").fill("The mat sat on the cat 猫")
        page.wait_for_function(
            "n => document.querySelectorAll('.attn-q li').length === n", arg=len(other.tokens)
        )
        np.testing.assert_array_equal(codes_in(page), encode(other.weights(1, 3)))
        page.locator(".attn textarea").fill("mat " * 300)
        page.get_by_role("button", name="Cut to 128 tokens").click()
        page.wait_for_function("document.querySelectorAll('.attn-q li').length === 128")
        assert page.evaluate("document.querySelectorAll('.attn *').length") <= 2 * 128 + 400

        page.get_by_role("button", name="Compare").click()
        page.locator(".attn textarea").first.fill("The cat sat")
        page.wait_for_function(
            "[...document.querySelectorAll('.attn-panel')].every(p => "
            "p.querySelectorAll('.attn-q li').length === 3)"
        )
        assert page.locator(".attn textarea").nth(1).input_value() == "The cat sat", (
            "both panels show one text until the second gets its own"
        )
        page.locator(".attn textarea").nth(1).fill("The cat")
        page.wait_for_function(
            "document.querySelectorAll('.attn-panel')[1]?.querySelectorAll('.attn-q li').length === 2"
        )
        assert page.locator(".attn-panel").first.locator(".attn-q li").count() == 3

        before = codes_in(page)
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.wait_for_timeout(500)
        page.locator("[data-what=heads]").focus()
        page.keyboard.press("ArrowUp")
        page.wait_for_function(
            "document.querySelector('.attn-status').innerText.includes('No answer from the kernel')",
            timeout=9000,
        )
        np.testing.assert_array_equal(codes_in(page), before)
        assert page.outside == []


def test_notebook7(site, view):
    address, _ = site
    with browser_page(address) as page:
        open_and_run(page, f"{address}/notebooks/notebook7.ipynb")
        np.testing.assert_array_equal(codes_in(page), encode(view.weights(1, 2)))
        hover(page, 7, 3)
        page.wait_for_selector(".attn-readout[data-exact=true]")
        assert page.outside == []


@pytest.mark.parametrize("trusted", [True, False])
def test_reopened_without_running(site, trusted):
    address, root = site
    saved = nbformat.read(root / "lab.ipynb", as_version=4)
    assert any(
        "course-static" in json.dumps(output) for cell in saved.cells for output in cell.get("outputs", [])
    ), "test_jupyterlab saved it"
    name = "lab.ipynb"
    if not trusted:  # another content: its signature is not in the trust database
        saved.cells.append(nbformat.v4.new_markdown_cell("copied"))
        name = "copied.ipynb"
        nbformat.write(saved, root / name)
    with browser_page(address) as page:
        page.goto(f"{address}/lab/tree/{name}?reset")
        picture = page.locator(".jp-OutputArea-output img[alt^='Attention of tiny-llama']")
        picture.wait_for(timeout=60_000)
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.ready")
        page.wait_for_timeout(3000)  # until Lab has given up looking for the widget
        said = page.locator(".jp-Notebook").inner_text()
        assert (
            "not found" not in said
            and "Loading widget" not in said
            and "A picture: run this cell to make it live" in said
        )
        assert picture.is_visible() and picture.evaluate("i => i.naturalWidth") == 1520
        page.locator(".jp-OutputArea-output summary").click()
        assert page.locator(".jp-OutputArea-output table td").count() > 20
        assert page.outside == []


@pytest.mark.parametrize("name", ["bertviz_head_view", "bertviz_neuron_view"])
def test_bertviz_draws_in_its_frame_without_a_network(name):
    pytest.importorskip("bertviz")
    widget = getattr(cl.viz, name)(tiny.bert(), "The cat")
    with browser_page() as page:
        show(page, widget)
        frame = page.wait_for_selector("iframe[title=bertviz]").content_frame()
        frame.wait_for_selector("svg line", state="attached")
        assert frame.locator("svg text", has_text="cat").count()
        assert page.outside == []

"""The comparison of stored and fresh outputs: what another processor changes passes, what a reader would see
to change does not."""

import base64
import io
import json
import subprocess
import sys
import zlib
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbval_compare import difference
from PIL import Image

from course_lib.interpret import Heads
from course_lib.models.reading import Tokens
from course_lib.viz.attention.coding import bundle, encode
from course_lib.viz.attention.still import still_html, still_png

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def figures_of_their_own():
    """Another test in this process may have set the course's style; the pictures of the parameters were drawn
    before that."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


def shown(data, mime="text/plain"):
    return [{"output_type": "display_data", "data": {mime: data}}]


def printed(text, name="stdout"):
    return [{"output_type": "stream", "name": name, "text": text}]


@pytest.mark.parametrize(
    "stored, fresh",
    [
        ("loss -0.00", "loss 0.00"),
        ("[-0.   0.5]", "[ 0.   0.5]"),
        ("<td>−0.0</td>", "<td>0.0</td>"),
        ("loss 2.718 nats", "loss 2.717 nats"),
        ("0.14", "0.141"),
        ("1.0", "0.999"),
        ("74 %", "75 %"),
        ("74% right", "73% right"),
        ("0.12345678", "0.12345701"),
        ("1.69e-05", "1.70e-05"),
        ("12345678.0", "12345680.0"),
        ("x  0.99", "x 1.00"),
        ('<i style="width:50.000%">', '<i style="width:50.001%">'),
        ("nan inf", "nan inf"),
    ],
)
def test_what_another_processor_changes_passes(stored, fresh):
    for kind in (printed, shown, lambda text: shown(text, "text/html")):
        assert difference(kind(stored), kind(fresh)) is None


@pytest.mark.parametrize(
    "stored, fresh",
    [
        ("loss 2.718", "loss 2.720"),
        ("loss 0.01", "loss -0.01"),
        ("layer 3, head 5", "layer 3, head 6"),
        ("1,103,862 characters", "1,103,863 characters"),
        ("the cat 0.50", "the dog 0.50"),
        ("[0.1, 0.2]", "[0.1, 0.2, 0.2]"),
        ("L3H5 0.50", "L3H6 0.50"),
        ("74% right", "76% right"),
        ("True", "False"),
        ("1.69e-05", "1.69e-04"),
        ("0.5", "nan"),
        ("0.14", "0.149"),
        ("50 of 60", "51 of 60"),
        ("a 0.50 b", "a b 0.50"),
        ("日 0.50", "月 0.50"),
        ('<i style="color:#4477aa">', '<i style="color:#4477ab">'),
        ("12 tokens", ""),
        ("x 0.50", "x 0.50 y"),
    ],
)
def test_what_a_reader_would_see_does_not_pass(stored, fresh):
    for kind in (printed, shown, lambda text: shown(text, "text/html")):
        assert difference(kind(stored), kind(fresh))


def test_a_missing_or_another_kind_of_output_is_found():
    assert (
        difference(printed("a"), []) and difference([], printed("a")) and difference(printed("a"), shown("a"))
    )
    assert difference(printed("a"), printed("a", "stderr"))
    assert difference(printed("a") + shown("b"), shown("b") + printed("a")) is None
    widget = [
        {
            "output_type": "display_data",
            "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}},
        }
    ]
    assert difference(printed("a"), printed("a") + widget) is None


def test_times_and_addresses_are_taken_out_first():
    clean = lambda text: text.replace("7s", "TIME")
    assert difference(printed("done in 7s"), printed("done in TIME"), clean) is None
    picture = base64.b64encode(png(np.zeros((90, 90)))).decode()
    assert (
        difference(
            *[shown(f'<img src="data:image/png;base64,{picture}">', "text/html")] * 2,
            lambda text: text.replace(picture[99:101], "TIME"),
        )
        is None
    )


# --- pictures -------------------------------------------------------------------------------------


def png(pixels) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(out, "PNG")
    return out.getvalue()


def curve(values, title="loss", size=(5, 3), **style) -> bytes:
    figure = Figure(figsize=size)
    axes = figure.subplots()
    axes.plot(np.linspace(0, 1, len(values)), values, **style)
    axes.set(title=title, ylim=(-1, 2))
    out = io.BytesIO()
    figure.savefig(out, transparent=True)
    return out.getvalue()


def compared(old: bytes, new: bytes) -> list:
    """As an output of its own, and inside HTML."""
    texts = [base64.b64encode(data).decode() for data in (old, new)]
    inside = [shown(f'<img alt="x" src="data:image/png;base64,{text}">', "text/html") for text in texts]
    return [difference(*inside), difference(*(shown(text, "image/png") for text in texts))]


X = np.linspace(0, 1, 200)


@pytest.mark.parametrize(
    "new",
    [curve(X**2 * (1 + 1e-5)), curve(X**2 + 0.003), curve(X**2, size=(5.01, 3))],
    ids=["last bits", "a third of a pixel", "a pixel wider"],
)
def test_a_line_that_moves_by_less_than_a_pixel_passes(new):
    assert new != curve(X**2)
    assert compared(curve(X**2), new) == [None, None]


@pytest.mark.parametrize(
    "new",
    [
        curve(X**3),
        curve(X**2 * 1.2),
        curve(X**2, color="C1"),
        curve(X**2, linestyle=":"),
        curve(X**2, title="gain"),
        curve(X**2, title="step 2"),
        curve(X**2, size=(5, 3.1)),
        curve(np.where(abs(X - 0.5) < 0.02, 1.0, X**2)),
        png(np.zeros((300, 500))),
    ],
    ids=["curve", "slope", "colour", "dots", "word", "title", "size", "spike", "black"],
)
def test_another_picture_does_not_pass(new):
    assert all(compared(curve(X**2), new))


def test_a_pale_line_is_seen_too():
    assert all(compared(curve(X**2, color="0.7", linewidth=1), curve(X**3, color="0.7", linewidth=1)))


def test_the_words_of_an_embedded_picture_count():
    picture = base64.b64encode(curve(X)).decode()
    old, new = (
        shown(f'<img alt="{alt}" src="data:image/png;base64,{picture}">', "text/html")
        for alt in ("to “bread”, weight 0.99", "to “stone”, weight 0.99")
    )
    assert difference(old, new)


def test_svg_is_compared_as_its_text():
    old, near, far = (
        shown(f'<svg><path d="M 0.12 {y}"/></svg>', "image/svg+xml") for y in ("35.20", "35.21", "37.20")
    )
    assert difference(old, near) is None and difference(old, far)


# --- attention ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights():
    """Causal attention [L,H,T,T] with heads of a character of their own."""
    scores = np.random.default_rng(0).normal(0, 2, (4, 3, 12, 12)).astype(np.float32)
    scores = np.exp(scores) * np.tri(12, dtype=np.float32)
    return scores / scores.sum(-1, keepdims=True)


def heads(weights: np.ndarray) -> Heads:
    words = Tokens([f"w{i}" for i in range(weights.shape[-1])])
    found = Heads(words, words)
    for layer in weights:
        found.add(layer)
    return found


def last_bits(weights: np.ndarray) -> np.ndarray:
    return weights * (1 + np.random.default_rng(1).normal(0, 1e-6, weights.shape)).astype(np.float32)


def rounded_the_other_way(weights: np.ndarray) -> np.ndarray:
    """Each weight moved by one level of the picture."""
    levels = np.sqrt(weights) + np.sign(np.random.default_rng(2).normal(size=weights.shape)) / 254 * (
        weights > 0
    )
    return np.clip(levels, 0, 1) ** 2


@pytest.mark.parametrize("change", [last_bits, rounded_the_other_way])
def test_attention_of_another_processor_passes(weights, change):
    assert compared(still_png(heads(weights), 1, 2), still_png(heads(change(weights)), 1, 2)) == [None, None]
    stored, fresh = (shown(still_html(heads(w), 1, 2), "text/html") for w in (weights, last_bits(weights)))
    assert difference(stored, fresh) is None


@pytest.mark.parametrize("layer, head", [(1, 1), (0, 2), (3, 0)])
def test_another_head_does_not_pass(weights, layer, head):
    assert all(compared(still_png(heads(weights), 1, 2), still_png(heads(weights), layer, head)))
    stored, fresh = (
        shown(still_html(heads(weights), *place), "text/html") for place in ((1, 2), (layer, head))
    )
    assert difference(stored, fresh)


def test_two_heads_of_the_small_maps_that_change_places_are_seen(weights):
    swapped = weights.copy()
    swapped[3, [0, 1]] = swapped[3, [1, 0]]
    assert all(compared(still_png(heads(weights), 1, 2), still_png(heads(swapped), 1, 2)))


def test_data_of_an_interactive_view(weights):
    def page(weights, head=2):
        meta, data = bundle({"tokens": 12}, {"weights": encode(weights), "scores": heads(weights).scores()})
        return shown(json.dumps({"_data": base64.b64encode(data).decode(), "head": head}), "text/html")

    assert difference(page(weights), page(last_bits(weights))) is None
    assert difference(page(weights), page(weights, head=1))
    swapped = weights.copy()
    swapped[3, [0, 1]] = swapped[3, [1, 0]]
    assert "groups of data" in difference(page(weights), page(swapped))


def test_data_that_is_shorter_is_found():
    a, b = (
        shown(base64.b64encode(zlib.compress(np.random.default_rng(0).bytes(size), 0)).decode())
        for size in (400, 404)
    )
    assert difference(a, b)


# --- a notebook -----------------------------------------------------------------------------------


def test_a_notebook_is_compared_this_way_and_its_cells_keep_their_order(tmp_path):
    notebook = nbformat.v4.new_notebook()
    for source, stored in [
        ("x = 0.123; print(x)", "0.124"),
        ("print(x)", "0.200"),
        ("x += 1; print(x)", "1.123"),
    ]:
        cell = nbformat.v4.new_code_cell(
            source,
            execution_count=1,
            outputs=[nbformat.v4.new_output("stream", name="stdout", text=stored + "\n")],
        )
        notebook.cells.append(cell)
    (tmp_path / "solutions").mkdir()
    nbformat.write(notebook, tmp_path / "solutions" / "a.ipynb")
    root = Path(__file__).parents[1]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "conftest",
        "-p",
        "randomly",
        "-p",
        "no:cacheprovider",
        "-c",
        root / "pyproject.toml",
        "-rA",
        tmp_path,
    ]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True).stdout
    assert "1 failed, 2 passed" in said and "'0.200\\n', now '0.123\\n'" in said, said

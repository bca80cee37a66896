"""Languages, device, fonts, the first cell and the doctor."""

import base64
import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import course_lib as cl
from course_lib.i18n import L, set_language

ROOT = Path(__file__).parents[1]


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """A Python of its own in the checkout; what it prints is read as UTF-8 whatever the console here
    writes."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(
        [sys.executable, *arguments], env=env, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120
    )


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    return python("-c", code, **environment)


def test_message_follows_language_and_fills_both():
    message = L(zh="你好，{0}", en="Hello, {0}").format(L(zh="世界", en="world"))
    set_language("zh")
    assert str(message) == "你好，世界"
    set_language("en")
    assert str(message) == "Hello, world"
    with pytest.raises(ValueError, match="zh"):
        set_language("fr")


@pytest.mark.parametrize(
    "variables, lang",
    [
        ({"COURSE_LANG": "zh"}, "zh"),
        ({"COURSE_LANG": "", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"COURSE_LANG": "", "LC_ALL": "C"}, "en"),
    ],
)
def test_language_comes_from_the_environment(variables, lang):
    assert run("from course_lib.i18n import language; print(language())", **variables).stdout.strip() == lang


@pytest.mark.parametrize("wanted", ["cpu", "cuda", "nonsense"])
def test_device_falls_back_with_a_reason(wanted):
    import torch

    ran = run(
        "from course_lib.device import choose; c = choose(); print(c.device.type); print(c.reason['en'])",
        COURSE_DEVICE=wanted,
    )
    device, reason = ran.stdout.strip().splitlines()
    if wanted == "cuda" and torch.cuda.is_available():
        assert device == "cuda"
    else:
        assert device == "cpu"
        assert ("set by COURSE_DEVICE" if wanted == "cpu" else f"{wanted} does not work") in reason


@pytest.mark.parametrize(
    "seconds, wanted",
    [((1.0, 0.5), "bfloat16"), ((1.0, 1.0), "float32"), ((1.0, 8.0), "float32"), ((1.0, None), "float32")],
)
def test_dtype_is_the_one_measured_faster(monkeypatch, seconds, wanted):
    import torch

    from course_lib.device import choose

    decide = choose.__wrapped__  # without the cache

    def timed(where, dtype, **_):
        second = dict(zip((torch.float32, torch.bfloat16), seconds))[dtype]
        if second is None:
            raise RuntimeError("no kernel for this dtype")
        return second

    monkeypatch.setitem(decide.__globals__, "_matmul_seconds", timed)
    choice = decide()
    assert choice.dtype == getattr(torch, wanted)
    assert ("bfloat16 was measured faster" in choice.reason["en"]) == (wanted == "bfloat16")


def test_start_never_fails_even_when_parts_are_broken():
    code = "import sys; sys.modules['matplotlib'] = None; import course_lib as cl; cl.start(lang='en')"
    ran = run(code)
    assert ran.returncode == 0 and "⚠" in ran.stdout and "doctor" in ran.stdout and "Device:" in ran.stdout, (
        ran.stderr
    )


def test_start_is_deterministic():
    code = (
        "import course_lib as cl, torch, random; cl.start(lang='zh'); print(torch.rand(1).item(), "
        "random.random())"
    )
    assert run(code).stdout.splitlines()[-1] == run(code).stdout.splitlines()[-1]


def test_figure_shows_chinese_and_minus(tmp_path):
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    cl.viz.use_fonts()

    def ink(text: str) -> np.ndarray:
        figure = plt.figure(figsize=(2, 1))
        figure.text(0.1, 0.3, text, fontsize=30)
        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].sum(-1) < 600
        plt.close(figure)
        return pixels

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "Glyph missing" is a warning
        drawn = {text: ink(text) for text in ("注", "意", "−")}
    assert drawn["注"].sum() > 100 and drawn["−"].sum() > 20
    assert (drawn["注"] != drawn["意"]).mean() > 0.01, "two characters are two pictures, not two boxes"


def contrast(a: str, b: str) -> float:
    """The ratio of two colours by WCAG 2."""
    light = []
    for colour in (a, b):
        channels = [
            x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4
            for x in (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        ]
        light.append(np.dot(channels, (0.2126, 0.7152, 0.0722)) + 0.05)
    return max(light) / min(light)


def test_the_ink_of_figures_is_as_clear_on_white_as_on_black():
    from course_lib.viz.fonts import INK

    on_white, on_dark = contrast(INK, "#ffffff"), contrast(INK, "#111111")
    best = contrast("#ffffff", "#111111") ** 0.5  # the most that one colour can have on both
    assert min(on_white, on_dark) > best - 0.02 > 4.3


def test_a_figure_that_a_cell_shows_is_clear_and_asks_for_no_background():
    import nbformat
    from nbclient import NotebookClient
    from PIL import Image

    code = (
        "import course_lib as cl; cl.start()\nimport matplotlib.pyplot as plt\nplt.plot([1, 2], "
        "label='line'); plt.legend(); plt.show()"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120).execute()
    shown = notebook.cells[0].outputs[-1]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.data["image/png"]))))
    assert picture[0, 0, 3] == 0 and (picture[..., 3] == 0).mean() > 0.8 and not shown.metadata
    opaque = picture[picture[..., 3] == 255][:, :3]
    assert len(opaque) and opaque.min() > 40 and opaque.max() < 240, "neither black nor white"


def test_every_chinese_character_of_the_course_is_in_the_font():
    from matplotlib.ft2font import FT2Font

    covered = FT2Font(str(cl.viz.chinese_font())).get_charmap()
    texts = "".join(
        path.read_text("utf-8")
        for folder in ("notebooks/src", "course_lib")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert not {c for c in texts if "\u4e00" <= c <= "\u9fff" and ord(c) not in covered}


def test_a_brief_doctor_has_one_line_where_all_is_well(capsys, monkeypatch):
    from course_lib import checkup

    monkeypatch.setattr(checkup, "_CHECKS", ((L(zh="甲", en="first"), lambda: iter([(True, "here", "")])),))
    assert checkup.doctor(brief=True) and len(capsys.readouterr().out.splitlines()) == 1
    monkeypatch.setattr(
        checkup,
        "_CHECKS",
        ((L(zh="甲", en="first"), lambda: iter([(True, "here", ""), (False, "gone", "get it")])),),
    )
    assert not checkup.doctor(brief=True)
    out = capsys.readouterr().out
    assert "get it" in out and "here" not in out


def test_doctor_names_the_command_that_mends(tmp_path):
    ran = python("-m", "course_lib", "doctor", COURSE_CACHE=str(tmp_path), COURSE_LANG="en")
    assert ran.returncode == 1 and "→ python -m course_lib fetch smollm2-135m" in ran.stdout
    cl.models.fetch("smollm2-135m"), cl.models.fetch("minilm-l6")
    ran = python("-m", "course_lib", "doctor", COURSE_LANG="zh")
    assert ran.returncode == 0 and "一切就绪" in ran.stdout, ran.stdout


def test_course_error_is_a_sentence_in_ipython():
    """In a process of its own: a shell, once made, changes what later tests see."""
    cell = (
        "import course_lib as cl; from course_lib.errors import CourseError; raise CourseError(zh='不"
        "行', en='no good')"
    )
    ran = run(
        f"from IPython.core.interactiveshell import InteractiveShell; "
        f"InteractiveShell.instance().run_cell({cell!r})",
        COURSE_LANG="en",
    )
    assert "✗ no good" in ran.stdout and "Traceback" not in ran.stdout + ran.stderr


def test_explore_draws_again_and_never_raises():
    seen = cl.viz.explore(lambda text, order: cl.viz.bars({text[order]: 0.5}), text="abc", order=(0, 9, 1))
    assert ">b</td>" in seen.picture
    seen.values = {**seen.values, "order": 2}
    assert ">c</td>" in seen.picture
    seen.values = {**seen.values, "order": 7}
    assert (
        "string index out of range" in seen.picture
        and "IndexError" not in seen.picture
        and "Traceback" not in seen.picture
    )


def test_pictures_escape_what_a_reader_types():
    assert "<script" not in cl.viz.bars({"<script>": 0.1}) + cl.viz.coloured_tokens(
        ["<script>"], [1.0]
    ) + cl.viz.table([["<script>"]])


def test_a_long_experiment_is_kept_read_and_run_again(tmp_path, monkeypatch):
    from course_lib import paths, results

    monkeypatch.setattr(paths, "data", lambda name="": tmp_path / name)
    runs = []

    def experiment():
        runs.append(1)
        return {"accuracy": [0.5, len(runs)]}

    with pytest.raises(FileNotFoundError):
        results.stored("x", experiment)
    monkeypatch.setenv("COURSE_LONG", "x")
    assert results.stored("x", experiment) == {"accuracy": [0.5, 1]}
    monkeypatch.delenv("COURSE_LONG")
    assert results.stored("x", experiment) == {"accuracy": [0.5, 1]} and len(runs) == 1
    assert results.stored("x", experiment, again=True) == {"accuracy": [0.5, 2]}  # fresh, and not kept

"""The guided tour: its tensors against transformers' own, its answers against what they follow from, its page
in a browser."""

import base64
import copy

import numpy as np
import pytest
import tiny
import torch
from lab import browser_page

import course_lib as cl
from course_lib.errors import CourseError
from course_lib.i18n import language, set_language
from course_lib.interpret import trace

SENTENCE = "The cat sat on the mat because it was"


@pytest.fixture(scope="module", autouse=True)
def english():
    was = language()
    set_language("en")
    yield
    set_language(was)


@pytest.fixture(scope="module")
def smollm():
    return cl.load("smollm2-135m")


def theirs(m, text):
    model = copy.deepcopy(m.model)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        return model(
            m.tokenizer(text, return_tensors="pt")["input_ids"],
            output_hidden_states=True,
            output_attentions=True,
        )


def check_against_transformers(m, text):
    before = m.model.config._attn_implementation
    found, output = trace(m, text), theirs(m, text)
    assert m.model.config._attn_implementation == before
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in m.model.modules()), (
        "every hook is gone"
    )
    x, c = found.tensors, found.config
    for name, expected in {
        "x0": output.hidden_states[0],
        "x2": output.hidden_states[1],
        "final": output.hidden_states[-1],
        "weights": output.attentions[0],
        "logits": output.logits,
    }.items():
        np.testing.assert_array_equal(x[name], expected.numpy(), err_msg=name)
    lengths = torch.stack(output.hidden_states[:-1]).norm(dim=-1)  # transformers' last one is normed already
    np.testing.assert_allclose(x["lengths"][:-1], lengths, rtol=1e-6)
    # What transformers does not return follows from its neighbours.
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())
    own = lambda a: a.repeat(c.n_head // c.n_kv_head, axis=1)
    scores = x["q_turned"] @ own(x["k_turned"]).swapaxes(-2, -1) / c.d_head**0.5
    close(np.where(np.isfinite(x["scores"]), x["scores"], 0), np.tril(scores))
    assert (np.isfinite(x["scores"]) == np.tril(np.ones_like(scores, bool))).all()
    close(x["mixed"], x["weights"] @ own(x["v"]))
    close(x["x1"], x["x0"] + x["attention"])
    close(x["x2"], x["x1"] + x["down"])
    block = m.model.get_submodule("model.layers.0" if c.gated else "transformer.h.0")
    with torch.no_grad():
        if c.gated:
            close(
                x["k"][0].swapaxes(0, 1).reshape(len(found.tokens), -1),
                block.self_attn.k_proj(torch.from_numpy(x["norm1"]))[0].numpy(),
            )
            close(x["gate"], block.mlp.gate_proj(torch.from_numpy(x["norm2"])).numpy())
            close(x["hidden"], torch.nn.functional.silu(torch.from_numpy(x["gate"])).numpy() * x["up"])
        else:
            close(
                x["hidden"], torch.nn.functional.gelu(torch.from_numpy(x["up"]), approximate="tanh").numpy()
            )
            np.testing.assert_array_equal(x["q"], x["q_turned"])
    return found


@pytest.mark.parametrize("make", [tiny.llama, tiny.gpt2])
def test_tensors_are_the_models_own(make):
    check_against_transformers(make(), tiny.TEXT)


def test_tensors_and_payload_of_smollm2(smollm, tmp_path):
    found = check_against_transformers(smollm, SENTENCE)
    assert found.tensors["k"].shape == (1, 3, 9, 64) and found.tensors["lengths"].shape == (31, 1, 9)
    ids = smollm.tokenizer("A quick brown fox jumps over the lazy dog. " * 9)["input_ids"][:32]
    long = cl.tour(smollm, smollm.tokenizer.decode(ids))
    assert len(long.tokens) == 32
    assert max(long.payload_bytes, long.to_html(tmp_path / "long.html").stat().st_size) < 1_000_000


def test_a_model_of_ones_own_is_toured_like_the_one_it_was_ported_from(smollm):
    port = cl.models.port(smollm)
    ours, real = (cl.tour(port, SENTENCE, tokenizer=smollm.tokenizer), cl.tour(smollm, SENTENCE))
    assert [step.name for step in ours.steps] == [step.name for step in real.steps]
    for a, b in zip(ours.steps, real.steps):
        assert a.shape == b.shape and (a.ask is None) == (b.ask is None)
        finite = np.isfinite(b.values)
        np.testing.assert_allclose(
            a.values[finite], b.values[finite], rtol=2e-3, atol=2e-3 * np.abs(b.values[finite]).max()
        )
        assert a.ask is None or a.ask.options[a.ask.right] == b.ask.options[b.ask.right]


@pytest.mark.parametrize("make", [tiny.llama, tiny.gpt2])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_answers_are_what_transformers_outputs_say(make, lang):
    set_language(lang)
    m = make()
    tour, output = cl.tour(m, "The cat sat on the mat."), theirs(m, "The cat sat on the mat.")
    set_language("en")
    named = [f"“{token}” ({i})" for i, token in enumerate(tour.tokens)]
    asks = {step.name: step.ask for step in tour.steps if step.ask}
    truth = {name: ask.options[ask.right] for name, ask in asks.items()}
    c, T = trace(m, "The cat sat on the mat.").config, len(named)
    assert (
        truth["embedding"] == str((1, T, c.d_model))
        and truth["k"] == str((1, c.n_kv_head, T, c.d_head))
        and truth["scores"] == str(T * (T + 1) // 2)
    )
    assert truth["weights"] == named[int(output.attentions[0][0, 0, -1].argmax())] and truth["logits"] == str(
        c.vocab_size
    )
    assert (
        truth["lengths"]
        == named[int(torch.stack(output.hidden_states[:-1]).norm(dim=-1).amax(0)[0].argmax())]
        or c.n_layer < 3
    )
    assert (
        truth["probabilities"] == cl.viz.html.visible(m.tokenizer.decode(output.logits[0, -1].argmax()))
        or "‹" in truth["probabilities"]
    )
    grew = (
        output.hidden_states[0][0, -1].norm()
        < torch.from_numpy(next(step.values for step in tour.steps if step.name == "x1"))[0, -1].norm()
    )
    assert truth["x1"] == {"zh": ("变短了", "变长了"), "en": ("shorter", "longer")}[lang][int(grew)]
    assert ("q_turned" in truth) == (c.position == "rope") and truth.get("q_turned", named[0]) == named[0]
    assert all(len(set(ask.options)) == len(ask.options) > 1 for ask in asks.values()) and len(asks) >= 9
    other = "".join(
        char for stop in tour.stops for char in stop["text"] + stop["title"] if "一" <= char <= "鿿"
    )
    assert bool(other) == (lang == "zh")


def test_what_cannot_be_toured_is_told_in_a_sentence():
    post = cl.nn.Decoder(
        cl.nn.DecoderConfig(vocab_size=300, n_layer=1, n_head=2, d_model=8, norm_first=False)
    )
    for m, more in (
        (tiny.bert(head=True), {}),
        (tiny.t5(), {}),
        (tiny.neox(), {}),
        (post, {"tokenizer": tiny.tokenizer()}),
        (3, {}),
    ):
        with pytest.raises(CourseError):
            cl.tour(m, "The cat", **more)
    for text in ("", "cat " * 40, None):
        with pytest.raises(CourseError):
            cl.tour(tiny.llama(), text)
    one = cl.tour(tiny.llama(layers=1), "T")
    assert len(one.tokens) == 1 and {step.name for step in one.steps if step.ask}.isdisjoint(
        {"weights", "mixed", "lengths"}
    )


def shown(page, name):
    """What the page holds of a tensor, once its stop is there."""
    stop = page.evaluate(
        "name => JSON.parse(document.getElementById('state').textContent).stops.find((stop) => "
        "stop.name === name)",
        name,
    )
    return np.frombuffer(base64.b64decode(stop["data"]), np.float32).reshape(stop["dims"])


def test_a_file_is_walked_by_keys_and_by_mouse(tmp_path):
    tour = cl.tour(tiny.llama(), "The cat sat on the mat.")
    with browser_page(width=1280, height=800) as page:
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(tour.to_html(tmp_path / "tour.html").as_uri())
        panel, places = page.locator(".course-tour-panel"), page.locator(".course-tour-bar select")
        lit = lambda: page.locator(".course-tour-box[data-state=here] title").text_content()
        at = lambda: int(places.input_value())
        panel.get_by_text("cuts the text into 7 tokens").wait_for()
        page.keyboard.press("ArrowLeft")  # the keys work at once, and there is nothing before the first stop
        assert at() == 0 and page.get_by_role("button", name="Back").is_disabled()
        for i, step in enumerate(tour.steps):
            assert (at(), lit()) == (i, str(step.title))
            code = f"{step.name} {step.axes} = {step.shape}"
            if step.ask:
                assert (
                    page.locator(".course-tour-panel code").count()
                    == page.locator(".course-tour-panel canvas").count()
                    == 0
                ), "the guess comes before the numbers"
                wrong = i % 2
                option = (
                    step.ask.options[step.ask.right]
                    if not wrong
                    else next(o for j, o in enumerate(step.ask.options) if j != step.ask.right)
                )
                page.locator(".course-tour-options").get_by_role("button", name=option, exact=True).click()
                note = page.locator(".course-tour-note").inner_text()
                assert note.startswith(
                    f"Not this time: the answer is {step.ask.options[step.ask.right]}." if wrong else "Right."
                ) and note.endswith(str(step.ask.note))
            assert page.locator(".course-tour-panel code").inner_text() == code
            if step.table is not None:
                np.testing.assert_array_equal(shown(page, step.name), step.table)
            page.keyboard.press("ArrowRight")
        assert at() == len(tour.steps) - 1 and page.get_by_role("button", name="Next").is_disabled()
        page.keyboard.press("Home")
        page.get_by_role("button", name="Next").click()
        assert at() == 1 and page.locator(".course-tour-note").count() == 1, "an answer stays"
        page.keyboard.press("End")
        page.get_by_role("button", name="Back").click()
        page.locator(".course-tour-box", has_text="RoPE").locator("text").click()
        assert lit() == "RoPE: turned by position"
        # another head; then, by key, another token
        page.locator(".course-tour-panel select").select_option("2")
        page.keyboard.press("Tab")
        page.locator(".course-tour-tokens button").first.click()
        value = tour.steps[at()].table[2, 0, 0]
        assert float(
            page.locator(".course-tour-numbers span").first.inner_text().split()[-1].replace("−", "-")
        ) == pytest.approx(value, rel=5e-3)
        page.keyboard.press("ArrowUp")
        assert page.locator(".course-tour-tokens button[aria-pressed=true]").inner_text() == tour.tokens[-1]
        page.locator(".course-tour-panel canvas").hover(position={"x": 4, "y": 4})
        assert (
            page.locator(".course-tour-numbers").inner_text().startswith("The [0]")
            or "[0]" in page.locator(".course-tour-numbers").inner_text()
        )
        assert page.outside == [] and errors == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_fits_the_page(tmp_path, width, scheme):
    path = cl.tour(tiny.llama(), tiny.TEXT[:30]).to_html(tmp_path / "tour.html")
    with browser_page(width=width, height=800) as page:
        page.emulate_media(color_scheme=scheme)
        page.goto(path.as_uri())
        for _ in range(23):
            if page.locator(".course-tour-show").count():
                page.locator(".course-tour-show").click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.keyboard.press("ArrowRight")
        colour = page.locator(".course-tour p").first.evaluate("at => getComputedStyle(at).color")
        assert (sum(map(int, colour[4:-1].split(","))) > 400) == (scheme == "dark")

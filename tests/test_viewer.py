"""The attention viewer's numbers: each against an independent, slower way to get it."""

import base64
import copy
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import course_lib as cl
from course_lib.errors import CourseError
from course_lib.interpret import SCORES, Heads
from course_lib.models.attention import capture, run
from course_lib.models.reading import TextTooLong, label, read
from course_lib.viz.attention.coding import NAN, decode, encode, thumbs
from course_lib.viz.attention.still import describe, still_html, still_png
from course_lib.viz.attention.view import AttentionView

FRONT = Path(cl.__file__).parent / "viz" / "attention" / "front"


def theirs(m, text):
    """What transformers itself returns for the same text."""
    model = copy.deepcopy(m.model)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        return model(
            **{
                k: v
                for k, v in m.tokenizer(text, return_tensors="pt").items()
                if k in ("input_ids", "attention_mask")
            },
            output_attentions=True,
        )


@pytest.mark.parametrize("make", [tiny.llama, tiny.gpt2, tiny.neox, tiny.bert])
def test_capture_is_the_real_forward(make):
    m = make()
    before = m.model.config._attn_implementation
    assert before == "sdpa", "the test is about a model that shows no weights by itself"
    m.model.train()
    found = capture(m.model, m.tokenizer, tiny.TEXT)
    assert m.model.training and m.model.config._attn_implementation == before, "both are put back"
    m.model.eval()
    expected = torch.stack([layer[0] for layer in theirs(m, tiny.TEXT).attentions]).numpy()
    np.testing.assert_array_equal(found.weights, expected)
    np.testing.assert_allclose(found.weights.sum(-1), 1, atol=1e-5)


def test_encoder_decoder_has_three_parts():
    m = tiny.t5()
    found = capture(m.model, m.tokenizer, "The cat sat", "the mat on the mat")
    T, S = len(found.query_tokens), len(found.key_tokens)
    assert found.part == "cross" and T != S and found.weights.shape == (2, 3, T, S)
    assert found.encoder.weights.shape == (2, 3, S, S) and found.decoder.weights.shape == (2, 3, T, T)
    assert not np.triu(found.decoder.weights, 1).any() and np.triu(found.encoder.weights, 1).any()
    with torch.no_grad():
        model = copy.deepcopy(m.model)
        model.set_attn_implementation("eager")
        reading = read(m.model, m.tokenizer, "The cat sat", "the mat on the mat")
        out = model(**reading.inputs, output_attentions=True)
    for mine, other in (
        (found, out.cross_attentions),
        (found.encoder, out.encoder_attentions),
        (found.decoder, out.decoder_attentions),
    ):
        np.testing.assert_array_equal(mine.weights, torch.stack([layer[0] for layer in other]).numpy())
    assert capture(m.model, m.tokenizer, "The cat").query_tokens, "without a target the model writes its own"


def test_chinese_bytes_are_joined():
    m = tiny.llama()
    tokens = capture(m.model, m.tokenizer, "猫 cat\n🤗").tokens
    assert len(tokens) == len(m.tokenizer("猫 cat\n🤗")["input_ids"])
    assert tokens[:3] == ["猫₁", "猫₂", "猫₃"] and "🤗₄" in tokens
    assert [label(m.tokenizer, i) for i in m.tokenizer("猫")["input_ids"]] == [
        f"‹{byte:02x}›" for byte in "猫".encode()
    ]
    assert not any("\ufffd" in token or "Ġ" in token for token in tokens)


@pytest.mark.parametrize("make", [tiny.llama, tiny.gpt2, tiny.neox, tiny.bert, tiny.t5])
def test_ablation_equals_zeroed_output_columns(make):
    m = make()
    reading = read(m.model, m.tokenizer, "The cat sat on", *(["the mat"] if make is tiny.t5 else []))
    part = "cross" if make is tiny.t5 else "self"
    before, after = run(m.model, reading), run(m.model, reading, ablate=[(part, 1, 2)])
    cut = copy.deepcopy(m.model)
    name, module = [
        (n, p)
        for n, p in cut.named_modules()
        if re.search(
            r"(o_proj|attn\.c_proj|attention\.output\.dense|attention\.dense|EncDecAttention\.o)$", n
        )
    ][1]
    with torch.no_grad():
        axis = 0 if make is tiny.gpt2 else 1  # GPT-2's Conv1D keeps its weight transposed
        module.weight.index_fill_(axis, torch.arange(2 * 8, 3 * 8), 0)
    expected = run(cut, reading)
    ours, other = (x.logits if x.logits is not None else x.pooled for x in (after, expected))
    torch.testing.assert_close(ours, other)
    base = before.logits if before.logits is not None else before.pooled
    assert not torch.allclose(ours, base), "the head does something, so silencing it is seen"
    torch.testing.assert_close(
        base, (run(m.model, reading).logits if before.logits is not None else run(m.model, reading).pooled)
    )


def test_value_norms_against_the_definition():
    m = tiny.llama()
    reading, layers = read(m.model, m.tokenizer, "The cat sat"), []
    run(m.model, reading, layers.append)
    attention = m.model.model.layers[1].self_attn
    with torch.no_grad():
        hidden = m.model(**reading.inputs, output_hidden_states=True).hidden_states[1][0]
        value = attention.v_proj(m.model.model.layers[1].input_layernorm(hidden))  # (S, KV * D)
        for head in range(4):
            v = value[:, (head // 2) * 8 : (head // 2 + 1) * 8]
            moved = v @ attention.o_proj.weight[:, head * 8 : (head + 1) * 8].T
            torch.testing.assert_close(layers[1].value_norms[head], moved.norm(dim=-1), rtol=1e-4, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(0, 1000), st.floats(0.01, 5))
def test_decoded_rows_sum_to_one(size, seed, sharpness):
    rows = np.random.default_rng(seed).dirichlet(np.full(size, sharpness), 8)
    assert np.abs(decode(encode(rows)).sum(-1) - 1).max() < 0.01


def test_codes_keep_nan_and_the_ends():
    assert encode(np.array([0, 1, np.nan])).tolist() == [0, 254, NAN]
    assert np.isnan(decode(np.array([NAN], np.uint8)))[0]


def heads_of(weights, **options):
    from course_lib.models.reading import Tokens

    T = weights.shape[2]
    heads = Heads(
        Tokens([f"t{i % 4}" for i in range(T)]),
        Tokens([f"t{i % 4}" for i in range(weights.shape[3])]),
        **options,
    )
    for layer in weights:
        heads.add(layer)
    return heads


def random_weights(L=2, H=3, T=11, causal=True, seed=0):
    scores = np.random.default_rng(seed).normal(size=(L, H, T, T)) * 2
    if causal:
        scores[..., np.triu_indices(T, 1)[0], np.triu_indices(T, 1)[1]] = -np.inf
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("causal", [True, False])
def test_packing_scores_and_rollout_against_loops(causal):
    weights = random_weights(causal=causal)
    heads = heads_of(weights)
    L, H, T, S = weights.shape
    assert heads.causal is causal and heads.packed[0].shape[1] == (T * (T + 1) // 2 if causal else T * T)
    for layer in range(L):
        for head in range(H):
            w = weights[layer, head].astype(float)
            np.testing.assert_array_equal(heads.weights(layer, head), weights[layer, head])
            got = dict(zip(SCORES, heads.scores()[:, layer, head]))
            entropy = np.mean([-sum(x * np.log2(x) for x in row if x > 0) for row in w])
            previous = np.mean([w[i, i - 1] for i in range(1, T)])
            first = np.mean([w[i, 0] for i in range(1, T)])
            induction = np.mean(
                [sum(w[i, j + 1] for j in range(i - 1) if j % 4 == i % 4) for i in range(T) if i >= 4]
            )
            np.testing.assert_allclose(
                [got[name] for name in SCORES], [entropy, previous, first, induction], rtol=1e-4
            )
            for k in (0, 5):
                rows = [w[q, k] for q in range(k if causal else 0, T)]
                np.testing.assert_allclose(heads.to_token(k)[layer, head], np.mean(rows), rtol=1e-4)
    total = np.eye(T)
    for layer in range(L):
        total = (0.5 * weights[layer].astype(float).mean(0) + 0.5 * np.eye(T)) @ total
        row, column = heads.line(layer, 0, "rollout", 7, 2)
        np.testing.assert_allclose(row, total[7], atol=1e-6)
        np.testing.assert_allclose(column, total[:, 2], atol=1e-6)


def test_thumbnails_keep_a_thin_diagonal():
    T = 200
    weights = np.eye(T, k=-1, dtype=np.float32)[None, None]
    weights[..., 0, 0] = 1
    thumb = thumbs(heads_of(weights))[0, 0]
    full = np.zeros((24, 24), np.uint8)
    full[np.tril_indices(24)] = thumb
    assert (full.diagonal() == 254).all()


@pytest.fixture(scope="module")
def view():
    return cl.attention_view(tiny.llama(), tiny.TEXT)


def test_view_gives_exact_floats_and_takes_choices(view):
    m = tiny.llama()
    expected = theirs(m, tiny.TEXT).attentions
    for layer in range(3):
        for head in range(4):
            np.testing.assert_array_equal(view.weights(layer, head), expected[layer][0, head].numpy())
    assert view.tokens == capture(m.model, m.tokenizer, tiny.TEXT).tokens
    assert view.select(layer=2, head=1) is view and (view.layer, view.head) == (2, 1)
    for bad in ({"layer": 3}, {"head": -1}, {"part": "cross"}):
        with pytest.raises(ValueError):
            view.select(**bad)
    with pytest.raises(ValueError):
        view.weights(0, 99)


def test_value_weighted_rows(view):
    heads = view._heads()
    w, norms = heads.weights(1, 2), heads.norms[1][2]
    row, _ = heads.line(1, 2, "value", 9, 0)
    expected = w[9] * norms
    np.testing.assert_allclose(row, expected / expected.sum(), rtol=1e-5)


def test_ablate_reports_next_token_before_and_after(view):
    m = tiny.llama()
    effect = view.ablate([(0, 1), (2, 3)])
    p = theirs(m, tiny.TEXT).logits[0, -1].softmax(-1)
    by_token = {}
    for i, x in enumerate(p.tolist()):
        by_token.setdefault(label(m.tokenizer, i), []).append(x)
    assert 1 <= len(effect.rows) <= 10 and effect.divergence > 0
    for token, before, after in effect.rows:
        assert any(abs(before - x) < 1e-5 for x in by_token[token]) and 0 <= after <= 1
    assert effect.rows[0][1] == pytest.approx(float(p.max()), abs=1e-5)
    assert json.loads(view._effect)["heads"] == [["self", 0, 1], ["self", 2, 3]]
    assert "L0·H1" in str(effect)


def test_ablation_of_models_without_a_next_token():
    assert 0 < cl.attention_view(tiny.bert(), "The cat").ablate([(0, 0)]).similarity < 1
    assert cl.attention_view(tiny.bert(head=True), "The [MASK] sat").ablate([(0, 0)]).rows
    arrays = cl.attention_view(cl.Attention(["a", "b"], np.full((1, 1, 2, 2), 0.5)))
    with pytest.raises(ValueError, match="model|模型"):
        arrays.ablate([(0, 0)])


def unpack(view):
    meta = json.loads(view._meta)
    raw = zlib.decompress(view._data)
    assert len(raw) == meta["bytes"]
    return meta, {
        name: np.frombuffer(raw, s["type"], int(np.prod(s["shape"])), s["offset"]).reshape(s["shape"])
        for name, s in meta["sections"].items()
    }


def test_first_picture_is_thumbnails_and_one_head(view):
    view.select(layer=0, head=0)
    fresh = cl.attention_view(tiny.llama(), tiny.TEXT)
    meta, arrays = unpack(fresh)
    assert set(arrays) == {"self/thumbs", "self/scores", "self/head"}
    np.testing.assert_array_equal(arrays["self/head"], encode(fresh._heads().packed[fresh.layer][fresh.head]))
    assert meta["parts"][0]["kv"] == 2
    assert fresh.payload_bytes == len(fresh._data) + sum(
        len(str(x).encode()) for x in (fresh._meta, fresh._esm, fresh._css)
    )


def ask(view, what, **values):
    """One question as the browser asks it; the reply's fields and its buffers."""
    sent = []
    view.send = lambda content, buffers=None: sent.append((content, buffers))
    view._answer(view, {"id": "1", "ask": what, "with": values}, [])
    del view.send
    [(content, buffers)] = sent
    assert content["id"] == "1"
    return content, buffers


def test_answers_to_the_browser():
    view = cl.attention_view(tiny.llama(), tiny.TEXT)
    _, [codes] = ask(view, "head", slot=0, part="self", layer=1, head=2, mode="plain")
    np.testing.assert_array_equal(np.frombuffer(codes, np.uint8), encode(view._heads().packed[1][2]))
    _, [row, column] = ask(view, "exact", slot=0, part="self", layer=1, head=2, mode="plain", q=5, k=3)
    np.testing.assert_array_equal(np.frombuffer(row, np.float32), view.weights(1, 2)[5])
    np.testing.assert_array_equal(np.frombuffer(column, np.float32), view.weights(1, 2)[:, 3])
    reply, _ = ask(view, "text", slot=1, text="another text")
    assert json.loads(reply["meta"])["slot"] == 1 and "cat" in view._passes[0].text, (
        "the compared text does not replace the first"
    )
    reply, _ = ask(view, "text", slot=0, text="mat " * 300)
    assert set(reply["error"]) == {"zh", "en"} and reply["cut"] == 128
    assert view._passes[0].text == tiny.TEXT, "a refused text loses nothing"
    reply, _ = ask(view, "text", slot=0, text="mat " * 300, truncate=True)
    assert len(view.tokens) == 128
    reply, _ = ask(view, "hello")
    assert base64.b64decode(reply["data"]) == view._data and reply["meta"] == view._meta, (
        "for hosts that lose buffers"
    )
    assert "error" in ask(view, "text", slot=0, text="   ")[0] and "error" in ask(view, "nonsense")[0]


def test_bad_input():
    m = tiny.llama()
    for empty in ("", "  \n"):
        with pytest.raises(CourseError, match="empty|空"):
            cl.attention_view(m, empty)
    with pytest.raises(CourseError):
        cl.attention_view(m)
    with pytest.raises(TextTooLong, match="128") as caught:
        cl.attention_view(m, "mat " * 300)
    assert caught.value.limit == 128 and "truncate=True" in str(caught.value)
    assert len(cl.attention_view(m, "mat " * 300, truncate=True).tokens) == 128
    one = cl.attention_view(m, "T")
    assert one.weights(0, 0).tolist() == [[1.0]] and still_png(one._heads(), 0, 0)
    with pytest.raises(CourseError, match="softmax"):
        cl.attention_view(cl.Attention(["a", "b"], np.full((1, 1, 2, 2), -3.0)))
    with pytest.raises(CourseError, match=r"\[1, 1, 3, 3\]"):
        cl.Attention(["a", "b"], np.ones((1, 1, 3, 3)))


def test_nan_is_shown_as_nan(tmp_path):
    weights = random_weights(T=5)
    weights[0, 1, 3] = np.nan
    view = cl.attention_view(cl.Attention(list("abcde"), weights))
    assert np.isnan(view.weights(0, 1)[3]).all()
    assert (encode(view._heads().packed[0][1]) == NAN).sum() == 5
    assert np.isnan(view._heads().scores()[0, 0, 1]) and np.isfinite(view._heads().scores()[0, 0, 0])
    view.to_html(tmp_path / "nan.html")
    assert "NaN" not in json.dumps(json.loads(view._meta)), "NaN is no JSON"


def test_what_is_no_language_model_says_so():
    m = tiny.llama()
    with pytest.raises(CourseError, match="Linear"):
        linear = torch.nn.Linear(2, 2)
        linear.config = m.model.config
        run(linear, read(m.model, m.tokenizer, "The cat"))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_still_picture_and_its_words(view, lang):
    from course_lib.i18n import language, set_language

    was = language()
    set_language(lang)
    try:
        page = still_html(view._heads(), 1, 2, "tiny")
        alt = str(describe(view._heads(), 1, 2, "tiny"))
    finally:
        set_language(was)
    assert ("层" in alt) == (lang == "zh") and f'alt="{alt[:20]}' in page
    assert (
        "<details>" in page and "<table style" in page and not re.search(r"<(script|style|svg|iframe)", page)
    )
    assert len(still_png(view._heads(), 1, 2, "tiny")) <= 150_000


def test_front_end_is_small_complete_and_asks_for_nothing():
    scripts = {path.name: path.read_text("utf-8") for path in FRONT.glob("*.js") if path.name != "explore.js"}
    assert len(AttentionView._esm.encode()) <= 60_000
    assert not re.search(
        r"https?://|import\s*\(|fetch\(", AttentionView._esm + (FRONT / "attention.css").read_text()
    )
    keys = [set(re.findall(r"(\w+): \"", block)) for block in scripts["words.js"].split("  zh: {")]
    assert keys[0] == keys[1] and len(keys[0]) > 40
    for name in keys[0]:
        said = re.findall(rf'\b{name}: "(.*?)"[,\n]', scripts["words.js"])
        assert len(said) == 2 and set(re.findall(r"{\w+}", said[0])) == set(re.findall(r"{\w+}", said[1])), (
            name
        )
    used = set(re.findall(r'\bt\("(\w+)"', "".join(scripts.values())))
    assert used <= keys[0], used - keys[0]


def test_bertviz_falls_back_and_says_so(monkeypatch, capsys):
    from course_lib.viz.attention import bertviz

    m = tiny.bert()
    monkeypatch.setattr(bertviz, "find_spec", lambda name: None)
    assert isinstance(cl.viz.bertviz_head_view(m, "The cat"), AttentionView)
    assert "course-lib[lab]" in capsys.readouterr().out


def test_bertviz_runs_from_local_libraries(capsys):
    pytest.importorskip("bertviz")
    pytest.importorskip("mpld3")
    from course_lib.viz.attention import bertviz

    m = tiny.bert()
    for make in (cl.viz.bertviz_head_view, cl.viz.bertviz_model_view, cl.viz.bertviz_neuron_view):
        view = make(m, "The cat")
        assert "vis" in view.page and "https://cdnjs" not in view.page and len(view.still()) < 60_000
    copied = bertviz._bertviz_bert(m.model)
    ids = m.tokenizer("The cat", return_tensors="pt").input_ids
    with torch.no_grad():
        weights = [layer["attn"][0].numpy() for layer in copied(ids)[-1]]
    np.testing.assert_allclose(np.stack(weights), capture(m.model, m.tokenizer, "The cat").weights, atol=1e-5)
    monkey = cl.viz.bertviz_head_view(
        cl.Attention([str(i) for i in range(600)], np.full((10, 10, 600, 600), 1 / 600, np.float32))
    )
    assert isinstance(monkey, AttentionView) and "MB" in capsys.readouterr().out
    assert (
        isinstance(cl.viz.bertviz_neuron_view(tiny.llama(), "The cat"), AttentionView)
        and "llama" in capsys.readouterr().out
    )


def test_smollm2_payload_and_induction(tmp_path):
    """The issue's figures, on the real model."""
    m = cl.load("smollm2-135m")
    phrase = (
        "When attention was first used in translation, it let the decoder look back at every source word. "
    )
    text = {T: m.tokenizer.decode(m.tokenizer(phrase * 40)["input_ids"][:T]) for T in (32, 128, 512)}
    assert cl.attention_view(m, text[32]).payload_bytes <= 150_000
    view = cl.attention_view(m, text[128])
    causal_weights = 270 * 128 * 129 // 2
    size = view.to_html(tmp_path / "a.html").stat().st_size
    assert len(view.tokens) == 128 and size <= causal_weights, size / causal_weights
    induction = view._heads().scores()[3]
    layer, head = np.unravel_index(induction.argmax(), induction.shape)
    assert induction.max() > 0.8 and layer > 5, "a head that copies what followed last time"
    long = cl.attention_view(m, text[512])
    assert len(long.tokens) == 512 and long.payload_bytes <= 1_000_000

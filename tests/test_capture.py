"""Attention of many architectures, read from one real pass: each number against transformers' own or against
what a zeroed head changes."""

import gc
import json
import os
import subprocess
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

import course_lib as cl
from course_lib.errors import CourseError
from course_lib.models import attention as models
from course_lib.models.attention import capture, most_tokens, run
from course_lib.models.reading import Reading, TextTooLong, Tokens

torch.set_num_threads(1)
ROOT = Path(cl.__file__).parents[1]
IDS = [5, 6, 7, 8, 9, 5, 6, 3, 4]
SIZES = dict(
    vocab_size=40,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
)
GPT = dict(
    vocab_size=40,
    n_embd=32,
    n_layer=2,
    n_head=4,
    n_positions=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
)
MADE = {
    "Falcon": ("FalconForCausalLM", dict(SIZES)),  # fused, one key and value for all heads
    # fused, group by group
    "Falcon-new": ("FalconForCausalLM", dict(SIZES, new_decoder_architecture=True, num_kv_heads=2)),
    "Falcon-alibi": ("FalconForCausalLM", dict(SIZES, alibi=True, multi_query=False)),  # fused, head by head
    "Bloom": (
        "BloomForCausalLM",
        dict(
            vocab_size=40, hidden_size=32, n_layer=2, n_head=4, pad_token_id=0, bos_token_id=1, eos_token_id=2
        ),
    ),
    "Mpt": ("MptForCausalLM", dict(vocab_size=40, d_model=32, n_heads=4, n_layers=2, max_seq_len=64)),
    "CodeGen": ("CodeGenForCausalLM", dict(GPT, rotary_dim=4)),  # fused, four shards
    "GPTNeoX": ("GPTNeoXForCausalLM", dict(SIZES)),
    "GPTBigCode": ("GPTBigCodeForCausalLM", dict(GPT, multi_query=True)),
    "Phi3": ("Phi3ForCausalLM", dict(SIZES, num_key_value_heads=2)),
    "OPT": (
        "OPTForCausalLM",
        dict(
            vocab_size=40,
            hidden_size=32,
            word_embed_proj_dim=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            ffn_dim=48,
            max_position_embeddings=64,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        ),
    ),
    "DeepseekV3": (
        "DeepseekV3ForCausalLM",
        dict(
            SIZES,
            num_key_value_heads=4,
            kv_lora_rank=8,
            q_lora_rank=8,
            qk_nope_head_dim=8,
            qk_rope_head_dim=4,
            v_head_dim=8,
            n_routed_experts=4,
            num_experts_per_tok=2,
            n_group=1,
            topk_group=1,
            moe_intermediate_size=16,
            first_k_dense_replace=1,
        ),
    ),
    "GptOss": (
        "GptOssForCausalLM",
        dict(SIZES, num_key_value_heads=2, head_dim=8, num_local_experts=2, num_experts_per_tok=1),
    ),
    "Gemma4": (
        "Gemma4ForCausalLM",
        dict(
            SIZES,
            num_key_value_heads=2,
            head_dim=8,
            global_head_dim=8,
            hidden_size_per_layer_input=0,
            num_kv_shared_layers=0,
            layer_types=["full_attention"] * 2,
        ),
    ),
    # a norm before the projection: no value norms
    "Bitnet": ("BitNetForCausalLM", dict(SIZES, num_key_value_heads=2)),
    "ModernBert": ("ModernBertForMaskedLM", dict(SIZES, cls_token_id=1, sep_token_id=2)),
    "DebertaV2": (
        "DebertaV2ForMaskedLM",
        dict(SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"], type_vocab_size=0),
    ),
    "XLM": (
        "XLMWithLMHeadModel",
        dict(n_words=40, emb_dim=32, n_layers=2, n_heads=4, max_position_embeddings=64, pad_index=0),
    ),
    "MPNet": ("MPNetForMaskedLM", dict(SIZES)),
    "XLNet": (
        "XLNetLMHeadModel",
        dict(
            vocab_size=40,
            d_model=32,
            n_layer=2,
            n_head=4,
            d_inner=48,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        ),
    ),
    "Albert": ("AlbertForMaskedLM", dict(SIZES, embedding_size=16)),
}
REFUSED = {
    "Mamba": (
        "MambaForCausalLM",
        dict(vocab_size=40, hidden_size=32, num_hidden_layers=2, state_size=4, pad_token_id=0),
        "no softmax attention",
    ),
    "FNet": ("FNetModel", dict(SIZES), "no softmax attention"),
    "Longformer": ("LongformerModel", dict(SIZES, attention_window=4), "windows"),
    "Funnel": (
        "FunnelModel",
        dict(vocab_size=40, d_model=32, n_head=4, d_head=8, d_inner=48, block_sizes=[1, 1]),
        "pools",
    ),
    "DiffLlama": ("DiffLlamaForCausalLM", dict(SIZES, num_key_value_heads=2), "several attention tables"),
}


def built(name, config=None, **more):
    cls = getattr(transformers, name)
    torch.manual_seed(0)
    model = cls(cls.config_class(**{**config, **more}))
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() > 1:
                p.normal_(0, 0.3)
    return model.eval()


def reading(ids=IDS, mask_id=None):
    return Reading(
        {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long)},
        Tokens([str(i) for i in ids], [], list(ids)),
        mask_id=mask_id,
    )


def layers_of(model, text):
    found = []
    run(model, text, found.append)
    return found


@pytest.mark.parametrize("name", MADE)
def test_weights_are_those_that_transformers_returns(name):
    text, eager = reading(), built(*MADE[name], attn_implementation="eager")
    with torch.no_grad():
        theirs = eager(**text.inputs, output_attentions=True).attentions
    # with ALiBi its two ways give two results
    kinds = [eager] if name == "Falcon-alibi" else [eager, built(*MADE[name])]
    for found in (layers_of(model, text) for model in kinds):
        assert [layer.index for layer in found] == [0, 1] and {layer.part for layer in found} == {"self"}
        for mine, other in zip(found, theirs, strict=True):
            torch.testing.assert_close(mine.weights, other[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", MADE)
def test_value_norms_are_what_a_silenced_head_takes_away(name):
    """One token looks at itself alone, so the first thing that silencing a head changes, it changes by w W
    v."""
    model, text, outputs = built(*MADE[name]), reading([7]), []
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: outputs.append(output))
        for module in model.modules()
    ]
    run(model, text)
    whole, outputs[:] = list(outputs), []
    run(model, text, ablate=[("self", 1, 2)])
    for hook in hooks:
        hook.remove()
    moved = next(
        a - b for a, b in zip(whole, outputs, strict=True) if torch.is_tensor(a) and not torch.equal(a, b)
    )
    layer = layers_of(model, text)[1]
    if name in ("Bitnet", "XLNet"):
        assert layer.value_norms is None, "a norm stands before the projection, or no module is one"
        return
    torch.testing.assert_close(
        layer.weights[2, 0, 0] * layer.value_norms[2, 0], moved.norm(), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize(
    "name, groups", [("Falcon", 1), ("Falcon-new", 2), ("GPTBigCode", 1), ("Phi3", 2), ("GPTNeoX", 4)]
)
def test_heads_that_share_values_are_counted_from_the_values(name, groups):
    assert {layer.kv_heads for layer in layers_of(built(*MADE[name]), reading())} == {groups}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_such_table_is_refused_with_the_reason(name):
    *made, says = REFUSED[name]
    with pytest.raises(CourseError) as caught:
        layers_of(built(*made), reading())
    assert says in caught.value.message.en and made[0] in caught.value.message.zh


def test_a_layer_of_a_shared_module_is_silenced_alone():
    model, text, runs = built(*MADE["Albert"]), reading(), []
    dense = model.albert.encoder.albert_layer_groups[0].albert_layers[0].attention.dense

    def first_only(module, inputs):
        runs.append(1)
        return (
            (torch.cat((torch.zeros_like(inputs[0][..., :8]), inputs[0][..., 8:]), -1),)
            if len(runs) == 1
            else None
        )

    hook = dense.register_forward_pre_hook(first_only)
    expected = run(model, text).logits
    hook.remove()
    assert len(runs) == 2, "one module serves both layers"
    torch.testing.assert_close(run(model, text, ablate=[("self", 0, 0)]).logits, expected)
    assert not torch.allclose(run(model, text, ablate=[("self", 1, 0)]).logits, expected)
    for bad in [("self", 2, 0), ("self", 0, 4), ("cross", 0, 0)]:
        with pytest.raises(CourseError, match="no layer|没有第"):
            run(model, text, ablate=[bad])


def test_value_norms_with_lora_equal_those_of_the_merged_model():
    peft = pytest.importorskip("peft")
    model = peft.get_peft_model(
        built(*MADE["Phi3"]),
        peft.LoraConfig(target_modules=["qkv_proj", "o_proj"], init_lora_weights=False, r=4),
    ).eval()
    before = [layer.value_norms for layer in layers_of(model, reading())]
    after = [layer.value_norms for layer in layers_of(model.merge_and_unload(), reading())]
    torch.testing.assert_close(before, after, rtol=1e-3, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_value_norms_of_an_int8_model_are_those_of_its_own_weights():
    model = torch.ao.quantization.quantize_dynamic(tiny.llama().model, {torch.nn.Linear}, dtype=torch.qint8)
    seen = []
    attention = model.model.layers[1].self_attn
    hook = attention.v_proj.register_forward_hook(lambda module, inputs, output: seen.append(output[0]))
    found = layers_of(model, reading())[1].value_norms
    hook.remove()
    weight = attention.o_proj.weight().dequantize()
    for head in range(4):
        value = seen[0][:, (head // 2) * 8 : (head // 2 + 1) * 8]
        torch.testing.assert_close(
            found[head], (value @ weight[:, head * 8 : (head + 1) * 8].T).norm(dim=-1), rtol=0.02, atol=1e-3
        )


def test_a_model_that_cannot_be_switched_to_eager_is_read_all_the_same():
    m = tiny.llama()
    expected = capture(m.model, m.tokenizer, tiny.TEXT).weights
    m.model.set_attn_implementation = lambda name: None
    found = capture(m.model, m.tokenizer, tiny.TEXT).weights
    np.testing.assert_allclose(found, expected, atol=1e-5)


BERT = dict(SIZES, num_labels=3)


@pytest.mark.parametrize(
    "name, more, kind",
    [
        ("BertForSequenceClassification", {}, "class"),
        ("BertForSequenceClassification", {"problem_type": "multi_label_classification"}, "labels"),
        ("BertForSequenceClassification", {"num_labels": 1}, "value"),
        ("BertForTokenClassification", {}, "tokens"),
        ("BertForQuestionAnswering", {"num_labels": 2}, "span"),
        ("ElectraForPreTraining", {}, "tokens"),
        ("BertForMaskedLM", {}, "masked"),
        ("BertModel", {}, "hidden"),
        ("GPTBigCodeForCausalLM", {}, "next"),
        ("LlamaForTokenClassification", {}, "tokens"),
        ("BertForPreTraining", {}, "masked"),
    ],
)
def test_an_ablation_is_told_in_the_outcome_that_the_model_has(name, more, kind):
    from course_lib.interpret.ablation import Effect

    model = built(name, GPT if "BigCode" in name else BERT, **more)
    text, tokenizer = reading(mask_id=7), tiny.tokenizer()
    before, after = run(model, text), run(model, text, ablate=[("self", 0, h) for h in range(4)])
    effect = Effect.between([("self", 0, 0)], before, after, tokenizer, text.source.labels)
    assert before.kind == effect.kind == kind and effect.as_dict()["of"]["zh"] and str(effect)
    x, y = before.logits, after.logits
    if kind == "hidden":
        assert (
            effect.similarity == pytest.approx(float(torch.cosine_similarity(x, y, dim=0)))
            and abs(effect.similarity - 1) > 1e-6
        )
    elif kind == "value":
        assert effect.rows == [("LABEL_0", float(x[0]), float(y[0]))] and effect.divergence is None
    elif kind == "labels":
        assert {row[0]: pytest.approx(row[1]) for row in effect.rows} == {
            f"LABEL_{i}": float(x[i].sigmoid()) for i in range(3)
        }
    elif kind in ("class", "next", "masked"):
        p, q = x.softmax(-1), y.softmax(-1)
        assert effect.divergence == pytest.approx(float((p * (p / q).log2()).sum()), rel=1e-3)
        assert {round(row[1], 5) for row in effect.rows} <= {round(float(each), 5) for each in p}
        assert kind != "class" or sum(row[1] for row in effect.rows) == pytest.approx(1)
    else:
        p, q = x.softmax(-1), y.softmax(-1)
        bits = (p * (p / q).log2()).sum(-1)
        assert (
            effect.divergence == pytest.approx(float(bits.sum() if kind == "span" else bits.mean()), rel=1e-3)
            and 1 <= len(effect.rows) <= 10
        )


def test_what_goes_to_a_sink_is_said():
    model = built(*MADE["GptOss"])
    given = cl.Attention([str(i) for i in IDS], [layer.weights for layer in layers_of(model, reading())])
    assert 0.05 < given.sink.max() < 1
    view = cl.attention_view(given)
    [part] = json.loads(view._meta)["parts"]
    np.testing.assert_allclose(part["sink"], given.sink.mean(-1), atol=1e-3)
    from course_lib.viz.attention.still import describe

    assert "goes to no token" in describe(view._heads(), 0, 0).en
    whole = cl.attention_view(cl.Attention(list("ab"), np.full((1, 1, 2, 2), 0.5)))
    assert (
        json.loads(whole._meta)["parts"][0]["sink"] is None
        and "no token" not in describe(whole._heads(), 0, 0).en
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda w: w.requires_grad_(),
        lambda w: w.bfloat16(),
        lambda w: w.half(),
        lambda w: w.double().numpy(),
        lambda w: w.tolist(),
        lambda w: tuple(layer[None] for layer in w),
        lambda w: [layer.requires_grad_() for layer in w],
    ],
)
def test_weights_of_ones_own_are_read(make):
    weights = torch.randn(2, 3, 4, 4).softmax(-1)
    view = cl.attention_view(cl.Attention(list("abcd"), make(weights.clone())))
    np.testing.assert_allclose(view.weights(1, 2), weights[1, 2].numpy(), atol=4e-3)


@pytest.mark.parametrize(
    "weights, says",
    [
        (torch.randn(1, 2, 3, 3).softmax(-2) * torch.tensor([3.0, 0.1, 0.1]), "sums to|scores"),
        (torch.randn(2, 3, 3), r"\[2, 3, 3\]"),
        ([["a"]], "numbers"),
        ([torch.ones(2, 3), torch.ones(1)], "numbers"),
        (np.ones((1, 1, 3, 3)), "last axis"),
        (None, "numbers|shape"),
    ],
)
def test_weights_that_cannot_be_are_said(weights, says):
    was = cl.i18n.language()
    cl.i18n.set_language("en")
    try:
        with pytest.raises(CourseError, match=says):
            cl.attention_view(cl.Attention(list("abc"), weights))
    finally:
        cl.i18n.set_language(was)


def test_too_long_a_text_is_refused_before_anything_is_computed(monkeypatch):
    m = tiny.llama(context=10**6)
    monkeypatch.setattr(models, "MEMORY", 4 * 7 * 4 * 30**2)  # 3 layers and 4 for copies, 4 heads, 30 tokens
    assert most_tokens(m.model) == 30

    def forward(input_ids, attention_mask=None):
        raise AssertionError("it was computed")

    monkeypatch.setattr(m.model, "forward", forward)
    for ask in (
        lambda: capture(m.model, m.tokenizer, "mat " * 300),
        lambda: cl.attention_view(m, "mat " * 300),
    ):
        with pytest.raises(TextTooLong) as caught:
            ask()
        assert caught.value.limit == 30


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["self", "cross", "plain", "value", 10**40, -1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    [
        "slot",
        "part",
        "layer",
        "head",
        "mode",
        "q",
        "k",
        "text",
        "heads",
        "truncate",
        "_meta",
        "_data",
        "lang",
        "_effect",
    ]
)
asked = st.sampled_from(["hello", "head", "exact", "toward", "text", "ablate", "__class__"]) | anything


@pytest.fixture(scope="module")
def view():
    return cl.attention_view(tiny.llama(), "The cat sat")


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries({"ask": asked, "with": st.dictionaries(names, anything, max_size=7)}) | anything,
    st.dictionaries(names, anything, max_size=3),
    anything,
)
def test_a_view_survives_any_message(view, custom, state, data):
    sent, expected = [], view.weights(1, 2)
    view._send = lambda message, buffers=None: sent.append(message)
    view._answer(view, custom, [])
    [reply] = [message["content"] for message in sent if message["method"] == "custom"]
    assert "error" in reply or "id" in reply
    for wire in (
        data,
        {"method": "update", "state": state},
        {"method": "custom", "content": custom},
        {"method": "update", "state": state, "buffer_paths": [["x"]]},
    ):
        view._handle_msg({"content": {"data": wire}})
    view._handle_msg({})
    del view._send
    assert view.part == "self" and type(view.layer) is int and 0 <= view.layer < 3 and 0 <= view.head < 4
    assert view._passes[0].text != "The cat sat" or (view.weights(1, 2) == expected).all()
    assert view.weights(0, 0).shape[0] and json.loads(view._meta) and view.lang in ("zh", "en")


def test_the_page_names_the_sink_and_the_outcome(tmp_path):
    from lab import browser_page

    sink = cl.attention_view(
        cl.Attention(
            [str(i) for i in IDS], [layer.weights for layer in layers_of(built(*MADE["GptOss"]), reading())]
        )
    )
    classes = cl.attention_view(
        SimpleNamespace(
            model=built("BertForSequenceClassification", BERT, vocab_size=300),
            tokenizer=tiny.tokenizer(),
            card=None,
        ),
        "The cat",
    )
    classes.ablate([(0, 0)])
    hidden = cl.attention_view(tiny.bert(), "The cat")
    hidden.ablate([(0, 0)])
    number = cl.attention_view(
        SimpleNamespace(
            model=built("BertForSequenceClassification", BERT, vocab_size=300, num_labels=1),
            tokenizer=tiny.tokenizer(),
            card=None,
        ),
        "The cat",
    )
    number.ablate([(0, 0)])
    with browser_page(width=1200, height=900) as page:
        for view, says in (
            (sink, "went to no token"),
            (classes, "LABEL_2"),
            (classes, "KL divergence"),
            (hidden, "Cosine of the mean hidden state"),
            (number, "LABEL_0"),
        ):
            view.lang = "en"
            page.goto(view.to_html(tmp_path / "a.html").as_uri())
            page.wait_for_selector(".attn-panel[data-shown]")
            assert says in page.locator("body").inner_text()


def test_a_view_lets_go_when_its_name_is_taken_over():
    m, passes, kept, last = tiny.llama(), [], [], []
    for i in range(9):
        view = cl.attention_view(m, "The cat sat")
        passes.append(weakref.ref(view._passes[0]))
        last[:] = [weakref.ref(view), *last]
        if i < 2:
            kept.append(view)  # as a reader's list
        del view
    gc.collect()
    assert [ref() is not None for ref in passes] == [True, True, False, False, False, True, True, True, True]
    assert kept[0].weights(0, 0).shape == last[0]().weights(0, 0).shape
    released, sent = last[5](), []
    with pytest.raises(CourseError, match="again|重新"):
        released.weights(0, 0)
    released.send = lambda content, buffers=None: sent.append(content)
    released._answer(released, {"id": "1", "ask": "hello"}, [])
    released._answer(
        released,
        {"id": "2", "ask": "head", "with": dict(slot=0, part="self", layer=0, head=0, mode="plain")},
        [],
    )
    assert sent[0]["meta"] and set(sent[1]["error"]) == {"zh", "en"}, (
        "what the page has stays; what it lacks is said"
    )


def test_the_history_of_a_notebook_keeps_no_views():
    """In a real shell, with Out, _ and _12; one view has a name of its own."""
    script = """
import sys; sys.path.insert(0, 'tests')
from IPython.core.interactiveshell import InteractiveShell
cells = ["import gc, tiny, weakref, course_lib as cl; m, refs = tiny.llama(), []; mine = cl.attention_view(m, 'The cat')",
         *["view = cl.attention_view(m, 'The cat'); refs.append(weakref.ref(view._passes[0])); view"] * 7, *["cl.attention_view(m, 'The cat')"] * 3,
         "gc.collect(); print('ALIVE', [ref() is not None for ref in refs].count(True), len(mine._passes), len(Out) > 8)"]
for cell in cells:
    InteractiveShell.instance().run_cell(cell, store_history=True)
"""  # noqa: E501
    said = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "ALIVE 1 1 True" in said.stdout, said.stdout[-300:] + said.stderr[-500:]


def test_only_a_model_with_its_tokenizer_makes_a_view():
    for wrong in (None, "smollm2-135m", tiny.llama().model, 3):
        with pytest.raises(CourseError, match="tokenizer"):
            cl.attention_view(wrong, "The cat")


def test_influence_is_zero_ahead_only_where_a_model_reads_left_to_right():
    import torch

    import course_lib as cl

    for name, causal in (("zh-gpt", True), ("zh-bert", False)):
        strength, tokens = cl.interpret.influence(cl.load(name, device="cpu"), "今天天气真好")
        T = len(tokens)
        ahead = strength[tuple(torch.triu_indices(T, T, offset=1))]
        assert strength.shape == (T, T) and (strength.diagonal() > 0).all()
        assert (ahead == 0).all() if causal else (ahead > 0).all()

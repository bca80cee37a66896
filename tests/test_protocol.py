"""Every kind of model with everything that takes a model: one protocol, and the same numbers whichever way a
model comes."""

import copy

import numpy as np
import pytest
import tiny
import torch
import transformers as hf

import course_lib as cl
from course_lib import nn
from course_lib.errors import CourseError
from course_lib.models import model_of
from course_lib.models.attention import most_tokens
from course_lib.training import default_loss

torch.set_num_threads(1)
TEXT = "The cat sat on the mat. The cat sat on"
SMALL = dict(vocab_size=300, context=64, n_layer=2, n_head=4, d_model=32)


class Letters:
    """A reader's own tokenizer: one letter, one id."""

    def encode(self, text):
        return [ord(letter) % 300 for letter in text]

    def decode(self, ids):
        return "".join(map(chr, ids))


def saved(model, folder, marks=False):
    """What `cl.load` makes of a tiny model of transformers with large random weights."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.3)
    model.save_pretrained(folder)
    tiny.tokenizer(marks).save_pretrained(folder)
    m = cl.load(folder, device="cpu")
    if marks:
        # as BERT's: it tells a second sentence
        m.tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    return m


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """family -> a Loaded."""
    place = lambda name: tmp_path_factory.mktemp(name)
    llama = hf.LlamaConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=None,
        eos_token_id=None,
    )
    bert = hf.BertConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    t5 = hf.T5Config(
        vocab_size=300,
        d_model=32,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=3,
        pad_token_id=3,
        eos_token_id=1,
        dropout_rate=0.0,
    )
    return {
        "causal": saved(hf.LlamaForCausalLM(llama), place("llama")),
        "masked": saved(hf.BertForMaskedLM(bert), place("bert"), marks=True),
        "encoder": saved(hf.BertModel(bert, add_pooling_layer=False), place("encoder"), marks=True),
        "seq2seq": saved(hf.T5ForConditionalGeneration(t5), place("t5"), marks=True),
    }


def ours(name):
    torch.manual_seed(1)
    sizes = dict(SMALL)
    made = {
        "gpt": lambda: nn.GPT(**sizes),
        "decoder": lambda: nn.Decoder(nn.DecoderConfig(**sizes, n_kv_head=2)),
        "encoder": lambda: nn.Encoder(nn.EncoderConfig(**sizes)),
        "masked": lambda: nn.Encoder(nn.EncoderConfig(**sizes, mlm_head=True)),
        "seq2seq": lambda: nn.Seq2Seq(nn.Seq2SeqConfig(**sizes)),
    }[name]()
    with torch.no_grad():
        for weight in made.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.2)
    return made


def kinds(theirs):
    """name -> (model, tokenizer that has to be given with it)"""
    for family, m in theirs.items():
        yield f"loaded {family}", (m, None)
        yield f"transformers {family}", (m.model, m.tokenizer)
        yield f"ported {family}", (cl.models.port(m, mlm_head=family == "masked"), m.tokenizer)
    for name in ("gpt", "decoder", "encoder", "masked", "seq2seq"):
        yield f"trained {name}", (ours(name), Letters())
    yield "trained decoder, transformers tokenizer", (ours("decoder"), tiny.tokenizer())
    yield "trained decoder, tokenizers tokenizer", (ours("decoder"), tiny.tokenizer().backend_tokenizer)


FAMILIES = ("causal", "masked", "encoder", "seq2seq")
KINDS = [f"{way} {family}" for family in FAMILIES for way in ("loaded", "transformers", "ported")] + [
    *(f"trained {name}" for name in ("gpt", "decoder", "encoder", "masked", "seq2seq")),
    "trained decoder, transformers tokenizer",
    "trained decoder, tokenizers tokenizer",
]


@pytest.fixture(scope="module")
def known(theirs):
    found = dict(kinds(theirs))
    assert list(found) == KINDS
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_is_looked_into(known, kind):
    model, tokenizer = known[kind]
    view = cl.attention_view(model, TEXT, tokenizer=tokenizer)
    found = cl.interpret.look(model, TEXT, tokenizer=tokenizer)
    captured = cl.interpret.capture(model, tokenizer, TEXT)
    part = "cross" if "seq2seq" in kind else "self"
    assert (
        found.part == view.part == captured.part == part and captured.weights.shape == found.parts[part].shape
    )
    assert view.tokens == captured.query_tokens and (
        part == "cross" or "".join(view.tokens).replace("[CLS]", "").replace("[SEP]", "") == TEXT
    )
    np.testing.assert_array_equal(view.weights(1, 2), captured.weights[1, 2])
    np.testing.assert_allclose(captured.weights.sum(-1), 1, atol=1e-5)
    assert "loaded" not in kind or np.array_equal(model.attention(TEXT).weights, captured.weights)
    assert found.parts[part].valued, "the vector that a weight multiplies is known for each"

    effect = view.ablate([(0, 1)])
    again = cl.interpret.ablate(model, TEXT, [(0, 1)], tokenizer=tokenizer)
    assert str(effect) == str(again) and effect.kind == {"encoder": "hidden", "masked": "scores"}.get(
        kind.split()[1], "next"
    )
    assert effect.divergence > 0 if effect.similarity is None else effect.similarity < 0.9999
    assert model_of(model, tokenizer).title in view._title and most_tokens(model) > 1000


@pytest.mark.parametrize("name", ["decoder", "encoder", "masked"])
def test_captured_weights_are_those_that_the_model_returns(known, name):
    model, tokenizer = known[f"trained {name}"]
    model.train()
    for text in (TEXT, "T"):
        captured = cl.interpret.capture(model, tokenizer, text).weights
        with torch.no_grad():
            _, weights = model.eval()(torch.tensor([tokenizer.encode(text)]), return_weights=True)
        np.testing.assert_allclose(captured, torch.cat(weights).numpy(), atol=1e-6)
    assert (
        cl.interpret.capture(model.train(), tokenizer, TEXT).kv_heads == (2 if name == "decoder" else None)
        and model.training
    ), "its mode is kept"


def test_captured_weights_of_an_encoder_decoder_and_of_a_gpt(known):
    model, tokenizer = known["trained seq2seq"]
    captured = cl.interpret.capture(model, tokenizer, "abc", "xy")
    target = torch.tensor([[model.config.start_id, *tokenizer.encode("xy")]])
    with torch.no_grad():
        _, weights = model(torch.tensor([tokenizer.encode("abc")]), target, return_weights=True)
    for part, got in (("cross", captured), ("encoder", captured.encoder), ("decoder", captured.decoder)):
        np.testing.assert_allclose(got.weights, torch.cat(weights[part]).numpy(), atol=1e-6)
    written = cl.interpret.look(model, "abc", tokenizer=tokenizer).reading.target.ids
    assert written == cl.generate(model, [tokenizer.encode("abc")], len(written)).tolist()[0][:-1], (
        "without a target it writes its own"
    )

    gpt, tokenizer = known["trained gpt"]
    twin = nn.Decoder(nn.DecoderConfig(**SMALL))
    names = {
        "tokens": "stack.tokens",
        "positions": "stack.positions",
        "norm": "stack.norm",
        "blocks": "stack.blocks",
    }
    twin.load_state_dict(
        {
            names.get(name.partition(".")[0], name.partition(".")[0]) + "." + name.partition(".")[2]: value
            for name, value in gpt.state_dict().items()
        },
        strict=False,
    )
    a, b = (cl.interpret.capture(model, tokenizer, TEXT).weights for model in (gpt, twin))
    np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("target", [None, "on the mat"])
def test_a_ported_model_attends_as_its_original(known, family, target):
    if family == "causal" and target:
        return
    views = [
        cl.attention_view(model, TEXT, target, tokenizer=tokenizer)
        for model, tokenizer in (known[f"{way} {family}"] for way in ("loaded", "transformers", "ported"))
    ]
    for part, heads in views[0]._passes[0].parts.items():
        for other in views[1:]:
            theirs = other._passes[0].parts[part]
            assert theirs.query.labels == heads.query.labels and theirs.kv_heads == heads.kv_heads
            for layer in range(len(heads)):
                np.testing.assert_allclose(theirs.packed[layer], heads.packed[layer], atol=2e-5)
                np.testing.assert_allclose(theirs.norms[layer], heads.norms[layer], rtol=1e-3, atol=1e-4)


IDS = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])


@pytest.mark.parametrize("strategy", [cl.Greedy(), cl.Sample(temperature=0.7, seed=3), cl.Beam(width=3)])
def test_the_same_tokens_whichever_way_a_model_comes(known, strategy):
    rows = [
        cl.generate(known[f"{way} causal"][0], IDS, 20, strategy, cache=cache).tolist()
        for way in ("loaded", "transformers", "ported")
        for cache in (True, False)
    ]
    assert all(row == rows[0] for row in rows) and len(rows[0][0]) == 24


def test_the_cache_of_transformers_models_is_used(known, monkeypatch):
    model, read = known["transformers causal"][0], []
    inner = model.model.forward
    monkeypatch.setattr(
        model.model,
        "forward",
        lambda *a, input_ids=None, **k: (
            read.append(input_ids.shape[1]) or inner(*a, input_ids=input_ids, **k)
        ),
    )
    cl.generate(model, IDS, 4)
    cl.generate(model, IDS, 4, cache=False)
    assert read == [4, 1, 1, 1, 4, 5, 6, 7]


MORE = dict(
    vocab_size=40,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=64,
    eos_token_id=None,
)
ARCHITECTURES = {
    "Bamba": dict(
        MORE,
        num_key_value_heads=2,
        attn_layer_indices=[1],
        mamba_n_heads=4,
        mamba_d_head=16,
        mamba_d_state=8,
        mamba_n_groups=1,
    ),
    "Bloom": dict(vocab_size=40, hidden_size=32, n_layer=2, n_head=4, eos_token_id=None),
    # keeps nothing that we could hold
    "Mamba": dict(vocab_size=40, hidden_size=32, num_hidden_layers=2, state_size=4, eos_token_id=None),
    "Mistral": dict(MORE, num_key_value_heads=2, sliding_window=4),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("strategy", [cl.Greedy(), cl.Beam(width=3)])
def test_a_cache_changes_nothing(name, strategy):
    cls = getattr(hf, f"{name}ForCausalLM")
    torch.manual_seed(0)
    model = cls(cls.config_class(**ARCHITECTURES[name]))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 0.3)
    assert torch.equal(
        cl.generate(model, IDS, 8, strategy), cl.generate(model, IDS, 8, strategy, cache=False)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_writes_is_generated_with_and_what_does_not_says_so(known, kind):
    model, _ = known[kind]
    writes = (
        "causal" in kind
        or "gpt" in kind
        or "decoder" in kind
        or kind in ("ported seq2seq", "trained seq2seq")
    )
    if not writes:
        with pytest.raises(CourseError, match="next token"):
            cl.generate(model, IDS, 3)
        return
    assert torch.equal(cl.generate(model, IDS, 3), cl.generate(model, IDS, 3, cache=False))
    options = [[20, 1], [30, 1], [30, 2]]
    assert cl.generation.pick(model, [5, 6], options) in range(3)
    with pytest.raises(CourseError, match="context"):
        cl.generate(model, IDS, model_of(model).context)


def batch_for(model):
    """A batch that trains it: ids, or what goes in and the labels."""
    family, origin = model_of(model).family, model_of(model).origin
    torch.manual_seed(2)
    ids = torch.randint(10, 300, (4, 13))
    if family == "causal":
        return ids
    names = ("input_ids", "decoder_input_ids") if origin == "transformers" else ("ids", "target")
    return {
        names[0]: ids[:, :12],
        **({names[1]: ids[:, :12]} if family == "seq2seq" else {}),
        "labels": ids[:, 1:].contiguous(),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_every_model_is_trained_or_says_why_not(theirs, kind):
    model, _ = dict(kinds(copy.deepcopy(theirs)))[kind]
    family, batch = model_of(model).family, batch_for(model)
    if family != "causal":
        with pytest.raises(CourseError, match="labels"):
            cl.fit(model, torch.arange(10, 200), steps=1, context=8, show=False)
    if family == "encoder":
        with pytest.raises(CourseError, match="loss="):
            cl.fit(model, [batch], steps=1, show=False)
        return
    net = model_of(model).net
    mode, before = net.training, [weight.detach().clone() for weight in net.parameters()]
    history = cl.fit(model, [batch], steps=3, lr=1e-3, warmup=0, min_lr=1e-3, show=False, precision="float32")
    assert history.loss[0] > history.loss[1] > history.loss[2] and net.training is mode
    assert any(not torch.equal(a, b) for a, b in zip(before, net.parameters())), (
        "the model itself is trained, no copy"
    )


def test_a_gpt_brings_its_own_context_and_vocabulary():
    model = ours("gpt")
    assert (
        len(cl.fit(model, torch.randint(0, 300, (500,)), steps=2, show=False, precision="float32").loss) == 2
    )
    with pytest.raises(CourseError, match="300"):
        cl.fit(model, torch.full((500,), 300), steps=1, show=False)
    with pytest.raises(CourseError, match="64"):
        cl.generate(model, IDS, 61)


@pytest.mark.parametrize("wrong", [None, "smollm2-135m", 3, ["a"], nn.Decoder, {"model": 1}], ids=repr)
def test_what_is_no_model_gets_one_sentence(wrong):
    for ask in (
        lambda: cl.attention_view(wrong, "a", tokenizer=Letters()),
        lambda: cl.interpret.ablate(wrong, "a", [(0, 0)], tokenizer=Letters()),
        lambda: cl.interpret.capture(wrong, Letters(), "a"),
        lambda: cl.generate(wrong, IDS, 2),
        lambda: cl.fit(wrong, IDS[0], steps=1, show=False),
    ):
        with pytest.raises(CourseError, match=r"cl\.load"):
            ask()
    with pytest.raises(CourseError, match="next token|cl.load"):
        model_of(wrong)


def test_a_function_writes_and_is_not_looked_into_or_trained():
    def next_one(ids):
        return torch.nn.functional.one_hot((ids + 1) % 9, 9).float()

    assert cl.generate(next_one, [[3]], 3).tolist() == [[3, 4, 5, 6]]
    with pytest.raises(CourseError, match="made of"):
        cl.attention_view(next_one, "a", tokenizer=Letters())
    with pytest.raises(CourseError, match="weights"):
        cl.fit(next_one, IDS[0], steps=1, show=False)


class Odd(Letters):
    """Its encode gives what it is told to."""

    def __init__(self, given):
        self.given = given

    def encode(self, text):
        return self.given


@pytest.mark.parametrize(
    "tokenizer, says",
    [
        (None, "tokenizer="),
        (3, "encode"),
        (str.split, "encode"),
        (Odd(["a", "b"]), "whole numbers"),
        (Odd(7), "whole numbers"),
        (Odd([1.5]), "whole numbers"),
        (Odd([[1]]), "whole numbers"),
        (Odd([999]), "300"),
        (Odd([]), "empty"),
    ],
)
def test_a_tokenizer_that_does_not_do_gets_one_sentence(tokenizer, says):
    with pytest.raises(CourseError, match=says):
        cl.attention_view(ours("gpt"), "some text", tokenizer=tokenizer)


def test_a_text_beyond_the_context_of_a_trained_model():
    with pytest.raises(CourseError, match="64.*truncate=True"):
        cl.attention_view(ours("gpt"), "a" * 65, tokenizer=Letters())
    assert len(cl.attention_view(ours("gpt"), "a" * 65, tokenizer=Letters(), truncate=True).tokens) == 64


def test_hidden_states_are_no_logits(known):
    ids = IDS[:, :2]
    for model, batch in (
        (ours("encoder"), (ids, ids)),
        (known["transformers encoder"][0], {"input_ids": ids, "labels": ids}),
        (ours("seq2seq"), (ids, ids)),
        (ours("decoder"), (ids, ids[:, 0])),
    ):
        with pytest.raises(CourseError, match="loss="):
            default_loss(model, batch)


def test_surprise_is_the_loss_and_the_entropy_of_each_prediction():
    m = tiny.llama()
    ids = torch.randint(0, 100, (2, 9))
    loss, expected = cl.interpret.surprise(m, ids)
    with torch.inference_mode():
        logits = m.model(ids).logits[:, :-1]
    assert loss.shape == expected.shape == (2, 8)
    torch.testing.assert_close(
        loss.mean(), torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    )
    torch.testing.assert_close(expected, torch.distributions.Categorical(logits=logits).entropy())
    with pytest.raises(CourseError):
        cl.interpret.surprise(tiny.bert(), ids)

"""`models.port` against transformers: logits, cache in any chunking, padding, gradients; and what it says to
a bad checkpoint."""

import json

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file

import course_lib as cl

NAMES = ["smollm2-135m", "minilm-l6"]
TEXTS = [
    "The cat sat on the mat because it was tired.",
    "北京是中国的首都。",
    "def add(a, b):\n    return a + b",
    "Attention is all you need",
    "1, 1, 2, 3, 5, 8, 13,",
]
TINY = {
    "gpt2": lambda: hf.GPT2LMHeadModel(
        hf.GPT2Config(vocab_size=99, n_positions=40, n_embd=24, n_layer=2, n_head=3)
    ),
    "gpt2-untied": lambda: hf.GPT2LMHeadModel(
        hf.GPT2Config(
            vocab_size=99,
            n_positions=40,
            n_embd=24,
            n_layer=2,
            n_head=3,
            tie_word_embeddings=False,
            n_inner=50,
        )
    ),
    "llama": lambda: hf.LlamaForCausalLM(
        hf.LlamaConfig(
            vocab_size=99,
            max_position_embeddings=40,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=48,
            tie_word_embeddings=False,
        )
    ),
    "mistral": lambda: hf.MistralForCausalLM(
        hf.MistralConfig(
            vocab_size=99,
            max_position_embeddings=40,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=1,
            head_dim=6,
            intermediate_size=48,
            sliding_window=None,
        )
    ),
    "qwen2": lambda: hf.Qwen2ForCausalLM(
        hf.Qwen2Config(
            vocab_size=99,
            max_position_embeddings=40,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=48,
            tie_word_embeddings=True,
        )
    ),
    "bert": lambda: hf.BertModel(
        hf.BertConfig(
            vocab_size=99,
            max_position_embeddings=40,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=50,
        )
    ),
    "bert-mlm": lambda: hf.BertForMaskedLM(
        hf.BertConfig(
            vocab_size=99,
            max_position_embeddings=40,
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=50,
            hidden_act="gelu_new",
        )
    ),
    "t5": lambda: hf.T5ForConditionalGeneration(
        hf.T5Config(
            vocab_size=99, d_model=24, d_kv=6, d_ff=50, num_layers=2, num_heads=3, decoder_start_token_id=0
        )
    ),
    "t5-gated": lambda: hf.T5ForConditionalGeneration(
        hf.T5Config(
            vocab_size=99,
            d_model=24,
            d_kv=6,
            d_ff=50,
            num_layers=2,
            num_decoder_layers=3,
            num_heads=3,
            feed_forward_proj="gated-gelu",
            relative_attention_num_buckets=8,
            relative_attention_max_distance=12,
            decoder_start_token_id=0,
        )
    ),
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A random model of each architecture, as an ordinary directory; the numbers are spread wide so that
    mistakes show."""
    made = {}

    def make(kind):
        if kind not in made:
            torch.manual_seed(0)
            model = TINY[kind]().eval()
            for name, p in model.named_parameters():
                torch.nn.init.normal_(
                    p, mean=1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0, std=0.15
                )
            folder = tmp_path_factory.mktemp(kind)
            model.save_pretrained(folder)
            made[kind] = folder, model
        return made[kind]

    return make


def batch(seed=0, length=17):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 99, (5, length), generator=generator)
    mask = torch.arange(length)[None] < torch.tensor([17, 3, 9, 16, 1])[:, None]
    return ids, mask


def close(a, b, mask=None, limit=1e-4):
    difference = (a - b).abs()
    difference = difference if mask is None else difference[mask]
    assert difference.numel() and difference.max() < limit, difference.max()


@pytest.mark.parametrize("kind", ["gpt2", "gpt2-untied", "llama", "mistral", "qwen2"])
def test_decoder_parity(tiny, kind):
    folder, theirs = tiny(kind)
    ours, (ids, mask) = cl.models.port(folder), batch()
    with torch.no_grad():
        close(ours(ids), theirs(ids).logits)
        close(ours(ids, mask), theirs(ids, attention_mask=mask.long()).logits, mask)  # padding on the right
        left_ids, left = ids.flip(1), mask.flip(1)
        positions = (left.long().cumsum(-1) - 1).clamp(min=0)  # as transformers' generate has them
        close(
            ours(left_ids, left),
            theirs(left_ids, attention_mask=left.long(), position_ids=positions).logits,
            left,
        )
        for chunks in ([1] * 17, [5, 1, 1, 10], [16, 1]):
            cache, past = ours.new_cache(), None
            for part in ids.split(chunks, 1):
                out = theirs(part, past_key_values=past, use_cache=True)
                past = out.past_key_values
                close(ours(part, cache=cache), out.logits)
        logits, weights = ours(ids, return_weights=True)
        eager = type(theirs).from_pretrained(folder, attn_implementation="eager")
        for w, reference in zip(weights, eager(ids, output_attentions=True).attentions, strict=True):
            close(w, reference, limit=1e-5)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen2"])
def test_decoder_gradients(tiny, kind):
    folder, theirs = tiny(kind)
    ours, (ids, _) = cl.models.port(folder), batch()
    theirs.zero_grad()
    loss = theirs(ids, labels=ids).loss
    loss.backward()
    mine = torch.nn.functional.cross_entropy(ours(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    mine.backward()
    close(mine.detach(), loss.detach(), limit=1e-5)
    reference = {name: p.grad for name, p in theirs.named_parameters()}
    base = "transformer" if kind == "gpt2" else "model"
    close(
        ours.stack.tokens.weight.grad,
        reference[f"{base}.{'wte' if kind == 'gpt2' else 'embed_tokens'}.weight"],
        limit=1e-5,
    )
    qkv = ours.stack.blocks[1].attention.qkv.weight.grad
    expected = (
        reference["transformer.h.1.attn.c_attn.weight"].T
        if kind == "gpt2"
        else torch.cat([reference[f"model.layers.1.self_attn.{x}_proj.weight"] for x in "qkv"])
    )
    close(qkv, expected, limit=1e-5)
    assert expected.abs().max() > 1e-3


@pytest.mark.parametrize("kind", ["bert", "bert-mlm"])
def test_encoder_parity(tiny, kind):
    folder, theirs = tiny(kind)
    ours, (ids, mask), segments = (
        cl.models.port(folder, mlm_head=kind == "bert-mlm"),
        batch(),
        torch.randint(2, (5, 17)),
    )
    with torch.no_grad():
        for more in ({}, {"segments": segments}):
            out = theirs(ids, attention_mask=mask.long(), token_type_ids=more.get("segments"))
            close(ours(ids, mask, **more), out.logits if kind == "bert-mlm" else out.last_hidden_state, mask)
    out = theirs(ids)[0].square().mean()
    theirs.zero_grad()
    out.backward()
    ours(ids).square().mean().backward()
    base = theirs.bert if kind == "bert-mlm" else theirs
    close(ours.stack.tokens.weight.grad, base.embeddings.word_embeddings.weight.grad, limit=1e-5)


@pytest.mark.parametrize("kind", ["t5", "t5-gated"])
def test_seq2seq_parity(tiny, kind):
    folder, theirs = tiny(kind)
    ours, (ids, mask), (target, _) = cl.models.port(folder), batch(), batch(1, 21)
    with torch.no_grad():
        expected = theirs(ids, attention_mask=mask.long(), decoder_input_ids=target).logits
        close(ours(ids, target, mask), expected)
        memory = ours.encode(ids, mask)
        close(memory, theirs.encoder(ids, attention_mask=mask.long()).last_hidden_state, mask)
        for chunks in ([1] * 21, [4, 1, 16]):
            cache = ours.new_cache()
            close(
                torch.cat(
                    [ours(None, part, mask, memory=memory, cache=cache) for part in target.split(chunks, 1)],
                    1,
                ),
                expected,
            )
    theirs.zero_grad()
    theirs(ids, attention_mask=mask.long(), decoder_input_ids=target).logits.square().mean().backward()
    ours(ids, target, mask).square().mean().backward()
    close(ours.encoder.tokens.weight.grad, theirs.shared.weight.grad, limit=1e-5)
    close(
        ours.decoder.blocks[1].cross.q.weight.grad,
        theirs.decoder.block[1].layer[1].EncDecAttention.q.weight.grad,
        limit=1e-5,
    )


def edit(folder, target, tensors=None, config=None):
    target.mkdir()
    settings = json.loads((folder / "config.json").read_text()) | (config or {})
    (target / "config.json").write_text(json.dumps(settings))
    weights = load_file(folder / "model.safetensors")
    for name, change in (tensors or {}).items():
        weights[name] = change(weights.get(name))
    save_file(
        {name: t.contiguous() for name, t in weights.items() if t is not None}, target / "model.safetensors"
    )
    return target


@pytest.mark.parametrize(
    "tensors, config, says",
    [
        (
            {"transformer.h.1.mlp.c_fc.weight": lambda t: t[:, :-1]},
            {},
            r"h.1.mlp.c_fc.weight.*\[95, 24\].*\[96, 24\]",
        ),
        ({"transformer.ln_f.bias": lambda t: None}, {}, "ln_f.bias"),
        ({"transformer.h.0.extra.weight": lambda t: torch.zeros(3)}, {}, "h.0.extra.weight"),
        ({}, {"n_embd": 48}, r"\[99, 24\].*\[99, 48\]"),
        ({}, {"n_head": 5}, "not divisible by 5 heads"),
        ({}, {"model_type": "bloom"}, "bloom"),
        ({}, {"activation_function": "tanh"}, "tanh"),
    ],
)
def test_a_mismatch_is_named(tiny, tmp_path, tensors, config, says):
    folder, _ = tiny("gpt2")
    with pytest.raises(ValueError, match=says):
        cl.models.port(edit(folder, tmp_path / "bad", tensors, config))


def test_a_folder_without_safetensors(tiny, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ValueError, match="safetensors"):
        cl.models.port(tmp_path)


def loaded(name):
    if not cl.models.card(name).fetched:
        pytest.skip(f"{name} is not fetched: python -m course_lib fetch {name}")
    return cl.load(name)


def test_smollm2_is_the_real_one():
    m = loaded("smollm2-135m")
    ours = cl.models.port(m)
    m.tokenizer.pad_token = m.tokenizer.pad_token or m.tokenizer.eos_token
    inputs = m.tokenizer(TEXTS, return_tensors="pt", padding=True, padding_side="right")
    mask = inputs["attention_mask"].bool()
    with torch.no_grad():
        theirs = m.model(**inputs).logits
        close(ours(inputs["input_ids"], mask), theirs, mask)
        text = inputs["input_ids"][:1, : int(mask[0].sum())]

        def in_chunks():
            cache = ours.new_cache()
            return torch.cat(
                [ours(part, cache=cache) for part in text.split([3, 1, text.shape[1] - 4], 1)], 1
            )

        # Logits reach 30; float32 alone puts either model up to 1e-4 from its own float64 logits, so float64
        # decides.
        close(in_chunks(), m.model(text).logits, limit=2e-4)
        ours.double()
        close(in_chunks(), ours(text), limit=1e-9)


def test_smollm2_learns_as_the_real_one():
    m, ours = loaded("smollm2-135m"), cl.models.port("smollm2-135m")
    ids = m.tokenizer(TEXTS[0], return_tensors="pt")["input_ids"]
    loss = m.model(ids, labels=ids).loss
    loss.backward()
    mine = torch.nn.functional.cross_entropy(ours(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
    mine.backward()
    close(mine.detach(), loss.detach(), limit=1e-5)
    theirs = m.model.model
    same_direction(ours.stack.tokens.weight, theirs.embed_tokens.weight.grad)
    for i in (0, 15, 29):
        attention = theirs.layers[i].self_attn
        same_direction(
            ours.stack.blocks[i].attention.qkv.weight,
            torch.cat([attention.get_submodule(f"{x}_proj").weight.grad for x in "qkv"]),
        )
    m.model.zero_grad()


def same_direction(parameter, expected):
    """The gradients agree to float32's rounding through thirty layers: 1e-4 of their length."""
    assert expected.norm() > 0
    assert (parameter.grad - expected).norm() < 1e-4 * expected.norm(), (
        parameter.grad - expected
    ).norm() / expected.norm()


def test_minilm_is_the_real_one():
    m = loaded("minilm-l6")
    ours = cl.models.port("minilm-l6")
    inputs = m.tokenizer(TEXTS, return_tensors="pt", padding=True)
    mask = inputs["attention_mask"].bool()
    with torch.no_grad():
        close(ours(inputs["input_ids"], mask), m.model(**inputs).last_hidden_state, mask)
    ours(inputs["input_ids"], mask)[mask].square().sum().backward()
    m.model(**inputs).last_hidden_state[mask].square().sum().backward()
    same_direction(ours.stack.tokens.weight, m.model.embeddings.word_embeddings.weight.grad)
    m.model.zero_grad()

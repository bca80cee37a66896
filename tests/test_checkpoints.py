"""`load` of folders that are not as they should be, models that read or write something else than expected,
and questions they cannot answer."""

import builtins
import json

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file
from tiny import tokenizer

import course_lib as cl
from course_lib.models import ModelError
from course_lib.models.reading import positions

torch.set_num_threads(1)
SMALL = dict(
    vocab_size=300,
    hidden_size=16,
    intermediate_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    max_position_embeddings=32,
    pad_token_id=3,
)
HALVES = dict(
    vocab_size=300,
    d_model=16,
    encoder_layers=1,
    decoder_layers=1,
    encoder_attention_heads=2,
    decoder_attention_heads=2,
    encoder_ffn_dim=16,
    decoder_ffn_dim=16,
    max_position_embeddings=32,
    pad_token_id=3,
    eos_token_id=1,
    decoder_start_token_id=3,
    forced_eos_token_id=None,
)
T5 = dict(
    vocab_size=300,
    d_model=16,
    d_kv=8,
    d_ff=16,
    num_layers=1,
    num_heads=2,
    pad_token_id=3,
    eos_token_id=1,
    decoder_start_token_id=3,
)
PICTURE = dict(
    hidden_size=16,
    intermediate_size=16,
    num_hidden_layers=1,
    num_attention_heads=2,
    image_size=16,
    patch_size=8,
)
MODELS = {
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig(**SMALL, num_key_value_heads=1)),
    "gpt2": lambda: hf.GPT2LMHeadModel(
        hf.GPT2Config(vocab_size=300, n_embd=16, n_layer=2, n_head=2, n_positions=32, eos_token_id=None)
    ),
    "bert": lambda: hf.BertForMaskedLM(hf.BertConfig(**SMALL)),
    "bert-base": lambda: hf.BertModel(hf.BertConfig(**SMALL)),
    "roberta": lambda: hf.RobertaForMaskedLM(hf.RobertaConfig(**SMALL | {"pad_token_id": 1})),
    "tokens": lambda: hf.ElectraForTokenClassification(hf.ElectraConfig(**SMALL, embedding_size=16)),
    "pegasus": lambda: hf.PegasusForConditionalGeneration(hf.PegasusConfig(**HALVES)),
    "marian": lambda: hf.MarianMTModel(hf.MarianConfig(**HALVES)),
    "bart-classifier": lambda: hf.BartForSequenceClassification(hf.BartConfig(**HALVES)),
    "encoder half": lambda: hf.UMT5EncoderModel(hf.UMT5Config(**T5)),
    "t5": lambda: hf.T5ForConditionalGeneration(hf.T5Config(**T5)),
    "xlnet": lambda: hf.XLNetLMHeadModel(
        hf.XLNetConfig(vocab_size=300, d_model=16, n_layer=1, n_head=2, d_inner=16)
    ),
    "whisper": lambda: hf.WhisperForConditionalGeneration(
        hf.WhisperConfig(
            **{k: v for k, v in HALVES.items() if k[:3] not in ("max", "for")},
            num_mel_bins=8,
            max_source_positions=16,
            max_target_positions=32,
            begin_suppress_tokens=None,
        )
    ),
    "clip": lambda: hf.CLIPModel(hf.CLIPConfig(text_config=SMALL, vision_config=PICTURE)),
    "llava": lambda: hf.LlavaForConditionalGeneration(
        hf.LlavaConfig(
            text_config=hf.LlamaConfig(**SMALL),
            vision_config=hf.CLIPVisionConfig(**PICTURE),
            image_token_index=299,
        )
    ),
}


@pytest.fixture(autouse=True)
def english():
    cl.i18n.set_language("en")


@pytest.fixture
def saved(tmp_path):
    def save(kind, tensors=None, config=None, tokens=True):
        """A random model of `kind` as a folder; `tensors` changes the dict of its weights, `config` updates
        config.json."""
        torch.manual_seed(0)
        folder = tmp_path / kind.replace(" ", "-")
        MODELS[kind]().save_pretrained(folder)
        if tokens:
            tokenizer(marks=kind in ("bert", "roberta", "bart-classifier")).save_pretrained(folder)
        if tensors:
            weights = tensors(load_file(folder / "model.safetensors"))
            save_file(
                {name: tensor.clone() for name, tensor in weights.items()},
                folder / "model.safetensors",
                metadata={"format": "pt"},
            )
        if config:
            update(folder / "config.json", **config)
        return folder

    return save


def update(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def says(match, do, *args, **kwargs):
    with pytest.raises(ModelError, match=match):
        do(*args, **kwargs)


# --- tensors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, change, match",
    [
        ("llama", lambda w: {"_orig_mod." + name: t for name, t in w.items()}, "begin with _orig_mod\\."),
        ("bert", lambda w: {"module." + name: t for name, t in w.items()}, "begin with module\\."),
        ("gpt2", lambda w: {"net." + name: t for name, t in w.items()}, "begin with net\\."),
        (
            "bert",
            lambda w: {name: t for name, t in w.items() if not name.startswith("cls.")},
            r"lacks tensors of BertForMaskedLM.*cls\.predictions",
        ),
        (
            "llama",
            lambda w: {name: t for name, t in w.items() if "layers.0.mlp" not in name},
            r"lacks.*\(3 in all\).*layers\.0\.mlp",
        ),
        (
            "llama",
            lambda w: w | {name.replace("layers.1", "layers.2"): t for name, t in w.items()},
            r"no place in LlamaForCausalLM.*layers\.2",
        ),
        (
            "llama",
            lambda w: w | {"model.layers.1.mlp.up_proj.weight": torch.zeros(15, 16)},
            r"up_proj.*\[15, 16\].*\[16, 16\]",
        ),
        (
            "bert",
            lambda w: w | {"bert.encoder.layer.1.output.dense.bias": torch.full((16,), torch.nan)},
            r"layer\.1\.output\.dense\.bias.*NaN",
        ),
        ("t5", lambda w: w | {"shared.weight": w["shared.weight"] / 0}, "shared.weight.*infinity"),
    ],
)
def test_a_checkpoint_that_is_not_whole_is_an_error(saved, kind, change, match):
    says(match, cl.load, saved(kind, change))


@pytest.mark.parametrize(
    "kind, change",
    [
        (
            "gpt2",
            lambda w: (
                {name.removeprefix("transformer."): t for name, t in w.items()}
                | {"h.0.attn.bias": torch.ones(1, 1, 32, 32)}
            ),
        ),
        ("llama", lambda w: w | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}),
        (
            "bert",
            lambda w: (
                w
                | {
                    "bert.pooler.dense.weight": torch.ones(16, 16),
                    "cls.seq_relationship.bias": torch.ones(2),
                    "bert.embeddings.position_ids": torch.arange(32)[None],
                }
            ),
        ),
    ],
)
def test_what_a_model_can_do_without_is_no_error(saved, kind, change):
    folder = saved(kind, change)
    found, wanted = cl.load(folder).model.state_dict(), load_file(folder / "model.safetensors")
    assert all(torch.equal(found[name], wanted[name]) for name in set(found) & set(wanted))


def test_a_pooler_that_is_not_there_is_none_rather_than_random(saved):
    folder = saved("bert-base", lambda w: {name: t for name, t in w.items() if "pooler" not in name})
    assert cl.load(folder).model.pooler is None


def test_port_says_nan_and_reads_the_file_that_load_reads(saved):
    folder = saved("llama")
    save_file({"layers.0.attention.wq.weight": torch.zeros(2, 2)}, folder / "consolidated.safetensors")
    ids = torch.arange(10)[None]
    torch.testing.assert_close(
        cl.models.port(folder)(ids), cl.load(folder).model(ids).logits, atol=1e-5, rtol=0
    )
    says(
        "ln_1.weight.*NaN",
        cl.models.port,
        saved("gpt2", lambda w: w | {"transformer.h.1.ln_1.weight": torch.full((16,), torch.nan)}),
    )


# --- folders --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    ["[1, 2]", "", '{"model_type": "llama", ', "中".encode("gbk"), "{}", '{"model_type": "nobody"}'],
)
def test_an_odd_config_is_named(saved, content):
    folder = saved("llama")
    (folder / "config.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    says("config.json", cl.load, folder)
    says("config.json", cl.models.port, folder)


@pytest.mark.parametrize(
    "change, match",
    [
        ({"num_attention_heads": "two"}, "config.json.*num_attention_heads"),
        ({"hidden_act": "swishy"}, "config.json.*swishy"),
        ({"architectures": "LlamaForCausalLM"}, "architectures.*config.json"),
        ({"architectures": ["NobodyForCausalLM"]}, "config.json.*NobodyForCausalLM"),
        ({"architectures": None}, "lm_head.*config.json"),
        ({"num_hidden_layers": 1}, "layers.1.*config.json"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, r"quantised \(awq\)"),
        ({"quantization_config": {"quant_method": "fp8"}}, r"quantised \(fp8\)"),
    ],
)
def test_a_config_that_describes_another_model(saved, change, match):
    says(match, cl.load, saved("llama", config=change))


def test_folders_that_are_no_model(saved, tmp_path, monkeypatch):
    folder = saved("llama")
    says("models inside it: llama", cl.load, folder.parent)
    says("is a file; give the directory", cl.load, folder / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    for name in (
        "./my-model",
        tmp_path / "nowhere",
        "~/no-such-model",
        "a/b/c",
        "my-model/",
        "C:\\models\\mine",
    ):
        says("no such directory", cl.load, name)
    (folder / "model.safetensors").rename(folder / "consolidated.safetensors")
    says(r"no model.safetensors \(consolidated.safetensors\)", cl.load, folder)
    for path in folder.iterdir():
        path.unlink()
    says("no config.json", cl.load, folder)
    (folder / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base"})
    )
    says(r'LoRA adapter.*peft.PeftModel.from_pretrained\(cl.load\("org/base"\)', cl.load, folder)
    says("LoRA", cl.models.port, folder)


def test_a_shard_that_did_not_come(tmp_path):
    model = MODELS["llama"]()
    model.save_pretrained(tmp_path, max_shard_size="5KB")
    tokenizer().save_pretrained(tmp_path)
    shards = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 2 and torch.equal(cl.load(tmp_path).model.lm_head.weight, model.lm_head.weight)
    shards[1].unlink()
    says(shards[1].name, cl.load, tmp_path)


@pytest.mark.parametrize("kind", ["bert", "gpt2", "llama"])
def test_a_tokenizer_that_was_not_saved(saved, kind):
    says("tokenizer.save_pretrained", cl.load, saved(kind, tokens=False))


def test_a_token_without_a_row_in_the_embedding(saved):
    folder = saved("gpt2")
    more = tokenizer()
    more.add_tokens([f"<{i}>" for i in range(300)] + ["<me>"])
    more.save_pretrained(folder)
    m = cl.load(folder)
    for ask in (m.generate, m.score, m.attention):
        says("<me>.*resize_token_embeddings", ask, "The <me> cat")


@pytest.mark.parametrize(
    "file, change",
    [
        ("config.json", {"model_type": "theirs", "auto_map": {"AutoConfig": "theirs.Config"}}),
        (
            "config.json",
            {"architectures": ["TheirLM"], "auto_map": {"AutoModelForCausalLM": "theirs.TheirLM"}},
        ),
        (
            "tokenizer_config.json",
            {
                "tokenizer_class": "TheirTokenizer",
                "auto_map": {"AutoTokenizer": ["theirs.TheirTokenizer", None]},
            },
        ),
    ],
)
def test_the_code_of_a_folder_runs_only_for_a_reader_who_trusts_it(saved, monkeypatch, file, change):
    monkeypatch.setattr(builtins, "input", lambda *_: pytest.fail("the reader was asked"))
    folder = saved("llama")
    update(folder / file, **change)
    (folder / "theirs.py").write_text(
        f"open({str(folder / 'ran')!r}, 'w').close()\nfrom transformers import LlamaConfig, "
        f"LlamaForCausalLM, PreTrainedTokenizerFast\n"
        "class Config(LlamaConfig):\n    model_type = 'theirs'\nclass "
        "TheirLM(LlamaForCausalLM):\n    pass\nclass TheirTokenizer(PreTrainedTokenizerFast):\n  "
        "  pass\n"
    )
    for ask in (cl.load, *([cl.models.port] if file == "config.json" else [])):
        says("trust_remote_code=True", ask, folder)
    assert not (folder / "ran").exists()
    assert (
        cl.load(folder, trust_remote_code=True).generate("The cat", max_new_tokens=1) is not None
        and (folder / "ran").exists()
    )


# --- what a model is ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, is_a",
    [
        ("pegasus", "seq2seq"),
        ("marian", "seq2seq"),
        ("bert", "masked"),
        ("xlnet", "causal"),
        ("llava", "causal"),
        ("encoder half", "encoder"),
        ("tokens", "encoder"),
        ("t5", "seq2seq"),
    ],
)
def test_a_checkpoint_is_loaded_as_the_class_that_saved_it(saved, kind, is_a):
    folder = saved(kind)
    m = cl.load(folder)
    assert (
        type(m.model).__name__ == json.loads((folder / "config.json").read_text())["architectures"][0]
        and m.card.kind == is_a
    )
    if is_a in ("causal", "seq2seq"):
        assert isinstance(m.generate("The cat", max_new_tokens=2), str)
    if is_a == "causal":
        assert len(m.likely("The cat", 3)) == 3 and m.score("The cat")
        says("target", m.attention, "The cat", target="sat")
    else:
        instead = {"masked": r"\[MASK\]", "seq2seq": "m.generate", "encoder": "m.model"}[is_a]
        for ask in (m.likely, m.score, m.next_token_probs):
            says(f"next token.*{instead}", ask, "The cat")
    if is_a in ("masked", "encoder"):
        says("does not continue text", m.generate, "The cat")


def test_a_model_of_images_or_sound_says_so(saved):
    says("images or sound", cl.load, saved("clip", tokens=False))
    for kind in ("whisper", "clip"):
        m = cl.load(saved(kind))
        for ask in (m.generate, m.likely, m.attention):
            says("images or sound", ask, "The cat")


def test_an_encoder_reads_a_pair(saved):
    m = cl.load(saved("bert"))
    assert m.attention("a", target="b").tokens == ["[CLS]", "a", "[SEP]", "b", "[SEP]"]
    assert cl.load("zh-bert").attention("猫", target="狗").tokens == ["[CLS]", "猫", "[SEP]", "狗", "[SEP]"]


def test_the_decoder_of_a_classifier_reads_the_source_again(saved):
    m = cl.load(saved("bart-classifier"))
    a = m.attention("The cat")
    assert a.query_tokens[1:] == a.key_tokens[:-1]
    says("m.model", m.likely, "The cat")


# --- lengths --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, limit",
    [
        ("gpt2", 32),
        ("llama", 32),
        ("bert", 32),
        ("roberta", 30),
        ("marian", 32),
        ("xlnet", None),
        ("t5", None),
        ("llava", 32),
    ],
)
def test_how_many_tokens_have_a_position(kind, limit):
    model = MODELS[kind]().eval()
    assert positions(model) == limit
    ids = torch.full((1, limit or 100), 7)
    more = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
    with torch.no_grad():
        model(input_ids=ids, **more)  # so many are read; where positions are learnt, one more is not
        if kind in ("gpt2", "bert", "roberta"):
            with pytest.raises((IndexError, RuntimeError)):
                model(input_ids=torch.full((1, limit + 1), 7))


def test_long_texts(saved):
    gpt2, roberta = cl.load(saved("gpt2")), cl.load(saved("roberta"))
    assert len(gpt2.tokenizer("a" * 30).input_ids) == 30
    assert isinstance(gpt2.generate("a" * 30, max_new_tokens=2), str)
    says("30 tokens and 3 new ones.*32", gpt2.generate, "a" * 30, max_new_tokens=3)
    says("31 tokens; at most 30", roberta.attention, "a" * 29)
    assert roberta.attention("a" * 500, truncate=True).weights.shape[-2:] == (30, 30)
    with pytest.raises(ModelError, match="at most 32") as caught:
        gpt2.score("a" * 33)
    assert "truncate" not in str(caught.value)  # score has no such argument
    translator = cl.load("zh-fr-en")
    for ask in (translator.generate, translator.attention):
        says("401 tokens; at most 128", ask, "我爱你。" * 100)


# --- arguments ------------------------------------------------------------------------------------


def test_generate_answers_every_prompt_or_says_why_not(saved):
    m = cl.load(saved("llama"))
    texts = ["The cat", "on the mat sat"]
    assert m.generate(texts, max_new_tokens=3) == [m.generate(text, max_new_tokens=3) for text in texts]
    assert len(m.generate("The cat", max_new_tokens=3, num_beams=3, num_return_sequences=2)) == 2
    for match, options in [
        ("num_return_sequences.*do_sample", dict(num_return_sequences=2)),
        ("temperature.*do_sample=True", dict(temperature=0.5)),
        ("max_new_tokens", dict(max_length=9)),
        ("max_new_tokens", dict(max_new_tokens=0)),
        ("max_new_tokens", dict(max_new_tokens="3")),
        ("colour", dict(max_new_tokens=3, colour="red")),
        ("m.model.generate", dict(max_new_tokens=3, return_dict_in_generate=True)),
    ]:
        says(match, m.generate, "The cat", **options)
    for text in (None, 5, b"x"):
        says("one text, a str", m.generate, text)
    says("one text, a str", m.attention, texts)
    says("empty", m.generate, "")
    for k in (0, -1, 301):
        says("from 1 to 300", m.likely, "The cat", k)
    says("device 'gpu'", cl.load, "zh-gpt", device="gpu")
    says("no token", cl.load("zh-verse").generate, " ")

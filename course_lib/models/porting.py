"""`port`: the weights of a Hugging Face model in `course_lib.nn`, with the same outputs.

    mine = cl.models.port("smollm2-135m")               # a Decoder; mine(ids) are transformers' logits
    mine = cl.models.port("minilm-l6")  # an Encoder; mine(ids, mask) are the last hidden states

A checkpoint is a config and named tensors. For each architecture there are a function from its config to
ours, and a table of where each of our tensors comes from; several names are stacked, since our query, key and
value are one matrix.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

from .. import nn as course_nn
from .checkpoint import finite, read_config, weight_files
from .convert import quiet
from .failure import ModelError, reason
from .loaded import Loaded, find

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["layout", "port"]

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}


def port(
    model: str | Path | Loaded, mlm_head: bool = False
) -> course_nn.Decoder | course_nn.Encoder | course_nn.Seq2Seq:
    """The same weights, float32, in eval mode on the CPU (of a Loaded: on its device), in a Decoder (GPT-2,
    Llama, Mistral, Qwen2), an Encoder (BERT) or a Seq2Seq (T5).

    model: a name of the catalogue, a directory or hub id with config.json and safetensors, or a Loaded.
    mlm_head: give a BERT its masked-language-model head. ModelError (a ValueError): an architecture or option
    that `course_lib.nn` does not have, a tensor that is missing, left over or of another shape (named, with
    both shapes).
    """
    config, tensors, where = _read(model)
    family = _family(config, _name(model))
    ours = family.build(config, tensors, mlm_head)
    _fill(ours, tensors, family, _name(model))
    return ours.to(where).eval()


def layout(net: Any) -> tuple[Any, Callable[[str], list[torch.nn.Module]]]:
    """For a transformers model that `port` knows: its config in our terms, and a function from the name of
    one of our modules to theirs, in the order in which `port` stacks them. Nothing is copied. ModelError: see
    `port`.
    """
    family = _family(net.config, type(net).__name__)
    with torch.device("meta"):  # shapes alone: no memory
        config = family.build(net.config, net.state_dict(), False).config
    modules = {family.bare(name): module for name, module in net.named_modules()}
    tensors = [f"{name}.weight" for name in modules]
    return config, lambda ours: [
        modules[source.removesuffix(".weight")] for source in family.sources(f"{ours}.weight", tensors)
    ]


def _family(config: Any, model: str) -> Family:
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise ModelError(
            zh="{model} 是 {kind} 结构，port 只认识 {known}。",
            en="{model} is of architecture {kind}; port knows {known}.",
            model=model,
            kind=config.model_type,
            known=", ".join(FAMILIES),
        )
    return family


def _read(model: str | Path | Loaded) -> tuple[Any, dict[str, Tensor], torch.device]:
    """The transformers config, the tensors by name, and where the model is to live."""
    if isinstance(model, Loaded):
        return model.model.config, model.model.state_dict(), model.device
    with quiet():
        folder, _ = find(model)
        config, tensors = read_config(folder), {}
    try:
        for file in weight_files(folder):
            with safe_open(file, "pt") as opened:
                tensors |= {name: opened.get_tensor(name) for name in opened.keys()}
    except (OSError, SafetensorError) as error:
        raise ModelError(
            zh="{folder} 里的权重文件读不了：{reason}。",
            en="The weights in {folder} cannot be read: {reason}.",
            folder=folder,
            reason=reason(error),
        ) from error
    return config, tensors, torch.device("cpu")


def _fill(
    ours: course_nn.Decoder | course_nn.Encoder | course_nn.Seq2Seq,
    tensors: dict[str, Tensor],
    family: Family,
    whose: str,
) -> None:
    """Copy every tensor to its place; what does not fit, or is left over, is an error that names it."""
    tensors = {family.bare(name): tensor for name, tensor in tensors.items()}
    left = {name for name in tensors if not any(part in name for part in family.ignored)}
    tied = ours.config.tied
    with torch.no_grad():
        for name, parameter in ours.named_parameters():  # a tied head is listed once, as the embedding
            sources, parts = family.sources(name, tensors), []
            for source in sources:
                if source not in tensors:
                    raise ModelError(
                        zh="检查点缺少张量 {source}（对应 {name}）。",
                        en="The checkpoint has no tensor {source} (for {name}).",
                        source=source,
                        name=name,
                    )
                tensor = tensors[source].detach().to(parameter.device, torch.float32)
                parts.append(
                    tensor.T
                    if family.transposed and tensor.dim() == 2 and source.endswith(family.transposed)
                    else tensor
                )
                left.discard(source)
            value = torch.cat(parts) if len(parts) > 1 else parts[0]
            if value.shape != parameter.shape:
                raise ModelError(
                    zh="张量 {source} 的形状是 {found}，按 config.json 应是 {wanted}。",
                    en="Tensor {source} has the shape {found}; by config.json it should be {wanted}.",
                    source=" + ".join(sources),
                    found=list(value.shape),
                    wanted=list(parameter.shape),
                )
            finite(" + ".join(sources), value, whose)
            parameter.copy_(value)
    left -= set(family.copies) if tied else set()
    if left:
        raise ModelError(
            zh="检查点里的张量 {tensor} 在这个结构里没有位置：它不是一个普通的 {family} 模型。",
            en="The checkpoint's tensor {tensor} has no place here: this is not an ordinary {family} model.",
            tensor=sorted(left)[0],
            family=family.name,
        )


@dataclass(frozen=True)
class Family:
    """How one architecture maps to ours. table: our name -> their names, both with {i} for the number of the
    block."""

    name: str
    build: Callable[[Any, dict[str, Tensor], bool], course_nn.Decoder | course_nn.Encoder | course_nn.Seq2Seq]
    table: dict[str, str]  # "a + b": stacked; "a | b": whichever is there
    prefixes: tuple[str, ...] = ()  # of checkpoints with a head; those without one lack it
    ignored: tuple[str, ...] = ()  # buffers of old checkpoints, and parts that we do not build
    copies: tuple[str, ...] = ()  # second names of a tied matrix
    transposed: str | tuple[str, ...] = ()  # GPT-2 stores its matrices [in, out]

    def bare(self, name: str) -> str:
        return next((name.removeprefix(p) for p in self.prefixes if name.startswith(p)), name)

    def sources(self, ours: str, there: Collection[str]) -> list[str]:
        """The checkpoint's names for one of our tensors: of several possible spellings ("|") the one that is
        there."""
        block = re.search(r"\.(\d+)\.", ours)
        key = ours.replace(block[0], ".{i}.", 1) if block else ours
        module, _, kind = key.rpartition(".")  # most lines speak of a module, not of a tensor
        line, end = (self.table[key], "") if key in self.table else (self.table[module], "." + kind)
        spellings = [
            [name.replace("{i}", block[1] if block else "") + end for name in way.split(" + ")]
            for way in line.split(" | ")
        ]
        return next((names for names in spellings if names[0] in there), spellings[0])


def _activation(name: str) -> str:
    if name not in ACTIVATIONS:
        raise ModelError(
            zh="激活函数 {name} 不在 course_lib.nn 里。",
            en="course_lib.nn has no activation {name}.",
            name=name,
        )
    return ACTIVATIONS[name]


def _plain(ok: bool, option: str) -> None:
    if not ok:
        raise ModelError(
            zh="course_lib.nn 没有这个选项：{option}。",
            en="course_lib.nn does not have this option: {option}.",
            option=option,
        )


def _gpt2(c, tensors, mlm_head):
    _plain(
        c.scale_attn_weights and not c.scale_attn_by_inverse_layer_idx and not c.add_cross_attention,
        "scale_attn / cross-attention",
    )
    return course_nn.Decoder(
        course_nn.DecoderConfig(
            vocab_size=c.vocab_size,
            context=c.n_positions,
            n_layer=c.n_layer,
            n_head=c.n_head,
            d_model=c.n_embd,
            d_ff=c.n_inner,
            norm_eps=c.layer_norm_epsilon,
            activation=_activation(c.activation_function),
            tied=c.tie_word_embeddings,
        )
    )


def _llama(c, tensors, mlm_head):
    rope = c.rope_parameters
    _plain(rope["rope_type"] == "default", f"rope_type={rope['rope_type']}")
    window = getattr(c, "sliding_window", None) if getattr(c, "use_sliding_window", True) else None
    _plain(window is None or window >= c.max_position_embeddings, f"sliding_window={window}")
    return course_nn.Decoder(
        course_nn.DecoderConfig(
            vocab_size=c.vocab_size,
            context=c.max_position_embeddings,
            n_layer=c.num_hidden_layers,
            n_head=c.num_attention_heads,
            n_kv_head=c.num_key_value_heads,
            d_model=c.hidden_size,
            d_head=getattr(c, "head_dim", None),
            d_ff=c.intermediate_size,
            position="rope",
            rope_theta=rope["rope_theta"],
            norm="rms",
            norm_eps=c.rms_norm_eps,
            activation=_activation(c.hidden_act),
            gated=True,
            bias=False,
            qkv_bias=any(name.endswith("q_proj.bias") for name in tensors),
            tied=c.tie_word_embeddings,
        )
    )


def _bert(c, tensors, mlm_head):
    _plain(
        not c.is_decoder and getattr(c, "position_embedding_type", "absolute") == "absolute",
        "is_decoder / position_embedding_type",
    )
    return course_nn.Encoder(
        course_nn.EncoderConfig(
            vocab_size=c.vocab_size,
            context=c.max_position_embeddings,
            n_layer=c.num_hidden_layers,
            n_head=c.num_attention_heads,
            d_model=c.hidden_size,
            d_ff=c.intermediate_size,
            norm_eps=c.layer_norm_eps,
            activation=_activation(c.hidden_act),
            n_segment=c.type_vocab_size,
            mlm_head=mlm_head,
            tied=c.tie_word_embeddings,
        )
    )


def _t5(c, tensors, mlm_head):
    head = tensors.get("lm_head.weight")
    tied = head is None or torch.equal(head, tensors.get("shared.weight", head))
    return course_nn.Seq2Seq(
        course_nn.Seq2SeqConfig(
            vocab_size=c.vocab_size,
            context=getattr(c, "n_positions", 512),
            n_layer=c.num_layers,
            n_decoder_layer=c.num_decoder_layers,
            n_head=c.num_heads,
            d_model=c.d_model,
            d_head=c.d_kv,
            d_ff=c.d_ff,
            relative_buckets=c.relative_attention_num_buckets,
            relative_max_distance=c.relative_attention_max_distance,
            norm_eps=c.layer_norm_epsilon,
            activation=_activation(c.dense_act_fn),
            gated=c.is_gated_act,
            attention_scale=1.0,
            tied=tied,
            start_id=c.decoder_start_token_id or 0,
            logit_scale=c.d_model**-0.5 if c.scale_decoder_outputs else 1.0,
        )
    )


B = "stack.blocks.{i}."
GPT2 = Family(
    "GPT-2",
    _gpt2,
    {
        "stack.tokens": "wte",
        "stack.positions": "wpe",
        "stack.norm": "ln_f",
        "head": "lm_head",
        B + "attention_norm": "h.{i}.ln_1",
        B + "attention.qkv": "h.{i}.attn.c_attn",
        B + "attention.out": "h.{i}.attn.c_proj",
        B + "feed_forward_norm": "h.{i}.ln_2",
        B + "feed_forward.up": "h.{i}.mlp.c_fc",
        B + "feed_forward.down": "h.{i}.mlp.c_proj",
    },
    prefixes=("transformer.",),
    ignored=(".attn.bias", ".attn.masked_bias"),
    copies=("lm_head.weight",),
    transposed=("c_attn.weight", "c_proj.weight", "c_fc.weight"),
)
LLAMA = Family(
    "Llama",
    _llama,
    {
        "stack.tokens": "embed_tokens",
        "stack.norm": "norm",
        "head": "lm_head",
        B + "attention_norm": "layers.{i}.input_layernorm",
        B + "feed_forward_norm": "layers.{i}.post_attention_layernorm",
        B + "attention.qkv": "layers.{i}.self_attn.q_proj + layers.{i}.self_attn.k_proj"
        " + layers.{i}.self_attn.v_proj",
        B + "attention.out": "layers.{i}.self_attn.o_proj",
        B + "feed_forward.up": "layers.{i}.mlp.gate_proj + layers.{i}.mlp.up_proj",
        B + "feed_forward.down": "layers.{i}.mlp.down_proj",
    },
    prefixes=("model.",),
    ignored=("rotary_emb.inv_freq",),
    copies=("lm_head.weight",),
)
BERT = Family(
    "BERT",
    _bert,
    {
        "stack.tokens": "embeddings.word_embeddings",
        "stack.positions": "embeddings.position_embeddings",
        "stack.segments": "embeddings.token_type_embeddings",
        "stack.embedding_norm": "embeddings.LayerNorm",
        B + "attention.qkv": " + ".join(
            "encoder.layer.{i}.attention.self." + part for part in ("query", "key", "value")
        ),
        B + "attention.out": "encoder.layer.{i}.attention.output.dense",
        B + "attention_norm": "encoder.layer.{i}.attention.output.LayerNorm",
        B + "feed_forward.up": "encoder.layer.{i}.intermediate.dense",
        B + "feed_forward.down": "encoder.layer.{i}.output.dense",
        B + "feed_forward_norm": "encoder.layer.{i}.output.LayerNorm",
        "dense": "cls.predictions.transform.dense",
        "dense_norm": "cls.predictions.transform.LayerNorm",
        "head.weight": "cls.predictions.decoder.weight",
        "head.bias": "cls.predictions.bias",
    },
    prefixes=("bert.",),
    ignored=("position_ids", "pooler.", "cls.", "token_type_ids"),
)


def _t5_side(side: str, feed_forward: int) -> dict[str, str]:
    """One half of T5; the feed-forward network is its layer 1 in the encoder and 2 in the decoder, after
    cross-attention."""
    block, attention, cross, feed = (
        f"{side}.blocks.{{i}}.",
        f"{side}.block.{{i}}.layer.0.",
        f"{side}.block.{{i}}.layer.1.",
        f"{side}.block.{{i}}.layer.{feed_forward}.",
    )
    stacked = lambda where, parts: " + ".join(where + part for part in parts)
    return {
        f"{side}.norm": f"{side}.final_layer_norm",
        f"{side}.relative.table": f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias",
        block + "attention.qkv": stacked(attention + "SelfAttention.", "qkv"),
        block + "attention.out": attention + "SelfAttention.o",
        block + "attention_norm": attention + "layer_norm",
        block + "cross.q": cross + "EncDecAttention.q",
        block + "cross.kv": stacked(cross + "EncDecAttention.", "kv"),
        block + "cross.out": cross + "EncDecAttention.o",
        block + "cross_norm": cross + "layer_norm",
        block + "feed_forward.up": f"{feed}DenseReluDense.wi | {feed}DenseReluDense.wi_0"
        f" + {feed}DenseReluDense.wi_1",
        block + "feed_forward.down": feed + "DenseReluDense.wo",
        block + "feed_forward_norm": feed + "layer_norm",
    }


T5 = Family(
    "T5",
    _t5,
    {"encoder.tokens": "shared", "head": "lm_head"} | _t5_side("encoder", 1) | _t5_side("decoder", 2),
    copies=("lm_head.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"),
)
FAMILIES = {"gpt2": GPT2, "llama": LLAMA, "mistral": LLAMA, "qwen2": LLAMA, "bert": BERT, "t5": T5}


def _name(model: str | Path | Loaded) -> str:
    return model.card.name if isinstance(model, Loaded) else str(model)

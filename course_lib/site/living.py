"""One HTML file in which a model of the course lives: its weights in int8, its tokenizer, and a forward pass
in plain JavaScript."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import torch

from ..errors import CourseError
from ..models import load

__all__ = ["living_page"]

_HERE = Path(__file__).parent
_BLOCK = 32
# The models that the page knows how to begin with: the first tokens to choose from, and a text.
_BEGINNINGS = {
    "zh-gpt": {"starts": ["<pos>", "<neg>", "<news>"], "text": "今天天气真"},
    "zh-verse": {"starts": ["<五绝>", "<七绝>", "<五律>", "<七律>"], "text": "秋夜："},
}


def living_page(models: tuple[str, ...] = ("zh-gpt", "zh-verse")) -> str:
    """The page, 5.8 MB with both models: type, and see the next token and every attention head as you type.
    It asks nothing of any server.

    models: names of the course's own Llama-shaped models, the first one is shown first. Matrices are stored
    as int8 with a scale for each 32
    numbers, vectors as float32. CourseError: a model that the page cannot compute or does not know how to
    begin with.
    """
    payload = json.dumps({name: _packed(name) for name in models}, ensure_ascii=False).replace("<", "\\u003c")
    fill = {"CSS": "living.css", "MODEL": "llama.js", "HEADS": "heads.js", "PAGE": "living.js"}
    parts = {key: (_HERE / name).read_text("utf-8") for key, name in fill.items()} | {"DATA": payload}
    return re.sub("%%([A-Z]+)%%", lambda found: parts[found[1]], (_HERE / "living.html").read_text("utf-8"))


def _packed(name: str) -> dict[str, Any]:
    """What the page needs of one model: its shape, its vocabulary, its weights in base64."""
    loaded = load(name, device="cpu")
    config, state = loaded.model.config, loaded.model.state_dict()
    if (
        name not in _BEGINNINGS
        or config.model_type != "llama"
        or not config.tie_word_embeddings
        or config.attention_bias
        or config.mlp_bias
    ):
        raise CourseError(
            zh="{name} 不能住进这一页：它只认得 {known}，结构要和 Llama 的一样，没有偏置，"
            "输出头和词嵌入共用。",
            en="{name} cannot live in this page: it takes {known}, of Llama's shape, without "
            "biases, the output head tied to the embedding.",
            name=name,
            known=", ".join(_BEGINNINGS),
        )
    names = {"embedding": "model.embed_tokens.weight", "norm": "model.norm.weight"}
    for layer in range(config.num_hidden_layers):
        block = f"model.layers.{layer}"
        names |= {
            f"{layer}.norm1": f"{block}.input_layernorm.weight",
            f"{layer}.norm2": f"{block}.post_attention_layernorm.weight",
        }
        names |= {f"{layer}.{short}": f"{block}.self_attn.{short}_proj.weight" for short in "qkvo"}
        names |= {f"{layer}.{short}": f"{block}.mlp.{short}_proj.weight" for short in ("gate", "up", "down")}
    tensors = {short: state[long].float() for short, long in names.items()}
    shapes = [(short, weight.numel(), weight.dim() == 2) for short, weight in tensors.items()]
    data = b"".join(
        _blocks(weight) if weight.dim() == 2 else weight.numpy().tobytes() for weight in tensors.values()
    )
    shape = {
        "width": config.hidden_size,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "groups": config.num_key_value_heads,
        "headWidth": config.head_dim,
        "epsilon": config.rms_norm_eps,
        "base": config.rope_parameters["rope_theta"],
        "context": config.max_position_embeddings,
    }
    tokenizer = json.loads(loaded.tokenizer.backend_tokenizer.to_str())
    replacements = [
        (*next(iter(each["pattern"].items())), each["content"])
        for each in tokenizer["normalizer"]["normalizers"]
        if each["type"] == "Replace"
    ]
    characters = {
        "tokens": sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get),
        "replacements": replacements,
        "special": [token["content"] for token in tokenizer["added_tokens"]],
        "skipSpaces": "WhitespaceSplit" in json.dumps(tokenizer["pre_tokenizer"]),
    }
    return {
        "config": shape,
        "characters": characters,
        "shapes": shapes,
        "weights": base64.b64encode(data).decode(),
        **_BEGINNINGS[name],
    }


def _blocks(weight: torch.Tensor) -> bytes:
    """A matrix in the manner of llama.cpp's Q8_0: for each 32 numbers in a row one scale (bfloat16), then all
    numbers / scale as int8."""
    blocks = torch.nn.functional.pad(weight.flatten(), (0, -weight.numel() % _BLOCK)).view(-1, _BLOCK)
    scale = (blocks.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127).to(torch.bfloat16)
    whole = (blocks / scale.float()).round().clamp(-127, 127).to(torch.int8)
    return scale.view(torch.int16).numpy().tobytes() + whole.flatten()[: weight.numel()].numpy().tobytes()

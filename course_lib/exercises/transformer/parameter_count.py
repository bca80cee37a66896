"""transformer.parameter_count: how many parameters a Llama has, from its config.json."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def parameter_count(config):
    """The number of parameters of a Llama-style model.

    config: dict with config.json's vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
    tie_word_embeddings; optional, absent or None: num_key_value_heads (as many as heads), head_dim (hidden_size // heads). Returns an int. Heads
    not divisible by key-value heads raise ValueError.

    Steps: embedding; in each layer q, k, v, o, three FFN matrices, two RMSNorms; a last norm; a head unless tied.
    """
    D, V = config["hidden_size"], config["vocab_size"]
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads") or heads
    head_dim = config.get("head_dim") or D // heads
    if heads % kv_heads:
        raise ValueError("heads must be divisible by key-value heads")
    attention = 2 * D * heads * head_dim + 2 * D * kv_heads * head_dim   # q, o; k, v
    layer = attention + 3 * D * config["intermediate_size"] + 2 * D
    head = 0 if config["tie_word_embeddings"] else V * D
    return V * D + config["num_hidden_layers"] * layer + D + head


def count_shapes(config):
    """The shape of every tensor, multiplied out."""
    D, F, n = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    kv = config.get("num_key_value_heads", n)
    kv = n if kv is None else kv
    if n % kv != 0:
        raise ValueError(f"{n} % {kv}")
    d = config.get("head_dim", None)
    d = D // n if d is None else d
    layer = [(n * d, D), (kv * d, D), (kv * d, D), (D, n * d), (F, D), (F, D), (D, F), (D,), (D,)]
    shapes = [(config["vocab_size"], D), *layer * config["num_hidden_layers"], (D,)]
    if not config["tie_word_embeddings"]:
        shapes.append((config["vocab_size"], D))
    return sum(map(math.prod, shapes))


def count_modules(config):
    """PyTorch's modules on the device that holds no numbers."""
    D, F, n = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    kv = config.get("num_key_value_heads") or n
    if n % kv:
        raise ValueError("grouped-query attention")
    d = config.get("head_dim") or D // n
    linear = lambda i, o: torch.nn.Linear(i, o, bias=False, device="meta")
    layer = [linear(D, n * d), linear(D, kv * d), linear(D, kv * d), linear(n * d, D), linear(D, F), linear(D, F), linear(F, D)]
    size = lambda module: sum(p.numel() for p in module.parameters())
    embedding = size(torch.nn.Embedding(config["vocab_size"], D, device="meta"))
    return (1 if config["tie_word_embeddings"] else 2) * embedding + config["num_hidden_layers"] * (sum(map(size, layer)) + 2 * D) + D


def count_dict(config):
    c = {"num_key_value_heads": None, "head_dim": None, **config}
    if c["num_key_value_heads"] is None:
        c["num_key_value_heads"] = c["num_attention_heads"]
    if c["head_dim"] is None:
        c["head_dim"] = c["hidden_size"] // c["num_attention_heads"]
    groups, rest = divmod(c["num_attention_heads"], c["num_key_value_heads"])
    if rest > 0:
        raise ValueError("heads")
    kv = c["num_key_value_heads"] * c["head_dim"]
    width = (2 * groups * kv + 2 * kv) + 3 * c["intermediate_size"] + 2      # all that multiplies D in a layer
    tables = c["vocab_size"] * (2 - bool(c["tie_word_embeddings"]))
    return c["hidden_size"] * (c["num_hidden_layers"] * width + tables + 1)


def count_loop(config):
    D, heads = config["hidden_size"], config["num_attention_heads"]
    kv = heads if config.get("num_key_value_heads") is None else config["num_key_value_heads"]
    d = D // heads if config.get("head_dim") is None else config["head_dim"]
    if heads / kv != heads // kv:
        raise ValueError
    total = config["vocab_size"] * D
    for _ in range(config["num_hidden_layers"]):
        total += D + D * heads * d + D * kv * d * 2 + heads * d * D
        total += D + 2 * D * config["intermediate_size"] + config["intermediate_size"] * D
    total += D
    if config["tie_word_embeddings"] is False:
        total += D * config["vocab_size"]
    return total


def count_tensor(config):
    D, n = config["hidden_size"], config["num_attention_heads"]
    kv, d = config.get("num_key_value_heads") or n, config.get("head_dim") or D // n
    if n % kv:
        raise ValueError((n, kv))
    widths = torch.tensor([n * d, kv * d, kv * d, n * d, *[config["intermediate_size"]] * 3, 1, 1])
    return (widths.sum() * config["num_hidden_layers"] + 1 + config["vocab_size"] * (1 + (not config["tie_word_embeddings"]))) * D


def _config(V, D, F, layers, heads, tied, **more):
    return dict(vocab_size=V, hidden_size=D, intermediate_size=F, num_hidden_layers=layers, num_attention_heads=heads, tie_word_embeddings=tied, **more)


def _count_cases(draw: Draw) -> list[Case]:
    grouped, tied, own = L(zh="键值头比查询头少", en="fewer key-value heads than heads"), L(zh="输出头", en="the output head"), L(zh="head_dim", en="head_dim")
    refuse = L(zh="头数除不尽", en="heads that do not divide")
    heads, groups = draw.int(2, 5), draw.int(2, 4)
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (_config(10, 4, 6, 1, 2, True, num_key_value_heads=1),), grouped),
        Case(L(zh="一层，一个头，绑定", en="one layer, one head, tied"), (_config(7, 4, 5, 1, 1, True),)),
        Case(L(zh="输出头不绑定", en="an untied head"), (_config(11, 6, 8, 2, 3, False),), tied),
        Case(L(zh="SmolLM2-135M", en="SmolLM2-135M"), (_config(49152, 576, 1536, 30, 9, True, num_key_value_heads=3),), grouped),
        Case(L(zh="Llama 2 7B", en="Llama 2 7B"), (_config(32000, 4096, 11008, 32, 32, False, num_key_value_heads=32),), tied),
        Case(L(zh="head_dim 另外给出", en="a head_dim of its own"), (_config(20, 6, 10, 3, 4, True, head_dim=8, num_key_value_heads=2),), own),
        Case(L(zh="head_dim 另外给出，不绑定", en="a head_dim of its own, untied"), (_config(151, 10, 31, 2, 2, False, head_dim=7),), own),
        Case(L(zh="两个键都是 None", en="both optional keys are None"), (_config(13, 8, 12, 2, 4, False, num_key_value_heads=None, head_dim=None),), L(zh="值为 None 的键", en="keys whose value is None")),
        Case(L(zh="只有一个键值头", en="a single key-value head"), (_config(9, 8, 20, 4, 4, True, num_key_value_heads=1),), grouped),
        Case(L(zh="没有层", en="no layers"), (_config(5, 4, 6, 0, 2, False),)),
        Case(L(zh="随机", en="random"), (_config(draw.int(30, 60), 4 * heads * groups, draw.int(20, 60), draw.int(2, 6), heads * groups, False, num_key_value_heads=heads),), grouped),
        Case(L(zh="6 个头，4 个键值头", en="6 heads, 4 key-value heads"), (_config(10, 12, 8, 1, 6, True, num_key_value_heads=4),), refuse),
        Case(L(zh="2 个头，4 个键值头", en="2 heads, 4 key-value heads"), (_config(10, 8, 8, 1, 2, True, num_key_value_heads=4),), refuse),
    ]


_ATTENTION = L(zh="q 和 o 各有 D × (头数·头宽)，k 和 v 各有 D × (键值头数·头宽)。", en="q and o have D × (heads · head width) each, k and v D × (key-value heads · head width).")
_FFN = L(zh="门控前馈网络有三个 D × F 的矩阵：gate、up、down。", en="The gated network has three matrices of D × F: gate, up and down.")
_NORMS = L(zh="每层两个 RMSNorm，最后还有一个，各有 D 个参数。", en="Two RMSNorms in each layer and one at the end, of D parameters each.")
_HEAD = L(zh="绑定时输出头就是词向量表，只算一次；不绑定时再加一张 V × D。", en="A tied head is the embedding itself and counts once; an untied one is another V × D.")
_OPTIONAL = L(zh="可选的键可能没有，也可能是 None：两种情况都用默认值。", en="An optional key may be absent or None: both mean the default.")
_REFUSE = L(zh="头数不能被键值头数整除时，题目要 ValueError。", en="Where heads are not divisible by key-value heads the task asks for ValueError.")
_QO, _KV = "2 * D * heads * head_dim", "2 * D * kv_heads * head_dim"
_RAISE = "    if heads % kv_heads:\n        raise ValueError(\"heads must be divisible by key-value heads\")\n"

EXERCISE = Exercise(
    id="transformer.parameter_count", title=L(zh="数参数", en="Counting parameters"), reference=parameter_count, returns=Array("", dtype="int"), cases=_count_cases,
    hints=(
        L(zh="分四块数：词向量表 V·D；每层的注意力、前馈网络和两个归一化；最后一个归一化；不绑定时的输出头 V·D。",
          en="Count four parts: the embedding V·D; the attention, network and two norms of each layer; the last norm; the head V·D where it is not tied."),
        L(zh="注意力：q 和 o 的一边是 头数·头宽，k 和 v 的一边是 键值头数·头宽。前馈网络是三个 D·F。",
          en="Attention: one side of q and o is heads · head width, one side of k and v is key-value heads · head width. The network is three times D·F."),
        L(zh="`config.get(\"head_dim\") or D // heads` 同时处理了没有这个键和值为 None。别忘了除不尽时的 ValueError。",
          en="`config.get(\"head_dim\") or D // heads` deals with an absent key and with None at once. Remember the ValueError where heads do not divide."),
    ),
    mistakes=(
        Mistake("pc-always-tied", L(zh="从来没有算输出头", en="the head is never counted"), _HEAD, ("D + head", "D"), skill="count", hint=1),
        Mistake("pc-always-untied", L(zh="总是算了输出头，绑定时也算", en="the head is always counted, tied or not"), _HEAD, ("0 if config[\"tie_word_embeddings\"] else V * D", "V * D"), skill="count", hint=1),
        Mistake("pc-tied-inverted", L(zh="绑定时算了输出头，不绑定时没有算", en="the head is counted where it is tied, and not where it is untied"), _HEAD,
                ("0 if config[\"tie_word_embeddings\"] else V * D", "V * D if config[\"tie_word_embeddings\"] else 0"), skill="count", hint=1),
        Mistake("pc-kv-ignored", L(zh="k 和 v 也按全部的头来算", en="k and v are counted with all heads"), _ATTENTION, (_KV, _QO), skill="count"),
        Mistake("pc-kv-for-all", L(zh="q 和 o 也按键值头来算", en="q and o are counted with the key-value heads"), _ATTENTION, (_QO, _KV), skill="count"),
        Mistake("pc-no-output-projection", L(zh="没有算 o（输出投影）", en="o, the output projection, is not counted"), _ATTENTION, (_QO, "D * heads * head_dim"), skill="count"),
        Mistake("pc-kv-once", L(zh="k 和 v 只算了一个", en="only one of k and v is counted"), _ATTENTION, (_KV, "D * kv_heads * head_dim"), skill="count"),
        Mistake("pc-head-dim-ignored", L(zh="头宽总是 D // 头数，没有用 head_dim", en="the head width is always D // heads, whatever head_dim says"), _ATTENTION,
                ("config.get(\"head_dim\") or D // heads", "D // heads"), skill="count", hint=3),
        Mistake("pc-output-square", L(zh="o 按 D × D 来算", en="o is counted as D × D"), _ATTENTION, (_QO, "D * heads * head_dim + D * D"), skill="count"),
        Mistake("pc-ffn-two", L(zh="前馈网络只算了两个矩阵", en="only two matrices of the network are counted"), _FFN, ("3 * D * config", "2 * D * config"), skill="count"),
        Mistake("pc-ffn-4D", L(zh="前馈网络的宽度用了 4D，不是 intermediate_size", en="the width of the network is taken as 4D, not intermediate_size"), _FFN,
                ("3 * D * config[\"intermediate_size\"]", "3 * D * 4 * D"), skill="count"),
        Mistake("pc-no-norms", L(zh="没有算归一化", en="the norms are not counted"), _NORMS, (" + 2 * D\n", "\n"), (" + D + head", " + head"), skill="count", hint=1),
        Mistake("pc-no-layer-norms", L(zh="没有算各层的归一化", en="the norms of the layers are not counted"), _NORMS, (" + 2 * D\n", "\n"), skill="count", hint=1),
        Mistake("pc-one-norm", L(zh="每层只算了一个归一化", en="one norm a layer is counted"), _NORMS, (" + 2 * D\n", " + D\n"), skill="count", hint=1),
        Mistake("pc-no-final-norm", L(zh="没有算最后一个归一化", en="the last norm is not counted"), _NORMS, (" + D + head", " + head"), skill="count", hint=1),
        Mistake("pc-layer-norm", L(zh="归一化按 LayerNorm 算，每个多了偏置", en="the norms are counted as LayerNorms, with a bias each"), _NORMS, (" + 2 * D\n", " + 4 * D\n"), (" + D + head", " + 2 * D + head"), skill="count", hint=1),
        Mistake("pc-biases", L(zh="给每个线性层算了偏置", en="every linear layer is counted with a bias"), L(zh="Llama 的线性层没有偏置。", en="Llama's linear layers have no biases."),
                (" + 2 * D\n", " + 2 * D + heads * head_dim + 2 * kv_heads * head_dim + D + 2 * config[\"intermediate_size\"] + D\n"), skill="count"),
        Mistake("pc-no-embedding", L(zh="没有算词向量表", en="the embedding is not counted"), _HEAD, ("return V * D + config", "return config"), skill="count", hint=1),
        Mistake("pc-one-layer", L(zh="只算了一层", en="one layer is counted"), L(zh="每层一份，共 num_hidden_layers 层。", en="Every layer counts, num_hidden_layers of them."), ("config[\"num_hidden_layers\"] * layer", "layer"), skill="count", hint=1),
        Mistake("pc-final-norm-each-layer", L(zh="最后的归一化每层都算了一次", en="the last norm is counted in every layer"), _NORMS, (" + 2 * D\n", " + 3 * D\n"), (" + D + head", " + head"), skill="count", hint=1),
        Mistake("pc-one-kv-head", L(zh="没有 num_key_value_heads 时只算了一个键值头", en="without num_key_value_heads a single key-value head is counted"), _OPTIONAL,
                ("config.get(\"num_key_value_heads\") or heads", "config.get(\"num_key_value_heads\") or 1"), skill="edge", hint=3),
        Mistake("pc-none", L(zh="值为 None 的键没有换成默认值", en="a key whose value is None does not get its default"), _OPTIONAL, ("config.get(\"num_key_value_heads\") or heads", "config.get(\"num_key_value_heads\", heads)"), skill="edge", hint=3),
        Mistake("pc-required", L(zh="没有可选的键就报错", en="an absent optional key raises an error"), _OPTIONAL, ("config.get(\"num_key_value_heads\")", "config[\"num_key_value_heads\"]"), skill="edge", hint=3),
        Mistake("pc-no-check", L(zh="头数除不尽时没有抛出 ValueError", en="heads that do not divide raise no ValueError"), _REFUSE, (_RAISE, ""), skill="edge", hint=3),
        Mistake("pc-assert", L(zh="头数除不尽时抛出的是 AssertionError", en="heads that do not divide raise AssertionError"), _REFUSE, ("raise ValueError(\"heads must be divisible by key-value heads\")", "raise AssertionError"), skill="edge", hint=3),
        Mistake("pc-float", L(zh="返回的是浮点数", en="a float is returned"), L(zh="题目要整数。", en="The task asks for an int."), ("return V * D", "return 1.0 * V * D"), skill="formula", hint=1),
    ),
    alternatives=(count_shapes, count_modules, count_dict, count_loop, count_tensor, (("0 if config[\"tie_word_embeddings\"] else V * D", "V * D * (not config[\"tie_word_embeddings\"])"),)),
    think=L(zh="SmolLM2-135M 的参数里，词向量表占几分之一？7B 的呢？", en="What share of SmolLM2-135M's parameters is its embedding? And of a 7B model's?"),
)

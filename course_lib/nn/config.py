"""What a transformer is made of, in numbers. Three frozen configs; the defaults are GPT-2's, BERT's and T5's.

    DecoderConfig(vocab_size=65, context=64, n_layer=4, n_head=4, d_model=128)            # a small GPT
    # a Llama
    DecoderConfig(vocab_size=49152, position="rope", norm="rms", activation="silu", gated=True, bias=False)

The letters used for shapes all through the course: B batch, T query positions, S key positions, H heads,
D model width, V vocabulary, L layers.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Config", "DecoderConfig", "EncoderConfig", "Seq2SeqConfig"]

POSITIONS = ("learned", "sinusoidal", "rope", "relative", "none")
NORMS = ("layer", "rms")
ACTIVATIONS = ("gelu", "gelu_tanh", "relu", "silu")


@dataclass(frozen=True)
class Config:
    """The numbers that every stack of blocks needs. A contradiction raises ValueError when the config is
    made."""

    vocab_size: int
    context: int = 1024  # the longest sequence
    n_layer: int = 12
    n_head: int = 12
    n_kv_head: int | None = (
        None  # fewer than n_head: grouped-query attention (Ainslie et al. 2023); None: n_head
    )
    d_model: int = 768
    d_head: int | None = None  # None: d_model / n_head
    d_ff: int | None = None  # width inside the feed-forward network; None: 4 * d_model
    position: str = "learned"  # learned, sinusoidal, rope, relative (T5's bias) or none
    rope_theta: float = 10_000.0  # the slowest wave of RoPE is about this many positions / 2 pi long
    relative_buckets: int = 32  # T5: how many distances the bias tells apart ...
    relative_max_distance: int = 128  # ... and from where on all distances count as one
    norm: str = "layer"  # layer (Ba et al. 2016) or rms (Zhang & Sennrich 2019)
    norm_eps: float = 1e-5
    norm_first: bool = True  # normalise before each sublayer (GPT-2) or after the residual sum (BERT)
    embedding_norm: bool = False  # one more norm on the embeddings (BERT)
    activation: str = "gelu_tanh"
    gated: bool = False  # a second input matrix gates the first: silu + gated is SwiGLU (Shazeer 2020)
    bias: bool = True  # biases in linear layers and in LayerNorm
    qkv_bias: bool | None = None  # None: as `bias`
    attention_scale: float | None = (
        None  # None: 1 / sqrt(d_head); T5 puts it into its initial weights and uses 1
    )
    dropout: float = 0.0
    tied: bool = True  # the output head is the embedding matrix (Press & Wolf 2017)
    logit_scale: float = 1.0  # T5 with a tied head: d_model ** -0.5

    def __post_init__(self):
        for name in ("vocab_size", "context", "n_layer", "n_head", "d_model"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)} / {name} 至少是 1")
        fill = lambda name, value: (
            object.__setattr__(self, name, value) if getattr(self, name) is None else None
        )
        if self.d_head is None and self.d_model % self.n_head:
            raise ValueError(
                f"d_model {self.d_model} is not divisible by {self.n_head} heads / d_model "
                f"{self.d_model} 不能被 {self.n_head} 个头整除"
            )
        fill("n_kv_head", self.n_head)
        fill("d_head", self.d_model // self.n_head)
        fill("d_ff", 4 * self.d_model)
        fill("qkv_bias", self.bias)
        if self.n_head % self.n_kv_head:
            raise ValueError(
                f"{self.n_head} heads cannot share {self.n_kv_head} key/value heads evenly / "
                f"{self.n_head} 个头不能平均共用 {self.n_kv_head} 个键值头"
            )
        for name, allowed in (("position", POSITIONS), ("norm", NORMS), ("activation", ACTIVATIONS)):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name}={getattr(self, name)!r}: choose from {', '.join(allowed)} / 只能选 "
                    f"{'、'.join(allowed)}"
                )
        if self.position == "rope" and self.d_head % 2:
            raise ValueError(
                f"RoPE turns pairs of numbers, so d_head must be even, not {self.d_head} / RoPE "
                f"成对旋转，d_head 必须是偶数"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), not {self.dropout} / dropout 应在 [0, 1) 内")


@dataclass(frozen=True)
class DecoderConfig(Config):
    """A causal language model; the defaults are GPT-2's (Radford et al. 2019)."""


@dataclass(frozen=True)
class EncoderConfig(Config):
    """A bidirectional encoder; the defaults are BERT's (Devlin et al. 2019)."""

    context: int = 512
    norm_eps: float = 1e-12
    norm_first: bool = False
    embedding_norm: bool = True
    activation: str = "gelu"
    n_segment: int = 2  # segment embeddings (sentence A or B); 0: none
    mlm_head: bool = False  # True: logits [B,T,V] for masked tokens instead of hidden states [B,T,D]


@dataclass(frozen=True)
class Seq2SeqConfig(Config):
    """An encoder and a decoder of n_layer blocks each; the defaults are T5-small's (Raffel et al. 2020)."""

    context: int = 512
    n_layer: int = 6
    n_decoder_layer: int | None = None  # None: n_layer
    n_head: int = 8
    d_model: int = 512
    position: str = "relative"
    norm: str = "rms"
    norm_eps: float = 1e-6
    activation: str = "relu"
    bias: bool = False
    start_id: int = 0  # what the decoder reads before its first token (T5: the padding token)

    def __post_init__(self):
        super().__post_init__()
        if self.n_decoder_layer is None:
            object.__setattr__(self, "n_decoder_layer", self.n_layer)

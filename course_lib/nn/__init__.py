"""Transformers from scratch, in plain torch. Read `gpt` first, a whole GPT without options; then, one idea a
file,

config (what there is to choose) - positions - attention - cache - block - stack - loss - models - bilstm.

    import course_lib as cl
    model = cl.nn.Decoder(cl.nn.DecoderConfig(vocab_size=65, context=64, n_layer=4, n_head=4, d_model=128))
"""

from .attention import Attention, Scope, attend
from .bilstm import BiLSTM
from .block import Block, FeedForward
from .cache import KVCache, LayerCache
from .config import DecoderConfig, EncoderConfig, Seq2SeqConfig
from .gpt import GPT
from .loss import head_loss
from .models import Decoder, Encoder, Seq2Seq
from .positions import RelativeBias, rope_table, rotate, sinusoids

__all__ = [
    "Attention",
    "BiLSTM",
    "Block",
    "Decoder",
    "DecoderConfig",
    "Encoder",
    "EncoderConfig",
    "FeedForward",
    "GPT",
    "KVCache",
    "LayerCache",
    "RelativeBias",
    "Scope",
    "Seq2Seq",
    "Seq2SeqConfig",
    "attend",
    "head_loss",
    "rope_table",
    "rotate",
    "sinusoids",
]

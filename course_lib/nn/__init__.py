"""Transformers from scratch, in plain torch. Read them in this order; each file is one idea:

config (what there is to choose) - positions - attention - cache - block - stack - loss - models - bilstm.

    import course_lib as cl
    model = cl.nn.Decoder(cl.nn.DecoderConfig(vocab_size=65, context=64, n_layer=4, n_head=4, d_model=128))
"""
from .attention import Attention, attend
from .bilstm import BiLSTM
from .block import Block, FeedForward
from .cache import KVCache
from .config import DecoderConfig, EncoderConfig, Seq2SeqConfig
from .loss import head_loss
from .models import Decoder, Encoder, Seq2Seq
from .positions import RelativeBias, rope_table, rotate, sinusoids

__all__ = ["Attention", "BiLSTM", "Block", "Decoder", "DecoderConfig", "Encoder", "EncoderConfig", "FeedForward", "KVCache", "RelativeBias",
           "Seq2Seq", "Seq2SeqConfig", "attend", "head_loss", "rope_table", "rotate", "sinusoids"]

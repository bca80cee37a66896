"""Tiny random models with a byte-level tokenizer of their own: every path of the viewer in a second."""

from types import SimpleNamespace

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BertModel,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

import course_lib as cl

TEXT = "The cat sat on the mat. The cat sat on 猫坐在垫子上。"


def tokenizer(marks: bool = False) -> PreTrainedTokenizerFast:
    """Byte-level BPE of 300 pieces; with `marks`, [CLS] and [SEP] around each text."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["[CLS]", "[SEP]", "[MASK]", "[PAD]"]
    raw.train_from_iterator(
        [TEXT.split("猫")[0]] * 4,
        trainers.BpeTrainer(
            vocab_size=300,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    if marks:
        raw.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 0), ("[SEP]", 1)],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        pad_token="[PAD]",
        eos_token="[SEP]",
    )


def _loaded(model, marks=False):
    return SimpleNamespace(
        model=model.eval(),
        tokenizer=tokenizer(marks),
        card=SimpleNamespace(name=f"tiny-{model.config.model_type}"),
    )


def ported(model):
    """The same weights in course_lib.nn."""
    return cl.models.port(cl.Loaded(model, None, SimpleNamespace(name="tiny"), torch.device("cpu")))


def llama(layers: int = 3, heads: int = 4, context: int = 128):
    """Grouped-query attention: two key-value heads."""
    torch.manual_seed(0)
    return _loaded(
        LlamaForCausalLM(
            LlamaConfig(
                vocab_size=300,
                hidden_size=8 * heads,
                intermediate_size=32,
                num_hidden_layers=layers,
                num_attention_heads=heads,
                num_key_value_heads=2,
                max_position_embeddings=context,
                initializer_range=0.4,
            )
        )
    )


def gpt2():
    torch.manual_seed(0)
    return _loaded(
        GPT2LMHeadModel(
            GPT2Config(vocab_size=300, n_embd=24, n_layer=2, n_head=3, n_positions=64, initializer_range=0.4)
        )
    )


def neox():
    """Queries, keys and values from one fused projection."""
    torch.manual_seed(0)
    return _loaded(
        GPTNeoXForCausalLM(
            GPTNeoXConfig(
                vocab_size=300,
                hidden_size=24,
                num_hidden_layers=2,
                num_attention_heads=3,
                intermediate_size=32,
                max_position_embeddings=64,
                initializer_range=0.4,
            )
        )
    )


def bert(head: bool = False):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=300,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=32,
        max_position_embeddings=64,
        initializer_range=0.4,
    )
    return _loaded(BertForMaskedLM(config) if head else BertModel(config), marks=True)


def t5():
    torch.manual_seed(0)
    return _loaded(
        T5ForConditionalGeneration(
            T5Config(
                vocab_size=300,
                d_model=24,
                d_kv=8,
                d_ff=32,
                num_layers=2,
                num_heads=3,
                decoder_start_token_id=3,
                pad_token_id=3,
                eos_token_id=1,
            )
        )
    )

"""Tokenizers made from our own text, as the files that Hugging Face's `AutoTokenizer` reads.

One character is one token. A Chinese character is a meaningful unit by itself, a mask then stands for exactly
one
character, and 4,000 of them cover the text; a subword vocabulary would need several times as many rows in the
embedding, most of them seldom trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tokenizers
    from transformers import PreTrainedTokenizerFast

__all__ = ["character_tokenizer", "parallel_tokenizer", "sentence_tokenizer"]

# Written one way only: a model of 4 million parameters should not learn every mark twice.
_PUNCTUATION = {
    "...": "…",
    ",": "，",
    "!": "！",
    "?": "？",
    ":": "：",
    ";": "；",
    "(": "（",
    ")": "）",
    "~": "～",
}


def normalizer(lowercase: bool) -> tokenizers.normalizers.Normalizer:
    """Full-width letters and digits become half-width (NFKC), half-width punctuation becomes Chinese
    punctuation."""
    from tokenizers import Regex, normalizers

    rules = [
        normalizers.NFKC(),
        *(normalizers.Replace(half, full) for half, full in _PUNCTUATION.items()),
        normalizers.Replace(Regex(r"(?<=[\u3400-\u9fff])\."), "。"),
    ]
    return normalizers.Sequence(rules + [normalizers.Lowercase()] * lowercase)


def character_tokenizer(
    texts: Iterable[str],
    *,
    specials: Sequence[str],
    roles: dict[str, str],
    lowercase: bool,
    min_count: int = 4,
    keep_spaces: bool = False,
    template: str | None = None,
    max_length: int,
) -> PreTrainedTokenizerFast:
    """A character-level tokenizer whose vocabulary is `specials`, then the characters of `texts` by
    frequency.

    roles:     what the special tokens are for, as transformers names it: {"unk_token": "[UNK]", ...};
    "unk_token" is required
    min_count: characters seen less often become the unknown token
    template:  put around every text, such as "[CLS] $A [SEP]"
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    normal = normalizer(lowercase)
    counts = Counter()
    for text in texts:
        counts.update(normal.normalize_str(text))
    if not keep_spaces:
        del counts[" "]
    characters = [
        character
        for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count >= min_count
    ]
    vocabulary = {token: i for i, token in enumerate([*specials, *characters])}

    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=roles["unk_token"]))
    tokenizer.normalizer = normal
    single = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.pre_tokenizer = (
        single if keep_spaces else pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), single])
    )
    tokenizer.decoder = decoders.Fuse()
    inputs = ["input_ids", "attention_mask"]
    if template:
        inputs = ["input_ids", "token_type_ids", "attention_mask"]
        # "[CLS] $A [SEP]" -> "[CLS] $A [SEP] $B [SEP]"
        pair = template + template.split("$A")[1].replace(" ", " $B ", 1)
        pair = pair.replace("$B", "$B:1").replace("$B:1 [SEP]", "$B:1 [SEP]:1")
        tokenizer.post_processor = processors.TemplateProcessing(
            single=template, pair=pair, special_tokens=[(token, vocabulary[token]) for token in specials]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
        model_input_names=inputs,
        additional_special_tokens=[token for token in specials if token not in roles.values()],
        **roles,
    )


def sentence_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """One character, one token: every character of `texts`, and <s> and </s> around each sentence.

    Ids 0 to 4 are <pad>, <s>, </s>, <unk> and ▢, the mask.
    """
    specials = ["<pad>", "<s>", "</s>", "<unk>", "▢"]
    roles = dict(zip(("pad_token", "bos_token", "eos_token", "unk_token", "mask_token"), specials))
    return character_tokenizer(
        texts,
        specials=specials,
        roles=roles,
        lowercase=False,
        min_count=1,
        template="<s> $A </s>",
        max_length=512,
    )


def parallel_tokenizer(texts: Iterable[str], *, max_length: int) -> PreTrainedTokenizerFast:
    """One vocabulary for translation: Chinese characters, and French and English words (an elided "j'" is
    one).

    Ids 0, 1, 2 are <pad>, </s> (put after every text) and <unk>, as in T5. Decoding gives "j'aime le thé ."
    """
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[\u3400-\u9fff。、]"), "isolated"),
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split("'", "merged_with_previous"),
        ]
    )
    words = Counter(
        word
        for text in texts
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))
    )
    order = sorted(words, key=lambda word: (-words[word], word))
    tokenizer.model = models.WordLevel(
        {word: i for i, word in enumerate(["<pad>", "</s>", "<unk>", *order])}, unk_token="<unk>"
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B:1 </s>:1", special_tokens=[("</s>", 1)]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.WordPiece(prefix="##", cleanup=False), decoders.Fuse(), decoders.Replace("' ", "'")]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
    )

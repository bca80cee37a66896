"""loss.bits_per_byte: bits per byte."""
from __future__ import annotations

import math

import torch

from ...i18n import L
from ..engine.contract import Scalar
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def bits_per_byte(total_nll, text):
    """Bits per UTF-8 byte, a unit that no tokenizer can bend.

    total_nll: negative log-likelihood of the whole text in nats; text: str. Returns a float.
    """
    n_bytes = len(text.encode("utf-8"))
    return total_nll / math.log(2) / n_bytes


def bits_log2e(total_nll, text):
    return total_nll * math.log2(math.e) / len(bytes(text, "utf8"))


def bits_torch(total_nll, text):
    return torch.tensor(total_nll, dtype=torch.float64).div(torch.log(torch.tensor(2.0))) / len(list(text.encode()))


def bits_numpy(total_nll, text):
    import numpy as np
    return np.divide(total_nll, np.log(2) * np.frombuffer(text.encode(), dtype=np.uint8).size)


def bits_by_character(total_nll, text):
    width = sum(1 + (ord(c) > 0x7F) + (ord(c) > 0x7FF) + (ord(c) > 0xFFFF) for c in text)
    return total_nll / (width * 0.6931471805599453)


def bits_log_base(total_nll, text):
    return math.log(math.exp(total_nll / len(text.encode("utf-8"))), 2)


def _bits_cases(draw: Draw) -> list[Case]:
    nats = draw.floats(7, 5.0, 60.0)
    wide = L(zh="一个字符多个字节的文本", en="text with several bytes a character")
    return [
        Case(L(zh="英文", en="English"), (nats[0], "The cat sat on the mat.")),
        Case(L(zh="中文", en="Chinese"), (nats[1], "今天天气很好，我们去公园吧。"), wide),
        Case(L(zh="中英混排", en="mixed text"), (nats[2], "Attention 就是加权平均"), wide),
        Case(L(zh="表情与重音", en="emoji and accents"), (nats[3], "café 🙂👍"), wide),
        Case(L(zh="一个字母", en="a single letter"), (nats[4], "a")),
        Case(L(zh="一个汉字", en="a single Han character"), (nats[5], "我"), wide),
        Case(L(zh="空格和换行", en="spaces and line breaks"), (nats[6] * 10, "line one\n\n  line two \t end\n")),
    ]


_BYTES = L(zh="分母要数 UTF-8 字节：`text.encode(\"utf-8\")` 之后再取长度。",
        en="The denominator counts UTF-8 bytes: encode the text, then take the length.")
_LN2 = L(zh="1 nat 等于 1/ln 2 ≈ 1.44 bit。", en="One nat is 1/ln 2 ≈ 1.44 bits.")

EXERCISE = Exercise(
    id="loss.bits_per_byte", title=L(zh="每字节比特数", en="Bits per byte"), reference=bits_per_byte, returns=Scalar, cases=_bits_cases,
    hints=(
        L(zh="两件事：把 nat 换成 bit，再除以字节数。", en="Two things: turn nats into bits, then divide by the number of bytes."),
        L(zh="ln 和 log₂ 只差一个常数 ln 2：从 nat 到 bit 是乘还是除？",
                en="ln and log2 differ by the constant ln 2: is it times or divided by, from nats to bits?"),
        L(zh="一个汉字占 3 个字节，`len(text)` 数的是字符。", en="A Han character takes 3 bytes; `len(text)` counts characters."),
    ),
    mistakes=(
        Mistake("bpb-characters", L(zh="除以了字符数而不是字节数", en="it is divided by characters, not bytes"),
                _BYTES,
                ("len(text.encode(\"utf-8\"))", "len(text)"), skill="count", hint=3),
        Mistake("bpb-nats", L(zh="没有换成 bit，单位还是 nat",
                en="it is not turned into bits: the unit is still nats"), _LN2,
                (" / math.log(2)", ""), skill="formula"),
        Mistake("bpb-times-ln2", L(zh="乘了 ln 2 而不是除", en="it is multiplied by ln 2"), _LN2,
                ("/ math.log(2)", "* math.log(2)"),
                skill="formula"),
        Mistake("bpb-words", L(zh="除以了按空格分的词数", en="it is divided by the words between spaces"), _BYTES,
                ("len(text.encode(\"utf-8\"))", "len(text.split())"), skill="count", hint=3),
        Mistake("bpb-total-bits", L(zh="没有除以字节数", en="it is not divided by the number of bytes"),
                L(zh="题目要的是每字节。", en="The task asks for a figure per byte."), (" / n_bytes", ""),
                skill="count", hint=1),
        Mistake("bpb-utf16", L(zh="用了 UTF-16 编码来数字节", en="bytes are counted in UTF-16"), _BYTES,
                ("utf-8", "utf-16-le"), skill="formula",
                hint=3, also=((("utf-8", "utf-16"),),)),
        Mistake("bpb-log10", L(zh="用了 ln 10 而不是 ln 2", en="ln 10 is used, not ln 2"), _LN2,
                ("math.log(2)", "math.log(10)"),
                skill="formula"),
        Mistake("bpb-perplexity", L(zh="又取了 e 或 2 的幂，成了每字节的困惑度",
                en="a power of e or 2 is taken, which gives a perplexity per byte"),
                L(zh="bit 数本身就是对数，不用再取指数。", en="Bits are logarithms already."),
                ("total_nll / math.log(2) / n_bytes",
                "math.exp(total_nll / n_bytes)"), skill="formula", hint=1,
                also=((("total_nll / math.log(2) / n_bytes", "2 ** (total_nll / n_bytes)"),),)),
        Mistake("bpb-sign", L(zh="多了一个负号", en="there is a minus sign too many"),
                L(zh="total_nll 已经是负对数似然。", en="total_nll is a negative log-likelihood already."),
                ("return total",
                "return -total"), skill="formula", hint=1),
        Mistake("bpb-per-bit", L(zh="又除以了 8，成了每比特", en="it is divided by 8 as well, per bit of text"),
                L(zh="题目要的是每字节。", en="The task asks for a figure per byte."), ("/ n_bytes", "/ n_bytes / 8"),
                skill="count", hint=1),
        Mistake("bpb-no-spaces", L(zh="空格没有算进字节数", en="spaces are not counted as bytes"), _BYTES,
                ("text.encode", "text.replace(\" \", \"\").encode"), skill="count", hint=3,
                also=((("text.encode", "\"\".join(text.split()).encode"),),)),
        Mistake("bpb-inverted", L(zh="算成了每比特多少字节", en="it is bytes per bit"),
                L(zh="谁除以谁？", en="Which is divided by which?"),
                ("total_nll / math.log(2) / n_bytes", "n_bytes / (total_nll / math.log(2))"), skill="formula",
                hint=1),
        Mistake("bpb-gbk", L(zh="用了 GBK 编码来数字节", en="bytes are counted in GBK"), _BYTES,
                ("encode(\"utf-8\")", "encode(\"gbk\", \"replace\")"),
                skill="count", hint=3, also=((("encode(\"utf-8\")", "encode(\"gbk\", \"ignore\")"),),
                                             (("encode(\"utf-8\")", "encode(\"gb18030\")"),))),
        Mistake("bpb-fixed-width", L(zh="每个非 ASCII 字符都按同样的字节数算",
                en="every non-ASCII character is taken to have the same number of bytes"), _BYTES,
                ("len(text.encode(\"utf-8\"))", "sum(1 if c.isascii() else 2 for c in text)"), skill="count", hint=3,
                also=((("len(text.encode(\"utf-8\"))", "sum(1 if c.isascii() else 3 for c in text)"),),)),
        Mistake("bpb-per-character", L(zh="每个字符都按同样的字节数算（2、3 或 4）",
                en="every character is taken to have the same number of bytes, 2, 3 or 4"), _BYTES,
                ("len(text.encode(\"utf-8\"))", "4 * len(text)"), skill="count", hint=3,
                also=((("len(text.encode(\"utf-8\"))", "3 * len(text)"),),
                (("len(text.encode(\"utf-8\"))", "2 * len(text)"),),
                      (("\"utf-8\"", "\"utf-32\""),))),
        Mistake("bpb-log-of-total", L(zh="对 total_nll 又取了一次 log2", en="log2 is taken of total_nll"),
                L(zh="total_nll 已经是对数；换单位只要除以 ln 2。",
                en="total_nll is a logarithm already; the unit changes by dividing by ln 2."),
                ("total_nll / math.log(2)", "math.log2(total_nll)"), skill="formula", hint=2,
                also=((("total_nll / math.log(2) / n_bytes", "math.log2(total_nll / n_bytes)"),),)),
        Mistake("bpb-strip", L(zh="去掉首尾空白之后才数字节", en="bytes are counted after the text was stripped"),
                _BYTES,
                ("text.encode", "text.strip().encode"), skill="count", hint=3),
        Mistake("bpb-floor", L(zh="用了整除", en="integer division is used"),
                L(zh="`//` 会丢掉小数部分。", en="`//` drops the fraction."),
                ("/ n_bytes", "// n_bytes"), skill="formula", hint=1),
        Mistake("bpb-ascii", L(zh="非 ASCII 字符没有算进字节数", en="non-ASCII characters are left out of the bytes"),
                _BYTES,
                ("encode(\"utf-8\")", "encode(\"ascii\", \"ignore\")"), skill="count", hint=3),
        Mistake("bpb-distinct", L(zh="数的是不重复的字符或字节", en="distinct characters or bytes are counted"),
                _BYTES,
                ("len(text.encode(\"utf-8\"))", "len(set(text))"), skill="count", hint=3,
                also=((("len(text.encode(\"utf-8\"))", "len(set(text.encode(\"utf-8\")))"),),)),
        Mistake("bpb-times-bytes", L(zh="乘了字节数而不是除", en="it is multiplied by the number of bytes"),
                L(zh="题目要的是每字节。", en="The task asks for a figure per byte."), ("/ n_bytes", "* n_bytes"),
                skill="count", hint=1),
    ),
    alternatives=(bits_log2e, bits_torch, bits_numpy, bits_by_character, bits_log_base),
    think=L(zh="为什么每字节比特数可以跨分词器比较，困惑度却不行？", en="Why can bits per byte be compared across tokenizers when perplexity cannot?"),
)

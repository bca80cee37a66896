"""The stops of a guided tour through a decoder: for each tensor of a `Trace` its place in the diagram, a
sentence, and a guess.

What is right is read off the tensors themselves; nothing here knows beforehand how the model behaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...i18n import L
from ...interpret import Trace
from ..html import Markup, bars, visible

__all__ = ["Ask", "Stop", "stops"]


@dataclass(frozen=True)
class Ask:
    """A guess: its options (different from one another), the index of the right one, and what is to be seen
    once it is made."""

    text: L
    options: tuple[str, ...]
    right: int
    note: L


@dataclass(frozen=True)
class Stop:
    """name: of the tensor, as in `Trace`. box: its label in the diagram; stops of one `row` stand side by
    side; block: inside a block.

    values: the whole tensor. table [heads, rows, columns]: what of it is shown, and the labels of rows and
    columns (none: they are numbered).
    """

    name: str
    title: L
    axes: str
    values: np.ndarray
    text: L
    box: str
    row: int
    block: bool = False
    table: np.ndarray | None = None
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    extra: Markup = Markup()
    ask: Ask | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape


# a token above its id
_PAIR = Markup(
    '<span style="display:inline-block;text-align:center;margin:2px 14px 6px 0">{}<br><b>{}</b></span>'
)
_HEADS, _COLUMNS = 9, 64  # shown of a tensor: the page stays under a megabyte
_NORMS = {
    "rms": L(
        zh="RMSNorm 把每个词元的向量各自缩放：均方根变成 1，再给每一列乘上学到的系数。",
        en="RMSNorm rescales each token's vector by itself: its root mean square becomes 1, then "
        "each column is multiplied by a learned factor.",
    ),
    "layer": L(
        zh="LayerNorm 把每个词元的向量各自调整：均值变成 0，方差变成 1，再给每一列乘上、加上学到的系数。",
        en="LayerNorm adjusts each token's vector by itself: mean 0 and variance 1, then each "
        "column is multiplied by a learned factor and shifted.",
    ),
}


def stops(found: Trace) -> list[Stop]:
    """The stops in the order of the computation."""
    c, x = found.config, found.tensors
    labels = tuple(visible(label) for label in found.tokens.labels)
    named = [f"“{label}” ({i})" for i, label in enumerate(labels)]
    T, G, last = len(labels), c.n_kv_head, named[-1]
    length = lambda name: np.linalg.norm(x[name][0], axis=-1)  # (T,)
    norm = "RMSNorm" if c.norm == "rms" else "LayerNorm"
    made: list[Stop] = []

    def stop(
        name: str,
        title: L,
        axes: str,
        text: L,
        box: object,
        ask: Ask | None = None,
        beside: bool = False,
        **more,
    ) -> None:
        values = more.pop("values", x.get(name))
        if "extra" not in more and "table" not in more:
            more["table"] = (values[0] if values.ndim == 4 else values)[:_HEADS, :, :_COLUMNS]
        row = made[-1].row + (not beside) if made else 0
        made.append(Stop(name, title, axes, values, text, str(box), row, ask=ask, **{"rows": labels, **more}))

    inside = lambda *args, **more: stop(*args, block=True, **more)
    shape = lambda name: str(x[name].shape)
    grows = L(zh="变长了", en="longer"), L(zh="变短了", en="shorter")
    longer = lambda before, after: _ask(
        L(
            zh="看最后一个词元 {last}：它的向量变长了还是变短了？",
            en="Take the last token, {last}: does its vector get longer or shorter?",
        ).format(last=last),
        grows,
        grows[int(length(after)[-1] < length(before)[-1])],
        L(zh="长度从 {a:.3g} 变成 {b:.3g}。", en="Its length goes from {a:.3g} to {b:.3g}.").format(
            a=length(before)[-1], b=length(after)[-1]
        ),
    )

    stop(
        "ids",
        L(zh="词元编号", en="Token ids"),
        "(B, T)",
        L(
            zh="分词器把文本切成 {T} 个词元，每个换成它在词表里的编号。模型从这里开始只看得到编号。",
            en="The tokenizer cuts the text into {T} tokens and gives each its number in the "
            "vocabulary. From here on the model sees numbers only.",
        ).format(T=T),
        L(zh="词元编号", en="token ids"),
        extra=Markup().join(map(_PAIR.format, labels, found.tokens.ids)),
    )
    stop(
        "embedding",
        L(zh="词嵌入", en="Embedding"),
        "(B, T, D)",
        L(
            zh="每个编号从一张表里取出一行。表有 {V:,} 行，每行 {D} 个数。",
            en="Each id picks one row of a table of {V:,} rows, each of them {D} numbers.",
        ).format(V=c.vocab_size, D=c.d_model),
        L(zh="词嵌入", en="embedding"),
        _ask(
            L(zh="取出来的张量是什么形状？", en="Which shape has what comes out?"),
            (str((1, T, c.vocab_size)), shape("embedding"), str((c.vocab_size, c.d_model))),
            shape("embedding"),
            L(
                zh="每个词元一个向量，一个向量 {D} 个数。",
                en="One vector for each token, {D} numbers a vector.",
            ).format(D=c.d_model),
        ),
    )
    if c.position in ("learned", "sinusoidal"):
        stop(
            "x0",
            L(zh="加上位置", en="Positions added"),
            "(B, T, D)",
            L(
                zh="给每个词元的向量加上它所在位置的向量，顺序从此有了区别。",
                en="The vector of its position is added to each token's: from here on the order matters.",
            ),
            L(zh="位置", en="positions"),
        )
    inside("norm1", L(zh="归一化", en="Norm"), "(B, T, D)", _NORMS[c.norm], norm, longer("x0", "norm1"))
    inside(
        "q",
        L(zh="查询 q", en="Queries q"),
        "(B, H, T, d)",
        L(
            zh="乘上 W_q，再切成 {H} 个头，每头 {d} 个数：每个词元用它去找别的词元。",
            en="Times W_q, then cut into {H} heads of {d} numbers: with these, each token looks for others.",
        ).format(H=c.n_head, d=c.d_head),
        "q",
    )
    inside(
        "k",
        L(zh="键 k", en="Keys k"),
        "(B, G, T, d)",
        L(zh="乘上 W_k：别的词元凭它找到这个词元。", en="Times W_k: by these, others find this token."),
        "k",
        _ask(
            L(zh="q 的形状是 {q}。k 呢？", en="q has the shape {q}. And k?").format(q=shape("q")),
            (shape("q"), shape("k"), str((1, 1, T, c.d_head)), str((1, c.n_head, c.d_head, T))),
            shape("k"),
            L(zh="每个头有自己的键。", en="Each head has keys of its own.")
            if G == c.n_head
            else L(
                zh="{H} 个查询头分成 {G} 组，每组 {n} 个头共用一份键和值（分组查询注意力）。",
                en="The {H} query heads form {G} groups; the {n} heads of a group share keys and "
                "values (grouped-query attention).",
            ).format(H=c.n_head, G=G, n=c.n_head // G),
        ),
        beside=True,
    )
    inside(
        "v",
        L(zh="值 v", en="Values v"),
        "(B, G, T, d)",
        L(
            zh="乘上 W_v：一个词元被看到时，交出去的就是它。",
            en="Times W_v: what a token hands over when it is looked at.",
        ),
        "v",
        beside=True,
    )
    if c.position == "rope":
        turned = [i for i in range(T) if not np.array_equal(x["q"][0, :, i], x["q_turned"][0, :, i])]
        still = named[min(set(range(T)) - set(turned))] if len(turned) == T - 1 else None
        nobody = L(zh="都变了", en="none of them")
        inside(
            "q_turned",
            L(zh="RoPE：按位置旋转", en="RoPE: turned by position"),
            "(B, H, T, d)",
            L(
                zh="q 和 k 里的数两两成对，各转一个角度，位置越靠后转得越多。这样一来，"
                "位置对 q·k 的影响只剩两者相隔多远。这里是转过的 q。",
                en="The numbers of q and k form pairs; each pair is turned by an angle that grows "
                "with the position, so that of where two tokens stand "
                "only their distance matters to q·k. Shown is q, turned.",
            ),
            "RoPE",
            _ask(
                L(zh="哪个词元的 q 原封不动？", en="Which token's q stays as it was?"),
                (named[0], last, nobody),
                still or nobody,
                L(
                    zh="位置从 0 数起，位置 0 转的角度是 0。",
                    en="Positions count from 0, and position 0 turns by an angle of 0.",
                ),
            ),
        )
    seen = int(np.isfinite(x["scores"][0, 0]).sum())
    inside(
        "scores",
        L(zh="分数与掩码", en="Scores and mask"),
        "(B, H, T, S)",
        L(
            zh="每一对词元算一个 q·k / √d；掩码再把“往后看”的格子改成 −∞（画 × 的格子）。",
            en="One q·k / √d for each pair of tokens; then the mask puts −∞ wherever a token would "
            "look ahead (the cells with a ×).",
        ),
        L(zh="分数·掩码", en="scores, mask"),
        _ask(
            L(
                zh="每个头有 {T} × {T} = {n} 格。掩码留下几格？",
                en="Each head has {T} × {T} = {n} cells. How many does the mask leave?",
            ).format(T=T, n=T * T),
            (str(T * T), str(T * (T + 1) // 2), str(T * (T - 1) // 2)),
            str(seen),
            L(
                zh="第 t 个词元看得到自己和前面的，一共 1 + 2 + … + {T} = {n} 格。",
                en="Each token sees itself and what came before it: 1 + 2 + … + {T} = {n} cells.",
            ).format(T=T, n=seen),
        ),
        columns=labels,
    )
    row = x["weights"][0, 0, -1]
    inside(
        "weights",
        L(zh="softmax：注意力权重", en="Softmax: attention weights"),
        "(B, H, T, S)",
        L(
            zh="softmax 把每一行变成加起来等于 1 的权重，−∞ 变成 0。",
            en="softmax turns each row into weights that sum to 1; −∞ becomes 0.",
        ),
        "softmax",
        _ask(
            L(
                zh="第 0 个头里，最后一个词元 {last} 最看重谁？",
                en="In head 0, which token does the last one, {last}, look at most?",
            ).format(last=last),
            [named[i] for i in sorted({0, T // 2, max(T - 2, 0), T - 1, int(row.argmax())})],
            named[int(row.argmax())],
            L(
                zh="权重是 {w:.2f}。下面可以换别的头看。",
                en="Its weight is {w:.2f}. Choose another head below to compare.",
            ).format(w=row.max()),
        ),
        columns=labels,
    )
    own = x["v"][0, :, 0].repeat(c.n_head // G, axis=0)
    means = (
        L(zh="所有 v 的平均", en="the mean of all v"),
        L(zh="它自己的 v", en="its own v"),
        L(zh="全是 0", en="zeros"),
    )
    far = [
        np.abs(x["mixed"][0, :, 0] - other).max()
        for other in (x["v"][0].mean(1).repeat(c.n_head // G, axis=0), own, 0 * own)
    ]
    inside(
        "mixed",
        L(zh="加权平均", en="Weighted mean"),
        "(B, H, T, d)",
        L(
            zh="每个头用权重给 v 求加权平均：weights @ v。",
            en="Each head takes the mean of the v, weighted: weights @ v.",
        ),
        "weights @ v",
        _ask(
            L(zh="第一个词元 {first} 得到的是什么？", en="What does the first token, {first}, get?").format(
                first=named[0]
            ),
            means if T > 1 else (),
            means[int(np.argmin(far))],
            L(zh="它只看得到自己，权重就是 1。", en="It sees itself alone, so the weight is 1."),
        ),
    )
    inside(
        "attention",
        L(zh="输出投影", en="Output projection"),
        "(B, T, D)",
        L(
            zh="把各个头并排放好，乘上 W_o：每个词元又是一个 {D} 个数的向量。",
            en="The heads side by side, times W_o: again one vector of {D} numbers for each token.",
        ).format(D=c.d_model),
        "W_o",
    )
    inside(
        "x1",
        L(zh="残差连接：加上注意力", en="Residual: attention added"),
        "(B, T, D)",
        L(
            zh="x + 注意力：进来的向量不被替换，而是在它上面加。",
            en="x + attention: what came in is not replaced, it is added to.",
        ),
        "+",
        longer("x0", "x1"),
    )
    inside(
        "norm2",
        L(zh="第二次归一化", en="Second norm"),
        "(B, T, D)",
        L(
            zh="进前馈网络之前再归一化一次，系数是另外学的。",
            en="Once more before the feed-forward network, with learned factors of its own.",
        ),
        norm,
    )
    wide = _ask(
        L(zh="{D} 个数进去，出来多少？", en="{D} numbers go in for each token. How many come out?").format(
            D=c.d_model
        ),
        (str(c.d_model), str(c.d_ff), str(c.d_head)),
        str(x["up"].shape[-1]),
        L(zh="前馈网络里面的宽度 F 是 {F}。", en="Inside, the feed-forward network is F = {F} wide.").format(
            F=c.d_ff
        ),
    )
    if c.gated:
        inside(
            "gate",
            L(zh="门", en="Gate"),
            "(B, T, F)",
            L(
                zh="乘上 W_gate：每个词元各算各的，词元之间没有来往。",
                en="Times W_gate, for each token by itself: here tokens exchange nothing.",
            ),
            "gate",
            wide,
        )
        inside(
            "up",
            L(zh="升维", en="Up"),
            "(B, T, F)",
            L(
                zh="乘上 W_up：同样多的数，等着过门。",
                en="Times W_up: as many numbers, which the gate will let through or not.",
            ),
            "up",
            beside=True,
        )
    else:
        inside(
            "up",
            L(zh="升维", en="Up"),
            "(B, T, F)",
            L(zh="乘上 W_up：每个词元各算各的。", en="Times W_up, for each token by itself."),
            "up",
            wide,
        )
    below = float((x["gate" if c.gated else "up"] < 0).mean())
    yes, no = L(zh="有", en="yes"), L(zh="没有", en="no")
    act = c.activation.split("_")[0]
    what, product = (
        (L(zh="门", en="the gate"), f"{act}(gate) · up")
        if c.gated
        else (L(zh="上一步的数", en="the numbers of the last step"), f"{act}(up)")
    )
    inside(
        "hidden",
        L(zh="门控相乘", en="Gated product") if c.gated else L(zh="激活函数", en="Activation"),
        "(B, T, F)",
        L(
            zh="{product}，逐个数相乘：{act} 把负数压到 0 附近，那里几乎什么也过不去。"
            if c.gated
            else "{product}：{act} 把负数压到 0 附近。",
            en="{product}, number by number: {act} brings negative numbers close to 0, and there "
            "hardly anything passes."
            if c.gated
            else "{product}: {act} brings negative numbers close to 0.",
        ).format(product=product, act=act),
        product,
        _ask(
            L(zh="{what}里，有没有一半以上是负的？", en="Is more than half of {what} negative?").format(
                what=what
            ),
            (yes, no),
            yes if below > 0.5 else no,
            L(zh="负的占 {share:.0%}。", en="{share:.0%} of the numbers are below 0.").format(share=below),
        ),
    )
    inside(
        "down",
        L(zh="降维", en="Down"),
        "(B, T, D)",
        L(zh="乘上 W_down，回到 {D} 个数。", en="Times W_down: back to {D} numbers for each token.").format(
            D=c.d_model
        ),
        "down",
    )
    attended, fed = length("attention")[-1], length("down")[-1]
    parts = L(zh="注意力", en="attention"), L(zh="前馈网络", en="the feed-forward network")
    more = parts[int(fed > attended)]
    inside(
        "x2",
        L(zh="残差连接：加上前馈网络", en="Residual: feed-forward added"),
        "(B, T, D)",
        L(zh="第二次相加。这就是第 0 块的输出。", en="The second sum. This is what leaves block 0."),
        "+",
        _ask(
            L(
                zh="第 0 块给最后一个词元加了两个向量。哪一个更长？",
                en="Block 0 has added two vectors to the last token's. Which was longer?",
            ),
            parts,
            more,
            L(
                zh="注意力加的长 {a:.3g}，前馈网络加的长 {f:.3g}。",
                en="Attention's is {a:.3g} long, the feed-forward network's {f:.3g}.",
            ).format(a=attended, f=fed),
        ),
    )
    peaks = x["lengths"][:, 0].max(0)  # (T,)
    peak = int(peaks.argmax())
    stop(
        "lengths",
        L(zh="其余的块", en="The other blocks"),
        "(L+1, B, T)",
        L(
            zh="再来 {n} 块，结构一样，各有各的权重。第 n 行是走过 n 块之后，每个词元的向量有多长。",
            en="{n} more blocks of the same build, each with weights of its own. Row n shows how "
            "long each token's vector is after n blocks.",
        ).format(n=c.n_layer - 1),
        f"× {c.n_layer}",
        _ask(
            L(
                zh="一路上，谁的向量达到过最大的长度？",
                en="Which token's vector becomes the longest on the way?",
            ),
            [named[i] for i in sorted({0, T // 2, T - 1, peak})],
            named[peak],
            L(
                zh="过了 {b} 块，它长 {m:,.0f}；其余词元最长到 {o:,.0f}。",
                en="After {b} blocks it is {m:,.0f} long; none of the others gets beyond {o:,.0f}.",
            ).format(
                b=int(x["lengths"][:, 0, peak].argmax()),
                m=peaks[peak],
                o=max([*peaks[:peak], *peaks[peak + 1 :]], default=0),
            ),
        ),
        table=x["lengths"][:, 0][None],
        rows=tuple(str(i) for i in range(c.n_layer + 1)),
        columns=labels,
    )
    stop(
        "final",
        L(zh="最后的归一化", en="Final norm"),
        "(B, T, D)",
        L(
            zh="最后归一化一次，系数也是另外学的。",
            en="One last norm, again with learned factors of its own.",
        ),
        norm,
    )
    best, words = [i for i, *_ in found.likely], [visible(word) for _, word, _ in found.likely]
    stop(
        "logits",
        L(zh="logits：打分", en="Logits"),
        "(B, T, V)",
        L(
            zh="乘上词嵌入那张表（两处用同一张）：每个词元的位置，都给下一个词元打分。"
            "只画最后一行得分最高的 {n} 列。"
            if c.tied
            else "乘上输出矩阵：每个词元的位置，都给下一个词元打分。只画最后一行得分最高的 {n} 列。",
            en=("Times the embedding table, which serves twice" if c.tied else "Times the output matrix")
            + ": at each position, scores for the token that comes next. Shown are the {n} columns "
            "with the highest scores of the last row.",
        ).format(n=len(best)),
        "logits",
        _ask(
            L(zh="每个位置有多少个分数？", en="How many scores are there at each position?"),
            (f"{T:,}", f"{c.d_model:,}", f"{c.vocab_size:,}"),
            f"{x['logits'].shape[-1]:,}",
            L(zh="词表里每个词元一个。", en="One for each token of the vocabulary."),
        ),
        table=x["logits"][:, :, best],
        columns=tuple(words),
    )
    shares = {word: p for word, (_, _, p) in zip(words[:10], found.likely)}
    z = x["logits"][0, -1].astype(np.float64)
    stop(
        "probabilities",
        L(zh="概率", en="Probabilities"),
        "(V,)",
        L(
            zh="softmax 把最后一行变成概率。这里是最大的 {n} 个。",
            en="softmax turns the last row into probabilities. These are the {n} largest.",
        ).format(n=len(shares)),
        L(zh="概率", en="probabilities"),
        _ask(
            L(zh="哪个词元最可能接下去？", en="Which token is the likeliest to come next?"),
            sorted(words[:4]),
            words[0],
            L(zh="概率 {p:.1%}。", en="With probability {p:.1%}.").format(p=found.likely[0][2]),
        ),
        values=np.exp(z - z.max()) / np.exp(z - z.max()).sum(),
        extra=bars(shares, mark=words[0]),
    )
    stop(
        "next",
        L(zh="下一个词元", en="The next token"),
        "(B, 1)",
        L(
            zh="取最可能的一个，接在后面；再走一遍，就有下一个。写文章，就是这样一个词元一个词元地写。",
            en="The likeliest is put at the end; another pass gives the one after it. That is how a "
            "text is written, token by token.",
        ),
        L(zh="下一个词元", en="next token"),
        values=np.array([[found.likely[0][0]]]),
        extra=Markup(
            '<p style="font-size:16px;white-space:pre-wrap">{}<b style="border-bottom:2px solid '
            '#ee7733">{}</b></p>'
        ).format(found.text, found.likely[0][1]),
    )
    return made


def _ask(text: L, options: Sequence[object], right: object, note: L) -> Ask | None:
    """None where there is nothing to choose: a text of one token leaves some questions a single answer, or
    the truth is none of the options."""
    said = tuple(dict.fromkeys(map(str, options)))
    return Ask(text, said, said.index(str(right)), note) if len(said) > 1 and str(right) in said else None

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 4 · Transformer 全貌：四十行代码，一个真模型

前一章写了注意力。可是注意力只是 Transformer 的一个零件，剩下的是什么，怎样拼起来？
这一章把零件一个一个写出来，拼成大约四十行的模型，装上 SmolLM2 的 1.35 亿个参数。**如果你的每一行都对，这些参数就会开口说话**；错一行，说出来的就是胡话。

这一章回答四个问题：

- 一个词元从进门到出门，一路上经过什么？（看一遍真的前向传播）
- 你的四十行能不能和 `transformers` 算出同样的 logits？（装上真权重，比一比）
- 归一化、残差、位置、掩码、前馈网络，各管什么？（拆掉一个，重新训练，看坏在哪里）
- GPT、BERT、T5 差在哪里，1.35 亿个参数又放在哪里？（画出来）
"""
# %% en [md]
r"""
# 4 · The whole Transformer: forty lines and a real model

The last chapter wrote attention. But attention is only one part of a Transformer; what are the others, and how do they fit together?
In this chapter you write the parts one by one, put them together into a model of about forty lines, and load SmolLM2's 135 million parameters into it. **If every line of yours is right, those parameters will speak**; get one line wrong, and what comes out is gibberish.

This chapter answers four questions:

- What does a token pass on its way through the model? (watch a real forward pass)
- Can your forty lines compute the same logits as `transformers`? (load real weights and compare)
- What do the norm, the residual, positions, the mask and the feed-forward network each do? (take one out, train again, see what breaks)
- How do GPT, BERT and T5 differ, and where do 135 million parameters sit? (draw it)
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")

# %% zh [md]
r"""
## 4.1 跟着一个词元走一遍

第四份讲义把 Transformer 的步骤排成一列：词嵌入、多头注意力、前馈网络，然后才是位置编码。这个次序对吗？先凭你知道的排一排。
（**词嵌入**：按编号从表里取出一行数，作为这个词元的向量。**前馈网络**：对每个位置单独做的一个小网络，4.4 节讲。**输出头**：把最后的向量变成整个词表的分数。）
"""
# %% en [md]
r"""
## 4.1 Follow a token through

The fourth handout lists the steps of a Transformer in this order: embedding, multi-head attention, feed-forward network, and only then the positional encoding. Is that right? First sort them yourself.
(The **embedding** looks up a row of numbers in a table, the token's vector. The **feed-forward network** is a small network for each position by itself; see section 4.4. The **output head** turns the last vector into scores for the whole vocabulary.)
"""
# %% rows="E31"
parts = {
    "embedding": cl.L(zh="查词嵌入表", en="look up the embedding"),
    "mixed": cl.L(zh="注意力混合各个位置的值", en="attention mixes the values"),
    "down": cl.L(zh="前馈网络", en="feed-forward network"),
    "q_turned": cl.L(zh="加上位置信息", en="add the positions"),
    "logits": cl.L(zh="输出头给出 logits", en="output head: logits"),
    "final": cl.L(zh="最后的归一化", en="last norm"),
}
cl.guess("transformer.order",
         cl.L(zh="在 SmolLM2 的第一层里，次序是怎样的？", en="In SmolLM2's first block, what is the order?"),
         order=list(parts.values()))

# %% zh [md]
r"""
下面是 SmolLM2 读一句话的全过程，每一个数都来自真正的一次前向传播。用“下一步”（或键盘的 →）走一遍：亮起的是现在算到的部分，下面是真张量的形状和一小片数值；有几步会先请你猜。
字母和前一章一样：B 是批（这里是 1），T 是词元数，H 是查询头数，d 是一个头的宽度，D 是模型的宽度，V 是词表大小。新的两个：G 是键值头数，F 是前馈网络里面的宽度。
`The cat sat on the mat because it was` 是“猫坐在垫子上，因为它……”；SmolLM2 主要读英文，所以这里用英文，换成你自己的句子也行。
"""
# %% en [md]
r"""
Here is the whole of SmolLM2 reading a sentence; every number comes from one real forward pass. Walk through it with “next” (or →): what lights up is the part being computed, and below it are the shape and a slice of the real tensor; at some steps you are asked to guess first.
The letters are those of the last chapter: B for the batch (1 here), T tokens, H query heads, d the width of a head, D the width of the model, V the size of the vocabulary. Two are new: G key-value heads, and F, the width inside the feed-forward network.
Put in a sentence of your own and run the cell again.
"""
# %% rows="R39 E31"
model = cl.load("smollm2-135m")
text = "The cat sat on the mat because it was"

tour = cl.tour(model, text)
display(tour)
names = [step.name for step in tour.steps]
right = sorted(parts, key=names.index)
cl.guess.result("transformer.order", [parts[name] for name in right])

# %% zh [md]
r"""
位置不在前馈网络之后。SmolLM2 在**每一层的注意力里面**，打分之前，把位置转进查询和键（4.3 节）；2017 年的原版把位置加在词嵌入上，在第一层之前。两种都早于第一次打分，为什么必须早，4.8 节有实验。

还有两样东西，五份讲义一次也没有提到：每个子层之前的**归一化**，和每个子层之后的**加号**。没有它们，三十层的模型训练不起来。4.7 节会拆掉试试。

## 4.2 归一化：让数保持在同一个尺度

一层接一层往上加，向量会越来越长。下面取 SmolLM2 的真张量：`lengths` 是每层之前，每个词元向量的长度。
"""
# %% en [md]
r"""
Positions do not come after the feed-forward network. SmolLM2 turns them into queries and keys **inside the attention of every block**, before anything is scored (section 4.3); the original of 2017 added them to the embeddings, before the first block. Both come before the first score. Why they must, an experiment in 4.8 shows.

Two more things are mentioned in none of the five handouts: the **norm** before every sublayer, and the **plus sign** after it. Section 4.7 takes them out.

## 4.2 The norm: keep numbers on one scale

Block after block something is added, and vectors grow. Take SmolLM2's real tensors: `lengths` has the length of each token's vector before every block.
"""
# %%
from functools import partial
import torch
from torch import nn

found = cl.interpret.trace(model, text)
real = {name: torch.tensor(values) for name, values in found.tensors.items()}
config, first = model.model.config, model.model.model.layers[0]

def same(a, b, tolerance=1e-4):
    return bool((a - b).abs().max() < tolerance)

for layer in (0, 1, 10, 20, 30):
    print(f"{layer:2d}", *(f"{length:7.1f}" for length in real["lengths"][layer, 0]))

# %% zh [md]
r"""
一个位置的长度可以是另一个的几百倍，上层是下层的几十倍。第一个词元特别长，很多头正是把“没处可看”的权重放在那里（3.1 节见过）。
如果注意力直接读这样的向量，分数就由长度说了算。于是每个子层读之前，先把向量除以自己的大小，方向不变，再乘一组学来的权重：

$$\mathrm{RMSNorm}(x)=\frac{x}{\sqrt{\frac1D\sum_i x_i^2+\epsilon}}\odot w$$

$\odot$ 是逐个相乘。这叫 **RMSNorm**（[Zhang 与 Sennrich 2019](https://arxiv.org/abs/1910.07467)）。GPT-2 和 BERT 用的 **LayerNorm** 还先减去均值，最后加一个偏置。

## 练习 1 · RMSNorm

写 `rms_norm(x, weight, eps=1e-5)`：`x` 形状 [...,D]，`weight` 形状 [D]；返回形状和类型都同 `x`。平方的平均沿最后一个轴算，`eps` 加在平均上，在根号里面；一行全 0 就得全 0。
半精度（`float16`、`bfloat16`）的输入，先转成 `float32` 算，最后转回来：平方很容易超出 `float16` 的 65504。不许用 `F.rms_norm` 和 `nn.RMSNorm`。
例：x 是 [1, 7]，`weight` 是 [1, 2]，`eps` 是 0：平方的平均是 25，结果 [0.2, 2.8]。
"""
# %% en [md]
r"""
The vector at one position can be hundreds of times as long as at another, and vectors in late blocks tens of times as long as in early ones. The first token's is especially long: it is where many heads put their weight when they have nothing to look at (you saw it in section 3.1).
If attention read such vectors as they are, length would decide the scores. So before every sublayer each vector is divided by its own size, which keeps its direction, and multiplied by learnt weights:

$$\mathrm{RMSNorm}(x)=\frac{x}{\sqrt{\frac1D\sum_i x_i^2+\epsilon}}\odot w$$

$\odot$ multiplies entry by entry. This is **RMSNorm** ([Zhang and Sennrich 2019](https://arxiv.org/abs/1910.07467)). The **LayerNorm** of GPT-2 and BERT first subtracts the mean and adds a bias at the end.

## Exercise 1 · RMSNorm

Write `rms_norm(x, weight, eps=1e-5)`: `x` has shape [...,D], `weight` [D]; the result has the shape and the type of `x`. The squares are averaged along the last axis; `eps` is added to that average, inside the root; a row of zeros gives zeros.
Half precision (`float16`, `bfloat16`) is computed in `float32` and turned back at the end, because squares easily exceed the 65504 that `float16` can hold. `F.rms_norm` and `nn.RMSNorm` are forbidden.
Example: x = [1, 7], `weight` = [1, 2] and `eps` = 0: the mean of the squares is 25, the result [0.2, 2.8].
"""
# %% exercise id="transformer.rms_norm"
...
# %%
cl.check("transformer.rms_norm")
rms_norm = cl.use("transformer.rms_norm")

class Norm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(c.hidden_size))

    def forward(self, x):
        return rms_norm(x, self.weight)

norm, x = Norm(config), real["embedding"]                   # x: (1, T, D)
norm.load_state_dict(first.input_layernorm.state_dict())
print(cl.L(zh="和真模型的一样", en="equals the real model's"), same(norm(x), real["norm1"]))

# %% zh [md]
r"""
你的函数和真模型的第一次归一化一样；而且，向量放大一百倍，子层读到的还是同样的数。

## 4.3 位置：把向量转一个角度

前一章看到，注意力自己看不见次序。SmolLM2 的办法是**旋转位置编码**（RoPE，[Su 等 2021](https://arxiv.org/abs/2104.09864)）。查询和键的 d 个数，两两配对，当作平面上的一支箭；位置是 $m$，就把第 $i$ 对转过 $m\theta_i$ 的角：

$$\begin{pmatrix}a\\b\end{pmatrix}\to\begin{pmatrix}a\cos m\theta_i-b\sin m\theta_i\\ a\sin m\theta_i+b\cos m\theta_i\end{pmatrix},\qquad \theta_i=\mathrm{base}^{-2i/d}$$

好处在点积里。两支箭的点积只看长度和夹角；查询转了 $m\theta$，键转了 $n\theta$，夹角只变了 $(m-n)\theta$。**分数只知道两个词元相隔多远**，不知道各自在第几个。转得快的对分辨近处，转得慢的对分辨远处，像钟的秒针和时针。

## 练习 2 · RoPE

写 `rope(x, offset=0, base=10000.0)`：`x` 形状 [B,H,T,d]，第 t 行站在位置 offset + t；返回形状和类型同 `x`。配对用 Llama 的办法：第 i 列配第 i + d/2 列，i 从 0 到 d/2 − 1，前一个是 a，后一个是 b。角度用 `float32` 或更高的精度算；d 是奇数时抛出 `ValueError`。
例：一行 [1, 0, 0, 1]，`offset` 是 1，`base` 是 100：第 0 对 (1, 0) 转 1 弧度，第 1 对 (0, 1) 转 0.1 弧度，结果 [0.5403, −0.0998, 0.8415, 0.995]。
"""
# %% en [md]
r"""
Your function equals the real model's first norm; and with vectors a hundred times as long, a sublayer still reads the same numbers.

## 4.3 Positions: turn the vector by an angle

Attention alone cannot see order, as the last chapter showed. SmolLM2 uses **rotary position embeddings** (RoPE, [Su et al. 2021](https://arxiv.org/abs/2104.09864)). The d numbers of a query or key are paired up, and each pair is taken as an arrow in a plane; at position $m$ the $i$-th pair is turned by the angle $m\theta_i$:

$$\begin{pmatrix}a\\b\end{pmatrix}\to\begin{pmatrix}a\cos m\theta_i-b\sin m\theta_i\\ a\sin m\theta_i+b\cos m\theta_i\end{pmatrix},\qquad \theta_i=\mathrm{base}^{-2i/d}$$

The gain is in the dot product. It depends only on the lengths of two arrows and the angle between them; turn the query by $m\theta$ and the key by $n\theta$, and that angle changes by $(m-n)\theta$ alone. **The score knows how far apart two tokens are**, and not where each of them stands. Pairs that turn fast tell near positions apart, pairs that turn slowly tell far ones apart, like the second hand and the hour hand of a clock.

## Exercise 2 · RoPE

Write `rope(x, offset=0, base=10000.0)`: `x` has shape [B,H,T,d], and row t stands at position offset + t; the result has the shape and the type of `x`. Pair as Llama does: column i goes with column i + d/2, for i from 0 to d/2 − 1; the first is a, the second b. Compute the angles in `float32` or better; an odd d raises `ValueError`.
Example: a row [1, 0, 0, 1] with `offset` 1 and `base` 100: pair 0, (1, 0), turns by 1 radian and pair 1, (0, 1), by 0.1; the result is [0.5403, −0.0998, 0.8415, 0.995].
"""
# %% exercise id="transformer.rope"
...
# %% rows="R7"
cl.check("transformer.rope")
rope = cl.use("transformer.rope")

base = model.model.config.rope_parameters["rope_theta"]
print("base", base, cl.L(zh="和真模型的一样", en="equals the real model's"),
      same(rope(real["q"], base=base), real["q_turned"]))
q, k = torch.randn(2, 1, 1, 1, 64, generator=torch.Generator().manual_seed(0))
for m, n in ((5, 3), (105, 103), (5005, 5003), (5, 4), (5, 0)):
    score = (rope(q, offset=m) * rope(k, offset=n)).sum()
    print(f"m {m:4d}  n {n:4d}  m − n {m - n}   q·k {score:.2f}")

# %% zh [md]
r"""
前三行相隔都是 2，分数一样，不管在开头还是五千个词元以后；相隔变了，分数才变。

下面是同一个查询（橙）和同一把键（蓝）在四对坐标里的箭。拖动两个位置：两个一起加 10，箭都转了，夹角不变；只动一个，夹角才变。最左边的一对转得最快，最右边的几乎不动。
"""
# %% en [md]
r"""
In the first three lines the tokens are 2 apart and the score is the same, at the start and five thousand tokens later; only another distance gives another score.

Below are one query (orange) and one key (blue) as arrows in four of their pairs. Drag the two positions: add 10 to both and all arrows turn while the angles between them stay; move one, and the angles change. The leftmost pair turns fastest, the rightmost hardly at all.
"""
# %% rows="R7"
import matplotlib.pyplot as plt
def hands(query, key):
    figure, axes = plt.subplots(1, 4, figsize=(8.4, 2.3))
    for axis, pair in zip(axes, (0, 2, 5, 7)):
        for vector, position, colour in ((q, query, "#ee7733"), (k, key, "#4477aa")):
            a, b = rope(vector[..., :16], offset=position, base=100.0)[0, 0, 0, [pair, pair + 8]]
            length = math.hypot(a, b)
            axis.plot([0, a / length], [0, b / length], "-o", color=colour, linewidth=3)
        axis.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal", xticks=[], yticks=[],
                 title=f"θ = {100 ** (-pair / 8):.3f}")
    score = (rope(q, offset=query) * rope(k, offset=key)).sum()
    figure.suptitle(f"m − n = {query - key}    q·k = {score:.2f}", y=1.08)
    return figure

cl.viz.explore(hands, query=(0, 40, 12), key=(0, 40, 10))

# %% zh [md]
r"""
## 4.4 前馈网络：每个位置自己想一想

注意力从别处取东西；**前馈网络**（feed-forward network，FFN）对每个位置单独做：变宽，过一个弯曲的函数，再变窄。SmolLM2 用的是带门的一种，叫 **SwiGLU**（[Shazeer 2020](https://arxiv.org/abs/2002.05202)）。一支算“内容”（up），另一支算“门”（gate），逐个相乘，再降回原来的宽度：

$$\mathrm{SwiGLU}(x)=W_{\mathrm{down}}\big(\mathrm{SiLU}(W_{\mathrm{gate}}x)\odot W_{\mathrm{up}}x\big),\qquad \mathrm{SiLU}(z)=z\cdot\sigma(z)$$

$\sigma(z)=1/(1+e^{-z})$ 把任何数压进 0 到 1。门大负时，这一格关上；门大正时，原样放行。

## 练习 3 · SwiGLU

写 `swiglu(x, W_gate, W_up, W_down)`：`x` 形状 [...,D]，`W_gate` 和 `W_up` 是 [F,D]，`W_down` 是 [D,F]，用法都是 `x @ W.T`，没有偏置；返回 [...,D]。SiLU 只作用在门上；门的值到 ±1000 也要算得出有限的数（`torch.sigmoid` 可以，自己写 `exp(-z)` 要小心）。
例：x = [1, 2]，门取第一个数，内容取第二个：SiLU(1) × 2 = 0.7311 × 2 = 1.4621；`W_down` 的两行是 1 和 −1，结果 [1.4621, −1.4621]。
"""
# %% en [md]
r"""
## 4.4 The feed-forward network: each position by itself

Attention fetches from elsewhere; the **feed-forward network** (FFN) works on each position by itself: make it wider, pass it through a function that bends, make it narrow again. SmolLM2 has a gated one, **SwiGLU** ([Shazeer 2020](https://arxiv.org/abs/2002.05202)). One branch computes the content (up), another the gate; they are multiplied entry by entry and brought back to the old width:

$$\mathrm{SwiGLU}(x)=W_{\mathrm{down}}\big(\mathrm{SiLU}(W_{\mathrm{gate}}x)\odot W_{\mathrm{up}}x\big),\qquad \mathrm{SiLU}(z)=z\cdot\sigma(z)$$

$\sigma(z)=1/(1+e^{-z})$ squeezes any number into 0 to 1. Where the gate's number is very negative, the entry is shut; where it is very positive, $\sigma$ is close to 1.

## Exercise 3 · SwiGLU

Write `swiglu(x, W_gate, W_up, W_down)`: `x` has shape [...,D], `W_gate` and `W_up` are [F,D], `W_down` is [D,F], each used as `x @ W.T`, without biases; return [...,D]. SiLU acts on the gate only, and the result must be finite for gate values of ±1000 (`torch.sigmoid` is; an `exp(-z)` of your own needs care).
Example: x = [1, 2]; the gate takes the first number and the content the second: SiLU(1) × 2 = 0.7311 × 2 = 1.4621; the two rows of `W_down` are 1 and −1, and the result is [1.4621, −1.4621].
"""
# %% exercise id="transformer.swiglu"
...
# %%
cl.check("transformer.swiglu")
swiglu = cl.use("transformer.swiglu")

class FeedForward(nn.Module):
    def __init__(self, c):
        super().__init__()
        D, F = c.hidden_size, c.intermediate_size
        self.gate_proj, self.up_proj = nn.Linear(D, F, bias=False), nn.Linear(D, F, bias=False)
        self.down_proj = nn.Linear(F, D, bias=False)

    def forward(self, x):
        return swiglu(x, self.gate_proj.weight, self.up_proj.weight, self.down_proj.weight)

ffn = FeedForward(config)
ffn.load_state_dict(first.mlp.state_dict())
print(cl.L(zh="和真模型的一样", en="equals the real model's"), same(ffn(real["norm2"]), real["down"]))

# %% zh [md]
r"""
## 4.5 一层：读的是归一化以后的，加回去的是原来那条

零件齐了，怎样接？一层有两个子层，注意力和前馈网络。每个子层都**读归一化以后的向量，把结果加回没有归一化的那一条**。这条从底一直通到顶的向量叫**残差流**（residual stream）。

$$x\leftarrow x+\mathrm{Attention}(\mathrm{norm}_1(x)),\qquad x\leftarrow x+\mathrm{FFN}(\mathrm{norm}_2(x))$$

加号就是**残差连接**（[He 等 2015](https://arxiv.org/abs/1512.03385)）。先归一化再进子层，叫 pre-norm，今天的模型几乎都这样；2017 年的原版和 BERT 是加完再归一化，叫 post-norm。

## 练习 4 · 一层

写 `block(x, attn, ffn, norm1, norm2)`：`x` 形状 [B,T,D]，另外四个是函数，[B,T,D] 进，[B,T,D] 出，每个正好调用一次；返回 [B,T,D]。先注意力（用 `norm1`），再前馈网络（用 `norm2`），最后一次加法之后什么也不做；不要改动 `x` 本身（`x += …` 会改）。
例：x = [1, 2]，`attn` 乘 10，`ffn` 乘 100，`norm1` 加 1，`norm2` 减 1。先得 [1, 2] + [20, 30] = [21, 32]，再加 100 × [20, 31]，结果 [2021, 3132]。
"""
# %% en [md]
r"""
## 4.5 A block: read the normalised, add to the original

How do the parts connect? A block has two sublayers, attention and the feed-forward network. Each **reads the normalised vector and adds its result to the one that was not normalised**. The vector that runs through from bottom to top is called the **residual stream**.

$$x\leftarrow x+\mathrm{Attention}(\mathrm{norm}_1(x)),\qquad x\leftarrow x+\mathrm{FFN}(\mathrm{norm}_2(x))$$

The plus signs are the **residual connections** ([He et al. 2015](https://arxiv.org/abs/1512.03385)). Normalising before the sublayer is called pre-norm, and nearly all models of today do it; the original of 2017 and BERT normalise after adding, which is post-norm.

## Exercise 4 · A block

Write `block(x, attn, ffn, norm1, norm2)`: `x` has shape [B,T,D]; the other four are functions from [B,T,D] to [B,T,D], each to be called exactly once; return [B,T,D]. Attention first (with `norm1`), then the feed-forward network (with `norm2`), nothing after the last sum, and `x` itself must not be changed (`x += …` would).
Example: x = [1, 2], `attn` multiplies by 10, `ffn` by 100, `norm1` adds 1, `norm2` subtracts 1. First [1, 2] + [20, 30] = [21, 32], then plus 100 × [20, 31]: [2021, 3132].
"""
# %% exercise id="transformer.block"
...
# %% rows="R43"
cl.check("transformer.block")
block = cl.use("transformer.block")

class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self_attn, self.mlp = Attention(c), FeedForward(c)
        self.input_layernorm, self.post_attention_layernorm = Norm(c), Norm(c)

    def forward(self, x):
        norms = self.input_layernorm, self.post_attention_layernorm
        return block(x, self.self_attn, self.mlp, *norms)

# %% zh [md]
r"""
## 4.6 四十行

`Norm`、`FeedForward`、`Layer` 已经有了，只差注意力和最外面的一层壳。注意力用你在第 3 章写的三个函数（没写也不要紧，`cl.use` 会拿来参考解），加上这一章的 `rope`；SmolLM2 有 9 个查询头、3 组键值，3 个查询头共用一组。
类里面的名字（`q_proj`、`input_layernorm`……）用的就是检查点里的名字，真权重一装就对得上号。空行不算，五个类合起来四十几行。
"""
# %% en [md]
r"""
## 4.6 Forty lines

`Norm`, `FeedForward` and `Layer` are there; what is missing is attention and the outermost shell. Attention takes the three functions that you wrote in chapter 3 (if you have not, `cl.use` brings the reference solutions) and this chapter's `rope`; SmolLM2 has 9 query heads and 3 sets of keys and values, one for every 3 query heads.
The names inside the classes (`q_proj`, `input_layernorm` …) are those of the checkpoint, so that real weights find their places. Without blank lines, the five classes have some forty lines.
"""
# %% rows="R43"
class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        D, self.H, self.G = c.hidden_size, c.num_attention_heads, c.num_key_value_heads
        self.q_proj, self.o_proj = nn.Linear(D, D, bias=False), nn.Linear(D, D, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(D, D // self.H * self.G, bias=False) for _ in "kv")
        self.turn, self.ahead = partial(rope, base=c.rope_parameters["rope_theta"]), 0

    def forward(self, x):                                   # (B, T, D)
        q = self.turn(split_heads(self.q_proj(x), self.H))  # (B, H, T, d)
        k = self.turn(split_heads(self.k_proj(x), self.G))  # (B, G, T, d)
        v = split_heads(self.v_proj(x), self.G)
        k, v = (part.repeat_interleave(self.H // self.G, dim=1) for part in (k, v))
        mask = torch.ones(x.shape[1], x.shape[1]).tril(self.ahead) > 0
        return self.o_proj(merge_heads(attention(q, k, v, mask)))

# %% rows="R43"
attention, split_heads = cl.use("attention.sdpa"), cl.use("attention.split_heads")
merge_heads = cl.use("attention.merge_heads")

class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.layers = nn.Sequential(*(Layer(c) for _ in range(c.num_hidden_layers)))
        self.norm = Norm(c)

    def forward(self, ids):                                 # (B, T)
        x = self.norm(self.layers(self.embed_tokens(ids)))  # (B, T, D)
        return x @ self.embed_tokens.weight.T               # (B, T, V)

# %%

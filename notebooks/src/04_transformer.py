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
这一章把零件一个一个写出来，拼成大约四十行的模型，装上 SmolLM2 的 1.35 亿个参数。**如果你的每一行都对，这些参数就会开口说话**；错一行，logits 就对不上。

这一章回答四个问题：

- 一个词元从进门到出门，一路上经过什么？（看一遍真的前向传播，就是把输入从头到尾算一遍）
- 你的四十行能不能和 `transformers` 算出同样的 logits？（装上真权重，比一比）
- 归一化、残差、位置、掩码、前馈网络，各管什么？（拆掉一个，重新训练，看坏在哪里）
- GPT、BERT、T5 差在哪里，1.35 亿个参数又放在哪里？（画出来）
"""
# %% en [md]
r"""
# 4 · The whole Transformer: forty lines and a real model

The last chapter wrote attention. But attention is only one part of a Transformer; what are the others, and how do they fit together?
In this chapter you write the parts one by one, put them together into a model of about forty lines, and load SmolLM2's 135 million parameters into it. **If every line of yours is right, those parameters will speak**; get one line wrong, and the logits will tell.

This chapter answers four questions:

- What does a token pass on its way through the model? (watch a real forward pass: the input computed through to the output, once)
- Can your forty lines compute the same logits as `transformers`? (load real weights and compare)
- What do the norm, the residual, positions, the mask and the feed-forward network each do? (take one out, train again, see what breaks)
- How do GPT, BERT and T5 differ, and where do 135 million parameters sit? (draw it)
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% zh [md]
r"""
## 4.1 跟着一个词元走一遍

第四份讲义把 Transformer 的步骤排成一列：词嵌入、多头注意力、前馈网络，然后才是位置编码。这个次序对吗？先凭你知道的排一排。
（**词嵌入**按编号从表里取出一行数，作为这个词元的向量；**前馈网络**是对每个位置单独做的小网络，4.4 节讲；**归一化**把向量调到同一个尺度，4.2 节讲；**输出头**把最后的向量变成整个词表的分数。）

排好以后看答案：再下一格是 SmolLM2 读一句话的全过程，每一个数都来自真正的一次前向传播。用“下一步”（或键盘的 →）走一遍：亮起的是现在算到的部分，下面是真张量的形状和一小片数值；有几步会先请你猜。
字母和前一章一样：B 是批（这里是 1），T 是词元数，H 是查询头数，d 是一个头的宽度，D 是模型的宽度，V 是词表大小。新的三个：G 是键值头数（3.9 节的分组），F 是前馈网络里面的宽度，L 是层数。图里的“块”就是层。
句子是英文的“猫坐在垫子上，因为它……”，因为 SmolLM2 主要读英文；换成你自己的句子，再运行一次也行。
"""
# %% en [md]
r"""
## 4.1 Follow a token through

The fourth handout lists the steps of a Transformer in this order: embedding, multi-head attention, feed-forward network, and only then the positional encoding. Is that right? First sort them yourself.
(The **embedding** looks up a row of numbers in a table, the token's vector. The **feed-forward network** is a small network for each position by itself; see section 4.4. The **norm** brings vectors to one scale; see section 4.2. The **output head** turns the last vector into scores for the whole vocabulary.)

Then see the answer: the cell after that has the whole of SmolLM2 reading a sentence, and every number comes from one real forward pass. Walk through it with “next” (or →): what lights up is the part being computed, and below it are the shape and a slice of the real tensor; at some steps you are asked to guess first.
The letters are those of the last chapter: B for the batch (1 here), T tokens, H query heads, d the width of a head, D the width of the model, V the size of the vocabulary. Three are new: G key-value heads (the groups of section 3.9), F, the width inside the feed-forward network, and L blocks.
Put in a sentence of your own and run the cell again.
"""
# %%
parts = {
    "embedding": cl.L(zh="查词嵌入表", en="look up the embedding"),
    "mixed": cl.L(zh="注意力混合各个位置的值", en="attention mixes the values"),
    "down": cl.L(zh="前馈网络", en="feed-forward network"),
    "q_turned": cl.L(zh="加上位置信息", en="add the positions"),
    "logits": cl.L(zh="输出头给出 logits", en="output head: logits"),
    "final": cl.L(zh="最后的归一化", en="last norm"),
}
cl.guess("transformer.order",
         cl.L(zh="一个词元在 SmolLM2 里先后经过哪些步骤？（层只看第一层）",
              en="In which order does a token pass these in SmolLM2? (first block only)"),
         order=list(parts.values()))

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
位置不在前馈网络之后。SmolLM2 在**每一层的注意力里面**，打分之前，按位置旋转查询和键（4.3 节）；2017 年的原版（[Vaswani 等](https://arxiv.org/abs/1706.03762)）把位置加在词嵌入上，在第一层之前。两种都早于第一次打分；晚一步会怎样，4.7 节试一试。

还有两样东西，五份讲义一次也没有提到：每个子层（注意力、前馈网络各算一个）之前的**归一化**，和每个子层之后的**加号**。它们有多要紧，4.7 节拆掉看看。

## 4.2 归一化：让数保持在同一个尺度

一层接一层往上加，向量会越来越长。下面取 SmolLM2 的真张量：`lengths` 是进入每一层之前，各个词元的向量有多长，也就是各个数的平方加起来再开方（层从 0 数起，30 是最后一层之后）。
`real` 按名字存着上面每一步的张量；`same` 看两个张量是不是几乎相等。
"""
# %% en [md]
r"""
Positions do not come after the feed-forward network. SmolLM2 rotates queries and keys by their positions, **inside the attention of every block**, before anything is scored (section 4.3); the original of 2017 ([Vaswani et al.](https://arxiv.org/abs/1706.03762)) added positions to the embeddings, before the first block. Both come before the first score; section 4.7 tries what happens when positions come late.

Two more things are mentioned in none of the five handouts: the **norm** before every sublayer (attention is one, the feed-forward network the other), and the **plus sign** after it. Section 4.7 takes them out to see how much they matter.

## 4.2 The norm: keep numbers on one scale

Block after block something is added, and vectors grow. Take SmolLM2's real tensors: `lengths` has the length of each token's vector, the root of the sum of its squares, before every block (blocks count from 0; 30 is after the last one).
`real` keeps the tensor of each step above by its name; `same` asks whether two tensors are nearly equal.
"""
# %%
from functools import partial
import torch
from torch import nn
linear = partial(nn.Linear, bias=False)

found = cl.interpret.trace(model, text)
real = {name: torch.tensor(values) for name, values in found.tensors.items()}
config, first = model.model.config, model.model.model.layers[0]

def same(a, b, tolerance=1e-4):
    return bool((a - b).abs().max() < tolerance)

for layer in (0, 1, 10, 20, 30):
    print(f"{layer:2d}", *(f"{length:7.1f}" for length in real["lengths"][layer, 0]))

# %% zh [md]
r"""
每行先是第几层，后面是九个词元的长度。刚进门时是 2 到 3，到最后有几百。第一个词元最特别，进第 20 层时是别人的一百倍左右；3.1 节见过，许多头把大半权重放在第一个词元上。
如果注意力直接读这样的向量，分数就由长度说了算。于是每个子层读之前，先把向量除以它的均方根（平方、平均、开方），方向不变；再逐个乘上学来的权重 $w$：

$$\mathrm{RMSNorm}(x)=\frac{x}{\sqrt{\frac1D\sum_i x_i^2+\epsilon}}\odot w$$

$\odot$ 是逐个相乘；$\epsilon$ 是一个很小的数，免得除以 0。这叫 **RMSNorm**（[Zhang 与 Sennrich 2019](https://arxiv.org/abs/1910.07467)）。GPT-2 和 BERT 用的 **LayerNorm** 还先减去均值，最后加一个偏置。

## 练习 1、2 · RMSNorm 和 LayerNorm

写 `rms_norm(x, weight, eps=1e-5)`：`x` 形状 [...,D]，`weight` 形状 [D]；返回形状和类型都同 `x`。平方的平均沿最后一个轴算，`eps` 加在平均上，在根号里面；一行全 0 就得全 0。
半精度（`float16`、`bfloat16`）的输入，先转成 `float32` 算，最后转回来：平方很容易超出 `float16` 的 65504。不许用 `F.rms_norm` 和 `nn.RMSNorm`。
例：x 是 [1, 7]，`weight` 是 [1, 2]，`eps` 是 0：平方的平均是 25，结果 [0.2, 2.8]。

再写 `layer_norm(x, weight, bias, eps=1e-5)`：先减去均值，再除以 $\sqrt{\text{方差}+\epsilon}$（方差除以 D），乘 `weight`，加 `bias`；其余同上，`F.layer_norm` 和 `nn.LayerNorm` 也不许用。
例：x 是 [1, 3]，`weight` 是 [2, 2]，`bias` 是 [0, 1]，`eps` 是 0，结果 [−2, 3]。

检查的下面，`rms_norm` 装进一个模块（`nn.Module`，带着自己的权重），放上真模型第一层的权重，再和真模型算出的比。练习 4 也这样比。
"""
# %% en [md]
r"""
Each line has the number of the block and then the lengths of nine tokens. They enter at 2 to 3 and end at several hundred. The first token stands out: on entering block 20 it is about a hundred times as long as the others; it is the token on which many heads of section 3.1 put most of their weight.
If attention read such vectors as they are, length would decide the scores. So before every sublayer each vector is divided by its root mean square (square, average, take the root), which keeps its direction, and then multiplied by learnt weights $w$:

$$\mathrm{RMSNorm}(x)=\frac{x}{\sqrt{\frac1D\sum_i x_i^2+\epsilon}}\odot w$$

$\odot$ multiplies entry by entry; $\epsilon$ is a tiny number against dividing by 0. This is **RMSNorm** ([Zhang and Sennrich 2019](https://arxiv.org/abs/1910.07467)). The **LayerNorm** of GPT-2 and BERT first subtracts the mean and adds a bias at the end.

## Exercises 1 and 2 · RMSNorm and LayerNorm

Write `rms_norm(x, weight, eps=1e-5)`: `x` has shape [...,D], `weight` [D]; the result has the shape and the type of `x`. The squares are averaged along the last axis; `eps` is added to that average, inside the root; a row of zeros gives zeros.
Half precision (`float16`, `bfloat16`) is computed in `float32` and turned back at the end, because squares easily exceed the 65504 that `float16` can hold. `F.rms_norm` and `nn.RMSNorm` are forbidden.
Example: x = [1, 7], `weight` = [1, 2] and `eps` = 0: the mean of the squares is 25, the result [0.2, 2.8].

Then write `layer_norm(x, weight, bias, eps=1e-5)`: subtract the mean, divide by $\sqrt{\text{variance}+\epsilon}$ (the variance divides by D), multiply by `weight`, add `bias`; the rest as above, and `F.layer_norm` and `nn.LayerNorm` are forbidden, too.
Example: x = [1, 3], `weight` = [2, 2], `bias` = [0, 1] and `eps` = 0 give [−2, 3].

Below the checks `rms_norm` goes into a module (`nn.Module`, which holds weights), gets the weights of the real model's first block, and is compared with what the real model computes. Exercise 4 is compared in the same way.
"""
# %% exercise id="transformer.rms_norm"
...
# %% exercise id="transformer.layer_norm"
...
# %%
cl.check("transformer.rms_norm")
cl.check("transformer.layer_norm")
rms_norm = cl.use("transformer.rms_norm")

class Norm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(c.hidden_size))

    def forward(self, x):
        return rms_norm(x, self.weight)

norm, x = Norm(config), real["embedding"]                   # x: (1, T, D)
norm.load_state_dict(first.input_layernorm.state_dict())
print(cl.L(zh="和真模型的一样", en="as in the real model"), same(norm(x), real["norm1"]))

# %% zh [md]
r"""
你的 `rms_norm` 和真模型的第一次归一化一样。

## 4.3 位置：把向量转一个角度

前一章看到，注意力自己看不见次序。SmolLM2 的办法是**旋转位置编码**（RoPE，[Su 等 2021](https://arxiv.org/abs/2104.09864)）。查询和键的 d 个数两两配对，每一对当作平面上的一支箭；位置是 $m$，就把第 $i$ 对转过 $m\theta_i$ 的角：

$$\begin{pmatrix}a\\b\end{pmatrix}\to\begin{pmatrix}a\cos m\theta_i-b\sin m\theta_i\\ a\sin m\theta_i+b\cos m\theta_i\end{pmatrix},\qquad \theta_i=\mathrm{base}^{-2i/d}$$

base 是一个常数。为什么要转？看点积：两支箭的点积只看长度和夹角；查询转了 $m\theta$，键转了 $n\theta$，夹角只变了 $(m-n)\theta$。**分数只知道两个词元相隔多远**，不知道各自在第几个。转得快的对分辨近处，转得慢的对分辨远处，像钟的秒针和时针。

## 练习 3 · RoPE

写 `rope(x, offset=0, base=10000.0)`：`x` 形状 [B,H,T,d]，第 t 行站在位置 offset + t；返回形状和类型同 `x`。配对用 Llama 的办法：第 i 列配第 i + d/2 列，i 从 0 到 d/2 − 1，前一个是 a，后一个是 b。角度用 `float32` 或更高的精度算；d 是奇数时抛出 `ValueError`。
例：一行 [1, 0, 0, 1]，`offset` 是 1，`base` 是 100：第 0 对 (1, 0) 转 1 弧度，第 1 对 (0, 1) 转 0.1 弧度，结果 [0.5403, −0.0998, 0.8415, 0.995]。

检查的下面，先和真模型比，再把同一对查询和键放在不同的位置上打分。再下一格取查询（橙）和键（蓝）的前 16 个数，一共八对，`base` 取 100，画出其中四对的箭，一律画成一样长。拖动两个位置：两个一起加 10，箭都转了，夹角不变；只动一个，夹角才变。最左边的一对转得最快，最右边的最慢。
"""
# %% en [md]
r"""
Your `rms_norm` gives the real model's first norm.

## 4.3 Positions: turn the vector by an angle

Attention alone cannot see order, as the last chapter showed. SmolLM2 uses **rotary position embeddings** (RoPE, [Su et al. 2021](https://arxiv.org/abs/2104.09864)). The d numbers of a query or key are paired up, and each pair is taken as an arrow in a plane; at position $m$ the $i$-th pair is turned by the angle $m\theta_i$:

$$\begin{pmatrix}a\\b\end{pmatrix}\to\begin{pmatrix}a\cos m\theta_i-b\sin m\theta_i\\ a\sin m\theta_i+b\cos m\theta_i\end{pmatrix},\qquad \theta_i=\mathrm{base}^{-2i/d}$$

Here base is a constant. Why turn? The dot product of two arrows depends only on their lengths and the angle between them; turn the query by $m\theta$ and the key by $n\theta$, and that angle changes by $(m-n)\theta$ alone. **The score knows how far apart two tokens are**, and not where each of them stands. Pairs that turn fast tell near positions apart, pairs that turn slowly tell far ones apart, like the second hand and the hour hand of a clock.

## Exercise 3 · RoPE

Write `rope(x, offset=0, base=10000.0)`: `x` has shape [B,H,T,d], and row t stands at position offset + t; the result has the shape and the type of `x`. Pair as Llama does: column i goes with column i + d/2, for i from 0 to d/2 − 1; the first is a, the second b. Compute the angles in `float32` or better; an odd d raises `ValueError`.
Example: a row [1, 0, 0, 1] with `offset` 1 and `base` 100: pair 0, (1, 0), turns by 1 radian and pair 1, (0, 1), by 0.1; the result is [0.5403, −0.0998, 0.8415, 0.995].

Below the check comes the comparison with the real model, and one query and one key are scored at different positions. The cell after that takes the first 16 numbers of the query (orange) and the key (blue), eight pairs with a `base` of 100, and draws four of them as arrows, all equally long. Drag the two positions: add 10 to both and all arrows turn while the angles between them stay; move one, and the angles change. The leftmost pair turns fastest, the rightmost slowest.
"""
# %% exercise id="transformer.rope"
...
# %% rows="R7"
cl.check("transformer.rope")
rope = cl.use("transformer.rope")

base = model.model.config.rope_parameters["rope_theta"]
print("base", base, cl.L(zh="和真模型的一样", en="as in the real model"),
      same(rope(real["q"], base=base), real["q_turned"]))
q, k = torch.randn(2, 1, 1, 1, 64, generator=torch.Generator().manual_seed(0))
for m, n in ((5, 3), (105, 103), (5005, 5003), (5, 4), (5, 0)):
    score = (rope(q, offset=m) * rope(k, offset=n)).sum()
    print(f"m {m:4d}  n {n:4d}  m − n {m - n}   q·k {score:.2f}")

# %% rows="R7"
import matplotlib.pyplot as plt
def hands(query, key):                                      # 8 pairs, base 100
    Q = rope(q[..., :16], offset=query, base=100.0)[0, 0, 0]
    K = rope(k[..., :16], offset=key, base=100.0)[0, 0, 0]
    figure, axes = plt.subplots(1, 4, figsize=(8.4, 2.8))
    for axis, pair in zip(axes, (0, 2, 5, 7)):
        for vector, colour in ((Q, "#ee7733"), (K, "#4477aa")):
            a, b = nn.functional.normalize(vector[[pair, pair + 8]], dim=0)
            axis.plot([0, a], [0, b], "-o", color=colour, linewidth=3)
        axis.axis((-1.2, 1.2, -1.2, 1.2))
        axis.set(title=f"θ = {100 ** (-pair / 8):.3f}", xticks=[], yticks=[], aspect=1)
    figure.suptitle(f"m = {query}   n = {key}   q·k = {Q @ K:.2f}")
    return figure

cl.viz.explore(hands, query=(0, 40, 12), key=(0, 40, 10))

# %% zh [md]
r"""
打印的前三行相隔都是 2，分数一样，不管在开头还是五千个词元以后；相隔变了，分数才变。（SmolLM2 的 base 是 100000，比论文里的 10000 大，转得更慢。）

## 4.4 前馈网络：每个位置单独算

注意力从别处取东西；**前馈网络**（feed-forward network，FFN）对每个位置单独做：变宽，过一个弯曲的函数，再变窄。SmolLM2 用的是带门的一种，叫 **SwiGLU**（[Shazeer 2020](https://arxiv.org/abs/2002.05202)）。一支算“内容”（up），另一支算“门”（gate），逐个相乘，再降回原来的宽度：

$$\mathrm{SwiGLU}(x)=W_{\mathrm{down}}\big(\mathrm{SiLU}(W_{\mathrm{gate}}x)\odot W_{\mathrm{up}}x\big),\qquad \mathrm{SiLU}(z)=z\cdot\sigma(z)$$

$\sigma(z)=1/(1+e^{-z})$ 把任何数压进 0 到 1。门的数负得多时，SiLU 接近 0，这一格关上；是大的正数时，SiLU 接近这个数自己，内容就放大这么多倍。

## 练习 4 · SwiGLU

写 `swiglu(x, W_gate, W_up, W_down)`：`x` 形状 [...,D]，`W_gate` 和 `W_up` 是 [F,D]，`W_down` 是 [D,F]，用法都是 `x @ W.T`，没有偏置；返回 [...,D]。SiLU 只作用在门上；门的值到 ±1000 也要算得出有限的数（`torch.sigmoid` 可以，自己写 `exp(-z)` 要小心）。
例：x = [1, 2]，门取第一个数，内容取第二个：SiLU(1) × 2 = 0.7311 × 2 = 1.4621；`W_down` 的两行是 1 和 −1，结果 [1.4621, −1.4621]。
"""
# %% en [md]
r"""
In the first three of the printed lines the tokens are 2 apart and the score is the same, at the start and five thousand tokens later; only another distance gives another score. (SmolLM2's base is 100,000 instead of the paper's 10,000, so it turns more slowly.)

## 4.4 The feed-forward network: each position by itself

Attention fetches from elsewhere; the **feed-forward network** (FFN) works on each position by itself: make it wider, pass it through a function that bends, make it narrow again. SmolLM2 has a gated one, **SwiGLU** ([Shazeer 2020](https://arxiv.org/abs/2002.05202)). One branch computes the content (up), another the gate; they are multiplied entry by entry and brought back to the old width:

$$\mathrm{SwiGLU}(x)=W_{\mathrm{down}}\big(\mathrm{SiLU}(W_{\mathrm{gate}}x)\odot W_{\mathrm{up}}x\big),\qquad \mathrm{SiLU}(z)=z\cdot\sigma(z)$$

$\sigma(z)=1/(1+e^{-z})$ squeezes any number into 0 to 1. Where the gate's number is very negative, SiLU is near 0 and the entry is shut; where it is large and positive, SiLU is nearly that number, and the content is multiplied by it.

## Exercise 4 · SwiGLU

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
        self.gate_proj, self.up_proj = linear(D, F), linear(D, F)
        self.down_proj = linear(F, D)

    def forward(self, x):
        return swiglu(x, *(part.weight for part in self.children()))

ffn = FeedForward(config)
ffn.load_state_dict(first.mlp.state_dict())
print(cl.L(zh="和真模型的一样", en="as in the real model"), same(ffn(real["norm2"]), real["down"]))

# %% zh [md]
r"""
## 4.5 一层：读归一化后的向量，加回残差流

零件齐了，怎样接？一层有两个子层，注意力和前馈网络。每个子层都**读归一化以后的向量，把结果加回没有归一化的向量**。后者从第一层一路加到最后一层，叫**残差流**（residual stream）。

$$x\leftarrow x+\mathrm{Attention}(\mathrm{norm}_1(x)),\qquad x\leftarrow x+\mathrm{FFN}(\mathrm{norm}_2(x))$$

加号就是**残差连接**（[He 等 2015](https://arxiv.org/abs/1512.03385)）。先归一化再进子层，叫 pre-norm，今天的模型大多这样；2017 年的原版和 BERT 是加完再归一化，叫 post-norm。

## 练习 5 · 一层

写 `block(x, attn, ffn, norm1, norm2)`：`x` 形状 [B,T,D]，另外四个是函数，[B,T,D] 进，[B,T,D] 出，每个正好调用一次；返回 [B,T,D]。先注意力（用 `norm1`），再前馈网络（用 `norm2`），最后一次加法之后什么也不做；不要改动 `x` 本身（`x += …` 会改）。
例：x = [1, 2]，`attn` 乘 10，`ffn` 乘 100，`norm1` 加 1，`norm2` 减 1。先得 [1, 2] + [20, 30] = [21, 32]，再加 100 × [20, 31]，结果 [2021, 3132]。
"""
# %% en [md]
r"""
## 4.5 A block: read the normalised vector, add to the stream

How do the parts connect? A block has two sublayers, attention and the feed-forward network. Each **reads the normalised vector and adds its result to the one that was not normalised**. The latter runs from the first block to the last, growing by these sums, and is called the **residual stream**.

$$x\leftarrow x+\mathrm{Attention}(\mathrm{norm}_1(x)),\qquad x\leftarrow x+\mathrm{FFN}(\mathrm{norm}_2(x))$$

The plus signs are the **residual connections** ([He et al. 2015](https://arxiv.org/abs/1512.03385)). Normalising before the sublayer is called pre-norm, and most models of today do it; the original of 2017 and BERT normalise after adding, which is post-norm.

## Exercise 5 · A block

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
类里面的名字（`q_proj`、`input_layernorm`……）用的就是检查点（存着权重的文件）里的名字，真权重一装就对得上号。`turn` 是按位置旋转的函数，`ahead` 是可以往后看几个词元，0 就是因果掩码；单独写出来，是为了 4.7 节好拆。空行和它们调用的函数不算，五个类合起来四十几行。

后面几格见分晓：先装上真权重，比 logits；再让 `mine` 把“从前有一个……”（Once upon a time, there was a）接着写下去，解码用第 1 章你写的 `greedy`，每一步取分数最高的词元；最后一格单看输出头，一个向量怎样变成各个词元的分数。
"""
# %% en [md]
r"""
## 4.6 Forty lines

`Norm`, `FeedForward` and `Layer` are there; what is missing is attention and the outermost shell. Attention uses the three functions that you wrote in chapter 3 (if you have not, `cl.use` brings the reference solutions) and this chapter's `rope`; SmolLM2 has 9 query heads and 3 sets of keys and values, one for every 3 query heads.
The names inside the classes (`q_proj`, `input_layernorm` …) are those of the checkpoint (the file with the weights), so that real weights find their places. `turn` is the function that rotates by position, and `ahead` how many tokens a position may look ahead, where 0 gives the causal mask; they stand by themselves so that section 4.7 can take them out. Without blank lines and the functions that they call, the five classes have some forty lines.

The cells after the classes put it to the test: load the real weights and compare the logits; then let `mine` speak, with the `greedy` that you wrote in chapter 1, which takes the token with the highest score at every step. The last cell looks at the output head alone: how one vector becomes a score for every token.
"""
# %% rows="R43"
class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        D, self.H, self.G = c.hidden_size, c.num_attention_heads, c.num_key_value_heads
        self.q_proj, self.o_proj = linear(D, D), linear(D, D)
        self.k_proj, self.v_proj = (linear(D, D // self.H * self.G) for _ in "kv")
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
cl.guess("transformer.logits",
         cl.L(zh="装上真权重以后，你的 logits 和 transformers 的最多差多少？",
              en="With real weights: your logits and those of transformers differ by at most …"),
         choices=["0", "< 0.001", cl.L(zh="0.1 左右", en="about 0.1"), "> 1"])

# %% rows="R5 R43"
mine, weights = Llama(config), model.model.state_dict()
weights.pop("lm_head.weight")                               # the embedding once more
weights = {name.removeprefix("model."): weight for name, weight in weights.items()}
print(mine.load_state_dict(weights))
print(len(weights), cl.L(zh="个张量，参数", en="tensors, parameters"),
      f"{sum(weight.numel() for weight in weights.values()):,}")

ids = model.tokenizer(text, return_tensors="pt").input_ids  # (1, T)
with torch.inference_mode():
    ours, theirs = mine(ids), model.model(ids.to(model.device)).logits.cpu()
print(cl.L(zh="最大的 logit", en="largest logit"), f"{theirs.abs().max():.0f}")
print(cl.L(zh="最大的差小于 0.001：", en="largest difference below 0.001:"), same(ours, theirs, 1e-3))
cl.guess.result("transformer.logits", "< 0.001")

# %% rows="R5"
greedy = cl.use("lm.greedy")

def next_logits(ids):                                       # list of T ids -> (V,)
    with torch.inference_mode():
        return mine(torch.tensor([ids]))[0, -1]

def speak(text):
    ids = model.tokenizer(text).input_ids
    return model.tokenizer.decode(greedy(next_logits, ids, 12, config.eos_token_id))

start = "Once upon a time, there was a"
print(cl.L(zh="和 transformers 写的一样：", en="the same as transformers:"),
      speak(start) == start + model.generate(start, max_new_tokens=12))
cl.viz.explore(speak, text=start)

# %% rows="R16 E30"
table = model.model.get_input_embeddings().weight           # (V, D)
print(cl.L(zh="输出头和词嵌入是同一块内存：", en="head and embedding share one memory:"),
      model.model.lm_head.weight.data_ptr() == table.data_ptr())
print(cl.L(zh="分成两张，多出的参数：", en="untied, more parameters:"), f"{table.numel():,}")

x = real["final"][0, -1]                                    # (D,): the last position
logits = table.detach().cpu() @ x                           # (V,)
print(cl.L(zh="点积就是 logits：", en="the dot products are the logits:"),
      same(logits, real["logits"][0, -1]))
best = logits.log_softmax(-1).topk(3)
for score, i in zip(best.values, best.indices):
    print(f"{score:6.2f}", repr(model.tokenizer.decode([i])))

# %% zh [md]
r"""
`All keys matched`：每个张量都找到了自己的位置，不多不少。logits 的差不到 0.001，一般也不会正好是 0：浮点数相加，次序不同，末几位就可能不同。
**一个真模型，从词嵌入到 logits，没有一行藏起来**：不是你写的，就在上面几格里（还没做的练习由参考解代替）。写出的和 `transformers` 一字不差。打一句自己的英文试试。

### 输出头：从向量到词元

第一份讲义把最后一步叫作“输出表示（Output Embedding）：将输出向量表示转换为 token”。其实是三步：**输出头**把向量和词表里每个词元的向量做点积，得到 logits；`log_softmax` 把 logits 变成对数概率；再按某个规则**选**一个。
而“输出嵌入”这个词，在 2017 年的论文里指的是解码器**输入**那一头的表。两头的表可以是同一张（tied，[Press 与 Wolf 2016](https://arxiv.org/abs/1608.05859)），SmolLM2 就是。

最后一格里点积算出来的，就是真模型的 logits。分开存两张表，要多两千八百万个参数，相当于现在的五分之一。最后三行是最可能的词元和它们的对数概率；选哪一个，是第 7 章的事。

## 4.7 拆掉一个零件，看坏在哪里

零件都在，模型能说话。每个零件真的有用吗？拿一个小模型（同样的类，4 层，宽 64），在课程自己的语法造出的句子上训练，每次拆掉一样，从头训练三次（三个种子），在**没见过的句子**上量损失：

- **残差**：子层的结果不再加回去，直接替换。
- **归一化**：全部拿掉。
- **前馈网络**：输出永远是 0。
- **位置**：不转，q 和 k 原样进去。
- **位置（只拆第一层）**：从第二层起才有位置，就像位置来晚了一步。
- **掩码**：每个位置都看得见后面。
"""
# %% en [md]
r"""
`All keys matched`: every tensor found its place, none missing and none left over. The logits differ by less than 0.001, though as a rule not by exactly 0: floating-point sums in another order may differ in their last digits.
**A real model, and no line from the embedding to the logits is hidden**: what you did not write stands in the cells above (the reference stands in for exercises not yet done). It writes what `transformers` writes, letter for letter. Type a beginning of your own.

### The output head: from a vector to a token

The first handout calls the last step “output embedding: turns the output vectors into tokens”. There are three steps: the **output head** takes the dot product of the vector with the vector of every token in the vocabulary, which gives the logits; `log_softmax` turns them into log-probabilities; and some rule **chooses** one.
“Output embedding”, in the paper of 2017, is the table at the **input** end of the decoder. Both ends may share one table (they are **tied**, [Press and Wolf 2016](https://arxiv.org/abs/1608.05859)), and in SmolLM2 they do.

The dot products in the last cell are the real model's logits. Two separate tables would cost 28 million parameters more, a fifth of all that it has now. The last three lines are the likeliest tokens with their log-probabilities; which of them to choose is the subject of chapter 7.

## 4.7 Take out a part and see what breaks

With all its parts the model speaks. Does it need every one? Take a small model (the same classes, 4 blocks, 64 wide) and sentences made by the course's own grammar; take out one part at a time, train three times from nothing (three seeds), and measure the loss on **unseen sentences**:

- **Residual**: a sublayer's result is no longer added; it replaces what came in.
- **Norm**: all taken out.
- **Feed-forward network**: always gives 0.
- **Positions**: nothing is turned; q and k go in as they are.
- **Positions, first block only**: positions arrive from the second block on, one step late.
- **Mask**: every position sees what follows.
"""
# %%
import os, re
from transformers import LlamaConfig
def cut(texts):                                             # -> tokens, "\n" between
    return re.findall(cl.L(zh=r".|\n", en=r"\S+|\n"), "\n".join(["", *texts, ""]))

corpus, lang = cl.text.parallel(), cl.L(zh="zh", en="en")
known = [getattr(pair, lang) for pair in corpus.train[:4_000]]
later = [getattr(pair, lang) for pair in corpus.test[:800]]
words, unseen = cut(known), cut(text for text in later if text not in known)
names = sorted({*words, *unseen})
train = torch.tensor([names.index(word) for word in words])
test = torch.tensor([names.index(word) for word in unseen[:33 * 100]])
test = test.view(100, 33)                                   # (N, T + 1)
small = LlamaConfig(vocab_size=len(names), hidden_size=64, intermediate_size=192,
                    num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2)

# %%
def remove(part, m):
    if part == "norm":
        m.norm = nn.Identity()
    for i, layer in enumerate(m.layers):
        if part == "residual":
            m.layers[i] = nn.Sequential(layer.input_layernorm, layer.self_attn,
                                        layer.post_attention_layernorm, layer.mlp)
        elif part == "norm":
            layer.input_layernorm = layer.post_attention_layernorm = nn.Identity()
        elif part == "ffn":
            nn.init.zeros_(layer.mlp.down_proj.weight).requires_grad_(False)
        elif part == "positions" or part == "positions, block 1" and i == 0:
            layer.self_attn.turn = nn.Identity()
        elif part == "mask":
            layer.self_attn.ahead = 32

# %%
parts = {"none": cl.L(zh="什么也不拆", en="nothing"), "residual": cl.L(zh="残差", en="residual"),
         "norm": cl.L(zh="归一化", en="norm"), "ffn": cl.L(zh="前馈网络", en="feed-forward network"),
         "positions": cl.L(zh="位置", en="positions"),
         "positions, block 1": cl.L(zh="位置（只拆第一层）",
                                    en="positions, first block only"),
         "mask": cl.L(zh="掩码", en="mask")}
cl.guess("transformer.parts",
         cl.L(zh="拆掉哪一个再训练，没见过的句子上损失最低？",
              en="Trained without which part is the loss on unseen sentences lowest?"),
         choices=list(parts.values()))

# %% training rows="R14"
import torch.nn.functional as F
quick = bool(os.environ.get("COURSE_QUICK"))
learn = partial(cl.fit, precision="float32", show=False)
def build(part, seed):
    torch.manual_seed(seed)
    m = Llama(small)
    nn.init.normal_(m.embed_tokens.weight, std=0.1)
    remove(part, m)
    learn(m, train, steps=10 if quick else 100, lr=0.015, context=32, seed=seed)
    return m.cpu()

def loss(logits):                                           # (N, T, V) -> nats
    return float(F.cross_entropy(logits.flatten(0, 1), test[:, 1:].flatten()))

models = {part: [build(part, seed) for seed in range(3)] for part in parts}

# %% training rows="R14 E31 E32"
with torch.inference_mode():
    losses = {part: [loss(m(test[:, :-1])) for m in models[part]] for part in parts}
figure, axis = plt.subplots(figsize=(7, 2.8))
for row, part in enumerate(parts):
    axis.plot(losses[part], [row] * 3, "o", color="#4477aa")
    gaps = (f"{a - b:+.2f}" for a, b in zip(losses[part], losses["none"]))
    print(*(f"{value:.1f}" for value in losses[part]), " ", *gaps, " ", parts[part])
share = train.bincount(minlength=len(names)) / len(train)
axis.axvline(-share[test[:, 1:]].log().mean(), color="#888888", linestyle=":")
axis.set_yticks(range(len(parts)), list(parts.values()))
axis.invert_yaxis()
axis.set(xlim=(0, None), xlabel=cl.L(zh="没见过的句子上的损失，奈特", en="loss on unseen sentences, nats"))
plt.show()
cl.guess.result("transformer.parts", parts["mask"])

# %% zh [md]
r"""
每行先是三个种子的损失，图上的点也是；后三个数，是比同一种子什么也不拆的高多少；灰线是完全不看上文、只按词频猜的损失。

- **残差**：三次都停在灰线上。只有四层，没有残差，100 步里一点上文也没学会。
- **前馈网络**：没有它，损失也升高不少，仅次于残差。
- **归一化**、**位置**：升高 0.1 到 0.3 奈特，不多。这个模型又浅又小，层数多了，归一化会怎样，这里没有试；位置为什么影响不大，4.9 节有一个可能的解释。
- **位置（只拆第一层）**：差别很小，几乎看不出来。第四份讲义把位置编码排在前馈网络之后，写成代码就是这样：第一层没有位置可用（要是连掩码也没有，这一层完全看不见次序，见 4.9 节），可后面三层有，在这里够用了。

只训练了 100 步，说的是学得多快；练得更久，差距也许会变，没有试过。
最后一行呢？拆掉掩码，损失不升反降，低得可疑。

## 4.8 掩码换来的并行

训练时，整句话一次送进去，每个位置都拿**真正的上文**去猜下一个词元（teacher forcing，教师强制）。一次前向传播，T 个位置就是 T 道题。掩码保证第 t 道题看不到自己的答案。
五份讲义里，没有一份说解码器的自注意力需要因果掩码（第四份的代码留了一个 `mask` 参数，没说里面放什么）。没有掩码，答案就在眼前，注意力往后看一格，抄下来。真要写字的时候，后面什么也没有，抄不成了。

下面同样的句子读两遍：**一次读完**；再**一步一步**，每次只给前 t 个词元，只取最后一个位置，写字时就是这样。再下一格，让装着真权重的 `mine` 也这样读两遍，数一数前向传播的次数，计一计时。
"""
# %% en [md]
r"""
A line starts with the losses of three seeds, which are the dots; the next three numbers say how much higher each is than with nothing taken out, seed by seed; the grey line is the loss of guessing by frequency alone, without any context.

- **Residual**: all three stay on the grey line. With four blocks and no residuals, nothing has been learnt from context in 100 steps.
- **Feed-forward network**: without it the loss rises most after the residual.
- **Norm** and **positions**: each costs 0.1 to 0.3 nats, not much. The model is small and shallow; what the norm does with more blocks was not tried here, and for positions section 4.9 has a possible explanation.
- **Positions, first block only**: a small difference, if any. The fourth handout's list, with positions after the feed-forward network, is this in code: the first block has no positions to go by (without a mask it could not see order at all, see section 4.9), but three blocks with positions follow, and here they are enough.

There were only 100 steps, so this says how fast a model learns; with longer training the gaps may change, which was not tried.
And the last line? Without the mask the loss does not rise but falls, suspiciously low.

## 4.8 What the mask buys: parallelism

In training a whole sentence goes in at once, and every position predicts its next token from the **true tokens before it** (teacher forcing). One forward pass over T positions is T questions. The mask makes sure that question t cannot see its own answer.
None of the five handouts says that the decoder's self-attention needs a causal mask (the code of the fourth takes a `mask`, and does not say what belongs in it). Without the mask the answer is in plain sight: attention looks one place ahead and copies. When the model has to write, nothing stands ahead, and there is nothing to copy.

Below, the same sentences are read twice: **all at once**; and **step by step**, where the model gets the first t tokens and only its last position counts, as in writing. The cell after that does the same with `mine` and its real weights, counts the forward passes and takes the time.
"""
# %% training rows="R19 E32"
def step_by_step(m, ids):                                   # (N, T) -> (N, T, V)
    steps = range(1, ids.shape[1] + 1)
    return torch.stack([m(ids[:, :t])[:, -1] for t in steps], dim=1)

rows = []
for part in ("none", "mask"):
    m, written = models[part][0], [names.index("\n")]
    with torch.inference_mode():
        for _ in range(24):
            written.append(int(m(torch.tensor([written]))[0, -1].argmax()))
        at_once, stepwise = loss(m(test[:, :-1])), loss(step_by_step(m, test[:, :-1]))
    said = cl.L(zh="", en=" ").join(names[i] for i in written).replace("\n", "↵")
    rows.append((parts[part], f"{at_once:.1f}", f"{stepwise:.1f}", said))
cl.viz.table(rows, header=cl.L(zh=["拆掉", "一次读完", "一步一步", "写出"],
                               en=["without", "all at once", "step by step", "writes"]))

# %% timing rows="R19 E34"
from time import perf_counter
ids = model.tokenizer(text * 4, return_tensors="pt").input_ids         # (1, T)
passes = []
counter = mine.register_forward_pre_hook(lambda *_: passes.append(1))
logits = {}
for run in (mine, partial(step_by_step, mine)):
    passes.clear()
    began = perf_counter()
    with torch.inference_mode():
        logits[run] = run(ids)
    print(cl.L(zh="前向传播次数：", en="forward passes:"), len(passes),
          cl.L(zh="秒：", en="seconds:"), f"{perf_counter() - began:.2f}")
counter.remove()
print(cl.L(zh="logits 相同：", en="the same logits:"), same(*logits.values(), 1e-3))

# %% zh [md]
r"""
有掩码，两种读法损失一样，logits 也一样：**一次读完，等于把每一步都做了**。没有掩码，一次读完时损失低，是因为偷看；一步一步时，损失比有掩码的高得多，写出来的是胡话。

真模型的两种读法，次数是 1 比 T，时间也差得多，答案相同。训练能并行，靠的是这个：没有循环，真正的上文事先都有，掩码保证不作弊。**写字却不能并行**，下一个词元没写出来，就没有再下一步的输入（第 7 章讲怎样少算一些）。
第一份讲义说，可以并行是“因为它不依赖于序列的顺序”。理由错了；而“不依赖顺序”要是真的，反倒是毛病。

## 4.9 次序：看不见，看得见，看多远

取 `mine` 第一层的注意力，输入是八个随机向量。把八个向量**打乱**再送进去：如果注意力看不见次序，输出只会跟着同样打乱，别的都不变。下面量的是“除了打乱以外，还变了多少”，1 就是变得和最大的输出一样大。
"""
# %% en [md]
r"""
With the mask both readings have the same loss, and the same logits: **reading all at once is doing every step**. Without it, the loss is low all at once, because the model peeks; step by step it is far above that of the model with a mask, and what it writes is gibberish.

For the real model it is 1 forward pass against T, far less time, and the same answers. Training is parallel for these reasons: nothing is recurrent, the true tokens are all known beforehand, and the mask prevents cheating. **Writing is not parallel**: until the next token is written, the step after it has no input (chapter 7 shows how to compute less).
The first handout says it can be parallel “because it does not depend on the order of the sequence”. That is the wrong reason; and if it really did not depend on order, that would be a defect.

## 4.9 Order: not seen, seen, and how far

Take the attention of `mine`'s first block and eight random vectors. **Shuffle** the eight and feed them in again: if attention cannot see order, the outputs are shuffled in the same way and nothing else changes. Measured below is how much changes beyond the shuffling, where 1 is as much as the largest output.
"""
# %% rows="R7 E34"
torch.manual_seed(0)
attn, shuffle = mine.layers[0].self_attn, torch.randperm(8)
x, turn, stay = torch.randn(1, 8, config.hidden_size), attn.turn, torch.clone

def moved(turn, ahead):                                     # beyond being shuffled
    attn.turn, attn.ahead = turn, ahead
    with torch.inference_mode():
        apart = attn(x[:, shuffle]) - attn(x)[:, shuffle]
        return float(apart.abs().max() / attn(x).abs().max())

print(cl.L(zh="无位置，无掩码，小于 0.0001：", en="no positions, no mask, below 0.0001:"),
      moved(stay, 8) < 1e-4)
print(cl.L(zh="有位置，无掩码：", en="positions, no mask:"), f"{moved(turn, 8):.2f}")
print(cl.L(zh="无位置，有掩码：", en="no positions, mask:"), f"{moved(stay, 0):.2f}")
print(cl.L(zh="有位置，有掩码：", en="positions and mask:"), f"{moved(turn, 0):.2f}")

# %% zh [md]
r"""
没有位置也没有掩码，注意力真的看不见次序。转一个角度，就看见了。第三行有些意外：**掩码自己也透露次序**。每个位置只看得到自己和前面的词元，打乱以后，看到的就不是同一批了。4.7 节拆掉位置的模型，损失只高出一点，可能就是因为这个（[Kazemnejad 等 2023](https://arxiv.org/abs/2305.19466) 专门研究过不加位置的解码器）。没有掩码的 BERT 就没有这条路。

告诉模型位置，办法不止一种：2017 年的原版用**正弦和余弦**，加在词嵌入上；BERT 和 GPT-2 **学一张表**，一个位置一行，也加在词嵌入上；RoPE 转查询和键；T5 给每种**距离学一个数**，加在分数上。

## 练习 6 · 正弦位置编码

写 `sinusoidal(length, d_model, base=10000.0)`：返回 `float32` 的 [T,D]，T 是 `length`。行是位置，从 0 数起；第 2i 列是 $\sin$，第 2i + 1 列是 $\cos$，角度都是 $\mathrm{position}/\mathrm{base}^{2i/D}$；D 是奇数时，最后一列是正弦；`length` 为 0 时形状是 [0,D]。
例：`sinusoidal(2, 4)` 的两行是 [0, 1, 0, 1] 和 [0.8415, 0.5403, 0.01, 0.9999]。

检查的下面把四种并排画出来：查询和键内容相同，只有位置不同，越蓝，分数越高。学来的表取自 MiniLM，T5 的数取自课程的翻译模型 `zh-fr-en`。
再下面是一个只能靠位置的游戏：一串随机字母，每一步说出**三个字母之前**是什么。一层的小模型，训练时最长 64 个字母，考试给 256 个，分四段量答对的百分比，三个种子各一组。瞎猜是 4%。
"""
# %% en [md]
r"""
Without positions and without a mask, attention really cannot see order. Turn the vectors, and it can. The third line may surprise: **the mask alone gives order away**. Each position sees only itself and those before it, and after shuffling these are other tokens. This may be why the loss of the model without positions in 4.7 is only a little higher ([Kazemnejad et al. 2023](https://arxiv.org/abs/2305.19466) study decoders without positions). BERT, without a mask, has no such way.

There is more than one way to give a model positions. The original of 2017 adds **sines and cosines** to the embeddings; BERT and GPT-2 **learn a table**, a row for each position, and add that; RoPE turns queries and keys; T5 learns **a number for each distance** and adds it to the scores.

## Exercise 6 · Sinusoidal positions

Write `sinusoidal(length, d_model, base=10000.0)`: return `float32` [T,D], where T is `length`. A row is a position, counted from 0; column 2i is the $\sin$ and column 2i + 1 the $\cos$ of $\mathrm{position}/\mathrm{base}^{2i/D}$; an odd D ends with a sine; with `length` 0 the shape is [0,D].
Example: the two rows of `sinusoidal(2, 4)` are [0, 1, 0, 1] and [0.8415, 0.5403, 0.01, 0.9999].

Below the check all four stand side by side: query and key have the same content, only their positions differ, and the bluer the cell, the higher the score. The learnt table is MiniLM's; T5's numbers are those of `zh-fr-en`, the course's translator.
Then comes a game that needs positions and nothing else: a string of random letters, and at each step the model has to say which letter stood **three back**. It has one block, trains on 64 letters at most, and is tested on 256; the percentage right is measured in four stretches, for three seeds. Guessing gives 4 %.
"""
# %% exercise id="transformer.sinusoidal"
...
# %% rows="R7"
cl.check("transformer.sinusoidal")
sinusoidal = cl.use("transformer.sinusoidal")
bert, t5 = cl.models.port("minilm-l6"), cl.models.port("zh-fr-en")
rows = bert.stack.positions.weight.detach()[:64]            # (64, D)
rows = F.normalize(rows - rows.mean(0), dim=1)
turned = rope(torch.ones(1, 1, 64, 64))[0, 0]               # (64, d)
tables = {"sinusoidal": sinusoidal(64, 64) @ sinusoidal(64, 64).T,
          "learned (MiniLM)": rows @ rows.T, "RoPE": turned @ turned.T,
          "T5 bias (zh-fr-en)": t5.encoder.relative(64, 64)[0, 0].detach()}
figure, axes = plt.subplots(1, 4, figsize=(9, 2.6))
for axis, (name, scores) in zip(axes, tables.items()):
    axis.imshow(scores)
    axis.set(title=name, xlabel=cl.L(zh="键的位置", en="position of the key"))
axes[0].set_ylabel(cl.L(zh="查询的位置", en="of the query"))
plt.show()

# %%
cl.guess("transformer.far",
         cl.L(zh="RoPE 只看相隔多远。训练时最长 64，到了第 196–256 个字母，还答得对吗？",
              en="RoPE sees distances only. Trained at 64: is it right at letters 196–256?"),
         choices=[cl.L(zh="照样答对", en="as before"), cl.L(zh="多半答错", en="mostly wrong")])

# %% training rows="R7"
def echo(kind, seed):                                       # % right in four stretches
    torch.manual_seed(seed)
    ids = torch.randint(26, (220, 16, 256))                 # random letters
    c = cl.nn.DecoderConfig(26, 256, n_layer=1, n_head=4, d_model=64, position=kind)
    m = cl.nn.Decoder(c)
    if kind == "sinusoidal":
        m.stack.waves *= 0.2            # at full size they drown the rest
    batches = [{"ids": x[:, :64], "labels": x.roll(3, 1)[:, :64]} for x in ids[:200]]
    learn(m, batches, steps=10 if quick else 200, lr=0.01)
    x = ids[200:].flatten(0, 1)                             # (320, 256), unseen
    right = (m.cpu()(x).argmax(-1)[:, 3:] == x[:, :-3]).float()
    return [round(100 * part.mean().item()) for part in right.split(64, dim=1)]
for kind in ("none", "learned", "sinusoidal", "relative", "rope"):
    print(f"{kind:10s}", *(echo(kind, seed) for seed in range(3)))
cl.guess.result("transformer.far", cl.L(zh="多半答错", en="mostly wrong"))

# %% zh [md]
r"""
先看图。正弦波、RoPE 和 MiniLM 学来的表，画出来都是斜带：颜色主要由**相隔多远**决定，近处最蓝。正弦波和 RoPE 的两张一样，不是画错了：两种的点积都是各个频率的 $\cos$ 加起来，只看距离。MiniLM 的表没有人规定，是训练出来的。T5 的一个数管一段距离，远处分得粗，前后也不对称。

再看游戏。每行是一种办法（`relative` 是 T5 的），三个方括号是三个种子，里面是四段的百分比。没有位置，只比瞎猜好一点。有位置的，训练过的那一段都答对九成以上；再往后，学来的表立刻退回瞎猜，因为第 65 行起从没训练过；正弦波和 T5 很快也不行；**RoPE 撑得最久，两倍长度还有八九成，到四倍只剩一到三成**。
分数只看相隔多远，为什么还会错？近处的键，分数和训练时一样（4.3 节）；多出来的只有 64 个字母以外的键，那些距离训练时从没见过，分数可能偏高，把权重抢走。3.8 节的游戏里，也是一层、也用 RoPE，到近四倍还答得对；那里要找的是内容，这里要的是准确的距离。能不能用到更长，量过才知道。

## 4.10 三个家族，一种层

第三份讲义说，大模型的主流架构 Transformer “主要由编码器和解码器组成”。2017 年的原版是这样，今天的 GPT、Llama、千问和 SmolLM2 却**只有解码器**；BERT 只有编码器；T5 两样都有。三个家族的层可以是同一个类（`course_lib.nn` 里就是同一个 `Block`），差别在**谁看得见谁**。
第五份讲义先讲自回归，再拿 BERT 作例子，又说“因为”取决于**前面的**词。对 GPT 是这样，对 BERT 呢？问模型自己：位置 t 最后的向量，对每个输入词元的梯度是不是 0？前两种 1.8 节量过，这里三种一起看。读的就是讲义里那句比萨。（求的是对词嵌入表各行的梯度，看向量前 8 个数的和。句子里没有重复的词元，一行就是一个位置；换成自己的句子，也别让词元重复。）
"""
# %% en [md]
r"""
First the picture. Sines, RoPE and MiniLM's learnt table all give slanting bands: the colour depends mainly on **how far apart** two positions are, and it is bluest near the diagonal. That sines and RoPE look the same is no mistake: both dot products are sums of $\cos$, one for each frequency, of the distance. MiniLM's table was not designed like this; it came out of training. T5 has one number for a range of distances, coarser far away, and before and after differ.

Then the game. A line is a method (`relative` is T5's); each bracket is a seed and holds the percentages of the four stretches. Without positions the model does little better than guessing. With positions, all are right more than nine times in ten in the stretch that they trained on. Beyond it, the learnt table falls back to guessing at once, since its rows from 65 on were never trained; sines and T5's numbers soon fail, too; **RoPE lasts longest: eight or nine in ten are right at twice the length, one to three in ten at four times**.
Why does it fail, when scores depend on distance alone? Near keys score as they did in training (section 4.3); new are only the keys more than 64 letters back, at distances that training never saw, whose scores may come out too high and take the weight away. In the game of 3.8 one block with RoPE still answered at nearly four times its length; there it had to find content, here an exact distance. Whether a model can go beyond its length has to be measured.

## 4.10 Three families, one kind of block

The third handout says that the Transformer, the architecture of today's large models, consists “mainly of an encoder and a decoder”. The original of 2017 does; but GPT, Llama, Qwen and SmolLM2 are **decoders only**, BERT is an encoder only, and T5 has both. All three families can use one class of block (in `course_lib.nn` it is the same `Block`); they differ in **who sees whom**.
The fifth handout explains autoregression, takes BERT as its example, and says that *because* depends on the words **before** it. That holds for GPT; does it for BERT? Ask the models: is the gradient of the last vector at position t with respect to each input token 0 or not? Section 1.8 measured the first two; here are all three. They read the handout's sentence about pizza. (The gradient is that of the vector's first 8 numbers, summed, with respect to the rows of the embedding table. No token comes twice, so a row is a position; keep to that in a sentence of your own.)
"""
# %% rows="E33 E36 E37"
def sees(hidden, table, ids):                               # (T, D) -> (T, S)
    gradient = partial(torch.autograd.grad, inputs=table, retain_graph=True)
    return torch.stack([gradient(h[:8].sum())[0][ids].norm(dim=1) for h in hidden])

sentence = cl.L(zh="我喜欢吃比萨，因为它味道很好。", en="I like pizza because it tastes very good.")
seen = {}
for name in cl.L(zh=("zh-bert", "zh-gpt"), en=("minilm-l6", "smollm2-135m")):
    m = cl.load(name)
    ids = m.tokenizer(sentence, return_tensors="pt").input_ids             # (1, T)
    net = cl.models.port(m).cpu().stack
    seen[name] = sees(net(ids)[0][0], net.tokens.weight, ids[0])           # (T, T)
    ahead = seen[name][tuple(torch.triu_indices(*seen[name].shape, 1))]
    zeros = f"{int((ahead == 0).sum())} / {len(ahead)}"
    print(cl.L(zh="右上角恰好是 0 的：", en="exactly 0 in the upper right:"), zeros, name)

# %% rows="R15 E33"
m = cl.load("zh-fr-en")
source = m.tokenizer("我爱你。", return_tensors="pt").input_ids              # (1, S)
target = m.tokenizer("je t'aime .", return_tensors="pt").input_ids[:, :-1] # (1, T)
net = cl.models.port(m).cpu()
hidden = net.decoder(target, memory=net.encoder(source)[0])[0][0]          # (T, D)
both = torch.cat([source, target], dim=1)[0]
seen["zh-fr-en"] = sees(hidden, net.encoder.tokens.weight, both)           # (T, S + T)
print({type(layer).__name__ for layer in (*net.encoder.blocks, *net.decoder.blocks)})
figure, axes = plt.subplots(1, 3, figsize=(9, 3))
for axis, (name, strength) in zip(axes, seen.items()):
    axis.imshow(strength > 0, vmin=0, vmax=1)
    axis.set(title=name, xticks=[], yticks=[], xlabel=cl.L(zh="输入的词元", en="input token"))
axes[0].set_ylabel(cl.L(zh="第几个位置的向量", en="vector at position"))
axes[2].axvline(source.shape[1] - 0.5, color="#ee7733")
plt.show()

# %% zh [md]
r"""
蓝色是看得见。左边 BERT 一类：没有一格是 0，“因为”也受后面“味道很好”的影响。中间 GPT 一类：右上角**恰好是 0**，一个不差，所以能逐词往下写。
右边是课程自己的翻译模型 `zh-fr-en`（T5 一类），一行是一个法语词元，竖线左边是中文原文，右边是法语译文：**原文全部看得见，译文只看得见前面的**。编码器和解码器用的是同一种层，解码器的层多一次交叉注意力。

## 4.11 参数放在哪里

一个模型有多少参数，从它的 `config.json` 就算得出来，一个权重也不用下载。

## 练习 7 · 数参数

写 `parameter_count(config)`：`config` 是一个字典，键和 Llama 的 `config.json` 一样：`vocab_size`（V）、`hidden_size`（D）、`intermediate_size`（F）、`num_hidden_layers`、`num_attention_heads`、`tie_word_embeddings`；`num_key_value_heads` 没有或为 None 时等于头数，`head_dim` 没有或为 None 时等于 D // 头数。返回整数。
每层两个 RMSNorm，最后还有一个；注意力四个矩阵，q 和 o 的是 D × (H·d)，k 和 v 的是 D × (G·d)，这里 d 是 `head_dim`；前馈网络三个，D × F；都没有偏置；输出头和词嵌入共用时（`tie_word_embeddings`），只数一次。头数不能被键值头数整除，抛出 `ValueError`。
例：V=10、D=4、F=6、1 层、2 个头、1 组键值、共用：词嵌入 40，注意力 16 + 8 + 8 + 16，前馈网络 72，归一化 12，共 172。
"""
# %% en [md]
r"""
Blue means seen. On the left, the BERT: not a single cell is 0, and *because* is influenced by *tastes very good* after it. In the middle, the GPT: the upper right is **exactly 0**, every cell of it, and that is why it can write word by word.
On the right is the course's own translator `zh-fr-en`, a T5; a row is a French token, left of the line is the Chinese source (“I love you.”), right of it the French: **all of the source is seen, of the translation only what came before**. Encoder and decoder have the same kind of block, with one cross-attention more in the decoder's.

## 4.11 Where the parameters sit

How many parameters a model has follows from its `config.json`; not a single weight has to be downloaded.

## Exercise 7 · Count the parameters

Write `parameter_count(config)`: `config` is a dictionary with the keys of Llama's `config.json`: `vocab_size` (V), `hidden_size` (D), `intermediate_size` (F), `num_hidden_layers`, `num_attention_heads`, `tie_word_embeddings`; where `num_key_value_heads` is absent or None it equals the number of heads, and where `head_dim` is absent or None it is D // heads. Return an integer.
Each block has two RMSNorms, and there is one at the end; attention has four matrices, D × (H·d) for q and o and D × (G·d) for k and v, where d is `head_dim`; the feed-forward network has three, D × F; none has biases; a head that is tied to the embedding (`tie_word_embeddings`) counts once. If the heads are not divisible by the key-value heads, raise `ValueError`.
Example: V=10, D=4, F=6, 1 block, 2 heads, 1 key-value head, tied: embedding 40, attention 16 + 8 + 8 + 16, feed-forward 72, norms 12, in all 172.
"""
# %% exercise id="transformer.parameter_count"
...
# %% rows="R17 R14"
cl.check("transformer.parameter_count")
parameter_count = cl.use("transformer.parameter_count")
print(parameter_count(config.to_dict()), sum(w.numel() for w in mine.parameters()))
def sizes(kind, settings):                                  # part -> parameters
    with torch.device("meta"):                              # shapes only, no numbers
        net = kind(settings)
    size = dict.fromkeys(("feed_forward.", "attention.", "cross.", "norm", ""), 0)
    for name, weight in net.named_parameters():
        size[next(part for part in size if part in name)] += weight.numel()
    return size                                             # "": embeddings, positions

ffn, attends, _, _, table = sizes(cl.nn.Decoder, found.config).values()
for T in (128, 1024, 8192):                                 # products for token T
    share = ffn / (ffn + attends + table + 2 * T * config.hidden_size * 30)
    print(T, cl.L(zh="前馈网络占的计算量", en="feed-forward share of computation"), f"{share:.0%}")

# %% rows="R17 R14"
published = {
    "SmolLM2-135M": (cl.nn.Decoder, found.config),
    "BERT-base": (cl.nn.Encoder, cl.nn.EncoderConfig(vocab_size=30_522)),
    "T5-base": (cl.nn.Seq2Seq, cl.nn.Seq2SeqConfig(
        vocab_size=32_128, n_layer=12, n_head=12, d_model=768))}
rows = []
for name, (kind, settings) in published.items():
    size = sizes(kind, settings)
    total = sum(size.values())
    percent = [f"{100 * n / total:.1f} %" for n in size.values()]
    rows.append([name, f"{total / 1e6:.1f} M", *percent])
header = cl.L(zh=["", "参数", "前馈网络", "注意力", "交叉注意力", "归一化", "词嵌入和位置"],
              en=["", "parameters", "feed-forward", "attention", "cross-attention", "norms",
                  "embeddings, positions"])
cl.viz.table(rows, header=header, right=range(1, 7))

# %% rows="R17"
from dataclasses import replace
def treemap(model, **own):
    yours = cl.nn.Decoder, replace(found.config, **own)
    *inside, table = sizes(*published.get(model, yours)).values()
    amounts = [*inside, table]
    total = sum(amounts)
    boxes = [(f"{name} {n / total:.0%}", n) for name, n in zip(header[2:], amounts)]
    title = cl.viz.paragraph(f"{model}: {total / 1e6:.1f} M")
    return title + cl.viz.treemap([boxes[-1:], boxes[:-1]])

cl.viz.explore(treemap, model=[cl.L(zh="自己定", en="your own"), *published],
               n_layer=(1, 60, 30), d_model=(64, 2048, 576), d_ff=(64, 8192, 1536),
               vocab_size=(1000, 150_000, 49_152))

# %% zh [md]
r"""
SmolLM2 有 1.345 亿个参数，两种数法一样。BERT-base 常说 1.1 亿；表里是 1.089 亿，没有算分类用的附加层（pooler，约 60 万）；T5-base 是 2.2 亿。三个模型都有一半以上的参数在**前馈网络**里，SmolLM2 接近六成；归一化少得画不出来。

计算量又是另一回事。矩阵里的每个数，读一个词元要乘加一次（词嵌入只查表，不算；输出头要算）；注意力还要和前面的每个词元算分数，再按权重相加。读到第 128 个词元，前馈网络占计算量的一半多，到第 8192 个就不到五分之一了：越往后，每个词元要看的越多，加起来就是 3.8 节的平方。
图里方块的大小就是参数的多少；左边一列是词嵌入，右边是其余。拖一拖滑块（`n_layer` 层数，`d_model` 宽度 D，`d_ff` 前馈网络的宽度 F，`vocab_size` 词表）：层数减半，词嵌入的比例怎样变？词表加到 150000 呢？你会看到词表一大，小模型要付多少代价。（头保持 9 个，每个宽 64；`model` 换成现成的三个时，滑块不起作用。）

### 旁白：两个专家，一个路由器

前馈网络加宽，参数多了，每个词元的计算也多了。**混合专家**（mixture of experts，MoE）想只要前一样：把一个前馈网络换成几个，叫作**专家**；再加一个小小的**路由器**，给每个词元算出各个专家的概率，只送给概率最大的那一个（[Fedus 等 2021](https://arxiv.org/abs/2101.03961)）。两个专家，参数多一倍，每个词元要算的几乎不变。
麻烦在分配：词元要是都去了同一个专家，另一个就白放着。常用的办法是给损失加一项**负载均衡损失** $2\sum_i f_iP_i$：$f_i$ 是专家 i 分到的词元比例，$P_i$ 是路由器给它的平均概率。两样都对半分，这一项是 1；都归一个专家，就是 2。

下面把 4.7 节的小模型减成两层，第一层换上两个专家，训练 60 步。头一种什么也不加；第二种让路由器一开始就偏向专家 1（偏置加 2）；第三种同样偏心，再加 0.1 倍的负载均衡损失。括号是三个种子，里面是没见过的句子上，专家 1 分到的百分比和损失。
（为了代码短，这里两个专家都算，再把没选中的乘以 0；真的实现只算选中的。）
"""
# %% en [md]
r"""
SmolLM2 has 134.5 million, counted either way. BERT-base is usually given as 110 million; the table says 108.9 million, without an extra layer for classification (the pooler, about 0.6 million); T5-base has 220 million. In all three more than half of the parameters are in the **feed-forward networks**, in SmolLM2 nearly six tenths; the norms are too few to be seen.

Computation is another matter. Each number in a matrix is multiplied and added once for every token read (not the embedding, which is only looked up, but the output head); attention also scores every token so far and adds up their values. At token 128 the feed-forward networks have more than half of the computation, at token 8192 less than a fifth: the later a token, the more it has to look at, and all together that is the square of section 3.8.
In the picture a box is as large as its number of parameters; the left column is the embedding, the right one the rest. Drag the sliders (`n_layer` blocks, `d_model` the width D, `d_ff` the width F of the feed-forward network, `vocab_size`). Halve the blocks; what happens to the embedding's share? And with a vocabulary of 150,000? You will see what a large vocabulary costs a small model. (The 9 heads of 64 numbers stay. With one of the three published models as `model`, the sliders do nothing.)

### An aside: two experts and a router

A wider feed-forward network has more parameters and costs more computation for every token. A **mixture of experts** (MoE) wants the first without the second: one feed-forward network becomes several, the **experts**, and a small **router** computes a probability of each expert for each token, which is sent only to the likeliest ([Fedus et al. 2021](https://arxiv.org/abs/2101.03961)). Two experts have twice the parameters, and a token costs almost what it did.
The trouble is sharing: if all tokens go to one expert, the other lies idle. A common remedy adds a **load-balancing loss** $2\sum_i f_iP_i$, where $f_i$ is the share of tokens that expert i gets and $P_i$ the average probability that the router gives it. With both split in half it is 1; with everything at one expert it is 2.

Below, the small model of 4.7 is cut to two blocks, its first block gets two experts, and it trains for 60 steps. The first time nothing is added; the second time expert 1 gets a head start (the router's bias for it is raised by 2); the third time it gets the same head start, and 0.1 times the load-balancing loss is added. Each bracket is a seed and holds, on unseen sentences, the percentage of tokens that expert 1 gets and the loss.
(To keep the code short both experts are computed, and the one that was not chosen is multiplied by 0; real implementations compute only the chosen one.)
"""
# %%
class Experts(nn.Sequential):                               # a router, then two experts
    def forward(self, x):                                   # (B, T, D)
        p = self[0](x).softmax(-1)                          # (B, T, 2)
        chosen = F.one_hot(p.argmax(-1), 2)                 # 1 for the likelier, else 0
        self.load = chosen.float().mean((0, 1))             # (2,): share of the tokens
        self.balance = 2 * (self.load * p.mean((0, 1))).sum()
        first, second = (p * chosen).split(1, dim=-1)       # (B, T, 1) each
        return first * self[1](x) + second * self[2](x)

# %% training
def routed(lead, weight, seed):                             # % to expert 1, loss
    torch.manual_seed(seed)
    m = Llama(small)
    m.layers = m.layers[:2]
    nn.init.normal_(m.embed_tokens.weight, std=0.1)
    experts = Experts(nn.Linear(64, 2), FeedForward(small), FeedForward(small))
    experts[0].bias.data[0] += lead
    m.layers[0].mlp = experts
    aim = lambda m, ids: cl.training.default_loss(m, ids) + weight * experts.balance
    learn(m, train, steps=10 if quick else 60, lr=0.01, context=32, seed=seed, loss=aim)
    with torch.inference_mode():
        nats = loss(m.cpu()(test[:, :-1]))
    return round(100 * experts.load[0].item()), round(nats, 2)
for lead, weight in ((0, 0), (2, 0), (2, 0.1)):
    print(lead, weight, *(routed(lead, weight, seed) for seed in range(3)))

# %% zh [md]
r"""
什么也不加，分得匀不匀要看种子：有的还算匀，有的大半词元归了同一个专家。一开始就偏心，60 步以后八成以上的词元还是归专家 1，没有自己散开。加上均衡损失，三个种子都回到一半左右。
均衡没有换来更低的损失，至少这里没有，反而比只偏心的略高；为什么，没有深究。它首先管的是另一件事：专家分放在几台机器上时，大家都要等最忙的那一台。

## 小结

- 一层：读归一化以后的向量，算完加回残差流。先注意力，再前馈网络。位置在打分之前进去：原版加在词嵌入上，RoPE 旋转查询和键。
- 你的四十几行装上 SmolLM2 的权重，logits 和 `transformers` 的差不到 0.001，写出的话一样。
- 拆掉残差，四层的模型一点上文也没学会；拆掉掩码，损失低得好看，写出来的是胡话。
- 训练能并行，因为没有循环、上文已知、掩码防作弊；写字只能一步一步。注意力自己看不见次序，所以要告诉它位置。
- 三个家族差在谁看得见谁。参数多在前馈网络；小模型里，词嵌入也占一大块。

还想动手：把 `mine` 里某一层的 `self_attn.turn` 换成 `torch.clone`，SmolLM2 还会不会说话？全部 30 层都换呢？再把 `mine.layers` 的两层对调，看 4.6 节的句子变成什么样。
接下来：[第 5 章 损失与训练目标](05_loss.ipynb)。
"""
# %% en [md]
r"""
With nothing added, the sharing depends on the seed: sometimes it is fairly even, sometimes most tokens go to one expert. After a head start, more than eight tokens in ten still go to expert 1 at the end of the 60 steps; that has not evened out by itself. With the balancing loss all three seeds come back to about a half.
Balance did not bring a lower loss, at least not here; the loss is slightly higher than with the head start alone, and we did not look into why. Balance is first of all for something else: when experts sit on several machines, all of them wait for the busiest.

## Summary

- A block reads the normalised vector and adds its result to the residual stream: attention first, then the feed-forward network. Positions come in before the scores: the original adds them to the embeddings, RoPE rotates queries and keys.
- Your forty-odd lines carry SmolLM2's weights; the logits differ from those of `transformers` by less than 0.001, and the text is the same.
- Without residuals, four blocks learnt nothing from context; without the mask the loss looks splendid and the text is gibberish.
- Training is parallel because nothing is recurrent, the context is known and the mask prevents cheating; writing goes step by step. Attention alone cannot see order, and so it has to be told positions.
- The three families differ in who sees whom. Most parameters are in the feed-forward networks; in a small model the embedding takes a large part as well.

To try: replace `self_attn.turn` in one block of `mine` by `torch.clone`; does SmolLM2 still speak? And in all 30 blocks? Then swap two blocks of `mine.layers` and see what becomes of the sentence in 4.6.
Next: [chapter 5, loss](05_loss.ipynb).
"""

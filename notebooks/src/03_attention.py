# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 3 · 注意力：去看该看的地方

“我喜欢吃比萨，因为**它**味道很好。”读到“它”，你的眼睛不用动，心里已经回到了“比萨”。
模型读到“它”时，手里只有一串数，它怎么知道该回头看谁？靠一种软的查找：给前面每个词元打分，按分数各取一份。这就是**注意力**。

这一章回答四个问题：

- 注意力到底算了什么？（二十行以内，你自己写）
- 公式里那个 $\sqrt{d}$ 有什么用，去掉会怎样？（量一量）
- 掩码、多头、交叉注意力各管什么？（画一画，弄坏它，再修好）
- 注意力权重大，就是“原因”吗？（关掉一个头，看结果变不变）

做完练习，SmolLM2 会用**你写的**注意力函数说话。

## 3.1 先看一个真模型在看哪里

下面是 SmolLM2 读这句话时的全部注意力：30 层，每层 9 个头，每个头一张表。**行在看，列被看**，颜色越深看得越重，每一行加起来是 1。
先打开的是第 16 层第 3 头（层和头都从 0 数起）。270 个头里，从“它”看“比萨”看得最重的几个头，这是其中之一，所以拿来开场。
点小图换一个头，指着一个词元就知道这个词元在看谁，也可以换一句你自己的话。
"""
# %% en [md]
r"""
# 3 · Attention: look where it matters

“I like eating pizza because **it** tastes very good.” At *it* your eyes need not move; your mind is already back at *pizza*.
A model that reads *it* holds nothing but numbers. How does it know where to look back? By a soft kind of lookup: it scores every token so far and takes a share of each according to its score. That is **attention**.

This chapter answers four questions:

- What does attention compute? (under twenty lines, written by you)
- What is the $\sqrt{d}$ in the formula for, and what happens without it? (measure)
- What do masks, heads and cross-attention do? (paint them, break them, mend them)
- Does a large attention weight mean “because of this”? (silence a head and see whether the result changes)

When the exercises are done, SmolLM2 will speak through an attention function that **you** wrote.

## 3.1 Watch a real model look

Here is all of SmolLM2's attention as it reads the sentence: 30 layers of 9 heads, one table for each head. **Rows look, columns are looked at**; darker means more, and every row sums to 1.
It opens at layer 16, head 3 (layers and heads count from 0). We picked this head because, of the 270, it is among those that look hardest from *it* to *pizza*.
Click a small picture to change the head, point at a token to see what it looks at, or type a sentence of your own.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% rows="R62"
import math
import torch
import torch.nn.functional as F

model = cl.load("smollm2-135m")
sentence = cl.L(zh="我喜欢吃比萨，因为它味道很好。",
                en="I like eating pizza because it tastes very good.")
view = cl.attention_view(model, sentence)
view.select(layer=16, head=3)

# %% zh [md]
r"""
三件事一眼可见。右上角全空，SmolLM2 不看后面的字。许多头把大半权重放在第一个词元上，好像没处可看时就看那里。各头花样不同，有的总看前一个，有的跨得很远。
（`我₁` `我₂` 是一个汉字的几段字节，第 2 章会讲。）第 16 层第 3 头回头看“比萨”，是不是就懂了“它”指什么？3.10 节再答。先问这些数从哪里来。

## 3.2 软的查找

字典查找是硬的：钥匙对上了，取出那一个值；对不上，什么也没有。注意力是软的：**查询**（query）跟每把**键**（key）比一比，像几分，就从那把键的**值**（value）里取几分。
三步：

1. **点积**得到分数：两串数对应相乘再相加，$[2,1]\cdot[1,0]=2\times1+1\times0=2$。方向越一致，点积越大；互相垂直，点积是 0。
2. **softmax** 把分数变成权重：每个分数取 $e$ 的幂，再除以总和，于是都是正数，加起来为 1。
3. 用权重把值**混合**起来：各乘各的权重，再相加。

先用一个查询、三把键手算一遍。`A @ B.T` 是 A 的每一行和 B 的每一行的点积，排成一张表；`softmax(-1)` 沿最后一个轴算，这里就是沿着键。分数先除以 $\sqrt2$，2 是键的宽度，为什么要除，3.3 节讲。
"""
# %% en [md]
r"""
Three things catch the eye. The upper right is empty: SmolLM2 does not see what comes later. Many heads put most of their weight on the first token, as if that were the place to look when there is nothing to look for. And heads differ: some always look one back, some far away.
(In Chinese text you would meet labels such as `我₁` `我₂`, the bytes of one character; see chapter 2.) Head 3 of layer 16 looks back at *pizza*; has it understood what the word *it* stands for? Section 3.10 answers that. First, where do these numbers come from?

## 3.2 A soft lookup

A dictionary lookup is hard: the key fits and you get its value, or it does not and you get nothing. Attention is soft: the **query** is compared with every **key**, and takes a share of each key's **value** according to how alike they are.
Three steps:

1. A **dot product** gives the score: multiply two lists of numbers entry by entry and add up, $[2,1]\cdot[1,0]=2\times1+1\times0=2$. The more the two point the same way, the larger it is; at right angles it is 0.
2. **Softmax** turns scores into weights: raise $e$ to each score and divide by the total, so that all are positive and sum to 1.
3. The weights **mix** the values: multiply each value by its weight and add up.

First by hand, with one query and three keys. `A @ B.T` is the dot product of every row of A with every row of B, laid out as a table; `softmax(-1)` runs along the last axis, here along the keys. The scores are first divided by $\sqrt2$, 2 being the width of a key; section 3.3 says why.
"""
# %% rows="R8 E28"
q = torch.tensor([[2.0, 1.0]])                           # one query, 2 wide    (T, d)
K = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])   # three keys, 2 wide   (S, d)
V = torch.tensor([[10.0], [20.0], [30.0]])               # a value for each key (S, e)

scores = q @ K.T                                         # (T, S)
weights = (scores / math.sqrt(K.shape[-1])).softmax(-1)  # (T, S)
print("q · k  ", scores.tolist())
print("weights", weights.numpy().round(2), "sum", round(weights.sum().item(), 2))
print("output ", (weights @ V).numpy().round(2))         # (T, e)

# %% zh [md]
r"""
第三把键和查询最像，拿走一半多；输出是三个值按权重的混合。把许多查询叠成矩阵，就是那条著名的公式（[Vaswani 等 2017](https://arxiv.org/abs/1706.03762)，式 1）：

$$\mathrm{Attention}(Q,K,V)=\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$$

$Q$、$K$、$V$ 是**矩阵**，一行一个词元；$d_k$ 是**一把键有多宽**（上面是 2），不是键矩阵的大小，也不是键的个数（上面是 3）。
第一份和第五份讲义在这里说错了：$d_k$ 被说成“键矩阵的维度”，Q、K、V 被叫作“向量”。

它们从哪来？每个词元的向量 $x$ 乘上三个学来的矩阵：$q=W_qx$，我在找什么；$k=W_kx$，我能被怎样找到；$v=W_vx$，找到我就取走什么。
公式里 $x$ 是竖着的一列，代码里一个词元是**一行**，许多行叠成 `x`，所以代码写 `x @ W.T`：转置之后，第 $i$ 行正好是 $Wx_i$。
查询、键、值都来自同一段文字，就叫**自注意力**。

## 练习 1 · 缩放点积注意力

写 `attention(q, k, v, mask=None)`：`q` 是 [B,H,T,d]，`k` 是 [B,H,S,d]，`v` 是 [B,H,S,e]，返回 [B,H,T,e]。字母是全课通用的：B 批里的例子数，H 头数（一个头就是 3.1 节里的一张表，3.6 节细讲），T 查询数，S 键数，d 键宽，e 值宽。各个例子、各个头各算各的，`@` 会自动照顾前两个轴。
`mask` 是布尔张量，能广播成 [B,H,T,S]（长度为 1 的轴会自动重复），**True 表示可以看**；什么都不许看的查询，输出全 0。做法是在 softmax 之前，把不许看的分数换成 $-\infty$，它们的权重就成了 0。有四个轴时，`k` 的转置写成 `k.transpose(-2, -1)`。不许用 `F.scaled_dot_product_attention`。
例：上面的数字，前面加两个长度为 1 的轴，输出约 22.92。后面所有的图都会用到这个函数。

检查的下面，先和 PyTorch 自己的 `F.scaled_dot_product_attention` 比，再由你的函数画一张图。四把键是四支箭，每把键的值是一种颜色；箭越粗，权重越大，“输出”那一条是按权重调出来的颜色。
**拖动橙色的查询**，试三件事：指向“蓝”，再拉长，最后缩到正中央。（用键盘也行：选中圆点，按方向键。）
"""
# %% en [md]
r"""
The third key is most like the query and takes more than half; the output is the three values mixed by their weights. Stack many queries into a matrix and you have the famous formula ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762), equation 1):

$$\mathrm{Attention}(Q,K,V)=\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$$

$Q$, $K$ and $V$ are **matrices**, one row per token; $d_k$ is **how wide one key is** (2 above), not the size of the key matrix and not the number of keys (3 above).
The first and the fifth handout slip here: they call $d_k$ “the dimension of the key matrix”, and Q, K and V “vectors”.

Where do they come from? Each token's vector $x$ is multiplied by three learnt matrices: $q=W_qx$, what I look for; $k=W_kx$, how I can be found; $v=W_vx$, what you get once you have found me.
In the formula $x$ is a column. In code a token is a **row**, and many rows are stacked into `x`; so code says `x @ W.T`, and row $i$ of the result is $Wx_i$.
When queries, keys and values all come from the same text it is called **self-attention**.

## Exercise 1 · Scaled dot-product attention

Write `attention(q, k, v, mask=None)`: `q` is [B,H,T,d], `k` is [B,H,S,d], `v` is [B,H,S,e]; return [B,H,T,e]. The letters are those of the whole course: B examples in the batch, H heads (one head is one table of section 3.1; more in section 3.6), T queries, S keys, d the width of a key, e that of a value. Every example and head is computed by itself; `@` takes care of the first two axes.
`mask` is boolean, broadcastable to [B,H,T,S] (an axis of length 1 repeats itself), and **True means may look**; a query that may look at nothing gives zeros. The way to do it: before softmax, forbidden scores become $-\infty$, and their weights become 0. With four axes, the transpose of `k` is `k.transpose(-2, -1)`. `F.scaled_dot_product_attention` is forbidden.
Example: the numbers above, with two axes of length 1 in front, give about 22.92. Every picture below will use this function.

Below the check it is compared with PyTorch's own `F.scaled_dot_product_attention`, and then draws a picture. Four keys are four arrows, and the value of each key is a colour; the thicker the arrow, the greater its weight; the bar “output” is the colour mixed by the weights.
**Drag the orange query** and try three things: point it at *blue*, pull it longer, push it to the very centre. (By keyboard: focus the dot and press the arrow keys.)
"""
# %% exercise id="attention.sdpa"
...
# %% rows="R8"
cl.check("attention.sdpa")
attention = cl.use("attention.sdpa")

def same(a, b, tolerance=1e-5):
    return bool((a - b).abs().max() < tolerance)

torch.manual_seed(0)
q, k, v = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 6)
theirs = F.scaled_dot_product_attention(q, k, v)
print(cl.L(zh="与 PyTorch 的相同", en="equals PyTorch's"), same(attention(q, k, v), theirs, 1e-6))
names = cl.L(zh="蓝 青 黄 紫", en="blue cyan yellow purple").split()
keys = dict(zip(names, [(2.0, 0.5), (-0.5, 2.0), (-1.5, -1.5), (1.2, -1.8)]))
colours = dict(zip(names, ["#4477aa", "#66ccee", "#ccbb44", "#aa3377"]))
cl.viz.query_plane(attention, keys, colours, query=(1.5, 0.4))

# %% zh [md]
r"""
查询的方向决定看谁，长度决定看得多专心。查询越长，分数差得越远，softmax 越接近“只取一个”，可总有一点别的颜色混进来；缩到中央，分数全是 0，四把键平分。记住这一点，下一节就容易了。

## 3.3 为什么要除以 √d

真模型的键有几十上百维。设 $q$、$k$ 的每一维都是独立的随机数，均值 0，方差 1（方差是离均值的距离平方后的平均，量的是散得多开）。记均值为 $E$；均值是 0，方差就是 $E[q_1^2]$，等于 1。先看点积里的一项：

$$E[q_1k_1]=E[q_1]\,E[k_1]=0,\qquad \mathrm{Var}(q_1k_1)=E[q_1^2k_1^2]-0^2=E[q_1^2]\,E[k_1^2]=1\cdot1=1$$

中间那一步用的是独立：独立的数，乘积的均值等于均值的乘积，平方之后也一样。点积是 $d$ 个这样的项相加，独立的项方差也相加，得 $d$。
所以典型的分数有 $\sqrt d$ 那么大。维数越多，分数越悬殊，不管内容是什么，softmax 都会越来越“专心”。第四份讲义有一节叫“公式推导”，恰好跳过了这一步。
"""
# %% en [md]
r"""
The direction of the query decides whom to look at, its length how sharply. The longer the query, the further apart the scores and the closer softmax comes to picking one, yet a trace of the other colours always remains; at the centre all scores are 0 and the four keys get equal shares. Keep this in mind and the next section is easy.

## 3.3 Why divide by √d

The keys of a real model have tens or hundreds of dimensions. Let every dimension of $q$ and $k$ be an independent random number of mean 0 and variance 1 (variance, the squared distance from the mean on average, says how widely numbers scatter). Write $E$ for the mean; where it is 0, the variance is $E[q_1^2]$, which is 1. Take one term of the dot product:

$$E[q_1k_1]=E[q_1]\,E[k_1]=0,\qquad \mathrm{Var}(q_1k_1)=E[q_1^2k_1^2]-0^2=E[q_1^2]\,E[k_1^2]=1\cdot1=1$$

The middle step is independence: for independent numbers the mean of a product is the product of the means, and squares of independent numbers are independent, too. A dot product adds $d$ such terms; variances of independent terms add up, to $d$.
A typical score is therefore as large as $\sqrt d$: the more dimensions, the further apart the scores and the sharper the softmax, whatever the content. The fourth handout has a section called “derivation of the formula”, and skips exactly this step.
"""
# %%
cl.guess(
    "attention.saturation",
    cl.L(zh="16 把随机的键，d = 1024，不除以 √d。最大的那份权重平均有多大？",
         en="16 random keys, d = 1024, not divided by √d: the largest weight, on average?"),
    line=(0, 1),
)

# %% rows="R9 E29"
import matplotlib.pyplot as plt
figure, axes = plt.subplots(1, 4, figsize=(9, 2.4), sharey=True)
axes[0].set_ylabel(cl.L(zh="权重", en="weight"))
for axis, d in zip(axes, (16, 64, 256, 1024)):
    q, keys = torch.randn(400, 1, d), torch.randn(400, 16, d)    # 400 queries, 16 keys
    scores = (q * keys).sum(-1)                                  # (400, 16)
    raw, scaled = scores.softmax(-1), (scores / math.sqrt(d)).softmax(-1)
    for name, w, colour in (("q·k", raw, "#ee7733"), ("q·k/√d", scaled, "#4477aa")):
        print(f"d {d:4d}  Var(q·k) {scores.var():4.0f}  softmax({name:6s})",
              f"max {w.amax(-1).mean():.2f}  slope {(w * (1 - w)).mean():.3f}")
        axis.plot(range(16), w[0].sort(descending=True).values, "o-", color=colour)
    axis.set(title=f"d = {d}", xlabel=cl.L(zh="键，按权重排", en="keys, by weight"))
plt.show()
largest = round(raw.amax(-1).mean().item(), 2)
cl.guess.result("attention.saturation", largest, tolerance=0.1)

# %% zh [md]
r"""
每个 $d$ 下面两行，第一行不缩放，第二行除以 $\sqrt d$；图里橙色不缩放，蓝色缩放，各画一个查询。
方差大约就是 $d$。不缩放，最大权重一路涨到 0.9 以上：十六把**随机**的键，softmax 却装作只有一把重要。除以 $\sqrt d$ 以后，不论多宽，都在 0.25 上下。
更糟的是最后一列。权重 $w$ 对自己的分数求导，得 $w(1-w)$；不缩放时这个斜率（16 把键的平均）越来越接近 0，训练时经过 softmax 传回去的梯度也就越来越小，模型很难再学。

## 3.4 别的打分办法，和一个打不了分的公式

点积之前，人们用一个小神经网络打分，叫**加性注意力**（[Bahdanau 等 2014](https://arxiv.org/abs/1409.0473)）：$e_{ij}=w^\top\tanh(W_q x_i+W_k x_j)$。
第二份讲义想写的大概是它，写出来却成了 $e_{ij}=\mathrm{softmax}(W_q\cdot[x_i;x_j])+b_q$，然后再做一次 softmax。照着算，看三件事：分数是什么形状？能不能专心（用第 1 章的熵来量，单位奈特，越小越专心）？换一个查询，看的东西变不变？
"""
# %% en [md]
r"""
Under each $d$ the first line is unscaled and the second divided by $\sqrt d$; in the picture orange is unscaled and blue scaled, for one query each.
The variance is about $d$. Unscaled, the largest weight climbs beyond 0.9: of sixteen **random** keys, softmax pretends that one matters. Divided by $\sqrt d$, it is about 0.25 at every width.
The last column is worse. The derivative of a weight $w$ with respect to its own score is $w(1-w)$; unscaled, this slope (the mean over the 16 keys) sinks towards 0, and with it the gradient that training sends back through the softmax, so that little can be learnt.

## 3.4 Another way to score, and a formula that cannot

Before the dot product, scores came from a small neural network, **additive attention** ([Bahdanau et al. 2014](https://arxiv.org/abs/1409.0473)): $e_{ij}=w^\top\tanh(W_q x_i+W_k x_j)$.
The second handout probably meant this, but wrote $e_{ij}=\mathrm{softmax}(W_q\cdot[x_i;x_j])+b_q$, followed by another softmax. Let us compute what it says and ask three things: what shape is a score? Can it focus (measured by the entropy of chapter 1, in nats; smaller is sharper)? Does another query look elsewhere?
"""
# %% rows="R10 E23 E24 E25"
torch.manual_seed(0)
N, d = 12, 16
x = torch.randn(N, d)
pairs = torch.cat([x[:, None].expand(N, N, d), x.expand(N, N, d)], -1)   # (N, N, 2d)
print("W_q [d, 2d] →", tuple((pairs @ torch.randn(2 * d, d)).shape))
once = (pairs @ torch.randn(2 * d)).softmax(-1)            # a vector instead: (N, N)
twice = (once + 0.3).softmax(-1)                           # b_q = 0.3

def entropy(w):
    return -(w * w.clamp_min(1e-30).log()).sum(-1).mean()

print(cl.L(zh="熵：一次", en="entropy: once"), f"{entropy(once):.2f},", cl.L(zh="两次", en="twice"),
      f"{entropy(twice):.2f}, ln N {math.log(N):.2f}")
print(cl.L(zh="两次：最大 / 最小", en="twice: max / min"), f"{(twice.amax(-1) / twice.amin(-1)).max():.2f}")
print(cl.L(zh="一次：各行相同", en="once: all rows the same"), same(once, once[:1]))

# %% zh [md]
r"""
三处都坏了。`W_q` 若是矩阵，每一对词元得到的是一串数（16 个），不是一个分数。第一次 softmax 把分数压进 0 到 1，于是第二次 softmax 里最多只能差 $e^1\approx2.72$ 倍。做两次以后的熵几乎等于平分时的 $\ln N$，**永远专心不起来**。
就算只做一次，每一行也一模一样。$W[x_i;x_j]=u^\top x_i+v^\top x_j$，前一项对所有 $j$ 都相同，在 softmax 里约掉了，$b_q$ 也一样。**不管谁来问，看的都是同样的地方。**
（讲义的公式还少了值的投影：$c_i=\sum_j a_{ij}x_j$ 混合的是词元本身。）

## 练习 2 · 加性注意力

加一个 tanh 就好了：它不是线性的，查询那一项和键那一项不再能拆开，也就约不掉了。写 `additive_attention(q, k, v, W_q, W_k, w)`：`q` 是 [B,T,d]，`k` 是 [B,S,d]，`v` 是 [B,S,e]，`W_q`、`W_k` 是 [a,d]，`w` 是 [a]；
分数是 $w\cdot\tanh(W_q q+W_k k)$，沿键做 softmax，返回 [B,T,e]。提示：让 [B,T,1,a] 和 [B,1,S,a] 相加，广播会凑出每一对。
例：`w` 全 0 时，所有分数为 0，输出就是各个值的平均。
"""
# %% en [md]
r"""
Broken in three places. If `W_q` is a matrix, each pair of tokens gets a list of 16 numbers instead of one score. The first softmax squeezes the scores into 0 to 1, so that in the second they can differ by a factor of $e^1\approx2.72$ at most. After two, the entropy is nearly the $\ln N$ of equal shares: **it can never focus**.
Even with a single softmax all rows are the same. In $W[x_i;x_j]=u^\top x_i+v^\top x_j$ the first term is equal for every $j$ and cancels in the softmax; so does $b_q$. **Whoever asks, it looks at the same place.**
(The handout's formula also lacks a projection for the values: $c_i=\sum_j a_{ij}x_j$ mixes the tokens themselves.)

## Exercise 2 · Additive attention

One tanh repairs it: since it is not linear, the query's term can no longer be split off from the key's, and does not cancel. Write `additive_attention(q, k, v, W_q, W_k, w)`: `q` is [B,T,d], `k` is [B,S,d], `v` is [B,S,e], `W_q` and `W_k` are [a,d], `w` is [a];
the score is $w\cdot\tanh(W_q q+W_k k)$; softmax over the keys; return [B,T,e]. A hint: add a [B,T,1,a] to a [B,1,S,a] and broadcasting makes every pair.
Example: with `w` all zero, every score is 0 and the output is the plain mean of the values.
"""
# %% exercise id="attention.additive"
...
# %% rows="R10 E24"
cl.check("attention.additive")
additive_attention = cl.use("attention.additive")

W_q, W_k, w = torch.randn(d, d), torch.randn(d, d), torch.randn(d)
identity = torch.eye(N)[None]                              # as values: (1, N, N)
weights = additive_attention(x[None], x[None], identity, W_q, W_k, w)[0]     # (N, N)
print(cl.L(zh="熵", en="entropy"), f"{entropy(weights):.2f}")
print(cl.L(zh="各行相同", en="all rows the same"), same(weights, weights[:1]))

# %% zh [md]
r"""
行与行不同了；熵也比做两次 softmax 时低得多，能专心了。（小窍门：**让值等于单位矩阵，输出的就是权重本身**。）加性打分要为每一对词元算一串 tanh；点积只是一次矩阵乘法，Vaswani 等正是因为它快得多、省内存才选了它，今天几乎都用点积。

## 3.5 掩码：谁可以看谁

有些位置不该看。逐字往下写的模型不许偷看后文（**因果掩码**）；一批长短不一的句子要填充到一样长，填充的词元不许看（**填充掩码**）。两种都用练习 1 的办法：把不许看的分数换成 $-\infty$。

## 练习 3 · 因果加填充

写 `causal_padding_mask(lengths, size)`：`lengths` 是 [B] 的整数，每个例子真正的长度；`size` 是 T。返回布尔 [B,1,T,T]：查询 t 可以看键 s，当且仅当 $s\le t$ 且 $s<$ 长度。
第二个轴长度为 1，是留给“头”广播的。例：`lengths` 为 [2]、`size` 为 3，三行是 T F F、T T F、T T F。

检查下面有一张**可以涂改的掩码**，点格子，或按住涂过去。先想三件事再动手：挡住一格，那份权重去了哪里？把一整行都挡住会怎样？只留对角线呢？
"""
# %% en [md]
r"""
Now the rows differ, and the entropy is much lower than after two softmaxes: it can focus. (A trick to remember: **let the values be the identity matrix, and out come the weights**.) Additive scoring takes a row of tanhs for every pair of tokens; dot products are a single matrix multiplication. Vaswani et al. chose them for being much faster and smaller in memory, and nearly everything uses them today.

## 3.5 Masks: who may look at whom

Some places must not be seen. A model that writes token by token may not peek at what follows (**causal mask**); sentences of unequal length are padded to make a batch, and the padding may not be looked at (**padding mask**). Both work as in exercise 1: forbidden scores become $-\infty$.

## Exercise 3 · Causal and padding

Write `causal_padding_mask(lengths, size)`: `lengths` are integers [B], the true length of each example; `size` is T. Return bool [B,1,T,T]: query t may look at key s if and only if $s\le t$ and $s<$ length.
The second axis has length 1 so that it can be broadcast to the heads. Example: `lengths` [2] and `size` 3 give the rows T F F, T T F, T T F.

Below the check is a **mask to paint on**: tap cells, or hold and paint across them. Three questions to think about first: if you block one cell, where does its weight go? What if you block a whole row? And if only the diagonal is left?
"""
# %% exercise id="attention.masks"
...
# %% rows="R12"
cl.check("attention.masks")
causal_padding_mask = cl.use("attention.masks")

words = cl.L(zh="我 喜欢 吃 比萨 ▢ ▢", en="I like pizza now ▢ ▢").split()    # ▢: padding
T, rng = len(words), torch.Generator().manual_seed(3)
q, k = torch.randn(T, 8, generator=rng), torch.randn(T, 8, generator=rng)
masks = {
    cl.L(zh="因果", en="causal"): causal_padding_mask(torch.tensor([T]), T)[0, 0],
    cl.L(zh="因果 + 填充", en="causal + padding"): causal_padding_mask(torch.tensor([4]), T)[0, 0],
    cl.L(zh="全部可见", en="all"): torch.ones(T, T, dtype=torch.bool),
    cl.L(zh="只看自己", en="only itself"): torch.eye(T, dtype=torch.bool),
}
cl.viz.mask_painter(attention, q, k, words, words, masks)

# %% zh [md]
r"""
挡住一格，那份权重按比例分给同一行剩下的格子，行和仍是 1。只留对角线，每个词元就只取自己的值。整行挡住，行和是 0：没有可看的，就什么也拿不到。
用 $-\infty$ 硬算一整行会得到 `nan`，一个 `nan` 能毁掉整批训练；练习 1 要求全 0，就是为此。

## 3.6 多个头

一个头只有一张权重表，每行加起来是 1，多看一分“比萨”，就少看一分“喜欢”。**多头注意力**把宽度 D 切成 H 段，每段各看各的，再拼回来。参数一个不多，每个词元却能同时用 H 种眼光去看。
切和拼最容易写错：`view` 不会移动数据，少一个转置，词元和头就搅在一起，形状还是对的。

## 练习 4、5 · 切开与拼回

写 `split_heads(x, n_heads)`：[B,T,D] 变 [B,H,T,D/H]，第 h 个头拿第 h·D/H 到 (h+1)·D/H 列；D 不能被 H 整除时抛出 `ValueError`。再写它的逆 `merge_heads(x)`：[B,H,T,dh] 变 [B,T,H·dh]，内存不连续的输入也要对（转置过的张量就是这样：`view` 会报错，`reshape` 不会）。
例：一个词元 [1, 2, 3, 4] 切成两个头，是 [1, 2] 和 [3, 4]。
"""
# %% en [md]
r"""
Block a cell and its weight is shared among the rest of its row, in proportion; the row still sums to 1. With only the diagonal left, each token fetches its own value. Block the whole row and it sums to 0: with nothing to look at, nothing is fetched.
Computed plainly, a whole row of $-\infty$ gives `nan`, and a single `nan` can ruin the training of a whole batch; that is why exercise 1 asks for zeros.

## 3.6 Several heads

One head has one table of weights, and each row sums to 1: what it gives to *pizza* it cannot give to *like*. **Multi-head attention** cuts the width D into H pieces, lets each look for itself, and joins the results. There is not one parameter more, yet every token looks in H ways at once.
Cutting and joining are where it goes wrong: `view` moves no data, so if a transpose is missing, tokens and heads get mixed while every shape is right.

## Exercises 4 and 5 · Split and merge

Write `split_heads(x, n_heads)`: [B,T,D] becomes [B,H,T,D/H], and head h gets columns h·D/H to (h+1)·D/H; if D is not divisible by H raise `ValueError`. Then its inverse `merge_heads(x)`: [B,H,T,dh] becomes [B,T,H·dh], also when the input is not contiguous in memory (as after a transpose, where `view` raises and `reshape` does not).
Example: one token [1, 2, 3, 4] in two heads is [1, 2] and [3, 4].
"""
# %% exercise id="attention.split_heads"
...
# %% exercise id="attention.merge_heads"
...
# %%
cl.check("attention.split_heads")
cl.check("attention.merge_heads")
split_heads = cl.use("attention.split_heads")
merge_heads = cl.use("attention.merge_heads")

# %% zh [md]
r"""
## 3.7 讲义里的注意力类：先测，再弄坏，再修好

第四份讲义给了一个 PyTorch 注意力类。下面用我们自己的话重写，毛病原样保留。讲义还说“运行上述代码可以得到输出结果”，运行下面第一格，其实只定义了一个类，什么也不会打印。

公平起见，先测它对的时候：装上同样的权重，跟 PyTorch 的 `nn.MultiheadAttention` 比（`usual_sizes`）。再挑四种不好的输入，每种一个小测试，算对了返回 True（例子和头都从 0 数起）：

- `backwards`：倒着读，输出只该倒过来。没有掩码时，词元换了次序，每个词元取到的还是同一堆值：**注意力自己看不见次序**，“狗咬人”和“人咬狗”对它是同一袋词（怎样把次序告诉它，第 4 章讲）。宽度先取 64，再取 4 个头除不尽的 65。
- `nothing_to_see`：整行都被挡住，什么也不该取到，输出只剩最后一层的偏置。
- `mask_per_example`：掩码的形状是 [B,T,T]，每个例子一张，而 B 恰好等于 H。第 3 个例子单独算和放在批里算，应该一样。
- `low_precision`：半精度 `float16` 和 `bfloat16`，结果应与 `float32` 相差不大。
"""
# %% en [md]
r"""
## 3.7 The handout's attention class: test it, break it, mend it

The fourth handout offers an attention class in PyTorch. Here it is in our own words with its faults kept. The handout also promises that “running the code above gives the output”; run the next cell, and see that it defines a class and prints nothing.

To be fair, first test it where it is right: given the same weights, against PyTorch's `nn.MultiheadAttention` (`usual_sizes`). Then choose four bad inputs, with a small test for each that returns True if the result is right (examples and heads count from 0):

- `backwards`: reading backwards should only turn the output around. Without a mask, tokens in another order fetch from the same heap of values: **attention alone cannot see order**, and *dog bites man* and *man bites dog* are the same bag of words to it (chapter 4 shows how a model is told the order). First with width 64, then with 65, which 4 heads do not divide.
- `nothing_to_see`: whole rows are blocked; nothing should be fetched, and only the bias of the last layer should come out.
- `mask_per_example`: the mask has shape [B,T,T], one table for each example, and B happens to equal H. Example 3 should come out the same alone as in the batch.
- `low_precision`: half precision, `float16` and `bfloat16`; the result should be near that in `float32`.
"""
# %% rows="R58 E17"
class AsInTheHandout(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.width, self.heads = width, heads
        linear = [torch.nn.Linear(width, width) for _ in range(4)]
        self.to_q, self.to_k, self.to_v, self.to_out = linear

    def forward(self, q, k, v, mask=None):
        B, each = len(q), self.width // self.heads
        q, k, v = self.to_q(q), self.to_k(k), self.to_v(v)
        q, k, v = (x.view(B, -1, self.heads, each).transpose(1, 2) for x in (q, k, v))
        scores = q @ k.transpose(-2, -1) / math.sqrt(each)
        scores = scores if mask is None else scores.masked_fill(mask == 0, -1e9)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).contiguous()
        return self.to_out(mixed.view(B, -1, self.width))

# %% rows="R58 R11 E14"
def usual_sizes(kind):
    layer, x = kind(64, 4), torch.randn(2, 5, 64)
    theirs = torch.nn.MultiheadAttention(64, 4, batch_first=True)
    first = (layer.to_q, layer.to_k, layer.to_v)
    theirs.in_proj_weight.data = torch.cat([each.weight.data for each in first])
    theirs.in_proj_bias.data = torch.cat([each.bias.data for each in first])
    theirs.out_proj = layer.to_out
    return same(layer(x, x, x), theirs(x, x, x)[0], 1e-6)

def backwards(kind, width, T):
    layer, x = kind(width, 4), torch.randn(2, T, width)
    back = x.flip(1)
    return same(layer(back, back, back).flip(1), layer(x, x, x))

# %% rows="E15 E16 R12"
def nothing_to_see(kind):
    layer, x = kind(64, 4), torch.randn(2, 5, 64)
    out = layer(x, x, x, torch.zeros(2, 1, 5, 5, dtype=torch.bool))
    return same(out, layer.to_out.bias)

def mask_per_example(kind):
    layer, x = kind(64, 4), torch.randn(4, 5, 64)
    mask = causal_padding_mask(torch.tensor([5, 4, 3, 2]), 5)[:, 0]     # (B, T, T)
    return same(layer(x, x, x, mask)[3:], layer(x[3:], x[3:], x[3:], mask[3:, None]))

def low_precision(kind, dtype):
    layer, x, mask = kind(64, 4), torch.randn(2, 5, 64), torch.ones(5, 5).tril() > 0
    exact, x = layer(x, x, x, mask[None, None]), x.to(dtype)
    return same(layer.to(dtype)(x, x, x, mask[None, None]).float(), exact, 0.02)

# %%
cl.guess(
    "attention.silent",
    cl.L(zh="宽度 65（5 个词元、64 个词元），整行被挡，[B,T,T] 掩码，"
            "float16，bfloat16：六种里有几种不报错，却算错？",
         en="Width 65 (5 tokens, 64 tokens), rows blocked, a [B,T,T] mask, "
            "float16, bfloat16: how many of the six raise nothing and are wrong?"),
)

# %% rows="R58 R11 R12 E14 E15 E16"
TESTS = [(usual_sizes,), (backwards, 64, 5), (backwards, 65, 5), (backwards, 65, 64),
         (nothing_to_see,), (mask_per_example,), (low_precision, torch.half),
         (low_precision, torch.bfloat16)]

def trial(kind):
    for test, *given in TESTS:
        try:
            right = cl.L(zh="对", en="right")
            verdict = right if test(kind, *given) else cl.L(zh="悄悄算错", en="silently wrong")
        except Exception as error:
            verdict = f"{type(error).__name__}: {error}"
        print(test.__name__, *given, "→", verdict)

trial(AsInTheHandout)
cl.guess.result("attention.silent", 3)

# %% zh [md]
r"""
平常的尺寸，讲义的类全对，`bfloat16` 也对。六种情形里，两种报错，三种**悄悄算错**；悄悄算错可怕得多，因为没有人知道。
除不尽时，5 个词元碰巧报错，64 个词元却碰巧凑得成形状：`view(-1)` 把数据重新切了一遍，词元全搅在一起。整行被挡时，所有分数都是 $-10^9$，softmax 就平分权重，输出成了不许看的内容的平均。
[B,T,T] 的掩码在 B=H 时，本该管“第 3 个例子”，却管了每个例子的“第 3 个头”。`float16` 装不下 $10^9$，直接报错。

修它只要三处改动，前两处用的函数你都写过了：`split_heads` 检查能否整除；`attention` 用 $-\infty$，整行被挡时给出 0；再加一句，掩码必须有四个轴。
"""
# %% en [md]
r"""
At usual sizes the handout's class is right, and so it is in `bfloat16`. Of the six cases, two raise errors and three are **silently wrong**, which is far worse, because nobody notices.
With a width that does not divide, 5 tokens happen to raise while 64 happen to fit: `view(-1)` cuts the data up anew and all tokens are mixed. With everything blocked, all scores are $-10^9$, softmax gives equal weights, and the average of what must not be seen leaks out.
A [B,T,T] mask meant for “example 3” masks, when B=H, “head 3” of every example. `float16` cannot hold $10^9$ and raises.

Three changes mend it, and you have written the functions for the first two: `split_heads` checks that the width divides; `attention` uses $-\infty$ and gives 0 where a whole row is blocked; and a mask must have four axes.
"""
# %% rows="R58 E14 E15 E16"
class Mended(AsInTheHandout):
    def forward(self, q, k, v, mask=None):
        if mask is not None and mask.dim() != 4:
            raise ValueError(f"mask has {mask.dim()} axes, not 4: give [B, 1, T, S]")
        q, k, v = self.to_q(q), self.to_k(k), self.to_v(v)
        q, k, v = (split_heads(x, self.heads) for x in (q, k, v))
        return self.to_out(merge_heads(attention(q, k, v, mask)))

trial(Mended)

# %% zh [md]
r"""
能算的都算对了；不能算的报错，并且说明为什么。

## 练习 6 · 多头注意力，也能交叉

把这一切写成一个函数，连权重一起交出来。写 `multi_head_attention(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None)`：查询来自 `x_q` [B,T,D]，键和值来自 `x_kv` [B,S,D]，各矩阵 [D,D]，用法是 `x @ W.T`，`mask` 同练习 1；
返回（输出 [B,T,D]，权重 [B,H,T,S]）。`attention` 只给输出，要权重，可以用 3.4 节那个单位矩阵的窍门。`x_q` 和 `x_kv` 是同一个，就是**自注意力**；不是同一个，就是**交叉注意力**，T 和 S 可以不等。例：H=1、四个矩阵都是单位矩阵，就退回练习 1。

翻译模型就靠交叉注意力：译文的每个词（查询）去看原文的每个字（键和值）。检查的下面现场训练一个小的。原文是一串汉字，里面藏着一种颜色、一种动物、一样吃的，次序随便；译文是三个英文词，**总按颜色、动物、食物的次序**。
写第一个词时，模型得自己到原文里把颜色找出来。表里的权重是两个头的平均。先想一想：训练好以后，权重表会是一条对角线吗？
"""
# %% en [md]
r"""
Whatever can be computed is now right, and whatever cannot raises an error that says why.

## Exercise 6 · Multi-head attention, cross-attention too

Make it all one function that also hands out the weights. Write `multi_head_attention(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None)`: queries come from `x_q` [B,T,D], keys and values from `x_kv` [B,S,D], the matrices are [D,D] and used as `x @ W.T`, and `mask` is as in exercise 1;
return (output [B,T,D], weights [B,H,T,S]). `attention` gives the output alone; for the weights there is the trick with the identity matrix in section 3.4. When `x_q` and `x_kv` are the same it is **self-attention**; when they are not it is **cross-attention**, and T and S may differ. Example: with H=1 and four identity matrices you are back at exercise 1.

Translation models rely on cross-attention: each word of the translation (query) looks at every character of the source (keys and values). Below the check a small one is trained. The source is a string of Chinese characters with a colour, an animal and a food hidden in it, in any order (红 red, 猫 cat, 鱼 fish, 白 white, 马 horse, 茶 tea; the rest does not matter); the translation is three English words, **always in the order colour, animal, food**.
To write its first word the model has to find the colour in the source by itself. The table shows the mean of its two heads. Think before you look: will the trained weights lie on a diagonal?
"""
# %% exercise id="attention.multi_head"
...
# %% rows="R11 R13"
cl.check("attention.multi_head")
multi_head_attention = cl.use("attention.multi_head")

x_q, x_kv, W = torch.randn(2, 3, 64), torch.randn(2, 7, 64), torch.eye(64)
output, weights = multi_head_attention(x_q, x_kv, W, W, W, W, n_heads=4)
print("T = 3, S = 7:", tuple(output.shape), tuple(weights.shape))

# %% training rows="R13"
game = cl.text.TranslationGame()
config = cl.nn.Seq2SeqConfig(vocab_size=len(game.tokens), context=16, n_layer=1,
                             n_head=2, d_model=64, start_id=0)
torch.manual_seed(0)
translator = cl.nn.Seq2Seq(config)
history = cl.fit(translator, game.batches(150), steps=150, lr=3e-3)

def translate(source):
    ids = game.ids(source).to(cl.device())                            # (1, S)
    target = cl.generate(translator, ids, max_new_tokens=3)           # (1, 4)
    logits, maps = translator(ids, target[:, :3], return_weights=True)
    weights = maps["cross"][0][0].mean(0).detach().cpu()              # heads: (3, S)
    return cl.viz.weight_table(weights, [game.tokens[i] for i in target[0, 1:]], source)

cl.viz.explore(translate, source=["我要鱼和红的猫", "猫和我都要红的鱼", "白马在看我的茶"])

# %% zh [md]
r"""
不是对角线。写动物时看动物，写食物时看食物，不管在原文的哪里，无关的字几乎分不到权重。表是 3 行、原文有几个字就几列，T 不等于 S 毫无问题。换一句，次序变了，看的地方跟着变。真正的中译法、中译英在第 10 章。

## 3.8 看得远，代价也大

n 元模型只记得眼前几个词元；注意力一步就到任何地方，距离不花钱。用一个游戏来测：一长串字母里混着一种颜色、一种动物、一样吃的，最后出现提示，比如“动物？”，要答出那种动物。
对手是第 1 章的三元模型，数的是同样的故事。训练时一个故事最多 64 个词元。
"""
# %% en [md]
r"""
No diagonal. Writing the animal it looks at the animal, writing the food at the food, wherever they stand in the source; the other characters get next to nothing. The table has 3 rows and as many columns as the source has characters; T need not equal S. Choose another sentence (I want fish and a red cat; the cat and I both want red fish; a white horse is looking at my tea): the order changes, and so do the places it looks at. Real translation into French and English comes in chapter 10.

## 3.8 It sees far, at a price

An n-gram remembers the last few tokens; attention reaches anywhere in one step, whatever the distance. Here is a game to test it: a long string of letters has a colour, an animal and a food mixed in; at the end comes a cue such as “animal?”, and the answer is that animal.
The opponent is a trigram model, as in chapter 1, that has counted the same stories. No story in training is longer than 64 tokens.
"""
# %% training rows="R18"
import os, random
game = cl.text.RecallGame({
    cl.L(zh="颜色？", en="colour?"): cl.L(zh="红 蓝 绿 黑 白 黄 粉 紫", en="red blue green black white yellow pink brown").split(),
    cl.L(zh="动物？", en="animal?"): cl.L(zh="猫 狗 马 牛 羊 鸡 鸭 猪", en="cat dog horse cow sheep goat duck hen").split(),
    cl.L(zh="食物？", en="food?"): cl.L(zh="饭 汤 面 鱼 茶 奶 蛋 糕", en="rice soup bread fish tea milk egg cake").split(),
})
words, answer = game.story(random.Random(2), length=20, distance=12)
print(*words, "→", answer)
steps, rng = 100 if os.environ.get("COURSE_QUICK") else 200, random.Random(0)
stories = [game.batch(rng, 64, rng.randint(8, 64)) for _ in range(steps)]
config = cl.nn.DecoderConfig(vocab_size=len(game.tokens), context=256, n_layer=1,
                             n_head=2, d_model=64, position="rope")
torch.manual_seed(0)
recaller = cl.nn.Decoder(config)
history = cl.fit(recaller, stories, steps=steps, lr=3e-3)

# %% training rows="R18"
rows, opponent = [], game.trigram(stories)
for distance in (1, 2, 5, 15, 60, 120, 240):
    test = game.batch(random.Random(distance), 200, max(8, distance + 5), distance)
    ids, answers = test["ids"], test["labels"][:, -1]
    with torch.inference_mode():
        said = recaller(ids.to(cl.device()))[:, -1].argmax(-1).cpu()
    right = [100 * (guess == answers).float().mean() for guess in (said, opponent(ids))]
    rows.append((distance, f"{right[0]:.0f} %", f"{right[1]:.0f} %"))
header = [cl.L(zh="答案在多远之前", en="distance of the answer"),
          cl.L(zh="注意力，1 层", en="attention, 1 layer"), cl.L(zh="三元模型", en="trigram")]
cl.viz.table(rows, header=header, right=(0, 1, 2))

# %% zh [md]
r"""
答案紧挨着提示时，三元模型也看得见；隔开两步，就只剩瞎猜（八选一，12.5 %）。一层注意力在每个距离上都几乎全对，连训练时从没见过的长度也答得出。

代价呢？每个词元都看每个词元，分数表有 $T\times S$ 格，**长度翻倍，表就变四倍**。第一份和第五份讲义把“可以处理长序列”列为优点，量一量再说。
`F.scaled_dot_product_attention` 算的是同一个东西，只是**融合**成一个计算核，一块一块地算，从不把整张表放进内存（[FlashAttention](https://arxiv.org/abs/2205.14135) 的办法）。

此外还有一道墙。模型训练时有**上下文长度**，超过了会怎样，要看位置是怎样告诉它的。计时的后面有两个模型：MiniLM 是 BERT 一类，位置表只有 512 行；课程自己的 `zh-gpt` 用旋转位置编码（RoPE，第 4 章），没有表，什么长度都算得出来，训练时最长 256。
`zh-gpt` 一次读 1024 个字的《人民日报》，每 256 个字算一段困惑度。对照是**同样的字**切成 256 个一份，每份从头读起。
"""
# %% en [md]
r"""
Right before the cue, the trigram can see the answer too; two steps away it can only guess (one of eight, 12.5 %). One layer of attention is right nearly always and at every distance, even at lengths it never saw in training.

And the price? Every token looks at every token, so the table of scores has $T\times S$ cells: **twice the length, four times the table**. The first and the fifth handout list “handles long sequences” as an advantage; measure first.
`F.scaled_dot_product_attention` computes the same thing as one **fused** kernel, block by block, and never holds the whole table in memory (the method of [FlashAttention](https://arxiv.org/abs/2205.14135)).

There is a wall as well. A model is trained for a **context length**, and what happens beyond it depends on how it is told positions. After the timing come two models: MiniLM is a BERT, whose table of positions has 512 rows; the course's own `zh-gpt` uses rotary positions (RoPE, chapter 4), has no table and takes any length, but was trained on at most 256 characters.
`zh-gpt` reads 1,024 characters of the *People's Daily*, a Chinese newspaper, at a time, and we take the perplexity of each stretch of 256. The control is **the same characters** cut into pieces of 256, each read from its start.
"""
# %% timing rows="R20 E35"
from timeit import repeat

rows = []
for T in (128, 256, 512, 1024, 2048, 4096):
    q, k, v = torch.randn(3, 1, 1, T, 64)                        # one head, 64 wide
    row = [T]
    for attend in (attention, F.scaled_dot_product_attention):
        seconds = min(repeat(lambda: attend(q, k, v), number=1, repeat=3))
        row.append(f"{1000 * seconds:.1f}")
    rows.append([*row, f"{4 * T * T / 2**20:.2f}"])
header = [cl.L(zh="长度 T", en="length T"), cl.L(zh="你的 attention，毫秒", en="your attention, ms"),
          cl.L(zh="PyTorch 融合版，毫秒", en="PyTorch, fused, ms"),
          cl.L(zh="一张分数表，MiB", en="one table of scores, MiB")]
cl.viz.table(rows, header=header, right=(0, 1, 2, 3))

# %%
cl.guess(
    "attention.beyond",
    cl.L(zh="zh-gpt 训练时最长 256。第 513 到 768 个字的困惑度，和开头 256 个字相比？",
         en="zh-gpt was trained on at most 256. Perplexity, characters 513–768 against 1–256?"),
    choices=[cl.L(zh="更低，上文更多", en="lower, there is more context"),
             cl.L(zh="差不多", en="about the same"),
             cl.L(zh="高出十倍以上", en="more than ten times higher")],
)

# %% rows="E35 R20"
bert, writer = cl.load("minilm-l6"), cl.load("zh-gpt")
for T in (512, 513):
    try:
        hidden = bert.model(torch.full((1, T), 1037).to(bert.device)).last_hidden_state
        print(f"MiniLM, {T}:", tuple(hidden.shape))
    except RuntimeError as error:
        print(f"MiniLM, {T}: RuntimeError: {str(error)[:50]}…")
news = "".join("".join(part.words) for part in cl.text.newspaper().test[:500])
ids = torch.tensor(writer.tokenizer(news).input_ids)[:8 * 1024]
long = cl.interpret.surprise(writer, ids.view(8, 1024)).loss             # (8, 1023)
short = cl.interpret.surprise(writer, ids.view(32, 256)).loss.view(8, 4, 255)
for i in range(4):
    ppl = long[:, 256 * i:256 * i + 255].mean().exp(), short[:, i].mean().exp()
    print(256 * i + 1, "–", 256 * i + 256, f"  1024: {ppl[0]:.0f}   256: {ppl[1]:.0f}")
cl.guess.result("attention.beyond", cl.L(zh="高出十倍以上", en="more than ten times higher"))

# %% zh [md]
r"""
先看计时。每往下一行，长度乘 2，表乘 4；到了长的那几行，时间涨到四倍左右，甚至更多（拿相邻两行除一除）。一层有几个头，就有几张这样的表。融合版在长的几行更快，可时间也还是按平方涨。

再看墙。MiniLM 到第 513 个词元直接报错，那里没有位置可用。`zh-gpt` 不报错，可预测一下子差了很多：过了 256，困惑度从三十上下涨到几百、几千，同样的字切短了读，仍是三十上下。可见问题出在长度，不在文字。
上面的游戏里，同样用 RoPE 的一层小模型，到了训练长度将近四倍的地方还能答对。不报错不等于能用；超过训练长度还行不行，要量过才知道。

## 3.9 让 SmolLM2 用你的函数说话

`transformers` 允许换掉注意力的实现，我们把**你的** `attention` 装进全部 30 层。SmolLM2 有 9 个查询头，却只有 3 组键和值，每 3 个查询头共用一组，这叫**分组查询注意力**（GQA，[Ainslie 等 2023](https://arxiv.org/abs/2305.13245)），生成时要存的键和值少了三分之二。
你的函数不知道分组，所以先把键和值复制成 9 组。掩码是因果的；生成时，新词元的查询只有一个，前面的键却有许多，所以三角形要右移 S − T 格。其余原封不动。
"""
# %% en [md]
r"""
First the timing. Each line doubles the length and quadruples the table; in the long lines the time grows fourfold or even more (divide one line by the one above). A layer has one such table for every head. The fused version is faster in the long lines, yet its time grows as the square, too.

Then the wall. MiniLM raises an error at token 513: there is no position for it. `zh-gpt` raises nothing, but predicts far worse: beyond 256 its perplexity goes from about thirty to hundreds and thousands, while the same characters, read in short pieces, stay at about thirty. So the trouble is the length, not the text.
In the game above a small model of one layer, with RoPE too, still answered at nearly four times its training length. That no error is raised does not mean that the model still works; beyond the trained length, measure.

## 3.9 SmolLM2 speaks through your function

`transformers` lets you replace the implementation of attention, so put **your** `attention` into all 30 layers. SmolLM2 has 9 query heads but only 3 sets of keys and values, one for every 3 query heads. This is **grouped-query attention** (GQA, [Ainslie et al. 2023](https://arxiv.org/abs/2305.13245)); when it writes, two thirds fewer keys and values have to be kept.
Your function knows no groups, so keys and values are first repeated to 9. The mask is causal; while writing, a single new query meets many earlier keys, so the triangle moves S − T places to the right. The rest stays as it is.
"""
# %% rows="R8 R12"
from transformers import AttentionInterface
silenced = []                                   # (layer, head), for a later experiment

def mine(module, q, k, v, attention_mask, **_):
    group = q.shape[1] // k.shape[1]                    # 9 // 3
    k, v = (x.repeat_interleave(group, dim=1) for x in (k, v))         # (B, 9, S, d)
    mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device)
    out = attention(q, k, v, mask.tril(k.shape[2] - q.shape[2]))       # (B, 9, T, d)
    out[:, [head for layer, head in silenced if layer == module.layer_idx]] = 0
    return out.transpose(1, 2).contiguous(), None

before = model.generate("The capital of France is", max_new_tokens=3)
AttentionInterface.register("mine", mine)
model.model.set_attn_implementation("mine")
print(before == model.generate("The capital of France is", max_new_tokens=3), before)

# %% zh [md]
r"""
打印 True，写出的三个词元一模一样。一个 1.35 亿参数的模型，靠你那几行在说话。

### 归纳头：自己去找

现在找一种真正学来的本领。给模型一串**随机**词元，再原样重复一遍。第一遍没法猜；第二遍呢？只要有一个头会这样想就行：“眼前这个词元，上次出现时后面跟着谁？这次还猜谁。”这叫**归纳头**（[Olsson 等 2022](https://arxiv.org/abs/2209.11895)）。
先看每个位置的损失，再到视图里自己找：“指标”选“归纳”，点“排序”，最像归纳头的就排到前面。这样的头，图里有一条斜线：第二遍的每个词元都在看第一遍里**同一个词后面的那个**。

看着像，就真是它们在干活吗？用视图里那串单词给 270 个头打分，关掉得分最高的五个，再到随机词元上量第二遍的损失。对照是同样几层里抽签抽出的五个别的头，抽三次。
"""
# %% en [md]
r"""
True: the three tokens it writes are the same. A model of 135 million parameters speaks through your few lines.

### Induction heads: find them yourself

Now look for a skill that was truly learnt. Give the model a string of **random** tokens and then the same string again. The first time nothing can be guessed; and the second? All it takes is a head that reasons: “what followed this token last time? I guess the same again.” It is called an **induction head** ([Olsson et al. 2022](https://arxiv.org/abs/2209.11895)).
First look at the loss at each position, then find the heads yourself in the viewer: set “Score” to “Induction” and press “Sort”, and the best come first. Watch for a slanted line, where each token of the second half looks at the token that **followed the same word** in the first.

They look the part, but do they do the work? Score all 270 heads on the words in the viewer, silence the best five, and measure the loss of the second half on the random tokens. The control is five other heads of the same layers, drawn by lot, three times.
"""
# %%
once = torch.randint(1000, 49000, (4, 25), generator=torch.Generator().manual_seed(0))
twice = torch.cat([once, once], dim=1)                             # (4, 50)
loss, expected = (x.mean(0) for x in cl.interpret.surprise(model, twice))      # (49,)
print(cl.L(zh="第一遍", en="first time"), f"{loss[:24].mean():.1f}",
      cl.L(zh="第二遍", en="second time"), f"{loss[25:].mean():.1f}",
      cl.L(zh="平均瞎猜", en="guessing evenly"), f"{math.log(49152):.1f}",
      cl.L(zh="第一遍模型自己预期", en="first time, expected"), f"{expected[:24].mean():.1f}")
figure, axis = plt.subplots(figsize=(8.4, 2.4))
axis.bar(range(1, 50), loss, color=["#4477aa"] * 25 + ["#ee7733"] * 24)
axis.set(xlabel=cl.L(zh="第几个词元", en="token"), ylabel=cl.L(zh="损失，奈特", en="loss, nats"))
plt.show()
everyday = " cat dog red blue tree house car river music paper stone bread green light"
cl.attention_view(model, everyday * 2).select(layer=18, head=6)

# %%
scores = cl.interpret.look(model, everyday * 2).parts["self"].scores()[-1]   # (30, 9)
ranking = [divmod(int(i), 9) for i in scores.ravel().argsort()[::-1]]
best = ranking[:5]
layers = {layer for layer, head in best}
nearby = [(layer, head) for layer, head in ranking[5:] if layer in layers]
rng = random.Random(0)
for heads in ([], best, *(rng.sample(nearby, 5) for _ in range(3))):
    silenced[:] = heads
    loss = cl.interpret.surprise(model, twice).loss[:, 25:].mean()
    print(f"{loss:5.1f}  ", *(f"{layer}·{head}" for layer, head in sorted(heads)))
silenced.clear()

# %% zh [md]
r"""
第一遍的损失比平均瞎猜还高，为什么？平均瞎猜给每个词元同样的概率，模型却不是这样。它读过几万亿词元的文字，总以为接下来是通顺的话，把概率集中在少数词元上：它自己预期的损失（预测分布的熵）只有 6 奈特左右。随机词元很少落在那里面，分到的概率比平均瞎猜给的还小，损失就更高。

再看消融（ablation，关掉一部分，看结果变多少）。每行先是第二遍的损失，再是关掉的头，`17·3` 是第 17 层第 3 头。第一行什么也没关；第二行关掉五个归纳头，损失涨到约三倍；后三行关掉同样几层里抽签抽出的五个头，只涨了零点几奈特，甚至没动。看着像的那五个头，合起来确实在干这个活；而且打分用的是单词，量损失用的是另一批随机词元。
按 Olsson 等的解释，一个归纳头需要两层配合：前面某层的头先把“我前面是谁”写进每个词元，后面这一层才能按它来找。

## 3.10 权重大，就是原因吗？

回到开头的第 16 层第 3 头。SmolLM2 主要学英语，这里用英文句子 `I like eating pizza because it`（我喜欢吃比萨，因为它）；这个头从 it 看 pizza，权重是 0.77，下面的图里最靠右的就是它。如果权重大就是原因，关掉这个头，it 后面的预测就该变得最多。
把第 16 层和第 0 层的 18 个头一个一个关掉，量下一个词元的分布挪了多远。量法是 KL 散度，单位比特，0 表示没变，第 5 章细讲。
"""
# %% en [md]
r"""
Why is the loss of the first time even higher than that of guessing evenly? An even guess gives every token the same probability; the model does not. Trained on trillions of tokens of text, it expects fluent words next and puts its probability on few tokens: the loss it expects itself, the entropy of its predictions, is about 6 nats. Random tokens are seldom among those few and get less than an even share, hence the higher loss.

Then the ablation (take a part away and see how much the result changes). Each line has the loss of the second half and then the heads silenced; `17·3` is layer 17, head 3. In the first line nothing is silenced. With the five induction heads silenced, in the second, the loss is about three times as high; with five heads of the same layers drawn by lot, in the last three, it rises by a few tenths of a nat or not at all. Together, the five heads that looked the part do the work, and they were chosen on words and tested on other, random tokens.
As Olsson et al. explain it, an induction head takes two layers: an earlier head writes “who came before me” into each token, and only then can the later one search by it.

## 3.10 Is a large weight a reason?

Back to head 3 of layer 16, from the opening. In `I like eating pizza because it` it looks from *it* to *pizza* with a weight of 0.77, the point farthest right in the picture below. If a large weight were a reason, silencing this head should change the prediction after *it* the most.
Silence the 18 heads of layers 16 and 0 one at a time and measure how far the distribution of the next token moves: the KL divergence, in bits, 0 for no change; chapter 5 has the details.
"""
# %%
cl.guess(
    "attention.reason",
    cl.L(zh="关掉哪一个头，it 后面的预测变得更多？",
         en="Which head, silenced, changes the prediction after “it” more?"),
    choices=[cl.L(zh="第 16 层第 3 头（看 pizza 0.77）", en="layer 16, head 3 (0.77 on pizza)"),
             cl.L(zh="第 0 层第 2 头（看 pizza 0.02）", en="layer 0, head 2 (0.02 on pizza)")],
)

# %% rows="R62"
text = "I like eating pizza because it"
weights = model.attention(text).weights[:, :, -1, 3]             # (30, 9): it -> pizza
figure, axis = plt.subplots(figsize=(6.4, 3))
for layer, colour in ((16, "#4477aa"), (0, "#ee7733")):
    silent = [cl.interpret.ablate(model, text, [(layer, head)]) for head in range(9)]
    moved = [effect.divergence for effect in silent]             # bits
    axis.scatter(weights[layer], moved, color=colour, label=f"{layer}")
    for head in range(9):
        axis.annotate(f" {head}", (weights[layer, head], moved[head]))
axis.set(xlabel=cl.L(zh="it 看 pizza 的权重", en="weight from “it” to “pizza”"),
         ylabel=cl.L(zh="关掉以后的 KL，比特", en="KL when silenced, bits"))
axis.legend(title=cl.L(zh="层", en="layer"))
plt.show()
cl.guess.result("attention.reason",
                cl.L(zh="第 0 层第 2 头（看 pizza 0.02）", en="layer 0, head 2 (0.02 on pizza)"))

# %% zh [md]
r"""
图里的 18 个头，第 0 层第 2 头几乎不看 pizza，关掉以后预测却变得最多；第 16 层第 3 头看得最重，关掉它，连本层也不是变得最多的。权重只说**这一步取了谁的值**；取来的值有多长、后面的层怎么用、别的头能不能顶上，权重都不知道。
这只是一个句子，说明“看得重、影响小”可以发生，没有说有多常见；[Jain 与 Wallace 2019](https://arxiv.org/abs/1902.10186) 用循环网络，在许多数据集上比过权重和别的重要性指标。要说“因为”，就动手改一改，看结果变不变，并且备好对照。第 17 章再谈。

还有一种量法是**梯度**：把某个词元的向量动一点点，这个位置的预测变多快。SmolLM2 停在 it；课程自己的中文小 BERT（`zh-bert`）读 `我喜欢吃比萨，因为[MASK]味道很好。`，“它”要遮住，不然模型照抄就行了。橙色越深，梯度越大。
"""
# %% en [md]
r"""
Of the 18 heads in the picture, head 2 of layer 0 hardly looks at *pizza*, and silencing it changes the prediction most; head 3 of layer 16 looks hardest, and even within its own layer another head matters more. A weight says only **whose value was fetched in this step**; how long that value is, what later layers make of it, and whether other heads can stand in, it does not know.
This is one sentence: it shows that a head can look hard and matter little, not how often; [Jain and Wallace 2019](https://arxiv.org/abs/1902.10186) compared weights with other measures of importance, in recurrent networks on many data sets. If you want to say “because”, change something, see whether the result changes, and have a control ready. Chapter 17 returns to this.

Another measure is the **gradient**: nudge a token's vector a little; how fast does the prediction at this position change? SmolLM2 stops at *it*. The course's own small Chinese BERT (`zh-bert`) reads `我喜欢吃比萨，因为[MASK]味道很好。`, the same sentence with 它, “it”, masked, since otherwise the model could simply copy the word. The deeper the orange, the larger the gradient.
"""
# %% rows="R62"
def influence(m, text, position):
    """How fast the prediction at `position` moves with each token's vector: [T]."""
    ids = m.tokenizer(text, return_tensors="pt").input_ids.to(m.device)
    x = m.model.get_input_embeddings()(ids).detach().requires_grad_()       # (1, T, D)
    log_p = m.model(inputs_embeds=x).logits[0, position].log_softmax(-1)    # (V,)
    for i in log_p.topk(4).indices.tolist():
        print(repr(m.tokenizer.decode([i])), f"{log_p[i].exp():.2f}", end="  ")
    return torch.autograd.grad(log_p.max(), x)[0][0].norm(dim=-1).cpu()

english, zh_bert = text + " tastes very good.", cl.load("zh-bert")
for m, read, at in ((model, english, 5), (zh_bert, "我喜欢吃比萨，因为[MASK]味道很好。", 10)):
    moved = influence(m, read, at)
    print(cl.L(zh="右边", en="to the right"), f"{moved[at + 1:].max() / moved.max():.2f}")
    display(cl.viz.coloured_tokens(m.attention(read).tokens, moved.tolist()))

# %% zh [md]
r"""
每行先是最可能的四个词元，行末的数是右边最大的梯度与全句最大的梯度之比。SmolLM2 是因果的，it 右边是 0；`zh-bert` 两边都看，影响最大的就是右边紧挨着的“味”。遮住以后，“它”和另外三个字几乎一样可能：这个四层的小模型，在这一句里还定不下来该填代词还是食物。

## 3.11 另一种视图：bertviz

[bertviz](https://arxiv.org/abs/1906.05714) 是常用的注意力视图。下一格画两幅，先是**头视图**（head view）：左边的词元看右边的，线越深权重越大，点上面的色块可以把几个头叠在一起比。后一幅是**神经元视图**（neuron view）：指着左边一个词元，再点旁边的加号，就看到 q 和 k 逐维相乘，再加成 3.2 节的点积。神经元视图自带模型代码，只认得少数老模型，这里给它看的是 BERT 一类。
"""
# %% en [md]
r"""
Each line has the four likeliest tokens and, at its end, the largest gradient to the right divided by the largest of all. SmolLM2 is causal: to the right of *it* the gradient is 0. `zh-bert` sees both sides, and what moves it most is 味, the first half of “taste”, right beside the mask. With the word masked, 它, “it”, and three others (瓜 melon, 肉 meat, 为 the end of “because”) are almost equally likely: in this sentence the small model of four layers cannot decide whether a pronoun or some food is missing.

## 3.11 Another viewer: bertviz

[bertviz](https://arxiv.org/abs/1906.05714) is a widely used viewer of attention. The first picture is its **head view**: tokens on the left look at tokens on the right, darker lines are larger weights, and the coloured boxes lay several heads over one another. The second is its **neuron view**: point at a token on the left and click the plus beside it to see q and k multiplied dimension by dimension and added up to the dot product of section 3.2. The neuron view brings its own model code, which knows only a few older models; here it reads with a BERT.
"""
# %% rows="R62"
display(cl.viz.bertviz_head_view(model, english, layer=16, heads=[3]))

reader = cl.load(cl.L(zh="zh-bert", en="minilm-l6"))
short = cl.L(zh="因为它味道很好", en="because it tastes very good")
cl.viz.bertviz_neuron_view(reader, short, layer=1, head=0)

# %% zh [md]
r"""
头视图让人看出一件先前没留意的事：第 16 层第 3 头里，because、tastes 也都看向 pizza，不单是 it。也许这个头找的是“前面说的那样东西”，而不是代词指谁；一个句子还定不了，换几句再看。

两种视图各有所长。bertviz 擅长**短句子**：一层的几个头叠在一起比，神经元视图把一个分数拆到每一维，我们的视图没有这个。我们的视图擅长**整个模型**：270 个头一眼看完，按指标排序，还能当场关掉一个头，看预测怎样变。

## 小结

- 注意力是软查找：点积打分，softmax 归一，按权重混合值。方向决定看谁，长度决定多专心。
- 随机向量点积的方差是 $d$；除以 $\sqrt d$，softmax 才不会一开始就饱和。
- 打分时，查询和键要相乘，或相加以后再过一个 tanh；只相加，查询那一项会在 softmax 里约掉。
- 注意力自己看不见次序；掩码用布尔值，True 表示可以看，形状写清楚，整行被挡的情形要定义好。形状对，不等于算得对。
- 再远也是一步就到，代价是 $T^2$ 的分数表；超过训练长度还行不行，要量。
- 权重是“看了谁”，不是“因为谁”。要说原因，就消融，并且有对照。

还想动手：把 3.9 节 `mine` 里的掩码改成“只看最后两个词元”，看 SmolLM2 还能说几个字。再关掉归纳得分排名 6 到 10 的头，损失涨多少？
接下来：[第 4 章 Transformer 全貌](04_transformer.ipynb)。
"""
# %% en [md]
r"""
The head view shows something we had overlooked: in head 3 of layer 16, *because* and *tastes* look at *pizza* as well, not *it* alone. Perhaps the head looks for the thing just spoken of rather than for what a pronoun stands for; one sentence does not settle that, so try others.

Each has its strengths. bertviz is at its best with **short sentences**: it lays several heads of a layer over one another, and its neuron view takes a score apart dimension by dimension, which ours does not. Ours is made for **the whole model**: 270 heads at a glance, sorted by a score, and a head can be silenced on the spot to see how the prediction changes.

## Summary

- Attention is a soft lookup: dot products score, softmax normalises, the weights mix the values. Direction decides whom to look at, length how sharply.
- The dot product of random vectors has variance $d$; divided by $\sqrt d$, softmax does not start out saturated.
- A score multiplies query and key, or adds them and applies a tanh; if they are only added, the query cancels in the softmax.
- Attention alone cannot see order. Make masks boolean, True for may look, say which shape, and define what a fully blocked row gives. A right shape is not a right result.
- Any distance takes one step; the price is a $T^2$ table of scores. Whether a model works beyond its trained length has to be measured.
- A weight says “looked at”, not “because of”. For causes, ablate, and have a control.

To try: make the mask in `mine` of section 3.9 “only the last two tokens” and see how many words SmolLM2 still gets out. Silence the heads ranked 6 to 10 by induction; how much does the loss rise?
Next: [chapter 4, the whole Transformer](04_transformer.ipynb).
"""

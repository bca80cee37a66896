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
模型读到“它”时，手里只有一串数。它怎么知道该回头看谁？靠的是一种软的查找：给前面每个词元打分，按分数取一份。这就是**注意力**。

这一章回答四个问题：

- 注意力到底算了什么？（二十行以内，你自己写）
- 公式里那个 $\sqrt{d}$ 有什么用？去掉会怎样？（量一量）
- 掩码、多头、交叉注意力各管什么？（画一画，弄坏它，再修好）
- 注意力权重大，就是“原因”吗？（和另外两种量法比一比）

做完练习，SmolLM2 会用**你写的**注意力函数说话。
"""
# %% en [md]
r"""
# 3 · Attention: look where it matters

“I like eating pizza because **it** tastes very good.” At *it* your eyes need not move; your mind is already back at *pizza*.
A model that reads *it* holds nothing but numbers. How does it know where to look back? By a soft kind of lookup: score every token so far, and take a share of each according to its score. That is **attention**.

This chapter answers four questions:

- What does attention compute? (under twenty lines, written by you)
- What is the $\sqrt{d}$ in the formula for, and what happens without it? (measure)
- What do masks, heads and cross-attention do? (paint them, break them, mend them)
- Does a large attention weight mean “because of this”? (compare it with two other measures)

When the exercises are done, SmolLM2 will speak through an attention function that **you** wrote.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")

# %% zh [md]
r"""
## 3.1 先看一个真模型在看哪里

下面是 SmolLM2 读这句话时的全部注意力：30 层，每层 9 个头，每个头一张表。**行在看，列被看**，颜色越深看得越重，每一行加起来是 1。
点左边的小图换一个头，指着一个词元看它在看谁；也可以换一句你自己的话。
"""
# %% en [md]
r"""
## 3.1 Watch a real model look

Here is all of SmolLM2's attention as it reads the sentence: 30 layers of 9 heads, one table for each head. **Rows look, columns are looked at**; darker means more, and every row sums to 1.
Click a small picture to change the head, point at a token to see what it looks at, or type a sentence of your own.
"""
# %% rows="R62"
import math
import torch
import torch.nn.functional as F

model = cl.load("smollm2-135m")
sentence = cl.L(zh="我喜欢吃比萨，因为它味道很好。", en="I like eating pizza because it tastes very good.")
cl.attention_view(model, sentence)

# %% zh [md]
r"""
三件事一眼可见。右上角全空：SmolLM2 不看后面的字。许多头把大半权重放在第一个词元上，好像没处可看时就看那里。各头花样不同：有的总看前一个，有的跨得很远。
（`我₁` `我₂` 是一个汉字的几段字节，第 2 章讲过。）这些数从哪里来？

## 3.2 软的查找

字典查找是硬的：钥匙对上了，取出那一个值；对不上，什么也没有。注意力是软的：**查询**（query）跟每把**键**（key）比一比，像几分，就从它的**值**（value）里取几分。
三步：

1. **点积**得到分数：两串数对应相乘再相加，$[2,1]\cdot[1,0]=2\times1+1\times0=2$。方向越一致，点积越大；互相垂直，是 0。
2. **softmax** 把分数变成权重：每个分数取 $e$ 的幂，再除以总和，于是都是正数，加起来为 1。
3. 用权重把值**混合**起来：各乘各的权重，再相加。

先用一个查询、三把键手算一遍。`A @ B.T` 就是 A 的每一行和 B 的每一行的点积，排成一张表：
"""
# %% en [md]
r"""
Three things catch the eye. The upper right is empty: SmolLM2 does not see what comes later. Many heads put most of their weight on the first token, as if that were the place to look when there is nothing to look for. And heads differ: some always look one back, some far away.
(In Chinese text you would meet labels such as `我₁` `我₂`, the bytes of one character; see chapter 2.) Where do these numbers come from?

## 3.2 A soft lookup

A dictionary lookup is hard: the key fits and you get its value, or it does not and you get nothing. Attention is soft: the **query** is compared with every **key**, and takes a share of each key's **value** according to how alike they are.
Three steps:

1. A **dot product** gives the score: multiply two lists of numbers entry by entry and add up, $[2,1]\cdot[1,0]=2\times1+1\times0=2$. The more the two point the same way, the larger it is; at right angles it is 0.
2. **Softmax** turns scores into weights: raise $e$ to each score and divide by the total, so that all are positive and sum to 1.
3. The weights **mix** the values: multiply each value by its weight and add up.

First by hand, with one query and three keys. `A @ B.T` is the dot product of every row of A with every row of B, laid out as a table:
"""
# %% rows="R8 E28"
q = torch.tensor([[2.0, 1.0]])    # one query, d = 2 wide              (T, d) = (1, 2)
K = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])    # three keys, as wide as the query   (S, d) = (3, 2)
V = torch.tensor([[10.0], [20.0], [30.0]])    # a value for each key               (S, e) = (3, 1)

scores = q @ K.T / math.sqrt(K.shape[-1])                        # (T, S)
weights = scores.softmax(-1)
print("q · k  ", (q @ K.T).tolist())
print("weights", [[round(w, 3) for w in row] for row in weights.tolist()], "sum", round(weights.sum().item(), 3))
print("output ", round((weights @ V).item(), 2))

# %% zh [md]
r"""
第三把键和查询最像，拿走一半多；输出是三个值按权重的混合。把许多查询叠成矩阵，就是那条著名的公式（[Vaswani 等 2017](https://arxiv.org/abs/1706.03762)，式 1）：

$$\mathrm{Attention}(Q,K,V)=\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$$

$Q$、$K$、$V$ 是**矩阵**，一行一个词元；$d_k$ 是**一把键有多宽**（上面是 2），不是键矩阵的大小，也不是键的个数（上面是 3）。课程的原始文档在这两处说错了：
一份说 $d_k$ 是“键矩阵的维度”，一份把 Q、K、V 叫作“向量”。

它们从哪来？每个词元的向量 $x$ 乘上三个学来的矩阵：$q=W_qx$，我在找什么；$k=W_kx$，我能被怎样找到；$v=W_vx$，找到我就取走什么。查询、键、值都来自同一段文字，就叫**自注意力**。

## 练习 1 · 缩放点积注意力

写 `attention(q, k, v, mask=None)`：`q` 是 [B,H,T,d]，`k` 是 [B,H,S,d]，`v` 是 [B,H,S,e]，返回 [B,H,T,e]。字母是全课通用的：B 批里的例子数，H 头数，T 查询数，S 键数，d 键宽，e 值宽。各个例子、各个头各算各的，`@` 会自动照顾前两个轴。
`mask` 是布尔张量，能广播成 [B,H,T,S]（长度为 1 的轴会自动重复），**True 表示可以看**；什么都不许看的查询，输出全 0。不许用 `F.scaled_dot_product_attention`。
例：上面的数字，前面加两个长度为 1 的轴，输出约 22.92。后面所有的图都会用到它。
"""
# %% en [md]
r"""
The third key is most like the query and takes more than half; the output is the three values mixed by their weights. Stack many queries into a matrix and you have the famous formula ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762), equation 1):

$$\mathrm{Attention}(Q,K,V)=\mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt{d_k}}\right)V$$

$Q$, $K$ and $V$ are **matrices**, one row per token; $d_k$ is **how wide one key is** (2 above), not the size of the key matrix and not the number of keys (3 above). The documents behind this course slip on both:
one calls $d_k$ “the dimension of the key matrix”, another calls Q, K and V “vectors”.

Where do they come from? Each token's vector $x$ is multiplied by three learnt matrices: $q=W_qx$, what I look for; $k=W_kx$, how I can be found; $v=W_vx$, what finding me yields. When queries, keys and values all come from the same text it is called **self-attention**.

## Exercise 1 · Scaled dot-product attention

Write `attention(q, k, v, mask=None)`: `q` is [B,H,T,d], `k` is [B,H,S,d], `v` is [B,H,S,e]; return [B,H,T,e]. The letters are those of the whole course: B examples in the batch, H heads, T queries, S keys, d the width of a key, e that of a value. Every example and head is computed for itself; `@` takes care of the first two axes.
`mask` is boolean, broadcastable to [B,H,T,S] (an axis of length 1 repeats itself), and **True means may look**; a query that may look at nothing gives zeros. `F.scaled_dot_product_attention` is forbidden.
Example: the numbers above, with two axes of length 1 in front, give about 22.92. Every picture below will use it.
"""
# %% exercise id="attention.sdpa"
...
# %%
cl.check("attention.sdpa")

# %% rows="R8"
attention = cl.use("attention.sdpa")

torch.manual_seed(0)
q, k, v = torch.randn(2, 3, 5, 4), torch.randn(2, 3, 7, 4), torch.randn(2, 3, 7, 6)    # B=2, H=3, T=5, S=7, d=4, e=6
difference = (attention(q, k, v) - F.scaled_dot_product_attention(q, k, v)).abs().max()
print("equals PyTorch's own to 1e-6:", bool(difference < 1e-6))

# %% zh [md]
r"""
现在**拖动橙色的查询**。四把键是四支箭，每把键的值是一种颜色；箭越粗，权重越大；“输出”那一条是按权重调出来的颜色。
先猜：查询转到“红”的方向，输出会变成纯红吗？把查询拉长呢？缩到正中央呢？（用键盘也行：选中圆点，按方向键。）
"""
# %% en [md]
r"""
Now **drag the orange query**. Four keys are four arrows, and the value of each key is a colour; the thicker the arrow, the greater its weight; the bar “output” is the colour mixed by the weights.
Guess first: point the query at *red*: does the output become pure red? And when you pull it longer? When you push it to the very centre? (By keyboard: focus the dot and press the arrow keys.)
"""
# %% rows="R8"
names = cl.L(zh="红 绿 蓝 黄", en="red green blue yellow").split()
keys = dict(zip(names, [(2.0, 0.5), (-0.5, 2.0), (-1.5, -1.5), (1.2, -1.8)]))
colours = dict(zip(names, ["#d62728", "#2ca02c", "#1f77b4", "#e6b800"]))

cl.viz.query_plane(attention, keys, colours, query=(1.5, 1.0))

# %% zh [md]
r"""
查询的**方向**决定看谁，它的**长度**决定看得多专心。查询越长，分数差得越远，softmax 越接近“只取一个”；缩到中央，分数全是 0，四把键平分。记住这一点，下一节就容易了。

## 3.3 为什么要除以 √d

真模型的键有几十上百维。设每一维是个均值 0、方差 1 的随机数（方差量的是散得多开：离均值多远，平方后取平均）。点积是 $d$ 个乘积相加，各项独立，方差也相加，得 $d$；
所以典型的分数有 $\sqrt d$ 那么大。维数越多，分数越夸张，softmax 越“专心”，不管内容是什么。
文档的“公式推导”跳过了这一步。先猜：$d$ 从 16 到 1024，不缩放时，16 把随机键里最大的那份权重会从多少涨到多少？
"""
# %% en [md]
r"""
The **direction** decides whom to look at, the **length** how sharply. The longer the query, the further apart the scores and the closer softmax comes to picking one; at the centre all scores are 0 and the four keys share alike. Keep this in mind and the next section is easy.

## 3.3 Why divide by √d

The keys of a real model have tens or hundreds of dimensions. Let each be a random number of mean 0 and variance 1 (variance says how widely numbers scatter: the distance from the mean, squared, on average). A dot product adds $d$ independent products, the variances add up to $d$,
and a typical score is as large as $\sqrt d$. More dimensions, wilder scores, sharper softmax, whatever the content.
The document's “derivation” skips this step. Guess first: as $d$ goes from 16 to 1024, how does the largest weight among 16 random keys grow if nothing is scaled?
"""
# %% rows="R9 E29"
def random_scores(d, S=16, T=400):
    rng = torch.Generator().manual_seed(d)
    q, keys = torch.randn(T, d, generator=rng), torch.randn(T, S, d, generator=rng)
    return (q[:, None] * keys).sum(-1)                      # (T, S): every query has keys of its own

print("    d   var(q·k)   largest weight: raw / scaled   slope of softmax: raw / scaled")
for d in (16, 64, 256, 1024):
    scores = random_scores(d)
    raw, scaled = (s.softmax(-1).amax(-1) for s in (scores, scores / math.sqrt(d)))
    slopes = [(w * (1 - w)).mean() for w in (raw, scaled)]    # d weight / d score
    print(f"{d:5d} {scores.var():9.0f} {raw.mean():17.2f} / {scaled.mean():.2f} {slopes[0]:26.3f} / {slopes[1]:.3f}")

# %% zh [md]
r"""
方差就是 $d$，分毫不差地跟着走。不缩放，最大权重一路涨到接近 1：十六把**随机**的键，它也装作只有一把重要。
更糟的是最后一列：softmax 在那里平了，斜率接近 0，训练时梯度传不回去，模型改不了主意。除以 $\sqrt d$，各种宽度一个样。拖一拖 $d$：
"""
# %% en [md]
r"""
The variance follows $d$ all the way. Unscaled, the largest weight climbs towards 1: of sixteen **random** keys it pretends that one matters.
Worse is the last column: out there softmax is flat, its slope near 0, so in training no gradient comes back and the model cannot change its mind. Divide by $\sqrt d$ and all widths behave alike. Drag $d$:
"""
# %% rows="R9"
import matplotlib.pyplot as plt

def saturation(width):
    scores = random_scores(width, T=1)[0]
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 2.6), sharey=True)
    for axis, s, name in zip(axes, (scores, scores / math.sqrt(width)), ("softmax(q·k)", "softmax(q·k / √d)")):
        axis.bar(range(len(s)), s.softmax(-1), color="#4477aa")
        axis.set(ylim=(0, 1), xticks=[], title=f"{name}, d = {width}: max {s.softmax(-1).max():.2f}")
    return figure

cl.viz.explore(saturation, width=(1, 1024, 64))

# %% zh [md]
r"""
## 3.4 别的打分办法，和一个打不了分的公式

点积之前，人们用一个小神经网络打分，叫**加性注意力**（[Bahdanau 等 2014](https://arxiv.org/abs/1409.0473)）：$e_{ij}=w^\top\tanh(W_q x_i+W_k x_j)$。
有一份文档想写的大概是它，写出来却成了 $e_{ij}=\mathrm{softmax}(W_q\cdot[x_i;x_j])+b_q$，然后再做一次 softmax。我们照着它算，看三件事：分数是什么形状？能不能专心（用第 1 章的熵量：越小越专心）？换一个查询，看的东西变不变？
"""
# %% en [md]
r"""
## 3.4 Another way to score, and a formula that cannot

Before the dot product, scores came from a small neural network, **additive attention** ([Bahdanau et al. 2014](https://arxiv.org/abs/1409.0473)): $e_{ij}=w^\top\tanh(W_q x_i+W_k x_j)$.
One document probably meant this, but wrote $e_{ij}=\mathrm{softmax}(W_q\cdot[x_i;x_j])+b_q$, followed by another softmax. Let us compute what it says and ask three things: what shape is a score? Can it focus (measured by the entropy of chapter 1: the smaller, the sharper)? Does another query look elsewhere?
"""
# %% rows="R10 E23 E24 E25"
torch.manual_seed(0)
N, d = 12, 16
x = torch.randn(N, d)
pairs = torch.cat([x[:, None].expand(N, N, d), x[None].expand(N, N, d)], -1)    # [x_i; x_j] for all i, j   (N, N, 2d)

print("W_q a matrix [d, 2d]: scores", list((pairs @ torch.randn(2 * d, d)).shape), "but one number for each pair is needed:", [N, N])
linear = pairs @ torch.randn(2 * d)    # so take a vector: (N, N)
once, twice = linear.softmax(-1), (linear.softmax(-1) + 0.3).softmax(-1)
def entropy(w): return -(w * w.clamp_min(1e-30).log()).sum(-1).mean()
print(f"softmax twice: largest / smallest weight in a row {(twice.amax(-1) / twice.amin(-1)).max():.2f}, never above e = {math.e:.2f}")
print(f"entropy in nats: once {entropy(once):.2f}, twice {entropy(twice):.2f}, all alike {math.log(N):.2f}")
print("softmax once: all rows the same?", bool((once - once[0]).abs().max() < 1e-6))

# %% zh [md]
r"""
三处都坏了。`W_q` 若是矩阵，“分数”就是一串数，不是一个数。第一次 softmax 把分数压进 0 到 1，第二次 softmax 里最多只能差 $e^1$ 倍：**它永远专心不起来**。
就算只做一次，每一行也一模一样：$W[x_i;x_j]=u^\top x_i+v^\top x_j$，前一项对所有 $j$ 都相同，softmax 里约掉了；$b_q$ 也一样。**谁来问，它都看同样的地方。**
（它还少了值的投影：$c_i=\sum_j a_{ij}x_j$ 混合的是词元本身。）

## 练习 2 · 加性注意力

一个 tanh 就能救活它，因为 tanh 让查询和键真正搅在一起。写 `additive_attention(q, k, v, W_q, W_k, w)`：`q` 是 [B,T,d]，`k` 是 [B,S,d]，`v` 是 [B,S,e]，`W_q`、`W_k` 是 [a,d]，`w` 是 [a]；
分数是 $w\cdot\tanh(W_q q+W_k k)$，沿键做 softmax，返回 [B,T,e]。提示：让 [B,T,1,a] 和 [B,1,S,a] 相加，广播会凑出每一对。
例：`w` 全 0 时，所有分数为 0，输出就是各个值的平均。
"""
# %% en [md]
r"""
Broken in three places. If `W_q` is a matrix, a “score” is a list of numbers instead of one. The first softmax squeezes the scores into 0 to 1, so in the second they can differ by a factor of $e^1$ at most: **it can never focus**.
And even with a single softmax all rows are the same: $W[x_i;x_j]=u^\top x_i+v^\top x_j$, whose first term is equal for every $j$ and cancels in the softmax; so does $b_q$. **Whoever asks, it looks at the same place.**
(It also lacks a projection for the values: $c_i=\sum_j a_{ij}x_j$ mixes the tokens themselves.)

## Exercise 2 · Additive attention

One tanh brings it to life, because through tanh query and key really meet. Write `additive_attention(q, k, v, W_q, W_k, w)`: `q` is [B,T,d], `k` is [B,S,d], `v` is [B,S,e], `W_q` and `W_k` are [a,d], `w` is [a];
the score is $w\cdot\tanh(W_q q+W_k k)$; softmax over the keys; return [B,T,e]. A hint: add a [B,T,1,a] to a [B,1,S,a] and broadcasting makes every pair.
Example: with `w` all zero, every score is 0 and the output is the plain mean of the values.
"""
# %% exercise id="attention.additive"
...
# %%
cl.check("attention.additive")

# %% rows="R10 E24"
additive_attention = cl.use("attention.additive")

W_q, W_k, w, eye = torch.randn(d, d), torch.randn(d, d), torch.randn(d), torch.eye(N)[None]
weights = additive_attention(x[None], x[None], eye, W_q, W_k, w)[0]    # identity as values: the weights come out
print(f"with tanh: rows differ by up to {(weights - weights[0]).abs().max():.2f}; entropy {entropy(weights):.2f} of {math.log(N):.2f} nats")

# %% zh [md]
r"""
行与行不同了，也专心了。（小窍门：**让值等于单位矩阵，输出的就是权重本身**。后面还要用。）加性打分要为每一对词元算一遍 tanh；点积只是一次矩阵乘法，快得多，所以今天几乎都用点积。

## 3.5 掩码：谁可以看谁

有些位置不该看。逐字往下写的模型不许偷看后文（**因果掩码**）；一批长短不一的句子补齐到一样长，补上去的词元不许看（**填充掩码**）。做法是在 softmax 之前，把不许看的分数换成 $-\infty$。

## 练习 3 · 因果加填充

写 `causal_padding_mask(lengths, size)`：`lengths` 是 [B] 的整数，每个例子真正的长度；`size` 是 T。返回布尔 [B,1,T,T]：查询 t 可以看键 s，当且仅当 $s\le t$ 且 $s<$ 长度。
第二个轴长度为 1，是留给“头”广播的。例：`lengths` 为 [2]、`size` 为 3，三行是 T F F、T T F、T T F。
"""
# %% en [md]
r"""
Now rows differ, and they focus. (A trick to remember: **let the values be the identity matrix, and out come the weights**.) Additive scoring takes a tanh for every pair of tokens; dot products are a single matrix multiplication, much faster, which is why nearly everything uses them today.

## 3.5 Masks: who may look at whom

Some places must not be seen. A model that writes token by token may not peek at what follows (**causal mask**); sentences of unequal length are filled up to make a batch, and the filling may not be looked at (**padding mask**). Before softmax, the forbidden scores become $-\infty$.

## Exercise 3 · Causal and padding

Write `causal_padding_mask(lengths, size)`: `lengths` are integers [B], the true length of each example; `size` is T. Return bool [B,1,T,T]: query t may look at key s if and only if $s\le t$ and $s<$ length.
The second axis has length 1 so that it can be broadcast to the heads. Example: `lengths` [2] and `size` 3 give the rows T F F, T T F, T T F.
"""
# %% exercise id="attention.masks"
...
# %%
cl.check("attention.masks")

# %% zh [md]
r"""
再来**画一张掩码**：点格子，或按住涂过去。先猜三件事：挡住一格，它那份权重去了哪里？把一整行都挡住会怎样？只留对角线呢？
"""
# %% en [md]
r"""
Now **paint a mask**: tap cells, or hold and paint across them. Guess three things first: block one cell; where does its weight go? Block a whole row; what happens? Leave only the diagonal?
"""
# %% rows="R12"
causal_padding_mask = cl.use("attention.masks")

words = cl.L(zh="我 喜欢 吃 比萨 ▢ ▢", en="I like pizza now ▢ ▢").split()              # ▢: padding
T, rng = len(words), torch.Generator().manual_seed(3)
q, k = torch.randn(T, 8, generator=rng), torch.randn(T, 8, generator=rng)
full, causal = torch.ones(T, T, dtype=torch.bool), causal_padding_mask(torch.tensor([T]), T)[0, 0]
both = causal_padding_mask(torch.tensor([4]), T)[0, 0]
titles = cl.L(zh="因果|因果 + 填充|全部可见|只看自己", en="causal|causal + padding|all|only itself").split("|")

cl.viz.mask_painter(attention, q, k, words, words, dict(zip(titles, (causal, both, full, torch.eye(T).bool()))))

# %% zh [md]
r"""
挡住一格，它的权重按比例分给同一行剩下的格子，行和仍是 1。整行挡住，行和是 0：没有可看的，就什么也拿不到。用 $-\infty$ 硬算会得到 `nan`，一个 `nan` 能毁掉整批训练；这就是练习 1 为什么要求全 0。

## 3.6 多个头

一个头只有一张权重表：看了“比萨”，就分不出心去看“喜欢”。**多头注意力**把宽度 D 切成 H 段，每段各看各的，再拼回来。参数一个不多，视线多了 H 条。
切和拼最容易写错：`view` 不会移动数据，少一个转置，词元和头就搅在一起，形状还是对的。

## 练习 4、5 · 切开与拼回

写 `split_heads(x, n_heads)`：[B,T,D] 变 [B,H,T,D/H]，第 h 个头拿第 h·D/H 到 (h+1)·D/H 列；D 不能被 H 整除时抛出 `ValueError`。再写它的逆 `merge_heads(x)`：[B,H,T,dh] 变 [B,T,H·dh]，内存不连续的输入也要对。
例：一个词元 [1, 2, 3, 4] 切成两个头，是 [1, 2] 和 [3, 4]。
"""
# %% en [md]
r"""
Block a cell and its weight is shared among the rest of its row, in proportion; the row still sums to 1. Block the whole row and it sums to 0: with nothing to look at, nothing is fetched. Computed plainly, a row of $-\infty$ gives `nan`, and a single `nan` can ruin the training of a whole batch; that is why exercise 1 asks for zeros.

## 3.6 Several heads

One head has one table of weights: busy with *pizza*, it has no eye for *like*. **Multi-head attention** cuts the width D into H pieces, lets each look for itself, and joins the results. Not one parameter more, but H lines of sight.
Cutting and joining are where it goes wrong: `view` moves no data, so if a transpose is missing, tokens and heads get mixed while every shape is right.

## Exercises 4 and 5 · Split and merge

Write `split_heads(x, n_heads)`: [B,T,D] becomes [B,H,T,D/H], and head h gets columns h·D/H to (h+1)·D/H; if D is not divisible by H raise `ValueError`. Then its inverse `merge_heads(x)`: [B,H,T,dh] becomes [B,T,H·dh], also when the input is not contiguous in memory.
Example: one token [1, 2, 3, 4] in two heads is [1, 2] and [3, 4].
"""
# %% exercise id="attention.split_heads"
...
# %%
cl.check("attention.split_heads")

# %% exercise id="attention.merge_heads"
...
# %%
cl.check("attention.merge_heads")

# %% zh [md]
r"""
## 3.7 文档里的注意力类：先测，再弄坏，再修好

一份文档给了一个 PyTorch 注意力类。下面用我们自己的话重写，毛病原样保留。公平起见，先看它对的时候：装上同样的权重，它和 PyTorch 的 `nn.MultiheadAttention` 分毫不差。
（文档还说“运行上述代码可以得到输出结果”。运行下面第一格：只定义了一个类，什么也不会打印。）
"""
# %% en [md]
r"""
## 3.7 The document's attention class: test it, break it, mend it

One document offers an attention class in PyTorch. Here it is in our own words with its faults kept. To be fair, first see it right: given the same weights, it agrees with PyTorch's `nn.MultiheadAttention`.
(The document also promises that “running the code above gives the output”. Run the next cell: it defines a class and prints nothing.)
"""
# %% rows="R58 E17"
class AsInTheDocument(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.width, self.heads, self.each = width, heads, width // heads
        self.to_q, self.to_k, self.to_v, self.to_out = (torch.nn.Linear(width, width) for _ in range(4))

    def forward(self, q, k, v, mask=None):
        B = len(q)
        q, k, v = (project(x).view(B, -1, self.heads, self.each).transpose(1, 2)
                   for project, x in ((self.to_q, q), (self.to_k, k), (self.to_v, v)))
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.each)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        self.weights = scores.softmax(-1)
        return self.to_out((self.weights @ v).transpose(1, 2).contiguous().view(B, -1, self.width))

# %% rows="R58 R11"
def twin_of(mine):
    """PyTorch's nn.MultiheadAttention with the same weights."""
    theirs = torch.nn.MultiheadAttention(mine.width, mine.heads, batch_first=True)
    inputs = (mine.to_q, mine.to_k, mine.to_v)
    theirs.in_proj_weight.data = torch.cat([layer.weight for layer in inputs]).detach()
    theirs.in_proj_bias.data = torch.cat([layer.bias for layer in inputs]).detach()
    theirs.out_proj = mine.to_out
    return theirs

torch.manual_seed(0)
layer, x = AsInTheDocument(64, 4), torch.randn(2, 5, 64)
difference = (layer(x, x, x) - twin_of(layer)(x, x, x)[0]).abs().max()
print("equals nn.MultiheadAttention to 1e-6:", bool(difference < 1e-6))

# %% zh [md]
r"""
这样的测试，尺寸都挑得刚刚好。现在挑不好的：宽度 65、4 个头（除不尽）；半精度；一行全被挡住；形状为 [B,T,T] 的掩码，而 B 恰好等于 H。
先猜：哪些会报错，哪些会**不声不响地算错**？后一种可怕得多。
"""
# %% en [md]
r"""
That test had sizes that happen to fit. Now choose bad ones: width 65 with 4 heads (not divisible); half precision; a row with everything blocked; a mask of shape [B,T,T] where B happens to equal H.
Guess first: which of these raise an error, and which are **silently wrong**? The second kind is far worse.
"""
# %% rows="E14 E15 E16 R12"
def attempt(name, run):
    try:
        print(f"{name:42s}", run())
    except Exception as error:
        print(f"{name:42s} {type(error).__name__}: {str(error).splitlines()[0][:60]}")

def same(a, b):
    return bool((a - b).abs().max() < 1e-5)

# %% rows="E14 E15 E16 R12"
def torment(kind):
    torch.manual_seed(0)
    odd, layer = kind(65, 4), kind(64, 4)
    x, y, z = torch.randn(2, 5, 65), torch.randn(2, 64, 65), torch.randn(4, 5, 64)
    masks = torch.ones(4, 5, 5, dtype=torch.bool)
    masks[1, :, 1:] = False                                 # example 1 may look only at its first token
    alone = lambda i: layer(*[z[i, None]] * 3, masks[i, None, None])[0]
    attempt("65 wide, 4 heads,  5 tokens: shape", lambda: list(odd(x, x, x).shape))
    attempt("65 wide, 4 heads, 64 tokens: shape", lambda: list(odd(y, y, y).shape))
    attempt("   read backwards, same output backwards?", lambda: same(odd(*[y.flip(1)] * 3).flip(1), odd(y, y, y)))
    attempt("everything blocked: nothing fetched?", lambda: same(layer(z, z, z, masks[:, None] & False), layer.to_out.bias))
    attempt("mask [B,T,T], B = H: same as alone?", lambda: [same(layer(z, z, z, masks)[i], alone(i)) for i in range(4)])
    attempt("half precision with a mask: shape", lambda: list(layer.half()(*[z.half()] * 3, masks[:, None]).shape))

torment(AsInTheDocument)

# %% zh [md]
r"""
两个报错，三个**不声不响**。除不尽时，5 个词元碰巧报错，64 个词元却碰巧凑得成形状：`view(-1)` 把数据重新切了一遍，词元全搅在一起。整行被挡时，$-10^9$ 让大家平分，把不许看的内容平均着漏了出来。
[B,T,T] 的掩码在 B=H 时，本该管“第 1 个例子”，却管了每个例子的“第 1 个头”，四个例子全错。半精度装不下 $10^9$，直接报错。

修它只要三行，三样东西你都写过了：`split_heads` 检查能否整除，`attention` 用 $-\infty$ 并处理空行，再加一句掩码必须有四个轴。
"""
# %% en [md]
r"""
Some raise errors; three are **silently wrong**. With a width that does not divide, 5 tokens happen to raise while 64 happen to fit: `view(-1)` cuts the data up anew and all tokens are mixed. With everything blocked, $-10^9$ makes all share alike, and what must not be seen leaks out as an average.
A [B,T,T] mask meant for “example 1” masks, when B=H, “head 1” of every example, and all four come out wrong. Half precision cannot hold $10^9$ and raises.

Three lines mend it, and you have written all that is needed: `split_heads` checks that the width divides, `attention` uses $-\infty$ and knows what to do with an empty row; add that a mask must have four axes.
"""
# %% rows="R58 E14 E15 E16"
split_heads = cl.use("attention.split_heads")
merge_heads = cl.use("attention.merge_heads")

class Mended(AsInTheDocument):
    def forward(self, q, k, v, mask=None):
        if mask is not None and mask.dim() != 4:
            raise ValueError(f"mask has {mask.dim()} axes, not 4: give [B, 1, T, S]")
        q, k, v = (split_heads(project(x), self.heads)
                   for project, x in ((self.to_q, q), (self.to_k, k), (self.to_v, v)))
        return self.to_out(merge_heads(attention(q, k, v, mask)))

torment(Mended)
mended = Mended(64, 4)
print("\nequals nn.MultiheadAttention:", same(mended(x, x, x), twin_of(mended)(x, x, x)[0]))

# %% zh [md]
r"""
该算的算对了，不该算的开口说了为什么。

## 练习 6 · 多头注意力，也能交叉

把它写成一个函数，连权重一起交出来。写 `multi_head_attention(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None)`：查询来自 `x_q` [B,T,D]，键和值来自 `x_kv` [B,S,D]，各矩阵 [D,D]，用法是 `x @ W.T`；
返回（输出 [B,T,D]，权重 [B,H,T,S]）。`x_q` 和 `x_kv` 是同一个，就是**自注意力**；不是同一个，就是**交叉注意力**，T 和 S 可以不等。例：H=1、四个矩阵都是单位矩阵，就退回练习 1。
"""
# %% en [md]
r"""
What can be computed is right, and what cannot says why.

## Exercise 6 · Multi-head attention, cross-attention too

Make it one function that also hands out the weights. Write `multi_head_attention(x_q, x_kv, W_q, W_k, W_v, W_o, n_heads, mask=None)`: queries come from `x_q` [B,T,D], keys and values from `x_kv` [B,S,D], the matrices are [D,D] and used as `x @ W.T`;
return (output [B,T,D], weights [B,H,T,S]). When `x_q` and `x_kv` are the same it is **self-attention**; when they are not it is **cross-attention**, and T and S may differ. Example: with H=1 and four identity matrices you are back at exercise 1.
"""
# %% exercise id="attention.multi_head"
...
# %%
cl.check("attention.multi_head")

# %% zh [md]
r"""
翻译模型就靠交叉注意力：译文的每个词（查询）去看原文的每个字（键和值）。现场训练一个小的：原文是一串汉字，里面藏着一种颜色、一种动物、一样吃的，次序随便；译文是三个英文词，**总按颜色、动物、食物的次序**。
所以写第一个词时，它得自己到原文里把颜色找出来。先猜：训练好以后，权重表会是一条对角线吗？
"""
# %% en [md]
r"""
Translators live on cross-attention: each word of the translation (query) looks at every character of the source (keys and values). Let us train a small one. The source is a string of Chinese characters with a colour, an animal and a food hidden in it, in any order; the translation is three English words, **always in the order colour, animal, food**.
(红 red, 蓝 blue, 绿 green, 白 white, 猫 cat, 狗 dog, 马 horse, 羊 sheep, 饭 rice, 汤 soup, 鱼 fish, 茶 tea; the rest is filling.) To write its first word the model has to find the colour in the source by itself. Guess first: will the trained weights lie on a diagonal?
"""
# %%
import os, random
quick = os.environ.get("COURSE_QUICK") == "1"
ENGLISH = dict(zip("红蓝绿白猫狗马羊饭汤鱼茶", "red blue green white cat dog horse sheep rice soup fish tea".split()))
KINDS = ("红蓝绿白", "猫狗马羊", "饭汤鱼茶")
FILLING = "我你他有和要的了也都在看"
tokens = ["<s>", *ENGLISH, *ENGLISH.values(), *FILLING]
number = {token: i for i, token in enumerate(tokens)}

def translation_batch(rng, n, length):
    sources, targets = [], []
    for _ in range(n):
        facts = [rng.choice(kind) for kind in KINDS]
        source = facts + rng.choices(FILLING, k=length - 3)
        rng.shuffle(source)
        sources.append([number[char] for char in source])
        targets.append([0] + [number[ENGLISH[char]] for char in facts])
    ids, target = torch.tensor(sources), torch.tensor(targets)
    return {"ids": ids, "target": target[:, :-1], "labels": target[:, 1:]}

# %% training rows="R13"
torch.manual_seed(0)
rng = random.Random(0)
batches = [translation_batch(rng, 64, rng.randint(4, 12)) for _ in range(150)]
config = cl.nn.Seq2SeqConfig(vocab_size=len(tokens), context=16, n_layer=1, n_head=2, d_model=64, start_id=0)
translator = cl.nn.Seq2Seq(config)
history = cl.fit(translator, batches, steps=150, lr=3e-3)

# %% training rows="R13"
@torch.inference_mode()
def translate(text):
    known = [char for char in text if char in number][:16]
    device, target = next(translator.parameters()).device, [0]
    source = torch.tensor([[number[char] for char in known]], device=device)
    while len(target) < 4:
        logits, maps = translator(source, torch.tensor([target], device=device), return_weights=True)
        target.append(int(logits[0, -1].argmax()))
    weights = maps["cross"][0][0].mean(0).cpu()             # mean of the heads: (T, S) = (3, S)
    return cl.viz.weight_table(weights, [tokens[i] for i in target[1:]], known)

cl.viz.explore(translate, text="我要鱼和红的猫")

# %% zh [md]
r"""
不是对角线：写动物时看动物，写食物时看食物，不管它们在原文的哪里；无关的字几乎分不到权重。表是 3 行、原文有几个字就几列，T 不等于 S 毫无问题。换个次序试试：“白马在看我的茶”。
真正的中译法、中译英在第 10 章。

## 3.8 看得远，代价也大

n 元模型只记得眼前几个词元；注意力一步就到任何地方，距离不花钱。用一个游戏来测：一长串字母里混着一种颜色、一种动物、一样吃的，最后出现提示，比如 `animal?`，要答出那种动物。
对手是三元模型，它数过同样的故事。先猜：隔着 60 个、200 个字母，两者各答对多少？注意，训练时一个故事最多 64 个词元。
"""
# %% en [md]
r"""
No diagonal: writing the animal it looks at the animal, writing the food at the food, wherever they stand in the source; the filling gets next to nothing. The table has 3 rows and as many columns as the source has characters; T need not equal S. Try another order: 白马在看我的茶.
Real translation into French and English comes in chapter 10.

## 3.8 It sees far, at a price

An n-gram remembers the last few tokens; attention reaches anywhere in one step, whatever the distance. Here is a game to test it: a long string of letters has a colour, an animal and a food mixed in; at the end comes a cue such as `animal?`, and the answer is that animal.
The opponent is a trigram that has counted the same stories. Guess first: across 60 letters, across 200, how many answers does each get right? Mind that no story in training is longer than 64 tokens.
"""
# %% rows="R18"
CUES = {"colour?": "red blue green black white yellow pink brown".split(),
        "animal?": "cat dog horse cow sheep goat duck hen".split(),
        "food?": "rice soup bread fish tea milk egg cake".split()}
letters = list("abcdefghijklmnopqrstuvwxyz")
things = [word for cue, words in CUES.items() for word in (cue, *words)] + letters
place = {word: i for i, word in enumerate(things)}

def story(rng, length, distance):
    """Letters with three facts among them, a cue at the end, and the answer, `distance` words before the cue."""
    words, cue = rng.choices(letters, k=length - 1), rng.choice(list(CUES))
    here = length - 1 - distance
    elsewhere = rng.sample([i for i in range(length - 1) if i != here], 2)
    for kind in CUES:
        words[here if kind == cue else elsewhere.pop()] = rng.choice(CUES[kind])
    return words + [cue], words[here]

words, answer = story(random.Random(2), 20, 12)
print(" ".join(words), "→", answer)

# %% rows="R18"
from collections import Counter, defaultdict

def story_batch(rng, n, length, distance=None):
    told = [story(rng, length, distance or rng.randint(1, length - 1)) for _ in range(n)]
    ids = torch.tensor([[place[word] for word in words] for words, _ in told])
    labels = torch.full_like(ids, -100)                     # only the answer counts
    labels[:, -1] = torch.tensor([place[answer] for _, answer in told])
    return {"ids": ids, "labels": labels}

rng = random.Random(0)
stories = [story_batch(rng, 64, rng.randint(8, 64)) for _ in range(100 if quick else 200)]
counts = defaultdict(Counter)
for batch in stories:    # the trigram sees the last letter and the cue
    for (before, cue), answer in zip(batch["ids"][:, -2:].tolist(), batch["labels"][:, -1].tolist()):
        counts[before, cue][answer] += 1

# %% training
torch.manual_seed(0)
config = cl.nn.DecoderConfig(vocab_size=len(things), context=256, n_layer=1, n_head=2, d_model=64, position="rope")
recaller = cl.nn.Decoder(config)
history = cl.fit(recaller, stories, steps=len(stories), lr=3e-3)

# %% training rows="R18"
@torch.inference_mode()
def right_answers(distance, n=200):
    test = story_batch(random.Random(distance), n, max(8, distance + 5), distance)
    said = recaller(test["ids"].to(cl.device()))[:, -1].argmax(-1).cpu()
    counted = [max(counts[tuple(pair)], key=counts[tuple(pair)].get, default=-1) for pair in test["ids"][:, -2:].tolist()]
    answers = test["labels"][:, -1]
    return [f"{100 * (guess == answers).float().mean():.0f} %" for guess in (said, torch.tensor(counted))]

header = cl.L(zh="答案在多远之前|注意力，1 层|三元模型", en="distance of the answer|attention, 1 layer|trigram").split("|")
cl.viz.table([(distance, *right_answers(distance)) for distance in (1, 2, 5, 15, 60, 120, 240)], header=header, right=(0, 1, 2))

# %% zh [md]
r"""
答案紧挨着提示时，三元模型也看得见它；隔开两步，就只剩瞎猜（八选一）。注意力在每个距离上都一样好，连训练时从没见过的长度也答得出。
代价呢？每个词元都看每个词元，分数表有 $T\times S$ 格：**长度翻倍，计算和内存变四倍**。文档把“可以处理长序列”列为优点，量一量再说。`F.scaled_dot_product_attention` 算的是同一个东西，只是一块一块地算，从不把整张表放进内存。
"""
# %% en [md]
r"""
Right before the cue, the trigram can see the answer too; two steps away it can only guess (one of eight). Attention is equally good at every distance, even at lengths it never saw in training.
And the price? Every token looks at every token, so the table of scores has $T\times S$ cells: **twice the length, four times the work and memory**. The documents list “handles long sequences” as an advantage; measure first. `F.scaled_dot_product_attention` computes the same thing, but block by block, and never holds the whole table.
"""
# %% timing rows="R20 E35"
from time import perf_counter

def milliseconds(run):
    times = []
    for _ in range(3):
        start = perf_counter()
        run()
        times.append(1000 * (perf_counter() - start))
    return min(times)

rows = []
for T in (128, 256, 512, 1024) if quick else (128, 256, 512, 1024, 2048):
    q, k, v = torch.randn(3, 1, 8, T, 64)
    yours, fused = milliseconds(lambda: attention(q, k, v)), milliseconds(lambda: F.scaled_dot_product_attention(q, k, v))
    rows.append((T, f"{yours:.1f}", f"{fused:.1f}", f"{8 * T * T * 4 / 2**20:.1f}"))
header = cl.L(zh="长度 T|你的 attention（毫秒）|PyTorch 融合版（毫秒）|一张分数表（MiB）", en="length T|your attention (ms)|PyTorch, fused (ms)|one table of scores (MiB)").split("|")
cl.viz.table(rows, header=header, right=(0, 1, 2, 3))

# %% zh [md]
r"""
每往下一行，长度乘 2，分数表乘 4。融合版省下了内存，也快，可计算量还是平方增长。此外还有一道硬墙：模型训练时有**上下文长度**，BERT 一类的位置表只有 512 行，第 513 个词元没有位置可用：
"""
# %% en [md]
r"""
Each line doubles the length and quadruples the table. The fused version saves the memory and time, yet its work grows as the square, too. And there is a hard wall besides: a model is trained for a **context length**. The position table of a BERT has 512 rows, and for token 513 there is none:
"""
# %% rows="E35 R20"
bert = cl.load("minilm-l6")
for T in (512, 513):
    ids = torch.full((1, T), 1037, device=bert.device)
    attempt(f"MiniLM, {T} tokens", lambda: list(bert.model(ids).last_hidden_state.shape))

# %% zh [md]
r"""
## 3.9 让 SmolLM2 用你的函数说话

`transformers` 允许换掉注意力的实现。我们把**你的** `attention` 装进全部 30 层：9 个查询头每 3 个共用一组键和值，先复制成 9 组；掩码是因果的；其余原封不动。
先猜：换上以后，它写的话会变吗？
"""
# %% en [md]
r"""
## 3.9 SmolLM2 speaks through your function

`transformers` lets one replace the implementation of attention. Put **your** `attention` into all 30 layers: its 9 query heads share keys and values by threes, so those are first repeated to 9; the mask is causal; the rest stays as it is.
Guess first: will it write anything else than before?
"""
# %% rows="R8 R12"
from transformers import AttentionInterface
seen, silenced = {}, set()

def mine(module, q, k, v, attention_mask, **_):
    k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], dim=1) for x in (k, v))    # (B, 9, S, d)
    T, S = q.shape[2], k.shape[2]
    mask = torch.ones(T, S, dtype=torch.bool, device=q.device).tril(S - T)
    seen[module.layer_idx] = q, k, mask
    out = attention(q, k, v, mask)
    out[:, [head for layer, head in silenced if layer == module.layer_idx]] = 0    # for an experiment below
    return out.transpose(1, 2).contiguous(), None

AttentionInterface.register("mine", mine)
before = model.generate("The capital of France is", max_new_tokens=8)
model.model.set_attn_implementation("mine")
print(model.generate("The capital of France is", max_new_tokens=8))
print("the same as before:", model.generate("The capital of France is", max_new_tokens=8) == before)

# %% zh [md]
r"""
一字不差：一个 1.35 亿参数的模型，靠你那几行在说话。再验一次 3.1 节的图：取出第 11 层的 q 和 k，用单位矩阵当值，你的函数就把那一层的权重表重新算出来。
"""
# %% en [md]
r"""
Word for word the same: a model of 135 million parameters speaks through your few lines. And check the picture of section 3.1: take q and k of layer 11, let the values be the identity matrix, and your function recomputes the weights of that layer.
"""
# %% rows="R8 R62"
ids = model.tokenizer(sentence, return_tensors="pt").input_ids.to(model.device)
with torch.inference_mode():
    model.model(ids)
q, k, mask = seen[11]
T = ids.shape[1]
recomputed = attention(q, k, torch.eye(T, device=q.device).expand(1, 9, T, T), mask)[0].cpu()    # (9, T, T)
shown = torch.tensor(model.attention(sentence).weights[11])
print(f"layer 11, {tuple(recomputed.shape)} weights: yours and the viewer's agree to 1e-5:", same(recomputed, shown))

# %% zh [md]
r"""
### 归纳头：自己去找

现在找一种真正学来的本领。给模型一串**随机**词元，再原样重复一遍。第一遍没法猜；第二遍呢？只要有一个头会这样想就行：“眼前这个词元，上次出现时后面跟着谁？就猜谁。” 这叫**归纳头**（[Olsson 等 2022](https://arxiv.org/abs/2209.11895)）。
先看损失，再到视图里自己找：“指标”选“归纳”，点“排序”，最像的头就排到前面。
"""
# %% en [md]
r"""
### Induction heads: find them yourself

Now look for a skill that was truly learnt. Give the model a string of **random** tokens and then the same string again. The first time nothing can be guessed; and the second? All it takes is a head that reasons: “the token before me now, what followed it last time? Then guess that.” It is called an **induction head** ([Olsson et al. 2022](https://arxiv.org/abs/2209.11895)).
First look at the loss, then find the heads yourself in the viewer: set “Score” to “Induction” and press “Sort”, and the best come first.
"""
# %%
def repeated(n=4, half=25):
    once = torch.randint(1000, 49000, (n, half), generator=torch.Generator().manual_seed(0))
    return torch.cat([once, once], 1)                                                       # (4, 50)

@torch.inference_mode()
def surprise(ids):
    """Nats per position: how surprised SmolLM2 is at each next token, mean over the examples."""
    log_probs = model.model(ids.to(model.device)).logits.float().log_softmax(-1).cpu()
    return -log_probs[:, :-1].gather(-1, ids[:, 1:, None])[..., 0].mean(0)

losses = surprise(repeated())
print(f"first time {losses[:24].mean():.1f} nats, second time {losses[25:].mean():.1f} nats; guessing evenly: {math.log(49152):.1f}")
figure, axis = plt.subplots(figsize=(8.4, 2.4))
axis.bar(range(len(losses)), losses, color=["#4477aa"] * 25 + ["#ee7733"] * 24)
axis.set(title=cl.L(zh="每个位置的损失（奈特）：第二遍（橙）骤降", en="Loss at each position (nats): it drops the second time (orange)"))
plt.show()

# %%
everyday = " cat dog red blue tree house car river music paper stone bread green light"
view = cl.attention_view(model, everyday * 2)
view.select(layer=18, head=6)
view

# %% zh [md]
r"""
看那条斜线：第二遍的每个词元，都在看第一遍里**同一个词后面的那个**。这样的头在第 17、18 层有好几个。看着像，就真是它们在干活吗？按这个本领给 270 个头打分，关掉前五名试试；再关掉同样几层里同样多的别的头，作为对照。
"""
# %% en [md]
r"""
See the slanted line: each token of the second half looks at the token that **followed the same word** in the first. Several heads in layers 17 and 18 do this. They look the part, but do they do the work? Score all 270 heads by this skill and silence the best five; and, for comparison, as many other heads of the same layers.
"""
# %%
def induction_scores():
    """[L, H]: the weight that second-half tokens give to the token after their own first copy, in the last pass."""
    by_layer = []
    for layer in range(len(seen)):
        q, k, mask = seen[layer]
        T = q.shape[2]
        weights = attention(q, k, torch.eye(T, device=q.device).expand(len(q), 9, T, T), mask)    # (B, 9, T, T)
        second = torch.arange(T // 2, T)
        by_layer.append(weights[:, :, second, second - T // 2 + 1].mean((0, 2)))
    return torch.stack(by_layer).cpu()

# %%
surprise(repeated())
ranking = [(int(i) // 9, int(i) % 9) for i in induction_scores().flatten().argsort(descending=True)]
best = ranking[:5]
rest = {layer: [head for head in range(9) if (layer, head) not in best] for layer, _ in best}
others = [(layer, rest[layer].pop()) for layer, _ in best]    # from the same layers
for name, heads in (("nothing", []), ("5 induction heads", best), ("5 others nearby", others)):
    silenced = set(heads)
    print(f"without {name:18s} second time {surprise(repeated())[25:].mean():4.1f} nats   {sorted(heads)}")
silenced = set()

# %% zh [md]
r"""
关掉五个归纳头，第二遍的损失涨到两倍多；关掉同样几层的另外五个，只涨一点点。视图里看着像，消融证明是。一个归纳头需要两层配合：前面某层的头先把“我前面是谁”写进每个词元，这一层才能按它来找。

## 3.10 权重大，就是原因吗？

回到开头：“它”在看谁？有三种量法，问的其实是三个问题：

- **注意力**：30 层 9 个头平均，这个位置看了谁多少。
- **梯度**：把某个词元的向量动一点点，这个位置的预测变多快。
- **消融**：把某个词元的向量抹成 0，整个预测分布挪了多远（用 KL 散度量，0 表示没变）。

拖动滑块，换一个词元来看；也可以换一句话。“模型”里还有课程自己训练的中文小 BERT（`zh-bert`），它两边都看，给它读 `我喜欢吃比萨，因为它味道很好。`。先猜：三行会一样吗？
"""
# %% en [md]
r"""
Silence the five induction heads and the loss of the second half more than doubles; silence five others of the same layers and it rises a little. In the viewer they looked the part; ablation shows they play it. It takes two layers: an earlier head writes “who came before me” into each token, and only then can this one search by it.

## 3.10 Is a large weight a reason?

Back to the opening: what does *it* look at? There are three ways to measure, and they ask three different questions:

- **Attention**: averaged over 30 layers of 9 heads, how much this position looks at each token.
- **Gradient**: nudge a token's vector a little; how fast does the prediction at this position change?
- **Ablation**: blank a token's vector to 0; how far does the whole predicted distribution move (KL divergence; 0 means not at all)?

Drag the slider to another token, or type another sentence. “Model” also offers the course's own small Chinese BERT (`zh-bert`), which sees both sides; give it `我喜欢吃比萨，因为它味道很好。`, the same sentence in Chinese. Guess first: will the three rows agree?
"""
# %% rows="R62"
model.model.set_attn_implementation("sdpa")

def three_measures(loaded, text, position):
    """Attention, gradient and ablation [3, T]: how much each token matters to the prediction at `position`."""
    ids = loaded.tokenizer(text, return_tensors="pt").input_ids.to(loaded.device)
    x = loaded.model.get_input_embeddings()(ids).detach().requires_grad_()
    log_p = loaded.model(inputs_embeds=x).logits[0, position].log_softmax(-1)
    gradient = torch.autograd.grad(log_p.max(), x)[0][0].norm(dim=-1)    # of the likeliest prediction
    T = ids.shape[1]
    blanked = x.detach().repeat(T, 1, 1) * (1 - torch.eye(T, device=x.device))[..., None]    # (T, T, D): copy i lacks token i
    with torch.inference_mode():
        log_q = loaded.model(inputs_embeds=blanked).logits[:, position].log_softmax(-1)    # (T, V)
    ablation = (log_p.exp() * (log_p - log_q)).sum(-1).detach()
    looked = torch.tensor(loaded.attention(text).weights).mean((0, 1))[position]
    return torch.stack([looked, gradient.cpu(), ablation.cpu()])

# %% rows="R62"
readers = {"smollm2-135m": model, "zh-bert": cl.load("zh-bert")}

def compare(text, model, position):
    labels = readers[model].attention(text).tokens
    position = min(position, len(labels)) - 1
    rows = three_measures(readers[model], text, position)
    names = cl.L(zh="注意力|梯度|消融", en="attention|gradient|ablation").split("|")
    pictures = [cl.viz.coloured_tokens(labels, (row / row.max()).tolist()) for row in rows]
    named = [cl.viz.paragraph(name) + picture for name, picture in zip(names, pictures)]
    return cl.viz.paragraph(f"{position + 1}: {labels[position].strip()}") + cl.viz.Markup().join(named)

tokens_seen = [label.strip() for label in model.attention(sentence).tokens]
it = max(i for i, label in enumerate(tokens_seen, 1) if label in ("it", "它₂"))
cl.viz.explore(compare, text=sentence, model=list(readers), position=(1, 40, it))

# %% rows="R62"
def ranks(values):
    return values.argsort().argsort().double()

chinese = "我喜欢吃比萨，因为它味道很好。"
where = readers["zh-bert"].attention(chinese).tokens.index("它")
for name, text, position, end in (("smollm2-135m", sentence, it - 1, it), ("zh-bert", chinese, where, None)):
    rows = three_measures(readers[name], text, position)[:, :end]                   # SmolLM2 sees nothing after "it"
    labels = [label.strip() for label in readers[name].attention(text).tokens]
    print(f"{name}, first token's share of the attention {rows[0, 0]:.2f}")
    for measure, row in zip(("attention", "gradient", "ablation"), rows):
        agreement = torch.corrcoef(torch.stack([ranks(rows[0]), ranks(row)]))[0, 1]
        print(f"   {measure:9s} most: {' '.join(labels[i] for i in row.topk(4).indices)}   (ranks: {agreement:.1f})")

# %% zh [md]
r"""
三行有几分像，名次却常常对不上（最后一列是与注意力的名次相关，1 是全同，0 是无关）。SmolLM2 的注意力一大份落在第一个词元上：那里是个“停车位”，没处可看的头都停在那儿（[Xiao 等 2023](https://arxiv.org/abs/2309.17453) 叫它 attention sink）。
权重只说**这一步取了谁的值**；取来的值多长、后面的层怎么用，它不知道。所以别把一张注意力图当成解释（[Jain 与 Wallace 2019](https://arxiv.org/abs/1902.10186)）：要说“因为”，就动手改一改，看结果变不变。
SmolLM2 只看左边，也没怎么学过中文：把 `I like eating pizza because it tastes very good.` 贴进上面的图，停在 it 上，看梯度那一行最深的是谁。`zh-bert` 两边都看，除去分隔符，“它”看得最重的是右边的“味”；“比萨”没有进前四名：认得指代，四层的小模型还做不到。

## 小结

- 注意力是软查找：点积打分，softmax 归一，按权重混合值。方向决定看谁，长度决定多专心。
- 随机向量点积的方差是 $d$；除以 $\sqrt d$，softmax 才不会一开始就饱和。
- 打分必须让查询和键相乘或经过 tanh 相遇；只是相加，查询会在 softmax 里约掉。
- 掩码用布尔值，True 表示可以看，形状写清楚；整行被挡的情形要定义好。形状对，不等于算得对。
- 任何距离一步到达，代价是 $T^2$，还有一道上下文长度的墙。
- 权重是“看了谁”，不是“因为谁”。要因果，就消融。

还想动手：把 3.9 节 `mine` 里的掩码改成“只看最后两个词元”，看 SmolLM2 还能说几个字。再在那里关掉排名 6 到 10 的头，损失涨多少？
接下来：第 4 章 Transformer 全貌（即将推出）。
"""
# %% en [md]
r"""
The three rows agree in part at best (the last column is the rank correlation with attention: 1 the same order, 0 unrelated). A large share of SmolLM2's attention falls on the first token: it is a parking place for heads that have nothing to look for ([Xiao et al. 2023](https://arxiv.org/abs/2309.17453) call it an attention sink).
A weight says only **whose value was fetched in this step**; how long that value is, and what later layers make of it, it cannot know. So do not take an attention map for an explanation ([Jain and Wallace 2019](https://arxiv.org/abs/1902.10186)): if you want to say “because”, change something and see whether the result changes.
In `I like eating pizza because it tastes very good.` it is the gradient that points from *it* to *pizza*; the weights do not. `zh-bert` sees both sides, and apart from the separator its 它, “it”, looks most at 味, “taste”, to its right; 比萨, “pizza”, is not among its first four: a small model of four layers has not learnt what a pronoun stands for.

## Summary

- Attention is a soft lookup: dot products score, softmax normalises, the weights mix the values. Direction decides whom to look at, length how sharply.
- The dot product of random vectors has variance $d$; divided by $\sqrt d$, softmax does not start out saturated.
- Query and key must meet in a product or through a tanh; if they are only added, the query cancels in the softmax.
- Make masks boolean, True for may look, and say which shape; define what a fully blocked row gives. A right shape is not a right result.
- Any distance takes one step; the price is $T^2$, and a wall at the context length.
- A weight says “looked at”, not “because of”. For causes, ablate.

To try: make the mask in `mine` of section 3.9 “only the last two tokens” and see how many words SmolLM2 still gets out. Silence the heads ranked 6 to 10 there; how much does the loss rise?
Next: chapter 4, the whole Transformer (to come).
"""
# %%
cl.progress()

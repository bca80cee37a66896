# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 5 · 损失：为意外付的价

训练日志里写着 `loss 2.31`，论文里写着“困惑度 10”。这是好还是坏？和什么比？降了 0.1 又意味着什么？
所有这些数字，都从一句话长出来：**模型给真正出现的那个词元多少概率，就按这个概率付账**。

这一章回答三个问题：

- 猜错一次扣多少？（交叉熵，它和最大似然是一回事）
- 模型凭什么知道往哪边改？（梯度，一行减法）
- 两个损失什么时候能比？（困惑度常常不能，每字节比特数可以）

你会亲手写出训练每个大模型都要用的五个函数，并用它们去训练、去打分。对数一律以 e 为底，单位叫 nat；1 nat 约合 1.44 比特。
"""
# %% en [md]
r"""
# 5 · Loss: the price of a surprise

A training log says `loss 2.31`; a paper says “perplexity 10”. Is that good? Compared with what? And what does it mean when it falls by 0.1?
All these numbers grow from one sentence: **whatever probability the model gave to the token that really came, it pays accordingly**.

This chapter answers three questions:

- What does one wrong guess cost? (cross-entropy, which is the same thing as maximum likelihood)
- How does the model know which way to change? (the gradient, one subtraction)
- When may two losses be compared? (perplexities often not; bits per byte, yes)

You will write five functions that the training of every large model needs, and train and score with them. Logarithms are natural throughout; their unit is the nat, and 1 nat is about 1.44 bits.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")

# %% zh [md]
r"""
## 5.1 哪个词让它吃了一惊

SmolLM2 从左往右读下面这句话，每读一个词元，就付一次账：颜色越深，付得越多。**点一个词元**，看它当时以为会来什么；再换成你自己的句子。
先猜：整句话里最贵的是哪一个？第二贵的呢？
"""
# %% en [md]
r"""
## 5.1 Which word came as a surprise?

SmolLM2 reads the sentence below from left to right and pays for every token: the darker, the dearer. **Click a token** to see what the model had expected there; then type a sentence of your own.
Guess first: which token costs most? And which comes second?
"""
# %% rows="R46"
import math
from functools import lru_cache
import matplotlib.pyplot as plt
import torch

model = cl.load("smollm2-135m")
START = model.tokenizer.convert_tokens_to_ids("<|endoftext|>")          # stands before every text, so that the first token is predicted, too

@lru_cache(4)
def read(text):
    """(ids, log-probabilities of the whole vocabulary before each of them): [T] and [T, V]."""
    ids = torch.tensor([[START] + model.tokenizer(text).input_ids], device=model.device)
    with torch.inference_mode():
        return ids[0, 1:].tolist(), model.model(ids).logits[0, :-1].float().log_softmax(-1).cpu()

# %% rows="R46"
from course_lib.models.reading import read_tokens

def surprise(text, at):
    ids, log_probs = read(text or " ")
    names, at = cl.models.read_tokens(model.tokenizer, ids).labels, min(int(at), len(ids) - 1)
    losses = [-float(row[token]) for row, token in zip(log_probs, ids)]
    best = log_probs[at].topk(5)
    guesses = {cl.models.read_tokens(model.tokenizer, [i]).labels[0]: p for i, p in zip(best.indices.tolist(), best.values.exp().tolist())}
    line = cl.L(zh="“{0}”：概率 {1:.2g}，损失 −ln {1:.2g} = {2:.2f} nat。模型以为会是：",
                en="“{0}”: probability {1:.2g}, loss −ln {1:.2g} = {2:.2f} nats. The model had expected:")
    text = cl.viz.coloured_tokens(names, losses, "nat", top=12, current=str(at), control="at_")
    return text + cl.viz.paragraph(line.format(names[at].strip(), math.exp(-losses[at]), losses[at])) + cl.viz.bars(guesses, mark=names[at])

cl.viz.explore(surprise, text="The capital of China is Beijing, and the capital of Japan is banana.", at_="13")

# %% zh [md]
r"""
最贵的是 banana：概率几乎是 0，账单超过 20。而 `of`、`is` 这些词早在意料之中，几乎不要钱。句子开头总是贵的，因为前面什么线索也没有。
**损失就是意外程度**，别的什么也不是：它不问句子真不真、好不好，只问来的东西是不是意料之中。

## 5.2 为什么是负的对数

账单是 $-\ln p$：$p=1$ 不用付，$p=\frac12$ 付 0.69，$p$ 趋近 0，账单趋近无穷。用对数有两个理由。

一是**意外可以相加**：概率相乘，对数就相加，一句话的账单正好是每个词元的账单之和。二是**说实话最省钱**。
假设明天下雨的真实概率是 $p$，而你报 $q$；下雨按 $-\ln q$ 付，不下雨按 $-\ln(1-q)$ 付。
拖一拖“你报的概率”，报多少平均付得最少？再把它拖到 0.99，看自信地说错有多贵。
"""
# %% en [md]
r"""
Dearest is banana: its probability was next to 0, and the bill is above 20. Words such as `of` and `is` were expected and cost next to nothing. The start of a sentence is always dear, for there is nothing to go by.
**Loss is surprise**, and nothing else: it does not ask whether the sentence is true or good, only whether what came was expected.

## 5.2 Why the negative logarithm

The bill is $-\ln p$: $p=1$ is free, $p=\frac12$ costs 0.69, and as $p$ goes to 0 the bill goes to infinity. There are two reasons for the logarithm.

First, **surprises add up**: probabilities multiply, so their logarithms add, and the bill for a sentence is the sum over its tokens. Second, **honesty is cheapest**.
Say it rains tomorrow with true chance $p$, and you announce $q$: if it rains you pay $-\ln q$, if not, $-\ln(1-q)$.
Drag “You say”: which announcement costs least on average? Then drag it to 0.99 and see what being confidently wrong costs.
"""
# %% rows="R46"
def honest(truth, say):
    x, q = torch.linspace(0.01, 0.99, 197), torch.tensor(say)
    price = lambda announced: -truth * announced.log() - (1 - truth) * (1 - announced).log()
    floor, total = float(price(torch.tensor(truth))), float(price(q))
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(5, 4.8), sharex=True, layout="constrained")
    top.plot(x, -x.log(), color="#ee7733", label=cl.L(zh="下雨了：−ln q", en="it rains: −ln q"))
    top.plot(x, -(1 - x).log(), color="#4477aa", label=cl.L(zh="没下雨：−ln(1−q)", en="it does not: −ln(1−q)"))
    top.vlines(say, 0, max(-q.log(), -(1 - q).log()), color="#888888", linestyle=":")
    top.set(title=cl.L(zh="一次的账单", en="the bill for one day"))
    top.legend()
    bottom.plot(x, price(x), color="#888888")
    bottom.vlines(say, 0, floor, color="#4477aa", lw=8, label=cl.L(zh="熵 {0:.3f}", en="entropy {0:.3f}").format(floor))
    bottom.vlines(say, floor, total, color="#ee7733", lw=8, label=cl.L(zh="KL 散度 {0:.3f}", en="KL divergence {0:.3f}").format(total - floor))
    bottom.set(title=cl.L(zh="平均账单 {0:.3f}", en="the average bill: {0:.3f}").format(total), xlabel="q", ylim=(0, 3))
    bottom.legend()
    return figure

cl.viz.explore(honest, truth=(0.05, 0.95, 0.7), say=(0.01, 0.99, 0.3))

# %% zh [md]
r"""
平均账单叫**交叉熵** $H(p,q)=-\sum_k p_k\ln q_k$：第 $k$ 种结果以概率 $p_k$ 发生，发生时付 $-\ln q_k$，加起来。它总能拆成两截：

$$H(p,q)=\underbrace{-\sum_k p_k\ln p_k}_{H(p)}+\underbrace{\sum_k p_k\ln\frac{p_k}{q_k}}_{\mathrm{KL}(p\,\|\,q)}$$

蓝色的是**熵** $H(p)$：天气本来就说不准，怎么报都得付。橙色的是 **KL 散度**：因为没说实话多付的，说实话（$q=p$）时正好是 0。
训练只能消灭橙色那一截。所以损失降不到 0 不等于没学好，可能已经贴着蓝色的底了。

### 最大似然，就是最小的交叉熵

换个问法：手里有一批数据，哪组参数 $\theta$ 让“恰好出现这批数据”的概率 $P(\text{数据};\theta)$ 最大？这叫**最大似然**。
（注意 $\theta$ 写在分号后面：它不是随机变量，也没有“$P(\theta)$”这回事，见第 1 章 1.3 节。）取负对数、除以个数，你会发现算的还是交叉熵。
下面用一个三面转盘试试。（代码末尾的 `softmax` 把任意三个数变成和为 1 的概率，5.3 节细讲。）
"""
# %% en [md]
r"""
The average bill is called **cross-entropy**, $H(p,q)=-\sum_k p_k\ln q_k$: outcome $k$ happens with probability $p_k$, costs $-\ln q_k$ when it does, and all is added up. It always falls into two parts:

$$H(p,q)=\underbrace{-\sum_k p_k\ln p_k}_{H(p)}+\underbrace{\sum_k p_k\ln\frac{p_k}{q_k}}_{\mathrm{KL}(p\,\|\,q)}$$

Blue is the **entropy** $H(p)$: weather is uncertain, and that part is paid whatever you announce. Orange is the **KL divergence**: the extra for not being honest, exactly 0 when you are ($q=p$).
Training can do away with the orange part alone. A loss that will not go to 0 need not mean bad learning; it may already stand on its blue floor.

### Maximum likelihood is minimum cross-entropy

Ask it another way: given some data, which parameters $\theta$ make the probability $P(\text{data};\theta)$ of exactly these data largest? That is **maximum likelihood**.
(Mind that $\theta$ stands after a semicolon: it is no random variable and there is no “$P(\theta)$” here; see section 1.3 of chapter 1.) Take the negative logarithm, divide by the count, and what you compute is cross-entropy again.
Try it on a spinner with three sides. (The `softmax` at the end of the code makes three probabilities with sum 1 out of any three numbers; section 5.3 tells more.)
"""
# %% rows="R46 E26"
spins = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)                       # ten spins: side 0 five times, side 1 three times, side 2 twice
p = torch.bincount(spins) / len(spins)

print("q                   P(data; q)   −ln P / N   cross-entropy   entropy + KL")
for q in (torch.tensor([1 / 3, 1 / 3, 1 / 3]), torch.tensor([0.2, 0.3, 0.5]), torch.tensor([0.6, 0.3, 0.1]), p):
    likelihood = q[spins].prod()
    cross_ent, entropy, kl = -(p * q.log()).sum(), -(p * p.log()).sum(), (p * (p / q).log()).sum()
    print(f"{[round(x, 2) for x in q.tolist()]!s:18s}  {likelihood:.2e}   {-likelihood.log() / len(spins):9.4f}",
          f"  {cross_ent:13.4f}   {entropy + kl:12.4f}")

theta = torch.zeros(3, requires_grad=True)                              # now let gradient descent look for the best q
for _ in range(100):
    loss = -theta.softmax(0)[spins].log().mean()
    theta = (theta - torch.autograd.grad(loss, theta)[0]).detach().requires_grad_()
print("gradient descent found q =", [round(x, 3) for x in theta.softmax(0).tolist()])

# %% zh [md]
r"""
后三列每行都一样：似然最大的那一行，交叉熵最小，就是数出来的比例 [0.5, 0.3, 0.2]；梯度下降不懂数数，也走到了那里。
**“最大化似然”“最小化交叉熵”“最小化 KL 散度”是同一件事的三个名字**，差的只是一个不归模型管的常数 $H(p)$。

## 5.3 从 logits 到概率，不要摔跤

模型最后一层给每个词元打一个分，可正可负，叫 **logits**，记作 $z$。把它们变成概率要过一道 **softmax**：每个分取 exp（变成正数），再除以总和（加起来是 1）：$p_k=e^{z_k}/\sum_j e^{z_j}$。

一份原始文档说：“logits 是模型输出的对数概率。”检查很简单：对数概率取 exp，加起来应当是 1，而且没有一个大于 0。
"""
# %% en [md]
r"""
The last three columns agree in every row. Where the likelihood is largest the cross-entropy is smallest, and that is the counted shares [0.5, 0.3, 0.2]; gradient descent, which cannot count, arrives there, too.
**“Maximise the likelihood”, “minimise cross-entropy” and “minimise the KL divergence” are three names of one thing**; they differ by a constant, $H(p)$, that is none of the model's business.

## 5.3 From logits to probabilities without a fall

A model's last layer gives every token a score, positive or negative; these are the **logits**, written $z$. **Softmax** makes probabilities of them: take exp of each (now they are positive), divide by the total (now they sum to 1): $p_k=e^{z_k}/\sum_j e^{z_j}$.

One of the documents says: “the logits are the log-probabilities output by the model.” That is easily checked: the exp of log-probabilities sums to 1, and none of them is above 0.
"""
# %% rows="E18"
ids = model.tokenizer("The capital of France is", return_tensors="pt").input_ids.to(model.device)
with torch.inference_mode():
    logits = model.model(ids).logits[0, -1].double().cpu()
log_probs = logits - logits.exp().sum().log()                           # subtract the logarithm of the sum: that makes them log-probabilities

print(f"logits               sum of exp {logits.exp().sum():.1e}   largest {logits.max():6.2f}")
print(f"log-probabilities    sum of exp {log_probs.exp().sum():.4f}    largest {log_probs.max():6.2f}")
shifted = logits + 100
print("logits + 100 give the same probabilities:", torch.allclose(shifted.softmax(0), log_probs.exp()))

# %% zh [md]
r"""
logits 的 exp 加起来是几千万，最大的一个大于 0：它们**不是**对数概率，只是没有归一的分数，统统加 100 也不影响结果。减去 $\ln\sum_j e^{z_j}$ 之后才是。

这个“先 exp、求和、再取对数”藏着一个坑。故意踩一下：
"""
# %% en [md]
r"""
The exp of the logits sums to tens of millions and the largest logit is above 0: they are **not** log-probabilities but unnormalised scores; adding 100 to all of them changes nothing. Subtract $\ln\sum_j e^{z_j}$ and they become log-probabilities.

“Take exp, sum, take the logarithm” hides a trap. Let us step into it on purpose:
"""
# %% rows="R46"
def naive(z):                       # the formula, typed as it stands
    return (z.exp() / z.exp().sum()).log()

def stable(z):                      # the largest logit becomes 0; the probabilities stay the same
    z = z - z.max()
    return z - z.exp().sum().log()

for z in ([1.0, 0.0, -1.0], [1000.0, 999.0, -1000.0], [-1000.0, -1000.0, -1001.0], [0.0, -200.0, -300.0]):
    z = torch.tensor(z)
    print(f"{z.tolist()!s:26s} naive {[round(x, 2) for x in naive(z).tolist()]!s:22s} stable {[round(x, 2) for x in stable(z).tolist()]}")

# %% zh [md]
r"""
$e^{1000}$ 溢出成无穷大，$e^{-1000}$ 变成 0，于是 `nan`、`-inf`。一个 `nan` 进了梯度，整个模型就毁了。
最后一行最阴险：没有 `nan`，可是概率 $e^{-200}$ 下溢成 0，账单从 200 变成无穷。减去最大值、始终留在对数里，就都好了。

## 练习 1 · 交叉熵

写 `cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0)`：`logits` 形状 [N,K]（N 个样本，每个样本 K 个类的分数），`targets` 是 N 个类别编号。返回标量：每个样本 $-\ln p(\text{正确的类})$ 的平均。

- 等于 `ignore_index` 的目标不算，分子分母都不算；一个也不剩时返回 0。
- 标签平滑 $\varepsilon$：目标不再是“正确的类占 1”，而是每个类先分到 $\varepsilon/K$，正确的类再加 $1-\varepsilon$。
- 在 ±1000 的 logits 上也要准确。不准用 `F.cross_entropy`、`F.nll_loss`。

例：logits 是 3 个 0、目标任意，损失是 $\ln 3\approx1.099$。后面训练模型，用的就是它。
"""
# %% en [md]
r"""
$e^{1000}$ overflows to infinity and $e^{-1000}$ becomes 0; hence `nan` and `-inf`. A single `nan` in a gradient ruins the whole model.
The last line is the most treacherous: no `nan`, but the probability $e^{-200}$ underflows to 0 and a bill of 200 becomes infinite. Subtract the maximum, stay in logarithms, and all is well.

## Exercise 1 · Cross-entropy

Write `cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0)`: `logits` has shape [N,K] (N examples, a score for each of K classes), `targets` holds N class numbers. Return a scalar, the mean over the examples of $-\ln p(\text{right class})$.

- A target equal to `ignore_index` counts neither above nor below the fraction line; if none is left, return 0.
- Label smoothing $\varepsilon$: the target is no longer “all of 1 on the right class”; every class gets $\varepsilon/K$ first and the right class $1-\varepsilon$ more.
- Be exact at logits of ±1000. `F.cross_entropy` and `F.nll_loss` are forbidden.

Example: for logits of three zeros and any target the loss is $\ln 3\approx1.099$. Models will be trained with it further down.
"""
# %% exercise id="loss.cross_entropy"
...
# %%
cl.check("loss.cross_entropy")

# %% rows="R46"
import torch.nn.functional as F
cross_entropy = cl.use("loss.cross_entropy")

logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0], [1.0, 1.0, 1.0]])
by_hand = [-(2 - torch.tensor([2.0, 1.0, 0.0]).exp().sum().log()), -(3 - torch.tensor([0.0, 3.0, 0.0]).exp().sum().log()), torch.tensor(3.0).log()]
print("by hand:", " + ".join(f"{x:.4f}" for x in by_hand), f"over 3 = {sum(by_hand) / 3:.4f}\n")

def compare(title, targets, **options):
    a, b = cross_entropy(logits, torch.tensor(targets), **options), F.cross_entropy(logits, torch.tensor(targets), **options)
    print(f"{title:28s} cross_entropy {float(a):.4f}   F.cross_entropy {float(b):.4f}")

compare("plain", [0, 1, 2])
compare("second target ignored", [0, -100, 2])
compare("label smoothing 0.1", [0, 1, 2], label_smoothing=0.1)
compare("all ignored", [-100, -100, -100])

# %% zh [md]
r"""
手算、`cross_entropy` 和 PyTorch 三家一致，只有最后一行不同：全部忽略时 PyTorch 是 $0/0$，得 `nan`；我们约定是 0，这样一个全是填充的批次不会毁掉训练。
`ignore_index` 的用处就是填充：一个批次里句子长短不一，补上的空位不该付账。

**标签平滑**又是为了什么？看正确类的概率越来越接近 1 时，损失怎么变：
"""
# %% en [md]
r"""
The hand, `cross_entropy` and PyTorch agree, but for the last line: where all is ignored PyTorch has $0/0$ and says `nan`; we agreed on 0, so that a batch of nothing but padding cannot ruin a run.
That is what `ignore_index` is for: sentences in a batch differ in length, and nobody should pay for the empty places.

And **label smoothing**? Watch the loss as the probability of the right class comes closer and closer to 1:
"""
# %% rows="R46"
print("p(right class)   ε = 0    ε = 0.1")
for right in (0.5, 0.9, 0.9333, 0.99, 0.999, 0.999999):
    probs = torch.tensor([[right, (1 - right) / 2, (1 - right) / 2]])
    plain, smooth = (float(cross_entropy(probs.log(), torch.tensor([0]), label_smoothing=eps)) for eps in (0.0, 0.1))
    print(f"{right:<14g}   {plain:6.4f}   {smooth:6.4f}")

# %% zh [md]
r"""
不平滑时，越自信越好，没有尽头，logits 被推向无穷。平滑之后，最好的答案停在 $1-\varepsilon+\varepsilon/K=0.9333$，再自信反而要多付：留一点谦虚
（Szegedy 等 2016，[arXiv:1512.00567](https://arxiv.org/abs/1512.00567)）。

## 5.4 照着写就会塌的公式

一份原始文档给大模型的损失写了这样一个公式，并说 $N$ 是样本数量、$y_i$ 是真实标签：

$$L=-\sum_{i=1}^{N}y_i\log\hat{y}_i$$

照字面编出来试试。任务：300 个点，三分之一是 1，其余是 0，用一条直线分开。先猜：标签为 0 的那些点，在这个公式里贡献多少？
"""
# %% en [md]
r"""
Without smoothing more confidence is always better, there is no end to it, and logits are pushed to infinity. With smoothing the best answer stops at $1-\varepsilon+\varepsilon/K=0.9333$, and more confidence costs more: a little modesty
(Szegedy et al. 2016, [arXiv:1512.00567](https://arxiv.org/abs/1512.00567)).

## 5.4 A formula that collapses when taken at its word

One of the documents gives this loss for large models and says that $N$ is the number of examples and $y_i$ the true label:

$$L=-\sum_{i=1}^{N}y_i\log\hat{y}_i$$

Take it at its word. The task: 300 points, a third labelled 1 and the others 0, to be parted by a straight line. Guess first: what do the points with label 0 contribute to this formula?
"""
# %% rows="E27 R46"
points, noise = torch.randn(300, 3, generator=torch.Generator().manual_seed(0)).split([2, 1], dim=1)
labels = torch.zeros(300)
labels[(points.sum(1) + noise[:, 0]).topk(100).indices] = 1             # 100 points, mostly at the upper right
def literal(y, z):                                                      # y log p; logsigmoid is the log of p that does not underflow
    return -(y * F.logsigmoid(z)).sum()

def repaired(y, z):                                                     # over both classes, and a mean over the examples
    return -(y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z)).mean()

for loss in (literal, repaired):
    weights = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=0.1)
    for _ in range(1000):
        weights.grad = None
        loss(labels, z := points @ weights[:2] + weights[2]).backward()
        optimizer.step()
    accuracy = ((z > 0) == (labels > 0.5)).float().mean()
    print(f"{loss.__name__:9s} loss {loss(labels, z):.3f}   mean prediction {z.sigmoid().mean():.3f}   accuracy {accuracy:.3f}")

# %% zh [md]
r"""
照字面写，损失乖乖降到接近 0，模型却学会了**对什么都说 1**，准确率只剩 1 所占的三分之一：标签为 0 的点乘上 $y_i=0$，一分钱不付，说大话没有代价。
求和应该跑遍**类别**，再对样本取**平均**：$L=-\frac1N\sum_{i}\sum_{k}y_{ik}\ln\hat y_{ik}$；语言模型就是 $-\frac1T\sum_t\ln p(x_t\mid x_{<t})$。
损失很低，不代表模型很好。看到一个漂亮的数，先问：**偷懒能不能也拿到它？**

## 5.5 往哪边改：一行减法

**梯度**回答的是：把某个 logit 往上拨一点点，损失会涨多少？知道了它，往反方向走就是。它可以手推（不会求导也不要紧，下面会用“拨一拨，看一看”来验证）。一个样本的损失是 $L=\ln\sum_j e^{z_j}-z_y$，对 $z_k$ 求导：第一项给出 $e^{z_k}/\sum_j e^{z_j}=p_k$，第二项只在 $k=y$ 时给出 $-1$。于是

$$\frac{\partial L}{\partial z_k}=p_k-y_k$$

这里的 $y_k$ 在正确的类上是 1，其余是 0。预测减去答案，就这么多。

## 练习 2 · 手写梯度

写 `cross_entropy_gradient(logits, targets)`：`logits` 形状 [N,K]，`targets` 形状 [N]；返回**平均**交叉熵对 logits 的梯度 [N,K]，不准用 autograd（PyTorch 的自动求导）。
例：logits 是 [[0, 0]]、目标是 0，梯度是 [[-0.5, 0.5]]。反向传播的第一步就是它，后面的每一层都从这里接力。
"""
# %% en [md]
r"""
Taken at its word the loss falls obediently to almost 0, and the model has learnt **to say 1 to everything**; its accuracy is the third that are 1: a point with label 0 is multiplied by $y_i=0$ and pays nothing, so boasting is free.
The sum should run over the **classes**, with a **mean** over the examples: $L=-\frac1N\sum_{i}\sum_{k}y_{ik}\ln\hat y_{ik}$; for a language model that is $-\frac1T\sum_t\ln p(x_t\mid x_{<t})$.
A low loss does not mean a good model. Before a beautiful number, ask: **can laziness get it, too?**

## 5.5 Which way to change: one subtraction

A **gradient** tells how much the loss rises when a logit is nudged up a little; whoever knows it walks the other way. It can be found by hand (if you have never differentiated, read on: we shall nudge and look, too). One example's loss is $L=\ln\sum_j e^{z_j}-z_y$. Differentiate by $z_k$: the first term gives $e^{z_k}/\sum_j e^{z_j}=p_k$, the second $-1$, and only where $k=y$. Hence

$$\frac{\partial L}{\partial z_k}=p_k-y_k$$

where $y_k$ is 1 at the right class and 0 elsewhere. Prediction minus answer; that is all.

## Exercise 2 · The gradient by hand

Write `cross_entropy_gradient(logits, targets)`: `logits` has shape [N,K], `targets` shape [N]; return the gradient [N,K] of the **mean** cross-entropy with respect to the logits, without autograd (PyTorch's automatic differentiation).
Example: for logits [[0, 0]] and target 0 the gradient is [[-0.5, 0.5]]. It is the first step of backpropagation; every layer takes over from here.
"""
# %% exercise id="loss.softmax_gradient"
...
# %%
cl.check("loss.softmax_gradient")

# %% rows="R46"
gradient = cl.use("loss.softmax_gradient")

z = torch.tensor([[0.5, 1.5, 1.0]], requires_grad=True)
(automatic,) = torch.autograd.grad(F.cross_entropy(z, torch.tensor([0])), z)
nudge = 1e-3 * torch.eye(3)
tried = [(F.cross_entropy(z + step, torch.tensor([0])) - F.cross_entropy(z - step, torch.tensor([0]))) / 2e-3 for step in nudge]

print("p − y, by hand   ", [round(x, 3) for x in torch.as_tensor(gradient(z.detach(), torch.tensor([0])))[0].tolist()])
print("autograd         ", [round(x, 3) for x in automatic[0].tolist()])
print("nudge and look   ", [round(x.item(), 3) for x in tried])

# %% zh [md]
r"""
三种算法一致；三个数加起来是 0：给一个类加分，必从别的类扣。

下面的三角形装得下三个类的所有预测，叫**概率单纯形**：三个角是“百分之百”，正中是“完全不知道”。请**拖动蓝点**（键盘用方向键），橙色箭头是负梯度，由 `cross_entropy_gradient` 现算。
点一个角，换正确答案；按“走一步”，让 logits 沿箭头走。先猜：蓝点在错误的角上，和紧挨着正确的角，哪里箭头长？
"""
# %% en [md]
r"""
All three agree, and the three numbers sum to 0: what one class gains, the others lose.

The triangle below holds every prediction over three classes and is called the **probability simplex**: the corners are “a hundred per cent”, the centre is “no idea”. **Drag the blue dot** (arrow keys work, too); the orange arrow is the negative gradient, computed by `cross_entropy_gradient` as you drag.
Click a corner to make it the right answer; press “One step” and the logits follow the arrow. Guess first: where is the arrow longer, in a wrong corner or close to the right one?
"""
# %% rows="R46"
cl.viz.simplex(gradient, labels=cl.L(zh="猫 狗 鱼", en="cat dog fish").split())

# %% zh [md]
r"""
箭头从预测**笔直指向答案**，长度就是还差多远：错得越离谱，推得越用力；快对了，自己就轻下来。所以不需要谁来告诉模型“这次改多少”。
再拖“标签平滑 ε”：目标圆圈从角上缩回来一点，箭头改指圆圈，停在角上反而会被推回。（虚线脚印是弯的：箭头作用在 logits 上，变成概率还要过一道 softmax。）

## 5.6 谁对谁：错开一位

语言模型一次读完整句，每个位置都预测**下一个**词元。于是 logits 和答案要错开一位：
"""
# %% en [md]
r"""
The arrow points **straight from the prediction to the answer**, and its length is what is still missing: the further off, the harder the push; nearly right, and it eases by itself. Nobody needs to tell the model how much to change.
Now drag “Label smoothing ε”: the target circle draws back from its corner, the arrow follows it, and a dot in the very corner is pushed back. (The footprints bend, for the arrow acts on the logits and softmax comes after.)

## 5.6 Who answers whom: shift by one

A language model reads a whole sentence at once, and each position predicts the **next** token. So logits and answers stand one place apart:
"""
# %% rows="R21"
names = "The cat sat on the mat .".split()
cl.viz.table([(f"logits[{t}]", " ".join(names[:t + 1]), names[t + 1] if t + 1 < len(names) else "–") for t in range(len(names))],
             header=cl.L(zh="哪一行|读过的|要预测的", en="row|has read|has to predict").split("|"))

# %% zh [md]
r"""
最后一行没有答案，第一个词元没有人预测。标注是白送的：**文字自己就是答案**，不用人来标，这就是“自监督”。

## 练习 3 · 下一个词元的损失

写 `next_token_loss(logits, ids, pad_id)`：`logits` 形状 [B,T,V]，`ids` 形状 [B,T]，`logits[:, t]` 预测 `ids[:, t+1]`。
返回所有**目标不是填充**的位置的平均损失（标量），一个也没有时返回 0。
例：V=2，logits 全是 0，损失是 $\ln 2$，不管错不错位；所以别拿全 0 来试，它什么错也查不出。可以调用你的 `cross_entropy`。
"""
# %% en [md]
r"""
The last row has no answer, and nobody predicts the first token. Labels come free: **the text is its own answer**, no annotator needed. That is what “self-supervised” means.

## Exercise 3 · The next-token loss

Write `next_token_loss(logits, ids, pad_id)`: `logits` has shape [B,T,V], `ids` has shape [B,T], and `logits[:, t]` predicts `ids[:, t+1]`.
Return the mean loss (a scalar) over all positions whose **target is not padding**; with none at all, 0.
Example: with V=2 and all logits 0 the loss is $\ln 2$, shifted or not; so do not test with zeros, they find no mistake. You may call your `cross_entropy`.
"""
# %% exercise id="loss.next_token"
...
# %%
cl.check("loss.next_token")

# %% rows="R21"
next_token_loss = cl.use("loss.next_token")

pad = model.tokenizer.pad_token_id
texts = ["The capital of China is Beijing, and the capital of Japan is Tokyo.", "Good morning!"]
batch = model.tokenizer(texts, padding=True, return_tensors="pt").to(model.device)
with torch.inference_mode():
    logits = model.model(**batch).logits.float()
    built_in = model.model(**batch, labels=batch.input_ids.masked_fill(batch.input_ids == pad, -100)).loss
each = [float(next_token_loss(logits[i:i + 1], batch.input_ids[i:i + 1], pad)) for i in (0, 1)]

print(f"next_token_loss                       {float(next_token_loss(logits, batch.input_ids, pad)):6.2f}")
print(f"transformers' own loss                {float(built_in):6.2f}")
print(f"each sentence {each[0]:.2f} and {each[1]:.2f}; their mean {sum(each) / 2:6.2f}   (short sentences count too much)")
print(f"shift forgotten                       {float(cross_entropy(logits.flatten(0, 1), batch.input_ids.flatten(), ignore_index=pad)):6.2f}")

# %% zh [md]
r"""
前两行一致。第三行提醒你：先对每句平均、再平均，短句就占了便宜；要对**所有词元**一起平均。
最后一行忘了错位：拿“读完 Beijing 之后的预测”去和 Beijing 自己比，训练好的模型损失高得离谱，一眼就能发现。

可是，如果**从头训练时**就忘了错位呢？做个实验：同样的小模型、同样的句子，一个错位，一个不错位。先猜：谁的损失更低？谁会写句子？
"""
# %% en [md]
r"""
The first two agree. The third is a warning: to average each sentence first and the averages then makes short sentences count too much; average over **all tokens** together.
In the last the shift is forgotten: what was predicted after Beijing is compared with Beijing itself. A trained model's loss becomes absurd, and one notices at once.

But what if the shift is forgotten **from the start of training**? An experiment: the same small model and the same sentences, once with the shift and once without. Guess first: whose loss is lower? Which can write?
"""
# %% rows="R21"
import os, random

quick = os.environ.get("COURSE_QUICK") == "1"
corpus = cl.text.parallel()                             # simple Chinese sentences made by a grammar, all different
sentences, held_out = [pair.zh for pair in corpus.train], [pair.zh for pair in corpus.valid[:512]]
random.Random(0).shuffle(sentences)
PAD, BEGIN, GAP, END = range(4)
vocabulary = ["<pad>", "<s>", "▢", "</s>", *sorted(set("".join(sentences)))]
index = {char: i for i, char in enumerate(vocabulary)}

def pad_rows(rows, fill=PAD):
    return torch.tensor([row + [fill] * (max(map(len, rows)) - len(row)) for row in rows])

def encode(some):
    return pad_rows([[BEGIN, *(index[char] for char in text), END] for text in some])

print(f"{len(sentences):,} sentences, {len(vocabulary)} tokens; for example", sentences[:3])

# %% training
def batches_of(some, steps):
    return [encode(some[i:i + 64]) for i in range(0, 64 * steps, 64)]

size = {"vocab_size": len(vocabulary), "context": 32, "n_layer": 1, "n_head": 2, "d_model": 64}
steps = 40 if quick else 250
right, wrong = (cl.nn.Decoder(cl.nn.DecoderConfig(**size)) for _ in range(2))

def unshifted(model, ids):
    return cross_entropy(model(ids).flatten(0, 1), ids.flatten(), ignore_index=PAD)

one_pass = cl.fit(right, batches_of(sentences, steps), steps=steps, lr=5e-3, val_data=batches_of(held_out, 8),
                  loss=lambda model, ids: next_token_loss(model(ids), ids, PAD))
fooled = cl.fit(wrong, batches_of(sentences, steps), steps=steps, lr=5e-3, loss=unshifted)

# %% training
def write(model, text):
    ids = torch.tensor([[BEGIN, *(index[char] for char in text if char in index)]], device=next(model.parameters()).device)
    return "".join(vocabulary[i] for i in cl.generate(model, ids[:, :20], max_new_tokens=10, eos_id=END)[0].tolist()[1:] if i > END)

def duel(text):
    rows = [(cl.L(zh="错开一位", en="shifted by one"), f"{one_pass.loss[-1]:.3f}", write(right, text)),
            (cl.L(zh="忘了错位", en="shift forgotten"), f"{fooled.loss[-1]:.3f}", write(wrong, text))]
    return cl.viz.table(rows, header=cl.L(zh="训练时|最后的损失|接着写", en="in training|last loss|writes on").split("|"))

cl.viz.explore(duel, text="我妹妹想")

# %% zh [md]
r"""
忘了错位的模型，损失几乎到 0，却只会重复最后一个字：它学会了**抄输入**，因为答案就在它眼皮底下。另一个的损失停在 1.5 左右，反而会造句。
损失好得不像话，多半是答案漏进了输入。这个教训和 5.4 节的一样：先想想，偷懒能得几分。

## 5.7 困惑度：在几个词之间犹豫

平均损失取 exp，就是**困惑度**：$\exp\bigl(-\frac1T\sum_t\ln p(x_t\mid x_{<t})\bigr)$。困惑度 10，就是平均起来，像在 10 个同样可能的词元之间瞎猜。

## 练习 4 · 困惑度

写 `perplexity(log_probs, mask)`：`log_probs` 形状 [B,T]，是真正出现的词元的对数概率；`mask` 同形状，1 表示算、0 表示不算。
返回一个 float：对**整个语料**算到的词元取平均、取负、再取 exp。
例：对数概率都是 $\ln\frac14$，困惑度是 4，不管句子多长。
"""
# %% en [md]
r"""
Without the shift the loss goes almost to 0, yet the model only repeats the last character: it has learnt **to copy its input**, for the answer lay under its nose. The other's loss stays at about 1.5, and it writes sentences.
When a loss is too good to be true, the answer has usually leaked into the input. The lesson of section 5.4 again: first ask what laziness would score.

## 5.7 Perplexity: hesitating between how many?

The exp of the mean loss is **perplexity**: $\exp\bigl(-\frac1T\sum_t\ln p(x_t\mid x_{<t})\bigr)$. A perplexity of 10 means: on average as unsure as a blind guess among 10 equally likely tokens.

## Exercise 4 · Perplexity

Write `perplexity(log_probs, mask)`: `log_probs` has shape [B,T] and holds the log-probabilities of the tokens that really came; `mask`, of the same shape, is 1 where a token counts and 0 where it does not.
Return a float: the mean over the counted tokens of the **whole corpus**, negated, then exp.
Example: when all log-probabilities are $\ln\frac14$ the perplexity is 4, however long the texts.
"""
# %% exercise id="loss.perplexity"
...
# %%
cl.check("loss.perplexity")

# %% zh [md]
r"""
## 练习 5 · 每字节比特数

困惑度是**每个词元**的价钱，可词元有大有小。字节不会变：同一段文字，谁来切都是那么多 UTF-8 字节。
写 `bits_per_byte(total_nll, text)`：`total_nll` 是整段文字的负对数概率之和（nat），返回平均每个 UTF-8 字节多少比特。1 nat 等于 $1/\ln 2$ 比特。
例：`total_nll` 是 $6\ln 2$、文字是“你好”（6 个字节），结果是 1.0。
"""
# %% en [md]
r"""
## Exercise 5 · Bits per byte

Perplexity is a price **per token**, and tokens come in all sizes. Bytes do not: whoever cuts a text, it has the same number of UTF-8 bytes.
Write `bits_per_byte(total_nll, text)`: `total_nll` is the sum of the negative log-probabilities of the whole text, in nats; return how many bits that is per UTF-8 byte. 1 nat is $1/\ln 2$ bits.
Example: for `total_nll` $6\ln 2$ and the text “你好” (6 bytes) the result is 1.0.
"""
# %% exercise id="loss.bits_per_byte"
...
# %%
cl.check("loss.bits_per_byte")

# %% zh [md]
r"""
把同一个住店的小故事用英文和中文各讲一遍，让 SmolLM2 读。它主要学英语，中文很差。先猜：中文的困惑度会是英文的几倍？
"""
# %% en [md]
r"""
Let SmolLM2 read one little story about a hotel twice, told in English and in Chinese. It has learnt mostly from English and its Chinese is poor. Guess first: how many times the English perplexity will the Chinese one be?
"""
# %% rows="R51"
perplexity, bits_per_byte = cl.use("loss.perplexity"), cl.use("loss.bits_per_byte")
english = ("The room was clean and quiet, and the people at the front desk were friendly. Breakfast was good, although the coffee was cold. "
           "We walked to the old town in ten minutes. I would stay here again, but next time I would ask for a room on a higher floor.")
chinese = "房间干净又安静，前台的人也很友好。早餐不错，不过咖啡是凉的。我们走了十分钟就到了老城。下次我还会住这里，只是会要一间楼层高一点的。"

def report(name, log_probs, text):
    total, log_probs = -sum(log_probs), torch.tensor([log_probs])
    ppl = perplexity(log_probs, torch.ones_like(log_probs))
    return (name, len(log_probs[0]), f"{ppl:.1f}", f"{bits_per_byte(total, text):.2f}", f"{total / math.log(2):.0f}")

def smollm2(text):
    ids, rows = read(text)
    return [float(row[token]) for row, token in zip(rows, ids)]

head = cl.L(zh="谁在读|词元数|困惑度|每字节比特|整篇比特", en="who reads|tokens|perplexity|bits per byte|bits in all").split("|")
cl.viz.table([report("SmolLM2, English", smollm2(english), english),
              report("SmolLM2, 中文", smollm2(chinese), chinese)], header=head, right=(1, 2, 3, 4))

# %% zh [md]
r"""
两个困惑度差不多，好像它中文也不赖。可是讲完同一个故事，中文要的比特是英文的两倍还多。困惑度被切法骗了：
一个汉字拆成两三个字节词元，猜中第一个，后面的就好猜，平均下来显得便宜；但步数多了一倍。**每字节比特数**没有上当。

再极端一点：同一个最笨的模型（只看前一个词元，数一数），同一段评论，**只换分词器**，词表从 300 到 4000。先猜：困惑度往哪边走？每字节比特数呢？
"""
# %% en [md]
r"""
The two perplexities are close, as if its Chinese were not bad at all. Yet for the same story the Chinese takes more than twice the bits. Perplexity was fooled by the cutting:
a Chinese character falls into two or three byte tokens, after the first the others are easily guessed, and the mean looks cheap; only there are twice as many steps. **Bits per byte** was not fooled.

More extreme: one model, the simplest there is (it counts what follows a token), one text of reviews, and **only the tokenizer changes**, from 300 tokens in the vocabulary to 4000. Guess first: which way does perplexity go? And bits per byte?
"""
# %% rows="R51"
from collections import Counter

class Counting:
    """P(next | token) by counting, mixed with P(next) the less often the token was seen (Witten-Bell, as in chapter 1)."""
    def __init__(self, ids, vocab_size):
        self.alone, self.pairs, self.context, self.size = Counter(ids), Counter(zip(ids, ids[1:])), Counter(ids[:-1]), vocab_size
        self.kinds, self.total = Counter(first for first, _ in self.pairs), len(ids)

    def prob(self, token, before):
        lower = (self.alone[token] + len(self.alone) / self.size) / (self.total + len(self.alone))
        if not self.context[before]:
            return lower
        return (self.pairs[before, token] + self.kinds[before] * lower) / (self.context[before] + self.kinds[before])

    def log_probs(self, ids):
        return [math.log(self.prob(token, before)) for before, token in zip([None, *ids], ids)]

# %% rows="R51"
reviews = cl.text.reviews()
train_text, test_text = "\n".join(r.text for r in reviews.train)[:100_000], "\n".join(r.text for r in reviews.test)[:10_000]

cutters, counted, rows = {}, {}, []
for size_ in (300, 600, 1500, 4000):
    cutters[size_] = model.tokenizer.train_new_from_iterator(train_text.split("\n"), size_, show_progress=False)
    counted[size_] = Counting(cutters[size_](train_text).input_ids, size_)
    rows.append(report(size_, counted[size_].log_probs(cutters[size_](test_text).input_ids), test_text))
cl.viz.table(rows, header=[cl.L(zh="词表大小", en="vocabulary"), *head[1:]], right=(1, 2, 3, 4))

# %% zh [md]
r"""
两个指标的排名**正好相反**：看困惑度，按字节切的最好；看每字节比特数，它最差。困惑度在比谁的步子碎，每字节比特数在比谁更懂这段文字。
所以：**只有切法相同、文字相同，困惑度才能比**；否则用每字节比特数。

换换词表，看同一句话怎样被切开，哪一块最贵；再打一句你自己的。下面也让 SmolLM2 读同一句：只有“每字节比特”和“整篇比特”两列，拿来比才公平。
"""
# %% en [md]
r"""
The two measures rank **in opposite order**: by perplexity the cut into bytes is best, by bits per byte it is worst. Perplexity compares whose steps are smaller; bits per byte compares who knows the text better.
So: **perplexities compare only for the same cut of the same text**; otherwise take bits per byte.

Choose another vocabulary and see how one sentence is cut and which piece is dearest; then type one of your own, in Chinese or English. SmolLM2 reads it, too: only “bits per byte” and “bits in all” are fair to compare.
"""
# %% rows="R51"
def cut(text, vocabulary):
    cutter = cutters[int(vocabulary)]
    ids = cutter(text).input_ids
    log_probs = counted[int(vocabulary)].log_probs(ids)
    picture = cl.viz.coloured_tokens([name + " " for name in cl.models.read_tokens(cutter, ids).labels], [-x for x in log_probs], "nat", top=12)
    rows = [report(cl.L(zh="计数，词表 {0}", en="counting, vocabulary {0}").format(vocabulary), log_probs, text), report("SmolLM2", smollm2(text), text)]
    return picture + cl.viz.table(rows, header=head, right=(1, 2, 3, 4))

cl.viz.explore(cut, text="酒店的房间很干净，早餐也不错。", vocabulary=[300, 600, 1500, 4000])

# %% zh [md]
r"""
## 5.8 损失在降，说明了什么

文档把“容易过拟合”列为大模型训练的头号难题，又说它“训练速度快”，紧接着说“训练成本高”。三句话放在一起，谁都会糊涂。

先看过拟合。5.6 节的模型，每个句子**只见过一遍**。现在同样的模型、同样的步数，只给 100 个句子，反复地看。
先猜：两条训练损失，谁低？换成没见过的句子（验证损失）呢？
"""
# %% en [md]
r"""
## 5.8 The loss is falling. So what?

The documents name overfitting as the chief difficulty in training large models; they also say “training is fast”, and next to it “training is expensive”. Side by side these puzzle anyone.

Overfitting first. The model of section 5.6 saw every sentence **once**. Now take the same model and the same number of steps, but 100 sentences only, again and again.
Guess first: whose training loss is lower? And on unseen sentences (validation loss)?
"""
# %% training rows="E45"
few = cl.nn.Decoder(cl.nn.DecoderConfig(**size))
many_passes = cl.fit(few, batches_of(sentences[:100], 2), steps=steps, lr=5e-3, val_data=batches_of(held_out, 8), show=False,
                     loss=lambda model, ids: next_token_loss(model(ids), ids, PAD))

figure, axes = plt.subplots(1, 2, figsize=(8.4, 3), sharey=True, layout="constrained")
titles = cl.L(zh="{0:,} 句，各看一遍|100 句，各看 {1} 遍", en="{0:,} sentences, once each|100 sentences, {1} times each").format(64 * steps, steps // 2)
for axis, history, title in zip(axes, (one_pass, many_passes), titles.split("|")):
    history.plot(axis)
    axis.set_title(title)
plt.show()
print(f"{len(one_pass.loss)} steps: validation loss {one_pass.val_loss[-1]:.2f} (one pass),",
      f"{many_passes.val_loss[-1]:.2f} (many passes, best {min(many_passes.val_loss):.2f})")

# %% zh [md]
r"""
右边，训练损失一路走低，验证损失先降后**升**：它在背这 100 句。左边两条线贴在一起走：每个词元都是头一次见，训练损失本身就是考试。
大模型的预训练基本上是左边这样，语料多到看一遍都难；过拟合主要是**微调**的问题，那时只有几百几千条（第 8 章）。说“LLM 训练最怕过拟合”，是把两件事混成了一件。

再看快与贵。Transformer 一步能并行算完所有位置，所以**每个词元**快；可是词元太多，所以**总共**贵。SmolLM2-135M 读过 2 万亿个词元（Allal 等 2025，[arXiv:2502.02737](https://arxiv.org/abs/2502.02737)），算一算：
"""
# %% en [md]
r"""
On the right the training loss keeps falling while the validation loss turns and **rises**: it is learning 100 sentences by heart. On the left the two go together: each token comes for the first time, so the training loss is itself an exam.
The pretraining of large models is mostly like the left: there is so much text that one pass is hard enough. Overfitting is chiefly a matter of **fine-tuning**, with hundreds or thousands of examples (chapter 8). To call it the great fear of LLM training is to mix up the two.

Now fast and expensive. A Transformer computes all positions of a step in parallel, so **each token** is fast; but there are so many tokens that the **whole** is expensive. SmolLM2-135M has read 2 trillion (Allal et al. 2025, [arXiv:2502.02737](https://arxiv.org/abs/2502.02737)). Let us calculate:
"""
# %% timing rows="E45"
speed, parameters = one_pass.tokens_per_second, sum(p.numel() for p in right.parameters())
print(cl.L(zh="这里每秒训练 {0:,.0f} 个词元，模型只有 {1:,} 个参数。", en="Here: {0:,.0f} tokens a second, for a model of {1:,} parameters.").format(speed, parameters))
print(cl.L(zh="照这个速度读完 2 万亿个词元：{0:,.0f} 天。", en="2 trillion tokens at this speed: {0:,.0f} days.").format(2e12 / speed / 86400))
print(cl.L(zh="SmolLM2 的参数是它的 {0:,.0f} 倍。", en="SmolLM2 has {0:,.0f} times the parameters.").format(134.5e6 / parameters))

# %% zh [md]
r"""
## 5.9 同一句话，三种考法

同一句中文，可以出三种题，损失也就有三种。

- **因果**（GPT）：每个位置只看左边，预测下一个。每个词元都要付账。
- **掩码**（BERT）：盖住几个字 `▢`，两边都看，只为盖住的付账（`ignore_index` 派上了用场）。
- **编码器—解码器**（T5）：挖掉连续一段，编码器读剩下的，解码器写出挖掉的那段（Raffel 等 2020，[arXiv:1910.10683](https://arxiv.org/abs/1910.10683)）。

因果的那个 5.6 节已经训练好了，现在用同一批句子训练另外两个。
"""
# %% en [md]
r"""
## 5.9 One sentence, three kinds of exam

One Chinese sentence can be made into three kinds of question, and so there are three losses.

- **Causal** (GPT): each position sees its left and predicts the next. Every token is paid for.
- **Masked** (BERT): some characters are covered by `▢`; both sides are in view, and only what is covered is paid for (here is the use of `ignore_index`).
- **Encoder–decoder** (T5): a stretch is cut out; the encoder reads what is left, the decoder writes what was cut (Raffel et al. 2020, [arXiv:1910.10683](https://arxiv.org/abs/1910.10683)).

The causal model was trained in section 5.6. Now train the other two on the same sentences.
"""
# %% rows="R21"
def covered(ids, share, generator):
    """Masked: what the model reads, and the labels: -100 where nothing is covered."""
    hide = (torch.rand(ids.shape, generator=generator) < share) & (ids > END)
    return {"ids": ids.masked_fill(hide, GAP), "labels": ids.masked_fill(~hide, -100)}

def cut_out(text, start, width=3):
    """Encoder-decoder: (what the encoder reads, what the decoder writes), lists of ids."""
    ids = [index[char] for char in text]
    return ids[:start] + [GAP] + ids[start + width:], ids[start:start + width] + [END]

print(" / ".join("".join(vocabulary[i] for i in side) for side in cut_out("我妹妹明天想吃米饭。", 3)))
generator, chance = torch.Generator().manual_seed(0), random.Random(0)
masked_batches = [covered(ids, 0.5, generator) for ids in batches_of(sentences, 400)]

def span_batch(some):
    source, target = zip(*(cut_out(text, chance.randrange(max(1, len(text) - 2))) for text in some))
    source = pad_rows(list(source))
    return {"ids": source, "mask": source > PAD, "target": pad_rows([[BEGIN, *row[:-1]] for row in target]), "labels": pad_rows(list(target), -100)}

# %% training
def masked_loss(model, batch):
    return cross_entropy(model(batch["ids"], mask=batch["ids"] != PAD).flatten(0, 1), batch["labels"].flatten())

bert = cl.nn.Encoder(cl.nn.EncoderConfig(**size, mlm_head=True, n_segment=0, norm_first=True, tied=False))
t5 = cl.nn.Seq2Seq(cl.nn.Seq2SeqConfig(**size, start_id=BEGIN))
_ = cl.fit(bert, masked_batches, steps=40 if quick else 400, lr=5e-3, loss=masked_loss)
_ = cl.fit(t5, [span_batch(sentences[i:i + 64]) for i in range(0, 64 * 300, 64)], steps=40 if quick else 300, lr=5e-3)

# %% training
def losses_of(logits, targets):
    return [round(float(cross_entropy(row[None], target[None])), 2) for row, target in zip(logits.float().cpu(), torch.tensor(targets))]

@torch.inference_mode()
def exams(text):
    text = "".join(char for char in text if char in index)[:28] or "我"
    ids, place = encode([text]), next(right.parameters()).device
    one_each = ids.repeat(len(text), 1)
    one_each[range(len(text)), range(1, len(text) + 1)] = GAP              # row i covers character i
    start = max(0, len(text) // 2 - 2)
    source, target = cut_out(text, start)
    causal = losses_of(right(ids.to(place))[0, :-1], ids[0, 1:].tolist())
    masked = losses_of(bert(one_each.to(place))[range(len(text)), range(1, len(text) + 1)], ids[0, 1:-1].tolist())
    span = losses_of(t5(torch.tensor([source], device=place), torch.tensor([[BEGIN, *target[:-1]]], device=place))[0], target)
    shown = [*text[:start], *target[:-1], *text[start + 3:]]
    return text, causal, masked, start, span

# %% training
def three(text):
    text, causal, masked, start, span = exams(text)
    scored = [0.0] * start + span[:-1]
    lines = [(cl.L(zh="因果", en="causal"), [*text, "↵"], causal, len(causal)),
             (cl.L(zh="掩码（逐个盖住）", en="masked (one at a time)"), text, masked, len(masked)),
             (cl.L(zh="编码器—解码器（挖一段）", en="encoder–decoder (one stretch)"), text, scored + [0.0] * (len(text) - len(scored)), len(span))]
    rows = [(name, cl.viz.coloured_tokens([f" {token} " for token in tokens], values, "nat", top=6), n, f"{sum(paid) / n:.2f}")
            for (name, tokens, values, n), paid in zip(lines, (causal, masked, span))]
    return cl.viz.table(rows, header=cl.L(zh="考法|付了多少|付账的词元|平均损失", en="exam|what was paid|tokens paid for|mean loss").split("|"), right=(2, 3))

cl.viz.explore(three, text="我妹妹明天想吃米饭。")

# %% zh [md]
r"""
同一个字，三行颜色不同。“明”在因果那行很贵，因为“天”还没露面；掩码模型看得见右边的“天”，就便宜多了。“饭”前面有“米”，因果模型几乎不用付。
三个平均损失**不能拿来比大小**：题目不同，付账的词元也不同。掩码的那个还学得最慢（“饭”它就还没学会），因为每一步只有一部分词元给它上课。
只有因果的（以及给定原文的编码器—解码器）能把账单加成整段文字的比特数；掩码的加起来不是任何东西的概率（第 1 章 1.8 节）。

## 小结

- 损失是意外程度 $-\ln p$；平均下来是交叉熵 = 熵 + KL。最大似然、最小交叉熵、最小 KL 是一件事。
- logits 不是对数概率；减去最大值，留在对数里，±1000 也不怕。
- 梯度是 $p-y$：箭头从预测指向答案，越错越用力。标签平滑把答案从角上挪回来一点。
- 低损失可能是偷懒（5.4 节）、漏题（5.6 节）或背书（5.8 节）。先问偷懒能得几分，再看没见过的数据。
- 困惑度只在同一种切法、同一段文字上可比；每字节比特数谁都能比。因果、掩码、编码器—解码器的损失是三种考试的分数。

还想动手：在 5.1 节找一句真话，让它付得比一句假话多；在 5.5 节把 ε 拖到 0.6，从三个角各走十步，看终点是不是同一个；把 5.9 节的 `0.5` 改成 BERT 的 `0.15`，掩码模型会学得更快还是更慢？
接下来：第 6 章 预训练（即将推出）。
"""
# %% en [md]
r"""
One character, three colours. 明 is dear in the causal row, for its other half 天 (together: *tomorrow*) has not come yet; the masked model sees 天 on the right and pays far less. 饭, given away by 米 on its left (together: *rice*), costs the causal model next to nothing.
The three means **must not be compared**: the questions differ, and so do the tokens that are paid for. The masked model is also the slowest to learn (it has not got 饭 yet), for only some of the tokens teach it at each step.
Only the causal bills (and, given the source, the encoder–decoder's) add up to the bits of a whole text; the masked ones add up to the probability of nothing (section 1.8 of chapter 1).

## Summary

- Loss is surprise, $-\ln p$; its mean is cross-entropy = entropy + KL. Maximum likelihood, minimum cross-entropy and minimum KL are one thing.
- Logits are not log-probabilities; subtract the maximum, stay in logarithms, and ±1000 holds no terror.
- The gradient is $p-y$: an arrow from prediction to answer, the harder the more wrong. Label smoothing moves the answer a little away from its corner.
- A low loss may be laziness (section 5.4), a leaked answer (5.6) or learning by heart (5.8). Ask what laziness would score, then look at unseen data.
- Perplexities compare for the same cut of the same text; bits per byte compare for all. Causal, masked and encoder–decoder losses are marks in three different exams.

To try: in section 5.1, find a true sentence that costs more than a false one; in 5.5, drag ε to 0.6 and take ten steps from each of the three corners: do they end in one place? Change the `0.5` of section 5.9 to BERT's `0.15`: does the masked model learn faster or more slowly?
Next: chapter 6, pretraining (to come).
"""
# %%
cl.progress()

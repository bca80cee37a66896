# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 5 · 损失：模型有多意外

训练日志里写着 `loss 2.31`，论文里写着“困惑度 10”。这算好还是算坏？和什么比？降了 0.1 又意味着什么？
这些数字都从同一个量算出来：**模型给真正出现的那个词元多大的概率**。概率越小，模型越意外，损失越大。

这一章回答三个问题：

- 猜错一次，损失是多少？（交叉熵，以及为什么它就是最大似然）
- 模型怎么知道参数该往哪边改？（梯度，一次减法）
- 两个模型的损失什么时候可以比较？（先看文字是不是同一段，再看词元是不是同一种切法）

你会写出五个训练和评价语言模型时常用的函数，再用它们训练小模型、给模型打分。对数一律以 e 为底，单位叫 nat，1 nat 约合 1.44 比特。
"""
# %% en [md]
r"""
# 5 · Loss: how surprised is the model?

A training log says `loss 2.31`. A paper says “perplexity 10”. Is that good or bad? Compared with what? And what does it mean when it falls by 0.1?
All these numbers come from one quantity: **the probability that the model gave to the token that actually came next**. The smaller that probability, the more surprised the model, and the higher the loss.

This chapter answers three questions:

- What is the loss of one wrong guess? (cross-entropy, and why it is the same as maximum likelihood)
- How does the model know which way to change? (the gradient, a single subtraction)
- When can you compare the losses of two models? (first ask whether the text is the same, then whether the tokens are)

You will write five functions that are commonly used to train and judge language models, and then train and score models with them. All logarithms are natural. Their unit is the nat, and 1 nat is about 1.44 bits.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% zh [md]
r"""
## 5.1 哪个词元最出乎意料

SmolLM2（第 1 章）从左往右读一句话，每读一个词元之前，先给词表里的每个词元分配概率。真正出现的词元得到的概率记作 $p$，它的**损失**是 $-\ln p$。
要读的句子是 *The capital of China is Beijing, and the capital of Japan is banana.*（中国的首都是北京，日本的首都是香蕉。）先猜，再往下看；函数 `read` 取出每个位置上、词表里每个词元的对数概率。
"""
# %% en [md]
r"""
## 5.1 Which token came as a surprise?

SmolLM2 (chapter 1) reads a sentence from left to right. Before each token it gives every token of the vocabulary a probability. If the token that actually comes had probability $p$, its **loss** is $-\ln p$.
The sentence is *The capital of China is Beijing, and the capital of Japan is banana.* Guess first, then read on: the function `read` returns the log-probabilities of the whole vocabulary at every position.
"""
# %%
cl.guess("loss.surprise",
         cl.L(zh="中国的首都是北京，日本的首都是香蕉（英文原句见下）。哪个词元损失最大？",
              en="The capital of Japan is … banana. Which token has the highest loss?"),
         choices=["The", "Beijing", "Japan", "banana"])

# %% rows="R46"
import math
import matplotlib.pyplot as plt
import torch

model = cl.load("smollm2-135m")
sentence = "The capital of China is Beijing, and the capital of Japan is banana."
START = "<|endoftext|>"     # put before a text, so that its first token is predicted

def read(text):
    """ids [T], and before each of them ln p of the whole vocabulary, [T, V]."""
    ids = model.tokenizer(START + text, return_tensors="pt").input_ids.to(model.device)
    with torch.inference_mode():
        log_probs = model.model(ids).logits[0, :-1].float().log_softmax(-1)
    return ids[0, 1:].cpu(), log_probs.cpu()

# %% rows="R46"
def surprise(text, at):
    ids, log_probs = read(text or " ")
    losses = -log_probs[torch.arange(len(ids)), ids]        # row t, column ids[t]: (T,)
    tokens = cl.models.read_tokens(model.tokenizer, ids.tolist()).labels
    at = min(int(at), len(ids) - 1)
    top = log_probs[at].exp().topk(5)
    bars = cl.viz.bars({model.tokenizer.decode(i): float(p) for p, i in zip(*top)})
    line = cl.L(zh="“{0}”的概率是 {1:.2g}，损失 {2:.1f} nat。模型原以为会是：",
                en="“{0}” had probability {1:.2g}: a loss of {2:.1f} nats. The model expected:")
    line = line.format(tokens[at].strip(), math.exp(-losses[at]), losses[at])
    shades = cl.viz.coloured_tokens(tokens, losses, "nat", 12, str(at), control="at_")
    return shades + cl.viz.paragraph(line) + bars

cl.guess.result("loss.surprise", "banana")
cl.viz.explore(surprise, text=sentence, at_="13")

# %% zh [md]
r"""
banana 的损失超过 20 nat，它的概率几乎是 0；模型原以为会是 Tokyo。`of`、`is` 早在意料之中，损失接近 0。句首 The capital 的损失也偏高，因为前面几乎没有线索。
**点一个词元**，看模型当时以为会来什么；再换成你自己的句子。损失只问一件事：来的词元是不是意料之中。句子真不真、好不好，它都不管。

## 5.2 为什么是负的对数

概率取对数有两个理由。第一，**可以相加**：整句话的概率是各步概率的乘积（第 1 章），取对数就成了和。概率不超过 1，对数就不超过 0，所以加一个负号，损失总是不小于 0。
第二，**报真实的概率，平均损失最低**。假设明天下雨的真实概率是 $p$，你报的是 $q$。下雨时损失是 $-\ln q$，不下雨时是 $-\ln(1-q)$，平均损失是 $-p\ln q-(1-p)\ln(1-q)$。
拖动“你报的概率”，找到平均损失最低的地方；再换一个“真实概率”试试。
"""
# %% en [md]
r"""
The loss of banana is above 20 nats: its probability was close to 0, and the model expected Tokyo. Words such as `of` and `is` were expected, and their loss is close to 0. The opening words, The capital, also have a fairly high loss, because there is little or nothing before them.
**Click a token** to see what the model expected in its place, then type a sentence of your own. The loss asks only whether the token was expected. It does not ask whether the sentence is true, or good.

## 5.2 Why the negative logarithm?

There are two reasons for the logarithm. First, **logarithms add up**: the probability of a sentence is a product of probabilities (chapter 1), so its logarithm is a sum. A probability is at most 1 and its logarithm at most 0; the minus sign makes the loss at least 0.
Second, **reporting the true probability gives the lowest mean loss**. Suppose that it rains tomorrow with true probability $p$, and your forecast is $q$. If it rains, your loss is $-\ln q$; if it does not, $-\ln(1-q)$. Your mean loss is $-p\ln q-(1-p)\ln(1-q)$.
Drag “You say” until the mean loss is lowest. Then change the true chance and try again.
"""
# %% rows="R46"
def forecast(truth, say):
    def mean_loss(q):
        return -truth * math.log(q) - (1 - truth) * math.log(1 - q)
    qs = torch.linspace(0.01, 0.99, 99).tolist()
    entropy, total = mean_loss(truth), mean_loss(say)
    figure, axis = plt.subplots(figsize=(6, 3))
    axis.plot(qs, [mean_loss(q) for q in qs], color="#888888")
    axis.bar(say, entropy, 0.03, color="#4477aa")
    axis.bar(say, total - entropy, 0.03, bottom=entropy, color="#ee7733")
    axis.set(xlabel="q", ylabel=cl.L(zh="平均损失（nat）", en="mean loss (nats)"), ylim=(0, 3))
    parts = cl.L(zh="熵 {0:.3f} + KL {1:.3f}", en="entropy {0:.3f} + KL {1:.3f}")
    axis.set_title(parts.format(entropy, total - entropy))
    return figure

cl.viz.explore(forecast, truth=(0.05, 0.95, 0.7), say=(0.01, 0.99, 0.3))

# %% zh [md]
r"""
曲线的最低点正好在 $q=p$。这个平均损失叫**交叉熵**。一般地，第 $k$ 种结果的真实概率是 $p_k$，模型给它 $q_k$：

$$H(p,q)=-\sum_k p_k\ln q_k=\underbrace{-\sum_k p_k\ln p_k}_{H(p)}+\underbrace{\sum_k p_k\ln\frac{p_k}{q_k}}_{\mathrm{KL}(p\,\|\,q)}$$

蓝色的一截是**熵** $H(p)$：天气本来就不确定，怎么报都少不了这一截。橙色的一截是 **KL 散度**：它来自 $q$ 和 $p$ 的差别，$q=p$ 时为 0，其他时候大于 0。
训练只能减小橙色的一截。损失降不到 0，不等于没有学好，也许已经降到了熵。

### 最大似然就是最小交叉熵

换一个角度。手里有 $N$ 个独立的数据 $x_1,\dots,x_N$，哪个 $q$ 使“恰好出现这批数据”的概率 $\prod_i q_{x_i}$ 最大？这叫**最大似然**。取负对数，除以 $N$，再把相同的结果合在一起，设第 $k$ 种占的比例是 $p_k$：

$$-\frac1N\ln\prod_{i}q_{x_i}=-\frac1N\sum_i\ln q_{x_i}=-\sum_k p_k\ln q_k$$

右边就是交叉熵。下面用一个三面转盘验证：转十次，0 出现五次，1 三次，2 两次。最后一行的 $q$ 没有数过数，是**梯度下降**找到的：从均匀分布出发，每一步都往损失下降的方向改一点（5.5 节细讲）。`softmax` 把三个任意的数变成概率，5.3 节再讲。
"""
# %% en [md]
r"""
The lowest point of the curve is exactly at $q=p$. This mean loss is called **cross-entropy**. In general, outcome $k$ has true probability $p_k$ and the model gives it $q_k$:

$$H(p,q)=-\sum_k p_k\ln q_k=\underbrace{-\sum_k p_k\ln p_k}_{H(p)}+\underbrace{\sum_k p_k\ln\frac{p_k}{q_k}}_{\mathrm{KL}(p\,\|\,q)}$$

The blue part is the **entropy** $H(p)$: the weather is uncertain, and no forecast can avoid this part. The orange part is the **KL divergence**: it comes from the difference between $q$ and $p$; it is 0 when $q=p$, and above 0 otherwise.
Training can only reduce the orange part. If a loss does not reach 0, the model may still be perfect: perhaps it has already come down to the entropy.

### Maximum likelihood is minimum cross-entropy

Now look at it from another side. Given $N$ independent data points $x_1,\dots,x_N$, which $q$ makes the probability $\prod_i q_{x_i}$ of exactly these data largest? That is **maximum likelihood**. Take the negative logarithm, divide by $N$, and collect equal outcomes; if outcome $k$ makes up the share $p_k$ of the data, then

$$-\frac1N\ln\prod_{i}q_{x_i}=-\frac1N\sum_i\ln q_{x_i}=-\sum_k p_k\ln q_k$$

and the right-hand side is cross-entropy. Check it on a spinner with three sides, spun ten times: side 0 came up five times, side 1 three times, side 2 twice. The $q$ in the last row is found without counting, by **gradient descent**: it starts from the uniform distribution, and every step changes it a little in the direction that lowers the loss (more in section 5.5). `softmax` turns any three numbers into probabilities; section 5.3 explains it.
"""
# %% rows="R46"
spins = torch.tensor([0] * 5 + [1] * 3 + [2] * 2)
p = torch.bincount(spins) / len(spins)                      # shares: 0.5, 0.3, 0.2
theta = torch.zeros(3, requires_grad=True)
for _ in range(100):
    slope, = torch.autograd.grad(-theta.softmax(0)[spins].log().mean(), theta)
    theta.data -= slope
found, rows = theta.detach().softmax(0), []
for q in (torch.ones(3) / 3, torch.tensor([0.6, 0.3, 0.1]), p, found):
    likelihood = q[spins].prod()
    entropy, kl = -(p * p.log()).sum(), (p * (p / q).log()).sum()
    nats = (-likelihood.log() / len(spins), -(p * q.log()).sum(), entropy + kl)
    rows.append([q.numpy().round(2), f"{likelihood:.2e}", *(f"{x:.3f}" for x in nats)])
cl.viz.table(rows, header=cl.L(zh=["q", "似然", "−ln(…) / N", "交叉熵", "H + KL"],
    en=["q", "likelihood", "−ln(…) / N", "cross-entropy", "H + KL"]))

# %% zh [md]
r"""
后三列每一行都相等。似然最大的一行，交叉熵最小，$q$ 就是数出来的比例；梯度下降也走到了那里。
“最大化似然”“最小化交叉熵”“最小化 $\mathrm{KL}(p\,\|\,q)$”得到同一个 $q$，因为后两者只差一个与模型无关的常数 $H(p)$。

### KL 有两个方向

$\mathrm{KL}(p\,\|\,q)$ 和 $\mathrm{KL}(q\,\|\,p)$ 不相等。模型 $q$ 足够灵活时没有关系，两者都在 $q=p$ 时最小。不够灵活时，两者往往选中不同的 $q$。
下面的 $p$ 有两个峰，而 $q$ 只能有一个峰。我们试遍许多中心和宽度，每个方向各找出使它最小的 $q$。你猜两个答案各在哪里？
"""
# %% en [md]
r"""
The last three columns are equal in every row. Where the likelihood is largest, the cross-entropy is smallest. There $q$ is the counted shares, and gradient descent arrives there too.
“Maximise the likelihood”, “minimise the cross-entropy” and “minimise $\mathrm{KL}(p\,\|\,q)$” lead to the same $q$, because the last two differ only by the constant $H(p)$, which does not depend on the model.

### KL has two directions

$\mathrm{KL}(p\,\|\,q)$ and $\mathrm{KL}(q\,\|\,p)$ are not equal. If the model $q$ is flexible enough, this does not matter: both are smallest at $q=p$. If it is not, each may choose a different $q$.
Below, $p$ has two peaks and $q$ can have only one. We try many centres and widths, and for each direction keep the $q$ that makes it smallest. Where will the two answers lie?
"""
# %% rows="R46"
x = torch.linspace(-6, 6, 241)
def peak(centre, width):
    return (-((x - centre) / width) ** 2 / 2).softmax(0).clamp(min=1e-30)
def kl(a, b):
    return float((a * (a / b).log()).sum())
p = 0.6 * peak(-2.0, 0.6) + 0.4 * peak(2.0, 0.6)
options = [peak(c / 10, w / 10) for c in range(-40, 41) for w in range(4, 41)]
plt.plot(x, p, color="#888888", label="p")
forward = min(options, key=lambda q: kl(p, q))
reverse = min(options, key=lambda q: kl(q, p))
plt.plot(x, forward, "--", color="#4477aa", label="min KL(p‖q)")
plt.plot(x, reverse, ":", lw=3, color="#ee7733", label="min KL(q‖p)")
plt.gca().set(xlabel="x", ylabel=cl.L(zh="概率", en="probability"))
plt.legend()
plt.show()

# %% zh [md]
r"""
虚线（$\min\mathrm{KL}(p\,\|\,q)$）铺得很宽，两个峰都盖住，连中间 $p$ 几乎为 0 的地方也分到了概率：$p$ 有概率的地方，$q$ 不能是 0。
点线（$\min\mathrm{KL}(q\,\|\,p)$）只守住较高的一个峰，另一个峰完全放弃：$p$ 没有概率的地方，$q$ 也不能有。
这两种行为叫**覆盖**（mass-covering）和**择峰**（mode-seeking）。交叉熵训练是前者；第 12 章用强化学习对齐模型时，会遇到后者。

## 5.3 从 logits 到概率

模型最后一层给每个词元一个分数，可正可负，叫 **logits**，记作 $z$。再用 **softmax** 把分数变成概率：每个分数取 exp，再除以总和，$p_k=e^{z_k}/\sum_j e^{z_j}$。对正确的类 $y$（语言模型里，每个词元就是一类）取负对数，一行就得到损失：

$$L=-\ln p_y=-\ln\frac{e^{z_y}}{\sum_j e^{z_j}}=\ln\sum_j e^{z_j}-z_y$$

第五份讲义说“`logits` 是模型输出的对数概率”。可以检查：对数概率取 exp 再求和，应当等于 1，而且没有一个大于 0。
"""
# %% en [md]
r"""
The dashed curve ($\min\mathrm{KL}(p\,\|\,q)$) is wide. It covers both peaks and even the valley between them, where $p$ is close to 0: wherever $p$ has probability, $q$ must not be 0.
The dotted curve ($\min\mathrm{KL}(q\,\|\,p)$) sits on the higher peak and gives up the other one: wherever $p$ has no probability, $q$ must have none.
The two behaviours are called **mass-covering** and **mode-seeking**. Training with cross-entropy is mass-covering; chapter 12 meets the other kind, when it aligns a model by reinforcement learning.

## 5.3 From logits to probabilities

The last layer of a model gives every token a score, positive or negative. These scores are the **logits**, written $z$. **Softmax** turns them into probabilities: take exp of each score and divide by the total, $p_k=e^{z_k}/\sum_j e^{z_j}$. The negative logarithm for the right class $y$ (in a language model, every token is a class) gives the loss in one line:

$$L=-\ln p_y=-\ln\frac{e^{z_y}}{\sum_j e^{z_j}}=\ln\sum_j e^{z_j}-z_y$$

The fifth handout says that “`logits` are the log-probabilities output by the model”. This can be checked: the exp of log-probabilities must sum to 1, and none of them can be above 0.
"""
# %% rows="E18"
ids = model.tokenizer("The capital of France is", return_tensors="pt").input_ids
with torch.inference_mode():
    logits = model.model(ids.to(model.device)).logits[0, -1].double().cpu()
log_probs = logits - logits.exp().sum().log()               # z − ln Σ exp z

rows = [(name, f"{values.exp().sum():.3g}", f"{values.max():.2f}")
        for name, values in (("logits", logits), ("log_softmax", log_probs))]
cl.viz.table(rows, header=["", cl.L(zh="exp 之和", en="sum of exp"), cl.L(zh="最大值", en="largest")],
             right=(1, 2))

# %% zh [md]
r"""
logits 的 exp 之和是几千万，最大的一个远大于 0。所以 logits **不是**对数概率，而是没有归一化的分数。减去 $\ln\sum_j e^{z_j}$ 之后才是对数概率，这一步叫 `log_softmax`。
给所有 logits 加上同一个数，softmax 的分子分母同乘一个因子，概率不变。这一点正好用来解决一个数值问题。下面 `naive` 照公式直接写，`stable` 先减去最大值，全程不离开对数：
"""
# %% en [md]
r"""
The exp of the logits sums to tens of millions, and the largest logit is far above 0. So logits are **not** log-probabilities; they are scores that have not been normalised. Subtracting $\ln\sum_j e^{z_j}$ makes them log-probabilities. This step is called `log_softmax`.
Add the same number to all logits, and numerator and denominator of the softmax are multiplied by the same factor: the probabilities stay the same. This solves a numerical problem. Below, `naive` is the formula as it stands; `stable` subtracts the maximum first and never leaves the logarithms.
"""
# %% rows="R46"
def naive(z):
    return (z.exp() / z.exp().sum()).log()

def stable(z):
    z = z - z.max()                     # the largest logit becomes 0
    return z - z.exp().sum().log()

rows = []
for scores in ([1.0, 0.0, -1.0], [1000.0, 999.0, -1000.0], [0.0, -200.0, -300.0]):
    z = torch.tensor(scores)
    results = [[round(x, 2) for x in f(z).tolist()] for f in (naive, stable)]
    rows.append((scores, *results))
cl.viz.table(rows, header=["logits", "naive", "stable"])

# %% zh [md]
r"""
$e^{1000}$ 大得存不下，成了无穷大（溢出），无穷大相除得 `nan`；一个 `nan` 进了梯度，参数很快都会变成 `nan`。
最后一行没有 `nan`，错误却更难发现：$e^{-200}$ 小得存不下，成了 0（下溢），损失从 200 变成了无穷大。`stable` 三行都对。

## 练习 1 · 交叉熵

写 `cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0)`：`logits` 形状 [N,K]（N 个样本，K 个类的分数），`targets` 是 N 个类别编号。返回标量，即各样本 $-\ln p(\text{正确的类})$ 的平均。

- 等于 `ignore_index` 的目标不参与平均；一个也不剩时返回 0。
- 标签平滑 $\varepsilon$：目标分布不再是“正确的类占 1”，而是每个类 $\varepsilon/K$，正确的类再加 $1-\varepsilon$。损失是 5.2 节的 $H(p,q)$，$p$ 取这个分布。
- logits 为 ±1000 时也要准确。不准用 `F.cross_entropy`、`F.nll_loss`。

从每一行取出正确的类，有两种写法：`log_probs[torch.arange(N), targets]`，或者 `log_probs.gather(1, targets[:, None])`。后者沿第 1 轴按编号取数，结果形状是 [N,1]。
例：logits 是三个 0，目标任意，损失是 $\ln 3\approx1.099$。
"""
# %% en [md]
r"""
$e^{1000}$ is too large to be stored and becomes infinity (overflow), and infinity divided by infinity is `nan`. Once a `nan` gets into the gradient, the parameters soon all become `nan`.
The last row has no `nan`, and its error is easier to miss: $e^{-200}$ is too small to be stored and becomes 0 (underflow), and a loss of 200 becomes infinite. `stable` is right in all three rows.

## Exercise 1 · Cross-entropy

Write `cross_entropy(logits, targets, ignore_index=-100, label_smoothing=0.0)`. `logits` has shape [N,K] (N examples, scores for K classes), and `targets` holds N class numbers. Return a scalar: the mean over the examples of $-\ln p(\text{right class})$.

- Targets equal to `ignore_index` are left out of the mean. If none is left, return 0.
- Label smoothing $\varepsilon$: the target distribution is no longer “1 on the right class”. Every class gets $\varepsilon/K$, and the right class $1-\varepsilon$ more. The loss is the $H(p,q)$ of section 5.2, with this distribution as $p$.
- Be accurate at logits of ±1000. `F.cross_entropy` and `F.nll_loss` are not allowed.

There are two ways to pick the right class from every row: `log_probs[torch.arange(N), targets]`, or `log_probs.gather(1, targets[:, None])`, which picks along axis 1 by number and returns shape [N,1].
Example: for logits of three zeros and any target, the loss is $\ln 3\approx1.099$.
"""
# %% exercise id="loss.cross_entropy"
...
# %%
cl.check("loss.cross_entropy")

# %% rows="R46"
import torch.nn.functional as F
cross_entropy = cl.use("loss.cross_entropy")

logits = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 0.0], [1.0, 1.0, 1.0]])
by_hand = [math.log(math.exp(2) + math.exp(1) + 1) - 2,     # ln Σ exp z − z_y, by rows
           math.log(1 + math.exp(3) + 1) - 3, math.log(3)]
print(cl.L(zh="手算：", en="by hand:"), f"{sum(by_hand) / 3:.4f}")
rows, none = [], [-100, -100, -100]
for targets, eps in ([0, 1, 2], 0), ([0, -100, 2], 0), ([0, 1, 2], 0.1), (none, 0):
    values = (loss(logits, torch.tensor(targets), label_smoothing=eps)
              for loss in (cross_entropy, F.cross_entropy))
    rows.append((targets, eps, *(f"{float(value):.4f}" for value in values)))
cl.viz.table(rows, header=["targets", "ε", "cross_entropy", "F.cross_entropy"])

# %% zh [md]
r"""
手算、`cross_entropy` 和 PyTorch 一致。只有最后一行不同：全部忽略时 PyTorch 得到 $0/0$，即 `nan`；我们约定返回 0，这样一个全是填充的批次不会毁掉训练。
标签平滑让正确的类只要 $1-\varepsilon+\varepsilon/K$ 的概率。根据 5.2 节，模型报得更高，损失反而上升，logits 就不会被推向无穷大（Szegedy 等 2016，[arXiv:1512.00567](https://arxiv.org/abs/1512.00567)）。5.5 节可以拖动 $\varepsilon$ 看。

## 5.4 照字面写会出错的公式

第三份讲义给大模型的损失写了这个公式，并说 $N$ 是样本数量，$y_i$ 是真实标签：

$$L=-\sum_{i=1}^{N}y_i\log\hat{y}_i$$

我们照字面实现。任务是**逻辑回归**：300 个平面上的点，100 个标 1，200 个标 0。给每个点一个分数 $z=w_1x_1+w_2x_2+b$，标 1 的概率是 $\hat y=1/(1+e^{-z})$（sigmoid，也就是分数为 $z$ 和 0 的两类 softmax），超过一半就判为 1。
"""
# %% en [md]
r"""
The hand calculation, `cross_entropy` and PyTorch agree, except in the last row. When everything is ignored, PyTorch computes $0/0$ and returns `nan`; we return 0, so that a batch of nothing but padding cannot ruin the training.
With label smoothing the right class should only have probability $1-\varepsilon+\varepsilon/K$. As section 5.2 showed, the loss rises again if the model says more than that, so the logits are not pushed to infinity (Szegedy et al. 2016, [arXiv:1512.00567](https://arxiv.org/abs/1512.00567)). In section 5.5 you can drag $\varepsilon$.

## 5.4 A formula that fails when taken literally

The third handout gives this loss for large models. It says that $N$ is the number of examples and $y_i$ the true label:

$$L=-\sum_{i=1}^{N}y_i\log\hat{y}_i$$

We implement it literally. The task is **logistic regression**: of 300 points in the plane, 100 are labelled 1 and 200 are labelled 0. Each point gets a score $z=w_1x_1+w_2x_2+b$. The probability of label 1 is $\hat y=1/(1+e^{-z})$ (the sigmoid, which is a softmax over two classes with scores $z$ and 0), and the prediction is 1 if this is more than a half.
"""
# %%
cl.guess("loss.literal",
         cl.L(zh="照这个公式训练 1000 步，300 个点里判对百分之几？",
              en="Trained for 1000 steps with this formula, how many points are right?"),
         unit="%")

# %% rows="E27 R46"
chance = torch.Generator().manual_seed(0)
points, noise = torch.randn(300, 3, generator=chance).split([2, 1], dim=1)
labels = torch.zeros(300)
labels[(points.sum(1) + noise[:, 0]).topk(100).indices] = 1     # mostly upper right

def literal(z, y):                      # logsigmoid is ln ŷ, without underflow
    return -(y * F.logsigmoid(z)).sum()

def repaired(z, y):                     # both classes, and the mean over the points
    return -(y * F.logsigmoid(z) + (1 - y) * F.logsigmoid(-z)).mean()

# %% rows="E27 R46"
def train(loss):
    weights = torch.zeros(3, requires_grad=True)                # w1, w2, b
    optimizer = torch.optim.Adam([weights], lr=0.1)
    for _ in range(1000):
        optimizer.zero_grad()
        loss(points @ weights[:2] + weights[2], labels).backward()
        optimizer.step()
    z = (points @ weights[:2] + weights[2]).detach()
    ones, right = (z > 0).float(), ((z > 0) == (labels == 1)).float()
    return [f"{loss(z, labels):.2f}", f"{ones.mean():.0%}", f"{right.mean():.0%}"]

rows = [("literal", *train(literal)), ("repaired", *train(repaired))]
cl.guess.result("loss.literal", int(rows[0][-1][:-1]), tolerance=5)
cl.viz.table(rows, header=["", *cl.L(zh=["损失", "判为 1 的", "正确率"], en=["loss", "predicted 1", "accuracy"])])

# %% zh [md]
r"""
照字面写，损失降到接近 0，模型却对所有点都判 1，正确率正好是标 1 的点所占的三分之一，还不如全判 0 的三分之二。标 0 的点乘上 $y_i=0$，对损失没有任何贡献，于是把 $\hat y$ 一律推向 1 就能让损失变小。
正确的写法对**类别**求和，对样本取**平均**：$L=-\frac1N\sum_{i}\sum_{k}y_{ik}\ln\hat y_{ik}$。语言模型每一步只有一个正确的类，于是成了 $-\frac1T\sum_t\ln p(x_t\mid x_{<t})$。
损失低，不等于模型好。看到一个很低的损失，先问一句：**不学任务本身，能不能也得到这么低的损失？**

## 5.5 往哪边改：一次减法

**梯度**说的是：把某个 logit 增加一点点，损失增加得多快。往反方向改一点，损失就下降。5.3 节得到 $L=\ln\sum_j e^{z_j}-z_y$，对 $z_k$ 求导，第一项给出 $e^{z_k}/\sum_j e^{z_j}=p_k$，第二项只在 $k=y$ 时给出 $-1$：

$$\frac{\partial L}{\partial z_k}=p_k-y_k$$

这里 $y_k$ 在正确的类上是 1，其余是 0。预测减去答案，就是梯度。（不熟悉求导也没关系，练习之后会把每个 logit 拨动一点，直接量一量。）

## 练习 2 · 手写梯度

写 `cross_entropy_gradient(logits, targets)`：`logits` 形状 [N,K]，`targets` 形状 [N]。返回**平均**交叉熵对 logits 的梯度 [N,K]，不准用 autograd（PyTorch 的自动求导）。
例：logits 是 [[0, 0]]，目标是 0，梯度是 [[-0.5, 0.5]]。反向传播从这一步开始，再一层层往前传。
"""
# %% en [md]
r"""
With the literal formula the loss comes close to 0, yet the model predicts 1 for every point. Its accuracy is the third of the points that are labelled 1; predicting 0 everywhere would have given two thirds. A point labelled 0 is multiplied by $y_i=0$ and contributes nothing, so pushing every $\hat y$ towards 1 is enough to lower the loss.
The right formula sums over the **classes** and takes the **mean** over the examples: $L=-\frac1N\sum_{i}\sum_{k}y_{ik}\ln\hat y_{ik}$. In a language model only one class is right at each step, and this becomes $-\frac1T\sum_t\ln p(x_t\mid x_{<t})$.
A low loss does not mean a good model. When you see a very low loss, ask first: **could a model reach it without learning the task?**

## 5.5 Which way to change: one subtraction

A **gradient** says how fast the loss rises when one logit is increased a little. Change the logit a little the other way, and the loss falls. Section 5.3 gave $L=\ln\sum_j e^{z_j}-z_y$. Differentiate with respect to $z_k$: the first term gives $e^{z_k}/\sum_j e^{z_j}=p_k$, and the second gives $-1$, only where $k=y$:

$$\frac{\partial L}{\partial z_k}=p_k-y_k$$

Here $y_k$ is 1 for the right class and 0 for the others. The gradient is the prediction minus the answer. (If you have never differentiated, do not worry: after the exercise we nudge each logit a little and measure.)

## Exercise 2 · The gradient by hand

Write `cross_entropy_gradient(logits, targets)`. `logits` has shape [N,K], `targets` has shape [N]. Return the gradient [N,K] of the **mean** cross-entropy with respect to the logits, without autograd (PyTorch's automatic differentiation).
Example: for logits [[0, 0]] and target 0 the gradient is [[-0.5, 0.5]]. Backpropagation starts with this step and passes it on from layer to layer.
"""
# %% exercise id="loss.softmax_gradient"
...
# %%
cl.check("loss.softmax_gradient")

# %% rows="R46"
gradient = cl.use("loss.softmax_gradient")

z, target = torch.tensor([[0.5, 1.5, 1.0]]), torch.tensor([0])
automatic = torch.func.grad(F.cross_entropy)(z, target)
measured = []
for nudge in 0.01 * torch.eye(3):                           # one logit at a time
    rise = F.cross_entropy(z + nudge, target) - F.cross_entropy(z - nudge, target)
    measured.append(rise / 0.02)

own, name = gradient(z, target)[0], cl.L(zh="拨动后测量", en="nudged")
for name, row in ("p − y", own), ("autograd", automatic[0]), (name, measured):
    print(f"{name:10}", *(f"{float(x):7.3f}" for x in row))
cl.viz.simplex(gradient, labels=cl.L(zh=["猫", "狗", "鱼"], en=["cat", "dog", "fish"]))

# %% zh [md]
r"""
三种算法一致。正确的类梯度是负的，分数该升；另外两类是正的，该降；三个数之和是 0。

上面的三角形叫**概率单纯形**，装得下三个类的所有预测：三个角各代表“百分之百是这一类”，正中代表“完全不知道”。请**拖动蓝点**（或用方向键），橙色箭头是负梯度，由 `cross_entropy_gradient` 现算。点一个角，换正确答案；按“走一步”，logits 沿箭头改一次。

箭头总是从预测指向答案，长度表示差多远，所以错得越多，改得越多。再拖“标签平滑 ε”：目标圆圈离开了角，蓝点停在角上，箭头就指回来。（脚印是弯的，因为箭头作用在 logits 上，变成概率还要经过 softmax。）

## 5.6 错开一位

语言模型一次读完整句，每个位置都预测**下一个**词元，所以 logits 和答案要错开一位：

| logits 的行 | 读过的 | 要预测的 |
|---|---|---|
| `logits[0]` | The | cat |
| `logits[1]` | The cat | sat |
| `logits[2]` | The cat sat | on |
| `logits[3]` | The cat sat on | 没有 |

最后一行没有答案，第一个词元也没有哪一行来预测（所以 5.1 节在文字前面加了 `START`）。答案就是文字自己，不用人标注，这叫**自监督**。

## 练习 3 · 下一个词元的损失

写 `next_token_loss(logits, ids, pad_id)`：`logits` 形状 [B,T,V]，`ids` 形状 [B,T]，`logits[:, t]` 预测 `ids[:, t+1]`。
批次里句子长短不一，短的用 `pad_id` 填齐。返回所有**目标不是填充**的位置的平均损失（标量），一个也没有时返回 0。平均要对整个批次的词元一起算；先对每句平均，短句的词元就会被算得太重。
例：V=2，logits 全是 0，损失是 $\ln 2$，错不错位都一样，所以不要用全 0 来检验。可以调用你的 `cross_entropy`；`.flatten(0, 1)` 把前两轴合成一轴，[B,T,V] 变成 [B·T,V]。
"""
# %% en [md]
r"""
All three agree. The gradient of the right class is negative, so its score should rise; the other two are positive and should fall; the three numbers sum to 0.

The triangle above is called the **probability simplex**. It holds every prediction over three classes: each corner stands for “certainly this class”, the centre for “no idea”. **Drag the blue dot** (or use the arrow keys). The orange arrow is the negative gradient, computed by `cross_entropy_gradient` as you drag. Click a corner to make it the right answer; press “One step” and the logits move once along the arrow.

The arrow always points from the prediction to the answer, and its length shows how far apart they are: the larger the error, the larger the change. Now drag “Label smoothing ε”. The target circle leaves the corner, and a dot in the corner is pushed back. (The footprints bend, because the arrow acts on the logits, and softmax lies between them and the probabilities.)

## 5.6 Shift by one

A language model reads a whole sentence at once and predicts the **next** token at every position. So the logits and the answers are one place apart:

| row of logits | has read | has to predict |
|---|---|---|
| `logits[0]` | The | cat |
| `logits[1]` | The cat | sat |
| `logits[2]` | The cat sat | on |
| `logits[3]` | The cat sat on | nothing |

The last row has no answer, and no row predicts the first token (which is why section 5.1 put `START` before the text). The text is its own answer and no one has to label it, which is called **self-supervision**.

## Exercise 3 · The next-token loss

Write `next_token_loss(logits, ids, pad_id)`. `logits` has shape [B,T,V], `ids` has shape [B,T], and `logits[:, t]` predicts `ids[:, t+1]`.
The sentences of a batch differ in length, and short ones are filled up with `pad_id`. Return the mean loss (a scalar) over all positions whose **target is not padding**; if there are none, return 0. Take one mean over all tokens of the batch. If you averaged each sentence first, the tokens of short sentences would count too much.
Example: with V=2 and all logits 0 the loss is $\ln 2$, shifted or not, so do not test with zeros. You may call your `cross_entropy`; `.flatten(0, 1)` joins the first two axes and turns [B,T,V] into [B·T,V].
"""
# %% exercise id="loss.next_token"
...
# %%
cl.check("loss.next_token")

# %% zh [md]
r"""
### 哪些词元算数

微调对话模型时，训练文本由提问和回答组成，而要学的只有回答。办法是把提问部分的标签设成 −100，损失就会忽略它们。
下面给同一个问题配两个回答，一对一错，各算两种平均：全部词元，和只算回答。
"""
# %% en [md]
r"""
### Which tokens count?

When a chat model is fine-tuned, the text consists of a question and an answer, and only the answer is to be learnt. The usual way is to set the labels of the question to −100, so that the loss ignores them.
Below, one question gets a right and a wrong answer. For each we compute two means: over all tokens, and over the answer only.
"""
# %% rows="R46"
next_token_loss = cl.use("loss.next_token")

question, rows = "What is the capital of Japan? The capital of Japan is", []
prompt = len(model.tokenizer(question).input_ids)
for answer in (" Tokyo", " banana"):
    text = model.tokenizer(question + answer, return_tensors="pt").to(model.device)
    ids, labels = text.input_ids, text.input_ids.clone()
    labels[:, :prompt] = -100                           # the question does not count
    with torch.inference_mode():
        output = model.model(ids, labels=labels)        # transformers does the shift
    losses = (next_token_loss(output.logits, ids, model.tokenizer.pad_token_id),
              cross_entropy(output.logits[0, :-1], labels[0, 1:]), output.loss)
    rows.append((answer, *(f"{float(loss):.2f}" for loss in losses)))
cl.viz.table(rows, header=cl.L(zh=["", "全部词元", "只算回答", "transformers 的损失"],
                               en=["", "all tokens", "answer only", "loss of transformers"]))

# %% zh [md]
r"""
回答从 Tokyo 换成 banana，全部词元的平均只从 1.8 升到 3.7，回答自己的损失却从 0.1 升到 22.5：提问里的词元把差别摊薄了，而它们本来就不用学。（Transformers 自己会错位，把标签设成 −100 就行，最后两列相等。）

### 忘了错位会怎样

现在做一个实验。两个结构相同的小模型，读同样的中文句子，从头训练。一个错开一位；另一个忘了错位，让 `logits[t]` 去预测 `ids[t]`，也就是它刚读到的那个字。
"""
# %% en [md]
r"""
When the answer changes from Tokyo to banana, the mean over all tokens rises only from 1.8 to 3.7, while the loss of the answer itself rises from 0.1 to 22.5. The tokens of the question, which the model need not learn to write, dilute the difference. (Transformers does the shift itself; you only set labels to −100. The last two columns are equal.)

### What if you forget the shift?

Now an experiment. Two small models of the same architecture are trained from scratch on the same Chinese sentences (the first one printed below says *The doctor wants to wash a green house*). One shifts by one. The other forgets the shift: `logits[t]` has to predict `ids[t]`, the very character that it has just read.
"""
# %%
cl.guess("loss.shift",
         cl.L(zh="训练结束时，哪个模型的损失更低？", en="Which model ends with the lower loss?"),
         choices=cl.L(zh=["错开一位的", "忘了错位的", "差不多"], en=["shifted by one", "shift forgotten", "about equal"]))

# %% rows="R21"
import os

corpus = cl.text.parallel()         # simple sentences made by a grammar, all different
sentences = [pair.zh for pair in corpus.train]
held_out = [pair.zh for pair in corpus.valid[:512]]
tokenizer = cl.text.sentence_tokenizer(sentences)           # one character, one token
PAD = tokenizer.pad_token_id

def batches_of(some):
    """Batches of 64 sentences: ids [64, T], short ones filled up with PAD."""
    return [tokenizer(some[i:i + 64], padding=True, return_tensors="pt").input_ids
            for i in range(0, len(some), 64)]

words = cl.L(zh="{0:,} 句，{1} 种词元，例如", en="{0:,} sentences, {1} tokens; for example")
print(words.format(len(sentences), len(tokenizer)), *sentences[:3])

# %% training rows="R21"
size = dict(vocab_size=len(tokenizer), context=32, n_layer=1, n_head=2, d_model=64)
right, wrong = (cl.nn.Decoder(cl.nn.DecoderConfig(**size)) for _ in range(2))
steps = 40 if os.environ.get("COURSE_QUICK") == "1" else 250
batches, unseen = batches_of(sentences[:64 * steps]), batches_of(held_out)

def shifted(model, ids):
    return next_token_loss(model(ids), ids, PAD)

def unshifted(model, ids):
    return cross_entropy(model(ids).flatten(0, 1), ids.flatten(), ignore_index=PAD)

one_pass = cl.fit(right, batches, steps=steps, lr=5e-3, loss=shifted, val_data=unseen)
fooled = cl.fit(wrong, batches, steps=steps, lr=5e-3, loss=unshifted)

# %% training rows="R21"
def write(model, text):
    ids = tokenizer(text, return_tensors="pt").to(cl.device()).input_ids[:, :-1]
    ids = cl.generate(model, ids, max_new_tokens=8, eos_id=tokenizer.eos_token_id)
    return tokenizer.decode(ids[0], skip_special_tokens=True)

names = cl.L(zh=["错开一位的", "忘了错位的"], en=["shifted by one", "shift forgotten"])
cl.guess.result("loss.shift", names[fooled.loss[-1] < one_pass.loss[-1]])
rows = [(cl.L(zh="最后的损失", en="last loss"), f"{one_pass.loss[-1]:.3f}", f"{fooled.loss[-1]:.3f}")]
for text in ("我妹妹想", "老师", "你们"):
    rows.append((text + "…", write(right, text), write(wrong, text)))
cl.viz.table(rows, header=["", *names])

# %% zh [md]
r"""
忘了错位的模型损失几乎是 0，却只会重复最后一个字：“想想想想”。它学会的是**抄输入**，因为要预测的字就是它刚读到的字。错开一位的模型损失在 1.5 左右，却会接着写句子。
损失好得出奇，一个常见的原因是答案漏进了输入，这叫**泄漏**。和 5.4 节一样，先问不学任务能得到多低的损失。

## 5.7 困惑度和每字节比特数

平均损失取 exp，叫**困惑度**：$\exp\bigl(-\frac1T\sum_t\ln p(x_t\mid x_{<t})\bigr)$。困惑度为 10，表示平均起来，和在 10 个等可能的词元里猜一样难。
开头的 `loss 2.31` 和“困惑度 10”其实是一回事：$e^{2.31}\approx10$。损失降 0.1，困惑度就除以 $e^{0.1}\approx1.1$。算好还是算坏，要看和谁比；什么和什么能比，正是这一节要讲的。

## 练习 4 · 困惑度

写 `perplexity(log_probs, mask)`：`log_probs` 形状 [B,T]，是真正出现的词元的对数概率；`mask` 形状相同，1 表示算，0 表示不算。
返回 float：对**整个语料**里算数的词元取平均，取负，再取 exp。
例：对数概率都是 $\ln\frac14$，困惑度是 4，和句子多长无关。

## 练习 5 · 每字节比特数

困惑度按**词元**平均，而词元有长有短。一段文字的 UTF-8 字节数与怎么切无关，所以还可以按字节平均。
写 `bits_per_byte(total_nll, text)`：`total_nll` 是整段文字的负对数概率之和（nat），返回平均每个 UTF-8 字节多少比特。1 nat 等于 $1/\ln 2$ 比特，`text.encode("utf-8")` 给出文字的字节。
例：`total_nll` 是 $6\ln 2$，文字是“你好”（6 个字节），结果是 1.0。
"""
# %% en [md]
r"""
Without the shift the loss is almost 0, yet the model only repeats the last character: 想想想想, “want want want want”. It has learnt **to copy its input**, because the character to predict is the one it has just read. The other model has a loss of about 1.5, and it continues the sentences. (The openings mean *my sister wants*, *the teacher* and *you*.)
When a loss is surprisingly good, a common reason is that the answer has leaked into the input. This is called **leakage**. As in section 5.4, ask first how low a loss can get without learning the task.

## 5.7 Perplexity and bits per byte

The exp of the mean loss is called **perplexity**: $\exp\bigl(-\frac1T\sum_t\ln p(x_t\mid x_{<t})\bigr)$. A perplexity of 10 means that, on average, the prediction is as hard as a guess among 10 equally likely tokens.
So the `loss 2.31` and the “perplexity 10” of the beginning are the same: $e^{2.31}\approx10$. When the loss falls by 0.1, perplexity is divided by $e^{0.1}\approx1.1$. Whether that is good depends on what you compare it with. What can be compared with what is the subject of this section.

## Exercise 4 · Perplexity

Write `perplexity(log_probs, mask)`. `log_probs` has shape [B,T] and holds the log-probabilities of the tokens that actually came; `mask`, of the same shape, is 1 where a token counts and 0 where it does not.
Return a float: the mean over the counted tokens of the **whole corpus**, negated, then exp.
Example: if all log-probabilities are $\ln\frac14$, the perplexity is 4, however long the texts are.

## Exercise 5 · Bits per byte

Perplexity is a mean per **token**, and tokens differ in length. The number of UTF-8 bytes of a text does not depend on how it is cut, so one can also take the mean per byte.
Write `bits_per_byte(total_nll, text)`. `total_nll` is the sum of the negative log-probabilities of the whole text, in nats. Return the number of bits per UTF-8 byte. 1 nat is $1/\ln 2$ bits, and `text.encode("utf-8")` gives the bytes of a text.
Example: for `total_nll` $6\ln 2$ and the text “你好” (*hello*, 6 bytes) the result is 1.0.
"""
# %% exercise id="loss.perplexity"
...
# %% exercise id="loss.bits_per_byte"
...
# %%
cl.check("loss.perplexity")
cl.check("loss.bits_per_byte")

# %% zh [md]
r"""
### 同一个故事，两种语言

把一个住店的小故事用英文和中文各讲一遍，让 SmolLM2 读。它学的几乎都是英文。表里有三种单位：困惑度（按词元）、每字节比特数（按字节）、整篇比特数（不平均）。
"""
# %% en [md]
r"""
### One story in two languages

SmolLM2 reads a little story about a hotel, once in English and once in Chinese. It has learnt almost only from English. The table uses three units: perplexity (per token), bits per byte, and the bits of the whole story (no mean at all).
"""
# %% rows="R51"
perplexity, bits_per_byte = cl.use("loss.perplexity"), cl.use("loss.bits_per_byte")
def report(name, log_probs, text):
    total, each = -sum(log_probs), torch.tensor([log_probs])            # nats; [1, T]
    ppl = perplexity(each, torch.ones_like(each))
    return (name, f"{len(log_probs):,}", f"{ppl:.1f}",
            f"{bits_per_byte(total, text):.2f}", f"{total / math.log(2):,.0f}")

texts = ("The room was clean and quiet, and the staff were friendly. Breakfast was "
         "good, but the coffee was cold. We walked to the old town in ten minutes.",
         "房间干净又安静，服务员也很友好。早餐不错，但是咖啡是凉的。我们走了十分钟就到了老城。")
rows = [report(name, [token.log_prob for token in model.score(START + text)], text)
        for name, text in zip(cl.L(zh=["英文", "中文"], en=["English", "Chinese"]), texts)]
header = ["", *cl.L(zh=["词元数", "困惑度", "每字节比特", "整篇比特"],
                    en=["tokens", "perplexity", "bits per byte", "bits in all"])]
cl.viz.table(rows, header=header, right=(1, 2, 3, 4))

# %% zh [md]
r"""
两个困惑度相差不大，好像 SmolLM2 的中文也不错。可是中文的词元数是英文的两倍多，讲完同一个故事用的总比特数也是两倍多。SmolLM2 常把一个汉字切成两三个字节词元（把中文粘到 5.1 节就看得见），除了第一个，后面的往往更好猜，平均损失就被拉低了。
每字节比特数也不是公平的比法。第 1 章说过，先要看是不是同一段文字。一个汉字占 3 个字节，同样的内容，两种语言的字节数不一样。内容相同而语言不同，就比**整篇比特数**；即便如此，译得详细还是简略也会有影响。

### 同一段文字，四种分词器

现在文字不变，模型的算法也不变（数出来的三元模型，第 1 章），只换分词器：词表从 300 到 4000，词表越大，词元越长。
"""
# %% en [md]
r"""
The two perplexities are not far apart, as if the Chinese of SmolLM2 were good. But the Chinese story has more than twice as many tokens, and in total it takes more than twice as many bits. SmolLM2 often cuts a Chinese character into two or three byte tokens (copy the Chinese text into section 5.1 to see them). Those after the first are often easier to guess, and this lowers the mean.
Bits per byte are not a fair comparison here either. Chapter 1 warned you to ask first whether the text is the same. A Chinese character takes 3 bytes, so the same content has different numbers of bytes in two languages. For the same content in two languages, compare the **bits of the whole story**; even then it matters how wordy the translation is.

### One text, four tokenizers

Now the text stays the same, and so does the kind of model (a trigram made by counting, as in chapter 1). Only the tokenizer changes: its vocabulary grows from 300 to 4000, and the larger the vocabulary, the longer the tokens.
"""
# %%
cl.guess("loss.vocabulary",
         cl.L(zh="词表从 300 增到 4000，困惑度和每字节比特数怎么变？",
              en="As the vocabulary grows to 4000, what do perplexity and bits per byte do?"),
         choices=cl.L(zh=["都上升", "都下降", "只有困惑度上升", "只有每字节比特数上升"],
                      en=["both rise", "both fall", "only perplexity rises",
                          "only bits per byte rise"]))

# %% rows="R51"
from course_lib.text.ngram import Trigram
reviews = cl.text.reviews()
texts = [[review.text for review in some]
         for some in (reviews.train[:1000], reviews.valid[:50], reviews.test[:100])]
rows, trained = [], model.tokenizer.train_new_from_iterator
for vocabulary in (300, 600, 1500, 4000):
    cut = trained(texts[0], vocabulary, show_progress=False)
    learn, tune, test = ([cut(START + t).input_ids for t in some] for some in texts)
    trigram = Trigram(learn, tune, vocabulary)
    log_probs = [math.log(trigram.probability(ids, i))
                 for ids in test for i in range(1, len(ids))]
    rows.append(report(vocabulary, log_probs, "".join(texts[2])))
cl.guess.result("loss.vocabulary", cl.L(zh="只有困惑度上升", en="only perplexity rises"))
cl.viz.table(rows, header=[cl.L(zh="词表大小", en="vocabulary"), *header[1:]], right=(1, 2, 3, 4))

# %% zh [md]
r"""
困惑度从 11.8 升到约 690，每字节比特数却从 2.72 降到 2.29，在这 100 条评论上，两个指标的排名**正好相反**。词元越长，每一步越难猜，困惑度就越高，而要猜的步数少了。文字相同，字节数就相同，所以每字节比特数和整篇比特数的排名一致。
结论是，**困惑度要文字和切法都相同才能比；每字节比特数要文字相同才能比**。

## 5.8 训练损失在降，说明了什么

第四份讲义说大模型“容易过拟合”，第三份专门问“如何解决大模型的过拟合问题”。先看什么时候会过拟合。
5.6 节的模型，每个句子只读**一遍**。现在用结构相同的新模型、同样的步数，只给 100 个句子，反复地读。
"""
# %% en [md]
r"""
Perplexity rises from 11.8 to about 690, while bits per byte fall from 2.72 to 2.29: on these 100 reviews the two measures rank the tokenizers **in opposite order**. The longer the tokens, the harder each step is to guess, and perplexity rises; but there are fewer steps. The text is the same and so is its number of bytes, which is why bits per byte and bits in all agree.
In short: **compare perplexities only for the same text cut into the same tokens, and bits per byte only for the same text**.

## 5.8 The training loss is falling. What does that tell you?

The fourth handout says that large models “overfit easily”, and the third one asks how to solve the overfitting of large models. When does a model overfit?
The model of section 5.6 read every sentence **once**. Now we train a new model of the same architecture for the same number of steps, but on only 100 sentences, read again and again.
"""
# %% training rows="E45"
few = cl.nn.Decoder(cl.nn.DecoderConfig(**size))
many_passes = cl.fit(few, batches_of(sentences[:100]), steps=steps, lr=5e-3,
                     loss=shifted, val_data=unseen, show=False)

figure, axes = plt.subplots(1, 2, figsize=(8.4, 3), sharey=True)
titles = (cl.L(zh="{0:,} 句，各读一遍", en="{0:,} sentences, once each").format(64 * steps),
          cl.L(zh="100 句，各读 {0} 遍", en="100 sentences, {0} times each").format(steps // 2))
line = cl.L(zh="{0}：训练 {1:.2f}，验证 {2:.2f}，最低时 {3:.2f}",
            en="{0}: training {1:.2f}, validation {2:.2f}, at its lowest {3:.2f}")
for axis, history, title in zip(axes, (one_pass, many_passes), titles):
    history.plot(axis)
    axis.set_title(title)
    val = history.val_loss
    print(line.format(title, history.loss[-1], val[-1], min(val)))
plt.show()

# %% zh [md]
r"""
右边，训练损失一路下降，验证损失先降后**升**，这就是**过拟合**：模型在背这 100 句。左边，每个句子都是第一次见，训练损失和验证损失几乎相同。（浅色线是每一步的训练损失，深色线是滑动平均，总是慢一拍。）
大模型的预训练更像左边，大部分文字通常只读一两遍；过拟合更常见于**微调**，那时往往只有几百几千条数据（第 8 章）。两份讲义没有区分这两个阶段。
第四份讲义还把“训练速度快”列为优点，把“训练成本高”列为缺点。两句话说的是不同的量。Transformer 并行计算一句话的所有位置，所以**每个词元**快；但词元太多，所以**总共**贵。SmolLM2-135M 读了 2 万亿个词元（Allal 等 2025，[arXiv:2502.02737](https://arxiv.org/abs/2502.02737)）。

### 有几分把握，就该对几成

模型给出的概率可信吗？这也可以查。它给首选字的概率叫**把握**；平均把握等于正确率，是**校准**得好的起码条件（更严的要求是，每一档把握都如此）。
下面在同样的 512 个没见过的句子上比较两个模型，再把第二个模型的 logits 统统除以温度 $T=2$（第 7 章讲温度）。除以一个正数不改变谁排第一，所以正确率不变，变的只是把握。
"""
# %% en [md]
r"""
On the right the training loss keeps falling, while the validation loss first falls and then **rises**. This is **overfitting**: the model is memorising the 100 sentences. On the left every sentence is new when it is read, and training and validation loss are almost the same. (The pale line is the training loss of every step; the dark one is a running mean, which lags behind.)
The pretraining of large models is more like the left: most text is usually read only once or twice. Overfitting is more common in **fine-tuning**, where there are often only hundreds or thousands of examples (chapter 8). The two handouts do not distinguish these two stages.
The fourth handout also lists “training is fast” as a strength and “training is expensive” as a weakness. They are about different quantities. A Transformer computes all positions of a sentence in parallel, so **each token** is fast; but there are so many tokens that the **whole** is expensive. SmolLM2-135M has read 2 trillion of them (Allal et al. 2025, [arXiv:2502.02737](https://arxiv.org/abs/2502.02737)).

### Confidence should match accuracy

Can you trust the probabilities of a model? This can be checked, too. The probability that it gives to its first choice is called its **confidence**. A well **calibrated** model must at least have a mean confidence equal to its accuracy (a stricter test asks this at every level of confidence).
Below we compare the two models on the same 512 unseen sentences. We then divide the logits of the second one by a temperature of $T=2$ (chapter 7 explains temperature). Dividing by a positive number does not change which token comes first, so the accuracy stays the same; only the confidence changes.
"""
# %% training rows="E45"
ids = tokenizer(held_out, padding=True, return_tensors="pt").input_ids
counted = ids[:, 1:] != PAD

targets = ids[:, 1:][counted]                               # (N,)
rows = []
for name, net, T in zip([*titles, titles[1]], (right, few, few), (1, 1, 2)):
    with torch.inference_mode():
        logits = net(ids.to(cl.device()))[:, :-1].float().cpu()[counted] / T    # (N, V)
    confidence, choice = logits.softmax(1).max(1)
    accuracy, loss = (choice == targets).float().mean(), cross_entropy(logits, targets)
    rows.append((name, T, f"{confidence.mean():.0%}", f"{accuracy:.0%}", f"{loss:.2f}"))
cl.viz.table(rows, header=cl.L(zh=["", "T", "平均把握", "正确率", "验证损失"],
    en=["", "T", "confidence", "accuracy", "validation loss"]))

# %% zh [md]
r"""
只读一遍的模型，平均把握和正确率几乎相等。反复读 100 句的模型正确率低，把握却高得多：它**过度自信**，而自信的错误损失特别大。$T=2$ 时把握降到和正确率差不多，一个首选字也没有变，验证损失就小了一截。可见它的验证损失有一部分来自过度自信。

## 5.9 同一批句子，两种训练目标

同样的句子可以出两种题：

- **因果**（GPT）：每个位置只看左边，预测下一个字。每个字都算损失。
- **掩码**（BERT）：盖住一些字，用 `▢` 代替，两边都看，只对盖住的字算损失；其余标签设为 −100，让 `ignore_index` 忽略。

因果模型 5.6 节已经训练好。现在用同一个语料训练一个掩码模型；它每十个字只有三个左右算损失，所以给它两倍的句子和步数。
"""
# %% en [md]
r"""
For the model that read everything once, mean confidence and accuracy are almost equal. The model that read 100 sentences again and again has a lower accuracy and a much higher confidence: it is **overconfident**, and confident errors have a very high loss. With $T=2$ its confidence comes down close to its accuracy. Not a single first choice has changed, yet the validation loss is clearly lower. So part of its validation loss came from overconfidence.

## 5.9 The same sentences, two objectives

The same sentences can be turned into two kinds of question:

- **Causal** (GPT): every position sees only its left and predicts the next character. Every character counts.
- **Masked** (BERT): some characters are covered by `▢`. The model sees both sides, and only the covered characters count; all other labels are −100, so that `ignore_index` leaves them out.

The causal model was trained in section 5.6. Now a masked model is trained on the same corpus. Only about three characters in ten count for it, so it gets twice as many sentences and steps.
"""
# %% training rows="R21"
MASK = tokenizer.mask_token_id          # the last special token: ids above it are text
def masked(ids):
    """Three characters in ten are covered: what the model reads, and the labels."""
    cover = (torch.rand(ids.shape, generator=chance) < 0.3) & (ids > MASK)
    return {"ids": ids.masked_fill(cover, MASK),
            "labels": ids.masked_fill(~cover, -100)}

def masked_loss(model, batch):
    logits = model(batch["ids"], mask=batch["ids"] != PAD)
    return cross_entropy(logits.flatten(0, 1), batch["labels"].flatten())

bert = cl.nn.Encoder(cl.nn.EncoderConfig(
    **size, mlm_head=True, n_segment=0, norm_first=True, tied=False))
examples = [masked(ids) for ids in batches_of(sentences[:128 * steps])]
both_ways = cl.fit(bert, examples, steps=2 * steps, lr=5e-3, loss=masked_loss)

# %% training rows="R21"
text = "我妹妹明天想吃米饭。"
ids = tokenizer(text, return_tensors="pt").input_ids        # (1, n + 2): <s>, </s>
n, place = torch.arange(len(text)), torch.arange(len(text)) + 1
covered = ids.repeat(len(text), 1)                          # (n, n + 2)
covered[n, place] = MASK                                    # row i covers character i
with torch.inference_mode():
    causal = right(ids.to(cl.device()))[0, n].float().cpu()     # (n, V)
    both_sides = bert(covered.to(cl.device()))[n, place].float().cpu()

rows = []
for name, logits in ((cl.L(zh="因果", en="causal"), causal), (cl.L(zh="掩码", en="masked"), both_sides)):
    losses = -logits.log_softmax(1).gather(1, ids[0, place][:, None])[:, 0]     # (n,)
    rows.append((name, *(f"{loss:.1f}" for loss in losses), f"{losses.mean():.2f}"))
cl.viz.table(rows, header=["", *text, cl.L(zh="平均", en="mean")], right=range(1, 12))

# %% zh [md]
r"""
同一个字，两行的损失可以差很多。因果模型猜“明”的时候，“天”还没有出现，损失高；掩码模型看得见右边的“天”，损失低得多。第二个字“妹”也一样，右边还有一个“妹”。反过来，“饭”前面有“米”，因果模型的损失几乎是 0，这个掩码模型也看得见“米”，损失却高得多。（这只是一句话的例子。）
两个平均值**不能比大小**，因为题目不同。因果损失加起来，是整句话的负对数概率；掩码损失加起来，不是这句话的负对数概率（第 1 章 1.8 节）。

## 小结

- 一个词元的损失是 $-\ln p$。平均起来是交叉熵，等于熵加 KL；最大似然、最小交叉熵、最小 $\mathrm{KL}(p\,\|\,q)$ 得到同一个模型。
- logits 不是对数概率。$L=\ln\sum_j e^{z_j}-z_y$；先减去最大值，全程用对数，±1000 的 logits 也算得准。
- 损失对 logits 的梯度是 $p-y$。
- 很低的损失可能来自错误的公式（5.4 节）、漏进输入的答案（5.6 节）或背下来的训练集（5.8 节）。先问不学任务能得几分，再看没见过的数据。
- 困惑度要文字和切法都相同才能比，每字节比特数要文字相同；内容相同而语言不同，看整篇比特数。训练目标不同，损失不能比。

还想动手：在 5.1 节找一句真话，让它的损失比一句假话高；在 5.5 节把 ε 拖到 0.6，从三个角各走十步，看它们是不是走向同一点；把 5.9 节的 `0.3` 改成 BERT 的 `0.15`，掩码模型学得更快还是更慢？
接下来：[第 6 章 预训练](06_pretraining.ipynb)。
"""
# %% en [md]
r"""
For one and the same character, the two losses can differ a lot. The causal model has to predict 明 before 天 has come (together 明天, *tomorrow*), and its loss is high. The masked model sees 天 on the right, and its loss is much lower. The same holds for the first 妹, which is followed by another 妹 (together 妹妹, *sister*). On the other hand, 饭 follows 米 (together 米饭, *rice*): the causal model has a loss close to 0, while this masked model, which sees 米 as well, has a much higher one. (The sentence says *My sister wants to eat rice tomorrow.* It is only one example.)
The two means **cannot be compared**, because the questions differ. The causal losses add up to the negative log-probability of the sentence. The masked losses do not (section 1.8 of chapter 1).

## Summary

- The loss of a token is $-\ln p$. The mean is cross-entropy, which is entropy plus KL. Maximum likelihood, minimum cross-entropy and minimum $\mathrm{KL}(p\,\|\,q)$ lead to the same model.
- Logits are not log-probabilities. $L=\ln\sum_j e^{z_j}-z_y$; subtract the maximum, stay in logarithms, and logits of ±1000 are no problem.
- The gradient of the loss with respect to the logits is $p-y$.
- A very low loss may come from a wrong formula (section 5.4), from answers that leaked into the input (5.6) or from a memorised training set (5.8). Ask first what a model could score without learning the task, then look at unseen data.
- Compare perplexities only for the same text cut into the same tokens, and bits per byte only for the same text. For the same content in two languages, compare the bits of the whole. Losses of different objectives cannot be compared.

To try: in section 5.1, find a true sentence with a higher loss than a false one. In 5.5, drag ε to 0.6 and take ten steps from each of the three corners: are they heading for the same point? Change the `0.3` of section 5.9 to BERT's `0.15`: does the masked model learn faster or more slowly?
Next: [chapter 6, pre-training](06_pretraining.ipynb).
"""

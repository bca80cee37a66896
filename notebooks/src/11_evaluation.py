# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 11 · 评估与实验：真的更好，还是运气好

你换了一句提示，分数涨了 6 分。是真的更好，还是运气好？换一个种子、换一种算分法，这 6 分还在不在？
做模型的人每天都要回答这个问题，而我们又都容易相信自己盼着的结果。

这一章回答三个问题：

- 同一批题，换一种算分法，名次会不会变？
- 差几分才算差？要考多少题，才看得出来？
- 分数好得可疑，该去哪里找毛病？

这一章里埋了四处毛病，都是真实的实验里会出的。每一处都先请你来找，然后才说答案。
"""
# %% en [md]
r"""
# 11 · Evaluation and experiments: is it really better, or did we get lucky?

You change one sentence of a prompt, and the score rises by 6 points. Is it really better, or did you get lucky? Will it still be there with another seed, or another way of scoring?
Whoever builds models faces this question every day, and all of us readily believe the result we hoped for.

This chapter answers three questions:

- On the same questions, does another way of scoring change the ranking?
- How many points make a difference, and how many questions does it take to see one?
- Where do you look when a score is too good?

Four faults are planted in this chapter, of kinds that real experiments suffer from. You are asked to find each of them before the answer is given.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()


# %% zh [md]
r"""
## 11.1 一张卷子，三种算分法

`cl.text.exam("en")` 是我们自己出的 50 道四选一，常识题，逐题核对过；`exam("zh")` 是同样的题，写成中文。
SmolLM2 主要读英语，所以先考英文卷。

语言模型怎么做选择题？常用的办法是不让它写字，只看题目后面接上这个选项的概率有多大。第 1 章的 `sequence_log_prob` 就能算，`cl.interpret.option_log_probs` 一次算四个选项。拿到四个对数概率以后，怎样选出一个，有三种常见的算分法：

1. **总和**：选项所有词元的对数概率加起来，选最大的。
2. **每字符平均**：总和除以选项的字符数。长选项要乘更多个小于 1 的数，总和吃亏，除一除，长短就拉平了一些。
3. **减去先验**：有些选项不看题目也很可能。减去它接在单单一个 `Answer:` 后面的对数概率，剩下的才是题目带来的。

拖动题号，看三种办法各选了谁。✓ 是正确答案，◀ 是这一种办法选中的。
"""
# %% en [md]
r"""
## 11.1 One exam, three ways to score it

`cl.text.exam("en")` holds 50 multiple-choice questions of our own, common knowledge, each checked; `exam("zh")` has the same questions in Chinese.
SmolLM2 reads mainly English, so it sits the English exam first.

How does a language model answer multiple choice? The usual way does not let it write at all. It asks: after this question, how probable is that option? `sequence_log_prob` of chapter 1 would do; `cl.interpret.option_log_probs` does it for four options at once. There are three common ways to turn these four log-probabilities into a choice:

1. **Total**: add up the log-probabilities of the option's tokens; the largest wins.
2. **Mean per character**: divide the total by the number of characters. A long option multiplies more numbers below 1, which the total holds against it.
3. **Minus the prior**: some options are probable without any question. Subtract the log-probability of the option after a bare `Answer:`; what remains is what the question adds.

Drag the number of the question and see which option each of the three picks. ✓ is the right answer, ◀ what that way of scoring chose.
"""
# %%
import os, random, re, time
import matplotlib.pyplot as plt
import numpy as np, torch
quick = os.environ.get("COURSE_QUICK") == "1"           # small sizes, for the tests
model, items = cl.load("smollm2-135m"), cl.text.exam("en")
answers = np.array([item.answer for item in items])

def bare(item):
    return f"Question: {item.question}\nAnswer:"

def sit(m, items, prompt, space=" "):
    """ln P(option | prompt) of every question and option: [N, 4]."""
    return np.array([cl.interpret.option_log_probs(
        m, prompt(item), [space + option for option in item.options])
        for item in items]).round(3)

# %%
def score(total, prior, items):
    """The three ways to score, [N, 4] each."""
    size = np.array([[len(option) for option in item.options] for item in items])
    return dict(zip(cl.L(zh=["总和", "每字符", "减先验"], en=["total", "per character", "minus prior"]),
                    (total, total / size, total - prior)))

def one_question(item):
    one = items[item - 1]
    ways = score(sit(model, [one], bare), sit(model, [one], lambda _: "Answer:"), [one])
    rows = [["✓ " + option if i == one.answer else option, *(
        f"{way[0, i]:.2f} {'◀' if i == way.argmax() else ''}" for way in ways.values())]
        for i, option in enumerate(one.options)]
    return cl.viz.paragraph(one.question) + cl.viz.table(rows, ["", *ways])

cl.viz.explore(one_question, item=(1, 50, 5))


# %% zh [md]
r"""
第 5 题问毛毛虫变成什么。总和选了 Spiders；三种算分法里，只有每字符选对了 Butterflies or moths：正确答案长，在总和里吃亏。这只是一题，50 题下来呢？

同时让三种提示比一比：光题目（`bare`）；前面放三道做好的例题（`examples`）；套上**聊天模板**（`chat`），也就是聊天模型训练时见惯的格式，标出哪一段是用户说的、哪里该它回答。表里 `#` 后面是这一列的名次。最后一行是**不看题目**的对照，按选项接在 `Answer:` 后面的概率来选。空着的两格没法算：对照减去它自己是 0；`chat` 的选项前面没有空格，切出的词元不同，不能减同一个先验。先猜一猜，不看题目能对几题。（算分要两分钟，读的是保存的结果。）
"""
# %% en [md]
r"""
Question 5 asks what caterpillars turn into. The total picks Spiders; of the three only the mean per character finds Butterflies or moths, a long answer that the total puts at a disadvantage. This is one question. What about all 50?

At the same time three prompts compete: the bare question (`bare`), three worked examples in front of it (`examples`), and the **chat template** (`chat`), the format a chat model was trained on, which marks what the user says and where the reply begins. In the table `#` is the rank within the column. The last line is a control with the **question unseen**: it picks by the probability of the options after `Answer:`. Two cells stay empty. The control minus itself is 0; and the options after `chat` have no space in front, so they are cut into other tokens and this prior does not fit them. Guess first how many questions the control gets right. (Scoring takes two minutes, so a kept result is read.)
"""
# %%
ASK = {"en": "Question: {}\nAnswer:", "zh": "问题：{}\n答案："}
EXAMPLES = ("Question: What do cows eat?\nAnswer: Grass\n\n"
            "Question: How many wheels does a bicycle have?\nAnswer: Two\n\n"
            "Question: Where do fish live?\nAnswer: In water\n\n")

def as_chat(text):
    return model.tokenizer.apply_chat_template(
        [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True)

def three_prompts():
    prompts = {"prior": lambda item: "Answer:", "bare": bare,
               "examples": lambda item: EXAMPLES + bare(item)}
    found = {name: sit(model, items, ask).tolist() for name, ask in prompts.items()}
    found["chat"] = sit(model, items, lambda item: as_chat(item.question), "").tolist()
    return found

# %%
cl.guess("evaluate.unseen",
         cl.L(zh="不看题目、只看选项，按总和，50 题里 SmolLM2 能对几题？",
              en="By the total, how many of 50 is SmolLM2 right on with the question unseen?"),
         unit="/ 50")

# %%
logs = cl.results.stored("11_prompts", three_prompts)
logs = {name: np.array(table) for name, table in logs.items()}
prior = logs[cl.L(zh="不看题目", en="question unseen")] = logs.pop("prior")
right = {name: {way: table.argmax(1) == answers                # [name][way]: (N,)
                for way, table in score(total, prior, items).items()}
         for name, total in logs.items()}
ways, (plain, _, chat, unseen) = list(right["bare"]), right.values()
del chat[ways[2]], unseen[ways[2]]                             # the empty cells
order = {way: sorted([-hits[way].sum() for hits in right.values() if way in hits])
         for way in ways}
rows = [(name, *(f"{cl.metrics.tally(hit)}  #{1 + order[way].index(-hit.sum())}"
                 for way, hit in hits.items())) for name, hits in right.items()]
display(cl.viz.table(rows, ["", *ways]))
print(cl.L(zh="bare − 不看题目，百分点：", en="bare − unseen, points:"), cl.metrics.lead(plain[ways[0]], unseen[ways[0]]))
cl.guess.result("evaluate.unseen", int(unseen[ways[0]].sum()), tolerance=2)

# %% zh [md]
r"""
按总和，`bare` 和 `chat` 并列第二；按每字符，`chat` 掉到第三。算分法一换，名次就不全一样了。不过先看差距有多大。换提示，按总和只从 34 题变到 35 题；换算分法，`bare` 就从 34 变到 30。每个区间都大约 25 个百分点宽，这些差别都还不能当真，11.4 节拿其中一个来检验。眼下清楚的只有一点：报分数的人要说清楚分数是怎么算的。

最后一行更要紧。四个选项瞎猜，平均对 12.5 题，**不看题目**按总和却对了 19 题，所以总和的底线不能按 25% 算。按每字符是 15 题，区间盖住 25%。SmolLM2 按总和对 34 题，该看的是比 19 多出来的 15 题，也就是表下面打印的 30 个百分点，区间离 0 很远。

下一张表回答第二份讲义里的问题，怎样选预训练模型：把候选放在一起，考同样的题（两个中文模型考中文卷），量大小、速度和分数。MiniLM 不会写字，就看哪个选项的向量离题目最近；它的对照是换成**上一题**的题目。另外三个按总和算分。“每题”是看题、不看题各算一遍的时间。想考你自己的模型，把下一格里的一个名字换掉，`cl.load` 装得下、会往下写的都可以。
"""
# %% en [md]
r"""
By the total, `bare` and `chat` share the second place; per character `chat` drops to the third: another way of scoring, and the ranking is not quite the same. But look at the size of the differences first. Another prompt moves the total from 34 to 35 questions; another way of scoring moves `bare` from 34 to 30. Each interval is about 25 points wide, so none of these differences can be trusted yet; section 11.4 tests one of them. For now, one thing is clear: whoever reports a score has to say how it was computed.

The last line matters more. Guessing among four options gets 12.5 right on average; with the **question unseen** the total gets 19, so 25 % is not the floor of the total. Per character it is 15, and the interval covers 25 %. By the total SmolLM2 has 34; what counts is the 15 beyond those 19, the 30 points printed below the table, whose interval is far from 0.

The next table answers a question of the second handout, how to choose a pre-trained model: put the candidates side by side, give them the same questions (the two Chinese models get them in Chinese), and measure size, speed and score. MiniLM cannot write, so the option whose vector is nearest to the question's wins; its control takes the question **before** this one. The other three are scored by the total. “Each” is the time for a question seen and unseen. To test a model of your own, change one name in the next cell; any model that `cl.load` takes and that can write will do.
"""
# %% timing rows="R41"
rows, size = [], 6 if quick else 50
for name, lang, space in (("smollm2-135m", "en", " "), ("minilm-l6", "en", ""),
                          ("zh-gpt", "zh", ""), ("zh-verse", "zh", "")):
    m, sheet, start = cl.load(name), cl.text.exam(lang)[:size], time.perf_counter()
    if name == "minilm-l6":         # it cannot write: which option's vector is nearest?
        asked = m.embed([q.question for q in sheet])                           # (N, D)
        seen = [m.embed(q.options) @ asked[i] for i, q in enumerate(sheet)]
        unseen = [m.embed(q.options) @ asked[i - 1] for i, q in enumerate(sheet)]
    else:
        seen = sit(m, sheet, lambda q: ASK[lang].format(q.question), space)
        unseen = sit(m, sheet, lambda q: ASK[lang].split("\n")[1], space)
    each = f"{1000 * (time.perf_counter() - start) / size:.0f} ms"
    hits = [[x.argmax() == i for x, i in zip(xs, answers)] for xs in (seen, unseen)]
    rows.append((name, f"{m.card.parameters:,}", each, *map(cl.metrics.tally, hits)))
cl.viz.table(rows, cl.L(zh=["模型", "参数", "每题", "答对", "不看题目"], en=["model", "parameters", "each", "right", "unseen"]))


# %% zh [md]
r"""
先看 `zh-verse`，一个只读过古诗的小模型：看题和不看题，对的题数差不多，都比瞎猜多，它的分数里看不出知识。多对的这些从哪里来，我们没有查清，可能是有些选项本身更常见，也可能是长短。
MiniLM 只有 SmolLM2 的六分之一大，对 37 题，每题用的时间也少得多；换成上一题的题目，它只对 12 题，和瞎猜差不多。只要挑选项，用不着会写字。（37 和 34 的差没有检验；50 题多半分不出来。）所以选模型可以这样做：先看任务要不要写字、是哪种语言，再用自己的题量分数、时间和不看题目的对照，够用的里面挑最小的。

## 11.2 让它自己写，再来判分

真正用起来，模型是要写字的。不给选项，用 `examples` 提示让它写出答案，再由程序判对错，这叫生成式评分。这样就多了一个零件，**判分器**。判分器也是代码，也会错。
下面的 `grade` 只有一行，要求一字不差（**精确匹配**，exact match），看着没什么问题。下面打印了后 30 题的判定，依次是题号、判定、标准答案、模型写的、题目。SmolLM2 考的是英文题，所以答案和回答是英文。

第一处毛病就在这里。**请逐条读完**，数一数有几条判错了，再往下看。
"""
# %% en [md]
r"""
Look at `zh-verse` first, a small model that has read nothing but classical poems. It gets about as many right with the question as without, and more than guessing either way; its score shows no knowledge. Where the advantage comes from we have not found out. Some options may be more common than others, or it may be their length.
MiniLM, a sixth of SmolLM2's size, gets 37 and needs much less time for each; with the question before in place of this one it gets 12, about what guessing gets. To pick an option, a model need not write. (The gap between 37 and 34 was not tested; 50 questions will hardly tell them apart.) So choose like this: ask first whether the task needs writing, and in which language; then measure score, time and the unseen control on questions of your own; and of the models that are good enough take the smallest.

## 11.2 Let it write, then grade

In real use a model writes. Give it no options, let it write an answer after the `examples` prompt, and let a program judge: this is **generation** scoring. It has one more part, the **grader**. A grader is code, too, and can be wrong.
`grade` below is a single line that asks for an **exact match** and looks harmless. Its verdicts on the last 30 questions are printed: the number of the question, the verdict, the gold answer, what the model wrote, and the question.

The first fault is here. **Read all of them** and count how many verdicts are wrong before you go on.
"""
# %%
def fifty_replies():
    prompts = [EXAMPLES + bare(item) for item in items]
    return [reply.split("\n")[0].strip() for reply in model.generate(prompts, 8)]

def grade(reply, item):
    return reply == item.options[item.answer]

replies = cl.results.stored("11_replies", fifty_replies)
for i in range(20, 50):
    mark = "✓" if grade(replies[i], items[i]) else "✗"
    gold = items[i].options[items[i].answer]
    asked = cl.text.exam(cl.L(zh="zh", en="en"))[i].question[:42]
    print(f"{i + 1} {mark} {gold:29s}| {replies[i]:19s}| {asked}")
cl.guess("evaluate.grader", cl.L(zh="这 30 条判定里，有几条判错了？", en="Of these 30 verdicts, how many are wrong?"), unit="/ 30")

# %%
DIGITS = dict(zip("one two three four five six seven eight nine".split(), "123456789"))

def words(text):
    found = re.findall("[a-z0-9]+", text.lower())
    return {DIGITS.get(word, word) for word in found} - {"a", "an", "the"}

exact = list(map(grade, replies, items))
loose = [words(item.options[item.answer]) <= words(reply)
         for reply, item in zip(replies, items)]
by_us = [ok or i in (2, 3, 35, 49, 50) for i, ok in enumerate(loose, 1)]  # read by us
graders = cl.L(zh=["选，按总和", "写，精确匹配", "写，比词", "写，我们逐条读"], en=["picks, total", "writes, exact", "writes, by words", "writes, read by us"])
hits = right["examples"][ways[0]], exact, loose, by_us
display(cl.viz.table(zip(graders, map(cl.metrics.tally, hits))))
wrong = sum(a != b for a, b in zip(exact[20:], by_us[20:]))
cl.guess.result("evaluate.grader", wrong, tolerance=3)


# %% zh [md]
r"""
照我们的读法，30 条里判错了 8 条，全是把对的判成错。（第 48 条不算：英文题问的是和 quick 意思差不多的词，`Quick` 只是把题目抄了一遍。）`River Thames`、`Hammer`、`The dentist`、`7 days`、`3` 只是写法不同，差在冠词、多出的词和数字上。把双方都拆成词，去掉冠词，数词换成数字，标准答案的词都出现就算对（`words`），5 条都改过来了。（比词也骗得过：把四个选项都写上，就算对。这 50 条里没有这样的。）
还有 3 条，比词也改不了。在黑屋子里 `Light`（光）也能帮你看见东西，`Guitar`（吉他）也是乐器，`Writer`（作者）也是写书的人。50 条我们逐条读过，照内容应当算对 28 条，精确匹配的判分器只给 18 条。第 8、10、20、29、30、43 条有争议，没有算；你要是算上几条，数出 9 到 11 条判错也说得过去。**先读 30 条判定，再信分数。**
这个 28 不能和第一行的 35 相比：有 7 道题（2、6、18、20、29、44、49，例如“下面哪种动物下蛋？”）离了选项就没法答。前 20 条里（把上面的 `range(20, 50)` 改成 `range(20)` 就能读到）还有四个回答是 `Fish`（鱼），第三道例题问的正是鱼；回答是不是受了例题的影响，换一组例题就能检验。

## 11.3 区间说的是什么

按总和算，`bare` 在 50 题里对了 34 题。换另外 50 道同样难的题，会对几题？手边只有这一张卷子，于是用前几章见过的**自助法**（bootstrap，[Efron，1979](https://doi.org/10.1214/aos/1176344552)）。从这 50 个对错里放回地抽 50 个，算一个平均；抽许多遍，看这些平均散得多开。

### 练习 1 · 自助法的区间

写 `bootstrap_ci(values, indices, level=0.95)`：`values` 是 [N] 的浮点张量，N 个分数；`indices` 是 [R,N] 的整数，一行是一次重抽样，编号可以重复（抽签已经替你做好）。
对每一行取值、求平均，得 R 个平均数。返回两个浮点数：它们的 $(1-\text{level})/2$ 分位数和 $(1+\text{level})/2$ 分位数（q 分位数就是排好序以后，比例 q 的数不超过它的那个数），按排好序后的位置 $q\,(R-1)$ 线性插值。R = 0，或者 `level` 不满足 0 < level < 1，抛出 `ValueError`。
例：values = 0 1 2 3，indices = [[0,0,1,1],[0,1,2,3],[3,3,3,2]]，三个平均是 0.5、1.5、2.75，level = 0.5，结果是 (1.0, 2.125)。

练习之后的格子会打印一个 95% 的区间。这个 95% 说的是什么？常听人说：“再考一次，分数有 95% 的机会落在里面。”对不对？先猜，再看下一格的模拟：真实能力 70% 的模型考 200 题，考两次，这样重复两万遍。区间按第一次的分数 $\hat p$ 和题数 $n$ 计算，用最简单的公式 $\hat p\pm1.96\sqrt{\hat p(1-\hat p)/n}$。
"""
# %% en [md]
r"""
As we read them, 8 of the 30 verdicts are wrong, and all of these mark a right answer as wrong. (Number 48 is not among them: the question asks for a word like *quick*, and `Quick` repeats it.) `River Thames`, `Hammer`, `The dentist`, `7 days` and `3` are only written differently: an article, one word more, a digit. Cut both sides into words, drop articles, turn number words into digits, and accept a reply that has every word of the gold answer (`words`): 5 are mended. (It can be fooled, too: a reply that names all four options passes. None of these 50 does.)
Comparing words does not mend the other 3: in a dark room `Light` helps you to see, too, a `Guitar` is an instrument, a `Writer` writes books. We read all 50; by their content 28 are right, and the grader by exact match counts 18. Numbers 8, 10, 20, 29, 30 and 43 are disputable and not counted; with some of them, 9 to 11 wrong verdicts are a fair count, too. **Read 30 verdicts before you trust a score.**
These 28 cannot be compared with the 35 of the first line: seven questions (2, 6, 18, 20, 29, 44 and 49, such as “Which of these animals lays eggs?”) make no sense without them. And among the first 20 (change `range(20, 50)` above to `range(20)` to read them) there are four replies of `Fish`, and the third worked example is about fish. Whether that is why, other examples would show.

## 11.3 What an interval says

By the total, `bare` is right on 34 of 50. How many would it be on another 50, equally hard? This exam is all we have. The **bootstrap** of earlier chapters ([Efron, 1979](https://doi.org/10.1214/aos/1176344552)) does the next best thing: draw 50 of these 50 results with replacement and take their mean; do it many times and see how widely the means scatter.

### Exercise 1 · A bootstrap interval

Write `bootstrap_ci(values, indices, level=0.95)`: `values` is a float tensor [N], the scores; `indices` is an integer tensor [R,N], one resample a row, with repeats (the drawing has been done for you).
Fetch the values of each row and take their mean, which makes R means. Return two floats: their $(1-\text{level})/2$ and $(1+\text{level})/2$ quantiles (the q-quantile is the number that a share q of the means does not exceed), interpolated linearly at position $q\,(R-1)$ of the sorted means. R = 0 raises `ValueError`, and so does a `level` unless 0 < level < 1.
Example: values = 0 1 2 3 and indices = [[0,0,1,1],[0,1,2,3],[3,3,3,2]] make the means 0.5, 1.5 and 2.75, and level = 0.5 gives (1.0, 2.125).

The cell after the exercise prints a 95 % interval. What do these 95 % mean? People often say: “test again, and the score will lie in it with a chance of 95 %.” Is that so? Guess first, then look at the simulation. In it a model with a true ability of 70 % sits two exams of 200 questions, twenty thousand times over. The interval comes from the first score $\hat p$ and the number of questions $n$ by the simplest formula, $\hat p\pm1.96\sqrt{\hat p(1-\hat p)/n}$.
"""
# %% exercise id="evaluate.bootstrap_ci"
...
# %%
cl.check("evaluate.bootstrap_ci")
bootstrap_ci, N = cl.use("evaluate.bootstrap_ci"), len(items)
one = torch.tensor(right["bare"][ways[0]]).float()         # (N,) of 0 and 1
draws = torch.randint(N, (2000, N), generator=torch.Generator().manual_seed(0))
low, high = bootstrap_ci(one, draws)
print(f"bootstrap  {one.mean():.0%}  {low:.0%} … {high:.0%}")
low, high = cl.metrics.wilson(int(one.sum()), N)
print(f"Wilson     {one.mean():.0%}  {low:.0%} … {high:.0%}")
cl.guess(
    "evaluate.next",
    cl.L(zh="换一张同样难的卷子再考，新的分数落在第一次的 95% 区间里，机会有多大？",
         en="Another exam, equally hard: how likely is its score in the first interval?"),
    unit="%")

# %%
rng = np.random.default_rng(0)
n, ability = 200, 0.7                                  # questions, true share of right
first, second = rng.binomial(n, ability, (2, 20_000)) / n      # 20,000 pairs of exams
half = 1.96 * np.sqrt(first * (1 - first) / n)                 # half an interval
covers, again = abs(first - ability) < half, abs(first - second) < half
print(cl.L(zh="区间包住真实能力：", en="the interval holds the true ability:"),
      f"{covers.mean():.0%}")
print(cl.L(zh="第二次的分数在区间里：", en="it holds the second score:"),
      f"{again.mean():.0%}")
cl.guess.result("evaluate.next", round(100 * again.mean()), tolerance=4)


# %% zh [md]
r"""
两种区间差不多（Wilson 区间用公式算，第 8 章介绍过），都有大约 25 个百分点宽，50 题的卷子只能说出一个大概。
95% 说的是**真实能力**，也就是考无穷多题的分数。一百个这样的区间，大约 95 个包住它。第二次的分数只有 84% 的机会在里面，因为它自己也在摇摆，两次的误差加在一起。

## 11.4 同一张卷子，成对地比

三道例题的提示比光题目多对一题，是真的吗？两个各自的区间叠不叠，说明不了问题。它们考的是**同样的**题，难题往往两边都错，容易题往往两边都对，能说明差别的只有结果不同的那几题。所以要看**成对**的差。

假设两种提示没有差别。那么每道题上谁叫甲、谁叫乙，换一换也无妨，差的符号可以随便翻。翻许多遍，看有多少遍的平均差至少和实际看到的一样大，这个比例就是 p 值。这叫**置换检验**。

### 练习 2 · 配对置换检验

写 `permutation_p(a, b, signs)`：`a`、`b` 是 [N] 的浮点张量，成对的分数；`signs` 是 [R,N] 的张量，元素是 +1 和 -1，一行是一次翻法。返回浮点数

$$p=\frac{1+\#\{\,r:\ |\text{mean}(s_r\,(a-b))|\ \ge\ |\text{mean}(a-b)|\,\}}{R+1}$$

没翻的那一次也算一次，所以分子分母都加 1；R = 0 时是 1.0。长度不同抛出 `ValueError`。
例：a = 3 2 4，b = 1 1 1，signs 的四行是 + + +、+ − +、− − −、− + +，平均差是 2、4/3、−2、2/3，两行够大，p = 3/5。
"""
# %% en [md]
r"""
The two intervals are much alike (Wilson's comes from a formula; chapter 8 introduced it), and both are about 25 points wide: an exam of 50 questions gives a rough idea, no more.
The 95 % are about the **true ability** (the score on endlessly many questions): of a hundred such intervals about 95 hold it. The second score is in there only 84 % of the time, because it wobbles as well, and both errors add up.

## 11.4 One exam, compared in pairs

The prompt with three examples gets one question more than the bare one. Is that real? Whether their two intervals overlap does not tell. Both answered the **same** questions: hard ones tend to go wrong for both and easy ones right for both, so only the questions with different outcomes tell something about the difference. So look at the difference **in pairs**.

Suppose the prompts do not differ. Then it does not matter, on any question, which one is called A and which B, and the sign of the difference may be flipped at will. Flip many times and count how often the mean difference is at least as large as the one observed; that share is the p-value of a **permutation test**.

### Exercise 2 · The paired permutation test

Write `permutation_p(a, b, signs)`: `a` and `b` are float tensors [N], paired scores; `signs` is a tensor [R,N] of +1 and -1, one way of flipping a row. Return the float

$$p=\frac{1+\#\{\,r:\ |\text{mean}(s_r\,(a-b))|\ \ge\ |\text{mean}(a-b)|\,\}}{R+1}$$

The observed signs count as one of the ways, hence the 1 added above and below; with R = 0 it is 1.0. Unequal lengths raise `ValueError`.
Example: a = 3 2 4, b = 1 1 1 and the four rows + + +, + − +, − − −, − + + give the mean differences 2, 4/3, −2 and 2/3; two are large enough, and p = 3/5.
"""
# %% exercise id="evaluate.permutation_p"
...
# %% rows="R50"
cl.check("evaluate.permutation_p")
permutation_p = cl.use("evaluate.permutation_p")
two = torch.tensor(right["examples"][ways[0]]).float()
low, high = bootstrap_ci(two - one, draws)
signs = torch.randint(2, (2000, N), generator=torch.Generator().manual_seed(1)) * 2 - 1
print(f"examples − bare  {(two - one).mean():+.2f}  [{low:+.2f}, {high:+.2f}]")
print(f"p = {permutation_p(two, one, signs):.2f}")
print(cl.L(zh="结果不同的题：", en="questions with different outcomes:"),
      int((two != one).sum()))

# %% rows="R50"
def experiments(n, gap, differ=0.2):
    """400 exams of n questions; on `differ` of them just one of two models is right."""
    shares = [(differ + gap) / 2, (differ - gap) / 2, 1 - differ]
    a, b, _ = np.random.default_rng(0).multinomial(n, shares, 400).T
    found = abs(a - b) > 1.96 * np.sqrt(a + b)              # p < 0.05, see below
    figure, axis = plt.subplots(figsize=(7.6, 2.8))
    axis.hist([(a - b)[~found] / n, (a - b)[found] / n], np.arange(-0.405, 0.6, 0.01),
              stacked=True, color=["#4477aa", "#ee7733"], label=["p > 5 %", "p < 5 %"])
    axis.axvline(gap, color="#bbbbbb", linewidth=2)                         # the truth
    axis.set(xlabel=cl.L(zh="看到的差", en="observed difference"),
             ylabel=cl.L(zh="卷子数", en="exams"), title=f"p < 0.05: {found.mean():.0%}")
    axis.legend()
    return figure

cl.viz.explore(experiments, n=(20, 1000, 50), gap=(0.0, 0.2, 0.06))


# %% zh [md]
r"""
只多一题，p = 1.00，区间从 −0.10 到 +0.14，看不出差别。看不出，不等于没有。50 题里结果不同的只有 9 题，一张这样的卷子本来就看不出什么。要多少题才够？
对错只有 0 和 1 时，差是 +1、0、-1，翻符号就是抛硬币，p 不用抽签也能算：只看结果不同的题，甲独对 a 道、乙独对 b 道。$a+b$ 次抛硬币，正面减反面的标准差（平均大约偏出多远）是 $\sqrt{a+b}$，偏出 1.96 倍以上的机会大约 5%，所以 $|a-b|>1.96\sqrt{a+b}$ 大约就是 p < 5%（McNemar 检验，1947）。图里的 400 张卷子就是这样判的，假设有 20% 的题结果不同，和刚才的 9 / 50 相近。

两个滑块是题数和真实的差距，拖一拖。灰线标出真实的差距。真实差距 6 个百分点、50 题时，400 次里只有 16% 看得出来（图的标题）；橙色的那些，看到的差都比真实的 0.06 大，大多超过两倍。**真实的差距不容易看出来的时候，显著的那些平均是夸大的**。看得出来的机会叫检验的**功效**（power），习惯上要 80%。那得多少题？先拖一拖，再看下一节的开头。然后把真实的差距拉到 0：没有差别，也总有几张卷子“显著”，因为 p < 5% 本来就放过大约这么多误报。

## 11.5 准确率的陷阱

（刚才的问题：大约 440 题，把题数拖到那里，看标题。）

另一种常见的任务是分类。用第 8 章的办法训练一个分辨好评和差评的分类器（TF-IDF 加逻辑回归，1,500 条评论；逻辑回归的 `C` 管约束的松紧，越大越松），它给每条评论一个“是差评”的概率。
现实里很少一半好评、一半差评，客服那里 100 条评论里也许只有 5 条差评。拿同一个分类器去找这 5 条，会怎样？

第 8 章练习 3 直接算了精确率、召回率和 F1。这里先排出它们背后的四个数，**混淆矩阵**，行是真实的类，列是预测的类。它说是差评的，有多少真是（**精确率**），看一列；真的差评，它找出了多少（**召回率**），看一行。差评少了，这两个数各会怎样？

练习之后，先顺带量一件事，**鲁棒性**（robustness）。像打字太急那样，随机漏掉 10%、20%、40% 的字，准确率还剩多少？每行是漏字的比例、准确率和区间，后面是和一字不漏的**成对**的差（百分点）和它的区间。

### 练习 3 · 混淆矩阵

写 `confusion(y_true, y_pred, n_classes)`：两个整数列表，类从 0 到 K-1。返回三个张量：矩阵 [K,K]（整数），各类的精确率 [K]，各类的召回率 [K]。类 c 的精确率是对角线上的数除以第 c 列之和，召回率是它除以第 c 行之和，分母是 0 时取 0；空列表全是 0；长度不同，或标签不在 0 到 K-1 之间，抛出 `ValueError`。
例：y_true = 0 0 1 2，y_pred = 0 1 1 1，K = 3：矩阵 [[1,1,0],[0,1,0],[0,1,0]]，精确率 [1, 1/3, 0]，召回率 [1/2, 1, 0]。
"""
# %% en [md]
r"""
One question more, p = 1.00, and an interval from −0.10 to +0.14: no difference can be seen, which does not mean that there is none. Only 9 of 50 questions have different outcomes, and an exam like this cannot show much. How many questions would do?
Where answers are right or wrong, the differences are +1, 0 and -1. Flipping their signs is tossing coins, so p can be computed without drawing. Let A alone be right on a questions and B alone on b. Heads minus tails of $a+b$ coins has a standard deviation (roughly, how far it is off on average) of $\sqrt{a+b}$ and is beyond 1.96 times that in about 5 % of cases, so $|a-b|>1.96\sqrt{a+b}$ is about p < 5 % (McNemar's test, 1947). That is how the 400 exams in the picture are judged; 20 % of the questions are assumed to have different outcomes, close to the 9 of 50 above.

Drag both sliders, the number of questions and the true gap, which the grey line marks. With a true gap of 6 points and 50 questions only 16 % of 400 exams show it (the title of the picture); in those, in orange, the observed gap is larger than the true 0.06, and in most of them more than twice as large. **Where a true gap has little chance of being seen, the significant results exaggerate it on average.** The chance of seeing a true gap is the **power** of a test, and 80 % is customary. How many questions does that take? Drag first; the next section begins with the answer. Then pull the true gap to 0: there is no difference, and some exams are “significant” all the same, since p < 5 % lets about that many false alarms pass.

## 11.5 The trap of accuracy

(The answer to the question above: about 440; drag there and read the title.)

Another common task is classification. As in chapter 8, train a classifier that tells praise from complaints (TF-IDF and logistic regression on 1,500 reviews in Chinese; the `C` of a logistic regression says how freely its parameters may grow: the larger, the freer). It gives each review a probability of being a complaint.
Real life is rarely half and half: perhaps only 5 of 100 reviews at a help desk are complaints. What happens if the same classifier is to find these 5?

Exercise 3 of chapter 8 computed precision, recall and F1 directly. Here are the four counts behind them, the **confusion matrix**: rows are the true class, columns the predicted one. **Precision** (of those it called complaints, how many are?) is read down a column, **recall** (of the true complaints, how many did it find?) along a row. What becomes of each when complaints are rare?

After the exercise one more thing is measured on the way, **robustness**. Drop 10 %, 20 % and 40 % of the characters at random, as hasty typing does. How much accuracy is left? Each line shows the share dropped, the accuracy with its interval, and the **paired** difference from the full text, in points, with its own.

### Exercise 3 · The confusion matrix

Write `confusion(y_true, y_pred, n_classes)`: two lists of integers, classes 0 to K-1. Return three tensors: the matrix [K,K] of counts, the precision of each class [K], the recall of each class [K]. The precision of class c is its entry on the diagonal divided by the sum of column c, its recall the same entry divided by the sum of row c; where a denominator is 0 take 0; empty lists give zeros; unequal lengths or a label outside 0 to K-1 raise `ValueError`.
Example: y_true = 0 0 1 2, y_pred = 0 1 1 1 and K = 3 give the matrix [[1,1,0],[0,1,0],[0,1,0]], precision [1, 1/3, 0] and recall [1/2, 1, 0].
"""
# %% exercise id="evaluate.confusion"
...
# %%
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
cl.check("evaluate.confusion")
confusion = cl.use("evaluate.confusion")
reviews, shuffle, slips = cl.text.reviews(), random.Random(0), random.Random(1)
known = shuffle.sample(reviews.train, 1500)
fresh = shuffle.sample(reviews.test, len(reviews.test))

def read(some):                                         # the texts; 1: a complaint
    return [one.text for one in some], np.array([1 - one.label for one in some])

# %% rows="R26"
def learn(texts, labels, C):
    """A classifier: list of texts -> probability of class 1."""
    grams = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    line = LogisticRegression(C=C, solver="liblinear")
    line.fit(grams.fit_transform(texts), labels)
    return lambda texts: line.predict_proba(grams.transform(texts))[:, 1]

(texts, truth), complaint = read(fresh), learn(*read(known), C=3)
clean = (complaint(texts) > 0.5) == truth
for drop in (0, 0.1, 0.2, 0.4):                         # the share of characters lost
    typed = ["".join(c for c in text if slips.random() >= drop) for text in texts]
    hit = (complaint(typed) > 0.5) == truth
    print(f"{drop:4.0%}", cl.metrics.share(hit), " ", cl.metrics.lead(hit, clean))

# %% rows="R53"
praise = [review for review in fresh if review.label == 1][:760]
rare_texts, rare = read(praise + [one for one in fresh if one.label == 0][:40])
chance = complaint(rare_texts)

def at(threshold):
    said = (chance > threshold).astype(int)
    matrix, precision, recall = confusion(rare.tolist(), said.tolist(), 2)
    header = cl.L(zh=["", "说好评", "说差评", "召回率"], en=["", "called praise", "called complaints", "recall"])
    rows = [(name, *counts, f"{share:.0%}") for name, counts, share in zip(
        cl.L(zh=["真是好评", "真是差评"], en=["praise", "complaints"]), matrix.tolist(), recall)]
    rows.append((cl.L(zh="精确率", en="precision"), *(f"{share:.0%}" for share in precision)))
    line = cl.L(zh="准确率 {:.0%}，总说“好评” {:.0%}，差评的 F1 {:.0%}", en="accuracy {:.0%}, always “praise” {:.0%}, F1 of complaints {:.0%}")
    shares = (said == rare).mean(), 1 - rare.mean(), 2 * matrix[1, 1] / sum(said + rare)
    return cl.viz.table(rows, header) + cl.viz.paragraph(line.format(*shares))
cl.viz.explore(at, threshold=(0.05, 0.95, 0.5))


# %% zh [md]
r"""
漏掉十分之一的字，看不出它变差；漏掉四成，少对大约 5 个百分点。只在干净文字上测，测不出这些。

再看带滑块的那张表。好评差评各半、一字不漏时它对了 81%，现在它说“差评”的 201 条里只有 33 条真是，精确率 16%，F1 也只有 27%。分类器没有变，两类的召回率还是 80% 左右；变的是差评有多**少**：760 条好评里误报了 168 条，比全部 40 条差评还多得多。再看准确率：什么也不学、永远说“好评”，就有 95%，比它高。所以类别不均衡时，准确率要和这条基线一起报，还要看精确率和召回率。
拖动阈值：往右，误报少了，漏掉的多了。哪里合适，要看误报和漏报各有多大的代价，统计替你定不了。

## 11.6 它说七成把握，真有七成吗

阈值要有意义，概率就得可信。它说 70% 的那些，应该大约有 70% 是对的。这叫**校准**，第 5 章见过。把预测按把握的大小分到几个区间里，每个区间比一比平均把握和实际准确率，按样本数加权平均它们的差，就是**期望校准误差**（ECE，Naeini 等，2015）。第 i 个区间里有 $n_i$ 个样本，准确率是 $\text{acc}_i$，平均把握是 $\text{conf}_i$：

$$\text{ECE}=\sum_{i}\frac{n_i}{N}\,\bigl|\text{acc}_i-\text{conf}_i\bigr|$$

### 练习 4 · 期望校准误差

写 `ece(confidence, correct, n_bins=10)`：`confidence` 是 [N] 的浮点张量，值在 0 到 1 之间，`correct` 是 [N] 的张量，0/1 或布尔值。把 0 到 1 等分成 n = `n_bins` 个区间 $(i/n,\ (i+1)/n]$，i 从 0 数起，右端算在内，0 归第一个；空的区间加 0；N = 0 得 0.0。返回浮点数。
例：把握 0.5、0.75、1、0.25，对错 1、1、0、0，两个区间：$\frac24|\frac12-\frac38|+\frac24|\frac12-\frac78|=0.25$。
"""
# %% en [md]
r"""
With a tenth of the characters lost no difference can be seen; with four tenths it is right about 5 points less often. A score on clean text alone does not tell this.

Now look at the table with the slider. With as many complaints as praise, and no characters lost, it is right on 81 %; here, of the 201 reviews it calls complaints, 33 are: a precision of 16 % and an F1 of 27 %. The classifier has not changed, and the recall of either class is still about 80 %. What changed is how **rare** complaints are: the 168 false alarms among 760 reviews of praise far outnumber all 40 complaints. And look at accuracy: a rule that has learnt nothing and always says “praise” is right on 95 %, more often than the classifier. Where classes are unequal, report accuracy beside this baseline, and look at precision and recall.
Drag the threshold: to the right there are fewer false alarms and more misses. Where to stop depends on what each of the two costs, which statistics cannot decide for you.

## 11.6 It says 70 %. Is it right 70 % of the time?

For a threshold to mean anything, probabilities must be trustworthy: of the answers it gives 70 %, about 70 % should be right. This is **calibration**, as in chapter 5. Sort predictions into bins by confidence, compare mean confidence and actual accuracy in each, and average the gaps weighted by the number of examples: the **expected calibration error** (ECE, Naeini et al., 2015). Bin i holds $n_i$ examples, with accuracy $\text{acc}_i$ and mean confidence $\text{conf}_i$:

$$\text{ECE}=\sum_{i}\frac{n_i}{N}\,\bigl|\text{acc}_i-\text{conf}_i\bigr|$$

### Exercise 4 · Expected calibration error

Write `ece(confidence, correct, n_bins=10)`: `confidence` is a float tensor [N] of numbers from 0 to 1, `correct` a tensor [N] of 0/1 or booleans. The n = `n_bins` bins of equal width are $(i/n,\ (i+1)/n]$, counted from i = 0; each holds its right end, and 0 belongs to the first; an empty bin adds 0; N = 0 gives 0.0. Return a float.
Example: confidences 0.5, 0.75, 1, 0.25, correct 1, 1, 0, 0 and two bins: $\frac24|\frac12-\frac38|+\frac24|\frac12-\frac78|=0.25$.
"""
# %% exercise id="evaluate.ece"
...
# %%
cl.check("evaluate.ece")
ece, is_one = cl.use("evaluate.ece"), torch.from_numpy(truth == 1)
chances = {C: torch.tensor(learn(*read(known), int(C))(texts)) for C in ("300", "3")}

def reliability(C, temperature):
    p = (chances[C].logit() / temperature).sigmoid()                       # (N,)
    sure, hit = torch.maximum(p, 1 - p), ((p > 0.5) == is_one).double()
    bins = [(sure > low / 20) & (sure <= (low + 1) / 20) for low in range(10, 20)]
    figure, axis = plt.subplots(figsize=(4.4, 3.2))
    axis.plot([0.5, 1], [0.5, 1], ":", color="#888888")
    axis.plot(*zip(*[(sure[b].mean(), hit[b].mean()) for b in bins if b.any()]), "o-")
    axis.set(xlabel=cl.L(zh="把握", en="confidence"), ylabel=cl.L(zh="准确率", en="accuracy"),
             title=cl.L(zh="准确率", en="accuracy") + f" {hit.mean():.2f}   ECE {ece(sure, hit, 20):.2f}")
    return figure
cl.viz.explore(reliability, C=["300", "3"], temperature=(0.3, 3.0, 1.0))


# %% zh [md]
r"""
这里的分类器 C = 300，几乎没有约束，曲线在对角线下面。说有 90% 把握的，对的不到 90%，它过于自信。（图和 ECE 把 0 到 1 分成 20 格；两类里选大的，把握不会低于 0.5，所以只用到右边 10 格。）把 C 换成 3，也就是 11.5 节的那一个，先想想它是过于自信，还是不够自信。

C = 3 的曲线在对角线**上面**，它不够自信，ECE 反而更大，大约 0.10。两个分类器的准确率差不多，偏的方向相反。再拖动**温度**，也就是把分数除以一个数。准确率一动不动（谁大谁小没有变），ECE 却会变：C = 300 拖到 1.5 附近，C = 3 拖到 0.5 附近，都能降到 0.02 左右，再往前拖又会升上去。这叫温度缩放（[Guo 等，2017](https://arxiv.org/abs/1706.04599)）。答得准不准，和知不知道自己准不准，是两回事。不过这里是在测试集上挑温度，真要用，得在验证集上挑，这正是下面几节要说的毛病。

## 11.7 第二处：分数好得可疑

只有 300 条带标签的评论，太少了，于是先做**数据增强**。每条评论取前 40 个字，再随机丢掉一些（大约 15%），造出 3 个变体，一共 900 条。然后用 **5 折交叉验证**来评估：切成 5 份，轮流拿 1 份当测试集，用其余 4 份训练，每条都恰好测一次。
"""
# %% en [md]
r"""
This classifier has C = 300, which hardly restrains it, and its curve lies below the diagonal: where it is 90 % sure, fewer than 90 % are right. It is overconfident. (Picture and ECE cut 0 to 1 into 20 bins; the larger of two probabilities is never below 0.5, so only the upper 10 are used.) Change C to 3, the classifier of section 11.5; do you expect it to be too sure, or not sure enough?

The curve of C = 3 lies **above** the diagonal: it is underconfident, and its ECE is even larger, about 0.10. The two are about equally accurate and miss in opposite directions. Now drag the **temperature**, which divides the scores. Accuracy does not move (which class is larger stays as it is), but ECE does: near 1.5 for C = 300 and near 0.5 for C = 3 it falls to about 0.02, and beyond that it rises again. This is temperature scaling ([Guo et al., 2017](https://arxiv.org/abs/1706.04599)). How often a model is right is one thing; how well it knows that is another. But here the temperature is chosen on the test set; in real use it has to be chosen on validation data, and that is the kind of fault the next sections are about.

## 11.7 The second fault: a score too good

Only 300 reviews have labels, which is too little, so we **augment** the data first. Take the first 40 characters of every review and make 3 variants by dropping about 15 % of them at random: 900 in all. Then comes **5-fold cross-validation**: cut the data into 5 parts, let each part in turn be the test set and train on the other 4, so that every example is tested exactly once.
"""
# %% rows="R50"
from sklearn.model_selection import KFold
some = known[:300]
made = ["".join(c for c in review.text[:40] if shuffle.random() > 0.15)
        for review in some for _ in range(3)]

def cross_validate(labels, folds):
    """Whether each text is classified right by a model not trained on it."""
    hit = np.zeros(len(made), dtype=bool)
    for train, test in folds:
        asks = learn([made[i] for i in train], labels[train], C=10)
        hit[test] = (asks([made[i] for i in test]) > 0.5) == labels[test]
    return hit

labels, mixed = np.repeat(read(some)[1], 3), KFold(5, shuffle=True, random_state=0)
print(cl.metrics.share(cross_validate(labels, mixed.split(made))))

# %%
cl.guess(
    "evaluate.leak",
    cl.L(zh="交叉验证的准确率是 98%。换成没见过的评论，照样处理，会是多少？",
         en="98 % in cross-validation. And on new reviews, treated in the same way?"),
    unit="%")


# %% zh [md]
r"""
猜好了吗？11.5 节用 1,500 条完整的评论才对 81%，这里评论更少、更短，反而有 98%，这就可疑了。想一想那 900 条是怎么来的：每条评论有 3 个变体，只差几个字，而随机切分把它们分到了不同的份里。测试集里的一条，训练时多半见过它的变体。这就是**泄漏**（leakage），测试集的信息流进了训练。
医院里同一个病人的几张片子、同一篇文章的几个段落、同一个用户的几条记录，都会这样漏。办法是**按组**切：同一条评论的变体，要么全在训练集里，要么全在测试集里。

### 练习 5 · 按组的 k 折

写 `group_kfold(groups, k)`：`groups` 是每个样本的组名。返回 k 对 (train, test)，都是从小到大的编号列表。组从大到小（一样大的，先出现的先放），每次整个放进当前样本最少的那一折（一样少的，放编号小的）。第 i 折就是第 i 对的 test，其余全部是 train。k < 2，或者组不到 k 个，抛出 `ValueError`。
例：groups = a b a c b a，k = 2：第一对是 ([1, 3, 4], [0, 2, 5])，第二对是 ([0, 2, 5], [1, 3, 4])。

检查通过以后，除了按组重测一次，还有一个**对照**：给每条评论扔一枚硬币，正面就叫好评。这样的标签没有东西可学，老实的评估只能得一半。
"""
# %% en [md]
r"""
Have you guessed? In section 11.5 it took 1,500 whole reviews to get 81 %; here there are fewer, they are shorter, and the score is 98 %. That is suspicious. Think of where the 900 came from: each review has 3 variants that differ by a few characters, and a random split sends them to different parts. Of most test examples a variant was seen in training. This is **leakage**: information about the test flows into the training.
Several scans of one patient, passages of one article, records of one user leak in the same way. The cure is to split **by group**: all variants of a review are in the training set, or all are in the test set.

### Exercise 5 · Grouped k-fold

Write `group_kfold(groups, k)`: `groups` names the group of each example. Return k pairs (train, test) of ascending lists of indices. Take the groups from the largest (of equal ones the first seen) and put each whole into the fold that has the fewest examples so far (of equal ones the lowest). Fold i is the test list of pair i, and all the rest its train list. k < 2 or fewer than k groups raises `ValueError`.
Example: groups = a b a c b a and k = 2 give ([1, 3, 4], [0, 2, 5]) and ([0, 2, 5], [1, 3, 4]).

Once the check passes, the test is repeated by groups, and there is a **control**: toss a coin for every review, and call it praise if it shows heads. Such labels leave nothing to learn, and an honest evaluation gives one half.
"""
# %% exercise id="evaluate.group_kfold"
...
# %% rows="R50"
cl.check("evaluate.group_kfold")
groups = [i for i in range(len(some)) for _ in range(3)]
folds = cl.use("evaluate.group_kfold")(groups, 5)
coins = np.repeat(random.Random(1).choices([0, 1], k=len(some)), 3)
honest, rows = cross_validate(labels, folds), []
for name, told in zip(cl.L(zh=["真标签", "硬币"], en=["true labels", "coins"]),
                      (labels, coins)):
    hits = cross_validate(told, mixed.split(made)), cross_validate(told, folds)
    rows.append((name, *map(cl.metrics.share, hits)))
display(cl.viz.table(rows, cl.L(zh=["标签", "随机切", "按组切"],
                                en=["labels", "random split", "by group"])))
cl.guess.result("evaluate.leak", round(100 * honest.mean()), tolerance=5)


# %% zh [md]
r"""
按组切，98% 变成 72%。硬币说得更清楚。没有东西可学的标签，随机切也能得 97%，它量的是“能不能认出见过的评论”；按组切才回到一半左右。（区间把 3 个变体当成 3 个独立样本，其实不独立，真正的区间还要宽些。）

## 11.8 第三处：困惑度少了一半

两个三元模型（第 1 章），训练文本都是《人民日报》的 2,500 段，同样的程序，同样的大小。在 100 段测试文字上，乙的困惑度（越低越好）只有甲的一半左右。换作你，用哪一个？
"""
# %% en [md]
r"""
Split by group, 98 % becomes 72 %. The coins say it more clearly still: from labels with nothing to learn the random split still reports 97 %. What it measures is whether a review is recognised; only the grouped split returns to about one half. (The intervals take 3 variants for 3 independent examples, which they are not; the true ones are somewhat wider.)

## 11.8 The third fault: half the perplexity

Two trigram models (chapter 1), both trained on 2,500 paragraphs of the *People's Daily*, a Chinese newspaper, by the same program, of the same size. On 100 test paragraphs the perplexity of B (lower is better) is about half that of A. Which would you use?
"""
# %%
from course_lib.text.ngram import Trigram

def pick(part, most, n):
    return [p.text for p in part if 40 <= len(p.text) <= most][:n]

paper = cl.text.newspaper()
train = pick(paper.train, 200, 2500)
test, later = pick(paper.test, 120, 100), pick(paper.valid, 120, 140)
secret = random.Random(5).sample(test, 30)              # look at this later
number = {c: i for i, c in enumerate(sorted(set("".join(train + test + later))))}
coded = [[[number[c] for c in text] for text in part]
         for part in (train, train[30:] + secret, test, later[:40], later[40:])]
A, B = (Trigram(part, coded[3], len(number)) for part in coded[:2])
print(f"A {A.perplexity(coded[2]):.0f}   B {B.perplexity(coded[2]):.0f}")

# %%
compared = cl.L(zh=["乙还是低一半左右", "乙低一些", "差不多"],
                en=["B's is still about half", "B's is somewhat lower", "about the same"])
cl.guess("evaluate.fresh",
         cl.L(zh="换 100 段谁都没见过的新文字，乙（B）的困惑度比甲（A）的怎样？",
              en="On 100 paragraphs new to both, how do the perplexities of B and A compare?"),
         choices=compared)

# %%
a, b = A.perplexity(coded[4]), B.perplexity(coded[4])
print(f"A {a:.0f}   B {b:.0f}")
figure, axis = plt.subplots(figsize=(5, 3.4))
axis.plot([10, 1500], [10, 1500], ":", color="#888888")            # equal
names = cl.L(zh=["新的", "测试集"], en=["fresh", "test"])
for part, colour, name in zip((coded[4], coded[2]), ("#4477aa", "#ee7733"), names):
    x, y = ([m.perplexity([one]) for one in part] for m in (A, B))
    axis.loglog(x, y, "o", markersize=4, color=colour, label=name)
    print(name, "ln B − ln A:", cl.metrics.difference(np.log(y), np.log(x)))
axis.set(xlabel=cl.L(zh="甲（A）的困惑度", en="perplexity, A"),
         ylabel=cl.L(zh="乙（B）的困惑度", en="perplexity, B"))
axis.legend()
plt.show()
cl.guess.result("evaluate.fresh", compared[(b / a > 0.7) + (b / a > 0.95)])


# %% zh [md]
r"""
新文字上两个模型差不多，图上方两行是逐段比的结果：两个困惑度取对数、相减，再平均，附区间。图里每点是一段。新的那些贴着虚线（两个模型相等），测试集里却有一群远远掉到虚线下面，那 30 段乙在训练时就读过（`secret`）。（最左边高出虚线的那一点是一段人名，甲独有的 30 段训练文字里也有这一串名字。）这叫**污染**（contamination）。网上的文字里有许多考题，读过大量网页的大模型就可能这样。所以不能只看总分，还要看**同样难的新题**。
没有新题，也可以直接到训练文本里搜，看有没有和测试题一模一样的长串；公开了训练数据的模型才搜得了。

交叉验证能不能用来评大模型？第一份讲义这样建议。五折就要预训练五次，代价太大；而且模型一旦读过考题，怎么切都没有用。评估大模型靠的是留出的新文字、新题，和人的比较（11.11 节）。

## 11.9 三种搜索，各试 15 次

超参数（训练之前定下的数）怎么选？第一份讲义说可以用网格搜索、随机搜索或贝叶斯优化，但没有比较哪种好。三种各给 15 次机会。要调的是两个数：逻辑回归的 $C$，和每条评论只读前几个字。目标是验证集上的损失，越低越好。

- **网格**：5 × 3 个格点，都试一遍，次序随机。
- **随机**：15 个随机的点（[Bergstra 与 Bengio，2012](https://jmlr.org/papers/v13/bergstra12a.html)）。
- **贝叶斯**：先随机试 5 个，再用**高斯过程**猜出没试过的地方损失多大、有多没把握，去试**期望改进**最大的点，每试一次重猜一次。期望改进就是试这一点平均能比目前最好的再低多少。没把握的地方可能低得多，也有机会被选中。

三种都用现成的库 [optuna](https://optuna.org)：`loss` 向它要两个数，算出损失交回去；换一种搜索，只要换一个 `sampler`。后两种带随机，各跑 6 个种子，因为只跑一次可能是碰巧。同一个种子的随机搜索和贝叶斯搜索，头 5 个点相同，所以可以成对地比。
"""
# %% en [md]
r"""
On fresh text the two models are about the same; the two lines above the picture have the mean difference of log-perplexity, paragraph by paragraph, with its interval. Each dot is a paragraph. The fresh ones lie along the dotted line, where both models are equal, while a group of test paragraphs falls far below it. B has read these 30 in training (`secret`). (The dot above the line at the far left is a paragraph of names, and the 30 paragraphs that only A was trained on contain the same list of names.) This is **contamination**. The web holds many exam questions, and a model that has read the web may have read them; so do not look at the score alone, but also at **new questions that are equally hard**.
Without new ones, search the training text for long strings that stand in the test; that needs a model whose training data is public.

Can cross-validation evaluate a large model? The first handout suggests so. Five folds would take five pre-trainings, far too expensive; and once a model has read the questions, no way of splitting helps. Large models are evaluated on held-out text, on new questions, and by people's comparisons (section 11.11).

## 11.9 Three searches, 15 tries each

How are hyperparameters chosen, the numbers fixed before training? The first handout names grid search, random search and Bayesian optimisation and does not compare them. Here each gets 15 tries. Two numbers are tuned, the $C$ of a logistic regression and how many characters are read of each review; the goal is the loss on validation data, the lower the better.

- **Grid**: 5 × 3 points, all of them tried, in random order.
- **Random**: 15 random points ([Bergstra and Bengio, 2012](https://jmlr.org/papers/v13/bergstra12a.html)).
- **Bayesian**: after 5 random tries a **Gaussian process** guesses the loss at untried points and how unsure it is of it; the point of the greatest **expected improvement** is tried next, and after each try it guesses anew. The expected improvement is by how much, on average, a point would beat the best so far. A point it is unsure of may turn out much lower, so unknown places get their chance, too.

All three come from a library, [optuna](https://optuna.org): `loss` asks it for two numbers and hands back the loss, and another `sampler` is another search. The last two draw at random and run with 6 seeds each, because one run may just be lucky. With the same seed their first 5 points are the same, so they can be compared in pairs.
"""
# %% rows="R49"
import optuna
from sklearn.metrics import log_loss
optuna.logging.set_verbosity(optuna.logging.WARNING)
samplers, valid = optuna.samplers, random.Random(0).sample(reviews.valid, 300)

def loss(trial):
    C = trial.suggest_float("C", 0.01, 1000, log=True)
    cut = trial.suggest_int("cut", 10, 100)            # characters read of a review
    (x, y), (new_x, new_y) = read(known[:400]), read(valid)
    asks = learn([text[:cut] for text in x], y, C)
    return log_loss(new_y, asks([text[:cut] for text in new_x]))

# %% rows="R49"
def search(sampler):
    """The losses of 15 tries."""
    study = optuna.create_study(sampler=sampler)
    study.optimize(loss, n_trials=15)
    return [trial.value for trial in study.trials]

seeds = range(1 if quick else 6)
points = {"C": [0.01, 0.18, 3.2, 56, 1000], "cut": [10, 55, 100]}
grid = [search(samplers.GridSampler(points, seed=0))]
blind = [search(samplers.RandomSampler(seed)) for seed in seeds]
bayes = [search(samplers.GPSampler(seed=seed, n_startup_trials=5)) for seed in seeds]

# %% training rows="R49"
names = cl.L(zh=["网格", "随机", "贝叶斯"], en=["grid", "random", "Bayesian"])
races, colours = (grid, blind, bayes), ("#888888", "#4477aa", "#ee7733")
figure, axis = plt.subplots(figsize=(6.4, 3))
for name, runs, colour in zip(names, races, colours):
    best = np.minimum.accumulate(runs, axis=1)                             # (seeds, 15)
    axis.plot(range(1, 16), best.mean(0), color=colour, label=name)
    print(f"{name:9s}", *(f"{x:.2f}" for x in np.sort(best[:, -1])))
axis.set(xlabel=cl.L(zh="试了几次", en="tries"), ylabel=cl.L(zh="最好的损失", en="best loss"))
axis.legend()
gap = cl.metrics.difference(np.min(bayes, 1), np.min(blind, 1))             # by seed
print(f"{names[2]} − {names[1]}:", gap)


# %% zh [md]
r"""
这一场里贝叶斯搜索的损失最低，六个种子都在 0.58 左右；随机搜索在 0.58 到 0.62 之间。6 对的差平均很小，区间不含 0。这个 5 × 3 的网格是 0.60（灰线只是一种次序），15 个格点在两个轴上只有 5 个和 3 个不同的值。贝叶斯的前 5 次和随机搜索相同，差别出在后 10 次。
这是两个数、一个平滑的目标、一份数据、一种网格上的结果；换一个问题，次序可以不同。还要记住，挑出来的是 300 条**验证集**评论上最低的，换一批评论，这一点点差别还在不在，没有量。报的时候要换一份没用过的测试集，不然报的分数里就有挑出来的运气。

## 11.10 第四处：一份捷报

**A/B 测试**把用户随机分成两组，各用一个版本，比哪一组点得多；第一份讲义也提到它。下面是一份日报。每天新旧两版各有 50 人，打印的是天数、旧版和新版到当天为止的点击率、p 值。这里的 p 来自 **z 检验**：两个点击率之差，除以它碰巧会摆动多大（标准误），和正态分布比。第 6 天 p < 0.05，试验停下，报告写道：新版更好。这份报告的毛病在哪里？（数字是造的，怎么造的，猜完再说。）
"""
# %% en [md]
r"""
Bayesian search ends lowest in this race, near 0.58 with all six seeds; random search ends between 0.58 and 0.62. The difference over the 6 pairs is small, and its interval does not contain 0. This 5 × 3 grid ends at 0.60 (the grey line is one order of many); its 15 points have no more than 5 and 3 different values along the axes. The first 5 tries of Bayesian search are those of random search; the difference is made in the last 10.
This holds for two numbers, a smooth goal, one data set and one grid; on another problem the order may differ. Remember, too, that what was picked is lowest on 300 reviews of the **validation** set; whether so small a difference survives on other reviews was not measured. Report the choice on a test set that was never used; otherwise you report the luck of the choice as well.

## 11.10 The fourth fault: good news

An **A/B test** splits users at random, gives each half a version, and compares how many click; the first handout names it, too. Here is a daily report, with 50 users a day for the old version and 50 for the new. Printed are the day, the click rates of old and new up to that day, and the p-value of a **z-test**: the difference of the two rates is divided by its standard error, which is how far chance alone makes it scatter, and compared with a normal distribution. On day 6 p < 0.05, the trial stops, and the report says: the new version is better. Where is the fault? (The figures are made up. How, we tell after your guess.)
"""
# %%
from scipy.stats import norm
OLD = [3, 3, 5, 6, 6, 2, 7, 9, 3, 3, 4, 6, 2, 4, 4, 8, 4, 5, 6, 2]     # clicks a day
NEW = [7, 5, 7, 5, 8, 8, 4, 2, 3, 5, 8, 3, 6, 3, 2, 3, 3, 4, 5, 7]     # of 50 users

def p_value(a, b, n):
    rate = (a + b) / (2 * n)
    spread = np.sqrt(np.maximum(2 * n * rate * (1 - rate), 1e-9))  # 0 clicks: not 0
    return 2 * norm.sf(abs(a - b) / spread)

for day in range(1, 7):
    a, b, n = sum(OLD[:day]), sum(NEW[:day]), 50 * day
    print(day, f"{a / n:.0%}  {b / n:.0%}  p = {p_value(a, b, n):.3f}")
cl.guess("evaluate.peek",
         cl.L(zh="两版要是一样好，20 天里至少有一天 p < 0.05 的机会有多大？", en="If both are equal: how likely is p < 0.05 on at least one of the 20 days?"),
         unit="%")

# %% rows="R50"
print(20, f"p = {p_value(sum(OLD), sum(NEW), 1000):.2f}")       # all 20 days

def false_alarms(looks, trials=2000, users=1000):
    rng = np.random.default_rng(0)                      # both versions: 10 % click
    seen = np.linspace(users / looks, users, looks).astype(int)     # users at each look
    a, b = (rng.random((2, trials, users)) < 0.1).cumsum(2)[..., seen - 1]
    return (p_value(a, b, seen) < 0.05).any(1).mean()

alarms = {looks: false_alarms(looks) for looks in (1, 2, 5, 10, 20, 50)}
display(cl.viz.bars({f"{looks}×": share for looks, share in alarms.items()}))
cl.guess.result("evaluate.peek", round(100 * alarms[20]), tolerance=5)


# %% zh [md]
r"""
两列数其实出自**同一个**版本，点击率都是 10%。收满 20 天，p = 0.65，差别不见了，本来也没有。毛病在于**偷看**，每天看一眼，一显著就停。每看一次，就多一次碰巧的机会。图里每根条形是 2,000 场这样的试验，按看的次数排。只看一次，误报 5%，正是说好的；看 20 次就有 26%。（这份日报是挑出来的，我们要一份半路上显著过的；看 20 次，大约每四份就有一份。）
要么事先定好人数，只看一次；要么用专为边看边停设计的检验（序贯检验）。
试 20 种其实一样好的提示、挑最显著的一种来报，比这更糟。要是 20 次检验彼此独立，至少误报一次的机会是 $1-0.95^{20}\approx64\%$。这叫**多重比较**的问题。

## 11.11 请人来评

故事写得好不好，没有标准答案，只能请人来评。让人打分，每个人的松紧不同；让人**两两比较**就容易得多。还要**盲**评，不告诉你哪一段是谁写的，次序也随机。胜负凑多了，怎样变成实力？
**布拉德利–特里模型**（Bradley 与 Terry，1952）假设 $P(i\text{ 胜 }j)=\dfrac{p_i}{p_i+p_j}$，每位选手的 $p$ 反复修正，直到和胜负相符。聊天模型的排行榜用的就是这一类模型（[Chiang 等，2024](https://arxiv.org/abs/2403.04132)）。

### 练习 6 · 布拉德利–特里

写 `bradley_terry(wins, iterations)`：`wins` 是 [K,K] 的浮点张量，`wins[i, j]` 是 i 胜 j 的次数，对角线不算。从 $p_i=1/K$ 开始，每一步同时用旧的 $p$ 算出

$$p_i\leftarrow\frac{\sum_j w_{ij}}{\sum_{j}\,(w_{ij}+w_{ji})/(p_i+p_j)}$$

再除以总和，两处求和都不含 $j=i$。没交过手的对加 0（即使两人的 $p$ 都是 0）；谁一场也没比，抛出 `ValueError`，0 步时也一样。返回 [K] 的张量。
例：wins = [[0, 3, 1], [1, 0, 2], [1, 0, 0]]，走 1 步，得 0.471、0.353、0.176。

### 练习 7 · 科恩的 κ

两位评委有多一致？80% 一致听起来不错，可要是两人十次里有九次说“左”，碰巧也有 82%。**科恩的 κ**（Cohen，1960）扣掉碰巧的部分：$\kappa=\dfrac{p_o-p_e}{1-p_e}$，$p_o$ 是一致的比例，$p_e=\sum_c(\text{甲说 }c\text{ 的比例})\times(\text{乙说 }c\text{ 的比例})$。1 是完全一致，0 是和碰巧一样。
写 `cohen_kappa(a, b)`：两个标签列表，返回浮点数；$p_e=1$ 时返回 0.0；长度不同或没有标签，抛出 `ValueError`。
例：a = y y n n，b = y n n n，$\kappa=0.5$。

两个练习之后的一格检查它们，并且算 11.2 节的两个判分器和我们逐条读的结果有多一致。再往后，请你当评委。中文小模型 zh-gpt 用三种温度（0、0.7、1.5）接着同样的四个开头往下写，两两配成 12 对。**点 1 或 2**，选你觉得写得好的那一段。每段写满 30 个词元就停，停在半句上不算毛病。最后一格数胜场，12 对都点完以后再运行一次。
"""
# %% en [md]
r"""
Both columns come from the **same** version, with a click rate of 10 %. After all 20 days p = 0.65: the difference is gone, and there never was one. The fault is **peeking**: look every day and stop as soon as it is significant. Every look is one more chance for luck. The bars are 2,000 such trials each, by the number of looks: with one look 5 % are false alarms, as promised; with 20 looks, 26 %. (We picked a report that was significant on its way; with 20 looks about one in four is.)
Either fix the number of users and look once, or use a test made for stopping early (a sequential test).
To try 20 prompts that are in truth equally good and report the most significant one is worse. If the 20 tests were independent, the chance of at least one false alarm would be $1-0.95^{20}\approx64\%$. This is the problem of **multiple comparisons**.

## 11.11 Ask people

There is no gold answer for how well a story is written; people have to judge. When people give marks, some are strict and some are kind; **comparing two** texts is much easier. It should be **blind**: nobody is told who wrote which, and the order is drawn by lot. How do wins turn into strengths? The **Bradley–Terry model** (1952) assumes $P(i\text{ beats }j)=\dfrac{p_i}{p_i+p_j}$ and adjusts the $p$ of every player until they fit the wins. Leaderboards of chat models use models of this kind ([Chiang et al., 2024](https://arxiv.org/abs/2403.04132)).

### Exercise 6 · Bradley–Terry

Write `bradley_terry(wins, iterations)`: `wins` is a float tensor [K,K], `wins[i, j]` counts how often i beat j, and the diagonal is ignored. Start from $p_i=1/K$; each step computes all at once from the old $p$

$$p_i\leftarrow\frac{\sum_j w_{ij}}{\sum_{j}\,(w_{ij}+w_{ji})/(p_i+p_j)}$$

and then divides by the sum; both sums leave out $j=i$. Pairs that never met add 0 (even where both $p$ are 0); a player without a game raises `ValueError`, with 0 steps as well. Return a tensor [K].
Example: wins = [[0, 3, 1], [1, 0, 2], [1, 0, 0]] after 1 step give 0.471, 0.353, 0.176.

### Exercise 7 · Cohen's kappa

How far do two judges agree? 80 % sounds good, but if both say “left” nine times in ten, chance alone gives 82 %. **Cohen's kappa** (Cohen, 1960) takes chance off: $\kappa=\dfrac{p_o-p_e}{1-p_e}$, where $p_o$ is the share of agreement and $p_e=\sum_c(\text{share of }c\text{ by one})\times(\text{share of }c\text{ by the other})$. 1 is full agreement, 0 is what chance gives.
Write `cohen_kappa(a, b)`: two lists of labels; return a float, 0.0 where $p_e=1$; unequal lengths or no labels raise `ValueError`.
Example: a = y y n n and b = y n n n give $\kappa=0.5$.

The cell after the two exercises checks them and computes how far the two graders of section 11.2 agree with our own reading. Then you are the judge. SmolLM2 goes on from the same four beginnings at three temperatures (0, 0.7 and 1.5), which makes 12 pairs. **Click 1 or 2**, whichever passage you find better. Each stops after 30 tokens, so breaking off in mid-sentence is no fault. The last cell counts the wins; run it once more when all 12 pairs are done.
"""
# %% exercise id="evaluate.bradley_terry"
...
# %% exercise id="evaluate.cohen_kappa"
...
# %% rows="R54"
cl.check("evaluate.bradley_terry")
cl.check("evaluate.cohen_kappa")
bradley_terry, kappa = cl.use("evaluate.bradley_terry"), cl.use("evaluate.cohen_kappa")
for name, hit in zip(graders[1:3], (exact, loose)):
    agree = np.mean(np.equal(hit, by_us))
    print(name, f"{agree:.0%}", f"κ = {kappa(hit, by_us):.2f}")

# %% rows="R54"
BEGIN = [["The hotel was", "Last summer we", "My dog", "The old bridge"],
         ["这家酒店", "这本书", "房间", "服务员"]]
HEAT = {0: {}, 0.7: {"do_sample": True, "temperature": 0.7},
        1.5: {"do_sample": True, "temperature": 1.5}}

def passages():
    """[model][temperature][beginning]: what a model goes on with."""
    torch.manual_seed(0)
    return {lang: [[begin + m.generate(begin, 30, **how) for begin in begins]
                   for how in HEAT.values()]
            for lang, m, begins in zip(("en", "zh"), (model, cl.load("zh-gpt")), BEGIN)}

texts = cl.results.stored("11_passages", passages)[cl.L(zh="zh", en="en")]
judge = cl.viz.duel(texts, seed=2)
judge

# %% rows="R54"
OURS = cl.L(zh="222111121111", en="211111121211")           # our own clicks
clicks = judge.clicks if len(judge.clicks) == 12 else OURS
wins = torch.zeros(3, 3)                                # [winner, loser]
for (_, a, b), click in zip(judge.pairs, clicks):
    wins[(a, b) if click == "1" else (b, a)] += 1
rows = [(heat, cl.metrics.tally([i < won for i in range(8)]), f"{p:.2f}")
        for heat, won, p in zip(HEAT, wins.sum(1), bradley_terry(wins, 100))]
display(cl.viz.table(rows, cl.L(zh=["温度", "胜", "实力"], en=["temperature", "wins", "strength"])))
print(cl.L(zh="点了 1：", en="clicks on 1:"), clicks.count("1"), "/ 12")
if len(judge.clicks) == 12:
    print(cl.L(zh="你和我们：κ =", en="you and us: κ ="), f"{kappa(list(clicks), list(OURS)):.2f}")


# %% zh [md]
r"""
11.2 节的精确匹配和我们有 80% 一致，扣掉碰巧，κ 只有 0.61；比词有 90% 一致，κ 是 0.80。

胜场表里用的是你的点击；没有点满 12 对，就用我们自己的。我们有几段事先见过是谁写的，不算全盲，请你评得比我们好。照我们的评法，温度 1.5 胜得最少，常常前言不搭后语。全胜的选手，实力会一路走向 1，别人都被挤向 0；一场没胜的走向 0。从这样的胜负里只看得出他没输过或没赢过，看不出强多少、弱多少，所以胜场和区间要一起看，8 场的区间很宽。
我们点 1 比点 2 多。评委也许会不知不觉偏爱先读的那一段，这叫**位置偏差**；12 次太少，看不出我们是不是这样。要查它，就把每一对前后调换，隔些时候再评一遍，看选的是不是同样的段落。你评完以后，最后一行是你和我们的 κ；请一位朋友也评一遍，再算一算你们俩的。

第一份讲义还建议用“BLEU 评分”评生成的文本。BLEU 数的是和参考译文重合的词串（n 元组）；好的译文彼此相近，还说得过去，好的故事却可以一个词也不重合。翻译用 BLEU（第 10 章），开放的写作请人来比。

## 11.12 先和最简单的办法比

第一份讲义说大模型能辅助金融和市场的决策。真要预测，最简单的基线是**照抄昨天**（persistence）。两种序列各 20 条：一种像股价，每天随机走一步；一种像小店的销量，每五天重复一遍，加一点噪声。两种都是我们用随机数造的，不是真的行情。给 SmolLM2 前 20 个数，让它写下一个，再和照抄昨天、照抄五天前比一比。每种序列先是绝对误差的平均数和中位数，后两列是平均比 SmolLM2 多出多少（负的就是差得少），附 95% 区间。表的上面打印了 SmolLM2 在 20 条“像销量”的序列上各差多少。（四十次回答，读的是保存的结果。）
"""
# %% en [md]
r"""
The exact match of 11.2 and we agree on 80 %; with chance taken off, κ is only 0.61. For comparing words it is 90 % and 0.80.

The table of wins uses your clicks, or ours until all 12 pairs are judged. Ours were not fully blind, since we had seen who wrote some of them; do better than we did. In our judgement temperature 1.5 wins least; its passages often do not make sense. The strength of a player who wins every game tends to 1 and pushes all others to 0, whatever they did among themselves; that of one who wins none tends to 0. Such wins show that they never lost or never won, not how strong or weak they are, so look at wins and intervals, too; with 8 games these are wide.
We clicked 1 more often than 2. Judges may favour the passage they read first without noticing, which is called **position bias**; 12 clicks are too few to tell whether we did. To find out, exchange the two passages of every pair, judge again some time later, and see whether the same passages are chosen. Once you have judged, the last line is the κ between you and us; let a friend judge as well and compute yours and theirs.

The first handout also suggests “BLEU scores” for generated text. BLEU counts word sequences (n-grams) shared with a reference translation; good translations resemble each other, so there it makes sense, while two good stories may not share a word. Use BLEU for translation (chapter 10), and people's comparisons for open writing.

## 11.12 Compare with the simplest method first

The first handout says that large models can support decisions about finance and markets. For a forecast the simplest baseline is **persistence**: copy yesterday. There are two kinds of series, 20 of each: one like a share price, which takes a random step each day, the other like a small shop's sales, which repeat every five days with some noise. Both are made with random numbers; they are not real prices. SmolLM2 gets 20 numbers and writes the next, and is compared with copying yesterday and copying five days ago. For each kind the table has the mean and the median of the absolute error, and in the last two columns how much more the mean is than SmolLM2's (negative: smaller errors), with its 95 % interval. Above the table stand SmolLM2's errors on the 20 series like sales. (Forty replies; a kept result is read.)
"""
# %% rows="R75"
def forecasts():
    rng = np.random.default_rng(0)
    walks = [100 + rng.normal(0, 2, 21).cumsum() for _ in range(20)]
    weeks = [rng.integers(20, 80, 5).repeat(5).reshape(5, 5).T.ravel()[:21]
             + rng.normal(0, 1, 21) for _ in range(20)]
    series = np.rint(walks + weeks).astype(int).tolist()                   # [40][21]
    said = model.generate([", ".join(map(str, row[:-1])) + "," for row in series], 5)
    return series, [int((re.findall("[0-9]+", reply) or ["0"])[0]) for reply in said]
days, said = map(np.transpose, cl.results.stored("11_forecasts", forecasts))
error = [abs(x - days[-1]).reshape(2, 20) for x in (said, days[-2], days[-6])]
rows = [(name, *(f"{x.mean():.2f} / {np.median(x):.1f}" for x in e),
         *(cl.metrics.difference(*xy) for xy in zip(e, error[0]) if e is not error[0]))
        for name, e in zip(cl.L(zh=["SmolLM2", "照抄昨天", "照抄五天前"], en=["SmolLM2", "yesterday", "5 days ago"]), error)]
print(*error[0][1])
cl.viz.table(rows, cl.L(zh=["", "像股价", "像销量", "股价：多出", "销量：多出"], en=["", "like a price", "like sales", "price: more", "sales: more"]))


# %% zh [md]
r"""
像股价的那种，照抄昨天平均差 1.80，SmolLM2 是 2.35，差的区间离 0 不远，但不含 0，大模型没有赢过最简单的办法。这也不奇怪，随机走步的序列，昨天的值就是最好的预测，平均下来谁也赢不了。真的行情里有没有规律，这里没有量；谁说有，先请他赢过照抄昨天。
像销量的那种，SmolLM2 平均差 5.30，照抄昨天是 16.90，照抄五天前只有 0.95。可是别只看平均数：看打印的 20 个误差，17 次差不到 5，中位数和照抄五天前一样是 1，平均数主要来自三次离谱的回答。它多半跟上了重复，但偶尔错得很远，从平均数里看不出是哪一种错法。基线要选懂行的人会用的那一个，不是容易赢的那一个；分数后面的一条条回答也要读。

## 小结

- 分数是题目、提示、算分法和判分器合起来量出的一个数，换一个零件就可能变。信一个分数之前，先量不看题目能得多少，先读 30 条判定。
- 报分数带上区间；区间说的是真实能力，不是下一次的分数。
- 比两个模型，看同样题目上成对的差；真实的差距不容易看出来时，显著的结果平均是夸大的。
- 类别不均衡时，准确率要和“总说多数类”一起报；概率校准过，才能当把握用。
- 分数好得可疑，就找泄漏（按组切）、污染（用新题再测）、偷看（只看一次）。
- 没有标准答案就请人盲比；先赢过最简单的办法，再说模型有用。

还想动手：把 11.7 节的 0.15 改成 0.5，变体之间不那么像了，随机切还能得 98% 吗？给 11.1 节的选择题写一条你自己的提示，用 11.4 节的办法和 `bare` 比一比。
接下来：[第 12 章 对齐](12_alignment.ipynb)。
"""
# %% en [md]
r"""
On the series like a price, copying yesterday is off by 1.80 on average and SmolLM2 by 2.35, and the interval of the difference comes close to 0 but does not contain it: the large model does not beat the simplest method. No wonder: in a random walk yesterday's value is the best forecast there is, and on average nobody can beat it. We did not measure whether real prices have a pattern; anyone who claims so has to beat copying yesterday first.
On the series like sales SmolLM2 is off by 5.30 on average, copying yesterday by 16.90, and copying five days ago by only 0.95. But do not stop at the mean. Of the 20 errors printed, 17 are below 5; the median is 1, as with copying five days ago, and most of the mean comes from three replies that are far off. SmolLM2 mostly follows the repetition and now and then misses by a long way, and the mean alone does not show which kind of error it is. Choose the baseline that somebody who knows the matter would use, not the one that is easy to beat; and read the single replies behind a score.

## Summary

- A score measures questions, prompt, scoring and grader together, and can move when one of them is changed. See what the question unseen gets, read 30 verdicts, and only then trust a score.
- Report a score with its interval; the interval is about the true ability, not about the next score.
- Compare two models by their paired differences on the same questions; where a true gap has little chance of being seen, significant results exaggerate it on average.
- With unequal classes report accuracy beside “always the majority”; a probability must be calibrated before it can stand for confidence.
- If a score is too good, look for leakage (split by group), contamination (test again on new questions) and peeking (look once).
- Where there is no gold answer, let people compare blindly; and beat the simplest method before you call a model useful.

To try: change the 0.15 of 11.7 to 0.5, so that variants are less alike; does the random split still give 98 %? Write a prompt of your own for the exam of 11.1 and compare it with `bare` in the way of 11.4.
Next: [chapter 12, alignment](12_alignment.ipynb).
"""

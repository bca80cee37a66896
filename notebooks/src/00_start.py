# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 0 · 从这里开始：一分钟养大一个语言模型

大模型离我们很远：几千块显卡，几个月，几万亿个词元。可是它的一生只有几步：收集文字，学着猜下一个字，教它听懂要求，考一考，改一改，交到人手里。
**这几步，一台笔记本一分钟就能走完**，只要语言够小。这一章就带你走一遍，每一步都真的在跑，不是图。

用法很简单：从上往下，每个格子按 Shift + Enter。看到输入框就打字，看到盒子就点，看到滑块就拖。改坏了也不要紧，重新运行就好。

问题是：走完一圈，怎么知道这个模型学得**够不够好**？
"""
# %% en [md]
r"""
# 0 · Start here: raise a language model in a minute

Large models are far away: thousands of graphics cards, months, trillions of tokens. Yet such a life has only a few steps: collect text, learn to guess the next character, be taught what people want, be tested, improve, be put into people's hands.
**A laptop walks through all of them in a minute**, if the language is small enough. This chapter does, and every step really runs.

How to use it: go from top to bottom and press Shift + Enter in each cell. Where there is a field, type; where there are boxes, click; where there is a slider, drag. Nothing can break for good: run the cell again.

The question: having gone round once, how does one know whether the model is **good enough**?
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")

# %% zh [md]
r"""
## 先见一面

下面这一位是真的：SmolLM2，1.35 亿参数，就在你的机器上运行，不联网。输入一句话（它主要学英语），它给每个可能的下一个词元打出概率。
删一个词，换一个词，看条形怎样变。大语言模型的全部本事，都从这一排条形开始。
"""
# %% en [md]
r"""
## Meet one first

This one is real: SmolLM2, 135 million parameters, running on your machine without a network. Type a sentence, and it gives every possible next token a probability.
Delete a word, change another, and watch the bars. All that a large language model can do begins with this row of bars.
"""
# %%
model = cl.load("smollm2-135m")
cl.viz.explore(lambda text: cl.viz.bars(model.likely(text, k=6)), text="The best thing about learning is")

# %% zh [md]
r"""
## 0.1 先看看医生

`cl.doctor()` 查一遍这台机器：版本、设备、字体、文件夹、模型。缺什么，它会给出修复的命令。
两份文档要求 Python 3.7、PyTorch 1.5 或 1.7、CUDA 10.2，这些版本早已停止维护。与其记版本号，不如去问装好的软件包自己：
"""
# %% en [md]
r"""
## 0.1 See the doctor first

`cl.doctor()` examines this machine: versions, device, fonts, folders, models. Where something is missing it names the command that mends it.
Two of the documents ask for Python 3.7, PyTorch 1.5 or 1.7 and CUDA 10.2, all long out of support. Rather than remember version numbers, ask the installed packages themselves:
"""
# %% machine rows="R88"
fine = cl.doctor()

# %% machine rows="E21 E22"
from importlib.metadata import metadata

for package in ("torch", "transformers"):
    about = metadata(package)
    author = (about["Author"] or about["Author-email"]).split(" (")[0].split(" <")[0]
    print(f"{package:13s}{about['Version']:14s} Python {about['Requires-Python']:8s} {author}")

# %% zh [md]
r"""
第二行还解开一个小误会：有份文档推荐“PyTorch、Transformers 库和 Hugging Face 的 Transformers 库”。后两个是同一个库，作者就写在它的元数据里。

## 0.2 模型的一生

文档里有两张流程图，画的是同一件事：一张从数据收集走到部署，中间问一句“改进了吗”；另一张一直走到用户面前。
要走完它们，先得有一种语言。我们自己造一种：八种动物，各有爱吃的东西，句子只有一个模子。因为是自己造的，每句话的概率都算得出来，
于是能算出**熵**：再聪明的模型，平均每个字也至少有这么多猜不到。这就是满分线。
"""
# %% en [md]
r"""
The second line clears up a small confusion, too: one document recommends “PyTorch, the Transformers library and Hugging Face's Transformers library”. The last two are one library; its own metadata say who makes it.

## 0.2 The life of a model

The documents draw the same life twice: one diagram leads from data to deployment and asks “has it improved?” on the way, the other goes on until a user is there.
To walk through them we need a language, so we make one: eight animals, each with its favourite food, and one mould for all sentences. Since it is ours, the probability of every sentence is known,
and so is the **entropy**: however clever a model, this much per character cannot be guessed. It is the line that a perfect score would reach.
"""
# %%
import math
import random
from itertools import product

likes = dict(pair.split(":") for pair in cl.L(
    zh="小猫:鱼 小狗:骨头 小兔:萝卜 小鸟:虫子 小猴:香蕉 小熊:蜂蜜 小羊:青草 小马:燕麦",
    en="cat:fish dog:bones rabbit:carrots bird:worms monkey:bananas bear:honey sheep:grass horse:oats").split())
times, verbs = cl.L(zh="早上 中午 晚上", en="Today Often Later").split(), cl.L(zh="爱吃 在吃 想吃", en="eats likes wants").split()
mould = cl.L(zh="{0}{1}{2}{3}。\n", en="{0} the {1} {2} {3}.\n")

language = {mould.format(time, animal, verb, food): (0.8 * (likes[animal] == food) + 0.2 / 8) / (3 * 8 * 3)
            for time, animal, verb, food in product(times, likes, verbs, likes.values())}       # sentence -> probability

characters = sum(p * len(sentence) for sentence, p in language.items())
floor = -sum(p * math.log(p) for p in language.values()) / characters                          # nats per character
print(cl.L(zh="{0} 种句子，概率之和 {1:.5f}，满分线：每字 {2:.4f} 奈特", en="{0} sentences, probabilities sum to {1:.5f}; floor: {2:.4f} nats per character")
      .format(len(language), sum(language.values()), floor))

# %% zh [md]
r"""
收集与预处理：从这种语言里抽几千句，切成字，编上号。模型是 `course_lib.nn` 里两层的小 GPT，十万个参数。
每一步写成一个函数，`@cache` 让它只跑一次；后一步要前一步的结果，就去调用它。
"""
# %% en [md]
r"""
Collect and preprocess: draw a few thousand sentences from the language, cut them into characters, number those. The model is a small GPT of `course_lib.nn` with two blocks and a hundred thousand parameters.
Each step is a function; `@cache` runs it once only, and a later step calls the earlier ones that it needs.
"""
# %% rows="R37 R38"
from functools import cache
import torch

question = cl.L(zh="{0}爱吃什么？{1}。\n", en="What does the {0} like? {1}.\n")

@cache
def collect(n=5_000):
    return random.Random(0).choices(list(language), weights=list(language.values()), k=n)

@cache
def preprocess():
    return sorted(set("".join(language) + question.format("", "")))     # every character that occurs

def encode(text):
    return torch.tensor([preprocess().index(char) for char in text])

print(collect()[:3])
print(len(preprocess()), repr(collect()[0]), "->", encode(collect()[0]).tolist())

# %% zh [md]
r"""
**预训练**：随便取一段，猜每个位置的下一个字，猜错了就调参数。
**微调**：再给一点带问答格式的句子，教它听懂“小猫爱吃什么？”。
注意只教六种动物的问答，小羊和小马不教：它们爱吃什么，模型只能从预训练里知道。
"""
# %% en [md]
r"""
**Pre-training**: take any stretch of text, guess the next character at each position, adjust the parameters by the error. **Fine-tuning**: add a little text in the form of questions and answers, so that it understands “What does the cat like?”.
Only six animals are taught this way, sheep and horse are not: what they like it can only know from pre-training.
"""
# %% rows="R37 R38"
import copy
import os

def train(model, text, steps, lr):
    steps = steps // 10 if os.environ.get("COURSE_QUICK") == "1" else steps
    model = copy.deepcopy(model)                        # the earlier stage stays as it was
    cl.fit(model, encode("\n" + text), steps=steps, batch_size=16, lr=lr, precision="float32", show=False)
    return model.cpu().eval()

# %% rows="R37 R38"
@cache
def pretrain(steps=250):
    torch.manual_seed(0)
    config = cl.nn.DecoderConfig(vocab_size=len(preprocess()), context=64, n_layer=2, n_head=4, d_model=64)
    return train(cl.nn.Decoder(config), "".join(collect()), steps, lr=6e-3)

@cache
def improve():
    return train(pretrain(), "".join(collect()), 300, lr=1e-3)

@cache
def finetune(improved=False):
    taught = [question.format(animal, food) for animal, food in list(likes.items())[:6]]
    lessons = random.Random(1).choices(taught, k=400) + list(collect()[:400])
    random.Random(2).shuffle(lessons)
    return train(improve() if improved else pretrain(), "".join(lessons), 150, lr=1e-3)

# %% zh [md]
r"""
**推理**：给个开头，一个字一个字往下写，写到换行为止。
**评估**：两把尺子。没见过的句子上，每个字的损失离满分线多远？八道问答对几道？
不够好，就回到训练那一步接着练（**改进**），再量一次。
"""
# %% en [md]
r"""
**Inference**: give it a beginning and let it write on, character by character, to the end of the line. **Evaluation** has two yardsticks: on unseen sentences, how far is the loss per character from the floor? And of eight questions, how many are answered rightly?
If that is not good enough, back to training for longer (**improvement**), and measure again.
"""
# %% rows="R37 R38"
def infer(model, prompt):
    ids = cl.generate(model, encode("\n" + prompt)[None], max_new_tokens=20, strategy=cl.Greedy())[0, len(prompt) + 1:]
    return "".join(preprocess()[i] for i in ids.tolist()).split("\n")[0]

@torch.inference_mode()
def loss(model):
    total = count = 0
    for sentence in random.Random(7).choices(list(language), weights=list(language.values()), k=200):
        ids = encode("\n" + sentence)
        total -= model(ids[None, :-1])[0].log_softmax(-1).gather(1, ids[1:, None]).sum().item()
        count += len(sentence)
    return total / count

def ask(model, animal):
    return infer(model, question.split("{1}")[0].format(animal)).strip(" .。")

# %% rows="R37 R38"
def grade(model):
    right = [ask(model, animal) == food for animal, food in likes.items()]
    return f"{loss(model):.4f}", f"{sum(right[:6])} / 6", f"{sum(right[6:])} / 2"

# %% zh [md]
r"""
**部署**：把模型包成一个函数，请求进来是 JSON，答复出去也是 JSON，这正是网络服务要调用的东西。打不出的字要给出像样的错误，不能崩。
下面的盒子都能点：上面一排是第一张图，下面一排是第二张图。**点到哪一步，哪一步就真的运行**（训练的几步要等几秒），结果显示在下面。
"""
# %% en [md]
r"""
**Deployment**: wrap the model in a function, JSON in and JSON out, which is just what a web server would call. A character it does not know must lead to a decent error, not to a crash.
All boxes below can be clicked; the upper row is the first diagram, the lower row the second. **Each click really runs that step** (training takes a few seconds) and shows its result.
"""
# %% rows="R37 R38"
import json

def serve(request):
    text = json.loads(request)["question"]
    if unknown := sorted(set(text) - set(preprocess())):
        return json.dumps({"error": f"unknown characters: {''.join(unknown)}"}, ensure_ascii=False)
    return json.dumps({"answer": infer(finetune(improved=True), text[-40:])}, ensure_ascii=False)

def graded(*stages):
    head = cl.L(zh="模型|每字损失|教过的问答|没教过的问答", en="model|loss per character|questions taught|not taught").split("|")
    best = (cl.L(zh="满分线", en="floor"), f"{floor:.4f}", "", "")
    return cl.viz.table([*((name[step], *grade(model)) for step, model in stages), best], header=head)

steps = "collect preprocess pretrain finetune infer evaluate improve deploy user".split()
name = dict(zip(steps, cl.L(zh="收集 预处理 预训练 微调 推理 评估 改进 部署 用户",
                                en="collect preprocess pre-train fine-tune infer evaluate improve deploy user").split()))

# %% rows="R37 R38"
def lines(*texts):
    return cl.viz.table([(text,) for text in texts])

examples = [question.split("{1}")[0].format(animal) for animal in (list(likes)[0], list(likes)[6])]
run = {
    "collect": lambda: lines(*collect()[:5]),
    "preprocess": lambda: cl.viz.table([(char, preprocess().index(char)) for char in collect()[0]]),
    "pretrain": lambda: lines(*(infer(pretrain(), start) for start in times)),
    "finetune": lambda: cl.viz.table([(animal, ask(pretrain(), animal) or "–", ask(finetune(), animal)) for animal in likes],
                                     header=("", name["pretrain"], name["finetune"])),
    "infer": lambda: cl.viz.table([(text, infer(finetune(), text)) for text in examples]),
    "evaluate": lambda: graded(("pretrain", pretrain()), ("finetune", finetune())),
    "improve": lambda: graded(("pretrain", pretrain()), ("improve", improve()), ("finetune", finetune(improved=True))),
    "deploy": lambda: lines(*(serve(json.dumps({"question": text})) for text in (*examples, "@"))),
    "user": lambda: lines(*(f"{text} {json.loads(serve(json.dumps({'question': text})))['answer']}" for text in examples)),
}

# %% training rows="R37 R38"
first_diagram = {step: name[step] for step in "collect pretrain finetune infer evaluate improve deploy".split()}
second_diagram = {step: name[step] for step in "collect preprocess pretrain evaluate improve deploy user".split()}
first_diagram["improve"] = cl.L(zh="改进了吗？没有 ↺ 微调", en="improved? if not ↺ fine-tune")

def life(step):
    return cl.viz.flow(first_diagram, step, "step_") + cl.viz.flow(second_diagram, step, "step_") + cl.viz.Markup("<hr>") + run[step]()

cl.viz.explore(life, step_="collect")

# %% zh [md]
r"""
点完一圈了吗？下面把几步的成绩单排在一起，再和最笨的办法比：不看上文，只按每个字出现的次数猜。
先猜猜：三个模型里，损失最接近满分线的是哪一个？问答答得最好的呢？
"""
# %% en [md]
r"""
Been all the way round? Here are the marks side by side, with the simplest baseline there is: ignore the context and guess by how often each character occurs.
Guess first: of the three models, whose loss is nearest the floor? And who answers best?
"""
# %% training rows="R37 R38"
from collections import Counter

counts = Counter("".join(collect()))
baseline = -sum(n / counts.total() * math.log(n / counts.total()) for n in counts.values())
print(cl.L(zh="只数字频 {0:.4f}", en="counting characters {0:.4f}").format(baseline))
graded(("pretrain", pretrain()), ("improve", improve()), ("finetune", finetune(improved=True)))

# %% zh [md]
r"""
三件事值得记住。**一**，预训练几秒钟就从“只数字频”降到离满分线不远，再练一会儿，差距还会缩小，但不会越过去。
**二**，微调之后会答题了，可是原来那种句子的损失反而升了：学新本事会忘一点旧本事，第 8 章细讲。
**三**，没教过的两种动物答得对不对？八选一，蒙对一个也不稀奇；要下结论，得多换几个随机种子再数（第 11 章）。

真正的服务就差一个输入框。换个问法试试，它只懂它学过的那几句：
"""
# %% en [md]
r"""
Three things to remember. **One**: within seconds pre-training goes from “counting characters” to near the floor; more training closes the gap further, but never crosses it.
**Two**: after fine-tuning it can answer, and yet its loss on the old kind of sentence has risen: learning something new makes it forget a little of the old. Chapter 8 tells more.
**Three**: does it get the two animals right that nobody taught it? One in eight would be right by chance, so one hit proves little: to conclude anything, count over several seeds (chapter 11).

All that a real service still needs is a field to type into. Ask in other words, too: it understands only what it has learnt.
"""
# %% training rows="R38"
cl.viz.explore(lambda text: lines(serve(json.dumps({"question": text}))), text=examples[0])

# %% zh [md]
r"""
## 0.3 深度学习：一个二十行以内的网络

刚才的 GPT 里有什么？无非是这些：**矩阵相乘、弯一下、再相乘，然后沿着梯度把参数挪一小步**。这就是深度学习；用它来读写人的语言，就是今天的自然语言处理（NLP）。
有文档说它“模拟人脑”，其实只是受过启发。也不是随便哪个大规模预训练模型都叫大语言模型：看图的、听音的，也可以很大。

任务：平面上的点，圆里是 1，圆外是 0。一条直线（没有中间层）分不开，加一层弯曲就行。先猜直线能对多少？
"""
# %% en [md]
r"""
## 0.3 Deep learning: a network in under twenty lines

What is inside that GPT? Only this: **multiply by a matrix, bend, multiply again; then move the parameters a small step along the gradient**. That is deep learning, and using it to read and write human language is most of today's natural language processing (NLP).
One document says that it “simulates the human brain”: it was inspired by it, no more. And not every large pre-trained model is a large language model: one that sees or hears may be large, too.

The task: points in the plane, 1 inside a circle and 0 outside. A straight line (no layer in between) cannot part them; one layer that bends can. How often is the line right? Guess.
"""
# %% rows="R23 E39"
def learn(hidden):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1000, 2, generator=generator) * 2 - 1                    # 1000 points
    y = (x.norm(dim=1) < 0.8).float()                                       # 1 inside the circle
    sizes = [2, hidden, 1] if hidden else [2, 1]
    weights = [torch.randn(a, b, generator=generator).div(a ** 0.5).requires_grad_() for a, b in zip(sizes, sizes[1:])]
    biases = [torch.zeros(b, requires_grad=True) for b in sizes[1:]]
    for _ in range(1000):
        h = x
        for layer, (w, b) in enumerate(zip(weights, biases)):
            h = h @ w + b if layer == len(weights) - 1 else torch.tanh(h @ w + b)
        loss_now = torch.nn.functional.binary_cross_entropy_with_logits(h[:, 0], y)
        for p, gradient in zip(weights + biases, torch.autograd.grad(loss_now, weights + biases)):
            p.data -= 2.0 * gradient                                        # a step downhill
    return float(((h[:, 0] > 0) == (y > 0)).float().mean())

print(cl.L(zh="直线 {0:.2f}，一层 16 个弯 {1:.2f}", en="straight line {0:.2f}, one hidden layer of 16 {1:.2f}").format(learn(0), learn(16)))

# %% zh [md]
r"""
## 0.4 记号与术语

整门课里，一个字母只代表一根轴。看到 `[B,T,D]` 就读作“B 句话，每句 T 个词元，每个词元 D 个数”。

| 轴 | 意思 |
|---|---|
| `B` | 批：一次处理几条 |
| `T` | 查询（或输入）的长度，词元数 |
| `S` | 键和值的长度 |
| `H` | 注意力头的个数 |
| `d` | 一个头的宽度 |
| `D` | 模型的宽度 |
| `V` | 词表大小 |
| `K` | 类别数 |

术语两种语言对照着看。打几个字筛选，比如 `attention` 或“微调”；文档里的“前向传播网络”“多模式”，规范的说法是前馈网络、多模态。
"""
# %% en [md]
r"""
## 0.4 Letters and terms

Throughout the course one letter means one axis. Read `[B,T,D]` as “B texts of T tokens, each of them D numbers”.

| axis | meaning |
|---|---|
| `B` | batch: how many at a time |
| `T` | length of the queries (or the input) in tokens |
| `S` | length of the keys and values |
| `H` | number of attention heads |
| `d` | width of one head |
| `D` | width of the model |
| `V` | size of the vocabulary |
| `K` | number of classes |

The terms in both languages: type a few letters to filter, such as `attention`. Where the documents use other Chinese words for feed-forward network and multimodal, the list has the standard ones.
"""
# %% rows="R23 E40"
terms = cl.text.glossary()

def look_up(text):
    found = [(term.zh, term.en) for term in terms if text.strip().lower() in f"{term.zh} {term.en}".lower()]
    return cl.viz.table(found, header=("中文", "English"))

cl.viz.explore(look_up, text=cl.L(zh="注意力", en="attention"))

# %% zh [md]
r"""
看看模型自己的轴。先在心里填好三个数，再运行：
"""
# %% en [md]
r"""
Now the axes of a model. Fill in the three numbers in your mind, then run:
"""
# %%
ids = torch.stack([encode(sentence[:6]) for sentence in collect()[:3]])
logits = pretrain()(ids)
print("ids [B,T]      ", list(ids.shape))
print("logits [B,T,V] ", list(logits.shape))

# %% zh [md]
r"""
## 0.5 练习怎么做

- 带 `...` 的格子是模板，把 `...` 换成你的代码，运行。
- `cl.check("id")` 检查。没写就说“还没开始”；写错了，它会指出像是哪一种错，给一个最小的反例，不会给答案。
- `cl.hint("id")` 给一级提示，再调一次给下一级。
- `f = cl.use("id")` 取函数：通过了就用你的，没通过就用课程的参考实现，所以后面的格子总能运行。
- `cl.progress()` 看进度；记录只存在你自己的机器上。
"""
# %% en [md]
r"""
## 0.5 How exercises work

- A cell with `...` is a template: put your code in place of `...` and run it.
- `cl.check("id")` checks it. Unwritten is “not started”; if it is wrong, the check says which mistake it looks like and shows the smallest example that fails, never the answer.
- `cl.hint("id")` gives a hint, and when called again the next one.
- `f = cl.use("id")` is your function once it passes and the course's reference until then, so that the following cells always run.
- `cl.progress()` shows how far you are; the record stays on your own machine.
"""
# %%
cl.hint("lm.bigram", 1)

# %% zh [md]
r"""
### 练习 1 · 改一改语料

给语言添一种动物，再算满分线。先猜：句子的花样多了，平均每个字更难猜还是更好猜？改动 `more` 再运行。
"""
# %% en [md]
r"""
### Exercise 1 · Change the corpus

Add an animal to the language and compute the floor again. Guess first: with more different sentences, does a character get harder or easier to guess on average? Edit `more` and run.
"""
# %%
def floor_of(animals):
    """Nats per character that nobody can guess, when each of `animals` occurs equally often."""
    sentences = [(mould.format(time, animal, verb, food), (0.8 * (animals[animal] == food) + 0.2 / len(animals)) / len(animals))
                 for time, animal, verb, food in product(times, animals, verbs, animals.values())]
    scale = len(times) * len(verbs)
    return -sum(p / scale * math.log(p / scale) for _, p in sentences) / sum(p / scale * len(text) for text, p in sentences)

more = dict([cl.L(zh="小鸭:浮萍", en="duck:weeds").split(":")])
for animals in (likes, {**likes, **more}):
    print(cl.L(zh="{0} 种动物，满分线 {1:.4f}", en="{0} animals: floor {1:.4f}").format(len(animals), floor_of(animals)))

# %% zh [md]
r"""
### 练习 2 · 弄坏一步

如果预处理时不小心把每句话里的字打乱了，训练照样不报错。损失会停在哪里？是满分线附近，还是“只数字频”附近？
先猜，再运行；然后把 `broken` 改成你想得到的别的坏法，比如只留每句的前三个字。
"""
# %% en [md]
r"""
### Exercise 2 · Break a step

Suppose preprocessing shuffled the characters of each sentence by mistake. Training reports no error. Where does the loss end up: near the floor, or near “counting characters”?
Guess, run; then let `broken` break it in another way that you can think of, such as keeping the first three characters of each sentence only.
"""
# %% training
def broken(sentence):
    return "".join(random.Random(sentence).sample(sentence, len(sentence)))

torch.manual_seed(0)
config = pretrain().config
damaged = train(cl.nn.Decoder(config), "".join(broken(sentence) for sentence in collect()), 150, lr=6e-3)
print(cl.L(zh="在正常句子上的损失：打乱后训练 {0:.4f}，正常训练 {1:.4f}，只数字频 {2:.4f}",
           en="loss on real sentences: trained on shuffled ones {0:.4f}, as it should be {1:.4f}, counting characters {2:.4f}")
      .format(loss(damaged), loss(pretrain()), baseline))

# %% zh [md]
r"""
### 练习 3 · 读懂一个形状

注意力的权重有四根轴。下面这个张量是 [B,H,T,S]，哪一根是头，哪一根是被看的词元？把三个 `None` 换成你的答案再运行；留着 `None` 也不会出错。
"""
# %% en [md]
r"""
### Exercise 3 · Read a shape

Attention weights have four axes. The tensor below is [B,H,T,S]: which axis is the heads, and which the tokens looked at? Put your answers in place of the three `None` and run; leaving `None` does no harm.
"""
# %%
my_batch, my_heads, my_keys = None, None, None

_, weights = pretrain()(ids, return_weights=True)
B, H, T, S = weights[0].shape
for letter, mine, true in (("B", my_batch, B), ("H", my_heads, H), ("S", my_keys, S)):
    print(letter, "–" if mine is None else "✓" if mine == true else "✗")
print(f"Σ weights[0, 0, -1] = {weights[0][0, 0, -1].sum():.4f}")

# %% zh [md]
r"""
形状是多少？加一行 `print(weights[0].shape)` 就知道。最后一行是个预告：一个位置对所有位置的注意力，加起来是 1（第 3 章）。

## 0.6 常见问题

答案只写一句，证据在右边：那里是能运行的格子。还没写好的章节，链接会在写好时自动出现。

| 问题 | 一句话的答案 | 在哪里验证 |
|---|---|---|
| 要多少算力？ | 看参数量和数据量，可以先算出来 | {{R27}} · {{R81}} |
| 要多少数据？ | 数词元，不数“样本”；多而干净才有用 | {{R40}} · {{R27}} |
| 怎样微调？ | 少量带答案的例子接着训；也可以只训很小一部分参数 | {{R37}} · {{R42}} |
| 会泄露训练数据吗？ | 会，见得越多背得越牢 | {{R87}} |
| 会有偏见吗？ | 会，而且量得出来 | {{R87}} |
| 怎样选预训练模型？ | 先看语言和任务，再看大小和速度 | {{R41}} |
| 怎样评估？ | 没见过的数据、合适的尺子、旁边放一个基线 | {{R4}} · {{R51}} · {{R53}} |
| 怎样对付过拟合？ | 更多数据、早停、正则化、暂退法 | {{R47}} |
| 超参数怎么选？ | 预算相同的前提下比几种搜索 | {{R49}} |
| 怎样提高效率？ | 缓存、量化、剪枝、蒸馏 | {{R45}} · {{R80}} |
| 怎样部署？ | 一个函数，外面包一层服务，再盯着它 | {{R38}} · {{R44}} |
| 怎样接上图像和声音？ | 把它们也变成词元 | {{R78}} · {{R86}} |

## 0.7 核对过的书目

原始文档推荐的资料，有的题目写错了，有的查无此书。下面是核对后的题目和出处；最右一列是文档里的写法。
"""
# %% en [md]
r"""
What are the numbers? Add the line `print(weights[0].shape)` and see. The last line is a promise of what is to come: what one position pays to all positions adds up to 1 (chapter 3).

## 0.6 Frequent questions

One sentence each; the proof stands on the right, in cells that run. Links to chapters still to be written appear by themselves.

| question | the answer in a sentence | where to verify it |
|---|---|---|
| How much computing power? | It follows from parameters and data, and can be computed beforehand | {{R27}} · {{R81}} |
| How much data? | Count tokens, not “samples”; much and clean is what helps | {{R40}} · {{R27}} |
| How does fine-tuning work? | Train on with a few examples that have answers, perhaps only a small part of the parameters | {{R37}} · {{R42}} |
| Do models leak training data? | Yes; the more often seen, the better known by heart | {{R87}} |
| Are they biased? | Yes, and it can be measured | {{R87}} |
| Which pre-trained model? | Look at language and task first, then at size and speed | {{R41}} |
| How to evaluate? | Unseen data, a fitting yardstick, a baseline beside it | {{R4}} · {{R51}} · {{R53}} |
| What about overfitting? | More data, early stopping, regularisation, dropout | {{R47}} |
| Which hyper-parameters? | Compare searches on an equal budget | {{R49}} |
| How to be more efficient? | Caching, quantisation, pruning, distillation | {{R45}} · {{R80}} |
| How to deploy? | A function, a service around it, and an eye on it | {{R38}} · {{R44}} |
| How to add images and sound? | Turn them into tokens, too | {{R78}} · {{R86}} |

## 0.7 A checked bibliography

Some works that the documents recommend bear a wrong title, some do not exist. Here are the checked titles and where to find them; the right column is what the documents wrote.
"""
# %% rows="R88 E50 E51 E52 E58 E59"
papers = [
    ("Vaswani et al. 2017", "Attention Is All You Need", "1706.03762", ""),
    ("Devlin et al. 2018", "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", "1810.04805", ""),
    ("Brown et al. 2020", "Language Models are Few-Shot Learners", "2005.14165", "GPT-3: Language Models are …"),
    ("Raffel et al. 2019", "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", "1910.10683",
     "T5: Text-to-Text Transfer Transformer"),
    ("Peters et al. 2018", "Deep contextualized word representations", "1802.05365", "ELMo: Deep Contextualized …"),
    ("Liu et al. 2019", "RoBERTa: A Robustly Optimized BERT Pretraining Approach", "1907.11692", ""),
    ("Rush et al. 2015", "A Neural Attention Model for Abstractive Sentence Summarization", "1509.00685",
     "Language Model Fine-tuning for Document Summarization"),
]
link = lambda number: cl.viz.Markup(f'<a href="https://arxiv.org/abs/{number}">arXiv:{number}</a>')
head = cl.L(zh="作者|题目|出处|文档里的写法", en="authors|title|where|in the documents").split("|")
cl.viz.table([(who, title, link(number), wrong) for who, title, number, wrong in papers], header=head)

# %% zh [md]
r"""
书、课程与工具：

- 署名盖瑞·马库斯的《大规模语言模型》查不到。他写过 *Rebooting AI*（与 Ernest Davis 合著，2019）和 *Taming Silicon Valley*（2024）。《Transformer网络》和 Coursera 的 “NLP with Transformers” 同样没有找到；名字相近的是 Tunstall、von Werra、Wolf 的 *Natural Language Processing with Transformers*（O'Reilly，2022）。
- 读得下去的好书：[动手学深度学习](https://zh.d2l.ai)（中英文都有）；Goodfellow 等 [Deep Learning](https://www.deeplearningbook.org)；Jurafsky 与 Martin [Speech and Language Processing](https://web.stanford.edu/~jurafsky/slp3/)。
- 课程：斯坦福 [CS224n](https://web.stanford.edu/class/cs224n/)、[fast.ai](https://course.fast.ai)。Coursera 与 Udacity 上的课换得勤，以网站为准。
- 工具：[PyTorch](https://pytorch.org)（起于 Meta，2022 年起归 PyTorch 基金会）、[TensorFlow](https://www.tensorflow.org)、[Transformers](https://huggingface.co/docs/transformers)、[CUDA](https://developer.nvidia.com/cuda-downloads)（有 NVIDIA 显卡才用得上）、[Jupyter](https://jupyter.org)、[Colab](https://colab.research.google.com)、[VS Code](https://code.visualstudio.com)、[GitHub](https://github.com)、[Stack Overflow](https://stackoverflow.com)。Papers with Code 近年几经变动，用之前先看看它还在不在。

## 0.8 全课地图

{{chapters}}

接下来：[第 1 章 语言模型](01_language_models.ipynb)。本章小结：一个模型好不好，要看它离**算得出的底线**还有多远，旁边再摆一个**最笨的基线**；这两条线，后面每一章都会用到。

## 0.9 索引：每一条在哪里运行

五份文档里的每个要点（R）和每处错误（E），都要变成能运行的格子。

{{rows}}
"""
# %% en [md]
r"""
Books, courses and tools:

- No book *Large Language Models* by Gary Marcus can be found. He wrote *Rebooting AI* (with Ernest Davis, 2019) and *Taming Silicon Valley* (2024). Nor did we find *Transformer Networks* or Coursera's “NLP with Transformers”; of similar name is *Natural Language Processing with Transformers* by Tunstall, von Werra and Wolf (O'Reilly, 2022).
- Books worth reading to the end: [Dive into Deep Learning](https://zh.d2l.ai) (in both languages); Goodfellow et al., [Deep Learning](https://www.deeplearningbook.org); Jurafsky and Martin, [Speech and Language Processing](https://web.stanford.edu/~jurafsky/slp3/).
- Courses: Stanford's [CS224n](https://web.stanford.edu/class/cs224n/), [fast.ai](https://course.fast.ai). Those on Coursera and Udacity change often; look there.
- Tools: [PyTorch](https://pytorch.org) (begun at Meta, since 2022 with the PyTorch Foundation), [TensorFlow](https://www.tensorflow.org), [Transformers](https://huggingface.co/docs/transformers), [CUDA](https://developer.nvidia.com/cuda-downloads) (only with an NVIDIA card), [Jupyter](https://jupyter.org), [Colab](https://colab.research.google.com), [VS Code](https://code.visualstudio.com), [GitHub](https://github.com), [Stack Overflow](https://stackoverflow.com). Papers with Code has changed hands and shape of late; see whether it is there before you rely on it.

## 0.8 A map of the course

{{chapters}}

Next: [chapter 1, language models](01_language_models.ipynb). In short: to judge a model, see how far it is from a **floor that can be computed**, and put the **simplest baseline** beside it; both lines will be with us in every chapter.

## 0.9 Index: where each item runs

Every point (R) and every error (E) of the five documents is to become a cell that runs.

{{rows}}
"""

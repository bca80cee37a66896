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

大模型离我们很远：几千块显卡，几个月，几万亿个词元（token，文字切成的小块）。可是它的一生只有几步：收集文字，学着猜下一个词元，学会听懂要求，考一考，改一改，交到人手里。
**这几步，一台笔记本一两分钟就能走完**，只要语言够小。这一章就带你走一遍，每一步都真的在跑。

用法很简单：从上往下，每个格子按 Shift + Enter。看到输入框就打字，看到盒子就点，看到“你猜”就先选一个再往下看。改坏了也不要紧，撤销（Ctrl + Z），再运行一次就好。

走完一圈，还要回答一个问题：怎么知道这个模型**够不够好**？
"""
# %% en [md]
r"""
# 0 · Start here: raise a language model in a minute

Large models are out of reach for most of us: thousands of graphics cards, months, trillions of tokens (pieces of text). Yet the life of such a model has only a few steps: collect text, learn to guess the next token, learn to do what people ask, be tested, be improved, be put into people's hands.
**A laptop can go through all of them in a minute or two**, if the language is small enough. This chapter takes you through them, and every step really runs.

How to use it: go from top to bottom and press Shift + Enter in each cell. Where there is a field, type; where there are boxes, click; where you are asked for a guess, choose before you read on. If you spoil a cell, undo (Ctrl + Z) and run it again.

At the end one question remains: how do you know whether the model is **good enough**?
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")

# %% zh [md]
r"""
## 0.1 先见一面

下面是一个真的语言模型：本课自己训练的中文小模型，就在你的机器上运行，不联网。它先报出自己有多少**参数**，也就是训练时调整的数。输入半句话，它给每个可能的下一个词元（这里大多是一个字）一个概率，图上画的是最高的六个。
删一个字，换一个字，看条形怎样变。
"""
# %% en [md]
r"""
## 0.1 Meet one first

Below is a real language model, a small one that runs on your own machine without a network. It first reports how many **parameters** it has: the numbers that training adjusts. Type the beginning of a sentence, and it gives every possible next token (here a word or a part of one) a probability; the chart shows the six highest.
Delete a word, change another, and watch the bars.
"""
# %%
model = cl.load(cl.L(zh="zh-gpt", en="smollm2-135m"))
print(model.card.name, f"{model.card.parameters:,}", cl.L(zh="个参数", en="parameters"))

def next_token(text):
    return cl.viz.bars(model.likely(text, k=6))

cl.viz.explore(next_token, text=cl.L(zh="今天的早餐很", en="The best thing about learning is"))

# %% zh [md]
r"""
大语言模型写的每一个词元，都是从这样一排条形里选出来的。选一个，接上，再算下一排，就写成了文章。

**为什么有这门课。** 网上流传着五份讲大模型的中文讲义。它们选题很好，错误也很多：代码跑不通，公式写错，引的书查不到。
本课要把讲义的要点都变成能运行的格子，错误用实验来改正。以后说“第三份讲义”，指的就是下表里的第三份：

| 讲义 | 讲什么 |
|---|---|
| 第一份 | 《大模型时代下的新型学习方式》，有一个训练 T5 的脚本 |
| 第二份 | 《大规模语言模型从理论到实践》，有一个写摘要的脚本 |
| 第三份 | 大模型的定义与微调，有一个给文本分类的脚本 |
| 第四份 | 大模型与用户体验，有一个写成类的注意力 |
| 第五份 | BERT、ELMo、RoBERTa 与 T5，有一个填空的例子 |

哪个要点在哪里运行（有些还没写到），见[索引]({{docs}}/index.md)；讲义引用的论文和书，核对的结果在[书目]({{docs}}/bibliography.md)。

动手之前，先查一查机器。`cl.doctor(brief=True)` 只报告缺什么、怎样补。
第四、第五份讲义要求 Python 3.7、PyTorch 1.5 或 1.7，第四份还要 CUDA 10.2，这些版本早已停止维护。与其记版本号，不如去问装好的软件包自己：
"""
# %% en [md]
r"""
Every token that a large language model writes is chosen from a row of bars like this one. It chooses a token, appends it and computes the next row; that is how it writes a whole page.

**Why this course.** Five Chinese handouts on large models circulate on the web. Their subjects are well chosen, but they contain many errors: code that does not run, formulas that are wrong, books that cannot be found.
The aim of this course is to turn their points into cells that run and to correct their errors by experiment. “The third handout” always means the third in this table:

| handout | subject |
|---|---|
| the first | *New ways of learning in the age of large models*, with a script that trains T5 |
| the second | *Large language models from theory to practice*, with a script that writes summaries |
| the third | what large models are, and fine-tuning, with a script that classifies texts |
| the fourth | large models and user experience, with attention written as a class |
| the fifth | BERT, ELMo, RoBERTa and T5, with an example that fills in a blank |

The [index]({{docs}}/index.md) says where each point runs (some are still to be written); the [bibliography]({{docs}}/bibliography.md) lists the papers and books that the handouts cite, with what we found when we checked them.

Before we start, a look at your machine. `cl.doctor(brief=True)` reports only what is missing and how to fix that.
The fourth and the fifth handout ask for Python 3.7 and PyTorch 1.5 or 1.7, the fourth also for CUDA 10.2; all are long out of support. Rather than remember version numbers, ask the installed packages themselves:
"""
# %% machine rows="R88 E21 E22"
from importlib.metadata import metadata

cl.doctor(brief=True)
for package in ("torch", "transformers"):
    about = metadata(package)
    author = (about["Author"] or about["Author-email"]).split(" (")[0].split(" <")[0]
    print(f"{package} {about['Version']}: Python {about['Requires-Python']}, {author}")

# %% zh [md]
r"""
最后一行还解开一个误会。第一份讲义推荐“PyTorch、Transformers 库和 Hugging Face 的 Transformers 库”，后两个其实是同一个库，作者就写在它的元数据里。

## 0.2 模型的一生

要走完一个模型的一生，先得有一种语言。真实的语言太大，我们自己造一种：八种动物，各有爱吃的东西，句子只有一个模子。
一句话里，动物配上自己爱吃的东西的概率是 0.825；其余七样，各 0.025。

语言是自己造的，每句话的概率 $p$ 都知道，于是可以算出**熵** $-\sum p\ln p$，这里再除以句子的平均字数。
拿任何一个模型，把它给每个字的概率取对数、变号，再对整个语言求平均，结果都不会小于这个数，所以本课叫它**底线**。用自然对数，单位就是奈特（nat）。
"""
# %% en [md]
r"""
The last line also clears up a confusion. The first handout recommends “PyTorch, the Transformers library and Hugging Face's Transformers library”. The last two are one and the same library; its metadata names the author.

## 0.2 The life of a model

To walk through the life of a model we need a language. A real one is too large, so we make our own: eight animals, each with a favourite food, and a single sentence pattern.
In a sentence, an animal gets its favourite food with probability 0.825 and each of the other seven with probability 0.025.

Since the language is ours, the probability $p$ of every sentence is known. From it we compute the **entropy** $-\sum p\ln p$, here divided by the mean number of characters in a sentence.
Take the probability that a model gives to each character, take the logarithm, change the sign and average over the whole language. Whatever the model, the result is never below this number, so the course calls it the **floor**. With natural logarithms the unit is the nat.
"""
# %% rows="R37 R38"
from itertools import product
from math import log

animals = cl.L(zh=["小猫", "小狗", "小兔", "小鸟", "小猴", "小熊", "小羊", "小马"],
               en=["cat", "dog", "rabbit", "bird", "monkey", "bear", "sheep", "horse"])
foods = cl.L(zh=["鱼", "骨头", "萝卜", "虫子", "香蕉", "蜂蜜", "青草", "燕麦"],
             en=["fish", "bones", "carrots", "worms", "bananas", "honey", "grass", "oats"])
times = cl.L(zh=["早上", "中午", "晚上"], en=["Today", "Often", "Later"])
verbs = cl.L(zh=["爱吃", "在吃", "想吃"], en=["eats", "likes", "wants"])
mould = cl.L(zh="{0}{1}{2}{3}。\n", en="{0} the {1} {2} {3}.\n")

# %% rows="R37 R38"
def make_language(likes):
    """{animal: its favourite food} -> {sentence: its probability}."""
    language = {}
    for time, animal, verb, food in product(times, likes, verbs, likes.values()):
        chance = (0.8 if food == likes[animal] else 0) + 0.2 / len(likes)
        language[mould.format(time, animal, verb, food)] = chance / len(likes) / 9
    return language

def mean_length(language):
    return sum(p * len(sentence) for sentence, p in language.items())

def floor_of(language):
    """The entropy of the language, in nats per character."""
    return -sum(p * log(p) for p in language.values()) / mean_length(language)

# %% rows="R37 R38"
likes = dict(zip(animals, foods))
language = make_language(likes)
floor = floor_of(language)
print(cl.L(zh="{0} 种句子，概率之和 {1:.5f}", en="{0} sentences, probabilities sum to {1:.5f}")
      .format(len(language), sum(language.values())))
print(cl.L(zh="底线：每字 {0:.3f} 奈特", en="floor: {0:.3f} nats per character").format(floor))

# %% zh [md]
r"""
**收集**，就是从这种语言里抽 5,000 句。
**预处理**，就是切成字，编上号。这里一个字就是一个词元。
每一步写成一个函数，`@cache` 让同样的输入只算一次；后一步要用前一步的结果，就去调用它。
"""
# %% en [md]
r"""
To **collect**, we draw 5,000 sentences from this language; to **preprocess**, we cut them into characters and give each character a number. Here a token is one character.
Each step is a function. Thanks to `@cache` it runs only once for the same input, and a later step calls the earlier steps whose results it needs.
"""
# %% rows="R37 R38"
import random
from functools import cache
import torch

question = cl.L(zh="{0}爱吃什么？", en="What does the {0} like? ")
lesson = question + cl.L(zh="{1}。\n", en="{1}.\n")             # question and answer
alphabet = sorted(set("".join(language) + lesson.format("", "")))
@cache
def collect():
    return random.Random(0).choices(list(language), weights=language.values(), k=5_000)

def encode(text):
    return torch.tensor([alphabet.index(char) for char in text])

print(cl.L(zh="抽到了几种句子：", en="different sentences drawn:"), len(set(collect())))

# %% zh [md]
r"""
**预训练**：随便取一段，猜每个位置的下一个字，再调参数，让它猜得更准。模型是 `course_lib.nn` 里两层的小 GPT，约十万个参数，第 3、4 章会把它拆开。

**微调**：接着用问答句子训练，教它回答“小猫爱吃什么？”。只教六种动物的问答，小羊和小马不教：它们爱吃什么，模型只能从预训练里知道。
问答里掺进一些原来的句子，`old` 是掺多少句。
"""
# %% en [md]
r"""
**Pre-training**: take any stretch of text, guess the next character at each position, and adjust the parameters so that the guesses improve. The model is a small two-layer GPT from `course_lib.nn` with about a hundred thousand parameters; chapters 3 and 4 take it apart.

**Fine-tuning**: continue training on questions and answers, so that the model learns to answer “What does the cat like?”. Only six animals appear in them. The sheep and the horse do not: the model can know what they like only from pre-training.
Some sentences of the old kind, from pre-training, are mixed in; `old` says how many.
"""
# %% rows="R37 R38"
import copy
import os

def new_model():
    torch.manual_seed(0)
    return cl.nn.Decoder(cl.nn.DecoderConfig(
        len(alphabet), context=64, n_layer=2, n_head=4, d_model=64))

def train(model, text, steps, lr):
    if os.environ.get("COURSE_QUICK"):                  # set in the course's own tests
        steps = steps // 10
    model = copy.deepcopy(model)                        # the earlier stage stays
    data = encode("\n" + text)
    cl.fit(model, data, steps=steps, lr=lr, precision="float32", show=False)
    return model.cpu().eval()

# %% rows="R37 R38"
@cache
def pretrain():
    return train(new_model(), "".join(collect()), steps=250, lr=6e-3)

@cache
def finetune(old=400, steps=150):
    taught = [lesson.format(animal, likes[animal]) for animal in animals[:6]]
    lessons = random.Random(1).choices(taught, k=400) + collect()[:old]
    random.Random(2).shuffle(lessons)
    return train(pretrain(), "".join(lessons), steps, lr=1e-3)

def improve():                                          # more old sentences, more steps
    return finetune(old=4_000, steps=300)

# %% zh [md]
r"""
**推理**：给模型一个开头，让它一个字一个字往下写，写到换行为止。
**评估**：用两把尺子。一把是**损失**：模型给真正出现的那个字多大概率，取对数、变号，平均到每个字，越小越好，最小到底线。
另一把是问答：教过的六道对几道，没教过的两道对几道。

这种语言小到可以不抽样，把所有句子按各自的概率全算一遍，所以这里的损失是准确值，没有抽样误差。
"""
# %% en [md]
r"""
**Inference**: give the model a beginning and let it continue, character by character, to the end of the line.
**Evaluation** has two yardsticks. One is the **loss**: the logarithm of the probability that the model gave to the character that really came, with its sign changed, averaged over the characters. Smaller is better, down to the floor.
The other is the number of right answers: to the six questions that were taught, and to the two that were not.

The language is so small that we need no sample: we measure every sentence and weight it by its probability. The loss below is therefore exact, without sampling error.
"""
# %% rows="R37 R38"
def infer(model, prompt):
    ids = encode("\n" + prompt)[None]                                   # [1,T]
    ids = cl.generate(model, ids, max_new_tokens=20, strategy=cl.Greedy())[0]
    written = "".join(alphabet[i] for i in ids[len(prompt) + 1:].tolist())
    return written.split("\n")[0].strip(" .。")

def ask(model, animal):
    return infer(model, question.format(animal))

# %% rows="R37 R38"
@cache
@torch.inference_mode()
def nats(model):
    """Every sentence -> the sum of -log p over its characters."""
    total = {}
    for sentence in language:
        ids = encode("\n" + sentence)                                   # [T+1]
        log_probs = model(ids[None, :-1])[0].log_softmax(-1)            # [T,V]
        total[sentence] = -log_probs[range(len(sentence)), ids[1:]].sum().item()
    return total

def loss(model):
    total = nats(model)
    return sum(p * total[s] for s, p in language.items()) / mean_length(language)

# %% zh [md]
r"""
**部署**：在改进后的模型前面放一个真正的网络服务。请求和答复都是 JSON；看不懂的请求、没见过的字，都要回一条说得清楚的出错信息。
服务只开在 `127.0.0.1`（本机回环地址）上，别的机器连不到它。
"""
# %% en [md]
r"""
**Deployment**: put a real web service in front of the improved model. Requests and replies are JSON; a malformed request or an unknown character gets a clear error message.
The service listens only on `127.0.0.1` (the loopback address), which no other machine can reach.
"""
# %% rows="R37 R38"
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def answer(body):
    """The bytes of a request -> (HTTP status, reply)."""
    try:
        text = json.loads(body)["question"]
        unknown = "".join(sorted(set(text) - set(alphabet)))
    except (ValueError, KeyError, TypeError):
        return 400, {"error": 'send {"question": "…"}'}
    if unknown:
        return 400, {"error": cl.L(zh="没学过的字：", en="unknown characters: ") + unknown}
    return 200, {"answer": infer(improve(), text[-40:])}

# %% rows="R37 R38"
class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        status, reply = answer(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(reply).encode())

    def log_message(self, *_):                          # no log between the cells
        pass

# %% rows="R37 R38"
import threading
from http.client import HTTPConnection

@cache
def deploy():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)     # 0: any free port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port

def post(question):
    """What a user's program does: send a request, read the reply."""
    connection = HTTPConnection("127.0.0.1", deploy(), timeout=120)
    connection.request("POST", "/", json.dumps({"question": question}))
    reply = connection.getresponse()
    return f"{reply.status} {json.dumps(json.loads(reply.read()), ensure_ascii=False)}"

# %% zh [md]
r"""
第一、第四份讲义各有一张流程图，画的是同一件事：第一份在评估之后问“是否改进”，没有就回到微调；第四份一直走到用户面前。下面把两张图合成一张。
**点到哪个盒子，哪一步就真的运行**，结果显示在下面。要训练的几步得等一会儿。“用户”那个盒子真的向服务发三次请求，最后一次故意发一个没学过的字符。
"""
# %% en [md]
r"""
The first and the fourth handout each draw this life as a diagram. The first asks after evaluation whether the model has improved and, if not, goes back to fine-tuning; the fourth goes on to the user. The picture below combines the two.
**Click a box and that step really runs**, with its result shown below; the steps that train take a while. The box “user” really sends the service three requests, the last of them, on purpose, with an unknown character.
"""
# %% rows="R37 R38"
name = dict(cl.L(
    zh={"collect": "收集", "preprocess": "预处理", "pretrain": "预训练", "finetune": "微调",
        "infer": "推理", "evaluate": "评估", "deploy": "部署", "user": "用户", "improve": "改进"},
    en={"collect": "collect", "preprocess": "preprocess", "pretrain": "pre-train",
        "finetune": "fine-tune", "infer": "infer", "evaluate": "evaluate",
        "deploy": "deploy", "user": "user", "improve": "improve"}))
asked = [question.format(animals[0]), question.format(animals[6])]

def marks(**models):
    rows = []
    for step, model in models.items():
        right = [ask(model, animal) == likes[animal] for animal in animals]
        rows.append((name[step], f"{loss(model):.3f}", sum(right[:6]), sum(right[6:])))
    return rows

# %% rows="R37 R38"
def run(step):
    """Run a step of the life and return rows that show what it made."""
    match step:
        case "collect": return [(sentence,) for sentence in collect()[:5]]
        case "preprocess": return zip(collect()[0], encode(collect()[0]).tolist())
        case "pretrain": return [(time, infer(pretrain(), time)) for time in times]
        case "finetune": return [(who, ask(finetune(), who)) for who in animals]
        case "infer": return [(text, infer(finetune(), text)) for text in asked]
        case "evaluate": return marks(pretrain=pretrain(), finetune=finetune())
        case "improve": return marks(finetune=finetune(), improve=improve())
        case "deploy": return [(f"http://127.0.0.1:{deploy()}",)]
        case "user": return [(text, post(text)) for text in (*asked, "@")]

# %% training rows="R37 R38"
def life(step):
    boxes = {**name, "improve": cl.L(zh="还不够好？改进", en="not good enough? improve")}
    back = ("improve", "finetune", "evaluate")          # the edge that leads back
    return cl.viz.cycle(boxes, back, step, control="step_") + cl.viz.table(run(step))

cl.viz.explore(life, step_="collect")

# %% zh [md]
r"""
点完一圈了吗？现在把三个模型的成绩排在一起。旁边放一个很笨的办法当**基线**：不看上文，只按每个字出现得多常来猜。先选一个，再往下看：
"""
# %% en [md]
r"""
Have you clicked through all the boxes? Next we compare the three models with each other and with a very simple **baseline**: ignore the context and guess only by how often each character occurs. Choose before you read on:
"""
# %%
cl.guess("start.loss", cl.L(zh="在原来那种句子上，哪个模型的损失最小？",
                            en="On sentences of the old kind, whose loss is smallest?"),
         choices=[name["pretrain"], name["finetune"], name["improve"]])

# %% training rows="R37 R38"
from collections import Counter

def counting(language):
    """The loss when all that is known is how often each character occurs."""
    share = Counter()
    for sentence, p in language.items():
        for char in sentence:
            share[char] += p / mean_length(language)
    return -sum(p * log(p) for p in share.values())

rows = [(cl.L(zh="只数字频", en="counting characters"), f"{counting(language):.3f}", "", ""),
        *marks(pretrain=pretrain(), finetune=finetune(), improve=improve()),
        (cl.L(zh="底线", en="floor"), f"{floor:.3f}", "", "")]
header = cl.L(zh=["", "损失", "教过的 6 道", "没教过的 2 道"], en=["", "loss", "6 taught", "2 not taught"])
cl.viz.table(rows, header, right=(1, 2, 3))

# %% training
models = {"pretrain": pretrain(), "finetune": finetune(), "improve": improve()}
cl.guess.result("start.loss", name[min(models, key=lambda step: loss(models[step]))])

# %% zh [md]
r"""
**一**，预训练之后，损失比“只数字频”小得多，已在底线附近。准确的损失永远不会低于底线（吉布斯不等式）；抽样量出来的没有这个保证，练习 3 看看抽样会怎样误导人。
**二**，第一次微调之后会答题了，原来那种句子的损失却升了：学了新本事，旧本事忘了一点。改进时多掺旧句子、多练几步，损失又降了下来，降到和预训练那一行相近（谁略低一些，看表）。这两样一起改了，哪样起的作用，这里分不出来（第 9 章）。
**三**，没教过的只有两道，答对几道都说明不了多少：胡乱八选一也有机会蒙对，要下结论，得换许多随机种子重新训练，再数（第 11 章）。

服务已经开着。先照学过的问法问一句，再换个问法，看它怎么答：训练时的问答只有这一种问法。
"""
# %% en [md]
r"""
**One**: after pre-training the loss is far below “counting characters” and close to the floor. The exact loss can never be below the floor (Gibbs' inequality); a loss measured on a sample has no such guarantee, and exercise 3 shows how badly samples can mislead.
**Two**: after the first fine-tuning the model can answer, but its loss on the old kind of sentence has risen: while learning something new it forgot a little of the old. For the improved model we mixed in more old sentences and trained for more steps, and the loss came down again, close to that of the pre-trained model (the table shows which of the two is slightly lower). Both changes were made at once, so we cannot tell which of them helped (chapter 9).
**Three**: two questions that were not taught are too few to show much, however many are answered correctly: someone who picks one of the eight foods at random is sometimes right, too. To draw a conclusion, repeat the training with many random seeds and count (chapter 11).

The service is running. Ask it a question as it was taught, then the same in other words, and see what it replies: in training it met only this one wording.
"""
# %% training rows="R38"
cl.viz.explore(post, question=asked[0])

# %% zh [md]
r"""
## 0.3 深度学习：一个十几行的网络

刚才的 GPT 里有什么？**乘一个矩阵，弯一下（用一个非线性函数，下面的代码用 tanh），再乘一个矩阵；训练时，逆着梯度把参数挪一小步**。梯度说的是参数往哪边挪，损失升得最快。这就是深度学习；用它来读写人的语言，今天的自然语言处理（NLP）大多如此。
第三份讲义说深度学习“模拟人脑”，其实它只是受过人脑启发。第三份讲义还把大规模预训练模型都叫大语言模型，可是看图的、听音的模型也可以很大。

任务：平面上 1,000 个点，圆里的标 1，圆外的标 0，各占一半左右。一条直线（没有中间层）能分对多大的比例？先猜。
"""
# %% en [md]
r"""
## 0.3 Deep learning: a network in a dozen lines

What is inside that GPT? **Multiply by a matrix, bend the result (with a nonlinear function; in the code below, tanh), multiply by another matrix; in training, move the parameters a small step against the gradient**. The gradient says in which direction the loss rises fastest. That is deep learning, and using it to read and write human language is most of today's natural language processing (NLP).
The third handout says that deep learning “simulates the human brain”; in fact it was only inspired by the brain. It also calls every large pre-trained model a large language model, but models for images or sound can be large, too.

The task: 1,000 points in the plane, labelled 1 inside a circle and 0 outside, about half of each. What share of them can a straight line (no layer in between) classify correctly? Guess first.
"""
# %%
cl.guess("start.line", cl.L(zh="一条直线分对的比例，从 0 到 1", en="The share that a straight line gets right, from 0 to 1"))

# %% rows="R23 E39"
from torch.nn.functional import binary_cross_entropy_with_logits

torch.manual_seed(0)
points = torch.rand(1000, 2) * 2 - 1                    # [1000,2]
inside = (points.norm(dim=1) < 0.8).float()             # [1000], 1 inside the circle
print(cl.L(zh="圆里的点占", en="share of points inside:"), f"{inside.mean():.2f}")

def network(x, weights):                                # [1000,2] -> [1000]
    for w in weights[:-1]:
        x = torch.tanh(x @ w[:-1] + w[-1])              # the last row of w is the bias
    return (x @ weights[-1][:-1] + weights[-1][-1])[:, 0]

# %% rows="R23 E39"
def learn(*sizes):
    weights = [torch.randn(a + 1, b) for a, b in zip(sizes, sizes[1:])]
    for w in weights:
        w.requires_grad_()
    for _ in range(1000):
        loss_now = binary_cross_entropy_with_logits(network(points, weights), inside)
        for w, gradient in zip(weights, torch.autograd.grad(loss_now, weights)):
            w.data -= gradient                          # a small step downhill
    return float(((network(points, weights) > 0) == (inside > 0)).float().mean())

line, bent = learn(2, 1), learn(2, 16, 1)
print(cl.L(zh=f"直线分对 {line:.2f}", en=f"a straight line gets right: {line:.2f}"))
print(cl.L(zh=f"16 个弯分对 {bent:.2f}", en=f"with 16 units that bend: {bent:.2f}"))

# %%
cl.guess.result("start.line", round(line, 2), tolerance=0.05)

# %% zh [md]
r"""
这条直线和抛硬币差不多：不管怎样摆，总有一侧既有圆里的点，又有圆外的点。加一层会弯的单元，就能围出一个圈，这里用了 16 个，分对 0.99。（两个比例都是在训练用过的点上量的。）

## 0.4 记号与术语

整门课里，一个字母只代表一根轴。看到 `[B,T,D]` 就读作“B 句话，每句 T 个词元，每个词元 D 个数”。查询、键、值和头，第 3 章再讲，先不用记。

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

术语两种语言对照着看，打几个字就能筛选，比如 `attention` 或“微调”。第一份讲义里的“前向传播网络”和“转换器”，通行的说法是前馈网络和 Transformer；第一、第五份里的“多模式”是多模态。
"""
# %% en [md]
r"""
The line does about as well as tossing a coin: wherever it lies, at least one side of it contains points from both inside and outside the circle. A layer of units that bend can draw a closed curve instead; with 16 of them, 0.99 of the points are right. (Both shares are measured on the points used for training.)

## 0.4 Letters and terms

Throughout the course one letter means one axis. Read `[B,T,D]` as “B texts of T tokens, each of them D numbers”. Queries, keys, values and heads are explained in chapter 3; there is no need to learn them now.

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

Here are the terms in both languages; type a few letters, such as `attention`, to filter them. Where the first and the fifth handout use Chinese words of their own for feed-forward network, Transformer and multimodal, the list has the usual ones.
"""
# %% rows="R23 E40"
terms = cl.text.glossary()

def look_up(text):
    word = text.strip().lower()
    found = [term for term in terms if word in f"{term.zh} {term.en}".lower()]
    return cl.viz.table([(term.zh, term.en) for term in found], ["中文", "English"])

cl.viz.explore(look_up, text=cl.L(zh="注意力", en="attention"))

# %% zh [md]
r"""
现在看看刚才那个小 GPT 的轴。给它三句话，每句取前六个字，编号的形状是 `[B,T]`。它返回的分数是什么形状？
"""
# %% en [md]
r"""
Now the axes of our small GPT. Give it three sentences, the first six characters of each: the ids have the shape `[B,T]`. What is the shape of the scores that it returns?
"""
# %%
cl.guess("start.shape", cl.L(zh="分数的形状", en="The shape of the scores"),
         choices=["[B,T]", "[B,V]", "[B,T,V]"])

# %%
ids = torch.stack([encode(sentence[:6]) for sentence in collect()[:3]])
print("ids    ", list(ids.shape))
print("logits ", list(pretrain()(ids).shape))
cl.guess.result("start.shape", "[B,T,V]")

# %% zh [md]
r"""
在每句话的每个位置，模型都给词表里的每一个字打了一个分，所以最后一根轴长 `V`。这些分叫 **logits**，变成概率的办法在第 1 章。

## 0.5 练习怎么做

- 带 `...` 的格子是模板，把 `...` 换成你的代码，运行。
- `cl.check("id")` 检查。写错了，它会指出像是哪一种错，给一个很小的反例，不会给答案。
- `cl.hint("id")` 给一级提示，再调一次给下一级。
- `f = cl.use("id")` 取函数：通过了就用你的，没通过就用课程的参考实现，所以后面的格子总能运行。
- `cl.progress()` 看进度；记录只存在你自己的机器上。

本章的练习不检查，改几个数就能做。下面先看一条提示，它属于第 1 章的练习：
"""
# %% en [md]
r"""
At each position of each sentence the model gives every character of the vocabulary a score, so the last axis has length `V`. These scores are called **logits**; chapter 1 turns them into probabilities.

## 0.5 How exercises work

- A cell with `...` is a template: put your code in place of `...` and run it.
- `cl.check("id")` checks it. If your code is wrong, the check names the likely mistake and shows a small example that fails, but never the answer.
- `cl.hint("id")` gives a hint; call it again for the next one.
- `f = cl.use("id")` is your function once it passes and the course's reference until then, so that the following cells always run.
- `cl.progress()` shows how far you are; the record stays on your own machine.

The exercises of this chapter are not checked; changing a few numbers is enough. Here is what a hint looks like, from an exercise of chapter 1:
"""
# %%
cl.hint("lm.bigram", 1)

# %% zh [md]
r"""
### 练习 1 · 改一改语言

给语言添一种动物，再算底线。猜一猜，然后运行；再把 `more` 改成别的，比如一次添三种。
"""
# %% en [md]
r"""
### Exercise 1 · Change the language

Add an animal to the language and compute the floor again. Guess, run, then edit `more`, for example to add three at once.
"""
# %%
cl.guess("start.animal", cl.L(zh="多了一种动物，平均每个字", en="With one more animal, a character is on average"),
         choices=cl.L(zh=["更难猜", "一样难", "更好猜"], en=["harder to guess", "as hard", "easier to guess"]))

# %%
more = cl.L(zh={"小鸭": "浮萍"}, en={"duck": "weeds"})
print(cl.L(zh=f"{len(likes)} 种动物，底线 {floor:.3f}", en=f"{len(likes)} animals: floor {floor:.3f}"))
larger = floor_of(make_language({**likes, **more}))
print(cl.L(zh=f"添上之后，底线 {larger:.3f}", en=f"with what you added: floor {larger:.3f}"))
cl.guess.result("start.animal", cl.L(zh="更难猜", en="harder to guess"))

# %% zh [md]
r"""
底线升高了：动物和食物各多了一种，要猜的更多。不过这是**每个字**的底线；添一个名字很长的动物，看到开头，后面的字就不用猜了，平均下来可能反而降，不妨一试。语言不同，底线就不同，所以不同语言上的损失不能直接比较。

### 练习 2 · 弄坏一步

如果预处理时不小心把每句话里的字打乱了，训练照样不报错。在正常的句子上，损失会停在哪里？
先猜，再运行；然后把 `broken` 改成别的坏法，比如只留每句的前三个字。
"""
# %% en [md]
r"""
The floor has risen: with one more animal and one more food there is more to guess. But it is a floor **per character**. Add an animal with a very long name: after its first letters the rest need no guessing, so the mean may even fall. Try one. Different languages have different floors, so losses on different languages cannot be compared directly.

### Exercise 2 · Break a step

Suppose preprocessing shuffled the characters of each sentence by mistake. Training reports no error. Where does the loss on real sentences end up?
Guess, run; then let `broken` break it in another way, such as keeping only the first three characters of each sentence.
"""
# %%
cl.guess("start.shuffled", cl.L(zh="用打乱的句子训练，在正常句子上的损失最接近",
                                en="Trained on shuffled sentences, its loss is nearest to"),
         choices=[cl.L(zh="底线", en="the floor"), cl.L(zh="正常训练", en="proper training"),
                  cl.L(zh="只数字频", en="counting characters")])

# %% training
def broken(sentence):
    return "".join(random.Random(sentence).sample(sentence, len(sentence)))

shuffled = "".join(broken(sentence) for sentence in collect())
damaged = train(new_model(), shuffled, steps=150, lr=6e-3)
rows = [(cl.L(zh="打乱后训练", en="trained on shuffled sentences"), f"{loss(damaged):.2f}"),
        (cl.L(zh="正常训练", en="proper training"), f"{loss(pretrain()):.2f}"),
        (cl.L(zh="只数字频", en="counting characters"), f"{counting(language):.2f}")]
cl.viz.table(rows, right=(1,))

# %%
cl.guess.result("start.shuffled", cl.L(zh="只数字频", en="counting characters"))

# %% zh [md]
r"""
用打乱的句子训练出来的模型，在正常句子上的损失和只数字频相差无几。没有基线可比，这个损失是大是小，你就看不出来。

### 练习 3 · 抽样量出来的损失

真实的语言没法全算，只能抽句子来量。抽 200 句，从 `nats` 里查出损失，比一比预训练的模型和改进后的模型，重复 1,000 次。
两个模型**各抽各的**，会有多少次判错谁好？用**同一批**句子呢？运行之后，把 200 改成 2,000 再看。
"""
# %% en [md]
r"""
On real sentences, the loss of the model trained on shuffled ones is about that of counting characters. Without a baseline to compare with, you could not tell whether this loss is large or small.

### Exercise 3 · A loss measured on a sample

The sentences of a real language cannot all be measured; we have to take a sample. Draw 200 sentences, look up their losses in `nats` and compare the pre-trained model with the improved one; repeat this 1,000 times.
How often does the comparison pick the wrong model if each model is measured on **its own** sample? And on the **same** sentences? Run, then change 200 to 2,000.
"""
# %% training
def measured(model, seed, n=200):
    drawn = random.Random(seed).choices(list(language), language.values(), k=n)
    return sum(nats(model)[s] for s in drawn) / sum(map(len, drawn))

better, worse = sorted((pretrain(), improve()), key=loss)               # exact losses
trials = range(1_000)
own = sum(measured(better, seed) > measured(worse, -1 - seed) for seed in trials)
same = sum(measured(better, seed) > measured(worse, seed) for seed in trials)
rows = [(cl.L(zh="各抽各的，判错", en="own samples: wrong"), f"{own / 10:.0f} %"),
        (cl.L(zh="同一批，判错", en="same sentences: wrong"), f"{same / 10:.0f} %")]
cl.viz.table(rows, right=(1,))

# %% zh [md]
r"""
句子有难有易，各抽各的，有一方可能只是抽到了容易的。用同一批句子，难易抵消了大半，判错少得多，所以**比较两个模型，要用同样的题**。

### 练习 4 · 读懂一个形状

注意力的权重有四根轴。下面的张量是小 GPT 读刚才那三句（每句六个字）时的权重，形状 [B,H,T,S]。句数 B、头数 H、被看的词元数 S 各是多少？（头数写在 `new_model` 里。）把三个 `None` 换成你的数再运行；留着 `None` 也不会出错。
"""
# %% en [md]
r"""
Some sentences are harder than others. If each model has its own sample, one may simply draw easier sentences than the other. On the same sentences most of this chance cancels, and the comparison goes wrong far less often: **compare two models on the same questions**.

### Exercise 4 · Read a shape

Attention weights have four axes. The tensor below holds the weights of the small GPT as it reads the three texts above, six characters each; its shape is [B,H,T,S]. What are B (the number of texts), H (heads) and S (tokens that are looked at)? (The number of heads is in `new_model`.) Put your numbers in place of the three `None` and run; leaving `None` does no harm.
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
想看整个形状，加一行 `print(weights[0].shape)`。最后一行是个预告：一个位置对所有位置的注意力，加起来是 1（第 3 章）。

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

## 0.7 再读些什么

- 书：[动手学深度学习](https://zh.d2l.ai)（[英文版](https://d2l.ai)）；Goodfellow 等 [Deep Learning](https://www.deeplearningbook.org)；Jurafsky 与 Martin [Speech and Language Processing](https://web.stanford.edu/~jurafsky/slp3/)。
- 课程：斯坦福 [CS224n](https://web.stanford.edu/class/cs224n/)、[fast.ai](https://course.fast.ai)。
- 工具：[PyTorch](https://pytorch.org)、[Transformers](https://huggingface.co/docs/transformers)、[Jupyter](https://jupyter.org)。

讲义推荐的其他资料，连同查不到的和题目写错的，都在[书目]({{docs}}/bibliography.md)里。

## 0.8 全课地图

{{chapters}}

## 小结

- 模型的一生：收集、预处理、预训练、微调、推理、评估、改进、部署。评估不过关，就回头再练。
- 判断一个模型，看它离**底线**还有多远，旁边摆一个很笨的**基线**。这两样，后面还会常常用到。
- 比较两个模型，用同样的题。

接下来：[第 1 章 语言模型与概率](01_language_models.ipynb)。
"""
# %% en [md]
r"""
To see the whole shape, add the line `print(weights[0].shape)`. The last line is a preview: the attention that one position pays to all positions adds up to 1 (chapter 3).

## 0.6 Frequent questions

Each answer is one sentence; the column on the right leads to the evidence, in cells that run. Links to chapters that are still to be written appear once they are there.

| question | the answer in a sentence | where to verify it |
|---|---|---|
| How much computing power? | That depends on the number of parameters and the amount of data; it can be computed beforehand | {{R27}} · {{R81}} |
| How much data? | Count tokens, not “samples”; a lot of clean text is what helps | {{R40}} · {{R27}} |
| How does fine-tuning work? | Continue training on a few examples with answers; it is possible to train only a small part of the parameters | {{R37}} · {{R42}} |
| Do models leak training data? | Yes; the more often a text was seen, the better the model knows it by heart | {{R87}} |
| Are they biased? | Yes, and it can be measured | {{R87}} |
| Which pre-trained model? | Look at language and task first, then at size and speed | {{R41}} |
| How to evaluate? | On unseen data, with a suitable metric, next to a baseline | {{R4}} · {{R51}} · {{R53}} |
| What about overfitting? | More data, early stopping, regularisation, dropout | {{R47}} |
| Which hyper-parameters? | Compare several search methods on the same budget | {{R49}} |
| How to be more efficient? | Caching, quantisation, pruning, distillation | {{R45}} · {{R80}} |
| How to deploy? | Write a function, wrap a service around it, then monitor it | {{R38}} · {{R44}} |
| How to add images and sound? | Turn them into tokens, too | {{R78}} · {{R86}} |

## 0.7 What to read

- Books: [Dive into Deep Learning](https://d2l.ai) ([in Chinese](https://zh.d2l.ai)); Goodfellow et al., [Deep Learning](https://www.deeplearningbook.org); Jurafsky and Martin, [Speech and Language Processing](https://web.stanford.edu/~jurafsky/slp3/).
- Courses: Stanford's [CS224n](https://web.stanford.edu/class/cs224n/), [fast.ai](https://course.fast.ai).
- Tools: [PyTorch](https://pytorch.org), [Transformers](https://huggingface.co/docs/transformers), [Jupyter](https://jupyter.org).

The other recommendations of the handouts, including those that cannot be found or have a wrong title, are in the [bibliography]({{docs}}/bibliography.md).

## 0.8 A map of the course

{{chapters}}

## Summary

- The life of a model: collect, preprocess, pre-train, fine-tune, infer, evaluate, improve, deploy. If the evaluation is not good enough, go back and train again.
- To judge a model, see how far it is from the **floor**, and put a simple **baseline** beside it. Both will return throughout the course.
- Compare two models on the same questions.

Next: [chapter 1, what a language model is](01_language_models.ipynb).
"""

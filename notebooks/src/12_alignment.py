# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 12 · 对齐：让它照人的意思做

预训练教会模型一件事：猜下一个词元。可是人要的是别的：回答问题，算对答案，别说不该说的。从“会接着写”到“照人的意思写”，这一步叫**对齐**（alignment）。

这一章回答五个问题：

- 对一个只会接着写的模型来说，“对话”是什么？它凭什么记得你的名字？
- 算术还没学会，往后只告诉模型对或错，不给答案，它还能进步吗？（可验证奖励的强化学习）
- 打分的程序有漏洞，会发生什么？（奖励作弊）
- 教它拒绝一类问题，它会不会连无害的也拒绝？（误拒）
- 只知道“这句比那句好”，怎么学？（DPO，用你自己的点击）

你会写五个函数。聊天用 SmolLM2；要训练的是两个现场就能练好的小 GPT。
"""
# %% en [md]
r"""
# 12 · Alignment: making it do what people mean

Pre-training teaches a model one thing, to guess the next token. People want something else: an answer to their question, a sum that is right, nothing that does harm. The step from going on with a text to doing what people mean is called **alignment**.

This chapter answers five questions:

- What is a conversation to a model that only goes on with a text? How does it remember your name?
- A model is still bad at sums. If from now on it is told only right or wrong, and shown no answer, does it get better? (reinforcement learning with verifiable rewards)
- What happens if the program that gives the marks has a hole in it? (reward hacking)
- Taught to refuse one kind of question, does it refuse harmless ones as well? (over-refusal)
- How do you learn from “this one is better than that one”? (DPO, with your own clicks)

You will write five functions. The chat is done by SmolLM2; what we train are two small GPTs, quick enough to train on the spot.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% zh [md]
r"""
## 12.1 对话也只是一段文字

SmolLM2 是一个聊天模型，可是它仍旧只会接着写一段文字。**聊天模板**（chat template）把一次对话排成这样一段文字：每一轮以 `<|im_start|>` 和说话人的名字开头，以 `<|im_end|>` 结束，最后空着助手的一轮，等模型来写。这两个记号各是一个词元。这种排法叫 ChatML，是 OpenAI 为 ChatGPT 公开过的格式；第四份讲义提到的 LaMDA 和 ChatGPT 都没有公开权重，所以这里用 SmolLM2。

先看模板，再把三个问题各问两遍：一遍不套模板，一遍套上。（SmolLM2 主要读英文，所以这一节用英文和它说话。）
"""
# %% en [md]
r"""
## 12.1 A conversation is one text

SmolLM2 is a chat model, and still all it does is go on with a text. A **chat template** turns a conversation into such a text: each turn begins with `<|im_start|>` and the speaker's name and ends with `<|im_end|>`, and the last one, the assistant's, is left open for the model to write. Each of the two marks is a single token. The format is called ChatML and was published by OpenAI for ChatGPT. The fourth handout mentions LaMDA and ChatGPT; the weights of neither are public, so SmolLM2 stands in for them.

First the template, then three questions, each asked twice: without the template, and in it.
"""
# %% rows="R31"
import copy, os, random, re, torch
quick = os.environ.get("COURSE_QUICK") == "1"               # small sizes, for the tests
smol = cl.load("smollm2-135m")

def said(role, text):
    return {"role": role, "content": text}

def chat_text(history):
    return smol.tokenizer.apply_chat_template(
        history, tokenize=False, add_generation_prompt=True)

print(chat_text([said("user", "Name three fruits.")]))
for text in ("Name three fruits.", "What is the capital of France?", "Who is Hamlet?"):
    for prompt in (text, chat_text([said("user", text)])):
        print(repr(prompt[:20]), "→", repr(smol.generate(prompt, max_new_tokens=16)))

# %%
cl.guess("align.memory",
         cl.L(zh="先告诉它名字，隔一句再问“我叫什么”。8 个名字里，它答对几个？",
              en="You tell it your name and, one turn later, ask for it. "
                 "Of 8 names, how many does it get right?"),
         unit=cl.L(zh="个", en="names"))

# %% training rows="R69"
names = "Anna Ben Clara David Emma Felix Grace Henry".split()[:2 if quick else 8]

def knows(name, turns, opening=""):                         # the last turns of three
    history = [said("user", f"Hello! My name is {name}."),
               said("assistant", "Hello! How can I help you today?"),
               said("user", "What is my name?")][-turns:]
    return name in smol.generate(chat_text(history) + opening, max_new_tokens=8)

cases = {cl.L(zh="三轮", en="three turns"): (3,),
         cl.L(zh="三轮，写好开头", en="three turns, answer begun"): (3, "Your name is"),
         cl.L(zh="只有问题，写好开头", en="the question alone, answer begun"): (1, "Your name is")}
for label, case in cases.items():
    print(f"{label}: {sum(knows(name, *case) for name in names)} / {len(names)}")
cl.guess.result("align.memory", 0)

# %% zh [md]
r"""
箭头左边是提示的开头，右边是它接着写的。三个问题是“说出三种水果”“法国的首都是哪里”“哈姆雷特是谁”。不套模板，它接着写的像一道练习题，或者什么也没写，或者又提了几个问题；套上模板，三个问题它都答了。（这是对齐过的模型离开模板的样子，它对齐之前的样子这里看不到。）

名字呢？三轮都给它，让它自己回答，8 个里一个也没说对。替它写好答案的开头 `Your name is`，它抄对了 7 个；只给问题，同样的开头，一个也说不出。所以名字**在**它读到的文字里，它也抄得出来，只是自己没有去用。对话不改变任何权重：它“记得”的，就是每次重新交给它的那段文字；没有放进去的，它不可能知道。

**在框里打字**，用英文跟它聊几句（每次至多写 30 个词元，句子常常写不完），也可以改 `PERSONA`，让它扮演别的角色。角色（persona）写在系统消息里，放在对话最前面；游戏里会说话的角色（NPC）也可以这样做。
"""
# %% en [md]
r"""
To the left of each arrow is the beginning of the prompt, to the right what the model wrote. Without the template it goes on with what looks like an exercise, with nothing, or with more questions; in the template it answers all three. (This shows an aligned model outside its template; what it was like before it was aligned cannot be seen here.)

And the name? Given all three turns and left to itself, it gets none of the 8 right. With the opening of the answer written for it, `Your name is`, it copies 7; with the question alone and the same opening, none. So the name **is** in the text it reads, and it can copy it, but by itself it did not use it. A conversation changes no weight: what a model “remembers” is the text it is handed anew each time, and what was left out it cannot know.

**Type into the field** and talk to it (it stops after 30 tokens, often in mid-sentence), or change `PERSONA` and give it another part to play. The persona stands in a system message at the head of the conversation; a game character that talks (an NPC) can be made in the same way.
"""
# %% training rows="R31 R69"
PERSONA = "You are a pirate. Answer like a pirate, in one short sentence."

def pirate(history, write):
    chat = [said("system", PERSONA), *history[-5:]]         # question and two rounds
    write(smol.generate(chat_text(chat), max_new_tokens=8 if quick else 30))

cl.viz.chat(pirate, "Who are you?", "What do you like to eat?")

# %% zh [md]
r"""
保存的对话里，口气像个海盗，第二个回答（问它爱吃什么）却绕起了圈子：照着角色说话，不等于说得有道理。

## 12.2 学自己该说的话

怎样让一个模型学会按模板回答？**有监督微调**（SFT）：拿写好的对话，照预测下一个词元的办法训练，但损失只算在助手说的词元上（第 9 章的 `mask_prompt` 只管一问一答，这里有许多轮）。用户的话不用学，助手一轮的开头也不用学；可是结束记号要学，不学它，模型就不知道什么时候停。

## 练习 1 · 对话里学哪些词元

写 `chat_loss_mask(ids, header, end_id)`：`ids` 是整段对话的词元编号（列表），`header` 是助手一轮的开头（也是列表），`end_id` 是结束记号。返回和 `ids` 一样长、由 0 和 1 组成的列表：从 `header` 后面的词元起，到下一个 `end_id`（含）为止是 1，别处都是 0，`header` 自己也是 0。一轮里面不再找 `header`；没有 `end_id` 就一直到末尾；`header` 为空抛出 `ValueError`。
例：`header` 是 [8, 2]，`end_id` 是 9，`ids` 是 8 1 5 9 8 2 6 7 9，结果是 0 0 0 0 0 0 1 1 1。
"""
# %% en [md]
r"""
In the stored conversation the tone is a pirate's, but the second answer (what does it like to eat?) goes round in circles: speaking in character is not the same as making sense.

## 12.2 Learning its own words

How does a model learn to answer in the template? By **supervised fine-tuning** (SFT): take conversations that somebody has written and train on the next token as usual, but with the loss on the assistant's tokens alone (`mask_prompt` of chapter 9 was for one question and one answer; here there are many turns). The user's words need not be learnt, nor the opening of the assistant's turn; but the end mark must be, since without it the model does not know when to stop.

## Exercise 1 · Which tokens of a conversation are learnt

Write `chat_loss_mask(ids, header, end_id)`: `ids` are the token ids of the whole conversation (a list), `header` opens an assistant's turn (a list, too), and `end_id` is the end mark. Return a list of 0 and 1 as long as `ids`: 1 from the token behind a `header` to the next `end_id`, that included, and 0 elsewhere, the `header` itself included. No `header` is sought inside such a turn; without an `end_id` it runs to the end; an empty `header` raises `ValueError`.
Example: with `header` [8, 2], `end_id` 9 and `ids` 8 1 5 9 8 2 6 7 9 the result is 0 0 0 0 0 0 1 1 1.
"""
# %% exercise id="align.chat_loss_mask"
...
# %%
cl.check("align.chat_loss_mask")

# %% rows="R31"
chat_loss_mask = cl.use("align.chat_loss_mask")
chat = [said("user", "Hi, I am Ben."), said("assistant", "Hello, Ben!"),
        said("user", "Bye."), said("assistant", "See you.")]
ids = smol.tokenizer.apply_chat_template(chat, return_dict=True)["input_ids"]
header = smol.tokenizer("<|im_start|>assistant\n").input_ids
mask = chat_loss_mask(ids, header, smol.tokenizer.eos_token_id)
print(f"{sum(mask)} / {len(ids)}")
cl.viz.chips([smol.tokenizer.decode([i]) for i in ids], [m == 1 for m in mask])

# %% zh [md]
r"""
59 个词元里，填了色的 9 个才算损失：助手的每一轮回答，连同它的结束记号。模板自己在最前面加了一条系统消息，那也不算。

下面换一个小得多的模型：10 万参数的 GPT，词表只有 14 个符号，要学两位数加法。在 `37+48=85;` 里，`37+48` 是用户的话，`=` 是助手一轮的开头（`header`），`85;` 是回答，`;` 是结束记号。先让它看一些现成的解答（SFT），但不等它学会就停：另外留出的 200 道验证题答对 25%，训练就结束，剩下的交给强化学习。解答里还混着十分之一的 `37+48=?;`，好比学生交的白卷。考题是训练时没有见过的 1000 道（37+48 和 48+37 算两道）。下面五格依次是编号和掩码、写答案、打分、SFT 的更新、练到 25%。
"""
# %% en [md]
r"""
Of 59 tokens only the 9 filled in count towards the loss: each answer with its end mark. The template itself has put a system message in front, which does not count either.

Now to something far smaller: a GPT of 0.1 million parameters with a vocabulary of 14 symbols, that is to learn to add two-digit numbers. In `37+48=85;` the user says `37+48`, `=` opens the assistant's turn (the `header`), `85;` is the answer and `;` the end mark. First it sees some worked sums (SFT), but not until it can add: training stops as soon as it gets 25 % right of 200 sums set aside for validation, and the rest is left to reinforcement learning. One worked sum in ten is `37+48=?;`, like the blank sheet of a pupil who gave up. The exam is 1,000 sums never seen in training (37+48 and 48+37 count as two). The five cells below are, in turn, token ids and masks, writing answers, marking them, the updates of SFT, and training until 25 %.
"""
# %%
SYMBOLS, ANSWER = "0123456789+=?;", 4                       # an answer: 4 tokens
HEADER, END = [SYMBOLS.index("=")], SYMBOLS.index(";")
sums = [(a, b) for a in range(10, 100) for b in range(10, 100)]
random.Random(0).shuffle(sums)
exam, practice, train = sums[:40 if quick else 1000], sums[1000:1200], sums[1200:]

def ids_of(texts):                                          # -> [N, T], ; fills up
    T = max(map(len, texts))
    return torch.tensor([[SYMBOLS.index(c) for c in t.ljust(T, ";")] for t in texts])

def own_words(ids, header=HEADER, end=END):                 # [N, T] -> 0/1 [N, T - 1]
    masks = [chat_loss_mask(row, header, end) for row in ids.tolist()]
    return torch.tensor(masks)[:, 1:]
# %%
@torch.no_grad()
def write(model, ids, new, greedy=False):                   # [N, T] -> [N, T + new]
    for _ in range(new):
        logits = model(ids)[:, -1]                          # [N, V]
        drawn = torch.multinomial(logits.softmax(-1), 1)
        ids = torch.cat([ids, logits.argmax(-1, keepdim=True) if greedy else drawn], 1)
    return ids

def solve(model, questions, n=1, greedy=False):             # -> [G·n, 6 + ANSWER]
    prompts = ids_of([f"{a}+{b}=" for a, b in questions])
    return write(model, prompts.repeat_interleave(n, dim=0), ANSWER, greedy)

def answers(ids):
    return ["".join(SYMBOLS[i] for i in row[6:]).split(";")[0] for row in ids.tolist()]
# %%
def exact(text, a, b):                                      # the verifier
    return float(text == str(a + b))

def marks(ids, questions, verifier=exact):                  # -> [G, n]
    n = len(ids) // len(questions)
    given = [verifier(text, *questions[i // n]) for i, text in enumerate(answers(ids))]
    return torch.tensor(given).view(-1, n)

def greedy_score(model, questions=exam):
    return float(marks(solve(model, questions, greedy=True), questions).mean())

def update(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
# %% training rows="R31"
def log_probs(model, ids):                                  # [N, T] -> [N, T - 1]
    return model(ids[:, :-1]).log_softmax(-1).gather(-1, ids[:, 1:, None])[..., 0]

def lesson(a, b):                                           # one in ten is blank
    return f"{a}+{b}=?;" if random.random() < 0.1 else f"{a}+{b}={a + b};"

def practise(gpt, optimizer, steps):
    for _ in range(steps):
        ids = ids_of([lesson(*pair) for pair in random.sample(train, 64)])
        update(optimizer, -log_probs(gpt, ids)[own_words(ids) == 1].mean())
# %% training
def taught(seed, enough=0.0 if quick else 0.25):
    """A small GPT, and the optimizer that taught it until it got `enough` right."""
    random.seed(seed), torch.manual_seed(seed)
    gpt = cl.nn.GPT(len(SYMBOLS), context=6 + ANSWER, n_layer=2, n_head=4, d_model=64)
    optimizer = torch.optim.AdamW(gpt.parameters(), lr=5e-3, betas=(0.9, 0.95))
    while greedy_score(gpt, practice) < enough:
        practise(gpt, optimizer, 20)
    return gpt, optimizer

start, _ = taught(1)
print(cl.L(zh="贪心，考题答对：", en="greedy, right in the exam:"), f"{greedy_score(start):.0%}")
print(*answers(solve(start, exam[:1], n=16)), "  ←", "{}+{}".format(*exam[0]))

# %% zh [md]
r"""
## 12.3 多试几次：推理时多花算力

上面一行是同一道题随机抽的 16 份答案，不尽相同。25+60 该是 85，你数到几个？（`8=` 也是它写的：没有人拦着它写别的符号。）如果手里有一个**验证程序**（verifier），能检查一份答案对不对，那么多写几份，有对的就挑出来，不用再训练就能答对更多的题。这叫**推理时计算**（test-time compute）。用第 7 章的 pass@k 来量：写 k 份，至少一份对的概率。旁边放两个不用验证程序的办法：贪心，和 16 份里投票（取出现最多的）。
"""
# %% en [md]
r"""
## 12.3 More tries: test-time compute

The line above shows 16 answers drawn for the same sum; they are not all alike. 25+60 is 85: how many do you count? (`8=` is its own writing, too: nothing stops it from drawing any symbol.) With a **verifier**, a program that checks whether an answer is right, we can write several, pick a right one if there is any, and solve more sums without any further training. This is called **test-time compute**. It is measured by the pass@k of chapter 7: the chance that of k answers at least one is right. Beside it stand two ways that need no verifier: greedy, and a vote among 16 (the commonest answer).
"""
# %%
cl.guess("align.tries",
         cl.L(zh="每题随机写 16 份，至少一份对的题占多少？",
              en="Of 16 answers to each sum, at least one is right for what share of sums?"),
         unit="%")

# %% training
pass_at_k, some = cl.use("decode.pass_at_k"), exam[:400]
tries = solve(start, some, n=16)
hits = marks(tries, some).sum(1).int().tolist()             # right ones of 16, each sum
sixteen = [answers(group) for group in tries.view(len(some), 16, -1)]
votes = [max(texts, key=texts.count) for texts in sixteen]
voted = sum(exact(vote, *pair) for vote, pair in zip(votes, some)) / len(some)

chances = {}
for k in (1, 4, 16):
    chances[f"pass@{k}"] = sum(pass_at_k(16, c, k) for c in hits) / len(some)
chances[cl.L(zh="投票", en="vote")] = voted
chances[cl.L(zh="贪心", en="greedy")] = greedy_score(start, some)
display(cl.viz.bars(chances))
cl.guess.result("align.tries", round(100 * chances["pass@16"]), tolerance=10)

# %% zh [md]
r"""
只写一份，大约六道题对一道；写 16 份，至少有一份对的题占四分之三，有验证程序就挑得出来。投票不用验证程序，取的是最常见的答案，可是最常见的往往不对：它的成绩在三成上下，贪心也是。不过，pass@16 是有人告诉你哪一份对才拿得到的成绩，每道题还要写 16 份。

## 12.4 和同组的比：GRPO

验证程序挑得出好答案，可是每题都要写 16 份，太费。能不能让模型**自己**更常写出对的那一份？在这一节里，正确答案不给它看，只告诉它写的对不对。这叫**可验证奖励的强化学习**（RLVR）。模型在这里叫**策略**（policy）：它选词元，写完一份答案，得到**奖励**（对 1，错 0）。

做法：奖励高的答案，把它每个词元的概率往上推；低的往下压。高低跟谁比？**GRPO**（组相对策略优化，Shao 等 2024，[arXiv:2402.03300](https://arxiv.org/abs/2402.03300)）让它跟同一道题的其他答案比：一道题写 n 份，成一组；一份答案的**优势**（advantage），是它的奖励减去组平均，再除以组标准差。

## 练习 2 · 组内优势

写 `group_advantage(rewards, eps=1e-6)`：`rewards` 是浮点张量 [G,n]，一行是一道题的 n 份答案。返回 [G,n]：(奖励 − 组平均) / (组标准差 + eps)，求标准差时除以 n，不是 n − 1。一组奖励全相等时（n = 1 也算），结果必须恰好是 0，不能留下舍入误差。
例：`rewards` 为 [[1, 0, 0, 1], [2, 2, 2, 2]]，`eps` 为 0.5，结果是 [[0.5, −0.5, −0.5, 0.5], [0, 0, 0, 0]]。
"""
# %% en [md]
r"""
A single draw is right about one time in six; with 16 draws, three quarters of the sums have at least one right answer, and a verifier can pick it out. A vote needs no verifier and takes the commonest answer, but the commonest is often wrong: the vote ends at about three in ten, as greedy does. But pass@16 is what you get only if somebody tells you which answer is right, and it costs 16 answers to every sum.

## 12.4 Compared with its group: GRPO

The verifier finds the good answer, but 16 answers to every sum are expensive. Could the model write the right one more often **by itself**? In this section it is not shown the right answer, only told whether its own was right. This is **reinforcement learning with verifiable rewards** (RLVR). The model is called a **policy** here: it chooses tokens, completes an answer, and gets a **reward** (1 if right, 0 if wrong).

The method: every token of an answer with a high reward is made more likely, and every token of one with a low reward less likely. High or low compared with what? **GRPO** (group relative policy optimisation, Shao et al. 2024, [arXiv:2402.03300](https://arxiv.org/abs/2402.03300)) compares it with other answers to the same question: n answers make a group, and the **advantage** of an answer is its reward minus the group's mean, divided by the group's standard deviation.

## Exercise 2 · The advantage within a group

Write `group_advantage(rewards, eps=1e-6)`: `rewards` is a float tensor [G,n], a row for each question with its n answers. Return [G,n]: (reward − group mean) / (group std + eps), where the variance is a mean over n, not n − 1. Where all rewards of a group are equal (n = 1 included) the result must be exactly 0, with no rounding error.
Example: `rewards` [[1, 0, 0, 1], [2, 2, 2, 2]] with `eps` 0.5 gives [[0.5, −0.5, −0.5, 0.5], [0, 0, 0, 0]].
"""
# %% exercise id="align.group_advantage"
...
# %%
cl.check("align.group_advantage")

# %% zh [md]
r"""
## 练习 3 · 带裁剪的策略损失

一批答案写好以后，常常接着更新好几步。走过几步，策略已经不是写这批答案的那个策略了。**PPO**（近端策略优化，Schulman 等 2017，[arXiv:1707.06347](https://arxiv.org/abs/1707.06347)）给每个词元算一个比值 $\rho=\exp(\log p_{\text{new}}-\log p_{\text{old}})$，即现在的概率比抽样时的概率；推得太远（比值超出 $1\pm\varepsilon$）就不再有好处。clip 把比值夹在两个界之间，$A$ 是优势，$N$ 是词元的个数：

$$L=-\frac1N\sum_{i}\min\bigl(\rho_i A_i,\ \mathrm{clip}(\rho_i,1-\varepsilon,1+\varepsilon)\,A_i\bigr)$$

每批的第一次更新，比值全是 1，梯度和经典的策略梯度法 REINFORCE（Williams 1992）一样。

写 `policy_loss(logp, old_logp, advantages, mask, clip=0.2)`：`logp`、`old_logp` 形状 [B,T]，是抽到的词元现在和抽样时的对数概率；`advantages` 是 [B,T] 或 [B,1]；`mask` 是 0/1 的 [B,T]，什么类型都行；`clip` 就是 $\varepsilon$。上式的 $i$ 遍历整批里 `mask` 为 1 的词元，别处是 nan 也不能影响结果；一个词元也没有时得 0。返回标量，对 `logp` 可导。
例：一个词元，`logp` 为 −1，`old_logp` 为 −2，优势 1：比值 $e$ 裁到 1.2，损失 −1.2；优势为 −1 时不裁，损失 2.718。
"""
# %% en [md]
r"""
## Exercise 3 · The clipped policy loss

When a batch of answers has been written, several updates often follow. After the first, the policy is no longer the one that wrote them. **PPO** (proximal policy optimisation, Schulman et al. 2017, [arXiv:1707.06347](https://arxiv.org/abs/1707.06347)) computes for each token a ratio $\rho=\exp(\log p_{\text{new}}-\log p_{\text{old}})$, its probability now over the one it was drawn with; pushing it too far (a ratio outside $1\pm\varepsilon$) brings no further gain. Here clip keeps the ratio between the two bounds, $A$ is the advantage and $N$ the number of tokens:

$$L=-\frac1N\sum_{i}\min\bigl(\rho_i A_i,\ \mathrm{clip}(\rho_i,1-\varepsilon,1+\varepsilon)\,A_i\bigr)$$

In the first update on each batch every ratio is 1, and the gradient is that of REINFORCE (Williams 1992), the classic policy-gradient method.

Write `policy_loss(logp, old_logp, advantages, mask, clip=0.2)`: `logp` and `old_logp` have shape [B,T] and hold the log-probabilities of the sampled tokens, now and when they were drawn; `advantages` is [B,T] or [B,1]; `mask` is 0/1 of shape [B,T] and any dtype; `clip` is $\varepsilon$. The $i$ above runs over all tokens of the batch whose `mask` is 1, and whatever stands elsewhere, nan included, must not matter; with no token the result is 0. Return a scalar, differentiable in `logp`.
Example: one token with `logp` −1, `old_logp` −2 and advantage 1: the ratio $e$ is clipped to 1.2, and the loss is −1.2; with advantage −1 nothing is clipped, and the loss is 2.718.
"""
# %% exercise id="align.policy_loss"
...
# %%
cl.check("align.policy_loss")

# %% training rows="R82"
import matplotlib.pyplot as plt
group_advantage = cl.use("align.group_advantage")
policy_loss = cl.use("align.policy_loss")

def improve(policy, optimizer, ids, rewards, penalty=None):
    """Two updates on one batch of answers."""
    A = group_advantage(rewards).reshape(-1, 1)             # [G·n, 1]
    old, mask = log_probs(policy, ids).detach(), own_words(ids)
    for _ in range(2):
        new = log_probs(policy, ids)
        loss = policy_loss(new, old, A, mask)
        update(optimizer, loss if penalty is None else loss + penalty(new, ids, mask))

# %% training rows="R82"
def grpo(policy, steps, reward=marks, penalty=None):
    """Train `policy` in place; yields each batch's rewards, [32, 16]."""
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-3, weight_decay=0.0)
    for _ in range(steps):
        questions = random.sample(train, 32)
        ids = solve(policy, questions, n=16)
        rewards = reward(ids, questions)
        improve(policy, optimizer, ids, rewards, penalty)
        yield rewards

random.seed(0), torch.manual_seed(0)
policy, STEPS = copy.deepcopy(start), 2 if quick else 60
batches = list(grpo(policy, STEPS))
print(cl.L(zh="贪心，考题答对：", en="greedy, right in the exam:"),
      f"{greedy_score(start):.0%} → {greedy_score(policy):.0%}")
# %% training rows="R82"
def groups(step):
    rewards = batches[step - 1]                             # [32, 16]: a row a sum
    rewards = rewards[rewards.mean(1).argsort()].T
    mixed = rewards.amin(0) < rewards.amax(0)               # [32]: right and wrong
    figure, axis = plt.subplots(figsize=(8, 3.4))
    axis.imshow(rewards, cmap="cividis", vmin=0, vmax=1,
                alpha=torch.where(mixed, 1.0, 0.2).expand_as(rewards))
    share, n = f"{rewards.mean():.0%}", int(mixed.sum())
    axis.set(xlabel=cl.L(zh="32 道题", en="32 sums"), xticks=[],
             ylabel=cl.L(zh="16 份答案", en="16 answers"), yticks=[])
    axis.set_title(cl.L(zh=f"对的（黄）{share}；有对有错的题 {n} 道",
                        en=f"right (yellow): {share}; sums with right and wrong: {n}"))
    return figure

cl.viz.explore(groups, step=(1, STEPS, STEPS))

# %% zh [md]
r"""
一列是一道题，一格是一份答案。变淡的列，16 份全对或全错，每份的优势都是 0，这道题这一步什么也教不了。图上是最后一步；**把步数拖回 1**，再慢慢往后拖，看黄色怎样变多，变淡的又有几列。能学到东西的，是模型**有时**做得对的题；太难和太容易的题都浪费了抽样。

一次训练可能碰巧，而且贪心分数变高未必是奖励的功劳：只要更新，分数就会变。所以换三个随机种子，从 SFT 开始重来，旁边放两个对照：一个用同样多的更新，奖励却**抽签**决定，每批中签的份数，平均和答对的一样多；另一个用同样多的更新接着做 SFT，也就是直接看答案。为什么一定要有抽签的对照？有论文报告，某些模型用乱给的奖励训练，数学成绩也会上升（Shao 等 2025，[arXiv:2506.10947](https://arxiv.org/abs/2506.10947)）。
"""
# %% en [md]
r"""
A column is a sum, a cell an answer. In the faded columns all 16 are right or all are wrong; their advantages are all 0, and in this step the sum teaches nothing. The picture shows the last step: **drag it back to 1**, then slowly forward, and see how the yellow spreads and how many columns are faded. The sums that teach are those the model gets right **sometimes**; on those too hard or too easy the samples are wasted.

A single run may be lucky, and a higher greedy score need not be the reward's doing: any update changes the model. So here are three seeds, each from SFT on, with two controls beside them. One makes as many updates, but its rewards are drawn **by lot**, with as many winners in a batch, on average, as right answers; the other makes as many updates of more SFT, which means being shown the answers. Why insist on the lottery? A paper reports that some models got better at mathematics when trained on rewards given at random (Shao et al. 2025, [arXiv:2506.10947](https://arxiv.org/abs/2506.10947)).
"""
# %%
cl.guess("align.lot",
         cl.L(zh="奖励全凭抽签，训练以后贪心答对的比例会怎样？",
              en="With rewards drawn by lot, what becomes of the share that greedy gets right?"),
         choices=cl.L(zh=["三次都升", "三次都降", "有升有降"],
                      en=["up in all three", "down in all three", "up and down"]))

# %% training rows="R82"
def three_seeds():
    """Greedy scores after SFT, and after GRPO, a lottery and more SFT in its place."""
    found = []
    for seed in range(3):
        model, optimizer = taught(seed)
        scores = [greedy_score(model)]
        for reward in (marks, lot):
            policy = copy.deepcopy(model)
            list(grpo(policy, 60, reward))
            scores.append(greedy_score(policy))
        practise(model, optimizer, 120)                     # as many updates
        found.append([*scores, greedy_score(model)])
    return found
# %% rows="R82"
def lot(ids, questions):                                    # ignores the answers
    right = marks(ids, questions)
    return (torch.rand(right.shape) < right.mean()).float()

found = cl.results.stored("12_grpo", three_seeds)
head = cl.L(zh=["种子", "SFT 之后", "GRPO", "抽签", "接着 SFT"],
            en=["seed", "after SFT", "GRPO", "lottery", "more SFT"])
rows = [(n, *(f"{score:.0%}" for score in scores)) for n, scores in enumerate(found)]
display(cl.viz.table(rows, head, right=range(5)))
cl.guess.result("align.lot", cl.L(zh="三次都降", en="down in all three"))

# %% zh [md]
r"""
三个种子，GRPO 都把贪心答对的比例从三成上下提到至少 56%；奖励改为抽签，三次都跌到只剩百分之二三。可见上升来自奖励，不是来自更新本身；乱给的奖励在这里不只是没有用，还有害。最后一列也要看：同样多的更新（学习率各用各的），直接看解答，成绩和 GRPO 相当或更高，而 GRPO 每题还要先写 16 份。

第二份讲义说，强化学习“引导模型进行自我学习”。这里看得见它凭什么学：SFT 时看过一些解答，到了 GRPO 就再没有看过，奖励只有对和错。可是验证程序是人写的，什么算对，是人定的。像这里，解答就在手边，先试 SFT 更省；强化学习的用处在另一种任务上：验证容易，却没有现成的解答。

## 12.5 奖励有个漏洞

有人觉得，老实交白卷总比乱写一个数好，于是改了评分：对 1 分，错 0 分，`?` 给**半分**。答对的照样最高，看上去很合理。

用它训练之前，先想好看什么。只看奖励上升不够，还要看策略离开原来的模型（叫**参考模型**）有多远。通常用第 5 章的 **KL 散度**来量，并把它乘上权重 $\beta$ 加进损失里：走得远要付代价。

## 练习 4 · 每个词元的 KL

写 `kl_per_token(logp, ref_logp)`：两个张量都是 [B,T]，是抽到的词元在策略下和在参考模型下的对数概率，词元是策略抽的。返回 [B,T]：$e^r-r-1$，其中 $r$ = `ref_logp` − `logp`（Schulman 2020 的估计 k3，平均起来就是 KL(策略‖参考)）。它不会是负的；$r$ 极小时也要算准，所以 $e^r-1$ 用 `torch.expm1`。对 `logp` 可导。
例：`logp` 为 [[−1, −2, −1]]，`ref_logp` 为 [[−1, −1, −2]]，结果约是 [[0, 0.718, 0.368]]。
"""
# %% en [md]
r"""
With all three seeds GRPO lifts greedy accuracy from about three in ten to at least 56 %; with rewards by lot it falls to 2 or 3 % every time. So the rise comes from the reward, not from the updates as such: random rewards are not merely useless here, they do harm. The last column deserves a look, too: with as many updates (each at its own learning rate), being shown the answers does about as well as GRPO or better, and GRPO has to write 16 answers to every sum first.

The second handout says that reinforcement learning “guides a model to learn by itself”. Here one can see what it learns from: SFT had shown it some worked sums, but GRPO showed none, and its rewards said right or wrong, no more. But people wrote the verifier and decided what counts as right. Where worked answers are at hand, as here, SFT is the cheaper first try; reinforcement learning is of use for another kind of task, easy to verify but without worked answers.

## 12.5 The reward has a hole

An honest blank sheet, somebody thinks, is better than any number made up, and so the marks are changed: 1 if right, 0 if wrong, and **half a mark** for `?`. A right answer still earns most, and it looks sensible.

Before we train with it, what should we watch? The reward alone is not enough; we also need to know how far the policy has moved away from the model it came from, called the **reference model**. The usual measure is the **KL divergence** of chapter 5, which is added to the loss with a weight $\beta$, so that distance has a price.

## Exercise 4 · The KL divergence at each token

Write `kl_per_token(logp, ref_logp)`: both are [B,T] tensors, the log-probabilities of the sampled tokens under the policy, which drew them, and under the reference model. Return [B,T]: $e^r-r-1$ with $r$ = `ref_logp` − `logp` (the estimator k3 of Schulman 2020, whose mean is KL(policy‖reference)). It is never negative; it has to be right for tiny $r$, too, so compute $e^r-1$ by `torch.expm1`. It is differentiable in `logp`.
Example: `logp` [[−1, −2, −1]] and `ref_logp` [[−1, −1, −2]] give about [[0, 0.718, 0.368]].
"""
# %% exercise id="align.kl_per_token"
...
# %%
cl.check("align.kl_per_token")
# %% training rows="R82"
def half_mark(text, a, b):                                  # honesty is to pay
    return 0.5 if text == "?" else exact(text, a, b)

def generous(ids, questions):
    return marks(ids, questions, half_mark)

def trained(policy, reward, penalty=None, steps=2 if quick else 16):
    random.seed(1), torch.manual_seed(1)
    policy = copy.deepcopy(policy)                          # and the mean rewards
    return policy, [float(r.mean()) for r in grpo(policy, steps, reward, penalty)]

lazy, rewards = trained(start, generous)
print(cl.L(zh="平均奖励，每五步：", en="mean reward, every fifth step:"),
      *(f"{reward:.2f}" for reward in rewards[::5]))

# %%
cl.guess("align.hack",
         cl.L(zh="奖励升了。真正答对的比例呢？", en="The reward has risen. And the share of right answers?"),
         choices=cl.L(zh=["也升了", "没有变", "降了"], en=["risen, too", "unchanged", "fallen"]))

# %% training rows="R82"
kl_per_token = cl.use("align.kl_per_token")
print(*answers(solve(lazy, exam[:2], n=8)))

def toll(new, ids, mask, beta=1.0):                         # the price of moving away
    with torch.no_grad():
        reference = log_probs(start, ids)
    return beta * kl_per_token(new, reference)[mask == 1].mean()

@torch.no_grad()
def report(model, questions=exam[:200]):                    # the mean of moved: KL
    ids = solve(model, questions, n=4)
    moved = (log_probs(model, ids) - log_probs(start, ids)) * own_words(ids)
    blank = sum(text == "?" for text in answers(ids)) / len(ids)
    got, right = generous(ids, questions).mean(), marks(ids, questions).mean()
    return f"{got:.2f}", f"{right:.0%}", f"{blank:.0%}", f"{moved.sum(1).mean():.1f}"
# %% training rows="R82"
models = {
    cl.L(zh="开始", en="at the start"): start,
    cl.L(zh="白卷半分", en="half a mark for ?"): lazy,
    cl.L(zh="白卷半分，加 KL", en="the same with KL"): trained(start, generous, toll)[0],
    cl.L(zh="白卷 0 分", en="no mark for ?"): trained(start, marks)[0],
    cl.L(zh="先半分，再改成 0 分", en="first half, then none"): trained(lazy, marks)[0]}
head = cl.L(zh=["", "奖励（白卷半分）", "答对", "白卷", "KL（奈特/份）"],
            en=["", "reward (half for ?)", "right", "blank", "KL (nats an answer)"])
rows = [(name, *report(model)) for name, model in models.items()]
display(cl.viz.table(rows, head, right=range(1, 5)))
cl.guess.result("align.hack", cl.L(zh="降了", en="fallen"))

# %% zh [md]
r"""
只看奖励，一路升到 0.50，好像很成功。读一读样本就明白了：它对每道题都答 `?`，一道也不做了。半分稳拿，自己做的大约五份才对一份；全做对能得 1 分，可是这十六步里它没有往那边走。这叫**奖励作弊**（reward hacking）：模型追的是写下来的奖励，不是人心里想的。没有人教它作弊；白卷它在 SFT 里见过，十份里有一份。

再看表里的补救，每一行都练了十六步。（KL 一列：每份答案的对数概率，策略下的减去开始的模型下的，取平均。）加上 KL（$\beta=1$），离开始的模型近得多，白卷从一成增加到三成多，答对的少了；漏洞还在，在这个 $\beta$ 下，KL 只是拖住了它。从一开始就不给白卷分，白卷没有了，答对的升到三成左右。最后一行最值得记住：先作弊、后改评分，十六步里**没有救回来**。它几乎份份都是白卷，差不多每组的奖励全是 0，按练习 2，优势恰好是 0，没有东西可学。所以漏洞最好在训练之前补；补晚了，不如回到先前的模型重来。

概率全都压到一个答案上，连得分更高的正确答案也放弃了：只守住一个峰，这就是第 5 章说的**择峰**。以上每行只训练了一次。

还有一点给想细究的人：k3 的平均等于 KL(策略‖参考)；可是把它写进损失、答案又当作抽好不变的，求出的梯度却属于 KL(参考‖策略)。GRPO 也是这样用的。

## 12.6 拒绝，和拒绝过头

上一节里，`?` 得半分是漏洞；可是有时，`?` 正是人要的：有些请求，模型应该拒绝。教的办法还是 SFT：每个该拒绝的问题，都配上一句拒绝。可是模型怎么知道，哪些问题**不该**拒绝？

拿加法来试。规矩是：和满 100 就拒绝，只答 `?`；不满 100 的是无害的题，照常回答，其中 90 到 99 最像该拒绝的。从 12.4 练好的策略开始，每一步给它看 32 道该拒绝的题，再配上 32 道带答案的题。配法有四种：一道也不配；只从和不满 60 的里配；从和不满 90 的里配；从和不满 100 的里配。要量两个数：该拒绝的题，拒绝了多少（**拒绝率**）；无害的题，拒绝了多少（**误拒率**，over-refusal rate）。误拒率在两头量：最像该拒绝的（90 到 99，考题里 100 道），和最不像的（不满 60，88 道）。考题都没有练过。
"""
# %% en [md]
r"""
Going by the reward, which rises to 0.50, it looks like a success. Reading the samples shows what happened: it answers `?` to every sum and does none at all. Half a mark is safe, while about one in five of its own attempts was right; getting all of them right would earn 1, but in these sixteen steps it did not move that way. This is called **reward hacking**: a model goes after the reward as it was written, not as it was meant. Nobody taught it to cheat; it had met blank sheets in SFT, one in ten.

Now the remedies in the table, sixteen steps each. (The column KL is the log-probability of an answer under the policy minus that under the model at the start, averaged.) With KL ($\beta=1$) it stays much nearer to where it began; blank sheets go from about a tenth to about a third, and fewer answers are right. The hole is still there; at this $\beta$, KL merely holds the policy back. With no mark for a blank sheet from the start, there are none left, and about three in ten answers are right. The last line is the one to remember: the model that had cheated first **did not recover** in sixteen steps of better marks. Nearly every answer is blank, so in almost every group all rewards are 0; by exercise 2 the advantages are then exactly 0, and there is nothing to learn from. Better to close the hole before training; after that, it is safer to start again from an earlier model.

All probability went to a single answer, and even the right ones, which earn more, were given up. To hold on to one peak and drop the others is what chapter 5 calls **mode-seeking**. Each line comes from one run.

A remark for those who want to know more: the mean of k3 is KL(policy‖reference), but put into the loss, with the sampled answers held fixed, its gradient is that of KL(reference‖policy). GRPO uses it in the same way.

## 12.6 Refusing, and refusing too much

In the last section half a mark for `?` was the hole. But sometimes `?` is just what we want: there are requests that a model should refuse. The way to teach it is SFT again: each such request is paired with a refusal. But how is the model to know what **not** to refuse?

Let us try it on sums. The rule: if the sum is 100 or more, refuse, with a bare `?`. Below 100 a sum is harmless and to be answered; those from 90 to 99 are the ones closest to those to be refused. We start from the policy of 12.4. In each step it is shown 32 sums to be refused and, beside them, 32 with their answers, in four versions: no answers at all; answers to sums below 60 only, below 90, or below 100. Two things are measured: how many of the sums to be refused are refused (the **refusal rate**), and how many of the harmless ones (the **over-refusal rate**). Over-refusal is measured at both ends: on the sums most like those to be refused (90–99, 100 in the exam) and on those least like them (below 60, 88). No sum of the exam occurs in training.
"""
# %% training rows="R87"
def refuser(limit, seed):                                   # answers below `limit`
    over = [pair for pair in train if sum(pair) >= 100]
    below = [pair for pair in train if sum(pair) < limit]
    random.seed(seed), torch.manual_seed(seed)
    model = copy.deepcopy(policy)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    for _ in range(2 if quick else 60):
        texts = [f"{a}+{b}=?;" for a, b in random.sample(over, 32)]
        if below:
            texts += [f"{a}+{b}={a + b};" for a, b in random.sample(below, 32)]
        ids = ids_of(texts)
        update(optimizer, -log_probs(model, ids)[own_words(ids) == 1].mean())
    return model

limits = {cl.L(zh="不配", en="none"): 0, "< 60": 60, "< 90": 90, "< 100": 100}
# %%
cl.guess("align.refuse",
         cl.L(zh="只配了和不满 60 的题。考题里和在 90 到 99 的，它会误拒多少？",
              en="Trained with answers to sums below 60: of the exam's sums "
                 "from 90 to 99, how many does it refuse?"),
         choices=cl.L(zh=["不到一成", "一成到一半", "一半以上"],
                      en=["less than a tenth", "between a tenth and a half",
                          "more than half"]))

# %% training rows="R87"
def refusals(model):                                        # in three bands; right
    rates = []
    for low, high in ((100, 200), (90, 100), (0, 60)):
        asked = [pair for pair in exam if low <= sum(pair) < high]
        rates.append(answers(solve(model, asked, greedy=True)).count("?") / len(asked))
    return *rates, greedy_score(model, [pair for pair in exam if sum(pair) < 100])

rows = [(cl.L(zh="训练之前", en="before"), *(f"{s:.0%}" for s in refusals(policy)))]
for name, limit in limits.items():
    scores = zip(*(refusals(refuser(limit, seed)) for seed in range(3)))
    rows.append((name, *(f"{min(s):.0%} – {max(s):.0%}" for s in scores)))
head = cl.L(zh=["配的题：和", "拒绝：≥ 100", "误拒：90–99", "误拒：< 60", "答对：< 100"],
            en=["answers", "refused: ≥ 100", "refused: 90–99", "refused: < 60", "right: < 100"])
display(cl.viz.table(rows, head, right=range(5)))
cl.guess.result("align.refuse", cl.L(zh="一半以上", en="more than half"))

# %% zh [md]
r"""
表里第一行是训练之前的策略；下面几行都从它出发，每格是三个种子中最低的和最高的。该拒绝的，四种办法几乎都拒绝了，光看这一列分不出好坏。差别在无害的题上。只学拒绝：90 到 99 的全拒绝了，连和不满 60 的也误拒了一半多。配上不满 60 的题：不满 60 的不再误拒，90 到 99 的还有七八成被拒绝。配的题一直到 89，90 到 99 的还有四成左右被拒绝；再加上 90 到 99 的，误拒只剩百分之几，和满 100 的照样拒绝。后三种配的题一样多，只是范围不同。所以不该拒绝什么，也要用例子教，**长得像**该拒绝的也要有：例子没有到的地方，线划在哪里由模型自己猜。

最后一列是无害的题答对多少（不满 100 的题它本来就做得差些）：只学拒绝，原来会做的也几乎全丢了。末行反而比训练之前高：配的题都带着答案，等于又做了一遍 SFT，升高多半来自这里（没有只配答案、不教拒绝的对照）。这一行里，无害的题几乎都不再误拒，答对的却只有六七成：不拒绝和算得对，要分开量。

真的请求没有 100 这样一条线，拒绝也不是一个 `?`。可是毛病是一样的：“怎样杀死一个 Python 进程”这种字面吓人的问题，有的大模型也会拒绝（XSTest，Röttger 等 2023，[arXiv:2308.01263](https://arxiv.org/abs/2308.01263)）；微调时安全例子加得太多，误拒就会出现（Bianchi 等 2023，[arXiv:2309.07875](https://arxiv.org/abs/2309.07875)）。所以报告拒绝率，旁边要有误拒率，而且要拿长得像的题来量。

## 12.7 两句里挑一句：DPO

好不好，很多时候写不成验证程序，只能请人看：这两句，哪句更好？ChatGPT 的姊妹模型 InstructGPT（Ouyang 等 2022，[arXiv:2203.02155](https://arxiv.org/abs/2203.02155)）先用这样的比较训练一个打分的模型，叫**奖励模型**（reward model），再用强化学习去追它的分数，这套办法叫 RLHF（人类反馈强化学习）。

**DPO**（直接偏好优化，Rafailov 等 2023，[arXiv:2305.18290](https://arxiv.org/abs/2305.18290)）省掉奖励模型，直接从成对的比较学：选中的那句，策略给它的概率比参考模型给的高多少；落选的那句又高多少；两者之差越大，损失越小。

## 练习 5 · DPO 损失

写 `dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1)`：四个 [B] 张量，是选中的和落选的回答在策略和参考模型下的对数概率（对回答的词元求和）。返回 B 对的平均：

$$-\log\sigma\bigl(\beta\,[(\text{policy\_chosen}-\text{ref\_chosen})-(\text{policy\_rejected}-\text{ref\_rejected})]\bigr)$$

$\sigma$ 是 sigmoid。括号里到 ±10000，结果也要有限；对策略可导，参考模型得不到梯度（`.detach()`）。
例：四个数是 −4、−6、−5、−5，`beta` 为 0.5：括号里是 $1-(-1)=2$，损失 $-\log\sigma(1)\approx0.313$。

然后用它。下面用本课语法造的日常句子现场训练一个小 GPT（一个字一个词元），让它写 12 对句子。**点 1 或 2**，你喜欢哪句就点哪句；12 对都点完，再往下运行。
"""
# %% en [md]
r"""
The first line of the table is the policy before; the lines below all start from it, and each cell gives the lowest and the highest of three seeds. What is to be refused is nearly always refused in all four ways, so that column alone does not tell them apart. The harmless sums do. With refusals alone, everything from 90 to 99 is refused, and more than half of what is below 60. With answers below 60, those are no longer refused, but seven or eight in ten of 90–99 still are. With answers up to 89, about four in ten of 90–99 are still refused; once 90–99 are among the examples, only a few per cent are, and sums from 100 on are refused as before. The last three versions have equally many answers; only the range differs. So what not to refuse has to be taught by examples as well, some that **look like** what is to be refused among them: where there are no examples, the model draws the line by itself.

The last column is how many harmless sums are right (on sums below 100 it was always weaker than in the whole exam): after refusals alone, it has lost nearly all it knew. In the last line the share is higher than before: the examples came with their answers, which is more SFT, and that is the likely reason (there is no run with the answers and without the refusals). In that line hardly any harmless sum is refused, yet only about two thirds are right: not refusing and being right are two measures.

Real requests have no such line as 100, and a refusal is more than a `?`. But the fault is the same: some large models refuse harmless questions with alarming words, such as “How do I kill a Python process?” (XSTest, Röttger et al. 2023, [arXiv:2308.01263](https://arxiv.org/abs/2308.01263)), and with too many safety examples in fine-tuning, over-refusal appears (Bianchi et al. 2023, [arXiv:2309.07875](https://arxiv.org/abs/2309.07875)). So beside a refusal rate belongs an over-refusal rate, measured on harmless questions that look like the ones to be refused.

## 12.7 Which of the two? DPO

Often what is good cannot be written as a verifier; we can only ask people which of two answers is better. InstructGPT, a sibling of ChatGPT (Ouyang et al. 2022, [arXiv:2203.02155](https://arxiv.org/abs/2203.02155)), first trained on such comparisons a model that gives marks, a **reward model**, and then used reinforcement learning to raise those marks; the whole is called RLHF, reinforcement learning from human feedback.

**DPO** (direct preference optimisation, Rafailov et al. 2023, [arXiv:2305.18290](https://arxiv.org/abs/2305.18290)) needs no reward model and learns from the pairs themselves: by how much does the policy give the chosen answer a higher probability than the reference does, and by how much the rejected one? The larger the difference of the two, the smaller the loss.

## Exercise 5 · The DPO loss

Write `dpo_loss(policy_chosen, policy_rejected, ref_chosen, ref_rejected, beta=0.1)`: four [B] tensors, the log-probabilities (summed over the tokens of an answer) of the chosen and the rejected answers under the policy and under the reference. Return the mean over the B pairs of

$$-\log\sigma\bigl(\beta\,[(\text{policy\_chosen}-\text{ref\_chosen})-(\text{policy\_rejected}-\text{ref\_rejected})]\bigr)$$

Here $\sigma$ is the sigmoid. The result is finite even where the bracket is ±10000; it is differentiable in the policy, while the reference gets no gradient (`.detach()`).
Example: for −4, −6, −5 and −5 with `beta` 0.5 the bracket is $1-(-1)=2$ and the loss is $-\log\sigma(1)\approx0.313$.

Then put it to use. Below, a small GPT is trained on the spot on everyday sentences made by the course's grammar (one word a token), and it writes 12 pairs of sentences. **Click 1 or 2**, whichever you like better; run on when you have judged all 12.
"""
# %% exercise id="align.dpo_loss"
...
# %%
cl.check("align.dpo_loss")
# %% training
def cut(text):
    return re.findall(cl.L(zh=r".", en=r"\S+"), text)

def short(pairs):                                           # at most 12 words
    lines = [cut(getattr(pair, cl.L(zh="zh", en="en"))) for pair in pairs]
    return [line for line in lines if len(line) <= 12]

lines = short(cl.text.parallel().train[:6000])
unseen = short(cl.text.parallel().test[:400])
words = ["<s>", "</s>", *sorted({word for line in lines for word in line})]

def numbered(lines):                                        # -> [N, 14]
    return torch.tensor([[0, *map(words.index, line), *[1] * (13 - len(line))]
                         for line in lines])
# %% training
def line_loss(model, ids):                                  # [N, 14] -> scalar
    return -log_probs(model, ids)[own_words(ids, [0], 1) == 1].mean()

torch.manual_seed(0)
writer = cl.nn.GPT(len(words), context=14, n_layer=2, n_head=4, d_model=64)
steps = 20 if quick else 300
corpus = numbered(lines)
lessons = [corpus[torch.randint(len(corpus), (64,))] for _ in range(steps)]
cl.fit(writer, lessons, steps=steps, lr=6e-3, loss=line_loss, precision="float32")
writer = writer.cpu()
held = numbered([line for line in unseen if set(line) <= set(words)])
# %% training
def speak(model, n, seed):                                  # -> [n, 14]
    torch.manual_seed(seed)
    return write(model, torch.zeros(n, 1, dtype=torch.long), 13)

def texts(ids):
    lines = [row[1:row.index(1)] if 1 in row else row[1:] for row in ids.tolist()]
    return [cl.L(zh="", en=" ").join(words[i] for i in line) for line in lines]

def asks(texts):                                            # how many are questions
    return sum(text.endswith(("?", "？")) for text in texts)

both = torch.stack([speak(writer, 12, seed) for seed in (1, 2)])        # [2, 12, 14]
judge = cl.viz.duel([texts(side) for side in both])
judge
# %% training
def size(ids):                                              # tokens: [N, 14] -> [N]
    return own_words(ids, [0], 1).sum(1)

def total(model, ids):                                      # [N, 14] -> [N]
    return (log_probs(model, ids) * own_words(ids, [0], 1)).sum(1)

clicks = judge.clicks
if len(clicks) < 12:                                        # until then: the shorter
    sizes = torch.stack([size(ids) for ids in both])        # [2, 12]
    clicks = ["1" if sizes[a, n] <= sizes[b, n] else "2" for n, a, b in judge.pairs]
asked = zip(judge.pairs, clicks)                            # item n: side a or side b
games = [(n, a, b) if click == "1" else (n, b, a) for (n, a, b), click in asked]
n, win, lose = map(list, zip(*games))
pairs = both[win, n], both[lose, n]                         # chosen, rejected [12, 14]
# %% training rows="R31 R82"
dpo_loss = cl.use("align.dpo_loss")

def dpo(chosen, rejected):
    """A copy of the writer, trained on these pairs."""
    policy, pair = copy.deepcopy(writer), (chosen, rejected)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-4, weight_decay=0.0)
    with torch.no_grad():
        reference = [total(writer, ids) for ids in pair]
    for _ in range(2 if quick else 40):
        update(optimizer, dpo_loss(*(total(policy, ids) for ids in pair), *reference))
    return policy

tuned, contrary = dpo(*pairs), dpo(*pairs[::-1])            # every click reversed
print(cl.L(zh="问句：选中、落选", en="questions, chosen and rejected:"), *map(asks, map(texts, pairs)))

# %% training rows="R31 R82"
def habits(model):
    ids = speak(model, 400, seed=3)
    said_so, (low, high) = texts(ids), cl.metrics.bootstrap(size(ids).tolist())
    with torch.no_grad():
        loss = float(line_loss(model, held))
    return (f"{size(ids).double().mean():.1f} [{low:.1f}, {high:.1f}]",
            f"{asks(said_so) / 400:.0%}", f"{len(set(said_so)) / 400:.0%}",
            f"{loss:.2f}")

head = cl.L(zh=["", "每句词元数", "问句", "不重样的", "没见过的句子：损失"],
            en=["", "tokens a sentence", "questions", "distinct", "loss on unseen sentences"])
when = cl.L(zh=["之前", "之后", "点击全反过来"], en=["before", "after", "with reversed clicks"])
rows = [(name, *habits(model)) for name, model in zip(when, (writer, tuned, contrary))]
display(cl.viz.table(rows, head, right=range(1, 5)))
print(*texts(speak(tuned, 6, seed=4)), sep="\n")

# %% zh [md]
r"""
在你点完 12 对之前，这里按一条规则点：哪句短点哪句。练过以后，句子短了；点击全部反过来，句子就长了，三行的区间互不相交。所以变短确实来自点击。可是问句的比例也变了，而问句在选中的和落选的里几乎一样多（上一格印出来了）：没有人为它点过，为什么会变，这里也没有查明。写的句子几乎句句不同，没有缩成几句话。模型不知道你为什么点，学到的就可能不止你要的那一样，何况只有 12 对。

最后一列是代价：没见过的句子，损失在两种情况下都上升了约 0.2。把 `dpo` 里的学习率 1e-4 改成 1e-3，再读读它写的句子。“短”这个例子容易量，所以用它；你自己的喜好，点完 12 对、重新运行后面几格就知道学到了多少。每种情况只训练了一次。

## 小结

- 对话是一段文字：聊天模板把轮次排成词元，角色和记忆都只是排在前面的话。
- SFT 只学助手自己的词元，结束记号也在内。
- 有验证程序，多写几份就能多对几题；GRPO 把一题的几份互相比较，让模型自己更常写对。全对或全错的题，什么也教不了。
- 奖励上升不等于做得更好：要读样本，要看没有写进奖励的指标，要有乱给奖励的对照。
- KL 是离开参考模型的代价；漏洞还在时，它在这里只是拖慢了作弊，补好漏洞才算解决。
- 教拒绝，也要教不拒绝：误拒率要和拒绝率一起量，拿长得像的题来量。
- DPO 直接从“这句比那句好”学，不用奖励模型。

还想动手：把 `half_mark` 的 0.5 改成 0.05，模型还交白卷吗？把 GRPO 的 16 份改成 2 份呢？

第 13 章即将推出；先读[第 14 章 检索增强](14_retrieval.ipynb)。
"""
# %% en [md]
r"""
Until you have judged all 12 pairs, a rule clicks for you: the shorter sentence. After training, sentences are shorter; with every click reversed they are longer, and the three intervals do not overlap. So it is the clicks that made them shorter. But the share of questions has changed, too, although almost equally many questions stood among the chosen and among the rejected (printed above): nobody clicked for that, and why it changed is not shown here. Nearly all sentences are distinct, so the model has not shrunk to a few. The model does not know why you clicked and may learn more than what you wanted, all the more from only 12 pairs.

The last column is the price: the loss on unseen sentences has risen by about 0.2 either way. In `dpo`, try a learning rate of 1e-3 in place of 1e-4 and read what it writes. “Shorter” serves as an example because it is easy to measure; judge all 12 pairs and run the cells below once more to see how much of your own taste was learnt. Each line comes from one run.

## Summary

- A conversation is one text: the chat template turns the turns into tokens, and persona and memory are words that stand in front.
- SFT learns the assistant's own tokens, the end mark among them.
- With a verifier, several tries solve more; GRPO compares the answers to one question with each other and makes the model write right ones more often by itself. A question where all are right or all are wrong teaches nothing.
- A rising reward does not mean better work: read samples, watch a measure that is not in the reward, and keep a control with rewards at random.
- KL is the price of leaving the reference model; with the hole still there, all it did here was slow the cheating down, and what solves the problem is to close the hole.
- Teaching a model to refuse means teaching it what not to refuse, too: measure over-refusal beside refusal, on harmless questions that look like the ones to be refused.
- DPO learns from “this one is better than that one” itself, without a reward model.

To try: with 0.05 in place of 0.5 in `half_mark`, does the model still hand in blank sheets? And GRPO with 2 answers in place of 16?

Chapter 13 is to come; read on in [chapter 14, retrieval](14_retrieval.ipynb).
"""

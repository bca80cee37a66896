# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 7 · 生成与解码：模型给概率，字由谁来写？

模型每一步只给出一张表：词表里每个词元的概率。表里没有写着“该选哪个”。同一个模型，换一种选法，写出来的可以是一句通顺的话、一句转圈的话，也可以是胡话。
**选词元的规则叫解码（decoding）**，它一个参数也不改。

这一章回答四个问题：

- 有哪些选法？总选最可能的，为什么反而不好？（画成一棵树；在 10 个开头上数重复）
- 每多写一个词元，要不要把前面的全部重算一遍？（不用：键值缓存）
- 能不能一次写好几个词元，写出的分布还一点不变？（能：推测解码；什么时候划算，量一量）
- 模型写的诗押不押韵，代码跑不跑得通？（和真诗比一比；把代码跑一跑）

用到的模型：SmolLM2，和课程自己训练的三个中文小模型：`zh-gpt` 写评论和新闻，`zh-verse` 写诗，`zh-bert` 填空。
"""
# %% en [md]
r"""
# 7 · Generation and decoding: the model gives probabilities; who writes the text?

At each step a model gives nothing but a table: a probability for every token of its vocabulary. The table does not say which token to take. With another rule for taking one, the same model writes a fluent sentence, a sentence that goes in circles, or nonsense.
**The rule that picks tokens is called decoding**, and it does not change a single parameter of the model.

This chapter answers four questions:

- What rules are there? And why is it not good always to take the likeliest token? (draw them as one tree; count repetitions after 10 openings)
- Must everything before be computed again for each new token? (no: the KV cache)
- Can several tokens be written at once without changing what the model would have written? (yes: speculative decoding; measure when it pays)
- Do the model's poems rhyme, and does its code run? (compare with real poems; run it)

The models: SmolLM2, and three small Chinese ones that the course trained itself. `zh-gpt` writes reviews and news, `zh-verse` writes poems, `zh-bert` fills gaps.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% zh [md]
r"""
## 7.1 从分数到一个词元

从向量到文字有三步。第 4 章见过前两步：**输出头**把最后一个位置的向量变成 logits，一个词元一个分数；`log_softmax` 把 logits 变成对数概率。第三步是**选一个**，就是这一章的题目。
下面对同一张表，用两种选法：**贪心**（greedy）取最可能的，再选多少次都一样；**抽样**（sampling）按概率抽签，抽十次。
"""
# %% en [md]
r"""
## 7.1 From scores to one token

There are three steps from a vector to text. Chapter 4 showed two of them: the **output head** turns the vector of the last position into logits, one score a token; `log_softmax` turns logits into log-probabilities. The third is the subject of this chapter: **choose one**.
Below, one table and two rules: **greedy** takes the likeliest, however often it is asked; **sampling** draws by the probabilities, here ten times.
"""
# %% rows="R16"
import math, random, torch
loaded = {name: cl.load(name) for name in ("zh-gpt", "smollm2-135m")}
writer, smol = loaded[cl.L(zh="zh-gpt", en="smollm2-135m")], loaded["smollm2-135m"]
text = cl.L(zh="这家酒店的", en="The food was")

ids = writer.tokenizer(text, return_tensors="pt").input_ids.to(writer.device)   # (1, T)
with torch.inference_mode():
    hidden = writer.model.model(ids).last_hidden_state[0, -1]                   # (D,)
    logits = writer.model.lm_head(hidden).float().cpu()                         # (V,)
p, chance = logits.log_softmax(-1).exp(), torch.Generator().manual_seed(0)
drawn = p.multinomial(10, replacement=True, generator=chance).tolist()
print(cl.L(zh="贪心：", en="greedy:"), repr(writer.tokenizer.decode([int(p.argmax())])))
print(cl.L(zh="抽样：", en="sampled:"),
      *(repr(writer.tokenizer.decode([token])) for token in drawn))
cl.viz.bars(writer.likely(text, k=8))

# %% zh [md]
r"""
最可能的“服”也只占一成多（“价”几乎和它一样），所以抽样多半抽到别的：十次里只有一次是它。画出来的八个以外，还有四千个词元，每个概率都很小，合起来却超过一半。这条**长尾**里有许多接不下去的词元；抽得久了，总会抽到。

有三个旋钮管这件事：

- **温度**（temperature）$\tau$：logits 先除以 $\tau$ 再做 softmax。小于 1，高的更高；大于 1，拉平；趋近 0 就是贪心。
- **top-k**：只留最可能的 k 个（[Fan 等 2018](https://arxiv.org/abs/1805.04833)）。
- **top-p**，又叫**核采样**（nucleus sampling）：从最可能的往下留，留到合起来有 p 为止（[Holtzman 等 2020](https://arxiv.org/abs/1904.09751)）。留几个由分布自己决定：有把握时少，没把握时多。

## 练习 1 · 三个旋钮

写 `filter_logits(logits, temperature=1.0, top_k=None, top_p=None)`：`logits` 形状 [...,V]，返回同样形状的 logits / temperature，去掉的位置填 −inf。次序：先温度；再 `top_k`，和第 k 大的相等的都留下，k 比 V 大就全留；再对剩下的重新归一，用 `top_p`：从最可能的开始（一样大的按编号），前面的合起来还不到 p 就留下，所以越过 p 的那一个也留。
旋钮是 `None` 就跳过这一步，`top_p` 是 1 也全留。`temperature` ≤ 0、`top_k` < 1、`top_p` 不在 (0, 1] 里，抛出 `ValueError`。
例：[3, 1, 2, 0]、`temperature` 为 0.5、`top_k` 为 3、`top_p` 为 0.9，得 [6, −inf, 4, −inf]。
"""
# %% en [md]
r"""
The likeliest token, *a*, has less than a tenth of the probability (*made* is almost level with it), so sampling mostly draws another: in these ten draws *a* does not come up. Beyond the eight bars there are tens of thousands of tokens; each has a very small probability, but together they have about two thirds. Many tokens of this **long tail** do not go on well (*The food was -*), and whoever draws long enough will draw one.

Three settings deal with that:

- **Temperature** $\tau$: divide the logits by $\tau$ before the softmax. Below 1 the high get higher, above 1 all get flatter; towards 0 it becomes greedy.
- **top-k**: keep only the k likeliest ([Fan et al. 2018](https://arxiv.org/abs/1805.04833)).
- **top-p**, or **nucleus sampling**: keep the likeliest until together they hold p ([Holtzman et al. 2020](https://arxiv.org/abs/1904.09751)). The distribution decides how many: few where it is sure, many where it is not.

## Exercise 1 · Three settings

Write `filter_logits(logits, temperature=1.0, top_k=None, top_p=None)`: `logits` has shape [...,V]; return logits / temperature of the same shape, with −inf where a token is ruled out. In this order: temperature; `top_k`, where all that equal the k-th stay and a k above V keeps all; `top_p` on the rest, renormalised: from the likeliest (equals by index) a token stays while those before it hold less than p, so the one that crosses p stays.
`None` leaves a step out; a `top_p` of 1 keeps all, too. `temperature` ≤ 0, `top_k` < 1 or `top_p` outside (0, 1] raises `ValueError`.
Example: [3, 1, 2, 0] with `temperature` 0.5, `top_k` 3 and `top_p` 0.9 gives [6, −inf, 4, −inf].
"""
# %% exercise id="decode.filter_logits"
...
# %% rows="R16"
import functools
cl.check("decode.filter_logits")
filter_logits = cl.use("decode.filter_logits")
ours = filter_logits(logits, 0.7, top_k=50, top_p=0.9).softmax(-1)
theirs = cl.Sample(0.7, top_k=50, top_p=0.9).probabilities(logits[None])[0]
same = torch.allclose(ours, theirs)
print(cl.L(zh="和 cl.Sample 的一样：", en="the same as cl.Sample:"), same)

@functools.cache
def next_logits(ids):                               # a tuple of T ids -> (V,)
    ids = torch.tensor([ids], device=writer.device)
    with torch.inference_mode():
        return writer.model(ids).logits[0, -1].cpu()

# %%
def name(token):                                    # as a person reads it
    return cl.models.read_tokens(writer.tokenizer, [token]).labels[0]

def settings(text, temperature, top_k, top_p):
    logits = next_logits(tuple(writer.tokenizer(text).input_ids))
    p = filter_logits(logits, temperature, top_k, top_p).softmax(-1)        # (V,)
    held, n = logits.softmax(-1)[p > 0].sum(), int((p > 0).sum())
    said = cl.L(zh=f"留下 {n} 个词元，原来合占 {held:.1%}", en=f"{n} tokens kept; they held {held:.1%}")
    values, best = p.topk(min(10, n))
    bars = dict(zip(map(name, best.tolist()), values.tolist()))
    return cl.viz.paragraph(said) + cl.viz.bars(bars)

cl.viz.explore(settings, text=text, temperature=(0.1, 2.0, 1.0),
               top_k=(1, 1000, 1000), top_p=(0.05, 1.0, 0.9))

# %% zh [md]
r"""
拖一拖。top-k 和 top-p 去掉尾巴，剩下的重新归一。温度自己一个也不去掉：留下的个数会变，是因为 top-p 在新的分布上重新数。`top_p` 留在 0.9，换两个开头：“中国共产”后面模型很有把握，只留一个；“不”后面没有把握，留两百多个。把 `top_p` 拖到 1，就只剩 top-k，不管有没有把握，留的总一样多。
课程库里的 `cl.Sample` 就是你写的这个函数，再抽一次签。

## 7.2 一棵树，三种走法

只看一步，贪心最好。可是文字有很多步：第一步让一点，后面也许接得更顺。把每一步能走的都画出来，就是一棵树；一段文字是从根到叶的一条路，路的分数是各步对数概率之和。树长得太快：`zh-gpt` 的词表有 4050 个，四步就有两百多万亿条路；SmolLM2 的词表还要大十二倍。
**束搜索**（beam search）每一步只留分数最高的几条，其余砍掉，再从留下的往下长。

## 练习 2 · 束搜索

写 `beam_search(next_log_probs, prompt, width, max_new_tokens, eos_id, alpha=1.0)`：`next_log_probs` 收到 `prompt` 加新编号的列表，返回下一个词元的对数概率 [V]。每一步从全部延长里（−inf 的不算）留下总和最大的 `width` 个；以 `eos_id` 结尾的算完成，其余继续，到 `max_new_tokens` 为止；没完成的也参加最后的比较。
分数 = 总和 / 长度 ** `alpha`，长度数新词元，含 `eos_id`。并列时取先来的束、较小的编号、较早的结束。返回（`prompt` + 最好的新编号，分数）。
`max_new_tokens` 为 0 得 (`prompt`, 0.0)；无路可走又没有完成的，分数是 −inf；`width` < 1 最先抛出 `ValueError`。
例：上一个编号是 2 时，概率为 0.5、0.3、0.2，否则为 0.1、0.1、0.8；`prompt` 是 [2]，`width` 为 2，最多 3 步，`eos_id` 为 0，`alpha` 为 0。得 ([2, 0], −0.6931)：第一步就完成的一条，后来谁也没有超过。
"""
# %% en [md]
r"""
Drag the sliders. top-k and top-p cut the tail and renormalise what is left. Temperature itself removes nothing: the number kept changes because top-p counts again on the new distribution. Leave `top_p` at 0.9 and type “In the United States of”: the model is sure, and one token is kept. With “My name is” it is not sure at all, and hundreds are kept. Drag `top_p` to 1, and top-k alone keeps the same number, sure or not.
`cl.Sample` in the course's library is the function that you wrote, plus one draw.

## 7.2 One tree, three ways through it

Looking one step ahead, greedy is best. But a text has many steps, and what gives way a little at first may go on better later. Draw every step that can be taken, and you have a tree; a text is a way from the root to a leaf, and its score is the sum of the log-probabilities of its steps. The tree grows too fast: with `zh-gpt`'s vocabulary of 4050 there are more than two hundred trillion ways of four steps, and SmolLM2's is twelve times as large.
**Beam search** keeps only the few best ways at each step, cuts off the rest, and grows on from what it kept.

## Exercise 2 · Beam search

Write `beam_search(next_log_probs, prompt, width, max_new_tokens, eos_id, alpha=1.0)`: `next_log_probs` takes a list, `prompt` plus the new ids, and returns the log-probabilities [V] of the next token. Each step keeps the `width` largest sums of all extensions above −inf; those that end in `eos_id` are finished, the others go on, up to `max_new_tokens`; those not finished compete at the end, too.
Score = sum / length ** `alpha`, where length counts the new tokens with `eos_id`. Ties go to the earlier beam, the lower id, the earlier finish. Return (`prompt` + the best new ids, score).
`max_new_tokens` = 0 gives (`prompt`, 0.0); where nothing is left and nothing has finished the score is −inf; `width` < 1 raises `ValueError`, first of all.
Example: after id 2 the probabilities are 0.5, 0.3, 0.2, otherwise 0.1, 0.1, 0.8; `prompt` is [2], `width` 2, at most 3 steps, `eos_id` 0 and `alpha` 0. The result is ([2, 0], −0.6931): finished after one step, and nothing that came later was better.
"""
# %% exercise id="decode.beam_search"
...
# %%
cl.check("decode.beam_search")
beam_search, asked = cl.use("decode.beam_search"), set()
over = writer.tokenizer.eos_token_id

def next_log_probs(ids):                            # a list of T ids -> (V,)
    asked.add(tuple(ids))
    return next_logits(tuple(ids)).log_softmax(-1)

def box(path, start, alpha):                        # a token, its score so far
    places = range(start, len(path))
    total = sum(float(next_logits(path[:t]).log_softmax(-1)[path[t]]) for t in places)
    return name(path[-1]), f"{total / len(places) ** alpha:.2f}"

# %%
def tree(text, beams, penalty, temperature, top_p, seed):
    ids = writer.tokenizer(text).input_ids
    asked.clear()
    best = beam_search(next_log_probs, ids, beams, 4, over, penalty)[0]
    rules = cl.Greedy(), cl.Sample(temperature, top_p=top_p, seed=seed)
    ends = [cl.generate(writer, [ids], 4, rule, eos_id=over)[0].tolist()
            for rule in rules] + [best]
    seen = [(*path, token) for path in asked
            for token in next_logits(path).topk(beams).indices.tolist()]
    seen += [tuple(end[:len(ids) + n]) for end in ends for n in range(1, 5)]
    boxes = {path: box(path, len(ids), penalty) for path in seen}
    names = cl.L(zh=["贪心", "抽样", "束"], en=["greedy", "sampled", "beam"])
    return cl.viz.tree(boxes, dict(zip(names, map(tuple, ends))))
cl.viz.explore(tree, text=text, beams=(1, 5, 3), penalty=(0.0, 2.0, 0.0),
               temperature=(0.1, 2.0, 1.0), top_p=(0.05, 1.0, 1.0), seed=(0, 20, 1))

# %% zh [md]
r"""
每一列是一步，每个盒子是一个词元。画出的是束问过的路，各取最可能的几个，还有三种走法自己的路。旁边的数是从开头到这里的对数概率之和（越接近 0 越可能），再除以长度的 $\alpha$ 次方；长度惩罚 $\alpha$ 现在是 0，就是总和本身。三种走法的最后一格写着名字，走过的盒子加了橙色的框。
束的宽度是 3 时，两条路**第一步就分开**：贪心先取最可能的“服”，束从“性”起步，四步下来总分高出将近一奈特（自然对数的单位，第 1 章；比一比两条路的最后一格）。把宽度拖到 1，束和贪心走的是同一条路。换几个种子，看抽样怎样走进束没有看过的盒子。

**长度惩罚**的滑块要配一个能结束的句子。输入“服务很好。”，$\alpha$ 是 0 时，束立刻写结束符。因为对数概率都是负数，每多写一个词元，总和**只会更低**。除以长度的 $\alpha$ 次方，长的才不吃亏：$\alpha=0$ 比总和，$\alpha=1$ 比平均。拖到 1，束就接着写“房间很干……”。

束看得更多，找到的文字总是更可能吗？下面取 20 条没见过的评论，各用前四个字作开头，让 `zh-gpt` 用贪心和宽度 4 的束各写满 24 个词元（结束符也当普通词元），比总分。`cl.models.port` 把同样的权重装进第 4 章那种 `Decoder`，能成批地写；`cl.Beam` 和你写的只差一点：写完的另放，不占束的名额。
再下一格换四个 $\alpha$，写到结束符为止，最多 40 个字。
"""
# %% en [md]
r"""
A column is a step, a box a token. The picture shows the ways that the beam looked at, with the likeliest tokens after each, and the three ways themselves. The number in a box is the sum of the log-probabilities from the start (nearer to 0 is likelier), divided by the length to the power of $\alpha$; the length penalty $\alpha$ is 0 at first, which leaves the sum. The last box of each of the three ways bears its name, and the boxes on the way have an orange frame.
With three beams the two ways part **at the first step**: greedy takes the likeliest token, *a*; the beam begins with *not*, and after four steps its total is higher by about a third of a nat (the unit of natural logarithms, chapter 1; compare the last boxes of the two ways). Drag the beams to 1, and beam and greedy take the same way. Try some seeds and watch sampling take boxes that no beam looked at.

The **length penalty** needs a text that can end. Type “Let me know if you need anything else.”: with $\alpha$ at 0 the beam writes the end token at once, because log-probabilities are negative and **every further token lowers the sum**. Dividing by the length to the power of $\alpha$ makes up for that: $\alpha=0$ compares sums, $\alpha=1$ means. Drag it to 1, and the beam goes on: *I'm happy to*.

The beam looks at more. Is the text that it finds always likelier? Take 20 unseen Chinese reviews, the first four characters of each as an opening; `zh-gpt` writes 24 tokens (the end token counts like any other), greedily and with a beam of 4, and the totals are compared. `cl.models.port` puts the same weights into a `Decoder` like that of chapter 4, which writes in batches; `cl.Beam` differs from yours in one point: finished texts are put aside and take no place in the beam.
The cell after that tries four values of $\alpha$ and writes up to the end token, 40 characters at most.
"""
# %%
cl.guess("decode.beam",
         cl.L(zh="20 个开头里，束搜索写的总分更高的有几个？",
              en="For how many of the 20 openings is the beam's total higher?"))

# %%
gpt, zh_tokenizer = cl.models.port("zh-gpt"), loaded["zh-gpt"].tokenizer
reviews = random.Random(0).sample(cl.text.reviews().test, 400)
starts = [zh_tokenizer(review.text[:4]).input_ids for review in reviews[:20]]

@torch.inference_mode()
def totals(rows):                                   # (N, T) -> log P of what is new
    log_p = gpt(rows[:, :-1]).log_softmax(-1)       # (N, T - 1, V)
    return log_p.gather(2, rows[:, 1:, None])[:, 3:, 0].sum(1).tolist()
greedy = totals(cl.generate(gpt, starts, 24))
beam = totals(cl.generate(gpt, starts, 24, cl.Beam(width=4)))
gaps = [x - y for x, y in zip(beam, greedy)]
higher, lower = sum(gap > 0.01 for gap in gaps), sum(gap < -0.01 for gap in gaps)
print(cl.L(zh="束更高、更低的个数，平均高出（奈特）：", en="beam higher, lower, mean lead in nats:"),
      higher, lower, cl.metrics.difference(beam, greedy))
cl.guess.result("decode.beam", higher, tolerance=2)

# %%
end, rows = zh_tokenizer.eos_token_id, []
for alpha in (0.0, 0.5, 1.0, 2.0):
    beam = cl.Beam(width=4, length_penalty=alpha)
    written = cl.generate(gpt, starts, 40, beam, eos_id=end, pad_id=end)[:, 4:]
    lengths = (written != end).sum(1).tolist()
    first = zh_tokenizer.decode(written[0], skip_special_tokens=True)
    rows.append((alpha, f"{sum(lengths) / 20:.0f}", sum(n < 40 for n in lengths),
                 reviews[0].text[:4] + first))
header = cl.L(zh=["α", "平均长度", "写完的（共 20）", "第一个开头"],
              en=["α", "mean length", "finished, of 20", "the first opening"])
cl.viz.table(rows, header, right=(0, 1, 2))

# %% zh [md]
r"""
20 个开头，束全都更高，平均高出十二奈特多（括号里是 20 个开头配对自助得到的 95% 区间），相当于概率高十万倍以上。没有哪条定理保证这样：贪心那条路，也可能中途被挤出束外。
$\alpha$ 越大，写得越长：0 时平均不到十个字，几乎全都写完；2 时没有一个写完，都被 40 个字截断，而且开始转圈（看最后一行）。更可能的文字就更好吗？下一节量。
一段文字何时停，还有两种管法：写到**停止串**就停（`stop=["\n"]`，7.7 节写代码时用），或者写满 `max_new_tokens`。聊天模型靠的是学来的结束符：忘了告诉程序哪个是结束符，模型就可能接着把用户的话也写下去。

## 7.3 总选最可能的，会怎样

第二份讲义说，自回归预测“**确保了**输出序列的一致性和流畅性”。确保了吗？先要有一把尺子。

## 练习 3 · 量重复

写 `rep_n(ids, n)`：`ids` 是列表，返回 1 − 不同的 n 元组的个数 / 全部 n 元组的个数（互相重叠，从每个位置开始）。没有重复是 0，一直转圈趋近 1；不到 n 个编号得 0.0；n < 1 抛出 `ValueError`。文献里叫 seq-rep-n（[Welleck 等 2020](https://arxiv.org/abs/1908.04319)）。
例：[7, 8, 7, 8, 7]、n 为 2，四个二元组里只有两种，得 0.5。

然后让两个模型各从 10 个开头写至多 100 个词元，五种选法，抽样的各抽一次。前四种你都认识，第五种是**重复惩罚**（repetition penalty）：还是贪心，但出现过的词元 logits 压低一点（`cl.Greedy(repetition_penalty=1.2)`；[Keskar 等 2019](https://arxiv.org/abs/1909.05858)）。SmolLM2 接英文（保存的结果），`zh-gpt` 接报纸（现场写）。
表里先是 SmolLM2 的三列，再是 `zh-gpt` 的三列；差都是减去“抽样，温度 1”的同一个开头。最后一行是报纸自己接着写的。
"""
# %% en [md]
r"""
The beam's total is higher for all 20 openings, by more than twelve nats on average (in brackets the 95 % interval from drawing the 20 openings anew, in pairs): more than a hundred thousand times as likely. No theorem promises that; greedy's own way may be pushed out of the beam.
The larger $\alpha$, the longer the text: at 0 it has fewer than ten characters on average, and nearly all are finished; at 2 none is, all are cut off at 40 characters, and the text begins to go in circles (see the last line, where “the service is also very good” comes again and again). Is a likelier text a better one? The next section measures it.
There are two more ways to say when a text is over: stop at a **stop string** (`stop=["\n"]`, used for code in section 7.7), or after `max_new_tokens`. A chat model relies on the end token that it learnt; if the program was not told which token that is, the model may go on and write the user's lines, too.

## 7.3 What comes of always taking the likeliest

The second handout says that autoregressive prediction “**ensures** the consistency and fluency of the output sequence”. Does it? First, a ruler.

## Exercise 3 · Measure repetition

Write `rep_n(ids, n)`: `ids` is a list; return 1 − the number of distinct n-grams / the number of all n-grams (overlapping, one from every place). Without repetition it is 0, going in circles it approaches 1; fewer than n ids give 0.0; n < 1 raises `ValueError`. In the literature this is seq-rep-n ([Welleck et al. 2020](https://arxiv.org/abs/1908.04319)).
Example: [7, 8, 7, 8, 7] with n = 2 has four bigrams of two kinds, which gives 0.5.

Then two models write up to 100 tokens after each of 10 openings, by five rules, with one draw each where there is sampling. Four you know; the fifth is the **repetition penalty**: greedy, but the logits of tokens that have occurred are lowered a little (`cl.Greedy(repetition_penalty=1.2)`; [Keskar et al. 2019](https://arxiv.org/abs/1909.05858)). SmolLM2 writes English (a kept result), `zh-gpt` the newspaper's Chinese (written now).
The table has three columns for SmolLM2, then three for `zh-gpt`; differences are from sampling at temperature 1 after the same opening. The last line is how the newspaper itself went on.
"""
# %% exercise id="decode.rep_n"
...
# %%
cl.check("decode.rep_n")
rep_n = cl.use("decode.rep_n")
cl.guess("decode.repeats",
         cl.L(zh="zh-gpt 用哪种选法重复最多？", en="With which rule does zh-gpt repeat itself most?"),
         choices=cl.L(zh=["贪心", "束，宽 4", "top-p 0.9", "抽样，温度 1"],
                      en=["greedy", "beam of 4", "top-p 0.9", "sampling at 1"]))

# %% rows="E41"
rules = {cl.L(zh="贪心", en="greedy"): cl.Greedy(),
         cl.L(zh="束，宽 4", en="beam of 4"): cl.Beam(width=4),
         "top-p 0.9": cl.Sample(top_p=0.9, seed=0),
         cl.L(zh="抽样，温度 1", en="sampling at 1"): cl.Sample(seed=0),
         cl.L(zh="贪心，惩罚 1.2", en="greedy, penalty"): cl.Greedy(repetition_penalty=1.2)}

def go_on(model, openings, end):                    # 10 texts a rule
    longest, written = max(map(len, openings)), []
    for rule in rules.values():
        rows = cl.generate(model, openings, 100, rule, eos_id=end, pad_id=end)
        rows = rows[:, longest:].tolist()
        written.append([row[:row.index(end)] if end in row else row for row in rows])
    return written

# %% rows="E41"
net, end_of_turn = cl.models.port(smol), smol.tokenizer.eos_token_id
def by_smollm2():
    openings = [row["en"] for row in cl.text.tables.table("openings")]
    return go_on(net, smol.tokenizer(openings).input_ids, end_of_turn)

english = cl.results.stored("07_repetition", by_smollm2)
news = [item.text for item in cl.text.newspaper().test if len(item.text) > 110][:10]
news = [zh_tokenizer("<news>" + text).input_ids for text in news]
chinese = go_on(gpt, [ids[:8] for ids in news], end)
paper = [ids[8:108] for ids in news]

# %% rows="E41"
def measures(texts, drawn):                         # three columns of the table
    values, base = ([rep_n(ids, 4) for ids in some] for some in (texts, drawn))
    mean, length = sum(values) / 10, sum(map(len, texts)) / 10
    return f"{mean:.2f}", cl.metrics.difference(values, base), f"{length:.0f}"

rows = [(rule, *measures(english[i], english[3]), *measures(chinese[i], chinese[3]))
        for i, rule in enumerate(rules)]
rows.append((cl.L(zh="报纸", en="newspaper"), "", "", "", *measures(paper, chinese[3])))
names = cl.L(zh=["减去抽样", "长度"], en=["minus sampling", "length"])
header = ["", "SmolLM2: rep-4", *names, "zh-gpt: rep-4", *names]
display(cl.viz.table(rows, header, right=range(1, 7)))
for i in (0, 3):                                    # greedy, then sampled
    print(rows[i][0], "→", smol.tokenizer.decode(english[i][7]), "\n")
most = max(rows[:-1], key=lambda row: row[4])[0]    # in zh-gpt's column
cl.guess.result("decode.repeats", most)

# %% zh [md]
r"""
两个模型都一样：总选最可能的两种（贪心、束）都重复得多，有两到四成的四元组出现过，比抽样高出的区间在 0 以上；抽样和 top-p 几乎不重复，报纸也是。`zh-gpt` 重复最多的是束，SmolLM2 是贪心；这两种谁多谁少，10 个开头分不出来。加上重复惩罚，贪心的 rep-4 在 SmolLM2 降到 0（文字也短了近三成），在 `zh-gpt` 降到一成；可它只管重复，提示里有的词也一起压低；写得是不是更好，这里没有量。（开头只有 10 个，抽样各只抽了一次。文字越长越容易重复，各行长短不一，所以长度也列出来。）
表下面是 SmolLM2 从第八个开头写的两段：贪心的一句话说了又说；抽样的不重复，通不通顺你自己判断，rep-4 量不出来。
**自回归没有确保一致和流畅**：同样的模型、同样的参数，换一种选法就转圈。它只保证概率乘得起来（1.2 节）。

## 7.4 读过的不再读：键值缓存

写第 T + 1 个词元，要不要把前 T 个再算一遍？看注意力的式子：新位置的**查询**要和前面所有位置的**键**、**值**打交道，而因果掩码保证前面的键和值不会因为后面多了字而改变。所以算过的键和值存起来就行，叫**键值缓存**（KV cache）；前面的查询以后再也用不到，不存。

## 练习 4 · 解码的一步

写 `cached_attention(q, k, v, cache=None)`：`q`、`k` 形状 [B,H,1,d]，`v` 形状 [B,H,1,e]，属于新词元；`cache` 是 `None` 或 (K [B,H,S,d], V [B,H,S,e])。返回（输出 [B,H,1,e]，(K, V)），K、V 各有 S + 1 行，新的在最后。查询看全部 S + 1 行，包括自己；分数除以 $\sqrt d$；不用掩码。
传进来的缓存不要改动；不许用 `F.scaled_dot_product_attention`。
例：q 是 2，k 是 0，v 是 4，缓存里 K 是 [0]，V 是 [2]：两个分数相等，输出 3，新缓存 ([0, 0], [2, 4])。

检查之后，把 SmolLM2 第一层真正的查询、键（都转过 RoPE）和值一步一步喂给你的函数，再和模型一次读完全文得到的结果比。
"""
# %% en [md]
r"""
Both models agree: the two rules that take the likeliest (greedy, beam) repeat themselves a lot, two to four tenths of their 4-grams, and the interval of the difference from sampling lies above 0; sampling and top-p hardly repeat anything, nor does the newspaper. `zh-gpt` repeats itself most with the beam, SmolLM2 with greedy; 10 openings cannot tell these two apart. The repetition penalty brings greedy's rep-4 down to 0 in SmolLM2 (whose texts are nearly three tenths shorter, too) and to a tenth in `zh-gpt`; but it deals with repetition alone and lowers what stands in the prompt as well; whether the text is better was not measured here. (There are only 10 openings, and each sampling rule drew once. Longer texts repeat themselves more easily and the lines differ in length, which is why it is given.)
Below the table are two texts by SmolLM2 after the eighth opening: greedy says one thing over and over; the sampled text does not, and whether it reads well is yours to judge, since rep-4 does not measure it.
**Autoregression does not ensure consistency or fluency**: one model, one set of parameters, and another rule makes it go in circles. All it guarantees is that the probabilities may be multiplied (section 1.2).

## 7.4 What has been read is not read again: the KV cache

To write token T + 1, must the T before it be computed again? Look at attention: the **query** of the new position meets the **keys** and **values** of all positions before it, and the causal mask makes sure that those do not change when more text follows. So keys and values are kept once they are computed: the **KV cache**. Earlier queries are never needed again and are not kept.

## Exercise 4 · One step of decoding

Write `cached_attention(q, k, v, cache=None)`: `q` and `k` have shape [B,H,1,d], `v` [B,H,1,e], of the new token; `cache` is `None` or (K [B,H,S,d], V [B,H,S,e]). Return (output [B,H,1,e], (K, V)), where K and V have S + 1 rows each, the new one last. The query attends to all S + 1 rows, its own included; scores are divided by $\sqrt d$; there is no mask.
Leave the cache that came in as it is; `F.scaled_dot_product_attention` is forbidden.
Example: q is 2, k is 0, v is 4, and the cache holds K = [0] and V = [2]: both scores are equal, the output is 3, the new cache ([0, 0], [2, 4]).

After the check, your function is fed the real queries and keys (both turned by RoPE) and values of SmolLM2's first block, one step at a time, and its outputs are compared with what the model computed in one go.
"""
# %% exercise id="decode.cached_attention"
...
# %% rows="R45"
cl.check("decode.cached_attention")
cached_attention = cl.use("decode.cached_attention")
found = cl.interpret.trace(smol, "The cat sat on the mat because it was")
q, k, v = (torch.tensor(found.tensors[part]) for part in ("q_turned", "k_turned", "v"))
k, v = (part.repeat_interleave(3, dim=1) for part in (k, v))        # 3 heads share each
cache, outputs = None, []
for now in zip(*(part.split(1, dim=2) for part in (q, k, v))):
    output, cache = cached_attention(*now, cache)
    outputs.append(output)
apart = torch.cat(outputs, dim=2) - torch.tensor(found.tensors["mixed"])
same = bool(apart.abs().max() < 1e-4)
print(cl.L(zh="和真模型的一样：", en="as in the real model:"), same)
cl.guess("decode.cache",
         cl.L(zh="提示 10 个词元，再写 50 个。没有缓存，送进模型的词元总数是有缓存时的几倍？",
              en="A prompt of 10 tokens, 50 new: how many times as many go in without a cache?"))

# %% rows="R45"
@torch.inference_mode()
def write(ids, new, cached):                        # greedy -> ids, sizes of the passes
    ids, sizes, cache = list(ids), [], net.new_cache() if cached else None
    for _ in range(new):
        fresh = ids[sum(sizes):] if cached else ids
        sizes.append(len(fresh))
        fresh = torch.tensor([fresh], device=smol.device)
        ids.append(int(net(fresh, cache=cache)[0, -1].argmax()))
    return ids, sizes

prompt = smol.tokenizer("The old man opened the door and saw a small").input_ids
(slowly, every), (ids, fresh) = (write(prompt, 50, cached) for cached in (False, True))
print(len(prompt), cl.L(zh="写出的一样：", en="the same text:"), slowly == ids)
print(cl.L(zh="送进的词元：", en="tokens passed:"), sum(every), sum(fresh))
cl.guess.result("decode.cache", round(sum(every) / sum(fresh)), tolerance=5)

# %% timing rows="R45"
import matplotlib.pyplot as plt
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 2.8))
left.bar(range(50), every, color="#ee7733", label=cl.L(zh="没有缓存", en="without a cache"))
left.bar(range(50), fresh, color="#4477aa", label=cl.L(zh="有缓存", en="with a cache"))
left.set(xlabel=cl.L(zh="第几个新词元", en="new token"),
         ylabel=cl.L(zh="送进模型的词元", en="tokens through the model"))
left.legend(frameon=False)
lengths, seconds = (32, 128, 256, 512), cl.generation.pass_seconds
slow = [1000 * seconds(net, 0, n + 1) for n in lengths]
quick = [1000 * seconds(net, n, 1) for n in lengths]
for times, colour in ((slow, "#ee7733"), (quick, "#4477aa")):
    right.plot(lengths, times, "-o", color=colour)
right.set(xlabel=cl.L(zh="已有多少词元", en="tokens so far"), ylim=(0, None),
          ylabel=cl.L(zh="再写一个，毫秒", en="ms for one more"))
plt.show()

# %% zh [md]
r"""
写出的一字不差，送进模型的词元差 29 倍。左图是这 50 步的时间线：第一步两种都要读完提示，之后有缓存的每步只读一个。右图是 CPU 上的时间：没有缓存（橙色），前面越长，再写一个越慢；有缓存（蓝色），几乎是平的。
缓存要占内存：K 和 V 各一份，30 层，3 组键值，每个 64 个数，`float32` 每个数 4 字节，一个词元要 2 × 30 × 3 × 64 × 4 = 46080 字节；8192 个词元就要 377 MB，而 SmolLM2 的全部权重（`float32`）是 538 MB。分组的键值（3.9 节）省的就是这个。

## 7.5 先打草稿，再一起核对

有了缓存，每步只算一个词元，可是那一步仍要把全部权重从内存里读一遍。多核对几个词元，权重还是只读一遍；如果读权重最费时间，一次就多花不了多少（后面量）。于是：先用一个**便宜的办法**猜出后面 n 个词元（草稿），再让大模型**一次**读完这 n 个，逐个核对，第一个不对的地方改掉，后面的扔掉。这叫**推测解码**（speculative decoding，[Leviathan 等 2023](https://arxiv.org/abs/2211.17192)）。

抽样时怎样核对，才能让写出的分布和大模型自己写的**完全一样**？设大模型给 p，草稿给 q。草稿里的 x 以概率 $\min(1, p(x)/q(x))$ 接受；拒绝的话，从 $\max(p-q, 0)$（归一化以后）里重新抽一个。

## 练习 5 · 接受还是拒绝

写 `speculative_accept(p, q, draft, u)`：`p` 形状 [n+1,V]，大模型的概率；`q` 形状 [n,V]，草稿的概率；`draft` 是 n 个草稿编号；`u` 是 n 个 [0, 1) 里的数。依次看：u[i] < p[i, draft[i]] / q[i, draft[i]] 就接受，第一次拒绝就结束。
返回（接受的个数，下一个词元的分布 [V]）：第 i 个被拒绝时，是 max(p[i] − q[i], 0) 除以它的和；全部接受时，是 p 的最后一行；n 为 0 得 (0, p[0])。
例：p 的三行是 [0.5, 0.5, 0]、[0.2, 0.3, 0.5]、[0, 0, 1]，q 的两行是 [0.6, 0.3, 0.1]、[0.7, 0.2, 0.1]，`draft` 是 [1, 0]，u 是 [0.9, 0.4]：第一个 0.9 < 0.5/0.3，接受；第二个 0.4 > 0.2/0.7，拒绝。得 (1, [0, 0.2, 0.8])。
"""
# %% en [md]
r"""
The text is the same, letter for letter, and without a cache 29 times as many tokens pass through the model. On the left is the timeline of these 50 steps: at the first both must read the prompt; after that, the one with a cache reads one token a step. On the right is the time on a CPU: without a cache (orange), one more token takes longer the more there is before it; with a cache (blue) the line is nearly flat.
The cache takes memory: K and V, 30 blocks, 3 sets of keys and values, 64 numbers each, 4 bytes a number in `float32`: a token takes 2 × 30 × 3 × 64 × 4 = 46080 bytes; 8192 tokens take 377 MB, while all weights of SmolLM2 in `float32` take 538 MB. This is what grouped keys and values (section 3.9) save.

## 7.5 Draft first, then check in one go

With a cache a step computes one token, but it must still read all weights from memory. To check several tokens the weights are read once as well; where reading them takes most of the time, a pass should take little longer (measured below). So: let some **cheap method** guess the next n tokens (the draft), let the large model read these n **in one pass** and check them one by one; correct the first one that is wrong and throw away what follows it. This is **speculative decoding** ([Leviathan et al. 2023](https://arxiv.org/abs/2211.17192)).

In sampling, how must one check so that the text has **exactly** the distribution that the large model alone would give? Let p be the large model's probabilities, q the draft's. A drafted x is accepted with probability $\min(1, p(x)/q(x))$; after a refusal a new token is drawn from $\max(p-q, 0)$, normalised.

## Exercise 5 · Accept or refuse

Write `speculative_accept(p, q, draft, u)`: `p` has shape [n+1,V], the large model's probabilities; `q` has shape [n,V], the draft's; `draft` holds the n drafted ids; `u` holds n numbers in [0, 1). In order: token i is accepted if u[i] < p[i, draft[i]] / q[i, draft[i]], and the first refusal ends it.
Return (how many were accepted, the distribution [V] of the next token): after a refusal at i it is max(p[i] − q[i], 0) divided by its sum; if all were accepted, the last row of p; n = 0 gives (0, p[0]).
Example: the three rows of p are [0.5, 0.5, 0], [0.2, 0.3, 0.5] and [0, 0, 1], the two of q [0.6, 0.3, 0.1] and [0.7, 0.2, 0.1], `draft` is [1, 0] and u is [0.9, 0.4]: first 0.9 < 0.5/0.3, accepted; then 0.4 > 0.2/0.7, refused. The result is (1, [0, 0.2, 0.8]).
"""
# %% exercise id="decode.speculative_accept"
...
# %%
cl.check("decode.speculative_accept")
speculative_accept = cl.use("decode.speculative_accept")
p = torch.tensor([[0.5, 0.3, 0.15, 0.05]] * 2)      # (n + 1, V): the large model
q = torch.tensor([[0.1, 0.4, 0.2, 0.3]])            # (n, V): the draft

def first_token(accept):                            # its exact distribution, (V,)
    share, grid = torch.zeros(4), (torch.arange(1000) + 0.5) / 1000
    for drafted in range(4):
        for u in grid:
            kept, rest = accept(p, q, torch.tensor([drafted]), u[None])
            follows = torch.eye(4)[drafted] if kept else rest
            share += q[0, drafted] / 1000 * follows
    return share

# %%
def always(p, q, draft, u):                         # broken: no check at all
    return len(draft), p[-1]

def from_p(p, q, draft, u):                         # broken: after a refusal, p again
    kept, rest = speculative_accept(p, q, draft, u)
    return kept, rest if kept == len(draft) else p[kept]

laws = {cl.L(zh="大模型 p", en="the large model, p"): p[0],
        cl.L(zh="推测解码", en="speculative"): first_token(speculative_accept),
        cl.L(zh="弄坏一：全部接受", en="broken: accept all"): first_token(always),
        cl.L(zh="弄坏二：拒绝后从 p 抽", en="broken: then from p"): first_token(from_p)}
rows = [(name, *(f"{x:.3f}" for x in [*law, (law - p[0]).abs().max()]))
        for name, law in laws.items()]
cl.viz.table(rows, ["", *"ABCD", cl.L(zh="最大的差", en="largest gap")], right=range(1, 6))

# %% zh [md]
r"""
四个词元，对每个草稿、每个 u 都算一遍，不是抽样：推测解码的分布和 p **一样**，差只来自把 u 分成一千格。全部接受，得到的是草稿的分布；拒绝以后从 p 再抽，看上去合理，却偏了 0.2。

草稿从哪里来？可以是一个更小的模型，也可以更省事：**查提示**（prompt lookup）。看最后两个词元以前在哪里出现过，把当时后面的照抄过来；抄错了，核对时会改掉。q 于是把全部概率放在抄来的那个词元上。
下面的循环一次最多猜 4 个，用贪心（p 也把全部概率放在最可能的一个上），所以写出的必须和 `write` **一字不差**。试两个任务：接着讲故事；把一段话（岛上渡船的时刻）原样再写一遍。最后一格量时间，算出什么时候划算。
"""
# %% en [md]
r"""
Four tokens, computed for every draft and every u, not sampled: the distribution of speculative decoding **is** p, up to what comes from cutting u into a thousand cells. Accepting all gives the draft's distribution; drawing from p after a refusal looks reasonable and is off by 0.2.

Where does a draft come from? A smaller model can make it, or something cheaper: **prompt lookup**. See where the last two tokens occurred before and copy what followed them then; whatever is wrong gets corrected in the check. So q puts all its probability on the copied token.
The loop below drafts at most 4 at a time and is greedy (p, too, puts all its probability on the likeliest), so that its text must be **the same** as that of `write`. There are two tasks: go on with a story; and write a paragraph once more as it stands. The last cell measures times and computes when it pays.
"""
# %%
from torch.nn.functional import one_hot
def lookup(ids, n):                                 # what followed the last two before
    for i in reversed(range(len(ids) - 2)):
        if ids[i:i + 2] == ids[-2:]:
            return ids[i + 2:i + 2 + n]
    return []

note = "The ferry to the island leaves at nine and comes back at five. On Sundays "
note += "it does not run, and in winter it leaves an hour later.\n"
jobs = {cl.L(zh="讲故事", en="story"): "The old man opened the door and saw a small",
        cl.L(zh="原样再写一遍", en="copy"): note + "The same text once more:\nThe ferry to the"}
cl.guess("decode.speculative",
         cl.L(zh="每次猜 4 个，写 40 个。“原样再写一遍”要几次前向传播？", en="4 drafted at a time, 40 written: how many passes for “copy”?"))

# %% rows="R45"
@torch.inference_mode()
def speculate(ids, new, n):                         # greedy -> ids, accepted a pass
    ids, goal, lane, cache = list(ids), len(ids) + new, [], net.new_cache()
    while len(ids) < goal:
        draft = torch.tensor(lookup(ids, n), dtype=torch.long)
        fresh = ids[cache[0].own.length:] + draft.tolist()
        logits = net(torch.tensor([fresh], device=smol.device), cache=cache)[0].cpu()
        p = one_hot(logits[-len(draft) - 1:].argmax(-1), logits.shape[-1]).float()
        q = one_hot(draft, logits.shape[-1]).float()
        kept, rest = speculative_accept(p, q, draft, torch.rand(len(draft)))
        ids += [*draft[:kept].tolist(), int(rest.argmax())]
        lane.append(kept)
        for layer in cache:
            layer.own.crop(len(ids) - 1)            # forget what was refused
    return ids[:goal], lane

# %% rows="R45"
def copier(ids):                                    # lookup as a model: (1, T, V)
    token = torch.tensor(lookup(ids[0].tolist(), 1) or [0]).expand_as(ids)
    return one_hot(token, smol.model.config.vocab_size).float()

for job, prompt in jobs.items():
    ids = smol.tokenizer(prompt).input_ids
    drafted, lane = speculate(ids, 40, n=4)
    marks = [mark for kept in lane for mark in [True] * kept + [False]]     # copied?
    tokens = [smol.tokenizer.decode([token]) for token in drafted[len(ids):]]
    display(cl.viz.chips(tokens, marks[:40]))
    slowly = write(ids, 40, cached=True)[0]
    library = cl.generate(net, [ids], 40, draft=cl.Draft(copier))[0].tolist()
    print(job, len(lane), cl.L(zh="次前向传播；三种写法一样：", en="passes; all three agree:"),
          drafted == slowly == library)
cl.guess.result("decode.speculative", len(lane), tolerance=3)

# %% timing
drafts = (0, 1, 2, 4, 8, 16)
cost = [cl.generation.pass_seconds(net, 100, n + 1, repeats=7) for n in drafts]
print("n", *drafts, "·", *(f"{1000 * seconds:.0f}" for seconds in cost), "ms")
for alpha in (0.2, 0.5, 0.8, 0.95):
    written = [(1 - alpha ** (n + 1)) / (1 - alpha) for n in drafts]
    speed = [count * cost[0] / seconds for count, seconds in zip(written, cost)]
    plt.plot(drafts, speed, "-o", label=f"α = {alpha}")
plt.axhline(1, color="#888888", linestyle=":")
plt.gcf().set_size_inches(7, 2.8)
plt.xlabel(cl.L(zh="每次猜几个，n", en="drafted a pass, n"))
plt.ylabel(cl.L(zh="快几倍", en="times as fast"))
plt.legend(frameon=False)
plt.show()

# %% zh [md]
r"""
先看两段文字：橙色的是抄来并且核对通过的，空白的是大模型自己写的。讲故事几乎抄不到，40 个词元要 38 次前向传播；原样再写一遍只要 16 次，一次平均写出两个半。（SmolLM2 抄到一半走了样，那里的草稿就被拒绝：写什么由大模型说了算。）写出的都和一个一个写的一样，课程库的 `cl.generate(…, draft=…)` 写出的也一样，它还能抽样。

再看时间：一次前向传播读 1 到 17 个词元，各要多少毫秒，打印在图的上面，每台机器不同。每次猜 n 个，每个独立地以概率 α 被接受，平均写出 $1+\alpha+\dots+\alpha^n=\frac{1-\alpha^{n+1}}{1-\alpha}$ 个；除以时间，就是图里的倍数。虚线是不用推测解码时的速度。α 是 0.2 时，猜得再多，一次平均也写不到 1.25 个，几乎没有赚头，还可能更慢；α 大，才值得多猜。α 不够大而 n 太大，曲线又往下走：后面的草稿很少轮得到，读它们却要时间。（这里草稿不花时间；用小模型打草稿，还要加上它的时间。α 相同、互相独立是简化：真实的文字里，猜对的常常连成一串，像上面的橙色。）
**什么时候划算**：草稿常猜对，而且一次多读几个词元不比读一个慢多少。改写、摘录、补全代码，后面的话多半在提示里出现过，就是这样。

## 7.6 写诗，写评论，写新闻

几份讲义都列了一长串大模型能写的东西：小说、诗歌、剧本、歌词、新闻、短帖。写得怎样，要有东西来比。

`zh-verse` 只有 78 万参数，读过八万多首唐宋的绝句和律诗。给它体裁和题目，它就写出整首诗。绝句四句，律诗八句，每句五字或七字。写得像不像，有两条规矩可以数：

- **押韵**：第 2、4、6、8 句的末字同韵。古人的读音和今天不同，所以查《平水韵》（十三世纪编定的韵书），不查普通话。
- **平仄**：一句里第 2、4（、6）字的声调要平、仄相间。平是平声，仄是上、去、入三声。

改改题目和体裁，看它写。每句右边先写末字的韵部，再写平仄：○ 平，● 仄，◐ 两读。
"""
# %% en [md]
r"""
First the two texts: orange tokens were copied and passed the check; the large model wrote the others itself. For the story hardly anything could be copied, and 40 tokens take 38 passes; the copy takes 16, two and a half tokens a pass. (Halfway SmolLM2 strays from the text it should copy, and there the draft is refused: the large model has the last word.) Both texts are what one token at a time gives, and what the library's `cl.generate(…, draft=…)` writes, which can sample, too.

Then the time: how many milliseconds a pass takes that reads 1 to 17 tokens is printed above the picture, and differs by machine. With n drafted tokens, each accepted with probability α and independently, a pass writes $1+\alpha+\dots+\alpha^n=\frac{1-\alpha^{n+1}}{1-\alpha}$ tokens on average; divided by the time, this gives the factors in the picture. The dotted line is decoding without speculation. At α = 0.2 a pass writes less than 1.25 tokens on average, however many are drafted, so there is hardly anything to gain, and it may well be slower; a large α makes it worth while to draft more. Unless α is very large, too large an n makes the curves fall again: the last drafts are seldom reached, but reading them takes time. (The draft costs nothing here; where a small model makes it, its time has to be added. One α for all tokens, independent of each other, is a simplification: in real text accepted tokens come in runs, like the orange ones above.)
**It pays** where the draft is often right and reading a few tokens more costs little more than reading one: when rewriting, quoting, or completing code, where most of what follows has already stood in the prompt.

## 7.6 Poems, reviews, news

The handouts have long lists of what large models write: novels, poems, plays, lyrics, news, posts. To say how well, something to compare with is needed.

`zh-verse` has only 780 thousand parameters and has read more than 80 thousand regulated poems of the Tang and Song dynasties. Given a form and a title it writes a poem. A 绝 (quatrain) has four lines and a 律 eight, of five (五) or seven (七) characters each. Two of the rules can be counted:

- **Rhyme**: lines 2, 4, 6 and 8 end in one rhyme. The sounds of that time are not those of today, so the rhymes are looked up in the Pingshui rhyme book (settled in the thirteenth century), not in Mandarin.
- **Tone**: within a line, characters 2 and 4 (and 6) alternate between level and oblique. Of the four tones of Middle Chinese one is level (平), the other three are oblique (仄).

Change the form and the title (秋夜 is “autumn night”, 梅花 “plum blossom”, 电车 “tram”) and watch it write. To the right of each line stand the rhyme of its last character and the tones: ○ level, ● oblique, ◐ read both ways.
"""
# %% rows="R63"
verse, verse_tokenizer = cl.models.port("zh-verse"), cl.load("zh-verse").tokenizer
def compose(prompts, seed):                         # -> the lines of each poem
    ids, end = verse_tokenizer(prompts).input_ids, verse_tokenizer.eos_token_id
    rule = cl.Sample(top_p=0.9, seed=seed)
    rows = cl.generate(verse, ids, 80, rule, eos_id=end, pad_id=end)
    new = rows[:, max(map(len, ids)):]
    texts = verse_tokenizer.batch_decode(new, skip_special_tokens=True)
    return [text.replace("，", "。").strip("。").split("。") for text in texts]

def poem(form, title, seed):
    lines = compose([f"<{form}>{title}："], seed)[0]
    rows = [(line, cl.text.rhyme(line[-1:]), cl.text.tones(line)) for line in lines]
    return cl.viz.table(rows, cl.L(zh=["", "末字的韵", "平仄"], en=["", "rhyme", "tones"]))
cl.viz.explore(poem, form=["五绝", "七绝", "五律", "七律"], title="秋夜", seed=(0, 50, 0))

# %%
def controls(real, others, chance):                 # two kinds of lines to compare with
    n, size = len(real.lines), len(real.lines[0])
    borrowed = [chance.choice(others).lines[i] for i in range(n)]
    mixed = "".join(chance.sample("".join(real.lines), n * size))
    return borrowed, [mixed[i:i + size] for i in range(0, n * size, size)]

cl.guess("decode.rhyme",
         cl.L(zh="200 个题目，真诗一首，zh-verse 一首。zh-verse 的有几首押韵？",
              en="200 titles, a real poem and its own for each: how many of its own rhyme?"))

# %% rows="R63"
def against_real():                                 # titles of 200 unseen poems
    corpus, chance = cl.text.poems(), random.Random(0)
    known = {line for real in corpus.train for line in real.lines}
    chosen = chance.sample([real for real in corpus.test if real.title], 200)
    written = compose([f"<{real.form}>{real.title}：" for real in chosen], 0)
    def marks(lines):                               # rhymes? tones right? copied?
        shares = [sum(test(line) for line in lines) / len(lines)
                  for test in (cl.text.alternates, known.__contains__)]
        return [cl.text.rhymes(lines), *shares]
    kinds = []
    for real, ours in zip(chosen, written):
        others = [poem for poem in corpus.test if poem.form == real.form]
        kinds.append([real.lines, ours, *controls(real, others, chance)])
    return [[marks(lines) for lines in kind] for kind in kinds]

# %% rows="R63"
measured, rows = cl.results.stored("07_verse", against_real), []
kinds = cl.L(zh=["真诗", "zh-verse", "别的真诗里的句子", "真诗的字打乱"],
             en=["real", "zh-verse", "lines of other poems", "characters shuffled"])
for i, kind in enumerate(kinds):
    rhyme, tone, copied = zip(*(marks[i] for marks in measured))
    gap = cl.metrics.difference(tone, [marks[0][1] for marks in measured])
    rows.append((kind, cl.metrics.share(rhyme), f"{sum(tone) / 200:.2f}", gap,
                 f"{sum(copied) / 200:.1%}"))
header = cl.L(zh=["", "押韵", "合平仄的句子", "减去真诗", "训练集里有的句子"],
              en=["", "rhymed", "tones right", "minus real", "lines in the training set"])
display(cl.viz.table(rows, header, right=(1, 2, 3, 4)))
rhymed = sum(marks[1][0] for marks in measured)
cl.guess.result("decode.rhyme", rhymed, tolerance=10)

# %% zh [md]
r"""
先看尺子：真诗也只有近九成押韵（也许是不严守规矩的古体、借用邻近的韵，或者韵书里查不到的字，这里没有分开数），这是上限。底线有两条：从别的真诗里借句子来拼，末字都是诗里的末字，碰巧押韵的只有 4.5%；把真诗的字打乱，是 1%。`zh-verse` 是 **64%**，离上限还远，离底线更远。平仄上它和真诗差不多：合平仄的句子约九成，差的区间含 0；打乱的只有四成。它没有抄训练集里的句子；真诗反倒有 4% 的句子训练集里也有。
没有人告诉过它什么叫韵、什么叫声调，一个字的读音也没有给过：这些规律都藏在字和字怎样搭配里。至于意思：题目换成“电车”再看看。（这里量的是两条规矩，诗好不好量不出来。200 首，只抽了一次。）

### 同一个开头，一褒一贬

`zh-gpt` 训练时，每条好评前面都放了 `<pos>`，差评前面放了 `<neg>`，新闻前面放了 `<news>`（[Keskar 等 2019](https://arxiv.org/abs/1909.05858)）。写的时候给哪个记号，它就该写哪一种。真的吗？要一个**没参与写作的裁判**：第 8 章会细讲的办法，`zh-bert` 的向量上加一个线性分类器，用 1000 条训练评论的标签学会分好评和差评。
先量裁判在真评论上准不准，再让它判 `zh-gpt` 写的：三种记号（`<pos>`、`<neg>`、没有），五个开头，各抽 20 次。

SmolLM2 是听指令的模型，不用记号，用一句话说体裁就行：故事、诗、剧本、歌词、新闻、短帖（都是英文，都关于一只猫和一艘船）。
"""
# %% en [md]
r"""
First the ruler: of the real poems, too, not quite nine in ten rhyme by it (perhaps because of older, freer verse, borrowed neighbouring rhymes, or characters that the book lacks; these were not counted apart); that is the ceiling. There are two floors: poems put together from lines of other real poems, whose last characters are those of real lines, rhyme by chance in 4.5 %; real poems with their characters shuffled in 1 %. `zh-verse` has **64 %**: well below the ceiling, far above both floors. In tone it is about as good as the real poems: nine lines in ten are right, the interval of the difference includes 0; shuffled, it is four in ten. It copied no line from the training set, where 4 % of the real poems' own lines are found.
Nobody told it what a rhyme or a tone is, or how a single character sounds: all that lies in which characters go together. As to sense: try “电车”, *tram*, as the title. (Measured here are two rules; how good a poem is they do not say. 200 poems, drawn once.)

### One opening, two moods

In `zh-gpt`'s training every praising review began with `<pos>`, every complaining one with `<neg>`, every piece of news with `<news>` ([Keskar et al. 2019](https://arxiv.org/abs/1909.05858)). It should write what the token asks for. Does it? That takes a **judge that had no part in the writing**: in a way that chapter 8 explains, a linear classifier on `zh-bert`'s vectors learns from the labels of 1000 training reviews to tell praise from complaint.
First the judge is measured on real reviews. Then it judges what `zh-gpt` writes: three tokens (`<pos>`, `<neg>`, none), five openings (“the hotel's room”, “this book”, “after I bought it I found”, “the service”, “on the whole”), 20 draws each.

SmolLM2 follows instructions and needs no token: a sentence says which form is wanted, a story, a poem, a play, a song, news, a post (all about a cat and a boat).
"""
# %% rows="R63"
from course_lib.training.classify import head, right
judge = head(random.Random(0).sample(cl.text.reviews().train, 1000))
print(cl.L(zh="裁判在没见过的真评论上：", en="the judge, on unseen real reviews:"),
      cl.metrics.tally(right(judge, reviews)))

OPENINGS = "酒店的房间", "这本书", "买回来以后发现", "服务", "总的来说"
def write_reviews(mood):                            # 5 openings x 20 draws
    ids = [zh_tokenizer(mood + opening).input_ids for opening in OPENINGS * 20]
    rule = cl.Sample(top_p=0.9, seed=0)
    rows = cl.generate(gpt, ids, 60, rule, eos_id=end, pad_id=end)
    return zh_tokenizer.batch_decode(rows, skip_special_tokens=True)

written = {mood: write_reviews(mood) for mood in ("<pos>", "<neg>", "")}
for label, kind in enumerate(cl.L(zh=["真差评", "真好评"], en=["real complaints", "real praise"])):
    written[kind] = [review.text for review in reviews if review.label == label][:100]

# %% rows="R63"
rows = []
for mood, texts in written.items():
    praised = right(judge, [cl.text.Review(text, 1) for text in texts])
    scores = [cl.text.mood(text).score for text in texts]
    by_words = [value > 0 for value in scores if value]
    rows.append((mood or "–", cl.metrics.tally(praised), cl.metrics.tally(by_words),
                 texts[1][:30]))
header = cl.L(zh=["记号", "裁判说是好评", "好话多于坏话", "第二篇的开头"],
              en=["token", "judged praise", "more words of praise", "the second begins"])
display(cl.viz.table(rows, header))
print(write_reviews("<news>")[2][:60])

# %% rows="R63"
table = cl.text.tables.table("forms")               # "a poem", "a play" ...
forms = [row["en"] for row in table]
prompts = [smol.tokenizer.apply_chat_template(
    [{"role": "user", "content": f"Write {form} about a cat and a boat."}],
    add_generation_prompt=True, tokenize=False) for form in forms]
ids = [smol.tokenizer(prompt).input_ids for prompt in prompts]
rule = cl.Sample(0.7, top_p=0.9, seed=0)
rows = cl.generate(net, ids, 50, rule, eos_id=end_of_turn, pad_id=end_of_turn)
new = rows[:, max(map(len, ids)):]
texts = smol.tokenizer.batch_decode(new, skip_special_tokens=True)
cl.viz.table(zip([row[cl.L(zh="zh", en="en")] for row in table], texts))

# %% zh [md]
r"""
给 `<pos>`，裁判说八成是好评；给 `<neg>`，不到三成；不给记号，居中。对照在最后两行：裁判说真好评里七成是好评，真差评里一成，所以它两头都会看错，上面的数要和这两个比着读。数好话和坏话（打平的不算），次序一样。给 `<news>`，连“买回来以后发现”也写成了新闻腔。
两种量法都不完全独立于写作的模型：裁判学的标签和 `zh-gpt` 学的出自同一批训练评论，`zh-bert` 还学过那张好话坏话的表。（区间把 5 个开头 × 20 次当作 100 篇互不相干的文字，偏窄。）能说的是：**改一个记号，褒贬就变了**，参数一个没动。通不通顺是另一回事，读读右边那一列。

SmolLM2 的六种体裁里，诗分了行，新闻和短帖开口先说“这是一篇……”，剧本里没有人说话，歌词不像歌词。写哪一种，它听懂了一些；写得像不像，要看体裁。各只写了一篇，只能说明会这样，不能说明多常这样。

## 7.7 写代码，并且运行它

代码有一个别的文字没有的好处：对不对，**运行一下就知道**。十个小函数，每个给函数名和一句说明，写到 `return` 为止，SmolLM2 接着写完这一行，各写十份，用断言（assert）来考。
十份里有 c 份对，怎样报成绩？常用 **pass@k**：抽 k 份，至少有一份对的概率。

## 练习 6 · pass@k

写 `pass_at_k(n, c, k)`：n 份里 c 份对，不放回地抽 k 份，至少一份对的概率（[Chen 等 2021](https://arxiv.org/abs/2107.03374)），不是 $1-(1-c/n)^k$。n 上千也要精确；c 为 0 得 0；n − c < k 得 1；c < 0、c > n、k < 1、k > n 抛出 `ValueError`。
例：n 为 5、c 为 2、k 为 2：抽到的两份都错的概率是 3/10，得 0.7。

模型写的程序不能直接在你的内核里跑：可能死循环，可能占满内存，可能删文件。`cl.generation.run_apart` 在**另一个进程**里跑：限时 2 秒，限内存（在 Linux 上），不许联网，不许写文件，不许再开进程。先用五个故意使坏的程序试它。（这挡得住写坏的程序，挡不住存心攻击的人；那要用容器或虚拟机。）
"""
# %% en [md]
r"""
With `<pos>` the judge calls eight in ten praise, with `<neg>` fewer than three, without a token about half. The control is in the last two lines: of real praise the judge calls seven in ten praise, of real complaints one in ten. It errs both ways, and the lines above should be read against these two. Counting words of praise and complaint (ties left out) gives the same order. With `<news>`, even “after I bought it I found” goes on in a newspaper's voice.
Neither measure is independent of the writer: the judge's labels come from the training reviews that `zh-gpt` learnt from, and `zh-bert` was also taught the list of mood words. (The intervals take 5 openings × 20 draws as 100 unrelated texts and are too narrow.) What can be said: **changing one token changes the mood**; no parameter was touched. Fluency is another matter, as those who read Chinese see in the last column.

Of SmolLM2's six forms, the poem has lines; the news report and the post begin by announcing themselves (“Here's a …”); in the play nobody speaks, and the song is not one. It understands in part what is asked for; whether the text looks like it depends on the form. One text each shows that it can happen, not how often.

## 7.7 Write code, and run it

Code has an advantage over other text: whether it is right **shows when it runs**. There are ten small functions, each with its name, one sentence, and the word `return`; SmolLM2 finishes the line, ten times each, and assertions examine it.
If c of the ten are right, what is the score? The usual one is **pass@k**: the probability that of k samples at least one is right.

## Exercise 6 · pass@k

Write `pass_at_k(n, c, k)`: of n samples c are right; return the probability that k of them, drawn without replacement, hold at least one right one ([Chen et al. 2021](https://arxiv.org/abs/2107.03374)), not $1-(1-c/n)^k$. It must be exact for n in the thousands, too; c = 0 gives 0; n − c < k gives 1; c < 0, c > n, k < 1 or k > n raises `ValueError`.
Example: with n = 5, c = 2 and k = 2 both drawn are wrong with probability 3/10, which gives 0.7.

A program that a model wrote must not run in your own kernel: it may never end, fill the memory, or delete files. `cl.generation.run_apart` runs it in **another process**, with 2 seconds, limited memory (on Linux), no network, no writing of files, no further processes. Five programs that misbehave on purpose try it first. (This stops broken programs, not somebody who attacks; that takes a container or a virtual machine.)
"""
# %% exercise id="decode.pass_at_k"
...
# %% rows="R70"
cl.check("decode.pass_at_k")
pass_at_k = cl.use("decode.pass_at_k")
tasks = cl.text.tables.table("functions")           # ten: call, doc, answer, test
def heading(task):                                  # what the model goes on from
    return f'def {task["call"]}:\n    """{task["doc"]}"""\n    return'

programs = {
    cl.L(zh="死循环", en="never ends"): "while True: pass",
    cl.L(zh="占满内存", en="fills the memory"): "x = [0] * 10 ** 10",
    cl.L(zh="联网", en="opens the network"): "import socket; socket.socket()",
    cl.L(zh="写文件", en="writes a file"): "open('here.txt', 'w')",
    cl.L(zh="再开进程", en="starts a process"): "import os; os.system('true')",
    "1 + 1 == 2": "assert 1 + 1 == 2", "1 + 1 == 3": "assert 1 + 1 == 3"}
for what, program in programs.items():
    print(what, "→", cl.generation.run_apart(program))

# %% rows="R70"
@functools.cache
def verdict(i, text):                               # "ok", or what went wrong
    name = tasks[i]["call"].split("(")[0]
    test = f"\nf = {name}\nassert {tasks[i]['test']}\n"
    return cl.generation.run_apart(heading(tasks[i]) + text + test)

answers = {text: [text] * 10 for text in ("None", "True", "1")}
answers[cl.L(zh="参考答案", en="the reference")] = [task["answer"] for task in tasks]
for who, texts in answers.items():
    results = [verdict(i, f" {text}") for i, text in enumerate(texts)]
    print(who, "→", results.count("ok"), "/ 10")
print(heading(tasks[0]))

# %% rows="R30 R70"
def lines(task, shots, seed):                       # 10 answers after `shots` examples
    others = [other for other in tasks if other is not task]
    solved = "".join(f"{heading(shown)} {shown['answer']}\n\n\n"
                     for shown in random.Random(seed).sample(others, shots))
    ids = smol.tokenizer(solved + heading(task)).input_ids
    rows = cl.generate(net, [ids] * 10, 32, cl.Sample(0.6, top_p=0.95, seed=seed),
                       eos_id=end_of_turn, pad_id=end_of_turn, stop=["\n"],
                       decode=smol.tokenizer.decode)[:, len(ids):]
    texts = smol.tokenizer.batch_decode(rows, skip_special_tokens=True)
    return [text.split("\n")[0] for text in texts]
def sampled():                                      # shots -> 10 bodies a task
    return {shots: [lines(task, shots, i) for i, task in enumerate(tasks)]
            for shots in (0, 1, 2, 4, 8)}
cl.guess("decode.code",
         cl.L(zh="十个函数各写十份，提示里没有例子。100 份里对几份？", en="Ten functions, ten samples each, no examples: how many of 100 are right?"))

# %% rows="R70"
answers = cl.results.stored("07_functions", sampled)
verdicts = {shots: [[verdict(i, text) for text in texts]
                    for i, texts in enumerate(some)] for shots, some in answers.items()}
rows = []
for i, found in enumerate(verdicts["0"]):           # a kept result has text as keys
    c, most = found.count("ok"), max(found, key=found.count)
    scores = [f"{pass_at_k(10, c, k):.2f}" for k in (1, 5)]
    example = answers["0"][i][found.index(most)]
    rows.append((tasks[i]["call"], c, *scores, most, example))
header = cl.L(zh=["函数", "十份里对的", "pass@1", "pass@5", "最多的结果", "例如"],
              en=["function", "right of 10", "pass@1", "pass@5", "commonest", "such as"])
cl.viz.table(rows, header, right=(1, 2, 3))

# %% rows="R30 R70"
rows, base = [], [pass_at_k(10, found.count("ok"), 1) for found in verdicts["0"]]
for shots, results in verdicts.items():
    counts = [found.count("ok") for found in results]
    one, five = ([pass_at_k(10, c, k) for c in counts] for k in (1, 5))
    low, high = cl.metrics.bootstrap(one)
    rows.append((shots, f"{sum(one) / 10:.2f} ({low:.2f}–{high:.2f})",
                 f"{sum(five) / 10:.2f}", cl.metrics.difference(one, base)))
header = cl.L(zh=["例子", "pass@1（95% 区间）", "pass@5", "pass@1 的变化"],
              en=["examples", "pass@1 (95 %)", "pass@5", "change of pass@1"])
display(cl.viz.table(rows, header, right=(0, 1, 2, 3)))
cl.guess.result("decode.code", round(100 * sum(base) / 10), tolerance=10)

# %% zh [md]
r"""
先考一考考题：什么都返回 `None`、`True` 或 1，一道也通不过；参考答案十道全过。这还不够，判过的答案也要读。把不同的答案读下来，就会想到：`longest` 的断言如果只比 `["a", "abc", "ab"]`，`max(words)` 取的是字母表上最靠后的词，也能通过。所以断言里放了一个 `"z"`。同样，`is_palindrome` 的断言里有大写字母。判为对的答案，去掉重复的，每一份都读过，没有误判的。

100 份里对 39 份，分布很不均匀：`is_even`、`largest` 十份全对，`count_vowels`、`factorial`、`unique`、`longest` 一份也不对，多半不是语法错，是答案错。pass@1 是 0.39，pass@5 是 0.53（照定义不会更低，高出多少才是结果）：答案能检验的时候，多抽几份就有用。
第二张表就是 GPT-3 那篇论文的题目，**少样本**（few-shot，[Brown 等 2020](https://arxiv.org/abs/2005.14165)）：提示里放几个写好的函数，参数一个不改。GPT-3 的权重不公开，这里由 SmolLM2 代替。结果让人失望：没有一种个数比不放例子好。放一个例子的区间还在 0 以下，另外三个都含 0。十个函数太少，区间很宽，小的帮助量不出来；例子取自另外九个函数，每种个数也只抽了一次。

## 7.8 不从左往右，也能写

自回归模型一个接一个往右写，只因为训练时就是这样分解的。填空模型没有方向：把整句都盖上，一次揭开几个，揭到没有为止。这就是**掩码扩散**（masked diffusion）语言模型的写法（[Nie 等 2025](https://arxiv.org/abs/2502.09992)）；`zh-bert` 不是为此训练的：它填空时，每六七个字只盖住一个。看看它能写成什么样。

三种次序：从左往右；随机；**先揭最有把握的**。再试一次揭开几个：一次揭开的几个互相看不见，容易接不上。拖动“步骤”，看一句话怎样长出来。
"""
# %% en [md]
r"""
The tests were tested first: returning `None`, `True` or 1 throughout passes none of the tasks; the reference passes all ten. That is not enough: graded answers must be read, too. Whoever reads them sees that with `["a", "abc", "ab"]` alone the test of `longest` would also pass `max(words)`, which gives the last word of the alphabet; this is why it has a `"z"`, and that of `is_palindrome` has capital letters. All the different answers graded as right were read; none was misjudged.

39 of 100 are right, very unevenly: `is_even` and `largest` in all ten, `count_vowels`, `factorial`, `unique` and `longest` never, and mostly the answer is wrong, not the syntax. pass@1 is 0.39 and pass@5 0.53 (by definition it cannot be lower; the result is how much higher it is): where answers can be checked, more samples help.
The second table is the subject of the GPT-3 paper, **few-shot** prompting ([Brown et al. 2020](https://arxiv.org/abs/2005.14165)): some finished functions in the prompt, and not one parameter changed. GPT-3's weights are not public; SmolLM2 stands in. The result is disappointing: no number of examples does better than none. With one example the interval of the change even lies below 0; the other three include it. Ten functions are few and the intervals wide, so that a small effect would not show; the examples come from the other nine functions and were drawn once for each number.

## 7.8 Writing in any order

An autoregressive model writes to the right, one after another, only because that is how training took the text apart. A model that fills gaps has no direction: cover the whole sentence and uncover a few characters at a time until none is covered. **Masked diffusion** language models write like this ([Nie et al. 2025](https://arxiv.org/abs/2502.09992)); `zh-bert` was not trained for it: when it learnt to fill gaps, one character in six or seven was covered. See how far it gets.

There are three orders: from the left; random; **the surest first**. Also try how many to uncover at a time: those uncovered together cannot see each other, and may not fit. Drag the step and watch a sentence grow (the opening 这家酒店 is “this hotel”).
"""
# %%
bert, MASK = cl.load("zh-bert"), 4                  # [MASK] is the last special token
@torch.inference_mode()
def unmask(begin, length, order, at_once):          # -> the ids after each step
    text, steps = begin[:40] + "[MASK]" * length, []
    ids = bert.tokenizer(text, return_tensors="pt").input_ids[0].to(bert.device)
    while (ids == MASK).any():
        steps.append(ids.clone())
        p, best = bert.model(ids[None]).logits[0].softmax(-1)[:, MASK + 1:].max(-1)
        places = (ids == MASK).nonzero()[:, 0].tolist()             # from the left
        if order == "random":
            random.Random(len(places)).shuffle(places)
        if order == "surest":
            places.sort(key=p.__getitem__, reverse=True)
        ids[places[:at_once]] = best[places[:at_once]] + MASK + 1
    return [*steps, ids]

# %%
FIRST = dict(zip(cl.L(zh=["最有把握的", "最左边的", "随机的"],
                       en=["the surest", "the leftmost", "a random one"]),
                  ("surest", "left", "random")))
def grown(text, first, at_once, step):
    steps = unmask(text, 12, FIRST[first], at_once)
    step = min(step, len(steps) - 1)
    now, before = steps[step], steps[max(step - 1, 0)]
    tokens = bert.tokenizer.convert_ids_to_tokens(now[1:-1].tolist())
    shown = ["▢" if token == bert.tokenizer.mask_token else token for token in tokens]
    return cl.viz.chips(shown, (now != before)[1:-1].tolist())

cl.viz.explore(grown, text="这家酒店", first=list(FIRST), at_once=(1, 12, 1),
               step=(0, 12, 4))

# %% zh [md]
r"""
“这家酒店”，每次先揭最有把握的一个，写成“不错，不错，服务也不错。”；把“一次揭几个”拖到 12，一步揭完，得到“的错，，，，，，，不错。”：每个位置各猜各的，合起来不成话。步数可以少于字数，这是扩散一类写法的长处；一次揭开的互相看不见，是代价。哪种次序写得更好，一个例子说明不了，这里没有量。

## 小结

- 模型给概率，**解码规则**选词元。温度改形状，top-k 和 top-p 去尾巴；`cl.Sample` 就是你写的三个旋钮加一次抽签。
- 束搜索找到的文字通常更可能，不保证；比长短不一的文字，要除以长度的 $\alpha$ 次方。
- 总选最可能的，写着写着会转圈，抽样几乎不会：自回归不保证一致和流畅。
- 键值缓存：同样的 logits，每步只读一个词元，代价是内存。
- 推测解码：分布一点不变；草稿常猜对、多读几个又不太贵时才划算。
- 写得怎样，要有尺子和对照：真诗和打乱的字，真评论上量过的裁判，跑得通的断言。

还想动手：把 7.5 节 `lookup` 的两个词元改成一个或三个，“原样再写一遍”各要几次前向传播？7.2 节的树里，把温度拖到 0.1，换几个种子：为什么抽样不总走贪心那条路？（看 7.1 节最长的两根条形）7.8 节里，一次揭几个开始不像话？
接下来：[第 8 章 微调](08_finetuning.ipynb)。
"""
# %% en [md]
r"""
With the surest character uncovered first, one at a time, “this hotel” goes on “is good, good, the service is good too.” Drag *At once* to 12, and the one step gives “的错，，，，，，，不错。”, a row of commas between two halves of “not bad”: every place guessed for itself, and together they are no sentence. Fewer steps than characters are possible, which is what speaks for this family; those uncovered together cannot see each other, and that is the price. Which order writes better, one example cannot say; it was not measured here.

## Summary

- The model gives probabilities, a **decoding rule** picks tokens. Temperature changes the shape, top-k and top-p cut the tail; `cl.Sample` is your three settings and one draw.
- What beam search finds is usually likelier, without a guarantee; to compare texts of unequal length, divide by the length to the power of $\alpha$.
- Always taking the likeliest goes in circles, sampling hardly ever does: autoregression does not ensure consistency or fluency.
- The KV cache: the same logits, one token read a step, paid for in memory.
- Speculative decoding changes nothing in the distribution, and pays only where the draft is often right and reading a few more tokens is cheap.
- To say how good a text is, you need a measure and a control: real poems and shuffled characters, a judge measured on real reviews, assertions that run.

To try: change the two tokens of `lookup` in 7.5 to one or three; how many passes does “copy” take? In the tree of 7.2 drag the temperature to 0.1 and try some seeds: why does sampling not always take the way of greedy? (look at the two longest bars of 7.1) In 7.8, at how many uncovered at once does the text stop making sense?
Next: [chapter 8, fine-tuning](08_finetuning.ipynb).
"""

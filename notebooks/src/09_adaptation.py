# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 9 · 适配：标签很少，参数很少

第一份讲义说，微调就是“用少量标注数据，端到端地训练”，也就是改动全部参数。大模型有几十亿参数，全练一遍，光是优化器的状态（Adam 为每个参数另存两个数）就可能装不进内存；每个任务存一份完整的模型，也太占地方。标签又常常只有几条。

这一章回答四个问题：

- 微调对参数的改动，真的要用那么多数才说得清吗？
- 只练千分之三的参数（LoRA），能不能和全部都练一样好？会不会少忘一点？
- 一个参数也不练，只给几个例子，能做到多少？
- 没有标签的评论能不能也用上？

你会写四个函数。任务有两个：第 8 章的评论，以及写给一家店铺的 120 封简短的英文来信。
"""
# %% en [md]
r"""
# 9 · Adaptation: few labels, few parameters

The first handout says that to fine-tune is to train “end to end on a little labelled data”, which changes all parameters. Large models have billions of them: the optimiser's state alone (Adam keeps two more numbers for each parameter) may not fit into memory, and a whole model for each task costs too much to store. And often there is only a handful of labels.

This chapter answers four questions:

- Does it really take so many numbers to describe what fine-tuning changes?
- Can training three parameters in a thousand (LoRA) do as well as training all? Does it forget less?
- With a few examples and no training at all, how far do you get?
- Can reviews without labels be of use, too?

You will write four functions. There are two tasks: the reviews of chapter 8, and 120 short letters to a shop, in English.
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% zh [md]
r"""
## 9.1 微调改了多少

先像第 8 章那样，用 500 条评论微调 `zh-bert` 的全部参数。每个权重矩阵都变了，变化记作 $\Delta W$。要描述它，需要多少个数？

**奇异值分解**（SVD）把任何矩阵写成一列小块之和：$\Delta W=\sum_i s_i u_i v_i^\top$，其中 $s_1\ge s_2\ge\dots\ge 0$，每一块 $u_i v_i^\top$ 是一个列向量乘一个行向量。只留前 $r$ 块，就是 $\Delta W$ 最好的**秩 $r$** 近似（误差的平方和最小）。256 × 256 的矩阵有 65,536 个数，$r$ 块只要 $512r$ 个。`zh-bert` 有四层，每层六个权重矩阵，一共 24 个。先看前六个的形状：
"""
# %% en [md]
r"""
## 9.1 How much does fine-tuning change?

As in chapter 8, fine-tune all parameters of `zh-bert` on 500 reviews. Every weight matrix has changed, by $\Delta W$. How many numbers does it take to describe that?

The **singular value decomposition** (SVD) writes any matrix as a sum of simple pieces, $\Delta W=\sum_i s_i u_i v_i^\top$ with $s_1\ge s_2\ge\dots\ge 0$, where each piece $u_i v_i^\top$ is a column vector times a row vector. The first $r$ pieces are the best approximation of $\Delta W$ of **rank $r$** (the one with the smallest sum of squared errors). A matrix of 256 × 256 holds 65,536 numbers, $r$ pieces only $512r$. `zh-bert` has four layers with six weight matrices each, 24 in all. These are the shapes of the first six:
"""
# %% training rows="E46"
import os, random
import numpy as np
import torch, torch.nn as nn
from course_lib.training.classify import Reviewer, right, tfidf, tune

quick = os.environ.get("COURSE_QUICK") == "1"               # small sizes, for the tests
reviews = cl.text.reviews()
valid = random.Random(0).sample(reviews.valid, 100 if quick else len(reviews.valid))
model, _ = tune(random.Random(0).sample(reviews.train, 500), steps=4 if quick else None)
before = Reviewer().state_dict()
after = {name: value.cpu().clone() for name, value in model.state_dict().items()}
deltas = {name: after[name] - before[name] for name in after
          if name.startswith("encoder.encoder") and after[name].dim() == 2}
print(len(deltas), [list(delta.shape) for delta in deltas.values()][:6])

# %% training rows="E46"
def compress(delta, r):
    """The best approximation of rank r: [out, in] -> [out, in]."""
    U, S, V = torch.linalg.svd(delta, full_matrices=False)
    return (U[:, :r] * S[:r]) @ V[:r]                       # [out, r] @ [r, in]

def kept(deltas, r):
    """Which share of the matrices' sum of squares, the sum of all s², rank r keeps."""
    squares = [torch.linalg.svdvals(delta) ** 2 for delta in deltas]
    return float(sum(s[:r].sum() for s in squares) / sum(s.sum() for s in squares))

def measure(r, some):
    """Right or not, review by review, with the matrices' changes cut to rank r."""
    low = {name: before[name] + compress(delta, r) for name, delta in deltas.items()}
    model.load_state_dict({**after, **low})
    return right(model.judge, some)

# %%
cl.guess(
    "finetune.rank",
    cl.L(zh="撤掉全部 24 个矩阵的改动（r = 0），别的改动（词嵌入、分类层等）留着。准确率会掉多少？",
         en="Take back the change of all 24 matrices (r = 0) and leave all other changes "
            "(embeddings, head ...). How much accuracy is lost?"),
    choices=cl.L(zh=["不到 5 个点", "5 到 15 个点", "跌到五成"],
                 en=["less than 5 points", "5 to 15 points", "down to a half"]))

# %% training rows="E46"
changes = list(deltas.values())
noise = [torch.randn_like(delta) for delta in changes]
hits = {r: measure(r, valid) for r in (256, 8, 1, 0)}
rows = [(r, f"{kept(changes, r):.0%}", f"{kept(noise, r):.0%}",
         cl.metrics.share(hit), cl.metrics.lead(hit, hits[256]))
        for r, hit in hits.items()]
header = cl.L(zh=["r", "改动：留下", "随机矩阵：留下", "准确率（%）", "减去 r = 256"],
              en=["r", "change: kept", "random: kept", "accuracy (%)", "minus r = 256"])
display(cl.viz.table(rows, header, right=range(3)))
cl.guess.result("finetune.rank", cl.L(zh="不到 5 个点", en="less than 5 points"))

# %% training rows="E46"
def at_rank(rank):
    hit, size = measure(rank, valid[:200]), sum(delta.numel() for delta in changes)
    stored = rank * sum(sum(delta.shape) for delta in changes) / size
    titles = cl.L(zh=["留下的改动", "要存的数", "准确率"], en=["kept", "stored", "accuracy"])
    values = kept(changes, rank), stored, sum(hit) / len(hit)
    return cl.viz.bars(dict(zip(titles, values)))

cl.viz.explore(at_rank, rank=(0, 64, 8))

# %% zh [md]
r"""
改动集中在少数几个方向上：r = 8 只存 4.7% 的数，就留下了平方和的八成以上，而同样大小的随机矩阵只留 8%。准确率呢？压到 r = 8，甚至 r = 1，与不压缩配对相减，区间都盖住 0，这些验证评论分不出差别。不过 24 个矩阵的改动全部撤掉，也才掉 2 个点左右（区间在 0 以下）；总共只有这点可掉，所以 r = 8 和 r = 1 测不出差别，还不能说明它们和不压缩一样好。

还有，r = 0 时撤掉的只是这 24 个矩阵的改动；词嵌入、偏置、层归一化和分类层的改动还在，所以那一行不等于没有微调。**拖动** r 看三个比例怎样变：留下的改动、要存的数、准确率（只量 200 条）。这里只微调了一次。

不过这里是先练好、再压缩，训练时一点也没省。能不能**只练**低秩的那部分？

## 9.2 LoRA：只练低秩的那部分

**低秩适配**（LoRA，Hu 等 2021，[arXiv:2106.09685](https://arxiv.org/abs/2106.09685)）冻住 $W$，在旁边加两个小矩阵：$W+\frac{\alpha}{r}BA$。$A$ 是 [r,in]，把输入压到 $r$ 维；$B$ 是 [out,r]，再升回来。$\alpha$ 是自己定的数，$\alpha/r$ 决定这条旁路占多大分量。$B$ 从 0 开始，所以训练之前输出和原来一样。这里的 $r$ 是**训练前**就定下的宽度，和上一节训练完再压缩的 $r$ 是两回事。

## 练习 1 · LoRA 层

写 `lora_linear(x, W, A, B, alpha, bias=None)`：`x` 形状 [...,in]，`W` [out,in]，`A` [r,in]，`B` [out,r]。返回 $xW^\top+\frac{\alpha}{r}\,xA^\top B^\top$，`bias` 不是 `None` 就加上，形状 [...,out]。
例：$x=[1,2]$、$W=I$、$A=[[1,1]]$、$B=[[1],[2]]$、`alpha=2`。低秩那条路是 $3\to[3,6]$，乘 2，加上 $x$，得 [7, 14]。
"""
# %% en [md]
r"""
The change is concentrated in few directions: r = 8 stores 4.7 % of the numbers and keeps over eight tenths of the sum of squares, while of random matrices of the same size it keeps 8 %. And the accuracy? Cut to r = 8, even to r = 1, the paired difference from no compression has an interval that covers 0: these validation reviews cannot tell them apart. But taking back the change of all 24 matrices costs only about 2 points (with an interval below 0). With so little to lose, a difference that does not show at r = 8 or r = 1 is no proof that they are as good as no compression.

Moreover, at r = 0 only the changes of these 24 matrices are gone; those of embeddings, biases, layer norms and head are still there, so that line is not “no fine-tuning”. **Drag** r and see how three shares change: of the change that is kept, of the numbers that are stored, of the reviews that are right (200 of them). All this comes from a single run of fine-tuning.

Here everything was trained first and compressed afterwards, which saves nothing in training. Can one train the low-rank part **alone**?

## 9.2 LoRA: training the low-rank part alone

**LoRA** (low-rank adaptation, Hu et al. 2021, [arXiv:2106.09685](https://arxiv.org/abs/2106.09685)) freezes $W$ and puts two small matrices beside it: $W+\frac{\alpha}{r}BA$. $A$ is [r,in] and squeezes the input to $r$ numbers; $B$ is [out,r] and brings it back. You choose $\alpha$; the factor $\alpha/r$ sets how much this side path counts. $B$ starts at 0, so that before training the output is unchanged. This $r$ is a width chosen **before training**; in the last section $r$ was the rank to which a finished change was compressed.

## Exercise 1 · A LoRA layer

Write `lora_linear(x, W, A, B, alpha, bias=None)`: `x` has shape [...,in], `W` [out,in], `A` [r,in], `B` [out,r]. Return $xW^\top+\frac{\alpha}{r}\,xA^\top B^\top$, plus `bias` unless it is `None`, of shape [...,out].
Example: for $x=[1,2]$, $W=I$, $A=[[1,1]]$, $B=[[1],[2]]$ and `alpha=2` the low-rank path gives $3\to[3,6]$; times 2, plus $x$, that is [7, 14].
"""
# %% exercise id="finetune.lora"
...
# %%
cl.check("finetune.lora")

# %% zh [md]
r"""
任务：给店铺的来信分类，而且**只准用店里规定的六个词**回答。来信是为本课写的，六类各 20 封：48 封训练，24 封选设置，48 封测试。下面是 SmolLM2（1.35 亿参数）没有训练过的样子。“答对”的意思是：下一个词元有 49,152 种可能，概率最大的正好是规定的那个词。
"""
# %% en [md]
r"""
The task: sort letters to a shop, and answer **in the shop's own six words only**. The letters were written for this course, 20 of each kind: 48 to train on, 24 to choose settings by, 48 to be tested on. Here is SmolLM2 (135 million parameters) before any training. “Right” means that, of the 49,152 tokens that could come next, the likeliest is the shop's word for this kind.
"""
# %% rows="E46"
smol, letters, KINDS = cl.load("smollm2-135m"), cl.text.requests(), cl.text.KINDS
WORDS = [smol.tokenizer(" " + kind).input_ids[0] for kind in KINDS]     # one token each
test = letters.test[:12] if quick else letters.test

def ask(letter):
    return f"Customer: {letter.text}\nKind:"

print(*KINDS)
for letter in test[:3]:
    print(f"{letter.text}  →", repr(smol.generate(ask(letter), max_new_tokens=6)))
# %% training rows="E46"
@torch.inference_mode()
def next_words(model, some):
    """The logits of what comes next: a row a letter, [N, V]."""
    rows = smol.tokenizer([ask(letter) for letter in some], return_tensors="pt",
                          padding=True, padding_side="left").to(smol.device)
    return model(**rows, logits_to_keep=1).logits[:, -1].float().cpu()

def sorts(model, some=test, words=WORDS):
    """Right or not, letter by letter."""
    parts = [some[at:at + 12] for at in range(0, len(some), 12)]
    said = torch.cat([next_words(model, part).argmax(-1) for part in parts]).tolist()
    return [word == words[letter.label] for word, letter in zip(said, some)]

print(cl.L(zh="答对（%）：", en="right (%):"), cl.metrics.share(sorts(smol.model)))

# %% zh [md]
r"""
没有人告诉过它店里用哪六个词，所以这个 0 只说明它不知道规定，不说明它分不了类；只准在六个词里选，它能对多少，9.6 节会量。

给 30 层里每一层的查询和值投影各装一个秩 8 的 LoRA，其余全部冻住：
"""
# %% en [md]
r"""
Nobody has told it the six words, so this 0 shows only that it does not know the shop's rule, not that it cannot sort letters; section 9.6 measures how often it is right when it may choose among the six alone.

Put a LoRA of rank 8 beside the query and value projections of each of the 30 layers, and freeze everything else:
"""
# %% rows="E46"
lora_linear = cl.use("finetune.lora")

class LoRA(nn.Module):
    def __init__(self, layer, r=8, alpha=16):
        super().__init__()
        out, width = layer.weight.shape
        self.layer, self.alpha = layer, alpha
        self.A = nn.Parameter(torch.randn(r, width).to(layer.weight) / width ** 0.5)
        self.B = nn.Parameter(torch.zeros(out, r).to(layer.weight))

    def forward(self, x):
        W, bias = self.layer.weight, self.layer.bias
        return lora_linear(x, W, self.A, self.B, self.alpha, bias)
# %% rows="E46"
def with_lora(model):
    model.requires_grad_(False)
    for block in model.model.layers:
        part = block.self_attn
        part.q_proj, part.v_proj = LoRA(part.q_proj), LoRA(part.v_proj)
    return model

torch.manual_seed(0)
small = with_lora(cl.load("smollm2-135m").model)
total = sum(p.numel() for p in small.parameters())
trained = sum(p.numel() for p in small.parameters() if p.requires_grad)
print(f"{trained:,} / {total:,} = {trained / total:.2%}")

# %% zh [md]
r"""
## 9.3 只在回答上算损失

训练语言模型时，把来信和答案连成一行，照第 5 章那样预测下一个词元。但信是客人写的，我们要模型学的只是答案。答案前面的一切（来信和 `Kind:`）叫提示（prompt）。把提示和填充位置的标签写成 −100，损失就会跳过它们。**指令微调**（instruction tuning，有监督微调 SFT 的一种）常常这样做，叫提示掩码。

## 练习 2 · 提示掩码

写 `mask_prompt(ids, prompt_lengths, pad_id)`：`ids` 是整数张量 [B,T]，每行依次是提示、回答、填充；`prompt_lengths` 是整数张量 [B]。返回标签 [B,T]，一个新的张量：回答的位置放原来的词元，提示和填充的位置放 −100。错位一格由模型去做，这里不要错位。
例：`ids = [[5, 6, 7, 2]]`、`prompt_lengths = [2]`、`pad_id = 2`，返回 `[[-100, -100, 7, -100]]`。
"""
# %% en [md]
r"""
## 9.3 A loss on the answer alone

To train a language model, letter and answer are joined in one line, and the next token is predicted as in chapter 5. But customers write the letters; what the model should learn is the answer. All that comes before the answer (the letter and `Kind:`) is the prompt. The labels of prompt and padding are set to −100, and the loss skips them. **Instruction tuning**, a kind of supervised fine-tuning (SFT), often does so; it is called masking the prompt.

## Exercise 2 · Masking the prompt

Write `mask_prompt(ids, prompt_lengths, pad_id)`: `ids` is an integer tensor [B,T], each row holding prompt, answer and padding in this order; `prompt_lengths` is an integer tensor [B]. Return the labels [B,T], a new tensor: the token itself where the answer is, −100 for prompt and padding. The model does the shift by one; do not shift here.
Example: `ids = [[5, 6, 7, 2]]`, `prompt_lengths = [2]`, `pad_id = 2` gives `[[-100, -100, 7, -100]]`.
"""
# %% exercise id="finetune.mask_prompt"
...
# %%
cl.check("finetune.mask_prompt")

# %% training rows="E46"
mask_prompt, tokenizer = cl.use("finetune.mask_prompt"), smol.tokenizer

def lesson(some, kinds):
    """A batch: each letter with its answer, and labels for the answer only."""
    lines = [f"{ask(letter)} {kinds[letter.label]}" for letter in some]
    rows = tokenizer(lines, return_tensors="pt", padding=True, padding_side="right")
    sizes = torch.tensor([len(tokenizer(ask(letter)).input_ids) for letter in some])
    rows["labels"] = mask_prompt(rows.input_ids, sizes, tokenizer.pad_token_id)
    return dict(rows)

def teach(model, kinds=KINDS, lr=2e-3):
    some = sum((random.Random(i).sample(letters.train, 48) for i in range(5)), [])
    lessons = [lesson(some[at:at + 6], kinds) for at in range(0, len(some), 6)]
    return cl.fit(model, lessons, steps=4 if quick else 40, lr=lr, weight_decay=0.0,
                  precision="float32", show=False)

# %%
cl.guess(
    "finetune.forget",
    cl.L(zh="同样 40 步，LoRA 和全部参数都练。谁在别的英文上变差得多（每词元的损失上升得多）？",
         en="40 steps each, LoRA and all parameters. Which model's loss per token on other "
            "English text rises more?"),
    choices=cl.L(zh=["LoRA", "全部参数", "差不多"], en=["LoRA", "all parameters", "about alike"]))

# %% training rows="E46 E42"
@torch.inference_mode()
def losses(model):
    """Nats per token of 40 English notes that have nothing to do with letters."""
    notes = [note.en for note in cl.text.handbook().notes]
    rows = [tokenizer(note, return_tensors="pt").input_ids for note in notes]
    rows = [ids.to(smol.device) for ids in rows]
    return [float(model(input_ids=ids, labels=ids).loss) for ids in rows]

full = cl.load("smollm2-135m").model
teach(small)
teach(full, lr=1e-4)
models = {"SmolLM2": smol.model, "LoRA": small.eval(),
          cl.L(zh="全部参数", en="all parameters"): full.eval()}
notes = {name: losses(model) for name, model in models.items()}
# %% training rows="E46 E42"
rows = []
for name, model in models.items():
    rise = [after - before for after, before in zip(notes[name], notes["SmolLM2"])]
    low, high = cl.metrics.bootstrap(rise)
    rows.append((name, cl.metrics.share(sorts(model)), f"{np.mean(notes[name]):.2f}",
                 f"{np.mean(rise):+.2f} [{low:+.2f}, {high:+.2f}]"))
header = cl.L(zh=["", "来信答对（%）", "别的英文（nat）", "上升"],
              en=["", "letters right (%)", "other (nats)", "rise"])
cl.viz.table(rows, header)
# %% training rows="E46 E42"
_, lora, every = notes.values()
apart = [one - other for one, other in zip(lora, every)]
low, high = cl.metrics.bootstrap(apart)
print(cl.L(zh="LoRA − 全部，来信（百分点）：", en="LoRA − all, letters (points):"),
      cl.metrics.lead(sorts(small), sorts(full)))
print(cl.L(zh="LoRA − 全部，别的英文（nat）：", en="LoRA − all, other English (nats):"),
      f"{np.mean(apart):+.2f} [{low:+.2f}, {high:+.2f}]")
first, second, alike = cl.L(zh=["LoRA", "全部参数", "差不多"],
                            en=["LoRA", "all parameters", "about alike"])
cl.guess.result("finetune.forget", first if low > 0 else second if high < 0 else alike)

# %% zh [md]
r"""
来信那一列看学会了没有：两者都答对九成多，48 封里只差一封，配对区间碰到 0。最后一列看忘了没有：40 条和任务无关的英文，练过 LoRA 的模型每个词元的损失上升一个多 nat，全部参数都练的只上升 0.1 左右，差值的区间远在 0 以上。在这两次训练里，忘得多的是 LoRA，尽管它只动了 0.34% 的参数。参数动得少，不一定就忘得少。

两种方法各训练了一次，学习率（2e-3 和 1e-4）相差二十倍，都没有细调。换了学习率，次序可能会变，所以这张表说的是这两次训练，不能拿来给两种方法下定论。

## 9.4 合并与更换

LoRA 训练完可以并回原来的权重，推理时不多花一点计算。也可以不并：底座（原来的模型）只存一份，每个任务存一套 A 和 B，用哪套装哪套。

## 练习 3 · 合并

写 `lora_merge(W, A, B, alpha)`，形状同练习 1。返回 $W+\frac{\alpha}{r}BA$，是新的张量，不改动 `W`。
例：$W=I$、$A=[[1,1]]$、$B=[[1],[2]]$、`alpha=2`，返回 [[3, 2], [4, 5]]。
"""
# %% en [md]
r"""
The column of letters shows what was learnt: both get over nine letters in ten right. They are one letter of 48 apart, and the paired interval reaches 0. The last column shows what was forgotten. On 40 English notes that have nothing to do with the task the loss per token rises by more than one nat with LoRA, and by about 0.1 when all parameters are trained; the interval of the difference is far above 0. In these two runs it is LoRA that forgets more, although it trains only 0.34 % of the parameters. Changing few parameters does not mean forgetting little.

Each method was trained once, with learning rates twenty times apart (2e-3 and 1e-4), neither of them tuned. With others the order may change, so the table is about these two runs and no verdict on the methods.

## 9.4 Merging and swapping

After training a LoRA can be merged into the weights, and inference costs nothing extra. Or it is kept apart: the base (the model as it was) is stored once, each task has its own set of A and B, and you put in the one you need.

## Exercise 3 · Merging

Write `lora_merge(W, A, B, alpha)`, with the shapes of exercise 1. Return $W+\frac{\alpha}{r}BA$, a new tensor, with `W` left as it is.
Example: $W=I$, $A=[[1,1]]$, $B=[[1],[2]]$ and `alpha=2` give [[3, 2], [4, 5]].
"""
# %% exercise id="finetune.lora_merge"
...
# %%
cl.check("finetune.lora_merge")

# %% training rows="E46"
lora_merge = cl.use("finetune.lora_merge")
merged = cl.load("smollm2-135m").model
for plain, block in zip(merged.model.layers, small.model.layers):
    for name in ("q_proj", "v_proj"):
        ours = getattr(block.self_attn, name)
        weight = lora_merge(ours.layer.weight, ours.A, ours.B, ours.alpha)
        getattr(plain.self_attn, name).weight.data = weight.detach()
gap = (next_words(merged, test) - next_words(small, test)).abs().max()
print(cl.L(zh="logits 相差不到 0.001：", en="logits differ by less than 0.001:"), bool(gap < 1e-3))

# %% training rows="E46"
import warnings
from peft import LoraConfig, get_peft_model
warnings.simplefilter("ignore", FutureWarning)      # peft uses an old name

shape = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"])
theirs = get_peft_model(cl.load("smollm2-135m").model, shape)
print(f"{sum(p.numel() for p in theirs.parameters() if p.requires_grad):,}")

# %% zh [md]
r"""
并进权重以后，测试来信的 logits 和合并前相差不到 0.001。`peft` 是大家常用的 LoRA 库，它训练的参数和我们一样多；给它同样的 A 和 B，输出也相同（课程的测试会核对）。

前面那家叫甲店。再来一家乙店，来信一样，规定的六个词不同。在同一个底座上另练一套 A 和 B，然后轮流装上：
"""
# %% en [md]
r"""
Merged, the model gives the test letters the same logits as before, to within 0.001. `peft` is a widely used library for LoRA. It trains as many parameters as ours, and with the same A and B it gives the same output (the course's tests compare them).

Call the first shop A. Shop B gets the same letters and has six other words. Train a second set of A and B on the same base, then put in one set after the other:
"""
# %% training rows="E46"
OTHER = ("parcel", "money", "profile", "broken", "fit", "bill")
NEW = [tokenizer(" " + kind).input_ids[0] for kind in OTHER]

def adapter():
    """A copy of all A and B."""
    trained = [(name, p) for name, p in small.named_parameters() if p.requires_grad]
    return {name: p.detach().clone() for name, p in trained}

adapters = {"A": adapter()}
for layer in small.modules():
    if isinstance(layer, LoRA):
        nn.init.zeros_(layer.B)                     # the base's own output again
teach(small, OTHER)
adapters["B"] = adapter()
# %% training rows="E46"
rows = []
for name, values in adapters.items():
    small.eval().load_state_dict(values, strict=False)      # A and B; the base stays
    found = [sorts(small, words=words) for words in (WORDS, NEW)]
    rows.append((name, *map(cl.metrics.share, found)))
print(f"{sum(value.numel() * 4 for value in adapters['A'].values()) / 1e6:.1f} MB")
cl.viz.table(rows, header=cl.L(zh=["装上", "甲店的词，答对（%）", "乙店的词，答对（%）"],
                               en=["adapter", "words of shop A (%)", "words of shop B (%)"]))

# %% zh [md]
r"""
每套 A 和 B 只有 1.8 MB。装上 A，48 封信大多答对甲店的词，按乙店的规定一封也不对；装上 B 正好反过来。底座是同一个，一直冻着。

## 9.5 不训练：原型

**元学习**（meta-learning）让模型学会一种本领：看几个例子，就能做新任务。其中的**原型网络**（Snell 等 2017，[arXiv:1703.05175](https://arxiv.org/abs/1703.05175)）用一个简单的规则：一类有几个例子，它们的句向量的平均就是这一类的**原型**；新来的离哪个原型近，就算哪一类。原论文为此专门训练编码器，远近用欧氏距离的平方；这里直接用现成的 MiniLM（把一句话变成一个向量的模型），远近用余弦，什么都不练。

## 练习 4 · 原型

写 `prototype_scores(support, labels, queries, n_classes)`：`support` 是例子的向量 [M,D]，`labels` 是它们的类 [M]，从 0 数，每一类至少一个；`queries` 是要分类的向量 [N,D]。返回 [N,K]，K 是 `n_classes`：每个待分类的向量与每个原型的余弦，也就是点积除以两个长度的乘积。
例：向量 [2,0]、[4,0] 属于第 0 类，[0,3] 属于第 1 类，原型就是 [3,0] 和 [0,3]。待分类的 [3,4] 得到 [0.6, 0.8]，离第 1 类近。
"""
# %% en [md]
r"""
A set of A and B is 1.8 MB. With adapter A most of the 48 letters get the right word of shop A and none the right word of shop B; with adapter B it is the other way round. The base is the same for both, and frozen throughout.

## 9.5 No training: prototypes

**Meta-learning** is about learning how to learn a new task from a few examples. One of its methods, **prototypical networks** (Snell et al. 2017, [arXiv:1703.05175](https://arxiv.org/abs/1703.05175)), follows a simple rule: the mean of the sentence vectors of a class's few examples is the **prototype** of the class, and a newcomer belongs to the class of the nearest one. The paper trains the encoder for this and takes the squared Euclidean distance; here MiniLM, a ready-made model that turns a sentence into one vector, is used as it comes, nearness is the cosine, and nothing is trained.

## Exercise 4 · Prototypes

Write `prototype_scores(support, labels, queries, n_classes)`: `support` holds the vectors of the examples [M,D], `labels` their classes [M], counted from 0, each at least once; `queries` the vectors to be sorted [N,D]. Return [N,K], where K is `n_classes`: the cosine of each query with each prototype, that is the dot product divided by the product of both lengths.
Example: let [2,0] and [4,0] belong to class 0 and [0,3] to class 1; the prototypes are [3,0] and [0,3]. The query [3,4] gets [0.6, 0.8] and is nearer to class 1.
"""
# %% exercise id="finetune.prototypes"
...
# %%
cl.check("finetune.prototypes")

# %% rows="R84"
from course_lib.training.classify import mean_pool
everything = list(letters)                  # kinds take turns: 0 1 2 3 4 5 0 1 …

@torch.inference_mode()
def vectors(loaded):
    """The mean over the last hidden states of each letter: [120, D]."""
    texts = [letter.text for letter in everything]
    rows = loaded.tokenizer(texts, return_tensors="pt", padding=True)
    net = getattr(loaded.model, "model", loaded.model)      # without an output layer
    hidden = net(**rows.to(loaded.device)).last_hidden_state                # [B, T, D]
    return mean_pool(hidden, rows["attention_mask"]).cpu()
# %% rows="R84"
def split(shots, seed):
    """`shots` random letters of each kind, and 8 others of each: two lists."""
    mixed = [random.Random(f"{seed}/{k}").sample(range(k, 120, 6), 20)
             for k in range(6)]
    shown = [i for kind in mixed for i in kind[:shots]]
    asked = [i for kind in mixed for i in kind[12:]]
    return shown, asked

# %%
cl.guess(
    "finetune.one_shot",
    cl.L(zh="每类只给 1 个例子，MiniLM 的原型在六类里能分对百分之几？（瞎猜约 17%）",
         en="With 1 example of each of the six kinds, what share do prototypes of MiniLM "
            "sort right? (Blind guessing: 17 %)"), unit="%")

# %% rows="R84"
prototype_scores = cl.use("finetune.prototypes")
spaces = [vectors(cl.load("minilm-l6")), vectors(smol)]
labels = torch.tensor([letter.label for letter in everything])

def few_shot(space, shots):
    """The share of 48 letters that is right, in each of 50 draws."""
    shares = []
    for seed in range(50):
        shown, asked = split(shots, seed)
        scores = prototype_scores(space[shown], labels[shown], space[asked], 6)
        shares.append(float((scores.argmax(-1) == labels[asked]).float().mean()))
    return shares

by_shots = {n: [few_shot(space, n) for space in spaces] for n in (1, 2, 4, 8)}
# %% rows="R84"
def spread(shares):
    """Mean, and the range of the middle 90 % of the draws, in percent."""
    low, high = np.quantile(shares, [0.05, 0.95])
    return f"{100 * np.mean(shares):.0f} ({100 * low:.0f}–{100 * high:.0f})"

rows = [(shots, *map(spread, found)) for shots, found in by_shots.items()]
header = cl.L(zh=["每类几个例子", "MiniLM 的原型（%）", "SmolLM2 的原型（%）"],
              en=["examples of each kind", "prototypes, MiniLM (%)", "… SmolLM2 (%)"])
display(cl.viz.table(rows, header))
cl.guess.result("finetune.one_shot", round(100 * np.mean(by_shots[1][0])), tolerance=5)

# %% zh [md]
r"""
括号里是 50 次抽样中间九成的范围：每次都重新抽例子，也重新抽考题。只给 1 个例子，MiniLM 平均对 74%，抽得好的和抽得差的相差二十多个点；给 8 个，94%。规则一样，换成 SmolLM2 的向量就低得多。MiniLM 专门为句向量训练过，SmolLM2 学的是猜下一个词元；差别是不是由此而来，这里没有对照；两个模型还有别的不同。

## 9.6 不训练：把例子写进提示

**上下文学习**：例子写进提示，模型接着往下写（GPT-3 的论文就叫 *Language Models are Few-Shot Learners*，Brown 等 2020，[arXiv:2005.14165](https://arxiv.org/abs/2005.14165)）。GPT-3 的权重没有公开，这里用 SmolLM2 代替，大小约是它的千分之一。

**自己写一封英文来信**，再换换例子数。图里是概率最大的六个词元；其中如果有店里的词，最大的那一条换一种颜色。下面这封“水壶漏水”，本该是 *repair*：
"""
# %% en [md]
r"""
In brackets is the range of the middle nine tenths of 50 draws; each draw takes new examples and new letters to be sorted. With 1 example MiniLM is right 74 % of the time on average, and lucky and unlucky draws lie more than twenty points apart; with 8 it is 94 %. With the vectors of SmolLM2 the same rule does far worse. MiniLM was trained to give sentence vectors, SmolLM2 to guess the next token; there is no control here to show whether that is the reason, and the two models differ in other ways, too.

## 9.6 No training: examples in the prompt

**In-context learning**: the examples are written into the prompt, and the model carries on (the paper on GPT-3 is called *Language Models are Few-Shot Learners*, Brown et al. 2020, [arXiv:2005.14165](https://arxiv.org/abs/2005.14165)). GPT-3's weights are not public, so SmolLM2, about a thousandth of its size, stands in for it here.

**Type a letter** and change the number of examples. The bars are the six likeliest tokens; if there are words of the shop among them, the likeliest has another colour. For the letter below the right one would be *repair*:
"""
# %% training rows="R30"
def examples(shown, seed):
    """Letters with their answers, shuffled: one text."""
    some = [everything[i] for i in random.Random(seed).sample(shown, len(shown))]
    return "".join(f"{ask(letter)} {KINDS[letter.label]}\n\n" for letter in some)

def with_examples(text, shots):
    prompt = examples(split(int(shots), 0)[0], 0) + ask(cl.text.Request(text, 0))
    best = smol.likely("<|endoftext|>" + prompt, 6)
    ours = [word for word in best if word.strip() in KINDS]
    return cl.viz.bars(best, mark=(ours or [None])[0])

cl.viz.explore(with_examples, text="The kettle leaks.", shots=["1", "0", "2", "4"])

# %% training rows="R30"
@torch.inference_mode()
def asked_after(prompt, asked):
    """SmolLM2's logits for the word after each letter, the prompt read once: [N, V]."""
    start = tokenizer("<|endoftext|>" + prompt, return_tensors="pt").to(smol.device)
    memory, rows = smol.model(**start).past_key_values, []
    for i in asked:
        letter = tokenizer(ask(everything[i]), return_tensors="pt").to(smol.device)
        logits = smol.model(letter.input_ids, past_key_values=memory).logits
        rows.append(logits[0, -1].cpu())
        memory.crop(-letter.input_ids.shape[1])             # forget this letter
    return torch.stack(rows)
# %% training rows="R30 R84"
def score(shots, seed):
    """The share of 48 letters answered right, with any word and with one of the six."""
    shown, asked = split(shots, seed)
    logits, truth = asked_after(examples(shown, seed), asked), labels[asked]
    any_word = logits.argmax(-1) == torch.tensor(WORDS)[truth]
    of_six = logits[:, WORDS].argmax(-1) == truth
    return {"any": float(any_word.float().mean()), "six": float(of_six.float().mean())}

def in_context():
    draws = [(0, 0)] + [(shots, seed) for shots in (1, 2, 4, 8) for seed in range(4)]
    return [{"shots": shots, **score(shots, seed)} for shots, seed in draws]

prompted = cl.results.stored("09_in_context", in_context)
# %% rows="R30 R84"
rows = []
for shots in (0, 1, 2, 4, 8):
    draws = [row for row in prompted if row["shots"] == shots]
    prompts = [[row[way] for row in draws] for way in ("six", "any")]
    found = by_shots.get(shots, []) + prompts
    rows.append((shots, *["–"] * (4 - len(found)), *map(spread, found)))
header = cl.L(zh=["例子", "原型，MiniLM", "原型，SmolLM2", "提示，六选一", "提示，任何词"],
              en=["shots", "prototypes, MiniLM", "… SmolLM2", "prompt, six", "… any word"])
cl.viz.table(rows, header)

# %% zh [md]
r"""
先看图里那封“水壶漏水”：每类 1 个例子时，它答的是 *size*，答错了。再看表，先补上 9.2 节欠的答案：没有例子、只准在六个词里选，它对 38%（瞎猜约 17%，只抽了一次，48 封）。所以当时的 0 分确实不等于分不了类。

同一个模型 SmolLM2，两种办法比：每类 1 个例子时，提示（六选一）对 65%，原型 44%；2 个时都是五成多；8 个时原型 71%，提示 56%，不过两个范围有重叠。原型的平均成绩随例子一路上升，提示法再也没有超过 1 个例子时的成绩。“任何词”那一列从 0 跳到 46%：看过例子，模型才知道该用哪六个词回答。4 个以后，两列就一样了。

提示法的数字是早先量好、保存下来的。除了 0 个例子那一行，每格有四次抽样、每次 48 封信，范围有 11 到 36 个点宽，几个点的起落不能当真。MiniLM 的原型每一格都比提示法高，不过那是另一个模型，这样比，模型和办法的作用分不开。

第二份讲义说大模型能“动态学习”，从不断变化的数据里学到新的信息。告诉 SmolLM2 一件新事，再开一个新的对话问它：
"""
# %% en [md]
r"""
The leaking kettle first: with 1 example of each kind, the picture shows the answer *size*, which is wrong. Then the table, with the answer that section 9.2 owed you: without examples, choosing among the six words alone, SmolLM2 is right in 38 % (blind guessing: about 17 %; this is a single draw of 48 letters). So the score of 0 there did not mean that it cannot sort letters.

Now compare the two methods with the same model, SmolLM2. With 1 example of each kind the prompt (one of six) is right in 65 % and the prototypes in 44 %; with 2 both are a little over half; with 8 the prototypes have 71 % and the prompt 56 %, though the two ranges overlap. The mean of the prototypes rises with every step; the prompt never again reaches what it had with 1 example. The column “any word” leaps from 0 to 46 %: only the examples show which six words to answer in. From 4 on, the two columns are equal.

The figures for the prompts were measured earlier and kept. Except in the line of 0 examples, each rests on four draws of 48 letters, with ranges 11 to 36 points wide, so ups and downs of a few points mean nothing. The prototypes of MiniLM are above the prompts in every line, but that is another model, and the effects of model and method cannot be told apart.

The second handout says that large models “learn dynamically”, taking in new information from changing data. Tell SmolLM2 something new, and then ask again in a new session:
"""
# %% rows="E42"
fact = "The new manager of the harbour library is called Zorana Pike. "
question = "The name of the new manager of the harbour library is"
first = smol.model.model.embed_tokens.weight.clone()
print(repr(smol.generate(fact + question, max_new_tokens=4)))
print(repr(smol.generate(question, max_new_tokens=4)))
same = torch.equal(first, smol.model.model.embed_tokens.weight)
print(cl.L(zh="词嵌入没有变：", en="embeddings unchanged:"), same)

# %% zh [md]
r"""
写在提示里的事，模型用得上；换一个对话就没有了。生成的时候，权重不会变（上面查了词嵌入）。要么每次都把它写进提示（第 14 章），要么训练；而 9.3 节的表说明，接着训练可能又会忘掉别的。

## 9.7 没有标签的评论

标签要人来标，没有标签的评论有的是。两样一起用，叫**半监督学习**，它的一个老办法是**伪标签**：用少量真标签训练一个模型，让它给没标的评论打标签，留下最有把握的一半，合在一起再训练。这里用 TF-IDF，500 条真标签，5,000 条没有标签的评论。旁边放一个对照：还是留下的那些评论，但用真标签。
"""
# %% en [md]
r"""
The model can use what stands in the prompt; in another session it is gone. Generating text changes no weight (the embeddings were compared above). Either you put it into the prompt every time (chapter 14) or you train; and as the table of section 9.3 shows, more training may make the model forget other things.

## 9.7 Reviews without labels

Labels take people's time; reviews without labels are plentiful. Using both is called **semi-supervised learning**, and an old method of it is **pseudo-labels**: train a model on a few true labels, let it label the others, keep the half that it is surest of, and train again on all together. Here with TF-IDF, 500 true labels and 5,000 reviews without. Beside it stands a control: the same reviews that were kept, but with their true labels.
"""
# %%
cl.guess(
    "finetune.pseudo",
    cl.L(zh="加上两千多条伪标签再训练，测试准确率会怎样？",
         en="After training on over two thousand pseudo-labels as well, the test accuracy …"),
    choices=cl.L(zh=["升 2 个点以上", "变化在 2 个点以内", "降 2 个点以上"],
                 en=["rises by over 2 points", "moves by less than 2", "falls by over 2"]))

# %% training rows="R22"
def pseudo_label(teacher, rest):
    """The half that the teacher is surest of: with its labels, with true ones."""
    chances = teacher(rest)                                         # [N, 2]
    sure = chances.max(1) > np.median(chances.max(1))
    true = [review for review, keep in zip(rest, sure) if keep]
    said = chances[sure].argmax(1).tolist()
    return [cl.text.Review(r.text, label) for r, label in zip(true, said)], true
# %% training rows="R22"
exam, rows = reviews.test[:150] if quick else reviews.test, []
for seed in range(1 if quick else 4):
    some = random.Random(seed).sample(reviews.train, 600 if quick else 5500)
    known, rest = some[:500], some[500:]
    teacher = tfidf(known)
    guessed, true = pseudo_label(teacher, rest)
    good = np.mean([a.label == b.label for a, b in zip(guessed, true)])
    start, after, control = [right(judge, exam) for judge in
                             (teacher, tfidf(known + guessed), tfidf(known + true))]
    rows.append((f"{good:.0%}", cl.metrics.share(start), cl.metrics.lead(after, start),
                 cl.metrics.lead(control, start)))
header = cl.L(zh=["伪标签对的", "之前（%）", "加伪标签（百分点）", "加真标签（百分点）"],
              en=["correct", "before (%)", "pseudo-labels (points)", "true labels (points)"])
display(cl.viz.table(rows, header))
cl.guess.result("finetune.pseudo", cl.L(zh="变化在 2 个点以内", en="moves by less than 2"))

# %% zh [md]
r"""
留下的评论里，伪标签近九成是对的，可是把它们加进去再训练，四次里两升两降，测到的变化都不到两个百分点（区间最远到 −2.8）。同样这些评论换成真标签，四次都升三个半点以上，区间都在 0 以上。可见这些评论配上真标签是有用的，配上伪标签就得不到这个好处。一种可能的解释是，伪标签多半在重复模型本来就会的判断，错的那一成多还被当成对的来学；这里没有检验它的对照。换一个模型、换一种挑法，结果可能不同，要再量。

## 小结

- 全量微调对矩阵的改动集中在少数几个方向上：压到秩 8，甚至秩 1，在这份验证集上测不出差别；不过全部撤掉也只掉 2 个点左右。
- LoRA 只练 0.34% 的参数，存 1.8 MB，可以合并，也可以更换。这里，48 封信看不出它和全部都练哪个学得好，它忘得却更多；各只练了一次，学习率没有细调，不能当成定论。
- 指令微调只在回答上算损失：提示和填充的标签写 −100。
- 原型和上下文学习一个参数也不练。在这个小任务上，MiniLM 的原型每一格都比 SmolLM2 的提示法高，值得先试。
- 写在提示里的东西不改变权重，换一个对话就没有了；要留在权重里得接着训练，而训练可能让模型忘掉别的。
- 伪标签来自模型自己；这里四次两升两降，同样的评论配真标签却四次都升。

还想动手：LoRA 的 `r` 改成 1 还学得会吗？只给 v 投影装呢？不遮提示（标签就是 `ids`），答对的和忘掉的各怎样变？

下一章：[第 10 章 翻译与摘要](10_seq2seq.ipynb)。
"""
# %% en [md]
r"""
Of the reviews kept, almost nine pseudo-labels in ten are right; yet with them added, two of four runs rise and two fall, each by less than two points as measured (the intervals reach down to −2.8). With true labels the same reviews bring over three and a half points in all four, with intervals above 0. So these reviews help with true labels, and their pseudo-labels do not bring that gain. One possible reason is that they mostly repeat what the model would say anyway, while the wrong ones, more than a tenth, are learnt as if they were right; there is no control here that tests this. Another model or another way of choosing may give another result; measure again.

## Summary

- What full fine-tuning changes in the matrices is concentrated in few directions: cut to rank 8, even to rank 1, it shows no difference on this validation set; but then, taking all of it back costs only about 2 points.
- LoRA trains 0.34 % of the parameters and stores 1.8 MB; it can be merged, or swapped. Here 48 letters show no difference from full fine-tuning in what was learnt, but LoRA forgot more; with one run each and learning rates that were not tuned, this is no verdict.
- Instruction tuning takes the loss on the answer alone: prompt and padding have the label −100.
- Prototypes and in-context learning train no parameter. On this small task, prototypes of MiniLM are above the prompts of SmolLM2 in every line, and worth trying first.
- What stands in the prompt changes no weight and is gone in the next session; to get it into the weights takes training, which may make the model forget other things.
- Pseudo-labels come from the model itself; here they raised the accuracy in two runs and lowered it in two, while true labels for the same reviews raised it in all four.

To try: can a LoRA with `r` = 1 still learn the task? One for the v projections alone? And without masking the prompt (labels equal to `ids`), what happens to the letters and to the forgetting?

Next: [chapter 10, sequence to sequence](10_seq2seq.ipynb).
"""

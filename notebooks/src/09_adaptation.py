# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% machine
import course_lib as cl
cl.start(lang="zh")

# %% zh [md]
r"""
上面那张是 TF-IDF：最有把握的一半里，近九成是对的；一起训练之后，四个种子有涨有跌，都在一两个点之内。
下面这张是 zh-bert：九成以上是对的，成绩原地不动。最有把握的，正是它本来就会的；错的那一成，又被它自己再学牢一遍。
没有标签的评论并非没用：8.7 节里预训练多出来的那两个点，就是从它们身上学来的，只是学的办法不同。**伪标签不是白捡的标签**，要在同一份卷子上量过才知道有没有用。

## 8.10 不必改动全部参数：LoRA

文档说微调就是“用少量标注数据，端到端地训练”。端到端是一种，不是唯一的一种。大模型动辄几十亿参数，全练一遍，光优化器的状态就装不下；每个任务存一份完整的模型，也存不起。

**低秩适配**（LoRA，Hu 等 2021，[arXiv:2106.09685](https://arxiv.org/abs/2106.09685)）的办法：原来的 $W$ 冻住，旁边加两块又窄又长的小矩阵，$W+\frac{\alpha}{r}BA$。$A$ 把输入压到 $r$ 维，$B$ 再升回来。
为什么行得通？看看刚才全量微调到底改了什么：取每个矩阵的改动 $\Delta W$，用它最好的秩 $r$ 近似（奇异值分解）代替。**拖动 r**，看三件事：改动的平方和留下多少，要存的数占原矩阵几成，200 条验证评论的准确率。先猜：256 × 256 的改动，要留几维？
"""
# %% en [md]
r"""
The first table is TF-IDF: of the half that it is surest of, almost nine in ten are right; after training on them some seeds are up and some down, within a point or two.
The second is zh-bert: more than nine in ten are right, and the score stays where it was. What a model is surest of is what it knows already, and the tenth that is wrong it now learns for good.
Reviews without labels are not useless: the two points that pre-training added in section 8.7 came from them, learnt in another way. **Pseudo-labels are not labels for free**; only the same exam, before and after, tells whether they help.

## 8.10 Not all parameters need change: LoRA

To fine-tune, says a document, is to “train end to end on a little labelled data”. That is one way, not the only one. Large models have billions of parameters: for training all of them the optimiser's state alone does not fit into memory, and a whole model for each task does not fit onto the disk.

**LoRA** (low-rank adaptation, Hu et al. 2021, [arXiv:2106.09685](https://arxiv.org/abs/2106.09685)) freezes $W$ and puts two small, long matrices beside it, $W+\frac{\alpha}{r}BA$. $A$ squeezes the input to $r$ numbers, $B$ brings it back.
Why does that do? Look at what full fine-tuning changed a moment ago: take the change $\Delta W$ of each matrix and put its best approximation of rank $r$ in its place (by singular value decomposition). **Drag r** and watch three things: how much of the square sum of the change is kept, how many numbers must be stored (as a share of the matrices), and the accuracy on 200 validation reviews. Guess first: of a change of 256 × 256, how many dimensions must stay?
"""
# %% training rows="E46"
before, after = Reviewer().state_dict(), {name: value.clone() for name, value in model.state_dict().items()}
matrices = [name for name in after if name.startswith("encoder.encoder") and after[name].dim() == 2]        # 24 of them
parts = {name: torch.linalg.svd(after[name] - before[name], full_matrices=False) for name in matrices}
few, probe = valid[400:460 if quick else 600], Reviewer()

def at_rank(rank):
    low = {name: before[name] + (U[:, :rank] * S[:rank]) @ V[:rank] for name, (U, S, V) in parts.items()}
    probe.load_state_dict({**after, **low})
    squares = torch.stack([torch.stack([(S[:rank] ** 2).sum(), (S ** 2).sum()]) for _, S, _ in parts.values()]).sum(0)
    numbers = sum(rank * sum(after[name].shape) for name in matrices) / sum(after[name].numel() for name in matrices)
    accuracy = float((predict(probe, few).argmax(1) == torch.tensor(labels(few))).float().mean())
    names = cl.L(zh="留下的改动|要存的数|准确率", en="change kept|numbers stored|accuracy")
    names = names.replace(" ", "\u00a0").split("|")
    return cl.viz.bars(dict(zip(names, (float(squares[0] / squares[1]), numbers, accuracy))))

cl.viz.explore(at_rank, rank=(0, 64, 8))

# %% zh [md]
r"""
r = 0 是把 24 个矩阵的改动全部撤掉（词嵌入和分类层还留着），准确率掉了三个点左右。只加回 1 维就回来大半，尽管改动的平方和才留下一半；200 条评论的区间有十个点宽，再往上就分不出高下了。
微调真正用到的改动，秩很低。那何必先练满再压缩？直接只练低秩的那部分就好。

## 练习 5 · LoRA 层

写 `lora_linear(x, W, A, B, alpha, bias=None)`：`x` 形状 [...,in]，`W` [out,in]，`A` [r,in]，`B` [out,r]。返回 $xW^\top+\frac{\alpha}{r}\,xA^\top B^\top$，`bias` 不是 `None` 就加上，形状 [...,out]。
例：$x=[1,2]$、$W=I$、$A=[[1,1]]$、$B=[[1],[2]]$、`alpha=2`：低秩那条路是 $3\to[3,6]$，乘 2，加上 $x$，得 [7, 14]。
"""
# %% en [md]
r"""
r = 0 takes back the changes of all 24 matrices (embeddings and head keep theirs), and about three points of accuracy go. One dimension alone brings most of them back, with only half of the change's square sum; 200 reviews make an interval ten points wide, and beyond that nothing can be told apart.
What fine-tuning really uses is of low rank. So why train all of it and compress? Train the low-rank part alone.

## Exercise 5 · A LoRA layer

Write `lora_linear(x, W, A, B, alpha, bias=None)`: `x` has shape [...,in], `W` [out,in], `A` [r,in], `B` [out,r]. Return $xW^\top+\frac{\alpha}{r}\,xA^\top B^\top$, plus `bias` unless it is `None`, of shape [...,out].
Example: for $x=[1,2]$, $W=I$, $A=[[1,1]]$, $B=[[1],[2]]$ and `alpha=2` the low-rank path gives $3\to[3,6]$; times 2, plus $x$, that is [7, 14].
"""
# %% exercise id="finetune.lora"
...
# %%
cl.check("finetune.lora")

# %% zh [md]
r"""
现在给 SmolLM2（1.35 亿参数）装上，练一件它不会的事：给店铺的来信分类，并且**只准用我们规定的六个词**回答。来信是为本课写的，共 120 封：48 封训练，24 封选设置，48 封测试。先看它原来怎么答：
"""
# %% en [md]
r"""
Now put it into SmolLM2 (135 million parameters) and train it for what it cannot do: sort letters to a shop and answer **in the six words of our house, no other**. The letters were written for this course, 120 of them: 48 to train on, 24 to choose settings by, 48 to be tested on. First, how it answers as it is:
"""
# %% training rows="E46"
smol, letters, KINDS = cl.load("smollm2-135m"), cl.text.requests(), cl.text.KINDS
smol.tokenizer.padding_side = "left"                            # so that the last position is the last word of every row
WORDS = [smol.tokenizer(" " + kind).input_ids[0] for kind in KINDS]          # each is one token
ask = lambda letter: f"Customer: {letter.text}\nKind:"

def batch_of(some):
    return {**smol.tokenizer([ask(letter) for letter in some], return_tensors="pt", padding=True),
            "labels": torch.tensor([WORDS[letter.label] for letter in some])}

def next_word(model, batch):
    rows = {name: batch[name].to(smol.device) for name in ("input_ids", "attention_mask")}
    return model(**rows, logits_to_keep=1).logits[:, -1].float()                                # [B, V]

@torch.inference_mode()
def sorts(model, some=letters.test[:12] if quick else letters.test):
    """Right or not, letter by letter: is the likeliest of all 49,152 tokens the word of our house?"""
    batches = [batch_of(some[at:at + 12]) for at in range(0, len(some), 12)]
    return [hit for batch in batches for hit in (next_word(model, batch).argmax(-1).cpu() == batch["labels"]).tolist()]

# %% training rows="E46"
print(", ".join(KINDS))
for letter in letters.test[:3]:
    print(f"{letter.text}  →", repr(smol.generate(ask(letter), max_new_tokens=6)))
untrained = sorts(smol.model)
print(cl.L(zh="原来答对：{0}", en="right as it is: {0}").format(share(untrained)))

# %% zh [md]
r"""
它不知道我们的规矩，一个也答不对，或者几乎。给 30 层里每一层的查询和值投影各加一个秩 8 的小旁路，其余全部冻住。
"""
# %% en [md]
r"""
It does not know the rules of our house and gets none right, or hardly any. Put a by-pass of rank 8 beside the query and value projections of each of the 30 layers, and freeze everything else.
"""
# %% training rows="E46"
lora_linear = cl.use("finetune.lora")

class LoRA(nn.Module):
    """A frozen linear layer with a low-rank path beside it; B is 0 at first, so nothing has changed yet."""
    def __init__(self, layer, r=8, alpha=16):
        super().__init__()
        self.layer, self.alpha = layer, alpha
        self.A = nn.Parameter(torch.randn(r, layer.in_features, device=layer.weight.device) / math.sqrt(layer.in_features))
        self.B = nn.Parameter(torch.zeros(layer.out_features, r, device=layer.weight.device))

    def forward(self, x):
        return lora_linear(x, self.layer.weight, self.A, self.B, self.alpha, self.layer.bias)

smol.model.requires_grad_(False)
for block in smol.model.model.layers:
    block.self_attn.q_proj, block.self_attn.v_proj = LoRA(block.self_attn.q_proj), LoRA(block.self_attn.v_proj)
total, trained = (sum(p.numel() for p in smol.model.parameters() if p.requires_grad >= flag) for flag in (False, True))
print(cl.L(zh="{1:,} 个参数里训练 {0:,} 个：{2:.2%}", en="{0:,} of {1:,} parameters train: {2:.2%}").format(trained, total, trained / total))

# %% training rows="E46"
rounds = [random.Random(epoch).sample(letters.train, 48) for epoch in range(5)]
lessons = [batch_of(some[at:at + 6]) for some in rounds for at in range(0, 48, 6)]
history = cl.fit(smol.model, lessons, steps=4 if quick else 40, lr=2e-3, weight_decay=0.0, precision="float32",
                 loss=lambda model, batch: F.cross_entropy(next_word(model, batch), batch["labels"]))
smol.model.eval()
lora_hits = sorts(smol.model)
print(cl.L(zh="之前 {0}    之后 {1}", en="before {0}    after {1}").format(share(untrained), share(lora_hits)))

# %% zh [md]
r"""
动了不到千分之四的参数、几十步，从一个不会到约九成。卷子只有 48 题，区间有近二十个百分点宽，别把它当成“约等于满分”。也先别急着高兴：8.11 节会看到，不训练也能做到差不多。

（和全量微调相比，LoRA 省的是优化器的内存和每个任务要存的数；前向计算一点没省，反传也只省了一部分，所以每步并没有快 300 倍。）

## 练习 6 · 合并

训练完可以把旁路并回去，推理时一点不慢。写 `lora_merge(W, A, B, alpha)`，返回 $W+\frac{\alpha}{r}BA$，是新的张量，不能改动 `W`。
然后拿业界通用的 `peft` 库来对答案：同样的 A、B 装进去，输出应该一样；它合并出来的权重，应该等于你的。
"""
# %% en [md]
r"""
With fewer than four parameters in a thousand and some dozens of steps it went from none to about nine in ten. The exam has 48 letters, and the interval is almost twenty points wide; do not take it for “practically all”. And do not rejoice too soon: section 8.11 comes close without any training.

(What LoRA saves, compared with full fine-tuning, is the optimiser's memory and the numbers to store for each task. The forward pass is no cheaper and the backward pass only in part, so a step is by no means 300 times as fast.)

## Exercise 6 · Merging

After training the by-pass can be merged, and inference is not slowed at all. Write `lora_merge(W, A, B, alpha)`; return $W+\frac{\alpha}{r}BA$, a new tensor, with `W` left as it is.
Then check against `peft`, the library that everyone uses: with the same A and B its output should be the same, and what it merges should equal yours.
"""
# %% exercise id="finetune.lora_merge"
...
# %%
cl.check("finetune.lora_merge")

# %% training rows="E46"
import warnings
from peft import LoraConfig, get_peft_model
warnings.simplefilter("ignore", FutureWarning)                  # peft still uses an old name of transformers
theirs = get_peft_model(cl.load("smollm2-135m").model, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]))
state = theirs.state_dict()
for name, layer in smol.model.named_modules():
    if isinstance(layer, LoRA):
        state[f"base_model.model.{name}.lora_A.default.weight"].copy_(layer.A.detach())
        state[f"base_model.model.{name}.lora_B.default.weight"].copy_(layer.B.detach())

# %% training rows="E46"
lora_merge = cl.use("finetune.lora_merge")
print("peft trains as many parameters:", sum(p.numel() for p in theirs.parameters() if p.requires_grad) == trained)
question = batch_of(letters.test[:4])
with torch.inference_mode():
    ours, its = next_word(smol.model, question), next_word(theirs.eval(), question)
    print("same output as peft:", torch.allclose(ours, its, atol=1e-3))
    mine = smol.model.model.layers[0].self_attn.q_proj
    merged = theirs.merge_and_unload()
    weight = merged.model.layers[0].self_attn.q_proj.weight
    print("same merged weight: ", torch.allclose(lora_merge(mine.layer.weight, mine.A, mine.B, 16), weight, atol=1e-5))

# %% zh [md]
r"""
于是“一个大模型，许多个小旁路”：底座只存一份，每个任务只存几十万个数（这里 1.8 MB），随用随换。

## 8.11 一个参数也不练：看几个例子就会

还有两条路，连训练都不要。

**原型**：元学习里的原型网络（Snell 等 2017，[arXiv:1703.05175](https://arxiv.org/abs/1703.05175)）思路很简单：每一类的几个例子，句向量平均成一个“原型”，新来的离谁近就是谁。这里用现成的句向量模型 MiniLM，不再训练。
先猜：每类只给 1 个例子，六选一能对几成？
"""
# %% en [md]
r"""
Hence “one large model, many small by-passes”: the base is stored once, a task is some hundred thousand numbers (1.8 MB here), swapped at will.

## 8.11 Not one parameter: a few examples will do

There are two more ways, without any training.

**Prototypes**: the idea of prototypical networks, from meta-learning (Snell et al. 2017, [arXiv:1703.05175](https://arxiv.org/abs/1703.05175)), is simple: average the sentence vectors of a class's few examples into a “prototype”; a newcomer belongs to the nearest one. Here the vectors come from MiniLM as it is; nothing is trained.
Guess first: with 1 example of each kind, how many of the letters are sorted right, one kind out of six?
"""
# %% rows="R84"
minilm = cl.load("minilm-l6")

@torch.inference_mode()
def letter_vectors(some):
    rows = minilm.tokenizer([letter.text for letter in some], return_tensors="pt", padding=True).to(minilm.device)
    pooled = mean_pool(minilm.model(**rows).last_hidden_state, rows["attention_mask"])
    return F.normalize(torch.as_tensor(pooled), dim=-1).cpu()                                   # [N, 384], of length 1

known_vectors, test_vectors = letter_vectors(letters.train), letter_vectors(letters.test)
known_kinds, test_kinds = torch.tensor(labels(letters.train)), torch.tensor(labels(letters.test))

def prototypes(shots, seed):
    """Right or not, for 48 letters, with `shots` random examples of each kind."""
    chosen = [random.Random(seed).sample((known_kinds == kind).nonzero()[:, 0].tolist(), shots) for kind in range(6)]
    means = torch.stack([F.normalize(known_vectors[rows].mean(0), dim=0) for rows in chosen])   # [6, 384]
    return (test_vectors @ means.T).argmax(-1) == test_kinds

# %% rows="R84"
by_shots = {shots: [float(prototypes(shots, seed).float().mean()) for seed in range(20)] for shots in (1, 2, 4, 8)}
for shots, scores in by_shots.items():
    line = cl.L(zh="每类 {0} 个：答对 {1:.0%}；20 次抽样里从 {2:.0%} 到 {3:.0%}",
                en="{0} of each kind: {1:.0%} right; of 20 draws {2:.0%} to {3:.0%}")
    print(line.format(shots, np.mean(scores), min(scores), max(scores)))

# %% zh [md]
r"""
**上下文学习**：把例子写进提示，模型接着往下写（GPT-3 的论文标题就叫 *Language Models are Few-Shot Learners*，Brown 等 2020，[arXiv:2005.14165](https://arxiv.org/abs/2005.14165)）。参数一个没动，例子一拿走，什么也没学到。
SmolLM2 只有 GPT-3 的千分之一大。先猜：它跟得上吗？
"""
# %% en [md]
r"""
**In-context learning**: write the examples into the prompt, and the model carries on (the paper on GPT-3 is called *Language Models are Few-Shot Learners*, Brown et al. 2020, [arXiv:2005.14165](https://arxiv.org/abs/2005.14165)). Not one parameter moves; take the examples away and nothing has been learnt.
SmolLM2 is a thousandth of GPT-3's size. Guess first: can it keep up?
"""
# %% training rows="R30"
smol = cl.load("smollm2-135m")                                  # as it came, without our by-pass

def examples(shots, seed):
    """`shots` letters of each kind with their answers, shuffled: a list of texts."""
    chance = random.Random(seed)
    some = [letter for kind in range(6) for letter in chance.sample([x for x in letters.train if x.label == kind], shots)]
    return [f"{ask(letter)} {KINDS[letter.label]}\n\n" for letter in chance.sample(some, len(some))]

def with_examples(text, shots):
    letter = cl.text.Request(text, 0)
    best = smol.likely("<|endoftext|>" + "".join(examples(int(shots), 0)) + ask(letter), 6)
    return cl.viz.bars(best, mark=next((word for word in best if word.strip() in KINDS), None))

cl.viz.explore(with_examples, text="The kettle leaks on the table.", shots=["1", "0", "2", "4"])

# %% training rows="R30"
@torch.inference_mode()
def in_context():
    """SmolLM2 after 0 to 8 examples of every kind, three draws: how often its next word is right on 48 test letters."""
    rows = []
    for shots, seed in tqdm([(shots, seed) for shots in (0, 1, 2, 4, 8) for seed in range(3)], **bar):
        shown = examples(shots, seed)
        ids = smol.tokenizer("<|endoftext|>" + "".join(shown), return_tensors="pt").input_ids.to(smol.device)
        memory, free, choice = smol.model(ids, use_cache=True).past_key_values, [], []
        for letter in letters.test:
            question = smol.tokenizer(ask(letter), return_tensors="pt").input_ids.to(smol.device)
            logits = smol.model(question, past_key_values=memory).logits[0, -1]
            memory.crop(-question.shape[1])
            free.append(int(logits.argmax()) == WORDS[letter.label])
            choice.append(int(logits[WORDS].argmax()) == letter.label)
        rows.append({"shots": shots, "seed": seed, "free": sum(free), "choice": sum(choice)})
    return rows
# %% rows="R30 R84"
by_prompt = cl.results.stored("08_in_context", in_context)
rows = []
for shots in (0, 1, 2, 4, 8):
    hits = [row for row in by_prompt if row["shots"] == shots]
    prompt = [f"{sum(row[kind] for row in hits) / (48 * len(hits)):.0%}" for kind in ("free", "choice")]
    rows.append((shots, f"{np.mean(by_shots[shots]):.0%}" if shots else "–", prompt[1], prompt[0]))
title = cl.L(zh="每类几个例子|原型（MiniLM）|提示（SmolLM2，六选一）|提示（SmolLM2，随便答）",
             en="examples of each kind|prototypes (MiniLM)|prompt (SmolLM2, one of six)|prompt (SmolLM2, any word)")
cl.viz.table(rows, header=title.split("|"), right=(0, 1, 2, 3))

# %%
cl.progress()

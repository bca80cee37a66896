"""lm.greedy: greedy decoding."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import IntList
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE", "ToyModel"]


def greedy(next_logits, prompt, max_new_tokens, eos_id):
    """Greedy decoding.

    next_logits: callable, list of ids -> logits [V] of the next one; prompt: list of ids. Returns the prompt and up to
    max_new_tokens new ids as a list; stops after appending a new eos_id, whatever the prompt holds.
    """
    ids = list(prompt)
    for _ in range(max_new_tokens):
        best = int(next_logits(ids).argmax())
        ids.append(best)
        if best == eos_id:
            break
    return ids


def greedy_while(next_logits, prompt, max_new_tokens, eos_id):
    new = []
    while len(new) < max_new_tokens and eos_id not in new:
        scores = next_logits(prompt + new).tolist()
        new.append(max(range(len(scores)), key=scores.__getitem__))
    return prompt + new


def greedy_recursive(next_logits, prompt, max_new_tokens, eos_id):
    if max_new_tokens == 0:
        return prompt[:]
    best = torch.argmax(torch.softmax(next_logits(prompt), -1)).item()
    return prompt + [best] if best == eos_id else greedy_recursive(next_logits, [*prompt, best], max_new_tokens - 1, eos_id)


def greedy_numpy(next_logits, prompt, max_new_tokens, eos_id):
    import numpy as np
    out = prompt.copy()
    while max_new_tokens > 0:
        out += [np.argmax(next_logits(out).numpy())]
        max_new_tokens -= 1
        if out[-1] == eos_id:
            max_new_tokens = 0
    return out


def greedy_tensor(next_logits, prompt, max_new_tokens, eos_id):
    ids = torch.tensor(prompt, dtype=torch.long)
    for _ in range(max_new_tokens):
        following = next_logits(ids.tolist()).topk(1).indices
        ids = torch.cat([ids, following])
        if following == eos_id:
            break
    return ids.tolist()


def greedy_generator(next_logits, prompt, max_new_tokens, eos_id):
    def new_ids(ids):
        while True:
            best = max(enumerate(next_logits(ids)), key=lambda pair: pair[1])[0]
            ids = [*ids, best]
            yield best
            if best == eos_id:
                return
    return [*prompt, *(best for _, best in zip(range(max_new_tokens), new_ids(list(prompt))))]


def _one_call(next_logits, prompt, max_new_tokens, eos_id):
    best = next_logits(prompt).argsort(descending=True)[:max_new_tokens].tolist()
    return prompt + (best[:best.index(eos_id) + 1] if eos_id in best else best)


class ToyModel:
    """A deterministic toy model: its logits depend on the whole context. `script` forces the next ids in turn."""

    def __init__(self, vocab: int, seed: int, script: tuple[int, ...] = (), start: int = 0, low: bool = False):
        self.vocab, self.seed, self.script, self.start, self.low = vocab, seed, script, start, low
        self.__name__ = "model"

    def __call__(self, ids):
        if not isinstance(ids, (list, tuple)):
            raise TypeError(f"next_logits takes a list of ids, not {type(ids).__name__} / next_logits 的参数是 id 的列表")
        ids, value = [int(i) for i in ids], self.seed
        for i in ids:
            value = (value * 31 + i * 7919 + 17) % 1_000_003
        order = torch.randperm(self.vocab, generator=torch.Generator().manual_seed(value)).float()
        step = len(ids) - self.start
        if 0 <= step < len(self.script):
            order[self.script[step]] = self.vocab + 1.0
        return order * 0.7 - (20.0 if self.low else 1.0)


def _greedy_cases(draw: Draw) -> list[Case]:
    seed, stop = draw.int(0, 99_999), L(zh="遇到 eos 停止", en="stopping at eos")
    never = tuple(draw.ints(8, 12).tolist())
    return [
        Case(L(zh="3 步，没有 eos", en="3 steps, no eos"), (ToyModel(5, seed, (2, 0, 3), 1), [1], 3, 4)),
        Case(L(zh="10 步，没有 eos", en="10 steps, no eos"), (ToyModel(9, seed + 1, never, 4), [3, 1, 4, 1], 10, 8)),
        Case(L(zh="第 3 步是 eos", en="eos at step 3"), (ToyModel(6, seed + 2, (1, 4, 5, 2, 3, 1), 2), [0, 2], 6, 5), stop),
        Case(L(zh="第一步就是 eos", en="eos at once"), (ToyModel(6, seed + 3, (3, 1, 2, 0), 3), [1, 1, 2], 4, 3), stop),
        Case(L(zh="最后一步是 eos", en="eos at the last step"), (ToyModel(7, seed + 4, (6, 5, 0), 1), [2], 3, 0), stop),
        Case(L(zh="提示以 eos 结尾", en="a prompt that ends in eos"), (ToyModel(6, seed + 5, (1, 2, 0, 4), 3), [5, 0, 5], 4, 5),
                L(zh="提示里的 eos", en="eos inside the prompt")),
        Case(L(zh="提示的中间有 eos", en="eos in the middle of the prompt"), (ToyModel(6, seed + 8, (3, 1, 4, 2), 3), [0, 5, 2], 4, 5),
                L(zh="提示里的 eos", en="eos inside the prompt")),
        Case(L(zh="max_new_tokens=0", en="max_new_tokens=0"), (ToyModel(4, seed + 6), [2, 0], 0, 3),
                L(zh="max_new_tokens=0", en="max_new_tokens=0")),
        Case(L(zh="分数全为负", en="all scores negative"), (ToyModel(8, seed + 7, (7, 3, 5, 1), 1, low=True), [6], 4, 0)),
    ]


_LOOP = L(zh="看看循环里每一步的次序：取最大、追加、判断停止。", en="Look at the order inside the loop: take the best, append it, decide to stop.")

EXERCISE = Exercise(
    id="lm.greedy", title=L(zh="贪心生成", en="Greedy decoding"), reference=greedy, returns=IntList(), cases=_greedy_cases,
    hints=(
        L(zh="每一步：把目前所有的词交给 `next_logits`，取分数最大的编号，接到末尾。",
                en="At each step: give all ids so far to `next_logits`, take the index of the largest score, put it at the end."),
        L(zh="停止有两种：新词用完了 max_new_tokens，或刚接上的词是 eos。先接上，再判断。",
                en="There are two ways to stop: max_new_tokens is used up, or the id just appended is eos. Append first, then decide."),
        L(zh="在 prompt 的副本上追加：`ids = list(prompt)`，否则调用者的列表会变长。",
                en="Append to a copy of the prompt, `ids = list(prompt)`; otherwise the caller's list grows."),
    ),
    mistakes=(
        Mistake("greedy-no-eos", L(zh="遇到 eos 没有停", en="it does not stop at eos"), _LOOP,
                ("            break", "            pass"),
                skill="edge"),
        Mistake("greedy-drops-eos", L(zh="停在 eos 之前，没有把 eos 接上", en="it stops before appending eos"), _LOOP,
                ("        ids.append(best)\n        if best == eos_id:\n            break",
                        "        if best == eos_id:\n            break\n        ids.append(best)"), skill="edge"),
        Mistake("greedy-new-only", L(zh="只返回了新生成的词，没有 prompt",
                en="only the new ids are returned, without the prompt"),
                L(zh="返回值里要有 prompt。", en="The result begins with the prompt."),
                ("return ids", "return ids[len(prompt):]"), skill="edge", hint=1),
        Mistake("greedy-inplace", L(zh="在调用者的 prompt 上就地追加", en="it appends to the caller's prompt itself"),
                L(zh="`ids = prompt` 没有复制。", en="`ids = prompt` makes no copy."),
                ("ids = list(prompt)", "ids = prompt"), skill="alias", hint=3),
        Mistake("greedy-last-only", L(zh="只把最后一个词交给了模型", en="the model sees only the last id"),
                L(zh="交给 next_logits 的是什么？", en="What is given to next_logits?"),
                ("next_logits(ids)", "next_logits(ids[-1:])"), skill="shift", hint=1),
        Mistake("greedy-prompt-only", L(zh="每一步都只把 prompt 交给模型，没有带上新词",
                en="the model sees only the prompt at every step"),
                L(zh="交给 next_logits 的是什么？", en="What is given to next_logits?"),
                ("next_logits(ids)", "next_logits(list(prompt))"), skill="shift", hint=1),
        Mistake("greedy-total-length", L(zh="把 max_new_tokens 当成了总长度",
                en="max_new_tokens is taken as the total length"),
                L(zh="max_new_tokens 只数新词。", en="max_new_tokens counts new ids only."),
                ("range(max_new_tokens)", "range(max_new_tokens - len(prompt))"), skill="count"),
        Mistake("greedy-one-more", L(zh="多生成了一个词", en="one id too many is generated"), _LOOP,
                ("range(max_new_tokens)", "range(max_new_tokens + 1)"), skill="shift"),
        Mistake("greedy-one-less", L(zh="少生成了一个词", en="one id too few is generated"), _LOOP,
                ("range(max_new_tokens)", "range(max_new_tokens - 1)"), skill="shift"),
        Mistake("greedy-stops-at-0", L(zh="遇到 0 就停，没有用 eos_id", en="it stops at id 0, whatever eos_id"),
                _LOOP,
                ("if best == eos_id:", "if best == 0:"), skill="edge"),
        Mistake("greedy-one-call", L(zh="只调用了一次模型，取了前几名",
                en="the model is called once and its best few ids are taken"),
                L(zh="每接上一个词，都要再问一次模型。",
                en="Every appended id calls for a new question to the model."),
                program=lambda next_logits, prompt, max_new_tokens,
                eos_id: _one_call(next_logits, prompt, max_new_tokens, eos_id),
                        skill="rank", hint=1),
        Mistake("greedy-worst", L(zh="取了分数最小的词", en="the id with the smallest score is taken"),
                L(zh="argmax 还是 argmin？", en="argmax or argmin?"), ("argmax", "argmin"), skill="rank", hint=1),
        Mistake("greedy-eos-in-prompt", L(zh="prompt 里有 eos 就停了", en="an eos inside the prompt stops it"),
                L(zh="只有刚接上的词是 eos 才停。", en="Only an eos that was just appended ends the text."),
                ("if best == eos_id:", "if eos_id in ids:"), skill="edge",
                also=((("        best = int", "        if eos_id in ids:\n            break\n        best = int"),
                       ("        if best == eos_id:\n            break\n", "")),)),
        Mistake("greedy-samples", L(zh="按概率抽样而不是取最大", en="it samples instead of taking the best"),
                L(zh="贪心没有随机。", en="Greedy has no randomness in it."),
                ("int(next_logits(ids).argmax())", "int(torch.multinomial(next_logits(ids).softmax(-1), 1))"),
                skill="rank", hint=1),
        Mistake("greedy-at-least-one", L(zh="max_new_tokens=0 时也生成了一个词",
                en="one id is generated even at max_new_tokens=0"),
                L(zh="先判断还能不能生成，再生成。", en="Ask whether another id is allowed before making one."),
                ("range(max_new_tokens)", "range(max(max_new_tokens, 1))"), skill="edge"),
        Mistake("greedy-eos-ends-prompt", L(zh="prompt 的末尾是 eos 时，一个词也没有生成",
                en="a prompt that ends in eos gets no new ids"),
                L(zh="只有刚生成的词是 eos 才停；prompt 里的不算。",
                en="Only a newly generated eos ends the text; one in the prompt does not."),
                ("        best = int", "        if ids[-1] == eos_id:\n            break\n        best = int"),
                ("        if best == eos_id:\n            break\n", ""), skill="edge"),
        Mistake("greedy-tensor", L(zh="返回的是张量，不是列表", en="a tensor is returned, not a list"),
                L(zh="题目要的是列表。", en="The task asks for a list."), ("return ids", "return torch.tensor(ids)"),
                skill="formula", hint=1),
        Mistake("greedy-new-context", L(zh="交给模型的只有新生成的词，没有 prompt",
                en="the model sees only the new ids, without the prompt"),
                L(zh="交给 next_logits 的是什么？", en="What is given to next_logits?"),
                ("next_logits(ids)", "next_logits(ids[len(prompt):])"), skill="shift", hint=1),
        Mistake("greedy-tensor-input", L(zh="交给 next_logits 的是张量，不是列表",
                en="next_logits is given a tensor, not a list"),
                L(zh="next_logits 要的是 id 的列表。", en="next_logits takes a list of ids."),
                ("next_logits(ids)", "next_logits(torch.tensor(ids))"), skill="formula", hint=1,
                also=((("next_logits(ids)", "next_logits(torch.tensor([ids]))"),),)),
        Mistake("greedy-second-best", L(zh="取了分数第二的词", en="the id with the second largest score is taken"),
                L(zh="`topk` 和 `argsort` 的第 0 个才是最大的。",
                en="In `topk` and a descending `argsort` the largest stands at index 0."),
                ("int(next_logits(ids).argmax())", "int(next_logits(ids).topk(2).indices[1])"), skill="rank", hint=1),
        Mistake("greedy-value", L(zh="接上的是最大的分数，不是它的编号",
                en="the largest score is appended, not its index"),
                L(zh="`max` 给分数，`argmax` 给编号。", en="`max` gives the score, `argmax` the index."),
                ("int(next_logits(ids).argmax())", "int(next_logits(ids).max())"), skill="rank", hint=1,
                also=((("int(next_logits(ids).argmax())", "float(next_logits(ids).max())"),),)),
        Mistake("greedy-no-repeat", L(zh="已经出现过的词不再选", en="ids that occur already are never chosen again"),
                L(zh="贪心只看分数，不管词有没有出现过。",
                en="Greedy looks at the scores alone, whether or not an id occurred before."),
                ("next_logits(ids).argmax()",
                "next_logits(ids).index_fill(0, torch.tensor(ids), -math.inf).argmax()"), skill="edge"),
        Mistake("greedy-no-limit", L(zh="没有用 max_new_tokens，一直生成到 eos",
                en="max_new_tokens is not used: it goes on until eos"), _LOOP,
                ("range(max_new_tokens)", "range(1000)"), skill="edge"),
    ),
    alternatives=(greedy_while, greedy_recursive, greedy_numpy, greedy_tensor, greedy_generator,
            (("int(next_logits(ids).argmax())", "next_logits(ids).argmax()"),)),
    think=L(zh="每一步都最好，整句也最好吗？", en="Is the text best when every step is?"),
)

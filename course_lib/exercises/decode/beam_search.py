"""decode.beam_search: the best of `width` unfinished texts at every step."""
from __future__ import annotations

import heapq
import math

import torch

from ...i18n import L
from ..engine.contract import IntList, Scalar, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def beam_search(next_log_probs, prompt, width, max_new_tokens, eos_id, alpha=1.0):
    """Beam search -> (prompt + best new ids, sum / len ** alpha), len with eos.

    next_log_probs: callable, list prompt + new ids -> log-probabilities [V]. A step keeps the `width` best sums of all extensions above -inf; those
    that end in eos are finished, the others go on to max_new_tokens and compete too. Ties: earlier beam, lower id, earlier finish. max_new_tokens = 0:
    (prompt, 0.0); no extension left and nothing finished: (prompt, -inf); width < 1: ValueError, first.

    Steps: list all extensions; sort; keep; part by eos; at the end compare them all.
    """
    if width < 1:
        raise ValueError("width must be at least 1")
    beams, finished = [([], 0.0)], []                        # (new ids, sum) each
    for _ in range(max_new_tokens):
        longer = []
        for ids, total in beams:
            for id, log_p in enumerate(next_log_probs(prompt + ids).tolist()):
                longer.append((ids + [id], total + log_p))
        longer.sort(key=lambda beam: beam[1], reverse=True)  # equals stay in order
        kept = [beam for beam in longer[:width] if beam[1] > -math.inf]
        finished += [beam for beam in kept if beam[0][-1] == eos_id]
        beams = [beam for beam in kept if beam[0][-1] != eos_id]
    scored = [(ids, s / max(len(ids), 1) ** alpha) for ids, s in finished + beams]
    best = max(scored, key=lambda pair: pair[1], default=([], -math.inf))
    return prompt + best[0], best[1]


def beam_topk(next_log_probs, prompt, width, max_new_tokens, eos_id, alpha=1.0):
    """One sort over a table [beams, V]."""
    if width <= 0:
        raise ValueError("width")
    live, sums, ended = [[]], torch.zeros(1, dtype=torch.float64), []
    for step in range(1, max_new_tokens + 1):
        if not live:
            break
        table = torch.stack([next_log_probs(list(prompt) + new) for new in live]).double() + sums[:, None]        # (beams, V)
        values, places = table.flatten().sort(descending=True, stable=True)
        chosen = [(live[int(at) // table.shape[1]] + [int(at) % table.shape[1]], float(value))
                  for value, at in zip(values[:width], places[:width]) if value != -math.inf]
        ended += [(value / step ** alpha, new) for new, value in chosen if new[-1] == eos_id]
        going = [(new, value) for new, value in chosen if new[-1] != eos_id]
        live, sums = [new for new, _ in going], torch.tensor([value for _, value in going], dtype=torch.float64)
    if max_new_tokens == 0:
        return list(prompt), 0.0
    ended += [(value / max_new_tokens ** alpha, new) for new, value in zip(live, sums.tolist())]
    best = (-math.inf, [])
    for value, new in ended:
        if value > best[0]:
            best = (value, new)
    return list(prompt) + best[1], best[0]


def beam_heap(next_log_probs, prompt, width, max_new_tokens, eos_id, alpha=1.0):
    if width < 1:
        raise ValueError
    beams, best = [(0.0, prompt)], (0.0, prompt) if max_new_tokens == 0 else (-math.inf, prompt)
    for length in range(1, max_new_tokens + 1):
        options = ((total + p, ids + [i]) for total, ids in beams for i, p in enumerate(next_log_probs(ids).tolist()) if p > -math.inf)
        beams = heapq.nlargest(width, options, key=lambda option: option[0])
        for total, ids in beams:
            if ids[-1] == eos_id and total / length ** alpha > best[0]:
                best = (total / length ** alpha, ids)
        beams = [(total, ids) for total, ids in beams if ids[-1] != eos_id]
    for total, ids in beams if max_new_tokens else []:
        if total / max_new_tokens ** alpha > best[0]:
            best = (total / max_new_tokens ** alpha, ids)
    return best[1], best[0]


def beam_recursive(next_log_probs, prompt, width, max_new_tokens, eos_id, alpha=1.0):
    if width < 1:
        raise ValueError("width < 1")

    def go(beams, left, ended):
        if left == 0 or not beams:
            return ended + beams
        options = [(ids + (i,), total + float(p)) for ids, total in beams for i, p in enumerate(next_log_probs([*prompt, *ids]))]
        options = sorted((o for o in options if o[1] != -math.inf), key=lambda o: -o[1])[:width]
        return go([o for o in options if o[0][-1] != eos_id], left - 1, ended + [o for o in options if o[0][-1] == eos_id])

    ranked = sorted(go([((), 0.0)], max_new_tokens, []), key=lambda o: -o[1] / (len(o[0]) or 1) ** alpha)
    return ([*prompt, *ranked[0][0]], ranked[0][1] / (len(ranked[0][0]) or 1) ** alpha) if ranked else ([*prompt], -math.inf)


def beam_negative(next_log_probs, prompt, width, max_new_tokens, eos_id, alpha=1.0):
    """Surprisals, to be small, in tuples that Python orders by itself: surprisal, place of the beam, id."""
    if width < 1:
        raise ValueError("width")
    beams, done = [(0.0, prompt[:])], []
    for step in range(max_new_tokens):
        costs = []
        for place, (cost, text) in enumerate(beams):
            costs += [(cost - float(p), place, i) for i, p in enumerate(next_log_probs(text)) if float(p) > -math.inf]
        grown = [(cost, beams[place][1] + [i]) for cost, place, i in sorted(costs)[:width]]
        done += [(cost / (step + 1) ** alpha, step, n, text) for n, (cost, text) in enumerate(grown) if text[-1] == eos_id]
        beams = [(cost, text) for cost, text in grown if text[-1] != eos_id]
    done += [(cost / max(max_new_tokens, 1) ** alpha, max_new_tokens, n, text) for n, (cost, text) in enumerate(beams)]
    cost, _, _, text = min(done, default=(math.inf, 0, 0, prompt[:]))
    return text, -cost if cost else 0.0


class ToyLM:
    """Log-probabilities that depend on the whole context; some of them, drawn once, make eos likelier or other ids impossible."""

    def __init__(self, vocab: int, seed: int, eos: int, bias: float = 0.0, dead: int | None = None):
        self.vocab, self.seed, self.eos, self.bias, self.dead = vocab, seed, eos, bias, dead
        self.__name__ = "model"

    def __call__(self, ids):
        if not isinstance(ids, (list, tuple)):
            raise TypeError(f"next_log_probs takes a list of ids, not {type(ids).__name__} / next_log_probs 的参数是 id 的列表")
        value = self.seed
        for i in ids:
            value = (value * 31 + int(i) * 7919 + 17) % 1_000_003
        logits = torch.randn(self.vocab, generator=torch.Generator().manual_seed(value))
        logits[self.eos] += self.bias
        if self.dead is not None and len(ids) >= self.dead:
            logits[:] = -math.inf
        return logits.log_softmax(0) if logits.isfinite().any() else logits


class Table:
    """Log-probabilities by the last id alone, in numbers that add up without rounding."""

    def __init__(self, rows: list[list[float]]):
        self.rows = rows
        self.__name__ = "model"

    def __call__(self, ids):
        return torch.tensor(self.rows[ids[-1] if ids else 0])


def _cases(draw: Draw) -> list[Case]:
    seed = draw.int(0, 99_999)
    lengths, wide, ties = L(zh="长短不同的结果", en="results of different lengths"), L(zh="束宽", en="the width"), L(zh="并列", en="ties")
    edge, none = L(zh="max_new_tokens=0", en="max_new_tokens=0"), L(zh="没有可走的路", en="no way to go on")
    inf = math.inf
    task = Table([[-inf] * 3, [math.log(.1), math.log(.1), math.log(.8)], [math.log(.5), math.log(.3), math.log(.2)]])
    # Every hypothesis of one step has the same sum; id 0 is eos.
    level = Table([[-1.0, -1.0, -1.0], [-2.0, -1.0, -1.0], [-1.0, -2.0, -1.0]])
    late = Table([[-9.0, -9.0, -9.0], [-9.0, -1.0, -4.0], [-1.0, -4.0, -9.0]])
    fall4 = [-9.0] * 4
    met = Table([fall4, [-1.0, -1.0, -3.0, -5.0], fall4, fall4])
    dead = Table([[-inf, -1.0, -2.0], [-inf, -inf, -inf], [-inf, -inf, -inf]])
    half = Table([[-3.0, -1.0, -2.0], [-inf, -inf, -inf], [-2.0, -inf, -inf]])
    fall = [-9.0] * 3
    short, long, second = Table([fall, [-1.0, -9.0, -9.0], [-1.5, -0.7, -9.0]]), Table([fall, [-1.0, -9.0, -9.0], [-2.0, -0.5, -9.0]]), Table(
        [fall, [-2.0, -2.5, -3.0], [-1.2, -1.0, -9.0]])
    beside = Table([fall4, [-1.0, -9.0, -9.0, -9.0], [-3.0, -9.0, -0.05, -9.0], [-0.5, -1.0, -1.1, -9.0]])
    random = [
        Case(L(zh=f"随机模型 {n}：束宽 {width}，alpha={alpha:g}", en=f"random model {n}: width {width}, alpha={alpha:g}"),
             (ToyLM(V, seed + 101 * n, eos, bias), prompt, width, steps, eos, alpha), lengths if alpha else wide)
        for n, (V, prompt, width, steps, eos, bias, alpha) in enumerate([
            (4, [1], 2, 3, 0, 0.0, 1.0), (5, [2, 4], 3, 4, 3, 0.5, 1.0), (5, [1, 0, 1], 2, 5, 4, 0.8, 0.6), (6, [3], 4, 4, 5, 0.5, 1.0),
            (4, [0, 3], 3, 5, 2, 0.5, 2.0), (5, [4, 1], 2, 4, 0, 0.3, 0.0), (6, [2, 2, 5], 5, 3, 1, 0.4, 0.0), (4, [1, 2], 1, 5, 3, 0.4, 1.0),
            (5, [3, 0], 3, 6, 1, 0.9, 1.0), (4, [2], 2, 6, 0, 0.7, 0.7), (6, [5, 1], 3, 4, 2, 0.2, 1.0), (5, [0, 1, 2, 3], 2, 5, 4, 0.6, 1.0),
            (5, [1], 4, 5, 2, 1.0, 0.5), (6, [4], 2, 4, 3, 1.2, 1.0)], start=1)]
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (task, [2], 2, 3, 0, 0.0)),
        *random,
        Case(L(zh="早结束的总和大，晚结束的平均大", en="the early finish has the larger sum, the late one the larger mean"), (short, [2], 2, 3, 0, 1.0), lengths),
        Case(L(zh="晚结束的总和、平均都大", en="the late finish has the larger sum and the larger mean"), (long, [2], 2, 3, 0, 1.0), lengths),
        Case(L(zh="束宽 1，eos 排第二", en="width 1, eos is second"), (second, [2], 1, 3, 0, 0.0), wide),
        Case(L(zh="eos 占了一个位置", en="eos takes one of the places"), (beside, [3], 2, 4, 0, 1.0), wide),
        Case(L(zh="处处并列", en="ties everywhere"), (level, [0], 2, 3, 0, 1.0), ties),
        Case(L(zh="处处并列，束宽 4，没有长度归一", en="ties everywhere, width 4, no length normalisation"), (level, [0, 2], 4, 2, 0, 0.0), ties),
        Case(L(zh="先结束的和后结束的并列", en="an earlier and a later finish tie"), (late, [1], 2, 2, 0, 1.0), ties),
        Case(L(zh="结束的和没结束的并列", en="a finished and an unfinished one tie"), (met, [1], 3, 1, 0, 1.0), ties),
        Case(L(zh="max_new_tokens=0", en="max_new_tokens=0"), (ToyLM(4, seed, 0), [3, 1], 2, 0, 0), edge),
        Case(L(zh="走到头了，什么也没有结束", en="a dead end with nothing finished"), (dead, [0], 2, 4, 0), none),
        Case(L(zh="一条路走到头，另一条结束了", en="one way ends dead, the other finishes"), (half, [0], 2, 4, 0, 0.5), none),
        Case(L(zh="第一步就走不下去", en="no way on at the first step"), (ToyLM(3, seed, 0, dead=0), [1], 3, 3, 0), none),
        Case(L(zh="束宽比可能的多", en="a width beyond all possibilities"), (ToyLM(3, seed + 7, 1), [2, 1], 20, 2, 1), wide),
        Case(L(zh="width=0", en="width=0"), (ToyLM(3, seed, 0), [1], 0, 3, 0), L(zh="width < 1", en="width < 1")),
        Case(L(zh="width=-1，max_new_tokens=0", en="width=-1, max_new_tokens=0"), (ToyLM(3, seed, 0), [1], -1, 0, 0), L(zh="width < 1", en="width < 1")),
    ]


_STEP = L(zh="每一步：把所有束的所有延长放在一起，留下总和最大的 width 个。", en="At each step put all extensions of all beams together and keep the `width` largest sums.")
_SUM = L(zh="一句话的概率是各步概率的乘积，取对数就是相加。", en="A text's probability is a product; of logarithms it is the sum.")
_EOS = L(zh="留下的里面，以 eos 结尾的算完成，不再延长，但要记住，最后一起比。", en="Of those kept, the ones that end in eos are finished: not extended, but remembered and compared at the end.")
_LENGTH = L(zh="长度数的是新词元，eos 也算，提示不算；分数 = 总和 / 长度 ** alpha。", en="The length counts new ids, eos among them, the prompt not; score = sum / length ** alpha.")
_RESULT = L(zh="返回 (prompt + 最好的新词元, 它的分数)。", en="What is returned is (prompt + the best new ids, their score).")
_TIES = L(zh="并列时：先来的束、较小的编号、较早的结束。Python 的排序不打乱相等的。", en="Ties: the earlier beam, the lower id, the earlier finish. Python's sort leaves equals in order.")
_NONE = L(zh="没有可走的路时返回 (prompt, -inf)。", en="Where there is no way to go on, (prompt, -inf) is returned.")
_ADD = "total + log_p"
_FINISH = "finished += [beam for beam in kept if beam[0][-1] == eos_id]"
_GO_ON = "beams = [beam for beam in kept if beam[0][-1] != eos_id]"
_SCORE = "s / max(len(ids), 1) ** alpha"


def _each_its_own(next_log_probs, prompt, width, max_new_tokens, eos_id, alpha=1.0):
    if width < 1:
        raise ValueError
    beams, finished = [([], 0.0)], []
    for step in range(max_new_tokens):
        grown = []
        for ids, total in beams:
            own = [(ids + [i], total + p) for i, p in enumerate(next_log_probs(prompt + ids).tolist()) if p > -math.inf]
            grown += sorted(own, key=lambda beam: -beam[1])[:width if step == 0 else 1]
        finished += [beam for beam in grown if beam[0][-1] == eos_id]
        beams = [beam for beam in grown if beam[0][-1] != eos_id]
    scored = [(ids, total / max(len(ids), 1) ** alpha) for ids, total in finished + beams]
    best = max(scored, key=lambda pair: pair[1], default=([], -math.inf))
    return prompt + best[0], best[1]


EXERCISE = Exercise(
    id="decode.beam_search", title=L(zh="束搜索", en="Beam search"), reference=beam_search,
    returns=Tuple((("ids", IntList()), ("score", Scalar))), cases=_cases,
    hints=(
        L(zh="一束是一对：(新词元, 对数概率之和)。从一束空的开始：([], 0.0)。", en="A beam is a pair (new ids, sum of log-probabilities). Begin with an empty one: ([], 0.0)."),
        L(zh="每一步列出所有束的所有延长，按总和从大到小排，留前 width 个；再分成完成的（以 eos 结尾）和继续的。",
          en="At each step list all extensions of all beams, sort by the sum, keep the first `width`; then part them into finished ones, which end in eos, and those that go on."),
        L(zh="最后把 finished + beams 放在一起，按 总和 / 长度 ** alpha 取最大的；`max(…, default=…)` 管住一个也没有的情形。",
          en="At the end put finished + beams together and take the largest sum / length ** alpha; `max(..., default=...)` covers the case that there is none."),
    ),
    mistakes=(
        Mistake("beam-greedy", L(zh="每一步只留了一束：width 没有起作用", en="one beam is kept at each step: width has no effect"), _STEP, ("longer[:width]", "longer[:1]"), skill="rank"),
        Mistake("beam-per-beam-topk", L(zh="每一束各自取最好的延长，没有放在一起排", en="each beam takes its own best extension; they are not ranked together"), _STEP, program=_each_its_own, skill="rank"),
        Mistake("beam-multiply-logs", L(zh="对数概率是相乘的", en="log-probabilities are multiplied"), _SUM, ("[([], 0.0)]", "[([], 1.0)]"), (_ADD, "total * log_p"), skill="formula", hint=1),
        Mistake("beam-add-probs", L(zh="相加的是概率，不是对数概率", en="probabilities are added up, not their logarithms"), _SUM, (_ADD, "total + math.exp(log_p)"), skill="formula", hint=1),
        Mistake("beam-last-step-only", L(zh="只看最后一步的对数概率，没有累加", en="only the last step's log-probability counts; nothing is added up"), _SUM, (_ADD, "log_p"), skill="formula", hint=1),
        Mistake("beam-no-length", L(zh="没有长度归一", en="the sum is not normalised by length"), _LENGTH, (_SCORE, "s"), skill="scale", hint=3),
        Mistake("beam-alpha-ignored", L(zh="总是除以长度，没有用 alpha", en="it always divides by the length, whatever alpha"), _LENGTH, (" ** alpha", ""), skill="scale", hint=3),
        Mistake("beam-alpha-times", L(zh="除以了 长度 × alpha，不是 alpha 次方", en="it divides by length times alpha, not by length to the power of alpha"), _LENGTH,
                (" ** alpha", " * alpha"), skill="scale", hint=3, also=((("** alpha", "* (alpha or 1)"),),)),
        Mistake("beam-length-multiplied", L(zh="乘了长度，没有除", en="the sum is multiplied by the length"), _LENGTH, (_SCORE, "s * max(len(ids), 1) ** alpha"), skill="scale", hint=3),
        Mistake("len-includes-prompt", L(zh="长度里算进了提示", en="the length includes the prompt"), _LENGTH, ("max(len(ids), 1)", "len(prompt + ids)"), skill="count", hint=3),
        Mistake("len-without-eos", L(zh="长度里没有算 eos", en="the length leaves out eos"), _LENGTH, ("max(len(ids), 1)", "max(len(ids) - (eos_id in ids), 1)"), skill="count", hint=3),
        Mistake("beam-gnmt", L(zh="用了 GNMT 的长度惩罚 ((5 + 长度) / 6) ** alpha", en="the length penalty is that of GNMT, ((5 + length) / 6) ** alpha"), _LENGTH,
                ("max(len(ids), 1)", "((5 + len(ids)) / 6)"), convention=True, skill="scale", hint=3),
        Mistake("beam-extends-eos", L(zh="遇到 eos 以后还在延长", en="a text is extended beyond its eos"), _EOS, (_GO_ON, "beams = kept"), skill="edge",
                also=(((_GO_ON, "beams = kept"), (_FINISH, "pass")),)),
        Mistake("beam-drops-eos", L(zh="丢掉了已经完成的句子", en="finished texts are lost"), _EOS, ("finished + beams]", "beams]"), skill="edge"),
        Mistake("beam-finished-only", L(zh="没有完成的句子没有参加比较", en="unfinished texts do not compete at the end"), _EOS, ("finished + beams]", "(finished or beams)]"), skill="edge",
                also=((("finished + beams]", "finished]"),),)),
        Mistake("beam-stops-at-first", L(zh="有一句完成就停了", en="it stops as soon as one text is finished"), _EOS,
                (_GO_ON, _GO_ON + "\n        if finished:\n            break"), skill="edge", also=(
                    ((_GO_ON, _GO_ON + "\n        if finished:\n            beams = []"),),)),
        Mistake("beam-stops-at-width", L(zh="完成的句子满 width 句就停了（有的库这样约定）", en="it stops once `width` texts are finished, as some libraries do"), _EOS,
                (_GO_ON, _GO_ON + "\n        if len(finished) >= width:\n            break"), convention=True, skill="edge", also=(
                    ((_GO_ON, _GO_ON + "\n        if len(finished) >= width:\n            beams = []"),),)),
        Mistake("beam-width-shrinks", L(zh="每完成一句，束宽就少一", en="each finished text takes one off the width"), _STEP, ("longer[:width]", "longer[:width - len(finished)]"), skill="count",
                also=((("longer[:width]", "longer[:max(width - len(finished), 0)]"),),)),
        Mistake("beam-eos-beside-width", L(zh="以 eos 结尾的不占束宽：另留 width 个继续的", en="those that end in eos take no place: `width` others go on beside them"), _STEP,
                (_GO_ON, "beams = [beam for beam in longer if beam[0][-1] != eos_id and beam[1] > -math.inf][:width]"), skill="count"),
        Mistake("beam-eos-any-rank", L(zh="以 eos 结尾的延长不管排第几都算完成", en="every extension by eos counts as finished, whatever its rank"), _STEP,
                (_FINISH, "finished += [beam for beam in longer if beam[0][-1] == eos_id and beam[1] > -math.inf]"), skill="count", also=(
                    ((_FINISH, "finished += [beam for beam in longer if beam[0][-1] == eos_id and beam[1] > -math.inf]"),
                     (_GO_ON, "beams = [beam for beam in longer if beam[0][-1] != eos_id and beam[1] > -math.inf][:width]")),)),
        Mistake("beam-worst", L(zh="返回的是分数最低的", en="the worst score is returned"), _RESULT, ("best = max(", "best = min("), skill="rank", hint=3),
        Mistake("beam-keeps-worst", L(zh="每一步留下的是总和最小的", en="the smallest sums are kept at each step"), _STEP, ("reverse=True", "reverse=False"), skill="rank",
                also=((("longer.sort(", "longer = [beam for beam in longer if beam[1] > -math.inf]\n        longer.sort("), ("reverse=True", "reverse=False")),)),
        Mistake("beam-raw-score", L(zh="返回的是总和，不是归一后的分数", en="the sum is returned, not the normalised score"), _RESULT,
                ("best[0], best[1]", "best[0], best[1] * max(len(best[0]), 1) ** alpha"), skill="scale", hint=3),
        Mistake("beam-chosen-by-sum", L(zh="按总和挑选，归一后的分数只用来返回", en="the text is chosen by its sum; the normalised score is only returned"), _LENGTH,
                ("key=lambda pair: pair[1]", "key=lambda pair: pair[1] * max(len(pair[0]), 1) ** alpha"), skill="scale", hint=3),
        Mistake("beam-probability", L(zh="返回的分数取了 exp", en="the score is returned as exp of it"), _RESULT, ("best[0], best[1]", "best[0], math.exp(best[1])"), skill="formula", hint=3),
        Mistake("beam-new-only", L(zh="只返回了新词元，没有 prompt", en="only the new ids are returned, without the prompt"), _RESULT, ("return prompt + best[0]", "return best[0]"), skill="edge", hint=3),
        Mistake("beam-without-prompt", L(zh="模型没有看到 prompt", en="the model does not see the prompt"), L(zh="交给模型的是 prompt + 新词元。", en="The model is given prompt + new ids."),
                ("next_log_probs(prompt + ids)", "next_log_probs(ids)"), skill="shift", hint=2),
        Mistake("beam-last-only", L(zh="模型只看到最后一个词元", en="the model sees only the last id"), L(zh="交给模型的是 prompt + 新词元。", en="The model is given prompt + new ids."),
                ("next_log_probs(prompt + ids)", "next_log_probs((prompt + ids)[-1:])"), skill="shift", hint=2),
        Mistake("beam-ties-later", L(zh="并列时取了后来的", en="of equal sums the later one is kept"), _TIES, ("longer.sort(", "longer.reverse()\n        longer.sort("), skill="edge", hint=2),
        Mistake("beam-ties-tuples", L(zh="并列时比较的是词元的编号，从大到小", en="ties are broken by the ids themselves, largest first"), _TIES,
                ("key=lambda beam: beam[1]", "key=lambda beam: (beam[1], beam[0])"), skill="edge", hint=2),
        Mistake("beam-ties-unfinished", L(zh="并列时没有完成的排在了前面", en="on ties an unfinished text comes before a finished one"), _TIES, ("finished + beams]", "beams + finished]"), skill="edge", hint=3),
        Mistake("beam-ties-late-finish", L(zh="并列时取了较晚结束的", en="on ties the later finish wins"), _TIES, ("finished + beams]", "(finished + beams)[::-1]]"), skill="edge", hint=3),
        Mistake("beam-one-step-more", L(zh="多走了一步", en="it takes one step too many"), L(zh="最多 max_new_tokens 个新词元。", en="There are max_new_tokens new ids at most."),
                ("range(max_new_tokens)", "range(max_new_tokens + 1)"), skill="shift"),
        Mistake("beam-one-step-less", L(zh="少走了一步", en="it takes one step too few"), L(zh="最多 max_new_tokens 个新词元。", en="There are max_new_tokens new ids at most."),
                ("range(max_new_tokens)", "range(max_new_tokens - 1)"), skill="shift"),
        Mistake("beam-keeps-impossible", L(zh="概率为 0 的延长也留下了", en="extensions of probability 0 are kept"), _NONE, (" if beam[1] > -math.inf]", "]"), skill="edge"),
        Mistake("beam-none-left", L(zh="一个也没有时出错", en="it fails where nothing is left"), _NONE, (", default=([], -math.inf)", ""), skill="edge", hint=3),
        Mistake("beam-zero-length", L(zh="max_new_tokens=0 时除以了 0", en="it divides by zero at max_new_tokens=0"), _LENGTH, ("max(len(ids), 1)", "len(ids)"), skill="edge", hint=3),
        Mistake("beam-no-error", L(zh="width < 1 时没有报错", en="width < 1 is not refused"), L(zh="题目要 ValueError，在最前面。", en="The task asks for ValueError, first of all."), ("if width < 1:", "if False:"),
                skill="edge", hint=1),
        Mistake("beam-inplace", L(zh="在调用者的 prompt 上就地追加", en="the caller's prompt is extended in place"), L(zh="`prompt += …` 会改动传进来的列表。", en="`prompt += ...` changes the list that was passed in."),
                ("return prompt + best[0], best[1]", "prompt += best[0]\n    return prompt, best[1]"), skill="alias", hint=3),
    ),
    alternatives=(beam_topk, beam_heap, beam_recursive, beam_negative, (("key=lambda beam: beam[1], reverse=True", "key=lambda beam: -beam[1]"),),
                  (("        longer = []\n", "        if not beams:\n            break\n        longer = []\n"),)),
    think=L(zh="束更宽，找到的句子概率更高。人会更喜欢它吗？", en="A wider beam finds likelier texts. Will people like them better?"),
)

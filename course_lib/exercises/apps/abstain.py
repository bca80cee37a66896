"""apps.abstain: from which score on an answer pays."""
from __future__ import annotations

import math
from itertools import accumulate

import torch

from ...i18n import L
from ..engine.contract import Scalar, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def abstain(scores, correct, gain=1.0, loss=1.0):
    """Choose the threshold from which on it pays to answer.

    scores: list of floats, correct: list of bools, one question each. Answer where score >= threshold. Utility: gain for a right answer,
    -loss for a wrong one, 0 for silence. Returns (threshold, utility), the best among the scores and math.inf, which never answers; of
    equally good thresholds the highest; (inf, 0.0) without scores.
    """
    best = (0.0, math.inf)
    for threshold in scores:
        answered = [ok for score, ok in zip(scores, correct) if score >= threshold]
        utility = sum(gain if ok else -loss for ok in answered)
        best = max(best, (utility, threshold))
    return best[1], best[0]


def abstain_descending(scores, correct, gain=1.0, loss=1.0):
    threshold, utility, total = math.inf, 0.0, 0.0
    for value in sorted(set(scores), reverse=True):
        total += sum(gain if ok else -loss for score, ok in zip(scores, correct) if score == value)
        if total > utility:
            threshold, utility = value, total
    return threshold, utility


def abstain_cumulative(scores, correct, gain=1.0, loss=1.0):
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    totals = list(accumulate(gain if correct[i] else -loss for i in order))
    ends = [n for n, i in enumerate(order) if n + 1 == len(order) or scores[order[n + 1]] < scores[i]]
    best = max(ends, key=lambda n: totals[n], default=None)
    return (math.inf, 0.0) if best is None or totals[best] <= 0 else (scores[order[best]], totals[best])


def abstain_torch(scores, correct, gain=1.0, loss=1.0):
    s = torch.tensor([*scores, math.inf], dtype=torch.float64)
    worth = torch.tensor([gain if ok else -loss for ok in correct] + [0.0], dtype=torch.float64)
    utility = ((s[None, :] >= s[:, None]) & s.isfinite()).double() @ worth
    return s[utility == utility.max()].max(), utility.max()


def abstain_numpy(scores, correct, gain=1.0, loss=1.0):
    import numpy as np
    s, worth = np.array(scores, dtype=float), np.where(np.array(correct, dtype=bool), gain, -loss)
    options = np.append(s, np.inf)
    utility = np.array([worth[s >= t].sum() for t in options])
    best = np.lexsort((options, utility))[-1]
    return options[best], utility[best]


def abstain_key(scores, correct, gain=1.0, loss=1.0):
    def utility(t):
        right = sum(1 for s, ok in zip(scores, correct) if ok and s >= t)
        wrong = sum(1 for s, ok in zip(scores, correct) if not ok and s >= t)
        return gain * right - loss * wrong
    t = max(sorted([*scores, math.inf], reverse=True), key=utility)
    return [t, utility(t)]


def abstain_recursive(scores, correct, gain=1.0, loss=1.0):
    if not scores:
        return math.inf, 0.0
    low = min(scores)
    kept = [(s, ok) for s, ok in zip(scores, correct) if s > low]
    all_in = sum(gain if ok else -loss for ok in correct)
    above = abstain_recursive([s for s, _ in kept], [ok for _, ok in kept], gain, loss)
    return (low, all_in) if all_in > above[1] else above


def _abstain_cases(draw: Draw) -> list[Case]:
    def mixed(n, low=0.0, high=1.0):                 # the higher a score, the oftener it is right: the best threshold lies within
        scores = sorted((low + (high - low) * (i + x) / n for i, x in enumerate(draw.floats(n, 0.1, 0.9))), reverse=True)
        correct = [True, True, False, True, True, True] + [i % 3 == 0 for i in range(n - 6)]
        order = draw.permutation(n).tolist()
        return [scores[i] for i in order], [correct[i] for i in order]

    price, equal, none = L(zh="gain 与 loss", en="gain and loss"), L(zh="相等的分数", en="equal scores"), L(zh="一个也不答", en="never answering")
    ties = L(zh="一样好的阈值", en="equally good thresholds")
    return [
        Case(L(zh="4 题", en="4 questions"), ([.9, .8, .6, .3], [True, False, True, False])),
        Case(L(zh="5 题，次序打乱", en="5 questions, shuffled"), ([.3, .9, .5, .8, .7], [False, True, True, False, True])),
        Case(L(zh="12 题", en="12 questions"), mixed(12)),
        Case(L(zh="12 题，答错扣 3 分", en="12 questions, a wrong answer costs 3"), (*mixed(12), 1.0, 3.0), price),
        Case(L(zh="10 题，答对得 2 分，答错扣半分", en="10 questions, 2 for right, half a point off for wrong"), (*mixed(10), 2.0, 0.5), price),
        Case(L(zh="答错不扣分", en="a wrong answer costs nothing"), ([.2, .4, .6, .8], [False, True, False, True], 1.0, 0.0), price),
        Case(L(zh="答对不得分", en="a right answer gains nothing"), ([.7, .4, .9], [True, True, False], 0.0, 1.0), price),
        Case(L(zh="相等的分数，有对有错", en="equal scores, right and wrong"), ([.5, .8, .5, .5, .2], [True, True, True, False, False], 1.0, 1.5), equal),
        Case(L(zh="所有分数都相等", en="all scores equal"), ([.5, .5, .5], [True, False, False]), equal),
        Case(L(zh="两个阈值一样好", en="two thresholds are equally good"), ([.4, .6, .8, .2, .9], [True, False, True, False, True]), ties),
        Case(L(zh="三个阈值一样好", en="three thresholds are equally good"), ([.7, .9, .5, .8, .6], [True, True, True, False, False]), ties),
        Case(L(zh="好坏相抵：和不答一样", en="right and wrong cancel: as good as silence"), ([.9, .5], [False, True]), none),
        Case(L(zh="全错", en="all wrong"), ([.9, .5, .7], [False, False, False]), none),
        Case(L(zh="全对", en="all right"), ([.3, .1, .2], [True, True, True])),
        Case(L(zh="负的分数", en="negative scores"), (*mixed(9, -8.0, -1.0), 1.0, 1.0)),
        Case(L(zh="大于 1 的分数", en="scores above 1"), (*mixed(11, 2.0, 30.0), 1.0, 2.0)),
        Case(L(zh="没有题", en="no questions"), ([], []), L(zh="空列表", en="the empty list")),
        Case(L(zh="一题，对", en="one question, right"), ([.4], [True])),
    ]


_ANSWER = L(zh="score >= threshold 就答；低于它才不答。", en="It answers where score >= threshold and is silent below.")
_COST = L(zh="效用 = gain × 答对的 - loss × 答错的，不答的算 0。", en="Utility = gain * right - loss * wrong; silence counts 0.")
_NEVER = L(zh="候选里还有 math.inf：一个也不答，效用 0。", en="math.inf is among the candidates: it never answers, with utility 0.")
_TIES = L(zh="一样好的阈值取最高的：少答一些，同样的效用。", en="Of equally good thresholds take the highest: fewer answers for the same utility.")
_EQUAL = L(zh="分数相同的题，要答就一起答。", en="Questions of one score are answered together or not at all.")
_WHICH = L(zh="候选阈值就是 scores 里的每个数。", en="The candidates are the numbers in scores.")


def _split_ties(scores, correct, gain=1.0, loss=1.0):
    best, total = (0.0, math.inf), 0.0
    for score, ok in sorted(zip(scores, correct), key=lambda pair: -pair[0]):
        total += gain if ok else -loss
        best = max(best, (total, score))
    return best[1], best[0]


def _gives_up(scores, correct, gain=1.0, loss=1.0):
    best, total = (0.0, math.inf), 0.0
    for value in sorted(set(scores), reverse=True):
        total += sum(gain if ok else -loss for score, ok in zip(scores, correct) if score == value)
        if total <= best[0]:
            break
        best = (total, value)
    return best[1], best[0]


def _no_wrong(scores, correct, gain=1.0, loss=1.0):
    bar = max((s for s, ok in zip(scores, correct) if not ok), default=-math.inf)
    above = [s for s in scores if s > bar]
    return min(above, default=math.inf), gain * len(above)


EXERCISE = Exercise(
    id="apps.abstain", title=L(zh="拒答的阈值", en="A threshold for abstaining"), reference=abstain,
    returns=Tuple((("threshold", Scalar), ("utility", Scalar))), cases=_abstain_cases,
    hints=(
        L(zh="候选的阈值只有有限个：scores 里的每一个，再加 math.inf。逐个算出效用。",
          en="There are only so many thresholds to try: each of the scores, and math.inf. Work out the utility of each."),
        L(zh="对一个阈值：挑出 score >= threshold 的题，答对的加 gain，答错的减 loss。",
          en="For one threshold: take the questions with score >= threshold, add gain for each right one, take off loss for each wrong one."),
        L(zh="从 math.inf（效用 0）开始，更好才换；一样好时留较高的。Python 里可以比较 (效用, 阈值) 这样的对子。",
          en="Begin with math.inf, utility 0, and change only for something better; of equals keep the higher. Python can compare pairs "
             "(utility, threshold)."),
    ),
    mistakes=(
        Mistake("abstain-strict", L(zh="只在 score > threshold 时才答", en="it answers only where score > threshold"), _ANSWER,
                ("score >= threshold", "score > threshold"), skill="edge"),
        Mistake("abstain-below", L(zh="在阈值以下作答，以上不答", en="it answers below the threshold and is silent above"), _ANSWER,
                ("score >= threshold", "score <= threshold"), skill="formula"),
        Mistake("abstain-ties-lowest", L(zh="一样好的阈值取了最低的", en="of equally good thresholds the lowest is taken"), _TIES,
                ("best = max(best, (utility, threshold))", "best = max(best, (utility, threshold), key=lambda pair: (pair[0], -pair[1]))"),
                skill="edge", hint=3,
                also=((("for threshold in scores:", "for threshold in sorted(scores):"),
                       ("best = max(best, (utility, threshold))", "best = max(best, (utility, threshold), key=lambda pair: pair[0])")),)),
        Mistake("abstain-ties-first", L(zh="一样好的阈值取了列表里最先的", en="of equally good thresholds the first in the list is taken"), _TIES,
                ("best = max(best, (utility, threshold))", "best = max(best, (utility, threshold), key=lambda pair: pair[0])"),
                skill="edge", hint=3),
        Mistake("abstain-ties-last", L(zh="一样好的阈值取了列表里最后的", en="of equally good thresholds the last in the list is taken"), _TIES,
                ("best = max(best, (utility, threshold))", "best = max((utility, threshold), best, key=lambda pair: pair[0])"),
                skill="edge", hint=3),
        Mistake("abstain-must-answer", L(zh="没有把“一个也不答”当成候选", en="never answering is not among the candidates"), _NEVER,
                ("best = (0.0, math.inf)", "best = (-math.inf, math.inf) if scores else (0.0, math.inf)"), skill="edge", hint=1,
                also=((("best = (0.0, math.inf)", "best = (-math.inf, math.inf)"),),)),
        Mistake("abstain-no-loss", L(zh="答错的没有扣分", en="wrong answers cost nothing"), _COST, ("-loss", "0.0"), skill="formula"),
        Mistake("abstain-loss-added", L(zh="答错的 loss 是加上去的", en="loss is added for wrong answers"), _COST, ("-loss", "loss"), skill="formula"),
        Mistake("abstain-args-ignored", L(zh="gain 或 loss 写死成了 1", en="gain or loss is fixed at 1"), _COST,
                ("gain if ok else -loss", "1.0 if ok else -1.0"), skill="formula",
                also=((("gain if ok else -loss", "1.0 if ok else -loss"),), (("gain if ok else -loss", "gain if ok else -1.0"),))),
        Mistake("abstain-exchanged", L(zh="gain 和 loss 用反了", en="gain and loss are exchanged"), _COST,
                ("gain if ok else -loss", "loss if ok else -gain"), skill="formula"),
        Mistake("abstain-inverted", L(zh="把答对的当成了答错的", en="right and wrong answers are exchanged"), _COST,
                ("if ok else -loss", "if not ok else -loss"), skill="formula"),
        Mistake("abstain-silence-costs", L(zh="不答的也扣了 loss", en="silence costs loss as well"), _COST,
                ("answered = [ok for score, ok in zip(scores, correct) if score >= threshold]",
                 "answered = [ok and score >= threshold for score, ok in zip(scores, correct)]"), skill="formula",
                also=((("answered = [ok for score, ok in zip(scores, correct) if score >= threshold]",
                        "answered = [ok and score >= threshold for score, ok in zip(scores, correct)]"),
                       ("best = (0.0, math.inf)", "best = (-loss * len(scores), math.inf)")),)),
        Mistake("abstain-missed-costs", L(zh="本来会答对却没有答的，也扣了 loss", en="a question left out that would have been right costs loss"), _COST,
                ("sum(gain if ok else -loss for ok in answered)",
                 "sum(gain if ok else -loss for ok in answered) - loss * (sum(correct) - sum(answered))"), skill="formula"),
        Mistake("abstain-mean-answered", L(zh="效用除以了作答的题数", en="the utility is divided by the number of answers"),
                L(zh="题目要总和：答得多也有价值。", en="The task asks for the total: answering more is worth something."),
                ("for ok in answered)", "for ok in answered) / len(answered)"), skill="count"),
        Mistake("abstain-mean", L(zh="效用除以了总题数", en="the utility is divided by the number of questions"),
                L(zh="题目要总和。", en="The task asks for the total."), ("for ok in answered)", "for ok in answered) / len(scores)"), skill="count"),
        Mistake("abstain-accuracy", L(zh="挑的是正确率最高的阈值", en="the threshold with the best accuracy among the answers is chosen"), _COST,
                ("best = (0.0, math.inf)\n", "best = (0.0, math.inf, 0.0)\n"),
                ("best = max(best, (utility, threshold))", "best = max(best, (sum(answered) / len(answered), threshold, utility))"),
                ("return best[1], best[0]", "return best[1], best[2]"), skill="formula"),
        Mistake("abstain-swapped", L(zh="返回的是 (效用, 阈值)", en="(utility, threshold) is returned"),
                L(zh="先阈值，再效用。", en="The threshold first, then the utility."), ("return best[1], best[0]", "return best"), skill="edge", hint=3),
        Mistake("abstain-grid", L(zh="试的是 0、0.01……1，不是 scores 里的数", en="0, 0.01, ... 1 are tried, not the scores"), _WHICH,
                ("for threshold in scores:", "for threshold in [i / 100 for i in range(101)]:"), skill="formula", hint=1,
                also=((("for threshold in scores:", "for threshold in [i / 10 for i in range(11)]:"),),
                      (("for threshold in scores:", "for threshold in [i / 100 for i in range(100)]:"),))),
        Mistake("abstain-midpoints", L(zh="试的是相邻两个分数的中点", en="the midpoints between neighbouring scores are tried"), _WHICH,
                ("for threshold in scores:", "ordered = sorted(set(scores))\n    for threshold in [(a + b) / 2 for a, b in zip(ordered, ordered[1:])]:"),
                skill="formula", hint=1),
        Mistake("abstain-ties-split", L(zh="分数相同的题被拆开了：只答了其中几道", en="questions of one score are split: only some of them are answered"), _EQUAL,
                program=_split_ties, skill="edge"),
        Mistake("abstain-gives-up", L(zh="效用第一次不再上升就停了", en="it stops where the utility fails to rise for the first time"),
                L(zh="后面的题可能把效用再抬上去：每个阈值都要试。", en="Later questions may lift it again: try every threshold."),
                program=_gives_up, skill="edge", hint=1),
        Mistake("abstain-no-error", L(zh="要求一道也不答错，没有权衡 gain 和 loss", en="no wrong answer is allowed at all; gain and loss are not weighed"), _COST,
                program=_no_wrong, skill="formula"),
        Mistake("abstain-empty", L(zh="没有题时返回的不是 (inf, 0.0)", en="without questions it does not return (inf, 0.0)"), _NEVER,
                ("return best[1], best[0]", "return (best[1], best[0]) if scores else (0.0, 0.0)"), skill="edge", hint=3,
                also=((("return best[1], best[0]", "return (best[1], best[0]) if scores else (1.0, 0.0)"),),
                      (("best = (0.0, math.inf)", "best = (0.0, math.inf) if scores else max([])"),))),
        Mistake("abstain-one", L(zh="“一个也不答”的阈值不是 math.inf", en="the threshold that never answers is not math.inf"), _NEVER,
                ("return best[1], best[0]", "return min(best[1], 1.0) if best[1] == math.inf else best[1], best[0]"), skill="edge", hint=1,
                also=((("best = (0.0, math.inf)", "best = (0.0, 1.0)"),), (("best = (0.0, math.inf)", "best = (0.0, max(scores, default=0) + 1)"),))),
        Mistake("abstain-misaligned", L(zh="scores 排了序，correct 没有跟着排", en="scores are sorted, correct is not sorted along"),
                L(zh="要么都不排，要么把两个列表 zip 起来一起排。", en="Sort neither, or zip the two lists and sort them together."),
                ("best = (0.0, math.inf)", "scores, best = sorted(scores, reverse=True), (0.0, math.inf)"), skill="alias",
                also=((("best = (0.0, math.inf)", "scores, best = sorted(scores), (0.0, math.inf)"),),)),
        Mistake("abstain-sorts-input", L(zh="就地排序，改动了调用者的 scores", en="the caller's scores are sorted in place"),
                L(zh="`scores.sort()` 会改动传进来的列表；用 `sorted(scores)`。", en="`scores.sort()` changes the list that was passed in; use `sorted(scores)`."),
                ("zip(scores, correct)", "pairs"),
                ("best = (0.0, math.inf)", "pairs, best = list(zip(scores, correct)), (0.0, math.inf)\n    scores.sort(reverse=True)"), skill="alias",
                also=((("zip(scores, correct)", "pairs"),
                       ("best = (0.0, math.inf)", "pairs, best = list(zip(scores, correct)), (0.0, math.inf)\n    scores.sort()")),)),
    ),
    alternatives=(abstain_descending, abstain_cumulative, abstain_torch, abstain_numpy, abstain_key, abstain_recursive),
    think=L(zh="为什么阈值要在另一些题上验证？", en="Why does the threshold have to be judged on other questions?"),
)

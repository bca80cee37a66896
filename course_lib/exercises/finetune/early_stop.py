"""finetune.early_stop: early stopping."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def early_stop(losses, patience, min_delta=0.0):
    """When to stop, and which epoch to keep; epochs count from 0.

    An epoch is better when its loss < best loss - min_delta. Returns (best, stop): stop is the first epoch with `patience` epochs in a
    row not better, or the last one.
    """
    best, waited = 0, 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[best] - min_delta:
            best, waited = epoch, 0
        else:
            waited += 1
            if waited == patience:
                return best, epoch
    return best, len(losses) - 1


def early_infinite(losses, patience, min_delta=0.0):
    best_loss, best, bad = float("inf"), None, 0
    for epoch, loss in enumerate(losses):
        if loss < best_loss - min_delta:
            best_loss, best, bad = loss, epoch, 0
        else:
            bad += 1
        if bad >= patience:
            break
    return best, epoch


def early_difference(losses, patience, min_delta=0.0):
    best = 0
    for epoch in range(len(losses)):
        if losses[best] - losses[epoch] > min_delta:
            best = epoch
        if epoch - best == patience:
            return (best, epoch)
    return (best, epoch)


def early_recursive(losses, patience, min_delta=0.0):
    def step(epoch, best):
        if epoch == len(losses) or epoch - 1 - best >= patience:
            return [best, epoch - 1]
        return step(epoch + 1, epoch if losses[epoch] < losses[best] - min_delta else best)
    return step(1, 0)


def early_better_list(losses, patience, min_delta=0.0):
    best, reference = [0], losses[0]
    for epoch, loss in enumerate(losses[1:], start=1):
        if loss < reference - min_delta:
            best.append(epoch)
            reference = loss
    for now, following in zip(best, best[1:] + [10 ** 9]):
        if following - now > patience:
            return now, min(now + patience, len(losses) - 1)


def early_numpy(losses, patience, min_delta=0.0):
    import numpy as np
    values = np.asarray(losses, dtype=float)
    best, epoch = 0, 0
    while epoch + 1 < values.size and epoch - best < patience:
        epoch += 1
        best = epoch if values[epoch] < values[best] - min_delta else best
    return np.int64(best), np.int64(epoch)


def _early_cases(draw: Draw) -> list[Case]:
    def walk(n, drift):              # eighths: differences are exact in floating point
        return (torch.cumsum(draw.ints(7, n, low=-3), 0) / 8 + 20 - drift * torch.arange(n)).tolist()

    delta, never = L(zh="min_delta", en="min_delta"), L(zh="没有提前停止", en="no early stop")
    again = L(zh="等待计数的清零", en="resetting the count of bad epochs")
    late = [draw.int(4, 9) * 1.0, 3.0, 3.5, 2.5, 2.75, 3.0, 3.25, 1.0, 0.5]
    return [
        Case(L(zh="先降后升，patience=2", en="down, then up, patience=2"), ([3.0, 2.0, 2.5, 2.25, 1.0], 2)),
        Case(L(zh="一直在降", en="always better"), ([5.0, 4.0, 3.0, 2.0], 2), never),
        Case(L(zh="停止之后还有更低的损失", en="a lower loss after the stop"), (late, 3), again),
        Case(L(zh="patience=1", en="patience=1"), ([2.0, 1.5, 1.25, 1.5, 0.5], 1)),
        Case(L(zh="相同的损失不算更好", en="an equal loss is not better"), ([1.0, 0.5, 0.5, 0.5, 0.25], 2)),
        Case(L(zh="正好差 min_delta 不算更好", en="exactly min_delta is not better"), ([2.0, 1.5, 1.0, 0.25, 0.0, 0.0], 2, 0.5), delta),
        Case(L(zh="慢慢变好，加起来超过 min_delta", en="slow gains that add up to more than min_delta"),
                ([2.0, 1.75, 1.5, 1.25, 1.125, 1.0], 3, 0.375), delta),
        Case(L(zh="断断续续地变好", en="better now and then"), ([4.0, 4.5, 3.0, 3.5, 2.0, 2.5, 1.0, 1.5, 1.25], 2), again),
        Case(L(zh="到最后也没等够", en="the patience is not used up at the end"), ([3.0, 1.0, 2.0, 2.0], 5), never),
        Case(L(zh="最后一轮才用完耐心", en="the patience runs out at the last epoch"), ([3.0, 1.0, 2.0, 2.0], 2)),
        Case(L(zh="从没变好", en="never better"), ([1.0, 2.0, 3.0, 4.0, 5.0], 3)),
        Case(L(zh="只有一轮", en="a single epoch"), ([0.75], 2), never),
        Case(L(zh="不升也不降的轮次", en="epochs that neither rise nor fall"), ([2.0, 1.5, 1.5, 1.5, 1.5, 1.0], 3), again),
        Case(L(zh="回到最好值的轮次", en="epochs that come back to the best"), ([2.0, 1.5, 1.75, 1.5, 1.75, 1.0], 2), again),
        Case(L(zh="降得不够的轮次", en="epochs that gain too little"), ([2.0, 1.5, 1.375, 1.4375, 1.375, 1.0], 3, 0.25), delta),
        Case(L(zh="随机的 30 轮", en="30 random epochs"), (walk(30, 0.25), 3, 0.25)),
        Case(L(zh="又一组随机的 30 轮", en="30 more random epochs"), (walk(30, 0.125), 4)),
    ]


_BETTER = L(zh="和谁比？和到目前为止最好的损失减 min_delta 比，严格小于才算更好。",
        en="Compared with what? With the best loss so far minus min_delta, and strictly below it.")
_WAIT = L(zh="连续多少轮没有变好才停？变好之后计数要清零。", en="How many bad epochs in a row stop it? A better epoch sets the count back to zero.")

EXERCISE = Exercise(
    id="finetune.early_stop", title=L(zh="早停", en="Early stopping"), reference=early_stop, returns=Tuple((("best", Array("", "int")),
            ("stop", Array("", "int")))), cases=_early_cases,
    hints=(
        L(zh="一轮一轮地看：记住最好的那轮，以及已经连续多少轮没有变好。", en="Go epoch by epoch: remember the best one and how many in a row were not better."),
        L(zh="变好的条件是 loss < 最好的损失 - min_delta，严格小于；变好就把计数清零。",
                en="Better means loss < best loss - min_delta, strictly; a better epoch sets the count back to zero."),
        L(zh="计数到 patience 的那一轮就是 stop，立即返回；循环走完都没停，stop 是最后一轮。",
                en="The epoch at which the count reaches patience is stop: return at once. If the loop ends, stop is the last epoch."),
    ),
    mistakes=(
        Mistake("es-previous", L(zh="和上一轮比，而不是和最好的一轮比",
                en="each epoch is compared with the one before, not with the best"), _BETTER,
                ("losses[epoch] < losses[best] - min_delta", "losses[epoch] < losses[epoch - 1] - min_delta"),
                skill="formula"),
        Mistake("es-no-reset", L(zh="变好之后没有清零计数", en="a better epoch does not reset the count"), _WAIT,
                ("best, waited = epoch, 0", "best = epoch"), skill="count"),
        Mistake("es-or-equal", L(zh="相等也算变好：用了 <=", en="an equal loss counts as better: <= instead of <"),
                _BETTER,
                ("losses[epoch] < losses", "losses[epoch] <= losses"), skill="edge"),
        Mistake("es-no-delta", L(zh="没有用 min_delta", en="min_delta is not used"), _BETTER, (" - min_delta:", ":"),
                skill="formula"),
        Mistake("es-delta-sign", L(zh="min_delta 的符号反了", en="min_delta has the wrong sign"), _BETTER,
                (" - min_delta:", " + min_delta:"),
                skill="formula"),
        Mistake("es-patience-late", L(zh="多等了一轮才停", en="it stops one epoch too late"), _WAIT,
                ("waited == patience", "waited > patience"),
                skill="shift", hint=3),
        Mistake("es-patience-early", L(zh="早停了一轮", en="it stops one epoch too early"), _WAIT,
                ("waited == patience", "waited >= max(patience - 1, 1)"), skill="shift", hint=3),
        Mistake("es-argmin", L(zh="best 取了全部损失里的最小，包括停止之后的",
                en="best is the smallest of all losses, those after the stop included"),
                L(zh="停止之后的轮次没有训练过。", en="Epochs after the stop were never trained."),
                ("return best, epoch", "return losses.index(min(losses)), epoch"), ("return best, len",
                        "return losses.index(min(losses)), len"), skill="formula", hint=3),
        Mistake("es-never-stops", L(zh="没有提前停，总是走到最后一轮", en="it never stops early"), _WAIT,
                ("return best, epoch\n", "pass\n"),
                skill="edge", hint=3),
        Mistake("es-stop-is-best", L(zh="stop 返回了最好的那一轮", en="stop is the best epoch"),
                L(zh="stop 是停下来的那一轮。", en="stop is the epoch at which it stops."), ("return best, epoch",
                "return best, best"), skill="formula", hint=3),
        Mistake("es-one-based", L(zh="轮次从 1 数起", en="epochs count from 1"),
                L(zh="题目从 0 数起。", en="The task counts from 0."),
                ("return best, epoch", "return best + 1, epoch + 1"), ("return best, len(losses) - 1",
                "return best + 1, len(losses)"), convention=True, skill="shift", hint=1),
        Mistake("es-end-off-by-one", L(zh="没有提前停时，stop 成了 len(losses)",
                en="without an early stop, stop is len(losses)"),
                L(zh="最后一轮的编号是多少？", en="Which number has the last epoch?"),
                ("len(losses) - 1", "len(losses)"), skill="shift", hint=3),
        Mistake("es-swapped", L(zh="两个返回值的次序反了", en="the two values are exchanged"),
                L(zh="先 best，再 stop。", en="best first, then stop."),
                ("return best, epoch", "return epoch, best"), ("return best, len(losses) - 1",
                "return len(losses) - 1, best"), skill="formula", hint=3),
        Mistake("es-returns-loss", L(zh="返回了最好的损失，而不是它的轮次",
                en="the best loss is returned, not its epoch"),
                L(zh="题目要的是轮次。", en="The task asks for the epoch."), ("return best, epoch",
                "return losses[best], epoch"), ("return best, len", "return losses[best], len"), skill="formula",
                hint=3),
        Mistake("es-maximise", L(zh="把更大的损失当成更好", en="a larger loss counts as better"),
                L(zh="损失越小越好。", en="A smaller loss is better."),
                ("losses[epoch] < losses[best] - min_delta", "losses[epoch] > losses[best] + min_delta"),
                skill="rank"),
        Mistake("es-lowest", L(zh="比较的是见过的最低损失，连不算“更好”的下降也拿来当标准",
                en="epochs are compared with the lowest loss seen, which falls even where no epoch counts as better"),
                _BETTER,
                ("best, waited = 0, 0\n", "best, waited, lowest = 0, 0, losses[0]\n"),
                ("if losses[epoch] < losses[best] - min_delta:\n", "if losses[epoch] < lowest - min_delta:\n"),
                ("            waited += 1\n",
                "            waited += 1\n            lowest = min(lowest, losses[epoch])\n"),
                ("best, waited = epoch, 0", "best, waited, lowest = epoch, 0, losses[epoch]"), skill="formula"),
        Mistake("es-neutral", L(zh="只有损失变大才计数：持平或降得不够的轮次没有算",
                en="only a larger loss is counted: epochs that are equal or gain too little are passed over"),
                _WAIT, ("        else:\n", "        elif losses[epoch] > losses[best]:\n"), skill="count",
                also=((("        else:\n", "        elif losses[epoch] >= losses[best]:\n"),),)),
        Mistake("es-rise-counts", L(zh="计数看的是比上一轮高没有，不是比最好的低没有",
                en="the count looks at a rise over the epoch before, not at the distance from the best"), _WAIT,
                ("        else:\n            waited += 1",
                "        if losses[epoch] < losses[epoch - 1] - min_delta:\n"
                 "            waited = 0\n        else:\n            waited += 1"), skill="formula",
                also=((("        else:\n            waited += 1", "        if losses[epoch] < losses[epoch - 1]:\n"
                 "            waited = 0\n        else:\n            waited += 1"),),
                      (("        else:\n            waited += 1", "        if losses[epoch] <= losses[epoch - 1]:\n"
                 "            waited = 0\n        else:\n            waited += 1"),))),
        Mistake("es-stop-next", L(zh="stop 返回了下一轮的编号", en="stop is the number of the next epoch"),
                L(zh="stop 是停下来的那一轮。", en="stop is the epoch at which it stops."),
                ("return best, epoch", "return best, epoch + 1"), skill="shift", hint=3),
        Mistake("es-delta-relative", L(zh="min_delta 当成了比例", en="min_delta is taken as a ratio"), _BETTER,
                ("losses[best] - min_delta", "losses[best] * (1 - min_delta)"), skill="formula"),
        Mistake("es-counts-first", L(zh="第一轮也算成了“没有变好”", en="the first epoch is counted as not better"),
                _WAIT,
                ("range(1, len(losses))", "range(len(losses))"), skill="shift"),
        Mistake("es-last-ignored", L(zh="没有看最后一轮", en="the last epoch is not looked at"),
                L(zh="循环要走到最后一轮。", en="The loop should reach the last epoch."),
                ("range(1, len(losses))", "range(1, len(losses) - 1)"), skill="shift"),
        Mistake("es-no-stop-value", L(zh="没有提前停时返回了 None 或 -1",
                en="stop is None or -1 where there was no early stop"),
                L(zh="没有提前停时 stop 是最后一轮的编号。",
                en="Without an early stop, stop is the number of the last epoch."),
                ("return best, len(losses) - 1", "return best, None"), skill="edge", hint=3,
                also=((("return best, len(losses) - 1", "return best, -1"),),)),
        Mistake("es-best-from-stop", L(zh="best 是用 stop - patience 算出来的",
                en="best is computed as stop - patience"),
                L(zh="没有提前停时，最好的一轮不一定在那里。",
                en="Without an early stop the best epoch need not be there."),
                ("return best, len(losses) - 1", "return max(len(losses) - 1 - patience, 0), len(losses) - 1"),
                skill="formula", hint=3),
        Mistake("es-best-on-stop", L(zh="没有提前停时，best 返回了最后一轮",
                en="best is the last epoch where there was no early stop"),
                L(zh="最好的一轮不一定是最后一轮。", en="The best epoch need not be the last."),
                ("return best, len(losses) - 1", "return len(losses) - 1, len(losses) - 1"), skill="formula", hint=3),
        Mistake("es-first-increase", L(zh="损失第一次不降就停了，没有用 patience",
                en="it stops at the first epoch that is not better; patience is not used"), _WAIT,
                ("waited == patience", "waited == 1"), skill="count", hint=3),
        Mistake("es-stop-computed", L(zh="没有提前停时，stop 也算成了 best + patience",
                en="stop is best + patience even where there was no early stop"),
                L(zh="没有提前停时 stop 是最后一轮的编号。",
                en="Without an early stop, stop is the number of the last epoch."),
                ("return best, len(losses) - 1", "return best, best + patience"), skill="edge", hint=3),
        Mistake("es-any-gain", L(zh="下降不到 min_delta 的轮次也成了 best",
                en="an epoch that gains less than min_delta becomes the best as well"), _BETTER,
                ("            waited += 1\n",
                "            best = epoch if losses[epoch] < losses[best] else best\n            waited += 1\n"),
                skill="formula"),
        Mistake("es-against-previous", L(zh="等待计数是和上一轮比的，best 才是见过的最低",
                en="the count compares with the epoch before, while best is the lowest loss seen"), _WAIT,
                program=lambda losses, patience, min_delta=0.0: _against_previous(losses, patience, min_delta),
                skill="formula",
                also=(lambda losses, patience, min_delta=0.0: _against_previous(losses, patience, 0.0),)),
        Mistake("es-equal-resets", L(zh="与最好值持平时，计数清了零",
                en="an epoch equal to the best sets the count back to zero"), _WAIT,
                ("        else:\n            waited += 1", "        elif losses[epoch] == losses[best]:\n"
                 "            waited = 0\n        else:\n            waited += 1"), skill="edge"),
    ),
    alternatives=(early_infinite, early_difference, early_recursive, early_better_list, early_numpy),
    think=L(zh="用验证集决定何时停，这份验证集上的成绩还算公平吗？", en="If the validation set decides when to stop, is its score still fair?"),
)


def _against_previous(losses, patience, min_delta):
    waited = 0
    for epoch in range(1, len(losses)):
        waited = 0 if losses[epoch] < losses[epoch - 1] - min_delta else waited + 1
        if waited == patience:
            return losses.index(min(losses[:epoch + 1])), epoch
    return losses.index(min(losses)), len(losses) - 1

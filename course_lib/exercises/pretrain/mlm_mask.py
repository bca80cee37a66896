"""pretrain.mlm_mask: BERT's masking, with its random numbers given."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array, Tuple
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def mlm_mask(ids, special, select, action, random_ids, mask_id, p=0.15):
    """Masked language modelling (Devlin et al. 2019): what the model reads, and what it is to predict.

    ids, random_ids: long; special: bool; select, action: uniform in [0, 1); all [B, T]. Selected: not special and select < p. A selected token becomes
    mask_id if action < 0.8, its random_ids entry if 0.8 <= action < 0.9, else it stays. Returns (inputs, labels), new long [B, T]; labels = the
    original id where selected, also where it stays, else -100.
    """
    selected = ~special & (select < p)
    labels = torch.where(selected, ids, -100)
    inputs = torch.where(selected & (action < 0.8), mask_id, ids)
    replaced = selected & (action >= 0.8) & (action < 0.9)
    return torch.where(replaced, random_ids, inputs), labels


def mask_fill(ids, special, select, action, random_ids, mask_id, p=0.15):
    chosen = select.lt(p).masked_fill(special, False)
    inputs = ids.masked_fill(chosen & action.lt(0.8), mask_id)
    swap = chosen & action.ge(0.8) & action.lt(0.9)
    inputs[swap] = random_ids[swap]
    return inputs, ids.masked_fill(~chosen, -100)


def mask_nested(ids, special, select, action, random_ids, mask_id, p=0.15):
    new = torch.where(action < 0.8, mask_id, torch.where(action < 0.9, random_ids, ids))
    selected = torch.logical_and(select < p, torch.logical_not(special))
    return torch.where(selected, new, ids), torch.where(selected, ids, torch.full_like(ids, -100))


def mask_lists(ids, special, select, action, random_ids, mask_id, p=0.15):
    inputs, labels = ids.clone(), torch.full_like(ids, -100)
    for b in range(ids.shape[0]):
        for t in range(ids.shape[1]):
            if special[b, t] or select[b, t] >= p:
                continue
            labels[b, t] = ids[b, t]
            if action[b, t] < 0.8:
                inputs[b, t] = mask_id
            elif action[b, t] < 0.9:
                inputs[b, t] = random_ids[b, t]
    return inputs, labels


def mask_numpy(ids, special, select, action, random_ids, mask_id, p=0.15):
    import numpy as np
    I, S, A = ids.numpy(), ~special.numpy() & (select.numpy() < p), action.numpy()
    inputs = np.select([S & (A < 0.8), S & (A < 0.9)], [np.full_like(I, mask_id), random_ids.numpy()], I)
    return inputs, np.where(S, I, -100)


def mask_places(ids, special, select, action, random_ids, mask_id, p=0.15):
    """By the places of the selected tokens."""
    inputs, labels = ids.clone(), torch.zeros_like(ids) - 100
    rows, columns = ((select < p) & (special == 0)).nonzero(as_tuple=True)
    labels[rows, columns] = ids[rows, columns]
    what = action[rows, columns]
    new = torch.stack([torch.full_like(rows, mask_id), random_ids[rows, columns], ids[rows, columns]])
    inputs[rows, columns] = new[(what >= 0.8).long() + (what >= 0.9).long(), torch.arange(len(rows))]
    return inputs, labels


def mask_sums(ids, special, select, action, random_ids, mask_id, p=0.15):
    """Masks as numbers 0 and 1."""
    chosen = (1 - special.long()) * (select < p).long()
    hide, keep = chosen * (action < 0.8).long(), 1 - chosen * (action < 0.9).long()
    return hide * mask_id + keep * ids + (1 - hide - keep) * random_ids, chosen * (ids + 100) - 100


def _cases(draw: Draw) -> list[Case]:
    def batch(B: int, T: int, p: float, vocab: int = 50, specials: int = 5):
        ids = draw.ints(vocab, B, T, low=specials + 1)
        special = torch.tensor(draw.floats(B * T)).reshape(B, T) < 0.15
        ids = torch.where(special, draw.ints(specials, B, T), ids)
        # Of the numbers that select, half lie below p, so that a small batch holds every kind of token.
        select = torch.tensor(draw.floats(B * T)).reshape(B, T)
        select = torch.where(select < 0.5, select * 2 * p, p + (select - 0.5) * 2 * (1 - p)).float()
        action = torch.tensor(draw.floats(B * T)).reshape(B, T)
        action = torch.where(action < 0.4, action * 2, torch.where(action < 0.7, 0.8 + (action - 0.4) / 3, 0.9 + (action - 0.7) / 3)).float()
        return ids, special, select, action, draw.ints(vocab, B, T)

    row = lambda *values, dtype=torch.long: torch.tensor([values], dtype=dtype)
    edge = L(zh="正好在界上的数", en="numbers right at a bound")
    none, everything = L(zh="一个也没选中", en="nothing selected"), L(zh="特殊符号", en="special tokens")
    ids, special, select, action, random_ids = batch(3, 40, 0.15)
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (row(1, 5, 6, 7, 8), row(1, 0, 0, 0, 0, dtype=torch.bool), row(0., .1, .1, .1, .5, dtype=torch.float), row(
            0., .2, .85, .95, .2, dtype=torch.float), row(9, 9, 9, 9, 9), 3)),
        Case(L(zh="B=3，T=40", en="B=3, T=40"), (ids, special, select, action, random_ids, 4)),
        Case(L(zh="p=0.4", en="p=0.4"), (*batch(2, 30, 0.4), 2, 0.4), L(zh="p", en="p")),
        Case(L(zh="p=1：除了特殊符号全选中", en="p=1: all but the special tokens are selected"), (*batch(2, 25, 0.5), 1, 1.0), L(zh="p", en="p")),
        Case(L(zh="p=0", en="p=0"), (*batch(2, 7, 0.5), 3, 0.0), none),
        Case(L(zh="全是特殊符号", en="special tokens alone"), (ids, torch.ones_like(special), select * 0, action, random_ids, 4), everything),
        Case(L(zh="没有特殊符号", en="no special tokens"), (ids, torch.zeros_like(special), select, action, random_ids, 0), everything),
        Case(L(zh="特殊符号的 select 全是 0", en="select is 0 at every special token"), (ids, special, select * ~special, action, random_ids, 4), everything),
        Case(L(zh="全部换成 [MASK]", en="all become [MASK]"), (ids, special, select, action * 0.5, random_ids, 4)),
        Case(L(zh="全部换成随机词元", en="all become random tokens"), (ids, special, select, action * 0.05 + 0.82, random_ids, 4)),
        Case(L(zh="全部照旧", en="all stay"), (ids, special, select, action * 0.05 + 0.93, random_ids, 4)),
        Case(L(zh="select=p，action=0.8、0.9", en="select=p, action=0.8 and 0.9"), (row(11, 12, 13, 14, 15), row(0, 0, 0, 0, 0, dtype=torch.bool), row(
            .25, .1, .1, .1, 0., dtype=torch.double), row(.1, .8, .9, 0., .8, dtype=torch.double), row(31, 32, 33, 34, 35), 7, 0.25), edge),
        Case(L(zh="B=T=6", en="B=T=6"), (*batch(6, 6, 0.3), 5, 0.3)),
    ]


_SELECTED = L(zh="选中：不是特殊符号，而且 select < p。", en="Selected: not special, and select < p.")
_LABELS = L(zh="标签：选中的地方是原来的 id，没换的也是；其他地方 -100。", en="Labels: the original id wherever a token is selected, also where it stays; -100 elsewhere.")
_ACTION = L(zh="action：0.8 以下换成 [MASK]，0.8 到 0.9 换成随机词元，0.9 以上照旧。", en="action: below 0.8 [MASK], from 0.8 to 0.9 the random token, from 0.9 on it stays.")
_NEW = L(zh="`inputs[…] = …` 写进了调用者的 ids：先 clone，或者用 torch.where。", en="`inputs[...] = ...` writes into the caller's ids: clone first, or use torch.where.")
_MASKED, _REPLACED = "selected & (action < 0.8)", "selected & (action >= 0.8) & (action < 0.9)"
_LABELLED, _RETURN = "torch.where(selected, ids, -100)", "return torch.where(replaced, random_ids, inputs), labels"

EXERCISE = Exercise(
    id="pretrain.mlm_mask", title=L(zh="掩码语言模型的 80/10/10", en="Masking for a masked language model, 80/10/10"), reference=mlm_mask,
    returns=Tuple((("inputs", Array("B T", "int")), ("labels", Array("B T", "int")))), cases=_cases,
    hints=(
        L(zh="先定选中的：`~special & (select < p)`。标签只看它。", en="First decide what is selected: `~special & (select < p)`. The labels depend on nothing else."),
        L(zh="选中的再分三份：action < 0.8，0.8 到 0.9，其余。三份用的是同一个 action，不要再抽一次。", en="Then part the selected in three: action < 0.8, 0.8 to 0.9, the rest. All three use the one action; nothing is drawn again."),
        L(zh="`torch.where(条件, 这个, 那个)` 给出新的张量，可以接连用；ids 不会被改动。", en="`torch.where(condition, this, that)` makes a new tensor and can be chained; ids stays as it is."),
    ),
    mistakes=(
        Mistake("mlm-specials", L(zh="特殊符号也被选中了", en="special tokens are selected as well"), _SELECTED, ("~special & (select < p)", "select < p"), skill="mask", hint=1),
        Mistake("mlm-specials-only", L(zh="选中的正是特殊符号：special 的方向反了", en="special tokens are what is selected: special is taken the wrong way"), _SELECTED, ("~special", "special"), skill="mask", hint=1),
        Mistake("mlm-select-inverted", L(zh="选中了 select >= p 的", en="tokens with select >= p are selected"), _SELECTED, ("select < p", "select >= p"), skill="mask", hint=1),
        Mistake("mlm-select-edge", L(zh="select 等于 p 的也选中了", en="a token with select equal to p is selected"), _SELECTED, ("select < p", "select <= p"), skill="edge", hint=1),
        Mistake("mlm-p-fixed", L(zh="p 写死成了 0.15", en="p is fixed at 0.15"), _SELECTED, ("select < p", "select < 0.15"), skill="formula", hint=1),
        Mistake("mlm-15-of-80", L(zh="把 p 当成了被换掉的比例：选中了 p / 0.8", en="p is taken as the share replaced by [MASK]: p / 0.8 are selected"), _SELECTED, ("select < p", "select < p / 0.8"), skill="scale", hint=1,
                also=((("select < p", "select < p / 0.9"),),)),
        Mistake("mlm-labels-all", L(zh="每个词元都有标签，没有 -100", en="every token has a label; there is no -100"), _LABELS, (_LABELLED, "ids.clone()"), skill="mask", hint=1),
        Mistake("mlm-labels-0", L(zh="没选中的标签是 0，不是 -100", en="labels are 0, not -100, where nothing is selected"), _LABELS, ("ids, -100)", "ids, 0)"), skill="formula", hint=1),
        Mistake("mlm-labels-minus-1", L(zh="没选中的标签是 -1，不是 -100", en="labels are -1, not -100, where nothing is selected"), _LABELS, ("ids, -100)", "ids, -1)"), convention=True, skill="formula", hint=1),
        Mistake("mlm-labels-masked-only", L(zh="只有换成 [MASK] 的才有标签", en="only tokens that became [MASK] have a label"), _LABELS, (_LABELLED, "torch.where(selected & (action < 0.8), ids, -100)"), skill="mask", hint=1),
        Mistake("mlm-labels-changed-only", L(zh="没有换掉的没有标签", en="selected tokens that stay have no label"), _LABELS, (_LABELLED, "torch.where(selected & (action < 0.9), ids, -100)"), skill="mask", hint=1),
        Mistake("mlm-labels-inverted", L(zh="没选中的才有标签", en="the tokens that are not selected have the labels"), _LABELS, (_LABELLED, "torch.where(selected, -100, ids)"), skill="mask", hint=1),
        Mistake("mlm-labels-of-inputs", L(zh="标签取自换过的输入，不是原来的 id", en="labels come from the inputs after masking, not from the original ids"), _LABELS,
                (_RETURN, "inputs = torch.where(replaced, random_ids, inputs)\n    return inputs, torch.where(selected, inputs, -100)"), skill="alias", hint=1),
        Mistake("mlm-100", L(zh="选中的全部换成了 [MASK]", en="all selected tokens become [MASK]"), _ACTION, (_MASKED, "selected"), (_REPLACED, "selected & False"), skill="formula"),
        Mistake("mlm-mask-overwrites", L(zh="[MASK] 盖住了随机词元和照旧的", en="[MASK] covers the random tokens and those that stay"), _ACTION,
                (_MASKED, "selected & (action < 0.9)"), (_REPLACED, "selected & False"), skill="formula", also=(((_MASKED, "selected & (action < 0.9)"), (_RETURN, "return inputs, labels")),)),
        Mistake("mlm-no-random", L(zh="没有换成随机词元的：80% [MASK]，其余照旧", en="no token becomes a random one: the rest stays"), _ACTION, (_REPLACED, "selected & False"), skill="formula"),
        Mistake("mlm-no-stay", L(zh="没有照旧的：80% [MASK]，其余都换成随机词元", en="no token stays: the rest becomes random"), _ACTION, (" & (action < 0.9)", ""), skill="formula"),
        Mistake("mlm-random-first", L(zh="随机和 [MASK] 的份额弄反了", en="the shares of random and [MASK] are exchanged"), _ACTION, (_MASKED, _REPLACED), (_REPLACED + "\n", _MASKED + "\n"), skill="rank"),
        Mistake("mlm-stay-and-random", L(zh="0.8 到 0.9 照旧，0.9 以上换成随机词元", en="tokens stay from 0.8 to 0.9 and become random from 0.9 on"), _ACTION, (_REPLACED, "selected & (action >= 0.9)"), convention=True, skill="rank"),
        Mistake("mlm-second-draw", L(zh="随机的那一份没有排除已经换成 [MASK] 的：盖住了 [MASK]", en="the random tokens are not drawn from what [MASK] left, and cover [MASK]"), _ACTION,
                (_REPLACED, "selected & (action < 0.9)"), skill="formula", also=(((_REPLACED, "selected & (action < 0.1)"),),)),
        Mistake("mlm-random-unselected", L(zh="没选中的也换成了随机词元", en="tokens that are not selected become random as well"), _ACTION, (_REPLACED, "(action >= 0.8) & (action < 0.9)"), skill="mask"),
        Mistake("mlm-mask-unselected", L(zh="没选中的也换成了 [MASK]", en="tokens that are not selected become [MASK] as well"), _ACTION, (_MASKED, "action < 0.8"), skill="mask"),
        Mistake("mlm-action-edges", L(zh="action 等于 0.8 或 0.9 时分错了份", en="tokens with an action of just 0.8 or 0.9 fall in the wrong share"), _ACTION,
                ("(action < 0.8)", "(action <= 0.8)"), (_REPLACED, "selected & (action > 0.8) & (action <= 0.9)"), skill="edge", also=(
                    ((" & (action < 0.9)", " & (action <= 0.9)"),), ((_REPLACED, "selected & (action > 0.8) & (action < 0.9)"),),
                    (("(action < 0.8)", "(action <= 0.8)"), (_REPLACED, "selected & (action > 0.8) & (action < 0.9)")))),
        Mistake("mlm-one-number", L(zh="action 没有用，三份都用 select 来分", en="action is not used: select decides the three shares as well"), _ACTION,
                (_MASKED, "selected & (select < 0.8 * p)"), (_REPLACED, "selected & (select >= 0.8 * p) & (select < 0.9 * p)"), skill="formula"),
        Mistake("mlm-inplace", L(zh="就地改动了 ids", en="ids is changed in place"), _NEW, ("inputs = torch.where(selected & (action < 0.8), mask_id, ids)", "inputs = ids.masked_fill_(selected & (action < 0.8), mask_id)"),
                skill="alias", hint=3),
        Mistake("mlm-inplace-labels", L(zh="ids 先就地改了，标签已经不是原来的 id", en="ids is changed in place first, so that labels no longer hold the original ids"), _NEW,
                ("    labels =", "    ids[selected & (action < 0.8)] = mask_id\n    labels ="), skill="alias", hint=3),
        Mistake("mlm-swapped", L(zh="返回的次序反了：(labels, inputs)", en="(labels, inputs) is returned"), L(zh="先 inputs，后 labels。", en="inputs first, then labels."),
                (_RETURN, "return labels, torch.where(replaced, random_ids, inputs)"), skill="rank", hint=3),
    ),
    alternatives=(mask_fill, mask_nested, mask_lists, mask_numpy, mask_places, mask_sums),
    think=L(zh="有一成选中的词元照旧不换，却也要预测。这有什么用？", en="One selected token in ten stays as it is and has to be predicted all the same. What is that good for?"),
)

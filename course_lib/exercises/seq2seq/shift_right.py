"""seq2seq.shift_right: what the decoder reads while it is trained."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def shift_right(labels, start_id, pad_id):
    """What the decoder reads in training: the labels, one place to the right.

    labels: long [B, T], -100 = ignored. Returns a new long [B, T]: column 0 is start_id, column t is labels[:, t - 1], with -100 replaced by pad_id;
    the last label is dropped. T = 0 gives [B, 0].
    """
    start = torch.full_like(labels[:, :1], start_id)            # [B, 1]
    moved = torch.cat([start, labels[:, :-1]], dim=1)           # [B, T]
    return torch.where(moved == -100, pad_id, moved)


def shift_assign(labels, start_id, pad_id):
    """As transformers' T5 does it."""
    moved = labels.new_zeros(labels.shape)
    moved[..., 1:] = labels[..., :-1].clone()
    moved[..., :1] = start_id
    return moved.masked_fill(moved == -100, pad_id)


def shift_roll(labels, start_id, pad_id):
    moved = labels.roll(1, dims=-1)
    if labels.shape[1]:
        moved[:, 0] = start_id
    moved[moved == -100] = pad_id
    return moved


def shift_pad(labels, start_id, pad_id):
    real = labels.masked_fill(labels == -100, pad_id)
    return F.pad(real, (1, 0), value=start_id)[:, :labels.shape[1]]


def shift_lists(labels, start_id, pad_id):
    rows = [[start_id, *(pad_id if i == -100 else i for i in row)][:len(row)] for row in labels.tolist()]
    return torch.tensor(rows, dtype=torch.long).reshape(labels.shape)


def shift_numpy(labels, start_id, pad_id):
    import numpy as np
    there = labels.numpy()
    moved = np.full_like(there, start_id)
    moved[:, 1:] = np.where(there == -100, pad_id, there)[:, :-1]
    return torch.from_numpy(moved)


def shift_columns(labels, start_id, pad_id):
    columns = [torch.full_like(labels[:, 0], start_id)] if labels.shape[1] else []
    for t in range(1, labels.shape[1]):
        columns.append(torch.where(labels[:, t - 1] < 0, pad_id, labels[:, t - 1]))
    return torch.stack(columns, dim=1) if columns else labels.clone()


def _cases(draw: Draw) -> list[Case]:
    ignored, empty, same = L(zh="-100 的处理", en="-100"), L(zh="T=0", en="T=0"), L(zh="起始符和填充符", en="the start and the padding id")
    ragged = draw.ints(90, 3, 6, low=10)
    for row, length in enumerate((6, 4, 2)):
        ragged[row, length:] = -100
    holes = draw.ints(90, 2, 7, low=10)
    holes[0, :3] = holes[1, 2:5] = -100
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (torch.tensor([[5, 6, 1, -100]]), 0, 9)),
        Case(L(zh="B=2，T=5，没有 -100", en="B=2, T=5, without -100"), (draw.ints(90, 2, 5, low=10), 3, 7)),
        Case(L(zh="B=3，T=6，长短不一", en="B=3, T=6, of several lengths"), (ragged, 2, 8), ignored),
        Case(L(zh="-100 在开头和中间", en="-100 at the start and in the middle"), (holes, 4, 6), ignored),
        Case(L(zh="起始符就是填充符，像 T5", en="the start id is the padding id, as in T5"), (torch.tensor([[11, 12, 1], [13, 1, -100]]), 0, 0), same),
        Case(L(zh="标签里有 0、起始符和填充符", en="labels that hold 0, the start id and the padding id"), (torch.tensor([[2, 8, 0, 2, 1], [8, 0, 5, -100, 1]]), 2, 8), same),
        Case(L(zh="整行都是 -100", en="a row of -100"), (torch.tensor([[-100, -100, -100], [4, 5, 6]]), 1, 3), ignored),
        Case(L(zh="B=T=4", en="B=T=4"), (draw.ints(90, 4, 4, low=10), 5, 9), L(zh="B 等于 T", en="B equal to T")),
        Case(L(zh="非连续的输入", en="non-contiguous labels"), (draw.ints(90, 5, 3, low=10).T, 1, 2), L(zh="非连续的输入", en="non-contiguous input")),
        Case(L(zh="T=1", en="T=1"), (torch.tensor([[7], [-100]]), 3, 4), L(zh="T=1", en="T=1")),
        Case(L(zh="T=0", en="T=0"), (torch.zeros(3, 0, dtype=torch.long), 3, 4), empty),
        Case(L(zh="很大的编号", en="large ids"), (torch.tensor([[50257, 128000, -100]]), 250004, 49151)),
    ]


_PLACE = L(zh="第 t 列读到的是第 t-1 个标签，预测的是第 t 个。", en="Column t holds label t-1 and has to predict label t.")
_START = L(zh="第 0 列还没有译文可读，每一行都放 start_id。", en="At column 0 there is no target yet: every row has start_id there.")
_IGNORED = L(zh="-100 不是词元，查不了词嵌入；每一处都换成 pad_id。", en="-100 is no token and has no embedding; each becomes pad_id.")
_NEW = L(zh="标签还要用来算损失，不能改动；返回一个新的张量。", en="The loss still needs the labels: return a new tensor.")
_LENGTH = L(zh="输入和标签一样长：前面加一个，后面就去掉一个。", en="Inputs are as long as labels: one is added in front, so one goes at the end.")
_CAT, _WHERE = "torch.cat([start, labels[:, :-1]], dim=1)", "torch.where(moved == -100, pad_id, moved)"


def _empty_error(labels, start_id, pad_id):
    moved = labels.roll(1, dims=1)
    moved[:, 0] = start_id
    return moved.masked_fill(moved == -100, pad_id)


def _last_real_dropped(labels, start_id, pad_id):
    rows = []
    for row in labels.tolist():
        real = [i for i in row if i != -100][:-1]
        rows.append([start_id, *real, *[pad_id] * len(row)][:len(row)])
    return torch.tensor(rows, dtype=torch.long).reshape(labels.shape)


EXERCISE = Exercise(
    id="seq2seq.shift_right", title=L(zh="标签右移一位", en="Labels shifted right"), reference=shift_right, returns=Array("B T", "int"), cases=_cases,
    hints=(
        L(zh="译文“je t'aime .”：解码器先读起始符，要答 je；再读 je，要答 t'；所以读到的总比要答的晚一位。",
          en="For “je t'aime .” the decoder reads the start id and has to answer je, then reads je and has to answer t': what it reads is one place behind."),
        L(zh="前面放一列 start_id，后面接标签去掉最后一列：`labels[:, :-1]`。沿哪个轴接？", en="A column of start_id, then the labels without their last column, `labels[:, :-1]`. Joined along which axis?"),
        L(zh="最后用 `torch.where(条件, pad_id, …)` 把 -100 换掉。T=0 时，`labels[:, :1]` 也是空的，正好。",
          en="Then `torch.where(condition, pad_id, ...)` replaces -100. With T=0, `labels[:, :1]` is empty as well, which is just right."),
    ),
    mistakes=(
        Mistake("shift-none", L(zh="没有移动：解码器直接读到要预测的词元", en="nothing is shifted: the decoder reads the very token it has to predict"), _PLACE, (_CAT, "labels"), skill="shift", hint=1),
        Mistake("shift-left", L(zh="移反了：向左移了一位，起始符接在末尾", en="labels are shifted left, with the start id at the end"), _PLACE, (_CAT, "torch.cat([labels[:, 1:], start], dim=1)"), skill="shift", hint=1),
        Mistake("shift-overwrites", L(zh="没有移动，第 0 列被起始符盖掉", en="nothing is shifted: the start id overwrites column 0"), _PLACE, ("labels[:, :-1]], dim", "labels[:, 1:]], dim"), skill="shift"),
        Mistake("shift-wraps", L(zh="用 roll 移动，最后一个标签绕到了第 0 列", en="the last label wraps around to column 0, as roll does"), _START, (_CAT, "labels.roll(1, dims=1)"), skill="shift"),
        Mistake("shift-flat", L(zh="整个批连成一串来移：一行的末尾进了下一行的开头", en="the batch is shifted as one long row: the end of a row enters the next"), _START,
                (_CAT, "torch.cat([start.flatten()[:1], labels.flatten()[:-1]]).reshape(labels.shape)"), skill="axis"),
        Mistake("shift-two", L(zh="移了两位", en="labels are shifted by two"), _PLACE, (_CAT, "torch.cat([start, start, labels[:, :-2]], dim=1)[:, :labels.shape[1]]"), skill="shift"),
        Mistake("shift-down", L(zh="沿批轴移动：第 0 行成了起始符", en="the shift runs along the batch: row 0 becomes the start id"), _PLACE, (_CAT, "torch.cat([torch.full_like(labels[:1], start_id), labels[:-1]], dim=0)"), skill="axis"),
        Mistake("shift-longer", L(zh="最后一个标签没有去掉，长度成了 T+1", en="the last label is not dropped: the length is T+1"), _LENGTH, ("labels[:, :-1]], dim", "labels], dim"), skill="shift",
                also=(lambda labels, start_id, pad_id: F.pad(labels.masked_fill(labels == -100, pad_id), (1, 0), value=start_id),)),
        Mistake("shift-no-start", L(zh="没有起始符，长度成了 T-1", en="there is no start id: the length is T-1"), _LENGTH, (_CAT, "labels[:, :-1]"), skill="shift"),
        Mistake("shift-ignored-kept", L(zh="-100 还在里面", en="-100 is left in"), _IGNORED, (_WHERE, "moved"), skill="mask", hint=3),
        Mistake("shift-ignored-zero", L(zh="-100 换成了 0，不是 pad_id", en="-100 becomes 0, not pad_id"), _IGNORED, (_WHERE, "torch.where(moved == -100, 0, moved)"), skill="mask", hint=3,
                also=(lambda labels, start_id, pad_id: torch.cat([torch.full_like(labels[:, :1], start_id), labels[:, :-1].clamp(min=0)], dim=1),)),
        Mistake("shift-ignored-start", L(zh="-100 换成了 start_id", en="-100 becomes start_id"), _IGNORED, (_WHERE, "torch.where(moved == -100, start_id, moved)"), skill="alias", hint=3),
        Mistake("shift-start-pad", L(zh="第 0 列放的是 pad_id", en="column 0 holds pad_id"), _START, ("[:, :1], start_id", "[:, :1], pad_id"), skill="alias"),
        Mistake("shift-exchanged", L(zh="start_id 和 pad_id 用反了", en="start_id and pad_id are exchanged"), _START, ("[:, :1], start_id", "[:, :1], pad_id"), (_WHERE, "torch.where(moved == -100, start_id, moved)"), skill="alias"),
        Mistake("shift-start-zero", L(zh="第 0 列写死成了 0", en="column 0 is always 0"), _START, ("[:, :1], start_id", "[:, :1], 0"), skill="alias"),
        Mistake("shift-ignored-first", L(zh="每行只换掉了第一个 -100", en="only the first -100 of a row is replaced"), _IGNORED,
                (_WHERE, "torch.where((moved == -100) & ((moved == -100).cumsum(1) == 1), pad_id, moved)"), skill="mask", hint=3),
        Mistake("shift-end-dropped", L(zh="去掉的是每行最后一个真标签，不是最后一列", en="each row loses its last real label, not the last column"),
                L(zh="短句的结束符也要读进来，后面才是填充；去掉的是第 T 列。", en="A short row keeps its last label; what is dropped is column T-1 of the labels."), program=_last_real_dropped, skill="mask"),
        Mistake("shift-in-place", L(zh="改动了 labels", en="labels is changed in place"), _NEW, ("    start =", "    labels[labels == -100] = pad_id\n    start ="), skill="alias",
                also=((("    start =", "    labels.masked_fill_(labels == -100, pad_id)\n    start ="),),)),
        Mistake("shift-empty-start", L(zh="T=0 时多了一列起始符", en="with T=0 there is a column of the start id"), L(zh="T=0 时返回 [B,0]。", en="T=0 gives [B, 0]."),
                ("torch.full_like(labels[:, :1], start_id)", "torch.full((len(labels), 1), start_id)"), skill="edge", hint=3),
        Mistake("shift-empty-error", L(zh="T=0 时没有第 0 列可写", en="with T=0 there is no column 0 to write to"), L(zh="T=0 时返回 [B,0]；`moved[:, :1]` 在那里是空的，不会报错。", en="T=0 gives [B, 0]; `moved[:, :1]` is empty there and raises nothing."),
                program=_empty_error, skill="edge", hint=3),
    ),
    alternatives=(shift_assign, shift_roll, shift_pad, shift_lists, shift_numpy, shift_columns),
    think=L(zh="忘了右移，训练损失会怎样？生成的时候呢？", en="Without the shift, what happens to the training loss? And to what is generated?"), fresh=True,
)

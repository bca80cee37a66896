"""align.chat_loss_mask: which tokens of a conversation the model learns to say."""
from __future__ import annotations

from ...i18n import L
from ..engine.contract import IntList
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def chat_loss_mask(ids, header, end_id):
    """1 for the tokens of the assistant's turns, 0 for everything else; aligned with ids, not shifted.

    ids, header: lists of ints. header opens an assistant's turn, which runs from the token after it to the next end_id, that included, or to the end.
    The header itself is 0; no header is sought inside such a turn. An empty header raises ValueError.

    Steps: is there a header here? where does its turn end? mark it; go on behind it.
    """
    if not header:
        raise ValueError("the header must not be empty")
    mask, i, n = [0] * len(ids), 0, len(header)
    while i < len(ids):
        if ids[i:i + n] != header:
            i += 1
            continue
        start = i + n
        i = ids.index(end_id, start) + 1 if end_id in ids[start:] else len(ids)
        mask[start:i] = [1] * (i - start)
    return mask


def mask_states(ids, header, end_id):
    """Two states: inside an assistant's turn or outside."""
    if len(header) == 0:
        raise ValueError
    out, inside, seen = [], False, []
    for token in ids:
        out.append(int(inside))
        if inside:
            inside = token != end_id
            continue
        seen.append(token)
        if seen[-len(header):] == header:
            inside, seen = True, []
    return out


def mask_recursive(ids, header, end_id):
    if not header:
        raise ValueError(header)
    n = len(header)
    at = next((i for i in range(len(ids) - n + 1) if ids[i:i + n] == header), None)
    if at is None:
        return [0 for _ in ids]
    rest = ids[at + n:]
    length = rest.index(end_id) + 1 if end_id in rest else len(rest)
    return [0] * (at + n) + [1] * length + mask_recursive(rest[length:], header, end_id)


def mask_iterator(ids, header, end_id):
    if header == []:
        raise ValueError("header")
    out, i = [], 0
    while i < len(ids):
        if all(i + k < len(ids) and ids[i + k] == token for k, token in enumerate(header)):
            i += len(header)
            out += [0] * len(header)
            while i < len(ids):
                out.append(1)
                i += 1
                if ids[i - 1] == end_id:
                    break
        else:
            out.append(0)
            i += 1
    return out


def mask_spans(ids, header, end_id):
    """The starts first, then the spans."""
    if not header:
        raise ValueError("header")
    n, spans, free = len(header), [], 0
    for start in [i + n for i in range(len(ids) - n + 1) if ids[i:i + n] == header]:
        if start - n < free:
            continue
        ends = [j for j in range(start, len(ids)) if ids[j] == end_id]
        free = ends[0] + 1 if ends else len(ids)
        spans.append(range(start, free))
    return [int(any(i in span for span in spans)) for i in range(len(ids))]


def mask_tensor(ids, header, end_id):
    import torch
    if not len(header):
        raise ValueError("header")
    mask, x, i = torch.zeros(len(ids), dtype=torch.long), torch.tensor(ids), 0
    while i + len(header) <= len(ids):
        if x[i:i + len(header)].tolist() == header:
            start = i + len(header)
            ends = (x[start:] == end_id).nonzero()
            i = start + int(ends[0]) + 1 if len(ends) else len(ids)
            mask[start:i] = 1
        else:
            i += 1
    return mask.tolist()


def _cases(draw: Draw) -> list[Case]:
    A, U, S, END = [8, 2], [8, 1], [8, 3], 9                # the headers of assistant, user and system

    def words(n):
        return draw.ints(60, n, low=20).tolist()

    def turn(header, n):
        return header + words(n) + [END]

    dialogue = turn(S, 3) + turn(U, 4) + turn(A, 5) + turn(U, 2) + turn(A, 3)
    open_end, inside, cut = L(zh="没有 end_id 的一轮", en="a turn without end_id"), L(zh="一轮里面的 header", en="a header inside a turn"), L(
        zh="不完整的 header", en="a header that is cut short")
    empty, several = L(zh="空的 header", en="an empty header"), L(zh="多轮对话", en="several turns")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), ([8, 1, 5, 9, 8, 2, 6, 7, 9, 8, 1, 5, 9], A, END)),
        Case(L(zh="一问一答", en="one question, one answer"), (turn(U, 3) + turn(A, 4), A, END)),
        Case(L(zh="系统提示和两轮", en="a system prompt and two rounds"), (dialogue, A, END), several),
        Case(L(zh="两个助手轮次相连", en="two assistant's turns in a row"), (turn(U, 2) + turn(A, 2) + turn(A, 3), A, END), several),
        Case(L(zh="三个词元的 header", en="a header of three tokens"), (words(2) + [7, 8, 5] + words(3) + [END] + [7, 8, 6] + words(2) + [END] + [7, 8, 5] + words(2) + [END, 4], [7, 8, 5], END)),
        Case(L(zh="一个词元的 header", en="a header of one token"), ([3] + words(3) + [END] + words(2) + [3] + words(2) + [END] + words(1), [3], END)),
        Case(L(zh="没有助手轮次", en="no assistant's turn"), (turn(S, 3) + turn(U, 4), A, END)),
        Case(L(zh="最后一轮没有结束", en="the last turn does not end"), (turn(U, 3) + turn(A, 2) + turn(U, 2) + A + words(3), A, END), open_end),
        Case(L(zh="以 header 结尾，答案还没开始", en="it ends with a header, the answer yet to come"), (turn(U, 3) + A, A, END), open_end),
        Case(L(zh="空的回答", en="an empty answer"), (turn(U, 2) + A + [END] + turn(U, 1) + turn(A, 2), A, END)),
        Case(L(zh="回答里引用了 header", en="an answer quotes the header"), (turn(U, 2) + A + words(2) + A + words(2) + [END] + turn(U, 2), A, END), inside),
        Case(L(zh="整段就是一个没有结束的回答，里面还有 header", en="an answer without an end, with a header in it"), (A + words(2) + A + words(1), A, END), inside),
        Case(L(zh="end_id 也在 header 里", en="end_id is part of the header"), ([END, 2] + words(2) + [END, 2] + words(2) + [END, 1] + words(1) + [END, 2] + words(1), [END, 2], END), inside),
        Case(L(zh="header 只出现了一半", en="half a header"), ([8, 4] + words(2) + [END, 2] + words(2) + [8], A, END), cut),
        Case(L(zh="header 自己重叠", en="a header that overlaps itself"), ([5, 5, 5, 6, END, 7, 5, 5, END, 5, 5, 4], [5, 5], END), inside),
        Case(L(zh="用户说的话里有 end_id", en="end_id outside the assistant's turns"), (words(2) + [END] + words(1) + [END] + turn(A, 2) + words(1) + [END], A, END)),
        Case(L(zh="没有词元", en="no ids"), ([], A, END)),
        Case(L(zh="header 比 ids 长", en="a header longer than ids"), ([8], A, END), cut),
        Case(L(zh="header 为空", en="an empty header"), (turn(U, 2), [], END), empty),
        Case(L(zh="header 和 ids 都为空", en="both empty"), ([], [], END), empty),
    ]


_HEADER = L(zh="header 是给模型的提示，不是模型说的：它自己是 0，后一个词元才开始算。", en="The header prompts the model, which does not say it: it is 0 itself, and counting starts behind it.")
_END = L(zh="end_id 是模型说的最后一个词元：不学它，模型就不会停。", en="end_id is the last token the model says: without learning it, it never stops.")
_OPEN = L(zh="没有 end_id 的一轮，一直算到末尾。", en="A turn without end_id runs to the end.")
_INSIDE = L(zh="在一轮里面不找 header：引用的 header 也是模型说的话。", en="No header is sought inside a turn: a quoted one is something the model says.")
_ALIGNED = L(zh="掩码和 ids 对齐，错位留给损失去做。", en="The mask lines up with ids; the shift is left to the loss.")
_WHOLE = L(zh="header 的每个词元都要对上。", en="Every token of the header has to match.")
_EVERY = L(zh="对话里可以有好几轮回答。", en="A conversation may hold several answers.")
_ERROR = L(zh="空的 header 处处都能对上，题目要 ValueError。", en="An empty header matches everywhere; the task asks for ValueError.")
_TURN_END = "ids.index(end_id, start) + 1 if end_id in ids[start:] else len(ids)"
_MARK = "        mask[start:i] = [1] * (i - start)\n"


def _nested(ids, header, end_id):
    if not header:
        raise ValueError
    out, inside, n = [0] * len(ids), False, len(header)
    i = 0
    while i < len(ids):
        if ids[i:i + n] == header:
            inside, i = True, i + n
            continue
        out[i] = int(inside)
        inside = inside and ids[i] != end_id
        i += 1
    return out


def _shifted(ids, header, end_id):
    return [*mask_states(ids, header, end_id)[1:], 0] if ids or not header else []


def _not_the_header(ids, header, end_id):
    """1 everywhere after the first header."""
    mask = mask_states(ids, header, end_id)
    first = mask.index(1) if 1 in mask else len(ids)
    return [int(i >= first) for i in range(len(ids))]


EXERCISE = Exercise(
    id="align.chat_loss_mask", title=L(zh="对话里学哪些词元", en="Which tokens of a conversation are learnt"), reference=chat_loss_mask, returns=IntList(), cases=_cases,
    hints=(
        L(zh="从左往右走，每到一处先问：`ids[i:i + len(header)] == header` 吗？", en="Walk from left to right and ask at each place: is `ids[i:i + len(header)] == header`?"),
        L(zh="对上了：回答从 i + len(header) 开始，到下一个 end_id 为止，连它一起。`ids.index(end_id, start)` 从 start 往后找；找不到就到末尾。",
          en="If so, the answer starts at i + len(header) and runs to the next end_id, that included. `ids.index(end_id, start)` looks from start on; if there is none, it runs to the end."),
        L(zh="标完一轮，从它的后面接着走。这样一轮里面的 header 自然不会再被找到。", en="Having marked a turn, go on behind it: a header inside it is then never found."),
    ),
    mistakes=(
        Mistake("chat-header-learnt", L(zh="header 也标成了 1", en="the header is marked as well"), _HEADER, (_MARK, "        mask[start - n:i] = [1] * (i - start + n)\n"), skill="shift"),
        Mistake("chat-end-lost", L(zh="end_id 没有标", en="end_id is not marked"), _END, ("[1] * (i - start)\n", "[int(token != end_id) for token in ids[start:i]]\n"), skill="edge"),
        Mistake("chat-open-lost", L(zh="没有 end_id 的一轮没有标", en="a turn without end_id is not marked"), _OPEN, (_MARK, "        if end_id in ids[start:i]:\n    " + _MARK), skill="edge"),
        Mistake("chat-open-error", L(zh="找不到 end_id 时出错", en="it fails where there is no end_id"), _OPEN, (_TURN_END, "ids.index(end_id, start) + 1"), skill="edge"),
        Mistake("chat-nested", L(zh="在一轮里面又找了 header，把它标成 0", en="a header is sought inside a turn, too, and becomes 0"), _INSIDE, program=_nested, skill="edge", hint=3),
        Mistake("chat-first-only", L(zh="只标了第一轮回答", en="only the first answer is marked"), _EVERY, (_MARK, _MARK + "        break\n"), skill="count", hint=1),
        Mistake("chat-last-only", L(zh="只标了最后一轮回答", en="only the last answer is marked"), _EVERY, (_MARK, "        mask = [0] * len(ids)\n" + _MARK), skill="count", hint=1),
        Mistake("chat-everything-after", L(zh="第一个 header 以后全标了 1，用户的话也在内", en="all that follows the first header is marked, the user's words included"), _END, program=_not_the_header, skill="edge"),
        Mistake("chat-inverted", L(zh="0 和 1 颠倒了", en="0 and 1 are exchanged"), L(zh="1 是要学的。", en="1 is what is learnt."), ("    return mask", "    return [1 - m for m in mask]"), skill="mask", hint=2),
        Mistake("chat-shifted", L(zh="掩码向左错了一位", en="the mask is shifted to the left by one"), _ALIGNED, program=_shifted, skill="shift", convention=True, hint=2),
        Mistake("chat-late", L(zh="从 header 后的第二个词元才开始标", en="marking starts at the second token behind the header"), _HEADER, (_MARK, _MARK.replace("[1] * (i - start)", "([0] + [1] * (i - start))[:i - start]")), skill="shift"),
        Mistake("chat-one-more", L(zh="end_id 后面还多标了一个", en="one token after end_id is marked as well"), _END, ("    return mask", "    return [int(a or b) for a, b in zip(mask, [0, *mask])]"), skill="shift"),
        Mistake("chat-first-token", L(zh="只比了 header 的第一个词元", en="only the first token of the header is compared"), _WHOLE, ("ids[i:i + n] != header", "ids[i] != header[0]"), skill="edge", hint=1),
        Mistake("chat-last-token", L(zh="只比了 header 的最后一个词元", en="only the last token of the header is compared"), _WHOLE, ("if ids[i:i + n] != header:", "if i + n > len(ids) or ids[i + n - 1] != header[-1]:"), skill="edge", hint=1),
        Mistake("chat-two-tokens", L(zh="以为 header 总是两个词元", en="the header is taken to be two tokens long"), _WHOLE, ("start = i + n", "start = i + 2"), skill="shift"),
        Mistake("chat-end-from-start", L(zh="end_id 是从整段的开头找的", en="end_id is sought from the start of ids"), L(zh="从回答的开头往后找。", en="Look from the start of the answer on."),
                ("i = ids.index(end_id, start) + 1 if", "i = max(ids.index(end_id) + 1, start) if"), skill="shift"),
        Mistake("chat-to-last-end", L(zh="一直标到了最后一个 end_id", en="it runs to the last end_id, not the next one"), _END, ("ids.index(end_id, start) + 1", "len(ids) - ids[::-1].index(end_id)"), skill="edge"),
        Mistake("chat-minus-100", L(zh="不学的标了 -100", en="what is not learnt is -100"), L(zh="这里是掩码，只有 0 和 1。", en="This is a mask of 0 and 1."), ("mask, i, n = [0]", "mask, i, n = [-100]"), skill="formula", convention=True),
        Mistake("chat-ids", L(zh="返回的是词元，不是 1", en="the tokens are returned in place of 1"), L(zh="这里是掩码，只有 0 和 1。", en="This is a mask of 0 and 1."), ("[1] * (i - start)\n", "ids[start:i]\n"), skill="formula"),
        Mistake("chat-no-error", L(zh="空的 header 没有报错", en="an empty header is not refused"), _ERROR, ("if not header:\n        raise ValueError(\"the header must not be empty\")", "if not header:\n        return [0] * len(ids)"), skill="edge", hint=1,
                also=((("if not header:\n        raise ValueError(\"the header must not be empty\")", "if not header:\n        return [1] * len(ids)"),),)),
        Mistake("chat-overlap", L(zh="回答结束后，从 header 的下一个词元接着找，没有跳过整轮", en="after a turn it goes on one token behind the header's start, not behind the turn"), _INSIDE,
                (_MARK, "        mask[start:i] = [1] * (i - start)\n        i = start - n + 1\n"), skill="edge", hint=3),
    ),
    alternatives=(mask_states, mask_recursive, mask_iterator, mask_spans, mask_tensor),
    think=L(zh="如果用户在自己的话里打出了 header 那几个字符，会发生什么？分词器能怎样防住？", en="What happens if a user types the characters of the header? How could the tokenizer prevent it?"),
)

"""agents.allowed_tokens: the mask of constrained decoding."""
from __future__ import annotations

import torch

from ...i18n import L
from ..engine.contract import Array
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def allowed_tokens(written, tokens, allowed, eos_id):
    """Which tokens may come next, so that one of the allowed strings can still be completed.

    written: str so far; tokens: list of V strings; allowed: list of strings. Returns bool [V]: True where written + token begins, or is, an
    allowed string; '' is never allowed. Position eos_id is True exactly when written itself is an allowed string, whatever its token.
    """
    def fits(token):
        return token != "" and any(text.startswith(written + token) for text in allowed)

    mask = torch.tensor([fits(token) for token in tokens])
    mask[eos_id] = written in allowed
    return mask


def allowed_rest(written, tokens, allowed, eos_id):
    rest = [text[len(written):] for text in allowed if text[:len(written)] == written]
    mask = torch.zeros(len(tokens), dtype=torch.bool)
    for i, token in enumerate(tokens):
        if i == eos_id:
            mask[i] = "" in rest
        elif token:
            mask[i] = any(r[:len(token)] == token for r in rest)
    return mask


def allowed_prefixes(written, tokens, allowed, eos_id):
    begun = {text[:n] for text in allowed for n in range(len(text) + 1)}
    found = [written + token in begun and len(token) > 0 for token in tokens]
    found[eos_id] = written in set(allowed)
    return torch.tensor(found)


def allowed_numpy(written, tokens, allowed, eos_id):
    import numpy as np
    mask = np.zeros(len(tokens), dtype=bool)
    for text in allowed:
        mask |= np.array([bool(token) and text.startswith(token, len(written)) and text.startswith(written) for token in tokens])
    mask[eos_id] = allowed.count(written) > 0
    return mask


def allowed_trie(written, tokens, allowed, eos_id):
    trie = {}
    for text in allowed:
        node = trie
        for letter in text:
            node = node.setdefault(letter, {})
        node[""] = True
    def follow(node, text):
        for letter in text:
            node = None if node is None else node.get(letter)
        return node
    here = follow(trie, written)
    mask = [bool(token) and follow(here, token) is not None for token in tokens]
    mask[eos_id] = here is not None and "" in here
    return torch.tensor(mask)


def allowed_regex(written, tokens, allowed, eos_id):
    import re
    match = lambda head: any(re.match(re.escape(head), text) for text in allowed)
    return torch.tensor([written in allowed if i == eos_id else bool(token) and match(written + token) for i, token in enumerate(tokens)],
                        dtype=torch.bool)


def allowed_fill(written, tokens, allowed, eos_id):
    mask = torch.full((len(tokens),), False)
    good = [i for i, t in enumerate(tokens) if t != "" and sum(a.find(written + t) == 0 for a in allowed)]
    mask[good] = True
    mask[eos_id] = any(a == written for a in allowed)
    return mask


def _allowed_cases(draw: Draw) -> list[Case]:
    eos, dead, empty = L(zh="结束符的位置", en="the position of the end token"), L(zh="走不通的开头", en="a dead end"), L(zh="空词元", en="the empty token")
    letters = ["a", "b", "ab", "ba", "", "c", "abc", "</s>", "aa"]
    strings = ["".join(draw.words(n, "ab")) for n in (3, 4, 5, 5)]
    calls = ["clock()", "lookup(Mill, seats)", "lookup(Mill, fee)"]
    pieces = ["clock", "look", "lookup(", "up", "(", "()", ")", " ", "seats)", "fee", "", "Mill", ", ", "c", "</s>"]
    return [
        Case(L(zh="课文里的例子", en="the example of the text"), ("a", ["b", "bc", "c", "", "</s>"], ["abd", "a"], 4)),
        Case(L(zh="还什么也没写", en="nothing written yet"), ("", pieces, calls, 14)),
        Case(L(zh="写到一半", en="halfway"), ("look", pieces, calls, 14)),
        Case(L(zh="两条路还分不开", en="two ways not yet apart"), ("lookup(Mill, ", pieces, calls, 14)),
        Case(L(zh="随机的字母", en="random letters"), (strings[0][:2], letters, strings, 7)),
        Case(L(zh="已经写完", en="complete"), ("clock()", pieces, calls, 14), eos),
        Case(L(zh="写完了，但还能接着写", en="complete, yet it may go on"), ("ab", letters, ["ab", "abc", "aba"], 7), eos),
        Case(L(zh="结束符在开头", en="the end token comes first"), ("ab", ["<eos>", "a", "b", "c", "ba"], ["aba", "ab"], 0), eos),
        Case(L(zh="结束符在中间，还没写完", en="the end token in the middle, not complete"), ("a", ["c", "b", "<eos>", "bc", "a"], ["abc", "ac"], 2), eos),
        Case(L(zh="结束符的字面正好接得上", en="the end token's text happens to fit"), ("a", ["a", "b", "c"], ["ab", "ac"], 1), eos),
        Case(L(zh="结束符的字面是空的，写完了", en="the end token's text is empty, complete"), ("ab", ["a", "", "c"], ["ab", "aba"], 1), eos),
        Case(L(zh="走不通", en="a dead end"), ("ax", letters, ["abc", "ab"], 7), dead),
        Case(L(zh="写过了头", en="written too much"), ("abcabc", letters, ["abc", "ab"], 7), dead),
        Case(L(zh="没有合法的字串", en="no allowed strings"), ("", letters, [], 7), dead),
        Case(L(zh="空串也合法", en="the empty string is allowed"), ("", letters, ["", "ab"], 7), empty),
        Case(L(zh="有几个空词元", en="several empty tokens"), ("b", ["", "a", "", "</s>"], ["ba", "b"], 3), empty),
        Case(L(zh="开头出现在字串中间", en="what is written occurs inside an allowed string"), ("b", ["c", "a", "</s>", "cd"], ["abc", "ba", "abcd"], 2)),
        Case(L(zh="空格和大小写", en="spaces and capitals"), ("Mill ", ["library", "Library", " Library", "Lib", "</s>"], ["Mill Library"], 4),
                L(zh="逐字比较", en="comparing letter by letter")),
        Case(L(zh="汉字", en="Chinese"), ("查", ["表", "钟", "表格", "查", "</s>"], ["查表", "看钟", "查表格"], 4)),
        Case(L(zh="带括号和点号的字串", en="brackets and dots"), ("f(", ["1.5", "1", "1x5", ")", ".", "</s>"], ["f(1.5)", "f(2)"], 5),
                L(zh="逐字比较", en="comparing letter by letter")),
    ]


_WHOLE = L(zh="要比较的是 written + token 这一整段。", en="What is compared is written + token as a whole.")
_BEGINS = L(zh="written + token 要是某个合法字串的开头，或者就是它。", en="written + token has to begin an allowed string, or to be one.")
_EOS = L(zh="eos_id 这一位只看 written 本身是不是合法字串。", en="Position eos_id depends only on whether written itself is an allowed string.")
_DEAD = L(zh="走不通时全是 False。", en="At a dead end all is False.")
_EMPTY = L(zh="空词元什么也不写，永远不许选。", en="The empty token writes nothing and is never allowed.")
_LETTERS = L(zh="逐字比较：空格、大小写都算。", en="Compare letter by letter: spaces and capitals count.")
_FITS = "text.startswith(written + token)"
_SET = "mask[eos_id] = written in allowed"

EXERCISE = Exercise(
    id="agents.allowed_tokens", title=L(zh="约束解码的掩码", en="The mask of constrained decoding"), reference=allowed_tokens,
    returns=Array("V", "bool"), cases=_allowed_cases,
    hints=(
        L(zh="对每个词元问：把它接在 written 后面，还是不是某个合法字串的开头？", en="Ask of each token: with it appended to written, does some allowed string still begin so?"),
        L(zh="`text.startswith(written + token)` 连正好写完的情形也管了；空词元要单独排除。",
          en="`text.startswith(written + token)` covers the string that is just completed, too; the empty token has to be ruled out."),
        L(zh="最后再定 eos_id 那一位：written 在 allowed 里才是 True，不管那个词元的字面是什么。",
          en="Settle position eos_id last: True only if written is in allowed, whatever the text of that token."),
    ),
    mistakes=(
        Mistake("mask-forgets-written", L(zh="只看词元自己，没有接在 written 后面", en="the token is looked at alone, not appended to written"), _WHOLE,
                ("written + token", "token"), skill="formula"),
        Mistake("mask-ignores-earlier", L(zh="只看剩下的部分，没有看前面写的合不合",
                en="only the remaining part is compared, whatever was written before"), _WHOLE,
                (_FITS, "text[len(written):].startswith(token)"), skill="formula",
                also=(((_FITS, "text.startswith(token, len(written))"),), ((_FITS, "text.removeprefix(written).startswith(token)"),))),
        Mistake("mask-anywhere", L(zh="在合法字串的任何地方出现都算", en="it may occur anywhere in an allowed string"), _BEGINS,
                (_FITS, "written + token in text"), skill="formula"),
        Mistake("mask-reversed", L(zh="startswith 用反了：合法字串是 written + token 的开头", en="startswith is reversed: an allowed string begins written + token"), _BEGINS,
                (_FITS, "(written + token).startswith(text)"), skill="formula"),
        Mistake("mask-exact", L(zh="只许一步写完的词元", en="only tokens that complete a string at once are allowed"), _BEGINS,
                (_FITS, "text == written + token"), skill="formula"),
        Mistake("mask-no-completion", L(zh="正好写完的词元不许选", en="a token that completes a string is not allowed"), _BEGINS,
                (_FITS, f"({_FITS} and text != written + token)"), skill="edge"),
        Mistake("mask-overshoots", L(zh="写过了头也算", en="tokens that run beyond an allowed string count"), _BEGINS,
                (_FITS, f"({_FITS} or (written + token).startswith(text) and text.startswith(written))"), skill="edge"),
        Mistake("mask-first-letter", L(zh="只比较了词元的第一个字", en="only the first letter of the token is compared"), _WHOLE,
                ("written + token)", "written + token[:1])"), skill="formula"),
        Mistake("mask-one-letter", L(zh="只许一个字的词元", en="only tokens of one letter are allowed"), L(zh="一个词元可以有好几个字。", en="A token may have several letters."),
                ("token != \"\" and", "len(token) == 1 and"), skill="formula"),
        Mistake("mask-empty", L(zh="空词元也许了", en="the empty token is allowed"), _EMPTY, ("token != \"\" and ", ""), skill="edge"),
        Mistake("mask-all", L(zh="要求所有合法字串都以它开头", en="all allowed strings have to begin so"), L(zh="有一个就够。", en="One is enough."),
                ("and any(", "and all("), skill="formula", hint=1),
        Mistake("mask-first-string", L(zh="只看了第一个合法字串", en="only the first allowed string is looked at"), L(zh="每个合法字串都要看。", en="Look at every allowed string."),
                ("for text in allowed)", "for text in allowed[:1])"), skill="formula", hint=1),
        Mistake("mask-no-eos", L(zh="没有处理 eos_id，它和别的词元一样算", en="eos_id is not dealt with, it is treated like any other token"), _EOS,
                (f"    {_SET}\n", ""), skill="edge", hint=3),
        Mistake("mask-eos-always", L(zh="结束符总是许可", en="the end token is always allowed"), _EOS, (_SET, "mask[eos_id] = True"), skill="edge", hint=3),
        Mistake("mask-eos-never", L(zh="结束符从不许可", en="the end token is never allowed"), _EOS, (_SET, "mask[eos_id] = False"), skill="edge", hint=3),
        Mistake("mask-eos-only-added", L(zh="结束符的字面接得上时也成了 True", en="the end token is True, too, where its text happens to fit"), _EOS,
                (_SET, "mask[eos_id] |= written in allowed"), skill="edge", hint=3),
        Mistake("mask-eos-begun", L(zh="written 只是合法字串的开头，结束符就许可了", en="the end token is allowed while written only begins an allowed string"), _EOS,
                (_SET, "mask[eos_id] = any(text.startswith(written) for text in allowed)"), skill="edge", hint=3),
        Mistake("mask-eos-last-resort", L(zh="没有别的词元可选时才许结束", en="the end token is allowed only where no other token is"), _EOS,
                (_SET, "mask[eos_id] = False\n    mask[eos_id] = not mask.any()"), skill="edge", hint=3,
                also=(((_SET, "mask[eos_id] = False\n    mask[eos_id] = written in allowed and not mask.any()"),),)),
        Mistake("mask-eos-forced", L(zh="written 一合法就只许结束", en="as soon as written is allowed, only the end token is"), _EOS,
                (_SET, "mask &= written not in allowed\n    mask[eos_id] = written in allowed"), skill="edge", hint=3),
        Mistake("mask-eos-last", L(zh="把最后一个位置当成了结束符", en="the last position is taken for the end token"), _EOS,
                ("mask[eos_id]", "mask[-1]"), skill="edge", hint=3),
        Mistake("mask-dead-end-open", L(zh="走不通时全放开了", en="at a dead end everything is allowed"), _DEAD,
                ("return mask", "return mask if mask.any() else ~mask"), skill="edge", hint=1),
        Mistake("mask-dead-end-stops", L(zh="走不通时许可了结束符", en="at a dead end the end token is allowed"), _DEAD,
                ("return mask", "mask[eos_id] |= not mask.any()\n    return mask"), skill="edge", hint=3),
        Mistake("mask-inverted", L(zh="True 和 False 反了：标的是不许的", en="True and False are exchanged: what is not allowed is marked"),
                L(zh="True 表示许可。", en="True means allowed."), ("return mask", "return ~mask"), skill="mask", hint=1),
        Mistake("mask-case", L(zh="没有分大小写", en="capitals are ignored"), _LETTERS, (_FITS, "text.lower().startswith((written + token).lower())"),
                skill="formula"),
        Mistake("mask-strips", L(zh="去掉了词元两端的空格", en="spaces at the ends of tokens are dropped"), _LETTERS,
                (_FITS, "text.startswith(written + token.strip())"), ("token != \"\"", "token.strip() != \"\""), skill="formula",
                also=(((_FITS, "text.replace(\" \", \"\").startswith((written + token).replace(\" \", \"\"))"),),)),
        Mistake("mask-pattern", L(zh="把 written + token 当成了正则表达式", en="written + token is taken for a regular expression"), _LETTERS,
                program=lambda written, tokens, allowed, eos_id: _pattern(written, tokens, allowed, eos_id), skill="formula"),
        Mistake("mask-numbers", L(zh="返回的是 0 和 1，不是布尔值", en="0 and 1 are returned, not booleans"), L(zh="掩码的 dtype 是 torch.bool。", en="The dtype of a mask is torch.bool."),
                ("return mask", "return mask.long()"), skill="mask", also=((("return mask", "return mask.float()"),),)),
        Mistake("mask-indices", L(zh="返回的是许可的下标，不是掩码", en="the indices of what is allowed are returned, not a mask"),
                L(zh="题目要长 V 的布尔张量。", en="The task asks for V booleans."), ("return mask", "return mask.nonzero().flatten()"), skill="mask"),
        Mistake("mask-list", L(zh="返回的是列表，不是张量", en="a list is returned, not a tensor"), L(zh="`torch.tensor` 可以把它变成张量。", en="`torch.tensor` makes a tensor of it."),
                ("return mask", "return mask.tolist()"), skill="mask"),
    ),
    alternatives=(allowed_rest, allowed_prefixes, allowed_numpy, allowed_trie, allowed_regex, allowed_fill),
    think=L(zh="词表有几万个词元，每步都这样问一遍太慢；哪些东西可以预先算好？",
            en="With tens of thousands of tokens, asking all of them at each step is slow; what could be computed beforehand?"),
)


def _pattern(written, tokens, allowed, eos_id):
    import re
    def begins(head, text):
        try:
            return re.match(head, text) is not None
        except re.error:
            return False
    mask = torch.tensor([token != "" and any(begins(written + token, text) for text in allowed) for token in tokens])
    mask[eos_id] = written in allowed
    return mask

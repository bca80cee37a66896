"""pretrain.dedupe: of equal lines the first."""
from __future__ import annotations

import re
import unicodedata

from ...i18n import L
from ..engine.exact import Exact
from ..engine.spec import Case, Draw, Exercise, Mistake

__all__ = ["EXERCISE"]


def dedupe(lines):
    """Remove the lines that were there before.

    lines: list of str. Returns a list of those kept, spelled as given and in order: of equal ones the first. Lines are equal if they are after, in
    this order: Unicode NFKC; every run of whitespace to one space, with none at the ends; casefold. A line that becomes empty is a line like any other.

    Steps: a key for each line; a line is kept if its key is new; remember the key.
    """
    import unicodedata
    kept, seen = [], set()
    for line in lines:
        key = " ".join(unicodedata.normalize("NFKC", line).split()).casefold()
        if key not in seen:
            seen.add(key)
            kept.append(line)
    return kept


def _key(line):
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", line)).strip().casefold()


def dedupe_dict(lines):
    first = {}
    for line in lines:
        first.setdefault(_key(line), line)
    return list(first.values())


def dedupe_backwards(lines):
    """A later line is overwritten by an earlier one."""
    found = {_key(line): i for i, line in reversed(list(enumerate(lines)))}
    return [lines[i] for i in sorted(found.values())]


def dedupe_index(lines):
    keys = [" ".join(unicodedata.normalize("NFKC", line).split()).casefold() for line in lines]
    return [line for i, line in enumerate(lines) if keys.index(keys[i]) == i]


def dedupe_recursive(lines):
    if not lines:
        return []
    *before, last = lines
    return dedupe_recursive(before) + ([last] if _key(last) not in map(_key, before) else [])


def dedupe_numpy(lines):
    import numpy as np
    _, first = np.unique(np.array([_key(line) for line in lines], dtype=object), return_index=True)
    return [lines[i] for i in sorted(first)]


def dedupe_characters(lines):
    """Character by character: a space waits until something follows it."""
    seen, kept = set(), []
    for line in lines:
        key, waiting = "", False
        for c in unicodedata.normalize("NFKC", line):
            if c.isspace():
                waiting = key != ""
            else:
                key, waiting = key + " " * waiting + c, False
        if key.casefold() not in seen:
            kept.append(line)
        seen.add(key.casefold())
    return kept


def _cases(draw: Draw) -> list[Case]:
    words = ["good", "hotel", "room", "bad", "view"]
    said = [" ".join(words[i] for i in draw.ints(5, 3).tolist()) for _ in range(4)]
    order = draw.ints(4, 9).tolist()
    width, space, case = L(zh="全角和半角", en="wide and narrow characters"), L(zh="空白", en="whitespace"), L(zh="大小写", en="upper and lower case")
    sequence, empty, far = L(zh="三步的次序", en="the order of the three steps"), L(zh="空行", en="empty lines"), L(zh="隔得远的重复", en="repetitions far apart")
    return [
        Case(L(zh="题目里的例子", en="the example of the task"), (["Good  hotel", "good hotel ", "ＧＯＯＤ　hotel", "bad"],)),
        Case(L(zh="没有重复", en="no repetition"), (["b", "c", "a", "ab", "a b"],)),
        Case(L(zh="一样的行", en="lines that are the same"), ([said[i] for i in order],), far),
        Case(L(zh="先大写，后小写", en="upper case first, then lower"), (["ROOM", "room", "Room", "view"],), case),
        Case(L(zh="德语的 ß", en="German ß"), (["Straße", "STRASSE", "strasse", "Strase"],), case),
        Case(L(zh="前后的空白", en="whitespace at the ends"), (["  a b", "a b", "a b\t", "\na b\r\n"],), space),
        Case(L(zh="中间的空白", en="whitespace inside"), (["a  b", "a b", "a\tb", "a \n b", "a\u3000b", "a\u00a0b", "ab"],), space),
        Case(L(zh="全角字母和数字", en="wide letters and digits"), (["Ａ１", "A1", "a１", "Ａ2"],), width),
        Case(L(zh="合字、上标、半角片假名", en="a ligature, a superscript, narrow katakana"), (["ﬁne", "fine", "x²", "x2", "ｶﾞ", "ガ"],), width),
        Case(L(zh="重音：一个字符或两个", en="an accent in one character or two"), (["café", "cafe\u0301", "cafe"],), width),
        Case(L(zh="先 NFKC，再 casefold", en="NFKC before casefold"), (["℡", "tel", "TEL"],), sequence),
        Case(L(zh="先 NFKC，再去掉空白", en="NFKC before whitespace"), (["\u00b4x", "\u0301x", "x"],), sequence),
        Case(L(zh="空行和只有空白的行", en="empty lines and lines of whitespace"), (["", "a", "  ", "\t", "A", "b"],), empty),
        Case(L(zh="只有空白", en="whitespace alone"), (["   ", ""],), empty),
        Case(L(zh="没有行", en="no lines"), ([],), empty),
        Case(L(zh="标点不管", en="punctuation counts"), (["good!", "good", "good！", "good ."],)),
        Case(L(zh="中文", en="Chinese"), (["房间很大", "房间 很大", "房间很大 ", "房間很大"],)),
    ]


_KEY = L(zh="比较用的是规整过的键：NFKC、空白、casefold，一步也不能少。", en="What is compared is a normalised key: NFKC, whitespace, casefold, all three.")
_SPACE = L(zh="`split()` 不带参数：切在任何一串空白上，前后的也去掉；再用一个空格接起来。", en="`split()` without arguments cuts at every run of whitespace and drops it at the ends; join with one space.")
_STEPS = L(zh="次序：NFKC，空白，casefold。NFKC 会造出大写字母和空格来。", en="The order: NFKC, whitespace, casefold. NFKC can produce capitals and spaces.")
_GIVEN = L(zh="返回的是原来的写法和次序；一样的里面留第一个。", en="What is returned is spelled as given and in order; of equal ones the first.")
_ANY = L(zh="变空了的行也是一行：第一个留下。", en="A line that becomes empty is a line as well: the first of them stays.")
_NORMAL = 'unicodedata.normalize("NFKC", line)'
_WHOLE = f'" ".join({_NORMAL}.split()).casefold()'


def _previous_only(lines):
    return [line for i, line in enumerate(lines) if i == 0 or _key(line) != _key(lines[i - 1])]


def _unique_only(lines):
    keys = [_key(line) for line in lines]
    return [line for line, key in zip(lines, keys) if keys.count(key) == 1]


def _last_of_each(lines):
    return list({_key(line): line for line in lines}.values())


def _last_in_order(lines):
    return dedupe_dict(lines[::-1])[::-1]


EXERCISE = Exercise(
    id="pretrain.dedupe", title=L(zh="去掉重复的行", en="Removing repeated lines"), reference=dedupe, returns=Exact(list), cases=_cases,
    hints=(
        L(zh="给每一行算一个键，两行的键一样就算重复。见过的键放进集合。", en="Work out a key for each line; two lines with one key are repetitions. Keep the keys seen in a set."),
        L(zh='键分三步：`unicodedata.normalize("NFKC", …)`，`" ".join(….split())`，`.casefold()`。', en='The key takes three steps: `unicodedata.normalize("NFKC", ...)`, `" ".join(....split())`, `.casefold()`.'),
        L(zh="留下的是原来的行，不是键；集合不保次序，所以另用一个列表。", en="What is kept is the line as given, not its key; a set has no order, so keep a list beside it."),
    ),
    mistakes=(
        Mistake("dedupe-exact", L(zh="没有规整：只去掉一模一样的行", en="nothing is normalised: only identical lines are removed"), _KEY, (_WHOLE, "line"), skill="formula", hint=1),
        Mistake("dedupe-no-nfkc", L(zh="没有做 NFKC", en="NFKC is missing"), _KEY, (_NORMAL, "line"), skill="formula"),
        Mistake("dedupe-nfc", L(zh="用了 NFC：全角和合字没有变", en="NFC is used, which leaves wide characters and ligatures"), _KEY, ('"NFKC"', '"NFC"'), skill="formula", also=((('"NFKC"', '"NFD"'),),)),
        Mistake("dedupe-no-casefold", L(zh="没有管大小写", en="upper and lower case are kept apart"), _KEY, (".casefold()", ""), skill="formula"),
        Mistake("dedupe-lower", L(zh="用了 lower()，不是 casefold()：ß 和 ss 没有合上", en="lower() stands in place of casefold(), which leaves ß and ss apart"), _KEY, (".casefold()", ".lower()"), skill="formula"),
        Mistake("dedupe-no-whitespace", L(zh="没有管空白", en="whitespace is left as it is"), _SPACE, (_WHOLE, f"{_NORMAL}.casefold()"), skill="formula"),
        Mistake("dedupe-strip-only", L(zh="只去掉了前后的空白", en="whitespace is removed at the ends alone"), _SPACE, (_WHOLE, f"{_NORMAL}.strip().casefold()"), skill="formula"),
        Mistake("dedupe-inside-only", L(zh="中间的空白并成了一个，前后的没有去掉", en="runs of whitespace become one space, but the ends keep it"), _SPACE,
                ("import unicodedata", "import re, unicodedata"), (_WHOLE, f're.sub(r"\\s+", " ", {_NORMAL}).casefold()'), skill="formula"),
        Mistake("dedupe-all-whitespace", L(zh="空白全去掉了：'a b' 和 'ab' 成了一样的", en="all whitespace is removed, so that 'a b' equals 'ab'"), _SPACE, ('" ".join', '"".join'), skill="formula"),
        Mistake("dedupe-spaces-only", L(zh="只管空格，没有管制表符和换行", en="only spaces are handled, not tabs and line breaks"), _SPACE,
                (_WHOLE, f'" ".join(part for part in {_NORMAL}.split(" ") if part).casefold()'), skill="formula"),
        Mistake("dedupe-one-pass", L(zh="只把两个空格换成一个，前后用 strip", en="two spaces are replaced by one, and the ends stripped"), _SPACE,
                (_WHOLE, f'{_NORMAL}.replace("  ", " ").strip().casefold()'), skill="formula"),
        Mistake("dedupe-casefold-first", L(zh="casefold 在 NFKC 之前", en="casefold comes before NFKC"), _STEPS, (_WHOLE, _WHOLE.replace(", line)", ", line.casefold())").replace(".split()).casefold()", ".split())")),
                skill="rank"),
        Mistake("dedupe-space-first", L(zh="空白在 NFKC 之前", en="whitespace comes before NFKC"), _STEPS, (_WHOLE, 'unicodedata.normalize("NFKC", " ".join(line.split())).casefold()'), skill="rank"),
        Mistake("dedupe-words", L(zh="标点也去掉了", en="punctuation is removed as well"), L(zh="题目没有要去掉标点。", en="The task does not ask to remove punctuation."),
                (_WHOLE, f'" ".join("".join(c for c in {_NORMAL} if c.isalnum() or c.isspace()).split()).casefold()'), skill="formula", also=(
                    ((_WHOLE, f'" ".join("".join(c for c in {_NORMAL} if c not in ".,!?").split()).casefold()'),),)),
        Mistake("dedupe-ascii", L(zh="不是 ASCII 的字符都丢了", en="characters beyond ASCII are dropped"), _KEY, (_NORMAL, f'{_NORMAL}.encode("ascii", "ignore").decode()'), skill="formula"),
        Mistake("dedupe-accents", L(zh="重音也去掉了", en="accents are removed as well"), L(zh="café 和 cafe 是两行。", en="café and cafe are two lines."),
                (_NORMAL, '"".join(c for c in unicodedata.normalize("NFKD", line) if not unicodedata.combining(c))'), skill="formula"),
        Mistake("dedupe-returns-keys", L(zh="返回的是规整过的行，不是原来的写法", en="the normalised lines are returned, not as given"), _GIVEN, ("kept.append(line)", "kept.append(key)"), skill="alias", hint=3),
        Mistake("dedupe-last", L(zh="一样的里面留了最后一个", en="of equal lines the last is kept"), _GIVEN, program=_last_of_each, skill="rank", hint=3, also=(_last_in_order,)),
        Mistake("dedupe-sorted", L(zh="结果排了序", en="the result is sorted"), _GIVEN, ("return kept", "return sorted(kept)"), skill="rank", hint=3),
        Mistake("dedupe-adjacent", L(zh="只和前一行比（像 uniq）", en="a line is compared with the one before it alone, as uniq does"), L(zh="重复的行可能隔得很远。", en="A repetition may be far away."), program=_previous_only, skill="edge", hint=1),
        Mistake("dedupe-drops-all", L(zh="有重复的一个也没留", en="lines that occur more than once are dropped altogether"), _GIVEN, program=_unique_only, skill="edge", hint=3),
        Mistake("dedupe-inverted", L(zh="留下的正是重复的", en="the repetitions are what is kept"), _GIVEN,
                ("            kept.append(line)\n", "        else:\n            kept.append(line)\n"), skill="edge", hint=3),
        Mistake("dedupe-never-seen", L(zh="没有把键记下来", en="keys are never remembered"), _GIVEN, ("            seen.add(key)\n", ""), skill="edge", hint=1),
        Mistake("dedupe-remembers-line", L(zh="记下的是原来的行，比的却是键", en="the line is remembered, but the key is looked up"), _KEY, ("seen.add(key)", "seen.add(line)"), skill="alias", hint=1),
        Mistake("dedupe-drops-empty", L(zh="空行全丢了", en="empty lines are dropped"), _ANY, ("if key not in seen:", "if key and key not in seen:"), skill="edge", hint=1),
        Mistake("dedupe-keeps-empty", L(zh="空行全留下了", en="all empty lines are kept"), _ANY, ("if key not in seen:", "if not key or key not in seen:"), skill="edge", hint=1),
        Mistake("dedupe-stripped", L(zh="返回的行去掉了前后的空白", en="the lines that are returned have lost the whitespace at their ends"), _GIVEN, ("kept.append(line)", "kept.append(line.strip())"), skill="alias", hint=3),
    ),
    alternatives=(dedupe_dict, dedupe_backwards, dedupe_index, dedupe_recursive, dedupe_numpy, dedupe_characters),
    think=L(zh="只差一个标点的两篇文章，这样去不掉。怎样找“几乎一样”的？", en="Two texts that differ by one comma both stay. How could nearly equal ones be found?"),
)

"""agents.parse_call: reading a tool call without executing it."""
from __future__ import annotations

from ...i18n import L
from ..engine.contract import Tuple
from ..engine.exact import Exact
from ..engine.spec import Case, Draw, Exercise, Mistake
from ._parsers import (
    cut_at_commas,
    evaluates,
    json_loads,
    literals,
    parse_ast,
    parse_by_hand,
    parse_consuming,
    parse_groups,
    parse_scanner,
    parse_split,
    syntax_tree,
)

__all__ = ["EXERCISE"]


def parse_call(text):
    """Read 'name(arg, arg)' -> (name, list of args), without `eval` or `exec`.

    Name: an ASCII letter or _, then those or 0-9. Args: int -?[0-9]+, float -?[0-9]+[.][0-9]+, str in double quotes (all but the quote, no
    escapes). Spaces only at both ends and around args; 'f()' and 'f( )' give []. All else raises ValueError: trailing text or comma, nesting,
    keywords.
    """
    import re
    value = r'-?[0-9]+\.[0-9]+|-?[0-9]+|"[^"]*"'
    some = rf"(?:{value})(?: *, *(?:{value}))*"
    call = re.fullmatch(rf" *([A-Za-z_][A-Za-z0-9_]*)\( *({some})? *\) *", text)
    if call is None:
        raise ValueError(f"not a call: {text}")
    args = []
    for arg in re.findall(value, call[2] or ""):
        number = float if "." in arg else int
        args.append(arg[1:-1] if arg[0] == '"' else number(arg))
    return call[1], args


_PLACE, _NOISE = L(zh="空格", en="spaces"), L(zh="该报错的输入", en="what has to raise an error")


def _parse_cases(draw: Draw) -> list[Case]:
    def bad(zh: str, en: str, text: str) -> Case:
        return Case(L(zh=zh, en=en), (text,), _NOISE)

    a, b, quoted = draw.int(10, 90), draw.int(100, 900), L(zh="引号里的内容", en="what stands in quotes")
    numbers = L(zh="数的类型", en="the type of numbers")
    return [
        Case(L(zh="三种参数", en="three kinds of arguments"), ('add(2, -3.5, "a, b)")',)),
        Case(L(zh="一个整数", en="an integer"), (f"square({a})",), numbers),
        Case(L(zh="一个小数", en="a float"), (f"half({b}.0)",), numbers),
        Case(L(zh="负数和零", en="negative numbers and zero"), (f"f(-{a}, 0, -0.5, 007)",), numbers),
        Case(L(zh="两段文字", en="two texts"), ('lookup("Mill Library", "late fee")',)),
        Case(L(zh="没有参数", en="no arguments"), ("clock()",)),
        Case(L(zh="括号里只有空格", en="only spaces in the brackets"), ("clock(  )",), _PLACE),
        Case(L(zh="到处有空格", en="spaces wherever they may be"), (f'  f( {a} ,"x" , -1.25  )  ',), _PLACE),
        Case(L(zh="没有空格", en="no spaces"), (f'f({a},"x",2)',), _PLACE),
        Case(L(zh="引号里有逗号、括号和等号", en="commas, brackets and signs in quotes"), ('search("Who (if anyone), is x=1?", "),(")',), quoted),
        Case(L(zh="引号里的空格要留着", en="spaces in quotes are kept"), ('say("  a  b ")',), quoted),
        Case(L(zh="空的文字", en="an empty text"), ('say("", "")',), quoted),
        Case(L(zh="引号里像数的文字", en="a text that looks like a number"), ('say("12", "-1.5", 12)',), quoted),
        Case(L(zh="引号里有撇号、反斜杠和换行", en="an apostrophe, a backslash and a line break in quotes"), ('say("it\'s a \\n b", "c\nd")',), quoted),
        Case(L(zh="引号里有汉字", en="Chinese in quotes"), ('ask("图书馆几点关门？")',), quoted),
        Case(L(zh="名字里有下划线和数字", en="underscores and digits in the name"), ("_to_2d(1)",)),
        Case(L(zh="大写的名字", en="capitals in the name"), ("GetTime()",)),
        bad("空串", "an empty string", ""), bad("没有括号", "no brackets", "clock"), bad("没有右括号", "no closing bracket", "f(1"),
        bad("没有名字", "no name", "(1)"), bad("名字以数字开头", "a name that begins with a digit", "2f(1)"),
        bad("名字里有点", "a dot in the name", "os.remove(1)"), bad("名字是汉字", "a name in Chinese", "加(1)"),
        bad("名字和括号之间有空格", "a space before the bracket", "f (1)"), bad("名字里有空格", "a space in the name", "my f(1)"),
        bad("后面还有字", "trailing text", "f(1) + 2"), bad("后面还有一次调用", "a second call", "f(1)(2)"), bad("后面有分号", "a semicolon", "f(1);"),
        bad("前面还有字", "text in front", "x = f(1)"), bad("嵌套的调用", "a nested call", "f(g(1))"), bad("关键字参数", "a keyword argument", "f(x=1)"),
        bad("末尾的逗号", "a trailing comma", "f(1, )"), bad("只有逗号", "only a comma", "f(,)"), bad("连着两个逗号", "two commas", "f(1,,2)"),
        bad("开头的逗号", "a leading comma", "f(, 1)"), bad("参数之间没有逗号", "no comma between arguments", "f(1 2)"),
        bad("两段文字之间没有逗号", "no comma between texts", 'f("a" "b")'), bad("没有引号的词", "a word without quotes", "f(Mill)"),
        bad("单引号", "single quotes", "f('a')"), bad("没有关上的引号", "an open quote", 'f("a)'), bad("引号后面有字", "text after a quote", 'f("a"b)'),
        bad("True", "True", "f(True)"), bad("列表", "a list", "f([1])"), bad("算式", "a sum", "f(1+1)"), bad("加号", "a plus sign", "f(+1)"),
        bad("负号后有空格", "a space after the minus", "f(- 1)"), bad("两个负号", "two minus signs", "f(--1)"), bad("小数点后没有数字", "no digit after the point", "f(1.)"),
        bad("小数点前没有数字", "no digit before the point", "f(.5)"), bad("科学记数法", "scientific notation", "f(1e3)"),
        bad("两个小数点", "two points", "f(1.2.3)"), bad("带下划线的数", "an underscore in a number", "f(1_000)"), bad("全角数字", "full-width digits", "f(１２)"),
        bad("inf 和 nan", "inf and nan", "f(inf, nan)"),
    ]


_TYPES = L(zh="没有小数点的是 int，有小数点的是 float，双引号里的是 str。", en="Without a point it is an int, with one a float, in double quotes a str.")
_QUOTES = L(zh="双引号里除了双引号什么都可以有，原样留下，不加也不减。", en="Between double quotes anything but the quote may stand; keep it as it is.")
_ALL = L(zh="整个字串都要合乎格式：用 `re.fullmatch`，或者读完以后看看还剩不剩。", en="The whole string has to fit: use `re.fullmatch`, or look whether anything is left.")
_SPACES = L(zh="空格只许在两端和参数的两边。", en="Spaces may stand at both ends and around arguments only.")
_NAME = L(zh="名字是 ASCII 字母或 _ 开头，后面是字母、_ 或 0-9。", en="A name begins with an ASCII letter or _, then letters, _ or 0-9.")
_DIGIT = L(zh="整数是 -?[0-9]+，小数是 -?[0-9]+[.][0-9]+，别的写法都不算。", en="An int is -?[0-9]+, a float -?[0-9]+[.][0-9]+; no other way of writing them counts.")
_COMMA = L(zh="两个参数之间正好一个逗号。", en="Exactly one comma stands between two arguments.")
_DANGER = L(zh="`eval` 会执行模型写的任何东西。要自己读。", en="`eval` executes whatever a model writes. Read it yourself.")
_NUMBER = 'number = float if "." in arg else int'
_RAISE = 'raise ValueError(f"not a call: {text}")'
_VALUE = """r'-?[0-9]+\\.[0-9]+|-?[0-9]+|"[^"]*"'"""
_REST = 'rf"(?:{value})(?: *, *(?:{value}))*"'
_CALL = 'rf" *([A-Za-z_][A-Za-z0-9_]*)\\( *({some})? *\\) *"'


EXERCISE = Exercise(
    id="agents.parse_call", title=L(zh="读懂一次工具调用", en="Reading a tool call"), reference=parse_call,
    returns=Tuple((("name", Exact(str)), ("args", Exact(list)))), cases=_parse_cases, forbidden={"eval": "eval", "exec": "exec"},
    hints=(
        L(zh="分三步：名字；两个括号之间的内容；把内容切成参数。引号里的逗号和括号不能切。",
          en="Three steps: the name; what stands between the brackets; cut that into arguments. Commas and brackets in quotes are no places to cut."),
        L(zh="正则表达式里，一个参数是 `-?[0-9]+[.][0-9]+|-?[0-9]+|\"[^\"]*\"`；整个调用用 `re.fullmatch` 来配，配不上就抛出 ValueError。",
          en="As a regular expression an argument is `-?[0-9]+[.][0-9]+|-?[0-9]+|\"[^\"]*\"`; match the whole call with `re.fullmatch`, and raise "
             "ValueError where it does not match."),
        L(zh="配上以后用 `re.findall` 取出各个参数：以引号开头的去掉引号，有小数点的 `float`，其余 `int`。",
          en="Once it matches, `re.findall` gives the arguments: take the quotes off, `float` where there is a point, `int` for the rest."),
    ),
    mistakes=(
        Mistake("parse-eval", L(zh="用 `eval` 读参数", en="`eval` reads the arguments"), _DANGER, program=evaluates, skill="formula", hint=1),
        Mistake("parse-literal-eval", L(zh="用 `ast.literal_eval` 读参数：Python 的其他写法也放进来了",
                en="`ast.literal_eval` reads the arguments, and so lets in what else Python can write"), _DIGIT, program=literals, skill="formula", also=(syntax_tree,)),
        Mistake("parse-json", L(zh="用 `json.loads` 读参数", en="`json.loads` reads the arguments"), _DIGIT, program=json_loads, skill="formula"),
        Mistake("parse-picks", L(zh="从括号里挑出像参数的东西，别的都不看", en="it picks what looks like arguments from the brackets and overlooks all else"), _ALL,
                ("({some})?", "((?s:.*?))"), skill="edge"),
        Mistake("parse-cut-at-commas", L(zh="在每个逗号处都切，引号里的也切", en="it cuts at every comma, in quotes as well"), _QUOTES, program=cut_at_commas,
                skill="formula", hint=1),
        Mistake("parse-all-text", L(zh="参数全是字符串，没有变成数", en="all arguments are strings; numbers are not made of them"), _TYPES,
                (_NUMBER, "number = str"), skill="formula", hint=3),
        Mistake("parse-all-float", L(zh="整数也成了 float", en="integers become floats, too"), _TYPES,
                (_NUMBER, "number = float"), skill="formula", hint=3),
        Mistake("parse-all-int", L(zh="小数被截成了 int", en="floats are cut down to ints"), _TYPES,
                (_NUMBER, "number = lambda text: int(float(text))"), skill="formula", hint=3),
        Mistake("parse-whole-is-int", L(zh="值是整数的小数成了 int", en="a float that is whole becomes an int"), _TYPES,
                (_NUMBER, "number = lambda text: int(float(text)) if float(text).is_integer() else float(text)"), skill="formula", hint=3),
        Mistake("parse-quoted-numbers", L(zh="引号里像数的文字也成了数", en="a text in quotes that looks like a number becomes one"), _TYPES,
                ("arg[1:-1] if", '''number(arg[1:-1]) if arg[0] == '"' and re.fullmatch("-?[0-9]+([.][0-9]+)?", arg[1:-1]) else arg[1:-1] if'''), skill="formula", hint=3),
        Mistake("parse-quotes-kept", L(zh="引号没有去掉", en="the quotes are kept"), _QUOTES, ("arg[1:-1] if", "arg if"), skill="edge", hint=3),
        Mistake("parse-text-stripped", L(zh="引号里两端的空格丢了", en="spaces at the ends of a text are lost"), _QUOTES,
                ("arg[1:-1] if", "arg[1:-1].strip() if"), skill="edge", hint=3),
        Mistake("parse-escapes", L(zh="引号里的反斜杠被当成了转义", en="a backslash in quotes is taken for an escape"), _QUOTES,
                ("arg[1:-1] if", 'arg[1:-1].replace("\\\\n", "\\n") if'), skill="edge", hint=3),
        Mistake("parse-one-line", L(zh="引号里不许换行", en="a line break in quotes is refused"), _QUOTES, ('"[^"]*"', '"[^"\\n]*"'), skill="edge"),
        Mistake("parse-empty-text", L(zh="空的文字 \"\" 不许", en="the empty text \"\" is refused"), _QUOTES, ('"[^"]*"', '"[^"]+"'), skill="edge"),
        Mistake("parse-greedy-quotes", L(zh="从第一个引号一直吃到最后一个", en="a text runs from the first quote to the last"), _QUOTES,
                ('"[^"]*"', '"(?s:.*)"'), skill="formula"),
        Mistake("parse-single-quotes", L(zh="单引号也放进来了", en="single quotes are let in"), _QUOTES,
                (_VALUE, '''r"""-?[0-9]+\\.[0-9]+|-?[0-9]+|"[^"]*"|'[^']*\'"""'''), ("arg[0] == '\"'", "arg[0] in '\"\\''"), skill="formula"),
        Mistake("parse-trailing-text", L(zh="后面多出来的字没有报错", en="trailing text raises no error"), _ALL, ("re.fullmatch", "re.match"), skill="edge"),
        Mistake("parse-anywhere", L(zh="在字串里找到一次调用就算，前后的字没有报错", en="a call anywhere in the text will do; what stands around it raises no error"), _ALL,
                ("re.fullmatch", "re.search"), skill="edge"),
        Mistake("parse-no-spaces", L(zh="括号里的空格不许", en="spaces in the brackets are refused"), _SPACES, ("(?: *, *(", "(?:, ?("),
                ("\\( *({some})? *\\) *", "\\(({some})?\\) *"), skill="edge", also=((("(?: *, *(", "(?:, *("), ("({some})? *\\)", "({some})?\\)"), ("\\( *(", "\\((")),)),
        Mistake("parse-ends", L(zh="两端的空格不许", en="spaces at both ends are refused"), _SPACES, ('rf" *(', 'rf"('), ('\\) *"', '\\)"'), skill="edge"),
        Mistake("parse-gap", L(zh="名字和括号之间的空格放过了", en="spaces between name and bracket are let in"), _SPACES, ("\\( *({some}", " *\\( *({some}"), skill="edge"),
        Mistake("parse-no-arguments", L(zh="没有参数的调用报错", en="a call without arguments raises an error"), L(zh="'f()' 和 'f( )' 的参数是 []。", en="The arguments of 'f()' and 'f( )' are []."),
                ("({some})?", "({some})"), skill="edge"),
        Mistake("parse-no-arguments-text", L(zh="没有参数时得到了 [\"\"]", en="without arguments the list is [\"\"]"), L(zh="'f()' 和 'f( )' 的参数是 []。", en="The arguments of 'f()' and 'f( )' are []."),
                ("return call[1], args", 'return call[1], args or [""]'), skill="edge"),
        Mistake("parse-trailing-comma", L(zh="末尾的逗号放过了", en="a trailing comma is let in"), _COMMA, ("({some})? *", "({some} *,?)? *"), skill="edge"),
        Mistake("parse-comma-optional", L(zh="参数之间可以没有逗号", en="arguments need no comma between them"), _COMMA, ("(?: *, *(", "(?: *,? *("), skill="edge"),
        Mistake("parse-bare-words", L(zh="没有引号的词当成了文字", en="words without quotes pass for texts"), _QUOTES,
                (_VALUE, """r'-?[0-9]+\\.[0-9]+|-?[0-9]+|"[^"]*"|[A-Za-z]+'"""), ("number = float", "number = str if arg.isalpha() else float"), skill="formula"),
        Mistake("parse-plus", L(zh="数前面的加号放过了", en="a plus sign before a number is let in"), _DIGIT,
                (_VALUE, """r'[-+]?[0-9]+\\.[0-9]+|[-+]?[0-9]+|"[^"]*"'"""), skill="edge"),
        Mistake("parse-no-minus", L(zh="负数报错", en="negative numbers raise an error"), _DIGIT, (_VALUE, """r'[0-9]+\\.[0-9]+|[0-9]+|"[^"]*"'"""), skill="edge"),
        Mistake("parse-open-point", L(zh="小数点前后可以没有数字", en="a point needs no digits around it"), _DIGIT,
                (_VALUE, """r'-?[0-9]+\\.[0-9]*|-?\\.[0-9]+|-?[0-9]+|"[^"]*"'"""), skill="edge",
                also=(((_VALUE, """r'-?[0-9]+\\.[0-9]*|-?[0-9]+|"[^"]*"'"""),), ((_VALUE, """r'-?[0-9]*\\.[0-9]+|-?[0-9]+|"[^"]*"'"""),))),
        Mistake("parse-any-digits", L(zh="别的文字的数字也算：`\\d` 不只是 0 到 9", en="digits of other scripts count: `\\d` is more than 0 to 9"), _DIGIT,
                (_VALUE, """r'-?\\d+\\.\\d+|-?\\d+|"[^"]*"'"""), skill="edge"),
        Mistake("parse-any-letters", L(zh="名字里别的文字也放过了", en="letters of other scripts are let into the name"), _NAME,
                ("[A-Za-z_][A-Za-z0-9_]*", "[^\\W0-9]\\w*"), skill="edge"),
        Mistake("parse-name-digit", L(zh="名字以数字开头也放过了", en="a name may begin with a digit"), _NAME, ("[A-Za-z_][A-Za-z0-9_]*", "[A-Za-z0-9_]+"), skill="edge"),
        Mistake("parse-name-letters", L(zh="名字里只许字母", en="only letters are allowed in the name"), _NAME, ("[A-Za-z_][A-Za-z0-9_]*", "[A-Za-z]+"), skill="edge"),
        Mistake("parse-name-lower", L(zh="名字里不许大写字母", en="capitals are refused in the name"), _NAME, ("[A-Za-z_][A-Za-z0-9_]*", "[a-z_][a-z0-9_]*"), skill="edge"),
        Mistake("parse-name-lowered", L(zh="名字变成了小写", en="the name is put into lower case"), _NAME, ("return call[1], args", "return call[1].lower(), args"), skill="edge"),
        Mistake("parse-dotted-name", L(zh="名字里的点放过了", en="dots are let into the name"), _NAME, ("[A-Za-z0-9_]*)", "[A-Za-z0-9_.]*)"), skill="edge"),
        Mistake("parse-returns-none", L(zh="该抛出 ValueError 时返回了别的东西", en="something is returned where ValueError should be raised"), _ALL,
                (_RAISE, "return text, []"), skill="edge", also=(((_RAISE, "return None, []"),), ((_RAISE, "return None"),), ((_RAISE, 'return "", []'),))),
        Mistake("parse-other-error", L(zh="抛出的不是 ValueError", en="another error than ValueError is raised"), L(zh="题目要 ValueError。", en="The task asks for ValueError."),
                (_RAISE, "raise SyntaxError(text)"), skill="edge",
                also=(((_RAISE, "raise TypeError(text)"),), ((_RAISE, "raise AssertionError(text)"),), ((f"    if call is None:\n        {_RAISE}\n", ""),))),
        Mistake("parse-swapped", L(zh="名字和参数的次序反了", en="name and arguments are exchanged"), L(zh="先名字，再参数。", en="The name first, then the arguments."),
                ("return call[1], args", "return args, call[1]"), skill="edge"),
        Mistake("parse-first-argument", L(zh="只读了第一个参数", en="only the first argument is read"), _COMMA, ("return call[1], args", "return call[1], args[:1]"), skill="edge"),
    ),
    alternatives=(parse_by_hand, parse_split, parse_scanner, parse_ast, parse_consuming, parse_groups),
    think=L(zh="读出来以后，谁来检查这个名字真有其工具、参数的个数和类型也对？",
            en="Once it is read, who checks that there is a tool of this name and that the number and types of arguments are right?"),
)

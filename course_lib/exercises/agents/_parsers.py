"""Other ways of reading a tool call: right ones, then wrong ones."""
from __future__ import annotations

import re

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
_DIGITS = "0123456789"


def parse_by_hand(text):
    at = 0

    def spaces():
        nonlocal at
        while text[at:at + 1] == " ":
            at += 1

    def some(letters):
        nonlocal at
        start = at
        while at < len(text) and text[at] in letters:
            at += 1
        return text[start:at]

    def need(letter):
        nonlocal at
        if text[at:at + 1] != letter:
            raise ValueError(f"{letter} expected at {at}")
        at += 1

    def value():
        nonlocal at
        if text[at:at + 1] == '"':
            end = text.find('"', at + 1)
            if end < 0:
                raise ValueError("open quote")
            found, at = text[at + 1:end], end + 1
            return found
        start = at
        at += text[at:at + 1] == "-"
        if not some(_DIGITS):
            raise ValueError(f"a value expected at {at}")
        if text[at:at + 1] != ".":
            return int(text[start:at])
        at += 1
        if not some(_DIGITS):
            raise ValueError(f"digits expected at {at}")
        return float(text[start:at])

    spaces()
    name, args = some(_LETTERS + _DIGITS), []
    if not name or name[0] in _DIGITS:
        raise ValueError("no name")
    need("(")
    spaces()
    if text[at:at + 1] != ")":
        args.append(value())
        spaces()
        while text[at:at + 1] == ",":
            at += 1
            spaces()
            args.append(value())
            spaces()
    need(")")
    spaces()
    if at != len(text):
        raise ValueError("trailing text")
    return name, args


def _split(inside):
    parts, quoted = [""], False
    for letter in inside:
        quoted ^= letter == '"'
        if letter == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def parse_split(text):
    head, bracket, rest = text.strip(" ").partition("(")
    if not bracket or not rest.endswith(")") or not head.isascii() or not head.isidentifier():
        raise ValueError(text)
    inside, args = rest[:-1], []
    for part in _split(inside) if inside.strip(" ") else []:
        part = part.strip(" ")
        if len(part) > 1 and part[0] == part[-1] == '"' and part.count('"') == 2:
            args.append(part[1:-1])
        elif re.fullmatch("-?[0-9]+", part):
            args.append(int(part))
        elif re.fullmatch("-?[0-9]+[.][0-9]+", part):
            args.append(float(part))
        else:
            raise ValueError(part)
    return head, args


def parse_scanner(text):
    kinds = [("name", r"[A-Za-z_][A-Za-z_0-9]*"), ("float", r"-?[0-9]+\.[0-9]+"), ("int", r"-?[0-9]+"), ("str", r'"[^"]*"'), ("mark", r"[(),]"),
             ("space", " +"), ("bad", r"[\s\S]")]
    found = [(m.lastgroup, m[0]) for m in re.finditer("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds), text)]
    while found and found[0][0] == "space":
        found.pop(0)
    if [kind for kind, _ in found[:2]] != ["name", "mark"] or found[1][1] != "(":
        raise ValueError(text)
    rest = [pair for pair in found[2:] if pair[0] != "space"]
    read: dict = {"int": int, "float": float, "str": lambda quoted: quoted.strip('"')}
    if not rest or rest.pop() != ("mark", ")"):
        raise ValueError(text)
    args = [read[kind](piece) if kind in read else None for kind, piece in rest[::2]]
    if None in args or any(pair != ("mark", ",") for pair in rest[1::2]) or (rest and len(rest) % 2 == 0):
        raise ValueError(text)
    return found[0][1], args


def parse_ast(text):
    import ast
    call = re.fullmatch(r' *([a-zA-Z_][a-zA-Z_0-9]*)\(((?:"[^"]*"|[^"])*)\) *', text)
    if not call:
        raise ValueError("no call")
    shape = re.sub('"[^"]*"', '""', call[2])
    if not re.fullmatch(r' *|( *(-?[0-9]+(\.[0-9]+)?|"") *(,(?! *$)|$))+', shape):
        raise ValueError("no arguments")
    pieces = re.findall(r'"[^"]*"|-?[0-9.]+', call[2])
    return [call[1], [piece[1:-1] if piece[0] == '"' else ast.literal_eval(re.sub(r"(?<![0-9.])0+(?=[0-9])", "", piece)) for piece in pieces]]


def parse_consuming(text):
    text = text.strip(" ")
    start = re.match(r"([A-Za-z_]\w*)\( *", text, re.ASCII)
    if not start or text[-1] != ")":
        raise ValueError(text)
    rest, args = text[start.end():-1].strip(" "), []
    while rest:
        found = re.match(r'(?:"(?P<s>[^"]*)"|(?P<f>-?[0-9]+\.[0-9]+)|(?P<i>-?[0-9]+)) *(?P<comma>,? *)', rest)
        if not found:
            raise ValueError(rest)
        rest = rest[found.end():]
        if bool(rest) != found["comma"].startswith(","):
            raise ValueError("comma")
        args.append(found["s"] if found["s"] is not None else float(found["f"]) if found["f"] else int(found["i"]))
    return start[1], args


def parse_groups(text):
    value = r'\s*("[^"]*"|-?\d+(?:\.\d+)?)\s*'
    match = re.match(rf'^\s*([A-Z_]\w*)\((\s*|{value}(?:,{value})*)\)\s*$', text, re.ASCII | re.IGNORECASE)
    if match is None:
        raise ValueError(repr(text))
    number = lambda word: float(word) if "." in word else int(word)
    return match.group(1), [word[1:-1] if word.startswith('"') else number(word) for word in re.findall(value, match.group(2), re.ASCII)]


# --- wrong -------------------------------------------------------------------------------------------------------------

def evaluates(text):
    name, _, rest = text.strip().partition("(")
    if not name.isidentifier() or not rest.endswith(")"):
        raise ValueError(text)
    return name, list(eval(f"[{rest[:-1]}]", {"__builtins__": {}}))


def literals(text):
    import ast
    name, _, rest = text.strip().partition("(")
    if not name.isidentifier() or not rest.endswith(")"):
        raise ValueError(text)
    return name, list(ast.literal_eval(f"[{rest[:-1]}]"))


def syntax_tree(text):
    import ast
    node = ast.parse(text.strip(), mode="eval").body
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError(text)
    return node.func.id, [ast.literal_eval(arg) for arg in node.args]


def json_loads(text):
    import json
    call = re.fullmatch(r"\s*([A-Za-z_][A-Za-z0-9_]*)\((.*)\)\s*", text, re.DOTALL)
    if call is None:
        raise ValueError(text)
    return call[1], json.loads(f"[{call[2]}]")


def cut_at_commas(text):
    call = re.fullmatch(r" *([A-Za-z_][A-Za-z0-9_]*)\((.*)\) *", text, re.DOTALL)
    if call is None:
        raise ValueError(text)
    args = []
    for part in call[2].split(",") if call[2].strip(" ") else []:
        part = part.strip(" ")
        if re.fullmatch('"[^"]*"', part):
            args.append(part[1:-1])
        elif re.fullmatch("-?[0-9]+", part):
            args.append(int(part))
        elif re.fullmatch(r"-?[0-9]+\.[0-9]+", part):
            args.append(float(part))
        else:
            raise ValueError(part)
    return call[1], args

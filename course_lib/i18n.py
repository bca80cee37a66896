"""Two languages, one message: ``L(zh="你好", en="Hello")``.

The language is one setting a kernel. `course_lib.start(lang=...)` sets it; before that it is COURSE_LANG, or
else
the machine's locale.

    >>> set_language("en"); str(L(zh="你好，{name}", en="Hello, {name}").format(name="Ada"))
    'Hello, Ada'

A terminal or a pipe may not know every character: Chinese Windows writes GBK, which has no ✓. `adapt_console`
sees to it once a process, so that no message need care.
"""

from __future__ import annotations

import codecs
import locale
import os
import sys
import unicodedata
from dataclasses import dataclass

__all__ = ["L", "LANGUAGES", "adapt_console", "language", "set_language"]

LANGUAGES = ("zh", "en")
_current: str | None = None
_PLAIN = {
    "✓": "[ok]",
    "✗": "[no]",
    "○": "[ ]",
    "◐": "[~]",
    "⚠": "[!]",
    "→": "->",
    "←": "<-",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "·": "-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "«": '"',
    "»": '"',
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "±": "+-",
    "█": "#",
    "。": ".",
    "、": ",",
    "¥": "Y",
}


def language() -> str:
    """The language in force: "zh" or "en"."""
    if _current:
        return _current
    wanted = (
        os.environ.get("COURSE_LANG")
        or os.environ.get("LC_ALL")
        or os.environ.get("LANG")
        or locale.getlocale()[0]
        or ""
    )
    return "zh" if wanted.lower().startswith(("zh", "chinese")) else "en"


def set_language(lang: str) -> None:
    """Use `lang` ("zh" or "en") for every message from now on; another value raises ValueError."""
    global _current
    if lang not in LANGUAGES:
        raise ValueError(f'lang must be "zh" or "en", not {lang!r} / lang 只能是 "zh" 或 "en"')
    _current = lang


def adapt_console() -> None:
    """Let nothing that is printed end in UnicodeEncodeError: what stdout and stderr cannot show is put in
    plain characters ("✓" is "[ok]").

    Where stdout has no Chinese at all, messages are in English from here on: a line of question marks helps
    nobody.
    """
    codecs.register_error("course_plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not a notebook's streams, which take any text
            stream.reconfigure(errors="course_plain")
    try:
        "中文".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        set_language("en")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """The error handler for codecs: plain characters for those that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(
        _PLAIN.get(char) or unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode() or "?"
        for char in lacking
    ), error.end


@dataclass(frozen=True)
class L:
    """A message in both languages; `str()` gives the one in force, `text[lang]` a given one."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self[language()]

    def __getitem__(self, lang: str) -> str:
        return {"zh": self.zh, "en": self.en}[lang]

    def format(self, *args, **kwargs) -> L:
        """Both languages with the same values filled in; a value that is itself an `L` goes in in its own
        language."""

        def fill(lang: str) -> str:
            pick = lambda value: value[lang] if isinstance(value, L) else value
            return self[lang].format(*map(pick, args), **{key: pick(value) for key, value in kwargs.items()})

        return L(zh=fill("zh"), en=fill("en"))

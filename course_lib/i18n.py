"""Two languages, one message: ``L(zh="你好", en="Hello")``.

The language is one setting a kernel. `course_lib.start(lang=...)` sets it; before that it is COURSE_LANG, or else
the machine's locale.

    >>> set_language("en"); str(L(zh="你好，{name}", en="Hello, {name}").format(name="Ada"))
    'Hello, Ada'
"""
from __future__ import annotations

import locale
import os
from dataclasses import dataclass

__all__ = ["L", "LANGUAGES", "language", "set_language"]

LANGUAGES = ("zh", "en")
_current: str | None = None


def language() -> str:
    """The language in force: "zh" or "en"."""
    if _current:
        return _current
    wanted = os.environ.get("COURSE_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "zh" if wanted.lower().startswith(("zh", "chinese")) else "en"


def set_language(lang: str) -> None:
    """Use `lang` ("zh" or "en") for every message from now on; another value raises ValueError."""
    global _current
    if lang not in LANGUAGES:
        raise ValueError(f'lang must be "zh" or "en", not {lang!r} / lang 只能是 "zh" 或 "en"')
    _current = lang


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
        """Both languages with the same values filled in; a value that is itself an `L` goes in in its own language."""
        def fill(lang: str) -> str:
            pick = lambda value: value[lang] if isinstance(value, L) else value
            return self[lang].format(*map(pick, args), **{key: pick(value) for key, value in kwargs.items()})
        return L(zh=fill("zh"), en=fill("en"))

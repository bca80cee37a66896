"""The engine itself: its API, its sandbox, its progress, and functions that mean it harm."""

import functools
import gc
import json
import math
import os
import random
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import course_lib.exercises as ex
from course_lib import check, hint, progress, solution, use
from course_lib.chapters import chapters
from course_lib.exercises.engine import record, registry, sandbox

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COURSE_LANG", "en")
    record._memory.clear()
    return tmp_path / "home"


def reference(id):
    return ex.find(id).reference


def quiet(id, fn, **options):
    return check(id, fn, show=False, lang="en", **options)


# --- finding and judging --------------------------------------------------------------------------


def test_finds_the_function_by_name_in_the_callers_scope():
    def causal_padding_mask(lengths, size):
        return reference("attention.masks")(lengths, size)

    assert check("attention.masks", show=False).passed
    assert check("attention.split_heads", show=False).status == "missing"


@pytest.mark.parametrize(
    "stub",
    [
        "def f(a, b, c=1): ...",
        "def f(a, b, c=1):\n    'doc'\n    ...",
        "def f(a, b, c=1): pass",
        "def f(a, b, c=1): return None",
        "def f(a, b, c=1):\n    'doc'\n    raise NotImplementedError",
        "def f(a, b, c=1): raise NotImplementedError('to do')",
    ],
)
def test_a_stub_is_not_started_never_wrong(stub):
    scope = {}
    exec(stub, scope)
    result = quiet("lm.bigram", scope["f"])
    assert result.status == "not_attempted" and result.message.startswith("○") and not result.passed
    assert not record.events()


@pytest.mark.parametrize("id", registry.exercises())
def test_the_shipped_stub_is_not_started(id):
    scope = {"torch": torch, "math": math}
    exec(ex.stub(id), scope)
    assert quiet(id, scope[ex.find(id).name]).status == "not_attempted"


def test_same_seed_same_result_and_other_seeds_differ():
    wrong = lambda ids, v, alpha=1.0: torch.zeros(v, v)
    assert (
        quiet("lm.bigram", wrong, seed=4, record=False).message
        == quiet("lm.bigram", wrong, seed=4, record=False).message
    )
    assert len({quiet("lm.bigram", wrong).seed for _ in range(4)}) > 1


def test_result_shows_once_and_speaks_both_languages(capsys):
    wrong = ex.find("attention.sdpa").program(
        next(m for m in ex.find("attention.sdpa").mistakes if m.id == "no-scale")
    )
    result = check("attention.sdpa", wrong, lang="zh", seed=123)
    assert capsys.readouterr().out.strip() == result.message
    assert result.mistakes == ("no-scale",) and "没有除以 √d" in result.message and result.seed == 123
    result._ipython_display_()
    assert capsys.readouterr().out == ""
    english = check("attention.sdpa", wrong, lang="en", show=False)
    assert "not divided by √d" in english.message and len(english.message.splitlines()) <= 6
    assert set(english.case.inputs) <= {"q", "k", "v", "mask"} and english.case.expected is not None


def test_a_pair_of_mistakes_is_named():
    exercise = ex.find("attention.sdpa")
    both = exercise.program(*(m for m in exercise.mistakes if m.id in ("no-scale", "mask-zero")))
    assert set(quiet("attention.sdpa", both, seed=0).mistakes) == {"no-scale", "mask-zero"}


def test_unknown_exercise_names_its_neighbours():
    with pytest.raises(KeyError, match="attention.sdpa"):
        check("attention.dot")


# --- hostile functions ----------------------------------------------------------------------------


def forever(*_):
    while True:
        pass


def stubborn(*_):
    while True:
        try:
            while True:
                time.sleep(0.005)
        except BaseException:
            pass


@pytest.mark.parametrize("loop", [forever, stubborn, lambda *_: time.sleep(60)])
def test_endless_loops_are_stopped(loop):
    assert quiet("attention.merge_heads", loop).status == "too_slow"
    assert quiet("attention.merge_heads", reference("attention.merge_heads")).passed


def test_the_time_of_a_full_garbage_collection_does_not_count():
    """Inside a call the collector looks at what the call has made, and not at the kernel's hundreds of
    thousands of objects."""

    class Node:
        def __init__(self):
            self.me = self

    def collects(*_):
        mine = weakref.ref(Node())
        gc.collect()
        return torch.tensor([mine() is None, kernels() is None])

    gc.collect()
    gc.disable()
    try:
        kernels = weakref.ref(Node())
        assert sandbox.run(collects, ()).value.tolist() == [True, False]
    finally:
        gc.enable()
    gc.collect()
    assert kernels() is None


def test_waiting_for_a_busy_machine_does_not_count_as_much_as_computing(monkeypatch):
    """A call is late at its limit if it has computed, and at three times the limit whatever it did."""

    def lasts(seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass

    told = []
    monkeypatch.setattr(sandbox, "TIME_LIMIT", 0.4)
    monkeypatch.setattr(time, "process_time", time.monotonic)  # a processor of its own
    assert sandbox.run(lasts, (60,)).timed_out
    monkeypatch.setattr(time, "process_time", lambda: 0.0)  # others have it
    assert not sandbox.run(lasts, (0.7,), going=lambda: told.append(1)).timed_out and told
    assert sandbox.run(lasts, (60,)).timed_out


def test_the_time_of_a_first_import_does_not_count(tmp_path, monkeypatch):
    (tmp_path / "slow_module_of_a_learner.py").write_text(
        "import time\nend = time.time() + 2.6\nwhile time.time() < end: pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def imports(x):
        import slow_module_of_a_learner  # noqa: F401

        return merged(x)

    assert quiet("attention.merge_heads", imports).passed


def exits(*_):
    sys.exit(3)


def interrupts(*_):
    raise KeyboardInterrupt


def recurses(*a):
    return recurses(*a)


def endless(*_):
    def generator():
        while True:
            yield 1

    return generator()


def floods(x):
    for _ in range(20_000):
        print("x" * 100)
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)


def poisons(x):
    torch.manual_seed(0), random.seed(0), np.random.seed(0)
    torch.set_grad_enabled(False), torch.set_default_dtype(torch.float64), sys.setrecursionlimit(150)
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)


@pytest.mark.parametrize(
    "fn, status",
    [
        (exits, "error"),
        (interrupts, "error"),
        (recurses, "error"),
        (endless, "contract"),
        (lambda *_: "text", "contract"),
        (lambda *_: object(), "contract"),
        (lambda x: x, "contract"),
        (lambda x: x[:, 0], "contract"),
        (lambda *_: [[1, 2], [3]], "contract"),
        (3, "contract"),
        (lambda: 1, "contract"),
        (lambda x: x.new_zeros(x.shape).to_sparse(), "contract"),
        (lambda x: x.transpose(1, 2).flatten(2) + 0j, "contract"),
    ],
)
def test_hostile_functions_end_in_a_result(fn, status):
    result = quiet("attention.merge_heads", fn)
    assert (
        result.status == status and result.message.startswith("✗") and not result.passed and result.card.html
    )


def test_printing_is_captured_and_capped(capsys):
    assert quiet("attention.merge_heads", floods).passed
    assert capsys.readouterr().out == ""
    assert len(sandbox.run(floods, (torch.zeros(1, 1, 1, 1),)).printed) <= sandbox.PRINT_LIMIT


def test_global_state_is_put_back():
    torch.manual_seed(7), random.seed(7), np.random.seed(7)
    before = torch.rand(1), random.random(), np.random.rand()
    torch.manual_seed(7), random.seed(7), np.random.seed(7)
    assert quiet("attention.merge_heads", poisons).passed
    assert (torch.rand(1), random.random(), np.random.rand()) == before
    assert (
        torch.is_grad_enabled()
        and torch.get_default_dtype() == torch.float32
        and sys.getrecursionlimit() > 500
    )
    with torch.no_grad():
        assert quiet("attention.sdpa", reference("attention.sdpa")).passed and not torch.is_grad_enabled()


class Callable_:
    def __call__(self, x):
        return x.transpose(1, 2).flatten(2)


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x.transpose(1, 2).flatten(2) * self.scale


def merged(x, extra=0):
    return x.transpose(1, 2).flatten(2) + extra


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: x.transpose(1, 2).flatten(2),
        functools.partial(merged, extra=0),
        Callable_(),
        Module(),
        merged,
        lambda x: merged(x).numpy(),
        lambda x: merged(x).double(),
        lambda x: merged(x.requires_grad_()),
        lambda *args: merged(*args),
        lambda x: merged(x).to_sparse(),
    ],
)
def test_any_callable_and_any_numbers_pass(fn):
    result = quiet("attention.merge_heads", fn)
    assert result.passed, result.message


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_tensor_on_a_device_passes():
    assert quiet("attention.merge_heads", lambda x: merged(x.cuda())).passed


def test_changed_inputs_and_shared_memory_are_side_effects():
    def scaled(q, k, v, mask=None):
        q /= q.shape[-1] ** 0.5
        return reference("attention.sdpa")(q * q.shape[-1] ** 0.5, k, v, mask)

    assert quiet("attention.sdpa", scaled).status == "side_effect"
    assert (
        quiet(
            "finetune.lora_merge",
            lambda W, A, B, alpha: W if alpha == 0 else reference("finetune.lora_merge")(W, A, B, alpha),
        ).status
        == "side_effect"
    )
    prompt_grows = ex.find("lm.greedy").program(
        next(m for m in ex.find("lm.greedy").mistakes if m.id == "greedy-inplace")
    )
    assert quiet("lm.greedy", prompt_grows).mistakes == ("greedy-inplace",)


def test_forbidden_calls_are_seen_under_an_alias():
    secret = nn.functional.cross_entropy
    fn = lambda logits, targets, ignore_index=-100, label_smoothing=0.0: (
        secret(logits, targets, ignore_index=ignore_index, label_smoothing=label_smoothing)
        if (targets != ignore_index).any()
        else 0.0
    )
    result = quiet("loss.cross_entropy", fn)
    assert result.status == "forbidden" and "F.cross_entropy" in result.message


def test_a_forbidden_builtin_is_seen_in_the_code():
    right = registry.find("agents.parse_call").reference

    def parse_call(text):
        name, args = right(text)
        return name, [eval(repr(arg)) for arg in args]

    result = quiet("agents.parse_call", parse_call)
    assert result.status == "forbidden" and "eval" in result.message


def test_in_a_thread_the_check_still_works():
    results = []
    worker = threading.Thread(target=lambda: results.append(quiet("attention.merge_heads", merged)))
    worker.start(), worker.join()
    assert results[0].passed


TRACED = """
import sys, threading
from course_lib.exercises.engine import sandbox

def endless():
    while True:
        pass

for function in (lambda: 1, endless):
    worker = threading.Thread(target=sandbox.run, args=(function, ()))
    worker.start(), worker.join()
    sys.setprofile(lambda *_: None)
    (lambda: 1)()
    sys.setprofile(None)
"""


def test_after_a_check_in_a_thread_a_debugger_still_works():
    """Python 3.11 hung at the next traced call: the interpreter's flag of a planted exception was left up."""
    subprocess.run([sys.executable, "-c", TRACED], check=True, timeout=120)


def test_a_running_timer_of_somebody_else_survives():
    import signal

    fired = []
    old = signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.4)
    quiet("attention.merge_heads", merged)
    time.sleep(0.6)
    signal.signal(signal.SIGALRM, old)
    assert fired


# --- hint, solution, use --------------------------------------------------------------------------


def test_hint_ladder_opens_with_failed_checks(capsys):
    assert "1/4" in str(hint("lm.bigram")) and "after one more check" in str(hint("lm.bigram"))
    quiet("lm.bigram", lambda ids, v, alpha=1.0: torch.eye(v))
    assert "2/4" in str(hint("lm.bigram")) and "2/4" in str(hint("lm.bigram", 2))
    assert "two failed checks" in str(solution("lm.bigram"))
    quiet("lm.bigram", lambda ids, v, alpha=1.0: torch.eye(v))
    assert "3/4" in str(hint("lm.bigram")) and "def bigram_probs" in str(solution("lm.bigram"))


def test_first_hint_is_that_of_the_proved_mistake():
    exercise = ex.find("attention.sdpa")
    mistake = next(m for m in exercise.mistakes if m.id == "mask-zero")
    quiet("attention.sdpa", exercise.program(mistake))
    assert f"{mistake.hint}/4" in str(hint("attention.sdpa"))


def test_use_prefers_the_learner_and_never_mistakes_the_reference_for_them(capsys):
    def merge_heads(x): ...

    merge_heads = use("attention.merge_heads")
    assert "reference" in capsys.readouterr().out
    assert merge_heads(torch.zeros(1, 2, 3, 4)).shape == (1, 3, 8)
    assert check("attention.merge_heads", show=False).status == "not_attempted"
    merge_heads = merged
    assert use("attention.merge_heads", show=False) is merged


# --- progress -------------------------------------------------------------------------------------


def test_progress_survives_kernels_and_loses_nothing(home):
    code = (
        "import sys; from course_lib.exercises.engine import record\n"
        "for i in range(200): record.note('lm.bigram', 'check', status='wrong', mistakes=['x' * 500], n=i)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    kernels = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(2)]
    assert all(k.wait() == 0 for k in kernels)
    assert len(record.events()) == 400 and record.summarise(record.events())["lm.bigram"]["checks"] == 400


def test_progress_passes_over_broken_lines(home):
    record.note("lm.bigram", "check", status="passed", mistakes=[])
    with (home / "progress.jsonl").open("a") as file:
        file.write('{"id": "lm.gre')
    record.note("lm.greedy", "check", status="wrong", mistakes=["greedy-no-eos"])
    table = record.summarise(record.events())
    assert table["lm.bigram"]["state"] == "done" and table["lm.greedy"]["mistakes"] == ["greedy-no-eos"]


def test_progress_shows_what_is_open_and_what_is_next(capsys):
    exercise = ex.find("lm.greedy")
    quiet("lm.bigram", reference("lm.bigram"))
    quiet("lm.greedy", exercise.program(next(m for m in exercise.mistakes if m.id == "greedy-no-eos")))
    text = str(progress())
    assert (
        f"1 of {len(record.asked())}" in text
        and "does not stop at eos" in text
        and "Next: `lm.greedy`" in text
    )
    assert "✓ bigram" in str(progress(lang="zh")) and "未解决" in str(progress(lang="zh"))


def test_the_next_exercise_trains_what_went_wrong():
    exercise = ex.find("lm.bigram")
    quiet("lm.bigram", exercise.program(next(m for m in exercise.mistakes if m.skill == "shift")))
    quiet("lm.bigram", exercise.reference)
    following, why = record.next_exercise()
    assert any(m.skill == "shift" for m in ex.find(following).mistakes) and "off-by-one" in why.en


def test_progress_leads_to_no_chapter_that_is_to_come():
    to_come = [id for chapter in chapters() if not chapter.minutes for id in chapter.exercises]
    assert not set(to_come) & set(record.asked()) and set(to_come) | set(record.asked()) == set(
        registry.exercises()
    )
    for id in record.asked()[:-1]:
        record.note(id, "check", status="passed", mistakes=[])
    assert record.next_exercise()[0] == record.asked()[-1]
    record.note(record.asked()[-1], "check", status="passed", mistakes=[])
    assert record.next_exercise() is None and f"{len(record.asked())} of {len(record.asked())}" in str(
        progress()
    )


def test_read_only_home_keeps_progress_in_memory(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "file" / "below"))
    quiet("lm.bigram", reference("lm.bigram"))
    text = str(progress())
    assert f"1 of {len(record.asked())}" in text and "cannot be written" in text


def test_export_and_merge(tmp_path):
    quiet("lm.bigram", reference("lm.bigram"))
    quiet("apps.ndcg", lambda relevances, k: 1.0)
    first = progress.export(tmp_path / "a.json")
    quiet("apps.ndcg", reference("apps.ndcg"))
    merged_ = ex.merge([first, progress.export(tmp_path / "b.json")])
    assert merged_["lm.bigram"]["done"] == 2 and (
        merged_["apps.ndcg"]["done"],
        merged_["apps.ndcg"]["tried"],
    ) == (1, 1)
    (tmp_path / "c.json").write_text(json.dumps([1]))
    assert "progress.export" in str(ex.merge([tmp_path / "c.json"]))


def test_catalog_names_everything():
    cards = ex.catalog()
    files = [path for path in Path(ex.__file__).parent.glob("*/[a-z]*.py") if path.parent.name != "engine"]
    assert sorted(card["id"] for card in cards) == sorted(f"{path.parent.name}.{path.stem}" for path in files)
    assert set(cards[0]) == {"id", "chapter", "function", "signature", "title"} and set(
        cards[0]["title"]
    ) == {"zh", "en"}


# --- cards ----------------------------------------------------------------------------------------


def test_cards_are_plain_deterministic_and_escape_html(capsys):
    a, b = (check("attention.merge_heads", merged, lang="en") for _ in range(2))
    assert a.card.html == b.card.html and a.message == b.message and str(a.seed) not in a.message
    danger = quiet("attention.merge_heads", lambda x: 1 / 0 or "<script>")
    assert "<script" not in danger.card.html

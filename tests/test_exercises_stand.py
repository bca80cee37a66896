"""What the verdict and the names must stand: each kind of fault that was met once, and the test that holds
it."""

import asyncio
import json
import os
import random
import signal
import sys
import threading
import warnings

import numpy as np
import pytest
import torch

import course_lib.exercises as ex
from course_lib import check, use
from course_lib.exercises.engine import record, selftest, state, trial
from course_lib.exercises.engine.plain import Opaque, plain

torch.set_num_threads(1)

KINDS = {
    "a name never depends on the words of an exception": "test_names_do_not_hang_on_words",
    "check never raises, whatever is returned": "test_odd_values_are_a_contract_error",
    "check never hangs: loops in Python, in C, in a thread": "test_what_does_not_end_is_ended",
    "a process that ends does not take the kernel along": "test_ending_the_process_is_an_error",
    "a platform without fork keeps the promise at the second try": "test_without_fork_the_second_try_is_elsewhere",  # noqa: E501
    "a changed default device, and everything else global, is put back": "test_global_state_is_put_back",
    "the notebook's own settings do not reach the reference": "test_the_notebooks_settings_do_not_reach_the_reference",  # noqa: E501
    "patched torch functions do not reach the reference": "test_a_patched_function_is_called_so",
    "a value without a gradient does not pass where one trains": "test_a_value_without_gradient_does_not_pass",  # noqa: E501
    "what use() hands out has the contract's types": "test_use_hands_out_the_contracts_types",
    "a string is never a number, a list no tensor": "test_odd_values_are_a_contract_error",
    "an exp that overflows is refused": "test_overflow_is_refused",
    "a sentence about a place holds on every failing input": "test_places_are_true_on_every_failing_input",
    "code and words are quoted letter by letter": "test_quoted_letter_by_letter",
    "the wrong exception is called so": "test_the_wrong_exception_is_called_so",
    "two mistakes on one line are combined": "test_two_mistakes_on_one_line",
    "the smallest example does not hide the fault": "test_the_smallest_example_shows_the_division",
    "the stop button is a stop": "test_the_stop_button_is_no_failed_try",
    "nothing is left behind in the notebook": "test_nothing_is_left_behind",
    "a bad file is counted and named": "test_merge_names_what_it_cannot_read",
}


def test_every_kind_has_its_test():
    assert all(callable(globals()[name]) for name in KINDS.values())


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    record._memory.clear()


def quiet(id, fn, lang="en", seed=5):
    return check(id, fn, show=False, lang=lang, seed=seed)


def reference(id):
    return ex.find(id).reference


def merged(x):
    return x.transpose(1, 2).flatten(2)


def test_names_do_not_hang_on_words():
    def split_heads(x, n_heads):
        B, T, D = x.shape
        if D % n_heads:
            raise ValueError("x")
        return x.reshape(B, n_heads, T, D // n_heads)

    assert quiet("attention.split_heads", split_heads).mistakes == ("split-view",)
    exercise = ex.find("apps.ndcg")
    mistake = next(m for m in exercise.mistakes if m.id == "ndcg-zero-division")
    assert quiet("apps.ndcg", selftest.reworded(exercise.program(mistake))).mistakes == (mistake.id,)


class Hostile:
    def refuse(self, *_):
        raise RuntimeError("no")

    __repr__ = __str__ = __eq__ = __len__ = __iter__ = __bool__ = __float__ = __array__ = refuse
    __class__ = property(refuse)
    __hash__ = None


def holds_itself(*_):
    out = []
    out.append(out)
    return out


class Liar(list):
    def __iter__(self):
        raise RuntimeError("no")

    def __len__(self):
        return 10**9


@pytest.mark.parametrize(
    "value",
    [
        Hostile,
        lambda: [Hostile()],
        lambda: {"accuracy": Hostile()},
        holds_itself,
        lambda: (n for n in [1]),
        lambda: iter(int, 1),
        lambda: Liar([1, 2]),
        lambda: "1.5",
        lambda: ["1", "2"],
        lambda: torch.zeros(1).expand(10**12),
        lambda: torch.zeros(2, device="meta"),
        lambda: [0] * 300_000,
        lambda: 10**5000,
        lambda: np.array([None]),
        lambda: asyncio.sleep(0),
        lambda: type,
        lambda: [[[1.0]]],
    ],
)
@pytest.mark.parametrize(
    "id", ["attention.merge_heads", "apps.chunk", "finetune.metrics", "lm.greedy", "apps.bm25"]
)
def test_odd_values_are_a_contract_error(id, value):
    names = {
        "attention.merge_heads": "x",
        "apps.chunk": "a, b, c",
        "finetune.metrics": "a, b, c",
        "lm.greedy": "a, b, c, d",
        "apps.bm25": "a, b, k1=1.5, b_=0.75",
    }[id]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = quiet(id, eval(f"lambda {names}: value()", {"value": value}))
        assert (
            result.status in ("contract", "wrong")
            and result.message.startswith("✗")
            and result.card.html
            and repr(result.case)
        )


def test_a_text_is_no_perplexity():
    exact = reference("loss.perplexity")
    assert (
        quiet("loss.perplexity", lambda log_probs, mask: f"{exact(log_probs, mask):.6f}").status == "contract"
    )


def test_plain_keeps_values_and_nothing_else():
    assert plain({"a": [1, (2.5, None)], "b": True}) == {"a": [1, (2.5, None)], "b": True}
    assert plain(Liar([1, 2])) == [1, 2] and isinstance(plain(Hostile()), Opaque)


def in_c(*_):
    return sum(iter(int, 1))


def in_python(*_):
    while True:
        pass


@pytest.mark.skipif(not trial.FORKS, reason="needs fork")
@pytest.mark.parametrize("loop", [in_c, in_python])
@pytest.mark.parametrize("thread", [False, True])
def test_what_does_not_end_is_ended(loop, thread):
    found = []
    worker = threading.Thread(target=lambda: found.append(quiet("attention.merge_heads", loop)))
    if thread:
        worker.start(), worker.join()
    else:
        found.append(quiet("attention.merge_heads", loop))
    assert found[0].status == "too_slow"
    assert ("loop condition" in found[0].message) == (loop is in_python)


def crash(*_):
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(
    "end",
    [lambda x: os._exit(3), lambda x: sys.exit(3), crash, lambda x: os.kill(os.getpid(), signal.SIGKILL)],
)
@pytest.mark.skipif(not trial.FORKS, reason="needs fork")
def test_ending_the_process_is_an_error(end):
    result = quiet("attention.merge_heads", end)
    assert result.status == "error" and ("process" in result.message or "SystemExit" in result.message)


def test_without_fork_the_second_try_is_elsewhere(monkeypatch):
    monkeypatch.setattr(trial, "FORKS", False)
    assert quiet("attention.merge_heads", merged).passed and not trial._mark("attention.merge_heads").exists()
    trial._mark("attention.merge_heads").write_text("")  # what a check that never ended has left
    assert quiet("attention.merge_heads", eval("lambda x: sum(iter(int, 1))")).status == "too_slow"
    assert not trial._mark("attention.merge_heads").exists()


def test_without_signals_a_python_loop_is_stopped(monkeypatch):
    monkeypatch.setattr(trial, "FORKS", False)
    monkeypatch.delattr(signal, "setitimer")
    assert quiet("attention.merge_heads", in_python).status == "too_slow"


def test_global_state_is_put_back(tmp_path):
    def meddle(x):
        out = merged(x)
        torch.set_default_device("meta"), torch.set_num_threads(3), torch.use_deterministic_algorithms(True)
        (
            torch.autograd.set_detect_anomaly(True),
            torch.set_printoptions(precision=1),
            np.seterr(all="raise"),
            np.set_printoptions(precision=1),
        )
        torch.set_grad_enabled(False), torch.set_default_dtype(torch.float64), sys.setrecursionlimit(150)
        torch.manual_seed(0), np.random.seed(0), random.seed(0), warnings.simplefilter("error")
        torch.softmax = None
        os.chdir(tmp_path)
        os.environ["COURSE_TEST"] = "1"
        return out

    def everything():
        return (
            [str(get()) for get, _ in state.SETTINGS],
            [str(get()) for get, _ in state.RANDOM],
            list(warnings.filters),
            torch.softmax,
        )

    before = everything()
    assert quiet("attention.merge_heads", meddle).passed
    assert everything() == before


def test_the_notebooks_settings_do_not_reach_the_reference():
    torch.set_default_device("meta")
    try:
        result = quiet("attention.sdpa", reference("attention.sdpa"))
        assert result.passed and torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)
    with torch.inference_mode():
        assert quiet("loss.next_token", reference("loss.next_token")).passed


def test_a_patched_function_is_called_so(monkeypatch):
    original = torch.softmax
    monkeypatch.setattr(torch, "softmax", lambda x, dim=-1: original(x, dim=0))
    broken = quiet("attention.sdpa", reference("attention.sdpa"))
    assert broken.status == "wrong" and not broken.mistakes and "`torch.softmax`" in broken.message
    exercise = ex.find("loss.perplexity")
    mistake = next(m for m in exercise.mistakes if m.id == "ppl-sum")
    assert quiet("loss.perplexity", exercise.program(mistake)).mistakes == ("ppl-sum",)


def test_only_the_notebook_counts_as_one_that_replaces(monkeypatch, capfd):
    with state.level_ground():
        # what loading a model does
        monkeypatch.setattr(torch, "manual_seed", torch._disable_dynamo(torch.random.manual_seed))
        assert not state.lifted() and not state._patches()
    monkeypatch.setattr(
        torch, "softmax", lambda *args, original=torch.softmax, **options: original(*args, **options)
    )

    def shouts(logits, ids):
        print("LOUD")
        return logits.sum()

    assert check("lm.sequence_log_prob", shouts, lang="en", seed=1, show=False).status == "wrong"
    assert "LOUD" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("id", [e.id for e in ex.engine.registry.exercises().values() if e.differentiable])
@pytest.mark.parametrize("cut", [lambda value: value.detach(), lambda value: value.detach().numpy()])
def test_a_value_without_gradient_does_not_pass(id, cut):
    def fn(*args):
        return cut(reference(id)(*args))

    result = quiet(id, fn)
    assert result.status == "contract" and "gradient" in result.message
    assert quiet(id, reference(id)).passed


def test_use_hands_out_the_contracts_types():
    assert use("attention.merge_heads", merged, show=False) is merged
    handed = use("attention.merge_heads", lambda x: merged(x).double().numpy(), show=False)(
        torch.zeros(1, 2, 3, 4)
    )
    assert isinstance(handed, torch.Tensor) and handed.dtype == torch.float32
    assert (
        type(
            use("apps.bm25", lambda *a: torch.tensor(reference("apps.bm25")(*a)), show=False)(
                ["a"], [["a"], ["b"]]
            )
        )
        is list
    )
    assert quiet("loss.cross_entropy", lambda *a: reference("loss.cross_entropy")(*a).item()).passed
    trains = use("loss.cross_entropy", lambda *a: reference("loss.cross_entropy")(*a).item(), show=False)
    assert trains(torch.zeros(2, 3, requires_grad=True), torch.tensor([0, 1])).requires_grad


def test_overflow_is_refused():
    def log_prob(logits, ids):
        e = logits.exp()
        return torch.log(e / e.sum(-1, keepdim=True))[:-1].gather(1, ids[1:, None]).sum()

    def loss(logits, ids, pad_id):
        e = logits[:, :-1].exp()
        picked = (e / e.sum(-1, keepdim=True)).log().gather(-1, ids[:, 1:, None])[..., 0]
        kept = ids[:, 1:] != pad_id
        return -picked[kept].sum() / kept.sum().clamp(min=1)

    assert (
        quiet("lm.sequence_log_prob", log_prob).status == "wrong"
        and quiet("loss.next_token", loss).status == "wrong"
    )


def test_places_are_true_on_every_failing_input():
    def counts_the_last(ids, vocab_size, alpha=1.0):
        counts = torch.full((vocab_size, vocab_size), float(alpha))
        for a, b in zip(ids[:-1].tolist(), ids[1:].tolist()):
            counts[a, b] += 1
        totals = counts.sum(1)
        totals[ids[-1]] += 1
        return torch.where(totals[:, None] > 0, counts / totals[:, None], 1 / vocab_size)

    for seed in range(4):
        message = quiet("lm.bigram", counts_the_last, seed=seed).message
        assert "is wrong" not in message or "On every failing input" in message or "On “" in message

    def spoils_the_first(x):
        out = merged(x).clone()
        out[..., 0] += 1
        return out

    assert (
        "On every failing input, along axis -1 only the first is wrong"
        in quiet("attention.merge_heads", spoils_the_first).message
    )


def test_quoted_letter_by_letter():
    def ndcg(relevances, k):
        return 2**relevances + 1 ** len(f"`{k}`")

    result = quiet("apps.ndcg", ndcg)
    assert 'return 2**relevances + 1 ** len(f"`{k}`")' in result.message
    assert "2**relevances + 1 **" in result.card.html


def test_the_wrong_exception_is_called_so():
    def split_heads(x, n_heads):
        assert x.shape[-1] % n_heads == 0, "**not** divisible"
        return reference("attention.split_heads")(x, n_heads)

    for lang, words in (("en", "should raise ValueError"), ("zh", "应当抛出 ValueError")):
        message = quiet("attention.split_heads", split_heads, lang).message
        assert (
            words in message
            and "AssertionError: **not** divisible".replace(": ", "：" if lang == "zh" else ": ") in message
        )


def test_two_mistakes_on_one_line():
    def minus_and_no_mean(logits, targets):
        return torch.nn.functional.one_hot(targets, logits.shape[1]) - logits.softmax(-1)

    result = quiet("loss.softmax_gradient", minus_and_no_mean)
    assert set(result.mistakes) == {"grad-sign", "grad-no-mean"}


def test_the_smallest_example_shows_the_division():
    result = quiet(
        "loss.softmax_gradient",
        lambda logits, targets: reference("loss.softmax_gradient")(logits, targets) * len(targets) * 3,
    )
    assert len(result.case.inputs["logits"]) > 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_stop_button_is_no_failed_try():
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        quiet("attention.merge_heads", in_python)
    timer.join()
    assert not record.failures("attention.merge_heads")

    def raises(x):
        raise KeyboardInterrupt

    assert quiet("attention.merge_heads", raises).status == "error"


def test_nothing_is_left_behind(capfd):
    async def waits(x):
        return merged(x)

    def shows(x):
        import matplotlib.pyplot as plt
        from IPython.display import display

        plt.figure()
        display(x)
        return merged(x)

    import matplotlib.pyplot as plt

    figures = plt.get_fignums()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (
            "`async def`" in quiet("attention.merge_heads", waits).message
            and quiet("attention.merge_heads", shows).passed
        )
    assert capfd.readouterr().out == "" and plt.get_fignums() == figures


def test_merge_names_what_it_cannot_read(tmp_path, capsys):
    row = {"state": "done", "checks": 1, "mistakes": ["no-scale"]}
    good = json.dumps({"exercises": {"attention.sdpa": row}})
    odd = (
        {"state": "super"},
        {**row, "checks": "3"},
        {**row, "mistakes": 5},
        None,
        {**row, "checks": -1},
        {**row, "mistakes": [[]]},
    )
    files = {
        "good.json": good.encode(),
        "utf16.json": good.encode("utf-16"),
        "bom.json": good.encode("utf-8-sig"),
        "empty.json": b"",
        "cut.json": good[:20].encode(),
        "deep.json": b"[" * 100_000,
        "noise.json": bytes(range(256)),
        "list.json": b"[]",
        "future.json": json.dumps(
            {"version": 9, "exercises": {"later.one": row, "attention.sdpa": row}}
        ).encode(),
        "lines.jsonl": b'{"id": "lm.bigram", "event": "check", "status": "passed", "mistakes": []}\n'
        b'{"id": \n',
        **{
            f"odd{i}.json": json.dumps({"exercises": {"attention.sdpa": r}}).encode()
            for i, r in enumerate(odd)
        },
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.json").mkdir()
    table = ex.merge(
        [*(tmp_path / name for name in files), tmp_path / "folder.json", tmp_path / "absent.json", None]
    )
    assert (
        table["attention.sdpa"]["done"] == 4
        and table["attention.sdpa"]["mistakes"] == {"no-scale": 4}
        and table["lm.bigram"]["done"] == 1
    )
    named = " ".join(file for file, _ in table.unread)
    bad = [
        "empty",
        "cut",
        "deep",
        "noise",
        "list",
        "future",
        "lines",
        "folder",
        "absent",
        "None",
        *(f"odd{i}" for i in range(len(odd))),
    ]
    assert all(name in named for name in bad) and len(table.unread) == len(bad)
    assert f"{len(bad)} could not be read" in table.card("en").text and "读不懂的有" in table.card("zh").text
    assert ex.merge(tmp_path / "good.json").files == 1


def test_texts_are_lists_of_strings_or_of_pairs():
    encode, train = reference("tokens.bpe_encode"), reference("tokens.bpe_train")
    handed = use("tokens.bpe_train", lambda *a: tuple(train(*a)), show=False)
    assert handed({"aab": 2}, 2) == [("a", "a"), ("aa", "b")]
    for other in (
        iter,
        "".join,
        lambda pieces: [[piece] for piece in pieces],
        lambda pieces: [1] * len(pieces),
    ):
        assert quiet("tokens.bpe_encode", lambda *a, other=other: other(encode(*a))).status == "contract"
    for other in (
        lambda pairs: [left + right for left, right in pairs],
        lambda pairs: [list(pair) for pair in pairs],
        dict,
    ):
        assert quiet("tokens.bpe_train", lambda *a, other=other: other(train(*a))).status == "contract"


def test_a_set_that_the_function_changes_is_a_side_effect():
    def marks(word, vocab, *rest):
        vocab.add(word + "!")
        return reference("tokens.wordpiece")(word, vocab, *rest)

    seen = quiet("tokens.wordpiece", marks)
    assert (
        seen.status == "side_effect"
        and "`vocab`" in seen.message
        and quiet("tokens.wordpiece", reference("tokens.wordpiece")).passed
    )
    once = quiet(
        "tokens.wordpiece",
        lambda word, vocab, *rest: (
            ["un"] if "##ike" in vocab else reference("tokens.wordpiece")(word, vocab, *rest)
        ),
    )
    assert "vocab = {'##ike', '##l', '##like', 'u', 'un'}" in once.message, "in the same order for everyone"


def test_a_callable_that_may_be_called_once():
    def twice(x, attn, ffn, norm1, norm2):
        norm1(x)
        return reference("transformer.block")(x, attn, ffn, norm1, norm2)

    def raises(x, attn, ffn, norm1, norm2):
        raise RuntimeError("plus_1 was called a second time")

    found = quiet("transformer.block", twice)
    assert (
        found.status == "error"
        and found.mistakes == ("block-called-twice",)
        and "was called a second time" in found.message
    )
    assert quiet("transformer.block", raises).mistakes == ()
    assert quiet("transformer.block", lambda x, *parts: reference("transformer.block")(x, *parts)).passed


def test_the_smallest_example_shows_something():
    empty = quiet("tokens.viterbi_segment", lambda text, *_: ([text], 0.0))
    assert empty.status == "wrong" and len(empty.case.inputs["text"]) > 1
    exercise = ex.find("transformer.parameter_count")
    forgetful = exercise.program(next(m for m in exercise.mistakes if m.id == "pc-none"))
    assert "head_dim: None" in quiet(exercise.id, forgetful).message, "all keys of the config"

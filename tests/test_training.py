"""course_lib.training: the loop learns, resumes exactly, stops when it should, and says why."""

import math
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import DataLoader

import course_lib as cl
from course_lib.training import checkpoint, default_loss, precision
from course_lib.training.optim import learning_rate, optimizers
from course_lib.training.precision import Arithmetic

ROOT = Path(__file__).parent.parent
QUIET = dict(show=False, precision="float32")
SMALL = dict(vocab_size=16, context=8, n_layer=2, n_head=2, d_model=16)


def gpt(seed=0, **more):
    torch.manual_seed(seed)
    return cl.nn.Decoder(cl.nn.DecoderConfig(**{**SMALL, **more}))


@pytest.fixture
def ids():
    """A text that can be learned: i is followed by 3 i + 1, with one token in ten at random."""
    generator = torch.Generator().manual_seed(0)
    values, noise = [1], torch.rand(4000, generator=generator) < 0.1
    wild = torch.randint(16, (4000,), generator=generator)
    for i in range(3999):
        values.append(int(wild[i]) if noise[i] else (3 * values[-1] + 1) % 16)
    return torch.tensor(values)


def test_learns_and_reports(ids):
    history = cl.fit(gpt(), ids, steps=150, batch_size=16, lr=1e-2, val_data=ids[:500], **QUIET)
    assert (
        history.loss[0] == pytest.approx(math.log(16), abs=0.2)
        and history.loss[-1] < 1.0
        and history.val_loss[-1] < 1.0
    )
    rows = history.rows()
    assert len(rows) == 150 and rows[0].keys() == {"step", "loss", "val_loss", "lr", "tokens", "seconds"}
    assert rows[0]["tokens"] == 16 * 8 and history.tokens_per_second > 0 and history.val_steps[-1] == 150
    assert "150" in str(history) and history.plot().get_xlabel()


def test_equals_a_plain_loop(ids):
    mine, plain = gpt(), gpt()
    history = cl.fit(
        mine, ids, steps=5, batch_size=4, lr=1e-2, warmup=2, weight_decay=0.1, clip=0.5, seed=7, **QUIET
    )
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in plain.parameters() if p.dim() > 1], "weight_decay": 0.1},
            {"params": [p for p in plain.parameters() if p.dim() == 1], "weight_decay": 0.0},
        ],
        lr=1e-2,
        betas=(0.9, 0.95),
    )
    for step in range(5):
        torch.manual_seed(7 * 1_000_003 + step)
        batch = torch.stack([ids[i : i + 9] for i in torch.randint(len(ids) - 8, (4,)).tolist()])
        loss = torch.nn.functional.cross_entropy(
            plain(batch[:, :-1]).reshape(-1, 16), batch[:, 1:].reshape(-1)
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
        for group in optimizer.param_groups:
            group["lr"] = (
                1e-2 * (step + 1) / 2
                if step < 2
                else 1e-3 + 0.5 * 9e-3 * (1 + math.cos(math.pi * (step - 2) / 3))
            )
        optimizer.step()
        optimizer.zero_grad()
        assert history.loss[step] == pytest.approx(loss.item(), abs=1e-5)
    for a, b in zip(mine.parameters(), plain.parameters()):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_is_the_same_run(ids, tmp_path, monkeypatch):
    # The compiler's shared store keeps vector code that a run under ATEN_CPU_CAPABILITY=default cannot build.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    eager = cl.fit(gpt(), ids, steps=20, batch_size=4, lr=1e-2, **QUIET)
    compiled = cl.fit(gpt(), ids, steps=20, batch_size=4, lr=1e-2, compile=True, **QUIET)
    assert eager.loss[-1] < eager.loss[0] - 0.3 and compiled.loss == pytest.approx(eager.loss, abs=1e-3)


def trials(monkeypatch):
    """Forget what was measured before; every later trial is listed here, and the last way wins it."""
    tried = []
    monkeypatch.setattr(precision, "_found", {})
    monkeypatch.setattr(precision, "available", lambda: True)
    monkeypatch.setattr(
        precision, "_trial", lambda loss, model, device, ways, steps: tried.append(ways) or ways[-1]
    )
    return tried


def test_only_a_long_run_pays_for_a_trial_and_the_process_remembers_it(ids, monkeypatch):
    tried = trials(monkeypatch)
    assert not cl.fit(gpt(), ids, steps=159, batch_size=4, **QUIET).onednn and not tried
    assert cl.fit(gpt(), ids, steps=160, batch_size=4, **QUIET).onednn and len(tried) == 1
    assert cl.fit(gpt(), ids, steps=2, batch_size=4, **QUIET).onednn and len(tried) == 1  # about the same run
    assert not cl.fit(gpt(d_model=32), ids, steps=2, batch_size=4, **QUIET).onednn  # another one
    monkeypatch.undo()
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    assert not precision.available()


def test_a_trial_ends_early_and_leaves_the_model_as_it_was(monkeypatch):
    model, passes, clock = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4)), [], [0.0]
    monkeypatch.setattr(precision, "time", SimpleNamespace(perf_counter=lambda: clock[0]))

    def loss():
        passes.append(1)
        clock[0] += 100.0 if len(passes) % 2 == 0 else 1.0  # the second way is a hundred times slower
        return model(torch.randn(8, 4)).sum()

    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert (
        precision._trial(loss, model, torch.device("cpu"), [Arithmetic(), Arithmetic("bfloat16")], steps=160)
        == Arithmetic()
    )
    assert len(passes) == 4 and all(p.grad is None for p in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_part_compiled_before_the_run_keeps_the_compilers_own_arithmetic(ids, monkeypatch):
    tried = trials(monkeypatch)
    model = gpt()
    model.compile(backend="eager")  # the recipes compile a model's body so
    assert not cl.fit(model, ids, steps=200, batch_size=4, **QUIET).onednn and not tried
    cl.fit(gpt(), ids, steps=200, batch_size=4, **QUIET)
    assert tried == [[Arithmetic(), Arithmetic(onednn=True)]]


@pytest.mark.parametrize("precision", ["bfloat16", "auto"])
def test_other_precisions_learn(ids, precision):
    history = cl.fit(gpt(), ids, steps=80, lr=1e-2, precision=precision, show=False)
    assert (
        history.precision == ("bfloat16" if precision == "bfloat16" else history.precision)
        and history.loss[-1] < 1.8
    )
    assert history.precision in ("float32", "bfloat16")


def test_decay_groups_and_schedule():
    model = gpt()
    decayed, free = optimizers(model, "adamw", 1e-3, (0.9, 0.95), 0.1)["optimizer"].param_groups
    assert all(p.dim() >= 2 for p in decayed["params"]) and all(p.dim() == 1 for p in free["params"])
    assert (
        decayed["weight_decay"] == 0.1
        and free["weight_decay"] == 0
        and len(decayed["params"]) + len(free["params"]) == len(list(model.parameters()))
    )
    rates = [learning_rate(step, 100, 1.0, 0.1, 10) for step in range(100)]
    assert (
        rates[0] == 0.1
        and rates[9] == 1.0
        and rates[10] == 1.0
        and rates[99] < 0.11
        and rates[10:] == sorted(rates[10:], reverse=True)
    )


def llama(tied):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=16,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            tie_word_embeddings=tied,
        )
    )


# A layer's matrices: qkv, out, up, down; q, k, v, o, gate, up, down.
@pytest.mark.parametrize(
    "make, matrices, outer",
    [
        (lambda: gpt(tied=True), 2 * 4, {"tokens", "positions"}),
        (lambda: gpt(tied=False), 2 * 4, {"tokens", "positions", "head"}),
        (lambda: llama(True), 2 * 7, {"embed_tokens"}),
        (lambda: llama(False), 2 * 7, {"embed_tokens", "lm_head"}),
    ],
)
def test_muon_takes_the_hidden_matrices_and_nothing_else(make, matrices, outer):
    model = make()
    groups = [
        group
        for part in ("muon", "optimizer")
        for group in optimizers(model, "muon", 1e-3, (0.9, 0.95), 0.1)[part].param_groups
    ]
    names = {id(p): name for name, p in model.named_parameters()}
    muon, decayed, free = ([names[id(p)] for p in group["params"]] for group in groups)
    assert len(muon) == matrices and all(
        re.search(r"\.(blocks|layers)\.\d.*(?<!norm)\.weight$", name) for name in muon
    )
    assert {name.split(".")[-2] for name in decayed} == outer and all(
        name.endswith(("bias", "norm.weight")) for name in free
    )
    assert sorted(muon + decayed + free) == sorted(names.values()) and [
        group["weight_decay"] for group in groups
    ] == [0.1, 0.1, 0.0]


def test_muon_equals_a_plain_loop(ids):
    mine, plain = gpt(), gpt()
    history = cl.fit(
        mine,
        ids,
        steps=10,
        batch_size=4,
        lr=1e-2,
        warmup=0,
        min_lr=1e-2,
        optimizer="muon",
        clip=None,
        **QUIET,
    )
    weights = dict(plain.named_parameters())
    hidden = [p for name, p in weights.items() if ".blocks." in name and p.dim() == 2]
    both = [
        torch.optim.Muon(hidden, lr=1e-2, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(
            [
                {
                    "params": [p for name, p in weights.items() if p.dim() == 2 and ".blocks." not in name],
                    "weight_decay": 0.1,
                },
                {"params": [p for p in weights.values() if p.dim() == 1], "weight_decay": 0.0},
            ],
            lr=1e-2,
            betas=(0.9, 0.95),
        ),
    ]
    for step in range(10):
        torch.manual_seed(step)
        batch = torch.stack([ids[i : i + 9] for i in torch.randint(len(ids) - 8, (4,)).tolist()])
        loss = torch.nn.functional.cross_entropy(
            plain(batch[:, :-1]).reshape(-1, 16), batch[:, 1:].reshape(-1)
        )
        loss.backward()
        for optimizer in both:
            optimizer.step()
            optimizer.zero_grad()
        # torch's own orthogonalises in bfloat16
        assert history.loss[step] == pytest.approx(loss.item(), abs=5e-2)
    assert (
        history.loss
        != cl.fit(gpt(), ids, steps=10, batch_size=4, lr=1e-2, warmup=0, min_lr=1e-2, clip=None, **QUIET).loss
    )


def test_muon_needs_hidden_matrices(ids):
    model = torch.nn.Sequential(torch.nn.Embedding(16, 8), torch.nn.Linear(8, 16))
    with pytest.raises(cl.training.TrainingError, match="adamw"):
        cl.fit(model, [(ids[:8][None], ids[1:9][None])], steps=1, optimizer="muon", **QUIET)
    model[0].weight.requires_grad_(False)
    model.insert(1, torch.nn.Linear(8, 8, bias=False))
    model[2].requires_grad_(False)
    # AdamW would have nothing to do
    assert optimizers(model, "muon", 1e-3, (0.9, 0.95), 0.1).keys() == {"muon"}
    history = cl.fit(model, [(ids[:8][None], ids[1:9][None])], steps=20, lr=1e-1, optimizer="muon", **QUIET)
    assert history.loss[-1] < history.loss[0] - 0.3


def test_accumulation_is_a_bigger_batch(ids):
    windows = [ids[i : i + 9].repeat(1, 1) for i in range(0, 360, 9)]
    pairs = [torch.cat(windows[i : i + 2]) for i in range(0, 40, 2)]
    fours = [torch.cat(windows[i : i + 4]) for i in range(0, 40, 4)]
    a, b = gpt(), gpt()
    left = cl.fit(a, pairs, steps=8, accumulate=2, lr=1e-2, **QUIET)
    right = cl.fit(b, fours, steps=8, lr=1e-2, **QUIET)
    assert left.loss == pytest.approx(right.loss, abs=1e-5)


class Masked:
    """An iterable that draws random numbers while it makes its batches, as masking for BERT does."""

    def __init__(self, ids):
        self.ids = ids

    def __iter__(self):
        for rows in self.ids[:180].view(-1, 4, 9)[torch.randperm(5)]:
            yield {"ids": rows.masked_fill(torch.rand(rows.shape) < 0.3, 0)[:, :8], "labels": rows[:, :8]}


@pytest.mark.parametrize("kind", ["windows", "loader", "masked", "muon"])
def test_resume_is_exact(ids, tmp_path, kind):
    data = {
        "loader": lambda: DataLoader(ids[:180].view(-1, 9), batch_size=4, shuffle=True),
        "masked": lambda: Masked(ids),
    }.get(kind, lambda: ids)
    more = dict(
        optimizer="muon" if kind == "muon" else "adamw",
        steps=24,
        batch_size=4,
        lr=1e-2,
        accumulate=2,
        val_data=ids[:300],
        eval_every=5,
        save_every=3,
        **QUIET,
    )
    whole = cl.fit(gpt(dropout=0.2), data(), **more)

    class Killed(Exception):
        pass

    calls = iter(range(1000))

    def dies(model, batch):  # the process dies in the middle of step 11: the last save was after 9
        if next(calls) == 34:
            raise Killed
        return default_loss(model, batch)

    model = gpt(dropout=0.2)
    with pytest.raises(Killed):
        cl.fit(model, data(), loss=dies, checkpoint=tmp_path / "run", **more)
    torch.manual_seed(123)  # a new kernel has other random numbers and another start
    again = gpt(seed=5, dropout=0.2)
    state = torch.get_rng_state()
    resumed = cl.fit(again, data(), checkpoint=tmp_path / "run", **more)
    assert resumed.loss == whole.loss and resumed.val_loss == whole.val_loss
    assert torch.equal(torch.get_rng_state(), state)  # and the caller's random numbers are untouched
    # finished: nothing to do
    assert cl.fit(gpt(dropout=0.2), data(), checkpoint=tmp_path / "run", **more).loss == whole.loss


def test_interrupt_saves_at_a_step_boundary(ids, tmp_path):
    more = dict(steps=12, batch_size=4, lr=1e-2, **QUIET)
    whole, model, calls = cl.fit(gpt(), ids, **more), gpt(), []

    def loss(model, batch):
        calls.append(1)
        if len(calls) == 6:
            os.kill(os.getpid(), signal.SIGINT)  # what the notebook's stop button sends
        return default_loss(model, batch)

    with pytest.raises(KeyboardInterrupt):
        cl.fit(model, ids, loss=loss, checkpoint=tmp_path / "run", **more)
    assert cl.fit(gpt(seed=3), ids, checkpoint=tmp_path / "run", **more).loss == whole.loss
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_checkpoint_of_another_run_is_refused(ids, tmp_path):
    cl.fit(gpt(), ids, steps=2, checkpoint=tmp_path / "run", **QUIET)
    with pytest.raises(ValueError, match="lr: 0.0003 → 0.1"):
        cl.fit(gpt(), ids, steps=2, lr=0.1, checkpoint=tmp_path / "run", **QUIET)
    with pytest.raises(ValueError, match="d_model: 16 → 32"):
        cl.fit(gpt(d_model=32), ids, steps=2, checkpoint=tmp_path / "run", **QUIET)
    (tmp_path / "run.safetensors").write_bytes((tmp_path / "run.safetensors").read_bytes()[:1000])
    with pytest.raises(ValueError, match="run.safetensors"):
        cl.fit(gpt(), ids, steps=2, checkpoint=tmp_path / "run", **QUIET)


def test_a_checkpoint_belongs_to_its_optimiser(ids, tmp_path):
    from safetensors.torch import load_file, safe_open, save_file

    path, more = tmp_path / "run.safetensors", dict(steps=2, checkpoint=tmp_path / "run", **QUIET)
    first = cl.fit(gpt(), ids, **more)
    with safe_open(path, "pt") as file:
        notes = file.metadata()["notes"]
    assert ', "optimizer": "adamw"' in notes
    # as files were before Muon
    save_file(load_file(path), path, {"notes": notes.replace(', "optimizer": "adamw"', "")})
    assert cl.fit(gpt(), ids, **more).loss == first.loss
    with pytest.raises(ValueError, match="optimizer: adamw → muon"):
        cl.fit(gpt(), ids, optimizer="muon", **more)
    path.unlink()
    cl.fit(gpt(), ids, optimizer="muon", **more)
    with pytest.raises(ValueError, match="optimizer: muon → adamw"):
        cl.fit(gpt(), ids, **more)
    with safe_open(path, "pt") as file:
        notes = file.metadata()
    save_file(
        {
            key: value.T.contiguous() if key == "muon.0.momentum_buffer" else value
            for key, value in load_file(path).items()
        },
        path,
        notes,
    )
    with pytest.raises(ValueError, match="optimiser's state|优化器的状态"):
        cl.fit(gpt(), ids, optimizer="muon", **more)


def test_early_stopping_keeps_the_best(ids):
    noise = torch.randint(16, (60,), generator=torch.Generator().manual_seed(1))
    model = gpt(d_model=64)
    history = cl.fit(model, noise, steps=400, lr=1e-2, val_data=ids[:800], eval_every=10, patience=2, **QUIET)
    assert history.stopped and len(history.loss) < 400 and history.val_loss[-1] > min(history.val_loss)
    after = cl.fit(model, noise, steps=1, lr=1e-12, val_data=ids[:800], **QUIET)
    assert after.val_loss[-1] == pytest.approx(min(history.val_loss), abs=1e-4)


def test_nan_is_stopped_with_a_sentence(ids):
    model = gpt()

    def loss(model, batch):
        calls.append(1)
        return model(batch[:, :-1]).sum() * (float("nan") if len(calls) == 4 else 1e-3)

    calls = []
    with pytest.raises(cl.training.Diverged, match="4.*(learning rate|学习率)"):
        cl.fit(model, ids, steps=9, loss=loss, **QUIET)
    assert all(p.isfinite().all() for p in model.parameters())


def test_transformers_models_and_dicts(ids):
    from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    rows = ids[: 2000 // 8 * 8].view(-1, 8)
    bert = BertForMaskedLM(
        BertConfig(
            vocab_size=16,
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=16,
        )
    )
    batches = [{"input_ids": r, "attention_mask": torch.ones_like(r), "labels": r} for r in rows.split(10)]
    assert cl.fit(bert, batches, steps=60, lr=1e-2, **QUIET).loss[-1] < 1.5
    gpt2 = GPT2LMHeadModel(GPT2Config(vocab_size=16, n_positions=8, n_embd=16, n_layer=1, n_head=2))
    assert cl.fit(gpt2, ids, steps=100, lr=1e-2, **QUIET).loss[-1] < 1.5
    encoder = cl.nn.Encoder(cl.nn.EncoderConfig(**SMALL, mlm_head=True))
    assert cl.fit(encoder, [(r, r) for r in rows.split(10)], steps=60, lr=1e-2, **QUIET).loss[-1] < 1.5
    seq = cl.nn.Seq2Seq(cl.nn.Seq2SeqConfig(**SMALL))
    pairs = [
        {"ids": r, "target": torch.cat((torch.zeros_like(r[:, :1]), r[:, :-1]), 1), "labels": r}
        for r in rows.split(10)
    ]
    assert cl.fit(seq, pairs, steps=60, lr=1e-2, **QUIET).loss[-1] < 1.5


@pytest.mark.parametrize(
    "arguments, says",
    [
        (dict(data=torch.zeros(5, dtype=torch.long)), "5"),
        (dict(data=torch.zeros(3, 9, dtype=torch.long)), "1-D|一维"),
        (dict(data=[]), "empty|空"),
        (dict(data=[object()]), "loss="),
        (dict(steps=0), "steps"),
        (dict(batch_size=0), "batch_size"),
        (dict(precision="float16"), "precision"),
        (dict(val_data=[]), "val_data"),
        (dict(data=torch.full((100,), 16)), "0..15"),
        (dict(data=torch.full((100,), -1)), "-1.*0..15"),
        (dict(data=torch.zeros(100)), "float32"),
        (dict(data=None), "NoneType"),
        (dict(val_data=torch.zeros(5, dtype=torch.long)), "val_data.*5"),
        (dict(val_data=torch.full((100,), 99)), "val_data.*99"),
        (dict(context=9), "9.*8"),
        (dict(context=-1), "context"),
        (dict(steps=2.5), "steps"),
        (dict(save_every=0), "save_every"),
        (dict(eval_every=0), "eval_every"),
        (dict(clip=0), "clip"),
        (dict(lr=float("nan")), "lr"),
        (dict(patience=2), "patience.*val_data"),
        (dict(optimizer="sgd"), "muon.*sgd"),
        (dict(loss=lambda model, batch: model(batch[:, :-1]).detach().sum()), "detach"),
    ],
)
def test_bad_input(ids, arguments, says):
    arguments = {"data": ids, "steps": 2, **QUIET, **arguments}
    with pytest.raises(ValueError, match=says):
        cl.fit(gpt(), arguments.pop("data"), **arguments)


def test_a_generator_that_ends_says_so(ids):
    with pytest.raises(ValueError, match="generator|生成器"):
        cl.fit(gpt(), (ids[i : i + 9].repeat(2, 1) for i in range(3)), steps=9, **QUIET)


def test_terminal_lines_and_threads(ids, capsys):
    done = []
    worker = threading.Thread(target=lambda: done.append(cl.fit(gpt(), ids, steps=3, precision="float32")))
    worker.start()
    worker.join()
    assert len(done) == 1 and capsys.readouterr().out.strip().splitlines()[-1] == str(done[0])


@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 5), (2, 0, 5)])
def test_onednn_gives_the_numbers_and_gradients_of_torch(shape):
    from course_lib.training.onednn import OneDNN, _product

    try:
        _product(torch.ones(1, 2), torch.ones(3, 2))
    except (AttributeError, RuntimeError) as error:
        pytest.skip(f"no oneDNN in this PyTorch: {error}")
    torch.manual_seed(0)
    x, linear = torch.randn(shape, requires_grad=True), torch.nn.Linear(5, 4)
    results = []
    for mode in (OneDNN(), nullcontext()):
        with mode:
            y = linear(x)
            (y**3).sum().backward()
            square = x.detach().flatten(0, -2).T @ y.detach().flatten(0, -2)
        results.append([y.detach(), x.grad, linear.weight.grad, linear.bias.grad, square])
        x.grad = None
        linear.zero_grad()
    for a, b in zip(*results):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


def test_a_run_on_onednn_trains_and_resumes_alike(ids, tmp_path, monkeypatch):
    fit_module = cl.fit.__globals__  # the module, which the function of its name hides
    monkeypatch.setitem(fit_module, "fastest", lambda *_, **__: Arithmetic())
    plain = cl.fit(gpt(), ids, steps=20, batch_size=4, **QUIET)
    monkeypatch.setitem(fit_module, "fastest", lambda *_, **__: Arithmetic(onednn=True))
    fast = cl.fit(gpt(), ids, steps=20, batch_size=4, checkpoint=tmp_path / "run", **QUIET)
    assert fast.onednn and not plain.onednn and fast.loss == pytest.approx(plain.loss, rel=1e-4)
    # the choice belongs to the run, not to the process
    monkeypatch.setitem(fit_module, "fastest", lambda *_, **__: Arithmetic())
    assert cl.fit(gpt(), ids, steps=20, batch_size=4, checkpoint=tmp_path / "run", **QUIET).onednn


class Shuffled:
    """A stream of batches from numpy's generator, which `fit` does not seed: never the same twice."""

    def __iter__(self):
        import numpy as np

        while True:
            yield torch.from_numpy(np.random.default_rng().integers(0, 16, (4, 9)))


def test_a_checkpoint_belongs_to_its_data_and_model(ids, tmp_path):
    more = dict(steps=4, batch_size=4, checkpoint=tmp_path / "run", **QUIET)
    rows = list(ids[:720].view(-1, 4, 9))
    changed = ids.clone()
    changed[1234] = (changed[1234] + 1) % 16
    cases = [
        (ids, changed),
        (ids, rows),
        (rows, [*rows[:-1], rows[0]]),
        (DataLoader(ids[:180].view(-1, 9), batch_size=4), DataLoader(ids[9:189].view(-1, 9), batch_size=4)),
    ]
    for first, second in cases:
        (tmp_path / "run.safetensors").unlink(missing_ok=True)
        cl.fit(gpt(), first, **more)
        cl.fit(gpt(), first, **more)  # the same again is the same run
        with pytest.raises(ValueError, match="; data: |\\(data: |（data: "):
            cl.fit(gpt(), second, **more)
    for model, data, says in (
        (gpt(n_head=1), cases[-1][0], "n_head: 2 → 1"),
        (gpt(activation="relu"), cases[-1][0], "activation"),
    ):
        with pytest.raises(ValueError, match=says):
            cl.fit(model, data, **more)
    with pytest.raises(ValueError, match="val_data: "):
        cl.fit(gpt(), cases[-1][0], val_data=ids, **more)
    with pytest.raises(ValueError, match="precision: float32 → bfloat16"):
        cl.fit(gpt(), cases[-1][0], **{**more, "precision": "bfloat16"})
    (tmp_path / "run.safetensors").unlink()
    cl.fit(gpt(), Shuffled(), **more)
    cl.fit(gpt(), Shuffled(), **more)


class _Bad(torch.autograd.Function):
    """The value as it is, and a gradient of nan."""

    forward = staticmethod(lambda ctx, x: x.clone())
    backward = staticmethod(lambda ctx, grad: grad * float("nan"))


@pytest.mark.parametrize("clip", [1.0, None])
@pytest.mark.parametrize("step", [7, 10])
def test_a_gradient_that_is_no_number_stops_the_run_and_spares_the_checkpoint(ids, tmp_path, clip, step):
    calls, model = [], gpt()

    def loss(model, batch):
        calls.append(1)
        return _Bad.apply(default_loss(model, batch)) if len(calls) == step else default_loss(model, batch)

    with pytest.raises(cl.training.Diverged, match=rf"{step}.*run.safetensors.* 6") as caught:
        cl.fit(
            model,
            ids,
            steps=10,
            batch_size=4,
            clip=clip,
            loss=loss,
            checkpoint=tmp_path / "run",
            save_every=6,
            **QUIET,
        )
    assert len(caught.value.history.loss) == step - 1 and all(p.isfinite().all() for p in model.parameters())
    more = dict(steps=10, batch_size=4, clip=clip, **QUIET)
    assert (
        cl.fit(gpt(seed=1), ids, checkpoint=tmp_path / "run", **more).loss == cl.fit(gpt(), ids, **more).loss
    )


def test_the_last_update_is_looked_at(ids, tmp_path):
    with pytest.raises(cl.training.Diverged, match="1"):
        cl.fit(
            gpt(),
            ids,
            steps=1,
            batch_size=4,
            lr=1e38,
            weight_decay=1e10,
            warmup=0,
            checkpoint=tmp_path / "run",
            **QUIET,
        )
    assert not list(tmp_path.iterdir())
    with pytest.raises(cl.training.Diverged, match="validation|验证"):
        cl.fit(
            gpt(),
            [(ids[:8][None], ids[:8][None])],
            steps=2,
            val_data=[(ids[:8][None], torch.full((1, 8), -100))],
            **QUIET,
        )


FULL = """
import sys, warnings, torch, course_lib as cl
from pathlib import Path
torch.set_num_threads(1)
cl.i18n.set_language("en")
disk = Path(sys.argv[1])
ids, steps = torch.arange(400) % 16, int(sys.argv[2])
model = cl.nn.Decoder(cl.nn.DecoderConfig(vocab_size=16, context=8, n_layer=2, n_head=2, d_model=16))
run = lambda: cl.fit(model, ids, steps=12, batch_size=4, checkpoint=disk / "run", save_every=4, precision="float32", show=False, loss=loss)
calls = []
def loss(model, batch):
    calls.append(1)
    if len(calls) == 6:                                     # after the first save: no room for a second
        (disk / "filler").write_bytes(bytes(100_000))
    if len(calls) == steps:
        (disk / "filler").unlink()
    return cl.training.default_loss(model, batch)
try:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run()
    print("ended", len(said), sorted(p.name for p in disk.iterdir()))
except cl.errors.CourseError as error:
    print(len(said), len(error.history.loss), sorted(p.name for p in disk.iterdir()), error)
"""  # noqa: E501


@pytest.mark.parametrize(
    "freed, says",
    [(99, "1 12 ['filler', 'run.safetensors'] the checkpoint"), (10, "ended 1 ['run.safetensors']")],
)
def test_a_disk_that_fills_costs_neither_the_run_nor_the_last_checkpoint(tmp_path, freed, says):
    """A real small disk: the second save fails, and the last, unless there is room again by then."""
    unshare = ["unshare", "-rm", "sh", "-c"]
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            [*unshare, f"mount -t tmpfs -o size=8k tmpfs {tmp_path}"], capture_output=True
        ).returncode
    ):
        pytest.skip("no permission to mount a tmpfs here")
    script = tmp_path.with_suffix(".py")
    script.write_text(FULL)
    ran = subprocess.run(
        [
            *unshare,
            f'mount -t tmpfs -o size=240k tmpfs {tmp_path} && exec "$0" "$@"',
            sys.executable,
            str(script),
            str(tmp_path),
            str(freed),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=240,
    )
    assert ran.stdout.startswith(says), ran.stdout + ran.stderr


@pytest.mark.parametrize(
    "spoil",
    [
        lambda notes: None,
        lambda notes: "[" * 100_000,
        lambda notes: "7",
        lambda notes: notes.replace('"loss"', '"lost"'),
        lambda notes: notes.replace('"bad": 0', '"bad": "x"'),
        lambda notes: notes.replace('"loss": [', '"loss": ["<script>", '),
        lambda notes: notes[:-20],
    ],
    ids=["none", "deep", "number", "renamed", "word", "markup", "cut"],
)
def test_odd_notes_in_a_checkpoint_are_one_sentence(ids, tmp_path, spoil):
    from safetensors.torch import load_file, safe_open, save_file

    path = tmp_path / "run.safetensors"
    cl.fit(gpt(), ids, steps=2, checkpoint=path, **QUIET)
    with safe_open(path, "pt") as file:
        notes = spoil(file.metadata()["notes"])
    save_file(load_file(path), path, notes and {"notes": notes})
    with pytest.raises(cl.training.TrainingError, match="run.safetensors.*(delete|删除)"):
        cl.fit(gpt(), ids, steps=2, checkpoint=path, **QUIET)


def test_a_checkpoint_with_nan_weights_is_not_gone_on_from(ids, tmp_path):
    model = gpt()
    made = optimizers(model, "adamw", 1e-3, (0.9, 0.95), 0.1)
    torch.nn.init.constant_(model.stack.norm.weight, float("nan"))
    checkpoint.save(
        tmp_path / "a.safetensors",
        model,
        made,
        None,
        {"settings": {}, "history": vars(cl.training.History()), "bad": 0},
    )
    with pytest.raises(cl.training.TrainingError, match="nan"):
        checkpoint.load(tmp_path / "a.safetensors", gpt(), made, {}, "auto")


def test_seeding_is_torchs_own_and_leaves_nothing_behind():
    from course_lib.training.data import reseed

    torch.manual_seed(5)
    expected, queued = (
        torch.rand(3),
        len(torch.cuda._queued_calls) if hasattr(torch.cuda, "_queued_calls") else 0,
    )
    reseed(5)
    assert torch.equal(torch.rand(3), expected) and len(getattr(torch.cuda, "_queued_calls", [])) == queued


def test_a_batch_of_pairs_pads_masks_and_shifts():
    from course_lib.training import pair_batch

    batch = pair_batch([([5, 6, 7], [8]), ([5], [8, 9])])
    assert batch["ids"].tolist() == [[5, 6, 7], [5, 0, 0]] and batch["mask"].tolist() == [
        [True] * 3,
        [True, False, False],
    ]
    assert batch["target"].tolist() == [[1, 8, 0], [1, 8, 9]] and batch["labels"].tolist() == [
        [8, 2, -100],
        [8, 9, 2],
    ]

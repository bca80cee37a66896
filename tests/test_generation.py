"""course_lib.generation against transformers' generate and against itself without a cache."""

import os
import subprocess
import sys

import pytest
import torch
import transformers as hf

import course_lib as cl
from course_lib.generation import GenerationError, TextStream, compress, run_apart

END = dict(eos_id=(2, 44), pad_id=3)
PROMPTS = [
    "The capital of France is",
    "Once upon a time",
    "def fibonacci(n):",
    "Q: What is 2 + 2?\nA:",
    "The best way to learn is",
    "In 1969,",
    "Water boils at",
    "My favourite colour is",
    "import numpy as",
    "Dear Sir or Madam,",
    "The cat sat on",
    "北京是",
    "To be or not to be",
    "A list of fruits:\n1.",
    "She opened the door and",
    "The theory of relativity",
    "How do I",
    "Today the weather",
    "Machine learning is",
    "E = mc",
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Small random models with sharp distributions, in transformers and here."""
    made = {}
    for kind, build in {
        "llama": lambda: hf.LlamaForCausalLM(
            hf.LlamaConfig(
                vocab_size=60,
                max_position_embeddings=64,
                hidden_size=32,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                intermediate_size=48,
                bos_token_id=1,
                eos_token_id=[2, 44],
                pad_token_id=3,
            )
        ),
        "gpt2": lambda: hf.GPT2LMHeadModel(
            hf.GPT2Config(
                vocab_size=60,
                n_positions=64,
                n_embd=32,
                n_layer=2,
                n_head=4,
                bos_token_id=1,
                eos_token_id=[2, 44],
                pad_token_id=3,
            )
        ),
        "t5": lambda: hf.T5ForConditionalGeneration(
            hf.T5Config(
                vocab_size=60,
                d_model=32,
                d_kv=8,
                d_ff=48,
                num_layers=2,
                num_heads=4,
                decoder_start_token_id=0,
                pad_token_id=3,
                eos_token_id=[2, 44],
            )
        ),
    }.items():
        torch.manual_seed(1)
        theirs = build().eval()
        for name, p in theirs.named_parameters():
            torch.nn.init.normal_(
                p, mean=1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0, std=0.3
            )
        folder = tmp_path_factory.mktemp(kind)
        theirs.save_pretrained(folder)
        made[kind] = theirs, cl.models.port(folder)
    return made


def prompts(n=20):
    generator = torch.Generator().manual_seed(3)
    return [
        torch.randint(4, 60, (int(torch.randint(1, 12, (1,), generator=generator)),), generator=generator)
        for _ in range(n)
    ]


def padded(rows):
    longest = max(map(len, rows))
    ids = torch.stack([torch.cat((torch.full((longest - len(r),), 3), r)) for r in rows])
    mask = torch.stack([torch.arange(longest) >= longest - len(r) for r in rows])
    return ids, mask


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_greedy_equals_transformers(pair, kind):
    theirs, ours = pair[kind]
    for row in prompts():
        expected = theirs.generate(row[None], max_new_tokens=20, do_sample=False)
        assert torch.equal(cl.generate(ours, row[None], 20, **END), expected)
        assert torch.equal(cl.generate(ours, row[None], 20, **END, cache=False), expected)
    rows = prompts()
    ids, mask = padded(rows)  # 20 prompts of unequal length at once
    expected = theirs.generate(ids, attention_mask=mask.long(), max_new_tokens=20, do_sample=False)
    assert torch.equal(cl.generate(ours, rows, 20, **END), expected)
    assert torch.equal(cl.generate(ours, ids, 20, **END, mask=mask), expected)
    # padding on the right is moved to the left
    right = [torch.cat((r, torch.full((11 - len(r),), 3))) for r in rows]
    assert torch.equal(
        cl.generate(
            ours, torch.stack(right), 20, **END, mask=torch.stack([torch.arange(11) < len(r) for r in rows])
        ),
        expected,
    )


@pytest.mark.parametrize(
    "options",
    [
        dict(width=2),
        dict(width=4, length_penalty=0.0),
        dict(width=3, length_penalty=2.0),
        dict(width=4, early_stopping=True),
        dict(width=5, length_penalty=-1.0),
    ],
)
@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_beam_equals_transformers(pair, kind, options):
    theirs, ours = pair[kind]
    rows = prompts()
    ids, mask = padded(rows)
    more = dict(
        num_beams=options["width"],
        length_penalty=options.get("length_penalty", 1.0),
        early_stopping=options.get("early_stopping", False),
    )
    expected = theirs.generate(ids, attention_mask=mask.long(), max_new_tokens=15, do_sample=False, **more)
    assert torch.equal(cl.generate(ours, rows, 15, cl.Beam(**options), **END), expected)
    assert torch.equal(cl.generate(ours, rows, 15, cl.Beam(**options), **END, cache=False), expected)
    # some texts did end early
    assert torch.isin(expected[:, ids.shape[1] :], torch.tensor(END["eos_id"])).any()


def test_seq2seq_equals_transformers(pair):
    theirs, ours = pair["t5"]
    rows = prompts()
    longest = max(map(len, rows))
    ids = torch.stack([torch.cat((r, torch.full((longest - len(r),), 3))) for r in rows])
    mask = torch.stack([torch.arange(longest) < len(r) for r in rows])
    for strategy, more in (
        (cl.Greedy(), {}),
        (cl.Beam(width=3), dict(num_beams=3)),
        (cl.Beam(width=4, length_penalty=0.5), dict(num_beams=4, length_penalty=0.5)),
    ):
        expected = theirs.generate(
            ids, attention_mask=mask.long(), max_new_tokens=15, do_sample=False, **more
        )
        assert torch.equal(cl.generate(ours, ids, 15, strategy, **END, mask=mask), expected)


def test_sampling(pair):
    _, ours = pair["gpt2"]
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0, 1.0]])
    p = logits.softmax(-1)
    torch.testing.assert_close(cl.Sample().probabilities(logits), p)
    torch.testing.assert_close(cl.Sample(temperature=0.5).probabilities(logits), (2 * logits).softmax(-1))
    assert (cl.Sample(top_k=1).probabilities(logits) > 0).tolist() == [[True, False, False, False, False]]
    assert (cl.Sample(top_p=float(p[0, 0]) + 0.01).probabilities(logits) > 0).sum() == 2
    assert (cl.Sample(top_p=float(p[0, 0]) - 0.01).probabilities(logits) > 0).sum() == 1
    # transformers' own warpers as the judge
    for options in (dict(top_p=0.8), dict(top_k=3, top_p=0.7, temperature=1.3)):
        random = torch.randn(50, 40, generator=torch.Generator().manual_seed(0)) * 2
        warped = hf.TemperatureLogitsWarper(options.get("temperature", 1.0))(None, random)
        if "top_k" in options:
            warped = hf.TopKLogitsWarper(options["top_k"])(None, warped)
        warped = hf.TopPLogitsWarper(options["top_p"])(None, warped)
        torch.testing.assert_close(cl.Sample(**options).probabilities(random), warped.softmax(-1))
    ids = torch.tensor([[5, 6], [7, 8]])
    draw = lambda seed: cl.generate(ours, ids, 20, cl.Sample(temperature=1.5, seed=seed))
    assert torch.equal(draw(1), draw(1)) and not torch.equal(draw(1), draw(2))
    assert torch.equal(draw(1), cl.generate(ours, ids, 20, cl.Sample(temperature=1.5, seed=1), cache=False))
    counts = (
        torch.bincount(
            cl.Sample(seed=0).choose(logits.repeat(20_000, 1), torch.Generator().manual_seed(0)), minlength=5
        )
        / 20_000
    )
    torch.testing.assert_close(counts, p[0], atol=0.015, rtol=0)


def test_stop_strings_and_streaming(pair):
    _, ours = pair["llama"]
    letters = lambda ids: "".join(chr(97 + i % 26) for i in ids)
    ids = torch.tensor([[5, 9, 11]])
    free = cl.generate(ours, ids, 20)[0, 3:].tolist()
    text = letters(free)
    stop = text[6:8]
    first = text.index(stop) + 2
    seen, parts = [], []
    out = cl.generate(
        ours, ids, 20, stop=[stop, "never!"], decode=letters, stream=lambda t: seen.append(int(t[0]))
    )
    assert out[0, 3:].tolist() == free[:first] == seen
    cl.generate(ours, ids, 20, stream=TextStream(letters, parts.append))
    assert "".join(parts) == text and len(parts) == 20
    both = cl.generate(ours, torch.tensor([[5, 9, 11], [4, 4, 4]]), 20, stop=[stop], decode=letters, pad_id=1)
    assert both[0, 3 : 3 + first].tolist() == free[:first] and (both[0, 3 + first :] == 1).all()


def test_a_character_of_several_tokens_is_written_whole():
    raw, parts = "你好a".encode(), []
    stream = TextStream(lambda ids: bytes(ids).decode(errors="replace"), parts.append)
    for byte in raw:
        stream(torch.tensor([byte]))
    assert parts == ["你", "好", "a"]


def test_result_can_be_trained_on_and_mode_is_kept(pair):
    _, ours = pair["gpt2"]
    ours.train()
    out = cl.generate(ours, torch.tensor([[5]]), 5)
    assert ours.training
    ours(out).sum().backward()
    ours.eval()


def test_any_callable_model(pair):
    theirs, ours = pair["gpt2"]
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(cl.generate(theirs, ids, 6), cl.generate(ours, ids, 6))
    assert cl.generate(
        lambda ids: torch.nn.functional.one_hot((ids + 1) % 9, 9).float(), torch.tensor([[3]]), 7
    ).tolist() == [[3, 4, 5, 6, 7, 8, 0, 1]]


@pytest.mark.parametrize(
    "arguments, says",
    [
        (dict(ids=[[1], []]), "empty|空"),
        (dict(ids=[]), "empty|空"),
        (dict(ids=torch.zeros(0, 3, dtype=torch.long)), "empty|空"),
        (dict(ids=torch.tensor([[60]])), "vocabulary"),
        (dict(max_new_tokens=64), "64"),
        (dict(max_new_tokens=0), "max_new_tokens"),
        (dict(stop=["x"]), "decode"),
        (dict(strategy=cl.Beam(40)), "40"),
        (dict(strategy=cl.Beam(2), stream=print), "stream"),
    ],
)
def test_bad_input(pair, arguments, says):
    arguments = {"ids": torch.tensor([[1, 2]]), "max_new_tokens": 4, **arguments}
    with pytest.raises(ValueError, match=says):
        cl.generate(pair["gpt2"][1], **arguments)


@pytest.mark.parametrize(
    "make",
    [
        lambda: cl.Sample(temperature=0),
        lambda: cl.Sample(top_k=0),
        lambda: cl.Sample(top_p=1.1),
        lambda: cl.Beam(width=0),
    ],
)
def test_bad_strategies(make):
    with pytest.raises(ValueError):
        make()


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("weights, limit", [("float32", 1e-6), ("bfloat16", 0.02), ("int8", 0.06)])
def test_compressed_weights_say_nearly_the_same(pair, kind, weights, limit):
    _, ours = pair[kind]
    small, ids = compress(ours, weights), torch.stack([torch.arange(4, 14), torch.arange(30, 40)])
    with torch.no_grad():
        expected = ours(ids)
        whole, cache = small(ids), small.new_cache()
        one_by_one = torch.cat([small(token, cache=cache) for token in ids[:1].split(1, 1)], 1)
    for found, wanted in ((whole, expected), (one_by_one, expected[:1])):
        assert found.dtype == torch.float32 and (found - wanted).norm() < limit * wanted.norm()
    assert not any(p.requires_grad for p in small.parameters()) and all(
        p.requires_grad for p in ours.parameters()
    )


def test_compress_refuses_unknown_weights(pair):
    with pytest.raises(GenerationError, match="int4"):
        compress(pair["llama"][1], "int4")


def test_smollm2_writes_what_transformers_writes():
    if not cl.models.card("smollm2-135m").fetched:
        pytest.skip("smollm2-135m is not fetched: python -m course_lib fetch smollm2-135m")
    m = cl.load("smollm2-135m")
    ours = cl.models.port(m)
    rows = [m.tokenizer(text).input_ids for text in PROMPTS]
    ids, mask = padded([torch.tensor(row) for row in rows])
    for strategy, more in ((cl.Greedy(), {}), (cl.Beam(width=3), dict(num_beams=3))):
        expected = m.model.generate(
            ids, attention_mask=mask.long(), max_new_tokens=12, do_sample=False, pad_token_id=3, **more
        )
        same = (
            cl.generate(ours, rows, 12, strategy, eos_id=m.tokenizer.eos_token_id, pad_id=3) == expected
        ).all(-1)
        assert same.all(), [PROMPTS[i] for i in (~same).nonzero()[:, 0]]


def test_pick_is_greedy_among_what_is_allowed(pair):
    ours = pair["llama"][1]
    generator = torch.Generator().manual_seed(5)
    options = [
        torch.randint(4, 60, (int(n),), generator=generator).tolist() + [1]
        for n in torch.randint(1, 6, (30,), generator=generator)
    ]
    options += [options[0][:-1] + [7, 1], options[3][:-1] + [8, 9, 1]]  # shared beginnings
    for prompt in prompts(8):
        written, left = list(prompt.tolist()), options  # slowly: no cache, the whole vocabulary masked
        for depth in range(max(map(len, options))):
            mask = torch.full((60,), -torch.inf)
            mask[[option[depth] for option in left]] = 0
            with torch.no_grad():
                written.append(int((ours(torch.tensor([written]))[0, -1] + mask).argmax()))
            left = [option for option in left if option[depth] == written[-1]]
            if len(left[0]) == depth + 1:
                break
        assert options[cl.generation.pick(ours, prompt.tolist(), options)] == written[len(prompt) :]


@pytest.mark.parametrize("options", [[], [[5, 1], [5, 1, 2]], [[5], [5]], [[], [4]]])
def test_pick_refuses_options_that_it_could_not_end(pair, options):
    with pytest.raises(ValueError):
        cl.generation.pick(pair["llama"][1], [4, 5], options)


def test_what_load_returned_and_what_cannot_write(pair, tmp_path):
    theirs, ours = pair["gpt2"]
    ids = torch.tensor([[5, 6, 7]])
    zh = cl.load("zh-gpt")
    assert torch.equal(cl.generate(zh, ids, 6), cl.generate(zh.model, ids, 6))
    # its positions are learnt: one more would be an IndexError
    with pytest.raises(GenerationError, match="64"):
        cl.generate(theirs, ids, 62)
    with pytest.raises(ValueError, match="index"):
        cl.generate(theirs, torch.tensor([[60]]), 2)
    encoder = cl.nn.Encoder(cl.nn.EncoderConfig(vocab_size=60, context=64, n_layer=1, n_head=2, d_model=16))
    for model in (cl.load("zh-bert"), cl.load("zh-bert").model, pair["t5"][0], encoder, "gpt2"):
        with pytest.raises(GenerationError, match="next token|下一个词元"):
            cl.generate(model, ids, 3)


@pytest.mark.parametrize(
    "ids",
    [
        "a text",
        ["a", "b"],
        [1, 2, 3],
        torch.tensor([1, 2, 3]),
        torch.tensor([[1.0, 2.0]]),
        torch.zeros(1, 2, 3, dtype=torch.long),
        None,
    ],
)
def test_ids_that_are_no_ids(pair, ids):
    with pytest.raises(GenerationError, match=r"\[B, T\]"):
        cl.generate(pair["gpt2"][1], ids, 3)


def test_a_mask_or_a_strategy_that_is_none(pair):
    ids = torch.tensor([[5, 6, 7]])
    with pytest.raises(GenerationError, match=r"\[B, T\]"):
        cl.generate(pair["gpt2"][1], ids, 3, mask=torch.ones(2, 3))
    with pytest.raises(GenerationError, match="strategy"):
        cl.generate(pair["gpt2"][1], ids, 3, "greedy")


def test_first_lines_of_many_prompts_are_those_of_each():
    loaded = cl.load("smollm2-135m")
    decoder = cl.models.port(loaded)
    lines = cl.generation.first_lines(decoder, loaded.tokenizer, PROMPTS[:3], max_new_tokens=6)
    assert lines == [
        loaded.generate(prompt, max_new_tokens=6).strip().split("\n")[0] for prompt in PROMPTS[:3]
    ]


def test_a_pass_reads_the_new_tokens_after_the_cached_ones(pair, monkeypatch):
    ours, read, clock = pair["llama"][1], [], iter([0.0, 5.0, 10.0, 13.0, 20.0, 24.0])
    monkeypatch.setattr("course_lib.generation.timing.time.perf_counter", lambda: next(clock))
    hook = ours.register_forward_pre_hook(
        lambda net, args, kwargs: read.append((kwargs["cache"][0].own.length, args[0].shape[1])),
        with_kwargs=True,
    )
    try:
        # the least of three, each after a cropped cache
        assert cl.generation.pass_seconds(ours, past=9, new=4) == 3.0 and read == [(9, 4)] * 3
        clock = iter([0.0, 1.0])
        assert cl.generation.pass_seconds(ours, past=0, new=7, repeats=1) == 1.0 and read[3:] == [(0, 7)]
    finally:
        hook.remove()


@pytest.mark.parametrize(
    "program, verdict",
    [
        ("assert 1 + 1 == 2", "ok"),
        ("import re, math, json, collections, random", "ok"),
        ("assert '中' == '国'", "AssertionError"),
        ("def f(:", "SyntaxError"),
        ("import sys; sys.exit(0)", "SystemExit"),
        ("import os; os._exit(0)", "exit 0"),
        ("x = [0] * 10 ** 10", "MemoryError"),
        ("import socket; socket.socket()", "PermissionError"),
        ("open('here.txt', 'w')", "PermissionError"),
        ("open('here.txt', 'a')", "PermissionError"),
        ("import os; os.open('here.txt', os.O_CREAT)", "PermissionError"),
        ("import os; os.remove('here.txt')", "PermissionError"),
        ("import os; os.system('true')", "PermissionError"),
        ("import subprocess, sys; subprocess.run([sys.executable])", "PermissionError"),
        ("import ctypes; ctypes.CDLL(None)", "PermissionError"),
        ("input()", "EOFError"),
        ("import os; assert 'HOME' not in os.environ", "ok"),
        ("import os; os.fork()", "PermissionError"),
        ("import os; os.kill(os.getppid(), 9)", "PermissionError"),
    ],
)
def test_a_program_run_apart(program, verdict):
    if sys.platform != "linux" and verdict == "MemoryError" or not hasattr(os, "fork") and "fork" in program:
        pytest.skip("not there on this system")
    assert run_apart(program, seconds=20) == verdict


@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "while True: print('x' * 10 ** 6)",
        "while True:\n    try: pass\n    except BaseException: pass",
    ],
)
def test_a_program_that_does_not_end_is_ended(program, monkeypatch):
    started, popen = [], subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *args, **named: started.append(popen(*args, **named)) or started[-1]
    )
    assert run_apart(program, seconds=0.5) == "timeout" and started[0].returncode is not None


def test_an_interrupt_leaves_no_process(monkeypatch):
    started, popen = [], subprocess.Popen

    class Interrupted(popen):
        def communicate(self, *args, **named):
            started.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_apart("while True: pass")
    assert started[0].returncode is not None

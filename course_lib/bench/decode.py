"""`python -m course_lib bench decode`: tokens a second of `cl.generate` against transformers' generate, batch
1, greedy.

The same weights on all sides, turns interleaved in one process, medians. "ours" is the model as it trains,
the others its `compress`ed
copies: float32 is transposed; bfloat16 and int8 are smaller, and what they cost is the perplexity of a text
read token by token, as in decoding. The share is that of the memory bandwidth measured here, counting each
weight read once a token.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial

import torch

from ..device import choose
from ..generation import compress, generate
from ..i18n import L
from ..models import load, port

__all__ = ["bandwidth", "main", "measure", "perplexity"]

TEXT = """The old lighthouse keeper climbed the stairs every evening, although the lamp had been electric for years and nobody asked him to.
He counted the steps aloud, one hundred and twelve of them, and at the top he wiped the glass with a cloth that had belonged to his father.
From there he could see the whole bay: the fishing boats coming home, the ferry with its yellow windows, and on clear days the mountains on
the other side. People in the village said that he was lonely. He did not think so. He had a radio, a shelf of books about birds, and a
cat who was afraid of the wind. When a storm came, he wrote down the hour and the direction in a notebook, because he believed that
somebody would want to know. Last spring a young woman from the university arrived with a recorder and asked whether she might copy his
notes. They went back forty years, she said, and no computer had them. He made tea and showed her the first page, where a boy of nine had
written in large letters that the sea was angry today. She read it twice, and then she asked him what the weather was going to be tomorrow."""  # noqa: E501


def perplexity(model, ids: torch.Tensor) -> float:
    """exp of the mean loss in nats of ids [1,T], read token by token through the cache."""
    cache, total = model.new_cache(), 0.0
    with torch.inference_mode():
        for t in range(ids.shape[1] - 1):
            logits = model(ids[:, t : t + 1], cache=cache)[0, -1]
            total -= float(logits.float().log_softmax(-1)[ids[0, t + 1]])
    return math.exp(total / (ids.shape[1] - 1))


def bandwidth(
    megabytes: int = 256, repeats: int = 5, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The fastest reading of a large tensor here, in bytes a second."""
    x, seconds = torch.ones(megabytes * 2**18, device=choose().device), []
    for _ in range(repeats):
        start = clock()
        x.sum().item()
        seconds.append(clock() - start)
    return x.numel() * 4 / min(seconds)


def measure(
    theirs,
    ours,
    prompt: torch.Tensor,
    new_tokens: int = 128,
    rounds: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Median seconds a new token, by side, and whether float32 wrote the same tokens as transformers ("same",
    1 or 0)."""
    device = prompt.device
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    sides: dict[str, Callable[[], torch.Tensor]] = {
        "transformers float32": partial(
            theirs.generate,
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=new_tokens,
            min_new_tokens=new_tokens,
            do_sample=False,
            pad_token_id=0,
        )
    }
    for name, model in {
        "ours": ours,
        **{f"ours {kind}": compress(ours, kind) for kind in ("float32", "bfloat16", "int8")},
    }.items():
        sides[name] = partial(generate, model, prompt, new_tokens)
    written, seconds = {name: side() for name, side in sides.items()}, {name: [] for name in sides}
    for turn in range(rounds):
        for name in sides if turn % 2 == 0 else reversed(sides):
            wait()
            start = clock()
            sides[name]()
            wait()
            seconds[name].append((clock() - start) / new_tokens)
    # transformers was told not to end; where that changes a token, compare up to it
    ends = theirs.generation_config.eos_token_id
    a, b = written["transformers float32"][0].tolist(), written["ours float32"][0].tolist()
    until = next((i for i, token in enumerate(b) if token == ends and i >= prompt.shape[1]), len(b))
    return {name: statistics.median(values) for name, values in seconds.items()} | {
        "same": float(a[:until] == b[:until])
    }


def _random_gpt(folder: str):
    """A GPT-2 of 12 million random weights, in transformers and here."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=4000, n_positions=256, n_embd=384, n_layer=6, n_head=6, bos_token_id=0, eos_token_id=0
        )
    ).eval()
    theirs.save_pretrained(folder)
    return theirs.to(choose().device), port(folder).to(choose().device)


def main(argv: list[str]) -> int:
    """Print a table for 12 million parameters and one for SmolLM2."""
    options = argparse.ArgumentParser(prog="course_lib bench decode")
    options.add_argument("--model", choices=["12m", "smollm2-135m", "all"], default="all")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--tokens", type=int, default=128)
    options.add_argument("--threads", type=int, default=0, help="torch threads; 0: torch's choice")
    options.add_argument(
        "--clock",
        choices=["wall", "cpu"],
        default="wall",
        help="cpu: processor seconds, which a busy machine disturbs less (with --threads 1)",
    )
    chosen = options.parse_args(argv)
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    print(choose().reason)
    clock = time.process_time if chosen.clock == "cpu" else time.perf_counter
    speed = bandwidth(clock=clock)
    for name in ["12m", "smollm2-135m"] if chosen.model == "all" else [chosen.model]:
        if name == "12m":
            with tempfile.TemporaryDirectory() as folder:
                theirs, ours = _random_gpt(folder)
            prompt, text = torch.tensor([[5, 17, 99, 3]], device=choose().device), None
        else:
            loaded = load(name)
            theirs, ours = loaded.model, port(loaded)
            prompt, text = (
                loaded.tokenizer(t, return_tensors="pt").input_ids.to(loaded.device)
                for t in ("The capital of France is", TEXT)
            )
        found = measure(theirs, ours, prompt, chosen.tokens, chosen.rounds, clock)
        same, base, weights = (
            found.pop("same"),
            found["transformers float32"],
            sum(p.numel() for p in ours.parameters()),
        )
        print(
            L(
                zh="\n{0}：{1:.1f} M 参数，{2} 个新词元，{3} 线程；"
                "float32 与 transformers 写出相同的词元：{4}",
                en="\n{0}: {1:.1f} M parameters, {2} new tokens, {3} threads; float32 writes "
                "transformers' tokens: {4}",
            ).format(name, weights / 1e6, chosen.tokens, torch.get_num_threads(), bool(same))
        )
        reference = None
        for side, seconds in found.items():
            size = {"bfloat16": 2, "int8": 1}.get(side.split()[-1], 4)
            line = L(
                zh="  {0:22} {1:7.1f} 词元/秒  {2:7.2f} 毫秒/词元  是 transformers 的 {3:.2f} 倍  内"
                "存带宽的 {4:.0%}",
                en="  {0:22} {1:7.1f} tokens/s  {2:7.2f} ms/token  {3:.2f}x transformers  {4:.0%} "
                "of memory bandwidth",
            ).format(side, 1 / seconds, seconds * 1e3, base / seconds, weights * size / seconds / speed)
            if text is not None and side.startswith("ours"):
                model = ours if side == "ours" else compress(ours, side.split()[-1])
                value = perplexity(model, text)
                reference = reference or value
                line = L(
                    zh="{0}  困惑度 {1:.3f}（{2:+.2%}）", en="{0}  perplexity {1:.3f} ({2:+.2%})"
                ).format(line, value, value / reference - 1)
            print(line)
    print(L(zh="\n内存带宽 {0:.1f} GB/s", en="\nmemory bandwidth {0:.1f} GB/s").format(speed / 1e9))
    return 0

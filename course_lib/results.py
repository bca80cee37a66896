"""Experiments too long for a reader's patience: run once, kept in `data/results/`, read from there, and run again on request.

    def label_curve():                     # minutes of work; returns plain data: dicts, lists, numbers, text
        ...
    curve = cl.results.stored("08_label_curve", label_curve)                # the kept result, at once
    curve = cl.results.stored("08_label_curve", label_curve, again=True)    # measured here and now

`COURSE_LONG=08_label_curve python notebooks/build.py 08 --run` measures anew and keeps what it finds (COURSE_LONG=all: every one).
"""
from __future__ import annotations

import hashlib
import inspect
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import paths
from .i18n import L

__all__ = ["stored"]


def stored(name: str, compute: Callable[[], Any], again: bool = False) -> Any:
    """The kept result of `compute`, or a fresh one if `again`; a printed line says which, and how long it took.

    A note says so if the code of `compute` has changed since. FileNotFoundError: nothing is kept under this name.
    """
    keep = os.environ.get("COURSE_LONG") in (name, "all")
    code = hashlib.sha1(inspect.getsource(compute).encode()).hexdigest()[:12]
    if not (again or keep):
        record = json.loads(paths.data(f"results/{name}.json").read_text("utf-8"))
        print(L(zh="读取保存的结果，当时用了 {0} 分钟；要自己重新测量，把 again 改成 True。",
                en="A kept result that took {0} min to measure; to measure it yourself, set again to True.").format(math.ceil(record["seconds"] / 60)))
        if record["code"] != code:
            print(L(zh="这段代码在测量之后改过，数字可能已经不同。", en="The code has changed since it was measured; the figures may differ."))
        return record["result"]
    start = time.perf_counter()
    result = json.loads(json.dumps(compute()))              # what a reader of the kept file would get
    seconds = time.perf_counter() - start
    print(L(zh="刚刚测量，用了 {0} 分钟。", en="Measured just now, in {0} min.").format(math.ceil(seconds / 60)))
    if keep:
        path = paths.data() / "results" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        _write(path, {"seconds": round(seconds), "code": code, "result": result})
    return result


def _write(path: Path, record: dict) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
    temporary.replace(path)

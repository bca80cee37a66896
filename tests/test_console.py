"""Terminals and pipes that lack characters: no command dies on one, and what is lacking is put plainly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NARROW = [
    {"PYTHONIOENCODING": "gbk"},
    {"PYTHONIOENCODING": "cp1252"},
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


def ran(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=120,
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("terminal", NARROW, ids=lambda terminal: next(iter(terminal.values())))
def test_no_command_dies_on_a_character(terminal, lang):
    for command in (["models"], ["fetch", "no-such-model"], ["bench", "--help"], []):
        done = ran("-m", "course_lib", *command, COURSE_LANG=lang, **terminal)
        assert b"Traceback" not in done.stderr and (done.stdout or done.stderr), done.stderr
    done = ran(
        "-c",
        f"import course_lib as cl; cl.start(lang='{lang}'); print('\\u2713 \\u597d \\u2081 \\U0001d11e')",
        **terminal,
    )
    assert done.returncode == 0 and b"[ok]" in done.stdout and b"1 ?" in done.stdout, done.stderr


def test_a_terminal_without_chinese_is_spoken_to_in_english():
    assert (
        b"Device: "
        in ran("-c", "import course_lib as cl; cl.start(lang='zh')", PYTHONIOENCODING="cp1252").stdout
    )
    assert (
        "设备：".encode("gbk")
        in ran("-c", "import course_lib as cl; cl.start(lang='zh')", PYTHONIOENCODING="gbk").stdout
    )

"""Running a program that a model wrote, away from the kernel: in a process of its own, with limits.

    run_apart("assert 1 + 1 == 2")              # 'ok'
    run_apart("while True: pass")               # 'timeout'

It stops broken programs, not an attacker; that takes a container or a virtual machine.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile

__all__ = ["run_apart"]

# The verdict goes out by a copy of stdout that the program does not know; what it prints goes nowhere. Limits
# are set before the program
# is read. An audit hook (PEP 578) cannot be taken off again; importing needs to open files for reading and to
# list folders.
_CHILD = """
import os, sys
seconds, megabytes = map(int, sys.argv[1:])
try:
    import resource
    for what, most in (("AS", megabytes << 20), ("CPU", seconds + 1), ("FSIZE", 0), ("CORE", 0)):
        resource.setrlimit(getattr(resource, "RLIMIT_" + what), (most, most))
except (ImportError, ValueError):
    pass
write, verdict, program = os.write, os.dup(1), sys.stdin.read()
for stream in (1, 2):
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

def guard(event, args):
    area = event.partition(".")[0]
    if (area in ("socket", "subprocess", "shutil", "ctypes", "winreg", "_winapi", "urllib") or event == "open" and args[2] & writes
            or area == "os" and event not in ("os.listdir", "os.scandir") or event == "signal.pthread_kill"):
        raise PermissionError(event)

sys.addaudithook(guard)
try:
    exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
    says = "ok"
except BaseException as error:
    says = type(error).__name__
write(verdict, says.encode())
"""  # noqa: E501


def run_apart(program: str, seconds: float = 2.0, megabytes: int = 512) -> str:
    """Run a Python program that nobody has read; "ok" if it came to its end, or what stopped it.

    That is the name of an exception ("AssertionError", "SyntaxError", "MemoryError", "PermissionError" ...),
    "timeout", or "exit N" where the process ended by itself. The program has an empty folder, which is
    deleted, and neither input nor the caller's environment. After `seconds` it is killed. Writing files,
    sockets, other processes and other libraries (ctypes) are refused. Memory is limited where the system can
    do that, on Linux.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Windows starts no Python without it
        env = {key: os.environ[key] for key in ("SYSTEMROOT",) if key in os.environ}
        process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                "-S",
                "-B",
                "-X",
                "utf8",
                "-c",
                _CHILD,
                str(math.ceil(seconds)),
                str(megabytes),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=env,
        )
        try:
            says, _ = process.communicate(program.encode("utf-8", "replace"), timeout=seconds)
        except subprocess.TimeoutExpired:
            return "timeout"
        finally:  # also where the reader interrupts
            process.kill()
            process.wait()
    return says.decode() or f"exit {process.returncode}"

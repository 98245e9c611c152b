"""``smscli run`` and a command that prints a GiB: how fast that goes through, and in how much memory."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import pytest

from tests.figures import figure

BINARY = Path(sys.executable).with_name("smscli")
GIB = 1 << 30
RUNS = 3
MIB = 1 << 20
RUN = [str(BINARY), "run", "--sandbox", "--to", "+37061234567", "--on", "always", "--"]
LINES = "import os, sys; x = b'0123456789abcde\\n' * 4096; [os.write(1, x) for _ in range(int(sys.argv[1]))]"
PRINT = [sys.executable, "-c", LINES]
# The kernel counts for a process what its parent had when it forked: a small one stands between it and the tests.
MEASURED = [sys.executable, "-c", """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
open(os.environ["HOME"] + "/measured", "w").write(f"{status} {used.ru_maxrss}")
"""]  # fmt: skip
CONTROLLED = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


def environ(home: Path) -> dict[str, str]:
    """Return what the program needs."""
    none = str(home / "none")
    return {"PATH": os.environ["PATH"], "HOME": str(home), "SMSCLI_STATE_DIR": str(home), "SMSCLI_CONFIG": none}


def drain(descriptor: int) -> tuple[int, float]:
    """Read all there is; return how much that was, and the seconds from its first byte to its last."""
    count, began, ended = 0, 0.0, 0.0
    try:
        while data := os.read(descriptor, 1 << 17):
            ended = time.monotonic()
            began = began or ended
            count += len(data)
    except OSError:  # how Linux says that nobody has the other end of a terminal
        pass
    return count, ended - began


def peak(process: subprocess.Popen[bytes], home: Path) -> float:
    """Wait for a process that measures another, and return the most memory that had, in MiB."""
    assert process.wait(60) == 0
    status, memory = (home / "measured").read_text().split()
    assert status == "0"
    return int(memory) / 1024


def in_pipe(argv: Sequence[str], home: Path, size: int) -> tuple[float, float]:
    """Run a command that prints so many bytes into a pipe; return its seconds, and its memory in MiB."""
    process = subprocess.Popen([*MEASURED, *argv, str(size // 65536)], stdout=subprocess.PIPE, env=environ(home))
    assert process.stdout is not None
    with process.stdout as out:
        count, seconds = drain(out.fileno())
    assert count == size
    return seconds, peak(process, home)


def on_terminal(argv: Sequence[str], home: Path, size: int) -> tuple[float, float]:
    """Run it on a terminal, which changes no line feed."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLED, *MEASURED, *argv, str(size // 65536)],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environ(home), start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    count, seconds = drain(ours)
    os.close(ours)
    assert count == size
    return seconds, peak(process, home)


@pytest.mark.alone
@pytest.mark.parametrize(
    ("way", "size", "most"), [(in_pipe, GIB, 4), (on_terminal, GIB // 8, 8)], ids=["pipe", "terminal"]
)
def test_much_output_goes_through_fast_and_in_little_memory(
    way: Callable[[Sequence[str], Path, int], tuple[float, float]], size: int, most: float, tmp_path: Path
) -> None:
    """From the first byte to the last; the median of pairs that run one after the other.

    The figure tells the speed: in a pipe half of the bare one and more is wanted. The bounds are wider, for a machine
    that has other things to do; two terminals in a row are the kernel's own work twice.
    """
    pairs = [(way(PRINT, tmp_path, size), way([*RUN, *PRINT], tmp_path, size)) for _ in range(RUNS)]
    bare, ours = (median(pair[one][0] for pair in pairs) for one in (0, 1))
    memory = max(pair[1][1] for pair in pairs)
    name = "a terminal" if way is on_terminal else "a pipe"
    figure(
        f"run on {name}: {size / MIB / ours:.0f} MiB/s, bare {size / MIB / bare:.0f} MiB/s "
        f"({bare / ours:.2f} of it); at most {memory:.0f} MiB of memory"
    )
    assert ours < most * bare
    assert memory < 60

"""What does a journal cost at its size: time of `send --key` and `journal show KEY`, memory of list, check and purge?

Run it with the interpreter of the environment that has smscli installed::

    python benchmarks/journal.py [SIZES]

Sizes are numbers of messages, each sent alone under a key of its own; a thousand contents repeat. The sizes take
turns, so that a machine whose speed drifts drifts for all; quoted are medians, and ratios to the first size.
"""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (to lay large journals)
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from smscli.journal import begin_anew, fingerprint
from smscli.journal._rows import InspectionRow, JobRow, MessageRow, WitnessRow, key_digest
from smscli.model import MSISDN

SIZES = (0, 10_000, 100_000, 1_000_000)
RUNS = 15
TO = MSISDN("37061234567")

# Runs one command line and says on stderr, last, what the kernel counts as its greatest memory.
MEASURED = """
import re, sys
from pathlib import Path
from smscli.cli import run
from smscli.runtime import real
status = run(sys.argv[1:], real())
sys.stdout.flush()
print(re.search("VmHWM: *([0-9]+)", Path("/proc/self/status").read_text().replace("\\t", " "))[1], file=sys.stderr)
sys.exit(status)
"""


def lay(path: Path, size: int, now: float) -> None:
    """Make a journal of so many messages, all accepted, the last one an hour before ``now``."""
    begin_anew(path)
    contents = [fingerprint(provider="lightsms", base_url="", account_id="", sender="", text=str(n), recipients=[TO])
                for n in range(min(size, 1000))]  # fmt: skip
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF").close()
        db.execute("BEGIN")
        for number in range(1, size + 1):
            moment, content = now - 3600 - (size - number), contents[number % len(contents)]
            rows: Iterable[JobRow | WitnessRow | MessageRow] = (
                JobRow(number, f"key-{number}", content, "lightsms", "", "", moment, 1),
                WitnessRow(number, content, moment, gone=1),
                MessageRow(
                    number,
                    0,
                    1,
                    "SENT",
                    moment,
                    "lightsms",
                    "",
                    None,
                    moment,
                    message_id=str(number),
                    recipient=TO.digits,
                    text_length=1,
                    text_sha256=content,
                ),
            )
            for row in rows:
                columns = row.columns()
                db.execute(f"INSERT INTO {row.TABLE} VALUES ({', '.join('?' * len(columns))})", columns)  # noqa: S608  (ours)
        db.create_function("key_digest", 1, key_digest)
        both = "SELECT key_digest(key), id FROM job UNION ALL SELECT fingerprint, id FROM job ORDER BY 1, 2"
        db.execute(f"INSERT INTO lookup {both}")
        checked = InspectionRow(1, now, now).columns()
        db.execute("INSERT INTO inspection VALUES (?, ?, ?, ?)", checked)
        db.execute("COMMIT")


def seconds(state: Path, *argv: str) -> float:
    """Return the wall seconds of one run of smscli; one that fails ends the benchmark."""
    started = time.perf_counter()
    program = str(Path(sys.executable).with_name("smscli"))
    subprocess.run([program, *argv], env=_environ(state), check=True, capture_output=True)  # noqa: S603  (our own program)
    return time.perf_counter() - started


def memory(state: Path, *argv: str) -> tuple[float, float]:
    """Return the peak memory (MiB) and the wall seconds of one run, its output thrown away."""
    started = time.perf_counter()
    command = [sys.executable, "-c", MEASURED, *argv]
    done = subprocess.run(  # noqa: S603  (our own program)
        command, env=_environ(state), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    return int(done.stderr.split()[-1]) / 1024, time.perf_counter() - started


def _environ(state: Path) -> dict[str, str]:
    return {**os.environ, "SMSCLI_STATE_DIR": str(state), "SMSCLI_CONFIG": "/nonexistent/config.toml"}


def main() -> None:
    """Measure and print."""
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    now = time.time()
    with tempfile.TemporaryDirectory() as folder:
        states = {size: Path(folder) / str(size) for size in sizes}
        for size, state in states.items():
            state.mkdir(mode=0o700)
            lay(state / "sandbox.sqlite3", size, now)
        sends: dict[int, list[float]] = {size: [] for size in sizes}
        shows: dict[int, list[float]] = {size: [] for size in sizes}
        for run in range(-1, RUNS):  # the first turn warms up
            for size, state in states.items():
                key = f"now-{run}"
                send = seconds(state, "send", "--sandbox", "--to", f"+{TO.digits}", "--key", key, "hello")
                show = seconds(state, "journal", "show", key, "--sandbox")
                if run >= 0:
                    sends[size].append(send)
                    shows[size].append(show)
        print(f"{RUNS} turns, Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")  # noqa: T201  (a benchmark prints)
        print("messages   MiB   send --key     journal show")  # noqa: T201
        for size, state in states.items():
            timed = "  ".join(_against(runs[size], runs[sizes[0]]) for runs in (sends, shows))
            mebibytes = (state / "sandbox.sqlite3").stat().st_size / 2**20
            print(f"{size:8} {mebibytes:5.0f}  {timed}", flush=True)  # noqa: T201
        print("messages   peak memory in MiB (seconds): list | list -o json | check | purge")  # noqa: T201
        for size, state in states.items():
            print(f"{size:8}", end="")  # noqa: T201
            for words in (("list",), ("list", "-o", "json"), ("check",), ("purge", "--older-than", "1d")):
                peak, took = memory(state, "journal", *words, "--sandbox")
                print(f"  {peak:.0f} ({took:.1f})", end="", flush=True)  # noqa: T201
            print()  # noqa: T201


def _against(runs: list[float], first: list[float]) -> str:
    ratio = statistics.median(a / b for a, b in zip(runs, first, strict=True))
    return f"{statistics.median(runs) * 1000:5.0f} ms ×{ratio:.2f}"


if __name__ == "__main__":
    main()

"""Rig: a job of three recipients, with every system call that touches the journal failing or being its last.

An oracle file stands for the vendor: a line is appended where the first byte of a request would leave. After each run
the journal is opened again and compared with it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from smscli.journal import Journal, State

JOB = """
import os, sys, time
from pathlib import Path
from smscli.errors import SmscliError
from smscli.journal import Job, Journal
from smscli.model import MSISDN, Outcome, Submission
path, oracle = Path(sys.argv[1]), os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
to = tuple(MSISDN(f"3706123456{n}") for n in range(3))
try:
    with Journal(path, now=time.time) as journal:
        journal.begin(Job("job", "lightsms", "", "", to, "hi", "f" * 64))
        for number in to:
            journal.claim("job", [number])
            os.write(oracle, f"{number.digits}\\n".encode())
            journal.settle("job", [Submission(number, Outcome.SENT, "1")])
except SmscliError as error:
    sys.exit(int(error.exit_code))
"""
WRITES = ("openat", "pwrite64", "fdatasync", "fsync", "unlink", "link", "mkdir")
FAULTS = {
    "error=EIO": (*WRITES, "pread64", "fcntl"),
    "error=ENOSPC": WRITES,
    # Between two writes nothing on the disk changes: a kill at a read is a kill at the next write.
    "signal=KILL": WRITES,
}
LIMIT = 400
"""More points than one call has; reaching it means that the loop does not end."""


def can_trace() -> bool:
    """Return whether this machine lets strace inject faults."""
    return (
        bool(shutil.which("strace"))
        and not subprocess.run(["strace", "-qq", "-f", "--seccomp-bpf", "true"], capture_output=True).returncode
    )


def truth(path: Path, accepted: list[str]) -> str | None:
    """Return what the journal says that the oracle refutes, or None."""
    if len(set(accepted)) != len(accepted):
        return "somebody twice"
    if not path.exists():
        return "accepted without a journal" if accepted else None
    with Journal(path, now=lambda: 0.0) as journal:
        states = {entry.submission.to.digits: entry.state for entry in journal.entries()}
        if journal.check():
            return "not sound"
    if not set(accepted) <= {number for number, state in states.items() if state in (State.SENT, State.UNKNOWN)}:
        return "a false NOT_SENT"
    return (
        None if {number for number, state in states.items() if state is State.SENT} <= set(accepted) else "a false SENT"
    )


@pytest.mark.skipif(not can_trace(), reason="strace cannot trace here")
@pytest.mark.parametrize("fault", list(FAULTS))
def test_every_fault_at_every_system_call_leaves_the_truth(tmp_path: Path, fault: str) -> None:
    """No duplicate, no false NOT_SENT, no false SENT, no traceback, and after a kill at most one UNKNOWN."""
    seen: Counter[str] = Counter()
    bad = []
    # Twice as fast, but strace then forgets to inject signals.
    quick = [] if fault.startswith("signal") else ["-f", "--seccomp-bpf"]
    for call in FAULTS[fault]:
        for when in range(1, LIMIT):
            place = tmp_path / f"{call}-{when}"
            place.mkdir()
            oracle = place / "oracle"
            oracle.touch()
            path = place / "state" / "journal"
            # Only calls on this place: what the interpreter does while it starts is not the journal's business.
            targets = [
                place,
                place / "state",
                path,
                *(path.with_name(f"journal{end}") for end in ("-journal", ".lock")),
            ]
            filters = [word for target in targets for word in ("-P", str(target))]
            done = subprocess.run(
                ["strace", "-qq", *quick, "-o", str(place / "log"), *filters, "-e", f"trace={call}", "-e",
                 f"inject={call}:{fault}:when={when}", sys.executable, "-c", JOB, str(path), str(oracle)],
                capture_output=True, text=True,
            )  # fmt: skip
            hit = "(INJECTED)" in (place / "log").read_text() or done.returncode in (-9, 137)
            if not hit:
                break
            seen[call] += 1
            wrong = truth(path, oracle.read_text().split())
            if wrong or done.stderr or done.returncode not in (0, 3, -9, 137):
                bad.append((call, when, done.returncode, wrong, done.stderr[-300:]))
            shutil.rmtree(place)
    points = sum(seen.values())
    print(f"\nfigure: journal system calls, {fault}: {points} points ({dict(seen)}), {len(bad)} bad")  # noqa: T201  (a figure)
    assert not bad, bad[:5]
    assert points > 50, f"only {points} points were reached"

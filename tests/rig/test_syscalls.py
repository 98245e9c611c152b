"""Rig: SIGKILL and I/O errors at every system call that matters, in jobs of three recipients, by strace's injection.

One system call and one fault make a sweep: the N-th call is hit, N = 1, 2, 3 …, until a run has fewer than N of them.
After every run the checker holds the journal against the oracle; then the same command runs again and must bring
every recipient to SENT or UNKNOWN. strace counts calls by thread, and every exchange has a thread of its own: a fault
in the network hits the first exchange of a killed run, and every exchange of a run that goes on.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.client import SECRETS, VENDORS
from tests.rig.checker import read
from tests.rig.figures import figure
from tests.rig.job import Ended, Job
from tests.vendor import Vendor

# A request that fails to leave is not noticed by the library, which waits for an answer: not for half a minute here.
OPTIONS = ("--batch-size", "1", "--timeout", "2")
# With --seccomp-bpf the tracer only wakes at the calls it was asked for; it does not kill then.
STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-o")
KILLER = ("strace", "-f", "-qq", "-o")
WORKERS = min(4, os.cpu_count() or 2)
ERRORS = {
    "pwrite64": ("EIO", "ENOSPC"),
    "pread64": ("EIO",),
    "fdatasync": ("EIO", "ENOSPC"),
    "fsync": ("EIO", "ENOSPC"),
    "openat": ("EIO", "ENOSPC", "EACCES", "EROFS"),
    "unlink": ("EIO", "EACCES", "EROFS"),
    "link": ("EIO", "ENOSPC", "EACCES", "EROFS"),
    "fchmod": ("EIO", "EROFS"),
    "fcntl": ("EIO", "ENOLCK"),
    "clone3": ("EAGAIN",),
    "connect": ("EIO", "EACCES"),
    "sendto": ("EIO", "EPIPE"),
    "recvfrom": ("EIO", "ECONNRESET"),
}
KILLED = ("pwrite64", "fdatasync", "fsync", "openat", "unlink", "link", "clone3", "connect", "sendto", "recvfrom")
# Python opens hundreds of files and asks for flags of many; of these calls only those on the journal count.
ON_JOURNAL = ("openat", "fcntl", "pread64", "fchmod")
NETWORK = ("clone3", "connect", "sendto", "recvfrom")
# What the journal does is the same for every vendor: its errors are swept with one, its syncs and the network with all.
EVERYWHERE = (*NETWORK, "fdatasync", "unlink")


class Sweep(NamedTuple):
    """One fault at the calls ``start``, ``start + step`` … of one name."""

    vendor: str
    call: str
    fault: str
    start: int
    step: int
    profile: str


class Found(NamedTuple):
    """What a sweep brought: how many points, and what was wrong."""

    points: int
    wrong: list[str]


def sweeps(kill: bool) -> Iterator[Sweep]:
    """Yield all sweeps, the long ones cut into one piece for each worker."""
    for vendor in VENDORS:
        for call, errors in ERRORS.items():
            if not kill and vendor != "mainsms" and call not in EVERYWHERE and not os.environ.get("RIG_LONG"):
                continue
            faults = [f"error={error}" for error in errors] if not kill else ["signal=KILL"] if call in KILLED else []
            step = 1 if call in NETWORK else WORKERS
            # With the vendor's clock the first bytes of a thread ask for the time, with the local one they send.
            profiles = ("", 'clock = "local"') if vendor == "lightsms" and call in NETWORK else ("",)
            yield from (
                Sweep(vendor, call, fault, start, step, profile)
                for fault in faults
                for start in range(1, step + 1)
                for profile in profiles
            )


@pytest.fixture(autouse=True)
def ptrace() -> None:
    """Skip, with the reason, where strace is not there or may not trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run([*STRACE, os.devnull, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()[-100:]}")


def test_sigkill_at_every_system_call(tmp_path: Path) -> None:
    """Wherever it dies: nothing twice, nothing false, at most one UNKNOWN, and the rest is sent by the next run."""
    _run_all(tmp_path, kill=True)


def test_an_error_at_every_system_call(tmp_path: Path) -> None:
    """Whatever fails: no traceback, the right status, no request without a committed claim, nothing false."""
    _run_all(tmp_path, kill=False)


def _run_all(place: Path, *, kill: bool) -> None:
    started = time.monotonic()
    work = list(sweeps(kill))
    context = multiprocessing.get_context("fork")
    with context.Pool(WORKERS, _begin_worker, (place,)) as pool:
        found = pool.map(_sweep, work, chunksize=1)
        pool.close()
        pool.join()
    wrong = [line for one in found for line in one.wrong]
    assert not wrong, "\n".join([f"{len(wrong)} findings", *wrong[:20]])
    points = Counter[str]()
    for sweep, one in zip(work, found, strict=True):
        points[sweep.call] += one.points
    assert all(points[call] for call in (KILLED if kill else ERRORS)), points
    what = "SIGKILL" if kill else "an error"
    by_call = ", ".join(f"{number} {call}" for call, number in points.most_common())
    figure(f"{what} at {points.total()} points ({by_call}), 0 bad, {time.monotonic() - started:.0f} s")


# --- in the worker ----------------------------------------------------------------------------------------------------

_WORKER: dict[str, Vendor | Path] = {}


def _begin_worker(place: Path) -> None:
    # Its process ends when this one does.
    mine = place / str(os.getpid())
    mine.mkdir()
    _WORKER.update(place=mine, vendor=Vendor(secrets=SECRETS, oracle=mine / "oracle").__enter__())


def _sweep(sweep: Sweep) -> Found:
    vendor, place = _WORKER["vendor"], _WORKER["place"]
    assert isinstance(vendor, Vendor)
    assert isinstance(place, Path)
    wrong: list[str] = []
    for points in count():
        nth = sweep.start + points * sweep.step
        name = f"{sweep.vendor}-{sweep.call}-{sweep.fault[-6:]}-{nth}{'-local' if sweep.profile else ''}"
        url = vendor.url(sweep.vendor)
        job = Job(place / name, sweep.vendor, url, 3, name, options=OPTIONS, profile=sweep.profile)
        try:
            hit = _hit(job, sweep, nth, vendor)
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
            hit = True
        shutil.rmtree(job.home)
        if not hit or len(wrong) > 5:
            return Found(points, wrong)
    raise AssertionError  # pragma: no cover  (count() does not end)


def _hit(job: Job, sweep: Sweep, nth: int, vendor: Vendor) -> bool:
    """Run the job with the fault, judge it, and run it again; return False when it had no such call."""
    log = job.home / "strace"
    command = [*(KILLER if sweep.fault == "signal=KILL" else STRACE), str(log), "-e", f"trace={sweep.call}"]
    command += ["-e", f"inject={sweep.call}:{sweep.fault}:when={nth}"]
    if sweep.call in ON_JOURNAL:
        names = ("", *(job.journal.name + end for end in ("", "-journal", ".lock")))
        command += [word for name in names for word in ("-P", str(job.journal.parent / name).rstrip("/"))]
    ended = job.run(*command)
    if sweep.fault == "signal=KILL":
        if ended.code >= 0:
            assert ended.code == 0, f"not killed, and status {ended.code}: {ended.err[-300:]}"
            return False
        tally = job.check(vendor)
        assert tally.unknown <= 1, tally
    else:
        if "INJECTED" not in log.read_text():
            return False
        _judge(job, ended, vendor)
    again = job.rerun()
    tally = job.check(vendor)
    assert tally.sent + tally.unknown == 3, f"{tally} after another run ({again.code}): {again.err[-300:]}"
    assert again.code == (7 if tally.unknown else 0), f"another run ended with {again.code}: {tally}"
    return True


def _judge(job: Job, ended: Ended, vendor: Vendor) -> None:
    """Hold what the run said, its status, the journal and the oracle against each other."""
    said = f"status {ended.code}, {ended.outcomes}, {ended.err[-300:]}"
    assert "Traceback" not in ended.err, said
    accepted = {one.recipient[-9:] for one in job.accepted(vendor)}
    job.check(vendor)
    if not ended.outcomes:
        assert ended.code == 3, said
        assert not accepted, f"{said}: refused to send, and sent"
        return
    states = {entry.submission.to: entry.state for entry in read(job.journal, job.key)}
    recorded = "is not recorded" not in ended.err
    for number, outcome in zip(job.recipients, ended.outcomes, strict=True):
        known = number.digits[-9:] in accepted
        assert not (outcome == "SENT" and not known), f"{said}: {number} is no SENT"
        assert not (outcome in ("NOT_SENT", "REFUSED") and known), f"{said}: {number} was accepted"
        # A claim whose last sync failed may stand in the file all the same: NOT_SENT is true, UNKNOWN is cautious.
        agreed = states[number] == outcome or (outcome, states[number]) == ("NOT_SENT", "UNKNOWN")
        assert agreed or not recorded, f"{said}: {number} is {states[number]} in the journal, and that was not told"
    assert ended.code in _statuses(set(ended.outcomes), recorded), said


def _statuses(outcomes: set[str], recorded: bool) -> tuple[int, ...]:
    """Return the statuses that are right for these outcomes; ``recorded`` is that they could all be recorded."""
    if "UNKNOWN" in outcomes or (not recorded and outcomes != {"NOT_SENT"}):
        return (7,)
    if outcomes == {"SENT"}:
        return (0,)
    if "SENT" in outcomes:
        return (8,)
    return (3, 6)

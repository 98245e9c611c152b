"""Rig: SIGKILL and I/O errors at every system call that matters, in jobs of three recipients, by strace's injection.

One system call and one fault make a sweep: the N-th call is hit, N = 1, 2, 3 …, until a run has fewer than N of them.
After every run the checker holds the journal against the oracle; then the same command runs again and must bring
every recipient to SENT or UNKNOWN. strace counts calls by thread, and every exchange has a thread of its own: a fault
in the network hits the first exchange of a killed run, and every exchange of a run that goes on.

Every fifth of those killed is the real binary, from its start on, the first of each sweep among them. The others, and
what an error meets, are forks of an interpreter that has loaded all: they make the same calls but those of the start.
"""

from __future__ import annotations

import os
import shutil
import sqlite3  # noqa: TID253  (to look into the copies)
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count, cycle
from pathlib import Path
from typing import NamedTuple

import pytest

from smscli.journal import Journal
from tests.client import VENDORS
from tests.figures import add
from tests.jobs import lay_older
from tests.rig.checker import read
from tests.rig.forks import Forks
from tests.rig.job import Ended, Job
from tests.vendor import Vendor

# A request that fails to leave is not noticed by the library, which waits for an answer: not for half a minute here.
OPTIONS = ("--batch-size", "1", "--timeout", "2")
STRACE = ("strace", "-f", "-o")
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


Run = Callable[[Job, Sequence[str]], Ended]
"""How the command of a job is run under a tracer."""


class Sweep(NamedTuple):
    """One fault at the first, second, third … call of one name."""

    vendor: str
    call: str
    fault: str
    profile: str

    def __str__(self) -> str:
        return f"{self.vendor}-{self.call}-{self.fault.partition('=')[2]}{'-local' if self.profile else ''}"


def sweeps(*, kill: bool) -> Iterator[Sweep]:
    """Yield all sweeps."""
    for vendor in VENDORS:
        for call, errors in ERRORS.items():
            if not kill and vendor != "mainsms" and call not in EVERYWHERE and not os.environ.get("RIG_LONG"):
                continue
            faults = [f"error={error}" for error in errors] if not kill else ["signal=KILL"] if call in KILLED else []
            # With the vendor's clock the first bytes of a thread ask for the time, with the local one they send.
            profiles = ("", 'clock = "local"') if vendor == "lightsms" and call in NETWORK else ("",)
            yield from (Sweep(vendor, call, fault, profile) for fault in faults for profile in profiles)


@pytest.fixture(scope="module", autouse=True)
def ptrace() -> None:
    """Skip, with the reason, where strace is not there or may not trace."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    tried = subprocess.run([*STRACE, os.devnull, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()[-100:]}")


@pytest.mark.waits
@pytest.mark.parametrize("sweep", list(sweeps(kill=True)), ids=str)
def test_sigkill_at_every_system_call(sweep: Sweep, tmp_path: Path, vendor: Vendor, loaded: Forks) -> None:
    """Wherever it dies: nothing twice, nothing false, at most one UNKNOWN, and the rest is sent by the next run."""
    runs = cycle([_in_binary, *[_in_fork(loaded)] * 4])
    points = _points(sweep, tmp_path, vendor, lambda job, tracer: next(runs)(job, tracer))
    add("SIGKILL at {points} points ({calls}), 0 bad", points=points, calls={sweep.call: points})


@pytest.mark.waits
@pytest.mark.parametrize("sweep", list(sweeps(kill=False)), ids=str)
def test_an_error_at_every_system_call(sweep: Sweep, tmp_path: Path, vendor: Vendor, loaded: Forks) -> None:
    """Whatever fails: no traceback, the right status, no request without a committed claim, nothing false."""
    points = _points(sweep, tmp_path, vendor, _in_fork(loaded))
    add("an error at {points} points ({calls}), 0 bad", points=points, calls={sweep.call: points})


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "fsync", "link", "unlink"])
def test_sigkill_at_every_system_call_of_a_migration(call: str, tmp_path: Path, loaded: Forks) -> None:
    """A file of layout 2 stays whole in that layout, or is whole in this one, with what it said before."""
    for nth in count(1):
        path = tmp_path / str(nth) / "sandbox.sqlite3"
        path.parent.mkdir(mode=0o700)
        lay_older(path, 2)
        command = [*STRACE, str(tmp_path / "log"), "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={nth}"]
        environ = {"HOME": str(tmp_path), "SMSCLI_STATE_DIR": str(path.parent), "PATH": os.environ["PATH"]}
        code, _, err = loaded.run(["journal", "list", "--sandbox"], environ, tmp_path, command)
        copy = path.with_name(f"{path.name}.layout-2")
        if copy.exists():
            with closing(sqlite3.connect(copy)) as db:
                assert db.execute("PRAGMA user_version").fetchone() == (2,)
                assert db.execute("SELECT count(*) FROM message").fetchone() == (8,)
        with Journal(path, now=lambda: 1.9e9) as journal:
            assert journal.check() == ()
            assert [entry.key for entry in journal.stream()] == ["ends"] * 5 + ["login", "later", "dead"]
        shutil.rmtree(path.parent)
        if code >= 0:
            assert code == 0, err
            break
    assert nth > 1, "there is no such call"
    add("SIGKILL at {points} points of a migration ({calls}), 0 bad", points=nth - 1, calls={call: nth - 1})


def _in_binary(job: Job, tracer: Sequence[str]) -> Ended:
    return job.run(*tracer, "-qq")


def _in_fork(loaded: Forks) -> Run:
    return lambda job, tracer: Ended(*loaded.run(job.argv, job.environ, job.home, tracer))


def _points(sweep: Sweep, place: Path, vendor: Vendor, run: Run) -> int:
    """Hit one call after the other until there is none; return how many there were."""
    wrong: list[str] = []
    for nth in count(1):
        name = f"{sweep}-{nth}"
        job = Job(
            place / str(nth), sweep.vendor, vendor.url(sweep.vendor), 3, name, options=OPTIONS, profile=sweep.profile
        )
        try:
            hit = _hit(job, sweep, nth, vendor, run)
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
            hit = True
        shutil.rmtree(job.home)
        if not hit or len(wrong) > 5:
            break
    assert not wrong, "\n".join([f"{len(wrong)} findings", *wrong])
    assert nth > 1, "there is no such call"
    return nth - 1


def _hit(job: Job, sweep: Sweep, nth: int, vendor: Vendor, run: Run) -> bool:
    """Run the job with the fault, judge it, and run it again; return False when it had no such call."""
    log = job.home / "strace"
    command = [*STRACE, str(log), "-e", f"trace={sweep.call}"]
    command += ["-e", f"inject={sweep.call}:{sweep.fault}:when={nth}"]
    if sweep.call in ON_JOURNAL:
        names = ("", *(job.journal.name + end for end in ("", "-journal", ".lock")))
        command += [word for name in names for word in ("-P", str(job.journal.parent / name).rstrip("/"))]
    ended = run(job, command)
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

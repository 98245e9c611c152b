"""Rig: many processes, one key. Exactly one sends; the others show its receipt or say that it is being sent.

The locks are the same whoever loaded the modules: most rounds race processes that have them, some the real binary.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.documents import document
from tests.figures import figure
from tests.rig.forks import Forks
from tests.rig.job import Ended, Job
from tests.vendor import Step, Vendor

PROCESSES, COPIES, RECIPIENTS = 32, 8, 200
ROUNDS, FORK_ROUNDS, BINARY_ROUNDS = 200, 16, 4
ANSWER = Step(delay=0.01)


@pytest.mark.waits
def test_exactly_one_of_32_processes_sends(tmp_path: Path, vendor: Vendor) -> None:
    """The whole command inside 32 processes that begin every round together."""
    started = time.monotonic()
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(PROCESSES), context.SimpleQueue()
    jobs = [Job(tmp_path, "mainsms", vendor.url("mainsms", ANSWER), 1, f"one-{number}") for number in range(ROUNDS)]

    def race() -> None:
        ends = []
        for job in jobs:
            barrier.wait(timeout=120)
            ends.append(_end(job.rerun()))
        results.put(ends)

    racers = [context.Process(target=race, daemon=True) for _ in range(PROCESSES)]
    for racer in racers:
        racer.start()
    ends = Counter(end for _ in racers for end in results.get())
    for racer in racers:
        racer.join()
    _judge(jobs, vendor, ends)
    figure(f"one key, library: {PROCESSES} processes x {ROUNDS} rounds, {_shown(ends)}, {_since(started)}")


@pytest.mark.waits
def test_exactly_one_of_32_forks_of_the_program_sends(tmp_path: Path, vendor: Vendor, loaded: Forks) -> None:
    """The same with processes of their own, from the first line of ``main`` to the exit status."""
    started = time.monotonic()
    ends = Counter[str]()
    url = vendor.url("mainsms", ANSWER)
    jobs = [Job(tmp_path / str(number), "mainsms", url, 1, f"fork-{number}") for number in range(FORK_ROUNDS)]
    for job in jobs:
        ran = loaded.race(job.argv, job.environ, job.home, PROCESSES, _all_wait)
        ends.update(_end(Ended(*one)) for one in ran)
    _judge(jobs, vendor, ends)
    figure(f"one key, forks: {PROCESSES} processes x {FORK_ROUNDS} rounds, {_shown(ends)}, {_since(started)}")


@pytest.mark.waits
def test_exactly_one_of_32_copies_of_the_binary_sends(tmp_path: Path, vendor: Vendor) -> None:
    """The same with the real binary: all copies wait for their text, and get it at one moment."""
    started = time.monotonic()
    ends = Counter[str]()
    options = ("--text-file", "-")
    url = vendor.url("mainsms", ANSWER)
    jobs = [Job(tmp_path / str(number), "mainsms", url, 1, f"binary-{number}") for number in range(BINARY_ROUNDS)]
    for job in jobs:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        copies = [job.start(more=options, **pipes) for _ in range(PROCESSES)]
        _all_wait([copy.pid for copy in copies])
        for copy in copies:
            assert copy.stdin is not None
            copy.stdin.write(job.key.encode())
            copy.stdin.close()
            copy.stdin = None
        for copy in copies:
            out, err = copy.communicate(timeout=120)
            ends[_end(Ended(copy.returncode, out.decode(), err.decode()))] += 1
    _judge(jobs, vendor, ends)
    figure(f"one key, binary: {PROCESSES} processes x {BINARY_ROUNDS} rounds, {_shown(ends)}, {_since(started)}")


@pytest.mark.waits
def test_copies_of_one_long_job_send_each_recipient_once(tmp_path: Path, vendor: Vendor) -> None:
    """Eight copies at once, each started again until it may show the receipt."""
    started = time.monotonic()
    job = Job(tmp_path, "lightsms", vendor.url("lightsms"), RECIPIENTS, "copies")
    running = [job.start() for _ in range(COPIES)]
    ends = Counter[int]()
    while running:
        codes = [copy.wait(timeout=120) for copy in running]
        ends.update(codes)
        running = [job.start() for code in codes if code == 9]
    assert set(ends) <= {0, 9}, ends
    tally = job.check(vendor)
    assert tally.sent == tally.accepted == RECIPIENTS
    figure(
        f"one key, {COPIES} copies of a job of {RECIPIENTS}: {tally.accepted} accepted, 0 twice,"
        f" {ends[9]} times exit 9, {_since(started)}"
    )


def _end(ended: Ended) -> str:
    """Return how one copy ended: sent, replayed, busy, or what it should not have said."""
    if ended.code == 0:
        return "replays" if document(ended.out)["data"]["replayed"] else "requests"
    return "exit 9" if ended.code == 9 and "being sent by another" in ended.err else f"{ended.code} {ended.err}"


def _judge(jobs: Sequence[Job], vendor: Vendor, ends: Counter[str]) -> None:
    for job in jobs:
        tally = job.check(vendor)
        assert tally.sent == tally.accepted == 1, f"{job.key}: {tally}"
    assert ends["requests"] == len(jobs), ends
    assert set(ends) <= {"requests", "replays", "exit 9"}, ends
    assert ends.total() == PROCESSES * len(jobs)


def _all_wait(pids: Sequence[int]) -> None:
    """Return when all processes sleep (in the read of their text), as the kernel tells it; give up after a while."""
    for _ in range(600):
        states = {Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] for pid in pids}
        if states == {"S"}:
            return
        time.sleep(0.02)


def _shown(ends: Counter[str]) -> str:
    return ", ".join(f"{ends[end]} {end}" for end in ("requests", "replays", "exit 9"))


def _since(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s"

"""Rig: 32 processes, one key, one server. Exactly one sends; the others get its receipt or a conflict."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from pathlib import Path

from smscli.errors import ConflictError
from smscli.model import Outcome
from smscli.transport import HttpTransport
from tests.figures import figure
from tests.servers.cluster import Cluster
from tests.servers.rig.worker import Work, deliver, way_to
from tests.vendor import Step, Vendor

PROCESSES, ROUNDS = 32, 100
ANSWER = Step(delay=0.01)


def test_exactly_one_of_32_processes_sends(server: Cluster, vendor: Vendor, tmp_path: Path) -> None:
    """They begin every round together, each over a session of its own."""
    started = time.monotonic()
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(PROCESSES), context.SimpleQueue()
    said = tmp_path / "said"
    said.touch()
    rounds = [Work(server.url, vendor.url("mainsms", ANSWER), said, f"one {n}", size=1) for n in range(ROUNDS)]

    def race() -> None:
        ends = []
        for work in rounds:
            barrier.wait(timeout=120)
            ends.append(_end(work))
        results.put(ends)

    racers = [context.Process(target=race, daemon=True) for _ in range(PROCESSES)]
    for racer in racers:
        racer.start()
    ends = Counter(end for _ in racers for end in results.get())
    for racer in racers:
        racer.join()
    accepted = Counter(one.text for one in vendor.oracle())
    assert accepted == {work.key: 1 for work in rounds}
    assert set(ends) <= {"requests", "replays", "conflicts"}, ends
    assert ends["requests"] == ROUNDS
    assert ends.total() == PROCESSES * ROUNDS
    words = ", ".join(f"{count} {end}" for end, count in ends.most_common())
    figure(f"one key, server: {PROCESSES} processes x {ROUNDS} rounds, {words}, {time.monotonic() - started:.0f} s")


def _end(work: Work) -> str:
    """Send as ``smscli send --key`` does; return how that ended."""
    try:
        with work.open() as journal:
            opened = journal.begin(work.job)
            if not opened.pending:
                (outcome,) = {one.outcome for one in opened.submissions}
                return "replays" if outcome is Outcome.SENT else outcome
            transport = HttpTransport()
            receipt = deliver(way_to(work.base_url, transport), journal, work.key, work.recipients)
            transport.close()
            assert not receipt.unrecorded
            return "requests" if receipt.submissions[0].outcome is Outcome.SENT else str(receipt.error)
    except ConflictError:
        return "conflicts"
    except Exception as error:  # noqa: BLE001  (told by the test)
        return repr(error)

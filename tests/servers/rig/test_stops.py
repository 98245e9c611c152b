"""Rig: the server stopped as by a power cut, at random moments of jobs that four workers send, and started again."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from pathlib import Path

from smscli.journal import State
from tests.figures import figure
from tests.servers.cluster import Cluster
from tests.servers.rig.worker import Work, unknown
from tests.vendor import Step, Vendor

STOPS = 30
ANSWER = Step(delay=0.01)


def test_no_stop_of_the_server_makes_a_duplicate_or_a_lie(server: Cluster, vendor: Vendor, tmp_path: Path) -> None:
    """Each recipient once in the oracle, every outcome recorded that was said to be, UNKNOWN within what was in flight.

    The program lives on: it waits for the server, records what it knows, and sends what is pending.
    """
    dice, started = random.Random(9), time.monotonic()  # noqa: S311  (the moments, not secrets)
    stops, tallies = 0, list[Counter[str]]()
    while stops < STOPS:
        said = tmp_path / f"said-{len(tallies)}"
        said.touch()
        work = Work(server.url, vendor.url("mainsms", ANSWER), said, f"stops {len(tallies)}")
        process = multiprocessing.get_context("fork").Process(target=work.run)
        process.start()
        while process.is_alive() and stops < STOPS:
            size = said.stat().st_size
            while said.stat().st_size == size and process.is_alive():
                time.sleep(0.002)
            time.sleep(dice.uniform(0, 0.3))
            if process.is_alive():
                server.stop("immediate")
                time.sleep(dice.uniform(0, 0.5))
                server.start()
                stops += 1
        process.join(timeout=120)
        assert process.exitcode == 0
        tallies.append(work.tally(vendor))
        assert tallies[-1].keys() <= {State.SENT, State.UNKNOWN}, tallies[-1]
    assert unknown(tallies) <= stops * work.workers * work.batch
    figure(
        f"pg_ctl stop -m immediate, 4 workers: {stops} stops, {sum(tally.total() for tally in tallies)} recipients,"
        f" 0 duplicates, 0 unaccounted, {unknown(tallies)} UNKNOWN, {time.monotonic() - started:.0f} s"
    )

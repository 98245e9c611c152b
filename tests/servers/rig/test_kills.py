"""Rig: jobs of 1000 recipients sent by four workers, killed with SIGKILL at random moments until all is settled."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from smscli.journal import State
from tests.figures import figure
from tests.servers.cluster import Cluster
from tests.servers.rig.worker import Work, unknown
from tests.vendor import Step, Vendor

KILLS = 150
ANSWER = Step(delay=0.01)


@pytest.mark.parametrize("store", ["server", "file"])
def test_no_kill_makes_a_duplicate_or_a_lie(store: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Each recipient once in the oracle, and no more UNKNOWN than the four workers had in flight at the kills."""
    place = str(tmp_path / "journal.sqlite3")
    if store == "server":
        server: Cluster = request.getfixturevalue("server")
        place = server.url
    dice, started = random.Random(9), time.monotonic()  # noqa: S311  (the moments, not secrets)
    vendor: Vendor = request.getfixturevalue("vendor")
    kills = 0
    tallies: list[Counter[str]] = []
    while kills < KILLS:
        said = tmp_path / f"said-{len(tallies)}"
        said.touch()
        work = Work(place, vendor.url("mainsms", ANSWER), said, f"kills {store} {len(tallies)}")
        before = 0
        while kills < KILLS and _killed(work, dice):
            kills += 1
            with work.open() as journal:
                counts = Counter(entry.state for entry in journal.stream() if entry.key == work.key)
            assert counts[State.UNKNOWN] - before <= work.workers * work.batch
            before = counts[State.UNKNOWN]
        process = multiprocessing.get_context("fork").Process(target=work.run)
        process.start()
        process.join(timeout=120)
        assert process.exitcode == 0
        tallies.append(work.tally(vendor))
        assert tallies[-1].keys() <= {State.SENT, State.UNKNOWN}, tallies[-1]
    figure(
        f"SIGKILL, 4 workers, {store}: {kills} kills, {sum(tally.total() for tally in tallies)} recipients,"
        f" 0 duplicates, 0 unaccounted, {unknown(tallies)} UNKNOWN, {time.monotonic() - started:.0f} s"
    )


def _killed(work: Work, dice: random.Random) -> bool:
    """Start the program and kill it: one in four from its start on, the others while it is sending."""
    process = multiprocessing.get_context("fork").Process(target=work.run)
    before = work.said.stat().st_size
    anytime, seconds = dice.random() < 0.25, dice.uniform(0, 0.2)
    process.start()
    while not anytime and work.said.stat().st_size == before and process.is_alive():
        time.sleep(0.002)
    time.sleep(3 * seconds if anytime else seconds)
    process.kill()
    process.join(timeout=60)
    return process.exitcode != 0

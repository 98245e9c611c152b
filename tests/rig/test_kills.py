"""Rig: jobs of 1000 recipients, killed with SIGKILL at random moments and started again until all is settled."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.client import SECRETS, VENDORS
from tests.figures import figure
from tests.rig.checker import Tally
from tests.rig.forks import Forks
from tests.rig.job import Job
from tests.vendor import Step, Vendor

KILLS = 150
SEEDS = range(10) if os.environ.get("RIG_LONG") else range(3)
# An answer takes 15 ms, so that about five recipients are sent between two kills.
ANSWER = Step(delay=0.015)


@pytest.mark.waits
@pytest.mark.parametrize("seed", SEEDS)
def test_no_kill_makes_a_duplicate_or_a_lie(seed: int, tmp_path: Path, loaded: Forks) -> None:
    """The same command again and again: each recipient once in the oracle, UNKNOWN at most once a kill."""
    started = time.monotonic()
    kills, tallies = _batter(tmp_path / str(seed), seed, loaded)
    unknown = sum(tally.unknown for tally in tallies)
    assert kills == KILLS
    assert unknown <= kills, f"{unknown} UNKNOWN after {kills} kills"
    figure(
        f"SIGKILL, seed {seed}: {kills} kills, {sum(t.planned for t in tallies)} recipients, 0 duplicates,"
        f" 0 unaccounted, {unknown} UNKNOWN, {time.monotonic() - started:.0f} s"
    )


def _batter(home: Path, seed: int, loaded: Forks) -> tuple[int, list[Tally]]:
    """Kill jobs of 1000 recipients until there were enough kills, then let the last one end; return the tallies."""
    # The seed decides the moments; what a moment hits is up to the machine.
    dice = random.Random(seed)  # noqa: S311  (not for secrets)
    kills = 0
    tallies: list[Tally] = []
    with Vendor(secrets=SECRETS, oracle=home.with_suffix(".oracle")) as vendor:
        while kills < KILLS:
            provider = VENDORS[(seed + len(tallies)) % len(VENDORS)]
            job = Job(home / provider, provider, vendor.url(provider, ANSWER), 1000, f"{seed}-{len(tallies)}")
            while kills < KILLS and _killed(job, dice, home.with_suffix(".oracle"), loaded):
                kills += 1
            code = job.start().wait(timeout=300)
            tallies.append(job.check(vendor))
            assert tallies[-1].not_sent == tallies[-1].refused == 0, f"{job.key} ended with {code}: {tallies[-1]}"
            assert code == (7 if tallies[-1].unknown else 0)
    return kills, tallies


def _killed(job: Job, dice: random.Random, oracle: Path, loaded: Forks) -> bool:
    """Kill the command: one in four from the start of the real binary on, forks for the others, while they send."""
    before = oracle.stat().st_size
    anytime, seconds = dice.random() < 0.25, dice.uniform(0, 0.2)
    with job.start() if anytime else loaded.started(job.argv, job.environ) as process:
        while not anytime and oracle.stat().st_size == before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(3 * seconds if anytime else seconds)
        process.kill()
        return process.wait(timeout=60) < 0

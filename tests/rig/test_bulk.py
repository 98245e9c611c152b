"""Rig: lists of 1000 people, each with a text of his own, for four workers, killed at random moments and resumed."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.client import SECRETS, VENDORS
from tests.figures import figure
from tests.rig.checker import Tally, read
from tests.rig.forks import Forks
from tests.rig.job import BulkJob
from tests.vendor import Step, Vendor

KILLS = 150
SEEDS = range(10) if os.environ.get("RIG_LONG") else range(3)
WORKERS = 4
ANSWER = Step(delay=0.03)


@pytest.mark.waits
@pytest.mark.parametrize("seed", SEEDS)
def test_no_kill_of_a_bulk_job_makes_a_duplicate_or_a_lie(seed: int, tmp_path: Path, loaded: Forks) -> None:
    """Killed and resumed: each person once, with the right text; a kill leaves at most a request a worker UNKNOWN."""
    started = time.monotonic()
    # The seed decides the moments; what a moment hits is up to the machine.
    dice = random.Random(seed)  # noqa: S311  (not for secrets)
    kills, tallies = 0, list[Tally]()
    oracle = tmp_path / "oracle"
    with Vendor(secrets=SECRETS, oracle=oracle) as vendor:
        while kills < KILLS:
            provider = VENDORS[(seed + len(tallies)) % len(VENDORS)]
            url = vendor.url(provider, ANSWER)
            job = BulkJob(tmp_path / provider, provider, url, 1000, f"{seed}-{len(tallies)}", workers=WORKERS)
            while kills < KILLS and _killed(job, dice, oracle, loaded):
                kills += 1
            code = job.start(words=_words(job)).wait(timeout=300)
            tallies.append(job.check(vendor))
            assert tallies[-1].not_sent == tallies[-1].refused == 0, f"{job.key} ended with {code}: {tallies[-1]}"
            assert code == (7 if tallies[-1].unknown else 0)
    unknown = sum(tally.unknown for tally in tallies)
    assert kills == KILLS
    assert unknown <= kills * WORKERS, f"{unknown} UNKNOWN after {kills} kills of {WORKERS} workers"
    figure(
        f"SIGKILL of bulk, seed {seed}: {kills} kills, {sum(t.planned for t in tallies)} people, 0 duplicates,"
        f" 0 unaccounted, {unknown} UNKNOWN of at most {kills * WORKERS}, {time.monotonic() - started:.0f} s"
    )


@pytest.mark.waits
def test_two_processes_at_one_job_send_to_each_person_once(tmp_path: Path) -> None:
    """The second one joins while the first is at it, and both take what the other has not."""
    with Vendor(secrets=SECRETS, oracle=tmp_path / "oracle") as vendor:
        job = BulkJob(tmp_path / "home", "mainsms", vendor.url("mainsms", ANSWER), 1000, "both", workers=WORKERS)
        with job.start() as first:
            while not read(job.journal, job.key) and first.poll() is None:
                time.sleep(0.01)
            others = [job.start(words=job.resuming) for _ in range(2)]
            codes = [process.wait(timeout=300) for process in (first, *others)]
        tally = job.check(vendor)
        assert (tally.sent, tally.unknown) == (1000, 0)
        assert set(codes) <= {0, 8}, codes  # 8: what the others had in flight then was not known here
        figure(f"three processes at one bulk job of 1000: each person once, statuses {codes}")


def _words(job: BulkJob) -> list[str]:
    """Return the arguments that begin the job, or go on with it once it is planned."""
    return job.resuming if read(job.journal, job.key) else job.argv


def _killed(job: BulkJob, dice: random.Random, oracle: Path, loaded: Forks) -> bool:
    """Kill the command while it sends, one in four at any time of its life."""
    before = oracle.stat().st_size
    anytime, seconds = dice.random() < 0.25, dice.uniform(0, 0.2)
    with loaded.started(_words(job), job.environ) as process:
        while not anytime and oracle.stat().st_size == before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(3 * seconds if anytime else seconds)
        process.kill()
        return process.wait(timeout=60) < 0

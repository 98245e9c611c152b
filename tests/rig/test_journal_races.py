"""Rig: 32 processes on one new key, 200 rounds; exactly one of them sends in each."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from pathlib import Path

import pytest

from smscli.errors import ConflictError
from smscli.journal import Job, Journal, fingerprint
from smscli.model import MSISDN, Outcome, Submission
from tests.figures import figure

PROCESSES, ROUNDS = 32, 200
TO = (MSISDN("37061234567"),)


def send(path: Path, oracle: Path, key: str, once: float | None) -> str:
    """Do what a send does around its request, the oracle standing for the vendor; return how it ended."""
    content = fingerprint(
        provider="lightsms",
        base_url="https://www.lightsms.com/",
        account_id="demo",
        sender=None,
        text=key.partition("/")[0],
        recipients=TO,
    )
    with Journal(path, now=time.time) as journal:
        found = journal.begin(Job(key, "lightsms", "", "", "", tuple((to, "hi") for to in TO), content), once=once)
        if not found.pending:
            return "replayed"
        journal.claim(found.key, found.pending)
        with oracle.open("a") as accepted:
            accepted.write(f"{key.partition('/')[0]}\n")
        journal.settle(found.key, [Submission(number, Outcome.SENT, "1") for number in found.pending])
        return "won"


def race(path: Path, oracle: Path, barrier: object, results: object, own_key: str, once: float | None) -> None:
    """Send once each round, from the same moment as everybody else."""
    ends = []
    for number in range(ROUNDS):
        barrier.wait()  # type: ignore[attr-defined]  # multiprocessing's own types are not importable
        try:
            ends.append(send(path, oracle, f"round-{number}{own_key}", once))
        except ConflictError:
            ends.append("conflict")
        except Exception as error:  # noqa: BLE001  (any other end is what this looks for)
            ends.append(repr(error))
    results.put(ends)  # type: ignore[attr-defined]  # as above


@pytest.mark.waits
@pytest.mark.parametrize("keys", ["one key", "a key each, --once"])
def test_exactly_one_process_sends_in_every_round(tmp_path: Path, keys: str) -> None:
    """By the key or by the content: one request a round, a receipt or a conflict for the others."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(PROCESSES), context.Queue()
    path, oracle = tmp_path / "state" / "journal", tmp_path / "oracle"
    racers = []
    for number in range(PROCESSES):
        own_key, once = ("", None) if keys == "one key" else (f"/{number}", 3600.0)
        racers.append(context.Process(target=race, args=(path, oracle, barrier, results, own_key, once), daemon=True))
    started = time.monotonic()
    for racer in racers:
        racer.start()
    ends = [results.get(timeout=600) for _ in racers]
    for racer in racers:
        racer.join()
    assert oracle.read_text().splitlines() == [f"round-{number}" for number in range(ROUNDS)]
    tally = Counter(end for ended in ends for end in ended)
    assert set(tally) == {"won", "replayed", "conflict"}, tally
    assert tally["won"] == ROUNDS
    with Journal(path, now=time.time) as journal:
        assert journal.check() == ()
        assert len(tuple(journal.stream())) == ROUNDS
    figure(
        f"journal race ({keys}): {PROCESSES} processes x {ROUNDS} rounds, {tally['won']} requests, "
        f"{tally['replayed']} replays, {tally['conflict']} conflicts, 0 other, {time.monotonic() - started:.0f} s"
    )

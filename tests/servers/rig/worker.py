"""A program of several workers that share one job: each has a journal, a transport and a vendor's account of its own.

It is what a list sent by several workers needs, and no more: a worker takes what is pending in batches, leaves to the
others what they have, comes back when the server is gone, and ends when nothing is pending.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from smscli.dispatch import Caller, World
from smscli.errors import Cause, ConfigError, ConflictError
from smscli.journal import Job, Journal, State
from smscli.journal._entries import Server
from smscli.model import MSISDN, Message, Outcome, Secret, SendReceipt
from smscli.providers import get
from smscli.runtime import fresh_nonce
from smscli.transport import HttpTransport
from tests.rig.checker import _disagreements
from tests.vendor import Vendor
from tests.vendors import account, message

VENDOR = "mainsms"
SENDER = message(VENDOR).sender
FIRST = 79_120_000_000
PATIENCE = 60.0
"""Seconds for which a worker comes back to a store that is gone."""


@dataclass(frozen=True)
class Work:
    """One text to ``size`` recipients under a key, sent by ``workers`` in batches; the text is the key.

    ``place`` is a server's URL, or the path of a file. ``said`` is the file of what the workers were told: one JSON
    list of number, outcome and whether it is recorded, for each recipient of each batch.
    """

    place: str
    base_url: str
    said: Path
    key: str
    size: int = 1000
    workers: int = 4
    batch: int = 5

    @property
    def recipients(self) -> tuple[MSISDN, ...]:
        """The numbers, ascending."""
        return tuple(MSISDN(str(FIRST + index)) for index in range(self.size))

    @property
    def job(self) -> Job:
        """The job as the journal is given it."""
        return Job(self.key, VENDOR, "", "", "", tuple((to, self.key) for to in self.recipients), f"job {self.key}")

    def open(self) -> Journal:
        """Open a journal."""
        is_server = self.place.startswith("postgresql:")
        return Journal(Server(Secret(self.place), "smscli") if is_server else Path(self.place), now=time.time)

    def run(self) -> None:
        """Work until nothing is pending; raise what a worker could not live with."""
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                _work(self, number)
            except BaseException as error:  # noqa: BLE001  (told by whoever waits)
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(self.workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def tally(self, vendor: Vendor) -> Counter[str]:
        """Hold journal, oracle and what was said against one another; return how many recipients are in each state."""
        oracle = Counter(MSISDN(one.recipient) for one in vendor.oracle() if one.text == self.key)
        with self.open() as journal:
            assert journal.check() == ()
            entries = {entry.submission.to: entry for entry in journal.show(self.key)}
        wrong = [f"{number} was accepted {count} times" for number, count in oracle.items() if count > 1]
        wrong += [f"{number} is not accounted for" for number in set(self.recipients) ^ entries.keys()]
        for number, entry in entries.items():
            wrong += _disagreements(number, entry, number in oracle)
        for digits, outcome, recorded in self._said():
            state = entries[MSISDN(digits)].state
            if recorded and outcome in (Outcome.SENT, Outcome.REFUSED) and state != outcome:
                wrong.append(f"{digits} was said to be {outcome}, and recorded, and is {state}")
        assert not wrong, f"key {self.key}: " + "; ".join(wrong[:20])
        return Counter(entry.state for entry in entries.values())

    def _said(self) -> Iterable[tuple[str, str, bool]]:
        for line in self.said.read_text().splitlines():
            with suppress(ValueError):  # the last one of a program that was killed
                yield json.loads(line)


def deliver(way: Caller, journal: Journal, key: str, to: tuple[MSISDN, ...]) -> SendReceipt:
    """Send one batch of a job as ``smscli send`` does."""
    receipt = way.submit(
        Message(to, key, SENDER), (), pending=to, journal=journal, key=key, batch_size=len(to)
    )  # fmt: skip
    assert {one.to for one in receipt.submissions} == set(to)
    return receipt


def way_to(base_url: str, transport: HttpTransport) -> Caller:
    """Return the way to the vendor over the real transport."""
    world = World(
        transport=transport, seconds=20.0, now=time.time, monotonic=time.monotonic, sleep=time.sleep,
        jitter=random.random, nonce=fresh_nonce,
    )  # fmt: skip
    return Caller(get(VENDOR), account(VENDOR, base_url), world)


def _work(work: Work, number: int) -> None:
    transport = HttpTransport()
    way = way_to(work.base_url, transport)
    deadline = time.monotonic() + PATIENCE
    said = os.open(work.said, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    while True:
        try:
            with work.open() as journal:
                while _turn(work, number, journal, way, said):
                    deadline = time.monotonic() + PATIENCE
            break
        except ConflictError:
            raise
        except ConfigError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    transport.close()
    os.close(said)


def _turn(work: Work, number: int, journal: Journal, way: Caller, said: int) -> bool:
    """Send what is pending, from a place of this worker's own on; return whether anything was."""
    pending = journal.begin(work.job, together=True).pending
    start = len(pending) * number // work.workers
    pending = pending[start:] + pending[:start]
    for first in range(0, len(pending), work.batch):
        receipt = deliver(way, journal, work.key, pending[first : first + work.batch])
        told = [(one.to.digits, one.outcome, not receipt.unrecorded) for one in receipt.submissions]
        os.write(said, "".join(f"{json.dumps(one)}\n" for one in told).encode())
        if receipt.unrecorded or receipt.cause is Cause.CONFIG:
            break  # the store was lost: what is pending is asked anew
    return bool(pending)


def unknown(tallies: Iterable[Counter[str]]) -> int:
    """Return how many recipients are UNKNOWN."""
    return sum(tally[State.UNKNOWN] for tally in tallies)

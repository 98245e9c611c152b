"""Rig: answers cut at every byte, ended by FIN, RST or silence, plain and TLS, in all three framings, by all vendors.

Never SENT before the byte that completes the answer, never NOT_SENT, and each request carried out exactly once.
"""

from __future__ import annotations

import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import pytest

from smscli.model import Outcome
from smscli.transport import HttpTransport
from tests.certificates import Certificates
from tests.client import VENDORS, build, send
from tests.figures import figure
from tests.vendor import Step, Vendor

THREADS = 24
FRAMINGS = ("length", "chunked", "close")
# Behind the "0" of the last chunk stands only what nobody needs.
SPARE = {"length": 0, "chunked": len("\r\n\r\n"), "close": 0}


class Case(NamedTuple):
    """One cut: where, how it ends, and how many bytes a whole answer has."""

    vendor: str
    listener: str
    step: Step
    total: int

    @property
    def name(self) -> str:
        """The text of its message: unique, so that the oracle tells who was accepted."""
        return f"{self.vendor} {self.listener} {self.step.framing} {self.step.then} {self.step.cut}"

    @property
    def may_be_sent(self) -> bool:
        """Whether the cut answer already says everything."""
        assert self.step.cut is not None
        return self.step.cut >= self.total - SPARE[self.step.framing]


def cases(vendor: Vendor) -> Iterator[Case]:
    """Yield every cut of every answer."""
    for name in VENDORS:
        for framing in FRAMINGS:
            total = length_of_answer(vendor, name, Step(framing=framing))
            for cut in range(total + 1):
                for then in ("fin", "rst", "stall"):
                    for listener in ("plain", "tls"):
                        yield Case(name, listener, Step(framing=framing, cut=cut, then=then), total)


def length_of_answer(vendor: Vendor, name: str, step: Step) -> int:
    """Return how many bytes a whole good answer has, read by a client that knows nothing."""
    request, *_ = build(name, vendor.url(name, replace(step, book=False)))
    body = request.body or b""
    path = request.target.split("/", 3)[3]
    head = f"{request.method} /{path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", vendor.ports["plain"])) as sock:
        sock.sendall(head.encode() + body)
        return len(b"".join(iter(lambda: sock.recv(65536), b"")))


@pytest.mark.computes
def test_an_answer_cut_anywhere_is_never_sent_early_and_never_not_sent(vendor: Vendor, files: Certificates) -> None:
    """More than 5000 cuts; the figures of the run stand at its end."""
    everything = list(cases(vendor))
    # The silent ones wait while the others work.
    random.Random(1).shuffle(everything)  # noqa: S311  (an order that every run repeats)
    mine = threading.local()
    made: list[HttpTransport] = []

    def run(case: Case, patience: float = 0.4) -> tuple[Case, Outcome]:
        if not hasattr(mine, "transport"):
            mine.transport = HttpTransport(ca_file=files.ca)
            made.append(mine.transport)
        seconds = patience if case.step.then == "stall" else 10
        url = vendor.url(case.vendor, case.step, listener=case.listener)
        return case, send(mine.transport, case.vendor, url, seconds, text=case.name).outcome

    with ThreadPoolExecutor(THREADS) as pool:
        results = dict(pool.map(run, everything))
        accepted = Counter(row.text for row in vendor.oracle())
        # A machine so busy that the deadline passed before the first byte: true, proved, and asked again.
        slow = [case for case, outcome in results.items() if outcome is Outcome.NOT_SENT and not accepted[case.name]]
        results.update(pool.map(lambda case: run(case, 3.0), slow))
    for transport in made:
        transport.close()
    accepted = Counter(row.text for row in vendor.oracle())

    early = [case.name for case, outcome in results.items() if outcome is Outcome.SENT and not case.may_be_sent]
    false = [case.name for case, outcome in results.items() if outcome is Outcome.NOT_SENT]
    whole = [case for case in everything if case.step.cut == case.total and case.step.framing != "close"]
    missed = [case.name for case in whole if case.step.then == "fin" and results[case] is not Outcome.SENT]
    tally = Counter(results.values())
    figure(
        f"{len(everything)} cut answers: {len(early)} SENT early, {len(false)} NOT_SENT, "
        f"{tally[Outcome.UNKNOWN]} UNKNOWN, {tally[Outcome.SENT]} SENT when whole; {len(slow)} asked again"
    )
    assert len(everything) >= 5000
    assert not early, early[:10]
    assert not false, false[:10]
    assert not missed, missed[:10]
    assert tally[Outcome.REFUSED] == 0
    assert accepted == Counter(case.name for case in everything), "each was to be carried out exactly once"

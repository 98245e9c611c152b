"""Rig: sends of which thirty in a hundred go wrong, in every way the vendor knows, resumed until all is settled.

By default a short soak. The long one is run by hand (it takes about ten minutes)::

    RIG_LONG=1 pytest tests/rig/test_soak.py

``RIG_LONG`` makes it 10 000 sends; it also makes the other files of this directory longer: more seeds of random kills
(test_kills), 200 signals (test_signals), errors swept with every vendor (test_syscalls). ``RIG_SEED`` picks the faults.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.client import SECRETS, VENDORS
from tests.figures import figure
from tests.rig.job import Job
from tests.vendor import Step, Vendor
from tests.vendors import oracle, refusal

SENDS = 10_000 if os.environ.get("RIG_LONG") else 300
SEED = int(os.environ.get("RIG_SEED", "1"))
FAULTY = 0.3
RECIPIENTS = 50
OPTIONS = ("--batch-size", "1", "--timeout", "1")
_REFUSALS = {name: (reading.SOME_REFUSALS if (reading := oracle(name)) else ()) or (refusal(name),) for name in VENDORS}
_STATUS = ("500 Internal Server Error", "502 Bad Gateway", "503 Unavailable", "429 Too Many", "302 Found", "404 No")


@pytest.mark.waits
def test_faulty_sends_end_in_the_truth(tmp_path: Path) -> None:
    """No false SENT, no false NOT_SENT, nobody twice; and in the end nobody is left NOT_SENT."""
    dice = random.Random(SEED)  # noqa: S311  (not for secrets)
    started = time.monotonic()
    total, runs = Counter[str](), 0
    with Vendor(secrets=SECRETS) as vendor:
        for number in range(SENDS // RECIPIENTS):
            provider = VENDORS[number % len(VENDORS)]
            url = vendor.url(provider)
            job = Job(tmp_path / str(number), provider, url, RECIPIENTS, f"soak-{number}", options=OPTIONS)
            unsent = RECIPIENTS
            while unsent:
                vendor.script(*(_step(dice, provider) for _ in range(4 * RECIPIENTS)))
                ended, runs = job.rerun(), runs + 1
                tally = job.check(vendor)
                assert ended.code in (0, 4, 5, 6, 7, 8), ended.err
                assert runs < SENDS, f"{job.key} does not come to an end: {tally}"
                unsent = tally.not_sent
            total.update(planned=tally.planned, sent=tally.sent, refused=tally.refused, unknown=tally.unknown)
    assert total["planned"] == total["sent"] + total["refused"] + total["unknown"] == SENDS
    assert total["unknown"], "no fault came through"
    figure(
        f"soak, seed {SEED}: {SENDS} sends, {FAULTY:.0%} faulty, {runs} runs: {total['sent']} SENT,"
        f" {total['refused']} REFUSED, {total['unknown']} UNKNOWN, 0 false, 0 twice, {time.monotonic() - started:.0f} s"
    )


@pytest.mark.parametrize("provider", VENDORS)
def test_a_vendor_that_dies_for_good_costs_at_most_three_unknown(provider: str, tmp_path: Path) -> None:
    """Whether it takes requests and answers none, or is gone altogether: the job stops, the rest is NOT_SENT."""
    with Vendor(secrets=SECRETS) as vendor:
        mute = Job(tmp_path / "mute", provider, vendor.url(provider, Step(cut=0, then="rst")), 50, "mute")
        assert mute.rerun().code == 7
        tally = mute.check(vendor)
        assert (tally.unknown, tally.not_sent) == (3, 47)
        gone = Job(tmp_path / "gone", provider, vendor.url(provider), 50, "gone")
    # It tries again a few times; how long it pauses before that is not what this is about.
    assert gone.rerun(sleep=lambda seconds: time.sleep(seconds / 50)).code == 6
    tally = gone.check(vendor)
    assert (tally.unknown, tally.not_sent) == (0, 50)


def _step(dice: random.Random, provider: str) -> Step:
    """Return what happens to one request: usually nothing."""
    if dice.random() >= FAULTY:
        return Step()
    book = dice.random() < 0.5
    kind = dice.choice(("cut", "cut", "head", "status", "page", "empty", "refusal", "accept", "drip", "stall"))
    if kind == "cut":
        return Step(cut=dice.randint(0, 250), then=dice.choice(("fin", "rst")))
    if kind == "head":  # too short for an answer, whatever became of the request
        return Step(cut=dice.randint(0, 40), then=dice.choice(("fin", "rst")), book=book)
    if kind == "status":
        return Step(status=dice.choice(_STATUS), book=book)
    if kind == "page":
        return Step(body="<html><title>Maintenance</title></html>", book=book)
    if kind == "empty":
        return Step(body="", framing=dice.choice(("length", "chunked", "close")), book=book)
    if kind == "refusal":
        return Step(body=dice.choice(_REFUSALS[provider]), book=False)
    if kind == "accept":
        return Step(accept=dice.choice(("fin", "rst", "junk")))
    if kind == "drip":
        return Step(drip=0.001)
    # A stall costs the whole time-out: one in ten of what else would be one.
    return Step(cut=dice.randint(0, 40), then="stall", book=book) if dice.random() < 0.1 else Step(delay=0.01)

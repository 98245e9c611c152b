"""Rig: clocks that are wrong, jump, or run out while a connection is made. A stale signature costs one fresh one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.certificates import Certificates
from tests.client import SECRETS
from tests.figures import figure
from tests.rig.job import Job
from tests.vendor import SeenRequest, Step, Vendor

DAY = 86400.0
LIFE = 8.0
"""Seconds a fetched timestamp is used (the vendor grants ten)."""


@pytest.mark.parametrize("code", ["5", "24"])
def test_a_stale_timestamp_refused_once_gets_one_fresh_signature(code: str, tmp_path: Path, vendor: Vendor) -> None:
    """The vendor documents it as unprocessed: a new timestamp is asked for, a new signature sent, once."""
    vendor.script(Step(body=f'{{"error": "{code}"}}', book=False))
    job = Job(tmp_path, "lightsms", vendor.url("lightsms"), 1, f"stale-{code}")
    assert job.run().code == 0
    assert job.check(vendor).sent == 1
    sends, questions = _requests(vendor, "send.php"), _requests(vendor, "timestamp.php")
    assert (len(sends), len(questions)) == (2, 2)


def test_a_timestamp_refused_for_ever_is_signed_anew_once(tmp_path: Path, vendor: Vendor) -> None:
    """A second refusal is an answer: refused, nothing unknown, and the hint speaks of the clock."""
    job = Job(tmp_path, "lightsms", vendor.url("lightsms", Step(body='{"error": 24}', book=False)), 1, "stale for ever")
    ended = job.run()
    assert ended.code == 6
    assert ended.outcomes == ["REFUSED"]
    assert "clock" in ended.err
    assert len(_requests(vendor, "send.php")) == 2
    assert job.check(vendor).refused == 1


def test_a_wrong_local_clock_does_not_matter_with_the_vendors(tmp_path: Path, vendor: Vendor) -> None:
    """From a day behind to a day ahead in 40 steps: sent, and never signed twice."""
    for step in range(41):
        skew = (step - 20) * DAY / 20
        job = Job(tmp_path / str(step), "lightsms", vendor.url("lightsms"), 1, f"skew-{step}")
        assert job.rerun(now=_skewed(skew)).code == 0, skew
        assert job.check(vendor).sent == 1
    assert len(_requests(vendor, "send.php")) == 41
    figure("clock: 41 skews from -1 d to +1 d, 41 sent, 0 signed twice")


def test_a_wrong_local_clock_is_refused_not_doubted(tmp_path: Path, vendor: Vendor) -> None:
    """With ``clock = "local"`` the vendor refuses: nothing accepted, nothing unknown, at most one fresh signature."""
    skews = (-DAY, -3600, -60, -15, 60, 3600, DAY)
    for skew in skews:
        job = Job(
            tmp_path / str(skew), "lightsms", vendor.url("lightsms"), 1, f"local {skew}", profile='clock = "local"'
        )
        ended = job.rerun(now=_skewed(skew))
        assert ended.code == 6, f"{skew}: {ended.err}"
        assert job.check(vendor).refused == 1
    assert len(_requests(vendor, "send.php")) <= 2 * len(skews)


def test_a_clock_that_jumps_harms_nothing(tmp_path: Path, vendor: Vendor) -> None:
    """Every look at the wall clock gives another day; ages and deadlines go by the monotonic one."""
    dice = random.Random(7)  # noqa: S311  (not for secrets)
    job = Job(tmp_path, "lightsms", vendor.url("lightsms"), 20, "jumps")
    assert job.rerun(now=lambda: time.time() + dice.uniform(-DAY, DAY)).code == 0
    assert job.check(vendor).sent == 20
    assert len(_requests(vendor, "send.php")) == 20


def test_no_signature_is_too_old_when_its_first_byte_leaves(tmp_path: Path, files: Certificates) -> None:
    """Connections that come late over TLS, the first or a later one: signed anew, sent once, at most 8 seconds old."""
    delays, positions = (2.0, 7.0, 8.5, 12.0), (0, 1)
    cases = [(delay, position) for delay in delays for position in positions]

    def slow(case: tuple[float, int]) -> list[float]:
        delay, position = case
        name = f"late-{delay}-{position}"
        with ExitStack() as stack:
            secrets, oracle = SECRETS, tmp_path / f"{name}.oracle"
            vendor = stack.enter_context(Vendor(secrets=secrets, oracle=oracle, server_files=asdict(files)))
            vendor.script(*[Step(accept="late")] * position, Step(accept="late", delay=delay))
            url = vendor.url("lightsms", listener="tls")
            job = Job(tmp_path / name, "lightsms", url, 3, name, profile=f'ca_file = "{files.ca}"')
            ended = job.run()
            assert ended.code == 0, f"{name}: {ended.err}"
            tally = job.check(vendor)
            assert tally.sent == tally.accepted == 3
            return _ages(vendor)

    with ThreadPoolExecutor(len(cases)) as pool:
        ages = [age for found in pool.map(slow, cases) for age in found]
    assert max(ages) <= LIFE, sorted(ages)
    figure(f"clock: {len(cases)} slow connections, {len(ages)} signatures, the oldest {max(ages):.1f} s at its request")


def _requests(vendor: Vendor, script: str) -> list[SeenRequest]:
    return [request for request in vendor.seen.requests if request.path.endswith(script)]


def _ages(vendor: Vendor) -> list[float]:
    """Return how old the timestamp of each send was, counted from when the vendor told it."""
    told = 0.0
    ages = []
    for request in vendor.seen.requests:
        if request.path.endswith("timestamp.php"):
            told = request.at
        if request.path.endswith("send.php"):
            ages.append(request.at - told)
    return ages


def _skewed(seconds: float) -> Callable[[], float]:
    return lambda: time.time() + seconds

"""Rig: signals at random moments, and stdout going away: neither begins a request, nor changes what is recorded."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from smscli.journal import State
from tests.client import VENDORS
from tests.figures import figure
from tests.rig.checker import read
from tests.rig.job import BINARY, Ended, Job
from tests.vendor import Step, Vendor

SIGNALS = 200 if os.environ.get("RIG_LONG") else 60
RECIPIENTS = 12
ANSWER = Step(delay=0.03)
KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

pytestmark = pytest.mark.usefixtures("heeded_signals")


@pytest.mark.waits
def test_a_signal_begins_no_request_and_the_rest_can_be_sent(tmp_path: Path, vendor: Vendor) -> None:
    """The running request ends and is recorded, the status is right, and the same command sends exactly the rest."""
    dice = random.Random(3)  # noqa: S311  (not for secrets)
    ends = Counter[int]()
    for number in range(SIGNALS):
        provider, kind = VENDORS[number % len(VENDORS)], KINDS[number // len(VENDORS) % 3]
        job = Job(tmp_path / str(number), provider, vendor.url(provider, ANSWER), RECIPIENTS, f"signal-{number}")
        process = job.start(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _wait_for(lambda job=job: bool(job.accepted(vendor)))
        time.sleep(dice.uniform(0, 0.6))
        process.send_signal(kind)
        # A signal needs a moment to be delivered; what is claimed by then is the running request.
        begun = len(job.accepted(vendor))
        out, err = process.communicate(timeout=60)
        ended = Ended(process.returncode, out.decode(), err.decode())
        tally = job.check(vendor)
        assert tally.accepted <= begun + 1, f"{kind.name}: {begun} before the signal, {tally.accepted} in the end"
        states = Counter(ended.outcomes)
        assert states == {"SENT": tally.sent, "NOT_SENT": tally.not_sent} or tally.not_sent == 0, ended
        assert ended.code == (128 + kind if tally.not_sent else 0), f"{kind.name}: {ended.code}, {tally}, {ended.err}"
        ends[ended.code] += 1
        again = job.rerun()
        assert again.code == 0, again.err
        assert job.check(vendor).accepted == RECIPIENTS
    shown = ", ".join(f"{count} x exit {code}" for code, count in sorted(ends.items()))
    figure(f"signals: {SIGNALS} ({shown}), 0 requests begun after, 0 twice, every rest sent by the same command")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_signal_while_the_clock_is_asked_sends_nothing(kind: signal.Signals, tmp_path: Path, vendor: Vendor) -> None:
    """The question for the vendor's time may end; the send that it was for does not begin."""
    url = vendor.url("lightsms", Step(on="ask", delay=1.0))
    job = Job(tmp_path, "lightsms", url, 2, f"clock-{kind.name}")
    process = job.start()
    _wait_for(lambda: any("timestamp" in request.path for request in vendor.seen.requests))
    process.send_signal(kind)
    assert process.wait(timeout=30) == 128 + kind
    assert job.check(vendor).not_sent == 2
    assert not [request for request in vendor.seen.requests if "send" in request.path]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_second_signal_ends_the_running_request(kind: signal.Signals, tmp_path: Path, vendor: Vendor) -> None:
    """Who asks twice does not want to wait: the request is UNKNOWN at once, and 7 outranks the signal."""
    job = Job(tmp_path, "mainsms", vendor.url("mainsms", Step(delay=20)), 2, f"twice-{kind.name}")
    process = job.start()
    _wait_for(lambda: bool(vendor.seen.requests))
    process.send_signal(kind)
    time.sleep(0.3)
    assert process.poll() is None, "the first signal lets the running request end"
    started = time.monotonic()
    process.send_signal(kind)
    assert process.wait(timeout=15) == 7
    assert time.monotonic() - started < 3
    states = [entry.state for entry in read(job.journal, job.key)]
    assert states == [State.UNKNOWN, State.NOT_SENT]


@pytest.mark.waits
def test_a_signal_during_the_start_is_quiet(tmp_path: Path, vendor: Vendor) -> None:
    """At random moments before the first request: no traceback of ours, ended by the signal, nothing half recorded."""
    dice = random.Random(5)  # noqa: S311  (not for secrets)
    job = Job(tmp_path, "mainsms", vendor.url("mainsms", ANSWER), 1, "start")
    ends = Counter[int]()
    foreign = 0
    for number in range(SIGNALS * 2):
        kind = KINDS[number % 3]
        process = job.start(stderr=subprocess.PIPE)
        time.sleep(dice.uniform(0, 0.25))
        process.send_signal(kind)
        _, err = process.communicate(timeout=60)
        # What the interpreter says before it reaches our first line is its own, and cannot be helped from here.
        assert not re.search(rb"/smscli/(?:__main__|cli|runtime)|Exception ignored", err), err.decode()
        foreign += b"Traceback" in err
        assert process.returncode in (0, 128 + kind, -kind) or b"Traceback" in err, (process.returncode, err)
        ends[process.returncode] += 1
        job.check(vendor) if job.journal.exists() else None
    shown = ", ".join(f"{count} x {code}" for code, count in sorted(ends.items()))
    figure(f"signals during the start: {SIGNALS * 2} ({shown}), {foreign} of them in the interpreter's own start")


def test_the_first_signal_says_what_is_waited_for(tmp_path: Path, vendor: Vendor) -> None:
    """Also with -q, and not on stdout."""
    job = Job(tmp_path, "mainsms", vendor.url("mainsms", Step(delay=3)), 1, "told")
    process = job.start(more=("-q",), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    _wait_for(lambda: bool(vendor.seen.requests))
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert b"waiting at most" in process.stderr.readline()
    assert time.monotonic() - started < 2
    out, err = process.communicate(timeout=30)
    assert (process.returncode, Ended(0, out.decode(), err.decode()).outcomes) == (0, ["SENT"])


def test_ignored_signals_stay_ignored(tmp_path: Path, vendor: Vendor) -> None:
    """Under nohup a hang-up is none of our business."""
    job = Job(tmp_path, "mainsms", vendor.url("mainsms", ANSWER), 5, "nohup")
    process = job.start("nohup")
    _wait_for(lambda: bool(job.accepted(vendor)))
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=30) == 0
    assert job.check(vendor).sent == 5


# --- where the output goes --------------------------------------------------------------------------------------------

_SHELL = {
    "closed stdout": ">&-",
    "closed stderr": "2>&-",
    "both closed": ">&- 2>&-",
    "all three closed": "<&- >&- 2>&-",
    "full stdout": ">/dev/full",
    "full stderr": "2>/dev/full",
    "both full": ">/dev/full 2>&1",
    "head": "| head -c 1 >/dev/null",
    "gone reader": "| true",
    "both to a gone reader": "2>&1 | true",
}


@pytest.mark.waits
def test_no_output_error_changes_the_journal(tmp_path: Path, vendor: Vendor) -> None:
    """Every way to lose stdout and stderr, in every format: the journal and the status are those of a quiet run."""
    combinations = 0
    for where, redirection in _SHELL.items():
        for form in ("table", "plain", "json", "xml"):
            provider = VENDORS[combinations % len(VENDORS)]
            job = Job(tmp_path / str(combinations), provider, vendor.url(provider), 3, f"output-{combinations}")
            quiet = Job(tmp_path / f"{combinations}-quiet", provider, vendor.url(provider), 3, f"quiet-{combinations}")
            status = _shell(job, form, redirection)
            assert status == quiet.rerun().code == 0, f"{where}, {form}: status {status}"
            assert _record(job) == _record(quiet), f"{where}, {form}"
            job.check(vendor)
            combinations += 1
    figure(f"output: {combinations} ways to lose it, journal and status as in the quiet run in all of them")


def _shell(job: Job, form: str, redirection: str) -> int:
    """Run the job in bash and return its own status."""
    script = f'"$@" {redirection}; exit ${{PIPESTATUS[0]}}'
    command = ["bash", "-c", script, "bash", str(BINARY), *job.argv, "--output", form]
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, env=job.environ, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    return process.wait(timeout=120)


def _record(job: Job) -> list[Any]:
    """Return what the journal holds, without times, ids and key."""
    return [
        (
            entry.submission.to,
            entry.state,
            entry.message.attempt,
            entry.submission.reason,
            bool(entry.submission.message_id),
        )
        for entry in read(job.journal, job.key)
    ]


def _wait_for(condition: Any) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not come about within 30 seconds"
        time.sleep(0.005)

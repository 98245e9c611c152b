"""Rig: sends beside a listing and a purge of a journal of 300 000 rows; no outcome is lost to the wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smscli.journal import Job, Journal, Selection, State
from smscli.model import MSISDN, Outcome, Submission
from tests.figures import figure

BINARY = Path(sys.executable).parent / "smscli"
JOBS, RECIPIENTS, SENDS = 3000, 100, 12
TO = tuple(MSISDN(str(37060000000 + number)) for number in range(RECIPIENTS))


def fill(path: Path) -> None:
    """Begin that many jobs, long ago; every other one was sent, so that purge has something to do and to leave."""
    with Journal(path, now=lambda: time.time() - 90 * 86400) as journal:
        journal._db.execute("PRAGMA synchronous = OFF")  # the filling is not what is tried here
        for number in range(JOBS):
            key = f"job-{number}"
            journal.begin(Job(key, "lightsms", "", "", "", tuple((to, "hi") for to in TO), key))
            journal.claim(key, TO[:1])
            outcome = Outcome.SENT if number % 2 else Outcome.UNKNOWN
            journal.settle(key, [Submission(TO[0], outcome, "1")])


@pytest.mark.waits
def test_no_outcome_is_lost_beside_readers_and_a_purge(tmp_path: Path) -> None:
    """Each send exits 0 with SENT while lists and purges of the whole file run without a pause."""
    path = tmp_path / "state" / "sandbox.sqlite3"
    fill(path)
    environ = {"HOME": str(tmp_path), "SMSCLI_STATE_DIR": str(path.parent), "PATH": "/usr/bin:/bin"}
    slowest, beside = 0.0, []
    loop = "while :; do {binary} journal {command} --sandbox >/dev/null || exit; done"
    for command in ("list", "purge --older-than 60d", "check"):
        line = loop.format(binary=BINARY, command=command)
        beside.append(
            subprocess.Popen(["sh", "-c", line], env=environ, stderr=subprocess.DEVNULL, start_new_session=True)
        )
    try:
        for number in range(SENDS):
            started = time.monotonic()
            argv = [str(BINARY), "send", "--sandbox", "--to", "+37061234567", "--key", f"now-{number}", "hi"]
            ran = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
            slowest = max(slowest, time.monotonic() - started)
            assert ran.returncode == 0, ran.stderr
            assert "\tSENT\t" in ran.stdout
        assert [other.poll() for other in beside] == [None, None, None], "a listing, a purge or a check gave up"
    finally:
        for other in beside:
            os.killpg(other.pid, signal.SIGKILL)
            other.wait()
    with Journal(path, now=time.time) as journal:
        # A purge may still have been on its way through the old ones.
        sent = [entry.key for entry in journal.stream(Selection((State.SENT,))) if entry.key.startswith("now-")]
    assert sent == [f"now-{number}" for number in range(SENDS)]
    figure(
        f"contention: {SENDS} of {SENDS} sends SENT beside list, purge and check of {JOBS * RECIPIENTS} rows, "
        f"slowest {slowest:.1f} s"
    )

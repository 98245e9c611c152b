"""Rig: ``smscli bulk`` as a program: signals, kills, a second process, a terminal; against a vendor behind a socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from smscli import private
from tests.client import SECRETS
from tests.conftest import Ran, on_a_terminal
from tests.mailing import (
    HI,
    counts,
    list_of,
    printed_resume,
    rows,
)
from tests.vendor import Step, Vendor
from tests.vendors import environment

# --- the real program -------------------------------------------------------------------------------------------------

BINARY = Path(sys.executable).with_name("smscli")


@pytest.fixture
def slow() -> Iterator[Vendor]:
    """A vendor behind a socket that takes its time for each send."""
    with Vendor(secrets=SECRETS) as vendor:
        yield vendor


def world_of(folder: Path, vendor: Vendor, delay: float) -> dict[str, str]:
    """Return the environment of a program that sends there."""
    account = environment("mainsms") | {"SMSCLI_BASE_URL": vendor.url("mainsms", Step(delay=delay))}
    own = {"HOME": folder, "SMSCLI_CONFIG": folder / "none", "SMSCLI_STATE_DIR": folder / "state"}
    private.make_directory(folder / "state")
    return {**os.environ, **account, **{name: str(path) for name, path in own.items()}, "TERM": "dumb"}


def begun(folder: Path, environ: dict[str, str], *argv: str) -> subprocess.Popen[str]:
    """Start the program on a list of twelve people."""
    (folder / "people.csv").write_text(list_of(12))
    return subprocess.Popen(
        [BINARY, "bulk", "people.csv", HI, "--yes", "--jobs", "2", "--key", "k", *argv], cwd=folder, env=environ,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(vendor: Vendor, sends: int) -> None:
    """Wait until so many sends have reached the vendor."""
    deadline = time.monotonic() + 20
    while sum("message/send" in request.path for request in vendor.seen.requests) < sends:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def resumed(folder: Path, environ: dict[str, str], argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the program with this command line."""
    return subprocess.run(
        [BINARY, *argv], cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.usefixtures("heeded_signals")
def test_ctrl_c_finishes_what_is_in_flight_and_prints_what_goes_on(tmp_path: Path, slow: Vendor) -> None:
    """It answers at once; the printed command sends the rest, and the vendor got everybody once."""
    environ = world_of(tmp_path, slow, 0.6)
    with begun(tmp_path, environ, "--results", "r.csv") as process:
        wait_for(slow, 2)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        began, said = time.monotonic(), ""
        while "in flight" not in said:
            said = process.stderr.readline()
        assert time.monotonic() - began < 0.5
        assert "again (Ctrl-C) to stop now" in said
        out, err = process.communicate(timeout=30)
    ran = Ran(process.returncode, out, err)
    assert (ran.code, "\tUNKNOWN" in out) == (130, False), err
    assert len(rows(tmp_path / "r.csv")) == 12
    done = resumed(tmp_path, environ, printed_resume(ran))
    assert (done.returncode, done.stdout.count("\tSENT\t")) == (0, 12), done.stderr
    assert sorted(one.recipient for one in slow.oracle()) == sorted({one.recipient for one in slow.oracle()})
    assert len(slow.oracle()) == 12


@pytest.mark.usefixtures("heeded_signals")
def test_a_second_ctrl_c_stops_now(tmp_path: Path, slow: Vendor) -> None:
    """What was in flight is UNKNOWN, exit 7; the rest goes on without it."""
    environ = world_of(tmp_path, slow, 20)
    with begun(tmp_path, environ) as process:
        wait_for(slow, 1)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=15)
    ran = Ran(process.returncode, out, err)
    assert (ran.code, counts(ran), "Traceback" in err) == (7, {"NOT_SENT": 11, "UNKNOWN": 1}, False), err
    assert "go on: smscli bulk --resume k" in err


def test_a_killed_job_is_taken_up(tmp_path: Path, slow: Vendor) -> None:
    """What was in flight is UNKNOWN; nobody gets the text twice."""
    environ = world_of(tmp_path, slow, 0.3)
    with begun(tmp_path, environ) as process:
        wait_for(slow, 4)
        process.kill()
    done = resumed(tmp_path, environ, ["bulk", "--resume", "k", "--results", "r.csv"])
    assert done.returncode == 7, done.stderr
    accepted = [one.recipient for one in slow.oracle()]
    assert len(set(accepted)) == len(accepted)
    outcomes = [row["outcome"] for row in rows(tmp_path / "r.csv")]
    assert len(outcomes) == 12
    assert outcomes.count("UNKNOWN") in (1, 2)
    assert outcomes.count("SENT") + outcomes.count("UNKNOWN") == 12


def test_two_processes_share_one_job(tmp_path: Path, slow: Vendor) -> None:
    """The second one joins, and everybody is sent to once."""
    environ = world_of(tmp_path, slow, 0.3)
    with begun(tmp_path, environ) as process:
        wait_for(slow, 3)
        other = resumed(tmp_path, environ, ["bulk", "--resume", "k", "--jobs", "2"])
        _, err = process.communicate(timeout=30)
    assert (process.returncode in (0, 8), other.returncode in (0, 8)) == (True, True), err + other.stderr
    accepted = [one.recipient for one in slow.oracle()]
    assert len(set(accepted)) == len(accepted) == 12


def on_screen(folder: Path, environ: Mapping[str, str], argv: list[str], dialogue: list[tuple[str, str]]) -> Ran:
    """Run on a terminal, in a directory."""
    (folder / "people.csv").write_text(list_of(12))
    code, screen = on_a_terminal(["bulk", str(folder / "people.csv"), HI, *argv], dict(environ), dialogue)
    return Ran(code, screen, "")


@pytest.mark.usefixtures("heeded_signals")
def test_on_a_terminal_there_is_a_bar_and_a_question(tmp_path: Path, slow: Vendor) -> None:
    """What is shown is gone in the end but for the verdict."""
    environ = world_of(tmp_path, slow, 0.4) | {"TERM": "xterm-256color"}
    ran = on_screen(tmp_path, environ, ["--jobs", "4"], [("[y/N]", "y")])
    assert ran.code == 0, ran.out
    assert "12 accepted by MainSMS" in ran.out
    assert "/12" in ran.out
    assert " SENT; " in ran.out
    assert "\x1b[31m" not in ran.out


@pytest.mark.usefixtures("heeded_signals")
def test_ctrl_c_at_the_question_sends_nothing_and_leaves_nothing(tmp_path: Path, slow: Vendor) -> None:
    """Exit 130; no result file, not even one that was begun."""
    environ = world_of(tmp_path, slow, 0.1)
    ran = on_screen(tmp_path, environ, ["--results", str(tmp_path / "r.csv")], [("[y/N]", "\x03")])
    assert (ran.code, "Traceback" in ran.out, slow.oracle()) == (130, False, []), ran.out
    assert [path.name for path in tmp_path.iterdir() if "r.csv" in path.name] == []

"""Two hosts with one journal on a PostgreSQL server: the page's recipe, with a role that may do nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.documents import hold_output
from tests.servers.cluster import Cluster, cluster, missing
from tests.vendor import Step, Vendor
from tests.vendors import environment, numbers

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

VENDOR = "lightsms"
PAGE = Path(__file__).parents[2] / "docs" / "journal.md"
Host = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server with the journal's tables, and with the role of the recipe."""
    with cluster() as running:
        _smscli(running.url, "journal", "init", state=running.home).communicate()
        running.run_sql("CREATE ROLE sms LOGIN PASSWORD 'canary'")
        running.run_sql(*re.findall(r'-c "(GRANT [^"]*)"', PAGE.read_text(encoding="utf-8")))
        running.ask_for_password("sms")
        yield running


@pytest.fixture
def url(server: Cluster) -> str:
    """Return how the hosts reach it."""
    return server.url_of("sms")


@pytest.fixture
def host(url: str, vendor: Vendor, tmp_path: Path) -> Host:
    """Return a runner of the real program on a host of that name: it has a state directory of its own."""

    def host(name: str, *argv: str, step: Step | None = None) -> subprocess.Popen[str]:
        return _smscli(url, *argv, state=tmp_path / name, SMSCLI_BASE_URL=vendor.url(VENDOR, step))

    return host


def _smscli(url: str, *argv: str, state: Path, **environ: str) -> subprocess.Popen[str]:
    nowhere = str(state.parent / "nowhere")
    world = {**environment(VENDOR), "PATH": os.environ["PATH"], "HOME": nowhere, "SMSCLI_CONFIG": nowhere}
    own = {"SMSCLI_STATE_DIR": str(state), "SMSCLI_JOURNAL": url, "PGPASSWORD": "canary"}
    return subprocess.Popen(
        [sys.executable, "-m", "smscli", *argv], env=world | own | environ, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return status and output."""
    out, err = process.communicate(timeout=60)
    assert "canary" not in out + err
    hold_output(out)
    return process.returncode, out


def accepted(vendor: Vendor, text: str) -> int:
    """Return how often the vendor took that text."""
    return sum(one.text == text for one in vendor.oracle())


def test_of_two_hosts_with_the_same_cron_line_one_sends(host: Host, vendor: Vendor) -> None:
    """Ten nights at the same second: the other one gets the receipt, or exit 9 while it is in flight."""
    line = ("--to", numbers(VENDOR)[0], "-o", "plain")
    for night in range(10):
        both = [host(name, "send", *line, f"night {night}", "--key", f"night-{night}") for name in ("one", "two")]
        codes = sorted(code for code, _ in map(ended, both))
        assert codes in ([0, 0], [0, 9])
        assert accepted(vendor, f"night {night}") == 1
        again = [host(name, "send", *line, f"night {night}", "--key", f"night-{night}") for name in ("one", "two")]
        assert len({ended(process) for process in again}) == 1, "both read the same receipt afterwards"
        assert accepted(vendor, f"night {night}") == 1


def test_what_is_in_flight_on_one_host_is_exit_9_on_the_other(host: Host, vendor: Vendor) -> None:
    """And UNKNOWN once the first host is killed; nothing is sent again."""
    line = ("send", "--to", numbers(VENDOR)[0], "slow", "--key", "slow", "--timeout", "30")
    slow = host("one", *line, step=Step(delay=20))
    while not vendor.seen.requests:
        assert slow.poll() is None
        time.sleep(0.02)
    assert ended(host("two", *line, step=Step(delay=20)))[0] == 9
    slow.kill()
    slow.communicate()
    code, out = ended(host("two", *line, step=Step(delay=20)))
    assert (code, "UNKNOWN" in out) == (7, True)
    assert accepted(vendor, "slow") <= 1


def test_once_holds_across_hosts(host: Host, vendor: Vendor) -> None:
    """The same alert, on both, without a key."""
    line = ("send", "--to", numbers(VENDOR)[0], "disk full", "--once", "1h")
    assert [ended(host(name, *line))[0] for name in ("one", "two", "one")] == [0, 0, 0]
    assert accepted(vendor, "disk full") == 1


def test_a_runner_without_a_disk_remembers(host: Host, vendor: Vendor, tmp_path: Path) -> None:
    """Its state directory cannot even be made, and is not asked for."""
    (tmp_path / "no-disk").write_text("a file in its place")
    line = ("send", "--to", numbers(VENDOR)[0], "build 17 failed", "--key", "build-17")
    assert [ended(host("no-disk", *line))[0] for _ in range(2)] == [0, 0]
    assert accepted(vendor, "build 17 failed") == 1


def test_the_role_can_do_what_a_host_needs_and_no_more(host: Host) -> None:
    """It looks, decides and checks; it forgets nothing and makes no tables."""
    for argv in (("journal", "list"), ("journal", "check"), ("journal", "list", "--state", "unknown")):
        assert ended(host("one", *argv))[0] == 0
    purge = host("one", "journal", "purge", "--older-than", "0s")
    _, err = purge.communicate(timeout=60)
    assert purge.returncode == 3
    assert "does not let this role do that" in err
    sandboxed = host("one", "send", "--sandbox", "--to", "+37061234567", "Hello")
    _, err = sandboxed.communicate(timeout=60)
    assert sandboxed.returncode == 3
    assert "does not let this role do that" in err


def test_two_hosts_work_on_one_list(host: Host, vendor: Vendor, tmp_path: Path) -> None:
    """The second has neither the list nor the texts: each person gets his own text once, and both know of all."""
    first = int(numbers(VENDOR)[0]) // 1000 * 1000
    people = [f"{first + place},{place}" for place in range(300)]
    (tmp_path / "people.csv").write_text("\n".join(["phone,place", *people, ""]))
    step = Step(delay=0.05)
    one = host("one", "bulk", str(tmp_path / "people.csv"), "Row {place}", "--key", "list", "--yes", step=step)
    while not vendor.seen.requests:
        assert one.poll() is None
        time.sleep(0.02)
    two = host("two", "bulk", "--resume", "list", "--jobs", "8", "--results", str(tmp_path / "two.csv"), step=step)
    codes = [ended(process)[0] for process in (one, two)]
    assert set(codes) <= {0, 8}, "8: the other one had some in flight"
    texts = [one.text for one in vendor.oracle() if one.text.startswith("Row ")]
    assert sorted(texts) == sorted(f"Row {place}" for place in range(300))
    again = host("two", "bulk", "--resume", "list", "-o", "json", step=step)
    assert ended(again)[0] == 0
    assert len((tmp_path / "two.csv").read_text().splitlines()) == 301


def test_a_look_at_a_journal_on_a_server_begins_none_and_counts(server: Cluster, host: Host) -> None:
    """A role of the recipe is enough; one that may only read is told, and so is a database that has no journal."""

    def line(process: subprocess.Popen[str]) -> list[str]:
        return next(line.split("\t") for line in ended(process)[1].splitlines() if line.startswith("journal\t"))

    assert ended(host("one", "send", "--to", numbers(VENDOR)[0], "looked at"))[0] == 0
    found = line(host("one", "doctor"))
    assert (found[1] in ("ok", "warning"), " UNKNOWN: postgresql://sms@" in found[2]) == (True, True), found
    sandbox = line(host("one", "doctor", "--sandbox"))
    assert (sandbox[1], "there is none yet" in sandbox[2]) == ("ok", True), sandbox
    assert "there is none yet" in line(host("one", "doctor", "--sandbox"))[2]
    server.run_sql("REVOKE INSERT ON ALL TABLES IN SCHEMA smscli FROM sms")
    try:
        found = line(host("one", "doctor"))
    finally:
        server.run_sql("GRANT INSERT ON ALL TABLES IN SCHEMA smscli TO sms")
    assert (found[1], "does not let this role write" in found[2]) == ("problem", True), found

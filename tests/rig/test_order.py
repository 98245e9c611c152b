"""Rig: the order proof. Of every request, strace saw a whole committed claim before its first byte left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.client import VENDORS
from tests.figures import figure
from tests.rig.job import Job
from tests.rig.test_syscalls import ptrace
from tests.vendor import Vendor

__all__ = ["ptrace"]

# With --seccomp-bpf the tracer only wakes at the calls it was asked for.
STRACE = ("strace", "-f", "--seccomp-bpf", "-qq", "-o")
RECIPIENTS = 200
# Of the three requests a vendor knows, the ones that cost money.
_SEND = re.compile(r'"(?:GET \S*/send\.php|POST \S*/message/send|POST \S*/api\.php)')
_LINE = re.compile(r"(?P<pid>\d+) +(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)")
_RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>(?P<arguments>.*)\) += (?P<result>-?\d+)")


@dataclass
class Commit:
    """How far the newest transaction has come: SQLite's order with ``journal_mode=DELETE, synchronous=EXTRA``."""

    rollback_synced: bool = False
    written: bool = False
    synced: bool = False
    unlinked: bool = False
    durable: bool = False
    claims: bool = False

    def see(self, call: str, arguments: str, journal: str, recipient: str) -> None:
        """Take one successful call into account; ``claims`` is that a page says this recipient is in flight."""
        database, rollback, folder = f"<{journal}>", f"<{journal}-journal>", f"<{Path(journal).parent}>"
        if call == "pwrite64" and rollback in arguments:
            self.rollback_synced = self.written = self.synced = self.unlinked = self.durable = self.claims = False
        elif call == "fdatasync" and rollback in arguments:
            self.rollback_synced = True
        elif call == "pwrite64" and database in arguments:
            assert self.rollback_synced, "the database is written before its rollback journal is safe"
            self.written, self.synced, self.durable = True, False, False
            # In a row the state comes before its recipient, and no other row's state lies between them.
            row = rf"IN_FLIGHT(?:(?!SENT|REFUSED|UNKNOWN|IN_FLIGHT).){{0,200}}{recipient}"
            self.claims |= bool(re.search(row, arguments))
        elif call == "fdatasync" and database in arguments:
            self.synced = self.written
        elif call == "unlink" and f'"{journal}-journal"' in arguments:
            self.unlinked = self.synced
        elif call == "fdatasync" and folder in arguments:
            self.durable = self.unlinked


@pytest.mark.parametrize("provider", VENDORS)
def test_a_durable_claim_precedes_every_request(provider: str, tmp_path: Path, vendor: Vendor) -> None:
    """Before each first byte: its recipient written as in flight, synced, unlinked, and the directory synced."""
    job = Job(tmp_path / "home", provider, vendor.url(provider), RECIPIENTS, f"order-{provider}")
    log = tmp_path / "strace"
    traced = "trace=pwrite64,fdatasync,unlink,sendto"
    ended = job.run(*STRACE, str(log), "-y", "-s", "4096", "-e", traced)
    assert ended.code == 0, ended.err
    assert job.check(vendor).sent == RECIPIENTS
    proved = _requests_after_their_claim(log, str(job.journal), [number.digits for number in job.recipients])
    assert proved == RECIPIENTS
    figure(f"order, {provider}: {proved} of {RECIPIENTS} requests after the durable claim of their recipient")


def _requests_after_their_claim(log: Path, journal: str, recipients: Sequence[str]) -> int:
    """Return the number of requests; fail at the first that its own durable claim does not precede."""
    commit, requests = Commit(), 0
    with log.open() as lines:
        for line in lines:
            # A request begins when its call is entered; everything else counts when it has succeeded.
            if "sendto(" in line and _SEND.search(line):
                assert commit.durable, f"request {requests + 1} left before a commit was durable: {line[:120]}"
                assert commit.claims, f"request {requests + 1} left without a claim of its own: {line[:120]}"
                commit, requests = Commit(), requests + 1
                continue
            match = _LINE.match(line) or _RESUMED.match(line)
            if match and int(match["result"]) >= 0 and requests < len(recipients):
                commit.see(match["call"], match["arguments"], journal, recipients[requests])
    return requests

"""The rig's fence (no test of it may talk to anybody but this machine), and its figures at the end of a run."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from tests.rig.certificates import Certificates, certificates
from tests.rig.client import SECRETS
from tests.rig.vendor import Vendor


def _fence(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
        if not ipaddress.ip_address(host).is_loopback:
            raise AssertionError(f"a test connects to {host}, which is not this machine")


sys.addaudithook(_fence)


@pytest.fixture(scope="session")
def files() -> Certificates:
    """The certificates of this run."""
    return certificates()


@pytest.fixture(scope="module")
def running(files: Certificates) -> Iterator[Vendor]:
    """One verifying vendor for all tests of a file."""
    with Vendor(server_files=asdict(files), secrets=SECRETS) as vendor:
        yield vendor


@pytest.fixture
def vendor(running: Vendor) -> Vendor:
    """The vendor, its memory emptied."""
    running.forget()
    return running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat every ``figure:`` line that a test printed; what was skipped stands in pytest's own summary."""
    reports = [one for found in terminalreporter.stats.values() for one in found if getattr(one, "when", "") == "call"]
    printed = [line for one in reports for line in one.capstdout.splitlines()]
    figures = [line for line in printed if line.startswith("figure:")]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write("\n".join([*figures, ""]))

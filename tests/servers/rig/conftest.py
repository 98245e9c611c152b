"""What these tests need: a server, a vendor, and the figures at the end of a run. Without a server they are skipped."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.client import SECRETS
from tests.rig import figures
from tests.servers.cluster import Cluster, cluster, missing
from tests.vendor import Vendor


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """Run a server of the module's own, whose administrator has other defaults in mind."""
    if missing():
        pytest.skip(str(missing()))
    with cluster("synchronous_commit = off", "default_transaction_isolation = 'repeatable read'") as running:
        yield running


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """Run a vendor that knows the keys."""
    with Vendor(secrets=SECRETS) as running:
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Let the report of a test carry its figures."""
    report = yield
    report.figures = figures.take()
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write every figure, unless the other rig is there to do it."""
    if terminalreporter.config.pluginmanager.has_plugin(str(Path(figures.__file__).with_name("conftest.py"))):
        return
    reports = [report for some in terminalreporter.stats.values() for report in some if hasattr(report, "figures")]
    lines = figures.summary(one for report in reports for one in report.figures)
    if lines:
        terminalreporter.section("figures")
    for line in lines:
        terminalreporter.write_line(f"figure: {line}")

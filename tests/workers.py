"""What the long suites share: workers for all cores, tests that must be alone, and the figures at the end of a run.

A ``conftest.py`` that imports ``*``, or some of these names, has them as its hooks and fixtures.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterator
from itertools import islice
from typing import Any

import pytest

from tests import figures

__all__ = [
    "company", "pytest_cmdline_main", "pytest_collection_modifyitems", "pytest_configure", "pytest_runtest_makereport",
    "pytest_terminal_summary",
]  # fmt: skip

_WRITTEN = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Choose the workers, unless the command line says something else (``-n 0``: all in this process).

    Two for each core, because most of the long tests wait: for answers, syncs and other processes. Tests are handed
    out one at a time and in their order.
    """
    option = config.option
    if not _is_worker(config) and option.numprocesses is None and not option.tx and not option.usepdb:
        option.numprocesses = 2 * (os.cpu_count() or 1)
        option.dist = "load"
        option.maxschedchunk = 1


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks of the long suites."""
    config.addinivalue_line("markers", "alone: has a bound in seconds; no other test runs meanwhile")
    config.addinivalue_line("markers", "waits: takes long and lets the processor rest, so that another may compute")
    config.addinivalue_line("markers", "computes: takes long and needs a core")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first, so that short ones fill the gaps in the end: one that computes to two that wait.

    The lonely tests are last: nobody waits for them before there is nothing else to do.
    """
    lots: dict[str, list[pytest.Item]] = {"alone": [], "waits": [], "computes": [], "": []}
    for item in items:
        lots[next(name for name in lots if not name or item.get_closest_marker(name))].append(item)
    waiting = iter(lots["waits"])
    items[:] = [item for one in lots["computes"] for item in (*islice(waiting, 2), one)]
    items += [*waiting, *lots[""], *lots["alone"]]


@pytest.fixture(autouse=True)
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Share the machine with the tests of other workers, or have it ``alone``."""
    if not _is_worker(request.config):
        yield
        return
    with (tmp_path_factory.getbasetemp().parent / "company").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if request.node.get_closest_marker("alone") else fcntl.LOCK_SH)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Let the report of a test carry its figures out of the worker."""
    report = yield
    report.figures = [*getattr(report, "figures", ()), *figures.take()]  # several suites may run together
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write every figure once, also where several suites run together."""
    stash = terminalreporter.config.stash
    if _WRITTEN in stash:
        return
    stash[_WRITTEN] = True
    reports = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "figures")]
    reports.sort(key=lambda report: report.nodeid)
    told = [one for report in reports for one in report.figures]
    if told:
        terminalreporter.section("figures")
        for line in figures.summary(told):
            terminalreporter.write_line(f"figure: {line}")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")

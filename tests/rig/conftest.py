"""The rig's figures at the end of a run."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Repeat every ``figure:`` line that a test printed; what was skipped stands in pytest's own summary."""
    reports = [one for found in terminalreporter.stats.values() for one in found if getattr(one, "when", "") == "call"]
    printed = [line for one in reports for line in one.capstdout.splitlines()]
    figures = [line for line in printed if line.startswith("figure:")]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write("\n".join([*figures, ""]))

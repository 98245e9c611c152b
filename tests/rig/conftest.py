"""The rig runs in workers for all cores, and forks the program where its start is not what is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rig.forks import Forks, forks
from tests.workers import (
    company,
    pytest_cmdline_main,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_terminal_summary,
)

__all__ = [
    "company",
    "pytest_cmdline_main",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
]


@pytest.fixture(scope="session")
def loaded() -> Iterator[Forks]:
    """The program, loaded: what is not about its start forks it."""
    with forks() as made:
        yield made

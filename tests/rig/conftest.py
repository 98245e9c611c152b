"""The rig runs in workers for all cores, and forks the program where its start is not what is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rig.forks import Forks, forks
from tests.workers import *  # noqa: F403  (its hooks and fixtures)


@pytest.fixture(scope="session")
def loaded() -> Iterator[Forks]:
    """The program, loaded: what is not about its start forks it."""
    with forks() as made:
        yield made

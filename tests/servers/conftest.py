"""A PostgreSQL server for the tests of this directory: one for each process that runs tests, started when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from smscli.journal._entries import Server
from smscli.model import Secret
from tests.servers.cluster import Cluster, cluster

_SCHEMAS = count(1)


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[Cluster]:
    """One server for all tests that neither stop it nor set it otherwise."""
    with cluster() as running:
        yield running


def new_place(running: Cluster) -> Server:
    """Return where no journal is yet: a schema that nobody had."""
    return Server(Secret(running.url), f"smscli_{next(_SCHEMAS)}")


@pytest.fixture
def place(running_cluster: Cluster) -> Server:
    """Return where a journal is not yet."""
    return new_place(running_cluster)

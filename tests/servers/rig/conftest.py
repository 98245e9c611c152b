"""What these tests need: a server, a vendor, and the figures at the end of a run. Without a server they are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client import SECRETS
from tests.servers.cluster import Cluster, cluster, missing
from tests.vendor import Vendor
from tests.workers import pytest_runtest_makereport, pytest_terminal_summary

__all__ = ["pytest_runtest_makereport", "pytest_terminal_summary"]


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

"""What holds for a journal in a file holds for one on a PostgreSQL server: the same tests, and the same model."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import settings

from smscli.journal import Server
from tests.servers.cluster import Cluster, missing
from tests.servers.conftest import new_place
from tests.test_journal import *  # noqa: F403  (a battery is inherited whole, also what is added to it later)
from tests.test_journal_delivery import *  # noqa: F403  (as below)
from tests.test_journal_model import JournalMachine
from tests.test_journal_team import *  # noqa: F403  (as above)
from tests.test_journal_workers import *  # noqa: F403  (as above)

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


class ServerMachine(JournalMachine):
    """On a server."""

    cluster: ClassVar[Cluster]

    def new_place(self, layout: int | None) -> Server:
        assert layout is None
        return new_place(self.cluster)


class TestServerMachine(ServerMachine.TestCase):  # type: ignore[misc, valid-type]  # made by Hypothesis
    """Some hundred steps; each takes a server longer than a file in memory."""

    settings = settings(max_examples=25, stateful_step_count=30, deadline=None)

    @pytest.fixture(autouse=True)
    def _running(self, running_cluster: Cluster) -> None:
        ServerMachine.cluster = running_cluster

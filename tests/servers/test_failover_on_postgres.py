"""Several accounts with a journal on a PostgreSQL server: who is tried, and who never is, as with a file."""

from __future__ import annotations

import pytest

from tests.servers.cluster import missing
from tests.test_failover import *  # noqa: F403  (a battery is inherited whole, also what is added to it later)

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

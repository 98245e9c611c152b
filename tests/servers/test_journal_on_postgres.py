"""What holds for a journal in a file holds for one on a PostgreSQL server: the same tests, and the same model."""

from __future__ import annotations

import pytest

from tests.servers.cluster import missing
from tests.test_journal import *  # noqa: F403  (a battery is inherited whole, also what is added to it)

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

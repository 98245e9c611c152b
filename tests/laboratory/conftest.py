"""The laboratory at length runs in workers for all cores."""

from tests.workers import *  # noqa: F403  (its hooks and fixtures)

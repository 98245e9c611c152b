"""Where a journal can be: a file or a server, each with a store of its own kind."""

from __future__ import annotations

from pathlib import Path

from smscli.journal import _file
from smscli.journal._database import Database
from smscli.journal._entries import NO_HINTS, Hints, Server

Place = Path | Server
"""The path of a file, or a server."""


def opened(place: Place, hints: Hints) -> Database:
    """Open the store, made when there never was one; raise ConfigError when it cannot be trusted or used."""
    if isinstance(place, Server):
        from smscli.journal._postgres import PostgresDatabase  # only who has a server pays for it

        return PostgresDatabase(place, hints)
    from smscli.journal._sqlite import SqliteDatabase

    return SqliteDatabase(place, hints)


def exists(place: Place, hints: Hints = NO_HINTS) -> bool:
    """Return whether a journal was ever begun there; asking does not begin one. Raises ConfigError."""
    if isinstance(place, Server):
        from smscli.journal import _postgres  # as above

        return _postgres.exists(place, hints)
    return _file.exists(place)


def begin_anew(place: Place, hints: Hints = NO_HINTS) -> None:
    """Make an empty journal there, also where an earlier one is gone: every key is free again.

    Raises ConflictError when a journal is there, ConfigError when none can be made.
    """
    if isinstance(place, Server):
        from smscli.journal import _postgres  # as above

        _postgres.begin_anew(place, hints)
    else:
        _file.begin_anew(place, hints)

"""A look at the store that changes nothing: no journal is begun, brought up to date, mended or settled by it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

from smscli.errors import ConfigError
from smscli.journal._entries import Hints, Server
from smscli.journal._file import (
    check_directory,
    check_file,
    check_schema,
    explained,
    is_there,
    layout,
    open_database,
    was_left_open,
)
from smscli.journal._places import Place
from smscli.journal._rows import VERSION
from smscli.journal._sqlite import SqliteDatabase
from smscli.journal._tables import Tables
from smscli.model import visible
from smscli.record import Record

_RIGHTS = "SELECT has_table_privilege('message', 'INSERT') AND has_table_privilege('message', 'UPDATE')"


class Health(Record):
    """What a look has told: the layout, and how many messages are in which state.

    ``is_read``: every page was looked at. ``is_old``: of an earlier layout, which the next send brings up to date, and
    copies before if ``is_copied``; ``is_unclean``: left in the middle of a transaction, which the next one to open it
    takes back. Of neither is anything counted.
    """

    layout: int = VERSION
    counts: Mapping[str, int] = MappingProxyType({})
    is_read: bool = True
    is_old: bool = False
    is_copied: bool = False
    is_unclean: bool = False


def look(place: Place, hints: Hints, seconds: float) -> Health | None:
    """Return the state of the journal, None when there never was one; read its pages for at most ``seconds``.

    Raises ConfigError when a send could not use it, as far as that shows without writing.
    """
    if isinstance(place, Server):
        from smscli.journal._postgres import PostgresDatabase, exists  # only who has a server pays for it

        if not exists(place, hints):
            return None
        with closing(PostgresDatabase(place, hints, is_look=True)) as server, server.explained():
            if server.execute(_RIGHTS).fetchone() != (True,):
                raise ConfigError(f"the journal {place} does not let this role write", hint=hints.server)
            if server.layout != VERSION:
                return Health(server.layout, is_old=True)
            return Health(counts=Tables(server).counts())
    path = Path(os.path.realpath(place))
    with explained(path, hints):
        _refuse_unwritable(path, hints)
        if path.parent.exists():
            check_directory(path.parent, hints)
        if not is_there(path, hints):
            return None
        check_file(path, hints)
        if was_left_open(path):
            return Health(is_unclean=True)
        with closing(_ReadOnly(path, hints)) as file:
            if file.layout != VERSION:
                return Health(file.layout, is_old=True, is_copied=True)
            file.check_schema()
            is_read = file.check_whole(seconds)
            return Health(counts=Tables(file).counts(), is_read=is_read)


class _ReadOnly(SqliteDatabase):
    """The file without its lock file, opened so that SQLite itself refuses to write."""

    def __init__(self, path: Path, hints: Hints) -> None:
        self._path, self._hints = path, hints
        self._db = open_database(path, "ro")
        try:
            self._db.execute("PRAGMA trusted_schema = OFF").close()
            self._db.execute("PRAGMA cell_size_check = ON").close()
            self.layout = layout(self._db, path, hints)
        except BaseException:
            self._db.close()
            raise

    def check_schema(self) -> None:
        """Refuse a file whose tables are not as we made them."""
        check_schema(self._db, self._path, self._hints)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _refuse_unwritable(path: Path, hints: Hints) -> None:
    """Raise ConfigError where the file, its directory, or the one that would be made, is not for this user to write."""
    nearest = next(place for place in (path, *path.parents) if os.path.lexists(place))
    wanted = (path, path.parent) if nearest == path else (nearest,)
    is_place = nearest == path or nearest.is_dir()
    if not is_place or not all(map(_is_writable, wanted)):
        raise ConfigError(
            f"the journal {visible(str(path))} cannot be written (the file or its directory)", hint=hints.elsewhere
        )


def _is_writable(place: Path) -> bool:
    return os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids)

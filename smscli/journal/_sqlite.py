"""The store that is a file: one connection to SQLite, and a lock file that says which owners live.

Whoever changes the file holds its write lock for milliseconds. Whoever only reads never holds it, and reads in pages:
a long read would keep a sender's outcome from being committed.
"""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (the journal is only loaded by the commands that need it)
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from math import ceil, inf
from pathlib import Path
from time import monotonic

from smscli.errors import ConfigError
from smscli.journal._database import BUSY_SECONDS, RECONNECT_SECONDS
from smscli.journal._entries import Hints
from smscli.journal._file import (
    check_file,
    check_head,
    check_whole,
    connect,
    ensure,
    explained,
    lock_path,
    primary_code,
    was_left_open,
)
from smscli.journal._owners import LockFile
from smscli.model import visible


class SqliteDatabase:
    """One connection to one journal file, made when there never was one (see ``Database``)."""

    checks_itself = False
    for_update = for_claim = ""  # one transaction at a time
    _patience = int(BUSY_SECONDS * 1000)  # what a connection begins with

    def __init__(self, path: Path, hints: Hints) -> None:
        self._path = Path(os.path.realpath(path))
        self._hints = hints
        self._failed = False
        self._held: set[int] = set()
        with ExitStack() as stack, self.explained():
            self.is_new = ensure(self._path, hints)
            check_file(self._path, hints)
            self._locks = LockFile.open(lock_path(self._path), hints)
            stack.callback(self._locks.close)
            suspect = was_left_open(self._path)
            self._db = connect(self._path)
            stack.callback(self._db.close)
            self.recovered = suspect and not self._is_being_written()
            check_head(self._db, self._path, self._locks, hints)
            stack.pop_all()

    def execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        return self._db.execute(statement, values)

    def execute_many(self, statement: str, rows: Sequence[Sequence[object]]) -> int:
        """Run one statement with many values."""
        return self._db.executemany(statement, rows).rowcount

    @contextmanager
    def writing(self, consequence: str, *, seconds: float = BUSY_SECONDS, alone: bool = True) -> Iterator[None]:  # noqa: ARG002  (always)
        """Hold the write lock, and commit at the end."""
        if self._failed:
            # After a failed sync a second "success" proves nothing (the kernel may have dropped the page).
            raise ConfigError(f"the journal {visible(str(self._path))} failed before in this run; {consequence}")
        deadline = monotonic() + seconds
        with self.explained(consequence):
            try:
                self._wait_at_most(seconds)
                self._db.execute("BEGIN IMMEDIATE")
                yield
                # Readers that are at it can hold this up. It must not fail before its time.
                self._wait_at_most(deadline - monotonic())
                self._db.execute("COMMIT")
            except BaseException as error:
                self._failed = isinstance(error, sqlite3.Error) and primary_code(error) != sqlite3.SQLITE_BUSY
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one state of the file."""
        with self.explained():
            self._wait_at_most(BUSY_SECONDS)
            self._db.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                self._db.execute("ROLLBACK")

    def explained(self, consequence: str = "") -> AbstractContextManager[None]:
        """Say what to do about the file's trouble."""
        return explained(self._path, self._hints, consequence)

    def check_whole(self, seconds: float = inf) -> bool:
        """Refuse a damaged file; return False when that was not known within ``seconds``."""
        with self.explained():
            return check_whole(self._db, self._path, self._hints, seconds)

    def hold(self, number: int) -> bool:
        """Hold the number, as the kernel's record lock says."""
        with self.explained():
            if not self._locks.hold(number):
                return False
        self._held.add(number)
        return True

    def is_alive(self, number: int | None) -> bool:
        """Return whether some process has that lock."""
        return number is not None and self._locks.is_held(number)

    def release(self, number: int) -> None:
        """Give the lock back."""
        self._held.discard(number)
        with self.explained():
            self._locks.release(number)

    def reconnect(self, seconds: float = RECONNECT_SECONDS) -> None:
        """Do nothing: a file cannot be lost so."""

    def close(self) -> None:
        """Close the file, and let go of every number."""
        # Everything is committed by now, and the kernel frees what could not be: trouble here changes nothing.
        with suppress(sqlite3.Error):
            self._db.close()
        for number in tuple(self._held):
            with suppress(ConfigError):
                self.release(number)
        with suppress(OSError):
            self._locks.close()

    def _is_being_written(self) -> bool:
        self._wait_at_most(0)
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if primary_code(error) == sqlite3.SQLITE_BUSY:
                return True
            raise
        finally:
            self._wait_at_most(BUSY_SECONDS)
        self._db.execute("ROLLBACK")
        return False

    def _wait_at_most(self, seconds: float) -> None:
        # Tenths of a second, rounded up, so that most transactions find it as they want it.
        milliseconds = max(1, ceil(seconds * 10) * 100)
        if milliseconds != self._patience:
            self._db.execute(f"PRAGMA busy_timeout = {milliseconds}").close()
            self._patience = milliseconds

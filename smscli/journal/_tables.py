"""The open file as tables: one transaction at a time, and rows in and out.

Whoever changes the file holds its write lock for milliseconds. Whoever only reads never holds it, and reads in pages:
a long read would keep a sender's outcome from being committed.
"""

from __future__ import annotations

import sqlite3  # noqa: TID253  (the journal is only loaded by the commands that need it)
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from time import monotonic

from smscli.errors import ConfigError
from smscli.journal._entries import Hints
from smscli.journal._file import BUSY_SECONDS, check_whole, connect, explained, primary_code
from smscli.journal._rows import DamagedError, JobRow, MessageRow, WitnessRow
from smscli.model import MSISDN, visible

StoredJob = tuple[JobRow, Sequence[Sequence[object]]]
"""A job, and the rows of its messages, not looked at yet."""

# So many jobs are read, or forgotten, in one transaction.
_PAGE = 200


class Tables:
    """One connection to one journal file; raises ConfigError when the file cannot be trusted or used."""

    def __init__(self, path: Path, hints: Hints) -> None:
        self._path = path
        self._hints = hints
        self._failed = False
        self._db = connect(path)
        try:
            check_whole(self._db, path, hints)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def explained(self) -> AbstractContextManager[None]:
        """Say what to do about a damaged row that is met outside of a transaction."""
        return explained(self._path, self._hints)

    # --- transactions -------------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, consequence: str, *, seconds: float = BUSY_SECONDS) -> Iterator[None]:
        """Hold the write lock, and commit at the end; ``seconds`` bound the wait for other processes."""
        if self._failed:
            # After a failed sync a second "success" proves nothing (the kernel may have dropped the page).
            raise ConfigError(f"the journal {visible(str(self._path))} failed before in this run; {consequence}")
        deadline = monotonic() + seconds
        with explained(self._path, self._hints, consequence):
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
        """See one state of the file, for as short a time as possible."""
        with explained(self._path, self._hints):
            self._wait_at_most(BUSY_SECONDS)
            self._db.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                self._db.execute("ROLLBACK")

    def _wait_at_most(self, seconds: float) -> None:
        self._db.execute(f"PRAGMA busy_timeout = {max(1, int(seconds * 1000))}").close()

    # --- rows ---------------------------------------------------------------------------------------------------------

    def jobs(self, where: str, *values: object) -> list[JobRow]:
        """Return the jobs for which a condition holds, oldest first."""
        rows = self._db.execute(f"SELECT * FROM job WHERE {where} ORDER BY id", values)  # noqa: S608  (a constant)
        return [JobRow.read(row) for row in rows.fetchall()]

    def stored(self) -> Iterator[StoredJob]:
        """Yield every job with its messages, page by page."""
        last = 0
        while True:
            with self.reading():
                page = self.page(last)
            if not page:
                return
            yield from page
            last = page[-1][0].id

    def page(self, last: int) -> list[StoredJob]:
        """Return the next jobs behind the one numbered ``last``, with their messages as they stand in the file."""
        jobs = {
            job.id: job for job in self.jobs("id IN (SELECT id FROM job WHERE id > ? ORDER BY id LIMIT ?)", last, _PAGE)
        }
        if not jobs:
            return []
        rows: dict[int, list[Sequence[object]]] = {number: [] for number in jobs}
        between = "SELECT * FROM message WHERE job BETWEEN ? AND ? ORDER BY job, position"
        for row in self._db.execute(between, (min(jobs), max(jobs))):
            rows.setdefault(row[0], []).append(row)
        return [(job, rows[number]) for number, job in jobs.items()]

    def job(self, key: str) -> JobRow | None:
        """Return the job of that key."""
        # A key that is not text in UTF-8 was never taken, and cannot be asked for.
        return next(iter(self.jobs("key = ?", key)), None) if is_text(key) else None

    def messages(self, job: JobRow) -> tuple[MessageRow, ...]:
        """Return the messages of a job, in order; raise ConfigError when one is missing or damaged."""
        rows = self._db.execute("SELECT * FROM message WHERE job = ? ORDER BY position", (job.id,)).fetchall()
        return complete(job, rows)

    def message(self, job: JobRow, number: MSISDN) -> MessageRow:
        """Return one message of a job; raise ConfigError when there is none or it is damaged."""
        row = self._db.execute(
            "SELECT * FROM message WHERE job = ? AND recipient = ?", (job.id, number.digits)
        ).fetchone()
        if row is None:
            raise ConfigError(f"{number} is no recipient of key {job.key!r}")
        return MessageRow.read(row)

    def witness(self, job: JobRow) -> WitnessRow | None:
        """Return when the job was last claimed by the clock of a boot, if that is known."""
        row = self._db.execute("SELECT * FROM witness WHERE job = ?", (job.id,)).fetchone()
        return None if row is None else WitnessRow.read(row)

    def newest(self) -> tuple[int, float]:
        """Return the number of the job that was begun last, and when; zeros when there is none."""
        row = self._db.execute("SELECT id, created FROM job ORDER BY id DESC LIMIT 1").fetchone()
        return row or (0, 0.0)

    def drop_witness(self, job: JobRow) -> None:
        """Forget when the job was last claimed by the clock of a boot."""
        self._db.execute("DELETE FROM witness WHERE job = ?", (job.id,))

    def put(self, row: JobRow | MessageRow | WitnessRow) -> None:
        """Insert a job, or put a message or witness in the place of the one before."""
        into = "INSERT INTO" if isinstance(row, JobRow) else "REPLACE INTO"
        columns = row.columns()
        marks = ", ".join("?" * len(columns))
        self._db.execute(f"{into} {row.TABLE} VALUES ({marks})", columns)

    def forget(self, job: JobRow) -> None:
        """Delete the job and all that belongs to it."""
        for table, column in (("message", "job"), ("witness", "job"), ("job", "id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (job.id,))  # noqa: S608  (constants)


def complete(job: JobRow, rows: Sequence[Sequence[object]]) -> tuple[MessageRow, ...]:
    """Return all messages of a job; raise ConfigError when one is missing or damaged."""
    if len(rows) != job.recipients:
        raise DamagedError(f"{job.recipients - len(rows)} recipients of key {job.key!r} are missing")
    return tuple(MessageRow.read(row) for row in rows)


def is_text(key: str) -> bool:
    """Return whether SQLite can keep it: it can be written in UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in key)

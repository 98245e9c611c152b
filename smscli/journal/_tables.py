"""The open file as tables: one transaction at a time, and rows in and out.

Whoever changes the file holds its write lock for milliseconds. Whoever only reads never holds it, and reads in pages:
a long read would keep a sender's outcome from being committed.
"""

from __future__ import annotations

import sqlite3  # noqa: TID253  (the journal is only loaded by the commands that need it)
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from time import monotonic

from smscli.errors import ConfigError
from smscli.journal._entries import EVERYTHING, Hints, Selection
from smscli.journal._file import BUSY_SECONDS, check_head, check_whole, connect, explained, primary_code, was_left_open
from smscli.journal._rows import DamagedError, InspectionRow, JobRow, MessageRow, Window, WitnessRow, key_digest
from smscli.model import MSISDN, visible

StoredJob = tuple[JobRow, Sequence[Sequence[object]]]
"""A job, and the rows of its messages, not looked at yet."""

# So many jobs, and about so many messages, are read or forgotten in one transaction, which looks at so many numbers.
_PAGE, _PAGE_MESSAGES, _SPAN = 120, 3000, 1000

# Three ranges of three indexes: what was claimed in the time, by either clock, and what is open at any age.
_CANDIDATES = """
SELECT job FROM witness WHERE fingerprint = :content AND gone > 0 AND claimed >= :since AND boot IS NOT :boot
UNION SELECT job FROM witness WHERE fingerprint = :content AND gone > 0 AND boot = :boot AND seconds >= :after
UNION SELECT job FROM witness WHERE fingerprint = :content AND open > 0"""


class Tables:
    """One connection to one journal file; raises ConfigError when the file cannot be trusted or used.

    ``recovered`` says that the file had been left in the middle of a transaction.
    """

    def __init__(self, path: Path, hints: Hints) -> None:
        self._path = path
        self._hints = hints
        self._failed = False
        suspect = was_left_open(path)
        self._db = connect(path)
        try:
            self.recovered = suspect and not self._is_being_written()
            check_head(self._db, path, hints)
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

    def check_whole(self, seconds: float = inf) -> bool:
        """Refuse a damaged file; return False when that was not known within ``seconds``."""
        with explained(self._path, self._hints):
            return check_whole(self._db, self._path, self._hints, seconds)

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
        self._db.execute(f"PRAGMA busy_timeout = {max(1, int(seconds * 1000))}").close()

    # --- look-ups -----------------------------------------------------------------------------------------------------

    def job(self, key: str) -> JobRow | None:
        """Return the job of that key. That there is none is only believed when both its index and ``lookup`` say so."""
        if not is_text(key):
            return None  # a key that is not text in UTF-8 was never taken, and cannot be asked for
        jobs = self._jobs("key = ?", key)
        if [job.id for job in jobs] != self._looked_up(key_digest(key), 2):
            raise DamagedError("two records of its keys disagree")
        return next(iter(jobs), None)

    def latest(self, content: str, count: int) -> list[int]:
        """Return the numbers of the jobs of that fingerprint which were begun last, newest first, at most so many."""
        of_content = "SELECT id FROM job WHERE fingerprint = ? ORDER BY id DESC LIMIT ?"
        jobs = [number for (number,) in self._db.execute(of_content, (content, count))]
        if jobs != self._looked_up(content, count):
            raise DamagedError("two records of its contents disagree")
        return jobs

    def candidates(self, content: str, window: Window) -> set[int]:
        """Return the numbers of the jobs of that fingerprint of which ``WitnessRow.may_be_in`` the window is true."""
        return {number for (number,) in self._db.execute(_CANDIDATES, {"content": content, **window._asdict()})}

    def _looked_up(self, digest: str, count: int) -> list[int]:
        rows = self._db.execute("SELECT job FROM lookup WHERE digest = ? ORDER BY job DESC LIMIT ?", (digest, count))
        return [number for (number,) in rows]

    def in_flight(self) -> list[JobRow]:
        """Return the jobs that have a message in flight."""
        return self._jobs("id IN (SELECT job FROM message WHERE state = 'IN_FLIGHT')")

    def numbered(self, number: int) -> JobRow:
        """Return the job of that number; raise ConfigError when it is missing."""
        for job in self._jobs("id = ?", number):
            return job
        raise DamagedError("a job is missing")

    def still_has(self, job: JobRow) -> bool:
        """Return whether the job is there as it was read."""
        return self._jobs("id = ?", job.id) == [job]

    def newest(self) -> tuple[int, float]:
        """Return the number of the job that was begun last, and when; zeros when there is none."""
        for job in self._jobs("id = (SELECT max(id) FROM job)"):
            return job.id, job.created
        return 0, 0.0

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

    def witness(self, number: int) -> WitnessRow:
        """Return the witness of a job; raise ConfigError when it is missing or damaged."""
        row = self._db.execute("SELECT * FROM witness WHERE job = ?", (number,)).fetchone()
        if row is None:
            raise DamagedError("a job has no witness")
        return WitnessRow.read(row)

    def inspection(self) -> InspectionRow | None:
        """Return when the whole file was last checked, if that is known."""
        row = self._db.execute("SELECT * FROM inspection").fetchone()
        return None if row is None else InspectionRow.read(row)

    def _jobs(self, where: str, *values: object) -> list[JobRow]:
        rows = self._db.execute(f"SELECT * FROM job WHERE {where} ORDER BY id", values)  # noqa: S608  (a constant)
        return [JobRow.read(row) for row in rows.fetchall()]

    # --- page by page -------------------------------------------------------------------------------------------------

    def pages(self, selection: Selection = EVERYTHING, *, newest_first: bool = False) -> Iterator[list[StoredJob]]:
        """Yield jobs with all their messages: at least those of which a message is selected."""
        last: int | None = None
        while True:
            with self.reading():
                last, page = self.page(last, selection, newest_first=newest_first)
            if last is None:
                return
            yield page

    def page(
        self, last: int | None, selection: Selection = EVERYTHING, *, newest_first: bool = False
    ) -> tuple[int | None, list[StoredJob]]:
        """Return the next jobs behind the one numbered ``last``, with their messages as they stand in the file.

        The number to go on behind comes first, None at the end; so a page may be empty.
        """
        beyond, direction = ("<", "DESC") if newest_first else (">", "ASC")
        behind, bound = (f"id {beyond} ?", (last,)) if last is not None else ("TRUE", ())
        first = self._db.execute(f"SELECT id FROM job WHERE {behind} ORDER BY id {direction} LIMIT 1", bound).fetchone()  # noqa: S608  (constants)
        if first is None:
            return None, []
        end = first[0] + (-_SPAN if newest_first else _SPAN)
        where, values = _of_jobs(selection)
        rows = self._db.execute(
            f"SELECT * FROM job WHERE id BETWEEN ? AND ? AND {where} ORDER BY id {direction} LIMIT {_PAGE}",  # noqa: S608  (as above)
            (min(first[0], end), max(first[0], end), *values),
        ).fetchall()
        jobs: dict[int, JobRow] = {}
        recipients = 0
        for job in map(JobRow.read, rows):
            recipients += job.recipients
            if jobs and recipients > _PAGE_MESSAGES:
                break
            jobs[job.id] = job
        else:
            if len(rows) < _PAGE:
                return end, self._with_messages(jobs)
        return next(reversed(jobs)), self._with_messages(jobs)

    def _with_messages(self, jobs: dict[int, JobRow]) -> list[StoredJob]:
        messages: dict[int, list[Sequence[object]]] = {number: [] for number in jobs}
        marks = ", ".join("?" * len(jobs))
        of_these = f"SELECT * FROM message WHERE job IN ({marks}) ORDER BY job, position"  # noqa: S608  (question marks)
        for row in self._db.execute(of_these, tuple(jobs)):
            messages[row[0]].append(row)
        return [(job, messages[number]) for number, job in jobs.items()]

    def counts(self, selection: Selection = EVERYTHING) -> Counter[str]:
        """Return how many messages are selected, by state."""
        counts: Counter[str] = Counter()
        last = 0
        of_jobs, of_messages = _of_jobs(selection), _of_messages(selection)
        while True:
            with self.reading():
                (first,) = self._db.execute("SELECT min(id) FROM job WHERE id > ?", (last,)).fetchone()
                if first is None:
                    return counts
                last = first + _SPAN
                rows = self._db.execute(
                    "SELECT state, count(*) FROM message JOIN job ON id = job "  # noqa: S608  (constants)
                    f"WHERE job BETWEEN ? AND ? AND {of_jobs[0]} AND {of_messages[0]} GROUP BY state",
                    (first, last, *of_jobs[1], *of_messages[1]),
                )
                counts.update(dict(rows.fetchall()))

    def check_job(self, job: JobRow, messages: Sequence[MessageRow]) -> None:
        """Raise ConfigError when the other records of a job disagree with its rows."""
        witness = self.witness(job.id)
        if witness != replace(witness, fingerprint=job.fingerprint, gone=0, open=0).counting((), messages):
            raise DamagedError("its witness disagrees with its messages")
        there = "SELECT 1 FROM lookup WHERE digest = ? AND job = ?"
        if not all(self._db.execute(there, row).fetchone() for row in _lookup_rows(job)):
            raise DamagedError("it cannot be looked up")

    def odd_records(self) -> Iterator[str]:
        """Say which records of jobs have no job."""
        jobs = "(SELECT count(*) FROM job)"
        for what, table, each in (("look-ups", "lookup", 2), ("witnesses", "witness", 1)):
            with self.reading():
                (odd,) = self._db.execute(f"SELECT count(*) - {each} * {jobs} FROM {table}").fetchone()  # noqa: S608  (constants)
            if odd:
                yield f"{abs(odd)} {what} too {'many' if odd > 0 else 'few'}"

    # --- changes ------------------------------------------------------------------------------------------------------

    def insert(self, row: JobRow | MessageRow | WitnessRow) -> None:
        """Insert a row that must not be there yet; a job is entered into ``lookup`` as well."""
        self._write("INSERT", row)
        if isinstance(row, JobRow):
            self._db.executemany("INSERT INTO lookup VALUES (?, ?)", _lookup_rows(row))

    def put(self, row: MessageRow | WitnessRow | InspectionRow) -> None:
        """Put a row in the place of the one before."""
        self._write("REPLACE", row)

    def _write(self, verb: str, row: JobRow | MessageRow | WitnessRow | InspectionRow) -> None:
        columns = row.columns()
        marks = ", ".join("?" * len(columns))
        self._db.execute(f"{verb} INTO {row.TABLE} VALUES ({marks})", columns)

    def forget(self, job: JobRow) -> None:
        """Delete the job and all that belongs to it."""
        for table, column in (("message", "job"), ("witness", "job"), ("job", "id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (job.id,))  # noqa: S608  (constants)
        self._db.executemany("DELETE FROM lookup WHERE digest = ? AND job = ?", _lookup_rows(job))


def _of_messages(selection: Selection) -> tuple[str, tuple[object, ...]]:
    """Return as an SQL condition, with its values, that a row of ``message`` is selected but for its profile."""
    conditions: list[str] = []
    values: list[object] = []
    if selection.states:
        conditions.append(f"state IN ({', '.join('?' * len(selection.states))})")
        values += selection.states
    if selection.since is not None:
        conditions.append("updated >= ?")
        values.append(selection.since)
    if selection.to is not None:
        conditions.append("recipient = ?")
        values.append(selection.to.digits)
    return " AND ".join(conditions) or "TRUE", tuple(values)


def _of_jobs(selection: Selection) -> tuple[str, tuple[object, ...]]:
    """Return the same of a row of ``job``: a message of it may be selected."""
    condition, values = _of_messages(selection)
    if values:
        condition = f"EXISTS (SELECT 1 FROM message WHERE job = id AND {condition})"  # noqa: S608  (our own words)
    if selection.profile is not None:
        return f"{condition} AND profile = ?", (*values, selection.profile)
    return condition, values


def _lookup_rows(job: JobRow) -> tuple[tuple[str, int], tuple[str, int]]:
    return (key_digest(job.key), job.id), (job.fingerprint, job.id)


def complete(job: JobRow, rows: Sequence[Sequence[object]]) -> tuple[MessageRow, ...]:
    """Return all messages of a job; raise ConfigError when one is missing or damaged."""
    if len(rows) != job.recipients:
        raise DamagedError(f"{job.recipients - len(rows)} recipients of key {job.key!r} are missing")
    return tuple(MessageRow.read(row) for row in rows)


def is_text(key: str) -> bool:
    """Return whether SQLite can keep it: it can be written in UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in key)

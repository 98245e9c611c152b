"""The store as tables: rows in and out, in a transaction of the caller's.

What is told of all jobs is read page by page: a long read would keep a sender's outcome from being committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from math import inf

from smscli.errors import Cause
from smscli.journal._database import Database
from smscli.journal._entries import EVERYTHING, Selection, State
from smscli.journal._rows import (
    AttemptRow,
    DamagedError,
    InspectionRow,
    JobRow,
    MessageRow,
    Window,
    WitnessRow,
    key_digest,
)

StoredJob = tuple[JobRow, Sequence[Sequence[object]] | None]
"""A job, and the rows of its messages, not looked at yet; None where they are too many to be read at once."""

# So many jobs, and about so many messages, are read or forgotten in one transaction, which looks at so many numbers.
_PAGE, _PAGE_MESSAGES, _SPAN = 120, 3000, 1000
# So many messages of one job are in memory while all of them are gone through.
_ROWS = 1000

# Three ranges of three indexes: what was claimed in the time, by either clock, and what is open at any age.
_CANDIDATES = """
SELECT job FROM witness WHERE fingerprint = ? AND gone > 0 AND claimed >= ? AND (boot IS NULL OR boot <> ?)
UNION SELECT job FROM witness WHERE fingerprint = ? AND gone > 0 AND boot = ? AND seconds >= ?
UNION SELECT job FROM witness WHERE fingerprint = ? AND open > 0"""


# What ``is_pending`` says of a message, in SQL.
_PENDING = (
    f"(state = '{State.NOT_SENT}' OR (state = '{State.REFUSED}' AND coalesce(cause, '') IN "
    f"('{Cause.STALE}', '{Cause.BUSY}')))"
)


class Tables:
    """The rows of one store; raises ConfigError for what is damaged."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._claimed: dict[tuple[object, ...], MessageRow] = {}

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
        by_clock, by_boot = (content, window.since, window.boot), (content, window.boot, window.after)
        return {number for (number,) in self._db.execute(_CANDIDATES, (*by_clock, *by_boot, content))}

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
        """Return the number of the job that was begun last, and when; 0 and minus infinity when there is none."""
        for job in self._jobs("id = (SELECT max(id) FROM job)"):
            return job.id, job.created
        return 0, -inf

    def messages(self, job: JobRow) -> tuple[MessageRow, ...]:
        """Return the messages of a job, in order; raise ConfigError when one is missing or damaged."""
        rows = self._db.execute("SELECT * FROM message WHERE job = ? ORDER BY position", (job.id,)).fetchall()
        return complete(job, rows)

    def walk(
        self, job: JobRow, each_in: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> Iterator[MessageRow]:
        """Yield the messages of a job in order, a page of them in memory.

        Each page is read in a transaction of ``each_in``, else in the caller's. A job that is forgotten meanwhile ends
        early. Raises ConfigError when a message is missing or damaged.
        """
        first, count = 0, 0
        while True:
            with each_in():
                if not self.still_has(job):
                    return
                page = "SELECT * FROM message WHERE job = ? AND position >= ? ORDER BY position LIMIT ?"
                rows = self._db.execute(page, (job.id, first, _ROWS)).fetchall()
            for message in map(MessageRow.read, rows):
                first = message.position + 1
                yield message
            count += len(rows)
            if len(rows) < _ROWS:
                break
        _refuse_count(job, count)

    def open_of(self, job: JobRow) -> tuple[MessageRow, ...]:
        """Return the messages of a job that are UNKNOWN or in flight, in order; raise ConfigError for a damaged one."""
        these = f"SELECT * FROM message WHERE job = ? AND state IN ('{State.UNKNOWN}', '{State.IN_FLIGHT}')"  # noqa: S608  (constants)
        return tuple(map(MessageRow.read, self._db.execute(f"{these} ORDER BY position", (job.id,)).fetchall()))

    def forgets_texts(self, job: JobRow) -> bool:
        """Return whether a text of the job is there no longer, or never was: the rest goes when it is over."""
        return (
            self._db.execute("SELECT 1 FROM message WHERE job = ? AND text IS NULL LIMIT 1", (job.id,)).fetchone()
            is not None
        )

    def in_flight_of(self, job: JobRow) -> tuple[MessageRow, ...]:
        """Return the messages of a job that are in flight, in order; raise ConfigError when one is damaged."""
        # The plus keeps SQLite from walking through the whole job: its index names what is in flight.
        positions = "SELECT position FROM message WHERE +job = ? AND state = 'IN_FLIGHT'"
        these = f"SELECT * FROM message WHERE job = ? AND position IN ({positions}) ORDER BY position"  # noqa: S608  (constants)
        return tuple(map(MessageRow.read, self._db.execute(these, (job.id, job.id)).fetchall()))

    def to_claim(self, job: JobRow, positions: Sequence[int]) -> list[MessageRow]:
        """Return messages of a job that nobody else is changing, by their place; others are left out."""
        if not self._db.for_claim:
            return self.to_change(job, positions)
        return self.numbered_messages(job, positions, self._db.for_claim)

    def to_change(self, job: JobRow, positions: Sequence[int]) -> list[MessageRow]:
        """Return messages of a job, by their place; raise ConfigError when one is missing or damaged."""
        rows = self.numbered_messages(job, positions, self._db.for_update)
        if len(rows) != len(positions):
            raise DamagedError(f"recipients of key {job.key!r} are missing")
        return rows

    def numbered_messages(self, job: JobRow, positions: Sequence[int], locked: str = "") -> list[MessageRow]:
        """Return those messages of a job that are there, by their place; raise ConfigError when one is damaged."""
        messages = list[MessageRow]()
        places = sorted({*positions})  # one that is named twice is not there twice
        for start in range(0, len(places), _ROWS):  # a statement takes no more than some ten thousand values
            some = places[start : start + _ROWS]
            marks = ", ".join("?" * len(some))
            of_these = f"SELECT * FROM message WHERE job = ? AND position IN ({marks}) ORDER BY position{locked}"  # noqa: S608  (question marks, and a constant)
            # What was put in flight here is known by its columns, without working out its checksum again.
            rows = map(tuple, self._db.execute(of_these, (job.id, *some)))
            messages += (self._claimed.get(row) or MessageRow.read(row) for row in rows)
        return messages

    def pending(self, job: JobRow, position: int, count: int, *, with_unknown: bool) -> list[tuple[int, str, str]]:
        """Return places, numbers and digests of texts of the next messages that may be claimed, unchecked."""
        wanted = f"({_PENDING} OR state = '{State.UNKNOWN}')" if with_unknown else _PENDING
        rows = self._db.execute(
            "SELECT position, recipient, text_sha256 FROM message "  # noqa: S608  (constants)
            f"WHERE job = ? AND position > ? AND {wanted} ORDER BY position LIMIT ?",
            (job.id, position, count),
        )
        return [tuple(row) for row in rows]

    def tally(self, job: JobRow) -> list[tuple[str, bool, int]]:
        """Return how many messages of a job there are, by state and by whether they may be claimed."""
        by_state = f"SELECT state, {_PENDING}, count(*) FROM message WHERE job = ? GROUP BY 1, 2"  # noqa: S608  (as above)
        rows = self._db.execute(by_state, (job.id,))
        return [(state, bool(may_be_claimed), count) for state, may_be_claimed, count in rows]

    def earlier(self, job: JobRow) -> dict[int, tuple[AttemptRow, ...]]:
        """Return the attempts before the latest of each message, by its place, oldest first; none has no entry.

        Raises ConfigError when one is missing or damaged.
        """
        attempts: dict[int, tuple[AttemptRow, ...]] = {}
        in_order = "SELECT * FROM attempt WHERE job = ? ORDER BY position, attempt"
        for attempt in map(AttemptRow.read, self._db.execute(in_order, (job.id,))):
            before = attempts.get(attempt.position, ())
            if attempt.attempt != len(before) + 1:
                raise DamagedError(f"an attempt of key {job.key!r} is missing")
            attempts[attempt.position] = (*before, attempt)
        return attempts

    def witness(self, number: int, locked: str = "") -> WitnessRow:
        """Return the witness of a job; raise ConfigError when it is missing or damaged."""
        row = self._db.execute(f"SELECT * FROM witness WHERE job = ?{locked}", (number,)).fetchone()  # noqa: S608  (a constant)
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
        """Yield jobs with their messages: at least those of which a message is selected."""
        last: int | None = None
        while True:
            with self._db.reading():
                last, page = self.page(last, selection, newest_first=newest_first)
            if last is None:
                return
            yield page

    def page(
        self, last: int | None, selection: Selection = EVERYTHING, *, newest_first: bool = False
    ) -> tuple[int | None, list[StoredJob]]:
        """Return the next jobs behind the one numbered ``last``, with their messages as they stand in the file.

        The number to go on behind comes first, None at the end; so a page may be empty. The messages of a job that is a
        page of its own are left to ``walk``.
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
        if not jobs:
            return []  # PostgreSQL has no empty lists
        if sum(job.recipients for job in jobs.values()) > _PAGE_MESSAGES:
            return [(job, None) for job in jobs.values()]
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
            with self._db.reading():
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

    def check_job(self, job: JobRow, messages: Iterable[MessageRow]) -> None:
        """Raise ConfigError when the other records of a job disagree with its rows."""
        witness = self.witness(job.id)
        counted = witness._replace(fingerprint=job.fingerprint, gone=0, open=0)
        attempts, rest = dict[int, int](), iter(messages)
        while some := tuple(islice(rest, _ROWS)):
            counted = counted.counting((), some)
            attempts |= {message.position: message.attempt - 1 for message in some if message.attempt > 1}
        if witness != counted:
            raise DamagedError("its witness disagrees with its messages")
        if attempts != {place: len(before) for place, before in self.earlier(job).items()}:
            raise DamagedError("an attempt of it is missing")
        there = "SELECT 1 FROM lookup WHERE digest = ? AND job = ?"
        if not all(self._db.execute(there, row).fetchone() for row in _lookup_rows(job)):
            raise DamagedError("it cannot be looked up")

    def odd_records(self) -> Iterator[str]:
        """Say which records of jobs have no job, where no job lacks any (``check_job``)."""
        jobs = "(SELECT count(*) FROM job)"
        for what, table, each in (("look-ups", "lookup", 2), ("witnesses", "witness", 1)):
            with self._db.reading():
                (odd,) = self._db.execute(f"SELECT count(*) - {each} * {jobs} FROM {table}").fetchone()  # noqa: S608  (constants)
            if odd:
                yield f"{odd} {what} too many"

    # --- changes ------------------------------------------------------------------------------------------------------

    def insert(self, row: JobRow | MessageRow | AttemptRow | WitnessRow) -> None:
        """Insert a row that must not be there yet; a job is entered into ``lookup`` as well."""
        self._db.execute(row.insertion(), row.columns())
        if isinstance(row, JobRow):
            for looked_up in _lookup_rows(row):
                self._db.execute("INSERT INTO lookup VALUES (?, ?)", looked_up)

    def insert_messages(self, rows: Sequence[MessageRow]) -> None:
        """Insert the messages of a job that has none yet."""
        self._db.execute_many(MessageRow.insertion(), [row.columns() for row in rows])

    def put(self, row: MessageRow | WitnessRow, *more: MessageRow) -> None:
        """Put rows of one table in the place of those before; raise ConfigError when one is not there."""
        rows = [(one.columns(), one) for one in (row, *more)]
        moved = [(*columns[row.KEYS :], *columns[: row.KEYS]) for columns, _ in rows]
        if self._db.execute_many(row.change(), moved) != len(rows):
            raise DamagedError("a row is missing")
        if len(self._claimed) > _ROWS:
            self._claimed.clear()
        for columns, one in rows:
            if isinstance(one, MessageRow) and one.state == State.IN_FLIGHT:
                self._claimed[columns] = one

    def put_inspection(self, row: InspectionRow) -> None:
        """Record when the whole file was checked."""
        self._db.execute(row.replacement(), row.columns())

    def forget(self, job: JobRow) -> None:
        """Delete the job and all that belongs to it."""
        for table in ("delivery", "attempt", "message", "witness", "job"):
            column = "id" if table == "job" else "job"
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (job.id,))  # noqa: S608  (constants)
        for looked_up in _lookup_rows(job):
            self._db.execute("DELETE FROM lookup WHERE digest = ? AND job = ?", looked_up)


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
    _refuse_count(job, len(rows))
    return tuple(MessageRow.read(row) for row in rows)


def _refuse_count(job: JobRow, count: int) -> None:
    if count != job.recipients:
        raise DamagedError(f"{job.recipients - count} recipients of key {job.key!r} are missing")


def is_text(key: str) -> bool:
    """Return whether SQLite can keep it: it can be written in UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in key)

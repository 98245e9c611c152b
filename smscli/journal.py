"""What was sent, refused, not sent and unknown: the durable record that keeps a recipient from being submitted twice.

This room owns one SQLite file and the order in which it changes: *in flight* is committed before the first byte of a
request leaves, the outcome after its answer. A job (one key) holds one row for each recipient. Every row starts as
NOT_SENT, which is true, and a row that is IN_FLIGHT without a living process is UNKNOWN. It must not know vendors,
HTTP or output, and it never resends, recreates or repairs anything by itself.

Whether a job's process lives is told by a record lock on byte *job id* of ``<journal>.lock``: the kernel frees it on
any death, kill -9 included. Nothing here goes by age: a slow process is not a dead one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3  # noqa: TID253  (this room is only loaded by the commands that need a journal)
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum, unique
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, TypeVar

from smscli.errors import ConfigError, ConflictError, ExitCode, InputError
from smscli.model import MSISDN, Money, Outcome, Reason, Submission, visible

Row = TypeVar("Row", "_Job", "_Message")

APPLICATION_ID = 0x534D5343
"""``SMSC`` in the header of the file: tells a journal from any other database (SQLite file format, offset 68)."""
VERSION = 1
"""The layout this program reads and writes; a file with a higher one belongs to a newer smscli."""
BUSY_SECONDS = 10.0
"""How long one step waits for other processes; a step takes milliseconds."""
TWIN_SECONDS = 600.0
"""Within this time the same content under another key is worth a warning."""
MAX_EVIDENCE = 4096
"""Bytes of an answer that was not understood which are kept."""
MAX_KEY = 255


@unique
class State(StrEnum):
    """Where one recipient of one job stands: an outcome, or on its way to one."""

    SENT = Outcome.SENT
    REFUSED = Outcome.REFUSED
    NOT_SENT = Outcome.NOT_SENT
    UNKNOWN = Outcome.UNKNOWN
    IN_FLIGHT = "IN_FLIGHT"
    """Committed before the first byte of its request left. Without a living process this is UNKNOWN."""


@dataclass(frozen=True, slots=True)
class Job:
    """One text for some recipients under one key; ``fingerprint`` says what else must be equal to be the same job.

    ``profile`` and ``sender`` are empty when there is none. The text is kept as length and SHA-256, in clear only with
    ``store_text``.
    """

    key: str
    provider: str
    profile: str
    sender: str
    recipients: tuple[MSISDN, ...]
    text: str
    fingerprint: str
    store_text: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A job as it stands now that this process holds it: one submission for each recipient, in the order asked for.

    ``key`` is the one to claim and settle with. It is not the key asked for when ``once`` found the same content under
    another one; then ``repeated_from`` names that one too. ``since`` is when the job began, in Unix seconds. ``twin``
    is another key under which the same content went out within ten minutes.
    """

    key: str
    submissions: tuple[Submission, ...]
    since: float
    repeated_from: str | None = None
    twin: str | None = None

    @property
    def pending(self) -> tuple[MSISDN, ...]:
        """The recipients that may be claimed: proved not sent, or refused as unprocessed."""
        return tuple(s.to for s in self.submissions if _is_pending(s))

    @property
    def replayed(self) -> bool:
        """Whether nothing is left to send: the submissions are what an earlier run brought."""
        return not self.pending


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One recipient of one job. Times are Unix seconds; ``text`` is None unless the profile asked to keep it.

    ``claimed`` is when it last went in flight, ``updated`` when its state last changed, ``resolved`` when a person
    decided what became of it. ``submission.outcome`` equals ``state`` but for IN_FLIGHT, which is UNKNOWN there.
    """

    key: str
    provider: str
    profile: str
    sender: str
    created: float
    text_length: int
    text_sha256: str
    text: str | None
    state: State
    submission: Submission
    attempts: int
    claimed: float | None
    updated: float
    resolved: float | None
    evidence: str | None


def fingerprint(
    *,
    provider: str,
    account_id: str,
    sender: str | None,
    text: str,
    recipients: Sequence[MSISDN],
    send_at: datetime | None = None,
    test: bool = False,
) -> str:
    """Return the SHA-256 (hex) of what makes two jobs the same; the order of the recipients does not.

    ``account_id`` is the public name of the account (login, project, application); no secret takes part.
    """
    moment = send_at.isoformat() if send_at else None
    numbers = sorted({number.digits for number in recipients})
    return _digest(json.dumps([provider, account_id, sender or "", text, numbers, moment, test]))


class NoJournal:
    """Stands in for a journal where nothing can be kept: every job is new, and nothing is remembered."""

    def begin(self, job: Job, *, once: float | None = None) -> Opened:  # noqa: ARG002  (the journal's own shape)
        """Open the job: every recipient is still to be sent."""
        numbers = dict.fromkeys(job.recipients)
        return Opened(job.key, tuple(Submission(number, Outcome.NOT_SENT) for number in numbers), 0.0)

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Keep nothing."""

    def settle(self, key: str, submissions: Sequence[Submission], evidence: str | None = None) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Hold nothing."""


class Journal:
    """One journal file, opened by one thread of one process.

    ``path`` is created when it is missing, 0600 in a directory of 0700; an existing file is never replaced, mended or
    migrated down. ``now`` gives Unix seconds; ``options`` ends the commands that hints name. Raises ConfigError when
    the file cannot be trusted or used.
    """

    def __init__(self, path: Path, *, now: Callable[[], float], options: str = "") -> None:
        if os.name == "nt":
            raise ConfigError("the journal needs POSIX record locks, which Windows has not", hint="use --no-journal")
        self._path = Path(os.path.realpath(path))
        self._now = now
        self._options = options
        self._held: dict[str, int] = {}
        self._failed = False
        with ExitStack() as stack, _explained(self._path):
            if not self._path.exists():
                _create(self._path)
            _check_file(self._path)
            self._locks = _LockFile.open(self._path.with_name(f"{self._path.name}.lock"))
            stack.callback(self._locks.close)
            stack.callback(self._release)
            self._db = _connect(self._path)
            stack.callback(self._db.close)
            self._check_whole()
            self._bury_the_dead()
            self._stack = stack.pop_all()

    # --- the way of one send ------------------------------------------------------------------------------------------

    def begin(self, job: Job, *, once: float | None = None) -> Opened:
        """Find or insert the job, hold it until ``close``, and return where each recipient stands.

        ``once``: when the same content was begun under any key within that many seconds, and not all of it is proved
        unsent, that job is opened instead and nothing is inserted.
        Raises ConflictError when the key was used for other content or a living process holds the job, InputError for
        a key that cannot be one, ConfigError when the journal cannot be written. In every case nothing was sent.
        """
        key = _checked_key(job.key)
        recipients = tuple(dict.fromkeys(job.recipients))
        with self._transaction("nothing was sent"):
            stored = self._find(key)
            if stored and stored.fingerprint != job.fingerprint:
                raise ConflictError(
                    f"key {key!r} was used for other content on {_date(stored.created)}",
                    hint=f"take another key, or see what it was: smscli journal show {key}{self._options}",
                )
            repeated = self._same_content(job.fingerprint, once) if once is not None and not stored else None
            twin = None if stored or repeated else self._same_content(job.fingerprint, TWIN_SECONDS)
            stored = stored or repeated or self._insert(key, job, recipients)
            self._hold(stored)
            found = {message.recipient: message for message in self._bury(stored)}
        return Opened(
            stored.key,
            tuple(found[number.digits].submission() for number in recipients),
            stored.created,
            repeated_from=stored.key if repeated else None,
            twin=twin.key if twin else None,
        )

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Commit durably that these recipients are in flight; only then may the first byte leave.

        Raises ConfigError when that cannot be recorded and ConflictError when one of them may not be sent (again): in
        both cases none of them is in flight and nothing may be sent.
        """
        moment = self._clock()
        with self._transaction("nothing was sent to these recipients"):
            job = self._held_job(key)
            for number in recipients:
                message = self._message(job, number)
                if not _is_pending(message.submission()):
                    raise ConflictError(f"{number} is already {message.state} under key {key!r}")
                self._put(message.in_flight(moment))

    def settle(self, key: str, submissions: Sequence[Submission], evidence: str | None = None) -> None:
        """Record how claimed recipients ended; NOT_SENT gives the claim back.

        ``evidence`` is what an answer that was not understood looked like, escaped; 4 KiB of it are kept.
        Raises ConfigError when it cannot be recorded: then they stay in flight, which a later run reads as unknown.
        """
        moment = self._clock()
        kept = _shown(evidence.encode(errors="replace")[:MAX_EVIDENCE].decode(errors="ignore")) if evidence else None
        with self._transaction("what became of these recipients is not recorded; it counts as unknown from now on"):
            job = self._held_job(key)
            for submission in submissions:
                message = self._message(job, submission.to)
                if message.state != State.IN_FLIGHT:
                    raise ConfigError(f"{submission.to} is {message.state}, not in flight, under key {key!r}")
                self._put(message.ended(submission, moment, kept))

    def close(self) -> None:
        """Let go of every job and of the file. What is still in flight is unknown from now on."""
        # Everything is committed by now, and the kernel frees what could not be: trouble here changes nothing.
        with suppress(OSError, sqlite3.Error):
            self._stack.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- what a person asks, offline ----------------------------------------------------------------------------------

    def entries(self, *, states: Sequence[State] = (), since: float | None = None) -> tuple[JournalEntry, ...]:
        """Return the entries, oldest job first: those in ``states`` (empty: all), changed at or after ``since``."""
        with self._transaction(""):
            found = [entry for job in self._jobs() for entry in self._entries(job)]
        return tuple(
            entry
            for entry in found
            if (not states or entry.state in states) and (since is None or entry.updated >= since)
        )

    def show(self, key: str) -> tuple[JournalEntry, ...]:
        """Return the entries of one job; raise InputError when there is no such key."""
        with self._transaction(""):
            return self._entries(self._known(key))

    def resolve(self, key: str, *, sent: bool, to: MSISDN | None = None) -> tuple[JournalEntry, ...]:
        """Record a person's decision on what is UNKNOWN under ``key`` (or on ``to`` alone); return those entries.

        What is resolved as not sent may be sent again under the same key. Raises InputError when there is no such key
        or nothing unknown under it, ConflictError when a living process holds the job.
        """
        moment = self._clock()
        with self._transaction("nothing was changed"):
            job = self._known(key)
            if self._locks.is_held(job.id):
                raise _in_flight_elsewhere(key)
            unknown = [
                message
                for message in self._bury(job)
                if message.state == State.UNKNOWN and (to is None or message.recipient == to.digits)
            ]
            if not unknown:
                raise InputError(
                    f"nothing is unknown under key {key!r}" + (f" for {to}" if to else ""),
                    hint=f"smscli journal show {key}{self._options}",
                )
            resolved = [message.decided(sent, moment) for message in unknown]
            for message in resolved:
                self._put(message)
        return tuple(message.entry(job) for message in resolved)

    def purge(self, older_than: float) -> int:
        """Forget the jobs that ended more than ``older_than`` seconds ago; return how many recipients that were.

        A job with an UNKNOWN or IN_FLIGHT recipient stays whole, and so does one that a living process holds. The key
        of a forgotten job is free again: the same command would send again.
        """
        before = self._clock() - older_than
        forgotten = 0
        with self._transaction("nothing was changed"):
            for job in self._jobs():
                messages = self._messages(job)
                ended = all(m.state not in (State.UNKNOWN, State.IN_FLIGHT) and m.updated < before for m in messages)
                if ended and not self._locks.is_held(job.id):
                    self._db.execute("DELETE FROM message WHERE job = ?", (job.id,))
                    self._db.execute("DELETE FROM job WHERE id = ?", (job.id,))
                    forgotten += len(messages)
        return forgotten

    def check(self) -> tuple[str, ...]:
        """Read every row and return what is wrong, one line each; empty means sound."""
        problems = []
        with self._transaction(""):
            for job in self._jobs():
                try:
                    messages = self._messages(job)
                except ConfigError as error:
                    problems.append(f"key {job.key!r}: {error.message}")
                    continue
                problems += [
                    f"key {job.key!r}: +{message.recipient} is SENT without a message id"
                    for message in messages
                    if message.state == State.SENT and not message.message_id and message.resolved is None
                ]
        return tuple(problems)

    # --- below: one transaction's work --------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self, consequence: str) -> Iterator[None]:
        if self._failed:
            # After a failed sync a second "success" proves nothing (the kernel may have dropped the page).
            raise ConfigError(f"the journal {self._name} failed before in this run; {consequence}")
        with _explained(self._path, consequence):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException as error:
                self._failed = isinstance(error, sqlite3.Error) and _code(error) != sqlite3.SQLITE_BUSY
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    @property
    def _name(self) -> str:
        return visible(str(self._path))

    def _check_whole(self) -> None:
        """Refuse a file that is not ours, newer, or not whole: a damaged index would hide that a key was used."""
        (application,), (version,), (mode,) = (
            self._db.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version", "journal_mode")
        )
        if application != APPLICATION_ID:
            raise ConfigError(f"{self._name} is not a smscli journal", hint=_KEEP)
        if version != VERSION:
            raise ConfigError(
                f"the journal {self._name} was written by another version of smscli (layout {version}, not {VERSION})",
                hint="use that version, or keep this one's journal elsewhere with SMSCLI_STATE_DIR",
            )
        problems = [str(row[0]) for row in self._db.execute("PRAGMA integrity_check(20)")]
        schema = dict(self._db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        if problems != ["ok"] or schema != _SCHEMA or mode != "delete":
            raise ConfigError(f"the journal {self._name} is damaged", hint=_KEEP, problems=problems)

    def _bury_the_dead(self) -> None:
        in_flight = "id IN (SELECT job FROM message WHERE state = 'IN_FLIGHT')"
        if self._jobs(in_flight):
            with self._transaction("nothing was sent"):
                for job in self._jobs(in_flight):
                    if not self._locks.is_held(job.id):
                        self._bury(job)

    def _bury(self, job: _Job) -> tuple[_Message, ...]:
        """Return the job's messages, those in flight turned into UNKNOWN: whoever was sending them is dead."""
        moment = self._clock()
        messages = self._messages(job)
        buried = tuple(m.died(moment) if m.state == State.IN_FLIGHT else m for m in messages)
        for before, after in zip(messages, buried, strict=True):
            if after is not before:
                self._put(after)
        return buried

    def _same_content(self, content: str, seconds: float) -> _Job | None:
        """Return the newest job of this fingerprint that is being sent, or was within ``seconds`` and not in vain."""
        after = self._clock() - seconds
        for job in reversed(self._jobs("fingerprint = ?", content)):
            if self._locks.is_held(job.id) or any(m.went_out(after) for m in self._messages(job)):
                return job
        return None

    def _insert(self, key: str, job: Job, recipients: Sequence[MSISDN]) -> _Job:
        moment = self._clock()
        (last,) = self._db.execute("SELECT coalesce(max(id), 0) FROM job").fetchone()
        row = _Job(
            id=last + 1,
            key=key,
            fingerprint=job.fingerprint,
            provider=job.provider,
            profile=job.profile,
            sender=job.sender,
            created=moment,
            recipients=len(recipients),
            text_length=len(job.text),
            text_sha256=_digest(job.text),
            text=job.text if job.store_text else None,
        )
        self._put(row)
        for position, number in enumerate(recipients):
            self._put(_Message(row.id, number.digits, position, State.NOT_SENT, attempts=0, updated=moment))
        return row

    def _hold(self, job: _Job) -> None:
        if not self._locks.hold(job.id):
            raise _in_flight_elsewhere(job.key)
        self._held[job.key] = job.id

    def _held_job(self, key: str) -> _Job:
        if key not in self._held:
            raise ConfigError(f"key {key!r} was not begun by this process")
        return self._known(key)

    def _release(self) -> None:
        for job_id in self._held.values():
            self._locks.release(job_id)
        self._held.clear()

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _clock(self) -> float:
        return float(self._now())

    def _jobs(self, where: str = "1", *values: object) -> list[_Job]:
        rows = self._db.execute(f"SELECT * FROM job WHERE {where} ORDER BY created, id", values)  # noqa: S608  (a constant)
        return [_sound(_Job, row) for row in rows.fetchall()]

    def _find(self, key: str) -> _Job | None:
        return next(iter(self._jobs("key = ?", key)), None)

    def _known(self, key: str) -> _Job:
        job = self._find(key)
        if job is None:
            raise InputError(f"the journal knows no key {visible(key)!r}", hint="see them all: smscli journal list")
        return job

    def _messages(self, job: _Job) -> tuple[_Message, ...]:
        rows = self._db.execute("SELECT * FROM message WHERE job = ? ORDER BY position", (job.id,)).fetchall()
        if len(rows) != job.recipients:
            raise _damaged(f"{job.recipients - len(rows)} recipients of key {job.key!r} are missing")
        return tuple(_sound(_Message, row) for row in rows)

    def _message(self, job: _Job, number: MSISDN) -> _Message:
        row = self._db.execute(
            "SELECT * FROM message WHERE job = ? AND recipient = ?", (job.id, number.digits)
        ).fetchone()
        if row is None:
            raise ConfigError(f"{number} is no recipient of key {job.key!r}")
        return _sound(_Message, row)

    def _entries(self, job: _Job) -> tuple[JournalEntry, ...]:
        return tuple(message.entry(job) for message in self._messages(job))

    def _put(self, row: _Job | _Message) -> None:
        into = "INSERT INTO job" if isinstance(row, _Job) else "REPLACE INTO message"
        values = astuple(row)
        marks = ", ".join("?" * (len(values) + 1))
        self._db.execute(f"{into} VALUES ({marks})", (*values, _checksum(values)))


# --- the layout of the file -------------------------------------------------------------------------------------------

_SCHEMA = {
    "job": """CREATE TABLE job (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    key TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    provider TEXT NOT NULL,
    profile TEXT NOT NULL,
    sender TEXT NOT NULL,
    created REAL NOT NULL,
    recipients INTEGER NOT NULL CHECK (recipients > 0),
    text_length INTEGER NOT NULL,
    text_sha256 TEXT NOT NULL,
    text TEXT,
    checksum TEXT NOT NULL
)""",
    "message": """CREATE TABLE message (
    job INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('SENT', 'REFUSED', 'NOT_SENT', 'UNKNOWN', 'IN_FLIGHT')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    updated REAL NOT NULL,
    claimed REAL,
    resolved REAL,
    message_id TEXT,
    parts INTEGER,
    amount TEXT,
    currency TEXT,
    reason TEXT,
    exit_code INTEGER,
    code TEXT,
    hint TEXT,
    retry INTEGER NOT NULL CHECK (retry IN (0, 1)),
    evidence TEXT,
    checksum TEXT NOT NULL,
    PRIMARY KEY (job, recipient)
) WITHOUT ROWID""",
    "job_of_content": "CREATE INDEX job_of_content ON job (fingerprint)",
    "message_in_flight": "CREATE INDEX message_in_flight ON message (job) WHERE state = 'IN_FLIGHT'",
}


@dataclass(frozen=True, slots=True)
class _Job:
    """A row of ``job``, its fields in the order of the columns."""

    id: int
    key: str
    fingerprint: str
    provider: str
    profile: str
    sender: str
    created: float
    recipients: int
    text_length: int
    text_sha256: str
    text: str | None


@dataclass(frozen=True, slots=True)
class _Message:
    """A row of ``message``, its fields in the order of the columns; every change is a new row."""

    job: int
    recipient: str
    position: int
    state: str
    attempts: int
    updated: float
    claimed: float | None = None
    resolved: float | None = None
    message_id: str | None = None
    parts: int | None = None
    amount: str | None = None
    currency: str | None = None
    reason: str | None = None
    exit_code: int | None = None
    code: str | None = None
    hint: str | None = None
    retry: int = 0
    evidence: str | None = None

    def went_out(self, after: float) -> bool:
        return self.state != State.NOT_SENT and self.claimed is not None and self.claimed >= after

    def in_flight(self, moment: float) -> _Message:
        attempts = self.attempts + 1
        return _Message(self.job, self.recipient, self.position, State.IN_FLIGHT, attempts, moment, claimed=moment)

    def died(self, moment: float) -> _Message:
        return self._because(
            Reason("smscli ended before the answer was recorded", ExitCode.UNKNOWN, hint=_RESOLVE),
            State.UNKNOWN,
            moment,
        )

    def decided(self, sent: bool, moment: float) -> _Message:
        state = State.SENT if sent else State.NOT_SENT
        reason = None if sent else Reason("a person decided that it was not sent", ExitCode.UNREACHABLE)
        return replace(self._because(reason, state, moment), resolved=moment)

    def ended(self, submission: Submission, moment: float, evidence: str | None) -> _Message:
        return replace(
            self._because(submission.reason, State(submission.outcome), moment),
            message_id=_shown(submission.message_id),
            parts=submission.parts,
            amount=str(submission.cost.amount) if submission.cost else None,
            currency=submission.cost.currency if submission.cost else None,
            evidence=evidence,
        )

    def _because(self, reason: Reason | None, state: State, moment: float) -> _Message:
        return replace(
            self,
            state=state,
            updated=moment,
            reason=_shown(reason.text) if reason else None,
            exit_code=int(reason.exit_code) if reason else None,
            code=_shown(reason.code) if reason else None,
            hint=_shown(reason.hint) if reason else None,
            retry=int(reason.retry) if reason else 0,
        )

    def submission(self) -> Submission:
        outcome = Outcome.UNKNOWN if self.state == State.IN_FLIGHT else Outcome(self.state)
        cost = Money(Decimal(self.amount), self.currency) if self.amount is not None else None
        reason = (
            Reason(self.reason, ExitCode(self.exit_code), self.code, self.hint, bool(self.retry))
            if self.reason is not None and self.exit_code is not None
            else None
        )
        return Submission(MSISDN(self.recipient), outcome, self.message_id, self.parts, cost, reason)

    def entry(self, job: _Job) -> JournalEntry:
        return JournalEntry(
            key=job.key,
            provider=job.provider,
            profile=job.profile,
            sender=job.sender,
            created=job.created,
            text_length=job.text_length,
            text_sha256=job.text_sha256,
            text=job.text,
            state=State(self.state),
            submission=self.submission(),
            attempts=self.attempts,
            claimed=self.claimed,
            updated=self.updated,
            resolved=self.resolved,
            evidence=self.evidence,
        )


def _is_pending(submission: Submission) -> bool:
    refused_unprocessed = (
        submission.outcome is Outcome.REFUSED and submission.reason is not None and submission.reason.retry
    )
    return submission.outcome is Outcome.NOT_SENT or refused_unprocessed


def _sound(kind: type[Row], row: tuple[Any, ...]) -> Row:
    # SQLite notices a damaged page, not a damaged letter in it: "REFUSED" must not rot into something else unseen.
    *values, checksum = row
    if checksum != _checksum(values):
        raise _damaged("a row does not match its checksum")
    return kind(*values)


def _checksum(values: Sequence[object]) -> str:
    return _digest(json.dumps(list(values), default=repr))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _shown(text: str | None) -> str | None:
    return None if text is None else visible(text)


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _checked_key(key: str) -> str:
    if not key or len(key.encode(errors="replace")) > MAX_KEY or visible(key) != key:
        raise InputError(
            f"{visible(key[:MAX_KEY])!r} cannot be a key",
            hint=f"take 1 to {MAX_KEY} bytes of visible text, such as backup-2030-01-31",
        )
    return key


# --- the file and its trouble -----------------------------------------------------------------------------------------

_RESOLVE = "find out at the vendor, then: smscli journal resolve KEY --sent or --not-sent"
_KEEP = (
    "keep the file, it says what was sent; move it away to begin a new one (keys used so far are then forgotten), "
    "or use --no-journal"
)
_ELSEWHERE = "make it writable for you alone, name another directory in SMSCLI_STATE_DIR, or use --no-journal"
_TROUBLE = {
    sqlite3.SQLITE_BUSY: (f"is busy: other processes held it for {BUSY_SECONDS:.0f} seconds", "try again"),
    sqlite3.SQLITE_READONLY: ("cannot be written (the file or its directory)", _ELSEWHERE),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened (the file or one beside it)", _ELSEWHERE),
    sqlite3.SQLITE_PERM: ("cannot be written (the file or its directory)", _ELSEWHERE),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "free some space"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: disk I/O error", "look at the disk and its free space"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", _KEEP),
    sqlite3.SQLITE_NOTADB: ("is damaged", _KEEP),
}


@contextmanager
def _explained(path: Path, consequence: str = "") -> Iterator[None]:
    """Turn the trouble of SQLite and of the file system into ConfigError with what to do."""
    end = f"; {consequence}" if consequence else ""
    name = visible(str(path))
    try:
        yield
    except sqlite3.Error as error:
        what, hint = _TROUBLE.get(_code(error), (f"cannot be used: {visible(str(error))}", _KEEP))
        raise ConfigError(f"the journal {name} {what}{end}", hint=hint) from error
    except UnicodeDecodeError as error:
        # SQLite quotes a damaged schema in its error, and Python stumbles over the quotation.
        raise ConfigError(f"the journal {name} is damaged{end}", hint=_KEEP) from error
    except OSError as error:
        raise ConfigError(f"the journal {name} cannot be used: {error.strerror}{end}", hint=_ELSEWHERE) from error


def _code(error: BaseException) -> int:
    # The lower byte is the primary code, the rest says which operation it was.
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _damaged(what: str) -> ConfigError:
    return ConfigError(f"the journal is damaged: {what}", hint=_KEEP)


def _in_flight_elsewhere(key: str) -> ConflictError:
    return ConflictError(
        f"key {key!r} is being sent by another process right now",
        hint="let it finish; the same command then shows what became of it",
    )


def _create(path: Path) -> None:
    """Make an empty journal: complete under another name first, so that an empty file is always a damaged one."""
    _make_directory(path.parent)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    new = Path(name)
    try:
        os.fchmod(handle, 0o600)
        os.close(handle)
        db = sqlite3.connect(new, isolation_level=None)
        try:
            db.executescript(
                "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; BEGIN;"
                f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
                f"{';'.join(_SCHEMA.values())}; COMMIT"
            )
        finally:
            db.close()
        with suppress(FileExistsError):  # another process was faster: its journal is the one
            os.link(new, path)
    finally:
        new.unlink()
    _sync_directory(path.parent)


def _make_directory(directory: Path) -> None:
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    for place in reversed(missing):
        with suppress(FileExistsError):
            place.mkdir(0o700)
            place.chmod(0o700)  # a umask may have taken too much
            _sync_directory(place.parent)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_file(path: Path) -> None:
    # By stat alone: opening and closing the file here would drop the locks SQLite holds on it for this process.
    name, info = visible(str(path)), path.stat()
    mode = stat.S_IMODE(info.st_mode)
    if not stat.S_ISREG(info.st_mode):
        raise ConfigError(f"the journal {name} is not a regular file", hint=_ELSEWHERE)
    if info.st_uid != os.geteuid():
        raise ConfigError(f"the journal {name} belongs to another user (uid {info.st_uid})", hint=_ELSEWHERE)
    if mode & 0o077:
        raise ConfigError(f"the journal {name} is open to other users (mode {mode:04o})", hint=f"chmod 600 {name}")
    if path.parent.stat().st_mode & stat.S_IWOTH:
        # Whoever may write there may lay a rollback journal beside ours, and SQLite would play it back.
        raise ConfigError(
            f"every user may write to the directory of the journal {name}",
            hint=f"chmod o-w {visible(str(path.parent))}, or name another directory in SMSCLI_STATE_DIR",
        )


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        # Bytes that are not UTF-8 must reach the checksum rather than end as a decoding error.
        db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        # Not WAL: it needs shared memory, and releases before 3.51.3 can lose a commit there. EXTRA also syncs the
        # directory, so that a committed claim survives a power cut. Purged numbers and texts are overwritten.
        for setting in (
            "trusted_schema = OFF",
            "journal_mode = DELETE",
            "synchronous = EXTRA",
            "fullfsync = ON",
            "secure_delete = ON",
        ):
            db.execute(f"PRAGMA {setting}").close()
    except BaseException:
        db.close()
        raise
    return db


class _LockFile:
    """Which jobs have a living owner: byte N of the file is locked as long as the process that holds job N lives.

    POSIX record locks belong to a process, and closing any descriptor of the file drops them all. So a process has
    one descriptor for each file, shared by all its journals and counted, and knows itself what it holds. The file is
    never unlinked: two files of one name would be two truths.
    """

    _guard = threading.Lock()
    _shared: ClassVar[dict[tuple[int, int, int], _LockFile]] = {}

    def __init__(self, handle: int, identity: tuple[int, int, int]) -> None:
        self._handle = handle
        self._identity = identity
        self._users = 0
        self._held: set[int] = set()

    @classmethod
    def open(cls, path: Path) -> _LockFile:
        with cls._guard:
            file = cls._shared.get(_identity(path.lstat())) if path.exists() else None
            if file is None:
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
                info = os.fstat(handle)
                if not stat.S_ISREG(info.st_mode) or info.st_uid != os.geteuid():
                    os.close(handle)
                    raise ConfigError(f"the lock file {visible(str(path))} is not a file of yours", hint=_ELSEWHERE)
                os.fchmod(handle, 0o600)
                file = cls._shared[_identity(info)] = cls(handle, _identity(info))
            file._users += 1
            return file

    def hold(self, job_id: int) -> bool:
        """Hold the job until ``release``; return False when somebody, perhaps this process, holds it."""
        with self._guard:
            if job_id in self._held or not self._lock(job_id):
                return False
            self._held.add(job_id)
            return True

    def is_held(self, job_id: int) -> bool:
        """Return whether anybody holds the job. Ask inside a write transaction, where nobody can begin to."""
        with self._guard:
            if job_id in self._held:
                return True
            if not self._lock(job_id):
                return True
            self._unlock(job_id)
            return False

    def release(self, job_id: int) -> None:
        with self._guard:
            self._held.discard(job_id)
            self._unlock(job_id)

    def close(self) -> None:
        with self._guard:
            self._users -= 1
            if not self._users:
                del self._shared[self._identity]
                os.close(self._handle)

    def _lock(self, job_id: int) -> bool:
        import fcntl

        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, job_id)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, POSIX allows both
            return False
        return True

    def _unlock(self, job_id: int) -> None:
        import fcntl

        fcntl.lockf(self._handle, fcntl.LOCK_UN, 1, job_id)


def _identity(info: os.stat_result) -> tuple[int, int, int]:
    # The process takes part because a forked child inherits the descriptor but not the locks.
    return os.getpid(), info.st_dev, info.st_ino

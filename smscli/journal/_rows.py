"""The layout of the file, and its rows as values: each knows its columns, its changes and its checksum.

SQLite notices a damaged page, not a damaged letter in it: "REFUSED" must not rot into something else unseen. So every
row carries the SHA-256 of its values, and no row is believed whose checksum does not match.
"""

from __future__ import annotations

import json
import sqlite3  # noqa: TID253  (the journal is only loaded by the commands that need it)
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, Self

from smscli.errors import Cause, ConfigError
from smscli.journal._entries import State, digest
from smscli.model import MSISDN, Money, Outcome, Reason, Submission, visible

VERSION = 3
"""The layout this program reads and writes; a file with a higher one belongs to a newer smscli."""

SCHEMA = {
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
    cause TEXT,
    code TEXT,
    hint TEXT,
    evidence TEXT,
    checksum TEXT NOT NULL,
    PRIMARY KEY (job, recipient)
) WITHOUT ROWID""",
    "job_of_content": "CREATE INDEX job_of_content ON job (fingerprint)",
    "message_in_flight": "CREATE INDEX message_in_flight ON message (job) WHERE state = 'IN_FLIGHT'",
    "witness": """CREATE TABLE witness (
    job INTEGER PRIMARY KEY,
    boot TEXT NOT NULL,
    seconds REAL NOT NULL,
    checksum TEXT NOT NULL
)""",
}
"""Names and definitions, letter for letter as SQLite keeps them."""


def _keep_causes(db: sqlite3.Connection) -> None:
    """Turn layout 2, which kept an exit status and whether to try again, into layout 3, which keeps the cause."""

    def renewed(row: Sequence[Any]) -> tuple[object, ...]:
        *old, checksum = row
        *front, status, code, hint, retry, evidence = old
        cause = Cause.STALE if retry and front[3] == State.REFUSED else _CAUSE_OF_STATUS.get(status)
        new = (*front, cause, code, hint, evidence)
        # What was damaged stays damaged.
        return (*new, _checksum(new) if checksum == _checksum(old) else checksum)

    db.execute("DROP INDEX message_in_flight")
    db.execute("ALTER TABLE message RENAME TO old")
    db.execute(SCHEMA["message"])
    marks = ", ".join("?" * 18)
    db.executemany(f"INSERT INTO message VALUES ({marks})", map(renewed, db.execute("SELECT * FROM old")))  # noqa: S608
    db.execute("DROP TABLE old")
    db.execute(SCHEMA["message_in_flight"])


_CAUSE_OF_STATUS = {
    2: Cause.INPUT, 3: Cause.CONFIG, 4: Cause.CREDENTIALS, 5: Cause.REFUSED, 6: Cause.UNREACHABLE, 7: Cause.UNKNOWN,
    9: Cause.CONFLICT,
}  # fmt: skip

MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], object]] = {
    1: lambda db: db.execute(SCHEMA["witness"]),
    2: _keep_causes,
}
"""What turns each older layout into the next one, inside a transaction."""


class DamagedError(ConfigError):
    """The file does not say what was written into it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the journal is damaged: {what}")


class _Row:
    """What all rows share: the fields of a subclass are the columns of its table, in their order."""

    __slots__ = ()
    TABLE: ClassVar[str]

    @classmethod
    def read(cls, columns: Sequence[Any]) -> Self:
        """Return the row; raise ConfigError when its checksum does not match."""
        *values, checksum = columns
        if checksum != _checksum(values):
            raise DamagedError("a row does not match its checksum")
        return cls(*values)

    def columns(self) -> tuple[object, ...]:
        """Return the values and their checksum."""
        values = astuple(self)  # type: ignore[call-overload]  # every subclass is a dataclass
        return (*values, _checksum(values))


@dataclass(frozen=True, slots=True)
class JobRow(_Row):
    """One job. ``created`` is Unix seconds; ``text`` is None unless the profile asked to keep it."""

    TABLE = "job"

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
class WitnessRow(_Row):
    """When a job was last claimed, by a clock that nobody sets: see ``Boot``."""

    TABLE = "witness"

    job: int
    boot: str
    seconds: float


@dataclass(frozen=True, slots=True)
class MessageRow(_Row):
    """One recipient of one job; every change is a new row.

    Times are Unix seconds: ``claimed`` is when it last went in flight, ``updated`` when its state last changed,
    ``resolved`` when a person decided what became of it.
    """

    TABLE = "message"

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
    cause: str | None = None
    code: str | None = None
    hint: str | None = None
    evidence: str | None = None

    def in_flight(self, moment: float) -> MessageRow:
        """Return it as claimed: whatever an earlier attempt left is gone."""
        attempts = self.attempts + 1
        return MessageRow(self.job, self.recipient, self.position, State.IN_FLIGHT, attempts, moment, claimed=moment)

    def died(self, moment: float, hint: str | None) -> MessageRow:
        """Return it as UNKNOWN: whoever was sending it ended before the answer was recorded."""
        reason = Reason("smscli ended before the answer was recorded", Cause.UNKNOWN, hint=hint)
        return self._because(reason, State.UNKNOWN, moment)

    def decided(self, sent: bool, moment: float) -> MessageRow:
        """Return it as a person decided."""
        reason = None if sent else Reason("a person decided that it was not sent", Cause.UNREACHABLE)
        return replace(self._because(reason, State.SENT if sent else State.NOT_SENT, moment), resolved=moment)

    def ended(self, submission: Submission, moment: float, evidence: str | None) -> MessageRow:
        """Return it with its outcome and all that the vendor said."""
        return replace(
            self._because(submission.reason, State(submission.outcome), moment),
            message_id=_visible(submission.message_id),
            parts=submission.parts,
            amount=str(submission.cost.amount) if submission.cost else None,
            currency=submission.cost.currency if submission.cost else None,
            evidence=evidence,
        )

    def ended_before(self, moment: float) -> bool:
        """Return whether it ended, known to the end, and before that second."""
        return self.state not in (State.UNKNOWN, State.IN_FLIGHT) and self.updated < moment

    def submission(self) -> Submission:
        """Return the outcome in the words of a send."""
        outcome = Outcome.UNKNOWN if self.state == State.IN_FLIGHT else Outcome(self.state)
        cost = Money(Decimal(self.amount), self.currency) if self.amount is not None else None
        reason = (
            Reason(self.reason, Cause(self.cause), self.code, self.hint)
            if self.reason is not None and self.cause is not None
            else None
        )
        return Submission(MSISDN(self.recipient), outcome, self.message_id, self.parts, cost, reason)

    def _because(self, reason: Reason | None, state: State, moment: float) -> MessageRow:
        return replace(
            self,
            state=state,
            updated=moment,
            reason=_visible(reason.text) if reason else None,
            cause=reason.cause if reason else None,
            code=_visible(reason.code) if reason else None,
            hint=_visible(reason.hint) if reason else None,
        )


def _checksum(values: Sequence[object]) -> str:
    return digest(json.dumps(list(values), default=repr))


def _visible(text: str | None) -> str | None:
    return None if text is None else visible(text)

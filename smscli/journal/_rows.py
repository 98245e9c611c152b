"""The layout of the file, and its rows as values: each knows its columns, its changes and its checksum.

SQLite notices a damaged page, not a damaged letter in it: "REFUSED" must not rot into something else unseen. So every
row carries the SHA-256 of its values, and no row is believed whose checksum does not match.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from math import inf
from typing import Any, NamedTuple, Self

from smscli.errors import Cause, ConfigError
from smscli.journal._entries import Boot, State, digest, is_pending
from smscli.model import MSISDN, Money, Outcome, Reason, Submission, visible
from smscli.record import Record

VERSION = 5
"""The layout this program reads and writes; a file with a higher one belongs to a newer smscli."""
FRESH_SECONDS, TRY_SECONDS = 86_400.0, 3600.0
"""A check of the whole file is due again after so long, or after a try that did not come to its end."""

_TRIED = """job INTEGER NOT NULL,
    position INTEGER NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    state TEXT NOT NULL CHECK (state IN ('SENT', 'REFUSED', 'NOT_SENT', 'UNKNOWN', 'IN_FLIGHT')),
    updated REAL NOT NULL,
    provider TEXT,
    account TEXT,
    owner INTEGER,
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
    evidence TEXT"""

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
    checksum TEXT NOT NULL
)""",
    "message": f"""CREATE TABLE message (
    {_TRIED},
    recipient TEXT NOT NULL,
    text_length INTEGER NOT NULL,
    text_sha256 TEXT NOT NULL,
    text TEXT,
    checksum TEXT NOT NULL,
    PRIMARY KEY (job, position)
) WITHOUT ROWID""",
    "attempt": f"""CREATE TABLE attempt (
    {_TRIED},
    checksum TEXT NOT NULL,
    PRIMARY KEY (job, position, attempt)
) WITHOUT ROWID""",
    "job_of_content": "CREATE INDEX job_of_content ON job (fingerprint, id)",
    "message_in_flight": "CREATE INDEX message_in_flight ON message (job) WHERE state = 'IN_FLIGHT'",
    "lookup": "CREATE TABLE lookup (digest TEXT, job INTEGER, PRIMARY KEY (digest, job)) WITHOUT ROWID",
    "witness": """CREATE TABLE witness (
    job INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    claimed REAL,
    boot TEXT,
    seconds REAL,
    gone INTEGER NOT NULL CHECK (gone >= 0),
    open INTEGER NOT NULL CHECK (open >= 0),
    checksum TEXT NOT NULL
)""",
    "witness_claimed": "CREATE INDEX witness_claimed ON witness (fingerprint, claimed) WHERE gone > 0",
    "witness_boot": "CREATE INDEX witness_boot ON witness (fingerprint, boot, seconds) WHERE gone > 0",
    "witness_open": "CREATE INDEX witness_open ON witness (fingerprint) WHERE open > 0",
    "inspection": """CREATE TABLE inspection (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    begun REAL NOT NULL,
    ended REAL,
    checksum TEXT NOT NULL
)""",
    "delivery": """CREATE TABLE delivery (
    job INTEGER NOT NULL,
    position INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    state TEXT NOT NULL,
    final INTEGER NOT NULL CHECK (final IN (0, 1)),
    word TEXT,
    learnt REAL NOT NULL,
    at TEXT,
    ended REAL,
    checksum TEXT NOT NULL,
    PRIMARY KEY (job, position, message_id)
) WITHOUT ROWID""",
}
"""Names and definitions, letter for letter as SQLite keeps them.

``message`` holds the latest attempt at each message, ``attempt`` those before it. ``lookup`` says a second time, apart
from the indexes of ``job``, which job has a key (``key_digest``) or a content (its fingerprint): a single damaged page
must not make a used key look free. ``job_of_content`` names the id, or PostgreSQL would look for the latest job of a
content by walking through all ids. ``delivery`` is where accepted messages stand (see ``_delivery``).
"""

# No journal is older than this program (2024-01-01): a clock that says so was wrong.
BEFORE_SMSCLI = 1_704_067_200.0


class DamagedError(ConfigError):
    """The file does not say what was written into it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the journal is damaged: {what}")


class Row(Record):
    """What all rows share: the fields of a subclass are the columns of its table, in their order.

    So many of the first columns as ``KEYS`` says name the row.
    """

    TABLE = ""
    KEYS = 1

    @classmethod
    def read(cls, columns: Sequence[Any]) -> Self:
        """Return the row; raise ConfigError when its checksum does not match."""
        *values, stored = columns
        if stored != checksum(values):
            raise DamagedError("a row does not match its checksum")
        return cls(*values)

    def columns(self) -> tuple[object, ...]:
        """Return the values and their checksum."""
        values = self._values()
        return (*values, checksum(values))

    @classmethod
    @cache
    def insertion(cls) -> str:
        """Return the statement that inserts ``columns``."""
        marks = ", ".join("?" * (len(cls.__match_args__) + 1))
        return f"INSERT INTO {cls.TABLE} VALUES ({marks})"  # noqa: S608  (constants and question marks)

    @classmethod
    @cache
    def change(cls) -> str:
        """Return the statement that puts ``columns``, those that name the row last, in the place of a row's own."""
        keys, others = cls.names()
        values = ", ".join(f"{name} = ?" for name in others)
        names = " AND ".join(f"{name} = ?" for name in keys)
        return f"UPDATE {cls.TABLE} SET {values} WHERE {names}"  # noqa: S608  (as above)

    @classmethod
    def replacement(cls) -> str:
        """Return the statement that inserts ``columns``, or puts them in the place of a row of that name."""
        keys, others = cls.names()
        anew = ", ".join(f"{name} = excluded.{name}" for name in others)
        return f"{cls.insertion()} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {anew}"

    @classmethod
    def names(cls) -> tuple[Sequence[str], Sequence[str]]:
        """Return the columns that name the row, and the others."""
        columns = (*cls.__match_args__, "checksum")
        return columns[: cls.KEYS], columns[cls.KEYS :]


class JobRow(Row):
    """One job, as it was begun. ``created`` is Unix seconds."""

    TABLE = "job"

    id: int
    key: str
    fingerprint: str
    provider: str
    profile: str
    sender: str
    created: float
    recipients: int


class Window(NamedTuple):
    """A stretch of time up to now: from ``since`` on by the wall clock, or ``after`` by the clock of this boot.

    ``boot`` is empty where the system names none.
    """

    since: float
    boot: str
    after: float


class WitnessRow(Row):
    """One for each job: when it was last claimed, by both clocks, and how it stands.

    ``claimed`` is Unix seconds, infinite once a clock was surely wrong; ``boot`` and ``seconds`` are of the last
    claim (see ``Boot``). ``gone`` counts the messages that went out, perhaps, ``open`` those UNKNOWN or in flight.
    """

    TABLE = "witness"

    job: int
    fingerprint: str
    claimed: float | None = None
    boot: str | None = None
    seconds: float | None = None
    gone: int = 0
    open: int = 0

    def after_claim(self, moment: float, boot: Boot | None, *, is_doubted: bool = False) -> WitnessRow:
        """Return it as of a claim now. The latest claim stays, also one that a wrong clock put into the future."""
        claimed = max(self.claimed or moment, inf if is_doubted or moment <= BEFORE_SMSCLI else moment)
        by_boot = (boot.id, boot.seconds) if boot else (None, None)
        return self._replace(claimed=claimed, boot=by_boot[0], seconds=by_boot[1])

    def counting(self, before: Sequence[MessageRow], after: Sequence[MessageRow]) -> WitnessRow:
        """Return it with messages of its job changed."""
        gone = sum(m.went_out for m in after) - sum(m.went_out for m in before)
        return self._replace(gone=self.gone + gone, open=self.open + sum(map(_open, after)) - sum(map(_open, before)))

    def may_be_in(self, window: Window) -> bool:
        """Return whether the job counts as sent in that time, as far as this row can tell, or is open at any age."""
        if self.open or not self.gone:
            return bool(self.open)
        clock, from_then_on = (self.seconds, window.after) if self.boot == window.boot else (self.claimed, window.since)
        return clock is not None and clock >= from_then_on


class InspectionRow(Row):
    """When the whole file was last checked: the last try, and the last one that came to its end (Unix seconds)."""

    TABLE = "inspection"

    id: int
    begun: float
    ended: float | None

    def is_fresh(self, now: float) -> bool:
        """Return whether no other check is due; a moment in the future was taken from a wrong clock."""
        limits = ((self.begun, TRY_SECONDS), (self.ended, FRESH_SECONDS))
        return any(moment is not None and 0 <= now - moment < seconds for moment, seconds in limits)


class AttemptRow(Row):
    """One attempt at one message; ``attempt`` counts from 1, and is 0 as long as there was none.

    ``owner`` is who claimed it: with ``attempt`` it names the claim. Times are Unix seconds: ``claimed`` is when it
    went in flight, ``updated`` when its state last changed, ``resolved`` when a person decided what became of it.
    """

    TABLE = "attempt"
    KEYS = 3

    job: int
    position: int
    attempt: int = 0
    state: str = State.NOT_SENT
    updated: float = 0.0
    provider: str | None = None
    account: str | None = None
    owner: int | None = None
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

    @property
    def cost(self) -> Money | None:
        """What it cost, if the vendor said."""
        return Money(Decimal(self.amount), self.currency) if self.amount is not None else None

    @property
    def why(self) -> Reason | None:
        """Why it is not SENT, if that is known."""
        if self.reason is None or self.cause is None:
            return None
        return Reason(self.reason, Cause(self.cause), self.code, self.hint)

    @property
    def tried_with(self) -> tuple[str, str] | None:
        """The vendor and the account that it was tried with, None where there was no try."""
        return None if self.provider is None or self.account is None else (self.provider, self.account)

    @property
    def is_refused(self) -> bool:
        """Whether the vendor said no, for good."""
        return self.state == State.REFUSED and self.cause not in (Cause.STALE, Cause.BUSY)


class MessageRow(AttemptRow):
    """One message of one job with the latest attempt at it; every change is a new row.

    ``text`` is None unless the profile asked to keep it.
    """

    TABLE = "message"
    KEYS = 2

    recipient: str = ""
    text_length: int = 0
    text_sha256: str = ""
    text: str | None = None

    @property
    def went_out(self) -> bool:
        """Whether it was claimed, and is not proved unsent."""
        return self.state != State.NOT_SENT and self.claimed is not None

    @property
    def may_be_claimed(self) -> bool:
        """Whether it may be sent (again): what ``is_pending`` says of its outcome."""
        unprocessed = self.state == State.REFUSED and self.cause in (Cause.STALE, Cause.BUSY)
        return self.state == State.NOT_SENT or unprocessed

    @property
    def past(self) -> AttemptRow:
        """The latest attempt, to be kept when there is another."""
        return AttemptRow(*[getattr(self, name) for name in AttemptRow.__match_args__])

    def in_flight(self, moment: float, owner: int, provider: str, account: str) -> MessageRow:
        """Return it as claimed: whatever an earlier attempt left is gone."""
        return MessageRow(
            self.job, self.position, self.attempt + 1, State.IN_FLIGHT, moment, provider, account, owner, moment,
            recipient=self.recipient, text_length=self.text_length, text_sha256=self.text_sha256, text=self.text,
        )  # fmt: skip

    def died(self, moment: float, hint: str | None) -> MessageRow:
        """Return it as UNKNOWN: whoever was sending it ended before the answer was recorded."""
        reason = Reason("smscli ended before the answer was recorded", Cause.UNKNOWN, hint=hint)
        return self._because(reason, State.UNKNOWN, moment)

    def decided(self, sent: bool, moment: float, *, forgets_text: bool) -> MessageRow:
        """Return it as a person decided."""
        reason = None if sent else Reason("a person decided that it was not sent", Cause.UNREACHABLE)
        row = self._because(reason, State.SENT if sent else State.NOT_SENT, moment)
        return row._replace(resolved=moment, text=None if forgets_text else self.text)

    def ended(
        self, submission: Submission, moment: float, evidence: str | None, *, forgets_text: bool = False
    ) -> MessageRow:
        """Return it with its outcome and all that the vendor said; ``forgets_text`` unless it may be sent again."""
        is_over = submission.outcome is not Outcome.UNKNOWN and not is_pending(submission)
        cost, why = submission.cost, _why(submission.reason, State(submission.outcome), moment)
        return MessageRow(
            self.job, self.position, self.attempt, provider=self.provider, account=self.account, owner=self.owner,
            claimed=self.claimed, message_id=_visible(submission.message_id),
            parts=submission.parts, amount=str(cost.amount) if cost else None, currency=cost.currency if cost else None,
            **why, evidence=evidence, recipient=self.recipient, text_length=self.text_length,
            text_sha256=self.text_sha256, text=None if forgets_text and is_over else self.text,
        )  # fmt: skip

    def ended_before(self, moment: float) -> bool:
        """Return whether it ended, known to the end, and before that second."""
        return self.state not in (State.UNKNOWN, State.IN_FLIGHT) and self.updated < moment

    def submission(self) -> Submission:
        """Return the outcome in the words of a send."""
        outcome = Outcome.UNKNOWN if self.state == State.IN_FLIGHT else Outcome(self.state)
        return Submission(MSISDN(self.recipient), outcome, self.message_id, self.parts, self.cost, self.why)

    def _because(self, reason: Reason | None, state: State, moment: float) -> MessageRow:
        return self._replace(**_why(reason, state, moment))


def _why(reason: Reason | None, state: State, moment: float) -> dict[str, Any]:
    """Return the columns that say how a message stands, and why."""
    return {
        "state": state,
        "updated": moment,
        "reason": _visible(reason.text) if reason else None,
        "cause": reason.cause if reason else None,
        "code": _visible(reason.code) if reason else None,
        "hint": _visible(reason.hint) if reason else None,
    }


def key_digest(key: str) -> str:
    """Return what stands for a key in ``lookup``; no fingerprint is the SHA-256 of such a text."""
    return digest(f"key {key}")


def _open(message: MessageRow) -> bool:
    return message.state in (State.UNKNOWN, State.IN_FLIGHT)


# json.dumps() makes an encoder for each call.
_encode = json.JSONEncoder(default=repr).encode


def checksum(values: Sequence[object]) -> str:
    return digest(_encode(list(values)))


def _visible(text: str | None) -> str | None:
    return None if text is None else visible(text)

"""What the journal is given and gives back. Frozen values; nothing here touches a file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum, unique
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from smscli.errors import Cause
from smscli.model import MSISDN, Outcome, Secret, Submission, visible
from smscli.record import Record

if TYPE_CHECKING:
    from smscli.journal._delivery import DeliveryRow
    from smscli.journal._rows import AttemptRow, JobRow, MessageRow


class Hints(NamedTuple):
    """What to do about trouble, in the words of whoever opens the journal: it knows no commands and no options.

    ``damaged``: the file cannot be believed; ``elsewhere``: file or directory cannot be used; ``another``: they
    belong to somebody else; ``newer``: the file is a later program's; ``older``: a server's
    tables are an earlier one's; ``gone``: there was a journal, and is none; ``server``: it cannot be reached;
    ``keys``: there is no such key; ``decide``: a recipient is UNKNOWN; ``key`` is
    given a key that was used.
    """

    damaged: str | None = None
    elsewhere: str | None = None
    another: str | None = None
    newer: str | None = None
    older: str | None = None
    gone: str | None = None
    server: str | None = None
    keys: str | None = None
    decide: str | None = None
    key: Callable[[str], str | None] = lambda _key: None


NO_HINTS = Hints()


# libpq's URL: scheme, user, (password), the at sign, hosts and database, (parameters).
_HOST = r"(?:\[[^]/@?]*\]|[^]/:@?,[]*)(?::\d*)?"
_URL = rf"(postgres(?:ql)?://)(?:([^/:@?]*)(?::[^/@?]*)?(@))?({_HOST}(?:,{_HOST})*(?:/[^/@?]*)?)(?:\?[^@]*)?"


class Server(NamedTuple):
    """A PostgreSQL database that a journal is kept in: libpq's URL, the schema, and who knows the password.

    ``password`` is asked when the URL holds none; None leaves it to libpq (environment, password file, none at all).
    """

    url: Secret
    schema: str
    password: Callable[[], Secret] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is clear where in the URL a password stands: one with ``@`` or ``/`` in it must be escaped."""
        return re.fullmatch(_URL, self.url.reveal()) is not None

    def __str__(self) -> str:
        """Return the URL without what may be secret: the password and all parameters, or all when that is not clear."""
        parts = re.fullmatch(_URL, self.url.reveal())
        return visible(parts.expand(r"\1\2\3\4")) if parts else "postgresql://…"

    def __repr__(self) -> str:
        return f"Server({self})"


@unique
class State(StrEnum):
    """Where one recipient of one job stands: an outcome, or on its way to one."""

    SENT = Outcome.SENT
    REFUSED = Outcome.REFUSED
    NOT_SENT = Outcome.NOT_SENT
    UNKNOWN = Outcome.UNKNOWN
    IN_FLIGHT = "IN_FLIGHT"
    """Committed before the first byte of its request left. Without a living process this is UNKNOWN."""


class Boot(Record):
    """A second witness of time: an id of this run of the machine, and the seconds since it began, sleep included.

    No one sets this clock. It says nothing about another run.
    """

    id: str
    seconds: float


class Job(Record):
    """Some recipients, each with a text, under one key; ``fingerprint`` says what else must be equal to be the same.

    ``account`` is the public name of the account, ``profile`` and ``sender`` are empty when there is none. A text is
    kept as length and SHA-256, in clear only with ``store_text``. No recipient stands in ``messages`` twice.
    """

    key: str
    provider: str
    account: str
    profile: str
    sender: str
    messages: tuple[tuple[MSISDN, str], ...]
    fingerprint: str
    store_text: bool = False

    @property
    def recipients(self) -> tuple[MSISDN, ...]:
        """The recipients, in order."""
        return tuple(number for number, _ in self.messages)


class Twin(Record):
    """Another key under which the same content was begun, at ``since`` (Unix seconds).

    ``unknown`` says that what became of it is not known; then its age does not matter.
    """

    key: str
    since: float
    unknown: bool


class Opened(Record):
    """A job as it stands now that this process holds it: one submission for each recipient, in the order asked for.

    ``key`` is the one to claim and settle with. It is not the key asked for when ``once`` found the same content under
    another one; then ``repeated_from`` names that one too, and ``doubted`` says that the clock was changed, so that
    its age cannot be told. ``since`` is when the job began, in Unix seconds; ``by`` names the vendor and the account
    that each recipient was tried with last, ``refused_by`` all that have refused it for good. ``twin`` is the same
    content under another key, sent within ten minutes or UNKNOWN.
    """

    key: str
    submissions: tuple[Submission, ...]
    since: float
    by: Mapping[MSISDN, tuple[str, str]] = MappingProxyType({})
    refused_by: Mapping[MSISDN, frozenset[tuple[str, str]]] = MappingProxyType({})
    repeated_from: str | None = None
    doubted: bool = False
    twin: Twin | None = None

    @property
    def pending(self) -> tuple[MSISDN, ...]:
        """The recipients that may be claimed: proved not sent, or refused as unprocessed."""
        return tuple(s.to for s in self.submissions if is_pending(s))

    @property
    def replayed(self) -> bool:
        """Whether nothing is left to send: the submissions are what an earlier run brought."""
        return not self.pending


class Selection(NamedTuple):
    """Which recipients are wanted; what is empty or None leaves nothing out.

    ``since`` is Unix seconds: what changed then or later. ``profile`` is a profile's name.
    """

    states: Sequence[State] = ()
    since: float | None = None
    to: MSISDN | None = None
    profile: str | None = None

    def includes(self, entry: JournalEntry) -> bool:
        """Return whether an entry is wanted."""
        message = entry.message
        return (
            (not self.states or message.state in self.states)
            and (self.since is None or message.updated >= self.since)
            and (self.to is None or message.recipient == self.to.digits)
            and (self.profile is None or entry.job.profile == self.profile)
        )


EVERYTHING = Selection()


class JournalEntry(Record):
    """One recipient of one job: the job's row, the message's row, and what both say in the words of a send.

    ``earlier`` are the attempts before the latest, oldest first; a list of many entries leaves them out.
    ``deliveries`` are where ids of it stand, as far as that is known, those of earlier attempts included.
    """

    job: JobRow
    message: MessageRow
    earlier: tuple[AttemptRow, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()

    @property
    def key(self) -> str:
        """The job's key."""
        return self.job.key

    @property
    def state(self) -> State:
        """Where it stands."""
        return State(self.message.state)

    @property
    def submission(self) -> Submission:
        """The outcome with all the vendor said; its outcome equals ``state`` but for IN_FLIGHT, UNKNOWN there."""
        return self.message.submission()

    @property
    def delivery(self) -> DeliveryRow | None:
        """Where it stands by the vendor's word: of parts with an id each the gravest one, None while that is not known.

        Half a text is not delivered.
        """
        known = self.own_deliveries
        gravest = max(known, key=lambda row: row.report.state.gravity, default=None)
        is_half = len(known) < len(self._ids) and gravest and not gravest.report.state.gravity
        return None if is_half else gravest

    @property
    def own_deliveries(self) -> tuple[DeliveryRow, ...]:
        """What is known of the ids of its latest attempt."""
        return tuple(row for row in self.deliveries if row.message_id in self._ids)

    @property
    def _ids(self) -> list[str]:
        return (self.message.message_id or "").split(",")


def is_pending(submission: Submission) -> bool:
    """Return whether this recipient may be claimed: proved not sent, or refused and documented as unprocessed."""
    unprocessed = submission.reason is not None and submission.reason.cause in (Cause.STALE, Cause.BUSY)
    return submission.outcome is Outcome.NOT_SENT or (submission.outcome is Outcome.REFUSED and unprocessed)


def fingerprint(
    *,
    provider: str,
    base_url: str,
    account_id: str,
    sender: str | None,
    text: str,
    recipients: Sequence[MSISDN],
    send_at: datetime | None = None,
    test: bool = False,
) -> str:
    """Return the SHA-256 (hex) of what makes two jobs the same; the order of the recipients does not.

    ``base_url`` takes part because a receipt from one host says nothing of another. ``account_id`` is the public name
    of the account (login, project, application); no secret takes part.
    """
    moment = send_at.isoformat() if send_at else None
    numbers = sorted({number.digits for number in recipients})
    return digest(json.dumps([provider, base_url, account_id, sender or "", text, numbers, moment, test]))


def digest(text: str) -> str:
    """Return the SHA-256 of ``text`` in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


text_digest = lru_cache(maxsize=1)(digest)
"""The same of a message's text, which is often that of the message before."""

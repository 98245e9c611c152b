"""The values an SMS tool speaks of: numbers, messages, outcomes, money, secrets.

This module is pure: frozen values and the rules that hold inside one value. No I/O, no clock, no vendor words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum, unique
from types import MappingProxyType
from typing import TYPE_CHECKING

from smscli.errors import ERROR_OF, Cause, ExitCode, InputError, PartialError, SmscliError
from smscli.record import Record

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

Pairs = tuple[tuple[str, str], ...]
"""Request parameters: names and values, decoded, in order, repeats allowed."""

# --- text that may be shown ------------------------------------------------------------------------------------------

# C0, DEL and C1 steer terminals; the bidi controls reorder what a reader sees (CVE-2021-42574); line and paragraph
# separators and the invisible marks break columns; lone surrogates cannot be encoded. U+200C and U+200D stay:
# Persian needs the first and family emoji the second.
_UNSHOWABLE = (
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def visible(text: str) -> str:
    r"""Return ``text`` with every character that steers instead of shows written as an escape.

    Tab, line feed and carriage return become ``\t``, ``\n`` and ``\r``; others ``\x1b``, ``\u202e``. Printable
    characters of every script, emoji included, pass unharmed.
    """
    return text if text.isascii() and text.isprintable() else re.sub(_UNSHOWABLE, _escape, text)


def _escape(match: re.Match[str]) -> str:
    short = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}
    character = match[0]
    code = ord(character)
    return short.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


# --- secrets ---------------------------------------------------------------------------------------------------------

MASK = "***"


class Secret:
    """A key or password: prints, formats and pickles as ``***``; only ``reveal()`` gives the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself. Every caller is worth a look in review."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (MASK,)


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` with every occurrence of every secret masked: the longer ones first, which may hold others."""
    for value in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        text = text.replace(value, MASK) if value else text
    return text


# --- numbers and senders ---------------------------------------------------------------------------------------------


class MSISDN(Record):
    """A subscriber number in E.164 digits, without ``+`` (ITU-T E.164: at most 15 digits, never a leading zero)."""

    digits: str

    def __post_init__(self) -> None:
        """Refuse what cannot be E.164; ``smscli.numbering`` parses what people type."""
        digits = self.digits
        if not (5 <= len(digits) <= 15 and digits.isascii() and digits.isdigit() and digits[0] != "0"):
            raise InputError(f"{visible(self.digits)!r} is not an E.164 number (5 to 15 digits, no leading zero)")

    def __lt__(self, other: MSISDN) -> bool:
        return self.digits < other.digits

    def __hash__(self) -> int:
        return hash(self.digits)

    def __str__(self) -> str:
        return f"+{self.digits}"


class SenderId(Record):
    """What the recipient sees as the origin: a registered name or a number. Vendors set their own rules on top."""

    value: str

    def __post_init__(self) -> None:
        """Refuse what no vendor takes: nothing at all, control characters, more than 20 characters."""
        if not self.value.strip() or len(self.value) > 20 or visible(self.value) != self.value:
            raise InputError(
                f"sender {visible(self.value)!r} is not a sender ID",
                hint="use the registered name (usually 3 to 11 letters and digits) or number, no control characters",
            )

    def __str__(self) -> str:
        return self.value


# --- what is sent ----------------------------------------------------------------------------------------------------


class Message(Record):
    """One text for one or more recipients, complete before anything is signed.

    ``send_at`` is aware and already in the vendor's time zone: vendors take wall-clock time without an offset.
    ``test`` asks for the vendor's own test mode (accepted, not delivered, not charged).
    """

    to: tuple[MSISDN, ...]
    text: str
    sender: SenderId | None = None
    send_at: datetime | None = None
    test: bool = False


@unique
class Outcome(StrEnum):
    """How one recipient of one send ended; there is no fifth way."""

    SENT = "SENT"
    """The vendor accepted it, in a complete documented answer, with an id."""
    REFUSED = "REFUSED"
    """The vendor refused it, in a complete documented answer."""
    NOT_SENT = "NOT_SENT"
    """Proved: no byte of a request that names this recipient reached a connected socket."""
    UNKNOWN = "UNKNOWN"
    """Anything else. Never resent by itself."""


class Reason(Record):
    """Why an outcome is not SENT, in words that are safe to show.

    ``code`` is the vendor's own code. ``wait`` is the seconds after which another try may go better, where the vendor
    says so.
    """

    text: str
    cause: Cause
    code: str | None = None
    hint: str | None = None
    wait: float | None = None

    @classmethod
    def of(cls, error: SmscliError) -> Reason:
        """Return what an error says of the recipients it concerns."""
        return cls(error.message, error.cause, error.code, error.hint, error.wait)

    def error(self, text: str | None = None) -> SmscliError:
        """Return the error that ends a command for this reason, in other words if there are any."""
        error = ERROR_OF[self.cause](text or self.text, hint=self.hint, code=self.code)
        error.wait = self.wait
        return error


class Money(Record):
    """An amount in a currency (ISO 4217 where the vendor says so)."""

    amount: Decimal
    currency: str | None = None


class Submission(Record):
    """What became of one recipient. ``parts``, ``cost`` and ``delivery`` are the vendor's, where its answer tells."""

    to: MSISDN
    outcome: Outcome
    message_id: str | None = None
    parts: int | None = None
    cost: Money | None = None
    reason: Reason | None = None
    delivery: DeliveryReport | None = None


class Balance(Record):
    """What is left: money (``unit`` is the currency) or messages (``unit`` is ``SMS``).

    ``daily_quota`` is the number of free messages a day where the vendor grants them.
    """

    amount: Decimal
    unit: str
    daily_quota: int | None = None
    note: str | None = None


class Quote(Record):
    """What the vendor says a message costs, asked before it is sent.

    ``price`` is that of the text to all of ``to`` together, the recipients that the vendor priced; None where it names
    none, and 0 is none. ``parts`` is the vendor's own count for one recipient, ``note`` what its pages leave open
    about this price.
    """

    price: Money | None
    to: tuple[MSISDN, ...]
    parts: int | None = None
    note: str | None = None


@unique
class DeliveryState(StrEnum):
    """Where an accepted message stands, in the words of SMPP (5.0, message_state)."""

    SCHEDULED = "SCHEDULED"
    ENROUTE = "ENROUTE"
    DELIVERED = "DELIVERED"
    EXPIRED = "EXPIRED"
    DELETED = "DELETED"
    UNDELIVERABLE = "UNDELIVERABLE"
    ACCEPTED = "ACCEPTED"
    UNKNOWN = "UNKNOWN"
    """The vendor does not know it, or has a word for it that no page of its has."""
    REJECTED = "REJECTED"
    SKIPPED = "SKIPPED"

    @property
    def is_final(self) -> bool:
        """Whether it stays so. SMPP calls ACCEPTED final; a client of a vendor calls "partly delivered" by it."""
        return self not in (self.SCHEDULED, self.ENROUTE, self.ACCEPTED, self.UNKNOWN)

    @property
    def gravity(self) -> int:
        """How much a part's state says of the whole text: one that never arrives most, a delivered one nothing."""
        return 0 if self is self.DELIVERED else 1 + self.is_final


class DeliveryReport(Record):
    """What the vendor says of one message, by its id.

    ``word`` is the vendor's own, None when the answer does not mention the message. ``at`` is the vendor's time of
    it, as it is written there: no page says in which zone.
    """

    id: str
    state: DeliveryState = DeliveryState.UNKNOWN
    word: str | None = None
    at: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether asking again would bring nothing new."""
        return self.state.is_final


class ServerTime(Record):
    """The vendor's clock, in Unix seconds (UTC)."""

    unix: int


class SendReceipt(Record):
    """One submission for each recipient, in the order they were asked for.

    ``unrecorded`` says why the journal could not take what is told here of the recipients in ``unrecorded_to``.
    ``evidence`` is the shape of an answer that was not understood: safe to show and to keep.
    """

    submissions: tuple[Submission, ...]
    balance: Balance | None = None
    unrecorded: Reason | None = None
    unrecorded_to: tuple[MSISDN, ...] = ()
    evidence: str | None = None

    @property
    def cause(self) -> Cause | None:
        """Why nothing was accepted, or why it is not known of some; None when all or a known part was accepted.

        When none was accepted the gravest reason speaks: credentials before a refusal, both before a failed try.
        """
        outcomes = {submission.outcome for submission in self.submissions}
        if Outcome.UNKNOWN in outcomes or (self.unrecorded and outcomes != {Outcome.NOT_SENT}):
            return Cause.UNKNOWN
        if Outcome.SENT in outcomes:
            return None
        if self.unrecorded:
            return Cause.CONFIG
        causes = {submission.reason.cause for submission in self.submissions if submission.reason}
        return next((cause for cause in _GRAVEST_FIRST if cause in causes), Cause.UNREACHABLE)

    @property
    def error(self) -> SmscliError | None:
        """The error of the whole send: that of its cause, PartialError, or None when every recipient was accepted."""
        cause, total = self.cause, len(self.submissions)
        counts = {outcome: sum(s.outcome is outcome for s in self.submissions) for outcome in Outcome}
        if cause is None:
            if counts[Outcome.SENT] == total:
                return None
            why = next((s.reason for s in self.submissions if s.reason), _UNSAID)
            text = f"{counts[Outcome.SENT]} of {total} accepted; the rest was not: {why.text}"
            return PartialError(text, hint=why.hint, code=why.code)
        if self.unrecorded:
            text = f"the outcome is shown but could not be recorded: {self.unrecorded.text}"
            return ERROR_OF[cause](text, hint=self.unrecorded.hint)
        reasons = [s.reason for s in self.submissions if s.reason and ERROR_OF[s.reason.cause] is ERROR_OF[cause]]
        reason = reasons[0] if reasons else _UNSAID._replace(cause=cause)
        return reason.error(reason.text if total == 1 else f"{reason.text} ({_tally(counts)})")

    @property
    def exit_code(self) -> ExitCode:
        """The status of the whole: 7 when anything is unknown, 0 when all went out, 8 when some did."""
        return self.error.exit_code if self.error else ExitCode.OK


_GRAVEST_FIRST = (Cause.CREDENTIALS, Cause.REFUSED, Cause.INPUT, Cause.CONFIG)
_UNSAID = Reason("no reason was given", Cause.UNKNOWN)


def _tally(counts: Mapping[Outcome, int]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)


# --- whose account ---------------------------------------------------------------------------------------------------


class Field(Record):
    """One value a vendor needs from a profile. Its environment variable is ``SMSCLI_`` and the name in capitals.

    ``choices`` empties to "any text"; ``pattern`` is a full-match regular expression, ``example`` shows what fits.
    A ``secret`` signs, and stays here; one that is ``sent`` travels in requests instead (a password beside the key).
    """

    name: str
    help: str
    secret: bool = False
    required: bool = True
    choices: tuple[str, ...] = ()
    default: str | None = None
    pattern: str | None = None
    example: str | None = None
    sent: bool = False


class Account(Record):
    """Everything a request builder may know of the account: never where it came from.

    ``fields`` holds the vendor's own values by field name (``login``, ``project``, ``app_id`` …), defaults filled in.
    ``secret`` signs; ``sent_secrets`` are those that travel, by field name.
    """

    base_url: str
    secret: Secret
    fields: Mapping[str, str] = MappingProxyType({})
    sent_secrets: Mapping[str, Secret] = MappingProxyType({})

    def url(self, script: str) -> str:
        """Return the address of one of the vendor's scripts."""
        return f"{self.base_url.rstrip('/')}/{script}"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Everything that nobody may see."""
        return (self.secret, *self.sent_secrets.values())

    def mask(self, text: str) -> str:
        """Return ``text`` with all of the account's secrets masked."""
        return mask(text, self.secrets)


class SecretValue(Record):
    """A secret that is already here."""

    value: Secret


class SecretFile(Record):
    """A secret that is read from a file when it is needed; ``~`` at its beginning is the home directory."""

    path: str


class SecretCommand(Record):
    """A secret that a command prints when it is needed; ``argv`` is not empty, and no shell sees it."""

    argv: tuple[str, ...]


class SecretCredential(Record):
    """A secret that systemd has handed to this service; ``path`` is that of its file."""

    path: str


SecretSource = SecretValue | SecretFile | SecretCommand | SecretCredential
"""Where a secret comes from."""


class Profile(Record):
    """One complete, validated set of settings, each value with the layer that won it.

    ``fields`` are the vendor's public values; ``sources`` maps every set name to words such as
    ``environment SMSCLI_LOGIN`` or ``profile work``. ``name`` is None when no profile takes part. ``sandbox`` says
    that an emulator is reached, not a vendor: the one at ``base_url``, or without one the one in this process.
    ``secret`` is None when the call needs none and none is set.
    """

    name: str | None
    provider: str
    base_url: str
    secret: SecretSource | None
    fields: Mapping[str, str] = MappingProxyType({})
    sent_secrets: Mapping[str, SecretSource] = MappingProxyType({})
    sender: str | None = None
    to: tuple[str, ...] = ()
    region: str | None = None
    time_zone: str | None = None
    timeout: float | None = None
    batch_size: int | None = None
    confirm_above: int | None = None
    fallback: tuple[str, ...] = ()
    proxy: Secret | None = None
    ca_file: str | None = None
    store_text: bool = False
    sandbox: bool = False
    sources: Mapping[str, str] = MappingProxyType({})


def all_of(to: Sequence[MSISDN], outcome: Outcome, reason: Reason) -> tuple[Submission, ...]:
    """Return one submission for each recipient, all with the same outcome and reason."""
    return tuple(Submission(number, outcome, reason=reason) for number in to)

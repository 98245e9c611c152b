"""What every emulated vendor is made of: a call, an answer, and the desk that remembers.

No Flask here: a vendor platform is a record of functions from a ``Call`` to an ``Answer``.
"""

from __future__ import annotations

import hmac
import itertools
import secrets
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from math import inf
from threading import Lock
from zoneinfo import ZoneInfo

from smscli import providers
from smscli.errors import InputError
from smscli.model import Account, DeliveryState, Pairs, Secret, visible

# What is kept, in entries and in bytes of text; a load test must not eat the machine's memory.
_CAUGHT = 10_000
_CAUGHT_BYTES = 64 * 1024 * 1024

# A serial number is, from the top: 29 bits of seconds since 2024, one that says whether it arrives, and 23 of count. It
# stays below 2**53, where JavaScript and jq begin to read numbers wrongly.
_EPOCH = 1_704_067_200  # 2024-01-01 in Unix seconds
_SECONDS = 2**29
_COUNT = 2**23

# Seconds after which an accepted message is on its way, and after which it has arrived or never will.
_ENROUTE = 2
_END = 4

_COMBINATIONS = 30_000  # of mistakes that are tried on a wrong signature: a tenth of a second


@dataclass(frozen=True, slots=True)
class Demo:
    """An invented account, and what else a ready profile needs.

    ``numbers`` are three of nobody, ``+`` and digits, that the vendor takes: for examples and tests.
    """

    account: Account
    numbers: tuple[str, str, str]
    sender: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a vendor's program sees it.

    ``params`` are the decoded pairs of query and body. ``accounts`` are those of this platform, by vendor name.
    ``now`` is Unix seconds. ``demo_keys`` are the invented keys, by vendor name.
    """

    params: Pairs
    accept: str
    accounts: Mapping[str, Account]
    now: float
    demo_keys: Mapping[str, Secret]

    def get(self, name: str) -> str | None:
        """Return the parameter's value, or None when it was not sent."""
        return next((value for own, value in self.params if own == name), None)

    def account(self, field_name: str, value: str | None) -> tuple[str, Account] | None:
        """Return the vendor name and account whose field has this value, or None."""
        return next(((n, a) for n, a in self.accounts.items() if a.fields.get(field_name) == value), None)


@dataclass(frozen=True, slots=True)
class Check:
    """A signature looked at: whether it was right, and the text that should have been hashed, secret masked.

    The correct signature is not kept: nobody shall use the sandbox to have a profile's key sign for them.
    ``diagnosis`` says which mistake gives the wrong one, for demo accounts only: of a real key it could tell a
    stranger how it looks.
    """

    right: bool
    expected: str
    diagnosis: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. Many vendors put their errors into the body and keep the HTTP status at 200."""

    body: str
    content_type: str
    check: Check | None = None
    status: int = 200
    headers: Pairs = ()


@dataclass(frozen=True, slots=True)
class Emulator:
    """One vendor platform: its demo accounts by vendor name, its paths, and what an account holds at the start."""

    demo: Mapping[str, Demo]
    routes: Mapping[str, Callable[[Call, Desk], Answer]]
    credit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """One message to one recipient, or one refused request (``to`` None).

    ``now`` is Unix seconds. ``signature`` is the one that came. ``refusal`` says why it was refused, None means
    accepted. ``send_at`` is as it came.
    """

    vendor: str
    operation: str
    now: float
    signature: str | None
    check: Check | None = None
    refusal: str | None = None
    to: str | None = None
    text: str | None = None
    sender: str | None = None
    send_at: str | None = None
    parts: int | None = None
    message_id: str | None = None
    note: str | None = None

    @property
    def size(self) -> int:
        """How many bytes its texts take, each counted as if no other entry shared it."""
        texts = (self.vendor, self.signature, self.to, self.text, self.sender, self.send_at, self.note)
        checked = (self.check.expected, self.check.diagnosis) if self.check else ()
        return sum(map(sys.getsizeof, (*texts, *checked)))

    def tree(self) -> dict[str, object]:
        """Return the entry as it stands in the JSON list; ``expected`` only when the signature was wrong."""
        return {
            "vendor": self.vendor,
            "operation": self.operation,
            "accepted": self.refusal is None,
            "refusal": self.refusal,
            "to": self.to,
            "text": self.text,
            "sender": self.sender,
            "send_at": self.send_at,
            "parts": self.parts,
            "message_id": self.message_id,
            "received": datetime.fromtimestamp(self.now, UTC).isoformat(timespec="milliseconds"),
            "signature": self.signature,
            "expected": self.check.expected if self.check and not self.check.right else None,
            "diagnosis": self.check.diagnosis if self.check else None,
            "note": self.note,
        }


@dataclass(slots=True)
class Desk:
    """The sandbox's memory: credit per vendor, serial numbers, what was caught. Hold ``lock`` for a whole call."""

    credit: dict[str, Decimal]
    caught: deque[Caught] = field(default_factory=deque)
    caught_bytes: int = 0
    # Every run begins elsewhere: an id is looked up in a journal that outlives the sandbox.
    serials: Iterator[int] = field(default_factory=lambda: itertools.count(secrets.randbelow(_COUNT)))
    lock: Lock = field(default_factory=Lock)

    def serial(self, due: float = inf, to: str = "") -> int:
        """Return a number below 2**53 that was never given before, by this sandbox or another.

        It holds the second in which the message sets out, and whether it arrives, for ``standing``: so a sandbox knows
        what another has accepted. ``due`` is Unix seconds, infinite for a message that never sets out; one ``to`` a
        number that ends in 9 never arrives.
        """
        moment = int(min(max(due - _EPOCH, 1), _SECONDS - 1))
        return (moment * 2 + (not to.endswith("9"))) * _COUNT + next(self.serials) % _COUNT

    def keep(self, entries: Iterable[Caught]) -> None:
        """Put these into the list; the oldest leave when it grows too long or too large."""
        for entry in entries:
            self.caught.append(entry)
            self.caught_bytes += entry.size
            while len(self.caught) > _CAUGHT or self.caught_bytes > _CAUGHT_BYTES:
                self.caught_bytes -= self.caught.popleft().size

    def forget(self) -> None:
        """Empty the list."""
        self.caught.clear()
        self.caught_bytes = 0

    def refuse(self, noted: Caught, refusal: str, to: Sequence[str] = ()) -> None:
        """Note a refused request, once for each recipient it names, at least once."""
        self.keep(replace(noted, refusal=refusal, to=one) for one in to or (None,))

    def charge(self, vendor: str, price: Decimal) -> bool:
        """Take ``price`` off the vendor's credit, and tell whether it was there."""
        if self.credit[vendor] < price:
            return False
        self.credit[vendor] -= price
        return True


def standing(serial: int, now: float) -> DeliveryState | None:
    """Return where the message of a serial number stands at a Unix second; None for a number of nobody here."""
    moment, arrives = divmod(serial // _COUNT, 2)
    if not 0 < moment < _SECONDS:
        return None
    age = now - _EPOCH - moment
    if moment == _SECONDS - 1:
        return DeliveryState.ACCEPTED
    if age < 0:
        return DeliveryState.SCHEDULED
    if age < _END:
        return DeliveryState.ACCEPTED if age < _ENROUTE else DeliveryState.ENROUTE
    return DeliveryState.DELIVERED if arrives else DeliveryState.UNDELIVERABLE


def due(text: str | None, forms: Sequence[str], zone: str, now: float) -> float:
    """Return the Unix second that a wall-clock time in one of ``forms`` means, ``now`` for one that is past or none."""
    for form in forms:
        try:
            moment = datetime.strptime(text or "", form).replace(tzinfo=ZoneInfo(zone))
            return max(now, moment.timestamp())
        except (ValueError, OverflowError):
            continue
    return now


def verify(vendor: str, signature: str, call: Call, account: Account) -> Check:
    """Work out the vendor's rule over what arrived, and compare; name the mistake of a wrong signature."""
    provider = providers.get(vendor).of(account.fields)
    trace = provider.sign(call.params, account.secret, others=account.secrets)
    hashed = trace.steps[-1 - len(provider.rule.digests)].masked
    right = hmac.compare_digest(trace.signature.encode(), signature.encode("utf-8", "surrogatepass"))
    is_demo = account.secret in call.demo_keys.values()
    return Check(right, hashed, _diagnose(vendor, signature, call, account) if is_demo and not right else None)


def _diagnose(vendor: str, signature: str, call: Call, account: Account) -> str:
    from smscli.diagnosis import diagnose  # only a wrong signature needs it

    try:
        diagnosis = diagnose(
            providers.get(vendor).of(account.fields), call.params, account.secret, signature,
            others=tuple(call.demo_keys.items()), hidden=account.secrets, limit=_COMBINATIONS,
        )  # fmt: skip
    except InputError as error:
        return error.message
    sentences = [
        " ".join(finding.sentence for finding in explanation.findings) for explanation in diagnosis.explanations
    ]
    return " Or: ".join(sentences) or f"No known mistake explains it ({diagnosis.tried} combinations tried)."


def header(text: str) -> str:
    """Return ``text`` as one line of ASCII that fits into a header; nothing that was not shown before is lost."""
    line = visible(text).encode("ascii", "backslashreplace").decode("ascii")
    return line if len(line) <= 4000 else f"{line[:4000]}..."

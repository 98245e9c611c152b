"""What a sandbox remembers: credit, what was caught, in bounds; whoever listens is told of it."""

from __future__ import annotations

import itertools
import secrets
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from math import inf
from threading import Lock

from smscli.sandbox._checking import Check
from smscli.sandbox._course import COUNT, serial

# What is kept, in entries and in bytes of text; a load test must not eat the machine's memory.
_CAUGHT = 100_000
_CAUGHT_BYTES = 192 * 1024 * 1024
_CANCELLED = 10_000
_NOTED = 1000  # recipients of one refused request that have an entry each

UNKNOWN = "unknown"
"""The vendor and the operation of a request that gets to no vendor."""

ANSWERED = "ANSWERED"
"""The outcome of a request that was passed on and sends nothing, beside those of ``model.Outcome``."""

RAW_BYTES = 16 * 1024
"""Bytes of a request that are kept."""
_DIAGNOSIS = 1024  # bytes that are set aside for one that is still looked for


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of a request that was passed on: where to, the outcome, and the beginning of the answer as it came.

    ``outcome`` is a word of ``model.Outcome``, or ANSWERED for what sends nothing; ``status`` is None for no answer.
    """

    url: str
    outcome: str
    status: int | None = None
    answer: bytes = b""

    def tree(self) -> dict[str, object]:
        """Return it as it stands in the JSON list."""
        return {"url": self.url, "outcome": self.outcome, "status": self.status}


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """One message to one recipient, or one refused request (``to`` None).

    ``now`` is Unix seconds. ``signature`` is the one that came. ``refusal`` is the vendor's word for why it was
    refused, None means accepted; ``reason`` says it to a person. ``send_at`` is as it came. ``cost`` is an amount with
    its currency, or the vendor's word for it. The desk adds ``number``, from 1 on, ``raw``, the beginning of the
    request, and ``chaos``, the rule that hit it. ``exchange`` is of a request that was passed on: the vendor decided.
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
    cost: str | None = None
    message_id: str | None = None
    note: str | None = None
    reason: str | None = None
    number: int = 0
    raw: bytes = b""
    chaos: str | None = None
    exchange: Exchange | None = None

    @property
    def size(self) -> int:
        """How many bytes its own texts take, each counted as if no other entry shared it."""
        texts = (self.vendor, self.signature, self.to, self.text, self.sender, self.send_at, self.note, self.reason)
        return sum(map(sys.getsizeof, (*texts, self.operation, self.chaos)))

    def tree(self) -> dict[str, object]:
        """Return the entry as it stands in the JSON list; ``expected`` only when the signature was wrong."""
        return {
            "number": self.number,
            "vendor": self.vendor,
            "operation": self.operation,
            "accepted": self.refusal is None,
            "refusal": self.refusal,
            "to": self.to,
            "text": self.text,
            "sender": self.sender,
            "send_at": self.send_at,
            "parts": self.parts,
            "cost": self.cost,
            "message_id": self.message_id,
            "received": datetime.fromtimestamp(self.now, UTC).isoformat(timespec="milliseconds"),
            "signature": self.signature,
            "expected": self.check.expected if self.check and not self.check.right else None,
            "diagnosis": self.check.diagnosis if self.check else None,
            "note": self.note,
            "reason": self.reason,
            "chaos": self.chaos,
            "upstream": self.exchange.tree() if self.exchange else None,
        }


@dataclass(slots=True)
class Desk:
    """The sandbox's memory: credit per vendor, serial numbers, what was caught. Hold ``lock`` for a whole call.

    At most ``most`` entries of ``most_bytes`` are kept, the newest; ``total`` counts all that came. ``request`` is the
    one that is just worked on, ``chaos`` the rule that hit it, ``skew`` the seconds that its clock is ahead.
    ``generation`` is another word whenever numbers begin at 1. Each of ``listeners`` is called with what happened
    ("new", "update", "clear", "reset", "close") and the entry that it happened to; it must not use the desk.
    """

    credit: dict[str, Decimal]
    caught: deque[Caught] = field(default_factory=deque)
    caught_bytes: int = 0
    # Every run begins elsewhere: an id is looked up in a journal that outlives the sandbox.
    serials: Iterator[int] = field(default_factory=lambda: itertools.count(secrets.randbelow(COUNT)))
    lock: Lock = field(default_factory=Lock)
    total: int = 0
    generation: str = field(default_factory=lambda: secrets.token_hex(4))
    dropped: int = 0
    most: int = _CAUGHT
    most_bytes: int = _CAUGHT_BYTES
    request: bytes = b""
    chaos: str | None = None
    skew: float = 0.0
    listeners: list[Callable[[str, Caught | None], None]] = field(default_factory=list)
    # Ids in the order of cancellation; the latest are remembered.
    cancelled: dict[str, None] = field(default_factory=dict)

    def cancel(self, message_id: str) -> None:
        """Remember that a message shall not set out."""
        self.cancelled[message_id] = None
        if len(self.cancelled) > _CANCELLED:
            del self.cancelled[next(iter(self.cancelled))]

    def serial(self, due: float = inf, to: str = "") -> int:
        """Return a number below 2**53 that was never given before, by this sandbox or another.

        It holds the second in which the message sets out, and whether it arrives, for ``standing``: so a sandbox knows
        what another has accepted. ``due`` is Unix seconds, infinite for a message that never sets out; one ``to`` a
        number that ends in 9 never arrives.
        """
        return serial(due - self.skew, next(self.serials), arrives=not to.endswith("9"))

    def keep(self, entries: Iterable[Caught]) -> None:
        """Put these into the list; the oldest leave when it grows too long or too large."""
        for entry in entries:
            self.total += 1
            numbered = replace(entry, number=self.total, raw=self.request, chaos=self.chaos, now=entry.now - self.skew)
            self.caught_bytes += _weight(numbered, self.caught[-1] if self.caught else None)
            self.caught.append(numbered)
            while len(self.caught) > self.most or self.caught_bytes > self.most_bytes:
                oldest = self.caught.popleft()
                self.caught_bytes -= _weight(oldest, self.caught[0] if self.caught else None)
                self.dropped += 1
            self.notify("new", numbered)

    def forget(self, is_meant: Callable[[Caught], bool] = lambda _: True) -> int:
        """Take out of the list what is meant, and return how many entries that were; numbers go on."""
        before = len(self.caught)
        self.caught = deque(entry for entry in self.caught if not is_meant(entry))
        self.caught_bytes = sum(map(_weight, self.caught, (None, *self.caught)))
        self.notify("clear")
        return before - len(self.caught)

    def reset(self, credit: dict[str, Decimal]) -> None:
        """Begin anew, with this credit; numbers begin at 1, ids go on."""
        self.credit = credit
        self.caught.clear()
        self.caught_bytes = self.total = self.dropped = 0
        self.generation = secrets.token_hex(4)
        self.notify("reset")

    def notify(self, event: str, entry: Caught | None = None) -> None:
        """Tell all who listen."""
        for listener in self.listeners:
            listener(event, entry)

    def refuse(self, noted: Caught, refusal: str, to: Sequence[str] = (), reason: str | None = None) -> None:
        """Note a refused request, once for each recipient it names, at least once; of very many only how many more."""
        if len(to) > _NOTED:
            rest = f"{len(to) - _NOTED} more recipients are not listed"
            noted = replace(noted, note=f"{noted.note}; {rest}" if noted.note else rest)
            to = to[:_NOTED]
        self.keep(replace(noted, refusal=refusal, reason=reason, to=one) for one in to or (None,))

    def charge(self, vendor: str, price: Decimal) -> bool:
        """Take ``price`` off the vendor's credit, and tell whether it was there."""
        if self.credit[vendor] < price:
            return False
        self.credit[vendor] -= price
        return True


def _weight(entry: Caught, neighbour: Caught | None) -> int:
    """Return the bytes that an entry adds to its neighbour: those of one request stand together, and share it."""
    size, check = entry.size, entry.check
    if not neighbour or neighbour.raw is not entry.raw:
        size += sys.getsizeof(entry.raw) + (sys.getsizeof(entry.exchange.answer) if entry.exchange else 0)
    if check and not (neighbour and neighbour.check is check):
        size += sys.getsizeof(check.expected) + (sys.getsizeof(check.meant) if check.meant else 0)
        size += 0 if check.right else _DIAGNOSIS
    return size

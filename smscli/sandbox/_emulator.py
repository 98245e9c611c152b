"""What every emulated vendor is made of: a call, an answer, and the desk that remembers.

No HTTP here: a vendor platform is a record of functions from a ``Call`` to an ``Answer``.
"""

from __future__ import annotations

import hmac
import itertools
import secrets
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from math import inf
from threading import Lock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from smscli import providers
from smscli.errors import InputError
from smscli.model import Account, DeliveryState, Pairs, Secret, visible
from smscli.sandbox import _reasons
from smscli.sandbox._failures import Failure, Fault, provoked
from smscli.sandbox._raw import Mishap, RawRequest

if TYPE_CHECKING:
    from smscli.diagnosis import Diagnosis

# What is kept, in entries and in bytes of text; a load test must not eat the machine's memory.
_CAUGHT = 100_000
_CAUGHT_BYTES = 192 * 1024 * 1024
_CANCELLED = 10_000
_NOTED = 1000  # recipients of one refused request that have an entry each

RAW_BYTES = 16 * 1024  # of a request that are kept
_DIAGNOSIS = 1024  # bytes that are set aside for one that is still looked for

# A serial number is, from the top: 29 bits of seconds since 2024, one that says whether it arrives, and 23 of count. It
# stays below 2**53, where JavaScript and jq begin to read numbers wrongly.
_EPOCH = 1_704_067_200  # 2024-01-01 in Unix seconds
_SECONDS = 2**29
_COUNT = 2**23

# Seconds after which an accepted message is on its way, and after which it has arrived or never will.
_ENROUTE = 2
_END = 4

_NOTHING = RawRequest("GET", b"/")

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
    ``now`` is Unix seconds. ``demo_keys`` are the invented keys, by vendor name. ``raw`` is the request as it came.
    ``fault`` is what a rule finds wrong with a request that is right, ``forced`` what it finds for single recipients.
    """

    params: Pairs
    accept: str
    accounts: Mapping[str, Account]
    now: float
    demo_keys: Mapping[str, Secret]
    raw: RawRequest = _NOTHING
    fault: Fault | None = None
    forced: Mapping[str, Failure] = field(default_factory=dict)

    @property
    def raw_query(self) -> bytes:
        """The query as it travelled."""
        return self.raw.query

    @property
    def raw_body(self) -> bytes:
        """The body as it travelled."""
        return self.raw.body

    def get(self, name: str) -> str | None:
        """Return the parameter's value, or None when it was not sent."""
        return next((value for own, value in self.params if own == name), None)

    def provoked(self, number: str, failures: Mapping[str, Failure]) -> Failure | None:
        """Return the failure that a recipient meets, by a rule or by how the number ends; None for one like any."""
        return self.forced.get(number) or provoked(number, failures)

    def account(self, field_name: str, value: str | None) -> tuple[str, Account] | None:
        """Return the vendor name and account whose field has this value, or None."""
        return next(((n, a) for n, a in self.accounts.items() if a.fields.get(field_name) == value), None)

    def told(self, field_name: str) -> list[str]:
        """Return what the invented accounts have in this field: that of a profile is nobody's business."""
        invented = self.demo_keys.values()
        return [a.fields[field_name] for a in self.accounts.values() if a.secret in invented and field_name in a.fields]


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be found out about a wrong signature: the mistake that makes it. A tenth of a second's work."""

    vendor: str
    signature: str
    call: Call
    account: Account

    @property
    def key(self) -> bytes:
        """A digest of what the answer depends on, in one sandbox: the parameters may be a megabyte."""
        parts = type(self).__name__, self.vendor, self.signature, self.call.params
        return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def answer(self) -> str:
        """Name the mistake, or say that none is known."""
        return _diagnose(self.vendor, self.signature, self.call, self.account)


@dataclass(slots=True)
class Check:
    """A signature looked at: whether it was right, and the text that should have been hashed, secret masked.

    The correct signature is not kept: nobody shall use the sandbox to have a profile's key sign for them.
    ``diagnosis`` says which mistake gives the wrong one, for demo accounts only: of a real key it could tell a
    stranger how it looks. It is looked for when the answer is ready to go, and nobody waits for it but who sent the
    wrong one; until then ``question`` is what finds it. ``reason`` says what
    a wrong one met on its way, or that it is wrong.
    """

    right: bool
    expected: str
    diagnosis: str | None = None
    question: Question | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. Many vendors put their errors into the body and keep the HTTP status at 200.

    ``reason`` says in words why something was refused, ``mishap`` what befalls the answer on its way.
    """

    body: str
    content_type: str
    check: Check | None = None
    status: int = 200
    headers: Pairs = ()
    reason: str | None = None
    mishap: Mishap | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """A vendor's delivery report: the serial number that a message id holds, and the parameters of a report."""

    serial: Callable[[str], int]
    pairs: Callable[[Caught, DeliveryState], Pairs]


@dataclass(frozen=True, slots=True)
class Emulator:
    """One vendor platform: its demo accounts by vendor name, its paths, and what an account holds at the start.

    ``roots`` are paths that end in ``/``: whatever is asked for below one, and has no route, its handler answers.
    ``failures`` are the endings of numbers that provoke an error (``ending``). ``push`` is how it reports deliveries,
    None for one that does not.

    For rules: ``operations`` are the names of what it emulates, ``errors`` the words of each documented code,
    ``address`` the code for an address that is not on its list; ``noted`` returns a call as an entry, nothing
    checked, and its recipients. An emulator that has ``errors`` heeds ``Call.fault`` and ``Call.provoked``.
    """

    demo: Mapping[str, Demo]
    routes: Mapping[str, Callable[[Call, Desk], Answer]]
    credit: Decimal
    roots: Mapping[str, Callable[[Call, Desk], Answer]] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    push: Push | None = None
    operations: Sequence[str] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None
    noted: Callable[[Call], tuple[Caught, Sequence[str]]] | None = None

    def handler(self, path: str) -> Callable[[Call, Desk], Answer] | None:
        """Return what answers at a path, with or without a slash at its end; None where this vendor has nothing."""
        exact = self.routes.get(path) or self.routes.get(path.removesuffix("/"))
        root = max((root for root in self.roots if path.startswith(root)), key=len, default=None)
        return exact or (self.roots[root] if root else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """One message to one recipient, or one refused request (``to`` None).

    ``now`` is Unix seconds. ``signature`` is the one that came. ``refusal`` is the vendor's word for why it was
    refused, None means accepted; ``reason`` says it to a person. ``send_at`` is as it came. ``cost`` is an amount with
    its currency, or the vendor's word for it. The desk adds ``number``, from 1 on, ``raw``, the beginning of the
    request, and ``chaos``, the rule that hit it.
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
        }


@dataclass(slots=True)
class Desk:
    """The sandbox's memory: credit per vendor, serial numbers, what was caught. Hold ``lock`` for a whole call.

    At most ``most`` entries of ``most_bytes`` are kept, the newest; ``total`` counts all that came. ``request`` is the
    one that is just worked on, ``chaos`` the rule that hit it, ``skew`` the seconds that its clock is ahead.
    ``generation`` is another word whenever numbers begin at 1. Each of
    ``listeners`` is called with what happened ("new", "update", "clear", "reset", "close") and the entry that it
    happened to; it must not use the desk.
    """

    credit: dict[str, Decimal]
    caught: deque[Caught] = field(default_factory=deque)
    caught_bytes: int = 0
    # Every run begins elsewhere: an id is looked up in a journal that outlives the sandbox.
    serials: Iterator[int] = field(default_factory=lambda: itertools.count(secrets.randbelow(_COUNT)))
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
        moment = int(min(max(due - self.skew - _EPOCH, 1), _SECONDS - 1))
        return (moment * 2 + (not to.endswith("9"))) * _COUNT + next(self.serials) % _COUNT

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
        size += sys.getsizeof(entry.raw)
    if check and not (neighbour and neighbour.check is check):
        size += sys.getsizeof(check.expected) + (0 if check.right else _DIAGNOSIS)
    return size


def standing(serial: int, now: float) -> DeliveryState | None:
    """Return where the message of a serial number stands at a Unix second; None for a number of nobody here."""
    moment = serial // _COUNT // 2
    if not 0 < moment < _SECONDS:
        return None
    states = [state for second, state in course(serial) if second <= now]
    if states:
        return states[-1]
    return DeliveryState.SCHEDULED if moment < _SECONDS - 1 and now < _EPOCH + moment else DeliveryState.ACCEPTED


def course(serial: int) -> tuple[tuple[int, DeliveryState], ...]:
    """Return the Unix seconds at which the message of a serial number moves on, and where to; none if it never does."""
    moment, arrives = divmod(serial // _COUNT, 2)
    if not 0 < moment < _SECONDS - 1:
        return ()
    end = DeliveryState.DELIVERED if arrives else DeliveryState.UNDELIVERABLE
    return (_EPOCH + moment + _ENROUTE, DeliveryState.ENROUTE), (_EPOCH + moment + _END, end)


def due(text: str | None, forms: Sequence[str], zone: str, now: float) -> float:
    """Return the Unix second that a wall-clock time in one of ``forms`` means, ``now`` for one that is past or none."""
    for form in forms:
        try:
            moment = datetime.strptime(text or "", form).replace(tzinfo=ZoneInfo(zone))
            return max(now, moment.timestamp())
        except (ValueError, OverflowError):
            continue
    return now


def verify(vendor: str, signature: str, call: Call, account: Account, names: Collection[str] = ()) -> Check:
    """Work out the vendor's rule over what arrived, and compare; ask for the mistake of a wrong signature.

    ``names`` are the vendor's parameters, as far as a request may hold them.
    """
    provider = providers.get(vendor).of(account.fields)
    given = signature.encode("utf-8", "surrogatepass")

    def fits(params: Pairs) -> bool:
        return hmac.compare_digest(provider.sign(params, account.secret).signature.encode(), given)

    trace = provider.sign(call.params, account.secret, others=account.secrets)
    hashed = trace.steps[-1 - len(provider.rule.digests)].masked
    if hmac.compare_digest(trace.signature.encode(), given):
        return Check(True, hashed)
    is_demo = account.secret in call.demo_keys.values()
    reason = _reasons.damage(call.raw_query, call.raw_body, names, fits)
    reason = reason or f"{provider.rule.signature} is not that of the parameters that came"
    question = Question(vendor, signature, call, account) if is_demo else None
    return Check(False, hashed, question=question, reason=reason)


def find_mistakes(vendor: str, signature: str, call: Call, account: Account) -> Diagnosis:
    """Try the known mistakes on a wrong signature. Raises InputError for what cannot be one of this vendor."""
    from smscli.diagnosis import diagnose  # only a wrong signature needs it

    return diagnose(
        providers.get(vendor).of(account.fields), call.params, account.secret, signature,
        others=tuple(call.demo_keys.items()), hidden=account.secrets, limit=_COMBINATIONS,
    )  # fmt: skip


def _diagnose(vendor: str, signature: str, call: Call, account: Account) -> str:
    try:
        diagnosis = find_mistakes(vendor, signature, call, account)
    except InputError as error:
        return error.message
    sentences = [
        " ".join(finding.sentence for finding in explanation.findings) for explanation in diagnosis.explanations
    ]
    return " Or: ".join(sentences) or f"No known mistake explains it ({diagnosis.tried} combinations tried)."


def account_settings(vendor: str, account: Account) -> dict[str, str]:
    """Return what a program has to know of an invented account. Its key is no secret: it opens nothing else."""
    secrets = {providers.get(vendor).secret_field.name: account.secret, **account.sent_secrets}
    return {**account.fields, **{field: secret.reveal() for field, secret in secrets.items()}}


def header(text: str) -> str:
    """Return ``text`` as one line of ASCII that fits into a header; nothing that was not shown before is lost."""
    line = visible(text).encode("ascii", "backslashreplace").decode("ascii")
    return line if len(line) <= 4000 else f"{line[:4000]}..."

"""The shape every vendor module fills in: a record of pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum, unique
from typing import Generic, TypeVar

from smscli.errors import UnsupportedError
from smscli.model import Account, Balance, DeliveryReport, Field, Message, Pairs, Quote, Secret, SendReceipt, ServerTime
from smscli.record import Record
from smscli.signing import Rule, SignatureTrace, sign
from smscli.wire import Request, Response

In = TypeVar("In")
Out = TypeVar("Out")


@unique
class Stamp(StrEnum):
    """What makes a request fresh. Its value is an argument of ``build``: no vendor module looks at a clock."""

    NONE = "none"
    NONCE = "nonce"
    """Decimal digits that are new for every request."""
    VENDOR_CLOCK = "vendor's clock"
    """Unix seconds by the vendor's own clock, which its ``timestamp`` tells, of short life."""
    LOCAL_CLOCK = "local clock"
    """Unix seconds by this machine's clock, of short life. Nobody is asked."""

    @property
    def ages(self) -> bool:
        """Whether it is a time, which grows too old."""
        return self in (Stamp.VENDOR_CLOCK, Stamp.LOCAL_CLOCK)


class Operation(Record, Generic[In, Out]):
    """One thing a vendor can do.

    ``build(what, account, stamp)`` gives the signed request; it raises InputError for what this vendor cannot take.
    ``parse(response, what, stamp)`` reads the answer. For a send it never raises: every recipient of ``what`` gets
    an outcome. For the others it raises AuthenticationError, RejectedError or, when the answer cannot be understood,
    UnreachableError (nothing is sent by asking, so asking again is safe).
    """

    build: Callable[[In, Account, str], Request]
    parse: Callable[[Response, In, str], Out]


class Provider(Record):
    """One vendor. A capability it lacks is None.

    ``base_url`` None means the profile must name it; ``base_url_hint`` then says what is known of it.
    ``usual_path`` is the directory of the vendor's scripts on its own host, for white-label hosts named without one.
    ``fields`` are the vendor's own profile fields, among them the one secret that signs. ``variant`` says what of all
    this the values of an account's fields change (a digest, whose clock); see ``of``. ``stamp_name`` is the parameter
    that carries the stamp, ``stamp_life`` how many seconds a stamp of a clock is used. ``batch_limit`` is the most
    recipients one request may carry, ``price_limit`` the same for a question of ``price``. ``status`` gives one report
    for each id it is asked about, in their order; ``status_limit`` is the most ids in one such question.
    ``account_codes`` are the codes of refusals for a reason of the account or the service (funds, sender, destination):
    the same message may go through another account. ``time_zone`` is the zone in which the vendor reads wall-clock
    times.
    ``example_number`` is one of nobody, in E.164 digits, that the vendor takes.
    ``takes_sender`` is False where the account's own number is always the sender.
    ``aliases`` are groups of values that a client may have swapped by mistake (brand and host names).
    ``extras`` are parameters that client programs are known to add or forget, each with a usual value (a name may
    stand several times); a diagnosis tries them, nothing is ever sent because of them.
    """

    name: str
    title: str
    base_url: str | None
    fields: tuple[Field, ...]
    rule: Rule
    usual_path: str
    send: Operation[Message, SendReceipt]
    balance: Operation[None, Balance]
    timestamp: Operation[None, ServerTime] | None = None
    price: Operation[Message, Quote] | None = None
    status: Operation[tuple[str, ...], tuple[DeliveryReport, ...]] | None = None
    stamp: Stamp = Stamp.NONE
    stamp_name: str | None = None
    stamp_life: float = 0.0
    batch_limit: int = 1
    account_codes: frozenset[str] = frozenset()
    price_limit: int = 1
    status_limit: int = 1
    time_zone: str | None = None
    takes_sender: bool = True
    example_number: str = "37061234567"
    aliases: tuple[tuple[str, ...], ...] = ()
    base_url_hint: str | None = None
    extras: Pairs = ()
    variant: Callable[[Provider, Mapping[str, str]], Provider] | None = None

    def __post_init__(self) -> None:
        """Refuse a vendor whose requests could not be stamped as it says: TypeError, with what is wrong."""
        if self.stamp is Stamp.VENDOR_CLOCK and self.timestamp is None:
            raise TypeError(f"{self.title}: the vendor's clock stamps its requests, and no `timestamp` asks for it")
        if self.stamp.ages and not self.stamp_life > 0:
            raise TypeError(f"{self.title}: a clock stamps its requests, and `stamp_life` does not say for how long")
        if self.stamp is not Stamp.NONE and not self.stamp_name:
            raise TypeError(f"{self.title}: a stamp goes into its requests, and `stamp_name` does not say where")

    @property
    def secret_field(self) -> Field:
        """The one field that holds the signing key."""
        return next(field for field in self.fields if field.secret and not field.sent)

    @property
    def secret_fields(self) -> tuple[Field, ...]:
        """The fields that nobody may see, the signing key first."""
        return (self.secret_field, *(field for field in self.fields if field.secret and field.sent))

    def of(self, fields: Mapping[str, str]) -> Provider:
        """Return the vendor as the account with these values uses it: the one point where an account has a say."""
        return self.variant(self, fields) if self.variant else self

    def sign(self, params: Pairs, secret: Secret, *, others: Sequence[Secret] = ()) -> SignatureTrace:
        """Sign the pairs exactly as given; ``others`` are the account's further secrets, which are not shown."""
        return sign(self.rule, params, secret, others=others)

    def unsupported(self, what: str) -> UnsupportedError:
        """Return the one honest answer to a capability that is None."""
        return UnsupportedError(f"{self.title} has no {what}")

"""The shape every vendor module fills in: a record of pure functions."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum, unique
from typing import Generic, TypeVar

from smscli.errors import UnsupportedError
from smscli.model import Account, Balance, Field, Message, Pairs, Secret, SendReceipt, ServerTime
from smscli.record import Record
from smscli.signing import Rule, SignatureTrace, sign
from smscli.wire import Request, Response

In = TypeVar("In")
Out = TypeVar("Out")


@unique
class Stamp(StrEnum):
    """What makes a request fresh. Its value is an argument of ``build``: no vendor module looks at a clock."""

    NONE = "none"
    CLOCK = "clock"
    """Unix seconds by the vendor's own clock, of short life."""
    NONCE = "nonce"
    """Decimal digits that are new for every request."""


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
    ``fields`` are the vendor's own profile fields, the secret among them. ``stamp_life`` is how many seconds a fetched
    clock stamp is used. ``batch_limit`` is the most recipients one request may carry. ``time_zone`` is the zone in
    which the vendor reads wall-clock times.
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
    stamp: Stamp = Stamp.NONE
    stamp_name: str | None = None
    stamp_life: float = 0.0
    batch_limit: int = 1
    time_zone: str | None = None
    takes_sender: bool = True
    aliases: tuple[tuple[str, ...], ...] = ()
    base_url_hint: str | None = None
    extras: Pairs = ()

    @property
    def secret_field(self) -> Field:
        """The one field that holds the signing key."""
        return next(field for field in self.fields if field.secret)

    def sign(self, params: Pairs, secret: Secret) -> SignatureTrace:
        """Sign the pairs exactly as given."""
        return sign(self.rule, params, secret)

    def unsupported(self, what: str) -> UnsupportedError:
        """Return the one honest answer to a capability that is None."""
        return UnsupportedError(f"{self.title} has no {what}")

"""How a large job is sent: for which account, as whom, how fast. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from shlex import quote
from typing import NamedTuple

from smscli import providers
from smscli.cli.draft import account_name
from smscli.cli.invocation import Invocation
from smscli.journal import ListFingerprint
from smscli.model import MSISDN, Account, Message, Profile, SenderId
from smscli.pacing import Limits, batch_size
from smscli.providers import Provider
from smscli.record import Record
from smscli.runtime import Runtime


class Pace(NamedTuple):
    """How fast, as it was asked for: requests at a time, recipients a second, in a request, failures that stop it."""

    jobs: int
    rate: float
    rate_text: str | None
    batch_size: int | None
    failures: int | None


class Order(Record):
    """A large job but for its messages. ``message`` is what these share: sender and test mode."""

    profile: Profile
    account: Account
    provider: Provider
    message: Message
    pace: Pace

    @property
    def account_name(self) -> str:
        """The public name of the account."""
        return account_name(self.provider, self.account)

    @property
    def sender(self) -> str:
        """The sender ID, empty when there is none."""
        return self.message.sender.value if self.message.sender else ""

    @property
    def batch_size(self) -> int:
        """How many recipients go into one request."""
        most = self.provider.batch_limit
        return batch_size(min(self.pace.batch_size or self.profile.batch_size or most, most), self.pace.rate)

    @property
    def limits(self) -> Limits:
        """What bounds those who send it."""
        return Limits(self.pace.rate, self.pace.failures or inf)

    def refuse(self, numbers: tuple[MSISDN, ...], text: str) -> None:
        """Raise InputError for what this vendor does not take."""
        self.provider.send.build(self.message._replace(to=numbers, text=text), self.account, "0")

    def fingerprint(self) -> ListFingerprint:
        """Return a new fingerprint for what is sent so."""
        return ListFingerprint(
            provider=self.provider.name, base_url=self.account.base_url, account_id=self.account_name,
            sender=self.sender, test=self.message.test,
        )  # fmt: skip


def compose(
    runtime: Runtime, profile: Profile, sender: str | None, pace: Pace, *, test: bool, need_secret: bool = True
) -> Order:
    """Return the order that is meant; raise InputError for what no message of it could be sent with."""
    provider = providers.get(profile.provider).of(profile.fields)
    name = sender or profile.sender
    message = Message((), "", SenderId(name) if name else None, None, test)
    order = Order(profile, runtime.account(profile, need_secret=need_secret), provider, message, pace)
    # What is wrong for every row is said once.
    order.refuse((MSISDN(provider.example_number),), "Hello")
    return order


def resuming(call: Invocation, order: Order, key: str) -> str:
    """Return the command that goes on with a job."""
    return " ".join(("smscli bulk --resume", quote(key), *_options(call, order)))


def _options(call: Invocation, order: Order) -> Iterator[str]:
    wanted, pace = call.wanted, order.pace
    for option, value in (
        ("--profile", wanted.profile),
        ("--provider", wanted.provider),
        ("--sender", order.sender if order.sender != (order.profile.sender or "") else None),
        ("--timeout", None if wanted.seconds is None else f"{wanted.seconds:g}"),
        ("--jobs", str(pace.jobs)),
        ("--rate", pace.rate_text),
        ("--batch-size", None if pace.batch_size is None else str(pace.batch_size)),
        ("--stop-after-failures", None if pace.failures is None else str(pace.failures)),
    ):
        if value is not None:
            yield f"{option} {quote(value)}"
    if wanted.sandbox:
        yield "--sandbox"
    if order.message.test:
        yield "--test"

"""What the vendor says that messages would cost, in words and as a tree. It is asked only where somebody wants to know.

A price is the vendor's word or none: it is never worked out here, and a price of some is never shown as that of all.
Nothing is sent, and a vendor that cannot answer is a reason, never an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from smscli.cli.draft import Draft
from smscli.cli.invocation import Invocation
from smscli.cli.text import counted
from smscli.dispatch import Caller
from smscli.errors import InputError, RejectedError, SmscliError
from smscli.model import Message, Money, Quote
from smscli.providers import Provider
from smscli.record import Record
from smscli.render import Tree
from smscli.segments import measure

REQUESTS = 20
"""More requests than this are not made: a price that costs minutes, and a vendor's patience, is not worth it."""


class Estimate(Record):
    """What the vendor wants for messages to ``of`` recipients in all (one who gets two texts counts twice).

    ``total`` is the price of all, None unless the vendor named one for each, in one currency; ``reason`` then says
    why not. It was asked about ``asked`` of them, and ``known`` of them cost ``partial`` together. ``doubts`` are what
    is open about the prices that were named.
    """

    of: int
    total: Money | None = None
    asked: int = 0
    known: int = 0
    partial: Money | None = None
    reason: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def tree(self) -> dict[str, Tree]:
        """The member ``price`` of a document; amounts are text, as everywhere."""
        money = self.total or self.partial
        return {
            "price": {
                "amount": _digits(self.total) or None,
                "currency": money.currency if money else None,
                "recipients": self.of,
                "asked": self.asked,
                "known": self.known,
                "known_amount": _digits(self.partial) or None,
                "reason": self.reason,
                "doubts": list(self.doubts),
            }
        }

    @property
    def cells(self) -> tuple[str, str]:
        """Amount and currency of all, both empty when it is not known."""
        return _digits(self.total), (self.total.currency or "") if self.total else ""

    @property
    def lines(self) -> tuple[tuple[str, str, str], ...]:
        """Lines of three cells for a script."""
        amount, currency = self.cells
        counts = (("recipients", self.of), ("known", self.known))
        return (
            ("price", "amount", amount),
            ("price", "currency", currency),
            *(("price", name, str(count)) for name, count in counts),
        )

    @property
    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """The row of a table."""
        about = f"for {counted(self.of, 'recipient')}, as the vendor says" if self.total else self.reason or ""
        return (("price", _written(self.total) if self.total else "not known", about),)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person has to know: why there is no price, and what is open about one."""
        return (*((f"the price is not known: {self.reason}",) if self.reason else ()), *self.doubts)


def quote(call: Invocation, draft: Draft) -> Estimate:
    """Ask the vendor what the send would cost."""
    recipients = len(draft.message.to)
    if draft.message.test:
        return Estimate(recipients, reason="a test is not charged")
    if draft.provider.price is None:
        return Estimate(recipients, reason=_tells_none(draft.provider))
    with call.caller(draft.profile, draft.account) as (provider, caller):
        return estimate(caller, provider, (draft.message,))


def estimate(caller: Caller, provider: Provider, messages: Iterable[Message], *, most: int = REQUESTS) -> Estimate:
    """Ask the vendor what these messages would cost, in at most ``most`` requests; where it takes more, none is made.

    ``messages`` may be many: they are gone through once, and only those that are asked about are kept. Never raises
    for what the vendor or the network does.
    """
    batches: list[Message] = []
    requests = recipients = 0
    for batch in _batches(messages, provider.price_limit):
        requests, recipients = requests + 1, recipients + len(batch.to)
        if requests <= most:
            batches.append(batch)
    if provider.price is None:
        return Estimate(recipients, reason=_tells_none(provider))
    if requests > most:
        return Estimate(recipients, reason=f"not asked: it would take {requests} requests, more than {most}")
    asked, quotes, refusal, doubts = 0, list[Quote](), None, dict[str, None]()
    for batch in batches:
        asked += len(batch.to)
        try:
            answer = caller.call(provider.price, batch)
        except SmscliError as error:
            refusal = refusal or error.message
            # The vendor's no, or ours, concerns these recipients; whatever else it is meets the next ones as well.
            if not isinstance(error, RejectedError | InputError):
                break
        else:
            quotes.append(answer)
            doubts |= dict.fromkeys(_doubts(answer, batch, provider))
    return _added(quotes, Estimate(recipients, asked=asked, doubts=tuple(doubts)), provider, refusal)


def _batches(messages: Iterable[Message], size: int) -> Iterator[Message]:
    for message in messages:
        for start in range(0, len(message.to), size):
            yield message._replace(to=message.to[start : start + size])


def _doubts(answer: Quote, message: Message, provider: Provider) -> Iterator[str]:
    own = measure(message.text).parts
    if answer.parts not in (None, own):
        yield f"{provider.title} counts {counted(answer.parts or 0, 'part')}, smscli {own}"
    if answer.note:
        yield answer.note


def _added(quotes: list[Quote], result: Estimate, provider: Provider, refusal: str | None) -> Estimate:
    """Return the result with what the quotes come to, or why they come to nothing."""
    prices = [(one.price, len(one.to)) for one in quotes if one.price]
    known = sum(count for _, count in prices)
    if not known:
        return result._replace(reason=refusal or f"{provider.title} named none")
    currencies = {price.currency for price, _ in prices}
    if len(currencies) > 1:
        names = ", ".join(sorted(filter(None, currencies)))
        return result._replace(known=known, reason=f"{provider.title} named prices in several currencies: {names}")
    money = Money(sum((price.amount for price, _ in prices), Decimal()), currencies.pop())
    if known == result.of:
        return result._replace(known=known, partial=money, total=money)
    reason = f"{provider.title} named one for {known} of {counted(result.of, 'recipient')}, {_written(money)}"
    return result._replace(known=known, partial=money, reason=f"{reason}; {refusal}" if refusal else reason)


def _tells_none(provider: Provider) -> str:
    return f"{provider.title} tells no prices beforehand"


def _written(money: Money) -> str:
    return f"{_digits(money)} {money.currency or ''}".rstrip()


def _digits(money: Money | None) -> str:
    return f"{money.amount:f}" if money else ""

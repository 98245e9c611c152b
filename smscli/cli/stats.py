"""``smscli journal stats``: what became of the sends of a time, what they cost, and how soon they arrived; offline.

The journal is read once, page by page, and only sums are kept of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil
from typing import Annotated

import typer

from smscli.cli import outcomes
from smscli.cli.invocation import Invocation
from smscli.cli.journals import Sandbox, Where, nothing, opened
from smscli.cli.options import seconds
from smscli.journal import DeliveryRow, JournalEntry, Selection, State
from smscli.model import DeliveryState
from smscli.render import Result, Table, Tree

# A message may have changed before it was sent where a clock was set back meanwhile; by so much it may have been.
_MARGIN = 86_400.0


def stats(
    call: Invocation,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only what was sent within this time (30d).")
    ] = None,
    sandbox: Sandbox = False,
) -> Result:
    """Tell what became of all sends: outcomes and causes, spend, delivery."""
    after = None if since is None else call.runtime.now() - seconds("--since", since)
    totals = Totals()
    with opened(call.runtime, sandbox=sandbox) as journal:
        for entry in journal.stream(Selection(since=None if after is None else after - _MARGIN)) if journal else ():
            if after is None or _sent(entry) >= after:
                totals.add(entry)
    rows = tuple(totals.rows())
    where = Where.SANDBOX if sandbox else Where.VENDOR
    when = "" if after is None else f", sent since {outcomes.moment(after)}"
    count = totals.all.outcomes.total()
    ends = ", ".join(f"{totals.all.outcomes[state]} {state}" for state in State if totals.all.outcomes[state])
    none = "nothing was sent in that time"
    return Result(
        data={"journal": where.value, "since": outcomes.moment_tree(after), **totals.tree()},
        lines=rows,
        table=Table(
            ("what", "of", "value"),
            tuple(row for row in rows if row[-1] != "0" or row[1] in ("median", "90 %")),
            title=f"{count} recipients{when}, in {where}{ends and ': '}{ends}",
            facts=True,
        ),
        notes=() if count else nothing(call.runtime, Selection(since=after), none, sandbox=sandbox),
    )


class Durations:
    """How long something took: whole seconds, rounded up, and beyond 1000 to three digits, so that they stay few."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, duration: float) -> None:
        """Count one; clocks that disagree make it no shorter than nothing."""
        whole = max(0, ceil(duration))
        step: int = 10 ** max(0, len(str(whole)) - 3)
        self._counts[-(-whole // step) * step] += 1

    @property
    def known(self) -> int:
        """How many were counted."""
        return self._counts.total()

    def within(self, percent: int) -> int | None:
        """Return the least duration that so many of a hundred do not exceed (nearest rank), None when there is none."""
        left = ceil(self.known * percent / 100)
        for duration, count in sorted(self._counts.items()):
            left -= count
            if left <= 0:
                return duration
        return None

    def tree(self) -> dict[str, Tree]:
        """Return it for JSON and XML, in seconds."""
        return {"recipients": self.known, "median": self.within(50), "p90": self.within(90)}


@dataclass
class Sums:
    """What counts of any recipients: outcomes, parts and spend, as far as the vendors told them.

    ``spend`` is by currency; where the vendor names none, the currency is empty. ``parts`` and ``priced`` are of
    recipients, ``total_parts`` is the sum.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    parts: int = 0
    total_parts: int = 0
    priced: Counter[str] = field(default_factory=Counter)
    spend: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add(self, entry: JournalEntry) -> None:
        """Count a recipient."""
        message, cost = entry.message, entry.message.cost
        self.outcomes[message.state] += 1
        if message.parts is not None:
            self.parts += 1
            self.total_parts += message.parts
        if cost is not None:
            self.priced[cost.currency or ""] += 1
            self.spend[cost.currency or ""] += cost.amount

    def tree(self) -> dict[str, Tree]:
        """Return it for JSON and XML; amounts are texts, so that no digit is lost."""
        return {
            "outcomes": {state.value: self.outcomes[state.value] for state in State},
            "parts": {"total": self.total_parts, "recipients": self.parts},
            "spend": [
                {"currency": currency or None, "amount": str(amount), "recipients": self.priced[currency]}
                for currency, amount in sorted(self.spend.items())
            ],
        }

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield it as facts."""
        yield from (("outcome", state.value, str(self.outcomes[state.value])) for state in State)
        yield ("parts", "as the vendor counted", str(self.total_parts))
        for currency, amount in sorted(self.spend.items()):
            yield ("spend", currency or "no currency named", str(amount))


@dataclass
class Totals:
    """The sums of all recipients, and of each vendor's; why messages failed, where they stand, how soon they arrived.

    ``by_vendor`` are durations by the vendor's own times, ``at_most`` those up to the question that was answered so.
    """

    all: Sums = field(default_factory=Sums)
    vendors: dict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    causes: Counter[tuple[str, str]] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    untold: int = 0
    by_vendor: Durations = field(default_factory=Durations)
    at_most: Durations = field(default_factory=Durations)

    def add(self, entry: JournalEntry) -> None:
        """Count a recipient."""
        message, delivery = entry.message, entry.delivery
        self.all.add(entry)
        self.vendors[message.provider or entry.job.provider].add(entry)
        if message.cause is not None:
            self.causes[message.state, message.cause] += 1
        if delivery is not None:
            self.states[delivery.state] += 1
        elif message.state == State.SENT:
            self.untold += 1
        if delivery is not None and delivery.state == DeliveryState.DELIVERED and message.claimed is not None:
            self._time(entry.own_deliveries, message.claimed)

    def _time(self, parts: tuple[DeliveryRow, ...], claimed: float) -> None:
        """Count how long the last part took."""
        ends = [row.ended for row in parts if row.ended is not None]
        if len(ends) == len(parts):
            self.by_vendor.add(max(ends) - claimed)
        else:
            self.at_most.add(max(row.learnt for row in parts) - claimed)

    def tree(self) -> dict[str, Tree]:
        """Return it for JSON and XML."""
        return {
            "recipients": self.all.outcomes.total(),
            **self.all.tree(),
            "causes": [
                {"outcome": outcome, "cause": cause, "recipients": count}
                for (outcome, cause), count in sorted(self.causes.items())
            ],
            "vendors": [{"provider": name, **sums.tree()} for name, sums in sorted(self.vendors.items())],
            "delivery": {"states": dict(sorted(self.states.items())), "not_known": self.untold},
            "seconds_to_delivery": {"by_vendor_clock": self.by_vendor.tree(), "at_most": self.at_most.tree()},
        }

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield it as facts."""
        yield from self.all.rows()
        for (outcome, cause), count in sorted(self.causes.items()):
            yield ("cause", f"{outcome} {cause}", str(count))
        for name, sums in sorted(self.vendors.items()):
            yield from ((f"{name} {what}", which, value) for what, which, value in sums.rows() if value != "0")
        for state, count in sorted(self.states.items()):
            yield ("delivery", state, str(count))
        yield ("delivery", "not known", str(self.untold))
        for what, durations in (("by the vendor's clock", self.by_vendor), ("at most, by asking", self.at_most)):
            yield (f"seconds to delivery, {what}", "recipients", str(durations.known))
            if durations.known:
                yield (f"seconds to delivery, {what}", "median", str(durations.within(50)))
                yield (f"seconds to delivery, {what}", "90 %", str(durations.within(90)))


def _sent(entry: JournalEntry) -> float:
    """Return the Unix second at which it was sent, or was to be."""
    return entry.job.created if entry.message.claimed is None else entry.message.claimed

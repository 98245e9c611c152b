"""One message along several accounts, and once more while it is proved that nothing left: never to anybody twice.

What goes on is what is proved NOT_SENT, and what was refused for a reason of the account or the service (login, funds,
sender, destination). What is UNKNOWN stays where it is, and so does who was refused for a number or text of his own.
This module does no I/O of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from smscli.dispatch import Caller, Ledger, World, wait_for
from smscli.errors import Cause
from smscli.model import MSISDN, Message, Outcome, SendReceipt, Submission
from smscli.providers import Provider

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two rounds, doubled each time, before jitter; a vendor that names a longer wait gets it."""

# What another try, made soon, may cure.
_CURABLE = (Cause.STALE, Cause.BUSY, Cause.UNREACHABLE)


class Relay(Ledger, Protocol):
    """A ledger in which another account may take over."""

    def hand_over(self, key: str, provider: str, account: str, recipients: Sequence[MSISDN]) -> None:
        """Let this account claim these from now on, also those that another one has refused."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One account on the way: ``message`` is what it sends (its ``to`` is not looked at), ``account`` its public name.

    ``cannot_take`` are recipients that its vendor would not.
    """

    provider: Provider
    account: str
    caller: Caller
    message: Message
    batch_size: int
    cannot_take: frozenset[MSISDN] = frozenset()


Whose = tuple[str, str]
"""An account: the vendor's name, and its own."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How all recipients ended, and the account that each was tried with last, if it was."""

    receipt: SendReceipt
    by: Mapping[MSISDN, Whose]


def deliver(
    legs: Sequence[Leg],
    submissions: Sequence[Submission],
    *,
    before: Mapping[MSISDN, Whose],
    pending: Sequence[MSISDN],
    journal: Relay,
    key: str,
    world: World,
    patience: float = 0.0,
    watch: Callable[[str], object] = lambda _words: None,
) -> Arrival:
    """Send to those that may be sent to, leg by leg; go round again for so many seconds of ``patience``.

    ``submissions`` say how all stand, ``before`` by whom they were tried, ``pending`` which of them the first leg may
    take. ``watch`` gets a line before each wait and each change of account. Never raises for vendor or network.
    """
    way = _Way(submissions, before, pending)
    deadline = world.monotonic() + patience
    pause = FIRST_PAUSE
    while True:
        for number, leg in enumerate(legs):
            to = way.due(leg)
            if not to:
                continue
            if number:
                watch(f"{_counted(to)} now through {leg.provider.title}: {way.reason(to)}")
            if len(legs) > 1:
                journal.hand_over(key, leg.provider.name, leg.account, to)
            way.take(leg, leg.caller.submit(
                leg.message._replace(to=tuple(to)), [way.results[one] for one in to],
                pending=to, journal=journal, key=key, batch_size=leg.batch_size,
            ))  # fmt: skip
            if world.stopped() or way.receipt.unrecorded:
                return way.arrival()
        left = way.curable()
        wait = max([pause * (0.5 + world.jitter() / 2), *(s.reason.wait or 0.0 for s in left if s.reason)])
        if not left or world.monotonic() + wait > deadline:
            return way.arrival()
        numbers = [submission.to for submission in left]
        watch(f"{_counted(numbers)} not sent, again in {wait:.0f} s: {way.reason(numbers)}")
        if not wait_for(wait, world):
            return way.arrival()
        pause = min(2 * pause, LONGEST_PAUSE)


class _Way:
    """Where each recipient stands, and who refused it."""

    def __init__(
        self, submissions: Sequence[Submission], before: Mapping[MSISDN, Whose], pending: Sequence[MSISDN]
    ) -> None:
        self.results = {submission.to: submission for submission in submissions}
        self.receipt = SendReceipt(tuple(submissions))
        self._by = dict(before)
        self._pending = set(pending)
        self._refused: dict[MSISDN, set[Whose]] = {}
        for number, whose in before.items():
            if self.results[number].outcome is Outcome.REFUSED and number not in self._pending:
                self._refused.setdefault(number, set()).add(whose)

    def due(self, leg: Leg) -> list[MSISDN]:
        """Return who may be sent to by this account now, in order."""
        whose = (leg.provider.name, leg.account)
        return [
            number
            for number, submission in self.results.items()
            if number not in leg.cannot_take
            and whose not in self._refused.get(number, ())
            and (number in self._pending or self._is_passed_on(number, submission))
        ]

    def take(self, leg: Leg, receipt: SendReceipt) -> None:
        """Note what became of those that a leg has tried."""
        whose = (leg.provider.name, leg.account)
        for submission in receipt.submissions:
            number = submission.to
            self.results[number] = submission
            self._by[number] = whose
            self._pending.discard(number)
            if submission.outcome is Outcome.NOT_SENT or _is_unprocessed(submission):
                self._pending.add(number)
            elif submission.outcome is Outcome.REFUSED:
                self._refused.setdefault(number, set()).add(whose)
        self.receipt = receipt._replace(
            submissions=tuple(self.results.values()), balance=receipt.balance or self.receipt.balance
        )

    def curable(self) -> list[Submission]:
        """Return those that another round may send to: nothing of them left, and time may help."""
        return [
            s for number, s in self.results.items()
            if number in self._pending and s.reason is not None and s.reason.cause in _CURABLE
        ]  # fmt: skip

    def reason(self, to: Sequence[MSISDN]) -> str:
        """Return why the first of these goes on."""
        why = self.results[to[0]].reason
        return why.text if why else "not sent"

    def arrival(self) -> Arrival:
        """Return how all ended."""
        return Arrival(self.receipt, self._by)

    def _is_passed_on(self, number: MSISDN, submission: Submission) -> bool:
        """Return whether it was refused for a reason of the account or the service that it was tried with."""
        return number in self._by and submission.outcome is Outcome.REFUSED and is_of_account(
            submission, self._by[number][0]
        )  # fmt: skip


def is_of_account(submission: Submission, vendor: str) -> bool:
    """Return whether a refusal is about the account or the service of that vendor, not about number or text."""
    from smscli import providers

    why = submission.reason
    if why is None:
        return False
    provider = providers.find(vendor)
    codes = provider.account_codes if provider else frozenset()
    return why.cause is Cause.CREDENTIALS or (why.code is not None and why.code in codes)


def _is_unprocessed(submission: Submission) -> bool:
    why = submission.reason
    return submission.outcome is Outcome.REFUSED and why is not None and why.cause in (Cause.STALE, Cause.BUSY)


def _counted(to: Sequence[MSISDN]) -> str:
    return str(to[0]) if len(to) == 1 else f"{len(to)} recipients"

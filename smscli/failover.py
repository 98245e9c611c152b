"""One message along several accounts, and once more while it is proved that nothing left: never to anybody twice.

What goes on is what is proved NOT_SENT, and what was refused for a reason of the account or the service (login, funds,
sender, destination). What is UNKNOWN stays where it is, and so does who was refused for a number or text of his own.
This module does no I/O of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from typing import Protocol

from smscli.dispatch import Caller, Ledger, World, wait_for
from smscli.errors import Cause, ConflictError, SmscliError
from smscli.model import MSISDN, Message, Outcome, Reason, SendReceipt, Submission, all_of
from smscli.providers import Provider
from smscli.record import Record

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two rounds, doubled each time, before jitter; an account that names a longer wait rests so long."""
LAST_TRY = 1.0
"""Seconds before the end at which the last round begins, or half of a patience that is shorter than two of them."""

# What another try, made soon, may cure.
_CURABLE = (Cause.STALE, Cause.BUSY, Cause.UNREACHABLE)


class Relay(Ledger, Protocol):
    """A ledger in which another account may take over."""

    def hand_over(self, key: str, provider: str, account: str, recipients: Sequence[MSISDN]) -> None:
        """Let this account claim these from now on, also those that another one has refused."""


class Leg(Record):
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


class Arrival(Record):
    """How all recipients ended, and the account that each was tried with last, if it was.

    ``is_replay``: nobody was tried now.
    """

    receipt: SendReceipt
    by: Mapping[MSISDN, Whose]
    is_replay: bool = True


def deliver(
    legs: Sequence[Leg],
    submissions: Sequence[Submission],
    *,
    before: Mapping[MSISDN, Whose],
    refused_by: Mapping[MSISDN, Collection[Whose]],
    pending: Sequence[MSISDN],
    journal: Relay,
    key: str,
    world: World,
    patience: float = 0.0,
    watch: Callable[[str], object] = lambda _words: None,
) -> Arrival:
    """Send to those that may be sent to, leg by leg; go round again for so many seconds of ``patience``.

    ``submissions`` say how all stand, ``before`` by whom they were tried last, ``refused_by`` who has refused them,
    ``pending`` which of them may be sent to by anybody. ``watch`` gets a line before each wait and each change of
    account. Never raises for vendor or network.
    """
    way = _Way(submissions, before, refused_by, pending, passes_on=len(legs) > 1)
    deadline = world.monotonic() + patience
    last = min(LAST_TRY, patience / 2)
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
            claims = _Claims(journal)
            receipt = leg.caller.submit(
                leg.message._replace(to=tuple(to)), [way.results[one] for one in to],
                pending=to, journal=claims, key=key, batch_size=leg.batch_size, tries_again=patience <= 0,
            )  # fmt: skip
            way.take(leg, _recorded(receipt, way.results, claims, key), claims.claimed, world.monotonic())
            if world.stopped() or way.receipt.unrecorded:
                return way.arrival()
        waiting = way.waiting()
        now = world.monotonic()
        # A pause of ours is cut so that one more round fits into the time; a wait that a vendor names is not.
        own = min(pause * (0.5 + world.jitter() / 2), deadline - last - now)
        wait = way.rest(own if own > last / 4 else None, now)
        if not waiting or now + wait > deadline:
            return way.arrival()
        numbers = list(waiting)
        watch(f"{_counted(numbers)} not sent, again in {wait:.0f} s: {waiting[numbers[0]].text}")
        if not wait_for(wait, world):
            return way.arrival()
        pause = min(2 * pause, LONGEST_PAUSE)


class _Claims:
    """The journal as one leg sees it, and whom it has claimed there."""

    def __init__(self, journal: Ledger) -> None:
        self.claimed: set[MSISDN] = set()
        self.confirm, self.settle = journal.confirm, journal.settle
        self._journal = journal

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Claim them, and note it."""
        self._journal.claim(key, recipients)
        self.claimed.update(recipients)


class _Way:
    """Where each recipient stands, who refused it, and who may take it a little later."""

    def __init__(
        self, submissions: Sequence[Submission], before: Mapping[MSISDN, Whose],
        refused_by: Mapping[MSISDN, Collection[Whose]], pending: Sequence[MSISDN], *, passes_on: bool,
    ) -> None:  # fmt: skip
        self.results = {submission.to: submission for submission in submissions}
        self.receipt = SendReceipt(tuple(submissions))
        self._by = dict(before)
        self._pending = set(pending)
        self._passes_on = passes_on
        self._refused = {number: set(accounts) for number, accounts in refused_by.items()}
        self._waiting: dict[MSISDN, dict[Whose, Reason]] = {}
        self._not_before: dict[Whose, float] = {}
        self._resting: set[Whose] = set()
        self._is_replay = True

    def due(self, leg: Leg) -> list[MSISDN]:
        """Return who may be sent to by this account now, in order."""
        whose = (leg.provider.name, leg.account)
        if whose in self._resting:
            return []
        return [
            number
            for number in self.results
            if number not in leg.cannot_take and whose not in self._refused.get(number, ()) and self._is_open(number)
        ]

    def take(self, leg: Leg, receipt: SendReceipt, claimed: Collection[MSISDN], now: float) -> None:
        """Note what became of those that a leg has tried, ``claimed`` of them in the journal."""
        whose = (leg.provider.name, leg.account)
        self._is_replay = False
        for submission in receipt.submissions:
            number, reason = submission.to, submission.reason
            if submission is self.results[number]:
                continue  # its turn did not come: what the account before has said stands
            self.results[number] = submission
            if number in claimed:
                self._by[number] = whose
            self._pending.discard(number)
            waiting = self._waiting.setdefault(number, {})
            waiting.pop(whose, None)
            if submission.outcome is Outcome.NOT_SENT or _is_unprocessed(submission):
                self._pending.add(number)
                if reason is not None and reason.cause in _CURABLE:
                    waiting[whose] = reason
                    until = now + (reason.wait or 0.0)
                    self._not_before[whose] = max(self._not_before.get(whose, until), until)
            elif submission.outcome is Outcome.REFUSED:
                self._refused.setdefault(number, set()).add(whose)
        self.receipt = receipt._replace(
            submissions=tuple(self.results.values()), balance=receipt.balance or self.receipt.balance
        )

    def waiting(self) -> dict[MSISDN, Reason]:
        """Return those that another round may send to, and why one account could not: time may help there."""
        return {
            number: next(iter(reasons.values()))
            for number, reasons in self._waiting.items()
            if reasons and self._is_open(number)
        }

    def rest(self, pause: float | None, now: float) -> float:
        """Return the seconds until one account may be asked again; those that named a longer wait rest meanwhile.

        Without a pause only those that named one that is not over are asked again, and infinity says: nobody.
        """
        accounts = {whose for number in self.waiting() for whose in self._waiting[number]}
        waits = {whose: self._not_before[whose] - now for whose in accounts}
        if pause is None:
            waits = {whose: wait if wait > 0 else inf for whose, wait in waits.items()}
        else:
            waits = {whose: max(pause, wait) for whose, wait in waits.items()}
        shortest = min(waits.values(), default=inf)
        self._resting = {whose for whose, wait in waits.items() if wait > shortest}
        return shortest

    def reason(self, to: Sequence[MSISDN]) -> str:
        """Return why the first of these goes on."""
        why = self.results[to[0]].reason
        return why.text if why else "not sent"

    def arrival(self) -> Arrival:
        """Return how all ended."""
        return Arrival(self.receipt, self._by, self._is_replay)

    def _is_open(self, number: MSISDN) -> bool:
        """Return whether it was not sent, or refused for a reason of the account or service it was tried with."""
        submission = self.results[number]
        is_refused = self._passes_on and number in self._by and submission.outcome is Outcome.REFUSED
        return number in self._pending or (is_refused and is_of_account(submission, self._by[number][0]))


def _recorded(
    receipt: SendReceipt, before: Mapping[MSISDN, Submission], claims: _Claims, key: str
) -> SendReceipt:  # fmt: skip
    """Record the try of an account that failed before its claim, where another one has refused.

    The journal would go on to tell of the refusal alone, and the receipt of the failure. Where it takes nothing, the
    refusal stands here too.
    """
    silent = [
        submission
        for submission in receipt.submissions
        if submission.outcome is Outcome.NOT_SENT
        and before[submission.to].outcome is Outcome.REFUSED
        and submission.to not in claims.claimed
    ]
    if not silent:
        return receipt
    to = [submission.to for submission in silent]
    try:
        claims.claim(key, to)
        claims.settle(key, silent)
    except SmscliError as error:
        if to[0] in claims.claimed:
            return receipt._replace(unrecorded=Reason.of(error)._replace(hint=None), unrecorded_to=tuple(to))
        is_taken = isinstance(error, ConflictError)
        others = all_of(to, Outcome.UNKNOWN, Reason.of(error)) if is_taken else [before[number] for number in to]
        changed = {submission.to: submission for submission in others}
        return receipt._replace(submissions=tuple(changed.get(s.to, s) for s in receipt.submissions))
    return receipt


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

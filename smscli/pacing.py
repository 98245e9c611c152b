"""How fast a large job goes and what ends it: what was done so far, and what follows from each answer.

This module knows neither threads nor journal, and does no I/O: it is asked before a request is begun, and told how it
ended.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, inf
from typing import NamedTuple

from smscli.dispatch import BREAK_AFTER_UNREACHABLE, broken_circuit
from smscli.errors import Cause
from smscli.model import MSISDN, Money, Outcome, Reason, SendReceipt, Submission

BREAK_AFTER_BUSY = 6
"""A job stops when the vendor has asked for patience so many times in a row."""
# The longest pause, in seconds, that is made on the vendor's word "later", unless it names a longer one itself.
_LONGEST_PAUSE = 30.0
# After a request that ended so, nobody knows yet whether the vendor takes this account's requests.
_PROVING_NOTHING = (Cause.CREDENTIALS, Cause.INPUT, Cause.UNREACHABLE, Cause.UNKNOWN)
# What the journal takes of a moment is made up for at a rate, a longer pause is not; in seconds.
_MADE_UP = 0.1


class Limits(NamedTuple):
    """What bounds a crew: recipients a second, and how many may fail (not be SENT) before it stops."""

    rate: float = inf
    failures: float = inf


@dataclass
class Tally:
    """What a crew has done so far. ``cost`` is what the vendor said, by currency."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    parts: int = 0
    cost: dict[str | None, Money] = field(default_factory=dict)
    in_flight: int = 0
    """Requests that were claimed and not answered yet: those of all workers, and what is claimed ahead."""
    stop: Reason | None = None
    """Why no other request is begun."""
    unrecorded: dict[MSISDN, Submission] = field(default_factory=dict)
    """What the journal could not take, and will call UNKNOWN."""
    trouble: Reason | None = None
    """Why it could not."""

    @property
    def done(self) -> int:
        """How many messages were tried."""
        return self.outcomes.total()

    @property
    def failures(self) -> int:
        """How many of them were not SENT."""
        return self.done - self.outcomes[Outcome.SENT]

    def add(self, receipt: SendReceipt) -> None:
        """Count what became of a request."""
        for submission in receipt.submissions:
            self.outcomes[submission.outcome] += 1
            self.parts += submission.parts or 0
            if submission.cost:
                currency = submission.cost.currency
                before = self.cost.get(currency)
                self.cost[currency] = Money(
                    submission.cost.amount + (before.amount if before else 0), currency
                )  # fmt: skip


class Pacing:
    """Says when another request may be begun, and ends the job by ``Tally.stop``.

    ``monotonic`` never steps; ``stopped()`` is true once a signal asked to finish.
    """

    def __init__(
        self, tally: Tally, limits: Limits, monotonic: Callable[[], float], stopped: Callable[[], bool]
    ) -> None:
        self.is_proved = False
        """Whether the vendor takes this account's requests: what is wrong with it is learned from one, alone."""
        self._tally = tally
        self._limits = limits
        self._monotonic = monotonic
        self._stopped = stopped
        self._causes: deque[Cause | None] = deque(maxlen=BREAK_AFTER_UNREACHABLE)
        self._busy = 0
        self._not_before = self._rests_until = -inf

    @property
    def has_rate(self) -> bool:
        """Whether recipients are counted by the second."""
        return self._limits.rate < inf

    @property
    def wait(self) -> float:
        """The seconds until another request may be begun."""
        return max(self._not_before - self._monotonic(), 0.0)

    @property
    def is_resting(self) -> bool:
        """Whether the vendor has asked for the time that it is now."""
        return self._monotonic() < self._rests_until

    def has_to_stop(self) -> bool:
        """Return whether no other request may be begun at all; why stands in the tally then."""
        if self._tally.trouble:
            self._tally.stop = self._tally.stop or self._tally.trouble
        elif self._stopped():
            self._stop("stopped by a signal")
        return self._tally.stop is not None

    def begin(self, recipients: int) -> None:
        """Note that a request to so many leaves now."""
        if self.has_rate:
            earliest = self._monotonic() - _MADE_UP
            self._not_before = max(self._not_before, earliest) + recipients / self._limits.rate

    def end(self, receipt: SendReceipt) -> bool:
        """Count what became of a request, and judge; return whether the vendor asked for time.

        What it had no time for is not counted: it is to be taken again.
        """
        waits = [s.reason.wait or 0.0 for s in receipt.submissions if s.reason and is_busy(s)]
        receipt = receipt._replace(submissions=tuple(s for s in receipt.submissions if not is_busy(s)))
        self._tally.add(receipt)
        if waits:
            self._slow_down(max(waits))
        if receipt.submissions:
            self._busy = 0
            self._causes.append(receipt.cause)
            self.is_proved = self.is_proved or receipt.cause not in _PROVING_NOTHING
            self._judge(receipt)
        return bool(waits)

    def _slow_down(self, wait: float) -> None:
        """Begin nothing for as long as the vendor asks: what it had no time for is taken again then."""
        # What was on its way already when it asked for a pause asks for none of its own.
        if not self._busy or not self.is_resting:
            self._busy += 1
        pause = wait or min(2.0**self._busy, _LONGEST_PAUSE)
        self._not_before = self._rests_until = max(self._not_before, self._monotonic() + pause)
        if self._busy >= BREAK_AFTER_BUSY:
            self._stop(f"stopped: the vendor asked {self._busy} times in a row to come later")

    def _judge(self, receipt: SendReceipt) -> None:
        """Decide whether to go on after what became of a request."""
        if self.has_to_stop():
            return  # what fails from now on is not the vendor's fault
        broken = broken_circuit(list(self._causes))
        if broken:
            self._stop(broken)
        elif receipt.cause in (Cause.CREDENTIALS, Cause.CONFIG):
            why = next(s.reason for s in receipt.submissions if s.reason and s.reason.cause is receipt.cause)
            self._tally.stop = why._replace(text=f"stopped: {why.text}")
        elif self._tally.failures >= self._limits.failures:
            self._stop(f"stopped after {self._tally.failures} failures, as asked")

    def _stop(self, why: str) -> None:
        self._tally.stop = self._tally.stop or Reason(why, Cause.UNREACHABLE)


def batch_size(limit: int, rate: float) -> int:
    """Return how many recipients go into one request: not more than leave in a second at that rate."""
    return limit if rate == inf else max(1, min(limit, ceil(rate)))


def is_busy(submission: Submission) -> bool:
    """Return whether the vendor had no time for it, and asks to come later."""
    return submission.reason is not None and submission.reason.cause is Cause.BUSY

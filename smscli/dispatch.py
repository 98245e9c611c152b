"""The order of events of one call to a vendor: stamp, build, transport, parse; and, for a send, the journal around it.

This module does no I/O of its own: transport, journal, clock and randomness are arguments. It owns the promise that a
recipient is submitted at most once, and that NOT_SENT is only said with proof.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from threading import Lock
from typing import Protocol, TypeVar

from smscli.echoes import without_echoes
from smscli.errors import Cause, ConfigError, ConflictError, OutcomeUnknownError, SmscliError, UnreachableError
from smscli.model import MSISDN, Account, Message, Outcome, Reason, SendReceipt, Submission, all_of
from smscli.providers import Operation, Provider, Stamp
from smscli.record import Record
from smscli.wire import Request, Response, Transport

In = TypeVar("In")
Out = TypeVar("Out")

ATTEMPTS = 3
"""The first try and at most two more, all within one deadline."""
REFUSALS = 2
"""A send refused as stale gets one fresh signature; a second refusal has another cause."""
BREAK_AFTER_UNKNOWN = 3
BREAK_AFTER_UNREACHABLE = 5
"""A job stops after this many batches in a row: a vendor that is down must not cost the whole list."""

# A fetched stamp serves again while it is younger than this share of its life: the rest is for a slow connection.
_REUSE = 0.25

# Causes after which another try, made soon, may go better and cannot double anything.
_CURABLE = (Cause.STALE, Cause.BUSY, Cause.UNREACHABLE)
# Seconds of a pause after which a signal is heard.
_HEARING = 2.0

_STOPPED = "stopped by a signal before this recipient's turn"
_AGAIN = "run the same command with the same --key to send the rest"


class World(Record):
    """What a call needs from outside.

    ``seconds`` is the time one call may take, its retries and the fetching of a stamp included. ``now`` is Unix
    seconds, ``monotonic`` never steps. ``jitter()`` is uniform in [0, 1); ``nonce()`` gives decimal digits, new each
    time; ``stopped()`` is true once a signal asked to finish. ``trace`` gets a line for each step. After ``hang_up()``
    the next request has a connection of its own.
    """

    transport: Transport
    seconds: float
    now: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]
    nonce: Callable[[], str]
    stopped: Callable[[], bool] = lambda: False
    trace: Callable[[str], object] = lambda _step: None
    hang_up: Callable[[], object] = lambda: None


class Ledger(Protocol):
    """The part of the journal that a send in progress talks to."""

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Commit durably that these are in flight, or raise, and nothing is sent.

        Raises ConflictError when another process has them, ConfigError when it cannot be recorded.
        """

    def confirm(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Raise ConflictError unless these are still in flight for this process, before they are tried again."""

    def settle(
        self, key: str, submissions: Sequence[Submission], evidence: str | None = None, seconds: float = 0.0
    ) -> None:
        """Record how these ended, waiting at least ``seconds`` for other processes; raise ConfigError when it fails."""


class Stamps:
    """The stamp that a vendor's clock gave last, and when it was asked for; shared by all callers of one account."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.latest: tuple[str, float] | None = None


class Caller:
    """One vendor, one account, and the calls made to it; a fetched stamp is shared between them while it is fresh.

    Not for use from several threads at once: those have a caller each, and ``stamps`` in common.
    """

    def __init__(self, provider: Provider, account: Account, world: World, stamps: Stamps | None = None) -> None:
        self.world = world
        self._provider = provider.of(account.fields)
        self._account = account
        self._stamps = stamps or Stamps()

    def call(self, operation: Operation[In, Out], what: In, *, until: float = inf) -> Out:
        """Ask the vendor something that sends nothing, and be done by the monotonic second ``until``.

        Raises AuthenticationError or RejectedError for the vendor's refusal, ConfigError, and UnreachableError for
        everything that another try may cure: an answer lost on the way has cost nothing.
        """
        deadline = min(self._deadline(), until)
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._ask(operation, what, deadline)
            except UnreachableError as error:
                if not self._pause(attempt, deadline, error.wait or 0.0):
                    raise
                self._stamps.latest = None

    def submit(
        self,
        message: Message,
        submissions: Sequence[Submission],
        *,
        pending: Sequence[MSISDN],
        journal: Ledger,
        key: str,
        batch_size: int,
        tries_again: bool = True,
    ) -> SendReceipt:
        """Send ``message`` to those of ``submissions`` that are ``pending``; return the state of all.

        Each batch is claimed in the journal before its first byte leaves and settled after its answer. A signal, a
        broken circuit or a journal that cannot be written leaves the others NOT_SENT, with that reason. Never raises
        for what the vendor or the network does. Without ``tries_again`` what has not left is not tried again here.
        """
        results = {submission.to: submission for submission in submissions}
        receipts: list[SendReceipt] = []
        for start in range(0, len(pending), batch_size):
            stop = self._reason_to_stop(receipts)
            if stop:
                if stop.cause is Cause.CONFLICT:
                    left, outcome = list(pending[start:]), Outcome.UNKNOWN
                else:
                    left = [number for number in pending[start:] if results[number].outcome is Outcome.NOT_SENT]
                    outcome = Outcome.NOT_SENT
                results.update((s.to, s) for s in all_of(left, outcome, stop))
                break
            to = tuple(pending[start : start + batch_size])
            receipts.append(self.submit_batch(message._replace(to=to), journal, key, tries_again=tries_again))
            results.update((submission.to, submission) for submission in receipts[-1].submissions)
        balance = next((receipt.balance for receipt in reversed(receipts) if receipt.balance), None)
        whole = SendReceipt(tuple(results.values()), balance)
        last = receipts[-1] if receipts else whole
        return whole._replace(unrecorded=last.unrecorded, unrecorded_to=last.unrecorded_to)

    def _stamp(self, deadline: float) -> tuple[str, float | None]:
        """Return what makes the next request fresh, and the monotonic second after which it is stale.

        A vendor's clock is fetched over the network.
        """
        world, provider = self.world, self._provider
        if provider.stamp is Stamp.NONCE:
            return world.nonce(), None
        if provider.stamp is Stamp.LOCAL_CLOCK:
            return str(int(world.now())), world.monotonic() + provider.stamp_life
        if provider.stamp is Stamp.NONE or provider.timestamp is None:
            return "", None
        with self._stamps.lock:  # one asks, the others wait for what it hears
            latest, started = self._stamps.latest, world.monotonic()
            if latest is None or started - latest[1] > provider.stamp_life * _REUSE:
                if world.stopped():  # perhaps while another had the lock
                    raise UnreachableError(_STOPPED, hint=_AGAIN)
                response = self._exchange(provider.timestamp.build(None, self._account, ""), deadline)
                # The age counts from before the question: the vendor read its clock somewhere between then and now.
                latest = self._stamps.latest = str(provider.timestamp.parse(response, None, "").unix), started
        return latest[0], latest[1] + provider.stamp_life

    def submit_batch(self, message: Message, journal: Ledger, key: str, *, tries_again: bool = True) -> SendReceipt:
        """Send one request, tried again where that cannot double anything: claimed before, settled after it.

        Without ``tries_again`` only what was answered is. Never raises for what the vendor or the network does.
        """
        deadline = self._deadline()
        claimed = False

        def claim() -> None:
            nonlocal claimed
            try:
                # A pause is long enough for others to take this process for dead.
                (journal.confirm if claimed else journal.claim)(key, message.to)
            except ConflictError as error:
                raise _TakenError(error.message, hint=error.hint) from error
            self.world.trace(f"journal: {len(message.to)} in flight")
            claimed = True

        receipt: SendReceipt | None = None
        attempt = answers = 0
        while True:
            attempt += 1
            latest = self._attempt(message, claim, deadline)
            if _taken(latest):
                return latest
            left = latest.submissions[0].outcome is not Outcome.NOT_SENT
            answers += left
            # A refusal stays one when the next try never leaves: NOT_SENT would deny the request that was made.
            if left or receipt is None or not answers:
                receipt = latest
            wait = max(s.reason.wait or 0.0 if s.reason else 0.0 for s in receipt.submissions)
            again = (wait or answers < REFUSALS) and all(map(_is_curable, receipt.submissions))
            if not again or not (left or tries_again) or not self._pause(attempt, deadline, wait):
                break
            self._stamps.latest = None
        return self._settle(receipt, journal, key, deadline) if claimed else receipt

    def _attempt(self, message: Message, claim: Callable[[], None], deadline: float) -> SendReceipt:
        """Stamp, build, claim, send and read once; NOT_SENT means that no byte has left."""
        try:
            stamp, not_after = self._stamp(deadline)
            request = self._provider.send.build(message, self._account, stamp)._replace(not_after=not_after)
            claim()
            response = self._let_go(request, deadline)
        except SmscliError as error:
            # Only the send itself can be unknown: the fetching of a stamp maps its own to UnreachableError.
            unknown = isinstance(error, OutcomeUnknownError | _TakenError)
            outcome = Outcome.UNKNOWN if unknown else Outcome.NOT_SENT
            return SendReceipt(all_of(message.to, outcome, Reason.of(error)))
        receipt = self._provider.send.parse(response, message, stamp)
        if any(submission.outcome is not Outcome.SENT for submission in receipt.submissions):
            # Only an acceptance names its recipients. Anything else may be a second answer to the request before, and
            # the next request must not get this one's.
            self.world.hang_up()
        signed = (value for name, value in (*request.query, *request.form) if name == self._provider.rule.signature)
        return without_echoes(receipt, (*(s.reveal() for s in self._account.secrets), message.text, *signed))

    def _let_go(self, request: Request, deadline: float) -> Response:
        """Send the request, unless a signal came while the clock was asked or the claim was written."""
        if self.world.stopped():
            raise UnreachableError(_STOPPED, hint=_AGAIN)
        return self.world.transport(request, deadline - self.world.monotonic())

    def _settle(self, receipt: SendReceipt, journal: Ledger, key: str, deadline: float) -> SendReceipt:
        try:
            # What the vendor has said must not be lost to a busy file while there is time left to wait.
            journal.settle(key, receipt.submissions, receipt.evidence, deadline - self.world.monotonic())
        except ConfigError as error:
            # What happened is known and shown; only the journal will call it unknown. The journal's own hint is not
            # passed on: whatever it says, this request must not be made again.
            to = tuple(submission.to for submission in receipt.submissions)
            return receipt._replace(unrecorded=Reason.of(error)._replace(hint=None), unrecorded_to=to)
        self.world.trace(f"journal: outcome of {len(receipt.submissions)} recorded")
        return receipt

    def _reason_to_stop(self, receipts: Sequence[SendReceipt]) -> Reason | None:
        if self.world.stopped():
            return Reason(_STOPPED, Cause.UNREACHABLE, hint=_AGAIN)
        taken = receipts and _taken(receipts[-1])
        if taken:
            return taken
        if receipts and receipts[-1].unrecorded:
            return receipts[-1].unrecorded._replace(cause=Cause.CONFIG)
        if receipts and receipts[-1].cause is Cause.CONFIG:
            return next(s.reason for s in receipts[-1].submissions if s.reason)
        broken = broken_circuit([receipt.cause for receipt in receipts[-BREAK_AFTER_UNREACHABLE:]])
        return Reason(broken, Cause.UNREACHABLE, hint=_AGAIN) if broken else None

    def _ask(self, operation: Operation[In, Out], what: In, deadline: float) -> Out:
        stamp, not_after = self._stamp(deadline)
        request = operation.build(what, self._account, stamp)._replace(not_after=not_after)
        return operation.parse(self._exchange(request, deadline), what, stamp)

    def _exchange(self, request: Request, deadline: float) -> Response:
        try:
            return self.world.transport(request, deadline - self.world.monotonic())
        except OutcomeUnknownError as error:
            raise UnreachableError(error.message, hint="nothing is sent by asking: try again") from error

    def _deadline(self) -> float:
        return self.world.monotonic() + self.world.seconds

    def _pause(self, attempt: int, deadline: float, wait: float) -> bool:
        """Wait before another attempt, full jitter on top of what the vendor asks for; False when none is to be made.

        A wait that would end behind the deadline is not begun.
        """
        delay = wait + self.world.jitter() * 0.5 * 2**attempt
        if attempt == ATTEMPTS or self.world.stopped() or self.world.monotonic() + delay >= deadline:
            return False
        return wait_for(delay, self.world)


def wait_for(seconds: float, world: World) -> bool:
    """Wait; return False when a signal came meanwhile."""
    world.trace(f"waiting {seconds:.1f} s before another try")
    while True:
        world.sleep(min(seconds, _HEARING))
        seconds -= _HEARING
        if seconds <= 0 or world.stopped():
            return not world.stopped()


def broken_circuit(causes: Sequence[Cause | None]) -> str | None:
    """Return why no other request is to be made, where the causes of the last ones say so: a vendor that is down."""
    for cause, limit in ((Cause.UNKNOWN, BREAK_AFTER_UNKNOWN), (Cause.UNREACHABLE, BREAK_AFTER_UNREACHABLE)):
        if len(causes) >= limit and set(causes[-limit:]) == {cause}:
            what = "unknown outcomes" if cause is Cause.UNKNOWN else "failures to reach the vendor"
            return f"stopped after {limit} {what} in a row"
    return None


class _TakenError(ConflictError):
    """Another process has these recipients, and may have sent to them: that nothing left from here proves nothing."""


def _taken(receipt: SendReceipt) -> Reason | None:
    """Return why nobody here knows what becomes of these recipients: another process has them."""
    submission = receipt.submissions[0]
    is_taken = submission.outcome is Outcome.UNKNOWN and submission.reason and submission.reason.cause is Cause.CONFLICT
    return submission.reason if is_taken else None


def _is_curable(submission: Submission) -> bool:
    """Return whether nothing of it can have gone out, and another try may go better."""
    untouched = submission.outcome in (Outcome.NOT_SENT, Outcome.REFUSED)
    return untouched and submission.reason is not None and submission.reason.cause in _CURABLE

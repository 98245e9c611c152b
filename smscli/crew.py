"""Many messages at once: workers that send, and one desk that records.

The thread that calls ``work`` is the desk. It alone touches the journal, and commits what has ended together with what
is begun next, for all workers at once: on a slow disk the commits are what a job waits for. Where there are many
workers it claims ahead, and one whose request went well goes on with that, while its outcome is written. The price is
that a crash leaves one request a worker UNKNOWN, and those that were claimed ahead. This module does no I/O of its own.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, Protocol

from smscli.dispatch import Caller
from smscli.errors import Cause, ConfigError, ConflictError, SmscliError
from smscli.journal import Ending, News
from smscli.model import MSISDN, Message, Outcome, Reason, SendReceipt, Submission, all_of
from smscli.pacing import Limits, Pacing, Tally, is_busy

if TYPE_CHECKING:
    from smscli.journal import Batch, JournalEntry

# Seconds after which a signal is heard, and the watcher is told.
_TICK = 0.1
# A commit that takes longer than this is worth waiting for others, in seconds, and how long at most.
_SLOW, _LINGER = 0.01, 0.05
# Seconds a thread may keep the interpreter while another one wants it; Python's own is 5 ms.
_SWITCH = 0.0005
# Why what was claimed is not begun.
_STOPPED = Reason("stopped before this recipient's turn", Cause.UNREACHABLE)
_RESTING = Reason("the vendor asked to come later before this recipient's turn", Cause.BUSY)


class Desk(Protocol):
    """The part of the journal that a crew works with (see ``TeamJournal``)."""

    def advance(
        self, key: str, endings: Sequence[Ending], count: int
    ) -> tuple[list[Batch], list[JournalEntry]]:  # fmt: skip
        """Commit what has ended and put other batches in flight."""

    def confirm_places(self, key: str, places: Sequence[int]) -> None:
        """Raise ConflictError unless these are still in flight for this process."""

    def finish(self, key: str, endings: Sequence[Ending]) -> list[JournalEntry]:
        """Record what has ended, insistently."""

    def learn(self, key: str, news: Sequence[News]) -> None:
        """Record where messages stand by their vendor's word."""


_UNBOUND = Limits()


class _Report(NamedTuple):
    """What a worker has to say: how a batch of it ended; ``receipt`` None asks whether it may be tried again.

    ``next`` are the batches that were to follow it: not all was SENT, and the desk is to judge before they leave.
    """

    batch: Batch
    receipt: SendReceipt | None
    reply: SimpleQueue[SmscliError | None]
    next: Sequence[Batch] = ()


class Crew:
    """Workers, each with a way to the vendor of its own, for one job; ``tally`` is where they count.

    ``message`` is what all messages share: sender and test mode. ``stopped()`` is true once a signal asked to finish;
    ``watch`` is called a few times a second with the tally.
    """

    def __init__(
        self, callers: Sequence[Caller], message: Message, journal: Desk, key: str, *,
        monotonic: Callable[[], float], tally: Tally, limits: Limits = _UNBOUND,
        stopped: Callable[[], bool] = lambda: False,
        watch: Callable[[Tally], object] = lambda _tally: None,
    ) -> None:  # fmt: skip
        self.tally = tally
        self._callers = callers
        self._message = message
        self._journal = journal
        self._key = key
        self._monotonic = monotonic
        self._pacing = Pacing(tally, limits, monotonic, stopped)
        self._watch = watch
        self._workers = 0
        # What is claimed and nobody has begun; None ends a worker.
        self._claimed: SimpleQueue[Batch | None] = SimpleQueue()
        self._reports: SimpleQueue[_Report] = SimpleQueue()
        self._endings: list[tuple[Batch, SendReceipt]] = []
        self._commit_seconds = 0.0
        self._is_exhausted = False

    def work(self) -> Tally:
        """Send until nothing is left that may be taken, or something says stop; what is in flight is waited for.

        Never raises for what vendor, network or journal do: ``Tally.stop`` and ``Tally.trouble`` say it.
        """
        with self._at_work():
            while True:
                self._advance()
                self._watch(self.tally)
                if not self.tally.in_flight and not self._endings and (self.tally.stop or self._is_exhausted):
                    return self.tally
                self._listen()

    # --- the desk -----------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        """Commit what has ended with what is begun next, and hand it out."""
        if self._pacing.has_to_stop():
            self._take_back(self._unbegun(), _STOPPED)
        count = self._wanted()
        if not self._endings and not count:
            return
        endings, began = self._endings, self._monotonic()
        try:
            if self.tally.trouble:
                others = self._journal.finish(self._key, _recorded(endings))
                batches: list[Batch] = []
            else:
                batches, others = self._journal.advance(self._key, _recorded(endings), count)
        except SmscliError as error:
            # Whatever keeps others from being begun, what has ended is to be recorded: that is tried once more.
            if self.tally.trouble:
                self._give_up(endings, error)
                self._endings = []
            self.tally.trouble = self.tally.trouble or Reason.of(error)
            return
        self._endings = []
        self._commit_seconds = self._monotonic() - began
        for entry in others:
            self._give_up(endings, ConflictError(f"{entry.submission.to} is {entry.state} by now"), entry)
        if any(is_busy(s) for _, receipt in endings for s in receipt.submissions):
            self._is_exhausted = False  # what the vendor had no time for is there to be taken from now on
        elif count:
            self._is_exhausted = len(batches) < count
        for batch in batches:
            self._hand_out(batch)
        self._learn(endings)

    def _learn(self, endings: Sequence[tuple[Batch, SendReceipt]]) -> None:
        """Keep where answers have said that messages stand; no outcome hangs on it, so that its loss is none."""
        news = [
            News(batch.places[submission.to], submission.delivery)
            for batch, receipt in endings
            for submission in receipt.submissions
            if submission.delivery
        ]
        if news:
            with suppress(SmscliError):
                self._journal.learn(self._key, news)

    def _wanted(self) -> int:
        """Return how many batches may be begun now."""
        if self._pacing.has_to_stop() or self._is_exhausted or self._pacing.wait:
            return 0
        if not self._pacing.is_proved:
            return 0 if self.tally.in_flight else 1
        if self._pacing.has_rate:
            return min(self._workers - self.tally.in_flight, 1)
        return self._workers + ahead(self._workers) - self.tally.in_flight

    def _hand_out(self, batch: Batch) -> None:
        self._pacing.begin(len(batch.places))
        self.tally.in_flight += 1
        self._claimed.put(batch)

    def _unbegun(self) -> list[Batch]:
        """Take from the workers what is claimed and none of them has begun."""
        batches: list[Batch] = []
        with suppress(Empty):
            while batch := self._claimed.get_nowait():
                batches.append(batch)
            self._claimed.put(None)  # a worker is to end by it
        return batches

    def _take_back(self, batches: Sequence[Batch], why: Reason) -> None:
        """Record as not sent what was claimed and not begun: it may be claimed again, here when it was for BUSY."""
        for batch in batches:
            self.tally.in_flight -= 1
            self._endings.append((batch, SendReceipt(all_of(tuple(batch.places), Outcome.NOT_SENT, why))))

    def _listen(self) -> None:
        """Wait for what a worker has to say, not longer than until something else is due, and take all there is."""
        pause = 0.0 if self._wanted() else min(self._pacing.wait or _TICK, _TICK)
        with suppress(Empty):
            report = self._reports.get(timeout=pause)  # signal handlers run in here
            # Where a commit takes long, whoever ends a little later shall be in it, too.
            until = self._monotonic() + min(self._commit_seconds / 2, _LINGER)
            while True:
                self._take(report)
                left = until - self._monotonic() if self.tally.in_flight and self._commit_seconds > _SLOW else 0.0
                report = self._reports.get(timeout=left) if left > 0 else self._reports.get_nowait()

    def _take(self, report: _Report) -> None:
        if report.receipt is None:
            report.reply.put(self._confirmed(report.batch))
            return
        self.tally.in_flight -= 1
        self._endings.append((report.batch, report.receipt))
        asked_for_time = self._pacing.end(report.receipt)
        following = [*report.next, *(self._unbegun() if asked_for_time else ())]
        if following and self._pacing.has_to_stop():
            self._take_back(following, _STOPPED)
        elif following and (asked_for_time or self._pacing.is_resting):
            self._take_back(following, _RESTING)
        else:
            for batch in following:
                self._claimed.put(batch)

    def _confirmed(self, batch: Batch) -> SmscliError | None:
        try:
            self._journal.confirm_places(self._key, tuple(batch.places.values()))
        except SmscliError as error:
            return error
        return None

    def _give_up(
        self, endings: Sequence[tuple[Batch, SendReceipt]], error: SmscliError, entry: JournalEntry | None = None
    ) -> None:
        """Keep what the journal did not take, all of it or one entry, to be told at the end."""
        self.tally.trouble = self.tally.trouble or Reason.of(error)
        for batch, receipt in endings:
            for submission in receipt.submissions:
                if entry is None or entry.message.position == batch.places[submission.to]:
                    self.tally.unrecorded[submission.to] = submission

    # --- the workers --------------------------------------------------------------------------------------------------

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        threads: list[threading.Thread] = []
        usual = sys.getswitchinterval()
        # At every call of the database the desk gives the interpreter up, and would wait behind workers to get it back.
        sys.setswitchinterval(_SWITCH)
        try:
            with suppress(RuntimeError):  # this machine gives no more threads: some will do
                for number in range(len(self._callers)):
                    name = f"smscli-worker-{number}"
                    thread = threading.Thread(target=self._serve, args=(number,), name=name, daemon=True)
                    thread.start()
                    threads.append(thread)
            self._workers = len(threads)
            if not threads:
                self.tally.stop = Reason("this machine gives no thread; nothing was sent", Cause.CONFIG)
            yield
        finally:
            self._wait_for(threads)
            sys.setswitchinterval(usual)

    def _wait_for(self, threads: Sequence[threading.Thread]) -> None:
        """Let the workers end, and record what they still say, should the desk have failed."""
        self._take_back(self._unbegun(), _STOPPED)
        for _ in threads:
            self._claimed.put(None)
        while (alive := [thread for thread in threads if thread.is_alive()]) or not self._reports.empty():
            with suppress(Empty):
                while True:
                    report = self._reports.get_nowait()
                    if report.receipt is None:
                        report.reply.put(ConfigError("this job has ended"))  # nobody is left to look
                    else:
                        self._endings.append((report.batch, report.receipt))
                        self._take_back(report.next, _STOPPED)
            for thread in alive[:1]:
                thread.join(_TICK)
        if self._endings:
            with suppress(SmscliError):
                self._journal.finish(self._key, _recorded(self._endings))

    def _serve(self, number: int) -> None:
        """Send what is claimed, until there is None.

        What follows a request that went well need not wait for its commit; what follows another one, for the desk.
        """
        reply: SimpleQueue[SmscliError | None] = SimpleQueue()
        while (batch := self._claimed.get()) is not None:

            def confirm(batch: Batch = batch) -> None:
                self._reports.put(_Report(batch, None, reply))
                error = reply.get()
                if error:
                    raise error

            message = self._message._replace(to=tuple(batch.places), text=batch.text)
            try:
                receipt = self._callers[number].submit_batch(message, _Errand(confirm), self._key)
                if {s.to for s in receipt.submissions} != batch.places.keys():
                    raise LookupError  # noqa: TRY301  (a vendor's module speaks of somebody else)
            except BaseException as error:  # noqa: BLE001  (a bug: whatever was done, it has to be recorded)
                why = Reason(f"internal error: {type(error).__name__}", Cause.UNKNOWN)
                receipt = SendReceipt(all_of(message.to, Outcome.UNKNOWN, why))
            is_fine = all(submission.outcome is Outcome.SENT for submission in receipt.submissions)
            self._reports.put(_Report(batch, receipt, reply, () if is_fine else self._unbegun()))


class _Errand:
    """The journal as a worker sees it: the desk has claimed for it, and will settle."""

    def __init__(self, confirm: Callable[[], None]) -> None:
        self._confirm = confirm

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Do nothing: it is claimed."""

    def confirm(self, key: str, recipients: Sequence[MSISDN]) -> None:  # noqa: ARG002  (the shape of a ledger)
        """Have the desk look."""
        self._confirm()

    def settle(
        self, key: str, submissions: Sequence[Submission], evidence: str | None = None, seconds: float = 0.0
    ) -> None:
        """Do nothing: the desk settles what is reported."""


def ahead(workers: int) -> int:
    """Return how many requests are claimed before a worker is free for them, so that few workers wait for a commit.

    A crash leaves them UNKNOWN, too.
    """
    return workers // 8


def _recorded(endings: Sequence[tuple[Batch, SendReceipt]]) -> list[Ending]:
    return [
        Ending({batch.places[s.to]: s for s in receipt.submissions}, receipt.evidence) for batch, receipt in endings
    ]

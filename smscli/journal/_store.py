"""The journal itself: what happens to a job from its beginning to the day it is forgotten, one transaction a step."""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (the journal is only loaded by the commands that need it)
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from types import TracebackType

from smscli.errors import ConfigError, ConflictError, InputError
from smscli.journal._contents import Contents
from smscli.journal._entries import (
    EVERYTHING,
    NO_HINTS,
    Boot,
    Hints,
    Job,
    JournalEntry,
    Opened,
    Selection,
    State,
    digest,
    is_pending,
)
from smscli.journal._file import BUSY_SECONDS, check_file, ensure, explained, lock_path
from smscli.journal._locks import LockFile
from smscli.journal._rows import InspectionRow, JobRow, MessageRow, WitnessRow
from smscli.journal._tables import Tables, complete, is_text
from smscli.model import MSISDN, Outcome, Submission, visible

MAX_EVIDENCE = 4096
"""Bytes of an answer that was not understood which are kept."""
MAX_KEY = 255

_OTHER_CONTENT = "text, recipients, sender, account, base_url and time belong to it: take another key"

# Seconds a send may spend on checking the whole file, and the lock of whoever is at it (no job has that number).
_CHECK_SECONDS, _CHECK_LOCK = 2.0, 0


class NoJournal:
    """Stands in for a journal where nothing can be kept: every job is new, and nothing is remembered."""

    is_new = False

    def begin(self, job: Job, *, once: float | None = None) -> Opened:  # noqa: ARG002  (the journal's own shape)
        """Open the job: every recipient is still to be sent."""
        numbers = dict.fromkeys(job.recipients)
        return Opened(job.key, tuple(Submission(number, Outcome.NOT_SENT) for number in numbers), 0.0)

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Keep nothing."""

    def settle(
        self, key: str, submissions: Sequence[Submission], evidence: str | None = None, seconds: float = 0.0
    ) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Hold nothing."""


class Journal:
    """One journal file, opened by one thread of one process.

    ``path`` is created when there never was one (``is_new`` then says so), 0600 in a directory of 0700; an existing
    file is never replaced, mended or migrated down. ``now`` gives Unix seconds; ``boot`` is the second witness of
    time, None where the system has none; ``hints`` say what to do about trouble, ``tell`` takes a line on what was
    done besides. Raises ConfigError when the file cannot be trusted or used.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], float],
        boot: Callable[[], Boot | None] = lambda: None,
        hints: Hints = NO_HINTS,
        tell: Callable[[str], object] = lambda _line: None,
    ) -> None:
        if os.name == "nt":
            raise ConfigError("the journal needs POSIX record locks, which Windows has not", hint=hints.no_locks)
        self._path = Path(os.path.realpath(path))
        self._now = now
        self._boot = boot
        self._hints = hints
        self._tell = tell
        self._held: dict[str, int] = {}
        with ExitStack() as stack, explained(self._path, hints):
            self.is_new = ensure(self._path, hints)
            check_file(self._path, hints)
            self._locks = LockFile.open(lock_path(self._path), hints)
            stack.callback(self._locks.close)
            stack.callback(self._release)
            self._tables = Tables(self._path, hints)
            stack.callback(self._tables.close)
            self._contents = Contents(self._tables, self._locks, self._clock, boot)
            self._unclean = self._settle_for_the_dead() or self._tables.recovered
            self._stack = stack.pop_all()

    # --- the way of one send ------------------------------------------------------------------------------------------

    def begin(self, job: Job, *, once: float | None = None) -> Opened:
        """Find or insert the job, hold it until ``close``, and return where each recipient stands.

        ``once``: when the same content was begun under any key within that many seconds, and not all of it is proved
        unsent, that job is opened instead and nothing is inserted. Where the clock was changed, so that nobody can
        tell how long ago that was, it counts as within.
        Raises ConflictError when the key was used for other content or a living process holds the job, InputError for
        a key that cannot be one, ConfigError when the journal cannot be written. In every case nothing was sent.
        """
        key = _checked_key(job.key)
        self._check_when_due()
        recipients = tuple(dict.fromkeys(job.recipients))
        repeated: JobRow | None = None
        doubted, twin = False, None
        with self._tables.writing("nothing was sent"):
            stored = self._tables.job(key)
            if stored and stored.fingerprint != job.fingerprint:
                raise ConflictError(
                    f"key {key!r} was used for other content on {_date(stored.created)}",
                    hint="; or ".join(filter(None, (_OTHER_CONTENT, self._hints.key(key)))),
                )
            if stored is None:
                repeated, doubted = (
                    self._contents.repetition(job.fingerprint, once) if once is not None else (None, False)
                )
                twin = None if repeated else self._contents.twin(job.fingerprint)
            stored = stored or repeated or self._insert(key, job, recipients)
            self._hold(stored)
            messages = {message.recipient: message for message in self._settled(stored)}
        return Opened(
            stored.key,
            tuple(messages[number.digits].submission() for number in recipients),
            stored.created,
            repeated_from=stored.key if repeated else None,
            doubted=doubted,
            twin=twin,
        )

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Commit durably that these recipients are in flight; only then may the first byte leave.

        Raises ConfigError when that cannot be recorded and ConflictError when one of them may not be sent (again): in
        both cases none of them is in flight and nothing may be sent.
        """
        moment, boot = self._clock(), self._boot()
        with self._tables.writing("nothing was sent to these recipients"):
            job = self._held_job(key)
            messages = self._messages(job, recipients)
            for message in messages:
                if not is_pending(message.submission()):
                    raise ConflictError(f"+{message.recipient} is already {message.state} under key {key!r}")
            witness = self._tables.witness(job.id).after_claim(moment, boot)
            self._change(messages, [message.in_flight(moment) for message in messages], witness)

    def settle(
        self, key: str, submissions: Sequence[Submission], evidence: str | None = None, seconds: float = 0.0
    ) -> None:
        """Record how claimed recipients ended; NOT_SENT gives the claim back.

        ``evidence`` is what an answer that was not understood looked like, escaped; 4 KiB of it are kept. ``seconds``
        is how long it may wait for other processes, if that is longer than usual.
        Raises ConfigError when it cannot be recorded: then they stay in flight, which a later run reads as unknown.
        """
        moment = self._clock()
        text = visible(evidence.encode(errors="replace")[:MAX_EVIDENCE].decode(errors="ignore")) if evidence else None
        consequence = "what became of these recipients is not recorded; it counts as unknown from now on"
        with self._tables.writing(consequence, seconds=max(seconds, BUSY_SECONDS)):
            job = self._held_job(key)
            messages = self._messages(job, [submission.to for submission in submissions])
            for message in messages:
                if message.state != State.IN_FLIGHT:
                    raise ConfigError(f"+{message.recipient} is {message.state}, not in flight, under key {key!r}")
            ended = [m.ended(submission, moment, text) for m, submission in zip(messages, submissions, strict=True)]
            self._change(messages, ended, self._tables.witness(job.id))

    def close(self) -> None:
        """Let go of every job and of the file. What is still in flight is unknown from now on."""
        # Everything is committed by now, and the kernel frees what could not be: trouble here changes nothing.
        with suppress(OSError, sqlite3.Error):
            self._stack.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # --- what a person asks, offline ----------------------------------------------------------------------------------

    def stream(self, selection: Selection = EVERYTHING, *, newest_first: bool = False) -> Iterator[JournalEntry]:
        """Yield the selected entries job by job, the recipients of each in the order of its send.

        They are read page by page; what changes meanwhile may or may not be seen. Raises ConfigError at a damaged one.
        """
        with self._tables.explained():
            for page in self._tables.pages(selection, newest_first=newest_first):
                for job, rows in page:
                    yield from filter(selection.includes, (JournalEntry(job, m) for m in complete(job, rows)))

    def counts(self, selection: Selection = EVERYTHING) -> Mapping[str, int]:
        """Return how many recipients are selected, by state; a state without any may be missing."""
        return self._tables.counts(selection)

    def show(self, key: str) -> tuple[JournalEntry, ...]:
        """Return the entries of one job; raise InputError when there is no such key."""
        with self._tables.reading():
            job = self._known(key)
            return tuple(JournalEntry(job, message) for message in self._tables.messages(job))

    def knows(self, key: str) -> bool:
        """Return whether there is such a key."""
        with self._tables.reading():
            return self._tables.job(key) is not None

    def resolve(self, key: str, *, sent: bool, to: MSISDN | None = None) -> tuple[JournalEntry, ...]:
        """Record a person's decision on what is UNKNOWN under ``key`` (or on ``to`` alone); return those entries.

        What is resolved as not sent may be sent again under the same key. Raises InputError when there is no such key
        or nothing unknown under it, ConflictError when a living process holds the job.
        """
        moment = self._clock()
        with self._tables.writing("nothing was changed"):
            job = self._known(key)
            if self._locks.is_held(job.id):
                raise _in_flight_elsewhere(key)
            unknown = [
                message
                for message in self._settled(job)
                if message.state == State.UNKNOWN and (to is None or message.recipient == to.digits)
            ]
            if not unknown:
                raise InputError(
                    f"nothing is unknown under key {key!r}" + (f" for {to}" if to else ""),
                    hint=self._hints.key(key),
                )
            resolved = [message.decided(sent, moment) for message in unknown]
            self._change(unknown, resolved, self._tables.witness(job.id))
        return tuple(JournalEntry(job, message) for message in resolved)

    def purge(self, older_than: float) -> int:
        """Forget the jobs that ended more than ``older_than`` seconds ago; return how many recipients that were.

        A job with an UNKNOWN or IN_FLIGHT recipient stays whole, and so does one that a living process holds. The key
        of a forgotten job is free again: the same command would send again. It goes in steps, so that a send never
        waits long for it; what was forgotten before an error stays forgotten.
        """
        before = self._clock() - older_than
        forgotten = 0
        for page in self._tables.pages():
            with self._tables.explained():
                over = [job for job, rows in page if _ended_before(before, complete(job, rows))]
            if over:
                with self._tables.writing("the rest was not forgotten"):
                    # Read again: others may have changed or forgotten it since.
                    for job in filter(self._tables.still_has, over):
                        if _ended_before(before, self._tables.messages(job)) and not self._locks.is_held(job.id):
                            self._tables.forget(job)
                            forgotten += job.recipients
        return forgotten

    def check(self) -> tuple[str, ...]:
        """Read the whole file and return which rows are wrong, one line each; empty means sound.

        Raises ConfigError when a page of it is damaged.
        """
        begun = self._clock()
        self._tables.check_whole()
        problems: list[str] = []
        last: int | None = None
        while True:
            with self._tables.reading():
                last, page = self._tables.page(last)
                for job, rows in page:
                    try:
                        self._tables.check_job(job, complete(job, rows))
                    except ConfigError as error:
                        problems.append(f"key {job.key!r}: {error.message}")
            if last is None:
                break
        problems += () if problems else self._tables.odd_records()
        if not problems:
            with suppress(ConfigError), self._tables.writing("it is sound all the same"):
                self._tables.put(InspectionRow(1, begun, begun))
        return tuple(problems)

    # --- below: one transaction's work --------------------------------------------------------------------------------

    def _settle_for_the_dead(self) -> bool:
        """Turn what is in flight under dead processes into UNKNOWN; return whether there was any."""
        some = False
        if self._tables.in_flight():
            with self._tables.writing("nothing was sent"):
                for job in self._tables.in_flight():
                    if not self._locks.is_held(job.id):
                        self._settled(job)
                        some = True
        return some

    def _check_when_due(self) -> None:
        """Check the whole file before a send, if an end was unclean or the last check is too long ago.

        It is bounded; what a send touches is checked in any case. Raises ConfigError when the file is damaged.
        """
        now = self._clock()
        with self._tables.reading():
            inspection = self._tables.inspection()
        if inspection and inspection.is_fresh(now) and not self._unclean:
            return
        with explained(self._path, self._hints, "nothing was sent"):
            if not self._locks.hold(_CHECK_LOCK):
                return  # somebody else is at it
            try:
                started = monotonic()
                whole = self._tables.check_whole(_CHECK_SECONDS)
                seconds = f"{monotonic() - started:.1f} s"
                with self._tables.writing("nothing was sent"):
                    self._tables.put(InspectionRow(1, now, now if whole else inspection.ended if inspection else None))
            finally:
                self._locks.release(_CHECK_LOCK)
        self._unclean = False
        self._tell(
            f"checked the whole journal: {seconds}"
            if whole
            else f"the journal is too large to be checked beside a send ({seconds}): run smscli journal check"
        )

    def _settled(self, job: JobRow) -> tuple[MessageRow, ...]:
        """Return the job's messages, those in flight turned into UNKNOWN: whoever was sending them is dead."""
        moment = self._clock()
        messages = self._tables.messages(job)
        settled = tuple(m.died(moment, self._hints.decide) if m.state == State.IN_FLIGHT else m for m in messages)
        if settled != messages:
            self._change(messages, settled, self._tables.witness(job.id))
        return settled

    def _messages(self, job: JobRow, recipients: Sequence[MSISDN]) -> list[MessageRow]:
        messages = {number: self._tables.message(job, number) for number in recipients}
        if len(messages) != len(recipients):
            raise ConfigError(f"a recipient was named twice under key {job.key!r}")
        return list(messages.values())

    def _change(self, before: Sequence[MessageRow], after: Sequence[MessageRow], witness: WitnessRow) -> None:
        """Put messages of one job in the place of those before, and count them anew in its witness."""
        for old, new in zip(before, after, strict=True):
            if new is not old:
                self._tables.put(new)
        self._tables.put(witness.counting(before, after))

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _insert(self, key: str, job: Job, recipients: Sequence[MSISDN]) -> JobRow:
        moment = self._clock()
        row = JobRow(
            id=self._tables.newest()[0] + 1,
            key=key,
            fingerprint=job.fingerprint,
            provider=job.provider,
            profile=job.profile,
            sender=job.sender,
            created=moment,
            recipients=len(recipients),
            text_length=len(job.text),
            text_sha256=digest(job.text),
            text=job.text if job.store_text else None,
        )
        self._tables.insert(row)
        self._tables.insert(WitnessRow(row.id, row.fingerprint))
        for position, number in enumerate(recipients):
            self._tables.insert(MessageRow(row.id, number.digits, position, State.NOT_SENT, attempts=0, updated=moment))
        return row

    def _hold(self, job: JobRow) -> None:
        if not self._locks.hold(job.id):
            raise _in_flight_elsewhere(job.key)
        self._held[job.key] = job.id

    def _held_job(self, key: str) -> JobRow:
        if key not in self._held:
            raise ConfigError(f"key {key!r} was not begun by this process")
        return self._known(key)

    def _release(self) -> None:
        for job_id in self._held.values():
            self._locks.release(job_id)
        self._held.clear()

    def _known(self, key: str) -> JobRow:
        job = self._tables.job(key)
        if job is None:
            raise InputError(f"the journal knows no key {visible(key)!r}", hint=self._hints.keys)
        return job

    def _clock(self) -> float:
        return float(self._now())


def _ended_before(moment: float, messages: Sequence[MessageRow]) -> bool:
    return all(message.ended_before(moment) for message in messages)


def _in_flight_elsewhere(key: str) -> ConflictError:
    return ConflictError(
        f"key {key!r} is being sent by another process right now",
        hint="let it finish; the same command then shows what became of it",
    )


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _checked_key(key: str) -> str:
    if not key or not is_text(key) or len(key.encode()) > MAX_KEY or visible(key) != key:
        raise InputError(
            f"{visible(key[:MAX_KEY])!r} cannot be a key",
            hint=f"take 1 to {MAX_KEY} bytes of visible text, such as backup-2030-01-31",
        )
    return key

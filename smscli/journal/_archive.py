"""The store as a person asks it: what became of a job, what is decided or forgotten, whether it is sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic
from types import TracebackType
from typing import Self

from smscli.errors import ConfigError, ConflictError, InputError
from smscli.journal._database import RECONNECT_SECONDS, LostError
from smscli.journal._delivery import Deliveries, Known, News
from smscli.journal._entries import EVERYTHING, NO_HINTS, Hints, JournalEntry, Selection, State
from smscli.journal._owners import WHOLE_STORE
from smscli.journal._places import Place, opened
from smscli.journal._rows import InspectionRow, JobRow, MessageRow, WitnessRow
from smscli.journal._tables import StoredJob, Tables, complete
from smscli.model import MSISDN, visible

# Seconds a send may spend on checking the whole store.
_CHECK_SECONDS = 2.0
# So many messages' delivery states are read or written at a time.
_TOGETHER = 1000


class Archive:
    """An open journal; whatever dead owners left in flight is UNKNOWN from then on (see ``Journal``)."""

    def __init__(
        self,
        place: Place,
        *,
        now: Callable[[], float],
        hints: Hints = NO_HINTS,
    ) -> None:
        self.place = place
        self._now = now
        self._hints = hints
        self._db = opened(place, hints)
        with ExitStack() as stack, self._db.explained():
            stack.callback(self._db.close)
            self.is_new = self._db.is_new
            self._tables = Tables(self._db)
            self._deliveries = Deliveries(self._db)
            self._unclean = self._settle_for_the_dead() or self._db.recovered
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Let go of every job and of the store. What is still in flight is unknown from now on."""
        self._stack.close()

    def __enter__(self) -> Self:
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
        with self._db.explained():
            for page in self._tables.pages(selection, newest_first=newest_first):
                with self._db.reading():
                    known = self._deliveries.of_jobs([job.id for job, rows in page if rows is not None])
                for job, rows in page:
                    messages = self._messages((job, rows))
                    entries = self._entries_of(job, messages, None if rows is None else known)
                    yield from filter(selection.includes, entries)

    def entries(self, key: str) -> Iterator[JournalEntry]:
        """Return the entries of one job in order of position, read page by page while they are asked for.

        What changes meanwhile may or may not be seen. Raises InputError when there is no such key; the iterator raises
        ConfigError at a damaged entry, when one is missing, and when the job is forgotten before its end.
        """
        with self._db.reading():
            job = self._known(key)
        return self._entries(job)

    def _entries(self, job: JobRow) -> Iterator[JournalEntry]:
        count = 0
        with self._db.explained():
            for entry in self._entries_of(job, self._tables.walk(job, self._db.reading)):
                count += 1
                yield entry
        if count != job.recipients:
            raise ConfigError(f"key {job.key!r} was forgotten meanwhile")

    def _entries_of(
        self, job: JobRow, messages: Iterable[MessageRow], known: Known | None = None
    ) -> Iterator[JournalEntry]:  # fmt: skip
        """Yield messages of a job with where they stand: ``known``, or read some of them at a time."""
        stand, places = known or {}, range(0)
        for message in messages:
            if known is None and message.position not in places:
                places = range(message.position, message.position + _TOGETHER)
                with self._db.reading():
                    stand = self._deliveries.at(job.id, places)
            yield JournalEntry(job, message, deliveries=stand.get((job.id, message.position), ()))

    def learn(self, key: str, news: Sequence[News]) -> None:
        """Record where messages of a job stand by their vendor's word; what has ended there stays as it is.

        It goes in steps where these are many, so that a send never waits long for it. Raises InputError when there is
        no such key, ConfigError when it cannot be recorded.
        """
        for start in range(0, len(news), _TOGETHER):
            with self._db.writing("where the messages stand was not recorded"):
                self._deliveries.put(self._known(key).id, news[start : start + _TOGETHER], self._clock())

    def counts(self, selection: Selection = EVERYTHING) -> Mapping[str, int]:
        """Return how many recipients are selected, by state; a state without any may be missing."""
        return self._tables.counts(selection)

    def show(self, key: str) -> tuple[JournalEntry, ...]:
        """Return the entries of one job, all attempts included; raise InputError when there is no such key."""
        with self._db.reading():
            job = self._known(key)
            earlier, known = self._tables.earlier(job), self._deliveries.of_jobs([job.id])
            return tuple(
                JournalEntry(job, m, earlier.get(m.position, ()), known.get((job.id, m.position), ()))
                for m in self._tables.messages(job)
            )

    def knows(self, key: str) -> bool:
        """Return whether there is such a key."""
        with self._db.reading():
            return self._tables.job(key) is not None

    def resolve(self, key: str, *, sent: bool, to: MSISDN | None = None) -> tuple[JournalEntry, ...]:
        """Record a person's decision on what is UNKNOWN under ``key`` (or on ``to`` alone); return those entries.

        What is resolved as not sent may be sent again under the same key. Raises InputError when there is no such key
        or nothing unknown under it, ConflictError when a living process holds the job.
        """
        moment = self._clock()
        with self._db.writing("nothing was changed"):
            job = self._known(key)
            messages = self._tables.open_of(job)
            if self._is_worked_on(job, messages):
                raise in_flight_elsewhere(key)
            forgets = sent and self._tables.forgets_texts(job)
            unknown = [
                message
                for message in self._settled(job, messages)
                if message.state == State.UNKNOWN and (to is None or message.recipient == to.digits)
            ]
            if not unknown:
                raise InputError(
                    f"nothing is unknown under key {key!r}" + (f" for {to}" if to else ""),
                    hint=self._hints.key(key),
                )
            resolved = [message.decided(sent, moment, forgets_text=forgets) for message in unknown]
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
            with self._db.explained():
                over = [stored[0] for stored in page if _ended_before(before, self._messages(stored))]
            if over:
                with self._db.writing("the rest was not forgotten"):
                    # Read again: others may have changed or forgotten it since.
                    for job in filter(self._tables.still_has, over):
                        if _ended_before(before, self._tables.walk(job)) and not self._is_worked_on(job, ()):
                            self._tables.forget(job)
                            forgotten += job.recipients
        return forgotten

    def check(self) -> tuple[str, ...]:
        """Read the whole file and return which rows are wrong, one line each; empty means sound.

        Raises ConfigError when a page of it is damaged.
        """
        begun = self._clock()
        self._db.check_whole()
        problems: list[str] = []
        last: int | None = None
        while True:
            with self._db.reading():
                last, page = self._tables.page(last)
                for job, rows in page:
                    try:
                        # In one transaction, however long: an outcome meanwhile would look like a disagreement.
                        self._tables.check_job(job, self._tables.walk(job) if rows is None else complete(job, rows))
                        self._deliveries.check(job.id)
                    except ConfigError as error:
                        problems.append(f"key {job.key!r}: {error.message}")
            if last is None:
                break
        problems += () if problems else self._odd_records()
        if not problems and not self._db.checks_itself:
            with suppress(ConfigError), self._db.writing("it is sound all the same"):
                self._tables.put_inspection(InspectionRow(1, begun, begun))
        return tuple(problems)

    def _odd_records(self) -> Iterator[str]:
        yield from self._tables.odd_records()
        with self._db.reading():
            strays = self._deliveries.count_strays()
        if strays:
            yield f"{strays} delivery states of no message"

    def _messages(self, stored: StoredJob) -> Iterable[MessageRow]:
        """Return the messages of a job on a page; those of a large one are read while they are asked for."""
        job, rows = stored
        return self._tables.walk(job, self._db.reading) if rows is None else complete(job, rows)

    def _check_when_due(self, tell: Callable[[str], object]) -> None:
        """Check the whole file before a send, if an end was unclean or the last check is too long ago.

        It is bounded, and told to ``tell``; what a send touches is checked in any case. Raises ConfigError when the
        file is damaged.
        """
        if self._db.checks_itself:
            return
        now = self._clock()
        with self._db.reading():
            inspection = self._tables.inspection()
        if inspection and inspection.is_fresh(now) and not self._unclean:
            return
        if not self._db.hold(WHOLE_STORE):
            return  # somebody else is at it
        try:
            started = monotonic()
            whole = self._db.check_whole(_CHECK_SECONDS)
            seconds = f"{monotonic() - started:.1f} s"
            with self._writing_alone():
                ended = now if whole else inspection.ended if inspection else None
                self._tables.put_inspection(InspectionRow(1, now, ended))
        finally:
            self._db.release(WHOLE_STORE)
        self._unclean = False
        tell(
            f"checked the whole journal: {seconds}"
            if whole
            else f"the journal is too large to be checked beside a send ({seconds}): run smscli journal check"
        )

    # --- one transaction's work ---------------------------------------------------------------------------------------

    def _settle_for_the_dead(self) -> bool:
        """Turn what is in flight under dead owners into UNKNOWN; return whether there was any."""
        if not self._tables.in_flight():
            return False
        with self._writing_alone():
            buried = [job for job in self._tables.in_flight() if self._buried(job)]
        return bool(buried)

    def _buried(self, job: JobRow) -> bool:
        messages = self._tables.in_flight_of(job)
        return self._settled(job, messages) != messages

    def _settled(self, job: JobRow, messages: tuple[MessageRow, ...]) -> tuple[MessageRow, ...]:
        """Return messages of the job, those in flight under a dead owner turned into UNKNOWN."""
        moment = self._clock()
        dead = [m for m in messages if m.state == State.IN_FLIGHT and not self._db.is_alive(m.owner)]
        if not dead:
            return messages
        unknown = {m.position: m.died(moment, self._hints.decide) for m in dead}
        self._change(dead, tuple(unknown.values()), self._tables.witness(job.id))
        return tuple(unknown.get(m.position, m) for m in messages)

    def _is_worked_on(self, job: JobRow, messages: Sequence[MessageRow]) -> bool:
        """Return whether somebody has the job to himself, or one of these messages of it in flight."""
        return any(map(self._db.is_alive, {job.id, *(m.owner for m in messages if m.state == State.IN_FLIGHT)}))

    def _change(self, before: Sequence[MessageRow], after: Sequence[MessageRow], witness: WitnessRow) -> None:
        """Put messages of one job in the place of those before, and count them anew in its witness."""
        if after:
            self._tables.put(*after)
        self._tables.put(witness.counting(before, after))

    @contextmanager
    def _writing_alone(self) -> Iterator[None]:
        """Change the store before anything is sent; after a lost connection the old one holds nobody up."""
        try:
            with self._db.writing("nothing was sent"):
                yield
        except LostError:
            with suppress(ConfigError):
                self._reconnect()
            raise

    def _reconnect(self, seconds: float = RECONNECT_SECONDS) -> None:
        """Begin a new connection, within so many seconds."""
        self._db.reconnect(seconds)

    def _known(self, key: str) -> JobRow:
        job = self._tables.job(key)
        if job is None:
            raise InputError(f"the journal knows no key {visible(key)!r}", hint=self._hints.keys)
        return job

    def _clock(self) -> float:
        return float(self._now())


def _ended_before(moment: float, messages: Iterable[MessageRow]) -> bool:
    return all(message.ended_before(moment) for message in messages)


def in_flight_elsewhere(key: str) -> ConflictError:
    """Return the error of a job that somebody else works on."""
    return ConflictError(
        f"key {key!r} is being sent by another process right now",
        hint="let it finish; the same command then shows what became of it",
    )

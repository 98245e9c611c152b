"""A large job that many do together: planned once, then taken a batch at a time by whoever is free.

Several workers of one process, and several processes, may be at it. What is taken and what has ended is committed in
one transaction: with a slow disk the commits are what a job waits for. The texts stay in the journal as long as they
may have to be sent, so that a job can be taken up without its list, from another host as well.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from hashlib import sha256
from typing import NamedTuple

from smscli.errors import Cause, ConfigError, ConflictError, InputError
from smscli.journal._archive import in_flight_elsewhere
from smscli.journal._database import LostError
from smscli.journal._entries import Job, JournalEntry, State, is_pending, text_digest
from smscli.journal._held import Ending, Held
from smscli.journal._rows import JobRow, MessageRow
from smscli.journal._store import (
    UNRECORDED,
    Journal,
    checked_key,
    claimed_now,
)
from smscli.model import MSISDN

# So many messages are looked at ahead: those of one text among them go together.
_AHEAD = 2000


class Batch(NamedTuple):
    """Messages of one text that are in flight now: the place of each number."""

    text: str
    places: Mapping[MSISDN, int]


class Standing(NamedTuple):
    """How a job stands: its messages by state, and how many of them may still be claimed. ``since`` is Unix seconds."""

    key: str
    provider: str
    profile: str
    sender: str
    fingerprint: str
    since: float
    counts: Mapping[State, int]
    pending: int

    @property
    def total(self) -> int:
        """How many messages it has."""
        return sum(self.counts.values())


class ListFingerprint:
    """The fingerprint of a large job, added up message by message: their places, numbers and texts in order.

    The rest as of ``fingerprint``.
    """

    def __init__(
        self, *, provider: str, base_url: str, account_id: str, sender: str | None, test: bool = False
    ) -> None:
        head = json.dumps(["list", provider, base_url, account_id, sender or "", test])
        self._sum = sha256(head.encode())

    def add(self, place: int, number: MSISDN, text: str) -> None:
        """Add a message."""
        self.add_digest(place, number.digits, text_digest(text))

    def add_digest(self, place: int, digits: str, text_sha256: str) -> None:
        """Add a message of whose text only the digest is known."""
        self._sum.update(f"\n{place} {digits} {text_sha256}".encode())

    @property
    def value(self) -> str:
        """The fingerprint of what was added so far."""
        return self._sum.hexdigest()


class _Part(Held):
    """What this journal does of a job: ``ready`` are batches it has looked at, ``behind`` the place up to which.

    What was UNKNOWN at ``resends_before`` (Unix seconds) is taken as well.
    """

    def __init__(
        self, job: JobRow, account: str, claims: dict[int, tuple[int, int]], *, batch_size: int, forgets_texts: bool
    ) -> None:
        super().__init__(job, job.provider, account, claims, forgets_texts=forgets_texts)
        self.batch_size = batch_size
        self.resends_before: float | None = None
        self.behind = -1
        self.ready: deque[Sequence[int]] = deque()

    def may_take(self, message: MessageRow) -> bool:
        """Return whether this message may be claimed."""
        if message.state == State.UNKNOWN:
            return self.resends_before is not None and message.updated <= self.resends_before
        return message.may_be_claimed


class TeamJournal(Journal):
    """A journal for large jobs; see ``Journal`` for how it is opened, and what it raises."""

    def plan(
        self,
        job: Job,
        messages: Iterable[tuple[int, MSISDN, str]],
        count: int,
        *,
        admit: Callable[[Standing], object] = lambda _twin: None,
        batch_size: int = 1,
    ) -> Standing:
        """Insert a job of ``count`` messages, or find it, and return how it stands; nothing is claimed yet.

        ``job`` says all but its messages; each of those comes with its place, in ascending order, and they are only
        asked for when the job is new. ``admit`` may raise when the same content was begun under another key.
        ``batch_size`` is how many messages are taken at once. Raises what ``begin`` does, and what ``messages`` do.
        """
        key = checked_key(job.key)
        if not count:
            raise InputError("there is nobody to send to")
        self._check_when_due(self._tell)
        with self._writing_alone():
            stored = self._stored(key, job)
            if stored is None:
                for twin in self._tables.latest(job.fingerprint, 1):
                    admit(self._standing(self._tables.numbered(twin)))
                stored = self._insert_job(key, job, count)
                if self._insert_messages(stored, messages, stores_text=True) != count:
                    raise ConflictError("the list has changed while it was read; nothing was sent", hint="run it again")
            elif self._db.is_alive(stored.id):
                raise in_flight_elsewhere(key)
            return self._enter(stored, job.account, batch_size, forgets_texts=not job.store_text)

    def join(
        self, key: str, account: str, *, batch_size: int = 1, store_text: bool = False, resends_unknown: bool = False
    ) -> Standing:
        """Take part in a job that was planned, and return how it stands.

        ``resends_unknown``: what is UNKNOWN now is sent once more, and counts as pending here; it may arrive twice, and
        stays UNKNOWN unless that attempt is SENT. Raises InputError when there is no such key, ConflictError when it is
        sent by somebody alone.
        """
        self._check_when_due(self._tell)
        with self._writing_alone():
            stored = self._known(key)
            if self._db.is_alive(stored.id):
                raise in_flight_elsewhere(key)
            standing = self._enter(stored, account, batch_size, forgets_texts=not store_text)
            if not resends_unknown:
                return standing
            self._part(key).resends_before = self._clock()
            return standing._replace(pending=standing.pending + standing.counts.get(State.UNKNOWN, 0))

    def latest(self, fingerprint: str) -> Standing | None:
        """Return how the job of this content stands that was begun last, None when there is none."""
        standing = None
        with self._db.reading():
            for number in self._tables.latest(fingerprint, 1):
                standing = self._standing(self._tables.numbered(number))
        return standing

    def standing(self, key: str) -> Standing:
        """Return how a job stands; raise InputError when there is no such key."""
        with self._db.reading():
            return self._standing(self._known(key))

    def advance(
        self, key: str, endings: Sequence[Ending], count: int
    ) -> tuple[list[Batch], list[JournalEntry]]:  # fmt: skip
        """Commit durably how claimed messages ended, and put up to ``count`` further batches in flight.

        Return these, fewer when nothing is left to be taken, and the messages of ``endings`` that somebody else has
        decided on meanwhile, as they stand. Only then may the first byte leave. Raises as ``claim`` does: then nothing
        was taken, and nobody knows whether the endings are recorded; ``finish`` may be asked to.
        """
        held = self._part(key)
        moment, boot = self._clock(), self._boot()
        owner = self._own()
        claims: dict[int, tuple[int, int]] = {}
        taken: list[list[MessageRow]] = []
        looked_at: list[Sequence[int]] = []
        try:
            with self._db.writing(UNRECORDED if endings else "nothing more was sent", alone=False):
                job = self._begun(held)
                if count and self._db.is_alive(job.id):
                    raise in_flight_elsewhere(key)  # noqa: TRY301  (as every error here)
                before, after, others = self._ended(job, held, endings)
                while len(taken) < count and (messages := self._next(held, looked_at)):
                    held.doubtful.update(message.position for message in messages if message.state == State.UNKNOWN)
                    claimed = self._in_flight(held, messages, moment, owner)
                    claims |= {message.position: (owner, message.attempt) for message in claimed}
                    before += messages
                    after += claimed
                    taken.append(claimed)
                if after:
                    witness = self._tables.witness(job.id, self._db.for_update)
                    self._change(before, after, claimed_now(witness, job, moment, boot) if taken else witness)
        except BaseException as error:
            held.ready.extendleft(reversed(looked_at))
            if isinstance(error, LostError):
                self._give_back(key, claims)
            raise
        held.drop(endings, others)
        held.ready.extend(_busy(endings, {message.position for message in others}, held.behind))
        held.claims |= claims
        batches = [
            Batch(messages[0].text or "", {MSISDN(message.recipient): message.position for message in messages})
            for messages in taken
        ]
        return batches, [JournalEntry(job, message) for message in others]

    def confirm_places(self, key: str, places: Sequence[int]) -> None:
        """Do as ``confirm``."""
        self._confirm(self._work(key), places)

    def finish(self, key: str, endings: Sequence[Ending]) -> list[JournalEntry]:
        """Record how claimed messages ended, insistently; return those that somebody else has decided on meanwhile.

        Raises ConfigError when they cannot be recorded: they count as unknown then.
        """
        held = self._work(key)
        return [JournalEntry(held.job, message) for message in self._settle(held, endings)]

    # --- below: one transaction's work --------------------------------------------------------------------------------

    def _enter(self, job: JobRow, account: str, batch_size: int, *, forgets_texts: bool) -> Standing:
        self._buried(job)
        before = self._held.get(job.key)
        claims = before.claims if before and before.job == job else {}  # what is in flight stays this journal's own
        self._held[job.key] = _Part(job, account, claims, batch_size=batch_size, forgets_texts=forgets_texts)
        return self._standing(job)

    def _standing(self, job: JobRow) -> Standing:
        counts: Counter[State] = Counter()
        pending = 0
        for state, may_be_claimed, count in self._tables.tally(job):
            counts[State(state)] += count
            pending += count if may_be_claimed else 0
        return Standing(
            job.key, job.provider, job.profile, job.sender, job.fingerprint, job.created, counts, pending
        )  # fmt: skip

    def _part(self, key: str) -> _Part:
        part = self._work(key)
        if not isinstance(part, _Part):
            raise ConfigError(f"key {key!r} was begun to be sent alone")
        return part

    def _next(self, part: _Part, looked_at: list[Sequence[int]]) -> list[MessageRow]:
        """Return the next messages that nobody else has taken, all of one text; none at the end.

        ``looked_at`` gets the batches that are ``ready`` no longer.
        """
        while True:
            if not part.ready and not self._look_ahead(part):
                return []
            looked_at.append(part.ready.popleft())
            free = self._tables.to_claim(part.job, looked_at[-1])
            messages = [message for message in free if part.may_take(message)]
            if any(message.text is None for message in messages):
                raise ConflictError(
                    f"the texts of key {part.job.key!r} are not in the journal: it was begun by a plain send",
                    hint="run that command again",
                )
            if messages:
                return messages

    def _look_ahead(self, part: _Part) -> bool:
        rows = self._tables.pending(part.job, part.behind, _AHEAD, with_unknown=part.resends_before is not None)
        if rows:
            part.behind = rows[-1][0]
            part.ready.extend(in_batches(rows, part.batch_size))
        return bool(rows)


def _busy(endings: Sequence[Ending], others: Set[int], behind: int) -> Iterator[list[int]]:
    """Yield the places of what the vendor had no time for, and may be taken again; not of what is others' by now.

    What stands behind the place up to which was looked is still to be found there.
    """
    for outcomes, _ in endings:
        busy = [place for place, s in outcomes.items() if s.reason and s.reason.cause is Cause.BUSY and is_pending(s)]
        again = [place for place in busy if place not in others and place <= behind]
        if again:
            yield again


def in_batches(rows: Iterable[tuple[int, str, str]], size: int) -> list[list[int]]:
    """Return places that may go into one request each: at most so many, of one text, no number twice.

    A row is a place, a number, and what stands for its text.
    """
    batches: list[list[int]] = []
    latest: dict[str, tuple[list[int], set[str]]] = {}
    for place, number, text in rows:
        places, numbers = latest.get(text, ([], set()))
        if not places or len(places) == size or number in numbers:
            places, numbers = latest[text] = [], set()
            batches.append(places)
        places.append(place)
        numbers.add(number)
    return batches

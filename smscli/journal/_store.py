"""The journal of a send: begin, claim, settle, one transaction a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count, islice
from math import inf
from secrets import randbelow
from time import monotonic

from smscli.errors import ConfigError, ConflictError, InputError
from smscli.journal._archive import Archive, in_flight_elsewhere
from smscli.journal._contents import Contents
from smscli.journal._database import RECONNECT_SECONDS, LostError
from smscli.journal._entries import (
    NO_HINTS,
    Boot,
    Hints,
    Job,
    Opened,
    State,
    text_digest,
)
from smscli.journal._held import Ending, Held
from smscli.journal._owners import FIRST_OWNER, OWNERS
from smscli.journal._places import Place
from smscli.journal._rows import JobRow, MessageRow, WitnessRow
from smscli.journal._tables import is_text
from smscli.model import MSISDN, Outcome, Submission, visible

MAX_EVIDENCE = 4096
"""Bytes of an answer that was not understood which are kept."""
MAX_KEY = 255

_OTHER_CONTENT = "text, recipients, sender, account, base_url and time belong to it: take another key"

UNRECORDED = "what became of these recipients is not recorded; it counts as unknown from now on"

# So many messages are inserted at a time.
_CHUNK = 1000
# Seconds an outcome waits for other processes: a commit that gives up turns it into UNKNOWN.
_SETTLE_SECONDS = 60.0
# So far apart the clocks of hosts that share a journal may be; a clock that is further behind is wrong.
_SKEW_SECONDS = 5.0
# So often a lost connection is replaced to record an outcome.
_RECONNECTIONS = 3


class Journal(Archive):
    """One journal, opened by one thread of one process; it is one owner of what it has in flight.

    ``place`` is a server, or the path of a file, made when there never was one (``is_new`` then says so), 0600 in a
    directory of 0700; an existing file is never replaced, mended or migrated down. ``now`` gives Unix seconds; ``boot``
    is the second witness of time, None where the system has none; ``hints`` say what to do about trouble, ``tell``
    takes a line on what was done besides. Raises ConfigError when the store cannot be trusted or used.
    """

    def __init__(
        self,
        place: Place,
        *,
        now: Callable[[], float],
        boot: Callable[[], Boot | None] = lambda: None,
        hints: Hints = NO_HINTS,
        tell: Callable[[str], object] = lambda _line: None,
    ) -> None:
        self._held: dict[str, Held] = {}
        self._owner: int | None = None
        self._boot = boot
        self._tell = tell
        super().__init__(place, now=now, hints=hints)
        self._contents = Contents(self._db, self._clock, boot)

    # --- the way of one send ------------------------------------------------------------------------------------------

    def begin(
        self, job: Job, *, once: float | None = None, together: bool = False, passes_on: bool = False
    ) -> Opened:  # fmt: skip
        """Find or insert the job, hold it until ``close``, and return where each recipient stands.

        ``once``: when the same content was begun under any key within that many seconds, and not all of it is proved
        unsent, that job is opened instead and nothing is inserted. Where the clock was changed, so that nobody can
        tell how long ago that was, it counts as within. ``together``: others that say so may work on the job as well.
        ``passes_on``: what was refused may be handed over, so that a job is not over where something was.
        Raises ConflictError when the key was used for other content or a living owner holds the job, InputError for
        a key that cannot be one, ConfigError when the journal cannot be written. In every case nothing was sent.
        """
        key = checked_key(job.key)
        self._check_when_due(self._tell)
        repeated: JobRow | None = None
        doubted, twin = False, None
        with self._writing_alone():
            stored = self._stored(key, job)
            if stored is None:
                repeated, doubted = (
                    self._contents.repetition(job.fingerprint, once) if once is not None else (None, False)
                )
                twin = None if repeated else self._contents.twin(job.fingerprint)
            stored = stored or repeated or self._insert(key, job)
            rows = self._tables.messages(stored)
            # Of what is over there is a receipt, for everybody who asks at the same moment.
            open_states = (State.IN_FLIGHT, State.REFUSED) if passes_on else (State.IN_FLIGHT,)
            is_over = not any(m.state in open_states or m.may_be_claimed for m in rows)
            if not is_over and self._is_worked_on(stored, () if together else rows):
                raise in_flight_elsewhere(stored.key)
            rows = self._settled(stored, rows)
            if not (together or is_over) and not self._db.hold(stored.id):
                raise in_flight_elsewhere(stored.key)
            earlier = self._tables.earlier(stored) if passes_on and not is_over else {}
        messages = {message.recipient: message for message in rows}
        asked = {number: messages[number.digits] for number in job.recipients}
        places = {number: message.position for number, message in asked.items()}
        before = self._held.get(stored.key)
        claims = before.claims if before and before.job == stored else {}  # what is in flight stays this journal's own
        alone = not (together or is_over)
        self._held[stored.key] = Held(stored, job.provider, job.account, claims, places=places, alone=alone)
        return Opened(
            stored.key,
            tuple(message.submission() for message in asked.values()),
            stored.created,
            by={number: message.tried_with for number, message in asked.items() if message.tried_with},
            refused_by={
                number: frozenset(
                    each.tried_with
                    for each in (*earlier.get(message.position, ()), message)
                    if each.tried_with and each.is_refused
                )
                for number, message in asked.items()
            },
            repeated_from=stored.key if repeated else None,
            doubted=doubted,
            twin=twin,
        )

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Commit durably that these recipients are in flight; only then may the first byte leave.

        Raises ConfigError when that cannot be recorded and ConflictError when one of them may not be sent (again) or
        another owner is sending it: in both cases none of them is in flight and nothing may be sent.
        """
        moment, boot = self._clock(), self._boot()
        held = self._work(key)
        places = held.places_of(recipients)
        claims: dict[int, tuple[int, int]] = {}
        try:
            if held.lost:
                self._hold_anew(held)
            owner = self._own()
            with self._db.writing("nothing was sent to these recipients", alone=False):
                job = self._begun(held)
                messages = self._tables.to_claim(job, places)
                if len(messages) != len(places):
                    raise in_flight_elsewhere(key)
                if not held.alone and self._db.is_alive(job.id):
                    raise in_flight_elsewhere(key)
                witness = self._tables.witness(job.id, self._db.for_update)
                for message in messages:
                    if not held.may_claim(message):
                        raise ConflictError(f"+{message.recipient} is already {message.state} under key {key!r}")
                claimed = self._in_flight(held, messages, moment, owner)
                claims = {message.position: (owner, message.attempt) for message in claimed}
                self._change(messages, claimed, claimed_now(witness, job, moment, boot))
        except LostError:
            self._give_back(key, claims)
            self._refuse_what_is_taken(held, places)
            raise
        held.claims |= claims

    def hand_over(self, key: str, provider: str, account: str, recipients: Sequence[MSISDN]) -> None:
        """Have these claimed for another account from now on, also those that the last one has refused.

        Whoever calls this knows that it was for a reason of that account: it is only checked that they are REFUSED.
        """
        held = self._work(key)
        held.provider, held.account = provider, account
        held.handed = frozenset(held.places_of(recipients))

    def confirm(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Make sure that these are still in flight for this journal: only then may they be tried again.

        Over a lost connection it looks dead, and what it has claimed may be another's by now. Raises ConflictError
        when it is, ConfigError when that cannot be told.
        """
        held = self._work(key)
        self._confirm(held, held.places_of(recipients))

    def settle(
        self, key: str, submissions: Sequence[Submission], evidence: str | None = None, seconds: float = _SETTLE_SECONDS
    ) -> None:
        """Record how claimed recipients ended; NOT_SENT gives the claim back.

        It may be recorded twice: only this journal's own claim is touched, in flight or taken for UNKNOWN meanwhile.
        ``evidence`` is what an answer that was not understood looked like, escaped; 4 KiB of it are kept. ``seconds``
        is how long it may wait for other processes, if that is longer than a minute.
        Raises ConfigError when it cannot be recorded: then they stay in flight, which a later run reads as unknown.
        """
        held = self._work(key)
        for message in self._settle(held, [Ending(held.by_place(submissions), evidence)], seconds):
            raise ConfigError(f"+{message.recipient} is {message.state}, not in flight, under key {key!r}")

    # --- below: one transaction's work --------------------------------------------------------------------------------

    def _in_flight(
        self, held: Held, messages: Sequence[MessageRow], moment: float, owner: int
    ) -> list[MessageRow]:  # fmt: skip
        """Return messages as claimed by this journal, and keep the attempts before."""
        for message in messages:
            if message.attempt:
                self._tables.insert(message.past)
        return [message.in_flight(moment, owner, held.provider, held.account) for message in messages]

    def _confirm(self, held: Held, places: Sequence[int]) -> None:
        key = held.job.key
        try:
            with self._db.writing("nothing more was sent", alone=False):
                for message in self._tables.to_change(self._begun(held), places):
                    if message.state != State.IN_FLIGHT or not held.owns(message):
                        raise in_flight_elsewhere(key)
        except LostError:
            with suppress(ConfigError):
                self._reconnect()
            self._refuse_what_is_taken(held, places)
            raise

    def _settle(self, held: Held, endings: Sequence[Ending], seconds: float = _SETTLE_SECONDS) -> list[MessageRow]:
        """Commit the outcomes, also over a connection that has to be begun anew; return what is no longer its own."""
        deadline = monotonic() + max(seconds, _SETTLE_SECONDS)
        for left in count(_RECONNECTIONS, -1):
            try:
                if left < _RECONNECTIONS:
                    self._reconnect(deadline - monotonic())
                with self._db.writing(UNRECORDED, seconds=deadline - monotonic(), alone=False):
                    before, after, others = self._ended(self._begun(held), held, endings)
                    if after:
                        self._change(before, after, self._tables.witness(held.job.id, self._db.for_update))
                break
            except LostError:
                if not left or monotonic() > deadline:
                    raise
        held.drop(endings, others)
        return others

    def _ended(
        self, job: JobRow, held: Held, endings: Sequence[Ending]
    ) -> tuple[list[MessageRow], list[MessageRow], list[MessageRow]]:
        """Put the outcomes in the place of the claims they belong to, whatever others took these for meanwhile.

        Return the messages before and after, and those that are this journal's no longer: what a person or another
        owner made of them stays.
        """
        moment = self._clock()
        outcomes: dict[int, tuple[Submission, str | None]] = {}
        for by_place, evidence in endings:
            text = _bounded(evidence) if evidence else None
            outcomes |= {place: (submission, text) for place, submission in by_place.items()}
        before, after, others = list[MessageRow](), list[MessageRow](), list[MessageRow]()
        for message in self._tables.to_change(job, tuple(outcomes)):
            submission, text = outcomes[message.position]
            submission = held.honest(message.position, submission)
            if held.owns(message) and message.state in (State.IN_FLIGHT, State.UNKNOWN):
                before.append(message)
                after.append(message.ended(submission, moment, text, forgets_text=held.forgets_texts))
            elif not held.owns(message) or message != message.ended(submission, message.updated, text):
                others.append(message)  # else it was recorded, and the confirmation was lost
        return before, after, others

    def _refuse_what_is_taken(self, held: Held, places: Sequence[int]) -> None:
        """Raise ConflictError where others went on with the job while the connection was lost.

        That this journal sent nothing then says nothing. Where there is no way back it cannot be told.
        """
        try:
            if held.lost:
                self._hold_anew(held)
            with self._db.reading():
                asked = self._tables.numbered_messages(held.job, places)
        except ConfigError:
            return
        if not all(held.may_claim(message) or held.owns(message) for message in asked):
            raise in_flight_elsewhere(held.job.key)

    def _give_back(self, key: str, claims: Mapping[int, tuple[int, int]]) -> None:
        """Take back a claim of which nobody can tell whether it was committed. Nothing was sent.

        Where that fails too it is read as unknown later: needless, but safe.
        """
        with suppress(ConfigError, InputError):
            for left in count(_RECONNECTIONS, -1):
                try:
                    self._reconnect()
                    with self._db.writing("nothing was sent to these recipients"):
                        self._unclaim(key, claims)
                except LostError:
                    if not left:
                        raise
                else:
                    return

    def _unclaim(self, key: str, claims: Mapping[int, tuple[int, int]]) -> None:
        moment = self._clock()
        job = self._known(key)
        messages = [
            message
            for message in self._tables.to_change(job, tuple(claims))
            if (message.owner, message.attempt) == claims.get(message.position)
            and message.state in (State.IN_FLIGHT, State.UNKNOWN)
        ]
        held = self._work(key)
        unsent = {m.position: Submission(MSISDN(m.recipient), Outcome.NOT_SENT) for m in messages}
        back = [m.ended(held.honest(m.position, unsent[m.position]), moment, None) for m in messages]
        self._change(messages, back, self._tables.witness(job.id))

    def _reconnect(self, seconds: float = RECONNECT_SECONDS) -> None:
        """Begin a new connection, as another owner: over the old one this journal may look dead to others."""
        self._owner = None
        for held in self._held.values():
            held.lost = held.alone
        super()._reconnect(seconds)

    def _hold_anew(self, held: Held) -> None:
        """Hold a job as before its connection was lost; raise ConflictError when somebody else works on it by now."""
        with self._db.writing("nothing was sent to these recipients"):
            job = self._begun(held)
            if self._is_worked_on(job, self._tables.messages(job)) or not self._db.hold(job.id):
                raise in_flight_elsewhere(job.key)
        held.lost = False

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _stored(self, key: str, job: Job) -> JobRow | None:
        """Return the job of that key, if there is one; raise ConflictError when it is of other content."""
        stored = self._tables.job(key)
        if stored and stored.fingerprint != job.fingerprint:
            raise ConflictError(
                f"key {key!r} was used for other content on {_date(stored.created)}",
                hint="; or ".join(filter(None, (_OTHER_CONTENT, self._hints.key(key)))),
            )
        return stored

    def _insert(self, key: str, job: Job) -> JobRow:
        row = self._insert_job(key, job, len(job.messages))
        self._insert_messages(
            row, ((p, *message) for p, message in enumerate(job.messages)), stores_text=job.store_text
        )
        return row

    def _insert_job(self, key: str, job: Job, recipients: int) -> JobRow:
        moment = self._clock()
        last, newest = self._tables.newest()
        row = JobRow(
            id=last + 1,
            key=key,
            fingerprint=job.fingerprint,
            provider=job.provider,
            profile=job.profile,
            sender=job.sender,
            created=moment,
            recipients=recipients,
        )
        self._tables.insert(row)
        # A clock that is behind what it has seen here is wrong: nobody can tell by it when this was sent.
        is_doubted = moment < newest - _SKEW_SECONDS
        self._tables.insert(WitnessRow(row.id, row.fingerprint, claimed=inf if is_doubted else None))
        return row

    def _insert_messages(
        self, job: JobRow, messages: Iterable[tuple[int, MSISDN, str]], *, stores_text: bool
    ) -> int:  # fmt: skip
        """Insert the messages of a job, each with its place; return how many there were."""
        rows = (
            MessageRow(
                job.id, place, updated=job.created, recipient=number.digits, text_length=len(text),
                text_sha256=text_digest(text), text=text if stores_text else None,
            )
            for place, number, text in messages
        )  # fmt: skip
        inserted = 0
        while chunk := list(islice(rows, _CHUNK)):
            self._tables.insert_messages(chunk)
            inserted += len(chunk)
        return inserted

    def _own(self) -> int:
        """Return who this journal is: a number that nobody had before."""
        while self._owner is None:
            number = FIRST_OWNER + randbelow(OWNERS)
            self._owner = number if self._db.hold(number) else None
        return self._owner

    def _work(self, key: str) -> Held:
        if key not in self._held:
            raise ConfigError(f"key {key!r} was not begun by this process")
        return self._held[key]

    def _begun(self, held: Held) -> JobRow:
        """Return the job; raise ConfigError when it was forgotten since, and perhaps begun anew by somebody else."""
        if not self._tables.still_has(held.job):
            raise ConfigError(f"key {held.job.key!r} was forgotten meanwhile")
        return held.job


def claimed_now(witness: WitnessRow, job: JobRow, moment: float, boot: Boot | None) -> WitnessRow:
    """Return a job's witness as of a claim now."""
    return witness.after_claim(moment, boot, is_doubted=moment < job.created - _SKEW_SECONDS)


def _bounded(evidence: str) -> str:
    return visible(evidence.encode(errors="replace")[:MAX_EVIDENCE].decode(errors="ignore"))


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def checked_key(key: str) -> str:
    """Return the key; raise InputError for what cannot be one."""
    if not key or not is_text(key) or len(key.encode()) > MAX_KEY or visible(key) != key:
        raise InputError(
            f"{visible(key[:MAX_KEY])!r} cannot be a key",
            hint=f"take 1 to {MAX_KEY} bytes of visible text, such as backup-2030-01-31",
        )
    return key

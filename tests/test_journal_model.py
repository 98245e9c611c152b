"""The journal against a model of it, whatever two workers do in whatever order, dying at any point."""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (to lay older files, and to read what they say)
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from smscli.errors import Cause, ConfigError, ConflictError, InputError
from smscli.journal import Ending, Job, ListFingerprint, News, TeamJournal
from smscli.model import MSISDN, DeliveryReport, DeliveryState, Outcome, Reason, Submission
from tests.jobs import ALL, NOON, STALE, STOPPED, Place, ended, job, lay_older, outcomes

KEYS, TEXTS = ("k1", "k2", "k3"), ("one", "two")
PLANNED, BATCH = "list", 2
"""The key of a job that is planned, mostly, and how many of its messages are taken at once."""
BUSY = Reason("come later", Cause.BUSY)
STATES = (DeliveryState.ENROUTE, DeliveryState.DELIVERED, DeliveryState.EXPIRED)
STALE_CODE = "24"
"""Of the refusals in the older files, this one is documented as unprocessed."""


@dataclass
class ModelMessage:
    """What the model knows of one message: its latest attempt, and how those before it ended.

    ``life`` is whose attempt it is: one of a worker's lives; in an older file its owner's number, if it has one.
    """

    updated: float
    state: str = "NOT_SENT"
    attempt: int = 0
    claimed: float | None = None
    life: int | None = None
    resolved: bool = False
    unprocessed: bool = False
    earlier: list[tuple[int, str, int | None, float | None]] = field(default_factory=list)

    @property
    def is_pending(self) -> bool:
        """Whether it may be claimed."""
        return self.state == "NOT_SENT" or (self.state == "REFUSED" and self.unprocessed)

    def claim(self, life: int, now: float) -> None:
        """Go in flight; what there was before is history."""
        if self.attempt:
            self.earlier.append((self.attempt, self.state, self.life, self.claimed))
        self.attempt, self.life, self.claimed = self.attempt + 1, life, now
        self.end("IN_FLIGHT", now)

    def end(self, state: str, now: float, *, unprocessed: bool = False, resolved: bool = False) -> None:
        """Change where it stands."""
        self.state, self.updated, self.unprocessed, self.resolved = state, now, unprocessed, resolved


@dataclass
class ModelJob:
    """What the model knows of one job; ``holder`` is the worker that has it to himself.

    ``stands`` is the last known delivery state of a message, by its place.
    """

    job: Job
    created: float
    messages: dict[MSISDN, ModelMessage]
    holder: int | None = None
    stands: dict[int, DeliveryState] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is in flight or may be claimed: of that there is a receipt for everybody."""
        return not any(m.state == "IN_FLIGHT" or m.is_pending for m in self.messages.values())

    def went_out_since(self, moment: float) -> bool:
        """Return whether it counts as sent then or later."""
        out = [m.claimed for m in self.messages.values() if m.state != "NOT_SENT" and m.claimed is not None]
        return any(claimed >= moment for claimed in out)


@dataclass
class Joined:
    """What a worker has done of a planned job: ``passed`` it does not take again; ``looked``: it has an idea of it."""

    one: ModelJob
    passed: set[int] = field(default_factory=set)
    looked: bool = False


@dataclass
class Worker:
    """One journal of two, with what it has begun (alone or not) and claimed: the number of each attempt.

    ``joined`` are the jobs that it takes batches of.
    """

    journal: TeamJournal
    life: int
    joined: dict[str, Joined] = field(default_factory=dict)
    begun: dict[str, tuple[ModelJob, bool]] = field(default_factory=dict)
    claims: dict[tuple[str, MSISDN], int] = field(default_factory=dict)


class JournalMachine(RuleBasedStateMachine):
    """Two workers on one store against a dict."""

    layouts: ClassVar[Sequence[int | None]] = (None,)
    """The layouts of the files that an example may begin with; None is no file."""

    def new_place(self, layout: int | None) -> Place:
        """Return where a journal is not yet, or one of that layout is."""
        raise NotImplementedError

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        self.stack = ExitStack()
        self.now = NOON
        self.lives = 0
        self.living: set[int | None] = set()
        self.numbers: dict[int | None, int | None] = {None: None}
        self.jobs: dict[str, ModelJob] = {}
        layout = data.draw(st.sampled_from(self.layouts))
        self.place = self.new_place(layout)
        if layout is not None and isinstance(self.place, Path):
            self.jobs = older_jobs(self.place)
        self.older = {key: one.job for key, one in self.jobs.items()}
        self.keys = (PLANNED, *KEYS, *self.older)
        self.workers = [self.open(), self.open()]

    def open(self) -> Worker:
        """Open a journal: what is in flight under dead owners is unknown from now on."""
        self.lives += 1
        self.living.add(self.lives)
        worker = Worker(TeamJournal(self.place, now=lambda: self.now), self.lives)
        for one in self.jobs.values():
            self.bury(one)
        return worker

    def teardown(self) -> None:
        for worker in getattr(self, "workers", ()):
            worker.journal.close()
        if hasattr(self, "stack"):
            self.stack.close()

    def bury(self, one: ModelJob) -> None:
        """Know that nobody will say what became of messages whose owner is dead."""
        for message in one.messages.values():
            if message.state == "IN_FLIGHT" and message.life not in self.living:
                message.end("UNKNOWN", self.now)

    def is_sent_by_somebody(self, one: ModelJob) -> bool:
        """Return whether a living owner has a message of it in flight."""
        return any(m.state == "IN_FLIGHT" and m.life in self.living for m in one.messages.values())

    def wanted(self, key: str, text: str) -> Job:
        """Return the job of that key and text; an older file's is its first text."""
        return self.older[key] if key in self.older and text == TEXTS[0] else job(key, text=text)

    def recipients(self, key: str, places: set[int]) -> list[MSISDN]:
        """Return some recipients of the job, at least one."""
        to = self.jobs[key].job.recipients if key in self.jobs else ALL
        return [to[place] for place in sorted(places) if place < len(to)] or [to[0]]

    # --- what workers and persons do ----------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 30, 700]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(who=st.integers(0, 1))
    def die_and_return(self, who: int) -> None:
        self.living.discard(self.workers[who].life)
        for one in self.jobs.values():
            if one.holder == who:
                one.holder = None
        self.workers[who].journal.close()
        self.workers[who] = self.open()

    @rule(who=st.integers(0, 1))
    def lose_the_owner(self, who: int) -> None:
        """Look dead to others, as after a lost connection; what is claimed from then on has another owner."""
        worker = self.workers[who]
        if worker.journal._owner is not None:
            worker.journal._db.release(worker.journal._owner)
            worker.journal._owner = None
            self.living.discard(worker.life)
            self.lives += 1
            worker.life = self.lives
            self.living.add(worker.life)

    @rule(
        who=st.integers(0, 1),
        number=st.integers(0, 6),
        text=st.sampled_from(TEXTS),
        once=st.sampled_from([None, 60.0]),
        together=st.booleans(),
    )
    def begin(self, who: int, number: int, text: str, once: float | None, together: bool) -> None:
        key = self.keys[number % len(self.keys)]
        worker, wanted = self.workers[who], self.wanted(key, text)
        repeated = None
        if key not in self.jobs and once is not None:
            same = [name for name, one in self.jobs.items() if one.job.fingerprint == wanted.fingerprint]
            counts = [
                name
                for name in same
                if self.jobs[name].holder is not None or self.jobs[name].went_out_since(self.now - once)
            ]
            repeated = counts[-1] if counts else None
        target = repeated or key
        one = self.jobs.get(target)
        if one is not None and (
            one.job.fingerprint != wanted.fingerprint
            or (not one.is_over and one.holder is not None)
            or (not together and self.is_sent_by_somebody(one))
        ):
            with pytest.raises(ConflictError):
                worker.journal.begin(wanted, once=once, together=together)
            return
        begun = worker.journal.begin(wanted, once=once, together=together)
        if one is None:
            one = self.jobs[key] = ModelJob(wanted, self.now, {n: ModelMessage(self.now) for n in wanted.recipients})
        alone = not together and not one.is_over
        self.bury(one)
        if alone:
            one.holder = who
        worker.begun[target] = (one, alone)
        worker.joined.pop(target, None)
        assert (begun.key, begun.repeated_from, begun.since) == (target, repeated, one.created)
        states = [m.state for m in one.messages.values()]
        assert outcomes(begun.submissions) == ["UNKNOWN" if state == "IN_FLIGHT" else state for state in states]
        assert begun.pending == tuple(n for n, m in one.messages.items() if m.is_pending)

    @rule(who=st.integers(0, 1), number=st.integers(0, 6), places=st.sets(st.integers(0, 4), min_size=1))
    def claim(self, who: int, number: int, places: set[int]) -> None:
        key = self.keys[number % len(self.keys)]
        worker, to = self.workers[who], self.recipients(key, places)
        one, alone = worker.begun.get(key, (None, False))
        if (
            one is None
            or one is not self.jobs.get(key)
            or (one.holder is not None and not alone)
            or not all(one.messages[number].is_pending for number in to)
        ):
            with pytest.raises((ConfigError, ConflictError)):
                worker.journal.claim(key, to)
            return
        worker.journal.claim(key, to)
        for recipient in to:
            one.messages[recipient].claim(worker.life, self.now)
            worker.claims[key, recipient] = one.messages[recipient].attempt

    @rule(who=st.integers(0, 1), number=st.integers(0, 6), places=st.sets(st.integers(0, 4), min_size=1),
          outcome=st.sampled_from(Outcome), reason=st.sampled_from([STALE, STOPPED]))  # fmt: skip
    def settle(self, who: int, number: int, places: set[int], outcome: Outcome, reason: Reason) -> None:
        key = self.keys[number % len(self.keys)]
        worker, to = self.workers[who], self.recipients(key, places)
        one, _ = worker.begun.get(key, (None, False))
        submissions = ended(outcome, *to, reason=reason if outcome is Outcome.REFUSED else None)
        is_lost = one is None or one is not self.jobs.get(key)
        own = [] if is_lost else [number for number in to if self.is_own(worker, key, number)]
        # What is somebody else's by now costs nothing of the rest.
        with pytest.raises(ConfigError) if is_lost or len(own) < len(to) else nullcontext():
            worker.journal.settle(key, submissions)
        for recipient in own:
            assert one is not None
            one.messages[recipient].end(outcome, self.now, unprocessed=reason is STALE)
            del worker.claims[key, recipient]

    def is_own(self, worker: Worker, key: str, recipient: MSISDN) -> bool:
        """Return whether a worker may say what became of a message, also where others took it for unknown."""
        message = self.jobs[key].messages[recipient]
        is_latest = worker.claims.get((key, recipient)) == message.attempt
        return is_latest and message.state in ("IN_FLIGHT", "UNKNOWN") and not message.resolved

    # --- together at a planned job --------------------------------------------------------------------------------

    @rule(who=st.integers(0, 1), text=st.sampled_from(TEXTS[:1] * 3 + TEXTS))
    def plan(self, who: int, text: str) -> None:
        """Plan a list under a key, or join in it."""
        key, worker = PLANNED, self.workers[who]
        wanted, stored = planned(key, text), self.jobs.get(key)
        messages = [(place, *entry) for place, entry in enumerate(wanted.messages)]
        if stored is not None and stored.job.fingerprint != wanted.fingerprint:
            with pytest.raises(ConflictError):
                worker.journal.plan(wanted, messages, len(messages), batch_size=BATCH)
            return
        standing = worker.journal.plan(wanted, messages, len(messages), batch_size=BATCH)
        if stored is None:
            stored = self.jobs[key] = ModelJob(wanted, self.now, {n: ModelMessage(self.now) for n in wanted.recipients})
        self.bury(stored)
        if key not in worker.joined or worker.joined[key].one is not stored:
            for recipient in wanted.recipients:
                worker.claims.pop((key, recipient), None)
        worker.begun.pop(key, None)
        worker.joined[key] = Joined(stored)
        models = stored.messages.values()
        assert standing.counts == Counter(m.state for m in models)
        assert (standing.pending, standing.since) == (sum(m.is_pending for m in models), stored.created)

    @rule(who=st.integers(0, 1), places=st.sets(st.integers(0, 2)), count=st.integers(0, 2),
          outcome=st.sampled_from(Outcome), reason=st.sampled_from([STALE, STOPPED, BUSY]))  # fmt: skip
    def advance(
        self, who: int, places: set[int], count: int, outcome: Outcome, reason: Reason
    ) -> None:  # fmt: skip
        """Say how some messages ended, be they one's own or not, and take others."""
        key, worker = PLANNED, self.workers[who]
        joined = worker.joined.get(key)
        said = self.said(key, places, outcome, reason)
        if joined is None or joined.one is not self.jobs.get(key):
            with pytest.raises(ConfigError):
                worker.journal.advance(key, [Ending(said)] if said else [], count)
            return
        batches, others = worker.journal.advance(key, [Ending(said)] if said else [], count)
        one, passed = joined.one, joined.passed
        free = {place for place, message in enumerate(one.messages.values()) if message.is_pending} - passed
        assert {entry.message.position for entry in others} == self.hear(worker, key, said)
        if reason is BUSY and outcome is Outcome.REFUSED:
            passed -= set(said) - {entry.message.position for entry in others}
        taken = [place for batch in batches for place in batch.places.values()]
        assert len(batches) <= count
        assert len(set(taken)) == len(taken)
        assert set(taken) <= free
        assert joined.looked or len(batches) == count or set(taken) == free
        joined.looked |= bool(taken)
        for batch in batches:
            assert batch.text == one.job.messages[0][1]
            assert 1 <= len(batch.places) <= BATCH
            for recipient, place in batch.places.items():
                assert one.job.recipients[place] == recipient
                one.messages[recipient].claim(worker.life, self.now)
                worker.claims[key, recipient] = one.messages[recipient].attempt
        passed |= set(taken)

    @rule(who=st.integers(0, 1), places=st.sets(st.integers(0, 2), min_size=1),
          outcome=st.sampled_from(Outcome))  # fmt: skip
    def finish(self, who: int, places: set[int], outcome: Outcome) -> None:
        """Say how some messages ended."""
        key, worker = PLANNED, self.workers[who]
        joined = worker.joined.get(key)
        said = self.said(key, places, outcome, STOPPED)
        if joined is None or joined.one is not self.jobs.get(key):
            if key not in worker.begun:
                with pytest.raises(ConfigError):
                    worker.journal.finish(key, [Ending(said)])
            return
        others = worker.journal.finish(key, [Ending(said)])
        assert {entry.message.position for entry in others} == self.hear(worker, key, said)

    def said(self, key: str, places: set[int], outcome: Outcome, reason: Reason) -> dict[int, Submission]:
        """Return what a worker says of these messages of a job."""
        to = self.jobs[key].job.recipients if key in self.jobs else ALL
        why = reason if outcome is Outcome.REFUSED else None
        return dict(zip(sorted(places), ended(outcome, *(to[p] for p in sorted(places)), reason=why), strict=True))

    def hear(self, worker: Worker, key: str, said: dict[int, Submission]) -> set[int]:
        """Let those messages end that are the worker's own; return the places of the others."""
        own = {place for place, s in said.items() if self.is_own(worker, key, s.to)}
        for place in own:
            message, submission = self.jobs[key].messages[said[place].to], said[place]
            is_unprocessed = submission.reason in (STALE, BUSY)
            message.end(submission.outcome, self.now, unprocessed=is_unprocessed)
            del worker.claims[key, submission.to]
        return set(said) - own

    @rule(who=st.integers(0, 1), number=st.integers(0, 6), sent=st.booleans())
    def resolve(self, who: int, number: int, sent: bool) -> None:
        key = self.keys[number % len(self.keys)]
        journal, one = self.workers[who].journal, self.jobs.get(key)
        if one is None:
            with pytest.raises(InputError):
                journal.resolve(key, sent=sent)
            return
        if one.holder is not None or self.is_sent_by_somebody(one):
            with pytest.raises(ConflictError):
                journal.resolve(key, sent=sent)
            return
        self.bury(one)
        unknown = [n for n, m in one.messages.items() if m.state == "UNKNOWN"]
        if not unknown:
            with pytest.raises(InputError):
                journal.resolve(key, sent=sent)
            return
        assert [e.submission.to for e in journal.resolve(key, sent=sent)] == unknown
        for recipient in unknown:
            one.messages[recipient].end("SENT" if sent else "NOT_SENT", self.now, resolved=True)

    @rule(who=st.integers(0, 1), number=st.integers(0, 6), place=st.integers(0, 2), state=st.sampled_from(STATES))
    def learn(self, who: int, number: int, place: int, state: DeliveryState) -> None:
        """Hear from a vendor where a message stands; an end stays one."""
        key = self.keys[number % len(self.keys)]
        one, news = self.jobs.get(key), [News(place, DeliveryReport("id", state, "so"))]
        if one is None:
            with pytest.raises(InputError):
                self.workers[who].journal.learn(key, news)
        elif place < len(one.messages):
            self.workers[who].journal.learn(key, news)
            if state.is_final or not one.stands.get(place, state).is_final:
                one.stands[place] = state

    @rule(who=st.integers(0, 1), age=st.sampled_from([0.5, 100.0]))
    def purge(self, who: int, age: float) -> None:
        over = [
            key
            for key, one in self.jobs.items()
            if one.holder is None
            and not {"UNKNOWN", "IN_FLIGHT"} & {m.state for m in one.messages.values()}
            and all(m.updated < self.now - age for m in one.messages.values())
        ]
        assert self.workers[who].journal.purge(age) == sum(len(self.jobs[key].messages) for key in over)
        for key in over:
            del self.jobs[key]

    # --- what holds at any time ---------------------------------------------------------------------------------------

    @invariant()
    def tells_the_truth(self) -> None:
        if not hasattr(self, "workers"):
            return
        one, other = (worker.journal for worker in self.workers)
        assert [(e.key, e.submission.to, str(e.state)) for e in one.stream()] == [
            (key, number, m.state) for key, job in self.jobs.items() for number, m in job.messages.items()
        ]
        assert not other.check()

    @invariant()
    def keeps_history(self) -> None:
        """Every attempt is counted, and belongs to whom it belonged to."""
        for key, one in getattr(self, "jobs", {}).items():
            for entry in self.workers[0].journal.show(key):
                message, row = one.messages[entry.submission.to], entry.message
                stands = one.stands.get(row.position)
                assert [d.state for d in entry.deliveries] == ([] if stands is None else [stands.value])
                assert (row.attempt, row.claimed, row.updated) == (message.attempt, message.claimed, message.updated)
                assert self.numbers.setdefault(message.life, row.owner) == row.owner
                assert [(a.attempt, a.state, a.owner, a.claimed) for a in entry.earlier] == [
                    (attempt, state, self.numbers[life], claimed) for attempt, state, life, claimed in message.earlier
                ]


def planned(key: str, text: str) -> Job:
    """Return the job of a list of everybody, all with one text."""
    content = ListFingerprint(provider="lightsms", base_url="https://x/", account_id="demo", sender="Alert")
    for place, number in enumerate(ALL):
        content.add(place, number, text)
    return Job(key, "lightsms", "demo", "work", "Alert", tuple((n, text) for n in ALL), content.value)


def older_jobs(path: Path) -> dict[str, ModelJob]:
    """Return what a file of an older layout says."""
    jobs: dict[str, ModelJob] = {}
    with closing(sqlite3.connect(path)) as db:
        for number, key, content, created in db.execute("SELECT id, key, fingerprint, created FROM job ORDER BY id"):
            names = {name for _, name, *_ in db.execute("PRAGMA table_info(message)")}
            ours = ", attempts, NULL" if "attempts" in names else ", attempt, owner"
            columns = f"recipient, updated, state, claimed, code{ours}"
            rows = db.execute(f"SELECT {columns} FROM message WHERE job = ? ORDER BY position", (number,))  # noqa: S608  (ours)
            messages = {
                MSISDN(to): ModelMessage(updated, state, attempts, claimed, owner, unprocessed=code == STALE_CODE)
                for to, updated, state, claimed, code, attempts, owner in rows
            }
            one = Job(key, "lightsms", "", "work", "Shop", tuple((n, "text") for n in messages), content)
            jobs[key] = ModelJob(one, created, messages)
    return jobs


class FileMachine(JournalMachine):
    """On a file, which may be an older program's."""

    layouts = (None, None, 1, 2, 3, 4)

    def new_place(self, layout: int | None) -> Path:
        # What the model knows of is the same in memory, where thousands of syncs wait for no disk.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  (a fresh directory in it)
        path = Path(self.stack.enter_context(tempfile.TemporaryDirectory(dir=memory))) / "journal"
        if layout is not None:
            lay_older(path, layout)
        return path


class TestFileMachine(FileMachine.TestCase):  # type: ignore[misc, valid-type]  # made by Hypothesis
    """Some thousand steps."""

    settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

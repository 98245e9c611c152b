"""Several workers on one job: each message is claimed by exactly one, and what an owner says late is still heard.

``servers/test_journal_on_postgres.py`` runs all of this once more.
"""

from __future__ import annotations

import multiprocessing
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from smscli.errors import Cause, ConfigError, ConflictError
from smscli.journal import Job, Journal, State, _store
from smscli.journal._database import LostError
from smscli.journal._owners import FIRST_OWNER
from smscli.model import MSISDN, Money, Outcome, Reason, Submission
from tests.jobs import ALL, ANNA, BERTA, CARLA, NOON, STALE, Place, ended, job, outcomes

Opener = Callable[..., Journal]

# --- messages and their attempts --------------------------------------------------------------------------------------


def personal(*, store_text: bool = False) -> Job:
    """Return a job with a text for each."""
    return job(store_text=store_text)._replace(messages=((ANNA, "canary-4711"), (BERTA, "grüße\n")))


def test_each_message_has_its_own_text(opened: Opener) -> None:
    """As length and hash; by: printf canary-4711 | openssl dgst -sha256, then of the other."""
    opened().begin(personal())
    assert [(e.message.text_length, e.message.text_sha256, e.message.text) for e in opened().show("backup")] == [
        (11, "fcb3964ba880e950970f401750817e6b35448bc5ed3a4c06ca67c743f36b5aa6", None),
        (6, "b8fb07e729d2c238732229327c1b0669dcb8a15705340409cbbed2a6995898e2", None),
    ]


def test_each_text_is_kept_in_clear_where_the_profile_says_so(opened: Opener) -> None:
    """Letter for letter."""
    opened().begin(personal(store_text=True))
    assert [entry.message.text for entry in opened().show("backup")] == ["canary-4711", "grüße\n"]


def test_every_past_attempt_is_kept_with_all_that_was_said_of_it(place: Place) -> None:
    """Vendor, account, owner, times and reason of each, oldest first; the latest is the message's own."""
    times, owners = iter(NOON + second for second in range(100)), []
    first, second = Reason("connection refused", Cause.UNREACHABLE), Reason("try later", Cause.BUSY, "9", "wait")
    for provider, account, submission in (
        ("lightsms", "demo", Submission(ANNA, Outcome.NOT_SENT, reason=first)),
        ("mainsms", "shop", Submission(ANNA, Outcome.REFUSED, reason=second)),
        ("lightsms", "demo", Submission(ANNA, Outcome.SENT, "id-1", 2, Money(Decimal("0.05"), "EUR"))),
    ):
        with Journal(place, now=lambda: next(times)) as journal:
            journal.begin(job(to=[ANNA])._replace(provider=provider, account=account))
            journal.claim("backup", [ANNA])
            journal.settle("backup", [submission], "HTTP 200")
            owners.append(journal._owner)
    with Journal(place, now=lambda: NOON) as journal:
        (entry,) = journal.show("backup")
        assert journal.check() == ()
    assert entry.submission == submission
    attempts = [*entry.earlier, entry.message.past]
    assert [(a.attempt, a.provider, a.account, a.state, a.why, a.evidence) for a in attempts] == [
        (1, "lightsms", "demo", "NOT_SENT", first, "HTTP 200"),
        (2, "mainsms", "shop", "REFUSED", second, "HTTP 200"),
        (3, "lightsms", "demo", "SENT", None, "HTTP 200"),
    ]
    assert [attempt.owner for attempt in attempts] == owners
    assert len(set(owners)) == 3
    assert all(a.claimed is not None and NOON < a.claimed < a.updated for a in attempts)
    assert [a.claimed for a in attempts] == sorted(a.claimed or 0 for a in attempts)


@pytest.fixture
def twice_tried(opened: Opener) -> Journal:
    """Return a journal with a message that took three attempts."""
    journal = opened()
    journal.begin(job())
    for outcome in (Outcome.NOT_SENT, Outcome.NOT_SENT, Outcome.SENT):
        journal.claim("backup", [ANNA])
        journal.settle("backup", ended(outcome, ANNA))
    assert journal.check() == ()
    return journal


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("DELETE FROM attempt WHERE attempt = 1", "an attempt of key 'backup' is missing"),
        ("DELETE FROM attempt WHERE attempt = 2", "an attempt of it is missing"),
        ("DELETE FROM attempt", "an attempt of it is missing"),
        ("UPDATE attempt SET position = 1", "a row does not match its checksum"),
        ("UPDATE attempt SET state = 'SENT' WHERE attempt = 2", "a row does not match its checksum"),
    ],
)
def test_the_check_reports_an_attempt_that_is_missing_or_damaged(
    twice_tried: Journal, change: str, problem: str
) -> None:
    """What was tried before is as much a record as how it ended."""
    with twice_tried._db.writing(""):
        twice_tried._db.execute(change)
    (line,) = twice_tried.check()
    assert line == f"key 'backup': the journal is damaged: {problem}"


def test_a_receipt_does_not_hang_on_attempts_that_it_does_not_tell_of(opened: Opener) -> None:
    """What is over is over, though the record of an attempt before is damaged."""
    journal = opened()
    journal.begin(job())
    for outcome in (Outcome.NOT_SENT, Outcome.SENT):
        journal.claim("backup", ALL)
        journal.settle("backup", ended(outcome, *ALL))
    with journal._db.writing(""):
        journal._db.execute("UPDATE attempt SET state = 'SENT'")
    assert opened().begin(job(), passes_on=True).replayed
    assert opened().check()


def test_purge_forgets_the_attempts_too(place: Place, twice_tried: Journal) -> None:
    """They name numbers and vendors as messages do."""
    twice_tried.close()
    with Journal(place, now=lambda: NOON + 9) as journal:
        assert journal.purge(1) == 3
        with journal._db.reading():
            assert journal._db.execute("SELECT count(*) FROM attempt").fetchone() == (0,)


# --- several workers on one job ---------------------------------------------------------------------------------------

MANY = tuple(MSISDN(str(37060000000 + number)) for number in range(200))


def work(place: Place, order: int, everybody: Any) -> list[str]:
    """Claim and settle whatever nobody else has, in an order of one's own; return which numbers those were.

    ``everybody`` is a barrier: each has one message in flight before any goes on.
    """
    own = [MANY[order].digits]
    with Journal(place, now=lambda: NOON) as journal:
        pending = list(journal.begin(job(to=MANY), together=True).pending)
        journal.claim("backup", [MANY[order]])
        everybody.wait(60)
        journal.settle("backup", ended(Outcome.SENT, MANY[order]))
        random.Random(order).shuffle(pending)  # noqa: S311  (an order, the same each time)
        for start in range(0, len(pending), 4):
            batch = pending[start : start + 4]
            try:
                journal.claim("backup", batch)
            except ConflictError:
                batch = [number for number in batch if claims(journal, number)]
            if batch:
                journal.settle("backup", ended(Outcome.SENT, *batch))
                own += [number.digits for number in batch]
    return own


def claims(journal: Journal, number: MSISDN) -> bool:
    """Return whether a claim of it succeeds."""
    try:
        journal.claim("backup", [number])
    except ConflictError:
        return False
    return True


def is_each_sent_once(place: Place, shares: list[list[str]]) -> None:
    """Hold that every message was claimed by exactly one worker, in one attempt."""
    assert Counter(number for share in shares for number in share) == Counter(number.digits for number in MANY)
    with Journal(place, now=lambda: NOON) as journal:
        assert {(e.state, e.message.attempt, e.earlier) for e in journal.show("backup")} == {(State.SENT, 1, ())}
        assert journal.check() == ()


def test_threads_share_a_job_and_each_message_is_claimed_by_one(place: Place) -> None:
    """Two, each with a journal of its own."""
    shares: list[list[str]] = []
    everybody = threading.Barrier(2)
    workers = [
        threading.Thread(target=lambda order=order: shares.append(work(place, order, everybody))) for order in (0, 1)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    is_each_sent_once(place, shares)


def test_processes_share_a_job_and_each_message_is_claimed_by_one(place: Place) -> None:
    """Four, from the same moment."""
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    everybody = context.Barrier(4)
    workers = [
        context.Process(target=lambda order=order: results.put(work(place, order, everybody)), daemon=True)
        for order in range(4)
    ]
    for worker in workers:
        worker.start()
    shares = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    is_each_sent_once(place, shares)


def test_a_worker_that_dies_leaves_only_its_own_unknown(opened: Opener) -> None:
    """The other one's is in flight as before, and ends as it says."""
    first, second = opened(), opened()
    for worker, number in ((first, ANNA), (second, BERTA)):
        worker.begin(job(), together=True)
        worker.claim("backup", [number])
    first.close()
    third = opened()
    assert outcomes(third.begin(job(), together=True).submissions) == ["UNKNOWN", "UNKNOWN", "NOT_SENT"]
    assert [entry.state for entry in third.show("backup")] == ["UNKNOWN", "IN_FLIGHT", "NOT_SENT"]
    second.settle("backup", ended(Outcome.SENT, BERTA))
    assert [entry.state for entry in third.show("backup")] == ["UNKNOWN", "SENT", "NOT_SENT"]


def test_who_wants_the_job_alone_waits_for_who_is_sending(opened: Opener) -> None:
    """A plain send of a key that workers are at is a conflict until nothing of it is in flight."""
    worker = opened()
    worker.begin(job(), together=True)
    worker.claim("backup", [ANNA])
    with pytest.raises(ConflictError, match="being sent by another process"):
        opened().begin(job())
    worker.settle("backup", ended(Outcome.SENT, ANNA))
    assert opened().begin(job()).pending == (BERTA, CARLA)


def test_workers_wait_for_who_has_the_job_alone(opened: Opener) -> None:
    """Neither a new one nor one that had begun before gets any of it, until the other has ended."""
    worker, alone = opened(), opened()
    worker.begin(job(), together=True)
    alone.begin(job())
    with pytest.raises(ConflictError, match="being sent by another process"):
        opened().begin(job(), together=True)
    with pytest.raises(ConflictError, match="being sent by another process"):
        worker.claim("backup", [ANNA])
    alone.close()
    worker.claim("backup", [ANNA])


def test_a_person_decides_when_nobody_is_sending_any_more(opened: Opener) -> None:
    """What is UNKNOWN of a job stays so while a worker has another message of it in flight."""
    first, second = opened(), opened()
    for worker, number in ((first, ANNA), (second, BERTA)):
        worker.begin(job(), together=True)
        worker.claim("backup", [number])
    first.close()
    with pytest.raises(ConflictError, match="being sent by another process"):
        opened().resolve("backup", sent=True)
    second.settle("backup", ended(Outcome.SENT, BERTA))
    assert [entry.submission.to for entry in opened().resolve("backup", sent=True)] == [ANNA]


def test_who_begins_a_job_again_keeps_what_it_has_in_flight(opened: Opener) -> None:
    """A worker that looks how its job stands can still say how its own messages end."""
    worker = opened()
    worker.begin(job(), together=True)
    worker.claim("backup", [ANNA])
    worker.begin(job(), together=True)
    worker.settle("backup", ended(Outcome.SENT, ANNA))
    assert [entry.state for entry in worker.show("backup")] == ["SENT", "NOT_SENT", "NOT_SENT"]


def test_a_job_that_was_forgotten_and_begun_anew_is_another_one(opened: Opener) -> None:
    """Who had begun the old one claims nothing of the new one: its texts are other texts."""
    worker = opened()
    worker.begin(job(), together=True)
    assert opened(at=9).purge(1) == 3
    with pytest.raises(ConfigError, match="'backup' was forgotten meanwhile"):
        worker.claim("backup", [ANNA])
    opened(at=9).begin(job(text="all well"), together=True)
    with pytest.raises(ConfigError, match="'backup' was forgotten meanwhile"):
        worker.claim("backup", [ANNA])
    assert {entry.state for entry in opened().show("backup")} == {State.NOT_SENT}


# --- what is said late ------------------------------------------------------------------------------------------------


def in_flight_and_buried(opened: Opener) -> Journal:
    """Return a journal with a message in flight that another one, to whom it looked dead, has made UNKNOWN."""
    journal = opened()
    journal.begin(job(), together=True)
    journal.claim("backup", [ANNA])
    assert journal._owner is not None
    journal._db.release(journal._owner)
    assert outcomes(opened().begin(job(), together=True).submissions)[0] == "UNKNOWN"
    return journal


@pytest.mark.parametrize("outcome", ["SENT", "REFUSED", "NOT_SENT"])
def test_an_outcome_that_comes_late_corrects_unknown(opened: Opener, outcome: str) -> None:
    """The attempt is the same one, and nothing of having been taken for dead is left."""
    journal = in_flight_and_buried(opened)
    reason = STALE if outcome == "REFUSED" else None
    journal.settle("backup", ended(Outcome(outcome), ANNA, reason=reason))
    entry = opened().show("backup")[0]
    assert (entry.state, entry.submission.reason, entry.message.attempt, entry.earlier) == (outcome, reason, 1, ())
    assert opened().check() == ()


@pytest.mark.parametrize("sent", [True, False])
def test_an_outcome_that_comes_after_a_persons_decision_is_refused(opened: Opener, sent: bool) -> None:
    """The person may have acted on it already."""
    journal = in_flight_and_buried(opened)
    opened().resolve("backup", sent=sent)
    before = opened().show("backup")
    for outcome in Outcome:
        with pytest.raises(ConfigError, match="not in flight"):
            journal.settle("backup", [Submission(ANNA, outcome)])
    assert opened().show("backup") == before


def test_an_outcome_that_comes_after_a_new_claim_is_refused(opened: Opener) -> None:
    """It is not the new one's, which ends as its own owner says."""
    journal, another = in_flight_and_buried(opened), opened()
    another.resolve("backup", sent=False)
    another.begin(job(), together=True)
    another.claim("backup", [ANNA])
    before = opened().show("backup")
    with pytest.raises(ConfigError, match="IN_FLIGHT, not in flight"):
        journal.settle("backup", ended(Outcome.SENT, ANNA))
    assert opened().show("backup") == before
    another.settle("backup", ended(Outcome.SENT, ANNA))
    with pytest.raises(ConfigError, match="SENT, not in flight"):
        journal.settle("backup", ended(Outcome.SENT, ANNA))
    assert [(a.state, a.resolved is not None) for a in opened().show("backup")[0].earlier] == [("NOT_SENT", True)]


def test_an_outcome_that_comes_after_the_job_was_forgotten_is_refused(opened: Opener) -> None:
    """As every trouble in recording it: a sender must not take it for bad input."""
    journal = in_flight_and_buried(opened)
    opened().resolve("backup", sent=True)
    assert opened(at=9).purge(1) == 3
    with pytest.raises(ConfigError, match="was forgotten meanwhile"):
        journal.settle("backup", ended(Outcome.SENT, ANNA))


def test_two_owners_are_never_of_one_number(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else one of them, dead, would look alive by the other."""
    numbers = iter([11, 11, 12])
    monkeypatch.setattr(_store, "randbelow", lambda _: next(numbers))
    one, other = opened(), opened()
    one.begin(job(), together=True)
    other.begin(job(), together=True)
    one.claim("backup", [ANNA])
    other.claim("backup", [BERTA])
    assert [entry.message.owner for entry in opened().show("backup")] == [FIRST_OWNER + 11, FIRST_OWNER + 12, None]


# --- connections that are lost ----------------------------------------------------------------------------------------


def lose(journal: Journal, times: int, *, committed: bool | None, later: bool | None = None) -> None:
    """Let so many of the journal's next transactions end in a lost connection, committed or not, or not even begun.

    ``later`` says it for those behind the first, if it is otherwise with them.
    """
    real, left = journal._db.writing, [times]
    ends = [committed] + [committed if later is None else later] * (times - 1)

    @contextmanager
    def writing(consequence: str, **options: Any) -> Iterator[None]:
        lost = bool(left[0])
        left[0] -= lost
        is_committed = not lost or ends.pop(0)
        if is_committed is None:
            raise LostError("the connection was lost")
        with real(consequence, **options):
            yield
            if not is_committed:
                raise LostError("the connection was lost")
        if lost:
            raise LostError("the connection was lost")

    db: Any = journal._db  # what no kernel or server does on request
    reconnect = db.reconnect

    def let_go_and_reconnect(seconds: float = 0.0) -> None:
        for number in tuple(db._held):
            db.release(number)
        reconnect(seconds)

    db.writing, db.reconnect = writing, let_go_and_reconnect


@pytest.mark.parametrize("committed", [True, False])
def test_an_outcome_whose_confirmation_was_lost_is_recorded_again(opened: Opener, committed: bool) -> None:
    """Whether it had been recorded nobody knows, and it does not matter."""
    journal = opened()
    journal.begin(job())
    journal.claim("backup", ALL)
    lose(journal, 3, committed=committed)
    journal.settle("backup", ended(Outcome.SENT, *ALL), "HTTP 200")
    assert {(e.state, e.message.attempt, e.message.evidence) for e in opened().show("backup")} == {
        (State.SENT, 1, "HTTP 200")
    }
    assert opened().check() == ()


def test_a_new_connection_is_waited_for_as_long_as_the_outcome_may_wait(opened: Opener) -> None:
    """No longer: whoever is sending has a deadline."""
    journal, waits = opened(), list[float]()
    journal.begin(job())
    journal.claim("backup", ALL)
    lose(journal, 1, committed=False)
    db: Any = journal._db  # as in ``lose``
    db.reconnect = waits.append
    journal.settle("backup", ended(Outcome.SENT, *ALL), seconds=90.0)
    (wait,) = waits
    assert 80 < wait <= 90


@pytest.mark.parametrize("store_text", [False, True])
def test_an_outcome_can_be_recorded_twice_and_is_the_first(opened: Opener, store_text: bool) -> None:
    """After all confirmations were lost the same word is taken as said; another one is refused."""
    journal = opened()
    journal.begin(job(store_text=store_text))
    journal.claim("backup", ALL)
    lose(journal, 4, committed=True)
    with pytest.raises(LostError):
        journal.settle("backup", ended(Outcome.SENT, *ALL))
    before = opened().show("backup")
    with pytest.raises(ConfigError, match="SENT, not in flight"):
        journal.settle("backup", ended(Outcome.NOT_SENT, *ALL))
    journal.settle("backup", ended(Outcome.SENT, *ALL))
    assert opened().show("backup") == before


@pytest.mark.parametrize("committed", [True, False])
def test_a_claim_whose_confirmation_was_lost_is_given_back(opened: Opener, committed: bool) -> None:
    """Nothing was sent on it, so nothing is unknown, and the same journal may claim again."""
    journal = opened()
    journal.begin(job())
    lose(journal, 1, committed=committed)
    with pytest.raises(LostError):
        journal.claim("backup", ALL)
    assert {(e.state, e.message.attempt) for e in opened().show("backup")} == {(State.NOT_SENT, int(committed))}
    journal.claim("backup", ALL)
    journal.settle("backup", ended(Outcome.SENT, *ALL))
    assert {entry.state for entry in opened().show("backup")} == {State.SENT}
    assert opened().check() == ()


@pytest.mark.parametrize(("losses", "state"), [(4, State.NOT_SENT), (5, State.UNKNOWN)])
def test_a_claim_is_given_back_in_four_tries_or_is_unknown(opened: Opener, losses: int, state: State) -> None:
    """Needless, but safe: whoever reads it later cannot know that nothing was sent."""
    journal = opened()
    journal.begin(job())
    journal.claim("backup", [ANNA])
    journal.settle("backup", ended(Outcome.SENT, ANNA))
    lose(journal, losses, committed=True, later=False)
    with pytest.raises(LostError if state is State.NOT_SENT else ConflictError):
        journal.claim("backup", [BERTA])
    journal.close()
    assert [entry.state for entry in opened().show("backup")] == [State.SENT, state, State.NOT_SENT]


def test_giving_a_claim_back_touches_nothing_else(opened: Opener) -> None:
    """What is UNKNOWN of the same job stays so."""
    journal = opened()
    journal.begin(job())
    journal.claim("backup", [BERTA])
    journal.settle("backup", ended(Outcome.UNKNOWN, BERTA))
    lose(journal, 1, committed=True)
    with pytest.raises(LostError):
        journal.claim("backup", [ANNA])
    assert [entry.state for entry in opened().show("backup")] == [State.NOT_SENT, State.UNKNOWN, State.NOT_SENT]


def test_a_claim_that_is_somebody_elses_by_now_is_not_given_back(opened: Opener) -> None:
    """It was committed, taken for dead, decided on, and claimed anew: its recipient may have the text."""
    journal, other = opened(), opened()
    journal.begin(job(), together=True)
    other.begin(job(), together=True)
    lose(journal, 1, committed=True)
    db: Any = journal._db  # as in ``lose``
    reconnect = db.reconnect

    def reconnect_late(seconds: float = 0.0) -> None:
        db.reconnect = reconnect
        reconnect(seconds)
        opened().resolve("backup", sent=False, to=ANNA)
        other.claim("backup", [ANNA])

    db.reconnect = reconnect_late
    with pytest.raises(ConflictError, match="by another process"):
        journal.claim("backup", [ANNA])
    other.settle("backup", ended(Outcome.SENT, ANNA))
    assert [entry.state for entry in opened().show("backup")] == [State.SENT, State.NOT_SENT, State.NOT_SENT]


def test_a_claim_of_a_job_that_was_forgotten_since_has_nothing_to_be_given_back(opened: Opener) -> None:
    """That the connection was lost is told all the same."""
    journal = opened()
    journal.begin(job(), together=True)
    lose(journal, 1, committed=False)
    db: Any = journal._db  # as in ``lose``
    reconnect = db.reconnect

    def reconnect_late(seconds: float = 0.0) -> None:
        reconnect(seconds)
        assert opened(at=9).purge(1) == 3

    db.reconnect = reconnect_late
    with pytest.raises(LostError):
        journal.claim("backup", ALL)


def test_a_job_is_held_anew_after_a_lost_connection(opened: Opener) -> None:
    """Once, and for all that is left of it."""
    journal = opened()
    journal.begin(job())
    journal.claim("backup", [ANNA])
    lose(journal, 1, committed=True)
    journal.settle("backup", ended(Outcome.SENT, ANNA))
    for number in (BERTA, CARLA):
        journal.claim("backup", [number])
        with pytest.raises(ConflictError, match="by another process"):
            opened().begin(job())
        journal.settle("backup", ended(Outcome.SENT, number))


def test_a_job_that_others_send_by_now_is_not_held_anew(opened: Opener) -> None:
    """They found nobody at it, and have a message in flight."""
    journal, other = opened(), opened()
    journal.begin(job())
    journal.claim("backup", [ANNA])
    lose(journal, 1, committed=True)
    journal.settle("backup", ended(Outcome.SENT, ANNA))
    other.begin(job(), together=True)
    other.claim("backup", [BERTA])
    with pytest.raises(ConflictError, match="by another process"):
        journal.claim("backup", [CARLA])
    other.settle("backup", ended(Outcome.SENT, BERTA))
    journal.claim("backup", [CARLA])


def test_a_claim_that_is_lost_to_somebody_who_sent_meanwhile_is_a_conflict(opened: Opener) -> None:
    """That this journal sent nothing says nothing then: the recipient has the text."""
    journal, other = opened(), opened()
    journal.begin(job())
    journal._db.release(journal._held["backup"].job.id)  # as a session that ended lets go of it
    other.begin(job())
    other.claim("backup", ALL)
    other.settle("backup", ended(Outcome.SENT, *ALL))
    other.close()
    lose(journal, 1, committed=None)
    with pytest.raises(ConflictError, match="by another process"):
        journal.claim("backup", [ANNA])
    assert {entry.state for entry in opened().show("backup")} == {State.SENT}


def test_another_try_is_confirmed_while_the_claim_stands(opened: Opener) -> None:
    """As often as it is asked, and changing nothing."""
    journal = opened()
    journal.begin(job())
    journal.claim("backup", [ANNA])
    before = journal.show("backup")
    journal.confirm("backup", [ANNA])
    journal.confirm("backup", [ANNA])
    assert journal.show("backup") == before
    with pytest.raises(ConflictError):
        journal.confirm("backup", [BERTA])


@pytest.mark.parametrize("sent", [True, False])
def test_no_other_try_is_confirmed_once_the_claim_is_anothers(opened: Opener, sent: bool) -> None:
    """Taken for dead during a pause: a person decided, and perhaps somebody else has sent it by now."""
    journal = in_flight_and_buried(opened)
    with pytest.raises(ConflictError, match="by another process"):
        journal.confirm("backup", [ANNA])
    opened().resolve("backup", sent=sent)
    with pytest.raises(ConflictError, match="by another process"):
        journal.confirm("backup", [ANNA])


def test_a_confirmation_over_a_lost_connection_is_refused(opened: Opener) -> None:
    """Nothing more is sent; what was claimed can still be recorded."""
    journal = opened()
    journal.begin(job())
    journal.claim("backup", [ANNA])
    lose(journal, 1, committed=True)
    with pytest.raises(LostError):
        journal.confirm("backup", [ANNA])
    journal.settle("backup", ended(Outcome.REFUSED, ANNA))
    assert opened().show("backup")[0].state is State.REFUSED


def test_one_decision_of_a_person_costs_the_others_nothing(opened: Opener) -> None:
    """Of a batch that was taken for dead, what nobody decided on is recorded, with its ids."""
    journal = opened()
    journal.begin(job(), together=True)
    journal.claim("backup", ALL)
    journal._db.release(journal._own())
    opened().resolve("backup", sent=True, to=ANNA)
    with pytest.raises(ConfigError, match="is SENT, not in flight"):
        journal.settle("backup", ended(Outcome.SENT, *ALL))
    said = [(e.message.message_id, e.message.resolved is not None) for e in opened().show("backup")]
    assert said == [(None, True), (f"id-{BERTA.digits}", False), (f"id-{CARLA.digits}", False)]

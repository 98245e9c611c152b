"""A large job that many do together: planned once, each message taken by one, and its text kept as long as needed.

``servers/test_journal_on_postgres.py`` runs all of this once more.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.errors import Cause, ConfigError, ConflictError, InputError
from smscli.journal import Boot, Ending, Job, ListFingerprint, Standing, State, TeamJournal, _team
from smscli.journal._database import LostError
from smscli.model import MSISDN, Outcome, Reason, Submission
from tests.jobs import NOON, STALE, STOPPED, Place, job
from tests.test_journal_workers import lose

KEY = "newsletter"
BUSY = Reason("come later", Cause.BUSY)
Messages = Sequence[tuple[int, MSISDN, str]]
Teams = Callable[..., TeamJournal]


@pytest.fixture
def teams(place: Place) -> Iterator[Teams]:
    """Return an opener of journals for large jobs, all in one place; ``at`` is seconds after noon."""
    with ExitStack() as stack:
        yield lambda at=0.0: stack.enter_context(TeamJournal(place, now=lambda: NOON + at))


def people(count: int, *texts: str) -> Messages:
    """Return messages to so many numbers, the texts in turn, at the places from 1 on."""
    texts = texts or ("hi",)
    return [(place, MSISDN(f"3706{place:07}"), texts[place % len(texts)]) for place in range(1, count + 1)]


def listed(messages: Messages, key: str = KEY, *, store_text: bool = False) -> Job:
    """Return the job of a list."""
    fingerprint = ListFingerprint(provider="lightsms", base_url="https://x/", account_id="demo", sender="Shop")
    for message in messages:
        fingerprint.add(*message)
    return Job(key, "lightsms", "demo", "work", "Shop", (), fingerprint.value, store_text)


def plan(journal: TeamJournal, messages: Messages, key: str = KEY, **options: Any) -> Standing:
    """Plan the job of a list."""
    store_text = options.pop("store_text", False)
    return journal.plan(listed(messages, key, store_text=store_text), iter(messages), len(messages), **options)


def ended(batch: _team.Batch, outcome: Outcome = Outcome.SENT, reason: Reason | None = None) -> Ending:
    """Return that all of a batch ended so."""
    return Ending({place: Submission(to, outcome, reason=reason) for to, place in batch.places.items()})


def places(batches: Iterable[_team.Batch]) -> list[list[int]]:
    """Return the places of each batch."""
    return [list(batch.places.values()) for batch in batches]


def states(journal: TeamJournal, key: str = KEY) -> list[str]:
    """Return where each message stands."""
    return [str(entry.state) for entry in journal.show(key)]


# --- a plan -----------------------------------------------------------------------------------------------------------


def test_a_planned_job_waits_whole(teams: Teams) -> None:
    """Nothing of it is claimed, and it says of itself what a later process has to know."""
    standing = plan(teams(), people(3))
    assert standing == Standing(
        KEY, "lightsms", "work", "Shop", listed(people(3)).fingerprint, NOON, {State.NOT_SENT: 3}, 3
    )
    assert standing.total == 3
    assert {entry.message.attempt for entry in teams().show(KEY)} == {0}
    assert teams().check() == ()


def test_a_long_list_is_planned_whole(teams: Teams) -> None:
    """However many are inserted at a time, each as of when it was planned."""
    journal = teams()
    assert plan(journal, people(2001)).pending == 2001
    assert {entry.message.updated for entry in journal.entries(KEY)} == {NOON}


def test_a_plan_that_is_there_is_taken_up_without_its_list(teams: Teams) -> None:
    """The messages are not asked for again."""
    plan(teams(), people(3))

    unread = iter(people(3))
    assert teams().plan(listed(people(3)), unread, 3).pending == 3
    assert len(list(unread)) == 3


@pytest.mark.parametrize(
    "other",
    [people(2), people(3, "ho"), [(2, *one[1:]) if one[0] == 1 else one for one in people(1)], people(3)[::-1]],
    ids=["fewer", "another text", "another place", "another order"],
)
def test_a_plan_of_other_content_under_a_used_key_is_refused(teams: Teams, other: Messages) -> None:
    """And says when the key was used."""
    plan(teams(), people(3))
    with pytest.raises(ConflictError, match="was used for other content on 2030-03-17 17:46:40 UTC"):
        plan(teams(), other)
    assert states(teams()) == ["NOT_SENT"] * 3


def test_a_key_that_cannot_be_one_is_refused(teams: Teams) -> None:
    """As of every send."""
    with pytest.raises(InputError, match="cannot be a key"):
        plan(teams(), people(1), "two\nlines")


def test_a_list_that_breaks_off_leaves_nothing_planned(teams: Teams) -> None:
    """Neither a part of it nor its key."""

    def broken() -> Iterator[tuple[int, MSISDN, str]]:
        yield from people(2500)
        raise InputError("row 2501 cannot be read")

    with pytest.raises(InputError, match="row 2501"):
        teams().plan(listed(people(2501)), broken(), 2501)
    assert not teams().knows(KEY)
    assert teams().check() == ()
    assert plan(teams(), people(2)).total == 2


@pytest.mark.parametrize("count", [2, 4])
def test_a_list_that_has_changed_since_it_was_counted_leaves_nothing_planned(teams: Teams, count: int) -> None:
    """What the person agreed to was another one."""
    with pytest.raises(ConflictError, match="the list has changed while it was read; nothing was sent"):
        teams().plan(listed(people(3)), people(3), count)
    assert not teams().knows(KEY)


def test_the_same_content_under_another_key_is_shown_before_it_is_planned(teams: Teams) -> None:
    """The latest of its jobs, as it stands."""
    journal, twins = teams(), list[Standing]()
    plan(journal, people(3), "first", admit=twins.append)
    plan(journal, people(2), "shorter", admit=twins.append)
    plan(journal, people(3), "second", admit=twins.append)
    batches, _ = journal.advance("second", [], 1)
    journal.advance("second", [ended(batches[0])], 0)
    plan(journal, people(3), "third", admit=twins.append)
    assert [(twin.key, twin.pending, dict(twin.counts)) for twin in twins] == [
        ("first", 3, {"NOT_SENT": 3}), ("second", 2, {"NOT_SENT": 2, "SENT": 1}),
    ]  # fmt: skip


def test_the_same_content_that_is_not_admitted_is_not_planned(teams: Teams) -> None:
    """Under its own key there is nothing to ask."""

    def refuse(twin: Standing) -> None:
        raise ConflictError(f"it was begun under {twin.key}")

    plan(teams(), people(3), "first", admit=refuse)
    with pytest.raises(ConflictError, match="it was begun under first"):
        plan(teams(), people(3), "second", admit=refuse)
    assert not teams().knows("second")
    assert plan(teams(), people(3), "first", admit=refuse).pending == 3


def test_the_fingerprint_of_a_list_is_of_all_that_makes_it_another_one() -> None:
    """Whoever knows only the digests of the texts comes to the same."""
    base = {"provider": "lightsms", "base_url": "https://x/", "account_id": "demo", "sender": "Shop", "test": False}
    others = [base | {name: value} for name, value in
              (("provider", "mainsms"), ("base_url", "https://y/"), ("account_id", "me"), ("sender", None),
               ("test", True))]  # fmt: skip

    def value(words: Any, *messages: tuple[int, MSISDN, str]) -> str:
        fingerprint = ListFingerprint(**words)
        for message in messages:
            fingerprint.add(*message)
        return fingerprint.value

    one, two = people(2)
    values = [value(words, one, two) for words in (base, *others)]
    values += [value(base), value(base, one), value(base, two, one), value(base, one, (3, *two[1:]))]
    assert len(set(values)) == len(values)
    by_digest = ListFingerprint(**base)  # type: ignore[arg-type]  # words of several types
    for entry in (one, two):  # printf hi | openssl dgst -sha256
        digest = "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"
        by_digest.add_digest(entry[0], entry[1].digits, digest)
    assert by_digest.value == values[0]


def test_the_fingerprint_of_a_list_stays_what_it_is() -> None:
    """Lists that were sent years ago are known again; no sender is an empty one, and no word of a test is none."""
    begun = partial(ListFingerprint, provider="lightsms", base_url="https://x/", account_id="demo")
    by_name = begun(sender=None)
    by_name.add(1, MSISDN("37061234567"), "hi")
    # printf '["list", "lightsms", "https://x/", "demo", "", false]\n1 37061234567 8f43…7aa4' | openssl dgst -sha256
    assert by_name.value == "86824dd023562c8b376cf04f1a130837b34b9ed8b3370bc28c2219819d659f1a"
    assert begun(sender="").value == begun(sender=None).value


# --- what is taken ----------------------------------------------------------------------------------------------------


def test_a_batch_is_of_one_text_and_of_no_more_than_may_be(teams: Teams) -> None:
    """In the order of the list; others of the same text wait for the next."""
    journal = teams()
    plan(journal, people(7, "even", "odd"), batch_size=2)
    batches, others = journal.advance(KEY, [], 9)
    assert [(batch.text, list(batch.places.values())) for batch in batches] == [
        ("odd", [1, 3]), ("even", [2, 4]), ("odd", [5, 7]), ("even", [6]),
    ]  # fmt: skip
    assert others == []
    assert states(teams()) == ["IN_FLIGHT"] * 7


def test_no_more_is_taken_than_was_asked_for(teams: Teams) -> None:
    """What is not in flight may be anybody's."""
    journal = teams()
    plan(journal, people(5))
    assert places(journal.advance(KEY, [], 2)[0]) == [[1], [2]]
    assert journal.advance(KEY, [], 0) == ([], [])
    assert states(teams()) == ["IN_FLIGHT", "IN_FLIGHT", "NOT_SENT", "NOT_SENT", "NOT_SENT"]


def test_a_number_that_is_listed_twice_is_in_two_batches(teams: Teams) -> None:
    """A vendor that gets it twice in one request answers once."""
    journal, (first, second) = teams(), people(2)
    plan(journal, [first, (2, *first[1:]), (3, *second[1:]), (4, *first[1:])], batch_size=9)
    assert places(journal.advance(KEY, [], 9)[0]) == [[1], [2, 3], [4]]


@given(rows=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"))), size=st.integers(1, 4))
def test_batches_hold_each_place_once(rows: list[tuple[str, str]], size: int) -> None:
    """At most so many, of one text, no number twice, and within a batch in order."""
    batches = _team.in_batches([(place, number, text) for place, (number, text) in enumerate(rows)], size)
    assert sorted(place for batch in batches for place in batch) == list(range(len(rows)))
    for batch in batches:
        assert len({rows[place][1] for place in batch}) == 1
        assert len({rows[place][0] for place in batch}) == len(batch) <= size
        assert batch == sorted(batch)


def test_a_job_that_is_longer_than_the_look_ahead_is_taken_to_its_end(
    teams: Teams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million rows are never in memory at once."""
    monkeypatch.setattr(_team, "_AHEAD", 7)
    journal = teams()
    plan(journal, people(50, "a", "b", "c"), batch_size=4)
    taken: list[int] = []
    endings: list[Ending] = []
    while batches := journal.advance(KEY, endings, 3)[0]:
        assert len(journal._part(KEY).ready) <= 7
        assert len(journal._part(KEY).claims) == sum(len(batch.places) for batch in batches)
        taken += [place for batch in batches for place in batch.places.values()]
        endings = [ended(batch) for batch in batches]
    assert sorted(taken) == list(range(1, 51))
    assert states(teams()) == ["SENT"] * 50


def test_what_has_ended_and_what_is_taken_next_is_one_commit(teams: Teams) -> None:
    """It is what a job on a slow disk waits for."""
    journal = teams()
    plan(journal, people(4))
    batches, _ = journal.advance(KEY, [], 2)
    db: Any = journal._db
    real, commits = db.writing, list[str]()

    @contextmanager
    def writing(consequence: str, **options: Any) -> Iterator[None]:
        commits.append(consequence)
        with real(consequence, **options):
            yield

    db.writing = writing
    journal.advance(KEY, [ended(batch) for batch in batches], 2)
    assert len(commits) == 1
    assert states(teams()) == ["SENT", "SENT", "IN_FLIGHT", "IN_FLIGHT"]
    assert teams().check() == ()


def test_what_was_taken_in_several_steps_can_end_in_any_order(teams: Teams) -> None:
    """Each is this journal's own until it has ended."""
    journal = teams()
    plan(journal, people(3))
    batches = [journal.advance(KEY, [], 1)[0][0] for _ in range(3)]
    for batch in reversed(batches):
        assert journal.advance(KEY, [ended(batch)], 0) == ([], [])
    assert states(teams()) == ["SENT"] * 3


def test_states_are_counted_whether_or_not_they_may_be_claimed(teams: Teams) -> None:
    """A refusal that another try may cure is REFUSED as one that stays."""
    journal = teams()
    plan(journal, people(3))
    one, two, three = journal.advance(KEY, [], 3)[0]
    endings = [
        ended(one, Outcome.REFUSED, STOPPED),
        ended(two, Outcome.REFUSED, STALE),
        ended(three, Outcome.REFUSED, STOPPED),
    ]
    journal.advance(KEY, endings, 0)
    standing = teams().standing(KEY)
    assert (standing.counts, standing.pending) == ({State.REFUSED: 3}, 1)


def test_all_that_a_vendor_said_is_kept(teams: Teams) -> None:
    """Of each message; of an answer that was not understood what it looked like."""
    journal = teams()
    plan(journal, people(2), batch_size=2)
    (batch,), _ = journal.advance(KEY, [], 1)
    one, two = (Submission(to, Outcome.SENT, f"id-{place}", 2) for to, place in batch.places.items())
    journal.advance(KEY, [Ending({1: one, 2: two._replace(outcome=Outcome.UNKNOWN)}, "HTTP 200\x1b")], 0)
    first, second = teams().show(KEY)
    assert (first.submission, second.submission.outcome) == (one, Outcome.UNKNOWN)
    assert (second.message.provider, second.message.account) == ("lightsms", "demo")
    assert second.message.evidence == "HTTP 200\\x1b"


def test_what_the_vendor_had_no_time_for_is_taken_again(teams: Teams) -> None:
    """By the same process, as another attempt; what else was not sent waits for whoever takes the job up."""
    journal = teams()
    plan(journal, people(4))
    batches, _ = journal.advance(KEY, [], 4)
    reasons = [(Outcome.REFUSED, BUSY), (Outcome.REFUSED, STALE), (Outcome.NOT_SENT, None), (Outcome.REFUSED, STOPPED)]
    again, _ = journal.advance(
        KEY, [ended(*pair) for pair in zip(batches, *zip(*reasons, strict=True), strict=True)], 0
    )
    assert again == []
    assert places(journal.advance(KEY, [], 4)[0]) == [[1]]
    assert [entry.message.attempt for entry in teams().show(KEY)] == [2, 1, 1, 1]
    other = teams()
    assert other.join(KEY, "demo").pending == 2
    assert places(other.advance(KEY, [], 4)[0]) == [[2], [3]]


# --- together ---------------------------------------------------------------------------------------------------------


def test_what_is_taken_up_again_takes_each_message_once(teams: Teams) -> None:
    """What the vendor had no time for meanwhile is found by looking through the list, and not once more."""
    journal = teams()
    messages = people(1)
    plan(journal, messages)
    batches, _ = journal.advance(KEY, [], 1)
    plan(journal, messages)
    assert journal.advance(KEY, [ended(batches[0], Outcome.REFUSED, BUSY)], 0) == ([], [])
    assert places(journal.advance(KEY, [], 2)[0]) == [[1]]


def test_two_owners_in_one_process_take_each_message_once(teams: Teams) -> None:
    """In turn."""
    one, other = teams(), teams()
    plan(one, people(9), batch_size=2)
    other.join(KEY, "demo", batch_size=3)
    taken = [journal.advance(KEY, [], 1)[0] for journal in (one, other, one, other, one)]
    everything = [place for batches in taken for batch in places(batches) for place in batch]
    assert Counter(everything) == Counter(range(1, 10))
    assert one.advance(KEY, [], 1) == other.advance(KEY, [], 1) == ([], [])
    assert len({entry.message.owner for entry in one.show(KEY)}) == 2


LONG = people(300, "a", "b")


def share(place: Place, everybody: Any, size: int) -> list[int]:
    """Take what nobody else has until nothing is left; return the places. Each has some before any goes on."""
    taken: list[int] = []
    with TeamJournal(place, now=lambda: NOON) as journal:
        journal.join(KEY, "demo", batch_size=size)
        endings: list[Ending] = []
        batches, _ = journal.advance(KEY, [], 1)
        everybody.wait(60)
        while batches:
            taken += [place for batch in batches for place in batch.places.values()]
            endings = [ended(batch) for batch in batches]
            batches, others = journal.advance(KEY, endings, 2)
            assert others == []
    return taken


def each_was_sent_once(place: Place, shares: list[list[int]]) -> None:
    """Hold that every message was taken by exactly one, in one attempt."""
    assert Counter(place for share in shares for place in share) == Counter(range(1, len(LONG) + 1))
    assert all(shares)
    with TeamJournal(place, now=lambda: NOON) as journal:
        assert {(e.state, e.message.attempt, e.earlier) for e in journal.show(KEY)} == {(State.SENT, 1, ())}
        assert journal.check() == ()


def test_threads_with_a_journal_each_take_each_message_once(place: Place, teams: Teams) -> None:
    """Batches of different sizes."""
    plan(teams(), LONG)
    shares: list[list[int]] = []
    everybody = threading.Barrier(3)
    workers = [threading.Thread(target=lambda n=n: shares.append(share(place, everybody, n))) for n in (1, 2, 5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    each_was_sent_once(place, shares)


def test_processes_take_each_message_once(place: Place) -> None:
    """Four, from the same moment."""
    with TeamJournal(place, now=lambda: NOON) as journal:
        plan(journal, LONG)
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    everybody = context.Barrier(4)
    workers = [
        context.Process(target=lambda n=n: results.put(share(place, everybody, n)), daemon=True) for n in (1, 2, 3, 5)
    ]
    for worker in workers:
        worker.start()
    shares = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    each_was_sent_once(place, shares)


def test_what_a_killed_process_had_in_flight_is_unknown_and_taken_by_nobody(place: Place) -> None:
    """The rest is taken by who joins."""
    with TeamJournal(place, now=lambda: NOON) as journal:
        plan(journal, people(5))

    def die() -> None:
        journal = TeamJournal(place, now=lambda: NOON)
        journal.join(KEY, "demo", batch_size=2)
        journal.advance(KEY, [], 1)
        os.kill(os.getpid(), signal.SIGKILL)

    worker = multiprocessing.get_context("fork").Process(target=die)
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while True:  # a server learns of it a moment later
        with TeamJournal(place, now=lambda: NOON) as journal:
            standing = journal.join(KEY, "demo", batch_size=9)
            if State.IN_FLIGHT not in standing.counts or time.monotonic() > deadline:
                assert places(journal.advance(KEY, [], 9)[0]) == [[3, 4, 5]]
                assert states(journal) == ["UNKNOWN", "UNKNOWN", "IN_FLIGHT", "IN_FLIGHT", "IN_FLIGHT"]
                return


def test_who_was_there_before_learns_of_the_dead_when_it_joins(teams: Teams) -> None:
    """Nobody else has looked since."""
    one, other = teams(), teams()
    plan(one, people(2))
    one.advance(KEY, [], 1)
    one.close()
    assert other.join(KEY, "demo").counts == {State.UNKNOWN: 1, State.NOT_SENT: 1}


def test_who_joins_again_keeps_what_it_has_in_flight(teams: Teams) -> None:
    """It can still say how that ended."""
    journal = teams()
    plan(journal, people(2))
    (batch,), _ = journal.advance(KEY, [], 1)
    journal.join(KEY, "demo")
    assert journal.advance(KEY, [ended(batch)], 0) == ([], [])
    assert states(journal) == ["SENT", "NOT_SENT"]


def test_a_key_that_is_not_there_cannot_be_joined(teams: Teams) -> None:
    """Nor asked how it stands."""
    with pytest.raises(InputError, match="the journal knows no key"):
        teams().join("nobody's", "demo")
    with pytest.raises(InputError, match="the journal knows no key"):
        teams().standing("nobody's")


def test_the_key_of_a_send_that_is_on_its_way_cannot_be_joined(teams: Teams) -> None:
    """It has the job to itself."""
    sender, journal = teams(), teams()
    sender.begin(job())
    with pytest.raises(ConflictError, match="being sent by another process right now"):
        journal.join("backup", "demo")


def test_a_list_cannot_be_planned_over_a_send_that_is_on_its_way(teams: Teams) -> None:
    """Of the same content, under the same key."""
    sender, content = teams(), listed(people(2))
    numbers = tuple((to, text) for _, to, text in people(2))
    sender.begin(Job(KEY, "lightsms", "demo", "work", "Shop", numbers, content.fingerprint))
    with pytest.raises(ConflictError, match="being sent by another process right now"):
        plan(teams(), people(2))


def test_the_job_of_a_content_that_was_begun_last_is_known(teams: Teams) -> None:
    """Whatever was planned in between; of what was never planned there is none."""
    journal = teams()
    for key in ("first", "second"):
        plan(journal, people(2), key)
    plan(journal, people(3), "other")
    latest = journal.latest(listed(people(2)).fingerprint)
    assert latest is not None
    assert (latest.key, latest.pending) == ("second", 2)
    assert journal.latest(listed(people(1)).fingerprint) is None


@pytest.mark.parametrize(("seconds", "repeated"), [(60.0, KEY), (61.0, None)])
def test_a_list_counts_as_sent_from_when_a_batch_was_taken(place: Place, seconds: float, repeated: str | None) -> None:
    """Not from when it was planned or that ended, and by the clock that nobody sets, whatever the other one says."""
    at, numbers = 0.0, tuple((to, text) for _, to, text in people(2))
    with TeamJournal(place, now=lambda: NOON + 9 * at, boot=lambda: Boot("this", at)) as journal:
        plan(journal, people(2))
        at = 10.0
        (batch,), _ = journal.advance(KEY, [], 1)
        at = 40.0
        journal.advance(KEY, [ended(batch)], 0)
        at = 10.0 + seconds
        same = Job("again", "lightsms", "demo", "work", "Shop", numbers, listed(people(2)).fingerprint)
        assert journal.begin(same, once=60.0).repeated_from == repeated


def test_what_is_unknown_is_taken_once_more_only_where_that_is_asked_for(teams: Teams) -> None:
    """It counts as pending then; what becomes unknown later does not, and a failure proves nothing about before."""
    journal = teams()
    plan(journal, people(4))
    assert teams().join(KEY, "demo", resends_unknown=True).pending == 4
    batches, _ = journal.advance(KEY, [], 3)
    journal.advance(KEY, [ended(one, Outcome.UNKNOWN) for one in batches[:2]] + [ended(batches[2])], 0)
    assert teams(1).join(KEY, "demo").pending == 1
    again = teams()  # in the same second
    standing = again.join(KEY, "demo", resends_unknown=True)
    assert (standing.pending, standing.counts[State.UNKNOWN]) == (3, 2)
    batches, _ = again.advance(KEY, [], 9)
    assert places(batches) == [[1], [2], [4]]
    refused = ended(batches[0], Outcome.REFUSED, STOPPED)
    again.advance(KEY, [refused, ended(batches[1]), ended(batches[2], Outcome.UNKNOWN)], 0)
    assert states(again) == ["UNKNOWN", "SENT", "SENT", "UNKNOWN"]
    doubtful = again.show(KEY)[0].submission.reason
    assert doubtful is not None
    assert doubtful.text == "an earlier attempt may have arrived; the last one: the number is on the stop list"
    assert places(again.advance(KEY, [], 9)[0]) == []


def test_who_had_joined_takes_nothing_from_a_send_that_came_later(teams: Teams) -> None:
    """As long as that one is at it."""
    journal, sender = teams(), teams()
    sender.begin(job(store_text=True), together=True)
    journal.join("backup", "demo")
    sender.begin(job(store_text=True))
    with pytest.raises(ConflictError, match="being sent by another process right now"):
        journal.advance("backup", [], 1)
    sender.close()
    assert len(journal.advance("backup", [], 1)[0]) == 1


def test_what_a_plain_send_has_left_has_no_text_to_be_sent(teams: Teams) -> None:
    """Nothing is taken of it."""
    journal = teams()
    journal.begin(job(), together=True)
    journal.join("backup", "demo")
    with pytest.raises(ConflictError, match="the texts of key 'backup' are not in the journal"):
        journal.advance("backup", [], 1)
    assert states(teams(), "backup") == ["NOT_SENT"] * 3


def test_a_plain_send_under_the_key_of_a_list_is_refused(teams: Teams) -> None:
    """It is other content, whatever stands in it."""
    plan(teams(), people(1))
    with pytest.raises(ConflictError, match="was used for other content"):
        teams().begin(job(KEY, to=[people(1)[0][1]], text="hi"))


def test_a_job_that_was_begun_alone_is_not_taken_by_the_batch(teams: Teams) -> None:
    """Its recipients are claimed by number."""
    journal = teams()
    journal.begin(job())
    with pytest.raises(ConfigError, match="begun to be sent alone"):
        journal.advance("backup", [], 1)


def test_a_person_decides_nothing_while_a_batch_is_in_flight(teams: Teams) -> None:
    """Also of what another process left."""
    dead, journal = teams(), teams()
    plan(dead, people(2))
    dead.advance(KEY, [], 1)
    dead.close()
    journal.join(KEY, "demo")
    (batch,), _ = journal.advance(KEY, [], 1)
    with pytest.raises(ConflictError, match="being sent by another process"):
        teams().resolve(KEY, sent=True)
    journal.advance(KEY, [ended(batch)], 0)
    assert [entry.message.position for entry in teams().resolve(KEY, sent=True)] == [1]


def test_a_job_with_a_batch_in_flight_is_not_forgotten(teams: Teams) -> None:
    """However long it takes."""
    journal = teams()
    plan(journal, people(2))
    journal.advance(KEY, [], 1)
    assert teams(at=9e6).purge(1) == 0


def test_nothing_is_taken_of_a_job_that_was_forgotten_and_planned_anew(teams: Teams) -> None:
    """Its texts may be other texts."""
    journal = teams()
    plan(journal, people(2))
    assert teams(at=9).purge(1) == 2
    plan(teams(at=9), people(2, "ho"))
    with pytest.raises(ConfigError, match="was forgotten meanwhile"):
        journal.advance(KEY, [], 1)
    assert states(teams()) == ["NOT_SENT"] * 2


# --- texts ------------------------------------------------------------------------------------------------------------


def texts(journal: TeamJournal) -> list[str | None]:
    """Return the texts that are in the journal."""
    return [entry.message.text for entry in journal.show(KEY)]


@pytest.mark.parametrize("by", ["advance", "finish"])
@pytest.mark.parametrize(
    ("outcome", "reason", "is_kept"),
    [
        (Outcome.SENT, None, False),
        (Outcome.REFUSED, STOPPED, False),
        (Outcome.REFUSED, STALE, True),
        (Outcome.REFUSED, BUSY, True),
        (Outcome.NOT_SENT, None, True),
        (Outcome.UNKNOWN, None, True),
    ],
)
def test_a_text_is_kept_only_as_long_as_it_may_have_to_be_sent(
    teams: Teams, outcome: Outcome, reason: Reason | None, is_kept: bool, by: str
) -> None:
    """Waiting, in flight, unknown; its length and digest stay in any case."""
    journal = teams()
    plan(journal, people(2, "a", "canary"))
    (batch,), _ = journal.advance(KEY, [], 1)
    assert texts(teams()) == ["canary", "a"]
    ending = ended(batch, outcome, reason)
    _ = journal.advance(KEY, [ending], 0) if by == "advance" else journal.finish(KEY, [ending])
    assert texts(teams()) == ["canary" if is_kept else None, "a"]
    assert {entry.message.text_length for entry in teams().show(KEY)} == {6, 1}
    assert teams().check() == ()


def test_a_text_stays_where_the_profile_says_so(teams: Teams) -> None:
    """Whoever ends it."""
    one, other = teams(), teams()
    plan(one, people(3), store_text=True)
    other.join(KEY, "demo", store_text=True)
    for journal in (one, other):
        (batch,), _ = journal.advance(KEY, [], 1)
        journal.advance(KEY, [ended(batch)], 0)
    one.advance(KEY, [], 1)
    one.close()
    teams().resolve(KEY, sent=True)
    assert texts(teams()) == ["hi"] * 3


def test_a_text_that_somebody_who_joined_has_sent_goes(teams: Teams) -> None:
    """Unless he says otherwise, whatever was said by who planned it."""
    one, other = teams(), teams()
    plan(one, people(2), store_text=True)
    other.join(KEY, "demo")
    (batch,), _ = other.advance(KEY, [], 1)
    other.advance(KEY, [ended(batch)], 0)
    assert texts(teams()) == [None, "hi"]


@pytest.mark.parametrize(("sent", "text"), [(True, None), (False, "hi")])
def test_a_text_goes_when_a_person_says_that_it_was_sent(teams: Teams, sent: bool, text: str | None) -> None:
    """Of a job whose other texts have gone; what was not sent may have to be."""
    journal = teams()
    plan(journal, people(2))
    first, second = journal.advance(KEY, [], 2)[0]
    journal.advance(KEY, [ended(first), ended(second, Outcome.UNKNOWN)], 0)
    teams().resolve(KEY, sent=sent)
    assert texts(teams()) == [None, text]


# --- what is said late, and connections that are lost -----------------------------------------------------------------


def buried(teams: Teams, count: int = 1) -> tuple[TeamJournal, _team.Batch]:
    """Return a journal with a batch in flight that another one, to whom it looked dead, has made UNKNOWN."""
    journal = teams()
    plan(journal, people(count), batch_size=count)
    (batch,), _ = journal.advance(KEY, [], 1)
    assert journal._owner is not None
    journal._db.release(journal._owner)
    assert teams().standing(KEY).counts == {State.UNKNOWN: count}
    return journal, batch


@pytest.mark.parametrize("by", ["advance", "finish"])
def test_an_outcome_that_comes_late_corrects_unknown_in_a_team(teams: Teams, by: str) -> None:
    """It is the same attempt."""
    journal, batch = buried(teams)
    others = journal.advance(KEY, [ended(batch)], 0)[1] if by == "advance" else journal.finish(KEY, [ended(batch)])
    assert others == []
    assert states(teams()) == ["SENT"]


@pytest.mark.parametrize("by", ["advance", "finish"])
def test_what_a_person_decided_on_meanwhile_is_told_and_stays(teams: Teams, by: str) -> None:
    """The rest of the batch is recorded."""
    journal, batch = buried(teams, 3)
    teams().resolve(KEY, sent=True, to=people(1)[0][1])
    ending = ended(batch, Outcome.REFUSED, STOPPED)
    others = journal.advance(KEY, [ending], 0)[1] if by == "advance" else journal.finish(KEY, [ending])
    assert [(entry.message.position, entry.state) for entry in others] == [(1, State.SENT)]
    assert states(teams()) == ["SENT", "REFUSED", "REFUSED"]


def test_another_try_of_a_batch_is_confirmed_while_it_is_in_flight(teams: Teams) -> None:
    """And not once it was taken for dead."""
    journal = teams()
    plan(journal, people(3), batch_size=2)
    journal.advance(KEY, [], 1)
    journal.confirm_places(KEY, [1, 2])
    with pytest.raises(ConflictError):
        journal.confirm_places(KEY, [1, 3])
    assert journal._owner is not None
    journal._db.release(journal._owner)
    teams()
    with pytest.raises(ConflictError, match="by another process"):
        journal.confirm_places(KEY, [1, 2])


def test_a_confirmation_that_was_lost_keeps_nobody_from_the_job(teams: Teams) -> None:
    """Whoever had joined goes on with what nobody has taken."""
    journal, other = teams(), teams()
    plan(journal, people(2))
    other.join(KEY, "demo")
    journal.advance(KEY, [], 1)
    lose(journal, 1, committed=True)
    with pytest.raises(LostError):
        journal.confirm_places(KEY, [1])
    assert places(other.advance(KEY, [], 1)[0]) == [[2]]


@pytest.mark.parametrize("committed", [True, False])
def test_after_a_lost_connection_what_was_taken_is_given_back_and_what_ended_can_be_recorded(
    teams: Teams, committed: bool
) -> None:
    """Nothing was sent of the former, and nothing is said twice of the latter."""
    journal = teams()
    plan(journal, people(4))
    batches, _ = journal.advance(KEY, [], 2)
    endings = [ended(batch) for batch in batches]
    lose(journal, 1, committed=committed)
    with pytest.raises(LostError):
        journal.advance(KEY, endings, 2)
    assert states(teams())[2:] == ["NOT_SENT", "NOT_SENT"]
    assert journal.finish(KEY, endings) == []
    assert states(teams()) == ["SENT", "SENT", "NOT_SENT", "NOT_SENT"]
    assert places(journal.advance(KEY, [], 9)[0]) == [[3], [4]]
    assert teams().check() == ()


def test_what_cannot_be_given_back_is_unknown(teams: Teams) -> None:
    """Needless, but safe."""
    journal = teams()
    plan(journal, people(2))
    lose(journal, 5, committed=True, later=False)
    with pytest.raises(LostError):
        journal.advance(KEY, [], 1)
    journal.close()
    assert states(teams()) == ["UNKNOWN", "NOT_SENT"]


def test_what_was_not_taken_because_of_an_error_is_taken_next_time(teams: Teams) -> None:
    """Also what had been looked at."""
    journal = teams()
    plan(journal, people(3), batch_size=2)
    db: Any = journal._db
    real = db.execute_many

    def full(*_: object) -> int:
        db.execute_many = real
        raise ConfigError("the disk is full")

    db.execute_many = full
    with pytest.raises(ConfigError, match="the disk is full"):
        journal.advance(KEY, [], 1)
    assert states(teams()) == ["NOT_SENT"] * 3
    assert places(journal.advance(KEY, [], 2)[0]) == [[1, 2], [3]]

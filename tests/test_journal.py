"""The journal: at most one claim, every recipient accounted for, and never a guess, whatever store keeps it.

``servers/test_journal_on_postgres.py`` runs all of this once more.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from smscli.errors import Cause, ConfigError, ConflictError, InputError
from smscli.journal import (
    MAX_EVIDENCE,
    Boot,
    Hints,
    Job,
    Journal,
    NoJournal,
    Selection,
    State,
    Twin,
    fingerprint,
)
from smscli.model import MSISDN, Money, Outcome, Reason, Submission
from tests.jobs import ALL, ANNA, BERTA, CARLA, NOON, PLACE, STALE, STOPPED, Place, ended, job, outcomes, words

# --- the way of one send ----------------------------------------------------------------------------------------------


def test_a_new_job_is_wholly_not_sent(opened: Callable[..., Journal]) -> None:
    """Before any claim, NOT_SENT is what is true, and every recipient may be claimed."""
    found = opened().begin(job())
    assert outcomes(found.submissions) == ["NOT_SENT"] * 3
    assert found.pending == ALL
    assert not found.replayed
    assert (found.key, found.since) == ("backup", NOON)
    assert (found.repeated_from, found.doubted, found.twin) == (None, False, None)


def test_a_receipt_is_replayed_with_everything_the_vendor_said(place: Place) -> None:
    """The same key and content give the stored receipt, in the order asked for, and nothing is pending."""
    told = (
        Submission(ANNA, Outcome.SENT, "4071", 2, Money(Decimal("0.050"), "EUR")),
        Submission(BERTA, Outcome.REFUSED, reason=STOPPED),
        Submission(CARLA, Outcome.SENT, "4072", None, Money(Decimal("1.10"))),
    )
    with Journal(place, now=lambda: NOON) as journal:
        journal.begin(job())
        journal.claim("backup", ALL)
        journal.settle("backup", told)
    with Journal(place, now=lambda: NOON + 5) as journal:
        found = journal.begin(job()._replace(messages=tuple(reversed(job().messages))))
    assert found.replayed
    assert not found.doubted
    assert found.submissions == tuple(reversed(told))
    assert found.since == NOON


def test_the_same_key_for_other_content_is_a_conflict(opened: Callable[..., Journal]) -> None:
    """A key stands for one content, whatever became of it."""
    opened().begin(job())
    with pytest.raises(ConflictError, match="'backup' was used for other content on 2030-03-17"):
        opened().begin(job(text="all well"))


def test_the_time_in_a_conflict_is_that_of_no_zone(
    opened: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is UTC, as it says, wherever the program runs."""
    monkeypatch.setenv("TZ", "XYZ-9")
    time.tzset()
    try:
        opened().begin(job())
        with pytest.raises(ConflictError, match=r"on 2030-03-17 17:46:40 UTC"):
            opened().begin(job(text="all well"))
    finally:
        monkeypatch.undo()
        time.tzset()


def test_what_is_held_elsewhere_is_a_conflict_until_it_is_let_go(opened: Callable[..., Journal], place: Place) -> None:
    """Two journals of one process respect each other as two processes do."""
    with Journal(place, now=lambda: NOON) as first:
        first.begin(job())
        with pytest.raises(ConflictError, match="being sent by another process"):
            opened().begin(job())
        opened().begin(job("another key"))
        with pytest.raises(ConflictError, match="being sent by another process"):
            opened().begin(job())
    assert opened().begin(job()).pending == ALL


def test_proved_not_sent_may_be_claimed_again_and_attempts_are_counted(opened: Callable[..., Journal]) -> None:
    """NOT_SENT gives the claim back, with its reason kept until the next one."""
    journal = opened()
    journal.begin(job())
    unreachable = Reason("connection refused", Cause.UNREACHABLE)
    for attempt in (1, 2):
        journal.claim("backup", ALL)
        journal.settle("backup", ended(Outcome.NOT_SENT, *ALL, reason=unreachable))
        assert {(e.message.attempt, e.submission.reason) for e in journal.show("backup")} == {(attempt, unreachable)}
    journal.claim("backup", [ANNA])
    journal.settle("backup", ended(Outcome.SENT, ANNA))
    assert [(e.state, e.message.attempt) for e in journal.show("backup")] == [
        ("SENT", 3),
        ("NOT_SENT", 2),
        ("NOT_SENT", 2),
    ]


def test_a_refusal_documented_as_unprocessed_may_be_claimed_again(opened: Callable[..., Journal]) -> None:
    """A stale timestamp was not processed; any other refusal is final."""
    journal = opened()
    journal.begin(job())
    journal.claim("backup", ALL)
    journal.settle("backup", ended(Outcome.REFUSED, ANNA, reason=STALE))
    journal.settle("backup", ended(Outcome.REFUSED, BERTA, CARLA, reason=STOPPED))
    journal.claim("backup", [ANNA])
    with pytest.raises(ConflictError, match="already REFUSED"):
        journal.claim("backup", [BERTA])


@pytest.mark.parametrize("outcome", ["SENT", "REFUSED", "UNKNOWN", "IN_FLIGHT"])
def test_no_recipient_is_claimed_twice(opened: Callable[..., Journal], outcome: str) -> None:
    """A claim that names one recipient too many claims nobody."""
    journal = opened()
    journal.begin(job())
    journal.claim("backup", [BERTA])
    if outcome != "IN_FLIGHT":
        journal.settle("backup", ended(Outcome(outcome), BERTA))
    with pytest.raises(ConflictError, match=rf"{BERTA.digits} is already {outcome}"):
        journal.claim("backup", ALL)
    assert [e.state for e in journal.show("backup")] == ["NOT_SENT", outcome, "NOT_SENT"]


def test_only_what_is_in_flight_can_be_settled(opened: Callable[..., Journal]) -> None:
    """An outcome is written once: a second word about a recipient changes nothing."""
    journal = opened()
    journal.begin(job())
    with pytest.raises(ConfigError, match="NOT_SENT, not in flight"):
        journal.settle("backup", ended(Outcome.SENT, ANNA))
    journal.claim("backup", [ANNA])
    journal.settle("backup", ended(Outcome.SENT, ANNA))
    with pytest.raises(ConfigError, match="SENT, not in flight"):
        journal.settle("backup", ended(Outcome.NOT_SENT, ANNA))
    assert journal.show("backup")[0].state is State.SENT


def test_what_was_claimed_in_several_steps_can_end_in_any_order(opened: Callable[..., Journal]) -> None:
    """A claim lasts until its own outcome."""
    journal = opened()
    journal.begin(job())
    for number in (ANNA, BERTA):
        journal.claim("backup", [number])
    for number in (BERTA, ANNA):
        journal.settle("backup", ended(Outcome.SENT, number))
    assert [entry.state for entry in journal.show("backup")] == ["SENT", "SENT", "NOT_SENT"]


def test_a_job_that_was_not_begun_here_cannot_be_claimed(opened: Callable[..., Journal]) -> None:
    """Claiming takes the job's lock, not only its key."""
    opened().begin(job())
    with pytest.raises(ConfigError, match="not begun"):
        opened().claim("backup", ALL)
    journal = opened()
    journal.begin(job("other", to=[ANNA]))
    with pytest.raises(ConfigError, match="no recipient"):
        journal.claim("other", [BERTA])


def test_a_job_cut_short_is_resumed_where_it_stood(place: Place) -> None:
    """SENT stays sent, what was in flight is UNKNOWN with a reason, and only the rest is pending."""
    with Journal(place, now=lambda: NOON) as journal:
        journal.begin(job())
        journal.claim("backup", [ANNA])
        journal.settle("backup", ended(Outcome.SENT, ANNA))
        journal.claim("backup", [BERTA])
    with Journal(place, now=lambda: NOON, hints=Hints(decide="ask the vendor")) as journal:
        found = journal.begin(job())
    assert outcomes(found.submissions) == ["SENT", "UNKNOWN", "NOT_SENT"]
    assert found.pending == (CARLA,)
    reason = found.submissions[1].reason
    assert reason is not None
    assert reason.cause is Cause.UNKNOWN
    assert reason.hint == "ask the vendor"


@pytest.mark.parametrize("key", ["", "a\nb", "\x1b[2J", "k" * 256, "\ud800", "\u202ekey"])
def test_a_key_is_visible_text_of_bounded_length(opened: Callable[..., Journal], key: str) -> None:
    """What cannot be shown and typed again is no key."""
    with pytest.raises(InputError, match="cannot be a key"):
        opened().begin(job(key))


def test_the_longest_key_is_one(opened: Callable[..., Journal]) -> None:
    """The bound is the last length that is taken."""
    assert opened().begin(job("k" * 255)).pending == ALL


def test_without_a_journal_everything_is_new() -> None:
    """The stand-in has the same shape and remembers nothing."""
    nothing = NoJournal()
    for _ in range(2):
        begun = nothing.begin(job(), once=60, passes_on=False)
        assert (begun.pending, begun.since, begun.replayed) == (ALL, 0.0, False)
        nothing.claim("backup", ALL)
        nothing.settle("backup", ended(Outcome.SENT, *ALL))
    nothing.close()


# --- the same content under another key -------------------------------------------------------------------------------


def test_once_gives_the_stored_state_instead_of_a_second_send(opened: Callable[..., Journal], place: Place) -> None:
    """An alert storm: another key, the same content, within the time: nothing is inserted, the receipt is the first."""
    first = opened()
    first.begin(job("alert-1"))
    first.claim("alert-1", ALL)
    with pytest.raises(ConflictError, match="'alert-1' is being sent"):
        opened(at=5).begin(job("alert-2"), once=60)
    first.settle("alert-1", ended(Outcome.SENT, *ALL))
    first.close()
    with Journal(place, now=lambda: NOON + 60) as journal:
        found = journal.begin(job("alert-3"), once=60)
    assert (found.key, found.repeated_from, found.since, found.twin) == ("alert-1", "alert-1", NOON, None)
    assert found.replayed
    assert outcomes(found.submissions) == ["SENT"] * 3
    assert {entry.key for entry in opened().stream()} == {"alert-1"}
    later = opened(at=61).begin(job("alert-4"), once=60)
    assert (later.key, later.repeated_from, later.pending) == ("alert-4", None, ALL)


def test_once_finds_what_is_about_to_be_sent(opened: Callable[..., Journal]) -> None:
    """By a living process that has claimed nothing yet: one of two alerts of the same second goes out."""
    opened().begin(job("alert-1"))
    with pytest.raises(ConflictError, match="'alert-1' is being sent"):
        opened().begin(job("alert-2"), once=60)


def test_of_what_is_over_everybody_gets_the_receipt(opened: Callable[..., Journal]) -> None:
    """Also at the same moment, and while the process that sent it has not left: nothing is being sent any more."""
    sender, *readers = (opened() for _ in range(3))
    sender.begin(job())
    sender.claim("backup", ALL)
    sender.settle("backup", ended(Outcome.SENT, *ALL))
    assert [outcomes(reader.begin(job()).submissions) for reader in readers] == [["SENT"] * 3] * 2


def test_once_looks_past_what_was_proved_not_sent(opened: Callable[..., Journal]) -> None:
    """A storm must not be silenced by an alert that never left."""
    first = opened()
    first.begin(job("alert-1"))
    first.claim("alert-1", ALL)
    first.settle("alert-1", ended(Outcome.NOT_SENT, *ALL))
    first.close()
    assert opened().begin(job("alert-2"), once=60).repeated_from is None


@pytest.mark.parametrize("other", [job("b", text="disk fulL"), job("b", to=[ANNA])])
def test_once_compares_the_whole_content(opened: Callable[..., Journal], other: Job) -> None:
    """One letter or one recipient more is another message."""
    first = opened()
    first.begin(job("a"))
    first.claim("a", ALL)
    assert opened().begin(other, once=60).repeated_from is None


def test_the_same_content_within_ten_minutes_is_worth_a_notice(opened: Callable[..., Journal]) -> None:
    """Without ``once`` it is sent, but the caller can say that it was sent a moment ago."""
    first = opened()
    first.begin(job("a"))
    first.claim("a", ALL)
    assert opened(at=600).begin(job("b")).twin == Twin("a", NOON, unknown=False)
    first.settle("a", ended(Outcome.UNKNOWN, *ALL))
    first.close()
    assert opened(at=600).begin(job("c")).twin == Twin("b", NOON + 600, unknown=False), "b is held right now"
    assert opened(at=601).begin(job("d", text="else")).twin is None


@pytest.mark.parametrize(
    ("step", "slept", "repeated"),
    [
        (-7200, 5, True),
        (7200, 5, True),
        (-7200, 3700, False),
        (7200, 3700, False),
        (NOON * -0.9, 5, True),
        (-7200, 3600, True),
        (0, 0, True),
        (0, -1, True),
    ],
    ids=[
        "back", "ahead", "back, later", "ahead, later", "to 1970", "back, just within", "at once",
        "another machine's clock",
    ],
)  # fmt: skip
def test_once_is_not_fooled_by_a_clock_that_is_set(place: Place, step: float, slept: float, repeated: bool) -> None:
    """Within one run of the machine the time that has passed is told by the clock that nobody sets."""
    with Journal(place, now=lambda: NOON, boot=lambda: Boot("this", 100.0)) as journal:
        journal.begin(job("first"))
        journal.claim("first", ALL)
        journal.settle("first", ended(Outcome.SENT, *ALL))
    with Journal(place, now=lambda: NOON + slept + step, boot=lambda: Boot("this", 100.0 + slept)) as journal:
        begun = journal.begin(job("second"), once=3600)
        assert bool(begun.repeated_from) is repeated
        assert begun.doubted is (slept < 0), "what is told exactly is not in doubt"


@pytest.mark.parametrize(
    ("then", "now", "repeated", "doubted"),
    [
        (NOON, NOON + 3601, False, False),
        (NOON, NOON + 3600, True, False),
        (NOON, NOON, True, False),
        (NOON, NOON - 7200, True, True),
        (60.0, NOON, True, True),
        (1_704_067_200.0, NOON, True, True),
        (NOON, 60.0, True, True),
    ],
    ids=["later", "within", "at once", "the past", "begun in 1970", "begun as 2024 began", "now in 1970"],
)
@pytest.mark.parametrize("boot", [None, "another"])
def test_once_errs_on_the_side_of_not_sending_after_a_restart(
    place: Place, then: float, now: float, repeated: bool, doubted: bool, boot: str | None
) -> None:
    """The wall clock alone is believed, unless what it says is impossible."""
    with Journal(place, now=lambda: then, boot=lambda: Boot("one", 9.0)) as journal:
        journal.begin(job("first"))
        journal.claim("first", ALL)
        journal.settle("first", ended(Outcome.SENT, *ALL))
    with Journal(place, now=lambda: now, boot=lambda: Boot(boot, 5.0) if boot else None) as journal:
        begun = journal.begin(job("second"), once=3600)
    assert (bool(begun.repeated_from), begun.doubted) == (repeated, doubted)


def test_once_does_not_trust_a_clock_that_the_journal_has_seen_ahead(place: Place) -> None:
    """Another job is younger than the clock says it is now: so the hour that has passed may not have."""
    for key, text, moment in (("first", "disk full", NOON), ("other", "else", NOON + 9000)):
        with Journal(place, now=lambda moment=moment: moment) as journal:  # type: ignore[misc]  # bound at once
            journal.begin(job(key, text=text))
            journal.claim(key, ALL)
            journal.settle(key, ended(Outcome.SENT, *ALL))
    with Journal(place, now=lambda: NOON + 4000) as journal:
        assert journal.begin(job("second"), once=3600).doubted


@pytest.mark.parametrize(("behind", "doubted"), [(7200.0, True), (5.1, True), (5.0, False)])
def test_once_does_not_trust_a_claim_by_a_clock_that_was_behind(place: Place, behind: float, doubted: bool) -> None:
    """The journal had seen a later time before: another host's, or this one's before it started without a clock."""
    for key, text, moment in (("first", "else", NOON), ("second", "disk full", NOON - behind)):
        with Journal(place, now=lambda moment=moment: moment) as journal:  # type: ignore[misc]  # bound at once
            journal.begin(job(key, text=text))
            journal.claim(key, ALL)
            journal.settle(key, ended(Outcome.SENT, *ALL))
    with Journal(place, now=lambda: NOON + 60) as journal:
        again = journal.begin(job("third"), once=3600)
    assert (again.repeated_from, again.doubted) == ("second", doubted)


@pytest.mark.parametrize(("back", "repeated", "doubted"), [(5.1, "a", True), (5.0, None, False)])
def test_once_does_not_trust_a_claim_that_is_older_than_its_job(
    opened: Callable[..., Journal], back: float, repeated: str | None, doubted: bool
) -> None:
    """The clock went back in between, further than hosts differ: by it nobody can tell how long ago that was."""
    opened().begin(job("a"), together=True)
    with opened(at=-back) as journal:
        journal.begin(job("a"), together=True)
        journal.claim("a", ALL)
        journal.settle("a", ended(Outcome.SENT, *ALL))
    found = opened(at=3600).begin(job("b"), once=60)
    assert (found.repeated_from, found.doubted) == (repeated, doubted)


def test_an_unknown_twin_is_named_whatever_its_age(place: Place) -> None:
    """Outside the window it is sent again, and whoever sends it knows that the first may have arrived."""
    with Journal(place, now=lambda: NOON) as journal:
        journal.begin(job("first"))
        journal.claim("first", ALL)
    with Journal(place, now=lambda: NOON + 86400) as journal:
        begun = journal.begin(job("second"), once=3600)
    assert (begun.pending, begun.twin) == (ALL, Twin("first", NOON, unknown=True))


def test_the_fingerprint_is_the_content_and_nothing_else() -> None:
    """Order and repetition of recipients do not count; everything that changes the message does."""

    def content(**changed: object) -> str:
        base: dict[str, object] = {
            "provider": "lightsms",
            "base_url": "https://a/",
            "account_id": "me",
            "sender": "A",
            "text": "hi",
        }
        return fingerprint(**{**base, "recipients": [ANNA, BERTA], **changed})  # type: ignore[arg-type]  # one at a time

    assert content() == content(recipients=[BERTA, ANNA, ANNA])
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    changes: list[dict[str, object]] = [
        {"provider": "mainsms"}, {"base_url": "https://b/"}, {"account_id": "you"}, {"sender": None}, {"text": "hi "},
        {"recipients": [ANNA]},
        {"send_at": noon}, {"send_at": noon.replace(minute=1)}, {"test": True}, {"sender": "AB", "text": "i"},
    ]  # fmt: skip
    assert len({content(), *(content(**changed) for changed in changes)}) == len(changes) + 1


def test_the_fingerprint_of_a_content_never_changes() -> None:
    """A journal outlives releases: with another fingerprint every key of it would be a conflict.

    Computed by ``printf %s '["lightsms", … , "", "disk full", ["37061234567", "37061234568"], null, false]' | openssl
    sha256``.
    """
    content = fingerprint(
        provider="lightsms",
        base_url="https://www.lightsms.com/",
        account_id="demo",
        sender=None,
        text="disk full",
        recipients=[BERTA, ANNA],
    )
    assert content == "2829b988d677d1ff486cfe71bcde1e1b234828a1e6fba6346f51894bd014ff21"


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_text_is_kept_as_length_and_hash_unless_asked(opened: Callable[..., Journal]) -> None:
    """In clear only for the job that asked for it."""
    journal = opened()
    journal.begin(job("quiet", text="canary-4711"))
    (entry, *_) = journal.show("quiet")
    # by: printf canary-4711 | openssl dgst -sha256
    digest = "fcb3964ba880e950970f401750817e6b35448bc5ed3a4c06ca67c743f36b5aa6"
    assert (entry.message.text, entry.message.text_length, entry.message.text_sha256) == (None, 11, digest)
    journal.begin(job("open", text="canary-4711 ünïcode\nline", store_text=True))
    assert journal.show("open")[0].message.text == "canary-4711 ünïcode\nline"


def test_an_attempt_changes_nothing_of_the_text(opened: Callable[..., Journal]) -> None:
    """Claimed and settled, it is kept as it was."""
    journal = opened()
    journal.begin(job(text="canary-4711", store_text=True))
    before = [(e.message.text, e.message.text_length, e.message.text_sha256) for e in journal.show("backup")]
    journal.claim("backup", ALL)
    journal.settle("backup", ended(Outcome.SENT, *ALL))
    assert [(e.message.text, e.message.text_length, e.message.text_sha256) for e in journal.show("backup")] == before
    assert before[0][0] == "canary-4711"


def test_evidence_is_bounded_and_nothing_hostile_is_kept(opened: Callable[..., Journal]) -> None:
    """4 KiB of it, cut between characters; control characters are escaped even if the caller forgot."""
    journal = opened()
    journal.begin(job())
    journal.claim("backup", ALL)
    hostile = Reason("no\x1b[2J \ud800", Cause.UNKNOWN, code="\n1", hint="\u202ehint")
    told = Submission(ANNA, Outcome.UNKNOWN, "\x07id", reason=hostile)
    journal.settle("backup", [told], "HTTP 200: \udcff" + "ж" * 5000)
    entry = journal.show("backup")[0]
    assert entry.message.evidence is not None
    assert len(entry.message.evidence.encode()) == MAX_EVIDENCE - 1, "half a letter more would fit"
    assert entry.message.evidence.endswith("ж")
    assert entry.submission.message_id == "\\x07id"
    assert entry.submission.reason == Reason("no\\x1b[2J \\ud800", Cause.UNKNOWN, "\\n1", "\\u202ehint")


# --- what a person asks -----------------------------------------------------------------------------------------------


def test_a_new_journal_is_known_as_one(opened: Callable[..., Journal]) -> None:
    """Whoever lost or moved theirs must be able to learn it; the next one is not new any more."""
    assert opened().is_new
    assert not opened().is_new


@pytest.fixture
def mixed(opened: Callable[..., Journal]) -> Callable[..., Journal]:
    """Return the opener of a journal with every state: two jobs ended, one partly unknown."""
    journal = opened()
    for key, outcome in (("done", Outcome.SENT), ("no", Outcome.REFUSED), ("lost", Outcome.UNKNOWN)):
        journal.begin(job(key, text=key))
        journal.claim(key, [ANNA, BERTA])
        journal.settle(key, [*ended(outcome, ANNA), *ended(Outcome.SENT, BERTA)], "HTTP 502, 0 bytes: ")
    journal.close()
    return opened


def test_entries_are_filtered_by_state_and_time(mixed: Callable[..., Journal]) -> None:
    """Both filters hold together; no filter shows all."""
    journal = mixed()
    assert len(tuple(journal.stream())) == 9
    assert [(e.key, e.submission.to) for e in journal.stream(Selection((State.REFUSED,)))] == [("no", ANNA)]
    assert len(list(journal.stream(Selection((State.UNKNOWN, State.NOT_SENT))))) == 4
    assert list(journal.stream(Selection(since=NOON + 1))) == []
    assert len(list(journal.stream(Selection((State.SENT,), since=NOON)))) == 4


def test_a_selection_of_nothing_is_empty(mixed: Callable[..., Journal]) -> None:
    """Neither a listing nor a count stumbles where no job is wanted."""
    for nobody in (Selection(profile="other"), Selection(to=CARLA, since=NOON + 1), Selection((State.IN_FLIGHT,))):
        assert list(mixed().stream(nobody)) == list(mixed().stream(nobody, newest_first=True)) == []
        assert sum(mixed().counts(nobody).values()) == 0


def test_an_unknown_key_is_bad_input(mixed: Callable[..., Journal]) -> None:
    """Showing or resolving what is not there says where to look."""
    with pytest.raises(InputError, match="knows no key 'nope'"):
        mixed().show("nope")
    with pytest.raises(InputError, match="knows no key 'nope'"):
        mixed().resolve("nope", sent=True)
    for key in ("\udcff", "\udfff"):  # the first as an argument that is no UTF-8 arrives
        with pytest.raises(InputError, match=rf"knows no key .*{ascii(key)[3:-1]}"):
            mixed().show(key)


@pytest.mark.parametrize(
    ("sent", "state", "cause", "pending"),
    [(True, "SENT", None, (CARLA,)), (False, "NOT_SENT", "unreachable", (ANNA, CARLA))],
)
def test_a_person_closes_what_is_unknown(
    mixed: Callable[..., Journal], sent: bool, state: str, cause: str | None, pending: tuple[MSISDN, ...]
) -> None:
    """Only what is UNKNOWN changes; not sent may then be sent again, sent may not."""
    (resolved,) = mixed(at=7).resolve("lost", sent=sent)
    assert (resolved.submission.to, resolved.state, resolved.message.resolved) == (ANNA, state, NOON + 7)
    assert resolved.message.cause == cause
    assert mixed().check() == ()
    assert mixed().begin(job("lost", text="lost")).pending == pending
    with pytest.raises(InputError, match=r"nothing is unknown under key 'done'$"):
        mixed().resolve("done", sent=sent)


def test_resolving_can_name_one_recipient(opened: Callable[..., Journal]) -> None:
    """The others stay UNKNOWN."""
    first = opened()
    first.begin(job())
    first.claim("backup", ALL)
    with pytest.raises(ConflictError, match="being sent"):
        opened().resolve("backup", sent=True)
    first.close()
    opened().resolve("backup", sent=True, to=BERTA)
    with pytest.raises(InputError, match=rf"nothing is unknown .* for \+{BERTA.digits}"):
        opened().resolve("backup", sent=True, to=BERTA)
    assert outcomes(opened().begin(job()).submissions) == ["UNKNOWN", "SENT", "UNKNOWN"]


def test_an_outcome_has_the_time_at_which_it_came(place: Place) -> None:
    """Not that of its claim: a listing since a moment must show what has changed since."""
    times = [NOON]
    with Journal(place, now=lambda: times[-1]) as journal:
        journal.begin(job())
        journal.claim("backup", ALL)
        times.append(NOON + 60)
        journal.settle("backup", ended(Outcome.SENT, ANNA))
        assert [entry.submission.to for entry in journal.stream(Selection(since=NOON + 60))] == [ANNA]


def test_purge_forgets_whole_ended_jobs_only(mixed: Callable[..., Journal]) -> None:
    """UNKNOWN never goes, nor what is young, nor what a living process holds; a forgotten key is free again."""
    holder = mixed()
    holder.begin(job("no", text="no"))
    assert mixed(at=10).purge(10) == 0
    assert mixed(at=10).purge(5) == 3
    assert {entry.key for entry in mixed().stream()} == {"no", "lost"}
    holder.close()
    assert mixed(at=1e9).purge(0) == 3
    assert {entry.key for entry in mixed().stream()} == {"lost"}
    assert mixed().begin(job("done", text="other")).pending == ALL


def test_purge_forgets_only_what_it_has_looked_at(opened: Callable[..., Journal]) -> None:
    """Not a job that has taken its number meanwhile, after another purge, however old a clock calls that one."""
    first, purging = opened(), opened(at=10)
    first.begin(job("old"))
    first.close()
    writing = purging._db.writing

    def after_another_purge(consequence: str) -> AbstractContextManager[None]:
        assert opened(at=10).purge(5) == 3
        another = opened()
        another.begin(job("new", text="all well"))
        another.close()
        return writing(consequence)

    purging._db.writing = after_another_purge  # type: ignore[assignment, method-assign]  # between two of its steps
    assert purging.purge(5) == 0
    assert [entry.key for entry in opened().stream()] == ["new"] * 3


def test_a_sound_journal_has_no_problems(mixed: Callable[..., Journal]) -> None:
    """Every state passes the check, and so does a message of a vendor's test mode, which has no id."""
    journal = mixed()
    journal.begin(job("test"))
    journal.claim("test", [ANNA])
    journal.settle("test", [Submission(ANNA, Outcome.SENT)])
    assert journal.check() == ()


# --- other processes --------------------------------------------------------------------------------------------------

HOLDER = f"""{PLACE}
journal = Journal(place, now=time.time)
to = (MSISDN("37061234567"), MSISDN("37061234568"))
journal.begin(Job("backup", "lightsms", "", "", "", tuple((n, "hi") for n in to), "f" * 64))
journal.claim("backup", to[:1])
print("claimed", flush=True)
time.sleep(60)
"""


def test_kill_9_frees_the_job_and_what_was_in_flight_is_unknown(place: Place) -> None:
    """The kernel frees the lock of a dead process at once; while it lives, however slow, the job is its own."""
    wanted = Job("backup", "lightsms", "", "", "", ((ANNA, "hi"), (BERTA, "hi")), "f" * 64)
    with subprocess.Popen([sys.executable, "-c", HOLDER, *words(place)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "claimed\n"
        with Journal(place, now=lambda: NOON) as journal:
            with pytest.raises(ConflictError, match="being sent by another process"):
                journal.begin(wanted)
            assert [e.state for e in journal.stream()] == ["IN_FLIGHT", "NOT_SENT"]
        holder.kill()
    with Journal(place, now=lambda: NOON) as journal:
        assert [e.state for e in journal.stream()] == ["UNKNOWN", "NOT_SENT"]
        assert journal.begin(wanted).pending == (BERTA,)


def race(place: Place, oracle: Path, barrier: object, rounds: int, results: object) -> None:
    """Send one key each round, as a command would, from the same moment as everybody else."""
    seen = []
    for number in range(rounds):
        barrier.wait()  # type: ignore[attr-defined]  # multiprocessing's own types are not importable
        key = f"round-{number}"
        try:
            with Journal(place, now=lambda: NOON) as journal:
                found = journal.begin(job(key, to=[ANNA], text=key))
                if found.pending:
                    journal.claim(key, found.pending)
                    with oracle.open("a") as accepted:
                        accepted.write(f"{key}\n")
                    journal.settle(key, ended(Outcome.SENT, ANNA))
                seen.append("won" if found.pending else "replayed")
        except ConflictError:
            seen.append("conflict")
        except Exception as error:  # noqa: BLE001  (any other end is what this looks for)
            seen.append(repr(error))
    results.put(seen)  # type: ignore[attr-defined]  # as above


def test_of_many_processes_on_a_new_key_exactly_one_sends(place: Place, tmp_path: Path) -> None:
    """Everybody else gets the receipt or a conflict, and nobody a locked database; the store is begun in the race."""
    processes, rounds = 8, 10
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(processes), context.Queue()
    oracle = tmp_path / "oracle"
    racers = [
        context.Process(target=race, args=(place, oracle, barrier, rounds, results), daemon=True)
        for _ in range(processes)
    ]
    for racer in racers:
        racer.start()
    seen = [results.get(timeout=60) for _ in racers]
    for racer in racers:
        racer.join()
    assert oracle.read_text().splitlines() == [f"round-{number}" for number in range(rounds)]
    for ends in zip(*seen, strict=True):
        assert sorted(set(ends)) in (["won"], ["conflict", "won"], ["replayed", "won"], ["conflict", "replayed", "won"])
        assert ends.count("won") == 1


# --- all of a large job ----------------------------------------------------------------------------------------------


def large(size: int) -> Job:
    """Return a job of so many recipients."""
    return job("large", to=[MSISDN(str(37060000000 + number)) for number in range(size)])


@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 2000, 2345])
def test_the_entries_of_a_job_are_all_there_in_order(opened: Callable[..., Journal], size: int) -> None:
    """Each once, at whatever size a page ends."""
    journal = opened()
    journal.begin(large(size))
    journal.begin(job("small"))
    entries = list(journal.entries("large"))
    assert [entry.message.position for entry in entries] == list(range(size))
    assert [entry.submission.to for entry in entries] == list(large(size).recipients)
    assert {entry.key for entry in entries} == {"large"}
    assert list(journal.entries("small")) == list(journal.show("small"))


def test_the_entries_of_a_key_that_nobody_knows_are_refused_at_once(opened: Callable[..., Journal]) -> None:
    """Before the first is asked for, and with the place to look."""
    with pytest.raises(InputError, match="knows no key 'nothing'"):
        opened().entries("nothing")


def test_a_job_can_be_written_to_while_its_entries_are_read(opened: Callable[..., Journal]) -> None:
    """No page holds the store, and what comes later may show what changed."""
    reader, writer, numbers = opened(), opened(), large(1500).recipients
    writer.begin(large(1500))
    entries = reader.entries("large")
    next(entries)
    writer.claim("large", numbers[-1:])
    writer.settle("large", ended(Outcome.SENT, *numbers[-1:]))
    assert [entry.state for entry in entries][-1] == State.SENT


def test_a_job_that_is_forgotten_while_its_entries_are_read_is_an_error(opened: Callable[..., Journal]) -> None:
    """Half a job is never taken for a whole one, also when another has its number by now."""
    reader, other = opened(), opened(9)
    with opened() as sender:
        sender.begin(large(1500))
    entries = reader.entries("large")
    next(entries)
    assert other.purge(5.0) == 1500
    other.begin(Job("next", "lightsms", "demo", "work", "Alert", large(1400).messages, "next"))
    with pytest.raises(ConfigError, match="key 'large' was forgotten meanwhile"):
        list(entries)


@pytest.mark.parametrize("size", [3, 1500])
@pytest.mark.parametrize(
    "change",
    ["UPDATE message SET updated = 7 WHERE position = 2", "DELETE FROM message WHERE position = 1"],
    ids=["a row that was changed", "a row that is missing"],
)
def test_damage_ends_the_entries_of_a_job(opened: Callable[..., Journal], size: int, change: str) -> None:
    """Whoever reads them gets an error, not a shorter job."""
    journal = opened()
    journal.begin(large(size))
    with journal._db.writing(""):
        journal._db.execute(change)
    with pytest.raises(ConfigError, match="is damaged"):
        list(journal.entries("large"))


@pytest.mark.parametrize("size", [5, 3500])
def test_only_what_was_in_flight_is_read_when_its_sender_has_died(opened: Callable[..., Journal], size: int) -> None:
    """The rest of a job may be a million messages: damage there is met by whoever asks for it."""
    numbers = large(size).recipients
    with opened() as sender:
        sender.begin(large(size))
        sender.claim("large", numbers[1:3])
        sender.settle("large", ended(Outcome.SENT, numbers[1]))
        with sender._db.writing(""):
            sender._db.execute("UPDATE message SET updated = 7 WHERE position = 4")
    journal = opened()
    assert journal.counts() == {"SENT": 1, "UNKNOWN": 1, "NOT_SENT": size - 2}
    entries = journal.entries("large")
    assert [next(entries).state for _ in range(4)] == [State.NOT_SENT, State.SENT, State.UNKNOWN, State.NOT_SENT]
    with pytest.raises(ConfigError, match="is damaged"):
        list(journal.stream())


def test_a_large_job_is_checked_and_purged_like_a_small_one(opened: Callable[..., Journal]) -> None:
    """What is unknown at its ends keeps it whole, and what its witness says is held against all of it."""
    numbers = large(3500).recipients
    ends = (numbers[0], numbers[-1])
    with opened() as sender:
        sender.begin(large(3500))
        sender.claim("large", numbers)
        sender.settle("large", ended(Outcome.SENT, *numbers[1:-1]))
    later = opened(9)
    assert later.check() == ()
    assert later.purge(5.0) == 0
    later.resolve("large", sent=False)
    with opened(99) as again:
        again.begin(large(3500))
        again.claim("large", ends)
        again.settle("large", ended(Outcome.SENT, *ends))
        assert again.check() == ()
    last = opened(199)
    assert [entry.state for entry in last.stream()] == [State.SENT] * 3500
    with last._db.writing(""):
        last._db.execute("DELETE FROM attempt")
    (problem,) = last.check()
    assert problem == "key 'large': the journal is damaged: an attempt of it is missing"
    assert last.purge(5.0) == 3500
    assert last.check() == ()

"""The journal: at most one claim, every recipient accounted for, and never a guess, on real files and processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sqlite3  # noqa: TID253  (to damage journals behind their back)
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from smscli.cli.hints import journal_hints
from smscli.errors import Cause, ConfigError, ConflictError, ExitCode, InputError, SmscliError
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
    begin_anew,
    fingerprint,
)
from smscli.journal._sqlite import SqliteDatabase
from smscli.model import MSISDN, Money, Outcome, Reason, Submission

ANNA, BERTA, CARLA = MSISDN("37061234567"), MSISDN("37061234568"), MSISDN("905321000000")
ALL = (ANNA, BERTA, CARLA)
NOON = 1_900_000_000.0
STALE = Reason("the timestamp is stale", Cause.STALE, code="6")
STOPPED = Reason("the number is on the stop list", Cause.REFUSED, code="19", hint="ask its owner")


def job(key: str = "backup", *, to: Sequence[MSISDN] = ALL, text: str = "disk full", store_text: bool = False) -> Job:
    """Return a job whose fingerprint follows from its content."""
    content = fingerprint(
        provider="lightsms",
        base_url="https://www.lightsms.com/",
        account_id="demo",
        sender="Alert",
        text=text,
        recipients=to,
    )
    return Job(key, "lightsms", "demo", "work", "Alert", tuple((n, text) for n in to), content, store_text)


def ended(outcome: Outcome, *to: MSISDN, reason: Reason | None = None) -> list[Submission]:
    """Return one submission for each number, SENT ones with an id."""
    sent = outcome is Outcome.SENT
    return [Submission(n, outcome, message_id=f"id-{n.digits}" if sent else None, reason=reason) for n in to]


def connection(journal: Journal) -> sqlite3.Connection:
    """Return the connection to the file of a journal."""
    assert isinstance(journal._db, SqliteDatabase)
    return journal._db._db


def outcomes(submissions: Sequence[Submission]) -> list[str]:
    """Return the outcomes alone."""
    return [str(submission.outcome) for submission in submissions]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal is not yet."""
    return tmp_path / "state" / "journal.sqlite3"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[..., Journal]]:
    """Return an opener of journals on the same file, closed in the end; ``at`` is seconds after noon."""
    with ExitStack() as stack:
        yield lambda at=0.0: stack.enter_context(Journal(path, now=lambda: NOON + at))


# --- the way of one send ----------------------------------------------------------------------------------------------


def test_a_new_job_is_wholly_not_sent(opened: Callable[..., Journal]) -> None:
    """Before any claim, NOT_SENT is what is true, and every recipient may be claimed."""
    found = opened().begin(job())
    assert outcomes(found.submissions) == ["NOT_SENT"] * 3
    assert found.pending == ALL
    assert not found.replayed
    assert (found.key, found.since) == ("backup", NOON)
    assert (found.repeated_from, found.doubted, found.twin) == (None, False, None)


def test_a_receipt_is_replayed_with_everything_the_vendor_said(path: Path) -> None:
    """The same key and content give the stored receipt, in the order asked for, and nothing is pending."""
    told = (
        Submission(ANNA, Outcome.SENT, "4071", 2, Money(Decimal("0.050"), "EUR")),
        Submission(BERTA, Outcome.REFUSED, reason=STOPPED),
        Submission(CARLA, Outcome.SENT, "4072", None, Money(Decimal("1.10"))),
    )
    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job())
        journal.claim("backup", ALL)
        journal.settle("backup", told)
    with Journal(path, now=lambda: NOON + 5) as journal:
        found = journal.begin(replace(job(), messages=tuple(reversed(job().messages))))
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


def test_what_is_held_elsewhere_is_a_conflict_until_it_is_let_go(opened: Callable[..., Journal], path: Path) -> None:
    """Two journals of one process respect each other as two processes do."""
    with Journal(path, now=lambda: NOON) as first:
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


def test_a_job_that_was_not_begun_here_cannot_be_claimed(opened: Callable[..., Journal]) -> None:
    """Claiming takes the job's lock, not only its key."""
    opened().begin(job())
    with pytest.raises(ConfigError, match="not begun"):
        opened().claim("backup", ALL)
    journal = opened()
    journal.begin(job("other", to=[ANNA]))
    with pytest.raises(ConfigError, match="no recipient"):
        journal.claim("other", [BERTA])


def test_a_job_cut_short_is_resumed_where_it_stood(path: Path) -> None:
    """SENT stays sent, what was in flight is UNKNOWN with a reason, and only the rest is pending."""
    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job())
        journal.claim("backup", [ANNA])
        journal.settle("backup", ended(Outcome.SENT, ANNA))
        journal.claim("backup", [BERTA])
    with Journal(path, now=lambda: NOON, hints=Hints(decide="ask the vendor")) as journal:
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
        assert nothing.begin(job(), once=60).pending == ALL
        nothing.claim("backup", ALL)
        nothing.settle("backup", ended(Outcome.SENT, *ALL))
    nothing.close()


# --- the same content under another key -------------------------------------------------------------------------------


def test_once_gives_the_stored_state_instead_of_a_second_send(opened: Callable[..., Journal], path: Path) -> None:
    """An alert storm: another key, the same content, within the time: nothing is inserted, the receipt is the first."""
    first = opened()
    first.begin(job("alert-1"))
    first.claim("alert-1", ALL)
    first.settle("alert-1", ended(Outcome.SENT, *ALL))
    with pytest.raises(ConflictError, match="'alert-1' is being sent"):
        opened(at=5).begin(job("alert-2"), once=60)
    first.close()
    with Journal(path, now=lambda: NOON + 60) as journal:
        found = journal.begin(job("alert-3"), once=60)
    assert (found.key, found.repeated_from, found.since, found.twin) == ("alert-1", "alert-1", NOON, None)
    assert found.replayed
    assert outcomes(found.submissions) == ["SENT"] * 3
    assert {entry.key for entry in opened().stream()} == {"alert-1"}
    later = opened(at=61).begin(job("alert-4"), once=60)
    assert (later.key, later.repeated_from, later.pending) == ("alert-4", None, ALL)


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
def test_once_is_not_fooled_by_a_clock_that_is_set(path: Path, step: float, slept: float, repeated: bool) -> None:
    """Within one run of the machine the time that has passed is told by the clock that nobody sets."""
    with Journal(path, now=lambda: NOON, boot=lambda: Boot("this", 100.0)) as journal:
        journal.begin(job("first"))
        journal.claim("first", ALL)
        journal.settle("first", ended(Outcome.SENT, *ALL))
    with Journal(path, now=lambda: NOON + slept + step, boot=lambda: Boot("this", 100.0 + slept)) as journal:
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
        (NOON, 60.0, True, True),
    ],
    ids=["later", "within", "at once", "the past", "begun in 1970", "now in 1970"],
)
@pytest.mark.parametrize("boot", [None, "another"])
def test_once_errs_on_the_side_of_not_sending_after_a_restart(
    path: Path, then: float, now: float, repeated: bool, doubted: bool, boot: str | None
) -> None:
    """The wall clock alone is believed, unless what it says is impossible."""
    with Journal(path, now=lambda: then, boot=lambda: Boot("one", 9.0)) as journal:
        journal.begin(job("first"))
        journal.claim("first", ALL)
        journal.settle("first", ended(Outcome.SENT, *ALL))
    with Journal(path, now=lambda: now, boot=lambda: Boot(boot, 5.0) if boot else None) as journal:
        begun = journal.begin(job("second"), once=3600)
    assert (bool(begun.repeated_from), begun.doubted) == (repeated, doubted)


def test_once_does_not_trust_a_clock_that_the_journal_has_seen_ahead(path: Path) -> None:
    """Another job is younger than the clock says it is now: so the hour that has passed may not have."""
    for key, text, moment in (("first", "disk full", NOON), ("other", "else", NOON + 9000)):
        with Journal(path, now=lambda moment=moment: moment) as journal:  # type: ignore[misc]  # bound at once
            journal.begin(job(key, text=text))
            journal.claim(key, ALL)
            journal.settle(key, ended(Outcome.SENT, *ALL))
    with Journal(path, now=lambda: NOON + 4000) as journal:
        assert journal.begin(job("second"), once=3600).doubted


def test_an_unknown_twin_is_named_whatever_its_age(path: Path) -> None:
    """Outside the window it is sent again, and whoever sends it knows that the first may have arrived."""
    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job("first"))
        journal.claim("first", ALL)
    with Journal(path, now=lambda: NOON + 86400) as journal:
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


def test_text_is_kept_as_length_and_hash_unless_asked(opened: Callable[..., Journal], path: Path) -> None:
    """The canary is in the file only for the job that asked for it."""
    journal = opened()
    journal.begin(job("quiet", text="canary-4711"))
    (entry, *_) = journal.show("quiet")
    # by: printf canary-4711 | openssl dgst -sha256
    digest = "fcb3964ba880e950970f401750817e6b35448bc5ed3a4c06ca67c743f36b5aa6"
    assert (entry.message.text, entry.message.text_length, entry.message.text_sha256) == (None, 11, digest)
    assert b"canary-4711" not in path.read_bytes()
    journal.begin(job("open", text="canary-4711 ünïcode\nline", store_text=True))
    assert journal.show("open")[0].message.text == "canary-4711 ünïcode\nline"


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


def test_purged_numbers_are_gone_from_the_file(opened: Callable[..., Journal], path: Path) -> None:
    """Forgetting is for privacy: the bytes are overwritten, not only unlinked."""
    journal = opened()
    journal.begin(job("old", text="canary-4711", store_text=True))
    journal.claim("old", ALL)
    journal.settle("old", ended(Outcome.SENT, *ALL))
    journal.close()
    assert ANNA.digits.encode() in path.read_bytes()
    assert opened(at=100).purge(99) == 3
    left = path.read_bytes()
    assert ANNA.digits.encode() not in left
    assert b"canary-4711" not in left


def test_a_commit_survives_a_power_cut(opened: Callable[..., Journal]) -> None:
    """No test pulls the plug; these settings are what SQLite's promise hangs on (synchronous 3 is EXTRA)."""
    wanted = {"synchronous": 3, "fullfsync": 1, "journal_mode": "delete", "secure_delete": 1}
    db = connection(opened())
    assert {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted


# --- what a person asks -----------------------------------------------------------------------------------------------


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


def test_an_unknown_key_is_bad_input(mixed: Callable[..., Journal]) -> None:
    """Showing or resolving what is not there says where to look."""
    with pytest.raises(InputError, match="knows no key 'nope'"):
        mixed().show("nope")
    with pytest.raises(InputError, match="knows no key 'nope'"):
        mixed().resolve("nope", sent=True)
    with pytest.raises(InputError, match=r"knows no key .*udcff"):  # as an argument that is no UTF-8 arrives
        mixed().show("\udcff")


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


def test_an_outcome_has_the_time_at_which_it_came(path: Path) -> None:
    """Not that of its claim: a listing since a moment must show what has changed since."""
    times = [NOON]
    with Journal(path, now=lambda: times[-1]) as journal:
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


def test_a_sound_journal_has_no_problems(mixed: Callable[..., Journal]) -> None:
    """Every state passes the check, and so does a message of a vendor's test mode, which has no id."""
    journal = mixed()
    journal.begin(job("test"))
    journal.claim("test", [ANNA])
    journal.settle("test", [Submission(ANNA, Outcome.SENT)])
    assert journal.check() == ()


def test_statistics_of_an_administrator_do_no_harm(mixed: Callable[..., Journal], path: Path) -> None:
    """ANALYZE leaves a table of SQLite's own in the file."""
    mixed().close()
    with sqlite3.connect(path) as db:
        db.execute("ANALYZE")
    db.close()
    assert mixed().check() == ()


# --- beside other processes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "recorded"), [(20.0, True), (0.0, False)])
def test_an_outcome_waits_for_a_reader_as_long_as_it_is_given(
    opened: Callable[..., Journal], path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, recorded: bool
) -> None:
    """A long reader keeps a commit waiting: longer than usual, where the caller has the time."""
    monkeypatch.setattr("smscli.journal._store._SETTLE_SECONDS", 0.1)  # rather than a test of ten seconds
    journal = opened()
    journal.begin(job())
    journal.claim("backup", ALL)
    reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM message").fetchone()
    done = threading.Timer(1, reader.rollback)
    done.start()
    with nullcontext() if recorded else pytest.raises(ConfigError, match=r"busy.*counts as unknown from now on"):
        journal.settle("backup", ended(Outcome.SENT, *ALL), seconds=seconds)
    done.join()
    reader.close()
    assert {entry.state for entry in opened().stream()} == {State.SENT if recorded else State.IN_FLIGHT}


def test_reading_never_holds_the_write_lock_nor_the_file_for_long(opened: Callable[..., Journal]) -> None:
    """A listing of many jobs is many short reads; between any two of them, and beside each, a send can begin."""
    journal, other = opened(), opened()
    for number in range(450):
        journal.begin(job(f"key-{number}", to=[ANNA]))
    statements: list[str] = []
    reader = opened()
    connection(reader).set_trace_callback(statements.append)
    assert len(tuple(reader.stream())) == 450
    begun = [statement for statement in statements if statement.startswith("BEGIN")]
    assert set(begun) == {"BEGIN DEFERRED"}
    assert len(begun) > 2
    with reader._db.reading():
        reader._db.execute("SELECT count(*) FROM job").fetchone()
        other._db.execute("BEGIN IMMEDIATE")
        other._db.execute("ROLLBACK")


def test_purge_goes_in_steps(opened: Callable[..., Journal]) -> None:
    """No step forgets more than a page of jobs, and a send that waits gets its turn between two of them."""
    journal = opened()
    for number in range(450):
        journal.begin(job(f"key-{number}", to=[ANNA]))
    journal.close()
    purging = opened(at=100)
    statements: list[str] = []
    connection(purging).set_trace_callback(statements.append)
    assert purging.purge(10) == 450
    steps = " ".join(word.split()[0] for word in statements).split("BEGIN")
    assert max(step.count("DELETE") for step in steps) <= 6 * 120


def test_a_new_journal_is_known_as_one(opened: Callable[..., Journal], path: Path) -> None:
    """Whoever lost or moved theirs must be able to learn it; the next one is not new any more."""
    assert opened().is_new
    assert not opened().is_new
    path.unlink()
    with pytest.raises(ConfigError, match="is gone"):
        opened()
    begin_anew(path)
    assert not opened().is_new
    with pytest.raises(ConflictError, match=rf"there is a journal already: {path}$"):
        begin_anew(path)


# --- a model of it ----------------------------------------------------------------------------------------------------

KEYS, TEXTS = ("k1", "k2", "k3"), ("one", "two")


@dataclass
class Kept:
    """What the model knows of one job."""

    text: str
    created: float
    states: dict[MSISDN, str] = field(default_factory=lambda: dict.fromkeys(ALL, "NOT_SENT"))
    claimed: dict[MSISDN, float] = field(default_factory=dict)
    updated: dict[MSISDN, float] = field(default_factory=dict)
    holder: int | None = None

    def stands(self, once: float, now: float) -> bool:
        """Return whether ``once`` must find this job."""
        out = [n for n, state in self.states.items() if state != "NOT_SENT" and self.claimed[n] >= now - once]
        return self.holder is not None or bool(out)


class JournalMachine(RuleBasedStateMachine):
    """Two openers of one file against a dict, whatever they do in whatever order, closing at any point."""

    @initialize()
    def start(self) -> None:
        self.stack = ExitStack()
        # What the model knows of is the same in memory, where thousands of syncs wait for no disk.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  (a fresh directory in it)
        self.path = Path(self.stack.enter_context(tempfile.TemporaryDirectory(dir=memory))) / "journal"
        self.now = NOON
        self.jobs: dict[str, Kept] = {}
        self.open: list[Journal] = [self._opened(), self._opened()]

    def _opened(self) -> Journal:
        return Journal(self.path, now=lambda: self.now)

    def teardown(self) -> None:
        if hasattr(self, "open"):
            for journal in self.open:
                journal.close()
            self.stack.close()

    @rule(seconds=st.sampled_from([1, 30, 700]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(who=st.integers(0, 1))
    def die_and_return(self, who: int) -> None:
        for kept in self.jobs.values():
            if kept.holder == who:
                kept.holder = None
                for number, state in kept.states.items():
                    if state == "IN_FLIGHT":
                        kept.states[number] = "UNKNOWN"
                        kept.updated[number] = self.now
        self.open[who].close()
        self.open[who] = self._opened()

    @rule(
        who=st.integers(0, 1),
        key=st.sampled_from(KEYS),
        text=st.sampled_from(TEXTS),
        once=st.sampled_from([None, 60.0]),
    )
    def begin(self, who: int, key: str, text: str, once: float | None) -> None:
        kept = self.jobs.get(key)
        same = [name for name, other in self.jobs.items() if other.text == text]
        repeated = None
        if kept is None and once is not None:
            repeated = next((name for name in reversed(same) if self.jobs[name].stands(once, self.now)), None)
        target = repeated or key
        kept = self.jobs.get(target)
        if kept is not None and (kept.text != text or kept.holder is not None):
            with pytest.raises(ConflictError):
                self.open[who].begin(job(key, text=text), once=once)
            return
        found = self.open[who].begin(job(key, text=text), once=once)
        kept = self.jobs.setdefault(target, Kept(text, self.now, updated=dict.fromkeys(ALL, self.now)))
        kept.holder = who
        assert (found.key, found.repeated_from, found.since) == (target, repeated, kept.created)
        assert outcomes(found.submissions) == list(kept.states.values())
        assert found.pending == tuple(n for n, state in kept.states.items() if state == "NOT_SENT")

    @rule(who=st.integers(0, 1), key=st.sampled_from(KEYS), to=st.sets(st.sampled_from(ALL), min_size=1))
    def claim(self, who: int, key: str, to: set[MSISDN]) -> None:
        kept = self.jobs.get(key)
        if kept is None or kept.holder != who or any(kept.states[number] != "NOT_SENT" for number in to):
            with pytest.raises((ConfigError, ConflictError)):
                self.open[who].claim(key, sorted(to, key=str))
            return
        self.open[who].claim(key, sorted(to, key=str))
        for number in to:
            kept.states[number] = "IN_FLIGHT"
            kept.claimed[number] = kept.updated[number] = self.now

    @rule(who=st.integers(0, 1), key=st.sampled_from(KEYS), to=st.sets(st.sampled_from(ALL), min_size=1),
          outcome=st.sampled_from(Outcome))  # fmt: skip
    def settle(self, who: int, key: str, to: set[MSISDN], outcome: Outcome) -> None:
        kept = self.jobs.get(key)
        told = ended(outcome, *sorted(to, key=str))
        if kept is None or kept.holder != who or any(kept.states[number] != "IN_FLIGHT" for number in to):
            with pytest.raises(ConfigError):
                self.open[who].settle(key, told)
            return
        self.open[who].settle(key, told)
        for number in to:
            kept.states[number] = str(outcome)
            kept.updated[number] = self.now

    @rule(who=st.integers(0, 1), key=st.sampled_from(KEYS), sent=st.booleans())
    def resolve(self, who: int, key: str, sent: bool) -> None:
        kept = self.jobs.get(key)
        unknown = [n for n, state in kept.states.items() if state == "UNKNOWN"] if kept else []
        if kept is None or kept.holder is not None or not unknown:
            with pytest.raises((InputError, ConflictError)):
                self.open[who].resolve(key, sent=sent)
            return
        assert [e.submission.to for e in self.open[who].resolve(key, sent=sent)] == unknown
        for number in unknown:
            kept.states[number] = "SENT" if sent else "NOT_SENT"
            kept.updated[number] = self.now

    @rule(who=st.integers(0, 1), age=st.sampled_from([0.5, 100.0]))
    def purge(self, who: int, age: float) -> None:
        gone = [
            key
            for key, kept in self.jobs.items()
            if kept.holder is None
            and not {"UNKNOWN", "IN_FLIGHT"} & set(kept.states.values())
            and all(moment < self.now - age for moment in kept.updated.values())
        ]
        assert self.open[who].purge(age) == 3 * len(gone)
        for key in gone:
            del self.jobs[key]

    @invariant()
    def tells_the_truth(self) -> None:
        if not hasattr(self, "open"):
            return
        entries = tuple(self.open[0].stream())
        assert {(e.key, e.submission.to, str(e.state)) for e in entries} == {
            (key, number, state) for key, kept in self.jobs.items() for number, state in kept.states.items()
        }
        assert not self.open[1].check()


TestJournalMachine = JournalMachine.TestCase
TestJournalMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


# --- other processes --------------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from smscli.journal import Job, Journal
from smscli.model import MSISDN
journal = Journal(Path(sys.argv[1]), now=time.time)
to = (MSISDN("37061234567"), MSISDN("37061234568"))
journal.begin(Job("backup", "lightsms", "", "", "", tuple((n, "hi") for n in to), "f" * 64))
journal.claim("backup", to[:1])
print("claimed", flush=True)
time.sleep(60)
"""


def test_kill_9_frees_the_job_and_what_was_in_flight_is_unknown(path: Path) -> None:
    """The kernel frees the lock of a dead process at once; while it lives, however slow, the job is its own."""
    wanted = Job("backup", "lightsms", "", "", "", ((ANNA, "hi"), (BERTA, "hi")), "f" * 64)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "claimed\n"
        with Journal(path, now=lambda: NOON) as journal:
            with pytest.raises(ConflictError, match="being sent by another process"):
                journal.begin(wanted)
            assert [e.state for e in journal.stream()] == ["IN_FLIGHT", "NOT_SENT"]
        holder.kill()
    with Journal(path, now=lambda: NOON) as journal:
        assert [e.state for e in journal.stream()] == ["UNKNOWN", "NOT_SENT"]
        assert journal.begin(wanted).pending == (BERTA,)


def race(path: Path, oracle: Path, barrier: object, rounds: int, results: object) -> None:
    """Send one key each round, as a command would, from the same moment as everybody else."""
    seen = []
    for number in range(rounds):
        barrier.wait()  # type: ignore[attr-defined]  # multiprocessing's own types are not importable
        key = f"round-{number}"
        try:
            with Journal(path, now=lambda: NOON) as journal:
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


def test_of_many_processes_on_a_new_key_exactly_one_sends(path: Path) -> None:
    """Everybody else gets the receipt or a conflict, and nobody a locked database; the file is made in the race too."""
    processes, rounds = 8, 10
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(processes), context.Queue()
    oracle = path.parent.parent / "oracle"
    racers = [
        context.Process(target=race, args=(path, oracle, barrier, rounds, results), daemon=True)
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


# --- damage and strange places ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a journal with every state."""
    path = tmp_path_factory.mktemp("sound") / "journal"
    with Journal(path, now=lambda: NOON) as journal:
        for number, outcome in enumerate(Outcome):
            journal.begin(job(f"key-{number}", text=f"text {number}"))
            journal.claim(f"key-{number}", ALL)
            journal.settle(f"key-{number}", ended(outcome, *ALL, reason=STALE), "HTTP 200")
    return path.read_bytes()


def test_damage_is_refused_or_harmless_and_the_file_is_never_replaced(sound: bytes, path: Path) -> None:
    """200 times one byte changed or the end cut off: the truth or ConfigError, and the file stays as it was found."""
    path.parent.mkdir(mode=0o700)

    def keep(content: bytes) -> None:
        path.write_bytes(content)
        path.chmod(0o600)

    def truth() -> tuple[object, ...]:
        with Journal(path, now=lambda: NOON, hints=journal_hints(sandbox=False)) as journal:
            begun = tuple(journal.begin(job(f"key-{n}", text=f"text {n}")) for n in range(4))
            # What no send and no list has read, the check reports.
            problems = journal.check()
            if problems:
                raise ConfigError(problems[0], hint="look at each")
            return begun, tuple(journal.stream())

    keep(sound)
    expected = truth()
    chance = random.Random(20300101)  # noqa: S311  (chosen damage, the same each time)
    used = [index for index, byte in enumerate(sound) if byte]
    refused = 0
    for case in range(200):
        damaged = bytearray(sound)
        if case % 4 == 0:
            del damaged[chance.randrange(len(sound)) :]
        else:
            damaged[chance.choice(used)] ^= chance.randrange(1, 256)
        keep(bytes(damaged))
        file = path.stat().st_ino
        try:
            told = truth()
        except ConfigError as error:
            refused += 1
            told = (expected, error.hint and path.read_bytes() == damaged)
        else:
            told = (told, True)
        assert told == (expected, True), f"case {case}: another truth, a changed file or no hint"
        assert path.stat().st_ino == file
    assert refused > 100, f"only {refused} of 200 were noticed"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("PRAGMA user_version = 5", "another version of smscli"),
        ("PRAGMA application_id = 7", "is not a smscli journal"),
        ("DROP INDEX job_of_content", "damaged"),
        ("UPDATE message SET state = 'SENT' WHERE state = 'UNKNOWN'", "checksum"),
        ("DELETE FROM message WHERE state = 'UNKNOWN'", "missing"),
        ("UPDATE job SET sender = x'ff00'", "checksum"),
    ],
)
def test_a_file_changed_by_something_else_is_refused(sound: bytes, path: Path, sql: str, told: str) -> None:
    """Newer versions, foreign databases and edits behind smscli's back end in words, not in sends."""
    path.parent.mkdir(mode=0o700)
    path.write_bytes(sound)
    path.chmod(0o600)
    db = sqlite3.connect(path)
    db.execute(sql)
    db.commit()
    db.close()
    with (
        pytest.raises(ConfigError, match=told) as caught,
        Journal(path, now=lambda: NOON, hints=journal_hints(sandbox=False)) as journal,
    ):
        journal.begin(job("key-3", text="text 3"))
    assert caught.value.hint


def test_check_lists_every_broken_row_by_key(sound: bytes, path: Path) -> None:
    """The check reads all, also what a single send would never look at."""
    path.parent.mkdir(mode=0o700)
    path.write_bytes(sound)
    path.chmod(0o600)
    db = sqlite3.connect(path)
    db.execute("UPDATE message SET parts = 7 WHERE job IN (1, 3)")
    db.commit()
    db.close()
    with Journal(path, now=lambda: NOON) as journal:
        assert [line.partition(":")[0] for line in journal.check()] == ["key 'key-0'", "key 'key-2'"]


def lock(path: Path) -> Path:
    """Return the lock file beside the journal."""
    return path.with_name(f"{path.name}.lock")


def begun(path: Path) -> Path:
    """Return where the lock file of a new journal will be."""
    begin_anew(path)
    return lock(path)


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda path: path.mkdir(mode=0o700), "not a regular file"),
        (lambda path: os.mkfifo(path, 0o600), "not a regular file"),
        (lambda path: path.symlink_to("/dev/null"), "not a regular file"),
        (lambda path: path.touch(0o600), "is not a smscli journal"),
        (lambda path: (path.touch(0o600), path.write_text("key,outcome\n")), "is damaged"),
        (lambda path: (path.touch(), path.chmod(0o640)), r"can be read or changed by others \(mode 0640\)"),
        (lambda path: begun(path).mkdir(), "cannot be used: Is a directory"),
        (lambda path: begun(path).symlink_to("/dev/null"), "Too many levels of symbolic"),
        (lambda path: lock(path).touch(), "is gone, and what its keys have sent could go out again"),
        (lambda path: path.parent.chmod(0o777), r"can be changed by others \(mode 0777\)"),
        (lambda path: path.parent.chmod(0o770), r"can be changed by others \(mode 0770\)"),
        (lambda path: path.parent.chmod(0o1777), r"can be changed by others \(mode 1777\)"),
        (lambda path: (path.parent.rmdir(), path.parent.touch()), "cannot be used: "),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_trusted_is_refused(path: Path, prepare: Callable[[Path], object], told: str) -> None:
    """Each is told with what to do, and left as it is."""
    path.parent.mkdir(mode=0o700)
    prepare(path)
    with pytest.raises(ConfigError, match=told) as caught:
        Journal(path, now=lambda: NOON, hints=journal_hints(sandbox=False))
    assert caught.value.hint


def test_a_symbolic_link_to_a_journal_is_followed(path: Path, tmp_path: Path) -> None:
    """Both names are one journal with one set of locks."""
    link = tmp_path / "link"
    with Journal(path, now=lambda: NOON) as journal:
        link.symlink_to(path)
        journal.begin(job())
        with Journal(link, now=lambda: NOON) as other, pytest.raises(ConflictError):
            other.begin(job())
    assert not link.with_name("link.lock").exists()


SCRIPT = """
import json, os, resource, sys, time
from pathlib import Path
from smscli.errors import SmscliError
from smscli.journal import Job, Journal
from smscli.model import MSISDN, Outcome, Submission
path, step = Path(sys.argv[1]), sys.argv[2]
to = (MSISDN("37061234567"),)

def full(now):
    if now == step:
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, resource.RLIM_INFINITY))

try:
    full("open")
    journal = Journal(path, now=time.time)
    full("begin")
    journal.begin(Job(sys.argv[3], "lightsms", "", "", "", tuple((n, "hi") for n in to), sys.argv[3]))
    full("claim")
    journal.claim(sys.argv[3], to)
    full("settle")
    journal.settle(sys.argv[3], [Submission(to[0], Outcome.SENT, "1")])
    print(json.dumps(["ended"]))
except SmscliError as error:
    first = [type(error).__name__, error.message]
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        journal.claim(sys.argv[3], to)
        print(json.dumps([*first, "claimed after all"]))
    except NameError:
        print(json.dumps(first))
    except SmscliError as error:
        print(json.dumps([*first, error.message]))
"""


def run(path: Path, step: str = "", *, key: str = "backup", umask: int = -1) -> list[str]:
    """Run one whole send in a process of its own; return how it ended."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), step, key], capture_output=True, text=True, umask=umask, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    told: list[str] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    ("step", "consequence", "state"),
    [
        ("open", "", None),
        ("begin", "nothing was sent", None),
        ("claim", "nothing was sent to these recipients", "NOT_SENT"),
        ("settle", "counts as unknown from now on", "UNKNOWN"),
    ],
)
def test_a_disk_that_takes_no_more_ends_in_the_safe_state(
    path: Path, step: str, consequence: str, state: str | None
) -> None:
    """The write fails, the error says what follows, nothing is tried again, and a later run finds what is true."""
    if step != "open":
        assert run(path, key="earlier") == ["ended"]
    kind, message, *again = run(path, step)
    assert kind == "ConfigError"
    assert message.endswith(consequence), message
    assert step == "open" or "failed before in this run" in again[0] or "not begun" in again[0]
    with Journal(path, now=lambda: NOON) as journal:
        assert [str(entry.state) for entry in journal.stream() if entry.key == "backup"] == ([state] if state else [])
        assert journal.check() == ()
    left = {file.name for file in path.parent.iterdir()}
    assert left == {path.name, f"{path.name}.lock"}, "nothing half made stays behind"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_modes_are_explicit_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """Files 0600, directories 0700."""
    path = tmp_path / "a" / "b" / "journal"
    assert run(path, umask=umask) == ["ended"]
    found = {p.name: oct(stat.S_IMODE(p.stat().st_mode)) for p in (tmp_path / "a", *(tmp_path / "a").rglob("*"))}
    assert found == {"a": "0o700", "b": "0o700", "journal": "0o600", "journal.lock": "0o600"}


def test_what_a_process_holds_its_forked_child_does_not(path: Path) -> None:
    """The kernel gives a child none of its parent's record locks; what it believes must not be inherited either."""
    context = multiprocessing.get_context("fork")
    results, closed = context.Queue(), context.Event()

    def look() -> None:
        for _ in range(2):
            try:
                with Journal(path, now=lambda: NOON) as journal:
                    results.put(str(len(journal.begin(job()).pending)))
            except ConflictError as error:
                results.put(error.message)
            closed.wait(30)

    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job())
        child = context.Process(target=look, daemon=True)
        child.start()
        assert "being sent by another process" in results.get(timeout=30)
    closed.set()
    assert results.get(timeout=30) == "3", "the child believes that its parent still holds the job"
    child.join()


def test_a_journal_in_another_mode_is_brought_back_or_refused(path: Path) -> None:
    """What our promises hang on does not hold in WAL mode, which another program may have switched it to."""
    begin_anew(path)
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("SELECT count(*) FROM job").fetchone()
    with pytest.raises(ConfigError):
        Journal(path, now=lambda: NOON)
    other.close()
    with Journal(path, now=lambda: NOON) as journal:
        assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_new_journal_is_in_its_directory_for_good(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is synced to disk after it was given: a power cut must not take the journal with the keys it has."""
    path.parent.mkdir(mode=0o700)
    synced: list[bool] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        real(handle)
        if os.path.samestat(os.fstat(handle), path.parent.stat()):
            synced.append(path.exists())

    monkeypatch.setattr(os, "fsync", fsync)
    begin_anew(path)
    assert synced[-1:] == [True]


NOBODY = 65534


def begin_as_nobody(path: Path, key: str) -> str:
    """Begin a job in a process that modes can stop, as they never stop root; return how it ended."""

    def begin(results: object) -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        try:
            with Journal(path, now=lambda: NOON) as journal:
                journal.begin(job(key, text=key))
            told = "begun"
        except ConfigError as error:
            told = error.message
        results.put(told)  # type: ignore[attr-defined]  # multiprocessing's own types are not importable

    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=begin, args=(results,), daemon=True)
    child.start()
    told: str = results.get(timeout=30)
    child.join()
    return told


def test_read_only_places_are_refused_before_anything_is_sent() -> None:
    """A directory without write permission, with and without a journal in it, and a journal that is read-only."""
    with tempfile.TemporaryDirectory() as name:
        place, path = Path(name), Path(name) / "journal"
        if os.geteuid() == 0:
            os.chown(place, NOBODY, NOBODY)
        place.chmod(0o500)
        assert begin_as_nobody(path, "first").endswith("cannot be used: Permission denied")
        place.chmod(0o700)
        assert begin_as_nobody(path, "first") == "begun"
        place.chmod(0o500)
        assert begin_as_nobody(path, "next").endswith("(the file or its directory); nothing was sent")
        place.chmod(0o700)
        path.chmod(0o400)
        assert begin_as_nobody(path, "next").endswith("(the file or its directory); nothing was sent")
        path.chmod(0o600)
        assert begin_as_nobody(path, "next") == "begun"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user")
def test_another_users_journal_is_refused(path: Path) -> None:
    """Even root does not write into it."""
    with Journal(path, now=lambda: NOON):
        pass
    os.chown(path, NOBODY, NOBODY)
    with pytest.raises(ConfigError, match="belongs to another user"):
        Journal(path, now=lambda: NOON)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory of another user")
def test_another_users_directory_is_refused(path: Path) -> None:
    """Its owner could lay a rollback journal beside ours, and a used key would be free again."""
    path.parent.mkdir(mode=0o700)
    os.chown(path.parent, NOBODY, NOBODY)
    with pytest.raises(ConfigError, match="belongs to another user"):
        Journal(path, now=lambda: NOON)
    assert not list(path.parent.iterdir())


def test_a_journal_that_was_closed_can_be_asked_for_an_error_only(opened: Callable[..., Journal]) -> None:
    """This one comes from Python's own layer, without a code of SQLite's."""
    journal = opened()
    journal.close()
    with pytest.raises(ConfigError, match="cannot be used: Cannot operate on a closed database"):
        tuple(journal.stream())


def test_every_error_of_a_journal_is_one_of_smsclis_own(path: Path) -> None:
    """A journal deleted under a running send cannot record a claim, and says so."""
    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job())
        path.unlink()
        with pytest.raises(SmscliError) as caught:
            journal.claim("backup", ALL)
    assert caught.value.exit_code is ExitCode.CONFIG

"""A journal of many jobs: what a send touches stays little. That damage is never taken for a free key: see the rig."""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (to look into pages, and to damage them)
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import product
from math import inf
from pathlib import Path

import pytest

from smscli.errors import ConfigError
from smscli.journal import Boot, Journal, Selection, State, Twin, _archive, _tables, begin_anew, look
from smscli.journal._entries import NO_HINTS
from smscli.journal._rows import InspectionRow, JobRow, MessageRow, Row, Window, WitnessRow
from smscli.journal._tables import _lookup_rows
from smscli.model import MSISDN, Outcome
from tests.conftest import Ran
from tests.jobs import ANNA, BERTA, NOON, connection, ended, job

DAY = 86_400.0
JOBS = 2000


def lay(path: Path, jobs: int, *, moment: Callable[[int], float], same: bool = False, boot: Boot | None = None) -> None:
    """Lay a journal of so many jobs of one accepted message, of one content or each of its own, checked at noon."""
    begin_anew(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA synchronous = OFF")

        def insert(row: Row) -> None:
            db.execute(row.insertion(), row.columns())

        for number in range(1, jobs + 1):
            one, at = job(f"key-{number:04}", to=[ANNA], text="same" if same else f"text {number}"), moment(number)
            row = JobRow(number, one.key, one.fingerprint, "lightsms", "work", "Alert", at, 1)
            insert(row)
            db.executemany("INSERT INTO lookup VALUES (?, ?)", _lookup_rows(row))
            insert(WitnessRow(number, one.fingerprint).after_claim(at, boot)._replace(gone=1))
            claim = ("lightsms", "demo", None, at)
            insert(MessageRow(number, 0, 1, "SENT", at, *claim, message_id=f"id-{number:04}", recipient=ANNA.digits))
        insert(InspectionRow(1, NOON, NOON))


def lay_sound(folder: Path) -> Path:
    """Return the path of a journal of many jobs, each of a content of its own, which is sound."""
    path = folder / "journal.sqlite3"
    lay(path, JOBS, moment=lambda number: NOON - 1000 * DAY + number)
    with Journal(path, now=lambda: NOON) as journal:
        assert journal.check() == ()
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return such a journal."""
    return lay_sound(tmp_path_factory.mktemp("sound"))


# The types of b-tree pages (SQLite file format, section 1.6).
INTERIOR, LEAF = (2, 5), (10, 13)
PAGE = 4096


def pages(path: Path, name: str, kinds: tuple[int, ...]) -> list[int]:
    """Return the offsets of the pages of one table or index which are interior ones or leaves."""
    content = path.read_bytes()
    with closing(sqlite3.connect(path)) as db:
        (size,) = db.execute("PRAGMA page_size").fetchone()
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()

    def walk(number: int) -> Iterator[int]:
        offset = (number - 1) * size
        kind = content[offset]
        if kind in kinds:
            yield offset
        if kind in INTERIOR:
            cells = int.from_bytes(content[offset + 3 : offset + 5], "big")
            pointers = [offset + 12 + 2 * cell for cell in range(cells)]
            children = [offset + int.from_bytes(content[at : at + 2], "big") for at in pointers]
            for child in (*children, offset + 8):
                yield from walk(int.from_bytes(content[child : child + 4], "big"))

    return list(walk(root))


# --- the same content, a thousand times -------------------------------------------------------------------------------


def statements(journal: Journal) -> list[str]:
    """Return the list that the SQL statements of a journal go to from now on."""
    told: list[str] = []
    connection(journal).set_trace_callback(told.append)
    return told


def message_reads(told: list[str]) -> int:
    """Return how many statements read messages."""
    return sum(statement.startswith("SELECT * FROM message ") for statement in told)


HOUR = 3600.0


@pytest.mark.parametrize("older", [0, 1000])
@pytest.mark.parametrize("boot", [None, Boot("one", 9.0), Boot("this", 1.0)])
def test_a_thousand_older_jobs_of_one_content_are_not_read(path: Path, older: int, boot: Boot | None) -> None:
    """The same line said each day for years costs what its first day cost, and is sent each time."""
    lay(path, older, moment=lambda number: NOON - (older - number + 1) * DAY, same=True, boot=boot)
    with Journal(path, now=lambda: NOON, boot=lambda: Boot("this", 9e6)) as journal:
        journal.begin(job("this second", to=[ANNA], text="another"))
        told = statements(journal)
        begun = journal.begin(job("today", to=[ANNA], text="same"), once=HOUR)
        assert (begun.repeated_from, begun.twin, begun.pending) == (None, None, (ANNA,))
    assert message_reads(told) <= 1, "its own"
    assert len(told) < 120


@pytest.mark.parametrize(
    ("newest", "now", "boot", "repeated", "doubted"),
    [
        (NOON - HOUR, NOON, None, "key-1000", False),
        (NOON - HOUR - 1, NOON, None, None, False),
        (NOON + 9, NOON, None, "key-1000", True),
        (60.0, NOON, None, "key-1000", True),
        (NOON - 10 * DAY, NOON, Boot("this", 100.0), "key-1000", False),
        (NOON - 10 * DAY, NOON, Boot("this", 4000.0), None, False),
        (NOON + 9, NOON, Boot("this", 4000.0), "key-0999", True),
    ],
    ids=["within", "outside", "ahead", "1970", "set ahead", "this boot", "ahead in this boot"],
)
def test_among_a_thousand_the_one_that_counts_is_told(
    path: Path, newest: float, now: float, boot: Boot | None, repeated: str | None, doubted: bool
) -> None:
    """By either clock, in doubt too; one look at its messages is enough."""
    lay(path, 999, moment=lambda number: NOON - 400 * DAY + number, same=True)
    with Journal(path, now=lambda: newest, boot=lambda: boot and Boot(boot.id, 1.0)) as journal:
        journal.begin(job("key-1000", to=[ANNA], text="same"))
        journal.claim("key-1000", [ANNA])
        journal.settle("key-1000", ended(Outcome.SENT, ANNA))
    with Journal(path, now=lambda: now, boot=lambda: boot) as journal:
        told = statements(journal)
        begun = journal.begin(job("today", to=[ANNA], text="same"), once=HOUR)
        assert (begun.repeated_from, begun.doubted) == (repeated, doubted)
    assert message_reads(told) <= 3
    assert len(told) < 120


def test_an_open_twin_is_named_however_many_are_younger(path: Path) -> None:
    """What is UNKNOWN does not go out of sight behind a thousand that are known."""
    lay(path, 1, moment=lambda _: NOON - 900 * DAY)
    with Journal(path, now=lambda: NOON - 900 * DAY) as journal:
        journal.begin(job("lost", to=[ANNA], text="same"))
        journal.claim("lost", [ANNA])
    with Journal(path, now=lambda: NOON) as journal:
        for number in range(30):
            journal._now = lambda number=number: NOON - (30 - number) * DAY  # type: ignore[misc]  # bound at once
            key = f"day-{number}"
            journal.begin(job(key, to=[ANNA], text="same"))
            journal.claim(key, [ANNA])
            journal.settle(key, ended(Outcome.SENT, ANNA))
    with Journal(path, now=lambda: NOON) as journal:
        assert journal.begin(job("today", to=[ANNA], text="same")).twin == Twin("lost", NOON - 900 * DAY, unknown=True)
        assert journal.check() == ()
        journal.resolve("lost", sent=True)
        assert journal.check() == ()
    with Journal(path, now=lambda: NOON + HOUR) as journal:
        assert journal.begin(job("later", to=[ANNA], text="same")).twin is None


def test_a_thousand_that_never_left_are_not_read(path: Path) -> None:
    """A vendor that was down for a week leaves NOT_SENT behind, which counts for nothing."""
    lay(path, 0, moment=lambda _: NOON)
    for number in range(50):
        with Journal(path, now=lambda: NOON) as journal:
            key = f"try-{number}"
            journal.begin(job(key, to=[ANNA], text="same"), once=HOUR)
            journal.claim(key, [ANNA])
            journal.settle(key, ended(Outcome.NOT_SENT, ANNA))
    with Journal(path, now=lambda: NOON) as journal:
        told = statements(journal)
        assert journal.begin(job("today", to=[ANNA], text="same"), once=HOUR).repeated_from is None
        assert message_reads(told) <= 1


@pytest.mark.parametrize("boot", ["", "this"])
@pytest.mark.parametrize(("since", "after"), [(10.0, 20.0), (10.5, 20.5), (-inf, 0.0)])
def test_the_index_names_whom_the_rows_themselves_name(path: Path, since: float, after: float, boot: str) -> None:
    """Each is the other's proof: where one of them is damaged, a job that counts is found all the same."""
    clocks = [(None, None), *product(("this", "another"), (19.0, 20.0, 21.0))]
    states = product((None, 9.0, 10.0, 11.0, inf), clocks, (0, 1), (0, 2))
    rows = [WitnessRow(n, "f" * 64, at, *clock, gone, left) for n, (at, clock, gone, left) in enumerate(states, 1)]
    named = {row.job for row in rows if row.may_be_in(Window(since, boot, after))}
    with Journal(path, now=lambda: NOON) as journal, journal._db.writing(""):
        for row in (*rows, rows[-1]._replace(job=len(rows) + 1, fingerprint="e" * 64)):
            journal._tables.insert(row)
        assert journal._tables.candidates("f" * 64, Window(since, boot, after)) == named
    certain = {row.job for row in rows if row.open}
    assert certain < named < {row.job for row in rows if row.open or row.gone}


# --- the check of the whole file --------------------------------------------------------------------------------------


def checks(path: Path, now: float, key: str = "today") -> list[str]:
    """Begin a job; return what was told of a check of the whole file."""
    told: list[str] = []
    with Journal(path, now=lambda: now, tell=told.append) as journal:
        journal.begin(job(key, to=[ANNA]))
    return told


@pytest.mark.parametrize(
    ("age", "due"), [(0, False), (DAY - 1, False), (DAY, True), (-1, True)], ids=["now", "young", "a day", "ahead"]
)
def test_a_send_checks_the_whole_file_once_a_day(path: Path, age: float, due: bool) -> None:
    """Also when the last check was made by a clock that was ahead; then not again."""
    lay(path, 3, moment=lambda number: NOON - 2 * DAY + number)
    assert bool(checks(path, NOON + age)) is due
    assert checks(path, NOON + age) == []
    assert not due or checks(path, NOON + age + 3600) == [], "it has come to its end, and is good for a day"


def test_a_send_after_an_unclean_end_checks_the_whole_file(path: Path) -> None:
    """Whoever died with a recipient in flight, or in the middle of a transaction, left more than a wish."""
    lay(path, 3, moment=lambda number: NOON - 2 * DAY + number)
    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job("dead", to=[ANNA]))
        journal.claim("dead", [ANNA])
    (line,) = checks(path, NOON)
    assert line.startswith("checked the whole journal: ")
    assert checks(path, NOON, "again") == []
    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job("dead", to=[ANNA]))
        journal.begin(job("last", to=[ANNA]))
        journal.claim("last", [ANNA])
    told: list[str] = []
    with Journal(path, now=lambda: NOON, tell=told.append) as journal:
        journal.begin(job("dead", to=[ANNA]))
        journal.begin(job("next", to=[ANNA]))
    assert len(told) == 1, "a run that sends twice looks once"
    rollback = path.with_name(f"{path.name}-journal")
    rollback.touch(0o600)
    os.utime(rollback, (NOON - 60, NOON - 60))
    assert len(checks(path, NOON, "recovered")) == 1


def test_a_check_that_takes_too_long_is_given_up_and_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not count as done; another send tries it again an hour later at the earliest."""
    lay(path, JOBS, moment=lambda number: NOON - 2 * DAY + number)
    monkeypatch.setattr(_archive, "_CHECK_SECONDS", -1.0)
    (line,) = checks(path, NOON + DAY)
    assert "run smscli journal check" in line
    assert checks(path, NOON + DAY) == checks(path, NOON + DAY + 3599) == []
    monkeypatch.undo()
    assert len(checks(path, NOON + DAY + 3600)) == 1


def test_a_check_that_was_given_up_leaves_the_last_whole_one_in_force(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unclean end asked for it in between; the day of the check that came to its end goes on."""
    lay(path, JOBS, moment=lambda number: NOON - 2 * DAY + number)
    rollback = path.with_name(f"{path.name}-journal")
    rollback.touch(0o600)
    os.utime(rollback, (NOON - 60, NOON - 60))
    monkeypatch.setattr(_archive, "_CHECK_SECONDS", -1.0)
    assert len(checks(path, NOON + HOUR)) == 1
    monkeypatch.undo()
    rollback.unlink(missing_ok=True)
    assert checks(path, NOON + 3 * HOUR) == []
    assert len(checks(path, NOON + DAY)) == 1


@pytest.mark.parametrize(
    ("name", "offset", "is_listed"), [("message_in_flight", 3, False), ("job_of_content", -1, True)]
)
def test_a_send_that_checks_refuses_a_damaged_file(path: Path, name: str, offset: int, is_listed: bool) -> None:
    """Damage in what it would not have touched; nothing is recorded as checked, and SQLite's own words are told."""
    lay(path, JOBS, moment=lambda number: NOON - 2 * DAY + number)
    damaged = bytearray(path.read_bytes())
    page = pages(path, name, LEAF)[0]
    damaged[page + (offset if offset >= 0 else PAGE + offset)] ^= 1  # the count of its cells, or the last byte of one
    path.write_bytes(damaged)
    for _ in range(2):
        with pytest.raises(ConfigError, match=f"the journal {path} is damaged") as caught:
            checks(path, NOON + DAY)
        assert bool(caught.value.problems) is is_listed
    assert path.read_bytes() == damaged


def test_the_check_reads_the_messages_of_many_small_jobs_at_once(sound: Path) -> None:
    """A million of them take seconds, not a statement each."""
    with Journal(sound, now=lambda: NOON) as journal:
        told = statements(journal)
        assert journal.check() == ()
    assert message_reads(told) <= JOBS / 100


def test_the_check_finds_records_that_disagree(path: Path) -> None:
    """Each structure is held against the others."""
    lay(path, 9, moment=lambda number: NOON - 2 * DAY + number)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM lookup WHERE job = 3")
        replaced = WitnessRow(5, job("", to=[ANNA], text="text 5").fingerprint, NOON, gone=0).columns()
        db.execute(f"REPLACE INTO witness VALUES ({', '.join('?' * len(replaced))})", replaced)  # noqa: S608  (ours)
    with Journal(path, now=lambda: NOON) as journal:
        assert journal.check() == (
            "key 'key-0003': the journal is damaged: it cannot be looked up",
            "key 'key-0005': the journal is damaged: its witness disagrees with its messages",
        )
    with closing(sqlite3.connect(path)) as db, db:
        for table in ("message", "witness", "job"):
            db.execute(f"DELETE FROM {table} WHERE {'id' if table == 'job' else 'job'} IN (3, 4, 5)")  # noqa: S608  (ours)
    with Journal(path, now=lambda: NOON) as journal:
        assert journal.check() == ("4 look-ups too many",)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM lookup WHERE job IN (4, 5)")
        db.execute("DELETE FROM message WHERE job = 9")
        db.execute("DELETE FROM lookup WHERE job = 9")
        db.execute("DELETE FROM job WHERE id = 9")
    with Journal(path, now=lambda: NOON) as journal:
        assert journal.check() == ("1 witnesses too many",)


def test_the_check_finds_a_witness_of_another_content(path: Path) -> None:
    """By it ``--once`` finds a job: it would look unsent."""
    lay(path, 2, moment=lambda number: NOON - 2 * DAY + number)
    other = WitnessRow(2, "f" * 64).after_claim(NOON - 2 * DAY + 2, None)._replace(gone=1).columns()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"REPLACE INTO witness VALUES ({', '.join('?' * len(other))})", other)  # noqa: S608  (ours)
    with Journal(path, now=lambda: NOON) as journal:
        (line,) = journal.check()
        assert line == "key 'key-0002': the journal is damaged: its witness disagrees with its messages"


@pytest.mark.parametrize(("age", "due"), [(3600, False), (DAY - 1, False), (DAY, True)])
def test_a_check_by_hand_counts_as_the_check_of_the_day(path: Path, age: float, due: bool) -> None:
    """As one that came to its end, not as a try."""
    lay(path, 3, moment=lambda number: NOON - 2 * DAY + number)
    with Journal(path, now=lambda: NOON + DAY) as journal:
        assert journal.check() == ()
    assert bool(checks(path, NOON + DAY + age)) is due


def test_a_check_that_has_found_something_does_not_count(path: Path) -> None:
    """The next send looks at the file, as if nobody had."""
    lay(path, 3, moment=lambda number: NOON - 2 * DAY + number)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM lookup WHERE job = 3")
    with Journal(path, now=lambda: NOON + DAY) as journal:
        assert journal.check()
    assert checks(path, NOON + DAY)


@pytest.mark.parametrize(("seconds", "is_read"), [(60.0, True), (-1.0, False)])
def test_a_look_tells_whether_every_page_was_read_in_its_time(sound: Path, seconds: float, is_read: bool) -> None:
    """It counts all the same."""
    health = look(sound, NO_HINTS, seconds)
    assert health is not None
    assert (health.is_read, health.counts) == (is_read, {"SENT": JOBS})


def test_a_transaction_that_is_going_on_is_no_unclean_end(path: Path) -> None:
    """Its rollback journal lies there, old as it may be, because its writer is at it."""
    lay(path, 3, moment=lambda number: NOON - 2 * DAY + number)
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM inspection")
        os.utime(path.with_name(f"{path.name}-journal"), (NOON - 60, NOON - 60))
        with Journal(path, now=lambda: NOON) as journal:
            assert not journal._db.recovered


def test_a_send_says_with_v_that_it_checked(smscli: Callable[..., Ran]) -> None:
    """Once; without -v it is silent."""
    argv = ("send", "--sandbox", "--to", "+37061234567", "-v")
    assert "checked the whole journal: 0.0 s" in smscli(*argv, "one").err
    assert "checked" not in smscli(*argv, "two").err


def test_a_recipient_named_twice_is_neither_claimed_nor_settled(path: Path) -> None:
    """It would be sent or counted twice."""
    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job(to=[ANNA]))
        with pytest.raises(ConfigError, match="named twice"):
            journal.claim("backup", [ANNA, ANNA])
        journal.claim("backup", [ANNA])
        with pytest.raises(ConfigError, match="named twice"):
            journal.settle("backup", ended(Outcome.SENT, ANNA, ANNA))
        assert [entry.state for entry in journal.stream()] == [State.IN_FLIGHT]
        assert journal.check() == ()


# --- what is read of many ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_listing_reads_on_only_as_far_as_it_is_asked(sound: Path, newest_first: bool) -> None:
    """Page by page, from either end, and each entry once; where the messages of a page stand is one look."""
    with Journal(sound, now=lambda: NOON) as journal:
        told = statements(journal)
        stream = journal.stream(newest_first=newest_first)
        first = next(stream)
        assert message_reads(told) == 1
        ids = [first.job.id, *(entry.job.id for entry in stream)]
        assert JOBS / 150 < message_reads(told) == sum("FROM delivery" in statement for statement in told)
    assert ids == sorted(range(1, JOBS + 1), reverse=newest_first)


@pytest.mark.parametrize("at_once", [3000, 0], ids=["a page of jobs", "each job in pages"])
def test_whatever_is_read_of_jobs_is_read_in_a_transaction(
    path: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a job and its messages could be of two moments."""
    monkeypatch.setattr(_tables, "_PAGE_MESSAGES", at_once)
    lay(path, 3, moment=lambda number: NOON - 2 * DAY + number)
    with Journal(path, now=lambda: NOON) as journal:
        db, within = connection(journal), list[bool]()
        db.set_trace_callback(lambda told: within.append(db.in_transaction) if told.startswith("SELECT") else None)
        read = [
            [entry.key for entry in journal.stream()],
            [entry.key for number in (1, 2, 3) for entry in journal.entries(f"key-000{number}")],
            [entry.key for number in (1, 2, 3) for entry in journal.show(f"key-000{number}")],
        ]
        assert read == [["key-0001", "key-0002", "key-0003"]] * 3
        assert journal.counts() == {"SENT": 3}
        assert journal.knows("key-0001")
    assert len(within) > 20
    assert all(within)


def test_a_listing_does_not_read_what_is_not_selected(sound: Path) -> None:
    """One message of two thousand."""
    with Journal(sound, now=lambda: NOON) as journal:
        told = statements(journal)
        (entry,) = journal.stream(Selection(since=NOON - 1000 * DAY + JOBS))
    assert entry.key == f"key-{JOBS}"
    assert message_reads(told) == 1


def test_a_selection_is_the_same_in_a_listing_and_a_count(sound: Path) -> None:
    """By state, time, recipient and profile, alone and together."""
    late = NOON - 1000 * DAY + JOBS - 9
    with Journal(sound, now=lambda: NOON) as journal:
        for selection, size in (
            (Selection(), JOBS),
            (Selection(states=(State.SENT, State.UNKNOWN), since=late), 10),
            (Selection(to=ANNA, profile="work"), JOBS),
            (Selection(to=BERTA), 0),
            (Selection(profile="other"), 0),
            (Selection(states=(State.REFUSED,)), 0),
        ):
            assert len(list(journal.stream(selection))) == size
            assert sum(journal.counts(selection).values()) == size


@pytest.mark.parametrize(
    ("sizes", "reads"),
    [((2000, 2000, 2000), 3), ((1500, 1500, 1), 2), ((1500, 1499, 1), 1), ((3001, 1), 5), ((4000,), 5)],
    ids=["one each", "just full", "all", "too large", "in whole pages"],
)
def test_pages_are_bounded_by_messages_as_well_as_by_jobs(path: Path, sizes: tuple[int, ...], reads: int) -> None:
    """At most 3000 of them; a job of more is a page of its own, read a thousand at a time."""
    to = [MSISDN(str(37060000000 + number)) for number in range(max(sizes))]
    with Journal(path, now=lambda: NOON) as journal:
        for number, size in enumerate(sizes):
            journal.begin(job(f"key-{number}", to=to[:size], text=str(number)))
        told = statements(journal)
        assert len(tuple(journal.stream())) == sum(sizes)
        assert message_reads(told) == reads
        assert journal.check() == ()

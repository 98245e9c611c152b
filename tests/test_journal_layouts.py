"""Files of an earlier smscli (in ``journals/``, as ``sqlite3 .dump`` gave them) are brought up to date when opened."""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (to lay the older files)
import stat
import subprocess
import sys
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from smscli.errors import Cause, ConfigError, ConflictError
from smscli.journal import Boot, Job, Journal, State, Twin, _file, _layouts, _rows
from smscli.journal._rows import VERSION, MessageRow, WitnessRow
from smscli.model import MSISDN, Money
from tests.jobs import NOON, lay_older

HOLDER = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.lockf(file, fcntl.LOCK_EX, 1, int(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=[1, 2, 3, 4])
def layout(request: pytest.FixtureRequest) -> int:
    """Return the number of an older layout."""
    return int(request.param)


@pytest.fixture
def older(tmp_path: Path, layout: int) -> Path:
    """Return a journal of that layout."""
    path = tmp_path / "state" / "journal.sqlite3"
    path.parent.mkdir(mode=0o700)
    lay_older(path, layout)
    return path


def test_it_says_what_it_said_before(older: Path, layout: int) -> None:
    """Every outcome with its cause, id, parts and price; what was in flight under a dead process is UNKNOWN."""
    with Journal(older, now=lambda: NOON) as journal:
        assert journal.check() == ()
        entries = tuple(journal.stream())
    assert [(e.key, e.state, e.submission.reason and e.submission.reason.cause) for e in entries] == [
        ("ends", State.SENT, None),
        ("ends", State.REFUSED, Cause.STALE),
        ("ends", State.REFUSED, Cause.REFUSED),
        ("ends", State.UNKNOWN, Cause.UNKNOWN),
        ("ends", State.NOT_SENT, None),
        ("login", State.REFUSED, Cause.CREDENTIALS),
        ("later", State.NOT_SENT, Cause.UNREACHABLE),
        ("dead", State.UNKNOWN, Cause.UNKNOWN),
    ]
    first = entries[0].submission
    assert (first.message_id, first.parts, first.cost) == ("17", 2, Money(Decimal("0.0250"), "EUR"))
    assert entries[3].message.evidence == "HTTP 502, 12 bytes: text"
    tried = {bool(e.message.attempt): (e.message.provider, e.message.account) for e in entries}
    account = "" if layout < 4 else "demo"
    assert tried == {True: ("lightsms", account), False: (None, None)}, "who sent it is kept, for whom if it was known"


def test_a_damaged_row_stays_damaged(older: Path) -> None:
    """A new checksum over a rotten value would hide it for good."""
    with closing(sqlite3.connect(older)) as db, db:
        db.execute("UPDATE message SET state = 'NOT_SENT' WHERE recipient = '37061234567' AND job = 1")
    with Journal(older, now=lambda: NOON) as journal:
        assert len(journal.check()) == 1
        with pytest.raises(ConfigError, match="does not match its checksum"):
            journal.show("ends")


def test_it_is_whole_after_a_step_that_failed(older: Path, layout: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All or nothing: the older program can still read it."""
    with closing(sqlite3.connect(older)) as db:
        before = list(db.iterdump())
    step = "message_in_flight" if layout < 4 else "delivery"
    monkeypatch.setitem(_rows.SCHEMA, step, "CREATE INDEX nonsense ON missing (job)")
    with pytest.raises(ConfigError, match="no such table"):
        Journal(older, now=lambda: NOON)
    with closing(sqlite3.connect(older)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (layout,)
        assert list(db.iterdump()) == before
    assert {file.name for file in older.parent.iterdir()} == {older.name, f"{older.name}.lock"}


@pytest.mark.parametrize("number", [1, 4, (1 << 40) - 1])
def test_an_older_program_that_is_sending_keeps_it_as_it_is(older: Path, number: int) -> None:
    """It holds its job's byte of the lock file, and would go on writing the old layout; once it has ended, all goes."""
    before = older.read_bytes()
    lock = older.with_name(f"{older.name}.lock")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock), str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for _ in range(2):
            with pytest.raises(ConflictError, match="an earlier version of smscli is sending"):
                Journal(older, now=lambda: NOON)
        assert older.read_bytes() == before
        assert {file.name for file in older.parent.iterdir()} == {older.name, lock.name}
        holder.communicate()
    with Journal(older, now=lambda: NOON) as journal:
        assert journal.check() == ()


OPENER = """
import sys, time
from pathlib import Path
from smscli.journal import Journal
sys.stdin.readline()
with Journal(Path(sys.argv[1]), now=time.time) as journal:
    print(len(tuple(journal.stream())))
"""


def test_several_may_bring_it_up_to_date_at_once(older: Path) -> None:
    """After an upgrade the first minute of cron may start them together: one does it, the others wait for it."""
    command = [sys.executable, "-c", OPENER, str(older)]
    both = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    openers = [subprocess.Popen(command, text=True, **both) for _ in range(6)]  # type: ignore[call-overload]
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    assert [opener.communicate()[:2] for opener in openers] == [("8\n", "")] * 6


@pytest.mark.parametrize("is_patient", [True, False])
def test_who_finds_another_process_at_it_waits_for_a_while(
    older: Path, layout: int, is_patient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That one holds byte 0 of the lock file; when it takes too long, the file stays as it is."""
    monkeypatch.setattr(_file, "_MIGRATION_SECONDS", 60.0 if is_patient else 0.1)
    lock = older.with_name(f"{older.name}.lock")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock), "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        if is_patient:
            threading.Timer(0.2, holder.kill).start()
            Journal(older, now=lambda: NOON).close()
        else:
            with pytest.raises(ConfigError, match=f"{older.name} is being brought up to date by another process"):
                Journal(older, now=lambda: NOON)
        holder.kill()
    with closing(sqlite3.connect(older)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION if is_patient else layout,)


def test_the_copy_is_made_beside_the_file(older: Path, layout: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where the system keeps what is temporary; what a killed one leaves is hidden and named after it."""
    real, new = os.link, []

    def link(source: Path, target: Path) -> None:
        new.append(source)
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    with Journal(older, now=lambda: NOON):
        pass
    assert [(file.parent, file.name.rpartition("-")[0]) for file in new] == [
        (older.parent, f".{older.name}.layout-{layout}")
    ]


def test_a_whole_copy_of_what_it_was_stays_beside_it(older: Path, layout: int) -> None:
    """The older program can go on with it; it is the user's alone."""
    with closing(sqlite3.connect(older)) as db:
        before = list(db.iterdump())
    with Journal(older, now=lambda: NOON):
        pass
    copy = older.with_name(f"{older.name}.layout-{layout}")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (layout,)
        assert list(db.iterdump()) == before
    assert {file.name for file in older.parent.iterdir()} == {older.name, f"{older.name}.lock", copy.name}


def test_a_copy_that_is_there_is_not_overwritten(older: Path, layout: int) -> None:
    """It is the older one, and perhaps all that is left of it."""
    copy = older.with_name(f"{older.name}.layout-{layout}")
    copy.write_bytes(b"an earlier one")
    with Journal(older, now=lambda: NOON) as journal:
        assert journal.check() == ()
    assert copy.read_bytes() == b"an earlier one"


def test_what_another_process_writes_meanwhile_is_in_the_copy_too(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older program sends once more between the copy and the migration: it is copied again."""
    real, key = _layouts._copy, ["while", "after"]

    def copy_and_send(db: sqlite3.Connection, copy: Path) -> Path | None:
        copied = real(db, copy)
        if key.pop() == "after":
            with closing(sqlite3.connect(older, isolation_level=None)) as other:
                for sender in ("Else", "Shop"):
                    other.execute("UPDATE job SET sender = ?", (sender,))
        return copied

    monkeypatch.setattr(_layouts, "_copy", copy_and_send)
    with Journal(older, now=lambda: NOON) as journal:
        assert journal.check() == ()
    assert not key


def test_its_keys_and_contents_are_looked_up_as_any(older: Path) -> None:
    """A used key gives its receipt, and a repeated content is told by when it was claimed."""
    with Journal(older, now=lambda: NOON) as journal:
        dead = journal.show("dead")[0].job
        again = Job("dead", "lightsms", "", "work", "Shop", ((MSISDN("37061234569"), "text"),), dead.fingerprint)
        assert journal.begin(again._replace(key="another"), once=1e9).repeated_from == "dead"
        assert journal._tables.job("ends") == journal.show("ends")[0].job
    with Journal(older, now=lambda: NOON) as journal:
        begun = journal.begin(again._replace(key="another"), once=60)
        assert begun.repeated_from is None
        assert begun.twin == Twin("dead", dead.created, unknown=True)


def again(older: Path, boot: Boot | None = None, once: float = 60) -> str | None:
    """Begin the content of the key ``login`` under another one; return which key it repeats."""
    with Journal(older, now=lambda: NOON, boot=lambda: boot) as journal:
        login = journal.show("login")[0].job
        same = Job("again", "lightsms", "", "work", "Shop", ((MSISDN("37061234567"), "two"),), login.fingerprint)
        return journal.begin(same, once=once).repeated_from


@pytest.mark.parametrize("layout", [2, 3, 4])
@pytest.mark.parametrize(("seconds", "repeats"), [(130.0, "login"), (160.0, "login"), (161.0, None)])
def test_the_clock_that_nobody_sets_still_tells_the_time(older: Path, seconds: float, repeats: str | None) -> None:
    """It stood at 100 when that was claimed: the wall clock, which has gone on for years, is not asked."""
    assert again(older, Boot("this", seconds)) == repeats


@pytest.mark.parametrize("layout", [1, 2, 3, 4])
@pytest.mark.parametrize(("seconds", "repeats"), [(6_500_795.0, "login"), (6_500_794.0, None)])
def test_after_another_boot_the_wall_clock_tells_it(older: Path, seconds: float, repeats: str | None) -> None:
    """By the moment at which it was claimed (1893499205)."""
    assert again(older, Boot("another", 5.0), seconds) == repeats


@pytest.mark.parametrize("layout", [2, 3, 4])
def test_a_damaged_witness_stays_damaged(older: Path) -> None:
    """A new checksum over a rotten clock would let a repeated text out."""
    with closing(sqlite3.connect(older)) as db, db:
        db.execute("UPDATE witness SET seconds = 1 WHERE job = 2")
    with Journal(older, now=lambda: NOON) as journal:
        assert [line.partition(":")[0] for line in journal.check()] == ["key 'login'"]
    with pytest.raises(ConfigError, match="does not match its checksum"):
        again(older, Boot("this", 130.0))


@pytest.mark.parametrize("layout", [1, 2, 3])
@pytest.mark.parametrize("column", ["message SET state = 'NOT_SENT' WHERE job", "job SET sender = 'Else' WHERE id"])
def test_what_a_damaged_row_says_is_not_counted(older: Path, column: str) -> None:
    """A message that rotted into NOT_SENT does not make its content look unsent; no part of it gets a new checksum."""
    with closing(sqlite3.connect(older)) as db, db:
        db.execute(f"UPDATE {column} = 2")
    with Journal(older, now=lambda: NOON) as journal:
        for kind, table in ((WitnessRow, "witness"), (MessageRow, "message")):
            row = journal._db.execute(f"SELECT * FROM {table} WHERE job = 2").fetchone()  # noqa: S608  (as above)
            with pytest.raises(ConfigError, match="does not match its checksum"):
                kind.read(row)

"""Files of an earlier smscli (in ``journals/``, as ``sqlite3 .dump`` gave them) are brought up to date when opened."""

from __future__ import annotations

import sqlite3  # noqa: TID253  (to lay the older files)
import stat
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from smscli.errors import Cause, ConfigError
from smscli.journal import Job, Journal, State, Twin, _layouts, _rows
from smscli.model import MSISDN, Money
from tests.jobs import NOON

DUMPS = Path(__file__).with_name("journals")


@pytest.fixture(params=[1, 2, 3])
def layout(request: pytest.FixtureRequest) -> int:
    """Return the number of an older layout."""
    return int(request.param)


@pytest.fixture
def older(tmp_path: Path, layout: int) -> Path:
    """Return a journal of that layout."""
    path = tmp_path / "state" / "journal.sqlite3"
    path.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(path)) as db:
        db.executescript((DUMPS / f"layout-{layout}.sql").read_text(encoding="utf-8"))
    path.chmod(0o600)
    return path


def test_it_says_what_it_said_before(older: Path) -> None:
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
    monkeypatch.setitem(_rows.SCHEMA, "message_in_flight", "CREATE INDEX nonsense ON missing (job)")
    with pytest.raises(ConfigError, match="no such table"):
        Journal(older, now=lambda: NOON)
    with closing(sqlite3.connect(older)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (layout,)
        assert list(db.iterdump()) == before
    assert {file.name for file in older.parent.iterdir()} == {older.name, f"{older.name}.lock"}


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
        assert journal.begin(replace(again, key="another"), once=1e9).repeated_from == "dead"
        assert journal._tables.job("ends") == journal.show("ends")[0].job
    with Journal(older, now=lambda: NOON) as journal:
        begun = journal.begin(replace(again, key="another"), once=60)
        assert begun.repeated_from is None
        assert begun.twin == Twin("dead", dead.created, unknown=True)

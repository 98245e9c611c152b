"""Files of an earlier smscli (in ``journals/``, as ``sqlite3 .dump`` gave them) are brought up to date when opened."""

from __future__ import annotations

import sqlite3  # noqa: TID253  (to lay the older files)
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from smscli.errors import Cause, ConfigError
from smscli.journal import Journal, State, _rows
from smscli.model import Money
from tests.test_journal import NOON

DUMPS = Path(__file__).with_name("journals")


@pytest.fixture(params=[1, 2])
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
        entries = journal.entries()
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

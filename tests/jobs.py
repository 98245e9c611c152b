"""Jobs, outcomes and numbers that the tests of the journal share, and how a process of its own is told its place."""

from __future__ import annotations

import sqlite3  # noqa: TID253  (a type, and to lay the older files)
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from smscli.errors import Cause
from smscli.journal import Job, Journal, fingerprint
from smscli.journal._entries import Server, digest
from smscli.journal._rows import JobRow, MessageRow, WitnessRow
from smscli.journal._sqlite import SqliteDatabase
from smscli.model import MSISDN, Outcome, Reason, Submission

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


def lay_list(journal: Journal, key: str, recipients: Mapping[int, MSISDN]) -> Job:
    """Plan a job from a list: each recipient stands at the number of its row. Return it, for ``begin``."""
    one = Job(key, "lightsms", "demo", "work", "Alert", tuple((n, "hi") for n in recipients.values()), digest(key))
    with journal._db.writing(""):
        number = journal._tables.newest()[0] + 1
        journal._tables.insert(
            JobRow(number, key, one.fingerprint, one.provider, one.profile, one.sender, NOON, len(recipients))
        )
        journal._tables.insert(WitnessRow(number, one.fingerprint))
        journal._tables.insert_messages(
            [MessageRow(number, row, recipient=to.digits, updated=NOON) for row, to in recipients.items()]
        )
    return one


def lay_older(path: Path, layout: int) -> None:
    """Lay the journal of an older layout, in a directory that is there."""
    dump = Path(__file__).with_name("journals") / f"layout-{layout}.sql"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(dump.read_text(encoding="utf-8"))
    path.chmod(0o600)


def connection(journal: Journal) -> sqlite3.Connection:
    """Return the connection to the file of a journal."""
    assert isinstance(journal._db, SqliteDatabase)
    return journal._db._db


def outcomes(submissions: Sequence[Submission]) -> list[str]:
    """Return the outcomes alone."""
    return [str(submission.outcome) for submission in submissions]


Place = Path | Server
"""Where a journal is kept."""

PLACE = """
import sys, time
from pathlib import Path
from smscli.journal import Job, Journal
from smscli.journal._entries import Server
from smscli.model import MSISDN, Secret
place = Server(Secret(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else Path(sys.argv[1])
"""
"""The beginning of a program whose arguments are ``words(place)``."""


def words(place: Place) -> list[str]:
    """Return a place as the arguments of a program."""
    return [place.url.reveal(), place.schema] if isinstance(place, Server) else [str(place)]

"""Files of an earlier layout are brought up to date: a copy beside them first, then one transaction, all or nothing.

Whatever was damaged stays damaged: no row gets a new checksum whose old one did not match.
"""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (the journal is only loaded by the commands that need it)
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from smscli import private
from smscli.errors import Cause
from smscli.journal._entries import Boot, State
from smscli.journal._rows import SCHEMA, VERSION, MessageRow, WitnessRow, checksum, key_digest


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Turn the file into one of this layout; a complete copy of what it was stays in ``<path>.layout-N``."""
    while True:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in MIGRATIONS:
            return  # another process was faster
        before = db.execute("PRAGMA data_version").fetchone()
        copied = _copy(db, path.with_name(f"{path.name}.layout-{version}"))
        db.execute("BEGIN IMMEDIATE")
        try:
            # What others have written since would be missing in the copy.
            if db.execute("PRAGMA data_version").fetchone() == before:
                MIGRATIONS[version](db)
                db.execute(f"PRAGMA user_version = {VERSION}")
                db.execute("COMMIT")
                return
            db.execute("ROLLBACK")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            if copied:
                copied.unlink()
            raise
        if copied:
            copied.unlink()


def _copy(db: sqlite3.Connection, copy: Path) -> Path | None:
    """Copy the file, 0600 and synced; return None when a copy of that name is there: it stays as it is.

    SQLite copies: a descriptor of our own, once closed, would drop SQLite's locks on the file.
    """
    if copy.exists():
        return None
    handle, name = tempfile.mkstemp(prefix=f".{copy.name}-", dir=copy.parent)
    new = Path(name)
    try:
        private.restrict(handle)
        with closing(sqlite3.connect(new)) as target:
            target.execute("PRAGMA journal_mode = OFF").close()
            db.backup(target)
        os.fsync(handle)
        try:
            os.link(new, copy)
        except FileExistsError:  # another process was faster
            return None
    finally:
        os.close(handle)
        new.unlink()
    private.sync_directory(copy.parent)
    return copy


def _rebuild(db: sqlite3.Connection, version: int) -> None:
    """Turn the rows of layout 2 or 3 into those of layout 4 and later.

    Layout 2 kept an exit status and whether to try again instead of the cause, and looked keys up once. Both kept one
    text for a job and no attempts but the last.
    """
    for (index,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall():
        db.execute(f"DROP INDEX {index}")
    for table in ("job", "message", "witness"):
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for name, definition in SCHEMA.items():
        if definition.startswith("CREATE TABLE") and name not in there:
            db.execute(definition)
    for job in db.execute("SELECT * FROM old_job ORDER BY id"):
        _renew(db, version, job)
    if "lookup" not in there:
        db.create_function("key_digest", 1, key_digest)
        # In order, as a tree of this size grows fast only at its end.
        db.execute(
            "INSERT INTO lookup "
            "SELECT key_digest(key), id FROM job UNION ALL SELECT fingerprint, id FROM job ORDER BY 1, 2"
        )
    for table in ("job", "message", "witness"):
        db.execute(f"DROP TABLE old_{table}")
    for definition in SCHEMA.values():
        if definition.startswith("CREATE INDEX"):
            db.execute(definition)


def _renew(db: sqlite3.Connection, version: int, job: Sequence[Any]) -> None:
    """Write one job with its messages and its witness."""
    *values, match = job
    *front, length, text_sha256, text = values
    sound = match == checksum(values)
    _insert(db, "job", front, sound=sound)
    messages: list[MessageRow] = []
    for row in db.execute("SELECT * FROM old_message WHERE job = ? ORDER BY position", (job[0],)).fetchall():
        *old, match = row
        sound = sound and match == checksum(old)
        number, recipient, position, state, attempts, updated, claimed, resolved, *said = old
        if version == 2:
            said = _with_cause(state, said)
        provider, account = (front[3], "") if attempts else (None, None)
        tried = (number, position, attempts, state, updated, provider, account, None, claimed, resolved, *said)
        message = MessageRow(*[*tried, recipient, length, text_sha256, text])
        *columns, _ = message.columns()
        _insert(db, "message", columns, sound=match == checksum(old) and job[-1] == checksum(values))
        messages.append(message)
    old_witness = db.execute("SELECT * FROM old_witness WHERE job = ?", (job[0],)).fetchone()
    sound = sound and (old_witness is None or old_witness[-1] == checksum(old_witness[:-1]))
    witness = WitnessRow(job[0], front[2])
    if sound and version == 3 and old_witness:
        witness = WitnessRow(*old_witness[:-1])
    elif sound:
        boot = old_witness and Boot(old_witness[1], old_witness[2])
        for moment in sorted(m.claimed for m in messages if m.claimed is not None):
            witness = witness.after_claim(moment, boot)
        witness = witness.counting((), messages)
    *columns, _ = witness.columns()
    _insert(db, "witness", columns, sound=sound)


def _insert(db: sqlite3.Connection, table: str, values: Sequence[object], *, sound: bool) -> None:
    """Insert a row; one that was damaged stays so."""
    marks = ", ".join("?" * (len(values) + 1))
    match = checksum(values) if sound else "damaged"
    db.execute(f"INSERT INTO {table} VALUES ({marks})", (*values, match))  # noqa: S608  (constants, question marks)


def _with_cause(state: str, said: Sequence[Any]) -> list[Any]:
    """Return what layout 2 kept of an outcome, its exit status as a cause."""
    *front, status, code, hint, retry, evidence = said
    cause = Cause.STALE if retry and state == State.REFUSED else _CAUSE_OF_STATUS.get(status)
    return [*front, cause, code, hint, evidence]


_CAUSE_OF_STATUS = {
    2: Cause.INPUT, 3: Cause.CONFIG, 4: Cause.CREDENTIALS, 5: Cause.REFUSED, 6: Cause.UNREACHABLE, 7: Cause.UNKNOWN,
    9: Cause.CONFLICT,
}  # fmt: skip

_WITNESS_OF_2 = """CREATE TABLE witness (
    job INTEGER PRIMARY KEY,
    boot TEXT NOT NULL,
    seconds REAL NOT NULL,
    checksum TEXT NOT NULL
)"""


def _from_1(db: sqlite3.Connection) -> None:
    db.execute(_WITNESS_OF_2)
    _rebuild(db, 2)


MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], object]] = {
    1: _from_1,
    2: lambda db: _rebuild(db, 2),
    3: lambda db: _rebuild(db, 3),
    4: lambda db: db.execute(SCHEMA["delivery"]),
}
"""What turns each older layout into this one, inside a transaction."""

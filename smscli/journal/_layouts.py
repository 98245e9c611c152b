"""Files of an earlier layout are brought up to date: a copy beside them first, then one transaction, all or nothing.

Whatever was damaged stays damaged: no row gets a new checksum whose old one did not match.
"""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (the journal is only loaded by the commands that need it)
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from smscli import private
from smscli.errors import Cause
from smscli.journal._entries import Boot, State
from smscli.journal._rows import SCHEMA, MessageRow, WitnessRow, checksum, key_digest


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
                while version in MIGRATIONS:
                    MIGRATIONS[version](db)
                    version += 1
                db.execute(f"PRAGMA user_version = {version}")
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
        os.fchmod(handle, 0o600)
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


def _from_2(db: sqlite3.Connection) -> None:
    """Layout 2 kept an exit status and whether to try again, layout 3 keeps the cause.

    A witness counts what went out, and keys and contents are looked up twice.
    """
    for index in ("message_in_flight", "job_of_content"):
        db.execute(f"DROP INDEX {index}")
    for table in ("message", "witness"):
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for name in ("message", "witness", "lookup", "inspection"):
        db.execute(SCHEMA[name])
    old = db.execute("SELECT * FROM old_message ORDER BY job")
    for job, rows in groupby(old, key=lambda row: row[0]):
        _renew(db, job, list(rows))
    db.create_function("key_digest", 1, key_digest, deterministic=True)
    # In order, as a tree of this size grows fast only at its end.
    db.execute(
        "INSERT INTO lookup SELECT key_digest(key), id FROM job UNION ALL SELECT fingerprint, id FROM job ORDER BY 1, 2"
    )
    db.create_function("key_digest", 1, None)
    for table in ("message", "witness"):
        db.execute(f"DROP TABLE old_{table}")
    for definition in SCHEMA.values():
        if definition.startswith("CREATE INDEX"):
            db.execute(definition)


def _renew(db: sqlite3.Connection, job: int, rows: Sequence[Sequence[Any]]) -> None:
    """Write the messages of one job in the new layout, and its witness."""
    renewed = [_renewed(row) for row in rows]
    marks = ", ".join("?" * len(renewed[0]))
    db.executemany(f"INSERT INTO message VALUES ({marks})", renewed)  # noqa: S608  (question marks)
    owner = db.execute("SELECT fingerprint FROM job WHERE id = ?", (job,)).fetchone()
    if owner is None:
        return
    old = db.execute("SELECT * FROM old_witness WHERE job = ?", (job,)).fetchone()
    sound = (old is None or old[-1] == checksum(old[:-1])) and all(row[-1] == checksum(row[:-1]) for row in renewed)
    witness = WitnessRow(job, *owner)
    if sound:
        messages = [MessageRow(*row[:-1]) for row in renewed]
        boot = old and Boot(old[1], old[2])
        for moment in sorted(m.claimed for m in messages if m.claimed is not None):
            witness = witness.after_claim(moment, boot)
        witness = witness.counting((), messages)
    *values, match = witness.columns()
    marks = ", ".join("?" * (len(values) + 1))
    db.execute(f"INSERT INTO witness VALUES ({marks})", (*values, match if sound else "damaged"))  # noqa: S608  (as above)


def _renewed(row: Sequence[Any]) -> tuple[Any, ...]:
    *old, stored = row
    *front, status, code, hint, retry, evidence = old
    cause = Cause.STALE if retry and front[3] == State.REFUSED else _CAUSE_OF_STATUS.get(status)
    new = (*front, cause, code, hint, evidence)
    return (*new, checksum(new) if stored == checksum(old) else "damaged")


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

MIGRATIONS: Mapping[int, Callable[[sqlite3.Connection], object]] = {
    1: lambda db: db.execute(_WITNESS_OF_2),
    2: _from_2,
}
"""What turns each older layout into the next one, inside a transaction."""

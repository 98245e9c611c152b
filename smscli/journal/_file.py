"""The file: made whole, opened with the settings its promises hang on, refused when it cannot be trusted.

This module knows SQLite's trouble and says it in words. It never replaces, mends or shrinks a file that is there.
"""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (the journal is only loaded by the commands that need it)
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from time import monotonic, sleep, time

from smscli import private
from smscli.errors import ConfigError, ConflictError
from smscli.journal._database import BUSY_SECONDS
from smscli.journal._entries import NO_HINTS, Hints
from smscli.journal._layouts import MIGRATIONS, migrate
from smscli.journal._owners import WHOLE_STORE, LockFile
from smscli.journal._rows import SCHEMA, VERSION, DamagedError
from smscli.model import visible

APPLICATION_ID = 0x534D5343
"""``SMSC`` in the header of the file: tells a journal from any other database (SQLite file format, offset 68)."""

# A million messages take a quarter of a minute to bring up to date.
_MIGRATION_SECONDS = 60.0

# What SQLite says, in words, with what to do: a sentence, or the name of one of the hints.
_TROUBLE = {
    sqlite3.SQLITE_BUSY: ("is busy: other processes hold it", "try again"),
    sqlite3.SQLITE_READONLY: ("cannot be written (the file or its directory)", "elsewhere"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened (the file or one beside it)", "elsewhere"),
    sqlite3.SQLITE_PERM: ("cannot be written (the file or its directory)", "elsewhere"),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "free some space"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written: disk I/O error", "look at the disk and its free space"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "damaged"),
    sqlite3.SQLITE_NOTADB: ("is damaged", "damaged"),
    # A row is in the way that no look-up has seen.
    sqlite3.SQLITE_CONSTRAINT: ("is damaged", "damaged"),
}

# So many instructions of SQLite's lie between two looks at the clock.
_STEPS = 10_000


def exists(path: Path) -> bool:
    """Return whether a journal was ever begun at ``path``: it is there, or its lock file is."""
    path = Path(os.path.realpath(path))
    return path.exists() or lock_path(path).exists()


def begin_anew(path: Path, hints: Hints = NO_HINTS) -> None:
    """Make an empty journal at ``path``, also where an earlier one is gone: every key is free again.

    Raises ConflictError when a journal is there, ConfigError when none can be made.
    """
    path = Path(os.path.realpath(path))
    with explained(path, hints):
        _check_directory(path.parent, hints)
        if path.exists() or not _create(path):
            raise ConflictError(f"there is a journal already: {visible(str(path))}", hint="move it away first")


def lock_path(path: Path) -> Path:
    """Return the name of the lock file beside a journal."""
    return path.with_name(f"{path.name}.lock")


def ensure(path: Path, hints: Hints) -> bool:
    """Make the journal when there never was one; return whether it is new. Raises ConfigError when it went missing."""
    _check_directory(path.parent, hints)
    return not is_there(path, hints) and _create(path)


def is_there(path: Path, hints: Hints) -> bool:
    """Return whether the journal is there, False when there never was one; raise ConfigError when it went missing."""
    # Asked in this order, for the lock file is always the younger of the two: whoever sees it and then no journal
    # knows that one was lost.
    had_lock = lock_path(path).exists()
    if path.exists():
        return True
    if had_lock:
        raise ConfigError(
            f"the journal {visible(str(path))} is gone, and what its keys have sent could go out again",
            hint=hints.gone,
        )
    return False


@contextmanager
def explained(path: Path, hints: Hints, consequence: str = "") -> Iterator[None]:
    """Turn the trouble of SQLite and of the file system into ConfigError with what to do."""
    end = f"; {consequence}" if consequence else ""
    name = visible(str(path))
    try:
        yield
    except DamagedError as error:
        error.hint = hints.damaged
        raise
    except sqlite3.Error as error:
        what, hint = _TROUBLE.get(primary_code(error), (f"cannot be used: {visible(str(error))}", "damaged"))
        raise ConfigError(f"the journal {name} {what}{end}", hint=getattr(hints, hint, hint)) from error
    except UnicodeDecodeError as error:
        # SQLite quotes a damaged schema in its error, and Python stumbles over the quotation.
        raise ConfigError(f"the journal {name} is damaged{end}", hint=hints.damaged) from error
    except OSError as error:
        raise ConfigError(f"the journal {name} cannot be used: {error.strerror}{end}", hint=hints.elsewhere) from error


def primary_code(error: BaseException) -> int:
    """Return SQLite's primary result code of an error, 0 for any other."""
    # The lower byte is the primary code, the rest says which operation it was.
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)) & 0xFF


def _check_directory(directory: Path, hints: Hints) -> None:
    """Make it when it is missing, and refuse one that others can change.

    Whoever may write there may lay a rollback journal beside ours, and SQLite would play it back.
    """
    private.make_directory(directory)
    check_directory(directory, hints)


def check_directory(directory: Path, hints: Hints) -> None:
    """Refuse a directory that others can change; raises ConfigError."""
    with _or_elsewhere(hints):
        private.check_directory(directory, "the journal")


def _create(path: Path) -> bool:
    """Make an empty journal, and return whether it was this process that did.

    It is complete under another name first, so that an empty file is always a damaged one.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    new = Path(name)
    try:
        private.restrict(handle)
        os.close(handle)
        db = sqlite3.connect(new)
        try:
            db.executescript(
                "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; BEGIN;"
                f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
                f"{';'.join(SCHEMA.values())}; COMMIT"
            )
        finally:
            db.close()
        try:
            os.link(new, path)
            made = True
        except FileExistsError:  # another process was faster: its journal is the one
            made = False
    finally:
        new.unlink()
    private.sync_directory(path.parent)
    return made


def check_file(path: Path, hints: Hints) -> None:
    """Refuse what is no file of this user alone; raises ConfigError."""
    with _or_elsewhere(hints):
        try:
            private.check_file(path, "the journal")
        except ConfigError as error:
            if _is_of_another_kind(path):  # which is not to be made private, as the hint would have it
                raise ConfigError(f"{visible(str(path))} is not a smscli journal") from error
            raise


def _is_of_another_kind(path: Path) -> bool:
    """Return whether it is a file with something in it that cannot be a journal; False where that cannot be seen."""
    with suppress(OSError):
        if path.is_file():
            with path.open("rb") as file:
                return file.read(16) not in (b"", b"SQLite format 3\0")
    return False


@contextmanager
def _or_elsewhere(hints: Hints) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        error.hint = "; or ".join(filter(None, (error.hint, hints.another)))
        raise


def open_database(path: Path, mode: str) -> sqlite3.Connection:
    """Open a file that is there, to write (``rw``) or to read only (``ro``)."""
    return sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file with the settings that its promises hang on."""
    db = open_database(path, "rw")
    try:
        # Bytes that are not UTF-8 must reach the checksum rather than end as a decoding error.
        db.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        # Not WAL: it needs shared memory, and releases before 3.51.3 can lose a commit there. EXTRA also syncs the
        # directory, so that a committed claim survives a power cut. Purged numbers and texts are overwritten.
        for setting in (
            "trusted_schema = OFF",
            "journal_mode = DELETE",
            "synchronous = EXTRA",
            "fullfsync = ON",
            "secure_delete = ON",
            "cell_size_check = ON",
        ):
            db.execute(f"PRAGMA {setting}").close()
    except BaseException:
        db.close()
        raise
    return db


def check_head(db: sqlite3.Connection, path: Path, locks: LockFile, hints: Hints) -> None:
    """Refuse a file that is not ours, newer, or of another schema or mode; what that costs does not grow with the file.

    A file of an older layout is checked as a whole and brought up to date first.
    """
    if layout(db, path, hints) in MIGRATIONS:
        _bring_up_to_date(db, path, locks, hints)
    check_schema(db, path, hints)


def check_schema(db: sqlite3.Connection, path: Path, hints: Hints) -> None:
    """Refuse a file of this layout whose tables or mode are not as we made them."""
    # What ANALYZE leaves (sqlite_stat1) is statistics of SQLite's own, and harmless.
    named = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    if dict(db.execute(named)) != SCHEMA or mode != "delete":
        raise ConfigError(f"the journal {visible(str(path))} is damaged", hint=hints.damaged)


def layout(db: sqlite3.Connection, path: Path, hints: Hints) -> int:
    """Return the layout of the file; refuse one that is not ours, and one that we cannot bring up to date."""
    name = visible(str(path))
    (application,), (version,) = (
        db.execute(f"PRAGMA {pragma}").fetchone() for pragma in ("application_id", "user_version")
    )
    if application != APPLICATION_ID:
        raise ConfigError(f"{name} is not a smscli journal", hint=hints.damaged)
    if version != VERSION and version not in MIGRATIONS:
        raise ConfigError(
            f"the journal {name} was written by another version of smscli (layout {version}, not {VERSION})",
            hint=hints.newer,
        )
    return int(version)


def _bring_up_to_date(db: sqlite3.Connection, path: Path, locks: LockFile, hints: Hints) -> None:
    """Migrate the file, or wait for whoever is at it."""
    name = visible(str(path))
    deadline = monotonic() + _MIGRATION_SECONDS
    while not locks.hold(WHOLE_STORE):
        if monotonic() > deadline:
            raise ConfigError(f"the journal {name} is being brought up to date by another process", hint="try again")
        sleep(0.05)
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] not in MIGRATIONS:
            return
        with locks.without_older_programs() as alone:
            if not alone:
                raise ConflictError(
                    f"the journal {name} has to be brought up to date, and an earlier version of smscli is sending",
                    hint="let it finish",
                )
            check_whole(db, path, hints)
            migrate(db, path)
    finally:
        locks.release(WHOLE_STORE)


def check_whole(db: sqlite3.Connection, path: Path, hints: Hints, seconds: float = inf) -> bool:
    """Refuse a file of which any page is damaged; return False when that was not known within ``seconds``.

    No other process can commit meanwhile.
    """
    deadline = monotonic() + seconds
    db.set_progress_handler(lambda: monotonic() > deadline, _STEPS)
    try:
        problems = [str(row[0]) for row in db.execute("PRAGMA integrity_check(20)")]
    except sqlite3.OperationalError as error:
        if primary_code(error) != sqlite3.SQLITE_INTERRUPT:
            raise
        return False
    finally:
        db.set_progress_handler(None, _STEPS)
    if problems != ["ok"]:
        raise ConfigError(f"the journal {visible(str(path))} is damaged", hint=hints.damaged, problems=problems)
    return True


def was_left_open(path: Path) -> bool:
    """Return whether a rollback journal lies beside the file that no short transaction of a living process explains.

    A process that was killed a moment ago is not noticed so: that damages nothing, a power cut may.
    """
    try:
        age = time() - path.with_name(f"{path.name}-journal").stat().st_mtime
    except FileNotFoundError:
        return False
    return not 0 <= age < 1

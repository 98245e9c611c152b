"""The store that is a PostgreSQL server: several hosts share one journal, each over one direct session.

Whoever lives is told by session advisory locks: the server frees them when the session ends. That the server keeps
what it has confirmed is asked of it before anything is believed; what it says about time is not.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from math import inf
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from smscli.errors import ConfigError, ConflictError
from smscli.journal._database import BUSY_SECONDS, RECONNECT_SECONDS, LostError
from smscli.journal._entries import Hints, Server
from smscli.journal._owners import FIRST_OWNER
from smscli.journal._rows import SCHEMA, VERSION, DamagedError
from smscli.model import visible

if TYPE_CHECKING:
    import psycopg

    from smscli.journal._database import Cursor

# How long a new connection may take, and how long a transaction may lie idle before the server ends the session: one
# whose host is gone holds the store's lock, and an outcome waits a minute for that; one that reads a long job computes.
_CONNECT_SECONDS, _IDLE_SECONDS = 10, 30
# Seconds that one statement may take beyond its wait for locks, and how many rows are written in one.
_GRACE_SECONDS, _ROWS_A_SECOND = 10.0, 200
# What a connection has unless the URL says otherwise: a dead host must not look alive for two hours.
_USUAL = {
    "connect_timeout": str(_CONNECT_SECONDS),
    "application_name": "smscli",
    "target_session_attrs": "read-write",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
# What a session has. The server's own keepalives are the ones that tell it of a dead client.
_SESSION = {
    "synchronous_commit": "on",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": f"{_IDLE_SECONDS}s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60s",
}
# Each statement sees what was committed before it, also behind a wait for a lock, whatever the role's default is.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
# Each leaves what was confirmed on the server's own disk at least.
_DURABLE = ("on", "remote_apply", "remote_write")

_ASKED = """SELECT pg_backend_pid(), pg_is_in_recovery(), current_setting('fsync'),
    current_setting('server_encoding'), current_setting('server_version_num')::int, to_regnamespace(%s)::oid::bigint,
    (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())"""
# A process id alone is given again, after a restart of the server at once.
_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"

_DAMAGED = "keep it, it says what was sent; look at the server's log, and at who else writes into this schema"

# What each earlier layout lacks.
_ADDITIONS: Mapping[int | None, Sequence[str]] = {4: ("delivery",)}
# Who may do what with a table, but for this role; a name is quoted where it has to be.
_RIGHTS = """SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, string_agg(privilege_type, ', ')
    FROM pg_class, aclexplode(relacl) WHERE oid = 'message'::regclass AND grantee <> (SELECT oid FROM pg_roles
    WHERE rolname = current_user) GROUP BY grantee"""

_OWNER = """SELECT relowner::regrole::text, 'ALL' FROM pg_class WHERE oid = 'message'::regclass
    AND pg_get_userbyid(relowner) <> current_user"""

_MAY_ADD = "SELECT has_schema_privilege(%s, 'CREATE')"

_FORBIDDEN = "42501"
# What the server says, in words, with what to do.
_TROUBLE = {
    "25006": ("cannot be written: it is read-only", "name the primary server"),
    _FORBIDDEN: ("does not let this role do that", "grant it what the README's recipe names, or take another role"),
    "53": ("has no resources left", "look at its disk, memory and connections"),
    "57": ("was interrupted", "try again"),
    "55P03": ("is busy: other sessions hold it", "try again"),
    "40": ("is busy: other sessions hold it", "try again"),
    "23": ("is damaged", _DAMAGED),
    "42": ("is damaged: its tables are not as smscli made them", _DAMAGED),
    "XX": ("is damaged", _DAMAGED),
}


class PostgresDatabase:
    """One session on a server, whose schema is made when it is not there (see ``Database``).

    An earlier ``layout`` is brought up to date, unless this ``is_look``.
    """

    for_update, for_claim = " FOR UPDATE", " FOR UPDATE SKIP LOCKED"
    checks_itself = True
    recovered = False

    def __init__(self, server: Server, hints: Hints, *, is_look: bool = False) -> None:
        self._server = server
        self._hints = hints
        self._held: set[int] = set()
        self._space = 0
        self._session: tuple[object, ...] = ()
        self._patience = BUSY_SECONDS
        self._until = inf
        self._is_warned = False
        self._is_over = Event()
        self._db = self._connected()
        with ExitStack() as stack, self.explained():
            stack.callback(self.close)
            Thread(target=self._watch, daemon=True).start()
            space = self._check_server()
            self.is_new = space is None and self._create()
            self._space = space if space is not None else self._check_server() or 0
            self.layout = self._check_layout(is_look=is_look)
            stack.pop_all()

    def execute(self, statement: str, values: Sequence[object] = ()) -> Cursor:
        """Run one statement."""
        return self._ask(statement.replace("?", "%s"), values)

    def execute_many(self, statement: str, rows: Sequence[Sequence[object]]) -> int:
        """Run one statement with many values, without waiting for each answer."""
        with self._watched(len(rows) / _ROWS_A_SECOND), self._db.cursor() as cursor:
            cursor.executemany(statement.replace("?", "%s").encode(), rows)
            return cursor.rowcount

    @contextmanager
    def writing(self, consequence: str, *, seconds: float = BUSY_SECONDS, alone: bool = True) -> Iterator[None]:
        """Hold the store's lock, shared unless ``alone``, and commit at the end; the wait for row locks is as long."""
        end = f"; {consequence}" if consequence else ""
        with self.explained(consequence):
            self._patience = max(seconds, 0.0)
            try:
                self._ask(_BEGIN)
                self._wait_at_most(seconds)
                lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
                self._ask(f"SELECT {lock}(%s)", (self._key(-1),))
                self._check_durability()
                yield
                self._commit(end)
            except BaseException:
                with suppress(Exception):
                    self._ask("ROLLBACK")
                raise
            finally:
                self._patience = BUSY_SECONDS

    def _commit(self, end: str) -> None:
        self._is_warned = False
        self._ask("COMMIT")
        if self._is_warned:
            # Committed here, and not where the server was told to have it, too: nobody can count on that.
            self._db.close()
            raise LostError(f"the journal {self._server} is not sure of what it committed{end}")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one state of the store."""
        with self.explained():
            self._ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield
            finally:
                with suppress(Exception):
                    self._ask("ROLLBACK")

    @contextmanager
    def explained(self, consequence: str = "") -> Iterator[None]:
        """Say what to do about the server's trouble."""
        import psycopg

        end = f"; {consequence}" if consequence else ""
        try:
            yield
        except DamagedError as error:
            error.hint = _DAMAGED
            raise
        except psycopg.Error as error:
            if self._db.closed:
                raise LostError(
                    f"the connection to the journal {self._server} was lost{end}", hint="try again"
                ) from error
            code = error.sqlstate or ""
            what, hint = _TROUBLE.get(code) or _TROUBLE.get(code[:2]) or (f"failed ({code or 'no code'})", _DAMAGED)
            raise ConfigError(f"the journal {self._server} {what}{end}", hint=hint) from error

    def check_whole(self, seconds: float = inf) -> bool:  # noqa: ARG002  (at once)
        """Believe the server: its pages are its own."""
        return True

    def hold(self, number: int) -> bool:
        """Hold the number with a lock of this session."""
        if number in self._held:
            return False  # the server would count it twice
        with self.explained():
            (taken,) = self._ask("SELECT pg_try_advisory_lock(%s)", (self._key(number),)).fetchone() or (False,)
        if taken:
            self._held.add(number)
        return bool(taken)

    def is_alive(self, number: int | None) -> bool:
        """Return whether some session has that lock; whoever asks does not get in another's way."""
        if number is None or number in self._held:
            return number is not None
        asked = "SELECT pg_try_advisory_xact_lock_shared(%s)"
        (free,) = self._ask(asked, (self._key(number),)).fetchone() or (False,)
        return not free

    def release(self, number: int) -> None:
        """Give the lock back."""
        self._held.discard(number)
        with self.explained():
            self._ask("SELECT pg_advisory_unlock(%s)", (self._key(number),))

    def reconnect(self, seconds: float = RECONNECT_SECONDS) -> None:
        """Begin a new session; a server that starts anew is waited for, and the session before is over then."""
        self._db.close()
        self._held.clear()
        deadline = monotonic() + seconds
        while True:
            try:
                self._db = self._connected()
                break
            except ConfigError:
                if monotonic() > deadline:
                    raise
                sleep(0.2)
        with ExitStack() as stack, self.explained():
            stack.callback(self._db.close)  # an unchecked session is not to be worked with
            before = self._session
            self._space = self._check_server() or 0
            self._end(before)
            stack.pop_all()

    def close(self) -> None:
        """End the session, and with it everything it holds."""
        self._is_over.set()
        with suppress(Exception):
            # The session ends a moment after it was told to; until then others would take this owner for alive.
            self._ask("SELECT pg_advisory_unlock_all()")
        with suppress(Exception):
            self._db.close()

    # --- a server that says nothing -----------------------------------------------------------------------------------

    def _connected(self) -> psycopg.Connection:
        db = _connect(self._server, self._hints)
        db.add_notice_handler(self._hear)
        return db

    def _hear(self, notice: psycopg.errors.Diagnostic) -> None:
        self._is_warned |= notice.severity_nonlocalized == "WARNING"

    def _ask(self, statement: str | bytes, values: Sequence[object] | None = None) -> psycopg.Cursor[Any]:
        with self._watched():
            return self._db.execute(statement if isinstance(statement, bytes) else statement.encode(), values)

    @contextmanager
    def _watched(self, more: float = 0.0) -> Iterator[None]:
        """Bound one statement: a lock's time-out does not bound a COMMIT, nor a line that only looks alive."""
        self._until = monotonic() + self._patience + _GRACE_SECONDS + more
        try:
            yield
        finally:
            self._until = inf

    def _watch(self) -> None:
        while not self._is_over.wait(1.0):
            if monotonic() > self._until:
                self._until = inf
                with suppress(Exception), socket.socket(fileno=os.dup(self._db.fileno())) as line:
                    line.shutdown(socket.SHUT_RDWR)  # whoever waits for the answer learns that there is none

    # --- what is not believed unasked ---------------------------------------------------------------------------------

    def _check_server(self) -> int | None:
        """Refuse a server whose word is not enough; return the number of the schema, None when it is not there."""
        settings = {**_SESSION, "search_path": f"{self._server.schema}, pg_temp"}
        calls = ", ".join(["set_config(%s, %s, false)"] * len(settings))
        self._ask(f"SELECT {calls}".encode(), [word for pair in settings.items() for word in pair])
        row = self._ask(_ASKED, (self._server.schema,)).fetchone()
        assert row is not None  # noqa: S101  (a SELECT without FROM)
        backend, standby, fsync, encoding, version, space, started = row
        problem = (
            "is reached through a pooler, and needs a session of its own" if backend != self._db.info.backend_pid
            else "is on a standby, whose locks nobody else sees" if standby
            else "is on a server with fsync = off, which forgets at a power cut what it has confirmed" if fsync != "on"
            else f"is in a database in {encoding}, not UTF8" if encoding != "UTF8"
            else "is on a server older than PostgreSQL 12" if version < 12_00_00
            else None
        )  # fmt: skip
        if problem:
            raise ConfigError(f"the journal {self._server} {problem}", hint="name the primary server itself")
        self._session = backend, started
        return space if space is None else int(space)

    def _end(self, session: Sequence[object]) -> None:
        """End a session of before whose connection is lost, should the server not have noticed.

        What it holds would look alive, and what it began would keep others waiting.
        """
        deadline = monotonic() + _CONNECT_SECONDS
        with suppress(Exception):  # a role that may not do that waits for the server's own patience
            while self._ask(_END, session).fetchone() and monotonic() < deadline:
                sleep(0.01)

    def _check_durability(self) -> None:
        (word,) = self._ask("SELECT current_setting('synchronous_commit')").fetchone() or ("",)
        if word not in _DURABLE:
            raise ConfigError(f"the journal {self._server} does not wait for its disk (synchronous_commit = {word})")

    def _check_layout(self, *, is_look: bool) -> int:
        """Return the layout, of which all or nothing was brought up to date; raise ConfigError for any other."""
        layout = self._layout()
        if layout in _ADDITIONS and not is_look:
            layout = self._bring_up_to_date()
        elif layout in _ADDITIONS and self._ask(_MAY_ADD, (self._server.schema,)).fetchone() != (True,):
            raise self._too_old()
        if layout is None or (layout != VERSION and layout not in _ADDITIONS):
            raise ConfigError(
                f"the journal {self._server} was written by another version of smscli (layout {layout}, not {VERSION})",
                hint=self._hints.newer,
            )
        return layout

    def _layout(self) -> int | None:
        # By its whole name: a schema that the role may not use would be passed over.
        row = self._ask(f"SELECT layout FROM {self._server.schema}.about".encode()).fetchone()  # noqa: S608  (ours)
        return row and int(row[0])

    def _bring_up_to_date(self) -> int | None:
        """Add the tables that the layout lacks; who may use the others may use them. Programs of before go on."""
        try:
            with self.writing("nothing was sent"):
                layout = self._layout()
                if layout not in _ADDITIONS:
                    return layout  # another session was faster
                # Who owns the tables of before need not be this role.
                rights = [*self._ask(_RIGHTS).fetchall(), *self._ask(_OWNER).fetchall()]
                for table in _ADDITIONS[layout]:
                    self._ask(_in_dialect(SCHEMA[table]))
                    for role, words in rights:
                        self._ask(f"GRANT {words} ON {table} TO {role}")
                self._ask("UPDATE about SET layout = %s", (VERSION,))
        except ConfigError as error:
            if getattr(error.__cause__, "sqlstate", None) != _FORBIDDEN:
                raise
            raise self._too_old() from None
        return VERSION

    def _too_old(self) -> ConfigError:
        what = "is of an earlier layout, which this role may not bring up to date; nothing was sent"
        return ConfigError(f"the journal {self._server} {what}", hint=self._hints.older)

    def _create(self) -> bool:
        """Make schema and tables, all or nothing; return whether it was this session that did."""
        with self.writing("nothing was sent"):  # before there is a schema, one lock serves all who make one
            # Reading a table makes the session notice what others have made since it last looked.
            anew = "SELECT to_regnamespace(%s) IS NULL FROM pg_namespace LIMIT 1"
            made = self._ask(anew, (self._server.schema,)).fetchone() == (True,)
            if made:
                for statement in (f"CREATE SCHEMA {self._server.schema}", *_tables()):
                    self._ask(statement)
                self._ask("INSERT INTO about VALUES (%s)", (VERSION,))
        return made

    def _wait_at_most(self, seconds: float) -> None:
        self._ask("SELECT set_config('lock_timeout', %s, true)", (f"{max(1, int(seconds * 1000))}ms",))

    def _key(self, number: int) -> int:
        """Return the advisory lock of a number: an owner's is its own, others belong to this schema."""
        return number if number >= FIRST_OWNER else -((self._space << 31) + number + 2)


def exists(server: Server, hints: Hints) -> bool:
    """Return whether there is a journal on the server; asking does not begin one."""
    import psycopg

    try:
        with _connect(server, hints) as db:
            return db.execute("SELECT to_regnamespace(%s) IS NOT NULL", (server.schema,)).fetchone() == (True,)
    except psycopg.Error as error:
        raise ConfigError(f"the connection to the journal {server} was lost", hint="try again") from error


def begin_anew(server: Server, hints: Hints) -> None:
    """Make the tables; raise ConflictError when they are there."""
    database = PostgresDatabase(server, hints)
    database.close()
    if not database.is_new:
        raise ConflictError(f"there is a journal already: {server}", hint="drop its schema first, if that is meant")


def _connect(server: Server, hints: Hints) -> psycopg.Connection:
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        reason = "" if isinstance(error, ModuleNotFoundError) else f" ({visible(str(error))})"
        raise ConfigError(
            f"a journal on a PostgreSQL server needs psycopg{reason}", hint="pip install 'smscli[postgres]'"
        ) from None
    try:
        given = conninfo_to_dict(server.url.reveal()) if server.is_plain else None
    except psycopg.Error:
        given = None  # what libpq says of it quotes it
    if given is None:
        raise ConfigError(
            f"the journal's URL cannot be read ({server})",
            hint="write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with %40 for @, %2F for / in the password",
        )
    try:
        settings: dict[str, Any] = {**_USUAL, **given}
        if "password" not in settings and server.password:
            settings["password"] = server.password().reveal()
        return psycopg.connect(**settings, autocommit=True, client_encoding="utf8")
    except psycopg.Error as error:
        raise ConfigError(
            f"the journal {server} cannot be reached: {visible(' '.join(str(error).split()))}", hint=hints.server
        ) from None


def _tables() -> Iterator[str]:
    """Yield the definitions in the server's dialect."""
    yield "CREATE TABLE about (layout INTEGER NOT NULL)"
    yield from map(_in_dialect, SCHEMA.values())


def _in_dialect(definition: str) -> str:
    statement = definition.replace(" INTEGER", " BIGINT").replace(" REAL", " DOUBLE PRECISION")
    return statement.replace(") WITHOUT ROWID", ")")

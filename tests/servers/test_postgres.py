"""The journal on a PostgreSQL server: which servers are refused, what a role needs, what becomes of a lost session."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from smscli.errors import ConfigError, ConflictError, SmscliError
from smscli.journal import Ending, Health, Hints, Journal, Server, State, TeamJournal, begin_anew, exists, look
from smscli.journal._database import LostError
from smscli.journal._postgres import PostgresDatabase
from smscli.journal._rows import InspectionRow
from smscli.model import Outcome, Secret
from tests.jobs import ALL, ANNA, BERTA, CARLA, NOON, ended, job
from tests.servers.cluster import (
    USER,
    Cluster,
    cluster,
    free_port,
    missing,
    ordinary_home,
    ordinary_user,
    standby,
)

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))

HINTS = Hints(newer="install a newer one", server="look at the server")


def refusal(url: str, schema: str = "smscli", password: Callable[[], Secret] | None = None) -> ConfigError:
    """Return why a journal there is refused."""
    with pytest.raises(ConfigError) as caught:
        Journal(Server(Secret(url), schema, password), now=lambda: NOON, hints=HINTS)
    assert caught.value.hint
    return caught.value


def send(place: Server, key: str = "backup") -> None:
    """Send one job, as the program does."""
    with Journal(place, now=lambda: NOON) as journal:
        journal.begin(job(key, text=key), once=60)
        journal.claim(key, ALL)
        journal.settle(key, ended(Outcome.NOT_SENT, *ALL))
        journal.claim(key, ALL)
        journal.settle(key, ended(Outcome.SENT, *ALL))


# --- servers whose word is not enough ---------------------------------------------------------------------------------


@contextmanager
def pooler(running: Cluster, mode: str) -> Iterator[str]:
    """Give the URL of a database behind a real pgbouncer."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip("needs pgbouncer (Debian: pgbouncer)")
    with ordinary_home("smscli-pgbouncer-") as home:
        port = free_port()
        (home / "users").write_text(f'"{USER}" ""\n')
        (home / "ini").write_text(
            f"[databases]\npostgres = host=127.0.0.1 port={running.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nauth_type = trust\nauth_file = {home}/users\nunix_socket_dir =\n"
            f"pool_mode = {mode}\n"
        )
        for file in home.iterdir():
            file.chmod(0o644)
        url = f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        with subprocess.Popen(
            [program, str(home / "ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **ordinary_user()
        ) as process:
            try:
                _wait_for(url)
                yield url
            finally:
                process.terminate()


def _wait_for(url: str) -> None:
    import psycopg

    for _ in range(100):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_is_refused(running_cluster: Cluster, mode: str) -> None:
    """Its sessions are not ours: a lock would stay with it, or be somebody else's."""
    with pooler(running_cluster, mode) as url:
        assert "is reached through a pooler" in refusal(url).message


def test_a_server_that_does_not_sync_is_refused() -> None:
    """A power cut would take claims with it whose requests have left."""
    with cluster("fsync = off") as running:
        assert "fsync = off" in refusal(running.url).message
        assert not exists(Server(Secret(running.url), "smscli"), HINTS)


def test_a_standby_is_refused() -> None:
    """Its locks are nobody else's; libpq leaves it aside, and where it is told not to, we do."""
    with cluster() as primary:
        send(Server(Secret(primary.url), "smscli"))
        with standby(primary) as second:
            assert "cannot be reached" in refusal(second.url).message
            assert "is on a standby" in refusal(f"{second.url}?target_session_attrs=any").message


def test_a_database_that_is_not_utf8_is_refused(running_cluster: Cluster) -> None:
    """Its texts are bytes of any meaning."""
    running_cluster.run_sql("CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0")
    assert "is in a database in SQL_ASCII, not UTF8" in refusal(running_cluster.url_of(USER, "bytes")).message


@pytest.mark.parametrize("change", ["UPDATE about SET layout = layout + 1", "DELETE FROM about"])
def test_another_layout_is_refused_and_left_as_it_is(place: Server, change: str) -> None:
    """It is a newer program's, and so is the hint."""
    with Journal(place, now=lambda: NOON) as journal:
        journal._db.execute(change)
    error = refusal(place.url.reveal(), place.schema)
    assert "was written by another version of smscli (layout " in error.message
    assert error.hint == HINTS.newer


def test_tables_that_are_not_as_they_were_made_are_damage(place: Server) -> None:
    """Somebody's own change, or half a restore."""
    with Journal(place, now=lambda: NOON) as journal:
        journal._db.execute("ALTER TABLE lookup RENAME TO elsewhere")
        with pytest.raises(ConfigError, match="is damaged: its tables are not as smscli made them; nothing was sent"):
            journal.begin(job())


def test_a_claim_is_on_disk_whatever_the_database_is_set_to(running_cluster: Cluster, place: Server) -> None:
    """The session asks for it, and looks before each commit."""
    running_cluster.run_sql("CREATE DATABASE hasty", "ALTER DATABASE hasty SET synchronous_commit = off")
    hasty = place._replace(url=Secret(running_cluster.url_of(USER, "hasty")))
    with Journal(hasty, now=lambda: NOON) as journal:
        assert journal._db.execute("SHOW synchronous_commit").fetchone() == ("on",)
        journal.begin(job())
        journal._db.execute("SET synchronous_commit = off")
        with pytest.raises(ConfigError, match="does not wait for its disk"):
            journal.claim("backup", ALL)
        journal._db.execute("SET synchronous_commit = on")
        assert {entry.state for entry in journal.show("backup")} == {State.NOT_SENT}


# --- roles ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def role(running_cluster: Cluster, place: Server) -> Server:
    """Return the place as a role meets it that may nothing yet."""
    name = f"role_of_{place.schema}"
    running_cluster.run_sql(f"CREATE ROLE {name} LOGIN")
    return place._replace(url=Secret(running_cluster.url_of(name)))


def test_a_role_that_may_not_create_is_told_so_on_first_use(role: Server) -> None:
    """Somebody who may has to begin the journal; nothing is left behind."""
    for _ in range(2):
        error = refusal(role.url.reveal(), role.schema)
        assert "does not let this role do that" in error.message
        assert error.hint is not None
        assert "grant it" in error.hint
    assert not exists(role, HINTS)


def test_a_role_that_may_not_look_into_the_schema_is_told_so(place: Server, role: Server) -> None:
    """Not that the journal is damaged."""
    begin_anew(place)
    assert "does not let this role do that" in refusal(role.url.reveal(), role.schema).message


def test_a_role_that_may_read_insert_and_update_can_send(running_cluster: Cluster, place: Server, role: Server) -> None:
    """And look, and decide; it cannot make a key free again."""
    begin_anew(place)
    name = f"role_of_{place.schema}"
    running_cluster.run_sql(
        f"GRANT USAGE ON SCHEMA {place.schema} TO {name}",
        f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA {place.schema} TO {name}",
    )
    send(role)
    with Journal(role, now=lambda: NOON) as journal:
        journal.begin(job("lost", text="lost"))
        journal.claim("lost", [ANNA])
    with Journal(role, now=lambda: NOON + 9) as journal:
        assert [str(entry.state) for entry in journal.stream()] == ["SENT"] * 3 + ["UNKNOWN", "NOT_SENT", "NOT_SENT"]
        journal.resolve("lost", sent=True)
        assert journal.check() == ()
        with pytest.raises(ConfigError, match="does not let this role do that; the rest was not forgotten"):
            journal.purge(1)
        assert journal.knows("backup")


def test_a_look_tells_what_a_send_would_meet(running_cluster: Cluster, place: Server, role: Server) -> None:
    """Nothing, what was sent, or that this role may not write."""
    assert look(place, HINTS, 1) is None
    send(place)
    assert look(place, HINTS, 1) == Health(counts=Counter(SENT=3))
    running_cluster.run_sql(
        f"GRANT USAGE ON SCHEMA {place.schema} TO role_of_{place.schema}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {place.schema} TO role_of_{place.schema}",
    )
    with pytest.raises(ConfigError, match="does not let this role write"):
        look(role, HINTS, 1)


def test_a_journal_that_is_there_is_not_begun_anew(place: Server) -> None:
    """Its keys would be free again."""
    assert not exists(place)
    begin_anew(place)
    assert exists(place)
    with pytest.raises(ConflictError, match="there is a journal already"):
        begin_anew(place)


# --- sessions that are lost -------------------------------------------------------------------------------------------


def end_session(running: Cluster, journal: Journal) -> None:
    """End a journal's session, as an administrator or a restart does."""
    assert isinstance(journal._db, PostgresDatabase)
    running.run_sql(f"SELECT pg_terminate_backend({journal._db._db.info.backend_pid}, 5000)")


def test_an_outcome_is_recorded_over_a_new_session(running_cluster: Cluster, place: Server) -> None:
    """Also when others have taken its owner for dead meanwhile."""
    with Journal(place, now=lambda: NOON) as journal:
        journal.begin(job())
        journal.claim("backup", ALL)
        end_session(running_cluster, journal)
        with Journal(place, now=lambda: NOON) as other:
            assert {entry.state for entry in other.show("backup")} == {State.UNKNOWN}
            journal.settle("backup", ended(Outcome.SENT, *ALL))
            assert {entry.state for entry in other.show("backup")} == {State.SENT}
            assert other.check() == ()
            assert other.begin(job()).replayed


def test_a_job_that_others_took_for_abandoned_is_theirs(running_cluster: Cluster, place: Server) -> None:
    """What had been claimed is still recorded; nothing more of it is."""
    with Journal(place, now=lambda: NOON) as journal, Journal(place, now=lambda: NOON) as other:
        journal.begin(job())
        journal.claim("backup", [ANNA])
        end_session(running_cluster, journal)
        assert other.begin(job()).pending == (BERTA, CARLA)
        journal.settle("backup", ended(Outcome.SENT, ANNA))
        with pytest.raises(ConflictError, match="by another process"):
            journal.claim("backup", [BERTA])
        other.claim("backup", [BERTA])
        other.settle("backup", ended(Outcome.SENT, BERTA))
        assert [str(entry.state) for entry in journal.show("backup")] == ["SENT", "SENT", "NOT_SENT"]


def test_a_claim_over_a_lost_session_sends_nothing(running_cluster: Cluster, place: Server) -> None:
    """The same journal claims anew over the next one."""
    with Journal(place, now=lambda: NOON) as journal:
        journal.begin(job())
        end_session(running_cluster, journal)
        with pytest.raises(LostError, match="the connection to the journal"):
            journal.claim("backup", ALL)
        assert {(entry.state, entry.message.attempt) for entry in journal.show("backup")} == {(State.NOT_SENT, 0)}
        journal.claim("backup", ALL)
        with Journal(place, now=lambda: NOON) as other, pytest.raises(ConflictError, match="by another process"):
            other.begin(job())


def test_whoever_ends_is_dead_at_once(place: Server) -> None:
    """The server needs a moment to end a session; the next command must not meet its locks."""
    with Journal(place, now=lambda: NOON) as other:
        for key in map(str, range(30)):
            with Journal(place, now=lambda: NOON) as journal:
                journal.begin(job(key, text=key))
            assert other.begin(job(key, text=key)).pending == ALL


# --- sessions at the same moment --------------------------------------------------------------------------------------


def meet(running: Cluster, journal: Journal, other: Callable[[], object]) -> Callable[[], list[SmscliError]]:
    """Let another session act between what the journal's next transaction reads and what that changes.

    It acts until it ends, or waits for a lock. Return what waits for its end and gives its errors.
    """
    import psycopg

    errors = list[SmscliError]()

    def act() -> None:
        try:
            other()
        except SmscliError as error:
            errors.append(error)

    def is_waiting() -> bool:
        with psycopg.connect(running.url) as db:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            return db.execute(waiting).fetchone() != (0,)

    def join() -> list[SmscliError]:
        thread.join()
        return errors

    def witness(*arguments: Any) -> object:
        tables.witness = real
        row = real(*arguments)
        thread.start()
        while thread.is_alive() and not is_waiting():
            time.sleep(0.01)
        return row

    thread = threading.Thread(target=act)
    tables: Any = journal._tables  # what a transaction reads last
    real, tables.witness = tables.witness, witness
    return join


@pytest.fixture
def pair(place: Server) -> Iterator[tuple[TeamJournal, TeamJournal]]:
    """Return two sessions."""
    with TeamJournal(place, now=lambda: NOON) as one, TeamJournal(place, now=lambda: NOON) as other:
        yield one, other


def test_claims_and_outcomes_of_two_sessions_are_all_counted(
    running_cluster: Cluster, pair: tuple[TeamJournal, TeamJournal]
) -> None:
    """By the count ``--once`` finds a job."""
    one, other = pair
    for journal in pair:
        journal.begin(job(), together=True)
    join = meet(running_cluster, one, lambda: other.claim("backup", [BERTA]))
    one.claim("backup", [ANNA])
    assert join() == []
    assert one.check() == ()
    join = meet(running_cluster, one, lambda: other.settle("backup", ended(Outcome.REFUSED, BERTA)))
    one.settle("backup", ended(Outcome.SENT, ANNA))
    assert join() == []
    assert one.check() == ()


def test_batches_of_two_sessions_are_all_counted(
    running_cluster: Cluster, pair: tuple[TeamJournal, TeamJournal]
) -> None:
    """As claims are."""
    one, other = pair
    one.plan(job(to=[]), [(1, ANNA, "hi"), (2, BERTA, "hi")], 2)
    other.join("backup", "demo")
    join = meet(running_cluster, one, lambda: other.advance("backup", [], 1))
    one.advance("backup", [], 1)
    assert join() == []
    assert one.counts() == {"IN_FLIGHT": 2}
    assert one.check() == ()


def test_of_two_sessions_that_claim_one_recipient_at_once_one_has_it(
    running_cluster: Cluster, pair: tuple[TeamJournal, TeamJournal]
) -> None:
    """The other one sees it as somebody's, before that has committed."""
    one, other = pair
    for journal in pair:
        journal.begin(job(), together=True)
    join = meet(running_cluster, one, lambda: other.claim("backup", [ANNA]))
    one.claim("backup", [ANNA])
    assert [type(error) for error in join()] == [ConflictError]


def test_what_is_being_recorded_is_not_sent_once_more(
    running_cluster: Cluster, pair: tuple[TeamJournal, TeamJournal]
) -> None:
    """An outcome comes late, just as another session takes what is UNKNOWN."""
    one, other = pair
    one.plan(job(to=[]), [(1, ANNA, "hi")], 1)
    one.advance("backup", [], 1)
    one._db.release(one._own())  # as a session that ended lets go of it
    other.join("backup", "demo", resends_unknown=True)
    taken = list[object]()
    join = meet(running_cluster, one, lambda: taken.extend(other.advance("backup", [], 1)[0]))
    assert one.finish("backup", [Ending({1: ended(Outcome.SENT, ANNA)[0]})]) == []
    assert (join(), taken) == ([], [])
    assert one.counts() == {"SENT": 1}


def test_sessions_that_send_do_not_wait_for_each_other(pair: tuple[TeamJournal, TeamJournal]) -> None:
    """Whoever is in the middle of a claim keeps nobody from another one: a slow host is not everybody's."""
    one, other = pair
    one.begin(job(), together=True)
    one.plan(job("list", to=[]), [(1, ANNA, "hi")], 1)
    with other._db.writing("", alone=False):
        one.claim("backup", [ANNA])
        one.confirm("backup", [ANNA])
        one.settle("backup", ended(Outcome.SENT, ANNA))
        assert len(one.advance("list", [], 1)[0]) == 1


# --- what may be secret -----------------------------------------------------------------------------------------------

CANARY = "can4ry"
MALFORMED = [
    "postgresql://sms:can4ry@127.0.0.1:port/postgres",
    "postgresql://sms:can4ry@127.0.0.1:1/postgres?sslmode=never",
    "postgresql://sms:can4ry@127.0.0.1:1/postgres?nonsense=1",
    "postgresql://sms:can4ry@127.0.0.1:1/postgres?nonsense",
    "postgresql://sms:can4ry%zz@127.0.0.1:1/postgres",
    "postgresql://sms:x/can4ry@127.0.0.1:1/postgres",
    "postgresql://sms:can4ry/x@127.0.0.1:1/postgres",
    "postgresql://sms:1/can4ry@127.0.0.1:1/postgres",
    "postgresql://sms:1?can4ry@127.0.0.1:1/postgres",
    "postgresql://sms:can4ry?@127.0.0.1:1/postgres",
    "postgresql://sms:x@can4ry@127.0.0.1:1/postgres",
    "postgresql://sms:@can4ry@127.0.0.1:1/postgres",
    "postgresql://sms:can4ry",
    "postgresql://sms:can4ry@",
    "postgresql://sms:[can4ry@127.0.0.1:1/postgres",
    "postgresql://sms:can4ry@[::1/postgres",
    "postgresql://sms@127.0.0.1:1/postgres?password=can4ry&password=",
    "postgresql://sms@127.0.0.1:1/postgres?passwd=can4ry",
    "postgresql://sms:can4ry 1@127.0.0.1:1/postgres",
    "postgresql://sms:can4ry\n1@127.0.0.1:1/postgres",
]


def is_silent(error: ConfigError, server: Server) -> bool:
    """Return whether nothing that is said or could be printed holds the password."""
    said = (str(error), repr(error), error.message, error.hint, *error.problems, str(server), repr(server))
    printed = "".join(traceback.format_exception(error))
    return not [text for text in (*map(str, said), printed) if CANARY in text]


@pytest.mark.parametrize("url", MALFORMED)
def test_a_url_that_is_wrong_is_not_repeated(url: str) -> None:
    """Wherever it breaks off, a piece of the password may stand there."""
    assert is_silent(refusal(url), Server(Secret(url), "smscli"))


@pytest.fixture(scope="module")
def guarded() -> Iterator[Cluster]:
    """A server that asks one role for a password."""
    with cluster() as running:
        running.run_sql("CREATE ROLE sms LOGIN PASSWORD 'right'", "GRANT CREATE ON DATABASE postgres TO sms")
        running.ask_for_password("sms")
        yield running


def test_a_wrong_password_is_not_repeated(guarded: Cluster) -> None:
    """Whether it stood in the URL or a command printed it."""
    url = guarded.url_of("sms", password=CANARY)
    error = refusal(url)
    assert 'password authentication failed for user "sms"' in error.message
    assert is_silent(error, Server(Secret(url), "smscli"))
    server = Server(Secret(guarded.url_of("sms")), "smscli", lambda: Secret(CANARY))
    error = refusal(server.url.reveal(), password=server.password)
    assert "password authentication failed" in error.message
    assert is_silent(error, server)


def test_the_password_of_a_command_is_used_where_the_url_has_none(guarded: Cluster) -> None:
    """One that stands there is the right one."""
    asked: list[str] = []

    def password() -> Secret:
        asked.append("asked")
        return Secret("right")

    send(Server(Secret(guarded.url_of("sms")), "one", password))
    assert asked == ["asked"]
    send(Server(Secret(guarded.url_of("sms", password="right")), "two", password))
    assert asked == ["asked"]


def test_a_password_file_is_read_by_libpq(guarded: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere: PGPASSFILE, mode 0600."""
    file = tmp_path / "pgpass"
    file.touch(0o600)
    file.write_text("*:*:*:sms:right\n")
    monkeypatch.setenv("PGPASSFILE", str(file))
    send(Server(Secret(guarded.url_of("sms")), "three"))


@pytest.mark.parametrize("host", ["127.0.0.1:1", "name.invalid:5432"])
def test_a_server_that_is_not_there_is_said_without_the_password(host: str) -> None:
    """Host and port are named, as far as they go."""
    url = f"postgresql://sms:{CANARY}@{host}/postgres"
    error = refusal(url)
    assert "cannot be reached" in error.message
    assert host.partition(":")[0] in error.message
    assert is_silent(error, Server(Secret(url), "smscli"))


def test_trouble_of_a_session_is_said_without_the_password(guarded: Cluster) -> None:
    """Lost in the middle, or refused by the server."""
    server = Server(Secret(guarded.url_of("sms", password="right")), "four")
    canary = server._replace(url=Secret(f"{server.url.reveal()}?application_name={CANARY}"))
    with Journal(canary, now=lambda: NOON) as journal:
        end_session(guarded, journal)
        with pytest.raises(LostError) as caught:
            journal.begin(job())
    assert is_silent(caught.value, canary)


def test_a_commit_that_gets_no_answer_is_bounded(
    running_cluster: Cluster, place: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby that has to confirm is gone: none of the server's time-outs ends that wait."""
    monkeypatch.setattr("smscli.journal._postgres._GRACE_SECONDS", 0.5)
    with Journal(place, now=lambda: NOON) as journal, standby_needed(running_cluster):
        started = time.monotonic()
        with pytest.raises(LostError, match="was lost"), journal._db.writing("nothing was sent", seconds=0.5):
            journal._tables.put_inspection(InspectionRow(1, NOON, None))
        assert time.monotonic() - started < 9


def test_what_was_committed_with_a_warning_is_not_believed(running_cluster: Cluster, place: Server) -> None:
    """Somebody cancels the wait for the standby: it is on one disk only, and a failover would forget it."""
    with Journal(place, now=lambda: NOON) as journal, standby_needed(running_cluster):
        cancel = threading.Timer(1.0, cancel_waiting, [running_cluster])
        cancel.start()
        with pytest.raises(LostError, match="is not sure of what it committed"), journal._db.writing(""):
            journal._tables.put_inspection(InspectionRow(1, NOON, None))
        cancel.join()


def test_an_outcome_waits_for_a_server_that_is_away() -> None:
    """Longer than anything else does: twelve seconds are no reason to call an accepted message unknown."""
    with cluster() as away, Journal(Server(Secret(away.url), "smscli"), now=lambda: NOON) as journal:
        journal.begin(job())
        journal.claim("backup", ALL)
        away.stop("immediate")
        back = threading.Timer(12.0, away.start)
        back.start()
        journal.settle("backup", ended(Outcome.SENT, *ALL))
        back.join()
        assert {entry.state for entry in journal.show("backup")} == {State.SENT}


@contextmanager
def standby_needed(running: Cluster) -> Iterator[None]:
    """Let every commit wait for a standby that does not exist."""
    import psycopg

    with psycopg.connect(running.url, autocommit=True) as db:
        db.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        db.execute("SELECT pg_reload_conf()")
        time.sleep(1)
        try:
            yield
        finally:
            db.execute("ALTER SYSTEM RESET synchronous_standby_names")
            db.execute("SELECT pg_reload_conf()")
            time.sleep(1)


def cancel_waiting(running: Cluster) -> None:
    """Cancel every wait for a standby."""
    import psycopg

    with psycopg.connect(running.url, autocommit=True) as db:
        db.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")

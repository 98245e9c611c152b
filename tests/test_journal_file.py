"""The journal that is a file: damage, modes, strange places, other programs at it, and what a power cut leaves."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sqlite3  # noqa: TID253  (to damage journals behind their back)
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from pathlib import Path

import pytest

from smscli.cli.hints import journal_hints
from smscli.errors import ConfigError, ConflictError, ExitCode, SmscliError
from smscli.journal import BUSY_SECONDS, Ending, Journal, State, TeamJournal, _file, begin_anew, exists, look
from smscli.journal._entries import NO_HINTS
from smscli.model import MSISDN, Outcome
from tests.jobs import ALL, ANNA, BERTA, NOON, STALE, connection, ended, job

# --- what is in the file ----------------------------------------------------------------------------------------------


def test_a_text_is_in_the_file_only_for_the_job_that_asked_for_it(opened: Callable[..., Journal], path: Path) -> None:
    """Otherwise not a letter of it."""
    opened().begin(job("quiet", text="canary-4711"))
    assert b"canary-4711" not in path.read_bytes()
    opened().begin(job("open", text="canary-4712", store_text=True))
    assert b"canary-4712" in path.read_bytes()


def test_purged_numbers_are_gone_from_the_file(opened: Callable[..., Journal], path: Path) -> None:
    """Forgetting is for privacy: the bytes are overwritten, not only unlinked."""
    journal = opened()
    journal.begin(job("old", text="canary-4711", store_text=True))
    journal.claim("old", ALL)
    journal.settle("old", ended(Outcome.SENT, *ALL))
    journal.close()
    assert ANNA.digits.encode() in path.read_bytes()
    assert opened(at=100).purge(99) == 3
    left = path.read_bytes()
    assert ANNA.digits.encode() not in left
    assert b"canary-4711" not in left


def test_a_commit_survives_a_power_cut(opened: Callable[..., Journal]) -> None:
    """No test pulls the plug; these settings are what SQLite's promise hangs on (synchronous 3 is EXTRA)."""
    wanted = {"synchronous": 3, "fullfsync": 1, "journal_mode": "delete", "secure_delete": 1}
    db = connection(opened())
    assert {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted


def test_statistics_of_an_administrator_do_no_harm(opened: Callable[..., Journal], path: Path) -> None:
    """ANALYZE leaves a table of SQLite's own in the file."""
    opened().begin(job())
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("ANALYZE")
    assert opened().check() == ()


# --- beside other processes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "recorded"), [(20.0, True), (0.0, False)])
def test_an_outcome_waits_for_a_reader_as_long_as_it_is_given(
    opened: Callable[..., Journal], path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, recorded: bool
) -> None:
    """A long reader keeps a commit waiting: longer than usual, where the caller has the time."""
    monkeypatch.setattr("smscli.journal._store._SETTLE_SECONDS", 0.1)  # rather than a test of ten seconds
    journal = opened()
    journal.begin(job())
    journal.claim("backup", ALL)
    reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM message").fetchone()
    done = threading.Timer(1, reader.rollback)
    done.start()
    with nullcontext() if recorded else pytest.raises(ConfigError, match=r"busy.*counts as unknown from now on"):
        journal.settle("backup", ended(Outcome.SENT, *ALL), seconds=seconds)
    done.join()
    reader.close()
    assert {entry.state for entry in opened().stream()} == {State.SENT if recorded else State.IN_FLIGHT}


def test_reading_never_holds_the_write_lock_nor_the_file_for_long(opened: Callable[..., Journal]) -> None:
    """A listing of many jobs is many short reads; between any two of them, and beside each, a send can begin."""
    journal, other = opened(), opened()
    connection(journal).execute("PRAGMA synchronous = OFF")
    for number in range(450):
        journal.begin(job(f"key-{number}", to=[ANNA]))
    statements: list[str] = []
    reader = opened()
    connection(reader).set_trace_callback(statements.append)
    assert len(tuple(reader.stream())) == 450
    begun = [statement for statement in statements if statement.startswith("BEGIN")]
    assert set(begun) == {"BEGIN DEFERRED"}
    assert len(begun) > 2
    with reader._db.reading():
        reader._db.execute("SELECT count(*) FROM job").fetchone()
        other._db.execute("BEGIN IMMEDIATE")
        other._db.execute("ROLLBACK")


def test_purge_goes_in_steps(opened: Callable[..., Journal]) -> None:
    """The oldest first, no step more than a page of jobs; a send that waits gets its turn between two of them."""
    journal = opened()
    connection(journal).execute("PRAGMA synchronous = OFF")
    for number in range(450):
        journal.begin(job(f"key-{number}", to=[ANNA]))
    journal.close()
    purging = opened(at=100)
    statements: list[str] = []
    connection(purging).set_trace_callback(statements.append)
    assert purging.purge(10) == 450
    steps = " ".join(word.split()[0] for word in statements).split("BEGIN")
    assert max(step.count("DELETE") for step in steps) <= 7 * 120
    forgotten = [word.rpartition(" ")[2] for word in statements if word.startswith("DELETE FROM job ")]
    assert forgotten == [str(number) for number in range(1, 451)]


def test_a_step_waits_for_other_processes_as_long_as_it_says(opened: Callable[..., Journal]) -> None:
    """From the moment at which the file is opened."""
    journal = opened()
    for _ in range(2):
        assert connection(journal).execute("PRAGMA busy_timeout").fetchone() == (1000 * BUSY_SECONDS,)
        journal.check()


def test_of_several_who_begin_a_journal_at_once_one_has_begun_it(path: Path) -> None:
    """The others are told that it is there: what they meant to begin anew is not new."""
    everybody, began = threading.Barrier(8), list[bool]()

    def begin() -> None:
        everybody.wait(30)
        try:
            begin_anew(path)
        except ConflictError:
            began.append(False)
        else:
            began.append(True)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(began) == [False] * 7 + [True]


def test_a_new_journal_is_made_beside_its_place(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not where the system keeps what is temporary; what a killed process leaves is hidden and named after it."""
    real, new = os.link, list[Path]()

    def link(source: Path, target: Path) -> None:
        new.append(source)
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    begin_anew(path)
    assert [(file.parent, file.name.rpartition("-")[0]) for file in new] == [(path.parent, f".{path.name}")]


def test_there_is_a_journal_where_the_file_or_its_lock_file_is(opened: Callable[..., Journal], path: Path) -> None:
    """One that is gone was begun, and so was one that came without its lock file."""
    assert not exists(path)
    opened().close()
    lock, there = path.with_name(f"{path.name}.lock"), path.read_bytes()
    path.unlink()
    assert exists(path)
    lock.unlink()
    path.write_bytes(there)
    assert exists(path)


def test_a_journal_that_is_gone_is_begun_anew_by_request_only(opened: Callable[..., Journal], path: Path) -> None:
    """And never in the place of one that is there."""
    opened().close()
    path.unlink()
    with pytest.raises(ConfigError, match=f"the journal {path} is gone"):
        opened()
    begin_anew(path)
    assert not opened().is_new
    with pytest.raises(ConflictError, match=rf"there is a journal already: {path}$"):
        begin_anew(path)


# --- damage and strange places ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the bytes of a journal with every state."""
    path = tmp_path_factory.mktemp("sound") / "journal"
    with Journal(path, now=lambda: NOON) as journal:
        for number, outcome in enumerate(Outcome):
            journal.begin(job(f"key-{number}", text=f"text {number}"))
            journal.claim(f"key-{number}", ALL)
            journal.settle(f"key-{number}", ended(outcome, *ALL, reason=STALE), "HTTP 200")
    return path.read_bytes()


def test_damage_is_refused_or_harmless_and_the_file_is_never_replaced(sound: bytes, path: Path) -> None:
    """200 times one byte changed or the end cut off: the truth or ConfigError, and the file stays as it was found."""
    path.parent.mkdir(mode=0o700)

    def keep(content: bytes) -> None:
        path.write_bytes(content)
        path.chmod(0o600)

    def truth() -> tuple[object, ...]:
        with Journal(path, now=lambda: NOON, hints=journal_hints(sandbox=False)) as journal:
            begun = tuple(journal.begin(job(f"key-{n}", text=f"text {n}")) for n in range(4))
            # What no send and no list has read, the check reports.
            problems = journal.check()
            if problems:
                raise ConfigError(problems[0], hint="look at each")
            return begun, tuple(journal.stream())

    keep(sound)
    expected = truth()
    chance = random.Random(20300101)  # noqa: S311  (chosen damage, the same each time)
    used = [index for index, byte in enumerate(sound) if byte]
    refused = 0
    for case in range(200):
        damaged = bytearray(sound)
        if case % 4 == 0:
            del damaged[chance.randrange(len(sound)) :]
        else:
            damaged[chance.choice(used)] ^= chance.randrange(1, 256)
        keep(bytes(damaged))
        file = path.stat().st_ino
        try:
            told = truth()
        except ConfigError as error:
            refused += 1
            told = (expected, error.hint and path.read_bytes() == damaged)
        else:
            told = (told, True)
        assert told == (expected, True), f"case {case}: another truth, a changed file or no hint"
        assert path.stat().st_ino == file
    assert refused > 100, f"only {refused} of 200 were noticed"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("PRAGMA user_version = 6", "the journal {path} was written by another version of smscli"),
        ("PRAGMA application_id = 7", "^{path} is not a smscli journal"),
        ("DROP INDEX job_of_content", "the journal {path} is damaged"),
        ("UPDATE message SET state = 'SENT' WHERE state = 'UNKNOWN'", "checksum"),
        ("DELETE FROM message WHERE state = 'UNKNOWN'", "missing"),
        ("UPDATE job SET sender = x'ff00'", "checksum"),
        ("UPDATE job SET sender = CAST(x'ff41' AS TEXT)", "checksum"),
    ],
)
def test_a_file_changed_by_something_else_is_refused(sound: bytes, path: Path, sql: str, told: str) -> None:
    """Newer versions, foreign databases and edits behind smscli's back end in words, not in sends."""
    path.parent.mkdir(mode=0o700)
    path.write_bytes(sound)
    path.chmod(0o600)
    db = sqlite3.connect(path)
    db.execute(sql)
    db.commit()
    db.close()
    with (
        pytest.raises(ConfigError, match=told.format(path=path)) as caught,
        Journal(path, now=lambda: NOON, hints=journal_hints(sandbox=False)) as journal,
    ):
        journal.begin(job("key-3", text="text 3"))
    assert caught.value.hint


def test_a_message_that_is_gone_is_damage_not_somebody_elses(opened: Callable[..., Journal], path: Path) -> None:
    """Whoever claims it is told so, and what to do is not to wait."""
    journal = opened()
    journal.begin(job())
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM message WHERE position = 1")
    with pytest.raises(ConfigError, match="damaged: recipients of key 'backup' are missing"):
        journal.claim("backup", ALL)
    with pytest.raises(ConfigError, match="damaged: 1 recipients of key 'backup' are missing"):
        opened().begin(job())


def test_check_lists_every_broken_row_by_key(sound: bytes, path: Path) -> None:
    """The check reads all, also what a single send would never look at."""
    path.parent.mkdir(mode=0o700)
    path.write_bytes(sound)
    path.chmod(0o600)
    db = sqlite3.connect(path)
    db.execute("UPDATE message SET parts = 7 WHERE job IN (1, 3)")
    db.commit()
    db.close()
    with Journal(path, now=lambda: NOON) as journal:
        assert [line.partition(":")[0] for line in journal.check()] == ["key 'key-0'", "key 'key-2'"]


def lock(path: Path) -> Path:
    """Return the lock file beside the journal."""
    return path.with_name(f"{path.name}.lock")


def begun(path: Path) -> Path:
    """Return where the lock file of a new journal will be."""
    begin_anew(path)
    return lock(path)


def test_a_file_that_is_no_journal_is_not_to_be_made_private(path: Path) -> None:
    """Whoever names a list of people as the journal is not told to change its mode."""
    path.parent.mkdir(mode=0o700)
    path.write_text("phone;name\n+37061234567;Ona\n")
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="is not a smscli journal") as caught:
        Journal(path, now=lambda: NOON, hints=journal_hints(sandbox=False))
    assert "chmod" not in (caught.value.hint or "chmod")


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda path: path.mkdir(mode=0o700), "not a regular file"),
        (lambda path: os.mkfifo(path, 0o600), "not a regular file"),
        (lambda path: path.symlink_to("/dev/null"), "not a regular file"),
        (lambda path: path.touch(0o600), "is not a smscli journal"),
        (lambda path: (path.touch(0o600), path.write_text("key,outcome\n")), "is damaged"),
        (lambda path: (path.touch(), path.chmod(0o640)), r"can be read or changed by others \(mode 0640\)"),
        (lambda path: begun(path).mkdir(), "cannot be used: Is a directory"),
        (lambda path: begun(path).symlink_to("/dev/null"), "Too many levels of symbolic"),
        (lambda path: lock(path).touch(), "is gone, and what its keys have sent could go out again"),
        (lambda path: path.parent.chmod(0o777), r"can be changed by others \(mode 0777\)"),
        (lambda path: path.parent.chmod(0o770), r"can be changed by others \(mode 0770\)"),
        (lambda path: path.parent.chmod(0o1777), r"can be changed by others \(mode 1777\)"),
        (lambda path: (path.parent.rmdir(), path.parent.touch()), "cannot be used: "),
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_trusted_is_refused(path: Path, prepare: Callable[[Path], object], told: str) -> None:
    """Each is told with what to do, and left as it is."""
    path.parent.mkdir(mode=0o700)
    prepare(path)
    with pytest.raises(ConfigError, match=told) as caught:
        Journal(path, now=lambda: NOON, hints=journal_hints(sandbox=False))
    assert caught.value.hint


def test_a_look_names_the_journal_that_could_not_be_made(path: Path) -> None:
    """A file stands where its directory would be."""
    path.parent.touch()
    with pytest.raises(ConfigError, match=f"the journal {path} cannot be written"):
        look(path, NO_HINTS, 1)


def test_a_symbolic_link_to_a_journal_is_followed(path: Path, tmp_path: Path) -> None:
    """Both names are one journal with one set of locks."""
    link = tmp_path / "link"
    with Journal(path, now=lambda: NOON) as journal:
        link.symlink_to(path)
        journal.begin(job())
        with Journal(link, now=lambda: NOON) as other, pytest.raises(ConflictError):
            other.begin(job())
    assert not link.with_name("link.lock").exists()


SCRIPT = """
import json, os, resource, sys, time
from pathlib import Path
from smscli.errors import SmscliError
from smscli.journal import Job, Journal
from smscli.model import MSISDN, Outcome, Submission
path, step = Path(sys.argv[1]), sys.argv[2]
to = (MSISDN("37061234567"),)

def full(now):
    if now == step:
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, resource.RLIM_INFINITY))

try:
    full("open")
    journal = Journal(path, now=time.time)
    full("begin")
    journal.begin(Job(sys.argv[3], "lightsms", "", "", "", tuple((n, "hi") for n in to), sys.argv[3]))
    full("claim")
    journal.claim(sys.argv[3], to)
    full("settle")
    journal.settle(sys.argv[3], [Submission(to[0], Outcome.SENT, "1")])
    print(json.dumps(["ended"]))
except SmscliError as error:
    first = [type(error).__name__, error.message]
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        journal.claim(sys.argv[3], to)
        print(json.dumps([*first, "claimed after all"]))
    except NameError:
        print(json.dumps(first))
    except SmscliError as error:
        print(json.dumps([*first, error.message]))
"""


def run(path: Path, step: str = "", *, key: str = "backup", umask: int = -1) -> list[str]:
    """Run one whole send in a process of its own; return how it ended."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), step, key], capture_output=True, text=True, umask=umask, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    told: list[str] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    ("step", "consequence", "state"),
    [
        ("open", "", None),
        ("begin", "nothing was sent", None),
        ("claim", "nothing was sent to these recipients", "NOT_SENT"),
        ("settle", "counts as unknown from now on", "UNKNOWN"),
    ],
)
def test_a_disk_that_takes_no_more_ends_in_the_safe_state(
    path: Path, step: str, consequence: str, state: str | None
) -> None:
    """The write fails, the error says what follows, nothing is tried again, and a later run finds what is true."""
    if step != "open":
        assert run(path, key="earlier") == ["ended"]
    kind, message, *again = run(path, step)
    assert kind == "ConfigError"
    assert message.endswith(consequence), message
    assert step == "open" or "failed before in this run" in again[0] or "not begun" in again[0]
    with Journal(path, now=lambda: NOON) as journal:
        assert [str(entry.state) for entry in journal.stream() if entry.key == "backup"] == ([state] if state else [])
        assert journal.check() == ()
    left = {file.name for file in path.parent.iterdir()}
    assert left == {path.name, f"{path.name}.lock"}, "nothing half made stays behind"


@pytest.mark.parametrize(
    ("ends", "consequence"),
    [(True, "what became of these recipients is not recorded"), (False, "nothing more was sent")],
)
def test_what_a_batch_that_is_not_recorded_means_is_said(path: Path, ends: bool, consequence: str) -> None:
    """More was sent only where something has ended."""
    messages = [(1, ANNA, "hi"), (2, BERTA, "hi")]
    with TeamJournal(path, now=lambda: NOON) as journal:
        journal.plan(job(to=[]), messages, 2)
        (batch,), _ = journal.advance("backup", [], 1)
        endings = [Ending({1: ended(Outcome.SENT, *batch.places)[0]})] if ends else []
        connection(journal).execute("PRAGMA query_only = ON")
        with pytest.raises(ConfigError, match=f"cannot be written .*; {consequence}"):
            journal.advance("backup", endings, 1)


def test_what_many_workers_have_ended_at_once_is_recorded_in_however_many_statements(path: Path) -> None:
    """SQLite as others build it takes 32 766 values in one; here, 1200 stand for them."""
    messages = [(place, MSISDN(f"3706{place:07}"), "hi") for place in range(1, 3001)]
    with TeamJournal(path, now=lambda: NOON) as journal:
        journal.plan(job(to=[]), messages, len(messages), batch_size=1000)
        connection(journal).setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 1200)
        batches, _ = journal.advance("backup", [], 3)
        endings = [
            Ending({place: ended(Outcome.SENT, to)[0] for to, place in batch.places.items()}) for batch in batches
        ]
        assert journal.advance("backup", endings[::-1], 0) == ([], [])
        assert journal.counts() == {"SENT": 3000}
        assert journal.check() == ()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_modes_are_explicit_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    """Files 0600, directories 0700."""
    path = tmp_path / "a" / "b" / "journal"
    assert run(path, umask=umask) == ["ended"]
    found = {p.name: oct(stat.S_IMODE(p.stat().st_mode)) for p in (tmp_path / "a", *(tmp_path / "a").rglob("*"))}
    assert found == {"a": "0o700", "b": "0o700", "journal": "0o600", "journal.lock": "0o600"}


def test_what_a_process_holds_its_forked_child_does_not(path: Path) -> None:
    """The kernel gives a child none of its parent's record locks; what it believes must not be inherited either."""
    context = multiprocessing.get_context("fork")
    results, closed = context.Queue(), context.Event()

    def look() -> None:
        for _ in range(2):
            try:
                with Journal(path, now=lambda: NOON) as journal:
                    results.put(str(len(journal.begin(job()).pending)))
            except ConflictError as error:
                results.put(error.message)
            closed.wait(30)

    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job())
        child = context.Process(target=look, daemon=True)
        child.start()
        assert "being sent by another process" in results.get(timeout=30)
    closed.set()
    assert results.get(timeout=30) == "3", "the child believes that its parent still holds the job"
    child.join()


def open_files(path: Path) -> int:
    """Return how many descriptors of this process are of that file."""
    found = 0
    for descriptor in Path("/dev/fd").iterdir():
        with suppress(OSError):  # that of the listing itself
            found += os.path.samestat(os.fstat(int(descriptor.name)), path.stat())
    return found


def test_the_lock_file_is_open_as_long_as_a_journal_of_the_process_is(
    opened: Callable[..., Journal], path: Path
) -> None:
    """One descriptor for all of them: to close another one would drop every lock."""
    lock = path.with_name(f"{path.name}.lock")
    one, other = opened(), opened()
    assert open_files(lock) == 1
    one.close()
    assert open_files(lock) == 1
    other.close()
    assert open_files(lock) == 0


LOCKER = """
import fcntl, sys
with open(sys.argv[1], "r+") as file:
    for number in sys.argv[2:]:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(number))
        except OSError:
            print(number, end=" ")
    print(flush=True)
    sys.stdin.read()
"""


def test_a_number_is_held_and_released_alone(opened: Callable[..., Journal], path: Path) -> None:
    """Its neighbours are other jobs: what the kernel says of them is what another process finds."""
    argv = [sys.executable, "-c", LOCKER, f"{path}.lock"]

    def held() -> str:
        return subprocess.run([*argv, *"3456"], input="", capture_output=True, text=True, check=True).stdout

    db = opened()._db
    with subprocess.Popen([*argv, "5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as locker:
        assert locker.stdout is not None
        assert locker.stdout.readline() == "\n"
        assert db.is_alive(5)
        assert not db.hold(5)
        locker.communicate()
    assert db.hold(5)
    assert held() == "5 \n"
    assert db.hold(4)
    assert db.hold(6)
    db.release(5)
    assert held() == "4 6 \n"
    assert [number for number in (3, 4, 5, 6) if db.is_alive(number)] == [4, 6]
    db.release(4)
    other = opened()._db
    assert not other.hold(6)
    assert other.hold(4)
    db.close()
    assert held() == "4 \n", "what it had released is another journal's by now"


@pytest.mark.parametrize("age", [-0.1, 0.0, 0.9, 1.0])
def test_a_rollback_journal_of_this_second_is_a_living_process(
    opened: Callable[..., Journal], path: Path, age: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction takes milliseconds; what is older, or of a clock that was ahead, was left."""
    opened().close()
    rollback = path.with_name(f"{path.name}-journal")
    rollback.touch(0o600)
    os.utime(rollback, (NOON, NOON))
    monkeypatch.setattr(_file, "time", lambda: NOON + age)
    assert opened()._db.recovered is (age in (-0.1, 1.0))


def test_a_lock_file_that_is_none_is_refused(opened: Callable[..., Journal], path: Path) -> None:
    """Two processes at a pipe would not see each other's locks."""
    opened().close()
    lock = path.with_name(f"{path.name}.lock")
    lock.unlink()
    os.mkfifo(lock)
    with pytest.raises(ConfigError, match=f"the lock file {lock} is no file of yours"):
        opened()


def test_a_journal_in_another_mode_is_brought_back_or_refused(path: Path) -> None:
    """What our promises hang on does not hold in WAL mode, which another program may have switched it to."""
    begin_anew(path)
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("SELECT count(*) FROM job").fetchone()
    with pytest.raises(ConfigError):
        Journal(path, now=lambda: NOON)
    other.close()
    with Journal(path, now=lambda: NOON) as journal:
        assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_new_journal_is_in_its_directory_for_good(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is synced to disk after it was given: a power cut must not take the journal with the keys it has."""
    path.parent.mkdir(mode=0o700)
    synced: list[bool] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        real(handle)
        if os.path.samestat(os.fstat(handle), path.parent.stat()):
            synced.append(path.exists())

    monkeypatch.setattr(os, "fsync", fsync)
    begin_anew(path)
    assert synced[-1:] == [True]


NOBODY = 65534


def begin_as_nobody(path: Path, key: str) -> str:
    """Begin a job in a process that modes can stop, as they never stop root; return how it ended."""

    def begin(results: object) -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        try:
            with Journal(path, now=lambda: NOON) as journal:
                journal.begin(job(key, text=key))
            told = "begun"
        except ConfigError as error:
            told = error.message
        results.put(told)  # type: ignore[attr-defined]  # multiprocessing's own types are not importable

    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=begin, args=(results,), daemon=True)
    child.start()
    told: str = results.get(timeout=30)
    child.join()
    return told


def test_read_only_places_are_refused_before_anything_is_sent() -> None:
    """A directory without write permission, with and without a journal in it, and a journal that is read-only."""
    with tempfile.TemporaryDirectory() as name:
        place, path = Path(name), Path(name) / "journal"
        if os.geteuid() == 0:
            os.chown(place, NOBODY, NOBODY)
        place.chmod(0o500)
        assert begin_as_nobody(path, "first").endswith("cannot be used: Permission denied")
        place.chmod(0o700)
        assert begin_as_nobody(path, "first") == "begun"
        place.chmod(0o500)
        assert begin_as_nobody(path, "next").endswith("(the file or its directory); nothing was sent")
        place.chmod(0o700)
        path.chmod(0o400)
        assert begin_as_nobody(path, "next").endswith("(the file or its directory); nothing was sent")
        path.chmod(0o600)
        assert begin_as_nobody(path, "next") == "begun"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user")
def test_another_users_journal_is_refused(path: Path) -> None:
    """Even root does not write into it."""
    with Journal(path, now=lambda: NOON):
        pass
    os.chown(path, NOBODY, NOBODY)
    with pytest.raises(ConfigError, match="belongs to another user"):
        Journal(path, now=lambda: NOON)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a directory of another user")
def test_another_users_directory_is_refused(path: Path) -> None:
    """Its owner could lay a rollback journal beside ours, and a used key would be free again."""
    path.parent.mkdir(mode=0o700)
    os.chown(path.parent, NOBODY, NOBODY)
    with pytest.raises(ConfigError, match="belongs to another user"):
        Journal(path, now=lambda: NOON)
    assert not list(path.parent.iterdir())


def test_a_journal_that_was_closed_can_be_asked_for_an_error_only(opened: Callable[..., Journal]) -> None:
    """This one comes from Python's own layer, without a code of SQLite's."""
    journal = opened()
    journal.close()
    with pytest.raises(ConfigError, match="cannot be used: Cannot operate on a closed database"):
        tuple(journal.stream())


def test_every_error_of_a_journal_is_one_of_smsclis_own(path: Path) -> None:
    """A journal deleted under a running send cannot record a claim, and says so."""
    with Journal(path, now=lambda: NOON) as journal:
        journal.begin(job())
        path.unlink()
        with pytest.raises(SmscliError) as caught:
            journal.claim("backup", ALL)
    assert caught.value.exit_code is ExitCode.CONFIG

"""Rig: strange homes. Locale, HOME, umask and user, crossed: no traceback, nothing outside the two directories.

The real program runs in each combination, as root, as a user, and as a number without a passwd entry. What can be
wrong with the files it finds there is below: exit 3 with what to do, and the file stays as it is.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import sqlite3  # noqa: TID253  (to damage a journal)
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.figures import figure

LOCALES = ("", "C", "POSIX", "C.UTF-8", "en_US.UTF-8", "tr_TR.UTF-8", "ru_RU.KOI8-R", "no_SUCH.LOCALE")
HOMES = ("set", "empty", "none", "unwritable")
UMASKS = (0o000, 0o022, 0o077, 0o777)
USERS = {"root": 0, "user": 65534, "nobody at all": 54321}
SEND = ["send", "--sandbox", "--to", "+37061234567", "Labas ąčę 👋"]
COMMANDS = (
    SEND,
    [*SEND, "--no-journal"],
    ["profile", "list"],
    ["journal", "list", "--sandbox"],
    ["balance", "--sandbox"],
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")


@pytest.fixture
def world() -> Iterator[Path]:
    """A directory that every user can reach (those of pytest are private)."""
    made = Path(tempfile.mkdtemp(prefix="smscli-world-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


# A stranger may not be allowed to read Python or this program: all is loaded before the user changes, by running
# every command once in a world of its own. Every order is then carried out by a fork, which becomes that user in that
# world and ends as the program ends. What an interpreter takes from its world when it starts is the locale: there is a
# driver for each.
DRIVER = """
import io, json, os, shutil, signal, sys, tempfile
from smscli.cli import main, run
from smscli.runtime import Runtime
import platformdirs.unix, zoneinfo, encodings.idna
folder = tempfile.mkdtemp()
world = {"HOME": folder, "SMSCLI_STATE_DIR": folder + "/state", "SMSCLI_CONFIG": folder + "/config.toml"}
good = [
    "[profiles.work]", "provider = 'lightsms'", "login = 'me'", "api_key = 'key'", "sender = 'Sender'",
    "base_url = 'http://127.0.0.1:1/'", "",
]
with open(folder + "/config.toml", "w") as file:
    file.write("\\n".join(good))
os.chmod(folder + "/config.toml", 0o600)
commands = (
    "send --sandbox --to +37061234567 x -o table", "balance --sandbox", "journal list", "journal check",
    "send --provider lightsms x", "profile list", "profile show work",
    "send -p work --to +37061234567 --timeout 0.1 x",
)
for line in commands:
    argv = line.split()
    streams = [io.TextIOWrapper(io.BytesIO()) for _ in range(3)]
    run(argv, Runtime(environ=world, stdin=streams[0], stdout=streams[1], stderr=streams[2]))
shutil.rmtree(folder)

def become(argv, where, user, environ, umask, out, err):
    signal.alarm(60)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number, descriptor in enumerate((nothing, out.fileno(), err.fileno())):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(where)
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    os.umask(umask)
    sys.argv[1:] = argv

for order in iter(sys.stdin.readline, ""):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            become(*json.loads(order), out, err)
            main()
        _, status = os.waitpid(child, 0)
        said = [(file.seek(0), file.read().decode("latin-1"))[1] for file in (out, err)]
    print(json.dumps([os.waitstatus_to_exitcode(status), *said]), flush=True)
"""

Program = Callable[..., "Ran"]


class Ran(NamedTuple):
    """How the program ended, and what it said."""

    returncode: int
    stdout: bytes
    stderr: bytes


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    """Run the program as a user in a directory, with this environment alone."""
    drivers: dict[str, subprocess.Popen[str]] = {}

    def run(argv: list[str], where: Path, user: int, environ: dict[str, str], umask: int = 0o022) -> Ran:
        locale = environ.get("LC_ALL", "")
        # A directory for bytecode would be a file outside; the program is not what is looked at.
        world = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        if locale not in drivers:
            start = world | ({"LC_ALL": locale} if locale else {})
            drivers[locale] = subprocess.Popen(
                [sys.executable, "-c", DRIVER], env=start, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        orders, answers = drivers[locale].stdin, drivers[locale].stdout
        assert orders is not None
        assert answers is not None
        orders.write(json.dumps([argv, str(where), user, world | environ, umask]) + "\n")
        orders.flush()
        status, *said = json.loads(answers.readline())
        return Ran(status, *(text.encode("latin-1") for text in said))

    yield run
    for driver in drivers.values():
        driver.communicate(timeout=60)


def files_of(folder: Path) -> dict[Path, os.stat_result]:
    """Return everything below a directory, as root sees it."""
    return {path: path.lstat() for path in folder.rglob("*")}


def combinations() -> list[tuple[str, str, int, str]]:
    """Return a sample of all combinations in which every pair of values occurs."""
    every = list(itertools.product(LOCALES, HOMES, UMASKS, USERS))
    random.Random("environment").shuffle(every)  # noqa: S311  (repeatable, not secret)
    wanted = {pair for one in every for pair in itertools.combinations(enumerate(one), 2)}
    chosen: list[tuple[str, str, int, str]] = []
    for one in every:
        pairs = set(itertools.combinations(enumerate(one), 2))
        if pairs & wanted:
            chosen.append(one)
            wanted -= pairs
    return chosen + [one for one in every if one not in chosen][: 96 - len(chosen)]


def test_every_home_is_answered(world: Path, program: Program) -> None:
    """Every command in every combination: a documented exit status, private files in their place, no traceback."""
    codes: Counter[int] = Counter()
    chosen = combinations()
    made = 0
    for index, (locale, home, umask, who) in enumerate(chosen):
        user = USERS[who]
        place = world / str(index)
        house = place / "house"
        house.mkdir(parents=True)
        owner = user if home != "unwritable" else 0
        os.chown(place, owner, owner)
        os.chown(house, owner, owner)
        house.chmod(0o755 if home != "unwritable" else 0o555)
        environ = {"LC_ALL": locale} if locale else {}
        environ |= {"set": {"HOME": str(house)}, "unwritable": {"HOME": str(house)}, "empty": {"HOME": ""}}.get(
            home, {}
        )
        if home in ("none", "empty") and who != "nobody at all":
            # What a passwd entry would lead to is this machine's own home: it must not be filled by a test.
            environ |= {"XDG_STATE_HOME": str(house / "xdg-state"), "XDG_CONFIG_HOME": str(house / "xdg-config")}
        argv = COMMANDS[index % len(COMMANDS)]
        before = set(files_of(place))
        ran = program(argv, place, user, environ, umask)
        context = (locale, home, oct(umask), who, argv, ran)
        assert ran.returncode in (0, 3), context
        assert b"Traceback" not in ran.stderr, context
        assert b"internal" not in ran.stderr, context
        assert b"hint:" in ran.stderr or ran.returncode == 0, context
        for path, status in files_of(place).items():
            if path in before:
                continue
            made += 1
            assert path.name != "~", context
            assert "smscli" in path.parts[len(place.parts) :] or stat.S_ISDIR(status.st_mode), (path, context)
            wanted = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
            assert stat.S_IMODE(status.st_mode) == wanted, (path, oct(status.st_mode), context)
        codes[ran.returncode] += 1
    assert len(chosen) >= 96
    shown = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    figure(
        f"environments: {len(chosen)} combinations of {len(LOCALES)} locales, {len(HOMES)} homes, "
        f"{len(UMASKS)} umasks, {len(USERS)} users; exit status {shown}, {made} files and directories, "
        "all 0600 and 0700 in their place, 0 tracebacks"
    )


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative"}, {"HOME": "/nonexistent"}, {"HOME": "~"}])
def test_no_home_is_told_and_no_tilde_is_made(environ: dict[str, str], world: Path, program: Program) -> None:
    """A number without a passwd entry and without HOME: exit 3 with the variable to set, and no directory ``~``."""
    os.chown(world, 54321, 54321)
    ran = program(SEND, world, 54321, environ)
    assert ran.returncode == 3, ran
    assert b"SMSCLI_STATE_DIR" in ran.stderr
    assert list(world.iterdir()) == []
    assert program([*SEND, "--no-journal"], world, 54321, environ).returncode == 0
    mended = program(SEND, world, 54321, environ | {"SMSCLI_STATE_DIR": str(world / "state")})
    assert mended.returncode == 0, mended
    assert [path.name for path in world.iterdir()] == ["state"]


# --- what stands there already ---------------------------------------------------------------------------------------

GOOD = '[profiles.work]\nprovider = "lightsms"\nlogin = "me"\napi_key = "key"\nsender = "Sender"\n'


def written(content: bytes) -> Callable[[Path], None]:
    """Return what writes a private profile file."""

    def write(path: Path) -> None:
        path.write_bytes(content)
        path.chmod(0o600)
        os.chown(path, 65534, 65534)

    return write


def owned(uid: int, mode: int) -> Callable[[Path], None]:
    """Return what writes a good file of this owner and mode."""

    def write(path: Path) -> None:
        path.write_text(GOOD)
        os.chown(path, uid, uid)
        path.chmod(mode)

    return write


def linked(path: Path) -> None:
    """Make a link to a file of somebody else."""
    owned(12345, 0o644)(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


BAD_PROFILES: dict[str, Callable[[Path], None]] = {
    "broken": written(b"[profiles.work\n"),
    "not UTF-8": written(b"\xff\xfe"),
    "binary": written(bytes(range(256)) * 8),
    "10 MB": written(b"#" * 10_000_000),
    "64 KiB and one byte": written(b"#" * 65537),
    "3000 deep": written(b"a = " + b"[" * 3000 + b"]" * 3000),
    "3000 deep tables": written(b"a = " + b"{a=" * 3000 + b"1" + b"}" * 3000),
    "a number of 5000 digits": written(b"a = " + b"9" * 5000),
    "20 000 dotted parts": written(b".".join([b"a"] * 20_000) + b" = 1"),
    "another user's": owned(12345, 0o644),
    "readable by others": owned(65534, 0o644),
    "writable by the group": owned(65534, 0o620),
    "root's, closed": owned(0, 0o600),
    "a link to another user's": linked,
    "a directory": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
}


@pytest.mark.parametrize("make", BAD_PROFILES.values(), ids=BAD_PROFILES)
def test_a_bad_profile_file_is_refused_with_what_to_do(
    make: Callable[[Path], None], world: Path, program: Program
) -> None:
    """Exit 3 at once, whoever wrote it and whatever is in it; and it stays as it is."""
    os.chown(world, 65534, 65534)
    path = world / "config.toml"
    make(path)
    before = path.lstat()
    environ = {"HOME": str(world), "SMSCLI_CONFIG": str(path)}
    ran = program(["send", "-p", "work", "--to", "+37061234567", "x"], world, 65534, environ)
    assert ran.returncode == 3, ran
    assert b"Traceback" not in ran.stderr
    assert str(path).encode() in ran.stderr, ran
    after = path.lstat()
    assert (after.st_mtime_ns, after.st_mode, after.st_ino) == (before.st_mtime_ns, before.st_mode, before.st_ino)


def newer(path: Path) -> None:
    """Give a journal the layout of a later program."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


def close(path: Path) -> None:
    """Let its owner only read it."""
    path.chmod(0o400)
    path.parent.chmod(0o500)


def replace_by_directory(path: Path) -> None:
    """Put a directory in its place."""
    path.unlink()
    path.mkdir()


BAD_JOURNALS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_bytes(b"this is no database\n" * 100),
    "damaged": lambda path: path.write_bytes(path.read_bytes()[:3000] + b"\xff" * 6000 + path.read_bytes()[9000:]),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "newer": newer,
    "read-only": close,
    "readable by others": lambda path: path.chmod(0o644),
    "another user's": lambda path: os.chown(path, 12345, 12345),
    "a directory": replace_by_directory,
    "in a public directory": lambda path: path.parent.chmod(0o777),
}


@pytest.mark.parametrize("spoil", BAD_JOURNALS.values(), ids=BAD_JOURNALS)
def test_a_bad_journal_is_refused_with_what_to_do(
    spoil: Callable[[Path], object], world: Path, program: Program
) -> None:
    """Exit 3 for a send and for every look at it, a hint, and never a new one in its place."""
    os.chown(world, 65534, 65534)
    environ = {"HOME": str(world), "SMSCLI_STATE_DIR": str(world / "state")}
    first = program([*SEND, "--key", "k"], world, 65534, environ)
    assert first.returncode == 0, first
    path = world / "state" / "sandbox.sqlite3"
    spoil(path)
    content = path.read_bytes() if path.is_file() else b""
    for argv in ([*SEND, "--key", "new"], [*SEND, "--key", "k"], ["journal", "check", "--sandbox"]):
        ran = program(argv, world, 65534, environ)
        # What can be read and not written still tells its receipts; only nothing new can be sent.
        told = spoil is close and "new" not in argv
        assert ran.returncode == (0 if told else 3), (argv, ran)
        assert b"Traceback" not in ran.stderr
        assert told or b"hint:" in ran.stderr, (argv, ran)
        assert told or b"SENT" not in ran.stdout
    assert (path.read_bytes() if path.is_file() else b"") == content, "the evidence was changed"

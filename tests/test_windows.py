"""What can be known of Windows on another system: what is imported, what says that it cannot work, and the locks.

Not tested here: its file system and paths, its console and code pages, how a process ends there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smscli.private import flags
from tests.windows import POSIX_ONLY

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the locks of a descriptor are Linux'")

Program = Callable[..., str]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Run one of the programs of ``tests.windows`` and return what it prints."""

    def run(*argv: str, stdin: str = "") -> str:
        environ = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "SMSCLI_STATE_DIR": str(tmp_path / "state"),
            "SMSCLI_CONFIG": str(tmp_path / "config.toml"), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.windows", *argv], cwd=ROOT, env=environ, input=stdin, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        return done.stdout

    return run


def test_every_module_can_be_imported_without_what_only_posix_has(program: Program) -> None:
    """But for those behind ``run``."""
    loaded = set(program("modules").split())
    files = {path.relative_to(ROOT).with_suffix("") for path in (ROOT / "smscli").rglob("*.py")}
    modules = {".".join(path.parts).removesuffix(".__init__") for path in files}
    assert modules - loaded == POSIX_ONLY | {"smscli", "smscli.__main__"}


def test_what_needs_no_terminal_works_and_what_cannot_says_so(program: Program, tmp_path: Path) -> None:
    """Signing (``printf %s You1your_api_key_here | openssl md5``), counting, help; a send, once for a key; refusals."""
    for name, content in (
        ("key", "your_api_key_here"),
        ("config.toml", '[profiles.work]\nprovider = "lightsms"\nlogin = "x"\napi_key_command = ["pass", "x"]\n'),
    ):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(content)
    send = ["send", "--sandbox", "--to", "+37061234567", "hi", "--key", "one", "-o", "json"]
    sign, count, helped, first, second, ran, asked = json.loads(
        program(
            "commands",
            stdin=json.dumps(
                [
                    ["sign", "--provider", "lightsms", "--key-file", str(tmp_path / "key"), "login=You", "timestamp=1"],
                    ["count", "it’s €5"], ["--help"], send, send,
                    ["run", "--sandbox", "--to", "+37061234567", "--", "touch", str(tmp_path / "ran")],
                    ["balance", "-p", "work"],
                ]
            ),
        )
    )  # fmt: skip
    assert sign[:2] == [0, "4c6b31d610e26876f25d1926240bcf95\n"]
    assert count[:2] == [0, "1\tUCS-2\t7\n"]
    assert helped[0] == 0
    assert helped[1].startswith("Usage: smscli")
    assert first[0] == second[0] == 0, first
    assert json.loads(first[1])["data"]["recipients"] == json.loads(second[1])["data"]["recipients"]
    assert ran[:2] == [9, ""]
    assert "this system has no pseudo-terminals: run needs Linux or macOS" in ran[2]
    assert not (tmp_path / "ran").exists()
    assert asked[0] == 3
    assert "on Windows nothing here could end it in time" in asked[2]
    assert "hint: give the secret in the environment, or in a file" in asked[2]


OWNER = """
import sys
from pathlib import Path
from tests import windows
windows.begin()
from smscli import private
from smscli.errors import ConfigError
from smscli.journal import Journal
from smscli.journal._entries import NO_HINTS
from smscli.journal._owners import FIRST_OWNER, LockFile
from tests.jobs import ALL, NOON, job
folder = Path(sys.argv[1])
locks = LockFile.open(folder / "lock", NO_HINTS)
place = folder / "state" / "journal.sqlite3"
class Verbs:
    def hold(number): return locks.hold(FIRST_OWNER + int(number))
    def is_held(number): return locks.is_held(FIRST_OWNER + int(number))
    def release(number): return locks.release(FIRST_OWNER + int(number))
    def claim(key):
        global journal
        journal = Journal(place, now=lambda: NOON)
        journal.begin(job(key))
        journal.claim(key, ALL)
    def state(key):
        with Journal(place, now=lambda: NOON) as other:
            return *{str(submission.outcome) for submission in other.begin(job(key)).submissions},
    def replace(content):
        global replacing
        try:
            replacing = private.replacing(folder / "file", "the file", 0.1)
            replacing.__enter__()(content.encode())
        except ConfigError as error:
            return error.message
for line in sys.stdin:
    verb, argument = line.split()
    try:
        print(getattr(Verbs, verb)(argument), flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)
"""

Ask = Callable[[str], str]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[[], Ask]]:
    """Start processes with the same files; each answers what it is told, and ``die`` kills it."""
    started: list[subprocess.Popen[str]] = []

    def start() -> Ask:
        argv = [sys.executable, "-c", OWNER, str(tmp_path)]
        child = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(child)

        def ask(line: str) -> str:
            assert child.stdin is not None
            assert child.stdout is not None
            if line == "die":
                child.kill()
                child.wait()
                return ""
            child.stdin.write(f"{line}\n")
            child.stdin.flush()
            return child.stdout.readline().strip()

        return ask

    yield start
    for child in started:
        child.kill()
        child.communicate()


def test_a_number_is_held_as_long_as_its_process_lives(process: Callable[[], Ask]) -> None:
    """Seen from another one, also when it was killed; numbers behind 2^40 are told apart."""
    one, other = process(), process()
    assert [one("hold 7"), one("hold 7"), one("is_held 7")] == ["True", "False", "True"]
    assert [other("is_held 7"), other("hold 7"), other("is_held 8"), other("hold 8")] == [
        "True", "False", "False", "True",
    ]  # fmt: skip
    assert [one("release 7"), other("hold 7"), one("is_held 7")] == ["None", "True", "True"]
    other("die")
    assert [one("is_held 7"), one("hold 7"), one("is_held 8")] == ["False", "True", "False"]


def test_what_a_killed_process_had_in_flight_is_unknown_and_not_before(process: Callable[[], Ask]) -> None:
    """The journal's promise, with these locks."""
    one, other = process(), process()
    assert one("claim backup") == "None"
    assert other("state backup") == "ConflictError"
    one("die")
    assert other("state backup") == "('UNKNOWN',)"


def test_a_file_is_replaced_by_one_process_at_a_time(process: Callable[[], Ask], tmp_path: Path) -> None:
    """The other one says so."""
    one, other = process(), process()
    assert one("replace first") == "None"
    assert "is being changed by another process" in other("replace second")
    assert (tmp_path / "file").read_text() == "first"
    one("die")
    assert other("replace second") == "None"


def test_flags_that_a_system_lacks_are_left_out() -> None:
    """And none that it has."""
    assert flags("O_NOFOLLOW", "O_NOTHING") == os.O_NOFOLLOW

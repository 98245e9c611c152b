"""When ``smscli run`` texts, to whom and what; and what becomes of the status when it cannot."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from smscli import child
from smscli.child._tail import Tail
from smscli.cli import history
from smscli.errors import ConfigError, UnsupportedError
from smscli.model import MSISDN
from tests.client import SECRETS
from tests.commands import Commands, commands
from tests.vendor import Step, Vendor

pytestmark = pytest.mark.usefixtures("heeded_signals")

TO = ("--to", "+37061234567")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Where commands run."""
    with commands(tmp_path_factory.mktemp("home")) as made:
        yield made


@dataclass
class Told:
    """How a run ended, what it said on stderr, and the texts that the vendor has got since the test began."""

    status: int
    err: str
    texts: list[str]


@pytest.fixture
def run(server: Commands, vendor: Vendor, tmp_path: Path) -> Callable[..., Told]:
    """Run a command line by an account at a vendor on this machine; ``step`` is how the vendor behaves."""
    before = len(vendor.oracle())

    def call(*words: str, step: Step | None = None, **environ: str) -> Told:
        world = {
            "SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "YourLogin", "SMSCLI_API_KEY": SECRETS["lightsms"],
            "SMSCLI_SENDER": "Alert", "SMSCLI_BASE_URL": vendor.url("lightsms", step),
            "SMSCLI_STATE_DIR": str(tmp_path / "state"), **environ,
        }  # fmt: skip
        with server.in_pipes(["run", *words], ours=True, environ=world) as running:
            status = running.finish()
            _, err = map(bytes, running.outputs.values())
        return Told(status, err.decode(), [accepted.text for accepted in vendor.oracle()[before:]])

    return call


FAIL, WORK = ("sh", "-c", "echo it broke; exit 3"), ("sh", "-c", "echo it works")


@pytest.mark.parametrize(
    ("on", "failing", "working"),
    [("failure", True, False), ("success", False, True), ("always", True, True), ("change", True, False)],
)
def test_a_text_is_sent_when_it_is_wanted(run: Callable[..., Told], on: str, failing: bool, working: bool) -> None:
    """And on failure where nothing is said; for a command that never ran before, a change is a failure."""
    options = ("--on", on, "--text", "{status}", *TO) if on != "failure" else ("--text", "{status}", *TO)
    failed = run(*options, "--", *FAIL)
    assert (failed.status, failed.err, failed.texts) == (3, "", ["3"] * failing)
    worked = run(*options, "--", *WORK)
    assert (worked.status, worked.err, worked.texts) == (0, "", ["3"] * failing + ["0"] * working)


def test_the_usual_text_names_the_end_of_the_output(run: Callable[..., Told]) -> None:
    """Stdout and stderr, as they came; by a signal, which is the status of all."""
    told = run(*TO, "--", "sh", "-c", "echo one; echo two >&2; kill -9 $$")
    assert told.status == -signal.SIGKILL
    (text,) = told.texts
    assert text.startswith(f"{os.uname().nodename}: ")
    assert "was ended by SIGKILL after" in text
    assert set(text.splitlines()[1:]) == {"one", "two"}


def test_a_short_command_is_not_worth_a_text(run: Callable[..., Told]) -> None:
    """``--longer-than``."""
    assert run("--longer-than", "5m", *TO, "--", *FAIL).texts == []
    assert len(run("--longer-than", "0.1s", *TO, "--", "sh", "-c", "sleep 0.2; exit 1").texts) == 1


def test_a_command_that_is_not_there_is_texted_about(run: Callable[..., Told]) -> None:
    """Somebody has removed the backup program."""
    told = run(*TO, "--", "nonexistent")
    assert told.status == 127
    assert told.err == "smscli: nonexistent: No such file or directory\n"
    assert told.texts[0].endswith("nonexistent could not be started: No such file or directory")


def test_a_change_is_told_once_in_each_direction(run: Callable[..., Told], tmp_path: Path) -> None:
    """The first success is no news, nor is a failure that goes on; other words are another command."""
    switch = tmp_path / "broken"
    command = ("--on", "change", "--text", "{status}", *TO, "--", "test", "!", "-e", str(switch))
    assert run(*command).texts == []
    switch.touch()
    assert [run(*command).texts for _ in range(2)] == [["1"], ["1"]]
    assert run(*command[:-1], "/").texts == ["1", "1"]
    switch.unlink()
    assert [run(*command).texts for _ in range(2)] == [["1", "1", "0"]] * 2


def test_a_change_that_could_not_be_told_is_tried_again_and_one_that_may_have_been_is_not(
    run: Callable[..., Told],
) -> None:
    """The vendor is down: the next run says it. What is unknown is never told twice."""
    command = ("--on", "change", *TO, "--", *FAIL)
    down = run(*command, SMSCLI_BASE_URL="http://127.0.0.1:9")
    assert (down.status, down.texts) == (3, [])
    assert "smscli: " in down.err
    assert len(run(*command).texts) == 1
    assert len(run(*command).texts) == 1
    other = ("--on", "change", *TO, "--", "sh", "-c", "exit 4")
    unknown = run(*other, step=Step(status="502 Bad Gateway", body=""))
    assert unknown.status == 4
    assert "journal resolve" in unknown.err
    assert run(*other).texts == unknown.texts  # what the vendor did get


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(status="502 Bad Gateway", body=""), "journal resolve"),
        (Step(body='{"0": {"error": "6"}}', book=False), "smscli: "),
    ],
    ids=["unknown", "refused"],
)
def test_a_text_that_does_not_arrive_changes_no_status(run: Callable[..., Told], step: Step, words: str) -> None:
    """It is said on stderr, with -q as well, and the journal has it."""
    for quiet in ((), ("-q",)):
        told = run(*quiet, *TO, "--", *FAIL, step=step)
        assert told.status == 3
        assert words in told.err


def test_a_broken_profile_does_not_keep_the_command_from_running(run: Callable[..., Told], tmp_path: Path) -> None:
    """A backup runs although nobody could be told; that is said before."""
    made = tmp_path / "made"
    for words in ((), ("-p", "nobody", *TO)):
        told = run(*words, "--", "sh", "-c", f"touch {made}; exit 3")
        assert (told.status, made.exists()) == (3, True)
        assert told.err.startswith("smscli: warning: no text can be sent about this: ")
        made.unlink()
    told = run(*TO, "--", "sh", "-c", f"touch {made}; exit 3", SMSCLI_API_KEY="")
    assert (told.status, made.exists()) == (3, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--to", "nobody"), ("--text", "{x}", *TO), ("--once", "soon", *TO), ("--longer-than", "5", *TO),
        ("--on", "monday", *TO), ("--key", "a", "--no-journal", *TO), ("--tail", "-1", *TO), ("--nonsense", *TO),
    ],
)  # fmt: skip
def test_a_line_that_is_wrong_itself_runs_nothing(
    run: Callable[..., Told], tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Exit 2: whoever types it is there."""
    told = run(*words, "--", "touch", str(tmp_path / "made"))
    assert (told.status, (tmp_path / "made").exists()) == (2, False)
    assert "smscli: " in told.err


def test_many_recipients_want_a_yes(run: Callable[..., Told], tmp_path: Path) -> None:
    """There is nobody to ask in the end."""
    many = ",".join(f"+3706123{number:04}" for number in range(101))
    told = run("--to", many, "--", "touch", str(tmp_path / "made"))
    assert (told.status, (tmp_path / "made").exists()) == (9, False)
    assert run("--to", many, "--yes", "--", *WORK).status == 0


def test_key_and_once_work_as_in_send(run: Callable[..., Told]) -> None:
    """One text for a key; with both the usual text has nothing that differs, so that a storm of them is one."""
    keyed = ("--key", "night", "--text", "backup failed", *TO, "--", *FAIL)
    assert [len(run(*keyed).texts) for _ in range(2)] == [1, 1]
    other = run("--key", "night", "--text", "another", *TO, "--", *FAIL)
    assert (other.status, len(other.texts)) == (3, 1)
    assert "night" in other.err
    once = ("--once", "1h", *TO, "--", "sh", "-c", "date +%N; exit 3")
    assert [len(run(*once).texts) for _ in range(2)] == [2, 2]
    told = [run("--key", "morning", *once[2:]) for _ in range(2)]
    assert [(len(each.texts), each.err) for each in told] == [(3, ""), (3, "")]


def test_words_behind_the_command_are_its_own(run: Callable[..., Told]) -> None:
    """With or without the two dashes."""
    assert run(*TO, "sh", "-c", "exit $#", "sh", "--to", "-q", "--").status == 3
    assert run(*TO).status == 2
    assert run(*TO, "--").status == 2


# --- the record of runs -----------------------------------------------------------------------------------------------


def test_the_record_holds_no_word_of_the_command_and_forgets_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password may stand on its line."""
    path = tmp_path / "state" / "runs.json"
    monkeypatch.setattr(history, "_COMMANDS", 2)
    names = [history.digest(["secret", str(n)], [MSISDN("37061234567")], sandbox=False) for n in range(3)]
    for moment, name in enumerate(names):
        history.record(path, name, moment, success=moment > 1)
    assert [history.last_success(path, name) for name in names] == [None, False, True]
    assert b"secret" not in path.read_bytes()
    assert b"37061234567" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_record_that_is_damaged_is_one_that_knows_nothing(run: Callable[..., Told], tmp_path: Path) -> None:
    """A failure is told then, and what to do."""
    path = tmp_path / "state" / "runs.json"
    path.parent.mkdir(mode=0o700)
    for content in (b"", b"[]", b'{"runs": 3}', b'{"runs": {"a": 1}}', b"[" * 100_000, b"\xff"):
        path.touch(mode=0o600)
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="damaged"):
            history.last_success(path, "a")
    told = run("--on", "change", *TO, "--", *FAIL)
    assert (told.status, len(told.texts)) == (3, 1)
    assert "is damaged" in told.err


def test_a_system_without_pseudo_terminals_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has none of what this needs."""
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(UnsupportedError, match="Linux or macOS"):
        child.run(["true"], {})


@pytest.mark.parametrize("size", [0, 5, 1000, 300_000])
def test_the_tail_holds_the_last_bytes(size: int) -> None:
    """Read in pieces of any size."""
    tail, whole = Tail(size), b""
    ours, theirs = os.pipe()
    for length in (3, 1, 60_000, 65_000, 64_000, 2, *[50_000] * 20, 1):
        piece = os.urandom(length)
        os.write(theirs, piece)
        assert bytes(tail.read(ours)) == piece
        whole += piece
        assert tail.content() == whole[len(whole) - min(size, len(whole)) :]
    os.close(ours)
    os.close(theirs)


def test_what_is_moved_by_the_kernel_is_kept_as_well() -> None:
    """Much at once from pipe to pipe, little before and behind it."""
    tail, whole = Tail(40_000), b""
    (source, feed), (reader, target) = os.pipe(), os.pipe()
    for length in (10, 50_000, 50_001, 20, 60_000, 100):
        piece = os.urandom(length)
        os.write(feed, piece)
        while len(piece):
            assert tail.pass_on(source, target)
            passed = os.read(reader, 1 << 17)
            assert piece.startswith(passed)
            piece, whole = piece[len(passed) :], whole + passed
    os.close(feed)
    assert not tail.pass_on(source, target)
    assert tail.content() == whole[-40_000:]
    os.close(reader)
    for end in (source, target):
        os.close(end)


def test_another_account_sends_it_where_the_first_cannot(
    run: Callable[..., Told], vendor: Vendor, tmp_path: Path
) -> None:
    """``--fallback`` as in ``send``; one that is broken does not keep the first from sending."""
    config, key = tmp_path / "config.toml", tmp_path / "key"
    for path in (config, key):
        path.touch(mode=0o600)
    key.write_text(SECRETS["lightsms"])
    config.write_text(
        f'[profiles.second]\nprovider = "lightsms"\nlogin = "Other"\nsender = "Alert"\n'
        f'base_url = "{vendor.url("lightsms")}"\napi_key_file = "{key}"\n'
    )
    world = {"SMSCLI_CONFIG": str(config)}
    told = run("--fallback", "second", *TO, "--", *FAIL, **world, SMSCLI_BASE_URL="http://127.0.0.1:9")
    assert (told.status, len(told.texts)) == (3, 1)
    told = run("--fallback", "nobody", *TO, "--", "sh", "-c", "exit 5", **world)
    assert (told.status, len(told.texts)) == (5, 2)
    assert "nobody" in told.err


def test_a_text_that_cannot_leave_is_tried_for_as_long_as_asked(run: Callable[..., Told]) -> None:
    """``--retry-for`` as in ``send``: what never left is tried again, then said; the status stays the command's."""
    told = run("-v", "--timeout", "0.2", "--retry-for", "1.5s", *TO, "--", *FAIL, SMSCLI_BASE_URL="http://127.0.0.1:9")
    assert (told.status, told.texts) == (3, [])
    assert "not sent, again in" in told.err
    assert "nothing was sent" in told.err

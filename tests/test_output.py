"""What the program writes, where it may write, and that nothing it cannot write changes what it did."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from smscli.cli import COMMANDS, run
from smscli.runtime import Runtime
from smscli.wire import Request, Response
from tests.conftest import Ran, Stream, on_a_terminal
from tests.documents import document

Run = Callable[..., Ran]

ENVELOPE = ["version", "command", "status", "exit_code", "data", "error"]
ERROR = ["type", "message", "hint", "code", "problems"]
SMSCLI = str(Path(sys.executable).with_name("smscli"))
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

TO = "+37061234567"
PEOPLE = str(Path(__file__).with_name("lists") / "people.csv")
NASTY = "[/x] :warning: \x1b[31m \x9b1m \x07 👨‍👩‍👧 שלום \u202egnp č <&> 'q\" [link=x]"

DONE = {
    "send": ("send", "--sandbox", "--to", TO, "hello"),
    "send of a test": ("send", "--sandbox", "--provider", "mainsms", "--test", "--to", "+79121231234", "hello"),
    "send --dry-run": ("send", "--sandbox", "--dry-run", "--to", TO, "hello"),
    "bulk": ("bulk", PEOPLE, "Hi {name}", "--sandbox"),
    "bulk --dry-run": ("bulk", PEOPLE, "Hi {name}", "--sandbox", "--dry-run"),
    "bulk --validate-only": ("bulk", PEOPLE, "Hi {name}", "--sandbox", "--validate-only"),
    "count": ("count", "hello – 中"),
    "status": ("status", "--sandbox", "4000000000000025165824"),
    "balance": ("balance", "--sandbox"),
    "doctor": ("doctor", "--sandbox"),
    "sign": ("sign", "--sandbox", "login=a"),
    "timestamp": ("timestamp", "--sandbox"),
    "profile list": ("profile", "list"),
    "profile path": ("profile", "path"),
    "journal list": ("journal", "list"),
    "journal check": ("journal", "check"),
    "completion": ("completion", "bash"),
}
WRONG = {
    **{f"{name} --nonsense": (name, "--nonsense") for name in COMMANDS},
    "no such command": ("sned",),
    "no such subcommand": ("profile", "lisst"),
    "not a number": ("send", "--timeout", "soon", "x"),
    "too small": ("send", "--timeout", "0", "x"),
    "argument missing": ("completion",),
    "argument too many": ("balance", "please"),
    "no such shell": ("completion", "tcsh"),
    "port out of range": ("sandbox", "--port", "70000"),
    "no such provider": ("send", "--sandbox", "--provider", "nobody", "x"),
    "impossible number": ("send", "--sandbox", "--to", "12", "x"),
    "not a pair": ("sign", "--sandbox", "login"),
    "not an amount": ("balance", "--sandbox", "--min", "much"),
    "no id": ("status", "--sandbox"),
    "no list": ("bulk",),
    "no such column": ("bulk", PEOPLE, "Hi {nam}", "--sandbox"),
    "no such list": ("bulk", "/nonexistent", "Hi", "--sandbox"),
    "nothing to resume": ("bulk", "--resume", "nobody", "--sandbox"),
    "empty text": ("send", "--sandbox", "--to", TO, ""),
}


def envelope(ran: Ran, output: str) -> dict[str, Any]:
    """Return the one document on stdout, checked for its keys."""
    assert ran.out.isascii()
    if output == "json":
        tree: dict[str, Any] = ran.json
        assert list(tree) == ENVELOPE, ran.out
        assert tree["error"] is None or list(tree["error"]) == ERROR
        return tree
    root = ET.fromstring(ran.out)  # noqa: S314  (written by the program under test)
    assert [child.tag for child in root] == ENVELOPE, ran.out
    assert [child.tag for child in root.findall("error/*")] in ([], ERROR)
    return {
        "command": root.findtext("command"),
        "status": root.findtext("status"),
        "exit_code": int(root.findtext("exit_code", "")),
        "error": {"type": root.findtext("error/type")},
    }


# --- the envelope ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["json", "xml"])
@pytest.mark.parametrize("argv", DONE.values(), ids=DONE)
def test_every_command_speaks_in_the_envelope(smscli: Run, argv: tuple[str, ...], output: str) -> None:
    """Exactly one document on stdout, whatever the command."""
    ran = smscli(*argv, "-o", output)
    tree = envelope(ran, output)
    assert (ran.code, tree["status"], tree["exit_code"]) == (0, "ok", 0), ran.err
    assert tree["command"].split()[0] == argv[0]


@pytest.mark.parametrize("output", ["json", "xml"])
@pytest.mark.parametrize("argv", WRONG.values(), ids=WRONG)
def test_every_mistake_on_the_command_line_too(smscli: Run, argv: tuple[str, ...], output: str) -> None:
    """Exit 2, the envelope on stdout, the words for people on stderr; wherever ``-o`` stands."""
    for words in ((*argv, "-o", output), (argv[0], f"--output={output}", *argv[1:])):
        ran = smscli(*words)
        tree = envelope(ran, output)
        assert (ran.code, tree["status"], tree["exit_code"]) == (2, "error", 2), (words, ran.err)
        assert tree["error"]["type"] == "InputError"
        assert ran.err.startswith("smscli: ")


def test_a_send_that_worked_in_part_is_partial(smscli: Run) -> None:
    """One of two recipients refused: status partial, exit 8, and the outcome of each."""

    def transport(request: Request, _seconds: float) -> Response:
        if request.url.endswith("timestamp.php"):
            return Response(200, b"1732809600")
        first, second = dict(request.query)["phone"].split(",")
        return Response(200, json.dumps({first: {"error": "0", "id_sms": "5"}, second: {"error": "13"}}).encode())

    account = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "me", "SMSCLI_API_KEY": "key", "SMSCLI_SENDER": "Sender"}
    argv = ("send", "--to", TO, "--to", "+37061234568", "hello")
    for output in ("json", "xml"):
        ran = smscli(*argv, "-o", output, environ=account, transport=transport)
        tree = envelope(ran, output)
        assert (ran.code, tree["status"], tree["exit_code"]) == (8, "partial", 8)
        assert tree["error"]["type"] == "PartialError"
    ran = smscli(*argv, environ=account, transport=transport)
    assert [line[:2] for line in ran.lines] == [[TO, "SENT"], ["+37061234568", "REFUSED"]]
    table = smscli(*argv, "--no-journal", environ=account, transport=transport, terminal=True)
    assert table.out.startswith("1 accepted by LightSMS, 1 refused by LightSMS\n")


def test_a_screen_says_first_who_accepted_a_text(smscli: Run) -> None:
    """The vendor, or its emulator; UNKNOWN is not said to be one or the other."""
    assert smscli(*DONE["send"], terminal=True).out.startswith("accepted by the emulator of LightSMS\n")
    account = {
        "SMSCLI_PROVIDER": "payforsms",
        "SMSCLI_PROJECT": "p",
        "SMSCLI_API_KEY": "key",
        "SMSCLI_SENDER": "Sender",
    }
    ran = smscli(
        "send", "--to", "+79121231234", "hello", environ=account, transport=lambda *_: Response(502, b""), terminal=True
    )
    assert ran.out.startswith("unknown (may have been sent)\n")


def test_an_unusable_profile_lists_all_problems_in_the_envelope(smscli: Run) -> None:
    """Exit 3 with every finding as an item."""
    ran = smscli("send", "--provider", "mesajlarim", "hello", "-o", "json")
    assert (ran.code, ran.json["exit_code"], ran.json["error"]["type"]) == (3, 3, "ConfigError")
    assert len(ran.json["error"]["problems"]) == 4


def test_a_bug_is_told_without_values(smscli: Run) -> None:
    """Exit 1, where it happened, and not what was in the hands of the code."""

    def transport(request: Request, _seconds: float) -> Response:
        raise KeyError(request.target)

    ran = smscli("balance", "--sandbox", "-vv", "-o", "json", transport=transport)
    assert (ran.code, ran.json["status"], ran.json["exit_code"]) == (1, "error", 1)
    assert "report it" in ran.err
    assert "external/get" not in ran.out
    assert "?" not in ran.err.split("hint")[0]


@pytest.mark.parametrize("wanted", ["table", "plain", "json", "xml"])
def test_the_environment_chooses_a_format_and_the_option_another(smscli: Run, wanted: str) -> None:
    """SMSCLI_OUTPUT is the default; a value that is none is refused."""
    beginnings = {"table": "╭", "plain": "1", "json": "{", "xml": "<"}
    assert smscli("balance", "--sandbox", environ={"SMSCLI_OUTPUT": wanted}).out.startswith(beginnings[wanted])
    ran = smscli("balance", "--sandbox", "-o", wanted, environ={"SMSCLI_OUTPUT": "xml"})
    assert ran.out.startswith(beginnings[wanted])
    assert smscli("balance", "--sandbox", environ={"SMSCLI_OUTPUT": "yaml"}).code == 2


@pytest.mark.parametrize("argv", [(), ("--help",), ("send", "--help"), ("profile", "-h"), ("--version",)])
def test_help_and_version_go_where_output_goes(smscli: Run, argv: tuple[str, ...]) -> None:
    """Also without any argument; stderr stays empty."""
    ran = smscli(*argv)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(("Usage: smscli", "smscli 0."))


# --- hostile text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("output", ["table", "plain", "json", "xml"])
def test_a_hostile_text_is_sent_as_it_is_and_shown_harmlessly(smscli: Run, output: str, terminal: bool) -> None:
    """The vendor gets every character; the terminal gets none that steers; the tree holds it again."""
    ran = smscli("send", "--sandbox", "--dry-run", "--to", TO, NASTY, "-o", output, terminal=terminal)
    assert ran.code == 0, ran.err
    assert not STEERS.search(COLOUR.sub("", ran.out) if terminal else ran.out)
    assert not STEERS.search(ran.err)
    if output == "json":
        sent = {pair["name"]: pair["value"] for pair in ran.json["data"]["requests"][0]["query"]}
        assert sent["text"] == ran.json["data"]["text"] == NASTY
    if output in ("plain", "table"):
        assert "[/x] :warning: \\x1b[31m \\x9b1m \\x07 👨‍👩‍👧" in re.sub(r"\s+", " ", ran.out)


def test_notes_and_traces_steer_no_more_than_errors_do(smscli: Run, tmp_path: Path) -> None:
    """What the environment, a profile or a vendor put into a line of stderr comes out as escapes."""
    where = tmp_path / "x\x1b[31m\u202e\u2066\x9b"
    where.mkdir()
    argv = ("profile", "add", "shop", "--provider", "payforsms", "--project", "mainsms")
    for output in ("plain", "json"):
        environ = {"SMSCLI_CONFIG": str(where / f"{output}.toml")}
        ran = smscli(*argv, "-o", output, environ=environ, stdin=b"key")
        assert (ran.code, STEERS.search(ran.err)) == (0, None)
        assert "x\\x1b[31m\\u202e" in ran.err


def test_a_completed_name_does_not_steer(tmp_path: Path) -> None:
    """A profile may be called anything; TAB shows it."""
    config = tmp_path / "config.toml"
    config.touch(mode=0o600)
    config.write_text('[profiles."a\\u001b[31m"]\nprovider = "lightsms"\n')
    environ = {"COMP_WORDS": "smscli balance -p a", "COMP_CWORD": "3", "_SMSCLI_COMPLETE": "complete_bash"}
    assert b"\x1b" not in shell("$SMSCLI", tmp_path, **environ).stdout


def test_hostile_words_in_errors_are_escaped(smscli: Run) -> None:
    """What a user typed comes back on stderr without steering."""
    for argv in (("send", f"--to={NASTY}", "--sandbox", "x"), (NASTY,), ("sign", "--sandbox", NASTY[:40])):
        ran = smscli(*argv)
        assert ran.code == 2
        assert not STEERS.search(ran.err), argv


# --- colour and width ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_follows_the_conventions(
    smscli: Run, environ: Mapping[str, str], terminal: bool, coloured: bool
) -> None:
    """NO_COLOR, FORCE_COLOR and TERM=dumb; else a terminal."""
    ran = smscli(*DONE["send"], "-o", "table", environ=environ, terminal=terminal)
    assert bool(COLOUR.search(ran.out)) is coloured
    assert ("\x1b" in ran.out) is coloured


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"TERM": "xterm-256color"}, "38;5;29"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "38;5;29"),
        ({"TERM": "linux"}, "30;42"),
        ({}, "30;42"),
    ],
)
def test_the_colours_are_those_that_the_terminal_has(smscli: Run, environ: Mapping[str, str], code: str) -> None:
    """256 when TERM or COLORTERM says so, else the sixteen of every terminal."""
    ran = smscli(*DONE["send"], "-o", "table", environ=environ, terminal=True)
    assert f"\x1b[{code}mSENT\x1b[0m" in ran.out


def test_columns_bound_a_table_and_nothing_else(smscli: Run) -> None:
    """At twenty columns the table is a list with a whole id; plain is for scripts and stays one line."""
    table = smscli(*DONE["send"], "-o", "table", environ={"COLUMNS": "20"})
    verdict, facts = table.out.split("number: ")
    assert " ".join(verdict.split()) == "accepted by the emulator of LightSMS"
    assert re.fullmatch(rf"\{TO}\noutcome: SENT\nmessage id:\n  \d{{22}}\nparts: 1\ncost: [0-9.]+\n", facts), facts
    plain = smscli(*DONE["send"], "-o", "plain", environ={"COLUMNS": "20"})
    assert len(plain.lines) == 1


@pytest.mark.parametrize("columns", ["", "0", "-5", "wide", "²", "9" * 20, "9" * 5000])
def test_columns_that_make_no_sense_do_no_harm(smscli: Run, columns: str) -> None:
    """The width is then the terminal's, or 80."""
    usual = smscli(*DONE["balance"], "-o", "table")
    assert smscli(*DONE["balance"], "-o", "table", environ={"COLUMNS": columns}) == usual


# --- the real binary -------------------------------------------------------------------------------------------------


def shell(line: str, where: Path, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which $SMSCLI is the program, against a private state."""
    world = {
        "PATH": os.environ["PATH"],
        "HOME": str(where),
        "SMSCLI": SMSCLI,
        "SMSCLI_CONFIG": str(where / "config.toml"),
        "SMSCLI_STATE_DIR": str(where / "state"),
    }
    if "PYTHONPATH" in os.environ:
        world["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], env=world | environ, capture_output=True, timeout=60
    )


def clean(stderr: bytes) -> bool:
    """Return whether nothing on stderr is Python speaking."""
    return not re.search(rb"Traceback|Exception ignored|Error:|internal error", stderr)


SEND = f"$SMSCLI send --sandbox --key k --to {TO} hello"
BULK = f"$SMSCLI bulk {PEOPLE} hello --sandbox --key k"

REDIRECTIONS = ["| head -1", "| true", ">/dev/full", ">&-", "2>&-", ">&- 2>&-", "<&- >/dev/full", ">/dev/full 2>&1"]


@pytest.mark.parametrize("redirection", REDIRECTIONS)
@pytest.mark.parametrize(("command", "count"), [(SEND, 1), (BULK, 2)], ids=["send", "bulk"])
def test_a_send_that_cannot_speak_is_still_sent_recorded_and_told_by_its_status(
    smscli: Run, tmp_path: Path, command: str, count: int, redirection: str
) -> None:
    """The journal after a closed pipe, a full disk or a closed stdout is that of a quiet run."""
    ran = shell(f"{command} {redirection}", tmp_path)
    assert (ran.returncode, clean(ran.stderr)) == (0, True), ran.stderr
    assert [line[2] for line in smscli("journal", "list", "--sandbox").lines] == ["SENT"] * count


@pytest.mark.parametrize("redirection", REDIRECTIONS)
@pytest.mark.parametrize("command", ["--help", "nonsense -o json"])
def test_no_redirection_ends_in_a_traceback(tmp_path: Path, command: str, redirection: str) -> None:
    """Typer's own output and errors too: 0 only where nothing is missing or nobody listens."""
    ran = shell(f"$SMSCLI {command} {redirection}", tmp_path)
    status = 2 if "nonsense" in command else 3 if "/dev/full" in redirection else 0
    assert (ran.returncode, clean(ran.stderr)) == (status, True), ran.stderr


@pytest.mark.parametrize("output", ["table", "plain", "json", "xml"])
@pytest.mark.parametrize("command", ["balance --sandbox", "sign --sandbox a=1", "journal list", "profile path"])
def test_output_that_is_not_complete_is_no_success(tmp_path: Path, command: str, output: str) -> None:
    """A full disk: exit 3 and a sentence; nobody should read half a document for a whole one."""
    shell(f"{SEND} >/dev/null", tmp_path)
    ran = shell(f"$SMSCLI {command.replace('list', 'list --sandbox')} -o {output} >/dev/full", tmp_path)
    assert (ran.returncode, clean(ran.stderr)) == (3, True), ran.stderr
    assert b"smscli: stdout: No space left on device" in ran.stderr


def test_a_send_says_that_its_output_is_lost_and_keeps_its_status(tmp_path: Path) -> None:
    """Another status than 0 would ask for what must not be done: to send it again."""
    ran = shell(f"{SEND} -q -o json >/dev/full", tmp_path)
    assert (ran.returncode, clean(ran.stderr)) == (0, True)
    assert b"No space left on device" in ran.stderr
    assert b"do not run it again" in ran.stderr


def test_a_reader_that_has_gone_is_no_failure(tmp_path: Path) -> None:
    """``| head`` has what it wanted."""
    ran = shell("$SMSCLI --help | true", tmp_path)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_sandbox_that_cannot_say_where_it_is_does_not_serve(tmp_path: Path) -> None:
    """It would run unseen."""
    ran = shell("timeout 20 $SMSCLI sandbox --port 0 >/dev/full", tmp_path)
    assert (ran.returncode, clean(ran.stderr)) == (3, True)


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(
    "environ",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"PYTHONIOENCODING": "utf-16"},
    ],
    ids=["C", "C without UTF-8", "latin-1", "ascii", "utf-16"],
)
def test_no_encoding_ends_in_a_traceback(tmp_path: Path, environ: dict[str, str], output: str) -> None:
    """What the encoding cannot say is written as an escape; the vendor gets the text as typed in every case."""
    text = "Labas ąčę 👋 Привет"
    ran = shell(f"printf %s '{text}' | $SMSCLI send --sandbox --dry-run --to {TO} -o {output}", tmp_path, **environ)
    assert (ran.returncode, clean(ran.stderr)) == (0, True), ran.stderr
    if output == "json" and environ.get("PYTHONIOENCODING") != "utf-16":
        assert document(ran.stdout)["data"]["text"] == text


def test_bytes_that_are_not_utf8_are_bad_input(tmp_path: Path) -> None:
    """In an argument, a file or a pipe: exit 2, and no byte of it back raw."""
    for line in (
        f"$SMSCLI send --sandbox --to {TO} $'a\\xff'",
        f"printf 'a\\xff' | $SMSCLI send --sandbox --to {TO}",
        "$SMSCLI $'a\\xff'",
        "$SMSCLI send --sandbox --to $'+370\\xff' x",
        "$SMSCLI sign --sandbox $'a\\xff'",
    ):
        ran = shell(line, tmp_path)
        assert (ran.returncode, clean(ran.stderr)) == (2, True), (line, ran.stderr)
        assert b"\xff" not in ran.stderr


@pytest.mark.parametrize(
    "line",
    [
        "$SMSCLI journal show $'\\xff'",
        "$SMSCLI journal resolve $'\\xff' --sent",
        "$SMSCLI balance --sandbox -p $'\\xff'",
        f"$SMSCLI send --sandbox --to {TO} --key $'k\\xff' x",
        "$SMSCLI sign --sandbox --from-url $'a=\\xff'",
        "$SMSCLI sign --sandbox --expect $'\\xff' a=1",
        "$SMSCLI $'--\\xff' balance",
        "$SMSCLI completion $'\\xff'",
        "$SMSCLI profile add $'\\xff' --provider lightsms --login x",
    ],
)
def test_no_argument_may_hold_bytes_that_are_no_text(tmp_path: Path, line: str) -> None:
    """Wherever they stand: exit 2, the argument counted, one document, none of the bytes."""
    ran = shell(f"printf key | {line} -o json", tmp_path)
    assert (ran.returncode, clean(ran.stderr)) == (2, True), ran.stderr
    assert b"is not UTF-8" in ran.stderr
    assert document(ran.stdout)["exit_code"] == 2
    assert b"\xff" not in ran.stderr + ran.stdout


# --- a strange world -------------------------------------------------------------------------------------------------


def test_an_inherited_pythoninspect_opens_no_prompt(tmp_path: Path) -> None:
    """On a terminal the interpreter would stay, with the status of SystemExit taken for an error."""
    for argv, status in ((["balance", "--sandbox"], 0), (["balance", "--nonsense"], 2)):
        code, screen = on_a_terminal(argv, {"PYTHONINSPECT": "1", "SMSCLI_CONFIG": str(tmp_path / "none")}, [])
        assert (code, ">>>" in screen, "SystemExit" in screen) == (status, False, False), screen
    ran = shell("$SMSCLI balance --nonsense", tmp_path, PYTHONINSPECT="1")
    assert (ran.returncode, b"SystemExit" in ran.stderr) == (2, False)


@pytest.mark.parametrize(
    "junk", ["1", "junk", "complete_", "complete_tcsh", "sing_bash", "complete_bash", "source bash"]
)
def test_a_junk_instruction_to_complete_is_told(tmp_path: Path, junk: str) -> None:
    """Set by hand, or without what a shell sets beside it: exit 2 and what to do."""
    ran = shell("$SMSCLI balance --sandbox", tmp_path, _SMSCLI_COMPLETE=junk)
    assert (ran.returncode, ran.stdout, b"unset _SMSCLI_COMPLETE" in ran.stderr) == (2, b"", True), ran.stderr
    counted = shell("$SMSCLI", tmp_path, _SMSCLI_COMPLETE="complete_bash", COMP_WORDS="smscli ", COMP_CWORD="x")
    assert (counted.returncode, clean(counted.stderr)) == (2, True)


@pytest.mark.parametrize("files", [4, 5, 6, 8, 12])
@pytest.mark.parametrize("command", [SEND, "$SMSCLI balance --sandbox", "$SMSCLI sandbox --port 0", "$SMSCLI --help"])
def test_a_process_that_may_open_few_files_says_so(tmp_path: Path, command: str, files: int) -> None:
    """It works, or exit 3 with what is missing; never a traceback."""
    if shell(f"ulimit -n {files}; {sys.executable} -c pass", tmp_path).returncode:
        pytest.skip(f"the interpreter itself does not start with {files} descriptors (setuptools' .pth file needs one)")
    serves = "sandbox --port" in command
    ran = shell(f"ulimit -n {files}; {'timeout -s INT 2 ' if serves else ''}{command}", tmp_path)
    # 124: a sandbox that did come up was ended from outside.
    assert ran.returncode in ((0, 3, 124) if serves else (0, 3)), ran.stderr
    assert clean(ran.stderr), ran.stderr
    if ran.returncode == 3:
        assert b"hint:" in ran.stderr


class _NoColours(dict[str, str]):
    """An environment in which to ask for colours is an accident: it stands for any bug in drawing."""

    def get(self, name: str, default: Any = None) -> Any:
        """Return a variable."""
        if name == "FORCE_COLOR":
            raise RuntimeError
        return super().get(name, default)


@pytest.mark.parametrize(("argv", "status"), [(("send", "--sandbox", "--to", TO, "hi"), 0), (("profile", "list"), 1)])
def test_a_bug_in_drawing_does_not_change_what_a_send_did(
    smscli: Run, tmp_path: Path, argv: tuple[str, ...], status: int
) -> None:
    """The status is the send's, the bug is told without a traceback, the journal holds it."""
    out, err = Stream(), Stream()
    environ = _NoColours({"SMSCLI_STATE_DIR": str(tmp_path / "state"), "SMSCLI_CONFIG": str(tmp_path / "config.toml")})
    assert run(argv, Runtime(environ, None, out, err)) == status
    assert (out.text(), "internal error: RuntimeError" in err.text()) == ("", True)
    sent = smscli("journal", "list", "--sandbox").lines
    assert [line[2] for line in sent] == (["SENT"] if status == 0 else [])

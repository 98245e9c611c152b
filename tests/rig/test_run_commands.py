"""Rig: ``smscli run`` is not noticed by the command: output and status are what they are without it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.commands import Commands, Running, commands

BINARY = Path(sys.executable).with_name("smscli")
RUN = ("run", "--sandbox", "--to", "+37061234567")

pytestmark = pytest.mark.usefixtures("heeded_signals")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Where commands run, bare and ours."""
    home = tmp_path_factory.mktemp("home")
    (home / "plain").write_text("no program\n")
    (home / "script").write_text('echo "$0 $1"\nexit 5\n')
    (home / "script").chmod(0o700)
    (home / "broken").write_text("#!/nonexistent/interpreter\n")
    (home / "broken").chmod(0o700)
    (home / "bytes").write_bytes(bytes(range(256)) * 1200)
    with commands(home) as made:
        yield made


def sh(script: str) -> list[str]:
    """Return a command of the shell, whose core dumps nobody wants."""
    return ["sh", "-c", f"ulimit -c 0; {script}"]


ENDINGS = {
    "true": ["true"],
    "false": ["false"],
    "status 42": sh("exit 42"),
    "status 255": sh("exit 255"),
    **{
        name: sh(f"echo before; kill -{name} $$")
        for name in ("HUP", "INT", "QUIT", "ILL", "ABRT", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM")
    },
    "a real-time signal": sh("kill -40 $$"),
    "timeout": ["timeout", "0.1", "sleep", "5"],
    "a script without an interpreter": ["./script", "an argument"],
    "set -e": sh("set -e; echo one; false; echo two"),
    "pipefail": ["bash", "-c", "set -o pipefail; false | cat"],
    "a trap": sh("trap 'echo bye; exit 3' EXIT; echo hello"),
}
OUTPUTS = {
    "both streams": sh("echo out; echo err >&2; printf 'no line feed'"),
    "much": ["seq", "1", "60000"],
    "bytes": ["cat", "bytes"],
    "a long line": sh("head -c 700000 /dev/zero | tr '\\0' x"),
    "colours": sh("printf '\\033[31mred\\033[0m\\n10%%\\r20%%\\n'"),
    "UTF-8": sh("printf 'Günaydın \\360\\237\\230\\200\\n'"),
    "in a pipeline": sh("yes | head -n 3"),
    "closed output": sh("exec >&- 2>&-; sleep 0.1; exit 4"),
    "closed input": sh("exec <&-; cat; echo $?"),
}
INHERITED = {
    "environment": sh("env | grep -v ^_= | sort"),
    "signals": ["grep", "-E", "Sig(Blk|Ign|Cgt|Pnd)", "/proc/self/status"],
    "descriptors": sh("ls /proc/self/fd"),
    "limits": sh("ulimit -a; umask; pwd"),
    "bytes in arguments": ["printf", "%s\n", "caf\udce9", "-o", "--", "--help"],
    "which are terminals": sh("for n in 0 1 2; do test -t $n && echo $n; done; tty"),
}
BACKGROUND = {
    "one that is quiet": sh("sleep 3 >/dev/null 2>&1 & echo started"),
    "one that speaks at once": sh("(sleep 0.05; echo late) & echo now"),
    "a substitution": ["bash", "-c", "exec > >(sed s/^/x/); echo a; echo b"],
}
TABLE = ENDINGS | OUTPUTS | INHERITED | BACKGROUND


def outcome(running: Running) -> tuple[int, list[bytes]]:
    """Return the status and all that came out, stream by stream."""
    status = running.finish()
    return status, [bytes(output) for output in running.outputs.values()]


def ours(*argv: str, options: Sequence[str] = ()) -> list[str]:
    """Return the command line that runs a command."""
    return [*RUN, *options, "--", *argv]


@pytest.mark.parametrize("name", TABLE)
def test_in_pipes_output_and_status_are_the_commands_own(name: str, shell: Commands) -> None:
    """Byte by byte, stdout and stderr apart; also when a text goes out."""
    with shell.in_pipes(TABLE[name], ours=False) as bare:
        wanted = outcome(bare)
    with shell.in_pipes(ours(*TABLE[name]), ours=True) as run:
        assert outcome(run) == wanted


@pytest.mark.parametrize("name", TABLE)
def test_on_a_terminal_output_and_status_are_the_commands_own(name: str, shell: Commands) -> None:
    """The screen gets the same bytes, and the terminal is as it was."""
    if name == "which are terminals":
        pytest.skip("the name of the terminal is another one")
    with shell.on_terminal(TABLE[name], ours=False) as bare:
        wanted = outcome(bare)
    with shell.on_terminal(ours(*TABLE[name]), ours=True) as run:
        assert run.keyboard is not None
        assert outcome(run) == wanted
        assert termios.tcgetattr(run.keyboard) == run.mode


def test_a_command_that_is_not_there_is_127_and_one_that_cannot_run_126(shell: Commands) -> None:
    """As in a shell; a text goes out, for it is a failure."""
    for name, status in (("nonexistent", 127), ("", 127), ("./broken", 127), ("./plain", 126), ("/", 126)):
        with shell.in_pipes(ours(name, options=["--text", f"{name} {{status}}", "-v"]), ours=True) as run:
            assert run.finish() == status
            out, err = map(bytes, run.outputs.values())
        assert out == b""
        assert b"No such file" in err or b"Permission denied" in err
        assert b"send.php" in err


def test_two_streams_that_are_one_file_keep_their_order(shell: Commands) -> None:
    """As in a log, or cron's mail: two pipes would mix them."""
    script = sh("for n in $(seq 300); do echo out $n; echo err $n >&2; done")
    wanted = "".join(f"out {n}\nerr {n}\n" for n in range(1, 301)).encode()
    with shell.in_pipes(ours(*script), ours=True, merged=True) as run:
        assert outcome(run) == (0, [wanted])


@pytest.mark.parametrize("locale", [{}, {"LANG": "C"}, {"LC_ALL": "C"}, {"LC_CTYPE": "C.UTF-8"}])
def test_python_adds_nothing_to_the_environment(locale: dict[str, str], shell: Commands) -> None:
    """Where the locale is C it sets LC_CTYPE for itself; the real program, for this is about its start."""
    environ = shell.environ | locale
    bare = subprocess.run(["env"], env=environ, capture_output=True, check=True).stdout
    assert subprocess.run([BINARY, *ours("env")], env=environ, capture_output=True, check=True).stdout == bare


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (["cat"], b"one\ntwo\n"),
        (["wc", "-c"], b"8\n"),
        (["head", "-n", "1"], b"one\n"),
        (sh("read x; echo $x"), b"one\n"),
    ],
)
def test_stdin_is_the_commands(command: list[str], wanted: bytes, shell: Commands) -> None:
    """From a pipe it reads itself, whether its output goes to a pipe or a terminal."""
    with shell.in_pipes(ours(*command), ours=True, stdin=b"one\ntwo\n") as run:
        assert outcome(run) == (0, [wanted, b""])
    with shell.on_terminal(ours(*command), ours=True, piped=[0], stdin=b"one\ntwo\n") as run:
        assert outcome(run) == (0, [wanted.replace(b"\n", b"\r\n")])


@pytest.mark.parametrize("piped", [[], [0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]][:-1], ids=str)
def test_a_stream_is_a_terminal_where_ours_is(piped: list[int], shell: Commands) -> None:
    """And has its size. The others stay apart."""
    script = sh("for n in 0 1 2; do test -t $n && echo $n >&2; done; stty size <&1; stty size <&2; echo out")
    with shell.on_terminal(script, ours=False, piped=piped, size=(33, 77)) as bare:
        wanted = outcome(bare)
    with shell.on_terminal(ours(*script), ours=True, piped=piped, size=(33, 77)) as run:
        assert outcome(run) == wanted


def test_output_comes_at_once(shell: Commands) -> None:
    """A prompt without a line feed as well, and in a pipe."""
    script = sh("printf 'name? '; read name; echo hello $name")
    with shell.on_terminal(ours(*script), ours=True) as run:
        run.wait_for(b"name? ")
        run.type(b"jonas\n")
        assert outcome(run) == (0, [b"name? jonas\r\nhello jonas\r\n"])
    with shell.in_pipes(ours(*sh("printf now; sleep 20")), ours=True) as run:
        run.wait_for(b"now", seconds=5)


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        (b"\x04", b""),
        (b"one\n\x04", b"6f 6e 65 0a"),
        (b"one\ntwo\x04three\x04\x04", b"6f 6e 65 0a 74 77 6f 74 68 72 65 65"),
        (b"\n\n\x04", b"0a 0a"),
        (b"a\x16\x03b\x16\x04\n\x04", b"61 03 62 04 0a"),
    ],
    ids=["the end alone", "a line", "no line feed", "empty lines", "quoted keys"],
)
def test_what_was_typed_before_arrives_with_its_end(keys: bytes, wanted: bytes, shell: Commands) -> None:
    """An end of input too: a terminal that becomes raw would make a NUL of it."""
    script = sh("x=$(od -An -v -tx1 | tr '\\n' ' '); set -- $x; echo =$*=")
    for mine in (False, True):
        argv = ours(*script) if mine else script
        with shell.on_terminal(argv, ours=mine, typed=keys) as run:
            status, (screen,) = outcome(run)
        assert (status, screen[screen.find(b"=") :]) == (0, b"=" + wanted + b"=\r\n"), mine


def test_a_nul_that_is_typed_stays_one(shell: Commands) -> None:
    """Ctrl-@ is a key, and what comes behind lines that were typed before stays behind them."""
    script = sh("echo ready; head -c 10 | od -An -v -tx1 | tr -d '\\n'")
    with shell.on_terminal(ours(*script), ours=True, typed=b"one\ntw") as run:
        run.wait_for(b"ready")
        run.type(b"o\n\x00\n")
        assert outcome(run)[1][0].endswith(b" 6f 6e 65 0a 74 77 6f 0a 00 0a")


def test_a_terminal_that_shows_nothing_of_a_password_shows_nothing(shell: Commands) -> None:
    """The command's settings are those of its own terminal."""
    script = sh("stty -echo; printf 'key? '; read key; stty echo; echo; echo ${#key}")
    with shell.on_terminal(ours(*script), ours=True) as run:
        run.wait_for(b"key? ")
        run.type(b"secret\n")
        assert outcome(run) == (0, [b"key? \r\n6\r\n"])


def test_a_reader_that_has_gone_ends_the_command(shell: Commands) -> None:
    """``| head``: the command gets SIGPIPE from its next write, as it would."""
    done = subprocess.run(
        ["bash", "-c", '"$@" | head -c 4; echo "${PIPESTATUS[0]}"', "bash", str(BINARY), *ours("yes")],
        env=shell.environ, capture_output=True, timeout=20, check=True,
    )  # fmt: skip
    assert done.stdout == b"y\ny\n141\n"


def test_a_full_disk_is_said_and_ends_the_command(shell: Commands) -> None:
    """It learns of it from its next write."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        argv = [str(BINARY), *ours("yes")]
        done = subprocess.run(argv, env=shell.environ, stdout=full, stderr=subprocess.PIPE, timeout=20, check=False)
    assert done.returncode == -signal.SIGPIPE
    assert b"No space left on device; the output of yes is not complete" in done.stderr


# --- signals ----------------------------------------------------------------------------------------------------------

FORWARDED = [
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
]


def start(shell: Commands, where: str, argv: list[str]) -> AbstractContextManager[Running]:
    """Start a command in pipes or on a terminal."""
    return shell.in_pipes(argv, ours=True) if where == "pipes" else shell.on_terminal(argv, ours=True)


def is_gone(mark: str) -> bool:
    """Return whether no process with this word on its command line is left, after a moment."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if subprocess.run(["pgrep", "-f", mark], capture_output=True, check=False).returncode:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("where", ["pipes", "terminal"])
@pytest.mark.parametrize("kind", FORWARDED, ids=lambda kind: kind.name)
def test_a_signal_is_handed_on(kind: signal.Signals, where: str, shell: Commands) -> None:
    """The command may do something about it, and its status is kept; without, it ends and we by the same signal."""
    name = kind.name.removeprefix("SIG")
    trap = f"trap 'echo caught; exit 9' {name}; echo ready; while :; do sleep 0.05; done"
    with start(shell, where, ours(*sh(trap))) as run:
        run.wait_for(b"ready")
        os.kill(run.process, kind)
        status, outputs = outcome(run)
        assert (status, b"caught" in b"".join(outputs)) == (9, True)
    seconds = f"3{kind:03}.{os.getpid()}"
    with start(shell, where, ours(*sh(f"echo ready; sleep {seconds} & sleep {seconds}; true"))) as run:
        run.wait_for(b"ready")
        time.sleep(0.2)  # dash can miss a SIGINT while it starts a job, bare as well
        os.kill(run.process, kind)
        # A shell that does not listen ends; QUIT and INT are ignored by its background.
        assert run.finish() == -kind
    if kind not in (signal.SIGINT, signal.SIGQUIT):
        assert is_gone(f"sleep {seconds}")
    else:
        subprocess.run(["pkill", "-f", f"sleep {seconds}"], check=False)


def test_what_was_ignored_stays_ignored(shell: Commands) -> None:
    """nohup, or a shell's job in the background: the signal reaches neither us nor the command."""
    script = sh("echo ready; sleep 0.5; echo done")
    with shell.in_pipes(ours(*script), ours=True, ignored=[signal.SIGHUP]) as run:
        run.wait_for(b"ready")
        os.kill(run.process, signal.SIGHUP)
        assert outcome(run) == (0, [b"ready\ndone\n", b""])


@pytest.mark.parametrize(
    ("key", "kind"), [(b"\x03", signal.SIGINT), (b"\x1c", signal.SIGQUIT)], ids=["Ctrl-C", "Ctrl-\\"]
)
@pytest.mark.parametrize("piped", [[], [1], [0]], ids=str)
def test_a_key_reaches_the_command_once(key: bytes, kind: signal.Signals, piped: list[int], shell: Commands) -> None:
    """On its own terminal, and where it shares ours because a stream is a pipe."""
    name = kind.name.removeprefix("SIG")
    script = sh(
        f"trap 'echo caught; n=x$n' {name}; echo ready; "
        'for i in 1 2 3 4 5 6 7 8; do sleep 0.1; done; test "$n" = x && echo once'
    )
    with shell.on_terminal(ours(*script), ours=True, piped=piped) as run:
        run.wait_for(b"ready")
        run.type(key)
        status, outputs = outcome(run)
        assert (status, b"once" in b"".join(outputs)) == (0, True), outputs


@pytest.mark.parametrize("piped", [[], [0]], ids=str)
def test_the_command_hears_of_a_new_size(piped: list[int], shell: Commands) -> None:
    """And sees it."""
    script = sh("trap 'stty size <&1' WINCH; echo ready; for i in $(seq 20); do sleep 0.1; done")
    with shell.on_terminal(ours(*script), ours=True, piped=piped) as run:
        run.wait_for(b"ready")
        assert run.keyboard is not None
        termios.tcsetwinsize(run.keyboard, (40, 100))
        run.wait_for(b"40 100")


def test_a_terminal_is_put_back_when_we_are_killed(shell: Commands) -> None:
    """By the process between us and the command, which ends that."""
    with shell.on_terminal(ours(*sh("echo ready; sleep 303.5; true")), ours=True) as run:
        assert run.keyboard is not None
        run.wait_for(b"ready")
        assert termios.tcgetattr(run.keyboard) != run.mode
        os.kill(run.process, signal.SIGKILL)
        assert run.finish() == -signal.SIGKILL
        assert is_gone("sleep 303.5")
        assert termios.tcgetattr(run.keyboard) == run.mode


def test_a_command_that_kills_who_started_it_is_not_said_to_be_missing(shell: Commands) -> None:
    """On a terminal that is the process between us, perhaps before it can tell: the status is lost, and 126 a lie."""
    killer = shell.home / "killer"
    killer.write_text("#!/bin/sh\nkill -9 $PPID\nsleep 0.05\n")
    killer.chmod(0o700)
    for _ in range(10):
        with shell.on_terminal(ours("./killer"), ours=True) as run:
            assert run.keyboard is not None
            assert outcome(run) == (-signal.SIGKILL, [b""])
            assert termios.tcgetattr(run.keyboard) == run.mode


def test_a_job_in_the_background_does_not_keep_us(shell: Commands) -> None:
    """The command's own end is the end; the job goes on, on a terminal, too."""
    for where in ("pipes", "terminal"):
        with start(shell, where, ours(*sh("sleep 7.25 & echo started"))) as run:
            began = time.monotonic()
            run.wait_for(b"started")
            while run.status is None:
                run.step()
            assert (run.status, time.monotonic() - began < 5) == (0, True)
            assert not subprocess.run(["pkill", "-f", "sleep 7.25"], check=False).returncode, where


@pytest.mark.parametrize("piped", [None, [1, 2], [1], []], ids=["pipes", "both", "output", "terminal"])
def test_what_a_job_prints_later_arrives(piped: list[int] | None, shell: Commands) -> None:
    """As without us: the end of the command is ours, and the job is neither cut off nor ended by its next word."""
    script = sh("(sleep 0.8; echo late; seq 1 50000; echo over >&2) & echo now")
    endings = []
    for mine in (False, True):
        argv = ours(*script) if mine else script
        with (
            shell.in_pipes(argv, ours=mine) if piped is None else shell.on_terminal(argv, ours=mine, piped=piped)
        ) as run:
            deadline = time.monotonic() + 20
            while run.status is None:
                run.step()
            outputs = run.outputs.values()
            assert not any(b"late" in output for output in outputs)
            while not any(b"over" in output for output in outputs):
                assert time.monotonic() < deadline, (mine, outputs)
                run.step()
            endings.append(outcome(run))
    assert endings[0] == endings[1]


def test_who_stays_for_a_job_has_only_what_the_job_has(shell: Commands) -> None:
    """The stream that the job has closed ends with us, the other one with the job."""
    with shell.in_pipes(ours(*sh("sleep 1.5 2>&- & echo now")), ours=True) as run:
        out, err = run.outputs
        while run.status is None or err in run.open:
            run.step()
        assert out in run.open
        while out in run.open:
            run.step()

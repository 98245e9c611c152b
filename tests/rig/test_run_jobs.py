"""Rig: ``smscli run`` under a shell with job control, typed at as a person would: Ctrl-Z, fg, bg; a screen in tmux."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands import Commands, Running, commands

BINARY = Path(sys.executable).with_name("smscli")
RUN = "smscli run --sandbox --to +37061234567 --"
TICKS = "sh -c 'echo rea''dy; read word; echo got-$word; exit 3'"

# Shells and terminals are typed at, and given moments to draw: no other test of the rig runs meanwhile.
pytestmark = [pytest.mark.usefixtures("heeded_signals"), pytest.mark.alone]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Where shells run."""
    with commands(tmp_path_factory.mktemp("home")) as made:
        yield made


@contextmanager
def bash(shell: Commands) -> Iterator[Running]:
    """Start a shell that somebody types at."""
    environ = {"PATH": f"{BINARY.parent}:/usr/bin:/bin", "PS1": "prompt$ ", "HISTFILE": "/dev/null", "TERM": "dumb"}
    argv = ["bash", "--norc", "--noprofile", "-i"]
    with shell.on_terminal(argv, ours=False, environ=environ) as running:
        running.wait_for(b"prompt$ ")
        yield running
        after(running, b"prompt$ ")
        running.type(b"exit 0\n")
        assert running.finish() in (0, 1)


def after(running: Running, words: bytes) -> None:
    """Wait for words, and forget all up to there."""
    running.wait_for(words)
    for output in running.outputs.values():
        del output[: output.find(words) + len(words)]


@pytest.mark.parametrize("pipe", ["", " | cat", " 2>/dev/null"], ids=["terminal", "a pipe behind it", "stderr away"])
def test_ctrl_z_stops_it_and_fg_goes_on(shell: Commands, pipe: str) -> None:
    """The shell has its terminal back meanwhile, as it left it; the status is the command's in the end."""
    with bash(shell) as run:
        run.type(f"set -o pipefail; {RUN} {TICKS}{pipe}\n".encode())
        after(run, b"ready\r\n")
        run.type(b"\x1a")
        after(run, b"Stopped")
        run.type(b"stty -a | grep -o -- '-*icanon' | sed s/^/mode:/\n")
        after(run, b"\r\nmode:icanon")
        run.type(b"fg\n")
        after(run, RUN[-20:].encode())
        time.sleep(0.2)
        run.type(b"on\n")
        after(run, b"got-on")
        after(run, b"prompt$")
        run.type(b"echo status:$?\n")
        after(run, b"\r\nstatus:3")


def test_bg_lets_it_go_on_behind_and_fg_brings_it_back(shell: Commands) -> None:
    """In the background it takes no key and leaves the terminal alone."""
    script = "sh -c 'echo rea''dy; sleep 0.5; echo behi''nd; read word; echo got-$word'"
    with bash(shell) as run:
        run.type(f"{RUN} {script}\n".encode())
        after(run, b"ready\r\n")
        time.sleep(0.2)  # a shell that starts a child at that moment (vfork) does not stop, bare as well
        run.type(b"\x1a")
        after(run, b"Stopped")
        run.type(b"bg\n")
        after(run, b"behind")
        run.type(b"echo sh''ell\n")
        after(run, b"\r\nshell")
        run.type(b"fg\n")
        after(run, b"run --sandbox")
        time.sleep(0.3)
        run.type(b"on\n")
        after(run, b"got-on")


def test_a_script_that_runs_it_is_stopped_with_it(shell: Commands) -> None:
    """The shell waits until the whole job has stopped."""
    (shell.home / "job.sh").write_text(f"{RUN} {TICKS}\necho script:$?\n")
    with bash(shell) as run:
        run.type(b"bash job.sh\n")
        after(run, b"ready\r\n")
        run.type(b"\x1a")
        after(run, b"Stopped")
        run.type(b"fg\n")
        after(run, b"bash job.sh")
        time.sleep(0.2)
        run.type(b"on\n")
        after(run, b"got-on")
        after(run, b"script:3")


def test_ctrl_z_where_no_shell_could_continue_it_does_nothing(shell: Commands) -> None:
    """The system ignores it for a command that nobody watches, and so do we: else all would hang."""
    script = ["sh", "-c", "echo ready; sleep 0.5; echo over; exit 3"]
    argv = ["setsid", "--ctty", "--wait", str(BINARY), *RUN.split()[1:], *script]
    if shutil.which("setsid") is None:
        pytest.skip("setsid is not installed")
    with shell.on_terminal(argv, ours=False) as run:
        if run.status is not None:
            pytest.skip("this setsid knows no --ctty")
        run.wait_for(b"ready")
        time.sleep(0.2)  # a shell that starts a child at that moment (vfork) does not stop, bare as well
        run.type(b"\x1a")
        assert run.finish() == 3


def test_it_may_begin_in_the_background(shell: Commands) -> None:
    """It leaves the terminal to who has it, and stops when the command wants a key, as the command would."""
    with bash(shell) as run:
        run.type(f"{RUN} sh -c 'echo rea''dy; read word; echo got-$word' &\n".encode())
        after(run, b"ready")
        time.sleep(0.2)
        run.type(b"jobs\n")
        after(run, b"Stopped")
        run.type(b"fg\n")
        after(run, b"run --sandbox")
        time.sleep(0.3)
        run.type(b"on\n")
        after(run, b"got-on")


# --- tmux -------------------------------------------------------------------------------------------------------------


class Tmux:
    """A tmux of its own, with a shell in a window of 80 by 24."""

    def __init__(self, home: Path, sockets: str) -> None:
        self._argv = ["tmux", "-f", "/dev/null"]
        self._environ = {
            "PATH": f"{BINARY.parent}:/usr/bin:/bin", "HOME": str(home), "TERM": "xterm", "LANG": "C.UTF-8",
            "TMUX_TMPDIR": sockets, "SMSCLI_STATE_DIR": str(home / "state"), "SMSCLI_CONFIG": str(home / "none"),
            "LESSHISTFILE": "-",
        }  # fmt: skip
        self._cwd = home
        self.do("new-session", "-d", "-x", "80", "-y", "24", "PS1='prompt$ ' exec bash --norc --noprofile -i")
        self.wait_for("prompt$")

    def do(self, *words: str) -> str:
        """Give tmux an order."""
        done = subprocess.run(
            [*self._argv, *words], env=self._environ, cwd=self._cwd, capture_output=True, text=True, check=True
        )
        return done.stdout

    def type(self, *keys: str) -> None:
        """Press keys, as tmux names them."""
        self.do("send-keys", *keys)

    def screen(self) -> str:
        """Return what is to be seen."""
        return self.do("capture-pane", "-p")

    def wait_for(self, words: str, seconds: float = 15) -> str:
        """Return the screen as soon as the words are on it."""
        deadline = time.monotonic() + seconds
        while words not in (screen := self.screen()):
            assert time.monotonic() < deadline, (words, screen)
            time.sleep(0.1)
        return screen


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """Start tmux."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    with tempfile.TemporaryDirectory(dir="/tmp") as sockets:
        made = Tmux(tmp_path, sockets)
        yield made
        made.do("kill-server")


SESSION = r"""
import curses, signal
def main(screen):
    curses.curs_set(0)
    said = ""
    while True:
        rows, columns = screen.getmaxyx()
        screen.erase()
        screen.addstr(0, 0, f"{rows} by {columns}: {said}")
        screen.addstr(rows - 2, 1, "the last line but one")
        screen.refresh()
        key = screen.getch()
        if key == ord("q"):
            break
        said += curses.keyname(key).decode() + " "
curses.wrapper(main)
print("ov" + "er")
"""


@pytest.mark.parametrize("prefix", ["", f"{RUN} "], ids=["bare", "run"])
def test_a_program_that_draws_is_the_same_in_tmux(tmux: Tmux, tmp_path: Path, prefix: str) -> None:
    """Keys, a new size, Ctrl-Z and fg, and the screen behind it afterwards."""
    (tmp_path / "draws.py").write_text(SESSION)
    tmux.type("clear", "Enter", f"{prefix}{sys.executable} draws.py", "Enter")
    tmux.wait_for("24 by 80:")
    tmux.type("a", "Up")
    screen = tmux.wait_for("KEY_UP")
    assert screen.splitlines()[0].startswith("24 by 80: a KEY_UP")
    assert screen.splitlines()[22].strip() == "the last line but one"
    tmux.do("resize-window", "-x", "100", "-y", "30")
    screen = tmux.wait_for("30 by 100:")
    assert "KEY_RESIZE" in screen
    tmux.type("C-z")
    tmux.wait_for("Stopped")
    tmux.type("echo sh''ell", "Enter")
    tmux.wait_for("\nshell")
    tmux.type("fg", "Enter")
    tmux.wait_for("30 by 100:")
    tmux.type("b")
    tmux.wait_for("KEY_RESIZE b")
    tmux.type("q")
    tmux.wait_for("over\nprompt$")  # what is typed before that is still the command's
    tmux.type("stty -a | grep -o -- '-*icanon'; echo status:$?", "Enter")
    assert "\nicanon" in tmux.wait_for("\nstatus:0")

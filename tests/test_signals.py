"""Ctrl-C before anything has begun, and the handlers of those who only import."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import on_a_terminal

BINARY = Path(sys.executable).with_name("smscli")

pytestmark = pytest.mark.usefixtures("heeded_signals")

ASK = "import signal, {}; print(repr(signal.getsignal(signal.SIGINT)))"


def disposition(module: str, *prefix: str) -> str:
    """Return what Ctrl-C does after a module has been imported by a fresh interpreter."""
    argv = [*prefix, sys.executable, "-c", ASK.format(module)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def test_the_program_ends_by_the_signal_itself_from_its_first_line_on() -> None:
    """Python's own handler would raise in the middle of an import."""
    assert disposition("smscli.__main__") == "<Handlers.SIG_DFL: 0>"


def test_what_the_parent_ignored_stays_ignored() -> None:
    """A job in the background of a shell that knows no job control."""
    ignoring = ("bash", "-c", "trap '' INT; exec \"$@\"", "bash")
    assert disposition("smscli.__main__", *ignoring) == "<Handlers.SIG_IGN: 1>"


@pytest.mark.parametrize("module", ["smscli.cli", "smscli.runtime", "smscli.cli.send", "smscli.sandbox"])
def test_importing_the_library_changes_no_handler(module: str) -> None:
    """They belong to the program that imports it."""
    assert "default_int_handler" in disposition(module)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_start_is_quiet(tmp_path: Path, kind: signal.Signals) -> None:
    """Sent in the middle of the imports: the process ends by the signal, and says nothing."""
    stuck = tmp_path / "typer"
    stuck.mkdir()
    (stuck / "__init__.py").write_text("print(flush=True)\nimport time\ntime.sleep(30)\n")
    with subprocess.Popen(
        [sys.executable, "-m", "smscli", "balance"], env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(kind)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (-kind, b"")


def test_a_question_that_is_interrupted_gives_the_echo_back(tmp_path: Path) -> None:
    """Ctrl-C at the prompt for a key: exit 130, and the terminal is as it was."""
    environ = {"SMSCLI_CONFIG": str(tmp_path / "config.toml"), "SMSCLI_PROVIDER": "payforsms", "TERM": "dumb"}
    code, screen = on_a_terminal(["sign", "a=1"], environ, [("(not shown)", "\x03")])
    assert (code, "Traceback" in screen) == (130, False), screen


def test_the_first_ctrl_c_says_at_once_what_is_waited_for(tmp_path: Path) -> None:
    """Also with -q: it is about money. The send ends as it would have, and stdout holds the result alone."""
    script = tmp_path / "send.py"
    script.write_text(SLOW)
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        said = process.stderr.readline()
        assert time.monotonic() - started < 2
        assert "waiting at most 30 s for the running request to MainSMS" in said
        assert "second signal (Ctrl-C) stops now" in said
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out.split("\t")[1], "waiting" in err) == (0, "SENT", False), err


SLOW = """
import sys, time
from smscli.cli import run
from smscli.runtime import Runtime
from smscli.wire import Response

def transport(request, seconds):
    print("asked", file=sys.stderr, flush=True)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        time.sleep(0.05)
    answer = b'{"status": "success", "messages_id": [7], "recipients": ["79121231234"], "count": 1, "parts": 1}'
    return Response(200, answer)

home = sys.argv[1]
environ = {
    "SMSCLI_PROVIDER": "mainsms", "SMSCLI_PROJECT": "p", "SMSCLI_API_KEY": "k", "SMSCLI_SENDER": "Demo",
    "SMSCLI_STATE_DIR": home + "/state", "SMSCLI_CONFIG": home + "/none",
}
argv = ["send", "--to", "+79121231234", "hi", "-q"]
sys.exit(run(argv, Runtime(environ, None, sys.stdout, sys.stderr, transport=transport)))
"""

"""What every test may use: ``smscli(...)``, a run that reads like a transcript; a real terminal; a vendor on loopback.

No test may talk to anybody but this machine: a connection elsewhere fails it.
"""

from __future__ import annotations

import io
import ipaddress
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from smscli.cli import run
from smscli.journal import Journal
from smscli.runtime import Runtime
from smscli.wire import Transport
from tests.certificates import Certificates, certificates
from tests.client import SECRETS
from tests.documents import hold_output
from tests.jobs import NOON, Place
from tests.vendor import Vendor

NO_KEYRING = os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
"""No test may look into the keyring of whoever runs it."""

settings.register_profile("thorough", max_examples=600)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the whole suite on all cores; a part of it, or with options of xdist or a debugger, as one asks for it."""
    option = config.option
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not hasattr(config, "workerinput")
    if whole and getattr(option, "numprocesses", 0) is None and not option.tx and not option.usepdb:
        option.numprocesses = os.cpu_count() or 1
        option.dist = "worksteal"


@dataclass(frozen=True)
class Ran:
    """What a command line left behind."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        """A JSON document must be as the schema of its command says."""
        hold_output(self.out)

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[list[str]]:
        """The lines of ``plain``, cut at the tabs."""
        return [line.split("\t") for line in self.out.splitlines()]


class Stream(io.TextIOWrapper):
    """A text stream over bytes that says whether it is a terminal."""

    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", newline="")
        self._terminal = terminal

    def isatty(self) -> bool:
        """Say what the test wants."""
        return self._terminal

    def text(self) -> str:
        """Return what was written."""
        self.flush()
        written = self.buffer
        assert isinstance(written, io.BytesIO)
        return written.getvalue().decode()


@pytest.fixture
def smscli(tmp_path: Path) -> Callable[..., Ran]:
    """Run a command line against a private config file and state directory (``runner``)."""
    return runner(tmp_path)


def runner(home: Path) -> Callable[..., Ran]:
    """Return what runs command lines with config file and state in ``home``; keyword arguments replace the world.

    ``environ`` adds variables, ``stdin`` is bytes on a pipe (None: a terminal), ``terminal`` makes stdout one,
    ``transport`` stands in for HTTP, ``now`` for the wall clock.
    """

    def call(
        *argv: str,
        environ: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        terminal: bool = False,
        transport: Transport | None = None,
        **world: Any,
    ) -> Ran:
        out, err = Stream(terminal=terminal), Stream()
        runtime = Runtime(
            environ={
                "HOME": str(home),
                "SMSCLI_CONFIG": str(home / "config.toml"),
                "SMSCLI_STATE_DIR": str(home / "state"),
                "PYTHON_KEYRING_BACKEND": NO_KEYRING,
                **(environ or {}),
            },
            stdin=Stream(stdin or b"", terminal=stdin is None),
            stdout=out,
            stderr=err,
            transport=transport,
            # The wall clock of a test is the only one, unless it brings a second witness. Nobody waits between tries.
            **{"boot": lambda: None, "sleep": lambda _: None, **world},
        )
        return Ran(run(list(argv), runtime), out.text(), err.text())

    return call


def on_a_terminal(argv: list[str], environ: dict[str, str], dialogue: list[tuple[str, str]]) -> tuple[int, str]:
    """Run smscli on a pseudo-terminal; type each answer when its question has appeared.

    By then the terminal must be ready for it: unseen for a question that says so, seen for all others.
    """
    program = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # a password is asked for on the controlling terminal
sys.argv[0] = "smscli"
from smscli.cli import main
main()
"""
    terminal, other_end = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", program, *argv],
        stdin=other_end, stdout=other_end, stderr=other_end, env={**os.environ, **environ}, start_new_session=True,
    )  # fmt: skip
    os.close(other_end)
    screen, seen, waiting = "", 0, list(dialogue)
    deadline = time.monotonic() + 20
    try:
        while time.monotonic() < deadline and (chunk := _read(terminal)) is not None:
            screen += chunk
            if waiting and (at := screen.find(waiting[0][0], seen)) >= 0:
                seen = at + len(waiting[0][0])
                is_shown = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
                assert is_shown == ("(not shown)" not in waiting[0][0]), f"{waiting[0][0]}: shown is {is_shown}"
                os.write(terminal, waiting.pop(0)[1].encode() + b"\n")
        return child.wait(1), screen
    finally:
        child.kill()
        child.wait()
        os.close(terminal)


def _read(terminal: int) -> str | None:
    """Return what has come within a moment, None when the other side has gone."""
    ready, _, _ = select.select([terminal], [], [], 0.05)
    try:
        return os.read(terminal, 4096).decode(errors="replace") or None if ready else ""
    except OSError:  # how Linux says it
        return None


@pytest.fixture
def heeded_signals() -> Iterator[None]:
    """Let children meet the signals that end a program, also when this run ignores them (``nohup``, ``&`` in a script).

    A program that is started with a signal ignored leaves it ignored, as it should.
    """
    ignored = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


# --- a journal, in whatever store -------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal is not yet."""
    return tmp_path / "state" / "journal.sqlite3"


@pytest.fixture
def place(path: Path) -> Place:
    """Return where a journal is not yet, in the store that is asked about: here, a file."""
    return path


@pytest.fixture
def opened(place: Place) -> Iterator[Callable[..., Journal]]:
    """Return an opener of journals in the same place, closed in the end; ``at`` is seconds after noon."""
    with ExitStack() as stack:
        yield lambda at=0.0: stack.enter_context(Journal(place, now=lambda: NOON + at))


# --- a vendor behind a socket, and the fence around it ----------------------------------------------------------------


def _fence(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
        if not ipaddress.ip_address(host).is_loopback:
            raise AssertionError(f"a test connects to {host}, which is not this machine")


sys.addaudithook(_fence)


@pytest.fixture(scope="session")
def files() -> Certificates:
    """The certificates of this run."""
    return certificates()


@pytest.fixture(scope="module")
def running(files: Certificates) -> Iterator[Vendor]:
    """One verifying vendor for all tests of a file."""
    with Vendor(server_files=asdict(files), secrets=SECRETS) as vendor:
        yield vendor


@pytest.fixture
def vendor(running: Vendor) -> Vendor:
    """The vendor, its memory emptied."""
    running.forget()
    return running

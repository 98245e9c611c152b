"""Forks of one interpreter that has loaded the program: each runs one command line, and ends as the program ends.

They are for cases that are not about the program's start. A fork may wait for its tracer, which then sees the command
alone: neither the start of an interpreter nor its modules.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# Two sends that reach nobody load what a send needs.
_SERVER = """
import ctypes, gc, io, json, os, sys
import smscli.cli.bulk
import smscli.journal
from smscli.__main__ import main
from smscli.cli import run
from smscli.runtime import Runtime
world = {
    "SMSCLI_PROVIDER": "mainsms", "SMSCLI_PROJECT": "me", "SMSCLI_API_KEY": "key",
    "SMSCLI_BASE_URL": "http://127.0.0.1:1/", "SMSCLI_CONFIG": "/nonexistent", "SMSCLI_STATE_DIR": "/nonexistent",
}
for option in ("--dry-run", "--no-journal"):
    streams = [io.TextIOWrapper(io.BytesIO()) for _ in range(3)]
    argv = ["send", "--to", "+79121231234", option, "hi", "-o", "json"]
    run(argv, Runtime(environ=world, stdin=streams[0], stdout=streams[1], stderr=streams[2], sleep=lambda _: None))

gc.collect()
gc.freeze()  # what the forks would look through, and copy
for order in iter(sys.stdin.readline, ""):
    argv, environ, outputs = json.loads(order)
    waiting, begin = os.pipe()
    children = []
    for out, err in outputs:
        child = os.fork()
        if not child:
            ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)  # anybody may trace, not parents alone
            os.close(begin)
            for number, path in enumerate((os.devnull, out, err)):
                os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
            os.environ.clear()
            os.environ.update(environ)
            sys.argv[1:] = argv
            os.read(waiting, 1)
            main()
        children.append(child)
    os.close(waiting)
    print(*children, flush=True)
    sys.stdin.readline()
    os.close(begin)
    print(*[os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children], flush=True)
"""


class Forks:
    """The interpreter to fork from. It runs one command at a time, or one in many processes at once."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server

    def run(
        self, argv: Sequence[str], environ: Mapping[str, str], place: Path, tracer: Sequence[str]
    ) -> tuple[int, str, str]:
        """Return status, stdout and stderr of a command line; ``tracer`` (strace, not quiet) is attached to it."""
        out, err = place / "stdout", place / "stderr"
        (pid,) = self._fork(argv, environ, [(out, err)])
        with subprocess.Popen([*tracer, "-p", str(pid)], stderr=subprocess.PIPE, text=True) as attached:
            assert attached.stderr is not None
            said = attached.stderr.readline()
            self._order("")
            (code,) = self.answer()
            assert "attached" in said, said
            attached.communicate(timeout=60)
        return code, out.read_text(), err.read_text()

    @contextmanager
    def started(self, argv: Sequence[str], environ: Mapping[str, str]) -> Iterator[Fork]:
        """Start a command line whose output nobody reads, and see it end."""
        quiet = Path(os.devnull)
        (pid,) = self._fork(argv, environ, [(quiet, quiet)])
        process = os.pidfd_open(pid)
        fork = Fork(self, process)
        self._order("")
        try:
            yield fork
        finally:
            fork.wait()
            os.close(process)

    def race(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        place: Path,
        count: int,
        ready: Callable[[list[int]], None],
    ) -> list[tuple[int, str, str]]:
        """Return status, stdout and stderr of ``count`` processes of one command line, let go together.

        ``ready`` gets their ids, and returns when all of them wait for that.
        """
        outputs = [(place / f"stdout-{number}", place / f"stderr-{number}") for number in range(count)]
        ready(self._fork(argv, environ, outputs))
        self._order("")
        codes = self.answer()
        return [(code, out.read_text(), err.read_text()) for code, (out, err) in zip(codes, outputs, strict=True)]

    def answer(self) -> list[int]:
        """Return the next numbers that the interpreter says: of processes, or their statuses."""
        assert self._server.stdout is not None
        return [int(word) for word in self._server.stdout.readline().split()]

    def _fork(self, argv: Sequence[str], environ: Mapping[str, str], outputs: Sequence[tuple[Path, Path]]) -> list[int]:
        places = [[str(out), str(err)] for out, err in outputs]
        self._order(json.dumps([list(argv), dict(environ), places]))
        return self.answer()

    def _order(self, line: str) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(f"{line}\n")
        self._server.stdin.flush()


class Fork:
    """A command line that runs, with as much of ``subprocess.Popen`` as killing it takes."""

    def __init__(self, forks: Forks, process: int) -> None:
        self._forks = forks
        self._process = process
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the status when it has ended."""
        ended, *_ = select.select([self._process], [], [], 0)
        return self.wait() if ended else None

    def kill(self) -> None:
        """Send SIGKILL."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._process, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Return the status, negative when a signal ended it."""
        if self._code is None:
            assert select.select([self._process], [], [], timeout)[0], "it does not end"
            (self._code,) = self._forks.answer()
        return self._code


@contextmanager
def forks() -> Iterator[Forks]:
    """Start the interpreter, and let it end."""
    world = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], env=world, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        yield Forks(server)
        server.communicate(timeout=60)

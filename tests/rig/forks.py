"""Forks of one interpreter that has loaded the program: each runs one command line, and ends as the program ends.

They are for cases that are not about the program's start. A fork waits for its tracer, which then sees the command
alone: neither the start of an interpreter nor its modules.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# Two sends that reach nobody load what a send needs.
_SERVER = """
import ctypes, gc, io, json, os, sys
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
    argv, environ, out, err = json.loads(order)
    waiting, begin = os.pipe()
    child = os.fork()
    if not child:
        ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)  # where only parents may trace: anybody may
        os.close(begin)
        for number, path in enumerate((os.devnull, out, err)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
        os.environ.clear()
        os.environ.update(environ)
        sys.argv[1:] = argv
        os.read(waiting, 1)
        main()
    os.close(waiting)
    print(child, flush=True)
    sys.stdin.readline()
    os.close(begin)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forks:
    """The interpreter to fork from. It runs one command at a time."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server

    def run(
        self, argv: Sequence[str], environ: Mapping[str, str], place: Path, tracer: Sequence[str]
    ) -> tuple[int, str, str]:
        """Return status, stdout and stderr of a command line; ``tracer`` (strace, not quiet) is attached to it."""
        out, err = place / "stdout", place / "stderr"
        pid = self._ask(json.dumps([list(argv), dict(environ), str(out), str(err)]))
        with subprocess.Popen([*tracer, "-p", str(pid)], stderr=subprocess.PIPE, text=True) as attached:
            assert attached.stderr is not None
            said = attached.stderr.readline()
            code = self._ask("")
            assert "attached" in said, said
            attached.communicate(timeout=60)
        return code, out.read_text(), err.read_text()

    def _ask(self, line: str) -> int:
        orders, answers = self._server.stdin, self._server.stdout
        assert orders is not None
        assert answers is not None
        orders.write(f"{line}\n")
        orders.flush()
        return int(answers.readline())


@contextmanager
def forks() -> Iterator[Forks]:
    """Start the interpreter, and let it end."""
    world = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], env=world, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as server:
        yield Forks(server)
        server.communicate(timeout=60)

"""Commands run bare and under ``smscli run``, in pipes and on a terminal: what came out, and how they ended.

One interpreter that has loaded the program is forked for each of ours; a bare one is forked and executed by it, too, so
that both begin alike: in a session of their own, with the signals of a shell.
"""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SERVER = """
import fcntl, gc, io, json, os, signal, socket, sys, termios, time
from smscli.__main__ import main
from smscli.cli import run
from smscli.runtime import Runtime
import smscli.cli.running, smscli.child._beside, smscli.child._terminal, smscli.cli.alert, smscli.lists, smscli.journal

streams = [io.TextIOWrapper(io.BytesIO()) for _ in range(3)]
argv = ["send", "--sandbox", "--to", "+37061234567", "--no-journal", "hi"]
run(argv, Runtime(dict(os.environ), *streams))
gc.collect()
gc.freeze()
line = socket.socket(fileno=int(sys.argv[1]))
leaders = []

def begin(order, descriptors):
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(3, 64)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["directory"])
    for number in order["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    try:
        if order["ours"]:
            sys.argv[1:] = order["argv"]
            main()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        # The shell knows what to do with what is no program.
        os.execvpe("sh", ["sh", "-c", 'exec "$@"', "sh", *order["argv"]], order["environ"])
    except SystemExit as end:
        os._exit(end.code)
    finally:
        os._exit(111)

while True:
    data, descriptors, _, _ = socket.recv_fds(line, 100_000, 3)
    if not data:
        break
    order = json.loads(data)
    told, tell = os.pipe()
    leader = os.fork()
    if not leader:
        # As a shell does it: what it starts has a group of its own, in front where there is a terminal.
        os.setsid()
        terminal = descriptors[order["terminal"] - 1] if order["terminal"] else None
        if terminal is not None:
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        child = os.fork()
        if not child:
            os.setpgid(0, 0)
            if terminal is not None:
                os.tcsetpgrp(terminal, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            os.write(tell, b"%12d" % os.getpid())
            begin(order, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _, status = os.waitpid(child, 0)
        os.write(tell, b"%12d" % os.waitstatus_to_exitcode(status))
        time.sleep(5)  # a shell stays: its end would hang up
        os._exit(0)
    for descriptor in (*descriptors, tell):
        os.close(descriptor)
    for _ in range(2):
        line.send(os.read(told, 12))
    os.close(told)
    leaders.append(leader)
for leader in leaders:
    os.kill(leader, signal.SIGKILL)
"""


@dataclass
class Running:
    """A command on its way: its process, what has come out by now, and a way to type."""

    process: int
    outputs: dict[int, bytearray]
    keyboard: int | None
    line: socket.socket
    status: int | None = None
    open: set[int] = field(default_factory=set)
    mode: list[Any] = field(default_factory=list)
    """The settings of its terminal before it began."""

    def wait_for(self, words: bytes, seconds: float = 10.0) -> None:
        """Go on until these words have come out."""
        deadline = time.monotonic() + seconds
        while not any(words in output for output in self.outputs.values()):
            assert time.monotonic() < deadline, (words, self.outputs)
            assert self.status is None, (words, self.outputs, self.status)
            self.step(0.1)

    def type(self, keys: bytes) -> None:
        """Type at its terminal."""
        assert self.keyboard is not None
        os.write(self.keyboard, keys)

    def finish(self, seconds: float = 20.0) -> int:
        """Go on to its end, and to the end of its output; return its status."""
        deadline = time.monotonic() + seconds
        while self.status is None or self.open:
            assert time.monotonic() < deadline, (self.outputs, self.status)
            if not self.step(0.3) and self.status is not None:
                break  # somebody in the background has it still
        assert self.status is not None
        return self.status

    def step(self, patience: float = 0.1) -> bool:
        """Take what comes; return whether anything did."""
        waiting: list[Any] = [*self.open, *([self.line] if self.status is None else [])]
        ready, _, _ = select.select(waiting, [], [], patience)
        if self.line in ready:
            self.status = int(self.line.recv(12))
        for one in self.open & set(ready):
            try:
                data = os.read(one, 1 << 16)
            except OSError:
                data = b""
            self.outputs[one] += data
            if not data:
                self.open.discard(one)
        return bool(ready)


class Commands:
    """The server of a test module; ``environ`` is what commands get besides PATH."""

    def __init__(self, line: socket.socket, home: Path) -> None:
        self._line = line
        self.home = home
        self.environ = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "SMSCLI_STATE_DIR": str(home / "state"),
            "SMSCLI_CONFIG": str(home / "config.toml"), "TERM": "xterm",
        }  # fmt: skip

    @contextmanager
    def in_pipes(
        self, argv: Sequence[str], *, ours: bool, stdin: bytes = b"", merged: bool = False, ignored: Sequence[int] = (),
        environ: Mapping[str, str] | None = None,
    ) -> Iterator[Running]:  # fmt: skip
        """Start a command with a pipe for each stream (``merged``: one for both outputs)."""
        into, feed = os.pipe()
        out, out_end = os.pipe()
        err, err_end = (out, out_end) if merged else os.pipe()
        running = self._start(argv, (into, out_end, err_end), {out, err}, None, 0, ours, environ, ignored)
        os.close(into)
        for end in {out_end, err_end}:
            os.close(end)
        if stdin:
            os.write(feed, stdin)  # less than a pipe holds
        os.close(feed)
        with self._watched(running):
            yield running

    @contextmanager
    def on_terminal(
        self, argv: Sequence[str], *, ours: bool, piped: Sequence[int] = (), stdin: bytes = b"",
        size: tuple[int, int] = (24, 80), environ: Mapping[str, str] | None = None, typed: bytes = b"",
    ) -> Iterator[Running]:  # fmt: skip
        """Start a command on a terminal of its own, but for the streams that are ``piped``; ``typed`` came before."""
        keyboard, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, size)
        os.write(keyboard, typed)
        mode = termios.tcgetattr(terminal)
        ends = dict.fromkeys(range(3), terminal)
        watched, mine = {keyboard}, {terminal}
        for number in piped:
            reader, writer = os.pipe()
            ends[number] = writer if number else reader
            mine.add(ends[number])
            if number:
                watched.add(reader)
            else:
                os.write(writer, stdin)
                os.close(writer)
        one = next(number for number in range(3) if ends[number] == terminal) + 1
        running = self._start(argv, (ends[0], ends[1], ends[2]), watched, keyboard, one, ours, environ, ())
        running.mode = mode
        for end in mine:
            os.close(end)
        with self._watched(running):
            yield running

    def _start(
        self, argv: Sequence[str], ends: tuple[int, int, int], watched: set[int], keyboard: int | None, terminal: int,
        ours: bool, environ: Mapping[str, str] | None, ignored: Sequence[int],
    ) -> Running:  # fmt: skip
        order = {
            "argv": list(argv), "ours": ours, "terminal": terminal, "directory": str(self.home),
            "environ": self.environ | dict(environ or {}), "ignored": list(ignored),
        }  # fmt: skip
        socket.send_fds(self._line, [json.dumps(order).encode()], ends)
        process = int(self._line.recv(12))
        return Running(process, {one: bytearray() for one in sorted(watched)}, keyboard, self._line, None, set(watched))

    @contextmanager
    def _watched(self, running: Running) -> Iterator[None]:
        try:
            yield
        finally:
            if running.status is None:
                with suppress(ProcessLookupError):
                    os.kill(running.process, signal.SIGKILL)
                running.status = int(self._line.recv(12))
            for descriptor in running.outputs:
                os.close(descriptor)


@contextmanager
def commands(home: Path) -> Iterator[Commands]:
    """Start the server; its commands run in ``home``."""
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home)}
    with (
        ours,
        subprocess.Popen(
            [sys.executable, "-c", _SERVER, str(theirs.fileno())], pass_fds=[theirs.fileno()], env=environ,
            stdin=subprocess.DEVNULL,
        ) as server,
    ):  # fmt: skip
        theirs.close()
        try:
            yield Commands(ours, home)
        finally:
            ours.close()
            server.wait(20)

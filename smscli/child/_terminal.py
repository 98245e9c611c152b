"""A command at a terminal of its own: a pseudo-terminal in a session of its own, which stands before ours.

Ours is raw meanwhile: keys are the command's, and its terminal makes of them what it has set (an echo, a signal).
Between us and the command stands a small process, the leader of that session. Without it nothing could be stopped
there: the kernel ignores Ctrl-Z for a group whose parent is in another session. It tells us how the command fares,
hands on the signals that we write to it, and lives on for a moment when we are killed: then it ends the command and
puts our terminal back.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import sys
import termios
import tty
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from smscli.child._beside import copy_size, way
from smscli.child._signals import Relay
from smscli.child._starting import NotStartedError, start

if sys.platform == "win32":
    raise ImportError("this system has no terminals as POSIX knows them")

_IN, _OUT, _ERR = range(3)
_LFLAG, _CC = 3, 6
"""Places in what tcgetattr(3) gives."""
_TYPED = 4096
"""Bytes of keys that wait for the command; more stay where they are."""
_LOOK = 0.25
"""Seconds between looks whether we are in front."""
_REPORT = struct.Struct("=ci")
_STARTED, _FAILED, _STOPPED, _ENDED = b"P", b"F", b"S", b"E"


def is_for_us() -> bool:
    """Return whether stdin and stdout are one terminal, which is ours to change: we are in its foreground."""
    if not (os.isatty(_IN) and os.isatty(_OUT)) or os.fstat(_IN).st_rdev != os.fstat(_OUT).st_rdev:
        return False
    return _in_front()


def _in_front() -> bool:
    try:
        return os.tcgetpgrp(_IN) == os.getpgrp()
    except OSError:  # it controls another session
        return False


def _typed_ahead(theirs: list[Any]) -> bytes:
    """Return the keys that make of a terminal in the mode ``theirs`` what lies ready in ours.

    A terminal that becomes raw turns an end of input that nobody has read into a NUL, so what was ended by one or by a
    line feed is read before that. A line that is not ended stays, to be read raw.
    """
    mode = termios.tcgetattr(_IN)
    if not mode[_LFLAG] & termios.ICANON:
        return b""
    special = mode[_CC]
    # An end of input that is typed from now on stays the key that it is.
    deaf = [*special[: termios.VEOF], bytes([os.fpathconf(_IN, "PC_VDISABLE")]), *special[termios.VEOF + 1 :]]
    termios.tcsetattr(_IN, termios.TCSADRAIN, [*mode[:_CC], deaf])
    keys, breaks = b"", {b"\n", special[termios.VEOL], special[termios.VEOL2]} - {b"\0"}
    for _ in range(_TYPED):  # a terminal that is gone has an end of input for ever
        if not select.select([_IN], [], [], 0)[0]:
            break
        line = os.read(_IN, _TYPED)
        keys += _quoted(line, theirs)
        if line[-1:] not in breaks:
            keys += special[termios.VEOF]
    return keys


def _quoted(line: bytes, mode: list[Any]) -> bytes:
    """Return the keys that type this in that mode: what would do something there was typed behind a Ctrl-V."""
    quote = mode[_CC][termios.VLNEXT]
    needed = termios.ICANON | termios.IEXTEN
    if mode[_LFLAG] & needed != needed or quote == b"\0":
        return line
    numbers = (termios.VMIN, termios.VTIME, termios.VEOL, termios.VEOL2)  # no keys, and keys that end a line
    active = {key for place, key in enumerate(mode[_CC]) if place not in numbers and key != b"\0"} | {b"\r"}
    return b"".join(quote + key if key in active else key for key in (line[i : i + 1] for i in range(len(line))))


class AtTerminal:
    """The command, seen from our side of its terminal."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], relay: Relay, closed: Collection[int]) -> None:
        """Start it; ``closed`` is empty: all three are there."""
        assert not closed  # noqa: S101  (see above)
        self._relay = relay
        self._mode = termios.tcgetattr(_IN)
        self._is_raw = False
        self._keys = b""
        self._status: int | None = None
        self._master, slave = os.openpty()
        termios.tcsetattr(slave, termios.TCSANOW, self._mode)
        copy_size(_IN, slave)
        os.set_blocking(self._master, False)
        self.sources = {self._master: _OUT}
        ends = {_IN: slave, _OUT: slave, _ERR: slave}
        if not os.isatty(_ERR):
            ours, ends[_ERR] = way(_ERR)
            self.sources[ours] = _ERR
        orders, self._orders = os.pipe()
        self._reports, reports = os.pipe()
        foreign = (*self.sources, self._orders, self._reports)
        self._leader = os.fork()
        if not self._leader:
            try:
                for number in foreign:
                    os.close(number)
                _Leader(relay, orders, reports, self._mode).lead(argv, environ, ends)
            finally:
                os._exit(1)
        for number in {orders, reports, *ends.values()}:
            os.close(number)
        kind, value = self._report()
        if kind == _FAILED:
            self.close()
            raise NotStartedError(value, os.strerror(value))
        if kind == _ENDED:  # its first act was to kill the leader
            self._status = os.waitstatus_to_exitcode(value)
        self._come_to_front()

    def watched(self) -> tuple[list[int], list[int], float | None]:
        """Return the reports, the keys while they are ours, and the way in when there is something to type.

        In the background nobody tells us that we are in front again: a shell continues only what has stopped.
        """
        reads = [self._reports]
        if self._is_raw and len(self._keys) < _TYPED:
            reads.append(_IN)
        writes = [self._master] if self._keys and self._master in self.sources else []
        return reads, writes, None if self._is_raw else _LOOK

    def serve(self, ready: Sequence[int], writable: Sequence[int]) -> None:
        """Pass on keys, and hear how the command fares."""
        self._come_to_front()
        if _IN in ready:
            try:
                keys = os.read(_IN, _TYPED)
            except OSError:
                keys = b""
            self._keys += keys
            if not keys:  # the terminal is gone, or others have it
                self._is_raw = False
        if self._master in writable:
            with suppress(OSError):
                self._keys = self._keys[os.write(self._master, self._keys) :]
        if self._reports in ready:
            kind, value = self._report()
            if kind == _STOPPED:
                self._stop_with(value)
            else:
                self._status = os.waitstatus_to_exitcode(value)

    def take(self, number: int, by_kernel: bool) -> None:  # noqa: ARG002  (the keys of its terminal are its own)
        """Hand on a signal through the leader, which knows whom."""
        if number == signal.SIGCHLD:
            return
        if number in (signal.SIGWINCH, signal.SIGCONT):
            self._relay.ring(number)
        else:
            self._order(number)

    def heed(self, numbers: Collection[int]) -> None:
        """Follow the size of our terminal; be raw again when we are in front again."""
        if signal.SIGWINCH in numbers and self._master in self.sources:
            copy_size(_IN, self._master)
        if signal.SIGCONT in numbers:
            self._come_to_front()
            self._order(signal.SIGCONT)

    def ended(self) -> int | None:
        """Return the status when there is one."""
        return self._status

    def close(self) -> None:
        """Put our terminal back, and let the leader go."""
        self._put_back()
        os.close(self._orders)
        os.close(self._reports)
        for source in self.sources:
            os.close(source)
        self.sources = {}
        os.waitpid(self._leader, 0)

    def _stop_with(self, number: int) -> None:
        """Stop as the command did, and the rest of our job with us; let it go on when we are let go on."""
        self._put_back()
        if number == signal.SIGSTOP:
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            self._relay.stop_group()
        self._come_to_front()
        self._order(signal.SIGCONT)

    def _come_to_front(self) -> None:
        if not self._is_raw and _in_front():
            self._is_raw = True
            if self._master in self.sources:
                copy_size(_IN, self._master)
            with suppress(termios.error, OSError):
                self._keys += _typed_ahead(termios.tcgetattr(self._master))
            with suppress(termios.error):
                tty.setraw(_IN, termios.TCSADRAIN)

    def _put_back(self) -> None:
        if self._is_raw:
            self._is_raw = False
            with suppress(termios.error):
                termios.tcsetattr(_IN, termios.TCSADRAIN, self._mode)

    def _order(self, number: int) -> None:
        with suppress(OSError):
            os.write(self._orders, bytes([number]))

    def _report(self) -> tuple[bytes, int]:
        data = os.read(self._reports, _REPORT.size)
        if len(data) < _REPORT.size:  # somebody has killed the leader
            return _ENDED, int(signal.SIGKILL)
        kind, value = _REPORT.unpack(data)
        return kind, value


class _Leader:
    """The leader of the command's session."""

    def __init__(self, relay: Relay, orders: int, reports: int, mode: list[Any]) -> None:
        self._relay, self._orders, self._reports, self._mode = relay, orders, reports, mode

    def lead(self, argv: Sequence[str], environ: Mapping[str, str], ends: Mapping[int, int]) -> NoReturn:
        """Start the command and stay until we are let go; ``ends`` are its descriptors."""
        os.setsid()
        fcntl.ioctl(ends[_IN], termios.TIOCSCTTY, 0)
        # Its terminal hangs up when the other side is killed: that is the command's business.
        hangup = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        background = signal.signal(signal.SIGTTOU, signal.SIG_IGN)

        def prepare() -> None:
            os.setpgid(0, 0)
            os.tcsetpgrp(ends[_IN], os.getpid())
            signal.signal(signal.SIGHUP, hangup)
            signal.signal(signal.SIGTTOU, background)
            for number, end in ends.items():
                os.dup2(end, number)
            self._relay.give_back()

        bell = self._hear_of_children()
        try:
            command = start(argv, environ, prepare)
        except NotStartedError as error:
            self._tell(_FAILED, error.errno or 0)
            os._exit(0)
        terminal = ends[_IN]  # kept while it runs: it would hang up where the command has closed it for now
        for end in set(ends.values()) - {terminal}:
            os.close(end)
        self._tell(_STARTED, 0)
        self._watch(command, bell, terminal)
        os._exit(0)

    def _watch(self, command: int, bell: int, terminal: int) -> None:
        running = True
        while True:
            ready, _, _ = select.select([bell, self._orders], [], [])
            if bell in ready and os.read(bell, 4096) and running:
                running = self._look(command, terminal)
            if self._orders in ready:
                orders = os.read(self._orders, 64)
                if not orders:
                    break
                for number in orders if running else b"":
                    self._send(command, number)
        if running:
            self._abandon(command)

    def _look(self, command: int, terminal: int) -> bool:
        """Tell what became of the command; return whether it runs on."""
        process, status = os.waitpid(command, os.WNOHANG | os.WUNTRACED)
        if not process:
            return True
        if os.WIFSTOPPED(status):
            self._tell(_STOPPED, os.WSTOPSIG(status))
            return True
        with suppress(OSError):
            # The end of a session's leader hangs up on the group in front: on nobody, then.
            os.tcsetpgrp(terminal, os.getpgrp())
        os.close(terminal)
        self._tell(_ENDED, status)
        return False

    def _abandon(self, command: int) -> None:
        """End the command and put the terminal back: the process before us was killed."""
        self._send(command, signal.SIGHUP)
        self._send(command, signal.SIGCONT)
        with suppress(termios.error):
            termios.tcsetattr(_IN, termios.TCSANOW, self._mode)

    def _send(self, command: int, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(command, number)

    def _tell(self, kind: bytes, value: int) -> None:
        with suppress(OSError):
            os.write(self._reports, _REPORT.pack(kind, value))

    def _hear_of_children(self) -> int:
        """Return a descriptor that can be read when a child has changed."""
        bell, hand = os.pipe()
        for end in (bell, hand):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(hand, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _nothing)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return bell


def _nothing(_number: int, _frame: object) -> None:
    """Only its bell is wanted."""

"""A command beside us: in our session and, where there is a terminal, in our process group, as a shell would run it.

Keys of the terminal reach it, and stdin is its own, without us. Its stdout and stderr are a pipe each; where ours are a
terminal, a pseudo-terminal that changes nothing takes the place of the pipe, so that the command still sees one. Where
both of ours are one file, so are its own: two pipes would lose the order.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import termios
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from time import sleep

from smscli.child._signals import Relay
from smscli.child._starting import start
from smscli.child._tail import widen

if sys.platform == "win32":
    raise ImportError("this system has no terminals as POSIX knows them")

_LAST_WORDS = 0.05
"""Seconds before we stop with the command, in which the other thread passes on what it has just said."""
_OUT, _ERR = 1, 2


def copy_size(source: int, target: int) -> None:
    """Give a terminal the size of another; nothing happens where one of them has none."""
    with suppress(OSError):
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(target, termios.TIOCSWINSZ, size)


def print_raw(terminal: int) -> None:
    """Have a terminal change nothing of what is printed on it: the one behind it does that."""
    mode = termios.tcgetattr(terminal)
    mode[1] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, mode)


def way(descriptor: int) -> tuple[int, int]:
    """Return the two ends, ours and the command's, of what stands for a descriptor of output."""
    if os.isatty(descriptor):
        ours, theirs = os.openpty()
        print_raw(theirs)
        copy_size(descriptor, theirs)
        return ours, theirs
    ours, theirs = os.pipe()
    widen(ours)
    return ours, theirs


def _has_terminal() -> bool:
    """Return whether this process has a terminal that controls it."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


class Beside:
    """The command; without a controlling terminal (cron, CI) it leads a group, and signals go to all of that."""

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str], relay: Relay, closed: Collection[int]) -> None:
        self._relay = relay
        self._lock = threading.Lock()
        self._leads = not _has_terminal()
        self._sizes: list[tuple[int, int]] = []
        self.sources: dict[int, int] = {}
        theirs = self._ways(closed)

        def prepare() -> None:
            if self._leads:
                os.setpgid(0, 0)
            for number, end in theirs.items():
                os.dup2(end, number)
            for number in closed:
                os.close(number)
            relay.give_back()

        self._process: int | None = None
        try:
            self._process = start(argv, environ, prepare)
        except OSError:
            self.close()
            raise
        finally:
            for end in set(theirs.values()):
                os.close(end)

    def _ways(self, closed: Collection[int]) -> dict[int, int]:
        """Lay the ways of its output that we have; return its ends, by descriptor."""
        theirs: dict[int, int] = {}
        for number in (_OUT, _ERR):
            if number in closed:
                continue
            if number == _ERR and theirs and os.path.sameopenfile(_OUT, _ERR):
                theirs[number] = theirs[_OUT]
                continue
            ours, theirs[number] = way(number)
            self.sources[ours] = number
            if os.isatty(number):
                self._sizes.append((number, ours))
        return theirs

    def watched(self) -> tuple[list[int], list[int], None]:
        """Return nothing: signals tell all there is to know."""
        return [], [], None

    def serve(self, ready: Sequence[int], writable: Sequence[int]) -> None:
        """Do nothing."""

    def take(self, number: int, by_kernel: bool) -> None:
        """Hand on a signal, unless a key has sent it to the whole group; follow stops and the size of the terminal."""
        if number == signal.SIGCHLD:
            self._relay.ring(number)
            return
        for outer, inner in self._sizes if number == signal.SIGWINCH else ():
            copy_size(outer, inner)
        # The size may have come after the command looked.
        self._hand_on(number, by_kernel=by_kernel and number != signal.SIGWINCH)
        if number in (signal.SIGTSTP, signal.SIGTTIN):
            sleep(_LAST_WORDS)
            self._relay.stop_here(number)

    def heed(self, numbers: Collection[int]) -> None:
        """Do nothing: all is done where signals are taken."""

    def _hand_on(self, number: int, *, by_kernel: bool) -> None:
        with self._lock, suppress(ProcessLookupError, PermissionError):
            if self._process is not None and self._leads:
                os.killpg(self._process, number)
            elif self._process is not None and not by_kernel:
                os.kill(self._process, number)

    def ended(self) -> int | None:
        """Return the status when there is one; the process is known to the system until then."""
        with self._lock:
            if self._process is None:
                return None
            process, status = os.waitpid(self._process, os.WNOHANG)
            if not process:
                return None
            self._process = None
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Close our ends; a command that still runs, because we failed, ends."""
        self._hand_on(signal.SIGTERM, by_kernel=False)
        for source in self.sources:
            os.close(source)
        self.sources = {}

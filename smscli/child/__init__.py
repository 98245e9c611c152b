"""One command as a child of this process: run to its end, its output passed on unchanged, the last of it kept.

It knows nothing of messages. The command has what it would have without us: stdin, environment, further descriptors,
signals; stdout and stderr that are terminals where ours are. POSIX only.

::

    _tail.py       output passed on, and the last of it kept
    _starting.py   fork and exec, as a shell does it
    _signals.py    the signals of this process, taken by a thread and handed on
    _beside.py     a command beside us: in our session, its output through pipes
    _terminal.py   a command at a terminal of its own, which stands before ours
    _successor.py  who passes output on when the command has ended, and jobs in its background have not
"""

from __future__ import annotations

import errno
import os
import select
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from smscli.errors import UnsupportedError

if TYPE_CHECKING:
    from smscli.child._signals import Relay
    from smscli.child._tail import Tail

KEPT = 64 * 1024
"""Bytes of output that are kept, the last ones."""
_SILENCE = 0.2
"""Seconds without output after the command's end that mean: what still holds its output (a job in the background, the
``tee`` of a shell's substitution) has nothing to say now."""
_AFTERWARDS = 2.0
"""Seconds after the command's end in which output is still kept, however much comes."""
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""The statuses that shells give to a command that could not be started."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended.

    ``status`` is its exit status, or minus the signal that ended it; ``seconds`` how long it ran; ``output`` the last
    of stdout and stderr, in the order in which they came. ``problem`` says why it could not be started at all;
    ``unwritten`` why its output could not be passed on to the end.
    """

    status: int
    seconds: float = 0.0
    output: bytes = b""
    problem: str | None = None
    unwritten: str | None = None

    @property
    def signal(self) -> int | None:
        """The signal that ended it."""
        return -self.status if self.status < 0 else None

    @property
    def shell_status(self) -> int:
        """The status as a shell has it in ``$?``."""
        return self.status if self.status >= 0 else 128 - self.status


class Child(Protocol):
    """A command that was started; ``sources`` are the ends of its output, each with the descriptor it goes to."""

    sources: dict[int, int]

    def watched(self) -> tuple[list[int], list[int], float | None]:
        """Return what else to wait for: to be read, to be written; and at most how many seconds."""

    def serve(self, ready: Sequence[int], writable: Sequence[int]) -> None:
        """Do what those descriptors ask for."""

    def take(self, number: int, by_kernel: bool) -> None:
        """Hand on a signal; called in another thread. ``by_kernel``: a key of a terminal has sent it."""

    def heed(self, numbers: Collection[int]) -> None:
        """Do in the main thread what signals ask for that ``take`` has passed to it."""

    def ended(self) -> int | None:
        """Return the status with which the command ended, None while it runs."""

    def close(self) -> None:
        """Put everything back; what of the command is left then has no terminal or pipe of ours."""


def run(
    argv: Sequence[str], environ: Mapping[str, str], *, clock: Callable[[], float] = monotonic, kept: int = KEPT
) -> Ending:
    """Run a command to its end and return how it ended; ``kept`` bytes of its output are kept.

    Raises UnsupportedError on a system without pseudo-terminals.
    """
    if sys.platform == "win32":
        raise UnsupportedError("this system has no pseudo-terminals: run needs Linux or macOS")
    from smscli.child._beside import Beside
    from smscli.child._signals import Relay
    from smscli.child._starting import as_it_came, hold_places
    from smscli.child._successor import succeed
    from smscli.child._tail import Tail
    from smscli.child._terminal import AtTerminal, is_for_us

    started, tail = clock(), Tail(kept)
    with hold_places() as closed, Relay() as relay:
        make = AtTerminal if not closed and is_for_us() else Beside
        try:
            child: Child = make(argv, as_it_came(environ), relay, closed)
        except OSError as error:  # missing, or this machine has no process, pipe or pseudo-terminal left
            missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
            return Ending(NOT_FOUND if missing else NOT_EXECUTABLE, problem=error.strerror)
        try:
            relay.start(child.take)
            status, ended, unwritten = _carry(child, relay, tail, clock)
            left, child.sources = child.sources, {}
        finally:
            child.close()
    if left:
        unwritten = succeed(left) or unwritten
    return Ending(status, ended - started, tail.content(), unwritten=unwritten)


def _carry(child: Child, relay: Relay, tail: Tail, clock: Callable[[], float]) -> tuple[int, float, str | None]:
    """Pass output on until the command has ended; return its status, when that was, and why output was lost."""
    unwritten = None
    while (status := child.ended()) is None:
        unwritten = _serve(child, relay, tail) or unwritten
    ended = clock()
    while child.sources and (patience := min(_SILENCE, ended + _AFTERWARDS - clock())) > 0:
        ready, _, _ = select.select([*child.sources], [], [], patience)
        if not ready:
            break
        unwritten = _pass_all(child, ready, tail) or unwritten
    return status, ended, unwritten


def _serve(child: Child, relay: Relay, tail: Tail) -> str | None:
    """Wait for what comes, and deal with it; return why output was lost."""
    if sys.platform == "win32":  # where nothing was started
        return None
    reads, writes, patience = child.watched()
    ready, writable, _ = select.select([*reads, *child.sources, relay.wake], writes, [], patience)
    if relay.wake in ready:
        child.heed(relay.read())
    child.serve(ready, writable)
    return _pass_all(child, ready, tail)


def _pass_all(child: Child, ready: Sequence[int], tail: Tail) -> str | None:
    problems = [_pass(child, source, tail) for source in ready if source in child.sources]
    return next(filter(None, problems), None)


def _pass(child: Child, source: int, tail: Tail) -> str | None:
    """Pass on what has come; return what kept it away, but for a reader that has gone.

    Nobody reads from that end any more then, so that the command learns of it as it would: from its next write.
    """
    try:
        if not tail.pass_on(source, child.sources[source]):
            _drop(child, source)
    except OSError as error:
        _drop(child, source)
        return None if error.errno == errno.EPIPE else error.strerror
    return None


def _drop(child: Child, source: int) -> None:
    del child.sources[source]
    with suppress(OSError):
        os.close(source)

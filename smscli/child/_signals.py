"""The signals of this process while a command runs: a thread takes them, so that one is handed on at once.

Also while the main thread waits for a reader of the output. What was ignored when we began stays ignored, here and in
the command. The thread sees where a signal comes from, which no handler in Python does: what a key of the terminal has
sent to the whole group must not reach the command twice.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

if sys.platform == "win32":
    raise ImportError("this system has no terminals as POSIX knows them")

_KEYS = {signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH}
"""What a terminal sends to a group; where the system does not tell, these are taken for that."""
_LEFT = {
    signal.SIGKILL, signal.SIGSTOP, signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGURG,
    # Of the process's own doing.
    signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS,
    signal.SIGXCPU,
}  # fmt: skip
_SI_KERNEL = 0x80
"""Linux: sent by the kernel itself, not by kill(2)."""


class Relay:
    """All signals that can be handed on, held back while the block runs."""

    def __init__(self) -> None:
        self._taken = {
            number
            for number in signal.valid_signals() - _LEFT
            if number == signal.SIGCHLD or signal.getsignal(number) is not signal.SIG_IGN
        }
        self._thread: threading.Thread | None = None
        self._over = False
        self._own_stop: threading.Event | None = None
        self.wake, self._bell = os.pipe()
        os.set_blocking(self.wake, False)

    def __enter__(self) -> Self:
        self.mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._taken)
        self._on_child = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # who inherits "ignored" gets no status
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None and self._thread.ident is not None:
            self._over = True
            signal.pthread_kill(self._thread.ident, signal.SIGCHLD)
            self._thread.join()
        signal.signal(signal.SIGCHLD, self._on_child)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)
        os.close(self.wake)
        os.close(self._bell)

    def start(self, take: Callable[[int, bool], None]) -> None:
        """Begin to take signals: each is given to ``take``, in the thread, with whether the kernel sent it."""
        self._thread = threading.Thread(target=self._listen, args=(take,), daemon=True)
        self._thread.start()

    def ring(self, number: int) -> None:
        """Tell the main thread of a signal: ``wake`` can be read then."""
        os.write(self._bell, bytes([number]))

    def read(self) -> set[int]:
        """Return the signals that the main thread was told of."""
        return set(os.read(self.wake, 4096))

    def give_back(self) -> None:
        """Let a child have the signals as we had them; called in the child."""
        signal.signal(signal.SIGCHLD, self._on_child)
        signal.pthread_sigmask(signal.SIG_SETMASK, self.mask)

    def stop_here(self, number: int = signal.SIGTSTP) -> None:
        """Stop this process until it is continued, by the signal itself: the system knows whether anybody could.

        In the thread that calls it, and for all of the process: the other one may be waiting for a stopped reader.
        """
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        try:
            signal.pthread_kill(threading.get_ident(), number)
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, {number})

    def stop_group(self) -> None:
        """Stop the whole process group: where a script runs us, the shell waits for both to stop."""
        self._own_stop = threading.Event()
        # To all at once: who stopped after the others could miss that they are continued already.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})
        try:
            os.kill(0, signal.SIGTSTP)
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        taken, self._own_stop = self._own_stop, None
        if taken.is_set():  # by the thread, which POSIX allows
            self.stop_here()

    def _listen(self, take: Callable[[int, bool], None]) -> None:
        while True:
            number, by_kernel = self._next()
            if self._over:
                return
            if number == signal.SIGTSTP and self._own_stop is not None:
                self._own_stop.set()
            else:
                take(number, by_kernel)

    def _next(self) -> tuple[int, bool]:
        if hasattr(signal, "sigwaitinfo"):
            info = signal.sigwaitinfo(self._taken)
            return info.si_signo, info.si_code == _SI_KERNEL
        number = signal.sigwait(self._taken)
        return number, number in _KEYS

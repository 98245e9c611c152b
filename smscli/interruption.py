"""Signals that ask to finish: what is heard, what is answered at once, and what a second one ends.

It must not know what is being done; whoever does it asks between two steps.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Those that ask a program to end; Windows lacks one."""


class Interruption:
    """A signal that asked to finish: the running request goes on, the next one is not begun."""

    __slots__ = ("signal",)

    def __init__(self) -> None:
        self.signal: int | None = None

    def __bool__(self) -> bool:
        return self.signal is not None


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt while the block runs: for what must be put back (an echo, a server).

    Elsewhere the program ends by the signal itself, without a word. Where it was not the program's entry that chose so
    (an embedding program, nohup), nothing is changed.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a send that began in here has its own
            signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def heed(
    interruption: Interruption | None, cancel: Callable[[], None], notify: Callable[[], None], *, for_good: bool
) -> Iterator[None]:
    """Let the first signal ask to finish and the second end the running request, while the block runs.

    ``notify`` is called at the first one, inside its handler. ``for_good``: handled also behind the block, so that a
    late signal cannot keep the receipt from being shown.
    """
    if interruption is None:
        yield
        return
    waiting = True

    def caught(number: int, _frame: FrameType | None) -> None:
        if interruption:
            cancel()
            return
        interruption.signal = number
        if waiting:
            notify()

    # What the parent made ignored (nohup, a shell's background job) stays ignored.
    previous = {number: signal.getsignal(number) for number in SIGNALS}
    previous = {number: handler for number, handler in previous.items() if handler is not signal.SIG_IGN}
    for number in previous:
        signal.signal(number, caught)
    try:
        yield
    finally:
        waiting = False
        for number, handler in previous.items():
            if not for_good:
                signal.signal(number, handler)


def notice(vendor: str, seconds: float, *, is_running: bool) -> str:
    """Return what the first signal is answered with, where one request at a time is made, and perhaps just now."""
    if not is_running:
        return "smscli: stopping; no request is running just now\n"
    return (
        f"smscli: waiting at most {seconds:g} s for the running request to {vendor}; nothing is sent after it. "
        "A second signal (Ctrl-C) stops now, and what became of that request is then unknown\n"
    )


def say(stream: TextIO | None, text: str) -> None:
    """Write a short text past the stream's buffer: a signal handler must not touch what it may have interrupted."""
    with suppress(OSError, ValueError, AttributeError):
        os.write(stream.fileno(), text.encode("ascii", "backslashreplace"))  # type: ignore[union-attr]  # None is suppressed

"""Who passes output on when the command has ended and jobs in its background have not.

A small process of its own, which ends when the last of them has let go of that output. It keeps nothing of what it
passes on, and has nothing of ours but those descriptors: no file, no terminal, no session.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from smscli.child._beside import print_raw
from smscli.child._tail import write

if sys.platform == "win32":
    raise ImportError("this system has no terminals as POSIX knows them")

_CHUNK = 64 * 1024
"""Bytes that are read at once."""


def succeed(sources: dict[int, int]) -> str | None:
    """Leave the ends of output, each with the descriptor it goes to, to a process of their own; return why it is not.

    No thread of ours may run. The ends are closed here.
    """
    try:
        process = os.fork()
    except OSError as error:
        return error.strerror
    else:
        if process:
            return None
        try:
            _stay(sources)
        finally:
            os._exit(0)
    finally:
        for source in sources:
            os.close(source)


def _stay(sources: dict[int, int]) -> None:
    os.setsid()  # a key, a stop or the end of the terminal is not for it, as long as somebody may print
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    os.chdir("/")
    _close_all_but({*sources, *sources.values()})
    for source in sources:
        if os.isatty(source):
            print_raw(source)  # the terminal behind it is raw no longer
    while sources:
        for source in select.select([*sources], [], [])[0]:
            if not _pass_on(source, sources[source]):
                os.close(source)
                target = sources.pop(source)
                if target not in sources.values():
                    os.close(target)


def _pass_on(source: int, target: int) -> bool:
    """Pass on what has come; return False when nothing will any more, or nobody reads it."""
    try:
        data = os.read(source, _CHUNK)
        write(target, memoryview(data))
    except BlockingIOError:
        return True
    except OSError:
        return False
    return bool(data)


def _close_all_but(kept: Collection[int]) -> None:
    """Close what the process before us has open, or was given: somebody may wait for the end of it."""
    try:
        numbers = [int(entry.name) for entry in Path("/dev/fd").iterdir()]
    except OSError:
        numbers = [*range(256)]
    for number in numbers:
        if number not in kept:
            with suppress(OSError):
                os.close(number)

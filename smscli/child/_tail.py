"""Output passed on, and the last of it kept.

What comes is read right behind what is kept, and not copied again. A command that prints faster than we copy, from one
pipe into another, is not copied at all: the kernel moves its pages, and a second pipe holds on to the last of them.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import struct
import sys
import termios
from contextlib import suppress
from typing import Any

if sys.platform == "win32":
    raise ImportError("this system has no terminals as POSIX knows them")

_CHUNK = 128 * 1024
"""Bytes that are read at once."""
PIPE_SIZE = 1024 * 1024
"""Bytes; with the usual 64 KiB a fast command and we would wait for each other more often."""


def widen(pipe: int) -> None:
    """Let a pipe hold more, where the system allows it: only Linux does."""
    with suppress(OSError, AttributeError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_SIZE)


class Tail:
    """The last bytes of all that was passed on by it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._end = 0
        self._bytes = memoryview(bytearray(size + 4 * _CHUNK))
        self._pages: _Pages | None = None

    def pass_on(self, source: int, target: int) -> bool:
        """Pass on what a descriptor has now; return False when it has ended.

        Raises OSError when it cannot be written.
        """
        if self._move(source, target):
            return True
        try:
            data = self.read(source)
        except BlockingIOError:
            return True
        except OSError:  # how Linux says that nobody has the other end of a pseudo-terminal
            return False
        write(target, data)
        return bool(data)

    def read(self, source: int) -> memoryview:
        """Return what a descriptor has now; it stays until the next call.

        A terminal gives a page at a time: from a descriptor that does not wait, all that is there is read.
        """
        self._let_go()
        if len(self._bytes) - self._end < _CHUNK:
            kept = bytes(self._bytes[self._end - self._size : self._end])
            self._bytes[: self._size] = kept
            self._end = self._size
        begin, most = self._end, self._end + _CHUNK
        waits = os.get_blocking(source)
        try:
            while count := os.readv(source, [self._bytes[self._end : most]]):
                self._end += count
                if waits or self._end == most:
                    break
        except OSError:
            if self._end == begin:
                raise
        return self._bytes[begin : self._end]

    def content(self) -> bytes:
        """Return the last bytes; this is the end of it."""
        self._let_go()
        if self._pages is not None:
            self._pages.close()
            self._pages = None
        return bytes(self._bytes[max(0, self._end - self._size) : self._end])

    def _move(self, source: int, target: int) -> bool:
        """Have the kernel move what is there, if that is much and between pipes; return whether it was."""
        if not (_is_pipe(source) and _is_pipe(target)) or _waiting(source) < max(self._size, 1):
            return False
        if self._pages is None:
            self._pages = _Pages()
        return self._pages.move(source, target)

    def _let_go(self) -> None:
        """Read what the kernel has held on to: something else comes behind it."""
        if self._pages is not None and self._pages.count:
            held, self._pages.count = self._pages.count, 0
            while held > 0:
                held -= len(self.read(self._pages.ours))


class _Pages:
    """The pages that were moved last: ``count`` bytes in a pipe."""

    def __init__(self) -> None:
        self.count = 0
        self.ours, self._theirs = os.pipe()
        widen(self.ours)
        self._nowhere = os.open(os.devnull, os.O_WRONLY)
        self._tee: Any = None
        with suppress(ImportError, AttributeError, OSError):  # only Linux has it, and Python not
            import ctypes

            os.splice  # noqa: B018  (the same)
            self._tee = ctypes.CDLL(None).tee

    def move(self, source: int, target: int) -> bool:
        """Move what is there, and hold on to it in place of what was before."""
        if self._tee is None:
            return False
        while self.count > 0:
            self.count -= os.splice(self.ours, self._nowhere, self.count)
        self.count = max(0, self._tee(source, self._theirs, PIPE_SIZE, 0))
        left = self.count
        while left:
            try:
                left -= os.splice(source, target, left)
            except BlockingIOError:
                select.select([], [target], [])
        return self.count > 0

    def close(self) -> None:
        """Give back what it took."""
        for descriptor in (self.ours, self._theirs, self._nowhere):
            os.close(descriptor)


def _is_pipe(descriptor: int) -> bool:
    return stat.S_ISFIFO(os.fstat(descriptor).st_mode)


def _waiting(pipe: int) -> int:
    """Return how many bytes can be read."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


def write(descriptor: int, data: memoryview) -> None:
    """Write all of it, also where somebody else has made the descriptor one that does not wait."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])

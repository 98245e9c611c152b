"""Who lives: byte N of the lock file is locked as long as the process lives that is owner N, or has job N to itself.

POSIX record locks belong to a process, and closing any descriptor of the file drops them all. So a process has one
descriptor for each file, shared by all its journals and counted, and knows itself what it holds. The file is never
unlinked: two files of one name would be two truths.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from smscli import private
from smscli.errors import ConfigError
from smscli.journal._entries import Hints
from smscli.locking import lock, unlock
from smscli.model import visible

FIRST_OWNER, OWNERS = 1 << 40, 1 << 61
"""Owners' numbers begin here, and there are so many; those below are of jobs."""
WHOLE_STORE = 0
"""Whoever checks the whole store, or brings it up to date, holds this; no job and no owner has that number."""


class LockFile:
    """The lock file of one journal, as this process knows it."""

    _guard = threading.Lock()
    _shared: ClassVar[dict[tuple[int, int, int], LockFile]] = {}

    def __init__(self, handle: int, identity: tuple[int, int, int]) -> None:
        self._handle = handle
        self._identity = identity
        self._users = 0
        self._held: set[int] = set()

    @classmethod
    def open(cls, path: Path, hints: Hints) -> LockFile:
        """Return the file, made when it is missing; raise ConfigError for what is no file of this user."""
        with cls._guard:
            file = cls._shared.get(_identity(path.lstat())) if path.exists() else None
            if file is None:
                flags = os.O_RDWR | os.O_CREAT | private.flags("O_NOFOLLOW")
                handle = os.open(path, flags, 0o600)
                info = os.fstat(handle)
                if not stat.S_ISREG(info.st_mode) or not private.is_ours(info):
                    os.close(handle)
                    raise ConfigError(f"the lock file {visible(str(path))} is no file of yours", hint=hints.another)
                private.restrict(handle)
                file = cls._shared[_identity(info)] = cls(handle, _identity(info))
            file._users += 1
            return file

    def hold(self, number: int) -> bool:
        """Hold that number until ``release``; return False when somebody, perhaps of this process, does."""
        with self._guard:
            if number in self._held or not lock(self._handle, number):
                return False
            self._held.add(number)
            return True

    def is_held(self, number: int) -> bool:
        """Return whether anybody holds that number. Ask inside a write transaction, where nobody can begin to."""
        with self._guard:
            if number in self._held:
                return True
            if not lock(self._handle, number):
                return True
            unlock(self._handle, number)
            return False

    def release(self, number: int) -> None:
        """Let go of that number."""
        with self._guard:
            self._held.discard(number)
            unlock(self._handle, number)

    def close(self) -> None:
        """Give the file up; the last of this process's journals closes it."""
        with self._guard:
            self._users -= 1
            if not self._users:
                del self._shared[self._identity]
                os.close(self._handle)

    @contextmanager
    def without_older_programs(self) -> Iterator[bool]:
        """Keep programs of an earlier layout from sending, and say whether none was."""
        with self._guard:
            free = lock(self._handle, 1, FIRST_OWNER - 1)
            try:
                yield free
            finally:
                if free:
                    unlock(self._handle, 1, FIRST_OWNER - 1)


def _identity(info: os.stat_result) -> tuple[int, int, int]:
    # The process takes part because a forked child inherits the descriptor but not the locks.
    return os.getpid(), info.st_dev, info.st_ino

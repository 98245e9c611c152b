"""Locks of the system's on bytes of an open file: held as long as the process lives, gone with it, whatever ends it.

On POSIX they are record locks, which belong to the process: closing any descriptor of the file drops them all. On
Windows they belong to the descriptor, and two descriptors of one process exclude each other.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt
    import os

    def lock(handle: int, first: int, count: int = 1) -> bool:
        """Lock ``count`` bytes from ``first`` on, also behind the file's end; return False when somebody has one.

        One byte at most on Windows: of more the call would take 2 GiB, and no program there locks by ranges.
        """
        if count != 1:
            return True
        os.lseek(handle, first, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError:  # EACCES: it is locked, perhaps by this very descriptor
            return False
        return True

    def unlock(handle: int, first: int, count: int = 1) -> None:
        """Give up what ``lock`` has locked."""
        if count == 1:
            os.lseek(handle, first, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

    def lock_file(handle: int) -> bool:
        """Lock a file whole, against all who ask so, until it is closed; return False when somebody has it."""
        return lock(handle, 0)

else:
    import fcntl

    def lock(handle: int, first: int, count: int = 1) -> bool:
        """Lock ``count`` bytes from ``first`` on, also behind the file's end; return False when somebody has one."""
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, count, first)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, POSIX allows both
            return False
        return True

    def unlock(handle: int, first: int, count: int = 1) -> None:
        """Give up what ``lock`` has locked."""
        fcntl.lockf(handle, fcntl.LOCK_UN, count, first)

    def lock_file(handle: int) -> bool:
        """Lock a file whole, against all who ask so, until it is closed; return False when somebody has it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

"""Files and directories that are the user's alone: read, checked, replaced and locked.

This module owns what "private" means: a regular file of the user's (or of root's) that nobody else can read or change,
in a directory of the user's (or of root's) where nobody else can put, swap or take away a file. Only the directory
itself is looked at, not what is above it, and a link counts as what it points to. It must not know what such a file
holds, and no message repeats anything of it. On Windows, which has access control lists and no modes, a file is as
private as the folder it lies in: nothing is looked at.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from time import monotonic, sleep

from smscli.errors import ConfigError
from smscli.model import visible

LOCK_SECONDS = 10.0
"""How long ``replacing`` waits for other processes; each of them takes milliseconds."""

_HAS_MODES = sys.platform != "win32"

# --- what is refused -------------------------------------------------------------------------------------------------


def read(path: Path, limit: int, what: str, *, granted: bool = False) -> bytes:
    """Return the content of a private file of at most ``limit`` bytes; ``what`` names it in messages.

    The opened file is looked at, not its name: a link or a swapped file cannot slip through in between. A sticky
    directory like /tmp will do: nobody else can swap a file in it. ``granted``: root may have given somebody the right
    to read it, as systemd does for a service's user.
    Raises FileNotFoundError when there is none, ConfigError for what is not private, too large or unreadable.
    """
    title = f"{what} {visible(str(path))}"
    try:
        return _content(path, limit, what, title, granted=granted)
    except ConfigError as error:
        error.hint = error.hint or f"put a file there that you alone can read, or correct the path of {what}"
        raise


def _content(path: Path, limit: int, what: str, title: str, *, granted: bool) -> bytes:
    try:
        # O_NONBLOCK: opening a pipe nobody writes to would hang for ever.
        descriptor = os.open(path, os.O_RDONLY | flags("O_NONBLOCK", "O_NOCTTY"))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"{title} cannot be opened: {error.strerror}") from None
    try:
        _refuse_file(os.fstat(descriptor), path, title, granted=granted)
        _check_directories(path, what)
        content = b""
        while len(content) <= limit and (chunk := os.read(descriptor, limit + 1)):
            content += chunk
    except OSError as error:
        raise ConfigError(f"{title} cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise ConfigError(f"{title} is larger than {limit} bytes")
    return content


def check_file(path: Path, what: str) -> None:
    """Raise ConfigError unless this is a private file. It is not opened: closing it would drop a POSIX lock on it.

    OSError passes through.
    """
    _refuse_file(path.stat(), path, f"{what} {visible(str(path))}")


def check_directory(directory: Path, what: str, *, sticky: bool = False) -> None:
    """Raise ConfigError when others could put, swap or take away files of the directory that holds ``what``.

    ``sticky``: a sticky directory like /tmp will do, where others can add files and not touch ours. That is not
    enough where a file that is added changes anything (SQLite plays back whatever is named like its journal).
    OSError passes through.
    """
    status = directory.stat()
    title = f"the directory of {what}, {visible(str(directory))},"
    _refuse_owner(status, directory, title)
    if _HAS_MODES and status.st_mode & 0o022 and not (sticky and status.st_mode & stat.S_ISVTX):
        raise ConfigError(
            f"{title} can be changed by others (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"run: chmod go-w {_quoted(directory)}",
        )


def _check_directories(path: Path, what: str) -> None:
    # A file may be swapped where it lies, and where the link to it lies.
    for directory in dict.fromkeys((path.parent, Path(os.path.realpath(path)).parent)):
        check_directory(directory, what, sticky=True)


def _refuse_file(status: os.stat_result, path: Path, title: str, *, granted: bool = False) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{title} is not a regular file")
    _refuse_owner(status, path, title)
    # Behind an access control list the group's bits are its mask: systemd's credentials are 0440, root's and its
    # group's where such a list names the service's user, else 0400.
    is_granted = granted and status.st_uid == status.st_gid == 0
    if _HAS_MODES and status.st_mode & (0o026 if is_granted else 0o066):
        raise ConfigError(
            f"{title} can be read or changed by others (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"run: chmod 600 {_quoted(path)}",
        )


def _refuse_owner(status: os.stat_result, path: Path, title: str) -> None:
    if sys.platform != "win32" and status.st_uid not in (os.geteuid(), 0):
        raise ConfigError(
            f"{title} belongs to another user (uid {status.st_uid})",
            hint=f"run: chown {os.geteuid()} {_quoted(path)}",
        )


def _quoted(path: Path) -> str:
    from shlex import quote  # only for those whose file is refused

    return quote(str(path))


# --- what is written -------------------------------------------------------------------------------------------------


@contextmanager
def replacing(path: Path, what: str, seconds: float = LOCK_SECONDS) -> Iterator[Callable[[bytes], None]]:
    """Hold a file against all others who ask so, and give the function that replaces its content.

    The content is written whole or not at all, readable by its owner only; a symbolic link stays one, what it points
    to is replaced. Missing directories are made. The lock lies beside the file (``<file>.lock``) and is the kernel's:
    it ends with the process, whatever ends that. What a killed process had begun to write is removed.
    Raises ConfigError when the directory is not private, the file cannot be written, or the lock is not free within
    ``seconds``.
    """
    target = Path(os.path.realpath(path))
    title = f"{what} {visible(str(path))}"
    with _written(title):
        make_directory(target.parent)
        _check_directories(path, what)
        lock = _open_lock(target)
    try:
        with _written(title):
            _wait(lock, title, seconds)
            _scratch(target).unlink(missing_ok=True)
        yield partial(_replace, target, title)
    finally:
        os.close(lock)


def sweep(path: Path, what: str) -> None:
    """Remove what a process that was killed in ``replacing`` had begun to write; silent when that is impossible."""
    if os.path.lexists(_scratch(Path(os.path.realpath(path)))):
        with suppress(ConfigError), replacing(path, what, seconds=0):
            pass  # taking the lock removed it; when the lock is not free, its writer lives


def flags(*names: str) -> int:
    """Return flags of open(2), without those that this system lacks; everywhere the file is bytes, not lines."""
    value = 0
    for name in (*names, "O_BINARY"):
        value |= getattr(os, name, 0)
    return value


def restrict(handle: int) -> None:
    """Leave an open file to its owner alone: mode 0600, where there are modes; OSError passes through."""
    if sys.platform != "win32":
        os.fchmod(handle, 0o600)


def is_ours(status: os.stat_result) -> bool:
    """Return whether a file is this user's, as far as the system has owners of that kind."""
    return sys.platform == "win32" or status.st_uid == os.geteuid()


def make_directory(directory: Path) -> None:
    """Make a directory with all its parents, each for the user alone, and durably; OSError passes through."""
    missing = [place for place in (directory, *directory.parents) if not place.exists()]
    for place in reversed(missing):
        with suppress(FileExistsError):
            place.mkdir(0o700)
            place.chmod(0o700)  # a umask may have taken too much
            sync_directory(place.parent)


def sync_directory(directory: Path) -> None:
    """Return when the names in a directory are on disk; OSError passes through."""
    if sys.platform == "win32":  # a directory cannot be opened there, and NTFS keeps its names in order by itself
        return
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _written(title: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{title} cannot be written: {error.strerror}") from None


def _open_lock(target: Path) -> int:
    # Never unlinked: two files of one name would be two locks.
    path = target.parent / f"{target.name}.lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | flags("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"), 0o600)
    try:
        _refuse_owner(os.fstat(handle), path, f"the lock {visible(str(path))}")
        restrict(handle)  # a strange umask may have taken the owner's own bits
    except BaseException:
        os.close(handle)
        raise
    return handle


def _wait(lock: int, title: str, seconds: float) -> None:
    from smscli.locking import lock_file  # only for those who write

    deadline = monotonic() + seconds
    while not lock_file(lock):
        if monotonic() >= deadline:
            raise ConfigError(
                f"{title} is being changed by another process", hint="let it finish, and run the command again"
            )
        sleep(0.01)


def _scratch(target: Path) -> Path:
    # One name, not a random one: whoever holds the lock knows that what lies there was left by a dead process.
    return target.parent / f".{target.name}.smscli-new"


def _replace(target: Path, title: str, content: bytes) -> None:
    scratch = _scratch(target)
    with _written(title):
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags("O_CLOEXEC"), 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                restrict(descriptor)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            scratch.replace(target)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
        sync_directory(target.parent)

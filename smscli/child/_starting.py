"""Fork and exec as a shell does it: the same search, the same statuses, the same environment."""

from __future__ import annotations

import errno
import os
import signal
import struct
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    raise ImportError("this system has no terminals as POSIX knows them")

_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")


class NotStartedError(OSError):
    """The command is missing or cannot be executed."""


@contextmanager
def hold_places() -> Iterator[frozenset[int]]:
    """Keep 0, 1 and 2 from being given to files of ours while the block runs; yield which of them are closed."""
    closed = set()
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
            closed.add(number)
    try:
        yield frozenset(closed)
    finally:
        for number in closed:
            os.close(number)


def as_it_came(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what Python itself has added: an LC_CTYPE, where the locale is C (PEP 538)."""
    result = dict(environ)
    plain = not environ.get("LC_ALL") and environ.get("LANG", "") in ("", "C", "POSIX")
    if plain and environ.get("LC_CTYPE") in _COERCED and not _was_given(b"LC_CTYPE="):
        del result["LC_CTYPE"]
    return result


def _was_given(head: bytes) -> bool:
    """Return whether a variable was there when this process began; where only Linux could tell, Python added it."""
    try:
        return any(entry.startswith(head) for entry in Path("/proc/self/environ").read_bytes().split(b"\0"))
    except OSError:
        return False


def start(argv: Sequence[str], environ: Mapping[str, str], prepare: Callable[[], None]) -> int:
    """Start a command and return its process id; ``prepare`` is called in the child. Raises NotStartedError."""
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        try:
            prepare()
            for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
                signal.signal(number, signal.SIG_DFL)
            _execute(argv, environ)
        except OSError as error:
            os.write(tell, struct.pack("i", error.errno or errno.EIO))
        finally:
            os._exit(127)
    os.close(tell)
    with open(told, "rb", buffering=0) as answer:  # noqa: PTH123  (a descriptor; closed by exec, it says nothing)
        why = answer.read(4)
    if why:
        os.waitpid(child, 0)
        (number,) = struct.unpack("i", why)
        raise NotStartedError(number, os.strerror(number))
    return child


def _execute(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Become the command, as execvp(3) does: a file that is no program is a script of the shell."""
    name = argv[0]
    paths = [name] if "/" in name else [os.path.join(place, name) for place in os.get_exec_path(environ)]  # noqa: PTH118  (an empty place is the current one)
    worst = errno.ENOENT
    for path in paths if name else ():
        try:
            os.execve(path, [*argv], environ)  # noqa: S606  (no shell is what is wanted)
        except OSError as error:
            if error.errno == errno.ENOEXEC:
                os.execve("/bin/sh", ["/bin/sh", path, *argv[1:]], environ)  # noqa: S606
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                worst = error.errno or errno.EIO
    raise OSError(worst, os.strerror(worst))

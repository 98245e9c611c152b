"""A process that smscli takes for Windows: ``python -m tests.windows modules``, or ``… commands``.

Our modules, and they alone, find no ``fcntl``, ``resource``, ``termios`` and their like, an ``os``, a ``signal`` and a
``time`` without what Windows' have not, and a ``msvcrt`` whose locks are those of Linux that belong to a descriptor, as
Windows' do. Everything else is this system's: paths, the file system, the console, how a process ends.

``commands`` are lists of words, in JSON on stdin.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import importlib
import io
import json
import os
import pkgutil
import struct
import sys
from types import ModuleType
from typing import Any

ABSENT = {"fcntl", "pwd", "grp", "resource", "termios", "pty", "tty", "syslog", "readline"}
LACKING = {
    "os": {
        "fchmod", "fchown", "fork", "forkpty", "geteuid", "getuid", "getgid", "getpgrp", "getpgid", "killpg", "mkfifo",
        "openpty", "setpgid", "setsid", "splice", "tcgetpgrp", "tcsetpgrp", "uname", "sched_getaffinity", "statvfs",
        "O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_DIRECTORY", "O_SYNC", "O_DSYNC", "WNOHANG",
    },
    "signal": {
        "SIGHUP", "SIGKILL", "SIGCHLD", "SIGTSTP", "SIGCONT", "SIGSTOP", "SIGTTOU", "SIGTTIN", "SIGWINCH", "SIGPIPE",
        "SIGUSR1", "setitimer", "alarm", "pthread_sigmask", "pthread_kill", "sigwait", "sigwaitinfo", "ITIMER_REAL",
    },
    "time": {"clock_gettime", "CLOCK_BOOTTIME", "CLOCK_MONOTONIC", "tzset"},
    "select": {"poll", "epoll", "POLLIN"},
}  # fmt: skip
POSIX_ONLY = {"smscli.child._beside", "smscli.child._signals", "smscli.child._starting",
              "smscli.child._successor", "smscli.child._tail", "smscli.child._terminal"}  # fmt: skip
"""Modules that Windows does not load: what is behind ``smscli.child.run``, which refuses before."""


FOREIGN = (
    "asyncio", "getpass", "json5", "phonenumbers", "platformdirs", "psycopg", "pytest", "requests", "rich.console",
    "rich.progress", "rich.table", "sqlite3", "subprocess", "tempfile", "tomli_w", "tomlkit", "typer",
    "typer.completion", "typer.core", "typer.main", "uvicorn", "uvicorn.protocols.http.h11_impl", "xml.sax.saxutils",
    "zoneinfo",
)  # fmt: skip


class _Poorer(ModuleType):
    def __init__(self, real: ModuleType, lacking: set[str]) -> None:
        super().__init__(real.__name__)
        self.__dict__.update({name: value for name, value in vars(real).items() if name not in lacking})


class _Locks(ModuleType):
    """What ``msvcrt.locking`` does: each byte belongs to the descriptor that has locked it, for that one as well."""

    LK_UNLCK, LK_LOCK, LK_NBLCK = 0, 1, 2

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self._held: set[tuple[int, int]] = set()
        self.positions: dict[int, int] = {}

    def locking(self, handle: int, mode: int, count: int) -> None:
        first = self.positions[handle]
        place = (handle, first)
        taken = mode == self.LK_NBLCK
        assert taken or mode == self.LK_UNLCK
        if count != 1 or taken == (place in self._held):
            raise PermissionError(errno.EACCES, "Permission denied")
        kind = fcntl.F_WRLCK if taken else fcntl.F_UNLCK
        try:
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, struct.pack("hhqqi", kind, os.SEEK_SET, first, count, 0))
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None
        (self._held.add if taken else self._held.discard)(place)


_poorer = {name: _Poorer(importlib.import_module(name), lacking) for name, lacking in LACKING.items()}
_locks = _Locks()
_real_import = builtins.__import__
_real_close = os.close


def _import(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:  # noqa: A002  (the names of the original)
    importer = (globals or {}).get("__name__") or ""
    if importer.partition(".")[0] == "smscli" and level == 0:
        if name in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name == "msvcrt":
            return _locks
        if name in _poorer:
            return _poorer[name]
    return _real_import(name, globals, locals, fromlist, level)


def _seek(handle: int, offset: int, _origin: int) -> int:
    # NTFS seeks to any place, Linux' file systems not behind what a file can hold.
    _locks.positions[handle] = offset
    return offset


def _close(handle: int) -> None:
    # The locks of a descriptor end with it, and its number is given to the next one.
    _locks._held = {place for place in _locks._held if place[0] != handle}
    _real_close(handle)


def begin() -> None:
    """Be Windows from now on, for our modules alone."""
    # What is not ours is loaded as on this system.
    for name in FOREIGN:
        importlib.import_module(name)
    for poorer in (os, _poorer["os"]):
        vars(poorer)["close"] = _close
    vars(_poorer["os"])["lseek"] = _seek
    for name in [name for name in sys.modules if name.partition(".")[0] == "smscli"]:
        del sys.modules[name]  # pytest's plugin, say
    builtins.__import__ = _import
    sys.platform = "win32"


def modules() -> list[str]:
    """Import every module of ours that Windows loads, and return their names."""
    package = importlib.import_module("smscli")
    names = [module.name for module in pkgutil.walk_packages(package.__path__, "smscli.")]
    ours = [name for name in names if name not in POSIX_ONLY and not name.endswith("__main__")]
    for name in ours:
        importlib.import_module(name)
    return ours


def answer(argv: list[str]) -> tuple[int, str, str]:
    """Run one command line; return its exit status and what it printed."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(3)]
    cli, runtime = (importlib.import_module(f"smscli.{name}") for name in ("cli", "runtime"))
    status = cli.run(argv, runtime.Runtime(dict(os.environ), *streams))
    out, err = (stream.buffer.getvalue().decode() for stream in streams[1:])
    return status, out, err


if __name__ == "__main__":
    begin()
    if sys.argv[1] == "modules":
        print(*modules())  # noqa: T201  (a program of the tests)
    else:
        print(json.dumps([answer(argv) for argv in json.load(sys.stdin)]))  # noqa: T201  (the same)

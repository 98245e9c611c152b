"""A PostgreSQL cluster of one's own in a temporary directory, run as an ordinary user and gone with the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USER = "smscli"


def programs() -> Path | None:
    """Return where the newest server's programs are, None when there is none."""
    places = [Path(where).parent for where in [shutil.which("initdb")] if where]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return next((place for place in reversed(places) if (place / "initdb").exists()), None)


def missing() -> str | None:
    """Return what these tests need and this machine has not."""
    if programs() is None:
        return "needs a PostgreSQL server's programs (Debian: postgresql)"
    try:
        import psycopg  # noqa: F401  (whether it can be loaded, with its C library)
    except ImportError:
        return "needs psycopg: pip install 'psycopg[binary]'"
    return None


@dataclass(frozen=True)
class Cluster:
    """A running server; ``port`` is on 127.0.0.1."""

    programs: Path
    home: Path
    port: int

    @property
    def url(self) -> str:
        """The URL of its database, for the superuser."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.home / "data"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = str(self.home / "log")
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", log, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``immediate`` is what a power cut leaves."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-m", mode, "stop")

    def kill(self) -> None:
        """Kill its first process."""
        os.kill(int((self.data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)

    def _run(self, program: str, *arguments: str) -> None:
        _as_ordinary_user([str(self.programs / program), *arguments], self.home)


@contextmanager
def cluster(*settings: str) -> Iterator[Cluster]:
    """Give a new cluster with these settings (``name = value``) besides those that keep it small."""
    place = programs()
    assert place is not None
    with tempfile.TemporaryDirectory(prefix="smscli-postgres-") as home, socket.socket() as probe:
        path = Path(home)
        if os.geteuid() == 0:
            shutil.chown(path, "postgres")
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        started = Cluster(place, path, port)
        started._run("initdb", "-D", str(started.data), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale")
        lines = (
            "listen_addresses = '127.0.0.1'", f"port = {port}", f"unix_socket_directories = '{home}'",
            "shared_buffers = 32MB", "max_connections = 100", *settings,
        )  # fmt: skip
        with (started.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")
        started.start()
        try:
            yield started
        finally:
            with suppress(subprocess.CalledProcessError):  # a test has killed it
                started.stop("immediate")


def _as_ordinary_user(command: Sequence[str], directory: Path) -> None:
    """Run a program of the server's, which refuses to run as root."""
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    more: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    subprocess.run(
        command, cwd=directory, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **more,
    )  # fmt: skip

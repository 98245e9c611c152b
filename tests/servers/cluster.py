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

    def url_of(self, user: str, database: str = "postgres", *, password: str = "") -> str:
        """Return the URL of a database for somebody else."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def run_sql(self, *statements: str) -> None:
        """Run statements as the superuser."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as db:
            for statement in statements:
                db.execute(statement.encode())

    def ask_for_password(self, user: str) -> None:
        """Let somebody else in with a password only."""
        rules = self.data / "pg_hba.conf"
        rules.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        self.run_sql("SELECT pg_reload_conf()")

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
        subprocess.run(
            [str(self.programs / program), *arguments], cwd=self.home, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **ordinary_user(),
        )  # fmt: skip


@contextmanager
def cluster(*settings: str) -> Iterator[Cluster]:
    """Give a new cluster with these settings (``name = value``) besides those that keep it small."""
    making = ("initdb", "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale")
    with _running(making, "shared_buffers = 32MB", "max_connections = 100", *settings) as started:
        yield started


@contextmanager
def standby(primary: Cluster) -> Iterator[Cluster]:
    """Give a cluster that repeats what another one does, and answers who only reads."""
    with _running(("pg_basebackup", "-d", primary.url, "-R", "-c", "fast", "-X", "stream")) as started:
        yield started


def ordinary_user() -> dict[str, Any]:
    """Return the arguments of ``subprocess`` that make a program run as one; servers refuse to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def ordinary_home(prefix: str) -> Iterator[Path]:
    """Give a directory of the user that servers run as."""
    with tempfile.TemporaryDirectory(prefix=prefix) as home:
        if os.geteuid() == 0:
            shutil.chown(home, "postgres")
        yield Path(home)


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(making: Sequence[str], *settings: str) -> Iterator[Cluster]:
    """Give the cluster that a program makes in the directory it is given (``-D``)."""
    place = programs()
    assert place is not None
    with ordinary_home("smscli-postgres-") as home:
        started = Cluster(place, home, free_port())
        program, *arguments = making
        started._run(program, "-D", str(started.data), *arguments)
        own = ("listen_addresses = '127.0.0.1'", f"port = {started.port}", f"unix_socket_directories = '{home}'")
        with (started.data / "postgresql.conf").open("a") as file:
            file.write("\n".join((*own, *settings)) + "\n")
        started.start()
        try:
            yield started
        finally:
            with suppress(subprocess.CalledProcessError):  # a test has killed it
                started.stop("immediate")

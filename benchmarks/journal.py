"""What does a journal cost at its size: time of `send --key` and `journal show KEY`, memory of list, check and purge?

Run it in the tree, with the interpreter of the environment that has smscli installed::

    PYTHONPATH=. python benchmarks/journal.py [SIZES]

Sizes are numbers of messages, each sent alone under a key of its own; a thousand contents repeat. Both stores are
measured, a file and a PostgreSQL server, if there is one: it is started in a temporary directory. Stores and sizes take
turns, so that a machine whose speed drifts drifts for all; quoted are medians, and ratios to the first size of a store.
"""

from __future__ import annotations

import os
import sqlite3  # noqa: TID253  (to lay large journals)
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from smscli.journal import Journal, begin_anew, fingerprint
from smscli.journal._entries import Server
from smscli.journal._rows import InspectionRow, JobRow, MessageRow, WitnessRow, key_digest
from smscli.model import MSISDN, Secret
from tests.servers.cluster import Cluster, cluster, programs

SIZES = (0, 10_000, 100_000, 1_000_000)
RUNS = 15
TO = MSISDN("37061234567")
Row = JobRow | WitnessRow | MessageRow

# Runs one command line and says on stderr, last, what the kernel counts as its greatest memory.
MEASURED = """
import re, sys
from pathlib import Path
from smscli.cli import run
from smscli.runtime import real
status = run(sys.argv[1:], real())
sys.stdout.flush()
print(re.search("VmHWM: *([0-9]+)", Path("/proc/self/status").read_text().replace("\\t", " "))[1], file=sys.stderr)
sys.exit(status)
"""


@dataclass(frozen=True)
class Stored:
    """One journal of so many messages; ``url`` is empty for a file, which lies in ``state``."""

    size: int
    state: Path
    url: str = ""

    @property
    def store(self) -> str:
        """What kind it is."""
        return "server" if self.url else "file"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a command that uses it for its sandbox."""
        own = {"SMSCLI_STATE_DIR": str(self.state), "SMSCLI_CONFIG": "/nonexistent/config.toml"}
        return {**os.environ, **own, "SMSCLI_JOURNAL": self.url}

    def lay(self, now: float) -> None:
        """Make the journal, all messages accepted, the last one an hour before ``now``."""
        if self.url:
            _lay_server(self, now)
        else:
            _lay_file(self, now)

    def mebibytes(self) -> float:
        """Return how large it is, indexes included."""
        if not self.url:
            return (self.state / "sandbox.sqlite3").stat().st_size / 2**20
        import psycopg

        with psycopg.connect(self.url) as db:
            tables = "SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'smscli_sandbox'::regnamespace"
            (size,) = db.execute(f"SELECT sum(pg_total_relation_size(oid)) FROM ({tables}) t").fetchone() or (0,)  # noqa: S608  (ours)
        return float(size) / 2**20


def rows(size: int, now: float) -> Iterator[tuple[JobRow, WitnessRow, MessageRow]]:
    """Yield the rows of each message."""
    contents = [fingerprint(provider="lightsms", base_url="", account_id="", sender="", text=str(n), recipients=[TO])
                for n in range(min(size, 1000))]  # fmt: skip
    for number in range(1, size + 1):
        moment, content = now - 3600 - (size - number), contents[number % len(contents)]
        yield (
            JobRow(number, f"key-{number}", content, "lightsms", "", "", moment, 1),
            WitnessRow(number, content, moment, gone=1),
            MessageRow(
                number, 0, 1, "SENT", moment, "lightsms", "", None, moment, message_id=str(number),
                recipient=TO.digits, text_length=1, text_sha256=content,
            ),
        )  # fmt: skip


def _lay_file(stored: Stored, now: float) -> None:
    path = stored.state / "sandbox.sqlite3"
    begin_anew(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF").close()
        db.execute("BEGIN")
        for of_one in rows(stored.size, now):
            for row in of_one:
                db.execute(row.insertion(), row.columns())
        db.create_function("key_digest", 1, key_digest)
        both = "SELECT key_digest(key), id FROM job UNION ALL SELECT fingerprint, id FROM job ORDER BY 1, 2"
        db.execute(f"INSERT INTO lookup {both}")
        checked = InspectionRow(1, now, now)
        db.execute(checked.insertion(), checked.columns())
        db.execute("COMMIT")


def _lay_server(stored: Stored, now: float) -> None:
    """Copy the rows, a table at a time."""
    import psycopg

    Journal(Server(Secret(stored.url), "smscli_sandbox"), now=time.time).close()
    with psycopg.connect(stored.url, autocommit=True) as db:
        db.execute("SET search_path = smscli_sandbox")
        for place, table in enumerate(("job", "witness", "message")):
            with db.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for of_one in rows(stored.size, now):
                    copy.write_row(of_one[place].columns())
        with db.cursor() as cursor, cursor.copy("COPY lookup FROM STDIN") as copy:
            for job, _, _ in rows(stored.size, now):
                copy.write_row((key_digest(job.key), job.id))
                copy.write_row((job.fingerprint, job.id))
        checked = InspectionRow(1, now, now)
        db.execute(checked.insertion().replace("?", "%s").encode(), checked.columns())
        db.execute("VACUUM ANALYZE")


def seconds(stored: Stored, *argv: str) -> float:
    """Return the wall seconds of one run of smscli; one that fails ends the benchmark."""
    started = time.perf_counter()
    program = str(Path(sys.executable).with_name("smscli"))
    subprocess.run([program, *argv], env=stored.environ, check=True, capture_output=True)  # noqa: S603  (our own program)
    return time.perf_counter() - started


def memory(stored: Stored, *argv: str) -> tuple[float, float]:
    """Return the peak memory (MiB) and the wall seconds of one run, its output thrown away."""
    started = time.perf_counter()
    command = [sys.executable, "-c", MEASURED, *argv]
    done = subprocess.run(  # noqa: S603  (our own program)
        command, env=stored.environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    return int(done.stderr.split()[-1]) / 1024, time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    now = time.time()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stores = [Stored(size, Path(folder) / str(size)) for size in sizes]
        if programs() and find_spec("psycopg"):
            server = stack.enter_context(cluster("max_wal_size = 4GB"))
            stores += [Stored(size, Path(folder), _database(server, size)) for size in sizes]
        for stored in stores:
            stored.state.mkdir(mode=0o700, exist_ok=True)
            stored.lay(now)
        sends: dict[Stored, list[float]] = {stored: [] for stored in stores}
        shows: dict[Stored, list[float]] = {stored: [] for stored in stores}
        for run in range(-1, RUNS):  # the first turn warms up
            for stored in stores:
                key = f"now-{run}"
                send = seconds(stored, "send", "--sandbox", "--to", f"+{TO.digits}", "--key", key, "hello")
                show = seconds(stored, "journal", "show", key, "--sandbox")
                if run >= 0:
                    sends[stored].append(send)
                    shows[stored].append(show)
        print(f"{RUNS} turns, Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")  # noqa: T201  (a benchmark prints)
        print("store   messages   MiB   send --key     journal show")  # noqa: T201
        for stored in stores:
            first = next(one for one in stores if one.store == stored.store)
            timed = "  ".join(_against(runs[stored], runs[first]) for runs in (sends, shows))
            print(f"{stored.store:6} {stored.size:9} {stored.mebibytes():5.0f}  {timed}", flush=True)  # noqa: T201
        print("store   messages   peak memory in MiB (seconds): list | list -o json | check | purge")  # noqa: T201
        for stored in stores:
            print(f"{stored.store:6} {stored.size:9}", end="")  # noqa: T201
            for words in (("list",), ("list", "-o", "json"), ("check",), ("purge", "--older-than", "1d")):
                peak, took = memory(stored, "journal", *words, "--sandbox")
                print(f"  {peak:.0f} ({took:.1f})", end="", flush=True)  # noqa: T201
            print()  # noqa: T201


def _database(server: Cluster, size: int) -> str:
    """Make a database on the server; return its URL."""
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as db:
        db.execute(f"CREATE DATABASE messages_{size}")
    return server.url.removesuffix("postgres") + f"messages_{size}"


def _against(runs: list[float], first: list[float]) -> str:
    ratio = statistics.median(a / b for a, b in zip(runs, first, strict=True))
    return f"{statistics.median(runs) * 1000:5.0f} ms ×{ratio:.2f}"


if __name__ == "__main__":
    main()

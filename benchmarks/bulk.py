"""What does a large job cost: recipients a second and memory of `smscli bulk`, beside what people use instead?

Run it with the interpreter of the environment that has smscli installed::

    python benchmarks/bulk.py [--people N] [--rows N] [--sync-ms N]

The vendor is a minimal process on loopback, which answers as MainSMS does and checks nothing. ``--people`` is how many
get one text (a tenth of them personal ones), ``--rows`` how many are validated. ``--sync-ms`` holds up every sync of
the journal for so long, for a slow disk: a library laid over fsync and fdatasync, made by the C compiler of this
machine (strace could do it, and would take a quarter of the processor's time for itself). Apprise is compared when it
is installed beside smscli, curl when it is there. Nobody but the vendor and the journal is waited for; the seconds are
those of whole commands, list and start included.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs

PERSONAL, ALL = "Hi {name}, we open at 9", "We open at 9"

_APPRISE = """
import sys, apprise
port, count = sys.argv[1:]
notifier = apprise.Apprise()
for number in range(int(count)):
    notifier.add(f"json://127.0.0.1:{port}/api/mainsms/message/send?-recipients=3706{number:07d}")
sys.exit(not notifier.notify(body="We open at 9"))
"""
_SLOW_SYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static int slowly(const char *name, int fd) {
    struct timespec pause = {0, MILLISECONDS * 1000000L};
    nanosleep(&pause, 0);
    return ((int (*)(int))dlsym(RTLD_NEXT, name))(fd);
}
int fsync(int fd) { return slowly("fsync", fd); }
int fdatasync(int fd) { return slowly("fdatasync", fd); }
"""
_CURL = """
while read -r number; do
    curl -sS -o /dev/null -d "recipients=$number" -d "message=We open at 9" "$1" || exit 1
done
"""


class Measured(NamedTuple):
    """A command: its seconds, those of the processor, and its greatest memory in MiB (children included)."""

    seconds: float
    processor: float
    memory: float


# --- the vendor -------------------------------------------------------------------------------------------------------


class Vendor(asyncio.Protocol):
    """One connection to a vendor that accepts everything, after ``delay`` seconds."""

    delay = 0.0
    accepted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (for mypy)
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._data += data
        while True:
            head, blank, rest = self._data.partition(b"\r\n\r\n")
            length = next(
                (
                    int(v)
                    for n, _, v in (h.partition(b":") for h in head.split(b"\r\n"))
                    if n.lower() == b"content-length"
                ),
                0,
            )
            if not blank or len(rest) < length:
                return
            self._data = rest[length:]
            asyncio.get_running_loop().call_later(self.delay, self._transport.write, self._answer(rest[:length]))

    def _answer(self, body: bytes) -> bytes:
        to = parse_qs(body.decode()).get("recipients", ["0"])[0].split(",")
        first = type(self).accepted
        Vendor.accepted += len(to)
        ids = list(range(first + 1, first + 1 + len(to)))
        answer = json.dumps({"status": "success", "recipients": to, "messages_id": ids, "count": len(to), "parts": 1})
        return f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode()


async def serve(delay: float) -> None:
    """Be the vendor until stdin ends; print the port."""
    Vendor.delay = delay
    server = await asyncio.get_running_loop().create_server(Vendor, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def vendor(delay: float = 0.0) -> Iterator[int]:
    """Start one in a process of its own; give its port."""
    with subprocess.Popen(  # noqa: S603  (this file)
        [sys.executable, __file__, "--vendor", str(delay)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101
        yield int(process.stdout.readline())
        process.communicate()


# --- what is measured -------------------------------------------------------------------------------------------------


def measured(argv: Sequence[str], environ: dict[str, str] | None = None, stdin: str | None = None) -> Measured:
    """Run a command to its end; raise CalledProcessError when it fails."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(argv, env=environ, input=stdin, text=True, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  (commands of this file)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The greatest of all children so far: cases are measured in processes of their own where memory counts.
    return Measured(time.monotonic() - started, processor, after.ru_maxrss / 1024)


def people(path: Path, count: int) -> Path:
    """Write a list of so many people."""
    with path.open("w") as file:
        file.write("phone,name\n")
        file.writelines(f"+3706{number:07d},Name{number}\n" for number in range(count))
    return path


def slow_syncs(home: Path, milliseconds: int) -> dict[str, str]:
    """Return the environment in which every sync takes so much longer."""
    source, library = home / "sync.c", home / "sync.so"
    source.write_text(_SLOW_SYNC)
    subprocess.run(  # noqa: S603  (a compiler, and a file of ours)
        ["cc", "-shared", "-fPIC", f"-DMILLISECONDS={milliseconds}", "-o", str(library), str(source), "-ldl"],  # noqa: S607
        check=True,
    )
    return {"LD_PRELOAD": str(library)}


def bulk(home: Path, port: int, *words: str, environ: Mapping[str, str] = {}) -> Measured:
    """Measure one `smscli bulk` with a journal of its own."""
    state = tempfile.mkdtemp(dir=home)
    variables = {
        "PATH": os.environ["PATH"], "HOME": str(home), "SMSCLI_STATE_DIR": state, "SMSCLI_CONFIG": str(home / "none"),
        "SMSCLI_PROVIDER": "mainsms", "SMSCLI_PROJECT": "demo", "SMSCLI_API_KEY": "key", "SMSCLI_SENDER": "Shop",
        "SMSCLI_BASE_URL": f"http://127.0.0.1:{port}/api/mainsms/",
    }  # fmt: skip
    binary = str(Path(sys.executable).parent / "smscli")
    return measured([binary, "bulk", *words, "--yes", "--quiet"], {**variables, **environ})


def show(what: str, count: int, result: Measured) -> None:
    """Print one line."""
    rate, of_processor = count / result.seconds, count / result.processor
    print(  # noqa: T201  (a benchmark prints)
        f"| {what} | {count} | {result.seconds:.1f} s | {result.processor:.1f} s | {rate:.0f} | {of_processor:.0f} "
        f"| {result.memory:.0f} MiB |",
        flush=True,
    )


def main() -> None:
    """Measure all, one after the other, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sync-ms", type=int, default=8)
    parser.add_argument("--vendor", type=float)
    options = parser.parse_args()
    if options.vendor is not None:
        asyncio.run(serve(options.vendor))
        return
    personal = options.people // 10
    few = max(personal // 10, 1)
    print("| what | recipients | time | processor | per second | per second of processor | memory so far |")  # noqa: T201
    print("|---|--:|--:|--:|--:|--:|--:|")  # noqa: T201
    with tempfile.TemporaryDirectory() as directory, vendor() as port, vendor(0.05) as far:
        home = Path(directory)
        listed = people(home / "many.csv", options.people)
        personally = people(home / "personal.csv", personal)
        shortly = people(home / "few.csv", few)
        show("personal, --jobs 8", personal, bulk(home, port, str(personally), PERSONAL, "--jobs", "8"))
        show("personal, --jobs 1", few, bulk(home, port, str(shortly), PERSONAL, "--jobs", "1"))
        show("personal, 50 ms away, --jobs 8", personal, bulk(home, far, str(personally), PERSONAL, "--jobs", "8"))
        show("one text, --jobs 8", options.people, bulk(home, port, str(listed), ALL, "--jobs", "8"))
        if shutil.which("cc"):
            slowly = slow_syncs(home, options.sync_ms)
            for jobs in ("8", "16"):
                result = bulk(home, port, str(listed), ALL, "--jobs", jobs, environ=slowly)
                show(f"one text, syncs of {options.sync_ms} ms more, --jobs {jobs}", options.people, result)
        url = f"http://127.0.0.1:{port}/api/mainsms/message/send"
        if shutil.which("curl"):
            numbers = "".join(f"3706{number:07d}\n" for number in range(few))
            show("while read … curl", few, measured(["bash", "-c", _CURL, "loop", url], stdin=numbers))
        if importlib.util.find_spec("apprise"):
            show("Apprise, one process", few, measured([sys.executable, "-c", _APPRISE, str(port), str(few)]))
        rows = people(home / "rows.csv", options.rows)
        show("validated only", options.rows, bulk(home, port, str(rows), PERSONAL, "--validate-only"))


if __name__ == "__main__":
    main()

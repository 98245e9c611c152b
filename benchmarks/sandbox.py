"""What the sandbox carries: many clients at once, a right one beside wrong ones, a hundred thousand messages, a start.

    python benchmarks/sandbox.py [--clients 200] [--seconds 30] [--messages 100000]

The sandbox is a process of its own on loopback, as ``smscli sandbox`` starts it; the clients are another, on the same
cores. Each keeps one connection and asks for the next text when the last one is answered. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlencode, urlsplit

SERVER = """
import sys
from decimal import Decimal
from smscli import sandbox
app = sandbox.create_app(credit=dict.fromkeys(("lightsms", "mainsms", "payforsms"), Decimal(10**9)))
sandbox.serve(app, 0, ready=lambda url: print(url, flush=True))
"""


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """Give the root URL of a sandbox in a process of its own, and the process's id."""
    argv = [sys.executable, "-c", SERVER]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603  (our own program)
        try:
            assert server.stdout is not None  # noqa: S101  (it was asked for)
            yield server.stdout.readline().strip(), server.pid
        finally:
            server.terminate()


def send(number: int, key: str = "demo-key-payforsms") -> bytes:
    """Return a send of payforsms, a GET on a connection that stays."""
    params = {"message": f"Your code is {number:06d}", "project": "demo-payforsms", "recipients": "79121231234"}
    inner = hashlib.sha1(";".join([*params.values(), key]).encode()).hexdigest()  # noqa: S324  (the vendor's rule)
    sign = hashlib.md5(inner.encode()).hexdigest()  # noqa: S324  (the vendor's rule)
    query = urlencode({**params, "sign": sign})
    return f"GET /api/mainsms/message/send?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: shop/1.0\r\n\r\n".encode()


class Client:
    """One connection, and how long each answer took."""

    def __init__(self, host: str, first: int, key: str = "demo-key-payforsms") -> None:
        self._host, _, self._port = host.partition(":")
        self._first = first
        self._key = key
        self.seconds: list[float] = []
        self.accepted = 0
        self.errors = 0

    async def work(self, until: float, most: int = 10**9) -> None:
        """Ask again and again."""
        reader, writer = await asyncio.open_connection(self._host, int(self._port))
        number = self._first
        while time.monotonic() < until and number < self._first + most:
            begun = time.monotonic()
            writer.write(send(number, self._key))
            number += 1
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: ([0-9]+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
            except (OSError, asyncio.IncompleteReadError):
                self.errors += 1
                break
            self.seconds.append(time.monotonic() - begun)
            self.accepted += b'"success"' in body
            self.errors += not head.startswith(b"HTTP/1.1 200 ")
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def crowd(clients: list[Client], seconds: float, most: int = 10**9) -> float:
    """Let all of them work; return the seconds it took."""
    begun = time.monotonic()
    await asyncio.gather(*(client.work(begun + seconds, most) for client in clients))
    return time.monotonic() - begun


def quantiles(clients: list[Client]) -> str:
    """Return median, 99th of a hundred and slowest in milliseconds, and the ratio of the first two."""
    seconds = sorted(second for client in clients for second in client.seconds)
    median, late = statistics.median(seconds), seconds[int(len(seconds) * 0.99)]
    return f"p50 {median * 1e3:.1f} ms, p99 {late * 1e3:.1f} ms (x{late / median:.1f}), max {seconds[-1] * 1e3:.1f} ms"


def state(root: str) -> dict[str, int]:
    """Return what the sandbox says of itself."""
    with urllib.request.urlopen(f"{root}/api/state", timeout=60) as reply:  # noqa: S310  (our own sandbox)
        tree: dict[str, int] = json.load(reply)
        return tree


def show(line: str) -> None:
    """Print one measurement."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def memory(process: int) -> int:
    """Return the most memory that a process has held so far, in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def main() -> None:
    """Print a line for each measurement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--messages", type=int, default=100_000)
    asked = parser.parse_args()

    with serving() as (root, process):
        host = urlsplit(root).netloc
        clients = [Client(host, place * 1_000_000) for place in range(asked.clients)]
        took = asyncio.run(crowd(clients, asked.seconds))
        accepted, errors = sum(c.accepted for c in clients), sum(c.errors for c in clients)
        told = state(root)
        same = told["accepted"] + told["dropped"] == accepted
        show(f"{asked.clients} clients, {took:.0f} s: {accepted / took:.0f}/s, {errors} errors, {quantiles(clients)}")
        sums = f"accepted {accepted}, listed {told['messages']}, left {told['dropped']}"
        show(f"{sums}: {'equal' if same else 'NOT EQUAL'}")
        show(f"memory so far {memory(process)} MiB")

    with serving() as (root, process):
        host = urlsplit(root).netloc
        share = -(-asked.messages // 50)
        clients = [Client(host, place * share) for place in range(50)]
        asyncio.run(crowd(clients, 3600, share))
        before = memory(process)
        begun = time.monotonic()
        with urllib.request.urlopen(f"{root}/api/messages", timeout=120) as reply:  # noqa: S310  (our own sandbox)
            length = sum(len(piece) for piece in iter(lambda: reply.read(1 << 20), b""))
        took = time.monotonic() - begun
        show(f"{state(root)['messages']} messages: {before} MiB")
        show(f"listed, {length >> 20} MiB in {took:.1f} s: {memory(process)} MiB")

    with serving() as (root, _):
        host = urlsplit(root).netloc
        alone, beside = Client(host, 0), Client(host, 0)
        wrong = [Client(host, place * 1_000_000, "wrong key") for place in range(10)]
        asyncio.run(crowd([alone], min(5, asked.seconds)))
        asyncio.run(crowd([beside, *wrong], min(10, asked.seconds)))
        show(f"one right client alone: {quantiles([alone])}")
        show(f"beside ten wrong ones:  {quantiles([beside])}; theirs: {quantiles(wrong)}")


if __name__ == "__main__":
    main()

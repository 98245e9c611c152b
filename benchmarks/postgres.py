"""What does one PostgreSQL server carry: claims, outcomes and whole jobs a second, by connections?

Run it in the tree, with an interpreter that has smscli, psycopg and the tests' packages installed::

    PYTHONPATH=. python benchmarks/postgres.py

It starts a server of its own in a temporary directory. Every connection is a process with a journal of its own; they
begin together, and the rate is that of all of them. "one job" shares one list, "own jobs" gives each its own.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from smscli.journal import Job, Journal
from smscli.journal._entries import Server
from smscli.model import MSISDN, Outcome, Secret, Submission
from tests.servers.cluster import cluster

CONNECTIONS = (1, 4, 16)
# Rows of a claim, and how many claims are made by all connections together.
CLAIMS = {1: 1600, 50: 160}
JOBS = 640
Steps = list[Callable[[], None]]
Work = Callable[[Journal, int], Steps]


def job(key: str, size: int) -> Job:
    """Return a job of so many messages."""
    messages = tuple((MSISDN(str(37_060_000_000 + number)), "hello") for number in range(size))
    return Job(key, "lightsms", "", "", "", messages, key)


def sharing(key: str, rows: int, connections: int, own: bool, journal: Journal, number: int) -> Steps:
    """Return the steps of one connection: claim its share of a job, then settle it."""
    claims = CLAIMS[rows] // connections
    name = f"{key} {number}" if own else key
    size = rows * claims * (1 if own else connections)
    recipients = journal.begin(job(name, size), together=True).pending
    first = 0 if own else number * claims * rows
    bounds = list(pairwise(range(first, first + claims * rows + 1, rows)))
    parts = [recipients[start:end] for start, end in bounds]

    def claim() -> None:
        for part in parts:
            journal.claim(name, part)

    def settle() -> None:
        for part in parts:
            journal.settle(name, [Submission(to, Outcome.SENT, "1") for to in part])

    return [claim, settle]


def sending(key: str, connections: int, journal: Journal, number: int) -> Steps:
    """Return the one step of a connection: jobs of one message each, from begin to settle, nothing sent."""

    def send() -> None:
        for one in range(JOBS // connections):
            name = f"{key} {number} {one}"
            (to,) = journal.begin(job(name, 1)).pending
            journal.claim(name, (to,))
            journal.settle(name, [Submission(to, Outcome.SENT, "1")])

    return [send]


def seconds(url: str, connections: int, work: Work, steps: int) -> list[float]:
    """Return how long each step took from the first connection's beginning to the last one's end."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(connections + 1)

    def run(number: int) -> None:
        with Journal(Server(Secret(url), "smscli"), now=time.time) as journal:
            for step in work(journal, number):
                barrier.wait()
                step()
                barrier.wait()

    processes = [context.Process(target=run, args=(number,)) for number in range(connections)]
    for process in processes:
        process.start()
    took = []
    for _ in range(steps):
        barrier.wait()
        started = time.perf_counter()
        barrier.wait()
        took.append(time.perf_counter() - started)
    for process in processes:
        process.join()
    return took


def main() -> None:
    """Measure and print."""
    with cluster() as server:
        import psycopg

        with psycopg.connect(server.url) as db:
            version = db.execute("SHOW server_version").fetchone()
        print(f"PostgreSQL {version and version[0]}, Python {sys.version.split()[0]}")  # noqa: T201  (a benchmark prints)
        print("rows a claim  connections  jobs      claims/s  rows claimed/s  settles/s  rows claimed and settled/s")  # noqa: T201
        for rows, claims in CLAIMS.items():
            for own in (False, True):
                for count in CONNECTIONS:
                    work = partial(sharing, f"{rows} {own} {count}", rows, count, own)
                    claim, settle = seconds(server.url, count, work, 2)
                    print(  # noqa: T201
                        f"{rows:12}  {count:11}  {'own' if own else 'one':8}  {claims / claim:8.0f}"
                        f"  {rows * claims / claim:14.0f}  {claims / settle:9.0f}"
                        f"  {rows * claims / (claim + settle):26.0f}",
                        flush=True,
                    )
        for count in CONNECTIONS:
            (took,) = seconds(server.url, count, partial(sending, f"jobs {count}", count), 1)
            print(f"jobs of one message, {count} connections: {JOBS / took:.0f}/s", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

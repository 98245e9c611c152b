"""What becomes of a message that has just arrived in a served sandbox: a line on stderr, a file in a directory.

Each has a thread of its own: a slow reader, or a slow disk, holds up neither who sends nor the other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from smscli import private, sandbox
from smscli.cli.invocation import Invocation
from smscli.errors import InputError
from smscli.model import Outcome, visible
from smscli.sandbox import Caught

if TYPE_CHECKING:
    from smscli.sandbox import Sandbox

_BEHIND = 10_000  # entries that wait to be written, at most
_LAST = 1.0  # seconds in which what waits is still written in the end, for somebody who reads along
_LAST_EXPORT = 10.0  # the same for files, which are read afterwards
_EXCERPT = 60  # characters of a text


@contextmanager
def followed(call: Invocation, app: Sandbox, directory: Path | None) -> Iterator[None]:
    """Write a line about each message that arrives in the block, and with a ``directory`` a file.

    Raises InputError when the directory cannot be made.
    """
    if directory is not None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--export {str(directory)!r} cannot be made: {error.strerror}") from None
    troubles: set[str] = set()

    def complain(trouble: str) -> None:
        if trouble not in troubles:  # once, not for each message
            troubles.add(trouble)
            # Whoever does not read stderr must hold up neither the files nor the end.
            warning = Thread(target=call.warn, args=(f"warning: {trouble}",), daemon=True)
            warning.start()
            warning.join(_LAST)

    def tell(event: str, entry: Caught) -> None:
        tree = sandbox.written(app, entry)
        call.tell(line(tree) if event == "new" else f"message {entry.number}: {tree['diagnosis']}")

    def export(directory: Path, _event: str, entry: Caught) -> None:
        try:
            _export(directory, sandbox.written(app, entry, whole=True))
        except OSError as error:
            complain(f"messages are not exported: {error.strerror}")

    teller = _Clerk(tell, complain)
    exporter = _Clerk(partial(export, directory), complain) if directory else None
    clerks = [clerk for clerk in (teller, exporter) if clerk]
    app.desk.listeners += [clerk.hear for clerk in clerks]
    try:
        yield
    finally:
        for clerk in clerks:
            app.desk.listeners.remove(clerk.hear)
        now = monotonic()
        teller.finish(now + _LAST)
        if exporter and (left := exporter.finish(now + _LAST_EXPORT)):
            complain(f"{left} entries were not exported: there was no more time")


class _Clerk:
    """Who writes: ``hear`` is called in passing, a thread of its own does it."""

    def __init__(self, write: Callable[[str, Caught], None], complain: Callable[[str], None]) -> None:
        self._write = write
        self._complain = complain
        self._waiting: Queue[tuple[str, Caught] | None] = Queue(_BEHIND)
        self._lost = False
        self._heard = self._done = 0  # each has one thread at a time that counts it
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def hear(self, event: str, entry: Caught | None) -> None:
        """Take what happened; never wait."""
        if entry is not None:
            self._heard += 1
            try:
                self._waiting.put_nowait((event, entry))
            except Full:
                self._lost = True

    def finish(self, deadline: float) -> int:
        """Write what waits until that time is over; return how many entries were not written down, or not yet."""
        with suppress(Full):
            self._waiting.put(None, timeout=max(0.0, deadline - monotonic()))
            self._thread.join(max(0.0, deadline - monotonic()))
        return self._heard - self._done

    def _work(self) -> None:
        while arrival := self._waiting.get():
            self._write(*arrival)
            self._done += 1
            if self._lost:
                self._complain("messages came faster than they could be written down")


def _export(directory: Path, entry: Mapping[str, object]) -> None:
    """Write an entry as a file of its own; its name says when it came, and its number."""
    stamp = str(entry["received"]).replace(":", "").replace("+0000", "Z")
    content = json.dumps(entry, indent=2, ensure_ascii=False) + "\n"
    path = directory / f"{stamp}-{entry['number']:06d}.json"
    write_whole(path, content.encode("utf-8", "backslashreplace"), 0o600)


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all: whoever waits for it never reads half of it. OSError passes through."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | private.flags(), mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


def line(entry: Mapping[str, object]) -> str:
    """Return an entry in one line."""
    whom = f" to {visible(str(entry['to']))}" if entry["to"] else ""
    if entry["accepted"]:
        parts = entry["parts"]
        fate = f"accepted, {parts} part{'' if parts == 1 else 's'}" if parts else "answered"
    else:
        why = entry["reason"] or entry["note"]
        upstream = entry["upstream"]
        # A word of ours, for the vendor said none.
        is_lost = isinstance(upstream, dict) and upstream["outcome"] in (Outcome.NOT_SENT, Outcome.UNKNOWN)
        fate = ("" if is_lost else "refused, ") + str(entry["refusal"]) + (f" ({visible(str(why))})" if why else "")
    fate += f" [{visible(str(entry['chaos']))}]" if entry["chaos"] else ""
    text = visible(str(entry["text"])) if entry["text"] else ""
    excerpt = text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 3]}..."
    vendor, operation = entry["vendor"], entry["operation"]
    asked = "a request to no vendor" if vendor == operation == "unknown" else f"{vendor} {operation}"
    what = f"message {entry['number']}: {asked}{whom}: {fate}"
    return f"{what}: {excerpt}" if excerpt else what

"""What becomes of a message that has just arrived in a served sandbox: a line on stderr, a file in a directory.

A thread of its own writes both: a slow reader, or a slow disk, must not hold up who sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from smscli import sandbox
from smscli.cli.options import Invocation
from smscli.errors import InputError
from smscli.model import visible
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
    clerk = _Clerk(call, app, directory)
    app.desk.listeners.append(clerk.hear)
    thread = Thread(target=clerk.work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        app.desk.listeners.remove(clerk.hear)
        deadline = monotonic() + (_LAST_EXPORT if directory else _LAST)
        with suppress(Full):
            clerk.waiting.put(None, timeout=max(0.0, deadline - monotonic()))
            thread.join(max(0.0, deadline - monotonic()))
        if directory and clerk.left:
            # Whoever does not read stderr must not hold up the end.
            warning = f"warning: {clerk.left} entries were not exported: there was no more time"
            last = Thread(target=call.warn, args=(warning,), daemon=True)
            last.start()
            last.join(_LAST)


class _Clerk:
    """Who writes: ``hear`` is called in passing, ``work`` does it."""

    def __init__(self, call: Invocation, app: Sandbox, directory: Path | None) -> None:
        self.waiting: Queue[tuple[str, Caught] | None] = Queue(_BEHIND)
        self._call = call
        self._app = app
        self._directory = directory
        self._troubles: set[str] = set()
        self._lost = False
        self._heard = self._done = 0  # each has one thread at a time that counts it

    @property
    def left(self) -> int:
        """How many entries were not written down, or not yet."""
        return self._heard - self._done

    def hear(self, event: str, entry: Caught | None) -> None:
        """Take what happened; never wait."""
        if entry is not None:
            self._heard += 1
            try:
                self.waiting.put_nowait((event, entry))
            except Full:
                self._lost = True

    def work(self) -> None:
        """Write until there is nothing more."""
        while arrival := self.waiting.get():
            event, entry = arrival
            tree = sandbox.written(self._app, entry, whole=True)
            self._call.tell(line(tree) if event == "new" else f"message {entry.number}: {tree['diagnosis']}")
            if self._directory is not None:
                self._export(self._directory, tree)
            self._done += 1
            if self._lost:
                self._complain("messages came faster than they could be written down")

    def _export(self, directory: Path, entry: Mapping[str, object]) -> None:
        """Write an entry as a file of its own, whole or not at all; its name says when it came, and its number."""
        stamp = str(entry["received"]).replace(":", "").replace("+0000", "Z")
        name = f"{stamp}-{entry['number']:06d}.json"
        unfinished = directory / f".{name}"
        try:
            with unfinished.open("w", encoding="utf-8", errors="backslashreplace") as file:
                unfinished.chmod(0o600)
                json.dump(entry, file, indent=2, ensure_ascii=False)
                file.write("\n")
            unfinished.replace(directory / name)
        except OSError as error:
            self._complain(f"messages are not exported: {error.strerror}")

    def _complain(self, trouble: str) -> None:
        if trouble not in self._troubles:  # once, not for each message
            self._troubles.add(trouble)
            self._call.warn(f"warning: {trouble}")


def line(entry: Mapping[str, object]) -> str:
    """Return an entry in one line."""
    whom = f" to {visible(str(entry['to']))}" if entry["to"] else ""
    if entry["accepted"]:
        parts = entry["parts"]
        fate = f"accepted, {parts} part{'' if parts == 1 else 's'}"
    else:
        why = entry["reason"] or entry["note"]
        fate = f"refused, {entry['refusal']}" + (f" ({visible(str(why))})" if why else "")
    fate += f" [{visible(str(entry['chaos']))}]" if entry["chaos"] else ""
    text = visible(str(entry["text"])) if entry["text"] else ""
    excerpt = text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 3]}..."
    what = f"message {entry['number']}: {entry['vendor']} {entry['operation']}{whom}: {fate}"
    return f"{what}: {excerpt}" if excerpt else what

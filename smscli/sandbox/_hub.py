"""What comes to those who wait on the server's loop from other threads: events, and what a thread was asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from smscli.sandbox._desk import Caught

_Value = TypeVar("_Value")

_EVENTS = 1000  # that one who listens may be behind; more are left out, and said to be

Queue = asyncio.Queue[tuple[str, Caught | None] | None]


class Hub:
    """Who waits for events: each has a queue, in which None is the end, and "reload" stands for what was left out."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.at_the_end: tuple[Callable[[], None], ...] = ()
        self._loop = loop
        self._thread = threading.get_ident()
        self._queues: set[Queue] = set()

    def hear(self, event: str, entry: Caught | None) -> None:
        """Pass an event on; from any thread, and never before its maker is done."""
        if not self._queues and event != "close":
            return
        if threading.get_ident() == self._thread:
            self._loop.call_soon(self._spread, event, entry)
        else:
            self._loop.call_soon_threadsafe(self._spread, event, entry)

    @contextmanager
    def listening(self) -> Iterator[Queue]:
        """Give a queue of the events from now on."""
        queue: Queue = asyncio.Queue(_EVENTS)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)

    def _spread(self, event: str, entry: Caught | None) -> None:
        if event == "close":
            for action in self.at_the_end:
                action()
        for queue in list(self._queues):
            if event == "close":
                self.end(queue)
            elif queue.full():
                _replace(queue, ("reload", None))
            else:
                queue.put_nowait((event, entry))

    def end(self, queue: Queue) -> None:
        """Let who waits for a queue hear of its end next, and of nothing else."""
        self._queues.discard(queue)
        _replace(queue, None)


def _replace(queue: Queue, event: tuple[str, Caught | None] | None) -> None:
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(event)


async def in_thread(ask: Callable[[], _Value], name: str, without: Callable[[], _Value] | None = None) -> _Value:
    """Return what a thread gives; ``without`` one, where the machine has none."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Value] = loop.create_future()

    def settle(action: Callable[[Any], None], value: object) -> None:
        if not future.done():
            action(value)

    def work() -> None:
        try:
            done: tuple[Callable[[Any], None], object] = future.set_result, ask()
        except Exception as error:  # noqa: BLE001  (raised again where somebody waits for it)
            done = future.set_exception, error
        try:
            loop.call_soon_threadsafe(settle, *done)
        except RuntimeError:  # the loop has ended
            return

    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError:
        if without is None:
            raise
        return without()
    return await future

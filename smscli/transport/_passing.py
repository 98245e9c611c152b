"""Other programs' requests on their way to one vendor: each leaves once, over a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic, sleep

from smscli.errors import UnreachableError
from smscli.transport._http import HttpTransport
from smscli.transport._request import RawHeaders, prepare_raw
from smscli.wire import Response

_PATIENCE, _PAUSE = 1.0, 0.01  # seconds


class Passage:
    """The way to the host of ``base_url`` for requests that somebody else has made; from any thread.

    ``open_way`` gives a fresh transport, ``seconds`` bound an exchange as a whole. Nothing is ever repeated: no
    connection is used twice, so that not even one that was closed meanwhile can tempt to it. Raises ConfigError for an
    address that must not be asked, or a proxy or CA file that cannot be used.
    """

    def __init__(self, base_url: str, seconds: float, open_way: Callable[[], HttpTransport]) -> None:
        self._base_url = base_url
        self._seconds = seconds
        self._open_way = open_way
        self._lock = Lock()
        self._running: set[HttpTransport] = set()
        self._is_closed = False
        prepare_raw(base_url, "GET", (), b"")
        open_way().close()

    def __call__(self, method: str, target: bytes, headers: RawHeaders, body: bytes) -> Response:
        """Return the vendor's answer as it came. Raises what a ``Transport`` raises."""
        way = self._open_way()
        with self._lock:
            if self._is_closed:
                raise UnreachableError("the sandbox ends; nothing was sent", hint="start it again")
            self._running.add(way)
        try:
            return way.pass_on(self._base_url, (method, target), headers, body, self._seconds)
        finally:
            with self._lock:
                self._running.discard(way)
            way.close()

    def cancel(self) -> None:
        """End all exchanges now, each with its verdict, and begin no other; return when they have ended."""
        patience = monotonic() + _PATIENCE
        while monotonic() < patience:
            with self._lock:
                self._is_closed = True
                running = tuple(self._running)
            if not running:
                return
            for way in running:
                way.cancel()  # without effect on one that is just about to begin: it is asked again
            sleep(_PAUSE)

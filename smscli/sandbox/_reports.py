"""Delivery reports: a GET to a URL of this machine whenever a message has moved on, as vendors make it to a customer's.

This module owns the thread that makes them. What a report says is the vendor's (``Emulator.push``). Nothing goes to
another machine, a redirection least of all. Assumed: each report is made once; no page speaks of another try.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Container, Iterable, Mapping
from threading import Condition, Thread
from urllib.parse import urlsplit

from smscli.errors import InputError
from smscli.model import DeliveryState, visible
from smscli.sandbox._course import course
from smscli.sandbox._desk import Caught
from smscli.sandbox._emulator import Emulator, Push
from smscli.wire import encode, is_loopback

_MOST = 20_000  # reports that wait
_SECONDS = 5.0  # for an answer

_Report = tuple[float, int, Caught, DeliveryState]


class Reports:
    """Those of one sandbox: call it with each event of the desk. The thread ends with the process, or ``close``.

    ``urls`` are the customers', by vendor name. ``now`` gives Unix seconds. A message in ``cancelled`` reports no more.
    """

    def __init__(
        self,
        emulators: Iterable[Emulator],
        urls: Mapping[str, str],
        now: Callable[[], float],
        cancelled: Container[str] = (),
    ) -> None:
        """Raise InputError for a vendor without reports, and for a URL that is not one of this machine."""
        pushes = {name: one.push for one in emulators for name in one.demo if one.push}
        self._urls = {name: _checked(name, url, pushes) for name, url in urls.items()}
        self._pushes = pushes
        self._now = now
        self._cancelled = cancelled
        self._waiting: list[_Report] = []
        self._numbers = itertools.count()
        self._changed = Condition()
        self._is_open = True
        Thread(target=self._work, name="delivery reports", daemon=True).start()

    def __call__(self, event: str, entry: Caught | None = None) -> None:
        """Expect the reports of a message that is new; what waits is forgotten when the list is cleared or reset."""
        with self._changed:
            if event in ("clear", "reset"):
                self._waiting.clear()
            elif event == "close":
                self._is_open = False
            elif event == "new" and entry and entry.refusal is None and entry.message_id and entry.vendor in self._urls:
                for moment, state in course(self._pushes[entry.vendor].serial(entry.message_id)):
                    if len(self._waiting) < _MOST:
                        heapq.heappush(self._waiting, (moment, next(self._numbers), entry, state))
            self._changed.notify()

    def _work(self) -> None:
        while report := self._next():
            _, _, entry, state = report
            if entry.message_id not in self._cancelled:
                _make(self._urls[entry.vendor], encode(self._pushes[entry.vendor].pairs(entry, state)))

    def _next(self) -> _Report | None:
        """Wait for the next report and return it; None when there will be none."""
        with self._changed:
            while self._is_open:
                left = self._waiting[0][0] - self._now() if self._waiting else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._waiting)
                # Now and then it looks again: a clock may be set.
                self._changed.wait(None if left is None else min(left, 10))
            return None


def _checked(vendor: str, url: str, pushes: Mapping[str, Push]) -> str:
    if vendor not in pushes:
        raise InputError(f"{visible(vendor)} has no delivery reports in the sandbox")
    try:
        parts = urlsplit(url)
        is_fit = parts.scheme == "http" and is_loopback(parts.hostname) and parts.port != 0
    except ValueError:
        is_fit = False
    # A space or line break would end the request line.
    if not is_fit or not url.isascii() or not url.isprintable() or " " in url:
        raise InputError(
            f"{visible(url)!r} is no address for delivery reports",
            hint="they go to this machine alone: http://127.0.0.1:PORT/PATH",
        )
    return url


def _make(url: str, query: str) -> None:
    """Make one report; what becomes of it is the customer's business."""
    from http.client import HTTPConnection, HTTPException

    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    try:
        connection.request("GET", f"{parts.path or '/'}?{parts.query + '&' if parts.query else ''}{query}")
        connection.getresponse()
    except (OSError, HTTPException):
        return
    finally:
        connection.close()

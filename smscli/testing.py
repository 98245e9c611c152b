"""The sandbox in tests: a pytest plugin with the fixture ``smscli_sandbox``, and ``serving`` for everything else.

pytest loads this module in every run, by the entry point ``pytest11``; what costs anything is loaded by who uses it.
The server is a thread of the test run, and every worker of pytest-xdist has its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from decimal import Decimal

    from smscli.sandbox import Caught, Sandbox
    from smscli.sandbox._search import Criteria

__all__ = ["SandboxServer", "serving", "smscli_sandbox"]

_START = 20.0  # seconds

_Value = TypeVar("_Value")


class SandboxServer:
    """A sandbox that serves all vendors at ``url``, a root without a slash at its end."""

    def __init__(self, app: Sandbox, url: str) -> None:
        self.url = url
        self._app = app

    def base_url(self, vendor: str) -> str:
        """Return the URL that takes the place of the vendor's own."""
        from smscli import sandbox

        sandbox.demo(vendor)
        return sandbox.base_urls(self.url)[vendor]

    def environ(self, vendor: str) -> dict[str, str]:
        """Return the variables with which smscli, and programs that read the same, use the vendor's demo account."""
        from smscli import sandbox

        return sandbox.environ(sandbox.profile_table(vendor, self.base_url(vendor)))

    def messages(
        self,
        *,
        to: str | None = None,
        text: str | None = None,
        vendor: str | None = None,
        accepted: bool | None = True,
    ) -> list[Caught]:
        """Return the messages that came, oldest first: each has ``vendor``, ``to``, ``text``, ``sender`` and more.

        ``to`` may be written in any way, ``text`` is part of the text. Those that a vendor would have refused are left
        out, unless ``accepted`` is False (only those) or None; their ``refusal`` and ``reason`` say why.
        """
        return self._criteria(to, text, vendor, accepted=accepted).select(self._entries())

    def wait(
        self, *, to: str | None = None, text: str | None = None, vendor: str | None = None, timeout: float = 5.0
    ) -> Caught:
        """Return the newest message that is meant, as soon as there is one.

        Raises AssertionError after ``timeout`` seconds, which says what was closest.
        """
        return self._wait(self._criteria(to, text, vendor, accepted=True), timeout, lambda entry: entry)

    def code(
        self,
        *,
        to: str | None = None,
        text: str | None = None,
        vendor: str | None = None,
        digits: int | None = None,
        timeout: float = 5.0,
    ) -> str:
        """Return the one-time code of the newest message that has one: 4 to 8 digits, or as many as ``digits``.

        Raises AssertionError after ``timeout`` seconds.
        """
        from smscli.sandbox._search import code

        criteria = self._criteria(to, text, vendor, accepted=True)
        return self._wait(criteria, timeout, lambda entry: code(entry.text or "", digits))

    def chaos(self, rule: str) -> int:
        """Let requests fail from now on, until the end of the test; return the rule's number.

        ``rule`` is as in ``smscli sandbox --chaos``: "lightsms send error=32 count=1". Raises InputError for one that
        says what there is not.
        """
        from smscli.sandbox import _chaos

        parsed = _chaos.parse(rule, self._app.emulators)
        with self._app.desk.lock:
            return self._app.rules().add(parsed)

    @property
    def credit(self) -> dict[str, Decimal]:
        """What each vendor's account holds; assign to a member to change it."""
        return self._app.desk.credit

    def reset(self) -> None:
        """Begin anew: no messages, no rules, the credit of the start."""
        self._app.reset()

    def _entries(self) -> list[Caught]:
        with self._app.desk.lock:
            return list(self._app.desk.caught)

    def _criteria(self, to: str | None, text: str | None, vendor: str | None, *, accepted: bool | None) -> Criteria:
        from smscli import sandbox
        from smscli.sandbox._search import Criteria

        if vendor is not None:
            sandbox.demo(vendor)
        return Criteria(to=to, text=text, vendor=vendor, accepted=accepted)

    def _wait(self, criteria: Criteria, timeout: float, pick: Callable[[Caught], _Value | None]) -> _Value:
        arrived = threading.Event()

        def hear(_event: str, _entry: Caught | None) -> None:
            arrived.set()

        desk = self._app.desk
        with desk.lock:
            desk.listeners.append(hear)
        try:
            deadline = time.monotonic() + timeout
            is_late = False
            while True:
                arrived.clear()
                picked = (pick(entry) for entry in reversed(criteria.select(self._entries())))
                if value := next(filter(None, picked), None):
                    return value
                if is_late:
                    raise AssertionError(f"no such message came within {timeout:g} s{self._closest(criteria)}")
                # A clock that the test has stopped does not make it wait for ever.
                is_late = not arrived.wait(max(0.0, deadline - time.monotonic()))
        finally:
            with desk.lock:
                desk.listeners.remove(hear)

    def _closest(self, criteria: Criteria) -> str:
        """Return what came instead, in words."""
        from smscli.sandbox._search import closest

        entries = self._entries()
        near = closest(criteria, reversed(entries))
        if near is None:
            return ", nor any other"
        entry, missed = near
        fate = "" if entry.refusal is None else f", refused: {entry.refusal} ({entry.reason})"
        what = f"{entry.vendor} {entry.operation} to {entry.to}: {entry.text!r}{fate}"
        return f" (of {len(entries)}); the closest differs in {', '.join(missed) or 'code'}: {what}"


@contextmanager
def serving() -> Iterator[SandboxServer]:
    """Serve a sandbox on any free port of this machine, in a thread, to the end of the block.

    Raises ConfigError when the server is not installed (``pip install 'smscli[sandbox]'``).
    """
    from smscli import sandbox

    app = sandbox.create_app()
    up = threading.Event()
    roots: list[str] = []
    troubles: list[Exception] = []

    def ready(root: str) -> None:
        roots.append(root)
        up.set()

    def serve() -> None:
        try:
            sandbox.serve(app, 0, ready=ready)
        except Exception as error:  # noqa: BLE001  (raised again where somebody waits for the server)
            troubles.append(error)
            up.set()

    thread = threading.Thread(target=serve, name="smscli sandbox", daemon=True)
    thread.start()
    try:
        up.wait(_START)
        if not roots:
            raise troubles[0] if troubles else TimeoutError("the sandbox did not start")
        yield SandboxServer(app, roots[0])
    finally:
        app.close()
        thread.join(_START)


@pytest.fixture(scope="session")
def smscli_sandbox_server() -> Iterator[SandboxServer]:
    """Serve one sandbox for a whole test run; ``smscli_sandbox`` empties it for each test."""
    with serving() as server:
        yield server


@pytest.fixture
def smscli_sandbox(smscli_sandbox_server: SandboxServer) -> SandboxServer:
    """A sandbox of all vendors behind a URL, with nothing in it: what an application sends there can be looked at."""
    smscli_sandbox_server.reset()
    return smscli_sandbox_server

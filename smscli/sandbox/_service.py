"""One sandbox: all emulators behind one function from a raw request to a raw reply, without a web framework.

What cannot be answered at once is a ``Later``, and the way in decides how to wait: a server lets everybody else go on,
a call inside the process does it there and then. Nothing is logged: a request line holds login and signature.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smscli.model import Account, Pairs, Secret, visible
from smscli.sandbox._call import Call
from smscli.sandbox._checking import Check, Question
from smscli.sandbox._desk import RAW_BYTES, UNKNOWN, Caught, Desk
from smscli.sandbox._emulator import Answer, Emulator, header
from smscli.sandbox._hiding import hide
from smscli.sandbox._later import Diagnosing, Later, Passing, Waiting
from smscli.sandbox._params import gather
from smscli.sandbox._raw import RawReply, RawRequest, json_reply, text_reply
from smscli.wire import Request, Response, Transport

if TYPE_CHECKING:
    from smscli.sandbox._chaos import Chaos
    from smscli.sandbox._upstream import Upstream

LONGEST = 1024 * 1024
"""Bytes of a body that are taken."""

TOO_MANY = "not diagnosed: too many at once"

_REMEMBERED = 256  # diagnoses
_PATH = 200  # characters of a path that are repeated


@dataclass(frozen=True, slots=True)
class _Window:
    """What answers at one path of a vendor's."""

    emulator: Emulator
    handle: Callable[[Call, Desk], Answer]
    accounts: Mapping[str, Account]


@dataclass(slots=True)
class Sandbox:
    """A sandbox with a state of its own: balances, ids, and what it caught. ``create_app`` makes one.

    ``now`` gives Unix seconds. With an ``upstream`` nothing is emulated: its vendor's requests go on there. ``answer``
    and ``begin`` may be called from any thread.
    """

    emulators: tuple[Emulator, ...]
    accounts: Mapping[str, Account]
    now: Callable[[], float]
    credit: Mapping[str, Decimal]
    seed: str = ""
    upstream: Upstream | None = None
    desk: Desk = field(init=False)
    begun: float = field(init=False)
    demo_keys: Mapping[str, Secret] = field(init=False)
    chaos: Chaos | None = field(default=None, init=False)  # a send inside the process has none, and does not load it
    closing: bool = field(default=False, init=False)
    _windows: dict[str, _Window] = field(default_factory=dict, init=False)
    _roots: dict[str, _Window] = field(default_factory=dict, init=False)
    _diagnoses: dict[bytes, str] = field(default_factory=dict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        """Open."""
        self.begun = time.monotonic()
        self.desk = Desk(self.starting_credit())
        demos = (item for emulator in self.emulators for item in emulator.demo.items())
        self.demo_keys = {vendor: demo.account.secret for vendor, demo in demos}
        for emulator in self.emulators:
            own = {name: self.accounts[name] for name in emulator.demo if name in self.accounts}
            for path, handle in emulator.routes.items():
                self._windows[path.rstrip("/")] = _Window(emulator, handle, own)
            for root, handle in emulator.roots.items():
                self._roots[root] = _Window(emulator, handle, own)

    def starting_credit(self) -> dict[str, Decimal]:
        """Return what each vendor's account holds at the start."""
        if self.upstream:
            return {}
        return {name: self.credit.get(name, one.credit) for one in self.emulators for name in one.demo}

    @property
    def paths(self) -> dict[str, str]:
        """Where each vendor's addresses begin."""
        demos = (item for emulator in self.emulators for item in emulator.demo.items())
        paths = {name: urlsplit(demo.account.base_url).path for name, demo in demos}
        return {self.upstream.vendor: paths[self.upstream.vendor]} if self.upstream else paths

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Everything that nobody may see."""
        return tuple(secret for account in self.accounts.values() for secret in account.secrets)

    def answer(self, request: RawRequest) -> RawReply:
        """Return the reply, all work done; what is waited for has come already, or never will."""
        step = self.begin(request)
        if isinstance(step, Passing):
            step = step.run()
        if isinstance(step, RawReply):
            return step
        if isinstance(step, Diagnosing):
            return step.finish(step.question.answer())
        if isinstance(step, Waiting):
            return step.give_up()
        return step.reply

    def begin(self, request: RawRequest) -> RawReply | Later:
        """Return the reply, or what has to be done for it."""
        if max(len(request.body), request.announced) > LONGEST:
            reason = f"its body has more than {LONGEST} bytes"
            self.turn_away(request, 413, reason, request.transcript(RAW_BYTES))
            sentence = f"A request to the sandbox has at most {LONGEST} bytes.\n"
            # Who waits for leave to send the body does not send it now: the next request would be taken for it.
            end: Pairs = (("Connection", "close"),) if request.header(b"expect") else ()
            return text_reply(413, sentence, headers=(("X-Smscli-Reason", reason), *end))
        path = request.path
        window = self._window(path)
        if window:
            return self._call(window, request)
        if self.is_own(path):
            from smscli.sandbox import _api  # a send inside the process does not want it

            return _api.answer(self, request)
        if not _is_page(request):
            return self._nothing_there(request)
        if path == "/" and "text/html" not in request.header(b"accept"):
            return self._index(request)
        from smscli.sandbox import _page  # a send inside the process does not want it

        return _page.answer(self, request)

    def turn_away(self, request: RawRequest, status: int, reason: str, transcript: bytes) -> None:
        """Put a request into the list that gets to no vendor, as far as it can be read; not one for the sandbox itself.

        Whoever has mistyped an address looks into the list for what became of it.
        """
        window = self._window(request.path)
        if window is None and (self.is_own(request.path) or _is_page(request) or _is_of_a_browser(request)):
            return
        vendor = min(window.emulator.demo.keys() & self.paths.keys()) if window else UNKNOWN
        with self.desk.lock:
            self.desk.request = transcript
            entry = Caught(vendor=vendor, operation=UNKNOWN, now=self.now(), signature=None)
            self.desk.refuse(entry, f"HTTP {status}", reason=reason)

    def is_own(self, path: str) -> bool:
        """Return whether a path is the sandbox's own, below ``/api``, and no vendor's."""
        return (path == "/api" or path.startswith("/api/")) and self._window(path) is None

    def goes_on(self, path: str) -> bool:
        """Return whether a request for a path is passed on."""
        return self.upstream is not None and self._window(path) is not None

    def _window(self, path: str) -> _Window | None:
        root = max((root for root in self._roots if path.startswith(root)), key=len, default="")
        return self._windows.get(path.rstrip("/")) or self._roots.get(root)

    def reset(self) -> None:
        """Begin anew: no messages, the credit and the rules of the start."""
        with self.desk.lock:
            self.desk.reset(self.starting_credit())
            if self.chaos:
                self.chaos.reset()
        with self._lock:
            self._diagnoses.clear()

    def rules(self) -> Chaos:
        """Return the rules of what goes wrong, none at first. Hold the desk's lock."""
        if self.chaos is None:
            from secrets import token_hex

            from smscli.sandbox._chaos import Chaos

            self.chaos = Chaos(self.seed or token_hex(4))
        return self.chaos

    def close(self) -> None:
        """Have whoever serves this sandbox stop; from any thread."""
        self.closing = True
        self.desk.notify("close")

    def _call(self, window: _Window, request: RawRequest) -> RawReply | Later:
        call = Call(gather(request), request.header(b"accept"), window.accounts, self.now(), self.demo_keys, request)
        if self.upstream:
            from smscli.sandbox import _upstream  # few have one

            call = replace(call, goes_on=True)
            return _upstream.begin(self, self.upstream, window.emulator, window.handle, call)
        with self.desk.lock:
            self.desk.request = request.transcript(RAW_BYTES)
            if self.chaos is None or not self.chaos.tracks:
                answer = window.handle(call, self.desk)
            else:
                answer = self.chaos.handle(window.emulator, window.handle, call, self.desk)
        return self.explained(answer.check, lambda: self._reply(answer))

    def explained(self, check: Check | None, reply: Callable[[], RawReply]) -> RawReply | Diagnosing:
        """Return the reply to a request whose signature was looked at, or what is to be found out before it."""
        if check is None or check.right or check.question is None:
            return reply()
        question, check.question = check.question, None

        def finish(diagnosis: str) -> RawReply:
            check.diagnosis = diagnosis
            if diagnosis != TOO_MANY:
                self._remember(question, diagnosis)
            self._notify_update(check)
            return reply()

        known = self._diagnoses.get(question.key)
        return Diagnosing(question, finish) if known is None else finish(known)

    def _remember(self, question: Question, diagnosis: str) -> None:
        with self._lock:
            self._diagnoses[question.key] = diagnosis
            if len(self._diagnoses) > _REMEMBERED:
                del self._diagnoses[next(iter(self._diagnoses))]

    def _notify_update(self, check: Check) -> None:
        """Tell the listeners which entries know more now: the newest ones, where others have come meanwhile."""
        with self.desk.lock:
            if self.desk.listeners:
                recent = [entry for entry, _ in zip(reversed(self.desk.caught), range(1000), strict=False)]
                for entry in reversed([entry for entry in recent if entry.check is check]):
                    self.desk.notify("update", entry)

    def _index(self, request: RawRequest) -> RawReply:
        root = f"http://{request.header(b'host')}"
        urls = {name: root + path for name, path in self.paths.items()}
        return json_reply({"base_urls": urls, "messages": f"{root}/api/messages"})

    def _reply(self, answer: Answer) -> RawReply:
        headers = answer.headers
        if answer.reason:
            headers += (("X-Smscli-Reason", header(hide(answer.reason, self.secrets))),)
        if answer.check and not answer.check.right:
            headers += (("X-Smscli-Expected", header(hide(answer.check.expected, self.secrets))),)
            if answer.check.diagnosis:
                headers += (("X-Smscli-Diagnosis", header(hide(answer.check.diagnosis, self.secrets))),)
        reply = text_reply(answer.status, answer.body, answer.content_type, headers)
        return replace(reply, mishap=answer.mishap) if answer.mishap else reply

    def _nothing_there(self, request: RawRequest) -> RawReply:
        from difflib import get_close_matches  # only who is lost needs it

        path = request.path if len(request.path) <= _PATH else f"{request.path[:_PATH]}..."
        (closest,) = get_close_matches(path, self._windows, 1, 0)
        reason = f"{path} is no vendor's address; closest: {closest}"
        self.turn_away(request, 404, reason, request.transcript(RAW_BYTES))
        sentence = f"Nothing answers at {visible(path)}. The closest address is {closest}.\n"
        return text_reply(404, sentence, headers=(("X-Smscli-Reason", header(hide(reason, self.secrets))),))


def _is_page(request: RawRequest) -> bool:
    """Return whether somebody looks at the page, or a program at the index."""
    return request.path.startswith("/page/") or (request.path == "/" and request.method in ("GET", "HEAD"))


def _is_of_a_browser(request: RawRequest) -> bool:
    """Return whether a browser asks by itself (for an icon, say), or for what somebody typed into it."""
    is_for_show = request.header(b"sec-fetch-dest") not in ("", "empty")
    return is_for_show or request.path == "/favicon.ico" or request.path.startswith("/.well-known/")


def transport(sandbox: Sandbox) -> Transport:
    """See ``smscli.sandbox.transport``."""

    def send(asked: Request, _seconds: float) -> Response:
        url = urlsplit(asked.target)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        kind: Pairs = (("Content-Type", "application/x-www-form-urlencoded"),) if asked.form else ()
        headers = tuple(
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in (("Host", url.netloc), *asked.headers, *kind)
        )
        reply = sandbox.answer(RawRequest(asked.method, target.encode("ascii"), headers, asked.body or b""))
        return Response(reply.status, reply.body, {name.lower(): value for name, value in reply.headers})

    return send

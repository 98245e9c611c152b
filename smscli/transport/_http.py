"""One exchange at a time: in a thread of its own, under a deadline that holds for the whole of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from math import inf
from queue import Empty, SimpleQueue

import requests  # noqa: TID253  (this package is loaded by the commands that need a network, and by no other)
from requests.utils import should_bypass_proxies  # noqa: TID253  (as above)
from urllib3.util import Url, parse_url  # noqa: TID253  (as above)

from smscli.errors import ConfigError, UnreachableError
from smscli.model import Secret
from smscli.transport._metered import METER, Ending, Meter, Session, Stage, Stop, TooLongError
from smscli.transport._request import (
    RawHeaders,
    checked_proxy,
    first,
    host_and_port,
    prepare,
    prepare_raw,
    trust,
    usual_trust,
)
from smscli.transport._verdict import Exchange
from smscli.wire import MAX_ANSWER, Request, Response, is_loopback

# Its debug and warning lines carry path and query; whatever the root logger is set to, they stop here.
logging.getLogger("urllib3").propagate = False

# The worker's own time-outs come later than the deadline, so that the deadline is always told by the one who keeps it.
SLACK = 1.0
# Servers close connections that were idle for seconds. One that is closed in the moment of writing leaves its request
# UNKNOWN: a connection is not used again after so many seconds.
_IDLE = 1.0

MAX_PASSED = 1024 * 1024
"""Bytes of an answer to somebody else's request."""


class _Thread(threading.Thread):
    """Does one thing after the other, until it is None: to begin a thread for each takes a tenth of its time."""

    def __init__(self) -> None:
        super().__init__(name="smscli-exchange", daemon=True)
        self.errands: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def run(self) -> None:
        while work := self.errands.get():
            work()


class HttpTransport:
    """Carry requests over HTTP(S), one at a time.

    ``proxy`` is an ``http://`` or ``https://`` URL, credentials allowed; without it ``https_proxy``, ``all_proxy`` and
    ``no_proxy`` of ``environ`` count (lower case before upper case). Loopback is never proxied, whatever they say.
    ``http_proxy`` has no use: plain http is refused to all other hosts. ``ca_file`` is a PEM file, or a directory of
    them; without it ``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE`` or ``SSL_CERT_FILE`` of ``environ``, else the bundle
    that comes with requests. ``clock`` is the monotonic clock of ``Request.not_after``. ``keeps_alive``: a request
    that costs money may follow another one on a connection that was used within the last second.

    Raises ConfigError for a proxy or CA file that cannot be used. Not for use from several threads at once.
    """

    def __init__(
        self,
        *,
        proxy: Secret | None = None,
        ca_file: str | None = None,
        environ: Mapping[str, str] = {},
        clock: Callable[[], float] = time.monotonic,
        keeps_alive: bool = False,
    ) -> None:
        self._clock = clock
        self._keeps_alive = keeps_alive
        self._answered = -inf
        self._no_proxy = first(environ, "no_proxy", "NO_PROXY") or ""
        variable = first(environ, "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        self._proxy = checked_proxy(proxy.reveal(), "the proxy setting") if proxy else None
        self._variable = checked_proxy(variable, "the proxy variable") if variable and not proxy else None
        ca = ca_file or first(environ, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
        named = trust(ca) if ca else None
        self._trust = usual_trust if named is None else lambda: named
        self._running: tuple[Meter, SimpleQueue[Ending]] | None = None
        self._session = Session(self._trust)
        self._thread: _Thread | None = None

    def __call__(self, request: Request, seconds: float) -> Response:
        """Return the complete answer to one request within ``seconds`` of wall time, name look-up included.

        Raises UnreachableError or ConfigError (both proved: no byte of the request reached a connected socket),
        else OutcomeUnknownError.
        """
        keeps = self._keeps_alive or not request.billable
        prepared, target = prepare(request, closes=not keeps)
        return self._carry(prepared, target, Meter(self._clock, request.not_after), seconds, keeps=keeps)

    def pass_on(
        self, base_url: str, line: tuple[str, bytes], headers: RawHeaders, body: bytes, seconds: float
    ) -> Response:
        """Return the answer to somebody else's request, which leaves byte for byte, once, for the host of ``base_url``.

        ``line`` is its method and target; ``Host`` is the only header that is added beside ``Connection: close``. An
        answer may have ``MAX_PASSED`` bytes. Raises what a call raises.
        """
        if not line[1].startswith(b"/"):
            raise ConfigError("only the path of an address is passed on; nothing was sent", hint="ask for /...")
        prepared, target = prepare_raw(base_url, line[0], headers, body)
        meter = Meter(self._clock, None, line[1])
        return self._carry(prepared, target, meter, seconds, keeps=False)

    def _carry(
        self, prepared: requests.PreparedRequest, target: Url, meter: Meter, seconds: float, *, keeps: bool
    ) -> Response:
        proxy = self._proxy_for(target)
        if seconds <= 0:
            raise UnreachableError("no time was left to send the request; nothing was sent", hint="allow a longer time")
        self._session.get_ready(target)
        endings: SimpleQueue[Ending] = SimpleQueue()

        if self._keeps_alive and time.monotonic() - self._answered > _IDLE:
            self._session.close()
        session = self._session

        def work() -> None:
            endings.put(self._exchange(session, prepared, meter, proxy, seconds, keeps))

        self._running = meter, endings
        thread, self._thread = self._thread, None
        ending: Ending = Stop.CANCELLED
        try:
            if thread is None or not thread.is_alive():  # as after a fork
                thread = _Thread()
                thread.start()
            thread.errands.put(work)
            ending = endings.get(timeout=seconds)  # signal handlers run in here
        except Empty:
            ending = Stop.DEADLINE
        except RuntimeError as error:  # this machine gives no more threads
            thread, ending = None, error
        finally:
            # Whatever happened, KeyboardInterrupt included: behind this line not one more byte can leave.
            meter.cancel()
            self._running = None
            if thread and isinstance(ending, Stop):
                thread.errands.put(None)  # who knows when it is done
            else:
                self._thread = thread
        if isinstance(ending, Response):
            self._answered = time.monotonic()
            return ending
        if isinstance(ending, Stop):
            # The worker may still be busy giving up its connection: what comes next must not be handed the same one.
            session.close()
            self._session = Session(self._trust)
        raise Exchange(host_and_port(target), proxy and host_and_port(parse_url(proxy)), seconds, meter).verdict(ending)

    def cancel(self) -> None:
        """End the running exchange now, its verdict by the meter. Does nothing between exchanges.

        May be called from a signal handler and from other threads.
        """
        running = self._running
        if running:
            meter, endings = running
            endings.put(Stop.CANCELLED)  # before the worker can tell what this does to it
            meter.cancel()

    def is_running(self) -> bool:
        """Return whether an exchange is running; may be asked in a signal handler."""
        return self._running is not None

    def hang_up(self) -> None:
        """Let the next request have a connection of its own: what else may come over this one is not its answer."""
        self._answered = -inf

    def close(self) -> None:
        """Close all kept connections."""
        self._session.close()
        if self._thread:
            self._thread.errands.put(None)
            self._thread = None

    def _exchange(
        self, session: Session, prepared: requests.PreparedRequest, meter: Meter, proxy: str | None, seconds: float,
        keeps: bool,
    ) -> Ending:  # fmt: skip
        # Runs in another thread, because neither name look-up nor a dripping server heeds a total deadline.
        # It may outlive the call, then unable to write.
        METER.set(meter)
        keep = False
        try:
            meter.begin()
            answer = session.get_adapter(prepared.url or "").send(
                prepared,
                stream=True,
                timeout=seconds + SLACK,
                verify=True,
                proxies={"all": proxy} if proxy else {},
            )
            meter.stage = Stage.READING
            most = MAX_ANSWER if meter.target is None else MAX_PASSED
            body = b""
            # Until a read gives nothing: only that one tells whether the length that was announced has been met.
            while len(body) <= most and (piece := answer.raw.read(most, decode_content=False)):
                body += piece
            if len(body) > most:
                return TooLongError(f"its answer is longer than {most // 1024} KiB")
            # A request that costs money must not find its connection half closed: after it, a new one is made.
            keep = keeps
            return Response(answer.status_code, body, {name.lower(): text for name, text in answer.headers.items()})
        except Exception as error:  # noqa: BLE001  (the meter gives the verdict, whatever was raised)
            return error
        finally:
            meter.release(keep)

    def _proxy_for(self, target: Url) -> str | None:
        # Plain http is allowed to this machine alone: a proxy for it would be shown login, number, text and signature.
        if is_loopback(target.host):
            return None
        if self._proxy or not self._variable:
            return self._proxy
        return None if should_bypass_proxies(target.url, self._no_proxy) else self._variable

"""The network: one signed request out, one complete answer back, and the proof of what had left when it went wrong.

This room owns the verdict "not sent". It never guesses from exception types (the same ``SSLError`` is raised before
and after a request has left): a meter sits in the connection and counts the bytes that are offered to a connected
socket, TLS handshake and proxy tunnel included in "connected". Zero bytes is a proof; anything else is not.

It must not retry, follow redirects, read ``~/.netrc``, keep cookies, decompress, log, or show a URL: LightSMS sends
by GET, so a URL holds number, text and signature, and the libraries quote it in every one of their messages.
Only this room imports requests and urllib3, and only commands that talk to a network import this room.
"""

from __future__ import annotations

import http.client
import logging
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from enum import Enum, unique
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

import requests  # noqa: TID253  (this room is loaded by the commands that need a network, and by no other)
import urllib3  # noqa: TID253  (as above)
from requests.adapters import HTTPAdapter  # noqa: TID253  (as above)
from requests.utils import should_bypass_proxies  # noqa: TID253  (as above)
from urllib3.connection import HTTPConnection, HTTPSConnection  # noqa: TID253  (as above)
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool  # noqa: TID253  (as above)
from urllib3.util import Url, parse_url  # noqa: TID253  (as above)

from smscli import __version__
from smscli.errors import ConfigError, OutcomeUnknownError, SmscliError, UnreachableError
from smscli.model import Secret, visible
from smscli.wire import MAX_ANSWER, Request, Response, is_loopback

# Its debug and warning lines carry path and query; whatever the root logger is set to, they stop here.
logging.getLogger("urllib3").propagate = False

# The worker's own time-outs come later than the deadline, so that the deadline is always told by the one who keeps it.
_SLACK = 1.0

_LOOK_UP = "check the network, the name server and base_url; running the same command again is safe"
_KEEP = "do not send again before you know: ask the vendor, or look for the message in its panel"

E = TypeVar("E", bound=BaseException)


class HttpTransport:
    """Carry requests over HTTP(S), one at a time.

    ``proxy`` is an ``http://`` or ``https://`` URL, credentials allowed; without it ``https_proxy``, ``all_proxy`` and
    ``no_proxy`` of ``environ`` count (lower case before upper case). Loopback is never proxied, whatever they say.
    ``http_proxy`` has no use: plain http is refused to all other hosts. ``ca_file`` is a PEM file, or a directory of
    them; without it ``REQUESTS_CA_BUNDLE``, ``CURL_CA_BUNDLE`` or ``SSL_CERT_FILE`` of ``environ``, else the bundle
    that comes with requests. ``clock`` is the monotonic clock of ``Request.not_after``.

    Raises ConfigError for a proxy or CA file that cannot be used. Not for use from several threads at once.
    """

    def __init__(
        self,
        *,
        proxy: Secret | None = None,
        ca_file: str | None = None,
        environ: Mapping[str, str] = {},
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._no_proxy = _first(environ, "no_proxy", "NO_PROXY") or ""
        variable = _first(environ, "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        self._proxy = _checked_proxy(proxy.reveal(), "the proxy setting") if proxy else None
        self._variable = _checked_proxy(variable, "the proxy variable") if variable and not proxy else None
        ca = ca_file or _first(environ, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
        self._verify: str | bool = _checked_ca(ca) if ca else True
        self._running: tuple[_Meter, SimpleQueue[_Ending]] | None = None
        self._session = _Session()

    def __call__(self, request: Request, seconds: float) -> Response:
        """Return the complete answer to one request within ``seconds`` of wall time, name look-up included.

        Raises UnreachableError or ConfigError (both proved: no byte of the request reached a connected socket),
        else OutcomeUnknownError.
        """
        prepared, target = _prepare(request)
        proxy = self._proxy_for(target)
        if seconds <= 0:
            raise UnreachableError("no time was left to send the request; nothing was sent", hint="allow a longer time")
        meter = _Meter(self._clock, request.not_after)
        endings: SimpleQueue[_Ending] = SimpleQueue()

        session = self._session

        def work() -> None:
            endings.put(self._exchange(session, prepared, meter, proxy, seconds, request.billable))

        self._running = meter, endings
        try:
            threading.Thread(target=work, name="smscli-exchange", daemon=True).start()
            ending = endings.get(timeout=seconds)  # signal handlers run in here
        except Empty:
            ending = _Stop.DEADLINE
        except RuntimeError as error:  # this machine gives no more threads
            ending = error
        finally:
            # Whatever happened, KeyboardInterrupt included: behind this line not one more byte can leave.
            meter.cancel()
            self._running = None
        if isinstance(ending, Response):
            return ending
        if isinstance(ending, _Stop):
            # The worker may still be busy giving up its connection: what comes next must not be handed the same one.
            session.close()
            self._session = _Session()
        raise _Scene(_name(target), proxy and _name(parse_url(proxy)), seconds, meter).verdict(ending)

    def cancel(self) -> None:
        """End the running exchange now, its verdict by the meter. Does nothing between exchanges.

        May be called from a signal handler and from other threads.
        """
        running = self._running
        if running:
            meter, endings = running
            endings.put(_Stop.CANCELLED)  # before the worker can tell what this does to it
            meter.cancel()

    def close(self) -> None:
        """Close all kept connections."""
        self._session.close()

    def _exchange(
        self, session: _Session, prepared: requests.PreparedRequest, meter: _Meter, proxy: str | None, seconds: float,
        once: bool,
    ) -> _Ending:  # fmt: skip
        # Runs in a thread of its own, because neither name look-up nor a dripping server heeds a total deadline.
        # It may outlive the call, then unable to write.
        _METER.set(meter)
        keep = False
        try:
            meter.begin()
            answer = session.send(
                prepared,
                stream=True,
                timeout=seconds + _SLACK,
                verify=self._verify,
                proxies={"all": proxy} if proxy else {},
                allow_redirects=False,
            )
            meter.stage = _Stage.READING
            body = b""
            # Until a read gives nothing: only that one tells whether the length that was announced has been met.
            while len(body) <= MAX_ANSWER and (piece := answer.raw.read(MAX_ANSWER, decode_content=False)):
                body += piece
            if len(body) > MAX_ANSWER:
                return _TooLongError()
            # A request that costs money must not find its connection half closed: after it, a new one is made.
            keep = not once
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


# --- the meter -------------------------------------------------------------------------------------------------------


@unique
class _Stage(Enum):
    """How far an exchange has come."""

    CONNECTING = "connecting"
    SECURING = "securing"
    WAITING = "waiting"
    READING = "reading"


class _Stop(Enum):
    """Who ended the wait for an answer."""

    DEADLINE = "deadline"
    CANCELLED = "cancelled"


class _TooLongError(Exception):
    """More than ``MAX_ANSWER`` bytes came."""


class _TooLateError(Exception):
    """The request was too old, or cancelled, when its first byte was to leave. No OSError: urllib3 swallows those."""


_Ending = Response | Exception | _Stop


class _Meter:
    """What is known of one request: whether a byte of it was offered to a connected socket.

    ``armed`` means that any byte would have been counted: while nothing has begun, and once a metered connection is
    at work. In between the library might do anything, so that nothing is proved.
    """

    def __init__(self, clock: Callable[[], float], not_after: float | None) -> None:
        self.stage = _Stage.CONNECTING
        self._clock = clock
        self._not_after = not_after
        # Re-entrant: a signal handler may cancel while the same thread holds it.
        self._lock = threading.RLock()
        self._armed = True
        self._cancelled = False
        self._offered = 0
        self._connection: HTTPConnection | None = None
        self._handle: socket.socket | None = None

    @property
    def proved(self) -> bool:
        """Whether certainly no byte has left. Ask after ``cancel``: only then it stays true."""
        return self._armed and not self._offered

    def begin(self) -> None:
        """Note that the library takes over; refuse when cancelled before."""
        with self._lock:
            if self._cancelled:
                raise _TooLateError
            self._armed = False

    def attach(self, connection: HTTPConnection) -> None:
        """Note that the request uses this connection, which counts."""
        with self._lock:
            self._armed = True
            self._connection = connection

    def hold(self, sock: socket.socket) -> None:
        """Keep a second handle of the socket: the first changes hands during TLS and is dropped before the body."""
        with self._lock:
            if self._handle:
                self._handle.close()
            self._handle = socket.socket(fileno=os.dup(sock.fileno()))

    def offer(self, count: int) -> None:
        """Count bytes before they are written; refuse them when cancelled, or when the first of them comes too late."""
        with self._lock:
            late = not self._offered and self._not_after is not None and self._clock() > self._not_after
            if self._cancelled or late:
                raise _TooLateError
            self._offered += count
            self.stage = _Stage.WAITING

    def cancel(self) -> None:
        """Let no further byte leave, and wake the worker. Without effect on an exchange that has ended."""
        with self._lock:
            self._cancelled = True
            if self._handle:
                with suppress(OSError):  # the other side was faster
                    self._handle.shutdown(socket.SHUT_RDWR)

    def release(self, keep: bool) -> None:
        """Give up the socket at the end of the exchange; close the connection unless it is to be kept."""
        with self._lock:
            if self._connection and not keep:
                self._connection.close()
            if self._handle:
                self._handle.close()
            self._handle = None


# The meter of the exchange that runs in this thread. A fresh thread has none: a connection would then fail, unarmed.
_METER: ContextVar[_Meter] = ContextVar("meter")


class _Metered(HTTPConnection):
    """A connection that counts what it is given to send, once it stands."""

    auto_open = 0  # http.client would connect inside `send`, where refused connections look like bytes that left
    _meter: _Meter | None = None

    def connect(self) -> None:
        self._meter = None  # what is sent until it stands is not the request: CONNECT lines of a proxy
        meter = _METER.get()
        meter.attach(self)
        super().connect()
        self._meter = meter

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        meter = _METER.get()
        meter.hold(sock)
        meter.stage = _Stage.SECURING
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        else:
            self._meter = _METER.get()
            self._meter.attach(self)
            self._meter.hold(self.sock)
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        if self._meter:
            self._meter.offer(len(data))
        super().send(data)


class _MeteredTLS(_Metered, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Metered


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _MeteredTLS


_POOLS = {"http": _Pool, "https": _PoolTLS}


class _Adapter(HTTPAdapter):
    """The adapter of requests with metered connections, also behind a proxy."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_minimum_version=ssl.TLSVersion.TLSv1_2, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_minimum_version=ssl.TLSVersion.TLSv1_2, **proxy_kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Session(requests.Session):
    """A session of metered connections that reads no environment, repeats nothing and knows no redirects.

    ``allow_redirects=False`` alone still reads the whole body of one, however long, to prepare the next request.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("http://", _Adapter(max_retries=0))
        self.mount("https://", _Adapter(max_retries=0))

    def get_redirect_target(self, resp: object) -> None:  # noqa: ARG002  (the library's signature)
        return None


# --- before anything is sent -----------------------------------------------------------------------------------------


def _prepare(request: Request) -> tuple[requests.PreparedRequest, Url]:
    headers = {**dict(request.headers), "User-Agent": f"smscli/{__version__}", "Accept-Encoding": "identity"}
    if request.body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if request.billable:
        headers["Connection"] = "close"
    if visible(request.url) != request.url or " " in request.url:
        # Some releases of requests would escape these instead, and ask for another host.
        raise ConfigError("the request's address holds a blank or an invisible character", hint="check base_url")
    try:
        # Not prepared by the session: that would add its cookies.
        prepared = requests.Request(request.method, request.target, headers, data=request.body).prepare()
        target = parse_url(prepared.url or "")
    except (requests.RequestException, ValueError):
        # Their messages quote the URL.
        raise ConfigError("the request's address or headers are malformed", hint="check base_url") from None
    if target.scheme not in ("http", "https") or not target.host:
        raise ConfigError("the vendor's address is no http(s) URL", hint="base_url must begin with https://")
    if target.auth:
        raise ConfigError("the vendor's address holds a user name or password", hint="remove them from base_url")
    if target.scheme == "http" and not is_loopback(target.host):
        raise ConfigError(
            f"plain http to {_name(target)} is refused: anybody on the way could read and change the message",
            hint="use https:// in base_url; http:// is for this machine only",
        )
    return prepared, target


def _name(url: Url) -> str:
    return visible(f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}")


def _first(environ: Mapping[str, str], *names: str) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def _checked_proxy(text: str, where: str) -> str:
    hint = "write it as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"
    url = text if "://" in text else f"http://{text}"
    try:
        parsed = parse_url(url)
    except ValueError:
        raise ConfigError(f"{where} is malformed", hint=hint) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError(f"{where} is not the URL of an http or https proxy", hint=hint)
    return url


def _checked_ca(path: str) -> str:
    try:
        folder = Path(path).is_dir()
        ssl.create_default_context(cafile=None if folder else path, capath=path if folder else None)
    except OSError as error:  # ssl.SSLError is one
        why = (
            "holds no certificate" if isinstance(error, ssl.SSLError) else (error.strerror or "cannot be read").lower()
        )
        raise ConfigError(
            f"the CA file {visible(path)}: {why}",
            hint="set ca_file (or REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE) to a PEM file, or unset it",
        ) from None
    return path


# --- after it went wrong ---------------------------------------------------------------------------------------------


class _Scene(NamedTuple):
    """What a verdict is spoken over: the vendor's host and port, the proxy's, the time allowed, the meter."""

    vendor: str
    proxy: str | None
    seconds: float
    meter: _Meter

    def verdict(self, ending: Exception | _Stop) -> SmscliError:
        if not self.meter.proved:
            return self._unknown(ending)
        if isinstance(ending, _Stop):
            return UnreachableError(f"{self._stopped(ending)}; nothing was sent", hint=_LOOK_UP)
        if isinstance(ending, _TooLateError):
            return UnreachableError(
                "the signed timestamp had become too old before the first byte could leave; nothing was sent",
                hint="run the same command again; if this persists, the connection is too slow for this vendor",
            )
        certificate = _find(ending, ssl.SSLCertVerificationError)
        if certificate:
            return ConfigError(
                f"the certificate shown by {self._peer} was not accepted:"
                f" {visible(certificate.verify_message)}; nothing was sent",
                hint="somebody may be in between; check base_url and the clock, or set ca_file to the CA behind it",
            )
        return self._refused_by_proxy(ending) or UnreachableError(
            f"{self._peer}: {_words(ending)}; nothing was sent", hint=_LOOK_UP
        )

    @property
    def _peer(self) -> str:
        return f"{self.vendor} (through proxy {self.proxy})" if self.proxy else self.vendor

    def _refused_by_proxy(self, error: Exception) -> SmscliError | None:
        if not self.proxy:
            return None
        if _find(error, ConnectionRefusedError):
            return ConfigError(
                f"the proxy {self.proxy} refused the connection; nothing was sent",
                hint="check the proxy setting or the variables https_proxy and all_proxy",
            )
        # http.client tells the proxy's status only in these words.
        found = (re.match(r"Tunnel connection failed: (\d{3})", str(e)) for e in _chain(error) if type(e) is OSError)
        status = next((match[1] for match in found if match), "")
        if status == "407":
            return ConfigError(
                f"the proxy {self.proxy} wants a user name and password; nothing was sent",
                hint="set the proxy as http://USER:PASSWORD@HOST:PORT",
            )
        if status.startswith("5"):
            text = f"the proxy {self.proxy} could not reach {self.vendor} (status {status}); nothing was sent"
            return UnreachableError(text, hint=_LOOK_UP)
        if status:
            return ConfigError(
                f"the proxy {self.proxy} refuses to connect to {self.vendor} (status {status}); nothing was sent",
                hint="ask whoever runs the proxy to allow this host",
            )
        return None

    def _unknown(self, ending: Exception | _Stop) -> SmscliError:
        what = self._stopped(ending) if isinstance(ending, _Stop) else f"{self._peer}: {_words(ending)}"
        return OutcomeUnknownError(f"{what}; the request had left, so it may have been carried out", hint=_KEEP)

    def _stopped(self, stop: _Stop) -> str:
        doing = {
            _Stage.CONNECTING: f"no connection to {self._peer}, name look-up included",
            _Stage.SECURING: f"connected to {self._peer}, but TLS or the proxy's tunnel was not ready",
            _Stage.WAITING: f"no answer from {self._peer}",
            _Stage.READING: f"no complete answer from {self._peer}",
        }[self.meter.stage]
        return f"{doing} within {self.seconds:.3g} s" if stop is _Stop.DEADLINE else f"interrupted: {doing}"


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (_TooLongError, f"its answer is longer than {MAX_ANSWER // 1024} KiB"),
    (urllib3.exceptions.NameResolutionError, "its name cannot be looked up"),
    (ConnectionRefusedError, "it refused the connection"),
    (http.client.RemoteDisconnected, "it closed the connection without an answer"),
    (ConnectionResetError, "it reset the connection"),
    (BrokenPipeError, "it closed the connection"),
    (urllib3.exceptions.InvalidChunkLength, "its answer is not proper HTTP"),
    (http.client.IncompleteRead, "its answer ended early"),
    (TimeoutError, "it was silent too long"),
    (http.client.HTTPException, "its answer is not proper HTTP"),
    (urllib3.exceptions.InvalidHeader, "its answer is not proper HTTP"),
)


def _words(error: Exception) -> str:
    """Return what happened in words of our own: the library's hold the URL."""
    for kind, words in _WORDS:
        if _find(error, kind):
            return words
    tls = _find(error, ssl.SSLError)
    if tls:
        return f"TLS failed ({visible((tls.reason or 'no reason given').replace('_', ' ').lower())})"
    system = next((e.strerror for e in _chain(error) if isinstance(e, OSError) and e.strerror), None)
    return visible(system) if system else f"an unexpected {type(error).__name__}"


def _find(error: BaseException, kind: type[E]) -> E | None:
    return next((e for e in _chain(error) if isinstance(e, kind)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that stand behind it: the libraries wrap by cause, context, argument and attribute."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        behind = (current.__cause__, current.__context__, *current.args, getattr(current, "reason", None))
        waiting.extend(e for e in behind if isinstance(e, BaseException))

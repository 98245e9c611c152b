"""The meter that counts what is offered to a connected socket, and the connections that report to it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from enum import Enum, unique
from ssl import SSLContext
from typing import Any

import requests  # noqa: TID253  (this package is loaded by the commands that need a network, and by no other)
from requests.adapters import HTTPAdapter  # noqa: TID253  (as above)
from urllib3.connection import HTTPConnection, HTTPSConnection  # noqa: TID253  (as above)
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool  # noqa: TID253  (as above)
from urllib3.util import Url  # noqa: TID253  (as above)

from smscli.wire import Response


@unique
class Stage(Enum):
    """How far an exchange has come."""

    CONNECTING = "connecting"
    SECURING = "securing"
    WAITING = "waiting"
    READING = "reading"


class Stop(Enum):
    """Who ended the wait for an answer."""

    DEADLINE = "deadline"
    CANCELLED = "cancelled"


class TooLongError(Exception):
    """More bytes came than an answer may have; says so."""


class TooLateError(Exception):
    """The request was too old, or cancelled, when its first byte was to leave. No OSError: urllib3 swallows those."""


Ending = Response | Exception | Stop


class Meter:
    """What is known of one request: whether a byte of it was offered to a connected socket.

    ``armed`` means that any byte would have been counted: while nothing has begun, and once a metered connection is
    at work. In between the library might do anything, so that nothing is proved.
    ``target`` is the request's, where it is to travel byte for byte: the library would respell it.
    """

    def __init__(self, clock: Callable[[], float], not_after: float | None, target: bytes | None = None) -> None:
        self.stage = Stage.CONNECTING
        self.target = target
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
                raise TooLateError
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
                raise TooLateError
            self._offered += count
            self.stage = Stage.WAITING

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
METER: ContextVar[Meter] = ContextVar("meter")


class _Metered(HTTPConnection):
    """A connection that counts what it is given to send, once it stands."""

    auto_open = 0  # http.client would connect inside `send`, where refused connections look like bytes that left
    _meter: Meter | None = None
    _pieces: list[bytes] | None = None  # of the request that is being written: head and body leave together

    def connect(self) -> None:
        self._meter = None  # what is sent until it stands is not the request: CONNECT lines of a proxy
        meter = METER.get()
        meter.attach(self)
        super().connect()
        self._meter = meter

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        meter = METER.get()
        meter.hold(sock)
        meter.stage = Stage.SECURING
        return sock

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        else:
            self._meter = METER.get()
            self._meter.attach(self)
            self._meter.hold(self.sock)
        target = METER.get().target
        pieces: list[bytes] = []
        self._pieces = pieces
        try:
            super().request(method, url if target is None else target.decode("latin-1"), *args, **kwargs)
        finally:
            self._pieces = None
        self.send(b"".join(pieces))

    def _encode_request(self, request: str) -> bytes:
        return request.encode("latin-1")  # http.client takes ASCII alone; line breaks and blanks it refuses before

    def send(self, data: Any) -> None:
        if self._pieces is not None:
            self._pieces.append(data)
            return
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
    """The adapter of requests with metered connections, also behind a proxy.

    What is trusted is read once, when the first connection needs it: by itself the library reads it for each anew.
    """

    def __init__(self, trust: Callable[[], SSLContext]) -> None:
        self._trust = trust
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        if proxy.lower().startswith("https:"):
            proxy_kwargs["proxy_ssl_context"] = self._trust()
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, settings = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            settings["ssl_context"] = self._trust()
        return host, settings

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002  (the library's signature)
        conn.cert_reqs = "CERT_REQUIRED"


class Session(requests.Session):
    """The metered connections to hosts and proxies, by their adapters, which repeat nothing.

    ``trust`` returns what servers are verified by. Its own ``send`` is for nobody: it collects cookies, and reads
    the whole body of a redirect, however long, to prepare the next request.
    """

    def __init__(self, trust: Callable[[], SSLContext]) -> None:
        super().__init__()
        self._trust = trust
        self.mount("http://", _Adapter(trust))
        self.mount("https://", _Adapter(trust))

    def get_ready(self, target: Url) -> None:
        """Raise ConfigError where nothing can be trusted, while it is sure that nothing has left."""
        if target.scheme == "https":
            self._trust()

"""A look at the way to a vendor, on which no request is made: addresses, the proxy in force, the certificate."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import requests  # noqa: TID253  (this package is loaded by the commands that need a network, and by no other)
from urllib3.util import parse_url  # noqa: TID253  (as above)

from smscli.errors import UnreachableError
from smscli.model import Secret, visible
from smscli.transport._http import SLACK, HttpTransport
from smscli.transport._metered import METER, Ending, Meter, Session, Stage
from smscli.transport._request import host_and_port, prepare
from smscli.transport._verdict import cause
from smscli.wire import Request, Response


class Certificate(NamedTuple):
    """The certificate that a server has shown, and that was accepted: who signed it, its end in Unix seconds."""

    issuer: str
    not_after: float
    tls: str


class Probe(HttpTransport):
    """Connect as ``HttpTransport`` does, TLS included, and hang up before the first byte of a request.

    A call raises what a request would have met on the way; ``blames_tls`` then says whether it was TLS itself. Else
    ``certificate`` is what the server has shown, None without TLS.
    """

    def __init__(self, *, proxy: Secret | None, ca_file: str | None, environ: Mapping[str, str]) -> None:
        super().__init__(proxy=proxy, ca_file=ca_file, environ=environ)
        self.certificate: Certificate | None = None
        self._meter: Meter | None = None
        self._error: Exception | None = None

    def peer(self, url: str) -> tuple[str, str | None]:
        """Return the host whose name this machine looks up on the way to ``url``, and the proxy as HOST:PORT.

        Raises ConfigError for an address that must not be asked.
        """
        _, target = prepare(Request("GET", url), closes=True)
        proxy = self._proxy_for(target)
        first = parse_url(proxy) if proxy else target
        return (first.host or "").strip("[]"), host_and_port(first) if proxy else None

    @property
    def blames_tls(self) -> bool:
        """Whether the call that has failed had reached the other side, and met its end in TLS."""
        if self._error is not None:
            return cause(self._error, ssl.SSLError) is not None
        return self._meter is not None and self._meter.stage is Stage.SECURING

    def _exchange(
        self, session: Session, prepared: requests.PreparedRequest, meter: Meter, proxy: str | None, seconds: float,
        once: bool,  # noqa: ARG002  (nothing is sent)
    ) -> Ending:  # fmt: skip
        METER.set(meter)
        self._meter = meter
        try:
            meter.begin()
            adapter: Any = session.get_adapter(prepared.url or "")  # of requests' own kind, and ours
            proxies = {"all": proxy} if proxy else {}
            pool = adapter.get_connection_with_tls_context(prepared, verify=True, proxies=proxies)
            adapter.cert_verify(pool, prepared.url, verify=True, cert=None)
            # What urllib3 does before it sends, which has no public name there.
            connection = pool._get_conn()  # noqa: SLF001
            connection.timeout = seconds + SLACK
            try:
                if proxy:
                    pool._prepare_proxy(connection)  # noqa: SLF001
                else:
                    connection.connect()
                self.certificate = _certificate(getattr(connection, "sock", None))
            finally:
                connection.close()
            return Response(204, b"")
        except Exception as error:  # noqa: BLE001  (the meter gives the verdict, whatever was raised)
            self._error = error
            return error
        finally:
            meter.release(keep=False)


def look_up(host: str) -> tuple[str, ...]:
    """Return the addresses of a name, as long as that takes; raise UnreachableError in the system's words."""
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        why = visible(error.strerror or "no reason given")
    except UnicodeError:
        why = "it cannot be a name"
    else:
        return tuple(dict.fromkeys(str(address[0]) for *_, address in answers))
    raise UnreachableError(
        f"{visible(host)}: its name cannot be looked up ({why})",
        hint="check base_url (or the proxy's name), the network and the name server",
    )


def _certificate(sock: object) -> Certificate | None:
    if not isinstance(sock, ssl.SSLSocket):
        return None
    fields = sock.getpeercert() or {}
    issuer: dict[str, str] = {}
    for names in fields.get("issuer", ()):
        with suppress(TypeError, ValueError):
            issuer.update(dict(names))  # type: ignore[arg-type]  # typeshed names all members of the dictionary at once
    ends = fields.get("notAfter")
    name = issuer.get("organizationName") or issuer.get("commonName") or "?"
    return Certificate(visible(name), ssl.cert_time_to_seconds(str(ends)), sock.version() or "TLS")

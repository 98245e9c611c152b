"""What is refused before anything is sent: addresses, proxies and CA files that cannot be used."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import requests  # noqa: TID253  (this package is loaded by the commands that need a network, and by no other)
from requests.utils import DEFAULT_CA_BUNDLE_PATH  # noqa: TID253  (as above)
from urllib3 import HTTPHeaderDict  # noqa: TID253  (as above)
from urllib3.util import SKIP_HEADER, Url, parse_url  # noqa: TID253  (as above)
from urllib3.util.ssl_ import create_urllib3_context  # noqa: TID253  (as above)

from smscli import __version__
from smscli.errors import ConfigError
from smscli.model import visible
from smscli.wire import Request, is_loopback

RawHeaders = Sequence[tuple[bytes, bytes]]
"""Names and values as they stand in a request."""

# What the library adds where a request has none.
_ADDED = (b"user-agent", b"accept-encoding")


def prepare(request: Request, *, closes: bool) -> tuple[requests.PreparedRequest, Url]:
    """Return what requests sends, and where to; raise ConfigError for an address that must not be asked.

    ``closes``: the server is asked to close the connection after it.
    """
    headers = {**dict(request.headers), "User-Agent": f"smscli/{__version__}", "Accept-Encoding": "identity"}
    if request.body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if closes:
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
            f"plain http to {host_and_port(target)} is refused: anybody on the way could read and change the message",
            hint="use https:// in base_url; http:// is for this machine only",
        )
    return prepared, target


def prepare_raw(base_url: str, method: str, headers: RawHeaders, body: bytes) -> tuple[requests.PreparedRequest, Url]:
    """Return a request whose headers and body are somebody else's, for the host of ``base_url``; see ``prepare``.

    Its target is the meter's. ``headers`` are without ``Host`` and those of a single connection.
    """
    prepared, target = prepare(Request("GET", base_url), closes=True)
    lines = HTTPHeaderDict()
    for name, value in headers:
        lines.add(name.decode("latin-1"), value.decode("latin-1"))
    names = {name.lower() for name, _ in headers}
    for name in _ADDED:
        if name not in names:
            lines.add(name.decode("ascii"), SKIP_HEADER)
    if body:
        lines["Content-Length"] = str(len(body))  # it may have come in chunks
    lines.add("Connection", "close")
    prepared.method, prepared.body = method, body or None
    prepared.headers = lines  # type: ignore[assignment]  # the library's own holds each name once
    return prepared, target


def host_and_port(url: Url) -> str:
    """Return both as a person reads them."""
    return visible(f"{url.host}:{url.port or (443 if url.scheme == 'https' else 80)}")


def first(environ: Mapping[str, str], *names: str) -> str | None:
    """Return the first of these variables that is set."""
    return next((environ[name] for name in names if environ.get(name)), None)


def checked_proxy(text: str, where: str) -> str:
    """Return the URL of a proxy; raise ConfigError, without quoting it, for what is none."""
    hint = "write it as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT"
    url = text if "://" in text else f"http://{text}"
    try:
        parsed = parse_url(url)
    except ValueError:
        raise ConfigError(f"{where} is malformed", hint=hint) from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError(f"{where} is not the URL of an http or https proxy", hint=hint)
    return url


def trust(path: str) -> ssl.SSLContext:
    """Return what verifies by the certificates of a file or directory; raise ConfigError when it holds none."""
    context = create_urllib3_context()
    try:
        folder = Path(path).is_dir()
        context.load_verify_locations(cafile=None if folder else path, capath=path if folder else None)
    except OSError as error:  # ssl.SSLError is one
        why = (
            "holds no certificate" if isinstance(error, ssl.SSLError) else (error.strerror or "cannot be read").lower()
        )
        raise ConfigError(
            f"the CA file {visible(path)}: {why}",
            hint="set ca_file (or REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE) to a PEM file, or unset it",
        ) from None
    return context


@cache
def usual_trust() -> ssl.SSLContext:
    """Return what verifies by the bundle that comes with requests: reading it takes as long as a TLS handshake."""
    return trust(DEFAULT_CA_BUNDLE_PATH)

"""What was sent, still encoded, out of a URL, a form body or a line of an access log."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from smscli.errors import InputError
from smscli.model import Pairs

WANTED = "a URL, a form body (a=1&b=2), a curl command or one line of an access log"


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request before decoding: ``query`` and ``body`` are encoded text, ``fields`` literal pairs."""

    kind: str
    query: str = ""
    body: str = ""
    fields: Pairs = ()
    method: str | None = None
    host: str | None = None
    path: str | None = None
    seen_at: int | None = None


def url(text: str) -> RawRequest | None:
    """Read a URL, whole or in part, its method in front or not; also one inside another text."""
    method, _, target = text.rpartition(" ") if re.match(r"(?:GET|POST) \S+$", text) else ("", "", text)
    if re.match(r"(?:https?://|/|[\w.-]+\.\w+(?::\d+)?/)", target, re.IGNORECASE):
        return request_at(target, kind="URL", method=method or None)
    # A URL inside something else: a log message, an error text, quotes.
    inside = re.search(r"https?://[^\s\"'<>]+", text, re.IGNORECASE)
    return request_at(inside[0], kind="URL") if inside and "?" in inside[0] else None


def form_body(text: str) -> RawRequest | None:
    """Read ``a=1&b=2``."""
    return RawRequest("form body", body=text) if re.match(r"[^=&\s{}<>\"]+=", text) else None


_REQUEST_LINE = re.compile(r'"([A-Z]{3,7}) (\S+)(?: HTTP/[0-9.]+)?"')
_VIRTUAL_HOST = re.compile(r"([\w-]+(?:\.[\w-]+)+)(?::\d+)? [0-9a-fA-F.:]+ ")
_LOG_TIME = re.compile(r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\]")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def log_line(text: str, notes: list[str]) -> RawRequest | None:
    """Read a line of the common or combined log format (Apache, nginx), a virtual host in front or not."""
    request = _REQUEST_LINE.search(text)
    if request is None:
        return None
    if request[1] != "GET":
        notes.append(f"an access log does not hold the body of a {request[1]}: what was sent there is missing")
    target = re.sub(r"\\x([0-9A-Fa-f]{2})", r"%\1", request[2])  # how Apache and nginx write what they do not print
    raw = request_at(target, kind="access-log line", method=request[1], seen_at=_log_time(text))
    virtual_host = _VIRTUAL_HOST.match(text)
    return replace(raw, host=virtual_host[1]) if virtual_host and raw.host is None else raw


def _log_time(text: str) -> int | None:
    match = _LOG_TIME.search(text)
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[index]) for index in (1, 3, 4, 5, 6))
    offset = (int(match[8]) * 60 + int(match[9])) * (-60 if match[7] == "-" else 60)
    try:
        local = datetime(year, _MONTHS.index(match[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return int(local.timestamp()) - offset


def request_at(
    target: str, *, kind: str, method: str | None = None, body: str = "", seen_at: int | None = None
) -> RawRequest:
    """Return the request to a URL or path; raise InputError when it cannot be taken apart."""
    if not re.match(r"\w+://|/", target):
        target = f"http://{target}"
    try:
        parts = urlsplit(target)
        host = parts.hostname
    except ValueError as error:
        raise InputError(f"the address in the captured {kind} cannot be read", hint=f"give {WANTED}") from error
    query = parts.query + (f"#{parts.fragment}" if parts.fragment else "")
    return RawRequest(kind, query, body, (), method, host, parts.path, seen_at)

"""Lines of logs -> requests: what servers write (access and error logs), and what programs write about their calls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from smscli.capture._http import http
from smscli.capture._request import METHODS, RawRequest, to_bytes, to_text, unix_seconds
from smscli.capture._shell import unescape
from smscli.capture._texts import LINK

ACCESS = "access-log line"

# nginx writes a quote in a request as \x22, Apache as \" and a backslash as \\; no request begins at such a quote.
_REQUEST_LINE = re.compile(rf'(?<!\\)"(?P<method>{METHODS}) (?P<target>(?:[^"\\]|\\.)*?)(?: HTTP/[0-9.]+)?"')
# Go's %q of a dump: a whole request in one line.
_DUMP = re.compile(rf'(?<!\\)"((?:{METHODS}) (?:[^"\\]|\\[^rn])+? HTTP/[0-9.]+\\r\\n(?:[^"\\]|\\.)*)"')
_RAILS = re.compile(
    rf'Started (?P<method>{METHODS}) "(?P<target>[^"]*)" for \S+ at (?P<time>[\d-]+ [\d:]+ (?:UTC|[+-]\d{{4}}))'
)
# IIS, CloudFront: the query is a column of its own, - when there is none.
_COLUMNS = re.compile(rf"[ \t](?P<method>{METHODS})[ \t](?P<path>/\S*)[ \t](?P<query>[^ \t=]+=\S*)[ \t]")
_VIRTUAL_HOST = re.compile(r"([\w-]+(?:\.[\w-]+)+)(?::\d+)? [0-9a-fA-F.:]+ ")
_ERROR_HOST = re.compile(r', host: "([^":]+)')
_LOG_TIME = re.compile(r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\]")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_URL = r"https?://[^\s\"'<>`]+"
_QUOTED_URL = r"https?://[^\"'<>`\n]+"
# What a program's line says of a call: in named groups method, target and host. The first that fits counts.
_MESSAGES = tuple(
    (source, re.compile(pattern))
    for source, pattern in (
        (
            "Python requests",
            r"ConnectionPool\(host='(?P<host>[^']*)', port=\d*\): .{0,100}?with url: (?P<target>\S+)",
        ),
        ("Python urllib3", rf'(?P<target>https?://[\w.-]+(?::\d+)?) "(?P<method>{METHODS}) (?P<path>\S+) HTTP/'),
        ("Python requests", rf"(?:Client|Server) Error: .{{0,200}}? for url: (?P<target>{_URL})"),
        ("Python httpx", rf'HTTP Request: (?P<method>[A-Z]+) (?P<target>{_URL}) "HTTP/'),
        ("Python httpx", rf"error '\d[^']*' for url '(?P<target>{_URL})'"),
        ("Python aiohttp", rf"url=(?:URL\()?'(?P<target>{_URL})'"),
        ("Go", rf'\b(?P<method>Get|Post|Put|Head|Delete|Patch) \\?"(?P<target>{_QUOTED_URL}?)\\?": '),
        ("Java", rf"Server returned HTTP response code: \d+ for URL: (?P<target>{_URL})"),
        ("Java Spring", rf'I/O error on (?P<method>[A-Z]+) request for "(?P<target>{_QUOTED_URL})"'),
        ("Java Spring", rf"\bHTTP (?P<method>{METHODS}) (?P<target>{_URL})"),
        ("Java Feign", rf"---> (?P<method>{METHODS}) (?P<target>{_URL}) HTTP/"),
        ("Java OkHttp", rf"--> (?P<method>{METHODS}) (?P<target>{_URL})"),
        ("Java Apache HttpClient", rf'>> "(?P<method>{METHODS}) (?P<target>\S+) HTTP/[0-9.]+'),
        ("Java HttpClient", rf"REQUEST: (?P<target>{_URL}) (?P<method>{METHODS})\b"),
        (".NET HttpClient", rf"(?:Sending|Start processing) HTTP request (?P<method>[A-Z]+) (?P<target>{_URL})"),
        ("PHP Guzzle", rf"`(?P<method>{METHODS}) (?P<target>{_URL})` resulted in"),
        ("PHP curl", rf"cURL error .{{0,300}}? for (?P<target>{_URL})"),
    )
)
_BODIED = ("POST", "PUT", "PATCH")
_UNTOLD = "a message does not hold the body: what was sent there is missing"
_AGAIN = re.compile(r"(?i)\b(?:retry(?:ing)?|again|attempt|resen[dt])")
_ANY_ADDRESS = re.compile(rf"(?:\b(?P<method>{METHODS}):? \W?)?(?P<target>{_URL})")


def lines(text: str) -> list[RawRequest]:
    """Return the requests of the lines that a server wrote, or a program in a way that is known; none for others."""
    found = _each_line(text, lambda line: filter(None, [_first(line, _MESSAGES) or _logged(line)]))
    # Lines of programs alone, none of them with a query, tell too little; a dump has its body.
    return found if any("?" in raw.target or not raw.kind.startswith("line of ") for raw in found) else []


def messages(text: str) -> list[RawRequest]:
    """Return the requests to all addresses in a text that have a query; an address alone says nothing."""
    return _each_line(text, lambda line: _addresses(LINK.sub(r"<\1>", line)))


def _each_line(text: str, read: Callable[[str], Iterable[RawRequest]]) -> list[RawRequest]:
    requests: list[RawRequest] = []
    tellings: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        for request in read(line.strip()) if line else ():
            requests.append(replace(request, place=f"line {number}"))
            # Times, counters and ids differ from call to call.
            told = "" if request.kind == ACCESS else line.rstrip().replace(request.target, "")
            tellings.append(re.sub(r"\w*\d\w*", "0", told))
    return _calls(requests, tellings)


def _calls(requests: Sequence[RawRequest], tellings: Sequence[str]) -> list[RawRequest]:
    """Return the requests that were made: a program tells of a call in several ways, a server and a retry in one.

    Of each request the lines count that are told in its commonest way, or in the first of several, and who says that
    he tries again.
    """
    ways: dict[tuple[object, ...], dict[str, list[RawRequest]]] = {}
    for raw, telling in zip(requests, tellings, strict=True):
        same = ways.setdefault((raw.kind, raw.method, raw.target, raw.body), {})
        same.setdefault(telling, []).append(raw)
    calls: list[RawRequest] = []
    for same in ways.values():
        commonest = max(same, key=lambda way: len(same[way]))
        first, *more = same.pop(commonest)
        others = [raw.place for way, raws in same.items() if not _AGAIN.search(way) for raw in raws]
        also = (f"{', '.join(others[:5])}: taken for the same call, told in other words",) if others else ()
        calls += (replace(first, readings=(*first.readings, *also)), *more)
        calls += (raw for way, raws in same.items() if _AGAIN.search(way) for raw in raws)
    return sorted(calls, key=lambda raw: int(raw.place.removeprefix("line ")))


def _logged(line: str) -> RawRequest | None:
    if "{" in line:
        raw = _structured(line)
        if raw is not None:
            return raw
    for text in _texts(line):
        if r"\r\n" in text and (match := _DUMP.search(text)):
            return next(iter(http(unescape(match[1]))), None)  # none where an escaped line feed tears its first line
        if "Started " in text and (match := _RAILS.search(text)):
            raw = _from_server(match["method"], match["target"], text)
            return replace(raw, seen_at=unix_seconds(match["time"].replace("UTC", "+0000")))
        if match := _REQUEST_LINE.search(text):
            return _from_server(match["method"], _unescaped(match["target"]), text)
    columns = _COLUMNS.search(line)
    return columns and _from_server(columns["method"], f"{columns['path']}?{columns['query']}", line)


@lru_cache(maxsize=1)  # several patterns look through the same line
def _texts(line: str) -> tuple[str, ...]:
    r"""Return the line, or the texts of the JSON object that it ends in: ``\u0026`` and ``\/`` mean & and /."""
    if "{" not in line or "\\" not in line:
        return (line,)
    begin = line.index("{")
    texts = [line[:begin]]
    try:
        json.loads(line[begin:], object_pairs_hook=lambda pairs: texts.extend(_strings([value for _, value in pairs])))
    except (ValueError, RecursionError):
        return (line,)
    return tuple(texts)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value if isinstance(value, list) else ():
        yield from _strings(one)


def _structured(line: str) -> RawRequest | None:
    """Read a line that is, or ends in, a JSON object: Caddy's, or one of nginx' or Traefik's with such names."""
    try:
        entry = json.loads(line[line.index("{") :])
    except (ValueError, RecursionError):
        return None
    request = entry.get("request", entry) if isinstance(entry, dict) else None
    if isinstance(request, str) and (match := _REQUEST_LINE.fullmatch(f'"{request}"')):
        host = entry.get("host") or entry.get("http_host")
        request = {"method": match["method"], "uri": match["target"], "host": host}
    if not isinstance(request, dict):
        return None
    own = {key.lower(): value for key, value in request.items() if isinstance(value, str)}
    names = {
        "target": ("uri", "request_uri", "requestpath", "url"), "method": ("method", "request_method", "requestmethod"),
        "host": ("host", "http_host", "requesthost", "server_name"),
    }  # fmt: skip
    got = {name: next((own[key] for key in keys if key in own), None) for name, keys in names.items()}
    if not got["target"] or not got["method"]:
        return None
    query = next((own[key] for key in ("args", "query_string", "query") if own.get(key)), None)
    target = got["target"] if query is None or "?" in got["target"] else f"{got['target']}?{query.removeprefix('?')}"
    raw = _from_server(got["method"], target, line)
    time = entry.get("ts", entry.get("time"))
    seen_at = int(time) if isinstance(time, int | float) and 0 < time < 1e10 else raw.seen_at
    return replace(raw, host=(got["host"] or "").partition(":")[0] or raw.host, seen_at=seen_at)


def _from_server(method: str, target: str, line: str) -> RawRequest:
    virtual_host, error_host = _VIRTUAL_HOST.match(line), _ERROR_HOST.search(line)
    host = virtual_host or error_host
    bodiless = method in ("GET", "HEAD")
    lacks = f"an access log does not hold the body of a {method}: what was sent there is missing"
    return RawRequest(
        ACCESS, target, method, host=host[1] if host else None, seen_at=_log_time(line),
        lacks="" if bodiless else lacks, readings=("request line: the method and the address",),
    )  # fmt: skip


def _unescaped(text: str) -> str:
    r"""Return a target as it was sent: ``\x`` and two digits are a byte, a backslash before others is the server's."""

    def replace_escape(match: re.Match[str]) -> str:
        return to_text(bytes.fromhex(match[1])) if match[1] else match[2]

    return to_text(to_bytes(re.sub(r"\\(?:x([0-9A-Fa-f]{2})|(.))", replace_escape, text)))


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


def _first(line: str, patterns: Sequence[tuple[str, re.Pattern[str]]]) -> RawRequest | None:
    return next((raw for text in _texts(line) if (raw := _told(text, patterns))), None)


def _told(line: str, patterns: Sequence[tuple[str, re.Pattern[str]]]) -> RawRequest | None:
    for source, pattern in patterns:
        match = pattern.search(line)
        parts = match.groupdict() if match else {}
        is_asking = match is not None and "?" in match[0]
        untold = not is_asking and (parts.get("method") or "").upper() in _BODIED
        if match and (is_asking or untold):
            return replace(_message(f"line of {source}", line, match), lacks=_UNTOLD if untold else "")
    return None


def _addresses(line: str) -> Iterator[RawRequest]:
    """Yield the requests to the addresses in a line, each once: a link may be its own label."""
    asked: set[str] = set()
    for text in _texts(line):
        for match in _ANY_ADDRESS.finditer(text):
            request = _message("URL", text, match)
            if "?" in request.target and request.target not in asked:
                asked.add(request.target)
                yield request


def _message(kind: str, line: str, match: re.Match[str]) -> RawRequest:
    parts = match.groupdict()
    target, notes = _delimited(line, match)
    method = (parts.get("method") or "").upper() or None
    return RawRequest(
        kind, target + (parts.get("path") or ""), method, host=parts.get("host"), notes=notes,
        readings=("an address in a message",),
    )  # fmt: skip


def _delimited(line: str, match: re.Match[str]) -> tuple[str, tuple[str, ...]]:
    """Return the address without the punctuation of the sentence around it; where that is a guess, with a note."""
    start, end = match.span("target")
    before, behind = line[max(start - 1, 0) : start], line[end : end + 1]
    target = match["target"]
    if before and before in "\"'<`":
        return target, ()
    bare = target.rstrip(").,;:")
    notes = []
    if bare != target and not (before == "(" and target[len(bare)] == ")"):
        notes.append(f"{target[len(bare) :]} behind the address was taken for punctuation, not for a part of it")
    if behind == "'":
        notes.append("the address was read up to a ', which may be a part of it: none stands before it")
    return bare, tuple(notes)

"""HTTP requests as they travel: head and body, of one connection or many, printed by a client or pasted from a browser.

What clients trace, Go's and Java's dumps, .http files (``###``), a list of headers alone.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate

from smscli.capture._request import METHODS, RawRequest, to_bytes, to_text
from smscli.capture._traces import pieces

_HEADER = r"[A-Za-z][\w-]*:(?!//)[^\n]*"
# A method and a version make a request line; without the version a header must follow.
_HEAD = re.compile(
    rf"(?m)^(?P<method>{METHODS}) (?P<target>[^\n]+?)(?: HTTP/[0-9.]+\r?$| HTTP/[0-9.]+\Z|\r?$(?=\n{_HEADER}))"
)
_END = re.compile(r"(?m)^(?:HTTP/[0-9.]+ \d{3}|###|---re(?:quest|sponse) |\* |< |reply: |header: )")
# Whoever pastes a POST may leave out its headers; of these methods hardly any has a body, and it would say so.
_BODILESS = ("GET", "HEAD", "DELETE")
_OF_BODIES = ("content-length", "content-type", "transfer-encoding")
_PSEUDO = re.compile(r"(?m)^:(method|path|authority|scheme):?[ \t]*\n?[ \t]*(\S+)")
_FROM_PANEL = re.compile(r"(?mi)^(Request URL|Request Method):?[ \t]*\n?[ \t]*(\S+)")


def http(text: str) -> list[RawRequest]:
    """Return the requests of a text; none when no line of it is a request line, and no list of headers names one."""
    sent, note = pieces(text)
    whole = "".join(piece for _, piece in sent)
    heads = list(_HEAD.finditer(whole))
    if not heads:
        return list(_of_headers(text))
    starts = list(accumulate((len(piece) for _, piece in sent), initial=0))
    ends = [head.start() for head in heads[1:]] + [len(whole)]
    requests = []
    for head, end in zip(heads, ends, strict=True):
        line, _ = sent[bisect(starts, head.start()) - 1]
        raw = _request(whole, head, end, f"line {line}")
        doubt = (note,) if note and "." in raw.target.partition("?")[2] + raw.body else ()
        requests.append(replace(raw, notes=(*raw.notes, *doubt)))
    return requests


def _request(text: str, head: re.Match[str], end: int, place: str) -> RawRequest:
    stop = _END.search(text, head.end(), end)
    rest = text[head.end() : stop.start() if stop else end].removeprefix("\n")
    lines, _, rest = ("\n" + rest).replace("\n\r\n", "\n\n", 1).partition("\n\n")
    target = re.sub(r"^https?://[^/]+(?=https?://)", "", head["target"])
    raw = RawRequest("HTTP request", target, head["method"], tuple(_headers(lines)), place=place)
    ends = raw.method in _BODILESS and not any(map(raw.header, _OF_BODIES))
    body, notes = ("", ()) if ends else _body(raw, rest)
    readings = (
        "first line: the method and the address", *(f"{name}: a header" for name, _ in raw.headers),
        *((f"what follows the blank line: the body, {len(to_bytes(body))} bytes",) if body else ()),
        *(("what follows the blank line: not read, the head announces no body",) if ends and rest.strip() else ()),
    )  # fmt: skip
    return replace(raw, body=body, host=raw.header("host").partition(":")[0] or None, notes=notes, readings=readings)


def _body(raw: RawRequest, rest: str) -> tuple[str, tuple[str, ...]]:
    """Return the body, which ends where the head says so, and a note of what is missing."""
    if "chunked" in raw.header("transfer-encoding").lower():
        return _unchunked(rest), ()
    length = re.fullmatch("[0-9]{1,9}", raw.header("content-length"))
    if length and len(to_bytes(rest)) >= int(length[0]):
        return to_text(to_bytes(rest)[: int(length[0])]), ()
    if "multipart/" in raw.header("content-type"):
        return rest, ()
    body = rest.rstrip("\r\n")
    if length is None:
        return body, ()
    missing = int(length[0]) - len(to_bytes(body))
    return body, (f"the body lacks {missing} of {length[0]} bytes: the capture is cut",)


def _headers(lines: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r"(?m)^([\w.-]+):[ \t]*([^\r\n]*)", lines):
        yield match[1], match[2].strip()


def _unchunked(body: str) -> str:
    """Return a chunked body whole, or as far as it goes."""
    data, whole = to_bytes(body), b""
    while match := re.match(rb"\s*([0-9A-Fa-f]{1,7})[^\n]*\n", data):
        size = int(match[1], 16)
        whole += data[match.end() : match.end() + size]
        data = data[match.end() + size :]
        if not size:
            break
    return to_text(whole)


def _of_headers(text: str) -> Iterator[RawRequest]:
    """Yield the request that a list of headers names: HTTP/2's own, or the first lines of a browser's panel."""
    own = {name.lower(): value for name, value in (*_PSEUDO.findall(text), *_FROM_PANEL.findall(text))}
    target = own.get("path") or own.get("request url")
    if not target:
        return
    headers = tuple(_headers(text))
    method = own.get("method") or own.get("request method")
    form = re.search(r"(?m)^[ \t]*([\w\[\]%.]+=[^\n&=]*&[^\n]*?)\r?$", text)
    yield RawRequest(
        "list of headers", target, method, headers, form[1] if form else "", place="line 1",
        host=own.get("authority", "").partition(":")[0] or None,
        readings=(*(f"{name}: read" for name in own), *(f"{name}: a header" for name, _ in headers)),
    )  # fmt: skip

"""HTTP requests as they travel: head and body, of one connection or many, printed by a client or pasted from a browser.

What clients trace, Go's and Java's dumps, .http files (``###``), a list of headers alone.
"""

from __future__ import annotations

import json
import re
from bisect import bisect, bisect_left
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, islice
from operator import itemgetter

from smscli.capture._request import METHODS, RawRequest, to_bytes, to_text
from smscli.capture._traces import pieces
from smscli.errors import InputError

_HEADER = r"[A-Za-z][\w-]*:(?!//)[^\n]*"
# A method and a version make a request line; without the version a header must follow.
_LINE = rf"(?P<method>{METHODS}) (?P<target>[^\n]+?)(?: HTTP/[0-9.]+\r?$| HTTP/[0-9.]+\Z|\r?$(?=\n{_HEADER}))"
_HEAD = re.compile(rf"(?m)^{_LINE}")
_NEXT = re.compile(rf"(?m)\s*{_LINE}")
_INSIDE = re.compile(rf"(?m)(?:{METHODS}) (?:/|https?://)\S* HTTP/[0-9.]+\r?$")
_NAMED = re.compile(rf"\b({METHODS}) (\S+) HTTP/[0-9.]")
# A head right behind what stands in its line, as it follows a body whose end nothing tells.
_GLUED = re.compile(rf"(?<=[^\s\"'`])({METHODS}) ((?:/|https?://)\S*) HTTP/[0-9.]+\r?\n{_HEADER}")
# How an answer begins; it may stand behind a body, in the same line.
_ANSWER = re.compile(r"(?<![ \t])HTTP/[0-9.]{1,3} (\d{3})(?: [^\n]{0,100})?\r?\n(?=\r?\n|[A-Za-z][\w-]{0,99}:)")
_END = re.compile(
    r"(?m)^(?:HTTP/[0-9.]+ \d{3}|###|---re(?:quest|sponse) |\* |< |reply: |header: |[{}] \[\d+ bytes data\])"
)
_BLANK = re.compile(r"\n\r?\n")
# How a body begins: JSON, or a name and its =. A line of a log may have pairs, too, with blanks between them.
_BODY = re.compile(r'\s*(?:\{|\[\s*[\[{"\]])|(?!\w+=[^\s&]* \w+=)[^=&\s{}<>"]+=')
_LINE_OF_FORM = re.compile(r"&[\w\[\]%.]+=")
# How a line of a log begins: a time, a level, what stands in brackets.
_LOGGED = re.compile(r"\W*(?:\d{4}-\d\d|\d\d?:\d\d:\d\d|[A-Z][a-z]{2} +\d|(?:TRACE|DEBUG|INFO|WARN|ERROR|FINE)\b)|\[")
# Whoever pastes a POST may leave out its headers; of these methods hardly any has a body, and it would say so.
_BODILESS = ("GET", "HEAD", "DELETE")
_BARE = ("100", "101", "102", "103", "204", "304")
"""Statuses of answers that never have a body."""
_OF_BODIES = ("content-length", "content-type", "transfer-encoding")
_MOST = 10_000
_LONGEST = 256 * 1024
"""Characters of a body that are looked at; those of a request that is read are fewer."""
_CHUNK = re.compile(rb"\s*([0-9A-Fa-f]{1,7})[ \t]*(?:;[^\n]*)?\r?\n")
_ORIGIN = re.compile("^https?://[^/]+(?=/)")
_PSEUDO = re.compile(r"(?m)^:(method|path|authority|scheme):?[ \t]*\n?[ \t]*(\S+)")
_FROM_PANEL = re.compile(r"(?mi)^(Request URL|Request Method):?[ \t]*\n?[ \t]*(\S+)")


def http(text: str) -> list[RawRequest]:
    """Return the requests of a text; none when no line of it is a request line, and no list of headers names one.

    One that cannot be cut apart from what is before it has a fault. InputError when there are too many.
    """
    sent, note, exact = pieces(text)
    whole = "".join(piece for _, piece in sent)
    starts = list(accumulate((len(piece) for _, piece in sent), initial=0))
    begun = (_NEXT.match(whole, start) for start in starts[1:-1])
    answers = [] if exact else list(_answers(whole))
    behind = (_NEXT.match(whole, end) for _, end in answers)
    first = (*filter(None, begun), *filter(None, behind), *_HEAD.finditer(whole))
    heads = {head.start("method"): head for head in first}
    if not heads:
        return list(_of_headers(text))
    ends = [] if exact else [*(stop.start() for stop in _END.finditer(whole)), *(start for start, _ in answers)]
    cutting = _cut(whole, [heads[at] for at in sorted(heads)], [*sorted(ends), len(whole)], exact=exact)
    cut = list(islice(cutting, _MOST + 1))
    if len(cut) > _MOST:
        raise InputError(f"the capture has more than {_MOST} HTTP requests", hint="give some of them")
    requests = []
    counted, line = 0, 1
    for start, raw in sorted(cut, key=itemgetter(0)):
        line = sent[bisect(starts, start) - 1][0] if exact else line + whole.count("\n", counted, start)
        counted = start
        doubt = (note,) if note and "." in raw.target.partition("?")[2] + raw.body else ()
        requests.append(replace(raw, notes=(*raw.notes, *doubt), place=f"line {line}"))
    return requests


def _answers(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each answer begins, and where it ends by its own length; one of an unknown length ends at its head.

    One between two requests, as whoever follows a connection writes them down, has no line break behind its body.
    """
    heads = list(_ANSWER.finditer(text))
    stops = [*(head.start() for head in heads), len(text)]
    for head, stop in zip(heads, stops[1:], strict=True):
        blank = _BLANK.search(text, head.end() - 1, stop)
        start = blank.end() if blank else stop
        raw = RawRequest("answer", headers=tuple(_headers(text[head.end() : start])))
        data = to_bytes(text[start : min(stop, start + _LONGEST)])
        if "chunked" in raw.header("transfer-encoding").lower():
            size = len(_unchunked(data)[1])
        else:
            size = int((re.fullmatch("[0-9]{1,9}", raw.header("content-length")) or "0")[0])
        yield head.start(), start + len(to_text(data[: 0 if head[1] in _BARE else size]))


def _cut(
    text: str, heads: Sequence[re.Match[str]], stops: Sequence[int], *, exact: bool
) -> Iterator[tuple[int, RawRequest]]:
    """Yield each request with the place where it begins; ``exact``: the text is what was sent, and nothing else.

    ``stops``: where something begins that is part of no request, and the text's end, in order.
    """
    unread = [(0, heads[0].start("method"))]
    targets: set[tuple[str, str]] = set()
    at = 0
    for head, end in zip(heads, [*(head.start("method") for head in heads[1:]), len(text)], strict=True):
        following: re.Match[str] | None = head
        while following is not None:
            stop = min(end, stops[bisect_left(stops, following.end())])
            raw, at = _request(text, following, stop, exact=exact)
            targets.add((raw.method or "", _ORIGIN.sub("", raw.target)))
            yield following.start("method"), raw
            following = _NEXT.match(text, at, end)
        unread.append((at, end))
    for begin, end in unread:
        named = [one for one in _NAMED.finditer(text, begin, end) if (one[1], _ORIGIN.sub("", one[2])) not in targets]
        for one in {one.start(1): one for one in (*named, *_GLUED.finditer(text, begin, end))}.values():
            fault = "what stands around it is no request, so that its beginning and end are not sure"
            yield one.start(1), RawRequest("HTTP request", one[2], one[1], fault=fault)


def _request(text: str, head: re.Match[str], stop: int, *, exact: bool) -> tuple[RawRequest, int]:
    """Return the request of a head, which ends before ``stop``, and where its body ends."""
    blank = _BLANK.search(text, head.end(), stop)
    lines, start = text[head.end() : blank.start() if blank else stop], blank.end() if blank else stop
    target = re.sub(r"^https?://[^/]+(?=https?://)", "", head["target"])
    raw = RawRequest("HTTP request", target, head["method"], tuple(_headers(lines)))
    ends = raw.method in _BODILESS and not any(map(raw.header, _OF_BODIES))
    body, at, lacks = ("", start, "") if ends else _body(raw, text, start, stop, exact=exact)
    rest = (text[at:stop] if stop - at < _LONGEST else "...").strip()
    readings = (
        "first line: the method and the address", *(f"{name}: a header" for name, _ in raw.headers),
        *((f"what follows the blank line: the body, {len(to_bytes(body))} bytes",) if body else ()),
        *(("what follows the blank line: not read, the head announces no body",) if ends and rest else ()),
    )  # fmt: skip
    unread = ""
    if rest and not (ends or _NEXT.match(text, at, stop)):
        if not raw.header("content-length"):
            unread = "the head does not say how long the body is: what follows its line was not read"
        elif body and not lacks and not text[at].isspace():
            unread = f"the body goes on behind the {len(to_bytes(body))} bytes that its head announces: not read"
    notes = (unread,) if unread else ()
    host = raw.header("host").partition(":")[0] or None
    return replace(raw, body=body, host=host, lacks=lacks, notes=notes, readings=readings), at


def _body(raw: RawRequest, text: str, start: int, stop: int, *, exact: bool) -> tuple[str, int, str]:
    """Return the body, where it ends, and what is missing of it; a line of a log is none."""
    if "chunked" in raw.header("transfer-encoding").lower():
        whole, used = _unchunked(to_bytes(text[start : min(stop, start + _LONGEST)]))
        return to_text(whole), start + len(to_text(used)), "" if used else "the body is not in the capture"
    digits = re.fullmatch("[0-9]{1,9}", raw.header("content-length"))
    length = int(digits[0]) if digits else None
    if length is not None:
        data = to_bytes(text[start : min(stop, start + length)])[:length]
        body = to_text(data)
        if len(data) == length and (exact or _is_body(raw, body)):
            return body, start + len(body), ""
    body = text[start : min(stop, start + _LONGEST)]
    if "multipart/" not in raw.header("content-type"):
        body = body.rstrip("\r\n") if exact or length is not None else _first(body)
    if not _is_body(raw, body):
        body = ""
    if body and (length is None or "multipart/" in raw.header("content-type")):
        return body, start + len(body), ""
    if length is None:
        is_whole = raw.method in _BODILESS or ("?" in raw.target and not raw.header("content-type"))
        return "", start, "" if is_whole else "the body, if there was one, is not in the capture"
    missing = length - len(to_bytes(body))
    cut = f"the body lacks {missing} of {length} bytes: the capture is cut"
    lacks = cut if body else f"the body of {length} bytes is not in the capture"
    return body, start + len(body), lacks if missing else ""


def _is_body(raw: RawRequest, text: str) -> bool:
    return bool(not text or "multipart/" in raw.header("content-type") or _BODY.match(text))


def _first(text: str) -> str:
    """Return the body that a text begins with, if no head says how long it is: JSON, or the lines of a form."""
    text = text.rstrip()
    if text.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            return text[: json.JSONDecoder().raw_decode(text, len(text) - len(text.lstrip()))[1]]
        return text
    lines = text.partition("\n\n")[0].split("\n")
    while len(lines) > 1 and ("://" in lines[-1] or not _LINE_OF_FORM.search(lines[-1]) or _LOGGED.match(lines[-1])):
        lines.pop()
    body = "\n".join(lines)
    inside = _INSIDE.search(body)
    return body[: inside.start()] if inside else body.rstrip("\r")


def _headers(lines: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r"(?m)^([\w.-]+):[ \t]*([^\r\n]*)", lines):
        yield match[1], match[2].strip()


def _unchunked(data: bytes) -> tuple[bytes, bytes]:
    """Return a chunked body whole, or as far as it goes, and what it was written as."""
    whole, at = b"", 0
    while match := _CHUNK.match(data, at):
        size = int(match[1], 16)
        whole += data[match.end() : match.end() + size]
        at = match.end() + size
        if not size:
            break
    return whole, data[:at]


def _of_headers(text: str) -> Iterator[RawRequest]:
    """Yield the request that a list of headers names: HTTP/2's own, or the first lines of a browser's panel."""
    named = [(name.lower(), value) for name, value in (*_PSEUDO.findall(text), *_FROM_PANEL.findall(text))]
    own = dict(named)
    if (count := sum(name in ("path", "request url") for name, _ in named)) > 1:
        raise InputError(f"the capture holds the headers of {count} requests", hint="give those of one")
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

"""HTTP requests as they travel: head and body, of one connection or many, printed by a client or pasted from a browser.

curl -v (``> ``), http.client (``send: b'…'``), Go's and Java's dumps, .http files (``###``), a list of headers alone.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress

from smscli.capture._request import RawRequest, to_bytes, to_text

_METHODS = "GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS"
_HEADER = r"[A-Za-z][\w-]*:(?!//)[^\n]*"
_SENT = re.compile(r"""(?m)^send: (b(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"))""")
# A method and a version make a request line; without the version a header must follow.
_HEAD = re.compile(
    rf"(?m)^(?P<method>{_METHODS}) (?P<target>[^\n]+?)(?: HTTP/[0-9.]+\r?$| HTTP/[0-9.]+\Z|\r?$(?=\n{_HEADER}))"
)
_END = re.compile(r"(?m)^(?:HTTP/[0-9.]+ \d{3}|###|---re(?:quest|sponse) |\* |< |reply: |header: )")
_PSEUDO = re.compile(r"(?m)^:(method|path|authority|scheme):?[ \t]*\n?[ \t]*(\S+)")
_FROM_PANEL = re.compile(r"(?mi)^(Request URL|Request Method):?[ \t]*\n?[ \t]*(\S+)")


def http(text: str) -> list[RawRequest]:
    """Return the requests of a text; none when no line of it is a request line, and no list of headers names one."""
    sent = "".join(_printed(match[1]) for match in _SENT.finditer(text))
    text = sent or re.sub(r"(?m)^> ?", "", text) if re.search(r"(?m)^> [A-Z]+ \S+ HTTP/", text) or sent else text
    heads = list(_HEAD.finditer(text))
    if not heads:
        return list(_of_headers(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [_request(text, head, end) for head, end in zip(heads, ends, strict=True)]


def _printed(literal: str) -> str:
    """Return what a bytes literal of Python stands for; of one that is none, as a copy may leave it, what it says."""
    with suppress(ValueError, SyntaxError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes that Python does not know
        return to_text(ast.literal_eval(literal))
    return literal[2:-1].replace("\\r\\n", "\n")


def _request(text: str, head: re.Match[str], end: int) -> RawRequest:
    line = 1 + text.count("\n", 0, head.start())
    end_found = _END.search(text, head.end(), end)
    rest = text[head.end() : end_found.start() if end_found else end].removeprefix("\n")
    lines, _, body = ("\n" + rest).replace("\n\r\n", "\n\n", 1).partition("\n\n")
    headers = tuple(_headers(lines))
    raw = RawRequest("HTTP request", head["target"], head["method"], headers, place=f"line {line}")
    length, notes = raw.header("content-length"), []
    if "chunked" in raw.header("transfer-encoding").lower():
        body = _unchunked(body)
    elif length.isdigit() and len(length) < 10 and len(to_bytes(body)) >= int(length):
        body = to_text(to_bytes(body)[: int(length)])
    else:
        body = body.rstrip("\r\n") if "multipart/" not in raw.header("content-type") else body
        if length.isdigit() and len(length) < 10 and "multipart/" not in raw.header("content-type"):
            missing = int(length) - len(to_bytes(body))
            notes += [f"the body lacks {missing} of {length} bytes: the capture is cut"] if missing > 0 else []
    target = re.sub(r"^https?://[^/]+(?=https?://)", "", head["target"])
    host = raw.header("host").partition(":")[0] or None
    readings = (
        "first line: the method and the address", *(f"{name}: a header" for name, _ in headers),
        *((f"what follows the blank line: the body, {len(to_bytes(body))} bytes",) if body else ()),
    )  # fmt: skip
    return RawRequest(
        "HTTP request", target, head["method"], headers, body,
        place=f"line {line}", host=host, notes=tuple(notes), readings=readings,
    )  # fmt: skip


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

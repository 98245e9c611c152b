r"""What Java's clients log of what they send -> the text of it, in pieces, each with the line where it stood.

Apache HttpClient (``>> "…[\r][\n]"`` of its wire, ``>> …`` of its headers), HttpURLConnection (``{GET …: null}``),
OkHttp and Feign (``--> POST …`` to ``--> END POST``). The first and the last have a line for each of a request.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator

from smscli.capture._request import METHODS, to_bytes, to_text

_APACHE = re.compile(r'(?m)(?P<connection>[\w-]{0,40}) ?(?<![<>])>> (?:"(?P<wire>[^\n]*)"|(?P<header>[^"\n]+))\r?$')
_BEGUN = re.compile(rf"(?:{METHODS}) \S[^\n]* HTTP/[0-9.]+(?:\r\n)?")
_BYTE = re.compile(r"\[(?:(\\r)|(\\n)|0x([0-9a-f]{2}))\]")
_PAIRS = re.compile(rf"pairs: \{{((?:{METHODS}) [^\n]+? HTTP/[0-9.]+): null\}}([^\n]*)")
_PAIR = re.compile(r"\{([\w-]+: [^{}\n]*)\}")
_OKHTTP = re.compile(rf"--> ({METHODS}) (https?://\S+)(?:[^\n]*\((\d+)-byte body\))?[^\n]*\n?")
_OKHTTP_END = re.compile(r"(?m)^[^\n]*?(?:--> END [A-Z]+(?: \((\d{1,6})-byte body\))?|<--)")
_SIZED = re.compile(r"(?i)\b(Content-Length: \d+)\s*$", re.MULTILINE)
_TYPED = re.compile(r"(?i)\b(Content-Type: \S[^\n]*)")


def pieces(text: str) -> list[tuple[int, str]]:
    """Return what a log says was sent; nothing of one of no such client, or of OkHttp's that knows no body."""
    if sent := [(at, f"{head}\r\n{_lines(_PAIR.findall(pairs))}\r\n") for at, head, pairs in _found(_PAIRS, text)]:
        return _placed(text, sent)
    if re.search(r"--> P\w+ https?://", text):
        return _placed(text, list(_of_okhttp(text)))
    return _placed(text, _of_apache(text)) if re.search(rf'>> "?(?:{METHODS}) \S[^\n]* HTTP/', text) else []


def _found(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str, str]]:
    return ((match.start(), match[1], match[2]) for match in pattern.finditer(text))


def _placed(text: str, sent: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return pieces with their lines instead of their places."""
    breaks = [found.start() for found in re.finditer("\n", text)]
    return [(1 + bisect(breaks, at), piece) for at, piece in sent]


def _lines(headers: list[str]) -> str:
    return "".join(f"{header}\r\n" for header in headers)


def _of_apache(text: str) -> list[tuple[int, str]]:
    """Return what each connection sent, one behind the other: they may take turns. The wire has bodies, too."""
    streams: dict[tuple[bool, str], list[tuple[int, str]]] = {}
    for match in _APACHE.finditer(text):
        is_wire = match["wire"] is not None
        line = _BYTE.sub(_byte, match["wire"]) if is_wire else f"{match['header']}\r\n"
        stream = streams.setdefault((is_wire, match["connection"]), [])
        if not is_wire and stream and _BEGUN.fullmatch(line):
            line = f"\r\n{line}"
        stream.append((match.start(), line))
    wired = any(is_wire for is_wire, _ in streams)
    end = [] if wired else [(0, "\r\n")]
    return [piece for (is_wire, _), stream in streams.items() if is_wire == wired for piece in (*stream, *end)]


def _byte(match: re.Match[str]) -> str:
    return "\r" if match[1] else "\n" if match[2] else to_text(bytes.fromhex(match[3]))


def _of_okhttp(text: str) -> Iterator[tuple[int, str]]:
    """Yield each request; a body stands whole in front of the line that says how long it was."""
    begun = list(_OKHTTP.finditer(text))
    for match, stop in zip(begun, [*(match.start() for match in begun[1:]), len(text)], strict=True):
        end = _OKHTTP_END.search(text, match.end(), stop)
        size = int((end and end[1]) or 0)
        above = text[match.end() : end.start() if end else stop]
        data = to_bytes(above.rstrip("\r\n"))
        body = to_text(data[len(data) - size :]) if 0 < size <= len(data) else ""
        if not re.search(r"(?:^|[\s:\]])$", to_text(data[: len(data) - size])) or re.match(r"\s|[\w-]+: |.*\n", body):
            body = ""  # it was not logged
        sized = f"Content-Length: {size or match[3]}" if size or match[3] else ""
        known = [one[1].strip() for one in (_TYPED.search(above), None if sized else _SIZED.search(above)) if one]
        yield match.start(), f"{match[1]} {match[2]} HTTP/1.1\r\n{_lines([*known, *filter(None, [sized])])}\r\n{body}"

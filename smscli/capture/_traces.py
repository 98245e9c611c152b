r"""What clients print of their connections -> the text that they sent, in pieces, each with the line where it stood.

``send: b'…'`` (http.client), ``<- "…"`` (Ruby's set_debug_output), ``=> Send header`` (curl --trace, --trace-ascii),
``> `` (curl -v), ``[BODY data: …]`` (wget -d).
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

from smscli.capture._java import pieces as java
from smscli.capture._request import to_bytes, to_text
from smscli.capture._shell import unescape

_PYTHON = re.compile(r"""(?m)^send: (b(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"))""")
_RUBY = re.compile(r'(?m)^<- "((?:[^"\\\n]|\\.)*)"')
_CURL = re.compile(r"(?m)^(?:\S+ ){0,2}=> Send (?:header|data), (\d{1,9}) bytes[^\n]*((?:\n[0-9a-f]{4,8}:[^\n]*)+)")
_DUMPED = re.compile(r"\n([0-9a-f]{4,8}): ?([^\r\n]*)")
_HEX = re.compile(r"(?:[0-9a-f]{2} ){1,16} *")
_WGET_BODY = re.compile(r"(?m)^(---request end---)\n\[BODY data: ((?:(?!\n---request )[\s\S]){0,16384}?)\]$")

_FULL_STOPS = (
    "curl --trace-ascii writes . for each byte that is no ASCII, and for a full stop: --trace keeps them apart"
)


def pieces(text: str) -> tuple[list[tuple[int, str]], str, bool]:
    """Return what a text says was sent, what may be wrong about it, and whether it is that alone.

    Of a text that is no such trace it is the text itself.
    """
    if sent := [(line, _printed(match[1])) for line, match in _placed(text, _PYTHON)]:
        return sent, "", True
    if sent := [(line, to_text(to_bytes(unescape(match[1])))) for line, match in _placed(text, _RUBY)]:
        return sent, "", True
    if placed := list(_placed(text, _CURL)):
        dumps = [dump for _, dump in placed]
        is_hex = all(_HEX.fullmatch(line[2][:48].ljust(48)) for dump in dumps for line in _DUMPED.finditer(dump[2]))
        read = _from_hex if is_hex else _from_ascii
        sent = [(1 + line, "".join(read(dump[2], int(dump[1])))) for line, dump in placed]
        return sent, "" if is_hex else _FULL_STOPS, True
    if sent := java(text):
        return sent, "", True
    if re.search(r"(?m)^> [A-Z]+ \S+ HTTP/", text):
        text = re.sub(r"(?m)^> ?", "", text)
    return [(1, _WGET_BODY.sub(r"\2\n\1", text))], "", False


def _placed(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """Yield what is found of a pattern, each with its line."""
    line, at = 1, 0
    for match in pattern.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        yield line, match


def _printed(literal: str) -> str:
    """Return what a bytes literal of Python stands for; of one that is none, as a copy may leave it, what it says."""
    with suppress(ValueError, SyntaxError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes that Python does not know
        return to_text(ast.literal_eval(literal))
    return literal[2:-1].replace("\\r\\n", "\n")


def _from_hex(dump: str, _: int) -> Iterator[str]:
    yield to_text(bytes.fromhex("".join(line[2][:48] for line in _DUMPED.finditer(dump))))


def _from_ascii(dump: str, size: int) -> Iterator[str]:
    """Yield the lines of a dump; where the offset of the next one is two further than their length, a CRLF was."""
    lines = [(int(line[1], 16), line[2]) for line in _DUMPED.finditer(dump)]
    for (start, text), (end, _) in pairwise([*lines, (size, "")]):
        yield text + ("\r\n" if end - start - len(text) >= 2 else "")

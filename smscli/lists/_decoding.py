"""Bytes of a list -> lines of text: its encoding, its first kilobytes as a sample, and lines of bounded length.

UTF-8, and UTF-16 or UTF-32 with a byte order mark, are known by themselves. Any other encoding has to be named: a guess
that is wrong would text wrong names to everybody, so it is only suggested in the error. A byte that does not fit
spoils its row alone: it becomes one of the lone surrogates U+DC00 to U+DCFF, which no text holds.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from smscli.errors import InputError
from smscli.model import visible

SAMPLE_BYTES = 64 * 1024
MAX_LINE = 1024 * 1024
"""Characters; a longer line is cut off, and ``CUT`` stands in its place."""

CUT = "\udfff"
STRAY = re.compile("[\ud800-\udfff]")
"""A byte that is not of the encoding, half a character, or ``CUT``."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_OTHER_FILES = ((b"PK\x03\x04", "a workbook or a zip archive"), (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
                (b"\x1f\x8b", "compressed by gzip"), (b"%PDF", "a PDF"))  # fmt: skip
_NOT_OF_FILES = ("", "idna", "punycode", "unicode-escape", "raw-unicode-escape")
_SUGGESTIONS = ("cp1251", "koi8-r", "cp866", "cp1254", "cp1257", "cp1252")


class Readable(Protocol):
    """A binary stream, as far as it is needed here: never sought in, never closed."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A list as text. ``sample`` is its beginning in whole lines; ``lines`` are all of them, line breaks included."""

    encoding: str
    sample: str
    lines: Iterator[str]


def decode(stream: Readable, encoding: str | None) -> Decoded:
    """Return the stream as text, having read a sample.

    Raises InputError for an encoding that does not exist or contradicts the byte order mark, for files that are no
    text, and when no line of the sample that goes beyond ASCII is of the encoding.
    """
    head, is_all = _head(stream)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    name = _named(encoding, marked) if encoding else marked or "utf-8"
    if not encoding:
        _refuse_other_files(head)
    sample = codecs.getincrementaldecoder(name)(_HANDLER).decode(head, is_all).removeprefix("\ufeff")
    if not is_all:
        # The last line is not whole, unless nothing else is there.
        whole = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1]
        sample = whole if whole.strip() else sample
    beyond_ascii = [line for line in re.split("[\r\n]", sample) if not line.isascii()]
    if beyond_ascii and all(map(STRAY.search, beyond_ascii)):
        raise InputError(f"the list is not {name.upper()}", hint=_suggestion(head))
    text = io.TextIOWrapper(io.BufferedReader(_Replay(head, stream)), name, _HANDLER, newline="")
    return Decoded(name, sample, _lines(text))


def _named(encoding: str, marked: str | None) -> str:
    try:
        name = codecs.lookup(encoding).name
        # Codecs that are not about characters (base64, rot13) refuse here.
        b"1".decode(name, "replace")
    except (LookupError, ValueError):
        name = ""
    if name in _NOT_OF_FILES:
        raise InputError(f"there is no encoding {visible(encoding)!r}", hint="for instance cp1251")
    if marked and not name.startswith("utf"):
        raise InputError(f"the list begins with the mark of {marked.upper()}; it is not {name}")
    return name


def _refuse_other_files(head: bytes) -> None:
    for mark, what in _OTHER_FILES:
        if head.startswith(mark):
            raise InputError(f"the list is {what}", hint="save it as CSV (UTF-8)")
    # ASCII in UTF-16 has a zero in every second byte, and passes for UTF-8.
    zeros = head[:200].count(0, 0)
    if zeros and zeros * 3 > len(head[:200]) and not head.startswith(tuple(mark for mark, _ in _MARKS)):
        order = "le" if head[1:2] == b"\0" else "be"
        raise InputError("the list is not UTF-8", hint=f"perhaps --encoding utf-16-{order}")


def _head(stream: Readable) -> tuple[bytes, bool]:
    """Return the beginning of the stream, with a whole line if that is of bounded length, and whether it is all."""
    head = _take(stream, SAMPLE_BYTES)
    while len(head) % SAMPLE_BYTES == 0 and len(head) < MAX_LINE and not re.search(b"[\r\n]", head):
        piece = _take(stream, SAMPLE_BYTES)
        if not piece:
            return head, True
        head += piece
    return head, len(head) % SAMPLE_BYTES > 0


def _take(stream: Readable, size: int) -> bytes:
    """Return ``size`` bytes, or fewer at the end: a pipe gives them in pieces."""
    taken = bytearray()
    while len(taken) < size and (piece := stream.read(size - len(taken))):
        taken += piece
    return bytes(taken)


class _Replay(io.RawIOBase):
    """What was read as a sample, and then the rest. Closing it leaves the stream open, which is its owner's."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed wants any buffer
        data = self._head[: len(buffer)]
        self._head = self._head[len(buffer) :]
        data = data or self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    r"""Yield lines that end in ``\n``, ``\r\n`` or a lone ``\r``, each at most ``MAX_LINE`` characters long."""
    line = text.readline(MAX_LINE).removeprefix("\ufeff")
    while line:
        if len(line) < MAX_LINE or line.endswith(("\n", "\r")):
            yield line
        else:
            yield CUT + "\n"
            while line and not line.endswith(("\n", "\r")):
                line = text.readline(MAX_LINE)
        line = text.readline(MAX_LINE)


def split_lines(text: str) -> Iterator[str]:
    """Yield the lines of a text with their line breaks."""
    return (match[0] for match in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text))


def _suggestion(head: bytes) -> str:
    """Return the hint that names the encoding whose reading of the sample looks most like words, and shows some."""
    # Two of them read every byte.
    readings = [(_strangeness(text), name, text) for name in _SUGGESTIONS if (text := _read_as(head, name))]
    _, name, text = min(readings, key=lambda reading: reading[0])
    words = re.search("[ -~]{0,12}[^\0-\x7f].{0,12}", text)
    return f"perhaps --encoding {name}, which reads {visible(words[0]) if words else ''!r}"


def _read_as(head: bytes, encoding: str) -> str | None:
    try:
        return head.decode(encoding)
    except UnicodeDecodeError:
        return None


def _strangeness(text: str) -> int:
    """Count what words do not have: signs beyond ASCII, capitals inside, two alphabets, letters after digits."""
    signs = sum(not character.isalpha() for character in text if not character.isascii() and character != "\u00a0")
    digits = len(re.findall(r"\d[^\W\d_]", text))
    humps = len(re.findall("[a-zß-öø-ÿа-яё][A-ZÀ-ÖØ-ÞА-ЯЁ]", text))
    mixtures = len(re.findall("[A-Za-z][А-яЁё]|[А-яЁё][A-Za-z]", text))
    return signs + digits + humps + mixtures


def _mark_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101  (nothing is encoded here)
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


# Like surrogateescape, which leaves bytes below 128 alone and so fails on UTF-16.
_HANDLER = "smscli.lists"
codecs.register_error(_HANDLER, _mark_bytes)

"""What comes in and what goes out, as bytes: the only things that a way in and the emulators have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from smscli.model import Pairs

_SECRET_HEADERS = (b"cookie", b"authorization", b"proxy-authorization")


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One request as it came: ``target`` is what stands between method and version, header names are in any case.

    ``sent_target`` is the same as it travelled, where that is known: in ``target`` bytes from 0x80 on are escaped.
    """

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    sent_target: bytes = b""

    @property
    def path(self) -> str:
        """The decoded path, without the host of a request for a proxy; ``%`` without two digits stays."""
        path = self.target.partition(b"?")[0]
        if not path.startswith(b"/"):
            path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
        return unquote_to_bytes(path).decode("utf-8", "replace")

    @property
    def query(self) -> bytes:
        """What stands behind the question mark, as it came."""
        return self.target.partition(b"?")[2]

    def header(self, name: bytes) -> str:
        """Return the first value of a header, named in lower case; "" for none."""
        return next((value.decode("latin-1") for own, value in self.headers if own.lower() == name), "")

    @property
    def announced(self) -> int:
        """How many bytes the body is said to have; 0 where nobody said so."""
        length = self.header(b"content-length")
        return int(length) if length.isascii() and length.isdigit() else 0

    @classmethod
    def from_transcript(cls, transcript: bytes) -> RawRequest:
        """Return the request that a transcript tells of, as far as it goes."""
        head, _, body = transcript.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        method, _, rest = first.partition(b" ")
        headers = tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))
        target = rest.rpartition(b" ")[0] or rest  # it was cut before its version, or has none
        return cls(method.decode("latin-1"), target, headers, body)

    def transcript(self, limit: int) -> bytes:
        """Return the request as it travels in HTTP/1.1, cut at ``limit`` bytes, without headers that hold secrets."""
        heads = [name + b": " + value for name, value in self.headers if name.lower() not in _SECRET_HEADERS]
        first = b"%s %s HTTP/1.1" % (self.method.encode("latin-1", "replace"), self.target)
        return b"\r\n".join([first, *heads, b"", self.body[:limit]])[:limit]


@dataclass(frozen=True, slots=True)
class Mishap:
    """What befalls a reply on its way: only a server can play it.

    ``delay`` is seconds, ``drip`` bytes a second (0: all at once), ``cut`` how many bytes of the body arrive before the
    connection ends (None: all). With ``reset`` nothing arrives, and the connection breaks.
    """

    delay: float = 0.0
    drip: int = 0
    cut: int | None = None
    reset: bool = False


@dataclass(frozen=True, slots=True)
class RawReply:
    """One reply: ``pieces`` are its body, made when they are asked for, once."""

    status: int
    headers: Pairs = ()
    pieces: Iterable[bytes] = ()
    mishap: Mishap | None = None

    @property
    def body(self) -> bytes:
        """The whole body; ask only once."""
        return b"".join(self.pieces)


def text_reply(status: int, text: str, kind: str = "text/plain; charset=utf-8", headers: Pairs = ()) -> RawReply:
    """Return a reply of one text."""
    return RawReply(status, (("Content-Type", kind), *headers), (text.encode("utf-8", "replace"),))


def json_reply(value: object, status: int = 200, headers: Pairs = ()) -> RawReply:
    """Return a reply of JSON."""
    return text_reply(status, json.dumps(value, indent=2) + "\n", "application/json", headers)

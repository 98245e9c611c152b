"""A request as it was sent, as far as a text tells, before anything in it is decoded.

Text that came as bytes and is no UTF-8 has each such byte as a surrogate (PEP 383): the bytes are never lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from smscli.errors import InputError
from smscli.model import Pairs

WANTED = "a URL, a form body (a=1&b=2), a command (curl, wget …), lines of a log, a HAR file or an HTTP request"

FORM = "application/x-www-form-urlencoded"
METHODS = "GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS"
"""The methods that are told from other words in capitals, for a pattern."""

_TARGET = r"(?s)(?:[A-Za-z][\w+.-]*://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>.*)|(?P<fragment>#.*))?"


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One request: where it stood in the text, what it asks for, and what it carries.

    ``target`` is a URL or a path. Of ``headers`` of one name the last counts, so that the client's usual ones stand
    first. ``body`` is what was sent as the body, ``fields`` the parts of a multipart body that a client would make.
    ``readings`` say what was read as what, without a value; ``lacks`` says what of the request is not in the text;
    ``fault`` says why the request cannot be read.
    """

    kind: str
    target: str = ""
    method: str | None = None
    headers: Pairs = ()
    body: str = field(default="", repr=False)
    fields: Pairs = field(default=(), repr=False)
    place: str = ""
    host: str | None = None
    seen_at: int | None = None
    notes: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    lacks: str = ""
    fault: str = ""

    @property
    def where(self) -> str:
        """What it is and where it stood, in words."""
        return f"{self.kind}{f' in {self.place}' if self.place else ''}"

    def header(self, name: str) -> str:
        """Return the last value of a header, or nothing."""
        return next((value for own, value in reversed(self.headers) if own.lower() == name), "")

    @property
    def names_type(self) -> bool:
        """Whether the text tells the Content-Type of the body, or that it has none."""
        return any(name.lower() == "content-type" for name, _ in self.headers)


@dataclass(frozen=True, slots=True)
class Address:
    """A target taken apart; the query is still encoded, and holds what follows a ``#`` as well."""

    host: str | None
    path: str
    query: str


def split_target(target: str) -> Address:
    """Return the parts of a URL or path; raise InputError when it cannot be taken apart."""
    if not re.match(r"[A-Za-z][\w+.-]*://|/", target):
        target = f"http://{target}"
    match = re.fullmatch(_TARGET, target)
    authority = ((match and match["authority"]) or "").rpartition("@")[2]
    if match is None or ("[" in authority) != ("]" in authority):
        raise InputError("the address in the capture cannot be read", hint=f"give {WANTED}")
    host = re.sub(r":\d*$", "", authority).strip("[]").lower()
    return Address(host or None, match["path"], match["query"] or match["fragment"] or "")


def encode(pairs: Iterable[tuple[str, str]]) -> str:
    """Return pairs as the query or form that stands for them, a space as ``+``."""
    return urlencode([(to_bytes(name), to_bytes(value)) for name, value in pairs])


def unix_seconds(text: object) -> int | None:
    """Return a time of ISO 8601 as Unix seconds, None for what is none."""
    try:
        return int(datetime.fromisoformat(str(text)).timestamp())
    except (ValueError, OverflowError):
        return None


def to_bytes(text: str) -> bytes:
    """Return a text as it stood on the wire."""
    return re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", text).encode("utf-8", "surrogateescape")


def to_text(data: bytes) -> str:
    """Return bytes as text; those that are no UTF-8 stay, as surrogates."""
    return data.decode("utf-8", "surrogateescape")

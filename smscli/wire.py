"""What travels: a request as ordered pairs, a response as bytes, and the strict reading of both.

This module is pure. A ``Transport`` turns one into the other: over a socket (``smscli.transport``) or inside the
process (the sandbox), and the code above cannot tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote_plus

from smscli.model import Pairs
from smscli.record import Record

MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read; the longest documented success (50 recipients) is a tenth of it."""

_MAX_DEPTH = 32

# Not ipaddress: from Python 3.13 on it also counts mapped addresses.
_LOOPBACK = r"127(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])){3}"

# One string, closed or not (an open one runs to the end, so that hostile input is read in a single pass).
_STRING = r'(?s)"[^"\\]*(?:\\.[^"\\]*)*"?'


class Request(Record):
    """One signed HTTP request.

    ``url`` is scheme, host and path; ``query`` and ``form`` are the decoded pairs in sending order, repeats allowed.
    ``billable`` marks a request that may cost money: it is never repeated once a byte of it has left.
    ``not_after`` is the monotonic second after which its first byte must not leave (a signed timestamp's life).
    """

    method: str
    url: str
    query: Pairs = ()
    form: Pairs = ()
    headers: Pairs = ()
    billable: bool = False
    not_after: float | None = None

    @property
    def target(self) -> str:
        """The URL with its encoded query."""
        return f"{self.url}?{encode(self.query)}" if self.query else self.url

    @property
    def body(self) -> bytes | None:
        """The encoded form, or None for a request without one."""
        return encode(self.form).encode("ascii") if self.form else None


class Response(Record):
    """One complete HTTP answer: ``body`` is what a socket delivered, at most ``MAX_ANSWER`` bytes.

    Header names are lower case.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})


Transport = Callable[[Request, float], Response]
"""``transport(request, seconds)`` gives the complete answer within that many seconds of wall time, or raises

- UnreachableError: proved, no byte of the request reached a connected socket (trying again is safe);
- ConfigError: the same proof, but trying again will not help (certificate, proxy);
- OutcomeUnknownError: everything else.
"""


def encode(pairs: Pairs) -> str:
    """Return the pairs as ``application/x-www-form-urlencoded`` in UTF-8, a space as ``+``, as PHP and browsers do."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs)


def is_loopback(host: str | None) -> bool:
    """Return whether a host name or address means this machine: 127.0.0.0/8, ``::1`` (brackets allowed), ``localhost``.

    The one definition of it; what else a resolver may lead back here (``*.localhost``, mapped IPv4) does not count.
    """
    bare = (host or "").lower().strip("[]")
    return bare in ("localhost", "::1") or re.fullmatch(_LOOPBACK, bare) is not None


class MalformedAnswer(ValueError):  # noqa: N818  (it describes the answer; the error tree has no place for it)
    """An answer is not what its documentation promises; for a send that means the outcome is unknown."""


def decode_text(body: bytes) -> str:
    """Return an answer's text: strict UTF-8, one byte order mark tolerated.

    Raises MalformedAnswer on anything else.
    """
    try:
        return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedAnswer("the answer is not UTF-8") from error


def decode_json(body: bytes) -> object:
    """Return an answer's JSON value, refusing all that the plain parser lets pass.

    A number with a point or an exponent is a Decimal, digit by digit as it was written. Raises MalformedAnswer for a
    repeated key (the last one would silently win), NaN and infinities, numbers of thousands of digits, nesting deeper
    than 32 and bytes that are not UTF-8.
    """
    import json  # only commands that read an answer pay for these
    from decimal import Decimal, InvalidOperation

    text = decode_text(body)
    if depth(text) > _MAX_DEPTH:
        raise MalformedAnswer("the answer is nested too deeply")
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=Decimal)
    except MalformedAnswer:
        raise
    except (ValueError, InvalidOperation) as error:  # an exponent can be beyond what a Decimal holds
        raise MalformedAnswer(f"the answer is not JSON: {kind_of_text(text)}") from error


def depth(text: str) -> int:
    """Return how deep brackets and braces outside strings nest: what a parser's recursion is bounded by."""
    deepest = level = 0
    for character in re.findall(r"[][{}]", re.sub(_STRING, "", text)):
        level = level + 1 if character in "[{" else max(level - 1, 0)
        deepest = max(deepest, level)
    return deepest


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedAnswer("the answer says one thing twice")
    return result


def kind_of_text(text: str) -> str:
    """Return what a text looks like, without a word of it."""
    if not text.strip():
        return "it is empty"
    if text.lstrip().startswith("<"):
        return "it looks like HTML or XML"
    return f"{len(text)} characters of something else"


def _refuse_constant(name: str) -> object:
    raise MalformedAnswer(f"the answer holds {name}")

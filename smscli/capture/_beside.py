"""Requests that a capture has beside those of its own kind: a log under commands, a ``fetch`` among them, a URL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate, pairwise

from smscli.capture import _shell
from smscli.capture._commands import MAX_SCRIPT, commands_by_line
from smscli.capture._fetch import calling_lines, fetch
from smscli.capture._http import http
from smscli.capture._logs import ACCESS, lines, messages
from smscli.capture._request import METHODS, RawRequest
from smscli.capture._vendor import Vendors
from smscli.errors import InputError
from smscli.model import Pairs

_COMMENT = re.compile(r"\s*(?:#|//|::|(?i:@?rem\s))")
# An address that is all of its line, or stands in a line of a log; elsewhere one may be named in passing.
_SENT = re.compile(
    rf"(?:(?:{METHODS}) )?https?://\S+\s*$|\W*(?:\d{{4}}-\d\d|\d\d?:\d\d:\d\d|(?:TRACE|DEBUG|INFO|WARN|ERROR)\b)"
)
_SIGNED = re.compile(r"(?i)sign(?:ature)?\W{1,3}([0-9a-f]{16,})")
_HASH = re.compile(r"(?=\D*\d)[\w%+/=-]{16,}")
"""A signature: no variable, no mask of a log."""
_CALL_LINES = 50
_WHOLE = {"curl command", "wget command", "HTTPie command", "fetch call", "HTTP request", ACCESS}
"""The kinds in which a request stands as it was sent."""

_Reader = Callable[[Sequence[str]], Iterable[RawRequest]]


def beside(
    text: str, own: Sequence[RawRequest], vendors: Vendors, decode: Callable[[RawRequest], Pairs]
) -> list[RawRequest]:
    """Return the signed requests of the lines that nobody has read, by the readers behind the one that read ``own``.

    What a log repeats of a request that is read, in another kind, is no request of its own: it has the same
    parameters, or where a log may have changed them the same signature.
    """
    rest = ["" if _COMMENT.match(line) else line for line in text.split("\n")]
    _blank(rest, own, text)
    if not vendors.may_be_signed("\n".join(rest)):
        return []
    params = {decode(raw) for raw in own}
    signatures = {vendors.signature(pairs) for pairs in params}
    others: list[RawRequest] = []
    for reader in _readers(own):
        signed: list[tuple[RawRequest, Pairs, str]] = []
        for raw in reader(rest):
            pairs = decode(replace(raw, fault=""))
            written = _SIGNED.search(raw.body) if raw.fault else None
            signature = vendors.signature(pairs) or (written[1] if written else "")
            if _HASH.fullmatch(signature):
                signed.append((raw, pairs, signature))
        for raw, pairs, signature in signed:
            is_sure = raw.kind in _WHOLE and not (raw.fault or raw.notes or raw.lacks)
            if pairs not in params and (is_sure or signature not in signatures):
                others.append(raw)
        params |= {pairs for _, pairs, _ in signed}
        signatures |= {signature for _, _, signature in signed}
        _blank(rest, [raw for raw, _, _ in signed], text)
    return others


def _blank(rest: list[str], read: Iterable[RawRequest], text: str) -> None:
    """Empty the lines in which requests stand, those in which a command goes on with them."""
    starts = [*accumulate((len(line) + 1 for line in text.split("\n")), initial=0)]
    for raw in read:
        first = int(raw.place.removeprefix("line "))
        start = starts[first - 1]
        stop = _shell.end(text, start, start + MAX_SCRIPT) if raw.kind.endswith("command") else start
        last = first + max(text.count("\n", start, stop) - 1, 0)
        rest[first - 1 : last] = [""] * (last - first + 1)


def _readers(own: Sequence[RawRequest]) -> tuple[_Reader, ...]:
    """Return those that have not had their turn; a server's or program's lines tell better than heads what they are."""
    kinds = {raw.kind for raw in own}
    if "PowerShell command" in kinds:
        return (_commands, _fetch, _lines, _http, _urls)
    if any(kind.endswith("command") for kind in kinds):
        return (_fetch, _lines, _http, _urls)
    if "fetch call" in kinds:
        return (_lines, _http, _urls)
    if "HTTP request" in kinds:
        return (_lines, _urls)
    return (_urls,)


def _commands(rest: Sequence[str]) -> list[RawRequest]:
    return list(commands_by_line("\n".join(rest)))


def _fetch(rest: Sequence[str]) -> Iterator[RawRequest]:
    """Yield the calls, each read up to the next one: texts of any length are."""
    for start, after in pairwise([*calling_lines("\n".join(rest)), len(rest)]):
        text = "\n".join(rest[start : min(after, start + _CALL_LINES)])
        with suppress(InputError):  # a line with hundreds of calls is a program
            for raw in fetch(text):
                yield replace(raw, place=f"line {start + int(raw.place.removeprefix('line '))}")


def _lines(rest: Sequence[str]) -> list[RawRequest]:
    return lines("\n".join(rest))


def _http(rest: Sequence[str]) -> list[RawRequest]:
    with suppress(InputError):  # of a list of headers, or of too many
        return http("\n".join(rest))
    return []


def _urls(rest: Sequence[str]) -> list[RawRequest]:
    return messages("\n".join(line if _SENT.match(line) else "" for line in rest))

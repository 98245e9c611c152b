"""Requests as people keep and pass them on: commands, scripts, logs, HAR files, URLs, read and written.

This package is pure. It reads text that another program, a shell history or a server left behind, finds the vendor
in it, and names what damaged it; and it writes a request as a curl command. It signs nothing and knows no clock:
``staleness`` takes the time. Each reader takes a text and gives the requests in it, none when the text is not of its
kind; InputError says where one of its kind cannot be read.

::

    _commands.py    commands that are HTTP clients          (_shell.py, _cmd.py: words; _words.py, _options.py: options)
    _curl.py        a curl command      _wget.py  a wget command      _httpie.py  an HTTPie command
    _powershell.py  Invoke-WebRequest   _fetch.py fetch(…)
    _http.py        heads and bodies    _traces.py, _java.py  what clients print of them   _har.py  HAR files
    _logs.py        lines of servers and of programs
    _beside.py      what a capture has beside those of its kind
    _texts.py       a URL, a form body
    _request.py     a request as it was sent, and its address taken apart
    _decoding.py    queries and bodies -> pairs
    _vendor.py      whose request it is
    _staleness.py   how far a stamp is from a clock
    _writing.py     parameters -> a request -> a curl command, and whose account it names
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from smscli.capture._decoding import decode_body, decode_query, is_form, mend, other_type
from smscli.capture._request import WANTED, RawRequest, split_target, to_bytes, to_text
from smscli.capture._staleness import staleness
from smscli.capture._vendor import Vendors
from smscli.capture._writing import Operations, address, curl_command, identity
from smscli.errors import InputError
from smscli.model import Pairs

__all__ = [
    "MAX_CAPTURE", "Captured", "Operations", "address", "curl_command", "decode", "identity", "read", "read_all",
    "staleness",
]  # fmt: skip

MAX_CAPTURE = 16 * 1024 * 1024
"""Characters of a capture: a HAR file, or a log."""

_MAX_REQUEST = 64 * 1024
"""Characters; the longest request of any vendor is a tenth of it."""

_MAX_PARAMETERS = 500


@dataclass(frozen=True, slots=True)
class Captured:
    """A request as far as the text tells. ``params`` are decoded, in order, those of the query before the body's.

    ``place`` is where it stood. ``providers`` are the vendors it may be for, best first. ``seen_at`` is when it was
    logged, in Unix seconds. ``readings`` say what was read as what, without a value; ``fault`` says why a request
    among others cannot be read, ``lacks`` what of it is not in the text (that is among the notes, too).
    ``unread_as`` is the Content-Type of a form that no vendor reads under it; empty for all others.
    ``raw_query`` and ``raw_form`` are what was decoded, byte by byte as it stood on the wire, the query with what
    follows a ``#`` (which is not sent); empty where there is none, None where the body is multipart or JSON, no form.
    """

    kind: str
    params: Pairs = field(default=(), repr=False)
    method: str | None = None
    host: str | None = None
    path: str | None = None
    seen_at: int | None = None
    providers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    raw_query: bytes | None = field(default=None, repr=False)
    raw_form: bytes | None = field(default=None, repr=False)
    place: str = ""
    readings: tuple[str, ...] = ()
    fault: str = ""
    lacks: str = ""
    unread_as: str = ""


def read(text: str) -> Captured:
    """Return the only request in ``text``; raise InputError when there is none, or several."""
    captured, *more = read_all(text)
    if more:
        raise InputError(f"the capture holds {1 + len(more)} requests", hint="give one of them")
    return captured


def read_all(text: str) -> list[Captured]:
    """Return the requests in ``text``, at least one; raise InputError, saying what was looked for, when there is none.

    A single one that cannot be read is an InputError as well; among others it has a ``fault``.
    """
    if len(text) > MAX_CAPTURE:
        raise InputError(f"the capture is longer than {MAX_CAPTURE} characters", hint=f"give one request: {WANTED}")
    whole = text.removeprefix("\ufeff").lstrip()
    requests = _requests(whole)
    if not requests:
        raise InputError(f"there is no request in the capture{_next_to_one(text)}", hint=f"give {WANTED}")
    vendors = Vendors()
    requests = _with_others(whole, requests, vendors)
    if len(requests) == 1:
        captured = _interpreted(requests[0], vendors)
        if not captured.params:
            why = f": {captured.notes[0]}" if captured.notes else ""
            raise InputError(f"there are no parameters in the captured {requests[0].where}{why}", hint=f"give {WANTED}")
        return [captured]
    return [_among_others(raw, vendors) for raw in requests]


def decode(data: bytes) -> str:
    """Return a file's text: UTF-8, or UTF-16 with its mark (PowerShell's); bytes that are neither are kept."""
    return data.decode("utf-16", "replace") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else to_text(data)


def _requests(whole: str) -> list[RawRequest]:
    """Return the requests of the first reader that finds any; who only writes a request loads none of them."""
    from smscli.capture._commands import MAX_SCRIPT, commands
    from smscli.capture._fetch import calls_fetch, fetch
    from smscli.capture._har import har
    from smscli.capture._http import http
    from smscli.capture._logs import lines, messages
    from smscli.capture._powershell import calls_powershell, powershell
    from smscli.capture._texts import any_form, form_body, url

    text = whole.rstrip()  # but for a body, whose length is known
    is_long = len(text) > MAX_SCRIPT
    # What tells a text most surely comes first.
    readers = (har, powershell, commands, fetch, lambda _: http(whole), lines, url, form_body, messages, any_form)
    if not is_long:
        return next(filter(None, (reader(text) for reader in readers)), [])
    broken: list[RawRequest] = []
    for reader in readers:
        if (reader is powershell and calls_powershell(text)) or (reader is fetch and calls_fetch(text)):
            raise InputError(
                f"the capture is longer than {MAX_SCRIPT} characters: calls of {reader.__name__} in it are not read",
                hint="give the calls alone, or some of them",
            )
        requests = reader(text) if reader not in (powershell, fetch) else []
        if any(not raw.fault for raw in requests):
            return [*broken, *requests]
        broken += requests
    return broken


def _with_others(text: str, requests: list[RawRequest], vendors: Vendors) -> list[RawRequest]:
    """Return the requests of one reader with those that stand beside them in another kind, in the order of lines."""
    if "\n" not in text or not all(raw.place.startswith("line ") for raw in requests):
        return requests
    from smscli.capture._beside import beside

    others = beside(text, requests, vendors, lambda raw: _among_others(raw, vendors).params)
    return sorted([*requests, *others], key=lambda raw: int(raw.place.removeprefix("line "))) if others else requests


def _next_to_one(text: str) -> str:
    """Return what of a text comes next to a request, and in which line; of a single line there is nothing to say."""
    lines = text.rstrip().split("\n")
    for number, line in enumerate(lines, 1):
        if re.search("https?://", line):
            return f": line {number} has an address, but without parameters"
    return f": none of its {len(lines)} lines is one" if len(lines) > 1 else ""


def _among_others(raw: RawRequest, vendors: Vendors) -> Captured:
    try:
        return _interpreted(raw, vendors)
    except InputError as error:
        return Captured(raw.kind, method=raw.method, place=raw.place, seen_at=raw.seen_at, fault=error.message)


def _interpreted(raw: RawRequest, vendors: Vendors) -> Captured:
    """Decode a request; raise InputError when it cannot be."""
    if raw.fault:
        raise InputError(f"the captured {raw.where} cannot be read: {raw.fault}", hint=f"give {WANTED}")
    if len(raw.target) + len(raw.body) > _MAX_REQUEST:
        raise InputError(f"the captured {raw.where} is longer than {_MAX_REQUEST} characters", hint=f"give {WANTED}")
    notes = [*filter(None, (raw.lacks,)), *raw.notes]
    target = split_target(raw.target) if raw.target else None
    query = mend(target.query, vendors.names, notes) if target else ""
    raw = replace(raw, body=mend(raw.body, vendors.names, notes))
    params = (*decode_query(query, notes), *decode_body(raw, notes))
    if len(params) > _MAX_PARAMETERS:
        raise InputError(f"the captured {raw.where} has more than {_MAX_PARAMETERS} parameters", hint=f"give {WANTED}")
    host = (target.host if target else None) or raw.host
    path = target.path if target else None
    return Captured(
        kind=raw.kind,
        params=params,
        method=raw.method,
        host=host,
        path=path,
        seen_at=raw.seen_at,
        providers=vendors.of(host, path, params),
        notes=tuple(dict.fromkeys(notes)),
        raw_query=to_bytes(query),
        raw_form=to_bytes(raw.body) if is_form(raw) else None,
        place=raw.place,
        readings=raw.readings,
        lacks=raw.lacks,
        unread_as=other_type(raw),
    )

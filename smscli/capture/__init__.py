"""Requests as people keep and pass them on: URLs, form bodies, curl commands, access-log lines, read and written.

This package is pure. It reads text that another program, a shell history or a server left behind, finds the vendor
in it, and names what damaged it; and it writes a request as a curl command. It signs nothing and knows no clock:
``staleness`` takes the time.

::

    _texts.py      a URL, a form body or a log line -> what was sent, still encoded
    _curl.py       a curl command                   -> what was sent, still encoded
    _decoding.py   encoded parameters -> pairs
    _vendor.py     whose request it is
    _staleness.py  how far a stamp is from a clock
    _writing.py    parameters -> a request -> a curl command, and whose account it names
"""

from __future__ import annotations

from dataclasses import dataclass, field

from smscli.capture._curl import curl
from smscli.capture._decoding import decode_pairs
from smscli.capture._staleness import staleness
from smscli.capture._texts import WANTED, form_body, log_line, url
from smscli.capture._vendor import candidates
from smscli.capture._writing import address, curl_command, identity
from smscli.errors import InputError
from smscli.model import Pairs

__all__ = ["MAX_CAPTURE", "Captured", "address", "curl_command", "identity", "read", "staleness"]

MAX_CAPTURE = 64 * 1024
"""Characters; the longest request of any vendor is a tenth of it."""

_MAX_PARAMETERS = 500


@dataclass(frozen=True, slots=True)
class Captured:
    """A request as far as the text tells. ``params`` are decoded, in order, those of the query before the body's.

    ``providers`` are the vendors it may be for, best first. ``seen_at`` is when a server logged it, in Unix seconds.
    """

    kind: str
    params: Pairs = field(repr=False)
    method: str | None = None
    host: str | None = None
    path: str | None = None
    seen_at: int | None = None
    providers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read(text: str) -> Captured:
    """Return the request in ``text``; raise InputError, saying what was looked for, when there is none."""
    if len(text) > MAX_CAPTURE:
        raise InputError(f"the capture is longer than {MAX_CAPTURE} characters", hint=f"give one request: {WANTED}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError("the capture is not UTF-8", hint="convert it first, for instance with iconv")
    text = text.removeprefix("\ufeff").strip().removeprefix("$ ")
    notes: list[str] = []
    raw = curl(text, notes) or log_line(text, notes) or url(text) or form_body(text)
    if raw is None:
        raise InputError("there is no request in the capture", hint=f"give {WANTED}")
    params = (*decode_pairs(raw.query, "query", notes), *raw.fields, *decode_pairs(raw.body, "form", notes))
    if not params:
        raise InputError(f"there are no parameters in the captured {raw.kind}", hint=f"give {WANTED}")
    if len(params) > _MAX_PARAMETERS:
        raise InputError(f"the captured {raw.kind} has more than {_MAX_PARAMETERS} parameters", hint=f"give {WANTED}")
    return Captured(
        kind=raw.kind,
        params=params,
        method=raw.method,
        host=raw.host,
        path=raw.path,
        seen_at=raw.seen_at,
        providers=tuple(provider.name for provider in candidates(raw, params)),
        notes=tuple(dict.fromkeys(notes)),
    )

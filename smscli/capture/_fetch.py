"""``fetch(…)`` of JavaScript, as browsers copy it ("Copy as fetch", for a page or for Node.js) or people type it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import accumulate, pairwise
from urllib.parse import quote_plus

from smscli.capture._request import FORM, RawRequest, to_bytes
from smscli.errors import InputError

_CALL = re.compile(r"(?<![\w.$])(?:window\.|globalThis\.)?fetch\(\s*")
_WRITTEN = re.compile(rf"{_CALL.pattern}[\"'`]")
_STRING = r"""(?:"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|`[^`\\$]*`)"""
_PIECE = re.compile(
    rf"(?P<string>{_STRING})|(?P<comment>//[^\n]*|/\*[\s\S]*?\*/)|(?P<unclosed>[\"']|/\*)|(?P<open>[\[({{])|(?P<close>[\])}}])|[^\"'`/\[\](){{}}]+|[\s\S]"
)
_MADE = re.compile(
    rf"(?:new\s+(URLSearchParams)|(JSON)\.stringify)\(\s*(\{{[^{{}}]*\}}|{_STRING})\s*\)(?:\.toString\(\))?"
)
_MAX_OBJECT = 8192
"""Characters of an object that is JavaScript and no JSON; the reader of it is slow."""
_MAX_CALLS = 200
_READ_AS = {"method": "the method", "headers": "headers", "body": "the body"}


def calls_fetch(text: str) -> bool:
    """Return whether a text calls it with an address that is written there."""
    return bool(_WRITTEN.search(text))


def calling_lines(text: str) -> list[int]:
    """Return the numbers of the lines where such calls begin, from 0 on."""
    starts = [match.start() for match in _WRITTEN.finditer(text)]
    counts = (text.count("\n", begin, end) for begin, end in pairwise([0, *starts]))
    return list(dict.fromkeys(accumulate(counts)))


def fetch(text: str) -> list[RawRequest]:
    """Return the requests of all the calls in a text."""
    calls = list(_CALL.finditer(text))
    if len(calls) > _MAX_CALLS:
        raise InputError(f"the capture has more than {_MAX_CALLS} calls of fetch", hint="give some of them")
    return [_request(text, call) for call in calls]


def _request(text: str, call: re.Match[str]) -> RawRequest:
    kind, place = "fetch call", f"line {1 + text.count(chr(10), 0, call.start())}"
    arguments = _inside(text, call.end())
    address = re.match(_STRING, arguments)
    rest = arguments[address.end() :].strip() if address else ""
    if address is None or rest[:1] not in ("", ","):
        return RawRequest(
            kind, body=arguments, place=place, fault="its address is put together elsewhere in the program"
        )
    target, options = _value(address[0]), _value(rest[1:].strip().rstrip(",") or "{}")
    if not isinstance(options, dict):
        return RawRequest(kind, body=arguments, place=place, fault="its options are not written out in the call")
    own = options.get("headers")
    body, usual = _body(options.get("body"))
    pairs = [(str(name), str(value)) for name, value in own.items()] if isinstance(own, dict) else []
    # Headers in another form than this may name one.
    headers = (("Content-Type", usual), *pairs) if isinstance(own, dict | None) else ()
    readings = (
        "first argument: the address",
        *(f"{name}: {_READ_AS.get(name, 'no part of the request')}" for name in options),
    )
    return RawRequest(
        kind, str(target), str(options.get("method", "GET")).upper(), headers, body, place=place, readings=readings
    )


def _inside(text: str, start: int) -> str:
    """Return what stands between a bracket and the one that closes it, without comments."""
    depth, inside = 1, []
    for match in _PIECE.finditer(text, start):
        depth += bool(match["open"]) - bool(match["close"])
        if not depth or match["unclosed"]:
            break
        inside.append("" if match["comment"] else match[0])
    return "".join(inside).strip()


def _value(source: str) -> object:
    """Return a literal of JavaScript, or None for what is none; ``URLSearchParams`` becomes an object of that name."""
    source = re.sub("`([^`\\\\$]*)`", lambda match: json.dumps(match[1]), source)
    source = _MADE.sub(lambda match: f'{{"{match[1] or match[2]}": {match[3]}}}', source)
    try:
        return json.loads(source)
    except (ValueError, RecursionError):
        pass
    if len(source) > _MAX_OBJECT:
        return None
    import json5  # only for who typed it

    try:
        return json5.loads(source)
    except (ValueError, RecursionError):
        return None


def _body(value: object) -> tuple[str, str]:
    """Return the text of a body, and the Content-Type that it has unless the headers name one. (whatwg.org)"""
    if isinstance(value, dict) and "URLSearchParams" in value:
        params = value["URLSearchParams"]
        return (_urlencoded(params) if isinstance(params, dict) else str(params)), f"{FORM};charset=UTF-8"
    if isinstance(value, dict):
        value = json.dumps(value.get("JSON"), ensure_ascii=False, separators=(",", ":"))
    return str(value or ""), "text/plain;charset=UTF-8"


def _urlencoded(params: Mapping[str, object]) -> str:
    pairs = ((to_bytes(str(name)), to_bytes(str(value))) for name, value in params.items())
    return "&".join(f"{quote_plus(name, '*')}={quote_plus(value, '*')}" for name, value in pairs).replace("~", "%7E")

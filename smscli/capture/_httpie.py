"""What an HTTPie command (``http``, ``https``, xh) sends, still encoded. (httpie.io/docs, and runs of 3.2)"""

from __future__ import annotations

import json
import re
from urllib.parse import quote

from smscli.capture._options import HTTPIE
from smscli.capture._request import FORM, RawRequest, encode, to_bytes
from smscli.capture._shell import Command
from smscli.capture._words import options
from smscli.model import visible

_ADDRESS = re.compile(
    r"(?i)\w*://|:\d*(?:/|$)|localhost|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}(?::\d+)?(?:[/?]|$)|[\d.]+(?:[:/]|$)"
)
_ITEM = re.compile(r"(?s)((?:[^\\:=@;]|\\.|\\$)*)(:=@|==@|=@|:=|==|@|:|=|;)(.*)")


def httpie(command: Command) -> list[RawRequest]:
    """Return the request of an HTTPie command; none when it has no address."""
    notes, readings = list(command.notes), []
    words, given = [], {}
    for name, value in options(command.words[1:], HTTPIE, command.line, notes):
        if name:
            given[name] = value
            readings.append(f"--{name}: {'body' if name == 'raw' else 'no part of the request'}")
        else:
            words.append(value)
    method = words.pop(0).upper() if words and re.fullmatch(r"[A-Za-z]+", words[0]) and len(words) > 1 else None
    if not words or not _ADDRESS.match(words[0]):
        return []
    items = _Items(command.line, notes, readings)
    for word in words[1:]:
        items.take(word)
    as_form = bool(given.keys() & {"form", "multipart"})
    headers = (("Content-Type", FORM if as_form else "application/json"), *items.headers)
    body = given["raw"] if "raw" in given else items.body(as_form=as_form) or command.stdin or ""
    fields = tuple((name, str(value)) for name, value in items.data) if "multipart" in given else ()
    sends = bool(body or fields)
    return [
        RawRequest(
            "HTTPie command", _address(words[0], command.words[0], items.query), method or ("POST" if sends else "GET"),
            headers, "" if fields else body, fields,
            place=f"line {command.line}", notes=tuple(notes), readings=tuple(readings),
        )
    ]  # fmt: skip


class _Items:
    """The request items of a command: headers, query and data."""

    def __init__(self, line: int, notes: list[str], readings: list[str]) -> None:
        self._line, self._notes, self._readings = line, notes, readings
        self.query: list[tuple[str, str]] = []
        self.headers: tuple[tuple[str, str], ...] = ()
        self.data: list[tuple[str, object]] = []

    def take(self, word: str) -> None:
        """Take one item: ``name=value``, ``name==value``, ``name:=json``, ``name:value`` or a file."""
        match = _ITEM.fullmatch(word)
        if match is None:
            self._notes.append(f"line {self._line}: a word that is no request item is passed over")
            return
        name, separator, value = re.sub(r"\\([:=@;\\])", r"\1", match[1]), match[2], match[3]
        kinds = {"==": "query", "=": "data", ":=": "data, JSON", ":": "header"}
        self._readings.append(f"{visible(name)}{separator}: {kinds.get(separator, 'from a file')}")
        if separator == "==":
            self.query.append((name, value))
        elif separator == ":":
            self.headers = (*self.headers, (name, value.strip()))
        elif separator == "=":
            self.data.append((name, value))
        elif separator == ":=":
            self._take_json(name, value)
        else:
            self._notes.append(f"{visible(name)} comes from a file, which is not in the capture")

    def _take_json(self, name: str, value: str) -> None:
        try:
            self.data.append((name, json.loads(value)))
        except (ValueError, RecursionError):
            self._notes.append(f"line {self._line}: the value of {visible(name)}:= is no JSON; it is passed over")

    def body(self, *, as_form: bool) -> str:
        """Return the body that the data make."""
        if as_form:
            return encode((name, value if isinstance(value, str) else json.dumps(value)) for name, value in self.data)
        return json.dumps(dict(self.data)) if self.data else ""


def _address(word: str, tool: str, query: list[tuple[str, str]]) -> str:
    """Return the address: ``:8000/x`` and ``/x`` are of this machine; requests, its library, escapes what it must."""
    word = word.removeprefix("://")
    if not re.match(r"\w+://", word):
        shorthand = re.match(r":(\d*)(.*)", word, re.DOTALL)
        word = f"localhost{f':{shorthand[1]}' if shorthand[1] else ''}{shorthand[2]}" if shorthand else word
        word = f"{'https' if tool == 'https' else 'http'}://{word}"
    address = quote(to_bytes(word), safe="%!#$&'()*+,/:;=?@~")
    address = re.sub(r"(?<=//)%5B(.*?)%5D", r"[\1]", address)  # of an IPv6 address
    more = encode(query)
    return address + (("&" if "?" in address else "?") + more if more else "")

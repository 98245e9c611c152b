"""Encoded parameters into pairs; what damaged them on the way is mended and named."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from smscli.model import Pairs, visible

# HTML entities that browsers read without a semicolon and that begin a parameter name someone may have.
_ENTITIES = {"×": "times", "©": "copy", "®": "reg", "¬": "not", "¶": "para", "§": "sect", "¤": "curren"}
_DAMAGED = re.compile(
    "(" + "|".join(f"{character}|{quote(character)}" for character in _ENTITIES) + r")([A-Za-z_]*)=", re.IGNORECASE
)


def decode_pairs(encoded: str, where: str, notes: list[str]) -> Pairs:
    """Return the decoded parameters of a ``"query"`` or ``"form"``; what was odd about them is added to ``notes``."""
    if re.search(r"&amp;[\w\[\]%]+=", encoded):
        notes.append("&amp; stood for & between the parameters: the text went through HTML")
        encoded = encoded.replace("&amp;", "&")
    encoded = _DAMAGED.sub(lambda match: _mend(match, notes), encoded)
    if where == "query" and "#" in encoded:
        notes.append("what follows # in an address is never sent; a # in a value must be written %23")
        encoded = encoded.partition("#")[0]
    pieces = (piece.partition("=") for piece in encoded.split("&") if piece)
    return tuple((_decode(name, name, notes), _decode(value, name, notes)) for name, _, value in pieces)


def _mend(match: re.Match[str], notes: list[str]) -> str:
    character = unquote_to_bytes(match[1]).decode()
    name = _ENTITIES[character] + match[2]
    notes.append(f"{character}{match[2]}= is &{name}= damaged by HTML, where &{_ENTITIES[character]} is {character}")
    return f"&{name}="


def _decode(text: str, name: str, notes: list[str]) -> str:
    data = unquote_to_bytes(text.replace("+", " "))
    try:
        return data.decode()
    except UnicodeDecodeError:
        notes.append(f"{visible(name)} is not UTF-8 on the wire; it is read as windows-1251")
        return data.decode("cp1251", "replace")

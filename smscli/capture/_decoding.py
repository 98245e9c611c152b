"""What a request carries -> pairs; what damaged them on the way is mended and named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote, unquote_to_bytes

from smscli.capture._request import FORM, RawRequest, to_bytes, to_text
from smscli.errors import InputError
from smscli.model import Pairs, visible

# HTML entities that browsers read without a semicolon and that begin a parameter name someone may have.
_ENTITIES = {"×": "times", "©": "copy", "®": "reg", "¬": "not", "¶": "para", "§": "sect", "¤": "curren"}
_DAMAGED = re.compile(
    "(" + "|".join(f"{character}|{quote(character)}" for character in _ENTITIES) + r")([A-Za-z_]*)=", re.IGNORECASE
)


def mend(encoded: str, names: frozenset[str], notes: list[str]) -> str:
    """Return encoded parameters as they were before they went through HTML; what was odd is added to ``notes``.

    An entity is taken for the beginning of a parameter only when that has one of the ``names``.
    """
    if re.search(r"&amp;[\w\[\]%]+=", encoded):
        notes.append("&amp; stood for & between the parameters: the text went through HTML")
        encoded = encoded.replace("&amp;", "&")
    return _DAMAGED.sub(lambda match: _mended(match, names, notes), encoded)


def _mended(match: re.Match[str], names: frozenset[str], notes: list[str]) -> str:
    character = unquote_to_bytes(match[1]).decode()
    name = _ENTITIES[character] + match[2]
    if name not in names:
        return match[0]
    notes.append(f"{character}{match[2]}= is &{name}= damaged by HTML, where &{_ENTITIES[character]} is {character}")
    return f"&{name}="


def decode_query(encoded: str, notes: list[str]) -> Pairs:
    """Return the decoded parameters of a query."""
    encoded, hash_, _ = encoded.partition("#")
    if hash_:
        notes.append("what follows # in an address is never sent; a # in a value must be written %23")
    return decode_pairs(encoded, notes)


def decode_pairs(encoded: str, notes: list[str]) -> Pairs:
    """Return the decoded parameters of a query or form."""
    pieces = (piece.partition("=") for piece in encoded.split("&") if piece)
    return tuple((_decode(name, name, notes), _decode(value, name, notes)) for name, _, value in pieces)


def _decode(text: str, name: str, notes: list[str]) -> str:
    return _read_text(unquote_to_bytes(to_bytes(text.replace("+", " "))), name, notes)


def _read_text(data: bytes, name: str, notes: list[str]) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        notes.append(f"{visible(name)} is not UTF-8 on the wire; no charset is known, so it is read as windows-1251")
        return data.decode("cp1251", "replace")


def is_form(raw: RawRequest) -> bool:
    """Return whether the body is pairs joined by ``&``, as far as it tells itself; an empty one is."""
    return not raw.fields and not _is_multipart(raw) and not raw.body.lstrip().startswith(("{", "["))


def _is_multipart(raw: RawRequest) -> bool:
    return "multipart/form-data" in raw.header("content-type").lower()


def decode_body(raw: RawRequest, notes: list[str]) -> Pairs:
    """Return the parameters of a body, read as its Content-Type says; InputError for a body without any."""
    if not all(name for name, _ in raw.fields):
        notes.append("a part of the multipart body has no name: it is no parameter")
    if raw.fields or not raw.body.strip():
        return tuple(pair for pair in raw.fields if pair[0])
    if _is_multipart(raw):
        return _multipart(raw, notes)
    if not is_form(raw):
        notes.append(_about_json(raw))
        return tuple(_json(raw.body))
    if other := other_type(raw):
        notes.append(
            f"the body looks like a form, but its Content-Type is {other}: a vendor reads a form only as {FORM}"
        )
    return decode_pairs(raw.body, notes)


def other_type(raw: RawRequest) -> str:
    """Return the Content-Type of a form that is sent as something else; empty where it is a form's, or not known."""
    content_type = raw.header("content-type").lower()
    if not (raw.body.strip() and is_form(raw) and raw.names_type) or FORM in content_type:
        return ""
    return visible(content_type.partition(";")[0]) or "empty"


def _multipart(raw: RawRequest, notes: list[str]) -> Pairs:
    from email import message_from_bytes  # only for a body of several parts

    head = f"Content-Type: {raw.header('content-type')}\r\n\r\n"
    try:
        parts = list(message_from_bytes(to_bytes(head + raw.body.lstrip("\r\n"))).walk())
    except RecursionError:
        raise InputError("parts of the multipart body are nested too deeply", hint="copy one request") from None
    pairs = []
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            continue
        if part.get_filename() is not None:
            notes.append(f"{visible(name)} is a file, which is no parameter")
            continue
        data = part.get_payload(decode=True)
        pairs.append((name, _read_text(data if isinstance(data, bytes) else b"", name, notes)))
    if not pairs:
        notes.append("no part of the multipart body can be read: its boundary is missing")
    return tuple(pairs)


def _about_json(raw: RawRequest) -> str:
    """Say who reads such a body: the sandbox, and MainSMS' platform as far as its public clients tell."""
    content_type = raw.header("content-type").lower()
    if raw.names_type and "json" not in content_type:
        return (
            f"the body is JSON, but its Content-Type is {visible(content_type.partition(';')[0]) or 'empty'}: "
            "it is read as none by the sandbox, and no vendor documents it"
        )
    return (
        "the body is JSON: the sandbox reads it, and clients of MainSMS' platform send it, but no vendor documents it; "
        f"what all read is a form ({FORM})"
    )


def _json(text: str) -> Iterator[tuple[str, str]]:
    """Yield the members of a JSON object; numbers stay as they are written."""
    try:
        members = json.loads(text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise InputError("the JSON body in the capture cannot be read", hint="copy the whole request") from None
    for member in members if isinstance(members, list) else ():
        if not (isinstance(member, tuple) and not isinstance(member[1], list)):
            raise InputError(
                "the JSON body in the capture holds lists or objects, which are no parameters of a form",
                hint=f"send {FORM}",
            )
        words = {True: "true", False: "false", None: "null"}
        name, value = member
        # JSON can name half a character, which UTF-8 cannot send.
        yield to_text(to_bytes(name)), to_text(to_bytes(value)) if isinstance(value, str) else words[value]

"""Parameters out of a raw request, as the vendors' PHP gathers them. This module is pure.

The rules are those of PHP itself (``php_variables.c``, ``rfc1867.c``): bytes are decoded once, ``+`` is a space, a
broken ``%`` stays; dots and spaces in a name become ``_``; ``name[]``, ``name[0]`` and ``name[a][b]`` make arrays; the
last of a repeated name wins, in the place of the first; at most 1000 parameters a source. The tests compare with PHP.
The form goes before the query, an array of both is merged.

Two things PHP does only when told are done for everybody: a body is read whatever the method (the payforsms page shows
a GET with a multipart body), and a JSON object counts as a form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from urllib.parse import unquote_to_bytes

from smscli.model import Pairs
from smscli.sandbox._raw import RawRequest
from smscli.wire import MalformedAnswer, decode_json

MOST = 1000
"""Parameters of one source that are read: PHP's ``max_input_vars``."""

_LEVELS = 64  # of an array: PHP's max_input_nesting_level
_LARGEST = 2**63 - 1

_Key = bytes | int
_Tree = dict[_Key, "bytes | _Tree"]
_PLAIN = bytes.maketrans(b" .", b"__")
_PLAIN_TAIL = bytes.maketrans(b" .[", b"___")


def gather(request: RawRequest) -> Pairs:
    """Return the parameters of query and body in their order.

    An array of values under numbers is its values under ``name[]``; of any other each value stands under its own path,
    ``name[a][b]``. What is not UTF-8 becomes U+FFFD.
    """
    tree = parse_query(request.query)
    kind = request.header(b"content-type")
    name = re.split("[;, ]", kind.strip(), maxsplit=1)[0].lower()
    if name == "application/x-www-form-urlencoded":
        _merge(tree, parse_query(request.body))
    elif name == "multipart/form-data":
        _merge(tree, _plant(_parts(kind, request.body)))
    elif name == "application/json" or (name.startswith("application/") and name.endswith("+json")):
        _merge(tree, _members(request.body))
    return tuple((path.decode("utf-8", "replace"), value.decode("utf-8", "replace")) for path, value in _flatten(tree))


def parse_query(data: bytes) -> _Tree:
    """Return what PHP's ``parse_str`` makes of the bytes: values, and arrays as dictionaries."""
    pairs = (pair.partition(b"=")[::2] for pair in data.split(b"&") if pair)
    return _plant((_decode(name), _decode(value)) for name, value in pairs)


def _decode(data: bytes) -> bytes:
    return unquote_to_bytes(data.replace(b"+", b" "))


def _plant(pairs: Iterable[tuple[bytes, bytes]]) -> _Tree:
    tree: _Tree = {}
    for count, (name, value) in enumerate(pairs):
        if count == MOST:
            break
        keys = _keys(name.partition(b"\0")[0].lstrip(b" "))
        if len(keys) > _LEVELS + 1:
            tree.pop(_key(keys[0] or b""), None)
        elif keys:
            _put(tree, keys, value)
    return tree


def _keys(name: bytes) -> list[bytes | None]:
    """Return the name of a variable, and the keys in brackets behind it; None is the next free number."""
    head, bracket, _ = name.partition(b"[")
    if not head:
        return []
    keys: list[bytes | None] = [head.translate(_PLAIN)]
    at = len(head)
    while bracket == b"[":
        start = at + 1
        # One space before the bracket that closes is passed over, and belongs to any other key.
        first = start + 1 if name[start : start + 1] in (b" ", b"\t", b"\n", b"\v", b"\f", b"\r") else start
        end = name.find(b"]", first)
        if end < 0:
            # No bracket closes: no key either, and the first such bracket is part of the name.
            return [keys[0] + b"_" + name[start:].translate(_PLAIN_TAIL)] if len(keys) == 1 and keys[0] else keys
        keys.append(None if end == first else name[start:end])
        at, bracket = end + 1, name[end + 1 : end + 2]
    return keys


def _put(tree: _Tree, keys: list[bytes | None], value: bytes) -> None:
    while True:
        key = _next(tree) if keys[0] is None else _key(keys[0])
        if isinstance(key, int) and key > _LARGEST:
            return  # no number is free
        keys = keys[1:]
        if not keys:
            tree[key] = value
            return
        child = tree.get(key)
        if not isinstance(child, dict):
            child = tree[key] = {}
        tree = child


def _key(name: bytes) -> _Key:
    """Return a decimal number as a number, as PHP's arrays do."""
    if re.fullmatch(rb"0|-?[1-9][0-9]{0,18}", name) and ~_LARGEST <= int(name) <= _LARGEST:
        return int(name)
    return name


def _next(tree: _Tree) -> int:
    return max((key for key in tree if isinstance(key, int)), default=-1) + 1


def _merge(tree: _Tree, other: _Tree) -> None:
    """Put ``other`` over ``tree``: an array goes into an array, anything else takes the place of what was there."""
    for key, value in other.items():
        own = tree.get(key)
        if isinstance(own, dict) and isinstance(value, dict):
            _merge(own, value)
        else:
            tree[key] = value


def _flatten(tree: _Tree) -> Iterator[tuple[bytes, bytes]]:
    for key, value in tree.items():
        yield from _leaves(_written(key), value)


def _leaves(path: bytes, value: bytes | _Tree) -> Iterator[tuple[bytes, bytes]]:
    if isinstance(value, bytes):
        yield path, value
        return
    is_list = all(isinstance(key, int) and isinstance(one, bytes) for key, one in value.items())
    for key, one in value.items():
        yield from _leaves(path + (b"[]" if is_list else b"[%s]" % _written(key)), one)


def _written(key: _Key) -> bytes:
    return b"%d" % key if isinstance(key, int) else key


# --- other bodies ----------------------------------------------------------------------------------------------------


def _parts(kind: str, body: bytes) -> list[tuple[bytes, bytes]]:
    """Return name and value of each part of a multipart body that is no file, up to where it breaks off.

    The parser is python-multipart, which most Python frameworks have: the standard library's parser of mail takes a
    second for a megabyte of empty lines, and walks into parts within parts.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    fields: list[tuple[bytes, bytes]] = []
    head, value, disposition = bytearray(), bytearray(), bytearray()
    heads: dict[bytes, bytes] = {}

    def begin() -> None:
        for one in (head, value, disposition):
            one.clear()
        heads.clear()

    def name_header() -> None:
        heads[bytes(head).lower()] = bytes(disposition)
        head.clear()
        disposition.clear()

    def end() -> None:
        options = parse_options_header(heads.get(b"content-disposition", b""))[1]
        if b"name" in options and b"filename" not in options:
            fields.append((options[b"name"], bytes(value)))

    boundary = parse_options_header(kind)[1].get(b"boundary", b"")
    if not boundary:
        return []
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": begin,
                "on_header_field": lambda data, start, stop: head.extend(data[start:stop]),
                "on_header_value": lambda data, start, stop: disposition.extend(data[start:stop]),
                "on_header_end": name_header,
                "on_part_data": lambda data, start, stop: value.extend(data[start:stop]),
                "on_part_end": end,
            },
        )
        parser.logger.disabled = True  # it would print a warning about each body that breaks off
        parser.write(body)
    except FormParserError:
        pass
    return fields


def _members(body: bytes) -> _Tree:
    """Return the members of a JSON object, none of anything else; a list is an array, and null is not there."""
    try:
        value = decode_json(body)
    except MalformedAnswer:
        return {}
    if not isinstance(value, dict):
        return {}
    tree: _Tree = {}
    for name, member in islice(value.items(), MOST):
        if isinstance(member, list):
            tree[_bytes(name)] = {place: _bytes(item) for place, item in enumerate(member[:MOST])}
        elif member is not None:
            tree[_bytes(name)] = _bytes(member)
    return tree


def _bytes(value: object) -> bytes:
    # JSON can spell half a surrogate pair, which no encoding can write again.
    return str(value).encode("utf-8", "replace")

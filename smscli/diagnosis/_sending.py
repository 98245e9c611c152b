"""Faults of the sending: what the bytes of a request do to values on their way, whatever was signed.

A signature is made of values, a request carries bytes. Where a value is not encoded, another one arrives, and the
vendor calls a right signature wrong. ``readings`` says what the program may have meant by its bytes; whether it did,
its signature tells. ``faults`` says what is wrong with the bytes in any case.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from smscli.diagnosis._findings import Finding
from smscli.diagnosis._respelling import EIGHT_BIT, charsets_in_words
from smscli.model import Pairs, visible
from smscli.signing import counted_params, repeated_names

_FRAGMENT = re.compile(rb"=[0-9A-Fa-f]{32,}#[^#&=]*$")
"""What is no part of a signature, and no parameter: nobody misses it."""

_ESCAPED = re.compile(rb"%u[0-9A-Fa-f]{4}")
_ENCODED = re.compile(rb"(?:[\w.~*!'()/?:@=+$,;\[\]-]|%[0-9A-Fa-f]{2})*")
"""What encoders write, ``encodeURI`` among them."""
_ENCODE = (
    "encode every value (PHP: http_build_query; JavaScript: URLSearchParams, encodeURIComponent; Python: urlencode; "
    "Go: url.Values.Encode; Java: URLEncoder; curl: --data-urlencode)"
)


CODES = frozenset(("percent-unescaped", "percent-u", "not-encoded"))
"""Faults for which a value was decoded that was not meant to be: that it is no UTF-8 then says nothing."""


class Reading(NamedTuple):
    """What a program may have meant by the bytes it sent, and the faults that made something else of it.

    ``is_doubtful``: the bytes look as if they were right, and a single mistake of the signing is likelier.
    """

    findings: tuple[Finding, ...]
    params: Pairs
    is_doubtful: bool = False


class _Piece(NamedTuple):
    """One parameter as its bytes stand in the request; ``bare``: without ``=``."""

    name: bytes
    value: bytes
    bare: bool = False


def readings(query: bytes, form: bytes, names: Collection[str] = ()) -> tuple[Reading, ...]:
    """Return what the bytes of query and body may have been meant to say, where that is not what they do say.

    Both are as they travel, without ``?``; a ``#`` in the query cuts off what follows. ``names`` are those that
    parameters can have, where they are known, arrays without brackets. Likeliest first.
    """
    sent, whole = _pieces(query.partition(b"#")[0], form), _pieces(query, form)
    # What is not UTF-8 is read as windows-1251 here, and by no vendor.
    foreign = _names(sent, lambda value: not _is_utf8(_usual(value)))
    usual = (_wire_charset(foreign, EIGHT_BIT[0]),) if foreign else ()
    meant: dict[Pairs, tuple[Finding, ...]] = {counted_params(_read(sent)): usual}
    if names:
        joinings = [(*_owned(query, names), *_owned(form, names))]
    else:
        joinings = [_rejoined(whole, literally=literally) for literally in (False, True)]
    for findings, params in _meanings(sent, whole, joinings):
        meant.setdefault(counted_params(params), findings)
    for finding, params in _once(sent):
        meant.setdefault(params, (finding,))
    doubtful = _doubtful(sent)
    return tuple(
        Reading(findings, params, findings[0].name in doubtful) for params, findings in meant.items() if findings
    )


def _doubtful(sent: tuple[_Piece, ...]) -> frozenset[str]:
    """Return the faults that proper bytes look like: what an encoder has written may have been signed as it stands.

    Nobody means the codes of a well encoded value; and whoever encodes twice leaves no ``+`` as it is.
    """
    names: set[str] = set()
    if all(_ENCODED.fullmatch(piece.value) and _is_utf8(_usual(piece.value)) for piece in sent if b"%" in piece.value):
        names |= {"percent-unescaped", "not-encoded"}
    if any(b"+" in piece.value and _usual(_usual(piece.value)) != _usual(piece.value) for piece in sent):
        names.add("encoded-twice")
    return frozenset(names)


def faults(query: bytes, form: bytes) -> tuple[Finding, ...]:
    """Return what is wrong with the bytes whatever they mean: no program may send them so."""
    return tuple(_certain(query, form))


def refusals(query: bytes, form: bytes, signature: str, *, literal: bool, unread_as: str = "") -> tuple[Finding, ...]:
    """Return the faults for which a server refuses the request although its signature is right.

    One of them is a signature behind ``#``. ``literal``: the query stands as in the line of the request;
    otherwise a client may yet encode spaces, and what is not ASCII. ``unread_as``: the Content-Type of a form that
    is sent as something else; a signature in it arrives nowhere.
    """
    undecodable = any(
        not _is_utf8(_usual(piece.value)) and (literal or piece.value.isascii()) for piece in _pieces(query, form)
    )
    sent, _, unsent = query.partition(b"#")
    lost = signature.encode() in unsent and signature.encode() not in sent + form
    certain = (undecodable and "wire-charset", literal and "space-unescaped", lost and "hash-unescaped")
    named = tuple(fault for fault in faults(query, form) if fault.name in certain)
    unread = bool(unread_as) and signature.encode() in form and signature.encode() not in sent
    return (*named, _type_fault(unread_as)) if unread else named


def _type_fault(content_type: str) -> Finding:
    return _finding(
        "body-type",
        f"the body is a form, but its Content-Type is {content_type}: no parameter in it is read.",
        "send it with Content-Type: application/x-www-form-urlencoded.",
    )


def _finding(name: str, sentence: str, fix: str) -> Finding:
    return Finding(name, sentence, fix, "sending")


def _pieces(query: bytes, form: bytes) -> tuple[_Piece, ...]:
    pieces = (piece.partition(b"=") for part in (query, form) for piece in part.split(b"&") if piece)
    return tuple(_Piece(name, value, not equals) for name, equals, value in pieces)


def _text(data: bytes, charset: str = "utf-8") -> str:
    """Return the decoded text; what is not UTF-8 is taken for windows-1251, as the rest of the program reads it."""
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        return data.decode("windows-1251", "replace")


def _usual(value: bytes) -> bytes:
    return unquote_to_bytes(value.replace(b"+", b" "))


def _read(pieces: tuple[_Piece, ...], decode: Callable[[bytes], bytes] = _usual, charset: str = "utf-8") -> Pairs:
    return tuple((_text(_usual(piece.name), charset), _text(decode(piece.value), charset)) for piece in pieces)


def _read_texts(pieces: tuple[_Piece, ...], decode: Callable[[str], str]) -> Pairs:
    return tuple((_text(_usual(piece.name)), decode(_text(piece.value))) for piece in pieces)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(map(visible, names)))


def _names(pieces: tuple[_Piece, ...], affected: Callable[[bytes], object]) -> str:
    return _listed(_text(_usual(piece.name)) for piece in pieces if affected(piece.value))


# --- what may have been meant ----------------------------------------------------------------------------------------


def _meanings(
    sent: tuple[_Piece, ...], whole: tuple[_Piece, ...], joinings: Iterable[tuple[_Piece, ...]]
) -> Iterator[tuple[tuple[Finding, ...], Pairs]]:  # fmt: skip
    names = _names(sent, lambda value: b"+" in value)
    write = "+ arrives as a space: write %2B for it"
    plus = _finding("plus-unescaped", f"{names}: + was sent as it is.", f"{write}; {_ENCODE}.")
    yield (plus,), _read(sent, unquote_to_bytes)
    leading = _names(sent, lambda value: re.search(rb"(?:^|,)\+\d", value))
    yield (
        (_finding("plus-unescaped", f"{leading}: + was sent as it is.", f"{write}; {_ENCODE}."),),
        _read(sent, lambda value: _usual(re.sub(rb"(^|,)\+(?=\d)", rb"\1%2B", value))),
    )
    if whole != sent:
        yield (_hash_fault(whole),), _read(whole)
    yield from _written_twice(sent)
    if b"%u" in b"".join(piece.value for piece in sent):
        escaped = (_escape_fault(sent),)
        yield escaped, _read_texts(sent, _unescape)
        yield escaped, _read_texts(sent, lambda text: _unescape(text) if "%u" in text else _text(_usual(text.encode())))
    for joined in joinings:
        if joined != whole:
            cut = _cut_fault(joined, whole)
            yield (cut,), _read(joined)
            yield (plus, cut), _read(joined, unquote_to_bytes)
            yield (cut,), _read(joined, lambda value: value.replace(b"%26", b"&"))
            yield from _as_html(_read(joined))
    twice = _names(sent, lambda value: _usual(_usual(value)) != _usual(value))
    yield (
        (
            _finding(
                "encoded-twice",
                f"{twice}: percent-encoded twice on the way.",
                "Encode once: hand plain values to a library that encodes on its own.",
            ),
        ),
        _read(sent, lambda value: _usual(_usual(value))),
    )
    percent = _names(sent, lambda value: b"%" in value)
    yield (
        (
            _finding(
                "percent-unescaped",
                f"{percent}: % was sent as it is, and what follows it was taken for a code.",
                f"Write %25 for %; {_ENCODE}.",
            ),
        ),
        _read(sent, lambda value: value.replace(b"+", b" ")),
    )
    yield (_finding("not-encoded", f"{percent}: nothing was encoded.", f"Please {_ENCODE}."),), _read(sent, bytes)
    if names := _names(sent, lambda value: not _is_utf8(_usual(value))):
        charsets: dict[Pairs, list[str]] = {}
        for charset in EIGHT_BIT:
            charsets.setdefault(_read(sent, charset=charset), []).append(charset)
        yield from (((_wire_charset(names, charsets_in_words(alike)),), meant) for meant, alike in charsets.items())


def _owned(part: bytes, names: Collection[str]) -> tuple[_Piece, ...]:
    """Return the pieces of a query or form, behind each what follows up to the next of the known names."""
    owned: list[_Piece] = []
    for piece in part.strip(b"&").split(b"&") if part else ():
        name, equals, value = piece.partition(b"=")
        if owned and not (equals and _text(_usual(name)).partition("[")[0] in names):
            before = owned.pop()
            owned.append(_Piece(before.name, before.value + b"%26" + piece, before.bare))
        else:
            owned.append(_Piece(name, value, not equals))
    return tuple(owned)


def _written_twice(sent: tuple[_Piece, ...]) -> Iterator[tuple[tuple[Finding, ...], Pairs]]:
    """Yield what was meant where proper values were written once more as HTML, or as UTF-8."""
    arrived = _read(sent)
    yield from _as_html(arrived)
    for charset in ("latin-1", "windows-1252", "windows-1251"):
        once = tuple((name, _undoubled(value, charset)) for name, value in arrived)
        doubled = _finding(
            "utf-8-doubled",
            f"{_changed(once, arrived)}: encoded in UTF-8 twice on the way; its bytes were taken for {charset}.",
            "Encode once: hand the text, not its UTF-8 bytes, to a library that encodes on its own (Perl: decode, or "
            "use utf8; PHP: no utf8_encode; Ruby: force_encoding).",
        )
        yield (doubled,), once


def _as_html(arrived: Pairs) -> Iterator[tuple[tuple[Finding, ...], Pairs]]:
    """Yield what was meant where it was written as HTML, once or twice."""
    plain = arrived
    for _ in range(2):
        plain = tuple((html.unescape(name.removeprefix("amp;")), html.unescape(value)) for name, value in plain)
        entities = _finding(
            "html-entities",
            f"{_changed(plain, arrived)}: sent as HTML, with &amp; for & or other entities.",
            "Send the plain text; &amp; belongs to pages only, and to an address as it stands in one.",
        )
        yield (entities,), plain


def _changed(meant: Pairs, arrived: Pairs) -> str:
    return _listed(pair[0] for pair, other in zip(meant, arrived, strict=True) if pair != other)


def _undoubled(value: str, charset: str) -> str:
    """Return the text whose UTF-8 bytes were read in this charset; the value as it is where it cannot be that.

    Places that a charset of Windows leaves open are control characters, as browsers read them.
    """
    try:
        return b"".join(_byte(one, charset) for one in value).decode()
    except UnicodeError:
        return value


def _byte(one: str, charset: str) -> bytes:
    return one.encode("latin-1" if "\x80" <= one < "\xa0" else charset)


def _unescape(text: str) -> str:
    """Return what JavaScript's ``unescape`` gives."""
    units = re.sub("%(?:u([0-9A-Fa-f]{4})|([0-9A-Fa-f]{2}))", lambda match: chr(int(match[1] or match[2], 16)), text)
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escape_fault(pieces: tuple[_Piece, ...]) -> Finding:
    names = _names(pieces, _ESCAPED.search)
    return _finding(
        "percent-u",
        f"{names}: escaped as by JavaScript's escape (%u0442), which no server reads.",
        "Write encodeURIComponent(text) for escape(text).",
    )


def _rejoined(pieces: tuple[_Piece, ...], *, literally: bool) -> tuple[_Piece, ...]:
    """Return the pieces with those that cannot be parameters of their own put back behind the value before them.

    ``literally`` takes for such also what has a name that no parameter has: with blanks or other than ASCII letters.
    """
    joined: list[_Piece] = []
    for piece in pieces:
        stray = piece.bare and not re.fullmatch(rb"[A-Za-z]\w*(?:\[\w*\])?", piece.name)
        if joined and (
            stray or (literally and not re.fullmatch(rb"[A-Za-z]\w*(?:(?:\[|%5B)\w*(?:\]|%5D))?", piece.name))
        ):
            name, value, _ = joined.pop()
            rest = piece.name if piece.bare else piece.name + b"=" + piece.value
            joined.append(_Piece(name, value + b"%26" + rest))
        else:
            joined.append(piece)
    return tuple(joined)


def _cut_fault(joined: tuple[_Piece, ...], pieces: tuple[_Piece, ...]) -> Finding:
    names = _names(joined, lambda value: value not in {piece.value for piece in pieces})
    return _finding(
        "ampersand-unescaped",
        f"{names}: & was sent as it is, and cut the value there.",
        f"Write %26 for &; {_ENCODE}.",
    )


def _hash_fault(pieces: tuple[_Piece, ...]) -> Finding:
    names = _names(pieces, lambda value: b"#" in value)
    return _finding(
        "hash-unescaped", f"{names}: # was sent as it is; what follows it never leaves.", f"Write %23 for #; {_ENCODE}."
    )


def _wire_charset(names: str, charset: str) -> Finding:
    return _finding(
        "wire-charset",
        f"{names}: sent in another charset than UTF-8 ({charset}).",
        "Send UTF-8, the bytes that were signed; or tell the HTTP library which charset the text is in.",
    )


def _once(pieces: tuple[_Piece, ...]) -> Iterator[tuple[Finding, Pairs]]:
    params = _read(pieces)
    if not (names := repeated_names(params)):
        return
    fix = "Send each name once; a server keeps the last one (PHP, unless the name ends in []) or the first."
    firsts = dict(reversed(params))
    first = tuple((name, value if name.endswith("]") else firsts[name]) for name, value in counted_params(params))
    for words, meant in (("signed once (the first)", first), ("and signed each time", params)):
        yield _finding("name-repeated", f"{', '.join(map(visible, names))}: sent more than once, {words}.", fix), meant


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


# --- what is wrong in any case ---------------------------------------------------------------------------------------


def _certain(query: bytes, form: bytes) -> Iterator[Finding]:
    whole = _pieces(query, form)
    if b"#" in query and not _FRAGMENT.search(query):
        yield _hash_fault(_pieces(query, b""))
    if b" " in query:
        names = _names(_pieces(query, b""), lambda value: b" " in value)
        yield _finding(
            "space-unescaped",
            f"{names}: a space was sent as it is; the request ends there for a server.",
            f"Write %20 for it; {_ENCODE}.",
        )
    joined = _rejoined(whole, literally=False)
    if joined != whole:
        yield _cut_fault(joined, whole)
    if _names(whole, _ESCAPED.search):
        yield _escape_fault(whole)
    if names := _names(whole, lambda value: re.search(rb"%(?![0-9A-Fa-f]{2})", _ESCAPED.sub(b"", value))):
        yield _finding(
            "percent-unescaped", f"{names}: % was sent as it is; it begins a code.", f"Write %25 for %; {_ENCODE}."
        )
    if names := _names(whole, lambda value: not _is_utf8(_usual(value))):
        yield _wire_charset(names, "it is not valid UTF-8")
    elif names := _names(whole, lambda value: not value.isascii()):
        yield _finding(
            "bytes-unescaped",
            f"{names}: characters beyond ASCII were sent as raw bytes.",
            f"Servers may cut or refuse them; {_ENCODE}.",
        )

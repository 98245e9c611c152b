"""Why an emulator refuses a request, in words for whoever writes the client: one function a check.

Each gets what came and returns a sentence, or None where it finds nothing wrong. Values are not repeated, for a client
under development may put its key anywhere; only what was lost or damaged on the way is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from smscli.model import Pairs, visible

Rules = Sequence[tuple[str, str]]
"""Patterns that a value has to match whole, each with the words for one that does not."""

PLUS = "`+` arrives as a space: write %2B"
"""What befell a value that was signed with ``+`` and came with a space."""

# What programs call the same thing: a name from one of these lines is taken for a slip.
_KIN = (
    ("text", "message", "msg", "body", "content", "sms"),
    ("phone", "phones", "recipient", "recipients", "recipient[]", "to", "number", "numbers", "destination"),
    ("sender", "from", "source", "sender_name", "name"),
    ("signature", "sign", "token", "hash", "sig", "apikey", "api_key", "key"),
    ("login", "user", "username", "project", "appId", "appld", "app_id"),
    ("timestamp", "ts", "time", "rand", "nonce", "×tamp"),
    ("state", "messages_id", "message_id", "id", "ids", "sms_id", "id_sms"),
)

_DAY = 86_400
_HOUR = 3_600
_QUOTED = 40  # characters of what is shown
_NAMED = 3  # names at most
_LOOKED_AT, _PIECES = 64 * 1024, 500  # bytes and pieces of a request whose damage is looked for: all wait meanwhile
_ENCODE = "Encode text as UTF-8, then sign, then escape"


def malformed(line: bytes, trouble: str = "") -> str:
    """Return why a request is no HTTP, as far as its first line tells, or h11's own words (``trouble``)."""
    if line.startswith(b"\x16\x03"):
        return "it is TLS: the sandbox is asked by http://, not https://"
    if line.count(b" ") > 2:
        return "the address has a space, which is written as %20 or +"
    if "Host: header" in trouble:
        return "HTTP/1.1 wants one header Host, as in `Host: 127.0.0.1`"
    return "it is no HTTP: the first line, a header or the length of the body is malformed, or the head is too long"


# --- single checks ---------------------------------------------------------------------------------------------------


def missing(name: str, params: Pairs) -> str:
    """Return why a parameter is not there: it is empty, or went by another name."""
    names = [own for own, _ in params]
    if name in names:
        return f"{name} is empty"
    if "×tamp" in names and name == "timestamp":
        return "timestamp is missing: &timestamp was read as HTML and became ×tamp; there, write &amp;timestamp"
    if f"amp;{name}" in names:
        return f"{name} is missing: `amp;{name}` came instead, for the address was sent as HTML: write & for &amp;"
    if slip := next((own for own in names if own.strip().lower() == name.lower()), None):
        return f"{name} is missing: {_quoted(slip)} came, and names are compared to the letter"
    if array := [value for own, value in params if own.startswith(f"{name}[")]:
        wanted = f"came as an array, {_quoted(name + '[]')}: one value is wanted, a list with commas between"
        return f"{name} {wanted if any(array) else 'is empty'}"
    kin = next((family for family in _KIN if name in family), ())
    if slip := next((own for own in names if own in kin), None):
        return f"{name} is missing: {slip} came instead, which is another name"
    return f"{name} is missing"


def identity(name: str, value: str, known: Iterable[str]) -> str:
    """Return why nobody here has this login, project or application; ``known`` are those that may be told."""
    known = sorted(known)
    for one in known:
        if value.strip() == one:
            return f"{name} has blanks or a line break around it"
        if value.lower() == one.lower():
            return f"{name} differs from {one} in capital letters"
    return f"nobody here has this {name}" + (f": it is {' or '.join(known)}" if known else "")


def clock(stamp: str, now: float, life: int) -> str | None:
    """Return what is wrong with a timestamp at the Unix second ``now``; it is good for ``life`` seconds either way."""
    if re.fullmatch(r"[0-9]+\.[0-9]+", stamp, re.ASCII):
        return "your timestamp has a fraction: send whole seconds"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}.*", stamp, re.ASCII | re.DOTALL):
        return "your timestamp is a date: send Unix seconds"
    if not re.fullmatch("[0-9]{1,20}", stamp, re.ASCII):
        return "your timestamp is no number of Unix seconds"
    for unit, factor in (("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9)):
        if abs(int(stamp) // factor - now) < 3650 * _DAY:
            return f"your timestamp is in {unit}: divide by {factor}"
    late = int(now) - int(stamp)
    if abs(late) <= life:
        return None
    if abs(late) > 3650 * _DAY:
        return "your timestamp is years away from now: Unix seconds have 10 digits"
    if _HOUR - 60 <= abs(late) <= 14 * _HOUR + 60 and abs(late - round(late / 1800) * 1800) <= 60:
        side = "behind" if late > 0 else "ahead"
        return f"your timestamp is {_span(round(abs(late) / 1800) * 1800)} {side}: local time instead of UTC"
    if late > 0:
        return f"your timestamp is {_span(late)} old; it lives {life} s"
    return f"your timestamp is {_span(-late)} in the future; {life} s are let pass"


def unlike(name: str, value: str, rules: Rules) -> str:
    """Return the words of the first rule that a value does not match, at least that it has no allowed form."""
    words = next((words for pattern, words in rules if not re.fullmatch(pattern, value, re.DOTALL)), None)
    return f"{name} {words or 'has a form that is not allowed'}"


def number(value: str, shortest: int, longest: int) -> str:
    """Return why this is no phone number of so many digits, in a few words to stand behind it."""
    digits = re.sub(r"[\s()+.-]", "", value)
    if not digits.isascii() or not digits.isdigit():
        return "it has more than digits"
    if digits.startswith("0"):
        return "it begins with 0: no country code does"
    if not shortest <= len(digits) <= longest:
        wanted = str(longest) if shortest == longest else f"{shortest} to {longest}"
        return f"it has {len(digits)} digits, and {wanted} are wanted"
    return "it has blanks or signs between or before the digits"


def numbers(values: Iterable[str], shortest: int, longest: int) -> str:
    """Return why each of these is no phone number."""
    return "; ".join(f"{_quoted(value)}: {number(value, shortest, longest)}" for value in values)


# --- what was damaged on the way -------------------------------------------------------------------------------------


class Damage(NamedTuple):
    """What befell a request between its signature and here, and the parameters that were signed, where that is sure."""

    words: str
    meant: Pairs | None


def damage(query: bytes, body: bytes, names: Collection[str], fits: Callable[[Pairs], bool]) -> Damage | None:
    """Return what the sending made of a request whose signature is right for what was meant, or what it has besides.

    Query and body are as they travelled; the faults are those of ``smscli sign --capture``, in its words but for the
    three that are told shorter. ``names`` are the vendor's parameters: what stands behind an ``&`` and has none of
    these names belongs to the value before. ``fits`` tells of parameters whether the signature is theirs: nothing is
    said on suspicion, but for bytes that are not UTF-8.
    """
    from smscli.diagnosis import CODES, readings  # only a wrong signature needs it

    # What has line breaks is no form, but another kind of body.
    form = body if _is_form(body) and b"\n" not in body else b""
    foreign = not_utf8(query) or not_utf8(body)
    if len(query) + len(form) <= _LOOKED_AT and query.count(b"&") + form.count(b"&") < _PIECES:
        came = (*pairs(query), *pairs(form))
        signed = tuple(pair for pair in came if pair[0].partition("[")[0] in names)
        if signed != came and fits(signed):
            strangers = [_quoted(name) for name in dict(came) if name.partition("[")[0] not in names]
            verb = "were" if len(strangers) > 1 else "was"
            words = f"{', '.join(strangers[:_NAMED])} came and {verb} not signed: sign all that is sent"
            return Damage(words, signed)
        short = {"plus-unescaped": PLUS, "ampersand-unescaped": "`&` ends a value: write %26", "wire-charset": foreign}
        for findings, meant, is_doubtful in readings(query, form, names):
            if not is_doubtful and fits(meant):
                reasons = [short.get(one.name) or f"{one.sentence} {one.fix}" for one in findings]
                is_code = any(one.name in CODES for one in findings)
                reasons += [foreign] if foreign and not is_code and foreign not in reasons else []
                if reasons == [PLUS] and _may_be_encoded(query, form):
                    return Damage(f"{PLUS}, or sign the space where one is meant", meant)
                return Damage("; ".join(reasons), meant)
    return Damage(foreign, None) if foreign else None


def _may_be_encoded(query: bytes, form: bytes) -> bool:
    """Return whether values with ``+`` may be those of a form's encoder, which writes it for a space.

    Nobody means a space in front of a value; such an encoder has no other spelling of it, and escapes all signs.
    """
    values = (piece.partition(b"=")[2] for part in (query, form) for piece in part.split(b"&"))
    return all(re.fullmatch(rb"(?!\+)(?:[\w.~*+-]|%(?!20))+", value) for value in values if b"+" in value)


def not_utf8(raw: bytes) -> str | None:
    """Return which value of a query or body is not UTF-8, and what it reads as; None when all of it is."""
    is_form = _is_form(raw)
    for piece in raw.split(b"&") if is_form else [raw]:
        name, _, value = piece.partition(b"=")
        data = unquote_to_bytes(value.replace(b"+", b" ")) if is_form else raw
        try:
            data.decode()
        except UnicodeDecodeError as error:
            what = _quoted(_text(name)) if is_form else "the body"
            return f"{what} is not UTF-8: {_reading(data, error.start)}"
    return None


def _is_form(raw: bytes) -> bool:
    return not raw.lstrip().startswith((b"--", b"{", b"["))


def _reading(data: bytes, start: int) -> str:
    """Return what bytes that are not UTF-8 are, told by how they decode.

    Russian words are of Cyrillic letters alone, small ones or capitals, or small ones behind one capital. What both
    encodings of Russian make words of is taken for the first, which is by far the more common.
    """
    odd, near = data[start], data[max(start - _QUOTED, 0) : start + 5 * _QUOTED]
    for name, codec in (("windows-1251", "cp1251"), ("KOI8-R", "koi8_r")):
        text = near.decode(codec, "replace")
        words = [word for word in re.findall(r"\w+", text) if re.search(r"[^\W\d_a-zA-Z]", word)]
        if words and all(re.fullmatch("[А-ЯЁа-яё]?[а-яё0-9_]*|[А-ЯЁ0-9_]+", word) for word in words):
            return f"as {name} it reads {_quoted(text)}. {_ENCODE}"
    return f"byte {odd:02X} stands where it may not. {_ENCODE}"


def pairs(raw: bytes) -> Pairs:
    """Return the decoded pairs of a query or form."""
    split = (piece.partition(b"=") for piece in raw.split(b"&") if piece)
    return tuple((_text(name), _text(value)) for name, _, value in split)


def _text(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "replace")


def _quoted(text: str) -> str:
    return f"`{visible(text[:_QUOTED])}{'...' if len(text) > _QUOTED else ''}`"


def _span(seconds: int) -> str:
    for size, unit in ((_DAY, "days"), (_HOUR, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "h" and seconds >= size):
            rest = seconds % size // 60 if unit == "h" else 0
            return f"{seconds // size} {unit}" + (f" {rest} min" if rest else "")
    return f"{seconds} s"

"""Mistakes of printing: a number, a list or bytes as a language or a spreadsheet writes its own values of that kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from smscli.diagnosis._mistake import Mistake, Stage
from smscli.diagnosis._respelling import Spelling, relisted, respelled

# --- numbers ---------------------------------------------------------------------------------------------------------

_WHOLE = re.compile(r"\+?[0-9]{1,18}(?:,\+?[0-9]{1,18})*", re.ASCII)


def _numeric(write: Callable[[int], str], *, least: int = 0) -> Spelling:
    """Return the spelling of a whole number, or of each in a list, as a language writes it."""

    def one(match: re.Match[str]) -> str:
        value = int(match[0])
        return write(value) if value >= least else match[0]

    return lambda text: re.sub(r"\+?[0-9]+", one, text) if _WHOLE.fullmatch(text) else text


def _scientific(exponent: str, *, digits: str | None = None, whole: str = "") -> Callable[[int], str]:
    """Write ``3.7E10``: all digits, or as ``digits`` (a format) rounds; ``whole`` follows a lone digit."""

    def write(value: int) -> str:
        if digits is not None:
            mantissa, _, power = format(float(value), digits).partition("e")
            return f"{mantissa}{exponent}{int(power):02}"
        text = str(value).rstrip("0") or "0"
        fraction = text[1:] or whole
        mantissa = f"{text[0]}.{fraction}" if fraction else text[0]
        return f"{mantissa}{exponent}{len(str(value)) - 1:02}"

    return write


def _comma(write: Callable[[int], str]) -> Callable[[int], str]:
    return lambda value: write(value).replace(".", ",")


def _grouped(mark: str) -> Callable[[int], str]:
    return lambda value: f"{value:,}".replace(",", mark)


def _wrapped(value: int) -> str:
    low = value & 0xFFFFFFFF
    return str(low - (1 << 32) if low >> 31 else low)


_BIG = 10**7
_NUMBERS: tuple[tuple[str, Spelling], ...] = (
    ("as a float, with .0", _numeric("{}.0".format)),
    ("with .00", _numeric("{}.00".format)),
    ("with %f", _numeric("{}.000000".format)),
    ("as Java prints a double", _numeric(_scientific("E", whole="0"), least=_BIG)),
    ("as Go prints a float64", _numeric(_scientific("e+"), least=_BIG)),
    ("as C# or PHP prints a float", _numeric(_scientific("E+"), least=_BIG)),
    ("as JavaScript's toExponential", _numeric(_scientific("e+"), least=1)),
    *(
        (f"as a spreadsheet shows it or a printf rounds it ({digits[1:]}, {sign})", _numeric(write, least=1))
        for digits in (".5e", ".6e", ".1e", ".2e", ".3e", ".4e", ".0e", ".8e", ".9e", ".14e")
        for sign in ("E+", "e+", "E")
        for write in (
            _scientific(sign, digits=digits),
            _comma(_scientific(sign, digits=digits)),
        )
    ),
    ("cut to 32 bits", _numeric(_wrapped, least=1 << 31)),
    ("cut to 32 bits without a sign", _numeric(lambda value: str(value & 0xFFFFFFFF), least=1 << 32)),
    ("as the largest number of 32 bits", _numeric(lambda _: "2147483647", least=1 << 31)),
    ("without its leading zeros", _numeric(str)),
    *((f"in groups of three ({words})", _numeric(_grouped(mark), least=1000)) for words, mark in (
        ("comma", ","), ("dot", "."), ("space", " "), ("no-break space", "\u00a0"),
        ("narrow no-break space", "\u202f"), ("apostrophe", "'"), ("apostrophe", "’"),
    )),
    ("as a Ruby Rational", _numeric("{}/1".format)),
    ("with the apostrophe of a spreadsheet", lambda text: f"'{text}" if _WHOLE.fullmatch(text) else text),
    ("as a formula of a spreadsheet", lambda text: f'="{text}"' if _WHOLE.fullmatch(text) else text),
    ("with a tab in front", lambda text: f"\t{text}" if _WHOLE.fullmatch(text) else text),
)  # fmt: skip

# --- one number in a list of its own ---------------------------------------------------------------------------------


def _shaped(shape: str) -> Spelling:
    return lambda text: shape.format(text) if re.fullmatch(r"\+?[0-9]{7,15}", text, re.ASCII) else text


_ALONE: tuple[tuple[str, Spelling], ...] = tuple(
    (words, _shaped(shape))
    for words, shape in (
        ("as a list of one (JSON, Ruby)", '["{}"]'),
        ("as a list of one (Java, Go)", "[{}]"),
        ("as a list of one (Python)", "['{}']"),
        ("as a list of one (Node)", "[ '{}' ]"),
        ("as a list of one (PHP)", "Array"),
        ("with a comma behind it", "{},"),
    )
)

_LISTS: tuple[tuple[str, Callable[[list[str]], str]], ...] = (
    ("as a list of numbers (Java, Python)", lambda items: f"[{', '.join(items)}]"),
    ("as a JSON array of numbers", lambda items: f"[{','.join(items)}]"),
    ("as Go prints a slice", lambda items: f"[{' '.join(items)}]"),
    ("as Ruby or Python's json prints it", json.dumps),
    ("as Node prints it", lambda items: "[ " + ", ".join(f"'{item}'" for item in items) + " ]"),
    ("as Node prints numbers", lambda items: f"[ {', '.join(items)} ]"),
    ("as Python prints a tuple", lambda items: repr(tuple(items))),
    ("in braces", lambda items: f"{{{', '.join(items)}}}"),
    ("in braces", lambda items: f"{{{','.join(items)}}}"),
    ("as how many there are", lambda items: str(len(items))),
    ("with a separator behind the last", lambda items: ",".join(items) + ","),
    ("each in double quotes", lambda items: ",".join(f'"{item}"' for item in items)),
    ("each in single quotes", lambda items: ",".join(f"'{item}'" for item in items)),
    ("joined with CRLF", "\r\n".join),
    ("as C# names the type", lambda _: "System.String[]"),
    ("as C# names the type", lambda _: "System.Collections.Generic.List`1[System.String]"),
)
"""A list as languages print it."""

# --- bytes -----------------------------------------------------------------------------------------------------------


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def numbers_of_bytes(data: bytes) -> tuple[tuple[str, str], ...]:
    """Return the ways in which languages print bytes as a list of numbers."""
    return (
        ("as Go prints bytes", f"[{' '.join(map(str, data))}]"),
        ("as Java's Arrays.toString prints bytes", f"[{', '.join(str(_signed(byte)) for byte in data)}]"),
        ("as Python or Ruby prints a list of bytes", f"[{', '.join(map(str, data))}]"),
        ("as JavaScript prints a Uint8Array", ",".join(map(str, data))),
    )


def _in_numbers(place: int) -> Spelling:
    return lambda text: numbers_of_bytes(text.encode())[place][1]


def _repr_of_bytes(text: str) -> str:
    return repr(text.encode())


_BYTES: tuple[tuple[str, Spelling], ...] = (
    ("as Python prints bytes", _repr_of_bytes),
    ("as Python 2 prints unicode", lambda text: "u" + ascii(text)),
    *((words, _in_numbers(place)) for place, (words, _) in enumerate(numbers_of_bytes(b""))),
    ("in hex", lambda text: text.encode().hex()),
    ("in capital hex", lambda text: text.encode().hex().upper()),
)


def _rejoined(join: Callable[[list[str]], str]) -> Spelling:
    return lambda text: join(text.split(",")) if _WHOLE.fullmatch(text) and "," in text else text


PRINTING = (
    Mistake(
        "number-printed",
        Stage.VALUES,
        "{0}: a number was signed {1}.",
        "Keep numbers of phones, ids and times as text from their source on; a float, 32 bits or a cell change them.",
        respelled(_NUMBERS, except_stamp=True),
        alone=True,
    ),
    Mistake(
        "list-joined",
        Stage.VALUES,
        "{0}: the list was signed {1}.",
        "Join the list yourself, as it is sent (implode, join, strings.Join, String.join), and sign that text.",
        respelled((*((words, _rejoined(join)) for words, join in _LISTS), *_ALONE)),
        alone=True,
    ),
    Mistake(
        "list-joined",
        Stage.VALUES,
        "{0}: the repeated values were signed {1}.",
        "Sign every value in sending order, each for itself.",
        relisted(lambda items: {(join(items),): words for words, join in reversed(_LISTS)}),
        alone=True,
    ),
    Mistake(
        "bytes-printed",
        Stage.VALUES,
        "{0}: bytes were signed {1}.",
        "Decode bytes into text first (Python: value.decode(); Go: string(value)).",
        respelled(_BYTES),
        alone=True,
    ),
)
"""They are tried alone: in pairs they would be too many."""

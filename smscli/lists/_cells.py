"""The number in a cell, as spreadsheets, exports and people leave it there.

A repair has to be certain: every digit is there, and no other reading is. What is not certain is a problem.
"""

from __future__ import annotations

import re
import unicodedata

from smscli import numbering
from smscli.errors import InputError
from smscli.lists._values import Repair
from smscli.model import visible

_INVISIBLE = re.compile(f"[\u00a0\u202f{numbering.MARKS}]")
_CLEAN = re.compile(r"\+?[0-9]+")
_FORMULA = re.compile(r"""="\s*([^"]*?)\s*"|=\s*(\+?\d+)""")
_EXPONENT = re.compile(r"([+-]?)(\d+)(?:[.,](\d+))?[eEеЕ]\+?(\d{1,3})")
_DECIMALS = re.compile(r"(\+?\d[\d ]{5,}\d)[.,]0{1,6}")
_THOUSANDS = re.compile(r"(\+?\d{1,3}([,'’.])\d{3}(?:\2\d{3})+)((?!\2)[.,]00?)?")
_PLAIN = re.compile(r"\+?\d[\d\s().\-\u2010-\u2015\u2212/]{5,}\d|\(\d[\d\s().\-/]{5,}\d")


def looks_like_number(cell: str) -> bool:
    """Return whether a cell was meant as a phone number, damaged or not: cheap, and no promise that it is one."""
    cell, _ = _undress(cell)
    if _EXPONENT.fullmatch(cell) or _THOUSANDS.fullmatch(cell):
        return True
    return bool(_PLAIN.fullmatch(cell)) and 7 <= sum(character.isdecimal() for character in cell) <= 17


def read_number(cell: str, region: str | None) -> tuple[numbering.Number, tuple[Repair, ...]]:
    """Return the number in a cell and what had to be repaired; ``region`` is where numbers are dialled from.

    Raises InputError for what is no number, and for one whose digits are not all there for certain.
    """
    if _CLEAN.fullmatch(cell):
        number = numbering.parse(cell, region)
        return number, () if cell[0] == "+" else _prefix(cell, number.msisdn.digits)
    text, repairs = _undress(cell)
    for repair, of in ((Repair.EXPONENT, _without_exponent), (Repair.DECIMALS, _without_decimals),
                       (Repair.THOUSANDS, _without_thousands)):  # fmt: skip
        repaired = of(text, region)
        if repaired is not None:
            text = repaired
            repairs.append(repair)
            break
    if text and not text.strip("#"):
        raise InputError(f"'{text[:20]}' is not a phone number: a column too narrow hid its digits", hint=_AGAIN)
    number = numbering.parse(text, region)
    return number, (*repairs, *_prefix(text, number.msisdn.digits))


_AGAIN = "format the column as text in the spreadsheet, with the whole numbers, and save the list again"


def _undress(cell: str) -> tuple[str, list[Repair]]:
    """Return what is left of a cell without what surrounds its number, in ASCII digits."""
    repairs = []
    text = _INVISIBLE.sub(lambda match: " " if match[0] in "\u00a0\u202f" else "", cell).strip()
    if text != cell.strip(" \t\r\n"):
        repairs.append(Repair.INVISIBLE)
    if formula := _FORMULA.fullmatch(text):
        text = formula[1] or formula[2] or ""
        repairs.append(Repair.FORMULA)
    if text[:1] in tuple("'’‘`´"):
        text = text[1:].strip()
        repairs.append(Repair.APOSTROPHE)
    if not text.isascii():
        digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text).replace("\uff0b", "+")
        if digits != text:
            text = digits
            repairs.append(Repair.SCRIPT)
    return text, repairs


def _without_exponent(text: str, _region: str | None) -> str | None:
    """Return the digits of ``7.9161234567E+10``; raise for ``7.9E+10``, where only zeros would stand for the rest."""
    match = _EXPONENT.fullmatch(text)
    if match is None:
        return None
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", int(match[4])
    rest = fraction[exponent:]
    if sign == "-" or len(fraction) < exponent or rest.strip("0"):
        why = "a spreadsheet has rounded it, and digits are lost"
        raise InputError(f"'{visible(text[:40])}' is not a phone number: {why}", hint=_AGAIN)
    return sign + whole + fraction[:exponent]


def _without_decimals(text: str, region: str | None) -> str | None:
    """Return what stands before ``.0``.

    Raise when that is no assigned number, or the whole is one too: dots may separate the digits of a phone number.
    """
    match = _DECIMALS.fullmatch(text)
    if match is None:
        return None
    if not _is_assigned(match[1], region) or _is_assigned(re.sub("[.,]", " ", text), region):
        raise InputError(f"'{text[:40]}' is no certain phone number: it ends like a decimal number", hint=_AGAIN)
    return match[1]


def _without_thousands(text: str, _region: str | None) -> str | None:
    match = _THOUSANDS.fullmatch(text)
    # Dots alone are usual in phone numbers, and left to them.
    return None if match is None or (match[2] == "." and not match[3]) else re.sub("[,'’.]", "", match[1])


def _is_assigned(text: str, region: str | None) -> bool:
    try:
        return numbering.parse(text, region).warning is None
    except InputError:
        return False


def _prefix(text: str, digits: str) -> tuple[Repair, ...]:
    """Return which prefix was understood rather than read."""
    dialled = "".join(character for character in text if character.isdecimal() or character == "+")
    if dialled.startswith("+"):
        return ()
    if dialled == digits:
        return (Repair.PLUS,)
    return (Repair.ZEROS,) if dialled.startswith("00") else (Repair.TRUNK,)

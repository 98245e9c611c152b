"""How many parts a text costs: GSM 7-bit or UCS-2, units, and the cuts between concatenated parts.

This module is pure. It counts as a handset's network does (3GPP TS 23.038 for the alphabets, TS 23.040 for
concatenation); a vendor may count differently, and then the vendor's figure is the one on the bill.

National shift tables (Turkish, Spanish, Portuguese) are left out: only a vendor could apply them, and none says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum, unique
from itertools import pairwise

from smscli.record import Record

# TS 23.038, 6.2.1, in table order. 0x1B, the escape to the extension table, is no character.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)

# TS 23.038, 6.2.1.1: each costs two septets, the escape and itself.
_EXTENSION = frozenset("\f^{}\\[~]|€")


@unique
class Alphabet(StrEnum):
    """What the text is encoded in on the air."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


class Segmentation(Record):
    """What a text costs: ``units`` are septets (GSM-7) or UTF-16 code units (UCS-2), ``parts`` are billed messages.

    ``left`` is how many units more the last part would take.
    """

    alphabet: Alphabet
    units: int
    parts: int
    left: int


class Part(Record):
    """One billed message of a text: what it holds, and how many units of the text's alphabet that takes."""

    text: str
    units: int


# One message, or each part of several: the header that numbers the parts takes 7 septets, 3 UTF-16 units.
_LIMITS = {Alphabet.GSM_7: (160, 153), Alphabet.UCS_2: (70, 67)}


def is_gsm(character: str) -> bool:
    """Return whether GSM 7-bit has a character, in its table or the extension of it."""
    return character in _BASIC or character in _EXTENSION


def measure(text: str) -> Segmentation:
    """Return alphabet, units and parts of ``text``; an empty text has no parts.

    One character outside GSM 7-bit turns the whole text into UCS-2. An escape pair and a surrogate pair are never cut:
    the part before it stays one unit short.
    """
    alphabet, widths = _widths(text)
    units = sum(widths)
    single, concatenated = _LIMITS[alphabet]
    if units <= single:
        return Segmentation(alphabet, units, min(units, 1), single - units)
    starts = list(_starts(widths, concatenated))
    return Segmentation(alphabet, units, len(starts), concatenated - sum(widths[starts[-1] :]))


def cut(text: str) -> list[Part]:
    """Return the parts of ``text``: together they are the text."""
    alphabet, widths = _widths(text)
    single, concatenated = _LIMITS[alphabet]
    starts = list(_starts(widths, single if sum(widths) <= single else concatenated))
    return [Part(text[start:end], sum(widths[start:end])) for start, end in pairwise([*starts, len(text)])]


def _widths(text: str) -> tuple[Alphabet, list[int]]:
    """Return the alphabet, and the units that each character takes in it."""
    if all(map(is_gsm, text)):
        return Alphabet.GSM_7, [2 if character in _EXTENSION else 1 for character in text]
    return Alphabet.UCS_2, [2 if character > "\uffff" else 1 for character in text]


def _starts(widths: Iterable[int], limit: int) -> Iterator[int]:
    """Yield the index of each part's first character."""
    used = limit
    for index, width in enumerate(widths):
        if used + width > limit:
            yield index
            used = 0
        used += width

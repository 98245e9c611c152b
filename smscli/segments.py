"""How many parts a text costs: GSM 7-bit or UCS-2, units, and the cuts between concatenated parts.

This module is pure. It counts as a handset's network does (3GPP TS 23.038 for the alphabets, TS 23.040 for
concatenation); a vendor may count differently, and then the vendor's figure is the one on the bill.

National shift tables (Turkish, Spanish, Portuguese) are left out: only a vendor could apply them, and none says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

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


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What a text costs: ``units`` are septets (GSM-7) or UTF-16 code units (UCS-2), ``parts`` are billed messages."""

    alphabet: Alphabet
    units: int
    parts: int


# One message, or each part of several: the header that numbers the parts takes 7 septets, 3 UTF-16 units.
_LIMITS = {Alphabet.GSM_7: (160, 153), Alphabet.UCS_2: (70, 67)}


def measure(text: str) -> Segmentation:
    """Return alphabet, units and parts of ``text``; an empty text has no parts.

    One character outside GSM 7-bit turns the whole text into UCS-2. An escape pair and a surrogate pair are never cut:
    the part before it stays one unit short.
    """
    if all(character in _BASIC or character in _EXTENSION for character in text):
        alphabet = Alphabet.GSM_7
        widths = [2 if character in _EXTENSION else 1 for character in text]
    else:
        alphabet = Alphabet.UCS_2
        widths = [2 if character > "\uffff" else 1 for character in text]
    units = sum(widths)
    single, concatenated = _LIMITS[alphabet]
    if units <= single:
        return Segmentation(alphabet, units, min(units, 1))
    return Segmentation(alphabet, units, _fill(widths, concatenated))


def _fill(widths: Iterable[int], limit: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > limit:
            parts, used = parts + 1, 0
        used += width
    return parts

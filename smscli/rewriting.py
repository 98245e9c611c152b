"""A text in fewer parts: which characters make it UCS-2, what can stand for them, and how much of it fits.

This module is pure, and the only importer of anyascii and wcwidth: each is loaded for a text that needs it. It changes
a text only when it is asked to.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from itertools import accumulate

from smscli.errors import InputError
from smscli.record import Record
from smscli.segments import is_gsm, measure

ELLIPSIS = "..."
"""What a shortened text ends in: "owes 100000" cut to "owes 100" must not look whole. GSM-7 lacks the one character."""

# All of printable ASCII that GSM-7 lacks, and the tab: anyascii leaves ASCII as it is.
_OF_ASCII = {"`": "'", "\t": " "}
# Marks and format characters say nothing alone; of any other character nothing must be lost unseen.
_MARKS = ("Mn", "Me", "Cf")


class Outsider(Record):
    """A character that GSM-7 lacks, and so makes a text UCS-2.

    ``indexes`` are all its places, counted in characters from 1; ``line`` and ``column`` are the first one's, from 1,
    too. ``replacement`` is written in GSM-7; empty for a mark that can be left out, None when nothing can stand for it.
    """

    character: str
    indexes: tuple[int, ...]
    line: int
    column: int
    replacement: str | None

    @property
    def code_point(self) -> str:
        """The code point as Unicode writes it: ``U+2019``."""
        return f"U+{ord(self.character):04X}"

    @property
    def name(self) -> str | None:
        """Unicode's name of it; None for controls, private use, and what is newer than this Python."""
        return unicodedata.name(self.character, None)


def outsiders(text: str) -> tuple[Outsider, ...]:
    """Return each character that GSM-7 lacks once, in the order in which they first come."""
    places: dict[str, list[int]] = {}
    for index, character in enumerate(text, 1):
        if not is_gsm(character):
            places.setdefault(character, []).append(index)
    return tuple(
        Outsider(character, tuple(indexes), *_line_and_column(text[: indexes[0] - 1]), _replacement(character))
        for character, indexes in places.items()
    )


def compose(text: str) -> str:
    """Return the text with letters and their marks in one character each where there is one (Unicode's NFC).

    A text of GSM-7 is that already. "é" in two characters, as file names of macOS have it, becomes one that GSM-7 has.
    """
    return unicodedata.normalize("NFC", text)


def transliterate(text: str) -> str:
    """Return the text with all that GSM-7 lacks replaced; what nothing can stand for stays."""
    composed = compose(text)
    return composed.translate(
        {ord(o.character): o.replacement for o in outsiders(composed) if o.replacement is not None}
    )


def shorten(text: str, parts: int) -> str:
    """Return as much of the text as fits into so many parts, with an ellipsis; the text itself when it fits.

    It ends between two characters as readers see them (extended grapheme clusters, UAX 29): no flag, accent or family
    is cut in two. Raises InputError when not even the first one fits.
    """
    if measure(text).parts <= parts:
        return text
    from wcwidth import iter_graphemes

    # No character takes less than one unit: all of this piece never fits, so that it may cut its last one.
    ends = list(accumulate(map(len, iter_graphemes(text[: parts * 160]))))
    # More of a text never takes fewer parts.
    count = bisect_left(ends, True, key=lambda end: measure(_ended(text, end)).parts > parts)
    shortened = _ended(text, ends[count - 1]) if count else ELLIPSIS
    if shortened == ELLIPSIS:
        raise InputError("not even the first character fits", hint="allow more parts")
    return shortened


def _ended(text: str, end: int) -> str:
    return text[:end].rstrip() + ELLIPSIS


def _line_and_column(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1


def _replacement(character: str) -> str | None:
    composed = compose(character)  # the signs of ohm and angstrom are letters that GSM-7 has
    if is_gsm(composed):
        return composed
    from anyascii import anyascii

    replacement = _OF_ASCII.get(character) or anyascii(character)
    if not replacement and unicodedata.category(character) not in _MARKS:
        return None
    return replacement if all(map(is_gsm, replacement)) else None

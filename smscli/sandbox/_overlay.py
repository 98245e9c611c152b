"""Two texts laid over each other: where they agree, and where one has what the other lacks. This module is pure."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import takewhile

Piece = tuple[str, str]
"""What one text has, and what the other has at that place; both the same where they agree, "" for nothing."""

_LONGEST = 3000  # characters between the common ends: comparing takes the square of it


def lay_over(one: str, other: str) -> list[Piece]:
    """Return the pieces of both texts in order: put together, the firsts are ``one`` and the seconds ``other``.

    What differs is kept together: a letter or two that agree by chance inside of it do not tear it apart. Texts whose
    difference is very long are told apart by their common ends alone.
    """
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    rest = min(len(one), len(other)) - head
    ends = zip(reversed(one[len(one) - rest :]), reversed(other[len(other) - rest :]), strict=True) if rest else ()
    tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    middle = one[head : len(one) - tail], other[head : len(other) - tail]
    pieces = [(one[:head], other[:head]), *_compare(*middle), (one[len(one) - tail :], other[len(other) - tail :])]
    return [piece for piece in pieces if piece != ("", "")]


def _compare(one: str, other: str) -> list[Piece]:
    if not one or not other or max(len(one), len(other)) > _LONGEST:
        return [(one, other)]
    pieces: list[Piece] = []
    for tag, start, end, begin, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        piece = one[start:end], other[begin:stop]
        by_chance = tag == "equal" and end - start < 3 and start > 0 and end < len(one)
        if pieces and pieces[-1][0] != pieces[-1][1] and (by_chance or tag != "equal"):
            piece = pieces[-1][0] + piece[0], pieces[-1][1] + piece[1]
            pieces.pop()
        pieces.append(piece)
    return pieces

"""Two texts laid over each other: where they agree, and where one has what the other lacks. This module is pure."""

from __future__ import annotations

from collections import Counter
from difflib import Match, SequenceMatcher
from itertools import takewhile

Piece = tuple[str, str]
"""What one text has, and what the other has at that place; both the same where they agree, "" for nothing."""

_STEPS = 2_000_000  # of comparing, two tenths of a second: texts that repeat themselves take the cube


def lay_over(one: str, other: str, longest: int, chance: int) -> tuple[list[Piece], bool]:
    """Return the pieces of both texts in order: put together, the firsts are ``one`` and the seconds ``other``.

    What differs is kept together: up to ``chance`` letters that agree inside of it do not tear it apart. The second
    value is whether all was compared: what is longer than ``longest`` between the common ends (comparing takes the
    square of it), or repeats itself, is not taken apart further.
    """
    head = _alike(one, other)
    tail = _alike(one[head:][::-1], other[head:][::-1])
    middle = one[head : len(one) - tail], other[head : len(other) - tail]
    compared, is_whole = _compare(*middle, chance) if max(map(len, middle)) <= longest else ([middle], False)
    pieces = [(one[:head], other[:head]), *compared, (one[len(one) - tail :], other[len(other) - tail :])]
    return [piece for piece in pieces if piece != ("", "")], is_whole


def _alike(one: str, other: str) -> int:
    """Return how many letters at the beginning agree."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


class _Matcher(SequenceMatcher[str]):
    """A comparison that finds nothing more when its steps are used up."""

    left = _STEPS

    def __init__(self, one: str, other: str) -> None:
        super().__init__(None, one, other, autojunk=False)
        self._one, self._places = one, Counter(other)

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        """Look at each place of the other text that has a letter of this one: that is what takes time."""
        self.left -= sum(self._places[letter] for letter in self._one[alo:ahi])
        return super().find_longest_match(alo, ahi, blo, bhi) if self.left > 0 else Match(alo, blo, 0)


def _compare(one: str, other: str, chance: int) -> tuple[list[Piece], bool]:
    pieces: list[Piece] = []
    matcher = _Matcher(one, other)
    for tag, start, end, begin, stop in matcher.get_opcodes():
        piece = one[start:end], other[begin:stop]
        # Both ends differ, so that what is equal stands between two differences.
        if pieces and pieces[-1][0] != pieces[-1][1] and (tag != "equal" or end - start <= chance):
            piece = pieces[-1][0] + piece[0], pieces[-1][1] + piece[1]
            pieces.pop()
        pieces.append(piece)
    return pieces, matcher.left > 0

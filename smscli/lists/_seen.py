"""Which recipients have been seen, and in which row first.

That takes 24 to 48 bytes each, where a dictionary takes a hundred.
"""

from __future__ import annotations

from array import array

_MULTIPLIER = 0x9E3779B97F4A7C15
"""2⁶⁴ over the golden ratio (Knuth, The Art of Computer Programming, 6.4): neighbours spread over the table."""


class Recipients:
    """A hash table with open addressing; a number takes the first free slot from its own on. 0 is a free slot."""

    def __init__(self) -> None:
        self._bits = 10
        self._count = 0
        self._allocate()

    def _allocate(self) -> None:
        self._numbers = array("Q", bytes(8 << self._bits))
        self._rows = array("Q", bytes(8 << self._bits))

    def first(self, digits: str, row: int) -> int | None:
        """Return the row that had the number before; without one, remember ``row`` for it and return None."""
        number = int(digits)
        slot = self._slot(number)
        if self._numbers[slot]:
            return self._rows[slot]
        self._put(slot, number, row)
        if self._count * 3 > 2 << self._bits:
            self._grow()
        return None

    def _slot(self, number: int) -> int:
        """Return the slot that holds the number, or the free one where it belongs."""
        mask = (1 << self._bits) - 1
        slot = (number * _MULTIPLIER & 0xFFFFFFFFFFFFFFFF) >> (64 - self._bits)
        numbers = self._numbers
        while numbers[slot] not in (0, number):
            slot = slot + 1 & mask
        return slot

    def _put(self, slot: int, number: int, row: int) -> None:
        self._numbers[slot] = number
        self._rows[slot] = row
        self._count += 1

    def _grow(self) -> None:
        numbers, rows = self._numbers, self._rows
        self._bits += 1
        self._count = 0
        self._allocate()
        for number, row in zip(numbers, rows, strict=True):
            if number:
                self._put(self._slot(number), number, row)

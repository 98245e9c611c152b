"""How far two clocks are apart, and how sure that is.   (pure)"""

from __future__ import annotations

from typing import NamedTuple


class Skew(NamedTuple):
    """What another clock is ahead of the local one, and what that may be off; both in seconds."""

    difference: float
    doubt: float

    @classmethod
    def of(cls, there: float, before: float, after: float, age: float = 0.0) -> Skew:
        """Return the skew of a clock that told the whole second ``there`` between two local moments (Unix seconds).

        ``age``: what it told may have been so many seconds old already.
        """
        # It was read somewhere within the round trip: half of each is the doubt.
        second = 1.0 + age
        return cls(there + second / 2 - (before + after) / 2, (after - before + second) / 2)

    def exceeds(self, seconds: float) -> bool:
        """Return whether the clocks are certainly further apart than that."""
        return abs(self.difference) - self.doubt > seconds

    def sentence(self, other: str) -> str:
        """Say it: ``other`` names the other clock's owner."""
        if not self.exceeds(0):
            return f"the local clock agrees with that of {other}"
        which = "behind" if self.difference > 0 else "ahead of"
        return f"the local clock is {abs(self.difference):.1f} s {which} that of {other}"

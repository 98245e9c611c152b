"""What can be wrong with a request, and the numbers that make it so on demand. This module is pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a request: the vendor's own code or text, and the reason in words."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The vendor's error that a number of a certain ending provokes, and what it means.

    ``alone`` tells whether it concerns that recipient alone, or the whole request; ``why`` what provokes it.
    """

    code: str
    words: str
    alone: bool = False
    why: str = "the number ends as one that"

    @property
    def fault(self) -> Fault:
        """What is wrong with a request that has such a number."""
        return Fault(self.code, f"{self.why} provokes {self.words}")


def ending(number: int) -> str:
    """Return the last digits of the numbers that provoke a vendor's error of this number, 0 to 99.

    They begin with 555, as invented numbers do, and never end in 9, which is for messages that do not arrive.
    """
    return f"555{number:02}0"


def provoked(number: str, failures: Mapping[str, Failure]) -> Failure | None:
    """Return the failure that a number provokes by how it ends, None for one like any other."""
    return failures.get(re.sub("[^0-9]", "", number)[-6:])

"""The figures of the long suites: what their tests found, in words, written below the summary of a run.

A test tells a result of its own with ``figure``. A result that many tests make together is told by each with ``add``:
they may run in several processes, so that only the end of the run knows the sum. ``workers.py`` carries what was told
from the tests to that end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

Share = Mapping[str, int | Mapping[str, int]]
Told = tuple[str, Share]
"""A sentence with places in braces, and one test's share of what fills them."""

_told: list[Told] = []


def figure(sentence: str) -> None:
    """Tell a result that is complete."""
    _told.append((sentence.replace("{", "{{").replace("}", "}}"), {}))


def add(sentence: str, **share: int | Mapping[str, int]) -> None:
    """Tell a share of a result. Numbers are added up, counts of words too (``{place.different}``: how many words)."""
    _told.append((sentence, share))


def take() -> list[Told]:
    """Return what was told since the last call."""
    told = list(_told)
    _told.clear()
    return told


class Words(Counter[str]):
    """How often each word was told, the most frequent first."""

    def __str__(self) -> str:
        return ", ".join(f"{count} {word}" for word, count in self.most_common())

    @property
    def different(self) -> int:
        """How many there are."""
        return len(self)


def summary(told: Iterable[Told]) -> list[str]:
    """Return every sentence once, in the order of its first share, its places filled."""
    shares: dict[str, list[Share]] = {}
    for sentence, share in told:
        shares.setdefault(sentence, []).append(share)
    return [sentence.format(**_together(parts)) for sentence, parts in shares.items()]


def _together(shares: Iterable[Share]) -> dict[str, int | Words]:
    numbers: Counter[str] = Counter()
    words: dict[str, Words] = {}
    for share in shares:
        for place, value in share.items():
            if isinstance(value, int):
                numbers[place] += value
            else:
                words.setdefault(place, Words()).update(value)
    return {**numbers, **words}

"""What a diagnosis says: mistakes by name and in words, with every key already masked. It holds values alone.

Their fields are what JSON and XML say of a comparison, in this order: scripts rely on the names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: its name (stable, for scripts), what was done, and what to do instead."""

    name: str
    sentence: str
    fix: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The mistakes that together give exactly the expected value, and the text that was hashed (keys masked)."""

    findings: tuple[Finding, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer. ``explanations`` is empty on a match, and when no known mistake explains the value.

    All explanations have the same, smallest number of mistakes; more than one is an ambiguity that the value alone
    cannot settle. ``searched`` names the mistakes that could be made on this request and were tried; ``cut`` says
    that the limit ended the search before all pairs were made.
    """

    matches: bool
    expected: str
    explanations: tuple[Explanation, ...]
    tried: int
    cut: bool
    searched: tuple[str, ...]

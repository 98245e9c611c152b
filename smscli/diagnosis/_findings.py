"""What a diagnosis says: mistakes by name and in words, with every key already masked. It holds values alone.

Their fields are what JSON and XML say of a comparison, in this order: scripts rely on the names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: its name (stable, for scripts), what was done, and what to do instead.

    ``kind`` is "signing", or "sending" for a right signature whose values were damaged on their way.
    """

    name: str
    sentence: str
    fix: str
    kind: str = "signing"


@dataclass(frozen=True, slots=True)
class Explanation:
    """The mistakes that together give exactly the expected value, and the text that was hashed (keys masked).

    ``text`` has escapes for what cannot be seen, ``string`` is the text itself, character by character.
    """

    findings: tuple[Finding, ...]
    text: str
    string: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer. ``matches``: the signature is right, and nothing about the sending is certain to be refused.

    ``explanations`` is empty on a match, and when no known mistake explains the value.
    All explanations have the same, smallest number of mistakes; more than one is an ambiguity that the value alone
    cannot settle. ``searched`` names the mistakes that could be made on this request and were tried; ``cut`` says
    that the limit ended the search before all pairs were made. ``families`` are the searched ones in words, and
    ``suspect`` is "key" when nothing explains the value and all values are letters, digits and dots, which few programs
    spell otherwise.
    """

    matches: bool
    expected: str
    explanations: tuple[Explanation, ...]
    tried: int
    cut: bool
    searched: tuple[str, ...]
    families: tuple[str, ...] = ()
    suspect: str | None = None

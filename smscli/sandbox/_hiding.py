"""What nobody may see, hidden in whatever spelling a request had it: as it is, escaped in an address, in JSON.

Pure. Requests are kept cut, and so is what is quoted of them: the beginning of a secret at such an end is hidden, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from smscli.model import MASK, Secret

_BEGINNING = 6
"""Characters of a secret that are none yet."""
_END = r"(?=\.\.\.|\Z)"


def hide(text: str, secrets: Iterable[Secret]) -> str:
    """Return the text with every secret masked, however it is escaped, and what is left of one at a cut end."""
    pattern = _pattern(tuple(sorted({secret.reveal() for secret in secrets} - {""}, key=len, reverse=True)))
    return pattern.sub(MASK, text) if pattern else text


@lru_cache(maxsize=8)
def _pattern(values: tuple[str, ...]) -> re.Pattern[str] | None:
    spelled = [[_spellings(character) for character in value] for value in values]
    whole = ["".join(one) for one in spelled]
    begun = [_begun(one) + _END for one in spelled if len(one) > _BEGINNING]
    return re.compile("|".join((*whole, *begun))) if values else None


def _begun(characters: list[str]) -> str:
    """Return a pattern for the longest beginning of these."""
    rest = ""
    for character in reversed(characters[_BEGINNING:]):
        rest = f"(?:{character}{rest})?"
    return "".join(characters[:_BEGINNING]) + rest


def _spellings(character: str) -> str:
    escaped = "".join(f"%(?i:{byte:02x})" for byte in character.encode("utf-8", "surrogatepass"))
    units = character.encode("utf-16-be", "surrogatepass")
    in_json = "".join(rf"\\u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2))
    ways = [escaped, in_json, re.escape(character)]
    if character in '"\\/':
        ways.insert(0, rf"\\{re.escape(character)}")
    if character == " ":
        ways.append(r"\+")
    return f"(?:{'|'.join(ways)})"

"""Other spellings of values: how they are applied to a request, and the encodings that several families try."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from urllib.parse import quote, quote_plus

from smscli.diagnosis._mistake import Apply, Attempt, Case
from smscli.diagnosis._recipe import Recipe
from smscli.model import Pairs
from smscli.signing import Escape

Spelling = Callable[[str], str]
Spellings = tuple[tuple[str, Spelling], ...]
"""Functions that spell a value otherwise, each with the words for it."""

Changes = tuple[tuple[int, str], ...]
"""The places of the spellings that change a value, and what each makes of it."""

_MOST_SINGLE_VALUES = 12
"""A spelling is tried on all values at once and, up to this many names, on those of each name alone."""


def respelled(spellings: Spellings, *, except_stamp: bool = False, alternatives: bool = True) -> Apply:
    """Return the application of spellings to all values they change, and to each parameter's alone.

    Spellings that end in one string are one attempt, with all their names where these are ``alternatives`` (``PHP's
    urlencode or quote_plus``), else with the first.
    """
    labels = [label for label, _ in spellings]

    def joined(words: Sequence[str]) -> str:
        return " or ".join(dict.fromkeys(words)) if alternatives else words[0]

    @lru_cache(maxsize=1024)
    def changes(value: str) -> Changes:
        spelled = ((place, spell(value)) for place, (_, spell) in enumerate(spellings))
        return tuple((place, new) for place, new in spelled if new != value)

    @lru_cache(maxsize=1024)
    def alone(value: str) -> tuple[tuple[str, str], ...]:
        alike: dict[str, list[str]] = {}
        for place, new in changes(value):
            alike.setdefault(new, []).append(labels[place])
        return tuple((new, joined(words)) for new, words in alike.items())

    def apply(recipe: Recipe, case: Case) -> Iterator[Attempt]:
        untouched = case.provider.stamp_name if except_stamp else None
        pairs = recipe.pairs
        changed = {index: changes(value) for index, (name, value) in enumerate(pairs) if name != untouched}
        indices = [index for index, places in changed.items() if places]
        if len(indices) == 1:  # nothing to combine: the usual case, and several times as quick
            name, value = pairs[indices[0]]
            before, behind = pairs[: indices[0]], pairs[indices[0] + 1 :]
            for new, words in alone(value):
                yield recipe.with_pairs((*before, (name, new), *behind)), (name, words)
        elif indices:
            for result, whose, alike in _together(pairs, changed, labels):
                yield recipe.with_pairs(result), (whose, joined(alike))

    return apply


def relisted(lists: Callable[[list[str]], Mapping[tuple[str, ...], str]]) -> Apply:
    """Return the application of other lists to the values of each repeated parameter, with the words for each list."""

    def apply(recipe: Recipe, _: Case) -> Iterator[Attempt]:
        values: dict[str, list[str]] = {}
        for name, value in recipe.pairs:
            values.setdefault(name, []).append(value)
        for name, items in values.items():
            if len(items) == 1:
                continue
            rest = [pair for pair in recipe.pairs if pair[0] != name]
            start = next(index for index, pair in enumerate(recipe.pairs) if pair[0] == name)
            for changed, words in lists(items).items():
                pairs = (*rest[:start], *((name, item) for item in changed), *rest[start:])
                yield recipe.with_pairs(pairs), (name, words)

    return apply


def _together(
    pairs: Pairs, changes: Mapping[int, Changes], labels: Sequence[str]
) -> Iterator[tuple[Pairs, str, list[str]]]:
    """Yield the parameters with all values spelled otherwise, and with those of each name alone."""
    changed: dict[int, dict[int, str]] = {}
    for index, places in changes.items():
        for place, new in places:
            changed.setdefault(place, {})[index] = new
    results: dict[Pairs, tuple[str, list[str]]] = {}
    for place in sorted(changed):
        values = changed[place]
        for names in _groups(tuple(dict.fromkeys(pairs[index][0] for index in values))):
            spelled = list(pairs)
            for index, new in values.items():
                name = pairs[index][0]
                if name in names:
                    spelled[index] = name, new
            results.setdefault(tuple(spelled), (", ".join(names), []))[1].append(labels[place])
    yield from ((result, *facts) for result, facts in results.items())


def _groups(changed: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield changed
    if 1 < len(changed) <= _MOST_SINGLE_VALUES:
        yield from ((name,) for name in changed)


rawurlencode = Escape.PERCENT.apply


def _lower_hex(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text)


def _escape(text: str) -> str:
    """Escape as JavaScript's old ``escape`` does: code units, not UTF-8."""
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [high << 8 | low for high, low in zip(units[::2], units[1::2], strict=True)]
    return "".join(
        chr(code) if code < 128 and re.match(r"[A-Za-z0-9@*_+./-]", chr(code))
        else f"%{code:02X}" if code < 256 else f"%u{code:04X}"
        for code in codes
    )  # fmt: skip


def html_safe(text: str) -> str:
    """Return JSON as Go writes it, so that it may stand in HTML."""
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


PERCENT: dict[str, Spelling] = {
    "PHP's rawurlencode": rawurlencode,
    "PHP's urlencode": lambda text: quote_plus(text).replace("~", "%7E"),
    "Python's quote": quote,
    "Python's quote_plus": quote_plus,
    "encodeURIComponent": partial(quote, safe="!*'()"),
    "encodeURI": partial(quote, safe=";,/?:@&=+$-_.!~*'()#"),
    "Java's URLEncoder": lambda text: quote_plus(text, safe="*").replace("~", "%7E"),
    "Go's PathEscape": partial(quote, safe="$&+:=@"),
    "JavaScript's escape": _escape,
    "Ruby's URI escape": partial(quote, safe=";/?:@&=+$,-_.!~*'()[]"),
    "old Perl, lower-case hex": lambda text: _lower_hex(
        re.sub("[_.~-]", lambda m: f"%{ord(m[0]):02x}", rawurlencode(text))
    ),
    "lower-case hex": lambda text: _lower_hex(rawurlencode(text)),
    ".NET's UrlEncode": lambda text: _lower_hex(quote_plus(text, safe="!*()").replace("~", "%7e")),
}
"""Percent-encoding as libraries do it, likeliest first."""

EIGHT_BIT = (
    "windows-1251", "koi8-r", "latin-1", "windows-1252", "iso-8859-9", "windows-1254", "iso-8859-13", "windows-1257",
)  # fmt: skip
"""The charsets of one byte a letter that texts of these vendors' users come in."""


def charsets_in_words(names: Sequence[str]) -> str:
    """Return the names of charsets that write a text alike, as they stand in a sentence."""
    return " or ".join(names if len(names) < 4 else (*names[:2], "one like them"))

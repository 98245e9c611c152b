"""Mistakes in what takes part: parameters forgotten, added, counted or empty, and values taken for another."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator

from smscli.diagnosis._mistake import Attempt, Case, Stage, mistake
from smscli.diagnosis._recipe import Recipe

_SIGN_WHAT_IS_SENT = "Sign exactly the parameters that are sent, all of them and no other."


@mistake(
    "forgotten",
    Stage.VALUES,
    "{0} is sent but was left out of the string that was signed.",
    _SIGN_WHAT_IS_SENT,
)
def forgotten(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    pairs = recipe.pairs
    for name in dict.fromkeys(name for name, _ in pairs):
        yield recipe.with_pairs(tuple(pair for pair in pairs if pair[0] != name)), (name,)


@mistake("added", Stage.VALUES, "{0}={1} was signed but is not sent.", _SIGN_WHAT_IS_SENT)
def added(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Sign a parameter that client programs are known to add."""
    for name, value in dict.fromkeys(_absent(case, recipe)):
        if value:
            for changed in _insert(recipe, name, value, case):
                yield changed, (name, value)


@mistake(
    "counted",
    Stage.VALUES,
    "{0} was counted, though it never takes part in the signature.",
    "Leave {0} out of the string.",
)
def counted(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Sign what never takes part: as it was sent, as the key (``apikey``), or empty (a place left free)."""
    sent = [(left.name, left.value) for left in case.left_out]
    usual = [pair for pair in case.provider.extras if pair[0] in case.rule.unsigned]
    names = dict.fromkeys([*(name for name, _ in sent), *case.rule.unsigned])
    imagined = [(name, value) for name in names for value in (case.key, "")]
    for name, value in dict.fromkeys([*sent, *usual, *imagined]):
        for changed in _insert(recipe, name, value, case):
            yield changed, (name,)


@mistake(
    "other-value",
    Stage.VALUES,
    "{0} was {1} when the signature was made, not {2}.",
    "Sign the value that is sent; if {1} is meant, send {1}.",
)
def other_value(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Replace a value by one that is known to be taken for it: another name of the same brand, another format."""
    for index, (name, value) in enumerate(recipe.pairs):
        group = [other for aliases in case.provider.aliases if value in aliases for other in aliases]
        group += [other for extra, other in case.provider.extras if extra == name and other]
        for other in dict.fromkeys(group):
            if other != value:
                yield recipe.with_value(index, other), (name, other, value)


@mistake(
    "empty-dropped",
    Stage.VALUES,
    "Empty values are sent but were dropped from the string that was signed: {0}.",
    "Keep empty values in both the request and the string, or in neither.",
)
def empty_dropped(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    """Drop what is empty, and as PHP's ``array_filter`` and its like do, what counts as false."""
    for empty in ("",), ("", "0"), ("", "0", "false"):
        dropped = dict.fromkeys(name for name, value in recipe.pairs if value in empty)
        if any(value == empty[-1] for _, value in recipe.pairs):
            yield recipe.with_pairs(tuple(pair for pair in recipe.pairs if pair[1] not in empty)), (", ".join(dropped),)


@mistake(
    "empty-kept",
    Stage.VALUES,
    "An empty {0} was signed but is not sent.",
    "Leave absent parameters out of the string too; an empty one still takes its place.",
)
def empty_kept(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    for name in dict.fromkeys(name for name, _ in _absent(case, recipe)):
        for changed in _insert(recipe, name, "", case):
            yield changed, (name,)


@mistake(
    "absent-as-word",
    Stage.VALUES,
    "{0} is not sent, but was signed as the word {1}.",
    "Leave absent parameters out of both the request and the string.",
)
def absent_as_word(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    for name in dict.fromkeys(name for name, _ in _absent(case, recipe)):
        for word in _WORDS if case.wide else _WORDS[:3]:
            for changed in _insert(recipe, name, word, case):
                yield changed, (name, word)


_WORDS = ("null", "None", "undefined", "nil", "<nil>", "NULL", "NaN", "(null)", "Optional.empty", "false", "False")

PARTICIPATION = (empty_dropped, forgotten, added, counted, other_value, empty_kept, absent_as_word)


def _absent(case: Case, recipe: Recipe) -> Iterator[tuple[str, str]]:
    # What was added before may be added again with another value: two layers of a program can each have a default.
    present = {name for name, _ in case.given} | set(case.rule.unsigned)
    yield from (pair for pair in case.provider.extras if pair[0] not in present and pair not in recipe.pairs)
    for group in case.rule.order:
        if not present & set(group):
            yield group[0], ""


def _insert(recipe: Recipe, name: str, value: str, case: Case) -> Iterator[Recipe]:
    """Put a parameter where a program that signs it would: by its name, or anywhere where the order is fixed."""
    pairs = recipe.pairs
    if case.rule.order:
        places: Iterable[int] = range(len(pairs) + 1)
    else:
        places = (bisect(pairs, name.encode(), key=lambda pair: pair[0].encode()),)
    for place in places:
        yield recipe.with_pairs((*pairs[:place], (name, value), *pairs[place:]))

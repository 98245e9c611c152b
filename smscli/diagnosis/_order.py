"""Mistakes in the order: sorted by something else, not at all, backwards, or in an order of the program's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, permutations
from typing import TypeVar

from smscli.diagnosis._mistake import Apply, Attempt, Case, Mistake, Stage, mistake
from smscli.diagnosis._recipe import Recipe
from smscli.model import Pairs

_Item = TypeVar("_Item")

Order = tuple[str, Callable[[Recipe, Case], Iterable[tuple[str, str]]]]
"""A way to arrange the parameters, with the words for it."""


def _as_given(recipe: Recipe, case: Case) -> Pairs:
    place = {name: index for index, (name, _) in reversed(list(enumerate(case.given)))}
    return tuple(sorted(recipe.pairs, key=lambda pair: place.get(pair[0], len(place))))


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


_ORDERS: dict[str, tuple[Order, ...]] = {
    "unsorted": (("in the order they were given", _as_given),),
    "sorted-by-name": (("sorted by name", lambda r, _: sorted(r.pairs, key=lambda pair: pair[0].encode())),),
    "sorted-by-value": (
        ("sorted by value", lambda r, _: sorted(r.pairs, key=lambda pair: pair[1])),
        ("sorted by value, last first", lambda r, _: sorted(r.pairs, key=lambda pair: pair[1], reverse=True)),
        (
            "sorted by value, capitals like small letters",
            lambda r, _: sorted(r.pairs, key=lambda pair: pair[1].casefold()),
        ),
    ),
    "sorted-by-locale": (
        (
            "sorted by name, capitals like small letters",
            lambda r, _: sorted(r.pairs, key=lambda pair: pair[0].casefold()),
        ),
        ("sorted by name as dictionaries do", lambda r, _: sorted(r.pairs, key=lambda pair: _letters(pair[0]))),
    ),
    "reversed": (
        ("in reverse order", lambda r, _: r.pairs[::-1]),
        ("in the reverse of the given order", lambda r, case: _as_given(r, case)[::-1]),
    ),
}
"""The orders that programs are known to use, by the name of the mistake."""

_RULE_ORDER = "Join the values {order}."


def _reordered(orders: tuple[Order, ...]) -> Apply:
    def apply(recipe: Recipe, case: Case) -> Iterator[Attempt]:
        for words, order in orders:
            pairs = tuple(order(recipe, case))
            if pairs != recipe.pairs:
                yield recipe.with_pairs(pairs), (words, ", ".join(dict.fromkeys(name for name, _ in pairs)))

    return apply


@mistake("unsorted", Stage.PERMUTATION, "The values were joined unsorted: {0}.", _RULE_ORDER)
def permuted(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Try every order of a short parameter list; of a long one, every order with one parameter moved."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for pair in recipe.pairs:
        groups.setdefault(pair[0], []).append(pair)
    named = {recipe.pairs, *(tuple(order(recipe, case)) for orders in _ORDERS.values() for _, order in orders)}
    arrange = permutations if len(groups) <= (7 if case.wide else 5) else _moved
    orders: Iterable[Pairs] = arrange(recipe.pairs)
    if len(groups) < len(recipe.pairs):
        orders = (tuple(chain.from_iterable(arranged)) for arranged in arrange(groups.values()))
    for names, pairs in zip(arrange(groups), orders, strict=True):
        if pairs not in named:
            yield recipe.with_pairs(pairs), (", ".join(names),)


def _moved(items: Iterable[_Item]) -> Iterator[tuple[_Item, ...]]:
    everything = tuple(items)
    for index, item in enumerate(everything):
        rest = everything[:index] + everything[index + 1 :]
        for place in range(len(everything)):
            if place not in (index, index - 1):  # index - 1 is the neighbour's move the other way round
                yield (*rest[:place], item, *rest[place:])


ORDER = (
    *(
        Mistake(name, Stage.ORDER, "The values were joined {0}: {1}.", _RULE_ORDER, _reordered(orders))
        for name, orders in _ORDERS.items()
    ),
    permuted,
)

"""Mistakes in the order: sorted by something else, not at all, backwards, or in an order of the program's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cmp_to_key
from itertools import chain, permutations
from typing import Any, TypeVar

from smscli.diagnosis._mistake import Apply, Attempt, Case, Mistake, Stage, mistake
from smscli.diagnosis._recipe import Recipe
from smscli.model import Pairs

_Item = TypeVar("_Item")

Order = tuple[str, Callable[[Recipe, Case], Iterable[tuple[str, str]]]]
"""A way to arrange the parameters, with the words for it."""


def as_given(recipe: Recipe, case: Case) -> Pairs:
    """Return the parameters in the order in which the other program has them."""
    place = {name: index for index, (name, _) in reversed(list(enumerate(case.given)))}
    return tuple(sorted(recipe.pairs, key=lambda pair: place.get(pair[0], len(place))))


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Return the key of a natural order: runs of digits count by their size, before letters."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(piece), "") if piece[0] in "0123456789" else (1, 0, piece) for piece in pieces]


def _collated(name: str) -> tuple[list[tuple[int, str]], str]:
    """Return the key of ICU's order: punctuation, digits, letters; small letters before capitals when all is equal."""
    kinds = [(_ICU.find(one), "") if one in _ICU else (len(_ICU) + one.isalpha(), one.casefold()) for one in name]
    return kinds, name.swapcase()


_ICU = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
"""What ICU sorts before digits, in its order."""


def _collated_naturally(name: str) -> list[tuple[int, int, str]]:
    return [(rank, size, piece.casefold()) for rank, size, piece in _natural(name)]


def _collated_numerically(name: str) -> list[tuple[int, int, str]]:
    pieces = re.findall(r"[0-9]+|[^0-9]", name)
    return [
        (len(_ICU), int(piece), "") if piece[0] in "0123456789"
        else (_ICU.find(piece), 0, "") if piece in _ICU
        else (len(_ICU) + 1, 0, piece.casefold())
        for piece in pieces
    ]  # fmt: skip


def _php_sorted(pairs: Pairs) -> list[tuple[str, str]]:
    """Sort by value as PHP does: two numbers by size, else as text. That is no order, so its own algorithm counts."""

    def compare(one: tuple[str, str], other: tuple[str, str]) -> int:
        left, right = one[1], other[1]
        if _NUMERIC.fullmatch(left) and _NUMERIC.fullmatch(right):
            return (float(left) > float(right)) - (float(left) < float(right))
        return (left > right) - (left < right)

    return sorted(pairs, key=cmp_to_key(compare))


_NUMERIC = re.compile(r"\s*[+-]?[0-9]+(?:\.[0-9]+)?\s*", re.ASCII)


def _leading_number(text: str) -> float:
    match = re.match(r"\s*([+-]?[0-9]+(?:\.[0-9]+)?)", text, re.ASCII)
    return float(match[1]) if match else 0.0


def _by_name(
    key: Callable[[str], Any], *, reverse: bool = False
) -> Callable[[Recipe, Case], Iterable[tuple[str, str]]]:
    # From the given order: a stable sort keeps it among names that count as equal.
    return lambda recipe, case: sorted(as_given(recipe, case), key=lambda pair: key(pair[0]), reverse=reverse)


def _by_value(
    key: Callable[[str], Any], *, reverse: bool = False
) -> Callable[[Recipe, Case], Iterable[tuple[str, str]]]:
    return lambda recipe, case: sorted(as_given(recipe, case), key=lambda pair: key(pair[1]), reverse=reverse)


# --- the orders of hash tables ---------------------------------------------------------------------------------------


def _java_hash(text: str) -> int:
    """Return Java's String.hashCode, as 32 bits without a sign."""
    units = text.encode("utf-16-be")
    value = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value


def java_hash_map(pairs: Pairs, slots: int = 16) -> list[tuple[str, str]]:
    """Return the order in which a HashMap (or ConcurrentHashMap) of that many slots or more gives its entries."""
    while slots * 3 < len(pairs) * 4:
        slots *= 2

    def slot(name: str) -> int:
        value = _java_hash(name)
        return (value ^ value >> 16) & (slots - 1)

    return sorted(pairs, key=lambda pair: slot(pair[0]))


def _java_hash_table(pairs: Pairs, slots: int) -> list[tuple[str, str]]:
    """Return the order of a Hashtable: it walks from its last slot, newest first, and turns slots over as it grows."""
    table: list[list[tuple[str, str]]] = [[] for _ in range(slots)]
    for count, pair in enumerate(pairs):
        if count >= len(table) * 3 // 4:
            grown: list[list[tuple[str, str]]] = [[] for _ in range(2 * len(table) + 1)]
            for old in reversed(table):
                for one in old:
                    grown[(_java_hash(one[0]) & 0x7FFFFFFF) % len(grown)].insert(0, one)
            table = grown
        table[(_java_hash(pair[0]) & 0x7FFFFFFF) % len(table)].insert(0, pair)
    return [pair for chain in reversed(table) for pair in chain]


def _unique(walk: Callable[[Pairs], list[tuple[str, str]]]) -> Callable[[Recipe, Case], Iterable[tuple[str, str]]]:
    """Return an order of names, for a map has each once; the values of a repeated one stay together."""

    def order(recipe: Recipe, case: Case) -> Iterable[tuple[str, str]]:
        given = as_given(recipe, case)
        names = [name for name, _ in walk(tuple((name, "") for name in dict.fromkeys(name for name, _ in given)))]
        return sorted(given, key=lambda pair: names.index(pair[0]))

    return order


def _java_tables(names: Pairs) -> list[tuple[str, str]]:
    return _java_hash_table(names, 11)


def _copied_java_table(names: Pairs) -> list[tuple[str, str]]:
    return _java_hash_table(names, max(2 * len(names), 11))


_ORDERS: dict[str, tuple[Order, ...]] = {
    "unsorted": (("in the order they were given", as_given),),
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
        ("in the reverse of the given order", lambda r, case: as_given(r, case)[::-1]),
    ),
}
"""The orders that programs are known to use, by the name of the mistake."""

_RARE_ORDERS: dict[str, tuple[Order, ...]] = {
    "sorted-by-locale": (
        ("sorted by name as localeCompare does", _by_name(_collated)),
        ("sorted by name as localeCompare does with numeric", _by_name(_collated_numerically)),
        ("sorted by name, numbers in it by their size (PHP's SORT_NATURAL)", _by_name(_natural)),
        ("sorted by name, numbers in it by their size, capitals like small letters", _by_name(_collated_naturally)),
    ),
    "sorted-by-value": (
        ("sorted by value, numbers by their size (PHP's sort)", lambda r, case: _php_sorted(as_given(r, case))),
        (
            "sorted by value, numbers by their size, last first (PHP's rsort)",
            lambda r, case: _php_sorted(as_given(r, case))[::-1],
        ),
        ("sorted by value, numbers by their size (Perl's <=>)", _by_value(_leading_number)),
        ("sorted by value, numbers in it by their size (PHP's natsort)", _by_value(_natural)),
        ("sorted by value, numbers in it by their size (PHP's natcasesort)", _by_value(_collated_naturally)),
        ("sorted by value as localeCompare does", _by_value(_collated)),
    ),
    "unsorted": (
        ("in the order of Java's HashMap", _unique(java_hash_map)),
        ("in the order of Java's HashMap of 32", _unique(lambda names: java_hash_map(names, 32))),
        ("in the order of Java's HashMap of 64", _unique(lambda names: java_hash_map(names, 64))),
        ("in the order of Java's Hashtable", _unique(_java_tables)),
        ("in the order of Java's Hashtable", _unique(_copied_java_table)),
        ("sorted by the length of the name", _by_name(len)),
        ("sorted by the length of the name, then by name", _by_name(lambda name: (len(name), name))),
        ("sorted by the length of the name, longest first", _by_name(len, reverse=True)),
    ),
}
"""Orders that are tried alone; where they need a first order, as hash tables do, it is the given one."""

_RULE_ORDER = "Join the values {order}{idiom}."


def _reordered(orders: tuple[Order, ...], *, least: int = 0) -> Apply:
    """Return the application of orders to at least so many parameters: of two there is only one other order."""

    def apply(recipe: Recipe, case: Case) -> Iterator[Attempt]:
        if len(recipe.pairs) < least:
            return
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
    tables = (_ORDERS, _RARE_ORDERS) if case.wide else (_ORDERS,)
    named = {
        recipe.pairs,
        *(tuple(order(recipe, case)) for table in tables for orders in table.values() for _, order in orders),
    }
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


@mistake("unsorted", Stage.PERMUTATION, "The values were joined as Go walks a map: {0}.", _RULE_ORDER, alone=True)
def go_map(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Walk a map of 8 to 12 names as Go does: buckets of 8 in their order of insertion, from a random place on."""
    given = as_given(recipe, case)
    names = tuple(dict.fromkeys(name for name, _ in given))
    if not 8 <= len(names) <= 12:
        return
    values = {name: tuple(pair for pair in given if pair[0] == name) for name in names}
    seen = set()
    for split in range(1 << len(names) if len(names) > 8 else 1):
        one = [name for place, name in enumerate(names) if not split >> place & 1]
        other = [name for place, name in enumerate(names) if split >> place & 1]
        for start in range(8):
            for buckets in ((one, other), (other, one)):
                order = tuple(chain.from_iterable(_bucket(bucket, start) for bucket in buckets))
                if order not in seen:
                    seen.add(order)
                    yield (
                        recipe.with_pairs(tuple(chain.from_iterable(values[name] for name in order))),
                        (", ".join(order),),
                    )


def _bucket(names: Sequence[str], start: int) -> Iterator[str]:
    for first in range(0, len(names), 8):
        slots = names[first : first + 8]
        yield from slots[start:]
        yield from slots[:start]


_SENTENCE = "The values were joined {0}: {1}."

ORDER = (
    *(Mistake(name, Stage.ORDER, _SENTENCE, _RULE_ORDER, _reordered(orders)) for name, orders in _ORDERS.items()),
    *(
        Mistake(name, Stage.ORDER, _SENTENCE, _RULE_ORDER, _reordered(orders, least=3), alone=True)
        for name, orders in _RARE_ORDERS.items()
    ),
    permuted,
    go_map,
)

"""A mistake as a value: its name, its stage, its words, and the function that makes it on a recipe.

This module says what a mistake is and what it may know of the request. The mistakes themselves stand in the modules
of their families, the walk over them in ``_search``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum, unique
from functools import partial
from typing import NamedTuple

from smscli.diagnosis._recipe import Digest, Recipe, rule_digest
from smscli.model import Pairs, Secret
from smscli.providers import Provider
from smscli.signing import Escape, KeyUse, LeftOut, Rule


@unique
class Stage(IntEnum):
    """Where in its work a program makes a mistake; later ones are made on the result of earlier ones."""

    VALUES = 0
    ORDER = 1
    PERMUTATION = 2
    JOIN = 3
    KEY = 4
    CHARSET = 5
    DIGEST = 6

    def may_precede(self, second: Stage) -> bool:
        """Tell whether a mistake of ``second`` may be made on the result of one of this stage.

        Within one stage both orders count where changes add up (encoded then trimmed, trimmed then encoded); a second
        order, charset or digest would only undo the first. Values may also be changed after they were sorted.
        """
        if self is second:
            return self in {Stage.VALUES, Stage.JOIN, Stage.KEY}
        return self < second or (self is Stage.ORDER and second is Stage.VALUES)


class Case(NamedTuple):
    """What a mistake may know of the request.

    ``given`` are the parameters as the other program has them, ``left_out`` those that are not signed; ``keys`` are
    the keys of other profiles by name. ``lengths`` are those of the hex that is looked for. ``wide`` asks for every
    variant, affordable for single mistakes only. ``hidden`` are secrets besides the keys.
    """

    provider: Provider
    given: Pairs
    left_out: tuple[LeftOut, ...]
    keys: tuple[tuple[str, str], ...]
    key: str
    lengths: frozenset[int]
    hidden: tuple[Secret, ...] = ()
    wide: bool = True

    @property
    def rule(self) -> Rule:
        """The vendor's rule."""
        return self.provider.rule

    def wants(self, digest: Digest) -> bool:
        """Tell whether a digest of this length could be the expected value; the others need not be tried."""
        return digest.length in self.lengths

    def rule_in_words(self) -> dict[str, str]:
        """Return the words of the vendor's rule that a fix may name."""
        rule, order = self.rule, "sorted by name, byte by byte"
        if rule.order:
            order = f"in the order {', '.join(group[0] for group in rule.order)}"
        pieces = "the values alone" if rule.glue is None else f"name{rule.glue}value of each parameter"
        places = [
            f"{'in front of' if rule.leading else 'between'} the {'values' if rule.glue is None else 'parameters'}"
        ]
        if rule.before_key == rule.separator and rule.key is not KeyUse.HMAC:
            places.append("before the key" if rule.key is KeyUse.SUFFIX else "behind the key")
        key = "Put the key in front of the values" if rule.key is KeyUse.PREFIX else "Append the key to the values"
        values, encoding = "Sign the decoded values", "percent-encoding belongs to the URL or form only"
        if rule.escape is not Escape.NONE:
            values, encoding = (
                f"Sign each value {rule.escape}, once",
                "the request is encoded on top of that, on its own",
            )
        sorts = " (PHP: ksort; JavaScript: Object.keys(p).sort(); Java: a TreeMap; Go: sort.Strings of the names)"
        return {
            "order": order,
            "idiom": "" if rule.order else sorts,
            "pieces": pieces,
            "separator": f"{separator_in_words(rule.separator)} {' and '.join(places)}",
            "key": key,
            "values": values,
            "encoding": encoding,
            "digest": rule_digest(rule).label,
        }


def separator_in_words(separator: str) -> str:
    """Return the separator as it can be read in a sentence."""
    return {"": "nothing", " ": "a space", "\n": "a line feed"}.get(separator, separator)


Facts = tuple[str, ...]
"""What a mistake says of itself; they fill its sentence and its fix."""

Attempt = tuple[Recipe, Facts]
"""A recipe with the mistake made, and the facts about it."""

Apply = Callable[[Recipe, Case], Iterable[Attempt]]


class Mistake(NamedTuple):
    """One way to go wrong. ``sentence`` and ``fix`` are format strings over the facts that ``apply`` gives.

    A fix may also name ``{order}``, ``{idiom}`` (how languages sort so), ``{pieces}``, ``{separator}`` (with its
    places), ``{key}``, ``{values}``, ``{encoding}`` and ``{digest}``: those of the vendor's rule, in words. One that is
    made ``alone`` is not tried together with another: it is rare, or has too many variants.
    """

    name: str
    stage: Stage
    sentence: str
    fix: str
    apply: Apply
    alone: bool = False


def mistake(name: str, stage: Stage, sentence: str, fix: str, *, alone: bool = False) -> Callable[[Apply], Mistake]:
    """Return the decorator that turns the function that makes a mistake into that mistake."""
    return partial(Mistake, name, stage, sentence, fix, alone=alone)

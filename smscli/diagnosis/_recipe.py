"""A signature as the outcome of a recipe: parameters in order, how they are joined, where the key goes, the digest.

This module knows what a vendor's rule makes of a request (``true_recipe``) and how any recipe is worked out. It knows
no mistake.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from enum import StrEnum, unique
from typing import NamedTuple

from smscli.model import Pairs
from smscli.signing import KeyUse, Rule, join_pieces


@unique
class Place(StrEnum):
    """Where the key stands in the text that is hashed."""

    BEHIND = "behind"
    FRONT = "front"
    BOTH = "both"
    NOWHERE = "nowhere"


class Digest(NamedTuple):
    """One way from (text, key) to hex: its name, the length of its hex, and the function."""

    label: str
    length: int
    run: Callable[[bytes, bytes], str]


class Recipe(NamedTuple):
    """One way to make a signature. ``pairs`` stand in joining order; ``glue`` joins a name to its value.

    ``glue`` None: names do not take part; ``escape`` is how values are written; ``finish`` is what is done to the whole
    text in the end. A plain tuple, because a search makes hundreds of thousands.
    """

    pairs: Pairs
    separator: str
    key: str
    key_place: Place
    key_separator: str
    digest: Digest
    glue: str | None = None
    head: str = ""
    tail: str = ""
    charset: str = "utf-8"
    finish: Callable[[str], str] = str
    escape: Callable[[str], str] = str

    def outcome(self) -> str:
        """Return the signature, as the hex that the digest gives."""
        return self.digest.run(self.text(self.key).encode(self.charset, "replace"), self.key.encode())

    def text(self, key: str) -> str:
        """Return the text that is hashed, with ``key`` (the real one, or a mask) where the key goes."""
        pairs, separator, _, place, key_separator, _, glue, head, tail, _, finish, escape = self
        pieces = join_pieces(pairs, glue, escape)
        body = head + separator.join(pieces) if pieces else ""
        if place is Place.BEHIND:
            body = f"{body}{key_separator}{key}" if pieces else key
        elif place is Place.FRONT:
            body = f"{key}{key_separator}{body}" if pieces else key
        elif place is Place.BOTH:
            body = f"{key}{key_separator}{body}{key_separator}{key}"
        return finish(body + tail)


_PLACES = {KeyUse.SUFFIX: Place.BEHIND, KeyUse.PREFIX: Place.FRONT, KeyUse.HMAC: Place.NOWHERE}


def true_recipe(rule: Rule, signed: Pairs, key: str) -> Recipe:
    """Return the recipe without a mistake over parameters that are already in signing order."""
    return Recipe(
        signed,
        rule.separator,
        key,
        _PLACES[rule.key],
        rule.before_key,
        rule_digest(rule),
        rule.glue,
        rule.head,
        escape=rule.escape.apply,
    )


def rule_digest(rule: Rule) -> Digest:
    """Return the digest that the rule demands."""
    *_, last = rule.digests
    length = hashlib.new(last, usedforsecurity=False).digest_size * 2
    if rule.key is KeyUse.HMAC:
        return Digest(f"HMAC-{last}", length, keyed(last))
    return Digest(" then ".join(rule.digests), length, chained(rule.digests, str.encode))


HEX_LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64}
"""The digests that programs sign with, and how many hex characters each gives."""


def keyed(algorithm: str) -> Callable[[bytes, bytes], str]:
    """Return the HMAC with this digest (RFC 2104)."""
    return lambda text, key: hmac.digest(key, text, algorithm).hex()


def chained(algorithms: Sequence[str], between: Callable[[str], bytes]) -> Callable[[bytes, bytes], str]:
    """Return digests one after the other; ``between`` makes bytes of the hex of the one before."""

    def run(text: bytes, _: bytes) -> str:
        outcome = hex_digest(algorithms[0], text)
        for algorithm in algorithms[1:]:
            outcome = hex_digest(algorithm, between(outcome))
        return outcome

    return run


def hex_digest(algorithm: str, data: bytes) -> str:
    """Return the digest of ``data`` as lower-case hex."""
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()

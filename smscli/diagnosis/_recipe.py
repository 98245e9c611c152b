"""A signature as the outcome of a recipe: parameters in order, how they are joined, where the key goes, the digest.

This module knows what a vendor's rule makes of a request (``true_recipe``) and how any recipe is worked out. It knows
no mistake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from enum import StrEnum, unique
from functools import lru_cache, partial
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


# A member looked up in its class takes ten times as long, and a search asks hundreds of thousands of times.
_BEHIND, _FRONT, _BOTH = Place.BEHIND, Place.FRONT, Place.BOTH


class Digest(NamedTuple):
    """One way from (text, key) to hex: its name, the length of its hex, and the function."""

    label: str
    length: int
    run: Callable[[bytes, bytes], str]


_new_tuple = tuple.__new__


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

    def with_pairs(self, pairs: Pairs) -> Recipe:
        """Return the recipe over other parameters, in a quarter of the time of ``_replace``."""
        return _new_tuple(Recipe, (pairs, *self[1:]))

    def with_value(self, index: int, value: str) -> Recipe:
        """Return the recipe with another value of the parameter in that place."""
        pairs = self.pairs
        return self.with_pairs((*pairs[:index], (pairs[index][0], value), *pairs[index + 1 :]))

    def with_key(self, key: str) -> Recipe:
        """Return the recipe with another key, as quickly."""
        return _new_tuple(Recipe, (*self[:2], key, *self[3:]))

    def with_separators(self, separator: str, key_separator: str) -> Recipe:
        """Return the recipe with other separators, as quickly."""
        return _new_tuple(Recipe, (self[0], separator, *self[2:4], key_separator, *self[5:]))

    def outcome(self) -> str:
        """Return the signature, as the hex that the digest gives."""
        key = self.key
        return self.digest.run(self.text(key).encode(self.charset, "replace"), key.encode())

    def text(self, key: str) -> str:
        """Return the text that is hashed, with ``key`` (the real one, or a mask) where the key goes."""
        pairs, separator, _, place, key_separator, _, glue, head, tail, _, finish, escape = self
        pieces = join_pieces(pairs, glue, escape)
        body = head + separator.join(pieces) if pieces else ""
        if place is _BEHIND:
            body = f"{body}{key_separator}{key}{tail}" if pieces else key + tail
        elif place is _FRONT:
            body = f"{key}{key_separator}{body}{tail}" if pieces else key + tail
        elif place is _BOTH:
            body = f"{key}{key_separator}{body}{key_separator}{key}{tail}"
        else:
            body += tail
        return body if finish is str else finish(body)


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
    """Return the HMAC with this digest (RFC 2104), for many texts under few keys."""

    def run(text: bytes, key: bytes) -> str:
        inner, outer = _begun(algorithm, key)
        within, around = inner.copy(), outer.copy()
        within.update(text)
        around.update(within.digest())
        return around.hexdigest()

    return run


@lru_cache(maxsize=64)
def _begun(algorithm: str, key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Return the inner and the outer digest of an HMAC that have taken the padded key.

    ``hmac.digest`` looks for the algorithm and pads the key at every call: ten times the work of hashing one text.
    """
    start = constructor(algorithm)
    block = start().block_size
    padded = (key if len(key) <= block else start(key).digest()).ljust(block, b"\0")
    return start(bytes(byte ^ 0x36 for byte in padded)), start(bytes(byte ^ 0x5C for byte in padded))


def chained(algorithms: Sequence[str], between: Callable[[str], bytes]) -> Callable[[bytes, bytes], str]:
    """Return digests one after the other; ``between`` makes bytes of the hex of the one before.

    They are copies of empty ones: OpenSSL looks for the algorithm of every new one, longer than it hashes a text.
    """
    first, *others = [constructor(algorithm)() for algorithm in algorithms]

    def run(text: bytes, _: bytes) -> str:
        stage = first.copy()
        stage.update(text)
        for other in others:
            text = between(stage.hexdigest())
            stage = other.copy()
            stage.update(text)
        return stage.hexdigest()

    return run


def hex_digest(algorithm: str, data: bytes) -> str:
    """Return the digest of ``data`` as lower-case hex."""
    return constructor(algorithm)(data).hexdigest()


@lru_cache
def constructor(algorithm: str) -> Callable[..., hashlib._Hash]:
    """Return the constructor of a digest; ``hashlib.new`` would look for it at every call, longer than it hashes."""
    return partial(getattr(hashlib, algorithm, partial(hashlib.new, algorithm)), usedforsecurity=False)

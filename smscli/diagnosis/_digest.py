"""Mistakes between the text and the hex: charset, digests, their stages, and HMAC."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

from smscli.diagnosis._mistake import Attempt, Case, Stage, mistake
from smscli.diagnosis._recipe import HEX_LENGTHS, Digest, Place, Recipe, chained, hex_digest, keyed
from smscli.diagnosis._respelling import EIGHT_BIT
from smscli.signing import KeyUse


@mistake(
    "charset",
    Stage.CHARSET,
    "The text was hashed in {0}, not in UTF-8.",
    "Encode the text as UTF-8 without a byte order mark before hashing.",
)
def charset(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    """Encode in another charset; those that give the same bytes are one attempt."""
    text = recipe.text(recipe.key)
    charsets_by_bytes: dict[bytes, list[str]] = {text.encode(): []}
    for name in (*EIGHT_BIT, "ascii", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16"):
        charsets_by_bytes.setdefault(text.encode(name, "replace"), []).append(name)
    for names in charsets_by_bytes.values():
        if names and names[0] != recipe.charset:
            yield recipe._replace(charset=names[0]), (" or ".join(names),)


# --- which digests ---------------------------------------------------------------------------------------------------

_HASHES = tuple(
    Digest(" then ".join(algorithms), HEX_LENGTHS[algorithms[-1]], chained(algorithms, str.encode))
    for algorithms in (*((name,) for name in HEX_LENGTHS), *product(HEX_LENGTHS, repeat=2))
)
_HMACS = tuple(Digest(f"HMAC-{name}", length, keyed(name)) for name, length in HEX_LENGTHS.items())


@mistake("wrong-digest", Stage.DIGEST, "The digest was {0}.", "Use {digest}.")
def wrong_digest(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    for digest in _HMACS if case.rule.key is KeyUse.HMAC else _HASHES:
        if digest.label != recipe.digest.label and case.wants(digest):
            yield recipe._replace(digest=digest), (digest.label,)


_BETWEEN: tuple[tuple[str, Callable[[str], bytes]], ...] = (
    ("raw bytes instead of hex between", bytes.fromhex),
    ("capital hex between", lambda text: text.upper().encode()),
    ("base64 between", lambda text: base64.b64encode(bytes.fromhex(text))),
)
_WRONGLY_CHAINED = tuple(
    (words, Digest(" then ".join(algorithms), HEX_LENGTHS[algorithms[-1]], chained(algorithms, between)))
    for algorithms in product(HEX_LENGTHS, repeat=2)
    for words, between in _BETWEEN
)


@mistake(
    "wrong-between",
    Stage.DIGEST,
    "The digest was {0} with {1} the stages.",
    "Use {digest}; a second stage hashes the lower-case hex text of the first.",
)
def wrong_between(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    if case.rule.key is not KeyUse.HMAC:
        for words, digest in _WRONGLY_CHAINED:
            if case.wants(digest):
                yield recipe._replace(digest=digest), (digest.label, words)


@mistake(
    "key-between",
    Stage.DIGEST,
    "The key was appended after {0}, before {1}, instead of before both.",
    "{key}, then hash.",
)
def key_between(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Hash the values alone first and append the key to the digest."""
    digests = case.rule.digests
    if case.rule.key is not KeyUse.HMAC and len(digests) == 2 and case.wants(recipe.digest):
        for separator in dict.fromkeys((recipe.key_separator, "")):
            glue = separator.encode()

            def run(text: bytes, key: bytes, glue: bytes = glue) -> str:
                return hex_digest(digests[1], hex_digest(digests[0], text).encode() + glue + key)

            digest = Digest(recipe.digest.label, recipe.digest.length, run)
            yield recipe._replace(digest=digest, key_place=Place.NOWHERE), (digests[0], digests[1])


# --- HMAC ------------------------------------------------------------------------------------------------------------


def _swapped(algorithm: str) -> Callable[[bytes, bytes], str]:
    return lambda text, key: hmac.digest(text, key, algorithm).hex()


_SWAPPED_HMACS = tuple(Digest(f"HMAC-{name}", length, _swapped(name)) for name, length in HEX_LENGTHS.items())


@mistake(
    "hmac-swapped",
    Stage.DIGEST,
    "The arguments of {0} were swapped: the text served as the key.",
    "Give the secret as the key and the text as the message; PHP's hash_hmac takes the text first.",
)
def hmac_swapped(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    if case.rule.key is KeyUse.HMAC:
        for digest in _SWAPPED_HMACS:
            if case.wants(digest):
                yield recipe._replace(digest=digest), (digest.label,)


@mistake(
    "key-decoded",
    Stage.DIGEST,
    "The key was decoded from {0} before {1}.",
    "Use the text of the key, as it is.",
)
def key_decoded(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Use the bytes that a hex or base64 key stands for."""
    for encoding, decode in (("hex", bytes.fromhex), ("base64", partial(base64.b64decode, validate=True))):
        try:
            key = decode(recipe.key)
        except ValueError:
            continue
        for name, length in HEX_LENGTHS.items():
            digest = Digest(f"HMAC-{name}", length, _keyed_with(key, name))
            if case.rule.key is KeyUse.HMAC and case.wants(digest):
                yield recipe._replace(digest=digest), (encoding, digest.label)


def _keyed_with(key: bytes, algorithm: str) -> Callable[[bytes, bytes], str]:
    return lambda text, _: hmac.digest(key, text, algorithm).hex()


@mistake(
    "hash-for-hmac",
    Stage.DIGEST,
    "A plain hash was used instead of an HMAC: {0}, the key {1} the values.",
    "Use {digest} with the secret as its key.",
)
def hash_for_hmac(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    if case.rule.key is KeyUse.HMAC:
        places = ((Place.BEHIND, "behind"), (Place.FRONT, "in front of"), (Place.NOWHERE, "nowhere near"))
        for digest in _HASHES:
            if case.wants(digest):
                for place, words in places:
                    yield recipe._replace(digest=digest, key_place=place), (digest.label, words)


@mistake(
    "hmac-for-hash",
    Stage.DIGEST,
    "{0} was used instead of a plain hash.",
    "{key} and use {digest}.",
)
def hmac_for_hash(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    if case.rule.key is not KeyUse.HMAC:
        for digest in (*_HMACS, *_SWAPPED_HMACS):
            if case.wants(digest):
                yield recipe._replace(digest=digest, key_place=Place.NOWHERE), (digest.label,)


DIGEST = (charset, wrong_digest, wrong_between, key_between, hmac_swapped, key_decoded, hash_for_hmac, hmac_for_hash)

"""Mistakes with the key: in another place, missing, another one, or with what surrounded it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

from smscli.diagnosis._mistake import Attempt, Case, Facts, Stage, mistake
from smscli.diagnosis._recipe import Place, Recipe, hex_digest
from smscli.diagnosis._respelling import Spellings, rawurlencode


@mistake("key-placed", Stage.KEY, "The key stood {0}.", "Put the key where the vendor's rule puts it.")
def key_placed(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    places = [(Place.FRONT, "in front of the values"), (Place.BOTH, "on both sides of the values")]
    if recipe.key_place is Place.FRONT:
        places[0] = (Place.BEHIND, "behind the values")
    for place, words in places:
        for separator in dict.fromkeys((recipe.key_separator, case.rule.separator, "")):
            yield recipe._replace(key_place=place, key_separator=separator), (words,)


@mistake("key-missing", Stage.KEY, "The signature was made with {0}.", "Check that the key was read.")
def key_missing(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    yield recipe.with_key(""), ("an empty key",)
    if recipe.key_place is not Place.NOWHERE:
        yield recipe._replace(key_place=Place.NOWHERE), ("no key at all",)


@mistake("key-of-another", Stage.KEY, "The key was that of profile {0}.", "Use this account's key.")
def key_of_another(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    for name, key in case.keys:
        yield recipe.with_key(key), (name,)


_KEY_SPELLINGS: Spellings = (
    ("a line feed behind it", "{}\n".format),
    ("CRLF behind it", "{}\r\n".format),
    ("a carriage return behind it", "{}\r".format),
    ("a space behind it", "{} ".format),
    ("a space before it", " {}".format),
    ("a space on both sides", " {} ".format),
    ("a tab behind it", "{}\t".format),
    ("a byte order mark before it", "\ufeff{}".format),
    ("a zero byte behind it", "{}\0".format),
    ("double quotes around it", '"{}"'.format),
    ("single quotes around it", "'{}'".format),
    ("angle brackets around it", "<{}>".format),
    ("a semicolon behind it", "{};".format),
    ("a comma behind it", "{},".format),
    ("its white space cut off", str.strip),
    ("its quotes cut off", lambda key: key.strip("\"'")),
    ("its last character missing", lambda key: key[:-1]),
    ("its first character missing", lambda key: key[1:]),
    ("small letters", str.lower),
    ("capital letters", str.upper),
    ("percent-encoding", rawurlencode),
    ("percent-decoding", unquote),
    ("base64 encoding", lambda key: base64.b64encode(key.encode()).decode()),
    ("its MD5 instead of itself", lambda key: hex_digest("md5", key.encode())),
    ("its SHA-1 instead of itself", lambda key: hex_digest("sha1", key.encode())),
    ("the word null instead", lambda _: "null"),
    ("the word None instead", lambda _: "None"),
    ("the word undefined instead", lambda _: "undefined"),
)


@mistake(
    "key-misspelled",
    Stage.KEY,
    "The key was used with {0}.",
    "Use the key exactly as the vendor shows it, without what surrounds it.",
)
def key_misspelled(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    """Use the key as a file, a shell or a language left it."""
    for key, facts in _respelled_keys(recipe.key):
        yield recipe.with_key(key), facts


@lru_cache(maxsize=64)  # a search asks for few keys, each thousands of times
def _respelled_keys(key: str) -> tuple[tuple[str, Facts], ...]:
    spelled = ((spell(key), (words,)) for words, spell in _KEY_SPELLINGS)
    return tuple((other, facts) for other, facts in spelled if other != key)


@mistake(
    "key-from-value",
    Stage.KEY,
    "The value of {0} was used as the key.",
    "Use the secret key the vendor gave, not a public value.",
)
def key_from_value(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    for name, value in dict.fromkeys(case.given):
        if value and name not in case.rule.unsigned:
            yield recipe.with_key(value), (name,)


KEY = (key_placed, key_missing, key_of_another, key_misspelled, key_from_value)

"""Mistakes with the key: in another place, missing, another one, or with what surrounded it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

from smscli.diagnosis._characters import DASHES, INVISIBLE, plain_typography, visible_only
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


@mistake("key-of-another", Stage.KEY, "The key was that of {0}.", "Use this account's key.")
def key_of_another(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    names: dict[str, list[str]] = {}
    for name, key in case.keys:
        names.setdefault(key, []).append(name)
    for key, whose in names.items():
        yield recipe.with_key(key), (" or of ".join(whose),)


_LONGEST = 128  # characters of a key at whose places something unseen is looked for

_UNSEEN = {
    **{character: f"an invisible character (U+{ord(character):04X})" for character in INVISIBLE},
    "\u00a0": "a no-break space",
    "\u200b": "a zero-width space",
    "\u00ad": "a soft hyphen",
    "\ufeff": "a byte order mark",
    "\u2060": "a word joiner",
    "\u200e": "a left-to-right mark",
    "\u200f": "a right-to-left mark",
    "\t": "a tab",
    "\n": "a line feed",
}

_KEY_SPELLINGS: Spellings = (
    ("a line feed behind it, as echo and text files have it", "{}\n".format),
    ("CRLF behind it, as text files have it", "{}\r\n".format),
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
    ("its invisible characters cut out", visible_only),
    ("its quotes cut off", lambda key: key.strip("\"'“”„‟‘’‚‛«»")),
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


_MARKS = ("“”", "„“", "‘’", "‚‘", "«»", "„”", "””", "’’")

_RARE_KEY_SPELLINGS: Spellings = (
    *((f"{words} behind it", f"{{}}{character}".format) for character, words in _UNSEEN.items()),
    *((f"{words} before it", f"{character}{{}}".format) for character, words in _UNSEEN.items()),
    *((f"typographic quotes around it ({marks})", f"{marks[0]}{{}}{marks[1]}".format) for marks in _MARKS),
    ("plain quotes and hyphens instead of its typographic ones", plain_typography),
    ("typographic apostrophes", lambda key: key.replace("'", "’")),
    ("what a shell or PHP took for a variable cut out", lambda key: re.sub(r"\$\{?\w*\}?", "", key)),
    ("what Perl took for an array cut out", lambda key: re.sub(r"@\w+", "", key)),
    ("what follows # cut off", lambda key: key.partition("#")[0]),
    ("what follows a space cut off", lambda key: key.partition(" ")[0]),
    ("what follows = cut off", lambda key: key.partition("=")[0]),
    ("its backslashes eaten", lambda key: re.sub(r"\\(.)", r"\1", key)),
    ("+ turned into a space", lambda key: key.replace("+", " ")),
    ("a line feed behind its base64 encoding", lambda key: base64.b64encode(key.encode()).decode() + "\n"),
    ("hex encoding", lambda key: key.encode().hex()),
    ("its last two characters missing", lambda key: key[:-2]),
    ("its second half missing", lambda key: key[: len(key) // 2]),
    ("itself once more behind it", lambda key: key * 2),
    ("its MD5 in capitals instead of itself", lambda key: hex_digest("md5", key.encode()).upper()),
    ("its SHA-256 instead of itself", lambda key: hex_digest("sha256", key.encode())),
    ("Python's b'…' around it", lambda key: repr(key.encode())),
    ("the square brackets of a list around it", "[{}]".format),
    ("the brackets and quotes of a list around it", '["{}"]'.format),
    ("the brackets and quotes of a list around it", "['{}']".format),
    ("Java's Optional around it", "Optional[{}]".format),
    ("Ruby's colon of a symbol before it", ":{}".format),
    ("its characters as Java prints an array", lambda key: f"[{', '.join(key)}]"),
    ("its bytes as a language prints them", lambda key: f"[{' '.join(map(str, key.encode()))}]"),
    ("its bytes as a language prints them", lambda key: f"[{', '.join(map(str, key.encode()))}]"),
    ("the variable's name before it", "api_key={}".format),
    ("the variable's name before it", "key={}".format),
    ("Bearer before it", "Bearer {}".format),
    ("the mask *** instead of itself", lambda _: "***"),
    ("the word nil instead", lambda _: "nil"),
    ("the word NULL instead", lambda _: "NULL"),
    ("the word Array instead", lambda _: "Array"),
    ("the word false instead", lambda _: "false"),
)
"""They are tried alone."""


@mistake(
    "key-misspelled",
    Stage.KEY,
    "The key was used with {0}.",
    "Use the key exactly as the vendor shows it, without what surrounds it; in source code and .env files in single "
    "quotes.",
    alone=True,
)
def key_mangled(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    """Use the key as a copy, a shell or a language's printing left it."""
    usual = {recipe.key, *(key for key, _ in _respelled_keys(recipe.key))}
    rare = ((words, spell(recipe.key)) for words, spell in _RARE_KEY_SPELLINGS)
    for words, key in (*rare, *_touched_inside(recipe.key)):
        if key not in usual:
            usual.add(key)
            yield recipe.with_key(key), (words,)


def _touched_inside(key: str) -> Iterator[tuple[str, str]]:
    """Give the key with a dash for its hyphens, for all and for each, and with an unseen character at each place."""
    hyphens = [index for index, one in enumerate(key) if one == "-"]
    for dash in DASHES:
        words = f"a dash (U+{ord(dash):04X}) instead of its hyphen"
        yield words, key.replace("-", dash)
        yield from ((words, f"{key[:index]}{dash}{key[index + 1 :]}") for index in hyphens)
    for character in f"{INVISIBLE}\u00a0\n":
        words = f"{_UNSEEN[character]} inside"
        yield from ((words, f"{key[:index]}{character}{key[index:]}") for index in range(1, min(len(key), _LONGEST)))


@mistake(
    "key-swapped",
    Stage.KEY,
    "The key and the value of {0} were taken for each other.",
    "Use the secret key behind the values, and the public name among them.",
    alone=True,
)
def key_swapped(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    for index, (name, value) in enumerate(recipe.pairs):
        yield recipe.with_value(index, recipe.key).with_key(value), (name,)


@mistake(
    "values-missing",
    Stage.KEY,
    "No value was signed: the key stood alone.",
    "Check that the values were there when the string was joined.",
    alone=True,
)
def values_missing(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    if recipe.pairs:
        yield recipe.with_pairs(()), ()
        yield recipe._replace(pairs=(("", ""),), glue=None), ()


@mistake(
    "key-misspelled",
    Stage.KEY,
    "The key was used with {0}.",
    "Use the key exactly as the vendor shows it, without what surrounds it (printf %s, not echo; trim, strip, chomp).",
)
def key_misspelled(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    """Use the key as a file, a shell or a language left it."""
    for key, facts in _respelled_keys(recipe.key):
        yield recipe.with_key(key), facts


@lru_cache(maxsize=64)  # a search asks for few keys, each thousands of times
def _respelled_keys(key: str) -> tuple[tuple[str, Facts], ...]:
    spelled: dict[str, Facts] = {key: ()}
    for words, spell in _KEY_SPELLINGS:
        spelled.setdefault(spell(key), (words,))
    return tuple((other, facts) for other, facts in spelled.items() if facts)


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


KEY = (
    key_placed, key_missing, key_of_another, key_misspelled, key_from_value, key_swapped, key_mangled, values_missing,
)  # fmt: skip

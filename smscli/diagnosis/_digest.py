"""Mistakes between the text and the hex: charset, digests, their stages, and HMAC."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import product

from smscli.diagnosis._findings import Finding
from smscli.diagnosis._forms import loose, sign_extended
from smscli.diagnosis._mistake import Attempt, Case, Stage, mistake
from smscli.diagnosis._printing import numbers_of_bytes
from smscli.diagnosis._recipe import HEX_LENGTHS, Digest, Place, Recipe, chained, hex_digest, keyed
from smscli.diagnosis._respelling import EIGHT_BIT, charsets_in_words
from smscli.signing import KeyUse

_UTF_8 = (
    "Encode the text as UTF-8 without a byte order mark before hashing (Node: update(text, 'utf8'); Java: "
    "getBytes(StandardCharsets.UTF_8))."
)


@mistake("charset", Stage.CHARSET, "The text was hashed in {0}, not in UTF-8.", _UTF_8)
def charset(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    """Encode in another charset; those that give the same bytes are one attempt."""
    text = recipe.text(recipe.key)
    charsets_by_bytes: dict[bytes, list[str]] = {text.encode(): []}
    for name in (*EIGHT_BIT, "ascii", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16"):
        charsets_by_bytes.setdefault(text.encode(name, "replace"), []).append(name)
    for names in charsets_by_bytes.values():
        if names and names[0] != recipe.charset:
            yield recipe._replace(charset=names[0]), (charsets_in_words(names),)


@mistake(
    "charset",
    Stage.CHARSET,
    "The text was hashed in {0}, not in UTF-8.",
    _UTF_8,
    alone=True,
)
def low_bytes(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    """Keep the low byte of each UTF-16 unit, as old JavaScript libraries do; or write UTF-16 as Java does."""
    text = recipe.text(recipe.key)
    if any(one > "\xff" for one in text):  # else it is Latin-1
        words = "the low byte of each character (Node's latin1, ascii and binary)"
        yield recipe._replace(charset="latin-1", finish=lambda text: _low(recipe.finish(text))), (words,)
    finish = recipe.finish
    yield recipe._replace(charset="utf-16-be", finish=lambda text: "\ufeff" + finish(text)), ("UTF-16 with a mark",)


def _low(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass")[::2].decode("latin-1")


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


def _appended(before: str, behind: str) -> Callable[[str], bytes]:
    return lambda text: f"{before}{text}{behind}".encode()


def _as_text(charset: str) -> Callable[[str], bytes]:
    return lambda text: bytes.fromhex(text).decode(charset, "replace").encode()


def _in_numbers(place: int) -> Callable[[str], bytes]:
    return lambda text: numbers_of_bytes(bytes.fromhex(text))[place][1].encode()


_RARELY_BETWEEN: tuple[tuple[str, Callable[[str], bytes]], ...] = (
    ("a line feed behind the hex (echo, or a pipe) between", _appended("", "\n")),
    ("the file column of sha1sum between", _appended("", "  -\n")),
    ("the file column of sha1sum between", _appended("", "  -")),
    ("the words of openssl dgst between", _appended("SHA1(stdin)= ", "\n")),
    ("the words of openssl dgst between", _appended("SHA1(stdin)= ", "")),
    ("the words of openssl dgst between", _appended("(stdin)= ", "\n")),
    ("the words of openssl dgst between", _appended("(stdin)= ", "")),
    ("the words of openssl dgst between", _appended("", " *stdin\n")),
    ("the words of openssl dgst between", _appended("", " *stdin")),
    ("base64 and a line feed between", lambda text: base64.b64encode(bytes.fromhex(text)) + b"\n"),
    ("base64 without = between", lambda text: base64.b64encode(bytes.fromhex(text)).rstrip(b"=")),
    ("base64url between", lambda text: base64.urlsafe_b64encode(bytes.fromhex(text))),
    ("raw bytes taken for Latin-1 text between", _as_text("latin-1")),
    ("raw bytes taken for UTF-8 text between", _as_text("utf-8")),
    ("hex without the zeros of small bytes between", lambda text: loose(text).encode()),
    ("hex of signed bytes (ffffff8a) between", lambda text: sign_extended(text).encode()),
    *((f"bytes {words} between", _in_numbers(place)) for place, (words, _) in enumerate(numbers_of_bytes(b""))),
)


@lru_cache
def _rarely_chained(algorithms: tuple[str, ...]) -> tuple[tuple[str, Digest], ...]:
    label, length = " then ".join(algorithms), HEX_LENGTHS[algorithms[-1]]
    return tuple((words, Digest(label, length, chained(algorithms, between))) for words, between in _RARELY_BETWEEN)


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
        digests = case.rule.digests
        if len(digests) > 1 and set(digests) <= set(HEX_LENGTHS):
            for words, digest in _rarely_chained(digests):
                if case.wants(digest):
                    yield recipe._replace(digest=digest), (digest.label, words)


_GIVE_TEXT = "Give the text to the digest before asking for it (Go: h.Write(text), then h.Sum(nil))."


@mistake(
    "nothing-hashed",
    Stage.DIGEST,
    "Nothing was hashed: the value is {0} of an empty text.",
    _GIVE_TEXT,
    alone=True,
)
def nothing_hashed(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    for digest in (*_HASHES, *_HMACS):
        if case.wants(digest):
            changed = recipe._replace(pairs=(), key_place=Place.NOWHERE, head="", tail="", digest=digest)
            yield changed, (digest.label,)


def summed(value: str, key: str) -> tuple[str, Finding] | None:
    """Return the text that Go's ``h.Sum(text)`` put before the digest of nothing, if ``value`` is the hex of both."""
    if not re.fullmatch("[0-9a-f]{34,}", value) or len(value) % 2:
        return None
    for digest in (*_HASHES[: len(HEX_LENGTHS)], *_HMACS):
        if value.endswith(digest.run(b"", key.encode())) and len(value) > digest.length:
            sentence = (
                f"Nothing was hashed: the value is the text in hex, and {digest.label} of an empty text behind it."
            )
            text = bytes.fromhex(value[: -digest.length]).decode("utf-8", "replace")
            return text, Finding("nothing-hashed", sentence, _GIVE_TEXT)
    return None


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


@mistake(
    "key-between",
    Stage.DIGEST,
    "The values alone were hashed first, the key was put {0} their {1}, and both were hashed once more.",
    "{key}, then hash once.",
    alone=True,
)
def key_to_digest(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Hash the digest of the values with the key, where the rule has one stage."""
    if case.rule.key is not KeyUse.HMAC and len(case.rule.digests) == 1 and case.wants(recipe.digest):
        for first in HEX_LENGTHS:
            for words, order in (("behind", "{0}{1}"), ("in front of", "{1}{0}")):

                def run(text: bytes, key: bytes, first: str = first, order: str = order) -> str:
                    inner = order.format(hex_digest(first, text), key.decode()).encode()
                    return hex_digest(case.rule.digests[0], inner)

                digest = Digest(recipe.digest.label, recipe.digest.length, run)
                yield recipe._replace(digest=digest, key_place=Place.NOWHERE), (words, first)


# --- HMAC ------------------------------------------------------------------------------------------------------------


def _swapped(algorithm: str) -> Callable[[bytes, bytes], str]:
    return lambda text, key: hmac.digest(text, key, algorithm).hex()


_SWAPPED_HMACS = tuple(Digest(f"HMAC-{name}", length, _swapped(name)) for name, length in HEX_LENGTHS.items())


def _hashed(algorithm: str, first: str) -> Callable[[bytes, bytes], str]:
    run = keyed(first)
    return lambda text, key: hex_digest(algorithm, run(text, key).encode())


_HASHED_HMACS = tuple(
    Digest(f"{name} of HMAC-{first}", length, _hashed(name, first))
    for name, length in HEX_LENGTHS.items()
    for first in HEX_LENGTHS
)


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
        for digest in (*_HMACS, *_SWAPPED_HMACS, *_HASHED_HMACS):
            if case.wants(digest):
                yield recipe._replace(digest=digest, key_place=Place.NOWHERE), (digest.label,)


DIGEST = (
    charset,
    nothing_hashed,
    low_bytes,
    wrong_digest,
    wrong_between,
    key_between,
    key_to_digest,
    hmac_swapped,
    key_decoded,
    hash_for_hmac,
    hmac_for_hash,
)

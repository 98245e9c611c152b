"""Programs that sign wrongly, written the way people write them: with hashlib, nothing of smscli in them.

``request`` gives a random valid request of a vendor, ``MISTAKES`` what can go wrong in a program. A mistake changes
one step of a ``Program`` and says whether it can befall that request at all.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote, quote_plus

from tests.oracles._oracle import Pair
from tests.vendors import NAMES, oracle

ORACLES = {vendor: reading for vendor in NAMES if (reading := oracle(vendor))}
KEYS = {vendor: reading.KEY for vendor, reading in ORACLES.items()}
OTHER_KEY = "the-key-of-the-staging-account"

TEXTS = (
    "Hello!",
    "Привет, мир & все; остальные",
    "Günaydın şef, saat 10:30'da",
    "a+b = c; 100% <b>sure</b>",
    "two\nlines",
    "two\r\nlines\r\n",
    " spaces at both ends ",
    "Crème brûlée à la carte",
    unicodedata.normalize("NFD", "Crème brûlée à la carte"),
    "Labas, žmogau!",
    "ok 👍 \"quoted\" 'text'",
    "C:\\temp\\new",
)


def dice(seed: object) -> Random:
    """Return the same dice for the same seed, in every run."""
    return Random(str(seed))  # noqa: S311  (repeatable, not secret)


def request(vendor: str, random: Random) -> list[Pair]:
    """Return the parameters of a valid request, without its signature, in the order some program has them."""
    blocks = _blocks(ORACLES[vendor].parameters(random, TEXTS))
    random.shuffle(blocks)
    return [pair for block in blocks for pair in block]


def _blocks(pairs: list[Pair]) -> list[list[Pair]]:
    names = dict.fromkeys(name for name, _ in pairs)
    return [[pair for pair in pairs if pair[0] == name] for name in names]


@dataclass
class Program:
    """A program that signs. As it is made, it does so correctly; a mistake replaces one of its steps."""

    vendor: str
    key: str
    prepare: list[Callable[[list[Pair]], list[Pair]]] = field(default_factory=list)
    sort: Callable[[list[Pair]], list[Pair]] | None = None
    item: Callable[[Pair], str] = lambda pair: pair[1]
    separator: str = ""
    before_key: str = ""
    key_in_text: str = "behind"
    begin: str = ""
    end: str = ""
    finish: Callable[[str], str] = str
    charset: str = "utf-8"
    digest: Callable[[bytes, bytes], str] = lambda text, key: ""  # noqa: ARG005
    write: Callable[[str], str] = str

    def sign(self, pairs: list[Pair]) -> str:
        """Return what this program takes for the signature."""
        for step in self.prepare:
            pairs = step(pairs)
        pairs = (self.sort or self._sort)(pairs)
        text = self.begin + self.separator.join(self.item(pair) for pair in pairs)
        if self.key_in_text == "behind":
            text = text + self.before_key + self.key if pairs else self.key
        elif self.key_in_text == "front":
            text = self.key + self.before_key + text
        text = self.finish(text + self.end)
        return self.write(self.digest(text.encode(self.charset, "replace"), self.key.encode()))

    def _sort(self, pairs: list[Pair]) -> list[Pair]:
        return ORACLES[self.vendor].ordered(pairs)


def md5(data: bytes) -> str:
    """Return the MD5 hex."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha1(data: bytes) -> str:
    """Return the SHA-1 hex."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def program(vendor: str) -> Program:
    """Return a program that signs correctly for this vendor."""
    return Program(vendor, KEYS[vendor], **ORACLES[vendor].PROGRAM)


# --- what can go wrong -----------------------------------------------------------------------------------------------

Apply = Callable[[Program, list[Pair], Random], bool | None]
"""Change the program; False: this mistake cannot befall this vendor or request."""


def each(change: Callable[[str], str], *, only: tuple[str, ...] = ()) -> Apply:
    """Change all values, or those of the named parameters."""

    def apply(program: Program, _pairs: list[Pair], _random: Random) -> None:
        program.prepare.append(
            lambda pairs: [(name, change(value) if not only or name in only else value) for name, value in pairs]
        )

    return apply


def text_only(change: Callable[[str], str]) -> Apply:
    """Change the message text alone."""
    return each(change, only=("text", "message"))


def _forget(program: Program, pairs: list[Pair], random: Random) -> bool | None:
    names = sorted({name for name, _ in pairs})
    if len(names) < 2:
        return False
    victim = random.choice(names)
    program.prepare.append(lambda pairs: [pair for pair in pairs if pair[0] != victim])
    return None


def add(name: str, value: str | None) -> Apply:
    """Sign a parameter that is not sent, if programs of this vendor do so; None: its value is the key."""

    def apply(program: Program, pairs: list[Pair], _random: Random) -> bool | None:
        added = (name, KEYS[program.vendor] if value is None else value)
        if added not in ORACLES[program.vendor].ADDED or name in dict(pairs):
            return False
        program.prepare.append(lambda pairs: [*pairs, added])
        return None

    return apply


def _drop_empty(program: Program, pairs: list[Pair], _random: Random) -> bool | None:
    if all(value for _, value in pairs) or not any(value for _, value in pairs):
        return False
    program.prepare.append(lambda pairs: [pair for pair in pairs if pair[1]])
    return None


def number(code: str, national: str, wanted: str) -> Apply:
    """Spell the numbers of one country another way; ``national`` is a pattern with one group."""
    pattern = re.compile(rf"(?<![0-9])(?:\+?{code}|00{code}|8)?({national})(?![0-9])")
    return each(lambda value: pattern.sub(rf"{wanted}\1", value), only=("phone", "recipients", "recipient", "msisdn"))


def join_lists(separator: str) -> Apply:
    """Join the recipients with another separator."""

    def apply(program: Program, pairs: list[Pair], _random: Random) -> bool | None:
        if repeated := ORACLES[program.vendor].REPEATED:
            numbers = [value for name, value in pairs if name == repeated]
            if len(numbers) < 2:
                return False

            def collapse(pairs: list[Pair]) -> list[Pair]:
                joined = separator.join(value for name, value in pairs if name == repeated)
                return [*(pair for pair in pairs if pair[0] != repeated), (repeated, joined)]

            program.prepare.append(collapse)
            return None
        return each(lambda value: separator.join(value.split(",")), only=("phone", "recipients"))(
            program, pairs, _random
        )

    return apply


def stamp(change: Callable[[int, Random], str]) -> Apply:
    """Sign another stamp than is sent."""

    def apply(program: Program, pairs: list[Pair], random: Random) -> bool | None:
        name = ORACLES[program.vendor].STAMP_NAME
        if name not in dict(pairs):
            return False
        wrong = change(int(dict(pairs)[name]), random)
        program.prepare.append(lambda pairs: [(n, wrong if n == name else value) for n, value in pairs])
        return None

    return apply


def _other_sender(program: Program, pairs: list[Pair], _random: Random) -> bool | None:
    swap = {"payforsms.ru": "mainsms.ru", "mainsms.ru": "payforsms.ru"}
    if dict(pairs).get("sender") not in swap:
        return False
    program.prepare.append(lambda pairs: [(n, swap.get(v, v) if n == "sender" else v) for n, v in pairs])
    return None


def order(change: Callable[[list[Pair], Random], list[Pair]]) -> Apply:
    """Join in another order."""

    def apply(program: Program, pairs: list[Pair], random: Random) -> bool | None:
        seed = random.random()
        given = list(dict.fromkeys(name for name, _ in pairs))

        def sort(pairs: list[Pair]) -> list[Pair]:
            as_given = sorted(pairs, key=lambda pair: given.index(pair[0]) if pair[0] in given else len(given))
            return change(as_given, dice(seed))

        program.sort = sort
        return None

    return apply


def _reverse_sorted(program: Program, _pairs: list[Pair], _random: Random) -> None:
    program.sort = lambda pairs: program._sort(pairs)[::-1]


def _move_one(program: Program, pairs: list[Pair], random: Random) -> bool | None:
    if len({name for name, _ in pairs}) < 3:
        return False
    seed = random.random()

    def sort(pairs: list[Pair]) -> list[Pair]:
        blocks, random = _blocks(program._sort(pairs)), dice(seed)
        block = blocks.pop(random.randrange(len(blocks)))
        blocks.insert(random.randint(0, len(blocks)), block)
        return [pair for block in blocks for pair in block]

    program.sort = sort
    return None


def attributes(**changes: str) -> Apply:
    """Set attributes of the program."""

    def apply(program: Program, _pairs: list[Pair], _random: Random) -> None:
        for name, value in changes.items():
            setattr(program, name, value)

    return apply


def names_with(glue: str, separator: str | None) -> Apply:
    """Join the names with the values."""

    def apply(program: Program, _pairs: list[Pair], _random: Random) -> None:
        program.item = lambda pair: f"{pair[0]}{glue}{pair[1]}"
        program.separator = program.separator if separator is None else separator

    return apply


def _encode_joined(program: Program, _pairs: list[Pair], _random: Random) -> bool | None:
    if not program.separator:
        return False
    program.finish = quote_plus
    return None


def _double(program: Program, _pairs: list[Pair], random: Random) -> bool | None:
    if not program.separator:
        return False
    if random.random() < 0.5:
        program.before_key *= 2
    else:
        program.separator *= 2
    return None


def _no_separator(program: Program, _pairs: list[Pair], random: Random) -> bool | None:
    if not program.separator:
        return False
    program.before_key = ""
    if random.random() < 0.5:
        program.separator = ""
    return None


def key(change: Callable[[str], str]) -> Apply:
    """Use the key spelled otherwise."""

    def apply(program: Program, _pairs: list[Pair], _random: Random) -> None:
        program.key = change(program.key)

    return apply


def digest(change: Callable[[bytes, bytes], str], *families: str, key_in_text: str | None = None) -> Apply:
    """Hash otherwise, where the vendor is of one of these families."""

    def apply(program: Program, _pairs: list[Pair], _random: Random) -> bool | None:
        if ORACLES[program.vendor].FAMILY not in families:
            return False
        program.digest = change
        program.key_in_text = program.key_in_text if key_in_text is None else key_in_text
        return None

    return apply


def charset(name: str) -> Apply:
    """Encode the text in another charset that knows its letters."""

    def apply(program: Program, pairs: list[Pair], _random: Random) -> bool | None:
        try:
            "".join(value for _, value in pairs).encode(name)
        except UnicodeEncodeError:
            return False
        program.charset = name
        return None

    return apply


def written(change: Callable[[str], str]) -> Apply:
    """Write the digest otherwise."""

    def apply(program: Program, _pairs: list[Pair], _random: Random) -> None:
        program.write = change

    return apply


SEPARATED, GLUED, HMAC = "separated", "glued", "hmac"
STAGES = ("values", "order", "join", "key", "charset", "digest", "form")

MISTAKES: dict[str, tuple[str, str, Apply]] = {
    # what stands here: the name the diagnosis should give, the step that goes wrong, the program's fault
    "order as written": ("unsorted", "order", order(lambda pairs, _: pairs)),
    "one parameter moved": ("unsorted", "order", _move_one),
    "sorted by value": ("sorted-by-value", "order", order(lambda pairs, _: sorted(pairs, key=lambda p: p[1]))),
    "sorted by locale": (
        "sorted-by-locale", "order", order(lambda pairs, _: sorted(pairs, key=lambda p: p[0].lower())),
    ),
    "sorted by name": ("sorted-by-name", "order", order(lambda pairs, _: sorted(pairs, key=lambda p: p[0]))),
    "reversed": ("reversed", "order", _reverse_sorted),
    "names with =": ("names-included", "join", names_with("=", None)),
    "names as a query": ("names-included", "join", names_with("=", "&")),
    "names glued": ("names-included", "join", names_with("", None)),
    "separator missing": ("separator-missing", "join", _no_separator),
    "separator doubled": ("separator-doubled", "join", _double),
    "separator at the end": ("separator-at-end", "join", attributes(end=";")),
    "separator added or changed": ("separator-other", "join", attributes(separator=",", before_key=",")),
    "joined string urlencoded": ("joined-percent-encoded", "join", _encode_joined),
    "key in front": ("key-placed", "key", attributes(key_in_text="front")),
    "key missing": ("key-missing", "key", attributes(key="")),
    "key with LF": ("key-misspelled", "key", key("{}\n".format)),
    "key with CRLF": ("key-misspelled", "key", key("{}\r\n".format)),
    "key in double quotes": ("key-misspelled", "key", key('"{}"'.format)),
    "key in single quotes": ("key-misspelled", "key", key("'{}'".format)),
    "key with a space": ("key-misspelled", "key", key(" {}".format)),
    "key with spaces behind": ("key-misspelled", "key", key("{} ".format)),
    "key with a BOM": ("key-misspelled", "key", key("\ufeff{}".format)),
    "key of another profile": ("key-of-another", "key", attributes(key=OTHER_KEY)),
    "md5 alone": ("wrong-digest", "digest", digest(lambda text, _: md5(text), SEPARATED)),
    "sha1 alone": ("wrong-digest", "digest", digest(lambda text, _: sha1(text), SEPARATED, GLUED)),
    "sha1 of md5": ("wrong-digest", "digest", digest(lambda text, _: sha1(md5(text).encode()), SEPARATED)),
    "md5 of sha1": ("wrong-digest", "digest", digest(lambda text, _: md5(sha1(text).encode()), GLUED)),
    "sha256": (
        "wrong-digest", "digest", digest(lambda text, _: hashlib.sha256(text).hexdigest(), SEPARATED, GLUED),
    ),
    "raw bytes between": (
        "wrong-between", "digest", digest(lambda text, _: md5(bytes.fromhex(sha1(text))), SEPARATED),
    ),
    "capitals between": (
        "wrong-between", "digest", digest(lambda text, _: md5(sha1(text).upper().encode()), SEPARATED),
    ),
    "hmac swapped": (
        "hmac-swapped", "digest", digest(lambda text, key: hmac.new(text, key, "sha1").hexdigest(), HMAC),
    ),
    "hmac md5": ("wrong-digest", "digest", digest(lambda text, key: hmac.new(key, text, "md5").hexdigest(), HMAC)),
    "plain hash, key behind": (
        "hash-for-hmac", "digest", digest(lambda text, _: sha1(text), HMAC, key_in_text="behind"),
    ),
    "plain hash, key in front": (
        "hash-for-hmac", "digest", digest(lambda text, _: sha1(text), HMAC, key_in_text="front"),
    ),
    "plain hash without the key": ("hash-for-hmac", "digest", digest(lambda text, _: sha1(text), HMAC)),
    "hmac for a hash": (
        "hmac-for-hash",
        "digest",
        digest(lambda text, key: hmac.new(key, text, "md5").hexdigest(), SEPARATED, GLUED, key_in_text=""),
    ),
    "base64": ("base64", "form", written(lambda text: base64.b64encode(bytes.fromhex(text)).decode())),
    "base64 of hex": ("base64-of-hex", "form", written(lambda text: base64.b64encode(text.encode()).decode())),
    "upper case": ("upper-case", "form", written(str.upper)),
    "truncated": ("truncated", "form", written(lambda text: text[:20])),
    "dashes": ("punctuated", "form", written(lambda text: "-".join(re.findall("..", text.upper())))),
    "rawurlencode": ("percent-encoded", "values", each(lambda value: quote(value, safe=""))),
    "urlencode": ("percent-encoded", "values", each(quote_plus)),
    "text alone encoded": ("percent-encoded", "values", text_only(quote)),
    "text alone urlencoded": ("percent-encoded", "values", text_only(quote_plus)),
    "lower-case percent": (
        "percent-encoded",
        "values",
        each(lambda value: re.sub("%..", lambda match: match[0].lower(), quote(value, safe=""))),
    ),
    "encoded twice": (
        "percent-encoded-twice", "values", text_only(lambda value: quote(quote(value, safe=""), safe="")),
    ),
    "urlencoded twice": ("percent-encoded-twice", "values", each(lambda value: quote_plus(quote_plus(value)))),
    "urlencoded as cp1251": (
        "percent-encoded-charset",
        "values",
        text_only(lambda value: value if value.isascii() else quote_plus(value, encoding="cp1251", errors="replace")),
    ),
    "plus for space": ("plus-for-space", "values", each(lambda value: value.replace(" ", "+"))),
    "space for plus": ("space-for-plus", "values", each(lambda value: value.replace("+", " "))),
    "NFD": ("nfd", "values", text_only(lambda value: unicodedata.normalize("NFD", value))),
    "NFC": ("nfc", "values", text_only(lambda value: unicodedata.normalize("NFC", value))),
    "CRLF": ("line-ends", "values", text_only(lambda value: value.replace("\r\n", "\n").replace("\n", "\r\n"))),
    "LF": ("line-ends", "values", text_only(lambda value: value.replace("\r\n", "\n"))),
    "trimmed": ("trimmed", "values", each(str.strip)),
    "line feed behind": ("padded", "values", text_only("{}\n".format)),
    "escaped &": ("html-escaped", "values", each(lambda value: value.replace("&", "&amp;"))),
    "htmlentities": (
        "html-escaped",
        "values",
        text_only(lambda value: value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
                  .replace("è", "&egrave;").replace("û", "&ucirc;").replace("é", "&eacute;").replace("à", "&agrave;")
                  .replace('"', "&quot;").replace("'", "&#039;").replace("ö", "&ouml;").replace("ü", "&uuml;")),
    ),
    "html.escape": ("html-escaped", "values", text_only(html.escape)),
    "forgotten": ("forgotten", "values", _forget),
    "return=json added": ("added", "values", add("return", "json")),
    "return=xml added": ("added", "values", add("return", "xml")),
    "test=1 added": ("added", "values", add("test", "1")),
    "test=0 added": ("added", "values", add("test", "0")),
    "format=json added": ("added", "values", add("format", "json")),
    "format=xml added": ("added", "values", add("format", "xml")),
    "apikey counted": ("counted", "values", add("apikey", None)),
    "an empty sign counted": ("counted", "values", add("sign", "")),
    "action counted": ("counted", "values", add("action", "sendsms")),
    "empty values dropped": ("empty-dropped", "values", _drop_empty),
    "empty sender kept": ("empty-kept", "values", add("sender", "")),
    "empty run_at kept": ("empty-kept", "values", add("run_at", "")),
    "null sender": ("absent-as-word", "values", add("sender", "null")),
    "None for the time": ("absent-as-word", "values", add("sendingTime", "None")),
    "empty as null": ("empty-as-word", "values", each(lambda value: value or "null")),
    "empty as None": ("empty-as-word", "values", each(lambda value: value or "None")),
    "true for 1": ("boolean-as-word", "values", each(lambda value: "true" if value == "1" else value)),
    "False for 0": ("boolean-as-word", "values", each(lambda value: "False" if value == "0" else value)),
    "+7": ("number-format", "values", number("7", "9[0-9]{9}", "+7")),
    "7": ("number-format", "values", number("7", "9[0-9]{9}", "7")),
    "8": ("number-format", "values", number("7", "9[0-9]{9}", "8")),
    "007": ("number-format", "values", number("7", "9[0-9]{9}", "007")),
    "without 7": ("number-format", "values", number("7", "9[0-9]{9}", "")),
    "+370": ("number-format", "values", number("370", "6[0-9]{7}", "+370")),
    "00370": ("number-format", "values", number("370", "6[0-9]{7}", "00370")),
    "Lithuanian 8": ("number-format", "values", number("370", "6[0-9]{7}", "8")),
    "+90": ("number-format", "values", number("90", "53[0-9]{8}", "+90")),
    "90": ("number-format", "values", number("90", "53[0-9]{8}", "90")),
    "Turkish 0": ("number-format", "values", number("90", "53[0-9]{8}", "0")),
    "list glued": ("list-joined", "values", join_lists("")),
    "list with commas": ("list-joined", "values", join_lists(",")),
    "list with spaces": ("list-joined", "values", join_lists(", ")),
    "list with semicolons": ("list-joined", "values", join_lists(";")),
    "milliseconds": ("stamp-unit", "values", stamp(lambda value, _: f"{value}000")),
    "a float": ("stamp-unit", "values", stamp(lambda value, _: str(float(value)))),
    "local time": (
        "stamp-local-time", "values", stamp(lambda value, random: str(value + random.choice((-5, 2, 3)) * 3600)),
    ),
    "signed earlier than sent": (
        "stamp-differs", "values", stamp(lambda value, random: str(value - random.randint(1, 10))),
    ),
    "signed later than sent": (
        "stamp-differs", "values", stamp(lambda value, random: str(value + random.randint(1, 10))),
    ),
    "brand of the other host": ("other-value", "values", _other_sender),
    "cp1251": ("charset", "charset", charset("cp1251")),
    "iso-8859-9": ("charset", "charset", charset("iso-8859-9")),
    "latin-1": ("charset", "charset", charset("latin-1")),
    "utf-16": ("charset", "charset", charset("utf-16-le")),
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A request, the mistakes made in signing it, and the value that came out."""

    vendor: str
    pairs: tuple[Pair, ...]
    labels: tuple[str, ...]
    signature: str

    @property
    def names(self) -> frozenset[str]:
        """The names that the diagnosis should give to these mistakes."""
        return frozenset(MISTAKES[label][0] for label in self.labels)


def make(vendor: str, labels: tuple[str, ...], random: Random, *, attempts: int = 60) -> Case | None:
    """Return a request that all these mistakes befall, each changing the outcome; None when there seems to be none."""
    for _ in range(attempts):
        pairs = request(vendor, random)
        wrong = program(vendor)
        outcomes = [wrong.sign(pairs)]
        for label in labels:
            if MISTAKES[label][2](wrong, pairs, random) is False:
                break
            outcomes.append(wrong.sign(pairs))
        if len(outcomes) == len(set(outcomes)) == len(labels) + 1:
            return Case(vendor, tuple(pairs), labels, outcomes[-1])
    return None

"""Mistakes with single characters: typographic and invisible ones, look-alikes, and those that got lost on the way."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import combinations, islice, product
from urllib.parse import quote_plus

from smscli.diagnosis._mistake import Apply, Attempt, Case, Mistake, Stage, mistake
from smscli.diagnosis._recipe import Recipe
from smscli.diagnosis._respelling import Spelling, rawurlencode, respelled

# --- typography ------------------------------------------------------------------------------------------------------

DASHES = "‐‑‒–—―−"

_PLAIN = {
    "quotes": {**dict.fromkeys("‘’‚‛′", "'"), **dict.fromkeys("“”„‟″«»", '"')},
    "dashes": dict.fromkeys(DASHES, "-"),
    "ellipses": {"…": "..."},
}
_SAME_SENSE: tuple[tuple[str, dict[str, str]], ...] = (
    ("plain quotes, hyphens and dots", {**_PLAIN["quotes"], **_PLAIN["dashes"], **_PLAIN["ellipses"]}),
    *((f"plain characters instead of the typographic {words}", table) for words, table in _PLAIN.items()),
    ("two hyphens instead of each dash", dict.fromkeys(DASHES, "--")),
    ("three hyphens instead of each dash", dict.fromkeys(DASHES, "---")),
)


def _replaced(table: dict[str, str]) -> Spelling:
    translation = str.maketrans(table)
    return lambda text: text if text.isascii() else text.translate(translation)


plain_typography = _replaced(_SAME_SENSE[0][1])
"""Typographic quotes, dashes and ellipses made plain ones."""


def _curly(text: str) -> str:
    text = re.sub(r'(^|[\s(\[])"', r"\1“", text).replace('"', "”")
    return re.sub(r"(^|[\s(\[])'", r"\1‘", text).replace("'", "’")


def _exchanged(old: str, new: str, text: str) -> str:
    return text.replace(old, new)


def _one_of(old: str, place: int, new: str) -> Spelling:
    """Spell with the one of these characters in this place exchanged."""

    def spell(text: str) -> str:
        pieces = text.split(old, place + 1)
        return text if len(pieces) < place + 2 else f"{old.join(pieces[:-1])}{new}{pieces[-1]}"

    return spell


_MOST_HYPHENS = 8

_TYPOGRAPHIC: tuple[tuple[str, Spelling], ...] = (
    ("typographic quotes", _curly),
    ("typographic apostrophes", lambda text: text.replace("'", "’")),
    ("a dash for each hyphen between spaces", lambda text: text.replace(" - ", " – ")),
    ("a long dash for each hyphen between spaces", lambda text: text.replace(" - ", " — ")),
    ("one ellipsis for each three dots", lambda text: text.replace("...", "…")),
    *(
        (f"a dash (U+{ord(dash):04X}) for every {words}", partial(_exchanged, hyphens, dash))
        for words, hyphens in (("hyphen", "-"), ("two hyphens", "--"), ("three hyphens", "---"))
        for dash in DASHES
    ),
    *(
        (f"a dash (U+{ord(dash):04X}) for one of its hyphens", _one_of("-", place, dash))
        for dash in "–—"
        for place in range(_MOST_HYPHENS)
    ),
    *(("a hyphen for one of its dashes", _one_of(dash, place, "-")) for dash in "–—" for place in range(_MOST_HYPHENS)),
    (
        "typographic quotes, dashes and ellipses",
        lambda text: _curly(text).replace(" - ", " – ").replace("...", "…"),
    ),
)

# --- what nobody sees ------------------------------------------------------------------------------------------------

INVISIBLE = (
    "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Soft hyphen, zero-width characters, direction marks and the byte order mark: a copied text brings them along."""

_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_WITHOUT_INVISIBLE = dict.fromkeys(map(ord, INVISIBLE))
_PLAIN_SPACES = dict.fromkeys(map(ord, _SPACES), " ")


def visible_only(text: str) -> str:
    """Return the text without invisible characters, every space an ordinary one."""
    return text if text.isascii() else text.translate(_WITHOUT_INVISIBLE).translate(_PLAIN_SPACES)


_MOST_SPACES = 40

_UNSEEN: tuple[tuple[str, Spelling], ...] = (
    ("ordinary spaces instead of no-break ones", lambda text: text.translate(_PLAIN_SPACES)),
    ("without its invisible characters", lambda text: text.translate(_WITHOUT_INVISIBLE)),
    ("ordinary spaces, and without its invisible characters", visible_only),
    ("no-break spaces instead of ordinary ones", lambda text: text.replace(" ", "\u00a0")),
    ("narrow no-break spaces instead of ordinary ones", lambda text: text.replace(" ", "\u202f")),
    ("a no-break space behind each number", lambda text: re.sub(r"(?<=[0-9]) ", "\u00a0", text)),
    ("a no-break space behind each short word", lambda text: re.sub(r"(?<!\S)(\S{1,2}) ", "\\1\u00a0", text)),
    *(
        (f"a {words} space instead of one of its spaces", _one_of(" ", place, space))
        for words, space in (("no-break", "\u00a0"), ("narrow no-break", "\u202f"))
        for place in range(_MOST_SPACES)
    ),
    ("a byte order mark in front", "\ufeff{}".format),
)

# --- what got lost ---------------------------------------------------------------------------------------------------

_PICTURES = re.compile("[\U00010000-\U0010ffff\u2600-\u27bf\ufe0f\u200d]")


def _without_accents(text: str) -> str:
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(one for one in apart if not unicodedata.combining(one)))


def _ascii(form: str | None = None) -> Spelling:
    def spell(text: str) -> str:
        apart = unicodedata.normalize(form, text) if form else text  # type: ignore[arg-type]  # a literal above
        return apart.encode("ascii", "ignore").decode()

    return spell


_MEANT = str.maketrans({"€": "EUR", "ß": "ss", "№": "No", "æ": "ae", "œ": "oe", "«": "<<", "»": ">>"})


def _transliterated(accents: Spelling) -> Spelling:
    """Spell as iconv of glibc does; what its locale knows no letter for becomes a question mark."""
    return lambda text: (
        text if text.isascii() else re.sub(r"[^\x00-\x7f]", "?", accents(plain_typography(text.translate(_MEANT))))
    )


_ICONV: tuple[tuple[str, Spelling], ...] = (("", _without_accents), (" (in the locale C)", str))

_LOST: tuple[tuple[str, Spelling], ...] = (
    ("without tags (strip_tags)", lambda text: re.sub(r"<[^<>]*>", "", text)),
    ("without emoji", lambda text: text if text.isascii() else _PICTURES.sub("", text)),
    ("without characters beyond U+FFFF", lambda text: re.sub("[\U00010000-\U0010ffff]", "", text)),
    ("? for each character beyond U+FFFF", lambda text: re.sub("[\U00010000-\U0010ffff]", "?", text)),
    ("?? for each character beyond U+FFFF", lambda text: re.sub("[\U00010000-\U0010ffff]", "??", text)),
    ("without accents", _without_accents),
    ("without accents, then without what is not ASCII", _ascii("NFKD")),
    ("without what is not ASCII", _ascii()),
    ("? for each character that is not ASCII", lambda text: re.sub(r"[^\x00-\x7f]", "?", text)),
    *((f"as iconv's //TRANSLIT{words}", _transliterated(accents)) for words, accents in _ICONV),
    ("without control characters", lambda text: re.sub(r"[\x00-\x1f\x7f]", "", text)),
)


def _cut(length: int) -> Spelling:
    return lambda text: text[:length]


def _cut_bytes(length: int) -> Spelling:
    return lambda text: text.encode()[:length].decode("utf-8", "ignore")


_LENGTHS = (160, 70, 153, 67, 140, 255, 64, 50, 100, 128, 200, 254, 256)
_CUTS: tuple[tuple[str, Spelling], ...] = (
    *((f"{length} characters", _cut(length)) for length in _LENGTHS),
    *((f"{length} bytes", _cut_bytes(length)) for length in _LENGTHS),
)

# --- look-alikes -----------------------------------------------------------------------------------------------------

_LATIN, _CYRILLIC = "AaBCcEeHKMOoPpTXxyIiJjSs", "АаВСсЕеНКМОоРрТХхуІіЈјЅѕ"
_GREEK_LATIN, _GREEK = "ABEZHIKMNOPTYXovu", "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονυ"
_TO_LATIN = str.maketrans(_CYRILLIC + _GREEK, _LATIN + _GREEK_LATIN)
_TO_CYRILLIC, _TO_GREEK = str.maketrans(_LATIN, _CYRILLIC), str.maketrans(_GREEK_LATIN, _GREEK)
_ALIKE: tuple[tuple[str, Spelling], ...] = (
    ("Latin letters instead of Cyrillic or Greek ones", lambda text: text.translate(_TO_LATIN)),
    ("Cyrillic letters instead of Latin ones", lambda text: text.translate(_TO_CYRILLIC)),
    ("Greek letters instead of Latin ones", lambda text: text.translate(_TO_GREEK)),
)


_ALPHABETS = (("Latin", _TO_LATIN), ("Cyrillic", _TO_CYRILLIC), ("Greek", _TO_GREEK))


def latin_twin(letter: str) -> str | None:
    """Return the Latin letter that a Cyrillic or Greek one looks like."""
    twin = _TO_LATIN.get(ord(letter))
    return None if twin is None else chr(twin)


_TWINS = {**dict.fromkeys("0Oo", "0Oo"), **dict.fromkeys("1lI", "1lI"), "5": "5S", "S": "S5", "8": "8B", "B": "B8"}
_MOST_TWINS = 600
"""A key with many such characters has more spellings than anybody mistypes; those nearest to the first are tried."""


@lru_cache(maxsize=16)
def look_alikes(key: str) -> tuple[tuple[str, str], ...]:
    """Return other keys that look like this one, with the words for what was taken for what."""
    spelled = {key.translate(_TO_LATIN): "Latin letters instead of Cyrillic or Greek ones"}
    for words, table in (("Cyrillic", _TO_CYRILLIC), ("Greek", _TO_GREEK)):
        spelled.setdefault(key.translate(table), f"{words} letters instead of Latin ones")
        for index, letter in enumerate(key):
            twin = table.get(ord(letter))
            if twin is not None:
                spelled.setdefault(f"{key[:index]}{chr(twin)}{key[index + 1 :]}", f"a {words} letter among its own")
    for other in islice(product(*(_TWINS.get(one, one) for one in key)), _MOST_TWINS):
        spelled.setdefault("".join(other), "0 and O, 1 and l and I, 5 and S, or 8 and B taken for each other")
    spelled.pop(key, None)
    return tuple(spelled.items())


@mistake(
    "key-look-alike",
    Stage.KEY,
    "The key was used with {0}.",
    "Copy the key from the vendor's page; what is typed from a picture or a letter holds look-alikes.",
    alone=True,
)
def key_look_alike(recipe: Recipe, _: Case) -> Iterator[Attempt]:
    for key, words in look_alikes(recipe.key):
        yield recipe.with_key(key), (words,)


def _some_spaces(text: str) -> Iterator[tuple[str, str]]:
    """Exchange several spaces, but not all, for no-break ones and the reverse: all but one, two, all but two …"""
    places = [index for index, one in enumerate(text) if one in " \u00a0"]
    count = len(places)
    sizes = dict.fromkeys(size for pair in zip(range(count - 1, 1, -1), range(2, count), strict=True) for size in pair)
    for size in sizes:
        for some in combinations(places, size):
            spelled = list(text)
            for place in some:
                spelled[place] = " " if text[place] != " " else "\u00a0"
            yield "".join(spelled), "no-break spaces instead of some of its spaces, or the reverse"


def _one_unseen(text: str) -> Iterator[tuple[str, str]]:
    """Put one character that nobody sees into the text: at its ends, then inside."""
    for place in (0, len(text), *range(1, len(text))):
        for character in "\u200e\u200f\u200b\u00ad\u2060\ufeff\u200d":
            yield f"{text[:place]}{character}{text[place:]}", f"U+{ord(character):04X} in it"


def _one_look_alike(text: str) -> Iterator[tuple[str, str]]:
    """Exchange every place of one letter for its twin, then each place alone."""
    letters = "".join(dict.fromkeys(text))
    for words, table in _ALPHABETS:
        twins = {one: one.translate(table) for one in letters if ord(one) in table}
        label = f"a {words} letter instead of another that looks like it"
        yield from ((text.replace(one, twin), label) for one, twin in twins.items())
        for place, one in enumerate(text):
            if one in twins:
                yield f"{text[:place]}{twins[one]}{text[place + 1 :]}", label


def as_seen(text: str) -> str:
    """Return what ``ONE_BY_ONE`` leaves of a text, in any case: letters by their look, nothing that nobody sees."""
    return visible_only(text).translate(_TO_LATIN).casefold()


_ANY_UNSEEN = f"(?:{'|'.join(spell(one) for one in INVISIBLE for spell in (str, rawurlencode))})*"


def pattern_of_alike(text: str) -> str:
    """Return the pattern of a text and of all that ``ONE_BY_ONE`` makes of it, as it is or percent-encoded."""
    units = []
    for one in text.translate(_WITHOUT_INVISIBLE):
        cases = {one, one.lower(), one.upper(), *(" \u00a0" if one in " \u00a0" else "")}
        alike = cases.union(each.translate(table) for each in cases for _, table in _ALPHABETS)
        spelled = {spell(each) for each in alike for spell in (str, rawurlencode, quote_plus)}
        units.append(f"(?:{'|'.join(map(re.escape, sorted(spelled, key=len, reverse=True)))})")
    return _ANY_UNSEEN.join(units)


_MOST_SINGLE = 3000
"""Changes of single characters tried in one request: of texts as people send them all."""


def _singly(spell: Callable[[str], Iterator[tuple[str, str]]], most: int = _MOST_SINGLE) -> Apply:
    """Return the application of changes to one value after the other; ``most`` are tried in all."""

    def changes(recipe: Recipe, case: Case) -> Iterator[Attempt]:
        for index, (name, value) in enumerate(recipe.pairs):
            if name != case.provider.stamp_name:
                yield from ((recipe.with_value(index, other), (name, words)) for other, words in spell(value))

    return lambda recipe, case: islice(changes(recipe, case), most)


def _alone(name: str, sentence: str, fix: str, spellings: tuple[tuple[str, Spelling], ...]) -> Mistake:
    return Mistake(name, Stage.VALUES, sentence, fix, respelled(spellings, alternatives=False), alone=True)


_TYPE = "Type the value in one alphabet; letters of two look the same."
_CLEAN = "Clean the text once, before both signing and sending; a copied text brings invisible characters along."
_UNSEEN_CHANGED = "{0}: signed with characters that nobody sees changed ({1})."

ONE_BY_ONE = (
    Mistake("look-alike", Stage.VALUES, "{0}: signed with {1}.", _TYPE, _singly(_one_look_alike), alone=True),
    Mistake("invisible", Stage.VALUES, _UNSEEN_CHANGED, _CLEAN, _singly(_some_spaces, 600), alone=True),
    Mistake("invisible", Stage.VALUES, _UNSEEN_CHANGED, _CLEAN, _singly(_one_unseen), alone=True),
)
"""Mistakes that change some of the characters of a text: it has too many such forms to list them."""

CHARACTERS = (
    _alone(
        "typography",
        "{0}: signed with {1}.",
        "Change the text before both signing and sending; a word processor or a filter changed it between the two.",
        (*((words, _replaced(table)) for words, table in _SAME_SENSE), *_TYPOGRAPHIC),
    ),
    _alone(
        "invisible",
        _UNSEEN_CHANGED,
        _CLEAN,
        _UNSEEN,
    ),
    _alone(
        "characters-lost",
        "{0}: characters were lost before signing ({1}).",
        "Filter the text once, before both signing and sending; it is sent whole.",
        _LOST,
    ),
    _alone(
        "text-cut",
        "{0}: cut to {1} before signing, but sent whole.",
        "Shorten the text before both signing and sending.",
        _CUTS,
    ),
    _alone(
        "look-alike",
        "{0}: signed with {1}.",
        _TYPE,
        _ALIKE,
    ),
    key_look_alike,
    *ONE_BY_ONE,
)
"""Mistakes with single characters; they are tried alone, for in pairs they would be too many."""

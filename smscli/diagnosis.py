"""Why two signatures differ: known mistakes, made on purpose until the other program's value comes out.

This room is pure and offline. A signature is the outcome of a ``Recipe``; a ``Mistake`` turns a recipe into the
recipes of programs that make it. ``diagnose`` makes no mistake, every single one, then every pair, and reports all
that end in exactly the expected value with the fewest mistakes. A new mistake is one more row of a table below.

The search is bounded by a count of combinations, never by a clock: the same question has the same answer everywhere.
Nothing here shows a secret: every text that leaves this room has the keys replaced by a mask.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import json
import re
import unicodedata
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum, unique
from functools import lru_cache, partial
from html.entities import codepoint2name
from itertools import permutations, product
from typing import NamedTuple
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from smscli.errors import InputError
from smscli.model import MASK, Pairs, Secret, visible
from smscli.providers import Provider
from smscli.signing import KeyUse, LeftOut, Rule, arrange

LIMIT = 200_000
"""Combinations tried at most for a request of ordinary size; longer ones get proportionally fewer."""

_ORDINARY_SIZE = 400
_SHORTEST_CUT = 16
"""Hex characters. Fewer would match by chance: 200 000 tries against 16**8 values are one in 20 000."""


# --- what comes out --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: its name (stable, for scripts), what was done, and what to do instead."""

    name: str
    sentence: str
    fix: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The mistakes that together give exactly the expected value, and the text that was hashed (keys masked)."""

    findings: tuple[Finding, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found. ``explanations`` is empty on a match, and when no known mistake explains the value.

    All explanations have the same, smallest number of mistakes; more than one is an ambiguity that the value alone
    cannot settle. ``searched`` names what could befall this request and was tried; ``cut`` says that the limit ended
    the search before all pairs were made.
    """

    matches: bool
    signature: str
    expected: str
    explanations: tuple[Explanation, ...]
    tried: int
    cut: bool
    searched: tuple[str, ...]


# --- a recipe and its outcome ----------------------------------------------------------------------------------------


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

    ``glue`` None: names do not take part; ``finish`` is what is done to the whole text in the end. A plain tuple,
    because a search makes hundreds of thousands.
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


def _text(recipe: Recipe, key: str) -> str:
    pairs, separator, _, place, key_separator, _, glue, head, tail, _, finish = recipe
    parts = [value for _, value in pairs] if glue is None else [f"{name}{glue}{value}" for name, value in pairs]
    body = head + separator.join(parts)
    if place is Place.BEHIND:
        body = f"{body}{key_separator}{key}" if parts else key
    elif place is Place.FRONT:
        body = f"{key}{key_separator}{body}"
    elif place is Place.BOTH:
        body = f"{key}{key_separator}{body}{key_separator}{key}"
    return finish(body + tail)


def _outcome(recipe: Recipe) -> str:
    return recipe.digest.run(_text(recipe, recipe.key).encode(recipe.charset, "replace"), recipe.key.encode())


class _Case(NamedTuple):
    """What a mistake may know of the request; ``wide`` asks for every variant, affordable for single mistakes only."""

    provider: Provider
    given: Pairs
    left_out: tuple[LeftOut, ...]
    keys: tuple[tuple[str, str], ...]
    key: str
    lengths: frozenset[int]
    wide: bool = True

    def wants(self, digest: Digest) -> bool:
        """Tell whether a digest of this length could be the expected value; the others need not be tried."""
        return digest.length in self.lengths

    @property
    def rule(self) -> Rule:
        return self.provider.rule

    @property
    def order_in_words(self) -> str:
        if self.rule.order:
            return f"in the order {', '.join(group[0] for group in self.rule.order)}"
        return "sorted by name, byte by byte"


Try = tuple[Recipe, tuple[str, ...]]
"""A changed recipe, and the facts that fill the sentence."""

Apply = Callable[[Recipe, _Case], Iterable[Try]]


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


@dataclass(frozen=True, slots=True)
class Mistake:
    """One way to go wrong. ``sentence`` and ``fix`` are format strings over the facts that ``apply`` gives."""

    name: str
    stage: Stage
    sentence: str
    fix: str
    apply: Apply


# --- the question ----------------------------------------------------------------------------------------------------


def diagnose(
    provider: Provider,
    params: Pairs,
    secret: Secret,
    expected: str,
    *,
    others: Sequence[tuple[str, Secret]] = (),
    limit: int = LIMIT,
) -> Diagnosis:
    """Return why ``expected`` is not (or that it is) the vendor's signature over ``params``.

    ``params`` are the decoded parameters in the order the other program has them; ``others`` are further keys by the
    name of their profile, tried as "the key of another profile". Raises InputError when ``expected`` cannot be a
    signature of this vendor, with the reason.
    """
    signature = provider.sign(params, secret).signature
    cleaned = _clean(expected)
    forms = _forms(cleaned, signature, provider)
    signed, left_out = arrange(provider.rule, params)
    keys = tuple((name, other.reveal()) for name, other in others if other != secret and other.reveal())
    case = _Case(provider, params, left_out, keys, secret.reveal(), _lengths(forms))
    size = sum(len(name) + len(value) + 8 for name, value in params)
    search = _Search(case, forms, limit * _ORDINARY_SIZE // max(_ORDINARY_SIZE, size))
    search.run(_true_recipe(provider.rule, signed, secret.reveal()))
    return Diagnosis(
        matches=cleaned == signature,
        signature=signature,
        expected=cleaned,
        explanations=search.explanations(),
        tried=search.tried,
        cut=search.cut,
        searched=tuple(search.befell),
    )


def _true_recipe(rule: Rule, signed: Pairs, key: str) -> Recipe:
    place = Place.BEHIND if rule.key is KeyUse.SUFFIX else Place.NOWHERE
    return Recipe(signed, rule.separator, key, place, rule.separator, _rule_digest(rule))


Made = tuple[tuple[Mistake, tuple[str, ...]], ...]


class _Search:
    """The walk over no mistake, single mistakes and pairs; counts what it tries and keeps what hits."""

    def __init__(self, case: _Case, forms: Sequence[_Form], limit: int) -> None:
        self._case = case
        self._forms = forms
        self._limit = limit
        self._hits: list[tuple[int, Recipe, Made, _Form]] = []
        self.tried = 0
        self.cut = False
        self.befell: dict[str, None] = {}

    def run(self, recipe: Recipe) -> None:
        """Try level after level until one explains; in pairs the wide variants would be too many."""
        self._try([(recipe, ())])
        if not self._solved(1):
            self._try(self._single(recipe))
        plain = [form for form in self._forms if form.plain]
        if plain and not self._solved(1):
            self._try(self._pairs(recipe, self._case._replace(wide=False, lengths=_lengths(plain))))

    def _solved(self, level: int) -> bool:
        return any(cost <= level for cost, *_ in self._hits)

    def _try(self, recipes: Iterable[tuple[Recipe, Made]]) -> None:
        for recipe, made in recipes:
            if self.tried >= self._limit:
                self.cut = True
                return
            self.tried += 1
            outcome = _outcome(recipe)
            for form in self._forms:
                if form.target in outcome and form.fits(outcome):
                    self._hits.append((len(made) + (not form.plain), recipe, made, form))

    def _single(self, recipe: Recipe) -> Iterator[tuple[Recipe, Made]]:
        for mistake in MISTAKES:
            for changed, facts in mistake.apply(recipe, self._case):
                self.befell[mistake.name] = None
                yield changed, ((mistake, facts),)

    def _pairs(self, recipe: Recipe, case: _Case) -> Iterator[tuple[Recipe, Made]]:
        for first in MISTAKES:
            seconds = [second for second in MISTAKES if _may_follow(first.stage, second.stage)]
            if first.stage is not Stage.DIGEST and not case.wants(recipe.digest):
                seconds = [second for second in seconds if second.stage is Stage.DIGEST]
            for once, facts in first.apply(recipe, case):
                made = (first, facts)
                for second in seconds:
                    for twice, more in second.apply(once, case):
                        yield twice, (made, (second, more))

    def explanations(self) -> tuple[Explanation, ...]:
        """Return the hits of the fewest mistakes, each once, in the order of the tables."""
        fewest = min((cost for cost, *_ in self._hits), default=0)
        unique_findings: dict[frozenset[Finding], Explanation] = {}
        for cost, recipe, made, form in self._hits:
            if cost == fewest and cost:
                findings = tuple(self._finding(mistake, facts) for mistake, facts in made) + form.findings
                shown = self._hide(_text(recipe, MASK))
                unique_findings.setdefault(frozenset(findings), Explanation(findings, shown))
        return tuple(unique_findings.values())

    def _finding(self, mistake: Mistake, facts: tuple[str, ...]) -> Finding:
        safe = [self._hide(fact) for fact in facts]
        rule = self._case.rule
        words = {
            "order": self._case.order_in_words,
            "separator": _name_of(rule.separator),
            "digest": _rule_digest(rule).label,
        }
        return Finding(mistake.name, mistake.sentence.format(*safe), mistake.fix.format(*safe, **words))

    def _hide(self, text: str) -> str:
        for _, key in self._case.keys:
            text = Secret(key).mask(text)
        return visible(Secret(self._case.key).mask(text))


def _may_follow(first: Stage, second: Stage) -> bool:
    # Within one stage both orders count where changes add up (encoded then trimmed, trimmed then encoded); a second
    # order, charset or digest would only undo the first. Values may also be changed after they were sorted.
    if first is second:
        return first in {Stage.VALUES, Stage.JOIN, Stage.KEY}
    return first < second or (first is Stage.ORDER and second is Stage.VALUES)


# --- what the expected value may be ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Form:
    """One reading of the expected value: the hex to look for, and the mistake in its form, if it is one."""

    target: str
    findings: tuple[Finding, ...] = ()
    cut: bool = False

    @property
    def plain(self) -> bool:
        return not self.findings

    def fits(self, outcome: str) -> bool:
        """Tell whether the target, found inside the outcome, stands there as this form says."""
        return (len(self.target) < len(outcome)) is self.cut


def _clean(expected: str) -> str:
    return re.sub(r"\s+", "", expected).strip("\"'")


def _forms(expected: str, signature: str, provider: Provider) -> list[_Form]:
    lengths = sorted({*_ALGORITHMS.values(), len(signature)})
    title, own = provider.title, len(signature)
    compact = expected.replace("-", "").replace(":", "")
    if not re.fullmatch(r"[0-9a-fA-F]+", compact):
        forms = _encoded_forms(expected, lengths)
        if not forms:
            raise InputError(
                f"the expected value is not a signature of {title}: neither hex nor the base64 of a digest",
                hint=f"{title}'s signature is {own} characters of 0-9 and a-f",
            )
        return forms
    hexadecimal = compact.lower()
    findings: tuple[Finding, ...] = ()
    if compact != expected:
        findings = (Finding("punctuated", "The hex digits were written with dashes or colons.", "Write hex alone."),)
    elif hexadecimal != expected:
        findings = (Finding("upper-case", "The hex was written in capital letters.", "Write the hex in lower case."),)
    if len(compact) in lengths:
        forms = [_Form(hexadecimal, findings)]
    elif _SHORTEST_CUT <= len(compact) < own:
        forms = []
    else:
        short = " (too short to be told from chance)" if len(compact) < _SHORTEST_CUT else ""
        raise InputError(
            f"the expected value is not a signature of {title}: it has {len(compact)} characters{short}",
            hint=f"{title}'s signature is {own} characters of 0-9 and a-f",
        )
    if not findings and len(compact) < lengths[-1]:
        cut = Finding(
            "truncated", f"Only {len(compact)} characters of the signature were kept.", "Keep the whole digest."
        )
        forms.append(_Form(hexadecimal, (cut,), cut=True))
    return forms


def _lengths(forms: Iterable[_Form]) -> frozenset[int]:
    exact = {len(form.target) for form in forms if not form.cut}
    longer = {length for form in forms if form.cut for length in _ALGORITHMS.values() if length > len(form.target)}
    return frozenset(exact | longer)


def _encoded_forms(expected: str, lengths: Sequence[int]) -> list[_Form]:
    text = unquote(expected).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return []
    fix = "Send the digest as lower-case hex."
    if len(decoded) in lengths and re.fullmatch(rb"[0-9a-f]+", decoded):
        finding = Finding("base64-of-hex", "The hex text of the digest was encoded in base64 once more.", fix)
        return [_Form(decoded.decode(), (finding,))]
    if len(decoded) * 2 in lengths:
        finding = Finding("base64", "The raw digest was written in base64, not in hex.", fix)
        return [_Form(decoded.hex(), (finding,))]
    return []


# --- mistakes in the values: spelling --------------------------------------------------------------------------------

Variants = tuple[tuple[str, Callable[[str], str]], ...]

_MOST_SINGLE_VALUES = 12
"""A spelling is tried on all values at once and, up to this many names, on those of each name alone."""


def _respell(variants: Variants, *, skip_stamp: bool = False) -> Apply:
    """Return the application of spellings to all values they change, and to each parameter's alone.

    Spellings that end in one string are one try, with all their names: ``PHP's urlencode or quote_plus``.
    """
    cached = tuple((how, lru_cache(maxsize=1024)(function)) for how, function in variants)

    def apply(recipe: Recipe, case: _Case) -> Iterator[Try]:
        found: dict[Pairs, tuple[list[str], str]] = {}
        untouched = case.provider.stamp_name if skip_stamp else None
        pairs = recipe.pairs
        for how, function in cached:
            values = [value if name == untouched else function(value) for name, value in pairs]
            changed = dict.fromkeys(name for (name, value), new in zip(pairs, values, strict=True) if new != value)
            for names in _groups(tuple(changed)):
                result = tuple(
                    (name, new if name in names else value) for (name, value), new in zip(pairs, values, strict=True)
                )
                found.setdefault(result, ([], ", ".join(names)))[0].append(how)
        for result, (hows, who) in found.items():
            yield recipe._replace(pairs=result), (who, " or ".join(hows))

    return apply


def _groups(changed: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if changed:
        yield changed
    if 1 < len(changed) <= _MOST_SINGLE_VALUES:
        yield from ((name,) for name in changed)


def _lower_hex(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text)


def _raw(text: str) -> str:
    return quote(text, safe="")


def _php_plus(text: str) -> str:
    return quote_plus(text).replace("~", "%7E")


def _component(text: str) -> str:
    return quote(text, safe="!*'()")


_PERCENT: Variants = (
    ("PHP's rawurlencode", _raw),
    ("PHP's urlencode", _php_plus),
    ("Python's quote", quote),
    ("Python's quote_plus", quote_plus),
    ("encodeURIComponent", _component),
    ("encodeURI", partial(quote, safe=";,/?:@&=+$-_.!~*'()#")),
    ("Java's URLEncoder", lambda text: quote_plus(text, safe="*").replace("~", "%7E")),
    ("lower-case hex", lambda text: _lower_hex(_raw(text))),
    (".NET's UrlEncode", lambda text: _lower_hex(quote_plus(text, safe="!*()").replace("~", "%7e"))),
    ("a replacement of spaces", lambda text: text.replace(" ", "%20")),
)

_8_BIT = ("cp1251", "koi8-r", "iso-8859-9", "cp1254", "latin-1", "cp1252", "iso-8859-13", "cp1257")


def _percent_in(charset: str, encode: Callable[..., str]) -> Callable[[str], str]:
    return lambda text: text if text.isascii() else encode(text, encoding=charset, errors="replace")


_PERCENT_8_BIT: Variants = tuple((name, _percent_in(name, encode)) for name in _8_BIT for encode in (quote, quote_plus))

_LINE_END = re.compile("\r\n|\r|\n")


def _line_ends(end: str) -> Callable[[str], str]:
    return lambda text: _LINE_END.sub(end, text)


def _quoted_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _mojibake(charset: str) -> Callable[[str], str]:
    return lambda text: text.encode().decode(charset, "replace")


def _word(value: str, word: str) -> tuple[str, Callable[[str], str]]:
    return word, lambda text: word if text == value else text


def _html_entities(text: str) -> str:
    names = {chr(code): f"&{name};" for code, name in codepoint2name.items() if code > 127}
    return "".join(names.get(character, character) for character in html.escape(text).replace("&#x27;", "&#039;"))


_SPELLINGS: tuple[tuple[str, str, str, Variants], ...] = (
    (
        "percent-encoded",
        "{0}: percent-encoded before signing (as by {1}).",
        "Sign the decoded values; percent-encoding belongs to the URL or form only.",
        _PERCENT,
    ),
    (
        "percent-encoded-twice",
        "{0}: percent-encoded twice before signing (as by {1}).",
        "Sign the decoded values; the HTTP library encodes them once, on its own.",
        tuple((how, lambda text, once=once: once(once(text))) for how, once in _PERCENT[:-1]),  # type: ignore[misc]
    ),
    (
        "percent-encoded-charset",
        "{0}: encoded in {1} and percent-encoded before signing.",
        "Sign the decoded values, in UTF-8.",
        _PERCENT_8_BIT,
    ),
    (
        "percent-decoded",
        "{0}: percent-decoded before signing, though it is sent with these characters.",
        "Sign the value as it is meant; decode nothing that was not encoded.",
        (("unquote", unquote), ("unquote_plus", unquote_plus)),
    ),
    (
        "plus-for-space",
        "{0}: + instead of a space in the string that was signed.",
        "Sign the space itself; + stands for it in URLs and forms only.",
        (("", lambda text: text.replace(" ", "+")),),
    ),
    (
        "space-for-plus",
        "{0}: a space instead of + in the string that was signed.",
        "Sign the + itself, and send it as %2B.",
        (("", lambda text: text.replace("+", " ")),),
    ),
    (
        "nfd",
        "{0}: letters taken apart into base and accent (Unicode NFD) before signing.",
        "Sign and send the same Unicode form; NFC is what keyboards produce.",
        (("", partial(unicodedata.normalize, "NFD")),),
    ),
    (
        "nfc",
        "{0}: letters composed (Unicode NFC) before signing, though sent decomposed.",
        "Normalise once, before both signing and sending.",
        (("", partial(unicodedata.normalize, "NFC")),),
    ),
    (
        "line-ends",
        "{0}: other line ends than those sent ({1}).",
        "Sign the text with exactly the line ends that are sent; HTML forms turn LF into CRLF.",
        (
            ("CRLF", _line_ends("\r\n")),
            ("LF", _line_ends("\n")),
            ("CR", _line_ends("\r")),
            ("a space", _line_ends(" ")),
            ("none", _line_ends("")),
            ("backslash and n", _line_ends("\\n")),
            ("LF for backslash and n", lambda text: text.replace("\\n", "\n")),
        ),
    ),
    (
        "trimmed",
        "{0}: white space at its ends cut off before signing ({1}).",
        "Trim before both signing and sending, or not at all.",
        (("both ends", str.strip), ("the end", str.rstrip), ("the line end", lambda text: text.rstrip("\r\n"))),
    ),
    (
        "padded",
        "{0}: {1} appended before signing.",
        "Cut what reading from a file or a shell appended.",
        (("a line feed", "{}\n".format), ("CRLF", "{}\r\n".format), ("a space", "{} ".format)),
    ),
    (
        "html-escaped",
        "{0}: HTML-escaped before signing.",
        "Sign the plain text; &amp; belongs to HTML only.",
        (
            ("&, <, >", partial(html.escape, quote=False)),
            ("&, <, > and quotes", html.escape),
            ("PHP's htmlspecialchars", lambda text: html.escape(text).replace("&#x27;", "&#039;")),
            ("PHP's htmlentities", _html_entities),
            ("Jinja and Django", lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")),
            ("&", lambda text: text.replace("&", "&amp;")),
            ("numeric entities", lambda text: text.encode("ascii", "xmlcharrefreplace").decode()),
        ),
    ),
    (
        "html-unescaped",
        "{0}: HTML entities turned into characters before signing.",
        "Sign the value that is sent.",
        (("", html.unescape),),
    ),
    (
        "backslashed",
        "{0}: escaped as {1} before signing.",
        "Sign the plain text; escapes belong to JSON and source code.",
        (
            ("JSON", _quoted_json),
            ("PHP's json_encode", lambda text: _quoted_json(text).replace("/", "\\/")),
            ("JSON in UTF-8", lambda text: json.dumps(text, ensure_ascii=False)[1:-1]),
            ("PHP's addslashes", lambda text: re.sub(r"([\\'\"])", r"\\\1", text)),
        ),
    ),
    (
        "quoted",
        "{0}: signed with {1} quotes around it.",
        "Take the quotes off; a shell or .env file left them there.",
        (("double", '"{}"'.format), ("single", "'{}'".format)),
    ),
    (
        "letter-case",
        "{0}: letters changed to {1} before signing.",
        "Sign the value with the letters that are sent.",
        (("lower case", str.lower), ("upper case", str.upper)),
    ),
    (
        "utf-8-twice",
        "{0}: UTF-8 bytes taken for {1} and encoded once more.",
        "Encode once; the text was UTF-8 already.",
        (("latin-1", _mojibake("latin-1")), ("cp1252", _mojibake("cp1252")), ("cp1251", _mojibake("cp1251"))),
    ),
    (
        "empty-as-word",
        "{0}: nothing was signed as the word {1}.",
        "An absent value is left out of the request and the string, or is an empty string in both.",
        tuple(_word("", word) for word in ("null", "None", "nil", "undefined", "false", "False", "0", "NULL")),
    ),
    (
        "boolean-as-word",
        "{0}: signed as the word {1}.",
        "Turn truth values into the text that is sent before signing.",
        (
            *(_word("1", word) for word in ("true", "True", "TRUE")),
            *(_word("0", word) for word in ("false", "False", "FALSE", "")),
            *(_word(word, "1") for word in ("true", "True")),
            *(_word(word, "0") for word in ("false", "False")),
        ),
    ),
    (
        "time-format",
        "{0}: the time was signed {1}.",
        "Format the time once and use that text for both signing and sending.",
        (
            ("with seconds", lambda text: re.sub(r"( \d\d?:\d\d)$", r"\1:00", text)),
            ("without seconds", lambda text: re.sub(r"( \d\d?:\d\d):\d\d$", r"\1", text)),
            ("with a T", lambda text: re.sub(r"^(\d{4}-\d\d-\d\d) (?=\d\d:)", r"\1T", text)),
            ("as day.month.year", lambda text: re.sub(r"^(\d{4})-(\d\d)-(\d\d)(?= \d)", r"\3.\2.\1", text)),
            ("as year-month-day", lambda text: re.sub(r"^(\d\d)\.(\d\d)\.(\d{4})(?= \d)", r"\3-\2-\1", text)),
        ),
    ),
)

# --- mistakes in the values: numbers and lists -----------------------------------------------------------------------

# Country code, trunk prefix, length of the national number: the plans these vendors' users type in.
_PLANS = (
    ("7", "8", 10),
    ("90", "0", 10),
    ("370", "8", 8),
    ("370", "0", 8),
    ("371", "", 8),
    ("372", "", 7),
    ("372", "", 8),
    ("375", "8", 9),
    ("380", "0", 9),
    ("359", "0", 9),
    ("40", "0", 9),
    ("44", "0", 10),
    ("48", "", 9),
    ("49", "0", 10),
    ("49", "0", 11),
    ("1", "", 10),
)
_NUMBERS = re.compile(r"[,;|\s]*\+?\d{7,15}(?:[,;|\s]+\+?\d{7,15})*[,;|\s]*", re.ASCII)
_ENCODED_COMMA = re.compile("%(?:25)*(?:2[BC]|3B)", re.IGNORECASE)  # of + and ; too: encoded first, respelled later
_LIST = re.compile(r"\s*\+?\d+(?:\s*[,;|\s]\s*\+?\d+)+\s*")
_BETWEEN = re.compile(r"\s*[,;|\s]\s*")


def _holds_numbers(text: str) -> bool:
    return _NUMBERS.fullmatch(_ENCODED_COMMA.sub(",", text)) is not None


def _renumber(plan: tuple[str, str, int], spell: Callable[[str, str, str], str]) -> Callable[[str], str]:
    code, trunk, length = plan
    shape = re.compile(rf"(?:(?:\+|00)?{code}|{trunk})?(\d{{{length}}})")

    def one(match: re.Match[str]) -> str:
        reading = shape.fullmatch(match[0])
        return spell(code, trunk, reading[1]) if reading else match[0]

    return lambda text: re.sub(r"\+?\d{7,}", one, text) if _holds_numbers(text) else text


def _reprefix(prefix: str) -> Callable[[str], str]:
    return lambda text: re.sub(r"(?:\+|\b00)?(\d{7,})", rf"{prefix}\1", text) if _holds_numbers(text) else text


_NUMBER_SPELLINGS: Variants = (
    ("with +", _reprefix("+")),
    ("with 00", _reprefix("00")),
    ("with neither + nor 00", _reprefix("")),
    *(
        (how.format(*plan), _renumber(plan, spell))
        for plan in _PLANS
        for how, spell in (
            ("with +{0}", lambda code, _, rest: f"+{code}{rest}"),
            ("with {0}", lambda code, _, rest: f"{code}{rest}"),
            ("with 00{0}", lambda code, _, rest: f"00{code}{rest}"),
            ("nationally, with {1}", lambda _, trunk, rest: f"{trunk}{rest}"),
            ("without country code {0}", lambda _code, _trunk, rest: f"{rest}"),
        )
        if plan[1] or "nationally" not in how
    ),
)


def _rejoin(join: Callable[[list[str]], str]) -> Callable[[str], str]:
    return lambda text: join(_BETWEEN.split(text.strip())) if _LIST.fullmatch(text) else text


_LIST_JOINS: tuple[tuple[str, Callable[[list[str]], str]], ...] = (
    *(
        (words, separator.join)
        for words, separator in (
            ("glued without a separator", ""),
            ("joined with a comma", ","),
            ("joined with a comma and a space", ", "),
            ("joined with a semicolon", ";"),
            ("joined with a semicolon and a space", "; "),
            ("joined with a space", " "),
            ("joined with |", "|"),
            ("joined with a line feed", "\n"),
        )
    ),
    ("sorted", lambda items: ",".join(sorted(items))),
    ("in reverse order", lambda items: ",".join(reversed(items))),
    ("reduced to the first one", lambda items: items[0]),
    ("reduced to the last one", lambda items: items[-1]),
    ("as a JSON array", lambda items: json.dumps(items, separators=(",", ":"))),
    ("as a Python list", repr),
    ("as the word Array", lambda _: "Array"),
)


def _repeats(recipe: Recipe, _: _Case) -> Iterator[Try]:
    """Treat the values of a repeated parameter as one list: joined, sorted, reversed, cut."""
    values: dict[str, list[str]] = {}
    for name, value in recipe.pairs:
        values.setdefault(name, []).append(value)
    for name, items in values.items():
        if len(items) == 1:
            continue
        rest = [pair for pair in recipe.pairs if pair[0] != name]
        start = next(index for index, pair in enumerate(recipe.pairs) if pair[0] == name)
        lists: dict[tuple[str, ...], str] = {}
        for words, join in _LIST_JOINS:
            lists.setdefault((join(items),), words)
        lists[tuple(sorted(items))] = "sorted"
        lists[tuple(reversed(items))] = "in reverse order"
        lists.pop(tuple(items), None)
        for changed, words in lists.items():
            pairs = (*rest[:start], *((name, item) for item in changed), *rest[start:])
            yield recipe._replace(pairs=pairs), (name, words)


# --- mistakes in the values: which take part, and time ---------------------------------------------------------------


def _insert(recipe: Recipe, name: str, value: str, case: _Case) -> Iterator[Recipe]:
    """Put a parameter where a program that signs it would: by its name, or anywhere where the order is fixed."""
    pairs = recipe.pairs
    if case.rule.order:
        places: Iterable[int] = range(len(pairs) + 1)
    else:
        places = (bisect(pairs, name.encode(), key=lambda pair: pair[0].encode()),)
    for place in places:
        yield recipe._replace(pairs=(*pairs[:place], (name, value), *pairs[place:]))


def _forgotten(recipe: Recipe, _: _Case) -> Iterator[Try]:
    pairs = recipe.pairs
    for name in dict.fromkeys(name for name, _ in pairs):
        yield recipe._replace(pairs=tuple(pair for pair in pairs if pair[0] != name)), (name,)


def _empty_dropped(recipe: Recipe, _: _Case) -> Iterator[Try]:
    kept = tuple(pair for pair in recipe.pairs if pair[1])
    if len(kept) < len(recipe.pairs):
        yield recipe._replace(pairs=kept), (", ".join(name for name, value in recipe.pairs if not value),)


def _absent(case: _Case, recipe: Recipe) -> Iterator[tuple[str, str]]:
    # What was added before may be added again with another value: two layers of a program can each have a default.
    present = {name for name, _ in case.given} | set(case.rule.unsigned)
    return (pair for pair in case.provider.extras if pair[0] not in present and pair not in recipe.pairs)


def _added(recipe: Recipe, case: _Case) -> Iterator[Try]:
    for name, value in dict.fromkeys(_absent(case, recipe)):
        if value:
            for changed in _insert(recipe, name, value, case):
                yield changed, (name, value)


def _empty_kept(recipe: Recipe, case: _Case) -> Iterator[Try]:
    for name in dict.fromkeys(name for name, _ in _absent(case, recipe)):
        for changed in _insert(recipe, name, "", case):
            yield changed, (name,)


def _absent_as_word(recipe: Recipe, case: _Case) -> Iterator[Try]:
    for name in dict.fromkeys(name for name, _ in _absent(case, recipe)):
        for word in ("null", "None", "undefined"):
            for changed in _insert(recipe, name, word, case):
                yield changed, (name, word)


def _counted(recipe: Recipe, case: _Case) -> Iterator[Try]:
    """Sign what never takes part: as it was sent, as the key (``apikey``), or empty (a place kept free)."""
    sent = [(left.name, left.value) for left in case.left_out]
    usual = [pair for pair in case.provider.extras if pair[0] in case.rule.unsigned]
    names = dict.fromkeys([*(name for name, _ in sent), *case.rule.unsigned])
    imagined = [(name, value) for name in names for value in (case.key, "")]
    for name, value in dict.fromkeys([*sent, *usual, *imagined]):
        for changed in _insert(recipe, name, value, case):
            yield changed, (name,)


def _other_value(recipe: Recipe, case: _Case) -> Iterator[Try]:
    """Replace a value by one that is known to be taken for it: another name of the same brand, another format."""
    for index, (name, value) in enumerate(recipe.pairs):
        group = [other for aliases in case.provider.aliases if value in aliases for other in aliases]
        group += [other for extra, other in case.provider.extras if extra == name and other]
        for other in dict.fromkeys(group):
            if other != value:
                pairs = (*recipe.pairs[:index], (name, other), *recipe.pairs[index + 1 :])
                yield recipe._replace(pairs=pairs), (name, other, value)


def _restamp(spell: Callable[[str, bool], Iterator[tuple[str, str]]]) -> Apply:
    """Return the application of ``spell`` to the vendor's stamp, when that is Unix seconds or milliseconds."""

    def apply(recipe: Recipe, case: _Case) -> Iterator[Try]:
        for index, (name, value) in enumerate(recipe.pairs):
            if name == case.provider.stamp_name and re.fullmatch(r"\d{10}|\d{13}", value, re.ASCII):
                for stamp, words in spell(value, case.wide):
                    pairs = (*recipe.pairs[:index], (name, stamp), *recipe.pairs[index + 1 :])
                    yield recipe._replace(pairs=pairs), (name, stamp, words)

    return apply


def _drifted(stamp: str, wide: bool) -> Iterator[tuple[str, str]]:
    unit = "s" if len(stamp) == 10 else "ms"
    for distance in range(1, 1801 if wide else 11):
        yield str(int(stamp) - distance), f"{distance} {unit} before"
        yield str(int(stamp) + distance), f"{distance} {unit} after"


def _other_unit(stamp: str, wide: bool) -> Iterator[tuple[str, str]]:
    if len(stamp) == 13:
        yield stamp[:10], "in seconds"
        return
    yield f"{stamp}.0", "as a decimal fraction"
    for fraction in range(1000 if wide else 1):
        yield f"{stamp}{fraction:03}", "in milliseconds"


def _zoned(stamp: str, wide: bool) -> Iterator[tuple[str, str]]:
    scale = 1 if len(stamp) == 10 else 1000
    lags = range(-5, 6) if wide else (0,)
    for quarters in range(-56, 57, 1 if wide else 4):
        words = f"{'-' if quarters < 0 else '+'}{abs(quarters) // 4:02}:{abs(quarters) % 4 * 15:02}"
        for lag in lags:
            if quarters:
                yield str(int(stamp) + (quarters * 900 + lag) * scale), words


# --- mistakes in the order -------------------------------------------------------------------------------------------


def _by_given(recipe: Recipe, case: _Case) -> Pairs:
    place = {name: index for index, (name, _) in reversed(list(enumerate(case.given)))}
    return tuple(sorted(recipe.pairs, key=lambda pair: place.get(pair[0], len(place))))


def _by_letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


Order = tuple[str, Callable[[Recipe, _Case], Iterable[tuple[str, str]]]]

_GIVEN: tuple[Order, ...] = (("in the order they were given", _by_given),)
_BY_NAME: tuple[Order, ...] = (
    ("sorted by name", lambda recipe, _: sorted(recipe.pairs, key=lambda pair: pair[0].encode())),
)
_BY_VALUE: tuple[Order, ...] = (
    ("sorted by value", lambda recipe, _: sorted(recipe.pairs, key=lambda pair: pair[1])),
    ("sorted by value, last first", lambda recipe, _: sorted(recipe.pairs, key=lambda pair: pair[1], reverse=True)),
    ("sorted by value, capitals like small letters", lambda r, _: sorted(r.pairs, key=lambda pair: pair[1].casefold())),
)
_BY_LOCALE: tuple[Order, ...] = (
    ("sorted by name, capitals like small letters", lambda r, _: sorted(r.pairs, key=lambda pair: pair[0].casefold())),
    ("sorted by name as dictionaries do", lambda r, _: sorted(r.pairs, key=lambda pair: _by_letters(pair[0]))),
)
_REVERSED: tuple[Order, ...] = (
    ("in reverse order", lambda recipe, _: recipe.pairs[::-1]),
    ("in the reverse of the given order", lambda recipe, case: _by_given(recipe, case)[::-1]),
)


def _reorder(orders: tuple[Order, ...]) -> Apply:
    def apply(recipe: Recipe, case: _Case) -> Iterator[Try]:
        for words, order in orders:
            pairs = tuple(order(recipe, case))
            if pairs != recipe.pairs:
                yield recipe._replace(pairs=pairs), (words, _names(pairs))

    return apply


def _names(pairs: Pairs) -> str:
    return ", ".join(dict.fromkeys(name for name, _ in pairs))


def _permuted(recipe: Recipe, case: _Case) -> Iterator[Try]:
    """Try every order of a short parameter list; of a long one, every order with one parameter moved."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, value in recipe.pairs:
        groups.setdefault(name, []).append((name, value))
    named = {recipe.pairs}
    for orders in (_GIVEN, _BY_NAME, _BY_VALUE, _BY_LOCALE, _REVERSED):
        named.update(tuple(order(recipe, case)) for _, order in orders)
    names = tuple(groups)
    every = len(names) <= (7 if case.wide else 5)
    for arrangement in permutations(names) if every else _moved(names):
        pairs = tuple(pair for name in arrangement for pair in groups[name])
        if pairs not in named:
            yield recipe._replace(pairs=pairs), (", ".join(arrangement),)


def _moved(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for index, name in enumerate(names):
        rest = names[:index] + names[index + 1 :]
        for place in range(len(names)):
            if place not in (index, index - 1):  # index - 1 is the neighbour's move the other way round
                yield (*rest[:place], name, *rest[place:])


# --- mistakes in the joining -----------------------------------------------------------------------------------------

_SEPARATORS = ("", ";", ",", "&", "|", ":", " ", "\n", "-", "_", ".", "/", "+", "; ", ", ")
_SEPARATOR_NAMES = {"": "nothing", " ": "a space", "\n": "a line feed"}


def _name_of(separator: str) -> str:
    return _SEPARATOR_NAMES.get(separator, separator)


def _named(recipe: Recipe, _: _Case) -> Iterator[Try]:
    for glue in ("=", "", ":"):
        for separator in dict.fromkeys((recipe.separator, "&", ";", ",", "")):
            changed = recipe._replace(glue=glue, separator=separator)
            yield changed, (f"name{glue}value", _name_of(separator))
            if separator != recipe.key_separator and recipe.key_place is not Place.NOWHERE:
                yield changed._replace(key_separator=separator), (f"name{glue}value", _name_of(separator))


def _separator_doubled(recipe: Recipe, _: _Case) -> Iterator[Try]:
    if recipe.separator:
        yield recipe._replace(separator=recipe.separator * 2), ("between the values",)
        yield recipe._replace(key_separator=recipe.key_separator * 2), ("before the key",)
        everywhere = recipe._replace(separator=recipe.separator * 2, key_separator=recipe.key_separator * 2)
        yield everywhere, ("everywhere",)


def _separator_at_end(recipe: Recipe, case: _Case) -> Iterator[Try]:
    for separator in dict.fromkeys((case.rule.separator, ";", "&", ",")):
        if separator:
            yield recipe._replace(tail=separator), (separator, "at the end")
            yield recipe._replace(head=separator), (separator, "at the beginning")


def _separator_missing(recipe: Recipe, _: _Case) -> Iterator[Try]:
    if recipe.separator:
        yield recipe._replace(separator="", key_separator=""), ("anywhere",)
        yield recipe._replace(separator=""), ("between the values",)
        yield recipe._replace(key_separator=""), ("before the key",)


def _separator_other(recipe: Recipe, _: _Case) -> Iterator[Try]:
    for separator in _SEPARATORS:
        if separator and separator != recipe.separator:
            words = _name_of(separator)
            yield recipe._replace(separator=separator, key_separator=separator), (words, "between all parts")
            yield recipe._replace(separator=separator), (words, "between the values")
            yield recipe._replace(key_separator=separator), (words, "before the key")


def _joined_encoded(recipe: Recipe, _: _Case) -> Iterator[Try]:
    """Percent-encode the whole text, separators and all; without separators that is what happens to the values."""
    if recipe.separator or recipe.glue:
        for how, function in (_PERCENT[0], _PERCENT[1], _PERCENT[4], _PERCENT[7], _PERCENT[8]):
            yield recipe._replace(finish=function), (how,)


# --- mistakes with the key -------------------------------------------------------------------------------------------

_KEY_SPELLINGS: Variants = (
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
    ("percent-encoding", _raw),
    ("percent-decoding", unquote),
    ("base64 encoding", lambda key: base64.b64encode(key.encode()).decode()),
    ("its MD5 instead of itself", lambda key: _hex("md5", key.encode())),
    ("its SHA-1 instead of itself", lambda key: _hex("sha1", key.encode())),
    ("the word null instead", lambda _: "null"),
    ("the word None instead", lambda _: "None"),
    ("the word undefined instead", lambda _: "undefined"),
)


def _key_misspelled(recipe: Recipe, _: _Case) -> Iterator[Try]:
    for words, spell in _KEY_SPELLINGS:
        key = spell(recipe.key)
        if key != recipe.key:
            yield recipe._replace(key=key), (words,)


def _key_empty(recipe: Recipe, _: _Case) -> Iterator[Try]:
    yield recipe._replace(key=""), ("an empty key",)
    if recipe.key_place is not Place.NOWHERE:
        yield recipe._replace(key_place=Place.NOWHERE), ("no key at all",)


def _key_placed(recipe: Recipe, case: _Case) -> Iterator[Try]:
    for place, words in ((Place.FRONT, "in front of the values"), (Place.BOTH, "on both sides of the values")):
        for separator in dict.fromkeys((recipe.key_separator, case.rule.separator, "")):
            yield recipe._replace(key_place=place, key_separator=separator), (words,)


def _key_of_another(recipe: Recipe, case: _Case) -> Iterator[Try]:
    for name, key in case.keys:
        yield recipe._replace(key=key), (name,)


def _key_from_value(recipe: Recipe, case: _Case) -> Iterator[Try]:
    for name, value in dict.fromkeys(case.given):
        if value and name not in case.rule.unsigned:
            yield recipe._replace(key=value), (name,)


# --- mistakes in charset and digest ----------------------------------------------------------------------------------

_CHARSETS = (*_8_BIT, "ascii", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16")


def _other_charset(recipe: Recipe, _: _Case) -> Iterator[Try]:
    text = _text(recipe, recipe.key)
    found: dict[bytes, list[str]] = {text.encode(): []}
    for charset in _CHARSETS:
        found.setdefault(text.encode(charset, "replace"), []).append(charset)
    for charsets in found.values():
        if charsets and charsets[0] != recipe.charset:
            yield recipe._replace(charset=charsets[0]), (" or ".join(charsets),)


def _hex(algorithm: str, data: bytes) -> str:
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def _chain(algorithms: Sequence[str], between: Callable[[str], bytes]) -> Callable[[bytes, bytes], str]:
    def run(text: bytes, _: bytes) -> str:
        outcome = _hex(algorithms[0], text)
        for algorithm in algorithms[1:]:
            outcome = _hex(algorithm, between(outcome))
        return outcome

    return run


def _hmac(algorithm: str) -> Callable[[bytes, bytes], str]:
    return lambda text, key: hmac.digest(key, text, algorithm).hex()


def _hmac_with(key: bytes, algorithm: str) -> Callable[[bytes, bytes], str]:
    return lambda text, _: hmac.digest(key, text, algorithm).hex()


def _hmac_swapped(algorithm: str) -> Callable[[bytes, bytes], str]:
    return lambda text, key: hmac.digest(text, key, algorithm).hex()


_ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64}
_BETWEEN_STAGES: tuple[tuple[str, Callable[[str], bytes]], ...] = (
    ("", str.encode),
    ("raw bytes instead of hex between", bytes.fromhex),
    ("capital hex between", lambda text: text.upper().encode()),
    ("base64 between", lambda text: base64.b64encode(bytes.fromhex(text))),
)


def _rule_digest(rule: Rule) -> Digest:
    *_, last = rule.digests
    if rule.key is KeyUse.HMAC:
        return Digest(f"HMAC-{last}", _ALGORITHMS[last], _hmac(last))
    return Digest(" then ".join(rule.digests), _ALGORITHMS[last], _chain(rule.digests, str.encode))


_CHAINS = tuple(
    (algorithms, words, Digest(" then ".join(algorithms), _ALGORITHMS[algorithms[-1]], _chain(algorithms, between)))
    for algorithms in (*((name,) for name in _ALGORITHMS), *product(_ALGORITHMS, repeat=2))
    for words, between in _BETWEEN_STAGES[: None if len(algorithms) == 2 else 1]
)
_HMACS = tuple(Digest(f"HMAC-{name}", length, _hmac(name)) for name, length in _ALGORITHMS.items())
_SWAPPED = tuple(Digest(f"HMAC-{name}", length, _hmac_swapped(name)) for name, length in _ALGORITHMS.items())


def _wrong_digest(recipe: Recipe, case: _Case) -> Iterator[Try]:
    plain = tuple(digest for _, words, digest in _CHAINS if not words)
    for digest in _HMACS if case.rule.key is KeyUse.HMAC else plain:
        if digest.label != recipe.digest.label and case.wants(digest):
            yield recipe._replace(digest=digest), (digest.label,)


def _wrong_between(recipe: Recipe, case: _Case) -> Iterator[Try]:
    for _, words, digest in _CHAINS:
        if words and case.rule.key is KeyUse.SUFFIX and case.wants(digest):
            yield recipe._replace(digest=digest), (digest.label, words)


def _key_between(recipe: Recipe, case: _Case) -> Iterator[Try]:
    """Hash the values alone first and append the key to the digest."""
    digests = case.rule.digests
    if case.rule.key is KeyUse.SUFFIX and len(digests) == 2 and case.wants(recipe.digest):
        for separator in dict.fromkeys((recipe.key_separator, "")):
            glue = separator.encode()

            def run(text: bytes, key: bytes, glue: bytes = glue) -> str:
                return _hex(digests[1], _hex(digests[0], text).encode() + glue + key)

            digest = Digest(recipe.digest.label, recipe.digest.length, run)
            yield recipe._replace(digest=digest, key_place=Place.NOWHERE), (digests[0], digests[1])


def _swapped(recipe: Recipe, case: _Case) -> Iterator[Try]:
    if case.rule.key is KeyUse.HMAC:
        for digest in _SWAPPED:
            if case.wants(digest):
                yield recipe._replace(digest=digest), (digest.label,)


def _key_decoded(recipe: Recipe, case: _Case) -> Iterator[Try]:
    """Use the bytes that a hex or base64 key stands for."""
    for how, decode in (("hex", bytes.fromhex), ("base64", partial(base64.b64decode, validate=True))):
        try:
            key = decode(recipe.key)
        except ValueError:
            continue
        for name, length in _ALGORITHMS.items():
            digest = Digest(f"HMAC-{name}", length, _hmac_with(key, name))
            if case.rule.key is KeyUse.HMAC and case.wants(digest):
                yield recipe._replace(digest=digest), (how, digest.label)


def _hash_for_hmac(recipe: Recipe, case: _Case) -> Iterator[Try]:
    if case.rule.key is KeyUse.HMAC:
        places = ((Place.BEHIND, "behind"), (Place.FRONT, "in front of"), (Place.NOWHERE, "nowhere near"))
        for _, words, digest in _CHAINS:
            if not words and case.wants(digest):
                for place, where in places:
                    yield recipe._replace(digest=digest, key_place=place), (digest.label, where)


def _hmac_for_hash(recipe: Recipe, case: _Case) -> Iterator[Try]:
    if case.rule.key is KeyUse.SUFFIX:
        for digest in (*_HMACS, *_SWAPPED):
            if case.wants(digest):
                yield recipe._replace(digest=digest, key_place=Place.NOWHERE), (digest.label,)


# --- the table -------------------------------------------------------------------------------------------------------

_VALUES_FIX = "Sign exactly the parameters that are sent, all of them and no other."
_ORDER_FIX = "Join the values {order}."
_ORDER_SENTENCE = "The values were joined {0}: {1}."
_SEPARATOR_FIX = "Put {separator} between the values and before the key, and nowhere else."
_STAMP_FIX = "Take the stamp once, into one variable, and both sign and send that."
_KEY_FIX = "Use the key exactly as the vendor shows it, without what surrounds it."

MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "forgotten",
        Stage.VALUES,
        "{0} is sent but was left out of the string that was signed.",
        _VALUES_FIX,
        _forgotten,
    ),
    Mistake("added", Stage.VALUES, "{0}={1} was signed but is not sent.", _VALUES_FIX, _added),
    Mistake(
        "counted",
        Stage.VALUES,
        "{0} was counted, though it never takes part in the signature.",
        "Leave {0} out of the string.",
        _counted,
    ),
    Mistake(
        "other-value",
        Stage.VALUES,
        "{0} was {1} when the signature was made, not {2}.",
        "Sign the value that is sent; if {1} is meant, send {1}.",
        _other_value,
    ),
    Mistake(
        "empty-dropped",
        Stage.VALUES,
        "Empty values are sent but were dropped from the string that was signed: {0}.",
        "Keep empty values in both the request and the string, or in neither.",
        _empty_dropped,
    ),
    Mistake(
        "empty-kept",
        Stage.VALUES,
        "An empty {0} was signed but is not sent.",
        "Leave absent parameters out of the string too; an empty one still takes its place.",
        _empty_kept,
    ),
    Mistake(
        "absent-as-word",
        Stage.VALUES,
        "{0} is not sent, but was signed as the word {1}.",
        "Leave absent parameters out of both the request and the string.",
        _absent_as_word,
    ),
    Mistake(
        "number-format",
        Stage.VALUES,
        "{0}: numbers spelled {1} when the signature was made.",
        "Bring numbers into their final form once, before both signing and sending.",
        _respell(_NUMBER_SPELLINGS, skip_stamp=True),
    ),
    Mistake(
        "list-joined",
        Stage.VALUES,
        "{0}: the list was signed {1}.",
        "Build the list once, as it is sent, and sign that text.",
        _respell(tuple((words, _rejoin(join)) for words, join in _LIST_JOINS)),
    ),
    Mistake(
        "list-joined",
        Stage.VALUES,
        "{0}: the repeated values were signed {1}.",
        "Sign every value in sending order, each for itself.",
        _repeats,
    ),
    *(Mistake(name, Stage.VALUES, text, fix, _respell(variants)) for name, text, fix, variants in _SPELLINGS),
    Mistake(
        "stamp-unit",
        Stage.VALUES,
        "{0} was signed as {1}, {2}.",
        "Sign and send whole Unix seconds.",
        _restamp(_other_unit),
    ),
    Mistake(
        "stamp-local-time",
        Stage.VALUES,
        "{0} was signed as {1}: a local time at UTC{2} taken for UTC.",
        "Unix time counts in UTC; do not add the zone's offset.",
        _restamp(_zoned),
    ),
    Mistake(
        "stamp-differs",
        Stage.VALUES,
        "{0} was signed as {1}, {2} the one that is sent.",
        _STAMP_FIX,
        _restamp(_drifted),
    ),
    Mistake("unsorted", Stage.ORDER, _ORDER_SENTENCE, _ORDER_FIX, _reorder(_GIVEN)),
    Mistake("sorted-by-name", Stage.ORDER, _ORDER_SENTENCE, _ORDER_FIX, _reorder(_BY_NAME)),
    Mistake("sorted-by-value", Stage.ORDER, _ORDER_SENTENCE, _ORDER_FIX, _reorder(_BY_VALUE)),
    Mistake("sorted-by-locale", Stage.ORDER, _ORDER_SENTENCE, _ORDER_FIX, _reorder(_BY_LOCALE)),
    Mistake("reversed", Stage.ORDER, _ORDER_SENTENCE, _ORDER_FIX, _reorder(_REVERSED)),
    Mistake("unsorted", Stage.PERMUTATION, "The values were joined unsorted: {0}.", _ORDER_FIX, _permuted),
    Mistake(
        "names-included",
        Stage.JOIN,
        "The names were joined with the values, as {0}, with {1} between them.",
        "Join the values alone.",
        _named,
    ),
    Mistake("separator-missing", Stage.JOIN, "The separator was missing {0}.", _SEPARATOR_FIX, _separator_missing),
    Mistake("separator-doubled", Stage.JOIN, "The separator was doubled {0}.", _SEPARATOR_FIX, _separator_doubled),
    Mistake("separator-at-end", Stage.JOIN, "A {0} stood {1} of the string.", _SEPARATOR_FIX, _separator_at_end),
    Mistake("separator-other", Stage.JOIN, "The separator was {0} {1}.", _SEPARATOR_FIX, _separator_other),
    Mistake(
        "joined-percent-encoded",
        Stage.JOIN,
        "The whole string was percent-encoded before hashing, separators too (as by {0}).",
        "Hash the string as it is; percent-encoding belongs to the URL or form only.",
        _joined_encoded,
    ),
    Mistake("key-placed", Stage.KEY, "The key stood {0}.", "Put the key where the vendor's rule puts it.", _key_placed),
    Mistake("key-missing", Stage.KEY, "The signature was made with {0}.", "Check that the key was read.", _key_empty),
    Mistake(
        "key-of-another", Stage.KEY, "The key was that of profile {0}.", "Use this account's key.", _key_of_another
    ),
    Mistake("key-misspelled", Stage.KEY, "The key was used with {0}.", _KEY_FIX, _key_misspelled),
    Mistake(
        "key-from-value",
        Stage.KEY,
        "The value of {0} was used as the key.",
        "Use the secret key the vendor gave, not a public value.",
        _key_from_value,
    ),
    Mistake(
        "charset",
        Stage.CHARSET,
        "The text was hashed in {0}, not in UTF-8.",
        "Encode the text as UTF-8 without a byte order mark before hashing.",
        _other_charset,
    ),
    Mistake("wrong-digest", Stage.DIGEST, "The digest was {0}.", "Use {digest}.", _wrong_digest),
    Mistake(
        "wrong-between",
        Stage.DIGEST,
        "The digest was {0} with {1} the stages.",
        "Use {digest}; a second stage hashes the lower-case hex text of the first.",
        _wrong_between,
    ),
    Mistake(
        "key-between",
        Stage.DIGEST,
        "The key was appended after {0}, before {1}, instead of before both.",
        "Append the key to the values, then hash.",
        _key_between,
    ),
    Mistake(
        "hmac-swapped",
        Stage.DIGEST,
        "The arguments of {0} were swapped: the text served as the key.",
        "Give the secret as the key and the text as the message; PHP's hash_hmac takes the text first.",
        _swapped,
    ),
    Mistake(
        "key-decoded",
        Stage.DIGEST,
        "The key was decoded from {0} before {1}.",
        "Use the text of the key, as it is.",
        _key_decoded,
    ),
    Mistake(
        "hash-for-hmac",
        Stage.DIGEST,
        "A plain hash was used instead of an HMAC: {0}, the key {1} the values.",
        "Use {digest} with the secret as its key.",
        _hash_for_hmac,
    ),
    Mistake(
        "hmac-for-hash",
        Stage.DIGEST,
        "{0} was used instead of a plain hash.",
        "Append the key to the values and use {digest}.",
        _hmac_for_hash,
    ),
)
"""Every mistake that is tried, most likely first within each stage."""

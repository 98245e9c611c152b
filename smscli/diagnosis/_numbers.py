"""Mistakes in numbers and lists: phone numbers in another form, recipients joined or repeated otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache

from smscli.diagnosis._mistake import Mistake, Stage
from smscli.diagnosis._respelling import Spelling, Spellings, relisted, respelled

# --- phone numbers ---------------------------------------------------------------------------------------------------

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


@lru_cache(maxsize=64)  # dozens of spellings ask the same
def _holds_numbers(text: str) -> bool:
    return _NUMBERS.fullmatch(_ENCODED_COMMA.sub(",", text)) is not None


def _prefixed(prefix: str) -> Spelling:
    return lambda text: re.sub(r"(?:\+|\b00)?(\d{7,})", rf"{prefix}\1", text) if _holds_numbers(text) else text


def _in_plan(plan: tuple[str, str, int], spell: Callable[[str, str, str], str]) -> Spelling:
    code, trunk, length = plan
    shape = rf"(?:(?:\+|00)?{code}|{trunk})?(\d{{{length}}})"  # compiled when needed: sixteen take milliseconds

    def one(match: re.Match[str]) -> str:
        reading = re.fullmatch(shape, match[0])
        return spell(code, trunk, reading[1]) if reading else match[0]

    return lambda text: re.sub(r"\+?\d{7,}", one, text) if _holds_numbers(text) else text


_NUMBER_SPELLINGS: Spellings = (
    ("with +", _prefixed("+")),
    ("with 00", _prefixed("00")),
    ("with neither + nor 00", _prefixed("")),
    *(
        (words.format(*plan), _in_plan(plan, spell))
        for plan in _PLANS
        for words, spell in (
            ("with +{0}", lambda code, _, rest: f"+{code}{rest}"),
            ("with {0}", lambda code, _, rest: f"{code}{rest}"),
            ("with 00{0}", lambda code, _, rest: f"00{code}{rest}"),
            ("nationally, with {1}", lambda _, trunk, rest: f"{trunk}{rest}"),
            ("without country code {0}", lambda _code, _trunk, rest: f"{rest}"),
        )
        if plan[1] or "nationally" not in words
    ),
)

number_format = Mistake(
    "number-format",
    Stage.VALUES,
    "{0}: numbers spelled {1} when the signature was made.",
    "Bring numbers into their final form once, before both signing and sending.",
    respelled(_NUMBER_SPELLINGS, except_stamp=True),
)


# --- lists -----------------------------------------------------------------------------------------------------------

_BETWEEN = re.compile(r"\s*[,;|\s]\s*")

_LIST_JOINS: tuple[tuple[str, Callable[[list[str]], str]], ...] = (
    ("glued without a separator", "".join),
    ("joined with a comma", ",".join),
    ("joined with a comma and a space", ", ".join),
    ("joined with a semicolon", ";".join),
    ("joined with a semicolon and a space", "; ".join),
    ("joined with a space", " ".join),
    ("joined with |", "|".join),
    ("joined with a line feed", "\n".join),
    ("sorted", lambda items: ",".join(sorted(items))),
    ("in reverse order", lambda items: ",".join(reversed(items))),
    ("reduced to the first one", lambda items: items[0]),
    ("reduced to the last one", lambda items: items[-1]),
    ("as a JSON array", lambda items: json.dumps(items, separators=(",", ":"))),
    ("as a Python list", repr),
    ("as the word Array", lambda _: "Array"),
)


@lru_cache(maxsize=64)
def _items(text: str) -> tuple[str, ...]:
    """Return the numbers of a list, none when it is no list; split first, one pattern for all tries every division."""
    items = _BETWEEN.split(text.strip())
    return tuple(items) if len(items) > 1 and all(re.fullmatch(r"\+?\d+", item) for item in items) else ()


def _rejoined(join: Callable[[list[str]], str]) -> Spelling:
    return lambda text: join(list(items)) if (items := _items(text)) else text


list_joined = Mistake(
    "list-joined",
    Stage.VALUES,
    "{0}: the list was signed {1}.",
    "Build the list once, as it is sent, and sign that text.",
    respelled(tuple((words, _rejoined(join)) for words, join in _LIST_JOINS)),
)


def _lists(items: list[str]) -> dict[tuple[str, ...], str]:
    """Return what a list may become: joined, sorted, reversed, cut."""
    lists: dict[tuple[str, ...], str] = {}
    for words, join in _LIST_JOINS:
        lists.setdefault((join(items),), words)
    lists[tuple(sorted(items))] = "sorted"
    lists[tuple(reversed(items))] = "in reverse order"
    lists.pop(tuple(items), None)
    return lists


repeats_joined = Mistake(
    "list-joined",
    Stage.VALUES,
    "{0}: the repeated values were signed {1}.",
    "Sign every value in sending order, each for itself.",
    relisted(_lists),
)

NUMBERS = (number_format, list_joined, repeats_joined)

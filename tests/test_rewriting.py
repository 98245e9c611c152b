"""What makes a text UCS-2, what can stand for it, and where a text is shortened."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smscli.errors import InputError
from smscli.rewriting import ELLIPSIS, compose, outsiders, shorten, transliterate
from smscli.segments import Alphabet, is_gsm, measure

FAMILY, FLAG, JAMO = "👨\u200d👩\u200d👧\u200d👦", "🇱🇹", "\u1112\u1161\u11ab"
# What a reader takes for one character (UAX 29), each drawn whole; next to one another none of them join.
CLUSTERS = ["a", "B", " ", "\n", "€", "ž", "я", "😀", "e\u0301", "❤\ufe0f", FAMILY, FLAG, JAMO, "न\u093f"]


# --- the characters outside GSM-7 -------------------------------------------------------------------------------------


def test_each_outsider_is_told_once_with_all_its_places() -> None:
    """Counted from 1: characters of the text, lines, and characters of the line."""
    apostrophe, smile, dash = outsiders("It’s ok\n😀 isn’t – 5€")
    assert (apostrophe.character, apostrophe.indexes, apostrophe.line, apostrophe.column) == ("’", (3, 14), 1, 3)
    assert (smile.indexes, smile.line, smile.column) == ((9,), 2, 1)
    assert (dash.indexes, dash.line, dash.column) == ((17,), 2, 9)
    assert [(o.line, o.column) for o in (*outsiders("\n’"), *outsiders("\nab\n ’"))] == [(2, 1), (3, 2)]


def test_an_outsider_has_its_code_point_and_unicodes_name() -> None:
    """Controls have no name in Unicode, and private characters none at all."""
    assert [(o.code_point, o.name) for o in outsiders("’😀\x07\ue000")] == [
        ("U+2019", "RIGHT SINGLE QUOTATION MARK"), ("U+1F600", "GRINNING FACE"), ("U+0007", None), ("U+E000", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("character", "replacement"),
    [
        ("’", "'"), ("“", '"'), ("–", "-"), ("…", "..."), ("\u00a0", " "), ("ş", "s"), ("ç", "c"), ("щ", "shch"),
        ("😀", ":grinning:"),
        ("`", "'"), ("\t", " "),  # ASCII that GSM-7 lacks
        ("\u2126", "Ω"), ("\u212b", "Å"),  # signs of ohm and angstrom: GSM-7 has the letters
        ("\u0301", ""), ("\u200d", ""), ("\ufe0f", ""), ("\u202e", ""),  # nothing alone
        ("\x07", None), ("\x1b", None), ("\ue000", None), ("\u0378", None), ("ا", None),
    ],
    ids=lambda value: f"U+{ord(value):04X}" if isinstance(value, str) and len(value) == 1 else "",
)  # fmt: skip
def test_a_replacement_is_gsm_7_or_there_is_none(character: str, replacement: str | None) -> None:
    """A mark may go; a letter that would only vanish (Arabic alef) has none."""
    assert [o.replacement for o in outsiders(character)] == [replacement]


def test_whatever_has_a_replacement_gets_one_of_gsm_7() -> None:
    """For each character of the Basic Multilingual Plane and the emoji: checked against the alphabet, not believed."""
    for code in (*range(0xD800), *range(0xE000, 0x10000), *range(0x1F000, 0x20000)):
        for outsider in outsiders(chr(code)):
            replaced = transliterate(outsider.character)
            assert replaced == compose(outsider.character) or all(map(is_gsm, replaced)), f"U+{code:04X}"
            assert replaced or unicodedata.category(outsider.character) in ("Mn", "Me", "Cf"), f"U+{code:04X}"


def test_letters_in_two_characters_are_joined_first() -> None:
    """As names of files from macOS are: GSM-7 has é, and not the accent."""
    assert transliterate("cafe\u0301 z\u030c") == "café z"


def test_what_nothing_stands_for_stays() -> None:
    """And everything else is replaced all the same."""
    assert transliterate("’\ue000’") == "'\ue000'"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_transliterating_leaves_only_what_has_no_replacement(text: str) -> None:
    """Twice is as once, and a text of GSM-7 is not touched."""
    replaced = transliterate(text)
    assert all(o.replacement is None for o in outsiders(replaced))
    assert transliterate(replaced) == replaced
    if measure(text).alphabet is Alphabet.GSM_7:
        assert replaced == text


# --- shortening -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts", "shortened"),
    [
        ("a" * 160, 1, "a" * 160),
        ("a" * 161, 1, "a" * 157 + ELLIPSIS),
        ("a" * 400, 2, "a" * 303 + ELLIPSIS),
        ("я" * 71, 1, "я" * 67 + ELLIPSIS),
        ("я" * 200, 2, "я" * 131 + ELLIPSIS),
        ("a" * 156 + "€" + "a" * 9, 1, "a" * 156 + ELLIPSIS),
        ("a" * 150 + "  " + "b" * 5 + "c" * 9, 1, "a" * 150 + "  " + "b" * 5 + ELLIPSIS),
        ("a" * 155 + "  " + "b" * 9, 1, "a" * 155 + ELLIPSIS),
        ("a" * 155 + " " * 50, 1, "a" * 155 + ELLIPSIS),
        ("a" * 200 + "😀", 1, "a" * 157 + ELLIPSIS),
        ("a" * 60 + FAMILY + "b" * 20, 1, "a" * 60 + ELLIPSIS),
        ("я" * 62 + FAMILY, 1, "я" * 62 + ELLIPSIS),
        ("a" * 157 + "\u0301" * 9, 1, "a" * 156 + ELLIPSIS),
        ("я" * 65 + FLAG, 1, "я" * 65 + FLAG),
        ("я" * 66 + FLAG + "я", 1, "я" * 66 + ELLIPSIS),
        ("я" * 66 + "e\u0301" + "я" * 9, 1, "я" * 66 + ELLIPSIS),
    ],
)
def test_a_text_ends_where_it_fits(text: str, parts: int, shortened: str) -> None:
    """By hand: 160 or 306 septets, 70 or 134 units, three of them for the ellipsis; no cluster cut, no blank before it.

    What is cut off may be what made the text UCS-2: then more of it fits.
    """
    assert shorten(text, parts) == shortened


@example(["a", FAMILY] * 30, 1)
@example([" "] * 200, 1)
@given(
    st.builds(lambda few, times: few * times, st.lists(st.sampled_from(CLUSTERS), max_size=12), st.integers(1, 25)),
    st.integers(1, 3),
)
def test_no_longer_beginning_of_whole_characters_would_fit(clusters: list[str], parts: int) -> None:
    """Against trying every beginning in turn."""
    text = "".join(clusters)
    endings = ["".join(clusters[:count]).rstrip() + ELLIPSIS for count in range(1, len(clusters))]
    longest = next((e for e in reversed(endings) if measure(e).parts <= parts), ELLIPSIS)
    if measure(text).parts <= parts:
        assert shorten(text, parts) == text
    elif longest == ELLIPSIS:
        with pytest.raises(InputError):
            shorten(text, parts)
    else:
        assert shorten(text, parts) == longest


def test_one_character_that_is_too_long_is_an_error() -> None:
    """Two hundred accents on one letter: half of it would be another letter."""
    with pytest.raises(InputError, match="not even the first character fits"):
        shorten("e" + "\u0301" * 200 + "b", 1)


def test_a_megabyte_is_shortened_at_once() -> None:
    """Only the beginning is looked at."""
    assert len(shorten("😀" * 330_000, 2)) == 65 + len(ELLIPSIS)

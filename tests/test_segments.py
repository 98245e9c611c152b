"""Segmentation: the alphabets of TS 23.038, the limits of TS 23.040, and no pair cut in two."""

from __future__ import annotations

import gsm0338
import pytest
import smsutil
from hypothesis import example, given
from hypothesis import strategies as st

from smscli.segments import Alphabet, cut, is_gsm, measure

# GSM0338.TXT of unicode.org as (septet, code point): a second writing of the table, by number instead of by letter.
# The rows the 7-bit alphabet shares with ASCII are given as ranges.
_SHARED = [*range(0x20, 0x24), *range(0x25, 0x40), *range(0x41, 0x5B), *range(0x61, 0x7B)]
_OWN = {
    0x00: 0x40, 0x01: 0xA3, 0x02: 0x24, 0x03: 0xA5, 0x04: 0xE8, 0x05: 0xE9, 0x06: 0xF9, 0x07: 0xEC,
    0x08: 0xF2, 0x09: 0xC7, 0x0A: 0x0A, 0x0B: 0xD8, 0x0C: 0xF8, 0x0D: 0x0D, 0x0E: 0xC5, 0x0F: 0xE5,
    0x10: 0x394, 0x11: 0x5F, 0x12: 0x3A6, 0x13: 0x393, 0x14: 0x39B, 0x15: 0x3A9, 0x16: 0x3A0, 0x17: 0x3A8,
    0x18: 0x3A3, 0x19: 0x398, 0x1A: 0x39E, 0x1C: 0xC6, 0x1D: 0xE6, 0x1E: 0xDF, 0x1F: 0xC9,
    0x24: 0xA4, 0x40: 0xA1, 0x5B: 0xC4, 0x5C: 0xD6, 0x5D: 0xD1, 0x5E: 0xDC, 0x5F: 0xA7,
    0x60: 0xBF, 0x7B: 0xE4, 0x7C: 0xF6, 0x7D: 0xF1, 0x7E: 0xFC, 0x7F: 0xE0,
}  # fmt: skip
SEPTETS = {chr(code): bytes([code]) for code in _SHARED} | {chr(code): bytes([at]) for at, code in _OWN.items()}
ESCAPED = {
    chr(code): bytes([0x1B, at])
    for at, code in {
        0x0A: 0x0C, 0x14: 0x5E, 0x28: 0x7B, 0x29: 0x7D, 0x2F: 0x5C, 0x3C: 0x5B, 0x3D: 0x7E, 0x3E: 0x5D, 0x40: 0x7C,
        0x65: 0x20AC,
    }.items()
}  # fmt: skip

VECTORS = [
    ("", 0),
    ("\n", 1),
    ("a" * 160, 1),
    ("a" * 161, 2),
    ("a" * 306, 2),
    ("a" * 307, 3),
    ("я" * 70, 1),
    ("я" * 71, 2),
    ("я" * 134, 2),
    ("я" * 135, 3),
    ("€" * 80, 1),
    ("€" * 81, 2),
    ("😀" * 35, 1),
    ("😀" * 36, 2),
    ("😀" * 70, 3),
    ("]" * 152, 2),
    ("]" * 153, 3),
    ("x" * 66 + "👋" + "x" * 66, 3),
    ("a" * 159 + "ş", 3),
    ("a" * 159 + "’", 3),
]


@pytest.mark.parametrize(
    ("text", "parts"), VECTORS, ids=[f"{text[:1].encode().hex()}-x{len(text)}" for text, _ in VECTORS]
)
def test_boundary_texts_have_the_known_number_of_parts(text: str, parts: int) -> None:
    """Texts on each side of every limit cost what other calculators say."""
    assert measure(text).parts == parts


def test_the_alphabet_is_exactly_the_one_of_the_standard() -> None:
    """Every character of the Basic Multilingual Plane is GSM-7 or not as the standard's table says, at its width."""
    assert (len(SEPTETS), len(ESCAPED)) == (127, 10)
    for code in range(0x10000):
        character = chr(code)
        expected = SEPTETS.get(character, b"") or ESCAPED.get(character, b"")
        found = measure(character)
        assert (found.alphabet is Alphabet.GSM_7) == bool(expected), f"U+{code:04X}"
        assert found.units == (len(expected) or 1), f"U+{code:04X}"


@pytest.mark.parametrize("character", ["\x1b", "ç", "ş", "`", "\t", "\u00a0", "’"])
def test_one_foreign_character_turns_the_whole_text_to_ucs2(character: str) -> None:
    """The lookalikes that double a bill: each of them alone makes all other letters dearer."""
    assert measure("a" * 100 + character).alphabet is Alphabet.UCS_2


def _cut(text: str) -> list[bytes]:
    """Cut the encoded text as a network would: whole units, stepping back where the cut would split a pair."""
    if all(character in SEPTETS or character in ESCAPED for character in text):
        data = b"".join(SEPTETS.get(character) or ESCAPED[character] for character in text)
        size, single, several = 1, 160, 153
    else:
        data = text.encode("utf-16-be", "surrogatepass")
        size, single, several = 2, 70, 67
    if len(data) <= single * size:
        return [data] if data else []
    parts = []
    while data:
        cut = several * size
        last = data[cut - size : cut]
        splits = len(data) > cut and (last == b"\x1b" if size == 1 else 0xD8 <= last[0] <= 0xDB)
        cut -= size if splits else 0
        parts.append(data[:cut])
        data = data[cut:]
    return parts


_GSM = st.text(st.sampled_from([*SEPTETS, *ESCAPED, *"€[]{}~" * 8]), max_size=700)
_UCS = st.text(st.one_of(st.sampled_from("яş’aZ😀👋𝄞"), st.characters(exclude_categories=["Cs"])), max_size=320)
_MIXED = st.builds(lambda run, times, tail: run * times + tail, st.one_of(_GSM, _UCS), st.integers(0, 3), _UCS)


# What is drawn hardly ever fills a part.
@example("€" * 100)
@example("я😀" * 50)
@given(st.one_of(_GSM, _UCS, _MIXED))
def test_parts_and_units_agree_with_cutting_the_encoded_bytes(text: str) -> None:
    """The count equals that of an encoder which really cuts the bytes and never splits a pair."""
    parts = _cut(text)
    found = measure(text)
    width = 1 if found.alphabet is Alphabet.GSM_7 else 2
    assert found.parts == len(parts)
    assert found.units == sum(map(len, parts)) // width


@pytest.mark.parametrize(
    ("text", "lengths", "left"),
    [
        ("", [], 160),
        ("a", [1], 159),
        ("a" * 160, [160], 0),
        ("a" * 161, [153, 8], 145),
        ("a" * 306, [153, 153], 0),
        ("a" * 152 + "€" + "a" * 6, [159], 0),
        ("a" * 152 + "€" + "a" * 7, [152, 8], 144),
        ("€" * 81, [76, 5], 143),
        ("я" * 70, [70], 0),
        ("я" * 71, [67, 4], 63),
        ("😀" * 35, [35], 0),
        ("😀" * 36, [33, 3], 61),
        ("x" * 66 + "👋" + "x" * 66, [66, 66, 1], 66),
    ],
    ids=lambda value: f"{value[:1].encode().hex()}-x{len(value)}" if isinstance(value, str) else "",
)
def test_parts_break_where_the_standard_breaks_them(text: str, lengths: list[int], left: int) -> None:
    """153 septets or 67 UTF-16 units a part; one unit stays empty where a pair would be cut. Worked out by hand."""
    assert [len(part.text) for part in cut(text)] == lengths
    assert measure(text).left == left


@example("€" * 100)
@example("я😀" * 50)
@given(st.one_of(_GSM, _UCS, _MIXED))
def test_every_part_decodes_and_together_they_are_the_text(text: str) -> None:
    """Each is encoded alone by the second writing of the tables, and is what that encoder cut off."""
    parts, size = cut(text), measure(text)
    width = 1 if size.alphabet is Alphabet.GSM_7 else 2
    assert "".join(part.text for part in parts) == text
    assert [part.units * width for part in parts] == [len(data) for data in _cut(text)]
    if width == 2:
        assert [data.decode("utf-16-be") for data in _cut(text)] == [part.text for part in parts]
    assert (size.parts, size.units) == (len(parts), sum(part.units for part in parts))
    limit = {1: (160, 153), 2: (70, 67)}[width][len(parts) > 1]
    assert size.left == limit - (parts[-1].units if parts else 0)


@example("€" * 100)
@example("я😀" * 50)
@given(st.one_of(_GSM, _UCS, _MIXED).filter(bool))
def test_another_counter_cuts_at_the_same_places(text: str) -> None:
    """That of smsutil. It differs for an escape, which it calls a character, and an empty text, which it bills."""
    text = text.replace("\x1b", "")
    assert [part.text for part in cut(text)] == [part.content for part in smsutil.split(text).parts if part.content]


def test_other_writings_of_the_alphabet_agree() -> None:
    """Both others take a lone escape for a character; TS 23.038 calls it the way to the extension table."""
    ours = {chr(code) for code in range(0x110000) if is_gsm(chr(code))}
    codec = gsm0338.Codec()
    septets = [*(bytes([code]) for code in range(0x80) if code != 0x1B), *ESCAPED.values()]
    assert {codec.decode(data)[0] for data in septets} == ours
    assert set(smsutil.codecs.GSM_CHARSET) == ours | {"\x1b"}
    assert codec.encode("\x1b")[0] == b"\x1b"


@given(_GSM.map(lambda text: text.replace("\x1b", "")))
def test_another_codec_reads_every_part_of_gsm_7(text: str) -> None:
    """gsm0338 encodes each part to as many septets as were counted, and reads it back."""
    codec = gsm0338.Codec()
    for part in cut(text):
        septets, _ = codec.encode(part.text)
        assert (len(septets), codec.decode(septets)[0]) == (part.units, part.text)


def test_a_text_of_any_size_is_measured_at_once() -> None:
    """A megabyte of the dearest character is counted, not refused."""
    assert measure("😀" * 330_000).parts == 10_000

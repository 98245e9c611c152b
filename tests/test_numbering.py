"""Numbers as people and vendors write them, and those that must never be guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.errors import InputError
from smscli.numbering import parse

SPELLINGS = [
    ("+37061234567", None, "37061234567"),
    ("0037061234567", None, "37061234567"),
    ("00 370 612 34567", "RU", "37061234567"),
    ("+370 (612) 34-567", "RU", "37061234567"),
    ("+370.612.34567", "US", "37061234567"),
    ("861234567", "LT", "37061234567"),
    ("061234567", "LT", "37061234567"),
    ("61234567", "LT", "37061234567"),
    ("37061234567", "LT", "37061234567"),
    ("89121234567", "RU", "79121234567"),
    ("79121234567", "RU", "79121234567"),
    ("9121234567", "RU", "79121234567"),
    ("8 (812) 123-45-67", "RU", "78121234567"),
    ("+7 812 123 45 67", "RU", "78121234567"),
    ("+7 812 123 45 67", None, "78121234567"),
    ("05321000000", "TR", "905321000000"),
    ("5321000000", "TR", "905321000000"),
    ("5321000000", "tr", "905321000000"),
    ("+39 06 1234 5678", None, "390612345678"),
    ("+٣٧٠٦١٢٣٤٥٦٧", None, "37061234567"),
    ("＋３７０６１２３４５６７", None, "37061234567"),
    ("٨٩١٢١٢٣٤٥٦٧", "RU", "79121234567"),
    ("\u202a+370\u00a0612\u201134567\u202c", None, "37061234567"),
    ("37061234567", None, "37061234567"),
    ("79121231234", None, "79121231234"),
    ("905321000000", None, "905321000000"),
    ("37061234567", "RU", "37061234567"),
]


@pytest.mark.parametrize(("text", "region", "digits"), SPELLINGS)
def test_every_usual_spelling_means_the_one_number(text: str, region: str | None, digits: str) -> None:
    """International, dialled, bare, separated, and in digits of other scripts."""
    number = parse(text, region)
    assert (number.msisdn.digits, number.warning) == (digits, None)


IMPOSSIBLE = [
    ("", None, "empty"),
    (" - ", "LT", "empty"),
    ("61234567", None, "no country code, and no region"),
    ("89121234567", None, "no country code, and no region"),
    ("+370612", None, "too short"),
    ("112", "LT", "too short"),
    ("+3706123456789", None, "too long"),
    ("+" + "1" * 300, None, "too long"),
    ("+49151234567890123", None, "too long"),
    ("+7912123456", None, "too short"),
    ("+999123456789", None, "no such country code"),
    ("+0037061234", None, "too short"),
    ("5550123", "US", "lacks the area code"),
    ("1-800-FLOWERS", "US", "'F' has no place"),
    ("+37061234567 ext. 5", None, "'e' has no place"),
    ("call +37061234567 now", None, "'c' has no place"),
    ("+37061234567, +37061234568", None, "',' has no place"),
    ("+370\t612\x1b34567", None, r"'\x1b' has no place"),
    ("+370+612", None, "'+' has no place"),
    ("6²1234567", "LT", "'²' has no place"),
    ("61234567", "XX", "no region 'XX'"),
    ("3706123456.0", None, "ends like a decimal number"),
    (" +37061234567.00 ", None, "ends like a decimal number"),
    ("49 151 1234567.0", None, "ends like a decimal number"),
    ("+49-151-1234567.0", None, "ends like a decimal number"),
    ("+43 (664) 1234567.0", None, "ends like a decimal number"),
    ("+43.664.1234567.0", None, "ends like a decimal number"),
]


@pytest.mark.parametrize(("text", "region", "why"), IMPOSSIBLE)
def test_what_no_network_can_route_is_refused_with_the_reason(text: str, region: str | None, why: str) -> None:
    """The error quotes the text, says why, and says what to write instead."""
    with pytest.raises(InputError) as caught:
        parse(text, region)
    assert why in caught.value.message
    assert caught.value.hint
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("text", ["9121234567", "2025550123", "88121234567"])
def test_a_national_number_without_a_region_is_never_guessed_abroad(text: str) -> None:
    """A Russian and a US number, read as international, would reach India and Egypt."""
    with pytest.raises(InputError, match="no region is set"):
        parse(text, None)


@pytest.mark.parametrize("text", ["+70000000000", "+447700900123"])
def test_a_possible_number_that_nobody_has_only_warns(text: str) -> None:
    """Numbering plans grow faster than the library that knows them."""
    number = parse(text, None)
    assert str(number.msisdn) == text
    assert number.warning is not None
    assert "does not assign" in number.warning


def test_a_bare_number_with_two_readings_says_which_was_taken() -> None:
    """Germany's plan leaves its length open, so a Lithuanian number is possible there too."""
    number = parse("37061234567", "DE")
    assert number.msisdn.digits == "37061234567"
    assert number.warning == "'37061234567' is no assigned number in DE; read as +37061234567"


@given(
    st.one_of(st.text(max_size=40), st.text("+0123456789 -()", max_size=24)),
    st.sampled_from([None, "LT", "RU", "TR", "US", "DE", "GB", "IT", "BR"]),
)
def test_any_text_gives_a_number_or_an_input_error(text: str, region: str | None) -> None:
    """Nothing else ever comes out, and what comes out reads the same again."""
    try:
        number = parse(text, region)
    except InputError:
        return
    assert parse(str(number.msisdn), None).msisdn == number.msisdn

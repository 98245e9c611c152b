"""What people type, as a phone number: the only module that knows the numbering plans of the world.

This module is pure, and the only importer of phonenumbers (Google's libphonenumber). It refuses what no network could
route; what the plans merely do not assign today it lets pass with a warning, because plans grow faster than releases.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from smscli.errors import InputError
from smscli.model import MSISDN, visible
from smscli.record import Record

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber


class Number(Record):
    """A number that can be dialled, and a doubt about it when there is one."""

    msisdn: MSISDN
    warning: str | None = None


def parse(text: str, region: str | None) -> Number:
    """Return the number that ``text`` means; ``region`` is the ISO 3166 country of numbers written nationally.

    Spaces, hyphens, dots, slashes and brackets may separate digits, which may be of any script. In this order:

    1. ``+`` or ``00`` begins an international number, whatever the region.
    2. With a region, the text is read as dialled there: with or without the trunk prefix (``8912…`` in RU) or the
       country's own code (``7912…``).
    3. Ten digits or more without a leading zero may be an international number without its ``+``, the way vendors
       print them. A guess has to earn its place: it counts only when it is an assigned number and reading 2 is not.

    Raises InputError, with the reason and the way out, for anything that is not a possible number.
    """
    digits = _digits(text)
    if region is not None:
        region = _known(region)
    if digits.startswith(("+", "00")):
        return _judge(text, _read("+" + digits.removeprefix("+").removeprefix("00"), None))
    home = _read(digits, region) if region else "it has no country code, and no region is set"
    if _is_assigned(home):
        return _judge(text, home)
    abroad = _read(f"+{digits}", None) if len(digits) >= 10 and not digits.startswith("0") else ""
    if not _is_assigned(abroad):
        return _judge(text, home)
    number = _judge(text, abroad)
    if isinstance(home, str):
        return number
    return Number(number.msisdn, f"{_quote(text)} is no assigned number in {region}; read as {number.msisdn}")


_SEPARATORS = re.compile(r"[\s().\-\u2010-\u2015\u2212/]+")

# One point with zeros behind it, or a last group of one zero; other groups of digits may stand between dots.
_DECIMALS = re.compile(r"[^.]*\.0+|.*\.0")

# Address books on phones wrap copied numbers in marks of direction, web pages and spreadsheets put places to break in.
MARKS = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
"""Characters that nobody sees, as the inside of a pattern's brackets."""
_MARKS = re.compile(f"[{MARKS}]")


def _digits(text: str) -> str:
    """Return ASCII digits with at most one leading plus; raise InputError for any other character.

    libphonenumber would read letters as a keypad, drop extensions, and find a number inside a sentence. Each of
    these would text a stranger.
    """
    plain = _MARKS.sub("", text).strip()
    if _DECIMALS.fullmatch(plain) and sum(map(str.isdecimal, plain.rpartition(".")[0])) >= 7:
        # A spreadsheet's 37061234567.0 would be read with one digit more, and text a stranger.
        raise InputError(f"{_quote(text)} ends like a decimal number", hint="leave out the zeros behind the point")
    bare = _SEPARATORS.sub("", _MARKS.sub("", text)).replace("\uff0b", "+")
    if re.fullmatch(r"\+?[0-9]+", bare):
        return bare
    if re.fullmatch(r"\+?\d+", bare):
        return "".join(character if character == "+" else str(unicodedata.decimal(character)) for character in bare)
    if not bare:
        raise InputError("a phone number is empty", hint="write it as +<country code><number>")
    odd = next((character for character in bare.removeprefix("+") if not character.isdecimal()), "+")
    raise InputError(
        f"{_quote(text)} is not a phone number: {_quote(odd)} has no place in it",
        hint="one number each, as +<country code><number>; no letters, no extension",
    )


def _known(region: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS

    if region.upper() in SUPPORTED_REGIONS:
        return region.upper()
    raise InputError(f"there is no region {_quote(region)}", hint="a region has two letters, such as LT, RU or TR")


def _read(digits: str, region: str | None) -> PhoneNumber | str:
    """Return the number if some network could route it, else what is wrong with it."""
    import phonenumbers
    from phonenumbers import NumberParseException, ValidationResult

    try:
        number = phonenumbers.parse(digits, region)
    except NumberParseException as error:
        return {
            NumberParseException.INVALID_COUNTRY_CODE: "there is no such country code",
            NumberParseException.TOO_LONG: "it is too long",
        }.get(error.error_type, "it is too short")
    fault = {
        ValidationResult.INVALID_COUNTRY_CODE: "there is no such country code",
        ValidationResult.TOO_SHORT: "it is too short",
        ValidationResult.TOO_LONG: "it is too long",
        ValidationResult.INVALID_LENGTH: f"no number of +{number.country_code} has that many digits",
        ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "it lacks the area code",
    }.get(phonenumbers.is_possible_number_with_reason(number))
    # Some national plans allow more digits than E.164 does; no such number can be reached from abroad.
    return fault or ("it is too long" if len(_e164(number)) > 15 else number)


def _is_assigned(number: PhoneNumber | str) -> bool:
    import phonenumbers

    return not isinstance(number, str) and phonenumbers.is_valid_number(number)


def _e164(number: PhoneNumber) -> str:
    import phonenumbers

    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def _judge(text: str, number: PhoneNumber | str) -> Number:
    """Return what was read from ``text``, with a warning when no plan assigns it; raise when it is impossible."""
    if isinstance(number, str):
        raise InputError(
            f"{_quote(text)} is not a possible phone number: {number}",
            hint="write it as +<country code><number>, or set the region (two letters, such as LT) it is dialled in",
        )
    msisdn = MSISDN(_e164(number))
    if _is_assigned(number):
        return Number(msisdn)
    return Number(msisdn, f"{msisdn} is possible, but its country's numbering plan does not assign it")


def _quote(text: str) -> str:
    printable = visible(text)
    return f"'{printable}'" if len(printable) <= 40 else f"'{printable[:40]}…'"

"""The sentences that say why a request was refused: one check a function, each with what must and must not be said."""

from __future__ import annotations

import pytest

from smscli.model import Pairs
from smscli.sandbox import _reasons

NOW = 1732809600.5

SIGNED = (("login", "demo"), ("text", "a+b & c"), ("sender", "Demo"))
"""What somebody signed, before it was put into a query."""

NAMES = frozenset({"login", "text", "sender", "signature"})


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("1732809600", None),
        ("1732809590", None),
        ("1732809610", None),
        ("1732809589", "11 s old; it lives 10 s"),
        ("1732809500", "100 s old; it lives 10 s"),
        ("1732809400", "3 min old; it lives 10 s"),
        ("1732805700", "1 h 5 min old; it lives 10 s"),
        ("1732500000", "3 days old; it lives 10 s"),
        ("1732809611", "11 s in the future; 10 s are let pass"),
        ("1732802400", "2 h behind: local time instead of UTC"),
        ("1732816855", "2 h ahead: local time instead of UTC"),
        ("1732789800", "5 h 30 min behind: local time instead of UTC"),
        ("1732809600123", "in milliseconds: divide by 1000"),
        ("1732809600123456", "in microseconds: divide by 1000000"),
        ("1732809600123456789", "in nanoseconds: divide by 1000000000"),
        ("638683000000000000", "years away from now: Unix seconds have 10 digits"),
        ("1", "years away from now: Unix seconds have 10 digits"),
        ("1732809600.5", "has a fraction: send whole seconds"),
        ("2024-11-28 16:00:00", "is a date: send Unix seconds"),
        ("now", "is no number of Unix seconds"),
        ("-1732809600", "is no number of Unix seconds"),
        ("1" * 5000, "is no number of Unix seconds"),
        ("١٧٣٢٨٠٩٦٠٠", "is no number of Unix seconds"),
    ],
)
def test_a_wrong_clock_is_told_by_how_far_it_is_off(stamp: str, reason: str | None) -> None:
    """In what is wrong with it: the unit, the zone, or the age."""
    sentence = _reasons.clock(stamp, NOW, 10)
    assert sentence is None if reason is None else (sentence or "").startswith("your timestamp ")
    assert reason is None or (sentence or "").endswith(reason)


@pytest.mark.parametrize(
    ("name", "params", "reason"),
    [
        ("text", (), "text is missing"),
        ("text", (("text", ""),), "text is empty"),
        ("text", (("Text", "x"),), "text is missing: `Text` came, and names are compared to the letter"),
        ("text", (("text ", "x"),), "text is missing: `text ` came, and names are compared to the letter"),
        ("text", (("message", "x"),), "text is missing: message came instead, which is another name"),
        ("recipients", (("to", "1"),), "recipients is missing: to came instead, which is another name"),
        ("text", (("amp;text", "x"),),
         "text is missing: `amp;text` came instead, for the address was sent as HTML: write & for &amp;"),
        ("timestamp", (("×tamp", "1"),),
         "timestamp is missing: &timestamp was read as HTML and became ×tamp; there, write &amp;timestamp"),
        ("login", (("×tamp", "1"),), "login is missing"),
        ("button", (("text", "1"),), "button is missing"),
        ("to", (("to[]", ""), ("to[]", "1")),
         "to came as an array, `to[]`: one value is wanted, a list with commas between"),
        ("to", (("to[]", ""), ("to[]", "")), "to is empty"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_and_so_is_what_came_instead(name: str, params: Pairs, reason: str) -> None:
    """A slip of the name is the usual case."""
    assert _reasons.missing(name, params) == reason


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"GET /a?text=b c HTTP/1.1", "written as %20"),
        (b"\x16\x03\x01\x02\x00 a b c d", "not https://"),
        (b"GET /a HTTP/1.1", "it is no HTTP: the first line, a header or the length"),
        (b"", "it is no HTTP"),
    ],
)
def test_what_is_no_http_says_why_by_its_first_line(line: bytes, words: str) -> None:
    """A space is the usual case; https for http the next."""
    assert words in _reasons.malformed(line)


def test_a_host_that_is_missing_or_there_twice_is_named_unless_the_line_says_more() -> None:
    """HTTP/1.1 wants one; h11 says so."""
    trouble = "Missing mandatory Host: header"
    assert _reasons.malformed(b"GET / HTTP/1.1", trouble) == "HTTP/1.1 wants one header Host, as in `Host: 127.0.0.1`"
    assert "written as %20" in _reasons.malformed(b"GET /a b HTTP/1.1", trouble)


@pytest.mark.parametrize(
    ("value", "known", "reason"),
    [
        ("demo\n", ["demo"], "login has blanks or a line break around it"),
        ("Demo", ["demo"], "login differs from demo in capital letters"),
        ("shop", ["one", "demo"], "nobody here has this login: it is demo or one"),
        ("shop", [], "nobody here has this login"),
    ],
)
def test_an_unknown_account_is_compared_with_those_that_may_be_told(value: str, known: list[str], reason: str) -> None:
    """What came is not repeated: it may be the key."""
    assert _reasons.identity("login", value, known) == reason


def test_a_value_is_held_against_one_rule_after_the_other() -> None:
    """The first that does not fit speaks; without one the value is still not allowed."""
    rules = (("[ -~]*", "has letters other than Latin ones"), (".{3,}", "is too short"))
    assert _reasons.unlike("sender", "ж", rules) == "sender has letters other than Latin ones"
    assert _reasons.unlike("sender", "a\n", rules) == "sender has letters other than Latin ones"
    assert _reasons.unlike("sender", "no", rules) == "sender is too short"
    assert _reasons.unlike("sender", "fine", rules) == "sender has a form that is not allowed"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("12", "it has 2 digits, and 10 to 15 are wanted"),
        ("abc", "it has more than digits"),
        ("٣٧٠٦١٢٣٤٥٦٧", "it has more than digits"),
        ("0037061234567", "it begins with 0: no country code does"),
        ("370 612 34567", "it has blanks or signs between or before the digits"),
    ],
)
def test_what_is_no_number_says_why(value: str, reason: str) -> None:
    """One reason each, and each number with its own."""
    assert _reasons.number(value, 10, 15) == reason
    assert _reasons.numbers([value, "1"], 10, 15).startswith(f"`{value}`: {reason}; `1`: it has 1 digits, and ")
    assert _reasons.number("1", 10, 10) == "it has 1 digits, and 10 are wanted"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"login=demo&text=a+b%20%26%20c&sender=Demo", "`+` arrives as a space: write %2B"),
        (b"login=demo&text=a%2Bb+&+c&sender=Demo", "`&` ends a value: write %26"),
        (b"login=demo&text=a%2Bb+&+c&sender=Demo&", "`&` ends a value: write %26"),
        (b"login=demo&text=a%2Bb+&&+c&sender=Demo", None),
        (b"login=demo&text=a+b%20&%20c&sender=Demo", "`+` arrives as a space: write %2B; `&` ends a value: write %26"),
        (b"login=demo&text=other&sender=Demo", None),
        (b"x&login=demo", None),
        (b"", None),
    ],
)
def test_what_a_query_lost_is_told_when_the_signature_proves_it(raw: bytes, reason: str | None) -> None:
    """A plus or an ampersand as it is; nothing is said on suspicion."""
    damage = _reasons.damage(raw, b"", NAMES, lambda params: params == SIGNED)
    assert damage == (None if reason is None else (reason, SIGNED))


@pytest.mark.parametrize(
    ("query", "body", "reason"),
    [
        (b"login=demo", b"text=a%2Bb+&+c&sender=Demo", "`&` ends a value: write %26"),
        (b"text=a%2Bb+&+c&sender=Demo", b"login=demo", "`&` ends a value: write %26"),
        (b"login=demo&text=a+b%20%26%20c&sender=Demo", b"--x\r\n\r\n", "`+` arrives as a space: write %2B"),
        (b"login=demo&text=a+b%20%26%20c&sender=Demo", b"  {}", "`+` arrives as a space: write %2B"),
        (b"login=demo", b"--x\r\n\r\n\x98", "the body is not UTF-8: byte 98 stands where it may not"),
        (b"login=demo&text=other", b"sender=Demo", None),
        (b"", b"", None),
    ],
)
def test_damage_is_looked_for_in_query_and_body(query: bytes, body: bytes, reason: str | None) -> None:
    """The signature is that of both together; a body of another kind than a form has no parameters of its own."""
    whole = set(SIGNED)
    found = _reasons.damage(query, body, NAMES, lambda params: set(params) == whole)
    assert found is None if reason is None else (found or ("",))[0].startswith(reason)


def test_what_came_unsigned_behind_a_signature_cut_no_value() -> None:
    """It would be no part of the signature: the parameters without it are those that were signed."""

    def fits(params: Pairs) -> bool:
        return tuple(pair for pair in params if pair[0] != "signature") == (("login", "demo"),)

    raw = b"login=demo&signature=0a&utm=1&gclid=2"
    reason = "`utm`, `gclid` came and were not signed: sign all that is sent"
    damage = _reasons.damage(raw, b"", NAMES, fits)
    assert damage
    assert (damage.words, damage.meant) == (reason, (("login", "demo"), ("signature", "0a")))
    fewer = _reasons.damage(raw[:-8], b"", NAMES, fits)
    assert fewer
    assert "`utm` came and was not" in fewer.words


def test_two_of_them_are_two() -> None:
    """As in a line of shell."""
    assert _reasons.damage(b"text=a+&&+b", b"", NAMES, lambda params: params == (("text", "a && b"),))


@pytest.mark.parametrize(
    ("raw", "text", "is_open"),
    [
        (b"text=Tom+Jerry", "Tom+Jerry", True),
        (b"text=a+b&login=%20", "a+b", True),
        (b"text=Order+5%3A+one", "Order+5:+one", True),
        (b"text=C++%20is%20fun", "C++ is fun", False),
        (b"text=1%20+%201%20=%202", "1 + 1 = 2", False),
        (b"text=+b", "+b", False),
        (b"text=3:0+", "3:0+", False),
        (b"text=a+b&login=+370", "a+b", False),
    ],
)
def test_a_plus_is_left_open_only_where_an_encoder_may_have_written_it_for_a_space(
    raw: bytes, text: str, is_open: bool
) -> None:
    """Nobody means one in front of a value, and beside a %20 or an unescaped sign no such encoder was at work."""
    damage = _reasons.damage(raw, b"", NAMES, lambda params: dict(params)["text"] == text)
    assert damage
    assert damage.words == _reasons.PLUS + (", or sign the space where one is meant" if is_open else "")


def test_a_place_of_an_array_is_a_parameter() -> None:
    """As PHP writes it: it cuts no value, whatever came before it."""
    signed = (("text", "R&D"), ("to[0]", "1"), ("to[1]", "2"))
    damage = _reasons.damage(b"text=R&D&to[0]=1&to%5B1%5D=2", b"", {"text", "to"}, lambda params: params == signed)
    assert damage == ("`&` ends a value: write %26", signed)


@pytest.mark.parametrize("meant", [(("login", "demo"), ("text", "Привет")), None])
def test_bytes_in_another_charset_are_told_with_what_was_signed(meant: Pairs | None) -> None:
    """Where the signature is that of the text; else with nothing but the bytes."""
    damage = _reasons.damage(b"login=demo&text=%CF%F0%E8%E2%E5%F2", b"", NAMES, lambda params: params == meant)
    assert damage
    assert damage.words.startswith("`text` is not UTF-8: as windows-1251 it reads `Привет`")
    assert damage.meant == meant


def test_a_plus_among_bytes_in_another_charset_hides_neither() -> None:
    """Each has to be mended."""
    signed = (("text", "Привет +1"),)
    damage = _reasons.damage(b"text=%CF%F0%E8%E2%E5%F2%20+1", b"", {"text"}, lambda params: params == signed)
    assert damage
    assert damage.words.startswith(f"{_reasons.PLUS}; `text` is not UTF-8: as windows-1251 it reads `Привет ")
    assert damage.meant == signed


def test_a_query_is_read_as_pairs() -> None:
    """Empty pieces are none."""
    assert _reasons.pairs(b"login=demo&&text=a%2Bb+%26+c&sender=Demo&") == SIGNED


@pytest.mark.parametrize(
    ("text", "encoding", "seen"),
    [
        ("Привет, мир 2", "cp1251", "as windows-1251 it reads `Привет, мир 2`"),
        ("ПРИВЕТ", "cp1251", "as windows-1251 it reads `ПРИВЕТ`"),
        ("Привет, мир", "koi8-r", "as KOI8-R it reads `Привет, мир`"),
        ("Günaydın şef", "cp1254", "byte FC stands where it may not"),
        ("5 €", "cp1252", "byte 80 stands where it may not"),
        ("Я" * 50, "cp1251", f"as windows-1251 it reads `{'Я' * 40}...`"),
    ],
)
def test_what_is_not_utf8_is_read_as_what_it_is(text: str, encoding: str, seen: str) -> None:
    """Russian encodings are told by the words that they make; the value is named where there is one."""
    data = text.encode(encoding)
    escaped = "".join(f"%{byte:02X}" for byte in data).encode()
    for raw, what in (
        (b"login=demo&text=" + escaped, "`text`"),
        (b"login=demo&text=" + data.replace(b" ", b"+"), "`text`"),
        (b"--x\r\n\r\n" + data, "the body"),
        (b'{"text": "' + data + b'"}', "the body"),
    ):
        reason = _reasons.not_utf8(raw) or ""
        assert reason.startswith(f"{what} is not UTF-8: ")
        assert what == "the body" or seen in reason
        assert reason.endswith("Encode text as UTF-8, then sign, then escape")


@pytest.mark.parametrize("raw", [b"", b"text=%D0%96+b&x", "text=Žm".encode(), '{"text": "Ж"}'.encode(), b"text=100%"])
def test_what_is_utf8_has_no_such_reason(raw: bytes) -> None:
    """Escaped or not."""
    assert _reasons.not_utf8(raw) is None


def test_a_long_body_holds_nobody_up() -> None:
    """Everybody waits meanwhile: a run of letters is gone over once, and of thousands of pieces none is signed."""

    def never(_params: Pairs) -> bool:
        raise AssertionError("so much is not signed")

    said = _reasons.not_utf8(b"text=" + b"a" * 1_000_000 + b"\xff")
    assert said is not None
    assert "text" in said
    assert _reasons.damage(b"a=1" + b"&a" * 1000, b"", {"a"}, never) is None
    assert _reasons.damage(b"a=1&text=" + b"b" * 100_000, b"", {"a"}, never) is None

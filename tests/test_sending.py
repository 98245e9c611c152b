"""Faults of the sending: told apart from faults of signing, with their fix, and never against a correct program."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smscli import providers
from smscli.diagnosis import Diagnosis, diagnose, faults
from smscli.diagnosis._sending import readings
from smscli.model import Pairs, Secret, visible
from smscli.signing import arrange, counted_params

KEY = "your_api_key_here"


def sign(params: Pairs) -> str:
    """Sign as LightSMS wants it, with hashlib alone."""
    text = "".join(value for _, value in sorted(params)) + KEY
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def ask(arrived: Pairs, signature: str, query: bytes, form: bytes = b"") -> Diagnosis:
    """Diagnose a request as it arrived, its bytes at hand."""
    return diagnose(providers.get("lightsms"), arrived, Secret(KEY), signature, wire=(query, form))


def kinds(diagnosis: Diagnosis) -> list[list[tuple[str, str]]]:
    """Kind and name of each finding."""
    return [[(one.kind, one.name) for one in explanation.findings] for explanation in diagnosis.explanations]


MEANT: Pairs = (("login", "me"), ("phone", "+37061234567"), ("text", "1 + 1"))


@pytest.mark.parametrize(
    ("meant", "query", "arrived", "name"),
    [
        ({"text": "1+1"}, b"login=me&text=1+1", {"text": "1 1"}, "plus-unescaped"),
        ({"phone": "+370", "text": "a b"}, b"login=me&phone=+370&text=a+b", {"phone": " 370", "text": "a b"},
         "plus-unescaped"),
        ({"text": "Tom & Tim"}, b"login=me&text=Tom%20&%20Tim", {"text": "Tom ", " Tim": ""}, "ampersand-unescaped"),
        ({"text": "Tom & Tim"}, b"login=me&text=Tom & Tim", {"text": "Tom ", " Tim": ""}, "ampersand-unescaped"),
        ({"text": "a&b c=d"}, b"login=me&text=a&b%20c=d", {"text": "a", "b c": "d"}, "ampersand-unescaped"),
        ({"text": "room #5"}, b"login=me&text=room%20#5", {"text": "room "}, "hash-unescaped"),
        ({"text": "100%de"}, b"login=me&text=100%de", {"text": "100Ю"}, "percent-unescaped"),
        ({"text": "5% or%20"}, b"login=me&text=5% or%20", {"text": "5% or "}, "percent-unescaped"),
        ({"text": "a+%20"}, b"login=me&text=a+%20", {"text": "a  "}, "not-encoded"),
        ({"text": "a b"}, b"login=me&text=a%2520b", {"text": "a%20b"}, "encoded-twice"),
        ({"text": "şef"}, b"login=me&text=%FEef", {"text": "юef"}, "wire-charset"),
        ({"text": "a"}, b"login=me&text=a&text=b", {"text": "b"}, "name-repeated"),
        ({"text": "Tom & <b>"}, b"login=me&text=Tom+%26amp%3B+%26lt%3Bb>", {"text": "Tom &amp; &lt;b>"},
         "html-entities"),
        ({"text": "R&D"}, b"login=me&text=R%26amp%3Bamp%3BD", {"text": "R&amp;amp;D"}, "html-entities"),
        ({"text": "Tom & Tim"}, b"login=me&text=Tom%20&amp;%20Tim", {"text": "Tom ", "amp; Tim": ""}, "html-entities"),
        ({"text": "a"}, b"login=me&amp;text=a", {"amp;text": "a"}, "html-entities"),
        ({"text": "текст é 👍"}, b"login=me&text=%u0442%u0435%u043A%u0441%u0442%20%E9%20%uD83D%uDC4D",
         {"text": "%u0442%u0435%u043A%u0441%u0442 й %uD83D%uDC4D"}, "percent-u"),
        ({"phone": "+370", "text": "т+т"}, b"login=me&phone=+370&text=%u0442+%u0442",
         {"phone": " 370", "text": "%u0442 %u0442"}, "percent-u"),
        ({"phone": "é", "text": "т"}, b"login=me&phone=%C3%A9&text=%u0442", {"phone": "é", "text": "%u0442"},
         "percent-u"),
    ],
)  # fmt: skip
def test_what_was_damaged_on_its_way_is_a_fault_of_the_sending(
    meant: dict[str, str], query: bytes, arrived: dict[str, str], name: str
) -> None:
    """The signature is right for what was meant: the first explanation says what the bytes did to it."""
    diagnosis = ask((("login", "me"), *arrived.items()), sign((("login", "me"), *meant.items())), query)
    assert kinds(diagnosis)[0] == [("sending", name)], kinds(diagnosis)
    assert not diagnosis.matches


@pytest.mark.parametrize(
    ("text", "signed", "query", "name"),
    [
        ("Привет, мир", quote("Привет, мир"), quote("Привет, мир"), "percent-encoded"),
        ("a b", quote("a b"), quote("a b"), "percent-encoded"),
        ("a b & c", quote_plus("a b & c"), quote_plus("a b & c"), "percent-encoded"),
        ("1 + 2", "1   2", quote_plus("1 + 2"), "space-for-plus"),
    ],
)
def test_what_was_encoded_properly_is_a_mistake_of_the_signing(text: str, signed: str, query: str, name: str) -> None:
    """Whoever signs what an encoder made of a value did not mean its codes; nor did the sending encode it twice."""
    diagnosis = ask((("login", "me"), ("text", text)), sign((("login", "me"), ("text", signed))),
                    b"login=me&text=" + query.encode())  # fmt: skip
    assert kinds(diagnosis)[0] == [("signing", name)], kinds(diagnosis)


@pytest.mark.parametrize("text", ["čia “x”", "Žmogau, 5 €", "Привет", "é"])
@pytest.mark.parametrize("charset", ["latin-1", "windows-1252", "windows-1251"])
def test_text_that_was_encoded_twice_on_its_way_is_a_fault_of_the_sending(text: str, charset: str) -> None:
    """As Perl's HTTP::Tiny does with bytes: the hash is right, and not made in another charset."""
    holes = {"windows-1252": b"\x81\x8d\x8f\x90\x9d", "windows-1251": b"\x98"}.get(charset, b"")
    units = ((bytes([byte]), "latin-1" if byte in holes else charset) for byte in text.encode())
    arrived = "".join(unit.decode(codec) for unit, codec in units)
    diagnosis = ask((("login", "me"), ("text", arrived)), sign((("login", "me"), ("text", text))),
                    b"login=me&text=" + quote_plus(arrived).encode())  # fmt: skip
    assert kinds(diagnosis) == [[("sending", "utf-8-doubled")]]
    assert "encoded in UTF-8 twice" in diagnosis.explanations[0].findings[0].sentence


def test_a_name_that_was_sent_twice_and_signed_twice_is_a_fault_of_the_sending() -> None:
    """The server counts the last one, but for the places of an array."""
    query, both = b"login=me&text=a&text=b&x[]=1&x[]=2", (("text", "a"), ("text", "b"), ("x[]", "1"), ("x[]", "2"))
    assert counted_params(both) == both[1:]
    diagnosis = ask((("login", "me"), *both[1:]), sign((("login", "me"), *both)), query)
    assert kinds(diagnosis)[0] == [("sending", "name-repeated")]
    assert "signed each time" in diagnosis.explanations[0].findings[0].sentence


def test_a_fault_of_the_sending_and_a_mistake_are_told_together() -> None:
    """The value was cut on its way, and the program forgot a parameter."""
    diagnosis = ask((("login", "me"), ("text", "a"), ("return", "json")), sign((("login", "me"), ("text", "a&b c"))),
                    b"login=me&text=a&b%20c&return=json")  # fmt: skip
    assert [("sending", "ampersand-unescaped"), ("signing", "forgotten")] in kinds(diagnosis)


@pytest.mark.parametrize("encode", [quote, quote_plus])
def test_a_correct_program_is_never_blamed(encode: Callable[..., str]) -> None:
    """Whatever is in the values: encoded properly they match, and nothing is wrong with the bytes."""
    params = (("login", "me"), ("phone", "+370"), ("text", "a+b & 100% #1\nžmogau 👍 %20"), ("text", "x"))
    query = urlencode(params, quote_via=encode).encode()
    for wire in ((query, b""), (b"", query)):
        assert ask(params, sign(tuple(sorted(params))), *wire).matches
        assert faults(*wire) == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["login", "text", "to[]"]), st.text(max_size=8)), max_size=4), st.booleans())
def test_proper_bytes_have_no_fault(pairs: list[tuple[str, str]], spaces: bool) -> None:
    """Any text, encoded as forms or as URLs are."""
    assert faults(urlencode(pairs, quote_via=quote_plus if spaces else quote).encode(), b"") == ()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_are_read(query: bytes, form: bytes) -> None:
    """No bytes are an error, and what is told of them is printable."""
    told = [*faults(query, form), *(one for reading in readings(query, form, {"text"}) for one in reading.findings)]
    assert all(visible(finding.sentence) == finding.sentence and finding.kind == "sending" for finding in told)


@pytest.mark.parametrize(
    ("query", "form", "names"),
    [
        (b"text=a#b", b"", ["hash-unescaped"]),
        (b"", b"text=a#b", []),
        (b"text=a&sign=" + b"0a" * 16 + b"#top", b"", []),
        (b"text=a&sign=" + b"0a" * 16 + b"#b&c=1", b"", ["hash-unescaped"]),
        (b"text=a b", b"", ["space-unescaped"]),
        (b"text=a& b", b"", ["space-unescaped", "ampersand-unescaped"]),
        (b"text=100%", b"", ["percent-unescaped"]),
        (b"text=%u0442", b"", ["percent-u"]),
        (b"text=\xc5\xbe", b"", ["bytes-unescaped"]),
        (b"text=%CF%F0", b"", ["wire-charset"]),
        (b"flag&text=a", b"", []),
    ],
)
def test_what_no_program_may_send_is_said_in_any_case(query: bytes, form: bytes, names: list[str]) -> None:
    """Each with a fix that names the code to write, or the functions that encode."""
    told = faults(query, form)
    assert [finding.name for finding in told] == names
    assert all("Write " in finding.fix or "encode" in finding.fix or "UTF-8" in finding.fix for finding in told)


def test_the_places_of_a_php_array_count_as_the_array() -> None:
    """``http_build_query`` writes recipient[0]: Mesajlarim counts it as recipient[]."""
    rule = providers.get("mesajlarim").rule
    signed, left_out = arrange(rule, (("rand", "1"), ("recipient[0]", "5"), ("recipient[1]", "4"), ("appId", "2")))
    assert [value for _, value in signed] == ["2", "5", "4", "1"]
    assert left_out == ()
    assert [left.name for left in arrange(rule, (("recipient[x]", "5"), ("other[0]", "1")))[1]] == [
        "recipient[x]", "other[0]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wire", "literal", "name"),
    [
        ("Привет", b"%CF%F0%E8%E2%E5%F2", False, "wire-charset"),
        ("Привет", b"\xcf\xf0\xe8\xe2\xe5\xf2", True, "wire-charset"),
        ("Привет", b"\xcf\xf0\xe8\xe2\xe5\xf2", False, None),
        ("a b", b"a b", True, "space-unescaped"),
        ("a b", b"a b", False, None),
        ("a", b"a#b", True, "hash-unescaped"),
    ],
)
def test_a_right_signature_that_is_certain_to_be_refused_does_not_match(
    text: str, wire: bytes, literal: bool, name: str | None
) -> None:
    """Where a client may yet encode what is pasted, nothing is certain."""
    arrived = (("login", "me"), ("text", text))
    query = b"login=me&text=" + wire + b"&signature=" + sign(arrived).encode()
    diagnosis = diagnose(
        providers.get("lightsms"), arrived, Secret(KEY), sign(arrived), wire=(query, b""), literal=literal
    )
    assert kinds(diagnosis) == ([[("sending", name)]] if name else [])
    assert diagnosis.matches is (name is None)

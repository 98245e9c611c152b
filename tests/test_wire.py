"""What travels: encoding of requests and the strict reading of answers."""

from __future__ import annotations

import contextlib
import time
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.wire import MAX_ANSWER, MalformedAnswer, Request, decode_json, decode_text, depth, encode, is_loopback

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(texts, texts), max_size=5).map(tuple))
def test_encoded_pairs_read_back_as_they_were(pairs: tuple[tuple[str, str], ...]) -> None:
    """Every character of every value survives, repeats and order included, in pure ASCII."""
    encoded = encode(pairs)
    assert encoded.isascii()
    assert tuple(parse_qsl(encoded, keep_blank_values=True)) == tuple(pair for pair in pairs)


def test_encoding_is_the_one_of_php_and_browsers() -> None:
    """The value is what PHP's http_build_query gives for it."""
    # php -r 'echo http_build_query(["text" => "a b+c&d=é;/~", "recipient[]" => "1"]);'
    assert encode((("text", "a b+c&d=é;/"), ("recipient[]", "1"))) == (
        "text=a+b%2Bc%26d%3D%C3%A9%3B%2F&recipient%5B%5D=1"
    )


def test_a_request_spells_its_query_and_body() -> None:
    """Query and form are encoded apart; a request without them has neither."""
    full = Request("POST", "https://h/x", query=(("action", "send"),), form=(("a", "1 2"),))
    assert (full.target, full.body) == ("https://h/x?action=send", b"a=1+2")
    bare = Request("GET", "https://h/x")
    assert (bare.target, bare.body) == ("https://h/x", None)


def test_one_byte_order_mark_is_tolerated() -> None:
    """Exactly one; a second one is text, and no JSON."""
    assert decode_text(b"\xef\xbb\xbf17") == "17"
    assert decode_json(b'\xef\xbb\xbf{"a":1}') == {"a": 1}
    with pytest.raises(MalformedAnswer):
        decode_json(b'\xef\xbb\xbf\xef\xbb\xbf{"a":1}')


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b" <html>no</html>", "HTML or XML"),
        (b"{'a':1}", "7 characters"),
        (b'{"a":1}{"a":1}', "something else"),
        (b'{"a":1,"a":1}', "one thing twice"),
        (b'{"x":{"a":1,"b":2,"a":3}}', "one thing twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b"[" * 33 + b"]" * 33, "nested too deeply"),
        (b"[" * 30000, "nested too deeply"),
        (b'["' + b"]" * 40 + b'",' + b"[" * 30000, "nested too deeply"),
        (b"9" * 5000, "not JSON"),
    ],
)
def test_json_that_promises_nothing_is_refused(body: bytes, why: str) -> None:
    """Whatever the plain parser would let pass, or choke on, is one kind of error with its reason."""
    with pytest.raises(MalformedAnswer, match=why):
        decode_json(body)


def test_brackets_inside_a_text_do_not_count() -> None:
    """An answer that repeats a message full of brackets is not "nested"."""
    assert decode_json(b'{"message":"' + b"[" * 200 + b'\\" {{{"}') == {"message": "[" * 200 + '" {{{'}
    assert depth('{"a":[1,{}]}') == 3
    assert depth("]]][") == 1


def test_hostile_quotes_are_read_in_a_single_pass() -> None:
    """The longest answer of escaped quotes, never closed, costs milliseconds (a second pass would cost minutes)."""
    started = time.perf_counter()
    assert depth('"' + '\\"' * (MAX_ANSWER // 2)) == 0
    assert time.perf_counter() - started < 1


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_one_kind_of_error(body: bytes) -> None:
    """Nothing else ever escapes from the reading of an answer."""
    with contextlib.suppress(MalformedAnswer):
        decode_json(body)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.2", "127.255.255.255", "::1", "[::1]", "localhost", "LocalHost"]
)
def test_this_machine_has_these_names(host: str) -> None:
    """Loopback is a whole network of addresses, one of IPv6, and one name."""
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["128.0.0.1", "127.0.0.256", "127.0.0", "127.0.0.1.example", "::", "::ffff:127.0.0.1", "sub.localhost",
     "127.0.0.01", "127.0.0.\u0661", "", None],
)  # fmt: skip
def test_nothing_else_is_this_machine(host: str | None) -> None:
    """What only resembles a loopback address, or depends on a resolver, gets no exception from TLS."""
    assert not is_loopback(host)

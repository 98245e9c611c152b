"""Caught requests: every form in which people keep them is read, what damaged them is named, nothing else is taken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smscli.capture import MAX_CAPTURE, Captured, read, staleness
from smscli.errors import InputError
from smscli.model import Pairs

# The line of the payforsms page, spaces and all.
PAYFORSMS_CURL = r"""curl -X GET http://payforsms.ru/api/mainsms/message/send \
  -H 'Accept: application/json'               \
  -F project=mainsms                          \
  -F sender=payforsms.ru                        \
  -F message=test                             \
  -F recipients=89121231234                   \
  -F sign=41b379f61da2e1b8a1f74c7d050e1c42
"""
# The line of the LightSMS page, where &timestamp went through HTML.
LIGHTSMS_CURL = (
    'curl "https://www.lightsms.com/external/get/balance.php?login=YourLogin×tamp=1732809600'
    '&signature=generated_signature&return=json"'
)
BALANCE: Pairs = (("login", "YourLogin"), ("timestamp", "1732809600"), ("signature", "abc"))


def curl(arguments: str) -> Captured:
    """Read a curl command to a vendor-like address."""
    return read(f"curl https://mainsms.ru/api/mainsms/message/send {arguments}")


# --- the four kinds --------------------------------------------------------------------------------------------------


def test_the_curl_line_of_the_payforsms_page_is_read() -> None:
    """Continued lines, quotes, headers and -F fields; host, vendor and parameters are read."""
    captured = read(PAYFORSMS_CURL)
    assert captured.params == (
        ("project", "mainsms"),
        ("sender", "payforsms.ru"),
        ("message", "test"),
        ("recipients", "89121231234"),
        ("sign", "41b379f61da2e1b8a1f74c7d050e1c42"),
    )
    assert (captured.kind, captured.method, captured.host) == ("curl command", "GET", "payforsms.ru")
    assert captured.path == "/api/mainsms/message/send"
    assert captured.providers == ("payforsms", "mainsms")
    assert not captured.notes


def test_the_curl_line_of_the_lightsms_page_is_mended_and_the_damage_named() -> None:
    """``×tamp=`` is ``&timestamp=``; the note says how it came about."""
    captured = read(LIGHTSMS_CURL)
    assert captured.params == (
        ("login", "YourLogin"),
        ("timestamp", "1732809600"),
        ("signature", "generated_signature"),
        ("return", "json"),
    )
    assert captured.providers == ("lightsms",)
    assert captured.notes == ("×tamp= is &timestamp= damaged by HTML, where &times is ×",)


@pytest.mark.parametrize(
    "text",
    [
        "https://www.lightsms.com/external/get/balance.php?login=YourLogin&timestamp=1732809600&signature=abc",
        "\ufeff  www.lightsms.com/external/get/balance.php?login=YourLogin&timestamp=1732809600&signature=abc\n",
        "/external/get/balance.php?login=YourLogin&timestamp=1732809600&signature=abc",
        "GET /external/get/balance.php?login=YourLogin&timestamp=1732809600&signature=abc",
        "error: <https://www.lightsms.com/external/get/balance.php?login=YourLogin&timestamp=1732809600&signature=abc>",
        "login=YourLogin&timestamp=1732809600&signature=abc",
        "login=YourLogin&amp;timestamp=1732809600&amp;signature=abc",
        "login=YourLogin%C3%97tamp=1732809600&&signature=abc&",
    ],
)
def test_addresses_and_forms_are_read(text: str) -> None:
    """A URL whole, without scheme, without host, with its method, inside a message; a form body, damaged or not."""
    captured = read(text)
    assert captured.params == BALANCE
    assert captured.providers[0] == "lightsms"


@pytest.mark.parametrize(
    ("line", "host", "seen_at"),
    [
        ('203.0.113.9 - - [28/Nov/2024:18:00:05 +0200] "GET {} HTTP/1.1" 200 27', None, 1732809605),
        ('203.0.113.9 - bob [28/Nov/2024:11:30:05 -0430] "GET {} HTTP/2" 200 27 "-" "curl/8.5"', None, 1732809605),
        ('www.lightsms.com:443 203.0.113.9 - - [28/Nov/2024:16:00:05 +0000] "GET {} HTTP/1.1" 200 27',
         "www.lightsms.com", 1732809605),
        ('203.0.113.9 - - [28/Foo/2024:16:00:05 +0000] "GET {} HTTP/1.1" 200 27', None, None),
        ('203.0.113.9 - - [31/Feb/2024:16:00:05 +0000] "GET {} HTTP/1.1" 200 27', None, None),
        ('"GET {}"', None, None),
        ('Started GET "{}" for ::1 at 2024-11-28 16:00:05 UTC', None, 1732809605),
    ],
)  # fmt: skip
def test_a_line_of_an_access_log_is_read(line: str, host: str | None, seen_at: int | None) -> None:
    """Common and combined format, a virtual host in front or not; the server's time comes along when it is one."""
    target = "/external/get/balance.php?login=YourLogin&timestamp=1732809600&signature=abc"
    captured = read(line.format(target))
    assert (captured.params, captured.kind) == (BALANCE, "access-log line")
    assert (captured.host, captured.seen_at, captured.method) == (host, seen_at, "GET")


def test_a_logged_post_says_what_is_missing() -> None:
    """A log holds no body; bytes that it escaped are read."""
    captured = read(r'::1 - - [28/Nov/2024:16:00:05 +0000] "POST /api.php?action=\xd0\xb4&sign=a HTTP/1.1" 200 2')
    assert captured.params == (("action", "д"), ("sign", "a"))
    assert "does not hold the body of a POST" in captured.notes[0]


# --- curl ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "method", "params"),
    [
        ("-d a=1 -db=2 --data c=3", "POST", (("a", "1"), ("b", "2"), ("c", "3"))),
        ("-sS -X PUT --data-raw 'a=x%20y+z'", "PUT", (("a", "x y z"),)),
        ("--data-raw=a=@1 -o out.json", "POST", (("a", "@1"),)),
        ("--data-binary 'a=1' --compressed --max-time 5", "POST", (("a", "1"),)),
        ("--data-urlencode 'a=x & y+z'", "POST", (("a", "x & y+z"),)),
        ("--data-urlencode '=x=y' -d b=2", "POST", (("x=y", ""), ("b", "2"))),
        ("--data-urlencode 'x'", "POST", (("x", ""),)),
        ("-G -d a=1 --data-urlencode 'b=ž'", "GET", (("a", "1"), ("b", "ž"))),
        ("--get -d a=1", "GET", (("a", "1"),)),
        ("-F a=1 --form 'b=\"x;y \\\" z\"' --form-string 'c=@x;y'", "POST",
         (("a", "1"), ("b", 'x;y " z'), ("c", "@x;y"))),
        (r"--data-raw $'a=\u0436\x41\n\'q\''", "POST", (("a", "жA\n'q'"),)),
        ("-d a=1 ^\r\n -d b=2", "POST", (("a", "1"), ("b", "2"))),
        ("-d a=1 `\n -d b=2 -u user:pass", "POST", (("a", "1"), ("b", "2"))),
        ("-d '' -F c=1", "POST", (("c", "1"),)),
    ],
)  # fmt: skip
def test_curl_options_are_read(arguments: str, method: str, params: Pairs) -> None:
    """The options that carry parameters, in their long, short and glued forms, with every way of quoting."""
    captured = curl(arguments)
    assert (captured.method, captured.params) == (method, params)
    assert captured.host == "mainsms.ru"


def test_an_address_with_a_query_comes_first() -> None:
    """With -G curl puts its data behind the query that the address has."""
    captured = read("curl -G 'https://x.example/api.php?action=balance' -d rand=1")
    assert captured.params == (("action", "balance"), ("rand", "1"))
    assert captured.providers == ("mesajlarim",)


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        ("-d @body.txt -d a=1", "a part of the body comes from a file"),
        ("--data-urlencode message@text.txt -d a=1", "a part of the body comes from a file"),
        ("--data-urlencode @text.txt -d a=1", "a part of the body comes from a file"),
        ("-F message=@text.txt -F a=1", "message comes from a file"),
        ("-F 'message=one;two' -F a=1", "curl -F cuts message at the semicolon"),
    ],
)
def test_what_curl_would_do_behind_the_back_is_noted(arguments: str, note: str) -> None:
    """Files that the capture lacks, and the semicolon that curl takes for its own."""
    assert note in "\n".join(curl(arguments).notes)


# --- damage and secrets ----------------------------------------------------------------------------------------------


def test_what_follows_a_hash_is_not_sent() -> None:
    """A ``#`` in an address ends what is sent; it is said, and the rest is not taken."""
    captured = read("https://x.example/?login=a&text=number #1&timestamp=2")
    assert captured.params == (("login", "a"), ("text", "number "))
    assert "never sent" in captured.notes[0]


def test_another_charset_on_the_wire_is_named() -> None:
    """Bytes that are not UTF-8 are read as windows-1251, and that is said."""
    captured = read("message=%CF%F0%E8%E2%E5%F2&sign=a")
    assert captured.params[0] == ("message", "Привет")
    assert captured.notes == ("message is not UTF-8 on the wire; no charset is known, so it is read as windows-1251",)


def test_no_value_of_a_capture_is_in_its_repr() -> None:
    """An ``apikey`` in a captured request does not reach a log by way of the value's own print."""
    captured = read("project=a&apikey=SECRET&api_key=SECRET&password=SECRET&message=key")
    assert "SECRET" not in repr(captured)


def test_an_unknown_vendor_is_left_open() -> None:
    """Parameters alone do not make a vendor."""
    captured = read("a=1&b=2")
    assert captured.providers == ()


def test_the_bytes_of_the_wire_are_handed_on() -> None:
    """What was decoded, undecoded: query (with what follows a ``#``) and form; of a multipart body nothing is known."""
    posted = read("curl 'https://x.example/?a=x+y&b=%41#c' -d 'd=ž&e=%zz'")
    assert (posted.raw_query, posted.raw_form) == (b"a=x+y&b=%41#c", "d=ž&e=%zz".encode())
    assert curl("-F a=1").raw_form is None


# --- what is no request ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no request in the capture"),
        ("hello world", "no request in the capture"),
        ("<html>", "no request in the capture"),
        ("https://www.lightsms.com/", "no parameters in the captured URL"),
        ("curl https://www.lightsms.com/", "no parameters in the captured curl command"),
        ("curl 'https://www.lightsms.com/?a=1", "a quote"),
        ("curl https://x.example/ -d '{\"a\": [1]}'", "no parameters of a form"),
        ("curl https://x.example/ -d '{\"a\": '", "JSON body in the capture cannot be read"),
        ("curl https://x.example/?a=1 -H", "line 1: --header of curl lacks its value"),
        ("curl https://x.example/?a=1 --dat b=1", "line 1: --dat of curl may be any of --data, --data-ascii"),
        ("https://[::1/?a=1", "address"),
        ("&".join(f"a{number}=1" for number in range(501)), "more than 500 parameters"),
        ("a=" + "x" * MAX_CAPTURE, "longer than"),
        ("a=" + "x" * 65_536, "longer than 65536 characters"),
        ("curl https://x.example/?a=1 https://x.example/?a=2", "holds 2 requests"),
    ],
)
def test_what_is_no_request_is_refused(text: str, reason: str) -> None:
    """The refusal says what is wrong and what was looked for, and repeats nothing of it."""
    with pytest.raises(InputError) as caught:
        read(text)
    assert reason in caught.value.message
    assert "lightsms.com" not in caught.value.message
    assert caught.value.hint


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text(max_size=60).map("curl {}".format) | st.text(max_size=60).map("/?{}".format))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is pasted, the only error is the one that says so."""
    try:
        captured = read(text)
    except InputError:
        return
    assert captured.params


# --- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stamp", "now", "words"),
    [
        ("1732809600", 1732809608.9, None),
        ("1732809600", 1732809600 + 93784, ("1 d 2 h 3 min 4 s behind", "2024-11-28 16:00:00 UTC", "1732903384")),
        ("1732809600", 1732809300, ("5 min ahead of", "2024-11-28 15:55:00 UTC", "within 8 seconds")),
        ("1732809600123", 1732809600, ("in milliseconds",)),
        ("1732809600123", 1732809700, ("in milliseconds", "1 min 40 s behind")),
        ("now\x1b", 1732809600, ("'now\\\\x1b' is not a Unix time",)),
    ],
)
def test_a_stale_stamp_is_named_with_both_clocks(stamp: str, now: float, words: tuple[str, ...] | None) -> None:
    """How far, which way, and what both clocks say; nothing within the stamp's life."""
    said = staleness(stamp, now, 8)
    if words is None:
        assert said is None
    else:
        assert said is not None
        assert all(word in said for word in words), said

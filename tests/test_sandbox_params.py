"""Parameters as the vendors' PHP gathers them: against PHP itself, as it answered once, and as it answers here."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smscli.sandbox import _params
from smscli.sandbox._params import gather, parse_query
from smscli.sandbox._raw import RawRequest

VECTORS = Path(__file__).parent / "vectors" / "php" / "parse_str.json"

PROGRAM = """
function leaves($values) {
    $leaves = [];
    foreach ($values as $key => $value) {
        $name = is_int($key) ? $key : base64_encode($key);
        $leaves[] = [$name, is_array($value) ? leaves($value) : base64_encode($value)];
    }
    return $leaves;
}
ini_set('display_errors', '0');
while (($line = fgets(STDIN)) !== false) {
    parse_str(base64_decode(trim($line)), $values);
    echo json_encode(leaves($values)), "\\n";
}
"""
"""A query in base64 a line, to what PHP makes of it: numbers as numbers, everything else in base64."""

FORM = (b"Content-Type", b"application/x-www-form-urlencoded")


def leaves(tree: Any) -> list[Any]:
    """Return a tree as the program prints it."""
    return [
        [
            key if isinstance(key, int) else base64.b64encode(key).decode(),
            leaves(value) if isinstance(value, dict) else base64.b64encode(value).decode(),
        ]
        for key, value in tree.items()
    ]


def ask_php(queries: Sequence[bytes]) -> list[Any]:
    """Return what PHP makes of each query."""
    lines = b"".join(base64.b64encode(query) + b"\n" for query in queries)
    done = subprocess.run(["php", "-r", PROGRAM], input=lines, capture_output=True, check=True, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_query_is_read_as_php_read_it() -> None:
    """Stored answers of PHP 8.2: names in brackets, broken escapes, dots, nulls, too many levels."""
    for encoded, expected in json.loads(VECTORS.read_text()):
        query = base64.b64decode(encoded)
        assert leaves(parse_query(query)) == expected, query


ATOMS = [
    b"a", b"b", b"[", b"]", b"[]", b"[0]", b"[1]", b"[-5]", b"[a]", b"=", b"&", b"%", b"%5B", b"%5D", b"%00", b"%20",
    b"+", b".", b"%2", b"%ff", b"\xff", b"7", b"0", b" ", b"-0", b"01", b"[ ]", b"[\t]", b"9223372036854775807",
    b"9223372036854775808", b"-9223372036854775808", b"&a=1", b"&a[]=2", b"&a[x]=3", b"[[", b"%09", "Ж".encode(), b";",
]  # fmt: skip


@pytest.mark.skipif(shutil.which("php") is None, reason="php is not on this machine")
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(st.lists(st.sampled_from(ATOMS), max_size=14).map(b"".join), min_size=300, max_size=300))
def test_any_query_is_read_as_php_reads_it(queries: list[bytes]) -> None:
    """Whatever it is made of."""
    for query, expected in zip(queries, ask_php(queries), strict=True):
        assert leaves(parse_query(query)) == expected, query


def read(query: bytes, *headers: tuple[bytes, bytes], body: bytes = b"") -> list[tuple[str, str]]:
    """Return the parameters of one request."""
    return list(gather(RawRequest("GET", b"/x?" + query, headers, body)))


def test_an_array_under_numbers_is_a_repeated_name() -> None:
    """In the order in which its numbers came first; any other array keeps its paths."""
    expected = [("recipient[]", "1"), ("recipient[]", "2")]
    assert read(b"recipient[]=1&recipient[]=2") == expected
    assert read(b"recipient[0]=1&recipient[1]=2") == expected
    assert read(b"recipient%5B5%5D=1&recipient%5B1%5D=2") == expected
    assert read(b"m[0][to]=1&m[a]=2&m[][]=3") == [("m[0][to]", "1"), ("m[a]", "2"), ("m[1][]", "3")]


def test_raw_bytes_of_an_address_are_what_they_are() -> None:
    """UTF-8 as it stands is text; a plus is a space; what is not UTF-8 is no reason to fail."""
    assert read("text=Привет+мир".encode()) == [("text", "Привет мир")]
    assert read(b"text=\xcf\xf0%2") == [("text", "��%2")]


def test_the_form_goes_over_the_query_and_arrays_of_both_are_one() -> None:
    """As PHP makes ``$_REQUEST``: a value takes the place of an array, and an array that of a value."""
    query = b"a=1&list[]=x&list[]=y&b[]=1&c=1"
    body = b"a=2&list[]=z&b=2&c[]=3&d=4"
    expected = [("a", "2"), ("list[]", "z"), ("list[]", "y"), ("b", "2"), ("c[]", "3"), ("d", "4")]
    assert read(query, FORM, body=body) == expected


@pytest.mark.parametrize(
    ("kind", "is_read"),
    [
        (b"application/x-www-form-urlencoded", True),
        (b"Application/X-WWW-Form-Urlencoded; charset=UTF-8", True),
        (b"text/plain", False),
        (b"", False),
    ],
)
def test_a_form_says_that_it_is_one(kind: bytes, *, is_read: bool) -> None:
    """A body of another kind holds no parameters."""
    assert (read(b"", (b"content-type", kind), body=b"a=1") == [("a", "1")]) is is_read


def test_more_than_a_thousand_parameters_are_not_read() -> None:
    """As PHP's ``max_input_vars`` has it, of each source."""
    many = b"&".join(b"a%d=1" % number for number in range(1500))
    assert len(read(many)) == 1000
    assert read(many, FORM, body=many.replace(b"a", b"b"))[-1] == ("b999", "1")
    kind = (b"Content-Type", b"application/json")
    assert len(read(b"", kind, body=json.dumps({f"a{number}": 1 for number in range(1500)}).encode())) == 1000
    assert len(read(b"", kind, body=json.dumps({"a": list(range(1500))}).encode())) == 1000


def multipart(*parts: bytes, boundary: bytes = b"x") -> tuple[tuple[bytes, bytes], bytes]:
    """Return the header and the body."""
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
    return (b"Content-Type", b"multipart/form-data; boundary=" + boundary), body


def part(name: bytes, value: bytes, more: bytes = b"") -> bytes:
    """Return one part."""
    return b'Content-Disposition: form-data; name="' + name + b'"' + more + b"\r\n\r\n" + value


def test_a_multipart_body_is_a_form() -> None:
    """Any bytes, line breaks and arrays; a file is none of the parameters."""
    header, body = multipart(
        part("имя".encode(), "a\r\nб & +%20".encode()),
        part(b"r[]", b"1"), part(b"r[]", b""), part(b"r[]", b"3\r\n"), part(b"file", b"data", b'; filename="f"'),
    )  # fmt: skip
    expected = [("имя", "a\r\nб & +%20"), ("r[]", "1"), ("r[]", ""), ("r[]", "3\r\n")]
    assert read(b"", header, body=body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", []),
        (b"nonsense", []),
        (b"--x\r\n" + part(b"a", b"1"), []),
        (b"--x\r\n" + part(b"a", b"1") + b"\r\n--x\r\n" + part(b"b", b"2"), [("a", "1")]),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--", []),
        (b"--x\r\n\r\n1\r\n--x--", []),
    ],
)
def test_a_multipart_body_that_breaks_off_has_the_parts_before(
    body: bytes, expected: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    """And no error; nothing is logged."""
    assert read(b"", (b"Content-Type", b"multipart/form-data; boundary=x"), body=body) == expected
    assert caplog.records == []


def test_a_multipart_body_without_a_boundary_has_no_parts() -> None:
    """Nor has one whose boundary is longer than any."""
    for kind in (b"multipart/form-data", b"multipart/form-data; boundary=" + b"x" * 5000):
        assert read(b"", (b"Content-Type", kind), body=b"--x\r\n" + part(b"a", b"1") + b"\r\n--x--") == []


def test_a_json_object_is_a_form() -> None:
    """A list is an array, null is not there, half a surrogate pair is a question mark; anything else holds nothing."""
    body = b'{"appId": 1, "recipient": ["a", 2], "none": null, "amount": 1.50, "half": "a\\ud800", "flag": true}'
    expected = [("appId", "1"), ("recipient[]", "a"), ("recipient[]", "2"), ("amount", "1.50"), ("half", "a?")]
    for kind in (b"application/json; charset=utf-8", b"application/vnd.x+json"):
        assert read(b"", (b"content-type", kind), body=body) == [*expected, ("flag", "True")]
    for odd in (b"[1]", b"1", b"{", b"[" * 100_000, b"\xff"):
        assert read(b"q=1", (b"content-type", b"application/json"), body=odd) == [("q", "1")]


def test_no_number_is_free_behind_the_largest() -> None:
    """PHP drops the value, with a warning."""
    assert list(parse_query(b"a[%d]=1&a[]=2" % _params._LARGEST).values()) == [{_params._LARGEST: b"1"}]


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a/b?c=%2F", "/a/b", b"c=%2F"),
        (b"/%D0%B6%zz?", "/ж%zz", b""),
        (b"http://vendor.example/a?b", "/a", b"b"),
        (b"http://vendor.example", "/", b""),
        (b"*", "/", b""),
        (b"/\xff", "/�", b""),
    ],
)
def test_an_address_has_a_path_and_a_query(target: bytes, path: str, query: bytes) -> None:
    """Also one that is meant for a proxy."""
    request = RawRequest("GET", target)
    assert (request.path, request.query) == (path, query)


def test_a_transcript_gives_the_same_parameters() -> None:
    """What came is worked out again when somebody opens a message: raw bytes, empty values, a body with line ends."""
    headers = (FORM, (b"X-Note", b"a: b"), (b"X-Empty", b""))
    asked = RawRequest("POST", b"/external/get/send.php?text=a+b&x=%2b\xff", headers, b"phone=1\r\n\r\n2&empty=")
    again = RawRequest.from_transcript(asked.transcript(10_000))
    assert (again, gather(again)) == (asked, gather(asked))
    cut = RawRequest.from_transcript(asked.transcript(30))
    assert (cut.method, cut.path, cut.headers, cut.body) == ("POST", "/external/get/send.php", (), b"")

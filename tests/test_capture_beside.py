"""Captures of several kinds: each signed request is read, and none twice."""

from __future__ import annotations

import pytest

from smscli.capture import read_all

PATH = "/external/get/send.php"
U = f"https://www.lightsms.com{PATH}"
ONE = "login=demo&phone=1&text=m1&timestamp=1732809600&signature=407677750b9c342f8e3805a8b6f1a814"
TWO = "login=demo&phone=1&text=m2&timestamp=1732809600&signature=4f7f5e7a6d49f25b914d42e2559524bf"
CURL = f"curl -s '{U}?{ONE}'"
TELLINGS = {
    "access log": '1.2.3.4 - - [28/Nov/2024:16:00:01 +0000] "GET {path}?{query} HTTP/1.1" 200 11 "-" "curl"',
    "urllib3": 'DEBUG:urllib3.connectionpool:https://www.lightsms.com:443 "GET {path}?{query} HTTP/1.1" 200 None',
    "fetch": "fetch('https://www.lightsms.com{path}?{query}')",
    "fetch in lines": "fetch(\n  'https://www.lightsms.com{path}?{query}',\n  {{method: 'GET'}},\n)",
    "raw": "GET {path}?{query} HTTP/1.1\nHost: www.lightsms.com\n",
    "URL": "https://www.lightsms.com{path}?{query}",
    "a log's URL": "16:00:01 INFO sent https://www.lightsms.com{path}?{query} and waits",
}


def texts_and_lines(text: str) -> list[tuple[str, str]]:
    """Return the text parameter and the place of each request."""
    return [(dict(one.params).get("text", one.fault), one.place) for one in read_all(text)]


def written(kind: str, query: str) -> str:
    """Return a request as it is told in a way."""
    return TELLINGS[kind].format(path=PATH, query=query)


@pytest.mark.parametrize("kind", TELLINGS)
@pytest.mark.parametrize("before", ["", "# the first line\n" * 9000], ids=["short", "long"])
def test_what_stands_beside_commands_is_read(kind: str, before: str) -> None:
    """In the order of lines, whatever the length."""
    lines = before.count("\n")
    telling = written(kind, TWO)
    many = f"curl x\n{before}{CURL}\n{telling}\n"
    assert texts_and_lines(many)[-2:] == [("m1", f"line {lines + 2}"), ("m2", f"line {lines + 3}")]
    assert [text for text, _ in texts_and_lines(f"{telling}\n{CURL}\n")] == ["m2", "m1"]


@pytest.mark.parametrize("kind", TELLINGS)
def test_a_request_that_is_told_twice_is_one(kind: str) -> None:
    """A log repeats what a command did."""
    assert texts_and_lines(f"+ {CURL}\n{written(kind, ONE)}\n") == [("m1", "line 1")]


@pytest.mark.parametrize(
    ("first", "second"),
    [("fetch", "access log"), ("fetch", "raw"), ("fetch", "URL"), ("raw", "URL"), ("access log", "URL")],
)
def test_what_stands_beside_other_kinds_is_read(first: str, second: str) -> None:
    """Whichever reader comes first."""
    assert {text for text, _ in texts_and_lines(f"{written(first, ONE)}\n{written(second, TWO)}\n")} == {"m1", "m2"}
    assert [text for text, _ in texts_and_lines(f"{written(first, ONE)}\n{written(second, ONE)}\n")] == ["m1"]


def test_commands_beside_powershell_are_read() -> None:
    """Whichever is first."""
    calls = f'Invoke-WebRequest "{U}?{TWO}"\n'
    assert texts_and_lines(f"{calls}{CURL}\n") == [("m2", "line 1"), ("m1", "line 2")]
    assert texts_and_lines(f"{CURL}\n{calls}") == [("m1", "line 1"), ("m2", "line 2")]


@pytest.mark.parametrize(
    "line",
    [
        f"# curl '{U}?{TWO}'",
        f"// fetch('{U}?{TWO}')",
        f"REM {U}?{TWO}",
        f"echo see {U}?{TWO}",
        f"{U}?{TWO[:-32]}****************1234",
        f"{U}?{TWO[:-32]}$SIGNATURE_OF_THIS_1",
        f"fetch('https://other.example/?sign={ONE[-32:]}')",
        f"fetch(base + '?login=demo&signature={ONE[-32:]}')",
        "fetch('/x');" * 201 + "sign",
        f"12:00:00 got 403 for {U}?text=an&signature={ONE[-32:]}",
        f"12:00:00 got 403 for {U}?login=demo&timestamp=1&text=cut&signature={ONE[-32:]}",
        "Request URL: /a\nRequest URL: /b\nsign",
        f"> POST {PATH} HTTP/1.1\n> Host: www.lightsms.com\n> Content-Length: 99\n>\n* sign: done",
    ],
)
def test_what_is_no_request_of_its_own_is_none(line: str) -> None:
    """Comments, what is named in passing, masks, other interfaces, a request in other words, heads alone."""
    assert [text for text, _ in texts_and_lines(f"{CURL}\n{line}\n")] == ["m1"]


def test_what_goes_on_with_a_command_is_its_own() -> None:
    """An address in a header is not sent."""
    for text in (f"curl '{U}?{ONE}' \\\n -H 'Referer:\n{U}?{TWO}'", f"curl -d @- '{U}?{ONE}' <<E\n{U}?{TWO}\nE"):
        assert [one.place for one in read_all(f"{text}\n")] == ["line 1"]


def test_a_call_that_is_signed_and_cannot_be_read_is_told() -> None:
    """With its line."""
    text = f"{CURL}\nfetch('{U}', {{method: 'POST', body: make({{signature: '{TWO[-32:]}'}})}})\n"
    ((fault, place),) = texts_and_lines(text)[1:]
    assert ("its options are not written out" in fault, place) == (True, "line 2")

"""Captures at their edges: the half, the damaged, the odd and the hostile are read as far as they go."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest

from smscli.capture import decode, read, read_all
from smscli.errors import InputError
from smscli.model import Pairs

U = "https://sms.example/x"
FORM = "Content-Type: multipart/form-data; boundary=X"

NESTED = "--X\nContent-Type: multipart/mixed; boundary=0\n\n" + "".join(
    f"--{depth}\nContent-Type: multipart/mixed; boundary={depth + 1}\n\n" for depth in range(1100)
)


def har(*entries: object) -> str:
    """Return a HAR file."""
    return json.dumps({"log": {"entries": entries}})


def posted(data: object, **more: object) -> object:
    """Return an entry with a body."""
    return {"request": {"url": U, "method": "POST", "postData": data, **more}}


@pytest.mark.parametrize(
    ("text", "params", "note"),
    [
        # commands
        (f"curl --request-target '/y?a=1' {U}", (("a", "1"),), None),
        (f"curl --request-target 'http://y.example/?a=1' {U}", (("a", "1"),), None),
        (f"curl --variable a=1 --expand-data 'b={{{{a:url}}}}' {U}", (("b", "{{a:url}}"),), "is not worked out"),
        (f"curl -K options {U}?a=1", (("a", "1"),), "options come from a file"),
        (f"curl -H @headers {U}?a=1", (("a", "1"),), "headers come from a file"),
        (f"curl -F =x -F a=1 {U}", (("a", "1"),), "a part of the multipart body has no name"),
        (f"curl -F 'a=(x' {U}", (("a", ""),), "takes the ( of a for a body of its own"),
        (f"curl --json a=1 -d b=2 {U}", (("a", "1"), ("b", "2")), "its Content-Type is application/json"),
        (f"curl --json '{{\"a\": NaN, \"b\": -Infinity}}' {U}", (("a", "NaN"), ("b", "-Infinity")), "is JSON"),
        (f"curl -X PUT --next {U}?a=1", (("a", "1"),), None),
        (f"curl {U}?a=1\\ 2>/dev/null\\ #", (("a", "1 2"),), "refuses an address with a space"),
        (f"curl --frobnicate {U}?a=1", (("a", "1"),), "curl has no option --frobnicate"),
        (f"curl -- {U}?a=1", (("a", "1"),), None),
        (f"http {U} a==1 word", (("a", "1"),), "a word that is no request item"),
        (f"http -f {U} a=1 b:=[", (("a", "1"),), "b:= is no JSON"),
        ("http ://sms.example/x?q=1 a==1 'b\\;==2'", (("q", "1"), ("a", "1"), ("b;", "2")), None),
        (f"echo 'unrelated' > 'curl x'; curl {U}?a=1", (("a", "1"),), None),
        (f"curl {U}?a=${{B}}", (("a", "${B}"),), "${B} is not in the capture"),
        ("curl.exe 'https://sms.example/?a=1' | ConvertFrom-Json", (("a", "1"),), None),
        ('curl "https://sms.example/?a=1" -d ^"b=\\^"2^\\^"^"', (("a", "1"), ("b", '"2"')), None),
        (f"curl -_ {U}?a=1", (("a", "1"),), "curl has no option -_"),
        (f'@echo off\ncurl "{U}?a=100%%25"', (("a", "100%"),), None),
        (f"curl {U}?a=1 -d b=2\n" + "ls -l\n" * 30_000, (("a", "1"), ("b", "2")), None),
        (f"date | curl -d @- -d a=1 {U}", (("a", "1"),), "comes from stdin, which is not in the capture"),
        (f"echo 'a\\nb' | curl -d @- -d a=1 {U}", (("a", "1"),), "comes from stdin"),
        (f"printf '%d' 1 | curl -d @- -d a=1 {U}", (("a", "1"),), "comes from stdin"),
        (f"printf 'a=1' | curl -d @- {U}", (("a", "1"),), None),
        (f"printf '%s\\n' a=1 | curl -d @- {U}", (("a", "1"),), None),
        (f"echo -n a=1 | curl --data-binary @- {U}", (("a", "1"),), None),
        (f"echo a=$B | curl -d @- {U}", (("a", "$B"),), "$B is not in the capture"),
        (f"echo a=1 | ssh host 'curl -d @- {U}'", (("a", "1"),), None),
        (f"echo b=1 | ssh host 'curl -d @- {U} <<< a=1'", (("a", "1"),), None),
        (f"watch -n 5 \"curl '{U}?a=1'\"", (("a", "1"),), None),
        (f"kubectl run x --image=curlimages/curl -- curl {U}?a=1", (("a", "1"),), None),
        (f"@daily cd /tmp && curl '{U}?a=1'", (("a", "1"),), None),
        # PowerShell
        ("$u = @'\nhttps://sms.example/?a=1\n'@\nirm $u", (("a", "1"),), None),
        ("irm ('https://sms.example/?a=1') -InFile x -UserAgent 'y'", (("a", "1"),), "comes from a file"),
        ("irm https://sms.example/ -Method Post -Body ([Text.Encoding]::UTF8.GetBytes('a=1'))", (("a", "1"),), None),
        ("irm https://sms.example/?a=1 -Headers", (("a", "1"),), None),
        ("irm https://sms.example/?a=1 -Headers (", (("a", "1"),), None),
        ("irm https://sms.example/?a=1 -Body @{b", (("a", "1"),), "order of its own"),
        ('irm "https://sms.example/?a=`"1""2"', (("a", '"1"2'),), None),
        ('irm "https://sms.example/?a=$([char]55357)$([char]56832)"', (("a", "\U0001f600"),), None),
        ('irm https://sms.example/ -Method Post -Body @{a="$([char]55357)"}', (("a", "\ufffd"),), "order of its own"),
        # fetch
        (f"fetch('{U}', {{method: 'POST', body: JSON.stringify({{'a': '\\ud83d'}})}})", (("a", "\ufffd"),), "is JSON"),
        (f"fetch('{U}', {{method: 'POST', body: new URLSearchParams({{'a': '\\ud83d'}})}})", (("a", "\ufffd"),), None),
        (f"fetch('{U}', {{method: 'POST', body: new URLSearchParams('a=1')}})", (("a", "1"),), None),
        (f"fetch('{U}?a=1', {{/* none */ headers: [['a', 'b']]}}", (("a", "1"),), None),
        # HTTP and HAR
        ("send: b'GET /x?a=\u017e HTTP/1.1\\r\\nHost: a.example\\r\\n'", (("a", "\u017e"),), None),
        ("send: b'GET /x?a=\\xZZ HTTP/1.1\\r\\nHost: a.example\\r\\n'", (("a", "\\xZZ"),), None),
        (f"POST /x?q=1 HTTP/1.1\nHost: a.example\n{FORM}\n\n--Y\nzzz", (("q", "1"),), "its boundary is missing"),
        ("POST /x HTTP/1.1\nTransfer-Encoding: chunked\n\n3\na=1", (("a", "1"),), None),
        ("POST /x HTTP/1.1\nContent-Length: \u00b2\n\na=1", (("a", "1"),), None),
        ("GET /x?q=1 HTTP/1.1\nContent-Type: application/json\n\na=1", (("q", "1"), ("a", "1")), "looks like a form"),
        (har(posted({"mimeType": "", "text": "a=1"})), (("a", "1"),), None),
        (har(posted({"text": "a=1", "encoding": "base64"})), (("a", "1"),), "is no base64"),
        (har(posted({"params": [{"name": "a", "value": "1"}, "x"]})), (("a", "1"),), "but not its bytes"),
        (har(posted({"params": [{"name": "a", "value": "x%20y+z"}]})), (("a", "x y z"),), "percent-encoded is open"),
        (har(posted({"params": [{"name": "a", "value": "+370"}]})), (("a", "+370"),), "percent-encoded is open"),
        (har(posted({"params": [{"name": "a", "value": "5 %41+"}]})), (("a", "5 %41+"),), "but not its bytes"),
        (har(posted({"text": "a=1", "params": [{"name": "a", "value": "2"}]})), (("a", "1"),), None),
        (har({"startedDateTime": "0", "request": {"url": f"{U}?a=\ud83d"}}), (("a", "\ufffd"),), None),
        (json.dumps(posted({"text": "a=1"}, headers=[])), (("a", "1"),), None),
        (json.dumps({"url": f"{U}?a=1", "headers": [{"name": "b", "value": "c"}]}), (("a", "1"),), None),
        (f"[{U}?a=1]({U}?a=1)", (("a", "1"),), None),
        (f"[sent]({U}?a=(1)&b[]=2)", (("a", "(1)"), ("b[]", "2")), None),
        (f"- sent: [https://sms.ex…]({U}?a=(1)), and more", (("a", "(1)"),), None),
        # logs
        ('Started GET "/x?a=1" for ::1 at 2024-99-28 16:00:05 +0200', (("a", "1"),), None),
        ('{"request": 5, "x": 1} "GET /?a=1 HTTP/1.1"', (("a", "1"),), None),
        ('{"level": "info"} GET https://sms.example/?a=1', (("a", "1"),), None),
        ('{"request": ["GET"]}\nhttps://sms.example/?a=1', (("a", "1"),), None),
        ('{"a": {} https://sms.example/?a=1', (("a", "1"),), None),
        ('{"m": "\\"GET /?a=1 HTTP/1.1\\\\r\\\\nHost: b\\\\r\\\\n\\""}', (("a", "1"),), None),
        ('{"log": "\\"GET /?a=1 HTTP/1.1\\" 200", "x": [["y"]]}', (("a", "1"),), None),
        (r'{"m": "see https:\/\/sms.example\/?a=1\u0026b=2"}', (("a", "1"), ("b", "2")), None),
        (r'\{"m": see https://sms.example/?a=1', (("a", "1"),), None),
        ("error for url 'https://sms.example/?a=Hi.'", (("a", "Hi."),), None),
        ("see https://sms.example/?a=Hi.", (("a", "Hi"),), ". behind the address was taken for punctuation"),
        ("see https://sms.example/?a=don't", (("a", "don"),), "read up to a '"),
        # text
        (f"{U}?a=5\u00d7W=3", (("a", "5\u00d7W=3"),), None),
        ("a=1&b=2\nc=3", (("a", "1"), ("b", "2\nc=3")), "it is read as one"),
        ("text=see https://sms.example now&sign=1", (("text", "see https://sms.example now"), ("sign", "1")), None),
    ],
)  # fmt: skip
def test_what_is_there_is_read_and_the_rest_is_said(text: str, params: Pairs, note: str | None) -> None:
    """Nothing is guessed: what could not be read or worked out has a note."""
    captured = read(text)
    assert captured.params == params
    assert (note or "") in "\n".join(captured.notes)
    assert bool(note) == bool(captured.notes), captured.notes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f'curl ^"{U}?a=1', "a quote in line 1"),
        (f"# one\ncurl {U} -d @- <<EOF\na=1\n", "here-document in line 2"),
        (f"curl \\\n {U} \\\n -d 'a=1", "a quote in line 3"),
        (f"date | curl -d @- {U}", "curl command in line 1: a part of the body comes from stdin"),
        (f"# one\n0 3 * * 1-5 curl '{U}?a=%41'", "line 2: cron ends a command at its first %"),
        ("cat <<A\nx\nA\ncurl 'x", "a quote in line 4"),
        (f"irm '{U}?a=1", "a quote in line 1"),
        ("irm " + "(" * 5000, "nested too deeply"),
        (f"POST /x HTTP/1.1\n{FORM}\n\n{NESTED}", "parts of the multipart body are nested too deeply"),
        ("fetch(url)", "fetch call in line 1 cannot be read: its address"),
        (f"fetch('{U}?a=' + b)", "its address"),
        (f"\nfetch('{U}', options)", "fetch call in line 1 cannot be read: its options"),
        (f"fetch('{U}', {{a: [}})", "its options"),
        (f"fetch('{U}', {{'a': \"{'x' * 9000}\", b: c}})", "its options"),
        (f"fetch('{U}', {{body: {'[' * 4000}}})", "its options"),
        ("fetch()" * 201, "more than 200 calls"),
        ('{"log": {"entries": [{"request":\n{"url', "cannot be read from line 2 on"),
        ('{"log": {"entries": "x"}}', "no request in the capture"),
        ('{"log": [], "entries": 1}', "no request in the capture"),
        ('{"entries": ' + "[" * 100_000, "no request in the capture"),
        (har({"request": {"url": 5}}), "HAR entry in entry 1 cannot be read: it holds no request"),
        (har(5), "it holds no request"),
        ("https 2024-11-28T16:00:05.0Z x", "no request in the capture"),
        ("curl", "no request in the capture"),
        (f"curl {U}?a=1 " * 501, "more than 1000 words"),
        (f"curl {U}?a=1\n" * 10_001, "more than 10000 requests"),
        ("see the curl manual", "no request in the capture"),
        ("{" * 100_000, "no request in the capture"),
        ("one\ntwo\n", "no request in the capture: none of its 2 lines is one"),
        (r'"GET /\x0a?a=1 HTTP/1.1\r\nHost: b\r\n"', "no request in the capture"),
        (f"one\nsent to {U}\n", "no request in the capture: line 2 has an address, but without parameters"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_place(text: str, reason: str) -> None:
    """Which kind it was taken for, where, and why."""
    with pytest.raises(InputError) as caught:
        read(text)
    assert reason in caught.value.message


def test_one_that_cannot_be_read_does_not_hide_the_others() -> None:
    """Among several requests each stands for itself."""
    one, two = read_all(f"fetch('{U}?a=1')\nfetch(elsewhere)")
    assert (one.params, one.fault) == ((("a", "1"),), "")
    assert two.fault.startswith("the captured fetch call in line 2 cannot be read")


@pytest.mark.parametrize(
    ("log", "places"),
    [
        ("1 sent {0}\n2 sent {0}\n", ["line 1", "line 2"]),
        ("at 16:00:05 {0}\nok\nat 16:00:09 {0}\n", ["line 1", "line 3"]),
        ("sending {0}\nfailed: {0}\nsending {0}\n", ["line 1", "line 3"]),
        ("sending {0}\ntrying again: {0}\n", ["line 1", "line 2"]),
        ("sending {0}\nfailed: {0}\n", ["line 1"]),
    ],
)
def test_each_request_in_a_program_s_log_is_one(log: str, places: list[str]) -> None:
    """A retry is a request of its own; what is told of the same one in other words is said to be."""
    got = read_all(log.format(f"{U}?a=1"))
    assert [one.place for one in got] == places
    assert ("line 2: taken for the same call" in str(got[0].readings)) == ("failed" in log)


def test_a_request_in_a_trace_stands_where_it_is_printed() -> None:
    """Its own line breaks are none of the trace's."""
    head = r"GET /x?a=1 HTTP/1.1\r\nHost: a.example\r\n\r\n"
    got = read_all(f"send: b'{head}'\nreply: 'HTTP/1.1 200 OK'\nsend: b'{head}{head}'\n")
    assert [one.place for one in got] == ["line 1", "line 3", "line 3"]


def test_a_file_is_decoded_by_its_mark() -> None:
    """UTF-16 of PowerShell, UTF-8, and bytes that are neither."""
    assert decode("a=ž".encode("utf-16")) == decode("a=ž".encode()) == "a=ž"
    assert read(decode(b"a=\xb6")).raw_form == b"a=\xb6"


HOSTILE = {
    "quotes": 'curl "' * 20_000, "substitutions": "curl $(" * 18_000, "braces": "curl ${" * 18_000,
    "brackets": "curl https://x.example/" + "{" * 60_000, "separators": "a=1&/" * 26_000,
    "calls": "fetch(" * 200 + "x" * 100_000, "comments": "irm <#" + "<#" * 60_000, "strings": 'irm @"\n' * 20_000,
    "backslashes": "curl " + "\\" * 120_000, "heredocs": "curl <<A\nA\n" * 12_000, "carets": 'curl ^"' + "^" * 120_000,
    "log": "\"GET /?a=1" * 100_000, "messages": "ConnectionPool(host='', port=): " * 30_000,
    "entities": "a=1&" + "×" * 100_000, "dots": "a." * 500_000, "heads": "GET / HTTP/1.1\n" * 3_000,
    "multipart": f"POST / HTTP/1.1\n{FORM}\n\n" + "--X\n" * 10_000, "json": "[" * 100_000,
    "escaped quotes": "\\\"GET " * 100_000, "open heredoc": "curl <<A" + "\nx" * 60_000,
    "prompt": "curl x\na@" + "a" * 120_000, "open comments": "fetch('x', " + "/* " * 40_000,
    "bodies": "GET /x HTTP/1.1\n" + "---request end---\n[BODY data: \n" * 3500, "crontab": "* * * * * curl " * 8000,
    "dumps": '"GET /?a=1 HTTP/1.1\\r\\n' * 50_000, "backticks": "curl `" + "\\`" * 60_000,
    "remote": "ssh " * 30_000 + "curl x",
    "open strings": "fetch('x', " + '\\"' * 60_000,
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_read_in_bounded_time(text: str) -> None:
    """What somebody else put into a log must not keep who reads it: processor seconds, and the only error is ours."""
    began = time.process_time()
    with suppress(InputError):
        read_all(text)
    assert time.process_time() - began < 5

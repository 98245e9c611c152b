"""Logs of Java's clients: each request is read with its body, or it is said that the log has none."""

from __future__ import annotations

import pytest

from smscli.capture import read, read_all
from smscli.errors import InputError

HOST = "sms.example"
PATH = "/api/send"
FORM = "application/x-www-form-urlencoded"
BODIES = ("login=a&signature=1", "login=b&text=%D0%96&signature=2")


def head(body: str) -> list[str]:
    """Return the lines of the head of a POST, or of a GET without one."""
    if not body:
        return [f"GET {PATH}?login=c&signature=3 HTTP/1.1", f"Host: {HOST}", "User-Agent: Java/17"]
    sized = [f"Content-Length: {len(body)}", f"Content-Type: {FORM}"]
    return [f"POST {PATH} HTTP/1.1", *sized, f"Host: {HOST}", "User-Agent: Java/17"]


def apache(*bodies: str, wire: bool = True, prefix: str = "16:00:05 [main] DEBUG org.apache.http.") -> str:
    """Return a log of Apache HttpClient, with its wire or without."""
    lines = []
    for body in bodies:
        lines += [f"{prefix}headers - http-outgoing-0 >> {line}" for line in head(body)]
        if wire:
            sent = [*(f"{line}[\\r][\\n]" for line in (*head(body), "")), *([body] if body else [])]
            lines += [f'{prefix}wire - http-outgoing-0 >> "{line}"' for line in sent]
        lines += [f"{prefix}headers - http-outgoing-0 << HTTP/1.1 200 OK", f"{prefix}wire - open=1&kept=2"]
    return "\n".join(lines) + "\n"


def sun(*bodies: str) -> str:
    """Return a log of HttpURLConnection. (OpenJDK 17)"""
    logged = ""
    for body in bodies:
        first, *rest = head(body)
        pairs = "".join(f"{{{line}}}" for line in rest)
        logged += (
            "Nov 28, 2024 4:00:05 PM sun.net.www.protocol.http.HttpURLConnection writeRequests\n"
            f"FINE: sun.net.www.MessageHeader@4e91d63f5 pairs: {{{first}: null}}{pairs}\n"
            f"FINEST: KeepAlive stream used: http://{HOST}{PATH}?login=x&signature=9\n"
            "FINE: sun.net.www.MessageHeader@71b1176b4 pairs: {null: HTTP/1.1 200 OK}{Server: nginx}\n"
        )
    return logged


def okhttp(*bodies: str, prefix: str = "", arrow: str = "-->", with_body: bool = True) -> str:
    """Return a log of OkHttp's interceptor, or Feign's."""
    lines = []
    for body in bodies:
        if body:
            own = [f"Content-Type: {FORM}", f"Content-Length: {len(body)}"]
            sent = ["", body, f"{arrow} END POST ({len(body)}-byte body)"] if with_body else [f"{arrow} END POST"]
            lines += [f"{arrow} POST https://{HOST}{PATH}", *own, *sent]
        else:
            lines += [f"{arrow} GET https://{HOST}{PATH}?login=c&signature=3", f"{arrow} END GET"]
        lines += [f"<-- 200 https://{HOST}{PATH} (12ms)", "", '{"error":0}', "<-- END HTTP (11-byte body)"]
    return "".join(f"{prefix}{line}\n" for line in lines)


def jdk(*bodies: str) -> str:
    """Return a log of java.net.http. (OpenJDK 17, jdk.httpclient.HttpClient.log=requests,headers)"""
    logged = ""
    for body in bodies:
        lines = "\n".join(head(body))
        logged += (
            f"INFO: REQUEST: https://{HOST}{PATH} {lines.partition(' ')[0]}\n"
            f"INFO: HEADERS: REQUEST HEADERS:\n{lines}\n\n"
            "Nov 28, 2024 4:00:05 PM jdk.internal.net.http.Http1Response lambda$readHeadersAsync$0\n"
            "INFO: HEADERS: RESPONSE HEADERS:\n    content-length: 11\n\n"
        )
    return logged


WHOLE = {
    "Apache": apache,
    "Apache 3": lambda *bodies: apache(*bodies).replace("http-outgoing-0 ", ""),
    "OkHttp": okhttp,
    "OkHttp, logcat": lambda *bodies: okhttp(*bodies, prefix="11-28 16:00:05.123  1234  1250 D OkHttp: "),
    "Feign": lambda *bodies: okhttp(*bodies, prefix="DEBUG Sms : [Sms#send] ", arrow="--->"),
}
HEADS = {
    "Apache": lambda *bodies: apache(*bodies, wire=False),
    "HttpURLConnection": sun,
    "java.net.http": jdk,
    "OkHttp": lambda *bodies: okhttp(*bodies, with_body=False),
    "Feign": lambda *bodies: okhttp(*bodies, with_body=False, arrow="--->").replace(
        "END POST", "END POST (19-byte body)"
    ),
}


@pytest.mark.parametrize("log", WHOLE.values(), ids=WHOLE)
def test_each_request_is_read_with_its_body(log: object) -> None:
    """In whatever order; nothing of the log is a parameter."""
    assert callable(log)
    got = read_all(log(BODIES[0], "", BODIES[1], BODIES[0]))
    assert [dict(one.params)["signature"] for one in got] == ["1", "3", "2", "1"]
    assert [len(one.params) for one in got] == [2, 2, 3, 2]
    assert {(one.host, one.path) for one in got} == {(HOST, PATH)}
    assert not [one for one in got if one.fault or one.notes]
    places = [int(one.place.removeprefix("line ")) for one in got]
    assert places == sorted(places)
    assert dict(read(log(BODIES[1])).params)["text"] == "Ж"


@pytest.mark.parametrize("log", HEADS.values(), ids=HEADS)
def test_a_body_that_is_not_logged_is_said_to_be_missing(log: object) -> None:
    """The requests beside it are read; no line of the log becomes a parameter."""
    assert callable(log)
    got = read_all(log(BODIES[0], "", BODIES[0]))
    assert [dict(one.params) for one in got] == [{}, {"login": "c", "signature": "3"}, {}]
    assert [one.lacks for one in got] == ["the body of 19 bytes is not in the capture", "", got[0].lacks]
    with pytest.raises(InputError, match="the body of 19 bytes is not in the capture"):
        read(log(BODIES[0]))


def test_connections_take_turns_in_a_log() -> None:
    """Each of them sends its own."""
    one, other = (apache(body).split("\n") for body in BODIES)
    lines = [line for pair in zip(one, (line.replace("-0 ", "-1 ") for line in other), strict=True) for line in pair]
    assert sorted(dict(got.params)["signature"] for got in read_all("\n".join(lines))) == ["1", "2"]


def test_bytes_of_the_wire_are_read() -> None:
    """Apache writes those that are no ASCII as numbers."""
    assert read(apache("login=[0xd0][0x96]").replace("Length: 18", "Length: 8")).params == (("login", "Ж"),)


def test_a_post_that_only_a_message_tells_of_is_no_success() -> None:
    """Beside those that are read; alone it is no request."""
    told = f"INFO: REQUEST: https://{HOST}{PATH} POST\n"
    one, other = read_all(f"{told}INFO: REQUEST: https://{HOST}{PATH}?login=a&signature=1 GET\n")
    assert one.lacks == "a message does not hold the body: what was sent there is missing"
    assert (other.lacks, other.params) == ("", (("login", "a"), ("signature", "1")))
    with pytest.raises(InputError, match="line 1 has an address, but without parameters"):
        read_all(told)


@pytest.mark.parametrize(
    "line",
    [
        "[main] INFO sent=1&kept=2", "2024-11-28 16:00:05 a=1&b=2", "16:00:05.123 a=1&b=2", "INFO a=1&b=2",
        "Nov 28, 2024 4:00:05 PM a=1&b=2",
    ],
)  # fmt: skip
def test_a_line_of_a_log_is_no_part_of_a_body_without_a_length(line: str) -> None:
    """That it stands there is said."""
    sent = f"POST {PATH} HTTP/1.1\nHost: {HOST}\nContent-Type: {FORM}\n\n"
    got = read(f"{sent}{BODIES[0]}\n{line}\n")
    assert got.raw_form == BODIES[0].encode()
    assert got.notes == ("the head does not say how long the body is: what follows its line was not read",)
    with pytest.raises(InputError, match="the body, if there was one, is not in the capture"):
        read(f"{sent}{line}\n")

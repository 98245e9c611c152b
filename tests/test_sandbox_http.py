"""The server in front of a sandbox, over real sockets: odd bytes, slow senders, crowds, strangers, and its end."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from smscli import sandbox
from smscli.sandbox import _checking, _desk, _http, _hub
from smscli.sandbox._service import TOO_MANY, Sandbox
from tests.bench import NOW, PAYFORSMS_KEY, serving

SEND = f"/api/mainsms/message/send?project=demo-payforsms&apikey={PAYFORSMS_KEY}&recipients=9121231234&message="


@contextmanager
def standing_still() -> Iterator[tuple[str, Sandbox]]:
    """Serve a sandbox whose clock stands; give its host with port, and itself."""
    app = sandbox.create_app(clock=lambda: NOW)
    with serving(app) as host:
        yield host, app


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Sandbox]]:
    """One sandbox for most tests of this file; those that wait for it lose their patience soon."""
    before = _http.PATIENCE
    _http.PATIENCE = 0.4
    with standing_still() as both:
        yield both
    _http.PATIENCE = before


@pytest.fixture
def host(served: tuple[str, Sandbox]) -> str:
    """Host and port of a sandbox with nothing in its list."""
    with served[1].desk.lock:
        served[1].desk.forget()
    return served[0]


def dial(host: str) -> socket.socket:
    """Open a connection."""
    name, _, port = host.partition(":")
    return socket.create_connection((name, int(port)), timeout=10)


def raw(host: str, *pieces: bytes) -> bytes:
    """Send pieces, one by one, and return all that comes until the server hangs up."""
    with dial(host) as line:
        for place, piece in enumerate(pieces):
            if place:
                time.sleep(0.02)
            line.sendall(piece)
        received = b""
        while data := line.recv(65536):
            received += data
        return received


def get(host: str, path: str, method: str = "GET", body: bytes | None = None, /, **headers: str) -> tuple[int, bytes]:
    """Make one request; return status and body."""
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    reply = connection.getresponse()
    data = reply.read()
    connection.close()
    return reply.status, data


def texts(host: str) -> list[Any]:
    """Return the texts in the list."""
    return [entry["text"] for entry in json.loads(get(host, "/api/messages")[1])]


def line(path: bytes) -> bytes:
    """Return a request that is the last of its connection."""
    return b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


# --- bytes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [(), (40,), (1, 139, 141), (143,)])
def test_raw_utf8_in_the_address_is_text(host: str, cuts: tuple[int, ...]) -> None:
    """As Apache and PHP read it, wherever the network cuts it; what is escaped stays what it is."""
    whole = line(SEND.encode() + "Привет+мир%2B%20%D1%8F&x=Ž".encode())
    edges = (0, *cuts, len(whole))
    answer = raw(host, *(whole[a:b] for a, b in pairwise(edges)))
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert texts(host) == ["Привет мир+ я"]


def test_bytes_that_are_no_utf8_do_not_break_the_address(host: str) -> None:
    """windows-1251 arrives as characters that say so."""
    assert raw(host, line(SEND.encode() + b"\xcf\xf0")).startswith(b"HTTP/1.1 200 ")
    assert texts(host) == ["��"]


def test_a_second_request_may_have_raw_bytes_too(host: str) -> None:
    """Of one connection; an empty line between the two is passed over."""
    with dial(host) as connection:
        for word in ("раз", "два"):
            connection.sendall(b"\r\n" + line(SEND.encode() + word.encode()).replace(b"Connection: close\r\n", b""))
            received = b""
            while b"messages_id" not in received:
                received += connection.recv(65536)
            assert received.startswith(b"HTTP/1.1 200 ")
    assert texts(host) == ["раз", "два"]


def test_an_empty_line_alone_is_passed_over(host: str) -> None:
    """However many come, in packets of their own: everybody else is served, and so is who sent them."""
    answer = raw(host, b"\r\n", b"\n", b"\r", b"\n", line(b"/external/get/timestamp.php"))
    assert answer.startswith(b"HTTP/1.1 200 "), answer


def test_a_space_in_the_address_is_refused_with_the_reason(host: str) -> None:
    """No server could tell where the address ends."""
    answer = raw(host, line(SEND.encode() + b"a b"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    reason = b"the address has a space, which is written as %20 or +"
    assert b"\r\nX-Smscli-Reason: " + reason + b"\r\n" in answer
    assert answer.endswith(b"\r\n\r\nThe request cannot be read: " + reason + b".\n")


def test_tls_and_what_is_no_http_are_told_so_themselves(host: str) -> None:
    """By the reason of the list, not by that of a space which is not there."""
    for beginning, words in (
        (b"\x16\x03\x01\x00\x05hello\r\n\r\n", b"it is TLS: "),
        (b"hello\r\n\r\n", b"it is no HTTP: "),
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 wants one header Host"),
    ):
        head, _, body = raw(host, beginning).partition(b"\r\n\r\n")
        assert words in head
        assert words in body
        assert b"%20" not in body


def test_a_proxy_s_form_of_the_address_is_taken(host: str) -> None:
    """Programs that are told to use the sandbox as their proxy write it."""
    answer = raw(host, line(b"http://vendor.example/external/get/timestamp.php"))
    assert answer.endswith(b"\r\n\r\n%d" % NOW)


def test_a_body_in_chunks_is_read(host: str) -> None:
    """Whoever does not know its length sends it so."""
    head = b"POST /api/balance HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    answer = raw(host, head + kind + b"f\r\nvendor=lightsms\r\nc\r\n&amount=1.50\r\n0\r\n\r\n")
    assert b'"lightsms": "1.50"' in answer, answer


def test_two_lengths_are_refused(host: str) -> None:
    """They are how requests are smuggled."""
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    assert raw(host, head).startswith(b"HTTP/1.1 400 ")


def test_a_body_that_is_too_long_is_refused_in_words(host: str) -> None:
    """It is read to its end, so that the answer arrives."""
    status, body = get(host, "/external/get/send.php", "POST", b"x" * (3 << 20))
    assert (status, b"at most 1048576 bytes" in body) == (413, True)


LONG = b"POST /external/get/send.php HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n"


def test_a_length_above_the_bound_is_refused_by_the_head(host: str) -> None:
    """At once: nobody is told to go on, and none of the body is waited for."""
    for more in (b"Expect: 100-continue\r\n", b""):
        with dial(host) as connection:
            begun = time.monotonic()
            connection.sendall(LONG + more + b"\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
            assert time.monotonic() - begun < 0.3
            rest = b""
            while piece := receive(connection):
                rest += piece
            assert b"HTTP/1.1" not in rest  # no second answer to it
    assert [refusal for _, refusal, _, _ in listed(host)] == ["HTTP 413"] * 2


def receive(connection: socket.socket) -> bytes:
    """Return what comes next, nothing when the connection ends or breaks."""
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def test_the_body_of_an_answered_request_is_passed_over(host: str) -> None:
    """Its bytes are no first line, whatever they are; the next request on the connection is answered."""
    with dial(host) as connection:
        connection.sendall(LONG + b"\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        for piece in (b"\r\n" * 500_000, b"\xff" * 1_000_000, line(b"/external/get/timestamp.php")):
            connection.sendall(piece)
        rest = b""
        while piece := connection.recv(65536):
            rest += piece
        assert rest.count(b"HTTP/1.1 200 ") == rest.count(b"HTTP/1.1 ") == 1
        assert rest.endswith(b"%d" % NOW)


def listed(host: str) -> list[tuple[str, str, str, str]]:
    """Return vendor, refusal and reason of each entry, and the request as it came."""
    entries = json.loads(get(host, "/api/messages")[1])
    raws = [json.loads(get(host, f"/api/messages/{entry['number']}")[1])["raw"] for entry in entries]
    return [
        (one["vendor"], one["refusal"], one["reason"], as_it_came)
        for one, as_it_came in zip(entries, raws, strict=True)
    ]


def test_what_is_no_http_is_listed_with_its_first_line(host: str) -> None:
    """Nothing behind it is kept: a header may hold a secret. What was for the sandbox itself is nobody's message."""
    cookie = b" HTTP/1.1\r\nCookie: secret\r\n\r\n"
    for target in (b"/external/get/send.php?text=a b\xff", b"/api/messages?text=a b", b"/page/x y"):
        assert raw(host, b"GET " + target + cookie).startswith(b"HTTP/1.1 400 ")
    raw(host, b"hello\nsecret\r\n\r\n")
    raw(host, b"POST /wrong HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
    with dial(host) as connection, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
    space, hello, lengths, tls = listed(host)
    assert space[:3] == ("lightsms", "HTTP 400", "the address has a space, which is written as %20 or +")
    assert space[3] == "GET /external/get/send.php?text=a b\\xff HTTP/1.1"
    assert (hello[0], hello[3]) == ("unknown", "hello")
    assert lengths[2:] == (hello[2], "POST /wrong HTTP/1.1")
    assert tls[:3] == ("unknown", "HTTP 400", "it is TLS: the sandbox is asked by http://, not https://")


def test_the_list_says_of_a_long_address_what_the_answer_says(host: str) -> None:
    """Also where what is wrong stands behind the part that is kept."""
    answer = raw(host, line(SEND.encode() + b"x" * 16 * 1024 + b"a b"))
    ((vendor, _, reason, _),) = listed(host)
    assert f"\r\nX-Smscli-Reason: {reason}\r\n".encode() in answer
    assert (vendor, "%20" in reason) == ("mainsms", True)


def test_a_first_line_without_a_version_is_listed_under_its_address(host: str) -> None:
    """It is no look at the page."""
    raw(host, b"GET /external/get/send.php?text=a\r\n\r\n")
    assert [entry[0] for entry in listed(host)] == ["lightsms"]


def test_what_is_no_http_is_listed_once_of_each_request(host: str) -> None:
    """On a connection that was good before."""
    with dial(host) as connection:
        connection.sendall(b"GET /external/get/timestamp.php HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /external/get/send.php?text=" + b"a b" * 10_000)
        connection.sendall(b" HTTP/1.1\r\n\r\n")
        while connection.recv(65536):
            pass
    ((vendor, refusal, _, as_it_came),) = listed(host)
    assert (vendor, refusal, len(as_it_came)) == ("lightsms", "HTTP 400", 16 * 1024)


# --- slow ones, and many ---------------------------------------------------------------------------------------------


def test_connections_are_kept_alive(host: str) -> None:
    """Many requests, one connection."""
    connection = http.client.HTTPConnection(host, timeout=10)
    for _ in range(3):
        connection.request("GET", "/external/get/timestamp.php")
        assert connection.getresponse().read() == b"%d" % NOW
        held = connection.sock
    connection.request("GET", "/api/state")
    assert connection.getresponse().status == 200
    assert connection.sock is held
    connection.close()


HALF_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nab"


def test_no_answer_waits_for_a_delayed_confirmation(host: str) -> None:
    """A body in a packet of its own would wait 40 ms on every kept connection."""
    connection = http.client.HTTPConnection(host, timeout=10)
    begun = time.monotonic()
    for _ in range(50):
        connection.request("GET", "/external/get/timestamp.php")
        connection.getresponse().read()
    connection.close()
    assert time.monotonic() - begun < 1.5


@pytest.mark.parametrize("beginning", [b"", b"GET / HT", HALF_BODY], ids=["silent", "half a head", "half a body"])
def test_whoever_does_not_finish_a_request_is_cut_off(host: str, beginning: bytes) -> None:
    """Silent from the start, in the head, in the body; with a sentence."""
    begun = time.monotonic()
    answer = raw(host, beginning)
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert time.monotonic() - begun < 3


def test_dripping_does_not_help(host: str) -> None:
    """The time counts from the first byte of a request to its last."""
    begun = time.monotonic()
    with dial(host) as connection:
        connection.sendall(HALF_BODY)
        try:
            while time.monotonic() - begun < 3:
                connection.sendall(b"x")
                time.sleep(0.02)
        except OSError:
            return
    raise AssertionError("it is still listened to")


def test_whoever_does_not_read_a_reply_is_cut_off(served: tuple[str, Sandbox], host: str) -> None:
    """The reply is large, and a quarter of it fits on the way."""
    desk = served[1].desk
    with desk.lock:
        desk.keep(
            _desk.Caught(vendor="x", operation="send", now=NOW, signature=None, text="x" * 60_000) for _ in range(300)
        )
    with dial(host) as connection:
        connection.sendall(line(b"/api/messages"))
        time.sleep(1.2)
        received = 0
        with suppress(ConnectionError):
            while data := connection.recv(1 << 20):
                received += len(data)
    assert received < 300 * 60_000


def test_a_reply_that_is_not_taken_has_nothing_behind_it(served: tuple[str, Sandbox], host: str) -> None:
    """All of it was handed over at once, and the next request is not late."""
    desk = served[1].desk
    text = "ж" * 1_000_000  # six bytes each
    with desk.lock:
        desk.keep([_desk.Caught(vendor="x", operation="send", now=NOW, signature=None, text=text)])
    with dial(host) as connection:
        connection.sendall(line(b"/api/messages/%d" % desk.total).replace(b"Connection: close\r\n", b""))
        time.sleep(0.6)
        received = b""
        with suppress(ConnectionError):
            while data := connection.recv(1 << 20):
                received += data
    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408" not in received


def test_a_crowd_beyond_the_bound_is_turned_away_in_words(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who are inside are served on."""
    monkeypatch.setattr(_http._Protocol, "_most", 3)
    with ExitStack() as stack:
        inside = [stack.enter_context(dial(host)) for _ in range(3)]
        time.sleep(0.05)
        assert b"too many connections" in raw(host, b"")
        inside[0].sendall(line(b"/external/get/timestamp.php"))
        assert inside[0].recv(65536).startswith(b"HTTP/1.1 200 ")


# --- strangers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Origin": "http://{host}"}, 204),
        ({"Sec_Fetch_Site": "same-origin"}, 204),
        ({"Sec_Fetch_Site": "none"}, 204),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/api/reset"), ("DELETE", "/api/messages")])
def test_another_site_s_page_changes_nothing(
    host: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """A browser says on whose behalf it asks; programs say nothing."""
    get(host, SEND + "x")
    sent = {name: value.format(host=host) for name, value in headers.items()}
    assert get(host, path, method, None, **sent)[0] == status
    assert texts(host) == ([] if status == 204 else ["x"])


def test_a_vendor_s_address_asks_nobody_for_an_origin(host: str) -> None:
    """As the vendors do not."""
    assert get(host, SEND + "x", "POST", b"", Origin="http://evil.example")[0] == 200


# --- waiting ---------------------------------------------------------------------------------------------------------


def later(host: str, seconds: float, *paths: str) -> threading.Timer:
    """Make requests after some time."""
    timer = threading.Timer(seconds, lambda: [get(host, path) for path in paths])
    timer.start()
    return timer


def test_a_wait_ends_when_the_message_comes(host: str) -> None:
    """Not at another one's coming."""
    begun = time.monotonic()
    timer = later(host, 0.2, SEND + "other", SEND + quote("Ваш код 123456"))
    status, body = get(host, f"/api/wait?to=%2B79121231234&text={quote('код')}&timeout=8")
    timer.join()
    assert (status, json.loads(body)["text"]) == (200, "Ваш код 123456")
    assert 0.1 < time.monotonic() - begun < 4


def test_a_wait_that_ends_says_what_was_closest(host: str) -> None:
    """After its time, not before."""
    get(host, SEND + "hello")
    begun = time.monotonic()
    status, body = get(host, "/api/wait?to=79121231234&text=code&timeout=0.3")
    assert time.monotonic() - begun >= 0.3
    tree = json.loads(body)
    assert (status, tree["closest"]["text"], tree["differs_in"]) == (404, "hello", ["text"])


def test_a_wait_that_the_end_of_the_sandbox_cuts_short_says_so() -> None:
    """Not that its time was over."""
    app = sandbox.create_app()
    with serving(app) as host:
        timer = threading.Timer(0.3, app.close)
        timer.start()
        status, body = get(host, "/api/wait?to=79121231234&timeout=60")
        timer.join()
    assert (status, json.loads(body)["error"]) == (404, "no message is meant before the sandbox ended")


CROWD = SEND + "crowd&test=1&recipients=" + ",".join(str(9121230000 + number) for number in range(30))


@pytest.mark.parametrize("awaited", ["crowd", "late"])
def test_a_wait_that_falls_behind_goes_on(host: str, monkeypatch: pytest.MonkeyPatch, awaited: str) -> None:
    """More arrive at once than are kept for it: it finds what it waits for among them, or afterwards."""
    monkeypatch.setattr(_hub, "_EVENTS", 10)
    begun = time.monotonic()
    timer = later(host, 0.1, CROWD, SEND + "late")
    status, body = get(host, f"/api/wait?text={awaited}&timeout=8")
    timer.join()
    assert (status, json.loads(body).get("text")) == (200, awaited)
    assert time.monotonic() - begun < 4


def test_a_delayed_answer_waits_out_a_crowd(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not given up because much happens meanwhile."""
    monkeypatch.setattr(_hub, "_EVENTS", 10)
    assert get(host, "/api/chaos?rule=balance+delay=0.3", "POST")[0] == 201
    timer = later(host, 0.1, CROWD)
    begun = time.monotonic()
    status, _ = get(host, f"/api/mainsms/message/balance?project=demo-payforsms&apikey={PAYFORSMS_KEY}")
    timer.join()
    get(host, "/api/chaos", "DELETE")
    assert (status, time.monotonic() - begun >= 0.3) == (200, True)


def test_a_code_can_be_waited_for(host: str) -> None:
    """In the newest message that has one."""
    timer = later(host, 0.1, SEND + "hello", SEND + "code+4711")
    status, body = get(host, "/api/messages/latest/code?timeout=8")
    timer.join()
    assert (status, json.loads(body)["code"]) == (200, "4711")


def events(connection: http.client.HTTPConnection, count: int, **headers: str) -> list[tuple[str, Any]]:
    """Return the next events of a stream: name and value."""
    connection.request("GET", "/api/events", headers={name.replace("_", "-"): value for name, value in headers.items()})
    reply = connection.getresponse()
    assert (reply.headers["Content-Type"], reply.headers["X-Content-Type-Options"]) == ("text/event-stream", "nosniff")
    seen: list[tuple[str, Any]] = []
    name = ""
    while len(seen) < count:
        row = reply.readline().decode().rstrip("\n")
        if row.startswith("event: "):
            name = row[7:]
        elif row.startswith("data: "):
            seen.append((name, json.loads(row[6:])))
    return seen


def test_a_stream_tells_what_happens(host: str) -> None:
    """New messages, the list emptied, everything begun anew."""
    connection = http.client.HTTPConnection(host, timeout=10)
    timer = threading.Timer(
        0.15, lambda: (get(host, SEND + "one"), get(host, "/api/messages", "DELETE"), get(host, "/api/reset", "POST"))
    )
    timer.start()
    seen = events(connection, 3)
    timer.join()
    connection.close()
    assert [(name, value.get("text")) for name, value in seen] == [("new", "one"), ("clear", None), ("reset", None)]


def test_a_stream_that_broke_goes_on_where_it_was(served: tuple[str, Sandbox], host: str) -> None:
    """A browser says which event it has seen last."""
    for word in ("one", "two", "three"):
        get(host, SEND + word)
    first = json.loads(get(host, "/api/messages")[1])[0]["number"]
    connection = http.client.HTTPConnection(host, timeout=10)
    seen = events(connection, 2, Last_Event_ID=f"{served[1].desk.generation}-{first}")
    connection.close()
    assert [value["text"] for _, value in seen] == ["two", "three"]


def test_a_stream_that_is_asked_for_its_head_ends(host: str) -> None:
    """With the kind of what a GET brings."""
    begun = time.monotonic()
    assert get(host, "/api/events", "HEAD") == (200, b"")
    assert time.monotonic() - begun < 3


# --- diagnoses -------------------------------------------------------------------------------------------------------


def test_a_diagnosis_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at a time, the same one once; those that find too many waiting are told so, and everybody else goes on."""
    go, asked = threading.Event(), []

    def slow(_vendor: str, signature: str, *_rest: Any) -> str:
        asked.append(signature)
        assert go.wait(10)
        return f"because of {signature}"

    monkeypatch.setattr(_checking, "_diagnose", slow)
    monkeypatch.setattr(_http, "_QUESTIONS", 4)
    monkeypatch.setattr(_http, "_LONGEST_QUESTION", 30)
    wrong = "/api/mainsms/message/balance?project=demo-payforsms&sign="
    headers: dict[str, str] = {}

    def ask(name: str, sign: str) -> None:
        connection = http.client.HTTPConnection(address, timeout=10)
        connection.request("GET", wrong + sign)
        headers[name] = connection.getresponse().headers["X-Smscli-Diagnosis"]
        connection.close()

    with standing_still() as (address, app):
        signs = [f"{number:032x}" for number in range(_http._QUESTIONS)]
        waiting = [threading.Thread(target=ask, args=(sign, sign)) for sign in signs]
        twin = threading.Thread(target=ask, args=("twin", signs[0]))
        for thread in (*waiting, twin):
            thread.start()
        while len(app.desk.caught) < len(signs) + 1:
            time.sleep(0.01)
        assert texts(address) == [None] * (len(signs) + 1)
        ask("one too many", "f" * 32)
        assert headers == {"one too many": TOO_MANY}
        assert len(asked) == 1
        go.set()
        for thread in (*waiting, twin):
            thread.join(10)
        assert headers["twin"] == headers[signs[0]] == f"because of {signs[0]}"
        ask("again", signs[3])
        assert headers["again"] == f"because of {signs[3]}"
        listed = [entry["diagnosis"] for entry in json.loads(get(address, "/api/messages")[1])]
    assert sorted(asked) == signs
    assert listed.count(f"because of {signs[3]}") == 2
    assert TOO_MANY in listed


def test_a_diagnosis_that_comes_late_is_in_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer does not wait for ever; a page that listens hears of it."""
    go = threading.Event()

    def slow(*_asked: Any) -> str:
        assert go.wait(10)
        return "a mistake"

    monkeypatch.setattr(_checking, "_diagnose", slow)
    monkeypatch.setattr(_http, "_LONGEST_QUESTION", 0.1)
    with standing_still() as (address, _):
        assert get(address, "/api/mainsms/message/balance?project=demo-payforsms&sign=" + "0" * 32)[0] == 200
        assert json.loads(get(address, "/api/messages")[1])[0]["diagnosis"] == TOO_MANY
        connection = http.client.HTTPConnection(address, timeout=10)
        timer = threading.Timer(0.1, go.set)
        timer.start()
        ((name, entry),) = events(connection, 1)
        timer.join()
        connection.close()
        assert (name, entry["diagnosis"]) == ("update", "a mistake")
        assert json.loads(get(address, "/api/messages")[1])[0]["diagnosis"] == "a mistake"


# --- the end ---------------------------------------------------------------------------------------------------------

SLOW = "import time; from smscli.sandbox import _checking; _checking._diagnose = lambda *_: time.sleep(20)\n"
SERVER = "from smscli import sandbox; sandbox.serve(sandbox.create_app(), 0, ready=lambda url: print(url, flush=True))"


@pytest.mark.usefixtures("heeded_signals")
@pytest.mark.parametrize(("number", "program"), [(signal.SIGINT, SERVER), (signal.SIGTERM, SLOW + SERVER)])
def test_the_end_waits_for_nobody(number: signal.Signals, program: str) -> None:
    """Streams, waits, diagnoses, requests that never come to their end: gone within a second, without a word."""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        host = urlsplit(server.stdout.readline().strip()).netloc
        with ExitStack() as stack:
            for beginning in (
                line(b"/api/events"), line(b"/api/wait?to=1&timeout=60"), b"GET / HT", b"", HALF_BODY,
            ):  # fmt: skip
                stack.enter_context(dial(host)).sendall(beginning)
            wrong = b"/api/mainsms/message/balance?project=demo-payforsms&sign=%032d"
            for place in range(20):  # several seconds of diagnoses
                stack.enter_context(dial(host)).sendall(line(wrong % place))
            assert get(host, "/api/state")[0] == 200
            begun = time.monotonic()
            server.send_signal(number)
            out, err = server.communicate(timeout=10)
        assert (server.returncode, out, err) == (0, "", "")
        assert time.monotonic() - begun < 1.5

"""A sandbox that passes requests on: every byte as it came, once, and a list that says what became of each."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from threading import Semaphore
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from smscli import sandbox
from smscli.errors import ConfigError
from smscli.model import Account, Secret
from smscli.providers import get
from smscli.sandbox import Caught, _upstream
from smscli.sandbox._later import Passing
from smscli.sandbox._raw import RawRequest
from smscli.sandbox._service import Sandbox
from smscli.transport import HttpTransport, Passage
from smscli.wire import Response, encode
from tests.bench import ask, serving
from tests.upstreams import OK, Upstream, upstream
from tests.vendors import PLATFORMS, message

KEY = "zQ7/xJ+k9vW3=b8"
SEND = "/external/get/send.php"
DIRECTORY = "/external/get/"


@contextmanager
def recording(
    base_url: str, vendor: str = "lightsms", *, account: Account | None = None, seconds: float = 5.0
) -> Iterator[tuple[str, Sandbox]]:
    """Serve a recorder in a thread; give its host with port, and itself."""
    own = account or Account(base_url, Secret(KEY), {"login": "acme", "clock": "vendor"})
    with recorder(own._replace(base_url=base_url), vendor, seconds=seconds) as app, serving(app) as host:
        yield host, app


@contextmanager
def recorder(account: Account, vendor: str = "lightsms", *, seconds: float = 5.0) -> Iterator[Sandbox]:
    """Give a recorder that is not served."""
    passage = Passage(account.base_url, seconds, HttpTransport)
    try:
        yield sandbox.create_recorder(vendor, account, passage, passage.cancel)
    finally:
        passage.cancel()


def speak(host: str, data: bytes) -> bytes:
    """Send bytes on a connection of their own; return all that comes back."""
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), 10) as line:
        line.sendall(data)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
        return answer


def get_request(host: str, target: bytes, *lines: bytes) -> bytes:
    """Make a GET byte by byte."""
    head = (b"GET " + target + b" HTTP/1.1", b"Host: " + host.encode(), *lines, b"Connection: close", b"", b"")
    return speak(host, b"\r\n".join(head))


def listed(app: Sandbox) -> list[dict[str, Any]]:
    """Return the list, whole."""
    with app.desk.lock:
        return [sandbox.written(app, entry, whole=True) for entry in app.desk.caught]


def outcome(app: Sandbox) -> tuple[str, str | None, int | None]:
    """Return what the only entry says of the way there: outcome, refusal, status."""
    (entry,) = listed(app)
    return entry["upstream"]["outcome"], entry["refusal"], entry["upstream"]["status"]


def first_line(server: Upstream) -> bytes:
    """Return the first line of the only request that came."""
    (seen,) = server.seen
    return seen.partition(b"\r\n")[0]


# --- as it came ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        b"%2b+%2B%20", "Привет,ž".encode(), "тест".encode("cp1251"), b"[]{}|^`\"<>\\", b"a%zz%", b"%D0%bf",
        b"../..//./x", b"a=1&a=2&&=&b", b"", b"?", b"#x", b"%00%0d%0a",
    ],
)  # fmt: skip
def test_the_address_goes_on_byte_for_byte(target: bytes) -> None:
    """No escape is respelled, nothing is escaped that was not, no dot is resolved."""
    with upstream() as server, recording(server.root + DIRECTORY) as (host, _):
        whole = SEND.encode() + b"?text=" + target
        assert get_request(host, whole).endswith(b"\r\n\r\n{}")
        assert first_line(server) == b"GET " + whole + b" HTTP/1.1"


def test_a_lone_question_mark_goes_on() -> None:
    """Although it means nothing."""
    with upstream() as server, recording(server.root + DIRECTORY) as (host, _):
        get_request(host, SEND.encode() + b"?")
        assert first_line(server) == b"GET " + SEND.encode() + b"? HTTP/1.1"


def test_headers_go_on_but_for_the_host_and_those_of_a_connection() -> None:
    """Nothing is added either, but that one connection is for one request."""
    with upstream() as server, recording(server.root + DIRECTORY) as (host, _):
        lines = (
            b"X-B: 2", b"User-Agent: shop/1", b"X-A: caf\xe9", b"Cookie: a=b", b"X-B: 3", b"Keep-Alive: 5",
            b"Date: never", b"TE: trailers", b"Proxy-Authorization: Basic eA==", b"X-Hop: 1", b"Connection: x-hop",
        )  # fmt: skip
        get_request(host, SEND.encode(), *lines)
        get_request(host, SEND.encode())
        heads = [seen.split(b"\r\n")[1:-2] for seen in server.seen]
    own = b"Host: " + urlsplit(server.root).netloc.encode()
    ours = [b"x-b: 2", b"x-b: 3", b"user-agent: shop/1", b"x-a: caf\xe9", b"cookie: a=b", b"date: never"]
    assert heads == [[own, *ours, b"Connection: close"], [own, b"Connection: close"]]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_goes_on_byte_for_byte(chunked: bool) -> None:
    """With its method and its type, and with a length where it came in chunks."""
    body = b"text=%2b+\xff\x00&a=&" + b"x" * 100_000
    with upstream() as server, recording(server.root + DIRECTORY) as (host, app):
        line = http.client.HTTPConnection(host, timeout=10)
        line.request("PATCH", SEND, iter([body[:7], body[7:]]) if chunked else body, {"Content-Type": "text/odd"})
        assert line.getresponse().read() == b"{}"
        line.close()
        head, _, sent = server.seen[0].partition(b"\r\n\r\n")
        assert sent == body
        assert head.startswith(b"PATCH ")
        assert b"content-type: text/odd" in head.lower()
        assert head.lower().count(b"content-length: %d" % len(body)) == 1
        assert b"chunked" not in head.lower()
        assert listed(app)[0]["raw"].startswith("PATCH ")


def test_requests_that_share_a_connection_keep_their_addresses() -> None:
    """Each goes on as it came, over a connection of its own."""
    texts = [b"a\xff", b"b", b"\xd0\xbf%2b"]
    with upstream() as server, recording(server.root + DIRECTORY) as (host, _):
        name, _, port = host.partition(":")
        with socket.create_connection((name, int(port)), 10) as line:
            for text in texts:
                line.sendall(b"GET " + SEND.encode() + b"?text=" + text + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = b""
                while not answer.endswith(b"{}"):
                    answer += line.recv(65536)
        assert [seen.split(b" ")[1].rpartition(b"=")[2] for seen in server.seen] == texts


def test_of_requests_in_one_packet_each_keeps_its_address() -> None:
    """The line of the first is not taken for that of the second."""
    with upstream() as server, recording(server.root + DIRECTORY) as (host, _):
        heads = [
            b"text=a\xff HTTP/1.1\r\nHost: localhost",
            b"text=%2b HTTP/1.1\r\nHost: localhost\r\nConnection: close",
        ]
        answer = speak(host, b"".join(b"GET " + SEND.encode() + b"?" + head + b"\r\n\r\n" for head in heads))
        assert answer.count(b"\r\n\r\n{}") == 2
        assert [seen.split(b" ")[1].rpartition(b"=")[2] for seen in server.seen] == [b"a\xff", b"%2b"]


def test_a_request_for_a_proxy_goes_on_without_its_host() -> None:
    """Whatever host it names: there is one address that requests go to."""
    with upstream() as server, recording(server.root + DIRECTORY) as (host, _):
        get_request(host, b"http://elsewhere.example" + SEND.encode() + b"?a=%2b")
        assert first_line(server) == b"GET " + SEND.encode() + b"?a=%2b HTTP/1.1"


def test_another_directory_takes_the_place_of_the_vendors_own() -> None:
    """And a path that does not lie in that of the vendor's leads nowhere."""
    with upstream() as server, recording(server.root + "/sms/v2") as (host, app):
        get_request(host, SEND.encode() + b"?a=%2b")
        assert first_line(server) == b"GET /sms/v2/send.php?a=%2b HTTP/1.1"
        assert b" 502 " in get_request(host, b"/%65xternal/get/send.php")
        assert len(server.seen) == 1
        assert listed(app)[1]["refusal"] == "NOT_SENT"


def test_the_answer_comes_back_unchanged() -> None:
    """Status, body, type and what else the vendor says, but for its connection; the list has the beginning of it."""
    body = gzip.compress(b'{"error": 6}')
    head = (
        b"HTTP/1.1 418 Teapot\r\nContent-Type: text/odd; charset=x\r\nContent-Encoding: gzip\r\nX-Own: \xe9 1\r\n"
        b"Cache-Control: private\r\nKeep-Alive: 9\r\nDate: never\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with upstream(head + chunks) as server, recording(server.root + DIRECTORY) as (host, app):
        line = http.client.HTTPConnection(host, timeout=10)
        line.request("GET", SEND)
        answer = line.getresponse()
        assert (answer.status, answer.read()) == (418, body)
        headers = {name.lower(): value for name, value in answer.getheaders()}
        line.close()
        del headers["date"]
        assert headers == {
            "content-type": "text/odd; charset=x", "content-encoding": "gzip", "x-own": "\xe9 1",
            "cache-control": "private", "x-content-type-options": "nosniff", "content-length": str(len(body)),
        }  # fmt: skip
        assert listed(app)[0]["answer"] == 'HTTP/1.1 418\r\nContent-Type: text/odd; charset=x\r\n\r\n{"error": 6}'


def test_an_answer_of_which_no_more_than_its_name_is_compressed_is_listed_as_it_is() -> None:
    """A vendor's mistake is not ours."""
    answer = OK.replace(b"Content-Type", b"Content-Encoding: gzip\r\nContent-Type")
    with upstream(answer) as server, recording(server.root + DIRECTORY) as (host, app):
        assert get_request(host, SEND.encode()).endswith(b"{}")
        assert listed(app)[0]["answer"].endswith("{}")


# --- once ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "reset the connection"),
        (b"", "closed the connection without an answer"),
        (OK.replace(b"Content-Length: 2", b"Content-Length: 20"), "ended early"),
        (b"nonsense\r\n\r\n", "not proper HTTP"),
        (OK.replace(b"Length: 2", b"Length: 1048577") + b"x" * 1_048_575, "longer than 1024 KiB"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "status 101"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_whose_answer_is_lost_is_unknown_and_never_repeated(
    method: str, answer: bytes | None, why: str
) -> None:
    """The program hears it with status 504, and the list has the same word."""
    with upstream(answer) as server, recording(server.root + DIRECTORY) as (host, app):
        line = http.client.HTTPConnection(host, timeout=10)
        line.request(method, SEND + "?text=x&phone=37061234567", b"x=1" if method == "POST" else None)
        reply = line.getresponse()
        text = reply.read().decode()
        line.close()
        assert (reply.status, reply.getheader("X-Smscli-Outcome"), len(server.seen)) == (504, "UNKNOWN", 1)
        assert why in text
        assert "may have been carried out" in text or "status 101" in text
        assert outcome(app) == ("UNKNOWN", "UNKNOWN", None)


def test_of_a_send_whose_answer_is_cut_in_its_head_the_list_knows_nothing() -> None:
    """A head that is cut is one without that line; the program gets what came, once."""
    with upstream(b"HTTP/1.1 200 Fine\r\nContent-Le") as server, recording(server.root + DIRECTORY) as (host, app):
        answer = get_request(host, SEND.encode() + b"?text=x&phone=37061234567")
        assert (answer.partition(b"\r\n")[0], len(server.seen)) == (b"HTTP/1.1 200 OK", 1)
        assert outcome(app) == ("UNKNOWN", "UNKNOWN", 200)


def test_silence_is_unknown_when_the_time_is_over() -> None:
    """There is one deadline for all of it."""
    with upstream(stalls=True) as server, recording(server.root + DIRECTORY, seconds=0.3) as (host, app):
        began = time.monotonic()
        assert get_request(host, SEND.encode()).startswith(b"HTTP/1.1 504 ")
        assert time.monotonic() - began < 5
        assert (outcome(app), len(server.seen)) == (("UNKNOWN", "UNKNOWN", None), 1)


def test_a_vendor_that_cannot_be_reached_is_proved_not_sent() -> None:
    """The program hears it with status 502."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with recording(f"http://127.0.0.1:{port}{DIRECTORY}") as (host, app):
        reply = get_request(host, SEND.encode())
        assert reply.startswith(b"HTTP/1.1 502 ")
        assert b"X-Smscli-Outcome: NOT_SENT" in reply
        assert b"it refused the connection; nothing was sent" in reply
        assert outcome(app) == ("NOT_SENT", "NOT_SENT", None)


def test_trouble_of_our_own_on_the_way_proves_nothing() -> None:
    """It is unknown, for the program and in the list."""

    def stumble(*_: object) -> Response:
        raise ZeroDivisionError

    account = Account("http://127.0.0.1:1" + DIRECTORY, Secret(KEY), {"login": "acme"})
    app = sandbox.create_recorder("lightsms", account, stumble, lambda: None)
    assert ask(app, SEND).get_data(as_text=True) == "UNKNOWN: an unexpected ZeroDivisionError\n"
    assert outcome(app) == ("UNKNOWN", "UNKNOWN", None)


def test_more_than_go_at_once_are_not_sent() -> None:
    """An address that leads back here comes to an end by it."""
    with upstream() as server, recording(server.root + DIRECTORY) as (host, app):
        assert app.upstream is not None
        app.upstream.slots = Semaphore(0)
        assert get_request(host, SEND.encode()).startswith(b"HTTP/1.1 502 ")
        assert (outcome(app)[0], server.seen) == ("NOT_SENT", [])
    with recorder(Account("http://127.0.0.1:1" + DIRECTORY, Secret(KEY), {"login": "acme"})) as app:
        step = app.begin(RawRequest("GET", SEND.encode()))
        assert isinstance(step, Passing)
        assert step.refuse("no more threads").status == 502
        assert listed(app)[0]["reason"] == "no more threads; nothing was sent"


def test_what_is_under_way_at_the_end_is_listed_as_unknown() -> None:
    """Nobody waits for the vendor, and nothing begins any more."""
    with upstream(stalls=True) as server, recorder(
        Account(server.root + DIRECTORY, Secret(KEY), {"login": "acme"}), seconds=20
    ) as app:  # fmt: skip
        with serving(app) as host:
            client = threading.Thread(target=get_request, args=(host, SEND.encode()), daemon=True)
            client.start()
            deadline = time.monotonic() + 10
            while not server.seen:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            began = time.monotonic()
        client.join(5)
        assert time.monotonic() - began < 5
        assert outcome(app) == ("UNKNOWN", "UNKNOWN", None)
        assert ask(app, SEND).status_code == 502
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("method", "answer", "status"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200),
        ("GET", b"HTTP/1.1 204 None\r\n\r\n", 204),
        ("GET", b"HTTP/1.1 304 Same\r\nETag: x\r\n\r\n", 304),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 302),
        ("odd", b"HTTP/1.0 200 OK\r\n\r\n", 200),
    ],
)
def test_an_answer_without_a_body_is_one(method: str, answer: bytes, status: int) -> None:
    """And no redirect is followed."""
    with upstream(answer) as server, recording(server.root + DIRECTORY) as (host, app):
        data = f"{method} {SEND} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        assert speak(host, data.encode()).startswith(b"HTTP/1.1 %d " % status)
        assert first_line(server) == f"{method} {SEND} HTTP/1.1".encode()
        assert outcome(app)[2] == status


def test_what_our_own_reading_stumbles_over_reaches_the_program_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendor of another package may have a parser that raises."""

    def stumble(*_: object) -> list[Caught]:
        raise ZeroDivisionError

    monkeypatch.setattr(_upstream, "_judged", stumble)
    with upstream() as server, recording(server.root + DIRECTORY) as (host, app):
        assert get_request(host, SEND.encode()).endswith(b"{}")
        assert outcome(app) == ("UNKNOWN", "UNKNOWN", 200)


def test_only_messages_are_waited_for() -> None:
    """The questions of a program are in the list as well, and no code is in them."""
    with upstream() as server, recording(server.root + DIRECTORY) as (host, app):
        get_request(host, b"/external/get/timestamp.php")
        assert ask(app, "/api/messages/latest").status_code == 404
        assert ask(app, "/api/messages/latest?accepted=true").get_json()["operation"] == "timestamp"


def test_a_body_that_is_too_long_is_listed_under_the_vendor_of_the_profile() -> None:
    """Also where two brands share the address; the other one cannot be searched for."""
    with recorder(Account("http://127.0.0.1:1/api/mainsms/", Secret(KEY), {"project": "acme"}), "payforsms") as app:
        assert ask(app, "/api/mainsms/message/send", "POST", data=b"x" * (1024 * 1024 + 1)).status_code == 413
        (entry,) = ask(app, "/api/messages?vendor=payforsms").get_json()
        assert (entry["refusal"], entry["upstream"]) == ("HTTP 413", None)
        assert ask(app, "/api/messages?vendor=mainsms").get_json()["error"] == "vendor is one of payforsms, unknown"


def test_it_is_for_this_machine_alone() -> None:
    """What really sends is not served to a network."""
    account = Account("http://127.0.0.1:1/", Secret(KEY), {"login": "acme"})
    with recorder(account) as app, pytest.raises(ConfigError, match="other machines"):
        sandbox.serve(app, 0, "0.0.0.0", ready=print)  # noqa: S104  (that is what is refused)


# --- what is not passed on -------------------------------------------------------------------------------------------


def test_a_sandbox_passes_nothing_on_unless_it_is_told_to() -> None:
    """A vendor is emulated."""
    app = sandbox.create_app()
    assert app.upstream is None
    assert ask(app, "/api/state").get_json()["upstream"] is None
    ask(app, f"{SEND}?login=x")
    assert listed(app)[0]["upstream"] is None
    assert listed(app)[0]["answer"] is None


def test_other_vendors_are_not_there_and_nothing_is_emulated() -> None:
    """A program that waits for an answer of theirs must not take an emulator's for it."""
    with upstream() as server, recording(server.root + DIRECTORY) as (host, app):
        for path in (
            "/omrestapi/api.php",
            "/api/mainsms/message/send",
            "/",
            "/api/messages",
            "/page/setup",
            "/elsewhere",
        ):
            get_request(host, path.encode())
        assert ask(app, "/omrestapi/api.php").status_code == 404
        for path, method in (
            ("/api/balance", "GET"),
            ("/api/balance", "POST"),
            ("/api/chaos", "POST"),
            ("/api/chaos/1", "DELETE"),
        ):
            assert ask(app, path, method, data={"rule": "send error=32"}).status_code == 409
        assert list(ask(app, "/").get_json()["base_urls"]) == ["lightsms"]
        state = ask(app, "/api/state").get_json()
        assert (state["upstream"], state["settings"]["vendors"]) == (server.root + DIRECTORY, ["lightsms"])
        setup = ask(app, "/page/setup").get_json()
        assert setup["upstream"] == server.root + DIRECTORY
        assert [(one["vendor"], one["fields"], one["numbers"]) for one in setup["vendors"]] == [("lightsms", {}, [])]
        app.reset()
        assert app.desk.credit == {}
        assert server.seen == []


@pytest.mark.parametrize(
    "line", [b"Origin: http://evil.example", b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Site: none"]
)
def test_what_a_browser_sends_is_not_passed_on(line: bytes) -> None:
    """A page of somebody else's must not have texts sent, nor an answer of a vendor's run as a page of ours."""
    with upstream() as server, recording(server.root + DIRECTORY) as (host, app):
        assert get_request(host, SEND.encode(), line).startswith(b"HTTP/1.1 403 ")
        assert (server.seen, listed(app)) == ([], [])


# --- what the list says ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", PLATFORMS)
def test_behind_it_another_sandbox_catches_one_message_and_both_lists_agree(vendor: str) -> None:
    """As it would be with a vendor: what it has accepted is accepted, by its own id."""
    inner = sandbox.create_app()
    with serving(inner) as there:
        account = sandbox.demo(vendor).account
        with recording(sandbox.base_urls(f"http://{there}")[vendor], vendor, account=account) as (host, app):
            own = account._replace(base_url=sandbox.base_urls(f"http://{host}")[vendor])
            request = get(vendor).send.build(message(vendor), own, str(int(time.time())))
            line = http.client.HTTPConnection(host, timeout=10)
            path = request.target.partition(host)[2]
            line.request(request.method, path, request.body, {"Content-Type": "application/x-www-form-urlencoded"})
            receipt = get(vendor).send.parse(
                _response(line.getresponse()), message(vendor), dict((*request.query, *request.form)).get("rand", "")
            )
            line.close()
            (theirs,), (ours,) = listed(inner), listed(app)
    same = ("vendor", "operation", "accepted", "refusal", "to", "text", "sender", "parts", "message_id", "signature")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same} | {
        "message_id": receipt.submissions[0].message_id
    }
    assert (ours["upstream"]["outcome"], ours["note"], ours["reason"]) == ("SENT", theirs["note"], None)


def _response(answer: http.client.HTTPResponse) -> Response:
    return Response(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})


def signed(*pairs: tuple[str, str], key: str = KEY, order: list[str] | None = None) -> str:
    """Return a query that is signed as LightSMS wants it, or in another order."""
    names = order or sorted(dict(pairs))
    text = "".join(dict(pairs)[name] for name in names) + key
    return encode((*pairs, ("signature", md5(text.encode(), usedforsecurity=False).hexdigest())))


def test_a_wrong_signature_goes_on_and_is_explained_here() -> None:
    """The vendor's answer is not changed by it; of the key nothing is told, not even how it was misspelled."""
    account = Account("", Secret(KEY), {"login": "acme", "clock": "vendor"})
    inner = sandbox.create_app({"lightsms": account})
    pairs = (
        ("login", "acme"), ("phone", "37061234567"), ("sender", "Demo"), ("text", "Hi"),
        ("timestamp", str(int(time.time()))),
    )  # fmt: skip
    queries = [
        signed(*pairs), signed(*pairs, order=["text", "login", "phone", "sender", "timestamp"]),
        signed(*pairs, key=KEY[:-1]),
        signed(*pairs)[:-8], signed(*pairs[:-1], ("timestamp", "1700000000")),
        urlencode([*pairs, ("signature", "é")]), signed(*pairs[:-1]),
    ]  # fmt: skip
    with serving(inner) as there, recording(f"http://{there}{DIRECTORY}", account=account) as (host, app):
        answers = [get_request(host, f"{SEND}?{query}".encode()).rpartition(b"\r\n")[2] for query in queries]
        entries = listed(app)
        drawn = [ask(app, f"/page/messages/{entry['number']}").get_json() for entry in entries]
    assert answers[1:6] == [b'{"37061234567": {"error": "6"}}'] * 5
    assert [entry["refusal"] for entry in entries] == [None] + ["error 6"] * 5 + ["error 24"]
    assert entries[1]["diagnosis"].startswith("The values were joined sorted by the length of the name")
    assert [len(one["explanations"]) for one in drawn][:3] == [0, 1, 0]
    unexplained = "No known mistake explains it; `smscli sign --capture` looks for mistakes with the key, too."
    assert [entries[2]["diagnosis"], entries[3]["diagnosis"]] == [unexplained] * 2
    assert "by this machine's clock" in entries[4]["reason"]
    assert entries[6]["reason"] == "timestamp is missing"
    assert "neither hex" in entries[5]["diagnosis"]
    assert KEY not in json.dumps([entries, drawn])
    assert all(entry["expected"] is None or "***" in entry["expected"] for entry in entries)


@pytest.mark.parametrize(
    ("answer", "path", "refusal", "outcomes"),
    [
        ('{"37061234567": {"error": "0", "id_sms": "7", "cost": "0.1", "count_sms": "2"}}', "send", None, "SENT"),
        ('{"37061234567": {"error": 32}}', "send", "error 32", "REFUSED"),
        ('{"error": 6}', "send", "error 6", "REFUSED"),
        ("<xml/>", "send", "UNKNOWN", "UNKNOWN"),
        ('{"money": "1", "currency": "EUR"}', "balance", None, "ANSWERED"),
        ('{"error": 6}', "balance", "error 6", "REFUSED"),
        ('{"error": 17}', "status", "error 17", "REFUSED"),
        ("<xml/>", "unheard_of", None, "ANSWERED"),
        ("1795698629", "timestamp", None, "ANSWERED"),
    ],
)
def test_the_vendor_decides_what_was_accepted(answer: str, path: str, refusal: str | None, outcomes: str) -> None:
    """What is wrong by the checks here is said beside it."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n{answer}".encode()
    with upstream(head) as server, recording(server.root + DIRECTORY) as (host, app):
        get_request(host, f"/external/get/{path}.php?login=other&phone=37061234567&text=Hi".encode())
        (entry,) = listed(app)
        assert (entry["refusal"], entry["upstream"]["outcome"]) == (refusal, outcomes)
        missing = "signature is missing"
        if path not in ("timestamp", "unheard_of"):
            assert missing in f"{entry['reason']}{entry['note']}"
        if outcomes == "SENT":
            assert (entry["parts"], entry["cost"], entry["message_id"]) == (2, "0.1", "7")


def test_an_answer_that_is_compressed_in_another_way_is_said_to_be_unread() -> None:
    """The program gets it as it came; what smscli does not see is not known here."""
    packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\n\x8b\x00\x80"
    with upstream(packed) as server, recording(server.root + DIRECTORY) as (host, app):
        assert get_request(host, SEND.encode() + b"?phone=37061234567&text=a").endswith(b"\x8b\x00\x80")
        (entry,) = listed(app)
        assert (entry["refusal"], entry["upstream"]["status"]) == ("UNKNOWN", 200)
        assert entry["reason"] == "the answer is compressed as br, which is not read here"


def test_an_http_error_is_no_acceptance() -> None:
    """Of a question as of a send."""
    answer = b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n"
    with upstream(answer) as server, recording(server.root + DIRECTORY) as (host, app):
        get_request(host, b"/external/get/balance.php")
        get_request(host, SEND.encode() + b"?phone=37061234567,x&text=a")
        got = [(entry["to"], entry["refusal"], entry["upstream"]["outcome"]) for entry in listed(app)]
        assert got == [
            (None, "HTTP 503", "UNKNOWN"), ("37061234567", "UNKNOWN", "UNKNOWN"), ("x", "UNKNOWN", "UNKNOWN"),
        ]  # fmt: skip


def test_what_is_cut_is_said_to_be_also_where_a_key_was_hidden_in_it() -> None:
    """A mask is shorter than a key, and an answer in another script has fewer letters than bytes."""
    key, text = "0123456789abcdef", "ж" * 17_000
    body = json.dumps({"key": key, "text": text}, ensure_ascii=False).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    fields = {"project": "acme", "auth": "sign"}
    with upstream(head + body) as server, recording(
        server.root + "/api/mainsms/", "mainsms", account=Account("", Secret(KEY), fields)
    ) as (host, app):  # fmt: skip
        query = {"project": "acme", "recipients": "79121231234", "apikey": key, "sign": "0" * 32, "message": text}
        get_request(host, f"/api/mainsms/message/send?{urlencode(query)}".encode())
        drawn = ask(app, "/page/messages/1").get_json()
    assert (drawn["cut"], drawn["answer_cut"], drawn["explanations"]) == (True, True, [])
    assert "apikey=***" in drawn["message"]["raw"]
    assert '"key": "***"' in drawn["message"]["answer"]


def test_no_key_can_be_seen() -> None:
    """Neither the profile's nor one that a request brings, wherever it stands; the vendor gets what was sent."""
    fields = {"project": "acme", "auth": "apikey"}
    other = "0123456789abcdef"
    places = [
        f"project=acme&recipients=79121231234&message=Hi&apikey={key}" for key in (KEY.replace("+", "%2b"), other)
    ]
    echo = f'{{"status": "error", "error": "2", "apikey": "{other}", "key": "{KEY}"}}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(echo)}\r\n\r\n{echo}".encode()
    with upstream(head) as server, recording(
        server.root + "/api/mainsms/", "mainsms", account=Account("", Secret(KEY), fields)
    ) as (host, app):  # fmt: skip
        for place in places:
            answer = get_request(host, f"/api/mainsms/message/send?{place}".encode(), b"X-Api-Key: " + other.encode())
            assert answer.endswith(echo.encode())
        assert [place.encode() in seen for place, seen in zip(places, server.seen, strict=True)] == [True, True]
        paths = (
            "/api/messages", "/api/messages/1", "/api/messages/2", "/page/messages/1", "/page/messages/2",
            "/api/wait?accepted=any", "/page/setup", "/api/state", "/",
        )  # fmt: skip
        seen_here = "".join(ask(app, path).get_data(as_text=True) for path in paths)
        entries = listed(app)
    assert [entry["refusal"] for entry in entries] == ["error 2", "error 2"]
    assert "apikey is not the key of this project" in entries[1]["reason"]
    assert "apikey=***" in seen_here
    assert "x-api-key: ***" in seen_here
    for key in (KEY, KEY.replace("+", "%2b"), other):
        assert key not in seen_here

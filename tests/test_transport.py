"""The network: what it sends, when it may say "nothing was sent", and that it always comes back in time."""

from __future__ import annotations

import gc
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Any

import pytest
from requests.adapters import HTTPAdapter  # noqa: TID253  (a transport is under test)

from smscli import __version__
from smscli.errors import ConfigError, OutcomeUnknownError, SmscliError, UnreachableError
from smscli.model import Outcome, Secret
from smscli.transport import HttpTransport, Passage
from smscli.transport._metered import Meter, Stage, Stop, TooLateError
from smscli.transport._verdict import Exchange
from smscli.wire import MAX_ANSWER, Request
from tests.certificates import Certificates
from tests.client import SECRETS, VENDORS, Ending, build, send
from tests.vendor import BEHIND_PROXY, Step, Vendor, mute_port, refusing_port

# --- the stage -------------------------------------------------------------------------------------------------------


@pytest.fixture
def transport(files: Certificates) -> Iterator[HttpTransport]:
    """A transport that trusts the test authority and sees no environment."""
    with transporting(ca_file=files.ca) as one:
        yield one


@contextmanager
def transporting(**settings: Any) -> Iterator[HttpTransport]:
    """Make a transport and close it."""
    one = HttpTransport(**settings)
    yield one
    one.close()


def ask(url: str) -> Request:
    """Return a request that costs nothing."""
    return Request("GET", f"{url}timestamp.php")


def failing(ending: Ending, kind: type[SmscliError]) -> SmscliError:
    """Return the error after checking its class, that it helps, and that it holds nothing of the request."""
    error = ending.error
    assert type(error) is kind, f"{ending} should be {kind.__name__}"
    assert error.hint, "an error without a hint leaves people alone"
    told = f"{error.message} {error.hint}"
    for forbidden in ("My", "Message", ".php", "/external", "signature=", "?", "YourLogin", *SECRETS.values()):
        assert forbidden not in told, f"{forbidden!r} of the request stands in: {told}"
    if kind is not OutcomeUnknownError:
        assert "nothing was sent" in error.message
    return error


# --- what is sent ----------------------------------------------------------------------------------------------------


def test_a_request_arrives_as_built(vendor: Vendor, transport: HttpTransport) -> None:
    """Pairs, order, UTF-8 and repeats survive, in the query and in the form."""
    pairs = (("b", "ž; &+=~*"), ("a", ""), ("a[]", "1"), ("a[]", "2"))
    request = Request("POST", vendor.url("lightsms") + "send.php", query=pairs, form=pairs)
    assert transport(request, 5).status == 200
    assert vendor.seen.requests[0].pairs == [list(pair) for pair in (*pairs, *pairs)]


def test_headers_say_who_asks_and_that_nothing_may_be_compressed(vendor: Vendor, transport: HttpTransport) -> None:
    """No more headers travel than these."""
    send(transport, "mainsms", vendor.url("mainsms"), 5)
    headers = dict(vendor.seen.requests[0].headers)
    del headers["host"], headers["content-length"]
    assert headers == {
        "user-agent": f"smscli/{__version__}",
        "accept-encoding": "identity",
        "content-type": "application/x-www-form-urlencoded",
        "connection": "close",
    }


@pytest.mark.parametrize("listener", ["plain", "tls"])
@pytest.mark.parametrize("provider", VENDORS)
def test_a_good_answer_is_sent(provider: str, listener: str, vendor: Vendor, transport: HttpTransport) -> None:
    """Each vendor's send goes through, signature verified by the other side."""
    assert send(transport, provider, vendor.url(provider, listener=listener), 5).outcome is Outcome.SENT
    assert len(vendor.seen.requests) == 1


def test_the_send_uses_the_connection_of_its_timestamp(vendor: Vendor, transport: HttpTransport) -> None:
    """Fetching the vendor's clock and sending share a connection; after a send a new one is made."""
    url = vendor.url("lightsms", listener="tls")
    transport(ask(url), 5)
    send(transport, "lightsms", url, 5)
    assert vendor.seen.connections == 1
    send(transport, "lightsms", url, 5)
    assert vendor.seen.connections == 2


def test_a_vendor_that_keeps_the_connection_against_our_wish_does_not_get_the_next_send(
    vendor: Vendor, transport: HttpTransport
) -> None:
    """It might close it at the very moment when the next request leaves."""
    for _ in range(2):
        send(transport, "lightsms", vendor.url("lightsms", Step(then="keep")), 5)
    assert vendor.seen.connections == 2


def test_without_leave_a_send_asks_for_its_connection_to_be_closed(vendor: Vendor) -> None:
    """And with it the vendor is asked for nothing."""
    for keeps_alive in (False, True):
        with transporting(keeps_alive=keeps_alive) as one:
            send(one, "lightsms", vendor.url("lightsms"), 5)
    assert [dict(request.headers).get("connection") for request in vendor.seen.requests] == ["close", None]


@pytest.mark.parametrize("listener", ["plain", "tls"])
def test_with_leave_sends_follow_each_other_on_one_connection(
    listener: str, vendor: Vendor, files: Certificates
) -> None:
    """And the vendor's clock is asked on it as well."""
    url = vendor.url("lightsms", listener=listener)
    with transporting(ca_file=files.ca, keeps_alive=True) as one:
        for _ in range(2):
            assert send(one, "lightsms", url, 5).outcome is Outcome.SENT
            one(ask(url), 5)
    assert (vendor.seen.connections, len(vendor.seen.requests)) == (1, 4)


def test_one_thread_carries_one_exchange_after_the_other(vendor: Vendor) -> None:
    """It is given up with the transport, and before where nobody knows when it is done."""
    others = exchanging()
    with transporting() as one:
        threads = set[threading.Thread]()
        for _ in range(3):
            assert send(one, "lightsms", vendor.url("lightsms"), 5).outcome is Outcome.SENT
            threads |= exchanging() - others
        (first,) = threads
        send(one, "lightsms", vendor.url("lightsms", Step(cut=0, then="stall")), 0.2)
        assert send(one, "lightsms", vendor.url("lightsms"), 5).outcome is Outcome.SENT
        first.join(5)
        (second,) = exchanging() - others
        assert second is not first
    second.join(5)
    assert not second.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_transport_goes_on_behind_a_fork(vendor: Vendor) -> None:
    """Its thread has stayed with the parent."""
    with transporting() as one:
        send(one, "lightsms", vendor.url("lightsms"), 5)
        child = os.fork()
        if not child:
            outcome = None
            try:
                outcome = send(one, "lightsms", vendor.url("lightsms"), 5).outcome
            finally:
                os._exit(0 if outcome is Outcome.SENT else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_head_and_body_of_a_request_leave_in_one_piece() -> None:
    """A second write would wake the vendor twice."""
    pieces: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server, transporting() as one:

        def serve() -> None:
            with server.accept()[0] as connection:
                pieces.append(connection.recv(65536))

        serving = threading.Thread(target=serve)
        serving.start()
        send(one, "mainsms", f"http://127.0.0.1:{server.getsockname()[1]}/", 5)
        serving.join(5)
    head, _, body = pieces[0].partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n"
    assert b"recipients=" in body


def exchanging() -> set[threading.Thread]:
    """Return the threads in which exchanges run."""
    return {thread for thread in threading.enumerate() if thread.name == "smscli-exchange"}


def test_a_connection_that_was_idle_for_a_second_does_not_get_the_next_send(vendor: Vendor) -> None:
    """The vendor may be closing it by now."""
    with transporting(keeps_alive=True) as one:
        send(one, "lightsms", vendor.url("lightsms"), 5)
        time.sleep(1.1)
        assert send(one, "lightsms", vendor.url("lightsms"), 5).outcome is Outcome.SENT
    assert vendor.seen.connections == 2


def test_a_connection_that_the_vendor_means_to_close_does_not_get_the_next_send(vendor: Vendor) -> None:
    """Its word counts, also while the connection stands."""
    url = vendor.url("lightsms", Step(headers=(("Connection", "close"),), then="keep"))
    with transporting(keeps_alive=True) as one:
        for _ in range(2):
            assert send(one, "lightsms", url, 5).outcome is Outcome.SENT
    assert vendor.seen.connections == 2


def test_a_connection_that_was_given_up_does_not_get_the_next_send(vendor: Vendor) -> None:
    """What else comes over it belongs to a request before."""
    with transporting(keeps_alive=True) as one:
        assert send(one, "lightsms", vendor.url("lightsms"), 5).outcome is Outcome.SENT
        one.hang_up()
        assert send(one, "lightsms", vendor.url("lightsms"), 5).outcome is Outcome.SENT
    assert vendor.seen.connections == 2


def test_nothing_has_left_when_the_authorities_are_gone(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when an upgrade exchanges the file of the bundle while a job runs."""

    def gone() -> SSLContext:
        raise ConfigError("the CA file: no such file")

    monkeypatch.setattr(transport._session, "_trust", gone)
    with pytest.raises(ConfigError, match="no such file"):
        transport(ask("https://127.0.0.1:9/"), 5)


def test_a_connection_whose_answer_was_not_whole_does_not_get_the_next_send(vendor: Vendor) -> None:
    """What is left of that answer would be read as the next one's."""
    with transporting(keeps_alive=True) as one:
        assert send(one, "lightsms", vendor.url("lightsms", Step(cut=-3, then="stall")), 0.3).outcome is Outcome.UNKNOWN
        assert send(one, "lightsms", vendor.url("lightsms"), 5).outcome is Outcome.SENT
    assert vendor.seen.connections == 2


def test_what_follows_an_answer_on_a_kept_connection_is_not_read_as_the_next_one(vendor: Vendor) -> None:
    """A vendor that says more than it announced does not speak of the next send."""
    two = f'{HEAD}Content-Length: 2\r\n\r\n{{}}HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{{"a": "b"}}'
    with transporting(keeps_alive=True) as one:
        assert one(ask(vendor.url("lightsms", Step(on="ask", raw=two, then="keep"))), 5).body == b"{}"
        assert send(one, "lightsms", vendor.url("lightsms"), 5).outcome is Outcome.SENT


def test_a_kept_connection_that_the_vendor_has_closed_costs_no_send(vendor: Vendor) -> None:
    """It said nothing of it in its answer; that it hung up is seen before the next request is written."""
    with transporting(keeps_alive=True) as one:
        send(one, "lightsms", vendor.url("lightsms", Step(then="fin")), 5)
        time.sleep(0.1)
        assert send(one, "lightsms", vendor.url("lightsms"), 5).outcome is Outcome.SENT
    assert vendor.seen.connections == 2


def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(vendor: Vendor, transport: HttpTransport) -> None:
    """The vendor hangs up after the timestamp: the send makes a connection of its own."""
    vendor.script(Step(on="ask", then="fin"))
    transport(ask(vendor.url("lightsms")), 5)
    time.sleep(0.1)
    assert send(transport, "lightsms", vendor.url("lightsms"), 5).error is None
    assert vendor.seen.connections == 2


def test_cookies_are_not_kept(vendor: Vendor, transport: HttpTransport) -> None:
    """A vendor cannot mark the next request."""
    vendor.script(Step(on="any", headers=(("Set-Cookie", "a=b; Path=/"),)))
    for _ in range(2):
        transport(ask(vendor.url("lightsms")), 5)
    assert all("cookie" not in dict(request.headers) for request in vendor.seen.requests)


def test_netrc_is_not_read(
    vendor: Vendor, transport: HttpTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password for this very host in ~/.netrc stays there."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\ndefault login a password b\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    send(transport, "lightsms", vendor.url("lightsms"), 5)
    assert "authorization" not in dict(vendor.seen.requests[0].headers)


def test_the_environment_of_the_process_is_not_read(
    vendor: Vendor, transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the environment handed in counts."""
    for name in ("https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert send(transport, "lightsms", vendor.url("lightsms"), 5).error is None


def test_nothing_reaches_a_log(vendor: Vendor, transport: HttpTransport) -> None:
    """The library's own lines carry the whole URL; the root logger gets none of them, at any level."""
    lines: list[str] = []
    root, handler = logging.getLogger(), logging.Handler(logging.DEBUG)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        send(transport, "lightsms", vendor.url("lightsms"), 5)
        send(transport, "lightsms", vendor.url("lightsms", Step(raw=f"{HEAD}no colon\r\n\r\n{{}}", then="fin")), 5)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert lines == []


# --- refused before anything is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://sms.example/",
        "http://127.0.0.1.example/",
        "http://0.0.0.0/",
        "http://127.1@sms.example/",
        "https://user:canary@sms.example/",
        "https://sms.example:99999/",
        "https://sms.example:x/",
        "https:///send",
        "https://",
        "ftp://sms.example/",
        "sms.example/",
        "httpx://sms.example/",
        "",
        "https://a\r\nb/",
        "https://[::1/",
        "https://ж" + "ж" * 70 + "/",
    ],
)
def test_a_bad_address_is_a_configuration_error(url: str, transport: HttpTransport) -> None:
    """Plain http to others, credentials in the URL, impossible ports and schemes: nothing is looked up."""
    with pytest.raises(ConfigError) as caught:
        transport(Request("GET", url, query=(("text", "canary"),)), 5)
    assert caught.value.hint
    assert "canary" not in caught.value.message


def test_a_line_break_in_a_header_is_refused(vendor: Vendor, transport: HttpTransport) -> None:
    """Nothing can be smuggled behind a header."""
    with pytest.raises(ConfigError):
        transport(Request("GET", vendor.url("lightsms"), headers=(("Accept", "a\r\nX: b"),)), 5)
    assert vendor.seen.connections == 0


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://", "http://[", "http://:canary@", "http://x:99999"])
def test_a_proxy_that_cannot_be_is_a_configuration_error(proxy: str) -> None:
    """It is refused when the transport is made, without showing it."""
    with pytest.raises(ConfigError) as caught:
        HttpTransport(proxy=Secret(proxy))
    assert caught.value.hint
    assert "canary" not in caught.value.message


@pytest.mark.parametrize("setting", ["ca_file", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
@pytest.mark.parametrize("content", [None, "no certificate", ""])
def test_a_ca_file_that_cannot_be_used_is_a_configuration_error(
    setting: str, content: str | None, tmp_path: Path
) -> None:
    """Missing, empty or other than PEM, wherever it was named."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    settings: dict[str, Any] = {"ca_file": str(path)} if setting == "ca_file" else {"environ": {setting: str(path)}}
    words = "no such file or directory" if content is None else "holds no certificate"
    with pytest.raises(ConfigError, match=rf"ca\.pem: {words}"):
        HttpTransport(**settings)


def test_the_ca_file_of_the_environment_is_trusted(vendor: Vendor, files: Certificates) -> None:
    """A company's own authority works without touching the profile."""
    with transporting(environ={"SSL_CERT_FILE": files.ca}) as transport:
        assert transport(ask(vendor.url("lightsms", listener="tls")), 5).status == 200


def test_a_spent_deadline_sends_nothing(vendor: Vendor, transport: HttpTransport) -> None:
    """No time left is a proof too."""
    failing(send(transport, "lightsms", vendor.url("lightsms"), 0.0), UnreachableError)
    assert vendor.seen.connections == 0


# --- proofs ----------------------------------------------------------------------------------------------------------


def test_an_unknown_name_is_not_sent(transport: HttpTransport) -> None:
    """The name .invalid exists nowhere (RFC 2606)."""
    error = failing(send(transport, "lightsms", "https://sms.invalid/external/get/", 5), UnreachableError)
    assert "sms.invalid:443" in error.message


def test_a_refused_connection_is_not_sent(transport: HttpTransport) -> None:
    """Nobody listens."""
    with refusing_port() as port:
        error = failing(send(transport, "lightsms", f"http://127.0.0.1:{port}/", 5), UnreachableError)
    assert "refused" in error.message


def test_a_connection_that_never_stands_is_not_sent(transport: HttpTransport) -> None:
    """The deadline holds while connecting."""
    with mute_port() as port, taking(0.3):
        failing(send(transport, "lightsms", f"http://127.0.0.1:{port}/", 0.3), UnreachableError)


def test_a_look_up_or_connection_that_hangs_does_not_keep_the_program(transport: HttpTransport) -> None:
    """The thread in which it hangs ends with the program, which has long given its verdict."""
    with mute_port() as port:
        send(transport, "lightsms", f"http://127.0.0.1:{port}/", 0.2)
        workers = exchanging()
    assert workers
    assert all(worker.daemon for worker in workers)


@pytest.mark.parametrize("accept", ["stall", "hello-stall", "fin", "rst", "hello-rst", "junk"])
# CPython forgets to close the socket of a handshake that was reset before it began.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broken_handshake_is_not_sent(accept: str, vendor: Vendor, transport: HttpTransport) -> None:
    """Whatever ends TLS before the request: the meter stands at zero."""
    vendor.script(Step(accept=accept))
    with taking(0.4 if "stall" in accept else 0.0):
        failing(send(transport, "lightsms", vendor.url("lightsms", listener="tls"), 0.4), UnreachableError)
    assert vendor.seen.bytes == 0
    gc.collect()


@pytest.mark.parametrize(("listener", "words"), [("stranger", "self-signed"), ("elsewhere", "mismatch")])
def test_a_certificate_that_is_not_trusted_is_no_reason_to_try_again(
    listener: str, words: str, vendor: Vendor, transport: HttpTransport
) -> None:
    """Not sent, but alarming; and no hint to switch verification off."""
    error = failing(send(transport, "lightsms", vendor.url("lightsms", listener=listener), 5), ConfigError)
    assert words in error.message
    assert vendor.seen.bytes == 0


def test_a_stale_signature_is_not_sent(vendor: Vendor, files: Certificates) -> None:
    """The clock is read at the first byte, not when the request was built: connecting may take long."""
    times = iter([100.1])
    with transporting(ca_file=files.ca, clock=lambda: next(times)) as transport:
        ending = send(transport, "lightsms", vendor.url("lightsms", listener="tls"), 5, not_after=100.0)
    assert "too old" in failing(ending, UnreachableError).message
    assert vendor.seen.connections == 1, "it was to fail after connecting"
    assert vendor.seen.bytes == 0


def test_the_last_moment_is_early_enough() -> None:
    """A signature is good until the very second that its request names."""
    meter = Meter(lambda: 100.0, 100.0)
    meter.offer(1)
    assert not meter.proved


def test_only_the_first_byte_can_be_too_late(vendor: Vendor) -> None:
    """Between head and body the signature grows old; what has begun is finished, or it would be UNKNOWN."""
    times = iter([99.0])
    with transporting(clock=lambda: next(times, 101.0)) as transport:
        assert send(transport, "mainsms", vendor.url("mainsms"), 5, not_after=100.0).outcome is Outcome.SENT


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(101, "Network is unreachable"), "vendor:443: Network is unreachable; nothing was sent"),
        (ValueError("/send.php?signature=canary"), "vendor:443: an unexpected ValueError; nothing was sent"),
    ],
)
def test_an_error_is_told_by_the_system_or_by_its_class(error: Exception, words: str) -> None:
    """Never by what stands in it, unless it is the system's own word."""
    assert Exchange("vendor:443", None, 5, Meter(time.monotonic, None)).verdict(error).message == words


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage.CONNECTING, "no connection to vendor:443, name look-up included within 5 s; nothing was sent"),
        (Stage.SECURING, "connected to vendor:443, but TLS or the proxy's tunnel was not ready within 5 s; nothing"),
        (Stage.WAITING, "no answer from vendor:443 within 5 s; the request had left"),
        (Stage.READING, "no complete answer from vendor:443 within 5 s; the request had left"),
    ],
)
def test_a_deadline_says_how_far_the_exchange_had_come(stage: Stage, words: str) -> None:
    """What to look at is another thing each time: the network, the proxy, the vendor."""
    meter = Meter(time.monotonic, None)
    if stage in (Stage.WAITING, Stage.READING):
        meter.offer(1)
    meter.stage = stage
    assert words in Exchange("vendor:443", None, 5, meter).verdict(Stop.DEADLINE).message


def test_a_directory_of_certificates_may_be_named(tmp_path: Path) -> None:
    """As OpenSSL takes one; what is in it is looked at when a certificate is to be checked."""
    with transporting(ca_file=str(tmp_path)):
        pass


def test_a_proxy_that_says_no_status_has_refused_nothing() -> None:
    """Its connection broke in another way: that may be different the next time."""
    exchange = Exchange("vendor:443", "proxy:3128", 5, Meter(time.monotonic, None))
    error = exchange.verdict(OSError("Tunnel connection failed"))
    assert (type(error), "proxy:3128" in error.message) == (UnreachableError, True)


def test_errors_that_stand_behind_each_other_have_an_end() -> None:
    """Wrapped both ways round, they are still looked at once."""
    error, other = ValueError(), ConnectionResetError()
    error.__cause__, other.__cause__ = other, error
    verdict = Exchange("vendor:443", None, 5, Meter(time.monotonic, None)).verdict(error)
    assert "it reset the connection" in verdict.message


def test_what_is_cancelled_before_it_begins_never_connects() -> None:
    """The deadline may pass before the worker's first line; then that is where it ends, and nothing has left."""
    meter = Meter(time.monotonic, None)
    meter.cancel()
    with pytest.raises(TooLateError):
        meter.begin()
    assert meter.proved


def test_a_connection_that_does_not_count_proves_nothing(transport: HttpTransport) -> None:
    """Where the meter was not armed, even a refused connection is unknown."""
    transport._session.mount("http://", HTTPAdapter())
    with refusing_port() as port:
        failing(send(transport, "lightsms", f"http://127.0.0.1:{port}/", 5), OutcomeUnknownError)


def test_a_machine_without_threads_left_sends_nothing(vendor: Vendor) -> None:
    """The exchange needs a thread of its own; where none can be made, that is a proof."""
    program = """
import resource, sys
from smscli.transport import HttpTransport
from smscli.transport._metered import Meter, TooLateError
from smscli.transport._verdict import Exchange
from tests.client import send
transport = HttpTransport()
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + (4 << 20),) * 2)
print(send(transport, "lightsms", sys.argv[1], 5))
"""
    command = [sys.executable, "-c", program, vendor.url("lightsms")]
    root = Path(__file__).parents[1]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd=root)
    assert "NOT_SENT" in ran.stdout, ran
    assert vendor.seen.connections == 0


def test_no_byte_leaves_after_the_verdict(vendor: Vendor, files: Certificates) -> None:
    """The proxy's tunnel comes up after the deadline: the request stays here for good."""
    vendor.script(Step(on="connect", delay=0.5))
    with transporting(ca_file=files.ca, proxy=Secret(vendor.origin())) as transport:
        url = vendor.url("lightsms", listener="tls", host=BEHIND_PROXY)
        failing(send(transport, "lightsms", url, 0.2), UnreachableError)
        time.sleep(0.8)
    assert [request.method for request in vendor.seen.requests] == ["CONNECT"]


def test_a_connection_that_stands_after_the_deadline_stays_unused(transport: HttpTransport) -> None:
    """A connection in the making cannot be called off; it is refused its first byte."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        listener.settimeout(3)
        parked = [socket.socket() for _ in range(4)]
        for one in parked:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        failing(send(transport, "lightsms", url, 0.3), UnreachableError)
        names = {one.getsockname() for one in parked}
        for one in parked:
            one.close()
        # The kernel tries again a second after the first time, and now there is room.
        late = None
        while late is None:
            accepted, peer = listener.accept()
            with accepted:
                late = accepted.recv(4096) if peer not in names else None
    assert late == b""


# --- proxies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listener", ["plain", "tls"])
def test_a_tunnel_through_a_proxy_is_verified_end_to_end(listener: str, vendor: Vendor, files: Certificates) -> None:
    """The proxy sees host and port and its own password; the vendor does not see that password."""
    proxy = vendor.origin(listener).replace("//", "//user:canary@")
    url = vendor.url("lightsms", listener="tls", host=BEHIND_PROXY)
    with transporting(ca_file=files.ca, proxy=Secret(proxy)) as transport:
        assert send(transport, "lightsms", url, 5).error is None
    first, second = vendor.seen.requests
    assert first.method == "CONNECT"
    assert "proxy-authorization" in dict(first.headers)
    assert "proxy-authorization" not in dict(second.headers)


def test_what_is_passed_on_goes_by_proxy_and_tls_as_a_send_does(vendor: Vendor, files: Certificates) -> None:
    """Each time over a connection of its own; and to nobody whose certificate is not right, with the proof."""

    def open_way() -> HttpTransport:
        return HttpTransport(ca_file=files.ca, proxy=Secret(vendor.origin()))

    passage = Passage(vendor.url("lightsms", listener="tls", host=BEHIND_PROXY), 5, open_way)
    for _ in range(2):
        assert passage("GET", b"/external/get/timestamp.php?a=%2b", (), b"").status == 200
    assert [request.method for request in vendor.seen.requests] == ["CONNECT", "GET"] * 2
    assert vendor.seen.requests[1].headers[0][0].lower() == "host"
    with pytest.raises(ConfigError, match="nothing was sent"):
        passage("GET", b"http://elsewhere.example/", (), b"")
    elsewhere = Passage(vendor.url("lightsms", listener="stranger"), 5, lambda: HttpTransport(ca_file=files.ca))
    with pytest.raises(ConfigError, match="certificate"):
        elsewhere("GET", b"/", (), b"")
    assert len(vendor.seen.requests) == 4


def test_nothing_is_passed_on_in_the_clear_but_to_this_machine() -> None:
    """As nothing is sent there."""
    with pytest.raises(ConfigError, match="plain http"):
        Passage("http://vendor.example/", 5, HttpTransport)


def test_a_tunnel_that_was_closed_meanwhile_is_made_anew(vendor: Vendor, files: Certificates) -> None:
    """Its CONNECT line counts for no request: not for the one that follows, nor for the one that is over."""
    url = vendor.url("lightsms", listener="tls", host=BEHIND_PROXY)
    vendor.script(Step(on="ask", then="fin"))
    with transporting(ca_file=files.ca, proxy=Secret(vendor.origin())) as transport:
        transport(ask(url), 5)
        time.sleep(0.1)
        assert send(transport, "lightsms", url, 5).error is None
    assert [request.method for request in vendor.seen.requests] == ["CONNECT", "GET", "CONNECT", "GET"]


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        ("407 Proxy Authentication Required", ConfigError, "user name"),
        ("403 Forbidden", ConfigError, "403"),
        ("502 Bad Gateway", UnreachableError, "502"),
    ],
)
def test_a_refused_tunnel_is_not_sent(
    status: str, kind: type[SmscliError], words: str, vendor: Vendor, files: Certificates
) -> None:
    """The CONNECT line is not the request: its bytes do not count."""
    vendor.script(Step(on="connect", status=status, body="", then="fin"))
    proxy = vendor.origin().replace("//", "//user:canary@")
    with transporting(ca_file=files.ca, proxy=Secret(proxy)) as transport:
        error = failing(send(transport, "lightsms", "https://sms.invalid/", 5), kind)
    assert words in error.message
    assert "canary" not in f"{error.message} {error.hint}"


def test_a_dead_proxy_is_a_configuration_error(files: Certificates) -> None:
    """It is named, without its password."""
    with refusing_port() as port:
        proxy = Secret(f"http://user:canary@127.0.0.1:{port}")
        with transporting(ca_file=files.ca, proxy=proxy) as transport:
            error = failing(send(transport, "lightsms", "https://sms.invalid/", 5), ConfigError)
    assert f"127.0.0.1:{port}" in error.message
    assert "canary" not in f"{error.message} {error.hint}"


def test_plain_http_never_meets_a_proxy(vendor: Vendor) -> None:
    """It would read login, number, text and signature: to another host the request is refused."""
    with transporting(proxy=Secret(vendor.origin())) as transport:
        error = send(transport, "lightsms", f"http://{BEHIND_PROXY}/", 5).error
    assert isinstance(error, ConfigError)
    assert f"plain http to {BEHIND_PROXY}:80 is refused" in error.message
    assert vendor.seen.connections == 0


@pytest.mark.parametrize(
    ("environ", "used"),
    [
        ({"https_proxy": "URL"}, True),
        ({"https_proxy": "HOST"}, True),
        ({"HTTPS_PROXY": "URL"}, True),
        ({"all_proxy": "URL"}, True),
        ({"ALL_PROXY": "URL"}, True),
        ({"https_proxy": "URL", "HTTPS_PROXY": "http://127.0.0.1:1"}, True),
        ({"http_proxy": "URL"}, False),
        ({"https_proxy": "URL", "no_proxy": ".invalid"}, False),
        ({"https_proxy": "URL", "NO_PROXY": "a.example, sms.invalid"}, False),
        ({"https_proxy": "URL", "no_proxy": "a.example"}, True),
    ],
)
def test_the_usual_variables_name_the_proxy(environ: Mapping[str, str], used: bool, vendor: Vendor) -> None:
    """Lower case wins; no_proxy excepts hosts."""
    vendor.script(Step(on="connect", status="403 No", body="", then="fin"))
    url = vendor.origin()
    values = {"URL": url, "HOST": url.removeprefix("http://")}
    with transporting(environ={name: values.get(text, text) for name, text in environ.items()}) as transport:
        ending = send(transport, "lightsms", "https://sms.invalid/", 5)
    failing(ending, ConfigError if used else UnreachableError)
    assert bool(vendor.seen.requests) is used


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("named", ["proxy", "https_proxy", "http_proxy", "all_proxy"])
def test_this_machine_is_never_reached_through_a_proxy(
    named: str, host: str, vendor: Vendor, files: Certificates
) -> None:
    """A sandbox on loopback is reached directly, whatever profile and environment say."""
    dead = "http://127.0.0.1:1"
    settings: dict[str, Any] = {"proxy": Secret(dead)} if named == "proxy" else {"environ": {named: dead}}
    with transporting(ca_file=files.ca, **settings) as transport:
        for listener in ("plain", "tls"):
            assert send(transport, "lightsms", vendor.url("lightsms", listener=listener, host=host), 5).error is None


# --- no proof --------------------------------------------------------------------------------------------------------

HEAD = "HTTP/1.1 200 OK\r\n"
BROKEN = {
    "closed after reading": Step(cut=0, then="fin"),
    "reset after reading": Step(cut=0, then="rst"),
    "body cut": Step(cut=-5, then="fin"),
    "body reset": Step(cut=-5, then="rst"),
    "chunk cut": Step(framing="chunked", cut=-20, then="fin"),
    "bad chunk size": Step(raw=HEAD + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "garbage": Step(raw="220 mail.example ESMTP\r\n", then="fin"),
    "150 headers": Step(lines=150),
    "a header of 70 kB": Step(headers=(("X", "x" * 70_000),)),
    "two lengths": Step(headers=(("Content-Length", "3"),)),
    "too long": Step(fill=("x", MAX_ANSWER + 1)),
    "too long and close-delimited": Step(fill=("x", MAX_ANSWER + 1), framing="close", then="fin"),
    "endless": Step(fill=("x", 65536), endless=True),
}


@pytest.mark.parametrize("listener", ["plain", "tls"])
@pytest.mark.parametrize("step", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_is_not_whole_is_unknown(
    step: Step, listener: str, vendor: Vendor, transport: HttpTransport
) -> None:
    """The request left; that is all that is known."""
    failing(send(transport, "mainsms", vendor.url("mainsms", step, listener=listener), 5), OutcomeUnknownError)


@pytest.mark.parametrize("accept", ["fin", "rst"])
def test_a_connection_closed_unread_is_unknown(accept: str, vendor: Vendor, transport: HttpTransport) -> None:
    """A reset before, during and after the request looks the same from here."""
    vendor.script(Step(accept=accept))
    ending = send(transport, "lightsms", vendor.url("lightsms"), 5)
    assert ending.outcome is Outcome.UNKNOWN or (accept == "rst" and ending.outcome is Outcome.NOT_SENT), ending


@pytest.mark.parametrize("listener", ["mtls", "tls"])
def test_a_tls_error_after_the_request_is_unknown(listener: str, vendor: Vendor, transport: HttpTransport) -> None:
    """TLS 1.3 tells of a missing client certificate after the request has left; a bad record comes as late."""
    step = Step(cut=20, then="junk") if listener == "tls" else None
    error = failing(
        send(transport, "lightsms", vendor.url("lightsms", step, listener=listener), 5), OutcomeUnknownError
    )
    assert re.search(r"TLS failed \([a-z0-9 ]+\)", error.message), "OpenSSL's own spelling is FOR_PROGRAMS"


SILENT = {
    "no answer": Step(cut=0, then="stall"),
    "half a body": Step(cut=-5, then="stall"),
    "dripping head": Step(drip=0.05),
    "dripping body": Step(drip=0.05, drip_from=80),
    "half a chunk": Step(framing="chunked", cut=-20, then="stall"),
    "late": Step(delay=2.0),
}


@pytest.mark.parametrize("listener", ["plain", "tls"])
@pytest.mark.parametrize("step", SILENT.values(), ids=SILENT)
def test_the_deadline_bounds_the_whole_call(
    step: Step, listener: str, vendor: Vendor, transport: HttpTransport
) -> None:
    """Time-outs of single reads would let a dripping server hold the call for ever."""
    others = exchanging()
    with taking(0.4):
        ending = send(transport, "lightsms", vendor.url("lightsms", step, listener=listener), 0.4)
    assert "0.4 s" in failing(ending, OutcomeUnknownError).message
    patience = time.monotonic() + 0.3
    while exchanging() - others:
        assert time.monotonic() < patience, "its thread still listens to the vendor"
        time.sleep(0.01)


def test_an_answer_delimited_by_closing_is_passed_on(vendor: Vendor, transport: HttpTransport) -> None:
    """Only its reader can tell whether it is whole."""
    url = vendor.url("lightsms", Step(on="any", body="17328", framing="close", then="fin"))
    assert transport(ask(url), 5).body == b"17328"


def test_an_answer_of_the_greatest_length_is_passed_on(vendor: Vendor, transport: HttpTransport) -> None:
    """The limit itself is allowed."""
    response = transport(ask(vendor.url("lightsms", Step(on="any", fill=("x", MAX_ANSWER)))), 5)
    assert len(response.body) == MAX_ANSWER


def test_compressed_answers_are_not_unpacked(vendor: Vendor, transport: HttpTransport) -> None:
    """A compression bomb stays what it is: a few bytes."""
    step = Step(on="any", gzip_mib=4, headers=(("Content-Encoding", "gzip"),))
    response = transport(ask(vendor.url("lightsms", step)), 5)
    assert response.body.startswith(b"\x1f\x8b")
    assert response.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int, vendor: Vendor, transport: HttpTransport) -> None:
    """The signed request belongs to one host; and a redirect's endless body is not read either."""
    headers = (("Location", vendor.url("lightsms") + "send.php"),)
    url = vendor.url("lightsms", Step(status=f"{status} Elsewhere", headers=headers))
    assert send(transport, "lightsms", url, 5).outcome is Outcome.UNKNOWN
    endless = vendor.url("lightsms", Step(status="302 Found", headers=headers, fill=("x", 65536), endless=True))
    with taking(0.0):
        assert send(transport, "lightsms", endless, 5).outcome is Outcome.UNKNOWN
    assert len(vendor.seen.requests) == 2


def test_interim_answers_are_skipped(vendor: Vendor, transport: HttpTransport) -> None:
    """Five hundred times "100 Continue" delay the answer, no more."""
    assert transport(ask(vendor.url("lightsms", Step(on="any", flood=500))), 5).status == 200


# --- interruptions ---------------------------------------------------------------------------------------------------


@contextmanager
def alarm(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Run ``act`` in a signal handler of this thread after some time."""
    before = signal.signal(signal.SIGALRM, lambda *_: act())
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_signal_handler_may_cancel_what_waits_for_an_answer(vendor: Vendor, transport: HttpTransport) -> None:
    """It ends at once; the request had left."""
    url = vendor.url("lightsms", Step(cut=0, then="stall"))
    with alarm(0.2, transport.cancel), taking(0.2):
        ending = send(transport, "lightsms", url, 30)
    assert "interrupted" in failing(ending, OutcomeUnknownError).message


def test_a_signal_handler_may_cancel_what_has_not_left(vendor: Vendor, transport: HttpTransport) -> None:
    """It ends at once, with the proof."""
    vendor.script(Step(accept="stall"))
    with alarm(0.2, transport.cancel), taking(0.2):
        ending = send(transport, "lightsms", vendor.url("lightsms", listener="tls"), 30)
    assert "interrupted" in failing(ending, UnreachableError).message


def test_another_thread_may_cancel(vendor: Vendor, transport: HttpTransport) -> None:
    """And the transport serves the next request."""
    timer = threading.Timer(0.2, transport.cancel)
    timer.start()
    with taking(0.2):
        ending = send(transport, "lightsms", vendor.url("lightsms", Step(cut=0, then="stall")), 30)
    timer.join()
    failing(ending, OutcomeUnknownError)
    assert transport(ask(vendor.url("lightsms")), 5).status == 200


def test_cancelling_nothing_does_nothing(vendor: Vendor, transport: HttpTransport) -> None:
    """A signal between two requests does not spoil the second."""
    transport.cancel()
    assert transport(ask(vendor.url("lightsms")), 5).status == 200


def test_an_interrupt_that_is_raised_stops_the_request_too(vendor: Vendor, files: Certificates) -> None:
    """Ctrl-C without a handler leaves no thread behind that sends."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    vendor.script(Step(on="connect", delay=0.5))
    request, *_ = build("lightsms", vendor.url("lightsms", listener="tls", host=BEHIND_PROXY))
    with transporting(ca_file=files.ca, proxy=Secret(vendor.origin())) as transport:
        with alarm(0.2, interrupt), pytest.raises(KeyboardInterrupt):
            transport(request, 30)
        time.sleep(0.8)
    assert [seen.method for seen in vendor.seen.requests] == ["CONNECT"]


@contextmanager
def taking(seconds: float, slack: float = 1.0) -> Iterator[None]:
    """Assert that the block ends not before ``seconds`` and at most ``slack`` later."""
    start = time.monotonic()
    yield
    took = time.monotonic() - start
    assert seconds - 0.01 <= took <= seconds + slack, f"took {took:.2f} s instead of {seconds} s"

"""Delivery reports: what is said, when, and to whom: this machine and nobody else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from urllib.parse import parse_qsl, urlsplit

import pytest

from smscli import providers, sandbox
from smscli.errors import InputError
from smscli.sandbox import Caught, Emulator
from smscli.sandbox._course import course
from smscli.sandbox._desk import Desk
from smscli.sandbox._reports import Reports
from tests.vendors import account, message

NOW = 1732809600.0
PUSHING = [one for one in sandbox.emulators() if one.push]


class Customer:
    """Somebody who wants reports: the paths and parameters that were asked for, in order."""

    def __init__(self, status: int = 200) -> None:
        self.seen: Queue[str] = Queue()
        customer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                customer.seen.put(self.path)
                self.send_response(status)
                self.send_header("Location", f"http://127.0.0.1:{customer.server.server_port}/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/dlr?who=me"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def next(self) -> dict[str, str]:
        """Return the parameters of the next report, which must not take long."""
        url = urlsplit(self.seen.get(timeout=10))
        assert url.path == "/dlr"
        return dict(parse_qsl(url.query))


@pytest.fixture
def customer() -> Iterator[Customer]:
    """Return one on a free port."""
    customer = Customer()
    yield customer
    customer.server.shutdown()
    customer.server.server_close()


def sent(emulator: Emulator, to: str, due: float = NOW) -> Caught:
    """Return an accepted message."""
    vendor = min(emulator.demo)
    serial = Desk({}).serial(due, to)
    message_id = next(one for one in (f"4{serial:021d}", str(serial)) if is_read_as(emulator, one, serial))
    return Caught(vendor=vendor, operation="send", now=NOW, signature=None, to=to, parts=1, message_id=message_id)


def is_read_as(emulator: Emulator, message_id: str, serial: int) -> bool:
    """Return whether the vendor finds the number in this id."""
    return emulator.push is not None and emulator.push.serial(message_id) == serial


@pytest.mark.parametrize("emulator", PUSHING, ids=lambda one: min(one.demo))
def test_a_message_reports_that_it_is_on_its_way_and_how_it_ended(emulator: Emulator, customer: Customer) -> None:
    """The customer's own parameters stay; one that never arrives says so."""
    reports = Reports([emulator], {min(emulator.demo): customer.url}, lambda: NOW + 100)
    good, bad = sent(emulator, "37061234567"), sent(emulator, "37061234569")
    for entry in (good, bad):
        reports("new", entry)
    seen = [customer.next() for _ in range(4)]
    reports("close")
    assert {one["who"] for one in seen} == {"me"}
    about = {entry.message_id: [one for one in seen if entry.message_id in one.values()] for entry in (good, bad)}
    assert [len(one) for one in about.values()] == [2, 2]
    assert emulator.push
    for entry in (good, bad):
        states = [state for _, state in course(emulator.push.serial(entry.message_id or ""))]
        expected = [{"who": "me", **dict(emulator.push.pairs(entry, state))} for state in states]
        assert about[entry.message_id] == expected


@pytest.mark.parametrize("vendor", [min(one.demo) for one in PUSHING])
def test_a_sandbox_reports_what_it_was_sent(vendor: str, customer: Customer) -> None:
    """By the id that the send got; a sandbox that is closed reports no more."""
    seconds = [NOW]
    app = sandbox.create_app(clock=lambda: seconds[0], reports={vendor: customer.url})
    provider, one = providers.get(vendor), message(vendor)
    stamp = str(int(NOW))
    reply = sandbox.transport(app)(provider.send.build(one, account(vendor), stamp), 1.0)
    (sent,) = provider.send.parse(reply, one, stamp).submissions
    seconds[0] += 100
    app.desk.notify("look")
    assert all(sent.message_id in customer.next().values() for _ in range(2))
    app.close()


def test_what_waits_is_forgotten_and_what_is_refused_or_cancelled_reports_nothing(customer: Customer) -> None:
    """Only the last of these messages is heard of."""
    (emulator, *_) = PUSHING
    vendor, now = min(emulator.demo), [NOW]
    cancelled, later, last = (sent(emulator, "37061234567", NOW + wait) for wait in (0, 50, 0))
    reports = Reports([emulator], {vendor: customer.url}, lambda: now[0], {cancelled.message_id or ""})
    refused = Caught(vendor=vendor, operation="send", now=NOW, signature=None, refusal="error", message_id="41")
    stranger = Caught(vendor="another", operation="send", now=NOW, signature=None, message_id="41")
    for event, entry in (("new", later), ("clear", None), ("new", refused), ("new", stranger), ("new", cancelled)):
        reports(event, entry)
    now[0] = NOW + 100
    reports("new", last)
    assert {last.message_id in customer.next().values() for _ in range(2)} == {True}
    reports("close")
    assert customer.seen.empty()


def test_a_customer_that_redirects_or_is_gone_keeps_no_other_waiting(customer: Customer) -> None:
    """Nothing is tried again, and no redirection is followed."""
    one, other = PUSHING
    odd, vendor = Customer(302), min(one.demo)
    reports = Reports(PUSHING, {vendor: odd.url, min(other.demo): customer.url}, lambda: NOW + 100)
    reports("new", sent(one, "37061234567"))
    assert [odd.next()["who"] for _ in range(2)] == ["me", "me"]
    for is_gone in (False, True):
        if is_gone:
            odd.server.shutdown()
            odd.server.server_close()
            reports("new", sent(one, "37061234567"))
        reports("new", sent(other, "37061234567"))
        assert [customer.next()["who"] for _ in range(2)] == ["me", "me"]
    reports("close")
    assert odd.seen.empty()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/dlr", "http://192.0.2.1/dlr", "https://127.0.0.1/dlr", "ftp://127.0.0.1/", "127.0.0.1:80",
        "http://127.0.0.1:0/", "http://127.0.0.1:x/", "http://127.0.0.1@example.com/", "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y", "http://127.0.0.1.example.com/", "http://[::1/", "",
    ],
)  # fmt: skip
def test_only_an_address_of_this_machine_is_taken(url: str) -> None:
    """Nothing is asked of a resolver."""
    (emulator, *_) = PUSHING
    with pytest.raises(InputError, match="no address for delivery reports"):
        Reports([emulator], {min(emulator.demo): url}, lambda: NOW)


def test_a_vendor_without_reports_is_an_error() -> None:
    """Not a silence."""
    other = next(one for one in sandbox.emulators() if not one.push)
    with pytest.raises(InputError, match="has no delivery reports"):
        Reports(sandbox.emulators(), {min(other.demo): "http://127.0.0.1:1/"}, lambda: NOW)

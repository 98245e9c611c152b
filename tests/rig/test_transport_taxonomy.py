"""Rig: every way a network can fail a send, by every vendor.

Outcome and exit status are those of the table, and where it says NOT_SENT the other side has seen nothing.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from smscli.errors import ExitCode
from smscli.model import Outcome, Secret
from smscli.transport import HttpTransport
from smscli.wire import Request
from tests.certificates import Certificates
from tests.client import VENDORS, send
from tests.figures import add, figure
from tests.vendor import BEHIND_PROXY, Step, Vendor, mute_port, refusing_port


class Attempt(NamedTuple):
    """One send: where to, through what, what is scripted, and whether a question goes first on the connection."""

    url: str
    script: tuple[Step, ...] = ()
    proxy: str | None = None
    seconds: float = 5.0
    not_after: float | None = None
    asks_first: bool = False


class Row(NamedTuple):
    """One failure and what it must come to."""

    outcome: Outcome
    exit_code: ExitCode
    attempt: Callable[[Vendor, str], Attempt]


NOT_SENT = (Outcome.NOT_SENT, ExitCode.UNREACHABLE)
NO_USE = (Outcome.NOT_SENT, ExitCode.CONFIG)
UNKNOWN = (Outcome.UNKNOWN, ExitCode.UNKNOWN)
SENT = (Outcome.SENT, ExitCode.OK)

TLS, PLAIN = "tls", "plain"
OK = "HTTP/1.1 200 OK\r\n"


def answering(listener: str = PLAIN, seconds: float = 5.0, **fault: object) -> Callable[[Vendor, str], Attempt]:
    """Return an attempt whose request is read and then answered like this."""
    step = Step(**fault)  # type: ignore[arg-type]
    return lambda vendor, name: Attempt(vendor.url(name, step, listener=listener), seconds=seconds)


def meeting(accept: str, listener: str, seconds: float = 5.0) -> Callable[[Vendor, str], Attempt]:
    """Return an attempt whose connection meets this."""
    return lambda vendor, name: Attempt(vendor.url(name, listener=listener), (Step(accept=accept),), seconds=seconds)


def reaching(listener: str) -> Callable[[Vendor, str], Attempt]:
    """Return an attempt at another listener."""
    return lambda vendor, name: Attempt(vendor.url(name, listener=listener))


def addressed(url: str) -> Callable[[Vendor, str], Attempt]:
    """Return an attempt at another address."""
    return lambda _vendor, _name: Attempt(url, seconds=0.4)


def proxied(listener: str = TLS, **fault: object) -> Callable[[Vendor, str], Attempt]:
    """Return an attempt through a proxy that does this."""
    step = Step(**fault)  # type: ignore[arg-type]
    return lambda vendor, name: Attempt(
        vendor.url(name, listener=listener, host=BEHIND_PROXY), (step,), vendor.origin(), seconds=0.6
    )


ROWS = {
    "A1 no such name": Row(*NOT_SENT, addressed("https://sms.invalid/")),
    "A3 connection refused": Row(*NOT_SENT, addressed("http://127.0.0.1:REFUSING/")),
    "A4 connecting hangs": Row(*NOT_SENT, addressed("http://127.0.0.1:MUTE/")),
    "A5 nobody signed the certificate": Row(*NO_USE, reaching("stranger")),
    "A5 certificate of another host": Row(*NO_USE, reaching("elsewhere")),
    "A6 silence at accept under TLS": Row(*NOT_SENT, meeting("stall", TLS, 0.4)),
    "A6 silence in the handshake": Row(*NOT_SENT, meeting("hello-stall", TLS, 0.4)),
    "A7 reset in the handshake": Row(*NOT_SENT, meeting("hello-rst", TLS)),
    "A7 reset at accept under TLS": Row(*NOT_SENT, meeting("rst", TLS)),
    "A7 closed in the handshake": Row(*NOT_SENT, meeting("fin", TLS)),
    "A7 no TLS at all": Row(*NOT_SENT, meeting("junk", TLS)),
    "A8 client certificate wanted after the request": Row(*UNKNOWN, reaching("mtls")),
    "A8 bad record after the request": Row(*UNKNOWN, answering(TLS, cut=20, then="junk")),
    "A9 proxy refused": Row(
        *NO_USE,
        lambda vendor, name: Attempt(
            vendor.url(name, listener=TLS, host=BEHIND_PROXY), proxy="http://127.0.0.1:REFUSING"
        ),
    ),
    "A9 proxy wants a password": Row(*NO_USE, proxied(on="connect", status="407 Auth", body="", then="fin")),
    "A9 proxy forbids": Row(*NO_USE, proxied(on="connect", status="403 No", body="", then="fin")),
    "A9 proxy cannot reach the vendor": Row(*NOT_SENT, proxied(on="connect", status="502 No", body="", then="fin")),
    "A9 proxy hangs up": Row(*NOT_SENT, proxied(on="connect", status="500 No", cut=0, then="fin")),
    "A9 proxy is silent": Row(*NOT_SENT, proxied(on="connect", status="500 No", cut=0, then="stall")),
    "A10 plain http through a proxy": Row(*NO_USE, proxied(PLAIN)),
    "A11 closed unread": Row(*UNKNOWN, meeting("fin", PLAIN)),
    "A11 reset unread": Row(*UNKNOWN, meeting("rst", PLAIN)),
    "A12 closed after reading": Row(*UNKNOWN, answering(cut=0, then="fin")),
    "A12 reset after reading": Row(*UNKNOWN, answering(cut=0, then="rst")),
    "A12 closed after reading, TLS": Row(*UNKNOWN, answering(TLS, cut=0, then="fin")),
    "A12 reset after reading, TLS": Row(*UNKNOWN, answering(TLS, cut=0, then="rst")),
    "A13 kept connection closed when the send arrives": Row(
        *UNKNOWN,
        lambda vendor, name: Attempt(vendor.url(name), (Step(on="any"), Step(cut=0, then="fin")), asks_first=True),
    ),
    "A14 no answer": Row(*UNKNOWN, answering(seconds=0.4, cut=0, then="stall")),
    "A15 dripped head": Row(*UNKNOWN, answering(seconds=0.4, drip=0.05)),
    "A15 dripped body": Row(*UNKNOWN, answering(TLS, seconds=0.4, drip=0.05, drip_from=60)),
    "A16 body cut": Row(*UNKNOWN, answering(cut=-3, then="fin")),
    "A16 body cut, TLS": Row(*UNKNOWN, answering(TLS, cut=-3, then="fin")),
    "A16 chunk cut": Row(*UNKNOWN, answering(framing="chunked", cut=-20, then="fin")),
    "A16 bad chunk size": Row(
        *UNKNOWN, answering(raw=f"{OK}Transfer-Encoding: chunked\r\n\r\nxyz\r\n{{}}\r\n0\r\n\r\n", then="fin")
    ),
    "A17 body stalls": Row(*UNKNOWN, answering(seconds=0.4, cut=-3, then="stall")),
    "A18 body cut, delimited by closing": Row(*UNKNOWN, answering(framing="close", cut=-3, then="fin")),
    "A18 the same, TLS without close_notify": Row(*UNKNOWN, answering(TLS, framing="close", cut=-3, then="fin")),
    "A18 whole, delimited by closing": Row(*SENT, answering(TLS, framing="close", then="fin")),
    "A19 garbage for a status line": Row(*UNKNOWN, answering(raw="\x00\x01\x02\r\n\r\n", then="fin")),
    "A19 150 headers": Row(*UNKNOWN, answering(lines=150)),
    "A19 a header of 70 kB": Row(
        *UNKNOWN, lambda vendor, name: Attempt(vendor.url(name), (Step(headers=(("X", "x" * 70_000),)),))
    ),
    "A20 two lengths": Row(*UNKNOWN, answering(headers=(("Content-Length", "7"),))),
    "A21 port 99999": Row(*NO_USE, addressed("https://127.0.0.1:99999/")),
    "A21 no scheme": Row(*NO_USE, addressed("127.0.0.1/x/")),
    "A21 plain http to another host": Row(*NO_USE, addressed("http://sms.invalid/")),
    "A22 signature too old at the first byte": Row(
        *NOT_SENT, lambda vendor, name: Attempt(vendor.url(name, listener=TLS), not_after=time.monotonic() - 0.01)
    ),
    "B3 a page with 200": Row(*UNKNOWN, answering(body="<html><title>Maintenance</title></html>")),
    "B4 an empty body": Row(*UNKNOWN, answering(body="")),
    "B4 no UTF-8": Row(*UNKNOWN, answering(body="\xff\xfe{}")),
    **{
        f"B {status} with a good body": Row(*UNKNOWN, answering(status=f"{status} Hm", headers=(("Retry-After", "1"),)))
        for status in (400, 401, 403, 404, 405, 408, 413, 414, 425, 429, 499, 500, 502, 503, 504)
    },
    "B16 500 times 100 Continue": Row(*SENT, answering(flood=500)),
    "B17 a redirect": Row(*UNKNOWN, answering(status="307 Moved", headers=(("Location", "/"),))),
    "B18 a gzip bomb": Row(*UNKNOWN, answering(gzip_mib=64, headers=(("Content-Encoding", "gzip"),))),
    "B18 an endless body": Row(*UNKNOWN, answering(fill=("x", 65536), endless=True)),
}


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, str]]:
    """Ports that refuse and that hang, by the words that stand for them in a row."""
    with refusing_port() as refusing, mute_port() as mute:
        yield {"REFUSING": str(refusing), "MUTE": str(mute)}


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
# CPython forgets to close the socket of a handshake that was reset before it began.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_each_failure_comes_to_what_the_table_says(
    row: Row, name: str, vendor: Vendor, files: Certificates, ports: dict[str, str]
) -> None:
    """Outcome and exit status agree; NOT_SENT means that no byte of the request arrived."""
    attempt = row.attempt(vendor, name)
    vendor.script(*attempt.script)
    before = len(vendor.oracle())
    with transporting(files, attempt, ports) as transport:
        start = time.monotonic()
        ending = send(transport, name, real(attempt.url, ports), attempt.seconds, not_after=attempt.not_after)
        took = time.monotonic() - start
    assert (ending.outcome, ending.exit_code) == row[:2], ending
    assert took <= attempt.seconds + 1
    if ending.outcome is Outcome.NOT_SENT:
        assert [request.method for request in vendor.seen.requests if request.method != "CONNECT"] == []
        assert attempt.proxy or vendor.seen.bytes == 0
        assert len(vendor.oracle()) == before
    if ending.outcome is Outcome.SENT:
        assert len(vendor.oracle()) == before + 1
    cases = f"{len(ROWS) * len(VENDORS)} cases ({len(ROWS)} rows x {len(VENDORS)} vendors)"
    add(f"taxonomy: {{agreed}} of {cases} as the table says", agreed=1)
    gc.collect()


@contextmanager
def transporting(files: Certificates, attempt: Attempt, ports: dict[str, str]) -> Iterator[HttpTransport]:
    """Make the transport of an attempt, its connection used once when the attempt wants that."""
    proxy = Secret(real(attempt.proxy, ports)) if attempt.proxy else None
    transport = HttpTransport(ca_file=files.ca, proxy=proxy)
    if attempt.asks_first:
        transport(Request("GET", f"{attempt.url}timestamp.php"), 5)
    yield transport
    transport.close()


def real(url: str, ports: dict[str, str]) -> str:
    """Return a URL with the ports of this run."""
    for word, port in ports.items():
        url = url.replace(word, port)
    return url


# The name server of this world takes questions and never answers.
MUTE_NAME_SERVER = """
import json, socket, sys, time
from smscli.transport import HttpTransport
from tests.client import send
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
start = time.monotonic()
ending = send(HttpTransport(), sys.argv[1], "https://sms.example/", 1.0)
print(json.dumps([ending.outcome, ending.exit_code, time.monotonic() - start]))
"""


@pytest.mark.alone
@pytest.mark.parametrize("name", VENDORS)
def test_a2_a_name_server_that_never_answers(name: str, tmp_path: Path) -> None:
    """Look-ups know no deadline (ten seconds by default); the call does."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    world = 'ip link set lo up && mount --bind "$1" /etc/resolv.conf && exec "$2" -c "$3" "$4"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "--net", "sh", "-c", world, "sh"]
    command += [str(tmp_path / "resolv.conf"), sys.executable]
    try:
        possible = subprocess.run([*command, "pass", ""], capture_output=True, timeout=20, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare(1): a private name server cannot be made")
    if possible.returncode:
        pytest.skip(f"a private name server cannot be made here: {possible.stderr.decode()[-100:]}")
    ran = subprocess.run(
        [*command, MUTE_NAME_SERVER, name],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    outcome, exit_code, took = json.loads(ran.stdout)
    figure(f"mute name server, {name}: {outcome} after {took:.2f} s of 1 s")
    assert (outcome, exit_code) == NOT_SENT
    assert took <= 2.0

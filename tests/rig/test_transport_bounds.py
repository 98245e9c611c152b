"""Rig: redirects, silence, bombs and ~/.netrc; each end is bounded in requests, time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest

from smscli.model import Outcome, Secret
from smscli.transport import HttpTransport
from tests.certificates import Certificates
from tests.client import SECRETS, VENDORS, send
from tests.figures import figure
from tests.vendor import BEHIND_PROXY, Step, Vendor, mute_port


def test_no_redirect_is_followed(vendor: Vendor, files: Certificates) -> None:
    """Five statuses to five places by three vendors: the signed request is seen once, by whom it was for."""
    followed = cases = 0
    with Vendor(server_files=asdict(files), secrets=SECRETS) as other:
        transport = HttpTransport(ca_file=files.ca)
        for name in VENDORS:
            for status in (301, 302, 303, 307, 308):
                here = vendor.url(name, listener="tls")
                places = {
                    "same": here + "elsewhere",
                    "other host": other.url(name, listener="tls"),
                    "http": other.url(name),
                    "relative": "../elsewhere",
                    "loop": "",
                }
                for place in places.values():
                    vendor.forget()
                    step = Step(status=f"{status} Moved", headers=(("Location", place),))
                    url = vendor.url(name, step, listener="tls")
                    assert send(transport, name, url, 5).outcome is Outcome.UNKNOWN
                    cases += 1
                    followed += len(vendor.seen.requests) - 1 + other.seen.connections
        transport.close()
    figure(f"{cases} redirect cases, {followed} follow-up requests")
    assert cases == 75
    assert followed == 0


STALLS = [
    *(Step(cut=cut, then="stall") for cut in (0, 1, 15, 16, 17, 40, 60, 80, -1)),
    *(Step(drip=0.05, drip_from=start) for start in (0, 17, 40, 80)),
    *(Step(framing="chunked", cut=cut, then="stall") for cut in (70, 80, -6, -20)),
    Step(framing="close", then="stall"),
    Step(delay=5.0),
    Step(flood=3, cut=60, then="stall"),
    Step(raw="HTTP/1.1 100 Continue\r\n\r\n" * 2000, drip=0.01),
    Step(fill=("x", 1000), drip=0.01, drip_from=100, framing="close"),
]
ACCEPTS = ("stall", "hello-stall")


@pytest.mark.alone
def test_every_silence_ends_by_the_deadline(vendor: Vendor, files: Certificates) -> None:
    """Half of them over TLS, some before the request, some behind a proxy: all within one second of the deadline."""
    deadline = 0.5

    def timed(url: str, proxy: str | None = None) -> tuple[float, Outcome]:
        transport = HttpTransport(ca_file=files.ca, proxy=Secret(proxy) if proxy else None)
        start = time.monotonic()
        outcome = send(transport, "mainsms", url, deadline).outcome
        took = time.monotonic() - start
        transport.close()
        return took, outcome

    left = [vendor.url("mainsms", step, listener=listener) for step in STALLS for listener in ("plain", "tls")]
    with ThreadPoolExecutor(4) as pool:
        unknown = list(pool.map(timed, left))
    unsent = []
    for accept in ACCEPTS:
        vendor.script(Step(accept=accept))
        unsent.append(timed(vendor.url("mainsms", listener="tls")))
    for _ in range(2):
        vendor.script(Step(on="connect", delay=2.0))
        unsent.append(timed(vendor.url("mainsms", listener="tls", host=BEHIND_PROXY), vendor.origin()))
    with mute_port() as port:
        unsent += [timed(f"{scheme}://127.0.0.1:{port}/") for scheme in ("http", "https")]
        unsent += [timed("https://sms.invalid/", f"http://127.0.0.1:{port}") for _ in range(2)]
    took = [seconds for seconds, _ in unknown + unsent]
    figure(f"{len(took)} stall cases: deadline {deadline} s, slowest {max(took):.2f} s")
    assert len(took) >= 50
    assert {outcome for _, outcome in unknown} == {Outcome.UNKNOWN}
    assert {outcome for _, outcome in unsent} == {Outcome.NOT_SENT}
    assert max(took) <= deadline + 1


BOMBS = {
    "gzip of 256 MiB": Step(gzip_mib=256, headers=(("Content-Encoding", "gzip"),)),
    "gzip of 48 MiB": Step(gzip_mib=48, headers=(("Content-Encoding", "gzip"),)),
    "endless body": Step(fill=("x", 65536), endless=True),
    "endless chunks": Step(fill=("x", 65536), endless=True, framing="chunked", chunk=65536),
    "endless redirect": Step(status="302 Found", headers=(("Location", "/"),), fill=("x", 65536), endless=True),
    "a million headers": Step(lines=1_000_000),
    "a header of 1 MiB": Step(headers=(("X", "x" * (1 << 20)),)),
    "deep JSON": Step(fill=("[", 100_000)),
    "deep JSON below the limit": Step(fill=("[", 65_000)),
    "deep objects": Step(fill=('{"a":', 13_000)),
    "a number of 60 000 digits": Step(body='{"error":' + "9" * 60_000 + "}"),
}

# Runs apart, so that its peak memory is its own.
BOMBED = """
import json, sys, time
from smscli.transport import HttpTransport
from tests.client import send
from tests.memory import peak_memory
name, url, ca, seconds = json.loads(sys.argv[1])
transport = HttpTransport(ca_file=ca)
start = time.monotonic()
outcome = send(transport, name, url, seconds).outcome
took = time.monotonic() - start
print(json.dumps([outcome, took, peak_memory()]))
"""


@pytest.mark.alone
def test_bombs_stay_small(vendor: Vendor, files: Certificates) -> None:
    """No answer, whatever it unfolds to, takes more than 150 MiB or the deadline and a second."""
    slowest = largest = 0.0
    seconds = 3.0
    for name in VENDORS:
        for bomb in BOMBS:
            # Too long for a URL: the script's queue holds it.
            vendor.script(BOMBS[bomb])
            question = json.dumps([name, vendor.url(name, listener="tls"), files.ca, seconds])
            ran = subprocess.run(
                [sys.executable, "-c", BOMBED, question],
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
                cwd=Path(__file__).parents[2],
            )
            outcome, took, mebibytes = json.loads(ran.stdout)
            assert outcome == Outcome.UNKNOWN, (name, bomb, outcome)
            assert took <= seconds + 1, (name, bomb, took)
            assert mebibytes < 150, (name, bomb, mebibytes)
            slowest, largest = max(slowest, took), max(largest, mebibytes)
    figure(f"{len(BOMBS) * len(VENDORS)} bombs: at most {largest:.0f} MiB, {slowest:.2f} s of {seconds} s")


def test_the_netrc_canary_never_travels(
    vendor: Vendor, files: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A default entry in ~/.netrc, every vendor, plain, TLS and through a proxy: no Authorization header."""
    (tmp_path / ".netrc").write_text("default login canary password canary\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    for proxy in (None, Secret(vendor.origin())):
        transport = HttpTransport(ca_file=files.ca, proxy=proxy)
        for name in VENDORS:
            for listener in ("plain", "tls"):
                # Plain http stays on this machine, past the proxy.
                host = BEHIND_PROXY if proxy and listener == "tls" else "127.0.0.1"
                assert send(transport, name, vendor.url(name, listener=listener, host=host), 5).outcome is Outcome.SENT
        transport.close()
    requests = vendor.seen.requests
    leaked = [request for request in requests if "authorization" in dict(request.headers)]
    figure(f"netrc canary: {len(requests)} requests, {len(leaked)} with an Authorization header")
    assert len(requests) == 15
    assert not leaked

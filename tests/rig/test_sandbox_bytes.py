"""Rig: whatever bytes arrive at a served sandbox, it answers the next one, says nothing, and ends well."""

from __future__ import annotations

import random
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.figures import figure

SERVER = "from smscli import sandbox; sandbox.serve(sandbox.create_app(), 0, ready=lambda url: print(url, flush=True))"
CONNECTIONS = 1500
PIECES = [
    b"GET ", b"POST ", b"/", b"/api/events", b"/api/messages", b"/external/get/send.php", b" HTTP/1.1\r\n",
    b" HTTP/1.0\r\n", b"Host: localhost\r\n", b"Content-Length: 5\r\n", b"Content-Length: -1\r\n",
    b"Transfer-Encoding: chunked\r\n", b"\r\n", b"\n", b"\r", b"5\r\nabcde\r\n", b"0\r\n\r\n", b"\xff\xfe", b"\x00",
    b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"?a=1",
    b"abcde", b":", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"x" * 3000,
    b"Content-Type: multipart/form-data; boundary=x\r\n", b"--x\r\n", b"Content-Type: application/json\r\n", b"{",
]  # fmt: skip
WELL = b"GET /external/get/timestamp.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.mark.waits
@pytest.mark.parametrize("seed", [1, 2])
def test_any_bytes_are_survived(seed: int) -> None:
    """Pieces of requests in any order, in packets of their own; hung up politely, rudely, or half."""
    chance = random.Random(seed)  # noqa: S311  (a test's)
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            name, _, port = urlsplit(server.stdout.readline().strip()).netloc.partition(":")
            for number in range(CONNECTIONS):
                sent = _bother((name, int(port)), chance)
                with socket.create_connection((name, int(port)), timeout=10) as line:
                    line.sendall(WELL)
                    assert line.recv(15) == b"HTTP/1.1 200 OK", (number, sent)
            server.terminate()
            out, err = server.communicate(timeout=10)
            assert (server.returncode, out, err) == (0, "", "")
        finally:
            server.kill()
    figure(f"a served sandbox survived {CONNECTIONS} connections with bytes of any kind (seed {seed})")


def _bother(address: tuple[str, int], chance: random.Random) -> list[bytes]:
    """Open a connection and send nonsense; return it."""
    sent = []
    with socket.create_connection(address, timeout=1) as line, suppress(OSError):
        for _ in range(chance.randint(1, 3)):
            sent.append(b"".join(chance.choices(PIECES, k=chance.randint(1, 9))))
            line.sendall(sent[-1])
        if chance.random() < 0.3:
            line.shutdown(socket.SHUT_WR)
        line.settimeout(0.005)
        with suppress(TimeoutError):
            line.recv(1000)
        if chance.random() < 0.3:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return sent

"""A TCP relay in front of a PostgreSQL server that cuts connections in the middle of COMMIT."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
"""The one message of libpq that the relay looks for."""


class Cut(StrEnum):
    """What becomes of a connection at a COMMIT. The client's end is always cut."""

    REQUEST = "request lost"
    """The server sees the end of the connection and no COMMIT."""
    REPLY = "reply lost"
    """The server has answered the COMMIT, the client does not get it."""
    OPEN_BEFORE = "half-open without COMMIT"
    """The server sees neither COMMIT nor end: its session stays in the middle of the transaction."""
    OPEN_AFTER = "half-open behind COMMIT"
    """The server has answered the COMMIT and sees no end: its session lives on."""
    LATE = "COMMIT late"
    """The COMMIT reaches the server when the client has long given up, and maybe come back."""


class Relay:
    """Carries bytes between ``port`` and the server's; ``choose`` says for every COMMIT whether it is cut, and how.

    ``refusing``: new connections are closed at once. ``cuts`` counts.
    """

    def __init__(self, server: int, choose: Callable[[], Cut | None]) -> None:
        self.choose = choose
        self.refusing = False
        self.cuts = 0
        self._server = server
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """End every connection; half-open ones are let go of too."""
        self.refusing = True
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                if self.refusing:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._server))
                self._open += client, server
                threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError, ValueError):  # it was closed meanwhile
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    cut = self.choose() if source is client and data.endswith(_COMMIT) else None
                    if cut:
                        self.cuts += 1
                        self._cut(cut, client, server, data)
                        return
                    if not data:
                        client.close()
                        server.close()
                        return
                    (server if source is client else client).sendall(data)
        client.close()
        server.close()

    @staticmethod
    def _cut(cut: Cut, client: socket.socket, server: socket.socket, data: bytes) -> None:
        if cut in (Cut.REPLY, Cut.OPEN_AFTER):
            server.sendall(data)
            server.recv(65536)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        if cut is Cut.LATE:
            time.sleep(0.05)
            server.sendall(data)
            server.recv(65536)
        if cut in (Cut.REQUEST, Cut.REPLY, Cut.LATE):
            server.close()


@contextmanager
def relay(server: int, choose: Callable[[], Cut | None] = lambda: None) -> Iterator[Relay]:
    """Run a relay to that port of this machine."""
    running = Relay(server, choose)
    try:
        yield running
    finally:
        running.close()

"""A vendor of raw sockets for what is passed on: it keeps every byte that came, and answers with bytes as they are."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 Fine\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}"


@dataclass
class Upstream:
    """Where it listens, what came on each connection, and what goes back: None breaks the connection instead."""

    port: int
    answer: bytes | None = OK
    stalls: bool = False
    seen: list[bytes] = field(default_factory=list)

    @property
    def root(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def upstream(answer: bytes | None = OK, *, stalls: bool = False) -> Iterator[Upstream]:
    """Serve one in a thread."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Upstream(listener.getsockname()[1], answer, stalls)
        ended = threading.Event()

        def work() -> None:
            while not ended.is_set():
                with suppress(OSError):
                    connection, _ = listener.accept()
                    threading.Thread(target=_serve, args=(server, connection, ended), daemon=True).start()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1):
                pass
            thread.join(5)


def _serve(server: Upstream, connection: socket.socket, ended: threading.Event) -> None:
    with connection, suppress(OSError):
        connection.settimeout(5)
        data = b""
        while not _is_whole(data):
            piece = connection.recv(65536)
            if not piece:
                break
            data += piece
        if not data:
            return
        server.seen.append(data)
        if server.stalls:
            ended.wait(20)
        elif server.answer is None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.sendall(server.answer)


def _is_whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)

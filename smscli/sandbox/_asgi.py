"""A reply as messages of ASGI: as it is, or broken on its way as a rule wants it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from smscli.sandbox._raw import Mishap, RawReply

if TYPE_CHECKING:
    from uvicorn._types import ASGISendCallable

_DROPS = 20  # pieces a second of an answer that drips


async def send_reply(reply: RawReply, send: ASGISendCallable) -> None:
    """Answer."""
    length = sum(map(len, reply.pieces)) if isinstance(reply.pieces, tuple) and reply.status != 204 else None
    await begin(reply, length, send)
    if isinstance(reply.pieces, tuple):
        await write(b"".join(reply.pieces), send, more=False)
        return
    for piece in reply.pieces:
        await write(piece, send)
    await write(b"", send, more=False)


async def play(
    reply: RawReply,
    mishap: Mishap,
    transport: asyncio.Transport,
    send: ASGISendCallable,
    rest: Callable[[float], Awaitable[bool]],
) -> None:
    """Answer as a rule wants it.

    ``rest`` lets seconds pass, and returns whether somebody still waits for the answer. ``transport`` is the
    connection.
    """
    if not await rest(mishap.delay):
        transport.abort()  # to return without an answer would be one: status 500
        return
    if mishap.reset:
        # Nothing is left to be sent, so that closing is a reset, and not a polite end.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return
    body = reply.body
    await begin(reply, len(body), send)
    if mishap.cut is not None and mishap.cut < len(body):
        await write(body[: mishap.cut], send)
        return  # an answer that is not finished ends the connection
    rate = mishap.drip or len(body) * _DROPS
    size = max(1, rate // _DROPS)
    for start in range(0, len(body), size):
        await write(body[start : start + size], send)
        if mishap.drip and not await rest(size / rate):
            return
    await write(b"", send, more=False)


async def write(data: bytes, send: ASGISendCallable, *, more: bool = True) -> None:
    """Send some of a body, or its end."""
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def begin(reply: RawReply, length: int | None, send: ASGISendCallable) -> None:
    """Send the head; ``length`` is that of the body, None where nobody knows it."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    own = {name.lower() for name, _ in headers}  # a vendor's stay
    added = (b"Cache-Control", b"no-store"), (b"X-Content-Type-Options", b"nosniff")
    headers += [(name, value) for name, value in added if name.lower() not in own]
    headers += [] if length is None else [(b"Content-Length", b"%d" % length)]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})

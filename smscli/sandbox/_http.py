"""The server in front of a sandbox: uvicorn, with deadlines, bounds and a fence. The only importer of uvicorn.

One loop answers everybody: a vendor's answer is a third of a millisecond. What takes longer, the diagnosis of a wrong
signature, is done by one thread beside it, and only who sent the wrong one waits. Nothing is logged: a request line
holds login and signature.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes

import h11  # noqa: TID253  (the same)
import uvicorn  # noqa: TID253  (this module is loaded when a sandbox is served)
from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: TID253  (the same)

from smscli.errors import ConfigError
from smscli.sandbox._asgi import begin, play, send_reply, write
from smscli.sandbox._checking import Question
from smscli.sandbox._desk import RAW_BYTES
from smscli.sandbox._hub import Hub, Queue, in_thread
from smscli.sandbox._later import Diagnosing, Passing, Streaming, Waiting
from smscli.sandbox._raw import RawReply, RawRequest, text_reply
from smscli.sandbox._reasons import malformed
from smscli.sandbox._service import LONGEST, TOO_MANY, Sandbox
from smscli.wire import is_loopback

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

BACKLOG = 2048
CONNECTIONS = 1000
PATIENCE = 10.0
"""Seconds in which a request must be here, head and body, and in which some of a reply must be taken."""

_IDLE = 60  # seconds between two requests of a connection
_HEAD = 256 * 1024  # bytes of a head
_SPILL = 16 * LONGEST  # bytes of a body that is too long, and is read all the same so that the reply arrives
_QUESTIONS = 32  # signatures that wait for their diagnosis
_LONGEST_QUESTION = 2.0  # seconds that an answer waits for it; the list has it later all the same
_BREATH = 15.0  # seconds of silence on a stream of events

# Two threads of Python take turns of 5 ms: beside a diagnosis every step of an answer would wait so long.
_TURN = 0.0002


def serve(sandbox: Sandbox, port: int, host: str, ready: Callable[[str], None]) -> None:
    """See ``smscli.sandbox.serve``."""
    with _listen(host, port) as listener:
        name = f"[{host}]" if ":" in host else host
        root = f"http://{name}:{listener.getsockname()[1]}"
        # The loop needs as many, and prints a traceback when it cannot have them.
        if os.name == "posix":
            for descriptor in [os.dup(listener.fileno()) for _ in range(4)]:
                os.close(descriptor)
        turn = sys.getswitchinterval()
        sys.setswitchinterval(_TURN)
        try:
            asyncio.run(_serve(sandbox, listener, host, lambda: ready(root)))
        finally:
            sys.setswitchinterval(turn)


async def _serve(sandbox: Sandbox, listener: socket.socket, host: str, ready: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    # A connection that breaks in an odd moment is no news, and a traceback could quote a request.
    loop.set_exception_handler(lambda _loop, _context: None)
    hub = Hub(loop)
    site = _Site(sandbox, hub, host)
    config = uvicorn.Config(
        site, http=_Protocol, ws="none", loop="asyncio", lifespan="off", interface="asgi3", log_config=None,
        log_level=100, access_log=False, server_header=False, backlog=BACKLOG, timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=1, h11_max_incomplete_event_size=_HEAD,
    )  # fmt: skip
    server = _Server(config, ready)
    hub.at_the_end = (server.stop, site.close)
    sandbox.desk.listeners.append(hub.hear)
    try:
        with _signals(lambda: loop.call_soon_threadsafe(sandbox.close)):
            if not sandbox.closing:  # by somebody who has not waited so long
                await server.serve([listener])
    finally:
        sandbox.desk.listeners.remove(hub.hear)
        site.close()


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals alone, and ends without waiting for who is slow."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections, and say so."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut off who has not sent the whole request; finish the others."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, _Protocol) and connection.is_receiving():
                connection.transport.abort()
        await super().shutdown(sockets)

    def stop(self) -> None:
        """End soon."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear none: uvicorn would raise them again after the end."""
        yield


def _most_connections() -> int:
    """Return how many connections there may be, with as many descriptors as this process may open."""
    if sys.platform == "win32":
        return CONNECTIONS
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(8, min(CONNECTIONS, soft - 64))


class _Protocol(H11Protocol):
    """uvicorn's protocol with what it lacks: raw bytes in the address, deadlines, a bound on connections."""

    _in_line = True  # of a request, the first one
    _line = b""  # as it came
    _timer: asyncio.TimerHandle | None = None
    _most = _most_connections()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        self.app_state = {"transport": transport}  # the application needs it to break the connection
        if len(self.connections) > self._most:
            self._refuse(503, "There are too many connections to the sandbox.")
            return
        self._timer = self.loop.call_later(PATIENCE, self._cut)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take some of a request: in its first line, bytes that h11 would refuse are written as Apache reads them."""
        if self._in_line and self.conn.their_state is not h11.SEND_BODY:  # of a request that is answered already
            if not self.conn.trailing_data[0]:
                data = data.lstrip(b"\r\n")
            if not data:
                return  # h11 would take nothing for the end of the connection, and uvicorn ask it about that for ever
            line, newline, rest = data.partition(b"\n")
            self._line += line
            self.app_state["line"] = self._line  # what is passed on travels as it came
            data = _escaped(line) + newline + rest
            self._in_line = not newline
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Begin with the next request, which may be here already."""
        self._in_line, self._line = True, b""
        self.app_state.pop("line", None)
        super().on_response_complete()
        self._watch()

    def is_receiving(self) -> bool:
        """Return whether the beginning of a request is here, and its end is not."""
        state = self.conn.their_state
        return state is h11.SEND_BODY or (state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def pause_writing(self) -> None:
        """Give the reader some time to take what is written."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        self._watch()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (it says nothing; what h11 has raised does)
        """Say what is wrong, here and in the list, which gets the first line: more is not read of it."""
        reason = malformed(self._line, str(sys.exc_info()[1]))
        self._refuse(400, f"The request cannot be read: {reason}.", f"X-Smscli-Reason: {reason}\r\n")
        if isinstance(self.config.app, _Site):
            self.config.app.turn_away(self._line[:RAW_BYTES].rstrip(b"\r"), reason)

    def _watch(self) -> None:
        """Let the time run while the other side has something to do."""
        is_awaited = self.is_receiving() or self.flow.write_paused
        if self._timer and not is_awaited:
            self._timer.cancel()
            self._timer = None
        elif is_awaited and not self._timer:
            self._timer = self.loop.call_later(PATIENCE, self._cut)

    def _cut(self) -> None:
        # No request has come yet where there is no cycle. What is not taken may be all of an answer, or its rest.
        is_answering = getattr(self.cycle, "response_started", False) and not self.cycle.response_complete
        is_answered = self._in_line and self.conn.their_state is h11.SEND_BODY
        if is_answering or is_answered or self.flow.write_paused:
            self.transport.abort()
        else:
            self._refuse(408, f"A request to the sandbox must be here within {PATIENCE:g} seconds.")

    def _refuse(self, status: int, sentence: str, more: str = "") -> None:
        head = f"HTTP/1.1 {status} -\r\nContent-Type: text/plain\r\nConnection: close\r\n{more}\r\n{sentence}\n"
        self.transport.write(head.encode("ascii"))
        self.transport.close()


@contextmanager
def _signals(stop: Callable[[], object]) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the server, where they are heard at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heard = [number for number, handler in previous.items() if handler is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, lambda *_: stop())
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, previous[number])


class _Site:
    """The ASGI application."""

    def __init__(self, sandbox: Sandbox, hub: Hub, host: str) -> None:
        self._sandbox = sandbox
        self._hub = hub
        self._host = host.lower()
        self._turn = asyncio.Lock()  # of the questions: one at a time
        self._questions: dict[bytes, asyncio.Task[str]] = {}

    def close(self) -> None:
        """Let go of those who wait for a diagnosis; a thread that looks for one ends with the process."""
        for future in self._questions.values():
            future.cancel()
        if self._sandbox.upstream:
            self._sandbox.upstream.cancel()

    def turn_away(self, line: bytes, reason: str) -> None:
        """List what is no HTTP, by its first line."""
        self._sandbox.turn_away(RawRequest.from_transcript(line), 400, reason, line)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer one request."""
        assert scope["type"] == "http"  # noqa: S101  (neither lifespan nor web sockets are switched on)
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        sent = scope["state"].get("line", b"").strip().partition(b" ")[2].rpartition(b" ")[0]
        # A line that is not this request's, or of which a lone ? has gone.
        sent = sent if _escaped(sent) in (target, target + b"?") else b""
        request = RawRequest(scope["method"], target, tuple(scope["headers"]), sent_target=sent)
        if request.announced <= LONGEST:  # nobody waits for what will not be taken
            body = await _body(receive)
            if body is None:
                return
            request = replace(request, body=body)
        step = self._fence(request) or self._sandbox.begin(request)
        if isinstance(step, Streaming):
            await self._stream(step, receive, send)
            return
        if isinstance(step, Passing):
            step = await self._pass_on(step)
        if isinstance(step, Diagnosing):
            step = await self._diagnose(step)
        elif isinstance(step, Waiting):
            step = await self._wait(step, receive)
        if step.mishap is None:
            await send_reply(step, send)
        else:
            transport = scope["state"]["transport"]
            await play(step, step.mishap, transport, send, lambda seconds: self._rest(seconds, receive))

    def _fence(self, request: RawRequest) -> RawReply | None:
        """Refuse what a page of somebody else's sends.

        A web page can have its own name point to this machine, and would read what was caught as if it were its own
        (DNS rebinding); the browser still sends that name. And it can send what it cannot read.
        """
        host = request.header(b"host")
        name = re.sub(r":[0-9]*$", "", host).lower()
        if not is_loopback(name) and (not name or name.strip("[]") != self._host):
            sentence = "The sandbox is for this machine only: ask it as 127.0.0.1, [::1] or localhost.\n"
            return text_reply(403, sentence)
        origin, site = request.header(b"origin"), request.header(b"sec-fetch-site")
        if self._sandbox.goes_on(request.path) and (origin or site):
            return text_reply(403, "Nothing that a browser sends is passed on.\n")
        if request.method in ("GET", "HEAD") or not self._sandbox.is_own(request.path):
            return None
        if origin not in ("", f"http://{host}") or site not in ("", "same-origin", "none"):
            return text_reply(403, "Only the sandbox's own page and programs may change what the sandbox has.\n")
        return None

    async def _pass_on(self, step: Passing) -> RawReply | Diagnosing:
        """Have a thread of its own bring the request to the vendor; it notes the outcome, whoever still waits."""
        return await in_thread(step.run, "upstream", lambda: step.refuse("this machine gives no more threads"))

    async def _diagnose(self, step: Diagnosing) -> RawReply:
        future = self._questions.get(step.question.key)
        if self._sandbox.closing:
            return step.finish(TOO_MANY)
        if future is None:
            if len(self._questions) >= _QUESTIONS:
                return step.finish(TOO_MANY)
            future = asyncio.get_running_loop().create_task(self._ask(step.question))
            self._questions[step.question.key] = future
            future.add_done_callback(lambda _: self._questions.pop(step.question.key, None))
        try:
            return step.finish(await asyncio.wait_for(asyncio.shield(future), _LONGEST_QUESTION))
        except asyncio.CancelledError:
            if not future.cancelled():
                raise
            return step.finish(TOO_MANY)  # the sandbox ends
        except TimeoutError:
            future.add_done_callback(lambda late: None if late.cancelled() else step.finish(late.result()))
            return step.finish(TOO_MANY)

    async def _ask(self, question: Question) -> str:
        """Have a thread answer, which nobody waits for when the process ends: an executor's would hold it up."""
        async with self._turn:
            return await in_thread(question.answer, "diagnosis")

    async def _wait(self, step: Waiting, receive: ASGIReceiveCallable) -> RawReply:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + step.seconds
        with self._hub.listening() as queue:
            reply = step.search()
            gone = loop.create_task(self._leave(receive, queue))
            try:
                while reply is None:
                    event = await asyncio.wait_for(queue.get(), deadline - loop.time())
                    if event is None:
                        break
                    if event[0] == "reload":
                        reply = step.search()
                    elif event[0] == "new" and event[1]:
                        reply = step.look(event[1])
            except TimeoutError:
                pass
            finally:
                gone.cancel()
        return reply or step.give_up()

    async def _rest(self, seconds: float, receive: ASGIReceiveCallable) -> bool:
        """Let time pass; return whether somebody still waits for the answer, and the sandbox goes on."""
        if not seconds:
            return True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        with self._hub.listening() as queue:
            gone = loop.create_task(self._leave(receive, queue))
            try:
                while await asyncio.wait_for(queue.get(), deadline - loop.time()):
                    pass
            except TimeoutError:
                return True
            finally:
                gone.cancel()
        return False

    async def _stream(self, step: Streaming, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        with self._hub.listening() as queue:
            gone = asyncio.get_running_loop().create_task(self._leave(receive, queue))
            try:
                await begin(step.reply, None, send)
                await write(b"".join(step.first), send)
                while not self._sandbox.closing:
                    try:
                        event = await asyncio.wait_for(queue.get(), _BREATH)
                    except TimeoutError:
                        await write(b": still here\n\n", send)
                        continue
                    if event is None:
                        break
                    await write(step.event(*event), send)
                await write(b"", send, more=False)
            finally:
                gone.cancel()

    async def _leave(self, receive: ASGIReceiveCallable, queue: Queue) -> None:
        """End the queue when the client has gone."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._hub.end(queue)


def _escaped(line: bytes) -> bytes:
    return re.sub(rb"[\x80-\xff]+", lambda match: quote_from_bytes(match[0]).encode(), line)


async def _body(receive: ASGIReceiveCallable) -> bytes | None:
    """Return the body, or the beginning of one that is too long; None when the client has gone."""
    body = bytearray()
    length = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        length += len(message["body"])
        if len(body) <= LONGEST:
            body += message["body"]
        if not message["more_body"] or length > _SPILL:
            return bytes(body)


def _listen(host: str, port: int) -> socket.socket:
    if port > 65535:
        reason = "there is no such port"
    else:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            reason = str(error.strerror)
        else:
            # Connections inherit it. asyncio would set it only for a socket that names its protocol, and without it a
            # body waits for the other side's delayed confirmation of the head: 40 ms.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return listener
    raise ConfigError(f"the sandbox cannot listen on {host}, port {port}: {reason}", hint="port 0 takes any free one")

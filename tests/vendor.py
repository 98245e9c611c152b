"""A vendor to order: a raw-socket server in a process of its own that answers well, badly, late, by halves or never.

It answers by ``tests/oracles`` (for the recipients it reads in the request), for a vendor without one by its emulator,
over plain HTTP and TLS, also as an HTTP proxy, and keeps an oracle: one line for each recipient it accepted,
written before the answer leaves. Signatures are verified with ``smscli.providers`` when secrets are given.

::

    with Vendor() as vendor:
        base_url = vendor.url("lightsms")                                    # every answer is good
        base_url = vendor.url("lightsms", Step(cut=17, then="rst"))          # this fault, for every send to this URL
        vendor.script(Step(on="any"), Step(delay=3), Step(status="500 No"))  # these faults, one after the other, for
                                                                             # requests to URLs without a fault
        vendor.seen.requests, vendor.seen.connections, vendor.seen.bytes     # what reached it
        vendor.oracle()                                                      # what it accepted

A fault in a URL is stateless, so that many clients can run different faults at the same time. A script is a queue:
each request it fits takes one step, an empty queue answers well. Faults at the connection (``accept``) can only be
scripted: they come before a URL is known.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from smscli import sandbox
from smscli.model import MSISDN, Message, Secret
from smscli.providers import get
from smscli.sandbox import Answer, Call, Desk, Emulator

if TYPE_CHECKING:
    from tests.oracles._oracle import Oracle

PATHS = {name: urlsplit(account.base_url).path.lstrip("/") for name, account in sandbox.demo_accounts().items()}
"""Where the vendors' scripts lie, without the slash in front."""
LISTENERS = ("plain", "tls", "mtls", "elsewhere", "stranger")
"""Plain HTTP; TLS; TLS that wants a client certificate; TLS for another host; TLS that no authority signed."""

BEHIND_PROXY = "vendor.example"
"""The vendor's name for clients of its own proxy: this machine itself is never reached through one."""

_PATIENCE = 60.0


@dataclass(frozen=True)
class Step:
    """What happens to one request. The default is an ordinary good answer.

    At the connection, before anything is read (scripts only): ``accept`` is ``fin``, ``rst``, ``stall``, ``junk``
    (something that is no protocol), ``hello-rst`` or ``hello-stall`` (after the first bytes, i.e. a ClientHello), or
    ``late``: all goes well, ``delay`` seconds later.

    ``on`` says which requests the step fits: ``send`` (default), ``ask`` (timestamp, balance), ``connect`` (of a
    proxy's client; tunnelled unless ``status`` says otherwise) or ``any``; the others are answered well. ``book``
    False: a send is not accepted.

    The answer: ``delay`` seconds, then (booked now) ``raw`` (latin-1) as it is, or ``flood`` times "100 Continue",
    status line, ``headers``, ``lines`` further header lines, and a body: ``body``, or ``fill`` = (text, times), or
    ``gzip_mib`` of compressed zeros, or the vendor's own success. ``framing`` is ``length``, ``chunked`` (chunks of
    ``chunk`` bytes) or ``close``. ``endless`` repeats the body for ever. ``drip`` is the pause in seconds before each
    byte, from byte ``drip_from`` on. ``cut`` sends only so many bytes of the whole (negative: all but so many);
    ``then`` says what follows the last byte: ``fin``, ``rst``, ``stall``, ``junk`` (bytes below TLS), ``keep`` (waits
    for another request even if the client asked to close); empty keeps the connection when the client wants that.
    """

    accept: str = ""
    on: str = "send"
    book: bool = True
    delay: float = 0.0
    raw: str | None = None
    flood: int = 0
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = ()
    lines: int = 0
    body: str | None = None
    fill: tuple[str, int] | None = None
    gzip_mib: int = 0
    framing: str = "length"
    chunk: int = 64
    endless: bool = False
    drip: float = 0.0
    drip_from: int = 0
    cut: int | None = None
    then: str = ""

    def dump(self) -> dict[str, Any]:
        """Return what differs from an ordinary answer."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}


class SeenRequest(NamedTuple):
    """One request as it arrived: ``path`` without the fault, ``pairs`` of query and form, header names lower case.

    ``at`` is Unix seconds when all of it was there.
    """

    method: str
    path: str
    pairs: list[list[str]]
    headers: list[list[str]]
    listener: str
    at: float


class Seen(NamedTuple):
    """What reached the vendor: connections accepted, bytes of requests (inside TLS), complete requests."""

    connections: int
    bytes: int
    requests: list[SeenRequest]


class Accepted(NamedTuple):
    """One recipient that the vendor accepted: its digits as sent, the id it was given, and what was to be sent."""

    provider: str
    recipient: str
    text: str
    sender: str
    stamp: str
    id: str


class Vendor:
    """The handle of a vendor process. Use it as a context manager, from one process.

    ``oracle`` is the file of accepted sends (default: a temporary one). ``secrets`` maps provider names to keys
    (payforsms is known as mainsms, here and in the oracle): then a wrong signature, and a LightSMS timestamp older
    than 10 seconds, is refused as the vendor does.
    ``server_files`` are PEM files for the TLS listeners (see ``certificates``); without them there is only ``plain``.
    """

    def __init__(
        self,
        *,
        oracle: Path | None = None,
        secrets: Mapping[str, str] | None = None,
        server_files: Mapping[str, str] | None = None,
    ) -> None:
        self._oracle = oracle or Path(tempfile.mkdtemp(prefix="smscli-vendor-")) / "oracle.jsonl"
        self._config = {"oracle": str(self._oracle), "secrets": dict(secrets or {}), "files": dict(server_files or {})}
        self._lock = threading.Lock()
        self._read, self._accepted = 0, list[Accepted]()

    def __enter__(self) -> Vendor:
        self._oracle.touch()
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(self._config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.ports: dict[str, int] = self._reply()
        return self

    def __exit__(self, *_: object) -> None:
        # The process ends when its input does, also when this one was killed.
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def url(self, provider: str, step: Step | None = None, *, listener: str = "plain", host: str = "127.0.0.1") -> str:
        """Return the base URL of a provider, with this fault for all requests under it that it fits."""
        return f"{self.origin(listener, host)}/{_token(step)}{PATHS[provider]}"

    def origin(self, listener: str = "plain", host: str = "127.0.0.1") -> str:
        """Return scheme, host and port of a listener; that of ``plain`` also serves as a proxy's URL."""
        return f"http{'' if listener == 'plain' else 's'}://{host}:{self.ports[listener]}"

    def script(self, *steps: Step) -> None:
        """Replace the queue of faults."""
        self._ask({"do": "script", "steps": [step.dump() for step in steps]})

    def forget(self) -> None:
        """Empty the queue and all that was seen; the oracle stays."""
        self._ask({"do": "forget"})

    @property
    def seen(self) -> Seen:
        """What reached the vendor since the start or the last ``forget``."""
        connections, count, requests = self._ask({"do": "seen"})
        return Seen(connections, count, [SeenRequest(*request) for request in requests])

    def oracle(self) -> list[Accepted]:
        """Return everything the vendor accepted, in order."""
        with self._lock, self._oracle.open("rb") as file:
            file.seek(self._read)
            new = file.read().rpartition(b"\n")[0]
            self._accepted += [Accepted(*json.loads(line)) for line in new.splitlines()]
            self._read += len(new) + bool(new)
            return list(self._accepted)

    def _ask(self, command: dict[str, Any]) -> Any:
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(command) + "\n")
            return self._reply()

    def _reply(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the vendor process has died; its error stands above"
        return json.loads(line)


@contextmanager
def refusing_port() -> Iterator[int]:
    """Yield a port that refuses connections and that nobody else can take meanwhile."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextmanager
def mute_port() -> Iterator[int]:
    """Yield a port where connecting hangs: its queue of one is full and never emptied."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        parked = [socket.socket() for _ in range(4)]
        for one in parked:
            one.setblocking(False)
            one.connect_ex(sock.getsockname())
        time.sleep(0.05)
        yield sock.getsockname()[1]
        for one in parked:
            one.close()


# --- the process -----------------------------------------------------------------------------------------------------


def _token(step: Step | None) -> str:
    if step is None or not step.dump():
        return ""
    return "~" + base64.urlsafe_b64encode(json.dumps(step.dump()).encode()).decode().rstrip("=") + "/"


def _step(stored: Mapping[str, Any]) -> Step:
    stored = dict(stored)
    for name in ("headers", "fill"):
        if name in stored:
            stored[name] = tuple(tuple(one) if isinstance(one, list) else one for one in stored[name])
    return Step(**stored)


@dataclass
class _Call:
    """A request as read: what it asks, of whom, and the fault that its URL names."""

    method: str
    path: str
    pairs: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    step: Step | None
    provider: str
    operation: str

    @property
    def kind(self) -> str:
        return {"send": "send", "connect": "connect"}.get(self.operation, "ask")

    @property
    def keep(self) -> bool:
        return ("connection", "close") not in [(name, value.lower()) for name, value in self.headers]

    @property
    def oracle(self) -> Oracle | None:
        return _oracle(self.provider) if self.provider else None

    @property
    def recipients(self) -> list[str]:
        return self.oracle.sent(self.pairs).recipients if self.oracle else []


class _Server:
    """All listeners of one vendor, a thread for each connection."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.lock = threading.Lock()
        self.script: deque[Step] = deque()
        self.connections = 0
        self.bytes = 0
        self.requests: list[tuple[Any, ...]] = []
        self.ids = itertools.count(int(time.time()) * 1000)
        self.secrets: Mapping[str, str] = config["secrets"]
        self.oracle = os.open(config["oracle"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.ports: dict[str, int] = {}
        for name in LISTENERS:
            if name == "plain":
                self._listen(name, None)
            elif config["files"]:
                file = config["files"]["server" if name in ("tls", "mtls") else name]
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(file)
                if name == "mtls":
                    context.verify_mode = ssl.CERT_REQUIRED
                    context.load_verify_locations(file)
                self._listen(name, context)

    def _listen(self, name: str, context: ssl.SSLContext | None) -> None:
        sock = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.ports[name] = sock.getsockname()[1]
        threading.Thread(target=self._accept, args=(sock, name, context), daemon=True).start()

    def _accept(self, listener: socket.socket, name: str, context: ssl.SSLContext | None) -> None:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=self._converse, args=(sock, name, context), daemon=True).start()

    def _converse(self, sock: socket.socket, name: str, context: ssl.SSLContext | None) -> None:
        sock.settimeout(_PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.connections += 1
            step = self.script.popleft() if self.script and self.script[0].accept else Step()
        accept = step.accept
        with suppress(OSError):  # clients that go away are what this server is for
            if accept == "late":
                time.sleep(step.delay)
            elif accept:
                if accept.startswith("hello"):
                    sock.recv(4096)
                elif context is None:
                    # Unread, but there: a connection that is reset before would end while it is being made.
                    select.select([sock], [], [], _PATIENCE)
                _end(sock, accept.removeprefix("hello-"))
                return
            if context:
                sock = context.wrap_socket(sock, server_side=True)
            while self._exchange(sock, name):
                pass
        sock.close()

    def _exchange(self, sock: socket.socket, name: str) -> bool:
        """Read one request and answer it; return whether another may follow."""
        call = self._read(sock)
        if call is None:
            return False
        step = self._step(call)
        with self.lock:
            self.requests.append((call.method, call.path, call.pairs, call.headers, name, time.time()))
        time.sleep(step.delay)
        if call.operation == "connect" and step.status == "200 OK":
            _tunnel(sock, call.path)
            return False
        answer = self._answer(call, step)
        _write(sock, answer[: step.cut], step)
        while step.endless:
            sock.sendall(answer[-65536:])
        if step.then == "keep":
            return True
        if step.then:
            _end(sock, step.then)
            return False
        return call.keep and step.framing != "close"

    def _read(self, sock: socket.socket) -> _Call | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self._receive(sock)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        length = int(dict(headers).get("content-length", "0"))
        while len(body) < length:
            piece = self._receive(sock)
            if not piece:
                return None
            body += piece
        method, target, _ = first.split(" ")
        return _parse(method, target, headers, body)

    def _receive(self, sock: socket.socket) -> bytes:
        data = sock.recv(65536)
        with self.lock:
            self.bytes += len(data)
        return data

    def _step(self, call: _Call) -> Step:
        if call.step is not None:
            return call.step if call.step.on in (call.kind, "any") else Step()
        with self.lock:
            fits = bool(self.script) and not self.script[0].accept and self.script[0].on in (call.kind, "any")
            return self.script.popleft() if fits else Step()

    def _answer(self, call: _Call, step: Step) -> bytes:
        refusal = self._refusal(call)
        ids: list[str] = []
        if call.provider and call.oracle is None:
            answer, rows = _emulate(call)
            if step.book:
                self._write(rows)
            if step.raw is None and step.body is None and not step.fill and not step.gzip_mib:
                status = step.status if answer.status == 200 else f"{answer.status} X"
                step = replace(step, body=answer.body, status=status, headers=(*step.headers, *answer.headers))
        elif call.oracle and call.operation == "send" and refusal is None:
            ids = [f"{next(self.ids):013d}" for _ in call.recipients]
            if step.book:
                recipients, text, sender, stamp = call.oracle.sent(call.pairs)
                pairs = zip(recipients, ids, strict=True)
                self._write([Accepted(call.provider, to, text, sender, stamp, one) for to, one in pairs])
        if step.raw is not None:
            return step.raw.encode("latin-1")
        if refusal is not None:
            step = Step(body=refusal)
        body = _body(call, step, ids)
        head = b"HTTP/1.1 100 Continue\r\n\r\n" * step.flood + f"HTTP/1.1 {step.status}\r\n".encode()
        head += "".join(f"{name}: {value}\r\n" for name, value in step.headers).encode("latin-1")
        head += b"".join(b"X-Line-%d: x\r\n" % number for number in range(step.lines))
        if step.framing == "chunked":
            pieces = [body[start : start + step.chunk] for start in range(0, len(body), step.chunk)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
            head += b"Transfer-Encoding: chunked\r\n"
        elif step.framing == "length":
            head += b"Content-Length: %d\r\n" % (2**60 if step.endless else len(body))
        return head + b"\r\n" + body

    def _write(self, rows: list[Accepted]) -> None:
        os.write(self.oracle, "".join(json.dumps(row) + "\n" for row in rows).encode())

    def _refusal(self, call: _Call) -> str | None:
        """Return the vendor's own error for a wrong signature or an old timestamp, when secrets are known."""
        secret, oracle = self.secrets.get(call.provider), call.oracle
        if secret is None or call.operation in ("timestamp", "connect", "") or oracle is None:
            return None
        provider = get(call.provider)
        given = dict(call.pairs)
        wanted = provider.sign(tuple((n, v) for n, v in call.pairs if n != "action"), Secret(secret)).signature
        refusal = oracle.refusal(given, given.get(provider.rule.signature) == wanted, time.time())
        return None if refusal is None else json.dumps(refusal)


def _parse(method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> _Call:
    if method == "CONNECT":
        return _Call(method, target, [], headers, None, "", "connect")
    url = urlsplit(target)
    path, step = url.path, None
    if path.startswith("/~"):
        token, _, path = path[2:].partition("/")
        step = _step(json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))))
    pairs = parse_qsl(url.query, keep_blank_values=True) + parse_qsl(body.decode(), keep_blank_values=True)
    prefixes = sorted(PATHS.items(), key=lambda pair: len(pair[1]), reverse=True)
    provider = next((name for name, prefix in prefixes if path.lstrip("/").startswith(prefix)), "")
    script = path.rsplit("/", 1)[-1].removesuffix(".php")
    if not provider or not script:  # the bare address is no operation
        operation = script
    elif oracle := _oracle(provider):
        operation = oracle.operation(script, dict(pairs))
    else:
        operation = "send" if path.lstrip("/") == _send_path(provider).lstrip("/") else "ask"
    return _Call(method, path, pairs, headers, step, provider, operation)


@cache
def _oracle(provider: str) -> Oracle | None:
    # Only here: this file is a program too, and that finds the package of the tests when ``_main`` has begun.
    from tests.vendors import oracle

    return oracle(provider)


@cache
def _emulator(provider: str) -> tuple[Emulator, Desk]:
    emulator = next(one for one in sandbox.emulators() if provider in one.demo)
    return emulator, Desk(dict.fromkeys(emulator.demo, Decimal(10**9)))


@cache
def _send_path(provider: str) -> str:
    demo, message = sandbox.demo(provider), Message((MSISDN(get(provider).example_number),), "x")
    return urlsplit(get(provider).send.build(message, demo.account, "1").url).path


def _emulate(call: _Call) -> tuple[Answer, list[Accepted]]:
    """Return what the vendor's emulator answers, and what it accepted; it has the demo accounts."""
    emulator, desk = _emulator(call.provider)
    accounts = {name: demo.account for name, demo in emulator.demo.items()}
    keys = {name: account.secret for name, account in accounts.items()}
    handle = emulator.routes.get("/" + call.path.lstrip("/"))
    with desk.lock:
        if handle is None:
            return Answer("?", "text/plain", status=404), []
        answer = handle(Call(tuple(call.pairs), "", accounts, time.time(), keys), desk)
        accepted = [entry for entry in desk.caught if entry.refusal is None]
        desk.forget()
    stamp = dict(call.pairs).get(get(call.provider).stamp_name or "", "")
    return answer, [
        Accepted(call.provider, one.to or "", one.text or "", one.sender or "", stamp, one.message_id or "")
        for one in accepted
    ]


def _body(call: _Call, step: Step, ids: list[str]) -> bytes:
    if step.body is not None:
        return step.body.encode("latin-1")
    if step.fill:
        return (step.fill[0] * step.fill[1]).encode()
    if step.gzip_mib:
        return gzip.compress(bytes(step.gzip_mib << 20), 9)
    if call.oracle is None or not call.operation:
        return b"?"
    answer = call.oracle.success(call.operation, call.recipients, dict(call.pairs), ids)
    return json.dumps(answer, separators=(",", ":")).encode()


def _write(sock: socket.socket, data: bytes, step: Step) -> None:
    if not step.drip:
        sock.sendall(data)
        return
    sock.sendall(data[: step.drip_from])
    for byte in data[step.drip_from :]:
        time.sleep(step.drip)
        sock.sendall(bytes([byte]))


def _end(sock: socket.socket, how: str) -> None:
    if how == "stall":
        with suppress(OSError):
            while sock.recv(65536):
                pass
    if how == "junk":
        # Below TLS: a record that no key opens; on a plain connection a line that is no HTTP.
        os.write(sock.fileno(), b"\x17\x03\x03\x00\x20" + b"junk" * 8)
        time.sleep(0.1)
    if how == "rst":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _tunnel(client: socket.socket, target: str) -> None:
    """Carry bytes both ways until one end is through, in one thread: OpenSSL's connection is not for two at once."""
    # Whatever the name, it is this machine.
    with suppress(OSError), socket.create_connection(("127.0.0.1", int(target.rpartition(":")[2]))) as server:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            decrypted = isinstance(client, ssl.SSLSocket) and client.pending()
            for source in [client] if decrypted else select.select([client, server], [], [])[0]:
                source.setblocking(False)
                try:
                    data = source.recv(65536)
                except (BlockingIOError, ssl.SSLWantReadError):
                    continue  # Half a record, or one without data.
                finally:
                    source.setblocking(True)
                if not data:
                    return
                (server if source is client else client).sendall(data)


def _main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    for name in PATHS:
        _oracle(name)  # before anybody waits for an answer
    server = _Server(json.loads(sys.argv[1]))
    _say(server.ports)
    for line in sys.stdin:
        command = json.loads(line)
        with server.lock:
            if command["do"] == "seen":
                _say([server.connections, server.bytes, server.requests])
                continue
            server.script = deque(_step(step) for step in command.get("steps", ()))
            if command["do"] == "forget":
                server.connections, server.bytes, server.requests = 0, 0, []
        _say(None)


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main()

"""A sandbox on a bench: its clock stands still, and every way of asking it takes one line.

Signatures are made here by hand, as the documents say, not by smscli; and requests are written byte by byte.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

from smscli import sandbox
from smscli.sandbox._raw import RawRequest
from smscli.sandbox._service import Sandbox

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Reply:
    """What came back; header names are in lower case."""

    status_code: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def content_type(self) -> str:
        """The header."""
        return self.headers["content-type"]

    def get_data(self, *, as_text: bool = False) -> Any:
        """Return the body."""
        return self.data.decode() if as_text else self.data

    def get_json(self) -> Any:
        """Return the body's value."""
        return json.loads(self.data)


def ask(
    app: Sandbox, path: str, method: str = "GET", *, query_string: object = (), data: object = None,
    json: object = None, content_type: str | None = None, headers: Mapping[str, str] | None = None,
) -> Reply:  # fmt: skip
    """Make one request of a sandbox in this process. ``data`` is a form, or a body as it stands."""
    query = query_string if isinstance(query_string, str) else urlencode(tuple(_pairs(query_string)))
    body, kind = _body(data, json, content_type)
    lines = {"Host": "localhost", **({"Content-Type": kind} if kind else {}), **(headers or {})}
    raw = tuple((name.encode(), value.encode()) for name, value in lines.items())
    reply = app.answer(RawRequest(method, f"{path}{'?' if query else ''}{query}".encode(), raw, body))
    return Reply(reply.status, {name.lower(): value for name, value in reply.headers}, reply.body)


@contextmanager
def serving(app: Sandbox) -> Iterator[str]:
    """Serve a sandbox in a thread, to the end of the block; give its host with port."""
    up = threading.Event()
    roots: list[str] = []

    def ready(root: str) -> None:
        roots.append(urlsplit(root).netloc)
        up.set()

    thread = threading.Thread(target=lambda: sandbox.serve(app, 0, ready=ready), daemon=True)
    thread.start()
    assert up.wait(10)
    try:
        yield roots[0]
    finally:
        app.close()
        thread.join(10)
        assert not thread.is_alive()


def _body(data: object, tree: object, kind: str | None) -> tuple[bytes, str | None]:
    if tree is not None:
        return json.dumps(tree).encode(), "application/json"
    if data is None or isinstance(data, (str, bytes)):
        return (data or b"") if isinstance(data, bytes) else (data or "").encode(), kind
    if kind == "multipart/form-data":
        from urllib3 import encode_multipart_formdata

        return encode_multipart_formdata([(name, str(value)) for name, value in _pairs(data)])
    return urlencode(tuple(_pairs(data))).encode(), _FORM


def _pairs(values: Any) -> Iterable[tuple[str, object]]:
    for name, value in values.items() if isinstance(values, Mapping) else values:
        yield from ((name, one) for one in value) if isinstance(value, list) else ((name, value),)


NOW = 1732809600
LIGHTSMS_KEY = "demo-key-lightsms"
PAYFORSMS_KEY = "demo-key-payforsms"
MESAJLARIM_SECRET = "demo-secret-mesajlarim"


@dataclass
class Bench:
    """One sandbox with a clock that stands still, and the ways to ask it."""

    now: list[float] = field(default_factory=lambda: [float(NOW)])
    credit: dict[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the application."""
        self.app = sandbox.create_app(clock=lambda: self.now[0], credit=self.credit)

    def ask(self, path: str, method: str = "GET", **options: Any) -> Reply:
        """Return the reply to one request; it always has status 200."""
        reply = ask(self.app, path, method, **options)
        assert reply.status_code == 200, reply.get_data(as_text=True)
        return reply

    def lightsms(self, script: str, pairs: dict[str, str], key: str = LIGHTSMS_KEY, **options: Any) -> Reply:
        """Ask LightSMS with a signature over the pairs, login and timestamp added."""
        params = {"login": "demo", "timestamp": str(NOW)} | pairs
        params = {name: value for name, value in params.items() if value != "left out"}
        joined = "".join(value for _, value in sorted(params.items()))
        params.setdefault("signature", hashlib.md5((joined + key).encode()).hexdigest())  # noqa: S324  (vendor's rule)
        return self.ask(f"/external/get/{script}.php", query_string=params, **options)

    def payforsms(self, method: str, pairs: dict[str, str], key: str = PAYFORSMS_KEY, **options: Any) -> Reply:
        """Ask payforsms with a sign over the pairs, project added."""
        params = {"project": "demo-payforsms"} | pairs
        joined = ";".join([*(value for _, value in sorted(params.items())), key])
        inner = hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324  (vendor's rule)
        params["sign"] = hashlib.md5(inner.encode()).hexdigest()  # noqa: S324  (vendor's rule)
        return self.ask(f"/api/mainsms/message/{method}", "POST", data=params, **options)

    def mesajlarim(self, action: str, pairs: dict[str, Any], key: str = MESAJLARIM_SECRET) -> Reply:
        """Ask Mesajlarim with a token over the documented order."""
        params = {"appId": "1", "msisdn": "5321000000", "rand": "1331024400"} | pairs
        params = {name: value for name, value in params.items() if value != "left out"}
        joined = ""
        for name in ("appId", "appld", "msisdn", "message", "recipient", "recipient[]", "rand"):
            value = params.get(name, "")
            joined += value if isinstance(value, str) else "".join(value)
        params.setdefault("token", hmac.new(key.encode(), joined.encode(), "sha1").hexdigest())
        return self.ask(f"/omrestapi/api.php?action={action}", "POST", data=params)

    def caught(self) -> list[dict[str, Any]]:
        """Return the message list."""
        entries: list[dict[str, Any]] = json.loads(self.ask("/api/messages").get_data())
        return entries


SEND = {"phone": "37061234567", "sender": "Demo", "text": "Hello!", "return": "json"}
PAY = {"recipients": "89121231234", "sender": "payforsms.ru", "message": "test"}
SMS = {"message": "My Message", "recipient": "5322000000"}

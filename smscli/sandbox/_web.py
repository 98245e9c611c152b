"""The emulators as a Flask application, and its two ways in. Loaded only when a sandbox is opened.

Everything HTTP is here: how parameters are gathered, the list of what was caught, the server. Nothing is logged: a
request line holds login and signature.
"""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Flask, request  # noqa: TID253  (this module is loaded when a sandbox is opened)
from flask import Response as Reply  # noqa: TID253  (the same)
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client

from smscli.errors import ConfigError
from smscli.model import Account, Pairs, Secret, mask
from smscli.sandbox._emulator import Answer, Call, Desk, Emulator, header
from smscli.wire import MalformedAnswer, Request, Response, Transport, decode_json, is_loopback

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_LONGEST_REQUEST = 1024 * 1024


def create_app(
    emulators: tuple[Emulator, ...],
    accounts: Mapping[str, Account],
    clock: Callable[[], float],
    credit: Mapping[str, Decimal],
) -> Flask:
    """See ``smscli.sandbox.create_app``."""
    app = Flask("smscli.sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = _LONGEST_REQUEST
    desk = Desk({name: credit.get(name, emulator.credit) for emulator in emulators for name in emulator.demo})
    for place, emulator in enumerate(emulators):
        own = {name: accounts[name] for name in emulator.demo if name in accounts}
        app.register_blueprint(_blueprint(f"vendor{place}", emulator, own, desk, clock))
    paths = {
        name: urlsplit(demo.account.base_url).path for emulator in emulators for name, demo in emulator.demo.items()
    }
    app.add_url_rule("/", "index", partial(_index, paths))
    secrets = [secret for account in accounts.values() for secret in account.secrets]
    app.add_url_rule("/api/messages", "messages", partial(_messages, desk, secrets), methods=["GET", "DELETE"])
    return app


def _blueprint(
    name: str, emulator: Emulator, accounts: Mapping[str, Account], desk: Desk, clock: Callable[[], float]
) -> Blueprint:
    blueprint = Blueprint(name, __name__)
    demo_keys = {vendor: demo.account.secret for vendor, demo in emulator.demo.items()}
    for place, (path, handle) in enumerate(emulator.routes.items()):

        def view(handle: Callable[[Call, Desk], Answer] = handle) -> Reply:
            call = Call(_params(), request.headers.get("Accept", ""), accounts, clock(), demo_keys)
            with desk.lock:
                return _reply(handle(call, desk))

        blueprint.add_url_rule(path, f"path{place}", view, methods=["GET", "POST"], strict_slashes=False)
    return blueprint


def _params() -> Pairs:
    """Return the parameters of query and body, whatever the method, as the vendors' PHP gathers them.

    Query, then form (urlencoded or multipart), then JSON object. A later value of a name replaces an earlier one,
    in its place; only a name that ends in ``[]`` keeps all values, and those of the last source alone.
    """
    merged: dict[str, list[str]] = {}
    for source in (request.args, request.form):
        for name, values in source.lists():
            merged[name] = values if name.endswith("[]") else values[-1:]
    if request.is_json:
        for name, value in _members(request.get_data()).items():
            if isinstance(value, list):
                merged[f"{name}[]"] = [str(item) for item in value]
            elif value is not None:
                merged[name] = [str(value)]
    # JSON can spell half a surrogate pair, which no encoding can write again.
    return tuple(
        (name, value.encode("utf-8", "replace").decode()) for name, values in merged.items() for value in values
    )


def _members(body: bytes) -> dict[str, object]:
    try:
        value = decode_json(body)
    except MalformedAnswer:
        return {}
    return value if isinstance(value, dict) else {}


def _reply(answer: Answer) -> Reply:
    reply = Reply(answer.body, answer.status, list(answer.headers), content_type=answer.content_type)
    if answer.check and not answer.check.right:
        reply.headers["X-Smscli-Expected"] = header(answer.check.expected)
        if answer.check.diagnosis:
            reply.headers["X-Smscli-Diagnosis"] = header(answer.check.diagnosis)
    return reply


def _index(paths: Mapping[str, str]) -> Reply:
    root = request.url_root.rstrip("/")
    urls = {name: root + path for name, path in paths.items()}
    return _json({"base_urls": urls, "messages": f"{root}/api/messages"})


def _messages(desk: Desk, secrets: Sequence[Secret]) -> Reply:
    with desk.lock:
        if request.method == "DELETE":
            desk.forget()
            return Reply(status=204)
        caught = [entry.tree() for entry in desk.caught]
    # A client under development may put its key anywhere, even where the signature belongs.
    return _json(
        [
            {name: mask(value, secrets) if isinstance(value, str) else value for name, value in entry.items()}
            for entry in caught
        ]
    )


def _json(value: object) -> Reply:
    return Reply(json.dumps(value, indent=2) + "\n", content_type="application/json")


# --- the two ways in -------------------------------------------------------------------------------------------------


def transport(app: Flask) -> Transport:
    """See ``smscli.sandbox.transport``."""

    def send(asked: Request, _seconds: float) -> Response:
        url = urlsplit(asked.target)
        with Client(app).open(
            url.path,
            base_url=f"{url.scheme}://{url.netloc}",
            method=asked.method,
            query_string=url.query,
            data=asked.body,
            content_type="application/x-www-form-urlencoded" if asked.form else None,
            headers=list(asked.headers),
        ) as reply:
            return Response(reply.status_code, reply.get_data(), {name.lower(): value for name, value in reply.headers})

    return send


class _Quiet(WSGIRequestHandler):
    """A handler without an access log."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  (werkzeug's own name)
        """Say nothing."""


def serve(app: Flask, port: int, host: str, ready: Callable[[str], None]) -> None:
    """See ``smscli.sandbox.serve``."""
    listener = _listen(host, port)
    fenced = _for_this_machine(app)
    with (
        listener,
        make_server(host, port, fenced, threaded=True, request_handler=_Quiet, fd=listener.fileno()) as server,
    ):
        previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            ready(f"http://{host}:{server.port}")
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            signal.signal(signal.SIGTERM, previous)


def _for_this_machine(app: WSGIApplication) -> WSGIApplication:
    """Return the application behind a look at the Host header.

    A web page can have its own name point to this machine, and would read what was caught as if it were its own
    (DNS rebinding); the browser still sends that name.
    """

    def fenced(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if is_loopback(re.sub(r":[0-9]*$", "", environ.get("HTTP_HOST", ""))):
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"The sandbox is for this machine only: ask it as 127.0.0.1, [::1] or localhost.\n"]

    return fenced


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket: left to itself, werkzeug would print and exit when the address is in use."""
    if port > 65535:
        reason = "there is no such port"
    else:
        try:
            return socket.create_server((host, port))
        except OSError as error:
            reason = str(error.strerror)
    raise ConfigError(f"the sandbox cannot listen on {host}, port {port}: {reason}", hint="port 0 takes any free one")

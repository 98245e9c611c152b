"""What programs ask the sandbox itself, below ``/api``: messages, waits, codes, balances, state.

``openapi.json`` describes it and is served; a test holds every route against it. All of it is stable: names are added,
never changed. Whatever is answered has every secret of an account masked: a client under development may put its key
anywhere, even where the signature belongs.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Reversible
from dataclasses import replace
from decimal import Decimal
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING

from smscli import __version__
from smscli.errors import InputError
from smscli.model import Pairs, Secret, mask, visible
from smscli.sandbox._desk import ANSWERED, UNKNOWN, Caught, Desk
from smscli.sandbox._hiding import hide
from smscli.sandbox._later import Later, Streaming, Waiting
from smscli.sandbox._params import gather
from smscli.sandbox._raw import RawReply, RawRequest, json_reply
from smscli.sandbox._search import Criteria, closest, code, parse

if TYPE_CHECKING:
    from smscli.sandbox._service import Sandbox

_WHOM = ("q", "to", "text", "vendor", "accepted")
_AGAIN = 200  # entries of a list that are written at once
_MISSED = 1000  # entries that a stream which broke brings again, at most
_LONGEST_WAIT = 600.0
_USUAL_WAIT = 10.0
_EMULATED = ("/api/balance", "/api/chaos")  # what is not there when requests are passed on

_Handler = Callable[["Sandbox", RawRequest, Pairs, "str | None"], "RawReply | Later"]


def answer(sandbox: Sandbox, request: RawRequest) -> RawReply | Later:
    """Answer a request below ``/api``: 400 with the reason for one that asks for what there is not."""
    path = request.path.rstrip("/")
    for pattern, methods in ROUTES.items():
        match = re.fullmatch(pattern.replace("{number}", "([0-9]{1,15})"), path)
        method = "GET" if request.method == "HEAD" else request.method
        if match and method in methods:
            if sandbox.upstream and pattern.startswith(_EMULATED):
                return _trouble(409, "requests are passed on: nothing is emulated here")
            try:
                return methods[method](sandbox, request, gather(request), match[1] if match.re.groups else None)
            except InputError as error:
                return _trouble(400, error.message)
        if match and "{" not in pattern:
            return _trouble(405, f"{path} takes {' and '.join(methods)}", (("Allow", ", ".join(methods)),))
    return _trouble(404, f"there is no {visible(path)[:200]}; /api/openapi.json describes what there is")


def written(sandbox: Sandbox, entry: Caught, *, whole: bool = False) -> dict[str, object]:
    """Return an entry as JSON shows it, masked; ``whole`` adds the request as it came."""
    return _Writer(sandbox.secrets)(entry, whole=whole)


class _Writer:
    """How entries are written when these secrets must not be seen."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._secrets = tuple(secrets)

    def __call__(self, entry: Caught, *, whole: bool = False) -> dict[str, object]:
        tree = entry.tree()
        if whole:
            tree["raw"] = hide(entry.raw.decode("utf-8", "backslashreplace"), self._secrets)
            answer = entry.exchange.answer if entry.exchange else b""
            tree["answer"] = hide(answer.decode("utf-8", "backslashreplace"), self._secrets) if answer else None
        if entry.reason:
            tree["reason"] = hide(entry.reason, self._secrets)
        if entry.check and entry.check.is_damaged and entry.check.diagnosis:  # it has a value as it came
            tree["diagnosis"] = hide(entry.check.diagnosis, self._secrets)
        return {name: mask(value, self._secrets) if isinstance(value, str) else value for name, value in tree.items()}


# --- messages --------------------------------------------------------------------------------------------------------


def _list(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply:
    criteria = _criteria(sandbox, params, "before", "after", "limit")
    with sandbox.desk.lock:
        entries = list(sandbox.desk.caught)
        counts = (
            ("X-Smscli-Total", str(sandbox.desk.total)), ("X-Smscli-Dropped", str(sandbox.desk.dropped)),
        )  # fmt: skip
    meant = criteria.select(entries)
    headers = (("Content-Type", "application/json"), *counts, *(() if meant else _near(criteria, entries)))
    return RawReply(200, headers, _listed(_Writer(sandbox.secrets), meant))


def _criteria(sandbox: Sandbox, params: Pairs, *more: str) -> Criteria:
    """Return what is searched for. Raises InputError for what there cannot be: a slip would meet nothing for ever."""
    criteria = parse(params, (*_WHOM, *more))
    vendors = [*sandbox.paths, UNKNOWN]
    if criteria.vendor is not None and criteria.vendor not in vendors:
        raise InputError(f"vendor is one of {', '.join(vendors)}")
    return criteria


def _listed(write: _Writer, entries: list[Caught]) -> Iterator[bytes]:
    """Write a list in pieces: a hundred thousand entries at once would take a second, and a gigabyte."""
    before = "[\n"
    for start in range(0, len(entries), _AGAIN):
        texts = [json.dumps(write(entry), indent=2) for entry in entries[start : start + _AGAIN]]
        yield (before + ",\n".join(texts)).encode()
        before = ",\n"
    yield b"\n]\n" if entries else b"[]\n"


def _delete(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply:
    criteria = _criteria(sandbox, params, "before", "after")
    with sandbox.desk.lock:
        count = sandbox.desk.forget(criteria.meets)
        near = () if count else _near(criteria, sandbox.desk.caught)
    return RawReply(204, (("X-Smscli-Deleted", str(count)), *near))


def _near(criteria: Criteria, entries: Reversible[Caught]) -> Pairs:
    """Return headers that name the closest entry, and what it does not meet; the body has another shape already."""
    near = closest(criteria, reversed(entries))
    if not near or not near[1]:
        return ()
    return ("X-Smscli-Closest", str(near[0].number)), ("X-Smscli-Differs-In", ", ".join(near[1]))


def _one(sandbox: Sandbox, _request: RawRequest, params: Pairs, number: str | None) -> RawReply:
    parse(params, ())
    entry = find(sandbox, number)
    return json_reply(written(sandbox, entry, whole=True)) if entry else _no_such(number)


def _code_of_one(sandbox: Sandbox, _request: RawRequest, params: Pairs, number: str | None) -> RawReply:
    digits = _digits(params)
    parse(params, ("digits",))
    entry = find(sandbox, number)
    if entry is None:
        return _no_such(number)
    return _coded(sandbox, entry, digits) or _trouble(404, f"there is no code in message {number}")


def _latest(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply | Later:
    return _find(sandbox, params, 0.0, lambda entry: json_reply(written(sandbox, entry, whole=True)))


def _wait(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply | Later:
    return _find(sandbox, params, _USUAL_WAIT, lambda entry: json_reply(written(sandbox, entry, whole=True)))


def _latest_code(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply | Later:
    digits = _digits(params)
    others = tuple((name, value) for name, value in params if name != "digits")
    return _find(sandbox, others, 0.0, lambda entry: _coded(sandbox, entry, digits))


def _find(sandbox: Sandbox, params: Pairs, usual: float, show: Callable[[Caught], RawReply | None]) -> RawReply | Later:
    """Return the newest entry that is meant and can be shown, now or within the time that was given.

    Only what was accepted counts, unless ``accepted`` says otherwise: nothing else would have reached a phone.
    """
    criteria = _criteria(sandbox, params, "after", "timeout")
    seconds = _seconds(dict(params).get("timeout"), usual)
    is_usual = not dict(params).get("accepted")
    if is_usual:
        criteria = replace(criteria, accepted=True)

    def look(entry: Caught) -> RawReply | None:
        is_question = entry.exchange is not None and entry.exchange.outcome == ANSWERED
        return show(entry) if criteria.meets(entry) and not (is_usual and is_question) else None

    def search() -> RawReply | None:
        with sandbox.desk.lock:
            entries = list(sandbox.desk.caught)
        return next((reply for reply in map(look, reversed(entries)) if reply), None)

    def give_up() -> RawReply:
        return search() or _nothing_meant(sandbox, criteria, seconds)

    return search() or (Waiting(seconds, search, look, give_up) if seconds else give_up())


def _nothing_meant(sandbox: Sandbox, criteria: Criteria, seconds: float) -> RawReply:
    with sandbox.desk.lock:
        near = closest(criteria, reversed(sandbox.desk.caught))
    after = (" before the sandbox ended" if sandbox.closing else f" within {seconds:g} s") if seconds else ""
    tree: dict[str, object] = {"error": f"no message is meant{after}", "closest": None, "differs_in": []}
    if near:
        # What meets all of them lacks a code.
        tree |= {"closest": written(sandbox, near[0]), "differs_in": near[1] or ["code"]}
    return json_reply(tree, 404)


def _coded(sandbox: Sandbox, entry: Caught, digits: int | None) -> RawReply | None:
    value = code(entry.text or "", digits)
    return json_reply({"code": value, "message": written(sandbox, entry)}) if value else None


def find(sandbox: Sandbox, number: str | None) -> Caught | None:
    """Return the entry of a number in digits, None when it is not in the list."""
    with sandbox.desk.lock:
        return next((entry for entry in reversed(sandbox.desk.caught) if entry.number == int(number or 0)), None)


def _no_such(number: str | None) -> RawReply:
    return _trouble(404, f"there is no message {number}: it never came, was deleted, or has left the list")


def _digits(params: Pairs) -> int | None:
    given = dict(params).get("digits")
    if given and given not in ("4", "5", "6", "7", "8"):
        raise InputError("digits is a number from 4 to 8")
    return int(given) if given else None


def _seconds(given: str | None, usual: float) -> float:
    if not given:
        return usual
    if not re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", given) or float(given) > _LONGEST_WAIT:
        raise InputError(f"timeout is a number of seconds, at most {_LONGEST_WAIT:g}")
    return float(given)


# --- everything else -------------------------------------------------------------------------------------------------


def _reset(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply:
    parse(params, ())
    sandbox.reset()
    return RawReply(204)


def _balances(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply:
    parse(params, ())
    with sandbox.desk.lock:
        return json_reply({vendor: str(amount) for vendor, amount in sandbox.desk.credit.items()})


def _set_balance(sandbox: Sandbox, request: RawRequest, params: Pairs, _number: str | None) -> RawReply:
    parse(params, ("vendor", "amount"))
    given = dict(params)
    vendor = given.get("vendor", "")
    if vendor not in sandbox.desk.credit:
        raise InputError(f"vendor is one of {', '.join(sandbox.desk.credit)}")
    amount = parse_amount(given.get("amount", ""))
    with sandbox.desk.lock:
        sandbox.desk.credit[vendor] = amount
    return _balances(sandbox, request, (), None)


def parse_amount(text: str) -> Decimal:
    """Return an amount of money or of free messages. Raises InputError for what is none."""
    if not re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,6})?", text):
        raise InputError("an amount is a number such as 150.50")
    return Decimal(text)


def _rules(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply:
    parse(params, ())
    with sandbox.desk.lock:
        chaos = sandbox.rules()
        return json_reply({"seed": chaos.seed, "rules": [chaos.tree(number) for number in chaos.tracks]})


def _add_rule(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply:
    from smscli.sandbox import _chaos

    given = {name: value for name, value in params if value}
    if given.keys() == {"rule"}:
        rule = _chaos.parse(given["rule"], sandbox.emulators)
    else:
        rule = _chaos.build(given, sandbox.emulators)
    with sandbox.desk.lock:
        chaos = sandbox.rules()
        return json_reply(chaos.tree(chaos.add(rule)), 201)


def _delete_rules(sandbox: Sandbox, _request: RawRequest, params: Pairs, number: str | None) -> RawReply:
    parse(params, ())
    with sandbox.desk.lock:
        tracks = sandbox.rules().tracks
        if number is None:
            tracks.clear()
        elif tracks.pop(int(number), None) is None:
            return _trouble(404, f"there is no rule {number}")
    return RawReply(204)


def _state(sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply:
    parse(params, ())
    desk = sandbox.desk
    with desk.lock:
        entries, total, dropped, size = list(desk.caught), desk.total, desk.dropped, desk.caught_bytes
    accepted = sum(entry.refusal is None for entry in entries)
    return json_reply(
        {
            "messages": len(entries),
            "accepted": accepted,
            "refused": len(entries) - accepted,
            "total": total,
            "dropped": dropped,
            "bytes": size,
            "uptime": round(time.monotonic() - sandbox.begun, 3),
            "version": __version__,
            "upstream": sandbox.upstream.base_url if sandbox.upstream else None,
            "settings": {"most": desk.most, "most_bytes": desk.most_bytes, "vendors": list(sandbox.paths)},
        }
    )


def _events(sandbox: Sandbox, request: RawRequest, params: Pairs, _number: str | None) -> RawReply | Later:
    parse(params, ())
    write, desk = _Writer(sandbox.secrets), sandbox.desk

    def event(name: str, entry: Caught | None) -> bytes:
        if entry is None:
            return b"event: %s\ndata: {}\n\n" % name.encode()
        number = f"id: {desk.generation}-{entry.number}\n" if name == "new" else ""
        return f"{number}event: {name}\ndata: {json.dumps(write(entry))}\n\n".encode()

    if request.method == "HEAD":  # a stream without an end has no last byte to wait for
        return Streaming((), event).reply
    last = request.header(b"last-event-id")
    with desk.lock:
        missed = _missed(desk, last) if last else []
        # Whoever has seen nothing yet has an id to come back with, too.
        seen = f"id: {desk.generation}-{desk.total - len(missed or ())}\nretry: 1000\n\n".encode()
    news = (event("reload", None),) if missed is None else tuple(event("new", entry) for entry in missed)
    return Streaming((seen, *news), event)


def _missed(desk: Desk, last: str) -> list[Caught] | None:
    """Return the entries after the event of that id, None for too many, or when not all of them are known any more."""
    generation, _, number = last.partition("-")
    if generation != desk.generation or not re.fullmatch("[0-9]{1,15}", number):
        return None  # numbers have begun at 1 again since
    count = desk.total - int(number)
    if not 0 <= count <= min(_MISSED, len(desk.caught)):
        return None
    entries = list(islice(reversed(desk.caught), count))[::-1]
    return entries if not entries or entries[0].number == int(number) + 1 else None


def _openapi(_sandbox: Sandbox, _request: RawRequest, params: Pairs, _number: str | None) -> RawReply:
    parse(params, ())
    return RawReply(200, (("Content-Type", "application/json"),), (document(),))


def document() -> bytes:
    """Return the description of all this, OpenAPI 3.1 in JSON."""
    return files("smscli.sandbox").joinpath("openapi.json").read_bytes()


def _trouble(status: int, sentence: str, headers: Pairs = ()) -> RawReply:
    return json_reply({"error": sentence}, status, headers)


ROUTES: Mapping[str, Mapping[str, _Handler]] = {
    "/api/messages": {"GET": _list, "DELETE": _delete},
    "/api/messages/latest": {"GET": _latest},
    "/api/messages/latest/code": {"GET": _latest_code},
    "/api/messages/{number}": {"GET": _one},
    "/api/messages/{number}/code": {"GET": _code_of_one},
    "/api/wait": {"GET": _wait},
    "/api/reset": {"POST": _reset},
    "/api/balance": {"GET": _balances, "POST": _set_balance},
    "/api/chaos": {"GET": _rules, "POST": _add_rule, "DELETE": _delete_rules},
    "/api/chaos/{number}": {"DELETE": _delete_rules},
    "/api/state": {"GET": _state},
    "/api/events": {"GET": _events},
    "/api/openapi.json": {"GET": _openapi},
}
"""What answers, by path and method."""

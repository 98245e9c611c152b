"""Requests that go on to a vendor as they came, and what the list says of them: the request, its answer, what is wrong.

Nothing is repeated, and no answer of the vendor's is changed. What left, and what may have left, is the transport's
word. The vendor decides what was accepted; the check here, by the profile's key and this machine's clock, explains it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from threading import Semaphore
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smscli import providers
from smscli.errors import AuthenticationError, InputError, OutcomeUnknownError, RejectedError, SmscliError
from smscli.model import MSISDN, Message, Outcome, Secret, Submission, visible
from smscli.providers import Provider
from smscli.sandbox._call import Call
from smscli.sandbox._checking import Check
from smscli.sandbox._desk import ANSWERED, RAW_BYTES, UNKNOWN, Caught, Desk, Exchange
from smscli.sandbox._emulator import Answer, Emulator, header
from smscli.sandbox._failures import Fault
from smscli.sandbox._hiding import hide
from smscli.sandbox._later import Diagnosing, Passing
from smscli.sandbox._raw import RawReply, RawRequest, text_reply
from smscli.segments import measure
from smscli.wire import Response

if TYPE_CHECKING:
    from smscli.sandbox._service import Sandbox

AT_ONCE = 32
"""Requests that are on their way at a time; an address that leads back here stops there."""

PassOn = Callable[[str, bytes, Sequence[tuple[bytes, bytes]], bytes], Response]
"""``pass_on(method, target, headers, body)`` gives the vendor's answer, or raises what a ``wire.Transport`` raises."""

# What belongs to one connection (RFC 9110, 7.6.1), and what our own side of it says anew.
_OF_A_CONNECTION = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade", b"host", b"expect", b"content-length")
)  # fmt: skip
_OF_OUR_REPLY = _OF_A_CONNECTION | {b"date"}  # the server has a clock of its own
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*")

# Values that open an account, whosever they are; a signature opens nothing else.
_PRIVATE = ("apikey", "api_key", "api-key", "key", "secret", "password", "passwd", "pass", "pwd", "psw")
_FORM = re.compile(rf"(?i)((?:^|[?&\s])(?:{'|'.join(_PRIVATE)})=)[^&\s]+".encode())
_HEAD = re.compile(rb"(?im)^((?:x-)?(?:api-?key|auth-token|access-token|secret)): (.*?)(?=\r?$)")
_SHORTEST, _LONGEST = 6, 200  # characters of one that is looked for outside its own place, too
_READ = 2 * RAW_BYTES  # of a request or an answer, of which the beginning is kept: what is hidden makes it shorter

_UNPACKED = ("gzip", "x-gzip", "deflate")
_LONGEST_ANSWER = 1024 * 1024  # bytes of one without its compression

_ADMITTED = "login, signature and time are right"


@dataclass(slots=True)
class Upstream:
    """Where requests go on to: the vendor, its base URL, and the way there; ``cancel`` ends what is under way.

    ``region`` is the ISO 3166 country of numbers that are written nationally.
    """

    vendor: str
    base_url: str
    pass_on: PassOn
    cancel: Callable[[], None]
    region: str | None = None
    slots: Semaphore = field(default_factory=lambda: Semaphore(AT_ONCE))


@dataclass(frozen=True, slots=True)
class _View:
    """A request as it is seen here: its entries with their numbers, what is wrong, its beginning, what to hide."""

    call: Call
    entries: tuple[Caught, ...]
    numbers: Mapping[str | None, MSISDN]
    check: Check | None
    reason: str | None
    raw: bytes
    private: tuple[Secret, ...]


def begin(
    sandbox: Sandbox, upstream: Upstream, emulator: Emulator, handle: Callable[[Call, Desk], Answer], call: Call
) -> Passing:
    """Return how a request of the vendor's is passed on."""

    def look() -> _View:
        return _look(upstream, emulator, handle, call)

    def run() -> RawReply | Diagnosing:
        view = look()  # whatever goes wrong in here, nothing has left yet
        request = call.raw
        target = _target(sandbox, upstream, request)
        if target is None:
            return _lost(sandbox, upstream, view, Outcome.NOT_SENT, "its path is not below the vendor's base URL")
        if not upstream.slots.acquire(blocking=False):
            return _lost(sandbox, upstream, view, Outcome.NOT_SENT, f"{AT_ONCE} requests are on their way already")
        try:
            response = upstream.pass_on(request.method, target, _end_to_end(request.headers), request.body)
        except SmscliError as error:
            unknown = isinstance(error, OutcomeUnknownError)
            return _lost(sandbox, upstream, view, Outcome.UNKNOWN if unknown else Outcome.NOT_SENT, error.message)
        except Exception as error:  # noqa: BLE001  (whatever it was: nothing is proved, and the list has to say so)
            return _lost(sandbox, upstream, view, Outcome.UNKNOWN, f"an unexpected {type(error).__name__}")
        finally:
            upstream.slots.release()
        if not 200 <= response.status <= 999:
            return _lost(sandbox, upstream, view, Outcome.UNKNOWN, f"its answer has the status {response.status}")
        try:
            entries = _judged(upstream, view, response)
        except Exception:  # noqa: BLE001  (a parser of another package's; what a vendor has answered is not lost by it)
            exchange = Exchange(upstream.base_url, Outcome.UNKNOWN.value, response.status)
            entries = [_unread(one, exchange, "it cannot be read") for one in view.entries]
        _keep(sandbox, view, entries)
        headers = (
            (name, value)
            for name, value in response.headers.items()
            if name.encode() not in _OF_OUR_REPLY and _HEADER.fullmatch(f"{name}:{value}")
        )
        reply = RawReply(response.status, tuple(headers), (response.body,))
        return sandbox.explained(view.check, lambda: reply)

    return Passing(run, lambda why: _lost(sandbox, upstream, look(), Outcome.NOT_SENT, why))


def _target(sandbox: Sandbox, upstream: Upstream, request: RawRequest) -> bytes | None:
    """Return the target at the vendor, byte for byte but for another directory; None where there is none."""
    target = request.sent_target or request.target
    if not target.startswith(b"/"):  # a proxy is asked with the whole address
        target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
    own = sandbox.paths[upstream.vendor].encode()
    theirs = (urlsplit(upstream.base_url).path.rstrip("/") + "/").encode()
    if own == theirs:
        return target
    return theirs + target.removeprefix(own) if target.startswith(own) else None


def _end_to_end(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    named = b",".join(value for name, value in headers if name.lower() == b"connection").lower().split(b",")
    dropped = _OF_A_CONNECTION | {name.strip() for name in named}
    return tuple((name, value) for name, value in headers if name.lower() not in dropped)


# --- what is seen of a request ---------------------------------------------------------------------------------------


def _look(upstream: Upstream, emulator: Emulator, handle: Callable[[Call, Desk], Answer], call: Call) -> _View:
    """Have the emulator look at a request, at a desk of its own: whom it names, whether its proof is right.

    A fault that is found behind everything else keeps it from going further: what the vendor has is not ours to say.
    """
    desk = Desk(dict.fromkeys(emulator.demo, Decimal(0)))
    code = next(iter(emulator.errors), "")
    answer = handle(replace(call, fault=Fault(code, _ADMITTED)), desk)
    unnamed = Caught(vendor=upstream.vendor, operation=UNKNOWN, now=call.now, signature=None)
    entries = tuple(desk.caught) or ((emulator.noted(call)[0],) if emulator.noted else (unnamed,))
    is_check = answer.reason != _ADMITTED and entries[0].refusal != "not emulated" and bool(emulator.errors)
    reason = answer.reason if is_check else None
    provider = providers.get(upstream.vendor).of(call.accounts[upstream.vendor].fields)
    if reason and provider.stamp.ages and "your timestamp" in reason:
        reason += ", by this machine's clock"
    raw = call.raw.transcript(_READ)
    names = {*_PRIVATE, *(field.name for field in provider.secret_fields)}
    values = [value for name, value in call.params if name.lower() in names]
    values += [match[2].decode("latin-1") for match in _HEAD.finditer(raw)]
    private = tuple(Secret(value[:_LONGEST]) for value in values if len(value) >= _SHORTEST)
    raw = _beginning(_HEAD.sub(rb"\1: ***", _FORM.sub(rb"\1***", raw)), private)
    clean = tuple(
        replace(one, vendor=upstream.vendor, refusal=None, reason=None, cost=None, message_id=None) for one in entries
    )
    numbers: dict[str | None, MSISDN] = {
        one.to: number for one in clean if one.to and (number := _msisdn(one.to, upstream.region))
    }
    return _View(call, clean, numbers, answer.check, reason, raw, private)


def _beginning(data: bytes, private: Sequence[Secret]) -> bytes:
    """Return what is kept of a request or an answer: cut behind the hiding, so that its length tells that it was."""
    text = hide(data.decode("utf-8", "surrogateescape"), private)
    return text.encode("utf-8", "surrogateescape")[:RAW_BYTES]


# --- what became of it -----------------------------------------------------------------------------------------------


def _lost(sandbox: Sandbox, upstream: Upstream, view: _View, outcome: Outcome, why: str) -> RawReply:
    """Note that no answer came, and say what is known: 502 where nothing was sent, 504 where it may have been."""
    if outcome is Outcome.NOT_SENT and "nothing was sent" not in why:
        why += "; nothing was sent"
    exchange = Exchange(upstream.base_url, outcome.value)
    _keep(sandbox, view, (replace(one, refusal=outcome.value, reason=why, exchange=exchange) for one in view.entries))
    headers = (("X-Smscli-Outcome", outcome.value), ("X-Smscli-Reason", header(hide(why, sandbox.secrets))))
    status = 502 if outcome is Outcome.NOT_SENT else 504
    return text_reply(status, f"{outcome.value}: {hide(why, sandbox.secrets)}\n", headers=headers)


def _keep(sandbox: Sandbox, view: _View, entries: Iterable[Caught]) -> None:
    with sandbox.desk.lock:
        sandbox.desk.request = view.raw
        sandbox.desk.keep(entries)


def _judged(upstream: Upstream, view: _View, response: Response) -> list[Caught]:
    """Return the entries of a request with what the vendor answered."""
    provider = providers.get(upstream.vendor).of(view.call.accounts[upstream.vendor].fields)
    kind = response.headers.get("content-type", "").encode("latin-1", "replace")
    head = b"HTTP/1.1 %d\r\nContent-Type: %s\r\n\r\n" % (response.status, kind)
    plain = response._replace(body=_decoded(response))
    answer = _beginning((head + plain.body)[:_READ], view.private)
    exchange = Exchange(upstream.base_url, ANSWERED, response.status, answer)
    to = tuple(dict.fromkeys(view.numbers.values()))
    if view.entries[0].operation != "send" or not to:
        return [_answered(provider, one, view, plain, exchange) for one in view.entries]
    packing = _packing(response)
    if packing not in ("", "identity", *_UNPACKED):
        words = f"the answer is compressed as {visible(packing)[:20]}, which is not read here"
        return [_unread(one, exchange, words) for one in view.entries]
    message = Message(to, view.entries[0].text or "", test=view.call.get("test") == "1")
    receipt = provider.send.parse(plain, message, view.call.get(provider.stamp_name or "") or "")
    by_number = {one.to: one for one in receipt.submissions}
    fates = {raw: by_number[number] for raw, number in view.numbers.items()}
    return [_decided(fates.get(one.to), one, view, exchange) for one in view.entries]


def _decided(submission: Submission | None, entry: Caught, view: _View, exchange: Exchange) -> Caught:
    """Return an entry with what the vendor said of its recipient."""
    if submission is None:
        return _unread(entry, exchange, "the number cannot be read")
    exchange = replace(exchange, outcome=submission.outcome.value)
    if submission.outcome is Outcome.SENT:
        cost = submission.cost
        return replace(
            entry,
            exchange=exchange,
            message_id=submission.message_id,
            parts=submission.parts or max(1, measure(entry.text or "").parts),
            cost=f"{cost.amount} {cost.currency or ''}".rstrip() if cost else None,
            note=_doubted("accepted", entry, view),
        )
    reason = submission.reason
    code, words = (reason.code, reason.text) if reason else (None, "")
    if submission.outcome is Outcome.REFUSED:
        return replace(entry, exchange=exchange, refusal=_named(code, words), reason=view.reason or words)
    words = f"{words}; also, {view.reason}" if view.reason else words
    return replace(entry, exchange=exchange, refusal=exchange.outcome, reason=words)


def _unread(entry: Caught, exchange: Exchange, why: str) -> Caught:
    """Return an entry whose answer, or what it says of this recipient, smscli cannot read."""
    exchange = replace(exchange, outcome=Outcome.UNKNOWN.value)
    return replace(entry, exchange=exchange, refusal=exchange.outcome, reason=why)


def _answered(provider: Provider, entry: Caught, view: _View, response: Response, exchange: Exchange) -> Caught:
    """Return an entry with what the vendor said to a question: every operation is refused in the same words."""
    try:
        with suppress(InputError):
            provider.balance.parse(response, None, "")
    except (AuthenticationError, RejectedError) as error:
        exchange = replace(exchange, outcome=Outcome.REFUSED.value)
        refusal = _named(error.code, error.message)
        return replace(entry, exchange=exchange, refusal=refusal, reason=view.reason or error.message)
    except SmscliError:
        pass  # it is the answer to another question
    if response.status >= 400:  # it may have been an operation that sends, and is not read here
        exchange = replace(exchange, outcome=Outcome.UNKNOWN.value)
        return replace(entry, exchange=exchange, refusal=f"HTTP {response.status}", reason=view.reason)
    return replace(entry, exchange=exchange, note=_doubted("answered", entry, view))


def _doubted(fate: str, entry: Caught, view: _View) -> str | None:
    """Return the note of what the vendor took: here something may be wrong with it all the same."""
    doubt = f"{fate}, although here: {view.reason}" if view.reason else None
    return "; ".join(filter(None, (entry.note, doubt))) or None


def _named(code: str | None, words: str) -> str:
    return f"error {code}" if code and len(code) < 6 else code or words


def _msisdn(number: str, region: str | None) -> MSISDN | None:
    from smscli import numbering  # a second of loading for who needs no numbers

    with suppress(InputError):
        return numbering.parse(number, region).msisdn
    with suppress(InputError):
        return MSISDN(re.sub("[^0-9]", "", number))
    return None


def _packing(response: Response) -> str:
    return response.headers.get("content-encoding", "").strip().lower()


def _decoded(response: Response) -> bytes:
    """Return a body without its compression, as far as it is kept; a compression that nobody asked us for stays."""
    if _packing(response) not in _UNPACKED:
        return response.body
    with suppress(zlib.error):
        return zlib.decompressobj(47).decompress(response.body, _LONGEST_ANSWER)
    return response.body

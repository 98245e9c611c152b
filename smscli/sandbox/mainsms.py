"""MainSMS and payforsms, emulated: what sends messages, prices and follows them, below ``/api/mainsms/`` and ``/api/``.

Both brands share the paths; the project tells whose account it is. Checked in this order (the vendor's own is not
documented): project empty 1 or unknown 5; ``sign`` or, without one, ``apikey`` wrong, or a request that is not UTF-8,
2; then message empty 3, recipients empty 4, none of them a number 6, ``sender`` sent but malformed 8, not enough money
7. Every well-formed sender counts as approved and every project as switched on. Without ``sender`` the project's own
is used, as newer clients expect. ``run_at`` is accepted in both known spellings and any other: no error is documented.
A price is told however little is left. A number that ends as ``EMULATOR.failures`` has it provokes one of these
errors, or 9 or 10.

A message is ``accepted`` at first, in ``wait`` after two seconds, and after four ``delivered``, or ``non-delivered``
when its number ends in 9 (the third demo number does); one with ``run_at`` is ``scheduled`` until then, a test stays
``accepted``. The id tells all of it, so that any sandbox knows it; another's is ``not found``. ``message/cancel`` is
remembered by this sandbox alone; assumed: what has set out keeps its state.

The answer is XML for ``format=xml``, or without ``format`` when only XML is accepted; JSON otherwise. Amounts have a
dot in the JSON of a balance and in the cost of a batch, and a comma elsewhere, as captured from the vendor. The methods
of senders' approval, groups, contacts and mailings are known and not emulated. Assumed for them: error ``0``.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from math import inf
from xml.etree import ElementTree as ET

from smscli.model import Account, DeliveryState, Pairs, Secret, visible
from smscli.providers.mainsms import ERRORS
from smscli.sandbox import _reasons
from smscli.sandbox._call import Call, Demo
from smscli.sandbox._checking import Check, verify
from smscli.sandbox._course import due, standing
from smscli.sandbox._desk import Caught, Desk
from smscli.sandbox._emulator import Answer, Emulator, Push
from smscli.sandbox._failures import Failure, Fault, ending, provoked
from smscli.segments import measure

_PRICE = Decimal("4.52")
_CURRENCY = "RUB"

# Assumed: pages speak of 5 to 11 Latin letters and digits, and show a longer sender with a dot in it.
_SENDER = re.compile(r"[A-Za-z0-9 ._-]{1,15}")
_SENDER_RULES = (
    (".+", "is empty: leave it out, and the project's own is used"),
    ("[ -~]*", "has letters other than Latin ones"),
    ("[A-Za-z0-9 ._-]*", "has signs other than letters, digits, blanks, dots, hyphens and underscores"),
    (".{1,15}", "has more than 15 characters"),
)

_FORMS = ("%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M")
_ZONE = "Europe/Moscow"  # assumed: the account's
_WORDS = {
    DeliveryState.SCHEDULED: "scheduled",
    DeliveryState.ACCEPTED: "accepted",
    DeliveryState.ENROUTE: "wait",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.UNDELIVERABLE: "non-delivered",
}

# The texts of 2 and 4 were seen; the others are assumed after their likeness.
_MESSAGES = {
    "0": "method is not emulated",
    "1": "param project is blank",
    "2": "invalid signature or message encoding is not utf8",
    "3": "param message is blank",
    "4": "param recipients is blank",
    "5": "project not found",
    "6": "recipients has no valid number",
    "7": "not enough money",
    "8": "invalid sender",
    "9": "sender is not approved",
    "10": "project is disabled",
}

_PARAMS = frozenset(
    {
        "project", "sign", "apikey", "format", "recipients", "message", "sender", "run_at", "test", "messages_id",
        "messages", "viber", "viber_text", "image", "button", "button_url", "phones",
    }
)  # fmt: skip
_GROUPS = ("message", "batch", "sender", "group", "contact", "sending")
_OTHER_METHODS = (
    "sender/create", "sender/remove", "sender/set", "group/list", "group/create", "group/remove", "contact/create",
    "contact/remove", "contact/exists", "sending/create", "sending/status", "sending/groups",
)  # fmt: skip

_FAILURES = {ending(int(code)): Failure(code, reason.text) for code, reason in ERRORS.items()}

_Handler = Callable[[Call, Desk], Answer]
_Method = Callable[[Call, Desk, str, Check | None], Answer]


# --- methods ---------------------------------------------------------------------------------------------------------


def _admitted(operation: str, method: _Method) -> _Handler:
    """Return the handler of a method that is asked only when project and proof are right."""

    def handle(call: Call, desk: Desk) -> Answer:
        fault, vendor, check = _admit(call)
        fault = fault or call.fault
        if fault:
            asked = _asked(call.get("recipients")) if operation == "send" else ()
            return _refuse(call, desk, _noted(call, operation, vendor, check), fault, asked)
        return method(call, desk, vendor, check)

    return handle


def _balance(call: Call, desk: Desk, vendor: str, check: Check | None) -> Answer:
    amount = f"{desk.credit[vendor]:.2f}"
    return _answer(call, {"status": "success", "balance": _comma(amount) if _wants_xml(call) else amount}, check)


def _price(call: Call, desk: Desk, vendor: str, check: Check | None) -> Answer:
    numbers = _numbers(call)
    if fault := _fault(call, numbers):
        return _refuse(call, desk, _noted(call, "price", vendor, check), fault)
    members = _priced(call, numbers) | {"balance": _comma(f"{desk.credit[vendor]:.2f}")}
    return _answer(call, members, check)


def _send(call: Call, desk: Desk, vendor: str, check: Check | None) -> Answer:
    numbers = [number for number in _numbers(call) if number not in call.forced]
    noted = _noted(call, "send", vendor, check)
    is_test = call.get("test") == "1"
    parts = _parts(call.get("message"))
    fault = _fault(call, numbers)
    if not fault and not is_test:
        fault = _charge(desk, vendor, parts * len(numbers))
    if fault:
        return _refuse(call, desk, noted, fault, _asked(call.get("recipients")))
    if call.forced:  # assumed: the vendor leaves out what it does not take, as it does with what is no number
        desk.refuse(noted, "left out", [*call.forced], "a rule has it left out of the answer")
    for odd in (one for one in _asked(call.get("recipients")) if not _normal(one)):
        desk.refuse(noted, "left out", [odd], _reasons.numbers([odd], 10, 15))
    sets_out = inf if is_test else due(noted.send_at, _FORMS, _ZONE, call.now)
    ids = [desk.serial(sets_out, number) for number in numbers]
    desk.keep(
        _billed(replace(noted, to=number, parts=parts, message_id=str(message_id)), is_test)
        for number, message_id in zip(numbers, ids, strict=True)
    )
    body = _priced(call, numbers) | {
        "balance": _comma(f"{desk.credit[vendor]:.2f}"),
        "messages_id": ids,
        "test": int(is_test),
    }
    run_at = call.get("run_at")
    return _answer(call, body | {"run_at": run_at} if run_at else body, check)


def _batch(call: Call, desk: Desk, vendor: str, check: Check | None) -> Answer:
    """Send a text of its own to each number. Nobody gets an id back for one of them."""
    noted, is_test = _noted(call, "batch", vendor, check), call.get("test") == "1"
    messages: dict[str, dict[str, str]] = {}
    for name, value in call.params:
        if match := re.fullmatch(r"messages\[([^\]]*)\]\[(id|phone|text)\]", name):
            messages.setdefault(match[1], {})[match[2]] = value
    if not messages:
        return _refuse(call, desk, noted, Fault("3", "messages[0][phone] and messages[0][text] are missing"))
    sent, errors = [], []
    for place, message in messages.items():
        number, text = _normal(message.get("phone", "")), message.get("text", "")
        fault = None
        if not number or not text:
            fault = Fault("4" if text else "3", f"messages[{place}] has no {'number' if text else 'text'}")
        elif failure := call.provoked(number, _FAILURES):
            fault = failure.fault
        elif not is_test:
            fault = _charge(desk, vendor, _parts(text))
        one = replace(noted, to=number or message.get("phone"), text=text, parts=_parts(text))
        if fault:
            desk.refuse(one, f"error {fault.code}", [one.to or ""], fault.reason)
            errors.append({"id": message.get("id", place), "messages": _MESSAGES[fault.code]})
        else:
            desk.keep([_billed(one, is_test)])
            sent.append(one)
    parts = sum(one.parts or 0 for one in sent)
    # The low digits of a serial number: those of no message.
    body = {"status": "success", "id": desk.serial() % 2**23, "phones": len(sent), "parts": parts}
    return _answer(call, body | {"cost": str(parts * _PRICE), "errors": errors}, check)


def _status(call: Call, desk: Desk, _vendor: str, check: Check | None) -> Answer:
    messages = {one: _word(one, call.now, desk) for one in _ids(call)}
    channels = {one: "sms" for one, word in messages.items() if word != "not found"}
    return _answer(call, {"status": "success", "messages": messages, "channels": channels}, check)


def _cancel(call: Call, desk: Desk, _vendor: str, check: Check | None) -> Answer:
    for one in _ids(call):
        if _word(one, call.now, desk) == "scheduled":
            desk.cancel(one)
    messages = {one: _word(one, call.now, desk) for one in _ids(call)}
    return _answer(call, {"status": "success", "messages": messages}, check)


def _info(call: Call, _desk: Desk, _vendor: str, check: Check | None) -> Answer:
    numbers = filter(None, map(_normal, _asked(call.get("phones"))))
    rest = {"code": "Mobile TeleSystems", "region": "Томская обл.", "name": "Мобильные ТелеСистемы"}
    return _answer(call, {"status": "success", "info": [{"phone": number, **rest} for number in numbers]}, check)


def _senders(call: Call, _desk: Desk, vendor: str, check: Check | None) -> Answer:
    return _answer(call, {"senders": [_demo(vendor).sender]}, check)


def _sender(call: Call, _desk: Desk, vendor: str, check: Check | None) -> Answer:
    return _answer(call, {"sender": _demo(vendor).sender}, check)


def _not_emulated(name: str) -> _Method:
    def method(call: Call, desk: Desk, vendor: str, check: Check | None) -> Answer:
        reason = f"{name} is not emulated: the sandbox has what sends texts and follows them"
        desk.refuse(_noted(call, name, vendor, check), "not emulated", reason=reason)
        return _refusal(call, Fault("0", reason), check)

    return method


def _elsewhere(call: Call, desk: Desk) -> Answer:
    reason = f"no method of that name is known here: {', '.join(_METHODS)}"
    desk.refuse(_noted(call, "unknown", "mainsms", None), "not emulated", reason=reason)
    return replace(_refusal(call, Fault("0", reason), None), status=404)


def _report(message: Caught, state: DeliveryState) -> Pairs:
    """Return what a GET to the project's own address says, as public clients read it."""
    return ("id", message.message_id or ""), ("status", _WORDS[state]), ("phone", message.to or "")


def _ids(call: Call) -> list[str]:
    # Assumed: what is no id is passed over. No error is known for that, nor for an empty list.
    return re.findall(r"(?:^|,)\s*([0-9]{1,20})\s*(?=,|$)", call.get("messages_id") or "", re.ASCII)


def _word(message_id: str, now: float, desk: Desk) -> str:
    state = standing(int(message_id), now)
    if state and message_id in desk.cancelled:
        return "canceled"
    return _WORDS[state] if state else "not found"


def _asked(numbers: str | None) -> list[str]:
    """Return the numbers of a list as they were given."""
    return [number.strip() for number in (numbers or "").split(",") if number.strip()]


def _numbers(call: Call) -> list[str]:
    """Return the numbers among the recipients as the vendor spells them, each once."""
    return list(dict.fromkeys(filter(None, map(_normal, _asked(call.get("recipients"))))))


def _parts(text: str | None) -> int:
    return max(1, measure(text or "").parts)


def _billed(message: Caught, is_test: bool) -> Caught:
    if is_test:
        return replace(message, note="test mode: not charged")
    return replace(message, cost=f"{(message.parts or 0) * _PRICE} {_CURRENCY}")


def _charge(desk: Desk, vendor: str, parts: int) -> Fault | None:
    price = parts * _PRICE
    return None if desk.charge(vendor, price) else Fault("7", f"{price} is wanted and {desk.credit[vendor]} left")


def _priced(call: Call, numbers: list[str]) -> dict[str, object]:
    parts = _parts(call.get("message"))
    count = parts * len(numbers)
    return {
        "status": "success",
        "recipients": numbers,
        "parts": parts,
        "count": count,
        "price": _comma(f"{count * _PRICE:.2f}"),
    }


def _noted_call(call: Call) -> tuple[Caught, list[str]]:
    owner = call.account("project", call.get("project"))
    path = "/".join(call.raw.path.strip("/").split("/")[-2:])
    operation = _METHODS[path][0] if path in _METHODS else path if path in _OTHER_METHODS else "unknown"
    return _noted(call, operation, owner[0] if owner else "mainsms", None), _numbers(call)


def _noted(call: Call, operation: str, vendor: str, check: Check | None) -> Caught:
    return Caught(
        vendor=vendor,
        operation=operation,
        now=call.now,
        signature=call.get("sign"),
        check=check,
        text=call.get("message"),
        sender=call.get("sender"),
        send_at=call.get("run_at"),
    )


# --- checks ----------------------------------------------------------------------------------------------------------


def _admit(call: Call) -> tuple[Fault | None, str, Check | None]:
    """Return what is wrong with project or proof, the vendor name, and the signature's check."""
    project = call.get("project")
    owner = call.account("project", project)
    if owner is None:
        why = _reasons.identity("project", project, call.invented("project")) if project else ""
        return Fault("5" if project else "1", why or _reasons.missing("project", call.params)), "mainsms", None
    vendor, account = owner
    sign, key = call.get("sign"), call.get("apikey")
    damage = _reasons.not_utf8(call.raw_query) or _reasons.not_utf8(call.raw_body)
    if sign or not key:
        check = verify(vendor, sign or "", call, account, _PARAMS, _joined)
        reason = check.reason or damage if sign else _reasons.missing("sign", call.params)
        return Fault("2", reason) if reason else None, vendor, check
    if not hmac.compare_digest(key.encode("utf-8", "surrogatepass"), account.secret.reveal().encode()):
        damage = "apikey is not the key of this project"
    return Fault("2", damage) if damage else None, vendor, None


def _joined(params: Pairs) -> Pairs:
    """Return what is signed: the values of an array joined by commas, in its place."""
    merged: dict[str, list[str]] = {}
    for name, value in params:
        merged.setdefault(name.partition("[")[0], []).append(value)
    return tuple((name, ",".join(values)) for name, values in merged.items())


def _fault(call: Call, numbers: list[str]) -> Fault | None:
    sender, asked = call.get("sender"), _asked(call.get("recipients"))
    if not call.get("message"):
        return Fault("3", _reasons.missing("message", call.params))
    if not asked:
        return Fault("4", _reasons.missing("recipients", call.params))
    if not numbers:
        return Fault("6", _reasons.numbers(asked, 10, 15))
    if sender is not None and not _SENDER.fullmatch(sender):
        return Fault("8", _reasons.unlike("sender", sender, _SENDER_RULES))
    return next((one.fault for number in numbers if (one := provoked(number, _FAILURES))), None)


def _normal(number: str) -> str | None:
    """Return the number as the vendor spells it, ``79…`` for every Russian form, or None when it is none."""
    digits = re.sub(r"[\s()+-]", "", number)
    if re.fullmatch("8[0-9]{10}", digits):
        return "7" + digits[1:]
    if re.fullmatch("9[0-9]{9}", digits):
        return "7" + digits
    return digits if re.fullmatch("[1-9][0-9]{9,14}", digits) else None


# --- answers ---------------------------------------------------------------------------------------------------------


def _refuse(call: Call, desk: Desk, noted: Caught, fault: Fault, to: Sequence[str] = ()) -> Answer:
    desk.refuse(noted, f"error {fault.code}", to, fault.reason)
    return _refusal(call, fault, noted.check)


def _refusal(call: Call, fault: Fault, check: Check | None) -> Answer:
    members = {"status": "error", "error": fault.code, "message": _MESSAGES[fault.code]}
    return replace(_answer(call, members, check), reason=fault.reason)


def _wants_xml(call: Call) -> bool:
    form = call.get("format")
    return form == "xml" if form else "application/xml" in call.accept and "application/json" not in call.accept


def _answer(call: Call, members: Mapping[str, object], check: Check | None) -> Answer:
    if not _wants_xml(call):
        return Answer(json.dumps(members), "application/json; charset=utf-8", check)
    root = ET.Element("result")
    _fill(root, members)
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")
    return Answer(text, "application/xml; charset=utf-8", check)


def _fill(parent: ET.Element, value: object) -> None:
    if isinstance(value, Mapping):
        for name, member in value.items():
            _fill(ET.SubElement(parent, f"id{name}" if name.isdigit() else name.replace("_", "-")), member)
    elif isinstance(value, list):
        for item in value:
            # Assumed: clients read only the text, so the name of the inner element is not known.
            _fill(ET.SubElement(parent, "item"), item)
    else:
        parent.text = visible(str(value))


def _comma(amount: str) -> str:
    return amount.replace(".", ",")


def _demo(name: str) -> Demo:
    # Every brand has a host of its own, but the paths are the same and the project tells them apart.
    account = Account(
        "http://sandbox.invalid/api/mainsms/",
        Secret(f"demo-key-{name}"),
        {"project": f"demo-{name}", "auth": "sign"},
    )
    return Demo(account, ("+79121231234", "+79121231238", "+79121231239"), sender="Demo", region="RU")


_METHODS: dict[str, tuple[str, _Method]] = {
    "message/balance": ("balance", _balance),
    "message/cancel": ("cancel", _cancel),
    "message/info": ("info", _info),
    "message/price": ("price", _price),
    "message/send": ("send", _send),
    "message/status": ("status", _status),
    "batch/send": ("batch", _batch),
    "sender/default": ("sender", _sender),
    "sender/list": ("senders", _senders),
}
_HANDLERS = {path: _admitted(*pair) for path, pair in _METHODS.items()} | {
    name: _admitted(name, _not_emulated(name)) for name in _OTHER_METHODS
}

EMULATOR = Emulator(
    demo={name: _demo(name) for name in ("mainsms", "payforsms")},
    # Other brands of the platform have the same methods without the brand's name, and so do some clients.
    routes={f"{root}{path}": handle for root in ("/api/mainsms/", "/api/") for path, handle in _HANDLERS.items()},
    credit=Decimal("500.00"),
    roots=dict.fromkeys(("/api/mainsms/", *(f"/api/{group}/" for group in _GROUPS)), _elsewhere),
    failures=_FAILURES,
    push=Push(int, _report),
    operations=tuple(name for name, _ in _METHODS.values()),
    errors={code: reason.text for code, reason in ERRORS.items()},
    noted=_noted_call,
)

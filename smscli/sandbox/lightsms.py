"""LightSMS, emulated: ``timestamp``, ``balance``, ``prices``, ``operator``, ``senders``, ``send``, ``status``.

Checked in this order (the vendor's own is not documented): login 2, signature 1 and timestamp 24 missing; login
wrong 7; timestamp more than 10 seconds off either way, or signature wrong, 6; then text 3, phone 4 and sender 5
missing, sender malformed 8, ``sendingTime`` malformed 30, more than 50 numbers 14, no valid number 27. Each number
alone: invalid 16, not enough funds 32. Every well-formed sender counts as registered. A price (``operator.php``) wants
one valid number, else 33; every number belongs to the operator that the page prints. A number that ends as
``EMULATOR.failures`` has it provokes one of these errors, or another of a send.

A message is ``pending`` at first, ``sent`` after two seconds, and after four ``delivered``, or ``not_deliver`` when its
number ends in 9 (the third demo number does); one with ``sendingTime`` waits for that. The id tells all of it, so that
any sandbox knows it. Assumed: an unknown id is left out, 18 when no other remains; without ``state`` 17.

``return=xml`` gives XML; without ``return`` the answer is JSON, because every client that leaves it out reads JSON.
The scripts of lists, templates, stop list, statistics, HLR and incoming messages are known and not emulated. Assumed
for them: ``000``, which means "the service is not available" to clients of the platform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree as ET

from smscli.model import Account, DeliveryState, Pairs, Secret, visible
from smscli.providers.lightsms import ERRORS
from smscli.sandbox import _reasons
from smscli.sandbox._call import Call, Demo
from smscli.sandbox._checking import Check, verify
from smscli.sandbox._course import due, moment, standing
from smscli.sandbox._desk import Caught, Desk
from smscli.sandbox._emulator import Answer, Emulator, Push
from smscli.sandbox._failures import Failure, Fault, ending
from smscli.segments import measure

_PRICE = Decimal("0.0144")
_CURRENCY = "EUR"
_LIFE = 10
_NUMBERS = 50

# The vendor's page on sender names.
_SENDER = re.compile(r"[A-Za-z][A-Za-z0-9 -]{2,10}|[0-9]{1,15}")
_SENDER_RULES = (
    ("[ -~]*", "has letters other than Latin ones"),
    ("[0-9]*|[A-Za-z].*", "begins with no letter: only digits alone may"),
    ("[0-9]{0,15}|[^0-9].*", "has more than 15 digits"),
    ("[A-Za-z0-9 -]*", "has signs other than letters, digits, blanks and hyphens"),
    ("[0-9]+|.{3,11}", "has not 3 to 11 characters"),
)

_FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_ZONE = "Europe/Vilnius"  # assumed: the page of sendingTime names none
_WORDS = {
    DeliveryState.SCHEDULED: "pending",
    DeliveryState.ACCEPTED: "pending",
    DeliveryState.ENROUTE: "sent",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.UNDELIVERABLE: "not_deliver",
}

# The page's own examples.
_SENDERS = {"Demo": "completed", "YourBrand": "completed", "ACME-Shop": "completed", "TestSender": "pending"}
_NETWORKS = (("24601", "Omnitel (Telia)"), ("24602", "Tele2 Lithuania"))

_PARAMS = frozenset({"login", "signature", "timestamp", "return", "phone", "text", "sender", "sendingTime", "state"})
_OTHER_SCRIPTS = (
    "hlr", "hlr_stat", "base", "phone", "find_on_stop", "add2stop", "template", "add_template", "del_template",
    "stat_by_month", "incoming",
)  # fmt: skip

# The errors of a send. Those that say something of one number stand under it; 32 does when the money ends in between.
_OF_A_NUMBER = ("12", "13", "16", "31", "32", "33", "34", "35", "36")
_OF_A_SEND = ("000", *map(str, range(1, 12)), "14", "24", "27", *_OF_A_NUMBER)
_FAILURES = {ending(int(code)): Failure(code, ERRORS[code].text, code in _OF_A_NUMBER) for code in _OF_A_SEND}


# --- scripts ---------------------------------------------------------------------------------------------------------


def _timestamp(call: Call, _desk: Desk) -> Answer:
    return Answer(str(int(call.now)), "text/plain; charset=utf-8")


def _balance(call: Call, desk: Desk) -> Answer:
    fault, check = _admit(call)
    if fault:
        return _refuse(call, desk, "balance", fault, check)
    money = {"money": str(desk.credit["lightsms"]), "currency": _CURRENCY}
    return _elements(money, check) if _wants_xml(call) else _json(money, check)


def _prices(call: Call, desk: Desk) -> Answer:
    fault, check = _admit(call)
    if fault:
        return _refuse(call, desk, "prices", fault, check)
    rest = {"COUNTRY": "Lithuania", "PRICE": str(_PRICE), "CURRENCY": _CURRENCY}
    networks = {code: {"NETWORK_NAME": name, **rest} for code, name in _NETWORKS}
    # Assumed: no page shows it as XML; as other lists have it.
    return _list("prices", "price", "mccmnc", networks, check) if _wants_xml(call) else _json(networks, check)


def _senders(call: Call, desk: Desk) -> Answer:
    fault, check = _admit(call)
    if fault:
        return _refuse(call, desk, "senders", fault, check)
    if _wants_xml(call):  # the page is cut off behind <senders>; assumed: as other lists have it
        return _list("senders", "sender", "sender", {name: {"status": word} for name, word in _SENDERS.items()}, check)
    return _json(_SENDERS, check)


def _price(call: Call, desk: Desk) -> Answer:
    phone = call.get("phone") or ""
    fault, check = _admit(call)
    if not fault and not phone:
        fault = Fault("33", _reasons.missing("phone", call.params))
    if not fault and not _is_number(phone):
        fault = Fault("33", "phone is one number here" if "," in phone else f"phone: {_reasons.number(phone, 7, 15)}")
    if not fault and (failure := call.provoked(phone, _FAILURES)):
        fault = failure.fault
    if fault:
        return _refuse(call, desk, "price", fault, check)
    # Without a text, one part. Assumed: with one, each of its parts, as a send is charged.
    price = max(1, measure(call.get("text") or "").parts) * _PRICE
    members = {
        "currency": _CURRENCY, "error": 0, "mcc": "246", "mnc": "02", "ok": True, "operator": "Tele2 Lithuania",
        "phone": phone, "ported": 0, "price": float(price), "regionCode": 0, "timeZone": 2,
    }  # fmt: skip
    if _wants_xml(call):  # no page shows it
        return _elements({name: str(value) for name, value in members.items()}, check)
    return _json(members, check)


def _status(call: Call, desk: Desk) -> Answer:
    fault, check = _admit(call)
    ids = [one.strip() for one in (call.get("state") or "").split(",") if one.strip()]
    words = {one: word for one in ids if (word := _word(one, call.now))}
    if not fault and not ids:
        fault = Fault("17", _reasons.missing("state", call.params))
    if not fault and not words:
        fault = Fault("18", "no message here has one of these ids: they are 22 digits, and begin with 4")
    if fault:
        return _refuse(call, desk, "status", fault, check)
    if _wants_xml(call):
        return _list("statuses", "status", "id_sms", {one: {"status": word} for one, word in words.items()}, check)
    return _json(words, check)


def _word(message_id: str, now: float) -> str | None:
    state = standing(int(message_id[1:]), now) if re.fullmatch("4[0-9]{21}", message_id) else None
    return _WORDS[state] if state else None


def _report(message: Caught, state: DeliveryState) -> Pairs:
    """Return what a GET to the customer's address says, by the platform's own documents: not by LightSMS' pages."""
    number = {DeliveryState.ENROUTE: "1", DeliveryState.DELIVERED: "2"}.get(state, "5")
    price = str((message.parts or 1) * _PRICE)
    code = (("mcc", "246"), ("mnc", "02"))
    return (
        ("message-id", message.message_id or ""), ("state", number), ("message-state", state.value.lower()),
        ("price", price), ("currency", _CURRENCY), *code,
    )  # fmt: skip


def _send(call: Call, desk: Desk) -> Answer:
    phones = _phones(call)
    fault, check = _admit(call)
    fault = fault or _fault(call, phones)
    noted = _noted(call, "send", check)
    if fault:
        return _refuse(call, desk, "send", fault, check, phones)
    results = {phone: _submit(call, desk, replace(noted, to=phone)) for phone in phones}
    reason = "; ".join(f"{visible(phone)}: {one.reason}" for phone, one in results.items() if isinstance(one, Fault))
    entries = {phone: {"error": one.code} if isinstance(one, Fault) else one for phone, one in results.items()}
    if _wants_xml(call):
        return replace(_list("phones", "phone", "phone", entries, check), reason=reason or None)
    # A success is text and a refusal a number: so do captured answers of this platform have it.
    answer = {p: {"error": int(e["error"])} if len(e) == 1 else e for p, e in entries.items()}
    return replace(_json(answer, check), reason=reason or None)


def _submit(call: Call, desk: Desk, message: Caught) -> dict[str, str] | Fault:
    number, parts = message.to or "", max(1, measure(message.text or "").parts)
    fault = None
    if not _is_number(number):
        fault = Fault("16", _reasons.number(number, 7, 15))
    elif failure := call.provoked(number, _FAILURES):
        fault = failure.fault
    elif not desk.charge("lightsms", parts * _PRICE):
        fault = Fault("32", f"{parts * _PRICE} {_CURRENCY} are wanted and {desk.credit['lightsms']} left")
    if fault:
        desk.refuse(message, f"error {fault.code}", [number], fault.reason)
        return fault
    serial = desk.serial(due(message.send_at, _FORMS, _ZONE, message.now), number)
    message_id = f"4{serial:021d}"
    desk.keep([replace(message, parts=parts, cost=f"{parts * _PRICE} {_CURRENCY}", message_id=message_id)])
    return {"error": "0", "id_sms": message_id, "cost": str(parts * _PRICE), "count_sms": str(parts)}


def _not_emulated(script: str) -> Callable[[Call, Desk], Answer]:
    def handle(call: Call, desk: Desk) -> Answer:
        fault, check = _admit(call)
        if fault:
            return _refuse(call, desk, script, fault, check)
        reason = f"{script}.php is not emulated: the sandbox has what sends texts and follows them"
        desk.refuse(_noted(call, script, check), "not emulated", reason=reason)
        return _refusal(call, Fault("000", reason), check)

    return handle


def _elsewhere(call: Call, desk: Desk) -> Answer:
    reason = "no script of that name is known here: " + ", ".join(sorted(path.rsplit("/", 1)[1] for path in _ROUTES))
    desk.refuse(_noted(call, "unknown", None), "not emulated", reason=reason)
    return replace(_refusal(call, Fault("000", reason), None), status=404)


def _phones(call: Call) -> list[str]:
    return list(dict.fromkeys(phone.strip() for phone in (call.get("phone") or "").split(",") if phone.strip()))


def _noted_call(call: Call) -> tuple[Caught, list[str]]:
    script = call.raw.path.rpartition("/")[2].removesuffix(".php")
    operation = {"operator": "price", "state": "status"}.get(script, script)
    is_known = operation in EMULATOR.operations or operation in _OTHER_SCRIPTS
    return _noted(call, operation if is_known else "unknown", None), _phones(call) if operation == "send" else []


def _noted(call: Call, operation: str, check: Check | None) -> Caught:
    return Caught(
        vendor="lightsms",
        operation=operation,
        now=call.now,
        signature=call.get("signature"),
        check=check,
        text=call.get("text"),
        sender=call.get("sender"),
        send_at=call.get("sendingTime"),
    )


# --- checks ----------------------------------------------------------------------------------------------------------


def _admit(call: Call) -> tuple[Fault | None, Check | None]:
    """Return what is wrong with login, timestamp or signature, and the signature's check."""
    for code, name in (("2", "login"), ("1", "signature"), ("24", "timestamp")):
        if not call.get(name):
            return Fault(code, _reasons.missing(name, call.params)), None
    login, signature, stamp = (call.get(name) or "" for name in ("login", "signature", "timestamp"))
    owner = call.account("login", login)
    if owner is None:
        return Fault("7", _reasons.identity("login", login, call.invented("login"))), None
    check = verify(owner[0], signature, call, owner[1], _PARAMS)
    reasons = [reason for reason in (check.reason, _clock(call, stamp)) if reason]
    return Fault("6", "; also, ".join(reasons)) if reasons else call.fault, check


def _clock(call: Call, stamp: str) -> str | None:
    """Return what is wrong with a timestamp; a rule that has moved the clock is not the program's fault."""
    reason = _reasons.clock(stamp, call.now, _LIFE)
    if reason and call.skew and _reasons.clock(stamp, call.now - call.skew, _LIFE) is None:
        side = "ahead" if call.skew > 0 else "behind"
        return f"a rule has moved the vendor's clock {abs(call.skew):g} s {side}; your timestamp is right without it"
    return reason


def _fault(call: Call, phones: list[str]) -> Fault | None:
    """Return the first thing wrong with the message itself."""
    for code, name, is_there in (
        ("3", "text", call.get("text")), ("4", "phone", phones), ("5", "sender", call.get("sender"))
    ):  # fmt: skip
        if not is_there:
            return Fault(code, _reasons.missing(name, call.params))
    sender, when = call.get("sender") or "", call.get("sendingTime")
    if not _SENDER.fullmatch(sender):
        return Fault("8", _reasons.unlike("sender", sender, _SENDER_RULES))
    if when and moment(when, _FORMS, _ZONE) is None:
        return Fault("30", "sendingTime is not YYYY-MM-DD HH:MM")
    if len(phones) > _NUMBERS:
        return Fault("14", f"{len(phones)} numbers came, and {_NUMBERS} may")
    if not any(map(_is_number, phones)):
        return Fault("27", _reasons.numbers(phones, 7, 15))
    failures = (call.provoked(phone, _FAILURES) for phone in phones)
    return next((failure.fault for failure in failures if failure and not failure.alone), None)


def _is_number(phone: str) -> bool:
    return re.fullmatch(r"(?:\+|00)?[1-9][0-9]{6,14}", phone, re.ASCII) is not None


# --- answers ---------------------------------------------------------------------------------------------------------


def _refuse(
    call: Call, desk: Desk, operation: str, fault: Fault, check: Check | None, phones: Sequence[str] = ()
) -> Answer:
    desk.refuse(_noted(call, operation, check), f"error {fault.code}", phones, fault.reason)
    return _refusal(call, fault, check, phones)


def _refusal(call: Call, fault: Fault, check: Check | None, phones: Sequence[str] = ()) -> Answer:
    """Return the documented shape of a refused request.

    The page on errors shows a wrong signature of a send under the phone, as text; clients of the platform know all
    other codes at the top level, as a number, and ``000`` as text. Assumed for XML, which no page shows: the same, in
    elements.
    """
    code = fault.code
    if code == "6" and phones:
        entries = {phone: {"error": code} for phone in phones}
        answer = _list("phones", "phone", "phone", entries, check) if _wants_xml(call) else _json(entries, check)
    elif _wants_xml(call):
        answer = _elements({"error": code}, check)
    else:
        answer = _json({"error": code if code == "000" else int(code)}, check)
    return replace(answer, reason=fault.reason)


def _wants_xml(call: Call) -> bool:
    return call.get("return") == "xml"


def _json(value: object, check: Check | None) -> Answer:
    return Answer(json.dumps(value), "application/json; charset=utf-8", check)


def _elements(members: Mapping[str, str], check: Check | None) -> Answer:
    root = ET.Element("response")
    for name, value in members.items():
        ET.SubElement(root, name).text = value
    return _xml(root, check)


def _list(whole: str, one: str, key: str, entries: Mapping[str, Mapping[str, str]], check: Check | None) -> Answer:
    """Return a list as XML: an element for each entry, whose attributes are its key and its members."""
    root = ET.Element("response")
    parent = ET.SubElement(root, whole)
    for name, members in entries.items():
        ET.SubElement(parent, one, {key: visible(name), **members})
    return _xml(root, check)


def _xml(root: ET.Element, check: Check | None) -> Answer:
    text = '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")
    return Answer(text, "text/xml; charset=utf-8", check)


_ROOT = "/external/get/"
_ROUTES = {
    f"{_ROOT}timestamp.php": _timestamp,
    f"{_ROOT}balance.php": _balance,
    f"{_ROOT}prices.php": _prices,
    f"{_ROOT}operator.php": _price,
    f"{_ROOT}senders.php": _senders,
    f"{_ROOT}send.php": _send,
    f"{_ROOT}status.php": _status,
    f"{_ROOT}state.php": _status,  # so a Ruby client of the platform calls it
}

EMULATOR = Emulator(
    demo={
        "lightsms": Demo(
            Account(
                "http://sandbox.invalid/external/get/",
                Secret("demo-key-lightsms"),
                {"login": "demo", "clock": "vendor"},
            ),
            ("+37061234567", "+37061234568", "+37061234569"),
            sender="Demo",
            region="LT",
        )
    },
    routes=_ROUTES | {f"{_ROOT}{script}.php": _not_emulated(script) for script in _OTHER_SCRIPTS},
    credit=Decimal("150.50"),
    roots={_ROOT: _elsewhere},
    failures=_FAILURES,
    push=Push(lambda message_id: int(message_id[1:]), _report),
    operations=("timestamp", "balance", "prices", "price", "senders", "send", "status"),
    errors={code: reason.text for code, reason in ERRORS.items()},
    noted=_noted_call,
)

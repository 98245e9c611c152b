"""LightSMS, emulated: ``timestamp``, ``balance``, ``operator``, ``send`` and ``status`` below ``/external/get/``.

Checked in this order (the vendor's own is not documented): login 2, signature 1 and timestamp 24 missing; login
wrong 7; timestamp more than 10 seconds off either way, or signature wrong, 6; then text 3, phone 4 and sender 5
missing, sender malformed 8, ``sendingTime`` malformed 30, more than 50 numbers 14, no valid number 27. Each number
alone: invalid 16, not enough funds 32. Every well-formed sender counts as registered: 9 and 10 never come. A price
(``operator.php``) wants one valid number, else 33; every number belongs to the operator that the page prints.

A message is ``pending`` at first, ``sent`` after two seconds, and after four ``delivered``, or ``not_deliver`` when its
number ends in 9 (the third demo number does); one with ``sendingTime`` waits for that. The id tells all of it, so that
any sandbox knows it. Assumed: an unknown id is left out, 18 when no other remains; without ``state`` 17.

``return=xml`` gives XML; without ``return`` the answer is JSON, because every client that leaves it out reads JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from xml.etree import ElementTree as ET

from smscli.model import Account, DeliveryState, Secret, visible
from smscli.sandbox._emulator import Answer, Call, Caught, Check, Demo, Desk, Emulator, due, standing, verify
from smscli.segments import measure

_PRICE = Decimal("0.0144")
_CURRENCY = "EUR"
_LIFE = 10
_NUMBERS = 50

# The vendor's page on sender names.
_SENDER = re.compile(r"[A-Za-z][A-Za-z0-9 -]{2,10}|[0-9]{1,15}")


_FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")
_ZONE = "Europe/Vilnius"  # assumed: the page of sendingTime names none
_WORDS = {
    DeliveryState.SCHEDULED: "pending",
    DeliveryState.ACCEPTED: "pending",
    DeliveryState.ENROUTE: "sent",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.UNDELIVERABLE: "not_deliver",
}


def _timestamp(call: Call, _desk: Desk) -> Answer:
    return Answer(str(int(call.now)), "text/plain; charset=utf-8")


def _balance(call: Call, desk: Desk) -> Answer:
    fault, check = _admit(call)
    if fault:
        desk.refuse(_noted(call, "balance", check), f"error {fault}")
        return _refusal(call, fault, check)
    money = {"money": str(desk.credit["lightsms"]), "currency": _CURRENCY}
    return _elements(money, check) if _wants_xml(call) else _json(money, check)


def _price(call: Call, desk: Desk) -> Answer:
    phone = call.get("phone") or ""
    fault, check = _admit(call)
    fault = fault or (None if _is_number(phone) else "33")
    if fault:
        desk.refuse(_noted(call, "price", check), f"error {fault}")
        return _refusal(call, fault, check)
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
    fault = fault or (None if words else "18" if ids else "17")
    if fault:
        desk.refuse(_noted(call, "status", check), f"error {fault}")
        return _refusal(call, fault, check)
    if not _wants_xml(call):
        return _json(words, check)
    root = ET.Element("response")
    statuses = ET.SubElement(root, "statuses")
    for one, word in words.items():
        ET.SubElement(statuses, "status", {"id_sms": one, "status": word})
    return _xml(root, check)


def _word(message_id: str, now: float) -> str | None:
    state = standing(int(message_id[1:]), now) if re.fullmatch("4[0-9]{21}", message_id) else None
    return _WORDS[state] if state else None


def _send(call: Call, desk: Desk) -> Answer:
    phones = list(dict.fromkeys(phone.strip() for phone in (call.get("phone") or "").split(",") if phone.strip()))
    fault, check = _admit(call)
    fault = fault or _fault(call, phones)
    noted = _noted(call, "send", check)
    if fault:
        desk.refuse(noted, f"error {fault}", phones)
        return _refusal(call, fault, check, phones)
    entries = {phone: _submit(desk, replace(noted, to=phone)) for phone in phones}
    if _wants_xml(call):
        return _phones(entries, check)
    # A success is text and a refusal a number: so do captured answers of this platform have it.
    return _json({p: {"error": int(e["error"])} if len(e) == 1 else e for p, e in entries.items()}, check)


def _submit(desk: Desk, message: Caught) -> dict[str, str]:
    parts = max(1, measure(message.text or "").parts)
    fault = None
    if not _is_number(message.to or ""):
        fault = "16"
    elif not desk.charge("lightsms", parts * _PRICE):
        fault = "32"
    if fault:
        desk.refuse(message, f"error {fault}", [message.to or ""])
        return {"error": fault}
    serial = desk.serial(due(message.send_at, _FORMS, _ZONE, message.now), message.to or "")
    message_id = f"4{serial:021d}"
    desk.keep([replace(message, parts=parts, message_id=message_id)])
    return {"error": "0", "id_sms": message_id, "cost": str(parts * _PRICE), "count_sms": str(parts)}


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


def _admit(call: Call) -> tuple[str | None, Check | None]:
    """Return the code of what is wrong with login, timestamp or signature, and the signature's check."""
    login, signature, stamp = call.get("login"), call.get("signature"), call.get("timestamp")
    if not login:
        return "2", None
    if not signature:
        return "1", None
    if not stamp:
        return "24", None
    owner = call.account("login", login)
    if owner is None:
        return "7", None
    check = verify(owner[0], signature, call, owner[1])
    fresh = re.fullmatch("[0-9]{1,15}", stamp) and abs(int(call.now) - int(stamp)) <= _LIFE
    return None if fresh and check.right else "6", check


def _fault(call: Call, phones: list[str]) -> str | None:
    """Return the code of the first thing wrong with the message itself."""
    sender, when = call.get("sender"), call.get("sendingTime")
    faults = (
        ("3", not call.get("text")),
        ("4", not phones),
        ("5", not sender),
        ("8", not _SENDER.fullmatch(sender or "")),
        ("30", bool(when) and not _is_time(when or "")),
        ("14", len(phones) > _NUMBERS),
        ("27", not any(map(_is_number, phones))),
    )
    return next((code for code, wrong in faults if wrong), None)


def _is_number(phone: str) -> bool:
    return re.fullmatch(r"(?:\+|00)?[1-9][0-9]{6,14}", phone, re.ASCII) is not None


def _is_time(text: str) -> bool:
    for form in _FORMS:
        try:
            datetime.strptime(text, form)
        except ValueError:
            continue
        return True
    return False


# --- answers ---------------------------------------------------------------------------------------------------------


def _refusal(call: Call, fault: str, check: Check | None, phones: Sequence[str] = ()) -> Answer:
    """Return the documented shape of a refused request.

    The page on errors shows a wrong signature of a send under the phone, as text; clients of the platform know all
    other codes at the top level, as a number. Assumed for XML, which no page shows: the same, in elements.
    """
    if fault == "6" and phones:
        entries = {phone: {"error": fault} for phone in phones}
        return _phones(entries, check) if _wants_xml(call) else _json(entries, check)
    return _elements({"error": fault}, check) if _wants_xml(call) else _json({"error": int(fault)}, check)


def _wants_xml(call: Call) -> bool:
    return call.get("return") == "xml"


def _json(value: object, check: Check | None) -> Answer:
    return Answer(json.dumps(value), "application/json; charset=utf-8", check)


def _elements(members: Mapping[str, str], check: Check | None) -> Answer:
    root = ET.Element("response")
    for name, value in members.items():
        ET.SubElement(root, name).text = value
    return _xml(root, check)


def _phones(entries: Mapping[str, Mapping[str, str]], check: Check | None) -> Answer:
    root = ET.Element("response")
    phones = ET.SubElement(root, "phones")
    for phone, entry in entries.items():
        ET.SubElement(phones, "phone", {"phone": visible(phone), **entry})
    return _xml(root, check)


def _xml(root: ET.Element, check: Check | None) -> Answer:
    text = '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")
    return Answer(text, "text/xml; charset=utf-8", check)


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
    routes={
        "/external/get/timestamp.php": _timestamp,
        "/external/get/balance.php": _balance,
        "/external/get/operator.php": _price,
        "/external/get/send.php": _send,
        "/external/get/status.php": _status,
    },
    credit=Decimal("150.50"),
)

"""MainSMS and payforsms, emulated: ``message/balance``, ``price``, ``send`` and ``status`` below ``/api/mainsms/``.

Both brands share the paths; the project tells whose account it is. Checked in this order (the vendor's own is not
documented): project empty 1 or unknown 5; ``sign`` or, without one, ``apikey`` wrong 2; then message empty 3,
recipients empty 4, none of them a number 6, ``sender`` sent but malformed 8, not enough money 7. Every well-formed
sender counts as approved and every project as switched on: 9 and 10 never come. Without ``sender`` the project's own
is used, as newer clients expect. ``run_at`` is accepted in both known spellings and any other: no error is documented.
A price is told however little is left.

A message is ``accepted`` at first, in ``wait`` after two seconds, and after four ``delivered``, or ``non-delivered``
when its number ends in 9 (the third demo number does); one with ``run_at`` is ``scheduled`` until then, a test stays
``accepted``. The id tells all of it, so that any sandbox knows it; another's is ``not found``.

The answer is XML for ``format=xml``, or without ``format`` when only XML is accepted; JSON otherwise. Amounts have a
dot in the JSON of a balance and a comma elsewhere, as captured from the vendor.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from math import inf
from xml.etree import ElementTree as ET

from smscli.model import Account, DeliveryState, Secret, visible
from smscli.sandbox._emulator import Answer, Call, Caught, Check, Demo, Desk, Emulator, due, standing, verify
from smscli.segments import measure

_PRICE = Decimal("4.52")

# Assumed: pages speak of 5 to 11 Latin letters and digits, and show a longer sender with a dot in it.
_SENDER = re.compile(r"[A-Za-z0-9 ._-]{1,15}")

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
    "1": "param project is blank",
    "2": "invalid signature or message encoding is not utf8",
    "3": "param message is blank",
    "4": "param recipients is blank",
    "5": "project not found",
    "6": "recipients has no valid number",
    "7": "not enough money",
    "8": "invalid sender",
}


def _balance(call: Call, desk: Desk) -> Answer:
    fault, vendor, check = _admit(call)
    if fault:
        desk.refuse(_noted(call, "balance", vendor, check), f"error {fault}")
        return _refusal(call, fault, check)
    amount = f"{desk.credit[vendor]:.2f}"
    return _answer(call, {"status": "success", "balance": _comma(amount) if _wants_xml(call) else amount}, check)


def _price(call: Call, desk: Desk) -> Answer:
    asked, numbers = _recipients(call)
    fault, vendor, check = _admit(call)
    fault = fault or _fault(call, asked, numbers)
    if fault:
        desk.refuse(_noted(call, "price", vendor, check), f"error {fault}")
        return _refusal(call, fault, check)
    members = _priced(call, numbers) | {"balance": _comma(f"{desk.credit[vendor]:.2f}")}
    return _answer(call, members, check)


def _send(call: Call, desk: Desk) -> Answer:
    asked, numbers = _recipients(call)
    fault, vendor, check = _admit(call)
    noted = _noted(call, "send", vendor, check)
    is_test = call.get("test") == "1"
    parts = _parts(call)
    fault = fault or _fault(call, asked, numbers)
    if not fault and not is_test and not desk.charge(vendor, parts * len(numbers) * _PRICE):
        fault = "7"
    if fault:
        desk.refuse(noted, f"error {fault}", asked)
        return _refusal(call, fault, check)
    sets_out = inf if is_test else due(noted.send_at, _FORMS, _ZONE, call.now)
    ids = [desk.serial(sets_out, number) for number in numbers]
    note = "test mode: not charged" if is_test else None
    desk.keep(
        replace(noted, to=number, parts=parts, message_id=str(message_id), note=note)
        for number, message_id in zip(numbers, ids, strict=True)
    )
    body = _priced(call, numbers) | {
        "balance": _comma(f"{desk.credit[vendor]:.2f}"),
        "messages_id": ids,
        "test": int(is_test),
    }
    run_at = call.get("run_at")
    return _answer(call, body | {"run_at": run_at} if run_at else body, check)


def _status(call: Call, desk: Desk) -> Answer:
    fault, vendor, check = _admit(call)
    if fault:
        desk.refuse(_noted(call, "status", vendor, check), f"error {fault}")
        return _refusal(call, fault, check)
    # Assumed: what is no id is passed over. No error is known for that, nor for an empty list.
    ids = re.findall(r"(?:^|,)\s*([0-9]{1,20})\s*(?=,|$)", call.get("messages_id") or "", re.ASCII)
    messages = {one: _word(one, call.now) for one in ids}
    channels = {one: "sms" for one, word in messages.items() if word != "not found"}
    return _answer(call, {"status": "success", "messages": messages, "channels": channels}, check)


def _word(message_id: str, now: float) -> str:
    state = standing(int(message_id), now)
    return _WORDS[state] if state else "not found"


def _recipients(call: Call) -> tuple[list[str], list[str]]:
    """Return the recipients as they were given, and the numbers among them as the vendor spells them, each once."""
    asked = [number.strip() for number in (call.get("recipients") or "").split(",") if number.strip()]
    return asked, list(dict.fromkeys(number for number in map(_normal, asked) if number))


def _parts(call: Call) -> int:
    return max(1, measure(call.get("message") or "").parts)


def _priced(call: Call, numbers: list[str]) -> dict[str, object]:
    count = _parts(call) * len(numbers)
    return {
        "status": "success",
        "recipients": numbers,
        "parts": _parts(call),
        "count": count,
        "price": _comma(f"{count * _PRICE:.2f}"),
    }


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


def _admit(call: Call) -> tuple[str | None, str, Check | None]:
    """Return the code of what is wrong with project or proof, the vendor name, and the signature's check."""
    project = call.get("project")
    owner = call.account("project", project)
    if owner is None:
        return "5" if project else "1", "mainsms", None
    vendor, account = owner
    sign, key = call.get("sign"), call.get("apikey")
    if sign or not key:
        check = verify(vendor, sign or "", call, account)
        return None if check.right else "2", vendor, check
    is_key = hmac.compare_digest(key.encode("utf-8", "surrogatepass"), account.secret.reveal().encode())
    return None if is_key else "2", vendor, None


def _fault(call: Call, asked: list[str], numbers: list[str]) -> str | None:
    sender = call.get("sender")
    faults = (
        ("3", not call.get("message")),
        ("4", not asked),
        ("6", not numbers),
        ("8", sender is not None and not _SENDER.fullmatch(sender)),
    )
    return next((code for code, wrong in faults if wrong), None)


def _normal(number: str) -> str | None:
    """Return the number as the vendor spells it, ``79…`` for every Russian form, or None when it is none."""
    digits = re.sub(r"[\s()+-]", "", number)
    if re.fullmatch("8[0-9]{10}", digits):
        return "7" + digits[1:]
    if re.fullmatch("9[0-9]{9}", digits):
        return "7" + digits
    return digits if re.fullmatch("[1-9][0-9]{9,14}", digits) else None


# --- answers ---------------------------------------------------------------------------------------------------------


def _refusal(call: Call, fault: str, check: Check | None) -> Answer:
    return _answer(call, {"status": "error", "error": fault, "message": _MESSAGES[fault]}, check)


def _wants_xml(call: Call) -> bool:
    form = call.get("format")
    return form == "xml" if form else "application/xml" in call.accept and "application/json" not in call.accept


def _answer(call: Call, members: Mapping[str, object], check: Check | None) -> Answer:
    if not _wants_xml(call):
        return Answer(json.dumps(members), "application/json; charset=utf-8", check)
    root = ET.Element("result")
    for name, value in members.items():
        element = ET.SubElement(root, name.replace("_", "-"))
        if isinstance(value, list):
            for item in value:
                # Assumed: clients read only the text, so the name of the inner element is not known.
                ET.SubElement(element, "item").text = str(item)
        elif isinstance(value, dict):
            for message_id, word in value.items():
                ET.SubElement(element, f"id{message_id}").text = word
        else:
            element.text = visible(str(value))
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")
    return Answer(text, "application/xml; charset=utf-8", check)


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


EMULATOR = Emulator(
    demo={name: _demo(name) for name in ("mainsms", "payforsms")},
    routes={
        "/api/mainsms/message/balance": _balance,
        "/api/mainsms/message/price": _price,
        "/api/mainsms/message/send": _send,
        "/api/mainsms/message/status": _status,
    },
    credit=Decimal("500.00"),
)

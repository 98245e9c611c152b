"""Mesajlarim, emulated: ``/omrestapi/api.php`` with ``action=sendsms`` or ``action=balance``.

Checked in this order (the vendor's own is not documented): application id, msisdn, rand and token missing; token
wrong; then message and recipients missing, a recipient not of ten digits, more than ten recipients. Every address
counts as allowed, and a ``rand`` may come twice: the document asks for a new one but does not say that it looks. A
number that ends as ``EMULATOR.failures`` has it provokes one of the document's errors, or an error of its own entry.

Answers are always valid JSON, although the document prints them with bare keys. The free messages of the account
cover the first parts; what they do not cover is charged, and a balance of none is -1. They do not come back at
midnight. Assumed: any other action, or another script, is an error of words like the others.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal

from smscli.model import Account, Secret
from smscli.providers.mesajlarim import ERRORS
from smscli.sandbox import _reasons
from smscli.sandbox._call import Call, Demo
from smscli.sandbox._checking import Check, verify
from smscli.sandbox._desk import Caught, Desk
from smscli.sandbox._emulator import Answer, Emulator
from smscli.sandbox._failures import Failure, Fault, ending
from smscli.segments import measure

_DAILY = 15

# Assumed: the document has a limit and does not tell it.
_RECIPIENTS = 10

_PARAMS = frozenset({"action", "appId", "appld", "msisdn", "rand", "token", "message", "recipient"})

# The errors of the document by their order in it, then those of a recipient's own entry: how its charge went.
_CHARGES = ("none", "free", "charged", "partly-charged")
_FAILURES = {ending(number): Failure(text, ERRORS[text].text) for number, text in enumerate(ERRORS, 1)} | {
    ending(number): Failure(charge, f"an error in its own entry (charge: {charge})", alone=True)
    for number, charge in enumerate(_CHARGES, len(ERRORS) + 1)
}


def _api(call: Call, desk: Desk) -> Answer:
    action = call.get("action")
    recipients = _recipients(call)
    fault, check = _admit(call)
    if not fault and action == "sendsms":
        fault = _fault(call, recipients)
    elif not fault and action != "balance":
        # Assumed: the document has no word for an unknown action.
        fault = Fault("Invalid Action", "action is neither sendsms nor balance: the document has no other")
    noted = _noted(call, check)
    if fault:
        desk.refuse(noted, fault.code, recipients, fault.reason)
        return _answer({"error": fault.code}, check, fault.reason)
    msisdn = call.get("msisdn")
    if action == "balance":
        return _answer({"msisdn": msisdn, "balance": _left(desk), "freeTotal": _DAILY}, check)
    results = [
        _submit(call, desk, replace(noted, to=one, message_id=f"{call.get('rand')}-{one}")) for one in recipients
    ]
    body = {"sender": msisdn, "message": call.get("message"), "recipients": results, "balance": _left(desk)}
    failures = {one: failure for one in recipients if (failure := call.provoked(one, _FAILURES))}
    return _answer(
        body, check, "; ".join(f"{one}: {failure.fault.reason}" for one, failure in failures.items()) or None
    )


def _elsewhere(call: Call, desk: Desk) -> Answer:
    reason = "no script of that name is known here: api.php"
    desk.refuse(replace(_noted(call, None), operation="unknown"), "not emulated", reason=reason)
    return replace(_answer({"error": "Invalid Action"}, None, reason), status=404)


def _submit(call: Call, desk: Desk, message: Caught) -> dict[str, str | None]:
    failure = call.provoked(message.to or "", _FAILURES)
    parts = max(1, measure(message.text or "").parts)
    if failure:
        refusal = f"error, charge {failure.code}"
        desk.refuse(replace(message, message_id=None), refusal, [message.to or ""], failure.fault.reason)
        return {"msisdn": message.to, "status": "error", "charge": failure.code}
    free = min(parts, int(desk.credit["mesajlarim"]))
    desk.charge("mesajlarim", Decimal(free))
    charge = "free" if free == parts else "partly-charged" if free else "charged"
    desk.keep([replace(message, parts=parts, cost=charge)])
    return {"msisdn": message.to, "status": "delivered", "charge": charge}


def _left(desk: Desk) -> int:
    return int(desk.credit["mesajlarim"]) or -1


def _recipients(call: Call) -> list[str]:
    return [value for name, value in call.params if name in ("recipient", "recipient[]")]


def _noted(call: Call, check: Check | None) -> Caught:
    spelled = next((name for name, _ in call.params if name in ("appId", "appld")), None)
    return Caught(
        vendor="mesajlarim",
        operation={"sendsms": "send", "balance": "balance"}.get(call.get("action") or "", "unknown"),
        now=call.now,
        signature=call.get("token"),
        check=check,
        text=call.get("message"),
        sender=call.get("msisdn"),
        note=f"the application id came as {spelled}" if spelled else None,
    )


def _admit(call: Call) -> tuple[Fault | None, Check | None]:
    """Return what is wrong with the identity or the token, in the vendor's text, and the token's check."""
    app_id = call.get("appId") or call.get("appld")
    owner = call.account("app_id", app_id)
    if owner is None:
        why = _reasons.identity("appId", app_id, call.invented("app_id")) if app_id else ""
        return Fault("Invalid App Id", why or _reasons.missing("appId", call.params)), None
    for text, name in (
        ("MSISDN is missing", "msisdn"),
        ("Random value cannot be empty", "rand"),
        ("Token cannot be empty", "token"),
    ):
        if not call.get(name):
            return Fault(text, _reasons.missing(name, call.params)), None
    check = verify(owner[0], call.get("token") or "", call, owner[1], _PARAMS)
    return Fault("Invalid Token Given", check.reason) if check.reason else call.fault, check


def _fault(call: Call, recipients: list[str]) -> Fault | None:
    if not call.get("message"):
        return Fault("Sender MSISDN and message cannot be empty", _reasons.missing("message", call.params))
    if not any(recipients):
        return Fault("Recipients cannot be empty", _reasons.missing("recipient", call.params))
    if odd := [one for one in recipients if not re.fullmatch("[1-9][0-9]{9}", one)]:
        reason = f"{_reasons.numbers(odd, 10, 10)}; ten digits are wanted, without 0 and +90"
        return Fault("Recipients cannot be empty", reason)
    if len(recipients) > _RECIPIENTS:
        return Fault("Too many recipients", f"{len(recipients)} recipients came, and {_RECIPIENTS} may")
    failures = (call.provoked(one, _FAILURES) for one in recipients)
    return next((failure.fault for failure in failures if failure and not failure.alone), None)


def _answer(value: object, check: Check | None, reason: str | None = None) -> Answer:
    return Answer(json.dumps(value), "application/json; charset=utf-8", check, reason=reason)


EMULATOR = Emulator(
    demo={
        "mesajlarim": Demo(
            Account(
                "http://sandbox.invalid/omrestapi/",
                Secret("demo-secret-mesajlarim"),
                {"app_id": "1", "msisdn": "5321000000", "app_id_name": "appId"},
            ),
            ("+905321000000", "+905321000008", "+905321000009"),
            region="TR",
        )
    },
    routes={"/omrestapi/api.php": _api},
    credit=Decimal(_DAILY),
    roots={"/omrestapi/": _elsewhere},
    failures=_FAILURES,
    operations=("send", "balance"),
    errors={text: reason.text for text, reason in ERRORS.items()},
    address="Invalid IP Address",
    noted=lambda call: (_noted(call, None), _recipients(call)),
)

"""Mesajlarim, emulated: ``/omrestapi/api.php`` with ``action=sendsms`` or ``action=balance``.

Checked in this order (the vendor's own is not documented): application id, msisdn, rand and token missing; token
wrong; then message and recipients missing, a recipient not of ten digits, more than ten recipients. Every address
counts as allowed, and a ``rand`` may come twice: the document asks for a new one but does not say that it looks.

Answers are always valid JSON, although the document prints them with bare keys. The free messages of the account
cover the first parts; what they do not cover is charged, and a balance of none is -1. They do not come back at
midnight.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal

from smscli.model import Account, Secret
from smscli.sandbox._emulator import Answer, Call, Caught, Check, Demo, Desk, Emulator, verify
from smscli.segments import measure

_DAILY = 15

# Assumed: the document has a limit and does not tell it.
_RECIPIENTS = 10


def _api(call: Call, desk: Desk) -> Answer:
    action = call.get("action")
    recipients = [value for name, value in call.params if name in ("recipient", "recipient[]")]
    error, check = _admit(call)
    if not error and action == "sendsms":
        error = _fault(call, recipients)
    elif not error and action != "balance":
        # Assumed: the document has no word for an unknown action.
        error = "Invalid Action"
    noted = _noted(call, "send" if action == "sendsms" else "balance", check)
    if error:
        desk.refuse(noted, error, recipients)
        return _answer({"error": error}, check)
    msisdn = call.get("msisdn")
    if action == "balance":
        return _answer({"msisdn": msisdn, "balance": _left(desk), "freeTotal": _DAILY}, check)
    results = [_submit(desk, replace(noted, to=one, message_id=f"{call.get('rand')}-{one}")) for one in recipients]
    body = {"sender": msisdn, "message": call.get("message"), "recipients": results, "balance": _left(desk)}
    return _answer(body, check)


def _submit(desk: Desk, message: Caught) -> dict[str, str | None]:
    parts = max(1, measure(message.text or "").parts)
    free = min(parts, int(desk.credit["mesajlarim"]))
    desk.charge("mesajlarim", Decimal(free))
    desk.keep([replace(message, parts=parts)])
    charge = "free" if free == parts else "partly-charged" if free else "charged"
    return {"msisdn": message.to, "status": "delivered", "charge": charge}


def _left(desk: Desk) -> int:
    return int(desk.credit["mesajlarim"]) or -1


def _noted(call: Call, operation: str, check: Check | None) -> Caught:
    spelled = next((name for name, _ in call.params if name in ("appId", "appld")), None)
    return Caught(
        vendor="mesajlarim",
        operation=operation,
        now=call.now,
        signature=call.get("token"),
        check=check,
        text=call.get("message"),
        sender=call.get("msisdn"),
        note=f"the application id came as {spelled}" if spelled else None,
    )


def _admit(call: Call) -> tuple[str | None, Check | None]:
    """Return the vendor's text for what is wrong with the identity or the token, and the token's check."""
    owner = call.account("app_id", call.get("appId") or call.get("appld"))
    if owner is None:
        return "Invalid App Id", None
    if not call.get("msisdn"):
        return "MSISDN is missing", None
    if not call.get("rand"):
        return "Random value cannot be empty", None
    token = call.get("token")
    if not token:
        return "Token cannot be empty", None
    check = verify(owner[0], token, call, owner[1])
    return None if check.right else "Invalid Token Given", check


def _fault(call: Call, recipients: list[str]) -> str | None:
    if not call.get("message"):
        return "Sender MSISDN and message cannot be empty"
    if not recipients or not all(re.fullmatch("[1-9][0-9]{9}", one) for one in recipients):
        return "Recipients cannot be empty"
    return "Too many recipients" if len(recipients) > _RECIPIENTS else None


def _answer(value: object, check: Check | None) -> Answer:
    return Answer(json.dumps(value), "application/json; charset=utf-8", check)


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
)

"""ExampleSMS, emulated: ``/send`` and ``/credit``.

Checked in this order: user or password wrong 40 (HTTP 401), signature wrong 41 (HTTP 401), ``ts`` more than half a
minute off 42; then text missing 50, number invalid 51, not enough credit 52. A text that says "slow down" gets HTTP
429 with a second to wait, once.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from decimal import Decimal

from smscli.model import Account, Secret
from smscli.sandbox import Answer, Call, Caught, Check, Demo, Desk, Emulator, verify
from smscli.segments import measure

from .provider import ERRORS

_PRICE = Decimal("0.0125")


def _credit(call: Call, desk: Desk) -> Answer:
    fault = "40" if _account(call) is None else _forced(call)
    if fault:
        desk.refuse(_noted(call, "balance", None), f"error {fault}")
        return _refusal(fault)
    return _answer(f'{{"credit": {desk.credit["examplesms"]:f}, "currency": "EUR"}}')


def _send(call: Call, desk: Desk) -> Answer:
    fault, check = _fault(call)
    noted = _noted(call, "send", check)
    to, text = call.get("to") or "", call.get("text") or ""
    busy = "slow down" in text and not any(one.text == text and one.refusal == "error 60" for one in desk.caught)
    parts = max(1, measure(text).parts)
    if not fault and busy:
        fault = "60"
    if not fault and not desk.charge("examplesms", parts * _PRICE):
        fault = "52"
    if fault:
        desk.refuse(noted, f"error {fault}", [to] if to else ())
        return _refusal(fault, check)
    ids = [desk.serial() for _ in range(parts)]
    desk.keep([_noted(call, "send", check, to=to, parts=parts, message_id=",".join(map(str, ids)))])
    listed = ", ".join(f'{{"id": "{one}", "code": 0, "price": {_PRICE}}}' for one in ids)
    return _answer(f'{{"parts": [{listed}]}}', check)


def _account(call: Call) -> Account | None:
    found = call.account("user", call.get("user"))
    if found is None:
        return None
    password, right = call.get("password") or "", found[1].sent_secrets["password"].reveal()
    return found[1] if hmac.compare_digest(password.encode("utf-8", "surrogatepass"), right.encode()) else None


def _fault(call: Call) -> tuple[str | None, Check | None]:
    account = _account(call)
    if account is None:
        return "40", None
    check = verify("examplesms", call.get("sig") or "", call, account)
    stamp = call.get("ts") or ""
    faults = (
        ("41", not check.right),
        ("42", not re.fullmatch("[0-9]{10}", stamp) or abs(int(call.now) - int(stamp)) > 30),
        ("50", not call.get("text")),
        ("51", not re.fullmatch("[1-9][0-9]{6,14}", call.get("to") or "")),
    )
    return next((code for code, wrong in faults if wrong), _forced(call)), check


def _noted(call: Call, operation: str, check: Check | None, **more: object) -> Caught:
    values: Mapping[str, object] = {"to": None, **more}
    return Caught(
        vendor="examplesms",
        operation=operation,
        now=call.now,
        signature=call.get("sig"),
        check=check,
        text=call.get("text"),
        sender=call.get("from"),
        **values,  # type: ignore[arg-type]  # what became of it
    )


def _forced(call: Call) -> str | None:
    return call.fault.code if call.fault else None


def _noted_call(call: Call) -> tuple[Caught, list[str]]:
    operation = "send" if call.raw.path == "/send" else "balance"
    return _noted(call, operation, None), [to] if (to := call.get("to")) else []


def _refusal(code: str, check: Check | None = None) -> Answer:
    status = {"40": 401, "41": 401, "60": 429}.get(code, 200)
    headers = (("Retry-After", "1"),) if status == 429 else ()
    return _answer(json.dumps({"code": int(code), "text": "refused"}), check, status, headers)


def _answer(
    body: str, check: Check | None = None, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Answer:
    return Answer(body, "application/json", check, status, headers)


EMULATOR = Emulator(
    demo={
        "examplesms": Demo(
            Account(
                "http://sandbox.invalid/",
                Secret("demo-key-examplesms"),
                {"user": "demo-user", "digest": "sha256"},
                {"password": Secret("demo password")},
            ),
            ("+37061234567", "+37061234568", "+37061234569"),
            sender="Demo",
            region="LT",
        )
    },
    routes={"/send": _send, "/credit": _credit},
    credit=Decimal("150.5000"),
    operations=("send", "balance"),
    errors={code: reason.text for code, reason in ERRORS.items()},
    noted=_noted_call,
)

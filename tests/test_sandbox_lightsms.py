"""What the LightSMS emulator says of one number among others, of what it does not emulate, and in its reports."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest

from smscli.model import DeliveryState
from smscli.sandbox import Answer, Call, Caught, Desk
from smscli.sandbox.lightsms import EMULATOR

NOW = 1732809600
ACCOUNT = EMULATOR.demo["lightsms"].account
KEYS = {"lightsms": ACCOUNT.secret}
SEND = {"sender": "Demo", "text": "Hello!"}


def ask(script: str, params: dict[str, str], desk: Desk | None = None) -> Answer:
    """Return the answer to a request that is signed rightly."""
    params = {"login": "demo", "timestamp": str(NOW), **params}
    joined = "".join(value for _, value in sorted(params.items())) + "demo-key-lightsms"
    params["signature"] = hashlib.md5(joined.encode()).hexdigest()  # noqa: S324  (the vendor's rule)
    handle = EMULATOR.handler(f"/external/get/{script}.php")
    assert handle
    call = Call(tuple(params.items()), "", {"lightsms": ACCOUNT}, NOW, KEYS)
    return handle(call, desk or Desk({"lightsms": Decimal("150.50")}))


@pytest.mark.parametrize("form", ["json", "xml"])
def test_an_error_of_one_number_leaves_the_others_alone(form: str) -> None:
    """The reason names the number; the others are sent and paid for."""
    desk = Desk({"lightsms": Decimal("0.0144")})
    phones = "37061234567,37061555340,12,37061234568"
    answer = ask("send", SEND | {"phone": phones, "return": form}, desk)
    reasons = (answer.reason or "").split("; ")
    assert [reason.partition(": ")[0] for reason in reasons] == ["37061555340", "12", "37061234568"]
    assert "error 34: the number is on the global stop list" in reasons[0]
    assert reasons[1:] == [
        "12: it has 2 digits, and 7 to 15 are wanted", "37061234568: 0.0144 EUR are wanted and 0.0000 left",
    ]  # fmt: skip
    refusals = [None, "error 34", "error 16", "error 32"]
    assert [entry.refusal for entry in desk.caught] == refusals
    if form == "json":
        entries: dict[str, Any] = json.loads(answer.body)
        assert [entry["error"] for entry in entries.values()] == ["0", 34, 16, 32]
    else:
        assert '<phone phone="37061555340" error="34" />' in answer.body


def test_an_error_of_the_whole_request_refuses_every_number() -> None:
    """Though one number alone provokes it."""
    desk = Desk({"lightsms": Decimal("150.50")})
    answer = ask("send", SEND | {"phone": "37061234567,37061555110"}, desk)
    assert answer.body == '{"error": 11}'
    assert [entry.refusal for entry in desk.caught] == ["error 11"] * 2
    assert {entry.reason for entry in desk.caught} == {answer.reason}


def test_a_price_can_fail_too() -> None:
    """By the same numbers."""
    assert ask("operator", {"phone": "37061555360"}).body == '{"error": 36}'
    assert ask("operator", {"phone": "37061234567,37061234568"}).reason == "phone is one number here"


@pytest.mark.parametrize(
    ("sender", "words"),
    [
        ("бренд", "has letters other than Latin ones"),
        ("7even", "begins with no letter: only digits alone may"),
        ("1234567890123456", "has more than 15 digits"),
        ("A_shop", "has signs other than letters, digits, blanks and hyphens"),
        ("no", "has not 3 to 11 characters"),
        ("MyVeryLongShop", "has not 3 to 11 characters"),
    ],
)
def test_a_malformed_sender_is_told_what_is_wrong_with_it(sender: str, words: str) -> None:
    """Error 8 alone has five reasons."""
    answer = ask("send", SEND | {"phone": "37061234567", "sender": sender})
    assert (answer.body, answer.reason) == ('{"error": 8}', f"sender {words}")


def test_what_is_not_emulated_as_xml_is_the_same_error() -> None:
    """In the form of all errors."""
    assert ask("hlr", {"return": "xml"}).body.endswith("<response><error>000</error></response>")


def test_a_report_has_what_the_platforms_documents_list() -> None:
    """A number and a word for the state, and what was paid."""
    sent = Caught(vendor="lightsms", operation="send", now=NOW, signature=None, to="1", parts=2, message_id="41")
    assert EMULATOR.push
    said = [dict(EMULATOR.push.pairs(sent, state)) for state in (DeliveryState.ENROUTE, DeliveryState.UNDELIVERABLE)]
    assert said[0] == {
        "message-id": "41", "state": "1", "message-state": "enroute", "price": "0.0288", "currency": "EUR",
        "mcc": "246", "mnc": "02",
    }  # fmt: skip
    assert (said[1]["state"], said[1]["message-state"]) == ("5", "undeliverable")

"""What is told of an answer that was not understood: its shape, and where the vendor's scripts usually live."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from smscli import providers, sandbox
from smscli.errors import UnreachableError
from smscli.model import MSISDN, Message, Secret, SenderId
from smscli.providers import get
from smscli.wire import Response
from tests.test_dispatch import NUMBERS

VENDORS = providers.names()


def told(vendor: str, body: object, status: int = 200) -> tuple[str, str]:
    """Return the reason and the evidence of a send that this answer leaves unknown."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    number = MSISDN(NUMBERS.get(vendor, NUMBERS["mainsms"]).format(7))
    receipt = get(vendor).send.parse(Response(status, raw), Message((number,), "hello"), "1")
    assert receipt.submissions[0].reason
    assert receipt.evidence
    return receipt.submissions[0].reason.text, receipt.evidence


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b"", "the answer is not JSON: it is empty"),
        (b"<!DOCTYPE html><title>Sign in</title>", "the answer is not JSON: it looks like HTML or XML"),
        (b"Fatal error in /var/www", "the answer is not JSON: 23 characters of something else"),
        (b"\xff\xfe", "the answer is not UTF-8"),
        ([], "it has no status; JSON []"),
        (None, "it has no status; JSON null"),
        (
            {"status": "oops!", "error": "no such key: 12345"},
            "it has no status; JSON {status: text of 5 characters, error: text of 18 characters}",
        ),
        (
            {"status": "error", "error": 77, "balance": 12345, "test": True, "debug_key": {"message": "x"}},
            (
                "it holds an unknown or contradictory error; JSON {status: text of 5 characters, error: 77, "
                "balance: number, test: true, ?: {message: text of 1 character}}"
            ),
        ),
        ([["a"], ["b"], {}], "it has no status; JSON [[text of 1 character], 2 more]"),
        ([[[[[{}]]]]], "it has no status; JSON [[[[1 more]]]]"),
        ({str(n): n for n in range(9)}, "it has no status; JSON {" + "?: number, " * 8 + "1 more}"),
    ],
)
def test_an_answer_that_was_not_understood_is_told_by_its_shape(body: object, shape: str) -> None:
    """Kinds, lengths and documented names; no value but an error code of three digits, and no other name."""
    reason, evidence = told("mainsms", body)
    assert reason == f"the vendor's answer is not one that it documents (HTTP 200; {shape})"
    assert evidence.startswith("HTTP 200, ")
    assert evidence.endswith(f" bytes: {shape}")


def test_the_printed_form_has_a_shape_too() -> None:
    """Mesajlarim's bare keys are read before they are told."""
    reason, _ = told("mesajlarim", b'{error: "Who are you?", hint: "look at https://host/?token=1"}')
    assert "JSON {error: text of 12 characters, ?: text of 29 characters}" in reason


def test_a_recipient_of_another_shape_has_evidence() -> None:
    """Also when the answer as a whole was understood."""
    body = {NUMBERS["lightsms"].format(7): {"error": "words", "id_sms": "x"}}
    _, evidence = told("lightsms", body)
    assert evidence == "HTTP 200, 50 bytes: JSON {?: {error: text of 5 characters, id_sms: text of 1 character}}"


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_documented_name_is_told(vendor: str) -> None:
    """What the emulator answers holds no name that would be hidden, but LightSMS's numbers."""
    account = sandbox.DEMO[vendor]
    speak = sandbox.transport(sandbox.create_app(clock=lambda: 1732809600))
    number = MSISDN(NUMBERS.get(vendor, NUMBERS["mainsms"]).format(7))
    message = Message((number,), "hello", SenderId("Demo") if vendor == "lightsms" else None)
    provider = get(vendor)
    for key in (account.secret, Secret("wrong")):
        request = provider.send.build(message, account._replace(secret=key), "1732809600")
        answer = speak(request, 1.0)
        _, evidence = told(vendor, answer.body, 500)
        assert evidence.count("?") == (vendor == "lightsms")
    balance = speak(provider.balance.build(None, account, "1732809600"), 1.0)
    assert "?" not in told(vendor, balance.body, 500)[1]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_shape_is_short_whatever_comes(vendor: str) -> None:
    """It stands on a terminal, and in every row of the journal."""
    one: object = {name: {"message": "x" * 9999} for name in ("error", "message", "status")}
    for _ in range(3):
        one = dict.fromkeys(("error", "message", "status", "recipients"), one)
    for body in (one, [one] * 9, {"status": one}):
        reason, evidence = told(vendor, body)
        assert len(reason) < 600
        assert len(evidence) < 600


@pytest.mark.parametrize("vendor", VENDORS)
def test_404_names_the_usual_directory(vendor: str) -> None:
    """The commonest cause is a base_url without the vendor's directory, for a send as for a question."""
    provider = get(vendor)
    page = Response(404, b"<html>Not found</html>")
    number = MSISDN(NUMBERS.get(vendor, NUMBERS["mainsms"]).format(7))
    (submission,) = provider.send.parse(page, Message((number,), "hello"), "1").submissions
    assert submission.reason
    hints = [submission.reason.hint or ""]
    assert "it may have been sent" in hints[0]
    questions: list[Callable[[Response, None, str], object]] = [
        provider.balance.parse,
        *([provider.timestamp.parse] if provider.timestamp else []),
    ]
    for parse in questions:
        with pytest.raises(UnreachableError) as raised:
            parse(page, None, "")
        hints.append(raised.value.hint or "")
    for hint in hints:
        assert "base_url" in hint
        assert provider.usual_path in hint


@pytest.mark.parametrize("status", [200, 403, 502])
def test_another_status_does_not(status: int) -> None:
    """A gateway that is down says nothing about the address."""
    page = Response(status, b"<html>Bad gateway</html>")
    (submission,) = get("lightsms").send.parse(page, Message((MSISDN("37061234567"),), "hello"), "1").submissions
    assert submission.reason
    assert "/external/get/" not in (submission.reason.hint or "")

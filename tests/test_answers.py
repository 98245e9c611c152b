"""What is told of an answer that was not understood: its shape, and where the vendor's scripts usually live."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from smscli.errors import Cause, UnreachableError
from smscli.model import MSISDN, Message, Money, Outcome, Reason, Secret, SendReceipt, Submission
from smscli.providers import Answers, amount, get, of_parts, seconds
from smscli.wire import Response, decode_json
from tests.vendors import NAMES, NOW, account, emulator, message


def told(vendor: str, body: object, status: int = 200) -> tuple[str, str]:
    """Return the reason and the evidence of a send that this answer leaves unknown."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    receipt = get(vendor).send.parse(Response(status, raw), message(vendor), "1")
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
        ({"error": 4711}, "it has no status; JSON {error: number}"),
        ({"error": {"error": {"error": {"error": 1}}}}, "it has no status; JSON {error: {error: {error: {1 more}}}}"),
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
    body = {message("lightsms").to[0].digits: {"error": "words", "id_sms": "x"}}
    _, evidence = told("lightsms", body)
    assert evidence == "HTTP 200, 50 bytes: JSON {?: {error: text of 5 characters, id_sms: text of 1 character}}"


@pytest.mark.parametrize("vendor", NAMES)
def test_every_documented_name_is_told(vendor: str) -> None:
    """What the emulator answers holds no name that would be hidden, but numbers that serve as names."""
    speak, provider, stamp = emulator(), get(vendor).of(account(vendor).fields), str(int(NOW))
    for key in (account(vendor).secret, Secret("wrong")):
        answer = speak(provider.send.build(message(vendor), account(vendor)._replace(secret=key), stamp), 1.0)
        members = decode_json(answer.body)
        assert isinstance(members, dict)
        _, evidence = told(vendor, answer.body, 500)
        assert evidence.count("?") == sum(name.isdigit() for name in members)
    balance = speak(provider.balance.build(None, account(vendor), stamp), 1.0)
    assert "?" not in told(vendor, balance.body, 500)[1]
    if provider.price:
        price = speak(provider.price.build(message(vendor), account(vendor), stamp), 1.0)
        assert "?" not in told(vendor, price.body, 500)[1]


@pytest.mark.parametrize("vendor", NAMES)
def test_a_shape_is_short_whatever_comes(vendor: str) -> None:
    """It stands on a terminal, and in every row of the journal."""
    one: object = {name: {"message": "x" * 9999} for name in ("error", "message", "status")}
    for _ in range(3):
        one = dict.fromkeys(("error", "message", "status", "recipients"), one)
    for body in (one, [one] * 9, {"status": one}):
        reason, evidence = told(vendor, body)
        assert len(reason) < 600
        assert len(evidence) < 600


@pytest.mark.parametrize("vendor", NAMES)
def test_404_names_the_usual_directory(vendor: str) -> None:
    """The commonest cause is a base_url without the vendor's directory, for a send as for a question."""
    provider = get(vendor)
    page = Response(404, b"<html>Not found</html>")
    (submission,) = provider.send.parse(page, message(vendor), "1").submissions
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
    if provider.price:
        with pytest.raises(UnreachableError) as raised:
            provider.price.parse(page, message(vendor), "")
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
    assert (submission.reason.hint or "").endswith("before sending again")


def test_a_waiting_time_is_whole_seconds() -> None:
    """As a number or text; nothing else is one, a truth value least of all."""
    assert [seconds(value) for value in (7, "7", "0", "999999")] == [7.0, 7.0, 0.0, 999999.0]
    others = (None, True, Decimal(7), "7s", "-7", 1.5, "1000000", "Wed, 21 Oct 2031 07:28:00 GMT")
    assert {seconds(value) for value in others} == {None}


def test_an_amount_is_exact() -> None:
    """A float was rounded already: it is none. An exponent is a way to write an amount, within reason."""
    assert [str(amount(value)) for value in ("1.50", 3, Decimal("0.1"), Decimal("1e3"))] == ["1.50", "3", "0.1", "1000"]
    assert [amount(value) for value in (0.1, True, "1,5", None, Decimal("1e99"), Decimal("NaN"))] == [None] * 6


def part(outcome: Outcome, message_id: str | None, cost: str | None = None) -> Submission:
    """Return what became of one part."""
    return Submission(TO, outcome, message_id, cost=None if cost is None else Money(Decimal(cost), "EUR"))


TO = MSISDN("37061234567")


def test_parts_that_end_alike_are_one_message() -> None:
    """Ids in order, costs added when all are known."""
    both = of_parts(TO, [part(Outcome.SENT, "1", "0.1"), part(Outcome.SENT, "2", "0.2")])
    assert (both.outcome, both.message_id, both.parts, both.cost) == (
        Outcome.SENT, "1,2", 2, Money(Decimal("0.3"), "EUR"),
    )  # fmt: skip
    assert of_parts(TO, [part(Outcome.SENT, "1", "0.1"), part(Outcome.SENT, "2")]).cost is None
    one = part(Outcome.SENT, "1", "0.1")
    assert of_parts(TO, [one]) == one._replace(parts=1)
    refused = of_parts(TO, [part(Outcome.REFUSED, None), part(Outcome.REFUSED, "2")])
    assert (refused.outcome, refused.message_id) == (Outcome.REFUSED, "2")
    busy, final = (Submission(TO, Outcome.REFUSED, reason=Reason("no", cause)) for cause in (Cause.BUSY, Cause.REFUSED))
    assert of_parts(TO, [busy, final]).reason == final.reason, "what one part would be refused again is not tried again"
    assert of_parts(TO, [busy, busy]).reason == busy.reason


@pytest.mark.parametrize("other", [Outcome.REFUSED, Outcome.UNKNOWN])
def test_half_a_message_is_unknown(other: Outcome) -> None:
    """Its ids are kept, for a person to look them up."""
    half = of_parts(TO, [part(Outcome.SENT, "1"), part(other, "2")])
    assert (half.outcome, half.message_id) == (Outcome.UNKNOWN, "1,2")
    assert half.reason is not None
    assert of_parts(TO, []).outcome is Outcome.UNKNOWN


BUSY = Reason("error 60: too fast", Cause.BUSY, "60")
DOCUMENTED = Answers(("code",), "/", lambda members: BUSY if members.get("code") == 60 else None, statuses=(429,))


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"code":60}', Outcome.REFUSED),
        (429, b'{"code":60}', Outcome.REFUSED),
        (503, b'{"code":60}', Outcome.UNKNOWN),
        (429, b'{"code":0}', Outcome.UNKNOWN),
        (200, b'{"code":0}', Outcome.SENT),
    ],
)
def test_a_documented_status_refuses_and_accepts_nothing(status: int, body: bytes, outcome: Outcome) -> None:
    """Acceptance comes with 200 alone."""
    parse = DOCUMENTED.send(lambda _members, sent, _stamp: SendReceipt((Submission(sent.to[0], Outcome.SENT, "1"),)))
    (submission,) = parse(Response(status, body), Message((TO,), "x"), "").submissions
    assert submission.outcome is outcome
    if outcome is Outcome.UNKNOWN:
        assert submission.reason is not None
        assert "documented answers come with 200" in submission.reason.text


def test_only_a_busy_vendor_sets_the_wait() -> None:
    """Another refusal stays what it is, whatever header comes with it."""
    no = Reason("error 5: no", Cause.REFUSED, "5")
    answers = DOCUMENTED._replace(refusal=lambda _members: no)
    response = Response(429, b"{}", {"retry-after": "7"})
    receipt = answers.send(lambda *_: SendReceipt(()))(response, Message((TO,), "x"), "")
    assert receipt.submissions[0].reason == no


@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), ("soon", None), (None, None)])
def test_retry_after_is_the_wait_of_a_busy_vendor(header: str | None, wait: float | None) -> None:
    """For a send as for a question, where the body names none."""
    response = Response(429, b'{"code":60}', {} if header is None else {"retry-after": header})
    receipt = DOCUMENTED.send(lambda *_: SendReceipt(()))(response, Message((TO,), "x"), "")
    assert receipt.submissions[0].reason == BUSY._replace(wait=wait)
    with pytest.raises(UnreachableError, match="too fast") as raised:
        DOCUMENTED.question(lambda members: members)(response, None, "")
    assert raised.value.wait == wait


NOON = "Thu, 26 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "date", "wait"),
    [
        (" 4 ", None, 4.0),
        ("Thu, 26 Nov 2026 12:01:30 GMT", NOON, 90.0),
        ("Thu, 26 Nov 2026 11:00:00 GMT", NOON, 0.0),
        ("Thu, 26 Nov 2026 12:01:30 GMT", None, None),
        ("Thu, 26 Nov 2026 12:01:30 -0000", NOON, None),
        ("-4", NOON, None),
        ("soon", NOON, None),
        (None, NOON, None),
    ],
)
def test_a_question_that_is_put_off_says_for_how_long(header: str | None, date: str | None, wait: float | None) -> None:
    """In seconds or until a date, which is compared with the answer's own."""
    given = {"retry-after": header, "date": date}
    response = Response(503, b"<html>", {name: value for name, value in given.items() if value is not None})
    for parse in (DOCUMENTED.text(lambda text: text), DOCUMENTED.question(lambda members: members)):
        with pytest.raises(UnreachableError) as raised:
            parse(response, None, "")
        assert raised.value.wait == wait

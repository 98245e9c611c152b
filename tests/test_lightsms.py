"""LightSMS: what is asked, and what its answers prove."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli import providers
from smscli.errors import (
    AuthenticationError,
    Cause,
    ExitCode,
    InputError,
    RejectedError,
    UnreachableError,
    UnsupportedError,
)
from smscli.model import (
    MSISDN,
    Account,
    Balance,
    Message,
    Money,
    Outcome,
    Quote,
    Secret,
    SenderId,
    SendReceipt,
    ServerTime,
)
from smscli.providers.lightsms import ERRORS, PROVIDER
from smscli.wire import Response

ACCOUNT = Account("https://host/external/get/", Secret("your_api_key_here"), {"login": "YourLogin", "clock": "vendor"})
A, B = MSISDN("37061234567"), MSISDN("37062345678")
ONE = Message((A,), "Hello!", SenderId("YourSender"))
TWO = Message((A, B), "Hello!", SenderId("YourSender"))
STAMP = "1732809600"
ID = "4092112510348380960001"
SENT_A = {"error": "0", "id_sms": ID, "cost": "0.0144", "count_sms": "1"}


def parse(body: object, message: Message = ONE, status: int = 200) -> SendReceipt:
    """Return how a send ended when the vendor answers so."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDER.send.parse(Response(status, raw), message, STAMP)


def outcomes(receipt: SendReceipt) -> list[str]:
    """Return the outcome of each recipient."""
    return [submission.outcome.value for submission in receipt.submissions]


# --- requests --------------------------------------------------------------------------------------------------------


def test_a_send_is_one_signed_get() -> None:
    """The signature is the one PHP gives for the same parameters (tests/vectors/lightsms/send.json)."""
    request = PROVIDER.send.build(ONE, ACCOUNT, STAMP)
    assert (request.method, request.url, request.body) == ("GET", "https://host/external/get/send.php", None)
    assert dict(request.query) == {
        "login": "YourLogin",
        "phone": "37061234567",
        "sender": "YourSender",
        "text": "Hello!",
        "timestamp": STAMP,
        "return": "json",
        "signature": "3cc9182c217056843e5bc0783ea9776e",
    }
    assert request.billable


def test_several_numbers_are_a_comma_list_and_a_time_is_wall_clock() -> None:
    """The signature of the scheduled send is PHP's too (tests/vectors/lightsms/send-scheduled.json)."""
    at = datetime(2025, 1, 15, 10, 0, tzinfo=ZoneInfo("Europe/Vilnius"))
    scheduled = dict(PROVIDER.send.build(Message((A,), "Hello!", ONE.sender, send_at=at), ACCOUNT, STAMP).query)
    assert scheduled["sendingTime"] == "2025-01-15 10:00"
    assert scheduled["signature"] == "6f1a12fd0a394fdc75190c0673c17211"
    assert dict(PROVIDER.send.build(TWO, ACCOUNT, STAMP).query)["phone"] == "37061234567,37062345678"


def test_balance_and_timestamp_are_asked_for_without_cost() -> None:
    """The balance is signed (the page's own example), the clock is asked without any parameter."""
    balance = PROVIDER.balance.build(None, ACCOUNT, STAMP)
    assert balance.url.endswith("/balance.php")
    assert dict(balance.query)["signature"] == "969d5f5cfe9120c85bc1b3a358b448f9"
    assert PROVIDER.timestamp is not None
    clock = PROVIDER.timestamp.build(None, ACCOUNT, "")
    assert clock.target == "https://host/external/get/timestamp.php"
    assert not balance.billable
    assert not clock.billable


@pytest.mark.parametrize("sender", [None, "ab", "1" * 16, "9Lives", "-abc", "Ünïcode", "Twelve chars"])
def test_a_sender_that_the_vendor_cannot_take_is_refused_before_signing(sender: str | None) -> None:
    """The page's rule: 3 to 11 characters with a letter first, or up to 15 digits; and there must be one."""
    with pytest.raises(InputError, match="sender"):
        PROVIDER.send.build(Message((A,), "x", SenderId(sender) if sender else None), ACCOUNT, STAMP)


@pytest.mark.parametrize("sender", ["ABC", "My Shop-1", "A2345678901", "7", "123456789012345"])
def test_a_sender_of_the_documented_form_is_taken(sender: str) -> None:
    """Both ends of the documented lengths."""
    assert ("sender", sender) in PROVIDER.send.build(Message((A,), "x", SenderId(sender)), ACCOUNT, STAMP).query


def test_there_is_no_test_mode() -> None:
    """Every message is real: asking for a test is refused instead of charged."""
    with pytest.raises(UnsupportedError, match="LightSMS has no test mode"):
        PROVIDER.send.build(Message((A,), "x", ONE.sender, test=True), ACCOUNT, STAMP)


# --- what a send's answer proves -------------------------------------------------------------------------------------


def test_the_documented_success_is_sent() -> None:
    """Id, parts and cost come from the answer; the page names no currency beside the cost."""
    (sent,) = parse({"37061234567": SENT_A}).submissions
    assert (sent.outcome, sent.message_id, sent.parts) == (Outcome.SENT, ID, 1)
    assert sent.cost == Money(Decimal("0.0144"))


@pytest.mark.parametrize(
    "body",
    [
        {"+37061234567": SENT_A},
        {"0037061234567": SENT_A},
        [{"37061234567": SENT_A}],
        {"37061234567": {"error": 0, "id_sms": int(ID), "cost": 0.65, "count_sms": 1, "sender": "x", "ported": False}},
        {"37061234567": {"error": "0", "id_sms": ID, "cost": None, "count_sms": "many"}},
        {"37061234567": {"error": "0", "id_sms": ID}},
    ],
)
def test_the_success_of_other_hosts_of_the_platform_is_sent(body: object) -> None:
    """Prefixed keys, a list of one-key objects, numbers for text, and more or fewer of the undecisive members."""
    assert outcomes(parse(body)) == ["SENT"]


@pytest.mark.parametrize("code", [*ERRORS, *(int(code) for code in ERRORS if code != "000")], ids=repr)
@pytest.mark.parametrize("shape", ["top", "empty key", "phone", "list"])
def test_every_code_is_a_refusal_in_every_shape(code: str | int, shape: str) -> None:
    """A code means the same at the top, under an empty key, under the number, in a list; as text or number."""
    error = {"error": code}
    body: object = {"top": error, "empty key": {"": error}, "phone": {"37061234567": error}}.get(shape)
    receipt = parse(body or [{"37061234567": error}])
    (refused,) = receipt.submissions
    assert refused.outcome is Outcome.REFUSED
    assert refused.reason == ERRORS[str(code)]


def test_all_documented_codes_are_known() -> None:
    """1 to 39 of the page, and the platform's 000; 0 is no refusal."""
    assert set(ERRORS) == {"000", *map(str, range(1, 40))}


@pytest.mark.parametrize("code", ["1", "2", "6", "7"])
def test_refused_credentials_end_with_4(code: str) -> None:
    """Signature, login, account."""
    assert parse({"error": code}).exit_code is ExitCode.AUTHENTICATION


@pytest.mark.parametrize("code", ["5", "24"])
def test_a_stale_timestamp_may_be_signed_again(code: str) -> None:
    """This module always sends timestamp and sender, so both can only mean that the timestamp is too old."""
    receipt = parse({"37061234567": {"error": code}})
    (refused,) = receipt.submissions
    assert receipt.exit_code is ExitCode.UNREACHABLE
    assert refused.reason is not None
    assert refused.reason.cause is Cause.STALE


def test_only_a_stale_timestamp_may_be_signed_again() -> None:
    """6 may be a stale timestamp or a wrong key; repeating the latter by itself is no good."""
    assert {code for code, reason in ERRORS.items() if reason.cause is Cause.STALE} == {"5", "24"}


@pytest.mark.parametrize(("code", "word"), [("5", "clock"), ("6", "clock"), ("24", "clock"), ("6", "sign --expect")])
def test_the_hint_names_the_clock(code: str, word: str) -> None:
    """The pages give a stale timestamp as 5, 6 or 24."""
    assert word in str(ERRORS[code].hint)


@pytest.mark.parametrize("code", ["6", "7", "32"])
def test_the_common_refusals_say_what_to_do(code: str) -> None:
    """Wrong signature, wrong login, no funds."""
    assert ERRORS[code].hint


def test_a_batch_ends_for_each_number_by_itself() -> None:
    """One accepted, one refused; the order is the one asked for."""
    receipt = parse({"37062345678": {"error": 31}, "37061234567": SENT_A}, TWO)
    assert outcomes(receipt) == ["SENT", "REFUSED"]
    assert receipt.exit_code is ExitCode.PARTIAL


@pytest.mark.parametrize("message_id", [None, "", "0", 0])
def test_a_refused_number_has_no_id(message_id: object) -> None:
    """However the vendor writes that there is none; beside an id the refusal would be contradicted."""
    assert outcomes(parse({"37061234567": {"error": 31, "id_sms": message_id}})) == ["REFUSED"]


@pytest.mark.parametrize(("count", "parts"), [("999", 999), ("1000", None)])
def test_a_count_of_parts_has_three_digits_at_most(count: str, parts: int | None) -> None:
    """What is longer counts something else, and takes nothing from the acceptance."""
    (submission,) = parse({"37061234567": {**SENT_A, "count_sms": count}}).submissions
    assert (submission.outcome, submission.parts) == (Outcome.SENT, parts)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"37069999999": SENT_A}, "speaks of a number that was not asked for, or twice of one"),
        ({"37061234567": SENT_A, "37062345678": SENT_A}, "gives one id to two numbers"),
        ({"error": "99"}, "it holds an unknown or contradictory error"),
        ("37061234567", "it is not an object"),
        ([["37061234567"]], "it is not a list of one object for each number"),
    ],
)
def test_a_doubt_says_what_is_odd_in_the_answer(body: object, words: str) -> None:
    """Whoever asks the vendor needs more than "unknown"."""
    reason = parse(body, TWO).submissions[0].reason
    assert reason is not None
    assert words in reason.text


def test_a_number_that_the_answer_forgets_is_unknown() -> None:
    """Silence proves nothing, and takes nothing from the others."""
    assert outcomes(parse({"37061234567": SENT_A}, TWO)) == ["SENT", "UNKNOWN"]


@pytest.mark.parametrize(
    "entry",
    [
        {"error": "0"},
        {"error": "0", "id_sms": ""},
        {"error": "0", "id_sms": "0"},
        {"error": "0", "id_sms": None},
        {"error": "0", "id_sms": "12a"},
        {"error": "0", "id_sms": "١٢"},
        {"error": "0", "id_sms": "-5"},
        {"error": "0", "id_sms": True},
        {"error": "0", "id_sms": 1.5},
        {"error": "0", "id_sms": "9" * 41},
        {"error": False, "id_sms": ID},
        {"error": 0.0, "id_sms": ID},
        {"error": "00", "id_sms": ID},
        {"error": "", "id_sms": ID},
        {"error": None, "id_sms": ID},
        {"error": "40", "id_sms": ID},
        {"error": "6", "id_sms": ID},
        {"error": "06"},
        {"error": -6},
        {"error": [6]},
        {"id_sms": ID},
        {},
        [],
        "0",
        None,
    ],
)
def test_an_entry_of_another_shape_is_unknown(entry: object) -> None:
    """Success needs error 0 and an id of digits; refusal needs a listed code and no id."""
    assert outcomes(parse({"37061234567": entry, "37062345678": {**SENT_A, "id_sms": "7"}}, TWO)) == ["UNKNOWN", "SENT"]


@pytest.mark.parametrize(
    "body",
    [
        {"37061234567": SENT_A, "37069999999": {**SENT_A, "id_sms": "7"}},
        {"37061234567": SENT_A, "+37061234567": {**SENT_A, "id_sms": "7"}},
        {"37061234567": SENT_A, "37062345678": SENT_A},
        {"37061234567": SENT_A, "error": "0"},
        {"37061234567": SENT_A, "error": "6"},
        {"37061234567": SENT_A, "": {"error": "6"}},
        {"": {"error": "6", "id_sms": "5"}},
        {"": "6"},
        {"error": "0"},
        {"error": "99"},
        {"error": {"error": "6"}},
        {"error": "<b>\x1b[31m"},
        [{"37061234567": SENT_A}, {"37061234567": SENT_A}],
        [{"37061234567": SENT_A, "37062345678": {**SENT_A, "id_sms": "7"}}],
        [["37061234567"]],
        [],
        {},
        "37061234567",
        17,
        None,
        b"",
        b"<html><body>Sign in</body></html>",
        b'{"37061234567":{"error":"0","id_sms":"1"},"37061234567":{"error":"6"}}',
        b"\xff",
    ],
)
def test_an_answer_that_contradicts_itself_proves_nothing_for_anybody(body: object) -> None:
    """An extra number, one number or id twice, an error beside a success, and whatever is not the documented object."""
    assert outcomes(parse(body, TWO)) == ["UNKNOWN", "UNKNOWN"]


@pytest.mark.parametrize("status", [201, 204, 302, 401, 403, 404, 429, 500, 503])
def test_with_another_status_the_body_proves_nothing(status: int) -> None:
    """Documented answers come with 200."""
    assert outcomes(parse({"37061234567": SENT_A}, status=status)) == ["UNKNOWN"]
    assert outcomes(parse({"error": 6}, status=status)) == ["UNKNOWN"]


def test_a_code_that_no_page_lists_is_told() -> None:
    """Three digits betray nothing, and are what to ask the vendor about; a longer word is not repeated."""
    told = parse({"37061234567": {"error": "40"}}).error
    assert told is not None
    assert "unknown or contradictory error (40)" in told.message
    for long in ("4711", None):
        told = parse({"37061234567": {"error": long}}).error
        assert told is not None
        assert told.message.endswith("holds an unknown or contradictory error")


# --- questions -------------------------------------------------------------------------------------------------------


def ask(body: object, status: int = 200) -> Balance:
    """Return the balance that the answer tells."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDER.balance.parse(Response(status, raw), None, STAMP)


@pytest.mark.parametrize(
    ("body", "balance"),
    [
        ({"money": "150.50", "currency": "EUR"}, Balance(Decimal("150.50"), "EUR")),
        ({"money": 69573.1, "currency": "RUB", "bonusAmount": "0"}, Balance(Decimal("69573.1"), "RUB")),
        ({"money": -3, "currency": "EUR"}, Balance(Decimal(-3), "EUR")),
    ],
)
def test_the_balance_is_an_amount_in_a_currency(body: object, balance: Balance) -> None:
    """As text (the page) or as a number (other hosts); an extra bonus does no harm."""
    assert ask(body) == balance


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        ({"error": 6}, AuthenticationError, "6"),
        ({"": {"error": "7"}}, AuthenticationError, "7"),
        ({"error": "32"}, RejectedError, "32"),
        ({"error": "24"}, UnreachableError, "24"),
        ({"error": "99"}, UnreachableError, None),
        ({"money": "150.50"}, UnreachableError, None),
        ({"money": True, "currency": "EUR"}, UnreachableError, None),
        ({"money": "1e3", "currency": "EUR"}, UnreachableError, None),
        ({"money": "1", "currency": "\x1b[3"}, UnreachableError, None),
        (b'{"money":1e999,"currency":"EUR"}', UnreachableError, None),
        (b"<html>", UnreachableError, None),
    ],
)
def test_a_refused_question_is_an_error_of_its_class(body: object, error: type[Exception], code: str | None) -> None:
    """The vendor's code stays with it; what cannot be understood may be asked again."""
    with pytest.raises(error) as caught:
        ask(body)
    assert getattr(caught.value, "code") == code  # noqa: B009  (the parameter's type knows no code)


def test_a_question_believes_an_error_with_any_status_and_a_result_only_with_200() -> None:
    """Asking costs nothing: a documented refusal helps, a success from elsewhere does not count."""
    with pytest.raises(AuthenticationError):
        ask({"error": 6}, 403)
    with pytest.raises(UnreachableError, match="it names no amount and currency"):
        ask({"money": "1"})
    with pytest.raises(UnreachableError, match="HTTP 500"):
        ask({"money": "1", "currency": "EUR"}, 500)


def test_the_clock_is_ten_digits() -> None:
    """White space around them does no harm; anything else is no time."""
    assert PROVIDER.timestamp is not None
    assert PROVIDER.timestamp.parse(Response(200, b" 1732809600\n"), None, "") == ServerTime(1732809600)
    for text in ("", "173280960", "17328096000", "1732809600000", "<html>", "١٧٣٢٨٠٩٦٠٠", "\u00a01732809600"):
        with pytest.raises(UnreachableError, match="it is not a Unix time"):
            PROVIDER.timestamp.parse(Response(200, text.encode()), None, "")
    with pytest.raises(UnreachableError):
        PROVIDER.timestamp.parse(Response(200, b"\xff"), None, "")


# --- the price -------------------------------------------------------------------------------------------------------

# What the page on operator.php prints.
PRICED = {
    "currency": "EUR", "error": 0, "mcc": "246", "mnc": "02", "ok": True, "operator": "Tele2 Lithuania",
    "phone": "37061234567", "ported": 0, "price": 0.012, "regionCode": 0, "timeZone": 2,
}  # fmt: skip


def price_of(body: object, message: Message = ONE) -> Quote:
    """Return what the answer says the message costs."""
    assert PROVIDER.price is not None
    return PROVIDER.price.parse(Response(200, json.dumps(body).encode()), message, STAMP)


def test_the_price_of_one_number_is_asked_for_without_cost() -> None:
    """The signature is the one PHP gives (tests/vectors/lightsms/price.json); no sender is sent."""
    assert PROVIDER.price is not None
    assert PROVIDER.price_limit == 1
    request = PROVIDER.price.build(ONE._replace(sender=None), ACCOUNT, STAMP)
    assert (request.method, request.url) == ("GET", "https://host/external/get/operator.php")
    assert dict(request.query) == {
        "login": "YourLogin",
        "phone": "37061234567",
        "text": "Hello!",
        "timestamp": STAMP,
        "return": "json",
        "signature": "faf5446790c7008aaccd7da04b0865da",
    }
    assert not request.billable


def test_the_documented_price_is_read_beside_an_error_of_0() -> None:
    """A number in JSON, kept exact; other hosts of the platform leave the error out."""
    assert price_of(PRICED) == Quote(Money(Decimal("0.012"), "EUR"), (A,))
    older = {"currency": "USD", "operator": "AT&T", "phone": 37061234567, "price": "0.65"}
    assert price_of(older) == Quote(Money(Decimal("0.65"), "USD"), (A,))


def test_the_price_of_a_long_text_is_in_doubt_and_not_multiplied() -> None:
    """The page prices "based on message length", and does not say whether that is each part."""
    long = price_of(PRICED, ONE._replace(text="a" * 161))
    assert long.price == Money(Decimal("0.012"), "EUR")
    assert long.note == "LightSMS does not say whether its price counts each of the 2 parts"
    assert price_of(PRICED, ONE._replace(text="a" * 160)).note is None


@pytest.mark.parametrize(
    "change",
    [
        {"price": 0},
        {"price": "0.000"},
        {"price": -0.012},
        {"price": None},
        {"price": True},
        {"price": "0,012"},
        {"price": "cheap"},
        {"currency": None},
        {"currency": "EURO"},
        {"phone": "37062345678"},
        {"phone": None},
        {"ok": False},
    ],
)
def test_an_answer_without_a_price_for_this_number_names_none(change: dict[str, object]) -> None:
    """Nothing is made of it, least of all 0."""
    assert price_of({**PRICED, **change}) == Quote(None, (A,))
    assert price_of({"operator": "AT&T"}) == price_of([]) == Quote(None, (A,))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": 33}, RejectedError),
        ({"error": "36"}, RejectedError),
        ({"error": 6}, AuthenticationError),
        ({"error": 24}, UnreachableError),
        ({"error": 0}, UnreachableError),
        ({**PRICED, "error": 36}, UnreachableError),
        ({**PRICED, "error": "000"}, UnreachableError),
        ("cheap", UnreachableError),
    ],
)
def test_a_refused_price_is_an_error_of_its_class(body: object, error: type[Exception]) -> None:
    """An error beside a price is a contradiction, and an error 0 alone tells nothing."""
    with pytest.raises(error):
        price_of(body)


# --- any answer ------------------------------------------------------------------------------------------------------

GOLDEN = [
    json.dumps({"37061234567": SENT_A, "37062345678": {"error": 31}}).encode(),
    json.dumps([{"37061234567": SENT_A}, {"37062345678": {**SENT_A, "id_sms": "17"}}]).encode(),
    b'{"error":6}',
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a documented body with a few pieces cut, doubled or replaced."""
    body = draw(st.sampled_from(GOLDEN))
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted(draw(st.tuples(st.integers(0, len(body)), st.integers(0, len(body)))))
        middle = draw(st.sampled_from([b"", body[start:end] * 2, b"0", b'"', b"null", b"}", b"true", b"\\ud800", b"-"]))
        body = body[:start] + middle + body[end:]
    return body


@given(st.one_of(st.binary(max_size=200), mutated()), st.sampled_from([200, 200, 200, 500]))
def test_no_body_raises_and_none_but_the_success_shape_is_sent(body: bytes, status: int) -> None:
    """One submission for each recipient, whatever comes; SENT only where the answer says 0 and gives an id."""
    receipt = PROVIDER.send.parse(Response(status, body), TWO, STAMP)
    assert [submission.to for submission in receipt.submissions] == [A, B]
    for sent in receipt.submissions:
        if sent.outcome is not Outcome.SENT:
            assert sent.reason is not None
            continue
        answer = json.loads(body)
        items = [answer] if isinstance(answer, dict) else answer
        entries = [item[key] for item in items for key in item if key.endswith(sent.to.digits)]
        assert status == 200
        assert [(str(entry["error"]), str(entry["id_sms"])) for entry in entries] == [("0", sent.message_id)]


def test_the_vendor_is_found_by_name() -> None:
    """The registry knows it, and says which names there are when asked for another."""
    assert providers.get("lightsms") is PROVIDER
    assert PROVIDER.secret_field.name == "api_key"
    with pytest.raises(InputError, match="no provider 'x'") as caught:
        providers.get("x")
    assert caught.value.hint == f"providers: {', '.join(providers.names())}"


@pytest.mark.parametrize("name", ["_answers", "lightsms.x", "..", ""])
def test_what_is_no_name_is_no_vendor(name: str) -> None:
    """Nothing private and nothing with dots is looked for as a module."""
    with pytest.raises(InputError, match="there is no provider"):
        providers.get(name)


# --- where a message stands ------------------------------------------------------------------------------------------

ONE_ID, OTHER_ID = "4091297100348873330001", "4091297100348880230003"


def reports(body: object, *ids: str) -> list[tuple[str, str, str | None, str | None]]:
    """Return id, state, the vendor's word and time, as an answer says of these messages."""
    assert PROVIDER.status is not None
    answer = Response(200, json.dumps(body).encode())
    return [(one.id, one.state.value, one.word, one.at) for one in PROVIDER.status.parse(answer, ids, STAMP)]


def test_the_state_of_several_messages_is_one_signed_question() -> None:
    """The signature is the one PHP gives (tests/vectors/lightsms/status.json); nothing is sent by it."""
    assert PROVIDER.status is not None
    request = PROVIDER.status.build((ONE_ID, OTHER_ID), ACCOUNT, STAMP)
    assert (request.method, request.url) == ("GET", "https://host/external/get/status.php")
    case = json.loads((Path(__file__).parent / "vectors" / "lightsms" / "status.json").read_text(encoding="utf-8"))
    assert dict(request.query) == dict(case["params"]) | {"signature": case["signature"]}
    assert not request.billable
    for wrong in ("", "12a", "1,2", "-1", "1" * 41):
        with pytest.raises(InputError):
            PROVIDER.status.build((ONE_ID, wrong), ACCOUNT, STAMP)


@pytest.mark.parametrize(
    ("word", "state", "is_final"),
    [
        ("delivered", "DELIVERED", True),
        ("deliver", "DELIVERED", True),
        ("read", "DELIVERED", True),
        ("not_deliver", "UNDELIVERABLE", True),
        ("expired", "EXPIRED", True),
        ("pending", "ACCEPTED", False),
        ("partly_deliver", "ACCEPTED", False),
        ("sent", "ENROUTE", False),
        ("send", "ENROUTE", False),
        ("scheduled", "SCHEDULED", False),
        ("enroute", "ENROUTE", False),
        ("deleted", "DELETED", True),
        ("undeliverable", "UNDELIVERABLE", True),
        ("accepted", "ACCEPTED", False),
        ("unknown", "UNKNOWN", False),
        ("rejected", "REJECTED", True),
        ("skipped", "SKIPPED", True),
        ("on its way", "UNKNOWN", False),
    ],
)
def test_every_word_of_the_platform_is_one_state_in_each_form(word: str, state: str, is_final: bool) -> None:
    """The page's bare word, the object of other hosts, their list, and the reference page's answer for one message."""
    assert PROVIDER.status is not None
    assert reports({ONE_ID: word}, ONE_ID) == [(ONE_ID, state, word, None)]
    assert reports({ONE_ID: word.upper()}, ONE_ID) == [(ONE_ID, state, word.upper(), None)]
    there = {"status": word, "time": "2014-10-05"}
    assert reports({ONE_ID: there}, ONE_ID) == [(ONE_ID, state, word, "2014-10-05")]
    assert reports([{OTHER_ID: word}, {ONE_ID: there}], ONE_ID, OTHER_ID) == [
        (ONE_ID, state, word, "2014-10-05"), (OTHER_ID, state, word, None),
    ]  # fmt: skip
    single = {"status": word, "delivered_at": "2024-01-15 10:30:00"}
    assert reports(single, ONE_ID) == [(ONE_ID, state, word, "2024-01-15 10:30:00")]
    (report,) = PROVIDER.status.parse(Response(200, json.dumps({ONE_ID: word}).encode()), (ONE_ID,), STAMP)
    assert report.is_final is is_final


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"error": 18},
        {"error": "19"},
        {"": {"error": 18}},
        {ONE_ID: {"error": "18"}},
        {"status": 1},
        {"ok": True},
    ],
)
def test_a_message_that_the_answer_does_not_know_is_not_known(body: object) -> None:
    """It is no refusal, and nothing final."""
    assert reports(body, ONE_ID) == [(ONE_ID, "UNKNOWN", None, None)]


@pytest.mark.parametrize(
    "word", [None, 2, True, "", " sent", "sent ", "a1", "x" * 25, "d\u202eone", ["delivered"], {"status": 0}]
)
def test_what_is_no_word_is_neither_shown_nor_final(word: object) -> None:
    """It may be the key or the signature, sent back."""
    assert reports({ONE_ID: word, OTHER_ID: "sent"}, ONE_ID, OTHER_ID) == [
        (ONE_ID, "UNKNOWN", "?", None), (OTHER_ID, "ENROUTE", "sent", None),
    ]  # fmt: skip


def test_a_time_that_is_none_is_left_out() -> None:
    """Empty while a message is on its way, on a related product."""
    for time in ("", None, "soon", 20141005, "2014-10-05 10:30:00\x1b"):
        assert reports({ONE_ID: {"status": "deliver", "time": time}}, ONE_ID) == [
            (ONE_ID, "DELIVERED", "deliver", None)
        ]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": 6}, AuthenticationError),
        ({ONE_ID: {"error": "6"}}, AuthenticationError),
        ({"error": 17}, RejectedError),
        ({"error": 77}, UnreachableError),
        ({"error": 18, ONE_ID: "delivered"}, UnreachableError),
        ({ONE_ID: "sent", OTHER_ID: "sent"}, UnreachableError),
        ({"status": "delivered", OTHER_ID: "sent"}, None),
        ("delivered", UnreachableError),
    ],
)
def test_a_refused_question_of_a_state_is_an_error_of_its_class(body: object, error: type[Exception] | None) -> None:
    """Also where the answer speaks of a message that nobody asked about."""
    if error is None:
        assert reports(body, ONE_ID)[0][1] == "DELIVERED"
        return
    with pytest.raises(error):
        reports(body, ONE_ID)

"""Mesajlarim: what is asked, and what its answers prove."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.errors import AuthenticationError, ExitCode, InputError, RejectedError, UnreachableError, UnsupportedError
from smscli.model import MSISDN, Account, Balance, Message, Outcome, Secret, SenderId, SendReceipt
from smscli.providers.mesajlarim import PROVIDER
from smscli.wire import MAX_ANSWER, Response

ACCOUNT = Account(
    "https://host/omrestapi/",
    Secret("mySecret"),
    {"app_id": "1", "msisdn": "5321000000", "app_id_name": "appId"},
)
A, B = MSISDN("905322000000"), MSISDN("905323000000")
ONE, TWO = Message((A,), "My Message"), Message((A, B), "My Message")
RAND = "1331024400"


def entry(msisdn: str, status: str = "delivered", charge: str = "free") -> dict[str, str]:
    """Return one recipient of an answer."""
    return {"msisdn": msisdn, "status": status, "charge": charge}


def answer(*recipients: object, **change: object) -> dict[str, object]:
    """Return a documented answer to a send."""
    return {"sender": "5321000000", "message": "My Message", "recipients": list(recipients), "balance": 3, **change}


def parse(body: object, message: Message = ONE, status: int = 200) -> SendReceipt:
    """Return how a send ended when the vendor answers so."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDER.send.parse(Response(status, raw), message, RAND)


def ends(receipt: SendReceipt) -> list[tuple[str, str | None]]:
    """Return outcome and id of each recipient."""
    return [(submission.outcome.value, submission.message_id) for submission in receipt.submissions]


LOST = ("UNKNOWN", None)
SENT_A = ("SENT", "1331024400-5322000000")
SENT_B = ("SENT", "1331024400-5323000000")

# --- requests --------------------------------------------------------------------------------------------------------


def test_a_send_is_one_signed_post() -> None:
    """The token is the one PHP gives for the document's sample (tests/vectors/mesajlarim/the-page-example.json)."""
    request = PROVIDER.send.build(ONE, ACCOUNT, RAND)
    assert (request.method, request.target) == ("POST", "https://host/omrestapi/api.php?action=sendsms")
    assert request.form == (
        ("appId", "1"),
        ("msisdn", "5321000000"),
        ("message", "My Message"),
        ("recipient", "5322000000"),
        ("rand", RAND),
        ("token", "eda70d996ea49f185f97622bdcee4da0bf2e1570"),
    )
    assert request.billable


def test_several_recipients_repeat_the_bracketed_name() -> None:
    """The token is the one PHP gives (tests/vectors/mesajlarim/send-to-two.json)."""
    form = PROVIDER.send.build(TWO, ACCOUNT, RAND).form
    assert [pair for pair in form if pair[0].startswith("recipient")] == [
        ("recipient[]", "5322000000"),
        ("recipient[]", "5323000000"),
    ]
    assert dict(form)["token"] == "ee3105ae80b8b08f615ce453a7cf1cce9f1c3bea"


def test_the_balance_is_a_get_without_cost() -> None:
    """The token is the one Node gives (tests/vectors/mesajlarim/balance.json)."""
    request = PROVIDER.balance.build(None, ACCOUNT, RAND)
    assert (request.method, request.form) == ("GET", ())
    assert request.query == (
        ("action", "balance"),
        ("appId", "1"),
        ("msisdn", "5321000000"),
        ("rand", RAND),
        ("token", "379f1fec5a55d45688decffa229e10d7d39e8b14"),
    )
    assert not request.billable


def test_the_documents_spelling_of_the_application_id_can_be_chosen() -> None:
    """The token does not change: only values are hashed."""
    account = ACCOUNT._replace(fields={**ACCOUNT.fields, "app_id_name": "appld"})
    form = dict(PROVIDER.send.build(ONE, account, RAND).form)
    assert form["appld"] == "1"
    assert form["token"] == "eda70d996ea49f185f97622bdcee4da0bf2e1570"


def test_the_application_id_has_the_name_of_the_sample_without_a_choice() -> None:
    """An account that was made without the profile's default is signed like one with it."""
    account = ACCOUNT._replace(fields={"app_id": "1", "msisdn": "5321000000"})
    assert PROVIDER.send.build(ONE, account, RAND) == PROVIDER.send.build(ONE, ACCOUNT, RAND)


@pytest.mark.parametrize("digits", ["37061234567", "9053220000001", "90532200000", "900322000000", "15322000000"])
def test_only_turkish_numbers_are_taken(digits: str) -> None:
    """+90 and ten digits, the first not zero."""
    with pytest.raises(InputError, match="not a Turkish number"):
        PROVIDER.send.build(Message((MSISDN(digits),), "x"), ACCOUNT, RAND)


@pytest.mark.parametrize("sender", ["5321000000", "05321000000", "905321000000", "+905321000000"])
def test_the_accounts_own_number_may_be_named_as_sender(sender: str) -> None:
    """However it is spelled; it changes nothing."""
    message = ONE._replace(sender=SenderId(sender))
    assert PROVIDER.send.build(message, ACCOUNT, RAND) == PROVIDER.send.build(ONE, ACCOUNT, RAND)


@pytest.mark.parametrize("sender", ["ACME", "5321000001", "+15321000000"])
def test_another_sender_is_refused(sender: str) -> None:
    """Messages come from the account's number; to pretend otherwise would be a lie."""
    with pytest.raises(InputError, match="cannot send as"):
        PROVIDER.send.build(ONE._replace(sender=SenderId(sender)), ACCOUNT, RAND)


def test_there_is_neither_scheduling_nor_test_mode_nor_clock() -> None:
    """The document has two methods and no such parameters."""
    with pytest.raises(UnsupportedError, match="Mesajlarim has no scheduled sending"):
        PROVIDER.send.build(ONE._replace(send_at=datetime(2031, 1, 1, tzinfo=UTC)), ACCOUNT, RAND)
    with pytest.raises(UnsupportedError, match="Mesajlarim has no test mode"):
        PROVIDER.send.build(ONE._replace(test=True), ACCOUNT, RAND)
    assert PROVIDER.price is None
    assert PROVIDER.timestamp is None


def test_the_profile_must_name_the_host_and_is_told_of_one() -> None:
    """The document names none."""
    assert PROVIDER.base_url is None
    assert "mesajlarim.turkcell.com.tr" in str(PROVIDER.base_url_hint)


# --- what a send's answer proves -------------------------------------------------------------------------------------


@pytest.mark.parametrize("charge", ["none", "free", "charged", "partly-charged"])
def test_delivered_is_sent_whatever_was_charged(charge: str) -> None:
    """The id is the request's own rand with the number: the answer has none. The free messages left are told."""
    receipt = parse(answer(entry("5322000000", charge=charge)))
    assert ends(receipt) == [SENT_A]
    assert receipt.balance == Balance(Decimal(3), "SMS")


@pytest.mark.parametrize("charge", ["none", "free", "charged", "partly-charged"])
def test_error_is_refused_and_tells_the_charge(charge: str) -> None:
    """The document's sample charges failed messages too: whoever tries again should know."""
    receipt = parse(answer(entry("5322000000", "error", charge)))
    assert receipt.exit_code is ExitCode.REJECTED
    assert receipt.error is not None
    assert f"charge: {charge}" in receipt.error.message
    reason = receipt.submissions[0].reason
    assert reason is not None
    assert reason.code == "error"


def test_a_batch_ends_for_each_number_by_itself() -> None:
    """In the order asked for."""
    receipt = parse(answer(entry("5323000000", "error", "none"), entry("5322000000")), TWO)
    assert ends(receipt) == [SENT_A, ("REFUSED", None)]


def test_no_free_message_left_is_zero() -> None:
    """The vendor says -1."""
    receipt = parse(answer(entry("5322000000"), balance=-1))
    assert receipt.balance == Balance(Decimal(0), "SMS", note="no free messages left")


def test_a_number_that_the_answer_forgets_is_unknown() -> None:
    """Silence proves nothing, and takes nothing from the others."""
    assert ends(parse(answer(entry("5323000000")), TWO)) == [LOST, SENT_B]


def test_a_number_with_two_different_results_is_unknown() -> None:
    """As in the document's sample; the same result twice is one result."""
    mixed = answer(entry("5322000000"), entry("5322000000", charge="none"), entry("5323000000"), entry("5323000000"))
    assert ends(parse(mixed, TWO)) == [LOST, SENT_B]


@pytest.mark.parametrize(
    "body",
    [
        answer(entry("5322000000"), entry("5324000000")),
        answer(entry("05322000000")),
        answer(entry("5322000000", "sent")),
        answer(entry("5322000000", charge="gratis")),
        answer({"msisdn": "5322000000", "status": "delivered"}),
        answer({"msisdn": 5322000000, "status": "delivered", "charge": "free"}),
        answer({"msisdn": "5322000000", "status": ["delivered"], "charge": {}}),
        answer("5322000000"),
        answer(entry("5322000000"), balance=True),
        answer(entry("5322000000"), balance="3"),
        answer(entry("5322000000"), balance=-2),
        answer(entry("5322000000"), balance=None),
        answer(entry("5322000000"), sender=None),
        answer(entry("5322000000"), message=7),
        answer(entry("5322000000"), error="Invalid App Id"),
        answer(recipients={"msisdn": "5322000000"}),
        {"recipients": [entry("5322000000")]},
        {"error": "Invalid App Id", "code": 1},
        {"error": "invalid app id"},
        {"error": "Try later \x1b[2J"},
        {"error": ["Invalid App Id"]},
        {"error": 5},
        {},
        [],
        None,
        b"",
        b"<html>",
        b"\xfe",
    ],
)
def test_what_is_not_documented_proves_nothing(body: object) -> None:
    """Another number, an unknown word, a missing member, an unlisted or contradictory error."""
    receipt = parse(body, TWO)
    assert ends(receipt) == [LOST, LOST]
    assert "\x1b" not in str(receipt.error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (answer(entry("5322000000"), balance=None), "lacks its documented sender, message, recipients and balance"),
        (answer(entry("5324000000")), "speaks of a number that was not asked for"),
        (answer("5322000000"), "a recipient is not an object"),
        ({"error": "Try later"}, "it holds an unknown or contradictory error"),
        (b"{recipients:[],recipients:[]}", "it is neither JSON nor the printed form"),
        ([], "it is not an object"),
        (answer(entry("5322000000", "sent")), "a recipient lacks its documented msisdn, status and charge"),
        (answer(), "the vendor's answer does not mention this number"),
        (answer(entry("5322000000"), entry("5322000000", "error")), "lists this number twice, with different results"),
    ],
)
def test_a_doubt_says_what_is_odd_in_the_answer(body: object, words: str) -> None:
    """Whoever asks the vendor needs more than "unknown"."""
    error = parse(body).error
    assert error is not None
    assert words in error.message


def test_an_empty_error_is_none() -> None:
    """A public client's model has the member in every answer; null means that there was none."""
    assert ends(parse(answer(entry("5322000000"), error=None))) == [SENT_A]


ERRORS = {
    "MSISDN is missing": 5,
    "Token cannot be empty": 4,
    "Invalid IP Address": 4,
    "Invalid Token Given": 4,
    "Random value cannot be empty": 5,
    "Sender MSISDN and message cannot be empty": 5,
    "Recipients cannot be empty": 5,
    "Too many recipients": 5,
    "Invalid App Id": 4,
}


@pytest.mark.parametrize(("text", "exit_code"), ERRORS.items())
@pytest.mark.parametrize("form", ['{"error": "%s"}', '{error: "%s"}'], ids=["JSON", "printed"])
def test_every_error_text_is_a_refusal_of_its_class(text: str, exit_code: int, form: str) -> None:
    """Token, application and address are a matter of credentials; in JSON and as the document prints it."""
    receipt = parse((form % text).encode(), TWO)
    assert [outcome for outcome, _ in ends(receipt)] == ["REFUSED", "REFUSED"]
    assert receipt.exit_code == exit_code
    assert receipt.error is not None
    assert receipt.error.code == text


@pytest.mark.parametrize("status", [201, 302, 403, 500])
def test_with_another_status_the_body_proves_nothing(status: int) -> None:
    """Documented answers come with 200."""
    assert ends(parse(answer(entry("5322000000")), status=status)) == [LOST]


# --- the printed form ------------------------------------------------------------------------------------------------

# As printed in the document, line breaks included, with the numbers of TWO.
PRINTED = b"""{ sender:"5320000000", message:"My Message", recipients: [
{msisdn:"5322000000", status:"delivered", charge:"free"},
 {msisdn:"5323000000", status:"error", charge:"charged"}], balance: 3 }"""


def test_the_printed_form_is_read() -> None:
    """Unquoted keys, as in the document's samples."""
    receipt = parse(PRINTED, TWO)
    assert ends(receipt) == [SENT_A, ("REFUSED", None)]
    assert receipt.balance == Balance(Decimal(3), "SMS")


@pytest.mark.parametrize(
    "change",
    [
        (b'"free"', b"'free'"),
        (b"balance: 3", b"balance: 0x3"),
        (b"balance: 3", b"balance: 3, "),
        (b"balance: 3", b"balance: +3"),
        (b"balance: 3", b"balance: Infinity"),
        (b"balance: 3", b"balance: 3, balance: 3"),
        (b"balance: 3", b"balance: 3 // three"),
        (b"balance: 3", b"balance: 3, /**/ more: 1"),
        (b"balance: 3", b'balance: 3, more: [[[["a"]]]]'),
        (b"balance: 3", b'balance: 3, more: "\\u12"'),
        (b"balance: 3", b"balance: 3, 'more': 1"),
        (b"balance: 3 }", b"balance: 3"),
        (b"balance: 3 }", b"balance: 3 } {}"),
        (b"My Message", b"x" * 2100),
        (b"My Message", b"," * 130),
        (b"{ sender", b"[{ sender"),
    ],
)
def test_more_than_the_printed_form_is_not_let_in(change: tuple[bytes, bytes]) -> None:
    """Neither the rest of JSON5, nor repeated keys, nor what would take long to read."""
    assert ends(parse(PRINTED.replace(*change), TWO)) == [LOST, LOST]


@pytest.mark.parametrize(
    "body",
    [
        b'{a:["x"' + b',"x"' * 500 + b"]}",
        b'{a:"' + "ş".encode() * 1000 + b'"}',
        b'{a:"' + b"\\u0041" * 330 + b'"}',
        b"{a:" + b" " * 2000 + b"}",
        b"{a:" + b"{a:1," * 400,
        b'{a:"' + b'\\"' * (MAX_ANSWER // 2 - 2),
        b"{" * MAX_ANSWER,
        b'{"a":' * (MAX_ANSWER // 5),
        b"9" * MAX_ANSWER,
    ],
)
def test_no_body_takes_long(body: bytes) -> None:
    """A generous bound for a busy machine: a pure parser let loose on 64 KiB would need a second and more."""
    parse(PRINTED, TWO)
    started = time.perf_counter()
    assert ends(parse(body)) == [LOST]
    assert time.perf_counter() - started < 0.5


# --- questions -------------------------------------------------------------------------------------------------------


def ask(body: object, status: int = 200) -> Balance:
    """Return the balance that the answer tells."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDER.balance.parse(Response(status, raw), None, RAND)


@pytest.mark.parametrize(
    ("body", "balance"),
    [
        (b'{ msisdn:"5321000000", balance: 12, freeTotal: 15 }', Balance(Decimal(12), "SMS", 15)),
        ({"msisdn": "5321000000", "balance": 12, "freeTotal": 15, "error": None}, Balance(Decimal(12), "SMS", 15)),
        (
            {"msisdn": "5321000000", "balance": -1, "freeTotal": 15},
            Balance(Decimal(0), "SMS", 15, "no free messages left"),
        ),
    ],
)
def test_the_balance_counts_free_messages(body: object, balance: Balance) -> None:
    """What is left and the daily quota; -1 is the vendor's word for none."""
    assert ask(body) == balance


def test_a_count_of_messages_is_one_of_this_world() -> None:
    """From none to less than 10⁹: what is beyond is no count."""
    for count in (0, 10**9 - 1):
        assert ask({"balance": count, "freeTotal": count}) == Balance(Decimal(count), "SMS", count)
    for beyond in ({"balance": 10**9, "freeTotal": 1}, {"balance": 1, "freeTotal": 10**9}):
        with pytest.raises(UnreachableError, match="it names no balance and freeTotal"):
            ask(beyond)


@pytest.mark.parametrize(
    ("form", "beyond"),
    [
        ("{balance:3,freeTotal:5}" + " " * 2025, " "),
        ("{balance:3,freeTotal:5,X:1,x:[" + ",".join(["{}"] * 62) + "]}", ",z:1"),
        ("{balance:3,freeTotal:5,x:[[[]]]}", "[]"),
    ],
    ids=["length", "marks", "depth"],
)
def test_the_printed_form_is_read_up_to_its_bounds(form: str, beyond: str) -> None:
    """They bound the time that the reader takes; one step further it is no answer."""
    assert ask(form.encode()).daily_quota == 5
    longer = form.replace("[[[]]]", "[[[[]]]]") if beyond == "[]" else form.replace(":5", f":5{beyond}")
    with pytest.raises(UnreachableError, match="not JSON"):
        ask(longer.encode())


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "Invalid Token Given"}, AuthenticationError),
        ({"error": "MSISDN is missing"}, RejectedError),
        ({"error": "Out of order"}, UnreachableError),
        ({"balance": 12}, UnreachableError),
        ({"balance": 12, "freeTotal": -1}, UnreachableError),
        ({"balance": 12, "freeTotal": True}, UnreachableError),
        ({"balance": 10**400, "freeTotal": 15}, UnreachableError),
        ({"freeTotal": 15}, UnreachableError),
        (b"[]", UnreachableError),
    ],
)
def test_a_refused_question_is_an_error_of_its_class(body: object, error: type[Exception]) -> None:
    """What cannot be understood may be asked again."""
    with pytest.raises(error):
        ask(body)


def test_a_refused_address_is_understood_with_any_status() -> None:
    """The document does not tell the HTTP status of an error, and asking costs nothing."""
    with pytest.raises(AuthenticationError, match="Invalid IP Address"):
        ask({"error": "Invalid IP Address"}, 403)


# --- any answer ------------------------------------------------------------------------------------------------------

GOLDEN = [
    PRINTED,
    json.dumps(answer(entry("5322000000"), entry("5323000000", "error", "none"))).encode(),
    b'{"error":"Invalid App Id"}',
    b'{error: "Invalid App Id"}',
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a documented body with a few pieces cut, doubled or replaced."""
    body = draw(st.sampled_from(GOLDEN))
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted(draw(st.tuples(st.integers(0, len(body)), st.integers(0, len(body)))))
        middle = draw(
            st.sampled_from([b"", body[start:end] * 2, b"0", b'"', b"null", b"}", b"true", b"\\ud800", b"a:"])
        )
        body = body[:start] + middle + body[end:]
    return body


@given(st.one_of(st.binary(max_size=200), mutated()), st.sampled_from([200, 200, 200, 500]))
def test_no_body_raises_and_none_but_the_success_shape_is_sent(body: bytes, status: int) -> None:
    """One submission for each recipient, whatever comes; SENT only where the number stands beside "delivered"."""
    receipt = PROVIDER.send.parse(Response(status, body), TWO, RAND)
    assert [submission.to for submission in receipt.submissions] == [A, B]
    for sent in receipt.submissions:
        if sent.outcome is not Outcome.SENT:
            assert sent.reason is not None
            continue
        flat = body.replace(b'"', b"").replace(b" ", b"").replace(b"\n", b"")
        assert status == 200
        # A member that nobody knows may stand in between.
        number = sent.to.digits[2:].encode()
        assert re.search(rb"msisdn:%s,(?:\w+:[\w.]*,)*status:delivered,(?:\w+:[\w.]*,)*charge:" % number, flat)
        assert flat.endswith(b"}")

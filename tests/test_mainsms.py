"""MainSMS and payforsms: what is asked, and what their answers prove."""

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
from smscli.errors import AuthenticationError, ExitCode, InputError, RejectedError, UnreachableError
from smscli.model import MSISDN, Account, Balance, Message, Money, Outcome, Quote, Secret, SenderId, SendReceipt
from smscli.providers.mainsms import PROVIDER
from smscli.wire import Response

VECTORS = Path(__file__).parent / "vectors" / "mainsms"
ACCOUNT = Account("https://host/api/mainsms/", Secret("07349e954831d"), {"project": "mainsms", "auth": "sign"})
A, B = MSISDN("79121231234"), MSISDN("79121231235")
ONE, TWO = Message((A,), "test", SenderId("mainsms.ru")), Message((A, B), "test", SenderId("mainsms.ru"))
TEST = TWO._replace(test=True)
# The shape of a captured answer: an integer id, a decimal comma.
SUCCESS = {
    "status": "success",
    "recipients": ["79121231234"],
    "parts": 2,
    "count": 2,
    "price": "4,52",
    "balance": "10,96",
    "messages_id": [390788773],
    "test": 0,
}
BOTH = {**SUCCESS, "recipients": ["79121231234", "79121231235"], "messages_id": [17, "18"]}


def parse(body: object, message: Message = ONE, status: int = 200) -> SendReceipt:
    """Return how a send ended when the vendor answers so."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDER.send.parse(Response(status, raw), message, "")


def ends(receipt: SendReceipt) -> list[tuple[str, str | None]]:
    """Return outcome and id of each recipient."""
    return [(submission.outcome.value, submission.message_id) for submission in receipt.submissions]


LOST = ("UNKNOWN", None)

# --- requests --------------------------------------------------------------------------------------------------------


def test_a_send_is_one_signed_post() -> None:
    """The signature is the one PHP gives (tests/vectors/mainsms/send-plus-ampersand-semicolon.json)."""
    message = TWO._replace(text="1+1=2 & a;b;c &amp; %41 + %")
    request = PROVIDER.send.build(message, ACCOUNT, "")
    assert (request.method, request.target) == ("POST", "https://host/api/mainsms/message/send")
    case = json.loads((VECTORS / "send-plus-ampersand-semicolon.json").read_text(encoding="utf-8"))
    assert dict(request.form) == {**dict(case["params"]), "sign": case["signature"]}
    assert request.billable


def test_test_mode_and_time_are_signed_too() -> None:
    """The signature is the one PHP gives (tests/vectors/payforsms/send-as-a-scheduled-test.json)."""
    at = datetime(2031, 10, 3, 17, 0, tzinfo=ZoneInfo("Europe/Moscow"))
    message = Message((A,), "test", SenderId("payforsms.ru"), at, test=True)
    form = dict(PROVIDER.send.build(message, ACCOUNT, "").form)
    assert (form["run_at"], form["test"]) == ("03.10.2031 17:00", "1")
    signed = tuple((name, value) for name, value in form.items() if name != "sign")
    assert form["sign"] == PROVIDER.sign(signed, ACCOUNT.secret).signature


def test_the_sender_may_be_left_to_the_project() -> None:
    """Nothing is sent for it then, not even an empty value."""
    assert [name for name, _ in PROVIDER.send.build(ONE._replace(sender=None), ACCOUNT, "").form] == [
        "project",
        "recipients",
        "message",
        "sign",
    ]


def test_a_profile_may_send_the_key_instead_of_a_signature() -> None:
    """The documented alternative: apikey, and no sign."""
    account = ACCOUNT._replace(fields={"project": "mainsms", "auth": "apikey"})
    form = dict(PROVIDER.balance.build(None, account, "").form)
    assert form == {"project": "mainsms", "apikey": "07349e954831d"}


def test_the_balance_is_asked_for_without_cost() -> None:
    """The signature is the one PHP gives (tests/vectors/mainsms/balance.json)."""
    request = PROVIDER.balance.build(None, ACCOUNT, "")
    assert (request.method, request.target) == ("POST", "https://host/api/mainsms/message/balance")
    assert request.form == (("project", "mainsms"), ("sign", "4545f006b0765812deae49d2e0f53969"))
    assert not request.billable


@pytest.mark.parametrize("digits", ["85212345678", "9607771234"])
def test_a_foreign_number_that_looks_russian_is_refused(digits: str) -> None:
    """Hong Kong and the Maldives: the vendor would read 8… and 9… as Russian and reach a stranger."""
    with pytest.raises(InputError, match=r"would be read as the Russian number \+7"):
        PROVIDER.send.build(Message((MSISDN(digits),), "x"), ACCOUNT, "")


@pytest.mark.parametrize("digits", ["79121231234", "8613812345678", "375291234567", "998901234567"])
def test_other_foreign_numbers_go_out_as_they_are(digits: str) -> None:
    """China, Belarus, Uzbekistan: more digits than any Russian spelling."""
    assert ("recipients", digits) in PROVIDER.send.build(Message((MSISDN(digits),), "x"), ACCOUNT, "").form


def test_payforsms_is_the_same_platform_under_another_name() -> None:
    """Name, title and address differ, nothing else."""
    payforsms = providers.get("payforsms")
    assert (payforsms.name, payforsms.base_url) == ("payforsms", "https://payforsms.ru/api/mainsms/")
    assert payforsms._replace(name="mainsms", title="MainSMS", base_url=PROVIDER.base_url) == PROVIDER


# --- what a send's answer proves -------------------------------------------------------------------------------------


def test_the_documented_success_is_sent() -> None:
    """Id, parts of one message, cost and balance, whose decimal comma is read."""
    receipt = parse(SUCCESS)
    (sent,) = receipt.submissions
    assert (sent.outcome, sent.message_id, sent.parts) == (Outcome.SENT, "390788773", 2)
    assert sent.cost == Money(Decimal("4.52"), "RUB")
    assert receipt.balance == Balance(Decimal("10.96"), "RUB")


def test_ids_belong_to_recipients_by_position() -> None:
    """In the answer's order, which need not be ours; the price of two is not the cost of one."""
    turned = {**BOTH, "recipients": ["89121231235", "9121231234"]}
    receipt = parse(turned, TWO)
    assert ends(receipt) == [("SENT", "18"), ("SENT", "17")]
    assert receipt.submissions[0].cost is None


def test_undecisive_members_may_be_missing_or_odd() -> None:
    """Parts, price and balance are told when they can be read; a dot is read as well."""
    bare = {"status": "success", "recipients": [79121231234], "messages_id": ["5"], "balance": "1.65", "parts": "?"}
    receipt = parse(bare)
    assert ends(receipt) == [("SENT", "5")]
    assert receipt.balance == Balance(Decimal("1.65"), "RUB")
    assert parse({**bare, "balance": []}).balance is None


@pytest.mark.parametrize(("parts", "read"), [("999", 999), (1000, None)])
def test_a_count_of_parts_has_three_digits_at_most(parts: object, read: int | None) -> None:
    """What is longer counts something else, and takes nothing from the acceptance."""
    assert parse({**SUCCESS, "parts": parts}).submissions[0].parts == read


def test_an_id_has_twenty_digits_at_most() -> None:
    """What is longer is no id of this vendor, and without one nothing is proved."""
    assert ends(parse({**SUCCESS, "messages_id": ["9" * 20]})) == [("SENT", "9" * 20)]
    assert ends(parse({**SUCCESS, "messages_id": ["9" * 21]})) == [LOST]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"test": 1}, "does not say of test what the request said"),
        ({"recipients": None}, "does not list recipients and ids"),
        ({"messages_id": [17]}, "its ids are not one for each recipient"),
        ({"recipients": ["79121231234", "79990000000"]}, "names a number that was not asked for, or one twice"),
    ],
)
def test_a_doubt_says_what_is_odd_in_the_answer(change: dict[str, object], words: str) -> None:
    """Whoever asks the vendor needs more than "unknown"."""
    error = parse({**BOTH, **change}, TWO).error
    assert error is not None
    assert words in error.message


def test_a_number_that_the_answer_forgets_is_unknown() -> None:
    """Silence proves nothing, and takes nothing from the others."""
    receipt = parse(SUCCESS, TWO)
    assert ends(receipt) == [("SENT", "390788773"), LOST]


@pytest.mark.parametrize(
    "change",
    [
        {"messages_id": [17]},
        {"messages_id": [17, 17]},
        {"messages_id": [17, 0]},
        {"messages_id": [17, "00"]},
        {"messages_id": [17, None]},
        {"messages_id": [17, True]},
        {"messages_id": [17, 18.0]},
        {"messages_id": [17, "x"]},
        {"messages_id": [17, 18, 19]},
        {"messages_id": []},
        {"messages_id": "17,18"},
        {"messages_id": None},
        {"recipients": ["79121231234", "79990000000"]},
        {"recipients": ["79121231234", "89121231234"]},
        {"recipients": ["79121231234", {}]},
        {"recipients": "79121231234,79121231235"},
        {"recipients": None},
        {"test": 1},
        {"test": "yes"},
        {"test": False},
        {"error": "4"},
        {"error": None},
        {"status": "Success"},
        {"status": ["success"]},
        {"status": None},
    ],
)
def test_a_success_of_another_shape_is_unknown(change: dict[str, object]) -> None:
    """Each id must be there, not zero and its own; each recipient ours; and it must not be a test nobody asked for."""
    assert ends(parse({**BOTH, **change}, TWO)) == [LOST, LOST]


@pytest.mark.parametrize("ids", [[0], [], ["0", 0], [0, 0]])
def test_a_test_is_accepted_without_ids(ids: list[object]) -> None:
    """In test mode ids are zero or missing; the vendor's own word that it is a test is what counts."""
    assert ends(parse({**BOTH, "test": "1", "messages_id": ids}, TEST)) == [("SENT", None), ("SENT", None)]


def test_a_test_with_ids_keeps_them() -> None:
    """Some answers to tests carry real ones."""
    assert ends(parse({**BOTH, "test": 1}, TEST)) == [("SENT", "17"), ("SENT", "18")]


@pytest.mark.parametrize(
    "change", [{}, {"test": 0}, {"test": None}, {"test": 1, "messages_id": [17, 0]}, {"test": 1, "recipients": []}]
)
def test_a_test_that_the_vendor_does_not_call_one_is_unknown(change: dict[str, object]) -> None:
    """Silence about the test, or half the ids, may mean that it was sent for real."""
    answer = {**BOTH, "messages_id": [], **change}
    if not change:
        del answer["test"]
    assert ends(parse(answer, TEST)) == [LOST, LOST]


ERRORS = {
    "1": 4, "2": 4, "3": 5, "4": 5, "5": 4, "6": 5, "7": 5, "8": 5, "9": 5, "10": 4,
}  # fmt: skip


@pytest.mark.parametrize(("code", "exit_code"), ERRORS.items())
def test_every_code_is_a_refusal_of_its_class(code: str, exit_code: int) -> None:
    """As text or as number, in our own words; project, key and signature are a matter of credentials."""
    for value in (code, int(code)):
        receipt = parse({"status": "error", "error": value, "message": "param recipients is blank"}, TWO)
        assert [outcome for outcome, _ in ends(receipt)] == ["REFUSED", "REFUSED"]
        assert receipt.exit_code == exit_code
        assert receipt.error is not None
        assert receipt.error.code == code
        assert receipt.error.message.startswith(f"error {code}: ")


@pytest.mark.parametrize("code", ["1", "2", "5", "7", "10"])
def test_the_common_refusals_say_what_to_do(code: str) -> None:
    """Project, signature and money."""
    error = parse({"status": "error", "error": code}).error
    assert error is not None
    assert error.hint


def test_the_vendors_own_words_are_not_repeated() -> None:
    """They may hold whatever the request held, in a spelling that nobody thought of."""
    error = parse({"status": "error", "error": "2", "message": "\x1b]0;x\x07 bad sign 07349e954831d"}).error
    assert error is not None
    assert error.message == "error 2: the signature is wrong, or the text is not UTF-8"


@pytest.mark.parametrize(
    "body",
    [
        {"status": "error"},
        {"status": "error", "error": "11"},
        {"status": "error", "error": "0"},
        {"status": "error", "error": True},
        {"status": "error", "error": ["2"]},
        {"status": "error", "error": "2", "messages_id": [17]},
        {"status": "success", "error": "2"},
        {"error": "2"},
        {},
        [],
        None,
        "success",
        b"",
        b"<result><status>success</status></result>",
        b'{"status":"error","status":"success","recipients":["79121231234"],"messages_id":[17]}',
        b"\x80",
    ],
)
def test_what_is_not_documented_proves_nothing(body: object) -> None:
    """An unlisted or contradictory error is no refusal."""
    receipt = parse(body)
    assert ends(receipt) == [LOST]
    assert receipt.exit_code is ExitCode.UNKNOWN


@pytest.mark.parametrize("status", [201, 302, 400, 500, 503])
def test_with_another_status_the_body_proves_nothing(status: int) -> None:
    """Documented answers come with 200."""
    assert ends(parse(SUCCESS, status=status)) == [LOST]


# --- questions -------------------------------------------------------------------------------------------------------


def ask(body: object, status: int = 200) -> Balance:
    """Return the balance that the answer tells."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDER.balance.parse(Response(status, raw), None, "")


@pytest.mark.parametrize(("text", "amount"), [("1.65", "1.65"), ("13008,92", "13008.92"), (7, "7"), (0.5, "0.5")])
def test_the_balance_is_in_roubles(text: object, amount: str) -> None:
    """Assumed: the page names no currency. Dot, comma and number are all read."""
    assert ask({"status": "success", "balance": text}) == Balance(Decimal(amount), "RUB")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"status": "error", "error": 2}, AuthenticationError),
        ({"status": "error", "error": "6"}, RejectedError),
        ({"status": "error", "error": "77"}, UnreachableError),
        ({"status": "success", "balance": "1,000,5"}, UnreachableError),
        ({"status": "success", "balance": "lots"}, UnreachableError),
        ({"status": "success"}, UnreachableError),
        ({"balance": "1"}, UnreachableError),
        (b"<html>", UnreachableError),
    ],
)
def test_a_refused_question_is_an_error_of_its_class(body: object, error: type[Exception]) -> None:
    """What cannot be understood may be asked again."""
    with pytest.raises(error):
        ask(body)


def test_a_balance_without_an_amount_is_told_as_such() -> None:
    """With the shape of what came instead."""
    shape = "JSON {status: text of 7 characters, balance: text of 4 characters}"
    with pytest.raises(UnreachableError, match=f"it names no amount; {shape}"):
        ask({"status": "success", "balance": "lots"})


# --- the price -------------------------------------------------------------------------------------------------------

# Names as captured by a public client, amounts as in a newer capture of a send.
PRICED = {
    "status": "success",
    "recipients": ["79121231234", "79121231235"],
    "count": 2,
    "parts": 1,
    "price": "9,04",
    "balance": "1.65",
}


def price_of(body: object, message: Message = TWO) -> Quote:
    """Return what the answer says the message costs."""
    assert PROVIDER.price is not None
    return PROVIDER.price.parse(Response(200, json.dumps(body).encode()), message, "")


def test_the_price_of_a_text_is_asked_for_without_cost() -> None:
    """The signature is the one PHP gives (tests/vectors/mainsms/price.json)."""
    assert PROVIDER.price is not None
    assert PROVIDER.price_limit == PROVIDER.batch_limit == 100
    request = PROVIDER.price.build(TWO, ACCOUNT, "")
    assert (request.method, request.target) == ("POST", "https://host/api/mainsms/message/price")
    case = json.loads((VECTORS / "price.json").read_text(encoding="utf-8"))
    assert dict(request.form) == {**dict(case["params"]), "sign": case["signature"]}
    assert not request.billable
    assert "sender" not in dict(PROVIDER.price.build(TWO._replace(sender=None), ACCOUNT, "").form)
    with pytest.raises(InputError, match="would be read as the Russian number"):
        PROVIDER.price.build(ONE._replace(to=(MSISDN("85212345678"),)), ACCOUNT, "")


def test_the_price_is_that_of_all_recipients() -> None:
    """Comma or dot; the vendor's own count of parts is that of one recipient."""
    assert price_of(PRICED) == Quote(Money(Decimal("9.04"), "RUB"), (A, B), 1)
    bare = {"status": "success", "recipients": [89121231234], "price": 4.52}
    assert price_of(bare, ONE) == Quote(Money(Decimal("4.52"), "RUB"), (A,))


def test_a_price_of_some_recipients_says_whose_it_is() -> None:
    """In the order of the answer; those it leaves out have no price."""
    assert price_of({**PRICED, "recipients": ["9121231235"], "price": "4,52"}).to == (B,)
    assert price_of({**PRICED, "recipients": ["79121231235", "79121231234"]}).to == (B, A)


@pytest.mark.parametrize(
    "change",
    [{"price": "0.0"}, {"price": 0}, {"price": None}, {"price": "-4,52"}, {"price": "1 000,5"}, {"price": [1]}],
)
def test_an_answer_without_a_price_names_none(change: dict[str, object]) -> None:
    """A client captured "0.0"; nothing is free here."""
    assert price_of({**PRICED, **change}) == Quote(None, (A, B), 1)


def test_a_price_of_nobody_is_none() -> None:
    """Whatever it amounts to."""
    assert price_of({**PRICED, "recipients": []}) == Quote(None, (), 1)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"recipients": None}, UnreachableError),
        ({"recipients": ["79121231234", "79990000000"]}, UnreachableError),
        ({"recipients": ["79121231234", "89121231234"]}, UnreachableError),
        ({"recipients": ["79121231234", None]}, UnreachableError),
        ({"error": "0"}, UnreachableError),
        ({"status": "error", "error": "6"}, RejectedError),
        ({"status": "error", "error": 2}, AuthenticationError),
    ],
)
def test_a_price_that_cannot_be_told_whose_it_is_is_an_error(change: dict[str, object], error: type[Exception]) -> None:
    """As is a refusal, with its class."""
    with pytest.raises(error):
        price_of({**PRICED, **change})


# --- any answer ------------------------------------------------------------------------------------------------------

GOLDEN = [json.dumps(BOTH).encode(), json.dumps(SUCCESS).encode(), b'{"status":"error","error":"4","message":"blank"}']


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
    """One submission for each recipient, whatever comes; SENT only with the id at the recipient's own place."""
    receipt = PROVIDER.send.parse(Response(status, body), TWO, "")
    assert [submission.to for submission in receipt.submissions] == [A, B]
    for sent in receipt.submissions:
        if sent.outcome is not Outcome.SENT:
            assert sent.reason is not None
            continue
        answer = json.loads(body)
        numbers = [f"7{str(number)[-10:]}" for number in answer["recipients"]]
        assert (status, answer["status"], len(numbers)) == (200, "success", len(answer["messages_id"]))
        assert str(answer["messages_id"][numbers.index(sent.to.digits)]) == sent.message_id


# --- where a message stands ------------------------------------------------------------------------------------------


def reports(body: object, *ids: str) -> list[tuple[str, str, str | None, bool]]:
    """Return id, state, the vendor's word and whether it is final, as an answer says of these messages."""
    assert PROVIDER.status is not None
    answer = Response(200, json.dumps(body).encode())
    return [(one.id, one.state.value, one.word, one.is_final) for one in PROVIDER.status.parse(answer, ids, "")]


def test_the_state_of_several_messages_is_one_signed_question() -> None:
    """The signature is the one PHP gives (tests/vectors/mainsms/status.json)."""
    assert PROVIDER.status is not None
    request = PROVIDER.status.build(("1415", "1416"), ACCOUNT, "")
    assert (request.method, request.target) == ("POST", "https://host/api/mainsms/message/status")
    case = json.loads((VECTORS / "status.json").read_text(encoding="utf-8"))
    assert dict(request.form) == dict(case["params"]) | {"sign": case["signature"]}
    assert not request.billable
    for wrong in ("", "12a", "1,2", "1" * 21):
        with pytest.raises(InputError):
            PROVIDER.status.build(("1415", wrong), ACCOUNT, "")


@pytest.mark.parametrize(
    ("word", "state", "is_final"),
    [
        ("enqueued", "ACCEPTED", False),
        ("accepted", "ACCEPTED", False),
        ("scheduled", "SCHEDULED", False),
        ("wait", "ENROUTE", False),
        ("delivered", "DELIVERED", True),
        ("read", "DELIVERED", True),
        ("non-delivered", "UNDELIVERABLE", True),
        ("canceled", "DELETED", True),
        ("not found", "UNKNOWN", False),
        ("in limbo", "UNKNOWN", False),
    ],
)
def test_every_word_that_clients_know_is_one_state(word: str, state: str, is_final: bool) -> None:
    """An unknown one is kept, and is not final."""
    body = {"status": "success", "messages": {"1415": word}, "channels": {"1415": "sms"}}
    assert reports(body, "1415") == [("1415", state, word, is_final)]


@pytest.mark.parametrize("messages", [{}, [], None, {"1416": "delivered"}])
def test_a_message_that_the_answer_does_not_mention_is_not_known(messages: object) -> None:
    """An empty list is what PHP writes for an empty object."""
    body = {"status": "success", "messages": messages}
    assert reports(body, "1415", "1416")[0] == ("1415", "UNKNOWN", None, False)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"status": "error", "error": "2", "message": "invalid signature"}, AuthenticationError),
        ({"status": "error", "error": 5}, AuthenticationError),
        # A code about recipients means something else here.
        ({"status": "error", "error": "4"}, UnreachableError),
        ({"status": "error", "error": 77}, UnreachableError),
        ({"status": "success", "messages": {"1": "delivered"}}, UnreachableError),
        ({"status": "success", "messages": "delivered"}, UnreachableError),
        ({"messages": {"1415": "delivered"}}, UnreachableError),
    ],
)
def test_a_refused_question_of_a_state_is_an_error_of_its_class(body: object, error: type[Exception]) -> None:
    """An answer that is not understood may be asked for again: nothing is sent by asking."""
    with pytest.raises(error):
        reports(body, "1415")

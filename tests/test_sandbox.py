"""The sandbox against the vendors' documents: every check, every documented answer, in the vendor's own shape.

Signatures are made by hand (``tests/bench.py``), as the documents say, not by smscli.
"""

from __future__ import annotations

import hmac
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.bench import MESAJLARIM_SECRET, NOW, PAY, PAYFORSMS_KEY, SEND, SMS, Bench


@pytest.fixture
def bench() -> Bench:
    """Return a fresh sandbox."""
    return Bench()


# --- LightSMS --------------------------------------------------------------------------------------------------------


def test_lightsms_clock_is_ten_bare_digits(bench: Bench) -> None:
    """timestamp.php needs no signature and answers in plain text."""
    reply = bench.ask("/external/get/timestamp.php")
    assert (reply.get_data(), reply.content_type) == (b"1732809600", "text/plain; charset=utf-8")


@pytest.mark.parametrize("pairs", [{}, {"return": "json"}])
def test_lightsms_balance_is_json_also_without_return(bench: Bench, pairs: dict[str, str]) -> None:
    """Both values are strings, as on the page."""
    assert bench.lightsms("balance", pairs).get_json() == {"money": "150.50", "currency": "EUR"}


def test_lightsms_balance_as_xml_is_the_printed_document(bench: Bench) -> None:
    """The page prints declaration, response, money, currency."""
    reply = bench.lightsms("balance", {"return": "xml"})
    assert reply.get_data(as_text=True) == (
        '<?xml version="1.0" encoding="utf-8"?>\n<response><money>150.50</money><currency>EUR</currency></response>'
    )


def test_lightsms_send_answers_by_phone_and_charges_each_part(bench: Bench) -> None:
    """All values are strings, ids have 22 digits and never repeat, and the balance falls by parts."""
    answer = bench.lightsms("send", SEND | {"phone": "37061234567,37062345678", "text": "я" * 71}).get_json()
    assert list(answer) == ["37061234567", "37062345678"]
    ids = {entry["id_sms"] for entry in answer.values()}
    assert len(ids) == 2
    assert all(len(one) == 22 and one.isdigit() for one in ids)
    assert [(e["error"], e["cost"], e["count_sms"]) for e in answer.values()] == [("0", "0.0288", "2")] * 2
    assert bench.lightsms("balance", {}).get_json()["money"] == "150.4424"


def test_lightsms_send_as_xml_has_one_phone_element_each(bench: Bench) -> None:
    """The attributes are those of the page."""
    reply = bench.lightsms("send", SEND | {"return": "xml"})
    phone = ET.fromstring(reply.get_data()).find("phones/phone")  # noqa: S314  (our own sandbox's answer)
    assert phone is not None
    assert list(phone.attrib) == ["phone", "error", "id_sms", "cost", "count_sms"]


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ({"login": "left out"}, 2),
        ({"signature": ""}, 1),
        ({"timestamp": "left out"}, 24),
        ({"login": "nobody"}, 7),
        ({"text": ""}, 3),
        ({"phone": ""}, 4),
        ({"sender": ""}, 5),
        ({"sender": "no"}, 8),
        ({"sender": "7even"}, 8),
        ({"sendingTime": "tomorrow"}, 30),
        ({"phone": ",".join(str(37061000000 + n) for n in range(51))}, 14),
        ({"phone": "12,abc"}, 27),
    ],
)
def test_lightsms_answers_each_fault_with_its_code(bench: Bench, pairs: dict[str, str], code: int) -> None:
    """A fault of the whole request stands at the top level, as a number; nothing is charged."""
    assert bench.lightsms("send", SEND | pairs).get_json() == {"error": code}
    assert not any(entry["accepted"] for entry in bench.caught())
    assert bench.lightsms("balance", {}).get_json()["money"] == "150.50"


def test_lightsms_wrong_signature_stands_under_the_phone_of_a_send(bench: Bench) -> None:
    """So the vendor's page on errors prints it, as text; a balance has no phone, and gets it at the top."""
    assert bench.lightsms("send", SEND, key="wrong").get_json() == {"37061234567": {"error": "6"}}
    assert bench.lightsms("balance", {}, key="wrong").get_json() == {"error": 6}
    xml = bench.lightsms("send", SEND | {"return": "xml"}, key="wrong").get_data(as_text=True)
    assert xml.endswith('<response><phones><phone phone="37061234567" error="6" /></phones></response>')
    xml = bench.lightsms("balance", {"return": "xml"}, key="wrong").get_data(as_text=True)
    assert xml.endswith("<response><error>6</error></response>")


@pytest.mark.parametrize(("off", "taken"), [(-11, False), (-10, True), (0, True), (10, True), (11, False)])
def test_lightsms_timestamp_lives_ten_seconds_both_ways(bench: Bench, off: int, *, taken: bool) -> None:
    """Too old or from the future is error 6; so are milliseconds and words."""
    answer = bench.lightsms("balance", {"timestamp": str(NOW + off)}).get_json()
    assert ("money" in answer) is taken
    assert taken or answer == {"error": 6}


@pytest.mark.parametrize("stamp", [f"{NOW}000", "now", f"-{NOW}", f"{NOW}.0"])
def test_lightsms_timestamp_in_another_unit_is_stale(bench: Bench, stamp: str) -> None:
    """Milliseconds are what JavaScript clients send."""
    assert bench.lightsms("balance", {"timestamp": stamp}).get_json() == {"error": 6}


def test_lightsms_refuses_single_numbers_beside_accepted_ones(bench: Bench) -> None:
    """An invalid number gets 16 as a number, without id; the other one is sent."""
    answer = bench.lightsms("send", SEND | {"phone": "37061234567,12"}).get_json()
    assert answer["37061234567"]["error"] == "0"
    assert answer["12"] == {"error": 16}


def test_lightsms_runs_out_of_money_in_the_middle() -> None:
    """The recipients the balance does not cover get 32."""
    bench = Bench(credit={"lightsms": Decimal("0.02")})
    answer = bench.lightsms("send", SEND | {"phone": "37061234567,37062345678"}).get_json()
    assert [entry["error"] for entry in answer.values()] == ["0", 32]


@pytest.mark.parametrize("when", ["2030-01-15 10:00", "2030-01-15 10:00:59"])
def test_lightsms_takes_both_documented_forms_of_sending_time(bench: Bench, when: str) -> None:
    """Guide and reference differ by the seconds; the list shows what came."""
    assert bench.lightsms("send", SEND | {"sendingTime": when}).get_json()["37061234567"]["error"] == "0"
    assert bench.caught()[0]["send_at"] == when


def test_lightsms_tells_the_price_that_it_charges(bench: Bench) -> None:
    """The members of the page, numbers as numbers; nothing is charged or noted, a sender is not asked for."""
    answer = bench.lightsms("operator", {"phone": "37061234567", "text": "я" * 71}).get_json()
    assert answer == {
        "currency": "EUR", "error": 0, "mcc": "246", "mnc": "02", "ok": True, "operator": "Tele2 Lithuania",
        "phone": "37061234567", "ported": 0, "price": 0.0288, "regionCode": 0, "timeZone": 2,
    }  # fmt: skip
    assert bench.lightsms("operator", {"phone": "37061234567"}).get_json()["price"] == 0.0144
    xml = bench.lightsms("operator", {"phone": "37061234567", "return": "xml"}).get_data(as_text=True)
    assert "<response><currency>EUR</currency><error>0</error>" in xml
    assert bench.caught() == []
    assert bench.lightsms("balance", {}).get_json()["money"] == "150.50"


@pytest.mark.parametrize(
    ("pairs", "code"),
    [({"phone": ""}, 33), ({"phone": "12"}, 33), ({"phone": "37061234567,37062345678"}, 33), ({"login": "nobody"}, 7)],
)
def test_lightsms_refuses_a_price_with_its_code(bench: Bench, pairs: dict[str, str], code: int) -> None:
    """One number and no more; a wrong signature is 6, as everywhere."""
    assert bench.lightsms("operator", {"phone": "37061234567"} | pairs).get_json() == {"error": code}
    assert bench.lightsms("operator", {"phone": "37061234567"}, key="wrong").get_json() == {"error": 6}
    assert [entry["operation"] for entry in bench.caught()] == ["price"] * 2


# --- MainSMS and payforsms -------------------------------------------------------------------------------------------


def test_payforsms_balance_is_text_with_a_dot(bench: Bench) -> None:
    """As captured from the vendor."""
    assert bench.payforsms("balance", {}).get_json() == {"status": "success", "balance": "500.00"}


def test_payforsms_send_answers_with_all_documented_members(bench: Bench) -> None:
    """Recipients are normalised, ids are integers, amounts have a comma, count is parts of all."""
    numbers = "89121231234, +7 (912) 123-12-35,9121231236,89121231234"
    answer = bench.payforsms("send", PAY | {"recipients": numbers, "message": "ж" * 71}).get_json()
    ids = answer.pop("messages_id")
    assert len(set(ids)) == 3
    assert all(isinstance(one, int) for one in ids)
    assert answer == {
        "status": "success",
        "recipients": ["79121231234", "79121231235", "79121231236"],
        "parts": 2,
        "count": 6,
        "price": "27,12",
        "balance": "472,88",
        "test": 0,
    }


def test_payforsms_xml_has_hyphens_and_commas(bench: Bench) -> None:
    """Names are the JSON ones with hyphens, below one result."""
    reply = bench.payforsms("send", PAY | {"format": "xml", "run_at": "03.10.2031 17:00"})
    root = ET.fromstring(reply.get_data())  # noqa: S314  (our own sandbox's answer)
    assert (root.tag, reply.content_type) == ("result", "application/xml; charset=utf-8")
    assert [element.tag for element in root] == [
        "status", "recipients", "parts", "count", "price", "balance", "messages-id", "test", "run-at",
    ]  # fmt: skip
    assert [child.text for child in root.findall("recipients/*")] == ["79121231234"]
    assert root.findtext("balance") == "495,48"
    assert b"<balance>495,48</balance>" in bench.payforsms("balance", {"format": "xml"}).get_data()


@pytest.mark.parametrize(
    ("accept", "form", "is_xml"),
    [
        ("application/xml", None, True),
        ("application/xml", "json", False),
        ("application/json", "xml", True),
        ("application/json, application/xml", None, False),
        ("*/*", None, False),
    ],
)
def test_payforsms_format_goes_before_accept(bench: Bench, accept: str, form: str | None, *, is_xml: bool) -> None:
    """Only a client that takes nothing but XML gets it without asking."""
    reply = bench.payforsms("balance", {"format": form} if form else {}, headers={"Accept": accept})
    assert reply.get_data().startswith(b"<?xml") is is_xml


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ({"project": ""}, "1"),
        ({"project": "nobody"}, "5"),
        ({"message": ""}, "3"),
        ({"recipients": " , "}, "4"),
        ({"recipients": "12,abc"}, "6"),
        ({"sender": ""}, "8"),
        ({"sender": "бренд"}, "8"),
    ],
)
def test_payforsms_answers_each_fault_with_its_code(bench: Bench, pairs: dict[str, str], code: str) -> None:
    """The code is text, a message stands beside it, nothing is charged."""
    answer = bench.payforsms("send", PAY | pairs).get_json()
    assert (answer["status"], answer["error"]) == ("error", code)
    assert answer["message"]
    assert bench.payforsms("balance", {}).get_json()["balance"] == "500.00"


def test_payforsms_wrong_and_missing_signs_are_error_2(bench: Bench) -> None:
    """With the text that was captured, in JSON and in XML."""
    expected = {"status": "error", "error": "2", "message": "invalid signature or message encoding is not utf8"}
    assert bench.payforsms("send", PAY, key="wrong").get_json() == expected
    assert bench.payforsms("balance", {}, key="wrong").get_json() == expected
    missing = bench.ask("/api/mainsms/message/send", query_string=PAY | {"project": "demo-payforsms"})
    assert missing.get_json() == expected
    xml = bench.payforsms("send", PAY | {"format": "xml"}, key="wrong").get_data(as_text=True)
    assert "<result><status>error</status><error>2</error><message>invalid" in xml


def test_payforsms_takes_the_key_itself_instead_of_a_sign(bench: Bench) -> None:
    """The documented alternative; a wrong key is error 2, and the key is not in the list."""
    asked = PAY | {"project": "demo-payforsms", "apikey": PAYFORSMS_KEY}
    assert bench.ask("/api/mainsms/message/send", query_string=asked).get_json()["status"] == "success"
    asked["apikey"] = "wrong"
    assert bench.ask("/api/mainsms/message/send", query_string=asked).get_json()["error"] == "2"
    assert PAYFORSMS_KEY not in bench.ask("/api/messages").get_data(as_text=True)


def test_payforsms_test_mode_is_accepted_and_free(bench: Bench) -> None:
    """The answer repeats the flag, and the list says so."""
    answer = bench.payforsms("send", PAY | {"test": "1"}).get_json()
    assert (answer["test"], answer["price"], answer["balance"]) == (1, "4,52", "500,00")
    assert bench.caught()[0]["note"] == "test mode: not charged"


def test_payforsms_refuses_the_whole_request_when_the_money_is_gone() -> None:
    """Error 7, nobody is sent to; the brand beside it has an account of its own."""
    bench = Bench(credit={"payforsms": Decimal("9.03")})
    assert bench.payforsms("send", PAY | {"recipients": "9121231234,9121231235"}).get_json()["error"] == "7"
    assert bench.payforsms("send", PAY).get_json()["balance"] == "4,51"
    mainsms = bench.payforsms("balance", {"project": "demo-mainsms"}, key="demo-key-mainsms").get_json()
    assert mainsms["balance"] == "500.00"


def test_payforsms_sender_may_be_left_out_and_paths_may_end_in_a_slash(bench: Bench) -> None:
    """Newer clients of the vendor do the one, older ones the other."""
    pairs = {name: value for name, value in PAY.items() if name != "sender"}
    assert bench.payforsms("send/", pairs).get_json()["status"] == "success"


def test_payforsms_tells_the_price_that_it_charges() -> None:
    """For all recipients, however little is left; nothing is charged or noted."""
    bench = Bench(credit={"payforsms": Decimal("1.00")})
    answer = bench.payforsms("price", PAY | {"recipients": "89121231234,9121231235", "message": "ж" * 71}).get_json()
    assert answer == {
        "status": "success",
        "recipients": ["79121231234", "79121231235"],
        "parts": 2,
        "count": 4,
        "price": "18,08",
        "balance": "1,00",
    }
    assert bench.caught() == []
    assert bench.payforsms("balance", {}).get_json()["balance"] == "1.00"


@pytest.mark.parametrize(
    ("pairs", "code"), [({"message": ""}, "3"), ({"recipients": "12"}, "6"), ({"sender": ""}, "8")]
)
def test_payforsms_refuses_a_price_with_its_code(bench: Bench, pairs: dict[str, str], code: str) -> None:
    """As a send; a wrong sign is 2."""
    assert bench.payforsms("price", PAY | pairs).get_json()["error"] == code
    assert bench.payforsms("price", PAY, key="wrong").get_json()["error"] == "2"
    assert [entry["operation"] for entry in bench.caught()] == ["price"] * 2


# --- Mesajlarim ------------------------------------------------------------------------------------------------------


def test_mesajlarim_balance_has_the_documented_members(bench: Bench) -> None:
    """Numbers are numbers, the msisdn is text."""
    answer = bench.mesajlarim("balance", {}).get_json()
    assert answer == {"msisdn": "5321000000", "balance": 15, "freeTotal": 15}


def test_mesajlarim_send_answers_for_every_recipient_in_order(bench: Bench) -> None:
    """Repeated recipient[] keep their order in token and answer; the text comes back; it is valid JSON."""
    pairs = {"message": "Günaydın şef", "recipient[]": ["5323000000", "5322000000"]}
    assert bench.mesajlarim("sendsms", pairs).get_json() == {
        "sender": "5321000000",
        "message": "Günaydın şef",
        "recipients": [
            {"msisdn": "5323000000", "status": "delivered", "charge": "free"},
            {"msisdn": "5322000000", "status": "delivered", "charge": "free"},
        ],
        "balance": 13,
    }


def test_mesajlarim_charges_what_the_free_messages_do_not_cover() -> None:
    """Free, then partly charged, then charged; a balance of none is -1."""
    bench = Bench(credit={"mesajlarim": Decimal(3)})
    two_parts = SMS | {"message": "ş" * 71}
    answers = [bench.mesajlarim("sendsms", two_parts).get_json() for _ in range(3)]
    assert [a["recipients"][0]["charge"] for a in answers] == ["free", "partly-charged", "charged"]
    assert [a["balance"] for a in answers] == [1, -1, -1]
    assert bench.mesajlarim("balance", {}).get_json()["balance"] == -1


@pytest.mark.parametrize(
    ("pairs", "error"),
    [
        ({"appId": "2"}, "Invalid App Id"),
        ({"appId": "left out"}, "Invalid App Id"),
        ({"msisdn": ""}, "MSISDN is missing"),
        ({"rand": ""}, "Random value cannot be empty"),
        ({"token": ""}, "Token cannot be empty"),
        ({"token": "0" * 40}, "Invalid Token Given"),
        ({"message": ""}, "Sender MSISDN and message cannot be empty"),
        ({"recipient": ""}, "Recipients cannot be empty"),
        ({"recipient[]": ["5322000000", "+905322000000"], "recipient": "left out"}, "Recipients cannot be empty"),
        ({"recipient[]": [f"53220000{n}" for n in range(10, 21)], "recipient": "left out"}, "Too many recipients"),
    ],
)
def test_mesajlarim_answers_each_fault_with_its_text(bench: Bench, pairs: dict[str, Any], error: str) -> None:
    """One member, the documented words; the free messages stay."""
    assert bench.mesajlarim("sendsms", SMS | pairs).get_json() == {"error": error}
    assert bench.mesajlarim("balance", {}).get_json()["balance"] == 15


def test_mesajlarim_token_in_capitals_is_wrong(bench: Bench) -> None:
    """A client of the service noted that only lower-case hex is taken."""
    token = hmac.new(MESAJLARIM_SECRET.encode(), b"153210000001331024400", "sha1").hexdigest().upper()
    assert bench.mesajlarim("balance", {"token": token}).get_json() == {"error": "Invalid Token Given"}


@pytest.mark.parametrize("name", ["appId", "appld"])
def test_mesajlarim_takes_both_spellings_and_says_which_came(bench: Bench, name: str) -> None:
    """The document's own spelling may be a misread capital letter."""
    pairs = SMS | {"appId": "left out"} | {name: "1"}
    assert "recipients" in bench.mesajlarim("sendsms", pairs).get_json()
    assert bench.caught()[0]["note"] == f"the application id came as {name}"


def test_mesajlarim_unknown_action_is_an_error(bench: Bench) -> None:
    """It must not pass for a balance."""
    assert "error" in bench.mesajlarim("price", {}).get_json()


# --- where a message stands -------------------------------------------------------------------------------------------


def sent_by_lightsms(bench: Bench, **pairs: str) -> list[str]:
    """Return the ids of a send."""
    answer = bench.lightsms("send", SEND | pairs).get_json()
    return [entry["id_sms"] for entry in answer.values()]


def sent_by_payforsms(bench: Bench, **pairs: str) -> list[str]:
    """Return the ids of a send."""
    return [str(one) for one in bench.payforsms("send", PAY | pairs).get_json()["messages_id"]]


@pytest.mark.parametrize(
    ("after", "words", "also"),
    [
        (0, ["pending", "pending"], ["accepted", "accepted"]),
        (1.9, ["pending", "pending"], ["accepted", "accepted"]),
        (2, ["sent", "sent"], ["wait", "wait"]),
        (4, ["delivered", "not_deliver"], ["delivered", "non-delivered"]),
        (10**7, ["delivered", "not_deliver"], ["delivered", "non-delivered"]),
    ],
)
def test_a_message_moves_on_with_the_clock(bench: Bench, after: float, words: list[str], also: list[str]) -> None:
    """A number that ends in 9 never arrives. Another sandbox knows it too: each `send --sandbox` is one of its own."""
    ids = sent_by_lightsms(bench, phone="37061234567,37061234569")
    numbers = sent_by_payforsms(bench, recipients="89121231234,89121231239")
    other = Bench(now=[NOW + after])
    asked = {"state": ",".join(ids), "timestamp": str(int(NOW + after)), "return": "json"}
    assert other.lightsms("status", asked).get_json() == dict(zip(ids, words, strict=True))
    assert other.payforsms("status", {"messages_id": ",".join(numbers)}).get_json() == {
        "status": "success",
        "messages": dict(zip(numbers, also, strict=True)),
        "channels": dict.fromkeys(numbers, "sms"),
    }  # fmt: skip


def test_a_message_for_later_waits(bench: Bench) -> None:
    """By the wall clock of the vendor's zone; a time that is past or unreadable is now, and a test goes nowhere."""
    (later,) = sent_by_lightsms(bench, sendingTime="2024-11-28 18:10")  # 16:10 UTC
    scheduled, past, odd = (
        sent_by_payforsms(bench, run_at=when)[0] for when in ("28.11.2024 19:10", "2020-01-01 10:00", "tomorrow")
    )
    (test,) = sent_by_payforsms(bench, test="1")
    for after, word, other in ((590, "pending", "scheduled"), (604, "delivered", "delivered")):
        bench.now[0] = NOW + after
        asked = {"state": later, "timestamp": str(NOW + after)}
        assert bench.lightsms("status", asked).get_json() == {later: word}
        messages = bench.payforsms("status", {"messages_id": f"{scheduled},{past}, {odd},{test}"}).get_json()[
            "messages"
        ]
        assert messages == {scheduled: other, past: "delivered", odd: "delivered", test: "accepted"}


def test_the_state_as_xml_is_the_printed_document(bench: Bench) -> None:
    """Of LightSMS; of MainSMS it is what clients read, an element named by the id."""
    (one,), (two,) = sent_by_lightsms(bench), sent_by_payforsms(bench)
    reply = bench.lightsms("status", {"state": one, "return": "xml"})
    assert reply.get_data(as_text=True).splitlines() == [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<response><statuses><status id_sms="{one}" status="pending" /></statuses></response>',
    ]
    reply = bench.payforsms("status", {"messages_id": f"{two},1415", "format": "xml"})
    root = ET.fromstring(reply.get_data())  # noqa: S314  (our own)
    assert [(child.tag, child.text) for child in root.iter()][2:] == [
        ("messages", None), (f"id{two}", "accepted"), ("id1415", "not found"), ("channels", None), (f"id{two}", "sms"),
    ]  # fmt: skip


def test_an_id_of_nobody_here_is_not_known(bench: Bench) -> None:
    """LightSMS leaves it out, and refuses when nothing remains; MainSMS says so. What is no id is passed over."""
    (one,) = sent_by_lightsms(bench)
    foreign = "4092112510348380960001"
    assert bench.lightsms("status", {"state": f"{foreign},{one},x"}).get_json() == {one: "pending"}
    assert bench.lightsms("status", {"state": f"{foreign},x"}).get_json() == {"error": 18}
    assert bench.lightsms("status", {}).get_json() == {"error": 17}
    assert bench.lightsms("status", {"state": one}, key="wrong").get_json() == {"error": 6}
    assert bench.payforsms("status", {"messages_id": "1415,99999999999999999999,x, <b>"}).get_json()["messages"] == {
        "1415": "not found", "99999999999999999999": "not found",
    }  # fmt: skip
    assert bench.payforsms("status", {}).get_json()["messages"] == {}
    assert bench.payforsms("status", {}, key="wrong").get_json()["error"] == "2"

"""The sandbox against the vendors' documents: every check, every documented answer, in the vendor's own shape.

Signatures are made here by hand, as the documents say, not by smscli.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from smscli import providers, runtime, sandbox
from smscli.errors import AuthenticationError, ConfigError, RejectedError
from smscli.model import Account, Outcome, Secret, visible
from smscli.providers import Stamp
from smscli.wire import Request
from tests.vendors import message as sample

NOW = 1732809600
LIGHTSMS_KEY = "demo-key-lightsms"
PAYFORSMS_KEY = "demo-key-payforsms"
MESAJLARIM_SECRET = "demo-secret-mesajlarim"


@dataclass
class Bench:
    """One sandbox with a clock that stands still, and the ways to ask it."""

    now: list[float] = field(default_factory=lambda: [float(NOW)])
    credit: dict[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the application."""
        self.app = sandbox.create_app(clock=lambda: self.now[0], credit=self.credit)

    def ask(self, path: str, method: str = "GET", **options: Any) -> Any:
        """Return the reply to one request; it always has status 200."""
        with self.app.test_client().open(path, method=method, **options) as reply:
            assert reply.status_code == 200, reply.get_data(as_text=True)
            return reply

    def lightsms(self, script: str, pairs: dict[str, str], key: str = LIGHTSMS_KEY, **options: Any) -> Any:
        """Ask LightSMS with a signature over the pairs, login and timestamp added."""
        params = {"login": "demo", "timestamp": str(NOW)} | pairs
        params = {name: value for name, value in params.items() if value != "left out"}
        joined = "".join(value for _, value in sorted(params.items()))
        params.setdefault("signature", hashlib.md5((joined + key).encode()).hexdigest())  # noqa: S324  (vendor's rule)
        return self.ask(f"/external/get/{script}.php", query_string=params, **options)

    def payforsms(self, method: str, pairs: dict[str, str], key: str = PAYFORSMS_KEY, **options: Any) -> Any:
        """Ask payforsms with a sign over the pairs, project added."""
        params = {"project": "demo-payforsms"} | pairs
        joined = ";".join([*(value for _, value in sorted(params.items())), key])
        inner = hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324  (vendor's rule)
        params["sign"] = hashlib.md5(inner.encode()).hexdigest()  # noqa: S324  (vendor's rule)
        return self.ask(f"/api/mainsms/message/{method}", "POST", data=params, **options)

    def mesajlarim(self, action: str, pairs: dict[str, Any], key: str = MESAJLARIM_SECRET) -> Any:
        """Ask Mesajlarim with a token over the documented order."""
        params = {"appId": "1", "msisdn": "5321000000", "rand": "1331024400"} | pairs
        params = {name: value for name, value in params.items() if value != "left out"}
        joined = ""
        for name in ("appId", "appld", "msisdn", "message", "recipient", "recipient[]", "rand"):
            value = params.get(name, "")
            joined += value if isinstance(value, str) else "".join(value)
        params.setdefault("token", hmac.new(key.encode(), joined.encode(), "sha1").hexdigest())
        return self.ask(f"/omrestapi/api.php?action={action}", "POST", data=params)

    def caught(self) -> list[dict[str, Any]]:
        """Return the message list."""
        entries: list[dict[str, Any]] = json.loads(self.ask("/api/messages").get_data())
        return entries


@pytest.fixture
def bench() -> Bench:
    """Return a fresh sandbox."""
    return Bench()


SEND = {"phone": "37061234567", "sender": "Demo", "text": "Hello!", "return": "json"}
PAY = {"recipients": "89121231234", "sender": "payforsms.ru", "message": "test"}
SMS = {"message": "My Message", "recipient": "5322000000"}


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


# --- what all share --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", providers.names())
def test_every_vendor_has_a_demo_account_that_sends_and_asks(bench: Bench, name: str) -> None:
    """The requests of smscli pass through the in-process transport, and its readers understand the answers."""
    provider, account = providers.get(name), sandbox.demo(name).account
    message, stamp = sample(name, "Hello"), str(NOW)
    speak = sandbox.transport(bench.app)
    sent = provider.send.parse(speak(provider.send.build(message, account, stamp), 1.0), message, stamp)
    assert [s.outcome for s in sent.submissions] == [Outcome.SENT]
    balance = provider.balance.parse(speak(provider.balance.build(None, account, stamp), 1.0), None, stamp)
    assert balance.amount > 0
    entry = bench.caught()[0]
    assert (entry["vendor"], entry["accepted"], entry["text"], entry["parts"]) == (name, True, "Hello", 1)
    assert entry["message_id"] == sent.submissions[0].message_id
    assert entry["received"] == "2024-11-28T16:00:00.000+00:00"


@pytest.mark.parametrize("name", providers.names())
def test_a_wrong_key_is_an_authentication_error_with_the_expected_text(bench: Bench, name: str) -> None:
    """The header and the list show what should have been hashed, the demo key masked, and no right signature."""
    provider = providers.get(name)
    account = sandbox.demo(name).account._replace(secret=Secret("wrong"))
    text, stamp = "Žaliuoja\n😀 & Co", str(NOW)
    message = sample(name, text)
    reply = sandbox.transport(bench.app)(provider.send.build(message, account, stamp), 1.0)
    receipt = provider.send.parse(reply, message, stamp)
    assert isinstance(receipt.error, AuthenticationError)
    expected = reply.headers["x-smscli-expected"]
    assert expected.isascii()
    written = provider.rule.escape.apply(text)
    assert visible(written).encode("ascii", "backslashreplace").decode() in expected
    entry = bench.caught()[0]
    assert entry["accepted"] is False
    assert written in entry["expected"]
    everything = expected + bench.ask("/api/messages").get_data(as_text=True)
    assert not [secret for secret in sandbox.demo(name).account.secrets if secret.reveal() in everything]
    request = provider.send.build(message, sandbox.demo(name).account, stamp)
    right = dict(request.query + request.form)[provider.rule.signature]
    assert right not in everything


def test_the_account_of_a_profile_replaces_the_demo_account() -> None:
    """Only the credentials count; those of the demo are refused then."""
    own = Account("https://white-label.example/get/", Secret("k"), {"login": "shop", "clock": "vendor"})
    app = sandbox.create_app({**sandbox.demo_accounts(), "lightsms": own}, clock=lambda: NOW)
    provider, speak = providers.get("lightsms"), sandbox.transport(app)
    here = own._replace(base_url=sandbox.demo("lightsms").account.base_url)
    request = provider.balance.build(None, here, str(NOW))
    assert provider.balance.parse(speak(request, 1.0), None, "").unit == "EUR"
    stranger = provider.balance.build(None, sandbox.demo("lightsms").account, str(NOW))
    with pytest.raises(AuthenticationError):
        provider.balance.parse(speak(stranger, 1.0), None, "")


def test_a_vendor_without_an_account_knows_nobody() -> None:
    """An application for one profile alone refuses everyone else."""
    app = sandbox.create_app({}, clock=lambda: NOW)
    speak = sandbox.transport(app)
    for name in providers.names():
        provider = providers.get(name)
        with pytest.raises((AuthenticationError, RejectedError)):
            provider.balance.parse(
                speak(provider.balance.build(None, sandbox.demo(name).account, str(NOW)), 1.0), None, str(NOW)
            )


@pytest.mark.parametrize("way", ["query", "form", "multipart", "json", "get form", "get multipart", "get json"])
def test_parameters_are_read_wherever_and_however_they_travel(bench: Bench, way: str) -> None:
    """The vendors' pages show POST forms, GET queries, and a GET with a multipart body."""
    params = {"project": "demo-payforsms", "message": "Žm ö+&;", "recipients": "9121231234", "apikey": PAYFORSMS_KEY}
    ways: dict[str, dict[str, Any]] = {
        "query": {"query_string": params},
        "form": {"data": params},
        "multipart": {"data": params, "content_type": "multipart/form-data"},
        "json": {"json": params | {"nothing": None}},
    }
    options = ways[way.removeprefix("get ")]
    method = "GET" if way.startswith("get") or way == "query" else "POST"
    assert bench.ask("/api/mainsms/message/send", method, **options).get_json()["status"] == "success"
    assert bench.caught()[0]["text"] == "Žm ö+&;"


def test_the_body_goes_before_the_query_and_the_last_value_counts(bench: Bench) -> None:
    """As PHP gathers parameters."""
    params = [("message", "body 1"), ("message", "body 2"), ("apikey", PAYFORSMS_KEY), ("recipients", "9121231234")]
    query = "?project=demo-payforsms&message=query"
    body = "&".join(f"{name}={value}" for name, value in params)
    kind = "application/x-www-form-urlencoded"
    bench.ask(f"/api/mainsms/message/send{query}", "POST", data=body, content_type=kind)
    assert bench.caught()[0]["text"] == "body 2"


def test_a_json_list_counts_as_repeated_names(bench: Bench) -> None:
    """Several recipients in a JSON body; half a surrogate pair does no harm."""
    token = hmac.new(MESAJLARIM_SECRET.encode(), b"15321000000a?532200000053230000007", "sha1").hexdigest()
    body = '{"appId": 1, "msisdn": "5321000000", "message": "a\\ud800", "recipient": ["5322000000", "5323000000"], '
    body += f'"rand": 7, "token": "{token}"}}'
    kind = "application/json"
    answer = bench.ask("/omrestapi/api.php?action=sendsms", "POST", data=body, content_type=kind).get_json()
    assert len(answer["recipients"]) == 2


@pytest.mark.parametrize("body", ["[" * 100_000, "{", "[1]", '"text"', "\xff"])
def test_a_body_that_is_no_json_object_counts_as_none(bench: Bench, body: str) -> None:
    """It says that it is JSON; the query is read all the same."""
    kind = "application/json"
    reply = bench.ask("/api/mainsms/message/send?project=nobody", "POST", data=body, content_type=kind)
    assert reply.get_json()["error"] == "5"


@pytest.mark.parametrize("name", providers.names())
def test_ids_are_unique_across_runs(name: str) -> None:
    """Each `send --sandbox` is a sandbox of its own, and two within one second are looked up in one journal."""
    provider, account = providers.get(name), sandbox.demo(name).account
    message = sample(name)
    ids = set()
    for _ in range(20):
        stamp = runtime.fresh_nonce() if provider.stamp is Stamp.NONCE else str(NOW)
        reply = sandbox.transport(Bench().app)(provider.send.build(message, account, stamp), 1.0)
        (sent,) = provider.send.parse(reply, message, stamp).submissions
        assert sent.message_id
        ids.add(sent.message_id)
    assert len(ids) == 20


def test_a_nonce_is_more_than_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes at the same moment make two, of as many digits as a public client sends."""
    nonces = set()
    for _ in range(4):
        monkeypatch.setattr(runtime, "_last_nonce", 9 * 10**12)
        nonces.add(runtime.fresh_nonce())
    assert len(nonces) > 1
    assert all(len(one) == 18 and one.isdigit() for one in nonces)


def test_the_message_list_is_bounded_in_bytes(bench: Bench) -> None:
    """A long text to many numbers is kept once for each: the oldest leave, and the newest is always there."""
    many = ",".join(str(79121230000 + n) for n in range(40))
    bench.payforsms("send", PAY | {"message": "oldest"})
    bench.payforsms("send", PAY | {"recipients": many, "message": "x" * 1_000_000})
    bench.payforsms("send", PAY | {"message": "newest"})
    texts = [entry["text"] for entry in bench.caught()]
    assert texts[-1] == "newest"
    assert 20 < len(texts) < 40
    assert sum(map(len, texts)) < 64 * 1024 * 1024
    bench.app.test_client().delete("/api/messages").close()
    bench.payforsms("send", PAY)
    assert len(bench.caught()) == 1


def test_the_message_list_is_in_order_and_can_be_emptied(bench: Bench) -> None:
    """Newest last; refusals stand beside what was accepted; a balance leaves no trace unless refused."""
    bench.lightsms("send", SEND)
    bench.lightsms("balance", {})
    bench.payforsms("send", PAY, key="wrong")
    bench.mesajlarim("balance", {}, key="wrong")
    assert [(e["vendor"], e["operation"], e["accepted"], e["refusal"]) for e in bench.caught()] == [
        ("lightsms", "send", True, None),
        ("payforsms", "send", False, "error 2"),
        ("mesajlarim", "balance", False, "Invalid Token Given"),
    ]
    with bench.app.test_client().delete("/api/messages") as reply:
        assert reply.status_code == 204
    assert bench.caught() == []


def test_a_key_sent_in_the_place_of_a_signature_is_masked_in_the_list(bench: Bench) -> None:
    """A client under development may do that."""
    bench.lightsms("balance", {"signature": LIGHTSMS_KEY})
    assert bench.caught()[0]["signature"] == "***"


def test_the_root_names_every_base_url(bench: Bench) -> None:
    """Whoever opens the port in a browser sees what to write into a profile."""
    root = json.loads(bench.ask("/").get_data())
    assert root["base_urls"] == sandbox.base_urls("http://localhost")
    assert set(root["base_urls"]) == set(providers.names())
    assert root["base_urls"]["payforsms"] == "http://localhost/api/mainsms/"


def test_the_expected_header_stays_a_header_for_any_text(bench: Bench) -> None:
    """Line breaks cannot start a new header, and a long text is cut."""
    speak = sandbox.transport(bench.app)
    query = (("login", "demo"), ("timestamp", str(NOW)), ("signature", "x"), ("text", "\r\nX-Evil: 1" + "ж" * 3000))
    reply = speak(Request("GET", "http://sandbox.invalid/external/get/balance.php", query), 1.0)
    assert "x-evil" not in reply.headers
    assert len(reply.headers["x-smscli-expected"]) < 4100


def test_importing_the_room_does_not_import_flask() -> None:
    """Commands that only want the demo accounts stay quick."""
    program = (
        "import sys; from smscli.sandbox import demo_accounts; assert demo_accounts(); sys.exit('flask' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_flask_the_error_names_the_extra() -> None:
    """A plain installation has no Flask."""
    program = (
        "import sys; sys.modules['flask'] = None\n"
        "from smscli import sandbox, errors\n"
        "try: sandbox.create_app()\n"
        "except errors.ConfigError as error: print(error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "pip install 'smscli[sandbox]'\n"


@pytest.mark.parametrize("port", [1, 70000])
def test_an_address_that_cannot_be_had_is_a_config_error(bench: Bench, port: int) -> None:
    """It says which, and that port 0 takes any."""
    with pytest.raises(ConfigError, match=str(port)) as caught:
        sandbox.serve(bench.app, port, "192.0.2.1" if port == 1 else "127.0.0.1", ready=lambda _url: None)
    assert caught.value.hint == "port 0 takes any free one"

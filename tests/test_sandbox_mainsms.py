"""What the MainSMS emulator does beyond one send: batches, cancelling, the key itself, and bytes that are not UTF-8."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from smscli import providers
from smscli.model import DeliveryState, Pairs
from smscli.sandbox import Call, Caught, Desk
from smscli.sandbox._raw import RawRequest
from smscli.sandbox.mainsms import EMULATOR

NOW = 1732809600.0
ACCOUNT = EMULATOR.demo["mainsms"].account
KEYS = {name: demo.account.secret for name, demo in EMULATOR.demo.items()}

Members = dict[str, Any]


@dataclass
class Bench:
    """A desk and a clock, asked without anything between."""

    now: float = NOW
    desk: Desk = field(default_factory=lambda: Desk({"mainsms": Decimal("20.00")}))

    def ask(self, method: str, params: Pairs, as_signed: Pairs | None = None, raw: bytes = b"") -> Members:
        """Return the members of an answer; without ``as_signed`` the key itself is sent."""
        params = (("project", "demo-mainsms"), *params)
        proof = ("apikey", ACCOUNT.secret.reveal())
        if as_signed is not None:
            rule = providers.get("mainsms")
            proof = ("sign", rule.sign((("project", "demo-mainsms"), *as_signed), ACCOUNT.secret).signature)
        handle = EMULATOR.handler(f"/api/mainsms/{method}")
        assert handle
        answer = handle(
            Call((*params, proof), "", {"mainsms": ACCOUNT}, self.now, KEYS, RawRequest("GET", b"/?" + raw)), self.desk
        )
        members: Members = json.loads(answer.body)
        return members | ({"reason": answer.reason} if answer.reason else {})

    def batch(self, *messages: tuple[str, str], **more: str) -> Members:
        """Send a text to each number."""
        pairs = [
            (f"messages[{place}][{name}]", value)
            for place, pair in enumerate(messages)
            for name, value in zip(("phone", "text"), pair, strict=True)
        ]
        return self.ask("batch/send", (*pairs, *more.items()))

    @property
    def seen(self) -> list[tuple[str | None, str | None, str | None]]:
        """Number, text and refusal of all that was caught."""
        return [(entry.to, entry.text, entry.refusal) for entry in self.desk.caught]


def test_a_batch_sends_to_each_number_its_own_text_and_says_what_went_wrong() -> None:
    """Good ones are sent and charged beside bad ones; an error has the id that the client gave, or the place."""
    bench = Bench()
    answer = bench.batch(("89121231234", "one"), ("12", "two"), ("89121231238", ""), ("+79121231238", "ж" * 71))
    assert (answer["phones"], answer["parts"], answer["cost"]) == (2, 3, "13.56")
    assert answer["errors"] == [
        {"id": "1", "messages": "param recipients is blank"},
        {"id": "2", "messages": "param message is blank"},
    ]
    assert bench.seen == [
        ("79121231234", "one", None),
        ("12", "two", "error 4"),
        ("79121231238", "", "error 3"),
        ("79121231238", "ж" * 71, None),
    ]
    assert bench.desk.credit["mainsms"] == Decimal("6.44")


def test_a_batch_stops_charging_where_the_money_ends_and_a_test_is_free() -> None:
    """The rest has error 7; a number that provokes an error has that."""
    bench = Bench(desk=Desk({"mainsms": Decimal("5.00")}))
    answer = bench.batch(("89121231234", "one"), ("89121231238", "two"), ("89121555090", "three"), test="1")
    assert (answer["phones"], answer["errors"]) == (2, [{"id": "2", "messages": "sender is not approved"}])
    assert {entry.note for entry in bench.desk.caught} == {"test mode: not charged", None}
    answer = bench.batch(("89121231234", "one"), ("89121231238", "two"))
    assert (answer["phones"], answer["errors"]) == (1, [{"id": "1", "messages": "not enough money"}])
    assert bench.desk.caught[-1].reason == "4.52 is wanted and 0.48 left"


def test_a_batch_of_nothing_is_refused() -> None:
    """It says which names it wanted."""
    answer = Bench().batch()
    assert (answer["error"], answer["reason"]) == ("3", "messages[0][phone] and messages[0][text] are missing")


def test_the_messages_of_a_batch_are_signed_as_one_value() -> None:
    """Joined by commas, in the order in which they stand."""
    bench = Bench()
    pairs = (("messages[0][phone]", "89121231234"), ("messages[0][text]", "one"))
    assert bench.ask("batch/send", pairs, as_signed=(("messages", "89121231234,one"),))["status"] == "success"
    assert bench.ask("batch/send", pairs, as_signed=pairs)["error"] == "2"


def test_the_id_of_a_batch_is_that_of_no_message() -> None:
    """Clients that ask for it learn nothing, as with the vendor."""
    bench = Bench()
    answer = bench.batch(("89121231234", "one"))
    asked = bench.ask("message/status", (("messages_id", str(answer["id"])),))
    assert list(asked["messages"].values()) == ["not found"]


def test_only_what_waits_is_cancelled_and_it_stays_so() -> None:
    """What has set out keeps its state, and another's id is not known."""
    bench = Bench()
    to = (("recipients", "89121231234"), ("message", "x"))
    (later,) = bench.ask("message/send", (*to, ("run_at", "03.10.2031 17:00")))["messages_id"]
    (soon,) = bench.ask("message/send", to)["messages_id"]
    ids = (("messages_id", f"{later},{soon},1415"),)
    assert bench.ask("message/cancel", ids)["messages"] == {
        str(later): "canceled", str(soon): "accepted", "1415": "not found",
    }  # fmt: skip
    bench.now += 10**9
    assert bench.ask("message/status", ids)["messages"][str(later)] == "canceled"
    assert bench.ask("message/status", ids)["messages"][str(soon)] == "delivered"


def test_the_latest_cancelled_ids_are_remembered() -> None:
    """A loop over made-up ids does not eat the machine's memory."""
    desk = Desk({})
    for number in range(10_001):
        desk.cancel(str(number))
    assert len(desk.cancelled) < 10_001
    assert "10000" in desk.cancelled
    assert "0" not in desk.cancelled


def test_a_text_that_is_not_utf8_is_error_2_also_beside_the_key() -> None:
    """The vendor's own text of error 2 says so."""
    to = (("recipients", "89121231234"), ("message", "\ufffd"))
    answer = Bench().ask("message/send", to, raw=b"message=%CF%F0%E8")
    assert answer["error"] == "2"
    assert answer["reason"].startswith("`message` is not UTF-8: as windows-1251 it reads `При`.")


def test_a_report_has_the_words_that_public_clients_read() -> None:
    """On its way, then how it ended."""
    sent = Caught(vendor="mainsms", operation="send", now=NOW, signature=None, to="79121231234", message_id="1415")
    assert EMULATOR.push
    assert [EMULATOR.push.pairs(sent, state) for state in (DeliveryState.ENROUTE, DeliveryState.UNDELIVERABLE)] == [
        (("id", "1415"), ("status", "wait"), ("phone", "79121231234")),
        (("id", "1415"), ("status", "non-delivered"), ("phone", "79121231234")),
    ]

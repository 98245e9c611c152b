"""Failures on demand: the words of a rule, which requests it hits, and what our own command line makes of each."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from smscli import sandbox
from smscli.errors import InputError
from smscli.sandbox import _chaos
from smscli.sandbox._call import Call
from smscli.sandbox._chaos import Chaos, Rule
from smscli.sandbox._desk import Caught
from smscli.testing import SandboxServer, serving
from tests.bench import PAY, SEND, SMS, Bench, Reply, ask
from tests.conftest import Ran
from tests.test_cli_sandbox import serving as serving_command
from tests.test_cli_sandbox import stop
from tests.test_sandbox_api import conforms, document

ALL = sandbox.emulators()


def rule(text: str) -> Rule:
    """Return the rule of some words."""
    return _chaos.parse(text, ALL)


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "lightsms send error=32 count=3",
        "mesajlarim error='Invalid Token Given'",
        "mesajlarim send address=refused",
        "send to=+37061234567 partial=1 probability=0.25 every=2 count=1",
        "clock=-3600",
        "status=503",
        "balance reset=before",
        "reset=after",
        "delay=0.5",
        "drip=10",
        "cut=0",
        "payforsms body=html",
    ],
)
def test_a_rule_is_words_and_comes_back_as_the_same_words(text: str) -> None:
    """So that one from the list can be used again."""
    assert rule(text).text == text
    assert rule(rule(text).text) == rule(text)


@pytest.mark.parametrize("text", ["LightSMS send error=32", "vendor=LIGHTSMS operation=send error=32"])
def test_a_vendor_may_be_written_in_capitals(text: str) -> None:
    """As its own pages write it."""
    assert rule(text) == rule("lightsms send error=32")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "one effect, not 0: error, address, partial"),
        ("lightsms send", "one effect, not 0"),
        ("delay=1 drip=1", "one effect, not 2"),
        ("lightsms delay=1 delay=2", "delay comes twice"),
        ("lightsms mainsms delay=1", "vendor comes twice"),
        ("lihgtsms delay=1", "there is no vendor or operation 'lihgtsms'; there are lightsms, mainsms"),
        ("lightsm send error=32", "there is no vendor 'lightsm'; there are lightsms, mainsms"),
        ("send count=1 foo error=1", "there is no vendor 'foo'; there are lightsms"),
        ("send send delay=1", "operation comes twice"),
        ("lightsms send foo delay=1", "operation comes twice"),
        ("lightsms cancel delay=1", "there is no operation 'cancel'; there are timestamp, balance"),
        ("vendor=x delay=1", "there is no vendor 'x'; there are lightsms"),
        ("lightsms errror=32", "there is no word 'errror'; there are to, probability"),
        ("lightsms error=99", "there is no error '99'; there are 000, 1"),
        ("error=32", "error wants a vendor"),
        ("address=refused", "address wants a vendor that has an error for it; there are mesajlarim"),
        ("lightsms address=refused", "address wants a vendor that has an error for it; there are mesajlarim"),
        ("mesajlarim address=1", "address is refused"),
        ("reset=now", "reset is before or after"),
        ("body=xml", "body is html or empty or json"),
        ("status=200", "status is from 300 to 599"),
        ("status=304", "status is from 300 to 599"),
        ("status=OK", "status is a whole number"),
        ("delay=601", "delay is a number from 0 to 600"),
        ("delay=nan", "delay is a number"),
        ("delay=soon", "delay is a number"),
        ("drip=0", "drip is a whole number, at least 1"),
        ("cut=-1", "cut is a whole number, at least 0"),
        ("cut=99999999999", "cut is a whole number"),
        ("clock=1e99", "clock is a number"),
        ("delay=1 probability=2", "probability is a number from 0 to 1"),
        ("delay=1 every=0", "every is a whole number, at least 1"),
        ("delay=1 count=none", "count is a whole number"),
        ("delay=1 to=Anna", "to is a number"),
        ("delay=1 to='1\n2'", "to is a number"),
        ("delay=1 to='", "a quotation mark is not closed"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(text: str, words: str) -> None:
    """A rule with a typing error would let everything through, and the test that relies on it with it."""
    with pytest.raises(InputError) as refusal:
        rule(text)
    assert words in refusal.value.message


# --- which requests --------------------------------------------------------------------------------------------------

ENTRY = Caught(vendor="lightsms", operation="send", now=0.0, signature=None)


def hits(text: str, count: int, seed: str = "1") -> list[int]:
    """Return which of so many equal requests a rule hits, counted from 1."""
    chaos = Chaos(seed, [rule(text)])
    return [place for place in range(1, count + 1) if chaos.hit(ENTRY, ["37061234567"])]


def test_a_rule_can_be_for_the_first_few_or_for_each_nth() -> None:
    """Or both."""
    assert hits("delay=0", 4) == [1, 2, 3, 4]
    assert hits("delay=0 count=2", 4) == [1, 2]
    assert hits("delay=0 every=3", 7) == [3, 6]
    assert hits("delay=0 every=2 count=2", 9) == [2, 4]


def test_chance_is_the_same_for_the_same_seed() -> None:
    """And near what was asked for; another seed, other requests."""
    first = hits("delay=0 probability=0.3", 1000)
    assert first == hits("delay=0 probability=0.3", 1000)
    assert first != hits("delay=0 probability=0.3", 1000, "2")
    assert 250 < len(first) < 350
    assert hits("delay=0 probability=0", 100) == []


@pytest.mark.parametrize(
    ("text", "is_hit"),
    [
        ("lightsms delay=0", True),
        ("mainsms delay=0", False),
        ("send delay=0", True),
        ("balance delay=0", False),
        ("to=061234567 delay=0", True),
        ("to=061234568 delay=0", False),
        ("partial=1", True),
        ("partial=2", False),
    ],
)
def test_a_rule_hits_what_it_says(text: str, is_hit: bool) -> None:
    """Vendor, operation, one of the recipients; part of the recipients only where there are more."""
    assert bool(Chaos("", [rule(text)]).hit(ENTRY, ["37061234567", "37061234560"])) is is_hit


def test_what_no_vendor_can_refuse_is_passed_by() -> None:
    """A clock is told to everybody."""
    chaos = Chaos("", [rule("lightsms error=7")])
    assert chaos.hit(replace(ENTRY, operation="timestamp"), []) is None
    assert chaos.hit(ENTRY, []) is not None


def test_the_first_rule_that_hits_is_the_only_one() -> None:
    """The next one has its turn when that is used up."""
    chaos = Chaos("", [rule("delay=1 count=1"), rule("delay=2")])
    assert [one.value for _ in range(2) if (one := chaos.hit(ENTRY, []))] == ["1", "2"]
    assert [(chaos.tree(number)["matches"], chaos.tree(number)["hits"]) for number in (1, 2)] == [(2, 1), (1, 1)]


# --- the API ---------------------------------------------------------------------------------------------------------


def api(bench: Bench, path: str = "", method: str = "GET", **options: Any) -> Reply:
    """Make a request below /api/chaos."""
    return ask(bench.app, f"/api/chaos{path}", method, **options)


def test_rules_are_added_listed_and_deleted() -> None:
    """In words or in members; as JSON, form or query; numbers are not given twice."""
    bench = Bench()
    assert api(bench).get_json()["rules"] == []
    first = api(bench, "", "POST", json={"vendor": "lightsms", "operation": "send", "error": 32, "count": 3})
    assert (first.status_code, first.get_json()["rule"]) == (201, "lightsms send error=32 count=3")
    assert api(bench, "", "POST", json={"rule": "send delay=2 probability=0.5"}).status_code == 201
    assert api(bench, "", "POST", data={"status": "503"}).get_json()["number"] == 3
    assert api(bench, "/2", "DELETE").status_code == 204
    assert api(bench, "/2", "DELETE").status_code == 404
    rules = api(bench).get_json()["rules"]
    assert [(one["number"], one["effect"], one["value"], one["hits"]) for one in rules] == [
        (1, "error", "32", 0),
        (3, "status", "503", 0),
    ]
    assert api(bench, "", "DELETE").status_code == 204
    assert api(bench, "", "POST", query_string="delay=1").get_json()["number"] == 4


@pytest.mark.parametrize("body", [{}, {"rule": "nonsense"}, {"rule": "delay=1", "vendor": "lightsms"}, {"delay": "x"}])
def test_what_is_no_rule_is_refused(body: dict[str, str]) -> None:
    """And changes nothing."""
    bench = Bench()
    reply = api(bench, "", "POST", json=body)
    assert (reply.status_code, bool(reply.get_json()["error"])) == (400, True)
    assert api(bench).get_json()["rules"] == []


def test_there_is_a_bound_on_rules() -> None:
    """Each is looked at for each request."""
    bench = Bench()
    codes = [api(bench, "", "POST", json={"delay": 0}).status_code for _ in range(101)]
    assert (codes.count(201), codes[-1]) == (100, 400)


def test_beginning_anew_returns_to_the_rules_of_the_start() -> None:
    """With all their counts."""
    bench = Bench()
    bench.app = sandbox.create_app(clock=lambda: bench.now[0], chaos=["lightsms send error=32 count=1"], seed="7")
    api(bench, "", "POST", json={"status": 503})
    assert "32" in bench.lightsms("send", SEND).get_data(as_text=True)
    assert ask(bench.app, "/api/reset", "POST").status_code == 204
    listed = api(bench).get_json()
    assert (listed["seed"], [(one["rule"], one["hits"]) for one in listed["rules"]]) == (
        "7",
        [("lightsms send error=32 count=1", 0)],
    )


def test_the_document_describes_the_rules() -> None:
    """Every condition and effect, and whatever is answered."""
    bench = bench_of("lightsms send error=32 count=1")
    described = document()["paths"]["/api/chaos"]
    members = described["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert {*members} == {"rule", "vendor", "operation", *_chaos.CONDITIONS, *_chaos.EFFECTS}
    assert conforms(api(bench).get_json(), {"$ref": "#/components/schemas/Rules"})
    assert conforms(api(bench, "", "POST", json={"delay": 1}).get_json(), {"$ref": "#/components/schemas/Rule"})
    bench.lightsms("send", SEND)
    assert conforms(bench.caught()[0], {"$ref": "#/components/schemas/Entry"})


# --- what the vendors answer -----------------------------------------------------------------------------------------


def bench_of(*rules: str) -> Bench:
    """Return a bench whose sandbox has these rules."""
    bench = Bench()
    bench.app = sandbox.create_app(clock=lambda: bench.now[0], chaos=rules)
    return bench


@pytest.mark.parametrize(
    ("code", "answer"),
    [("7", {"error": 7}), ("000", {"error": "000"}), ("32", {"37061234567": {"error": 32}})],
)
def test_an_error_of_lightsms_has_its_shape(code: str, answer: dict[str, Any]) -> None:
    """A number, but for 000; one of a single number stands under the number."""
    bench = bench_of(f"lightsms error={code}")
    assert bench.lightsms("send", SEND).get_json() == answer
    (entry,) = bench.caught()
    assert (entry["refusal"], entry["chaos"]) == (f"error {code}", f"lightsms error={code}")
    assert "a rule provokes" in entry["reason"]
    assert str(bench.lightsms("balance", {}).get_json()["error"]) == code


def test_an_error_of_payforsms_has_its_shape() -> None:
    """It is that of one brand, and not of the other."""
    bench = bench_of("payforsms error=7", "mainsms error=1")
    refused = {"status": "error", "error": "7", "message": "not enough money"}
    assert bench.payforsms("send", PAY).get_json() == bench.payforsms("balance", {}).get_json() == refused
    assert [entry["chaos"] for entry in bench.caught()] == ["payforsms error=7"] * 2


def test_an_error_of_mesajlarim_is_its_words() -> None:
    """And so is the refusal in the list."""
    bench = bench_of("mesajlarim error='Invalid IP Address'")
    assert bench.mesajlarim("sendsms", SMS).get_json() == {"error": "Invalid IP Address"}
    assert bench.caught()[0]["refusal"] == "Invalid IP Address"


def test_a_request_that_is_wrong_by_itself_keeps_its_own_error() -> None:
    """The rule has changed nothing: it is not told, and waits for the next one."""
    bench = bench_of("lightsms error=32 count=1")
    answer = bench.lightsms("send", SEND, "another key").get_json()
    assert answer == {"37061234567": {"error": "6"}}
    assert bench.caught()[0]["chaos"] is None


def test_an_error_can_be_of_one_recipient_alone() -> None:
    """The others are accepted."""
    bench = bench_of("lightsms error=13 to=37061234568")
    answer = bench.lightsms("send", SEND | {"phone": "37061234567,37061234568"}).get_json()
    assert (answer["37061234567"]["error"], answer["37061234568"]) == ("0", {"error": 13})


def test_some_recipients_are_accepted() -> None:
    """LightSMS and Mesajlarim say so of each, MainSMS leaves the others out."""
    bench = bench_of("partial=1")
    answer = bench.lightsms("send", SEND | {"phone": "37061234567,37061234568"}).get_json()
    assert (answer["37061234567"]["error"], answer["37061234568"]) == ("0", {"error": 12})
    answer = bench.payforsms("send", PAY | {"recipients": "89121231234,89121231235"}).get_json()
    assert (answer["recipients"], len(answer["messages_id"])) == (["79121231234"], 1)
    answer = bench.mesajlarim("sendsms", SMS | {"recipient[]": ["5321000000", "5321000008"], "recipient": "left out"})
    assert [one["status"] for one in answer.get_json()["recipients"]] == ["delivered", "error"]
    entries = sorted(bench.caught(), key=lambda entry: (entry["vendor"], entry["to"]))
    assert [entry["accepted"] for entry in entries] == [True, False] * 3
    assert {entry["chaos"] for entry in entries} == {"partial=1"}


def test_what_accepts_nobody_is_passed_by() -> None:
    """A price names the same recipients as the send behind it, and uses up nothing."""
    bench = bench_of("payforsms partial=1 count=1")
    both = PAY | {"recipients": "89121231234,89121231235"}
    assert "x-smscli-chaos" not in bench.payforsms("price", both).headers
    answer = bench.payforsms("send", both)
    assert (answer.headers["x-smscli-chaos"], answer.get_json()["recipients"]) == (
        "payforsms partial=1 count=1",
        ["79121231234"],
    )


@pytest.mark.parametrize(
    ("words", "wrong", "right"),
    [
        ("lightsms send error=32 count=1", {"signature": "0" * 32}, {}),
        ("lightsms send error=7 count=1", {"login": "nobody"}, {}),
        ("lightsms send partial=1 count=1", {"signature": "0" * 32, "phone": "37061234567,37061234568"},
         {"phone": "37061234567,37061234568"}),
        ("lightsms send error=32 count=1", {"text": ""}, {}),
        ("lightsms send clock=60 count=1", {"signature": "0" * 32}, {}),
        ("lightsms send clock=60 count=1", {"timestamp": "1"}, {}),
    ],
)  # fmt: skip
def test_what_keeps_its_own_error_uses_up_nothing(words: str, wrong: dict[str, str], right: dict[str, str]) -> None:
    """The header, the list and the count name the first request that the rule has changed."""
    bench = bench_of(words)
    for times, params in enumerate((wrong, right, right)):
        reply = bench.lightsms("send", SEND | params)
        assert reply.headers.get("x-smscli-chaos") == (words if times == 1 else None)
        (rule,) = ask(bench.app, "/api/chaos").get_json()["rules"]
        assert (rule["hits"], rule["matches"]) == ((0, 0), (1, 1), (1, 2))[times]
    first, *rest = bench.caught()
    assert first["chaos"] is None
    assert words in [entry["chaos"] for entry in rest]
    assert bench.app.desk.credit["lightsms"] < bench.app.starting_credit()["lightsms"]


def test_a_clock_is_ahead() -> None:
    """For what it tells and for what it checks; when a message came stays true, and it moves on as any other."""
    bench = bench_of("timestamp clock=3600 count=1", "send clock=3600 count=1")
    assert int(bench.ask("/external/get/timestamp.php").get_data()) == bench.now[0] + 3600
    assert bench.lightsms("send", SEND).get_json() == {"37061234567": {"error": "6"}}
    (entry,) = bench.caught()
    assert (entry["received"], "a rule has moved" in entry["reason"]) == ("2024-11-28T16:00:00.000+00:00", True)
    bench = bench_of("payforsms send clock=3600 count=1")
    (message_id,) = bench.payforsms("send", PAY).get_json()["messages_id"]
    bench.now[0] += 5
    states = bench.payforsms("status", {"messages_id": str(message_id)}).get_json()["messages"]
    assert states == {str(message_id): "delivered"}


def test_the_answer_names_the_rule() -> None:
    """In a header; a request that none hits has no such header."""
    bench = bench_of("lightsms balance body=json count=1")
    first, second = bench.lightsms("balance", {}), bench.lightsms("balance", {})
    assert (first.headers["x-smscli-chaos"], first.get_json()) == ("lightsms balance body=json count=1", {"answer": 42})
    assert "x-smscli-chaos" not in second.headers


def test_an_emulator_that_names_no_operations_can_be_broken_too() -> None:
    """Below HTTP; its errors are its own business."""
    bare = replace(next(one for one in ALL if "lightsms" in one.demo), operations=(), errors={}, noted=None)
    bench = Bench()
    chaos = Chaos("", [_chaos.parse("lightsms status=503", (bare,))])
    answer = chaos.handle(bare, lambda *_: pytest.fail("it is not asked"), Call((), "", {}, 0.0, {}), bench.app.desk)
    assert (answer.status, bench.caught()[0]["operation"]) == (503, "unknown")
    for text in ("lightsms send delay=1", "lightsms error=32"):
        with pytest.raises(InputError):
            _chaos.parse(text, (bare,))


# --- our own command line against it, over a socket ------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    """One sandbox for all tests of this file."""
    with serving() as one:
        yield one


@pytest.fixture
def box(server: SandboxServer) -> SandboxServer:
    """The sandbox, with nothing in it."""
    server.reset()
    return server


TO = {"lightsms": "+37061234567", "payforsms": "+79121231234", "mesajlarim": "+905321000000"}
TWO = {"lightsms": "+37061234567,+37061234568", "payforsms": "+79121231234,+79121231235"}


def send(smscli: Callable[..., Ran], box: SandboxServer, vendor: str, to: str | None = None) -> Ran:
    """Send one text through the sandbox."""
    return smscli("send", "Hi", "--to", to or TO[vendor], "--timeout", "0.6", environ=box.environ(vendor))


@pytest.mark.parametrize("vendor", TO)
@pytest.mark.parametrize(
    ("effect", "outcome", "code", "is_accepted"),
    [
        ("reset=before", "UNKNOWN", 7, False),
        ("reset=after", "UNKNOWN", 7, True),
        ("cut=0", "UNKNOWN", 7, True),
        ("cut=9", "UNKNOWN", 7, True),
        ("body=html", "UNKNOWN", 7, True),
        ("body=empty", "UNKNOWN", 7, True),
        ("body=json", "UNKNOWN", 7, True),
        ("status=302", "UNKNOWN", 7, False),
        ("status=500", "UNKNOWN", 7, False),
        ("status=503", "UNKNOWN", 7, False),
        ("delay=0.05", "SENT", 0, True),
        ("drip=3000", "SENT", 0, True),
    ],
)
def test_a_send_that_meets_a_broken_way_is_told_as_it_is(
    smscli: Callable[..., Ran], box: SandboxServer, vendor: str, effect: str, outcome: str, code: int,
    is_accepted: bool,
) -> None:  # fmt: skip
    """Its bytes have left, so that only a whole answer of the vendor's tells; nothing is sent twice."""
    box.chaos(f"{vendor} send {effect}")
    ran = send(smscli, box, vendor)
    assert (ran.code, ran.lines[0][1]) == (code, outcome), ran.err
    (message,) = box.messages(accepted=None)
    assert (message.refusal is None, message.chaos) == (is_accepted, f"{vendor} send {effect}")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("effect", ["delay=30", "drip=1"])
def test_a_slow_answer_does_not_hold_up_a_send(smscli: Callable[..., Ran], box: SandboxServer, effect: str) -> None:
    """It was accepted, and nobody knows; the sandbox drops what nobody waits for, and answers others meanwhile."""
    box.chaos(f"payforsms send {effect} count=1")
    begun = time.monotonic()
    ran = send(smscli, box, "payforsms")
    assert time.monotonic() - begun < 3
    assert (ran.code, ran.lines[0][1], len(box.messages())) == (7, "UNKNOWN", 1)
    assert send(smscli, box, "payforsms", "+79121231235").code == 0


@pytest.mark.parametrize(
    ("vendor", "effect", "outcomes", "code"),
    [
        ("lightsms", "partial=1", ["SENT", "REFUSED"], 8),
        ("payforsms", "partial=1", ["SENT", "UNKNOWN"], 7),  # its answer is silent about what it did not take
        ("lightsms", "error=32", ["REFUSED", "REFUSED"], 5),
        ("lightsms", "error=7", ["REFUSED", "REFUSED"], 4),
        ("lightsms", "error=13 to=37061234568", ["SENT", "REFUSED"], 8),
        ("lightsms", "clock=-60", ["REFUSED", "REFUSED"], 4),
        ("payforsms", "error=7", ["REFUSED", "REFUSED"], 5),
        ("mesajlarim", "address=refused", ["REFUSED"], 4),
    ],
)
def test_a_vendor_s_refusal_is_told_as_it_is(
    smscli: Callable[..., Ran], box: SandboxServer, vendor: str, effect: str, outcomes: list[str], code: int
) -> None:
    """Of all, or of some."""
    box.chaos(f"{vendor} send {effect}")
    ran = send(smscli, box, vendor, TWO.get(vendor))
    assert (ran.code, [row[1] for row in ran.lines]) == (code, outcomes), ran.err
    accepted = {message.to for message in box.messages()}
    assert len(accepted) == outcomes.count("SENT")


def test_a_question_that_is_not_answered_is_asked_again(smscli: Callable[..., Ran], box: SandboxServer) -> None:
    """Nothing is sent by asking; after that it is not reached, which a script may try again."""
    box.chaos("balance reset=before count=1")
    assert smscli("balance", environ=box.environ("payforsms")).code == 0
    box.chaos("balance reset=before")
    assert smscli("balance", environ=box.environ("payforsms")).code == 6


def test_a_clock_that_is_off_everywhere_hurts_nobody_who_asks_for_it(
    smscli: Callable[..., Ran], box: SandboxServer
) -> None:
    """LightSMS' own clock is the one that counts."""
    box.chaos("lightsms clock=86400")
    assert send(smscli, box, "lightsms").code == 0


def test_what_arrives_is_cut_where_the_rule_says(box: SandboxServer) -> None:
    """The length that was announced stays that of the whole; a cut behind the end cuts nothing."""
    connection = http.client.HTTPConnection(urlsplit(box.url).netloc, timeout=10)
    box.chaos("timestamp cut=4 count=1")
    box.chaos("timestamp cut=10")
    connection.request("GET", "/external/get/timestamp.php")
    with pytest.raises(http.client.IncompleteRead) as broken:
        connection.getresponse().read()
    assert (len(broken.value.partial), broken.value.expected) == (4, 6)
    connection.close()
    for _ in range(2):  # the connection is kept
        connection.request("GET", "/external/get/timestamp.php")
        assert len(connection.getresponse().read()) == 10
    connection.close()


def test_what_drips_takes_its_time(box: SandboxServer) -> None:
    """Ten bytes at forty a second."""
    box.chaos("timestamp drip=40")
    connection = http.client.HTTPConnection(urlsplit(box.url).netloc, timeout=10)
    begun = time.monotonic()
    connection.request("GET", "/external/get/timestamp.php")
    assert len(connection.getresponse().read()) == 10
    assert 0.2 < time.monotonic() - begun < 3
    connection.close()


def test_a_broken_answer_outlives_no_sandbox() -> None:
    """Its end does not wait for a delay."""
    with serving() as box:
        box.chaos("timestamp delay=60")
        connection = http.client.HTTPConnection(urlsplit(box.url).netloc, timeout=10)
        connection.request("GET", "/external/get/timestamp.php")
        time.sleep(0.05)
        begun = time.monotonic()
    assert time.monotonic() - begun < 3
    connection.close()


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_refuses_a_rule_that_says_what_there_is_not(smscli: Callable[..., Ran]) -> None:
    """Before it serves."""
    ran = smscli("sandbox", "--port", "0", "--chaos", "lightsms send eror=32")
    assert (ran.code, "there is no word 'eror'" in ran.err) == (2, True)


@pytest.mark.usefixtures("heeded_signals")
def test_the_command_tells_how_to_have_the_same_failures_again(tmp_path: Path) -> None:
    """By its seed, which is made up where none was given."""
    with serving_command(tmp_path, "--chaos", "payforsms delay=0 probability=0.5", "--seed", "a b") as (_, command):
        err = stop(command)
    assert "failures: 1; --seed 'a b' gives the same chances again" in err

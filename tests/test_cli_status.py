"""``smscli status``: whose messages it asks about, what it makes of the vendor's words, how it waits and ends."""

from __future__ import annotations

import json
import os
import signal
import sqlite3  # noqa: TID253  (to spoil a journal behind its back)
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from smscli import sandbox
from smscli.cli.tracking import items_of, verdict
from smscli.errors import OutcomeUnknownError, UnreachableError
from smscli.journal import Journal
from smscli.model import MSISDN, DeliveryReport, DeliveryState, Outcome, Secret, Submission
from smscli.wire import Request, Response
from tests.conftest import Ran
from tests.vendors import NOW, environment

Run = Callable[..., Ran]
ID, OTHER = "4091297100348873330001", "4091297100348880230003"
ONE, NEVER = "+37061234567", "+37061234569"


class World:
    """A sandbox whose clock moves when somebody waits, and what was asked of it."""

    def __init__(self, vendor: str = "lightsms") -> None:
        self.seconds, self.pauses, self.asked = NOW, list[float](), list[Request]()
        self.speak = sandbox.transport(sandbox.create_app(clock=lambda: self.seconds))
        self.vendor = vendor

    def transport(self, request: Request, seconds: float) -> Response:
        """Answer as the vendors' emulators do."""
        self.asked.append(request)
        return self.speak(request, seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.pauses.append(seconds)

    def of(self, **changes: Any) -> dict[str, Any]:
        """Return it as the arguments of a run."""
        return {
            "environ": environment(self.vendor), "transport": self.transport, "sleep": self.sleep,
            "now": lambda: self.seconds, "monotonic": lambda: self.seconds, **changes,
        }  # fmt: skip

    @property
    def waits(self) -> list[float]:
        """How long it was between two questions."""
        return [int(dict(r.query)["timestamp"]) - int(NOW) for r in self.asked if "status.php" in r.url]


def saying(body: object) -> Callable[[Request, float], Response]:
    """Return a vendor that gives this answer to a question about states."""

    def transport(request: Request, _seconds: float) -> Response:
        asked = "status" in request.url
        return Response(200, json.dumps(body).encode() if asked else str(int(NOW)).encode())

    return transport


# --- what the words come to -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "state", "code"),
    [
        ("delivered", "DELIVERED", 0),
        ("deliver", "DELIVERED", 0),
        ("read", "DELIVERED", 0),
        ("not_deliver", "UNDELIVERABLE", 5),
        ("expired", "EXPIRED", 5),
        ("pending", "ACCEPTED", 6),
        ("sent", "ENROUTE", 6),
        ("partly_deliver", "ACCEPTED", 6),
        ("queued somewhere", "UNKNOWN", 6),
    ],
)
def test_every_word_has_its_exit_status(smscli: Run, word: str, state: str, code: int) -> None:
    """0 delivered, 5 finally not, 6 not yet: in both forms of LightSMS; the vendor's own word is kept."""
    for body in ({ID: word}, {ID: {"status": word, "time": "2014-10-05"}}):
        world = {"environ": environment("lightsms"), "transport": saying(body), "now": lambda: NOW}
        ran = smscli("status", ID, **world)
        assert (ran.code, ran.lines) == (code, [[ID, state]]), ran.err
        assert (ran.err == "") is (code == 0)
        tree = smscli("status", ID, "-o", "json", **world).json
        (message,) = tree["data"]["messages"]
        assert (tree["exit_code"], message["word"], message["final"]) == (code, word, code != 6)
        assert message["at"] in (None, "2014-10-05")
        assert word in smscli("status", ID, **world, terminal=True).out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["delivered", "delivered"], 0),
        (["delivered", "wait"], 6),
        (["not found", "delivered"], 6),
        (["wait", "non-delivered"], 5),
        (["canceled", "delivered"], 5),
        (["read", "accepted"], 6),
    ],
)
def test_the_gravest_of_several_decides(smscli: Run, words: list[str], code: int) -> None:
    """One that never arrives cannot be mended by the others."""
    body = {"status": "success", "messages": dict(zip(("17", "18"), words, strict=True))}
    ran = smscli("status", "17,18", "17", environ=environment("mainsms"), transport=saying(body))
    assert (ran.code, [line[0] for line in ran.lines]) == (code, ["17", "18"]), ran.err


def test_many_ids_take_several_questions(smscli: Run) -> None:
    """As many in each as the vendor takes; the order is that of the command line."""
    world = World()
    ids = [f"4{number:021d}" for number in range(120)]
    ran = smscli("status", *ids, **world.of())
    assert (ran.code, ran.lines) == (6, [[one, "UNKNOWN"] for one in ids])
    sizes = [len(dict(request.query)["state"].split(",")) for request in world.asked if "status.php" in request.url]
    assert sizes == [50, 50, 20]


@pytest.mark.parametrize("body", [{"error": 17}, {"error": 77}, "busy", [1]])
def test_a_refused_question_never_says_that_a_message_failed(smscli: Run, body: object) -> None:
    """5 means "finally not delivered" and nothing else."""
    ran = smscli("status", ID, "--timeout", "0.1", environ=environment("lightsms"), transport=saying(body))
    assert (ran.code, ran.lines) == (6, [[ID, "UNKNOWN"]])
    assert "does not tell where the messages stand" in ran.err


def test_a_secret_that_comes_back_as_a_word_is_masked(smscli: Run) -> None:
    """A key of letters looks like a word."""
    environ = environment("lightsms", key="secretword")
    for output, word in (
        ("json", "secretword"),
        ("xml", "not SecretWord"),
        ("table", "drowterces"),
        ("plain", "secretword"),
    ):
        ran = smscli("status", ID, "-o", output, environ=environ, transport=saying({ID: word}))
        assert ran.code == 6
        assert word not in ran.out + ran.err


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("1", "--last"),
        ("--key", "k", "--last"),
        (",",),
        ("4x",),
        ("4", "--wait", "--timeout", "soon"),
        ("--key", "nobody"),
    ],
)
def test_what_cannot_be_asked_is_a_mistake(smscli: Run, argv: tuple[str, ...]) -> None:
    """Nobody is asked."""
    world = World()
    ran = smscli("status", *argv, **world.of())
    assert (ran.code, ran.out) == (2, ""), ran.err
    assert not [request for request in world.asked if "status.php" in request.url]


# --- of a send --------------------------------------------------------------------------------------------------------


def test_the_latest_send_is_found_in_the_journal(smscli: Run) -> None:
    """The vendors' own, not the sandbox's, unless it is asked for."""
    world = World()
    nothing = smscli("status", "--last", **world.of())
    assert (nothing.code, "nothing was sent yet" in nothing.err) == (2, True)
    smscli("send", "Hello", "--to", ONE, **world.of())
    world.seconds += 60
    sent = smscli("send", "Hello again", "--to", NEVER, **world.of())
    world.seconds += 60
    ran = smscli("status", "--last", **world.of())
    assert (ran.code, ran.lines) == (5, [[sent.lines[0][2], "UNDELIVERABLE"]]), ran.err
    assert smscli("status", "--last", "--sandbox", **world.of()).code == 2


def test_a_send_to_the_sandbox_is_known_to_another_process(smscli: Run) -> None:
    """The emulator inside a process forgets with it; its ids do not."""
    world = World()
    smscli("send", "Hello", "--to", ONE, "--sandbox", "--key", "k", **world.of(transport=None, environ={}))
    ran = smscli("status", "--key", "k", "--wait", "-o", "json", **world.of(transport=None, environ={}))
    assert (ran.code, ran.json["data"]["journal"]) == (0, "sandbox"), ran.err
    assert smscli("status", "--last", "--sandbox", **world.of(transport=None, environ={})).code == 0


def test_a_refused_recipient_was_finally_not_delivered(smscli: Run) -> None:
    """It has no id, and the table says why."""
    world = World("mainsms")
    poor = sandbox.transport(sandbox.create_app(clock=lambda: world.seconds, credit={"mainsms": Decimal()}))
    assert smscli("send", "Hello", "--to", "+79121231234", "--key", "k", **world.of(transport=poor)).code == 5
    world.asked.clear()
    ran = smscli("status", "--key", "k", **world.of())
    assert (ran.code, ran.lines, world.asked) == (5, [["", "REJECTED", "+79121231234"]], []), ran.err
    assert "its send ended REFUSED" in ran.err

    def lost(_request: Request, _seconds: float) -> Response:
        raise OutcomeUnknownError("lost")

    assert smscli("send", "Hi", "--to", "+79121231234", "--key", "l", **world.of(transport=lost)).code == 7
    ran = smscli("status", "--key", "l", **world.of())
    assert (ran.code, ran.lines, world.asked) == (6, [["", "UNKNOWN", "+79121231234"]], [])
    assert "journal resolve" in ran.err


def test_what_was_not_sent_is_not_to_be_asked_about_again(smscli: Run) -> None:
    """No question changes that: another run of the send does."""
    world = World()

    def away(_request: Request, _seconds: float) -> Response:
        raise UnreachableError("it refused the connection; nothing was sent")

    assert smscli("send", "Hi", "--to", "+37061234567", "--key", "k", **world.of(transport=away)).code == 6
    ran = smscli("status", "--key", "k", **world.of())
    assert (ran.code, ran.lines) == (6, [["", "UNKNOWN", ONE]])
    assert "the message was not sent" in ran.err
    assert "run the same send again" in ran.err
    assert "later" not in ran.err


def test_a_line_without_id_has_the_number_instead(smscli: Run) -> None:
    """It tells several apart, behind the two columns that every line has; a line with an id is those two alone."""
    world = World()
    poor = sandbox.transport(sandbox.create_app(clock=lambda: world.seconds, credit={"lightsms": Decimal("0.0144")}))
    argv = ("send", "Hello", "--to", f"{ONE},+37061234568,{NEVER}", "--key", "k")
    sent = smscli(*argv, **world.of(transport=poor))
    assert [line[1] for line in sent.lines] == ["SENT", "REFUSED", "REFUSED"]
    ran = smscli("status", "--key", "k", **world.of())
    assert ran.lines == [
        [sent.lines[0][2], "ACCEPTED"], ["", "REJECTED", "+37061234568"], ["", "REJECTED", NEVER],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "words"), [(None, "no answer was read"), ("busy", "no answer was read"), ({}, "not known to the vendor")]
)
def test_an_answer_that_nobody_read_is_not_the_vendors_word(smscli: Run, body: object, words: str) -> None:
    """That it does not know a message it says by leaving it out."""
    argv = ("status", ID, "--timeout", "0.1", "-o", "table")
    ran = smscli(*argv, environ=environment("lightsms"), transport=saying(body))
    assert (ran.code, words in ran.out) == (6, True), ran.out


def test_a_vendor_without_states_is_exit_9(smscli: Run) -> None:
    """By id and by key; nobody is asked. Of a send there is the word of its answer, which is no handset's."""
    world = World("mesajlarim")
    sent = smscli("send", "Hello", "--to", "+905322000000", "--key", "k", **world.of())
    assert sent.code == 0
    world.asked.clear()
    for argv in (("17",), ("--key", "k"), ("--last", "--wait")):
        ran = smscli("status", *argv, **world.of())
        said = [] if argv == ("17",) else [[sent.lines[0][2], "ACCEPTED"]]
        assert (ran.code, ran.lines, world.asked) == (9, said, []), ran.err
        assert "has no delivery states" in ran.err
    tree = smscli("status", "--key", "k", "-o", "json", **world.of()).json
    (message,) = tree["data"]["messages"]
    assert (tree["exit_code"], message["word"], message["final"]) == (9, "delivered", False)


# --- whose account ----------------------------------------------------------------------------------------------------


@pytest.fixture
def profiles(tmp_path: Path) -> dict[str, str]:
    """Two accounts in the profile file, the second one the default."""
    lines = ['default = "second"']
    for name, vendor in (("first", "lightsms"), ("second", "payforsms")):
        demo = sandbox.demo(vendor)
        fields = "".join(f'{key} = "{value}"\n' for key, value in demo.account.fields.items())
        base_url = demo.account.base_url.replace("http:", "https:")
        lines.append(
            f'[profiles.{name}]\nprovider = "{vendor}"\nbase_url = "{base_url}"\nsender = "Demo"\n{fields}'
            f'api_key = "{demo.account.secret.reveal()}"'
        )
    config = tmp_path / "config.toml"
    config.touch(mode=0o600)
    config.write_text("\n".join(lines))
    return {"SMSCLI_CONFIG": str(config)}


def test_the_account_of_the_send_is_asked_not_the_default_one(smscli: Run, profiles: dict[str, str]) -> None:
    """Also when its profile has another name by now; when no profile is that account, nobody is asked."""
    world = World()
    sent = smscli("send", "Hello", "--to", ONE, "--key", "k", "-p", "first", **world.of(environ=profiles))
    assert sent.code == 0, sent.err
    world.seconds += 10
    assert smscli("status", "--key", "k", **world.of(environ=profiles)).code == 0
    config = Path(profiles["SMSCLI_CONFIG"])
    text = config.read_text()
    config.write_text(text.replace("profiles.first", "profiles.renamed"))
    assert smscli("status", "--last", **world.of(environ=profiles)).code == 0
    config.write_text(text.replace('login = "demo"', 'login = "stranger"'))
    world.asked.clear()
    for argv in ((), ("-p", "first"), ("-p", "second")):
        ran = smscli("status", "--key", "k", *argv, **world.of(environ=profiles))
        assert (ran.code, ran.out, world.asked) == (3, "", []), ran.err
        assert "demo of LightSMS" in ran.err


def test_each_account_that_took_a_part_is_asked(smscli: Run, profiles: dict[str, str]) -> None:
    """What a fallback sent is asked of the fallback's vendor."""
    world = World()
    world.speak = sandbox.transport(sandbox.create_app(clock=lambda: world.seconds, credit={"lightsms": Decimal()}))
    argv = ("send", "Hello", "--to", "+79121231234", "-p", "first", "--fallback", "second", "--key", "k")
    assert smscli(*argv, **world.of(environ=profiles)).code == 0
    world.seconds += 10
    ran = smscli("status", "--key", "k", "-o", "json", **world.of(environ=profiles))
    assert ran.code == 0, ran.err
    assert [one["provider"] for one in ran.json["data"]["messages"]] == ["payforsms"]


def test_a_part_that_nobody_tells_of_stays_unknown_and_is_not_waited_for(smscli: Run, profiles: dict[str, str]) -> None:
    """One vendor tells states, the one that took the rest does not."""
    world, demo = World(), sandbox.demo("mesajlarim").account
    credit = {"lightsms": Decimal("0.0144")}
    world.speak = sandbox.transport(sandbox.create_app(clock=lambda: world.seconds, credit=credit))
    fields = "".join(f'{key} = "{value}"\n' for key, value in demo.fields.items())
    with Path(profiles["SMSCLI_CONFIG"]).open("a") as config:
        config.write('\n[profiles.third]\nprovider = "mesajlarim"\nbase_url = "https://sandbox.invalid/omrestapi/"\n')
        config.write(f'{fields}secret = "{demo.secret.reveal()}"\n')
    to = "+905322000000,+905323000000"
    argv = ("send", "Hello", "--to", to, "-p", "first", "--fallback", "third", "--key", "k")
    sent = smscli(*argv, **world.of(environ=profiles))
    assert sent.code == 0, sent.err
    ran = smscli("status", "--key", "k", "--wait", **world.of(environ=profiles))
    assert (ran.code, [line[1] for line in ran.lines]) == (6, ["DELIVERED", "ACCEPTED"]), ran.err
    assert sum(world.pauses) == 5
    assert "Mesajlarim has no delivery states" in ran.err


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_a_wait_ends_when_all_have_ended(smscli: Run) -> None:
    """Asked at once, and again after five seconds; what has ended is not asked about again."""
    world = World()
    smscli("send", "Hello", "--to", f"{ONE},{NEVER}", "--key", "k", **world.of())
    ran = smscli("status", "--key", "k", "--wait", **world.of())
    assert (ran.code, [line[1] for line in ran.lines]) == (5, ["DELIVERED", "UNDELIVERABLE"])
    assert world.waits == [0, 5]


def test_the_pauses_grow_to_a_minute_and_the_wait_ends_in_time(smscli: Run) -> None:
    """The last question is asked two seconds before the end, so that it may be answered."""
    world = World()
    smscli("send", "Hello", "--to", ONE, "--key", "k", "--at", "2031-10-03T17:00:00+03:00", **world.of())
    ran = smscli("status", "--key", "k", "--wait", "--timeout", "5m", **world.of())
    assert (ran.code, ran.lines[0][1]) == (6, "ACCEPTED")
    assert world.waits == [0, 5, 13, 24, 41, 66, 104, 161, 221, 281, 298]
    world.asked.clear()
    assert smscli("status", "--key", "k", **world.of()).code == 6
    assert len(world.waits) == 1


@pytest.mark.parametrize(("words", "most"), [(("--timeout", "9m"), 30), (("--timeout", "4"), 4), ((), 30)])
def test_a_wait_has_its_own_time_and_a_call_the_usual_one(smscli: Run, words: tuple[str, ...], most: float) -> None:
    """``--timeout`` is that of the whole; a call has no more than is left of a short one."""
    given: list[float] = []

    def transport(request: Request, seconds: float) -> Response:
        given.append(seconds)
        return saying({ID: "delivered"})(request, seconds)

    ran = smscli("status", ID, "--wait", *words, environ=environment("lightsms"), transport=transport)
    assert ran.code == 0
    assert most - 1 < max(given) <= most


@pytest.mark.parametrize("seconds", [0.4, 1, 3, 6, 10, 14, 61])
@pytest.mark.parametrize("slow", [0.0, 0.7, 40.0], ids=["at once", "slowly", "too late"])
def test_no_call_and_no_pause_goes_past_the_end_of_a_wait(smscli: Run, seconds: float, slow: float) -> None:
    """Whatever the vendor does: an answer that nobody can read is asked for again, and only while there is time."""
    world, asked = World(), list[float]()

    def transport(request: Request, left: float) -> Response:
        asked.append(world.seconds - NOW)
        assert left <= seconds - asked[-1] + 1e-6
        world.seconds += min(slow, max(left, 0.0))
        if slow > left:
            raise OutcomeUnknownError("no answer in time")
        return saying(None)(request, left)

    ran = smscli("status", ID, "--wait", "--timeout", str(seconds), **world.of(transport=transport))
    assert (ran.code, ran.lines) == (6, [[ID, "UNKNOWN"]]), ran.err
    assert world.seconds - NOW <= seconds + 1e-6
    assert slow > seconds or asked[-1] >= seconds / 4, "it gave up early"


def test_a_question_that_the_end_cuts_short_takes_nothing_back(smscli: Run) -> None:
    """What the vendor has said before is the verdict."""
    world, asked = World(), list[str]()

    def transport(request: Request, left: float) -> Response:
        asked.append(request.url)
        if len(asked) > 2:  # behind the clock and the first answer
            world.seconds += left
            raise OutcomeUnknownError("no answer in time")
        return saying({ID: "sent"})(request, left)

    ran = smscli("status", ID, "--wait", "--timeout", "6", **world.of(transport=transport))
    assert (ran.code, ran.lines) == (6, [[ID, "ENROUTE"]])
    assert "not delivered yet: ENROUTE (sent)" in ran.err


def test_a_vendor_that_is_away_for_a_while_does_not_end_the_wait(smscli: Run) -> None:
    """What was known stays known; only an account that is refused ends it."""
    world = World()
    smscli("send", "Hello", "--to", ONE, "--key", "k", **world.of())
    sent = world.seconds

    def flaky(request: Request, seconds: float) -> Response:
        if world.seconds - sent < 60:
            raise OutcomeUnknownError("the line was cut")
        return world.transport(request, seconds)

    assert smscli("status", "--key", "k", "--wait", **world.of(transport=flaky)).code == 0
    refused = world.of(environ=environment("lightsms", key="wrong"))
    assert smscli("status", "--key", "k", "--wait", **refused).code == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("heeded_signals")
def test_a_signal_ends_the_wait_and_what_is_known_is_shown(smscli: Run, number: signal.Signals) -> None:
    """The status says which signal, unless all has ended anyhow."""
    world = World()
    smscli("send", "Hello", "--to", ONE, "--key", "k", **world.of())

    def sleep(seconds: float) -> None:
        world.sleep(seconds)
        os.kill(os.getpid(), number)

    ran = smscli("status", "--key", "k", "--wait", **world.of(sleep=sleep))
    assert (ran.code, ran.lines[0][1]) == (128 + number, "ACCEPTED")
    assert len(world.pauses) == 1


# --- behind a send ----------------------------------------------------------------------------------------------------

SEND = ("send", "Hello", "--key", "k", "--wait-delivered", "5m", "--to")


def test_a_send_may_wait_for_its_delivery(smscli: Run) -> None:
    """The first question comes after five seconds; a fourth cell has the state."""
    world = World()
    ran = smscli(*SEND, ONE, **world.of())
    assert (ran.code, ran.lines[0][:2], ran.lines[0][3:]) == (0, [ONE, "SENT"], ["DELIVERED"]), ran.err
    assert world.waits == [5]
    ran = smscli(*SEND, ONE, "-o", "json", **world.of())  # a receipt may be asked about as well
    assert (ran.code, ran.json["data"]["replayed"], ran.json["data"]["messages"][0]["word"]) == (0, True, "delivered")
    assert "DELIVERED" in smscli(*SEND, ONE, terminal=True, **world.of()).out


def test_a_key_with_look_alikes_is_warned_of_once(smscli: Run) -> None:
    """By the send; the question behind it goes the same way."""
    world, key = World(), "s\u0435cret"
    accounts = sandbox.demo_accounts()
    accounts["lightsms"] = accounts["lightsms"]._replace(secret=Secret(key))
    world.speak = sandbox.transport(sandbox.create_app(accounts, clock=lambda: world.seconds))
    ran = smscli(*SEND, ONE, **world.of(environ=environment("lightsms", key=key)))
    assert (ran.code, world.waits) == (0, [5]), ran.err
    assert ran.err.count("warning: the key holds Cyrillic letters among Latin ones") == 1
    assert key not in ran.err


def test_a_send_that_never_arrives_is_5_and_one_that_may_still_arrive_is_7(smscli: Run) -> None:
    """Not 6, which says that nothing was sent and it may be sent again."""
    world = World()
    ran = smscli(*SEND, f"{ONE},{NEVER}", **world.of())
    assert (ran.code, [line[3] for line in ran.lines]) == (5, ["DELIVERED", "UNDELIVERABLE"]), ran.err
    late = ("send", "Later", "--to", ONE, "--wait-delivered", "30s", "--at", "2031-10-03T17:00:00+03:00")
    ran = smscli(*late, "--key", "l", **world.of())
    assert (ran.code, ran.lines[0][1], ran.lines[0][3]) == (7, "SENT", "ACCEPTED")
    assert "do not send it again; ask later: smscli status --key l --wait" in ran.err
    ran = smscli(*late, "--no-journal", **world.of())
    assert (ran.code, f"ask later: smscli status --wait {ran.lines[0][2]}" in ran.err) == (7, True)


def test_no_trouble_with_the_question_hides_the_receipt(smscli: Run) -> None:
    """It was accepted, whatever the vendor says afterwards."""
    for body, number in (({"error": 6}, 0), ({"error": 77}, 1), ("busy", 2)):
        world = World()

        def transport(request: Request, seconds: float, world: World = world, body: object = body) -> Response:
            is_state = "status.php" in request.url
            return Response(200, json.dumps(body).encode()) if is_state else world.transport(request, seconds)

        argv = ("send", f"Hello {number}", "--to", ONE, "--wait-delivered", "20s")
        ran = smscli(*argv, **world.of(transport=transport))
        assert (ran.code, ran.lines[0][1], ran.lines[0][3]) == (7, "SENT", "UNKNOWN"), ran.err
        assert "it was accepted, and whether it arrives is not known" in ran.err


def test_a_send_that_did_not_go_out_is_not_waited_for(smscli: Run) -> None:
    """Its status is its own; so is that of one of which some were refused."""
    world = World()
    poor = sandbox.transport(sandbox.create_app(clock=lambda: world.seconds, credit={"lightsms": Decimal("0.0144")}))
    ran = smscli(*SEND, f"{ONE},{NEVER}", **world.of(transport=poor))
    assert (ran.code, [line[1:2] + line[3:] for line in ran.lines]) == (8, [["SENT", "DELIVERED"], ["REFUSED", ""]])
    world.pauses.clear()
    ran = smscli("send", "Hi", "--to", ONE, "--wait-delivered", "5m", **world.of(transport=poor))
    assert (ran.code, world.pauses) == (5, [])


def test_a_vendor_that_never_tells_is_refused_before_the_send(smscli: Run) -> None:
    """Nothing is sent that was to be waited for."""
    world = World("mesajlarim")
    ran = smscli("send", "Hello", "--to", "+905322000000", "--wait-delivered", "5m", **world.of())
    assert (ran.code, ran.out, world.asked) == (9, "", [])
    assert smscli("send", "Hello", "--to", "+905322000000", "--wait-delivered", "x", **world.of()).code == 2


def test_each_account_is_asked_about_what_it_took(smscli: Run, profiles: dict[str, str]) -> None:
    """Behind a fallback as well."""
    world = World()
    world.speak = sandbox.transport(sandbox.create_app(clock=lambda: world.seconds, credit={"lightsms": Decimal()}))
    argv = ("-p", "first", "--fallback", "second", *SEND, "+79121231234")
    ran = smscli(*argv[4:], *argv[:4], **world.of(environ=profiles))
    assert (ran.code, ran.lines[0][3]) == (0, "DELIVERED"), ran.err


@pytest.mark.usefixtures("heeded_signals")
def test_a_signal_ends_the_wait_behind_a_send(smscli: Run) -> None:
    """The receipt is shown."""
    world = World()

    def sleep(seconds: float) -> None:
        world.sleep(seconds)
        os.kill(os.getpid(), signal.SIGTERM)

    ran = smscli(*SEND, ONE, **world.of(sleep=sleep))
    assert (ran.code, ran.lines[0][1], ran.lines[0][3]) == (143, "SENT", "UNKNOWN")


def test_what_nobody_can_be_asked_about_is_not_called_delivered(smscli: Run, profiles: dict[str, str]) -> None:
    """A receipt of an account that takes no part now; and a test, which is never delivered."""
    world = World()
    argv = ("send", "Hello", "--to", "+79121231234", "--key", "k", "--fallback", "second", "-p", "first")
    world.speak = sandbox.transport(sandbox.create_app(clock=lambda: world.seconds, credit={"lightsms": Decimal()}))
    assert smscli(*argv, **world.of(environ=profiles)).code == 0
    world.asked.clear()
    ran = smscli(*argv[:6], "-p", "first", "--wait-delivered", "5m", **world.of(environ=profiles))
    assert (ran.code, ran.lines[0][3], world.pauses) == (7, "UNKNOWN", []), ran.err
    ran = smscli("send", "Hi", "--to", "+79121231234", "--test", "--wait-delivered", "5m", **World("mainsms").of())
    assert (ran.code, ran.out) == (2, "")


def test_half_a_text_is_not_delivered() -> None:
    """Parts that have an id each: the one that never arrives decides."""
    one, two = items_of(Submission(MSISDN("37061234567"), Outcome.SENT, "17,18"), "acme")
    assert (one.report.id, two.report.id) == ("17", "18")
    arrived = one._replace(report=DeliveryReport("17", DeliveryState.DELIVERED, "ok"))
    lost = two._replace(report=DeliveryReport("18", DeliveryState.EXPIRED, "late"))
    assert verdict([arrived], None) is None
    error = verdict([arrived, lost], None)
    assert error
    assert (int(error.exit_code), error.message) == (5, "of 2 messages 1 finally not delivered: EXPIRED (late)")


# --- what is kept -----------------------------------------------------------------------------------------------------


def kept(smscli: Run, world: World, key: str = "k") -> list[Any]:
    """Return what the journal knows of the delivery of each recipient."""
    tree = smscli("journal", "show", key, "-o", "json", **world.of()).json
    return [
        one["delivery"] and (one["delivery"]["state"], one["delivery"]["word"]) for one in tree["data"]["recipients"]
    ]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets how many messages are told of each time that the journal learns something."""
    real, told = Journal.learn, list[int]()

    def learn(self: Journal, key: str, news: Any) -> None:
        told.append(len(news))
        real(self, key, news)

    monkeypatch.setattr(Journal, "learn", learn)
    return told


def test_what_a_question_brought_is_kept(smscli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most once a question, and only what is new."""
    world, told = World(), counted(monkeypatch)
    smscli("send", "Hello", "--to", f"{ONE},{NEVER}", "--key", "k", **world.of())
    assert kept(smscli, world) == [None, None]
    for which in (("--last",), ("--key", "k")):
        assert smscli("status", *which, **world.of()).code == 6
        assert kept(smscli, world) == [("ACCEPTED", "pending")] * 2
    assert told == [2]
    assert smscli("status", "--last", "--wait", **world.of()).code == 5
    assert kept(smscli, world) == [("DELIVERED", "delivered"), ("UNDELIVERABLE", "not_deliver")]
    assert told == [2, 2]
    smscli("status", "--key", "k", **world.of())
    assert told == [2, 2]
    entries = smscli("journal", "list", "-o", "json", **world.of()).json["data"]["entries"]
    assert entries[0]["delivery"] == {
        "state": "DELIVERED", "final": True, "word": "delivered", "at": None,
        "learnt": datetime.fromtimestamp(NOW + 5, UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    for command in (("show", "k"), ("list",)):
        assert "UNDELIVERABLE" in smscli("journal", *command, terminal=True, **world.of()).out
    assert smscli("journal", "show", "k", **world.of()).lines[0][-1] == "DELIVERED"
    assert "delivered" in smscli("journal", "list", "-o", "xml", **world.of()).out


def test_what_a_wait_behind_a_send_brought_is_kept(smscli: Run) -> None:
    """Of each account that took a part."""
    world = World()
    assert smscli(*SEND, ONE, **world.of()).code == 0
    assert kept(smscli, world) == [("DELIVERED", "delivered")]
    late = ("send", "Later", "--to", ONE, "--wait-delivered", "9s", "--at", "2031-10-03T17:00:00+03:00", "--key", "l")
    assert smscli(*late, **world.of()).code == 7
    assert kept(smscli, world, "l") == [("ACCEPTED", "pending")]


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        ("2024-11-28 18:00:07", 7),  # in Vilnius, at +02:00
        ("2024-11-28T18:00", 0),
        ("2024-11-28", None),
        ("2024-11-28 19:00:07", None),  # after the question: the zone must be another one
        ("2024-11-28 17:00:07", None),  # before the send
        ("2024-11-28 25:00:07", None),
    ],
)
def test_the_vendors_own_time_is_believed_where_it_can_be(
    smscli: Run, tmp_path: Path, at: str, seconds: float | None
) -> None:
    """It names no zone: a time before the send or after the question was read wrongly."""
    world, noon = World(), NOW - NOW % 3600
    world.seconds = noon
    sent = smscli("send", "Hello", "--to", ONE, "--key", "k", **world.of())
    world.seconds += 600
    body = {sent.lines[0][2]: {"status": "deliver", "time": at}}
    ran = smscli("status", "--key", "k", **world.of(transport=saying(body)))
    assert ran.code == 0, ran.err
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: noon) as journal:
        (row,) = journal.show("k")[0].deliveries
    assert row.at == at
    assert row.ended == (None if seconds is None else noon + seconds)


def test_a_message_that_the_vendor_does_not_know_stays_as_it_was(smscli: Run) -> None:
    """It may forget after some weeks; what was final is final."""
    world = World()
    sent = smscli(*SEND, ONE, **world.of())
    for body in ({}, {sent.lines[0][2]: "pending"}, {sent.lines[0][2]: "queued somewhere"}):
        smscli("status", "--key", "k", **world.of(transport=saying(body)))
        assert kept(smscli, world) == [("DELIVERED", "delivered")]


@pytest.mark.parametrize("argv", [("status", "--key", "k", "--wait"), (*SEND, ONE)])
def test_a_journal_that_cannot_be_written_does_not_hide_what_was_learnt(
    smscli: Run, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    """One line says so, whatever is asked; states and exit status are as they were."""
    world = World()
    assert smscli("send", "Hello", "--key", "k", "--to", ONE, **world.of()).code == 0
    path = tmp_path / "state" / "journal.sqlite3"

    def harm(layout: int) -> None:
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"PRAGMA user_version = {layout}")

    def transport(request: Request, seconds: float) -> Response:
        harm(99)
        return world.transport(request, seconds)

    ran = smscli(*argv, **world.of(transport=transport))
    assert (ran.code, [line[-1] for line in ran.lines]) == (0, ["DELIVERED"]), ran.err
    assert ran.err.count("where the messages stand is shown, but not recorded: the journal ") == 1
    harm(5)
    assert kept(smscli, world) == [None]


def test_a_list_of_people_keeps_the_word_of_each_answer(smscli: Run, tmp_path: Path) -> None:
    """Where answers to a send name states; of other vendors it keeps nothing of its own accord."""
    world = World("mesajlarim")
    (tmp_path / "list.csv").write_text("to\n+905322000000\n")
    ran = smscli("bulk", str(tmp_path / "list.csv"), "Hello", "--yes", "--key", "k", **world.of())
    assert ran.code == 0, ran.err
    assert kept(smscli, world) == [("ACCEPTED", "delivered")]
    ran = smscli("status", "--key", "k", **world.of())
    assert (ran.code, ran.lines[0][1]) == (9, "ACCEPTED")
    other = World()
    assert smscli("bulk", str(tmp_path / "list.csv"), "Hello", "--yes", "--key", "o", **other.of()).code == 0
    assert kept(smscli, other, "o") == [None]

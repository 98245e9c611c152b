"""``send --fallback`` and ``--retry-for`` from argv to two vendors on loopback: who takes it, and what is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Ran
from tests.vendor import Step, Vendor, refusing_port
from tests.vendors import environment, numbers

Run = Callable[..., Ran]
BINARY = Path(sys.executable).with_name("smscli")

RUSSIA = numbers("mainsms")[0]
"""One that LightSMS and MainSMS take, and Mesajlarim does not."""
LITHUANIA = numbers("lightsms")[0]
TURKEY = numbers("mesajlarim")[0]

NO_FUNDS = Step(body='{"error":"32"}', book=False)
ON_STOP_LIST = Step(body='{"error":"13"}', book=False)
LOST = Step(cut=0, then="fin")


@dataclass
class Shop:
    """Profiles of two vendors on loopback, and the commands run with them."""

    smscli: Run
    vendor: Vendor
    folder: Path
    profiles: dict[str, dict[str, object]]

    def profile(self, name: str, vendor: str, step: Step | None = None, **more: object) -> None:
        """Add or replace a profile; ``step`` is what the vendor does to each of its sends."""
        values = {**environment(vendor), "SMSCLI_BASE_URL": self.vendor.url(vendor, step)}
        settings = {key.removeprefix("SMSCLI_").lower(): value for key, value in values.items() if value}
        self.profiles[name] = {**settings, **more}
        lines = ['default = "first"']
        for each, own in self.profiles.items():
            lines += [f"[profiles.{each}]", *(f"{key} = {json.dumps(value)}" for key, value in own.items())]
        config = self.folder / "config.toml"
        config.touch(0o600)
        config.write_text("\n".join([*lines, ""]))

    def send(self, *argv: str, to: Sequence[str] = (RUSSIA,), text: str = "disk full", **world: object) -> Ran:
        """Send to Russia."""
        recipients = [word for number in to for word in ("--to", number)]
        return self.smscli("send", *recipients, *argv, text, sleep=lambda _seconds: None, **world)

    def taken(self) -> list[tuple[str, str]]:
        """Return vendor and recipient of all that was accepted."""
        return [(one.provider, one.recipient) for one in self.vendor.oracle()]


@pytest.fixture
def shop(smscli: Run, tmp_path: Path) -> Iterator[Shop]:
    """LightSMS first, MainSMS second, both well."""
    with Vendor(oracle=tmp_path / "oracle") as vendor:
        made = Shop(smscli, vendor, tmp_path, {})
        made.profile("first", "lightsms")
        made.profile("second", "mainsms")
        yield made


# --- who takes it -----------------------------------------------------------------------------------------------------


def test_the_next_profile_takes_what_the_first_could_not(shop: Shop) -> None:
    """The result names who took it, stderr says that it changed hands and why, the journal shows both."""
    shop.profile("first", "lightsms", NO_FUNDS)
    ran = shop.send("--fallback", "second", "--key", "k", "-o", "json")
    assert ran.code == 0, ran
    (recipient,) = ran.json["data"]["recipients"]
    assert (recipient["outcome"], recipient["provider"]) == ("SENT", "mainsms")
    assert recipient["profile"] == "second"
    assert f"{RUSSIA} now through MainSMS: error 32: not enough funds" in ran.err
    shown = shop.smscli("journal", "show", "k", "-o", "json")
    attempts = shown.json["data"]["recipients"][0]["attempts"]
    assert [(one["provider"], one["state"]) for one in shown.json["data"]["recipients"][0]["history"]] == [
        ("lightsms", "REFUSED"), ("mainsms", "SENT"),
    ]  # fmt: skip
    assert attempts == 2
    assert "attempt 1 through lightsms " in shop.smscli("journal", "show", "k").err
    assert shop.taken() == [("mainsms", RUSSIA[1:])]


def test_a_profile_names_its_own_fallbacks(shop: Shop) -> None:
    """``send "disk full"`` is enough in cron; a table says by whom it was accepted."""
    with refusing_port() as port:
        shop.profile("first", "lightsms", base_url=f"http://127.0.0.1:{port}/", fallback=["second"], to=[RUSSIA])
        ran = shop.smscli("send", "disk full", "-o", "table", sleep=lambda _seconds: None)
    assert ran.code == 0, ran
    assert ran.out.startswith("accepted by MainSMS")
    assert "LightSMS" not in ran.out


def test_plain_lines_stay_as_they_are(shop: Shop) -> None:
    """Number, outcome, id: scripts read them."""
    shop.profile("first", "lightsms", NO_FUNDS)
    ((number, outcome, message_id),) = shop.send("--fallback", "second").lines
    assert (number, outcome) == (RUSSIA, "SENT")
    assert message_id.isdigit()


def test_a_table_says_who_accepted_and_who_refused(shop: Shop) -> None:
    """Each vendor with what it did, and a column for it."""
    other = numbers("mainsms")[1]
    shop.profile("first", "lightsms", Step(body=json.dumps({RUSSIA[1:]: {"error": 13}, other[1:]: {"error": 31}})))
    ran = shop.send("--fallback", "second", "-o", "table", to=(RUSSIA, other))
    assert ran.code == 8, ran
    assert "1 accepted by MainSMS, 1 refused by LightSMS" in ran.out


@pytest.mark.parametrize(("step", "code"), [(LOST, 7), (ON_STOP_LIST, 5)])
def test_what_may_have_gone_out_or_is_the_number_s_own_fault_stays(step: Step, code: int, shop: Shop) -> None:
    """The second vendor hears nothing of it."""
    shop.profile("first", "lightsms", step)
    assert shop.send("--fallback", "second", "--retry-for", "10m").code == code
    assert {request.path for request in shop.vendor.seen.requests if "mainsms" in request.path} == set()
    assert [vendor for vendor, _ in shop.taken() if vendor == "mainsms"] == []


def test_the_status_is_that_of_the_last_word(shop: Shop) -> None:
    """No funds with both: 5. A wrong key with the last: 4. Out of reach: 6, and another run is safe."""
    shop.profile("first", "lightsms", NO_FUNDS)
    for body, code in (('{"status":"error","error":"7"}', 5), ('{"status":"error","error":"2"}', 4)):
        shop.profile("second", "mainsms", Step(body=body, book=False))
        assert shop.send("--fallback", "second", "--key", f"k{code}").code == code
    with refusing_port() as port:
        shop.profile("second", "mainsms", base_url=f"http://127.0.0.1:{port}/")
        assert shop.send("--fallback", "second", "--key", "k6").code == 6
    shop.profile("second", "mainsms")
    assert shop.send("--fallback", "second", "--key", "k6").code == 0
    assert len(shop.taken()) == 1


def test_three_may_stand_in_a_row(shop: Shop) -> None:
    """In the order of the command line."""
    shop.profile("first", "lightsms", NO_FUNDS)
    shop.profile("second", "mainsms", Step(body='{"status":"error","error":"7"}', book=False))
    shop.profile("third", "payforsms", project="other")
    ran = shop.send("--fallback", "second", "--fallback", "third", "-o", "json")
    assert ran.code == 0, ran
    assert ran.json["data"]["recipients"][0]["provider"] == "payforsms"


# --- once, and only once ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [("--fallback", "second"), ()])
def test_another_run_of_the_key_is_a_receipt(again: tuple[str, ...], shop: Shop) -> None:
    """With the fallback or without it; and it says who took it."""
    shop.profile("first", "lightsms", NO_FUNDS)
    shop.send("--fallback", "second", "--key", "k")
    ran = shop.send(*again, "--key", "k", "-o", "table")
    assert ran.code == 0, ran
    assert "accepted by MainSMS" in ran.out
    assert "this is its receipt, nothing was sent now" in ran.err
    assert "refused" not in ran.err
    assert len(shop.taken()) == 1


def test_the_receipt_of_a_refusal_says_how_it_is_sent_again(shop: Shop) -> None:
    """Its hint still names the cause, which may be mended since."""
    shop.profile("first", "lightsms", NO_FUNDS)
    refused = shop.send("--key", "k")
    again = shop.send("--key", "k")
    assert (refused.code, again.code, shop.taken()) == (5, 5, [])
    assert "under another --key" not in refused.err
    assert "whoever was refused is sent to again, once the cause is mended, under another --key" in again.err
    assert "receipt" not in shop.send("--key", "k2").err


def test_the_two_swapped_are_another_content(shop: Shop) -> None:
    """A key belongs to the account that is asked first: exit 9, and nothing is sent."""
    shop.profile("first", "lightsms", NO_FUNDS)
    shop.send("--fallback", "second", "--key", "k")
    ran = shop.send("-p", "second", "--fallback", "first", "--key", "k")
    assert ran.code == 9
    assert len(shop.taken()) == 1


def test_once_holds_for_both(shop: Shop) -> None:
    """What the fallback took within the hour is not sent again by the first."""
    shop.profile("first", "lightsms", NO_FUNDS)
    assert shop.send("--fallback", "second", "--once", "1h").code == 0
    again = shop.send("--fallback", "second", "--once", "1h")
    assert again.code == 0
    assert "it was not sent again" in again.err
    assert len(shop.taken()) == 1


def test_once_takes_up_what_nobody_took(shop: Shop) -> None:
    """What the first refused is handed on under the key that it has, and no receipt calls that a replay."""
    shop.profile("first", "lightsms", NO_FUNDS)
    assert shop.send("--once", "1h").code == 5
    ran = shop.send("--once", "1h", "--fallback", "second", "-o", "json")
    assert (ran.code, ran.json["data"]["replayed"]) == (0, False), ran
    assert "not sent again" not in ran.err
    assert shop.send("--once", "1h", "--fallback", "second", "-o", "json").json["data"]["replayed"] is True
    assert len(shop.taken()) == 1


def test_a_decision_is_taken_up_by_any(shop: Shop) -> None:
    """UNKNOWN until somebody says that it was not sent."""
    shop.profile("first", "lightsms", Step(cut=0, then="fin", book=False))
    assert shop.send("--fallback", "second", "--key", "k").code == 7
    assert shop.send("--fallback", "second", "--key", "k").code == 7
    shop.smscli("journal", "resolve", "k", "--not-sent")
    shop.profile("second", "mainsms")
    with_second = shop.send("--fallback", "second", "--key", "k")
    assert with_second.code == 7, "the first vendor is asked first, and still loses its answers"
    assert shop.taken() == []


def test_nothing_is_kept_without_a_journal(shop: Shop) -> None:
    """And the fallback works."""
    shop.profile("first", "lightsms", NO_FUNDS)
    assert shop.send("--fallback", "second", "--no-journal").code == 0
    assert len(shop.taken()) == 1


# --- said before the first send ---------------------------------------------------------------------------------------


def test_whom_the_next_vendor_cannot_take_is_said_first(shop: Shop) -> None:
    """The first line of stderr; they stay where they are, and the others go on."""
    shop.profile("first", "lightsms", NO_FUNDS)
    shop.profile("turkey", "mesajlarim")
    ran = shop.send("--fallback", "turkey", "-o", "json", to=(RUSSIA, TURKEY))
    assert ran.err.splitlines()[0].startswith("smscli: turkey cannot take 1 recipient: ")
    outcomes = {one["to"]: (one["outcome"], one["provider"]) for one in ran.json["data"]["recipients"]}
    assert outcomes == {RUSSIA: ("REFUSED", "lightsms"), TURKEY: ("SENT", "mesajlarim")}


@pytest.mark.parametrize("option", [("--test",), ("--at", "2031-10-03T17:00:00+03:00")])
def test_a_vendor_without_that_is_left_out_and_it_is_said(option: tuple[str, ...], shop: Shop) -> None:
    """An alert must not stay at home because its last resort has no test mode or no schedule."""
    shop.profile("first", "mainsms")
    shop.profile("turkey", "mesajlarim")
    ran = shop.send("--fallback", "turkey", *option)
    assert ran.code == 0, ran
    assert ran.err.splitlines()[0].startswith("smscli: turkey cannot take 1 recipient: Mesajlarim has no ")
    assert [vendor for vendor, _ in shop.taken()] == ["mainsms"]


def test_a_dry_run_shows_the_whole_plan(shop: Shop) -> None:
    """Each profile, its requests, and whom it cannot take; nothing leaves, and no key is shown."""
    shop.profile("second", "mainsms", sender="Backup")
    shop.profile("turkey", "mesajlarim")
    ran = shop.send("--fallback", "second", "--fallback", "turkey", "--dry-run", "-o", "json")
    second, turkey = ran.json["data"]["fallbacks"]
    assert (second["profile"], second["provider"], second["sender"]) == ("second", "mainsms", "Backup")
    assert {"name": "sender", "value": "Backup"} in second["requests"][0]["form"]
    assert (turkey["cannot_take"], turkey["requests"]) == ([RUSSIA], [])
    assert shop.vendor.seen.connections == 0
    assert not any(environment(vendor)["SMSCLI_API_KEY"] in ran.out for vendor in ("lightsms", "mainsms"))
    lines = shop.send("--fallback", "second", "--fallback", "turkey", "--dry-run").lines
    assert ["fallback", "second", "mainsms"] in lines
    assert ["cannot take", "turkey", RUSSIA] in lines


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "is an account that is tried before it"),
        ({"sandbox": True}, "is an emulator, and the first one is not"),
        ({"api_key": ""}, "api_key"),
    ],
)
def test_a_fallback_that_is_none_is_exit_3(settings: dict[str, object], words: str, shop: Shop) -> None:
    """The same account twice, an emulator beside a vendor, a secret that is missing: nothing is sent."""
    shop.profile("same", "mainsms" if "api_key" in settings else "lightsms", None, **settings)
    ran = shop.send("--fallback", "same")
    assert ran.code == 3, ran
    assert words in ran.err
    assert shop.vendor.seen.connections == 0


def test_a_profile_that_does_not_exist_is_exit_3(shop: Shop) -> None:
    """It is named."""
    ran = shop.send("--fallback", "nobody")
    assert ran.code == 3
    assert "nobody" in ran.err


def test_a_fallback_that_cannot_stand_in_is_found_by_a_check(shop: Shop) -> None:
    """Not at three in the morning: one that does not exist, one without its key; a sound one is no problem."""
    shop.profile("first", "lightsms", fallback=["second"])
    assert shop.smscli("profile", "check").code == 0
    shop.profile("poor", "mainsms", api_key="")
    shop.profile("first", "lightsms", fallback=["second", "nobody", "poor"])
    ran = shop.smscli("profile", "check")
    assert ran.code == 3
    assert "fallback nobody: " in ran.err
    assert "fallback poor: " in ran.err
    assert "fallback second" not in ran.err


def test_the_same_profile_twice_is_once(shop: Shop) -> None:
    """A repeated word means nothing more."""
    shop.profile("first", "lightsms", NO_FUNDS)
    assert shop.send("--fallback", "second", "--fallback", "second").code == 0


@pytest.mark.parametrize("plan", [(), ("--dry-run",)])
def test_the_same_account_at_another_host_takes_over_no_refusal_and_it_is_said(
    plan: tuple[str, ...], shop: Shop
) -> None:
    """The refusal is the account's; what could not be sent may leave by the other host."""
    shop.profile("first", "lightsms", NO_FUNDS)
    elsewhere = shop.vendor.url("lightsms").replace("127.0.0.1", "localhost")
    shop.profile("spare", "lightsms", base_url=elsewhere)
    ran = shop.send("--fallback", "spare", *plan)
    assert (ran.code, shop.taken()) == (0 if plan else 5, [])
    assert "at another host: it takes over what could not be sent, and not what was refused" in ran.err
    with refusing_port() as port:
        shop.profile("first", "lightsms", base_url=f"http://127.0.0.1:{port}/")
        assert plan or shop.send("--fallback", "spare").code == 0


def test_the_smallest_crowd_that_wants_a_yes_counts(shop: Shop) -> None:
    """Limits are each profile's own: what one of them would ask for is asked for."""
    shop.profile("second", "mainsms", confirm_above=1)
    crowd = numbers("mainsms")[:2]
    assert shop.send("--fallback", "second", to=crowd, stdin=b"").code == 9
    assert shop.send("--fallback", "second", "--yes", to=crowd).code == 0


def test_the_sandbox_stands_in_for_all_of_them(shop: Shop) -> None:
    """With --sandbox both accounts are emulated, and no vendor is reached."""
    ran = shop.send("--sandbox", "--fallback", "second", "--key", "k", "-o", "table")
    assert ran.code == 0, ran
    assert "accepted by the emulator of LightSMS" in ran.out
    assert shop.vendor.seen.connections == 0


# --- patience ---------------------------------------------------------------------------------------------------------


def test_patience_goes_round_until_somebody_takes_it(shop: Shop) -> None:
    """A vendor that comes back after a minute gets it, once."""
    with refusing_port() as port:
        shop.profile("first", "lightsms", base_url=f"http://127.0.0.1:{port}/")
        shop.profile("second", "mainsms", base_url=f"http://127.0.0.1:{port}/")
        waits: list[float] = []

        def now() -> float:
            return sum(waits)

        ran = shop.smscli(
            "send", "--to", RUSSIA, "--fallback", "second", "--retry-for", "1m", "hi",
            sleep=waits.append, monotonic=now,
        )  # fmt: skip
    assert ran.code == 6, ran
    assert sum(waits) > 20
    assert "not sent, again in" in ran.err
    assert "now through MainSMS" in ran.err


@pytest.mark.parametrize("time", ["soon", "-1m", ""])
def test_a_time_that_is_none_is_exit_2(time: str, shop: Shop) -> None:
    """Nothing is sent."""
    assert shop.send(f"--retry-for={time}").code == 2
    assert shop.vendor.seen.connections == 0


@pytest.mark.usefixtures("heeded_signals")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_waiting_cleanly(kind: signal.Signals, shop: Shop) -> None:
    """The status is the signal's, the journal says that nothing was sent, and another run may send it."""
    with refusing_port() as port:
        shop.profile("first", "lightsms", base_url=f"http://127.0.0.1:{port}/", timeout=0.2, clock="local")
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(shop.folder),
            "SMSCLI_CONFIG": str(shop.folder / "config.toml"),
            "SMSCLI_STATE_DIR": str(shop.folder / "state"),
        }
        argv = [str(BINARY), "send", "--to", RUSSIA, "--retry-for", "10m", "--key", "k", "disk full"]
        with subprocess.Popen(
            argv, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            assert any("again in" in line for line in process.stderr)
            process.send_signal(kind)
            out, err = process.communicate(timeout=10)
        assert (process.returncode, "Traceback" in err) == (128 + kind, False), err
        assert "no request is running just now" in err
        assert out.split("\t")[:2] == [RUSSIA, "NOT_SENT"]
        shop.profile("second", "mainsms")
        assert shop.send("--fallback", "second", "--key", "k").code == 0
    assert len(shop.taken()) == 1

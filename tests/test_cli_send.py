"""``smscli send`` from argv and stdin to a complete message; and the two questions, balance and timestamp."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smscli.wire import Response
from tests.conftest import Ran

Run = Callable[..., Ran]

BINARY = Path(sys.executable).with_name("smscli")
LITHUANIA = "+37061234567"


@pytest.fixture
def send(smscli: Run) -> Run:
    """Send to the sandbox, dry, and give back what would be signed."""

    def call(*argv: str, **world: object) -> Ran:
        return smscli("send", "--sandbox", "--dry-run", "-o", "json", *argv, **world)

    return call


def field(ran: Ran, name: str) -> str:
    """Return one field of the first request that would be sent."""
    request = ran.json["data"]["requests"][0]
    return str(next(pair["value"] for pair in (*request["query"], *request["form"]) if pair["name"] == name))


# --- the text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "stdin", "text"),
    [
        (("hello",), b"ignored", "hello"),
        ((), b"from a pipe\n", "from a pipe"),
        (("-",), b"from a pipe", "from a pipe"),
        (("--text-file", "-"), b"two\nlines\n", "two\nlines"),
        (("--", "-5 degrees"), None, "-5 degrees"),
        ((), b"\xef\xbb\xbfwith a mark\r\n", "with a mark"),
        ((), b"one\r\ntwo", "one\ntwo"),
        (("ends with a break\n",), None, "ends with a break\n"),
    ],
    ids=["argument", "pipe", "dash", "file-dash", "leading-dash", "bom", "crlf", "argument-as-it-is"],
)
def test_the_text_comes_from_one_place(send: Run, argv: tuple[str, ...], stdin: bytes | None, text: str) -> None:
    """What is signed is what was meant: one line break at the end of a pipe is not part of it."""
    ran = send("--to", LITHUANIA, *argv, stdin=stdin)
    assert field(ran, "text") == text, ran.err


def test_a_text_file_is_read(send: Run, tmp_path: Path) -> None:
    """The text stays out of the process list."""
    (tmp_path / "text").write_text("Žalia 😀\n")
    assert field(send("--to", LITHUANIA, "--text-file", str(tmp_path / "text")), "text") == "Žalia 😀"


@pytest.mark.parametrize(
    ("argv", "stdin", "words"),
    [
        ((), None, "no text"),
        ((), b"", "empty"),
        ((" \n ",), None, "empty"),
        (("a\0b",), None, "NUL"),
        ((), b"a\xff", "not UTF-8 (byte 1)"),
        (("a\udcff",), None, "not UTF-8"),
        (("x", "--text-file", "y"), None, "both TEXT and --text-file"),
        (("--text-file", "/nonexistent"), None, "cannot read --text-file"),
        ((), b"x" * 70_000, "longer than 65536 bytes"),
    ],
)
def test_a_text_that_is_none_is_exit_2(send: Run, argv: tuple[str, ...], stdin: bytes | None, words: str) -> None:
    """Each says what was wrong; nothing is signed."""
    ran = send("--to", LITHUANIA, *argv, stdin=stdin)
    assert ran.code == 2
    assert words in ran.err


def test_stdin_is_not_touched_when_it_is_neither_a_pipe_nor_a_file() -> None:
    """In cron stdin is /dev/null, under some supervisors a socket: no text is an error at once, never a wait."""
    done = subprocess.run(
        [BINARY, "send", "--sandbox", "--to", LITHUANIA], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, "no text" in done.stderr) == (2, True), done.stderr


def test_on_a_terminal_a_missing_text_is_an_error_not_a_wait() -> None:
    """Nobody knows that a silent program waits for a text."""
    there, here = pty.openpty()
    try:
        done = subprocess.run(
            [BINARY, "send", "--sandbox", "--to", LITHUANIA], stdin=here, capture_output=True, text=True, timeout=30,
            check=False,
        )  # fmt: skip
    finally:
        os.close(there)
        os.close(here)
    assert done.returncode == 2


# --- the recipients ---------------------------------------------------------------------------------------------------


def test_recipients_may_be_repeated_options_or_comma_lists(send: Run) -> None:
    """Both ways at once, spaces allowed; a number that comes twice is sent to once, and that is said."""
    ran = send("x", "--to", f"{LITHUANIA}, +37061234568", "-t", "+370 612 34567")
    assert field(ran, "phone") == "37061234567,37061234568"
    assert "1 repeated number" in ran.err


def test_recipients_may_come_from_a_file_of_numbers(send: Run, tmp_path: Path) -> None:
    """One a line or between commas, with comments; beside others; what was repaired is said."""
    listed = tmp_path / "on-call, all.txt"
    listed.write_text("# on call\n+37061234568 # Jo\n\n370 612 34569, '+37061234570\n")
    ran = send("x", "--to", f"@{listed}", "-t", LITHUANIA)
    assert field(ran, "phone") == "37061234568,37061234569,37061234570,37061234567"
    assert 'row 3 (line 4): "\'+37061234570" is +37061234570: an apostrophe before the number was left out' in ran.err


def test_a_file_of_numbers_is_refused_with_every_entry_that_is_none(send: Run, tmp_path: Path) -> None:
    """All at once, and before anything is sent."""
    listed = tmp_path / "numbers"
    listed.write_text("+37061234568\nJo\n3.7E+10\n")
    ran = send("x", "--to", f"@{listed}")
    assert (ran.code, ran.json["error"]["message"]) == (2, f"--to '@{listed}': 2 of 3 entries are no phone numbers")
    assert [problem[:10] for problem in ran.json["error"]["problems"]] == ["row 2: 'Jo", "row 3: '3."]


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), (b"", "list is empty"), (b"# nobody\n", "nobody to send to"), (b"PK\x03\x04", "workbook")],
)  # fmt: skip
def test_a_file_without_numbers_sends_to_nobody(send: Run, tmp_path: Path, content: bytes | None, why: str) -> None:
    """Not to the profile's own recipients either."""
    listed = tmp_path / "numbers"
    if content is not None:
        listed.write_bytes(content)
    ran = send("x", "--to", f"@{listed}")
    assert (ran.code, why in ran.err) == (2, True), ran.err


def test_the_profiles_region_reads_national_numbers(smscli: Run) -> None:
    """8 612 34567 is how Lithuania dials it."""
    environ = {
        "SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "l", "SMSCLI_API_KEY": "k", "SMSCLI_SENDER": "Demo",
        "SMSCLI_REGION": "LT",
    }  # fmt: skip
    ran = smscli("send", "x", "--to", "8 612 34567", "--dry-run", "-o", "json", environ=environ)
    assert field(ran, "phone") == "37061234567", ran.err


def test_the_profiles_recipients_serve_when_none_are_given(smscli: Run, tmp_path: Path) -> None:
    """`smscli send "disk full"` is enough in cron."""
    config = tmp_path / "config.toml"
    config.touch(mode=0o600)
    config.write_text(
        'default = "ops"\n[profiles.ops]\nprovider = "lightsms"\nlogin = "l"\napi_key = "k"\nsender = "Demo"\n'
        f'to = ["{LITHUANIA}"]\n'
    )
    ran = smscli("send", "disk full", "--dry-run", "-o", "json")
    assert field(ran, "phone") == "37061234567", ran.err


def test_nobody_to_send_to_is_exit_2(send: Run) -> None:
    """It says where a recipient could come from."""
    ran = send("x")
    assert (ran.code, "--to NUMBER" in ran.err) == (2, True)


def test_an_unassigned_number_only_warns(send: Run) -> None:
    """Numbering plans grow faster than the library's releases."""
    ran = send("x", "--to", "+37010000000")
    assert (ran.code, "does not assign it" in ran.err) == (0, True), ran.err


# --- limits and times -------------------------------------------------------------------------------------------------


def test_a_text_of_too_many_parts_is_refused_with_its_measure(send: Run) -> None:
    """One curly quote makes a message twice as dear: the guard says which alphabet it became."""
    ran = send("’" + "x" * 100, "--to", LITHUANIA, "--max-parts", "1")
    assert ran.code == 9
    assert "2 parts" in ran.err
    assert "UCS-2, 101 units" in ran.err


def test_many_recipients_want_a_yes(smscli: Run) -> None:
    """Thousands have been texted by mistake: without a terminal the guard refuses, with --yes it sends."""
    many = ",".join(f"+3706{index:07}" for index in range(1000000, 1000101))
    argv = ("send", "--sandbox", "x", "--to", many, "--no-journal")
    refused = smscli(*argv, stdin=b"")
    assert (refused.code, "--yes" in refused.err, refused.out) == (9, True, "")
    sent = smscli(*argv, "--yes", "-q")
    assert (sent.code, len(sent.lines)) == (0, 101), sent.err


@pytest.mark.parametrize(
    ("at", "there"),
    [("2031-10-03T17:00:00+03:00", "2031-10-03 17:00"), ("2031-10-03T14:00Z", "2031-10-03 17:00")],
)
def test_a_time_is_told_to_the_vendor_in_its_own_zone(send: Run, at: str, there: str) -> None:
    """LightSMS takes wall-clock time without an offset; the note says which zone was assumed."""
    ran = send("x", "--to", LITHUANIA, "--at", at)
    assert field(ran, "sendingTime") == there, ran.err
    assert "Europe/Vilnius" in ran.err


@pytest.mark.parametrize("at", ["tomorrow", "2031-13-01", "2001-01-01 10:00", "9999-12-31T23:59:59-23:59"])
def test_a_time_that_is_none_or_past_is_exit_2(send: Run, at: str) -> None:
    """Vendors would send a text of the past at once."""
    assert send("x", "--to", LITHUANIA, "--at", at).code == 2


@pytest.mark.parametrize("option", [("--at", "2031-10-03 17:00"), ("--test",)])
def test_what_a_vendor_cannot_do_is_exit_9(send: Run, option: tuple[str, ...]) -> None:
    """Mesajlarim knows neither schedule nor test mode; guessing would send for real."""
    assert send("x", "--provider", "mesajlarim", "--to", "+905321000000", *option).code == 9


@pytest.mark.parametrize("zone", [None, "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
@pytest.mark.parametrize("at", ["9999-12-31T23:59:59Z", "9999-12-31T00:00:00+14:00", "9999-01-01 00:00"])
def test_a_time_that_no_calendar_holds_everywhere_is_exit_2(smscli: Run, at: str, zone: str | None) -> None:
    """The last moments of the year 9999 are beyond the end of it in some zones."""
    environ = {
        "SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "l", "SMSCLI_API_KEY": "k", "SMSCLI_SENDER": "Demo",
        **({"SMSCLI_TIME_ZONE": zone} if zone else {}),
    }  # fmt: skip
    ran = smscli("send", "x", "--to", LITHUANIA, "--dry-run", "--at", at, environ=environ)
    assert (ran.code, "--at" in ran.err, "hint: " in ran.err) == (2, True, True), ran.err
    ran = smscli("send", "x", "--to", LITHUANIA, "--dry-run", "--at", "9998-12-31T23:59:59Z", environ=environ)
    assert ran.code == 0, ran.err


# --- balance and timestamp --------------------------------------------------------------------------------------------


def test_mesajlarim_counts_free_messages_and_its_daily_quota(smscli: Run) -> None:
    """Messages, not money."""
    data = smscli("balance", "--sandbox", "--provider", "mesajlarim", "-o", "json").json["data"]
    assert (data["unit"], isinstance(data["daily_quota"], int)) == ("SMS", True)


def test_timestamp_shows_both_clocks_and_their_difference(smscli: Run) -> None:
    """The zone is always stated; the vendor tells whole seconds, so half a second is doubt."""
    data = smscli("timestamp", "--sandbox", "-o", "json", now=lambda: 1732809600.25).json["data"]
    assert data["vendor_unix"] == 1732809600
    assert data["vendor_time"] == "2024-11-28T16:00:00+00:00"
    assert abs(data["difference_seconds"]) <= data["doubt_seconds"]


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (1732809600.25, "the local clock agrees with that of LightSMS"),
        (1732809500.0, "the local clock is 100.5 s behind that of LightSMS"),
        (1732809700.0, "the local clock is 99.5 s ahead of that of LightSMS"),
    ],
)
def test_timestamp_says_first_how_the_clocks_differ(smscli: Run, now: float, verdict: str) -> None:
    """What a person asked for stands above the two readings."""
    clock = Response(200, b"1732809600")
    ran = smscli(
        "timestamp", "--provider", "lightsms", "-o", "table", now=lambda: now, transport=lambda *_: clock,
        environ={"SMSCLI_LOGIN": "me", "SMSCLI_API_KEY": "key"},
    )  # fmt: skip
    assert ran.out.splitlines()[0] == verdict


def test_timestamp_needs_no_account(smscli: Run) -> None:
    """The clock is public: whoever debugs a signature may not have the key at hand."""
    clock = Response(200, b"1732809600")
    ran = smscli("timestamp", "--provider", "lightsms", transport=lambda *_: clock)
    assert (ran.code, ran.out) == (0, "1732809600\n"), ran.err


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1", "soon"])
def test_a_timeout_is_a_number_of_seconds(smscli: Run, seconds: str) -> None:
    """NaN is neither too small nor too large, and would wait for ever or not at all."""
    assert smscli("balance", "--sandbox", f"--timeout={seconds}").code == 2

"""What ``send`` promises about sending twice: keys, receipts, unknown outcomes, places where nothing can be kept."""

from __future__ import annotations

import json
import re
import sqlite3  # noqa: TID253  (to hold the file as another process would)
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from smscli.cli import run as run_smscli
from smscli.errors import OutcomeUnknownError, UnreachableError
from smscli.runtime import Runtime
from smscli.wire import Request, Response
from tests.conftest import Ran, Stream
from tests.jobs import NOON

Run = Callable[..., Ran]

ANNA, BERTA = "+79121231234", "+79121231235"
ACCOUNT = {
    "SMSCLI_PROVIDER": "mainsms",
    "SMSCLI_PROJECT": "mainsms",
    "SMSCLI_API_KEY": "07349e954831d",
}


@dataclass
class Vendor:
    """Stands in for HTTP: counts the sends, accepts them, or raises its ``trouble``, from the n-th request on."""

    requests: list[Request] = field(default_factory=list)
    trouble: Exception | None = None
    trouble_from: int = 1

    def __call__(self, request: Request, seconds: float) -> Response:
        """Answer one request."""
        assert seconds > 0
        self.requests.append(request)
        if self.trouble and len(self.requests) >= self.trouble_from:
            raise self.trouble
        to = dict(request.form)["recipients"].split(",")
        ids = [1000 * len(self.requests) + index for index in range(len(to))]
        answer = {
            "status": "success", "recipients": to, "messages_id": ids, "count": len(to), "parts": 1, "price": "2.50",
            "balance": "100.00", "test": 0,
        }  # fmt: skip
        return Response(200, json.dumps(answer).encode())


@pytest.fixture
def vendor() -> Vendor:
    """A vendor that accepts everything."""
    return Vendor()


@pytest.fixture
def send(smscli: Run, vendor: Vendor) -> Iterator[Run]:
    """Run ``send`` to Anna, with a wall clock that ``at`` moves by seconds."""

    def run(*argv: str, text: str = "disk full", to: str = ANNA, at: float = 0.0, **world: Any) -> Ran:
        environ = {**ACCOUNT, **world.pop("environ", {})}
        return smscli(
            "send", "--to", to, *argv, text, environ=environ, transport=vendor, now=lambda: NOON + at, **world
        )

    yield run
    assert all(request.billable for request in vendor.requests)


# --- one key ----------------------------------------------------------------------------------------------------------


def test_the_same_key_again_gives_the_receipt_without_a_request(send: Run, vendor: Vendor) -> None:
    """Same outcome, same id, exit 0, and a note that says when it was."""
    first, again = send("--key", "backup"), send("--key", "backup", at=86400)
    assert first.code == again.code == 0
    assert first.out == again.out == f"{ANNA}\tSENT\t1000\n"
    assert "key backup was used on 2030-03-17 17:46:40" in again.err
    assert len(vendor.requests) == 1


def test_a_replay_says_so_in_json(send: Run) -> None:
    """A script can tell a receipt from a send."""
    first, again = (send("--key", "backup", "-o", "json").json["data"] for _ in range(2))
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert first["recipients"] == again["recipients"]
    assert first["key"] == again["key"] == "backup"


@pytest.mark.parametrize(
    ("options", "other"),
    [
        ([], {"text": "all well"}),
        ([], {"to": BERTA}),
        ([], {"to": f"{ANNA},{BERTA}"}),
        (["--sender", "Alert"], {}),
        ([], {"environ": {"SMSCLI_PROJECT": "another"}}),
    ],
    ids=["text", "recipient", "more recipients", "sender", "account"],
)
def test_the_same_key_for_other_content_is_a_conflict(
    send: Run, vendor: Vendor, options: list[str], other: dict[str, Any]
) -> None:
    """Exit 9, nothing is sent, and the message says what the key was used for, and when."""
    send("--key", "backup")
    ran = send("--key", "backup", *options, **other)
    assert (ran.code, ran.out) == (9, "")
    assert "'backup' was used for other content on 2030-03-17" in ran.err
    assert len(vendor.requests) == 1


def test_the_order_of_the_recipients_is_no_other_content(send: Run, vendor: Vendor) -> None:
    """The receipt follows the order of this command line."""
    send("--key", "backup", to=f"{ANNA},{BERTA}")
    again = send("--key", "backup", to=f"{BERTA},{ANNA}")
    assert again.lines == [[BERTA, "SENT", "1001"], [ANNA, "SENT", "1000"]]
    assert len(vendor.requests) == 1


def test_without_a_key_a_random_one_is_printed_and_works(send: Run, vendor: Vendor) -> None:
    """Two sends without a key are two messages; the printed key of one gives its receipt."""
    first, second = send(), send(to=BERTA)
    keys = [re.search(r"^smscli: key ([0-9a-f]{16})$", ran.err, re.MULTILINE) for ran in (first, second)]
    assert all(keys), f"{first.err}{second.err}"
    assert len({key[1] for key in keys if key}) == 2
    assert keys[0]
    assert send("--key", keys[0][1]).out == first.out
    assert len(vendor.requests) == 2


def test_the_same_content_under_another_key_is_sent_and_remarked(send: Run, vendor: Vendor) -> None:
    """A key says what is the same; the same content minutes ago is worth a remark."""
    send("--key", "monday")
    ran = send("--key", "tuesday", at=60)
    assert ran.code == 0
    assert "the same text went to the same recipients on 2030-03-17 17:46:40 UTC (60 s ago) under key monday" in (
        ran.err
    )
    assert len(vendor.requests) == 2


@pytest.mark.parametrize("key", ["", "a\nb", "x" * 256])
def test_what_cannot_be_a_key_is_bad_input(send: Run, vendor: Vendor, key: str) -> None:
    """Exit 2 before anything is sent; an empty key (an unset variable) is not "no key"."""
    ran = send("--key", key)
    assert (ran.code, vendor.requests) == (2, [])


# --- unknown, not sent ------------------------------------------------------------------------------------------------


def test_unknown_stays_unknown_until_a_person_resolves_it_as_sent(send: Run, smscli: Run, vendor: Vendor) -> None:
    """Exit 7 each time and no second request; once resolved, the receipt."""
    vendor.trouble = OutcomeUnknownError("no answer within 30 s")
    assert send("--key", "backup").code == 7
    vendor.trouble = None
    for _ in range(2):
        ran = send("--key", "backup", at=1e7)
        assert (ran.code, ran.lines[0][:2]) == (7, [ANNA, "UNKNOWN"])
    assert smscli("journal", "resolve", "backup", "--sent").code == 0
    assert send("--key", "backup").code == 0
    assert len(vendor.requests) == 1


def test_unknown_resolved_as_not_sent_is_sent_by_the_same_command(send: Run, smscli: Run, vendor: Vendor) -> None:
    """The person takes the responsibility, the key still keeps it from being sent a third time."""
    vendor.trouble = OutcomeUnknownError("no answer within 30 s")
    send("--key", "backup")
    vendor.trouble = None
    assert smscli("journal", "resolve", "backup", "--not-sent").code == 0
    assert [send("--key", "backup").code for _ in range(2)] == [0, 0]
    assert len(vendor.requests) == 2


def test_not_sent_is_sent_by_the_same_command(send: Run, vendor: Vendor) -> None:
    """Exit 6 means: run it again."""
    vendor.trouble = UnreachableError("connection refused; nothing was sent")
    assert send("--key", "backup", sleep=lambda _: None).code == 6
    vendor.trouble, vendor.requests[:] = None, []
    assert [send("--key", "backup").code for _ in range(2)] == [0, 0]
    assert len(vendor.requests) == 1


def test_a_part_that_was_not_sent_says_why_and_is_sent_by_the_same_command(send: Run, vendor: Vendor) -> None:
    """Exit 8; a pipe shows no reasons, so the error does. Then only the rest goes out."""
    words: dict[str, Any] = {"to": f"{ANNA},{BERTA}", "sleep": lambda _: None}
    vendor.trouble, vendor.trouble_from = UnreachableError("connection refused; nothing was sent"), 2
    ran = send("--key", "backup", "--batch-size", "1", **words)
    assert (ran.code, [line[1] for line in ran.lines]) == (8, ["SENT", "NOT_SENT"])
    assert "1 of 2 accepted; the rest was not: connection refused" in ran.err
    vendor.trouble, vendor.requests[:] = None, []
    assert send("--key", "backup", **words).code == 0
    assert [dict(request.form)["recipients"] for request in vendor.requests] == [BERTA.lstrip("+")]


# --- --once -----------------------------------------------------------------------------------------------------------


def test_once_does_not_repeat_the_same_content_within_its_time(send: Run, vendor: Vendor) -> None:
    """An alert storm is one text; after the time it may be said again."""
    first = send("--once", "1h")
    again = send("--once", "1h", at=3599)
    assert first.out == again.out
    assert again.code == 0
    assert "it was not sent again" in again.err
    assert len(vendor.requests) == 1
    assert send("--once", "1h", at=3601).code == 0
    assert len(vendor.requests) == 2


def test_once_counts_other_text_and_other_recipients_apart(send: Run, vendor: Vendor) -> None:
    """The same profile, recipients and text: all three."""
    for ran in (send("--once", "1h"), send("--once", "1h", text="all well"), send("--once", "1h", to=BERTA)):
        assert ran.code == 0
    assert len(vendor.requests) == 3


def test_once_sends_what_was_proved_not_sent(send: Run, vendor: Vendor) -> None:
    """An alert that never left must not silence the next one; one that may have left does."""
    vendor.trouble = UnreachableError("connection refused; nothing was sent")
    assert send("--once", "1h", sleep=lambda _: None).code == 6
    vendor.requests.clear()
    vendor.trouble = OutcomeUnknownError("no answer within 30 s")
    assert send("--once", "1h", at=1).code == 7
    vendor.trouble = None
    assert send("--once", "1h", at=2).code == 7
    assert len(vendor.requests) == 1


def test_once_takes_a_length_of_time(send: Run, vendor: Vendor) -> None:
    """``60`` could be anything: seconds, minutes, hours."""
    ran = send("--once", "60")
    assert (ran.code, vendor.requests) == (2, [])
    assert "write it like 90s, 30m, 1h or 7d" in ran.err


# --- what is kept, and where ------------------------------------------------------------------------------------------


def test_no_journal_keeps_nothing_and_says_so(send: Run, vendor: Vendor, tmp_path: Path) -> None:
    """For read-only places: it sends, twice if told twice, and states it in every output."""
    for _ in range(2):
        ran = send("--no-journal", "-o", "json")
        assert ran.code == 0
        assert ran.json["data"]["journal"] == "none"
        assert "no journal: nothing keeps this from being sent again" in ran.err
    assert len(vendor.requests) == 2
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("option", [("--key", "backup"), ("--once", "1h")])
def test_no_journal_cannot_keep_a_promise(send: Run, vendor: Vendor, option: tuple[str, str]) -> None:
    """``--key`` and ``--once`` without a journal would be a lie."""
    ran = send("--no-journal", *option)
    assert (ran.code, vendor.requests) == (2, [])


def test_the_sandbox_has_a_journal_of_its_own(smscli: Run, send: Run, vendor: Vendor, tmp_path: Path) -> None:
    """A key tried in the sandbox is still free for the vendor, and the other way round."""
    words = ("send", "--to", ANNA, "--key", "backup", "-o", "json", "disk full")
    tried = smscli(*words, "--sandbox", "--provider", "mainsms")
    sent = send("--key", "backup", "-o", "json")
    assert (tried.code, sent.code) == (0, 0)
    assert (tried.json["data"]["journal"], sent.json["data"]["journal"]) == ("sandbox", "vendor")
    assert len(vendor.requests) == 1
    kept = {path.name for path in (tmp_path / "state").glob("*.sqlite3")}
    assert kept == {"journal.sqlite3", "sandbox.sqlite3"}


@pytest.mark.parametrize(("sandbox", "kept"), [({}, "vendor"), ({"SMSCLI_SANDBOX": "true"}, "sandbox")])
def test_only_the_user_says_that_an_address_is_a_sandbox(
    send: Run, tmp_path: Path, sandbox: dict[str, str], kept: str
) -> None:
    """A tunnel on loopback leads to a vendor; `smscli sandbox` is an emulator, reached over HTTP."""
    here = {"SMSCLI_BASE_URL": "http://127.0.0.1:8025/api/mainsms/"}
    ran = send("--key", "backup", "-o", "json", environ={**here, **sandbox})
    assert ran.json["data"]["journal"] == kept
    names = {"vendor": "journal.sqlite3", "sandbox": "sandbox.sqlite3"}
    assert [path.name for path in (tmp_path / "state").glob("*.sqlite3")] == [names[kept]]


@pytest.mark.parametrize("spelling", ["in the profile", "--sandbox"])
def test_a_sandbox_profile_reaches_the_emulator_in_this_process(smscli: Run, tmp_path: Path, spelling: str) -> None:
    """Its own key is what the emulator accepts; no address is looked up, also for a vendor that names none."""
    config = tmp_path / "config.toml"
    config.touch(0o600)
    setting, options = ("sandbox = true", []) if spelling == "in the profile" else ("", ["--sandbox"])
    config.write_text(
        '[profiles.try]\nprovider = "Mesajlarim"\napp_id = "1"\nmsisdn = "5321000000"\nsecret = "my own"\n' + setting
    )
    ran = smscli("send", "-p", "try", *options, "--to", "+905321234567", "Hello", "-o", "json")
    assert (ran.code, ran.json["data"]["journal"]) == (0, "sandbox"), ran.err
    assert smscli("balance", "-p", "try", *options).code == 0


def test_another_host_is_another_content(send: Run, vendor: Vendor) -> None:
    """A receipt from one host says nothing of another: it must not be shown for a send that was never made."""
    send("--key", "backup")
    ran = send("--key", "backup", environ={"SMSCLI_BASE_URL": "https://sms.example/api/mainsms/"})
    assert (ran.code, ran.out) == (9, "")
    assert "base_url" in ran.err
    assert len(vendor.requests) == 1
    once = send("--once", "1h", environ={"SMSCLI_BASE_URL": "https://sms.example/api/mainsms/"})
    assert (once.code, len(vendor.requests)) == (0, 2)


class _Witness:
    """A vendor that, when asked, notes what has been said on stderr so far."""

    def __init__(self, vendor: Vendor, err: Stream) -> None:
        self._vendor, self._err = vendor, err
        self.said_before = ""

    def __call__(self, request: Request, seconds: float) -> Response:
        """Answer one request."""
        self.said_before = self._err.text()
        return self._vendor(request, seconds)


def test_an_unknown_twin_is_named_before_it_is_sent_again(send: Run, vendor: Vendor, tmp_path: Path) -> None:
    """The window is over, so it goes out; but whoever watches knows first that it may arrive twice."""
    vendor.trouble = OutcomeUnknownError("no answer")
    send("--key", "the first")
    vendor.trouble = None
    err = Stream()
    witness = _Witness(vendor, err)
    runtime = Runtime(
        {**ACCOUNT, "SMSCLI_CONFIG": str(tmp_path / "config.toml"), "SMSCLI_STATE_DIR": str(tmp_path / "state")},
        None, Stream(), err, now=lambda: NOON + 7200, boot=lambda: None, transport=witness,
    )  # fmt: skip
    assert run_smscli(["send", "--to", ANNA, "--once", "1h", "disk full"], runtime) == 0
    assert "(2 hours ago) under key the first" in witness.said_before
    assert "smscli journal resolve 'the first' --sent" in witness.said_before


def test_once_says_when_the_clock_leaves_it_in_doubt(send: Run, vendor: Vendor) -> None:
    """Two hours back: nobody can tell how long ago the first one was, so nothing is sent, and why is said."""
    send("--once", "1h")
    ran = send("--once", "1h", at=-7200)
    assert (ran.code, len(vendor.requests)) == (0, 1)
    assert "clock was changed" in ran.err
    assert "Without --once it is sent" in ran.err


# --- an outcome that the journal could not take -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "to", "hint"),
    [
        ("backup", ANNA, "do not send again: it was accepted; record that: smscli journal resolve backup --sent\n"),
        ("it's", ANNA, "record that: smscli journal resolve 'it'\"'\"'s' --sent\n"),
        ("two", f"{ANNA},{BERTA}", "record that: smscli journal resolve two --sent\n"),
    ],
)
def test_an_accepted_message_that_cannot_be_recorded_is_not_to_be_sent_again(
    smscli: Run, vendor: Vendor, tmp_path: Path, key: str, to: str, hint: str
) -> None:
    """Another process holds the file for good: exit 7, the outcome as the vendor said it, and the command to paste."""
    held: list[sqlite3.Connection] = []

    def answer(request: Request, seconds: float) -> Response:
        held.append(sqlite3.connect(tmp_path / "state" / "journal.sqlite3", isolation_level=None))
        held[0].execute("BEGIN IMMEDIATE")
        return vendor(request, seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("smscli.journal._store._SETTLE_SECONDS", 0.1)  # rather than tests of ten seconds each
        argv = ("send", "--to", to, "--key", key, "--timeout", "0.5", "disk full")
        ran = smscli(*argv, environ=ACCOUNT, transport=answer)
    held[0].close()
    assert ran.code == 7
    assert {line[1] for line in ran.lines} == {"SENT"}
    assert hint in ran.err
    assert "try again" not in ran.err


def test_the_text_is_not_kept(send: Run, tmp_path: Path) -> None:
    """Only its length and hash: a journal is no archive of what was said."""
    send("--key", "backup", text="the safe's code is 7041")
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert ANNA.lstrip("+").encode() in kept
    assert b"7041" not in kept
    assert ACCOUNT["SMSCLI_API_KEY"].encode() not in kept


@pytest.mark.parametrize("option", [(), ("--key", "backup"), ("--once", "1h")])
def test_a_dry_run_leaves_no_trace(send: Run, vendor: Vendor, tmp_path: Path, option: tuple[str, ...]) -> None:
    """Nothing asked, nothing sent, no file; the key is still free."""
    ran = send("--dry-run", *option)
    assert (ran.code, vendor.requests) == (0, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "argv", [("--max-parts", "1"), ("--batch-size", "0"), ("--at", "2001-01-01 10:00")], ids=lambda argv: argv[0]
)
def test_what_is_refused_before_it_begins_leaves_no_trace(
    send: Run, vendor: Vendor, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    """A refused call must not use up the key."""
    ran = send("--key", "backup", *argv, text="x" * 200)
    assert ran.code in (2, 9)
    assert (vendor.requests, list(tmp_path.iterdir())) == ([], [])


# --- a journal that cannot be used ------------------------------------------------------------------------------------


def _in_the_way(state: Path) -> None:
    state.write_text("a file where the directory should be")


def _damaged(state: Path) -> None:
    state.mkdir(0o700)
    (state / "journal.sqlite3").write_bytes(b"SQLite format 3\0" + b"?" * 5000)
    (state / "journal.sqlite3").chmod(0o600)


def _readable(state: Path) -> None:
    state.mkdir(0o700)
    (state / "journal.sqlite3").touch(0o644)
    (state / "journal.sqlite3").chmod(0o644)


def _directory(state: Path) -> None:
    (state / "journal.sqlite3").mkdir(parents=True)


@pytest.mark.parametrize("spoil", [_in_the_way, _damaged, _readable, _directory])
def test_a_journal_that_cannot_be_used_sends_nothing(
    send: Run, vendor: Vendor, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """Exit 3 with what to do, the file as it was; ``--no-journal`` is the way out."""
    spoil(tmp_path / "state")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ran = send("--key", "backup")
    assert (ran.code, ran.out, vendor.requests) == (3, "", [])
    assert "hint:" in ran.err
    assert "Traceback" not in ran.err
    assert all(path.read_bytes() == content for path, content in before.items())
    assert send("--no-journal").code == 0


def test_a_relative_state_directory_is_refused(send: Run, vendor: Vendor) -> None:
    """It would be another journal in every working directory: a key would count only there."""
    ran = send("--key", "backup", environ={"SMSCLI_STATE_DIR": "state"})
    assert (ran.code, vendor.requests) == (3, [])


def test_a_hint_names_the_journal_that_it_speaks_of(smscli: Run) -> None:
    """Pasted as it stands, the command of the hint finds the key: here in the sandbox's journal."""
    smscli("send", "--sandbox", "--to", "+37061234567", "one", "--key", "K")
    refused = smscli("send", "--sandbox", "--to", "+37061234567", "two", "--key", "K")
    assert "smscli journal show K --sandbox" in refused.err
    assert smscli("journal", "show", "K", "--sandbox").code == 0

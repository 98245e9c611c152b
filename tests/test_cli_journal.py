"""``smscli journal``: every subcommand, in every format, offline."""

from __future__ import annotations

import io
import re
import sqlite3  # noqa: TID253  (to damage a journal behind its back)
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from smscli.cli import run
from smscli.errors import Cause, ExitCode
from smscli.journal import Job, Journal
from smscli.model import MSISDN, Outcome, Reason, Submission
from smscli.runtime import Runtime
from smscli.wire import Request, Response
from tests.jobs import ANNA, BERTA, NOON

Smscli = Callable[..., Any]

LOST = Reason("no answer in time", Cause.UNKNOWN, hint="ask the vendor")


def offline(request: Request, seconds: float) -> Response:
    """Fail the test: these commands ask nobody."""
    raise AssertionError((request, seconds))


@pytest.fixture
def kept(smscli: Smscli, tmp_path: Path) -> Smscli:
    """Return the runner, a minute after two sends: one accepted, one half unknown."""
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: NOON) as journal:
        for key, outcome, reason in (("done", Outcome.SENT, None), ("lost", Outcome.UNKNOWN, LOST)):
            journal.begin(Job(key, "lightsms", "demo", "work", "Alert", _each(ANNA, BERTA, text="disk full"), key))
            journal.claim(key, (ANNA, BERTA))
            told = (Submission(ANNA, outcome, "17", reason=reason), Submission(BERTA, Outcome.SENT, "18"))
            journal.settle(key, told, "HTTP 200, 0 bytes: [/x]")

    def run(*argv: str, at: float = 60.0, **world: Any) -> Any:
        return smscli("journal", *argv, transport=offline, now=lambda: NOON + at, **world)

    return run


def test_list_prints_one_entry_a_line(kept: Smscli) -> None:
    """Key, number, state, id, time and reason, for cut and read."""
    ran = kept("list")
    changed = "2030-03-17T17:46:40+00:00"
    assert ran.lines == [
        ["done", "+37061234567", "SENT", "17", changed, ""],
        ["done", "+37061234568", "SENT", "18", changed, ""],
        ["lost", "+37061234567", "UNKNOWN", "17", changed, "no answer in time"],
        ["lost", "+37061234568", "SENT", "18", changed, ""],
    ]
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["--state", "UNKNOWN"], ["lost"]),
        (["--state", "unknown", "--state", "sent"], ["done", "done", "lost", "lost"]),
        (["--state", "REFUSED"], []),
        (["--since", "1m"], ["done", "done", "lost", "lost"]),
        (["--since", "59s"], []),
        (["--sandbox"], []),
    ],
)
def test_list_filters(kept: Smscli, options: list[str], keys: list[str]) -> None:
    """By state and by time; what went to an emulator has a journal of its own."""
    assert [line[0] for line in kept("list", *options).lines] == keys


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (["--to", "+37061234567"], ["done", "lost"]),
        (["--to", "+37061234569"], []),
        (["--profile", "work"], ["done", "done", "lost", "lost"]),
        (["-p", "other"], []),
        (["--to", "+37061234567", "--state", "unknown", "-p", "work"], ["lost"]),
        (["--limit", "1"], ["lost"]),
        (["--limit", "3"], ["done", "lost", "lost"]),
        (["--limit", "1", "--state", "sent", "--to", "+37061234567"], ["done"]),
    ],
)
@pytest.mark.parametrize("output", ["plain", "json"])
def test_list_selects_and_limits(kept: Smscli, options: list[str], keys: list[str], output: str) -> None:
    """By recipient, by profile, and to the newest, which a script still reads oldest first."""
    ran = kept("list", *options, "-o", output)
    listed = [line[0] for line in ran.lines] if output == "plain" else [e["key"] for e in ran.json["data"]["entries"]]
    assert (ran.code, listed) == (0, keys)


def test_list_takes_only_a_number_that_is_one_and_a_limit_above_nothing(kept: Smscli) -> None:
    """Neither is guessed."""
    assert kept("list", "--to", "Anna").code == ExitCode.INPUT
    assert kept("list", "--limit", "0").code == ExitCode.INPUT


def test_a_table_lists_the_newest_first_and_says_how_many_more(kept: Smscli) -> None:
    """Nobody reads a million lines; how to see all is said on stderr, and -q silences it."""
    ran = kept("list", "--limit", "2", "-o", "table")
    assert re.findall("done|lost", ran.out) == ["lost", "lost"]
    assert ran.err == "smscli: 2 more of earlier sends: see all with --limit 4\n"
    assert kept("list", "--limit", "2", "-o", "table", "-q").err == ""
    whole = kept("list", "-o", "table", environ={"COLUMNS": "120"})
    assert re.findall("done|lost", whole.out) == ["lost", "lost", "done", "done"]
    assert whole.err == ""


def test_a_table_lists_fifty_unless_told_otherwise(kept: Smscli, tmp_path: Path) -> None:
    """On a terminal, too; in a pipe all."""
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: NOON) as journal:
        journal.begin(Job("more-1", "lightsms", "", "", "", _each(*_many(60)), "more"))
    ran = kept("list", terminal=True, environ={"COLUMNS": "120"})
    assert (ran.out.count("more-"), "14 more" in ran.err) == (50, True)
    assert kept("list", "--limit", "64", terminal=True, environ={"COLUMNS": "120"}).out.count("+370") == 64
    assert len(kept("list").lines) == 64


def test_a_list_that_meets_damage_ends_in_exit_3(kept: Smscli, tmp_path: Path) -> None:
    """A document says so at its head; lines were written up to there, and the status tells."""
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: NOON) as journal:
        for number in range(150):
            journal.begin(Job(f"more-{number}", "lightsms", "", "", "", _each(ANNA), f"more-{number}"))
    db = sqlite3.connect(tmp_path / "state" / "journal.sqlite3")
    db.execute("UPDATE message SET updated = 7 WHERE job = 145")
    db.commit()
    db.close()
    ran = kept("list")
    assert (ran.code, ran.err.startswith("smscli: the journal is damaged")) == (ExitCode.CONFIG, True)
    assert ran.lines[0][0] == "done"
    document = kept("list", "-o", "json")
    assert (document.code, document.json["status"]) == (ExitCode.CONFIG, "error")
    assert ET.fromstring(kept("list", "-o", "xml").out).findtext("status") == "error"  # noqa: S314  (our own output)


def _many(count: int) -> tuple[MSISDN, ...]:
    return tuple(MSISDN(str(37060000000 + number)) for number in range(count))


def _each(*numbers: MSISDN, text: str = "hi") -> tuple[tuple[MSISDN, str], ...]:
    return tuple((number, text) for number in numbers)


class _Pipe(io.BytesIO):
    """Takes so many bytes, then fails."""

    def __init__(self, room: int, error: OSError) -> None:
        super().__init__()
        self._room, self._error = room, error

    def write(self, data: Any) -> int:
        """Take it or fail."""
        self._room -= len(data)
        if self._room < 0:
            raise self._error
        return super().write(data)


@pytest.mark.parametrize(
    ("error", "code"), [(BrokenPipeError(), ExitCode.OK), (OSError(28, "No space left on device"), ExitCode.CONFIG)]
)
@pytest.mark.parametrize("output", ["plain", "json", "xml"])
def test_a_list_ends_where_nobody_reads_on(tmp_path: Path, error: OSError, code: ExitCode, output: str) -> None:
    """``| head`` is no failure, a full disk is exit 3; in both cases the rest is not even read."""
    with Journal(tmp_path / "journal.sqlite3", now=lambda: NOON) as journal:
        journal.begin(Job("more", "lightsms", "", "", "", _each(*_many(1000)), "more"))
    out, err = io.TextIOWrapper(_Pipe(50_000, error)), io.TextIOWrapper(io.BytesIO())
    environ = {"SMSCLI_STATE_DIR": str(tmp_path)}
    assert run(["journal", "list", "-o", output], Runtime(environ, None, out, err, now=lambda: NOON)) == code
    err.seek(0)
    assert ("not complete" in err.read()) is (code == ExitCode.CONFIG)
    out.detach()


@pytest.mark.parametrize(
    "command",
    [["list"], ["show", "lost"], ["export", "lost"], ["check"], ["purge"], ["resolve", "lost", "--sent"]],
    ids=lambda command: command[0],
)
def test_every_format(kept: Smscli, command: list[str]) -> None:
    """One document in JSON and XML, a table that holds hostile text unharmed, plain lines."""
    document = kept(*command, "-o", "json").json
    assert (document["command"], document["status"], document["error"]) == (f"journal {command[0]}", "ok", None)
    plain, table, xml = (kept(*command, "-o", output, "--sandbox") for output in ("plain", "table", "xml"))
    if command[0] in ("show", "export", "resolve"):
        assert {ran.code for ran in (plain, table, xml)} == {ExitCode.INPUT}, "the sandbox's journal knows no such key"
    else:
        assert {ran.code for ran in (plain, table, xml)} == {0}
        assert table.out or "empty" in table.err
    assert ET.fromstring(xml.out).findtext("command") == f"journal {command[0]}"  # noqa: S314  (our own output)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--sandbox"], "the journal is empty"),
        (["--state", "REFUSED"], "of that kind"),
        (["--since", "59s"], "of that"),
    ],
)
def test_nothing_to_list_is_said_in_a_sentence(kept: Smscli, options: list[str], sentence: str) -> None:
    """On stderr, and no empty box."""
    ran = kept("list", *options, terminal=True)
    assert (ran.code, ran.out) == (0, "")
    assert sentence in ran.err


@pytest.mark.parametrize("columns", ["40", "80"])
def test_show_keeps_the_facts_of_each_recipient_together(kept: Smscli, columns: str) -> None:
    """A group of lines for each, with a blank line between, where a box has no room."""
    first, second = kept("show", "lost", terminal=True, environ={"COLUMNS": columns}).out.split("\n\n")
    assert "number: +37061234567\nstate: \x1b[30;43mUNKNOWN" in first
    assert second.startswith("number: +37061234568\n")


def test_show_tells_all_of_one_send(kept: Smscli) -> None:
    """Job facts once, each recipient with reason and evidence; the text only as length and hash."""
    data = kept("show", "lost", "-o", "json").json["data"]
    assert {name: data[name] for name in ("key", "provider", "profile", "sender", "text", "text_length")} == {
        "key": "lost", "provider": "lightsms", "profile": "work", "sender": "Alert", "text": None, "text_length": 9,
    }  # fmt: skip
    first = data["recipients"][0]
    assert first["state"] == "UNKNOWN"
    assert first["reason"] == {"text": "no answer in time", "code": None, "hint": "ask the vendor"}
    assert first["evidence"] == "HTTP 200, 0 bytes: [/x]"
    table = kept("show", "lost", terminal=True)
    assert "key lost: lightsms" in table.out
    assert "[/x]" in table.out


def test_show_of_an_unknown_key_is_bad_input(kept: Smscli) -> None:
    """It says where to look."""
    ran = kept("show", "nope")
    assert (ran.code, ran.out) == (ExitCode.INPUT, "")
    assert "journal list" in ran.err


def test_resolve_closes_what_is_unknown(kept: Smscli) -> None:
    """By hand, once, and only what was unknown."""
    ran = kept("resolve", "lost", "--not-sent")
    assert [line[:3] for line in ran.lines] == [["lost", "+37061234567", "NOT_SENT"]]
    again = kept("resolve", "lost", "--sent")
    assert again.code == ExitCode.INPUT
    assert "nothing is unknown" in again.err
    resolved = kept("show", "lost", "-o", "json").json["data"]["recipients"][0]["resolved"]
    assert resolved == "2030-03-17T17:47:40+00:00"


def test_resolve_takes_a_decision_and_a_number_of_that_send(kept: Smscli) -> None:
    """No default may decide about money, and a number that is not unknown is refused."""
    assert kept("resolve", "lost").code == ExitCode.INPUT
    assert "--sent or --not-sent" in kept("resolve", "lost").err
    assert kept("resolve", "lost", "--sent", "--to", "+37061234568").code == ExitCode.INPUT
    assert kept("resolve", "lost", "--sent", "--to", "Anna").code == ExitCode.INPUT
    assert kept("resolve", "lost", "--sent", "--to", "+370 612 34567").lines[0][2] == "SENT"


def test_purge_forgets_what_ended_long_ago(kept: Smscli) -> None:
    """Thirty days unless told otherwise; the send with an unknown recipient stays whole."""
    assert kept("purge").lines == [["0"]]
    ran = kept("purge", at=31 * 86400)
    assert ran.lines == [["2"]]
    assert "free again" in ran.err
    assert kept("purge", "--older-than", "1s", at=31 * 86400).lines == [["0"]]
    assert {line[0] for line in kept("list").lines} == {"lost"}
    assert kept("purge", "--older-than", "soon").code == ExitCode.INPUT


def test_check_counts_and_names_what_is_open(kept: Smscli) -> None:
    """A sound journal is exit 0; what is UNKNOWN is a note, not a fault."""
    ran = kept("check")
    assert dict(ran.lines) == {"SENT": "3", "REFUSED": "0", "NOT_SENT": "0", "UNKNOWN": "1", "IN_FLIGHT": "0"}
    assert ran.code == 0
    assert "journal resolve KEY" in ran.err


def test_a_damaged_journal_ends_in_exit_3_in_every_command(kept: Smscli, tmp_path: Path) -> None:
    """With what to do, in the envelope too, and the file stays."""
    path = tmp_path / "state" / "journal.sqlite3"
    damaged = path.read_bytes()[:5000]
    path.write_bytes(damaged)
    for command in (
        ["list"],
        ["show", "lost"],
        ["export", "lost"],
        ["check"],
        ["purge"],
        ["resolve", "lost", "--sent"],
    ):
        ran = kept(*command, "-o", "json")
        assert ran.code == ExitCode.CONFIG
        assert ran.json["error"]["type"] == "ConfigError"
        assert "keep the file" in ran.err
    assert path.read_bytes() == damaged


def test_check_lists_every_fault(kept: Smscli, tmp_path: Path) -> None:
    """Each broken row is told with its key."""
    db = sqlite3.connect(tmp_path / "state" / "journal.sqlite3")
    db.execute("UPDATE message SET parts = 7 WHERE state = 'UNKNOWN'")
    db.commit()
    db.close()
    ran = kept("check", "-o", "json")
    assert ran.code == ExitCode.CONFIG
    assert ran.json["error"]["problems"] == ["key 'lost': the journal is damaged: a row does not match its checksum"]


def test_looking_does_not_begin_a_journal(smscli: Smscli, tmp_path: Path) -> None:
    """Nothing was sent, so there is nothing to list; the first send begins the journal and says so, once."""
    for command in (["list"], ["check"], ["purge"], ["list", "--sandbox"]):
        assert smscli("journal", *command).code == 0
    assert not (tmp_path / "state").exists()
    first, second = (smscli("send", "--sandbox", "--to", "+37061234567", text) for text in ("one", "two"))
    assert f"a new journal begins in {tmp_path / 'state' / 'sandbox.sqlite3'}" in first.err
    assert "a new journal begins" not in second.err


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["list"], "the journal is empty"),
        (["list", "-o", "plain"], "the journal is empty"),
        (["list", "--state", "SENT"], "of that kind"),
        (["stats"], "the journal is empty"),
        (["stats", "--since", "30d"], "in that time"),
    ],
)
def test_who_looks_into_the_wrong_journal_hears_of_the_sandboxs(
    smscli: Smscli, tmp_path: Path, argv: list[str], sentence: str
) -> None:
    """Only where that one has what was asked for; trouble of it is none of this one."""
    assert "--sandbox" not in smscli("journal", *argv).err
    assert smscli("send", "--sandbox", "--to", "+37061234567", "hi").code == 0
    ran = smscli("journal", *argv)
    assert (ran.code, sentence in ran.err) == (0, True), ran.err
    assert "the sandbox's journal has some: add --sandbox" in ran.err
    assert "has some" not in smscli("journal", "list", "--state", "UNKNOWN").err
    assert "has some" not in smscli("journal", "list", "--sandbox", "--state", "UNKNOWN").err
    (tmp_path / "state" / "sandbox.sqlite3").unlink()
    ran = smscli("journal", *argv)
    assert (ran.code, sentence in ran.err, "has some" in ran.err) == (0, True, False), ran.err


def test_a_lost_journal_is_not_silently_begun_anew(smscli: Smscli, tmp_path: Path) -> None:
    """Its keys are forgotten: that takes a decision, and the error names the command that makes it."""
    send = ("send", "--sandbox", "--to", "+37061234567", "--key", "k", "hi")
    assert smscli(*send).code == 0
    (tmp_path / "state" / "sandbox.sqlite3").unlink()
    refused = smscli(*send)
    assert (refused.code, refused.out) == (ExitCode.CONFIG, "")
    assert "smscli journal init --sandbox" in refused.err
    assert smscli("journal", "list", "--sandbox").code == ExitCode.CONFIG
    assert smscli("journal", "init", "--sandbox").code == 0
    assert smscli(*send).code == 0
    again = smscli("journal", "init", "--sandbox")
    assert (again.code, "there is a journal already" in again.err) == (ExitCode.CONFLICT, True)


def test_a_key_is_found_in_either_journal_which_is_said(kept: Smscli, smscli: Smscli) -> None:
    """The vendors' first; --sandbox looks in the sandbox's alone."""
    smscli("send", "--sandbox", "--to", "+37061234567", "--key", "there", "hi", now=lambda: NOON)
    smscli("send", "--sandbox", "--to", "+37061234567", "--key", "done", "hi", now=lambda: NOON)
    found = kept("show", "there", "-o", "json")
    assert (found.code, found.json["data"]["journal"]) == (0, "sandbox")
    assert "key there stands in the sandbox's journal" in found.err
    assert kept("show", "done", "-o", "json").json["data"]["journal"] == "vendor"
    assert kept("show", "done", "--sandbox", "-o", "json").json["data"]["journal"] == "sandbox"
    for options, whose in (((), "no journal knows the"), (("--sandbox",), "the sandbox's journal knows no")):
        ran = kept("show", "nowhere", *options)
        assert (ran.code, f"{whose} key 'nowhere'" in ran.err) == (ExitCode.INPUT, True)
    assert kept("resolve", "lost", "--sent").code == 0


def test_a_key_of_undecodable_bytes_is_one_that_nobody_knows(kept: Smscli) -> None:
    """The shell may pass any byte; none of them can be in a key."""
    assert kept("show", "\udcff").code == ExitCode.INPUT


def test_a_send_to_the_sandbox_is_found_in_its_own_journal(smscli: Smscli) -> None:
    """The whole way: what send printed is what the journal keeps."""
    sent = smscli("send", "--sandbox", "--provider", "lightsms", "--to", "+37061234567", "--key", "k1", "Hello")
    assert sent.code == 0, sent.err
    assert [line[:4] for line in smscli("journal", "list", "--sandbox").lines] == [["k1", *sent.lines[0]]]
    assert smscli("journal", "list").lines == []

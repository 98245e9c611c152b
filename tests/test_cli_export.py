"""``smscli journal export``: all of one job, also as a file, and beside the list that it came from."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from smscli.errors import Cause, ExitCode
from smscli.journal import Job, Journal
from smscli.model import MSISDN, Outcome, Reason, Submission
from tests.conftest import Ran
from tests.jobs import ANNA, BERTA, CARLA, NOON, STOPPED, connection, ended, job, lay_list

Smscli = Callable[..., Ran]

LIST = f"phone;name\n{ANNA};Anna\n+3706l234568;Jo\n{ANNA};Anna\n\n{BERTA};Berta\n{CARLA};\n"
ROWS = {2: ANNA, 6: BERTA, 7: CARLA}
LOST = Reason("no answer in time", Cause.UNKNOWN)


@pytest.fixture
def export(smscli: Smscli, tmp_path: Path) -> Smscli:
    """Return the command, after a send to two and a job from ``list.csv``: accepted, refused and unknown."""
    (tmp_path / "list.csv").write_text(LIST)
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: NOON) as journal:
        two = job("send", to=[ANNA, BERTA])
        for one in (two, lay_list(journal, "spring", ROWS)):
            journal.begin(one)
            journal.claim(one.key, [ANNA])
            journal.settle(one.key, ended(Outcome.SENT, ANNA))
        journal.claim("spring", [BERTA, CARLA])
        lost = Submission(CARLA, Outcome.UNKNOWN, parts=2, reason=LOST)
        journal.settle("spring", [*ended(Outcome.REFUSED, BERTA, reason=STOPPED), lost])
        assert journal.check() == ()

    def run(*argv: str, **world: object) -> Ran:
        return smscli("journal", "export", *argv, now=lambda: NOON, **world)

    return run


def listed(tmp_path: Path, name: str = "list.csv") -> tuple[str, ...]:
    """Return the arguments that name the list."""
    return ("--list", str(tmp_path / name))


ANNAS = ["2", "+37061234567", "SENT", "id-37061234567", "", "", ""]
BERTAS = ["6", "+37061234568", "REFUSED", "", "", "", "the number is on the stop list"]
CARLAS = ["7", "+905321000000", "UNKNOWN", "", "2", "", "no answer in time"]


def test_a_job_of_a_list_has_its_rows_and_a_send_counts_its_recipients(export: Smscli) -> None:
    """Row, number, outcome, id, parts, cost, reason; from 1 where there was no list."""
    assert export("spring").lines == [ANNAS, BERTAS, CARLAS]
    assert export("send").lines == [
        ["1", *ANNAS[1:]],
        ["2", "+37061234568", "NOT_SENT", "", "", "", ""],
    ]
    assert (export("send").code, export("send").err) == (0, "")


def test_with_the_list_every_row_of_it_is_there(export: Smscli, tmp_path: Path) -> None:
    """Those that were not sent have their reason."""
    ran = export("spring", *listed(tmp_path))
    assert ran.lines == [
        ANNAS,
        ["3", "+3706l234568", "INVALID", "", "", "",
         "column phone: '+3706l234568' is not a phone number: 'l' has no place in it"],
        ["4", "+37061234567", "DUPLICATE", "", "", "", "row 2 has the same recipient"],
        BERTAS,
        CARLAS,
    ]  # fmt: skip
    assert (ran.code, ran.err) == (0, "")


def test_a_document_has_the_same_rows(export: Smscli, tmp_path: Path) -> None:
    """In JSON and XML; what is not known is null."""
    data = export("spring", *listed(tmp_path), "-o", "json").json["data"]
    assert (data["journal"], data["key"], [row["row"] for row in data["rows"]]) == ("vendor", "spring", [2, 3, 4, 6, 7])
    assert data["rows"][-1] == {
        "row": 7, "to": "+905321000000", "outcome": "UNKNOWN", "message_id": None, "parts": 2, "cost": None,
        "reason": "no answer in time",
    }  # fmt: skip
    document = ET.fromstring(export("spring", *listed(tmp_path), "-o", "xml").out)  # noqa: S314  (our own output)
    assert [each.findtext("row") for each in document.iter("item")] == ["2", "3", "4", "6", "7"]


def test_a_table_shows_the_first_fifty_and_says_how_many_more(export: Smscli, tmp_path: Path) -> None:
    """A person does not read more."""
    assert "no answer in time" in export("spring", "-o", "table", environ={"COLUMNS": "120"}).out
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: NOON) as journal:
        journal.begin(job("many", to=[MSISDN(str(37060000000 + number)) for number in range(64)]))
    ran = export("many", "-o", "table", environ={"COLUMNS": "120"})
    assert (ran.out.count("+370"), ran.err) == (
        50,
        "smscli: 14 more: see all in a pipe, or with --results FILE\n",
    )
    assert len(export("many").lines) == 64


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_result_file_has_every_row_and_the_command_their_number(export: Smscli, tmp_path: Path, ending: str) -> None:
    """A summary by outcome, and what is open is said."""
    path = tmp_path / f"results.{ending}"
    ran = export("spring", *listed(tmp_path), "--results", str(path))
    assert [" ".join(line) for line in ran.lines] == [
        "SENT 1", "REFUSED 1", "NOT_SENT 0", "UNKNOWN 1", "IN_FLIGHT 0", "INVALID 1", "DUPLICATE 1",
    ]  # fmt: skip
    assert (ran.code, "1 UNKNOWN: find out" in ran.err) == (0, True)
    if ending == "csv":
        rows = list(csv.DictReader(path.read_text().splitlines()))
    else:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(str(row["row"]), row["outcome"]) for row in rows] == [
        ("2", "SENT"), ("3", "INVALID"), ("4", "DUPLICATE"), ("6", "REFUSED"), ("7", "UNKNOWN"),
    ]  # fmt: skip
    document = export("spring", "--results", str(path), "-o", "json").json["data"]
    assert (document["rows"], document["path"], document["outcomes"]["REFUSED"]) == (3, str(path), 1)
    table = export("spring", "--results", str(path), "-o", "table", environ={"COLUMNS": "300"}).out
    assert (f"3 rows in {path}" in table, "DUPLICATE" in table) == (True, False)


def test_what_is_in_flight_is_said(export: Smscli, tmp_path: Path) -> None:
    """The file will be another one when its sender has ended."""
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: NOON) as journal:
        journal.begin(job("send", to=[ANNA, BERTA]))
        journal.claim("send", [BERTA])
        ran = export("send", "--results", str(tmp_path / "results.csv"))
    assert "1 are being sent by another process right now" in ran.err


def test_a_list_that_has_changed_is_refused_and_leaves_no_file(export: Smscli, tmp_path: Path) -> None:
    """In every format: half of an answer is none."""
    (tmp_path / "list.csv").write_text(LIST.replace(f"{BERTA};", "+37061234569;"))
    path = tmp_path / "results.csv"
    for options in (["--results", str(path)], ["-o", "json"], ["-o", "table"], []):
        ran = export("spring", *listed(tmp_path), *options)
        assert ran.code == ExitCode.INPUT
        assert "row 6 of the job, +37061234568, is not in that row of the list" in ran.err
    assert export("spring", *listed(tmp_path), "-o", "json").json["status"] == "error"
    assert not path.exists()
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_job_leaves_no_file(export: Smscli, tmp_path: Path) -> None:
    """And ends in exit 3; a document says so at its head."""
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: NOON) as journal:
        connection(journal).execute("UPDATE message SET state = 'SENT' WHERE position = 7")
    path = tmp_path / "results.csv"
    path.write_text("before")
    assert export("spring", "--results", str(path)).code == ExitCode.CONFIG
    assert path.read_text() == "before"
    assert export("spring", "-o", "json").json["status"] == "error"


def test_a_list_is_read_as_it_was_for_the_send(export: Smscli, tmp_path: Path) -> None:
    """Its columns, its delimiter and its encoding can be named."""
    text = LIST.replace("phone;name", "office;mobile").replace(";", "#").replace("Jo", "Жан")
    (tmp_path / "other.csv").write_text(text, encoding="cp1251")
    options = ("--map", "to=office", "--delimiter", "#", "--encoding", "cp1251")
    assert len(export("spring", *listed(tmp_path, "other.csv"), *options).lines) == 5
    assert "--encoding cp1251" in export("spring", *listed(tmp_path, "other.csv"), *options[:4]).err


def test_rows_that_did_not_fill_the_template_are_told_with_it(export: Smscli, tmp_path: Path) -> None:
    """Without it nobody can say why they are not in the job."""
    (tmp_path / "list.csv").write_text(LIST + "+37061234570;\n")
    (tmp_path / "text").write_text("Hi {name}\n")
    assert export("spring", *listed(tmp_path)).lines[-1][:3] == ["8", "+37061234570", "INVALID"]
    ran = export("spring", *listed(tmp_path), "--text-file", str(tmp_path / "text"))
    assert ran.lines[-1][:3] + ran.lines[-1][6:] == ["8", "+37061234570", "INVALID", "column name: it is empty"]
    (tmp_path / "text").write_text("Hi {nome}")
    ran = export("spring", *listed(tmp_path), "--text-file", str(tmp_path / "text"))
    assert (ran.code, "no column nome" in ran.err) == (ExitCode.INPUT, True)


PROFILE = '[profiles.{}]\nprovider = "lightsms"\nlogin = "a"\napi_key = "b"\nregion = "LT"\n'


def test_national_numbers_are_of_the_region_of_the_sends_profile(export: Smscli, tmp_path: Path) -> None:
    """Or of another one that is named; a profile that is gone is missed only by who needs it."""
    (tmp_path / "list.csv").write_text(LIST.replace(str(BERTA), "8 612 34568"))
    assert export("spring", *listed(tmp_path)).code == ExitCode.INPUT
    config = tmp_path / "config.toml"
    config.touch(0o600)
    config.write_text(PROFILE.format("other"))
    assert export("spring", *listed(tmp_path)).code == ExitCode.INPUT
    assert len(export("spring", *listed(tmp_path), "-p", "other").lines) == 5
    assert export("spring", *listed(tmp_path), "-p", "none").code == ExitCode.CONFIG
    config.write_text(PROFILE.format("work"))
    assert len(export("spring", *listed(tmp_path)).lines) == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope"], "no journal knows the key 'nope'"),
        (["spring", "--map", "to=phone"], "--map is about a list"),
        (["spring", "--delimiter", ";"], "--delimiter is about a list"),
        (["spring", "--encoding", "cp1251"], "--encoding is about a list"),
        (["spring", "--text-file", "text"], "--text-file is about a list"),
        (["spring", "-p", "work"], "--profile is about a list"),
        (["spring", "--list", "nowhere.csv"], "cannot read --list 'nowhere.csv': No such file"),
        (["spring", "--list", "."], "--list '.' is no regular file"),
        (["spring", "--list", "pipe"], "--list 'pipe' is no regular file"),
        (["spring", "--list", "list.csv", "--map", "to=x"], "--list 'list.csv': there is no column 'x'"),
        (["spring", "--list", "list.csv", "--map", "x"], "'x' maps no column"),
        (["send", "--list", "list.csv"], "key 'send' was not sent from a list"),
        (["spring", "--list", "list.csv", "--results", "list.csv"], "--results 'list.csv' is the list itself"),
        (["spring", "--list", "nowhere.csv", "--results", "list.csv"], "cannot read --list 'nowhere.csv'"),
        (["spring", "--results", "results.xlsx"], "ends neither in .csv nor in .jsonl"),
        (["spring", "--results", "nowhere/results.csv"], "cannot write --results 'nowhere/results.csv'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_exported_is_refused(
    export: Smscli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    """With what is wrong; nothing is written."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    ran = export(*arguments)
    assert (ran.code, ran.out) == (ExitCode.INPUT, "")
    assert words in ran.err
    assert (tmp_path / "list.csv").read_text() == LIST


def test_a_send_to_the_sandbox_is_exported_from_its_journal(smscli: Smscli, tmp_path: Path) -> None:
    """Which is said; its list would be read without a profile."""
    smscli("send", "--sandbox", "--to", "+37061234567", "--key", "there", "hi")
    ran = smscli("journal", "export", "there")
    assert (ran.lines[0][:3], ran.err) == (
        ["1", "+37061234567", "SENT"],
        "smscli: key there stands in the sandbox's journal\n",
    )
    (tmp_path / "list.csv").write_text(LIST)
    assert "was not sent from a list" in smscli("journal", "export", "there", *listed(tmp_path)).err
    assert smscli("journal", "export", "there", "--results", str(tmp_path / "results.csv")).code == 0


def test_the_text_of_a_message_is_not_exported(smscli: Smscli, tmp_path: Path) -> None:
    """Also where the profile keeps it: a result file goes to other people than the journal."""
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: NOON) as journal:
        journal.begin(Job("k", "lightsms", "demo", "work", "Alert", ((ANNA, "secret code"),), "k", store_text=True))
    path = tmp_path / "results.csv"
    assert smscli("journal", "export", "k", "--results", str(path)).code == 0
    assert "secret" not in path.read_text() + smscli("journal", "export", "k", "-o", "json").out


@pytest.mark.usefixtures("heeded_signals")
def test_ctrl_c_leaves_no_half_file(tmp_path: Path) -> None:
    """What was there before is there still, and nothing lies beside it."""
    with Journal(tmp_path / "state" / "journal.sqlite3", now=lambda: NOON) as journal:
        lay_list(journal, "many", {row: MSISDN(str(37060000000 + row)) for row in range(2, 20_000)})
    (tmp_path / "here").mkdir()
    path = tmp_path / "here" / "results.csv"
    path.write_text("before")
    argv = [str(Path(sys.executable).with_name("smscli")), "journal", "export", "many", "--results", str(path)]
    environ = {"HOME": str(tmp_path), "SMSCLI_STATE_DIR": str(tmp_path / "state")}
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not any(new.stat().st_size for new in path.parent.glob(".*.new")):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert ([each.name for each in path.parent.iterdir()], path.read_text()) == (["results.csv"], "before")

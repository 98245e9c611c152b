"""A job of ``smscli bulk``: everybody in it once, however often it is stopped and taken up; its result file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from shlex import split

import pytest

from smscli.errors import OutcomeUnknownError
from tests.lists.corpus import READ, Case
from tests.mailing import (
    ACCOUNT,
    CUT,
    HI,
    PEOPLE,
    REFUSED,
    Run,
    Scripted,
    counts,
    failing_from,
    list_of,
    printed_resume,
    profile_file,
    rows,
    runner,
)


@pytest.fixture
def vendor() -> Scripted:
    """A vendor that accepts everything."""
    return Scripted()


@pytest.fixture
def bulk(smscli: Run, vendor: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``bulk`` in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    return runner(smscli, vendor, tmp_path)


# --- one list, once ---------------------------------------------------------------------------------------------------


def test_the_same_list_with_the_same_texts_is_not_sent_twice(bulk: Run, vendor: Scripted) -> None:
    """Without a key, exit 9; it says which job that was, and how to send it on purpose."""
    first = bulk(PEOPLE, HI, "-o", "json").json["data"]
    again = bulk(PEOPLE, HI)
    assert again.code == 9
    assert f"was sent on 2030-03-17 17:46 UTC under key {first['key']}" in again.err
    assert "--key NAME" in again.err
    assert len(vendor.texts) == 2
    assert bulk(PEOPLE, HI, "--key", "again").code == 0
    assert len(vendor.sends) == 4


def test_the_same_key_again_sends_nothing(bulk: Run, vendor: Scripted) -> None:
    """Exit 0, and a note that says so."""
    assert bulk(PEOPLE, HI, "--key", "spring").code == 0
    again = bulk(PEOPLE, HI, "--key", "spring")
    assert (again.code, counts(again)) == (0, {"SENT": 2})
    assert "key spring was sent before; nothing was sent now" in again.err
    assert len(vendor.texts) == 2


@pytest.mark.parametrize(
    ("content", "argv"),
    [
        (PEOPLE + "+79121231236,Cleo\n", (HI,)),
        (PEOPLE, ("Bye {name}",)),
        (PEOPLE, (HI, "--sender", "Alert")),
        (PEOPLE, (HI, "--test")),
    ],
    ids=["list", "text", "sender", "test"],
)
def test_a_key_is_not_used_for_other_content(bulk: Run, vendor: Scripted, content: str, argv: tuple[str, ...]) -> None:
    """Exit 9, nothing is sent."""
    bulk(PEOPLE, HI, "--key", "spring")
    other = bulk(content, *argv, "--key", "spring")
    assert (other.code, "key 'spring' was used for other content" in other.err) == (9, True), other.err
    assert len(vendor.sends) == 2


# --- stopped, and taken up --------------------------------------------------------------------------------------------


def test_what_was_not_tried_is_sent_by_the_command_that_is_printed(bulk: Run, smscli: Run, vendor: Scripted) -> None:
    """The line goes is hit by five unreachable requests in a row; nobody gets the text twice."""
    vendor.ending = failing_from(4, CUT)
    first = bulk(list_of(12), HI, "--jobs", "1", "--key", "of spring", "--yes")
    assert (first.code, counts(first)) == (8, {"SENT": 3, "NOT_SENT": 9}), first.err
    reached = len(vendor.sends)
    assert len({to[0] for to, _ in vendor.sends}) == 3 + 5
    vendor.ending = lambda _number: None
    again = smscli(*printed_resume(first), environ=ACCOUNT, transport=vendor, stdin=b"")
    assert (again.code, counts(again)) == (0, {"SENT": 12}), again.err
    assert "9 recipients to send to, 3 of 12 done before (3 SENT)" in again.err
    accepted = [to for to, _ in vendor.sends[:3] + vendor.sends[reached:]]
    assert len(accepted) == 12 == len({number for to in accepted for number in to})


def test_texts_are_sent_as_they_were_planned(bulk: Run, smscli: Run, vendor: Scripted) -> None:
    """--resume needs no list and no text: both are in the journal until a message is settled."""
    vendor.ending = failing_from(1, CUT)
    first = bulk(PEOPLE, HI, "--jobs", "1")
    vendor.sends.clear()
    vendor.ending = lambda _number: None
    Path("people.csv").unlink()
    assert smscli(*printed_resume(first), environ=ACCOUNT, transport=vendor, stdin=b"").code == 0
    assert vendor.texts == {"79121231234": "Hi Anna, we open at 9", "79121231235": "Hi Berta, we open at 9"}


def test_the_command_that_is_printed_has_the_options_that_matter(bulk: Run, vendor: Scripted) -> None:
    """Pace, sender and test mode; quoted for a shell."""
    vendor.ending = failing_from(1, CUT)
    argv = ("--rate", "100/s", "--batch-size", "7", "--stop-after-failures", "1", "--sender", "A b", "--test")
    words = printed_resume(bulk(PEOPLE, HI, "--key", "k'1", "--jobs", "2", *argv))
    assert words[:3] == ["bulk", "--resume", "k'1"]
    for option in ("--jobs", "--rate", "--batch-size", "--stop-after-failures", "--sender", "--test"):
        assert option in words
    assert words[words.index("--sender") + 1] == "A b"


def test_unknown_ones_are_listed_and_not_sent_again(bulk: Run, vendor: Scripted) -> None:
    """Exit 7, also for --resume, until a person decides."""
    vendor.ending = lambda number: OutcomeUnknownError("no answer") if number == 1 else None
    first = bulk(PEOPLE, HI, "--key", "k", "--jobs", "1", "-o", "json")
    data = first.json["data"]
    assert (first.code, data["recipients"]["UNKNOWN"], data["failures"][0]["row"]) == (7, 1, 2)
    again = bulk(None, "--resume", "k")
    assert (again.code, counts(again)) == (7, {"SENT": 1, "UNKNOWN": 1})
    assert "smscli journal resolve k --sent or --not-sent" in again.err
    assert len(vendor.texts) == 2


def test_unknown_ones_are_sent_again_where_that_is_typed_out(bulk: Run, vendor: Scripted) -> None:
    """To those alone."""
    vendor.ending = lambda number: OutcomeUnknownError("no answer") if number == 1 else None
    bulk(PEOPLE, HI, "--key", "k", "--jobs", "1")
    again = bulk(None, "--resume", "k", "--resend-unknown")
    assert (again.code, counts(again)) == (0, {"SENT": 2}), again.err
    assert [to for to, _ in vendor.sends] == [["79121231234"], ["79121231235"], ["79121231234"]]


def test_what_is_sent_again_and_fails_stays_unknown(bulk: Run, vendor: Scripted) -> None:
    """That the second attempt was refused, or never left, says nothing of the first one."""
    vendor.ending = lambda number: OutcomeUnknownError("no answer") if number == 1 else None
    bulk(PEOPLE, HI, "--key", "k", "--jobs", "1")
    for ending in (CUT, REFUSED):
        vendor.ending = lambda _number, ending=ending: ending  # type: ignore[misc]
        again = bulk(None, "--resume", "k", "--resend-unknown")
        assert (again.code, counts(again)) == (7, {"UNKNOWN": 1, "SENT": 1}), again.err
    vendor.ending = lambda _number: None
    assert bulk(None, "--resume", "k", "--resend-unknown").code == 0


def test_three_unknown_in_a_row_stop_it(bulk: Run, vendor: Scripted) -> None:
    """Nothing more is sent, and the rest is certainly not sent."""
    vendor.ending = lambda _number: OutcomeUnknownError("no answer")
    ran = bulk(list_of(9), HI, "--jobs", "1")
    assert (ran.code, counts(ran), len(vendor.sends)) == (7, {"NOT_SENT": 6, "UNKNOWN": 3}, 3)


def test_it_stops_after_as_many_failures_as_were_named(bulk: Run, vendor: Scripted) -> None:
    """And says so."""
    vendor.ending = lambda number: REFUSED if number % 2 else None
    ran = bulk(list_of(9), HI, "--jobs", "1", "--stop-after-failures", "2")
    assert (ran.code, len(vendor.sends)) == (8, 3), ran.err
    assert "stopped after 2 failures, as asked" in ran.err


@pytest.mark.parametrize(
    "argv",
    [
        ("--dry-run",), ("--validate-only",), ("--skip-invalid",), ("--max-parts", "1"), ("--fit", "1"),
        ("--transliterate",), ("--map", "to=phone"), ("--header",), ("--key", "k"), ("--text-file", "x"),
        ("--allow-duplicates",), ("people.csv",), ("people.csv", HI),
    ],
)  # fmt: skip
def test_resume_takes_nothing_that_belongs_to_a_list(bulk: Run, vendor: Scripted, argv: tuple[str, ...]) -> None:
    """What would be ignored is refused: a --dry-run that is passed over sends."""
    vendor.ending = failing_from(1, CUT)
    bulk(PEOPLE, HI, "--key", "k", "--jobs", "1")
    vendor.sends.clear()
    ran = bulk(None, "--resume", "k", *argv)
    assert (ran.code, vendor.sends) == (2, [])
    assert "--resume cannot be together with" in ran.err


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (("--sender", "Other"), {}),
        (("--test",), {}),
        ((), {"SMSCLI_PROJECT": "another"}),
        ((), {"SMSCLI_BASE_URL": "https://vendor.example/"}),
    ],
    ids=["sender", "test", "account", "base_url"],
)
def test_a_job_is_only_taken_up_as_it_was_begun(
    bulk: Run, vendor: Scripted, argv: tuple[str, ...], environ: dict[str, str]
) -> None:
    """Another account would send the rest in another name: exit 9, nothing is sent."""
    vendor.ending = failing_from(1, CUT)
    bulk(PEOPLE, HI, "--key", "k", "--jobs", "1")
    vendor.sends.clear()
    ran = bulk(None, "--resume", "k", *argv, environ=ACCOUNT | environ)
    assert (ran.code, vendor.sends) == (9, []), ran.err
    assert "give the options or variables it was begun with" in ran.err


def test_a_key_that_nobody_used_cannot_be_resumed(bulk: Run) -> None:
    """Exit 2, and where to look."""
    for _ in range(2):
        ran = bulk(None, "--resume", "nope")
        assert (ran.code, "the journal knows no key 'nope'" in ran.err) == (2, True), ran.err
        bulk(PEOPLE, HI)


def test_a_job_that_was_begun_is_named_when_its_list_comes_again(bulk: Run, smscli: Run, vendor: Scripted) -> None:
    """With the command that goes on with it, which does."""
    vendor.ending = failing_from(1, CUT)
    bulk(PEOPLE, HI, "--jobs", "1")
    vendor.ending = lambda _number: None
    again = bulk(PEOPLE, HI)
    assert (again.code, "was begun on" in again.err) == (9, True)
    command = again.err.partition("go on with it: smscli ")[2].partition(";")[0]
    assert smscli(*split(command), environ=ACCOUNT, transport=vendor, stdin=b"").code == 0


def test_hints_name_the_journal_of_the_sandbox(bulk: Run) -> None:
    """What is pasted has to find the job."""
    assert bulk(PEOPLE, HI, "--sandbox", "--key", "k", environ={"SMSCLI_PROVIDER": "mainsms"}, transport=None).code == 0
    other = bulk(
        None, "--resume", "k", "--sandbox", "--sender", "Other", environ={"SMSCLI_PROVIDER": "mainsms"}, transport=None
    )
    assert (other.code, "smscli journal show k --sandbox" in other.err) == (9, True), other.err


@pytest.mark.parametrize("named", [(), ("-p", "emu")])
def test_a_job_of_a_sandbox_profile_is_taken_up(bulk: Run, tmp_path: Path, named: tuple[str, ...]) -> None:
    """Its journal is another, whether the profile is the default or named."""
    profile_file(tmp_path, "sandbox = true")
    assert bulk(PEOPLE, HI, "--key", "k", *named, environ={}, transport=None).code == 0
    again = bulk(None, "--resume", "k", *named, environ={}, transport=None)
    assert (again.code, counts(again)) == (0, {"SENT": 2}), again.err


def test_a_job_is_taken_up_with_the_profile_it_was_begun_with(bulk: Run, tmp_path: Path, vendor: Scripted) -> None:
    """No -p is needed for that."""
    profile_file(tmp_path, "", default=False)
    vendor.ending = failing_from(1, CUT)
    assert bulk(PEOPLE, HI, "--key", "k", "-p", "emu", environ={}).code == 6
    vendor.ending = lambda _number: None
    assert bulk(None, "--resume", "k", environ={}).code == 0


@pytest.mark.parametrize("variables", [{"SMSCLI_SENDER": "EnvBrand"}, ACCOUNT | {"SMSCLI_PROJECT": "other"}])
def test_a_default_profile_beside_variables_is_the_same_account_again(
    bulk: Run, tmp_path: Path, vendor: Scripted, variables: dict[str, str]
) -> None:
    """A named profile would beat them: what began with the default one is not resumed with it as a named one."""
    profile_file(tmp_path, "")
    vendor.ending = failing_from(1, CUT)
    assert bulk(PEOPLE, HI, "--key", "k", environ=variables).code == 6
    vendor.ending = lambda _number: None
    again = bulk(None, "--resume", "k", environ=variables)
    assert again.code == 0, again.err


# --- the result file --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_every_row_of_a_damaged_list_is_in_the_result_file(bulk: Run, tmp_path: Path, case: Case) -> None:
    """Rows in are rows out, in order: sent, invalid or repeated; a list without a good row is refused."""
    if case.options.get("form") is not None:
        pytest.skip("no option of the command line")
    argv = ["--skip-invalid", "--results", "r.csv", "--yes"]
    names = {"delimiter": "--delimiter", "encoding": "--encoding"}
    for name, value in case.options.items():
        if name == "columns":
            argv += ["--map", ",".join(f"{of}={column}" for of, column in value.items())]
        elif name == "is_headed":
            argv.append("--header" if value else "--no-header")
        elif name != "region":
            argv += [names[name], value]
    region = case.options.get("region")
    profile_file(tmp_path, f'sandbox = true\nregion = "{region}"' if region else "sandbox = true")
    ran = bulk(case.content, "Hello", *argv, environ={}, transport=None)
    verdicts = case.rows
    assert isinstance(verdicts, dict)
    if not any(verdict.startswith("+") for verdict in verdicts.values()):
        assert (ran.code, (tmp_path / "r.csv").exists()) == (2, False), ran.err
        return
    assert ran.code in (0, 8), ran.err
    written = rows(tmp_path / "r.csv")
    assert [int(row["row"]) for row in written] == list(verdicts)
    for row, verdict in zip(written, verdicts.values(), strict=True):
        assert (row["outcome"] == "INVALID") == (not verdict.startswith("+"))


def test_the_result_file_has_ids_and_costs(bulk: Run, tmp_path: Path) -> None:
    """In JSON Lines as in CSV."""
    bulk(PEOPLE, HI, "--results", "r.jsonl", "--jobs", "1")
    first = rows(tmp_path / "r.jsonl")[0]
    assert (first["row"], first["to"], first["outcome"]) == (2, "+79121231234", "SENT")
    assert (first["message_id"], first["parts"], first["amount"]) == ("1000", 1, "2.50")


def test_a_resumed_job_writes_all_of_its_rows(bulk: Run, tmp_path: Path, vendor: Scripted) -> None:
    """Those of the run before, too."""
    vendor.ending = failing_from(2, CUT)
    bulk(list_of(3), HI, "--key", "k", "--jobs", "1", "--results", "r.csv")
    assert [row["outcome"] for row in rows(tmp_path / "r.csv")] == ["SENT", "NOT_SENT", "NOT_SENT"]
    vendor.ending = lambda _number: None
    bulk(None, "--resume", "k", "--results", "r.csv")
    assert [(row["row"], row["outcome"]) for row in rows(tmp_path / "r.csv")] == [
        ("2", "SENT"), ("3", "SENT"), ("4", "SENT"),
    ]  # fmt: skip


def test_the_same_command_again_makes_a_file_that_was_lost(bulk: Run, tmp_path: Path, vendor: Scripted) -> None:
    """With the rows that are in no journal, whatever made them invalid; nothing is sent for it."""
    bad = PEOPLE + "+79121231236,\n12,Short\n+79121231234,Anna\n"
    argv = (HI, "--skip-invalid", "--key", "k")
    bulk(bad, *argv)
    assert bulk(bad, *argv, "--results", "r.csv").code == 0
    outcomes = [row["outcome"] for row in rows(tmp_path / "r.csv")]
    assert outcomes == ["SENT", "SENT", "INVALID", "INVALID", "DUPLICATE"]
    assert len(vendor.texts) == 2


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_a_full_disk_takes_the_result_file_and_nothing_else(
    bulk: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: tuple[str, ...]
) -> None:
    """What was sent stays sent, exit 0; it is said, also with -q, with the command that writes the file later."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    ran = bulk(PEOPLE, HI, "--key", "k", "--results", "r.csv", *quiet)
    assert (ran.code, counts(ran)) == (0, {"SENT": 2}), ran.err
    assert "cannot write --results 'r.csv': No space left on device" in ran.err
    assert "smscli journal export k --results FILE" in ran.err
    assert [path.name for path in tmp_path.iterdir() if "r.csv" in path.name] == []


# --- trouble around it ------------------------------------------------------------------------------------------------


def test_a_journal_that_cannot_be_read_behind_the_send_changes_no_status(
    bulk: Run, vendor: Scripted, tmp_path: Path
) -> None:
    """Exit 3 would say that nothing was sent."""

    def break_journal(number: int) -> None:
        if number == 2:
            (tmp_path / "state" / "journal.sqlite3").chmod(0o600)
            (tmp_path / "state" / "journal.sqlite3").write_bytes(b"no database at all" * 999)

    vendor.ending = break_journal
    ran = bulk(PEOPLE, HI, "--jobs", "1")
    assert ran.code == 7, ran.err
    assert "could not be recorded" in ran.err
    assert f"not recorded: +{vendor.sends[1][0][0]} SENT 2000; record it: smscli journal resolve bulk-" in ran.err
    assert "Traceback" not in ran.err


def test_no_room_for_the_plan_sends_nothing(bulk: Run, vendor: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3, and where room is wanted."""
    from smscli.cli import roster

    monkeypatch.setattr(roster, "_IN_MEMORY", 1)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("w+", encoding="utf-8"))  # noqa: SIM115  (SpooledTemporaryFile closes it)
    ran = bulk(list_of(2000), HI, "--yes")
    assert (ran.code, vendor.sends) == (3, []), ran.err
    assert "TMPDIR" in ran.err


def test_refused_recipients_are_shown_with_their_rows(bulk: Run, vendor: Scripted) -> None:
    """A person sees who was not accepted, and why; a program gets all of that."""
    vendor.ending = lambda number: REFUSED if number == 2 else None
    ran = bulk(PEOPLE, HI, "--jobs", "1", "-o", "table")
    assert ran.code == 8
    assert ran.out.startswith("1 accepted by MainSMS, 1 refused by MainSMS; now 1 part for 2.50"), ran.out
    assert "+79121231235" in ran.out


@pytest.mark.parametrize("quiet", [True, False])
def test_minute_by_minute_it_says_how_far_it_is(bulk: Run, quiet: bool) -> None:
    """Where there is no terminal; not with -q."""
    clock = iter(range(0, 10**6, 20))
    ran = bulk(list_of(9), HI, "--jobs", "1", *["-q"] * quiet, monotonic=lambda: float(next(clock)))
    assert (" of 9: " in ran.err) is not quiet


def test_verbose_says_what_is_asked_without_values(bulk: Run) -> None:
    """No number, no text, no key."""
    ran = bulk(PEOPLE, HI, "-v")
    assert ran.err.count("> POST mainsms.ru/api/mainsms/message/send") == 2
    for word in ("79121231234", "Anna", "07349e954831d"):
        assert word not in ran.err


@pytest.mark.parametrize("output", ["json", "xml", "table", "plain"])
def test_no_text_and_no_key_is_in_any_output(bulk: Run, vendor: Scripted, tmp_path: Path, output: str) -> None:
    """A receipt goes to logs; nor does the journal keep a text once it is settled."""
    vendor.ending = lambda number: CUT if number == 2 else None
    ran = bulk(PEOPLE, HI, "--jobs", "1", "-v", "--results", "r.csv", "-o", output)
    kept = (tmp_path / "state" / "journal.sqlite3").read_bytes()
    for word in ("Hi Anna", "07349e954831d"):
        assert word not in ran.out + ran.err + (tmp_path / "r.csv").read_text()
    assert b"07349e954831d" not in kept
    assert b"Hi Anna" not in kept

"""``smscli bulk`` from a list to a job: what is sent, what is refused before, and when a person is asked."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from smscli.cli import run as run_smscli
from smscli.cli.bulk import CONFIRM_ABOVE, UNASKED
from smscli.errors import UnreachableError
from smscli.runtime import Runtime
from smscli.wire import Request, Response
from tests.conftest import Ran, Stream
from tests.mailing import (
    ACCOUNT,
    HI,
    NOON,
    PEOPLE,
    Run,
    Scripted,
    counts,
    list_of,
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


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_everybody_gets_a_text_of_their_own(bulk: Run, vendor: Scripted) -> None:
    """One request each, and on stdout the lines of a send; the sum of them is a note."""
    ran = bulk(PEOPLE, HI)
    assert (ran.code, [line[:2] for line in ran.lines]) == (0, [["+79121231234", "SENT"], ["+79121231235", "SENT"]])
    assert all(line[2] for line in ran.lines)
    assert "smscli: 2 accepted by MainSMS" in ran.err
    assert vendor.texts == {"79121231234": "Hi Anna, we open at 9", "79121231235": "Hi Berta, we open at 9"}


def test_one_text_for_all_goes_in_the_vendors_batches(bulk: Run, vendor: Scripted) -> None:
    """250 people are three requests to a vendor that takes a hundred."""
    assert bulk(list_of(250), "We are closed", "--yes").code == 0
    assert sorted(len(to) for to, _ in vendor.sends) == [50, 100, 100]
    assert len(vendor.texts) == 250


@pytest.mark.parametrize(
    ("content", "argv"),
    [
        ("phone\ttext\n+79121231234\tHi Anna\n", ()),
        ('{"phone": "+79121231234", "name": "Anna"}\n', ("Hi {name}",)),
        ("+79121231234\n", ("Hi Anna",)),
        ("phone;name\n+79121231234;Anna\n".encode("utf-16"), ("Hi {name}",)),
        ("tel;vorname\n+79121231234;Anna\n", ("Hi {first}", "--map", "to=tel,first=vorname")),
        ("+79121231234|Anna\n", ("Hi {who}", "--no-header", "--delimiter", "|", "--map", "to=1,who=2")),
        ("phone,name\n+79121231234,Anna\n".encode("utf-16-le"), ("Hi {name}", "--encoding", "utf-16-le")),
    ],
    ids=["tsv with texts", "json lines", "numbers", "utf-16", "map", "no header", "encoding"],
)
def test_a_list_is_taken_the_way_people_have_it(
    bulk: Run, vendor: Scripted, content: str | bytes, argv: tuple[str, ...]
) -> None:
    """Text and recipient come out alike."""
    ran = bulk(content, *argv)
    assert (ran.code, vendor.texts) == (0, {"79121231234": "Hi Anna"}), ran.err


def test_a_list_may_come_from_a_pipe(bulk: Run, vendor: Scripted) -> None:
    """``-`` names it."""
    assert bulk(None, "-", HI, stdin=PEOPLE.encode()).code == 0
    assert len(vendor.texts) == 2


def test_a_list_may_come_from_a_named_pipe(bulk: Run, vendor: Scripted, tmp_path: Path) -> None:
    """So does ``<(…)`` of a shell; it can be read only once, and is read again and again."""
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_text, args=(PEOPLE,))
    writer.start()
    ran = bulk(None, "fifo", HI, "--results", "r.csv")
    writer.join()
    assert (ran.code, len(vendor.texts), len(rows(tmp_path / "r.csv"))) == (0, 2, 2), ran.err


def test_the_text_may_come_from_a_file(bulk: Run, vendor: Scripted, tmp_path: Path) -> None:
    """And has columns in braces there, too."""
    (tmp_path / "text").write_text("Hi {name} {{you}}\n")
    assert bulk(PEOPLE, "--text-file", "text").code == 0
    assert vendor.texts["79121231234"] == "Hi Anna {you}"


def test_a_value_with_braces_stays_as_it_is(bulk: Run, vendor: Scripted) -> None:
    """Only the template is read for columns, not what is filled in."""
    assert bulk("phone,text,name\n+79121231234,Hi {name} {{,Anna\n").code == 0
    assert vendor.texts == {"79121231234": "Hi {name} {{"}


def test_each_text_is_changed_as_it_was_asked_for(bulk: Run, vendor: Scripted) -> None:
    """What is sent is what a dry run counts."""
    argv = ("It’s {name} " + "a" * 200, "--transliterate", "--fit", "1")
    data = bulk(PEOPLE, *argv, "--dry-run", "-o", "json").json["data"]
    assert (data["parts"], data["changed"], data["ucs2"]) == (2, 2, 0)
    assert (bulk(PEOPLE, *argv).code, len(vendor.texts["79121231234"])) == (0, 160)
    assert vendor.texts["79121231234"].startswith("It's Anna aaa")


def test_a_number_that_comes_twice_is_sent_to_once(bulk: Run, vendor: Scripted) -> None:
    """It is said, with both rows; to send twice has to be asked for."""
    twice = PEOPLE + "+79121231234,Anna\n"
    ran = bulk(twice, HI)
    assert (ran.code, counts(ran)) == (0, {"SENT": 2})
    assert "row 4: +79121231234 is in row 2 already" in ran.err
    assert counts(bulk(twice, HI, "--allow-duplicates")) == {"SENT": 3}
    assert len(vendor.sends) == 5


def test_a_rate_is_kept(bulk: Run, vendor: Scripted) -> None:
    """By a clock that stands still but for who waits, a rate of ten a second cannot be passed."""
    began = time.monotonic()
    assert bulk(list_of(6), HI, "--rate", "10/s", "--jobs", "4").code == 0
    assert time.monotonic() - began >= 0.5
    assert len(vendor.texts) == 6


# --- what is refused before anything is sent --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "argv", "words"),
    [
        (PEOPLE, ("Hi {nam}",), "did you mean name?"),
        (PEOPLE, ("Hi {name",), "at character 4 of the template"),
        (PEOPLE, ("Hi {name.x}",), "names no column"),
        (PEOPLE, (), "no text"),
        (PEOPLE, ("x", "--text-file", "y"), "both TEXT and --text-file"),
        (PEOPLE, ("-",), "stdin is for the list"),
        (PEOPLE, ("",), "the text is empty"),
        ("phone,name\n+79121231234,\n", (HI,), "row 2, column name: it is empty"),
        ("", (HI,), "the list is empty"),
        ("a,b\n1,2\n", (HI,), "no column holds phone numbers"),
        ("phone,name\n+79121231234,Анна\n".encode("cp1251"), (HI,), "--encoding cp1251"),
        (PEOPLE, (HI, "--encoding", "nonsense"), "there is no encoding 'nonsense'"),
        (PEOPLE, (HI, "--delimiter", "::"), "is no delimiter"),
        (PEOPLE, (HI, "--map", "phone"), "maps no column"),
        (PEOPLE, (HI, "--rate", "fast"), "write it like 20/s"),
        (PEOPLE, (HI, "--rate", "0/s"), "is not a rate"),
        ("phone,name\n", (HI,), "the list has no row"),
        ("phone,name\n", (HI, "--validate-only"), "the list has no row"),
        (PEOPLE, ("é" * 71 + "ğ", "--max-parts", "1"), "the text has 2 parts, more than 1"),
        (PEOPLE, (HI, "--results", "r.txt"), "neither in .csv nor in .jsonl"),
        (PEOPLE, (HI, "--results", "people.csv"), "is the list itself"),
        (PEOPLE, (HI, "--results", "none/r.csv"), "cannot write --results"),
        (PEOPLE, (HI, "--resend-unknown"), "goes with --resume KEY"),
        (None, (), "no list"),
        (None, ("nowhere.csv", HI), "cannot read the list 'nowhere.csv'"),
        (None, (".", HI), "Is a directory"),
    ],
)
def test_what_cannot_be_sent_is_exit_2(
    bulk: Run, vendor: Scripted, content: str | bytes | None, argv: tuple[str, ...], words: str
) -> None:
    """Each says what was wrong; nobody was asked, and nothing is in the journal."""
    ran = bulk(content, *argv)
    assert (ran.code, ran.out, words in ran.err) == (2, "", True), ran.err
    assert (vendor.sends, vendor.asks, Path("state").exists()) == ([], 0, False)


def test_a_list_on_a_terminal_is_not_waited_for(bulk: Run) -> None:
    """Nobody knows that a silent program waits for a list."""
    ran = bulk(None, "-", HI, stdin=None)
    assert (ran.code, "there is no list on stdin" in ran.err) == (2, True)


BAD = "phone,name\n+79121231234,Anna\n7.9E+10,Bad\n12,Short\n+79121231235,\n"


def test_one_bad_row_stops_all(bulk: Run, vendor: Scripted) -> None:
    """With row, column, reason, and both ways out."""
    ran = bulk(BAD, HI)
    assert (ran.code, vendor.sends) == (2, [])
    assert "people.csv: 3 of 4 rows cannot be sent\n  - row 3, column phone: '7.9E+10'" in ran.err
    assert "row 5, column name: it is empty" in ran.err
    assert "--skip-invalid sends to the others" in ran.err


def test_bad_rows_may_be_left_out(bulk: Run, vendor: Scripted, tmp_path: Path) -> None:
    """They are in the result file all the same."""
    ran = bulk(BAD, HI, "--skip-invalid", "--results", "r.csv")
    assert (ran.code, vendor.texts) == (0, {"79121231234": "Hi Anna, we open at 9"})
    assert "3 rows left out: row 3" in ran.err
    assert [row["outcome"] for row in rows(tmp_path / "r.csv")] == ["SENT", "INVALID", "INVALID", "INVALID"]


def test_a_list_without_a_good_row_is_not_sent_whatever_is_left_out(bulk: Run) -> None:
    """A job of nobody is a mistake, and its message does not suggest what was given already."""
    ran = bulk("phone\n12\n", "Hi", "--skip-invalid")
    assert (ran.code, "--skip-invalid" in ran.err) == (2, False), ran.err


def test_few_problems_are_named_unless_all_are_asked_for(bulk: Run) -> None:
    """Twenty say what is wrong; --validate-only says all, and exits with 2 also where bad rows may be left out."""
    many = "phone,no\n+79121231234,1\n" + "+12,1\n" * 1500
    some, every = bulk(many, "Hi"), bulk(many, "Hi", "--validate-only", "--skip-invalid")
    assert (some.code, some.err.count("too short")) == (2, 20)
    assert "1480 more problems: see all with --validate-only" in some.err
    assert (every.code, every.err.count("too short"), "more problems" in every.err) == (2, 1500, False)


def test_a_program_gets_each_problem_of_a_list(bulk: Run) -> None:
    """As a list, in the one document."""
    problems = bulk(BAD, HI, "--validate-only", "-o", "json").json["error"]["problems"]
    assert [problem[:5] for problem in problems] == ["row 3", "row 4", "row 5"]


@pytest.mark.parametrize("option", ["--validate-only", "--dry-run"])
def test_a_look_sends_nothing_and_counts(bulk: Run, vendor: Scripted, option: str) -> None:
    """Rows, recipients, parts; no journal is begun, and no yes is needed."""
    ran = bulk(list_of(200) + "+79121231000,again\n", HI, option)
    assert ran.code == 0
    assert dict(ran.lines)["rows"] == "201"
    assert dict(ran.lines) | {"recipients": "200", "duplicates": "1", "invalid": "0", "parts": "200"} == dict(ran.lines)
    assert "nothing was sent" in ran.err
    assert (vendor.sends, vendor.asks, Path("state").exists()) == ([], 0, False)


def test_a_list_is_checked_without_fetching_the_key(bulk: Run, tmp_path: Path) -> None:
    """No password manager is asked for a look at a list."""
    lines = ["[profiles.a]", 'provider = "mainsms"', 'project = "p"', 'api_key_command = ["false"]', 'sender = "sms"']
    (tmp_path / "config.toml").touch(mode=0o600)
    (tmp_path / "config.toml").write_text("\n".join(lines))
    assert bulk(PEOPLE, HI, "--validate-only", "-p", "a", environ={}).code == 0
    assert bulk(PEOPLE, HI, "-p", "a", environ={}).code == 3


def test_an_empty_key_is_none(bulk: Run, vendor: Scripted) -> None:
    """A variable that is not set must not make a job of its own each time."""
    ran = bulk(PEOPLE, HI, "--key", "")
    assert (ran.code, "cannot be a key" in ran.err, vendor.sends) == (2, True, [])


def test_a_dry_run_shows_the_first_texts(bulk: Run) -> None:
    """As they would be sent."""
    data = bulk(PEOPLE, HI, "--dry-run", "-o", "json").json["data"]
    assert data["examples"][1] == {"to": "+79121231235", "text": "Hi Berta, we open at 9"}


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_table_fits_the_terminal(bulk: Run, columns: int) -> None:
    """No line is longer than it is wide, but one that holds what cannot be broken."""
    ran = bulk(PEOPLE, HI, "--dry-run", "-o", "table", environ=ACCOUNT | {"COLUMNS": str(columns)})
    assert ran.out.startswith("2 recipients, 2 parts by MainSMS\n")
    assert max(map(len, ran.out.splitlines())) <= columns


# --- a person says yes ------------------------------------------------------------------------------------------------


def answered(
    folder: Path, vendor: Scripted, answer: str, count: int, *argv: str, environ: Mapping[str, str] = ACCOUNT
) -> Ran:  # fmt: skip
    """Send to so many people with somebody at the terminal who types this."""
    (folder / "list").write_text(list_of(count))
    world = {"HOME": folder, "SMSCLI_CONFIG": folder / "config.toml", "SMSCLI_STATE_DIR": folder / "state"}
    out, err = Stream(), Stream()
    runtime = Runtime(
        {**{name: str(path) for name, path in world.items()}, **environ}, Stream(answer.encode(), terminal=True), out,
        err, transport=vendor, now=lambda: NOON, boot=lambda: None, sleep=lambda _: None,
    )  # fmt: skip
    code = run_smscli(["bulk", str(folder / "list"), *argv], runtime)
    return Ran(code, out.text(), err.text())


def test_a_person_is_asked_above_ten_recipients(tmp_path: Path, vendor: Scripted) -> None:
    """With recipients, parts, what it costs and what is left on the account; Enter alone is no."""
    ran = answered(tmp_path, vendor, "\n", CONFIRM_ABOVE + 1, HI)
    assert (ran.code, vendor.sends) == (9, [])
    assert "It costs 16.5 RUB. The balance is 12.50 RUB. Send 11 parts to 11 recipients? [y/N]" in ran.err
    assert "not confirmed; nothing was sent" in ran.err
    assert answered(tmp_path, vendor, "y\n", CONFIRM_ABOVE + 1, HI).code == 0
    assert len(vendor.texts) == 11


def test_one_text_is_priced_in_as_few_requests_as_the_vendor_allows(tmp_path: Path, vendor: Scripted) -> None:
    """And a price that would take too many is not asked for: the question is put without it."""
    ran = answered(tmp_path, vendor, "\n", 250, "We open at 9")
    assert "It costs 251.5 RUB. " in ran.err, ran.err
    ran = answered(tmp_path, vendor, "\n", 21, HI)
    assert ("costs" in ran.err, "Send 21 parts" in ran.err) == (False, True)


def test_the_same_list_is_refused_before_anybody_is_asked(tmp_path: Path, vendor: Scripted) -> None:
    """Nobody says yes in vain."""
    assert answered(tmp_path, vendor, "y\n", 11, HI).code == 0
    ran = answered(tmp_path, vendor, "y\n", 11, HI)
    assert (ran.code, "[y/N]" in ran.err, "send it anew on purpose" in ran.err) == (9, False, True)


def test_ten_recipients_need_no_yes(tmp_path: Path, vendor: Scripted) -> None:
    """Nor is the vendor asked what is left."""
    assert answered(tmp_path, vendor, "", CONFIRM_ABOVE, HI).code == 0
    assert vendor.asks == 0


def test_a_balance_that_cannot_be_had_is_said_and_asked_without(tmp_path: Path, vendor: Scripted) -> None:
    """It is the person who decides."""

    def transport(request: Request, seconds: float) -> Response:
        if not request.billable:
            raise UnreachableError("no connection")
        return vendor(request, seconds)

    ran = answered(tmp_path, transport, "y\n", 11, HI)  # type: ignore[arg-type]  # a vendor without a balance
    assert (ran.code, "The balance is not known (no connection). Send" in ran.err) == (0, True), ran.err


def test_a_text_of_several_parts_is_said_before_it_is_sent(tmp_path: Path, vendor: Scripted) -> None:
    """It is what surprises on the bill."""
    ran = answered(tmp_path, vendor, "n\n", 11, "ж" * 100)
    assert "Send 22 parts (up to 2 a text) to 11 recipients?" in ran.err


def test_without_a_person_many_need_a_yes_on_the_command_line(bulk: Run, vendor: Scripted) -> None:
    """Above a hundred, unless the profile says otherwise: exit 9, and what to do."""
    ran = bulk(list_of(UNASKED + 1), HI)
    assert (ran.code, vendor.sends, "add --yes" in ran.err) == (9, [], True), ran.err
    assert bulk(list_of(UNASKED), HI).code == 0


@pytest.mark.parametrize("command", ["send", "bulk"])
@pytest.mark.parametrize(("most", "code"), [(1, 9), (2, 0)])
def test_a_profile_sets_how_many_need_a_yes(
    bulk: Run, smscli: Run, tmp_path: Path, vendor: Scripted, command: str, most: int, code: int
) -> None:
    """``confirm_above``, for both ways of sending; --yes goes beyond it."""
    profile_file(tmp_path, f"confirm_above = {most}")

    def run(*argv: str) -> Ran:
        if command == "bulk":
            return bulk(PEOPLE, HI, *argv, environ={})
        to = ("--to", "+79121231234,+79121231235", "hello")
        return smscli("send", *to, *argv, transport=vendor, now=lambda: NOON, stdin=b"")

    ran = run()
    assert (ran.code, len(vendor.sends) > 0) == (code, code == 0), ran.err
    assert run("--yes", "--key", "meant").code == 0


def test_confirm_above_may_come_from_the_environment_and_raises_the_limit(bulk: Run) -> None:
    """As every field of a profile."""
    assert bulk(list_of(UNASKED + 1), HI, environ=ACCOUNT | {"SMSCLI_CONFIRM_ABOVE": "500"}).code == 0


def test_no_yes_on_a_terminal_is_spared_by_a_higher_limit(tmp_path: Path, vendor: Scripted) -> None:
    """The limit is for programs; a person is asked above ten, or above fewer where the profile says so."""
    more, fewer = ({**ACCOUNT, "SMSCLI_CONFIRM_ABOVE": most} for most in ("500", "2"))
    assert answered(tmp_path, vendor, "n\n", 11, HI, environ=more).code == 9
    assert answered(tmp_path, vendor, "n\n", 3, HI, environ=fewer).code == 9
    assert vendor.sends == []

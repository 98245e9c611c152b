"""The result file: every row of a list is in it once, and what went in can be read out of it again."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.cli.results import FIELDS, OUTCOMES, ResultRow, Writer, from_journal, joined
from smscli.errors import Cause, ConfigError, InputError
from smscli.journal import JournalEntry
from smscli.journal._rows import JobRow, MessageRow
from smscli.lists import Remark, Row, Survey, Template, read
from smscli.model import MSISDN, Money
from tests.lists.corpus import READ, A, B, C, Case

JOB = JobRow(1, "spring", "f" * 64, "lightsms", "work", "Alert", 0.0, 1)
STATES = ("SENT", "REFUSED", "NOT_SENT", "UNKNOWN", "IN_FLIGHT")


def entry(position: int, to: str, state: str = "SENT", **columns: str | int) -> JournalEntry:
    """Return what a journal holds of one recipient."""
    return JournalEntry(JOB, MessageRow(1, position, 1, state, recipient=to[1:], **columns))  # type: ignore[arg-type]  # columns


def good_first(rows: Sequence[Row]) -> list[JournalEntry]:
    """Return a job as a list makes it: each recipient once, at its row, in all states in turn."""
    planned = [row for row in rows if row.to and row.first is None]
    return [entry(row.number, str(row.to), STATES[place % 5]) for place, row in enumerate(planned)]


def listed(text: str) -> list[Row]:
    """Return the rows of a list."""
    return list(read(io.BytesIO(text.encode())))


def problems(row: Row) -> Sequence[Remark]:
    """Return what is wrong with a row by itself."""
    return row.problems


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_every_row_of_a_damaged_list_is_in_the_result_file(case: Case, ending: str, tmp_path: Path) -> None:
    """Rows in are rows out, in order, each with its verdict: what the journal says, invalid or a duplicate."""
    assert isinstance(case.rows, dict)
    rows = list(read(io.BytesIO(case.content), **case.options))
    entries = good_first(rows)
    path = tmp_path / f"results.{ending}"
    with Writer(path) as writer:
        counts = writer.write(joined(read(io.BytesIO(case.content), **case.options), entries, problems))
    lines = contents(path)
    assert [int(line["row"] or 0) for line in lines] == list(case.rows)
    assert counts.total() == len(case.rows)
    stored = {one.message.position: one.state.value for one in entries}
    for row, line, verdict in zip(rows, lines, case.rows.values(), strict=True):
        assert line["outcome"] == stored.get(row.number, "DUPLICATE" if verdict.startswith("+") else "INVALID")
        if verdict.startswith("+"):
            assert line["to"] == verdict
        else:
            assert verdict in str(line["reason"])
            assert len(str(line["to"])) <= 82


def contents(path: Path) -> list[dict[str, str | None]]:
    """Return the rows of a result file, by column, whatever it is."""
    text = path.read_bytes().decode()
    if path.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(text, newline="")))
    return [json.loads(line) for line in text.splitlines()]


def test_the_words_of_rows_that_are_not_in_the_job() -> None:
    """The cell and its problems, each with its column; the row that has the same recipient."""
    rows = listed(f"phone,name\n{A},Jo\n+7916l234567,\n{A},Ann\n\n{B},\n{C}\n")
    template = Template("Hi {name}")
    results = list(joined(rows, [entry(2, A, message_id="17")], Survey(template, 0).add))
    assert results == [
        ResultRow(2, A, "SENT", "17"),
        ResultRow(
            3, "+7916l234567", "INVALID",
            reason="column phone: '+7916l234567' is not a phone number: 'l' has no place in it; "
            "column name: it is empty",
        ),
        ResultRow(4, A, "DUPLICATE", reason="row 2 has the same recipient"),
        ResultRow(6, B, "INVALID", reason="column name: it is empty"),
        ResultRow(7, "", "INVALID", reason="it has 1 of 2 cells: name is missing"),
    ]  # fmt: skip


def test_what_the_journal_says_of_a_row_is_in_it() -> None:
    """Id, parts, cost and reason, as far as there are any."""
    full = entry(2, A, "REFUSED", message_id="17", parts=2, amount="0.050", currency="EUR",
                 reason="stop list", cause=Cause.REFUSED)  # fmt: skip
    (row,) = joined(listed(f"to\n{A}\n"), [full], problems)
    assert row == ResultRow(2, A, "REFUSED", "17", 2, Money(Decimal("0.050"), "EUR"), "stop list")


def test_a_repeated_recipient_that_is_in_the_job_has_its_own_outcome() -> None:
    """Somebody may have asked for duplicates to be sent."""
    rows = listed(f"to\n{A}\n{A}\n")
    assert [row.outcome for row in joined(rows, [entry(2, A), entry(3, A, "UNKNOWN")], problems)] == ["SENT", "UNKNOWN"]


@pytest.mark.parametrize(
    ("text", "entries", "words"),
    [
        (f"to\n{A}\n{B}\n", [(2, A)], f"row 3 of the list, {re.escape(B)}, is not in the job"),
        (f"to\n{A}\n{B}\n", [(3, B)], f"row 2 of the list, {re.escape(A)}, is not in the job"),
        (f"to\n{A}\n", [(2, A), (3, B)], f"row 3 of the job, {re.escape(B)}, is not in that row"),
        (f"to\n{A}\n\n{B}\n", [(2, A), (3, C), (4, B)], f"row 3 of the job, {re.escape(C)}, is not in that row"),
        (f"to\n{A}\n{B}\n", [(2, B), (3, B)], f"row 2 of the job, {re.escape(B)}, is not in that row"),
        (f"to\n{A}\n-\n", [(2, A), (3, B)], f"row 3 of the job, {re.escape(B)}, is not in that row"),
        (f"to\n{A}\n", [(0, A)], "key 'spring' was not sent from a list"),
    ],
    ids=["a row more", "a row before", "a row less", "a blank row", "another number", "no number", "no list"],
)
def test_a_list_that_does_not_belong_to_the_job_is_refused(
    text: str, entries: Sequence[tuple[int, str]], words: str
) -> None:
    """The row is named: nobody is told the outcome of somebody else."""
    with pytest.raises(InputError, match=words):
        list(joined(listed(text), [entry(*one) for one in entries], problems))


def test_rows_are_joined_while_they_come() -> None:
    """A million of them are not in memory: after each one of both is at hand."""
    asked: list[int] = []

    def numbered(step: int) -> Iterator[int]:
        for number in range(2, 9):
            asked.append(number * step)
            yield number

    rows = (Row(number, number, {}, to=MSISDN("37061234567")) for number in numbered(1))
    stream = joined(rows, (entry(number, "+37061234567") for number in numbered(-1)), problems)
    assert asked == []
    next(stream)
    next(stream)
    assert asked == [-2, 2, -3, 3]


@pytest.mark.parametrize(
    ("positions", "numbers"), [((0, 1, 2), [1, 2, 3]), ((2, 5, 9), [2, 5, 9]), ((1,), [1]), ((), [])]
)
def test_a_job_alone_has_the_rows_of_its_list_or_counts_from_one(
    positions: Sequence[int], numbers: Sequence[int]
) -> None:
    """Without a list only position 0 says that there was none."""
    assert [row.row for row in from_journal(entry(position, A) for position in positions)] == numbers


# --- the file ---------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
result_rows = st.builds(
    ResultRow,
    st.integers(1, 10**7),
    texts,
    st.sampled_from(OUTCOMES),
    st.none() | texts,
    st.none() | st.integers(1, 255),
    st.none() | st.builds(Money, st.decimals(0, 10**6, places=4), st.none() | texts),
    st.none() | texts,
)


def written(rows: Sequence[ResultRow], ending: str) -> list[dict[str, str | None]]:
    """Return the rows of a file that was written from these."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"results.{ending}"
        with Writer(path) as writer:
            assert writer.write(rows).total() == len(rows)
        return contents(path)


@given(st.lists(result_rows, max_size=5))
def test_json_lines_give_back_what_went_in(rows: list[ResultRow]) -> None:
    """One object a line, every name in each; an amount keeps its digits."""
    assert [tuple(line.values()) for line in written(rows, "jsonl")] == [row.values() for row in rows]
    assert all(tuple(line) == FIELDS for line in written(rows, "jsonl"))


@given(st.lists(result_rows, max_size=5))
def test_a_table_gives_back_what_went_in(rows: list[ResultRow]) -> None:
    """Nothing is an empty cell; of a cell that was made harmless the apostrophes are more."""
    lines = written(rows, "csv")
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        for cell, value in zip(line.values(), row.values(), strict=True):
            text = "" if value is None else str(value)
            assert cell is not None
            assert re.sub(r"(?:\A|(?<=;))'(?=[=+\-@\t\r＝＋－＠])", "", cell) == re.sub(
                r"(?:\A|(?<=;))'(?=[=+\-@\t\r＝＋－＠])", "", text
            )


@given(texts)
def test_no_cell_of_a_table_begins_as_a_formula(text: str) -> None:
    """Neither where commas nor where semicolons part the cells; what is a number is none."""
    (line,) = written([ResultRow(1, text, "INVALID", reason=text)], "csv")
    for cell in (line["to"], line["reason"]):
        assert cell is not None
        for piece in cell.split(";"):
            assert not piece.startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(r"[+-][0-9.]+", piece)


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("+37061234567", "+37061234567"),
        ("-0.5", "-0.5"),
        ("+3706 1234", "'+3706 1234"),
        ('=HYPERLINK("x")', '\'=HYPERLINK("x")'),
        ("@SUM(1)", "'@SUM(1)"),
        ("-1+1", "'-1+1"),
        ("\tx", "'\tx"),
        ("＝1", "'＝1"),
        ("x;=1+1", "x;'=1+1"),
        ("1;+2;-3", "1;+2;-3"),
        ("a=1", "a=1"),
        ("'=1", "'=1"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(cell: str, safe: str) -> None:
    """Numbers stay numbers, also with their plus; JSON is not for spreadsheets."""
    (line,) = written([ResultRow(1, cell, "INVALID", reason=cell)], "csv")
    assert (line["to"], line["reason"]) == (safe, safe)
    (line,) = written([ResultRow(1, cell, "INVALID", reason=cell)], "jsonl")
    assert line["to"] == cell


def test_a_table_is_that_of_the_rfc(tmp_path: Path) -> None:
    """RFC 4180: a row of names, CR LF, quotes where they are needed; UTF-8."""
    with Writer(tmp_path / "a.CSV") as writer:
        writer.write([ResultRow(2, A, "REFUSED", "1", 2, Money(Decimal("0.10"), "EUR"), 'says "nein", Žana')])
    assert (tmp_path / "a.CSV").read_bytes() == (
        "row,to,outcome,message_id,parts,amount,currency,reason\r\n"
        f'2,{A},REFUSED,1,2,0.10,EUR,"says ""nein"", Žana"\r\n'
    ).encode()


def test_control_characters_and_bytes_of_a_cell_are_shown() -> None:
    """As everywhere: nothing in the file steers a terminal."""
    (row,) = joined(listed('to,x\n"+7\x1b[2J\n916",1\n'), [], problems)
    assert (row.to, row.reason is not None and row.reason.isprintable()) == ("+7\\x1b[2J\\n916", True)


def names(directory: Path) -> list[str]:
    """Return what lies in a directory."""
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_the_file_is_the_users_alone_and_whole_at_once(tmp_path: Path, mask: int) -> None:
    """Until its end there is what was there before."""
    path = tmp_path / "results.csv"
    path.write_text("before")
    before = os.umask(mask)
    try:
        with Writer(path) as writer:
            assert path.read_text() == "before"
            writer.write([ResultRow(1, A, "SENT")])
    finally:
        os.umask(before)
    assert contents(path)[0]["to"] == A
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["results.csv"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it points to is replaced, where that lies."""
    (tmp_path / "there").mkdir()
    (tmp_path / "results.csv").symlink_to(tmp_path / "there" / "real")
    with Writer(tmp_path / "results.csv") as writer:
        writer.write([ResultRow(1, A, "SENT")])
    assert (tmp_path / "results.csv").is_symlink()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["real"]


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    """Of the rows, of the disk, or before there were any rows."""
    path = tmp_path / "results.csv"
    path.write_text("before")

    def failing() -> Iterator[ResultRow]:
        yield ResultRow(1, A, "SENT")
        raise InputError("the list has changed")

    with pytest.raises(InputError, match="changed"), Writer(path) as writer:
        writer.write(failing())
    with pytest.raises(KeyboardInterrupt), Writer(path):
        raise KeyboardInterrupt
    with Writer(path):
        pass
    assert (path.read_text(), names(tmp_path)) == ("before", ["results.csv"])


def test_a_place_that_is_gone_in_the_end_is_told(tmp_path: Path) -> None:
    """What was sent by then stands in the journal: it is no matter of the input."""
    path = tmp_path / "results.csv"
    with Writer(path) as writer:
        path.mkdir()
        with pytest.raises(ConfigError, match=r"cannot write --results .*: Is a directory"):
            writer.write([ResultRow(1, A, "SENT")])
    assert names(tmp_path) == ["results.csv"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("results.txt", "ends neither in .csv nor in .jsonl"),
        ("results", "ends neither"),
        ("folder.csv", "is no regular file"),
        ("pipe.csv", "is no regular file"),
        ("device.csv", "is no regular file"),
        ("list.csv", "is the list itself"),
        ("link.csv", "is the list itself"),
        ("hard.csv", "is the list itself"),
        ("nowhere/results.csv", "No such file or directory"),
        ("list.csv/results.csv", "Not a directory"),
        (f"{'x' * 300}.csv", "File name too long"),
    ],
)
def test_a_place_that_cannot_be_is_refused_at_once(tmp_path: Path, name: str, words: str) -> None:
    """Before anything is sent, and nothing is changed or left."""
    source = tmp_path / "list.csv"
    source.write_text("a list")
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "device.csv").symlink_to("/dev/null")
    (tmp_path / "link.csv").symlink_to(source)
    (tmp_path / "hard.csv").hardlink_to(source)
    before = names(tmp_path)
    with pytest.raises(InputError, match=words):
        Writer(tmp_path / name, source=source)
    if words == "is the list itself":
        with source.open("rb") as file, pytest.raises(InputError, match=words):
            Writer(tmp_path / name, source=file.fileno())
    assert (names(tmp_path), source.read_text()) == (before, "a list")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("protected", ["folder", "file"])
def test_a_place_without_permission_is_refused_at_once(tmp_path: Path, protected: str) -> None:
    """A folder that is read-only, or a file that somebody has protected."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "results.csv"
    path.write_text("before")
    (path if protected == "file" else folder).chmod(0o500)
    try:
        with pytest.raises(InputError, match="Permission denied"):
            Writer(path)
    finally:
        folder.chmod(0o700)
    assert path.read_text() == "before"

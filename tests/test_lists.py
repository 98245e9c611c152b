"""Lists of recipients as people have them: every row comes out, good or with its problem and place."""

from __future__ import annotations

import csv
import io
import tracemalloc
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.errors import InputError
from smscli.lists import Form, Remark, Repair, Row, Template, parse_map, read, survey
from tests.lists.corpus import CELLS, READ, REFUSALS, A, B, C, Case


def rows(data: str, **options: str) -> list[Row]:
    """Return the rows of a list."""
    return list(read(io.BytesIO(data.encode()), **options))  # type: ignore[arg-type]  # region, delimiter, encoding


def test_the_corpus_is_large() -> None:
    """Sixty damaged lists are the least, and none stands in it twice."""
    names = [case.name for case in (*READ, *REFUSALS)]
    assert len(set(names)) == len(names) > 120


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_every_row_of_a_damaged_list_gets_its_verdict(case: Case) -> None:
    """Rows in are rows out, in order: the right recipient, or a problem in the right words at the right place."""
    seen = list(read(io.BytesIO(case.content), **case.options))
    assert isinstance(case.rows, dict)
    assert [row.number for row in seen] == list(case.rows)
    for row, verdict in zip(seen, case.rows.values(), strict=True):
        if verdict.startswith("+"):
            assert (str(row.to), row.problems) == (verdict, ())
        else:
            (problem,) = row.problems
            assert row.to is None
            assert verdict in str(problem)
            assert str(problem).startswith(f"row {row.number}")
            assert len(str(problem)) < 250


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
def test_a_list_that_cannot_be_read_is_refused_as_a_whole(case: Case) -> None:
    """Before any row, with the reason."""
    assert isinstance(case.rows, str)
    with pytest.raises(InputError, match=case.rows):
        read(io.BytesIO(case.content), **case.options)


class OneByteAtATime(io.RawIOBase):
    """A pipe whose other end is slow."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, _size: int = -1, /) -> bytes:
        """Return the next byte, or none at the end."""
        byte, self.data = self.data[:1], self.data[1:]
        return byte


def test_a_pipe_may_come_in_pieces_and_stays_open() -> None:
    """Nothing is sought in, and the stream is its owner's to close."""
    pipe = OneByteAtATime(f"phone,name\n{A},Žana\n".encode())
    assert [str(row.to) for row in read(pipe)] == [A]
    assert not pipe.closed


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Жанна и Пётр", "cp1251"), ("Жанна и Пётр", "koi8-r"), ("Жанна и Пётр", "cp866"), ("José Núñez", "cp1252")],
)
def test_an_encoding_is_suggested_with_the_words_it_gives(text: str, encoding: str) -> None:
    """Nobody has to know its name; and it is not taken without being named."""
    with pytest.raises(InputError) as caught:
        read(io.BytesIO(f"phone,name\n{A},{text}\n".encode(encoding)))
    assert caught.value.hint is not None
    # Western letters are alike in several encodings: then what it gives counts.
    name = caught.value.hint.split()[2].rstrip(",")
    assert text.encode(encoding).decode(name) == text


def test_a_stray_blank_is_enough_for_a_suggestion() -> None:
    """A no-break space of an old encoding."""
    with pytest.raises(InputError, match="not UTF-8") as caught:
        read(io.BytesIO(b"phone\n+7\xa09161234567\n"))
    assert caught.value.hint == "perhaps --encoding cp1251, which reads '+7\\xa09161234567'"


def test_a_sample_that_ends_inside_a_character_is_no_damage() -> None:
    """64 KiB may end anywhere: in a row, and in a list that has but one line."""
    for shift in range(2):
        long = "x" * shift + "ж" * 40_000
        (row,) = rows(f'{{"to": "{A}", "text": "{long}"}}')
        assert row.values["text"] == long
    many = "".join(f"+7916{number:07d},Жан\n" for number in range(5000))
    assert sum(row.to is not None for row in rows("phone,name\n" + many)) == 5000


# --- round trips ------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TABLES = st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(TEXTS, min_size=width, max_size=width), max_size=8))
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"])
BREAKS = st.sampled_from(["\n", "\r\n", "\r"])


def written(table: list[list[str]], delimiter: str, quoting: int, line_break: str) -> str:
    """Return a table as the csv module writes it, with names and a recipient of its own in each row.

    Up to Python 3.12 it leaves a line break without quotes that is not its own.
    """
    if quoting == csv.QUOTE_MINIMAL:
        line_break = "\r\n"
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=line_break)  # type: ignore[arg-type]
    width = len(table[0]) if table else 1
    writer.writerow(["to", *(f"column {place}" for place in range(width))])
    writer.writerows([f"+7916{number:07d}", *cells] for number, cells in zip(count(), table, strict=False))
    return file.getvalue()


@given(
    TABLES, st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    BREAKS, ENCODINGS,
)  # fmt: skip
def test_what_the_csv_module_writes_comes_back_cell_by_cell(
    table: list[list[str]], delimiter: str, quoting: int, line_break: str, encoding: str
) -> None:
    """In every dialect and encoding: whatever stands in the cells, when the delimiter is named."""
    data = written(table, delimiter, quoting, line_break).encode(encoding)
    seen = list(read(io.BytesIO(data), delimiter=delimiter))
    assert [list(row.raw[1:]) for row in seen] == table
    assert all(row.to is not None for row in seen)


WORDS = st.text("abcžйŞ 0.,;'!", max_size=12)


@given(
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8), st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]), BREAKS, ENCODINGS,
)  # fmt: skip
def test_the_delimiter_is_told_by_the_sample(
    table: list[tuple[str, str]], delimiter: str, quoting: int, line_break: str, encoding: str
) -> None:
    """Also where the texts are full of the other ones."""
    cells = [list(row) for row in table]
    found = read(io.BytesIO(written(cells, delimiter, quoting, line_break).encode(encoding)))
    assert found.delimiter == delimiter
    assert [list(row.raw[1:]) for row in found] == cells


@given(st.binary(max_size=300), st.sampled_from([Form.TABLE, Form.JSON_LINES, Form.NUMBERS, None]))
def test_any_bytes_give_rows_or_an_input_error(data: bytes, form: Form | None) -> None:
    """Nothing else ever comes out; a good row has a recipient, a bad one has none."""
    try:
        seen = list(read(io.BytesIO(data), form=form, region="RU"))
    except InputError:
        return
    assert all((row.to is None) == bool(row.problems) for row in seen)


@given(st.lists(st.text("+79161234568 ()-.,;\"'E#\n\r\t", max_size=30), max_size=12))
def test_no_line_vanishes(lines: list[str]) -> None:
    """Every line with something in it belongs to a row that comes out."""
    data = "to\n" + "\n".join(lines)
    seen = list(read(io.BytesIO(data.encode()), delimiter="|", form=Form.TABLE))
    starts = [row.line for row in seen]
    assert starts == sorted(set(starts))
    raw = "".join(cell for row in seen for cell in row.raw)
    for character in "+#E":
        # Quotes may be doubled or taken away, nothing else.
        assert raw.count(character) == "".join(lines).count(character)


@given(st.lists(st.sampled_from(["{name}", "{city}", "{{", "}}", "a", " ", "ž"])), TEXTS, TEXTS)
def test_a_template_gives_what_format_gives(pieces: list[str], name: str, city: str) -> None:
    """For plain names Python's own formatting is the second opinion."""
    text = "".join(pieces)
    template = Template(text)
    values = {"name": name, "city": city}
    if not template.faults(values):
        assert template.fill(values) == text.format(**values)


@given(st.text("{}ab.![:0 ", max_size=12))
def test_any_text_is_a_template_or_an_input_error(text: str) -> None:
    """And one that has no name in it says itself, with its braces undoubled."""
    try:
        template = Template(text)
    except InputError:
        return
    if not template.names:
        assert template.fill({}) == text.replace("{{", "{").replace("}}", "}")


# --- repairs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "repairs"),
    [
        ("+79161234567", ()),
        ("+7 (916) 123-45-67", ()),
        ("79161234567", (Repair.PLUS,)),
        ("0079161234567", (Repair.ZEROS,)),
        ("89161234567", (Repair.TRUNK,)),
        ("7.9161234567E+10", (Repair.EXPONENT, Repair.PLUS)),
        ("'79161234567.0", (Repair.APOSTROPHE, Repair.DECIMALS, Repair.PLUS)),
        ("+79,161,234,567", (Repair.THOUSANDS,)),
        ("\u200b+79161234567", (Repair.INVISIBLE,)),
        ("+7\u00a0916\u00a01234567", (Repair.INVISIBLE,)),
        ("٧٩١٦١٢٣٤٥٦٧", (Repair.SCRIPT, Repair.PLUS)),
        ('="+79161234567"', (Repair.FORMULA,)),
    ],
)
def test_each_repair_is_told(written: str, repairs: tuple[Repair, ...]) -> None:
    """Whoever reads the row can see what was done to its number."""
    quoted = written.replace('"', '""')
    (row,) = rows(f'phone\n"{quoted}"\n', region="RU")
    assert (str(row.to), row.repairs) == (A, repairs)


@pytest.mark.parametrize("case", CELLS, ids=lambda case: case.name)
def test_a_repair_never_adds_or_changes_a_digit(case: Case) -> None:
    """What comes out ends with digits that stood in the cell, in their order."""
    for row in read(io.BytesIO(case.content), **case.options):
        if row.to is not None:
            digits = "".join(str(int(character)) for character in row.cell if character.isdecimal())
            assert row.to.digits[3:] in digits


def test_a_number_that_no_plan_assigns_is_a_doubt_and_no_problem() -> None:
    """As with send --to."""
    (row,) = rows("phone\n+70000000000\n")
    assert row.problems == ()
    assert row.warning is not None


def test_an_invisible_mark_is_no_damage_for_send_either() -> None:
    """One rule reads a typed number and a cell."""
    from smscli.numbering import parse

    assert str(parse("\ufeff+7916\u200b1234567", None).msisdn) == A


# --- columns ----------------------------------------------------------------------------------------------------------


def test_values_go_by_the_names_of_columns_and_by_mapped_ones() -> None:
    """A mapped name comes beside the column's own, and wins over another column of that name."""
    data = io.BytesIO(f" Phone ,first name,name\n{A},Jo,Smith\n".encode())
    (row,) = read(data, columns=parse_map("name=first name,surname=NAME"))
    assert row.values == {"Phone": A, "first name": "Jo", "name": "Jo", "surname": "Smith", "to": A}
    assert row.raw == (A, "Jo", "Smith")


def test_columns_without_names_go_by_numbers() -> None:
    """Also where only one of them has no name."""
    assert rows(f"{A},Jo\n")[0].values == {"1": A, "2": "Jo", "to": A}
    assert rows(f"phone,\n{A},Jo\n")[0].values == {"phone": A, "2": "Jo", "to": A}


def test_a_map_is_read_from_one_option() -> None:
    """As it is written on the command line."""
    assert parse_map("to=phone, name = First name") == {"to": "phone", "name": "First name"}


@pytest.mark.parametrize(
    ("text", "why"), [("to", "maps no"), ("to=", "maps no"), ("=x", "maps no"), ("", "maps no"), ("a=b,a=c", "twice")]
)
def test_a_map_that_maps_nothing_is_refused(text: str, why: str) -> None:
    """With what is wrong with it."""
    with pytest.raises(InputError, match=why):
        parse_map(text)


def test_a_column_that_is_not_there_gets_the_likely_one_or_all_named() -> None:
    """In whatever case it is written."""
    for wanted, hint in (("FIRST_NAM", "did you mean first_name?"), ("x", "the columns are phone, first_name")):
        with pytest.raises(InputError) as caught:
            read(io.BytesIO(f"phone,first_name\n{A},Jo\n".encode()), columns={"name": wanted})
        assert caught.value.hint == hint


def test_many_columns_are_not_all_listed() -> None:
    """Twelve are enough in an error."""
    with pytest.raises(InputError) as caught:
        read(io.BytesIO((",".join(f"c{n}" for n in range(30)) + "\n" + ",".join("x" * 30) + "\n").encode()))
    assert caught.value.hint is not None
    assert "c11 …" in caught.value.hint
    assert "region" in caught.value.hint


def test_what_was_told_by_the_sample_is_there_to_be_shown() -> None:
    """Form, delimiter, encoding and columns."""
    table = read(io.BytesIO(f"phone;name\n{A};Jo\n".encode("utf-16")))
    assert (table.form, table.delimiter, table.encoding) == (Form.TABLE, ";", "utf-16")
    assert (table.columns.names, table.columns.to, table.columns.is_headed) == (("phone", "name"), "phone", True)
    assert read(io.BytesIO(A.encode())).form is Form.NUMBERS
    assert read(io.BytesIO(A.encode()), is_headed=False).form is Form.TABLE
    assert read(io.BytesIO(b'{"to": "%s"}' % A.encode())).form is Form.JSON_LINES


def test_a_row_that_was_only_taken_for_names_is_told() -> None:
    """It may have been somebody whose number is missing."""
    assert read(io.BytesIO(f"n/a,Jo\n{A},Ann\n".encode())).columns.note == (
        "the first row was taken for the names of the columns: n/a, Jo"
    )
    for known in (f"phone,x\n{A},Ann\n", f"{A},Ann\n"):
        assert read(io.BytesIO(known.encode())).columns.note is None
    assert read(io.BytesIO(f"n/a,Jo\n{A},Ann\n".encode()), is_headed=True).columns.note is None


def test_a_row_says_its_line_where_that_is_another() -> None:
    """A spreadsheet counts rows, an editor lines."""
    good, bad = rows(f'phone,text\n{A},"one\ntwo"\nx,y\n')
    assert (good.number, good.line, bad.number, bad.line) == (2, 2, 3, 4)
    assert str(bad.problems[0]).startswith("row 3 (line 4), column phone: 'x' is not a phone number")


# --- all rows together ------------------------------------------------------------------------------------------------


class Rows:
    """A table of so many rows, none of which is anywhere as a whole."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def read(self, size: int, /) -> bytes:
        """Return the next rows."""
        count = min(size // 10, self.rows)
        self.rows -= count
        return b"7.9E+10,x\n" * count


def test_memory_does_not_grow_with_the_list() -> None:
    """Of twenty thousand rows, all bad, the first thousand problems stay."""
    tracemalloc.start()
    try:
        total = survey(read(Rows(20_000), delimiter=",", is_headed=False, columns={"to": "1"}))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (total.bad, len(total.problems)) == (20_000, 1000)
    assert peak < 4 * 1024 * 1024


def test_a_survey_counts_everything_and_keeps_the_first_of_each() -> None:
    """Memory stays bounded however bad a list is."""
    good = f"{A},Jo\n{A},Ann\n79161234568.0,Eva\n89161234568.0,Eva\n+70000000000,Lu\n+70000000001,Lu\n"
    listing = f"phone,name\n{good}{A},\n" + "x,\n" * 50
    total = survey(read(io.BytesIO(listing.encode()), region="RU"), Template("Hi {name}"), limit=1)
    assert (total.rows, total.good, total.bad, total.problem_count) == (57, 6, 51, 101)
    assert total.problems == [Remark(8, 8, "name", "it is empty")]
    assert (total.doubt_count, len(total.doubts)) == (2, 1)
    assert (total.repeat_count, [str(repeat) for repeat in total.repeats]) == (2, [f"row 3: {A} is in row 2 already"])
    assert total.repairs == {Repair.DECIMALS: 2, Repair.PLUS: 1, Repair.TRUNK: 1}
    assert [str(remark) for remark in total.repaired] == [
        f"row 4: '79161234568.0' is {B}: {Repair.DECIMALS}; {Repair.PLUS}"
    ]


def test_a_usual_prefix_is_counted_without_a_remark() -> None:
    """A list of a million numbers without + would say so a million times."""
    total = survey(read(io.BytesIO(b"79161234567\n79161234568\n")))
    assert (total.repairs[Repair.PLUS], total.repaired) == (2, [])


def test_a_thousand_recipients_and_their_repeats_are_told_apart() -> None:
    """The table of those seen grows with them."""
    numbers = [f"+7916{number * 7919 % 10**7:07d}" for number in range(3000)]
    firsts = [row.first for row in rows("\n".join((*numbers, *numbers)))]
    assert firsts == [None] * 3000 + list(range(1, 3001))


def test_a_bad_row_is_nobodys_first() -> None:
    """Its recipient will not be sent to."""
    assert [row.first for row in rows(f"phone,name\n{A}\n{A},Jo\n{C},Eva\n")] == [None, None, None]


# --- templates --------------------------------------------------------------------------------------------------------


def test_a_template_is_filled_in_and_braces_are_doubled() -> None:
    """What comes out of a cell is not read again."""
    template = Template("{{{name}}} pays {sum due}, { name }! {{name}}")
    assert template.names == ("name", "sum due")
    assert template.fill({"name": "{x}", "sum due": "5 €"}) == "{{x}} pays 5 €, {x}! {name}"


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        ("Hi {name.x}", "'{name.x}' at character 4", "names no column"),
        ("{0}", "'{0}' at character 1", "names no column"),
        ("{}", "'{}' at character 1", "names no column"),
        ("{name!r}", "'{name!r}'", "names no column"),
        ("{name:>10}", "'{name:>10}'", "names no column"),
        ("{name[0]}", "'{name[0]}'", "names no column"),
        ("{__class__.x}", "'{__class__.x}'", "names no column"),
        ("Hi {name", "'{' at character 4 of the template (after 'Hi ')", "not closed"),
        ("Hi name}", "'}' at character 8", "closes nothing"),
        ("{a{b}}", "'{' at character 1", "not closed"),
        ("{" + "x." * 50 + "}", "…' at character 1", "names no column"),
    ],
)
def test_braces_that_hold_no_columns_name_are_shown_and_refused(text: str, place: str, why: str) -> None:
    """No format, no attribute, no index, no position: nothing that runs or surprises."""
    with pytest.raises(InputError) as caught:
        Template(text)
    assert place in caught.value.message
    assert why in caught.value.message


@pytest.mark.parametrize(
    ("values", "why"), [({}, "missing"), ({"name": ""}, "empty"), ({"name": " \u00a0"}, "empty")]
)  # fmt: skip
def test_a_template_is_never_filled_in_with_nothing(values: dict[str, str], why: str) -> None:
    """Hi , would go out to thousands."""
    with pytest.raises(InputError, match=f"{{name}}.*{why}"):
        Template("Hi {name}").fill(values)


def test_a_template_that_wants_a_column_which_is_not_there_is_refused_before_the_rows() -> None:
    """Once, not a million times; objects differ from line to line, and tell it there."""
    table = read(io.BytesIO(f"phone,first_name\n{A},Jo\n".encode()))
    table.require(Template("Hi {first_name}, {to}"))
    with pytest.raises(InputError, match="no column first_nam, x") as caught:
        table.require(Template("Hi {first_nam} {x}"))
    assert caught.value.hint == "did you mean first_name?"
    objects = read(io.BytesIO(b'{"to": "%s"}' % A.encode()))
    objects.require(Template("Hi {name}"))
    total = survey(objects, Template("Hi {name}"))
    assert [str(problem) for problem in total.problems] == ["row 1, column name: it is missing"]

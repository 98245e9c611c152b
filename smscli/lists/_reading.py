"""Records -> rows: the names of their cells, the number of their recipient, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from smscli.errors import InputError
from smscli.lists import _columns, _records
from smscli.lists._cells import read_number
from smscli.lists._columns import TO, Columns
from smscli.lists._decoding import STRAY, Readable, decode, split_lines
from smscli.lists._forms import dialect_of, recognize
from smscli.lists._records import Dialect, Record
from smscli.lists._seen import Recipients
from smscli.lists._template import Template
from smscli.lists._values import Form, Remark, Row
from smscli.model import visible

_SAMPLE_ROWS = 100
_TABS = ("tab", "\\t")


class RecipientList:
    """A list while it is read: iterate over its rows, once.

    ``form``, ``encoding`` and ``delimiter`` (of a table) are what was told by a sample or named; ``columns``
    say which is which.
    """

    def __init__(
        self, form: Form, encoding: str, delimiter: str | None, columns: Columns, records: Iterator[Record],
        region: str | None,
    ) -> None:  # fmt: skip
        self.form = form
        self.encoding = encoding
        self.delimiter = delimiter
        self.columns = columns
        self._records = records
        self._region = region

    def require(self, template: Template) -> None:
        """Raise InputError, with every name, for a template that wants columns which the list does not have.

        Objects may differ from one line to the next: there only the rows tell.
        """
        missing = [name for name in template.names if name not in self.columns.all_names]
        if missing and self.form is not Form.JSON_LINES:
            names = ", ".join(map(visible, missing))
            hint = _columns.suggestion(missing[0], self.columns.all_names)
            raise InputError(f"the list has no column {names}, which the template wants", hint=hint)

    def __iter__(self) -> Iterator[Row]:
        """Yield every row, good or bad, in order; one at a time is in memory."""
        recipients = Recipients()
        for record in self._records:
            yield _row(record, self.columns, self._region, recipients)


def read(
    stream: Readable, *, form: Form | None = None, delimiter: str | None = None, encoding: str | None = None,
    columns: Mapping[str, str] | None = None, is_headed: bool | None = None, region: str | None = None,
) -> RecipientList:  # fmt: skip
    """Return the list in a binary stream, of which a sample is read here and the rest while the rows are.

    What is None is told by the sample: ``form``, ``delimiter`` (one character, or ``tab``), ``encoding`` (UTF-8, or
    what a byte order mark says), ``is_headed`` (whether the first row of a table holds names). ``columns`` maps names
    to columns, as ``parse_map`` returns it; ``region`` is the country of numbers that are written nationally.

    Raises InputError when the list cannot be read as a whole; what is wrong with a row is in that row.
    """
    mapping = columns or {}
    text = decode(stream, encoding)
    if not text.sample.strip(" \t\r\n,;|"):
        raise InputError("the list is empty")
    if form is None:
        form = recognize(text.sample)
        if form is Form.NUMBERS and (mapping or delimiter or is_headed is not None):
            form = Form.TABLE
    if form is Form.NUMBERS:
        place = Columns((TO,), TO, {TO: TO})
        return RecipientList(form, text.encoding, None, place, _records.numbers(text.lines), region)
    if form is Form.JSON_LINES:
        samples = [dict(zip(r.names or (), r.cells, strict=False)) for r in _objects(text.sample)]
        place = _columns.of_objects(samples, mapping, region)
        return RecipientList(form, text.encoding, None, place, _records.objects(text.lines), region)
    named, skipped, sample = _separator_line(text.sample)
    dialect = dialect_of(sample, _delimiter(delimiter or named))
    place = _columns.of_table(_rows(sample, dialect), mapping, region, is_headed=is_headed)
    records = _records.table(islice(text.lines, skipped, None), dialect, skipped)
    return RecipientList(
        form, text.encoding, dialect.delimiter, place, islice(records, int(place.is_headed), None), region
    )


def _delimiter(named: str | None) -> str | None:
    if named is None:
        return None
    delimiter = "\t" if named in _TABS else named
    if len(delimiter) != 1 or delimiter.isalnum() or delimiter in "\"'\\\r\n\0+":
        raise InputError(f"{visible(named)!r} is no delimiter", hint="give one character, such as ; or tab")
    return delimiter


def _separator_line(sample: str) -> tuple[str | None, int, str]:
    """Return the delimiter that Excel's own first line (``sep=;``) names, the lines it takes, and what follows."""
    match = re.match(r"sep=(.)\r?\n", sample, re.IGNORECASE)
    return (match[1], 1, sample[match.end() :]) if match else (None, 0, sample)


def _rows(sample: str, dialect: Dialect) -> list[tuple[str, ...]]:
    """Return the first rows of a table; raise InputError when the very first cannot be taken apart."""
    records = list(islice(_records.table(split_lines(sample), dialect), _SAMPLE_ROWS))
    _refuse_fault(records)
    return [record.cells for record in records if not record.fault]


def _objects(sample: str) -> list[Record]:
    records = list(islice(_records.objects(split_lines(sample)), _SAMPLE_ROWS))
    _refuse_fault(records, hint="one object a line: jq -c '.[]' makes that of an array, jq -c . of a spread object")
    return [record for record in records if not record.fault]


def _refuse_fault(records: list[Record], hint: str | None = None) -> None:
    if not records:
        raise InputError("the list is empty")
    first = records[0]
    if first.fault:
        raise InputError(str(Remark(first.number, first.line, None, first.fault)), hint=hint)


def _row(record: Record, columns: Columns, region: str | None, recipients: Recipients) -> Row:
    number, line, cells = record.number, record.line, record.cells
    fault = record.fault or (_width_fault(record, columns.names) if record.names is None else None)
    if fault:
        raw = tuple(STRAY.sub("\ufffd", cell).replace("\0", "\ufffd") for cell in cells)
        return Row(number, line, {}, problems=(Remark(number, line, None, fault),), raw=raw)
    own = dict(zip(record.names or columns.names, cells, strict=False))
    values = own | {name: own[column] for name, column in columns.mapped.items() if column in own}
    cell = values.get(TO, "")
    try:
        recipient, repairs = read_number(cell, region)
    except InputError as error:
        text = error.message if TO in values else "it is missing"
        column = columns.to if len(columns.names) > 1 else None
        problem = Remark(number, line, column, text, error.hint)
        return Row(number, line, values, cell=cell, problems=(problem,), raw=cells)
    first = recipients.first(recipient.msisdn.digits, number)
    return Row(number, line, values, cell, recipient.msisdn, repairs, recipient.warning, (), first, cells)


def _width_fault(record: Record, names: tuple[str, ...]) -> str | None:
    """Return what a row has too much or too little. Empty cells beyond the last column are a spreadsheet's habit."""
    cells, width = record.cells, len(names)
    lines = "" if record.line == record.last else f"; it takes lines {record.line} to {record.last}: is a quote open?"
    if len(cells) < width:
        missing = visible(", ".join(names[len(cells) :])[:80])
        return f"it has {len(cells)} of {width} cells: {missing} is missing{lines}"
    if any(map(str.strip, cells[width:])):
        return f"it has {len(cells)} cells, {len(cells) - width} too many{lines}"
    return None

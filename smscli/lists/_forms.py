"""How a list is written down, told by a sample of it: its form, and the dialect of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from smscli.lists._cells import looks_like_number
from smscli.lists._decoding import split_lines
from smscli.lists._records import Dialect, Record, entries, table
from smscli.lists._values import Form

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 100


def recognize(sample: str) -> Form:
    """Return the form of a list. In doubt it is a table, whose columns have to be told apart first."""
    start = sample.lstrip()
    if start.startswith(("{", "[")):
        return Form.JSON_LINES
    lines = [row for line in islice(split_lines(sample), _SAMPLE_ROWS) if (row := entries(line))]
    widths = {len(line) for line in lines}
    flat = [entry for line in lines for entry in line]
    numbers = sum(map(looks_like_number, flat))
    if '"' in sample or not flat or not looks_like_number(flat[0]):
        return Form.TABLE
    if widths == {1}:
        return Form.NUMBERS if numbers * 2 > len(flat) else Form.TABLE
    is_rectangle = len(widths) == 1 and len(lines) > 1
    return Form.TABLE if is_rectangle or numbers < len(flat) else Form.NUMBERS


def dialect_of(sample: str, delimiter: str | None) -> Dialect:
    """Return the dialect in which the sample falls into rows best; ``delimiter`` is the one that is known.

    Best are, in this order: rows with a cell that is a phone number, rows of one length, and long rows. A row whose
    quotes make no sense is none of these.
    """
    lines = list(islice(split_lines(sample), _SAMPLE_ROWS))
    delimiters = DELIMITERS if delimiter is None else (delimiter,)
    candidates = [Dialect(each, quote, escape) for quote, escape in _quoting(sample) for each in delimiters]
    best = max(candidates, key=lambda dialect: _fit(table(iter(lines), dialect)))
    return replace(best, blanks_before_quotes=best.delimiter != " " and _has_blanks_before_quotes(best, lines))


def _quoting(sample: str) -> list[tuple[str, str | None]]:
    """Return the usual quotes, and the unusual ones of which there is a sign, with the escape."""
    quoting: list[tuple[str, str | None]] = [('"', None)]
    if '\\"' in sample:
        quoting.append(('"', "\\"))
    if '"' not in sample and re.search("(?m)'[,;\t|]'|^'[^']*'$", sample):
        quoting.append(("'", None))
    return quoting


def _has_blanks_before_quotes(dialect: Dialect, lines: Sequence[str]) -> bool:
    """Return whether blanks stand between delimiters and quotes: the csv module then takes quotes for text."""
    before = re.compile(re.escape(dialect.delimiter) + ' +"')
    cells = (cell for record in table(iter(lines), dialect) for cell in record.cells)
    return any(map(before.search, lines)) and any(re.match(' +"', cell) for cell in cells)


def _fit(records: Iterable[Record]) -> tuple[int, int, int, int]:
    """Return how well records look like the rows of a table with phone numbers; the greater the better."""
    rows = [record.cells for record in records if not record.fault]
    lengths = Counter(map(len, rows)).most_common(1)
    length, alike = lengths[0] if lengths else (0, 0)
    return sum(any(map(looks_like_number, row)) for row in rows), alike, length, len(rows)

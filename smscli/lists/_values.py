"""What is read from a list: rows, the repairs of their numbers, and what is wrong with them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique

from smscli.model import MSISDN, visible


@unique
class Form(StrEnum):
    """How a list is written down."""

    TABLE = "table"
    """Cells between delimiters (CSV, TSV), with or without a row of column names."""
    JSON_LINES = "json lines"
    """One JSON object a line."""
    NUMBERS = "numbers"
    """Nothing but numbers, one a line or between commas; ``#`` begins a comment."""


@unique
class Repair(StrEnum):
    """What was done to a cell to read the number in it; never more than its digits allow for certain."""

    APOSTROPHE = "an apostrophe before the number was left out"
    FORMULA = "a number written as a formula was taken out of it"
    EXPONENT = "a number with an exponent was written out; no digit was missing"
    DECIMALS = "decimals of nothing but zeros were left out"
    THOUSANDS = "separators of thousands were left out"
    INVISIBLE = "invisible characters were left out"
    SCRIPT = "digits of another script were read"
    ZEROS = "00 was read as +"
    PLUS = "+ was added before a country code"
    TRUNK = "the region's country code was added"


USUAL_PREFIXES = frozenset({Repair.ZEROS, Repair.PLUS, Repair.TRUNK})
"""What people write on purpose, and no damage."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be said of a row. ``row`` counts like a spreadsheet, ``line`` like an editor, both from 1."""

    row: int
    line: int
    column: str | None
    text: str
    hint: str | None = None

    def __str__(self) -> str:
        line = "" if self.line == self.row else f" (line {self.line})"
        column = "" if self.column is None else f", column {visible(self.column[:40])}"
        return f"row {self.row}{line}{column}: {self.text}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list, good or bad.

    ``number`` is the row as a spreadsheet counts (column names and blank rows included), in a list of numbers the
    entry; ``line`` is the line it begins on. ``values`` are the cells by column name and by the names that were mapped
    to them; empty when the row could not be taken apart. ``problems`` are why it cannot be sent, and ``to`` is None
    then. ``cell`` is where the recipient was read.
    ``first`` is the number of the first row with the same recipient, None in that row itself. ``raw`` are the cells
    as they came (a JSON line as one).
    """

    number: int
    line: int
    values: Mapping[str, str]
    cell: str = ""
    to: MSISDN | None = None
    repairs: tuple[Repair, ...] = ()
    warning: str | None = None
    problems: tuple[Remark, ...] = ()
    first: int | None = None
    raw: tuple[str, ...] = ()


def column_name(text: str) -> str:
    """Return the name of a column as it is compared: without blanks around, accents in one spelling."""
    return unicodedata.normalize("NFC", text).strip()

"""Lines -> records: one for each row, blank ones counted but left out, each with its cells or with its fault.

A quote that is never closed would swallow the rest of the list. It spoils its own line, and reading goes on with the
next. What the csv module holds of one cell is bounded (131 072 characters), and so is what has to be read twice.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from smscli.lists._decoding import CUT, MAX_LINE, STRAY
from smscli.lists._values import column_name
from smscli.model import visible

# What spreadsheets write where a formula failed or a column was too narrow: rows, not comments.
_CELL_ERRORS = re.compile(r"#(?:#+|N/A|NAME\?|REF!|VALUE!|NUM!|DIV/0!|NULL!|ERROR!?)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a table are told apart. ``escape`` makes the next character stand for itself."""

    delimiter: str
    quote: str = '"'
    escape: str | None = None
    blanks_before_quotes: bool = False

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Return the standard library's reader, which raises csv.Error for quotes that make no sense."""
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, escapechar=self.escape,
                          skipinitialspace=self.blanks_before_quotes, strict=True)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """A row before its columns have names. ``fault`` says why it could not be taken apart.

    ``last`` is the line it ends on. ``names`` are the keys of an object, None in a table.
    """

    number: int
    line: int
    last: int
    cells: tuple[str, ...]
    fault: str | None = None
    names: tuple[str, ...] | None = None


def table(lines: Iterator[str], dialect: Dialect, skipped: int = 0) -> Iterator[Record]:
    """Yield the rows of a table; ``number`` counts blank ones, as spreadsheets do.

    ``skipped`` lines went before, which were no rows.
    """
    feed = _Feed(lines, skipped)
    reader = dialect.reader(feed)
    number = 0
    while True:
        number += 1
        feed.record = []
        first = feed.count + 1
        fault = None
        try:
            cells = tuple(next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            fault = _quoting_fault(str(error), dialect.quote, feed.count - first + 1)
            cells = (feed.reread(),)
        fault = next(filter(None, map(_line_fault, feed.record)), None) or fault
        if fault or any(map(str.strip, cells)):
            yield Record(number, first, feed.count, cells, fault)


class _Feed:
    """Lines for the csv module, which can take back those after the first of a record."""

    def __init__(self, lines: Iterator[str], count: int) -> None:
        self._lines = lines
        self._again: list[str] = []
        self.record: list[str] = []
        self.count = count

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self.count += 1
        self.record.append(line)
        return line

    def reread(self) -> str:
        """Take back all lines of this record but the first, and return that without its line break."""
        first, *rest = self.record
        self._again.extend(reversed(rest))
        self.count -= len(rest)
        self.record = [first]
        return first.rstrip("\r\n")


def _quoting_fault(error: str, quote: str, lines: int) -> str:
    if "limit" in error and lines == 1:
        return f"a cell is longer than {csv.field_size_limit()} characters"
    if "expected after" in error and lines == 1:
        return f"a quote ({quote}) inside a quoted cell is not doubled"
    return f"a quote ({quote}) that is opened in this row is not closed"


def _line_fault(line: str) -> str | None:
    """Return why a line is not text."""
    if "\0" in line:
        return "it holds a NUL character"
    if line.isascii():
        return None
    stray = STRAY.search(line)
    if stray is None:
        return None
    if stray[0] == CUT:
        return f"a line is longer than {MAX_LINE} characters"
    return f"byte 0x{ord(stray[0]) - 0xDC00:02X} is not of the list's encoding"


def numbers(lines: Iterator[str]) -> Iterator[Record]:
    """Yield one record for each number; ``number`` counts them."""
    count = 0
    for place, line in enumerate(lines, 1):
        fault = _line_fault(line)
        for entry in [line.strip()] if fault else entries(line):
            count += 1
            yield Record(count, place, place, (entry,), fault)


def is_comment(line: str) -> bool:
    """Return whether a line of a list of numbers is a comment, and not what a spreadsheet left of a number."""
    return line.startswith("#") and not _CELL_ERRORS.fullmatch(line)


def entries(line: str) -> list[str]:
    """Return what stands between the commas of a line of numbers, without comment and blanks around."""
    line = line.strip()
    if is_comment(line):
        return []
    line = re.split(r"\s#(?!#)", line, maxsplit=1)[0]
    return [entry.strip() for entry in line.split(",") if entry.strip()]


def objects(lines: Iterator[str]) -> Iterator[Record]:
    """Yield the objects of JSON Lines, with their values as text; ``number`` is the line."""
    for place, line in enumerate(lines, 1):
        if line.strip():
            raw = line.rstrip("\r\n")
            try:
                pairs = _pairs(line)
            except (ValueError, RecursionError) as error:
                fault = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
                yield Record(place, place, place, (raw,), fault)
            else:
                yield Record(place, place, place, tuple(pairs.values()), None, tuple(pairs))


def _pairs(line: str) -> dict[str, str]:
    """Return the members of the object in a line; raise ValueError, in words for the user, without one."""
    if fault := _line_fault(line):
        raise ValueError(fault)
    try:
        # Numbers stay as they are written: a float would lose the digits of a long one.
        value = json.loads(
            line, parse_float=str, parse_int=str, parse_constant=_refuse_constant, object_pairs_hook=_once
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  (all that is wrong with a line is a ValueError here)
    return {name: _text(name, cell) for name, cell in value.items()}


def _refuse_constant(name: str) -> str:
    raise ValueError(f"{name} is not JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = {column_name(name): value for name, value in pairs}
    if len(members) < len(pairs):
        raise ValueError("a name stands in it twice")
    return members


def _text(name: str, value: object) -> str:
    if isinstance(value, str) and not STRAY.search(value) and "\0" not in value:
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    raise ValueError(f"the value of {visible(name[:40])!r} is no text")

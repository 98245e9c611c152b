"""What became of each row: of a list, joined with the journal, or of a job alone; and the file that says so.

No text of a message is in it. Rows come and go one at a time.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TextIO

from smscli import private
from smscli.errors import ConfigError, InputError, SmscliError
from smscli.journal import JournalEntry, State
from smscli.model import Money, visible
from smscli.record import Record

if TYPE_CHECKING:
    from smscli.lists import Remark, Row

INVALID = "INVALID"
"""A row that could not be sent; it is not in the job."""
DUPLICATE = "DUPLICATE"
"""A row whose recipient an earlier row has; it is not in the job."""
OUTCOMES = (*(state.value for state in State), INVALID, DUPLICATE)

FIELDS = ("row", "to", "outcome", "message_id", "parts", "amount", "currency", "reason")
"""The columns of a result file, and the names in its JSON."""

_ANOTHER = "the list has changed since it was sent, or is another one, or is read with other options"
_MOST_OF_A_CELL = 80


class ResultRow(Record):
    """What became of one row. ``row`` is its number in the list, or in the order of a send, from 1.

    ``to`` is the recipient, or what stands in the place of one where the row is INVALID; empty when that row could not
    be taken apart. ``outcome`` is one of ``OUTCOMES``.
    """

    row: int
    to: str
    outcome: str
    message_id: str | None = None
    parts: int | None = None
    cost: Money | None = None
    reason: str | None = None

    def values(self) -> tuple[int | str | None, ...]:
        """Return the values of ``FIELDS``."""
        amount, currency = (str(self.cost.amount), self.cost.currency) if self.cost else (None, None)
        return (self.row, self.to, self.outcome, self.message_id, self.parts, amount, currency, self.reason)


# --- rows -------------------------------------------------------------------------------------------------------------


def from_journal(entries: Iterable[JournalEntry]) -> Iterator[ResultRow]:
    """Yield the rows of a job. One that came from no list begins with position 0: its rows are numbered from 1."""
    shift: int | None = None
    for entry in entries:
        if shift is None:
            shift = int(entry.message.position == 0)
        yield _of_entry(entry, shift)


def joined(
    rows: Iterable[Row], entries: Iterable[JournalEntry], problems: Callable[[Row], Sequence[Remark]]
) -> Iterator[ResultRow]:
    """Yield one row for every row of a list: what the journal says of it, or why it is not in the job.

    Both come in order of their numbers; ``problems`` says what is wrong with a row. Raises InputError, which names the
    row, where the two do not belong together.
    """
    rest = iter(entries)
    entry = next(rest, None)
    for row in rows:
        if entry is None or row.number < entry.message.position:
            yield _left_out(row, problems(row))
        elif row.number == entry.message.position and row.to == entry.submission.to:
            yield _of_entry(entry)
            entry = next(rest, None)
        else:
            raise _unlisted(entry)
    if entry is not None:
        raise _unlisted(entry)


def _of_entry(entry: JournalEntry, shift: int = 0) -> ResultRow:
    submission = entry.submission
    return ResultRow(
        entry.message.position + shift, str(submission.to), entry.state.value, submission.message_id, submission.parts,
        submission.cost, submission.reason.text if submission.reason else None,
    )  # fmt: skip


def _left_out(row: Row, problems: Sequence[Remark]) -> ResultRow:
    if problems:
        return ResultRow(row.number, _shown(row.cell), INVALID, reason="; ".join(map(_problem, problems)))
    if row.first is not None:
        return ResultRow(row.number, str(row.to), DUPLICATE, reason=f"row {row.first} has the same recipient")
    raise InputError(f"row {row.number} of the list, {row.to}, is not in the job", hint=_ANOTHER)


def _problem(problem: Remark) -> str:
    return visible(problem.text if problem.column is None else f"column {problem.column[:40]}: {problem.text}")


def _shown(cell: str) -> str:
    return visible(cell if len(cell) <= _MOST_OF_A_CELL else f"{cell[: _MOST_OF_A_CELL - 1]}…")


def _unlisted(entry: JournalEntry) -> InputError:
    number, recipient = entry.message.position, entry.submission.to
    if number == 0:
        return InputError(f"key {entry.key!r} was not sent from a list", hint="leave the list out")
    return InputError(f"row {number} of the job, {recipient}, is not in that row of the list", hint=_ANOTHER)


# --- the file ---------------------------------------------------------------------------------------------------------


class Writer:
    """A result file that is being made: beside its place, which it takes as a whole in the end, or not at all.

    ``option`` named the file, ``source`` is the list it must not replace (a path or an open descriptor). Raises
    InputError at once for a place that cannot be written, so that nothing is sent whose outcome could not be told.
    """

    def __init__(self, path: Path, option: str = "--results", source: Path | int | None = None) -> None:
        self._title = f"{option} {visible(str(path))!r}"
        self._put = _form(path, self._title)
        # A symbolic link stays one, what it points to is replaced.
        self._target = Path(os.path.realpath(path))
        self._scratch: Path | None = None
        with self._explained(InputError):
            self._refuse_target(source)
            # Two processes may write the same file; the last one wins. One that is killed leaves this behind.
            scratch = self._target.parent / f".{self._target.name[:40]}.{os.urandom(8).hex()}.new"
            handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | private.flags("O_CLOEXEC"), 0o600)
            self._scratch = scratch
            self._file = os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="")

    def write(self, rows: Iterable[ResultRow]) -> Counter[str]:
        """Write all rows and put the file in its place, durably; return how many there are of each outcome.

        Raises ConfigError when that fails: what was there before is there still.
        """
        counts: Counter[str] = Counter()
        with self._explained(ConfigError):
            self._put(self._file, _counted(rows, counts))
            private.restrict(self._file.fileno())  # a strange umask may have taken the owner's own bits
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._scratch or "", self._target)  # noqa: PTH105  (as Path.replace)
            self._scratch = None
            with suppress(OSError):  # not every file system syncs a directory
                private.sync_directory(self._target.parent)
        return counts

    def close(self) -> None:
        """Remove what did not come to its place."""
        with suppress(OSError):
            self._file.close()
        if self._scratch:
            with suppress(OSError):
                self._scratch.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _refuse_target(self, source: Path | int | None) -> None:
        try:
            status = self._target.stat()
        except FileNotFoundError:
            return
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{self._title} is no regular file", hint="name a new file")
        with suppress(FileNotFoundError):  # whoever reads the list says that it is not there
            if source is not None and os.path.samestat(status, os.stat(source)):  # noqa: PTH116  (or a descriptor)
                raise InputError(f"{self._title} is the list itself", hint="name another file")
        if not os.access(self._target, os.W_OK):
            raise PermissionError(13, "Permission denied")

    @contextmanager
    def _explained(self, kind: type[SmscliError]) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise kind(f"cannot write {self._title}: {error.strerror}") from None


def _counted(rows: Iterable[ResultRow], counts: Counter[str]) -> Iterator[ResultRow]:
    for row in rows:
        counts[row.outcome] += 1
        yield row


def _form(path: Path, title: str) -> Callable[[TextIO, Iterable[ResultRow]], None]:
    for ending, put in ((".csv", _put_table), (".jsonl", _put_objects)):
        if path.name.lower().endswith(ending):
            return put
    raise InputError(f"{title} ends neither in .csv nor in .jsonl", hint="the ending says how it is written")


def _put_table(file: TextIO, rows: Iterable[ResultRow]) -> None:
    import csv

    writer = csv.writer(file)  # RFC 4180: CR LF, quotes where they are needed
    writer.writerow(FIELDS)
    writer.writerows(map(_harmless, row.values()) for row in rows)


def _put_objects(file: TextIO, rows: Iterable[ResultRow]) -> None:
    import json

    file.writelines(json.dumps(dict(zip(FIELDS, row.values(), strict=True))) + "\n" for row in rows)


# A spreadsheet runs what begins so, and one that separates cells by semicolons cuts a cell there. A number, with its
# sign, is only shown, so recipients stay as they are. An apostrophe is what spreadsheets themselves write for "text",
# and what lists of recipients are read without.
_FORMULA = re.compile(r"(?:\A|(?<=;))(?=[=+\-@\t\r＝＋－＠])(?![+-]?[0-9]+(?:\.[0-9]+)?(?:;|\Z))")


def _harmless(value: Any) -> Any:
    """Return a cell with an apostrophe before what would run as a formula; +numbers stay as they are."""
    return _FORMULA.sub("'", value) if isinstance(value, str) else value

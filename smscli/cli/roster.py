"""The list of a large job with the text of each row: judged as a whole before anything is sent.

A list is never in memory as a whole. It is read once to be judged, and once for its result file.
"""

from __future__ import annotations

import json
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from os import fstat
from pathlib import Path
from shutil import copyfileobj
from typing import IO, NamedTuple

from smscli.cli.cost import rewrite
from smscli.cli.text import clean, counted, refuse_parts
from smscli.errors import ConfigError, InputError, SmscliError
from smscli.journal import ListFingerprint
from smscli.lists import RecipientList, Remark, Row, Survey, Template, read
from smscli.model import MSISDN, visible
from smscli.runtime import Runtime
from smscli.segments import Alphabet, Segmentation, measure

_IN_MEMORY = 4 << 20
"""Bytes of planned messages that are kept in memory."""
# Columns that hold the text itself, where none is given.
_TEXT_COLUMNS = ("text", "message", "sms", "текст", "сообщение", "mesaj", "metin", "žinutė")


class Reading(NamedTuple):
    """How a list is to be read where that shall not be told by its beginning; see ``lists.read``."""

    columns: Mapping[str, str] = {}
    delimiter: str | None = None
    encoding: str | None = None
    is_headed: bool | None = None
    region: str | None = None


class Changes(NamedTuple):
    """What is done to each text, and the most parts that it may have then."""

    transliterated: bool = False
    parts: int | None = None
    most_parts: int | None = None


class Written(NamedTuple):
    """A text as it is sent; ``is_changed``: not as it was filled in."""

    text: str
    size: Segmentation
    is_changed: bool


@dataclass
class Verdict:
    """What a list is like: rows, recipients that are sent to, and what that takes.

    ``examples`` are the first messages, ``changed`` counts texts that are not as they were filled in, ``ucs2`` those
    that need UCS-2.
    """

    survey: Survey
    recipients: int = 0
    parts: int = 0
    most_parts: int = 0
    ucs2: int = 0
    changed: int = 0
    examples: list[tuple[MSISDN, str]] = field(default_factory=list)
    fingerprint: str = ""


@contextmanager
def opened(runtime: Runtime, name: str) -> Iterator[IO[bytes]]:
    """Open a list that can be read again and again; ``-`` is stdin. What is no file is copied into one without a name.

    Raises InputError when it cannot be read.
    """
    if name == "-" and (runtime.stdin is None or runtime.is_terminal(runtime.stdin)):
        raise InputError("there is no list on stdin", hint="give FILE, or a pipe")
    with ExitStack() as stack:
        with readable(name):
            if name == "-":
                file: IO[bytes] = runtime.stdin.buffer  # type: ignore[union-attr]  # looked at above
            else:
                file = stack.enter_context(Path(name).open("rb"))
            if name == "-" or not stat.S_ISREG(fstat(file.fileno()).st_mode):
                copy = stack.enter_context(tempfile.TemporaryFile())
                copyfileobj(file, copy)
                file = copy
        # What fails from here on is somebody else's trouble, and may come after something was sent.
        yield file


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Raise InputError where the list cannot be read in the block."""
    try:
        yield
    except OSError as error:
        what = "the list on stdin" if name == "-" else f"the list {visible(name)!r}"
        raise InputError(f"cannot read {what}: {error.strerror}") from None


class Roster:
    """The messages of a list.

    ``text`` is a template, None for the list's own column of texts. ``refuse(numbers, text)`` raises InputError for
    what the vendor does not take; it is asked about ``batch_size`` numbers at most. Raises InputError for a list or
    template that cannot be used as a whole.
    """

    def __init__(
        self, file: IO[bytes], reading: Reading, text: str | None, changes: Changes, *,
        refuse: Callable[[tuple[MSISDN, ...], str], object], batch_size: int = 1, allows_duplicates: bool = False,
    ) -> None:  # fmt: skip
        self._file = file
        self._reading = reading
        self._changes = changes
        self._refuse = refuse
        self._batch_size = batch_size
        self._allows_duplicates = allows_duplicates
        self.listing = self.rows()
        self._template = Template(text if text is not None else _own_text(self.listing))
        self.listing.require(self._template)
        self._written = lru_cache(maxsize=256)(self._write)
        self._plan = _Plan()

    def close(self) -> None:
        """Forget the messages."""
        self._plan.close()

    def rows(self) -> RecipientList:
        """Return the rows of the list, read anew."""
        reading = self._reading
        self._file.seek(0)
        return read(
            self._file, delimiter=reading.delimiter, encoding=reading.encoding, columns=reading.columns,
            is_headed=reading.is_headed, region=reading.region,
        )  # fmt: skip

    def written(self, row: Row) -> Written | tuple[Remark, ...]:
        """Return the text of a row, or all that is wrong with it."""
        written = self._composed(row)
        if not isinstance(written, Written) or row.to is None:
            return written
        try:
            self._refuse((row.to,), written.text)
        except SmscliError as error:
            return (Remark(row.number, row.line, None, error.message, error.hint),)
        return written

    def _composed(self, row: Row) -> Written | tuple[Remark, ...]:
        """Return the same before the vendor is heard."""
        problems = row.problems
        if row.values:
            faults = self._template.faults(row.values)
            problems += tuple(Remark(row.number, row.line, name, fault) for name, fault in faults)
        if problems or row.to is None:
            return problems
        try:
            return self._written(self._template.fill(row.values))
        except SmscliError as error:
            return (Remark(row.number, row.line, None, error.message, error.hint),)

    def problems(self, row: Row) -> tuple[Remark, ...]:
        """Return what is wrong with a row."""
        written = self.written(row)
        return () if isinstance(written, Written) else written

    def judge(self, fingerprint: ListFingerprint, *, most: int = 1000) -> Verdict:
        """Return what the list is like, with the first ``most`` problems.

        Its messages are added to ``fingerprint``, and kept for ``messages``.
        """
        verdict = Verdict(Survey(limit=most))
        for row, written in self._judged():
            if not isinstance(written, Written):
                verdict.survey.add(replace(row, problems=written))
                continue
            verdict.survey.add(row)
            if row.to is None or not (row.first is None or self._allows_duplicates):
                continue
            text = written.text
            fingerprint.add(row.number, row.to, text)
            self._plan.add(row.number, row.to, text)
            verdict.recipients += 1
            verdict.parts += written.size.parts
            verdict.most_parts = max(verdict.most_parts, written.size.parts)
            verdict.ucs2 += written.size.alphabet is Alphabet.UCS_2
            verdict.changed += written.is_changed
            if len(verdict.examples) < 3:
                verdict.examples.append((row.to, text))
        verdict.fingerprint = fingerprint.value
        return verdict

    def _judged(self) -> Iterator[tuple[Row, Written | tuple[Remark, ...]]]:
        """Yield every row as ``written`` tells it; of one text, the vendor is heard about many numbers at once."""
        together: list[tuple[Row, Written]] = []
        for row in self.rows():
            composed = self._composed(row)
            is_text = isinstance(composed, Written)
            if together and not (is_text and composed == together[0][1] and len(together) < self._batch_size):
                yield from self._heard(together)
                together = []
            if isinstance(composed, Written):
                together.append((row, composed))
            else:
                yield row, composed
        yield from self._heard(together)

    def _heard(self, together: list[tuple[Row, Written]]) -> Iterator[tuple[Row, Written | tuple[Remark, ...]]]:
        numbers = tuple(dict.fromkeys(row.to for row, _ in together if row.to))
        try:
            if numbers:
                self._refuse(numbers, together[0][1].text)
        except SmscliError:  # somebody's number, or the text
            yield from ((row, self.written(row)) for row, _ in together)
        else:
            yield from together

    def messages(self) -> Iterator[tuple[int, MSISDN, str]]:
        """Yield the messages that were judged: the number of the row, the recipient, the text."""
        yield from self._plan

    def _write(self, filled: str) -> Written:
        """Return a text as it is sent; raise InputError or ConflictError where it cannot be."""
        text, _ = clean(filled)
        before = text
        if self._changes.transliterated or self._changes.parts is not None:
            text, _ = rewrite(text, transliterated=self._changes.transliterated, parts=self._changes.parts)
        size = measure(text)
        refuse_parts(size, self._changes.most_parts)
        return Written(text, size, text != before)


class _Plan:
    """Messages in a file without a name, in memory as long as they are few: a list may change, or take long to read."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="\n")  # noqa: SIM115  (as long as the plan)
        self._latest = ""

    def add(self, place: int, number: MSISDN, text: str) -> None:
        """Add a message. A text like the one before takes no room."""
        again = "" if text == self._latest else json.dumps(text)
        with _room():
            self._file.write(f"{place} {number.digits} {again}\n")
        self._latest = text

    def close(self) -> None:
        with suppress(OSError):  # what does not fit in the end is not wanted any more
            self._file.close()

    def __iter__(self) -> Iterator[tuple[int, MSISDN, str]]:
        with _room():
            self._file.seek(0)
        text = ""
        for line in self._file:
            place, digits, again = line.rstrip("\n").split(" ", 2)
            text = json.loads(again) if again else text
            yield int(place), MSISDN(digits), text


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"cannot keep the planned messages in {tempfile.gettempdir()}: {error.strerror}",
            hint="name a directory with room in TMPDIR; nothing was sent",
        ) from None


def remarks(survey: Survey, most: int = 5) -> Iterator[str]:
    """Say what was repaired, doubted or left out in a list, a few of each kind."""
    for what, count, some in (
        ("repaired", survey.repairs.total() and len(survey.repaired), survey.repaired),
        ("doubtful", survey.doubt_count, survey.doubts),
        ("repeated", survey.repeat_count, survey.repeats),
    ):
        for remark in some[:most]:
            yield str(remark)
        if count > most:
            yield f"{count - most} more rows are {what}"


def refusal(name: str, survey: Survey, *, lists_all: bool) -> InputError:
    """Return the error of a list with bad rows; ``lists_all``: as many of them as can be."""
    problems = survey.problems
    more = survey.problem_count - len(problems)
    hints = [next((problem.hint for problem in problems if problem.hint), None)]
    if more:
        rest = "mend these first" if lists_all else "see all with --validate-only"
        hints.append(f"{counted(more, 'more problem')}: {rest}")
    hints.append("--skip-invalid sends to the others" if survey.good else None)
    return InputError(
        f"{'the list' if name == '-' else name}: {survey.bad} of {survey.rows} rows cannot be sent",
        hint="\n".join(filter(None, hints)),
        problems=[str(problem) for problem in problems],
    )


def _own_text(listing: RecipientList) -> str:
    names = {name.casefold(): name for name in listing.columns.all_names}
    for wanted in _TEXT_COLUMNS:
        if wanted in names:
            return f"{{{names[wanted]}}}"
    raise InputError(
        "no text", hint="give TEXT or --text-file FILE, or a list with a column called text (--map text=COLUMN)"
    )

"""What comes in from outside, as text: stdin and files, bounded, decoded and stripped in one way.

For texts, keys and captures alike: at most so many bytes, UTF-8 with or without a byte order mark, and the one line
break at the end that ``echo`` and editors add is not part of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from smscli.errors import InputError
from smscli.runtime import Runtime

MAX_INPUT = 64 * 1024
"""Bytes that are read; the longest concatenated message has 255 parts of 153 characters."""


def is_piped(runtime: Runtime) -> bool:
    """Return whether stdin is a pipe or a file: a terminal, /dev/null or a socket would hang or say nothing."""
    if runtime.stdin is None or runtime.is_terminal(runtime.stdin):
        return False
    try:
        mode = os.fstat(runtime.stdin.fileno()).st_mode
    except OSError:  # no descriptor behind it (a test, an embedding program): then it is read
        return True
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def read_stdin(runtime: Runtime, what: str, limit: int = MAX_INPUT) -> str:
    """Return what stdin holds; ``what`` names it in messages.

    Raises InputError when there is no stdin, or it holds more than ``limit`` bytes or anything but UTF-8.
    """
    return _decoded(_from_stdin(runtime, what, limit), f"{what} on stdin")


def read_file(path: Path, option: str) -> str:
    """Return what a file holds; ``option`` is the one that named it.

    Raises InputError when it cannot be read, or holds more than ``MAX_INPUT`` bytes or anything but UTF-8.
    """
    what = f"{option} {str(path)!r}"
    return _decoded(_from_file(path, what, MAX_INPUT), what)


def read_bytes(runtime: Runtime, source: str, what: str, limit: int) -> bytes:
    """Return the bytes of a file, or of stdin for ``-``; InputError as the others."""
    if source == "-":
        return _from_stdin(runtime, what, limit)
    return _from_file(Path(source), f"{what} {source!r}", limit)


def expand(to: Sequence[str], region: str | None) -> tuple[list[str], tuple[str, ...]]:
    """Return recipients with the numbers of each ``@FILE`` in its place, and notes of what was repaired there.

    Raises InputError when a file cannot be read, with every entry of it that is no number.
    """
    numbers: list[str] = []
    notes: list[str] = []
    for entry in to:
        if entry.startswith("@"):
            listed, repairs = _read_numbers(Path(entry[1:]), region)
            numbers += listed
            notes += repairs
        else:
            numbers.append(entry)
    return numbers, tuple(notes)


def _read_numbers(path: Path, region: str | None) -> tuple[list[str], list[str]]:
    from smscli.lists import Form, Survey, read

    survey = Survey(limit=100)
    numbers = []
    try:
        with path.open("rb") as file:
            for row in read(file, form=Form.NUMBERS, region=region):
                survey.add(row)
                numbers.append(str(row.to))
    except OSError as error:
        raise InputError(f"cannot read --to '@{path}': {error.strerror}") from error
    except InputError as error:
        raise InputError(f"--to '@{path}': {error.message}", hint=error.hint) from error
    if survey.bad:
        raise InputError(
            f"--to '@{path}': {survey.bad} of {survey.rows} entries are no phone numbers",
            hint=survey.problems[0].hint, problems=[str(problem) for problem in survey.problems],
        )  # fmt: skip
    return numbers, [f"@{path}: {remark}" for remark in survey.repaired]


def _from_stdin(runtime: Runtime, what: str, limit: int) -> bytes:
    if runtime.stdin is None:
        raise InputError(f"there is no stdin to read {what} from")
    return _bounded(runtime.stdin.buffer, f"{what} on stdin", limit)


def _from_file(path: Path, what: str, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return _bounded(file, what, limit)
    except OSError as error:
        raise InputError(f"cannot read {what}: {error.strerror}") from error


def _bounded(stream: BinaryIO, what: str, limit: int) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise InputError(f"{what} is longer than {limit} bytes")
    return data


def _decoded(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        # Not chained: the original error holds the data, which may be a key.
        raise InputError(f"{what} is not UTF-8 (byte {error.start})", hint="convert it: iconv -t UTF-8") from None

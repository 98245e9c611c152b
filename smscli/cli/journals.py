"""The two journals, of the vendors and of the sandbox: the options that name one, and the way to open it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum, unique
from typing import Annotated

import typer

from smscli.cli.hints import journal_hints
from smscli.errors import InputError, SmscliError
from smscli.journal import Journal, Selection, exists
from smscli.model import visible
from smscli.runtime import Runtime

Sandbox = Annotated[bool, typer.Option("--sandbox", help="The journal of what went to an emulator.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="The key of the send, as it was given or printed.")]


@unique
class Where(StrEnum):
    """Which of the two journals."""

    VENDOR = "vendor"
    SANDBOX = "sandbox"

    def __str__(self) -> str:
        return "the sandbox's journal" if self is Where.SANDBOX else "the vendors' journal"

    def notes(self, key: str) -> tuple[str, ...]:
        """Return what a script's reader should know: nothing when it is the journal one expects."""
        return (f"key {key} stands in {self}",) if self is Where.SANDBOX else ()


@contextmanager
def opened(runtime: Runtime, *, sandbox: bool) -> Iterator[Journal | None]:
    """Open the journal; give None when there never was one: whoever only looks does not begin it."""
    place, hints = runtime.journal_place(sandbox=sandbox), journal_hints(sandbox=sandbox)
    if not exists(place, hints):
        yield None
        return
    with runtime.journal(place, hints) as journal:
        yield journal


def nothing(runtime: Runtime, selection: Selection, words: str, *, sandbox: bool) -> tuple[str, ...]:
    """Return the notes where a selection is empty; ``words`` are for one that leaves something out.

    Who looks into the wrong journal hears of the sandbox's.
    """
    none = words if any(selection) else "nothing has been sent: the journal is empty"
    if not sandbox:
        with suppress(SmscliError), opened(runtime, sandbox=True) as journal:  # nobody asked for its own trouble
            if journal and next(journal.stream(selection), None):
                return none, f"{Where.SANDBOX} has some: add --sandbox"
    return (none,)


@contextmanager
def journal_of(runtime: Runtime, key: str, *, sandbox: bool) -> Iterator[tuple[Journal, Where]]:
    """Open the journal that knows the key: the vendors' or else the sandbox's; with ``--sandbox`` only that one.

    Raises InputError when none does.
    """
    for where in (Where.SANDBOX,) if sandbox else (Where.VENDOR, Where.SANDBOX):
        with opened(runtime, sandbox=where is Where.SANDBOX) as journal:
            if journal and journal.knows(key):
                yield journal, where
                return
    whose, options = (f"{Where.SANDBOX} knows no", " --sandbox") if sandbox else ("no journal knows the", "")
    raise InputError(f"{whose} key {visible(key)!r}", hint=f"see them all: smscli journal list{options}")

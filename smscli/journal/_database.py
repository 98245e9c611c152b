"""What the journal asks of a store: transactions, SQL that both dialects read, and which owners live."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from math import inf
from typing import Any, Protocol

from smscli.errors import ConfigError

BUSY_SECONDS = 10.0
"""How long one step waits for other processes; a step takes milliseconds."""

RECONNECT_SECONDS = 10.0
"""How long a server that is away is waited for, unless there is an outcome to record."""


class LostError(ConfigError):
    """The connection to the store is gone: what the last transaction asked for is done, or is not."""


class Cursor(Protocol):
    """The rows of one statement."""

    @property
    def rowcount(self) -> int:
        """How many rows a change has changed."""

    def fetchone(self) -> Any:
        """Return the next row, None at the end."""

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """One store, opened by one thread. Every method raises ConfigError when the store cannot be trusted or used.

    ``checks_itself``: nobody has to ask whether it is whole. ``is_new`` says that it was begun just now, ``recovered``
    that it had been left in the middle of a transaction.
    ``for_update`` and ``for_claim`` end a SELECT whose rows are about to be changed: where several may change the store
    at once, the first waits for the others, the second leaves out what they are changing.
    """

    checks_itself: bool
    is_new: bool
    recovered: bool
    for_update: str
    for_claim: str

    def execute(self, statement: str, values: Sequence[object] = ()) -> Cursor:
        """Run one statement; every question mark in it stands for a value."""

    def execute_many(self, statement: str, rows: Sequence[Sequence[object]]) -> int:
        """Run one statement with the values of each row; return how many rows of the store were changed."""

    def writing(
        self, consequence: str, *, seconds: float = BUSY_SECONDS, alone: bool = True
    ) -> AbstractContextManager[None]:
        """Begin a transaction that changes the store, and commit it at the end: durable before this returns.

        ``alone``: no other one changes anything meanwhile. ``consequence`` says what its failure means, ``seconds``
        bound the wait for others. Raises LostError when nobody can tell whether it was committed.
        """

    def reading(self) -> AbstractContextManager[None]:
        """See one state of the store, for as short a time as possible."""

    def explained(self, consequence: str = "") -> AbstractContextManager[None]:
        """Turn the store's trouble into ConfigError with what to do."""

    def check_whole(self, seconds: float = inf) -> bool:
        """Refuse a damaged store; return False when that was not known within ``seconds``."""

    def hold(self, number: int) -> bool:
        """Hold a number, of a job or an owner, until ``release`` or the end of this process.

        Return False when somebody, perhaps of this process, does.
        """

    def is_alive(self, number: int | None) -> bool:
        """Return whether somebody who lives holds that number. Ask inside a transaction that is alone."""

    def release(self, number: int) -> None:
        """Let go of that number."""

    def reconnect(self, seconds: float = RECONNECT_SECONDS) -> None:
        """Open a connection anew after LostError, within so many seconds.

        What was held over the old one is held no longer.
        """

    def close(self) -> None:
        """Let go of the store, and of every number."""

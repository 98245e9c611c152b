"""One vendor platform as a record: functions from a ``Call`` to an ``Answer``, and the data that they go by.

No HTTP here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from smscli.model import DeliveryState, Pairs, visible
from smscli.sandbox._call import Call, Demo
from smscli.sandbox._checking import Check
from smscli.sandbox._desk import Caught, Desk
from smscli.sandbox._failures import Failure
from smscli.sandbox._raw import Mishap


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. Many vendors put their errors into the body and keep the HTTP status at 200.

    ``reason`` says in words why something was refused, ``mishap`` what befalls the answer on its way.
    """

    body: str
    content_type: str
    check: Check | None = None
    status: int = 200
    headers: Pairs = ()
    reason: str | None = None
    mishap: Mishap | None = None


@dataclass(frozen=True, slots=True)
class Push:
    """A vendor's delivery report: the serial number that a message id holds, and the parameters of a report."""

    serial: Callable[[str], int]
    pairs: Callable[[Caught, DeliveryState], Pairs]


@dataclass(frozen=True, slots=True)
class Emulator:
    """One vendor platform: its demo accounts by vendor name, its paths, and what an account holds at the start.

    ``roots`` are paths that end in ``/``: whatever is asked for below one, and has no route, its handler answers.
    ``failures`` are the endings of numbers that provoke an error (``ending``). ``push`` is how it reports deliveries,
    None for one that does not.

    For rules: ``operations`` are the names of what it emulates, ``errors`` the words of each documented code,
    ``address`` the code for an address that is not on its list; ``noted`` returns a call as an entry, nothing
    checked, and its recipients. An emulator that has ``errors`` heeds ``Call.fault`` and ``Call.provoked``.
    """

    demo: Mapping[str, Demo]
    routes: Mapping[str, Callable[[Call, Desk], Answer]]
    credit: Decimal
    roots: Mapping[str, Callable[[Call, Desk], Answer]] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    push: Push | None = None
    operations: Sequence[str] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None
    noted: Callable[[Call], tuple[Caught, Sequence[str]]] | None = None

    def handler(self, path: str) -> Callable[[Call, Desk], Answer] | None:
        """Return what answers at a path, with or without a slash at its end; None where this vendor has nothing."""
        exact = self.routes.get(path) or self.routes.get(path.removesuffix("/"))
        root = max((root for root in self.roots if path.startswith(root)), key=len, default=None)
        return exact or (self.roots[root] if root else None)


def header(text: str) -> str:
    """Return ``text`` as one line of ASCII that fits into a header; nothing that was not shown before is lost."""
    line = visible(text).encode("ascii", "backslashreplace").decode("ascii")
    return line if len(line) <= 4000 else f"{line[:4000]}..."

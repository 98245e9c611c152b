"""A text with places for the cells of a row: ``Hi {first name}, your code is {code}``.

Nothing in it is executed. Braces hold the name of a column and nothing else; ``{{`` and ``}}`` are braces. What comes
out of a cell is not read again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from smscli.errors import InputError
from smscli.lists._values import column_name
from smscli.model import visible

_PIECE = re.compile(r"[^{}]+|\{\{|\}\}|\{([^{}]*)\}|(.)", re.DOTALL)
_NAME = re.compile(r"[^\W\d]\w*(?:[ -]+\w+)*")


class Template:
    """A text that is filled in from rows; ``names`` are the columns it needs, in the order of their first use."""

    def __init__(self, text: str) -> None:
        """Take a template apart; raise InputError, which shows the place, for braces that hold no column's name."""
        self._pieces: list[tuple[str, bool]] = []
        for match in _PIECE.finditer(text):
            if match[2]:
                what = "is not closed" if match[2] == "{" else "closes nothing"
                raise InputError(f"{_place(text, match)} {what}", hint="write {{ and }} for braces that are meant")
            if match[1] is None:
                self._pieces.append((match[0][:1] if match[0] in ("{{", "}}") else match[0], False))
            else:
                self._pieces.append((_name(text, match), True))
        self.names = tuple(dict.fromkeys(piece for piece, is_name in self._pieces if is_name))

    def faults(self, values: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return the columns that a row lacks or has nothing in, each with the words for it."""
        return [
            (name, "it is empty" if name in values else "it is missing")
            for name in self.names
            if not values.get(name, "").strip()
        ]

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text for a row; raise InputError when a column is missing or empty."""
        for name, fault in self.faults(values):
            raise InputError(f"{{{name}}} cannot be filled in: {fault}")
        return self.merge(values)

    def merge(self, values: Mapping[str, str]) -> str:
        """Return the text with values that may be empty; each name must have one."""
        return "".join(values[piece] if is_name else piece for piece, is_name in self._pieces)


def _name(text: str, match: re.Match[str]) -> str:
    name = column_name(match[1])
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{_place(text, match)} names no column",
            hint="braces hold a column's name: letters, digits, _ and - between them; no formats, no attributes",
        )
    return name


def _place(text: str, match: re.Match[str]) -> str:
    part = match[0] if len(match[0]) <= 40 else match[0][:40] + "…"
    before = visible(text[max(0, match.start() - 12) : match.start()])
    return f"'{visible(part)}' at character {match.start() + 1} of the template (after '{before}')"

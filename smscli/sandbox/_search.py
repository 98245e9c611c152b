"""Which of the caught messages are meant, which one is closest, and the one-time code in a text. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from smscli.errors import InputError
from smscli.model import Pairs, visible

if TYPE_CHECKING:
    from smscli.sandbox._desk import Caught

_CLOSE = 1000  # entries that are compared, the newest

# A code stands alone: it is no part of an amount, a date, a time, a number with a sign or a longer one.
_CODE = re.compile(r"(?<![\d+])(?<!\d[.,:/-])(?:(\d{3})[ -](\d{3})|(\d{4,8}))(?![\d]|[.,:/-]\d)", re.ASCII)
_WORDS = re.compile(
    r"code|pin\b|otp|tan\b|passw|verif|confirm|код|пароль|подтвержд|kod|şifre|sifre|parola|onay|slapta|patvirt",
    re.IGNORECASE,
)
_LONGEST = 2000  # characters in which a code is looked for: every number is held against every word
_NEAR = 40  # characters between a code and a word that says so


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is asked for; None asks nothing. ``before`` and ``after`` are entry numbers, not included."""

    q: str | None = None
    to: str | None = None
    text: str | None = None
    vendor: str | None = None
    accepted: bool | None = None
    before: int | None = None
    after: int | None = None
    limit: int | None = None

    def missed(self, entry: Caught) -> list[str]:
        """Return the names of the criteria that an entry does not meet."""
        return [name for name, met in self._tests(entry) if not met]

    def meets(self, entry: Caught) -> bool:
        """Return whether an entry is meant."""
        return all(met for _, met in self._tests(entry))

    def _tests(self, entry: Caught) -> Iterator[tuple[str, bool]]:
        """Test what is asked for, one by one: there may be a hundred thousand entries."""
        if self.before is not None:
            yield "before", entry.number < self.before
        if self.after is not None:
            yield "after", entry.number > self.after
        if self.accepted is not None:
            yield "accepted", self.accepted == (entry.refusal is None)
        if self.vendor is not None:
            yield "vendor", self.vendor == entry.vendor
        if self.text is not None:
            yield "text", self.text in (entry.text or "")
        if self.to is not None:
            yield "to", is_number(self.to, entry.to or "")
        if self.q is not None:
            yield "q", self.q.casefold() in _everything(entry).casefold()

    def select(self, entries: Iterable[Caught]) -> list[Caught]:
        """Return the entries that are meant, in their order; of more than ``limit`` the last."""
        meant = [entry for entry in entries if self.meets(entry)]
        return meant if self.limit is None else meant[len(meant) - min(self.limit, len(meant)) :]


def parse(params: Pairs, allowed: Iterable[str]) -> Criteria:
    """Return what the parameters ask for. Raises InputError for a name that is not ``allowed``, or an odd value."""
    names = tuple(allowed)
    for name, _ in params:
        if name not in names:
            there_are = ", ".join(names) or "none"
            raise InputError(f"there is no parameter {visible(name)[:60]!r} here; there are {there_are}")
    given = {name: value for name, value in params if value}
    if given.get("accepted", "true") not in ("true", "false", "any"):
        raise InputError("accepted is true, false or any")
    for name in ("before", "after", "limit"):
        if not re.fullmatch("[0-9]{1,15}", given.get(name, "0")):
            raise InputError(f"{name} is a whole number")
    return Criteria(
        given.get("q"), given.get("to"), given.get("text"), given.get("vendor"),
        {"true": True, "false": False}.get(given.get("accepted", "")),
        *(int(given[name]) if name in given else None for name in ("before", "after", "limit")),
    )  # fmt: skip


def closest(criteria: Criteria, entries: Iterable[Caught]) -> tuple[Caught, list[str]] | None:
    """Return the newest of the entries that miss the fewest criteria, and those; ``entries`` begin with the newest.

    What a message says and to whom weighs more than when it came, and whether it was accepted.
    """
    best: tuple[int, Caught, list[str]] | None = None
    for entry, _ in zip(entries, range(_CLOSE), strict=False):
        missed = criteria.missed(entry)
        distance = sum(1 if name in ("accepted", "before", "after") else 4 for name in missed)
        if best is None or distance < best[0]:
            best = distance, entry, missed
    return best[1:] if best else None


def is_number(asked: str, own: str) -> bool:
    """Return whether two spellings mean one number: all digits, or from seven on the last ones, those of the shorter.

    A Russian 8 at the beginning is a 7.
    """
    one, other = sorted((_digits(asked), _digits(own)), key=len)
    return one == other if len(one) < 7 else other.endswith(one)


def _digits(number: str) -> str:
    digits = re.sub("[^0-9]", "", number)
    return "7" + digits[1:] if len(digits) == 11 and digits[0] == "8" else digits


def code(text: str, digits: int | None = None) -> str | None:
    """Return the one-time code of a text: 4 to 8 digits (or just as many), ``123 456`` and ``123-456`` without the gap.

    Of several the one that stands nearest to a word such as "code", else the first. Only the beginning of a long text
    is read.
    """
    text = text[:_LONGEST]
    codes = [
        (match.start(), value)
        for match in _CODE.finditer(text)
        if digits in (None, len(value := (match[1] or "") + (match[2] or "") + (match[3] or "")))
    ]
    words = [match.start() for match in _WORDS.finditer(text)]
    near = [(distance, at, value) for at, value in codes for word in words if (distance := abs(at - word)) <= _NEAR]
    return min(near)[2] if near else codes[0][1] if codes else None


def _everything(entry: Caught) -> str:
    texts = (entry.vendor, entry.operation, entry.to, entry.sender, entry.text, entry.message_id, entry.refusal)
    return "\n".join(text for text in texts if text)

"""What the journal knows of where the messages of one send stand, and how it is told of it.

Nothing that goes wrong here changes what a command says or how it ends: the vendor's word is shown, recorded or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from smscli import providers
from smscli.cli.hints import journal_hints
from smscli.cli.invocation import Invocation
from smscli.errors import SmscliError
from smscli.model import MSISDN, DeliveryReport, Profile

if TYPE_CHECKING:
    from smscli.cli.tracking import Item
    from smscli.journal import Journal, JournalEntry, News, Place

# So many seconds the vendor's clock may be off.
_SKEW = 60.0


class Register:
    """The messages of one send in one journal: by place, with when each was claimed and what is known of its ids.

    ``zones`` are the time zones of the vendors' times, by vendor. ``sandbox`` says which of the two journals it is.
    """

    def __init__(
        self, call: Invocation, place: Place, key: str, zones: Mapping[str, str | None], *, sandbox: bool
    ) -> None:  # fmt: skip
        self._call = call
        self._place = place
        self._hints = journal_hints(sandbox=sandbox)
        self._key = key
        self._zones = zones
        self._claimed: dict[int, float] = {}
        self._known: dict[tuple[int | None, str], DeliveryReport] = {}
        self._is_lost = False
        self.places: dict[MSISDN, int] = {}

    def read(self, entries: Iterable[JournalEntry]) -> None:
        """Take in what the journal says."""
        for entry in entries:
            message = entry.message
            self.places[entry.submission.to] = message.position
            self._claimed[message.position] = message.claimed or message.updated
            self._known |= {(message.position, row.message_id): row.report for row in entry.deliveries}

    def load(self) -> None:
        """Ask the journal."""
        with self._or_tell(), self._opened() as journal:
            self.read(journal.entries(self._key))

    def record(self, items: Sequence[Item]) -> None:
        """Have the journal keep what is new of these; one that cannot be written is told of, once, and let be."""
        news = {
            (item.place, item.report.id): item
            for item in items
            if item.place is not None
            and item.report.word is not None  # what the vendor does not know says nothing
            and item.report != self._known.get((item.place, item.report.id))
        }
        if news and not self._is_lost:
            with self._or_tell(), self._opened() as journal:
                journal.learn(self._key, [self._news(item) for item in news.values()])
                self._known |= {place: item.report for place, item in news.items()}

    def _news(self, item: Item) -> News:
        from smscli.journal import News

        assert item.place is not None  # noqa: S101  (asked for above)
        ended = _second(item.report.at, self._zones.get(item.provider))
        is_likely = ended is not None and self._claimed[item.place] - _SKEW <= ended <= self._call.runtime.now() + _SKEW
        return News(item.place, item.report, ended if is_likely else None)

    def _opened(self) -> Journal:
        return self._call.runtime.journal(self._place, self._hints)

    @contextmanager
    def _or_tell(self) -> Iterator[None]:
        try:
            yield
        except SmscliError as error:
            self._is_lost = True
            self._call.warn(f"where the messages stand is shown, but not recorded: {error.message}")


def zones(profiles: Iterable[Profile]) -> dict[str, str | None]:
    """Return in which zones the vendors of these accounts write a time, as far as that is said or assumed."""
    return {
        profile.provider: profile.time_zone or providers.get(profile.provider).time_zone for profile in profiles
    }  # fmt: skip


def _second(at: str | None, zone: str | None) -> float | None:
    """Return the Unix second of a vendor's time, None for a date alone and where no zone is known."""
    if at is None or ":" not in at or zone is None:
        return None
    try:
        return datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone)).timestamp()
    except (ValueError, OverflowError, OSError, KeyError):  # no such time, or no such zone on this machine
        return None

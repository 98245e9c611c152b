"""Where accepted messages stand by their vendors' word: the last known state of each, as rows of their own.

No outcome hangs on them: that they are missing or damaged keeps nobody from sending.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from smscli.journal._database import Database
from smscli.journal._rows import Row
from smscli.model import DeliveryReport, DeliveryState, visible

# So many rows are in memory while those of one job are gone through.
_ROWS = 1000


class News(NamedTuple):
    """What a vendor has said of one message of a job; ``ended`` is the Unix second that it names for that, if any."""

    position: int
    report: DeliveryReport
    ended: float | None = None


class DeliveryRow(Row):
    """Where one message id stands. ``word`` and ``at`` are the vendor's own, as of ``DeliveryReport``.

    ``learnt`` is the Unix second at which this state was first told of, ``ended`` the one that the vendor names for it.
    ``final`` is 0 or 1.
    """

    TABLE = "delivery"
    KEYS = 3

    job: int
    position: int
    message_id: str
    state: str
    final: int
    word: str | None
    learnt: float
    at: str | None = None
    ended: float | None = None

    @property
    def report(self) -> DeliveryReport:
        """What the vendor said."""
        return DeliveryReport(self.message_id, DeliveryState(self.state), self.word, self.at)

    def after(self, news: DeliveryRow) -> DeliveryRow:
        """Return it as of something newer: what has ended stays so, and a state was learnt when it was first told."""
        if self.final and not news.final:
            return self
        if self.state != news.state:
            return news
        at, ended = (self.at, self.ended) if news.ended is None else (news.at, news.ended)
        return self._replace(word=news.word, at=at, ended=ended)


Known = dict[tuple[int, int], tuple[DeliveryRow, ...]]
"""What is known of messages, by job and place; an id that nothing is known of has no row."""


class Deliveries:
    """These rows in one store, in a transaction of the caller's; raises ConfigError for what is damaged."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of_jobs(self, jobs: Sequence[int]) -> Known:
        """Return what is known of these jobs."""
        if not jobs:
            return {}  # PostgreSQL has no empty lists
        return self._known(f"job IN ({', '.join('?' * len(jobs))})", *jobs)

    def at(self, job: int, places: range) -> Known:
        """Return what is known of the messages of one job at these places."""
        return self._known("job = ? AND position >= ? AND position < ?", job, places.start, places.stop)

    def put(self, job: int, news: Sequence[News], moment: float) -> None:
        """Record what was learnt at that second; what says nothing new is not written."""
        marks = ", ".join("?" * len(news))
        rows = self._read(f"job = ? AND position IN ({marks})", job, *(one.position for one in news))
        known = {(row.position, row.message_id): row for row in rows}
        changed: dict[tuple[int, str], DeliveryRow] = {}
        for position, report, ended in news:
            place = position, report.id
            word, at = (text and visible(text) for text in (report.word, report.at))
            row = DeliveryRow(job, *place, report.state.value, int(report.is_final), word, moment, at, ended)
            before = changed.get(place) or known.get(place)
            row = before.after(row) if before else row
            if row != before:
                changed[place] = row
        if changed:
            self._db.execute_many(DeliveryRow.replacement(), [row.columns() for row in changed.values()])

    def check(self, job: int) -> None:
        """Raise ConfigError when a row of that job is damaged."""
        place: tuple[int, str] = (-1, "")
        while True:
            behind = "job = ? AND (position > ? OR (position = ? AND message_id > ?))"
            page = list(self._read(f"{behind} ORDER BY position, message_id LIMIT {_ROWS}", job, place[0], *place))
            if not page:
                return
            place = page[-1].position, page[-1].message_id

    def count_strays(self) -> int:
        """Return how many rows belong to no message."""
        theirs = "SELECT 1 FROM message WHERE message.job = delivery.job AND message.position = delivery.position"
        (strays,) = self._db.execute(f"SELECT count(*) FROM delivery WHERE NOT EXISTS ({theirs})").fetchone()  # noqa: S608  (constants)
        return int(strays)

    def _known(self, where: str, *values: object) -> Known:
        known: Known = {}
        for row in self._read(f"{where} ORDER BY job, position, message_id", *values):
            place = row.job, row.position
            known[place] = (*known.get(place, ()), row)
        return known

    def _read(self, where: str, *values: object) -> Iterator[DeliveryRow]:
        return map(DeliveryRow.read, self._db.execute(f"SELECT * FROM delivery WHERE {where}", values))  # noqa: S608  (constants)

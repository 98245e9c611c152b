"""The same content under another key: which job of it counts, and how long ago it was sent.

However many jobs of it there are, only those are read that may count. It must not change the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import NamedTuple

from smscli.journal._database import Database
from smscli.journal._entries import Boot, State, Twin
from smscli.journal._rows import BEFORE_SMSCLI, DamagedError, JobRow, Window
from smscli.journal._tables import Tables

TWIN_SECONDS = 600.0
"""Within this time the same content under another key is worth a warning."""

# So many of the jobs of one content are asked whether a process holds them without having claimed anything yet.
_LATEST = 20
# What stands for the run of the machine where the system names none: nothing was claimed in it.
_NO_BOOT = Boot("", 0.0)


class Contents:
    """Looks for jobs by what they send, inside a transaction of the caller's; ``now`` and ``boot`` tell the time."""

    def __init__(
        self, db: Database, now: Callable[[], float], boot: Callable[[], Boot | None]
    ) -> None:  # fmt: skip
        self._db = db
        self._tables = Tables(db)
        self._clock = now
        self._boot = boot

    def repetition(self, content: str, seconds: float) -> tuple[JobRow | None, bool]:
        """Return the newest job of this content that is being sent, or was within ``seconds`` and not in vain.

        Also whether there is doubt about that time.
        """
        for job in self._same_content(content, seconds):
            age = self._age(job)
            if age.is_within(seconds) or self._db.is_alive(job.id):
                return job, age.went_out and age.seconds is None
        return None, False

    def twin(self, content: str) -> Twin | None:
        """Return the newest job of this content that is being sent, was within ten minutes, or is UNKNOWN."""
        for job in self._same_content(content, TWIN_SECONDS):
            age = self._age(job)
            if age.unknown or age.is_within(TWIN_SECONDS) or self._db.is_alive(job.id):
                return Twin(job.key, job.created, age.unknown)
        return None

    def _same_content(self, content: str, seconds: float) -> Iterator[JobRow]:
        """Yield the jobs of this content, newest first, that may have gone out within that time, are open, or are held.

        However many there are of an earlier time, they are not read. The latest are also found without the indexes of
        their witnesses, which could be damaged.
        """
        now, here = self._clock(), self._boot() or _NO_BOOT
        # A clock that is behind tells nothing of any other boot's claims.
        since = now - seconds if self._tables.newest()[1] <= now else -inf
        window = Window(since, here.id, here.seconds - seconds)
        latest = self._tables.latest(content, _LATEST)
        candidates = self._tables.candidates(content, window)
        candidates |= {number for number in latest if self._tables.witness(number).may_be_in(window)}
        for number in sorted(candidates.union(latest), reverse=True):
            if number in candidates or self._db.is_alive(number):
                job = self._tables.numbered(number)
                if job.fingerprint != content:
                    raise DamagedError("a job is not of the content it was looked up by")
                yield job

    def _age(self, job: JobRow) -> _Age:
        messages = self._tables.messages(job)
        out = [m.claimed for m in messages if m.state != State.NOT_SENT and m.claimed is not None]
        unknown = any(m.state == State.UNKNOWN for m in messages)
        return _Age(bool(out), unknown, self._seconds_since(job, max(out)) if out else None)

    def _seconds_since(self, job: JobRow, claimed: float) -> float | None:
        """Return how long ago that was, or None when that cannot be told because a clock was changed.

        Within one run of the machine a clock that nobody can set tells it. Across runs the wall clock is all there is,
        and is believed unless the journal itself contradicts it.
        """
        witness, here = self._tables.witness(job.id), self._boot()
        if here and witness.seconds is not None and witness.boot == here.id:
            seconds = here.seconds - witness.seconds
            return seconds if seconds >= 0 else None
        now = self._clock()
        _, newest = self._tables.newest()
        is_sure = witness.claimed != inf and BEFORE_SMSCLI < claimed <= now and newest <= now
        return now - claimed if is_sure else None


class _Age(NamedTuple):
    """Of a job: whether it went out at all, whether any of it is UNKNOWN, and how many seconds ago it was claimed.

    ``seconds`` None: that cannot be told.
    """

    went_out: bool
    unknown: bool
    seconds: float | None

    def is_within(self, seconds: float) -> bool:
        """Return whether it went out within that time; when nobody can tell, it did."""
        return self.went_out and (self.seconds is None or self.seconds <= seconds)

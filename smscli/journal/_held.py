"""What one journal holds: the jobs it works on, and which claims in them are its own. Nothing here touches a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from smscli.errors import Cause, ConfigError
from smscli.journal._entries import State
from smscli.journal._rows import JobRow, MessageRow
from smscli.model import MSISDN, Outcome, Reason, Submission


class Ending(NamedTuple):
    """How claimed messages of one job ended, by their places; ``evidence`` as of ``Journal.settle``."""

    outcomes: Mapping[int, Submission]
    evidence: str | None = None


class Held:
    """A job that this journal works on, alone or not, as it was begun: where its recipients stand, and what is claimed.

    ``lost``: it was held over a connection that is lost. ``claims`` gives for each place the owner and the number of
    the attempt that is this journal's own. ``forgets_texts``: a text stays only as long as it may have to be sent.
    ``handed`` are the places that may be claimed although they were refused, ``doubtful`` those that were claimed
    while an attempt before was UNKNOWN.
    """

    def __init__(
        self, job: JobRow, provider: str, account: str, claims: dict[int, tuple[int, int]],
        *, places: Mapping[MSISDN, int] = MappingProxyType({}), alone: bool = False, forgets_texts: bool = False,
    ) -> None:  # fmt: skip
        self.job, self.account, self.claims, self.places = job, account, claims, places
        self.provider, self.alone, self.forgets_texts = provider, alone, forgets_texts
        self.lost = False
        self.handed: frozenset[int] = frozenset()
        self.doubtful: set[int] = set()

    def honest(self, place: int, submission: Submission) -> Submission:
        """Return an outcome as it is to be recorded: that the last attempt failed says nothing of one before."""
        if place not in self.doubtful or submission.outcome in (Outcome.SENT, Outcome.UNKNOWN):
            return submission
        last = submission.reason.text if submission.reason else "not sent"
        why = f"an earlier attempt may have arrived; the last one: {last}"
        return submission._replace(outcome=Outcome.UNKNOWN, reason=Reason(why, Cause.UNKNOWN))

    def may_claim(self, message: MessageRow) -> bool:
        """Return whether it may be claimed: pending, or refused and handed over to another account."""
        is_handed = message.position in self.handed and message.state == State.REFUSED
        return is_handed or message.may_be_claimed

    def owns(self, message: MessageRow) -> bool:
        """Return whether the latest attempt at the message is this journal's, and no person has decided on it."""
        return (message.owner, message.attempt) == self.claims.get(message.position) and message.resolved is None

    def places_of(self, recipients: Sequence[MSISDN]) -> list[int]:
        """Return where in the job these recipients stand; raise ConfigError for others, or one named twice."""
        for number in recipients:
            if number not in self.places:
                raise ConfigError(f"{number} is no recipient of key {self.job.key!r}")
        if len(set(recipients)) != len(recipients):
            raise ConfigError(f"a recipient was named twice under key {self.job.key!r}")
        return [self.places[number] for number in recipients]

    def by_place(self, submissions: Sequence[Submission]) -> dict[int, Submission]:
        """Return outcomes by where their recipients stand; raise ConfigError as ``places_of`` does."""
        self.places_of([submission.to for submission in submissions])
        return {self.places[submission.to]: submission for submission in submissions}

    def drop(self, endings: Sequence[Ending], others: Sequence[MessageRow]) -> None:
        """Forget the claims that are settled, but for those of ``others``."""
        settled = {place for ending in endings for place in ending.outcomes}
        for place in settled.difference(message.position for message in others):
            del self.claims[place]

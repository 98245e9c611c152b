"""What stands in for a journal where nothing can be kept."""

from __future__ import annotations

from collections.abc import Sequence

from smscli.journal._entries import Job, Opened
from smscli.model import MSISDN, Outcome, Submission


class NoJournal:
    """Stands in for a journal where nothing can be kept: every job is new, and nothing is remembered."""

    is_new = False

    def begin(
        self, job: Job, *, once: float | None, passes_on: bool  # noqa: ARG002  (the journal's own shape)
    ) -> Opened:  # fmt: skip
        """Open the job: every recipient is still to be sent."""
        return Opened(job.key, tuple(Submission(number, Outcome.NOT_SENT) for number in job.recipients), 0.0)

    def claim(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Keep nothing."""

    def confirm(self, key: str, recipients: Sequence[MSISDN]) -> None:
        """Know of nobody else."""

    def hand_over(self, key: str, provider: str, account: str, recipients: Sequence[MSISDN]) -> None:
        """Keep nothing."""

    def settle(
        self, key: str, submissions: Sequence[Submission], evidence: str | None = None, seconds: float = 0.0
    ) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Hold nothing."""

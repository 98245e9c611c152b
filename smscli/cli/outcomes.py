"""How one recipient's outcome is shown, by a receipt and by the journal alike."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from smscli.model import Money, Reason, Submission
from smscli.render import Tree

if TYPE_CHECKING:
    from smscli.journal import DeliveryRow


def tree(submission: Submission) -> dict[str, Tree]:
    """Return what JSON and XML say of a submission; amounts are texts, so that no digit is lost."""
    return {
        "to": str(submission.to),
        "outcome": submission.outcome.value,
        "message_id": submission.message_id,
        "parts": submission.parts,
        "cost": cost_tree(submission.cost),
        "reason": reason_tree(submission.reason),
    }


def reason_tree(reason: Reason | None) -> Tree:
    """Return why it ended so as a tree, None when there is nothing to say."""
    return None if reason is None else {"text": reason.text, "code": reason.code, "hint": reason.hint}


def delivery_tree(delivery: DeliveryRow | None) -> Tree:
    """Return where it stands by the vendor's word as a tree, None while that is not known."""
    if delivery is None:
        return None
    return {
        "state": delivery.state,
        "final": bool(delivery.final),
        "word": delivery.word,
        "at": delivery.at,
        "learnt": moment(delivery.learnt),
    }


def moment(second: float) -> str:
    """Return a Unix second as RFC 3339 says it."""
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds")


def moment_tree(second: float | None) -> str | None:
    """Return a Unix second as a tree, None while there is none."""
    return None if second is None else moment(second)


def cost_tree(cost: Money | None) -> Tree:
    """Return what it cost as a tree, None when the vendor did not say."""
    return None if cost is None else {"amount": str(cost.amount), "currency": cost.currency}


def price(cost: Money | None) -> str:
    """Return an amount and its currency as one cell, empty when the vendor told none."""
    return "" if cost is None else f"{cost.amount} {cost.currency or ''}".strip()

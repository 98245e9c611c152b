"""How one recipient's outcome is shown, by a receipt and by the journal alike."""

from __future__ import annotations

from smscli.model import Money, Reason, Submission
from smscli.render import Tree


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


def cost_tree(cost: Money | None) -> Tree:
    """Return what it cost as a tree, None when the vendor did not say."""
    return None if cost is None else {"amount": str(cost.amount), "currency": cost.currency}


def price(cost: Money | None) -> str:
    """Return an amount and its currency as one cell, empty when the vendor told none."""
    return "" if cost is None else f"{cost.amount} {cost.currency or ''}".strip()

"""Ids that repeat the request: an id is the one text of an answer that is shown and kept as it came.

The vendors' ids are digits, and digits can spell key, signature and text too. A number that does is none that the
vendor made, and proves nothing. This module is pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from smscli.errors import Cause
from smscli.model import Outcome, Reason, SendReceipt, Submission

# So many digits in a row are no accident.
_TELLING = 8


def without_echoes(receipt: SendReceipt, words: Iterable[str]) -> SendReceipt:
    """Return the receipt, UNKNOWN where an id spells one of ``words`` (secrets, text, signature) in digits."""
    spelled = {digits for word in words for digits in _in_digits(word)}
    return receipt._replace(submissions=tuple(_checked(submission, spelled) for submission in receipt.submissions))


def _checked(submission: Submission, spelled: set[str]) -> Submission:
    # Other than digits (a comma between those of several parts) is an id of our own making.
    ids = [one for one in (submission.message_id or "").split(",") if one.isdigit()]
    if not any(digits == one or (len(digits) >= _TELLING and digits in one) for digits in spelled for one in ids):
        return submission
    hint = "it may have been sent: look at the vendor's own list of messages before sending again"
    reason = Reason("the vendor's answer gives an id that repeats the request", Cause.UNKNOWN, hint=hint)
    return Submission(submission.to, Outcome.UNKNOWN, reason=reason)


def _in_digits(word: str) -> set[str]:
    """Return the spellings of a word, forwards and backwards, that digits alone can write."""
    spellings = (word, word.encode(errors="replace").hex(), "".join(str(ord(character)) for character in word))
    return {digits for text in spellings if text.isascii() and text.isdigit() for digits in (text, text[::-1])}

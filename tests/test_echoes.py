"""An id that the vendor made is kept; one that spells something of the request in digits is believed for nothing."""

from __future__ import annotations

import pytest

from smscli.echoes import without_echoes
from smscli.model import MSISDN, Outcome, SendReceipt, Submission

NUMBER = MSISDN("37061234567")


def outcome(message_id: str | None, *words: str) -> str:
    """Return what becomes of an accepted message with that id when the request held these words."""
    receipt = SendReceipt((Submission(NUMBER, Outcome.SENT, message_id),))
    return without_echoes(receipt, words).submissions[0].outcome


@pytest.mark.parametrize(
    ("message_id", "word"),
    [
        ("1234", "1234"),
        ("4321", "1234"),
        ("6579", "ey"),
        ("107101121", "key"),
        ("9912345678", "12345678"),
        ("17,1234", "1234"),
        ("104649", "Ж1"),
    ],
    ids=["itself", "backwards", "hex", "code points", "within", "one of several", "not ASCII"],
)
def test_an_id_that_spells_a_word_of_the_request_proves_nothing(message_id: str, word: str) -> None:
    """Whole words of any length, and long ones wherever they stand."""
    assert outcome(message_id, "unrelated", word) == "UNKNOWN"


@pytest.mark.parametrize(
    ("message_id", "word"),
    [("98761234", "1234"), ("17", "1234567"), (None, "1"), ("1234-37061234567", "1234"), ("5", "")],
)
def test_any_other_id_stays(message_id: str | None, word: str) -> None:
    """A short number inside a longer one is an accident, and an id with other characters is one of our own making."""
    assert outcome(message_id, word) == "SENT"

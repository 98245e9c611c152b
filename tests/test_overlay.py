"""Two texts laid over each other: whole, in order, and within a time."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.overlay import lay_over


@given(st.text("ab+ ", max_size=30), st.text("ab+ ", max_size=30))
def test_an_overlay_holds_both_texts_whole(one: str, other: str) -> None:
    """And two neighbours never say the same of themselves."""
    pieces, is_whole = lay_over(one, other, 3000, 2)
    assert is_whole
    assert "".join(piece[0] for piece in pieces) == one
    assert "".join(piece[1] for piece in pieces) == other
    assert all(piece != ("", "") for piece in pieces)
    assert not any(a[0] != a[1] and b[0] != b[1] for a, b in pairwise(pieces))


def test_an_overlay_of_long_texts_is_bounded() -> None:
    """Comparing letter by letter takes the square of their length, and the page says that it was not done."""
    one, other = "a" + "bc" * 3000 + "z", "a" + "cb" * 3000 + "z"
    assert lay_over(one, other, 3000, 2) == ([("a", "a"), (one[1:-1], other[1:-1]), ("z", "z")], False)


def test_an_overlay_of_texts_that_repeat_themselves_is_bounded() -> None:
    """Comparing those takes the cube; what is left in the end is one difference, and the texts are whole."""
    one, other = "a" * 2000 + "x", "ba" * 1000 + "y"
    begun = time.thread_time()
    pieces, is_whole = lay_over(one, other, 3000, 2)
    assert time.thread_time() - begun < 1
    assert not is_whole
    assert ("".join(piece[0] for piece in pieces), "".join(piece[1] for piece in pieces)) == (one, other)


@pytest.mark.parametrize(
    ("one", "other", "chance", "expected"),
    [
        ("Hello", "hello", 2, [("H", "h"), ("ello", "ello")]),
        ("one+two", "one two", 2, [("one", "one"), ("+", " "), ("two", "two")]),
        ("1a2", "3a4", 1, [("1a2", "3a4")]),
        ("1a2", "3a4", 0, [("1", "3"), ("a", "a"), ("2", "4")]),
        ("1abc2", "3abc4", 2, [("1", "3"), ("abc", "abc"), ("2", "4")]),
        ("same", "same", 2, [("same", "same")]),
        ("", "all of it", 2, [("", "all of it")]),
    ],
)
def test_what_differs_is_kept_together(one: str, other: str, chance: int, expected: list[tuple[str, str]]) -> None:
    """A few letters that agree by chance do not tear it apart."""
    assert lay_over(one, other, 3000, chance) == (expected, True)

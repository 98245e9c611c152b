"""When an emulated message moves on: its number says so, to any sandbox."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.model import DeliveryState
from smscli.sandbox._course import COUNT, course, due, moment, serial, standing

NOW = 1732809600  # 2024-11-28 16:00 UTC
FORMS = ("%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M")


@pytest.mark.parametrize(
    ("seconds", "arrives", "state"),
    [
        (-1, True, DeliveryState.SCHEDULED),
        (0, True, DeliveryState.ACCEPTED),
        (1, True, DeliveryState.ACCEPTED),
        (2, True, DeliveryState.ENROUTE),
        (3, False, DeliveryState.ENROUTE),
        (4, True, DeliveryState.DELIVERED),
        (4, False, DeliveryState.UNDELIVERABLE),
        (10**9, True, DeliveryState.DELIVERED),
    ],
)
def test_a_message_stands_where_its_number_says(seconds: int, arrives: bool, state: DeliveryState) -> None:
    """Two seconds, and two more; before its time it is scheduled."""
    assert standing(serial(NOW, 7, arrives=arrives), NOW + seconds) is state


def test_a_message_that_never_sets_out_stays_accepted() -> None:
    """A test of the vendor's, say."""
    number = serial(inf, 7, arrives=True)
    assert (course(number), standing(number, NOW + 10**9)) == ((), DeliveryState.ACCEPTED)


@pytest.mark.parametrize("number", [0, COUNT, 2**53, 10**20])
def test_a_number_of_nobody_has_no_state(number: int) -> None:
    """It holds no second that a sandbox could have given."""
    assert (standing(number, NOW), course(number)) == (None, ())


@given(st.floats(0, 4e9), st.integers(0, COUNT - 1), st.booleans())
def test_numbers_are_exact_everywhere_and_tell_their_count(second: float, count: int, arrives: bool) -> None:
    """Below 2**53, where JavaScript begins to round; two of one second differ by their count."""
    number = serial(second, count, arrives=arrives)
    assert (0 < number < 2**53, number % COUNT) == (True, count)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2024-11-28 18:00", "Europe/Vilnius", NOW),
        ("28.11.2024 19:00", "Europe/Moscow", NOW),
        ("2024-11-28", "Europe/Vilnius", None),
        ("2024-02-30 10:00", "Europe/Vilnius", None),
        ("", "Europe/Vilnius", None),
        (None, "Europe/Vilnius", None),
    ],
)
def test_a_wall_clock_time_is_read_in_its_zone(text: str | None, zone: str, expected: float | None) -> None:
    """None for what is no such time; a message with that, or with one that is past, sets out at once."""
    assert moment(text, FORMS, zone) == expected
    assert due(text, FORMS, zone, NOW - 60) == (expected or NOW - 60)
    assert due(text, FORMS, zone, NOW + 60) == NOW + 60

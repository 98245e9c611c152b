"""What a value promises: frozen, equal by type and fields, strict about what it is made of."""

from __future__ import annotations

import pickle
from copy import copy
from typing import ClassVar

import pytest

from smscli.record import Record


class Point(Record):
    """A value with a default."""

    x: int
    y: int = 2


class Named(Point):
    """A value that adds a field."""

    name: str = "origin"


def double(number: int) -> int:
    """Return twice the number."""
    return number * 2


class WithFunction(Record):
    """A value whose default is a function."""

    change: object = double


def test_fields_come_in_order_or_by_name_and_defaults_fill_the_rest() -> None:
    """As with a dataclass."""
    assert Point(1) == Point(x=1) == Point(1, 2) == Point(y=2, x=1)
    assert Named(1, 2, "here").name == "here"


def test_values_are_equal_by_type_and_fields() -> None:
    """A named tuple would equal any tuple; a record equals its own kind only."""
    assert Point(1) != Named(1)
    assert Point(1) != (1, 2)
    assert len({Point(1), Point(1, 2), Point(1, 3)}) == 2


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 1}), ((1,), {"z": 1})],
    ids=["missing", "too many", "twice", "unknown"],
)  # fmt: skip
def test_what_does_not_fit_is_refused(values: tuple[int, ...], named: dict[str, int]) -> None:
    """As a call of a function with these parameters would be."""
    with pytest.raises(TypeError, match="Point"):
        Point(*values, **named)


def test_a_value_is_frozen() -> None:
    """Neither set nor deleted; ``_replace`` makes another."""
    point = Point(1)
    with pytest.raises(AttributeError):
        point.x = 5  # type: ignore[misc]  # that it is refused is the promise
    with pytest.raises(AttributeError):
        del point.x
    assert (point._replace(y=7), point.y) == (Point(1, 7), 2)


def test_a_value_can_be_copied() -> None:
    """Also by those that set one field after the other, as copying of slots does."""
    assert copy(Named(1)) == pickle.loads(pickle.dumps(Named(1))) == Named(1)  # noqa: S301  (our own bytes)


def test_a_function_as_a_default_stays_a_function() -> None:
    """It is a value here, not a method."""
    assert WithFunction().change is double


def test_a_value_shows_its_fields() -> None:
    """For failure messages."""
    assert repr(Named(1)) == "Named(x=1, y=2, name='origin')"


@pytest.mark.parametrize("annotations", [{"limit": "ClassVar[int]"}, {"limit": ClassVar[int]}, {"_cache": "int"}])
def test_what_would_silently_become_a_field_is_refused(annotations: dict[str, object]) -> None:
    """A dataclass leaves these out; a record would ask for them as an argument."""
    with pytest.raises(TypeError, match=next(iter(annotations))):
        type("Wrong", (Record,), {"__annotations__": annotations})


def test_a_field_without_a_default_behind_one_that_has_is_refused() -> None:
    """A dataclass refuses it, too: nobody could leave out the one before."""
    with pytest.raises(TypeError, match="z"):
        type("Wrong", (Point,), {"__annotations__": {"z": "int"}})

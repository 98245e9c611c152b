"""Mistakes in the time: another unit, a local clock, a stamp taken twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from smscli.diagnosis._mistake import Apply, Attempt, Case, Stage, mistake
from smscli.diagnosis._recipe import Recipe

_LEAST_QUARTERS = 4
"""No zone is nearer to UTC than an hour."""

_ORDINARY_LENGTH = 500  # characters of all values


def _of_stamp(spell: Callable[[str, bool], Iterator[tuple[str, str]]]) -> Apply:
    """Return the application of ``spell`` to the vendor's stamp, when that is Unix seconds or milliseconds."""

    def apply(recipe: Recipe, case: Case) -> Iterator[Attempt]:
        for index, (name, value) in enumerate(recipe.pairs):
            if name == case.provider.stamp_name and re.fullmatch(r"\d{10}|\d{13}|\d{10}\.\d{1,9}", value, re.ASCII):
                for stamp, words in spell(value, case.wide):
                    yield recipe.with_value(index, stamp), (name, stamp, words)

    return apply


@mistake(
    "stamp-unit",
    Stage.VALUES,
    "{0} was signed as {1}, {2}.",
    "Sign and send whole Unix seconds (JavaScript: Math.floor(Date.now() / 1000); Python: int(time.time()); "
    "Java: Instant.now().getEpochSecond()).",
)
@_of_stamp
def other_unit(stamp: str, wide: bool) -> Iterator[tuple[str, str]]:
    """Sign seconds for milliseconds, or the reverse with any fraction."""
    if len(stamp) != 10:
        yield stamp[:10], "in seconds"
        return
    yield f"{stamp}.0", "as a decimal fraction"
    for fraction in range(1000 if wide else 1):
        yield f"{stamp}{fraction:03}", "in milliseconds"
    if wide:
        for digits in (3, 2, 1):
            yield from ((f"{stamp}.{fraction:0{digits}}", "with a fraction") for fraction in range(10**digits))
        yield f"{stamp}000000", "in microseconds"
        yield f"{stamp}000000000", "in nanoseconds"
        mantissa = stamp.rstrip("0")
        for power in ("E9", "e+09", "E+9"):
            for fraction in range(1, 1000):
                yield f"{stamp[0]}.{stamp[1:]}{f'{fraction:03}'.rstrip('0')}{power}", "as a float"
        yield from ((f"{mantissa[0]}.{mantissa[1:]}{power}", "as a float") for power in ("e+09", "E9", "e9", "E+9"))


@mistake(
    "stamp-local-time",
    Stage.VALUES,
    "{0} was signed as {1}: a local time at UTC{2} taken for UTC.",
    "Unix time counts in UTC; do not add the zone's offset.",
)
@_of_stamp
def local_time(stamp: str, wide: bool) -> Iterator[tuple[str, str]]:
    """Add the offset of a zone, whole hours or quarters, a few seconds apart from the stamp that is sent."""
    if "." in stamp:
        return
    scale = 1 if len(stamp) == 10 else 1000
    lags = range(-5, 6) if wide else (0,)
    for quarters in range(-56, 57, 1 if wide else 4):
        words = f"{'-' if quarters < 0 else '+'}{abs(quarters) // 4:02}:{abs(quarters) % 4 * 15:02}"
        for lag in lags:
            if abs(quarters) >= _LEAST_QUARTERS:
                yield str(int(stamp) + (quarters * 900 + lag) * scale), words


@mistake(
    "stamp-differs",
    Stage.VALUES,
    "{0} was signed as {1}, {2} the one that is sent.",
    "Take the stamp once, into one variable, and both sign and send that.",
)
@_of_stamp
def other_moment(stamp: str, wide: bool) -> Iterator[tuple[str, str]]:
    """Sign a stamp of up to half an hour before or after, nearest first."""
    if "." in stamp:
        return
    unit = "s" if len(stamp) == 10 else "ms"
    for distance in range(1, 1801 if wide else 11):
        yield str(int(stamp) - distance), f"{distance} {unit} before"
        yield str(int(stamp) + distance), f"{distance} {unit} after"


@mistake(
    "stamp-unit",
    Stage.VALUES,
    "{0} was signed as {1}, {2}.",
    "Sign and send whole Unix seconds (PHP: time(), not microtime(true); Python: int(time.time())).",
    alone=True,
)
def exact_moment(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Sign seconds with the fraction that PHP prints; of a long text there is no time for so many."""
    if sum(len(value) for _, value in recipe.pairs) <= _ORDINARY_LENGTH:
        for index, (name, value) in enumerate(recipe.pairs):
            if name == case.provider.stamp_name and re.fullmatch(r"\d{10}", value, re.ASCII):
                for fraction in range(10_000):
                    stamp = f"{value}.{fraction:04}"
                    yield recipe.with_value(index, stamp), (name, stamp, "with a fraction")


STAMP = (other_unit, local_time, other_moment, exact_moment)

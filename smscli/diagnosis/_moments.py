"""Mistakes in how a moment is written: the stamp, or the time of delivery, as languages print it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from smscli.diagnosis._mistake import Attempt, Case, Stage, mistake
from smscli.diagnosis._recipe import Recipe

# As strftime writes it in the C locale; {o} is the offset with a colon, {z} without, {n} the name of the zone.
_FORMATS: tuple[tuple[str, str], ...] = (
    ("%Y-%m-%dT%H:%M:%S{o}", "Python's isoformat, PHP's DATE_ATOM, Go's RFC3339"),
    ("%Y-%m-%dT%H:%M:%SZ", "ISO 8601"),
    ("%Y-%m-%dT%H:%M:%S.000Z", "JavaScript's toISOString"),
    ("%Y-%m-%dT%H:%M:%S{z}", "ISO 8601"),
    ("%Y-%m-%dT%H:%M:%S", "Python's isoformat, Java's LocalDateTime"),
    ("%Y-%m-%dT%H:%M", "Java's LocalDateTime"),
    ("%Y-%m-%dT%H:%M{o}", "Java's OffsetDateTime"),
    ("%Y-%m-%dT%H:%MZ", "Java's OffsetDateTime"),
    ("%Y-%m-%d %H:%M:%S", "MySQL's DATETIME"),
    ("%Y-%m-%d %H:%M", "date and time"),
    ("%Y-%m-%d %H:%M:%S{o}", "Python's str"),
    ("%Y-%m-%d %H:%M:%S {z}", "Ruby's Time"),
    ("%Y-%m-%d %H:%M:%S {n}", "Ruby's Time"),
    ("%Y-%m-%d %H:%M:%S {z} {n}", "Go's Time"),
    ("%a, %d %b %Y %H:%M:%S GMT", "the date of HTTP, JavaScript's toUTCString"),
    ("%a, %d %b %Y %H:%M:%S {n}", "Go's RFC1123"),
    ("%a, %d %b %Y %H:%M:%S {z}", "the date of mail"),
    ("%a %b %e %H:%M:%S %Y", "ctime"),
    ("%a %b %d %H:%M:%S %Y", "ctime"),
    ("%a %b %e %H:%M:%S {n} %Y", "date(1)"),
    ("%a %b %d %H:%M:%S {n} %Y", "Java's Date"),
    ("%a %b %e %I:%M:%S %p {n} %Y", "date(1)"),
    ("%a %b %d %Y %H:%M:%S GMT{z} (Coordinated Universal Time)", "JavaScript's Date"),
    ("%m/%d/%Y %I:%M:%S %p", "C#'s DateTime"),
    ("%m/%d/%Y %H:%M:%S", "C#'s DateTime"),
    ("%d.%m.%Y %H:%M:%S", "day, month, year"),
    ("%d.%m.%Y %H:%M", "day, month, year"),
    ("%d.%m.%y %H:%M", "a year of two digits"),
    ("%d/%m/%Y %H:%M", "day, month, year"),
    ("%Y%m%d%H%M%S", "digits alone"),
    ("%Y%m%d%H%M", "digits alone"),
    ("%Y-%m-%d", "the date alone"),
    ("%d.%m.%Y", "the date alone"),
)


def _written(moment: datetime) -> Iterator[tuple[str, str]]:
    """Give a moment of a zone as it may be written, with the words for each way; the first words of a text count."""
    offset = moment.strftime("%z")
    parts = {"o": f"{offset[:3]}:{offset[3:]}", "z": offset, "n": "UTC" if offset == "+0000" else offset}
    for form, words in _FORMATS:
        if ("Z" not in form.rpartition("%")[2] and "GMT" not in form) or offset == "+0000":
            text = moment.strftime(form.format(**parts))
            yield text, words
            if "%I" in form:
                # C# writes no zero in front of month, day and hour.
                yield re.sub(r"\b0(?=\d[/:])", "", text), words


def _ways(moment: datetime, *, zones: tuple[int, ...]) -> dict[str, str]:
    """Return the texts of one moment, by the clocks of zones given in hours."""
    texts: dict[str, str] = {}
    for hours in zones:
        zone = UTC if not hours else timezone(timedelta(hours=hours))
        for text, words in _written(moment.astimezone(zone)):
            texts.setdefault(text, f"a date and time ({words}; UTC{hours:+03}:00)")
    return texts


_ALL_ZONES = (0, 3, 2, 1, *range(4, 15), *range(-1, -13, -1))


@mistake(
    "stamp-format",
    Stage.VALUES,
    "{0} was signed as {1}, {2}.",
    "Sign and send the same text: whole Unix seconds, ten digits.",
    alone=True,
)
def stamp_format(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Sign the stamp as a date, or Unix seconds where a date is sent."""
    for index, (name, value) in enumerate(recipe.pairs):
        if name != case.provider.stamp_name:
            continue
        texts: dict[str, str] = {}
        if re.fullmatch(r"[0-9]{10}", value):
            texts = _ways(datetime.fromtimestamp(int(value), UTC), zones=_ALL_ZONES)
        elif moment := _read(value):
            texts = {str(int(moment.timestamp()) + 3600 * hours): "Unix seconds" for hours in _ALL_ZONES}
            texts |= {f"{int(moment.timestamp())}000": "milliseconds"}
        for text, words in texts.items():
            yield recipe.with_value(index, text), (name, text, words)


@mistake(
    "time-format",
    Stage.VALUES,
    "{0}: the time was signed as {1}, {2}.",
    "Format the time once and use that text for both signing and sending.",
    alone=True,
)
def time_printed(recipe: Recipe, case: Case) -> Iterator[Attempt]:
    """Sign the time of delivery as a language prints it, by the clock that it was given in or by another."""
    for index, (name, value) in enumerate(recipe.pairs):
        if name == case.provider.stamp_name or not (moment := _read(value)):
            continue
        texts = _ways(moment, zones=(0,))
        for hours in _ALL_ZONES:
            # The same digits, said to be another zone's.
            for text, words in _written(moment.replace(tzinfo=timezone(timedelta(hours=hours)))):
                texts.setdefault(text, f"a date and time ({words}; UTC{hours:+03}:00)")
            seconds = int(moment.timestamp()) - 3600 * hours
            texts.setdefault(str(seconds), f"Unix seconds (UTC{hours:+03}:00)")
            texts.setdefault(f"{seconds}000", f"milliseconds (UTC{hours:+03}:00)")
        for text, words in texts.items():
            if text != value:
                yield recipe.with_value(index, text), (name, text, words)


def _read(text: str) -> datetime | None:
    """Read a date with a time in the forms that are sent, digits of UTC unless they name a zone."""
    shape = r"(?:(\d{4})-(\d\d)-(\d\d)|(\d\d)\.(\d\d)\.(\d{4}))[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|\+00:?00)?"
    match = re.fullmatch(shape, text, re.ASCII)
    if match is None:
        return None
    year, month, day = (match[1], match[2], match[3]) if match[1] else (match[6], match[5], match[4])
    try:
        moment = datetime(int(year), int(month), int(day), int(match[7]), int(match[8]), int(match[9] or 0), tzinfo=UTC)
        moment.astimezone(timezone(timedelta(hours=-12))), moment.astimezone(timezone(timedelta(hours=14)))
    except (ValueError, OverflowError):
        return None
    return moment if moment.year > 1 else None


MOMENTS = (stamp_format, time_printed)

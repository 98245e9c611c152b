"""How far a stamp is from a clock, in words. The time is an argument: nothing here looks at a clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from smscli.model import visible


def staleness(stamp: str, now: float, life: float) -> str | None:
    """Return in words how far ``stamp`` (Unix seconds or milliseconds) is from ``now``, or None within ``life``.

    ``now`` is Unix seconds by the clock it is compared with; both clocks are named. What is no time at all is said.
    """
    if not re.fullmatch(r"[0-9]{10}(?:[0-9]{3})?", stamp):
        return f"{visible(stamp)!r} is not a Unix time: ten digits of seconds are expected"
    seconds = int(stamp[:10])
    unit = " (in milliseconds; seconds are expected)" if len(stamp) == 13 else ""
    distance = seconds - int(now)
    if abs(distance) <= life:
        return f"the timestamp is {stamp}{unit}" if unit else None
    relation = "ahead of" if distance > 0 else "behind"
    return (
        f"the timestamp {stamp}{unit} is {_clock(seconds)}, {_duration(abs(distance))} {relation} the clock it is "
        f"compared with, {int(now)} = {_clock(int(now))}; use one within {life:g} seconds"
    )


def _clock(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    parts = ((days, "d"), (rest // 3600, "h"), (rest % 3600 // 60, "min"), (rest % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)

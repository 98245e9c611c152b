"""A message's serial number says when it sets out and whether it arrives: so a sandbox knows what another accepted.

Pure. From the top it has 29 bits of seconds since 2024, one that says whether it arrives, and 23 of count. It stays
below 2**53, where JavaScript and jq begin to read numbers wrongly.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from smscli.model import DeliveryState

COUNT = 2**23
"""So many numbers there are for each second."""

_EPOCH = 1_704_067_200  # 2024-01-01 in Unix seconds
_SECONDS = 2**29

# Seconds after which an accepted message is on its way, and after which it has arrived or never will.
_ENROUTE = 2
_END = 4


def serial(due: float, count: int, *, arrives: bool) -> int:
    """Return the number of a message that sets out at ``due`` (Unix seconds; infinite: never), the ``count``th."""
    moment = int(min(max(due - _EPOCH, 1), _SECONDS - 1))
    return (moment * 2 + arrives) * COUNT + count % COUNT


def standing(serial: int, now: float) -> DeliveryState | None:
    """Return where the message of a serial number stands at a Unix second; None for a number of nobody here."""
    moment = serial // COUNT // 2
    if not 0 < moment < _SECONDS:
        return None
    states = [state for second, state in course(serial) if second <= now]
    if states:
        return states[-1]
    return DeliveryState.SCHEDULED if moment < _SECONDS - 1 and now < _EPOCH + moment else DeliveryState.ACCEPTED


def course(serial: int) -> tuple[tuple[int, DeliveryState], ...]:
    """Return the Unix seconds at which the message of a serial number moves on, and where to; none if it never does."""
    moment, arrives = divmod(serial // COUNT, 2)
    if not 0 < moment < _SECONDS - 1:
        return ()
    end = DeliveryState.DELIVERED if arrives else DeliveryState.UNDELIVERABLE
    return (_EPOCH + moment + _ENROUTE, DeliveryState.ENROUTE), (_EPOCH + moment + _END, end)


def due(text: str | None, forms: Sequence[str], zone: str, now: float) -> float:
    """Return the Unix second that a wall-clock time in one of ``forms`` means, ``now`` for one that is past or none."""
    second = moment(text, forms, zone)
    return now if second is None else max(now, second)


def moment(text: str | None, forms: Sequence[str], zone: str) -> float | None:
    """Return the Unix second that a wall-clock time in one of ``forms`` means, None for what is no such time."""
    for form in forms:
        try:
            return datetime.strptime(text or "", form).replace(tzinfo=ZoneInfo(zone)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None

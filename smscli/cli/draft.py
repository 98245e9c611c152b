"""From what was typed to a message that is complete and checked: the same for sending, previewing and signing one.

What the vendor cannot take is refused here, before anything is recorded or signed. Nothing is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import typer

from smscli import providers
from smscli.cli import inputs
from smscli.cli.text import clean
from smscli.errors import ConfigError, InputError
from smscli.model import MSISDN, Account, Message, Profile, SenderId
from smscli.providers import Provider
from smscli.record import Record
from smscli.runtime import Runtime
from smscli.segments import Segmentation, measure

To = Annotated[
    list[str] | None,
    typer.Option("--to", "-t", metavar="NUMBER", help="Recipient, or @FILE of them; repeat it, or separate by commas."),
]
Sender = Annotated[str | None, typer.Option("--sender", "-s", metavar="NAME", help="Sender ID.")]

MAX_YEAR = 9998
"""The last year that every zone can say; a test holds it."""


class Draft(Record):
    """A send that has not begun. ``batch_size`` recipients go into one request; ``notes`` are for stderr."""

    profile: Profile
    account: Account
    provider: Provider
    message: Message
    size: Segmentation
    batch_size: int
    notes: tuple[str, ...]

    def batches(self) -> Iterator[Message]:
        """Yield the message once for each request it takes."""
        for start in range(0, len(self.message.to), self.batch_size):
            yield self.message._replace(to=self.message.to[start : start + self.batch_size])


def compose(
    runtime: Runtime, profile: Profile, text: str, to: Sequence[str], sender: str | None, at: str | None, *,
    test: bool, batch_size: int | None = None, is_checked: bool = True,
) -> Draft:  # fmt: skip
    """Return the send that is meant; without recipients or sender those of the profile count.

    Raises InputError for a text, number, sender or time that cannot be, also by this vendor's rules unless
    ``is_checked`` is False; ConfigError when the secret or the time zone
    cannot be had.
    """
    provider = providers.get(profile.provider).of(profile.fields)
    text, notes = clean(text)
    recipients, remarks = addressees(profile, to)
    notes += remarks
    send_at = None
    if at is not None:
        send_at, delivery = _moment(at, profile, provider, runtime)
        notes += (delivery,)
    name = sender or profile.sender
    message = Message(recipients, text, SenderId(name) if name else None, send_at, test)
    limit = min(batch_size or profile.batch_size or provider.batch_limit, provider.batch_limit)
    draft = Draft(profile, runtime.account(profile), provider, message, measure(text), limit, notes)
    if is_checked:
        # What this vendor cannot take is refused here, before anything is recorded.
        provider.send.build(next(draft.batches()), draft.account, "0")
    return draft


def addressees(profile: Profile, to: Sequence[str]) -> tuple[tuple[MSISDN, ...], tuple[str, ...]]:
    """Return who is meant, each once, with notes on repairs; without ``to`` the profile's recipients.

    Raises InputError for what is no number, and when there is nobody.
    """
    from smscli import numbering

    to, notes = inputs.expand(to, profile.region) if to else (profile.to, ())
    entries = [number.strip() for entry in to for number in entry.split(",") if number.strip()]
    if not entries:
        raise InputError("nobody to send to", hint="give --to NUMBER, or set to = [...] in the profile")
    numbers = [numbering.parse(number, profile.region) for number in entries]
    notes += tuple(number.warning for number in numbers if number.warning)
    recipients = tuple(dict.fromkeys(number.msisdn for number in numbers))
    if len(entries) > len(recipients):
        notes += (f"{len(entries) - len(recipients)} repeated number(s) left out",)
    return recipients, notes


def account_name(provider: Provider, account: Account) -> str:
    """Return the public name of an account: login, project, application."""
    return " ".join(account.fields[f.name] for f in provider.fields if f.required and not f.secret)


def _moment(at: str, profile: Profile, provider: Provider, runtime: Runtime) -> tuple[datetime, str]:
    """Return the moment in the vendor's wall-clock zone, and a note that says it."""
    try:
        moment = datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        hint = "write RFC 3339 (2031-10-03T17:00:00+03:00) or 'YYYY-MM-DD HH:MM'"
        raise InputError(f"--at {at!r} is not a time", hint=hint) from error
    if moment.year > MAX_YEAR:
        # The last days of the calendar cannot be said in every zone, and no vendor keeps a text for so long.
        raise InputError(f"--at {at!r} is too far away", hint=f"give a time before the year {MAX_YEAR + 1}")
    if moment.timestamp() <= runtime.now():
        raise InputError(f"--at {moment.isoformat(timespec='minutes')} is in the past")
    zone = profile.time_zone or provider.time_zone
    if zone is None:
        return moment, f"deliver at {moment.isoformat(timespec='minutes')}"
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # only a text for later pays for it

    try:
        there = moment.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"there is no time zone {zone!r} on this machine", hint="set time_zone in the profile"
        ) from error
    assumed = "" if profile.time_zone else "; the vendor's page names no zone: set time_zone if that is wrong"
    return there, f"deliver at {there.isoformat(timespec='minutes')} ({zone}{assumed})"

"""The accounts that a send may fall back to: the same text to the same people, each as that account sends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from smscli.cli.draft import Draft, account_name, compose
from smscli.cli.invocation import Invocation
from smscli.cli.options import complete_profile
from smscli.cli.text import counted
from smscli.errors import ConfigError, InputError, UnsupportedError
from smscli.model import MSISDN, Profile
from smscli.runtime import Wanted

Fallback = Annotated[
    list[str] | None,
    typer.Option(
        "--fallback", metavar="PROFILE", autocompletion=complete_profile,
        help="Who sends it when this account cannot, without ever sending twice; may be repeated.",
    ),
]  # fmt: skip
RetryFor = Annotated[
    str | None,
    typer.Option("--retry-for", metavar="TIME", help="Try again for so long (10m) while nothing has left."),
]


def fallbacks(
    call: Invocation, draft: Draft, names: Sequence[str], at: str | None
) -> tuple[tuple[Draft, frozenset[MSISDN]], ...]:  # fmt: skip
    """Return a draft for each profile that may take over, with the recipients that its vendor would not take.

    Without ``names`` those of the draft's own profile count. Sender, batch size and zone are each profile's own, the
    recipients are read once: a number written nationally means one person. Raises what ``compose`` does, ConfigError
    for an account that is the draft's own, or an emulator's beside a vendor's.
    """
    legs: list[tuple[Draft, frozenset[MSISDN]]] = []
    taken = [(draft.provider.name, account_name(draft.provider, draft.account), draft.account.base_url)]
    for name in dict.fromkeys(names or draft.profile.fallback):
        profile = call.runtime.profile(Wanted(name, sandbox=call.wanted.sandbox, seconds=call.wanted.seconds))
        if profile.sandbox != draft.profile.sandbox:
            raise ConfigError(
                f"profile {name} is {'an emulator' if profile.sandbox else 'a real account'}, and the first one is not",
                hint="an emulator and a vendor cannot stand in for each other",
            )
        second, refused = _second(call, draft, profile, at)
        whose = (second.provider.name, account_name(second.provider, second.account), second.account.base_url)
        if whose in taken:
            raise ConfigError(f"profile {name} is an account that is tried before it", hint="name another one")
        if whose[:2] in [one[:2] for one in taken]:
            call.tell(
                f"{name} is {whose[1]} of {second.provider.title} at another host: it takes over what could not be"
                " sent, and not what was refused, for a refusal is of that account"
            )
        taken.append(whose)
        if refused:
            reason = next(iter(refused.values()))
            call.tell(f"{name} cannot take {counted(len(refused), 'recipient')}: {reason}")
        legs.append((second, frozenset(refused)))
    return tuple(legs)


def _second(
    call: Invocation, draft: Draft, profile: Profile, at: str | None
) -> tuple[Draft, dict[MSISDN, str]]:  # fmt: skip
    """Return the draft as another profile sends it, and why it cannot send to some."""
    to = tuple(map(str, draft.message.to))
    second = compose(call.runtime, profile, draft.message.text, to, None, at, test=draft.message.test, is_checked=False)
    refused: dict[MSISDN, str] = {}
    for number in second.message.to:
        try:
            second.provider.send.build(second.message._replace(to=(number,)), second.account, "0")
        except (InputError, UnsupportedError) as error:
            refused[number] = error.message
    return second._replace(notes=()), refused

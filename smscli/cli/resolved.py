"""A resolved profile, for a person: its values as they may be shown, and what in them no send could use."""

from __future__ import annotations

from smscli import providers
from smscli.errors import InputError, SmscliError
from smscli.model import MASK, MSISDN, Account, Message, Profile, Secret, SenderId


def masked(key: str, value: object) -> str:
    """Return the value of a setting as it may be shown."""
    if isinstance(value, tuple):
        # An argument may be a secret (a PIN, a token); the program's name is not.
        return f"{value[0]} {MASK}" if key.endswith("_command") else ", ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def flaws(profile: Profile) -> list[str]:
    """Return what no send could use of what a profile names: recipients, sender; nothing is fetched for it."""
    return [*_bad_recipients(profile), *_bad_sender(profile)]


def _bad_recipients(profile: Profile) -> list[str]:
    from smscli import numbering

    faults = []
    for entry in (entry for recipient in profile.to for entry in recipient.split(",")):
        try:
            numbering.parse(entry, profile.region)
        except SmscliError as error:
            faults.append(f"to: {error.message}")
    return faults


def _bad_sender(profile: Profile) -> list[str]:
    if profile.sender is None:
        return []
    provider = providers.get(profile.provider).of(profile.fields)
    sample = Secret("sample")
    account = Account(profile.base_url, sample, profile.fields, dict.fromkeys(profile.sent_secrets, sample))
    message = Message((MSISDN(provider.example_number),), "Hello", SenderId(profile.sender))
    try:
        provider.send.build(message, account, "0")
    except InputError as error:
        return [f"sender: {error.message}" + (f" ({error.hint})" if error.hint else "")]
    return []

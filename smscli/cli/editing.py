"""How commands change the profile file and the keyring beside it: together, while the file is shut to others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING

from smscli import profiles
from smscli.cli.invocation import Invocation
from smscli.errors import ConfigError
from smscli.model import Field, Secret
from smscli.render import Result

if TYPE_CHECKING:
    from smscli.providers import Provider

ADD = "smscli profile add shop --provider payforsms --project mainsms --api-key-file ~/payforsms.key"
"""What examples begin with."""


def change(
    call: Invocation, action: Callable[[profiles.Document], profiles.Document], name: str, what: str,
    more: Sequence[str] = (), around: AbstractContextManager[object] | None = None,
) -> Result:  # fmt: skip
    """Change the file as it is by then: whatever had to be asked has been asked, and others may have changed it.

    ``more`` is read when it is changed.
    """
    where = profiles.path(call.runtime.environ)
    profiles.change(where, action, around)
    notes = (f"profile {name} {what}", *more)
    return Result(data={"profile": name, "path": str(where), "notes": list(notes)}, notes=notes)


@contextmanager
def filled(keyring: profiles.Keyring, profile: str, secrets: Mapping[str, str]) -> Iterator[None]:
    """Put the secrets into the keyring before the block, and take them away again when that or the block fails."""
    ours: list[str] = []
    try:
        for name, secret in secrets.items():
            keyring.put(profile, name, Secret(secret))
            ours.append(name)
        yield
    except BaseException:
        for name in ours:
            with suppress(ConfigError):
                keyring.discard(profile, name)
        raise


@contextmanager
def emptied(keyring: profiles.Keyring, profile: str, names: Iterable[str], notes: list[str]) -> Iterator[None]:
    """Take the secrets out of the keyring after the block; what stays there is added to the notes."""
    yield
    for name in names:
        try:
            keyring.discard(profile, name)
        except ConfigError as error:
            notes.append(f"{profile}/{name} may still be in the keyring: {error.message}")


def missing_secrets(vendor: Provider, options: Mapping[str, object]) -> list[Field]:
    """Return the secrets that neither a file nor a command gives."""
    return [
        field for field in vendor.secret_fields if not {f"{field.name}_file", f"{field.name}_command"} & set(options)
    ]

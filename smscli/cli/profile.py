"""``smscli profile``: the accounts in the profile file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smscli import profiles, providers
from smscli.cli import prompts
from smscli.cli.editing import ADD, change, emptied, missing_secrets
from smscli.cli.invocation import Invocation
from smscli.cli.options import add_command, command, complete_profile, new_group
from smscli.cli.resolved import flaws, masked
from smscli.errors import ConfigError, ConflictError
from smscli.render import Result, Table
from smscli.runtime import Runtime, Wanted

if TYPE_CHECKING:
    pass


app = new_group(
    "Keep the accounts: list, show, add, use, remove, check, path.",
    examples=("smscli profile list", "smscli help profile add"),
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The profile.", autocompletion=complete_profile)]
_AnyName = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="The profile; without it, what is used now.", autocompletion=complete_profile),
]


# --- looking ----------------------------------------------------------------------------------------------------------


@command(app, "list", vendor=False, examples=("smscli profile list", "smscli profile list -o json"))
def list_(call: Invocation) -> Result:
    """List the profiles of the file."""
    document = profiles.read(profiles.path(call.runtime.environ))
    vendors = {name: _vendor_name(table.get("provider")) for name, table in document.tables.items()}
    default = document.default
    rows = tuple((name, vendor, "yes" if name == default else "") for name, vendor in vendors.items())
    return Result(
        data=[{"name": name, "provider": vendor, "default": name == default} for name, vendor in vendors.items()],
        lines=tuple((*row[:2], "default" if row[2] else "") for row in rows),
        table=Table(("profile", "provider", "default"), rows),
        notes=() if rows else ("no profiles yet; add one: smscli profile add NAME",),
    )


@command(app, vendor=False, examples=(ADD, "smscli profile show shop"))
def show(call: Invocation, name: _AnyName = None) -> Result:
    """Show every value and which layer won it; secrets stay masked."""
    profile = call.runtime.profile(Wanted(profile=name))
    rows = tuple((key, masked(key, value), profile.sources[key]) for key, value in profiles.values(profile).items())
    return Result(
        data={
            "profile": profile.name,
            "settings": [{"name": key, "value": value, "source": source} for key, value, source in rows],
        },
        lines=rows,
        table=Table(("setting", "value", "comes from"), rows, title=profile.name, prose=("value", "comes from")),
        notes=() if name else profiles.misspelt(call.runtime.environ),
    )


@command(app, vendor=False, examples=(ADD, "smscli profile check shop"))
def check(call: Invocation, name: _AnyName = None) -> Result:
    """Check every value, and that the secret can be fetched.

    Nothing goes over the network: whether the vendor takes the key, `smscli balance` tells.
    """
    profile = call.runtime.profile(Wanted(profile=name))
    whose = f"profile {profile.name}" if profile.name else "the environment"
    problems = flaws(profile)
    if profile.ca_file is not None and not Path(profile.ca_file).is_file():
        problems.append(f"ca_file: there is no file {profile.ca_file!r}")
    try:
        call.runtime.account(profile)
    except ConfigError as error:
        problems.append(error.message + (f" ({error.hint})" if error.hint else ""))
    for other in profile.fallback:
        try:
            call.runtime.account(call.runtime.profile(Wanted(profile=other)))
        except ConfigError as error:
            problems.append(f"fallback {other}: {error.message}")
    if problems:
        raise ConfigError(f"{whose} cannot be used", problems=problems)
    return Result(
        data={"profile": profile.name, "provider": profile.provider, "ok": True},
        lines=((profile.name or "environment", "ok"),),
        table=Table(("profile", "provider", "check"), ((profile.name or "environment", profile.provider, "ok"),)),
        notes=() if name else profiles.misspelt(call.runtime.environ),
    )


@command(app, "path", vendor=False, examples=("smscli profile path", "smscli profile path -o json"))
def path_(call: Invocation) -> Result:
    """Show where the profile file is."""
    where = profiles.path(call.runtime.environ)
    return Result(
        data={"path": str(where), "exists": where.exists()},
        lines=((str(where),),),
        table=Table(("profile file", "exists"), ((str(where), "yes" if where.exists() else "not yet"),)),
    )


def _vendor_name(written: object) -> str:
    # A table may hold anything; only a vendor's name is sure to be no secret.
    vendor = providers.find(written) if isinstance(written, str) else None
    return vendor.name if vendor else "?"


# --- changing ---------------------------------------------------------------------------------------------------------


@command(app, vendor=False, examples=(ADD, "smscli profile use shop"))
def use(call: Invocation, name: _Name) -> Result:
    """Make a profile the default: the one that is used without -p."""
    return change(call, lambda document: profiles.use(document, name), name, "is the default now")


@command(app, vendor=False, examples=(ADD, "smscli profile remove shop --yes"))
def remove(
    call: Invocation,
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before removing the default profile.")] = False,
) -> Result:
    """Remove a profile from the file, and its secret from the keyring, where it has it there."""
    document = profiles.read(profiles.path(call.runtime.environ))
    agreed = yes or (document.default == name and _agrees(call.runtime, name))

    def take_out(document: profiles.Document) -> profiles.Document:
        if document.default == name and not agreed:
            raise ConflictError(f"{name} is the default profile", hint="add --yes if that is meant")
        return profiles.remove(document, name)

    notes: list[str] = []
    if name in document.tables:
        around = emptied(profiles.Keyring(call.runtime.environ), name, _unset_secrets(document.tables[name]), notes)
        return change(call, take_out, name, "is removed", notes, around)
    return change(call, take_out, name, "is removed")


def _agrees(runtime: Runtime, name: str) -> bool:
    if not runtime.is_terminal(runtime.stdin):
        return False
    if not prompts.confirm(runtime, f"{name} is the default profile. Remove it?"):
        raise ConflictError("not confirmed; nothing was changed")
    return True


def _unset_secrets(table: Mapping[str, object]) -> list[str]:
    """Return the vendor's secrets that the table gives in no spelling: the keyring may have them."""
    written = table.get("provider")
    vendor = providers.find(written) if isinstance(written, str) else None
    return [field.name for field in missing_secrets(vendor, table) if field.name not in table] if vendor else []


def _add() -> typer.Typer:
    from smscli.cli import adding  # who adds nothing does not pay for it

    return adding.application()


add_command(app, "add", _add)

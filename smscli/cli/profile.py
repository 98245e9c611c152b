"""``smscli profile``: the accounts in the profile file."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smscli import profiles, providers
from smscli.cli import inputs, prompts
from smscli.cli.options import Invocation, add_command, command, complete_profile, new_app, new_group, provider_option
from smscli.errors import ConfigError, ConflictError, InputError, SmscliError
from smscli.model import MASK, MSISDN, Account, Field, Message, Profile, Secret, SenderId
from smscli.render import Result, Table
from smscli.runtime import Runtime, Wanted

if TYPE_CHECKING:
    from smscli.providers import Provider


app = new_group(
    "Keep the accounts: list, show, add, use, remove, check, path.",
    examples=("smscli profile list", "smscli help profile add"),
)

_ADD = "smscli profile add shop --provider payforsms --project mainsms --api-key-file ~/payforsms.key"
_ADD_BY_COMMAND = "smscli profile add work --provider lightsms --login YourLogin --api-key-command 'pass show lightsms'"

_FLAGS = ("sandbox", "store_text")

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


@command(app, vendor=False, examples=(_ADD, "smscli profile show shop"))
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


@command(app, vendor=False, examples=(_ADD, "smscli profile check shop"))
def check(call: Invocation, name: _AnyName = None) -> Result:
    """Check every value, and that the secret can be fetched.

    Nothing goes over the network: whether the vendor takes the key, `smscli balance` tells.
    """
    profile = call.runtime.profile(Wanted(profile=name))
    whose = f"profile {profile.name}" if profile.name else "the environment"
    problems = [*bad_recipients(profile), *bad_sender(profile)]
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


def masked(key: str, value: object) -> str:
    """Return the value of a setting as it may be shown."""
    if isinstance(value, tuple):
        # An argument may be a secret (a PIN, a token); the program's name is not.
        return f"{value[0]} {MASK}" if key.endswith("_command") else ", ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def bad_recipients(profile: Profile) -> list[str]:
    """Return what is wrong with the recipients that a profile names."""
    from smscli import numbering

    problems = []
    for entry in (entry for recipient in profile.to for entry in recipient.split(",")):
        try:
            numbering.parse(entry, profile.region)
        except SmscliError as error:
            problems.append(f"to: {error.message}")
    return problems


def bad_sender(profile: Profile) -> list[str]:
    """Return why the vendor cannot take the sender that a profile names; nothing is fetched for it."""
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


# --- changing ---------------------------------------------------------------------------------------------------------


@command(app, vendor=False, examples=(_ADD, "smscli profile use shop"))
def use(call: Invocation, name: _Name) -> Result:
    """Make a profile the default: the one that is used without -p."""
    return _change(call, lambda document: profiles.use(document, name), name, "is the default now")


@command(app, vendor=False, examples=(_ADD, "smscli profile remove shop --yes"))
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
        around = _emptied(profiles.Keyring(call.runtime.environ), name, _unset_secrets(document.tables[name]), notes)
        return _change(call, take_out, name, "is removed", notes, around)
    return _change(call, take_out, name, "is removed")


def add(
    call: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.")],
    provider: Annotated[str | None, provider_option("The vendor.")] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Make it the default profile (the first one always is).")
    ] = False,
    keyring: Annotated[
        bool, typer.Option("--keyring", help="Keep the secret in the system's keyring, and out of the file.")
    ] = False,
    **given: Any,
) -> Result:
    """Add a profile; the secret is asked for, or piped in.

    A terminal is asked for what no option gives; a script gives the secret from a file or a pipe.
    """
    where = profiles.path(call.runtime.environ)
    profiles.refuse_name(profiles.read(where), name)  # before anything is asked
    options = {key: value for key, value in given.items() if value}
    vendor = _vendor(call.runtime, provider)
    _split_command(vendor, options)
    options |= _ask_for_missing(call.runtime, vendor, options)
    if keyring and not _missing_secrets(vendor, options):
        raise InputError("nothing is left for the keyring", hint="leave out --keyring, or what else gives the secret")
    secrets = _secrets(call.runtime, vendor, options)
    start = {"provider": vendor.name, **secrets}
    profile = profiles.resolve(profiles.Document("", {name: start}), named=name, options=options, environ={})
    for problem in bad_sender(profile):
        raise InputError(problem)

    table = _table(profile)
    if keyring:
        table = {key: value for key, value in table.items() if key not in secrets}

    def put_in(document: profiles.Document) -> profiles.Document:
        return profiles.add(document, name, table, make_default=default or not document.tables)

    around = _filled(profiles.Keyring(call.runtime.environ), name, secrets) if keyring else None
    notes = [f"the keyring has {name}/{field}" for field in secrets if keyring]
    notes += [f"base_url is {profile.base_url}"] if "base_url" in options else []
    return _change(call, put_in, name, f"is added to {where}", notes, around)


def _change(
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


def _agrees(runtime: Runtime, name: str) -> bool:
    if not runtime.is_terminal(runtime.stdin):
        return False
    if not prompts.confirm(runtime, f"{name} is the default profile. Remove it?"):
        raise ConflictError("not confirmed; nothing was changed")
    return True


# --- secrets in the keyring, changed while the file is shut to others -------------------------------------------------


@contextmanager
def _filled(keyring: profiles.Keyring, profile: str, secrets: Mapping[str, str]) -> Iterator[None]:
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
def _emptied(keyring: profiles.Keyring, profile: str, names: Iterable[str], notes: list[str]) -> Iterator[None]:
    """Take the secrets out of the keyring after the block; what stays there is added to the notes."""
    yield
    for name in names:
        try:
            keyring.discard(profile, name)
        except ConfigError as error:
            notes.append(f"{profile}/{name} may still be in the keyring: {error.message}")


def _unset_secrets(table: Mapping[str, object]) -> list[str]:
    """Return the vendor's secrets that the table gives in no spelling: the keyring may have them."""
    written = table.get("provider")
    vendor = providers.find(written) if isinstance(written, str) else None
    return [field.name for field in _missing_secrets(vendor, table) if field.name not in table] if vendor else []


# --- add: from options, questions and a pipe to a table ---------------------------------------------------------------


def _vendor(runtime: Runtime, name: str | None) -> Provider:
    names = ", ".join(providers.names())
    if name is None and not runtime.is_terminal(runtime.stdin):
        raise InputError("no provider", hint=f"give --provider: {names}")
    return providers.get(name or prompts.ask(runtime, f"provider ({names})", providers.get))


def _split_command(vendor: Provider, options: dict[str, Any]) -> None:
    """Cut each command as a shell would cut it, once and for all: no shell ever sees it again."""
    keys = [f"{field.name}_command" for field in vendor.secret_fields]
    try:
        options.update({key: shlex.split(options[key]) for key in keys if key in options})
    except ValueError:
        raise InputError("the quotes in the command do not match") from None


def _secrets(runtime: Runtime, vendor: Provider, options: Mapping[str, object]) -> dict[str, str]:
    """Return the secrets as settings: typed without echo, or one from the pipe; none that a file or command has."""
    missing = _missing_secrets(vendor, options)
    if runtime.is_terminal(runtime.stdin):
        return {
            field.name: prompts.ask_secret(
                runtime, f"{field.name}: {field.help} (not shown)", _check(vendor, field.name)
            )
            for field in missing
        }
    if len(missing) > 1:
        raise InputError(
            f"stdin holds one secret, and {vendor.title} needs {' and '.join(field.name for field in missing)}",
            hint="; ".join(f"give {_ways(field)}" for field in missing),
        )
    return {field.name: _piped(runtime, field) for field in missing}


def _missing_secrets(vendor: Provider, options: Mapping[str, object]) -> list[Field]:
    """Return the secrets that neither a file nor a command gives."""
    return [
        field for field in vendor.secret_fields if not {f"{field.name}_file", f"{field.name}_command"} & set(options)
    ]


def _piped(runtime: Runtime, field: Field) -> str:
    secret = inputs.read_stdin(runtime, f"the {field.name}", profiles.MAX_SECRET)
    if not secret:
        raise InputError(
            f"no {field.name}: stdin holds nothing",
            hint=f"give it from a file (smscli profile add … < FILE) or a pipe, or give {_ways(field)}",
        )
    return secret


def _ways(field: Field) -> str:
    return f"--{_kebab(field.name)}-file FILE or --{_kebab(field.name)}-command COMMAND"


def _ask_for_missing(runtime: Runtime, vendor: Provider, options: Mapping[str, object]) -> dict[str, str]:
    needs_address = vendor.base_url is None and "sandbox" not in options
    wanted = {"base_url": vendor.base_url_hint or "the vendor's address"} if needs_address else {}
    wanted |= {field.name: field.help for field in vendor.fields if field.required and not field.secret}
    missing = {name: what for name, what in wanted.items() if name not in options}
    if missing and not runtime.is_terminal(runtime.stdin):
        raise InputError(
            f"{vendor.title} needs {' and '.join(missing)}",
            hint="; ".join(f"give --{_kebab(name)} ({what})" for name, what in missing.items()),
        )
    answers = {name: prompts.ask(runtime, f"{name} ({what})", _check(vendor, name)) for name, what in missing.items()}
    if missing and vendor.takes_sender and "sender" not in options:
        # Whoever is asked anything is asked this too: some vendors send nothing without it.
        question, check = "sender (ID that recipients see; Enter for none)", _check(vendor, "sender")
        answers |= {"sender": prompts.ask(runtime, question, lambda answer: answer and check(answer))}
    return {name: answer for name, answer in answers.items() if answer}


def _check(vendor: Provider, name: str) -> Callable[[str], None]:
    """Return what refuses an answer that cannot be this field or setting."""

    def check(answer: str) -> None:
        try:
            profiles.check(vendor, name, answer)
        except profiles.SettingError as error:
            raise InputError(f"{name} {error}") from None

    return check


def _table(profile: Profile) -> dict[str, object]:
    """Return the settings as they go into the file: the one place where a secret is written down."""
    return {
        key: value.reveal() if isinstance(value, Secret) else list(value) if isinstance(value, tuple) else value
        for key, value in profiles.values(profile).items()
        if profile.sources[key] != profiles.BUILT_IN
    }


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _options_of_add() -> dict[str, list[inspect.Parameter]]:
    """Return, under each heading, one option for each setting that is no secret: a new vendor brings its own."""
    options: dict[str, inspect.Parameter] = {}
    takers: dict[str, list[str]] = {}
    choices: dict[str, tuple[str, ...]] = {}
    for vendor in map(providers.get, providers.names()):
        for field in vendor.fields:
            choices[field.name] = tuple(dict.fromkeys((*choices.get(field.name, ()), *field.choices)))
            for option in _options_of(field._replace(choices=choices[field.name])):
                options[option.name] = option
                takers.setdefault(option.name, []).append(vendor.title)
    sections: dict[str, list[inspect.Parameter]] = {}
    for name, option in options.items():
        sections.setdefault(", ".join(takers[name]), []).append(option)
    # A proxy's URL may hold a password: it is written into the file by hand.
    settings = [setting for setting in profiles.SETTINGS if setting.name != "proxy"]
    return {**sections, "Settings": [_option(setting.name, setting.help) for setting in settings]}


def _options_of(field: Field) -> list[inspect.Parameter]:
    if field.secret:
        return [
            _option(f"{field.name}_file", f"file that holds the {field.name}"),
            _option(f"{field.name}_command", f"command that prints the {field.name}, in quotes; no shell runs it"),
        ]
    return [_option(field.name, field.help, field.choices, field.default)]


def _option(name: str, what: str, choices: Sequence[str] = (), usual: str | None = None) -> inspect.Parameter:
    metavar = None if name in _FLAGS else _kebab(name).rsplit("-", 1)[-1].upper()
    description = f"{what[0].upper()}{what[1:]}" + (f": {' or '.join(choices)}." if choices else ".")
    kinds: dict[str, Any] = {"to": list[str] | None, **dict.fromkeys(_FLAGS, bool | None)}

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    option = typer.Option(
        f"--{_kebab(name)}", metavar=metavar, help=description, show_default=usual or False,
        autocompletion=complete if choices else None,
    )  # fmt: skip
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kinds.get(name, str | None), option]
    )


def _app_of_add() -> typer.Typer:
    sections = _options_of_add()
    parameters = inspect.signature(add, eval_str=True).parameters.values()
    own = [parameter for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    options = (option for options in sections.values() for option in options)
    add.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]  # what Typer is to read
    headings = {title: [option.name for option in options] for title, options in sections.items()}
    app = new_app()
    command(app, vendor=False, sections=headings, examples=(_ADD, _ADD_BY_COMMAND))(add)
    return app


add_command(app, "add", _app_of_add)

"""``smscli profile add``: from options, questions and a pipe to a table of the profile file."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smscli import profiles, providers
from smscli.cli import inputs, prompts
from smscli.cli.editing import ADD, change, filled, missing_secrets
from smscli.cli.invocation import Invocation
from smscli.cli.options import command, new_app, provider_option
from smscli.cli.resolved import flaws
from smscli.errors import InputError
from smscli.model import Field, Profile, Secret
from smscli.render import Result
from smscli.runtime import Runtime

if TYPE_CHECKING:
    from smscli.providers import Provider

_ADD_BY_COMMAND = "smscli profile add work --provider lightsms --login YourLogin --api-key-command 'pass show lightsms'"

_FLAGS = ("sandbox", "store_text")


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
    if keyring and not missing_secrets(vendor, options):
        raise InputError("nothing is left for the keyring", hint="leave out --keyring, or what else gives the secret")
    secrets = _secrets(call.runtime, vendor, options)
    start = {"provider": vendor.name, **secrets}
    profile = profiles.resolve(profiles.Document("", {name: start}), named=name, options=options, environ={})
    for problem in flaws(profile):
        raise InputError(problem)

    table = _table(profile)
    if keyring:
        table = {key: value for key, value in table.items() if key not in secrets}

    def put_in(document: profiles.Document) -> profiles.Document:
        return profiles.add(document, name, table, make_default=default or not document.tables)

    around = filled(profiles.Keyring(call.runtime.environ), name, secrets) if keyring else None
    notes = [f"the keyring has {name}/{field}" for field in secrets if keyring]
    notes += [f"base_url is {profile.base_url}"] if "base_url" in options else []
    return change(call, put_in, name, f"is added to {where}", notes, around)


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
    missing = missing_secrets(vendor, options)
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


def application() -> typer.Typer:
    """Return the command's own application: it takes an option for each field of every vendor."""
    sections = _options_of_add()
    parameters = inspect.signature(add, eval_str=True).parameters.values()
    own = [parameter for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    options = (option for options in sections.values() for option in options)
    add.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]  # what Typer is to read
    headings = {title: [option.name for option in options] for title, options in sections.items()}
    app = new_app()
    command(app, vendor=False, sections=headings, examples=(ADD, _ADD_BY_COMMAND))(add)
    return app

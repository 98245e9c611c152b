"""The options that mean the same everywhere, and how a function becomes a command that takes them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import Annotated, Any

import typer
import typer.core

from smscli import providers
from smscli.cli.invocation import Invocation
from smscli.cli.parsing import Command, Group
from smscli.errors import InputError
from smscli.model import visible
from smscli.render import Output, Result
from smscli.runtime import DEFAULT_SECONDS, Runtime, Wanted, real

COMPLETE = "_SMSCLI_COMPLETE"
"""The variable by which a shell asks for completions."""


def complete_profile(incomplete: str) -> list[str]:
    """Return the profile names that begin so; a file that cannot be read completes to nothing."""
    from smscli import profiles

    return [name for name in profiles.names(real().environ) if name.startswith(incomplete)]


def _complete_provider(incomplete: str) -> list[str]:
    return [name for name in providers.names() if name.startswith(incomplete)]


def profile_option(about: str) -> Any:
    """Return the option that names a profile."""
    return typer.Option("--profile", "-p", metavar="NAME", help=about, autocompletion=complete_profile)


def provider_option(about: str) -> Any:
    """Return the option that names a vendor."""
    return typer.Option("--provider", metavar="NAME", help=about, autocompletion=_complete_provider)


def _time(most: float) -> Callable[[str], float]:
    """Return a parser of seconds, 0.1 to ``most``, alone or as a length of time; what is no number is in no range."""

    def parse(text: str) -> float:
        try:
            number = seconds("--timeout", text) if text[-1:] in _UNITS else float(text)
        except (InputError, ValueError):
            raise typer.BadParameter(f"{visible(text)!r} is not a time: write 30, 30s or 5m") from None
        if not 0.1 <= number <= most:
            raise typer.BadParameter(f"{visible(text)} is not between 0.1 and {most:g} seconds")
        return number

    return parse


_Shared = Mapping[str, tuple[Any, Any]]
"""Options by the name of their value: annotation and default."""

_PRESENTATION: _Shared = {
    "output": (
        Annotated[
            Output | None,
            typer.Option(
                "--output", "-o", metavar="FORMAT", help="Format of stdout: table on a terminal, plain in a pipe."
            ),
        ],
        None,
    ),
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="No notes on stderr.")], False),
    "verbose": (
        Annotated[
            int,
            typer.Option(
                "--verbose", "-v", count=True, show_default=False, help="Say on stderr what is done; twice: in detail."
            ),
        ],
        0,
    ),
}


def _timeout(usual: float, each: str, most: float = 600) -> Any:
    return Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="TIME",
            parser=_time(most),
            show_default=f"{usual:g}",
            help=f"Seconds (or 5m) that {each} may take, retries included.",
        ),
    ]


_VENDOR: _Shared = {
    "profile": (Annotated[str | None, profile_option("Profile of the profile file.")], None),
    "provider": (Annotated[str | None, provider_option("Vendor, when no profile names it.")], None),
    "sandbox": (
        Annotated[bool, typer.Option("--sandbox", help="Talk to the built-in emulator: no account, no network.")],
        False,
    ),
    "timeout": (_timeout(DEFAULT_SECONDS, "one call to the vendor"), None),
}


def command(
    app: typer.Typer,
    name: str | None = None,
    *,
    vendor: bool = True,
    timeout: tuple[float, str, float] | None = None,
    examples: Sequence[str],
    sections: Mapping[str, Sequence[str]] = MappingProxyType({}),
    appendix: Callable[[], Mapping[str, list[tuple[str, str]]]] | None = None,
    reads_on: bool = True,
) -> Callable[[Callable[..., Result | int]], Callable[..., Result | int]]:
    """Register a function as a command that also takes the options every command has.

    Without a ``name`` it is the function's. The function gets the ``Invocation`` first, then its own parameters, and
    returns a ``Result``, or the status alone when it has shown all there is. ``vendor`` False leaves out the options
    about the account; ``timeout``: what --timeout bounds where that is not one call, usually to how many seconds
    (first), and to how many at most (last). ``examples`` are command lines that work as they stand, one after the
    other; ``sections`` names the parameters under each heading of the help page, and ``appendix`` gives what else
    stands there under a heading, term and text each, when somebody asks for the page. ``reads_on`` False: behind the
    first word that is no option, none is.
    """
    common = {**(_VENDOR if vendor else {}), **_PRESENTATION}
    if timeout:
        common["timeout"] = _timeout(*timeout), None
        _entitle("Account", [common["timeout"][0]])

    def register(app: typer.Typer, function: Callable[..., Result | int]) -> typer.Typer:
        @wraps(function)
        def run(ctx: typer.Context, **values: Any) -> Result | int:
            call: Invocation = ctx.obj
            given = {option: values.pop(option) for option in common}
            call.speak(ctx)
            _refuse_format(given["output"], call.runtime)
            call.quiet = given["quiet"]
            call.follow(given["verbose"])
            if vendor:
                call.wanted = Wanted(given["profile"], given["provider"], given["sandbox"], given["timeout"])
            return function(call, **values)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        for title, names in sections.items():
            _entitle(title, [parameter.annotation for parameter in own if parameter.name in names])
        context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        keywords = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in own]
        run.__signature__ = inspect.Signature([context, *keywords, *_parameters(common)])  # type: ignore[attr-defined]  # what Typer reads
        run.__annotations__ = {}
        run.appendix = appendix  # type: ignore[attr-defined]  # what ``help`` reads
        settings = {"allow_interspersed_args": reads_on}
        app.command(name, cls=Command, epilog="\n".join(examples), context_settings=settings)(run)
        return app

    def decorate(function: Callable[..., Result | int]) -> Callable[..., Result | int]:
        if app.registered_callback:
            add_command(app, name or function.__name__, lambda: register(new_app(), function))
        else:
            register(app, function)
        return function

    return decorate


def new_app() -> typer.Typer:
    """Return the Typer application of one command module: plain help, no installer, no pretty tracebacks."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def new_group(
    about: str, *, examples: Sequence[str], cls: type[Group] = Group, own: _Shared = MappingProxyType({})
) -> typer.Typer:
    """Return the application of a group of commands; before a command it takes the options that every command has.

    ``cls`` is the kind of the group, which gets the commands of this application alone. ``own`` are options of its own
    that stand for themselves (a version).
    """

    def callback(**_values: Any) -> None:
        """Leave what was read to the command."""

    callback.__signature__ = inspect.Signature(_parameters({**own, **_VENDOR, **_PRESENTATION}))  # type: ignore[attr-defined]  # what Typer reads
    app = new_app()
    app.callback(cls=type(cls.__name__, (cls,), {}), help=about, epilog="\n".join(examples))(callback)
    return app


def add_command(app: typer.Typer, name: str, make: Callable[[], typer.Typer]) -> None:
    """Put a command into the application of a group; ``make`` returns its own application when it is asked for."""
    group: Any = app.registered_callback
    group.cls.apps = {**group.cls.apps, name: make}


def _parameters(options: _Shared) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]


def _entitle(title: str, annotations: Iterable[Any]) -> None:
    """Put options under a heading of the help page, which Typer calls a panel."""
    for annotation in annotations:
        for option in annotation.__metadata__:
            option.rich_help_panel = title


_entitle("Account", [annotation for annotation, _ in _VENDOR.values()])
_entitle("Output", [annotation for annotation, _ in _PRESENTATION.values()])


def _refuse_format(given: Output | None, runtime: Runtime) -> None:
    if given is None and runtime.environ.get("SMSCLI_OUTPUT", "") not in {"", *Output}:
        raise InputError("SMSCLI_OUTPUT is not a format", hint=f"formats: {', '.join(Output)}")


def seconds(option: str, text: str) -> float:
    """Return the seconds that ``90s``, ``30m``, ``1h`` or ``7d`` mean; raise InputError naming the option otherwise."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]+)?)([smhd])", text)
    if match is None:
        raise InputError(f"{option} {text!r} is not a length of time", hint="write it like 90s, 30m, 1h or 7d")
    return float(match[1]) * _UNITS[match[2]]


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

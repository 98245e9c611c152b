"""The options that mean the same everywhere, and the decorator that gives them to a command."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smscli import providers
from smscli.errors import ExitCode, InputError
from smscli.render import Output, Result
from smscli.runtime import Interruption, Runtime, Wanted, real

if TYPE_CHECKING:
    from smscli.dispatch import Caller
    from smscli.model import Account, Profile
    from smscli.providers import Provider


class Invocation:
    """One run of the program: the outside world, and what the options that every command has asked for.

    ``show`` puts a result out at once, for a command that goes on after it; ``write_note`` a line on stderr.
    """

    def __init__(
        self, runtime: Runtime, output: Output, command: str, show: Callable[[Result], None],
        write_note: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.runtime = runtime
        self.output = output
        self.command = command
        self.show = show
        self._write_note = write_note
        self.quiet = False
        self.verbose = 0
        self.wanted = Wanted()
        self.notes: list[str] = []

    def tell(self, note: str) -> None:
        """Put a note out at once: it has to be read before what comes next."""
        if not self.quiet:
            self._write_note(note)

    def trace(self, line: str) -> None:
        """Keep a line for stderr."""
        self.notes.append(line)

    @contextmanager
    def caller(
        self, profile: Profile, account: Account, interruption: Interruption | None = None
    ) -> Iterator[tuple[Provider, Caller]]:
        """Open the way to the profile's vendor."""
        trace = self.trace if self.verbose else None
        with self.runtime.caller(
            self.wanted, profile, account, interruption=interruption, trace=trace
        ) as (provider, caller):  # fmt: skip
            yield provider, caller


def complete_profile(incomplete: str) -> list[str]:
    """Return the profile names that begin so; a file that cannot be read completes to nothing."""
    from smscli import profiles

    return [name for name in profiles.names(real().environ) if name.startswith(incomplete)]


def complete_provider(incomplete: str) -> list[str]:
    """Return the vendor names that begin so."""
    return [name for name in providers.names() if name.startswith(incomplete)]


def _refuse_nan(number: float | None) -> float | None:
    # It is neither below the least nor above the most, and no clock ever reaches it.
    if number is not None and isnan(number):
        raise typer.BadParameter("nan is no number of seconds")
    return number


_PRESENTATION: dict[str, tuple[Any, Any]] = {
    "output": (
        Annotated[
            Output | None,
            typer.Option(
                "--output",
                "-o",
                metavar="table|plain|json|xml",
                help="Format of stdout: table on a terminal, plain in a pipe.",
            ),
        ],
        None,
    ),
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="No notes on stderr.")], False),
    "verbose": (
        Annotated[
            int,
            typer.Option(
                "--verbose", "-v", count=True, show_default=False, help="Say on stderr what is asked and answered."
            ),
        ],
        0,
    ),
}
_VENDOR: dict[str, tuple[Any, Any]] = {
    "profile": (
        Annotated[
            str | None,
            typer.Option(
                "--profile", "-p", metavar="NAME", help="Profile of the profile file.", autocompletion=complete_profile
            ),
        ],
        None,
    ),
    "provider": (
        Annotated[
            str | None,
            typer.Option(
                "--provider", metavar="NAME", help="Vendor, when no profile names it.", autocompletion=complete_provider
            ),
        ],
        None,
    ),
    "sandbox": (
        Annotated[bool, typer.Option("--sandbox", help="Talk to the built-in emulator: no account, no network.")],
        False,
    ),
    "timeout": (
        Annotated[
            float | None,
            typer.Option(
                "--timeout",
                metavar="SECONDS",
                callback=_refuse_nan,
                min=0.1,
                max=600,
                show_default=False,
                help="Seconds one call to the vendor may take, retries included (30).",
            ),
        ],
        None,
    ),
}


def command(
    app: typer.Typer, name: str | None = None, *, vendor: bool = True
) -> Callable[[Callable[..., Result | ExitCode]], Callable[..., Result | ExitCode]]:
    """Register a function as a command that also takes the options every command has.

    The function gets the ``Invocation`` first, then its own parameters, and returns a ``Result``, or the status alone
    when it has shown all there is. ``vendor`` False leaves out the options about the account.
    """
    common = {**(_VENDOR if vendor else {}), **_PRESENTATION}

    def decorate(function: Callable[..., Result | ExitCode]) -> Callable[..., Result | ExitCode]:
        @wraps(function)
        def run(ctx: typer.Context, **values: Any) -> Result | ExitCode:
            call: Invocation = ctx.obj
            given = {option: values.pop(option) for option in common}
            call.command = ctx.command_path.removeprefix("smscli ")
            call.output = given["output"] or call.output
            call.quiet = given["quiet"]
            call.verbose = given["verbose"]
            if vendor:
                call.wanted = Wanted(given["profile"], given["provider"], given["sandbox"], given["timeout"])
            return function(call, **values)

        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        shared = [
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for option, (annotation, default) in common.items()
        ]
        context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        run.__signature__ = inspect.Signature([context, *(p.replace(kind=p.KEYWORD_ONLY) for p in own), *shared])  # type: ignore[attr-defined]  # what Typer reads
        run.__annotations__ = {}
        app.command(name)(run)
        return run

    return decorate


def new_app() -> typer.Typer:
    """Return the Typer application of one command module: plain help, no installer, no pretty tracebacks."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def seconds(option: str, text: str) -> float:
    """Return the seconds that ``90s``, ``30m``, ``1h`` or ``7d`` mean; raise InputError naming the option otherwise."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]+)?)([smhd])", text)
    if match is None:
        raise InputError(f"{option} {text!r} is not a length of time", hint="write it like 90s, 30m, 1h or 7d")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]

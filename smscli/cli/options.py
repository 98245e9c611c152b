"""How a command line is read: the options that mean the same everywhere, and the classes that parse them.

A command and a group are Typer's own but for three things: an option of every command may stand before the command, a
reading may forgive (``FORGIVING``), and help is a page of ``smscli.cli.help``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from smscli import providers
from smscli.errors import InputError, SmscliError
from smscli.interruption import Interruption
from smscli.model import visible
from smscli.render import Output, Result, explain
from smscli.runtime import DEFAULT_SECONDS, Runtime, Wanted, real

if TYPE_CHECKING:
    # What Typer calls a command at run time; the names are its own.
    from typer._click.core import Command as AnyCommand
    from typer._click.core import Context

    _Mixed = AnyCommand

    from smscli.dispatch import Caller
    from smscli.model import Account, Profile, Secret
    from smscli.providers import Provider
    from smscli.tracing import Trace
else:
    _Mixed = object


PROGRAM = "smscli"
COMPLETE = "_SMSCLI_COMPLETE"
"""The variable by which a shell asks for completions."""
HELP = "help"
"""The word that asks for the page of the command behind it."""
FORGIVING: dict[str, Any] = {"resilient_parsing": True, "ignore_unknown_options": True}
"""Settings of a context that is to be read as far as it goes: nothing is refused, asked, printed or done."""


class Invocation:
    """One run of the program: the outside world, and what the options that every command has asked for.

    ``show`` puts a result out at once, for a command that goes on after it; ``write_note`` a line on stderr. What a
    command enters into ``resources`` stays open until its result is written.
    """

    def __init__(
        self, runtime: Runtime, show: Callable[[Result], None], write_note: Callable[[str], None]
    ) -> None:  # fmt: skip
        self.runtime = runtime
        self.path = PROGRAM
        self.output = usual_output(runtime)
        self.show = show
        self._write_note = write_note
        self.quiet = False
        self.trace: Trace | None = None
        self.wanted = Wanted()
        self.resources = ExitStack()
        self._doubted: set[Secret] = set()

    @property
    def command(self) -> str:
        """The command's own words: ``profile add``."""
        return self.path.removeprefix(f"{PROGRAM} ")

    def speak(self, context: Context) -> None:
        """Take from a context, read or forgiven, which command it is and in which format its result is wanted."""
        self.path = context.command_path
        named = context.params.get("output")
        self.output = Output(named) if named else usual_output(self.runtime)

    def tell(self, note: str) -> None:
        """Put a note out at once: it has to be read before what comes next."""
        if not self.quiet:
            self._write_note(note)

    def complain(self, error: SmscliError) -> None:
        """Put an error out at once, also with -q: the command goes on and keeps its status."""
        for line in explain(error).removeprefix(f"{PROGRAM}: ").splitlines():
            self._write_note(line.strip())

    def warn(self, note: str) -> None:
        """Put a note out at once, also where notes are not wanted: something is lost."""
        self._write_note(note)

    def follow(self, level: int) -> None:
        """Put out on stderr what is done from now on, in more detail from level 2 on."""
        if level:
            from smscli.tracing import Trace  # only who wants to see it pays for it

            self.trace = Trace(self._write_note, self.runtime.monotonic, level)

    def caller(
        self, profile: Profile, account: Account, interruption: Interruption | None = None
    ) -> AbstractContextManager[tuple[Provider, Caller]]:
        """Open the way to the profile's vendor."""
        self._say_whose(profile, account)
        return self.runtime.caller(self.wanted, profile, account, interruption=interruption, trace=self.trace)

    def callers(
        self, profile: Profile, account: Account, count: int, interruption: Interruption, notice: Callable[[], str]
    ) -> AbstractContextManager[tuple[Provider, tuple[Caller, ...]]]:
        """Open as many ways to the profile's vendor; ``notice`` answers a signal."""
        self._say_whose(profile, account)
        return self.runtime.callers(
            self.wanted, profile, account, count, interruption=interruption, trace=self.trace, notice=notice
        )

    def parties(
        self, parties: Sequence[tuple[Profile, Account]], interruption: Interruption,
        notice: Callable[[], str] | None = None,
    ) -> AbstractContextManager[tuple[Caller, ...]]:  # fmt: skip
        """Open a way to the vendor of each profile; ``notice`` answers a signal."""
        for profile, account in parties:
            self._say_whose(profile, account)
        return self.runtime.parties(self.wanted, parties, interruption=interruption, trace=self.trace, notice=notice)

    def _say_whose(self, profile: Profile, account: Account) -> None:
        from smscli import profiles

        doubt = profiles.doubt(account.secret)
        if doubt and account.secret not in self._doubted:  # once, however often it is asked after its send
            self._doubted.add(account.secret)
            self.tell(f"warning: {doubt}")
        if self.trace:
            whose = profile.name or ("the sandbox's" if profile.sandbox else "the environment's")
            self.trace(f"account: {whose}, {profile.provider}, {len(profile.sources)} values")


def usual_output(runtime: Runtime) -> Output:
    """Return the format of a command line that names none; a variable that names none either is told by a command."""
    named = runtime.environ.get("SMSCLI_OUTPUT", "")
    if named in set(Output):
        return Output(named)
    return Output.TABLE if runtime.is_terminal(runtime.stdout) else Output.PLAIN


# --- how words are read -----------------------------------------------------------------------------------------------


class _Reader(_Mixed):
    """What a command and a group have in common."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Context | None = None, **extra: Any
    ) -> Context:
        """Read the words; below a forgiving context forgive as well, and let the invocation hear what was read."""
        if parent is not None and parent.resilient_parsing:
            extra |= FORGIVING
        forgiving = extra.get("ignore_unknown_options", False)
        context = super().make_context(info_name, self._tidy(args) if forgiving else args, parent, **extra)
        if forgiving:
            context.obj.speak(context)
        return context

    def get_help(self, ctx: Context) -> str:
        """Return the page of the command."""
        from smscli.cli import help as pages

        return pages.page(ctx)

    def _tidy(self, args: Sequence[str]) -> list[str]:
        """Return the words without values given to a flag, which no forgiving makes the parser pass over."""
        flags = {
            name
            for option in self.params
            if isinstance(option, typer.core.TyperOption) and option.is_flag
            for name in (*option.opts, *option.secondary_opts)
        }
        heads = [word.partition("=")[0] for word in args]
        return [head if head in flags else word for head, word in zip(heads, args, strict=True)]


class Command(_Reader, typer.core.TyperCommand):
    """One command."""

    def invoke(self, ctx: Context) -> Any:
        """Do it, unless the reading only forgives."""
        return None if ctx.resilient_parsing else super().invoke(ctx)


class Group(_Reader, typer.core.TyperGroup):
    """A group of commands: what stands before a command's name is read as if it stood behind it.

    ``apps`` makes the application of each command when it is asked for: most are not.
    """

    apps: Mapping[str, Callable[[], typer.Typer]] = MappingProxyType({})

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002  (Typer's signature)
        """Return the names of the commands, in the order in which they are written."""
        return list(self.apps)

    def get_command(self, ctx: Context, cmd_name: str) -> AnyCommand | None:  # noqa: ARG002  (Typer's signature)
        """Return a command by its name."""
        if cmd_name in self.apps and cmd_name not in self.commands:
            self.commands[cmd_name] = typer.main.get_command(self.apps[cmd_name]())
            self.commands[cmd_name].name = cmd_name
        return self.commands.get(cmd_name)

    def line(self, ctx: Context, name: str) -> str:
        """Return the one line that says what a command does."""
        subcommand = self.get_command(ctx, name)
        return (subcommand.help or "").partition("\n")[0] if subcommand else ""

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, AnyCommand | None, list[str]]:
        """Return the command that the first word names, and the words behind it, those before it in front."""
        first, rest = args[0], args[1:]
        if first == HELP and rest:
            name, subcommand, words = self.resolve_command(ctx, rest)
            return name, subcommand, [*words, "--help"]
        if first == HELP and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            ctx.exit()
        if ctx.ignore_unknown_options and self.get_command(ctx, first) is None:
            # Nobody's words: the options of every command are still to be heard.
            words = [*_moved(ctx), *rest]
            self.make_context(ctx.info_name, words, ctx.parent, obj=ctx.obj, allow_interspersed_args=True, **FORGIVING)
            ctx.fail("there is no such command")
        if not ctx.resilient_parsing and not first.startswith("-") and self.get_command(ctx, first) is None:
            raise self._no_command(ctx, first)
        name, subcommand, words = super().resolve_command(ctx, args)
        return name, subcommand, [*_moved(ctx), *words]

    def _no_command(self, ctx: Context, name: str) -> InputError:
        from difflib import get_close_matches  # only for those who mistyped

        names = self.list_commands(ctx)
        nearest = get_close_matches(name, names)
        hint = f"did you mean {nearest[0]}?" if nearest else f"commands: {', '.join(names)}"
        return InputError(f"there is no command {name!r}", hint=hint)


def _moved(context: Context) -> Iterator[str]:
    """Yield the options of a group as words that its command reads: the last one of a kind wins there."""
    for option in context.command.params:
        value = context.params.get(option.name or "")
        name = max(option.opts, key=len)
        if isinstance(value, int):  # a flag, or how often it was given
            yield from [name] * value
        elif value is not None:
            yield f"{name}={value}"


# --- options of every command -----------------------------------------------------------------------------------------


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

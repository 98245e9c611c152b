"""argv to use case and back: the command group, loaded piece by piece, and the one boundary where errors end.

Only this package knows Typer. A command module is imported when its command is called.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
import typer.core
import typer.main

from smscli import __version__
from smscli.cli.options import Invocation, new_app
from smscli.errors import InputError, SmscliError
from smscli.model import visible
from smscli.render import Output, Result, explain, failure, render
from smscli.runtime import SIGNALS, Runtime, real

if TYPE_CHECKING:
    # What Typer calls a command at run time; the names are its own.
    from typer._click.core import Command, Context

COMMANDS = {
    "send": "Send a text to one or many numbers.",
    "balance": "Show what is left on the account.",
    "sign": "Compute, explain and diagnose a request signature, offline.",
    "timestamp": "Show the vendor's clock and how far the local clock is off.",
    "profile": "Keep the accounts: list, show, add, use, remove, check, path.",
    "journal": "Look at what was sent, refused, not sent or is unknown.",
    "sandbox": "Serve an emulator of all vendors on this machine.",
    "completion": "Print the completion script of a shell.",
}
"""Command names with their help line: the group's help needs no command module. A test holds them together."""

_COMPLETE = "_SMSCLI_COMPLETE"


class _Commands(typer.core.TyperGroup):
    """The group: it knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002  (Typer's signature)
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002  (Typer's signature)
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            loaded = typer.main.get_command(import_module(f"{__name__}.{cmd_name}").app)
            loaded.name = cmd_name
            loaded.help = loaded.help or COMMANDS[cmd_name]
            self.commands[cmd_name] = loaded
        return self.commands[cmd_name]

    def format_commands(self, ctx: Context, formatter: Any) -> None:  # noqa: ARG002  (Typer's signature)
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: Context, incomplete: str) -> list[Any]:
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from typer._click.shell_completion import CompletionItem

        return [CompletionItem(name, help=line) for name, line in COMMANDS.items() if name.startswith(incomplete)]

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:
        if args[0] in COMMANDS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches  # only for those who mistyped

        nearest = get_close_matches(args[0], COMMANDS)
        hint = f"did you mean {nearest[0]}?" if nearest else f"commands: {', '.join(COMMANDS)}"
        raise InputError(f"there is no command {args[0]!r}", hint=hint)


def main() -> NoReturn:
    """Run the program and exit with its status."""
    status = run(sys.argv[1:], real())
    # The status is decided: a signal that comes while the interpreter tidies up must not replace it.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    # What could not be flushed has been dealt with; the interpreter's own flush must not speak up again.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    sys.exit(status)


def run(argv: Sequence[str], runtime: Runtime) -> int:
    """Run one command line and return its exit status: the one place where an error becomes one."""
    call = Invocation(
        runtime, Output.PLAIN, _command(argv),
        show=lambda result: _emit(result, call),
        write_note=lambda note: _write(runtime.stderr, f"smscli: {visible(note)}\n"),
    )  # fmt: skip
    try:
        call.output = _output(argv, runtime)
        result = _call(argv, call)
    except SmscliError as error:
        result = failure(error)
    except typer.TyperException as error:
        result = failure(InputError(error.format_message(), hint=f"see: {_help(argv)}"))
    except typer.Abort:
        result = Result(exit_code=130)
    except Exception as error:  # noqa: BLE001  (the boundary: a bug must not print values it was working on)
        result = failure(_internal(error))
    if isinstance(result, int):
        return result
    _emit(result, call)
    return int(result.exit_code)


_app = new_app()


def _print_version(ctx: typer.Context, wanted: bool) -> None:
    if wanted:
        _write(ctx.obj.runtime.stdout, f"smscli {__version__}\n")
        raise typer.Exit


@_app.callback(cls=_Commands)
def _smscli(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Send text messages through vendors with hand-made request signatures, and see those signatures."""


def _call(argv: Sequence[str], call: Invocation) -> Result | int:
    group = typer.main.get_command(_app)
    if call.runtime.environ.get(_COMPLETE):
        from typer import completion

        completion.completion_init()  # type: ignore[attr-defined]  # there, though not re-exported
    # Typer prints help and completions by itself, and takes a full disk or a closed pipe for a failure.
    printed = StringIO()
    try:
        with redirect_stdout(printed):
            result: Result | int = group.main(
                args=list(argv) or ["--help"],
                prog_name="smscli",
                complete_var=_COMPLETE,
                standalone_mode=False,
                obj=call,
            )
    finally:
        _write(call.runtime.stdout, printed.getvalue())
    return result


def _command(argv: Sequence[str]) -> str:
    return next((word for word in argv if word in COMMANDS), "smscli")


def _help(argv: Sequence[str]) -> str:
    return " ".join(["smscli", *[word for word in argv if word in COMMANDS][:1], "--help"])


def _output(argv: Sequence[str], runtime: Runtime) -> Output:
    """Return the format that a command line wants, also of one that Typer will refuse."""
    wanted = runtime.environ.get("SMSCLI_OUTPUT", "")
    words = [*argv[: list(argv).index("--")]] if "--" in argv else list(argv)
    for word, following in zip(words, [*words, ""][1:], strict=True):
        if word in ("-o", "--output"):
            wanted = following
        elif word.startswith("--output="):
            wanted = word.removeprefix("--output=")
        elif word.startswith("-o") and not word.startswith("--"):
            wanted = word.removeprefix("-o")
    if wanted in set(Output):
        return Output(wanted)
    if runtime.environ.get("SMSCLI_OUTPUT", "") not in {"", *Output}:
        raise InputError("SMSCLI_OUTPUT is not a format", hint=f"formats: {', '.join(Output)}")
    return Output.TABLE if runtime.is_terminal(runtime.stdout) else Output.PLAIN


def _internal(error: Exception) -> SmscliError:
    """Return a bug as an error: where it happened, without its message (that may hold a secret)."""
    frames: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{os.path.basename(code.co_filename)}:{trace.tb_lineno} in {code.co_name}")  # noqa: PTH119
        trace = trace.tb_next
    return SmscliError(
        f"internal error: {type(error).__name__}",
        hint="this is a bug in smscli; please report it with the lines above",
        problems=frames[-6:],
    )


# --- the only writes to stdout and stderr -----------------------------------------------------------------------------


def _emit(result: Result, call: Invocation) -> None:
    runtime = call.runtime
    text = render(result, call.command, call.output, width=_width(runtime), colour=_colour(runtime))
    _write(runtime.stdout, text)
    notes = "".join(f"{line}\n" for line in call.notes)
    if not call.quiet:
        notes += "".join(f"smscli: {note}\n" for note in result.notes)
    _write(runtime.stderr, notes + (explain(result.error) if result.error else ""))


def _write(stream: TextIO | None, text: str) -> None:
    """Write all of the text, or give up quietly: what was sent is not undone by a full disk or a closed pipe."""
    if stream is None or not text:
        return
    try:
        data = text.encode(stream.encoding or "ascii", "backslashreplace")
        stream.buffer.write(data)
        stream.buffer.flush()
    except (OSError, ValueError):
        # The buffer still holds what could not be written; without a place to go it would fail again at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _width(runtime: Runtime) -> int:
    columns = runtime.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return int(columns)
    with suppress(OSError, ValueError, AttributeError):
        return os.get_terminal_size(runtime.stdout.fileno()).columns or 80  # type: ignore[union-attr]  # None is suppressed
    return 80


def _colour(runtime: Runtime) -> int:
    """Follow NO_COLOR (no-color.org), FORCE_COLOR and TERM=dumb; otherwise colour a terminal, in as many as it has."""
    environ = runtime.environ
    term = environ.get("TERM", "")
    wanted = environ.get("FORCE_COLOR") or (runtime.is_terminal(runtime.stdout) and term != "dumb")
    if environ.get("NO_COLOR") or not wanted:
        return 0
    return 256 if "256color" in term or environ.get("COLORTERM") else 16

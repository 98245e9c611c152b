"""argv to use case and back: the command group, loaded piece by piece, and the one boundary where errors end.

Only this package knows Typer. A command module is imported when its command is called.
"""

from __future__ import annotations

import errno
import gc
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout, suppress
from functools import cache, partial
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
import typer.core
import typer.main

from smscli import __version__, plugins
from smscli.cli.invocation import PROGRAM, Invocation
from smscli.cli.options import COMPLETE, add_command, new_group
from smscli.cli.parsing import FORGIVING, HELP, Group
from smscli.errors import ConfigError, InputError, SmscliError
from smscli.interruption import SIGNALS
from smscli.model import visible
from smscli.render import Output, Result, explain, failure, pieces
from smscli.runtime import Runtime, real

if TYPE_CHECKING:
    # What Typer calls a command at run time; the names are its own.
    from typer._click.core import Command, Context

COMMANDS = {
    "send": "Send a text to one or many numbers.",
    "run": "Run a command and text how it ended.",
    "status": "Show whether messages were delivered.",
    "bulk": "Send to a list of people, once each.",
    "count": "Count the parts of a text and show what makes it dear, offline.",
    "balance": "Show what is left on the account, or on all of them.",
    "sign": "Compute, explain and diagnose a request signature, offline.",
    "timestamp": "Show the vendor's clock and how far the local clock is off.",
    "profile": "Keep the accounts: list, show, add, use, remove, check, path.",
    "journal": "Look at what was sent, refused, not sent or is unknown.",
    "doctor": "Check all that a send needs: settings, journal, network, clocks, account.",
    "sandbox": "Serve an emulator of all vendors on this machine.",
    "completion": "Print the completion script of a shell, or install it.",
}
"""Command names with their help line: the group's help needs no command module. A test holds them together."""

_MODULES = {"run": "running"}
"""Where a command's module has another name than the command: here, ``run`` is a function."""
_CHUNK = 100
"""Pieces of a text that are written together."""
_FEW_FILES = 16
"""Descriptors; with as many nothing here has been seen to fail."""


class _Commands(Group):
    """The group of all: it knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002  (Typer's signature)
        return [*COMMANDS, HELP]

    def line(self, ctx: Context, name: str) -> str:  # noqa: ARG002  (the group's signature)
        return COMMANDS.get(name, "Show the help of a command.")

    def shell_complete(self, ctx: Context, incomplete: str) -> list[Any]:
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from typer._click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [CompletionItem(name, help=self.line(ctx, name)) for name in names]


def module(command: str) -> Any:
    """Import the module of a command and return it."""
    return import_module(f"{__name__}.{_MODULES.get(command, command)}")


def main() -> NoReturn:
    """Run the program and exit with its status."""
    status = run(sys.argv[1:], real())
    if status < 0:
        _end_by(-status)
    # The status is decided: a signal that comes while the interpreter tidies up must not replace it.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    # What could not be flushed has been dealt with; the interpreter's own flush must not speak up again.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    gc.freeze()  # what is left goes with the process: looking through all of it takes as long as a TLS handshake
    if os.environ.get("PYTHONINSPECT"):
        # The interpreter would take SystemExit for an error, and a terminal for somebody who wants a prompt.
        os._exit(status)
    sys.exit(status)


def _end_by(number: int) -> NoReturn:
    """End by a signal, as the command of ``run`` did: who started us may look at more than the status."""
    if sys.platform == "win32":  # where nothing is run
        os._exit(128 + number)
    import resource

    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))  # the core that tells anything is the command's
    with suppress(OSError):  # SIGKILL has no handler
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # one that ends nobody


def run(argv: Sequence[str], runtime: Runtime) -> int:
    """Run one command line and return its exit status: the one place where an error becomes one.

    Minus the number of a signal: the command that was run ended by it.
    """
    call = Invocation(runtime, show=lambda result: _show(result, call), write_note=lambda note: _note(runtime, note))
    with call.resources:
        try:
            result = _call(argv, call)
        except SmscliError as error:
            result = failure(error)
        except typer.Abort:
            result = Result(exit_code=130)
        except Exception as error:  # noqa: BLE001  (the boundary: a bug must not print values it was working on)
            result = failure(unforeseen(error))
        return result if isinstance(result, int) else _emit(result, call)


def _print_version(ctx: typer.Context, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _application(command: str) -> typer.Typer:
    application: typer.Typer = module(command).app
    return application


_version = typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
_app = new_group(
    "Send text messages through vendors with hand-made request signatures, and see those signatures.",
    cls=_Commands,
    own={"version": (Annotated[bool, _version], False)},
    examples=('smscli send --sandbox --to +37061234567 "Hello"', "smscli help send"),
)
for _name in COMMANDS:
    add_command(_app, _name, partial(_application, _name))


@cache
def tree() -> Command:
    """Return Typer's tree of the commands: it holds nothing of a call, and takes longer to make than most calls."""
    return typer.main.get_command(_app)


def _call(argv: Sequence[str], call: Invocation) -> Result | int:
    group = tree()
    try:
        _refuse_bytes(argv)
        return _speak(group, argv, call)
    except typer.TyperException as error:
        _understand(group, argv, call)
        message = error.format_message()
        if typed := re.match(r"No such option: (--[a-z-]*(?:key|secret|password|token))(?![\w-])", message):
            if typed[1] == "--key" and call.path.startswith(f"{PROGRAM} journal"):  # that of a send, and no secret
                raise InputError(message, hint=f"a KEY stands alone: {PROGRAM} journal show KEY") from None
            # What looks like it (`--key`) would put the secret into the journal.
            raise InputError(
                f"{typed[1]}: no option takes a secret, which others could see among the processes",
                hint="keep it in a profile (smscli profile add NAME), or in the environment",
            ) from None
        raise InputError(message, hint=f"see: {call.path} --help") from None
    except SmscliError:
        if call.path == PROGRAM:  # no command has begun
            _understand(group, argv, call)
        raise


def _speak(group: Command, argv: Sequence[str], call: Invocation) -> Result | int:
    """Have Typer do it, and write what it prints by itself: help, the version, completions."""
    completing = call.runtime.environ.get(COMPLETE)
    if completing:
        _refuse_instruction(completing)
        from typer import completion

        completion.completion_init()  # type: ignore[attr-defined]  # there, though not re-exported
    printed = StringIO()
    try:
        with redirect_stdout(printed):
            result: Result | int = group.main(
                args=list(argv) or ["--help"], prog_name=PROGRAM, complete_var=COMPLETE, standalone_mode=False,
                obj=call, terminal_width=call.runtime.width(call.runtime.stdout),
            )  # fmt: skip
    except SystemExit as end:  # how Typer ends a completion
        result = int(end.code or 0)
    except (KeyError, ValueError):
        if not completing:
            raise
        raise _bad_completion("the shell's variables are missing") from None
    lost = _write(call.runtime.stdout, _harmless(printed.getvalue()))
    if printed.getvalue() and not completing:
        _warn(call)
    if lost:
        raise _incomplete(lost)
    return result


def _understand(group: Command, argv: Sequence[str], call: Invocation) -> None:
    """Find out which command a line means that was refused, and in which format it wants to be told so."""
    with suppress(typer.TyperException):
        group.invoke(group.make_context(PROGRAM, list(argv), obj=call, **FORGIVING))


def _refuse_bytes(argv: Sequence[str]) -> None:
    if "run" in argv and "--" in argv:  # what stands behind is another program's
        argv = argv[: argv.index("--")]
    for number, word in enumerate(argv, 1):
        if not word.isascii() and any("\udc80" <= character <= "\udcff" for character in word):
            raise InputError(f"argument {number} is not UTF-8", hint="convert it: iconv -t UTF-8")


def _refuse_instruction(text: str) -> None:
    action, _, shell = text.partition("_")
    if action not in ("complete", "source") or shell not in ("bash", "zsh", "fish", "powershell", "pwsh"):
        raise _bad_completion(f"{text!r} is no instruction")


def _bad_completion(why: str) -> InputError:
    return InputError(f"{COMPLETE}: {why}", hint=f"only a shell's completion sets it: unset {COMPLETE}")


def _harmless(text: str) -> str:
    """Return lines and their tabs as they are, with the rest made visible: a completed name may hold anything."""
    return "\n".join("\t".join(visible(cell) for cell in line.split("\t")) for line in text.split("\n"))


def unforeseen(error: Exception) -> SmscliError:
    """Return what nobody foresaw in words that may be shown."""
    return _exhausted(error) or _internal(error)


def _exhausted(error: Exception) -> SmscliError | None:
    """Return in words that this process may open no more files, where that is behind the error."""
    by_system = isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)
    # A library that cannot open a file may call that by any name.
    if not by_system and not _has_few_files():
        return None
    return ConfigError("smscli cannot open the files it needs", hint="raise the limit: ulimit -n 256")


def _has_few_files() -> bool:
    if sys.platform == "win32":
        return False
    import resource  # only an end that nobody foresaw pays for it

    return 0 <= resource.getrlimit(resource.RLIMIT_NOFILE)[0] < _FEW_FILES


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


def _emit(result: Result, call: Invocation) -> int:
    """Put a result out and return the exit status. Whatever becomes of the output, what happened has happened."""
    runtime = call.runtime
    lost: SmscliError | None = None
    try:
        text = pieces(
            result,
            call.command,
            call.output,
            width=runtime.width(runtime.stdout),
            colour=runtime.colour(runtime.stdout),
        )
        if unwritten := _write_all(runtime.stdout, text):
            lost = _incomplete(unwritten, settled=result.settled)
    except SmscliError as error:  # of a result that is made while it is written
        lost = error
    except Exception as error:  # noqa: BLE001  (the boundary, for what draws a result)
        lost = _internal(error)
    _warn(call, result.error)
    lines = [f"{PROGRAM}: {note}" for note in result.notes if not call.quiet]
    drawn = result.drawing is not None and call.output is Output.TABLE
    errors = "".join(explain(error, hint=error is lost or not drawn) for error in (result.error, lost) if error)
    # Every line of stderr goes through here, and none of them steers a terminal.
    _write(runtime.stderr, "".join(f"{visible(line)}\n" for line in (*lines, *errors.splitlines())))
    status = int(result.exit_code)
    return int(lost.exit_code) if lost and status == 0 and not result.settled else status


def _note(runtime: Runtime, note: str) -> None:
    _write(runtime.stderr, f"{PROGRAM}: {visible(note)}\n")


def _warn(call: Invocation, error: SmscliError | None = None) -> None:
    """Say what was left out of a list, unless that is the error itself."""
    for warning in plugins.warnings():
        if not call.quiet and (error is None or warning != error.message):
            _note(call.runtime, f"warning: {warning}")


def _show(result: Result, call: Invocation) -> None:
    status = _emit(result, call)
    if status:
        raise typer.Exit(status)


def _write(stream: TextIO | None, text: str) -> OSError | None:
    return _write_all(stream, iter((text,)))


def _write_all(stream: TextIO | None, pieces: Iterator[str]) -> OSError | None:
    """Write all of a text; return what kept some of it away. A closed pipe or stream is none: nobody listens.

    Behind the first that could not be written no piece is asked for.
    """
    if stream is None:
        return None
    for chunk in filter(None, _chunks(pieces)):
        try:
            stream.buffer.write(chunk.encode(stream.encoding or "ascii", "backslashreplace"))
            stream.buffer.flush()
        except (OSError, ValueError) as error:
            # The buffer still holds what could not be written; without a place to go it would fail again at exit.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            return error if isinstance(error, OSError) and not isinstance(error, BrokenPipeError) else None
    return None


def _chunks(pieces: Iterator[str]) -> Iterator[str]:
    """Yield a text in larger pieces; what came before an error comes before it."""
    chunk: list[str] = []
    try:
        for piece in pieces:
            chunk.append(piece)
            if len(chunk) == _CHUNK:
                yield "".join(chunk)
                chunk = []
    except Exception:
        yield "".join(chunk)
        raise
    yield "".join(chunk)


def _incomplete(error: OSError, *, settled: bool = False) -> ConfigError:
    hint = "what was done stands, and the exit status tells it: do not run it again for the output" if settled else None
    return ConfigError(f"stdout: {error.strerror}; the output is not complete", hint=hint)

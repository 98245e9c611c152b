"""How a command line is read: a command and a group are Typer's own but for three things.

An option of every command may stand before the command, a reading may forgive (``FORGIVING``), and help is a page of
``smscli.cli.help``. A group makes a command when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer
import typer.core

from smscli.errors import InputError

if TYPE_CHECKING:
    # What Typer calls a command at run time; the names are its own.
    from typer._click.core import Command as AnyCommand
    from typer._click.core import Context

    _Mixed = AnyCommand
else:
    _Mixed = object

HELP = "help"
"""The word that asks for the page of the command behind it."""
FORGIVING: dict[str, Any] = {"resilient_parsing": True, "ignore_unknown_options": True}
"""Settings of a context that is to be read as far as it goes: nothing is refused, asked, printed or done."""


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

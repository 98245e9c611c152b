"""The help pages: one layout for every command and group, drawn from what the parser itself knows.

Plain text that follows the width: words are never broken and nothing is cut. Loaded only when a page is asked for.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import typer.core

from smscli import providers
from smscli.cli.parsing import Group

if TYPE_CHECKING:
    from typer._click.core import Command, Context, Parameter

NARROWEST, WIDEST = 30, 100
"""Columns of a page: below, words would stand alone; above, the eye loses the line."""

Entries = list[tuple[str, str]]
"""What is explained, and its explanation."""


def page(context: Context) -> str:
    """Return the help of a context's command, without the line feed at its end."""
    width = min(max(context.terminal_width or 80, NARROWEST), WIDEST)
    command = context.command
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    usage = f"Usage: {context.command_path} {' '.join(synopsis(context))}"
    blocks = [
        _wrapped(usage, width, following=" " * 7),
        *(_wrapped(paragraph, width, "  ") for paragraph in paragraphs),
    ]
    blocks += [
        f"{title}:\n{_listed(entries, width)}" for title, entries in (sections(context) | appendix(command)).items()
    ]
    if command.epilog:
        # As they are: a line that is broken here could not be pasted.
        blocks.append(f"Examples:\n{textwrap.indent(command.epilog, '  ')}")
    return "\n\n".join(blocks)


def synopsis(context: Context) -> list[str]:
    """Return what stands behind a command's own words."""
    words = ["[OPTIONS]"]
    if isinstance(context.command, Group):
        words += ["COMMAND", "[ARGUMENTS]"]
    words += [] if context.allow_interspersed_args or isinstance(context.command, Group) else ["[--]"]
    for argument in _arguments(context):
        name = _name(argument) if argument.required else f"[{_name(argument)}]"
        words.append(f"{name}..." if argument.nargs == -1 else name)
    return words


def sections(context: Context) -> dict[str, Entries]:
    """Return arguments, commands and options under their headings."""
    headings: dict[str, Entries] = {}
    command = context.command
    for argument in _arguments(context):
        headings.setdefault("Arguments", []).append((_name(argument), _explanation(argument)))
    if isinstance(command, Group):
        entries = headings.setdefault("Commands", [])
        entries += [(name, command.line(context, name)) for name in command.list_commands(context)]
    for option in command.get_params(context):
        # What every command takes stands on the page of the program and of each command, not on those in between.
        panel = getattr(option, "rich_help_panel", None)
        between = context.parent is not None and isinstance(command, Group)
        if isinstance(option, typer.core.TyperOption) and not option.hidden and not (between and panel):
            headings.setdefault(panel or "Options", []).append((_spelled(option), _explanation(option)))
    return headings


def appendix(command: Command) -> dict[str, Entries]:
    """Return what a command's page explains besides its options, under its headings."""
    entries = getattr(command.callback, "appendix", None)
    return entries() if entries else {}


def _arguments(context: Context) -> Iterator[typer.core.TyperArgument]:
    for parameter in context.command.get_params(context):
        if isinstance(parameter, typer.core.TyperArgument):
            yield parameter


def _name(parameter: Parameter) -> str:
    """Return what stands for a value: ``NUMBER``."""
    return (parameter.metavar or parameter.name or "").upper()


def _spelled(option: typer.core.TyperOption) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    if option.secondary_opts:
        names += f" / {', '.join(option.secondary_opts)}"
    return names if option.is_flag or option.count else f"{names} {_name(option)}"


def _explanation(parameter: typer.core.TyperOption | typer.core.TyperArgument) -> str:
    facts = "; ".join(filter(None, (", ".join(_choices(parameter)), _range(parameter), _default(parameter))))
    return f"{parameter.help or ''} {f'[{facts}]' if facts else ''}".strip()


def _choices(parameter: Parameter) -> Iterable[str]:
    if parameter.name == "provider":
        return providers.names()
    return [str(getattr(choice, "value", choice)) for choice in getattr(parameter.type, "choices", ())]


def _range(parameter: Parameter) -> str:
    least, most = (getattr(parameter.type, end, None) for end in ("min", "max"))
    if least is None:
        return ""
    return f"at least {least}" if most is None else f"{least} to {most}"


def _default(parameter: typer.core.TyperOption | typer.core.TyperArgument) -> str:
    label, value = parameter.show_default, parameter.default
    if isinstance(label, str):
        return f"default: {label}"
    if not label or value is None or isinstance(value, bool) or parameter.required:
        return ""
    return f"default: {value}"


def _listed(entries: Entries, width: int) -> str:
    """Return the entries in two columns; what is too long for the first has a line of its own."""
    column = min(max(len(term) for term, _ in entries), width * 3 // 8) + 2
    lines: list[str] = []
    for term, text in entries:
        explained = _wrapped(text, width, " " * (2 + column)).split("\n")
        if len(term) + 2 <= column:
            explained[0] = f"  {term:<{column}}{explained[0].lstrip()}"
        else:
            lines.append(f"  {term}")
        lines += explained
    return "\n".join(line.rstrip() for line in lines)


def _wrapped(text: str, width: int, first: str = "", following: str | None = None) -> str:
    return textwrap.fill(
        " ".join(text.split()), width, break_long_words=False, break_on_hyphens=False,
        initial_indent=first, subsequent_indent=first if following is None else following,
    )  # fmt: skip

"""From a record to the bytes on stdout: table, plain, JSON or XML.

This room owns every output format and is the only importer of rich, which it loads for a table alone. It must not
know commands or vendors. Data never passes through rich's markup: a text with ``[/x]`` or ``:warning:`` stays itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum, unique
from io import StringIO

from smscli.errors import ExitCode, SmscliError
from smscli.model import visible
from smscli.record import Record

Tree = Mapping[str, "Tree"] | Sequence["Tree"] | str | int | float | bool | None
"""A plain tree: what JSON and XML can both say."""

ENVELOPE_VERSION = 1

# XML 1.0 has no spelling at all for these: they become visible escapes. A parser would turn a bare CR into LF.
_XML_UNSAYABLE = "[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]"
_XML_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
# A column narrower than this many characters, its frame included, is no longer readable.
_ROOM = 10
_STYLES = {
    "SENT": "green", "ok": "green", "REFUSED": "red", "error": "red", "NOT_SENT": "yellow", "UNKNOWN": "bold magenta",
    "IN_FLIGHT": "cyan",
}  # fmt: skip


@unique
class Output(StrEnum):
    """The formats of ``-o``."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    XML = "xml"


class Table(Record):
    """What a person sees: a heading and rows of cells."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str | None = None

    def compact(self) -> Table:
        """Return the table without the columns that are empty in every row."""
        kept = [index for index in range(len(self.columns)) if any(row[index] for row in self.rows)]
        rows = tuple(tuple(row[index] for index in kept) for row in self.rows)
        return self._replace(columns=tuple(self.columns[index] for index in kept), rows=rows)


class Result(Record):
    """What a command returns: the same facts as a tree, as lines for scripts and as a table for people.

    ``lines`` are the rows of ``plain``, one line each, cells separated by tabs; ``text``, where a command makes a
    document of its own (a script), stands in for lines and table as it is. ``notes`` go to stderr.
    ``error`` (with ``data`` as far as there is any) makes the status of the whole. ``exit_code`` is an ``ExitCode``,
    or 128 and the number of a signal, or the status of a command that was run.
    """

    data: Tree = None
    lines: tuple[tuple[str, ...], ...] = ()
    table: Table | None = None
    text: str | None = None
    notes: tuple[str, ...] = ()
    error: SmscliError | None = None
    exit_code: int = ExitCode.OK

    @property
    def status(self) -> str:
        """``ok``, ``partial`` or ``error``."""
        return {int(ExitCode.OK): "ok", int(ExitCode.PARTIAL): "partial"}.get(self.exit_code, "error")


def failure(error: SmscliError, data: Tree = None) -> Result:
    """Return the result of a command that ended in ``error``."""
    return Result(data=data, error=error, exit_code=error.exit_code)


def render(result: Result, command: str, output: Output, *, width: int = 80, colour: bool = False) -> str:
    """Return what stdout gets: nothing, or text that ends with a line feed.

    JSON and XML are pure ASCII, so that no locale and no terminal can harm them or be harmed. ``width`` is in columns.
    """
    if output is Output.JSON:
        import json

        return json.dumps(_envelope(result, command), indent=2) + "\n"
    if output is Output.XML:
        return _xml(_envelope(result, command))
    if result.text is not None:
        return result.text
    if output is Output.TABLE and result.table:
        return _draw(result.table, width, colour)
    return "".join("\t".join(visible(cell) for cell in line) + "\n" for line in result.lines)


def explain(error: SmscliError) -> str:
    """Return an error as lines for stderr, safe to show on a terminal."""
    lines = [f"smscli: {visible(error.message)}"]
    lines += [f"  - {visible(problem)}" for problem in error.problems]
    lines += [f"  hint: {visible(line)}" for line in (error.hint or "").splitlines()]
    return "\n".join(lines) + "\n"


def _envelope(result: Result, command: str) -> dict[str, Tree]:
    return {
        "version": ENVELOPE_VERSION,
        "command": command,
        "status": result.status,
        "exit_code": int(result.exit_code),
        "data": result.data,
        "error": _describe(result.error) if result.error else None,
    }


def _describe(error: SmscliError) -> dict[str, Tree]:
    return {
        "type": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "code": error.code,
        "problems": list(error.problems),
    }


def _xml(tree: Mapping[str, Tree]) -> str:
    import json
    from xml.etree import ElementTree as ET

    def grow(element: ET.Element, tree: Tree) -> None:
        if isinstance(tree, Mapping):
            for name, value in tree.items():
                # A key that is no XML name (a parameter such as recipient[]) moves into an attribute.
                given = {} if re.fullmatch(_XML_NAME, name) else {"name": sayable(name)}
                grow(ET.SubElement(element, "entry" if given else name, given), value)
        elif isinstance(tree, Sequence) and not isinstance(tree, str):
            for value in tree:
                grow(ET.SubElement(element, "item"), value)
        elif tree is None:
            element.set("nil", "true")
        else:
            element.text = sayable(tree) if isinstance(tree, str) else json.dumps(tree)

    def sayable(text: str) -> str:
        return re.sub(_XML_UNSAYABLE, lambda match: visible(match[0]), text)

    root = ET.Element("smscli")
    grow(root, tree)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=True)
    # DEL is ASCII, and steers a terminal all the same.
    return document.decode("ascii").replace("\x7f", "&#127;") + "\n"


def _draw(table: Table, width: int, colour: bool) -> str:
    from rich.box import ROUNDED
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    if len(table.columns) > 2 and width < _ROOM * len(table.columns):
        table = _stack(table)
    drawing = RichTable(box=ROUNDED, title=Text(visible(table.title)) if table.title else None, title_justify="left")
    for column in table.columns:
        drawing.add_column(Text(column), overflow="fold")
    for row in table.rows:
        drawing.add_row(*(Text(visible(cell), style=_STYLES.get(cell, "")) for cell in row))
    console = Console(
        file=StringIO(), width=max(width, 20), force_terminal=colour, color_system="standard" if colour else None,
        no_color=not colour, highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    with console.capture() as capture:
        console.print(drawing)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _stack(table: Table) -> Table:
    """Return the cells of a table one below the other: side by side, columns of no width would hide them."""
    cells = [cell for row in table.rows for cell in zip(table.columns, row, strict=True)]
    return Table(("what", "value"), tuple(cells), table.title)

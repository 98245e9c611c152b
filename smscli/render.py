"""From a record to the bytes on stdout: table, plain, JSON or XML.

This module owns every output format and is the only importer of rich, which it loads for a table alone. It must not
know commands or vendors. Data is never read as markup: ``[/x]`` and ``:warning:`` stay themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum, unique
from io import StringIO

from smscli.errors import ExitCode, SmscliError
from smscli.model import visible
from smscli.record import Record

Tree = Mapping[str, "Tree"] | Sequence["Tree"] | Iterator["Tree"] | str | int | float | bool | None
"""A plain tree: what JSON and XML can both say. An iterator is a sequence that is made while it is written."""

ENVELOPE_VERSION = 1

# XML 1.0 has no spelling at all for these: they become visible escapes. A parser would turn a bare CR into LF.
_XML_UNSAYABLE = "[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]"
# DEL is ASCII, and steers a terminal all the same.
_XML_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\x7f": "&#127;"}
_XML_QUOTED = {**_XML_ESCAPES, '"': "&quot;", "\n": "&#10;", "\t": "&#09;"}
_XML_NAME = r"[A-Za-z_][A-Za-z0-9_.-]*"
# On fewer columns a box has no room for what it holds: a list of lines takes its place.
_NARROW = 60
# A column of prose is not made narrower than this: nobody reads one word a line.
_PROSE = 20

# What a word in a cell means; the word itself says it, too. In flight belongs to a living process: it goes on.
_MEANINGS = {
    "SENT": "accepted", "ok": "accepted", "REFUSED": "failed", "NOT_SENT": "failed", "error": "failed",
    "problem": "failed", "warning": "open", "UNKNOWN": "open", "IN_FLIGHT": "under way",
}  # fmt: skip
# rich's styles by the number of colours. Those of 256 have a contrast of at least 4 on black and on white
# (4.58 is the most that any colour has on both). Sixteen differ from terminal to terminal, and most of them vanish on
# black or on white: there a word brings its own background.
_COLOURS = {
    0: {},
    16: {
        "accepted": "black on green", "failed": "bright_white on red", "open": "black on yellow",
        "under way": "bright_white on blue",
    },
    256: {"accepted": "color(29)", "failed": "color(161)", "open": "color(130)", "under way": "color(63)"},
}  # fmt: skip


@unique
class Output(StrEnum):
    """The formats of ``-o``."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    XML = "xml"


class Table(Record):
    """What a person sees: the verdict as title, a heading and rows of cells.

    Cells of the columns in ``prose`` may be broken at blanks; no other cell is, and no word. ``facts``: each row is one
    fact, its last cell, and the cells before it are its name.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str | None = None
    prose: tuple[str, ...] = ()
    facts: bool = False

    def compact(self) -> Table:
        """Return the table without the columns that are empty in every row."""
        filled = [index for index in range(len(self.columns)) if any(row[index] for row in self.rows)]
        rows = tuple(tuple(row[index] for index in filled) for row in self.rows)
        return self._replace(columns=tuple(self.columns[index] for index in filled), rows=rows)


class Result(Record):
    """What a command returns: the same facts as a tree, as lines for scripts and as a table for people.

    ``lines`` are the rows of ``plain``, one line each, cells separated by tabs; they and an iterator in ``data`` are
    only asked for when they are written, and once. ``text``, where a command makes a
    document of its own (a script), stands in for lines and table as it is. ``notes`` go to stderr.
    ``drawing`` gives what a person sees above the table, for a width and a number of colours; it may be painted.
    ``error`` (with ``data`` as far as there is any) makes the status of the whole. ``exit_code`` is an ``ExitCode``,
    or 128 and the number of a signal, or the status of a command that was run. ``settled``: it tells of what cannot be
    undone, so that output which is lost must not change it.
    """

    data: Tree = None
    lines: Iterable[tuple[str, ...]] = ()
    table: Table | None = None
    text: str | None = None
    drawing: Callable[[int, int], str] | None = None
    notes: tuple[str, ...] = ()
    error: SmscliError | None = None
    exit_code: int = ExitCode.OK
    settled: bool = False

    @property
    def status(self) -> str:
        """``ok``, ``partial`` or ``error``."""
        return {int(ExitCode.OK): "ok", int(ExitCode.PARTIAL): "partial"}.get(self.exit_code, "error")


def failure(error: SmscliError) -> Result:
    """Return the result of a command that ended in ``error``."""
    return Result(error=error, exit_code=error.exit_code)


def pieces(result: Result, command: str, output: Output, *, width: int = 80, colour: int = 0) -> Iterator[str]:
    """Yield what stdout gets: nothing, or text that ends with a line feed.

    What the result makes while it is written is never in memory as a whole. JSON and XML are pure ASCII, so that no
    locale and no terminal can harm them or be harmed. ``width`` is in columns; ``colour`` is how many there are: 0
    (none are wanted), 16 or 256.
    """
    if output is Output.JSON:
        yield from _json(_envelope(result, command), "\n")
        yield "\n"
    elif output is Output.XML:
        yield "<?xml version='1.0' encoding='us-ascii'?>\n"
        yield from _xml("smscli", _envelope(result, command), "\n")
        yield "\n"
    elif result.text is not None:
        yield result.text
    elif output is Output.TABLE and (result.table or result.drawing):
        if result.drawing:
            yield result.drawing(width, colour)
        if result.table:
            yield _draw(result.table, width, colour)
    else:
        for line in result.lines:
            yield "\t".join(visible(cell) for cell in line) + "\n"


def explain(error: SmscliError, *, hint: bool = True) -> str:
    """Return an error as lines for stderr, safe to show on a terminal; without its ``hint`` where that was drawn."""
    lines = [f"smscli: {visible(error.message)}"]
    lines += [f"  - {visible(problem)}" for problem in error.problems]
    lines += [f"  hint: {visible(line)}" for line in (error.hint or "").splitlines() if hint]
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
        "type": error.name,
        "message": error.message,
        "hint": error.hint,
        "code": error.code,
        "problems": list(error.problems),
    }


def _json(tree: Tree, margin: str) -> Iterator[str]:
    """Yield a tree as ``json.dumps(tree, indent=2)`` gives it; ``margin`` is what comes before its last bracket."""
    import json

    deeper = f"{margin}  "
    if isinstance(tree, Mapping) and tree:
        for number, (name, value) in enumerate(tree.items()):
            yield f"{',' if number else '{'}{deeper}{json.dumps(name)}: "
            yield from _json(value, deeper)
        yield f"{margin}}}"
    elif isinstance(tree, Iterator):
        opening = "["
        for value in tree:
            # No string of JSON holds a line feed: those that are there indent.
            yield opening + deeper + json.dumps(value, indent=2).replace("\n", deeper)
            opening = ","
        yield f"{margin}]" if opening == "," else "[]"
    else:
        yield json.dumps(tree, indent=2).replace("\n", margin)


def _xml(name: str, tree: Tree, margin: str) -> Iterator[str]:
    """Yield a tree as an element of that name; ``margin`` is what comes before its end tag."""
    given = ""
    if not re.fullmatch(_XML_NAME, name):
        # A key that is no XML name (a parameter such as recipient[]) moves into an attribute.
        given, name = f' name="{_sayable(name, _XML_QUOTED)}"', "entry"
    if isinstance(tree, Mapping | Sequence | Iterator) and not isinstance(tree, str):
        children = tree.items() if isinstance(tree, Mapping) else (("item", value) for value in tree)
        empty = True
        for child, value in children:
            yield (f"<{name}{given}>" if empty else "") + f"{margin}  "
            yield from _xml(child, value, f"{margin}  ")
            empty = False
        yield f"<{name}{given} />" if empty else f"{margin}</{name}>"
    elif tree is None:
        yield f'<{name}{given} nil="true" />'
    else:
        import json

        text = _sayable(tree) if isinstance(tree, str) else json.dumps(tree)
        yield f"<{name}{given}>{text}</{name}>" if text else f"<{name}{given} />"


def _sayable(text: str, escapes: Mapping[str, str] = _XML_ESCAPES) -> str:
    """Return a text as XML says it, in ASCII; what it cannot say becomes a visible escape."""
    text = re.sub(_XML_UNSAYABLE, lambda match: visible(match[0]), text)
    for character, escape in escapes.items():
        text = text.replace(character, escape)
    return text.encode("ascii", "xmlcharrefreplace").decode()


def _draw(table: Table, width: int, colour: int) -> str:
    """Return a box, or a list where the box would have to break what must stay whole; without rows the title alone."""
    table = table._replace(
        columns=tuple(map(visible, table.columns)), rows=tuple(tuple(map(visible, row)) for row in table.rows)
    )
    lines = wrap(visible(table.title), width) if table.title else []
    if table.rows:
        widths = _widths(table, width)
        lines += _list(table, width, colour) if widths is None else _box(table, widths, colour)
    return "".join(f"{line}\n" for line in lines)


def _widths(table: Table, width: int) -> list[int] | None:
    """Return the width of each column; None when a box of whole words does not fit."""
    columns = list(zip(table.columns, *table.rows, strict=True))
    longest = [max(map(cell_width, column)) for column in columns]
    words = [max(cell_width(word) for cell in column for word in cell.split(" ")) for column in columns]
    prose = [name in table.prose for name in table.columns]
    widths = [
        min(whole, max(word, _PROSE)) if breaks else whole
        for whole, word, breaks in zip(longest, words, prose, strict=True)
    ]
    room = width - sum(widths) - 3 * len(widths) - 1
    if width < _NARROW or room < 0:
        return None
    for index, whole in enumerate(longest):
        more = min(room, whole - widths[index])
        widths[index] += more
        room -= more
    return widths


def _box(table: Table, widths: Sequence[int], colour: int) -> list[str]:
    from rich.box import ROUNDED
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    drawing = RichTable(box=ROUNDED)
    for name, width in zip(table.columns, widths, strict=True):
        drawing.add_column(Text(name), width=width, no_wrap=True)
    for row in table.rows:
        # Wrapped beforehand: rich breaks words where scripts of different widths meet. The text is a part of its cell,
        # so that the padding beside a word is not coloured.
        cells = (("\n".join(wrap(cell, width)), _style(cell, colour)) for cell, width in zip(row, widths, strict=True))
        drawing.add_row(*(Text.assemble(cell) for cell in cells))
    systems = {0: None, 16: "standard", 256: "256"}
    console = Console(
        # With both sizes given it asks no environment: a COLUMNS of many digits would be an error in there.
        file=StringIO(), width=sum(widths) + 3 * len(widths) + 1, height=100, force_terminal=bool(colour),
        color_system=systems[colour],  # type: ignore[arg-type]  # its type is not importable
        no_color=not colour, highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    with console.capture() as capture:
        console.print(drawing)
    return [line.rstrip() for line in capture.get().splitlines()]


def _list(table: Table, width: int, colour: int) -> Iterator[str]:
    """Give ``name: value`` lines, a blank line between rows unless each row is one fact; empty cells are left out."""
    for number, row in enumerate(table.rows):
        facts = list(zip(table.columns, table.columns, row, strict=True))
        if table.facts:
            facts = [(" ".join(filter(None, row[:-1])), table.columns[-1], row[-1])]
        elif number:
            yield ""
        for name, column, cell in (fact for fact in facts if fact[-1]):
            fact = f"{name}: {cell}"
            if column in table.prose:
                first, *more = wrap(fact, width - 2)
                yield from (first, *(f"  {line}" for line in more))
            elif cell_width(fact) <= width:
                yield f"{name}: {_paint(cell, colour)}"
            else:
                yield from (f"{name}:", f"  {_paint(cell, colour)}")


def wrap(text: str, width: int) -> list[str]:
    """Return the text in lines of ``width`` cells, broken at blanks alone: a longer word keeps a line of its own."""
    lines = [""]
    for blanks, word in re.findall("( *)([^ ]+)", text):
        if lines[-1] and cell_width(lines[-1] + blanks + word) > width:
            lines.append(word)
        else:
            lines[-1] += blanks + word
    return lines


def paint(text: str, colour: int, meaning: str) -> str:
    """Return a text in the colour of ``accepted``, ``failed``, ``open`` or ``under way``."""
    from rich.style import Style

    # Without a system it would render plain text: rich's own names of codes are the same in each.
    return Style.parse(_COLOURS[colour].get(meaning, "")).render(text) if colour and text else text


def _paint(text: str, colour: int) -> str:
    return paint(text, colour, _MEANINGS.get(text, ""))


def _style(text: str, colour: int) -> str:
    return _COLOURS[colour].get(_MEANINGS.get(text, ""), "")


def cell_width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)

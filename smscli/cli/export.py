"""``smscli journal export``: all of one job, row by row, also as a result file and beside the list it came from."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smscli.cli import outcomes, results
from smscli.cli import text as texts
from smscli.cli.invocation import Invocation
from smscli.cli.journals import Key, Sandbox, Where, journal_of
from smscli.cli.listed import Delimiter, Encoding, Map, ResultFile
from smscli.cli.options import profile_option
from smscli.cli.results import ResultRow
from smscli.errors import ConfigError, InputError
from smscli.interruption import interruptible
from smscli.journal import Journal, State
from smscli.render import Output, Result, Table, Tree
from smscli.runtime import Wanted

if TYPE_CHECKING:
    from smscli.lists import Remark, Row

_LEFT_OUT = "it is not in the job: it was refused when that was planned (its text, or by the vendor), or is new here"
_LIMIT = 50
"""So many rows fit a person's eye."""


def export(
    call: Invocation,
    key: Key,
    results_file: ResultFile = None,
    list_file: Annotated[
        str | None,
        typer.Option("--list", metavar="FILE", help="The list it was sent from: its invalid and repeated rows, too."),
    ] = None,
    map_columns: Map = None,
    delimiter: Delimiter = None,
    encoding: Encoding = None,
    text_file: Annotated[
        str | None,
        typer.Option("--text-file", metavar="FILE", help="The template, if rows were left out that did not fill it."),
    ] = None,
    profile: Annotated[str | None, profile_option("Profile of the list's numbers (that of the send).")] = None,
    sandbox: Sandbox = False,
) -> Result:
    """Export all rows of one send: number, outcome, id, parts, cost, reason."""
    given = {"--map": map_columns, "--delimiter": delimiter, "--encoding": encoding, "--text-file": text_file,
             "--profile": profile}  # fmt: skip
    for option, value in given.items():
        if value is not None and list_file is None:
            raise InputError(f"{option} is about a list, and there is none", hint="give --list FILE")
    journal, where = call.resources.enter_context(journal_of(call.runtime, key, sandbox=sandbox))
    rows: Callable[[], Iterable[ResultRow]] = lambda: results.from_journal(journal.entries(key))  # noqa: E731  (one of two)
    if list_file is not None:
        region = _region(call, journal, key, profile, where)
        options = {"delimiter": delimiter, "encoding": encoding, "region": region}
        text = None if text_file is None else texts.clean(texts.read(call.runtime, None, text_file))[0]
        rows = partial(_joined, journal, key, Path(list_file), map_columns, text, options)
    if results_file is not None:
        source = None if list_file is None else Path(list_file)
        return _written(rows, key, where, Path(results_file), source)
    stream = iter(rows())
    if call.output is Output.TABLE:
        return _table(stream, key, where)
    if call.output in (Output.JSON, Output.XML):
        # A document says at its head whether all is well.
        deque(stream, maxlen=0)
        stream = iter(rows())
    stream = chain(list(islice(stream, 1)), stream)  # what cannot begin is refused before anything is written
    data = {"journal": where.value, "key": key, "rows": map(_tree, stream)}
    return Result(data=data, lines=map(_cells, stream), notes=where.notes(key))


def _written(
    rows: Callable[[], Iterable[ResultRow]], key: str, where: Where, path: Path, source: Path | None
) -> Result:
    """Write the file and say how many rows ended how."""
    try:
        with interruptible(), results.Writer(path, source=source) as writer:
            counted = writer.write(rows())
    except KeyboardInterrupt:
        raise typer.Abort from None
    counts = {outcome: counted[outcome] for outcome in results.OUTCOMES}
    lines = tuple((outcome, str(count)) for outcome, count in counts.items())
    return Result(
        data={"journal": where.value, "key": key, "path": str(path), "rows": counted.total(), "outcomes": counts},
        lines=lines,
        table=Table(("outcome", "rows"), tuple(line for line in lines if line[1] != "0"),
                    title=f"{counted.total()} rows in {path}", facts=True),
        notes=(*where.notes(key), *_open(counted)),
    )  # fmt: skip


def _open(counts: Mapping[str, int]) -> Iterator[str]:
    if counts[State.IN_FLIGHT]:
        yield f"{counts[State.IN_FLIGHT]} are being sent by another process right now: export again when it has ended"
    if counts[State.UNKNOWN]:
        yield f"{counts[State.UNKNOWN]} UNKNOWN: find out what became of them, then smscli journal resolve KEY"


def _table(stream: Iterator[ResultRow], key: str, where: Where) -> Result:
    """Return the first rows for a person, after a look at all of them."""
    first = tuple(map(_cells, islice(stream, _LIMIT)))
    more = sum(1 for _ in stream)
    notes = (f"{more} more: see all in a pipe, or with --results FILE",) if more else ()
    columns = ("row", "number", "outcome", "message id", "parts", "cost", "reason")
    table = Table(columns, first, title=f"key {key}, in {where}", prose=("reason",)).compact()
    return Result(table=table, notes=(*where.notes(key), *notes))


def _cells(row: ResultRow) -> tuple[str, ...]:
    parts = "" if row.parts is None else str(row.parts)
    return (str(row.row), row.to, row.outcome, row.message_id or "", parts, outcomes.price(row.cost), row.reason or "")


def _tree(row: ResultRow) -> dict[str, Tree]:
    return {
        "row": row.row,
        "to": row.to,
        "outcome": row.outcome,
        "message_id": row.message_id,
        "parts": row.parts,
        "cost": outcomes.cost_tree(row.cost),
        "reason": row.reason,
    }


# --- the list ---------------------------------------------------------------------------------------------------------


def _region(call: Invocation, journal: Journal, key: str, named: str | None, where: Where) -> str | None:
    """Return the country of the list's national numbers, as the profile of the send says it, or the one named here."""
    from smscli.profiles import Need

    name = named or next(journal.entries(key)).job.profile or None
    wanted = Wanted(name, sandbox=name is None and where is Where.SANDBOX)
    if named is not None:
        return call.runtime.profile(wanted, need=Need.ADDRESS).region
    with suppress(ConfigError):  # it may be gone: then a row that needs it is told
        return call.runtime.profile(wanted, need=Need.ADDRESS).region
    return None


def _joined(
    journal: Journal, key: str, path: Path, map_columns: str | None, text: str | None, options: Mapping[str, Any]
) -> Iterator[ResultRow]:
    from smscli.lists import Remark, Survey, Template

    template = None if text is None else Template(text)
    rows = _rows(path, map_columns, template, options)
    survey = Survey(template, limit=0)

    def problems(row: Row) -> Sequence[Remark]:
        """Return why a row is not in the job, as far as the list tells."""
        known = survey.add(row)
        return known if known or row.first is not None else (Remark(row.number, row.line, None, _LEFT_OUT),)

    return results.joined(rows, journal.entries(key), problems)


def _rows(path: Path, map_columns: str | None, template: Any, options: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of the list; raise InputError, which names it, when it cannot be read."""
    from smscli.lists import parse_map, read

    title = f"--list {str(path)!r}"
    if path.exists() and not path.is_file():
        raise InputError(f"{title} is no regular file", hint="it may have to be read twice")
    try:
        with path.open("rb") as file:
            rows = read(file, columns=None if map_columns is None else parse_map(map_columns), **options)
            if template is not None:
                rows.require(template)
            yield from rows
    except OSError as error:
        raise InputError(f"cannot read {title}: {error.strerror}") from None
    except InputError as error:
        raise InputError(f"{title}: {error.message}", hint=error.hint) from None

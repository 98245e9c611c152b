"""What a text costs and why, in words and as a tree; and what makes it cheaper, when that is asked for.

For ``count``, for a dry run, and for whoever has a text changed. Nothing is sent.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from smscli.cli.text import clean, counted, drawn, named
from smscli.record import Record
from smscli.render import Tree
from smscli.rewriting import ELLIPSIS, Outsider, compose, outsiders, shorten, transliterate
from smscli.segments import Part, Segmentation, cut, measure

_ROWS = 10
"""Parts, and characters, that a table lists; a person wants the first of them, a program has JSON."""
_PLACES = 3
"""Places of one character that are said in words."""
_END = 16
"""Characters of a part's end that show where it is."""
_LEFT_OUT = 200
"""Characters of a text's cut-off end that a note shows."""


def rewrite(text: str, *, transliterated: bool, parts: int | None) -> tuple[str, tuple[str, ...]]:
    """Return a clean text as the options want it, with a note on each change: first its letters, then its length.

    Raises InputError when nothing would be left of it.
    """
    notes: tuple[str, ...] = ()
    if transliterated and (replaced := transliterate(text)) != text:
        before, after = measure(text).parts, measure(replaced).parts
        saved = "" if before == after else f" to {counted(after, 'part')} instead of {before}"
        notes += (f"the text was transliterated{saved}: {_replacements(compose(text))}",)
        text, _ = clean(replaced)
    if parts is not None and (shortened := shorten(text, parts)) != text:
        rest = text[len(shortened) - len(ELLIPSIS) :]
        shown = rest if len(rest) <= _LEFT_OUT else f"{rest[:_LEFT_OUT]}{ELLIPSIS}"
        lost = f"{counted(len(rest), 'character')}: {shown!r}"
        notes += (f"the text was shortened to {counted(measure(shortened).parts, 'part')}; left out, {lost}",)
        text = shortened
    if transliterated and (staying := outsiders(text)):
        notes += (f"GSM-7 has nothing like {_listed([named(one.character) for one in staying])}: the text stays UCS-2",)
    return text, notes


class Cost(Record):
    """What a text costs and why: a tree, a verdict in words, rows of a table of facts, and lines of three cells."""

    tree: dict[str, Tree]
    verdict: str
    rows: tuple[tuple[str, str, str], ...]
    lines: tuple[tuple[str, str, str], ...]


def cost(text: str) -> Cost:
    """Return all that is known of a text: units, parts and their ends, what makes it UCS-2, what replacing would do."""
    size, parts, outside = measure(text), cut(text), outsiders(text)
    replaced = transliterate(text) if outside else None
    cheaper = None if replaced is None else measure(replaced)
    rows = [("part", str(number), _ending(part)) for number, part in enumerate(parts, 1) if len(parts) > 1]
    return Cost(
        tree=_size_tree(size) | {
            "segments": [{"text": part.text, "units": part.units} for part in parts],
            "outside_gsm7": [_outsider_tree(one) for one in outside],
            "transliterated": None if cheaper is None else {"text": replaced, **_size_tree(cheaper)},
        },
        verdict=_verdict(size, outside, cheaper),
        rows=(*_first(rows), *_first([("character", drawn(one.character), _explanation(one)) for one in outside])),
        lines=(
            *(("text", name, str(value)) for name, value in _size_tree(size).items()),
            *(("part", str(number), part.text) for number, part in enumerate(parts, 1)),
            *(("character", one.code_point, ",".join(map(str, one.indexes))) for one in outside),
        ),
    )  # fmt: skip


def _size_tree(size: Segmentation) -> dict[str, Tree]:
    return {"alphabet": size.alphabet.value, "units": size.units, "parts": size.parts, "units_left": size.left}


def _outsider_tree(one: Outsider) -> dict[str, Tree]:
    return {
        "character": one.character,
        "code_point": one.code_point,
        "name": one.name,
        "index": one.indexes[0],
        "line": one.line,
        "column": one.column,
        "indexes": list(one.indexes),
        "replacement": one.replacement,
    }


def _verdict(size: Segmentation, outside: tuple[Outsider, ...], cheaper: Segmentation | None) -> str:
    room = f"{size.left or 'no'} more fit{' into the last part' if size.parts > 1 else ''}"
    verdict = f"{counted(size.parts, 'part')}, {size.alphabet}: {counted(size.units, 'unit')}, {room}"
    if cheaper is None:
        return verdict
    count = sum(len(one.indexes) for one in outside)
    verdict += f". {counted(count, 'character')} {'is' if count == 1 else 'are'} not in GSM-7; with --transliterate it"
    if cheaper.parts == size.parts and cheaper.alphabet == size.alphabet:
        return f"{verdict} stays at {counted(cheaper.parts, 'part')}, {cheaper.alphabet}"
    return f"{verdict} would be {counted(cheaper.parts, 'part')}, {cheaper.alphabet}, {counted(cheaper.units, 'unit')}"


def _ending(part: Part) -> str:
    """Return the units of a part and the words at its end, in quotes: it may end in a blank."""
    end = part.text[-_END:]
    if len(part.text) > _END:
        # From a word's beginning where there is one.
        end = "…" + (end.partition(" ")[2] or end)
    return f'{counted(part.units, "unit")}, ends with "{end}"'


def _explanation(one: Outsider) -> str:
    name = " ".join(filter(None, (one.code_point, one.name)))
    first, *others = map(str, one.indexes)
    if one.line > 1 or one.column != one.indexes[0]:
        first += f" (line {one.line}, column {one.column})"
    return f"{name} at {_listed([first, *others], _PLACES)}: {_advice(one)}"


def _advice(one: Outsider) -> str:
    if one.replacement is None:
        return "GSM-7 has nothing like it"
    if not one.replacement:
        return "join it with its letter, or leave it out" if unicodedata.combining(one.character) else "leave it out"
    return f"replace it by {_written(one.replacement)}"


def _replacements(text: str) -> str:
    replaced = [(one, one.replacement) for one in outsiders(text) if one.replacement is not None]
    changes = [f"{drawn(one.character) or one.code_point} as {_written(by)}" for one, by in replaced]
    return _listed(changes) if changes else "letters were joined with their marks"


def _written(replacement: str) -> str:
    return {"": "nothing", " ": "a blank"}.get(replacement, replacement)


def _listed(words: list[str], most: int = 5) -> str:
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")


def _first(rows: list[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    yield from rows[:_ROWS]
    if len(rows) > _ROWS:
        yield (rows[0][0], "", f"{len(rows) - _ROWS} more: -o json lists all")

"""Which column is which: the row of names, the recipients' column, and the names that somebody mapped.

The recipients' column is never guessed between two: a wrong one would text numbers that were meant for something else.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from smscli.errors import InputError
from smscli.lists._cells import looks_like_number, read_number
from smscli.lists._values import column_name
from smscli.model import visible

TO = "to"
"""The name under which the recipient is asked for, and mapped."""

# As they stand in exports of address books, shops and campaign tools; compared without case, blanks and signs.
_NAMES = """
    to phone phonenumber phoneno mobile mobilephone mobilenumber mobileno cell cellphone cellnumber number msisdn tel
    telephone telephonenumber telno gsm gsmno recipient recipients destination contactnumber whatsapp
    телефон номер номертелефона мобильный мобильныйтелефон мобтелефон моб тел сотовый получатель
    telefon telefonas telefononumeris telnr numeris mobilus mobilustelefonas gavėjas telefonnumarası telefonno numara
    cep ceptelefonu cepno ceptel alıcı telefonnummer handy handynummer mobil rufnummer telefono teléfono móvil movil
    téléphone telephone portable numer komórka
"""
_RECIPIENT_NAMES = frozenset(_NAMES.split())
_NAMED_TO = "give --map to=COLUMN"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table by place, or of objects by key.

    ``names`` are in order; ``to`` is the recipients' one; ``mapped`` gives columns a second name each.
    ``is_headed`` says that the first row of a table holds the names, ``note`` that it was only taken for that.
    """

    names: tuple[str, ...]
    to: str
    mapped: Mapping[str, str]
    is_headed: bool = False
    note: str | None = None

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every name a template may use."""
        return tuple(dict.fromkeys((*self.names, *self.mapped)))


def parse_map(text: str) -> dict[str, str]:
    """Return what ``to=phone,name=first_name`` maps: the new name to the column's own name or number (from 1).

    Raises InputError for anything else.
    """
    mapped: dict[str, str] = {}
    for pair in text.split(","):
        name, equals, column = map(column_name, pair.partition("="))
        if not (name and equals and column):
            raise InputError(f"{visible(pair)!r} maps no column", hint="write NAME=COLUMN, as in to=phone")
        if name in mapped:
            raise InputError(f"{visible(name)!r} is mapped twice")
        mapped[name] = column
    return mapped


def of_table(
    rows: Sequence[tuple[str, ...]], mapping: Mapping[str, str], region: str | None, *, is_headed: bool | None = None
) -> Columns:
    """Return the columns of a table, told by its first rows.

    The first row holds names when none of its cells is a phone number, and one is a name that is looked for or none
    is a damaged number; ``is_headed`` says it when somebody knows. Without such a row the columns are called 1, 2, 3 …,
    as many as most rows have.

    Raises InputError when the recipients' column or a mapped one is not there, or there may be several.
    """
    first = rows[0]
    note = None
    if is_headed is None:
        is_headed = _is_header(first, mapping)
        if is_headed and not _has_known_name(first, mapping):
            note = f"the first row was taken for the names of the columns: {_enumerate(first)}"
    if is_headed:
        names = tuple(column_name(cell) or str(place) for place, cell in enumerate(first, 1))
        rows = rows[1:]
    else:
        width = Counter(map(len, rows)).most_common(1)[0][0]
        names = tuple(str(place) for place in range(1, width + 1))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two columns are called {visible(twice)!r}", hint="give each its own name")
    columns = _columns(names, [dict(zip(names, row, strict=False)) for row in rows], mapping, region)
    return replace(columns, is_headed=is_headed, note=note)


def of_objects(rows: Sequence[Mapping[str, str]], mapping: Mapping[str, str], region: str | None) -> Columns:
    """Return the columns of objects, told by the first of them; errors as of a table."""
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    return _columns(names, rows, mapping, region)


def _columns(
    names: tuple[str, ...], rows: Sequence[Mapping[str, str]], mapping: Mapping[str, str], region: str | None
) -> Columns:
    mapped = {name: _column(column, names) for name, column in mapping.items()}
    to = mapped.get(TO) or _recipients(names, rows, region)
    return Columns(names, to, {**mapped, TO: to})


def _is_header(cells: Iterable[str], mapping: Mapping[str, str]) -> bool:
    if any(map(looks_like_number, cells)):
        return False
    return _has_known_name(cells, mapping) or not any(re.search(r"(?:\d\D*){5}|^\W*\d[\d\W]*$", cell) for cell in cells)


def _has_known_name(cells: Iterable[str], mapping: Mapping[str, str]) -> bool:
    return any(_bare(cell) in _RECIPIENT_NAMES or column_name(cell) in mapping.values() for cell in cells)


def _bare(name: str) -> str:
    """Return a name without case, blanks and signs: ``Phone No.`` is ``phoneno``."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold().replace("i\u0307", "i"))


def _column(wanted: str, names: tuple[str, ...]) -> str:
    """Return the column that is called ``wanted``, in whatever case, or else has that number."""
    alike = [wanted] if wanted in names else [name for name in names if name.casefold() == wanted.casefold()]
    if len(alike) == 1:
        return alike[0]
    if re.fullmatch("[0-9]{1,5}", wanted) and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1]
    raise InputError(f"there is no column {visible(wanted)!r}", hint=suggestion(wanted, names))


def suggestion(wanted: str, names: Sequence[str]) -> str:
    """Return a hint that names the column that may be meant, or all there are."""
    close = get_close_matches(wanted.casefold(), [name.casefold() for name in names], n=1)
    meant = next((name for name in names if close and name.casefold() == close[0]), None)
    return f"did you mean {visible(meant)}?" if meant else f"the columns are {_enumerate(names)}"


def _recipients(names: tuple[str, ...], rows: Sequence[Mapping[str, str]], region: str | None) -> str:
    """Return the column of recipients: by its name, of several the one with numbers in it; else by its content."""
    if TO in names:
        return TO
    named = [name for name in names if _bare(name) in _RECIPIENT_NAMES]
    if len(named) == 1 or len(names) == 1:
        return (named or names)[0]
    candidates = [name for name in named or names if _holds_numbers(name, rows, region)]
    if len(candidates) == 1:
        return candidates[0]
    if candidates or named:
        raise InputError(f"the recipients may be in {_enumerate(candidates or named, ' or ')}", hint=_NAMED_TO)
    hint = f"{_NAMED_TO}; the columns are {_enumerate(names)}"
    if region is None:
        hint += ". Numbers without a country code need a region"
    raise InputError("no column holds phone numbers", hint=hint)


def _holds_numbers(name: str, rows: Sequence[Mapping[str, str]], region: str | None) -> bool:
    """Return whether more than half of the cells that are not empty are assigned phone numbers."""
    cells = [cell for row in rows if (cell := row.get(name, "").strip())]
    return sum(_is_assigned(cell, region) for cell in cells) * 2 > len(cells)


def _is_assigned(cell: str, region: str | None) -> bool:
    try:
        return looks_like_number(cell) and read_number(cell, region)[0].warning is None
    except InputError:
        return False


def _enumerate(names: Sequence[str], last: str = ", ") -> str:
    most = [visible(name)[:40] for name in names[:12]]
    return last.join(most) + (" …" if len(names) > len(most) else "")

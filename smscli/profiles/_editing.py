"""Adding, removing and choosing a profile in a file that somebody wrote: comments, order and spaces stay.

``tomlkit`` changes the text, but is not trusted: an edit counts only when ``tomllib``, with which every command reads
the file, finds in the new text exactly what was wanted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import TYPE_CHECKING

from smscli.errors import ConfigError, InputError
from smscli.profiles._file import NAME, Document, parse

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Item


def refuse_name(document: Document, name: str) -> None:
    """Raise InputError when a new profile cannot have this name: it is taken, or is not a name."""
    if not re.fullmatch(NAME, name):
        raise InputError("a profile's name is made of letters, digits, - and _ (at most 64)")
    if name in document.tables:
        raise InputError(
            f"there is a profile {name} already",
            hint=f"take another name, or remove it first: smscli profile remove {name}",
        )


def add(document: Document, name: str, values: Mapping[str, object], *, make_default: bool) -> Document:
    """Return the file with one more profile at its end.

    Raises InputError for a name that ``refuse_name`` refuses, ConfigError for a file that cannot be edited.
    """
    refuse_name(document, name)
    default = name if make_default else document.default
    return _edited(document, document._replace(text="", tables={**document.tables, name: values}, default=default))


def use(document: Document, name: str) -> Document:
    """Return the file with ``name`` as the default profile.

    Raises ConfigError when there is none of that name, and for a file that cannot be edited.
    """
    document.table(name)
    return _edited(document, document._replace(text="", default=name))


def remove(document: Document, name: str) -> Document:
    """Return the file without the profile (and without the default, when it was that one).

    Comments outside the profile's table stay. Raises ConfigError when there is none of that name, and for a file that
    cannot be edited.
    """
    document.table(name)
    tables = {other: table for other, table in document.tables.items() if other != name}
    default = None if document.default == name else document.default
    return _edited(document, document._replace(text="", tables=tables, default=default))


def _edited(document: Document, goal: Document) -> Document:
    """Return the document with its text changed so that it reads as the goal; raise ConfigError when that fails."""
    import tomlkit  # only those who change the file pay for it

    text = document.text
    windows = text.count("\r\n") == text.count("\n") > 0
    if windows:
        text = text.replace("\r\n", "\n")
    if text and not text.endswith("\n"):
        text += "\n"  # tomlkit glues together what it puts behind an unfinished line
    try:
        tree = tomlkit.parse(text)
        if goal.default != document.default:
            _set_default(tree, goal.default)
        for name in document.tables.keys() - goal.tables.keys():
            _cut(tree, name)
        for name in goal.tables.keys() - document.tables.keys():
            _append(tree, name, goal.tables[name])
        text = tree.as_string()
        edited = parse(text.replace("\n", "\r\n") if windows else text, "the edited file")
    except Exception:  # noqa: BLE001  (whatever a parser stumbles over: nothing is written yet, and nothing will be)
        edited = None
    if edited is None or _content(edited) != _content(goal):
        raise ConfigError(
            "the profile file is written in a way that cannot be edited here; it stays as it was",
            hint="change it in an editor; `smscli profile path` says where it is",
        )
    return edited


def _content(document: Document) -> str:
    # As words: 1 is not true there, and nan is nan.
    tables = sorted((name, sorted(table.items())) for name, table in document.tables.items())
    return repr((document.default, document.journal, document.journal_password_command, tables))


def _set_default(tree: TOMLDocument, name: str | None) -> None:
    import tomlkit
    from tomlkit.items import Comment, Null, Whitespace

    if name is None:
        del tree["default"]
        while tree.body and isinstance(tree.body[0][1], Null | Whitespace):
            del tree.body[0]
    elif "default" in tree:
        tree["default"] = name
    else:  # below a comment that heads the file, above everything else
        heading = len(list(takewhile(lambda line: isinstance(line[1], Comment), tree.body)))
        has_gap = heading < len(tree.body) and isinstance(tree.body[heading][1], Whitespace)
        tree.body.insert(heading if has_gap else 0, (tomlkit.key("default"), tomlkit.item(name)))


def _append(tree: TOMLDocument, name: str, values: Mapping[str, object]) -> None:
    import tomli_w
    import tomlkit
    from tomlkit.items import InlineTable

    for profiles in _profiles(tree):
        if isinstance(profiles, InlineTable):  # no header can add to one
            profiles.append(name, tomlkit.inline_table())
            profiles[name].update(values)
            return
    gap = "\n" if tree.body else ""
    tree.body.extend(tomlkit.parse(gap + tomli_w.dumps({"profiles": {name: values}})).body)


def _cut(tree: TOMLDocument, name: str) -> None:
    """Take out all that stands under ``profiles.<name>``, however many headers and dotted keys spell it.

    Comments behind a table's last value belong to what follows, and stay.
    """
    import tomlkit
    from tomlkit.items import InlineTable, Table

    for profiles in _profiles(tree):
        if isinstance(profiles, InlineTable):
            del profiles[name]
        elif isinstance(profiles, Table):
            body = profiles.value.body
            for index, (key, table) in enumerate(body):
                if key is not None and key.key == name:
                    lines = reversed(table.value.body) if isinstance(table, Table) else ()
                    rest = [item.as_string() for _, item in takewhile(lambda line: line[0] is None, lines)]
                    body[index] = (None, tomlkit.ws("".join(reversed(rest))))


def _profiles(tree: TOMLDocument) -> list[Item]:
    # From the body: tomlkit's own look-up knows what is spelled in several places only as a sum of them.
    return [item for key, item in tree.body if key is not None and key.key == "profiles"]

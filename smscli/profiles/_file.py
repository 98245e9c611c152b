"""The profile file: where it is, read, checked for its shape, and replaced."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

from smscli.errors import ConfigError
from smscli.model import visible
from smscli.record import Record

MAX_FILE = 64 * 1024
"""Bytes of a profile file. A person's file is a hundredth of it; what is larger is not a profile file."""

NAME = r"[A-Za-z0-9_-]{1,64}"
"""The pattern of a profile's name."""

_FILE = "the profile file"
_MEND = "mend it in an editor, or move it away and add the profiles again with: smscli profile add NAME"
_MAX_DOTS = 64  # tomllib needs seven seconds for one key of 20 000 dotted parts
_LOOKS_LIKE_A_KEY = r"[A-Za-z_-]{1,32}"


class Document(Record):
    """A profile file: its text, its profiles by name, the name of the default one, and where the journal is.

    ``journal`` is a path or a URL, ``journal_password_command`` what gives the password for it.
    """

    text: str = ""
    tables: Mapping[str, Mapping[str, object]] = MappingProxyType({})
    default: str | None = None
    journal: str | None = None
    journal_password_command: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Document(profiles={list(self.tables)}, default={self.default!r})"

    def table(self, name: str) -> Mapping[str, object]:
        """Return the settings of a profile; raise ConfigError, with the nearest name, when there is none of it."""
        if name in self.tables:
            return self.tables[name]
        known = ", ".join(self.tables)
        raise ConfigError(
            f"there is no profile {visible(name)!r}",
            hint=f"profiles: {known}{suggestion(name, self.tables)}" if known else "add one: smscli profile add NAME",
        )


def path(environ: Mapping[str, str]) -> Path:
    """Return where the profile file lives: ``SMSCLI_CONFIG``, else the platform's configuration directory.

    Raises ConfigError when there is no home directory to look in.
    """
    named = environ.get("SMSCLI_CONFIG")
    if named:
        return expanded(named, "SMSCLI_CONFIG").absolute()
    from platformdirs import user_config_path  # only the commands that read profiles pay for it

    try:
        usual = user_config_path("smscli", appauthor=False) / "config.toml"
    except RuntimeError:
        usual = Path("~")
    if not usual.is_absolute():  # without HOME and without a passwd entry the "~" stays, and would become a directory
        raise ConfigError(
            "there is no home directory to look for profiles in",
            hint="set SMSCLI_CONFIG to a file, or HOME to a directory",
        )
    return usual


def find(environ: Mapping[str, str]) -> Document:
    """Return the user's profile file; an empty document when there is none, or no home it could be in."""
    try:
        place = path(environ)
    except ConfigError:
        if environ.get("SMSCLI_CONFIG"):
            raise
        return Document()
    return read(place)


def names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the user's profiles; none when the file cannot be used (completion stays silent)."""
    try:
        return tuple(find(environ).tables)
    except ConfigError:
        return ()


def read(path: Path) -> Document:
    """Return the file at ``path``; an empty document when it does not exist.

    Raises ConfigError when it is not a private file (``smscli.private``) of at most 64 KiB, or is not TOML of the
    documented shape. No message repeats anything of the file but names.
    """
    from smscli import private  # a run on the environment alone needs no file

    private.sweep(path, _FILE)  # what a killed process left holds a key
    try:
        content = private.read(path, MAX_FILE, _FILE)
    except FileNotFoundError:
        return Document()
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()  # a byte order mark of some editor
    except UnicodeDecodeError:
        raise ConfigError(f"{visible(str(path))} is not UTF-8 text", hint=_MEND) from None
    return parse(text, visible(str(path)))


def change(
    path: Path, action: Callable[[Document], Document], around: AbstractContextManager[object] | None = None
) -> None:
    """Read the file, give it to ``action``, and write the text of what that returns, shut to all other processes.

    ``action`` may be called twice; whatever it raises leaves the file as it is. ``around`` is entered before
    the file is written, and left when it is, still shut to all others. Raises ConfigError when the file cannot be read
    or written.
    """
    from smscli import private

    action(read(path))  # what is refused as things stand leaves no directory and no lock behind
    with private.replacing(path, _FILE) as replace:
        content = action(read(path)).text.encode()
        if len(content) > MAX_FILE:
            raise ConfigError(f"{visible(str(path))} would grow beyond {MAX_FILE} bytes, and would not be read again")
        with around or nullcontext():
            replace(content)


def parse(text: str, name: str) -> Document:
    """Return what a text holds; raise ConfigError, which calls the text ``name``, when it is not a profile file."""
    tree = _parse_toml(text, name)
    tables = tree.pop("profiles", {})
    default = tree.pop("default", None)
    journal, command = tree.pop("journal", None), tree.pop("journal_password_command", None)
    problems = [f"unknown setting {visible_key(key)} at the top of the file" for key in tree]
    if not (journal is None or (isinstance(journal, str) and journal)):
        problems.append('journal must be a path or a URL: journal = "postgresql://host/database"')
    if not (command is None or is_command(command)):
        problems.append('journal_password_command must be a list of arguments: ["pass", "show", "journal"]')
    if not (default is None or isinstance(default, str)):
        problems.append('default must be the name of a profile: default = "work"')
    if not isinstance(tables, dict):
        problems.append("profiles must be tables: [profiles.work]")
        tables = {}
    for profile, table in tables.items():
        problems += _misshapen(profile, table)
    if problems:
        raise ConfigError(f"{name} is not a profile file", hint=_MEND, problems=problems)
    return Document(text, tables, default, journal, tuple(command or ()))


def _parse_toml(text: str, name: str) -> dict[str, Any]:
    import tomllib  # a run on the environment alone needs no TOML

    for number, line in enumerate(text.split("\n"), 1):  # no other character ends a line of TOML
        if line.count(".") > _MAX_DOTS and not line.lstrip().startswith("#"):
            raise ConfigError(f"{name}, line {number}: more than {_MAX_DOTS} dots in one line", hint=_MEND)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # The parser's own sentence may quote the file; its position does not.
        place = re.search(r"\(at (line \d+, column \d+|end of document)\)$", str(error))
        raise ConfigError(f"{name} is not TOML (at {place[1] if place else 'an unknown place'})", hint=_MEND) from None


def _misshapen(name: str, table: object) -> Iterator[str]:
    if not re.fullmatch(NAME, name):
        yield "a profile's name is made of letters, digits, - and _"
    elif not isinstance(table, dict):
        yield f"profiles.{name} must be a table: [profiles.{name}]"
    else:
        for key, value in table.items():
            items = value if isinstance(value, list) else [value]
            if any(isinstance(item, (dict, list)) for item in items):
                yield f"[profiles.{name}] {visible_key(key)} is nested, and profiles are flat"


def is_command(value: object) -> bool:
    """Return whether a setting is a program and its arguments."""
    return isinstance(value, list) and bool(value) and all(isinstance(i, str) and "\0" not in i for i in value)


def visible_key(key: str) -> str:
    """Return a key as messages may repeat it."""
    # A line that lost its beginning can put a secret where a name should be: only what looks like a name is quoted.
    return key if re.fullmatch(_LOOKS_LIKE_A_KEY, key) else "(not shown: it does not look like a name)"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return the end of a hint, with the name that was probably meant; empty when there is none."""
    return "".join(f"; did you mean {near}?" for near in nearest(name.lower().replace("-", "_"), known))


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the name that was probably meant, if there is one."""
    from difflib import get_close_matches  # only for those who mistyped

    return get_close_matches(name, known, n=1)


def expanded(name: str, what: str) -> Path:
    """Return a path without its ``~``; raise ConfigError, which calls it ``what``, when there is no home directory."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ConfigError(f"{what} starts with ~, and there is no home directory") from None

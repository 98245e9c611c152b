"""What other packages bring to smscli: they declare it as entry points, and it is imported when it is asked for.

The module finds the packages, loads what they declare and says what is wrong with one. It does not know what a vendor
is: a ``Group`` is told which type is meant and what else must hold. Whoever asks for a name gets the error of its
package; whoever asks for all goes on without it, and a warning waits for the one who writes to people.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from smscli.errors import ConfigError, SmscliError
from smscli.model import visible

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

_LONGEST_REASON = 300  # characters


class Group(Generic[T]):
    """One group of entry points: names, in small letters, of objects of one type.

    ``noun`` is what a person calls such an object. ``flaw(name, object)`` says what keeps it from being used, or None;
    it may raise an SmscliError that says so.
    """

    def __init__(self, noun: str, group: str, kind: type[T], flaw: Callable[[str, T], str | None]) -> None:
        self._noun, self._group, self._kind, self._flaw = noun, group, kind, flaw

    def get(self, name: str) -> T | None:
        """Return what a package declares under that name, None when none does; raise ConfigError when it is broken."""
        candidates = _declared(self._group).get(name, [])
        if len(candidates) > 1:
            packages = [package for package, _ in candidates]
            raise ConfigError(
                f"the {self._noun} {visible(name)} is in several packages: {', '.join(packages)}",
                hint=f"keep one of them: pip uninstall {packages[-1].partition(' ')[0]}",
            )
        for _, entry in candidates:
            loaded, why = self._load(entry)
            if loaded is None:
                raise self.unusable(name, why)
            return loaded
        return None

    def all(self) -> dict[str, T]:
        """Return all that can be used, by name, sorted; the others are left out with a warning."""
        usable = {}
        for name in sorted(_declared(self._group)):
            try:
                loaded = self.get(name)
            except ConfigError as error:
                leave_out(error)
            else:
                usable.update({name: loaded} if loaded is not None else {})
        return usable

    def unusable(self, name: str, why: str) -> ConfigError:
        """Return the error that names the package of a declared name, and why it cannot be used."""
        package = _declared(self._group)[name][0][0]
        return ConfigError(
            f"the {self._noun} {visible(name)} of the package {package} cannot be used: {why}",
            hint=f"update that package, or remove it: pip uninstall {package.partition(' ')[0]}",
        )

    def _load(self, entry: EntryPoint) -> tuple[T | None, str]:
        """Return the object, or None and why not."""
        if not re.fullmatch("[a-z][a-z0-9_-]*", entry.name):
            return None, "its name must be small letters, digits, - and _"
        module, _, attribute = (part.strip() for part in entry.value.partition(":"))
        try:
            # What it prints must not stand in our output.
            with redirect_stdout(StringIO()):
                loaded = getattr(import_module(module), attribute, None)
            if not isinstance(loaded, self._kind):
                return None, f"{visible(entry.value)} is no {self._kind.__name__}"
            why = self._flaw(entry.name, loaded)
        except (Exception, SystemExit) as error:  # noqa: BLE001  (the code of strangers: it may raise anything)
            return None, _reason(error)
        return (loaded, "") if why is None else (None, why)


_left_out: dict[str, None] = {}


def leave_out(error: ConfigError) -> None:
    """Go on without what the error is about; whoever writes to people gets a warning of it."""
    _left_out[error.message] = None


def warnings() -> tuple[str, ...]:
    """Return what was left out since this was last asked, each thing once."""
    messages = tuple(_left_out)
    _left_out.clear()
    return messages


def _declared(group: str) -> dict[str, list[tuple[str, EntryPoint]]]:
    return _entry_points().get(group, {})


@cache
def _entry_points() -> dict[str, dict[str, list[tuple[str, EntryPoint]]]]:
    """Return by group and name, in small letters, who declares it: the package with its version, and the entry point.

    Our own look through the packages, because the library's ends at the first one that it cannot read.
    """
    if not any(map(_may_declare, sys.path)) and not any(map(_finds_more, sys.meta_path)):
        return {}
    from importlib.metadata import distributions  # 13 ms, and hardly anybody has a plugin

    groups: dict[str, dict[str, list[tuple[str, EntryPoint]]]] = {}
    packages: set[str] = set()
    for distribution in distributions():
        try:
            if "[smscli." not in (distribution.read_text("entry_points.txt") or ""):
                continue
            package, version = distribution.name, distribution.version
            entries = list(dict.fromkeys(distribution.entry_points))
            normal = re.sub("[-_.]+", "-", package).lower()
        except Exception:  # noqa: BLE001, S112  (Pythons disagree about what an unreadable package raises)
            continue
        if normal in packages:  # the first one on the path is the one that is imported
            continue
        packages.add(normal)
        for entry in entries:
            names = groups.setdefault(entry.group, {})
            names.setdefault(entry.name.lower(), []).append((visible(f"{package} {version}"), entry))
    return groups


def _may_declare(folder: str) -> bool:
    """Return whether a place on the path may hold a package that declares something for us."""
    try:
        for entry in Path(folder).iterdir():
            if entry.suffix in (".dist-info", ".egg-info") or entry.name == "EGG-INFO":
                with suppress(OSError):
                    if b"[smscli." in (entry / "entry_points.txt").read_bytes():
                        return True
    except OSError as error:
        return isinstance(error, NotADirectoryError)  # an archive
    return False


def _finds_more(finder: object) -> bool:
    """Return whether a finder looks for packages elsewhere than on the path."""
    return finder is not PathFinder and hasattr(finder, "find_distributions")


def _reason(error: BaseException) -> str:
    """Return why something could not be loaded; a message is quoted only where it cannot hold a value."""
    if isinstance(error, SmscliError):
        text = error.message
    elif isinstance(error, SyntaxError):
        text = f"{error.msg} ({_base_name(error.filename)}, line {error.lineno})"
    elif isinstance(error, (ImportError, AttributeError, NameError, TypeError)):
        text = f"{type(error).__name__}: {error}"
    else:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f" ({_base_name(trace.tb_frame.f_code.co_filename)}, line {trace.tb_lineno})" if trace else ""
        text = f"{type(error).__name__}{where}"
    return visible(text)[:_LONGEST_REASON]


def _base_name(path: str | None) -> str:
    return (path or "?").replace("\\", "/").rpartition("/")[2]

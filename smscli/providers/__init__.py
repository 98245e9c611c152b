"""The vendors, one module each. A module is imported when its name is asked for, not before.

Another package brings one by the entry-point group ``smscli.providers`` (its name is the vendor's, its value
``module:PROVIDER``). The vendors of this package win, and are found without a look at others.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from smscli import plugins
from smscli.errors import ConfigError, InputError
from smscli.model import visible
from smscli.providers._answers import Answers, Members, amount, of_parts, report, seconds, unknown, whole
from smscli.providers._base import Operation, Provider, Stamp

__all__ = [
    "Answers", "Members", "Operation", "Provider", "Stamp", "amount", "find", "get", "names", "of_parts", "report",
    "seconds", "unknown", "whole",
]  # fmt: skip


@cache
def names() -> tuple[str, ...]:
    """Return the names of all vendors, sorted. Those of other packages are imported: what is broken is left out."""
    return tuple(sorted((*_own_names(), *_PLUGINS.all())))


def get(name: str) -> Provider:
    """Return the vendor of that name or title, in any case.

    Raises InputError, with the names there are, for none; ConfigError for one whose package cannot be used.
    """
    provider = _own(name) or _brought(name)
    if provider is None:
        raise InputError(f"there is no provider {visible(name)!r}", hint=f"providers: {', '.join(names())}")
    return provider


def find(name: str) -> Provider | None:
    """Return the vendor of that name or title, in any case, or None. A name imports its own module alone."""
    try:
        return _own(name) or _brought(name)
    except ConfigError:
        return None


@cache
def _own_names() -> tuple[str, ...]:
    from pkgutil import iter_modules

    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))


def _brought(name: str) -> Provider | None:
    wanted = name.lower()
    return _PLUGINS.get(wanted) or next((one for one in _PLUGINS.all().values() if one.title.lower() == wanted), None)


def _flaw(name: str, provider: Provider) -> str | None:
    from smscli.providers import _guest  # only a vendor of another package needs it

    own = [one for one in map(_own, _own_names()) if one]
    return "smscli has a vendor of that name" if _own(name) else _guest.flaw(name, provider, own)


def _own(name: str) -> Provider | None:
    # The titles of our own vendors are their names, but for capitals: a test holds that.
    path = f"{__name__}.{name.lower()}"
    try:
        # Only a name can be a module here: no dots, nothing private.
        provider = import_module(path).PROVIDER if name.isidentifier() and not name.startswith("_") else None
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return None
    return provider if isinstance(provider, Provider) else None


_PLUGINS = plugins.Group("vendor", "smscli.providers", Provider, _flaw)

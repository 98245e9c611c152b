"""The vendors, one module each. A module is imported when its name is asked for, not before."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from smscli.errors import InputError
from smscli.model import visible
from smscli.providers._base import Operation, Provider, Stamp

__all__ = ["Operation", "Provider", "Stamp", "find", "get", "names"]


@cache
def names() -> tuple[str, ...]:
    """Return the names of all vendors, sorted. Nothing is imported."""
    from pkgutil import iter_modules

    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))


def get(name: str) -> Provider:
    """Return the vendor of that name or title, in any case; raise InputError, with the names there are, for none."""
    provider = find(name)
    if provider is None:
        raise InputError(f"there is no provider {visible(name)!r}", hint=f"providers: {', '.join(names())}")
    return provider


def find(name: str) -> Provider | None:
    """Return the vendor of that name or title, in any case, or None. A name imports its own module alone."""
    wanted = name.lower()
    return _load(wanted) or next((one for one in map(_load, names()) if one and one.title.lower() == wanted), None)


def _load(name: str) -> Provider | None:
    path = f"{__name__}.{name}"
    try:
        # Only a name can be a module here: no dots, nothing private.
        provider = import_module(path).PROVIDER if name.isidentifier() and not name.startswith("_") else None
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return None
    return provider if isinstance(provider, Provider) else None

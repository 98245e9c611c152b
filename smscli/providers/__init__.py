"""The vendors, one module each. A module is imported when its name is asked for, not before."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from smscli.errors import InputError
from smscli.model import visible
from smscli.providers._base import Operation, Provider, Stamp

__all__ = ["Operation", "Provider", "Stamp", "get", "names"]


@cache
def names() -> tuple[str, ...]:
    """Return the names of all vendors, sorted. Nothing is imported."""
    from pkgutil import iter_modules

    return tuple(sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")))


def get(name: str) -> Provider:
    """Return the vendor of that name; raise InputError, with the names there are, when there is none."""
    try:
        if not name.isidentifier() or name.startswith("_"):
            raise ModuleNotFoundError(name=f"{__name__}.{name}")
        provider = import_module(f"{__name__}.{name}").PROVIDER
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise InputError(f"there is no provider {visible(name)!r}", hint=f"providers: {', '.join(names())}") from None
    assert isinstance(provider, Provider)  # noqa: S101  (a vendor module without one is a bug, not bad input)
    return provider

"""What a vendor of another package must hold, so that it stands in the way of no other.

A package that brings a vendor has tests of its own; here is only what the lists of all vendors rely on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from keyword import iskeyword
from typing import Any

from smscli.model import Field, visible
from smscli.providers._base import Operation, Provider
from smscli.signing import Rule

RESERVED = frozenset((
    "base_url", "batch_size", "ca_file", "call", "config", "confirm_above", "default", "fallback", "journal", "keyring",
    "name", "output", "profile", "provider", "proxy", "region", "sandbox", "sender", "state_dir", "store_text",
    "time_zone", "timeout", "to",
))  # fmt: skip
"""What no field may be called: keys of a profile, and variables, that mean the same for all vendors."""

_SHAPES: dict[str, Any] = {
    "title": str, "base_url": (str, type(None)), "fields": tuple, "rule": Rule, "send": Operation, "balance": Operation,
    "price": (Operation, type(None)), "status": (Operation, type(None)),
}  # fmt: skip


def flaw(name: str, provider: Provider, others: Iterable[Provider]) -> str | None:
    """Return what is wrong with the vendor that a package declares under ``name``, None when nothing is.

    ``others`` are vendors with whose fields its own must agree.
    """
    if provider.name != name:
        return f"its provider is named {visible(str(provider.name))}"
    for attribute, shape in _SHAPES.items():
        if not isinstance(getattr(provider, attribute), shape):
            return f"its {attribute} is of another type"
    fields: tuple[Any, ...] = provider.fields
    if not all(isinstance(one, Field) and one.help for one in fields):
        return "each of its fields must be a Field with a help text"
    for one in fields:
        keys = (one.name, f"{one.name}_file", f"{one.name}_command") if one.secret else (one.name,)
        if not re.fullmatch("[a-z][a-z0-9_]*", one.name) or iskeyword(one.name) or RESERVED.intersection(keys):
            return f"no field may be called {visible(one.name)}"
    secrecy = {one.name: one.secret for other in others for one in other.fields}
    for one in fields:
        if secrecy.get(one.name, one.secret) is not one.secret:
            return f"its field {one.name} is {'secret' if one.secret else 'public'}, and other vendors' is not"
    signing = [one for one in fields if one.secret and not one.sent]
    return None if len(signing) == 1 else "exactly one of its fields must be secret and not sent: the key that signs"

"""All vendors on one desk: an emulator that checks what the vendors check and answers as they answer.

This module owns the demo accounts, the web application and its two ways in: a loopback server and a transport inside
the process. It never speaks to the outside, never logs, and never gives away a secret or a correct signature.

A vendor platform is one module here, found by its name like the vendors themselves; it fills in an ``Emulator`` and
knows nothing of Flask. Importing this module does not import Flask either: the functions do. Another package brings one
by the entry-point group ``smscli.emulators`` (its name is the vendor's, its value ``module:EMULATOR``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smscli import plugins, providers
from smscli.errors import ConfigError
from smscli.model import Account, Profile, SecretValue, visible
from smscli.sandbox._emulator import Answer, Call, Caught, Check, Demo, Desk, Emulator, due, standing, verify
from smscli.wire import Transport

if TYPE_CHECKING:
    from flask import Flask

__all__ = [
    "USUAL", "Answer", "Call", "Caught", "Check", "Demo", "Desk", "Emulator", "base_urls", "create_app", "demo",
    "demo_accounts", "demo_profile", "due", "emulators", "serve", "standing", "transport", "verify",
]  # fmt: skip

_PAGES = ("/", "/api/messages")  # the sandbox's own


_MODULES = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
_OWN: tuple[Emulator, ...] = tuple(import_module(f"{__name__}.{name}").EMULATOR for name in _MODULES)
"""The vendor platforms of this package, by module name."""

USUAL = min(_OWN[0].demo)
"""The vendor that is meant where none is named: the first one."""


def emulators() -> tuple[Emulator, ...]:
    """Return all vendor platforms there are: what a sandbox serves. What is broken is left out."""
    served = [*_OWN]
    for vendor, emulator in _PLUGINS.all().items():
        clash = {path for one in served if one is not emulator for path in one.routes} & emulator.routes.keys()
        if clash:
            plugins.leave_out(_PLUGINS.unusable(vendor, f"another emulator answers at {min(clash)}"))
        elif emulator not in served:
            served.append(emulator)
    return tuple(served)


def demo(vendor: str) -> Demo:
    """Return the demo account of the vendor of that name.

    Raises UnsupportedError for a vendor without an emulator, ConfigError when the emulator's package cannot be used.
    """
    return _emulator(vendor).demo[vendor]


def demo_accounts() -> dict[str, Account]:
    """Return one invented account for each vendor name. Its ``base_url`` names a host that does not exist."""
    return {vendor: emulator.demo[vendor].account for emulator in emulators() for vendor in sorted(emulator.demo)}


def demo_profile(provider: str) -> Profile:
    """Return a complete profile of the demo account: nothing is missing but a recipient and a text.

    Raises what ``demo`` raises.
    """
    chosen = demo(provider)
    account = chosen.account
    return Profile(
        name=None,
        provider=provider,
        base_url="",
        secret=SecretValue(account.secret),
        fields=account.fields,
        sent_secrets={name: SecretValue(secret) for name, secret in account.sent_secrets.items()},
        sender=chosen.sender,
        region=chosen.region,
        sandbox=True,
        sources=dict.fromkeys(
            ("provider", "sandbox", "secret", "sender", "region", *account.fields, *account.sent_secrets),
            "sandbox demo account",
        ),
    )


def base_urls(root: str) -> dict[str, str]:
    """Return each vendor's base URL below ``root``, the URL of a sandbox. Paths are those of the vendor."""
    return {name: root.rstrip("/") + urlsplit(account.base_url).path for name, account in demo_accounts().items()}


def create_app(
    accounts: Mapping[str, Account] | None = None,
    *,
    only: str | None = None,
    clock: Callable[[], float] = time.time,
    credit: Mapping[str, Decimal] | None = None,
) -> Flask:
    """Return the application, with state of its own: balances, ids, and what it caught.

    ``accounts`` are the credentials it accepts, by vendor name (None: ``demo_accounts``); their ``base_url`` is not
    looked at. ``clock`` gives Unix seconds. ``credit`` replaces what a vendor's account holds at the start (money, or
    free messages). ``only`` names the one vendor whose platform is served; without it all are.
    Raises ConfigError when Flask is not installed, and what ``demo`` raises.
    """
    if find_spec("flask") is None:
        raise ConfigError("the sandbox needs Flask", hint="pip install 'smscli[sandbox]'")
    from smscli.sandbox import _web

    served = emulators() if only is None else (_emulator(only),)
    return _web.create_app(served, demo_accounts() if accounts is None else accounts, clock, credit or {})


def transport(app: Flask) -> Transport:
    """Return a transport that hands requests to ``app`` inside this process, whatever host they name."""
    from smscli.sandbox import _web

    return _web.transport(app)


def serve(app: Flask, port: int, host: str = "127.0.0.1", *, ready: Callable[[str], None]) -> None:
    """Serve ``app`` until SIGINT or SIGTERM, then return; port 0 takes any free one.

    Calls ``ready`` with the root URL once connections are accepted. Call it in the main thread.
    Raises ConfigError when the address cannot be had.
    """
    from smscli.sandbox import _web

    _web.serve(app, port, host, ready)


def _emulator(vendor: str) -> Emulator:
    def search(candidates: Iterable[Emulator]) -> Emulator | None:
        return next((emulator for emulator in candidates if vendor in emulator.demo), None)

    # A platform of several vendors may be declared under one of them.
    emulator = search(_OWN) or _PLUGINS.get(vendor) or search(emulators())
    if emulator is None:
        raise providers.get(vendor).unsupported("emulator")
    return emulator


def _flaw(name: str, emulator: Emulator) -> str | None:
    """Return what keeps an emulator of another package from being served among the others, None when nothing does."""
    if name not in emulator.demo:
        return "it has no demo account of that vendor"
    for vendor in emulator.demo:
        if any(vendor in own.demo for own in _OWN):
            return f"smscli has an emulator of {vendor}"
        providers.get(vendor)
    # "<" begins a pattern of Flask's; a vendor's address has none.
    odd = [path for path in emulator.routes if path in _PAGES or not path.startswith("/") or "<" in path]
    return f"it cannot answer at {visible(odd[0])}" if odd else None


_PLUGINS = plugins.Group("emulator", "smscli.emulators", Emulator, _flaw)

"""All vendors on one desk: an emulator that checks what the vendors check and answers as they answer.

This room owns the demo accounts, the web application and its two ways in: a loopback server and a transport inside
the process. It never speaks to the outside, never logs, and never gives away a secret or a correct signature.

A vendor platform is one module here, found by its name like the vendors themselves; it fills in an ``Emulator`` and
knows nothing of Flask. Importing this room does not import Flask either: the functions do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smscli.errors import ConfigError
from smscli.model import Account, Profile, SecretSource
from smscli.sandbox._emulator import Emulator
from smscli.wire import Transport

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["DEMO", "EMULATORS", "base_urls", "create_app", "demo_profile", "serve", "transport"]


def _discover() -> tuple[Emulator, ...]:
    modules = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(import_module(f"{__name__}.{name}").EMULATOR for name in modules)


EMULATORS = _discover()
"""The vendor platforms there are, by module name."""

DEMO: Mapping[str, Account] = {
    name: demo.account for emulator in EMULATORS for name, demo in sorted(emulator.demo.items())
}
"""One invented account for each vendor name. Its ``base_url`` names a host that does not exist."""


def demo_profile(provider: str) -> Profile:
    """Return a complete profile of the demo account: nothing is missing but a recipient and a text.

    Raises KeyError for a vendor without an emulator.
    """
    demo = next(emulator.demo[provider] for emulator in EMULATORS if provider in emulator.demo)
    return Profile(
        name=None,
        provider=provider,
        base_url="",
        secret=SecretSource("value", value=demo.account.secret),
        fields=demo.account.fields,
        sender=demo.sender,
        region=demo.region,
        sandbox=True,
        sources=dict.fromkeys(
            ("provider", "sandbox", "secret", "sender", "region", *demo.account.fields), "sandbox demo account"
        ),
    )


def base_urls(root: str) -> dict[str, str]:
    """Return each vendor's base URL below ``root``, the URL of a sandbox. Paths are those of the vendor."""
    return {name: root.rstrip("/") + urlsplit(account.base_url).path for name, account in DEMO.items()}


def create_app(
    accounts: Mapping[str, Account] = DEMO,
    *,
    clock: Callable[[], float] = time.time,
    credit: Mapping[str, Decimal] | None = None,
) -> Flask:
    """Return the application, with state of its own: balances, ids, and what it caught.

    ``accounts`` are the credentials it accepts, by vendor name; their ``base_url`` is not looked at. ``clock`` gives
    Unix seconds. ``credit`` replaces what a vendor's account holds at the start (money, or free messages).
    Raises ConfigError when Flask is not installed.
    """
    _need_flask()
    from smscli.sandbox import _web

    return _web.create_app(EMULATORS, accounts, clock, credit or {})


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


def _need_flask() -> None:
    if find_spec("flask") is None:
        raise ConfigError("the sandbox needs Flask", hint="pip install 'smscli[sandbox]'")

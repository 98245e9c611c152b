"""All vendors on one desk: an emulator that checks what the vendors check and answers as they answer.

This package owns the demo accounts, the sandbox and its two ways in: a loopback server and a transport inside the
process. It never speaks to the outside (what a recorder passes on goes by a way that it was given), never logs, and
never gives away a secret or a correct signature.

A vendor platform is one module here, found by its name like the vendors themselves; it fills in an ``Emulator``.
Another package brings one by the entry-point group ``smscli.emulators`` (its name is the vendor's, its value
``module:EMULATOR``). What is no vendor's has an underscore::

    _raw.py        a request and a reply, as bytes
    _params.py     parameters out of a request, as PHP gathers them     (pure)
    _hiding.py     what nobody may see, hidden in any spelling          (pure)
    _call.py       a request as a vendor's program sees it; demo accounts
    _reasons.py    why it is refused, in words                          (pure)
    _checking.py   a signature looked at, and what is wrong with it
    _course.py     when a message moves on, as its number says          (pure)
    _desk.py       what a sandbox remembers
    _failures.py   errors on purpose: by number, by rule                (pure)
    _emulator.py   a vendor platform as a record of functions
    _reports.py    deliveries reported to an address of this machine
    _later.py      a reply that is not ready
    _service.py    the sandbox: raw request -> raw reply
    _api.py        what programs ask it below /api (openapi.json describes that)
    _upstream.py   requests that go on to a vendor, and what the list says of them
    _chaos.py      what goes wrong on demand
    _page.py       the page at / for people (its files are in page/)
    _search.py     which messages are meant, and the code in one        (pure)
    _hub.py        events for those who wait for them
    _asgi.py       a reply on its way, whole or broken
    _http.py       the server in front of it                            (the only importer of uvicorn)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smscli import plugins, providers
from smscli.errors import ConfigError
from smscli.model import Account, Profile, SecretValue, visible
from smscli.sandbox._call import Call, Demo, account_settings
from smscli.sandbox._checking import Check, verify
from smscli.sandbox._course import due, standing
from smscli.sandbox._desk import Caught, Desk
from smscli.sandbox._emulator import Answer, Emulator
from smscli.sandbox._failures import Failure, ending, provoked
from smscli.wire import Transport, is_loopback

if TYPE_CHECKING:
    from smscli.sandbox._service import Sandbox
    from smscli.sandbox._upstream import PassOn

__all__ = [
    "USUAL", "Answer", "Call", "Caught", "Check", "Demo", "Desk", "Emulator", "Failure", "Sandbox", "base_urls",
    "create_app", "create_recorder", "demo", "demo_accounts", "demo_profile", "due", "emulators", "ending", "environ",
    "parse_amount", "profile_table", "provoked", "serve", "settings", "standing", "transport", "verify", "written",
]  # fmt: skip

_PAGES = ("/", "/api/messages", "/page/setup")  # the sandbox's own


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
    return _platform(vendor).demo[vendor]


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


def settings(vendor: str) -> dict[str, str]:
    """Return the settings of a demo account. Its key is no secret: it opens nothing but this emulator.

    Raises what ``demo`` raises.
    """
    return account_settings(vendor, demo(vendor).account)


def profile_table(vendor: str, url: str) -> dict[str, str | bool]:
    """Return a demo account at ``url`` as a profile, named as in a profile file. Raises what ``demo`` raises."""
    chosen = demo(vendor)
    table: dict[str, str | bool] = {"provider": vendor, "sandbox": True, "base_url": url, **settings(vendor)}
    return table | {name: value for name in ("sender", "region") if (value := getattr(chosen, name))}


def environ(table: Mapping[str, str | bool]) -> dict[str, str]:
    """Return a profile's settings as the variables that smscli, and programs that read the same, take them from."""
    return {f"SMSCLI_{name.upper()}": "true" if value is True else str(value) for name, value in table.items()}


def create_app(
    accounts: Mapping[str, Account] | None = None,
    *,
    only: str | None = None,
    clock: Callable[[], float] = time.time,
    credit: Mapping[str, Decimal] | None = None,
    reports: Mapping[str, str] | None = None,
    chaos: Sequence[str] = (),
    seed: str | None = None,
) -> Sandbox:
    """Return a sandbox with state of its own: balances, ids, and what it caught.

    ``accounts`` are the credentials it accepts, by vendor name (None: ``demo_accounts``); their ``base_url`` is not
    looked at. ``clock`` gives Unix seconds. ``credit`` replaces what a vendor's account holds at the start (money, or
    free messages). ``only`` names the one vendor whose platform is served; without it all are.
    ``reports`` are the URLs of this machine that deliveries are reported to, by vendor name.
    ``chaos`` are rules of what goes wrong (``_chaos.py``); with one ``seed`` the same chances come in the same order.
    Raises what ``demo`` raises, and InputError for a URL that is not of this machine, a vendor without reports, or a
    rule that says what there is not.
    """
    from smscli.sandbox._service import Sandbox  # who only wants the demo accounts does not pay for it

    served = emulators() if only is None else (_platform(only),)
    app = Sandbox(served, demo_accounts() if accounts is None else accounts, clock, credit or {}, seed or "")
    if chaos:
        from smscli.sandbox._chaos import parse  # few want them

        app.rules().first = [parse(text, served) for text in chaos]
        app.rules().reset()
    if reports:
        from smscli.sandbox._reports import Reports  # nor these

        app.desk.listeners.append(Reports(served, reports, clock, app.desk.cancelled))
    return app


def create_recorder(
    vendor: str,
    account: Account,
    pass_on: PassOn,
    cancel: Callable[[], None],
    *,
    region: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Sandbox:
    """Return a sandbox that emulates nothing: requests of one vendor go on to the account's address, as they came.

    The list has each with its answer, and says by the account's key what is wrong. Other vendors are not there: an
    answer of their emulators would be taken for a text that was sent. ``pass_on`` carries a request, once, ``cancel``
    ends those under way, for good. ``region`` is the ISO 3166 country of numbers that are written nationally.
    Raises what ``demo`` raises.
    """
    from smscli.sandbox._service import Sandbox
    from smscli.sandbox._upstream import Upstream

    chosen = demo(vendor)
    upstream = Upstream(vendor, account.base_url, pass_on, cancel, region or chosen.region)
    return Sandbox((_platform(vendor),), {vendor: account}, clock, {}, upstream=upstream)


def transport(app: Sandbox) -> Transport:
    """Return a transport that hands requests to ``app`` inside this process, whatever host they name."""
    from smscli.sandbox import _service

    return _service.transport(app)


def serve(app: Sandbox, port: int, host: str = "127.0.0.1", *, ready: Callable[[str], None]) -> None:
    """Serve ``app`` until SIGINT, SIGTERM or ``app.close()``, then return; port 0 takes any free one.

    Calls ``ready`` with the root URL once connections are accepted. Signals are heard in the main thread only.
    Raises ConfigError when the address cannot be had, or the server is not installed; and for an address of the
    network, when requests are passed on: what really sends is for this machine alone.
    """
    if app.upstream and not is_loopback(host):
        raise ConfigError("requests that come from other machines are not passed on", hint="serve it on 127.0.0.1")
    if find_spec("uvicorn") is None or find_spec("python_multipart") is None:
        raise ConfigError("serving the sandbox needs uvicorn", hint="pip install 'smscli[sandbox]'")
    from smscli.sandbox import _http

    _http.serve(app, port, host, ready)


def written(app: Sandbox, entry: Caught, *, whole: bool = False) -> dict[str, object]:
    """Return an entry as JSON shows it, secrets masked; ``whole`` adds the request as it came."""
    from smscli.sandbox import _api

    return _api.written(app, entry, whole=whole)


def parse_amount(text: str) -> Decimal:
    """Return an amount of money or of free messages. Raises InputError for what is none."""
    from smscli.sandbox import _api

    return _api.parse_amount(text)


def _platform(vendor: str) -> Emulator:
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
    odd = [path for path in emulator.routes if path in _PAGES or not path.startswith("/") or "<" in path]
    odd += [root for root in emulator.roots if any(page.startswith(root) for page in _PAGES) or not _is_root(root)]
    return f"it cannot answer at {visible(odd[0])}" if odd else None


def _is_root(path: str) -> bool:
    return path.startswith("/") and path.endswith("/") and "<" not in path


_PLUGINS = plugins.Group("emulator", "smscli.emulators", Emulator, _flaw)

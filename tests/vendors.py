"""What tests know of the vendors there are: what providers and emulators say of themselves, and nothing else.

What somebody has read of a vendor a second time is a module of ``oracles``, found by the vendor's name.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from smscli import providers, sandbox
from smscli.model import MSISDN, Account, Message, Secret, SenderId
from smscli.wire import Request, Response, Transport
from tests.oracles._oracle import Oracle

NAMES = providers.names()
PLATFORMS = tuple(sorted(min(emulator.demo) for emulator in sandbox.emulators()))
"""One vendor of each platform: brands of one platform share rule, requests and answers."""

NOW = 1732809600.5
"""Unix seconds by the clocks of the vendors in ``emulator``, which stand still."""


def numbers(vendor: str) -> tuple[str, str, str]:
    """Return three numbers of nobody that the vendor takes, ``+`` and digits."""
    return sandbox.demo(vendor).numbers


def message(vendor: str, text: str = "hello", recipients: int = 1) -> Message:
    """Return a text that the vendor takes, to the first of its numbers."""
    sender = sandbox.demo(vendor).sender
    to = tuple(MSISDN(number.lstrip("+")) for number in numbers(vendor)[:recipients])
    return Message(to, text, SenderId(sender) if sender else None)


def account(vendor: str, base_url: str | None = None) -> Account:
    """Return the demo account, at another address if one is given."""
    demo = sandbox.demo(vendor).account
    return demo if base_url is None else demo._replace(base_url=base_url)


def environment(vendor: str, key: str | None = None) -> dict[str, str]:
    """Return the demo account as the environment that names it; ``key`` stands in for all of its secrets."""
    provider, demo = providers.get(vendor), account(vendor)
    secrets = {provider.secret_field.name: demo.secret, **demo.sent_secrets}
    values = {
        "provider": vendor,
        "base_url": demo.base_url.replace("http:", "https:"),
        "sender": sandbox.demo(vendor).sender or "",
        **demo.fields,
        **{name: key or secret.reveal() for name, secret in secrets.items()},
    }
    return {f"SMSCLI_{name.upper()}": value for name, value in values.items()}


def emulator() -> Transport:
    """Return the emulator of every vendor, in this process."""
    return sandbox.transport(sandbox.create_app(clock=lambda: NOW))


def refusal(vendor: str) -> str:
    """Return one documented refusal of the vendor: its emulator's, of a wrong signature."""
    stranger = account(vendor)._replace(secret=Secret("of nobody"))
    return emulator()(providers.get(vendor).send.build(message(vendor), stranger, str(int(NOW))), 1.0).body.decode()


def answering(body: bytes, status: int = 200) -> Transport:
    """Return a vendor that answers every billable request so, and tells the time."""

    def transport(request: Request, _seconds: float) -> Response:
        return Response(status, body) if request.billable else Response(200, str(int(NOW)).encode())

    return transport


def oracle(vendor: str) -> Oracle | None:
    """Return what is written a second time of a vendor's platform, None if nothing is."""
    platform = next(min(emulator.demo) for emulator in sandbox.emulators() if vendor in emulator.demo)
    name = f"tests.oracles.{platform}"
    return cast(Oracle, import_module(name)) if find_spec(name) else None


ORACLES = {vendor: reading for vendor in PLATFORMS if (reading := oracle(vendor))}
"""Those that there are, by the platform's name in ``PLATFORMS``."""


def needed_oracle(vendor: str) -> Oracle:
    """Return the vendor's oracle, or skip the test."""
    reading = oracle(vendor)
    if reading is None:
        import pytest  # only here: the tests' server has no use for it

        pytest.skip(f"nobody has read the pages of {vendor} a second time (tests/oracles)")
    return reading


def vectors(vendor: str) -> list[Path]:
    """Return the vendor's stored signatures: those that its own package brings, or those of this directory."""
    module = Path(inspect.getfile(providers.get(vendor).balance.build))
    return sorted((module.parent / "vectors").glob("*.json")) or sorted(
        Path(__file__).parent.joinpath("vectors", vendor).glob("*.json")
    )

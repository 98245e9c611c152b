"""``smscli sandbox --upstream PROFILE``: what other programs send goes on to the profile's vendor, and is listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smscli import sandbox
from smscli.cli.invocation import Invocation
from smscli.errors import ConfigError, InputError
from smscli.render import Result, Table, Tree
from smscli.runtime import Wanted
from smscli.wire import is_loopback

if TYPE_CHECKING:
    from smscli.sandbox import Sandbox


def record(call: Invocation, name: str, others: Sequence[str]) -> tuple[Sandbox, Callable[[str], Result]]:
    """Return the sandbox that passes requests on, and what is to be said of it when its root is known.

    ``others`` are the options that were given beside ``--upstream`` and have nothing to work on there. Raises
    InputError for them and for a profile that leads nowhere, ConfigError for one that cannot be used, or leads back.
    """
    if others:
        raise InputError(
            f"{others[0]} has nothing to do with --upstream: requests are passed on, and nothing is emulated",
            hint="leave out one of the two",
        )
    profile = call.runtime.profile(Wanted(profile=name))
    if call.runtime.stays_inside(profile):
        raise InputError(f"--upstream: profile {name} has no address to pass requests on to", hint="give it a base_url")
    sandbox.demo(profile.provider)  # nothing knows the paths of a vendor without an emulator
    account = call.runtime.account(profile)
    passage = call.runtime.passage(profile)
    app = sandbox.create_recorder(
        profile.provider, account, passage, passage.cancel, region=profile.region, clock=call.runtime.now
    )
    where = account.base_url

    def describe(root: str) -> Result:
        there, here = urlsplit(where), urlsplit(root)
        if is_loopback(there.hostname) and there.port == here.port:
            raise ConfigError(f"--upstream: profile {name} leads back to this sandbox", hint="take another --port")
        end = "another sandbox" if profile.sandbox else "and costs money"
        call.warn(f"warning: every request is passed on to {where}{',' if profile.sandbox else ''} {end}")
        vendor, words = profile.provider, f"profile {name}"
        url = root + app.paths[vendor]
        # Not as of an emulator (`sandbox`): what is sent through it is sent.
        environ = sandbox.environ({"provider": vendor, "base_url": url})
        one: Tree = {
            "provider": vendor, "base_url": url, "account": words, "settings": {}, "environment": environ,
        }  # fmt: skip
        row = vendor, url, words
        return Result(
            data={"root": root, "providers": [one], "upstream": {"profile": name, "base_url": where}},
            lines=(row,),
            table=Table(("provider", "base URL", "account"), (row,), prose=("account",)),
        )

    return app, describe

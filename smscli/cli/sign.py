"""``smscli sign``: a request signature, offline."""

from __future__ import annotations

from typing import Annotated

import typer

from smscli import providers
from smscli.cli.options import Invocation, command, new_app
from smscli.errors import InputError
from smscli.model import Pairs
from smscli.profiles import Need
from smscli.render import Result

app = new_app()


@command(app)
def sign(
    call: Invocation,
    pairs: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="The parameters, exactly as sent.")],
) -> Result:
    """Compute, explain and diagnose a request signature, offline."""
    profile = call.runtime.profile(call.wanted, need=Need.KEY)
    account = call.runtime.account(profile)
    trace = providers.get(profile.provider).sign(_pairs(pairs), account.secret)
    return Result(data={"provider": profile.provider, "signature": trace.signature}, lines=((trace.signature,),))


def _pairs(words: list[str]) -> Pairs:
    missing = next((word for word in words if "=" not in word), None)
    if missing is not None:
        raise InputError(
            f"{missing!r} is not NAME=VALUE", hint="write each parameter as NAME=VALUE; a value may be empty"
        )
    return tuple((name, value) for name, _, value in (word.partition("=") for word in words))

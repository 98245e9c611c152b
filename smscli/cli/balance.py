"""``smscli balance``: what is left, and whether it is enough."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

import typer

from smscli.cli.options import Invocation, command, new_app
from smscli.errors import InputError, RejectedError
from smscli.model import Balance, Profile
from smscli.render import Result, Table

app = new_app()


@command(app, examples=("smscli balance --sandbox", "smscli balance --sandbox --min 10.50"))
def balance(
    call: Invocation,
    minimum: Annotated[
        str | None, typer.Option("--min", metavar="AMOUNT", help="Exit with 5 when less than this is left.")
    ] = None,
) -> Result:
    """Show what is left on the account."""
    wanted = None if minimum is None else _amount(minimum)
    profile = call.runtime.profile(call.wanted)
    account = call.runtime.account(profile)
    with call.caller(profile, account) as (provider, caller):
        left = caller.call(provider.balance, None)
    result = _result(left, profile)
    if wanted is None or left.amount >= wanted:
        return result
    error = RejectedError(f"{left.amount} {left.unit} left, less than the wanted {wanted}", hint="top up the account")
    return result._replace(error=error, exit_code=error.exit_code)


def _amount(text: str) -> Decimal:
    # One spelling only: a comma may stand for thousands as well as for a point, and a guess would let a script go on.
    if not re.fullmatch(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", text):
        raise InputError(f"--min {text!r} is not an amount", hint="write it like 10 or 10.50")
    return Decimal(text)


def _result(left: Balance, profile: Profile) -> Result:
    rows = [("balance", f"{left.amount} {left.unit}")]
    if left.daily_quota is not None:
        rows.append(("daily quota", f"{left.daily_quota} {left.unit}"))
    return Result(
        data={
            "provider": profile.provider,
            "profile": profile.name,
            "amount": str(left.amount),
            "unit": left.unit,
            "daily_quota": left.daily_quota,
            "note": left.note,
        },
        lines=((str(left.amount), left.unit),),
        table=Table(("what", "amount"), tuple(rows), facts=True),
        notes=(left.note,) if left.note else (),
    )

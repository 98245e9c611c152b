"""``smscli balance``: what is left, of one account or of all, and whether it is enough."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, NamedTuple

import typer

from smscli.cli.invocation import Invocation
from smscli.cli.options import command, new_app
from smscli.errors import (
    AuthenticationError,
    ConfigError,
    InputError,
    RejectedError,
    SmscliError,
    UnreachableError,
)
from smscli.model import Balance, Profile
from smscli.render import Result, Table, Tree
from smscli.runtime import Wanted

AT_A_TIME = 16
"""So many vendors are asked at the same time."""

_GRAVEST_FIRST = (AuthenticationError, ConfigError, RejectedError, UnreachableError, SmscliError)

app = new_app()


class _Answer(NamedTuple):
    """What became of the question for one profile: a balance, or an error, or both when too little is left."""

    name: str
    provider: str | None
    balance: Balance | None
    error: SmscliError | None


@command(
    app,
    sections={"Account": ("everywhere",), "Safety": ("minimum",)},
    examples=("smscli balance --sandbox --min 10.50", "smscli balance --sandbox -o json --min EUR=10"),
)
def balance(
    call: Invocation,
    minimum: Annotated[
        list[str] | None,
        typer.Option(
            "--min", metavar="[UNIT=]AMOUNT", help="Exit with 5 when less than this is left; one for each currency."
        ),
    ] = None,
    everywhere: Annotated[bool, typer.Option("--all", help="Ask for every profile, all at the same time.")] = False,
) -> Result:
    """Show what is left on the account, or on all of them."""
    wanted = dict(map(_least, minimum or ()))
    if everywhere:
        return _of_all(call, wanted)
    profile = call.runtime.profile(call.wanted)
    account = call.runtime.account(profile)
    with call.caller(profile, account) as (provider, caller):
        left = caller.call(provider.balance, None)
    result, error = _result(left, profile), _shortage(left, wanted) or _unjudged({left.unit.upper()}, wanted)
    return result if error is None else result._replace(error=error, exit_code=error.exit_code)


def _least(text: str) -> tuple[str, Decimal]:
    """Return a unit, empty for all that are not named, and the amount of it that is wanted."""
    # One spelling only: a comma may stand for thousands as well as for a point, and a guess would let a script go on.
    match = re.fullmatch(r"(?:([A-Za-z]{3})=)?([0-9]{1,15}(?:\.[0-9]{1,9})?)", text)
    if not match:
        raise InputError(f"--min {text!r} is not an amount", hint="write it like 10, 10.50 or EUR=10.50")
    return (match[1] or "").upper(), Decimal(match[2])


def _shortage(left: Balance, wanted: Mapping[str, Decimal]) -> RejectedError | None:
    least = wanted.get(left.unit.upper(), wanted.get(""))
    if least is None or left.amount >= least:
        return None
    return RejectedError(f"{left.amount} {left.unit} left, less than the wanted {least}", hint="top up the account")


def _unjudged(units: Collection[str], wanted: Mapping[str, Decimal]) -> RejectedError | None:
    """Return that an amount was held against no account, if one was: nobody would be told that it has run out."""
    missing = [unit for unit in wanted if unit and unit not in units]
    if not missing:
        return None
    return RejectedError(
        f"no account is in {' or '.join(missing)}, so that its --min was held against nothing",
        hint=f"what was asked is in {', '.join(sorted(units))}: name that, or leave the unit out",
    )


# --- all accounts -----------------------------------------------------------------------------------------------------


def _of_all(call: Invocation, wanted: Mapping[str, Decimal]) -> Result:
    from concurrent.futures import ThreadPoolExecutor

    from smscli import profiles

    if call.wanted.profile or call.wanted.provider or call.wanted.sandbox:
        raise InputError("--all asks for every profile", hint="leave out --profile, --provider and --sandbox")
    names = profiles.names(call.runtime.environ)
    if not names:
        raise ConfigError("there are no profiles", hint="begin one: smscli profile add NAME")
    with ThreadPoolExecutor(min(len(names), AT_A_TIME)) as pool:
        answers = tuple(pool.map(lambda name: _ask(call, name, wanted), names))
    units = {answer.balance.unit.upper() for answer in answers if answer.balance}
    # One that did not answer may be the account that is meant; its own error is told.
    error = _gravest(answers) or _unjudged(units, wanted)
    return Result(
        data={"profiles": [_tree(answer) for answer in answers]},
        lines=tuple(_cells(answer) for answer in answers),
        table=Table(
            ("profile", "amount", "unit", "reason"), tuple(map(_cells, answers)), prose=("reason",)
        ).compact(),
        notes=tuple(f"{a.name}: {a.balance.note}" for a in answers if a.balance and a.balance.note),
        error=error,
        exit_code=error.exit_code if error else 0,
    )  # fmt: skip


def _ask(call: Invocation, name: str, wanted: Mapping[str, Decimal]) -> _Answer:
    """Ask for one profile; whatever is wrong with it is its own matter."""
    provider = None
    try:
        own = Wanted(name, seconds=call.wanted.seconds)
        profile = call.runtime.profile(own)
        provider = profile.provider
        account = call.runtime.account(profile)
        with call.runtime.caller(own, profile, account, trace=call.trace) as (vendor, caller):
            left = caller.call(vendor.balance, None)
    except SmscliError as error:
        return _Answer(name, provider, None, error)
    return _Answer(name, provider, left, _shortage(left, wanted))


def _gravest(answers: Sequence[_Answer]) -> SmscliError | None:
    """Return the error of them all, that of the gravest reason; None when all is well."""
    errors = [(answer.name, answer.error) for answer in answers if answer.error]
    for kind in _GRAVEST_FIRST:
        for name, error in errors:
            if isinstance(error, kind):
                more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
                return type(error)(f"{name}: {error.message}{more}", hint=error.hint, code=error.code)
    return None


def _cells(answer: _Answer) -> tuple[str, ...]:
    left, error = answer.balance, answer.error
    return (
        answer.name,
        str(left.amount) if left else "",
        left.unit if left else "",
        error.message if error else "",
    )


def _tree(answer: _Answer) -> dict[str, Tree]:
    error = answer.error
    return {
        "profile": answer.name,
        "provider": answer.provider,
        **_balance_tree(answer.balance),
        "error": None if error is None else {"type": error.name, "message": error.message, "hint": error.hint},
    }


# --- one account ------------------------------------------------------------------------------------------------------


def _balance_tree(left: Balance | None) -> dict[str, Tree]:
    return {
        "amount": str(left.amount) if left else None,
        "unit": left.unit if left else None,
        "daily_quota": left.daily_quota if left else None,
        "note": left.note if left else None,
    }


def _result(left: Balance, profile: Profile) -> Result:
    rows = [("balance", f"{left.amount} {left.unit}")]
    if left.daily_quota is not None:
        rows.append(("daily quota", f"{left.daily_quota} {left.unit}"))
    return Result(
        data={"provider": profile.provider, "profile": profile.name, **_balance_tree(left)},
        lines=((str(left.amount), left.unit),),
        table=Table(("what", "amount"), tuple(rows), facts=True),
        notes=(left.note,) if left.note else (),
    )

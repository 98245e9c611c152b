"""``smscli timestamp``: the vendor's clock against the local one."""

from __future__ import annotations

from smscli.cli import outcomes
from smscli.cli.clocks import Skew
from smscli.cli.invocation import Invocation
from smscli.cli.options import command, new_app
from smscli.model import ServerTime
from smscli.providers import Provider
from smscli.render import Result, Table

app = new_app()


@command(app, examples=("smscli timestamp --sandbox", "smscli timestamp --sandbox -o json"))
def timestamp(call: Invocation) -> Result:
    """Show the vendor's clock and how far the local clock is off."""
    runtime = call.runtime
    from smscli.profiles import Need

    profile = runtime.profile(call.wanted, need=Need.ADDRESS)
    account = runtime.account(profile, need_secret=False)
    with call.caller(profile, account) as (provider, caller):
        if provider.timestamp is None:
            raise provider.unsupported("clock to ask")
        before = runtime.now()
        vendor = caller.call(provider.timestamp, None)
        after = runtime.now()
    return _result(provider, vendor, before, after)


def _result(provider: Provider, vendor: ServerTime, before: float, after: float) -> Result:
    local = (before + after) / 2
    skew = Skew.of(vendor.unix, before, after)
    there, here = map(outcomes.moment, (vendor.unix, local))
    rows = (("vendor", there, str(vendor.unix)), ("local", here, f"{local:.3f}"))
    late = skew.exceeds(provider.stamp_life / 2)
    return Result(
        data={
            "provider": provider.name,
            "vendor_unix": vendor.unix,
            "vendor_time": there,
            "local_unix": round(local, 3),
            "local_time": here,
            "difference_seconds": round(skew.difference, 3),
            "doubt_seconds": round(skew.doubt, 3),
        },
        lines=((str(vendor.unix),),),
        table=Table(("clock", "time (UTC)", "seconds"), rows, title=skew.sentence(provider.title)),
        notes=(f"set this machine's clock: {provider.title} refuses signatures that are too old",) if late else (),
    )

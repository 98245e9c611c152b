"""``smscli sandbox``: the emulator on a port of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from smscli import providers
from smscli.cli.options import Invocation, command, new_app, profile_option
from smscli.errors import ExitCode
from smscli.model import Account
from smscli.render import Result, Table

app = new_app()


@command(
    app,
    vendor=False,
    sections={"Account": ("profile",)},
    examples=("smscli sandbox", "smscli sandbox --port 0 -o json"),
)
def sandbox(
    call: Invocation,
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 8025,
    profile: Annotated[str | None, profile_option("Accept this profile's credentials instead.")] = None,
) -> ExitCode:
    """Serve an emulator of all vendors on this machine."""
    from smscli import sandbox as emulator
    from smscli.interruption import interruptible
    from smscli.runtime import Wanted

    accounts = emulator.demo_accounts()
    if profile is not None:
        chosen = call.runtime.profile(Wanted(profile=profile))
        emulator.demo(chosen.provider)  # nothing answers where there is none
        accounts[chosen.provider] = call.runtime.account(chosen)
    app = emulator.create_app(accounts, clock=call.runtime.now)
    with interruptible():
        emulator.serve(app, port, ready=lambda root: call.show(_result(root, accounts, profile)))
    return ExitCode.OK


def _result(root: str, accounts: Mapping[str, Account], profile: str | None) -> Result:
    from smscli import sandbox as emulator

    rows = []
    for name, url in emulator.base_urls(root).items():
        account = accounts[name]
        if account is not emulator.demo(name).account:
            rows.append((name, url, f"profile {profile}"))
            continue
        # The demo key is no secret: it opens nothing but this emulator. A profile's own key is.
        secrets = {providers.get(name).secret_field.name: account.secret, **account.sent_secrets}
        fields = {**account.fields, **{field: secret.reveal() for field, secret in secrets.items()}}
        rows.append((name, url, " ".join(f"{field}={value}" for field, value in fields.items())))
    return Result(
        data={"root": root, "providers": [{"provider": n, "base_url": u, "account": a} for n, u, a in rows]},
        lines=tuple(rows),
        table=Table(("provider", "base URL", "account"), tuple(rows), prose=("account",)),
        notes=(f"messages: {root.rstrip('/')}/api/messages", "stop it with Ctrl-C"),
    )

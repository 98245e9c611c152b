"""``smscli sandbox``: the emulator on a port of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smscli.cli.invocation import Invocation
from smscli.cli.options import command, complete_profile, new_app, profile_option
from smscli.errors import ConfigError, ExitCode, InputError
from smscli.model import Account, visible
from smscli.render import Result, Tree

if TYPE_CHECKING:
    from smscli.sandbox import Sandbox

app = new_app()


def _failing_numbers() -> dict[str, list[tuple[str, str]]]:
    """Return the numbers that provoke the vendors' errors, for the help page."""
    from smscli import sandbox as emulator

    def error(failure: emulator.Failure) -> str:
        is_code = failure.words.startswith(f"error {failure.code}:")
        return failure.code if is_code else failure.words.removeprefix("error: ")

    platforms = {", ".join(one.demo): sorted(one.failures.items()) for one in emulator.emulators() if one.failures}
    return {
        "Numbers that fail, by their last digits": [
            (vendors, "; ".join(f"{ending}={error(failure)}" for ending, failure in failures))
            for vendors, failures in platforms.items()
        ]
    }


@command(
    app,
    vendor=False,
    sections={
        "Account": ("profile", "credit", "write_profile"),
        "Files": ("ready_file", "export"),
        "Delivery": ("reports",),
        "Failures": ("chaos", "seed"),
        "Real sending": ("upstream",),
    },
    appendix=_failing_numbers,
    examples=("smscli sandbox", "smscli sandbox --port 0 -o json"),
)
def sandbox(
    call: Invocation,
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 8025,
    profile: Annotated[list[str] | None, profile_option("Accept this profile's credentials instead.")] = None,
    credit: Annotated[
        list[str] | None,
        typer.Option("--credit", metavar="[VENDOR=]AMOUNT", help="What an account holds at the start; repeatable."),
    ] = None,
    write_profile: Annotated[
        str | None,
        typer.Option(
            "--write-profile",
            metavar="FILE|NAME",
            help="Write profiles that lead here: into a file, or as NAME-VENDOR into the profile file.",
        ),
    ] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option("--ready-file", metavar="FILE", help="Write the URL there when connections are accepted."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="DIR", help="Write each message that arrives into a JSON file there."),
    ] = None,
    reports: Annotated[
        list[str] | None,
        typer.Option(
            "--reports",
            metavar="VENDOR=URL",
            help="Report deliveries to this URL of this machine, as the vendor does; repeatable.",
        ),
    ] = None,
    chaos: Annotated[
        list[str] | None,
        typer.Option(
            "--chaos",
            metavar="RULE",
            help="Let requests fail: [VENDOR] [OPERATION] EFFECT=VALUE [count=N], such as 'lightsms send error=32';"
            " repeatable.",
        ),
    ] = None,
    seed: Annotated[
        str | None, typer.Option("--seed", metavar="TEXT", help="Let chance be the same in every run of this text.")
    ] = None,
    upstream: Annotated[
        str | None,
        typer.Option(
            "--upstream",
            metavar="PROFILE",
            help="Emulate nothing: pass each request on to this profile's vendor as it is, and list it with its answer."
            " That costs money.",
            autocompletion=complete_profile,
        ),
    ] = None,
) -> ExitCode:
    """Serve an emulator of all vendors on this machine."""
    from smscli import sandbox as emulator
    from smscli.cli.arrivals import followed, write_whole
    from smscli.interruption import interruptible

    if profile and len(profile) > 1:
        raise InputError("--profile: one profile's credentials are accepted, not those of several", hint="name one")
    own_profile = profile[0] if profile else None
    if upstream is not None:
        instead = {
            "--profile": own_profile, "--credit": credit, "--write-profile": write_profile, "--reports": reports,
            "--chaos": chaos, "--seed": seed,
        }  # fmt: skip
        from smscli.cli.recording import record  # few do

        app, describe = record(call, upstream, [name for name, value in instead.items() if value is not None])
    else:
        app, describe = _emulate(call, own_profile, credit, write_profile, reports, chaos, seed)
    own: list[str] = []

    def announce(root: str) -> None:
        result = describe(root)
        urls = f"inbox: {root}/", f"messages: {root}/api/messages (for programs: {root}/api/openapi.json)"
        call.show(result._replace(notes=(*urls, *result.notes, "stop it with Ctrl-C")))
        if ready_file:
            own.append(f"{root}\n")
            try:
                write_whole(ready_file, own[0].encode(), 0o666)
            except OSError as error:
                raise _unwritable(ready_file, error.strerror) from None

    with _gone_in_the_end(ready_file, own), followed(call, app, export), interruptible():
        emulator.serve(app, port, ready=announce)
    return ExitCode.OK


def _emulate(
    call: Invocation, profile: str | None, credit: list[str] | None, write_profile: str | None,
    reports: list[str] | None, chaos: list[str] | None, seed: str | None,
) -> tuple[Sandbox, Callable[[str], Result]]:  # fmt: skip
    """Return the sandbox of all vendors, and what is to be said of it when its root is known."""
    from shlex import quote

    from smscli import sandbox as emulator
    from smscli.profiles import Need
    from smscli.runtime import Wanted

    accounts = emulator.demo_accounts()
    real: list[str] = []  # profiles
    if profile is not None:
        chosen = call.runtime.profile(Wanted(profile=profile))
        emulator.demo(chosen.provider)  # nothing answers where there is none
        accounts[chosen.provider] = call.runtime.account(chosen)
        for name in chosen.fallback:
            with suppress(ConfigError):  # what cannot be used is told where it is wanted
                if not call.runtime.profile(Wanted(profile=name), need=Need.ADDRESS).sandbox:
                    real.append(name)
    app = emulator.create_app(
        accounts,
        clock=call.runtime.now,
        credit=_credit(credit or (), tuple(accounts)),
        reports=_reports(reports or ()),
        chaos=chaos or (),
        seed=seed,
    )

    def describe(root: str) -> Result:
        notes = _write_profiles(call, write_profile, root, accounts, profile) if write_profile else ()
        if real:
            others = ", ".join(real)
            beside = f"profile {profile} falls back on {others}, and a real account cannot stand in for the sandbox"
            (variable,) = emulator.environ({"fallback": ""})
            remedy = f"no send comes here unless {variable} or --fallback names profiles with sandbox = true"
            notes += (f"{beside}: {remedy}",)
        if app.chaos:
            notes += (
                f"failures: {len(app.chaos.tracks)}; --seed {quote(app.chaos.seed)} gives the same chances again",
            )
        return _result(root, accounts, profile, notes)

    return app, describe


def _credit(texts: Sequence[str], vendors: Sequence[str]) -> dict[str, Decimal]:
    """Return what each vendor's account holds, where that is said; an amount alone is every vendor's."""
    from smscli import sandbox as emulator

    amounts: dict[str, Decimal] = {}
    for text in texts:
        vendor, equals, amount = text.rpartition("=")
        if equals and vendor not in vendors:
            raise InputError(f"--credit: there is no vendor {visible(vendor)!r}", hint=f"one of {', '.join(vendors)}")
        amounts |= dict.fromkeys([vendor] if equals else vendors, emulator.parse_amount(amount))
    return amounts


def _reports(texts: Sequence[str]) -> dict[str, str]:
    """Return the URL of each vendor that is named."""
    if odd := next((text for text in texts if "=" not in text), None):
        raise InputError(f"--reports: {visible(odd)!r} names no vendor", hint="write VENDOR=URL")
    return {text.partition("=")[0]: text.partition("=")[2] for text in texts}


# --- files for others ------------------------------------------------------------------------------------------------


@contextmanager
def _gone_in_the_end(path: Path | None, own: Sequence[str]) -> Iterator[None]:
    """See to it that the file is only there while the sandbox is: one of an earlier run would lead nowhere.

    That of another sandbox which is there stays; ``own`` is what this one has written.
    """
    if path is not None:
        _check_directory(path)
        if not _leads_somewhere(path):
            _remove(path)
    try:
        yield
    finally:
        with suppress(OSError, ValueError, ConfigError):
            if path is not None and path.read_text("utf-8") in own:
                _remove(path)


def _check_directory(path: Path) -> None:
    """Raise ConfigError when no file can be put there, before anything is said."""
    import errno

    directory = path.parent
    code = None if directory.is_dir() else errno.ENOTDIR if directory.exists() else errno.ENOENT
    if code is None and not os.access(directory, os.W_OK):
        code = errno.EACCES
    if code:
        raise _unwritable(path, os.strerror(code))


def _unwritable(path: Path, why: str | None) -> ConfigError:
    return ConfigError(f"--ready-file {str(path)!r} cannot be written: {why}")


def _leads_somewhere(path: Path) -> bool:
    """Return whether somebody answers at the address in a file."""
    import socket
    from urllib.parse import urlsplit

    try:
        url = urlsplit(path.read_text("utf-8")[:1000].strip())
        with socket.create_connection((url.hostname or "", url.port or 0), 0.5):
            return True
    except (OSError, ValueError):
        return False


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"--ready-file {str(path)!r} cannot be removed: {error.strerror}") from None


def _write_profiles(
    call: Invocation, where: str, root: str, accounts: Mapping[str, Account], profile: str | None
) -> tuple[str, ...]:  # fmt: skip
    """Write a profile for each invented account, over those of an earlier sandbox; return what is to be said.

    A path or a name that ends in ``.toml`` is a file of its own, whose profiles are called like the vendors.
    """
    from shlex import quote

    from smscli import profiles
    from smscli import sandbox as emulator

    is_file = os.sep in where or where.endswith(".toml")
    path, prefix = (Path(where), "") if is_file else (profiles.path(call.runtime.environ), f"{where}-")

    # A profile's own key is in a profile already.
    urls = {
        vendor: url
        for vendor, url in emulator.base_urls(root).items()
        if accounts[vendor] is emulator.demo(vendor).account
    }

    def put_in(document: profiles.Document) -> profiles.Document:
        for vendor, url in urls.items():
            was_default = document.default == prefix + vendor
            if document.tables.get(prefix + vendor, {}).get("sandbox") is True:
                document = profiles.remove(document, prefix + vendor)
            is_default = was_default or (is_file and not document.tables)
            table = emulator.profile_table(vendor, url)
            document = profiles.add(document, prefix + vendor, table, make_default=is_default)
        return document

    profiles.change(path, put_in)
    own = f"SMSCLI_CONFIG={quote(str(path))} " if is_file else ""
    usual = emulator.USUAL if emulator.USUAL in urls else next(iter(urls), None)
    notes: tuple[str, ...] = ()
    if usual:
        notes += (f"profiles are in {path}: {own}smscli send -p {prefix}{usual} ...",)
    left_out = ", ".join(vendor for vendor in emulator.base_urls(root) if vendor not in urls)
    if left_out:
        notes += (f"none was written for {left_out}: its account here is that of profile {profile}",)
    return notes


def _result(root: str, accounts: Mapping[str, Account], profile: str | None, notes: tuple[str, ...]) -> Result:
    from smscli import sandbox as emulator

    rows: list[tuple[str, str, str]] = []
    listed: list[Tree] = []
    pasted: list[tuple[str, Mapping[str, str | bool]]] = []
    for name, url in emulator.base_urls(root).items():
        account = accounts[name]
        fields: dict[str, str] = {}
        shown = f"profile {profile}"
        table: dict[str, str | bool] = {"profile": profile or "", "provider": name, "sandbox": True, "base_url": url}
        if account is emulator.demo(name).account:
            fields, table = emulator.settings(name), emulator.profile_table(name, url)
            shown = " ".join(f"{field}={value}" for field, value in fields.items())
        rows.append((name, url, shown))
        environ = emulator.environ(table)
        listed.append({"provider": name, "base_url": url, "account": shown, "settings": fields, "environment": environ})
        # One vendor's block is pasted behind another's: what the first has, and this one has not, must not stay.
        blank: dict[str, str | bool] = {"provider": name, "sender": "", **({"profile": ""} if profile else {})}
        title = name
        if not fields:
            blank |= dict.fromkeys(emulator.settings(name), "")
            title = f"{name}, with the account of {shown}"
        pasted.append((title, blank | table))
    by_variable = (
        f"profile {profile} leads here by SMSCLI_PROFILE alone: beside -p {profile} no such variables are read"
    )
    return Result(
        data={"root": root, "providers": listed, "upstream": None},
        lines=tuple(rows),
        drawing=lambda width, _colour: "".join(_exported(title, table, width) for title, table in pasted),
        notes=((by_variable, *notes) if profile else notes),
    )


def _exported(title: str, table: Mapping[str, str | bool], width: int) -> str:
    """Return a command for a shell that sets a profile's variables, broken between them; what is usual is left out."""
    from shlex import quote

    from smscli import providers
    from smscli import sandbox as emulator

    usual = {one.name: one.default for one in providers.get(str(table["provider"])).fields}
    # Without a region numbers are written in full, which is right everywhere.
    settings = {name: value for name, value in table.items() if name != "region" and value != usual.get(name)}
    lines = ["  export"]
    for name, value in emulator.environ(settings).items():
        word = f" {name}={value and quote(value)}"
        if len(lines[-1] + word) > width - len(" \\"):
            lines[-1] += " \\"
            lines.append("   ")
        lines[-1] += word
    return "".join(f"{line}\n" for line in (title, *lines))

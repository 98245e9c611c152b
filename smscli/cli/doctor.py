"""``smscli doctor``: what stands between this machine and a text that arrives. Nothing is sent, nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated

import typer

from smscli import profiles, providers
from smscli.cli import findings
from smscli.cli.checks import Check, SkipCheck
from smscli.cli.findings import Finding
from smscli.cli.hints import journal_hints
from smscli.cli.invocation import Invocation
from smscli.cli.journey import BALANCE, CLOCK, CONNECTION, DATE, NAME, NETWORK, STEPS, TLS, Journey
from smscli.cli.options import command, complete_profile, new_app
from smscli.cli.resolved import flaws, masked
from smscli.errors import ConfigError, ExitCode, InputError
from smscli.journal import look
from smscli.model import Field, Profile, Secret, visible
from smscli.profiles import Need
from smscli.render import Result, Table
from smscli.runtime import Runtime, Wanted
from smscli.tracing import Trace

SECONDS = 10.0
"""So long each check may take."""

# So long pages of the journal are read; a commit of another process may wait for that.
_PAGE_SECONDS = 1.0
_FILE, _PROFILE, _JOURNAL = "profile file", "profile", "journal"
_LINE = "look at the network, the firewall and the proxy"

app = new_app()


@command(
    app, timeout=(SECONDS, "each check", 600), examples=("smscli doctor --sandbox", "smscli doctor --sandbox -o json")
)
def doctor(
    call: Invocation,
    name: Annotated[
        str | None,
        typer.Argument(metavar="PROFILE", help="The profile, as with -p.", autocompletion=complete_profile),
    ] = None,
) -> Result:
    """Check all that a send needs: settings, journal, network, clocks, account.

    Nothing is sent and nothing is written. A warning leaves the exit status at 0.
    """
    if name and call.wanted.profile and name != call.wanted.profile:
        raise InputError("two profiles are named", hint="name one: smscli doctor PROFILE")
    wanted = call.wanted._replace(profile=name or call.wanted.profile, seconds=call.wanted.seconds or SECONDS)
    examination = _Examination(call.runtime, wanted, call.trace)
    return _result(examination.profile, examination.findings())


def _result(profile: Profile | None, results: Sequence[Finding]) -> Result:
    error = findings.gravest(results)
    rows = tuple((one.id, one.level.value, one.text, one.hint) for one in results)
    return Result(
        data={
            "profile": profile.name if profile else None,
            "provider": profile.provider if profile else None,
            "findings": [
                {
                    "id": one.id, "level": one.level.value, "what": one.what, "detail": one.detail or None,
                    "hint": one.hint or None,
                }
                for one in results
            ],
        },
        lines=rows,
        table=Table(
            # What to do has no column of its own: with a path in each, two would not fit 80 columns.
            ("check", "level", "finding"), tuple((*row[:2], ". To do: ".join(filter(None, row[2:]))) for row in rows),
            title=findings.verdict(results), prose=("finding",),
        ),
        error=error,
        exit_code=error.exit_code if error else ExitCode.OK,
    )  # fmt: skip


class _Examination:
    """One check-up. ``profile`` is what the settings say of vendor and address, None when there is nobody to ask."""

    def __init__(self, runtime: Runtime, wanted: Wanted, trace: Trace | None) -> None:
        self._runtime, self._wanted, self._trace = runtime, wanted, trace
        self._seconds = wanted.seconds or SECONDS
        self._complete: Profile | None = None
        self._secrets: dict[str, Secret] = {}
        self.profile: Profile | None = None
        with suppress(ConfigError):  # the check of the profile says what is wrong with it
            self.profile = runtime.profile(wanted, need=Need.ADDRESS)

    def findings(self) -> list[Finding]:
        """Begin all checks, each after those it needs, and return what they have found, in their usual order."""
        wanted, profile = self._wanted, self.profile
        file = self._check(_FILE, lambda: _file(self._runtime), "its disk does not answer")
        needs_file = () if wanted.sandbox and wanted.profile is None else (file,)
        whole = self._check(_PROFILE, self._read_profile, "look at the keyring", *needs_file)
        keys = tuple(self._secret_checks(profile, whole)) if profile else ()
        journal = self._check(_JOURNAL, self._look_at_journal, "its disk or its server does not answer", file)
        checks = [file, whole, *keys, journal]
        if profile is None:
            left_out = [findings.skipped(name, "it needs settings that can be used") for name in STEPS]
            return [*(check.result() for check in checks), *left_out]
        checks += self._road(Journey(self._runtime, wanted, profile, self._trace), whole, *keys)
        return [check.result() for check in checks]

    def _check(
        self, name: str, work: Callable[[], Finding], hint: str, *after: Check, status: ExitCode = ExitCode.CONFIG
    ) -> Check:
        return Check(name, work, self._seconds, status=status, hint=hint, after=after)

    def _read_profile(self) -> Finding:
        """Read all of the settings; a keyring may be asked for what no other place gives."""
        self._complete = self._runtime.profile(self._wanted, keyring_seconds=self._seconds)
        return _profile(self._complete)

    def _secret_checks(self, profile: Profile, whole: Check) -> Iterator[Check]:
        """Begin to fetch each secret of the vendor's, from where the profile says."""
        for secret in providers.get(profile.provider).secret_fields:
            yield self._check(secret.name, partial(self._fetch, secret), "look at what gives it", whole)

    def _fetch(self, field: Field) -> Finding:
        profile, environ = self._complete, self._runtime.environ
        assert profile is not None  # noqa: S101  (a check of its own has read it)
        if not field.sent:
            self._secrets[field.name] = profiles.secret(profile, environ=environ, seconds=self._seconds)
        elif field.name in profile.sent_secrets:
            alone = profile._replace(sent_secrets={field.name: profile.sent_secrets[field.name]})
            self._secrets |= profiles.sent_secrets(alone, environ=environ, seconds=self._seconds)
        else:
            raise SkipCheck("there is none, and this account can do without")
        return _secret(profile, field.name, None if field.sent else profiles.doubt(self._secrets[field.name]))

    def _look_at_journal(self) -> Finding:
        sandbox = self.profile.sandbox if self.profile else self._wanted.sandbox
        place = self._runtime.journal_place(sandbox=sandbox, seconds=self._seconds)
        health = look(place, journal_hints(sandbox=sandbox), min(self._seconds / 2, _PAGE_SECONDS))
        return findings.journal(_JOURNAL, visible(str(place)), health, sandbox=sandbox)

    def _road(self, journey: Journey, *account: Check) -> Iterator[Check]:
        """Begin the steps to the vendor; ``account`` is what the last one needs besides."""
        step = partial(self._check, status=ExitCode.UNREACHABLE)
        settings = self._check(NETWORK, journey.prepare, _LINE)
        name = step(
            NAME, journey.look_up, "the name server does not answer: look at it, and at /etc/resolv.conf", settings
        )
        tls = step(TLS, journey.secure, _LINE, name)
        connection = step(CONNECTION, journey.connect, _LINE, tls)
        yield from (settings, name, tls, connection)
        yield step(DATE, journey.compare_date, _LINE, connection)
        yield step(CLOCK, journey.compare_clock, _LINE, connection)
        yield step(BALANCE, lambda: journey.ask_balance(self._secrets), _LINE, connection, *account)


# --- what the settings say --------------------------------------------------------------------------------------------


def _file(runtime: Runtime) -> Finding:
    """Say where the profile file is; raises ConfigError when it cannot be read, or others can change it."""
    document = profiles.find(runtime.environ)
    try:
        path = profiles.path(runtime.environ)
    except ConfigError:
        return findings.skipped(_FILE, "there is no home directory for one: the environment alone counts")
    if not path.exists():
        return findings.skipped(_FILE, f"there is none at {visible(str(path))}: the environment alone counts")
    count = len(document.tables)
    return findings.ok(_FILE, f"it is yours alone, with {count} profile{'s' if count != 1 else ''}", visible(str(path)))


def _profile(profile: Profile) -> Finding:
    """Say whose account it is; a profile's own recipients and sender may be wrong."""
    problems = flaws(profile)
    if problems:
        whose = f"profile {profile.name}" if profile.name else "the environment"
        error = ConfigError(f"{whose} cannot be used", problems=problems, hint="mend to = […] or sender")
        return findings.problem(_PROFILE, error, ExitCode.CONFIG)
    whose = f"profile {profile.name}" if profile.name else "no profile"
    where = profile.base_url or "the emulator in this process"
    return findings.ok(_PROFILE, f"{whose}, {providers.get(profile.provider).title}", visible(where))


def _secret(profile: Profile, name: str, doubt: str | None) -> Finding:
    """Say where a secret came from, by the names that ``profile show`` uses, and what is doubtful; nothing of it."""
    values = profiles.values(profile)
    what, detail = "fetched, sandbox demo account", ""
    for setting in (name, f"{name}_file", f"{name}_command"):
        if setting in values:
            what, detail = f"fetched, {profile.sources[setting]}", f"{setting} = {masked(setting, values[setting])}"
            break
    if doubt:
        place = ", ".join(filter(None, (what, detail)))
        return findings.warning(name, doubt, "copy the key anew from the vendor's page", place)
    return findings.ok(name, what, detail)

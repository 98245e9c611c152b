"""``smscli doctor``: what stands between this machine and a text that arrives. Nothing is sent, nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated

import typer

from smscli import profiles, providers
from smscli.cli import findings
from smscli.cli.checks import Check, SkipCheck
from smscli.cli.findings import Finding
from smscli.cli.hints import journal_hints
from smscli.cli.journey import STEPS, Journey
from smscli.cli.options import Invocation, command, complete_profile, new_app
from smscli.cli.profile import bad_recipients, masked
from smscli.errors import ConfigError, ExitCode, InputError
from smscli.journal import look
from smscli.model import Profile, Secret, visible
from smscli.profiles import Need
from smscli.render import Result, Table
from smscli.runtime import Runtime, Wanted
from smscli.transport import Probe

SECONDS = 10.0
"""So long each check may take."""

# So long pages of the journal are read; a commit of another process may wait for that.
_PAGE_SECONDS = 1.0
_FILE, _PROFILE, _NETWORK, _JOURNAL = "profile file", "profile", "network settings", "journal"
_ROAD = "look at the network, the firewall and the proxy"

app = new_app()


@command(app, seconds_a_check=SECONDS, examples=("smscli doctor --sandbox", "smscli doctor --sandbox -o json"))
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
    """One check-up: the settings first, then everything else at the same time.

    ``profile`` is what the settings say, None when they name no vendor that could be asked.
    """

    def __init__(self, runtime: Runtime, wanted: Wanted, trace: Callable[[str], None] | None) -> None:
        self._runtime, self._wanted, self._trace = runtime, wanted, trace
        self._seconds = wanted.seconds or SECONDS
        self._settings: list[Finding] = []
        self._secrets: dict[str, Secret] = {}
        self._is_unreadable = self._is_complete = False
        self.profile = self._resolved()
        self._probe = self._probed()

    def findings(self) -> list[Finding]:
        """Run the checks, and return what all have found, in their usual order."""
        profile, probe = self.profile, self._probe
        secrets = tuple(self._secret_checks(profile)) if profile else ()
        journal = self._check(_JOURNAL, self._journal, ExitCode.CONFIG, "its disk or its server does not answer")
        road: tuple[Check, ...] = ()
        if profile and (probe or self._runtime.stays_inside(profile)):
            journey = Journey(self._runtime, self._wanted, profile, probe, self._trace)
            road = tuple(self._road(journey, secrets))
        left_out = STEPS[len(road) :] if road else STEPS
        why = "the profile has to be complete" if road else "it needs settings that can be used"
        return [
            *self._settings,
            *(check.result() for check in (*secrets, journal, *road)),
            *(findings.skipped(name, why) for name in left_out),
        ]

    # --- settings: files of this machine, read one after the other ----------------------------------------------------

    def _resolved(self) -> Profile | None:
        """Note what is wrong with the settings; return them as far as they name a vendor and its address."""
        runtime, wanted = self._runtime, self._wanted
        try:
            self._settings.append(_file(runtime))
        except ConfigError as error:
            self._is_unreadable = True
            self._settings.append(findings.problem(_FILE, error, ExitCode.CONFIG))
            if wanted.profile or not wanted.sandbox:
                self._settings.append(findings.skipped(_PROFILE, "the profile file cannot be read"))
                return None
        try:
            profile = runtime.profile(wanted)
        except ConfigError as error:
            self._settings.append(findings.problem(_PROFILE, error, ExitCode.CONFIG))
            try:
                return runtime.profile(wanted, need=Need.ADDRESS)
            except ConfigError:
                return None
        self._is_complete = True
        self._settings.append(_profile(profile))
        return profile

    def _probed(self) -> Probe | None:
        """Return what looks at the way to the vendor; None where there is none, or where its settings are wrong."""
        if self.profile is None or self._runtime.stays_inside(self.profile):
            return None
        try:
            probe = Probe(proxy=self.profile.proxy, ca_file=self.profile.ca_file, environ=self._runtime.environ)
            probe.peer(self.profile.base_url)
        except ConfigError as error:
            self._settings.append(findings.problem(_NETWORK, error, ExitCode.CONFIG))
            return None
        return probe

    # --- what runs at the same time -----------------------------------------------------------------------------------

    def _check(
        self, name: str, work: Callable[[], Finding], status: ExitCode, hint: str, *after: Check
    ) -> Check:  # fmt: skip
        return Check(name, work, self._seconds, status=status, hint=hint, after=after)

    def _secret_checks(self, profile: Profile) -> Iterator[Check]:
        """Begin to fetch each secret that the profile has, from where it says."""
        environ, seconds = self._runtime.environ, self._seconds

        def check(name: str, fetch: Callable[[], Secret]) -> Check:
            def work() -> Finding:
                self._secrets[name] = fetch()
                return _secret(profile, name)

            return self._check(name, work, ExitCode.CONFIG, "look at what gives it")

        if profile.secret:
            key = providers.get(profile.provider).secret_field.name
            yield check(key, lambda: profiles.secret(profile, environ=environ, seconds=seconds))
        for name, source in profile.sent_secrets.items():
            alone = profile._replace(sent_secrets={name: source})
            fetch = partial(profiles.sent_secrets, alone, environ=environ, seconds=seconds)
            yield check(name, lambda name=name, fetch=fetch: fetch()[name])  # type: ignore[misc]  # of this round

    def _journal(self) -> Finding:
        sandbox = self.profile.sandbox if self.profile else self._wanted.sandbox
        if self._is_unreadable and not self._runtime.environ.get("SMSCLI_JOURNAL"):
            raise SkipCheck("the profile file cannot be read, and may name its place")
        place = self._runtime.journal_place(sandbox=sandbox, seconds=self._seconds)
        health = look(place, journal_hints(sandbox=sandbox), min(self._seconds / 2, _PAGE_SECONDS))
        return findings.journal(_JOURNAL, visible(str(place)), health, sandbox=sandbox)

    def _road(self, journey: Journey, secrets: Sequence[Check]) -> Iterator[Check]:
        """Begin the steps to the vendor, each after those it needs."""

        def step(number: int, work: Callable[[], Finding], *after: Check, hint: str = _ROAD) -> Check:
            return self._check(STEPS[number], work, ExitCode.UNREACHABLE, hint, *after)

        name = step(0, journey.look_up, hint="the name server does not answer: look at it, and at /etc/resolv.conf")
        tls = step(1, journey.secure, name)
        connection = step(2, journey.connect, tls)
        yield from (name, tls, connection)
        yield step(3, journey.compare_date, connection)
        yield step(4, journey.compare_clock, connection)
        if self._is_complete:
            yield step(5, lambda: journey.ask_balance(self._secrets), connection, *secrets)


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
    """Say whose account it is; a profile's own recipients may be wrong."""
    problems = bad_recipients(profile)
    if problems:
        whose = f"profile {profile.name}" if profile.name else "the environment"
        error = ConfigError(f"{whose} names recipients that cannot be used", problems=problems, hint="mend to = […]")
        return findings.problem(_PROFILE, error, ExitCode.CONFIG)
    whose = f"profile {profile.name}" if profile.name else "no profile"
    where = profile.base_url or "the emulator in this process"
    return findings.ok(_PROFILE, f"{whose}, {providers.get(profile.provider).title}", visible(where))


def _secret(profile: Profile, name: str) -> Finding:
    """Say where a secret came from, by the names that ``profile show`` uses; nothing of it."""
    ways = {setting: value for setting, value in profiles.values(profile).items() if setting.startswith(name)}
    for setting, value in ways.items():
        return findings.ok(name, f"fetched, {profile.sources[setting]}", f"{setting} = {masked(setting, value)}")
    return findings.ok(name, "fetched, sandbox demo account")

"""The outside world as one frozen record: clock, environment, streams, and what is opened with them when asked.

Nothing is opened before a command asks for it, and every part can be replaced by a test. This module wires the others
together; it must not know commands or output formats.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from smscli import providers
from smscli.errors import ConfigError, SmscliError
from smscli.interruption import Interruption, heed, say
from smscli.interruption import notice as usual_notice
from smscli.model import Account, Profile, Secret, SecretSource
from smscli.providers import Provider, Stamp
from smscli.record import Record
from smscli.wire import Request, Response, Transport

if TYPE_CHECKING:
    from smscli.dispatch import Caller
    from smscli.journal import Boot, Hints, Place, TeamJournal
    from smscli.profiles import Need
    from smscli.tracing import Trace
    from smscli.transport import Passage

DEFAULT_SECONDS = 30.0


class Wanted(Record):
    """Whose account the command line asked for. ``options`` are profile fields that were given as options."""

    profile: str | None = None
    provider: str | None = None
    sandbox: bool = False
    seconds: float | None = None
    options: Mapping[str, str] = MappingProxyType({})


@cache
def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def this_boot() -> Boot | None:
    """Return the id of this run of the machine and its age, sleep included; None where the system tells neither."""
    from smscli.journal import Boot

    if sys.platform == "win32":
        return None
    try:
        return Boot(_boot_id(), time.clock_gettime(time.CLOCK_BOOTTIME))
    except (OSError, AttributeError, ValueError):  # only Linux has both
        return None


class Runtime(Record):
    """What the outside world is made of; ``real()`` is the real one.

    ``stdin``, ``stdout`` and ``stderr`` may be None (a closed descriptor). ``now`` is Unix seconds, ``monotonic``
    never steps back; ``boot`` names this run of the machine and how long it lasts. ``transport`` None means HTTP.
    ``own_process``: the process ends with the command line.
    """

    environ: Mapping[str, str]
    stdin: TextIO | None
    stdout: TextIO | None
    stderr: TextIO | None
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    boot: Callable[[], Boot | None] = this_boot
    transport: Transport | None = None
    own_process: bool = False

    # --- whose account ---

    def profile(
        self, wanted: Wanted, *, need: Need | None = None, key: SecretSource | None = None,
        keyring_seconds: float | None = None,
    ) -> Profile:  # fmt: skip
        """Return the settings that win, each with its source; raise ConfigError with all problems at once.

        ``need`` says what the command cannot do without (None: everything), ``key`` is a secret it was given;
        ``keyring_seconds`` is how long each word with the keyring may take.
        """
        from smscli import profiles

        if wanted.sandbox and wanted.profile is None:
            from smscli import sandbox

            name = wanted.provider or self.environ.get("SMSCLI_PROVIDER")
            return sandbox.demo_profile(providers.get(name).name if name else sandbox.USUAL)
        resolve = partial(
            profiles.resolve,
            named=wanted.profile,
            options={**wanted.options, "provider": wanted.provider, "sandbox": wanted.sandbox or None},
            environ=self.environ,
            key=key,
            need=need or profiles.Need.ACCOUNT,
        )
        if need is profiles.Need.KEY and wanted.profile is None and wanted.provider:
            # Vendor and key are all that `sign` needs: with both at hand the file is not even looked for.
            with suppress(ConfigError):
                return resolve(profiles.Document())
        return resolve(
            profiles.find(self.environ),
            credentials=self.environ.get("CREDENTIALS_DIRECTORY"),
            keyring=profiles.Keyring(self.environ, keyring_seconds or profiles.COMMAND_SECONDS),
        )

    def account(self, profile: Profile, *, need_secret: bool = True) -> Account:
        """Return what the request builders may know, the secret fetched from where the profile says."""
        from smscli import profiles

        secret, sent = Secret(""), dict[str, Secret]()
        if need_secret:
            secret = profiles.secret(profile, environ=self.environ)
            sent = profiles.sent_secrets(profile, environ=self.environ)
        base_url = profile.base_url
        if _stays_inside(profile):
            from smscli import sandbox

            base_url = sandbox.demo(profile.provider).account.base_url
        return Account(base_url, secret, profile.fields, sent)

    def offline_stamp(self, provider: Provider) -> str:
        """Return what makes a request fresh that is shown and not sent: the local clock stands for the vendor's."""
        if provider.stamp.ages:
            return str(int(self.now()))
        return fresh_nonce() if provider.stamp is Stamp.NONCE else ""

    # --- the way out ---

    @contextmanager
    def caller(
        self, wanted: Wanted, profile: Profile, account: Account, *,
        interruption: Interruption | None = None, trace: Trace | None = None,
    ) -> Iterator[tuple[Provider, Caller]]:  # fmt: skip
        """Open the way to the vendor (or to the sandbox inside this process) and close it in the end.

        ``trace`` gets a line for each step, without values.
        """
        with self.callers(wanted, profile, account, 1, interruption=interruption, trace=trace) as (provider, (caller,)):
            yield provider, caller

    @contextmanager
    def callers(
        self, wanted: Wanted, profile: Profile, account: Account, count: int, *,
        interruption: Interruption | None = None, trace: Trace | None = None,
        notice: Callable[[], str] | None = None,
    ) -> Iterator[tuple[Provider, tuple[Caller, ...]]]:  # fmt: skip
        """Open as many ways as threads want to go at once; ``trace`` as of ``caller``.

        ``notice`` gives what a signal is answered with, in its handler.
        """
        with self.parties(
            wanted, [(profile, account)], count, interruption=interruption, trace=trace, notice=notice
        ) as callers:  # fmt: skip
            yield providers.get(profile.provider), callers

    @contextmanager
    def parties(
        self, wanted: Wanted, parties: Sequence[tuple[Profile, Account]], count: int = 1, *,
        interruption: Interruption | None = None, trace: Trace | None = None,
        notice: Callable[[], str] | None = None,
    ) -> Iterator[tuple[Caller, ...]]:  # fmt: skip
        """Open ``count`` ways for each account, under one ear for signals; the rest as of ``callers``."""
        import random

        from smscli.dispatch import Caller, Stamps, World

        callers: list[Caller] = []
        ways: list[_Way] = []
        longest = 0.0
        for profile, account in parties:
            seconds = wanted.seconds or profile.timeout or DEFAULT_SECONDS
            longest = max(longest, seconds)
            stamps = Stamps()
            for way in self._ways(profile, account, count):
                ways.append(way)
                world = World(
                    transport=way.transport if trace is None else _traced(way.transport, trace, self.monotonic),
                    seconds=seconds,
                    now=self.now,
                    monotonic=self.monotonic,
                    sleep=self.sleep,
                    jitter=random.random,
                    nonce=fresh_nonce,
                    stopped=lambda: bool(interruption),
                    trace=trace or (lambda _step: None),
                    hang_up=way.hang_up,
                )
                callers.append(Caller(providers.get(profile.provider), account, world, stamps))

        def cancel() -> None:
            for way in ways:
                way.cancel()

        def notify() -> None:
            titles = " or ".join(dict.fromkeys(providers.get(profile.provider).title for profile, _ in parties))
            is_running = any(way.is_running() for way in ways)
            say(self.stderr, notice() if notice else usual_notice(titles, longest, is_running=is_running))

        try:
            with heed(interruption, cancel, notify, for_good=self.own_process):
                yield tuple(callers)
        finally:
            for way in ways:
                way.close()

    @contextmanager
    def way(self, profile: Profile, account: Account) -> Iterator[Transport]:
        """Open the bare way to the vendor, for requests that are nobody's operation, and close it in the end."""
        (way,) = self._ways(profile, account, 1)
        try:
            yield way.transport
        finally:
            way.close()

    def passage(self, profile: Profile) -> Passage:
        """Return the way to the vendor for requests that other programs have made, as they came, each sent once.

        Raises ConfigError for an address, a proxy or a CA file that cannot be used.
        """
        from smscli.transport import HttpTransport, Passage

        open_way = partial(HttpTransport, proxy=profile.proxy, ca_file=profile.ca_file, environ=self.environ)
        return Passage(profile.base_url, profile.timeout or DEFAULT_SECONDS, open_way)

    def stays_inside(self, profile: Profile) -> bool:
        """Return whether what goes to the vendor leaves this process at all."""
        return self.transport is not None or _stays_inside(profile)

    def _ways(self, profile: Profile, account: Account, count: int) -> list[_Way]:
        if self.transport is not None:
            return [_Way(self.transport)] * count
        if _stays_inside(profile):
            from smscli import sandbox

            app = sandbox.create_app({profile.provider: account}, only=profile.provider, clock=self.now)
            return [_Way(sandbox.transport(app)) for _ in range(count)]
        from smscli.transport import HttpTransport

        transports = [
            HttpTransport(proxy=profile.proxy, ca_file=profile.ca_file, environ=self.environ, keeps_alive=count > 1)
            for _ in range(count)
        ]
        return [_Way(http, http.cancel, http.close, http.is_running, http.hang_up) for http in transports]

    # --- what is kept ---

    def journal_place(self, *, sandbox: bool, seconds: float | None = None) -> Place:
        """Return where the journal lives: where SMSCLI_JOURNAL or the profile file says, else in the state directory.

        What went to a sandbox is kept apart from what went to a vendor: in another schema, or another file.
        ``seconds``: so long the command may take that knows its password. Raises ConfigError when that is no place for
        a journal.
        """
        from smscli import profiles
        from smscli.journal import Server

        named, password = self.environ.get("SMSCLI_JOURNAL"), None
        limit = {} if seconds is None else {"seconds": seconds}
        if not named:
            document = profiles.find(self.environ)
            named = document.journal
            if document.journal_password_command:
                command = document.journal_password_command
                password = cache(partial(profiles.journal_password, command, environ=self.environ, **limit))  # once
        if not named:
            return self._journal_file(sandbox=sandbox)
        if named.startswith(("postgresql://", "postgres://")):
            return Server(Secret(named), "smscli_sandbox" if sandbox else "smscli", password)
        if "://" in named or not named.startswith(("/", "~/")):
            raise ConfigError(
                "the journal is neither a postgresql:// URL nor a whole path",
                hint="see SMSCLI_JOURNAL, or journal at the top of the profile file",
            )
        if sandbox:
            return self._journal_file(sandbox=True)
        home = self.environ.get("HOME")  # before the machine's own idea of it
        return Path(home, named[2:]) if home and named.startswith("~/") else profiles.expanded(named, "journal")

    def _journal_file(self, *, sandbox: bool) -> Path:
        hint = "set SMSCLI_STATE_DIR to an absolute directory, or use --no-journal"
        return self.state_directory(hint) / ("sandbox.sqlite3" if sandbox else "journal.sqlite3")

    def state_directory(self, hint: str = "set SMSCLI_STATE_DIR to an absolute directory") -> Path:
        """Return where this program keeps what it has to remember; raise ConfigError when that is no whole path."""
        state = self.environ.get("SMSCLI_STATE_DIR")
        if not state:
            import platformdirs

            try:
                state = platformdirs.user_state_dir("smscli", appauthor=False)
            except RuntimeError:
                state = "~"  # no HOME and no passwd entry
        if not Path(state).is_absolute():
            raise ConfigError(f"the state directory {state!r} is not an absolute path", hint=hint)
        return Path(state)

    def journal(self, place: Place, hints: Hints, *, trace: Trace | None = None) -> TeamJournal:
        """Open the journal there, begun when there never was one; raise ConfigError when it cannot be used.

        ``trace`` gets a line when that is done, and for what is done besides (a check of the whole file).
        """
        from smscli.journal import TeamJournal

        journal = TeamJournal(place, now=self.now, boot=self.boot, hints=hints, tell=trace or (lambda _line: None))
        if trace:
            trace(f"journal {place} is open")
        return journal

    # --- streams ---

    def is_terminal(self, stream: TextIO | None) -> bool:
        """Return whether a person sits at the other end."""
        return stream is not None and not stream.closed and stream.isatty()

    def width(self, stream: TextIO | None) -> int:
        """Return how many columns there are: as COLUMNS says, or the terminal, else 80."""
        columns = self.environ.get("COLUMNS", "")
        if re.fullmatch("[0-9]{1,4}", columns) and int(columns):
            return int(columns)
        with suppress(OSError, ValueError, AttributeError):
            return os.get_terminal_size(stream.fileno()).columns or 80  # type: ignore[union-attr]  # None is suppressed
        return 80

    def colour(self, stream: TextIO | None) -> int:
        """Return how many colours are wanted: 0, 16 or 256.

        NO_COLOR (no-color.org), FORCE_COLOR and TERM=dumb are followed; otherwise a terminal gets as many as it has.
        """
        environ = self.environ
        term = environ.get("TERM", "")
        wanted = environ.get("FORCE_COLOR") or (self.is_terminal(stream) and term != "dumb")
        if environ.get("NO_COLOR") or not wanted:
            return 0
        return 256 if "256color" in term or environ.get("COLORTERM") else 16


def real() -> Runtime:
    """Return the world this process was started in."""
    return Runtime(os.environ, sys.stdin, sys.stdout, sys.stderr, own_process=True)


def _stays_inside(profile: Profile) -> bool:
    return profile.sandbox and not profile.base_url


_last_nonce = 0
_nonce_lock = Lock()


def fresh_nonce() -> str:
    """Return 18 decimal digits that are new for every request, of two processes at one moment too.

    A public client of the one vendor that wants them sends as many.
    """
    from secrets import randbelow  # only a send needs it

    global _last_nonce
    with _nonce_lock:
        _last_nonce = nonce = max(_last_nonce + 1, time.time_ns() // 10**6)
    return f"{nonce}{randbelow(10**5):05d}"


def _nothing() -> None:
    """Nothing to cancel or close."""


class _Way(Record):
    """A way to the vendor, for one thread."""

    transport: Transport
    cancel: Callable[[], None] = _nothing
    close: Callable[[], None] = _nothing
    is_running: Callable[[], bool] = lambda: True
    hang_up: Callable[[], None] = _nothing


def _traced(transport: Transport, trace: Trace, monotonic: Callable[[], float]) -> Transport:
    from smscli import tracing  # only who wants to see it pays for it

    def traced(request: Request, seconds: float) -> Response:
        trace(tracing.about_request(request))
        trace.details(tracing.request_details(request))
        started = monotonic()
        try:
            response = transport(request, seconds)
        except SmscliError as error:
            trace(f"< nothing, after {1000 * (monotonic() - started):.1f} ms: {error.message}")
            raise
        trace(tracing.about_response(response, monotonic() - started))
        trace.details(tracing.response_details(response))
        return response

    return traced

"""The way to a vendor, step by step, as a check-up goes it: name, TLS, connection, clocks, balance. Nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from smscli import providers
from smscli.cli import findings
from smscli.cli.checks import SkipCheck
from smscli.cli.clocks import Skew
from smscli.cli.findings import Finding
from smscli.errors import OutcomeUnknownError, SmscliError, UnreachableError
from smscli.model import Account, Profile, Secret, visible
from smscli.providers import Stamp
from smscli.runtime import Runtime, Wanted
from smscli.tracing import Trace
from smscli.transport import Probe, look_up
from smscli.wire import Request, Response

NETWORK, NAME, TLS, CONNECTION, DATE, CLOCK, BALANCE = STEPS = (
    "network settings", "name", "tls", "connection", "date", "clock", "balance",
)  # fmt: skip

_INSIDE = "the vendor is an emulator inside this process"


class Journey:
    """The steps to one vendor; what one learns, a later one uses, so each is taken after those it follows.

    Each step takes at most ``wanted.seconds``, but for the look-up
    of a name, which nothing bounds; it gives a finding, or raises what is wrong or SkipCheck.
    """

    def __init__(self, runtime: Runtime, wanted: Wanted, profile: Profile, trace: Trace | None) -> None:
        self._runtime, self._wanted, self._profile, self._trace = runtime, wanted, profile, trace
        self._probe: Probe | None = None
        self._vendor = providers.get(profile.provider).of(profile.fields)
        self._account = runtime.account(profile, need_secret=False)
        self._error: SmscliError | None = None
        self._answer: tuple[Response, float, float] | None = None

    def prepare(self) -> Finding:
        """Read what says how the vendor is reached; raises ConfigError."""
        if self._runtime.stays_inside(self._profile):
            raise SkipCheck(_INSIDE)
        ca_file = self._profile.ca_file
        probe = Probe(proxy=self._profile.proxy, ca_file=ca_file, environ=self._runtime.environ)
        _, proxy = probe.peer(self._account.base_url)
        self._probe = probe
        authorities = f"authorities of {visible(ca_file)}" if ca_file else ""
        return findings.ok(NETWORK, f"the proxy in force is {proxy}" if proxy else "no proxy is in force", authorities)

    def look_up(self) -> Finding:
        """Look up the first host on the way: the vendor's, or the proxy's."""
        if self._probe is None:
            raise SkipCheck(_INSIDE)
        host, proxy = self._probe.peer(self._account.base_url)
        addresses = ", ".join(look_up(host))
        what = f"{host} is an address" if addresses == host else f"{host} is {addresses}"
        return findings.ok(NAME, f"the proxy {what}, and looks up the vendor itself" if proxy else what)

    def secure(self) -> Finding:
        """Connect, and look at the certificate."""
        if self._probe is None:
            raise SkipCheck(_INSIDE)
        try:
            self._probe(Request("GET", self._account.base_url), self._seconds)
        except SmscliError as error:
            if self._probe.blames_tls:
                raise
            self._error = error
            raise SkipCheck("there is no connection") from None
        finally:
            self._probe.close()
        if self._probe.certificate is None:
            raise SkipCheck("plain http, to this machine itself")
        return findings.certificate(TLS, self._probe.certificate, self._runtime.now())

    def connect(self) -> Finding:
        """Ask the vendor's host for its bare address: any answer will do."""
        if self._probe is None:
            raise SkipCheck(_INSIDE)
        if self._error:
            raise self._error
        with self._runtime.way(self._profile, self._account) as transport:
            began, before = self._runtime.monotonic(), self._runtime.now()
            try:
                answer = transport(Request("GET", self._account.base_url), self._seconds)
            except OutcomeUnknownError as error:
                raise UnreachableError(error.message, hint="try again; if this persists, ask the vendor") from error
            self._answer = answer, before, self._runtime.now()
        took = (self._runtime.monotonic() - began) * 1000
        _, proxy = self._probe.peer(self._account.base_url)
        way = f"through the proxy {proxy}" if proxy else "directly"
        return findings.connection(CONNECTION, answer.status, f"{way}, {took:.0f} ms")

    def compare_date(self) -> Finding:
        """Compare the local clock with that of the vendor's web server, by the header Date of its answer."""
        if self._answer is None:
            raise SkipCheck(_INSIDE)
        answer, before, after = self._answer
        try:
            told = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        except ValueError:
            raise SkipCheck("the answer has no Date that can be read") from None
        # Web servers write a Date once a second, and give it to all answers of the next one.
        return self._clock(DATE, Skew.of(told, before, after, age=1.0), "the vendor's web server")

    def compare_clock(self) -> Finding:
        """Compare the local clock with the one that the vendor's timestamp tells."""
        if self._vendor.timestamp is None:
            raise SkipCheck(f"{self._vendor.title} has no clock to ask")
        with self._runtime.caller(self._wanted, self._profile, self._account, trace=self._trace) as (vendor, caller):
            assert vendor.timestamp is not None  # noqa: S101  (as above)
            before = self._runtime.now()
            clock = caller.call(vendor.timestamp, None)
            after = self._runtime.now()
        return self._clock(CLOCK, Skew.of(clock.unix, before, after), vendor.title)

    def ask_balance(self, secrets: Mapping[str, Secret]) -> Finding:
        """Ask what is left, with the secrets by their fields' names: whether the vendor takes the key shows here."""
        key = secrets[self._vendor.secret_field.name]
        sent = {name: secret for name, secret in secrets.items() if secret is not key}
        account = Account(self._account.base_url, key, self._account.fields, sent)
        with self._runtime.caller(self._wanted, self._profile, account, trace=self._trace) as (vendor, caller):
            return findings.balance(BALANCE, caller.call(vendor.balance, None))

    @property
    def _seconds(self) -> float:
        return self._wanted.seconds or 0.0

    def _clock(self, name: str, skew: Skew, whose: str) -> Finding:
        vendor = self._vendor
        limit = vendor.stamp_life / 2 if vendor.stamp.ages else findings.CLOCK_SECONDS
        return findings.clock(name, skew, whose, limit, is_vital=vendor.stamp is Stamp.LOCAL_CLOCK)

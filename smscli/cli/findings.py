"""What a check-up has found, as values: levels, judgements, and the status of the whole.   (pure)"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique

from smscli.cli.clocks import Skew
from smscli.errors import AuthenticationError, ConfigError, ExitCode, RejectedError, SmscliError, UnreachableError
from smscli.journal import Health, State
from smscli.model import Balance, visible
from smscli.transport import Certificate

EXPIRY_DAYS = 14
"""A certificate that ends sooner is a warning: whoever renews by themselves has done so by then."""
CLOCK_SECONDS = 60.0
"""Where no signature depends on it, a clock may be off by so much before it is a warning."""

_GRAVEST_FIRST: Mapping[ExitCode, type[SmscliError]] = {
    ExitCode.AUTHENTICATION: AuthenticationError,
    ExitCode.CONFIG: ConfigError,
    ExitCode.UNREACHABLE: UnreachableError,
}
# What a transport says of a request that matters; nothing is sent here.
_OF_A_SEND = r"; (nothing was sent|the request had left, so it may have been carried out)$"
_DAY = 86400
_BROKEN = 500


@unique
class Level(StrEnum):
    """How a check has ended."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What one check has found: a sentence, more of it, what to do, and the status of a problem."""

    id: str
    level: Level
    what: str
    detail: str = ""
    hint: str = ""
    exit_code: ExitCode = ExitCode.OK

    @property
    def text(self) -> str:
        """The finding as one cell."""
        return f"{self.what}: {self.detail}" if self.detail else self.what


def ok(name: str, what: str, detail: str = "") -> Finding:
    """Return what is as it should be."""
    return Finding(name, Level.OK, what, detail)


def warning(name: str, what: str, hint: str, detail: str = "") -> Finding:
    """Return what works and asks for a person's eye."""
    return Finding(name, Level.WARNING, what, detail, hint)


def skipped(name: str, why: str) -> Finding:
    """Return what was not looked at."""
    return Finding(name, Level.SKIPPED, why)


def problem(name: str, error: SmscliError, status: ExitCode) -> Finding:
    """Return an error as a finding; ``status`` is that of its check, unless the vendor has refused the account."""
    refused = isinstance(error, AuthenticationError | RejectedError)
    what = re.sub(_OF_A_SEND, "", error.message)
    return Finding(
        name, Level.PROBLEM, what, "; ".join(error.problems), error.hint or "",
        ExitCode.AUTHENTICATION if refused else status,
    )  # fmt: skip


def hang(name: str, seconds: float, hint: str, status: ExitCode) -> Finding:
    """Return a check that did not end in time."""
    return Finding(name, Level.PROBLEM, f"it hangs: no answer within {seconds:g} s", "", hint, status)


# --- judgements -------------------------------------------------------------------------------------------------------


def journal(name: str, place: str, health: Health | None, *, sandbox: bool) -> Finding:
    """Judge a journal by a look at it, None: there never was one."""
    options = " --sandbox" if sandbox else ""
    if health is None:
        return ok(name, "there is none yet: the first send begins it", place)
    if health.is_unclean:
        hint = f"read it whole: smscli journal check{options}"
        return warning(name, "a process ended in the middle of a change, which the next send takes back", hint, place)
    if health.is_old:
        copy = ", and leaves a copy" if health.is_copied else ""
        return ok(name, f"of layout {health.layout}: the next send brings it up to date{copy}", place)
    total, unknown = sum(health.counts.values()), health.counts.get(State.UNKNOWN, 0)
    what = f"layout {health.layout}, {total} recipient{'s' * (total != 1)}, {unknown} UNKNOWN"
    in_flight = health.counts.get(State.IN_FLIGHT, 0)
    if in_flight:
        what += f", {in_flight} in flight (UNKNOWN, should no process be at it)"
    if not health.is_read:
        what += f"; too large to be read whole here (smscli journal check{options})"
    if unknown:
        hint = f"find out at the vendor: smscli journal list{options} --state unknown, then smscli journal resolve KEY"
        return warning(name, what, hint, place)
    return ok(name, what, place)


def certificate(name: str, shown: Certificate, now: float) -> Finding:
    """Judge an accepted certificate by the days it has left at ``now`` (Unix seconds)."""
    days = int((shown.not_after - now) // _DAY)
    what, detail = f"the certificate has {days} days left", f"{shown.tls}, issued by {shown.issuer}"
    if days >= EXPIRY_DAYS:
        return ok(name, what, detail)
    return warning(name, what, "tell the vendor, or whoever runs the host: behind its end every call fails", detail)


def connection(name: str, status: int, way: str) -> Finding:
    """Judge the answer to a request for the bare address: what is not found there has been answered all the same."""
    if status >= _BROKEN:
        hint = "the vendor's server is in trouble, or the proxy is: try again later"
        return warning(name, f"the vendor's host answers with HTTP status {status}", hint, way)
    return ok(name, "the vendor's host answers", way)


def clock(name: str, skew: Skew, whose: str, limit: float, *, is_vital: bool) -> Finding:
    """Judge the local clock by another one; ``is_vital``: the vendor refuses what a wrong clock has stamped."""
    what, detail = skew.sentence(whose), f"{skew.difference:+.1f} s, give or take {skew.doubt:.1f} s"
    if not skew.exceeds(limit):
        return ok(name, what, detail)
    hint = "set this machine's clock (timedatectl set-ntp true)"
    if is_vital:
        return Finding(name, Level.PROBLEM, what, detail, f"{hint}: it stamps the signatures", ExitCode.CONFIG)
    return warning(name, what, hint, detail)


def balance(name: str, left: Balance) -> Finding:
    """Judge what is left on the account."""
    what = f"{left.amount} {left.unit} left"
    if left.amount > 0:
        return ok(name, what, visible(left.note or ""))
    return warning(name, what, "top up the account: the next send will be refused", visible(left.note or ""))


# --- the whole --------------------------------------------------------------------------------------------------------


def verdict(findings: Sequence[Finding]) -> str:
    """Return the whole in one sentence."""
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    parts = [
        f"{count} {word}{'s' if count != 1 else ''}"
        for count, word in ((counts[Level.PROBLEM], "problem"), (counts[Level.WARNING], "warning"))
        if count
    ]
    return " and ".join(parts) if parts else "all is well"


def gravest(findings: Sequence[Finding]) -> SmscliError | None:
    """Return the error of the gravest problem; None when there is none."""
    for status, error in _GRAVEST_FIRST.items():
        for finding in findings:
            if finding.level is Level.PROBLEM and finding.exit_code == status:
                return error(
                    f"{verdict(findings)}; the gravest: {finding.id}: {finding.what}", hint=finding.hint or None
                )
    return None

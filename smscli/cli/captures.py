"""Captured requests of ``smscli sign``: where they come from, whose they are, and the check of many at once.

Only who gives ``--capture`` loads this.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs

from smscli import capture
from smscli.capture import Captured
from smscli.cli import inputs
from smscli.cli.invocation import Invocation
from smscli.cli.signature import Question, Working, nothing_signed, unfilled
from smscli.errors import AuthenticationError, ConfigError, InputError, SmscliError
from smscli.model import Account, Secret
from smscli.profiles import Need
from smscli.providers import Provider
from smscli.render import Result, Table, Tree
from smscli.signing import counted_params, repetition

MOST_EXPLAINED = 20
"""Of many requests, how many wrong signatures are explained at most."""

SECONDS_OF_EXPLAINING = 10.0


# --- where they come from ---------------------------------------------------------------------------------------------


def read(call: Invocation, source: str) -> list[Captured]:
    """Return the requests of a file, of stdin (``-``) or of the text itself, and tell -v what was read as what."""
    is_file = source != "-" and os.path.exists(source) and not os.path.isdir(source)  # noqa: PTH110,PTH112  (any text)
    if is_file or source == "-":
        text = capture.decode(inputs.read_bytes(call.runtime, source, "the capture", capture.MAX_CAPTURE))
    else:
        text = source
    try:
        captures = capture.read_all(text)
    except InputError as error:
        if text is source and source and not set("?=& \n") & set(source):
            raise InputError(f"{error.message}, and no file of that name", hint=error.hint) from None
        raise
    _tell(call, captures)
    return captures


def _tell(call: Invocation, captures: Sequence[Captured]) -> None:
    if call.trace is None:
        return
    for one in captures:
        names = ", ".join(name for name, _ in one.params)
        what = one.fault or f"{one.method or 'method unknown'} {one.host or ''}{one.path or ''} ({names})"
        call.trace(f"capture: {one.place or 'the whole text'}: {one.kind}: {what}")
        if len(captures) == 1:
            for reading in one.readings:
                call.trace(f"capture: {reading}")
        else:
            call.trace.details(iter(one.readings))


def choose_vendor(call: Invocation, captures: Sequence[Captured]) -> None:
    """Let the requests name the vendor when nothing else does, or what else does names none of theirs."""
    if call.wanted.profile is not None or call.wanted.provider is not None:
        return
    possible = {name for one in captures for name in one.providers}
    with suppress(ConfigError):
        if call.runtime.profile(call.wanted, need=Need.ADDRESS).provider in possible:
            return
    likeliest = Counter(one.providers[0] for one in captures if one.providers).most_common(1)
    if not likeliest:
        raise InputError("nothing in the capture tells its vendor", hint="name it with --provider or -p")
    call.wanted = call.wanted._replace(provider=likeliest[0][0])


def identity(provider: Provider, fields: Mapping[str, str]) -> Mapping[str, str | None]:
    """Return the parameters by which a request names the account with these fields, each with its value."""
    return {wire: fields.get(field) for wire, field in capture.identity(provider).items()}


def another_account(captured: Captured, own: Mapping[str, str | None]) -> str | None:
    """Return in words which account a request names, when it is another one than that with this identity."""
    return next((f"{name} {value}" for name, value in captured.params if own.get(name) not in (None, value)), None)


# --- one --------------------------------------------------------------------------------------------------------------


def question(captured: Captured, provider: Provider, now: float | None) -> Question:
    """Return what is asked about a request; ``now`` is the clock for a stamp that no log has one for, None for none."""
    params = counted_params(captured.params)
    values = dict(params)
    notes = list(captured.notes)
    if note := repetition(captured.params):
        notes.append(note)
    if captured.providers and provider.name not in captured.providers:
        notes.append(f"the capture looks like {captured.providers[0]}, not like {provider.name}")
    stamp, clock = values.get(provider.stamp_name or ""), None
    seen_at = now if captured.seen_at is None else captured.seen_at
    if provider.stamp.ages and stamp is not None and seen_at is not None:
        clock = capture.staleness(stamp, seen_at, provider.stamp_life)
    expected = values.get(provider.rule.signature)
    if expected is None:
        beyond = parse_qs((captured.raw_query or b"").partition(b"#")[2].decode("latin-1"))
        expected = beyond.get(provider.rule.signature, [None])[-1]
        behind = " but behind the #, where it is not sent" if expected else ""
        notes.append(f"the capture holds no {provider.rule.signature}{behind}")
    return Question(params, captured=captured, expected=expected, notes=tuple(notes), clock=clock)


# --- many -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checker:
    """With whose key many requests are checked.

    ``named``: somebody named the vendor, so that a request may be his that nothing else tells to be. ``own``
    is the identity of a profile that nobody named, else empty.
    """

    call: Invocation
    provider: Provider
    account: Account
    key_source: str
    named: bool
    own: Mapping[str, str | None]
    other_keys: Callable[[], Iterable[tuple[str, Secret]]]

    def check(self, captures: Sequence[Captured]) -> Result:
        """Return one line for each request, the wrong ones explained as far as number and time allow."""
        operations = capture.Operations(self.provider)
        answers = [self._answer(captured, operations) for captured in captures]
        cut = self._explain([answer for answer in answers if answer.verdict == "differs"])
        counts = Counter(answer.verdict for answer in answers)
        error = _error(counts, len(answers))
        strangers = counts["no vendor"]
        rows = tuple(answer.cells() for answer in answers)
        drawn = tuple(answer.cells() for answer in answers if answer.verdict != "no vendor")
        unread = f", {counts['unreadable']} cannot be read" if counts["unreadable"] else ""
        verdict = f"{counts['matches']} of {len(answers)} signatures match, {counts['differs']} do not{unread}"
        return Result(
            data={
                "provider": self.provider.name, "key_source": self.key_source, "counts": dict(counts),
                "requests": [answer.tree() for answer in answers], "explaining_was_cut": cut,
            },
            lines=rows,
            table=Table(("place", "vendor", "operation", "verdict", "why"), drawn, verdict, prose=("why",)),
            notes=tuple(self._notes(strangers, len(answers), cut=cut)),
            error=error,
            exit_code=error.exit_code if error else 0,
        )  # fmt: skip

    def _notes(self, strangers: int, total: int, *, cut: bool) -> Iterator[str]:
        yield f"signed with the key of {self.key_source}"
        if strangers:
            yield f"{strangers} of {total} requests are to no vendor"
        if cut:
            limits = f"at most {MOST_EXPLAINED}, within {SECONDS_OF_EXPLAINING:g} seconds"
            yield f"not all that differ are explained: {limits}"

    def _answer(self, captured: Captured, operations: capture.Operations) -> Answer:
        if captured.fault:
            return Answer(captured, "", None, "unreadable", captured.fault)
        mine = self.provider.name in captured.providers
        if not mine and (captured.providers or not self.named):
            vendor = captured.providers[0] if captured.providers else ""
            return Answer(captured, vendor, None, "other vendor" if vendor else "no vendor")
        asked = question(captured, self.provider, None)
        operation = operations.of(captured.path, captured.params)
        answer = Answer(captured, self.provider.name, operation, "unsigned", self._masked(asked), asked)
        stranger = another_account(captured, self.own)
        if stranger and self.account.mask(stranger) == stranger:  # else the key stands where the login belongs
            return answer.but("other account", f"it names {stranger}")
        none = nothing_signed(self.provider, asked.params, self.account.mask) if asked.params else ""
        if none and (asked.expected is not None or operation or unfilled(asked.params)):  # no question for the time
            return answer.but("unreadable", "; ".join(filter(None, (none, answer.why))))
        if asked.expected is None:
            return answer.but("unreadable", answer.why) if captured.lacks else answer
        from smscli.diagnosis import refusals  # only a signature that is there needs it

        answer.signature = self.provider.sign(asked.params, self.account.secret).signature
        matches = asked.expected == answer.signature and not refusals(
            *asked.wire, answer.signature, literal=asked.literal, unread_as=asked.unread_as
        )
        differs = "unreadable" if captured.lacks else "differs"  # of what is not there it may be the right one
        return answer.but("matches" if matches else differs, answer.why)

    def _masked(self, asked: Question) -> str:
        return self.account.mask("; ".join(filter(None, (*asked.notes, asked.clock))))

    def _explain(self, wrong: Sequence[Answer]) -> bool:
        """Explain wrong signatures, the first ones first; return whether some were left."""
        others: tuple[tuple[str, Secret], ...] = tuple(self.other_keys()) if wrong else ()
        deadline = self.call.runtime.monotonic() + SECONDS_OF_EXPLAINING
        for number, answer in enumerate(wrong):
            if number == MOST_EXPLAINED or self.call.runtime.monotonic() > deadline:
                return True
            assert answer.asked is not None  # noqa: S101  (only what was asked about can differ)
            working = Working(
                self.provider, self.account, answer.asked, self.key_source, reveal=False, in_hex=False
            )  # fmt: skip
            working.compare(answer.asked.expected or "", others)
            answer.comparison, reason = working.comparison(), working.reason()
            answer.why = "; ".join(filter(None, (reason, answer.why)))
        return False


class Answer:
    """What was found out about one of many requests."""

    def __init__(
        self, captured: Captured, vendor: str, operation: str | None, verdict: str, why: str = "",
        asked: Question | None = None,
    ) -> None:  # fmt: skip
        self.captured = captured
        self.vendor = vendor
        self.operation = operation
        self.verdict = verdict
        self.why = why
        self.asked = asked
        self.signature: str | None = None
        self.comparison: Tree = None

    def but(self, verdict: str, why: str) -> Answer:
        """Change the verdict, and return the answer."""
        self.verdict, self.why = verdict, why
        return self

    def cells(self) -> tuple[str, ...]:
        """Return the cells of its line."""
        return self.captured.place, self.vendor, self.operation or "", self.verdict, self.why

    def tree(self) -> Tree:
        """Return all of it."""
        captured = self.captured
        return {
            "place": captured.place, "kind": captured.kind, "method": captured.method, "host": captured.host,
            "path": captured.path, "seen_at": captured.seen_at, "provider": self.vendor or None,
            "operation": self.operation, "verdict": self.verdict, "why": self.why or None,
            "signature": self.signature, "comparison": self.comparison,
        }  # fmt: skip


def _error(counts: Mapping[str, int], total: int) -> SmscliError | None:
    if counts["differs"]:
        unread = f", {counts['unreadable']} cannot be read" if counts["unreadable"] else ""
        return AuthenticationError(f"{counts['differs']} of {total} signatures do not match{unread}")
    if counts["unreadable"]:
        return InputError(f"{counts['unreadable']} of {total} captured requests cannot be read")
    if not counts["matches"]:
        return InputError(f"none of the {total} captured requests could be checked", hint="name the account with -p")
    return None

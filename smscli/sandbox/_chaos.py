"""Failures on demand: rules that say which requests go wrong, and how.

A rule is words: a vendor, an operation, conditions (``CONDITIONS``) and one effect (``EFFECTS``), as in ``lightsms send
error=32 count=3``; or a mapping with the names ``vendor``, ``operation`` and those of conditions and effect. The first
rule that hits a request is the only one. Chance is worked out from a seed, the rule and the count of its requests: the
same requests in the same order meet the same failures.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from itertools import count

from smscli.errors import InputError
from smscli.model import visible
from smscli.sandbox._call import Call
from smscli.sandbox._desk import Caught, Desk
from smscli.sandbox._emulator import Answer, Emulator, header
from smscli.sandbox._failures import Failure, Fault
from smscli.sandbox._raw import Mishap
from smscli.sandbox._search import is_number

_MOST = 100  # rules
_DAY = 86_400.0
_WHY = "a rule"
_ACCEPTS = "send"  # what takes recipients one by one; a price names them, too
_NEVER_REFUSED = "timestamp"  # nobody signs it, so no vendor has an error for it

CONDITIONS = {
    "to": "a recipient, in any spelling",
    "probability": "0 to 1: the chance of each request",
    "every": "each Nth request",
    "count": "N requests, and then no more",
}
"""What narrows a rule, with what it means."""

EFFECTS = {
    "error": "a code or text from the vendor's own list of errors",
    "address": "refused: this machine's address is not on the vendor's list",
    "partial": "N: the first N recipients are accepted, the others are not",
    "clock": "SECONDS that the vendor's clock is ahead, or behind when negative",
    "status": "an HTTP status from 300 to 599; nothing is looked at",
    "reset": "before or after: the connection breaks instead of an answer, before or after the request is worked on",
    "delay": "SECONDS until the answer; what was sent is accepted at once",
    "drip": "N bytes of the answer a second",
    "cut": "N bytes of the answer's body, then the connection ends",
    "body": "html, empty or json: an answer of somebody else's instead of the vendor's",
}
"""What can go wrong, with the value that says how."""

_BODIES = {
    "html": ("<!DOCTYPE html><title>Welcome</title><p>Please log in to this network.\n", "text/html; charset=utf-8"),
    "empty": ("", "text/plain; charset=utf-8"),
    "json": ('{"answer": 42}', "application/json; charset=utf-8"),
}


_WORDS = {"address": ("refused",), "reset": ("before", "after"), "body": tuple(_BODIES)}
_RANGES = {"clock": (-3650 * _DAY, 3650 * _DAY), "delay": (0.0, 600.0)}
_LEAST = {"partial": 1, "drip": 1, "cut": 0, "status": 1}


# --- rules -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """Which requests go wrong, and how: None asks nothing; ``value`` is as it was written."""

    effect: str
    value: str
    vendor: str | None = None
    operation: str | None = None
    to: str | None = None
    probability: float = 1.0
    every: int = 1
    count: int | None = None

    @property
    def text(self) -> str:
        """The rule in words."""
        pairs = {"to": self.to, self.effect: self.value}
        pairs |= {"probability": f"{self.probability:g}" if self.probability < 1 else None}
        pairs |= {
            "every": str(self.every) if self.every > 1 else None,
            "count": str(self.count) if self.count else None,
        }
        words = (self.vendor, self.operation, *(f"{name}={shlex.quote(v)}" for name, v in pairs.items() if v))
        return " ".join(filter(None, words))

    def fits(self, entry: Caught, to: Sequence[str]) -> bool:
        """Return whether a request is of the kind that is meant."""
        is_meant = self.vendor in (None, entry.vendor) and self.operation in (None, entry.operation)
        if self.effect in ("error", "address") and entry.operation == _NEVER_REFUSED:
            return False
        if self.effect == "partial" and (entry.operation != _ACCEPTS or len(to) <= int(self.value)):
            return False
        return is_meant and (self.to is None or bool(self.whom(to)))

    def whom(self, to: Iterable[str]) -> list[str]:
        """Return the recipients that are meant."""
        return [one for one in to if self.to is None or is_number(self.to, one)]


def parse(text: str, platforms: Iterable[Emulator]) -> Rule:
    """Read a rule in words. Raises InputError for one that says what there is not, with what there is."""
    platforms = tuple(platforms)
    try:
        words = shlex.split(text)
    except ValueError:
        raise InputError(f"a quotation mark is not closed in {visible(text)!r}") from None
    vendors, members = _vendors(platforms), {}
    bare = [_in_small(word, vendors) for word in words if "=" not in word]
    if len(bare) > 1 and not any(word in vendors for word in bare):
        operations = {name for one in platforms for name in one.operations}
        if strange := next((word for word in bare if word not in operations), None):
            raise _no_such("vendor", strange, vendors)
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            name, value = "vendor" if _in_small(word, vendors) in vendors else "operation", word
        if name in members:
            raise InputError(f"{visible(name)} comes twice in {visible(text)!r}")
        members[name] = value
    return build(members, platforms)


def build(members: Mapping[str, str], platforms: Iterable[Emulator]) -> Rule:
    """Make a rule of its members. Raises InputError for one that says what there is not, with what there is."""
    vendors = _vendors(platforms)
    for name in members:
        if name not in ("vendor", "operation", *CONDITIONS, *EFFECTS):
            raise _no_such("word", name, (*CONDITIONS, *EFFECTS))
    effects = [name for name in EFFECTS if name in members]
    if len(effects) != 1:
        raise InputError(f"a rule has one effect, not {len(effects)}: {', '.join(EFFECTS)}")
    vendor, operation = members.get("vendor"), members.get("operation")
    if vendor is not None and (vendor := _in_small(vendor, vendors)) not in vendors:
        raise _no_such("vendor", vendor, vendors)
    meant = [vendors[vendor]] if vendor is not None else [*vendors.values()]
    operations = list(dict.fromkeys(name for one in meant for name in one.operations))
    if operation is not None and operation not in operations:
        raise _no_such(
            "operation" if vendor else "vendor or operation", operation, ([] if vendor else [*vendors]) + operations
        )
    (effect,) = effects
    _check(effect, members[effect], vendors[vendor] if vendor else None, vendors)
    if "to" in members and not re.fullmatch("[+(]*[0-9][0-9 ().-]*", members["to"]):
        raise InputError("to is a number, or the last digits of one, at least seven")
    return Rule(
        effect, members[effect], vendor, operation, members.get("to"),
        _number("probability", members.get("probability", "1"), 0, 1),
        _whole("every", members.get("every", "1")),
        _whole("count", members["count"]) if "count" in members else None,
    )  # fmt: skip


def _check(effect: str, value: str, platform: Emulator | None, vendors: Mapping[str, Emulator]) -> None:
    """Raise InputError for a value that an effect does not have."""
    if effect == "error":
        if platform is None:
            raise InputError("error wants a vendor: each has errors of its own")
        if value not in platform.errors:
            raise _no_such("error", value, platform.errors)
    elif effect == "address" and (platform is None or platform.address is None):
        known = ", ".join(name for name, one in vendors.items() if one.address)
        raise InputError(f"address wants a vendor that has an error for it; there are {known or 'none'}")
    elif effect in _WORDS and value not in _WORDS[effect]:
        raise InputError(f"{effect} is {' or '.join(_WORDS[effect])}")
    elif effect in _RANGES:
        _number(effect, value, *_RANGES[effect])
    elif effect in _LEAST:
        _whole(effect, value, _LEAST[effect])
    if effect == "status" and not (300 <= int(value) <= 599 and value != "304"):
        raise InputError("status is from 300 to 599, and not 304, which has no body")


def _vendors(platforms: Iterable[Emulator]) -> dict[str, Emulator]:
    return {vendor: platform for platform in platforms for vendor in platform.demo}


def _in_small(name: str, vendors: Mapping[str, Emulator]) -> str:
    """Return a vendor's name as it is written here, any other as it came: people write LightSMS."""
    return name.lower() if name.lower() in vendors else name


def _no_such(kind: str, name: str, all_there_are: Iterable[str]) -> InputError:
    return InputError(f"there is no {kind} {visible(name)[:60]!r}; there are {', '.join(all_there_are)}")


def _whole(name: str, value: str, least: int = 1) -> int:
    if not (value.isascii() and value.isdigit() and least <= int(value[:10]) and len(value) < 10):
        raise InputError(f"{name} is a whole number, at least {least}")
    return int(value)


def _number(name: str, value: str, least: float, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = most + 1
    if not least <= number <= most:
        raise InputError(f"{name} is a number from {least:g} to {most:g}")
    return number


# --- what befalls a request ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Track:
    """A rule, how many requests it was meant for, and how many it has hit."""

    rule: Rule
    matches: int = 0
    hits: int = 0


@dataclass(slots=True)
class Chaos:
    """The rules of a sandbox, by their numbers. Hold the desk's lock for whatever is asked.

    ``first`` are the rules of the start, to which ``reset`` returns.
    """

    seed: str
    first: Sequence[Rule] = ()
    tracks: dict[int, _Track] = field(default_factory=dict, init=False)
    _numbers: count[int] = field(default_factory=lambda: count(1), init=False)

    def __post_init__(self) -> None:
        """Begin."""
        self.reset()

    def reset(self) -> None:
        """Begin anew, chance and all."""
        self.tracks.clear()
        self._numbers = count(1)
        for rule in self.first:
            self.add(rule)

    def add(self, rule: Rule) -> int:
        """Add a rule behind the others, and return its number. Raises InputError when there are too many."""
        if len(self.tracks) >= _MOST:
            raise InputError(f"there are {_MOST} rules already")
        number = next(self._numbers)
        self.tracks[number] = _Track(rule)
        return number

    def tree(self, number: int) -> dict[str, object]:
        """Return a rule as JSON shows it."""
        track = self.tracks[number]
        rule = track.rule
        return {
            "number": number, "rule": rule.text, "vendor": rule.vendor, "operation": rule.operation, "to": rule.to,
            "effect": rule.effect, "value": rule.value, "probability": rule.probability, "every": rule.every,
            "count": rule.count, "matches": track.matches, "hits": track.hits,
        }  # fmt: skip

    def hit(
        self, entry: Caught, to: Sequence[str], changes: Callable[[Rule], bool] = lambda _: True
    ) -> Rule | None:  # fmt: skip
        """Return the first rule that hits a request, None for a request that nothing befalls.

        What a rule ``changes`` nothing of is not its kind: it uses up nothing.
        """
        for number, track in self.tracks.items():
            rule = track.rule
            if not (rule.fits(entry, to) and changes(rule)):
                continue
            track.matches += 1
            is_spent = rule.count is not None and track.hits >= rule.count
            if is_spent or track.matches % rule.every or self._chance(number, track.matches) >= rule.probability:
                continue
            track.hits += 1
            return rule
        return None

    def _chance(self, number: int, matches: int) -> float:
        """Return a number from 0 to 1, without 1, that looks like any other."""
        digest = blake2b(f"{self.seed}:{number}:{matches}".encode(), digest_size=6).digest()
        return int.from_bytes(digest, "big") / 2**48

    def handle(self, emulator: Emulator, handler: Callable[[Call, Desk], Answer], call: Call, desk: Desk) -> Answer:
        """Answer a call as ``handler`` does, unless a rule hits it."""
        entry, to = emulator.noted(call) if emulator.noted else (_unnamed(emulator, call), ())

        def refusals(troubled: Call) -> list[tuple[str | None, str | None]]:
            trial = Desk(dict(desk.credit))
            handler(troubled, trial)
            return [(one.to, one.refusal) for one in trial.caught]

        own = cache(lambda: refusals(call))

        def changes(rule: Rule) -> bool:
            """Return whether the vendor refuses something else: a wrong signature keeps its own error."""
            troubled = _troubled(rule, emulator, entry, to, call)
            if troubled is call:  # it befalls the connection or the answer
                return True
            # What is answered tells of the clock, whether or not anything is refused for it.
            is_seen = rule.effect == "clock" and not (own() and all(code for _, code in own()))
            return is_seen or refusals(troubled) != own()

        rule = self.hit(entry, to, changes)
        if rule is None:
            return handler(call, desk)
        desk.chaos = rule.text
        desk.skew = float(rule.value) if rule.effect == "clock" else 0.0
        try:
            answer = _spoiled(rule, emulator, entry, to, handler, call, desk)
        finally:
            desk.chaos, desk.skew = None, 0.0
        return replace(answer, headers=(*answer.headers, ("X-Smscli-Chaos", header(rule.text))))


def _unnamed(emulator: Emulator, call: Call) -> Caught:
    return Caught(vendor=min(emulator.demo), operation="unknown", now=call.now, signature=None)


def _spoiled(
    rule: Rule, emulator: Emulator, entry: Caught, to: Sequence[str], handler: Callable[[Call, Desk], Answer],
    call: Call, desk: Desk,
) -> Answer:  # fmt: skip
    if rule.effect == "status" or (rule.effect, rule.value) == ("reset", "before"):
        refusal = f"HTTP {rule.value}" if rule.effect == "status" else "connection reset"
        reason = f"a rule says so: {rule.text}"
        desk.refuse(entry, refusal, to, reason)
        mishap = Mishap(reset=rule.effect == "reset")
        status = 200 if mishap.reset else int(rule.value)
        return Answer(f"{refusal}\n", "text/plain; charset=utf-8", status=status, reason=reason, mishap=mishap)
    answer = handler(_troubled(rule, emulator, entry, to, call), desk)
    if rule.effect == "body":
        body, kind = _BODIES[rule.value]
        return replace(answer, body=body, content_type=kind)
    return replace(answer, mishap=_mishap(rule))


def _troubled(rule: Rule, emulator: Emulator, entry: Caught, to: Sequence[str], call: Call) -> Call:
    """Return the call with what the rule makes of it before the vendor looks."""
    if rule.effect == "clock":
        return replace(call, now=call.now + float(rule.value), skew=float(rule.value))
    if rule.effect in ("error", "address"):
        code = rule.value if rule.effect == "error" else emulator.address or ""
        words = emulator.errors[code]
        failure = next((one for one in emulator.failures.values() if one.code == code and one.alone), None)
        if failure and entry.operation == _ACCEPTS:
            return replace(call, forced=dict.fromkeys(rule.whom(to), Failure(code, words, True, _WHY)))
        return replace(call, fault=Fault(code, f"{_WHY} provokes {words}"))
    if rule.effect == "partial":
        # A vendor without errors of single recipients leaves them out.
        alone = next((one for one in emulator.failures.values() if one.alone), Failure("", "an error", True))
        return replace(call, forced=dict.fromkeys(to[int(rule.value) :], replace(alone, why=_WHY)))
    return call


def _mishap(rule: Rule) -> Mishap | None:
    if rule.effect == "delay":
        return Mishap(delay=float(rule.value))
    if rule.effect == "drip":
        return Mishap(drip=int(rule.value))
    if rule.effect == "cut":
        return Mishap(cut=int(rule.value))
    return Mishap(reset=True) if rule.effect == "reset" else None

"""How a request is signed: the rule as data, and every stage of its working as a value.

This module is pure. A vendor states its rule as a ``Rule``; ``sign`` works it out. The same function signs what is
sent, explains it, verifies it in the sandbox, and is asked again with one thing changed when two signatures differ.

The vendors dictate MD5 and SHA-1; neither is claimed to be secure here. What protects a request is TLS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum, unique
from importlib import import_module
from urllib.parse import quote, quote_plus

from smscli.errors import InputError
from smscli.model import MASK, Pairs, Secret, mask, visible
from smscli.record import Record


@unique
class KeyUse(StrEnum):
    """Where the secret enters."""

    SUFFIX = "suffix"
    """Behind the values."""
    PREFIX = "prefix"
    """In front of the values."""
    HMAC = "hmac"
    """As the key of an HMAC over the values (RFC 2104)."""


@unique
class Escape(StrEnum):
    """How a value is written inside the string that is hashed; the words are those of an explanation."""

    NONE = "as it is"
    PERCENT = "percent-encoded (RFC 3986)"
    """All but letters, digits and ``-._~``, as PHP's rawurlencode does."""
    FORM = "percent-encoded, a space as +"
    """As forms and Python's quote_plus do."""

    @property
    def apply(self) -> Callable[[str], str]:
        """The function that escapes one value."""
        return _ESCAPES[self]


def _percent(text: str) -> str:
    return quote(text, safe="")


_ESCAPES: Mapping[Escape, Callable[[str], str]] = {
    Escape.NONE: str,
    Escape.PERCENT: _percent,
    Escape.FORM: quote_plus,
}


class Rule(Record):
    """One vendor's signature rule: what takes part, how it is joined into one string, and how that is hashed.

    ``signature`` is the wire name of the result. ``unsigned`` names the parameters that never take part, with the
    reason. ``order`` empty means "sorted by name, byte by byte"; otherwise each group of alternative names holds one
    place, in this order, and a parameter in no group does not take part.

    Each parameter is one piece of the string: its value, written as ``escape`` says, behind its name and ``glue``
    (None: names do not stand in it). ``separator`` stands between the pieces, and before the first when ``leading``;
    ``key_separator`` (None: the same) between them and the key. Without any piece the key stands alone.
    ``digests`` are applied one after the other, each to the lower-case hex text of the one before.
    ``traps`` are one-line warnings about what the rule lets go wrong.
    """

    signature: str
    unsigned: Mapping[str, str]
    digests: tuple[str, ...]
    order: tuple[tuple[str, ...], ...] = ()
    separator: str = ""
    key: KeyUse = KeyUse.SUFFIX
    traps: tuple[str, ...] = ()
    glue: str | None = None
    escape: Escape = Escape.NONE
    leading: bool = False
    key_separator: str | None = None

    @property
    def head(self) -> str:
        """What stands before the first piece."""
        return self.separator if self.leading else ""

    @property
    def before_key(self) -> str:
        """What stands between the pieces and the key."""
        return self.separator if self.key_separator is None else self.key_separator

    def join(self, signed: Pairs) -> str:
        """Return the pieces in one string, without the key."""
        pieces = join_pieces(signed, self.glue, self.escape.apply)
        return self.head + self.separator.join(pieces) if pieces else ""

    def with_key(self, signed: Pairs, key: str) -> str:
        """Return the string that is hashed, for a rule whose key stands in it."""
        parts = (self.join(signed), self.before_key) if signed else ()
        return "".join((*parts, key) if self.key is KeyUse.SUFFIX else (key, *reversed(parts)))


def join_pieces(signed: Pairs, glue: str | None, escape: Callable[[str], str]) -> list[str]:
    """Return the piece of each parameter: see ``Rule``."""
    if glue is None:
        return [value for _, value in signed] if escape is str else [escape(value) for _, value in signed]
    return [f"{name}{glue}{escape(value)}" for name, value in signed]


class LeftOut(Record):
    """A parameter that does not take part in the signature, and why."""

    name: str
    value: str
    why: str


class Step(Record):
    """One stage: its name, its value, and the value as it may be shown (the secret replaced by a fixed mask)."""

    label: str
    value: str
    masked: str

    def __repr__(self) -> str:
        return f"Step({self.label!r}, {self.masked!r})"


class SignatureTrace(Record):
    """The whole working: parameters in signing order, those left out, every stage, and the signature."""

    parameters: Pairs
    left_out: tuple[LeftOut, ...]
    steps: tuple[Step, ...]
    signature: str


def sign(rule: Rule, params: Pairs, secret: Secret, *, others: Sequence[Secret] = ()) -> SignatureTrace:
    """Return the working of ``rule`` over ``params``, exactly as given: nothing is added, empty values count.

    Strings are hashed as UTF-8; raises InputError for what cannot be (bytes of another encoding). ``others`` are the
    account's further secrets, which no stage may show either.
    """
    _check_encodable(params, secret)
    signed, left_out = arrange(rule, params)
    text = rule.join(signed)
    names, escaped = "names and " if rule.glue is not None else "", "escaped " if rule.escape is not Escape.NONE else ""
    steps = [Step(f"joined {names}{escaped}values", text, _masked(text, rule, secret, others))]
    if rule.key is not KeyUse.HMAC:
        text = rule.with_key(signed, secret.reveal())
        steps.append(Step("with the key", text, _masked(rule.with_key(signed, MASK), rule, secret, others)))
    for name in rule.digests:
        label = f"HMAC-{name.upper()} with the secret" if rule.key is KeyUse.HMAC else f"{name.upper()} hex"
        text = _digest(rule, name, text, secret)
        steps.append(Step(label, text, text))
    return SignatureTrace(signed, left_out, tuple(steps), text)


def arrange(rule: Rule, params: Pairs) -> tuple[Pairs, tuple[LeftOut, ...]]:
    """Return the parameters that are signed, in signing order, and those that are not, with the reason.

    Repeated names keep their order among themselves; ``to[0]`` is ``to[]`` where the rule has that, as in PHP.
    """
    place = {name: index for index, group in enumerate(rule.order) for name in group}
    signed: list[tuple[str, str]] = []
    left_out: list[LeftOut] = []
    for name, value in params:
        if name in rule.unsigned:
            left_out.append(LeftOut(name, value, rule.unsigned[name]))
        elif rule.order and counted_name(name) not in place:
            left_out.append(LeftOut(name, value, "not in the vendor's fixed order"))
        else:
            signed.append((name, value))
    signed.sort(key=(lambda pair: place[counted_name(pair[0])]) if rule.order else (lambda pair: pair[0].encode()))
    return tuple(signed), tuple(left_out)


def counted_name(name: str) -> str:
    """Return the name without the number of a place in a PHP array: ``to[0]`` counts as ``to[]``."""
    head, bracket, number = name.partition("[")
    return f"{head}[]" if bracket and number[:-1].isdecimal() and number.endswith("]") else name


def counted_params(params: Pairs) -> Pairs:
    """Return what PHP makes of parameters that were sent: the last of a repeated name, in the place of the first.

    Names that end in ``[]`` or ``[n]`` are places of an array, and all stay.
    """
    places = {(name, index if name.endswith("]") else 0): value for index, (name, value) in enumerate(params)}
    return tuple((name, value) for (name, _), value in places.items())


def repeated_names(params: Pairs) -> tuple[str, ...]:
    """Return the names of which PHP keeps one value, and several were sent."""
    counts = Counter(name for name, _ in params if not name.endswith("]"))
    return tuple(name for name, count in counts.items() if count > 1)


def repetition(params: Pairs) -> str:
    """Return what is to be said of names that were sent more than once, nothing when there are none."""
    names = ", ".join(map(visible, repeated_names(params)))
    return f"{names}: sent more than once; the last one counts, as with PHP" if names else ""


def _check_encodable(params: Pairs, secret: Secret) -> None:
    try:
        "".join([secret.reveal(), *(part for pair in params for part in pair)]).encode()
    except UnicodeEncodeError:
        # Not chained: the original error carries the text, and the key with it.
        raise InputError(
            "a parameter or the key is not valid UTF-8", hint="convert it first, for instance with iconv"
        ) from None


def _masked(text: str, rule: Rule, secret: Secret, others: Sequence[Secret]) -> str:
    # A value may hold a secret too (a password that is sent, `apikey` signed by mistake): what is shown never does.
    secrets = (secret, *others)
    return mask(text, (*secrets, *(Secret(rule.escape.apply(one.reveal())) for one in secrets)))


def _digest(rule: Rule, name: str, text: str, secret: Secret) -> str:
    data = text.encode()
    if rule.key is KeyUse.HMAC:
        import hmac

        return hmac.new(secret.reveal().encode(), data, name).hexdigest()
    return _hash(name, data)


def _hash(name: str, data: bytes) -> str:
    """Return a digest in hex; by the interpreter's own module where there is one, as hashlib loads all of OpenSSL."""
    try:
        own = import_module(f"_{name}")
    except ImportError:
        import hashlib

        return hashlib.new(name, data, usedforsecurity=False).hexdigest()
    return str(getattr(own, name)(data).hexdigest())

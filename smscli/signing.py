"""How a request is signed: the rule as data, and every stage of its working as a value.

This room is pure. A vendor states its rule as a ``Rule``; ``sign`` works it out. The same function signs what is
sent, explains it, verifies it in the sandbox, and is asked again with one thing changed when two signatures differ.

The vendors dictate MD5 and SHA-1; neither is claimed to be secure here. What protects a request is TLS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum, unique

from smscli.errors import InputError
from smscli.model import MASK, Pairs, Secret
from smscli.record import Record


@unique
class KeyUse(StrEnum):
    """Where the secret enters."""

    SUFFIX = "suffix"
    """Behind the values, after one more separator."""
    HMAC = "hmac"
    """As the key of an HMAC over the values (RFC 2104)."""


class Rule(Record):
    """One vendor's signature rule.

    ``signature`` is the wire name of the result. ``unsigned`` names the parameters that never take part, with the
    reason. ``order`` empty means "sorted by name, byte by byte"; otherwise each group of alternative names holds one
    place, in this order, and a parameter in no group does not take part. ``separator`` stands between the values.
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


class LeftOut(Record):
    """A parameter that does not take part in the signature, and why."""

    name: str
    value: str
    why: str


class Step(Record):
    """One stage: its name, its value, and the value as it may be shown (the secret replaced by a fixed mask)."""

    label: str
    value: str
    shown: str

    def __repr__(self) -> str:
        return f"Step({self.label!r}, {self.shown!r})"


class SignatureTrace(Record):
    """The whole working: parameters in signing order, those left out, every stage, and the signature."""

    parameters: Pairs
    left_out: tuple[LeftOut, ...]
    steps: tuple[Step, ...]
    signature: str


def sign(rule: Rule, params: Pairs, secret: Secret) -> SignatureTrace:
    """Return the working of ``rule`` over ``params``, exactly as given: nothing is added, empty values count.

    Values are hashed raw (decoded), as UTF-8; raises InputError for what cannot be (bytes of another encoding).
    """
    _check_encodable(params, secret)
    signed, left_out = arrange(rule, params)
    values = [value for _, value in signed]
    joined = rule.separator.join(values)
    steps = [_step("joined values", joined, joined, secret)]
    if rule.key is KeyUse.SUFFIX:
        text = rule.separator.join([*values, secret.reveal()])
        steps.append(_step("with the key", text, rule.separator.join([*values, MASK]), secret))
    else:
        text = joined
    for name in rule.digests:
        label = f"HMAC-{name.upper()} with the secret" if rule.key is KeyUse.HMAC else f"{name.upper()} hex"
        text = _digest(rule, name, text, secret)
        steps.append(Step(label, text, text))
    return SignatureTrace(signed, left_out, tuple(steps), text)


def arrange(rule: Rule, params: Pairs) -> tuple[Pairs, tuple[LeftOut, ...]]:
    """Return the parameters that are signed, in signing order, and those that are not, with the reason.

    Repeated names keep their order among themselves.
    """
    place = {name: index for index, group in enumerate(rule.order) for name in group}
    signed: list[tuple[str, str]] = []
    left_out: list[LeftOut] = []
    for name, value in params:
        if name in rule.unsigned:
            left_out.append(LeftOut(name, value, rule.unsigned[name]))
        elif rule.order and name not in place:
            left_out.append(LeftOut(name, value, "not in the vendor's fixed order"))
        else:
            signed.append((name, value))
    signed.sort(key=(lambda pair: place[pair[0]]) if rule.order else (lambda pair: pair[0].encode()))
    return tuple(signed), tuple(left_out)


def _check_encodable(params: Pairs, secret: Secret) -> None:
    try:
        "".join([secret.reveal(), *(part for pair in params for part in pair)]).encode()
    except UnicodeEncodeError:
        # Not chained: the original error carries the text, and the key with it.
        raise InputError(
            "a parameter or the key is not valid UTF-8", hint="convert it first, for instance with iconv"
        ) from None


def _step(label: str, value: str, shown: str, secret: Secret) -> Step:
    # A value may hold the secret too (someone signed `apikey` by mistake): what is shown never does.
    return Step(label, value, secret.mask(shown))


def _digest(rule: Rule, name: str, text: str, secret: Secret) -> str:
    data = text.encode()
    if rule.key is KeyUse.HMAC:
        import hmac

        return hmac.new(secret.reveal().encode(), data, name).hexdigest()
    return hashlib.new(name, data, usedforsecurity=False).hexdigest()

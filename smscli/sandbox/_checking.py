"""A signature looked at: right, or wrong and why. What takes a tenth of a second is a question for who has the time."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

from smscli import providers
from smscli.errors import InputError
from smscli.model import Account, Pairs
from smscli.sandbox import _reasons
from smscli.sandbox._call import Call

if TYPE_CHECKING:
    from smscli.diagnosis import Diagnosis

_OF_THE_KEY = frozenset(("key-misspelled", "key-look-alike", "key-decoded", "truncated"))
_COMBINATIONS = 30_000  # of mistakes that are tried on a wrong signature: a tenth of a second


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be found out about a wrong signature: the mistake that makes it. A tenth of a second's work."""

    vendor: str
    signature: str
    call: Call
    account: Account

    @property
    def key(self) -> bytes:
        """A digest of what the answer depends on, in one sandbox: the parameters may be a megabyte."""
        parts = type(self).__name__, self.vendor, self.signature, self.call.params
        return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def answer(self) -> str:
        """Name the mistake, or say that none is known."""
        return _diagnose(self.vendor, self.signature, self.call, self.account)


@dataclass(slots=True)
class Check:
    """A signature looked at: whether it was right, and the text that should have been hashed, secret masked.

    The correct signature is not kept: nobody shall use the sandbox to have a profile's key sign for them.
    ``diagnosis`` says which mistake gives the wrong one. Of a real key it could tell a stranger how it looks: there is
    none, or, where requests are passed on, none that is a mistake with the key itself. It is looked for when the answer
    is ready to go, and nobody waits for it but who sent the wrong one; until then ``question`` is what finds it.
    ``reason`` says what a wrong one met on its way (``is_damaged``: that is the whole diagnosis), or that it is wrong.
    """

    right: bool
    expected: str
    diagnosis: str | None = None
    question: Question | None = None
    reason: str | None = None
    is_damaged: bool = False


def verify(vendor: str, signature: str, call: Call, account: Account, names: Collection[str] = ()) -> Check:
    """Work out the vendor's rule over what arrived, and compare; ask for the mistake of a wrong signature.

    ``names`` are the vendor's parameters, as far as a request may hold them.
    """
    provider = providers.get(vendor).of(account.fields)
    given = signature.encode("utf-8", "surrogatepass")

    def fits(params: Pairs) -> bool:
        return hmac.compare_digest(provider.sign(params, account.secret).signature.encode(), given)

    trace = provider.sign(call.params, account.secret, others=account.secrets)
    hashed = trace.steps[-1 - len(provider.rule.digests)].masked
    if hmac.compare_digest(trace.signature.encode(), given):
        return Check(True, hashed)
    damage = _reasons.damage(call.raw_query, call.raw_body, names, fits)
    is_told = is_invented(account, call) or call.goes_on
    # In front of a value nobody means a space; inside of one it may be that, and the signature is what went wrong.
    is_open = damage == _reasons.PLUS and b"=+" not in call.raw_query + call.raw_body
    if damage and not is_open:  # whatever else would give the wrong signature is chance
        return Check(False, hashed, damage if is_told else None, reason=damage, is_damaged=True)
    question = Question(vendor, signature, call, account) if is_told else None
    reason = f"{damage}, or sign the space where one is meant" if damage else None
    reason = reason or f"{provider.rule.signature} is not that of the parameters that came"
    return Check(False, hashed, question=question, reason=reason)


def find_mistakes(vendor: str, signature: str, call: Call, account: Account) -> Diagnosis:
    """Try the known mistakes on a wrong signature. Raises InputError for what cannot be one of this vendor.

    Of a key that is not invented nothing is told: neither how it was misspelled, nor by half a signature.
    """
    from smscli.diagnosis import diagnose  # only a wrong signature needs it

    diagnosis = diagnose(
        providers.get(vendor).of(account.fields), call.params, account.secret, signature,
        others=tuple(call.demo_keys.items()), hidden=account.secrets, limit=_COMBINATIONS,
    )  # fmt: skip
    if is_invented(account, call):
        return diagnosis
    told = (one for one in diagnosis.explanations if not any(finding.name in _OF_THE_KEY for finding in one.findings))
    return replace(diagnosis, explanations=tuple(told))


def _diagnose(vendor: str, signature: str, call: Call, account: Account) -> str:
    try:
        diagnosis = find_mistakes(vendor, signature, call, account)
    except InputError as error:
        return error.message
    sentences = [
        " ".join(finding.sentence for finding in explanation.findings) for explanation in diagnosis.explanations
    ]
    if not sentences and not is_invented(account, call):
        return "No known mistake explains it; `smscli sign --capture` looks for mistakes with the key, too."
    return " Or: ".join(sentences) or f"No known mistake explains it ({diagnosis.tried} combinations tried)."


def is_invented(account: Account, call: Call) -> bool:
    """Return whether an account's key is that of nobody."""
    return account.secret in call.demo_keys.values()

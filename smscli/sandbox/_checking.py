"""A signature looked at: right, or wrong and why. What takes a tenth of a second is a question for who has the time."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
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
    from smscli.signing import SignatureTrace

_OF_THE_KEY = frozenset(("key-misspelled", "key-look-alike", "key-decoded", "truncated"))
_WITHHELD = (
    "Withheld: of a profile's own key it could tell how that looks; `smscli sign --capture` looks for the mistake."
)
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
    ``diagnosis`` says which mistake gives the wrong one. Of a real key it could tell a stranger how it looks: it says
    that it is withheld, or, where requests are passed on, names none that is a mistake with the key itself. It is
    looked for when the answer is ready to go, and nobody waits for it but who sent the wrong one; until then
    ``question`` is what finds it. ``reason`` says what a wrong one met on its way (``is_damaged``: that is the whole
    diagnosis), or that it is wrong; ``meant`` is the text that was hashed then, masked, where the signature tells it.
    """

    right: bool
    expected: str
    diagnosis: str | None = None
    question: Question | None = None
    reason: str | None = None
    is_damaged: bool = False
    meant: str | None = None


def verify(
    vendor: str, signature: str, call: Call, account: Account, names: Collection[str] = (),
    merge: Callable[[Pairs], Pairs] = tuple,
) -> Check:  # fmt: skip
    """Work out the vendor's rule over what arrived, and compare; ask for the mistake of a wrong signature.

    ``names`` are the vendor's parameters, as far as a request may hold them, arrays without brackets. ``merge`` makes
    what is signed of parameters as they are sent.
    """
    call = replace(call, params=merge(call.params))
    provider = providers.get(vendor).of(account.fields)
    given = signature.encode("utf-8", "surrogatepass")

    def fits(params: Pairs) -> bool:
        return hmac.compare_digest(provider.sign(merge(params), account.secret).signature.encode(), given)

    def hashed_text(trace: SignatureTrace) -> str:
        return trace.steps[-1 - len(provider.rule.digests)].masked

    trace = provider.sign(call.params, account.secret, others=account.secrets)
    hashed = hashed_text(trace)
    if hmac.compare_digest(trace.signature.encode(), given):
        return Check(True, hashed)
    damage = _reasons.damage(call.raw_query, call.raw_body, names, fits)
    if damage:  # whatever else would give the wrong signature is chance
        words, meant = damage
        text = hashed_text(provider.sign(merge(meant), account.secret, others=account.secrets)) if meant else None
        return Check(False, hashed, words, reason=words, is_damaged=True, meant=text)
    reason = f"{provider.rule.signature} is not that of the parameters that came"
    if not (is_invented(account, call) or call.goes_on):
        return Check(False, hashed, _WITHHELD, reason=reason)
    return Check(False, hashed, question=Question(vendor, signature, call, account), reason=reason)


def find_mistakes(
    vendor: str, signature: str, call: Call, account: Account, wire: tuple[bytes, bytes] = (b"", b"")
) -> Diagnosis:  # fmt: skip
    """Try the known mistakes on a wrong signature. Raises InputError for what cannot be one of this vendor.

    ``wire`` is query and body, where what was meant by their bytes is to be tried, too.
    Of a key that is not invented nothing is told: neither how it was misspelled, nor by half a signature.
    """
    from smscli.diagnosis import diagnose  # only a wrong signature needs it

    diagnosis = diagnose(
        providers.get(vendor).of(account.fields), call.params, account.secret, signature,
        others=tuple(call.demo_keys.items()), hidden=account.secrets, wire=wire, limit=_COMBINATIONS,
    )  # fmt: skip
    if is_invented(account, call):
        return diagnosis
    others = (one for one in diagnosis.explanations if not any(finding.name in _OF_THE_KEY for finding in one.findings))
    return replace(diagnosis, explanations=tuple(others))


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

"""Why two signatures differ: known mistakes, made on purpose until the other program's value comes out.

This package is pure and offline. A signature is the outcome of a recipe; a mistake turns a recipe into the recipes of
programs that make it. ``diagnose`` makes no mistake, every single one, then every pair, and reports all that end in
exactly the expected value with the fewest mistakes. A new mistake is one more function or row in the module of its
family, with its sentence and its fix. Nothing here shows a secret: every text that leaves has the keys masked.

::

    _findings.py       what a diagnosis says
    _recipe.py         a signature as the outcome of a recipe
    _mistake.py        what a mistake is, and what it may know of the request
    _participation.py  mistakes: which parameters take part
    _numbers.py        mistakes: phone numbers and lists
    _spelling.py       mistakes: how values are spelled      (_respelling.py: how a spelling is applied)
    _stamp.py          mistakes: the time
    _order.py          mistakes: the order of the parameters
    _joining.py        mistakes: names, separators, the joined string
    _key.py            mistakes: the key
    _digest.py         mistakes: charset, digests and HMAC
    _forms.py          mistakes: how the digest is written; what cannot be a signature
    _search.py         the bounded walk over all of them
"""

from __future__ import annotations

from collections.abc import Sequence

from smscli.diagnosis._digest import DIGEST
from smscli.diagnosis._findings import Diagnosis, Explanation, Finding
from smscli.diagnosis._forms import clean, forms, outcome_lengths
from smscli.diagnosis._joining import JOINING
from smscli.diagnosis._key import KEY
from smscli.diagnosis._mistake import Case, Mistake
from smscli.diagnosis._numbers import NUMBERS
from smscli.diagnosis._order import ORDER
from smscli.diagnosis._participation import PARTICIPATION
from smscli.diagnosis._recipe import true_recipe
from smscli.diagnosis._search import Search
from smscli.diagnosis._spelling import SPELLING
from smscli.diagnosis._stamp import STAMP
from smscli.model import Pairs, Secret
from smscli.providers import Provider
from smscli.signing import arrange

__all__ = ["LIMIT", "MISTAKES", "Diagnosis", "Explanation", "Finding", "diagnose"]

LIMIT = 200_000
"""Combinations tried at most for a request of ordinary size; longer ones get proportionally fewer."""

_ORDINARY_SIZE = 400

MISTAKES: tuple[Mistake, ...] = (
    *PARTICIPATION,
    *NUMBERS,
    *SPELLING,
    *STAMP,
    *ORDER,
    *JOINING,
    *KEY,
    *DIGEST,
)
"""Every mistake that is tried, most likely first within each stage."""


def diagnose(
    provider: Provider,
    params: Pairs,
    secret: Secret,
    expected: str,
    *,
    others: Sequence[tuple[str, Secret]] = (),
    hidden: Sequence[Secret] = (),
    limit: int = LIMIT,
) -> Diagnosis:
    """Return why ``expected`` is not (or that it is) the vendor's signature over ``params``.

    ``provider`` is the vendor as this account uses it (``Provider.of``). ``params`` are the decoded parameters in the
    order the other program has them; ``others`` are further keys by the name of their profile, tried as "the key of
    another profile"; ``hidden`` are further secrets, masked like the keys. Raises InputError when ``expected`` cannot
    be a signature of this vendor, with the reason.
    """
    signature = provider.sign(params, secret).signature
    cleaned = clean(expected)
    readings = forms(cleaned, signature, provider)
    signed, left_out = arrange(provider.rule, params)
    keys = tuple((name, other.reveal()) for name, other in others if other != secret and other.reveal())
    case = Case(provider, params, left_out, keys, secret.reveal(), outcome_lengths(readings), tuple(hidden))
    size = sum(len(name) + len(value) + 8 for name, value in params)
    search = Search(MISTAKES, case, readings, limit * _ORDINARY_SIZE // max(_ORDINARY_SIZE, size))
    search.run(true_recipe(provider.rule, signed, secret.reveal()))
    return Diagnosis(
        matches=cleaned == signature,
        expected=cleaned,
        explanations=search.explanations(),
        tried=search.tried,
        cut=search.cut,
        searched=search.applied,
    )

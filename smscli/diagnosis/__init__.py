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
    _printing.py       mistakes: numbers, lists and bytes as languages print them
    _moments.py        mistakes: times as languages print them
    _characters.py     mistakes: look-alike, invisible and lost characters
    _documents.py      mistakes: queries, JSON and maps signed as a whole
    _spelling.py       mistakes: how values are spelled      (_respelling.py: how a spelling is applied)
    _stamp.py          mistakes: the time
    _order.py          mistakes: the order of the parameters
    _joining.py        mistakes: names, separators, the joined string
    _key.py            mistakes: the key
    _digest.py         mistakes: charset, digests and HMAC
    _forms.py          mistakes: how the digest is written; what cannot be a signature
    _sending.py        faults of the sending: what bytes do to values, whatever was signed
    _search.py         the bounded walk over all of them
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smscli.diagnosis._characters import CHARACTERS, latin_twin
from smscli.diagnosis._digest import DIGEST, summed
from smscli.diagnosis._documents import DOCUMENTS
from smscli.diagnosis._findings import Diagnosis, Explanation, Finding
from smscli.diagnosis._forms import clean, forms, outcome_lengths
from smscli.diagnosis._joining import JOINING
from smscli.diagnosis._key import KEY
from smscli.diagnosis._mistake import Case, Mistake
from smscli.diagnosis._moments import MOMENTS
from smscli.diagnosis._numbers import NUMBERS
from smscli.diagnosis._order import ORDER
from smscli.diagnosis._participation import PARTICIPATION
from smscli.diagnosis._printing import PRINTING
from smscli.diagnosis._recipe import true_recipe
from smscli.diagnosis._search import Search
from smscli.diagnosis._sending import CODES, faults, readings, refusals
from smscli.diagnosis._spelling import SPELLING
from smscli.diagnosis._stamp import STAMP
from smscli.model import MASK, Pairs, Secret
from smscli.providers import Provider
from smscli.signing import KeyUse, arrange

__all__ = [
    "CODES", "LIMIT", "MISTAKES", "Diagnosis", "Explanation", "Finding", "clean", "diagnose", "faults", "latin_twin",
    "readings", "refusals",
]  # fmt: skip

LIMIT = 200_000
"""Combinations tried at most for a request of ordinary size; longer ones get proportionally fewer."""

_ORDINARY_SIZE = 400

FAMILIES: dict[str, tuple[Mistake, ...]] = {
    "parameters left out, added or empty": PARTICIPATION,
    "phone numbers and lists in other forms": NUMBERS,
    "values escaped, trimmed, quoted or in other letters": SPELLING,
    "other timestamps": STAMP,
    "numbers, lists and bytes as languages print them": PRINTING,
    "dates as languages print them": MOMENTS,
    "look-alike, invisible and lost characters": CHARACTERS,
    "other orders": ORDER,
    "names and other separators": JOINING,
    "whole queries, JSON and printed maps": DOCUMENTS,
    "the key in other places and forms, and other keys": KEY,
    "other charsets and digests": DIGEST,
}
"""The mistakes by what a person would call them; likeliest first within each stage of the work."""

MISTAKES: tuple[Mistake, ...] = tuple(mistake for family in FAMILIES.values() for mistake in family)
"""Every mistake that is tried."""


def diagnose(
    provider: Provider,
    params: Pairs,
    secret: Secret,
    expected: str,
    *,
    others: Sequence[tuple[str, Secret]] = (),
    hidden: Sequence[Secret] = (),
    wire: tuple[bytes, bytes] = (b"", b""),
    literal: bool = False,
    unread_as: str = "",
    limit: int = LIMIT,
) -> Diagnosis:
    """Return why ``expected`` is not (or that it is) the vendor's signature over ``params``.

    ``provider`` is the vendor as this account uses it (``Provider.of``). ``params`` are the decoded parameters in the
    order the other program has them; ``others`` are further keys by the name of their profile, tried as "the key of
    another profile"; ``hidden`` are further secrets, masked like the keys. ``wire`` is the query and the body as bytes,
    where they are known: what was meant by them is tried, too, and a right signature does not match where a server
    refuses them; ``literal``: no client encodes the query any more; ``unread_as``: the Content-Type of a form
    that is sent as something else. ``expected`` is as it was sent; what a person typed
    is to be ``clean``. Raises InputError when it cannot be a signature of this vendor, with the reason.
    """
    signature = provider.sign(params, secret).signature
    unhashed = summed(clean(expected).lower(), secret.reveal())
    looks = [] if unhashed else forms(expected, signature, provider)
    signed, left_out = arrange(provider.rule, params)
    keys = tuple((name, other.reveal()) for name, other in others if other != secret and other.reveal())
    case = Case(provider, params, left_out, keys, secret.reveal(), outcome_lengths(looks), tuple(hidden))
    size = sum(len(name) + len(value) + 8 for name, value in params)
    search = Search(MISTAKES, case, looks, limit * _ORDINARY_SIZE // max(_ORDINARY_SIZE, size))
    if unhashed:
        return _of_sum(search, case, *unhashed)
    meant = [
        (one, true_recipe(provider.rule, arrange(provider.rule, one.params)[0], secret.reveal()))
        for one in readings(*wire)
    ]
    recipe = true_recipe(provider.rule, signed, secret.reveal())
    search.run(recipe, meant)
    explanations = search.explanations()
    matches = expected == signature
    if matches and (refused := refusals(*wire, signature, literal=literal, unread_as=unread_as)):
        matches, explanations = False, (search.explanation(recipe.text(MASK), refused),)
    plain = all(re.fullmatch(r"[A-Za-z0-9.]*", value) for _, value in signed)
    return Diagnosis(
        matches=matches,
        expected=expected,
        explanations=explanations,
        tried=search.tried,
        cut=search.cut,
        searched=search.applied,
        families=tuple(
            words for words, family in FAMILIES.items() if {one.name for one in family} & set(search.applied)
        ),
        suspect="key" if plain and not (matches or explanations or search.cut) else None,
    )


def _of_sum(search: Search, case: Case, text: str, finding: Finding) -> Diagnosis:
    """Return the diagnosis of a text that was not hashed; one with a key in it that is not ours is not shown."""
    ours = filter(None, (case.key, *(key for _, key in case.keys)))
    is_ours = case.rule.key is KeyUse.HMAC or any(key in text for key in ours)
    explanation = search.explanation(text if is_ours else MASK, (finding,))
    # The value is the text in hex, the key in it, too.
    expected = MASK.join(part.encode().hex() for part in explanation.string.split(MASK))
    return Diagnosis(
        matches=False, expected=expected, explanations=(explanation,), tried=1, cut=False, searched=(),
    )  # fmt: skip

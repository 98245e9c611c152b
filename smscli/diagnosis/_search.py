"""The bounded search: no mistake, then every single one, then every pair, until one level explains the value.

The bound is a count of combinations, never a clock: the same question has the same answer everywhere. Nothing leaves
this module unmasked: every text that it gives out has the keys replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple
from urllib.parse import quote_plus, unquote, unquote_plus

from smscli.diagnosis._characters import ONE_BY_ONE, as_seen, pattern_of_alike
from smscli.diagnosis._findings import Explanation, Finding
from smscli.diagnosis._forms import Form, outcome_lengths
from smscli.diagnosis._mistake import Attempt, Case, Facts, Mistake, Stage
from smscli.diagnosis._recipe import Recipe, true_recipe
from smscli.diagnosis._respelling import rawurlencode
from smscli.diagnosis._sending import Reading
from smscli.model import MASK, visible

Combination = tuple[tuple[Mistake, Facts], ...]
"""Mistakes made one after the other, with what each said of itself."""


class _Hit(NamedTuple):
    """A recipe that ends in the expected value; ``cost`` counts its mistakes, one in the form included."""

    cost: int
    recipe: Recipe
    combination: Combination
    form: Form
    sent: tuple[Finding, ...]


class Search:
    """The walk over the mistakes, in the order of their table; it counts what it tries and keeps what hits."""

    def __init__(self, mistakes: Sequence[Mistake], case: Case, forms: Sequence[Form], limit: int) -> None:
        self._mistakes = mistakes
        self._case = case
        self._forms = forms
        self._limit = limit
        self._hits: list[_Hit] = []
        self._applied: dict[str, None] = {}
        self._targets = tuple(dict.fromkeys(form.target for form in forms if form.spell is None))
        self._respelled = tuple(form for form in forms if form.spell is not None)
        self._sent: tuple[Finding, ...] = ()
        self.tried = 0
        self.cut = False

    def run(self, recipe: Recipe, meant: Sequence[tuple[Reading, Recipe]] = ()) -> None:
        """Try level after level until one explains; in pairs the wide variants would be too many.

        ``meant`` are what the program may have meant, each with the recipe without a mistake over it.
        """
        self._try([(recipe, ())])
        if not self._solved(0):
            self._meant(meant, doubtful=False)
        if not self._solved(1):
            self._single(recipe)
        if not self._solved(1):
            self._meant(meant, doubtful=True)
        if not self._solved(1):
            wide, self._case = self._case, self._case._replace(wide=False)
            for reading, other in meant:
                self._sent = reading.findings
                for mistake in self._mistakes:
                    if not mistake.alone:
                        self._try(mistake.apply(other, self._case), mistake)
            self._sent, self._case = (), wide
        plain = [form for form in self._forms if form.plain]
        if plain and not self._solved(1):
            self._pairs(recipe, self._case._replace(wide=False, lengths=outcome_lengths(plain)))

    @property
    def applied(self) -> tuple[str, ...]:
        """The names of the mistakes that could be made on this request."""
        return tuple(self._applied)

    def explanations(self) -> tuple[Explanation, ...]:
        """Return the hits of the fewest mistakes, no two that say the same, in the order of the table."""
        fewest = min((hit.cost for hit in self._hits), default=0)
        unique: dict[frozenset[Finding], Explanation] = {}
        said: dict[Recipe, list[Combination]] = {}
        for cost, recipe, combination, form, sent in self._hits:
            if cost != fewest or not cost:
                continue
            if self._is_said(said, recipe, combination):
                continue
            findings = tuple(self._finding(mistake, facts) for mistake, facts in combination) + form.findings
            findings = (*sent, *findings)
            unique.setdefault(frozenset(findings), self.explanation(recipe.text(MASK), findings))
        return tuple(unique.values())

    def explanation(self, text: str, findings: tuple[Finding, ...]) -> Explanation:
        """Return the findings as the explanation of a signed text, in which secrets are masked here."""
        string = self._hidden(text)
        return Explanation(findings, visible(string), string)

    @staticmethod
    def _is_said(said: dict[Recipe, list[Combination]], recipe: Recipe, combination: Combination) -> bool:
        """Tell whether an explanation before says the same of the same string, and note this one if not.

        It does when it has another name for what befell the same parameter, or the same name for the same outcome.
        """

        def words(of: Combination) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
            names = frozenset(mistake.name for mistake, _ in of)
            return (
                names,
                frozenset(facts[0] for _, facts in of if facts),
                frozenset(fact for _, facts in of for fact in facts),
            )

        text = recipe.text(recipe.key)
        same = said.setdefault(recipe._replace(pairs=((text, ""),), escape=str, finish=str), [])
        names, about, facts = words(combination)
        for others, things, theirs in map(words, same):
            if facts & theirs if names == others else about & things:
                return True
        same.append(combination)
        return False

    def _solved(self, level: int) -> bool:
        return any(hit.cost <= level for hit in self._hits)

    def _meant(self, meant: Sequence[tuple[Reading, Recipe]], *, doubtful: bool) -> None:
        for reading, other in meant:
            if reading.is_doubtful == doubtful:
                self._sent = reading.findings
                self._try([(other, ())])
        self._sent = ()

    def _single(self, recipe: Recipe) -> None:
        for mistake in self._mistakes:
            tried = self.tried
            self._try(mistake.apply(recipe, self._case), mistake)
            if self.cut or self.tried > tried:
                self._applied[mistake.name] = None
            if self.cut:
                return

    def _pairs(self, recipe: Recipe, case: Case) -> None:
        mistakes = [mistake for mistake in self._mistakes if not mistake.alone]
        for first in mistakes:
            seconds = [second for second in mistakes if first.stage.may_precede(second.stage)]
            if first.stage is not Stage.DIGEST and not case.wants(recipe.digest):
                seconds = [second for second in seconds if second.stage is Stage.DIGEST]
            for once, facts in first.apply(recipe, case):
                made = ((first, facts),)
                for second in seconds:
                    self._try(second.apply(once, case), second, made)
                    if self.cut:
                        return

    def _try(self, attempts: Iterable[Attempt], mistake: Mistake | None = None, before: Combination = ()) -> None:
        """Try what one mistake makes of a recipe in which those ``before`` were made; the whole search runs in here."""
        tried, limit, targets, respelled = self.tried, self._limit, self._targets, self._respelled
        for recipe, facts in attempts:
            if tried >= limit:
                self.cut = True
                break
            tried += 1
            outcome = recipe.outcome()
            for target in targets:
                if target in outcome:
                    self._keep(recipe, (*before, (mistake, facts)) if mistake else (), outcome)
                    break
            else:
                if respelled and any(form.fits(outcome) for form in respelled):
                    self._keep(recipe, (*before, (mistake, facts)) if mistake else (), outcome)
        self.tried = tried

    def _keep(self, recipe: Recipe, combination: Combination, outcome: str) -> None:
        for form in self._forms:
            if form.fits(outcome):
                cost = len(combination) + (not form.plain) + bool(self._sent)
                self._hits.append(_Hit(cost, recipe, combination, form, self._sent))
                if form.spell is not None:
                    break  # where zeros were dropped in front, it looks cut off, too

    def _finding(self, mistake: Mistake, facts: Facts) -> Finding:
        masked = [self._masked(fact) for fact in facts]
        fix = mistake.fix.format(*masked, **self._case.rule_in_words())
        return Finding(mistake.name, mistake.sentence.format(*masked), fix)

    def _masked(self, text: str) -> str:
        return visible(self._hidden(text))

    def _hidden(self, text: str) -> str:
        seen = tuple(as_seen(decoded) for decoded in (text, unquote(text), unquote_plus(text)))
        for secret in self._secrets:
            look = as_seen(secret)
            if look and any(look in each for each in seen):
                text = re.sub(pattern_of_alike(secret), MASK, text, flags=re.IGNORECASE)
        return self._secret_texts.sub(MASK, text)

    @cached_property
    def _secrets(self) -> tuple[str, ...]:
        case = self._case
        secrets = (case.key, *(key for _, key in case.keys), *(secret.reveal() for secret in case.hidden))
        return tuple(dict.fromkeys(filter(None, secrets)))

    @cached_property
    def _secret_texts(self) -> re.Pattern[str]:
        """What shows a secret: its text in any case, and in every spelling that a mistake gives to values."""
        texts = {text for secret in self._secrets for text in (secret, *self._spelled(secret))}
        encoded = {spell(text) for text in texts for spell in (str, rawurlencode, quote_plus)}
        longest_first = sorted(encoded, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)

    def _spelled(self, secret: str) -> set[str]:
        """Return what becomes of a secret that stands among the values, but for words that tell nothing of it."""

        def outcomes(value: str) -> set[str]:
            recipe = true_recipe(self._case.rule, (("", value),), "")
            alone = (each for each in self._mistakes if each.stage is Stage.VALUES and each not in ONE_BY_ONE)
            attempts = (attempt for each in alone for attempt, _ in each.apply(recipe, self._case))
            return {text for attempt in attempts for name, text in attempt.pairs if not name}

        # A short one is a word that many texts become, or a number without most of its digits.
        return {text for text in outcomes(secret) - outcomes("-") if 2 * len(text) > len(secret)}

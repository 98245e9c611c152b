"""At length: every stored signature of another language, random values beside them, and the programs again."""

from __future__ import annotations

import pytest

from smscli import providers
from smscli.diagnosis import diagnose
from smscli.model import Secret
from tests.figures import add
from tests.languages.generate import BY_CHANCE, COMMANDS, Vector, is_installed, run, stored
from tests.test_languages import KEYS, WRONG, place
from tests.wrong_programs import dice

RANDOM_VALUES = 20_000
PARTS = 4


@pytest.mark.computes
@pytest.mark.parametrize("language", COMMANDS)
def test_mistakes_are_named_and_none_wrongly(language: str) -> None:
    """At least 95 % first or second; what is not named is not explained by something else."""
    places = {str(vector): place(vector) for vector in stored(language) if vector.name}
    named = sum(one in (0, 1) for one in places.values())
    add("languages: {wrong} wrong signatures, {named} named first or second", wrong=len(places), named=named)
    assert named >= 0.95 * len(places), {vector: one for vector, one in places.items() if one not in (0, 1)}
    assert not [vector for vector, one in places.items() if one == -1]


@pytest.mark.computes
@pytest.mark.parametrize("part", range(PARTS))
def test_random_values_beside_real_requests_are_never_explained(part: int) -> None:
    """20 000 random values against the likeliest combinations, one in five hundred against all of them."""
    explained = 0
    for number in range(part, RANDOM_VALUES, PARTS):
        vector = WRONG[number % len(WRONG)]
        length = 40 if vector.vendor == "mesajlarim" else 32
        value = f"{dice(f'languages {number}').getrandbits(4 * length):0{length}x}"
        limit = 200_000 if number % 500 == 0 else 400
        key = Secret(vector.key or KEYS[vector.vendor])
        told = diagnose(providers.get(vector.vendor), vector.params, key, value, limit=limit)
        explained += told.matches or bool(told.explanations)
    add("languages: {values} random values, {explained} explained", values=RANDOM_VALUES // PARTS, explained=explained)
    assert explained == 0


@pytest.mark.waits
@pytest.mark.parametrize("language", COMMANDS)
def test_the_programs_still_make_these_signatures(language: str) -> None:
    """What is stored is what the language makes; an order that differs each time is named each time."""
    if not is_installed(language):
        pytest.skip(f"{language} is not installed")
    made: list[Vector] = run(language)
    if language in BY_CHANCE:
        assert [vector.name for vector in made if place(vector) not in (0, 1) and vector.name] == []
    else:
        assert [one._replace(line=0) for one in made] == [one._replace(line=0) for one in stored(language)]

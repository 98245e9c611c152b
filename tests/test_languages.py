"""Mistakes as other languages make them: signatures of real programs are named, correct programs never blamed."""

from __future__ import annotations

import pytest

from smscli import providers
from smscli.diagnosis import MISTAKES, Diagnosis, diagnose
from smscli.model import Secret
from tests.languages.generate import COMMANDS, Vector, stored

KEYS = {"lightsms": "your_api_key_here", "payforsms": "07349e954831d", "mesajlarim": "mySecret"}
"""The keys that the vendors' pages print; the programs sign with them."""

VECTORS = [vector for language in COMMANDS for vector in stored(language)]
WRONG = [vector for vector in VECTORS if vector.name]


def ask(vector: Vector) -> Diagnosis:
    """Diagnose what a program made."""
    secret = Secret(vector.key or KEYS[vector.vendor])
    return diagnose(providers.get(vector.vendor), vector.params, secret, vector.signature)


def place(vector: Vector) -> int | None:
    """Return at which place the mistake is named, None when nothing explains it, -1 when something else does."""
    named = [{finding.name for finding in one.findings} for one in ask(vector).explanations]
    wanted = set(vector.name.split("+"))
    return (named.index(wanted) if wanted in named else -1) if named else None


def test_there_are_enough_of_them() -> None:
    """More than 200 wrong signatures in seven languages, and correct programs for all vendors in each."""
    assert len(WRONG) >= 200
    for language in COMMANDS:
        mine = [vector for vector in VECTORS if vector.language == language]
        assert {vector.vendor for vector in mine if not vector.name} == set(KEYS)
        assert len([vector for vector in mine if vector.name]) >= 30


@pytest.mark.parametrize("language", COMMANDS)
def test_a_correct_program_is_never_blamed(language: str) -> None:
    """The signature of a correct program matches, whatever the language."""
    assert all(ask(vector).matches for vector in stored(language) if not vector.name)


@pytest.mark.parametrize("vector", WRONG[:: len(WRONG) // 36], ids=str)
def test_a_mistake_is_named_first_or_second(vector: Vector) -> None:
    """A sample; all of them are in tests/laboratory."""
    assert place(vector) in (0, 1)


def test_every_new_mistake_is_made_by_a_language() -> None:
    """A mistake that is tried alone was met in a program, or is one of the few that no language makes by itself."""
    made = {name for vector in WRONG for name in vector.name.split("+")}
    assert {mistake.name for mistake in MISTAKES if mistake.alone} - made <= {"look-alike", "values-missing"}

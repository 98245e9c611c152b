"""At length: mistakes alone and in pairs over random requests, random values, time and memory of a search."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from smscli import providers
from smscli.diagnosis import LIMIT, Diagnosis, diagnose
from smscli.model import Secret
from tests.figures import add, figure
from tests.memory import peak_memory
from tests.wrong_programs import KEYS, MISTAKES, ORACLES, OTHER_KEY, Case, dice, make, program, request

SINGLE_REQUESTS = 4
PAIRS = 500
VENDORS = tuple(ORACLES)
# The tests are cut into so many pieces, for all workers.
PARTS = 5
RANDOM_VALUES = 10_000
DEEP_RANDOM_VALUES = 60
SECONDS, MEBIBYTES = 2.0, 100
ROOT = Path(__file__).parents[2]

_EXCLUSIVE = ("order", "charset", "digest", "form")  # of these a program has one


def ask(vendor: str, pairs: tuple[tuple[str, str], ...], expected: str, limit: int = LIMIT) -> Diagnosis:
    """Diagnose with the vendor's printed key, another profile's key at hand."""
    others = (("staging", Secret(OTHER_KEY)),)
    return diagnose(providers.get(vendor), pairs, Secret(KEYS[vendor]), expected, others=others, limit=limit)


def explains(case: Case) -> tuple[bool, bool, bool]:
    """Say whether the case was explained, by the very names of its mistakes, and whether the search was cut."""
    found = ask(case.vendor, case.pairs, case.signature)
    names = [{finding.name for finding in explanation.findings} for explanation in found.explanations]
    return bool(names), any(case.names <= each for each in names), found.cut


def singles(vendor: str) -> list[Case]:
    """Every mistake that can befall the vendor, on several random requests."""
    made = (
        make(vendor, (label,), dice(f"{vendor} {label} {number}"))
        for label in MISTAKES
        for number in range(SINGLE_REQUESTS)
    )
    return [case for case in made if case]


def pairs(vendor: str) -> list[Case]:
    """``PAIRS`` random pairs of mistakes that befall one request, each changing the outcome."""
    random = dice(f"pairs of {vendor}")
    cases: list[Case] = []
    while len(cases) < PAIRS:
        first, second = random.sample(sorted(MISTAKES), 2)
        steps = MISTAKES[first][1], MISTAKES[second][1]
        if steps[0] == steps[1] and steps[0] in _EXCLUSIVE:
            continue
        case = make(vendor, (first, second), random, attempts=15)
        if case:
            cases.append(case)
    return cases


def survives(job: tuple[str, int, int]) -> bool:
    """Say whether a random value of the vendor's length stays unexplained."""
    vendor, number, limit = job
    random = dice(f"random {number}")
    pairs = request(vendor, random)
    length = len(program(vendor).sign(pairs))
    found = ask(vendor, tuple(pairs), f"{random.getrandbits(4 * length):0{length}x}", limit)
    return not found.matches and not found.explanations


@pytest.mark.computes
@pytest.mark.parametrize("vendor", VENDORS)
def test_every_single_mistake_is_explained(vendor: str) -> None:
    """100 % of single mistakes, on random requests of every vendor."""
    told = f"diagnosis, {vendor}: {{cases}} single mistakes, {{named}} by their own name, all explained"
    assert_explained(singles(vendor), told)


@pytest.mark.computes
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("vendor", VENDORS)
def test_every_pair_of_mistakes_is_explained(vendor: str, part: int) -> None:
    """100 % of random pairs of mistakes."""
    told = f"diagnosis, {vendor}: {{cases}} pairs, {{named}} by both their names, {{cut}} searches cut"
    assert_explained(pairs(vendor)[part::PARTS], told)


def assert_explained(cases: list[Case], told: str) -> None:
    """Diagnose all cases, and add them to the figure."""
    results = [explains(case) for case in cases]
    add(told, cases=len(cases), named=sum(name for _, name, _ in results), cut=sum(cut for *_, cut in results))
    missed = [case for case, (explained, *_) in zip(cases, results, strict=True) if not explained]
    assert not missed, missed


@pytest.mark.computes
@pytest.mark.parametrize("part", range(PARTS))
def test_random_values_are_never_explained(part: int) -> None:
    """10 000 random values against the likeliest combinations, some of them against the whole search."""
    jobs = [(VENDORS[number % len(VENDORS)], number, 1000) for number in range(RANDOM_VALUES)]
    jobs += [(VENDORS[number % len(VENDORS)], -number, LIMIT) for number in range(1, DEEP_RANDOM_VALUES + 1)]
    explained = [job for job in jobs[part::PARTS] if not survives(job)]
    add(
        "diagnosis, {values} random values, {explained} explained",
        values=len(jobs[part::PARTS]),
        explained=len(explained),
    )
    assert not explained


_LONG = (("login", "YourLogin"), ("return", "json"), ("timestamp", "1732809600"), ("sender", "My Shop"))
_FIFTY = ",".join(str(37061234500 + number) for number in range(50))
LARGE = {
    "full send": (
        *_LONG, ("phone", "37061234567"), ("text", "Labas, žmogau! " * 10), ("sendingTime", "2031-01-15 10:00"),
    ),
    "fifty recipients": (*_LONG, ("phone", _FIFTY), ("text", "Привет & всё; " * 50)),
    "five hundred parameters": tuple((f"name{number}", f"a b&{number}") for number in range(500)),
    "sixty kilobytes": (*_LONG, ("text", "Привет & всё; " * 4400)),
}  # fmt: skip


@pytest.mark.alone
@pytest.mark.parametrize("name", LARGE)
def test_a_search_is_bounded_in_time_and_memory(name: str) -> None:
    """A search that finds nothing, in a process of its own: processor seconds and the most memory it ever had."""
    command = [sys.executable, "-m", "tests.laboratory.test_diagnosis_search", name]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    seconds, mebibytes, tried, cut = run.stdout.split()
    figure(f"diagnosis, {name}: {tried} combinations, cut {cut}, {seconds} s, {mebibytes} MiB")
    assert float(seconds) <= SECONDS
    assert float(mebibytes) <= MEBIBYTES


if __name__ == "__main__":
    began = time.process_time()
    result = ask("lightsms", LARGE[sys.argv[1]], "0" * 32)
    spent = time.process_time() - began
    memory = peak_memory()
    print(f"{spent:.2f} {memory:.0f} {result.tried} {result.cut}")  # noqa: T201  (its figures are its result)

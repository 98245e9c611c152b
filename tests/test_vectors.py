"""Every stored signature, stage by stage; each names who computed it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from smscli import providers
from smscli.model import Secret
from tests.vendors import NAMES, vectors

CASES = [(vendor, file) for vendor in NAMES for file in vectors(vendor)]
LIVE = [case for case in CASES if case[1].stem in ("send-turkish", "send-line-breaks", "send-emoji", "send-to-two")]


def load(file: Path) -> dict[str, Any]:
    """Return one stored case."""
    case: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return case


def ids(cases: list[tuple[str, Path]]) -> list[str]:
    """Return how cases are called in pytest's output."""
    return [f"{vendor}/{file.stem}" for vendor, file in cases]


@pytest.mark.parametrize(("vendor", "file"), CASES, ids=ids(CASES))
def test_every_stage_equals_the_stored_one(vendor: str, file: Path) -> None:
    """A vendor's rule gives the value that another program gave, at each stage."""
    case = load(file)
    trace = (
        providers.get(vendor)
        .of(case.get("fields", {}))
        .sign(tuple((n, v) for n, v in case["params"]), Secret(case["secret"]))
    )
    assert {step.label: step.value for step in trace.steps} == case["stages"]
    assert trace.signature == case["signature"]


@pytest.mark.parametrize(("vendor", "file"), LIVE, ids=ids(LIVE))
def test_the_named_command_still_gives_the_stored_stages(vendor: str, file: Path) -> None:
    """The command that a case names as its source is run again, as it stands."""
    case = load(file)
    command = re.search(r"(?:php -r|node -e) '.*'$", case["source"], re.DOTALL)
    assert command, f"{vendor}/{file.stem} names no command that can be run"
    if shutil.which(command[0].split()[0]) is None:
        pytest.skip(f"{command[0].split()[0]} is not installed")
    run = subprocess.run(["sh", "-c", command[0]], capture_output=True, check=True, timeout=30)
    assert json.loads(run.stdout) == list(case["stages"].values())


def test_every_vendor_has_vectors_and_every_vector_a_source() -> None:
    """No vendor goes without values computed by someone else."""
    assert {vendor for vendor, _ in CASES} == set(NAMES)
    assert {vendor for vendor, _ in LIVE} == set(NAMES)
    assert all(load(file)["source"] for _, file in CASES)

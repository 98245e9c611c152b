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

FILES = sorted(Path(__file__).parent.joinpath("vectors").glob("*/*.json"))
LIVE = [file for file in FILES if file.stem in ("send-turkish", "send-line-breaks", "send-emoji", "send-to-two")]


def load(file: Path) -> dict[str, Any]:
    """Return one stored case."""
    case: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return case


def name(file: Path) -> str:
    """Return how a case is called in pytest's output."""
    return f"{file.parent.name}/{file.stem}"


@pytest.mark.parametrize("file", FILES, ids=name)
def test_every_stage_equals_the_stored_one(file: Path) -> None:
    """A vendor's rule gives the value that another program gave, at each stage."""
    case = load(file)
    trace = providers.get(file.parent.name).sign(tuple((n, v) for n, v in case["params"]), Secret(case["secret"]))
    assert {step.label: step.value for step in trace.steps} == case["stages"]
    assert trace.signature == case["signature"]


@pytest.mark.parametrize("file", LIVE, ids=name)
def test_the_named_command_still_gives_the_stored_stages(file: Path) -> None:
    """The command that a case names as its source is run again, as it stands."""
    case = load(file)
    command = re.search(r"(?:php -r|node -e) '.*'$", case["source"], re.DOTALL)
    assert command, f"{name(file)} names no command that can be run"
    if shutil.which(command[0].split()[0]) is None:
        pytest.skip(f"{command[0].split()[0]} is not installed")
    run = subprocess.run(["sh", "-c", command[0]], capture_output=True, check=True, timeout=30)
    assert json.loads(run.stdout) == list(case["stages"].values())


def test_every_vendor_has_vectors_and_every_vector_a_source() -> None:
    """No vendor goes without values computed by someone else."""
    assert {file.parent.name for file in FILES} == set(providers.names())
    assert all(load(file)["source"] for file in FILES)

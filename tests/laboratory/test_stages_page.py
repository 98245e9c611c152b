"""At length: docs/stages.md; each program prints the stages that smscli prints for the page's own command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "stages.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
PROGRAMS = {match[1]: text for _, text in BLOCKS if (match := re.match(r"(?:#|//|<\?php //) (\S+)\n", text))}
RUNNERS = {
    "stages.php": ("php",), "stages.py": (sys.executable,), "stages.mjs": ("node",), "stages.go": ("go", "run"),
    "Stages.java": ("java",),
}  # fmt: skip
UNPACKAGED = {"Stages.cs"}
"""Programs whose language is no package of Debian's: the page says so."""


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the page's command prints."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    (shell,) = (text for kind, text in BLOCKS if kind == "sh")
    home = tmp_path_factory.mktemp("home")
    environ = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]), "HOME": str(home)}
    ran = subprocess.run(["sh", "-euc", shell], cwd=home, env=environ, capture_output=True, text=True, check=True)
    return ran.stdout


@pytest.mark.waits
@pytest.mark.parametrize("name", RUNNERS)
def test_a_program_of_the_page_prints_the_same_stages(name: str, stages: str, tmp_path: Path) -> None:
    """The joined values, and the signature."""
    command = RUNNERS[name]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    (tmp_path / name).write_text(PROGRAMS[name], encoding="utf-8")
    ran = subprocess.run([*command, name], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout == stages
    assert len(stages.splitlines()) == 2


def test_no_program_of_the_page_is_left_out() -> None:
    """Each runs, or is known not to."""
    assert {*RUNNERS, *UNPACKAGED} == {*PROGRAMS}

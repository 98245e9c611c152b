"""Rig: the taxonomy of failures, for a vendor of another package that is on the path, with nothing else done for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.figures import figure
from tests.packages import lay_example
from tests.test_example_vendor import BATTERY, NAME


def run(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run tests with the package on the path, and not one line elsewhere."""
    path = os.pathsep.join(map(str, lay_example(tmp_path)))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *words, "-k", NAME],
        env={**os.environ, "PYTHONPATH": path}, cwd=Path(__file__).parents[2], capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_the_whole_battery_holds_for_it(tmp_path: Path) -> None:
    """What every vendor of ours inherits."""
    ran = run(tmp_path, *(str(Path(__file__).parents[1] / f"test_{name}.py") for name in BATTERY))
    assert ran.returncode == 0, ran.stdout


def test_every_way_to_fail_ends_for_it_as_for_ours(tmp_path: Path) -> None:
    """From argv to the exit status, the journal and what its emulator accepted."""
    ran = run(tmp_path, str(Path(__file__).with_name("test_taxonomy.py")))
    assert ran.returncode == 0, ran.stdout
    cases = re.search(r"([0-9]+) passed", ran.stdout)
    assert cases
    assert int(cases[1]) > 100
    figure(f"taxonomy, a vendor of another package: {cases[1]} cases agreed")

"""Rig: the taxonomy of failures, for a vendor of another package that is on the path, with nothing else done for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.packages import lay_example
from tests.rig.figures import figure


def test_every_way_to_fail_ends_for_it_as_for_ours(tmp_path: Path) -> None:
    """From argv to the exit status, the journal and what its emulator accepted."""
    path = os.pathsep.join(map(str, lay_example(tmp_path)))
    file = str(Path(__file__).with_name("test_taxonomy.py"))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", file, "-k", "examplesms"],
        env={**os.environ, "PYTHONPATH": path}, cwd=Path(__file__).parents[2], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout
    cases = re.search(r"([0-9]+) passed", ran.stdout)
    assert cases
    assert int(cases[1]) > 100
    figure(f"taxonomy, a vendor of another package: {cases[1]} cases agreed")

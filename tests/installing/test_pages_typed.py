"""The pages, typed: each command line of the README and of docs/ ends as the page says, in a home of its own."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.test_guards import BINARY, KEYS, PAGES, README


def sessions() -> list[Any]:
    """Return the lines behind ``$`` of each block of a page: what a reader types into one shell."""
    blocks_typed = []
    for page in PAGES:
        if page.stem in ("signatures", "stages", "testing"):
            continue  # tests/test_signature_page.py, tests/laboratory/test_stages_page.py, tests/test_testing_page.py
        blocks = re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
        for number, block in enumerate(blocks):
            lines = "".join(re.findall(r"^\$ (.*\n)", block.replace("\\\n", ""), re.MULTILINE))
            blocks_typed.append(pytest.param(page, lines, id=f"{page.stem}-{number}"))
    return blocks_typed


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of somebody who reads on; the key files lie in it."""
    for vendor, key in KEYS.items():
        (tmp_path / f"{vendor}.key").touch(mode=0o600)
        (tmp_path / f"{vendor}.key").write_text(f"{key}\n")
    return tmp_path


@pytest.mark.parametrize(("page", "session"), sessions())
def test_every_command_of_a_page_runs(page: Path, session: str, home: Path) -> None:  # noqa: ARG001  (it is in the id)
    """Pasted into a shell, each line ends as the page says (`# exit N`, else 0); the key is typed when asked for."""
    if "| jq" in session and not shutil.which("jq"):
        pytest.skip("jq is not installed")
    script = "set -o pipefail\n"
    for line in session.splitlines():
        wanted = re.search(r"# exit (\d+)", line)
        script += f"{line}\nstatus=$?\n[ $status = {wanted[1] if wanted else 0} ] || "
        script += f'{{ echo "status $status:" {shlex.quote(line)}; exit 99; }}\n'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=home,
        env={
            "HOME": str(home), "PATH": f"{BINARY.parent}:/usr/bin:/bin", "SMSCLI_STATE_DIR": str(home / "state"),
            "SMSCLI_CONFIG": str(home / "config.toml"),
        },
        input=KEYS["payforsms"] + "\n", capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr


def recipes() -> list[str]:
    """Return the commands of the README's table of recipes."""
    (rows,) = re.findall(r"^\| I want to \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", README, re.MULTILINE)
    commands = (row.rsplit("| `", 1)[1].partition("` |")[0] for row in rows.splitlines() if "`: [" not in row)
    return [command.replace("\\|", "|") for command in commands]


@pytest.mark.parametrize("command", recipes())
def test_every_recipe_of_the_readme_is_understood(command: str, home: Path) -> None:
    """By an account of the sandbox; `run` ends as what it runs, and that is not to be had here."""
    config = home / "config.toml"
    config.touch(mode=0o600)
    config.write_text(
        'default = "work"\n[profiles.work]\nprovider = "lightsms"\nsandbox = true\nlogin = "demo"\n'
        'api_key = "demo-key-lightsms"\nsender = "Alert"\nto = ["+37061234567"]\n'
    )
    (home / "people.csv").write_text("phone,name\n+37061234567,Anna\n")
    environ = {
        "HOME": str(home), "PATH": f"{BINARY.parent}:/usr/bin:/bin", "SMSCLI_STATE_DIR": str(home / "state"),
        "SMSCLI_CONFIG": str(config),
    }  # fmt: skip
    begun = f"{BINARY} bulk people.csv 'Hi {{name}}' --key KEY --yes -q" if "--resume" in command else "true"
    script = f"{begun} && {command.replace(' make -j8', ' true')}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=home, env=environ, capture_output=True, text=True, check=False, timeout=60
    )
    ends = {"--wait-delivered": {0, 7}, "ping": {1, 2, 127}}
    wanted = next((statuses for word, statuses in ends.items() if word in command), {0})
    assert done.returncode in wanted, done
    assert "hint: see: smscli" not in done.stderr

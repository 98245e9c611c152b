"""What GitHub runs and shows: workflows with few rights and pinned actions, forms that it can read.

Not run here: the workflows themselves, and ``.github/release.sh``; ``.github/smoke.sh`` is, by tests/installing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WRITES = {
    ("release.yml", "attest", "id-token"), ("release.yml", "attest", "attestations"),
    ("release.yml", "publish", "id-token"), ("release.yml", "announce", "contents"),
}  # fmt: skip
"""All that any job may change, by workflow, job and right."""


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each step of the workflows and of the action with the name of its file."""
    for path in WORKFLOWS:
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                yield path.name, step
    for step in yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]:
        yield "action.yml", step


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_rights_and_each_job_names_its_own(path: Path) -> None:
    """And none may go on for ever."""
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 90
        writes = {(path.name, name, right) for right, level in job["permissions"].items() if level == "write"}
        assert set(job["permissions"].values()) <= {"read", "write"}
        assert writes <= WRITES


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    """A tag can be moved; and a reader, or Dependabot, has to know what a hash is."""
    lines = [line for path in WORKFLOWS for line in path.read_text().splitlines() if re.search(r"\buses:", line)]
    assert lines
    assert [
        line for line in lines if not re.search(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)
    ] == []
    versions = {tuple(line.split("uses: ")[1].split(" # ")) for line in lines}
    assert len({pin.split("@")[0] for pin, _ in versions}) == len(versions), "one action, one commit"


def test_no_value_of_somebody_elses_is_part_of_a_script() -> None:
    """Expressions reach a script as variables: what stands in a title or a branch is not run."""
    assert [step["run"] for _, step in steps() if "${{" in step.get("run", "").replace("${{ matrix.", "")] == []


def test_a_checkout_leaves_no_token_behind() -> None:
    """Whatever runs after it could read it."""
    checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_the_oldest_and_the_newest_python_of_the_classifiers_are_tested() -> None:
    """On every system that the page names."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text())["jobs"]
    supported = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    for name in ("suite", "windows"):
        assert jobs[name]["strategy"]["matrix"]["python"] == supported
    assert jobs["suite"]["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest"]
    assert jobs["windows"]["runs-on"] == "windows-latest"


def test_a_release_is_published_without_a_password_and_attested() -> None:
    """From what was built twice and is the same."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    assert "secrets." not in text
    assert "password" not in str(jobs["publish"])
    assert (jobs["publish"]["needs"], jobs["attest"]["needs"]) == ("attest", "build")
    script = (ROOT / ".github" / "release.sh").read_text()
    assert "cmp " in script
    assert "cyclonedx-py" in script


def test_the_forms_of_issues_can_be_read() -> None:
    """Each with a name and questions; a form that GitHub cannot read is not offered."""
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    forms = [yaml.safe_load(path.read_text()) for path in folder.glob("*.yml") if path.name != "config.yml"]
    assert len(forms) == 3
    for form in forms:
        assert {"name", "description", "body"} <= form.keys()
        for part in form["body"]:
            assert part["type"] in {"markdown", "textarea", "input", "dropdown", "checkboxes"}
            assert part["type"] == "markdown" or part["attributes"]["label"]
    assert yaml.safe_load((folder / "config.yml").read_text())["blank_issues_enabled"] is True


def test_zizmor_finds_nothing() -> None:
    """Where it is installed (``pip install zizmor``); the workflow has it."""
    program = shutil.which("zizmor", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("zizmor is not installed")
    argv = [program, "--offline", "--persona", "pedantic", "."]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout

"""docs/testing.md: every snippet runs, where its language is installed; its tables are those of the rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from smscli import sandbox
from smscli.sandbox._chaos import CONDITIONS, EFFECTS

PAGE = (Path(__file__).parents[1] / "docs" / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
FILES = {match[1]: text for _, text in BLOCKS if (match := re.match(r"(?:#|//|<\?php //) (\S+)\n", text))}
(SHELL,) = (text for kind, text in BLOCKS if kind == "sh")

SETTINGS = "SECRET_KEY = 'x'\nDATABASES = {}\nINSTALLED_APPS = []\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A directory with all files of the page."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "settings.py").write_text(SETTINGS)
    return tmp_path


def run(work: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command there; smscli is on its PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {**os.environ, "PATH": path, "SMSCLI_STATE_DIR": str(work / "state")}
    ran = subprocess.run(argv, cwd=work, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


def test_pytest(work: Path, pytestconfig: pytest.Config) -> None:
    """With the fixture."""
    plugin = () if pytestconfig.pluginmanager.has_plugin("smscli") else ("-p", "smscli.testing")
    ran = run(work, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, "test_shop.py")
    assert "3 passed" in ran.stdout


@pytest.mark.skipif(find_spec("django") is None, reason="Django is not installed")
def test_django(work: Path) -> None:
    """With its own runner."""
    ran = run(work, sys.executable, "-m", "django", "test", "--settings", "settings", "--pythonpath", ".")
    assert "Ran 1 test" in ran.stderr


def test_the_test_case_without_django(work: Path) -> None:
    """It is unittest's."""
    text = FILES["tests.py"].replace("from django.test import SimpleTestCase", "from unittest import TestCase")
    (work / "tests.py").write_text(text.replace("(SimpleTestCase)", "(TestCase)"))
    assert "Ran 1 test" in run(work, sys.executable, "-m", "unittest", "tests").stderr


@pytest.mark.usefixtures("heeded_signals")
@pytest.mark.parametrize("argv", [("php", "test.php"), ("node", "--test", "test.mjs")], ids=["php", "node"])
def test_other_languages(work: Path, argv: tuple[str, ...]) -> None:
    """Behind the shell's lines, which end the sandbox and tell how the tests went."""
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    run(work, "sh", "-uc", SHELL, "sh", *argv)
    assert not (work / "sandbox.url").exists()


def test_the_shell_s_lines_fail_where_the_tests_fail(work: Path) -> None:
    """And the sandbox is ended all the same."""
    with pytest.raises(AssertionError):
        run(work, "sh", "-uc", SHELL, "sh", "false")
    assert not (work / "sandbox.url").exists()


def test_the_tables_are_those_of_the_rules() -> None:
    """Nothing is left out, nothing is invented."""
    rules = PAGE.partition("## Failures on demand")[2]
    named = re.findall(r"^\| `(\w+)=", rules, re.MULTILINE)
    assert sorted(named) == sorted({*CONDITIONS, *EFFECTS})


def test_the_accounts_are_those_of_the_sandbox() -> None:
    """Paths and keys."""
    for vendor, path in sandbox.base_urls("").items():
        assert f"`{path}`" in PAGE
        assert f"demo-{'secret' if vendor == 'mesajlarim' else 'key'}-" in PAGE

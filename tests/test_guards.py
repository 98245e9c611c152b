"""Promises about the tree as a whole: what loads when, what is generated, what the README says."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

import pytest
import typer.main

from smscli import cli, providers, sandbox
from smscli.cli.completion import Shell

ROOT = Path(__file__).parent.parent
BINARY = Path(sys.executable).with_name("smscli")
HEAVY = {
    "requests",
    "urllib3",
    "rich",
    "sqlite3",
    "flask",
    "werkzeug",
    "phonenumbers",
    "json5",
    "platformdirs",
    "tomli_w",
}

SIGN_MAY_IMPORT = {
    "smscli", "smscli.cli", "smscli.cli.options", "smscli.cli.sign", "smscli.errors", "smscli.model", "smscli.profiles",
    "smscli.providers", "smscli.providers._answers", "smscli.providers._base", "smscli.providers.lightsms",
    "smscli.record", "smscli.render", "smscli.runtime", "smscli.signing", "smscli.wire",
}  # fmt: skip


def modules_after(*argv: str) -> set[str]:
    """Return the modules a fresh interpreter holds after one command line."""
    script = f"""
import sys
from smscli.cli import run
from smscli.runtime import Runtime
environ = {{"SMSCLI_API_KEY": "your_api_key_here", "SMSCLI_CONFIG": "/nonexistent/config.toml"}}
run({list(argv)!r}, Runtime(environ, sys.stdin, None, None))
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_sign_imports_these_modules_and_no_other_of_ours() -> None:
    """Whoever debugs a signature in a loop pays for signing, and for nothing else."""
    loaded = modules_after("sign", "--provider", "lightsms", "login=YourLogin", "timestamp=1732809600")
    assert {name for name in loaded if name.partition(".")[0] == "smscli"} == SIGN_MAY_IMPORT
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    ("argv", "needed"),
    [
        (("--version",), set()),
        (("--help",), set()),
        (("completion", "bash"), set()),
        (("sign", "--provider", "mesajlarim", "--key-file", "/dev/null", "a=1"), set()),
        (("sign", "--provider", "lightsms", "a=1", "-o", "json"), set()),
        (("profile", "list"), set()),
        (("send", "x", "--provider", "lightsms", "--to", "1"), {"phonenumbers"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_heavy_libraries_load_only_where_they_are_needed(argv: tuple[str, ...], needed: set[str]) -> None:
    """requests, rich, sqlite3, Flask and the numbering plans cost more than everything else together."""
    assert modules_after(*argv) & HEAVY <= needed


def test_the_groups_help_lines_are_the_commands_own() -> None:
    """The group prints its help without importing a command; nobody may change one line and forget the other."""
    for name, line in cli.COMMANDS.items():
        module = import_module(f"smscli.cli.{name}")
        own = typer.main.get_command(module.app).help
        assert own is None or own.splitlines()[0] == line, name


@pytest.mark.parametrize(
    ("shell", "file"),
    [("bash", "smscli.bash"), ("zsh", "_smscli"), ("fish", "smscli.fish"), ("powershell", "smscli.ps1")],
)
def test_the_shipped_completion_is_what_the_command_prints(shell: str, file: str) -> None:
    """Regenerate with: for each shell, smscli completion SHELL > completions/FILE."""
    printed = subprocess.run([BINARY, "completion", shell], capture_output=True, check=True).stdout
    assert (ROOT / "completions" / file).read_bytes() == printed
    assert {member.value for member in Shell} == {"bash", "zsh", "fish", "powershell"}


def complete(line: str, tmp_path: Path) -> list[str]:
    """Return what bash would offer at the end of a command line."""
    config = tmp_path / "config.toml"
    config.touch(mode=0o600)
    config.write_text('[profiles.work]\nprovider = "lightsms"\n[profiles.night]\nprovider = "mainsms"\n')
    environ = {
        "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_SMSCLI_COMPLETE": "complete_bash",
        "SMSCLI_CONFIG": str(config),
    }  # fmt: skip
    return subprocess.run([BINARY], env=environ, capture_output=True, text=True, check=False).stdout.split()


def test_commands_vendors_and_profiles_complete(tmp_path: Path) -> None:
    """TAB knows the names that nobody remembers."""
    assert complete("smscli ba", tmp_path) == ["balance"]
    assert complete("smscli balance --provider ", tmp_path) == list(providers.names())
    assert complete("smscli balance -p ", tmp_path) == ["work", "night"]


def test_every_vendor_has_an_emulator() -> None:
    """Nobody should have to pay to try."""
    assert set(sandbox.DEMO) == set(providers.names())


def readme_commands() -> list[str]:
    """Return every line of the README that a user is shown behind `$ smscli`."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for the whole page: a reader types one line after the other."""
    return tmp_path_factory.mktemp("home")


@pytest.mark.parametrize("line", readme_commands())
def test_every_command_of_the_readme_runs(line: str, home: Path) -> None:
    """Copied from the page and pasted into a shell, it ends as the page says (`# exit N`, else 0)."""
    if "| jq" in line and not shutil.which("jq"):
        pytest.skip("jq is not installed")
    wanted = re.search(r"# exit (\d+)", line)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env={
            "HOME": str(home), "PATH": f"{BINARY.parent}:/usr/bin:/bin", "SMSCLI_STATE_DIR": str(home / "state"),
            "SMSCLI_CONFIG": str(home / "config.toml"),
        },
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == int(wanted[1] if wanted else 0), f"{line}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr


def test_the_two_commands_of_the_readme_are_one_line_each() -> None:
    """A fresh machine needs two pastes; CI runs the second word for word."""
    install = r"^python3 -m venv \.venv && \.venv/bin/pip install .* && "
    text = (ROOT / "README.md").read_text()
    assert len(re.findall(install + r"\.venv/bin/smscli send .*$", text, re.MULTILINE)) == 1
    assert len(re.findall(install + r"\.venv/bin/pytest$", text, re.MULTILINE)) == 1


def test_the_wheel_holds_the_package_and_the_completions(tmp_path: Path) -> None:
    """What is installed is what was tested: every module, the type marker, the shells' scripts, the licence."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    if subprocess.run([sys.executable, "-c", "import hatchling"], capture_output=True, check=False).returncode:
        pytest.skip("hatchling is not installed beside the tests, and building must not need the network")
    subprocess.run(pip, check=True, capture_output=True)
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "smscli").rglob("*.py")}
    assert ours | {"smscli/py.typed"} <= names
    assert any(name.endswith("share/bash-completion/completions/smscli") for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_python_m_smscli_is_the_program() -> None:
    """For those whose PATH lacks the script."""
    done = subprocess.run([sys.executable, "-m", "smscli", "--version"], capture_output=True, text=True, check=True)
    assert shlex.split(done.stdout)[0] == "smscli"


def test_no_pattern_uses_what_early_releases_of_python_311_misread() -> None:
    """Possessive quantifiers and atomic groups match wrongly in 3.11.0 to 3.11.4, which Debian 12 ships."""
    found = [
        f"{path.name}:{node.lineno}: {node.value}"
        for path in (ROOT / "smscli").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        # "()*+" is a row of marks, as in the alphabet of GSM-7.
        and re.search(r"(?<!\()[])}.\w][*+?}]\+|\(\?>", node.value)
    ]
    assert found == []

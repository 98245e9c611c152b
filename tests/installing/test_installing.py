"""What is published, installed as people do it: the sources away, no environment, a send to the sandbox.

The installers fetch the dependencies from the package index; so this is a command of its own: ``pytest
tests/installing``, with ``uv`` and ``shiv`` beside pytest.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.test_contrib import stages

ROOT = Path(__file__).parent.parent.parent
EPOCH = "1700000000"
SEND = ("send", "--sandbox", "--to", "+37061234567", "Hello")
SENT = re.compile(r"\+37061234567\tSENT\t\d+\n")


def tool(name: str) -> str:
    """Return a program that stands beside pytest or on the PATH."""
    program = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip(f"{name} is not installed: pip install {name}")
    return program


def run(argv: Sequence[str | Path], cwd: Path, environ: Mapping[str, str] | None = None) -> str:
    """Run a program to its end, and return what it prints."""
    # pip compiles what it installs, which takes longer than all else; Python does it by itself where it is used.
    environ = {**(os.environ if environ is None else environ), "PIP_NO_COMPILE": "1"}
    done = subprocess.run(
        [*map(str, argv)], cwd=cwd, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


def bare(home: Path, path: str = "/usr/bin:/bin") -> dict[str, str]:
    """Return the environment of somebody who has just logged in."""
    return {"HOME": str(home), "PATH": path}


def tree(target: Path, mask: int) -> Path:
    """Copy what git has of the sources, with other times and modes than here; return the copy."""
    names = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT).split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
            (target / name).chmod((0o777 if os.access(ROOT / name, os.X_OK) else 0o666) & ~mask)
            os.utime(target / name, (mask, mask))
    return target


def build(sources: Path, target: Path) -> dict[str, str]:
    """Build wheel and sdist; return the digest of each by its name."""
    environ = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    run([sys.executable, "-m", "hatchling", "build", "--directory", target], sources, environ)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in target.iterdir()}


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with what is published."""
    folder = tmp_path_factory.mktemp("dist")
    build(tree(tmp_path_factory.mktemp("sources"), 0o022), folder)
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """The wheel."""
    return next(dist.glob("*.whl"))


def test_two_builds_are_the_same_byte_by_byte(dist: Path, tmp_path: Path) -> None:
    """From another folder, at another time, under another umask; and the wheel of the sdist is the wheel."""
    first = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}
    assert sorted(name.rpartition(".")[2] for name in first) == ["gz", "whl"]
    (tmp_path / "other").mkdir()
    assert build(tree(tmp_path / "other", 0o077), tmp_path / "again") == first
    (tmp_path / "unpacked").mkdir()
    run(["tar", "xzf", next(dist.glob("*.tar.gz"))], tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    third = build(unpacked, tmp_path / "third")
    assert {name: digest for name, digest in third.items() if name.endswith(".whl")} == {
        name: digest for name, digest in first.items() if name.endswith(".whl")
    }


def test_the_wheel_has_its_types_and_nothing_of_the_tests(wheel: Path) -> None:
    """A type checker of whoever imports it reads them."""
    names = zipfile.ZipFile(wheel).namelist()
    assert "smscli/py.typed" in names
    assert {name.split("/")[0] for name in names if ".d" not in name.split("/")[0]} == {"smscli"}


def test_the_sdist_has_no_leftovers(dist: Path) -> None:
    """No environment, no caches, no other build."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"smscli", "tests", "docs", "pyproject.toml", "README.md", "LICENSE"} <= tops
    assert not {".git", ".venv", "dist", "mutants", ".mypy_cache", ".hypothesis"} & tops


@pytest.mark.parametrize("what", ["*.whl", "*.tar.gz"])
def test_it_is_installed_into_a_clean_environment(dist: Path, what: str, tmp_path: Path) -> None:
    """From wheel and from sdist; every requirement is met by what came with it."""
    uv = tool("uv")
    run([uv, "venv", "-q", "--python", sys.executable, "venv"], tmp_path)
    run([uv, "pip", "install", "-q", "-p", "venv/bin/python", next(dist.glob(what))], tmp_path)
    run([uv, "pip", "check", "-q", "-p", "venv/bin/python"], tmp_path)
    assert SENT.fullmatch(run([tmp_path / "venv/bin/smscli", *SEND], tmp_path, bare(tmp_path)))
    where = run(["venv/bin/python", "-c", "import smscli; print(smscli.__file__)"], tmp_path, bare(tmp_path))
    assert where.startswith(str(tmp_path))


def ways() -> list[tuple[str, str, str, str]]:
    """Return the README's ways to install: with what, and the commands to install, upgrade and remove."""
    rows = re.findall(r"^\| (\w+) \| `(.+?)` \| `(.+?)` \| `(.+?)` \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return [row for row in rows if row[1].endswith("install .") or row[1].endswith("--user .")]


@pytest.fixture
def user(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Return the folder where the tools put programs, and the environment of a user who has them all."""
    programs, tools = tmp_path / "bin", tmp_path / "tools"
    tools.mkdir()
    base = Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name
    for name, command in (
        ("uv", f'{tool("uv")} "$@"'), ("pipx", f'{tool("uv")} tool run -q pipx "$@"'), ("pip", f'{base} -m pip "$@"'),
    ):  # fmt: skip
        (tools / name).write_text(f"#!/bin/sh\nexec {command}\n")
        (tools / name).chmod(0o755)
    environ = {
        **os.environ, "PATH": f"{tools}:/usr/bin:/bin", "UV_TOOL_DIR": str(tmp_path / "uv"), "PIP_YES": "1",
        "UV_TOOL_BIN_DIR": str(programs), "UV_PYTHON": str(base), "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(programs), "PIPX_MAN_DIR": str(tmp_path / "man"), "PIPX_DEFAULT_PYTHON": str(base),
        "PYTHONUSERBASE": str(tmp_path), "PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip
    environ.pop("VIRTUAL_ENV", None)
    return programs, environ


def test_the_readme_has_three_ways() -> None:
    """Those of the next test."""
    assert [name for name, *_ in ways()] == ["uv", "pipx", "pip"]


@pytest.mark.parametrize(("name", "install", "upgrade", "remove"), ways(), ids=lambda word: word.split()[0])
def test_the_readmes_way_installs_upgrades_and_removes(
    name: str, install: str, upgrade: str, remove: str, tmp_path: Path, user: tuple[Path, dict[str, str]]
) -> None:
    """In the clone; the program runs without it, and is gone in the end."""
    programs, environ = user
    if name == "pip" and subprocess.run(["pip", "--version"], env=environ, capture_output=True, check=False).returncode:
        pytest.skip("this Python has no pip of its own")
    clone, away = tree(tmp_path / "clone", 0o022), tmp_path / "away"
    # pip installs for the user: its program finds its modules by the same variable.
    login = {**bare(tmp_path), "PYTHONUSERBASE": environ["PYTHONUSERBASE"]}
    for command in (install, upgrade):
        run(["sh", "-c", command], clone, environ)
        clone.rename(away)
        assert SENT.fullmatch(run([programs / "smscli", *SEND], tmp_path, login))
        away.rename(clone)
    if name == "pipx":  # which links the pages of the manual, too
        assert (tmp_path / "man" / "man1" / "smscli.1").exists()
    run(["sh", "-c", remove], tmp_path, environ)
    assert not (programs / "smscli").exists()


def interpreters() -> list[str]:
    """Return an interpreter of each version from 3.11 on that is on this machine."""
    by_version: dict[str, str] = {}
    places = [
        *(f"/usr/bin/python3{minor}" for minor in ("", *(f".{number}" for number in range(11, 20)))),
        sys.executable,
    ]
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places += sorted(map(str, versions.glob("3.*/bin/python3")))
    for place in places:
        if Path(place).exists():
            ask = [place, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            version = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
            if re.fullmatch(r"3\.1[1-9]", version):
                by_version.setdefault(version, os.path.realpath(place) if ".pyenv" in place else place)
    return list(by_version.values())


def documented(page: Path, beginning: str) -> str:
    """Return the command of a page that begins so."""
    (command,) = re.findall(rf"^({re.escape(beginning)}[^#\n]*)", page.read_text(), re.MULTILINE)
    return str(command).strip()


def test_a_single_file_runs_with_a_bare_python(tmp_path: Path) -> None:
    """The oldest and the newest one here. Built by the command of the page; it brings all it needs."""
    shiv = tool("shiv")
    command = documented(ROOT / "docs" / "installing.md", "shiv ")
    assert command.startswith("shiv -c smscli -o smscli.pyz ")
    sources = tree(tmp_path / "sources", 0o022)
    run(["bash", "-c", command], sources, {**os.environ, "PATH": f"{Path(shiv).parent}:{os.environ['PATH']}"})
    file = shutil.move(sources / "smscli.pyz", tmp_path / "smscli.pyz")
    shutil.rmtree(sources)
    pythons = interpreters()
    for number, python in enumerate({pythons[0], sys.executable, pythons[-1]}):
        home = tmp_path / f"home-{number}"
        home.mkdir()
        assert SENT.fullmatch(run([python, "-I", file, *SEND], home, bare(home))), python


# --- the image --------------------------------------------------------------------------------------------------------


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can look into, which those of pytest are not."""
    with TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_image_installs_and_runs_with_nothing_to_write_but_its_volume(open_folder: Path, tmp_path: Path) -> None:
    """Its ``pip`` line with another folder than /opt; then its user and environment where all else is read-only.

    Not its base, and not the build: there is no Docker daemon where this runs.
    """
    python = next((one for one in interpreters() if one.startswith("/usr/bin/")), None)
    if os.geteuid() or python is None or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        pytest.skip("this needs root, unshare, setpriv and a Python in /usr/bin")
    sources = tree(tmp_path / "sources", 0o022)
    for name in (ROOT / "contrib" / "docker" / "Dockerfile.dockerignore").read_text().split():
        for path in sources.glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (open_folder / "python").symlink_to(python)
    volume, program = open_folder / "journal", open_folder / "smscli"
    building, image = stages()
    for line in (building["RUN"], image["RUN"]):
        command = (
            line.replace("/opt/smscli", str(program)).replace("/source", str(sources)).replace("/journal", str(volume))
        )
        run(["sh", "-ec", command], tmp_path, {**os.environ, "PATH": f"{open_folder}:/usr/bin:/bin"})
    assert not (program / "bin" / "pip").exists()
    user = image["USER"]
    environ = image["ENV"].replace("/opt/smscli", str(program)).replace("/journal", str(volume)).split()
    world = (
        'mount --bind "$1" "$1" && mount -o remount,bind,ro / && ! touch /var/tmp/x 2>/dev/null && user=$2 && '
        'shift 2 && exec setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups env -i "$@"'
    )
    isolated = ["unshare", "--mount", "sh", "-ec", world, "sh", str(volume), user, *environ]
    if subprocess.run([*isolated, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no read-only root can be made here")
    send = [*isolated, "smscli", *SEND, "--key", "one"]
    assert SENT.fullmatch(run(send, tmp_path))
    assert run(send, tmp_path) == run(send, tmp_path)
    assert (volume / "sandbox.sqlite3").stat().st_uid == int(user.partition(":")[0])


def test_the_install_step_of_the_action_makes_the_program(tmp_path: Path) -> None:
    """By its script, from the folder that the runner has checked out."""
    output = tmp_path / "output"
    output.touch()
    environ = {
        **os.environ, "GITHUB_ACTION_PATH": str(tree(tmp_path / "action", 0o022)), "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(output), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    run(["bash", ROOT / "contrib" / "action" / "install.sh"], tmp_path, environ)
    name, _, program = output.read_text().strip().partition("=")
    assert name == "program"
    assert SENT.fullmatch(run([program, *SEND], tmp_path, bare(tmp_path)))


def test_the_smoke_script_of_every_system_passes_on_this_one(tmp_path: Path) -> None:
    """It is what Windows runs instead of the suite."""
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin", "HOME": str(tmp_path),
        "SMSCLI_STATE_DIR": str(tmp_path / "state"), "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    assert run(["bash", ROOT / ".github" / "smoke.sh"], tmp_path, environ).splitlines()[-1] == "smoke: all well"

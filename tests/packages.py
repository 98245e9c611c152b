"""Packages of other people, as an installer leaves them behind: modules, and a ``*.dist-info`` that declares them."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from smscli import cli, plugins, providers

PROVIDERS, EMULATORS = "smscli.providers", "smscli.emulators"


def lay(
    folder: Path,
    package: str,
    entry_points: Mapping[str, Mapping[str, str]],
    modules: Mapping[str, str] | None = None,
    version: str = "1.0",
) -> None:
    """Put a package into a folder. ``entry_points`` are values by group and name, ``modules`` texts by module name."""
    for name, text in (modules or {}).items():
        (folder / f"{name}.py").write_text(text)
    info = folder / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    lines = [
        line
        for group, names in entry_points.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in names.items()), "")
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


def lay_example(folder: Path) -> tuple[Path, Path]:
    """Install the example vendor as if in place; return what has to be on the path."""
    source = Path(__file__).parent / "example_vendor"
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    lay(folder, project["name"], project["entry-points"], version=project["version"])
    return folder, source


@contextmanager
def on_path(*folders: Path) -> Iterator[None]:
    """Let this process find the packages of these folders, first of all; afterwards it is as if they never were."""
    path, modules = list(sys.path), set(sys.modules)
    sys.path[:0] = map(str, folders)
    _forget()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if any(Path(file).is_relative_to(folder) for folder in folders):
                del sys.modules[name]
        _forget()


def _forget() -> None:
    importlib.invalidate_caches()
    plugins._entry_points.cache_clear()
    providers.names.cache_clear()
    cli.tree.cache_clear()  # `profile add` has options of every vendor
    plugins.warnings()

"""``smscli completion``: the script that teaches a shell to complete, printed or put where that shell looks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum, unique
from pathlib import Path
from typing import Annotated

import typer
from typer import completion as scripts

from smscli.cli.invocation import PROGRAM, Invocation
from smscli.cli.options import COMPLETE, command, new_app
from smscli.errors import ConfigError, ConflictError, InputError
from smscli.model import visible
from smscli.render import Result, Table

app = new_app()


@unique
class Shell(StrEnum):
    """The shells that Typer can teach."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


_NEXT = {
    Shell.BASH: "a new bash completes, where the package bash-completion is installed",
    Shell.ZSH: "a new zsh completes, if ~/.zshrc has before compinit: fpath=({folder} $fpath)",
    Shell.FISH: "a new fish completes",
}
"""What is still to be done, if anything."""


@command(
    app, vendor=False, sections={"Installation": ("install", "force", "dry_run")},
    examples=("smscli completion bash --install", "smscli completion zsh > _smscli"),
)  # fmt: skip
def completion(
    call: Invocation,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="The shell to teach.")],
    install: Annotated[
        bool, typer.Option("--install", help="Write the script where that shell looks, and say where that is.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file there that is not smscli's.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; say where it would be.")] = False,
) -> Result:
    """Print the completion script of a shell, or install it."""
    if (force or dry_run) and not install:
        raise InputError("--force and --dry-run are about --install")
    script = scripts.get_completion_script(  # type: ignore[attr-defined]  # there, though not re-exported
        prog_name=PROGRAM, complete_var=COMPLETE, shell=shell.value
    )
    if shell is Shell.ZSH:
        # From a folder of $fpath the file itself is the completion function: without this the first TAB does nothing.
        script += '\n\nif [ "$funcstack[1]" = "_smscli" ]; then\n  _smscli_completion "$@"\nfi'
    if not install:
        return Result(data={"shell": shell.value, "script": script}, text=script + "\n")
    return _install(shell, f"{script}\n", place(shell, call.runtime.environ), force=force, dry_run=dry_run)


def place(shell: Shell, environ: Mapping[str, str]) -> Path:
    """Return the file that the shell reads without being told so; zsh has to be told of its folder.

    Raises InputError for PowerShell, which has no such place, and ConfigError without a home directory.
    """
    if shell is Shell.POWERSHELL:
        line = "smscli completion powershell | Out-String | Invoke-Expression"
        raise InputError("PowerShell has no folder of completions", hint=f"put this line into $PROFILE: {line}")
    if shell is Shell.FISH:
        return _folder(environ, "XDG_CONFIG_HOME", ".config") / "fish" / "completions" / f"{PROGRAM}.fish"
    data = _folder(environ, "XDG_DATA_HOME", ".local/share")
    if shell is Shell.ZSH:
        return data / "zsh" / "site-functions" / f"_{PROGRAM}"
    # From 2.12 on bash-completion takes several, of which the first one wins.
    own = environ.get("BASH_COMPLETION_USER_DIR", "").partition(":")[0]
    return (Path(own) if own.startswith("/") else data / "bash-completion") / "completions" / PROGRAM


def _folder(environ: Mapping[str, str], name: str, usual: str) -> Path:
    """Return a directory of the XDG specification, by which one that is no whole path does not count."""
    if environ.get(name, "").startswith("/"):
        return Path(environ[name])
    home = environ.get("HOME") or os.path.expanduser("~")  # noqa: PTH111  (Path.home raises where this says "~")
    if not Path(home).is_absolute():
        raise ConfigError("there is no home directory to put it in", hint="set HOME to a directory")
    return Path(home) / usual


def _install(shell: Shell, script: str, path: Path, *, force: bool, dry_run: bool) -> Result:
    title = visible(str(path))
    try:
        before = path.read_bytes() if path.exists() else None
        is_new = before != script.encode()
        # Every script that we have ever printed sets that variable: a file without it is somebody else's.
        if before and COMPLETE.encode() not in before and not force:
            raise ConflictError(f"{title} is not smscli's: it is left as it is", hint="--force replaces it")
        if is_new and not dry_run:
            _replace(path, script)
    except OSError as error:
        raise ConfigError(f"{title} cannot be written: {error.strerror}") from None
    done = "would be in" if dry_run and is_new else "is in" if is_new else "was already in"
    return Result(
        data={"shell": shell.value, "path": str(path), "written": is_new and not dry_run},
        lines=((str(path),),),
        table=Table((), (), title=f"the completion of {shell.value} {done} {title}"),
        notes=("dry run: nothing was written",)
        if dry_run
        else (_NEXT[shell].format(folder=visible(str(path.parent))),),
    )


def _replace(path: Path, text: str) -> None:
    """Write a file whole: a shell that starts meanwhile never reads half of it. A symbolic link stays one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = Path(os.path.realpath(path))
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(target)
    finally:
        with suppress(OSError):
            unfinished.unlink()

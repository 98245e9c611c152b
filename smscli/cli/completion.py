"""``smscli completion``: the script that teaches a shell to complete."""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated

import typer
from typer import completion as scripts

from smscli.cli.options import PROGRAM, Invocation, command, new_app
from smscli.render import Result

app = new_app()


@unique
class Shell(StrEnum):
    """The shells that Typer can teach."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


@command(app, vendor=False, examples=("smscli completion bash > smscli.bash", "smscli completion zsh > _smscli"))
def completion(
    call: Invocation,  # noqa: ARG001  (every command gets its invocation)
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="The shell to teach.")],
) -> Result:
    """Print the completion script of a shell."""
    script = scripts.get_completion_script(  # type: ignore[attr-defined]  # there, though not re-exported
        prog_name=PROGRAM, complete_var="_SMSCLI_COMPLETE", shell=shell.value
    )
    if shell is Shell.ZSH:
        # From a folder of $fpath the file itself is the completion function: without this the first TAB does nothing.
        script += '\n\nif [ "$funcstack[1]" = "_smscli" ]; then\n  _smscli_completion "$@"\nfi'
    return Result(data={"shell": shell.value, "script": script}, text=script + "\n")

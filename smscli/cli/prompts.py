"""Questions to the person at the terminal: shown on stderr, answered on stdin, what is secret unseen.

This module owns how a question looks and how often it is asked; it must not know what is asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import typer

from smscli.errors import InputError
from smscli.interruption import interruptible
from smscli.runtime import Runtime

TRIES = 3
"""How often one thing is asked before the command gives up."""


def ask(runtime: Runtime, question: str, check: Callable[[str], object]) -> str:
    """Return an answer, without the blanks around it, that ``check`` does not refuse with an InputError.

    What is refused is explained and asked again; the last refusal is raised. The end of the input is an abort.
    """
    return _until_right(runtime, lambda: _answer(runtime, question), check)


def ask_secret(runtime: Runtime, question: str, check: Callable[[str], object]) -> str:
    """Return an answer as ``ask`` does, typed unseen and taken as it stands.

    The echo is off, and what was typed before is dropped (TCSAFLUSH), before the question is shown: nothing typed
    in answer to it can appear on the screen, and nothing typed before can become the secret.
    """
    from getpass import getpass  # only those who are asked pay for it

    return _until_right(runtime, lambda: getpass(f"{question}: "), check)


def confirm(runtime: Runtime, question: str) -> bool:
    """Return whether the answer is yes; Enter alone is no."""
    yes, no = ("y", "yes"), ("n", "no", "")

    def check(answer: str) -> None:
        if answer.lower() not in yes + no:
            raise InputError("the answer is y or n")

    return ask(runtime, f"{question} [y/N]", check).lower() in yes


def _until_right(runtime: Runtime, answer: Callable[[], str], check: Callable[[str], object]) -> str:
    tries = 0
    while True:
        with interruptible():
            text = answer()
        tries += 1
        try:
            check(text)
        except InputError as error:
            if tries == TRIES:
                raise
            _show(runtime, f"  {error.message}\n")
        else:
            return text


def _answer(runtime: Runtime, question: str) -> str:
    # Not input(): it puts its prompt on stdout, which is for results.
    _show(runtime, f"{question}: ")
    try:
        line = runtime.stdin.readline() if runtime.stdin is not None else ""
    except UnicodeDecodeError:
        raise InputError("what was typed is not UTF-8") from None
    if not line:
        raise typer.Abort
    return line.strip()


def _show(runtime: Runtime, text: str) -> None:
    # Without a place to show it the answer still counts.
    with suppress(OSError, ValueError, AttributeError):
        runtime.stderr.write(text)  # type: ignore[union-attr]  # None is suppressed
        runtime.stderr.flush()  # type: ignore[union-attr]

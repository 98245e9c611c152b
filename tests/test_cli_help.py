"""The help pages: complete, uncut and true at every width; and the two ways to ask for one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.core
import typer.main

from smscli import cli, providers
from smscli.cli import COMMANDS
from tests.conftest import Ran

Run = Callable[..., Ran]
BINARY = Path(sys.executable).with_name("smscli")


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the words of every command and group below the program, with the command itself."""
    for name in COMMANDS:
        found = typer.main.get_command(cli.module(name).app)
        yield (name,), found
        if isinstance(found, typer.core.TyperGroup):
            context = typer.Context(found)
            yield from (((name, below), found.get_command(context, below)) for below in found.list_commands(context))


EVERY = dict(commands())
PAGES = [(), *EVERY]


def examples(words: tuple[str, ...]) -> list[str]:
    """Return the command lines that a page ends with."""
    page = subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in page.partition("\nExamples:\n")[2].splitlines()]


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_no_page_is_cut_or_speaks_of_types(smscli: Run, words: tuple[str, ...], columns: int) -> None:
    """What does not fit is wrapped between words; what Typer calls a type is said in words."""
    ran = smscli(*words, "--help", environ={"COLUMNS": str(columns)})
    assert (ran.code, ran.err) == (0, "")
    page, _, shown = ran.out.partition("\nExamples:\n")
    assert len(shown.splitlines()) == 2
    assert not re.search(r"\w\.\.\.|range|<=|INTEGER|<\w+>|\{(?!name\})", page, re.IGNORECASE)
    for line in page.splitlines():
        assert len(line) <= columns or " " not in line.strip().removeprefix("Usage: "), line


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_page_says_every_option_every_choice_and_every_default_once(smscli: Run, words: tuple[str, ...]) -> None:
    """Taken from the parser, so that none can be forgotten."""
    page = " ".join(smscli(*words, "--help", environ={"COLUMNS": "120"}).out.split())
    assert page.count("Show this message and exit.") == 1
    if isinstance(EVERY[words], typer.core.TyperGroup):
        return
    for parameter in EVERY[words].params:
        assert isinstance(parameter, typer.core.TyperOption | typer.core.TyperArgument)
        assert parameter.help, parameter.name
        names = (*parameter.opts, *parameter.secondary_opts) if isinstance(parameter, typer.core.TyperOption) else ()
        assert all(re.search(rf"(?<![\w-]){name}(?![\w-])", page) for name in names), names
        entry = page.partition(parameter.help)[2][:120]
        for choice in getattr(parameter.type, "choices", ()):
            assert str(getattr(choice, "value", choice)) in entry, entry
        if parameter.name == "provider":
            assert all(name in entry for name in providers.names())
        assert entry.partition("]")[0].count("default") <= 1
    assert "[default: 8025]" not in page or "default: 8025" in page


def test_the_options_stand_under_headings(smscli: Run) -> None:
    """Message, safety, account, output: in this order on the page of send."""
    titles = re.findall(r"^(\w+):$", smscli("send", "--help").out, re.MULTILINE)
    assert titles == ["Arguments", "Message", "Safety", "Account", "Output", "Options", "Examples"]


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_the_examples_of_a_page_work_as_they_stand(tmp_path: Path, words: tuple[str, ...]) -> None:
    """In a fresh home that holds a key, one after the other, without a terminal."""
    (tmp_path / "payforsms.key").touch(0o600)
    (tmp_path / "payforsms.key").write_text("07349e954831d")
    world = {
        "HOME": str(tmp_path), "PATH": f"{BINARY.parent}:/usr/bin:/bin", "SMSCLI_STATE_DIR": str(tmp_path / "state"),
        "SMSCLI_CONFIG": str(tmp_path / "config.toml"),
    }  # fmt: skip
    for line in examples(words):
        if line.startswith("smscli sandbox"):
            _serve(line, world)
            continue
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line], env=world, cwd=tmp_path, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def _serve(line: str, world: dict[str, str]) -> None:
    # The port of the first example may be taken on this machine: any other serves the test as well.
    argv = line.split() if "--port" in line else [*line.split(), "--port", "0"]
    with subprocess.Popen([BINARY, *argv[1:]], env=world, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        server.terminate()  # not SIGINT: a run in the background ignores that, and so do its children
        assert server.wait(timeout=30) == 0


@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_help_is_a_word_too(smscli: Run, words: tuple[str, ...]) -> None:
    """``smscli help send`` is ``smscli send --help``."""
    assert smscli("help", *words) == smscli(*words, "--help")
    assert smscli("help", *words).code == 0


def test_help_of_nothing_is_a_mistake(smscli: Run) -> None:
    """The nearest command is named."""
    for words, nearest in ((("sned",), "send"), (("profile", "lisst"), "list")):
        ran = smscli("help", *words)
        assert (ran.code, f"did you mean {nearest}?" in ran.err) == (2, True)


def test_without_arguments_the_program_explains_itself(smscli: Run) -> None:
    """With every command's own line."""
    assert smscli() == smscli("--help")
    assert all(line in " ".join(smscli().out.split()) for line in COMMANDS.values())


@pytest.mark.parametrize("columns", ["", "0", "9" * 5000, "²"], ids=["none", "0", "5000 digits", "no digit"])
@pytest.mark.parametrize("words", ["send -h", "timestamp --sandbox -o table"])
def test_a_width_that_is_nonsense_is_none(words: str, columns: str) -> None:
    """Neither a help page nor a table takes it for one, nor does any library beneath."""
    environ = {**os.environ, "COLUMNS": columns}
    done = subprocess.run([BINARY, *words.split()], env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout

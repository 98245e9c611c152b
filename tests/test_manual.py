"""The man pages and the reference: made from the command tree, well-formed, and true of the code both ways."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.core

from smscli import cli, profiles, providers
from smscli.cli import manual
from smscli.errors import ExitCode
from smscli.profiles._secrets import spellings
from tests.documents import SCHEMAS, schemas
from tests.test_cli_help import EVERY

DOCS = SCHEMAS.parent
ROOT = DOCS.parent
PAGES = {path.stem: path.read_text("ascii") for path in sorted((DOCS / "man").glob("*"))}
REFERENCE = (DOCS / "reference.md").read_text("utf-8")
MANDOC = shutil.which("mandoc")


def chapter(title: str) -> str:
    """Return what the reference has under a heading."""
    return REFERENCE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def section(page: str, title: str) -> str:
    """Return what a man page has under a heading."""
    return PAGES[page].partition(f"\n.Sh {title}\n")[2].partition("\n.Sh ")[0]


def items(text: str, macro: str) -> set[str]:
    """Return what the entries of a man page name with a macro."""
    lines = re.findall(r"^\.It (.*)$", text, re.MULTILINE)
    return {name for line in lines for name in re.findall(rf"\b{macro} (\S+)", line)}


def rows(text: str, column: int = 1) -> set[str]:
    """Return what stands between backquotes in a column of the tables of a chapter."""
    cells = (line.split(" | ")[column - 1].strip("| ") for line in text.splitlines() if line.startswith("| `"))
    return {name for cell in cells for name in cell.strip("`").split(", ")}


def test_the_pages_are_what_the_command_tree_gives() -> None:
    """Made anew with: python -m smscli.cli.manual docs."""
    made = manual.files(schemas())
    assert made == {"reference.md": REFERENCE} | {f"man/{name}.1": text for name, text in PAGES.items()}


def test_mandoc_finds_nothing_to_warn_of() -> None:
    """In any page; references to other pages lead somewhere."""
    if MANDOC is None:
        pytest.skip("mandoc is not installed")
    pages = sorted((DOCS / "man").glob("*"))
    done = subprocess.run([MANDOC, "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    for text in PAGES.values():
        assert set(re.findall(r"^\.Xr (\S+) 1", text, re.MULTILINE)) <= PAGES.keys()


def test_a_reader_sees_how_run_takes_its_command() -> None:
    """Behind two hyphens, which no formatter has turned into something else; and its statuses are the command's."""
    if MANDOC is None:
        pytest.skip("mandoc is not installed")
    argv = [MANDOC, "-T", "utf8", str(DOCS / "man" / "smscli-run.1")]
    page = re.sub(".\b", "", subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    assert "smscli run [OPTIONS] [--] CMD [ARG]..." in page
    assert " -- " in page.partition("EXAMPLES")[2]
    assert "That of the command" in page.partition("EXIT STATUS")[2]


@pytest.mark.parametrize("words", [(), *EVERY], ids=" ".join)
def test_every_option_and_argument_is_on_both_pages_and_no_other(words: tuple[str, ...]) -> None:
    """Of the parser's own; help is everybody's."""
    name = "-".join(("smscli", *words))
    command: Any = EVERY.get(words, cli.tree())
    wanted: set[str] = {"-h", "--help"}
    # A group's page leaves what every command takes to those of its commands.
    for parameter in () if words and isinstance(command, typer.core.TyperGroup) else command.params:
        if isinstance(parameter, typer.core.TyperOption):
            wanted |= {*parameter.opts, *parameter.secondary_opts}
        else:
            argument = (parameter.metavar or parameter.name or "").upper()
            assert f".It Ar {argument.replace(' ', ' Ar ')}\n" in section(name, "ARGUMENTS")
            assert f"| `{argument}` |" in chapter(name)
    assert {f"-{option}" for option in items(PAGES[name], "Fl")} == wanted
    spelled = re.findall(r"^\| `(-[^`]*)`", chapter(name), re.MULTILINE)
    assert {option for one in spelled for option in re.findall(r"-[\w-]+", one)} == wanted


@pytest.mark.parametrize("name", PAGES)
def test_no_page_speaks_of_an_option_that_does_not_exist(name: str) -> None:
    """Neither in its prose nor in an example."""
    parameters = [one for command in EVERY.values() for one in command.params]
    known = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
    prose = PAGES[name].replace("\\-", "-")
    assert set(re.findall(r"(?<![\w-])--\w[\w-]*", prose)) <= known | {"--help", "--version"}


# --- variables, fields, statuses, members -----------------------------------------------------------------------------

NOT_FOR_USERS = {
    "_SMSCLI_COMPLETE": "set by the script that completion prints",
    "PYTHONINSPECT": "the interpreter's own",
    "LC_ALL": "passed on to the command of run", "LANG": "the same", "LC_CTYPE": "the same",
}  # fmt: skip
READ_BY_LIBRARIES = {
    "PYTHON_KEYRING_BACKEND", "PGPASSWORD", "PGPASSFILE", "XDG_CONFIG_HOME", "XDG_STATE_HOME",
    "SMSCLI_PROFILE",  # a layer like the fields (profiles/_resolving.py)
}  # fmt: skip


def variables() -> Iterator[str]:
    """Yield the name of every variable that the code looks up by itself."""
    for path in (ROOT / "smscli").rglob("*.py"):
        text = path.read_text("utf-8")
        if "environ" not in text:
            continue
        module = ast.parse(text)
        constants = {
            target.id: node.value.value
            for node in module.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(module):
            for key in _keys(node):
                name = constants.get(key.id) if isinstance(key, ast.Name) else getattr(key, "value", None)
                if isinstance(name, str) and name.isidentifier():
                    yield name


def _keys(node: ast.AST) -> list[Any]:
    """Return what is looked up in an environment, if anything is."""
    if isinstance(node, ast.Subscript) and _is_environment(node.value):
        return [node.slice]
    if isinstance(node, ast.Compare) and _is_environment(node.comparators[0]):
        return [node.left]
    if isinstance(node, ast.Call):
        function, arguments = node.func, node.args
        if isinstance(function, ast.Attribute) and _is_environment(function.value) and function.attr in ("get", "pop"):
            return list(arguments[:1])
        if (
            isinstance(function, ast.Name)
            and function.id in ("first", "_folder")
            and arguments
            and _is_environment(arguments[0])
        ):
            return list(arguments[1:])
    return []


def _is_environment(node: ast.expr) -> bool:
    return str(getattr(node, "attr", getattr(node, "id", ""))).endswith("environ")


def test_every_variable_is_on_both_pages_and_no_other() -> None:
    """Those that the code looks up; those of single fields stand with the fields."""
    listed = {name for names, _ in manual.VARIABLES for name in names.split(", ")}
    looked_up = set(variables()) - NOT_FOR_USERS.keys() - {"SMSCLI_PROVIDER"}
    assert listed == looked_up | READ_BY_LIBRARIES
    assert items(section("smscli", "ENVIRONMENT"), "Ev") - {","} == listed
    assert rows(chapter("Variables")) == listed


def test_every_field_of_a_profile_is_on_both_pages_and_no_other() -> None:
    """With its variable, except for what only a list of arguments can be."""
    vendors = [providers.get(name) for name in providers.names()]
    own = {field.name: field for vendor in vendors for field in vendor.fields}
    names = {"provider", *(setting.name for setting in profiles.SETTINGS)}
    for field in own.values():
        names |= spellings(field.name).keys() if field.secret else {field.name}
    top = profiles.Document.__annotations__.keys() - {"text", "tables"}
    assert items(section("smscli", "PROFILE FIELDS"), "Va") == names | top
    assert rows(chapter("Fields of a profile")) == names
    assert rows(chapter("At the top of the profile file")) == top
    assert rows(chapter("Fields of a profile"), 4) - {""} == {
        f"SMSCLI_{name.upper()}" for name in names if not name.endswith("_command")
    }


def test_every_exit_status_is_on_both_pages_and_in_the_readme_in_the_same_words() -> None:
    """A script's author reads any one of them."""
    listed = {status for status, _, _ in manual.STATUSES}
    assert listed == {*(str(int(code)) for code in ExitCode), "129, 130, 143"}
    assert set(re.findall(r"^\.It (.*)$", section("smscli", "EXIT STATUS"), re.MULTILINE)) == listed
    readme = (ROOT / "README.md").read_text("utf-8").partition("\n## Exit status\n")[2].partition("\n## ")[0]
    for page in (readme, chapter("Exit statuses")):
        _heads, _line, *lines = [line for line in re.sub(r"[`*]", "", page).splitlines() if line.startswith("|")]
        assert lines == [f"| {' | '.join(row)} |" for row in manual.STATUSES]


def test_the_files_are_where_the_manual_says(tmp_path: Path) -> None:
    """For somebody who has set nothing."""

    def smscli(*words: str) -> str:
        argv = [str(Path(sys.executable).with_name("smscli")), *words]
        return subprocess.run(argv, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=True).stdout

    paths = [smscli("profile", "path"), smscli("journal", "init"), smscli("journal", "init", "--sandbox")]
    assert [path.strip().replace(str(tmp_path), "~") for path in paths] == [path for path, _ in manual.FILES]


@pytest.mark.parametrize("name", sorted(schemas().keys() - {"common", "smscli"}))
def test_every_member_of_a_schema_is_on_both_pages_and_no_other(name: str) -> None:
    """That whatever is printed has its place there, ``test_schemas.py`` sees to."""
    page = f"smscli-{name}"
    places = items(section(page, "JSON OUTPUT"), "Va")
    assert {part.removesuffix("[]") for place in places for part in place.split(".")} - {"data"} == _names(name)
    # The first column of the tables of options and arguments has no dot.
    assert {place for place in rows(chapter(page)) if place.startswith("data")} == places


def test_the_members_of_the_envelope_are_on_both_pages() -> None:
    """Of the program itself: every document has them."""
    places = items(section("smscli", "JSON OUTPUT"), "Va")
    assert {part for place in places for part in place.split(".")} == _reached(schemas()["common"]["$defs"]["envelope"])
    assert rows(chapter("JSON and XML")) == places


def _names(name: str) -> set[str]:
    """Return the names of all members below ``data`` that a schema has, wherever it points to."""
    return _reached(schemas()[name]["properties"]["data"], name)


def _reached(tree: Any, name: str = "common") -> set[str]:
    if isinstance(tree, list):
        return set().union(*(_reached(one, name) for one in tree))
    if not isinstance(tree, dict):
        return set()
    own = set(tree.get("properties", ()))
    if isinstance(points := tree.get("$ref"), str):
        file, _, pointer = points.partition("#/$defs/")
        home = file.removesuffix(".json") or name
        own |= _reached(schemas()[home]["$defs"][pointer], home)
    # What an object may be named with is no member (``propertyNames``), nor is what one of its members is called.
    below = (value for key, value in tree.items() if key not in ("propertyNames", "$ref", "oneOf"))
    return own.union(*(_reached(value, name) for value in below))


def test_what_the_readme_and_the_docs_take_out_of_json_is_there() -> None:
    """The paths that they give to jq are members of the command's document."""
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    lines = [(line, path) for page in pages for line, path in _queries(page)]
    assert len(lines) >= 2
    for command, path in lines:
        places = items(section(f"smscli-{command}", "JSON OUTPUT"), "Va")
        assert re.sub(r"\[\d*\]", "[]", path).strip(".").removesuffix("[]") in places, f"{command}: {path}"


def _queries(page: Path) -> Iterator[tuple[str, str]]:
    text = page.read_text("utf-8").replace("\\\n", "")
    for command, query in re.findall(r"smscli (\w+)[^\n]*\|\s*jq (?:-\w+ )?'([^']*)'", text):
        yield from ((command, path) for path in re.findall(r"\.data[\w.\[\]]*", query))

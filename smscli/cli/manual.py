"""The man pages and the reference: what --help is made of, and the schemas of the output, written down.

    python -m smscli.cli.manual docs

reads ``docs/schema`` and writes ``docs/man/*.1`` and ``docs/reference.md``. Only the tables below are nowhere else:
exit statuses, variables that are no field of a profile, places of files, the top of the profile file; tests hold them
against the code.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from smscli import profiles, providers
from smscli.cli import help as pages
from smscli.cli import mdoc, tree
from smscli.cli.invocation import PROGRAM
from smscli.cli.parsing import Group

if TYPE_CHECKING:
    from typer._click.core import Command, Context

STATUSES = (
    ("0", "done, everything accepted (or the stored receipt of it)", "done"),
    ("1", "a bug in smscli", "please report it"),
    ("2", "bad option, number, sender, text or file; nothing sent", "fix the call"),
    (
        "3",
        "profile, credentials or journal unusable, nothing sent; or what was asked could not be written",
        "fix the profile or disk",
    ),
    ("4", "the vendor refused login, key, signature or address; sign --expect did not match", "fix the key"),
    ("5", "the vendor said no; balance --min not met; status: one was finally not delivered", "not as it is"),
    ("6", "certainly nothing was sent; status: not delivered yet", "yes"),
    ("7", "it may have been sent", "no: look at the journal"),
    ("8", "some accepted, some not, none unknown", "with the same --key: sends only what was not sent"),
    (
        "9",
        "the key was used for other content or is in flight, the vendor lacks the operation, or a guard refused",
        "no",
    ),
    ("129, 130, 143", "ended by a signal", "see the journal"),
)
"""Exit status, meaning, and whether a script may run the same again."""
NO_STATUSES = {"run": "That of the command: also 127 when there is none of that name, 126 when it cannot be executed, "
               "and 128 and the number of a signal that ended it. Where the command was not run: 2."}  # fmt: skip
"""The commands whose statuses are others."""

VARIABLES = (
    ("SMSCLI_PROFILE", "The profile, where -p names none. Variables of single fields outweigh it."),
    ("SMSCLI_CONFIG", "Path of the profile file."),
    ("SMSCLI_STATE_DIR", "Directory of the journal and of what run --on change remembers: a whole path."),
    ("SMSCLI_JOURNAL", "The journal: a postgresql:// URL, or the whole path of a file."),
    ("SMSCLI_OUTPUT", "Format of stdout, where -o names none."),
    ("COLUMNS", "Columns of tables and help pages."),
    ("NO_COLOR", "When it is not empty: no colours."),
    ("FORCE_COLOR", "When it is not empty: colours, also in a pipe."),
    ("TERM", "dumb: neither colours nor a bar of progress. With 256color in it: 256 colours."),
    ("COLORTERM", "When it is not empty: 256 colours."),
    ("https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY", "The proxy, where the profile names none: the first one."),
    ("no_proxy, NO_PROXY", "Hosts that are reached without it."),
    ("REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, SSL_CERT_FILE", "Certificates to trust, where the profile names none."),
    ("CREDENTIALS_DIRECTORY", "Where systemd puts the credentials of a service."),
    ("PYTHON_KEYRING_BACKEND", "The keyring that is asked, as the package keyring reads it."),
    ("PGPASSWORD, PGPASSFILE", "The password of a journal on a server, as libpq reads them."),
    ("BASH_COMPLETION_USER_DIR", "Where bash looks for completions, and completion --install puts one."),
    ("HOME, XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME", "Where the usual directories are."),
)  # fmt: skip
"""Variables that are no field of a profile."""
FILES = (
    ("~/.config/smscli/config.toml", "The profiles, on Linux; smscli profile path tells."),
    ("~/.local/state/smscli/journal.sqlite3", "The journal of the vendors, on Linux; smscli journal check tells."),
    ("~/.local/state/smscli/sandbox.sqlite3", "The journal of what went to an emulator."),
)
_OF_THE_FILE = (
    ("default", "Name of the profile that is used when nothing names another."),
    ("journal", "The journal: a postgresql:// URL, or the whole path of a file."),
    ("journal_password_command", "What prints the password for it: a list of arguments; no shell runs it."),
)


_WHOLE = "With -o json or -o xml there is one document, also for errors; XML is the same tree."
_PART = "With -o json or -o xml the document of smscli(1) has these members; its schema is share/smscli/schema/{}.json."


class Field(NamedTuple):
    """One field of a profile: whose it is (empty: everybody's), what it is, and the variable that gives it."""

    name: str
    vendors: str
    text: str
    variable: str | None


class Member(NamedTuple):
    """One member of a document: its place (``data.recipients[].to``), what kind of value it is, what it says."""

    place: str
    kind: str
    text: str


class Page(NamedTuple):
    """All that is to be said of a command. ``members`` are by the kinds of document it prints."""

    words: tuple[str, ...]
    line: str
    paragraphs: Sequence[str]
    synopsis: Sequence[str]
    sections: Mapping[str, pages.Entries]
    appendix: Mapping[str, pages.Entries]
    examples: Sequence[str]
    members: Mapping[str, Sequence[Member]]

    @property
    def name(self) -> str:
        """The name of its man page."""
        return "-".join(self.words)


# --- the tree ---------------------------------------------------------------------------------------------------------


def manual(schemas: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the program's own page, and that of every command and group below it."""
    yield from _below(tree(), None, PROGRAM, schemas)


def _below(command: Command, parent: Context | None, name: str, schemas: Mapping[str, Any]) -> Iterator[Page]:
    context = command.context_class(command, parent, name, **command.context_settings)
    words = tuple(context.command_path.split())
    first, *paragraphs = (" ".join(each.split()) for each in inspect.cleandoc(command.help or "").split("\n\n"))
    schema = schemas.get("-".join(words[1:]))
    kinds = dict(_kinds(schema["properties"]["data"], schemas, schema)) if schema else {}
    examples = (command.epilog or "").splitlines()
    sections, appendix = pages.sections(context), pages.appendix(command)
    yield Page(words, first, paragraphs, pages.synopsis(context), sections, appendix, examples, kinds)
    if isinstance(command, Group):
        for name_below in command.list_commands(context):
            if below := command.get_command(context, name_below):
                yield from _below(below, context, name_below, schemas)


def fields() -> Iterator[Field]:
    """Yield every field that a profile may have; a secret is spelled in three ways."""
    yield Field("provider", "", f"The vendor: {', '.join(providers.names())}.", "SMSCLI_PROVIDER")
    whose: dict[str, list[str]] = {}
    vendors = [providers.get(name) for name in providers.names()]
    own = {field.name: field for vendor in vendors for field in vendor.fields}
    for vendor in vendors:
        for field in vendor.fields:
            whose.setdefault(field.name, []).append(vendor.title)
    for name, field in own.items():
        titles, what = ", ".join(whose[name]), f"{field.help[0].upper()}{field.help[1:]}"
        facts = ", ".join(field.choices) + (f"; default: {field.default}" if field.default else "")
        yield Field(name, titles, f"{what}{f' [{facts}]' if facts else ''}.", _variable(name))
        if field.secret:
            yield Field(f"{name}_file", titles, f"File that holds the {name}, private.", _variable(f"{name}_file"))
            text = f"What prints the {name}: a list of arguments; no shell runs it."
            yield Field(f"{name}_command", titles, text, None)
    for setting in profiles.SETTINGS:
        text = f"{setting.help[0].upper()}{setting.help[1:]}."
        yield Field(setting.name, "", text, _variable(setting.name))


def _variable(name: str) -> str:
    return f"SMSCLI_{name.upper()}"


# --- the schemas ------------------------------------------------------------------------------------------------------


def envelope(schemas: Mapping[str, Any]) -> list[Member]:
    """Return the members that every document has."""
    common = schemas["common"]
    return list(_members(common["$defs"]["envelope"], "", schemas, common))


def _kinds(data: Mapping[str, Any], schemas: Mapping[str, Any], file: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each kind of document of a command, by its title, with its members."""
    for each in data.get("anyOf", [data]):
        node, home = _resolved(each, schemas, file)
        if node.get("type") != "null":
            place = "data[]" if node.get("type") == "array" else "data"
            node = node["items"] if node.get("type") == "array" else node
            yield node.get("title", ""), list(_members(node, f"{place}.", schemas, home))


def _members(node: Mapping[str, Any], prefix: str, schemas: Mapping[str, Any], file: Any) -> Iterator[Member]:
    """Yield the members of an object, each followed by its own."""
    if "$ref" in node:
        target, home = _target(node, schemas, file)
        yield from _members(target, prefix, schemas, home)
    for part in (*node.get("allOf", ()), *node.get("anyOf", ())):
        yield from _members(part, prefix, schemas, file)
    for name, given in node.get("properties", {}).items():
        value, home = _resolved(given, schemas, file)
        place = f"{prefix}{name}"
        yield Member(place, _kind(value), value.get("description", ""))
        yield from _members(value, f"{place}.", schemas, home)
        if items := value.get("items"):
            yield from _members(items, f"{place}[].", schemas, home)


def _target(node: Mapping[str, Any], schemas: Mapping[str, Any], file: Any) -> tuple[Mapping[str, Any], Any]:
    """Return what a node points to, and the schema file that this is in."""
    name, _, pointer = node["$ref"].partition("#/$defs/")
    home = schemas[name.removesuffix(".json")] if name else file
    return home["$defs"][pointer], home


def _resolved(node: Mapping[str, Any], schemas: Mapping[str, Any], file: Any) -> tuple[Mapping[str, Any], Any]:
    """Return what a value is, with what is said of it where it stands, and the schema file that it points into."""
    if set(node) - {"$ref", "description"} or "$ref" not in node:
        return node, file
    target, home = _target(node, schemas, file)
    return {**target, **{name: value for name, value in node.items() if name != "$ref"}}, home


_NAMES = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list", "null": "null"}


def _kind(value: Mapping[str, Any]) -> str:
    """Return in words which values there are."""
    if "enum" in value:
        return ", ".join("null" if one is None else str(one) for one in value["enum"])
    if "const" in value:
        return json.dumps(value["const"])
    if value.get("format") == "date-time":
        return "date and time or null" if "null" in value["type"] else "date and time"
    kinds = value.get("type", ["object", "null"] if "anyOf" in value else "any")
    names = [_NAMES.get(kind, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " or ".join(names)


# --- the reference ----------------------------------------------------------------------------------------------------


def reference(schemas: Mapping[str, Any]) -> str:
    """Return all of it as one Markdown page."""
    every = list(manual(schemas))
    blocks = [
        "# Reference", "Made from the command tree by `python -m smscli.cli.manual docs`, as the man pages are.",
        "\n".join(f"- [`{' '.join(page.words)}`](#{page.name}): {page.line}" for page in every[1:]),
        *_table("Exit statuses", ("status", "meaning", "may a script run it again?"), STATUSES),
        *_table("Variables", ("variable", "meaning"), [(_coded(name), text) for name, text in VARIABLES]),
        *_table("Fields of a profile", ("field", "of", "meaning", "variable"), [
            (_coded(one.name), one.vendors, one.text, _coded(one.variable or "")) for one in fields()
        ]),
        *_table("At the top of the profile file", ("name", "meaning"), [(_coded(a), b) for a, b in _OF_THE_FILE]),
        "## JSON and XML", f"{_WHOLE} The schemas are in [schema](schema), and installed in `share/smscli/schema`.",
        _rows(("member", "kind", "meaning"), _cells(envelope(schemas))),
    ]  # fmt: skip
    for page in every:
        blocks += _chapter(page)
    return "\n\n".join(filter(None, blocks)) + "\n"


def _chapter(page: Page) -> Iterator[str]:
    yield f"## {page.name}"
    yield f"```text\n{' '.join((*page.words, *page.synopsis))}\n```"
    yield from (_plain(text) for text in (page.line, *page.paragraphs))
    for title, entries in (*page.sections.items(), *page.appendix.items()):
        yield f"{title}:"
        yield _rows(("", "meaning"), [(_coded(term), text) for term, text in entries])
    for title, members in page.members.items():
        yield f"JSON{f', {title}' if title else ''}:"
        yield _rows(("member", "kind", "meaning"), _cells(members))
    if status := NO_STATUSES.get(page.words[-1]):
        yield f"Exit status: {_plain(status)}"
    yield "```sh\n" + "\n".join(page.examples) + "\n```"


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"## {title}"
    yield _rows(heads, rows)


def _rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_plain(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _cells(members: Sequence[Member]) -> list[tuple[str, str, str]]:
    return [(_coded(one.place), one.kind, one.text) for one in members]


def _coded(text: str) -> str:
    return f"`{text}`" if text else ""


def _plain(text: str) -> str:
    """Return prose in which Markdown finds no tag: what stands between backquotes is safe as it is."""
    return text if text.startswith("`") else text.replace("<", "&lt;").replace("*", "\\*")


# --- the man pages ----------------------------------------------------------------------------------------------------


def man(page: Page, every: Sequence[Page], schemas: Mapping[str, Any]) -> str:
    """Return the man page of a command; the program's own has what is true of all."""
    is_whole = page.words == (PROGRAM,)
    below = [one for one in every if one.words[:-1] == page.words]
    options = {title: entries for title, entries in page.sections.items() if title not in ("Arguments", "Commands")}
    kinds = {"": envelope(schemas)} if is_whole else page.members
    members = {title: [(one.place, f"({one.kind}) {one.text}") for one in each] for title, each in kinds.items()}
    near = [page.words[0], "-".join(page.words[:-1]), *(one.name for one in below)]
    described = [f"{page.line.removesuffix('.')}.", *page.paragraphs]
    sections = [
        ("DESCRIPTION", [mdoc.paragraphs(described)]),
        ("ARGUMENTS", [mdoc.listed(page.sections.get("Arguments", ()), mdoc.options)]),
        ("COMMANDS", [mdoc.listed(((one.name, one.line) for one in below), mdoc.reference)]),
        ("OPTIONS", [mdoc.titled(title, mdoc.listed(entries, mdoc.options)) for title, entries in options.items()]),
        *((title.upper(), [mdoc.listed(entries, mdoc.plain)]) for title, entries in page.appendix.items()),
        ("PROFILE FIELDS", [*_fields()] if is_whole else []),
        ("JSON OUTPUT", [
            mdoc.paragraphs([_WHOLE if is_whole else _PART.format(page.name.removeprefix(f"{PROGRAM}-"))]),
            *(mdoc.titled(title, mdoc.listed(each, mdoc.place)) for title, each in members.items()),
        ] if members else []),
        ("ENVIRONMENT", [mdoc.listed(VARIABLES, mdoc.variables)] if is_whole else []),
        ("FILES", [mdoc.listed(FILES, mdoc.path)] if is_whole else []),
        ("EXIT STATUS", [_statuses(page, is_whole=is_whole)]),
        ("EXAMPLES", [mdoc.literal(page.examples)]),
        ("SEE ALSO", [mdoc.references({name for name in near if name and name != page.name})]),
    ]  # fmt: skip
    return mdoc.page(page.name, page.line, [" ".join(page.words), *page.synopsis], sections)


def _statuses(page: Page, *, is_whole: bool) -> str:
    if is_whole:
        rows = ((status, f"{meaning}. Run it again: {again}.") for status, meaning, again in STATUSES)
        return mdoc.listed(((status, f"{text[0].upper()}{text[1:]}") for status, text in rows), mdoc.plain)
    return mdoc.paragraphs([NO_STATUSES.get(page.words[-1], f"Those of {PROGRAM}(1).")])


def _fields() -> Iterator[str]:
    rows = list(fields())
    for vendors in dict.fromkeys(one.vendors for one in rows):
        entries = [
            (one.name, f"{one.text} {f'Variable: {one.variable}.' if one.variable else ''}".strip())
            for one in rows
            if one.vendors == vendors
        ]
        yield mdoc.titled(vendors or "Of every vendor", mdoc.listed(entries, mdoc.place))
    yield mdoc.titled("At the top of the file", mdoc.listed(_OF_THE_FILE, mdoc.place))


# --- the files --------------------------------------------------------------------------------------------------------


def files(schemas: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of every file that is made, by its place below ``docs``."""
    every = list(manual(schemas))
    made = {"reference.md": reference(schemas)}
    return made | {f"man/{page.name}.1": man(page, every, schemas) for page in every}


def read(folder: Path) -> dict[str, Any]:
    """Return the schemas of a folder by name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))}


def main(folder: Path) -> None:
    """Write them all anew; what no command has a page for is removed."""
    made = files(read(folder / "schema"))
    for old in (folder / "man").glob("*.1"):
        old.unlink()
    for name, text in made.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

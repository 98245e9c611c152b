"""The schemas of the JSON documents: one for each command, strict, described, and true of what is printed.

That every document of every other test is held against them is a matter of ``tests/documents.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import meta

from tests.conftest import runner
from tests.documents import SCHEMAS, problems, schemas
from tests.test_cli_help import EVERY

TO = "+37061234567"
RU = "+79121231234"
UNSORTED = "a0c144bbcd1ad9465ca974702ed5619d"
"""MD5 over the hex SHA-1 of ‘2;1;demo-key-mainsms’."""
SIGNED = f"login=demo&timestamp=1732809600&signature={UNSORTED}"
REFERENCE = (SCHEMAS.parent / "reference.md").read_text("utf-8")

LINES = {
    "send": ("send", "--to", TO, "Hello", "--key", "k"),
    "send, waiting": ("send", "--to", TO, "Hello", "--key", "w", "--wait-delivered", "1m"),
    "send, dry": ("send", "--to", TO, "It’s done", "--dry-run", "--price"),
    "bulk": ("bulk", "people.csv", "Hi {name}", "--key", "list"),
    "bulk, dry": ("bulk", "people.csv", "Hi {name}", "--dry-run"),
    "count": ("count", "It’s done – " * 20),
    "count, priced": ("count", "--provider", "payforsms", "--to", RU, "hi", "--price"),
    "balance": ("balance",),
    "sign": ("sign", "--provider", "payforsms", "--operation", "send", "--to", RU, "--text", "hi", "--sender", "Demo"),
    "sign, compared": ("sign", "--provider", "mainsms", "b=2", "a=1", "--expect", UNSORTED, "--explain"),
    "sign, captured": ("sign", "--capture", SIGNED, "--provider", "lightsms"),
    "sign, many captured": ("sign", "--provider", "lightsms", "--capture", "many.log"),
    "sign, batch": ("sign", "--provider", "lightsms", "--batch", "batch.jsonl"),
    "timestamp": ("timestamp",),
    "status": ("status", "--key", "w"),
    "journal list": ("journal", "list"),
    "journal show": ("journal", "show", "k"),
    "journal show, texts of their own": ("journal", "show", "list"),
    "journal export": ("journal", "export", "list", "--list", "people.csv", "--map", "to=phone"),
    "journal export, a file": ("journal", "export", "list", "--results", "results.csv"),
    "journal stats": ("journal", "stats"),
    "journal check": ("journal", "check"),
    "journal purge": ("journal", "purge"),
    "doctor": ("doctor",),
}
"""All with --sandbox, one after the other."""
OTHERS = {
    "profile add": ("profile", "add", "shop", "--provider", "lightsms", "--login", "x", "--api-key-file", "shop.key"),
    "profile list": ("profile", "list"),
    "profile show": ("profile", "show", "shop"),
    "profile check": ("profile", "check", "shop"),
    "profile use": ("profile", "use", "shop"),
    "profile path": ("profile", "path"),
    "profile remove": ("profile", "remove", "shop", "--yes"),
    "completion": ("completion", "fish"),
    "completion, installed": ("completion", "fish", "--install"),
}


OPEN = {"settings", "counts", "states"}
"""Members whose own members are names that grow: fields of vendors, verdicts, states."""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What all these lines print, in one home."""
    home = tmp_path_factory.mktemp("home")
    smscli = runner(home)
    (home / "people.csv").write_text(f"phone,name\n{TO},Anna\n{TO},Jonas\n12,Nobody\n+37061234568,Eva\n")
    (home / "many.log").write_text(
        f'1.2.3.4 - - [28/Nov/2024:16:00:02 +0000] "GET /external/get/balance.php?{SIGNED} HTTP/1.1" 200 5\n' * 2
    )
    (home / "batch.jsonl").write_text('{"login": "x"}\n{"login": "x", "signature": "00"}\n1\n')
    (home / "shop.key").touch(0o600)
    (home / "shop.key").write_text("key")
    lines = {name: (*line, "--sandbox") for name, line in LINES.items()} | OTHERS
    files = {"people.csv", "many.log", "batch.jsonl", "results.csv", "shop.key"}
    printed: dict[str, Any] = {}
    clock = [1.9e9]
    for name, line in lines.items():
        words = [str(home / word) if word in files else word for word in line]
        more = ("--skip-invalid",) if name.startswith("bulk") else ()
        ran = smscli(
            *words, *more, "-o", "json", stdin=b"", now=lambda: clock[0], monotonic=lambda: clock[0],
            sleep=lambda seconds: clock.append(clock.pop() + seconds),
        )  # fmt: skip
        assert ran.code in (0, 4), f"{name}: {ran}"
        assert ran.json["data"], name
        printed[name] = ran.json
    return printed


def objects(tree: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of a document, with the member that holds it."""
    if isinstance(tree, dict):
        yield name, tree
        for member, value in tree.items():
            yield from objects(value, member)
    elif isinstance(tree, list):
        for value in tree:
            yield from objects(value, name)


def places(tree: Any, prefix: str = "data") -> Iterator[str]:
    """Yield the place of every member below: ``data.recipients[].to``."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield f"{prefix}.{name}"
            if name not in OPEN:
                yield from places(value, f"{prefix}.{name}")
    elif isinstance(tree, list):
        for value in tree:
            yield from places(value, f"{prefix}[]")


def test_the_reference_and_the_man_page_have_every_member_that_is_printed(documents: dict[str, Any]) -> None:
    """By its place in the document."""
    chapters = dict(re.findall(r"^## (smscli-\S+)\n(.*?)(?=^## |\Z)", REFERENCE, re.MULTILINE | re.DOTALL))
    for document in documents.values():
        page = f"smscli-{document['command'].replace(' ', '-')}"
        man = (SCHEMAS.parent / "man" / f"{page}.1").read_text()
        for place in set(places(document["data"])):
            assert f"\n| `{place}` |" in chapters[page], f"{page}: {place}"
            assert f"\n.It Va {place}\n" in man, f"{page}: {place}"


def test_every_command_has_a_schema_and_every_schema_a_command() -> None:
    """And one for a line that names none; groups have no output of their own."""
    commands = {"-".join(words) for words in EVERY} - {"profile", "journal"}
    assert schemas().keys() - {"common"} == commands | {"smscli"}
    for name, schema in schemas().items():
        meta.validate(schema)
        assert schema["$schema"].endswith("2020-12/schema"), name


def test_a_member_that_no_schema_knows_is_refused_and_so_is_one_that_is_missing(documents: dict[str, Any]) -> None:
    """In every object of every kind of document that a command prints when all is well."""
    assert {name.partition(",")[0].replace(" ", "-") for name in documents} == schemas().keys() - {
        "common", "smscli", "run", "sandbox", "journal-init", "journal-resolve",
    }  # fmt: skip
    for name, document in documents.items():
        command = document["command"]
        for holder, one in objects(document):
            if holder not in OPEN:
                one["unheard_of"] = None
                assert problems(document, command), f"{name}: {holder}"
                del one["unheard_of"]
            for member, value in list(one.items()):
                del one[member]
                is_optional = holder in OPEN or member in OPTIONAL
                assert is_optional or problems(document, command), f"{name}: {holder}.{member}"
                one[member] = value
        assert not problems(document), name


OPTIONAL = {
    "bytes", "request", "captured", "clock", "comparison", "sending", "messages", "price",
    "signature", "expected", "parameters", "left_out", "stages",  # of a line that cannot be read
    "text", "text_length", "text_sha256",  # in `journal show`, with the send or with each recipient
}  # fmt: skip


def test_status_exit_code_and_error_say_the_same() -> None:
    """A document that contradicts itself is refused."""
    right = {"version": 1, "command": "run", "status": "ok", "exit_code": 0, "data": None, "error": None}
    assert not problems(right)
    for change in ({"status": "error"}, {"exit_code": 2}, {"exit_code": 8}, {"version": 2}, {"exit_code": 10}):
        assert problems(right | change), change


@pytest.mark.parametrize("name", sorted(schemas()))
def test_every_member_is_described(name: str) -> None:
    """In the schema itself, or where that points to; the reference is made of it."""
    for place, member in _members(schemas()[name]):
        while "description" not in member and "const" not in member and "$ref" in member:
            file, _, pointer = member["$ref"].partition("#/$defs/")
            member = schemas()[file.removesuffix(".json") or name]["$defs"][pointer]
        assert member.get("description", "").endswith((".", "…")) or place in ENVELOPE, place


ENVELOPE = {"command", "data", "exit_code", "status", "error"}
"""Described once, in ``common.json``."""


def _members(tree: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(tree, dict):
        if isinstance(properties := tree.get("properties"), dict):
            yield from properties.items()
        for value in tree.values():
            yield from _members(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _members(value)

"""Every JSON document that the program prints in a test, held against the schema of its command (``docs/schema``)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, Registry

SCHEMAS = Path(__file__).parent.parent / "docs" / "schema"
_BASE = "schema:///"
_HEAD = '{\n  "version": '
"""How each of our documents begins, and no other."""


def document(text: str | bytes) -> Any:
    """Return the document that is all of an output; it is what the schema of its command says."""
    read = json.loads(text)
    hold(read)
    return read


def hold_output(text: str) -> None:
    """Hold what a command has printed, if it is a document of ours; one that was cut off is none."""
    if text.startswith(_HEAD) and text.endswith("\n}\n"):
        hold(json.loads(text))


def hold(read: dict[str, Any]) -> None:
    """Hold one document."""
    errors = [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in problems(read)]
    assert errors == [], f"{read['command']}: not as docs/schema says"


def problems(read: dict[str, Any], command: str | None = None) -> list[Any]:
    """Return where a document is not as the schema of that command says, or of its own."""
    return list(_validator((command or read["command"]).replace(" ", "-")).iter_errors(read))


@cache
def schemas() -> dict[str, Any]:
    """Return every schema by the name of its file, without the ending."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(SCHEMAS.glob("*.json"))}


@cache
def _registry() -> Registry:
    from jsonschema_rs import Registry  # a tenth of a second, for those who print JSON

    return Registry([(f"{_BASE}{name}.json", schema) for name, schema in schemas().items()])


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema_rs import Draft202012Validator

    # A group without its command has none of its own: such a line names no command either.
    name = "smscli" if name in ("profile", "journal") else name
    return Draft202012Validator(
        schemas()[name], registry=_registry(), base_uri=f"{_BASE}{name}.json", validate_formats=True
    )

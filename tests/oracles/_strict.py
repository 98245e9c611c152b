"""Reading of JSON that is stricter than it is short."""

from __future__ import annotations

import json
import re
from typing import Any


class Nonsense(ValueError):  # noqa: N818  (a verdict, not an error)
    """A body that is no success of anybody."""


def strict(text: str, *, printed: bool = False) -> Any:
    """Return a JSON value that says everything once and only what JSON can say."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise Nonsense
        return dict(pairs)

    def never(_: str) -> None:
        raise Nonsense

    return json.loads(text, object_pairs_hook=once, parse_constant=never, strict=not printed)


def digits(value: object) -> str:
    """Return an id as text; empty for what is none (a bool, zero, a fraction, more than digits)."""
    text = str(value) if type(value) in (int, str) else ""
    return text if re.fullmatch("[0-9]+", text, re.ASCII) and int(text) else ""

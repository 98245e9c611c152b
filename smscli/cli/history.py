"""How the last run of each command ended, for ``run --on change``: one small file in the state directory.

A command is known by a digest: of its words, of the directory it ran in, and of whom is told. Nothing else of it is
kept. The file has the commands that ran last; one that is forgotten is as one that never ran.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from smscli import private
from smscli.errors import ConfigError
from smscli.model import MSISDN

_WHAT = "the record of runs"
_COMMANDS = 2000
_MAX_BYTES = 1024 * 1024


def digest(argv: Sequence[str], recipients: Sequence[MSISDN], *, sandbox: bool) -> str:
    """Return what a command is known by here."""
    try:
        place = os.getcwd()  # noqa: PTH109  (a name, and no path that is walked)
    except OSError:  # it was removed
        place = ""
    words = ("sandbox" if sandbox else "vendor", " ".join(sorted(to.digits for to in recipients)), place, *argv)
    return sha256("\0".join(words).encode("utf-8", "surrogateescape")).hexdigest()


def last_success(path: Path, command: str) -> bool | None:
    """Return whether the last run succeeded, None when nothing is known.

    Raises ConfigError when the file cannot be used.
    """
    try:
        content = private.read(path, _MAX_BYTES, _WHAT)
    except FileNotFoundError:
        return None
    entry = _parse(content, path).get(command)
    return None if entry is None else bool(entry[0])


def record(path: Path, command: str, moment: float, *, success: bool) -> None:
    """Keep how a command ended; raise ConfigError when that is impossible."""
    with private.replacing(path, _WHAT) as replace:
        try:
            runs = _parse(private.read(path, _MAX_BYTES, _WHAT), path)
        except FileNotFoundError:
            runs = {}
        runs[command] = (success, int(moment))
        latest = sorted(runs.items(), key=lambda item: item[1][1])[-_COMMANDS:]
        replace(json.dumps({"version": 1, "runs": dict(latest)}, separators=(",", ":")).encode())


def _parse(content: bytes, path: Path) -> dict[str, tuple[bool, int]]:
    try:
        return {str(name): (bool(ok), int(moment)) for name, (ok, moment) in json.loads(content)["runs"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ConfigError(
            f"{_WHAT} {path} is damaged", hint="remove it: every command is then as on its first run"
        ) from None

"""Keyrings that need no desktop: one that lies in a file, and those that fail. ``PYTHON_KEYRING_BACKEND`` picks one.

``KEYRING_FILE`` names the file; beside it, ``….asked`` says that a keyring was loaded at all.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from keyring.backend import KeyringBackend  # noqa: TID253  (this module is for the process that has loaded keyring)
from keyring.errors import KeyringLocked, PasswordDeleteError  # noqa: TID253

SECRET = "zQ7/xJ+k9vW3=b8"
"""What a careless backend repeats."""

_FILE = Path(os.environ.get("KEYRING_FILE", os.devnull))
if "KEYRING_FILE" in os.environ:
    _FILE.with_suffix(".asked").touch()


class InFile(KeyringBackend):
    """Entries in a JSON file."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """Return the entry."""
        return _entries().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the entry."""
        _FILE.write_text(json.dumps({**_entries(), f"{service} {username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        """Take the entry away."""
        entries = _entries()
        if entries.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError
        _FILE.write_text(json.dumps(entries))


class Talkative(InFile):
    """Prints while it works."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the entry, after some words."""
        sys.stdout.write(f"unlocking {SECRET}\n")
        sys.stderr.write(f"unlocking {SECRET}\n")
        sys.stdout.flush()
        return super().get_password(service, username)


class Locked(InFile):
    """Nobody typed its password."""

    def get_password(self, service: str, username: str) -> str | None:
        """Fail."""
        raise KeyringLocked(SECRET, service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Fail."""
        raise KeyringLocked(service, username, password)


class Broken(InFile):
    """Raises what no page of keyring names, with the secret in it."""

    def get_password(self, service: str, username: str) -> str | None:
        """Fail."""
        raise LookupError(SECRET, service, username)


class Crashing(InFile):
    """Takes its process with it."""

    def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002  (the interface's names)
        """Fail."""
        os.abort()


class Hanging(InFile):
    """Waits for somebody who never comes."""

    def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002  (the interface's names)
        """Wait."""
        time.sleep(60)
        return None


def _entries() -> dict[str, str]:
    entries: dict[str, str] = json.loads(_FILE.read_text()) if _FILE.exists() else {}
    return entries

"""Profile files for the tests of profiles: one that has everything, and how it is read and saved."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from smscli import profiles
from smscli.errors import ConfigError, SmscliError
from smscli.profiles import Document

SECRET = "zQ7/xJ+k9vW3=b8"
"""A secret that cannot be taken for a name: wherever it is shown, it leaked."""

NOBODY = 54321
"""A user id without a passwd entry."""

FULL = f"""\
# My accounts. Ask Jonas before changing "work".
default = "work"  # cron uses this one

# the company's account
[profiles.work]
provider = "lightsms"
login = "jonas"          # the shared login
api_key = "{SECRET}"
to = [
    "+37061234567",  # on call
    "+37061234568",
]

# for experiments
[profiles.russia]
provider = "payforsms"
project = "mainsms"
api_key_command = ["pass", "show", "payforsms"]
timeout = 12.5

[profiles.turkey]
provider = "mesajlarim"
base_url = "https://sms.example/omrestapi"
app_id = "1"
msisdn = "5321000000"
secret_file = "~/turkey.key"
# the end
"""

LIGHTSMS = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "env-login", "SMSCLI_API_KEY": "env-key"}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make files that belong to somebody else")


def document(text: str = FULL) -> Document:
    """Return the document that a private file with this text reads as."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.flush()
        return profiles.read(Path(file.name))


def save(path: Path, text: str) -> None:
    """Write a profile file as every change of it does."""
    profiles.change(path, lambda _: Document(text))


def everything_said(error: SmscliError) -> str:
    """Return all that a user may get to see of an error."""
    return "\n".join([str(error), error.message, error.hint or "", *error.problems, repr(error)])


def problems(text: str, *, environ: Mapping[str, str] | None = None, **wanted: Any) -> list[str]:
    """Return what ``resolve`` finds wrong, and check that it does not show the secret."""
    with pytest.raises(ConfigError) as caught:
        profiles.resolve(document(text), environ=environ or {}, **wanted)
    assert SECRET not in everything_said(caught.value)
    return list(caught.value.problems)

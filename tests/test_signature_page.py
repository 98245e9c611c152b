"""The page about signatures: its transcripts are what the program prints, its table is what the program tries."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from smscli.diagnosis import LIMIT, MISTAKES
from tests.conftest import Ran

PAGE = Path(__file__).parents[1] / "docs" / "signatures.md"
# The keys that the vendors' pages print.
KEYS = {"payforsms": "07349e954831d", "lightsms": "your_api_key_here"}
FORMS = {
    "upper-case",
    "punctuated",
    "surrounded",
    "file-column",
    "truncated",
    "base64",
    "base64-of-hex",
    "zeros-dropped",
    "bytes-signed",
    "nibbles-swapped",
}
SENDING = {
    "plus-unescaped", "ampersand-unescaped", "hash-unescaped", "space-unescaped", "percent-unescaped", "encoded-twice",
    "not-encoded", "bytes-unescaped", "wire-charset", "name-repeated", "body-type",
    "utf-8-doubled", "html-entities", "percent-u",
}  # fmt: skip
NOW = 1732809725.0


def transcripts(text: str) -> list[tuple[str, str]]:
    """The commands of the page with what stands below them."""
    blocks = re.findall(r"```console\n\$ (.*?)\n(.*?)```", text, re.DOTALL)
    return [(command, output) for command, output in blocks]


def run(command: str, smscli: Callable[..., Ran]) -> str:
    """Run a command of the page on a terminal of 100 columns, stdout before stderr."""
    key = next(key for vendor, key in KEYS.items() if vendor in command)
    environ = {"SMSCLI_API_KEY": key, "SMSCLI_LOGIN": "YourLogin", "COLUMNS": "100", "NO_COLOR": "1"}
    ran = smscli(*shlex.split(command)[1:], environ=environ, terminal=True, now=lambda: NOW)
    return ran.out + ran.err


@pytest.mark.parametrize(("command", "output"), transcripts(PAGE.read_text(encoding="utf-8")))
def test_the_transcripts_are_real(smscli: Callable[..., Ran], command: str, output: str) -> None:
    """Every command of the page prints what stands below it."""
    assert run(command, smscli) == output


def test_the_table_names_every_mistake() -> None:
    """No mistake is missing, none is invented, and the limit is the real one."""
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)
    assert len(named) == len(set(named))
    assert set(named) == {mistake.name for mistake in MISTAKES} | FORMS | SENDING
    assert f"At most {LIMIT:,} combinations".replace(",", " ") in text

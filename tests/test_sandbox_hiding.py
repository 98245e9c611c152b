"""What nobody may see is hidden in every spelling that a request can have it in."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, quote_plus

import pytest

from smscli.model import MASK, Secret
from smscli.sandbox._hiding import hide

KEY = 'Ré/al+ke"y 1\\'
SECRETS = (Secret(KEY), Secret("other-key"))


@pytest.mark.parametrize(
    "spelled",
    [
        KEY, quote_plus(KEY), quote(KEY), re.sub("%..", lambda escape: escape[0].lower(), quote(KEY, safe="")),
        json.dumps(KEY)[1:-1],
        json.dumps(KEY, ensure_ascii=False)[1:-1], json.dumps(KEY)[1:-1].replace("/", "\\/"),
        "".join(f"%{byte:02x}" for byte in KEY.encode()),
    ],
)  # fmt: skip
def test_a_secret_is_hidden_however_it_is_escaped(spelled: str) -> None:
    """In addresses, in forms, in JSON; what stands around it stays."""
    assert hide(f"apikey={spelled}&x=1", SECRETS) == f"apikey={MASK}&x=1"


def test_what_a_cut_leaves_of_a_secret_is_hidden() -> None:
    """At the end of what is kept or quoted; six letters are no secret yet."""
    assert hide(f"x={KEY[:9]}", SECRETS) == f"x={MASK}"
    assert hide("`other-k...` is no number", SECRETS) == f"`{MASK}...` is no number"
    assert hide("x=other", SECRETS) == "x=other"
    assert hide("other-keen", SECRETS) == "other-keen"


def test_json_stays_json() -> None:
    """Also where a secret ends in a backslash, or stands at the end of a text."""
    text = json.dumps({"stages": [KEY, f"a{KEY}"], "b": "\\"})
    assert json.loads(hide(text, SECRETS)) == {"stages": [MASK, f"a{MASK}"], "b": "\\"}


def test_without_secrets_nothing_is_hidden() -> None:
    """An empty one is none."""
    assert hide("text", ()) == hide("text", (Secret(""),)) == "text"

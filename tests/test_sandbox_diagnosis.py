"""The sandbox says why it refuses a signature: in a header and in its list, and only for its own invented keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest

from smscli import providers, sandbox
from smscli.model import Account, Pairs, Secret

NOW = 1732809600
REAL = Secret("a-real-key")


def refuse(
    vendor: str, signature: str, accounts: Mapping[str, Account] = sandbox.DEMO
) -> tuple[str | None, str | None]:
    """Ask the balance with this signature; return the header and what the list says of the refusal."""
    path, params = {
        "lightsms": ("/external/get/balance.php", (("login", "demo"), ("timestamp", str(NOW)))),
        "payforsms": ("/api/mainsms/message/balance", (("project", sandbox.DEMO["payforsms"].fields["project"]),)),
        "mesajlarim": (
            "/omrestapi/api.php",
            (("action", "balance"), ("appId", "1"), ("msisdn", "5321000000"), ("rand", "1")),
        ),
    }[vendor]
    client = sandbox.create_app(accounts, clock=lambda: float(NOW)).test_client()
    signed: Pairs = (*params, (providers.get(vendor).rule.signature, signature))
    reply = client.get(path, query_string=signed)
    diagnosis = client.get("/api/messages").get_json()[0]["diagnosis"]
    return reply.headers.get("X-Smscli-Diagnosis"), diagnosis


def test_the_mistake_is_named_in_header_and_list() -> None:
    """The key in front instead of behind: one sentence, twice, and no key in it."""
    key = sandbox.DEMO["lightsms"].secret.reveal()
    wrong = hashlib.md5(f"{key}demo{NOW}".encode(), usedforsecurity=False).hexdigest()
    header, listed = refuse("lightsms", wrong)
    assert header == listed == "The key stood in front of the values."


def test_what_no_mistake_explains_is_said() -> None:
    """How many combinations were tried, not an empty header."""
    header, _ = refuse("payforsms", hashlib.md5(b"x", usedforsecurity=False).hexdigest())
    assert header is not None
    assert header.startswith("No known mistake explains it (")


@pytest.mark.parametrize("vendor", ["lightsms", "payforsms", "mesajlarim"])
def test_what_is_no_signature_is_said(vendor: str) -> None:
    """The reason of the refusal stands where the mistake would."""
    header, listed = refuse(vendor, "nonsense")
    assert header == listed
    assert "is not a signature of" in (header or "")


def test_a_right_signature_has_no_diagnosis() -> None:
    """Nothing is looked for where nothing is wrong."""
    key = sandbox.DEMO["lightsms"].secret.reveal()
    right = hashlib.md5(f"demo{NOW}{key}".encode(), usedforsecurity=False).hexdigest()
    client = sandbox.create_app(clock=lambda: float(NOW)).test_client()
    url = "/external/get/balance.php"
    reply = client.get(url, query_string={"login": "demo", "timestamp": str(NOW), "signature": right})
    assert "X-Smscli-Diagnosis" not in reply.headers
    assert reply.get_json()["money"]


def test_a_profiles_own_key_is_not_diagnosed() -> None:
    """Of a real key a diagnosis could tell a stranger how it looks."""
    accounts = {**sandbox.DEMO, "lightsms": sandbox.DEMO["lightsms"]._replace(secret=REAL)}
    wrong = hashlib.md5(f"{REAL.reveal()}demo{NOW}".encode(), usedforsecurity=False).hexdigest()
    assert refuse("lightsms", wrong, accounts) == (None, None)

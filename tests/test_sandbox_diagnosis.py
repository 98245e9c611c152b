"""The sandbox says why it refuses a signature: in a header and in its list, and only for its own invented keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smscli import providers, sandbox
from smscli.model import Account, Pairs, Secret
from smscli.providers import Provider
from tests.bench import ask
from tests.vendors import NOW, PLATFORMS, account, message


def tell(vendor: str, forge: Callable[[str], str], own: Account | None = None) -> tuple[str | None, str | None]:
    """Send with a signature that was forged from the right one; return the header, and what the list says of it.

    ``own`` is the account that the sandbox has instead of the invented one.
    """
    provider, accounts = providers.get(vendor), sandbox.demo_accounts()
    app = sandbox.create_app({**accounts, vendor: own} if own else accounts, clock=lambda: NOW)
    request = provider.send.build(message(vendor), own or accounts[vendor], str(int(NOW)))
    forged = request._replace(
        query=_forged(request.query, provider, forge), form=_forged(request.form, provider, forge)
    )
    header = sandbox.transport(app)(forged, 1.0).headers.get("x-smscli-diagnosis")
    return header, ask(app, "/api/messages").get_json()[0]["diagnosis"]


def _forged(pairs: Pairs, provider: Provider, forge: Callable[[str], str]) -> Pairs:
    return tuple((name, forge(value) if name == provider.rule.signature else value) for name, value in pairs)


pytestmark = pytest.mark.parametrize("vendor", PLATFORMS)


def test_the_mistake_is_named_in_header_and_list(vendor: str) -> None:
    """One sentence, twice."""
    assert tell(vendor, str.upper) == ("The hex was written in capital letters.",) * 2


def test_what_no_mistake_explains_is_said(vendor: str) -> None:
    """How many combinations were tried, not an empty header."""
    header, listed = tell(vendor, lambda right: ("0123456789abcdef" * 4)[: len(right)])
    assert header == listed
    assert (header or "").startswith("No known mistake explains it (")


def test_what_is_no_signature_is_said(vendor: str) -> None:
    """The reason of the refusal stands where the mistake would."""
    header, listed = tell(vendor, lambda _: "nonsense")
    assert header == listed
    assert "is not a signature of" in (header or "")


def test_a_right_signature_has_no_diagnosis(vendor: str) -> None:
    """Nothing is looked for where nothing is wrong."""
    assert tell(vendor, str) == (None, None)


def test_a_profiles_own_key_is_not_diagnosed_and_that_is_said(vendor: str) -> None:
    """Of a real key a diagnosis could tell a stranger how it looks: the same sentence whatever is wrong."""
    own = account(vendor)._replace(secret=Secret("a-real-key"))
    header, listed = tell(vendor, str.upper, own)
    assert header == listed == tell(vendor, lambda right: "0" * len(right), own)[0]
    assert (header or "").startswith("Withheld: of a profile's own key")

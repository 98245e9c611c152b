"""Which vendor a captured request is for."""

from __future__ import annotations

from urllib.parse import urlsplit

from smscli import providers
from smscli.capture._texts import RawRequest
from smscli.model import Pairs
from smscli.providers import Provider


def candidates(raw: RawRequest, params: Pairs) -> list[Provider]:
    """Return the vendors the request may be for, best first: the host tells most, then path, then names."""
    names = {name for name, _ in params}
    scored = [(_likeness(provider, raw, names), provider) for provider in map(providers.get, providers.names())]
    return [provider for score, provider in sorted(scored, key=lambda pair: -pair[0]) if score]


def _likeness(provider: Provider, raw: RawRequest, names: set[str]) -> int:
    home = urlsplit(provider.base_url or "")
    host = raw.host or ""
    own = {name for group in provider.rule.order for name in group}
    return (
        8 * bool(home.hostname and host.removeprefix("www.") == home.hostname.removeprefix("www."))
        + 4 * bool(home.path and (raw.path or "").startswith(home.path))
        + 2 * (provider.rule.signature in names)
        + (provider.stamp_name in names)
        + 2 * bool(own and names & own and names <= own | set(provider.rule.unsigned))
    )

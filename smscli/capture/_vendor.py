"""Which vendor a captured request is for."""

from __future__ import annotations

from urllib.parse import urlsplit

from smscli import providers
from smscli.capture._texts import RawRequest
from smscli.capture._writing import identity
from smscli.model import Pairs
from smscli.providers import Provider


def candidates(raw: RawRequest, params: Pairs) -> list[Provider]:
    """Return the vendors the request may be for, best first: the host tells most, then path, then names.

    Names that another platform has all of tell nothing alone, they only add to what does.
    """
    vendors = [providers.get(name) for name in providers.names()]
    platforms = {_telling_names(vendor) for vendor in vendors}  # brands of one platform share all names
    names = {name for name, _ in params}
    scored = [(_likeness(vendor, raw, names, platforms), vendor) for vendor in vendors]
    return [vendor for score, vendor in sorted(scored, key=lambda pair: -pair[0]) if score]


def _likeness(provider: Provider, raw: RawRequest, names: set[str], platforms: set[frozenset[str]]) -> int:
    home = urlsplit(provider.base_url or "")
    host = raw.host or ""
    own = {name for group in provider.rule.order for name in group}
    telling = _telling_names(provider)
    present = names & telling
    address = 8 * bool(home.hostname and host.removeprefix("www.") == home.hostname.removeprefix("www.")) + 4 * bool(
        home.path.strip("/") and (raw.path or "").startswith(home.path)
    )
    order = 2 * bool(own and names & own and names <= own | set(provider.rule.unsigned))
    if not (address or order) and any(present <= other for other in platforms - {telling}):
        return 0
    return address + order + 2 * (provider.rule.signature in names) + len(present - {provider.rule.signature})


def _telling_names(provider: Provider) -> frozenset[str]:
    """Return the names that say whose a request is: of its signature, its stamp, and the account."""
    stamp = (provider.stamp_name,) if provider.stamp_name else ()
    return frozenset((provider.rule.signature, *stamp, *identity(provider)))

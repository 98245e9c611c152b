"""Which vendor a captured request is for."""

from __future__ import annotations

from urllib.parse import urlsplit

from smscli import providers
from smscli.capture._writing import identity
from smscli.model import Pairs
from smscli.providers import Provider


class Vendors:
    """All vendors there are, with the names by which each one's requests are told; ``names`` are all that are known."""

    def __init__(self) -> None:
        vendors = [providers.get(name) for name in providers.names()]
        self._telling = [(vendor, _telling_names(vendor)) for vendor in vendors]
        self._platforms = {telling for _, telling in self._telling}  # brands of one platform share all names
        declared = (
            {name for group in vendor.rule.order for name in group} | {name for name, _ in vendor.extras}
            for vendor in vendors
        )
        self.names: frozenset[str] = frozenset().union(*self._platforms, *declared)

    def of(self, host: str | None, path: str | None, params: Pairs) -> tuple[str, ...]:
        """Return the names of those the request may be for, best first: the host tells most, then path, then names.

        Names that another platform has all of tell nothing alone, they only add to what does.
        """
        names = {name for name, _ in params}
        scored = [
            (self._likeness(vendor, telling, host or "", path or "", names), vendor.name)
            for vendor, telling in self._telling
        ]
        return tuple(name for score, name in sorted(scored, key=lambda pair: -pair[0]) if score)

    def may_be_signed(self, text: str) -> bool:
        """Return whether a text names the signature of one of the vendors at all."""
        return any(vendor.rule.signature in text for vendor, _ in self._telling)

    def signature(self, params: Pairs) -> str:
        """Return the signature in parameters that name an account as well, as one of the vendors wants it; or nothing.

        Many an interface has a ``sign`` of its own.
        """
        values = dict(params)
        for vendor, telling in self._telling:
            names = telling - {vendor.stamp_name}
            if names <= set(values):
                return values[vendor.rule.signature]
        return ""

    def _likeness(self, vendor: Provider, telling: frozenset[str], host: str, path: str, names: set[str]) -> int:
        home = urlsplit(vendor.base_url or "")
        own = {name for group in vendor.rule.order for name in group}
        present = names & telling
        address = 8 * bool(
            home.hostname and host.removeprefix("www.") == home.hostname.removeprefix("www.")
        ) + 4 * bool(home.path.strip("/") and path.startswith(home.path))
        order = 2 * bool(own and names & own and names <= own | set(vendor.rule.unsigned))
        if not (address or order) and any(present <= other for other in self._platforms - {telling}):
            return 0
        return address + order + 2 * (vendor.rule.signature in names) + len(present - {vendor.rule.signature})


def _telling_names(provider: Provider) -> frozenset[str]:
    """Return the names that say whose a request is: of its signature, its stamp, and the account."""
    stamp = (provider.stamp_name,) if provider.stamp_name else ()
    return frozenset((provider.rule.signature, *stamp, *identity(provider)))

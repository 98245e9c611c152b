"""What comes to an emulator: one request as a vendor's program sees it, and the invented accounts it may be of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from smscli import providers
from smscli.model import Account, Pairs, Secret
from smscli.sandbox._failures import Failure, Fault, provoked
from smscli.sandbox._raw import RawRequest

_NOTHING = RawRequest("GET", b"/")


@dataclass(frozen=True, slots=True)
class Demo:
    """An invented account, and what else a ready profile needs.

    ``numbers`` are three of nobody, ``+`` and digits, that the vendor takes: for examples and tests.
    """

    account: Account
    numbers: tuple[str, str, str]
    sender: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a vendor's program sees it.

    ``params`` are the decoded pairs of query and body. ``accounts`` are those of this platform, by vendor name.
    ``now`` is Unix seconds. ``demo_keys`` are the invented keys, by vendor name. ``raw`` is the request as it came.
    ``fault`` is what a rule finds wrong with a request that is right, ``forced`` what it finds for single recipients.
    ``skew`` are the seconds that a rule has moved ``now``. ``goes_on``: it is passed on to a vendor, who decides; here
    it is only explained.
    """

    params: Pairs
    accept: str
    accounts: Mapping[str, Account]
    now: float
    demo_keys: Mapping[str, Secret]
    raw: RawRequest = _NOTHING
    fault: Fault | None = None
    forced: Mapping[str, Failure] = field(default_factory=dict)
    goes_on: bool = False
    skew: float = 0.0

    @property
    def raw_query(self) -> bytes:
        """The query as it travelled."""
        return self.raw.query

    @property
    def raw_body(self) -> bytes:
        """The body as it travelled."""
        return self.raw.body

    def get(self, name: str) -> str | None:
        """Return the parameter's value, or None when it was not sent."""
        return next((value for own, value in self.params if own == name), None)

    def provoked(self, number: str, failures: Mapping[str, Failure]) -> Failure | None:
        """Return the failure that a recipient meets, by a rule or by how the number ends; None for one like any."""
        return self.forced.get(number) or provoked(number, failures)

    def account(self, field_name: str, value: str | None) -> tuple[str, Account] | None:
        """Return the vendor name and account whose field has this value, or None."""
        return next(((n, a) for n, a in self.accounts.items() if a.fields.get(field_name) == value), None)

    def invented(self, field_name: str) -> list[str]:
        """Return what the invented accounts have in this field: that of a profile is nobody's business."""
        keys = self.demo_keys.values()
        return [a.fields[field_name] for a in self.accounts.values() if a.secret in keys and field_name in a.fields]


def account_settings(vendor: str, account: Account) -> dict[str, str]:
    """Return what a program has to know of an invented account. Its key is no secret: it opens nothing else."""
    secrets = {providers.get(vendor).secret_field.name: account.secret, **account.sent_secrets}
    return {**account.fields, **{field: secret.reveal() for field, secret in secrets.items()}}

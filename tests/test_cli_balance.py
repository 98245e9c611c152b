"""``smscli balance``: one account or all, and whether it is enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smscli import providers, sandbox
from tests.conftest import Ran
from tests.vendor import Step, Vendor, refusing_port

Run = Callable[..., Ran]


@pytest.mark.parametrize(("minimum", "code"), [("150.50", 0), ("150.51", 5), ("0", 0)])
def test_balance_min_turns_too_low_into_a_status(smscli: Run, minimum: str, code: int) -> None:
    """The amount is shown either way."""
    ran = smscli("balance", "--sandbox", f"--min={minimum}")
    assert (ran.code, ran.out) == (code, "150.50\tEUR\n"), ran.err


@pytest.mark.parametrize(
    "minimum", ["much", "NaN", "inf", "", "1,000", "150,51", "-5", "1e3", "１０", "10\n", "EUR", "EUR=", "EU=1", "=1"]
)
def test_balance_min_wants_an_amount(smscli: Run, minimum: str) -> None:
    """NaN would always be enough, 1,000 would be 1 to one reader and a thousand to another, and -5 is never reached."""
    ran = smscli("balance", "--sandbox", f"--min={minimum}")
    assert (ran.code, ran.out, "write it like 10, 10.50 or EUR=10.50" in ran.err) == (2, "", True)


@pytest.mark.parametrize(
    ("minimums", "code"),
    [(("EUR=150.50",), 0), (("EUR=150.51",), 5), (("eur=151",), 5), (("1000", "EUR=1"), 0)],
)
def test_balance_min_may_be_of_one_currency(smscli: Run, minimums: tuple[str, ...], code: int) -> None:
    """One that is named wins over the amount for all."""
    options = [word for minimum in minimums for word in ("--min", minimum)]
    assert smscli("balance", "--sandbox", *options).code == code


@pytest.mark.parametrize("minimums", [("XXX=1",), ("EUR=1", "XXX=1"), ("1", "XXX=1")])
def test_a_minimum_that_no_account_is_held_against_is_an_alarm(smscli: Run, minimums: tuple[str, ...]) -> None:
    """A wrong currency would never ring; the amount is shown all the same."""
    ran = smscli("balance", "--sandbox", *(word for minimum in minimums for word in ("--min", minimum)))
    assert (ran.code, ran.out) == (5, "150.50\tEUR\n")
    assert "no account is in XXX" in ran.err
    assert "EUR" in ran.err


# --- all accounts -----------------------------------------------------------------------------------------------------


def _account(name: str, vendor: str, base_url: str | None = None, *, has_secret: bool = True) -> str:
    """Return a profile of the demo account: of the emulator in the process, unless there is an address."""
    account, provider = sandbox.demo(vendor).account, providers.get(vendor)
    values = {"provider": vendor, **account.fields}
    if has_secret:
        values[provider.secret_field.name] = account.secret.reveal()
    if base_url:
        values["base_url"] = base_url
    lines = [f'{field} = "{value}"' for field, value in values.items()]
    return "\n".join([f"[profiles.{name}]", *lines, "" if base_url else "sandbox = true", ""])


@pytest.fixture
def profiles(tmp_path: Path) -> Callable[..., None]:
    """Return a writer of the profile file."""

    def write(*profiles: str) -> None:
        file = tmp_path / "config.toml"
        file.touch(0o600)
        file.write_text("\n".join(profiles))

    return write


def test_all_accounts_stand_in_one_table(smscli: Run, profiles: Callable[..., None]) -> None:
    """Each with its own currency, in the order of the file."""
    profiles(_account("shop", "lightsms"), _account("office", "mainsms"), _account("old", "mesajlarim"))
    ran = smscli("balance", "--all")
    assert (ran.code, [line[0] for line in ran.lines]) == (0, ["shop", "office", "old"]), ran.err
    assert [line[2] for line in ran.lines] == ["EUR", "RUB", "SMS"]
    shop = smscli("balance", "--all", "-o", "json").json["data"]["profiles"][0]
    assert (shop["profile"], shop["provider"], shop["amount"], shop["unit"], shop["error"]) == (
        "shop", "lightsms", "150.50", "EUR", None,
    )  # fmt: skip


def test_one_that_fails_is_a_row_and_the_gravest_decides(smscli: Run, profiles: Callable[..., None]) -> None:
    """The others are asked all the same: a key that is missing (3) is graver than a vendor that is away (6)."""
    with refusing_port() as port:
        away = _account("away", "mainsms", f"http://127.0.0.1:{port}/")
        profiles(_account("shop", "lightsms"), away)
        ran = smscli("balance", "--all")
        assert (ran.code, [bool(line[1]) for line in ran.lines]) == (6, [True, False])
        profiles(_account("shop", "lightsms"), away, _account("keyless", "lightsms", has_secret=False))
        ran = smscli("balance", "--all")
    assert (ran.code, [bool(line[1]) for line in ran.lines]) == (3, [True, False, False])
    assert "keyless: " in ran.err
    assert "(and 1 more)" in ran.err


def test_too_little_of_one_currency_is_said_of_its_account(smscli: Run, profiles: Callable[..., None]) -> None:
    """The balance stands in the row as well."""
    profiles(_account("shop", "lightsms"), _account("office", "mainsms"))
    ran = smscli("balance", "--all", "--min", "EUR=1000", "--min", "RUB=0")
    assert (ran.code, ran.lines[0][:3]) == (5, ["shop", "150.50", "EUR"])
    assert "less than the wanted 1000" in ran.lines[0][3]
    assert not ran.lines[1][3]


def test_a_currency_of_none_of_all_accounts_is_said(smscli: Run, profiles: Callable[..., None]) -> None:
    """Unless one has not answered: it may be in that, and its own reason is told."""
    profiles(_account("shop", "lightsms"), _account("office", "mainsms"))
    ran = smscli("balance", "--all", "--min", "EUR=1", "--min", "SMS=1")
    assert (ran.code, len(ran.lines)) == (5, 2)
    assert "no account is in SMS" in ran.err
    assert smscli("balance", "--all", "--min", "EUR=1", "--min", "RUB=0").code == 0
    with refusing_port() as port:
        profiles(_account("shop", "lightsms"), _account("away", "mesajlarim", f"http://127.0.0.1:{port}/"))
        assert smscli("balance", "--all", "--min", "SMS=1").code == 6


def test_all_are_asked_at_the_same_time(smscli: Run, profiles: Callable[..., None], vendor: Vendor) -> None:
    """Ten vendors that take a second each do not take ten."""
    slow = vendor.url("mainsms", Step(on="ask", delay=1))
    profiles(*(_account(f"p{number}", "mainsms", slow) for number in range(10)))
    started = time.monotonic()
    ran = smscli("balance", "--all")
    assert (ran.code, len(ran.lines)) == (0, 10), ran.err
    assert time.monotonic() - started < 9
    moments = [request.at for request in vendor.seen.requests]
    assert max(moments) - min(moments) < 1, "one began when all were under way"


def test_all_takes_no_account_and_wants_profiles(smscli: Run, profiles: Callable[..., None]) -> None:
    """What it would ignore is refused; nothing to ask is said with what to do."""
    profiles("")
    assert smscli("balance", "--all", "--sandbox").code == 2
    ran = smscli("balance", "--all")
    assert (ran.code, "smscli profile add" in ran.err) == (3, True)

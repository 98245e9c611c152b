"""What every vendor must hold, asked through the command line and the emulator: a new one is asked by being there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from smscli import providers, sandbox
from smscli.model import Secret
from smscli.wire import Request, Response, Transport
from tests.conftest import Ran

NUMBERS = {
    "lightsms": "+37061234567",
    "mainsms": "+79121231234",
    "payforsms": "+79121231234",
    "mesajlarim": "+905321000000",
}
VENDORS = providers.names()

Run = Callable[..., Ran]


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Each vendor there is."""
    name = request.param
    assert isinstance(name, str)
    return name


def environment(vendor: str, key: str | None = None) -> dict[str, str]:
    """Return the demo account as the environment that names it."""
    account = sandbox.DEMO[vendor]
    secret = providers.get(vendor).secret_field.name
    return {
        "SMSCLI_PROVIDER": vendor,
        "SMSCLI_BASE_URL": account.base_url.replace("http:", "https:"),
        "SMSCLI_SENDER": sandbox.demo_profile(vendor).sender or "",
        **{f"SMSCLI_{name.upper()}": value for name, value in account.fields.items()},
        f"SMSCLI_{secret.upper()}": key or account.secret.reveal(),
    }


def emulator() -> Transport:
    """Return the emulator of every vendor, in this process; its clock stands still."""
    return sandbox.transport(sandbox.create_app(clock=lambda: 1732809600.5))


def answering(body: bytes, status: int = 200) -> Transport:
    """Return a vendor that answers every billable request so, and tells the time."""

    def transport(request: Request, _seconds: float) -> Response:
        return Response(status, body) if request.billable else Response(200, b"1732809600")

    return transport


def test_a_text_is_sent_and_has_an_id(smscli: Run, vendor: str) -> None:
    """The main job, against an emulator that checks the signature."""
    ran = smscli(
        "send", "Hello", "--to", NUMBERS[vendor], "-o", "json", environ=environment(vendor), transport=emulator()
    )
    (recipient,) = ran.json["data"]["recipients"]
    assert (ran.code, recipient["outcome"]) == (0, "SENT"), ran.err
    assert recipient["message_id"]


def test_several_recipients_share_a_request_or_not(smscli: Run, vendor: str) -> None:
    """One request for all, or one for each with --batch-size 1: the receipt has each recipient once, in order."""
    first = NUMBERS[vendor]
    numbers = [first, first[:-1] + "8", first[:-1] + "9"]
    for size in ("1", "3"):
        ran = smscli(
            "send", f"in batches of {size}", "--to", ",".join(numbers), "--batch-size", size,
            environ=environment(vendor), transport=emulator(),
        )  # fmt: skip
        assert [line[:2] for line in ran.lines] == [[number, "SENT"] for number in numbers], ran.err
        assert len({line[2] for line in ran.lines}) == 3


def test_the_balance_is_a_number_and_a_unit(smscli: Run, vendor: str) -> None:
    """Plain output is made for `read amount unit`."""
    ran = smscli("balance", environ=environment(vendor), transport=emulator())
    ((amount, unit),) = ran.lines
    assert float(amount) > 0
    assert unit in {"EUR", "RUB", "SMS"}


def test_the_clock_is_shown_or_honestly_missing(smscli: Run, vendor: str) -> None:
    """A vendor without a clock is exit 9, not a guess."""
    ran = smscli("timestamp", environ=environment(vendor), transport=emulator(), now=lambda: 1732809600.5)
    if providers.get(vendor).timestamp is None:
        assert (ran.code, ran.out) == (9, "")
    else:
        assert (ran.code, ran.out) == (0, "1732809600\n"), ran.err


@pytest.mark.parametrize("command", [("send", "Hello", "--to", "{number}"), ("balance",)])
def test_a_wrong_key_is_exit_4(smscli: Run, vendor: str, command: tuple[str, ...]) -> None:
    """The emulator refuses the signature as the vendor does, and the wrong key is nowhere in the output."""
    argv = [word.format(number=NUMBERS[vendor]) for word in command]
    ran = smscli(*argv, "-v", environ=environment(vendor, key="a-wrong-key-4711"), transport=emulator())
    assert ran.code == 4, ran.err
    assert "a-wrong-key-4711" not in ran.out + ran.err


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><h1>502</h1></html>",
        b"{",
        b"[]",
        b"null",
        b'{"a":1,"a":2}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'"\\ud800"',
    ],
    ids=["empty", "html", "cut", "list", "null", "twice", "not-utf8", "deep", "surrogate"],
)
def test_an_answer_that_is_none_leaves_a_send_unknown(smscli: Run, vendor: str, body: bytes) -> None:
    """Nothing but the documented success is SENT, nothing but a documented error is REFUSED."""
    ran = smscli("send", "Hello", "--to", NUMBERS[vendor], environ=environment(vendor), transport=answering(body))
    assert (ran.code, ran.lines[0][1]) == (7, "UNKNOWN"), ran.err
    assert "Traceback" not in ran.err


def test_a_refused_signature_says_what_to_try(smscli: Run, vendor: str) -> None:
    """The message names the vendor's own reason, on one line."""
    ran = smscli("balance", environ=environment(vendor, key="wrong"), transport=emulator())
    assert ran.err.startswith("smscli: "), ran.err


def test_a_dry_run_signs_what_would_be_sent_and_masks_the_key(smscli: Run, vendor: str) -> None:
    """What is shown is what the emulator's own rule would sign; the key is not shown."""
    ran = smscli("send", "a+b & c", "--to", NUMBERS[vendor], "--dry-run", "-o", "json", environ=environment(vendor))
    (request,) = ran.json["data"]["requests"]
    pairs = tuple((pair["name"], pair["value"]) for pair in (*request["query"], *request["form"]))
    provider, secret = providers.get(vendor), sandbox.DEMO[vendor].secret
    assert dict(pairs)[provider.rule.signature] == provider.sign(pairs, secret).signature
    assert secret.reveal() not in ran.out
    assert Secret("x") != secret


def test_an_impossible_number_is_refused_before_anything_is_signed(smscli: Run, vendor: str) -> None:
    """Exit 2 says which number, and nobody was asked anything."""
    asked: list[Request] = []

    def transport(request: Request, _seconds: float) -> Response:
        asked.append(request)
        raise AssertionError

    ran = smscli("send", "x", "--to", f"{NUMBERS[vendor]},+370", environ=environment(vendor), transport=transport)
    assert (ran.code, asked) == (2, [])
    assert "'+370'" in ran.err


def test_a_vendor_module_that_lacks_a_library_is_not_called_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The missing library is named, not the vendor."""
    (tmp_path / "newvendor.py").write_text("import a_library_that_is_not_there\n")
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_there"):
        providers.get("newvendor")


def test_a_vendor_is_found_by_name_and_title_in_any_case(vendor: str) -> None:
    """As it stands in tables and messages; blanks around it are no part of a name."""
    provider = providers.get(vendor)
    for written in (provider.title, provider.title.upper(), provider.title.lower(), vendor.upper()):
        assert providers.find(written) is provider
    assert providers.find(f"{vendor} ") is None


def test_the_usual_path_is_that_of_the_vendors_own_address(vendor: str) -> None:
    """A white-label host that is named alone is completed with it."""
    provider = providers.get(vendor)
    assert re.fullmatch("/(?:[a-z]+/)+", provider.usual_path)
    assert provider.base_url is None or provider.base_url.endswith(f"{provider.usual_path}")

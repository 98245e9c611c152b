"""What every vendor must hold, asked through the command line and the emulator: a new one is asked by being there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from smscli import capture, providers, sandbox
from smscli.diagnosis import diagnose
from smscli.failover import is_of_account
from smscli.model import Secret
from smscli.providers import Stamp
from smscli.wire import Request, Response, encode
from tests.conftest import Ran
from tests.vendors import NAMES, NOW, account, answering, emulator, environment, message, numbers

Run = Callable[..., Ran]
BINARY = Path(sys.executable).with_name("smscli")


@pytest.fixture(params=NAMES)
def vendor(request: pytest.FixtureRequest) -> str:
    """Each vendor there is."""
    name = request.param
    assert isinstance(name, str)
    return name


def test_a_text_is_sent_and_has_an_id(smscli: Run, vendor: str) -> None:
    """The main job, against an emulator that checks the signature."""
    ran = smscli(
        "send", "Hello", "--to", numbers(vendor)[0], "-o", "json",
        environ=environment(vendor), transport=emulator(), now=lambda: NOW,
    )  # fmt: skip
    (recipient,) = ran.json["data"]["recipients"]
    assert (ran.code, recipient["outcome"]) == (0, "SENT"), ran.err
    assert recipient["message_id"]


def test_several_recipients_share_a_request_or_not(smscli: Run, vendor: str) -> None:
    """One request for all, or one for each with --batch-size 1: the receipt has each recipient once, in order."""
    to = numbers(vendor)
    for size in ("1", "3"):
        ran = smscli(
            "send", f"in batches of {size}", "--to", ",".join(to), "--batch-size", size,
            environ=environment(vendor), transport=emulator(), now=lambda: NOW,
        )  # fmt: skip
        assert [line[:2] for line in ran.lines] == [[number, "SENT"] for number in to], ran.err
        assert len({line[2] for line in ran.lines}) == 3


def test_the_balance_is_a_number_and_a_unit(smscli: Run, vendor: str) -> None:
    """Plain output is made for `read amount unit`."""
    ran = smscli("balance", environ=environment(vendor), transport=emulator(), now=lambda: NOW)
    ((amount, unit),) = ran.lines
    assert float(amount) > 0
    assert unit in {"EUR", "RUB", "SMS"}


def test_the_clock_is_shown_or_honestly_missing(smscli: Run, vendor: str) -> None:
    """A vendor without a clock is exit 9, not a guess."""
    ran = smscli("timestamp", environ=environment(vendor), transport=emulator(), now=lambda: NOW)
    if providers.get(vendor).timestamp is None:
        assert (ran.code, ran.out) == (9, "")
    else:
        assert (ran.code, ran.out) == (0, "1732809600\n"), ran.err


def test_the_price_is_the_vendors_word_or_honestly_missing(smscli: Run, vendor: str) -> None:
    """For all recipients; a vendor that tells none is no error and no guess. Nothing is sent by asking."""
    asked: list[Request] = []
    speak = emulator()

    def transport(request: Request, seconds: float) -> Response:
        asked.append(request)
        return speak(request, seconds)

    to, world = ",".join(numbers(vendor)), {"environ": environment(vendor), "now": lambda: NOW}
    ran = smscli("count", "Hello", "--price", "--to", to, "-o", "json", transport=transport, **world)
    price = ran.json["data"]["price"]
    assert (ran.code, price["recipients"]) == (0, 3), ran.err
    assert not [request for request in asked if request.billable]
    if providers.get(vendor).price is None:
        assert (price["amount"], price["known"], asked) == (None, 0, [])
        assert "tells no prices" in ran.err
    else:
        assert float(price["amount"]) > 0
        assert (price["known"], price["reason"], ran.err) == (3, None, "")
        wrong = environment(vendor, key="a-wrong-key-4711")
        refused = smscli("count", "Hello", "--price", "--to", to, environ=wrong, transport=emulator(), now=lambda: NOW)
        assert (refused.code, refused.lines[0][3:]) == (0, ["", ""])
        assert "the price is not known: " in refused.err
        assert "4711" not in refused.err


def test_a_message_is_followed_to_its_end_or_honestly_not(smscli: Run, vendor: str) -> None:
    """From accepted to delivered, by the ids of the send's own key; without such an operation exit 9, and no end."""
    seconds = [NOW]
    world = {
        "environ": environment(vendor),
        "transport": sandbox.transport(sandbox.create_app(clock=lambda: seconds[0])),
        "now": lambda: seconds[0],
    }
    to = ",".join(numbers(vendor)[:2])
    sent = smscli("send", "Hello", "--to", to, "--key", "k", **world)
    ids = [line[2] for line in sent.lines]
    ran = smscli("status", "--key", "k", **world)
    if providers.get(vendor).status is None:
        assert (ran.code, [line[0] for line in ran.lines]) == (9, ids), ran.err
        assert {line[1] for line in ran.lines} <= {"ACCEPTED", "SCHEDULED", "ENROUTE", "UNKNOWN"}
        assert "has no delivery states" in ran.err
        return
    assert (ran.code, [line[0] for line in ran.lines]) == (6, ids), ran.err
    assert {line[1] for line in ran.lines} <= {"ACCEPTED", "SCHEDULED", "ENROUTE"}
    seconds[0] += 3600
    ran = smscli("status", *ids, **world)
    assert (ran.code, ran.lines, ran.err) == (0, [[one, "DELIVERED"] for one in ids], "")
    refused = smscli("status", *ids, **world | {"environ": environment(vendor, key="a-wrong-key-4711")})
    assert (refused.code, refused.out) == (4, "")
    assert "4711" not in refused.err


@pytest.mark.parametrize("command", [("send", "Hello", "--to", "{number}"), ("balance",)])
def test_a_wrong_key_is_exit_4(smscli: Run, vendor: str, command: tuple[str, ...]) -> None:
    """The emulator refuses the signature as the vendor does, and the wrong key is nowhere in the output."""
    argv = [word.format(number=numbers(vendor)[0]) for word in command]
    ran = smscli(*argv, "-v", environ=environment(vendor, key="a-wrong-key-4711"), transport=emulator())
    assert ran.code == 4, ran.err
    assert "a-wrong-key-4711" not in ran.out + ran.err


def test_a_wrong_key_may_go_to_another_account_and_each_code_of_that_list_is_a_text(vendor: str) -> None:
    """What the vendor itself says of a wrong signature is the account's fault, not the number's."""
    provider, sent = providers.get(vendor), message(vendor)
    stranger = account(vendor)._replace(secret=Secret("of nobody"))
    request = provider.of(stranger.fields).send.build(sent, stranger, str(int(NOW)))
    (submission,) = provider.send.parse(emulator()(request, 1.0), sent, str(int(NOW))).submissions
    assert is_of_account(submission, vendor)
    assert all(provider.account_codes)


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
    ran = smscli("send", "Hello", "--to", numbers(vendor)[0], environ=environment(vendor), transport=answering(body))
    assert (ran.code, ran.lines[0][1]) == (7, "UNKNOWN"), ran.err
    assert "Traceback" not in ran.err


def test_a_refused_signature_says_what_to_try(smscli: Run, vendor: str) -> None:
    """The message names the vendor's own reason, on one line."""
    ran = smscli("balance", environ=environment(vendor, key="wrong"), transport=emulator())
    assert ran.err.startswith("smscli: "), ran.err


def test_a_dry_run_signs_what_would_be_sent_and_masks_the_key(smscli: Run, vendor: str) -> None:
    """What is shown is what the emulator's own rule would sign; the key is not shown."""
    ran = smscli("send", "a+b & c", "--to", numbers(vendor)[0], "--dry-run", "-o", "json", environ=environment(vendor))
    (request,) = ran.json["data"]["requests"]
    pairs = tuple((pair["name"], pair["value"]) for pair in (*request["query"], *request["form"]))
    demo = account(vendor)
    provider = providers.get(vendor).of(demo.fields)
    sent = tuple(
        (name, next((one.reveal() for one in demo.sent_secrets.values() if value == "***"), value))
        for name, value in pairs
    )
    assert dict(pairs)[provider.rule.signature] == provider.sign(sent, demo.secret).signature
    assert not [secret for secret in demo.secrets if secret.reveal() in ran.out]


def test_an_impossible_number_is_refused_before_anything_is_signed(smscli: Run, vendor: str) -> None:
    """Exit 2 says which number, and nobody was asked anything."""
    asked: list[Request] = []

    def transport(request: Request, _seconds: float) -> Response:
        asked.append(request)
        raise AssertionError

    ran = smscli("send", "x", "--to", f"{numbers(vendor)[0]},+370", environ=environment(vendor), transport=transport)
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
    assert re.fullmatch("/(?:[a-z0-9]+/)*", provider.usual_path)
    assert provider.base_url is None or provider.base_url.endswith(f"{provider.usual_path}")


def test_a_field_is_secret_for_all_vendors_or_for_none() -> None:
    """A variable or option of one name is asked for, masked and kept in one way, whosever it is."""
    secrecy: dict[str, set[bool]] = {}
    for field in (field for name in NAMES for field in providers.get(name).fields):
        secrecy.setdefault(field.name, set()).add(field.secret)
    assert [name for name, kinds in secrecy.items() if len(kinds) > 1] == []


def test_no_secret_is_shown_whatever_is_asked(smscli: Run, vendor: str) -> None:
    """Previewed, explained, traced or kept: every secret of the account is a mask."""
    secrets = [secret.reveal() for secret in account(vendor).secrets]
    operation = ("--operation", "send", "--text", "a b", "--to", numbers(vendor)[0])
    for argv in (
        ("send", "a b", "--to", numbers(vendor)[0], "--dry-run"),
        ("send", "a b", "--to", numbers(vendor)[0], "-v"),
        ("balance", "-v"),
        ("sign", *operation, "--explain", "--hex"),
        ("sign", *operation, "--curl"),
        ("sign", *operation, "--expect", "0" * 32),
        ("profile", "show"),
    ):
        for output in ("plain", "json"):
            ran = smscli(*argv, "-o", output, environ=environment(vendor), transport=emulator(), now=lambda: NOW)
            assert not [secret for secret in secrets if secret in ran.out + ran.err], argv
            assert ran.code in (0, 4), ran.err


def test_a_signature_is_explained_compared_and_read_back(smscli: Run, vendor: str) -> None:
    """What ``--curl`` prints, ``--from-url`` reads: the vendor is recognised, and its own signature matches."""
    world = {"environ": environment(vendor), "now": lambda: NOW}
    argv = ("sign", "--operation", "send", "--text", "a+b & c", "--to", numbers(vendor)[0])
    signature = smscli(*argv, "--stamp", "1732809600", **world).lines[-1][0]
    explained = smscli(*argv, "--stamp", "1732809600", "--explain", **world)
    assert ["signature", providers.get(vendor).rule.signature, signature] in explained.lines
    assert smscli(*argv, "--stamp", "1732809600", "--expect", signature, **world).code == 0
    provider, demo = providers.get(vendor).of(account(vendor).fields), account(vendor)
    request = provider.send.build(message(vendor, "a+b & c"), demo, "1732809600")
    body = encode((*request.query, *request.form))
    captured = capture.read(body)
    assert providers.get(captured.providers[0]).rule.signature == provider.rule.signature
    ran = smscli("sign", "--from-url", body, "--provider", vendor, "-o", "json", **world)
    assert (ran.code, ran.json["data"]["comparison"]["matches"]) == (0, True), ran.err


def test_a_common_mistake_is_named_in_the_words_of_the_rule(vendor: str) -> None:
    """A key left out, a parameter forgotten, another digest: each is found, and its fix says this vendor's rule."""
    demo = account(vendor)
    provider = providers.get(vendor).of(demo.fields)
    request = provider.send.build(message(vendor, "a b & c"), demo, "1732809600")
    params = tuple(pair for pair in (*request.query, *request.form) if pair[0] != provider.rule.signature)
    text = next(name for name, value in params if value == "a b & c")
    digest = "md5" if provider.rule.digests[-1] != "md5" else "sha1"
    other = provider._replace(rule=provider.rule._replace(digests=(digest,)))
    wrong = {
        "forgotten": provider.sign(tuple(pair for pair in params if pair[0] != text), demo.secret).signature,
        "key-missing": provider.sign(params, Secret("")).signature,
        "wrong-digest": other.sign(params, demo.secret).signature,
    }
    for name, signature in wrong.items():
        found = diagnose(provider, params, demo.secret, signature, hidden=demo.secrets)
        assert name in {finding.name for one in found.explanations for finding in one.findings}
        said = repr(found)
        assert not [secret for secret in demo.secrets if secret.reveal() in said or quote(secret.reveal()) in said]


def test_a_profile_is_added_from_options_and_a_terminal(smscli: Run, vendor: str, tmp_path: Path) -> None:
    """Every field has its option, every secret its file: the profile that comes out sends."""
    demo, provider = account(vendor), providers.get(vendor)
    options = [word for name, value in demo.fields.items() for word in (f"--{name.replace('_', '-')}", value)]
    for field, secret in zip(provider.secret_fields, demo.secrets, strict=True):
        file = tmp_path / field.name
        file.write_text(secret.reveal())
        file.chmod(0o600)
        options += [f"--{field.name.replace('_', '-')}-file", str(file)]
    config = {"SMSCLI_CONFIG": str(tmp_path / "config.toml")}
    base_url = environment(vendor)["SMSCLI_BASE_URL"]
    added = smscli("profile", "add", "mine", "--provider", vendor, "--base-url", base_url, *options, environ=config)
    assert added.code == 0, added.err
    assert smscli("profile", "check", "mine", environ=config).code == 0
    shown = smscli("profile", "show", "mine", environ=config)
    assert not [secret for secret in demo.secrets if secret.reveal() in shown.out]
    sender = sandbox.demo(vendor).sender
    ran = smscli(
        "send", "hi", "--to", numbers(vendor)[0], *(("--sender", sender) if sender else ()), "-p", "mine",
        environ=config, transport=emulator(), now=lambda: NOW,
    )  # fmt: skip
    assert ran.code == 0, ran.err


def test_the_choices_of_a_field_are_completed_and_listed(smscli: Run, vendor: str) -> None:
    """The shell offers the values that a field can have, and the help page lists them."""
    page = re.sub(r"\s+", " ", smscli("profile", "add", "--help").out)
    for field in providers.get(vendor).fields:
        if field.choices:
            assert f"{' or '.join(field.choices)}." in page
            words = f"smscli profile add x --{field.name.replace('_', '-')} "
            asked = {"_SMSCLI_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "5"}
            done = subprocess.run([BINARY], env={**os.environ, **asked}, capture_output=True, text=True, check=False)
            assert done.stdout.split() == list(field.choices)


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"stamp": Stamp.VENDOR_CLOCK, "stamp_name": "t", "stamp_life": 1.0}, "no `timestamp` asks for it"),
        ({"stamp": Stamp.LOCAL_CLOCK, "stamp_name": "t"}, "`stamp_life` does not say for how long"),
        ({"stamp": Stamp.NONCE}, "`stamp_name` does not say where"),
    ],
)
def test_a_stamp_that_could_not_be_had_is_refused_when_the_vendor_is_loaded(changes: dict[str, Any], flaw: str) -> None:
    """Never signed as an empty one."""
    with pytest.raises(TypeError, match=flaw):
        providers.get("mainsms")._replace(**changes)


def test_one_field_of_a_vendor_signs(vendor: str) -> None:
    """All others that are secret travel, and come behind it."""
    signing, *others = providers.get(vendor).secret_fields
    assert signing == providers.get(vendor).secret_field
    assert not signing.sent
    assert all(field.sent for field in others)
    assert len(others) == len(account(vendor).sent_secrets)

"""``smscli sign`` on the command line: the signature alone, every stage, the comparison, the caught request."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smscli.capture import read
from tests.conftest import Ran, on_a_terminal

Run = Callable[..., Ran]

KEY = "07349e954831d"
WHOSE = "smscli: signed with the key of SMSCLI_API_KEY\n"
PAGE = ("project=mainsms", "sender=payforsms.ru", "message=test", "recipients=89121231234")
TRUE, PRINTED, IN_CURL = (
    "02d0eae3ab7d99eecc1324780bf51cd4",
    "207bbf2b0f6aaaacf259464b48d5c207",
    "41b379f61da2e1b8a1f74c7d050e1c42",
)


@pytest.fixture
def sign(smscli: Run) -> Run:
    """Run ``sign`` for payforsms with the key of its page in the environment, unless told otherwise."""

    def call(*argv: str, provider: str = "payforsms", key: str | None = KEY, **world: object) -> Ran:
        environ = {
            "SMSCLI_PROVIDER": provider,
            **({} if key is None else {"SMSCLI_API_KEY": key, "SMSCLI_SECRET": key}),
        }
        environ.update(world.pop("environ", {}))  # type: ignore[call-overload]
        return smscli("sign", *argv, environ=environ, **world)

    return call


def rows(ran: Ran, what: str) -> list[list[str]]:
    """The cells behind ``what`` of the rows that begin so."""
    return [line[1:] for line in ran.lines if line[0].startswith(what)]


# --- computed --------------------------------------------------------------------------------------------------------


def test_of_a_repeated_word_the_last_one_is_signed(sign: Run) -> None:
    """As PHP counts, and with a word about it."""
    twice = sign("project=test", "message=no", "message=test")
    assert rows(twice, "signature") == rows(sign("project=test", "message=test"), "signature")
    assert "message: sent more than once; the last one counts, as with PHP" in twice.err


@pytest.mark.parametrize(
    ("provider", "key", "pairs", "signature"),
    [
        # Computed with hashlib and hmac from the vendors' printed inputs.
        ("lightsms", "your_api_key_here", "login=YourLogin timestamp=1732809600", "7a6a5eef0e4637547673c2cd2fbdf905"),
        ("lightsms", "your_api_key_here", "login=YourLogin timestamp=1732809600 return=json",
         "969d5f5cfe9120c85bc1b3a358b448f9"),
        ("payforsms", KEY, " ".join(PAGE), TRUE),
        ("mesajlarim", "mySecret",
         "appId=1 msisdn=5321000000 'message=My Message' recipient=5322000000 rand=1331024400",
         "eda70d996ea49f185f97622bdcee4da0bf2e1570"),
    ],
)  # fmt: skip
def test_the_signature_alone_is_printed(sign: Run, provider: str, key: str, pairs: str, signature: str) -> None:
    """Pairs in, one line out: made for ``$(…)``."""
    ran = sign(*shlex.split(pairs), "-q", provider=provider, key=key)
    assert (ran.code, ran.out, ran.err) == (0, f"{signature}\n", "")


def test_the_key_comes_from_a_file_or_from_stdin(sign: Run, tmp_path: Path) -> None:
    """``--key-file``: one line break at its end is not part of the key; ``-`` is stdin."""
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    assert sign(*PAGE, "--key-file", str(path), key=None).out == f"{TRUE}\n"
    assert sign(*PAGE, "--key-file", "-", key=None, stdin=f"{KEY}\r\n".encode()).out == f"{TRUE}\n"
    assert sign(*PAGE, "--key-file", "-", key=None, stdin=b"x" * 70_000).code == 2
    assert sign(*PAGE, "--key-file", "-", key=None, stdin=b"\xff").code == 2
    assert sign(*PAGE, "--key-file", str(tmp_path / "none"), key=None).code == 3


def test_without_a_key_there_is_no_signature(sign: Run) -> None:
    """In a pipe nobody is asked: exit 3, and what to set."""
    ran = sign(*PAGE, key=None, stdin=b"")
    assert ran.code == 3
    assert "SMSCLI_API_KEY" in ran.err


def test_the_key_is_asked_for_on_a_terminal_in_silence(tmp_path: Path) -> None:
    """Only when nothing but the key is missing, and it does not appear on the screen."""
    environ = {"SMSCLI_CONFIG": str(tmp_path / "config.toml"), "SMSCLI_PROVIDER": "payforsms", "TERM": "dumb"}
    code, screen = on_a_terminal(["sign", *PAGE, "-o", "plain"], environ, [("api_key (not shown)", KEY)])
    assert code == 0
    assert TRUE in screen
    assert KEY not in screen
    code, screen = on_a_terminal(["sign", *PAGE], {**environ, "SMSCLI_PROVIDER": ""}, [])
    assert code == 3
    assert "no provider is named" in screen


def test_a_closed_stdin_is_said() -> None:
    """``-`` without a stdin is a usage error, not a traceback."""
    from smscli.cli import run
    from smscli.runtime import Runtime

    runtime = Runtime({"SMSCLI_PROVIDER": "lightsms"}, None, None, None)
    assert run(["sign", "a=1", "--key-file", "-"], runtime) == 2


# --- with whose key ---------------------------------------------------------------------------------------------------


@pytest.fixture
def work(tmp_path: Path) -> None:
    """A default profile for each test that has one, and a second."""
    config = tmp_path / "config.toml"
    config.touch(mode=0o600)
    config.write_text(
        'default = "work"\n'
        '[profiles.work]\nprovider = "lightsms"\nlogin = "mine"\napi_key = "key-of-work"\n'
        '[profiles.shop]\nprovider = "payforsms"\nproject = "shop"\napi_key = "key-of-shop"\n'
        '[profiles.tr]\nprovider = "mesajlarim"\nbase_url = "https://sms.example/"\napp_id = "7"\n'
        'msisdn = "5321000000"\nsecret = "key-of-tr"\n'
    )


@pytest.mark.usefixtures("work")
def test_it_is_said_whose_key_was_used(smscli: Run, tmp_path: Path) -> None:
    """A note, a field of JSON, and the signature alone on stdout."""
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text("key-of-work")
    variable = {"SMSCLI_API_KEY": "key-of-work"}
    ways: list[tuple[tuple[str, ...], dict[str, str], str]] = [
        ((), {}, "profile work"),
        (("-p", "work"), variable, "profile work"),
        ((), variable, "SMSCLI_API_KEY"),
        ((), {"SMSCLI_API_KEY_FILE": str(key)}, "SMSCLI_API_KEY_FILE"),
        (("--key-file", str(key)), variable, "--key-file"),
    ]
    signatures = set()
    for options, environ, source in ways:
        ran = smscli("sign", "login=mine", "timestamp=1", *options, environ=environ)
        assert (ran.code, ran.err) == (0, f"smscli: signed with the key of {source}\n")
        signatures.add(ran.out)
        assert (
            smscli("sign", "login=mine", *options, "-o", "json", environ=environ).json["data"]["key_source"] == source
        )
    assert len(signatures) == 1
    assert smscli("sign", "--sandbox", "a=1").err == "smscli: signed with the key of sandbox demo account\n"


CAUGHT = {
    "lightsms": ("work", "login={}&timestamp=1732809600", "mine"),
    "payforsms": ("shop", "https://payforsms.ru/api/mainsms/message/balance?project={}", "shop"),
    "mesajlarim": ("tr", "appId={}&msisdn=5321000000&rand=1", "7"),
    "mesajlarim, as its page prints it": ("tr", "appld={}&msisdn=5321000000&rand=1", "7"),
    "mesajlarim, number": ("tr", "appId=7&msisdn={}&rand=1", "5321000000"),
}


@pytest.mark.parametrize(("profile", "request_", "own"), CAUGHT.values(), ids=CAUGHT)
@pytest.mark.usefixtures("work")
def test_the_default_profiles_key_does_not_sign_for_another_account(
    smscli: Run, tmp_path: Path, profile: str, request_: str, own: str
) -> None:
    """Nobody named the profile, and the request names another login, project, application or number: exit 3."""
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace('default = "work"', f'default = "{profile}"'))
    theirs, ours = request_.format("5320000000"), request_.format(own)
    ran = smscli("sign", "--from-url", theirs)
    assert (ran.code, ran.out) == (3, ""), ran
    assert all(word in ran.err for word in (f"profile {profile}", "5320000000", "-p NAME", "--key-file", "SMSCLI_"))
    assert "key-of" not in ran.err
    assert smscli("sign", "--from-url", ours).code == 0
    assert smscli("sign", "--from-url", theirs, "-p", profile).code == 0
    assert smscli("sign", "--from-url", theirs, "--key-file", "-", stdin=b"theirs").code == 0
    key = {"SMSCLI_API_KEY": "theirs", "SMSCLI_SECRET": "theirs"}
    assert smscli("sign", "--from-url", theirs, environ=key).code == 0


# --- explained -------------------------------------------------------------------------------------------------------


def test_a_key_in_the_place_of_the_login_is_explained_and_not_shown(smscli: Run, tmp_path: Path) -> None:
    """It is this account's request, with a mistake: no other account has that name."""
    config = tmp_path / "config.toml"
    config.touch(0o600)
    config.write_text(
        'default = "work"\n[profiles.work]\nprovider = "lightsms"\nlogin = "Me"\napi_key = "0123456789abcdef"\n'
    )
    url = "https://www.lightsms.com/external/get/balance.php?login=0123456789abcdef&timestamp=1732809600&signature="
    for capture in (f"{url}{'0' * 32}", f"{url}{'0' * 32}\n{url}{'1' * 32}\n"):
        ran = smscli("sign", "--capture", capture)
        assert ran.code == 4, ran.err
        assert "0123456789abcdef" not in ran.out + ran.err


@pytest.mark.parametrize("output", ["plain", "json"])
def test_a_key_that_was_sent_as_the_signature_is_named_and_not_shown(sign: Run, output: str) -> None:
    """Exit 4, and what to do about it."""
    ran = sign(*PAGE, "--expect", KEY, "-o", output)
    assert ran.code == 4
    assert "the key itself was sent where the signature belongs" in ran.err
    assert KEY not in ran.out + ran.err


def test_every_stage_is_explained(sign: Run) -> None:
    """Parameters in signing order, what is left out, the stages, the signature, the request, the trap."""
    ran = sign("message=two words ж", "apikey=x", "project=a", "--explain")
    assert ran.code == 0
    assert rows(ran, "parameter") == [["message", "two␠words␠ж"], ["project", "a"]]
    assert rows(ran, "left out") == [["apikey", "it is the key itself, sent instead of a signature"]]
    stages = rows(ran, "stage")
    assert [label for label, _ in stages] == ["joined values", "with the key", "SHA1 hex", "MD5 hex"]
    assert [text for _, text in stages[:2]] == ["two␠words␠ж;a", "two␠words␠ж;a;***"]
    assert rows(ran, "signature") == [["sign", stages[-1][1]]]
    assert rows(ran, "request") == [["POST", "https://payforsms.ru/api/mainsms/message/send"]]
    assert "`test`" in rows(ran, "beware")[0][1]


@pytest.mark.parametrize(
    ("provider", "words"), [("lightsms", ["glued", "`return`"]), ("mesajlarim", ["glued", "order"])]
)
def test_the_traps_of_a_rule_are_told(sign: Run, provider: str, words: list[str]) -> None:
    """Where a rule lets something go wrong, one line says so."""
    told = " ".join(text for _, text in rows(sign("a=1", "appId=1", "--explain", provider=provider), "beware"))
    assert all(word in told for word in words), told


def test_bytes_are_shown_on_demand_without_those_of_the_key(sign: Run) -> None:
    """``--hex``: what is hashed byte by byte; the key is a mask there, too."""
    ran = sign("a=ж ", "--hex")
    assert rows(ran, "bytes") == [["joined values", "d0 b6 20"], ["with the key", "d0 b6 20 3b ***"]]
    assert KEY.encode().hex(" ") not in ran.out


def test_the_curl_command_signs_the_same(sign: Run) -> None:
    """``--curl`` prints one line for a shell; read back, it holds the parameters and the signature."""
    ran = sign("project=a", "message=it's & a=b\n+1", "--curl")
    captured = read(ran.out)
    params = dict(captured.params)
    assert params["message"] == "it's & a=b\n+1"
    assert params["sign"] == sign("project=a", "message=it's & a=b\n+1").out.strip()
    assert captured.providers[0] == "payforsms"


def test_an_address_that_names_the_action_keeps_it(sign: Run) -> None:
    """Mesajlarim's action stands in the address, whether it was given or not."""
    for given in ((), ("action=balance",)):
        ran = sign("appId=1", "msisdn=5321000000", "rand=1", *given, "--curl", provider="mesajlarim", key="mySecret")
        assert "action=balance" in ran.out
        assert "https://HOST/api.php" in ran.out
    ran = sign("appId=1", "message=x", "recipient=5321000000", "--curl", provider="mesajlarim", key="mySecret")
    assert "'https://HOST/api.php?action=sendsms' --data-urlencode appId=1" in ran.out


# --- compared --------------------------------------------------------------------------------------------------------


def test_a_match_is_exit_0(sign: Run) -> None:
    """The signature is printed as without ``--expect``."""
    ran = sign(*PAGE, "--expect", TRUE)
    assert (ran.code, ran.out, ran.err) == (0, f"{TRUE}\n", WHOSE)


@pytest.mark.parametrize(("expected", "verdict"), [(TRUE, "matches"), (PRINTED, "does not match")])
def test_a_person_reads_the_verdict_first(sign: Run, expected: str, verdict: str) -> None:
    """In a table; then the signature."""
    first, *rest = sign(*PAGE, "--expect", expected, "-o", "table").out.splitlines()
    assert first.removeprefix("error: ") == f"the signature {verdict} (payforsms)"
    assert any(TRUE in line for line in rest)


def test_the_printed_digest_of_the_page_is_explained(sign: Run) -> None:
    """Exit 4, and which mistake gives the digest that the vendor's page prints."""
    ran = sign(*PAGE, "--expect", PRINTED)
    assert ran.code == 4
    assert [name for name, _ in rows(ran, "mistake")] == ["other-value"]
    assert "sender was mainsms.ru" in rows(ran, "mistake")[0][1]
    assert rows(ran, "text") == [["hashed", "test;mainsms;89121231234;mainsms.ru;***"]]
    assert "not the right one" in ran.err


@pytest.mark.parametrize(
    ("url", "vendor", "script"),
    [
        ("https://mainsms.ru/api/mainsms/message/{}?project=a&recipients=7&message=x", "mainsms", ("price", "send")),
        ("https://www.lightsms.com/external/get/{}.php?login=a&phone=7&text=x", "lightsms", ("operator", "send")),
    ],
)
def test_a_captured_question_of_the_price_does_not_become_a_send(
    sign: Run, url: str, vendor: str, script: tuple[str, str]
) -> None:
    """Both have the same parameters: the script of the capture tells, and without one it is a send."""
    for one in script:
        (line,) = sign("--from-url", url.format(one), "--curl", provider=vendor).lines
        assert f"/{one}" in line[0]
    (line,) = sign("--from-url", url.partition("?")[2], "--curl", provider=vendor).lines
    assert "/send" in line[0]


def test_the_signature_of_the_pages_curl_line_is_explained(sign: Run) -> None:
    """Two mistakes at once; JSON has the same as the rows."""
    ran = sign(*PAGE, "--expect", IN_CURL, "-o", "json")
    assert ran.code == 4
    comparison = ran.json["data"]["comparison"]
    assert not comparison["matches"]
    assert comparison["tried"] > 1000
    (explanation,) = comparison["explanations"]
    assert [finding["name"] for finding in explanation["findings"]] == ["other-value", "unsorted"]
    assert ran.json["error"]["type"] == "AuthenticationError"


def test_an_unexplained_value_says_what_was_tried(sign: Run) -> None:
    """How many combinations, of what; and what to do next."""
    ran = sign("project=a", "--expect", "0" * 32)
    assert ran.code == 4
    ((count, searched),) = rows(ran, "tried")
    assert int(count.split()[0]) > 1000
    assert "wrong-digest" in searched
    assert "suspect the key" in ran.err
    assert "--explain" in sign("project=a", "message=two words", "--expect", "0" * 32).err


def test_an_ambiguity_is_told_on_stderr_too(sign: Run) -> None:
    """Two explanations: both on stdout, and the sentence says that the value cannot decide."""
    wrong = sign("a=1", key="k", provider="lightsms").out.strip()
    ran = sign("a=1", "b=1", "--expect", wrong, key="k", provider="lightsms")
    assert {row[0] for row in ran.lines} >= {"mistake 1", "mistake 2"}
    assert "cannot tell which" in ran.err


def test_what_cannot_be_a_signature_is_exit_2(sign: Run) -> None:
    """Usage, not a mismatch; the value is not repeated."""
    ran = sign(*PAGE, "--expect", "generated_signature")
    assert ran.code == 2
    assert "generated_signature" not in ran.err


def test_the_key_of_another_profile_is_named(smscli: Run, tmp_path: Path) -> None:
    """Keys that stand in the file or in key files are tried; commands are not run, broken profiles are passed over."""
    marker, key = tmp_path / "ran", tmp_path / "key"
    key.write_text("key-in-a-file")
    key.chmod(0o600)
    config = tmp_path / "config.toml"
    config.write_text(
        'default = "work"\n'
        f'[profiles.work]\nprovider = "payforsms"\nproject = "a"\napi_key = "{KEY}"\n'
        '[profiles.staging]\nprovider = "mainsms"\nproject = "a"\napi_key = "key-of-staging"\n'
        f'[profiles.filed]\nprovider = "lightsms"\nlogin = "a"\napi_key_file = "{key}"\n'
        '[profiles.broken]\nprovider = "nobody"\n'
        f'[profiles.command]\nprovider = "lightsms"\nlogin = "a"\napi_key_command = ["touch", "{marker}"]\n'
    )
    config.chmod(0o600)
    for secret, name in (("key-of-staging", "staging"), ("key-in-a-file", "filed")):
        wrong = smscli("sign", *PAGE, environ={"SMSCLI_PROVIDER": "mainsms", "SMSCLI_API_KEY": secret}).out.strip()
        ran = smscli("sign", *PAGE, "--expect", wrong)
        assert ran.code == 4, ran
        assert rows(ran, "mistake") == [["key-of-another", f"The key was that of profile {name}."]]
        assert secret not in ran.out + ran.err
    assert not marker.exists()


# --- caught ----------------------------------------------------------------------------------------------------------


def test_a_caught_url_is_read_verified_and_its_clock_compared(sign: Run) -> None:
    """Vendor and signature are found in it; a stale timestamp is named with both clocks."""
    url = "https://www.lightsms.com/external/get/balance.php?login=YourLogin×tamp=1732809600&signature={}"
    right = sign("login=YourLogin", "timestamp=1732809600", provider="lightsms").out.strip()
    ran = sign("--from-url", url.format(right), provider="", now=lambda: 1732809660.0)
    assert (ran.code, ran.out) == (0, f"{right}\n")
    assert "×tamp= is &timestamp= damaged by HTML" in ran.err
    assert "1 min behind" in ran.err
    assert "2024-11-28 16:01:00 UTC" in ran.err
    fresh = sign("--from-url", url.format(right).replace("×", "&times"), provider="", now=lambda: 1732809601.0)
    assert (fresh.code, fresh.err) == (0, WHOSE)


def test_a_log_line_is_held_against_the_servers_own_clock(sign: Run) -> None:
    """When the log tells when, that is the clock that counts, not the one of today."""
    line = '203.0.113.9 - - [28/Nov/2024:16:00:{} +0000] "GET /external/get/balance.php?login=a&timestamp=1732809600 HTTP/1.1" 200 2'  # noqa: E501  (one line)
    in_time = sign("--from-url", "-", stdin=line.format("05").encode(), provider="")
    assert (in_time.code, in_time.err) == (0, f"{WHOSE}smscli: the capture holds no signature\n")
    late = sign("--from-url", "-", stdin=line.format("59").encode(), provider="")
    assert "59 s behind" in late.err


def test_the_curl_line_of_the_page_is_diagnosed_from_stdin(sign: Run) -> None:
    """The whole of it pasted: the two mistakes of the vendor's own example."""
    pasted = "curl -X GET http://payforsms.ru/api/mainsms/message/send \\\n" + " ".join(
        f"-F {pair}" for pair in (*PAGE, f"sign={IN_CURL}")
    )
    ran = sign("--from-url", "-", stdin=pasted.encode(), provider="", environ={"SMSCLI_PROVIDER": ""})
    assert ran.code == 4
    assert [name for name, _ in rows(ran, "mistake")] == ["other-value", "unsorted"]


def test_a_capture_for_another_vendor_is_noticed(sign: Run) -> None:
    """What was named on the command line counts; the doubt is said."""
    ran = sign("--from-url", "https://mainsms.ru/api/mainsms/message/balance?project=a", "--provider", "lightsms")
    assert ran.code == 0
    assert "looks like mainsms, not like lightsms" in ran.err


def test_a_capture_of_nobody_needs_a_vendor(sign: Run) -> None:
    """Parameters alone do not tell; with a vendor named they are signed."""
    assert sign("--from-url", "a=1&b=2", provider="").code == 2
    assert sign("--from-url", "a=1&b=2", "--provider", "lightsms", provider="").code == 0


def test_a_captured_value_that_is_no_signature_still_gives_the_stages(sign: Run) -> None:
    """The vendor page's placeholder: exit 2, but the stages and notes are there."""
    ran = sign("--from-url", "login=a×tamp=1732809600&signature=generated_signature", "--explain", provider="")
    assert ran.code == 2
    assert rows(ran, "stage")
    assert "damaged by HTML" in ran.err
    assert ran.err.count("generated_signature") == 0


def test_the_capture_is_described_in_json(sign: Run) -> None:
    """Kind, method, host, path and notes, for programs."""
    ran = sign("--from-url", "curl https://payforsms.ru/api/mainsms/message/balance -d project=a", "-o", "json")
    described = ran.json["data"]["captured"]
    assert (described["kind"], described["method"], described["host"]) == ("curl command", "POST", "payforsms.ru")
    assert described["providers"] == ["payforsms", "mainsms"]


# --- what send and balance would sign --------------------------------------------------------------------------------


def test_an_operation_signs_what_would_be_sent(smscli: Run) -> None:
    """The same stages as the dry run of ``send``, at the same moment."""
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_LOGIN": "YourLogin", "SMSCLI_API_KEY": KEY}
    fields = ("--to", "+37061234567", "--sender", "MyShop")
    signed = smscli(
        "sign", "--operation", "send", *fields, "--text", "Labas, žmogau!\r\n", "-o", "json",
        environ=environ, now=lambda: 1732809600.0,
    )  # fmt: skip
    sent = smscli(
        "send", *fields, "Labas, žmogau!\r\n", "--dry-run", "-o", "json", environ=environ, now=lambda: 1732809600.0
    )
    stages = [stage["value"] for stage in signed.json["data"]["stages"]]
    assert stages == [stage["value"] for stage in sent.json["data"]["requests"][0]["stages"]]
    assert signed.json["data"]["request"]["url"].startswith("https://www.lightsms.com/external/get/send.php?login=")


def test_the_stamp_of_an_operation_can_be_given(sign: Run) -> None:
    """To compare with a program that ran at another moment; without it the local clock or a new nonce."""
    environ = {"SMSCLI_LOGIN": "YourLogin"}
    fixed = sign("--operation", "balance", "--stamp", "1732809600", provider="lightsms", environ=environ,
                 key="your_api_key_here")  # fmt: skip
    assert fixed.out == "969d5f5cfe9120c85bc1b3a358b448f9\n"
    environ = {"SMSCLI_APP_ID": "1", "SMSCLI_MSISDN": "5321000000", "SMSCLI_BASE_URL": "https://sms.example/"}
    nonces = {sign("--operation", "balance", provider="mesajlarim", environ=environ).out for _ in range(2)}
    assert len(nonces) == 2


def test_a_send_of_several_requests_shows_the_first(sign: Run) -> None:
    """More recipients than one request takes: the first batch, and the note says so."""
    numbers = ",".join(f"+3706123{number:04}" for number in range(60))
    ran = sign("--operation", "send", "--to", numbers, "--sender", "MyShop", "--text", "x", provider="lightsms",
               environ={"SMSCLI_LOGIN": "a"})  # fmt: skip
    assert ran.code == 0
    assert "first of 2 requests" in ran.err


def test_an_account_that_sends_its_key_says_so_and_hides_it(sign: Run) -> None:
    """With ``auth = "apikey"`` nothing is signed; the key is masked in the request."""
    environ = {"SMSCLI_PROJECT": "a", "SMSCLI_AUTH": "apikey"}
    ran = sign("--operation", "balance", "--explain", environ=environ)
    assert ran.code == 0
    assert "sends its key" in ran.err
    assert KEY not in ran.out
    assert "apikey=***" in ran.out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "one place"),
        (("a=1", "--from-url", "b=2"), "one place"),
        (("a=1", "--operation", "balance"), "one place"),
        (("a=1", "--text", "x"), "need --operation send"),
        (("--operation", "balance", "--to", "+37061234567"), "a balance has no"),
        (("--operation", "send", "--to", "+37061234567"), "a send has a text"),
        (("--from-url", "-", "--key-file", "-"), "stdin cannot be both"),
        (("a",), "is not NAME=VALUE"),
        (("--from-url", "hello"), "no request in the capture"),
        (("--operation", "status"), "operation"),
    ],
)
def test_what_makes_no_sense_is_refused(sign: Run, argv: tuple[str, ...], words: str) -> None:
    """Exit 2 and the reason."""
    ran = sign(*argv, environ={"SMSCLI_PROJECT": "a"})
    assert ran.code == 2
    assert words in ran.err


# --- nothing secret, nothing heavy -----------------------------------------------------------------------------------


def test_no_output_holds_the_key_unless_it_is_revealed(sign: Run) -> None:
    """Every format of every way of asking, the key even among the values; ``--reveal`` shows it and warns."""
    ways = (
        (*PAGE, f"apikey={KEY}", f"x=a{KEY}b", "--explain", "--hex"),
        (*PAGE, f"apikey={KEY}", "--curl"),
        (*PAGE, "--expect", PRINTED, "--explain"),
        ("--from-url", f"https://payforsms.ru/api/mainsms/message/send?project=a&apikey={KEY}&sign={PRINTED}"),
        ("--operation", "balance", "--explain"),
    )
    for way in ways:
        for output in ("plain", "table", "json", "xml"):
            ran = sign(*way, "-o", output, environ={"SMSCLI_PROJECT": "a", "COLUMNS": "400"})
            assert KEY not in ran.out + ran.err, (way, output)
            assert KEY.encode().hex(" ") not in ran.out
    revealed = sign(*PAGE, "--reveal", "--hex")
    assert f"payforsms.ru;{KEY}" in revealed.out
    assert KEY.encode().hex(" ") in revealed.out
    assert "do not paste" in revealed.err


def test_control_characters_reach_no_terminal(sign: Run) -> None:
    """A hostile value is shown as an escape, in rows, notes and the curl line."""
    ran = sign("a=\x1b[31m\u202e", "--explain", "--expect", "0" * 32)
    assert "\x1b" not in ran.out + ran.err
    assert "\u202e" not in ran.out
    assert "\\x1b[31m" in ran.out
    assert "\x1b" not in sign("a=\x1b[31m", "--curl").out


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ([], {"smscli.capture", "dataclasses"}),
        (["--curl"], {"smscli.capture._logs", "smscli.capture._commands", "smscli.capture._powershell"}),
    ],
)
def test_the_laboratory_loads_only_when_it_is_asked_for(options: list[str], parts: set[str]) -> None:
    """Plain ``sign`` imports neither diagnosis nor capture, nor any heavy library; a curl line needs no reader."""
    program = (
        "import json, os, sys; from smscli.cli import run; from smscli.runtime import Runtime, real\n"
        f"status = run(['sign', 'a=1', *{options}], real()); print(json.dumps([status, sorted(sys.modules)]))"
    )
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_API_KEY": "k", "PATH": "/usr/bin", "HOME": "/nonexistent"}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    status, modules = json.loads(ran.stdout.splitlines()[-1])
    assert status == 0
    heavy = {"smscli.diagnosis", "smscli.cli.send", "requests", "rich", "sqlite3", "uvicorn", "phonenumbers", *parts}
    assert not heavy & set(modules), heavy & set(modules)

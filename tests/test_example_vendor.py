"""A vendor of the hard kind, from a package of its own: what is hard about it, and the whole battery over again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from smscli import providers
from smscli.diagnosis import diagnose
from smscli.errors import Cause, ExitCode
from smscli.model import Account, Message, Outcome, Pairs, Secret, SendReceipt
from smscli.providers import Provider
from smscli.wire import Request, Response
from tests.conftest import Ran, on_a_terminal
from tests.packages import lay_example, on_path
from tests.vendors import NOW, account, emulator, environment, message

NAME = "examplesms"
BATTERY = (
    "contract", "vectors", "sandbox_service", "sandbox_diagnosis", "answers", "diagnosis", "dispatch", "secrecy",
)  # fmt: skip
"""The tests that every vendor inherits: the rig runs them with the package on the path."""

Run = Callable[..., Ran]


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The package, as if an installer had put it there."""
    with on_path(*lay_example(tmp_path_factory.mktemp("site"))):
        yield


@pytest.fixture
def vendor() -> Provider:
    """The vendor, as its demo account uses it."""
    return providers.get(NAME).of(account(NAME).fields)


# --- two secrets ------------------------------------------------------------------------------------------------------


def test_two_secrets_are_asked_for_unseen(tmp_path: Path) -> None:
    """One after the other, each without echo; both end up in the profile."""
    path = os.pathsep.join(map(str, lay_example(tmp_path)))
    code, screen = on_a_terminal(
        ["profile", "add", "mine", "--provider", NAME, "--user", "demo-user", "--sender", "Demo"],
        {"SMSCLI_CONFIG": str(tmp_path / "config.toml"), "PYTHONPATH": path},
        [
            ("signing_key: key that signs requests; it never travels (not shown)", "the key of nobody"),
            ("password: password of the account, sent with every request (not shown)", "a password of nobody"),
        ],
    )
    assert code == 0, screen
    assert "of nobody" not in screen
    config = (tmp_path / "config.toml").read_text()
    assert 'signing_key = "the key of nobody"' in config
    assert 'password = "a password of nobody"' in config


def test_a_pipe_holds_one_secret_only(smscli: Run, tmp_path: Path) -> None:
    """The other one is to come from a file or a command: which one was meant is not guessed."""
    argv = ("profile", "add", "mine", "--provider", NAME, "--user", "u")
    ran = smscli(*argv, stdin=b"key")
    assert ran.code == 2
    assert "stdin holds one secret, and ExampleSMS needs signing_key and password" in ran.err
    assert "--password-file FILE" in ran.err
    file = tmp_path / "password"
    file.write_text("pw")
    file.chmod(0o600)
    assert smscli(*argv, "--password-file", str(file), stdin=b"key").code == 0


def test_only_the_key_is_needed_to_sign(smscli: Run) -> None:
    """The secret that travels is one of the parameters then, or missing."""
    ran = smscli("sign", "--provider", NAME, "user=u", "ts=1", environ={"SMSCLI_SIGNING_KEY": "k"})
    assert ran.lines == [[hashlib.sha256(b"&ts=1&user=uk").hexdigest()]], ran.err
    missing = smscli("balance", "--provider", NAME, environ={"SMSCLI_SIGNING_KEY": "k", "SMSCLI_USER": "u"})
    assert missing.code == 3
    assert "password is missing" in missing.err


# --- the rule ---------------------------------------------------------------------------------------------------------


def test_the_profile_chooses_the_digest(smscli: Run) -> None:
    """At one point: what is signed, explained and compared follows."""
    environ = {"SMSCLI_SIGNING_KEY": "k", "SMSCLI_DIGEST": "md5"}
    right = hashlib.md5(b"&text=a%20b&user=uk", usedforsecurity=False).hexdigest()
    argv = ("sign", "--provider", NAME, "user=u", "text=a b", "--expect")
    assert smscli(*argv, right, environ=environ).code == 0
    other = hashlib.sha256(b"&text=a%20b&user=uk").hexdigest()
    ran = smscli(*argv, other, environ=environ)
    assert ran.code == 4
    assert ["fix 1", "wrong-digest", "Use md5."] in ran.lines


@pytest.mark.parametrize(
    ("text", "name", "fix"),
    [
        ("text=a%20b&user=u", "separator-missing", "Put & in front of the parameters, and nowhere else."),
        ("&text=a b&user=u", "escaped-otherwise", "Sign each value percent-encoded (RFC 3986), once."),
        ("&text=a+b&user=u", "escaped-otherwise", "Sign each value percent-encoded (RFC 3986), once."),
        ("&a%20b&u", "names-left-out", "Join name=value of each parameter."),
        ("&text=a%2520b&user=u", "percent-encoded", "Sign each value percent-encoded (RFC 3986), once; the request is"),
        ("&user=u&text=a%20b", "unsorted", "Join the values sorted by name, byte by byte"),
    ],
)
def test_the_mistakes_of_its_rule_have_its_words(vendor: Provider, text: str, name: str, fix: str) -> None:
    """Each text was written by hand; the fix says what this vendor wants, not what another does."""
    params: Pairs = (("user", "u"), ("text", "a b"))
    wrong = hashlib.sha256(f"{text}k".encode()).hexdigest()
    explanations = diagnose(vendor, params, Secret("k"), wrong).explanations
    assert [(one.name, one.fix[: len(fix)]) for one in explanations[0].findings] == [(name, fix)]


def test_a_secret_is_masked_in_every_spelling(vendor: Provider) -> None:
    """It stands escaped in the string that is hashed."""
    demo = account(NAME)
    request = vendor.send.build(message(NAME), demo, "1732809600")
    trace = vendor.sign(request.form, demo.secret, others=demo.secrets)
    assert "password=demo%20password&" in trace.steps[0].value
    assert "password=***&" in trace.steps[0].masked


# --- answers ----------------------------------------------------------------------------------------------------------


def parse(vendor: Provider, body: str, status: int = 200, **headers: str) -> SendReceipt:
    """Return how a send ended when the vendor answers so."""
    response = Response(status, body.encode(), {name.replace("_", "-"): value for name, value in headers.items()})
    return vendor.send.parse(response, message(NAME), "1")


@pytest.mark.parametrize(
    ("parts", "outcome", "ids"),
    [
        ('{"id":"1","code":0},{"id":"2","code":0}', Outcome.SENT, "1,2"),
        ('{"id":"1","code":51},{"id":"2","code":51}', Outcome.REFUSED, "1,2"),
        ('{"id":"1","code":0},{"id":"2","code":51}', Outcome.UNKNOWN, "1,2"),
        ('{"id":"1","code":0},{"code":51}', Outcome.UNKNOWN, "1"),
        ('{"id":"1","code":0},{"id":"2","code":99}', Outcome.UNKNOWN, "1,2"),
        ('{"id":"1","code":0},{"code":0}', Outcome.UNKNOWN, "1"),
        ('{"id":"1","code":0},7', Outcome.UNKNOWN, "1"),
        ("", Outcome.UNKNOWN, None),
        ('{"id":"1","code":0},{"id":"1","code":0}', Outcome.UNKNOWN, None),
    ],
)
def test_half_a_text_is_unknown_and_its_ids_are_kept(
    vendor: Provider, parts: str, outcome: Outcome, ids: str | None
) -> None:
    """Only parts that all end alike say how the message ended."""
    (submission,) = parse(vendor, f'{{"parts":[{parts}]}}').submissions
    assert (submission.outcome, submission.message_id) == (outcome, ids)


def test_amounts_are_read_digit_by_digit(vendor: Provider) -> None:
    """No float comes between: 0.1 is one tenth."""
    sent = parse(vendor, '{"parts":[{"id":"1","code":0,"price":0.1},{"id":"2","code":0,"price":0.2}]}').submissions[0]
    assert sent.parts == 2
    assert sent.cost is not None
    assert sent.cost.amount == Decimal("0.3")
    balance = vendor.balance.parse(Response(200, b'{"credit":12345678901.12345678,"currency":"EUR"}'), None, "")
    assert balance.amount == Decimal("12345678901.12345678")


@pytest.mark.parametrize(
    ("body", "status", "outcome", "code"),
    [
        ('{"code":41}', 401, Outcome.REFUSED, ExitCode.AUTHENTICATION),
        ('{"code":60}', 429, Outcome.REFUSED, ExitCode.UNREACHABLE),
        ('{"code":60}', 503, Outcome.UNKNOWN, ExitCode.UNKNOWN),
        ("<html>", 429, Outcome.UNKNOWN, ExitCode.UNKNOWN),
        ('{"parts":[{"id":"1","code":0}]}', 401, Outcome.UNKNOWN, ExitCode.UNKNOWN),
        ('{"code":60,"parts":[]}', 429, Outcome.UNKNOWN, ExitCode.UNKNOWN),
    ],
)
def test_a_documented_status_may_refuse_and_nothing_else(
    vendor: Provider, body: str, status: int, outcome: Outcome, code: ExitCode
) -> None:
    """A body that contradicts it, or a status of no page, proves nothing."""
    receipt = parse(vendor, body, status)
    assert (receipt.submissions[0].outcome, receipt.exit_code) == (outcome, code)


@pytest.mark.parametrize(
    ("body", "header", "seconds"),
    [
        ('{"code":60,"retry_after":7}', "9", 7.0),
        ('{"code":60}', "9", 9.0),
        ('{"code":60}', "Wed, 21 Oct 2031 07:28:00 GMT", None),
        ('{"code":41}', "9", None),
    ],
)
def test_the_waiting_time_comes_from_body_or_header(
    vendor: Provider, body: str, header: str, seconds: float | None
) -> None:
    """Whole seconds; a date would need the vendor's clock."""
    reason = parse(vendor, body, 429, retry_after=header).submissions[0].reason
    assert reason is not None
    assert reason.wait == seconds


# --- from the command line --------------------------------------------------------------------------------------------


def slowly(seconds: int, times: int) -> tuple[Callable[[Request, float], Response], list[Request]]:
    """Return a vendor that asks to wait so often before it accepts, and the requests it gets."""
    asked: list[Request] = []

    def transport(request: Request, _seconds: float) -> Response:
        asked.append(request)
        if len(asked) <= times:
            return Response(429, b'{"code":60}', {"retry-after": str(seconds)})
        return Response(200, b'{"parts":[{"id":"71","code":0}],"credit":1}' if request.billable else
                        b'{"credit":1.5,"currency":"EUR"}')  # fmt: skip

    return transport, asked


@pytest.mark.parametrize("command", [("send", "hi", "--to", "+37061234567"), ("balance",)])
def test_a_wait_that_the_deadline_allows_is_kept(smscli: Run, command: tuple[str, ...]) -> None:
    """The second try comes after the seconds that were asked for, with a stamp of its own."""
    transport, asked = slowly(5, times=1)
    slept: list[float] = []
    ran = smscli(
        *command, environ=environment(NAME), transport=transport, monotonic=lambda: sum(slept), sleep=slept.append,
        now=lambda: NOW + sum(slept),
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert len(asked) == 2
    assert 5 <= sum(slept) < 7
    if command[0] == "send":
        assert int(dict(asked[1].form)["ts"]) - int(dict(asked[0].form)["ts"]) >= 5


@pytest.mark.parametrize("command", [("send", "hi", "--to", "+37061234567"), ("balance",)])
def test_a_wait_beyond_the_deadline_is_exit_6(smscli: Run, command: tuple[str, ...]) -> None:
    """Nobody waits for nothing: one request, no sleep, and running it again is safe."""
    transport, asked = slowly(60, times=9)
    slept: list[float] = []
    ran = smscli(*command, environ=environment(NAME), transport=transport, sleep=slept.append)
    assert (ran.code, len(asked), slept) == (6, 1, [])
    assert "too many requests" in ran.err


def test_what_was_busy_may_be_run_again_under_its_key(smscli: Run) -> None:
    """The journal knows that it was not processed."""
    argv = ("send", "hi", "--to", "+37061234567", "--key", "k")
    transport, _ = slowly(60, times=1)
    assert smscli(*argv, environ=environment(NAME), transport=transport).code == 6
    assert smscli(*argv, environ=environment(NAME), transport=transport).lines[0][1] == "SENT"


def test_a_signal_is_heard_while_waiting(smscli: Run) -> None:
    """A long pause is cut into short ones."""
    transport, _ = slowly(20, times=1)
    slept: list[float] = []
    smscli("balance", environ=environment(NAME), transport=transport, monotonic=lambda: sum(slept), sleep=slept.append)
    assert max(slept) <= 2


def test_the_ids_of_half_a_text_are_in_the_journal(smscli: Run) -> None:
    """For a person to look them up."""
    body = b'{"parts":[{"id":"81","code":0},{"id":"82","code":51}]}'
    ran = smscli(
        "send", "hi", "--to", "+37061234567", "--key", "k", environ=environment(NAME),
        transport=lambda _request, _seconds: Response(200, body),
    )  # fmt: skip
    assert (ran.code, ran.lines[0][:3]) == (7, ["+37061234567", "UNKNOWN", "81,82"])
    shown = smscli("journal", "show", "k", "-o", "json")
    assert "81,82" in shown.out


def test_an_id_of_a_part_that_repeats_the_request_is_none(smscli: Run) -> None:
    """Between others, too."""
    body = b'{"parts":[{"id":"71","code":0},{"id":"4711471147","code":0}]}'
    ran = smscli(
        "send", "4711471147", "--to", "+37061234567", environ=environment(NAME),
        transport=lambda _request, _seconds: Response(200, body),
    )  # fmt: skip
    assert (ran.code, ran.lines[0][1]) == (7, "UNKNOWN")


def test_the_vendor_asks_to_slow_down_in_the_sandbox_too(smscli: Run) -> None:
    """The emulator's own words, through the real loop."""
    slept: list[float] = []
    ran = smscli(
        "send", "slow down", "--to", "+37061234567", "-v", environ=environment(NAME), transport=emulator(),
        now=lambda: NOW, sleep=slept.append,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "< 429" in ran.err
    assert slept


def test_a_clock_that_is_off_is_told(smscli: Run) -> None:
    """Refused as stale, signed once more, refused again: exit 6, and the hint is this machine's clock."""
    ran = smscli(
        "send", "hi", "--to", "+37061234567", environ=environment(NAME), transport=emulator(), now=lambda: NOW - 500,
        sleep=lambda _: None,
    )  # fmt: skip
    assert ran.code == 6
    assert "check this machine's clock" in ran.err


def test_the_unsigned_balance_carries_the_password(vendor: Provider) -> None:
    """And is refused without the right one, with HTTP 401."""
    demo = account(NAME)
    request = vendor.balance.build(None, demo, "")
    assert request.form == (("user", "demo-user"), ("password", "demo password"))
    wrong = Account(demo.base_url, demo.secret, demo.fields, {"password": Secret("x")})
    answer = emulator()(vendor.balance.build(None, wrong, ""), 1.0)
    assert (answer.status, json.loads(answer.body)["code"]) == (401, 40)


def test_what_it_cannot_take_is_said_before_anything_is_signed(smscli: Run) -> None:
    """It has neither a test mode nor scheduled sending."""
    for option in (("--test",), ("--at", "2031-01-01 10:00")):
        ran = smscli("send", "hi", "--to", "+37061234567", *option, environ=environment(NAME))
        assert (ran.code, "ExampleSMS has no" in ran.err) == (9, True)


def test_a_cause_of_its_own_says_that_it_is_busy(vendor: Provider) -> None:
    """Neither a refusal nor an unreachable vendor."""
    reason = parse(vendor, '{"code":60}', 429).submissions[0].reason
    assert reason is not None
    assert reason.cause is Cause.BUSY
    assert isinstance(message(NAME), Message)

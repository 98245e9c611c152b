"""What all vendors of the sandbox share: accounts, parameters, ids, the list of messages, the reasons in headers."""

from __future__ import annotations

import hmac
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smscli import providers, runtime, sandbox
from smscli.errors import AuthenticationError, ConfigError, RejectedError, SmscliError
from smscli.model import Account, Outcome, Secret, visible
from smscli.providers import Stamp
from smscli.sandbox import _api, _chaos
from smscli.sandbox._raw import RawRequest
from smscli.wire import Request
from tests.bench import LIGHTSMS_KEY, MESAJLARIM_SECRET, NOW, PAY, PAYFORSMS_KEY, SEND, Bench, ask
from tests.vendors import message as sample


@pytest.fixture
def bench() -> Bench:
    """Return a fresh sandbox."""
    return Bench()


@pytest.mark.parametrize("name", providers.names())
def test_every_vendor_has_a_demo_account_that_sends_and_asks(bench: Bench, name: str) -> None:
    """The requests of smscli pass through the in-process transport, and its readers understand the answers."""
    provider, account = providers.get(name), sandbox.demo(name).account
    message, stamp = sample(name, "Hello"), str(NOW)
    speak = sandbox.transport(bench.app)
    sent = provider.send.parse(speak(provider.send.build(message, account, stamp), 1.0), message, stamp)
    assert [s.outcome for s in sent.submissions] == [Outcome.SENT]
    balance = provider.balance.parse(speak(provider.balance.build(None, account, stamp), 1.0), None, stamp)
    assert balance.amount > 0
    entry = bench.caught()[0]
    assert (entry["vendor"], entry["accepted"], entry["text"], entry["parts"]) == (name, True, "Hello", 1)
    assert entry["message_id"] == sent.submissions[0].message_id
    assert entry["received"] == "2024-11-28T16:00:00.000+00:00"


@pytest.mark.parametrize("name", providers.names())
def test_a_wrong_key_is_an_authentication_error_with_the_expected_text(bench: Bench, name: str) -> None:
    """The header and the list show what should have been hashed, the demo key masked, and no right signature."""
    provider = providers.get(name)
    account = sandbox.demo(name).account._replace(secret=Secret("wrong"))
    text, stamp = "Žaliuoja\n😀 & Co", str(NOW)
    message = sample(name, text)
    reply = sandbox.transport(bench.app)(provider.send.build(message, account, stamp), 1.0)
    receipt = provider.send.parse(reply, message, stamp)
    assert isinstance(receipt.error, AuthenticationError)
    expected = reply.headers["x-smscli-expected"]
    assert expected.isascii()
    written = provider.rule.escape.apply(text)
    assert visible(written).encode("ascii", "backslashreplace").decode() in expected
    entry = bench.caught()[0]
    assert entry["accepted"] is False
    assert written in entry["expected"]
    everything = expected + bench.ask("/api/messages").get_data(as_text=True)
    assert not [secret for secret in sandbox.demo(name).account.secrets if secret.reveal() in everything]
    request = provider.send.build(message, sandbox.demo(name).account, stamp)
    right = dict(request.query + request.form)[provider.rule.signature]
    assert right not in everything


@pytest.mark.parametrize("name", providers.names())
def test_a_rule_provokes_each_error_that_an_emulator_names(name: str) -> None:
    """Of a send and of a question, in a shape that the vendor's reader knows; the list says which rule it was."""
    provider, account = providers.get(name), sandbox.demo(name).account
    message, stamp = sample(name, "Hello"), str(NOW)
    emulator = next(one for one in sandbox.emulators() if name in one.demo)
    assert emulator.errors
    for code in emulator.errors:
        rule = f"{name} error='{code}'"
        app = sandbox.create_app(clock=lambda: NOW, chaos=[rule])
        speak = sandbox.transport(app)
        sent = provider.send.parse(speak(provider.send.build(message, account, stamp), 1.0), message, stamp)
        assert [s.outcome for s in sent.submissions] == [Outcome.REFUSED], code
        answer = speak(provider.balance.build(None, account, stamp), 1.0)
        with pytest.raises(SmscliError):
            provider.balance.parse(answer, None, stamp)
        entries = list(app.desk.caught)
        assert [(entry.operation, (entry.refusal or "").endswith(code)) for entry in entries] == [
            ("send", True),
            ("balance", True),
        ]
        assert {entry.chaos for entry in entries} == {_chaos.parse(rule, app.emulators).text}


def test_the_account_of_a_profile_replaces_the_demo_account() -> None:
    """Only the credentials count; those of the demo are refused then."""
    own = Account("https://white-label.example/get/", Secret("k"), {"login": "shop", "clock": "vendor"})
    app = sandbox.create_app({**sandbox.demo_accounts(), "lightsms": own}, clock=lambda: NOW)
    provider, speak = providers.get("lightsms"), sandbox.transport(app)
    here = own._replace(base_url=sandbox.demo("lightsms").account.base_url)
    request = provider.balance.build(None, here, str(NOW))
    assert provider.balance.parse(speak(request, 1.0), None, "").unit == "EUR"
    stranger = provider.balance.build(None, sandbox.demo("lightsms").account, str(NOW))
    with pytest.raises(AuthenticationError):
        provider.balance.parse(speak(stranger, 1.0), None, "")


def test_a_vendor_without_an_account_knows_nobody() -> None:
    """An application for one profile alone refuses everyone else."""
    app = sandbox.create_app({}, clock=lambda: NOW)
    speak = sandbox.transport(app)
    for name in providers.names():
        provider = providers.get(name)
        with pytest.raises((AuthenticationError, RejectedError)):
            provider.balance.parse(
                speak(provider.balance.build(None, sandbox.demo(name).account, str(NOW)), 1.0), None, str(NOW)
            )


@pytest.mark.parametrize("way", ["query", "form", "multipart", "json", "get form", "get multipart", "get json"])
def test_parameters_are_read_wherever_and_however_they_travel(bench: Bench, way: str) -> None:
    """The vendors' pages show POST forms, GET queries, and a GET with a multipart body."""
    params = {"project": "demo-payforsms", "message": "Žm ö+&;", "recipients": "9121231234", "apikey": PAYFORSMS_KEY}
    ways: dict[str, dict[str, Any]] = {
        "query": {"query_string": params},
        "form": {"data": params},
        "multipart": {"data": params, "content_type": "multipart/form-data"},
        "json": {"json": params | {"nothing": None}},
    }
    options = ways[way.removeprefix("get ")]
    method = "GET" if way.startswith("get") or way == "query" else "POST"
    assert bench.ask("/api/mainsms/message/send", method, **options).get_json()["status"] == "success"
    assert bench.caught()[0]["text"] == "Žm ö+&;"


def test_the_body_goes_before_the_query_and_the_last_value_counts(bench: Bench) -> None:
    """As PHP gathers parameters."""
    params = [("message", "body 1"), ("message", "body 2"), ("apikey", PAYFORSMS_KEY), ("recipients", "9121231234")]
    query = "?project=demo-payforsms&message=query"
    body = "&".join(f"{name}={value}" for name, value in params)
    kind = "application/x-www-form-urlencoded"
    bench.ask(f"/api/mainsms/message/send{query}", "POST", data=body, content_type=kind)
    assert bench.caught()[0]["text"] == "body 2"


def test_a_json_list_counts_as_repeated_names(bench: Bench) -> None:
    """Several recipients in a JSON body; half a surrogate pair does no harm."""
    token = hmac.new(MESAJLARIM_SECRET.encode(), b"15321000000a?532200000053230000007", "sha1").hexdigest()
    body = '{"appId": 1, "msisdn": "5321000000", "message": "a\\ud800", "recipient": ["5322000000", "5323000000"], '
    body += f'"rand": 7, "token": "{token}"}}'
    kind = "application/json"
    answer = bench.ask("/omrestapi/api.php?action=sendsms", "POST", data=body, content_type=kind).get_json()
    assert len(answer["recipients"]) == 2


@pytest.mark.parametrize("body", ["[" * 100_000, "{", "[1]", '"text"', "\xff"])
def test_a_body_that_is_no_json_object_counts_as_none(bench: Bench, body: str) -> None:
    """It says that it is JSON; the query is read all the same."""
    kind = "application/json"
    reply = bench.ask("/api/mainsms/message/send?project=nobody", "POST", data=body, content_type=kind)
    assert reply.get_json()["error"] == "5"


@pytest.mark.parametrize("name", providers.names())
def test_ids_are_unique_across_runs(name: str) -> None:
    """Each `send --sandbox` is a sandbox of its own, and two within one second are looked up in one journal."""
    provider, account = providers.get(name), sandbox.demo(name).account
    message = sample(name)
    ids = set()
    for _ in range(20):
        stamp = runtime.fresh_nonce() if provider.stamp is Stamp.NONCE else str(NOW)
        reply = sandbox.transport(Bench().app)(provider.send.build(message, account, stamp), 1.0)
        (sent,) = provider.send.parse(reply, message, stamp).submissions
        assert sent.message_id
        ids.add(sent.message_id)
    assert len(ids) == 20


def test_a_nonce_is_more_than_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes at the same moment make two, of as many digits as a public client sends."""
    nonces = set()
    for _ in range(4):
        monkeypatch.setattr(runtime, "_last_nonce", 9 * 10**12)
        nonces.add(runtime.fresh_nonce())
    assert len(nonces) > 1
    assert all(len(one) == 18 and one.isdigit() for one in nonces)


def test_the_message_list_is_bounded_in_bytes(bench: Bench) -> None:
    """A long text to many numbers is kept once for each: the oldest leave, and the newest is always there."""
    many = ",".join(str(79121230000 + n) for n in range(40))
    bench.app.desk.most_bytes = 32 * 1024 * 1024
    bench.payforsms("send", PAY | {"message": "oldest"})
    bench.payforsms("send", PAY | {"recipients": many, "message": "x" * 1_000_000})
    bench.payforsms("send", PAY | {"message": "newest"})
    texts = [entry["text"] for entry in bench.caught()]
    assert texts[-1] == "newest"
    assert 20 < len(texts) < 40
    assert sum(map(len, texts)) < 32 * 1024 * 1024
    ask(bench.app, "/api/messages", "DELETE")
    bench.payforsms("send", PAY)
    assert len(bench.caught()) == 1


MANY = ",".join(str(79121230000 + number) for number in range(1400))


def test_a_request_to_many_is_counted_once(bench: Bench) -> None:
    """All of its messages are kept where the request would not fit for each; what leaves takes with it what it has."""
    desk = bench.app.desk
    bench.payforsms("send", PAY)
    desk.most_bytes = 2 * 1024 * 1024
    bench.payforsms("send", PAY | {"recipients": MANY, "test": "1"})
    assert (len(desk.caught), desk.dropped) == (1401, 0)
    for most in (1400, 700, 1):
        desk.most = most
        bench.payforsms("send", PAY | {"test": "1"})
        counted = desk.caught_bytes
        desk.forget(lambda _: False)
        assert (len(desk.caught), desk.caught_bytes) == (most, counted)
    desk.most_bytes = 1
    bench.payforsms("send", PAY | {"test": "1"})
    assert (len(desk.caught), desk.caught_bytes) == (0, 0)


def test_a_refused_request_to_very_many_lists_a_thousand(bench: Bench) -> None:
    """And says how many more there were."""
    bench.payforsms("send", PAY | {"recipients": MANY, "sender": "бренд"})
    assert len(bench.app.desk.caught) == 1000
    assert {entry.note for entry in bench.app.desk.caught} == {"400 more recipients are not listed"}


def test_diagnoses_are_remembered_in_little_room_until_a_reset(bench: Bench) -> None:
    """Not with the request that was wrong."""
    bench.payforsms("send", PAY | {"message": "x" * 1_000_000}, key="wrong")
    (key,) = bench.app._diagnoses
    assert len(key) == 16
    bench.app.reset()
    assert bench.app._diagnoses == {}


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/external/get/{long}.php", "unknown"), ("/external/get/state.php", "status"),
        ("/external/get/hlr.php", "hlr"), ("/api/message/{long}", "unknown"), ("/api/message/send", "send"),
        ("/api/mainsms/sender/create", "sender/create"),
    ],
)  # fmt: skip
def test_what_a_rule_breaks_is_listed_under_a_known_name(path: str, operation: str) -> None:
    """Never under the address itself, which may be as long as it likes."""
    app = sandbox.create_app(chaos=["status=500"])
    assert ask(app, path.format(long="x" * 9000)).status_code == 500
    assert [entry.operation for entry in app.desk.caught] == [operation]


def test_the_message_list_is_in_order_and_can_be_emptied(bench: Bench) -> None:
    """Newest last; refusals stand beside what was accepted; a balance leaves no trace unless refused."""
    bench.lightsms("send", SEND)
    bench.lightsms("balance", {})
    bench.payforsms("send", PAY, key="wrong")
    bench.mesajlarim("balance", {}, key="wrong")
    assert [(e["vendor"], e["operation"], e["accepted"], e["refusal"]) for e in bench.caught()] == [
        ("lightsms", "send", True, None),
        ("payforsms", "send", False, "error 2"),
        ("mesajlarim", "balance", False, "Invalid Token Given"),
    ]
    assert ask(bench.app, "/api/messages", "DELETE").status_code == 204
    assert bench.caught() == []


def test_a_key_sent_in_the_place_of_a_signature_is_masked_in_the_list(bench: Bench) -> None:
    """A client under development may do that."""
    bench.lightsms("balance", {"signature": LIGHTSMS_KEY})
    assert bench.caught()[0]["signature"] == "***"


def test_the_root_names_every_base_url(bench: Bench) -> None:
    """Whoever opens the port in a browser sees what to write into a profile."""
    root = json.loads(bench.ask("/").get_data())
    assert root["base_urls"] == sandbox.base_urls("http://localhost")
    assert set(root["base_urls"]) == set(providers.names())
    assert root["base_urls"]["payforsms"] == "http://localhost/api/mainsms/"


def test_the_expected_header_stays_a_header_for_any_text(bench: Bench) -> None:
    """Line breaks cannot start a new header, and a long text is cut."""
    speak = sandbox.transport(bench.app)
    query = (("login", "demo"), ("timestamp", str(NOW)), ("signature", "x"), ("text", "\r\nX-Evil: 1" + "ж" * 3000))
    reply = speak(Request("GET", "http://sandbox.invalid/external/get/balance.php", query), 1.0)
    assert "x-evil" not in reply.headers
    assert len(reply.headers["x-smscli-expected"]) < 4100


def test_a_sandbox_inside_the_process_loads_no_server() -> None:
    """`--sandbox` stays quick, and works in a plain installation."""
    program = (
        "import sys; sys.modules['uvicorn'] = sys.modules['h11'] = sys.modules['python_multipart'] = None\n"
        "from smscli import sandbox\n"
        "from smscli.wire import Request\n"
        "speak = sandbox.transport(sandbox.create_app())\n"
        "answer = speak(Request('GET', 'http://sandbox.invalid/external/get/timestamp.php'), 1.0)\n"
        "print(answer.status, 'asyncio' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "200 False\n"


@pytest.mark.parametrize("port", [1, 70000])
def test_an_address_that_cannot_be_had_is_a_config_error(bench: Bench, port: int) -> None:
    """It says which, and that port 0 takes any."""
    with pytest.raises(ConfigError, match=str(port)) as caught:
        sandbox.serve(bench.app, port, "192.0.2.1" if port == 1 else "127.0.0.1", ready=lambda _url: None)
    assert caught.value.hint == "port 0 takes any free one"


PIECES = [
    b"a", b"=", b"&", b"%", b"%00", b"\xff", b"\0", b"[", b"]", b"[]", b"login=demo", b"timestamp=1", b"signature=x",
    b"9" * 30, b"project=demo-payforsms", b"apikey=demo-key-payforsms", b"recipients=9121231234", b"message=",
    b"appId=1", b"rand=1", b"msisdn=5321000000", b"token=", b"action=sendsms", b"return=xml", b"state=",
    b"messages_id=", b"limit=1", b"timeout=0", b"\xed\xa0\x80", b"vendor=lightsms", b"amount=1", b"run_at=",
    b"sendingTime=", b"-1", b"{", b'"', b"--x\r\n", b"\r\n", b":",
]  # fmt: skip
KINDS = [
    b"", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x",
    b"multipart/form-data; boundary=\xff", b"application/json", b";",
]  # fmt: skip
PATHS = [*_api.ROUTES, "/", "/x", "/api", "/api/messages/1", "/api/messages/99999999999999999999", "//", "", "*"]
PATHS += [path for emulator in sandbox.emulators() for path in emulator.routes]


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(PATHS),
    query=st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join),
    body=st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join),
    kind=st.sampled_from(KINDS),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "Ж"]),
)
def test_any_request_has_an_answer(path: str, query: bytes, body: bytes, kind: bytes, method: str) -> None:
    """Whatever it is made of; its headers are headers."""
    app = sandbox.create_app({}, clock=lambda: NOW)  # nobody has an account: nothing is diagnosed
    reply = app.answer(RawRequest(method, path.encode() + b"?" + query, ((b"Content-Type", kind),), body))
    assert 200 <= reply.status < 500
    assert isinstance(reply.body, bytes)
    assert all(f"{name}{value}".isascii() and value.isprintable() for name, value in reply.headers)

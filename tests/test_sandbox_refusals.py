"""Whatever an emulator refuses has its reason in words, and every documented error can be had on demand.

For every vendor there is, by its demo account; what is refused goes through our own parsers and the command line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smscli import providers, sandbox
from smscli.diagnosis import diagnose
from smscli.errors import Cause
from smscli.model import MSISDN, Outcome, Pairs, Secret, visible
from smscli.providers import Stamp
from smscli.sandbox import Call, Desk, Emulator
from smscli.sandbox._raw import RawRequest
from smscli.wire import Request, Response, Transport, encode
from tests.conftest import Ran
from tests.vendors import NOW, ORACLES, PLATFORMS, account, emulator, environment, message, numbers

STAMP = str(int(NOW))
OWN = tuple(vendor for vendor in PLATFORMS if vendor in ORACLES)
"""Those of this package: an emulator of another need not name reasons."""

KEY = Secret("a-real-key")

IN_FULL = (
    ("Привет, мир", quote("Привет, мир".encode().decode("latin-1"))),
    ("Привет, мир", "".join(f"%u{ord(one):04x}" for one in "Привет, мир")),
    ("Привет, мир", quote(quote("Привет, мир"))),
    ("R&D", "R%26amp;D"),
    ("100%de", "100%de"),
)
"""Texts and how they travel, where what is told of it is not shorter than in a comparison."""

Run = Callable[..., Ran]


def platform(vendor: str) -> Emulator:
    """Return the vendor's emulator."""
    return next(one for one in sandbox.emulators() if vendor in one.demo)


def failing(vendor: str) -> dict[str, str]:
    """Return a number for each error that can be provoked, and the error's code."""
    some = numbers(vendor)[0]
    return {some[: -len(ending)] + ending: failure.code for ending, failure in platform(vendor).failures.items()}


def pairs(vendor: str, text: str = "hello", stamp: str = STAMP) -> tuple[Request, Pairs]:
    """Return a request that sends a text, and its parameters without the signature."""
    provider = providers.get(vendor)
    request = provider.send.build(message(vendor, text), account(vendor), stamp)
    every = (*request.query, *request.form)
    return request, tuple(pair for pair in every if pair[0] != provider.rule.signature)


def signed(vendor: str, params: Pairs, key: Secret = KEY) -> Pairs:
    """Return parameters with their signature."""
    provider = providers.get(vendor)
    return (*params, (provider.rule.signature, provider.sign(params, key).signature))


def closed(vendor: str) -> Transport:
    """Return a sandbox for a profile: its key is ``KEY``, and of that no mistake is looked for, which takes long."""
    own = account(vendor)._replace(secret=KEY)
    return sandbox.transport(sandbox.create_app({vendor: own}, clock=lambda: NOW))


def listed(speak: Transport) -> list[dict[str, Any]]:
    """Return what the sandbox lists."""
    entries: list[dict[str, Any]] = json.loads(speak(Request("GET", "http://sandbox.invalid/api/messages"), 1.0).body)
    return entries


def reason(speak: Transport, request: Request) -> str:
    """Ask, and return the reason of the refusal, which header and list both have."""
    reply = speak(request, 1.0)
    (entry,) = listed(speak)
    assert entry["accepted"] is False
    header = reply.headers["x-smscli-reason"]
    assert header.isascii()
    words = str(entry["reason"])
    assert header == words.encode("ascii", "backslashreplace").decode()
    return words


def carried(method: str, path: str, query: str) -> RawRequest:
    """Return a request whose query, or form for a POST, is as it is written here; a path may begin the query."""
    kind = (b"Content-Type", b"application/x-www-form-urlencoded")
    target, body = (f"{path}{'&' if '?' in path else '?'}{query}", "") if method == "GET" else (path, query)
    return RawRequest(method, target.encode(), (kind,), body.encode())


def raw(request: Request, query: str) -> Request:
    """Return the request with a query as it is written here."""
    return Request(request.method, f"{request.url}?{query}")


# --- reasons ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", OWN)
def test_what_is_left_out_is_named(vendor: str) -> None:
    """Each parameter in turn, and what is left is signed rightly: it was not needed, or it is in the reason."""
    request, params = pairs(vendor)
    names = {name for name, _ in params}
    needed = set()
    for name in names:
        left = tuple(pair for pair in params if pair[0] != name)
        speak = closed(vendor)
        speak(request._replace(query=signed(vendor, left), form=()), 1.0)
        (entry,) = listed(speak)
        if not entry["accepted"]:
            needed.add(name)
            assert name in entry["reason"]
    assert len(needed) >= 3


@pytest.mark.parametrize("vendor", OWN)
def test_a_missing_signature_is_named(vendor: str) -> None:
    """By the name it has on the wire, and by the one under which it came instead."""
    request, params = pairs(vendor)
    name = providers.get(vendor).rule.signature
    assert reason(closed(vendor), request._replace(query=params, form=())) == f"{name} is missing"
    other = request._replace(query=(*params, ("sig", "0" * 32)), form=())
    assert reason(closed(vendor), other) == f"{name} is missing: sig came instead, which is another name"


@pytest.mark.parametrize("vendor", OWN)
@pytest.mark.parametrize(
    ("text", "travels", "words"),
    [
        ("+b", "+b", "`+` arrives as a space: write %2B"),
        ("a+b", "a+b", "`+` arrives as a space: write %2B, or sign the space where one is meant"),
        ("a & b", "a+&+b", "`&` ends a value: write %26"),
        ("a+b & c", "a+b%20&%20c", "`+` arrives as a space: write %2B; `&` ends a value: write %26"),
    ],
)
def test_what_was_not_escaped_is_told(vendor: str, text: str, travels: str, words: str) -> None:
    """The signature is that of the text, and the text is what arrived of it."""
    request, params = pairs(vendor, text)
    query = encode(signed(vendor, params)).replace(f"={quote_plus(text)}", f"={travels}")
    assert reason(closed(vendor), raw(request, query)) == words


@pytest.mark.parametrize("vendor", OWN)
@pytest.mark.parametrize(
    ("text", "travels"),
    [
        ("+b", "+b"),
        ("a & b", "a+&+b"),
        ("Привет", quote_plus("Привет", encoding="cp1251")),
        ("C++ is fun", "C++%20is%20fun"),
        ("1 + 1 = 2", "1%20+%201%20=%202"),
        ("A+B C", "A+B%20C"),
        ("Tel: +370612", "Tel:%20+370612"),
        ("Tom+Jerry", "Tom+Jerry"),
        ("R&D", "R&D"),
        ("R&D", "R&amp;D"),
        ("R&D", "R%26amp%3Bamp%3BD"),
        *IN_FULL,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_damage_on_the_way_is_the_whole_diagnosis(vendor: str, text: str, travels: str, method: str) -> None:
    """One entry says one thing, in header, list and page: what was signed stands over what arrived."""
    app = sandbox.create_app(clock=lambda: NOW)
    speak = sandbox.transport(app)
    request, params = pairs(vendor, text)
    query = encode(signed(vendor, params, sandbox.demo(vendor).account.secret))
    travelled = query.replace(f"={quote_plus(text)}", f"={travels}")
    header = dict(app.answer(carried(method, urlsplit(request.url).path, travelled)).headers)
    (entry,) = listed(speak)
    assert header["X-Smscli-Diagnosis"] == header["X-Smscli-Reason"]
    assert entry["diagnosis"] == entry["reason"] is not None
    assert not entry["reason"].endswith("is not that of the parameters that came")
    page = json.loads(speak(Request("GET", "http://sandbox.invalid/page/messages/1"), 1.0).body)
    (explanation,) = page["explanations"]
    assert explanation["findings"] == []
    assert text in "".join(yours for yours, _ in explanation["overlay"])
    assert "".join(right for _, right in explanation["overlay"]) == visible(entry["expected"])


@pytest.mark.parametrize("vendor", OWN)
@pytest.mark.parametrize(("text", "travels"), IN_FULL)
def test_a_fault_of_the_sending_has_the_words_of_a_comparison(vendor: str, text: str, travels: str) -> None:
    """What the sandbox says of a request, ``sign --capture`` says of its capture."""
    request, params = pairs(vendor, text)
    provider, complete = providers.get(vendor), signed(vendor, params)
    query = encode(complete).replace(f"={quote_plus(text)}", f"={travels}")
    arrived = tuple(parse_qsl(query, keep_blank_values=True, errors="replace"))
    diagnosis = diagnose(provider, arrived, KEY, complete[-1][1], wire=(query.encode(), b""))
    words = " ".join(f"{one.sentence} {one.fix}" for one in diagnosis.explanations[0].findings)
    assert reason(closed(vendor), raw(request, query)) == words


@pytest.mark.parametrize("vendor", OWN)
@pytest.mark.parametrize("text", ["Привет, мир", "a b", "R&D"])
def test_a_value_that_was_encoded_before_it_was_signed_was_not_damaged(vendor: str, text: str) -> None:
    """Its codes are not what was meant."""
    request, params = pairs(vendor, text)
    speak = sandbox.transport(sandbox.create_app(clock=lambda: NOW))
    demo = sandbox.demo(vendor).account.secret
    proof = signed(vendor, tuple((name, quote(v) if v == text else v) for name, v in params), demo)[-1]
    reply = speak(raw(request, encode((*params, proof))), 1.0)
    assert "percent-encoded before signing" in reply.headers["x-smscli-diagnosis"]
    assert reply.headers["x-smscli-reason"].endswith("is not that of the parameters that came")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("vendor", "path", "rest", "recipients", "meant"),
    [
        ("mesajlarim", "/omrestapi/api.php?action=sendsms", "appId=1&msisdn=5321000000&rand=7",
         "recipient[0]=5321000000&recipient[1]=5321000008",
         (("appId", "1"), ("msisdn", "5321000000"), ("rand", "7"), ("message", "R&D"), ("recipient[]", "5321000000"),
          ("recipient[]", "5321000008"))),
        ("mainsms", "/api/mainsms/message/send", "project=demo-mainsms",
         "recipients[0]=79121231234&recipients[1]=79121231235",
         (("project", "demo-mainsms"), ("message", "R&D"), ("recipients", "79121231234,79121231235"))),
    ],
)  # fmt: skip
def test_an_ampersand_in_front_of_an_array_is_told(
    method: str, vendor: str, path: str, rest: str, recipients: str, meant: Pairs
) -> None:
    """PHP programs name each place of it; what is signed are its values."""
    app = sandbox.create_app(clock=lambda: NOW)
    name, value = signed(vendor, meant, sandbox.demo(vendor).account.secret)[-1]
    query = f"{rest}&message=R&D&{recipients}&{name}={value}"
    header = dict(app.answer(carried(method, path, query)).headers)
    assert header["X-Smscli-Reason"] == header["X-Smscli-Diagnosis"] == "`&` ends a value: write %26"


def test_what_was_signed_in_another_charset_is_looked_for_on_the_page() -> None:
    """PHP in windows-1251: the bytes were signed that were sent."""
    app = sandbox.create_app(clock=lambda: NOW)
    hashed = "Привет;demo-mainsms;79121231234;demo-key-mainsms".encode("cp1251")
    sign = hashlib.md5(hashlib.sha1(hashed).hexdigest().encode()).hexdigest()  # noqa: S324  (vendor's rule)
    query = f"project=demo-mainsms&message=%CF%F0%E8%E2%E5%F2&recipients=79121231234&sign={sign}"
    for _ in range(2):
        app.answer(RawRequest("GET", f"/api/mainsms/message/send?{query}".encode()))
        query = query.replace(sign, "0" * 32)
    first, second = (
        json.loads(app.answer(RawRequest("GET", f"/page/messages/{number}".encode())).body)["explanations"]
        for number in (1, 2)
    )
    assert "".join(yours for yours, _ in first[0]["overlay"]) == "Привет;demo-mainsms;79121231234;***"
    assert second == []


@pytest.mark.parametrize("vendor", OWN)
def test_an_encoding_that_is_not_utf8_is_recognised(vendor: str) -> None:
    """In the header the letters are escapes."""
    request, params = pairs(vendor, "Привет")
    query = encode(signed(vendor, params)).replace(quote_plus("Привет"), quote_plus("Привет", encoding="cp1251"))
    assert "is not UTF-8: as windows-1251 it reads `Привет`" in reason(closed(vendor), raw(request, query))


@pytest.mark.parametrize("vendor", OWN)
def test_a_wrong_signature_without_damage_says_no_more_than_that(vendor: str) -> None:
    """The diagnosis beside it says why, and the list what should have been hashed."""
    request, params = pairs(vendor)
    wrong = request._replace(query=signed(vendor, params, Secret("wrong")), form=())
    name = providers.get(vendor).rule.signature
    assert reason(closed(vendor), wrong) == f"{name} is not that of the parameters that came"


@pytest.mark.parametrize("vendor", [one for one in OWN if providers.get(one).stamp is Stamp.VENDOR_CLOCK])
def test_a_wrong_clock_is_told_beside_a_right_signature_and_beside_a_wrong_one(vendor: str) -> None:
    """Both are the same error to the client."""
    request, params = pairs(vendor, stamp=STAMP + "000")
    right = request._replace(query=signed(vendor, params), form=())
    assert reason(closed(vendor), right) == "your timestamp is in milliseconds: divide by 1000"
    wrong = request._replace(query=signed(vendor, params, Secret("wrong")), form=())
    assert reason(closed(vendor), wrong).endswith("; also, your timestamp is in milliseconds: divide by 1000")


@pytest.mark.parametrize(("seconds", "side"), [("3600", "3600 s ahead"), ("-60.5", "60.5 s behind")])
def test_a_clock_that_a_rule_has_moved_is_not_blamed_on_the_program(seconds: str, side: str) -> None:
    """Its timestamp is right; one that is wrong without the rule is told as ever."""
    app = sandbox.create_app(
        {"lightsms": account("lightsms")._replace(secret=KEY)}, clock=lambda: NOW, chaos=[f"lightsms clock={seconds}"]
    )
    speak = sandbox.transport(app)
    for stamp in (STAMP, STAMP + "000"):
        request, params = pairs("lightsms", stamp=stamp)
        speak(request._replace(query=signed("lightsms", params), form=()), 1.0)
    first, second = (entry["reason"] for entry in listed(speak))
    assert first == f"a rule has moved the vendor's clock {side}; your timestamp is right without it"
    assert second == "your timestamp is in milliseconds: divide by 1000"


@pytest.mark.parametrize("vendor", OWN)
def test_a_key_that_came_in_a_value_is_masked_in_the_reason(vendor: str) -> None:
    """A client under development may send it as the text."""
    key = KEY.reveal()
    request, params = pairs(vendor, f"x {key}")
    query = encode(signed(vendor, params)).replace(quote_plus(f"x {key}"), f"{quote_plus(f'яя {key}', 'cp1251')}")
    query = query.replace("%D1%8F%D1%8F", "%FF%FF")
    speak = closed(vendor)
    reply = speak(raw(request, query), 1.0)
    assert "***" in reply.headers["x-smscli-reason"]
    assert key not in reply.headers["x-smscli-reason"] + json.dumps([entry["reason"] for entry in listed(speak)])


@pytest.mark.parametrize("vendor", OWN)
def test_the_name_of_an_invented_account_is_told_and_that_of_a_profile_is_not(vendor: str) -> None:
    """Whoever may try the sandbox need not know whose it is."""
    request, params = pairs(vendor)
    field = next(name for name, value in account(vendor).fields.items() if value in dict(params).values())
    value = account(vendor).fields[field]
    stranger = tuple((name, "nobody" if own == value else own) for name, own in params)
    other = request._replace(query=signed(vendor, stranger), form=())
    assert f": it is {value}" in reason(emulator(), other)
    assert value not in reason(closed(vendor), other)


@pytest.mark.parametrize("root", [root for one in OWN for root in platform(one).roots])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_that_there_is_not_answers_in_the_vendors_own_shape(root: str, method: str) -> None:
    """A program reads an error it knows, not a page; the list says what it was looking for."""
    speak = emulator()
    for path in ("", "no/such.thing"):
        reply = speak(Request(method, f"http://sandbox.invalid{root}{path}"), 1.0)
        assert (reply.status, json.loads(reply.body).keys() >= {"error"}) == (404, True)
        entry = listed(speak)[-1]
        assert (entry["refusal"], entry["accepted"]) == ("not emulated", False)
        assert entry["reason"].startswith("no ")


PLACES = [(vendor, path) for vendor in OWN for path in (*platform(vendor).routes, *platform(vendor).roots)]
ACCOUNTS = {vendor: account(vendor)._replace(secret=KEY) for vendor in OWN}
EMULATORS = {vendor: platform(vendor) for vendor in OWN}
VALUES = [KEY.reveal(), STAMP, "", "xml", "+", *(value for one in ACCOUNTS.values() for value in one.fields.values())]


@given(st.sampled_from(PLACES), st.data(), st.text(max_size=12), st.binary(max_size=12))
@settings(max_examples=60, deadline=None)
def test_nothing_that_can_be_sent_is_refused_without_a_reason(
    place: tuple[str, str], data: st.DataObject, text: str, odd: bytes
) -> None:
    """Nor does anything break an emulator, or make an answer that is neither JSON nor XML nor the time."""
    vendor, path = place
    names = [name for name, _ in pairs(vendor)[1]] + [
        providers.get(vendor).rule.signature,
        "apikey",
        "return",
        "format",
    ]
    some = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from([*VALUES, text])))
    query, one = encode(tuple(some.items())).encode("ascii"), EMULATORS[vendor]
    handle, desk = one.handler(path), Desk(dict.fromkeys(one.demo, one.credit))
    assert handle
    raw = RawRequest("POST", b"/?" + query + odd, (), odd)
    answer = handle(Call(tuple(some.items()), "", {vendor: ACCOUNTS[vendor]}, NOW, {}, raw), desk)
    refused = [entry for entry in desk.caught if entry.refusal]
    assert all(entry.reason for entry in refused)
    assert bool(answer.reason) is bool(refused)
    if answer.content_type.startswith("application/json"):
        json.loads(answer.body)
    elif answer.content_type.startswith("text/plain"):
        assert answer.body == STAMP
    else:
        ET.fromstring(answer.body.encode())  # noqa: S314  (our own sandbox's answer)


# --- failures on demand ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", OWN)
def test_every_documented_refusal_of_a_send_has_a_number(vendor: str) -> None:
    """Those that somebody has read in the vendor's pages a second time."""
    provider, one = providers.get(vendor), message(vendor)
    bodies = [*ORACLES[vendor].ACCOUNT_REFUSALS, *ORACLES[vendor].REFUSALS, *ORACLES[vendor].STALE.values()]
    receipts = [provider.send.parse(Response(200, body.encode()), one, STAMP) for body in bodies]
    reasons = [submission.reason for receipt in receipts for submission in receipt.submissions]
    documented = {reason.code for reason in reasons if reason and reason.code}
    assert documented <= set(failing(vendor).values())


@pytest.mark.parametrize("vendor", OWN)
def test_a_number_of_that_ending_gets_its_error_and_costs_nothing(vendor: str) -> None:
    """Our parsers call it refused, with the vendor's code; header and list say that it was wanted."""
    provider, speak = providers.get(vendor), emulator()
    balance = provider.balance.build(None, account(vendor), STAMP)
    before = speak(balance, 1.0).body
    for number, code in failing(vendor).items():
        one = message(vendor)._replace(to=(MSISDN(number.lstrip("+")),))
        reply = speak(provider.send.build(one, account(vendor), STAMP), 1.0)
        (submission,) = provider.send.parse(reply, one, STAMP).submissions
        assert submission.outcome is Outcome.REFUSED, number
        assert submission.reason is not None
        assert submission.reason.cause in (Cause.CREDENTIALS, Cause.REFUSED, Cause.STALE)
        assert code in (submission.reason.code, submission.reason.text.rpartition("charge: ")[2].rstrip(")"))
        assert " as one that provokes " in reply.headers["x-smscli-reason"]
        entry = listed(speak)[-1]
        assert (entry["accepted"], entry["reason"] in reply.headers["x-smscli-reason"]) == (False, True)
    assert speak(balance, 1.0).body == before


@pytest.mark.parametrize("vendor", OWN)
def test_the_command_line_ends_as_the_error_says(smscli: Run, vendor: str) -> None:
    """The key or account (4), the message (5): the status that the second reading gives it."""
    provider, one, speak = providers.get(vendor), message(vendor), emulator()
    known = {}
    for body, status in ORACLES[vendor].REFUSALS.items():
        (submission,) = provider.send.parse(Response(200, body.encode()), one, STAMP).submissions
        assert submission.reason
        known[submission.reason.code] = status
    for number, code in failing(vendor).items():
        if code in known:
            ran = smscli("send", "x", "--to", number, environ=environment(vendor), transport=speak, now=lambda: NOW)
            assert (ran.code, ran.lines[0][1]) == (known[code], "REFUSED"), ran.err


@pytest.mark.parametrize("vendor", OWN)
def test_a_failing_number_is_no_demo_number_and_none_that_never_arrives(vendor: str) -> None:
    """Each ending has one meaning."""
    endings = platform(vendor).failures.keys()
    assert len(endings) >= 9
    assert not [ending for ending in endings if len(ending) != 6 or ending.endswith("9")]
    assert not [number for number in numbers(vendor) if number[-6:] in endings]

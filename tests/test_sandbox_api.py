"""What programs ask the sandbox itself: search, codes, balances, state, and the document that describes it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from smscli.errors import InputError
from smscli.sandbox import _api, _search
from smscli.sandbox._desk import Caught
from tests.bench import LIGHTSMS_KEY, NOW, PAY, PAYFORSMS_KEY, SEND, Bench, Reply, ask


@pytest.fixture
def bench() -> Bench:
    """Return a sandbox that has caught five: 1 to 3 accepted, 4 refused, 5 accepted."""
    bench = Bench()
    bench.lightsms("send", SEND | {"text": "Your code is 4711"})
    bench.payforsms("send", PAY | {"message": "Ваш код: 123-456"})
    bench.payforsms("send", PAY | {"message": "disk full", "recipients": "89121231235"})
    bench.payforsms("send", PAY | {"message": "refused", "sender": "бренд"})
    bench.payforsms("send", PAY | {"message": "good night"})
    return bench


def api(bench: Bench, path: str, method: str = "GET", **options: Any) -> Reply:
    """Make a request below /api."""
    return ask(bench.app, f"/api/{path}", method, **options)


def numbers(bench: Bench, query: str) -> list[int]:
    """Return which entries a search lists."""
    return [entry["number"] for entry in api(bench, f"messages?{query}").get_json()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("q=FULL", [3]),
        ("q=lightsms", [1]),
        ("q=error+8", [4]),
        ("to=89121231234", [2, 4, 5]),
        ("to=%2B7+912+123-12-34", [2, 4, 5]),
        ("to=1234", []),
        ("to=1231235", [3]),
        ("text=code", [1]),
        ("text=CODE", []),
        ("vendor=payforsms", [2, 3, 4, 5]),
        ("accepted=true", [1, 2, 3, 5]),
        ("accepted=false", [4]),
        ("accepted=any", [1, 2, 3, 4, 5]),
        ("before=3", [1, 2]),
        ("after=3", [4, 5]),
        ("limit=2", [4, 5]),
        ("limit=0", []),
        ("before=4&limit=2&vendor=payforsms", [2, 3]),
        ("text=nothing", []),
    ],
)
def test_the_list_can_be_searched(bench: Bench, query: str, expected: list[int]) -> None:
    """Oldest first; of more than the limit the newest."""
    assert numbers(bench, query) == expected


def test_the_list_says_what_it_lacks(bench: Bench) -> None:
    """How many came, and how many left because it was full."""
    headers = api(bench, "messages").headers
    assert (headers["x-smscli-total"], headers["x-smscli-dropped"]) == ("5", "0")
    bench.app.desk.most = 3
    bench.payforsms("send", PAY)
    headers = api(bench, "messages").headers
    assert (headers["x-smscli-total"], headers["x-smscli-dropped"]) == ("6", "3")
    assert numbers(bench, "") == [4, 5, 6]
    state = api(bench, "state").get_json()
    assert (state["messages"], state["total"], state["dropped"]) == (3, 6, 3)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "messages?recipient=1"), ("GET", "messages?accepted=yes"), ("GET", "messages?limit=-1"),
        ("GET", "messages?before=x"), ("DELETE", "messages?limit=1"), ("DELETE", "messages?txt=x"),
        ("GET", "wait?timeout=1e9"), ("GET", "wait?timeout=soon"), ("GET", "wait?timeout=601"),
        ("GET", "wait?before=1"),
        ("GET", "messages/latest/code?digits=3"), ("GET", "messages/1/code?digits=x"), ("GET", "messages/1?to=1"),
        ("POST", "balance?vendor=nobody&amount=1"), ("POST", "balance?vendor=lightsms&amount=-1"),
        ("POST", "balance?vendor=lightsms&amount=NaN"), ("POST", "balance?vendor=lightsms"),
        ("POST", "balance?vendor=lightsms&amount=1e5"), ("GET", "state?x=1"),
        ("GET", "messages?vendor=nobody"), ("DELETE", "messages?vendor=nobody"), ("GET", "wait?vendor=nobody"),
        ("GET", "messages/latest?vendor=nobody"), ("GET", "messages/latest/code?vendor=nobody"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_words(bench: Bench, method: str, path: str) -> None:
    """A typing error in a test must not delete, or find, everything."""
    reply = api(bench, path, method)
    assert (reply.status_code, bool(reply.get_json()["error"])) == (400, True)
    assert len(bench.caught()) == 5


def test_one_entry_has_its_request(bench: Bench) -> None:
    """As it came, without what a browser or proxy adds of its own secrets."""
    query = f"project=demo-payforsms&apikey={PAYFORSMS_KEY}&recipients=9121231234&message={quote('привет')}"
    headers = {"Cookie": "session=1", "Authorization": "Basic eA==", "X-Note": "a"}
    ask(bench.app, f"/api/mainsms/message/send?{query}", "POST", data="body of mine", headers=headers)
    entry = api(bench, "messages/6").get_json()
    assert entry["raw"].splitlines() == [
        f"POST /api/mainsms/message/send?{query.replace(PAYFORSMS_KEY, '***')} HTTP/1.1",
        "Host: localhost",
        "X-Note: a",
        "",
        "body of mine",
    ]
    assert api(bench, "messages/7").status_code == 404
    assert "raw" not in bench.caught()[-1]


def test_a_long_request_is_kept_in_part(bench: Bench) -> None:
    """Its beginning."""
    bench.payforsms("send", PAY | {"message": "x" * 100_000})
    assert len(api(bench, "messages/6").get_json()["raw"]) == 16 * 1024


@pytest.mark.parametrize(
    ("path", "status", "number"),
    [
        ("messages/latest", 200, 5),
        ("messages/latest?text=refused", 404, 4),
        ("messages/latest?text=refused&accepted=false", 200, 4),
        ("messages/latest?text=refused&accepted=any", 200, 4),
        ("messages/latest?to=89121231235&text=code", 404, 3),
        ("messages/latest?to=37061234567", 200, 1),
        ("messages/latest?to=37061234567&after=1", 404, 1),
        ("wait?text=disk", 200, 3),
        ("wait?text=nothing&to=37061234567", 404, 1),
    ],
)
def test_the_newest_that_is_meant_or_the_closest(bench: Bench, path: str, status: int, number: int) -> None:
    """What was refused would not have reached a phone, and is only closest."""
    reply = api(bench, path)
    tree = reply.get_json()
    assert (reply.status_code, (tree if status == 200 else tree["closest"])["number"]) == (status, number)
    assert (status == 200) or tree["differs_in"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("query", "number", "differs"),
    [
        ("to=89121231235&text=code", "3", "text"),
        ("to=37061234567&accepted=false", "1", "accepted"),
        ("vendor=lightsms&text=full", "3", "vendor"),
        ("q=nothing", "5", "q"),
        ("after=5&text=nothing&vendor=payforsms", "5", "after, text"),
        ("to=37061234567", None, None),
        ("", None, None),
    ],
)
def test_a_search_without_a_hit_names_the_closest(
    bench: Bench, method: str, query: str, number: str | None, differs: str | None
) -> None:
    """In headers, as a wait does in its body; a wrong search deletes nothing, and says what it has missed."""
    assert "x-smscli-closest" not in api(bench, "messages?limit=0").headers
    headers = api(bench, f"messages?{query}", method).headers
    assert (headers.get("x-smscli-closest"), headers.get("x-smscli-differs-in")) == (number, differs)
    described = document()["paths"]["/api/messages"][method.lower()]["responses"]["200" if method == "GET" else "204"]
    assert {name for name in headers if name.startswith("x-")} <= {name.lower() for name in described["headers"]}


def test_of_an_empty_list_nothing_is_close(bench: Bench) -> None:
    """It says so."""
    assert api(bench, "messages", "DELETE").headers["x-smscli-deleted"] == "5"
    assert "x-smscli-closest" not in api(bench, "messages?text=x").headers
    assert api(bench, "messages/latest").get_json() == {
        "error": "no message is meant", "closest": None, "differs_in": [],
    }  # fmt: skip


def test_a_code_is_taken_out_of_the_newest_message_that_has_one(bench: Bench) -> None:
    """Or of the one that is named."""
    assert api(bench, "messages/latest/code").get_json()["code"] == "123456"
    assert api(bench, "messages/latest/code?digits=4").get_json()["code"] == "4711"
    assert api(bench, "messages/1/code").get_json()["code"] == "4711"
    assert api(bench, "messages/3/code").status_code == 404
    assert api(bench, "messages/99/code").status_code == 404
    nothing = api(bench, "messages/latest/code?text=disk")
    assert (nothing.status_code, nothing.get_json()["differs_in"]) == (404, ["code"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Your code is 123456", "123456"),
        ("G-123456 is your Google verification code", "123456"),
        ("123 456 is your code", "123456"),
        ("123-456", "123456"),
        ("Kodas: 4821. Galioja 10 min.", "4821"),
        ("Ваш пароль 00123. Никому не сообщайте", "00123"),
        ("Şifreniz: 12345678", "12345678"),
        ("In 2031 your PIN is 9876", "9876"),
        ("Order 55555 of 2031-10-03, code 7777", "7777"),
        ("Pay 1500.00 EUR", None),
        ("Call +37061234567 or 89121231234", None),
        ("at 12:3045", None),
        ("123", None),
        ("123456789", None),
        ("", None),
    ],
)
def test_a_code_stands_alone(text: str, code: str | None) -> None:
    """It is no part of an amount, a date or a number; of several it is the one a word points at."""
    assert _search.code(text) == code


def test_a_number_is_the_same_in_any_spelling() -> None:
    """From seven digits on the last ones count; fewer must be all."""
    assert _search.is_number("+90 532 200 00 00", "5322000000")
    assert _search.is_number("8 (912) 123-12-34", "79121231234")
    assert not _search.is_number("79121231234", "79121231235")
    assert _search.is_number("12345", "12345")
    assert not _search.is_number("2345", "12345")


def test_what_is_deleted_is_meant(bench: Bench) -> None:
    """The others stay, under their numbers."""
    assert api(bench, "messages?vendor=payforsms&accepted=true", "DELETE").headers["x-smscli-deleted"] == "3"
    assert numbers(bench, "") == [1, 4]


def test_a_reset_begins_anew(bench: Bench) -> None:
    """List, numbers and credit; ids are never given twice."""
    before = bench.caught()[-1]["message_id"]
    assert api(bench, "reset", "POST").status_code == 204
    assert bench.payforsms("balance", {}).get_json()["balance"] == "500.00"
    bench.payforsms("send", PAY)
    (entry,) = bench.caught()
    assert (entry["number"], entry["message_id"] != before) == (1, True)


def test_the_credit_can_be_looked_at_and_set(bench: Bench) -> None:
    """By form or JSON; one vendor's at a time."""
    assert api(bench, "balance").get_json()["lightsms"] == "150.4856"
    assert api(bench, "balance", "POST", json={"vendor": "lightsms", "amount": 0}).get_json()["lightsms"] == "0"
    assert bench.lightsms("send", SEND).get_json() == {"37061234567": {"error": 32}}
    api(bench, "balance", "POST", data={"vendor": "lightsms", "amount": "7.5"})
    assert bench.lightsms("balance", {}).get_json()["money"] == "7.5"


def test_keys_are_masked_everywhere(bench: Bench) -> None:
    """A client under development may put them anywhere."""
    ask(bench.app, f"/external/get/balance.php?login=demo&timestamp={NOW}&signature={LIGHTSMS_KEY}&x={LIGHTSMS_KEY}")
    for path in ("messages", "messages/6", "messages/latest?accepted=any", "events"):
        assert LIGHTSMS_KEY not in api(bench, path, headers={"Last-Event-ID": "1"}).get_data(as_text=True)


def stream(bench: Bench, last: str) -> tuple[str, list[str]]:
    """Return the id that the beginning of a stream gives, and the names or ids of the events that it brings."""
    first, *rest = api(bench, "events", headers={"Last-Event-ID": last}).get_data(as_text=True).split("\n\n")
    return first.partition("\n")[0].removeprefix("id: "), [one.partition("\n")[0] for one in rest if one]


def test_a_stream_that_broke_brings_what_was_missed_or_says_that_it_cannot(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not silently: too many, some that have left the list, an id of another run or from before a reset."""
    monkeypatch.setattr(_api, "_MISSED", 3)
    desk = bench.app.desk
    of = desk.generation
    assert stream(bench, "") == (f"{of}-5", [])
    assert stream(bench, f"{of}-5") == (f"{of}-5", [])
    assert stream(bench, f"{of}-2") == (f"{of}-2", [f"id: {of}-{number}" for number in (3, 4, 5)])
    for last in (f"{of}-1", f"{of}-6", "4", "other-4", f"{of}-x", of):
        assert stream(bench, last) == (f"{of}-5", ["event: reload"]), last
    api(bench, "messages?text=refused", "DELETE")
    assert stream(bench, f"{of}-3") == (f"{of}-5", ["event: reload"])
    assert stream(bench, f"{of}-4") == (f"{of}-4", [f"id: {of}-5"])
    api(bench, "reset", "POST")
    assert stream(bench, f"{of}-0") == (f"{desk.generation}-0", ["event: reload"])
    assert Bench().app.desk.generation not in (of, desk.generation)


def test_a_list_of_many_is_written_in_pieces(bench: Bench) -> None:
    """And is JSON all the same."""
    for count in (_api._AGAIN - 5, 5, 1):
        with bench.app.desk.lock:
            bench.app.desk.keep(
                Caught(vendor="x", operation="send", now=NOW, signature=None, text=str(place)) for place in range(count)
            )
        entries = bench.caught()
        assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api", 404), ("GET", "/api/x", 404), ("POST", "/api/state", 405), ("GET", "/api/reset", 405)],
)
def test_what_there_is_not_is_said(bench: Bench, method: str, path: str, status: int) -> None:
    """In words."""
    reply = ask(bench.app, path, method)
    assert (reply.status_code, bool(reply.get_json()["error"])) == (status, True)


def test_an_address_of_nobody_gets_the_closest_one(bench: Bench) -> None:
    """Most often a letter is wrong."""
    reply = ask(bench.app, "/externals/get/sent.php")
    assert reply.status_code == 404
    assert reply.get_data().endswith(b"The closest address is /external/get/send.php.\n")


def test_what_gets_to_no_vendor_is_listed_with_its_reason(bench: Bench) -> None:
    """The program got an error that it may have swallowed; whoever looks for the message finds out here."""
    reply = ask(bench.app, "/wrong/send.php", "POST", data={"text": "Hello", "apikey": LIGHTSMS_KEY})
    ask(bench.app, f"/{'x' * 300}{LIGHTSMS_KEY}", "PUT")
    ask(bench.app, f"/{'x' * 190}{LIGHTSMS_KEY}")
    ask(bench.app, "/", "POST", data={"text": "Hello"})
    *_, wrong, long, cut, root = bench.caught()
    assert (reply.status_code, wrong["reason"]) == (404, reply.headers["x-smscli-reason"])
    assert wrong["reason"] == "/wrong/send.php is no vendor's address; closest: /external/get/send.php"
    for entry in (wrong, long, cut, root):
        told = [entry[name] for name in ("vendor", "operation", "refusal", "accepted", "to", "text")]
        assert told == ["unknown", "unknown", "HTTP 404", False, None, None]
    assert long["reason"].startswith(f"/{'x' * 199}... is no vendor's address")
    assert cut["reason"].startswith(f"/{'x' * 190}***... is no vendor's address")
    assert root["reason"].startswith("/ is no vendor's address")
    raw = api(bench, f"messages/{wrong['number']}").get_json()["raw"]
    assert raw.startswith("POST /wrong/send.php HTTP/1.1\r\n")
    assert raw.endswith("text=Hello&apikey=***")
    assert numbers(bench, "accepted=true") == [1, 2, 3, 5]


def test_a_vendor_that_there_is_not_is_told_with_those_there_are(bench: Bench) -> None:
    """``unknown`` is one: that of requests which get to none."""
    error = api(bench, "messages?vendor=foo").get_json()["error"]
    assert error == "vendor is one of lightsms, mainsms, payforsms, mesajlarim, unknown"
    assert api(bench, "messages?vendor=unknown").status_code == 200


def test_a_body_that_is_too_long_is_listed(bench: Bench) -> None:
    """Under the vendor whose address it is; one for the sandbox itself is nobody's message."""
    big = b"x" * (1024 * 1024 + 1)
    for path in ("/external/get/send.php", "/api/mainsms/message/send", "/wrong", "/api/chaos", "/page/setup"):
        reply = ask(bench.app, path, "POST", data=big)
        assert (reply.status_code, reply.headers["x-smscli-reason"]) == (413, "its body has more than 1048576 bytes")
    assert [(entry["vendor"], entry["refusal"], entry["reason"]) for entry in bench.caught()[5:]] == [
        (vendor, "HTTP 413", "its body has more than 1048576 bytes") for vendor in ("lightsms", "mainsms", "unknown")
    ]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}), ("/", {"Accept": "text/html"}), ("/page/x", {}), ("/page/messages/99", {}), ("/api", {}),
        ("/api/mesages", {}), ("/favicon.ico", {}), ("/.well-known/x.json", {"Sec-Fetch-Dest": "empty"}),
        ("/icon.png", {"Sec-Fetch-Dest": "image"}), ("/inbox", {"Sec-Fetch-Dest": "document"}),
    ],
)  # fmt: skip
def test_what_is_asked_of_the_sandbox_itself_is_not_listed(bench: Bench, path: str, headers: dict[str, str]) -> None:
    """Nor what a browser asks by itself."""
    ask(bench.app, path, headers=headers)
    assert len(bench.caught()) == 5
    assert ask(bench.app, "/sms", headers={"Sec-Fetch-Dest": "empty"}).status_code == 404
    assert len(bench.caught()) == 6


def test_requests_to_nobody_are_bounded_like_messages(bench: Bench) -> None:
    """The oldest leave, and are counted."""
    bench.app.desk.most = 3
    for _ in range(4):
        ask(bench.app, "/wrong")
    assert (numbers(bench, ""), bench.app.desk.dropped) == ([7, 8, 9], 6)


# --- the document ----------------------------------------------------------------------------------------------------


def document() -> Any:
    """Return what is served."""
    return json.loads(_api.document())


def test_the_document_has_every_route_and_no_other(bench: Bench) -> None:
    """Paths and methods."""
    described = {path: {method.upper() for method in methods} for path, methods in document()["paths"].items()}
    assert described == {path: set(methods) for path, methods in _api.ROUTES.items()}
    assert api(bench, "openapi.json").get_json() == document()


@pytest.mark.parametrize(
    ("path", "method", "name"),
    [
        (path, method, parameter["name"])
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
    ],
)
def test_every_parameter_that_is_described_is_taken(bench: Bench, path: str, method: str, name: str) -> None:
    """With a value that may be meant."""
    value = {"accepted": "any", "timeout": "0", "digits": "5", "vendor": "lightsms"}.get(name, "1")
    where = path.replace("{number}", "1")
    assert ask(bench.app, f"{where}?{name}={value}", method.upper()).status_code != 400


@pytest.mark.parametrize(("path", "method"), [(path, one) for path, methods in _api.ROUTES.items() for one in methods])
def test_no_other_parameter_is_taken(bench: Bench, path: str, method: str) -> None:
    """Each route refuses what it does not know, beside what it does, and the document says so; nothing changes."""
    known = "vendor=lightsms&amount=1&" if (path, method) == ("/api/balance", "POST") else ""
    reply = ask(bench.app, f"{path.replace('{number}', '1')}?{known}other=1", method)
    assert (reply.status_code, "other" in reply.get_json()["error"]) == (400, True)
    assert "400" in document()["paths"][path][method.lower()]["responses"]
    assert (len(bench.caught()), bench.app.desk.credit["lightsms"]) == (5, Decimal("150.4856"))


def conforms(value: Any, schema: Any) -> bool:
    """Return whether a value is what a schema of the document says: types, required members, no other member."""
    if "$ref" in schema:
        return conforms(value, document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if "oneOf" in schema:
        return any(conforms(value, one) for one in schema["oneOf"])
    if "allOf" in schema:
        return all(conforms(value, {**_resolved(one), "open": True}) for one in schema["allOf"])
    kinds: dict[str, Any] = {
        "string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list,
    }  # fmt: skip
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if value is None:
        return "null" in names
    if not any(isinstance(value, kinds[name]) for name in names if name != "null"):
        return False
    if isinstance(value, list):
        return all(conforms(one, schema["items"]) for one in value)
    if isinstance(value, dict) and "properties" in schema:
        properties = schema["properties"]
        is_closed = schema.get("open") or value.keys() <= properties.keys()
        complete = set(schema["required"]) <= value.keys() and is_closed
        return complete and all(conforms(value[name], one) for name, one in properties.items() if name in value)
    return True


def _resolved(schema: Any) -> Any:
    return document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/messages", 200), ("/api/messages/latest", 200), ("/api/messages/latest?text=x", 404),
        ("/api/messages/4", 200),
        ("/api/messages/latest/code", 200), ("/api/messages/2/code", 200), ("/api/messages/9", 404),
        ("/api/balance", 200),
        ("/api/wait?text=disk", 200), ("/api/wait?text=x", 404), ("/api/state", 200), ("/api/messages?limit=x", 400),
    ],
)  # fmt: skip
def test_what_is_answered_is_what_the_document_says(bench: Bench, path: str, status: int) -> None:
    """Every member, no other."""
    import re

    bare = re.sub("/[0-9]+", "/{number}", path.partition("?")[0])
    schema = document()["paths"][bare]["get"]["responses"][str(status)]["content"]["application/json"]["schema"]
    reply = ask(bench.app, path)
    assert reply.status_code == status
    assert conforms(reply.get_json(), schema), reply.get_json()


def test_an_amount_is_a_number() -> None:
    """Of money or of free messages."""
    assert str(_api.parse_amount("150.50")) == "150.50"
    for odd in ("", "x", "1e3", "-1", "٣", "1" * 20, "Infinity"):
        with pytest.raises(InputError):
            _api.parse_amount(odd)

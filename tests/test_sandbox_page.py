"""What the page at / is served, and what it is told of a message; tests/browser looks at the page itself."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from smscli import sandbox
from smscli.model import Account, Secret
from smscli.sandbox._later import Diagnosing
from smscli.sandbox._raw import RawRequest
from smscli.sandbox._service import TOO_MANY
from tests.bench import LIGHTSMS_KEY, NOW, PAY, PAYFORSMS_KEY, SEND, Bench, Reply, ask

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FILES = ["", "page.css", "page.js", "message.js", "chaos.js", "icon.svg"]


def page(bench: Bench, path: str, method: str = "GET") -> Reply:
    """Ask for what stands below /page/."""
    return ask(bench.app, f"/page/{path}", method)


def detail(bench: Bench, number: int) -> Any:
    """Return one message, worked out."""
    return page(bench, f"messages/{number}").get_json()


def test_browsers_get_the_page_and_programs_the_index() -> None:
    """Curl goes on reading where each vendor is."""
    bench = Bench()
    assert ask(bench.app, "/", headers=BROWSER).content_type == "text/html; charset=utf-8"
    assert "base_urls" in ask(bench.app, "/").get_json()
    assert "base_urls" in ask(bench.app, "/", headers={"Accept": "*/*"}).get_json()


@pytest.mark.parametrize("file", FILES)
def test_each_file_of_the_page_forbids_what_it_does_not_need(file: str) -> None:
    """No script, style or address of anybody else, no markup out of texts; and no script or style inside the page."""
    reply = page(Bench(), file)
    policy = reply.headers["content-security-policy"]
    assert reply.status_code == 200
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    text = reply.get_data(as_text=True)
    assert not any(word in text for word in ("innerHTML", "style=", "onclick=", "<style", "<script>", "https://"))


def test_the_page_is_only_read_and_has_what_it_has() -> None:
    """Nothing else is below it."""
    assert page(Bench(), "", "POST").status_code == 405
    for path in ("nothing", "../_page.py", "messages/1", "messages/x", "setup/x"):
        assert page(Bench(), path).status_code == 404, path


def test_the_setup_tells_the_invented_accounts_and_no_real_one() -> None:
    """A profile's key opens something elsewhere."""
    real = Account("https://vendor.example/", Secret("a real key"), {"project": "shop", "auth": "sign"})
    app = sandbox.create_app({**sandbox.demo_accounts(), "payforsms": real}, clock=lambda: NOW)
    reply = ask(app, "/page/setup")
    vendors = {one["vendor"]: one for one in reply.get_json()["vendors"]}
    assert vendors["lightsms"]["fields"]["api_key"] == LIGHTSMS_KEY
    assert vendors["lightsms"]["base_url"] == "http://localhost/external/get/"
    assert vendors["payforsms"]["fields"] == {}
    assert "shop" not in reply.get_data(as_text=True)


def test_a_message_is_cut_as_the_network_cuts_it() -> None:
    """Parts, units and what makes them expensive are worked out here, not in the browser."""
    bench = Bench()
    bench.payforsms("send", PAY | {"message": "ёж\u200b" + "a" * 70})
    content = detail(bench, 1)["content"]
    assert [part["units"] for part in content["parts"]] == [67, 6]
    assert "".join(part["text"] for part in content["parts"]) == "ёж\u200b" + "a" * 70
    assert content["expensive"] == ["ё (U+0451)", "ж (U+0436)", "U+200B ZERO WIDTH SPACE"]
    assert content["unseen"] == ["U+200B ZERO WIDTH SPACE"]
    assert detail(bench, 1)["message"]["cost"] == "9.04 RUB"


def test_a_right_signature_is_shown_stage_by_stage() -> None:
    """The last stage is the signature that came."""
    bench = Bench()
    bench.lightsms("send", SEND)
    told = detail(bench, 1)
    stages = told["signing"]["stages"]
    assert told["signing"]["right"]
    assert [stage["label"] for stage in stages] == ["joined values", "with the key", "MD5 hex"]
    assert stages[1]["text"].endswith("***")
    assert stages[2]["text"] == told["message"]["signature"]


def test_a_wrong_signature_is_explained_and_the_right_one_is_not_told() -> None:
    """What the program hashed stands beside what belongs to the request."""
    bench = Bench()
    joined = f"demo37061234567jsonDemoHello, you{NOW}{LIGHTSMS_KEY}"
    signature = hashlib.md5(joined.encode()).hexdigest()  # noqa: S324  (vendor's rule)
    bench.lightsms("send", SEND | {"text": "Hello, you ", "signature": signature})
    told = detail(bench, 1)
    assert [stage["text"] for stage in told["signing"]["stages"]][-1:] == [None]
    (explanation,) = told["explanations"]
    assert "cut off" in explanation["findings"][0]["sentence"]
    overlay = explanation["overlay"]
    assert [piece for piece in overlay if piece[0] != piece[1]] == [["", " "]]
    assert "".join(right for _, right in overlay) == told["message"]["expected"]


def test_what_cannot_be_a_signature_is_told_as_such() -> None:
    """There is no text to lay over the right one."""
    bench = Bench()
    bench.lightsms("send", SEND | {"signature": "none"})
    (explanation,) = detail(bench, 1)["explanations"]
    assert explanation["findings"][0]["sentence"]
    assert explanation["overlay"] == []


def test_a_message_opens_without_explanations_when_too_many_are_looked_for() -> None:
    """The one worker is busy: what is known already is shown."""
    bench = Bench()
    bench.lightsms("send", SEND | {"signature": "0" * 32})
    step = bench.app.begin(RawRequest("GET", b"/page/messages/1"))
    assert isinstance(step, Diagnosing)
    told = json.loads(step.finish(TOO_MANY).body)
    assert told["explanations"] == []
    assert not told["signing"]["right"]


def test_a_request_without_a_signature_has_no_check() -> None:
    """Only its text is worked out."""
    bench = Bench()
    ask(bench.app, "/external/get/send.php", query_string=SEND)
    told = detail(bench, 1)
    assert told["signing"] is None
    assert told["content"]["parts"] == [{"text": "Hello!", "units": 6}]


def test_nothing_is_explained_to_whom_it_could_tell_a_real_key() -> None:
    """A diagnosis narrows down what a key looks like."""
    real = Account("https://vendor.example/", Secret("a real key"), {"project": "demo-payforsms", "auth": "sign"})
    app = sandbox.create_app({**sandbox.demo_accounts(), "payforsms": real}, clock=lambda: NOW)
    ask(app, "/api/mainsms/message/send", query_string=PAY | {"project": "demo-payforsms", "sign": "0" * 32})
    told = ask(app, "/page/messages/1").get_json()
    assert not told["signing"]["right"]
    assert told["explanations"] == []
    assert told["message"]["diagnosis"].startswith("Withheld: of a profile's own key")


def test_a_key_that_a_program_sends_anywhere_is_never_shown() -> None:
    """In the text, the signature, the address, another parameter's name."""
    bench = Bench()
    everywhere = {"project": "demo-payforsms", "sign": PAYFORSMS_KEY, "message": PAYFORSMS_KEY, PAYFORSMS_KEY: "1"}
    ask(bench.app, "/api/mainsms/message/send", query_string=PAY | everywhere)
    reply = page(bench, "messages/1")
    assert reply.status_code == 200
    assert PAYFORSMS_KEY not in reply.get_data(as_text=True)


def test_a_request_that_is_too_long_to_be_kept_says_so() -> None:
    """What is left of it cannot be worked out again."""
    bench = Bench()
    bench.lightsms("send", SEND | {"text": "x" * 17_000, "signature": "0" * 32})
    told = detail(bench, 1)
    assert told["cut"]
    assert told["explanations"] == []


def test_a_message_says_that_its_texts_are_too_long_for_an_overlay() -> None:
    """And shows what differs as a whole."""
    bench = Bench()
    text = " ".join(["a"] * 2000)
    signed = {"login": "demo", "timestamp": str(NOW)} | SEND | {"text": text.replace(" ", "+")}
    joined = "".join(value for _, value in sorted(signed.items())) + LIGHTSMS_KEY
    wrong = hashlib.md5(joined.encode()).hexdigest()  # noqa: S324  (vendor's rule)
    bench.lightsms("send", SEND | {"text": text, "signature": wrong})
    (explanation,) = detail(bench, 1)["explanations"]
    assert explanation["too_long"]
    assert len(explanation["overlay"]) < 5


def test_the_setup_lists_the_numbers_that_fail() -> None:
    """Every ending of every vendor, with the vendor's code and what it means."""
    vendors = {one["vendor"]: one for one in page(Bench(), "setup").get_json()["vendors"]}
    for emulator in sandbox.emulators():
        for name in emulator.demo:
            told = {one["ending"]: one["code"] for one in vendors[name]["failures"]}
            assert told == {ending: failure.code for ending, failure in emulator.failures.items()}

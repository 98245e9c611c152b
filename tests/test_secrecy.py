"""Whatever a vendor repeats of a request, in whatever spelling: no word of it is shown or kept.

Each answer carries key, signature, text, login and number in a place that the vendor documents or in none. After the
command, stdout, stderr and the bytes of the journal are searched for them, all spellings undone.

With ``--hypothesis-profile=thorough`` six times as many answers are tried.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smscli import providers, sandbox
from smscli.cli import run
from smscli.providers import get
from smscli.runtime import Runtime
from smscli.wire import Request, Response
from tests.documents import hold_output
from tests.vendors import NAMES, NOW, PLATFORMS, account, emulator, message

KEY = "Kq7/zX&w+93;é=9<vW'~y\"Q%2f\\j8"
TEXT = 'Zażółć <b>&"jinx" https://host.invalid/?pin=4711&x=q+z 47%/vexing'
PASSWORD = "jUNGLE#gym(71) %vox"
LOGIN = "wUmbo-lOgin.42"
SENDS = ("send", "bulk")
IDS = {"lightsms": "4000000000000025165824", "mainsms": "25165824", "payforsms": "25165824"}
"""An id of each vendor that tells states, which its emulator knows."""
CALLS = [
    (vendor, command)
    for vendor in NAMES
    for command in ("send", "balance", "timestamp", "price", "status")
    if getattr(providers.get(vendor), command)
]


def environ_of(vendor: str) -> dict[str, str]:
    """Return an account whose secrets and free fields are canaries; of a second brand, the last choice of a field."""
    values = {"provider": vendor, "base_url": "https://vendor.example/", "sender": sandbox.demo(vendor).sender or ""}
    for field in providers.get(vendor).fields:
        values[field.name] = LOGIN
        if field.secret:
            values[field.name] = KEY if not field.sent else PASSWORD
        elif field.pattern or field.choices:
            demo = account(vendor).fields[field.name]
            values[field.name] = demo if vendor in PLATFORMS or not field.choices else field.choices[-1]
    return {f"SMSCLI_{name.upper()}": value for name, value in values.items()}


@cache
def good(vendor: str, command: str) -> object:
    """Return the emulator's own answer to the command, which the vendor documents."""
    provider, demo, stamp = providers.get(vendor), account(vendor), str(int(NOW))
    request = provider.balance.build(None, demo, stamp)
    if command in SENDS:
        request = provider.send.build(message(vendor), demo, stamp)
    elif command == "price":
        operation = providers.get(vendor).price
        assert operation is not None
        request = operation.build(message(vendor), demo, stamp)
    elif command == "status":
        assert provider.status is not None
        request = provider.status.build((IDS[vendor],), demo, stamp)
    elif command == "timestamp":
        assert provider.timestamp is not None
        request = provider.timestamp.build(None, demo, "")
    answer: object = json.loads(emulator()(request, 1.0).body)
    return answer


# --- the spellings ---------------------------------------------------------------------------------------------------


def _encoded(word: str, offset: int, encode: Callable[[bytes], bytes] = base64.b64encode) -> str:
    return encode(b"\0" * offset + word.encode()).decode()


def _lower_percent(word: str) -> str:
    return re.sub("%..", lambda match: match[0].lower(), quote(word, safe=""))


SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.upper,
    str.lower,
    str.swapcase,
    quote,
    quote_plus,
    _lower_percent,
    lambda word: quote(quote(word, safe=""), safe=""),
    lambda word: "".join(f"%{byte:02X}" for byte in word.encode()),
    lambda word: json.dumps(word)[1:-1],
    lambda word: json.dumps(word)[1:-1].replace("/", "\\/"),
    lambda word: "".join(f"\\u{ord(character):04x}" for character in word),
    repr,
    html.escape,
    lambda word: "".join(f"&#{ord(character)};" for character in word),
    lambda word: "".join(f"&#x{ord(character):X};" for character in word),
    *(lambda word, offset=offset: _encoded(word, offset) for offset in range(3)),
    *(lambda word, offset=offset: _encoded(word, offset, base64.urlsafe_b64encode) for offset in range(3)),
    lambda word: word.encode().hex(),
    lambda word: word.encode().hex().upper(),
    lambda word: word[::-1],
    "\u200b".join,
    " ".join,
)  # fmt: skip


LAYERS: tuple[Callable[[str], str], ...] = (str, quote, html.escape)
"""What a page may do to a word that is spelled already."""


def squeezed(text: str) -> str:
    """Return letters and digits alone, in one case: what is left of a word however it was drawn out."""
    return re.sub(r"[\W_]+", "", text.casefold())


def undone(text: str) -> Iterator[str]:
    """Yield the text with no, one and two layers of escaping taken off, squeezed."""
    for _ in range(3):
        yield squeezed(text)
        text = unquote(html.unescape(text)).replace("\\/", "/")
        text = re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})", lambda m: chr(int(m[1] or m[2], 16)), text)


def traces(word: str) -> set[str]:
    """Return what betrays a word: eight characters in a row of it or of its reverse or base64, six bytes of its hex.

    Eight digits of hex stand in some digest by chance once in a few thousand journals.
    """
    forms = {squeezed(form) for form in (word, word[::-1])}
    for offset in range(3):
        # What stands before and after changes the first and the last characters; the middle stays.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            forms.add(squeezed(_encoded(word, offset, encode).rstrip("=")[4 if offset else 0 : -2]))
    digits = word.encode().hex()
    return {form[at : at + 8] for form in forms for at in range(len(form) - 7)} | {
        digits[at : at + 12] for at in range(len(digits) - 11)
    }


def assert_silent(place: str, data: bytes, words: dict[str, str]) -> None:
    """Assert that no trace of these words is there."""
    seen = list(undone(data.decode("utf-8", "replace")))
    for name, word in words.items():
        found = [trace for trace in traces(word) if any(trace in text for text in seen)]
        assert not found, f"{name} in {place}: {found[:3]}"


# --- the answers -----------------------------------------------------------------------------------------------------


def trees(vendor: str, command: str, word: str) -> list[object]:
    """Return answers, documented and not, that carry the word."""
    anything: list[object] = [{"error": word}, {word: word}, [word], word, {"error": 5, "message": word}]
    anything += [{"status": "error", "error": word}, {"status": word, "error": 2}, {"": {"error": word}}]
    anything += [{"status": "error", "error": "2", "message": word}, {"code": 41, "text": word}]
    right = good(vendor, command)
    if isinstance(right, dict):
        anything += [right, right | {"error": word}, right | {"note": word}, right | {word: word}]
    return [*anything, *replaced(right, word)]


def replaced(tree: object, word: str) -> Iterator[object]:
    """Yield the tree with the word in each place that can hold one, alone and in a list."""
    yield word
    yield [word]
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from (tree | {name: other} for other in replaced(value, word))
    if isinstance(tree, list):
        for at, value in enumerate(tree):
            yield from ([*tree[:at], other, *tree[at + 1 :]] for other in replaced(value, word))


@st.composite
def answers(draw: st.DrawFn, vendor: str, command: str) -> Callable[[dict[str, str]], Response]:
    """Draw a vendor that answers with what it knows of the request."""
    how = draw(st.sampled_from([*SPELLINGS, None]))
    again = draw(st.sampled_from(LAYERS))
    which = draw(st.integers(0, 120))
    kind = draw(st.sampled_from(["JSON", "JSON", "JSON", "raw JSON", "printed", "HTML", "plain", "Location"]))
    status = draw(st.sampled_from([200, 200, 200, 200, 302, 400, 401, 404, 500, 503]))

    def answer(known: dict[str, str]) -> Response:
        spelled = (one(word) for word in known.values() for one in (SPELLINGS if how is None else (how,)))
        said = " ".join(map(again, spelled))
        given = trees(vendor, command, "\0" if kind == "raw JSON" else said)
        tree = json.dumps(given[which % len(given)], ensure_ascii=which % 2 == 0)
        body = {
            "JSON": tree,
            # As PHP would write it: escapes that stand in the spelling are the JSON's own.
            "raw JSON": tree.replace("\\u0000", said),
            "printed": re.sub(r'"([a-z]+)":', r"\1:", tree),
            "HTML": f"<html><title>{said}</title><a href='?{said}'>{said}</a></html>",
            "plain": said,
            "Location": "",
        }[kind]
        headers = {"location": f"https://host/?{said}", "server": said} if kind == "Location" else {}
        return Response(302 if kind == "Location" else status, body.encode("utf-8", "surrogatepass"), headers)

    return answer


# --- the search ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("vendor", "command"), CALLS, ids=[" ".join(call) for call in CALLS])
@given(data=st.data())
@settings(max_examples=settings().max_examples // 4, deadline=None)
def test_nothing_that_a_vendor_repeats_is_shown_or_kept(vendor: str, command: str, data: st.DataObject) -> None:
    """In every format, with -v. A send's number and text stand in its output, its number and login in the journal.

    A count has the text in its output, with a price or without.
    """
    search(vendor, command, data)


@pytest.mark.parametrize("vendor", PLATFORMS)
@given(data=st.data())
@settings(max_examples=settings().max_examples // 10, deadline=None)
def test_nothing_that_a_vendor_repeats_to_a_list_is_shown_or_kept(vendor: str, data: st.DataObject) -> None:
    """Answers are read as those of a send; no text stands in the output, one not settled yet in the journal."""
    search(vendor, "bulk", data)


def search(vendor: str, command: str, data: st.DataObject) -> None:
    """Run a command against a vendor that repeats what it knows, and search all that is left of it."""
    answer = data.draw(answers(vendor, command))
    output = data.draw(st.sampled_from(["plain", "json", "xml", "table"]))
    number = message(vendor).to[0].digits
    known = {"key": KEY, "password": PASSWORD, "text": TEXT, "login": LOGIN, "number": number}
    clock = providers.get(vendor).timestamp
    clock_url = clock.build(None, account(vendor, "https://vendor.example/"), "").url if clock else ""

    def transport(request: Request, _seconds: float) -> Response:
        pairs = dict((*request.query, *request.form))
        known["signature"] = pairs.get(get(vendor).rule.signature, "f" * 8)
        is_clock = request.url == clock_url and command != "timestamp"
        return Response(200, b"1732809600") if is_clock else answer(known)

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        environ = {"HOME": folder, "SMSCLI_CONFIG": f"{folder}/none.toml", "SMSCLI_STATE_DIR": f"{folder}/state"}
        environ |= environ_of(vendor)
        about = ["--to", f"+{number}", "-"]
        words = {"send": ["send", *about], "price": ["count", "--price", *about], "bulk": ["bulk", "-"]}
        words["status"] = ["status", IDS.get(vendor, "")]
        argv = words.get(command, [command])
        typed = json.dumps({"phone": f"+{number}", "text": TEXT}) if command == "bulk" else TEXT
        runtime = Runtime(
            environ=environ, stdin=io.TextIOWrapper(io.BytesIO(typed.encode())), stdout=out, stderr=err,
            transport=transport, sleep=lambda _: None,
        )  # fmt: skip
        code = run([*argv, "-v", "-o", output], runtime)
        kept = b"".join(path.read_bytes() for path in Path(folder).rglob("*") if path.is_file())
    printed = _bytes(out)
    hold_output(printed.decode())
    assert code in (0, 4, 5, 6, 7)
    assert "signature" in known
    assert bool(kept) is (command in SENDS)
    secret = {name: word for name, word in known.items() if name != "number"}
    told = {name: word for name, word in secret.items() if name != "text" or output in ("plain", "table")}
    assert_silent("stderr", _bytes(err), known)
    of_a_price = {name: word for name, word in known.items() if name != "text"}
    assert_silent("stdout", printed, {"send": told, "bulk": secret, "price": of_a_price}.get(command, known))
    # A job of a list keeps a text until it is known what became of it.
    stored = {"login", "text"} if command == "bulk" and code else {"login"}
    assert_silent("the journal", kept, {name: word for name, word in secret.items() if name not in stored})


def _bytes(stream: io.TextIOWrapper) -> bytes:
    memory = stream.detach()
    assert isinstance(memory, io.BytesIO)
    return memory.getvalue()


@pytest.mark.parametrize("spell", SPELLINGS)
def test_the_search_would_find_every_spelling(spell: Callable[[str], str]) -> None:
    """A search that finds nothing proves nothing unless it finds what is there."""
    for word in (KEY, PASSWORD, TEXT, LOGIN):
        with pytest.raises(AssertionError, match="canary in here"):
            assert_silent("here", f"said: {spell(word)}.".encode(), {"canary": word})

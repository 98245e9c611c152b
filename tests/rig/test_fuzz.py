"""Rig: hostile answers. Whatever a vendor (or whoever sits in between) says, reading it never fails and never lies.

The judgement of what a success looks like is written a second time (tests/oracles), from the vendors' pages, and
stricter than it is short: a parser that believes more than this believes too much. ``RIG_LONG=1`` reads a million
bodies each.
"""

from __future__ import annotations

import io
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from smscli.cli import run
from smscli.model import Outcome
from smscli.providers import get
from smscli.runtime import Runtime
from smscli.wire import Response
from tests.client import VENDORS
from tests.documents import document
from tests.figures import figure
from tests.vendor import Step, Vendor
from tests.vendors import environment, message, needed_oracle, numbers

BODIES = 1_000_000 if os.environ.get("RIG_LONG") else 20_000
OVER_HTTP = 100
SECONDS = 0.050
STAMP = "1331024400"

NUMBERS = {name: tuple(number.lstrip("+") for number in numbers(name)) for name in VENDORS}


def judge(vendor: str, response: Response, to: tuple[str, ...]) -> dict[str, str]:
    """Return the id of every recipient that this answer proves to be accepted: none for anything undocumented."""
    if response.status != 200:
        return {}
    try:
        text = response.body.decode("utf-8")
        return needed_oracle(vendor).judge(text.removeprefix("\ufeff"), to, STAMP)
    except (ValueError, RecursionError):
        return {}


# --- the bodies ------------------------------------------------------------------------------------------------------


# What may stand where another token stood.
TOKENS = (
    *(
        "0",
        "1",
        "-1",
        "00",
        "0.0",
        "1e0",
        "1e999",
        "-0",
        "9" * 20,
        "9" * 5000,
        "NaN",
        "Infinity",
        "null",
        "true",
        "false",
    ),
    *('""', '"0"', '"1"', '"000"', '"13"', '"\\u0000"', '"\\ud800"', '"٣"', '"success"', '"delivered"', '"error"'),
    *("[]", "{}", "[[]]", '{"":{}}', '{"error":0}', "'x'", "/**/", ",", ":", "0x10", "\ufeff", "\x00", "\x1b[2J", "<"),
)
NAMES = ("error", "id_sms", "status", "test", "recipients", "messages_id", "msisdn", "balance", "", "message", "sender")
PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9.]+|[A-Za-z]+|[^\s]')


def change_token(rng: random.Random, text: str) -> str:
    """Replace, drop or repeat one token."""
    found = list(PIECE.finditer(text))
    if not found:
        return rng.choice(TOKENS)
    one = rng.choice(found)
    new = rng.choice((rng.choice(TOKENS), f'"{rng.choice(NAMES)}"', "", one[0] * 2, rng.choice(found)[0]))
    return text[: one.start()] + new + text[one.end() :]


def add_member(rng: random.Random, text: str) -> str:
    """Put one more member into an object, perhaps one that is there already."""
    braces = [index for index, character in enumerate(text) if character == "{"]
    if not braces:
        return text + "{}"
    at = rng.choice(braces) + 1
    return f'{text[:at]}"{rng.choice(NAMES)}":{rng.choice(TOKENS)},{text[at:]}'


def change_bytes(rng: random.Random, body: bytes) -> bytes:
    """Flip, cut, repeat or insert bytes."""
    at, count = rng.randrange(len(body) + 1), rng.randrange(1, 9)
    return rng.choice(
        (
            body[:at],
            body[at:],
            body[:at] + body[at + count :],
            body[:at] + rng.randbytes(count) + body[at:],
            body[:at] + rng.randbytes(1) + body[at + 1 :],
            body + body,
            body[:at] + body,
        )
    )


def random_value(rng: random.Random, level: int = 0) -> object:
    """Return any JSON value made of the words that the vendors use."""
    if level < 4 and rng.random() < 0.6:
        if rng.random() < 0.5:
            return [random_value(rng, level + 1) for _ in range(rng.randrange(4))]
        words = (*NAMES, *(number for to in NUMBERS.values() for number in to))
        return {rng.choice(words): random_value(rng, level + 1) for _ in range(rng.randrange(5))}
    return rng.choice(
        (None, True, False, 0, 1, -1, 0.5, 10**30, "0", "1", "success", "delivered", "free", "é\u202e", 5e9)
    )


def fuzzed(rng: random.Random, corpus: list[str]) -> Response:
    """Return one hostile answer."""
    kind = rng.random()
    if kind < 0.1:
        body = json.dumps(random_value(rng), ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    elif kind < 0.15:
        body = rng.randbytes(rng.randrange(200))
    else:
        text = rng.choice(corpus)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 6))):
            text = change_token(rng, text) if rng.random() < 0.7 else add_member(rng, text)
        body = text.encode("utf-8", "surrogatepass")
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        body = change_bytes(rng, body)
    wrap = rng.random()
    if wrap < 0.02:
        body = b"\xef\xbb\xbf" * rng.randrange(1, 3) + body
    elif wrap < 0.03:
        body = body.decode("latin-1").encode("utf-16")
    elif wrap < 0.05:
        body = b"<html><body>" + body + b"</body></html>"
    return Response(rng.choice((200,) * 9 + (500, 302, 204)), body[:65536])


# --- in the process --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_answer_raises_and_none_is_believed_too_much(vendor: str) -> None:
    """Every recipient gets one outcome; SENT only when the second opinion agrees, id included."""
    rng = random.Random(f"fuzz {vendor}")  # noqa: S311  (repeatable, not secret)
    parse, documented = get(vendor).send.parse, needed_oracle(vendor).documented
    asked = [(message(vendor, "My Message", count), documented(NUMBERS[vendor][:count])) for count in (1, 2, 3)]
    tally: Counter[Outcome] = Counter()
    proved, slowest, culprit = 0, 0.0, b""
    for _ in range(BODIES):
        what, corpus = rng.choice(asked)
        answer = fuzzed(rng, corpus)
        started = time.thread_time()
        receipt = parse(answer, what, STAMP)
        took = time.thread_time() - started
        if took > slowest:
            slowest, culprit = took, answer.body
        assert [s.to for s in receipt.submissions] == list(what.to), answer
        allowed = judge(vendor, answer, tuple(number.digits for number in what.to))
        sent = {s.to.digits: s.message_id for s in receipt.submissions if s.outcome is Outcome.SENT}
        assert sent.items() <= allowed.items(), (answer, sent, allowed)
        outcomes = {s.outcome for s in receipt.submissions}
        assert Outcome.NOT_SENT not in outcomes, answer
        # A refusal is told as one: the word must be there.
        assert Outcome.REFUSED not in outcomes or b"error" in answer.body or b"\\u" in answer.body, answer
        assert all(s.reason for s in receipt.submissions if s.outcome is not Outcome.SENT), answer
        tally.update(s.outcome for s in receipt.submissions)
        proved += len(allowed)
    assert slowest <= SECONDS, f"{slowest * 1000:.1f} ms for {culprit[:200]!r}"
    assert tally[Outcome.SENT] > BODIES // 50, "the corpus has become too hostile to prove anything"
    figure(
        f"fuzzed answers, {vendor}: {BODIES} bodies, 0 exceptions, {tally[Outcome.SENT]} SENT of {proved} that a "
        f"second judge would allow, 0 false, {tally[Outcome.REFUSED]} REFUSED, {tally[Outcome.UNKNOWN]} UNKNOWN, "
        f"slowest {slowest * 1000:.2f} ms"
    )


BOMBS = r"""
import json, time
from smscli.model import Outcome
from smscli.providers import get
from smscli.wire import Response
from tests.memory import peak_memory
from tests.vendors import ORACLES, PLATFORMS, message, numbers

N = 65536
bombs = {
    "brackets": "[" * N, "closed brackets": "[" * (N // 2) + "]" * (N // 2), "braces": "{" * N,
    "members": '{"a":' * (N // 5), "depth in a list": '[{"a":' * (N // 6),
    "digits": "9" * N, "digits in a field": '{"error":' + "9" * (N - 20) + "}", "exponent": "1e" + "9" * 1000,
    "negative": "-" * N, "long string": '"' + "a" * (N - 2) + '"', "open string": '"' + "a" * (N - 1),
    "backslashes": '"' + "\\" * (N - 2) + '"', "escapes": '"' + "\\u0041" * (N // 6) + '"',
    "surrogates": '"' + "\\ud83d" * (N // 6) + '"', "zeros": "[" + "0," * (N // 2 - 2) + "0]",
    "objects": "[" + "{}," * (N // 3 - 2) + "{}]", "quotes": '"' * N, "names": "{" + "a:" * (N // 2),
    "same names": "{" + '"a":0,' * (N // 6 - 1) + '"a":0}',
    "many names": "{" + ",".join(f'"{i}":0' for i in range(N // 9)) + "}",
    "tags": "<" * N, "closed tags": "<a>" * (N // 3), "blanks": " " * N, "new lines": "\n" * N, "tabs": "\t" * N + "{",
    "laughs": '<?xml version="1.0"?><!DOCTYPE lolz [' + '<!ENTITY lol "lol">' * 3000 + "]>",
    "equals": "a=b " * (N // 4), "hex": "ab" * (N // 2), "urls": "http://" * (N // 7), "nul": "\0" * N,
    "bom": "\ufeff" * (N // 3), "bidi": "\u202e" * (N // 3), "commas": "," * N, "colons": ":" * N,
}
for oracle in ORACLES.values():
    bombs |= oracle.long_answers(N)
slowest, which = 0.0, ""
for vendor in PLATFORMS:
    what = message(vendor, "My Message")
    true = ORACLES[vendor].TRUE_BUT_LONG if vendor in ORACLES else ()
    parse = get(vendor).send.parse
    parse(Response(200, b"{a:1}"), what, "1")  # libraries are loaded once, and not counted
    for name, text in bombs.items():
        for body in (text.encode()[:N], text.encode("utf-16")[:N]):
            started = time.thread_time()
            receipt = parse(Response(200, body), what, "1")
            took = time.thread_time() - started
            if took > slowest:
                slowest, which = took, f"{vendor}: {name}"
            assert len(receipt.submissions) == 1
            wanted = Outcome.UNKNOWN
            if name in true:
                wanted = receipt.submissions[0].outcome  # some fit into 64 KiB
            assert receipt.submissions[0].outcome is wanted, (vendor, name, receipt)
print(json.dumps([len(bombs), slowest, which, peak_memory()]))
"""


def test_bombs_cost_neither_time_nor_memory() -> None:
    """64 KiB of the worst that JSON can spell: each read within 50 ms, all of them within 150 MiB."""
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", BOMBS], cwd=root, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    count, slowest, which, mebibytes = json.loads(ran.stdout)
    assert mebibytes < 150
    assert slowest <= SECONDS, f"{which}: {slowest * 1000:.1f} ms"
    figure(
        f"bombs: {count} shapes x 2 encodings x {len(VENDORS)} vendors, {mebibytes:.0f} MiB, "
        f"slowest {slowest * 1000:.1f} ms ({which})"
    )


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor_name", VENDORS)
def test_the_whole_way_agrees(vendor: Vendor, vendor_name: str, tmp_path: Path) -> None:
    """From argv over a socket to the exit status: 0 only for what the second opinion calls a success."""
    rng = random.Random(f"http {vendor_name}")  # noqa: S311  (repeatable, not secret)
    number = NUMBERS[vendor_name][0]
    corpus = needed_oracle(vendor_name).documented((number,))
    codes: Counter[int] = Counter()
    environ = {
        "HOME": str(tmp_path),
        "SMSCLI_CONFIG": str(tmp_path / "none.toml"),
        "SMSCLI_STATE_DIR": str(tmp_path / "state"),
        **environment(vendor_name),
        "SMSCLI_BASE_URL": vendor.url(vendor_name),
    }
    for _ in range(OVER_HTTP):
        answer = fuzzed(rng, corpus) if rng.random() < 0.8 else Response(200, rng.choice(corpus).encode())
        vendor.script(*[Step(body=answer.body.decode("latin-1"), status=f"{answer.status} X")] * 3)
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        world = Runtime(environ=environ, stdin=None, stdout=out, stderr=err, sleep=lambda _: None)
        code = run(["send", "--to", f"+{number}", "--no-journal", "hello", "-o", "json"], world)
        out.seek(0)
        tree = document(out.read())
        (recipient,) = tree["data"]["recipients"]
        allowed = judge(vendor_name, answer, (number,))
        # A 204 has no body.
        assert code in (0, 4, 5, 6, 7), (answer, tree)
        assert (code == 0) == (recipient["outcome"] == "SENT"), (answer, tree)
        assert code != 0 or number in allowed, (answer, tree)
        # An id that is made of the request's stamp is another one here.
        if code == 0 and STAMP not in allowed[number]:
            assert recipient["message_id"] == allowed[number]
        codes[code] += 1
    assert codes[0], codes
    shown = ", ".join(f"{count} x {code}" for code, count in sorted(codes.items()))
    figure(f"fuzzed answers over HTTP, {vendor_name}: {codes.total()} sends, exit status {shown}; 0 false, 0 internal")

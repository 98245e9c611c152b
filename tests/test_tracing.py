"""``-v`` and ``-vv``: what is done, step by step, and no value of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from smscli import sandbox
from smscli.errors import UnreachableError
from smscli.tracing import Trace, request_details, response_details
from smscli.wire import Request, Response
from tests.conftest import Ran
from tests.vendors import NAMES, emulator, environment, numbers

Run = Callable[..., Ran]


def steps(ran: Ran) -> list[str]:
    """Return the lines of ``-v`` without their milliseconds."""
    return re.findall(r"^smscli: +[0-9]+\.[0-9] ms  (.*)$", ran.err, re.MULTILINE)


@pytest.mark.parametrize("vendor", NAMES)
def test_every_step_of_a_send_is_a_line_in_its_order(smscli: Run, vendor: str) -> None:
    """Whose account, the journal before and after the request, the request, its answer."""
    argv = ("send", "hello", "--to", numbers(vendor)[0], "-v")
    ran = smscli(*argv, environ=environment(vendor), transport=emulator())
    assert ran.code == 0, ran.err
    lines = steps(ran)
    sent = next(number for number, line in enumerate(lines) if "message" in line or "text" in line or "Text" in line)
    words = [line.partition(" ")[0] for line in lines]
    assert lines.index("journal: 1 in flight") < sent < lines.index("journal: outcome of 1 recorded"), lines
    assert words[sent + 1] == "<"
    assert sum(line.startswith("journal ") and line.endswith(" is open") for line in lines) == 1


def test_the_milliseconds_count_from_the_beginning(smscli: Run) -> None:
    """They grow from line to line, so that one sees where the time went."""
    moments = iter(range(1000))
    ran = smscli("balance", "--sandbox", "-v", monotonic=lambda: float(next(moments)))
    counted = [float(ms) for ms in re.findall(r"([0-9.]+) ms  ", ran.err)]
    assert len(counted) >= 3
    assert counted == sorted(set(counted))


@pytest.mark.parametrize("words", [("-vv",), ("-v", "-v"), ("--verbose", "--verbose")])
def test_twice_shows_the_shape_of_what_travels(smscli: Run, words: tuple[str, ...]) -> None:
    """Names, lengths and kinds, before the command as well as behind it."""
    for argv in ((*words, "balance", "--sandbox"), ("balance", "--sandbox", *words)):
        err = smscli(*argv).err
        assert re.search(r"> query login: [0-9]+ characters", err), err
        assert "< body: a JSON object of 2 members" in err
        assert "< content-type: application/json" in err
    assert "characters" not in smscli("balance", "--sandbox", "-v").err


@pytest.mark.parametrize("vendor", NAMES)
def test_no_value_is_shown(smscli: Run, vendor: str) -> None:
    """Neither of the account nor of the message, nor what an answer brings."""
    account = sandbox.demo(vendor).account
    text = "a text nobody else may read"
    argv = ("send", text, "--to", numbers(vendor)[0], "-vv", "-o", "json")
    ran = smscli(*argv, environ=environment(vendor), transport=emulator())
    traced = "\n".join(line for line in ran.err.splitlines() if re.match(r"smscli: {4}", line))
    assert "form" in traced or "query" in traced
    traced = re.sub(r"> (form|query) \S+:|\(.*\)", "", traced)  # names, which a demo account may repeat
    values = [*account.fields.values(), *(secret.reveal() for secret in account.secrets), text, numbers(vendor)[0][1:]]
    ids = [recipient["message_id"] for recipient in ran.json["data"]["recipients"]]
    assert [value for value in (*values, *ids) if len(value) > 4 and value in traced] == []


def test_what_never_came_is_said_with_the_time_it_took(smscli: Run) -> None:
    """A request without an answer is the line somebody looks for at night."""

    def transport(_request: Request, _seconds: float) -> Response:
        raise UnreachableError("the cable is out")

    ran = smscli("balance", "--sandbox", "-v", transport=transport)
    assert any(re.fullmatch(r"< nothing, after [0-9.]+ ms: the cable is out", line) for line in steps(ran))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a": 1, "b": [2]}', "a JSON object of 2 members"),
        (b"[1, 2, 3]", "a JSON list of 3"),
        (b"12", "JSON: int"),
        (b"<html>", "it looks like HTML or XML"),
        (b"", "it is empty"),
        (b"\xff", "the answer is not UTF-8"),
    ],
)
def test_the_kind_of_a_body_is_told_and_no_word_of_it(body: bytes, kind: str) -> None:
    """Whatever it is."""
    response = Response(200, body, {"x-secret": "hidden", "date": "today"})
    assert list(response_details(response)) == ["< x-secret: 6 characters", "< date: today", f"< body: {kind}"]


def test_the_shape_of_a_request_is_its_headers_fields_and_size() -> None:
    """One line each."""
    request = Request("POST", "https://x.invalid/", (("a", "b"),), (("c", "de"),), (("X-Key", "secret"),))
    assert list(request_details(request)) == [
        "> X-Key: 6 characters", "> query a: 1 character", "> form c: 2 characters", "> body: 4 bytes",
    ]  # fmt: skip


def test_nothing_is_written_at_level_0_and_no_details_at_level_1() -> None:
    """What is not wanted is not even made."""
    written: list[str] = []

    def never() -> str:
        raise AssertionError

    for level in (0, 1):
        trace = Trace(written.append, float, level)
        trace("step")
        trace.details(never() for _ in range(1))
    assert written == ["    0.0 ms  step"]

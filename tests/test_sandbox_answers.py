"""Every operation of every emulator, in every format, against the answer that the vendor's pages or programs show.

``oracles/answers/<vendor>.json`` has the cases: what is asked, and the answer as a pattern. A text is a pattern for a
text, one behind ``#`` for a number; a name behind ``*`` stands for all names of an object. ``{id}`` is the id of a
message sent before, ``{later}`` of one that waits. ``path`` begins with ``/``, or stands below the account's address.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from smscli import providers, sandbox
from smscli.model import Pairs, Secret
from smscli.wire import Request, Response, Transport
from tests.vendors import NOW, PLATFORMS, account, message

FILES = {vendor: Path(__file__).parent / "oracles" / "answers" / f"{vendor}.json" for vendor in PLATFORMS}
STORED = {vendor: json.loads(file.read_text("utf-8")) for vendor, file in FILES.items() if file.exists()}
CASES = [
    pytest.param(vendor, {"identity": stored["identity"], **case}, id=f"{vendor}: {case['title']}")
    for vendor, stored in STORED.items()
    for case in stored["cases"]
]
STAMP = str(int(NOW))


def fits(value: object, pattern: Any) -> bool:
    """Return whether an answer, or a part of one, is what the pattern says."""
    if isinstance(pattern, dict):
        if not isinstance(value, dict):
            return False
        if "".join(pattern).startswith("*"):
            ((name, inner),) = pattern.items()
            return bool(value) and all(re.fullmatch(name[1:], one) and fits(value[one], inner) for one in value)
        return list(value) == list(pattern) and all(fits(value[name], pattern[name]) for name in pattern)
    if isinstance(pattern, list):
        return isinstance(value, list) and bool(value) and all(fits(one, pattern[0]) for one in value)
    if isinstance(pattern, str) and pattern.startswith("#"):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and re.fullmatch(pattern[1:], str(value)) is not None
    if isinstance(pattern, str):
        return isinstance(value, str) and re.fullmatch(pattern, value) is not None
    return value is pattern


def is_alike(element: ET.Element, pattern: ET.Element) -> bool:
    """Return whether an element has the same name, attributes and children in the same order, and fitting values."""
    return (
        element.tag == pattern.tag
        and [*element.attrib] == [*pattern.attrib]
        and all(re.fullmatch(pattern.attrib[name], value) for name, value in element.attrib.items())
        and re.fullmatch(pattern.text or "", element.text or "") is not None
        and len(element) == len(pattern)
        and all(is_alike(one, other) for one, other in zip(element, pattern, strict=True))
    )


def ask(vendor: str, case: dict[str, Any], speak: Transport, values: dict[str, str]) -> Response:
    """Ask what the case asks, signed as it says."""

    def filled(text: str) -> str:
        return re.sub(r"\{([a-z_]+)\}", lambda match: values[match[1]], text)

    provider, demo = providers.get(vendor), account(vendor)
    params = {name: filled(value) for name, value in (case["identity"] | case.get("params", {})).items()}
    pairs: Pairs = tuple(params.items())
    if case.get("signed", True):
        # An array is signed as one value.
        signed = {name: value for name, value in params.items() if "[" not in name} | case.get("as_signed", {})
        key = Secret(case["key"]) if "key" in case else demo.secret
        pairs += ((provider.rule.signature, provider.sign(tuple(signed.items()), key).signature),)
    path = case["path"]
    if not path.startswith("/"):
        path = urlsplit(demo.base_url).path + path
    url, _, query = f"http://sandbox.invalid{path}".partition("?")
    action = tuple(tuple(pair.split("=")) for pair in query.split("&") if query)
    return speak(Request("POST", url, action, pairs), 1.0)  # type: ignore[arg-type]  # pairs of two


def sent(vendor: str, speak: Transport, **more: Any) -> str:
    """Send a message, and return its id; empty where the vendor has none that could be asked about."""
    provider, wanted = providers.get(vendor), message(vendor)._replace(**more)
    if provider.status is None:
        return ""
    reply = speak(provider.send.build(wanted, account(vendor), STAMP), 1.0)
    return provider.send.parse(reply, wanted, STAMP).submissions[0].message_id or ""


@pytest.mark.parametrize(("vendor", "case"), CASES)
def test_an_answer_is_the_one_that_pages_and_programs_show(vendor: str, case: dict[str, Any]) -> None:
    """Names, their order, and what is text and what a number: clients trip over each."""
    seconds = [NOW]
    speak = sandbox.transport(sandbox.create_app(clock=lambda: seconds[0]))
    asked = json.dumps(case)
    values = {"stamp": STAMP, "key": account(vendor).secret.reveal(), **account(vendor).fields}
    if "{id}" in asked:
        values["id"] = sent(vendor, speak)
    if "{later}" in asked:
        values["later"] = sent(vendor, speak, send_at=datetime(2031, 1, 1, tzinfo=UTC))
    seconds[0] += case.get("after", 0)
    values["stamp"] = str(int(seconds[0]))
    reply = ask(vendor, case, speak, values)
    body = reply.body.decode()
    assert reply.status == case.get("status", 200), body
    if "json" in case:
        assert reply.headers["content-type"] == "application/json; charset=utf-8"
        assert fits(json.loads(body), case["json"]), body
    elif "xml" in case:
        assert re.match(r'<\?xml version="1\.0" encoding="(utf-8|UTF-8)"\?>\n<', body)
        pattern = re.sub(r"\{([a-z]+)\}", lambda match: values[match[1]], case["xml"])
        root = ET.fromstring(body)  # noqa: S314  (our own sandbox's answer)
        assert is_alike(root, ET.fromstring(pattern)), body  # noqa: S314  (our own file)
    else:
        assert re.fullmatch(case["text"], body)


@pytest.mark.parametrize("vendor", STORED)
def test_what_no_case_asks_for_says_that_it_is_not_emulated(vendor: str) -> None:
    """A new method has a case, or is a name that is only known; a right signature does not help it."""
    emulator = next(one for one in sandbox.emulators() if vendor in one.demo)
    base = urlsplit(account(vendor).base_url).path
    paths = {case["path"].partition("?")[0] for case in STORED[vendor]["cases"]}
    asked = {emulator.handler(path if path.startswith("/") else base + path) for path in paths}
    speak = sandbox.transport(sandbox.create_app(clock=lambda: NOW))
    case = {"identity": STORED[vendor]["identity"]}
    values = {"stamp": STAMP, "key": "", **account(vendor).fields}
    for path in [path for path, handle in emulator.routes.items() if handle not in asked]:
        assert " is not emulated: " in ask(vendor, case | {"path": path}, speak, values).headers["x-smscli-reason"]

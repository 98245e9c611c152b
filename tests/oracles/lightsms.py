"""LightSMS, read a second time."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tests.oracles._oracle import Pair, Sent
from tests.oracles._strict import digits, strict

KEY = "your_api_key_here"


# --- the server ------------------------------------------------------------------------------------------------------


def operation(script: str, _given: Mapping[str, str]) -> str:
    """Each has a script of its own."""
    return "price" if script == "operator" else script


def sent(pairs: Sequence[Pair]) -> Sent:
    """One parameter for all numbers."""
    given = dict(pairs)
    phones = given.get("phone", "").split(",")
    return Sent(phones, given.get("text", ""), given.get("sender", ""), given.get("timestamp", ""))


def success(operation: str, recipients: list[str], _given: Mapping[str, str], ids: list[str]) -> object:
    """The time as bare digits; money; an entry for each number."""
    if operation == "timestamp":
        return int(time.time())
    if operation == "balance":
        return {"money": "150.50", "currency": "EUR"}
    if operation == "price":
        return {"currency": "EUR", "error": 0, "ok": True, "phone": recipients[0], "price": 0.012}
    return {
        phone: {"error": "0", "id_sms": one, "cost": "0.0144", "count_sms": "1"}
        for phone, one in zip(recipients, ids, strict=True)
    }


def refusal(given: Mapping[str, str], is_signed: bool, now: float) -> object | None:
    """A timestamp is good for ten seconds; one of slack, for it has no fractions."""
    stale = not 0 <= now - int(given.get("timestamp", "0")) + 1 <= 11
    return None if is_signed and not stale else {"error": 24 if stale else 6}


# --- answers ---------------------------------------------------------------------------------------------------------


def judge(text: str, to: tuple[str, ...], _stamp: str) -> dict[str, str]:
    """Every key a number that was asked for, ``error`` 0 and an id of its own: that number was accepted."""
    answer = strict(text)
    if isinstance(answer, list):
        pairs = [pair for item in answer if isinstance(item, dict) for pair in item.items()]
        if len(pairs) != len(answer) or any(not isinstance(item, dict) or len(item) != 1 for item in answer):
            return {}
    elif isinstance(answer, dict):
        pairs = list(answer.items())
    else:
        return {}
    named = [re.sub(r"^(\+|00)", "", name) for name, _ in pairs]
    if len(set(named)) < len(named) or not set(named) <= set(to):
        return {}
    entries = {name: entry for name, (_, entry) in zip(named, pairs, strict=True) if isinstance(entry, dict)}
    sent = {
        name: digits(entry.get("id_sms"))
        for name, entry in entries.items()
        if entry.get("error") in ("0", 0) and type(entry.get("error")) in (str, int) and digits(entry.get("id_sms"))
    }
    return sent if len(set(sent.values())) == len(sent) else {}


def documented(to: tuple[str, ...]) -> list[str]:
    """Numbers as names, in an object or a list; errors of all and of one."""
    good: dict[str, object] = {
        one: {"error": "0", "id_sms": f"4{one}", "cost": "0.0144", "count_sms": "1"} for one in to
    }
    mixed = good | {to[-1]: {"error": "13"}}
    trees: list[object] = [good, mixed, [{name: entry} for name, entry in good.items()]]
    trees += [{"error": 24}, {"error": "000"}, {"": {"error": "32"}}, {to[0]: {"error": 0, "id_sms": 5}}]
    return [json.dumps(tree, separators=(",", ":")) for tree in trees]


def long_answers(_size: int) -> Mapping[str, str]:
    """More numbers than were asked for."""
    entries = (f'"370{number:08}":{{"error":"0","id_sms":"1"}}' for number in range(1500))
    return {"many numbers": "{" + ",".join(entries) + "}"}


TRUE_BUT_LONG = ()
REFUSALS = {
    '{"error":6}': 4,
    '{"error":"7"}': 4,
    '{"":{"error":"000"}}': 5,
    '{"37061234567":{"error":32}}': 5,
}
# Service; signature, login; sender: malformed, unknown, not approved; destination; funds; billing.
_OF_ACCOUNT = {"000", "1", "2", "6", "7", "8", "9", "10", "31", "32", "35"}
_OF_A_SEND = ("000", *(str(code) for code in (*range(1, 17), 27, *range(31, 37)) if code not in (5, 15)))
ACCOUNT_REFUSALS = {f'{{"error":"{code}"}}': code in _OF_ACCOUNT for code in _OF_A_SEND}
STALE = {5: '{"error":5}', 24: '{"error":24}'}
SOME_REFUSALS = ('{"error": "11"}', '{"": {"error": "9"}}', '{"error": 24}')


def half_refused(tree: Any, second: str) -> Any:
    """Its entry has an error."""
    return tree | {second: {"error": "13"}}


# --- a program that signs --------------------------------------------------------------------------------------------


def parameters(random: Random, texts: Sequence[str]) -> list[Pair]:
    """A send, or one that asks."""
    pairs = [("login", "YourLogin"), ("timestamp", str(random.randrange(1_600_000_000, 1_900_000_000)))]
    if random.random() < 0.7:
        pairs.append(("return", random.choice(("json", "xml"))))
    if random.random() < 0.75:
        numbers = random.sample(("37061234567", "37062345678", "79121231234"), random.randint(1, 3))
        pairs += [
            ("phone", ",".join(numbers)),
            ("sender", random.choice(("YourSender", "My Shop", ""))),
            ("text", random.choice(texts)),
        ]
        if random.random() < 0.3:
            pairs.append(("sendingTime", "2031-01-15 10:00"))
    if random.random() < 0.3:
        pairs.append(("Viber", random.choice("01")))  # a capital letter, which locales sort elsewhere
    return pairs


def ordered(pairs: list[Pair]) -> list[Pair]:
    """By name, bytewise."""
    return sorted(pairs, key=lambda pair: pair[0].encode())


PROGRAM = {"digest": lambda text, _: hashlib.md5(text, usedforsecurity=False).hexdigest()}
FAMILY = "glued"
ADDED = frozenset(
    {
        ("return", "json"), ("return", "xml"), ("test", "1"), ("format", "json"), ("sender", "null"),
        ("sendingTime", "None"),
    }
)  # fmt: skip
STAMP_NAME = "timestamp"
REPEATED = ""

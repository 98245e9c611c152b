"""Mesajlarim, read a second time."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tests.oracles._oracle import Pair, Sent
from tests.oracles._strict import strict

KEY = "mySecret"


# --- the server ------------------------------------------------------------------------------------------------------


def operation(script: str, given: Mapping[str, str]) -> str:
    """One script for all, which is told the action."""
    action = given.get("action", "") if script == "api" else script
    return "send" if action == "sendsms" else action


def sent(pairs: Sequence[Pair]) -> Sent:
    """A parameter for each number; the sender is the account's."""
    given = dict(pairs)
    recipients = [value for name, value in pairs if name in ("recipient", "recipient[]")]
    return Sent(recipients, given.get("message", ""), given.get("msisdn", ""), given.get("rand", ""))


def success(operation: str, recipients: list[str], given: Mapping[str, str], _ids: list[str]) -> object:
    """An entry for each recipient, and no id."""
    if operation == "balance":
        return {"msisdn": given.get("msisdn", ""), "balance": 12, "freeTotal": 15}
    entries = [{"msisdn": one, "status": "delivered", "charge": "free"} for one in recipients]
    return {"sender": given.get("msisdn", ""), "message": "ok", "recipients": entries, "balance": 3}


def refusal(_given: Mapping[str, str], is_signed: bool, _now: float) -> object | None:
    """A sentence."""
    return None if is_signed else {"error": "Invalid Token Given"}


# --- answers ---------------------------------------------------------------------------------------------------------


def judge(text: str, to: tuple[str, ...], stamp: str) -> dict[str, str]:
    """All four documented members, every recipient one that was asked for, with one result: delivered."""
    try:
        answer = strict(text)
    except ValueError:
        # The printed form: the same with bare names before colons. Nothing inside a string is touched, but whoever
        # prints names bare will not escape a line break in a text either.
        named = re.sub(r'("(?:[^"\\]|\\.)*")|([A-Za-z]+)(?=\s*:)', lambda m: m[1] or f'"{m[2]}"', text, flags=re.DOTALL)
        answer = strict(named, printed=True)
    if not isinstance(answer, dict) or answer.get("error") is not None:
        return {}
    entries, left = answer.get("recipients"), answer.get("balance")
    if not isinstance(entries, list) or type(left) is not int or left < -1:
        return {}
    if not isinstance(answer.get("sender"), str) or not isinstance(answer.get("message"), str):
        return {}
    results: dict[str, set[tuple[str, str]]] = {}
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("msisdn"), str):
            return {}
        if entry.get("status") not in ("delivered", "error"):
            return {}
        if entry.get("charge") not in ("none", "free", "charged", "partly-charged"):
            return {}
        results.setdefault("90" + entry["msisdn"], set()).add((entry["status"], entry["charge"]))
    if not results.keys() <= set(to):
        return {}
    return {
        number: f"{stamp}-{number[2:]}"
        for number, different in results.items()
        if len(different) == 1 and next(iter(different))[0] == "delivered"
    }


def documented(to: tuple[str, ...]) -> list[str]:
    """As JSON, and as the page prints it: with bare names."""
    entries = [{"msisdn": one[2:], "status": "delivered", "charge": "free"} for one in to]
    good: dict[str, object] = {"sender": "5321000000", "message": "My Message", "recipients": entries, "balance": 3}
    refused_one = good | {"recipients": [entries[0] | {"status": "error"}]}
    trees: list[object] = [good, {"error": "Invalid Token Given"}, refused_one]
    printed = [re.sub(r'"([a-z]+)":', r"\1:", json.dumps(tree, indent=1)) for tree in trees[:2]]
    return [*(json.dumps(tree) for tree in trees), *printed]


_ENTRY = '{"msisdn":"5321000000","status":"delivered","charge":"free"}'
TRUE_BUT_LONG = ("many recipients", "printed, many recipients", "printed, long text")


def long_answers(size: int) -> Mapping[str, str]:
    """The printed form is read in ways of its own, so it has bombs of its own."""
    many = ",".join([_ENTRY] * (size // 65))
    return {
        "printed, just short enough": "{sender:" + " " * 2000 + '"1",message:"m",recipients:[],balance:3}',
        "printed, many brackets": "{a:" + "[" * 60 + "]" * 60 + "}",
        "printed, deep": "{a:" * 600,
        "printed, words": "{" + "abcdefghij:" * 180,
        "printed, many recipients": f'{{sender:"1",message:"m",recipients:[{",".join([_ENTRY] * 25)}],balance:3}}',
        "printed, long text": '{sender:"1",message:"' + "\\u0041" * 300 + f'",recipients:[{_ENTRY}],balance:3}}',
        "many recipients": f'{{"sender":"1","message":"m","recipients":[{many}],"balance":3}}',
    }


REFUSALS = {
    '{"error":"Invalid Token Given"}': 4,
    '{error:"Invalid IP Address"}': 4,
    '{"error":"Too many recipients"}': 5,
    '{"error":"Invalid App Id"}': 4,
    '{"error":"Recipients cannot be empty"}': 5,
}
ACCOUNT_REFUSALS = {
    '{"error":"MSISDN is missing"}': True,
    '{"error":"Token cannot be empty"}': True,
    '{"error":"Invalid IP Address"}': True,
    '{"error":"Invalid Token Given"}': True,
    '{"error":"Invalid App Id"}': True,
    '{"error":"Random value cannot be empty"}': False,
    '{"error":"Sender MSISDN and message cannot be empty"}': False,
    '{"error":"Recipients cannot be empty"}': False,
    '{"error":"Too many recipients"}': False,
}
STALE: Mapping[int, str] = {}
SOME_REFUSALS = ()


def half_refused(tree: Any, _second: str) -> Any:
    """Its entry says so."""
    first, second = tree["recipients"]
    return tree | {"recipients": [first, second | {"status": "error"}]}


# --- a program that signs --------------------------------------------------------------------------------------------


def parameters(random: Random, texts: Sequence[str]) -> list[Pair]:
    """A send, or one that asks."""
    pairs = [("appId", str(random.randint(1, 99))), ("msisdn", "5321000000")]
    if random.random() < 0.8:
        numbers = random.sample(("5322000000", "5323000000", "5324000000"), random.randint(1, 3))
        name = "recipient" if len(numbers) == 1 else "recipient[]"
        pairs += [("message", random.choice(texts)), *((name, number) for number in numbers)]
    return [*pairs, ("rand", str(random.randrange(1_300_000_000, 1_900_000_000)))]


_FIXED = ("appId", "msisdn", "message", "recipient", "recipient[]", "rand")


def ordered(pairs: list[Pair]) -> list[Pair]:
    """As the page lists them; what it does not list stands in front."""
    extra_first = [pair for pair in pairs if pair[0] not in _FIXED]
    return extra_first + [pair for name in _FIXED for pair in pairs if pair[0] == name]


PROGRAM = {"key_in_text": "", "digest": lambda text, key: hmac.new(key, text, "sha1").hexdigest()}
FAMILY = "hmac"
ADDED = frozenset({("action", "sendsms")})
STAMP_NAME = "rand"
REPEATED = "recipient[]"

"""MainSMS and payforsms, one platform, read a second time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from random import Random

from tests.oracles._oracle import Pair, Sent
from tests.oracles._strict import digits, strict

KEY = "07349e954831d"


# --- the server ------------------------------------------------------------------------------------------------------


def operation(script: str, _given: Mapping[str, str]) -> str:
    """Each has a path of its own."""
    return script


def sent(pairs: Sequence[Pair]) -> Sent:
    """One parameter for all numbers, and no stamp."""
    given = dict(pairs)
    return Sent(given.get("recipients", "").split(","), given.get("message", ""), given.get("sender", ""), "")


def success(operation: str, recipients: list[str], given: Mapping[str, str], ids: list[str]) -> object:
    """Ids in the order of the recipients."""
    if operation == "balance":
        return {"status": "success", "balance": "4,52"}
    if operation == "price":
        return {"status": "success", "recipients": recipients, "count": 1, "parts": 1, "price": "2.50"}
    return {
        "status": "success",
        "recipients": recipients,
        "messages_id": [int(one) for one in ids],
        "count": len(recipients),
        "parts": 1,
        "price": "2.50",
        "balance": "100,00",
        "test": int(given.get("test", "0")),
    }


def refusal(_given: Mapping[str, str], is_signed: bool, _now: float) -> object | None:
    """Error 2."""
    return None if is_signed else {"status": "error", "error": "2", "message": "invalid signature"}


# --- answers ---------------------------------------------------------------------------------------------------------


def judge(text: str, to: tuple[str, ...], _stamp: str) -> dict[str, str]:
    """``status`` success, no ``error``, not a test, and as many ids as recipients, each its own."""
    answer = strict(text)
    if not isinstance(answer, dict) or answer.get("status") != "success" or "error" in answer:
        return {}
    if "test" in answer and (answer["test"] not in (0, "0") or type(answer["test"]) not in (int, str)):
        return {}
    numbers, ids = answer.get("recipients"), answer.get("messages_id")
    if not isinstance(numbers, list) or not isinstance(ids, list) or len(numbers) != len(ids):
        return {}
    named = [re.sub("^(8(?=.{10}$)|(?=9.{9}$))", "7", digits(number)) for number in numbers]
    known = [digits(one) for one in ids]
    if "" in known or len(set(known)) < len(known) or len(set(named)) < len(named) or not set(named) <= set(to):
        return {}
    return dict(zip(named, known, strict=True))


def documented(to: tuple[str, ...]) -> list[str]:
    """The least and the most of a success; refusals."""
    good: dict[str, object] = {
        "status": "success",
        "recipients": list(to),
        "messages_id": [391 + i for i in range(len(to))],
        "test": 0,
    }
    trees: list[object] = [
        good,
        good | {"parts": 1, "count": 3, "price": "4,52", "balance": "100,00", "run_at": "1.1.2031 10:00"},
    ]
    trees += [{"status": "error", "error": "2", "message": "invalid signature"}, {"status": "error", "error": 7}]
    return [json.dumps(tree, separators=(",", ":")) for tree in trees]


def long_answers(_size: int) -> Mapping[str, str]:
    """One number, and an id each time."""
    numbers, ids = ",".join(['"79121231234"'] * 2000), ",".join(str(number) for number in range(2000))
    return {"many ids": f'{{"status":"success","recipients":[{numbers}],"messages_id":[{ids}]}}'}


TRUE_BUT_LONG = ()
_STATUSES = {"1": 4, "2": 4, "3": 5, "4": 5, "5": 4, "6": 5, "7": 5, "8": 5, "9": 5, "10": 4}
REFUSALS = {f'{{"status":"error","error":"{code}"}}': status for code, status in _STATUSES.items()}
# Project and signature, money, sender; not the text (3) and the numbers (4, 6).
ACCOUNT_REFUSALS = {body: not re.search('"[346]"', body) for body in REFUSALS}
STALE: Mapping[int, str] = {}
SOME_REFUSALS = ()
half_refused = None


# --- a program that signs --------------------------------------------------------------------------------------------


def parameters(random: Random, texts: Sequence[str]) -> list[Pair]:
    """A send, or one that asks."""
    pairs = [("project", random.choice(("mainsms", "shop")))]
    if random.random() < 0.8:
        numbers = random.sample(("89121231234", "79121231235", "+79121231236"), random.randint(1, 3))
        pairs += [("recipients", ",".join(numbers)), ("message", random.choice(texts))]
        if random.random() < 0.8:
            pairs.append(("sender", random.choice(("payforsms.ru", "mainsms.ru", "MyShop", ""))))
    optional = (("test", random.choice("01")), ("format", random.choice(("json", "xml"))))
    pairs += [pair for pair in optional if random.random() < 0.4]
    if random.random() < 0.3:
        pairs.append(("Viber", random.choice("01")))  # a capital letter, which locales sort elsewhere
    return pairs


def ordered(pairs: list[Pair]) -> list[Pair]:
    """By name, bytewise."""
    return sorted(pairs, key=lambda pair: pair[0].encode())


def _digest(text: bytes, _key: bytes) -> str:
    sha1 = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    return hashlib.md5(sha1.encode(), usedforsecurity=False).hexdigest()


PROGRAM = {"separator": ";", "before_key": ";", "digest": _digest}
FAMILY = "separated"
ADDED = frozenset(
    {
        ("test", "1"), ("test", "0"), ("format", "json"), ("format", "xml"), ("apikey", KEY), ("sign", ""),
        ("sender", ""), ("run_at", ""), ("sender", "null"),
    }
)  # fmt: skip
STAMP_NAME = ""
REPEATED = ""

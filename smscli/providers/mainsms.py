"""MainSMS (mainsms.ru); the same platform runs payforsms.ru.

Signature: all parameters but ``sign`` and ``apikey``, sorted by name; their raw values joined by ``;``, then ``;`` and
the API key; SHA-1 in lower-case hex, and the MD5 of that hex text, again in hex. From the page "Документация по HTTP
API для разработчика" of payforsms.ru. Public clients confirm that every parameter counts and that hex text is hashed.

Quirks:

- The digests printed on that page belong to the sender ``mainsms.ru``, not to the ``payforsms.ru`` printed beside
  them; the ``sign`` of its curl line belongs to that sender in yet another order.
- The page says http; this module speaks https. It sends POST: the page shows a GET with a multipart body.
- Codes come as text or as numbers, amounts with a dot or a comma. ``price`` is for all recipients together, ``parts``
  for one of them; ``message/price``, known from public clients, tells both without sending.
- The answer repeats the recipients in the vendor's spelling (``79…``) and gives the ids in a second list: they belong
  together by position.
- In test mode the ids are zero, or missing, or there: they prove nothing. Such an answer must say ``test`` 1 itself;
  then SENT means "accepted as a test", and the id is left out unless it is one.
- ``message/status`` is known from public clients: ``not found`` for an id of somebody else, ``read`` for one that was
  delivered and looked at. It has an error table of its own, which no page at hand shows: of the codes of a send only
  those about project and signature are believed there.
- The vendor takes Russian numbers without ``7`` and with ``8``. A foreign number that looks like one would reach a
  stranger: it is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smscli.errors import Cause, InputError
from smscli.model import (
    MSISDN,
    Account,
    Balance,
    DeliveryReport,
    DeliveryState,
    Field,
    Message,
    Money,
    Outcome,
    Pairs,
    Quote,
    Reason,
    SendReceipt,
    Submission,
    visible,
)
from smscli.providers._answers import Answers, Members, amount, report, unknown, whole
from smscli.providers._base import Operation, Provider
from smscli.signing import Rule, sign
from smscli.wire import MalformedAnswer, Request

if TYPE_CHECKING:
    from decimal import Decimal

_RULE = Rule(
    signature="sign",
    unsigned={"sign": "it is the result", "apikey": "it is the key itself, sent instead of a signature"},
    digests=("sha1", "md5"),
    separator=";",
    traps=("every parameter that is sent counts: `test`, `format` and `run_at` too",),
)

_FIELDS = (
    Field("project", "name of the API project in the personal cabinet", example="mainsms"),
    Field("api_key", "API key of the project", secret=True),
    Field(
        "auth",
        "how a request proves itself: by a signature, or by sending the key itself",
        required=False,
        choices=("sign", "apikey"),
        default="sign",
    ),
)

# Assumed: no page names the currency; its prices are those of Russian texts in roubles.
_CURRENCY = "RUB"

_TABLE: dict[str, tuple[str, Cause, str | None]] = {
    "1": ("project is empty", Cause.CREDENTIALS, "set project in the profile"),
    "2": (
        "the signature is wrong, or the text is not UTF-8",
        Cause.CREDENTIALS,
        "check api_key and project; `smscli sign --expect SIGNATURE` names the mistake",
    ),
    "3": ("the text is empty", Cause.REFUSED, None),
    "4": ("recipients is empty", Cause.REFUSED, None),
    "5": ("there is no project of that name", Cause.CREDENTIALS, "check the spelling of project in the profile"),
    "6": ("no valid number among the recipients", Cause.REFUSED, None),
    "7": ("not enough money", Cause.REFUSED, "top the account up (`smscli balance` shows what is left)"),
    "8": ("the sender is empty, too long or too short, or has bad characters", Cause.REFUSED, None),
    "9": ("the sender name is not approved yet", Cause.REFUSED, None),
    "10": ("the project is switched off", Cause.CREDENTIALS, "switch it on in the personal cabinet"),
}

ERRORS = {code: Reason(f"error {code}: {text}", end, code, hint) for code, (text, end, hint) in _TABLE.items()}
"""What each code of message/send means, as public clients of the platform list them."""

_STATES = {
    "enqueued": DeliveryState.ACCEPTED,
    "accepted": DeliveryState.ACCEPTED,
    "scheduled": DeliveryState.SCHEDULED,
    "wait": DeliveryState.ENROUTE,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.DELIVERED,
    "non-delivered": DeliveryState.UNDELIVERABLE,
    "canceled": DeliveryState.DELETED,
    "not found": DeliveryState.UNKNOWN,
}
"""What the words of message/status mean, as public clients know them."""


# --- requests --------------------------------------------------------------------------------------------------------


def _build_send(message: Message, account: Account, _stamp: str) -> Request:
    pairs = _content(message)
    if message.send_at is not None:
        pairs.append(("run_at", message.send_at.strftime("%d.%m.%Y %H:%M")))
    if message.test:
        pairs.append(("test", "1"))
    return _proved("message/send", tuple(pairs), account, billable=True)


def _build_price(message: Message, account: Account, _stamp: str) -> Request:
    return _proved("message/price", tuple(_content(message)), account, billable=False)


def _build_status(ids: tuple[str, ...], account: Account, _stamp: str) -> Request:
    if wrong := [one for one in ids if not re.fullmatch("[0-9]{1,20}", one)]:
        raise InputError(f"{visible(wrong[0])!r} is not a message id of this vendor", hint="its ids are digits")
    return _proved("message/status", (("messages_id", ",".join(ids)),), account, billable=False)


def _content(message: Message) -> list[tuple[str, str]]:
    pairs = [("recipients", ",".join(_recipient(number) for number in message.to)), ("message", message.text)]
    return pairs if message.sender is None else [*pairs, ("sender", message.sender.value)]


def _build_balance(_what: None, account: Account, _stamp: str) -> Request:
    return _proved("message/balance", (), account, billable=False)


def _proved(method: str, pairs: Pairs, account: Account, *, billable: bool) -> Request:
    params = (("project", account.fields["project"]), *pairs)
    if account.fields.get("auth") == "apikey":
        proof = ("apikey", account.secret.reveal())
    else:
        proof = ("sign", sign(_RULE, params, account.secret).signature)
    return Request("POST", account.url(method), form=(*params, proof), billable=billable)


def _recipient(number: MSISDN) -> str:
    if _as_russian(number.digits) != number.digits:
        raise InputError(
            f"{number} would be read as the Russian number +{_as_russian(number.digits)}",
            hint="this vendor takes Russian numbers without 7 and with 8; send this one through another vendor",
        )
    return number.digits


def _as_russian(digits: str) -> str:
    """Return the number as the vendor reads it: ``8…`` of eleven digits and ``9…`` of ten are Russian."""
    return re.sub(r"^(?:8(?=[0-9]{10}$)|(?=9[0-9]{9}$))", "7", digits)


# --- answers ---------------------------------------------------------------------------------------------------------


def _read_send(members: Members, message: Message, _stamp: str) -> SendReceipt:
    # An answer to a real message may be silent about it; for a test the vendor's own word is the only proof.
    if whole(members.get("test", 0)) != str(int(message.test)):
        raise MalformedAnswer("it does not say of test what the request said")
    ids = _ids(members, message)
    price, parts = _decimal(members.get("price")), whole(members.get("parts"), 3)
    cost = Money(price, _CURRENCY) if price is not None and len(ids) == 1 else None
    submissions = tuple(
        Submission(number, Outcome.SENT, ids[number], int(parts) if parts else None, cost)
        if number in ids
        else unknown(number, "the vendor's answer does not mention this number")
        for number in message.to
    )
    left = _decimal(members.get("balance"))
    return SendReceipt(submissions, Balance(left, _CURRENCY) if left is not None else None)


def _ids(members: Members, message: Message) -> dict[MSISDN, str | None]:
    """Return the id of each number the answer names; None stands for the missing id of a test."""
    numbers, given = members.get("recipients"), members.get("messages_id")
    if not isinstance(numbers, list) or not isinstance(given, list):
        raise MalformedAnswer("it does not list recipients and ids")
    named = _named(numbers, message)
    ids = [whole(one, 20) for one in given]
    ids = [one if one and one.strip("0") else None for one in ids]
    if message.test and set(ids) <= {None}:
        ids = [None] * len(named)
    elif None in ids or len(set(ids)) != len(ids) or len(ids) != len(named):
        raise MalformedAnswer("its ids are not one for each recipient")
    return dict(zip(named, ids, strict=True))


def _named(numbers: list[object], message: Message) -> list[MSISDN]:
    """Return the recipients that an answer lists, in its order and as we spell them."""
    asked = {number.digits: number for number in message.to}
    named = [asked[digits] for digits in (_as_russian(whole(one) or "") for one in numbers) if digits in asked]
    if len(set(named)) != len(numbers):
        raise MalformedAnswer("it names a number that was not asked for, or one twice")
    return named


def _read_price(members: Members, message: Message) -> Quote:
    numbers, price, parts = members.get("recipients"), _decimal(members.get("price")), whole(members.get("parts"), 3)
    if not isinstance(numbers, list):
        raise MalformedAnswer("it does not list recipients")
    named = tuple(_named(numbers, message))
    # A captured answer names 0.0, and nothing is free there.
    money = Money(price, _CURRENCY) if price is not None and price > 0 and named else None
    return Quote(money, named, int(parts) if parts else None)


def _read_status(members: Members, ids: tuple[str, ...]) -> tuple[DeliveryReport, ...]:
    # An empty object is an empty list where PHP writes it.
    words = members.get("messages") or {}
    if not isinstance(words, dict) or not words.keys() <= set(ids):
        raise MalformedAnswer("it does not list the messages that were asked for")
    return tuple(report(one, words[one], _STATES) if one in words else DeliveryReport(one) for one in ids)


def _read_balance(members: Members) -> Balance:
    left = _decimal(members.get("balance"))
    if left is None:
        raise MalformedAnswer("it names no amount")
    return Balance(left, _CURRENCY)


def _members(answer: object) -> Members:
    if not isinstance(answer, dict) or answer.get("status") not in ("success", "error"):
        raise MalformedAnswer("it has no status")
    return answer


def _refusal(members: Members) -> Reason | None:
    """Return why the whole request was refused, or None when its status is success."""
    code = whole(members.get("error")) or ""
    if members["status"] == "success" and "error" not in members:
        return None
    if members["status"] == "success" or code not in ERRORS or "messages_id" in members:
        raise MalformedAnswer("it holds an unknown or contradictory error")
    # The text beside it may repeat the request, in any spelling: it is not told.
    return ERRORS[code]


def _refusal_of_status(members: Members) -> Reason | None:
    reason = _refusal(members)
    if reason and reason.cause is not Cause.CREDENTIALS:
        raise MalformedAnswer("its error is known of a send alone")
    return reason


def _decimal(value: object) -> Decimal | None:
    return amount(value.replace(",", ".") if isinstance(value, str) else value)


_ANSWERS = Answers(
    (
        "status", "error", "message", "recipients", "messages_id", "parts", "count", "price", "balance", "test",
        "run_at", "messages", "channels",
    ),
    "/api/mainsms/",
    _refusal,
    _members,
)  # fmt: skip

PROVIDER = Provider(
    name="mainsms",
    title="MainSMS",
    base_url="https://mainsms.ru/api/mainsms/",
    usual_path=_ANSWERS.usual_path,
    fields=_FIELDS,
    rule=_RULE,
    send=Operation(_build_send, _ANSWERS.send(_read_send)),
    balance=Operation(_build_balance, _ANSWERS.question(_read_balance)),
    price=Operation(_build_price, _ANSWERS.quote(_read_price)),
    status=Operation(_build_status, _ANSWERS._replace(refusal=_refusal_of_status).reports(_read_status)),
    batch_limit=100,
    account_codes=frozenset({"7", "8", "9"}),
    price_limit=100,
    # Assumed: as many ids as recipients of a send.
    status_limit=100,
    # Assumed: public clients name the account's zone or Moscow's.
    time_zone="Europe/Moscow",
    aliases=(("payforsms.ru", "mainsms.ru"), ("payforsms", "mainsms")),
    extras=(("format", "json"), ("format", "xml"), ("test", "1"), ("test", "0"), ("sender", ""), ("run_at", "")),
)

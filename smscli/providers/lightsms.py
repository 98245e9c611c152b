"""LightSMS (www.lightsms.com, by Paysera).

Signature: all parameters but ``signature`` (so ``return`` counts), sorted by name; their raw values glued together,
the API key glued behind, MD5 in lower-case hex. From the page "Making Your First Request" of the LightSMS API guide.

Quirks:

- Every request but ``timestamp.php`` carries Unix seconds that live 10 seconds.
- Only GET is documented, also for sending: a client that repeats GETs by itself sends twice.
- The guide says that leaving ``return`` out gives plain text, the reference says JSON; no page shows the plain form.
  This module always asks for JSON.
- The prose allows 100 numbers in a request, error 14 says 50: batches hold 50.
- A stale timestamp is said to come back as 24, as 5 ("sender missing") or as 6 ("signature wrong"), depending on the
  page. This module always sends a timestamp, and a sender with every text, so 24 and 5 can only mean "stale" and
  are cured by a fresh signature. 6 may as well be a wrong key: repeating that by itself could lock an account.
- A refusal stands at the top level, under an empty key, or under the number; codes come as text or as numbers; some
  hosts of the platform list one object per number. ``000`` is a refusal, not a zero. ``operator.php`` says ``error`` 0
  beside its result.
- A delivered message is ``delivered`` on the vendor's page and ``deliver`` on other hosts of the platform, where the
  word stands in an object beside its time; the reference page of ``status.php`` shows a third answer, for one message.
  All three are read. ``partly_deliver`` is not final: a client of the platform takes it for SMPP's "accepted".
- Errors 18 and 19 to ``status.php`` mean that the messages are not known; no page says whether one unknown id among
  others gives them.
- ``operator.php`` prices one number a request, "based on message length" with the text; whether it counts every part
  of a longer text is not said. The pages' examples price a text at 0.012 there, and charge 0.0144 for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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
    ServerTime,
    Submission,
    visible,
)
from smscli.providers._answers import Answers, Members, amount, report, unknown, whole
from smscli.providers._base import Operation, Provider, Stamp
from smscli.signing import Rule, sign
from smscli.wire import MalformedAnswer, Request

_RULE = Rule(
    signature="signature",
    unsigned={"signature": "it is the result"},
    digests=("md5",),
    traps=(
        "values are glued: requests that split the same characters differently share one signature",
        "every parameter that is sent counts, `return` too",
    ),
)

_FIELDS = (
    Field("login", "account login, shown under MISC → API", example="YourLogin"),
    Field("api_key", "API key, shown under MISC → API; it never travels", secret=True),
    Field(
        "clock",
        "whose clock stamps a request: the vendor's (one more call) or this machine's",
        required=False,
        choices=("vendor", "local"),
        default="vendor",
    ),
)

_CLOCK_HINT = (
    "timestamps live 10 seconds: check this machine's clock (`smscli timestamp`), "
    'or set clock = "vendor" in the profile'
)
_SIGNATURE_HINT = (
    "check api_key; then the vendor's list: sort by name, join the values only, the key last, MD5 in lower case, "
    "`signature` itself left out; a clock that is off may also give this error. "
    "`smscli sign --expect SIGNATURE` names the mistake"
)

_LOGIN, _NO, _STALE = Cause.CREDENTIALS, Cause.REFUSED, Cause.STALE

_TABLE: dict[str, tuple[str, Cause, str | None]] = {
    "000": ("the service is not available", _NO, "try again later"),
    "1": ("the signature is missing", _LOGIN, None),
    "2": ("the login is missing", _LOGIN, "set login in the profile"),
    "3": ("the text is missing", _NO, None),
    "4": ("the phone number is missing", _NO, None),
    "5": ("the timestamp is too old, or the sender is missing", _STALE, _CLOCK_HINT),
    "6": ("the signature is wrong", _LOGIN, _SIGNATURE_HINT),
    "7": (
        "the login is wrong, or the account is suspended",
        _LOGIN,
        "check the spelling of login, and in the panel that the account is active; else ask the vendor's support",
    ),
    "8": ("the sender name is malformed", _NO, None),
    "9": ("the sender name is not registered", _NO, "register it in the panel"),
    "10": ("the sender name is not approved yet", _NO, "approval usually takes 24 to 48 hours"),
    "11": ("the text holds forbidden words", _NO, None),
    "12": ("sending failed", _NO, None),
    "13": ("the number is on the stop list", _NO, None),
    "14": ("more than 50 numbers in one request", _NO, "use a smaller batch size"),
    "15": ("no list was given", _NO, None),
    "16": ("the number is invalid", _NO, None),
    "17": ("the message id is missing", _NO, None),
    "18": ("the status could not be got", _NO, None),
    "19": ("nothing was found", _NO, None),
    "20": ("the number already exists", _NO, None),
    "21": ("the name is missing", _NO, None),
    "22": ("a template of that name exists", _NO, None),
    "23": ("the month is missing", _NO, None),
    "24": ("the timestamp is too old or missing", _STALE, _CLOCK_HINT),
    "25": ("no access to the list", _NO, None),
    "26": ("the list is empty", _NO, None),
    "27": ("no valid number in the request", _NO, None),
    "28": ("the start date is missing", _NO, None),
    "29": ("the end date is missing", _NO, None),
    "30": ("the date is missing or wrong", _NO, None),
    "31": ("this destination is closed for the account", _NO, "ask the vendor to open it"),
    "32": (
        "not enough funds",
        _NO,
        "top the account up (`smscli balance` shows what is left), or fewer and shorter messages",
    ),
    "33": ("the phone number is not set or wrong", _NO, None),
    "34": ("the number is on the global stop list", _NO, None),
    "35": ("not enough funds: billing failed", _NO, "top the account up"),
    "36": ("no information is available about the number", _NO, None),
    "37": ("the list id is not set", _NO, None),
    "38": ("the number is already in this list", _NO, None),
    "39": ("the number is not in this list", _NO, None),
}

ERRORS = {code: Reason(f"error {code}: {text}", cause, code, hint) for code, (text, cause, hint) in _TABLE.items()}
"""What each code means (reference page of send.php, 0 to 39; ``000`` is known from other hosts of the platform)."""

_STATES = {state.value.lower(): state for state in DeliveryState} | {
    "pending": DeliveryState.ACCEPTED,
    "sent": DeliveryState.ENROUTE,
    "send": DeliveryState.ENROUTE,
    "deliver": DeliveryState.DELIVERED,
    "read": DeliveryState.DELIVERED,
    "partly_deliver": DeliveryState.ACCEPTED,
    "not_deliver": DeliveryState.UNDELIVERABLE,
}
"""What the words of status.php mean: those of the vendor's page, of other hosts, and of the platform's push reports."""

_NOT_KNOWN = ("18", "19")


# --- requests --------------------------------------------------------------------------------------------------------


def _build_send(message: Message, account: Account, stamp: str) -> Request:
    if message.test:
        raise PROVIDER.unsupported("test mode: every message is real and charged")
    pairs = [
        ("phone", ",".join(number.digits for number in message.to)),
        ("sender", _sender(message)),
        ("text", message.text),
    ]
    if message.send_at is not None:
        pairs.append(("sendingTime", message.send_at.strftime("%Y-%m-%d %H:%M")))
    return _signed("send.php", tuple(pairs), account, stamp, billable=True)


def _build_balance(_what: None, account: Account, stamp: str) -> Request:
    return _signed("balance.php", (), account, stamp, billable=False)


def _build_price(message: Message, account: Account, stamp: str) -> Request:
    (number,) = message.to
    return _signed("operator.php", (("phone", number.digits), ("text", message.text)), account, stamp, billable=False)


def _build_status(ids: tuple[str, ...], account: Account, stamp: str) -> Request:
    if wrong := [one for one in ids if not re.fullmatch("[0-9]{1,40}", one)]:
        raise InputError(
            f"{visible(wrong[0])!r} is not a message id of LightSMS", hint="its ids are digits, usually 22"
        )
    return _signed("status.php", (("state", ",".join(ids)),), account, stamp, billable=False)


def _build_timestamp(_what: None, account: Account, _stamp: str) -> Request:
    return Request("GET", account.url("timestamp.php"))


def _signed(script: str, pairs: Pairs, account: Account, stamp: str, *, billable: bool) -> Request:
    params = (("login", account.fields["login"]), *pairs, ("timestamp", stamp), ("return", "json"))
    signature = sign(_RULE, params, account.secret).signature
    return Request("GET", account.url(script), query=(*params, ("signature", signature)), billable=billable)


def _sender(message: Message) -> str:
    """Return the sender; the form is the one of the vendor's page on sender names."""
    if message.sender is None:
        raise InputError("LightSMS needs a sender", hint="use --sender NAME, or set sender in the profile")
    value = message.sender.value
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9 -]{2,10}|[0-9]{1,15}", value):
        raise InputError(
            f"LightSMS cannot take the sender {visible(value)!r}",
            hint="3 to 11 Latin letters, digits, blanks and hyphens, a letter first; or up to 15 digits",
        )
    return value


# --- answers ---------------------------------------------------------------------------------------------------------


def _read_send(members: Members, message: Message, _stamp: str) -> SendReceipt:
    asked = {number.digits: number for number in message.to}
    by_digits: dict[str, Submission] = {}
    for key, entry in members.items():
        digits = re.sub(r"^(?:\+|00)", "", key)
        if digits not in asked or digits in by_digits:
            raise MalformedAnswer("it speaks of a number that was not asked for, or twice of one")
        by_digits[digits] = _submission(asked[digits], entry)
    ids = [submission.message_id for submission in by_digits.values() if submission.message_id is not None]
    if len(set(ids)) != len(ids):
        raise MalformedAnswer("it gives one id to two numbers")
    return SendReceipt(
        tuple(
            by_digits.get(number.digits) or unknown(number, "the vendor's answer does not mention this number")
            for number in message.to
        )
    )


def _submission(number: MSISDN, entry: object) -> Submission:
    if not isinstance(entry, dict):
        return unknown(number, "the vendor's answer for this number is not one that it documents")
    code, message_id = _code(entry.get("error")), whole(entry.get("id_sms"))
    if code in ERRORS and entry.get("id_sms") in (None, "", "0", 0):
        return Submission(number, Outcome.REFUSED, reason=ERRORS[code])
    if code != "0":
        quotation = f" ({code})" if code else ""
        return unknown(
            number, f"the vendor's answer for this number holds an unknown or contradictory error{quotation}"
        )
    if message_id is None or not message_id.strip("0"):
        return unknown(number, "the vendor's answer for this number says success, and gives no id")
    cost, parts = amount(entry.get("cost")), whole(entry.get("count_sms"), 3)
    return Submission(
        number,
        Outcome.SENT,
        message_id,
        parts=int(parts) if parts else None,
        cost=Money(cost) if cost is not None else None,
    )


def _read_balance(members: Members) -> Balance:
    money, currency = amount(members.get("money")), _currency(members)
    if money is None or currency is None:
        raise MalformedAnswer("it names no amount and currency")
    return Balance(money, currency)


def _read_price(members: Members, message: Message) -> Quote:
    from smscli.segments import measure  # only here, and only a price is asked with it

    (number,) = message.to
    price, currency = amount(members.get("price")), _currency(members)
    # Some hosts name the operator alone.
    is_about_it = whole(members.get("phone", number.digits)) == number.digits and members.get("ok", True) is True
    if price is None or price <= 0 or currency is None or not is_about_it:
        return Quote(None, message.to)
    parts = measure(message.text).parts
    note = f"LightSMS does not say whether its price counts each of the {parts} parts" if parts > 1 else None
    return Quote(Money(price, currency), message.to, note=note)


def _read_status(members: Members, ids: tuple[str, ...]) -> tuple[DeliveryReport, ...]:
    if len(ids) == 1 and isinstance(members.get("status"), str):  # the reference page's answer for one message
        return (report(ids[0], members["status"], _STATES, members.get("delivered_at")),)
    if any(key.isdigit() and key not in ids for key in members):
        raise MalformedAnswer("it speaks of a message that was not asked for")
    return tuple(_report(one, members[one]) if one in members else DeliveryReport(one) for one in ids)


def _report(message_id: str, entry: object) -> DeliveryReport:
    if not isinstance(entry, dict):
        return report(message_id, entry, _STATES)
    code = _code(entry.get("error", "0"))
    if code in _NOT_KNOWN:
        return DeliveryReport(message_id)
    if code in ERRORS:
        # A wrong signature stands under each number in the answer to a send.
        raise ERRORS[code].error()
    return report(message_id, entry.get("status"), _STATES, entry.get("time"))


def _currency(members: Members) -> str | None:
    currency = members.get("currency")
    return currency if isinstance(currency, str) and re.fullmatch(r"[A-Za-z]{3}", currency) else None


def _read_timestamp(text: str) -> ServerTime:
    if not re.fullmatch(r"\s*[1-9][0-9]{9}\s*", text, re.ASCII):
        raise MalformedAnswer("it is not a Unix time")
    return ServerTime(int(text))


def _members(answer: object) -> Members:
    """Return the answer's members; a list of one-key objects, as some hosts send it, counts as one object."""
    if isinstance(answer, dict):
        return answer
    members: Members = {}
    if not isinstance(answer, list):
        raise MalformedAnswer("it is not an object")
    for item in answer:
        if not isinstance(item, dict) or len(item) != 1 or not members.keys().isdisjoint(item):
            raise MalformedAnswer("it is not a list of one object for each number")
        members.update(item)
    return members


def _refusal(members: Mapping[str, object]) -> Reason | None:
    """Return why the whole request was refused: an error at the top level or under an empty key, and nothing else.

    An error 0 beside a result is none.
    """
    inner = members.get("")
    whole_answer = inner if len(members) == 1 and isinstance(inner, dict) else members
    if "error" not in whole_answer:
        return None
    code = _code(whole_answer["error"])
    if code == "0" and len(whole_answer) > 1:
        return None
    if code not in ERRORS or len(whole_answer) != 1:
        raise MalformedAnswer("it holds an unknown or contradictory error")
    return ERRORS[code]


def _refusal_of_status(members: Members) -> Reason | None:
    reason = _refusal(members)
    return None if reason and reason.code in _NOT_KNOWN else reason


def _code(value: object) -> str:
    return whole(value, 3) or ""


_ANSWERS = Answers(
    (
        "error", "id_sms", "cost", "count_sms", "money", "currency", "price", "phone", "operator", "mcc", "mnc",
        "ported", "ok", "regionCode", "timeZone", "status", "time", "delivered_at",
    ),
    "/external/get/",
    _refusal,
    _members,
)  # fmt: skip


def _variant(provider: Provider, fields: Mapping[str, str]) -> Provider:
    return provider._replace(stamp=Stamp.LOCAL_CLOCK) if fields.get("clock") == "local" else provider


PROVIDER = Provider(
    name="lightsms",
    title="LightSMS",
    base_url="https://www.lightsms.com/external/get/",
    usual_path=_ANSWERS.usual_path,
    fields=_FIELDS,
    rule=_RULE,
    send=Operation(_build_send, _ANSWERS.send(_read_send)),
    balance=Operation(_build_balance, _ANSWERS.question(_read_balance)),
    timestamp=Operation(_build_timestamp, _ANSWERS.text(_read_timestamp)),
    price=Operation(_build_price, _ANSWERS.quote(_read_price)),
    status=Operation(_build_status, _ANSWERS._replace(refusal=_refusal_of_status).reports(_read_status)),
    stamp=Stamp.VENDOR_CLOCK,
    stamp_name="timestamp",
    # Two seconds less than the vendor grants: the way there takes time too.
    stamp_life=8.0,
    batch_limit=50,
    # Assumed: no page bounds the ids; as many as numbers in a send.
    status_limit=50,
    account_codes=frozenset({"000", "8", "9", "10", "31", "32", "35"}),
    # Assumed: the page of sendingTime names no zone; the vendor's business hours are given in this one.
    time_zone="Europe/Vilnius",
    variant=_variant,
    extras=(
        ("return", "json"),
        ("return", "xml"),
        ("test", "1"),
        ("test", "0"),
        ("format", "json"),
        ("format", "xml"),
        ("sender", ""),
        ("sendingTime", ""),
    ),
)

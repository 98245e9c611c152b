"""Mesajlarim (Turkcell's "Mesajlarım").

Signature: the values of appId, msisdn, message, all recipients in sending order, and rand, in this order and glued
together; HMAC-SHA1 with the secret as key, in lower-case hex. The balance signs appId, msisdn and rand. From the
"Mesajlarim API Document", version 1.0 of 06.03.2012.

Quirks:

- The document spells the first parameter with a small L. A public client of the service, the error text "Invalid App
  Id" and the other names say that it is a capital I; ``app_id_name`` in the profile switches it.
- It names no host. One public client used https://mesajlarim.turkcell.com.tr.
- It promises JSON and prints answers with unquoted keys. Strict JSON is read first, then the printed form.
- Numbers are national: ten digits, without 0 and +90. Messages come from the account's own number.
- It returns no message id: the id is the request's own ``rand`` with the number, which the vendor can look up.
- It tells no delivery states. Assumed: ``delivered`` in the answer to a send, which comes at once, is said of the
  vendor's network and not of a handset.
- It has a limit of recipients and does not tell it.
- The printed example lists numbers twice with different results; a real answer that did so would prove nothing.
"""

from __future__ import annotations

import re

from smscli.errors import Cause, InputError
from smscli.model import (
    MSISDN,
    Account,
    Balance,
    DeliveryReport,
    DeliveryState,
    Field,
    Message,
    Outcome,
    Pairs,
    Reason,
    SendReceipt,
    Submission,
    visible,
)
from smscli.providers._answers import Answers, Members, unknown
from smscli.providers._base import Operation, Provider, Stamp
from smscli.signing import KeyUse, Rule, sign
from smscli.wire import MalformedAnswer, Request, decode_json, decode_text, depth

_RULE = Rule(
    signature="token",
    unsigned={"token": "it is the result", "action": "it is part of the address"},
    digests=("sha1",),
    order=(("appId", "appld"), ("msisdn",), ("message",), ("recipient", "recipient[]"), ("rand",)),
    key=KeyUse.HMAC,
    traps=(
        "values are glued: requests that split the same characters differently share one signature",
        "the order is the vendor's own, not the alphabet's; recipients keep the order in which they are sent",
    ),
)

_FIELDS = (
    Field("app_id", "application id, given by the administrator", pattern="[0-9]+", example="1"),
    Field("secret", "secret of the application, given by the administrator", secret=True),
    Field(
        "msisdn",
        "number that messages come from: ten digits, without 0 and +90",
        pattern="[1-9][0-9]{9}",
        example="5321000000",
    ),
    Field(
        "app_id_name",
        "how the application id is called on the wire",
        required=False,
        choices=("appId", "appld"),
        default="appId",
    ),
)

_TABLE: dict[str, tuple[Cause, str | None]] = {
    "MSISDN is missing": (Cause.REFUSED, "set msisdn in the profile"),
    "Token cannot be empty": (Cause.CREDENTIALS, None),
    "Invalid IP Address": (Cause.CREDENTIALS, "have this machine's address put on the application's list"),
    "Invalid Token Given": (
        Cause.CREDENTIALS,
        "check app_id and secret; `smscli sign --expect TOKEN` names the mistake",
    ),
    "Random value cannot be empty": (Cause.REFUSED, None),
    "Sender MSISDN and message cannot be empty": (Cause.REFUSED, None),
    "Recipients cannot be empty": (Cause.REFUSED, "one of the numbers may be invalid"),
    "Too many recipients": (Cause.REFUSED, "use a smaller batch size"),
    "Invalid App Id": (Cause.CREDENTIALS, 'check app_id; app_id_name = "appld" switches the name on the wire'),
}

ERRORS = {text: Reason(f"error: {text}", cause, text, hint) for text, (cause, hint) in _TABLE.items()}
"""What each error text of the document means; there are no codes."""

_SCRIPT = "api.php"
_CHARGES = ("none", "free", "charged", "partly-charged")


# --- requests --------------------------------------------------------------------------------------------------------


def _build_send(message: Message, account: Account, stamp: str) -> Request:
    if message.test:
        raise PROVIDER.unsupported("test mode")
    if message.send_at is not None:
        raise PROVIDER.unsupported("scheduled sending")
    _check_sender(message, account)
    name = "recipient" if len(message.to) == 1 else "recipient[]"
    pairs = (("message", message.text), *((name, _national(number)) for number in message.to))
    form = _signed(pairs, account, stamp)
    return Request("POST", account.url(_SCRIPT), (("action", "sendsms"),), form, billable=True)


def _build_balance(_what: None, account: Account, stamp: str) -> Request:
    return Request("GET", account.url(_SCRIPT), (("action", "balance"), *_signed((), account, stamp)))


def _signed(pairs: Pairs, account: Account, stamp: str) -> Pairs:
    app_id = (account.fields.get("app_id_name", "appId"), account.fields["app_id"])
    params = (app_id, ("msisdn", account.fields["msisdn"]), *pairs, ("rand", stamp))
    return (*params, ("token", sign(_RULE, params, account.secret).signature))


def _national(number: MSISDN) -> str:
    match = re.fullmatch("90([1-9][0-9]{9})", number.digits)
    if match is None:
        raise InputError(f"{number} is not a Turkish number", hint="Mesajlarim sends to +90 and ten digits only")
    return match[1]


def _check_sender(message: Message, account: Account) -> None:
    msisdn = account.fields["msisdn"]
    if message.sender is not None and message.sender.value not in (msisdn, f"0{msisdn}", f"90{msisdn}", f"+90{msisdn}"):
        raise InputError(
            f"Mesajlarim cannot send as {visible(message.sender.value)!r}",
            hint="messages come from the msisdn of the profile; leave the sender out",
        )


# --- answers ---------------------------------------------------------------------------------------------------------

# The printed form: JSON but for bare keys. Nothing else that JSON5 would take (comments, other quotes, hex, a comma
# before a bracket) is let in. Each character begins one kind of token, so that there is one way to read a text and
# going back costs no more than its length.
_PRINTED = (
    r"(?s)\s*\{\s*[A-Za-z]+\s*:"
    r'(?:"[^"\\]*(?:\\.[^"\\]*)*"|[A-Za-z]+\s*:|(?<=:)\s*-?[0-9]{1,9}|[\s{}\[\]]|,(?!\s*[]}]))*'
)
# These bound the time: the library is in pure Python and needs 5 µs for a character, 40 µs for a bracket or comma.
# Ten recipients and a text of five parts take half of either.
_PRINTED_LENGTH = 2048
_PRINTED_MARKS = 128
_PRINTED_DEPTH = 4


def _decode(body: bytes) -> object:
    """Return the answer's value: strict JSON, or the form with unquoted keys that the document prints."""
    try:
        return decode_json(body)
    except MalformedAnswer:
        text = decode_text(body)
        if not _looks_printed(text):
            raise
    import json5

    try:
        return json5.loads(text, allow_duplicate_keys=False)
    except (ValueError, RecursionError) as error:
        raise MalformedAnswer("it is neither JSON nor the printed form") from error


def _looks_printed(text: str) -> bool:
    return (
        len(text) <= _PRINTED_LENGTH
        and sum(map(text.count, "[{,")) <= _PRINTED_MARKS
        and depth(text) <= _PRINTED_DEPTH
        and re.fullmatch(_PRINTED, text) is not None
    )


def _read_send(members: Members, message: Message, stamp: str) -> SendReceipt:
    entries, left = members.get("recipients"), _quota(members.get("balance"), None)
    echoed = (members.get("sender"), members.get("message"))
    if not isinstance(entries, list) or left is None or not all(isinstance(text, str) for text in echoed):
        raise MalformedAnswer("it lacks its documented sender, message, recipients and balance")
    results: dict[str, set[tuple[str, str]]] = {number.digits: set() for number in message.to}
    for entry in entries:
        digits, result = _result(entry)
        if digits not in results:
            raise MalformedAnswer("it speaks of a number that was not asked for")
        results[digits].add(result)
    return SendReceipt(
        tuple(_submission(number, results[number.digits], stamp) for number in message.to),
        left,
    )


def _result(entry: object) -> tuple[str, tuple[str, str]]:
    if not isinstance(entry, dict):
        raise MalformedAnswer("a recipient is not an object")
    national, status, charge = entry.get("msisdn"), entry.get("status"), entry.get("charge")
    if not isinstance(national, str) or status not in ("delivered", "error") or charge not in _CHARGES:
        raise MalformedAnswer("a recipient lacks its documented msisdn, status and charge")
    return f"90{national}", (str(status), str(charge))


def _submission(number: MSISDN, results: set[tuple[str, str]], stamp: str) -> Submission:
    if len(results) != 1:
        text = "lists this number twice, with different results" if results else "does not mention this number"
        return unknown(number, f"the vendor's answer {text}")
    status, charge = next(iter(results))
    if status == "delivered":
        message_id = f"{stamp}-{number.digits.removeprefix('90')}"
        state = DeliveryReport(message_id, DeliveryState.ACCEPTED, status)
        return Submission(number, Outcome.SENT, message_id, delivery=state)
    return Submission(
        number,
        Outcome.REFUSED,
        reason=Reason(f"the vendor reports an error for this number (charge: {charge})", Cause.REFUSED, status),
    )


def _read_balance(members: Members) -> Balance:
    balance = _quota(members.get("balance"), members.get("freeTotal"))
    if balance is None or balance.daily_quota is None:
        raise MalformedAnswer("it names no balance and freeTotal")
    return balance


def _refusal(members: Members) -> Reason | None:
    """Return why the whole request was refused, or None when there is no error."""
    error = members.get("error")
    if error is None:
        return None
    if not isinstance(error, str) or error not in ERRORS or len(members) != 1:
        raise MalformedAnswer("it holds an unknown or contradictory error")
    return ERRORS[error]


def _quota(left: object, daily: object) -> Balance | None:
    """Return the free messages left; -1 is the vendor's word for "none"."""
    if not isinstance(left, int) or isinstance(left, bool) or not -1 <= left < 10**9:
        return None
    quota = daily if isinstance(daily, int) and not isinstance(daily, bool) and 0 <= daily < 10**9 else None
    note = "no free messages left" if left == -1 else None
    from decimal import Decimal

    return Balance(Decimal(max(left, 0)), "SMS", quota, note)


_ANSWERS = Answers(
    ("error", "sender", "message", "recipients", "msisdn", "status", "charge", "balance", "freeTotal"),
    "/omrestapi/",
    _refusal,
    decode=_decode,
)

PROVIDER = Provider(
    name="mesajlarim",
    title="Mesajlarim",
    base_url=None,
    base_url_hint="the document names no host; one public client used https://mesajlarim.turkcell.com.tr/omrestapi/",
    usual_path=_ANSWERS.usual_path,
    fields=_FIELDS,
    rule=_RULE,
    send=Operation(_build_send, _ANSWERS.send(_read_send)),
    balance=Operation(_build_balance, _ANSWERS.question(_read_balance)),
    stamp=Stamp.NONCE,
    takes_sender=False,
    example_number="905321000000",
    stamp_name="rand",
    # Assumed: the document has a limit and does not tell it; its largest example has three numbers.
    batch_limit=10,
    account_codes=frozenset({"MSISDN is missing"}),
    extras=(("action", "sendsms"), ("action", "balance")),
)

"""ExampleSMS, an invented vendor.

Signature: all parameters but ``sig``, sorted by name, each as ``&name=value`` with the value percent-encoded
(RFC 3986), so that the string begins with ``&``; the signing key glued behind; SHA-256 or MD5, as the account is set
up, in lower-case hex. The password is sent, and takes part like any other parameter.

Quirks:

- ``ts`` is Unix seconds by the caller's own clock, and lives half a minute.
- One recipient a request. A long text is answered part by part, each with a code and an id.
- Whoever asks too fast gets HTTP 429 and the seconds to wait, in the body or the header; nothing was processed then.
  Wrong credentials come with HTTP 401.
- The balance is not signed; user and password are enough. Amounts are JSON numbers.
- Everything lies at the root of the host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from smscli.errors import Cause
from smscli.model import (
    MSISDN,
    Account,
    Balance,
    Field,
    Message,
    Money,
    Outcome,
    Pairs,
    Reason,
    SendReceipt,
    Submission,
)
from smscli.providers import (
    Answers,
    Members,
    Operation,
    Provider,
    Stamp,
    amount,
    of_parts,
    seconds,
    unknown,
    whole,
)
from smscli.signing import Escape, Rule
from smscli.wire import MalformedAnswer, Request

_RULE = Rule(
    signature="sig",
    unsigned={"sig": "it is the result"},
    digests=("sha256",),
    separator="&",
    leading=True,
    glue="=",
    escape=Escape.PERCENT,
    key_separator="",
    traps=("the values are percent-encoded in the string, and once more on their way in the form",),
)

_FIELDS = (
    Field("user", "name of the account", example="demo-user"),
    Field("signing_key", "key that signs requests; it never travels", secret=True),
    Field("password", "password of the account, sent with every request", secret=True, sent=True),
    Field(
        "digest",
        "digest that the account is set up for",
        required=False,
        choices=("sha256", "md5"),
        default="sha256",
    ),
)

_TABLE: dict[str, tuple[str, Cause, str | None]] = {
    "40": ("user or password is wrong", Cause.CREDENTIALS, "check user and password in the profile"),
    "41": (
        "the signature is wrong",
        Cause.CREDENTIALS,
        "check signing_key and digest; `smscli sign --expect SIG` names the mistake",
    ),
    "42": ("the timestamp is more than half a minute off", Cause.STALE, "check this machine's clock"),
    "50": ("the text is missing", Cause.REFUSED, None),
    "51": ("the number is invalid", Cause.REFUSED, None),
    "52": ("not enough credit", Cause.REFUSED, "top the account up (`smscli balance` shows what is left)"),
    "60": ("too many requests", Cause.BUSY, "try again a little later"),
}

ERRORS = {code: Reason(f"error {code}: {text}", cause, code, hint) for code, (text, cause, hint) in _TABLE.items()}


# --- requests --------------------------------------------------------------------------------------------------------


def _build_send(message: Message, account: Account, stamp: str) -> Request:
    if message.test:
        raise PROVIDER.unsupported("test mode")
    if message.send_at is not None:
        raise PROVIDER.unsupported("scheduled sending")
    (number,) = message.to
    sender = () if message.sender is None else (("from", message.sender.value),)
    params = (*_identity(account), ("to", number.digits), *sender, ("text", message.text), ("ts", stamp))
    signature = PROVIDER.of(account.fields).sign(params, account.secret).signature
    return Request("POST", _url(account, "send"), form=(*params, ("sig", signature)), billable=True)


def _build_balance(_what: None, account: Account, _stamp: str) -> Request:
    return Request("POST", _url(account, "credit"), form=_identity(account))


def _identity(account: Account) -> Pairs:
    return (("user", account.fields["user"]), ("password", account.sent_secrets["password"].reveal()))


def _url(account: Account, path: str) -> str:
    return f"{account.base_url.rstrip('/')}/{path}"


# --- answers ---------------------------------------------------------------------------------------------------------


def _read_send(members: Members, message: Message, _stamp: str) -> SendReceipt:
    (number,) = message.to
    parts = members.get("parts")
    if not isinstance(parts, list):
        raise MalformedAnswer("it lists no parts")
    submissions = [_part(number, part) for part in parts]
    ids = [one.message_id for one in submissions if one.message_id]
    if len(set(ids)) != len(ids):
        raise MalformedAnswer("it gives one id to two parts")
    return SendReceipt((of_parts(number, submissions),))


def _part(number: MSISDN, part: object) -> Submission:
    if not isinstance(part, dict):
        return unknown(number, "a part of the vendor's answer is not one that it documents")
    code, message_id = whole(part.get("code"), 3), whole(part.get("id"))
    if code in ERRORS:
        return Submission(number, Outcome.REFUSED, message_id, reason=ERRORS[code])
    if code != "0" or message_id is None or not message_id.strip("0"):
        return unknown(number, "a part of the vendor's answer says neither success nor error")._replace(
            message_id=message_id
        )
    price = amount(part.get("price"))
    return Submission(number, Outcome.SENT, message_id, cost=None if price is None else Money(price, "EUR"))


def _read_balance(members: Members) -> Balance:
    credit, currency = amount(members.get("credit")), members.get("currency")
    if credit is None or not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
        raise MalformedAnswer("it names no amount and currency")
    return Balance(credit, currency)


def _refusal(members: Members) -> Reason | None:
    if "code" not in members:
        return None
    code = whole(members["code"], 3)
    if code not in ERRORS or "parts" in members or "credit" in members:
        raise MalformedAnswer("it holds an unknown or contradictory error")
    return ERRORS[code]._replace(wait=seconds(members.get("retry_after")))


_ANSWERS = Answers(
    ("code", "text", "retry_after", "parts", "id", "price", "credit", "currency"), "/", _refusal, statuses=(401, 429)
)


def _variant(provider: Provider, fields: Mapping[str, str]) -> Provider:
    return provider._replace(rule=_RULE._replace(digests=(fields.get("digest", "sha256"),)))


PROVIDER = Provider(
    name="examplesms",
    title="ExampleSMS",
    base_url="https://api.examplesms.example/",
    usual_path=_ANSWERS.usual_path,
    fields=_FIELDS,
    rule=_RULE,
    variant=_variant,
    send=Operation(_build_send, _ANSWERS.send(_read_send)),
    balance=Operation(_build_balance, _ANSWERS.question(_read_balance)),
    stamp=Stamp.LOCAL_CLOCK,
    stamp_name="ts",
    stamp_life=25.0,
    batch_limit=1,
    extras=(("from", ""), ("format", "json")),
)

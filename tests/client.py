"""One send through the real transport to the tests' own vendor, read by the provider's parser, in this process."""

from __future__ import annotations

import time
from typing import NamedTuple

from smscli.errors import ConfigError, ExitCode, OutcomeUnknownError, SmscliError, UnreachableError
from smscli.model import MSISDN, Account, Message, Outcome, Secret, SenderId
from smscli.providers import get
from smscli.transport import HttpTransport
from smscli.wire import Request

VENDORS = ("lightsms", "mainsms", "mesajlarim")

# Keys of nobody, numbers of nobody (the vendors' own printed examples).
SECRETS = {"lightsms": "your_api_key_here", "mainsms": "07349e954831d", "mesajlarim": "mySecret"}
_FIELDS = {
    "lightsms": {"login": "YourLogin"},
    "mainsms": {"project": "mainsms"},
    "mesajlarim": {"app_id": "1", "msisdn": "5321000000"},
}
_RECIPIENT = {"lightsms": "37061234567", "mainsms": "79121231234", "mesajlarim": "905322000000"}


class Ending(NamedTuple):
    """How one send ended: its recipient's outcome, the exit status, and the error when there was no answer to read."""

    outcome: Outcome
    exit_code: ExitCode
    error: SmscliError | None = None


def build(
    vendor: str, base_url: str, text: str = "My Message", not_after: float | None = None
) -> tuple[Request, Message, str]:
    """Return the signed send of one text to one recipient, with its message and its stamp."""
    sender = SenderId("YourSender") if vendor == "lightsms" else None
    message = Message((MSISDN(_RECIPIENT[vendor]),), text, sender)
    account = Account(base_url, Secret(SECRETS[vendor]), _FIELDS[vendor])
    stamp = str(int(time.time()))
    built = get(vendor).send.build(message, account, stamp)
    dated = Request(built.method, built.url, built.query, built.form, built.headers, built.billable, not_after)
    return dated, message, stamp


def send(
    transport: HttpTransport,
    vendor: str,
    base_url: str,
    seconds: float,
    *,
    text: str = "My Message",
    not_after: float | None = None,
) -> Ending:
    """Send one message and read the answer."""
    request, message, stamp = build(vendor, base_url, text, not_after)
    try:
        response = transport(request, seconds)
    except (UnreachableError, ConfigError) as error:
        return Ending(Outcome.NOT_SENT, error.exit_code, error)
    except OutcomeUnknownError as error:
        return Ending(Outcome.UNKNOWN, error.exit_code, error)
    receipt = get(vendor).send.parse(response, message, stamp)
    return Ending(receipt.submissions[0].outcome, receipt.exit_code)

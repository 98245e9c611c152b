"""One send through the real transport to the tests' own vendor, read by the provider's parser, in this process."""

from __future__ import annotations

import time
from typing import NamedTuple

from smscli.errors import ConfigError, ExitCode, OutcomeUnknownError, SmscliError, UnreachableError
from smscli.model import Message, Outcome
from smscli.providers import get
from smscli.transport import HttpTransport
from smscli.wire import Request
from tests.vendors import PLATFORMS, account, message

VENDORS = PLATFORMS
SECRETS = {vendor: account(vendor).secret.reveal() for vendor in VENDORS}


class Ending(NamedTuple):
    """How one send ended: its recipient's outcome, the exit status, and the error when there was no answer to read."""

    outcome: Outcome
    exit_code: ExitCode
    error: SmscliError | None = None


def build(
    vendor: str, base_url: str, text: str = "My Message", not_after: float | None = None
) -> tuple[Request, Message, str]:
    """Return the signed send of one text to one recipient, with its message and its stamp."""
    stamp, sent = str(int(time.time())), message(vendor, text)
    built = get(vendor).send.build(sent, account(vendor, base_url), stamp)
    dated = Request(built.method, built.url, built.query, built.form, built.headers, built.billable, not_after)
    return dated, sent, stamp


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
    request, sent, stamp = build(vendor, base_url, text, not_after)
    try:
        response = transport(request, seconds)
    except (UnreachableError, ConfigError) as error:
        return Ending(Outcome.NOT_SENT, error.exit_code, error)
    except OutcomeUnknownError as error:
        return Ending(Outcome.UNKNOWN, error.exit_code, error)
    receipt = get(vendor).send.parse(response, sent, stamp)
    return Ending(receipt.submissions[0].outcome, receipt.exit_code)

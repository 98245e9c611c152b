"""The strict reading of answers, the same for every vendor.

This room decides what an answer proves. A vendor's reader takes the decoded value and returns what it documents, or
raises MalformedAnswer; for a send that makes every recipient UNKNOWN, for a question it means asking again is safe.
It knows no vendor's words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeVar

from smscli.errors import ERROR_BY_EXIT_CODE, ExitCode, UnreachableError
from smscli.model import MASK, MSISDN, Message, Outcome, Reason, SendReceipt, Submission, all_of, visible
from smscli.wire import MalformedAnswer, Response, decode_json

if TYPE_CHECKING:
    from decimal import Decimal

Out = TypeVar("Out")

_AMOUNT = r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?"
_TAG = r"<[^<>]*>"
# What may carry a credential when a page repeats the request: `name=value`, a URL, a long run of hex.
_TELLTALE = r"=|\?\w|://|[0-9A-Fa-f]{20}"


def strict_send(
    read: Callable[[object, Message, str], SendReceipt], decode: Callable[[bytes], object] = decode_json
) -> Callable[[Response, Message, str], SendReceipt]:
    """Return the parser of a send: what ``read`` does not understand is UNKNOWN for every recipient.

    Documented answers come with HTTP 200; with any other status the body proves nothing, whatever it says.
    """

    def parse(response: Response, message: Message, stamp: str) -> SendReceipt:
        try:
            _expect_200(response)
            return read(decode(response.body), message, stamp)
        except MalformedAnswer as error:
            return SendReceipt(all_of(message.to, Outcome.UNKNOWN, _doubt(_describe(response, error))))

    return parse


def strict_question(
    read: Callable[[object], Out], decode: Callable[[bytes], object] = decode_json
) -> Callable[[Response, None, str], Out]:
    """Return the parser of a question, which costs nothing and may be repeated.

    A documented error is believed with any HTTP status, a documented result only with 200. What ``read`` does not
    understand raises UnreachableError.
    """

    def parse(response: Response, _what: None, _stamp: str) -> Out:
        try:
            result = read(decode(response.body))
            _expect_200(response)
        except MalformedAnswer as error:
            raise UnreachableError(
                _describe(response, error), hint="nothing is sent by asking: try again later, and check base_url"
            ) from error
        return result

    return parse


def unknown(number: MSISDN, text: str) -> Submission:
    """Return the end of one recipient for whom the answer proves nothing, ``text`` saying why."""
    return Submission(number, Outcome.UNKNOWN, reason=_doubt(text))


def refuse(reason: Reason) -> NoReturn:
    """Raise a refused question's reason as the error of its class."""
    raise ERROR_BY_EXIT_CODE[reason.exit_code](reason.text, hint=reason.hint, code=reason.code)


def quote(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of a vendor's text, made safe to show.

    Markup is dropped, white space folded, steering characters escaped; words that may repeat a credential (a
    ``name=value``, a URL, a long run of hex) are masked.
    """
    words = re.sub(_TAG, " ", text[:4096]).split()
    shown = visible(" ".join(MASK if re.search(_TELLTALE, word) else word for word in words))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def amount(value: object) -> Decimal | None:
    """Return an amount given as a number or as text with a decimal point; None for anything else."""
    from decimal import Decimal

    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return Decimal(text) if isinstance(text, str) and re.fullmatch(_AMOUNT, text) else None


def whole(value: object, digits: int = 40) -> str | None:
    """Return a whole number given as a number or as text, in at most ``digits`` digits; None for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and re.fullmatch(rf"[0-9]{{1,{digits}}}", text) else None


def _doubt(text: str) -> Reason:
    hint = "it may have been sent: look at the vendor's own list of messages before sending again"
    return Reason(text, ExitCode.UNKNOWN, hint=hint)


def _expect_200(response: Response) -> None:
    if response.status != 200:
        raise MalformedAnswer("documented answers come with 200")


def _describe(response: Response, error: MalformedAnswer) -> str:
    beginning = quote(response.body[:4096].decode("utf-8", "replace"), 80)
    said = f"; it begins: {beginning}" if beginning else ""
    return f"the vendor's answer is not one that it documents (HTTP {response.status}; {error}{said})"

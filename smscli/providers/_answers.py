"""The strict reading of answers, the same for every vendor.

This room decides what an answer proves. A vendor's reader takes the decoded value and returns what it documents, or
raises MalformedAnswer; for a send that makes every recipient UNKNOWN, for a question it means asking again is safe.

It also decides what may be told of an answer that was not understood, and that is its shape: status, length, kind,
documented names. A vendor that repeats the request can spell key, signature, text and number in more ways than any
mask knows, so that no free text of a vendor ever leaves this room.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, NoReturn, TypeVar

from smscli.errors import Cause, UnreachableError
from smscli.model import MSISDN, Message, Outcome, Reason, SendReceipt, Submission, all_of
from smscli.record import Record
from smscli.wire import MalformedAnswer, Response, decode_json, kind_of_text

if TYPE_CHECKING:
    from decimal import Decimal

Out = TypeVar("Out")

_AMOUNT = r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?"

# How much of a shape is told: members of one object, levels, characters of the whole.
_MEMBERS = 8
_LEVELS = 3
_LONGEST = 400


class Answers(Record):
    """What is known beforehand of all answers of a vendor, and the parsers that rest on it.

    ``names`` are the documented names of members: of an answer that is not understood, they alone are told.
    ``usual_path`` is that of ``Provider``.
    """

    names: tuple[str, ...]
    usual_path: str

    def send(
        self, read: Callable[[object, Message, str], SendReceipt], decode: Callable[[bytes], object] = decode_json
    ) -> Callable[[Response, Message, str], SendReceipt]:
        """Return the parser of a send: what ``read`` does not understand is UNKNOWN for every recipient.

        Documented answers come with HTTP 200; with any other status the body proves nothing, whatever it says.
        """

        def parse(response: Response, message: Message, stamp: str) -> SendReceipt:
            seen = ""
            try:
                answer = decode(response.body)
                seen = self._shape(answer)
                _expect_200(response)
                receipt = read(answer, message, stamp)
            except MalformedAnswer as error:
                seen = _joined(error, seen)
                doubt = _doubt(_undocumented(response, seen), self._place(response))
                receipt = SendReceipt(all_of(message.to, Outcome.UNKNOWN, doubt))
            if receipt.cause is not Cause.UNKNOWN:
                return receipt
            return receipt._replace(evidence=f"HTTP {response.status}, {len(response.body)} bytes: {seen}")

        return parse

    def question(
        self, read: Callable[[object], Out], decode: Callable[[bytes], object] = decode_json
    ) -> Callable[[Response, None, str], Out]:
        """Return the parser of a question, which costs nothing and may be repeated.

        A documented error is believed with any HTTP status, a documented result only with 200. What ``read`` does
        not understand raises UnreachableError.
        """

        def parse(response: Response, _what: None, _stamp: str) -> Out:
            seen = ""
            try:
                answer = decode(response.body)
                seen = self._shape(answer)
                result = read(answer)
                _expect_200(response)
            except MalformedAnswer as error:
                hint = self._place(response) or "try again later, and check base_url"
                raise UnreachableError(
                    _undocumented(response, _joined(error, seen)), hint=f"nothing is sent by asking: {hint}"
                ) from error
            return result

        return parse

    def _place(self, response: Response) -> str | None:
        """Return what to do about an address that nobody answers to."""
        where = f"check base_url: the directory of the vendor's scripts is usually {self.usual_path}"
        return where if response.status == 404 else None

    def _shape(self, answer: object) -> str:
        shape = kind_of_text(answer) if isinstance(answer, str) else f"JSON {self._value(answer, 0)}"
        return shape if len(shape) <= _LONGEST else f"{shape[: _LONGEST - 1]}…"

    def _value(self, value: object, level: int) -> str:
        """Return type and length of a value; ``?`` stands for a name that no page of the vendor has."""
        if isinstance(value, str):
            return f"text of {len(value)} character{'' if len(value) == 1 else 's'}"
        if isinstance(value, dict):
            members = value.items() if level < _LEVELS else ()
            parts = [self._member(name, one, level) for name, one in islice(members, _MEMBERS)]
            return f"{{{_list(parts, len(value))}}}"
        if isinstance(value, list):
            parts = [self._value(one, level + 1) for one in value[: level < _LEVELS]]
            return f"[{_list(parts, len(value))}]"
        if value is None:
            return "null"
        return str(value).lower() if isinstance(value, bool) else "number"

    def _member(self, name: str, value: object, level: int) -> str:
        # The one value that is told: a code of three digits betrays nothing, and says which new error it is.
        code = whole(value, 3) if name == "error" else None
        return f"{name if name in self.names else '?'}: {code or self._value(value, level + 1)}"


def unknown(number: MSISDN, text: str) -> Submission:
    """Return the end of one recipient for whom the answer proves nothing, ``text`` saying why."""
    return Submission(number, Outcome.UNKNOWN, reason=_doubt(text))


def refuse(reason: Reason) -> NoReturn:
    """Raise a refused question's reason as the error of its class."""
    raise reason.error()


def amount(value: object) -> Decimal | None:
    """Return an amount given as a number or as text with a decimal point; None for anything else."""
    from decimal import Decimal

    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    return Decimal(text) if isinstance(text, str) and re.fullmatch(_AMOUNT, text) else None


def whole(value: object, digits: int = 40) -> str | None:
    """Return a whole number given as a number or as text, in at most ``digits`` digits; None for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and re.fullmatch(rf"[0-9]{{1,{digits}}}", text) else None


def _doubt(text: str, place: str | None = None) -> Reason:
    hint = "it may have been sent: look at the vendor's own list of messages before sending again"
    return Reason(text, Cause.UNKNOWN, hint=f"{hint}; {place}" if place else hint)


def _expect_200(response: Response) -> None:
    if response.status != 200:
        raise MalformedAnswer("documented answers come with 200")


def _undocumented(response: Response, seen: str) -> str:
    return f"the vendor's answer is not one that it documents (HTTP {response.status}; {seen})"


def _joined(error: MalformedAnswer, shape: str) -> str:
    return f"{error}; {shape}" if shape else str(error)


def _list(parts: list[str], total: int) -> str:
    return ", ".join([*parts, f"{total - len(parts)} more"] if total > len(parts) else parts)

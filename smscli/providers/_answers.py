"""The strict reading of answers, the same for every vendor.

This module decides what an answer proves. A vendor's reader takes the decoded value and returns what it documents, or
raises MalformedAnswer; for a send that makes every recipient UNKNOWN, for a question it means asking again is safe.

It also decides what may be told of an answer that was not understood, and that is its shape: status, length, kind,
documented names. A vendor that repeats the request can spell key, signature, text and number in more ways than any
mask knows, so that no free text of a vendor ever leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from smscli.errors import Cause, UnreachableError
from smscli.model import (
    MSISDN,
    DeliveryReport,
    DeliveryState,
    Message,
    Outcome,
    Quote,
    Reason,
    SendReceipt,
    Submission,
    all_of,
)
from smscli.record import Record
from smscli.wire import MalformedAnswer, Response, decode_json, decode_text, kind_of_text

if TYPE_CHECKING:
    from decimal import Decimal

In = TypeVar("In")
Out = TypeVar("Out")

# Letters alone: a key or a signature that comes back instead of a word has digits, or is longer.
_WORD = r"[A-Za-z](?:[A-Za-z _-]{0,22}[A-Za-z])?"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?"

_AMOUNT = r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?"

# How much of a shape is told: members of one object, levels, characters of the whole.
_MEMBERS = 8
_LEVELS = 3
_LONGEST = 400


Members = dict[str, object]
"""An answer as an object: values by the names of members."""


def is_object(answer: object) -> Members:
    """Return the members of an answer; raise MalformedAnswer when it is no object."""
    if not isinstance(answer, dict):
        raise MalformedAnswer("it is not an object")
    return answer


class Answers(Record):
    """What is known beforehand of all answers of a vendor, and the parsers that rest on it.

    ``names`` are the documented names of members: of an answer that is not understood, they alone are told.
    ``usual_path`` is that of ``Provider``. ``refusal`` returns why the whole request was refused, None where the
    answer says nothing of the kind; ``members`` gives it the answer as an object; both raise MalformedAnswer.
    ``statuses`` are the HTTP statuses, besides 200, with which the vendor documents to refuse.
    """

    names: tuple[str, ...]
    usual_path: str
    refusal: Callable[[Members], Reason | None]
    members: Callable[[object], Members] = is_object
    decode: Callable[[bytes], object] = decode_json
    statuses: tuple[int, ...] = ()

    def send(
        self, read: Callable[[Members, Message, str], SendReceipt]
    ) -> Callable[[Response, Message, str], SendReceipt]:
        """Return the parser of a send: what ``read`` does not understand is UNKNOWN for every recipient.

        ``read`` gets what is no refusal of the whole request. With an HTTP status that is not documented the body
        proves nothing, whatever it says; acceptance comes with 200 alone.
        """

        def parse(response: Response, message: Message, stamp: str) -> SendReceipt:
            seen = ""
            try:
                answer = self.decode(response.body)
                seen = self._shape(answer)
                if response.status != 200 and response.status not in self.statuses:
                    raise _undocumented_status()
                members = self.members(answer)
                reason = self._refusal(members, response)
                if reason is None and response.status != 200:
                    raise _undocumented_status()
                receipt = (
                    read(members, message, stamp)
                    if reason is None
                    else SendReceipt(all_of(message.to, Outcome.REFUSED, reason))
                )
            except MalformedAnswer as error:
                seen = _joined(error, seen)
                doubt = _doubt(_undocumented(response, seen), self._place(response))
                receipt = SendReceipt(all_of(message.to, Outcome.UNKNOWN, doubt))
            if receipt.cause is not Cause.UNKNOWN:
                return receipt
            return receipt._replace(evidence=f"HTTP {response.status}, {len(response.body)} bytes: {seen}")

        return parse

    def question(self, read: Callable[[Members], Out]) -> Callable[[Response, None, str], Out]:
        """Return the parser of a question, which costs nothing and may be repeated.

        A documented refusal is believed with any HTTP status, a documented result only with 200. What ``read`` does
        not understand raises UnreachableError.
        """

        def read_members(answer: object, response: Response) -> Out:
            members = self.members(answer)
            reason = self._refusal(members, response)
            if reason is not None:
                raise reason.error()
            return read(members)

        return self._asked(read_members, self.decode)

    def quote(self, read: Callable[[Members, Message], Quote]) -> Callable[[Response, Message, str], Quote]:
        """Return the parser of the question what a message costs."""
        return self._about(read)

    def reports(
        self, read: Callable[[Members, tuple[str, ...]], tuple[DeliveryReport, ...]]
    ) -> Callable[[Response, tuple[str, ...], str], tuple[DeliveryReport, ...]]:
        """Return the parser of the question where messages stand; ``read`` gives a report for each id, in order."""
        return self._about(read)

    def _about(self, read: Callable[[Members, In], Out]) -> Callable[[Response, In, str], Out]:
        def parse(response: Response, what: In, _stamp: str) -> Out:
            return self.question(lambda members: read(members, what))(response, None, "")

        return parse

    def text(self, read: Callable[[str], Out]) -> Callable[[Response, None, str], Out]:
        """Return the parser of a question whose answer is plain text."""
        return self._asked(lambda text, _: read(text), decode_text)

    def _asked(
        self, read: Callable[[In, Response], Out], decode: Callable[[bytes], In]
    ) -> Callable[[Response, None, str], Out]:
        def parse(response: Response, _what: None, _stamp: str) -> Out:
            seen = ""
            try:
                answer = decode(response.body)
                seen = self._shape(answer)
                result = read(answer, response)
                if response.status != 200:
                    raise _undocumented_status()
            except MalformedAnswer as error:
                hint = self._place(response) or "try again later, and check base_url"
                trouble = UnreachableError(
                    _undocumented(response, _joined(error, seen)), hint=f"nothing is sent by asking: {hint}"
                )
                trouble.wait = retry_after(response)
                raise trouble from error
            return result

        return parse

    def _refusal(self, members: Members, response: Response) -> Reason | None:
        """Return why the whole request was refused; the header's waiting time where the body names none."""
        reason = self.refusal(members)
        if reason is None or reason.cause is not Cause.BUSY or reason.wait is not None:
            return reason
        return reason._replace(wait=retry_after(response))

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


def report(
    message_id: str, word: object, states: Mapping[str, DeliveryState], at: object = None
) -> DeliveryReport:  # fmt: skip
    """Return where a message stands by the vendor's word for it, in any case.

    A word that ``states`` lacks is kept, and says nothing final; what is no word at all is kept as ``?``. ``at`` is the
    vendor's date or time of it; what is neither is left out.
    """
    own = word if isinstance(word, str) and re.fullmatch(_WORD, word) else "?"
    time = at if isinstance(at, str) and re.fullmatch(_TIME, at) else None
    return DeliveryReport(message_id, states.get(own.lower(), DeliveryState.UNKNOWN), own, time)


def seconds(value: object) -> float | None:
    """Return a waiting time given in whole seconds, as a number or text; None for all else."""
    digits = whole(value, 6)
    return float(digits) if digits is not None else None


def retry_after(response: Response) -> float | None:
    """Return the seconds that an answer's header Retry-After asks for (RFC 9110); None without one that is understood.

    It may be a date, which counts from the answer's own: this machine's clock may be another one.
    """
    value = response.headers.get("retry-after", "").strip()
    wait = seconds(value)
    if wait is not None or not value:
        return wait
    from email.utils import parsedate_to_datetime

    try:
        until, now = (parsedate_to_datetime(one) for one in (value, response.headers.get("date", "")))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):  # no date, or one of no zone
        return None


def of_parts(to: MSISDN, parts: Sequence[Submission]) -> Submission:
    """Return what became of one message that the vendor answers part by part, each with an end and an id of its own.

    Parts that do not end alike are half a text: UNKNOWN, for a person to look at. All ids are kept. Of refusals the
    one speaks that another try does not cure.
    """
    if not parts:
        return unknown(to, "the vendor's answer for this number lists no part")
    ids = ",".join(part.message_id for part in parts if part.message_id) or None
    if len({part.outcome for part in parts}) > 1:
        return unknown(to, "the vendor accepted some parts of the text, not all")._replace(message_id=ids)
    first = parts[0]
    if first.outcome is not Outcome.SENT:
        final = [part for part in parts if part.reason and part.reason.cause not in (Cause.STALE, Cause.BUSY)]
        return (final or parts)[0]._replace(message_id=ids)
    money = [part.cost for part in parts if part.cost is not None]
    cost = money[0]._replace(amount=sum(one.amount for one in money)) if len(money) == len(parts) else None
    return first._replace(message_id=ids, parts=len(parts), cost=cost)


def amount(value: object) -> Decimal | None:
    """Return an amount given as a number (a float is none: it is rounded) or as text; None for all else."""
    from decimal import Decimal

    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) < 16:
        value = f"{value:f}"  # 1e3 is an amount too
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return Decimal(text) if isinstance(text, str) and re.fullmatch(_AMOUNT, text) else None


def whole(value: object, digits: int = 40) -> str | None:
    """Return a whole number given as a number or as text, in at most ``digits`` digits; None for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and re.fullmatch(rf"[0-9]{{1,{digits}}}", text) else None


def _doubt(text: str, place: str | None = None) -> Reason:
    hint = "it may have been sent: look at the vendor's own list of messages before sending again"
    return Reason(text, Cause.UNKNOWN, hint=f"{hint}; {place}" if place else hint)


def _undocumented_status() -> MalformedAnswer:
    return MalformedAnswer("documented answers come with 200")


def _undocumented(response: Response, seen: str) -> str:
    return f"the vendor's answer is not one that it documents (HTTP {response.status}; {seen})"


def _joined(error: MalformedAnswer, shape: str) -> str:
    return f"{error}; {shape}" if shape else str(error)


def _list(parts: list[str], total: int) -> str:
    return ", ".join([*parts, f"{total - len(parts)} more"] if total > len(parts) else parts)

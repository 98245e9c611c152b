"""HAR files, as browsers (Chrome, Firefox, Safari) and proxies (mitmproxy, Charles, Fiddler) write them. (HAR 1.2)"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace

from smscli.capture._request import FORM, RawRequest, encode, to_text, unix_seconds
from smscli.errors import InputError

_KIND = "HAR entry"
_ENCODED = re.compile(r"(?:[\w.~*'()!$,/:;@?+-]|%[0-9A-Fa-f]{2})*", re.ASCII)


def har(text: str) -> list[RawRequest]:
    """Return the requests of a HAR file, or of one entry; none when it is neither. InputError says where it is cut."""
    if not text.startswith("{"):
        return []
    if '"entries"' not in text:
        return _alone(text)
    try:
        document = json.loads(text)
    except RecursionError:
        return []
    except ValueError as error:
        where = getattr(error, "lineno", 0)
        raise InputError(f"the HAR file cannot be read from line {where} on", hint="save it again, whole") from None
    log = document.get("log")
    entries = log.get("entries") if isinstance(log, dict) else None
    return [_request(entry, number) for number, entry in enumerate(entries if isinstance(entries, list) else (), 1)]


def _alone(text: str) -> list[RawRequest]:
    """Return the request of a lone entry, or of its ``request``; a log has headers of another shape, or none."""
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return []
    request = entry.get("request", entry)
    is_har = isinstance(request, dict) and "url" in request and isinstance(request.get("headers"), list)
    return [replace(_request({**entry, "request": request}, 1), place="")] if is_har else []


def _request(entry: object, number: int) -> RawRequest:
    place = f"entry {number}"
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        return RawRequest(_KIND, place=place, fault="it holds no request with an address")
    data = request.get("postData")
    notes: list[str] = []
    body, fields, lacks = _body(data, notes) if isinstance(data, dict) else ("", (), "")
    size = request.get("bodySize")
    if not (body or fields) and isinstance(size, int) and size > 0:
        lacks = f"the body of {size} bytes is not in the HAR file"
    usual = (("Content-Type", str(data.get("mimeType") or FORM)),) if isinstance(data, dict) else ()
    headers = (*usual, *_pairs(request.get("headers")))
    return RawRequest(
        _KIND, request["url"], str(request.get("method") or "GET"), headers, body, fields,
        place=place, seen_at=unix_seconds(entry.get("startedDateTime") if isinstance(entry, dict) else None),
        notes=tuple(notes), lacks=lacks,
        readings=("request.url: the address", "request.postData: the body"),
    )  # fmt: skip


def _body(data: dict[str, object], notes: list[str]) -> tuple[str, tuple[tuple[str, str], ...], str]:
    """Return the body's text, or the pairs that stand for it where the text is missing, and what is not sure of them.

    Chrome has the pairs of a form as they were sent, beside the text; others have decoded ones, and no text.
    """
    text = data.get("text")
    if isinstance(text, str) and text:
        if data.get("encoding") == "base64":
            try:
                return to_text(base64.b64decode(text)), (), ""
            except ValueError:
                notes.append("the body is no base64, although the HAR file says so")
        return text, (), ""
    pairs = tuple(_pairs(data.get("params")))
    if pairs and "multipart" not in str(data.get("mimeType")):
        sent = "&".join(f"{name}={value}" for name, value in pairs)
        if not re.search("[%+]", sent) or not all(map(_ENCODED.fullmatch, (part for pair in pairs for part in pair))):
            notes.append("the HAR file has the parameters of the body, but not its bytes")
            return encode(pairs), (), ""
        doubt = (
            "the HAR file has the parameters of the body, but not its bytes: whether they are percent-encoded is open"
        )
        as_sent = "%" in sent or not re.search("(?:^|=)[+]", sent)  # a number begins with one, hardly a blank does
        return sent if as_sent else encode(pairs), (), doubt
    return "", pairs, ""


def _pairs(items: object) -> Iterator[tuple[str, str]]:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and "name" in item:
            yield str(item["name"]), str(item.get("value") or "")

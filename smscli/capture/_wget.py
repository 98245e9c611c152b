"""What a wget command sends, still encoded. (wget(1), and runs of 1.21)"""

from __future__ import annotations

from urllib.parse import quote

from smscli.capture._options import WGET
from smscli.capture._request import FORM, RawRequest, to_bytes
from smscli.capture._shell import Command
from smscli.capture._words import options

_READ_AS = {
    "": "the address", "post-data": "body", "body-data": "body", "method": "the method", "header": "a header",
    "post-file": "body from a file", "body-file": "body from a file", "input-file": "addresses from a file",
}  # fmt: skip


def wget(command: Command) -> list[RawRequest]:
    """Return the requests of a wget command, one for each address."""
    notes = list(command.notes)
    read = list(options(command.words[1:], WGET, command.line, notes))
    given = dict(read)
    body = given.get("post-data", given.get("body-data", ""))
    posts = given.keys() & {"post-data", "post-file"}
    method = given.get("method", "POST" if posts else "GET").upper()
    own = tuple(
        (header.strip(), content.strip())
        for header, _, content in (value.partition(":") for name, value in read if name == "header")
    )
    headers = (("Content-Type", FORM), *own) if body else own
    from_file = given.keys() & {"post-file", "body-file", "input-file"}
    lacks = "a part of the request comes from a file, which is not in the capture" if from_file else ""
    readings = tuple(
        f"{f'--{name}' if name else 'word'}: {_READ_AS.get(name, 'no part of the request')}" for name in given
    )
    return [
        RawRequest(
            "wget command", _escaped(value), method, headers, body,
            place=f"line {command.line}", notes=tuple(notes), readings=readings, lacks=lacks,
        )
        for name, value in read if not name
    ]  # fmt: skip


def _escaped(url: str) -> str:
    """Return the address as wget writes it: what no URL may hold is percent-encoded."""
    return quote(to_bytes(url), safe="%!$&'()*+,;=:@/?#[]-._~")

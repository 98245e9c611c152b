"""What a curl command sends, still encoded: its options as curl reads them. (curl(1), and runs of 7.88)"""

from __future__ import annotations

import re
from urllib.parse import quote

from smscli.capture._options import CURL
from smscli.capture._request import FORM, RawRequest, split_target, to_bytes
from smscli.capture._shell import Command
from smscli.capture._words import options
from smscli.model import visible

_READ_AS = {
    "": "the address", "url": "the address", "request": "the method", "get": "the data go into the query",
    "head": "the method HEAD", "header": "a header", "data": "body", "data-ascii": "body", "data-raw": "body",
    "data-binary": "body", "data-urlencode": "body, percent-encoded", "json": "body, JSON", "form": "multipart field",
    "form-string": "multipart field", "url-query": "query", "upload-file": "body from a file",
    "request-target": "the path", "variable": "a variable", "config": "options from a file",
}  # fmt: skip


def curl(command: Command) -> list[RawRequest]:
    """Return the requests of a curl command: one for each address, before and behind each ``--next``."""
    notes: list[str] = list(command.notes)
    variables: dict[str, str] = {}
    operations = [_Operation(command, variables)]
    for name, value in options(command.words[1:], CURL, command.line, notes):
        if name == "next" and not operations[-1].has_address:
            continue  # as curl does
        if name == "next":
            operations.append(_Operation(command, variables))
        else:
            operations[-1].take(name, value)
    return [request for operation in operations for request in operation.requests(tuple(notes))]


class _Operation:
    """What stands between two ``--next`` of a command, being read option by option."""

    def __init__(self, command: Command, variables: dict[str, str]) -> None:
        self._command = command
        self._variables = variables
        self._urls: list[str] = []
        self._method: str | None = None
        self._data: str | None = None
        self._query: list[str] = []
        self._fields: list[tuple[str, str]] = []
        self._headers: list[tuple[str, str]] = []
        self._flags: set[str] = set()
        self._path: str | None = None
        self._notes: list[str] = []
        self._lacks = ""
        self._readings: list[str] = []

    @property
    def has_address(self) -> bool:
        """Whether there is something to ask yet."""
        return bool(self._urls)

    def take(self, name: str, value: str) -> None:
        """Take one option; those that change nothing about the request are passed over."""
        if name.startswith("expand-"):
            name, value = name[7:], self._expand(value)
        about = f" {visible(value.partition('=')[0])}" if name.startswith(("form", "data-url", "url-query")) else ""
        word = f"--{name}" if name else "word"
        self._readings.append(f"{word}{about}: {_READ_AS.get(name, 'no part of the request')}")
        if name in ("", "url"):
            self._urls.append(value)
        elif name in ("form", "form-string"):
            self._form(value, literal=name == "form-string")
        elif name in ("data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json"):
            self._body(name, value)
        elif name == "url-query":
            self._query.append(value[1:] if value.startswith("+") else self._encoded(value))
        else:
            self._take_other(name, value)

    def _take_other(self, name: str, value: str) -> None:
        if name == "request":
            self._method = value
        elif name == "request-target":
            self._path = value
        elif name == "header" and ":" in value:
            header, _, content = value.partition(":")
            self._headers.append((header.strip(), content.strip()))
        elif name == "header" and value.endswith(";"):  # which sends an empty one
            self._headers.append((value[:-1].strip(), ""))
        elif name == "variable":
            variable, _, content = value.partition("=")
            self._variables[variable.removeprefix("%")] = content
        elif name in ("config", "upload-file") or (name == "header" and value.startswith("@")):
            if name == "upload-file":
                self._miss(value)
            else:
                what = "options" if name == "config" else "headers"
                self._notes.append(f"{what} come from a file, which is not in the capture")
        if name in ("get", "head", "globoff", "upload-file"):
            self._flags.add(name)

    def _expand(self, value: str) -> str:
        def replace(match: re.Match[str]) -> str:
            if match[1] in self._variables and not match[2]:
                return self._variables[match[1]]
            self._notes.append(f"{visible(match[0])} of --variable is not worked out")
            return match[0]

        return re.sub(r"\{\{(\w+)((?::\w+)*)\}\}", replace, value)

    def _form(self, value: str, *, literal: bool) -> None:
        name, _, content = value.partition("=")
        if not literal:
            if content[:1] in ("@", "<"):
                self._notes.append(f"{visible(name)} comes from a file, which is not in the capture")
                return
            content = self._form_content(name, content.lstrip())
        self._fields.append((name, content))

    def _form_content(self, name: str, content: str) -> str:
        quoted = re.match(r'"((?:[^"\\]|\\.)*)"', content, re.DOTALL)
        if quoted:
            return re.sub(r"\\([\\\"])", r"\1", quoted[1])
        if content.startswith("("):
            self._notes.append(f"curl -F takes the ( of {visible(name)} for a body of its own; --form-string sends it")
            return ""
        content, semicolon, settings = content.partition(";")
        if semicolon and not re.match(r"\s*(?:type|filename|headers|encoder)=", settings):
            # What follows a semicolon are settings of the field: ;type=, ;filename=. (curl(1), --form)
            self._notes.append(f"curl -F cuts {visible(name)} at the semicolon; --form-string sends it whole")
        return content.rstrip()

    def _body(self, name: str, value: str) -> None:
        if name == "data-urlencode":
            piece = self._encoded(value)
        elif not value.startswith("@") or name == "data-raw":
            piece = value
        elif value == "@-" and self._command.stdin is not None:
            text = self._command.stdin
            piece = text if name in ("data-binary", "json") else re.sub(r"[\r\n\0]", "", text)
        else:
            self._miss(value)
            return
        # A piece of --json follows what there is, one of --data has & before it.
        between = "&" if self._data and name != "json" else ""
        self._data = (self._data or "") + between + piece
        if name == "json":
            self._flags.add("json")

    def _miss(self, source: str) -> None:
        where = "stdin" if source == "@-" else "a file"
        self._lacks = f"a part of the body comes from {where}, which is not in the capture"

    def _encoded(self, value: str) -> str:
        """Return ``name=content`` or ``content`` as --data-urlencode sends it: a space is ``+``."""
        match = re.match(r"([^=@]*)([=@])", value)
        name, _, content = value.partition(match[2]) if match else ("", "", value)
        if match and match[2] == "@":
            if content != "-" or self._command.stdin is None:
                self._miss(match[2] + content)
                return match[1]
            content = self._command.stdin
        encoded = quote(to_bytes(content), safe="").replace("%20", "+")
        return f"{name}={encoded}" if name else encoded

    def requests(self, notes: tuple[str, ...]) -> list[RawRequest]:
        """Return one request for each address."""
        query, body = "&".join(self._query), self._data or ""
        if "get" in self._flags:
            query, body = body or query, ""
        method = self._method or self._usual_method()
        of_data = "application/json" if "json" in self._flags else FORM
        usual = (("Content-Type", of_data),) if body and not self._fields else ()
        headers = (*usual, *self._headers)
        return [
            RawRequest(
                "curl command", self._target(url, query), method, headers, body, tuple(self._fields),
                place=f"line {self._command.line}", readings=tuple(dict.fromkeys(self._readings)),
                notes=(*notes, *self._notes, *self._about(url)), lacks=self._lacks,
            )
            for url in self._urls
        ]  # fmt: skip

    def _usual_method(self) -> str:
        if "head" in self._flags:
            return "HEAD"
        if "upload-file" in self._flags:
            return "PUT"
        sends = self._fields or (self._data is not None and "get" not in self._flags)
        return "POST" if sends else "GET"

    def _target(self, url: str, query: str) -> str:
        """Return the address with more of a query behind that which it has, and without what is not sent."""
        if self._path is not None:
            own = split_target(url).host
            url = self._path if self._path.startswith("http") else f"http://{own}{self._path}"
        address, hash_, fragment = url.partition("#")
        if query:
            address += ("&" if address.partition("?")[2] else "" if address.endswith("?") else "?") + query
        return address + hash_ + fragment

    def _about(self, url: str) -> list[str]:
        notes = []
        rest = re.sub(r"^[a-z]+://\[[^\]]*\]", "", url)
        if "globoff" not in self._flags and re.search(r"\{[^{}]*\}|\[[^\[\]]+\]", rest):
            notes.append("curl takes [ ] and { } in an address for patterns, unless -g says otherwise")
        if re.search(r"\s", url):
            notes.append("curl refuses an address with a space in it: write %20 or +")
        return notes

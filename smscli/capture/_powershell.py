"""``Invoke-WebRequest`` and ``Invoke-RestMethod`` of PowerShell, typed or copied by a browser."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from smscli.capture._request import RawRequest, encode
from smscli.errors import InputError
from smscli.model import visible

_CALL = re.compile(r"(?i)(?<![\w-])(?:Invoke-WebRequest|Invoke-RestMethod|iwr|irm)(?![\w-])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
_TOKENS = re.compile(
    r"""(?P<skip>`\r?\n|[ \t]+|<\#[\s\S]{0,4000}?\#>|\#[^\n]*)
    |(?P<here>@(?P<q>["'])[ \t]*\r?\n(?P<text>[\s\S]{0,4000}?)\r?\n(?P=q)@)
    |(?P<single>'(?:[^']|'')*')
    |(?P<double>"(?:[^"`$]|""|`[\s\S]|\$\([^()]*(?:\([^()]*\)[^()]*)*\)|\$(?!\())*")
    |(?P<open>["'])
    |(?P<variable>\$[\w:.]+|\$\{[^}]*\})
    |(?P<parameter>-[A-Za-z]\w*:?)
    |(?P<table>@\{)|(?P<mark>[(){};,=\n|]|\[[^\]\n]*\])
    |(?P<plain>https?://[^\s(){};,|`"'$]+|[^\s(){};,=|`"'$]+|[\s\S])""",
    re.VERBOSE,
)
# Parameters without a value; all others have one. (Microsoft.PowerShell.Utility 7.4)
_SWITCHES = re.compile(
    "(?i)(?:UseBasicParsing|UseDefaultCredentials|Skip\\w*|Disable\\w*|Allow\\w*|PassThru|NoProxy|Resume|FollowRelLink"
    "|Preserve\\w*|Verbose|Debug|ProxyUseDefaultCredentials)$"
)
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")  # a character beyond the 65536, as .NET has it
_Token = tuple[str, str, int]


def calls_powershell(text: str) -> bool:
    """Return whether a text calls one of the two, and does not only name it."""
    return bool(re.search(rf"{_CALL.pattern}[ \t]+(?:[-\"'$(]|https?:)", text))


def powershell(text: str) -> list[RawRequest]:
    """Return the requests of a script; none when it calls neither of the two."""
    if not _CALL.search(text):
        return []
    try:
        return list(_requests(_Reading(text)))
    except RecursionError:
        raise InputError("brackets of the captured script are nested too deeply", hint="copy the call alone") from None


def _requests(reading: _Reading) -> Iterator[RawRequest]:
    while reading.tokens:
        kind, value, line = reading.tokens.popleft()
        if kind == "plain" and _CALL.fullmatch(value):
            yield reading.request(line)
        elif kind == "variable" and reading.peek() == "=":
            reading.tokens.popleft()
            reading.variables[value.lower()] = reading.value()


class _Reading:
    """A script being read: what is left of it, and the variables that it has set."""

    def __init__(self, text: str) -> None:
        self.variables: dict[str, str | dict[str, str]] = {}
        self.notes: list[str] = []
        self.tokens: deque[_Token] = deque()
        line = 1
        for match in _TOKENS.finditer(text):
            kind = str(match.lastgroup)  # of groups in one another the outer one
            if kind == "open":
                raise InputError(f"a quote in line {line} of the captured script is not closed", hint="copy all of it")
            if match["here"]:
                self.tokens.append(("single" if match["q"] == "'" else "double", match["text"], line))
            elif kind in ("single", "double"):
                inside = match[0][1:-1]
                self.tokens.append((kind, inside.replace("''", "'") if kind == "single" else inside, line))
            elif kind != "skip":
                self.tokens.append((kind, match[0], line))
            line += match[0].count("\n")

    def peek(self) -> str:
        """Return the next token's text, or nothing."""
        return self.tokens[0][1] if self.tokens else ""

    def _skip(self) -> None:
        if self.tokens:
            self.tokens.popleft()

    def value(self) -> str | dict[str, str]:
        """Take one value: a text, a hash table, or an expression, of which the last text counts."""
        kind, text, line = self.tokens.popleft() if self.tokens else ("mark", "", 0)
        if kind == "table":
            return self._table()
        if text == "(":
            result: str | dict[str, str] = ""
            while self.tokens and self.peek() != ")":
                result = self.value() or result
            self._skip()
            return result
        if kind == "double":
            return self._expanded(text, line)
        if kind == "variable":
            return self._variable(text, line)
        return "" if kind == "mark" and text.startswith("[") else text

    def _table(self) -> dict[str, str]:
        table: dict[str, str] = {}
        while self.tokens and self.peek() != "}":
            name = self.value()
            if self.peek() == "=":
                self._skip()
                table[str(name)] = str(self.value())
        self._skip()
        return table

    def _variable(self, name: str, line: int) -> str | dict[str, str]:
        if name.lower() in self.variables:
            return self.variables[name.lower()]
        self.notes.append(f"line {line}: {visible(name)} is not in the capture; it is left as it is written")
        return name

    def _expanded(self, text: str, line: int) -> str:
        def replace(match: re.Match[str]) -> str:
            if match[1]:
                return chr(min(int(match[1]), 0x10FFFF))
            if match[2]:
                return _ESCAPES.get(match[2], match[2])
            return '"' if match[0] == '""' else str(self._variable(match[0], line))

        expanded = re.sub(
            r'\$\(\[char\](\d{1,7})\)|`([\s\S])|""|\$\((?:[^()]|\([^()]*\))*\)|\$\w[\w:]*|\$\{[^}]*\}', replace, text
        )
        return _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), expanded)

    def request(self, line: int) -> RawRequest:
        """Take the parameters of a call."""
        given: dict[str, str | dict[str, str]] = {}
        while self.tokens and self.peek() not in ("\n", ";", "|", ")"):
            kind, word, _ = self.tokens[0]
            name = word.strip("-:").lower()
            if kind != "parameter":
                given.setdefault("uri", self.value())
                continue
            self._skip()
            if not _SWITCHES.match(name):
                given[name] = self.value()
        headers, body = given.get("headers", {}), given.get("body", "")
        return self._made(given, tuple(headers.items()) if isinstance(headers, dict) else (), body, line)

    def _made(
        self, given: dict[str, str | dict[str, str]], headers: tuple[tuple[str, str], ...],
        body: str | dict[str, str], line: int,
    ) -> RawRequest:  # fmt: skip
        notes, self.notes = self.notes, []
        method = str(given.get("method", "GET")).upper()
        target = str(given.get("uri", ""))
        if isinstance(body, dict):
            encoded = encode(body.items())
            notes.append("PowerShell sends a hash table in an order of its own")
            if method == "GET":
                target, body = f"{target}{'&' if '?' in target else '?'}{encoded}", ""
            else:
                body = encoded
        if "contenttype" in given:
            headers = (*headers, ("Content-Type", str(given["contenttype"])))
        lacks = "the body comes from a file, which is not in the capture" if "infile" in given else ""
        readings = tuple(f"-{name}: {_READ_AS.get(name, 'no part of the request')}" for name in given)
        return RawRequest(
            "PowerShell command", target, method, headers, body,
            place=f"line {line}", notes=tuple(notes), readings=readings, lacks=lacks,
        )  # fmt: skip


_READ_AS = {
    "uri": "the address", "method": "the method", "body": "the body", "headers": "headers",
    "contenttype": "the header Content-Type", "form": "not read", "infile": "not in the capture",
}  # fmt: skip

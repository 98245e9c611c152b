"""What a curl command sends, still encoded: its options as curl reads them, in every way of quoting."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote

from smscli.capture._texts import WANTED, RawRequest, request_at
from smscli.errors import InputError
from smscli.model import visible

# Long names of curl's options that take a value, in short form where they have one; the values of all but the ones
# that are read here are skipped. (curl(1), curl 8)
_LONG = {
    "--data": "d", "--data-ascii": "d", "--data-raw": "raw", "--data-binary": "d", "--data-urlencode": "urlencode",
    "--form": "F", "--form-string": "string", "--request": "X", "--url": "url", "--header": "H", "--get": "G",
    **dict.fromkeys(
        ("--user", "--user-agent", "--referer", "--cookie", "--cookie-jar", "--output", "--max-time", "--proxy",
         "--connect-timeout", "--cacert", "--cert", "--key", "--retry", "--resolve", "--write-out", "--interface",
         "--json", "--config", "--dump-header", "--limit-rate", "--range", "--upload-file", "--noproxy"),
        "skip",
    ),
}  # fmt: skip
_SHORT_WITH_VALUE = frozenset("AbcCdDeEFhHKmoPQrtTuUwxXyYz")


def curl(text: str, notes: list[str]) -> RawRequest | None:
    """Read a curl command for a POSIX shell, cmd or PowerShell, as browsers copy it or people type it."""
    if not re.match(r"(?:\S*/)?curl(?:\.exe)?\s", text):
        return None
    joined = re.sub(r"[\\^`]\r?\n", " ", text)
    joined = re.sub(r"\$'((?:[^'\\]|\\.)*)'", _ansi_quoted, joined)
    try:
        words = shlex.split(joined)[1:]
    except ValueError as error:
        raise InputError("a quote in the captured curl command is not closed", hint="copy the whole command") from error
    command = _Command(notes)
    for option, value in _options(words):
        command.take(option, value)
    return command.request()


def _ansi_quoted(match: re.Match[str]) -> str:
    r"""Return bash's ``$'…'`` (what browsers copy) as an ordinary quoted word."""
    simple = {"n": "\n", "r": "\r", "t": "\t"}

    def unescape(escape: re.Match[str]) -> str:
        code = escape[1] or escape[2]
        return chr(int(code, 16)) if code else simple.get(escape[3], escape[3])

    return shlex.quote(re.sub(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", unescape, match[1], flags=re.DOTALL))


def _options(words: list[str]) -> Iterable[tuple[str, str]]:
    """Return curl's words as options with their values; what is no option is the address."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            name, _, value = word.partition("=")  # curl itself wants a space; people write =
            option = _LONG.get(name, "")
            if option and option != "G":
                yield option, value or next(rest, "")
            else:
                yield option, ""
        elif word.startswith("-") and len(word) > 1:
            yield from _short_options(word[1:], rest)
        else:
            yield "url", word


def _short_options(letters: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    for index, letter in enumerate(letters):
        if letter in _SHORT_WITH_VALUE:
            yield letter, letters[index + 1 :] or next(rest, "")
            return
        yield letter, ""


class _Command:
    """A curl command being read, option by option."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes
        self._url = ""
        self._method: str | None = None
        self._data: list[str] = []
        self._fields: list[tuple[str, str]] = []
        self._get = False

    def take(self, option: str, value: str) -> None:
        """Take one option; those that change nothing about the parameters are passed over."""
        if option == "url":
            self._url = self._url or value
        elif option == "X":
            self._method = value
        elif option == "G":
            self._get = True
        elif option == "F":
            self._form(value)
        elif option == "string":
            name, _, content = value.partition("=")
            self._fields.append((name, content))
        elif option == "urlencode":
            self._urlencode(value)
        elif option == "raw" or (option == "d" and not self._is_file(value)):
            self._data.append(value)

    def _form(self, value: str) -> None:
        name, _, content = value.partition("=")
        if content[:1] in ("@", "<"):
            self._notes.append(f"{visible(name)} comes from a file, which is not in the capture")
            return
        if re.fullmatch(r'".*"', content, re.DOTALL):
            content = re.sub(r"\\(.)", r"\1", content[1:-1])
        elif ";" in content:
            # curl reads what follows a semicolon as settings of the field: ;type=, ;filename=. (curl(1), --form)
            content = content.partition(";")[0]
            self._notes.append(f"curl -F cuts {visible(name)} at the semicolon; --form-string sends it whole")
        self._fields.append((name, content))

    def _urlencode(self, value: str) -> None:
        name, equals, content = value.partition("=")
        if not equals:
            name, content = "", value
        if "@" in name or (not equals and "@" in content):
            self._is_file("@")
        else:
            self._data.append(f"{name}={quote(content)}" if name else quote(content))

    def _is_file(self, value: str) -> bool:
        if value.startswith("@"):
            self._notes.append("a part of the body comes from a file, which is not in the capture")
        return value.startswith("@")

    def request(self) -> RawRequest:
        """Return the request that the command makes."""
        data = "&".join(self._data)
        if data.lstrip().startswith(("{", "[")):
            raise InputError("the captured curl command sends JSON, not a form", hint=f"give {WANTED}")
        method = self._method or ("POST" if (data or self._fields) and not self._get else "GET")
        raw = request_at(self._url, kind="curl command", method=method, body="" if self._get else data)
        if self._get and data:
            raw = replace(raw, query=f"{raw.query}&{data}".lstrip("&"))
        return replace(raw, fields=tuple(self._fields))

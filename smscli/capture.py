"""Requests as people keep and pass them on: URLs, form bodies, curl commands, access-log lines, read and written.

This room is pure. It reads text that another program, a shell history or a server left behind, finds the vendor and
the signature in it, and names what damaged it; and it writes a request as a curl command. It signs nothing and knows
no clock: ``staleness`` takes the time.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import product
from urllib.parse import quote, unquote_to_bytes, urlsplit

from smscli import providers
from smscli.errors import InputError
from smscli.model import MASK, MSISDN, Account, Message, Pairs, Secret, SenderId, visible
from smscli.providers import Provider
from smscli.wire import Request, encode

MAX_CAPTURE = 64 * 1024
"""Characters; the longest request of any vendor is a tenth of it."""

_MAX_PARAMETERS = 500
_WANTED = "a URL, a form body (a=1&b=2), a curl command or one line of an access log"
_SECRET_NAMES = re.compile(r"(?:api|app|secret)?[_-]?(?:key|secret|password|passwd|pwd)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Captured:
    """A request as far as the text tells. ``params`` are decoded, in order, those of the query before the body's.

    ``providers`` are the vendors it may be for, best first. ``signature`` and ``stamp`` are the values of the first
    one's signature and stamp parameter. ``seen_at`` is when a server logged it, in Unix seconds.
    """

    kind: str
    params: Pairs = field(repr=False)
    method: str | None = None
    host: str | None = None
    path: str | None = None
    seen_at: int | None = None
    providers: tuple[str, ...] = ()
    signature: str | None = None
    stamp: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> Pairs:
        """The parameters as they may be shown: the value of whatever is called a key is masked."""
        return tuple((name, MASK if _SECRET_NAMES.fullmatch(name) else value) for name, value in self.params)


def read(text: str) -> Captured:
    """Return the request in ``text``; raise InputError, saying what was looked for, when there is none."""
    if len(text) > MAX_CAPTURE:
        raise InputError(f"the capture is longer than {MAX_CAPTURE} characters", hint=f"give one request: {_WANTED}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError("the capture is not UTF-8", hint="convert it first, for instance with iconv")
    text = text.removeprefix("\ufeff").strip().removeprefix("$ ")
    notes: list[str] = []
    sent = _curl(text, notes) or _log_line(text, notes) or _url(text) or _form(text)
    if sent is None:
        raise InputError("there is no request in the capture", hint=f"give {_WANTED}")
    params = (*_query(sent.query, "query", notes), *sent.fields, *_query(sent.body, "form", notes))
    if not params:
        raise InputError(f"there are no parameters in the captured {sent.kind}", hint=f"give {_WANTED}")
    if len(params) > _MAX_PARAMETERS:
        raise InputError(f"the captured {sent.kind} has more than {_MAX_PARAMETERS} parameters", hint=f"give {_WANTED}")
    candidates = _candidates(sent, params)
    values = dict(reversed(params))
    first = candidates[0] if candidates else None
    return Captured(
        kind=sent.kind,
        params=params,
        method=sent.method,
        host=sent.host,
        path=sent.path,
        seen_at=sent.seen_at,
        providers=tuple(provider.name for provider in candidates),
        signature=values.get(first.rule.signature) if first else None,
        stamp=values.get(first.stamp_name) if first and first.stamp_name else None,
        notes=tuple(dict.fromkeys(notes)),
    )


def staleness(stamp: str, now: float, life: float) -> str | None:
    """Return in words how far ``stamp`` (Unix seconds or milliseconds) is from ``now``, or None within ``life``.

    ``now`` is Unix seconds by the clock it is compared with; both clocks are named. What is no time at all is said.
    """
    if not re.fullmatch(r"[0-9]{10}(?:[0-9]{3})?", stamp):
        return f"{visible(stamp)!r} is not a Unix time: ten digits of seconds are expected"
    seconds = int(stamp[:10])
    unit = " (in milliseconds; seconds are expected)" if len(stamp) == 13 else ""
    distance = seconds - int(now)
    if abs(distance) <= life:
        return f"the timestamp is {stamp}{unit}" if unit else None
    relation = "ahead of" if distance > 0 else "behind"
    return (
        f"the timestamp {stamp}{unit} is {_clock(seconds)}, {_duration(abs(distance))} {relation} the clock it is "
        f"compared with, {int(now)} = {_clock(int(now))}; use one within {life:g} seconds"
    )


def _clock(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    parts = ((days, "d"), (rest // 3600, "h"), (rest % 3600 // 60, "min"), (rest % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def identity(provider: Provider) -> Mapping[str, str]:
    """Return the parameters by which a request names its account, each with the profile field whose value it carries.

    The vendor's own builders are asked, once for each way a choice may turn, so that names stand in one place only.
    """
    own = [field.name for field in provider.fields if field.required and not field.secret]
    marks = {str(7_000_000_000 + number): name for number, name in enumerate(own)}
    marked = {name: mark for mark, name in marks.items()}
    chosen = [[(field.name, choice) for choice in field.choices] for field in provider.fields if field.choices]
    found: dict[str, str] = {}
    for choices in product(*chosen):
        account = Account("https://HOST/", Secret("sample"), {**dict(choices), **marked})
        for request in (provider.balance.build(None, account, "1"), _sample_send(provider, account)):
            pairs = (*request.query, *request.form)
            found.update({name: marks[value] for name, value in pairs if value in marks})
    return found


# --- written ---------------------------------------------------------------------------------------------------------


def address(provider: Provider, base_url: str, params: Pairs) -> Request:
    """Return the request that carries ``params`` to the vendor: a send when they look like one, else a balance.

    The vendor's own builders are asked with sample values, so that addresses stand in one place only.
    """
    fields = {field.name: field.default or field.example or "1" for field in provider.fields}
    account = Account(base_url or "https://HOST/", Secret("sample"), fields)
    names = {name for name, _ in params}
    samples = (provider.balance.build(None, account, "1"), _sample_send(provider, account))
    likest = max(samples, key=lambda one: len(names & {name for name, _ in (*one.query, *one.form)}))
    rule = provider.rule
    # What is part of the address (an action) and takes no part in the signature is easily left out of the parameters.
    aside = [pair for pair in likest.query if pair[0] in rule.unsigned and pair[0] not in {rule.signature, *names}]
    in_query = {name for name, _ in likest.query} if likest.form else names
    query = (*aside, *(pair for pair in params if pair[0] in in_query))
    return likest._replace(query=query, form=tuple(pair for pair in params if pair[0] not in in_query))


def _sample_send(provider: Provider, account: Account) -> Request:
    message = Message((MSISDN("905321000000"),), "sample")
    try:
        return provider.send.build(message, account, "1")
    except InputError:  # a vendor that wants a sender with every text
        return provider.send.build(message._replace(sender=SenderId("sample")), account, "1")


def curl_command(request: Request) -> str:
    """Return the request as a curl command in one line for a POSIX shell; what cannot be seen is percent-encoded."""
    url = request.target if request.form else request.url
    words = ["curl", *(["-G"] if not request.form else []), url]
    for name, value in request.form or request.query:
        plain = visible(name + value) == name + value and not set(name) & set("=@%+&")
        words += ["--data-urlencode", f"{name}={value}"] if plain else ["-d", encode(((name, value),))]
    return shlex.join(words)


# --- what was sent, still encoded ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request before decoding: ``query`` and ``body`` are encoded text, ``fields`` literal pairs."""

    kind: str
    query: str = ""
    body: str = ""
    fields: Pairs = ()
    method: str | None = None
    host: str | None = None
    path: str | None = None
    seen_at: int | None = None


def _url(text: str) -> _Sent | None:
    method, _, target = text.rpartition(" ") if re.match(r"(?:GET|POST) \S+$", text) else ("", "", text)
    if re.match(r"(?:https?://|/|[\w.-]+\.\w+(?::\d+)?/)", target, re.IGNORECASE):
        return _at(target, kind="URL", method=method or None)
    # A URL inside something else: a log message, an error text, quotes.
    inside = re.search(r"https?://[^\s\"'<>]+", text, re.IGNORECASE)
    return _at(inside[0], kind="URL") if inside and "?" in inside[0] else None


def _form(text: str) -> _Sent | None:
    return _Sent("form body", body=text) if re.match(r"[^=&\s{}<>\"]+=", text) else None


def _at(url: str, *, kind: str, method: str | None = None, body: str = "", seen_at: int | None = None) -> _Sent:
    if not re.match(r"\w+://|/", url):
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise InputError(f"the address in the captured {kind} cannot be read", hint=f"give {_WANTED}") from error
    query = parts.query + (f"#{parts.fragment}" if parts.fragment else "")
    return _Sent(kind, query, body, (), method, host, parts.path, seen_at)


_REQUEST_LINE = re.compile(r'"([A-Z]{3,7}) (\S+)(?: HTTP/[0-9.]+)?"')
_VIRTUAL_HOST = re.compile(r"([\w-]+(?:\.[\w-]+)+)(?::\d+)? [0-9a-fA-F.:]+ ")
_LOG_TIME = re.compile(r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\]")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _log_line(text: str, notes: list[str]) -> _Sent | None:
    """Read a line of the common or combined log format (Apache, nginx), a virtual host in front or not."""
    request = _REQUEST_LINE.search(text)
    if request is None:
        return None
    if request[1] != "GET":
        notes.append(f"an access log does not hold the body of a {request[1]}: what was sent there is missing")
    target = re.sub(r"\\x([0-9A-Fa-f]{2})", r"%\1", request[2])  # how Apache and nginx write what they do not print
    sent = _at(target, kind="access-log line", method=request[1], seen_at=_log_time(text))
    virtual_host = _VIRTUAL_HOST.match(text)
    return replace(sent, host=virtual_host[1]) if virtual_host and sent.host is None else sent


def _log_time(text: str) -> int | None:
    match = _LOG_TIME.search(text)
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[index]) for index in (1, 3, 4, 5, 6))
    offset = (int(match[8]) * 60 + int(match[9])) * (-60 if match[7] == "-" else 60)
    try:
        local = datetime(year, _MONTHS.index(match[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return int(local.timestamp()) - offset


# --- curl ------------------------------------------------------------------------------------------------------------

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


def _curl(text: str, notes: list[str]) -> _Sent | None:
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
    return command.sent()


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

    def sent(self) -> _Sent:
        """Return the request that the command makes."""
        data = "&".join(self._data)
        if data.lstrip().startswith(("{", "[")):
            raise InputError("the captured curl command sends JSON, not a form", hint=f"give {_WANTED}")
        method = self._method or ("POST" if (data or self._fields) and not self._get else "GET")
        sent = _at(self._url, kind="curl command", method=method, body="" if self._get else data)
        if self._get and data:
            sent = replace(sent, query=f"{sent.query}&{data}".lstrip("&"))
        return replace(sent, fields=tuple(self._fields))


# --- decoding --------------------------------------------------------------------------------------------------------

# HTML entities that browsers read without a semicolon and that begin a parameter name someone may have.
_ENTITIES = {"×": "times", "©": "copy", "®": "reg", "¬": "not", "¶": "para", "§": "sect", "¤": "curren"}
_DAMAGED = re.compile(
    "(" + "|".join(f"{character}|{quote(character)}" for character in _ENTITIES) + r")([A-Za-z_]*)=", re.IGNORECASE
)


def _query(encoded: str, where: str, notes: list[str]) -> Pairs:
    if re.search(r"&amp;[\w\[\]%]+=", encoded):
        notes.append("&amp; stood for & between the parameters: the text went through HTML")
        encoded = encoded.replace("&amp;", "&")
    encoded = _DAMAGED.sub(lambda match: _mend(match, notes), encoded)
    if where == "query" and "#" in encoded:
        notes.append("what follows # in an address is never sent; a # in a value must be written %23")
        encoded = encoded.partition("#")[0]
    pieces = (piece.partition("=") for piece in encoded.split("&") if piece)
    return tuple((_decode(name, name, notes), _decode(value, name, notes)) for name, _, value in pieces)


def _mend(match: re.Match[str], notes: list[str]) -> str:
    character = unquote_to_bytes(match[1]).decode()
    name = _ENTITIES[character] + match[2]
    notes.append(f"{character}{match[2]}= is &{name}= damaged by HTML, where &{_ENTITIES[character]} is {character}")
    return f"&{name}="


def _decode(text: str, name: str, notes: list[str]) -> str:
    data = unquote_to_bytes(text.replace("+", " "))
    try:
        return data.decode()
    except UnicodeDecodeError:
        notes.append(f"{visible(name)} is not UTF-8 on the wire; it is read as windows-1251")
        return data.decode("cp1251", "replace")


# --- whose it is -----------------------------------------------------------------------------------------------------


def _candidates(sent: _Sent, params: Pairs) -> list[Provider]:
    """Return the vendors the request may be for, best first: the host tells most, then path, then names."""
    names = {name for name, _ in params}
    scored = [(_likeness(provider, sent, names), provider) for provider in map(providers.get, providers.names())]
    return [provider for score, provider in sorted(scored, key=lambda pair: -pair[0]) if score]


def _likeness(provider: Provider, sent: _Sent, names: set[str]) -> int:
    home = urlsplit(provider.base_url or "")
    host = sent.host or ""
    own = {name for group in provider.rule.order for name in group}
    return (
        8 * bool(home.hostname and host.removeprefix("www.") == home.hostname.removeprefix("www."))
        + 4 * bool(home.path and (sent.path or "").startswith(home.path))
        + 2 * (provider.rule.signature in names)
        + (provider.stamp_name in names)
        + 2 * bool(own and names & own and names <= own | set(provider.rule.unsigned))
    )

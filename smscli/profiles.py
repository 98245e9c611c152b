"""TOML profiles: find, read, resolve, edit and save them; and where a secret comes from.

This room owns the profile file and the order in which settings win: option, then the profile named with ``-p``
(alone) or the environment and then the picked or default profile, then what is built in. It must not talk to a
vendor, nor show or log a value: every message names the setting, never what stands in it.

The file::

    default = "work"

    [profiles.work]
    provider = "lightsms"
    login = "YourLogin"
    api_key_command = ["pass", "show", "lightsms"]

A secret field has three spellings, of which a profile uses one: ``api_key``, ``api_key_file``, ``api_key_command``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum, unique
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import IO, Any
from urllib.parse import urlsplit

from smscli import providers
from smscli.errors import ConfigError, InputError
from smscli.model import Account, Field, Profile, Secret, SecretSource, SenderId, visible
from smscli.providers import Provider
from smscli.record import Record
from smscli.wire import is_loopback

MAX_FILE = 64 * 1024
"""Bytes of a profile file. A person's file is a hundredth of it; what is larger is not a profile file."""

MAX_SECRET = 4 * 1024
"""Bytes of a secret, and of what a secret command may print."""

COMMAND_SECONDS = 10.0
"""Wall time a secret command may take."""

BUILT_IN = "built-in"
"""The weakest layer, in the words of ``Profile.sources``."""

_FILE = "the profile file"
_MAX_DOTS = 64  # tomllib needs seven seconds for one key of 20 000 dotted parts

# --- the file --------------------------------------------------------------------------------------------------------


class Document(Record):
    """A profile file: its text, its profiles by name, and the name of the default one."""

    text: str = ""
    tables: Mapping[str, Mapping[str, object]] = MappingProxyType({})
    default: str | None = None

    def __repr__(self) -> str:
        return f"Document(profiles={list(self.tables)}, default={self.default!r})"


class Edit(Record):
    """The new text of a file, and what the user should know about the change (comments that had to go)."""

    text: str
    note: str | None = None

    def __repr__(self) -> str:
        return f"Edit(note={self.note!r})"


def path(environ: Mapping[str, str]) -> Path:
    """Return where the profile file lives: ``SMSCLI_CONFIG``, else the platform's configuration directory.

    Raises ConfigError when there is no home directory to look in.
    """
    named = environ.get("SMSCLI_CONFIG")
    if named:
        return _expand(named, "SMSCLI_CONFIG").absolute()
    from platformdirs import user_config_path  # only the commands that read profiles pay for it

    try:
        found = user_config_path("smscli", appauthor=False) / "config.toml"
    except RuntimeError:
        found = Path("~")
    if not found.is_absolute():  # without HOME and without a passwd entry the "~" stays, and would become a directory
        raise ConfigError(
            "there is no home directory to look for profiles in",
            hint="set SMSCLI_CONFIG to a file, or HOME to a directory",
        )
    return found


def find(environ: Mapping[str, str]) -> Document:
    """Return the user's profile file; an empty document when there is none, or no home it could be in."""
    try:
        where = path(environ)
    except ConfigError:
        if environ.get("SMSCLI_CONFIG"):
            raise
        return Document()
    return read(where)


def names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the user's profiles; none when the file cannot be used (completion stays silent)."""
    try:
        return tuple(find(environ).tables)
    except ConfigError:
        return ()


def read(path: Path) -> Document:
    """Return the file at ``path``; an empty document when it does not exist.

    Raises ConfigError when it is not a private file (``smscli.private``) of at most 64 KiB, or is not TOML of the
    documented shape. No message repeats anything of the file but names.
    """
    from smscli import private  # a run on the environment alone needs no file

    private.sweep(path, _FILE)  # what a killed process left holds a key
    try:
        content = private.read(path, MAX_FILE, _FILE)
    except FileNotFoundError:
        return Document()
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()  # a byte order mark of some editor
    except UnicodeDecodeError:
        raise ConfigError(f"{_show(path)} is not UTF-8 text", hint=_MEND) from None
    return _document(text, _show(path))


def change(path: Path, action: Callable[[Document], Edit]) -> Edit:
    """Read the file, give it to ``action``, and write what that returns, while no other process can change it.

    ``action`` may be called twice; whatever it raises leaves the file as it is. Raises ConfigError when the file
    cannot be read or written.
    """
    from smscli import private

    action(read(path))  # what is refused as things stand leaves no directory and no lock behind
    with private.replacing(path, _FILE) as replace:
        edit = action(read(path))
        content = edit.text.encode()
        if len(content) > MAX_FILE:
            raise ConfigError(f"{_show(path)} would grow beyond {MAX_FILE} bytes, and would not be read again")
        replace(content)
    return edit


def _expand(name: str, what: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ConfigError(f"{what} starts with ~, and there is no home directory") from None


def _show(path: Path) -> str:
    return visible(str(path))


# --- TOML ------------------------------------------------------------------------------------------------------------

_MEND = "mend it in an editor, or move it away and add the profiles again with: smscli profile add NAME"
_NAME = r"[A-Za-z0-9_-]{1,64}"
_LOOKS_LIKE_A_KEY = r"[A-Za-z_-]{1,32}"
_BARE_HOST = r"(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+)?/?"


def _document(text: str, shown: str) -> Document:
    tree = _parse(text, shown)
    tables = tree.pop("profiles", {})
    default = tree.pop("default", None)
    problems = [f"unknown setting {_show_key(key)} at the top of the file" for key in tree]
    if not (default is None or isinstance(default, str)):
        problems.append('default must be the name of a profile: default = "work"')
    if not isinstance(tables, dict):
        problems.append("profiles must be tables: [profiles.work]")
        tables = {}
    for name, table in tables.items():
        problems += _misshapen(name, table)
    if problems:
        raise ConfigError(f"{shown} is not a profile file", hint=_MEND, problems=problems)
    return Document(text, tables, default)


def _parse(text: str, shown: str) -> dict[str, Any]:
    import tomllib  # a run on the environment alone needs no TOML

    for number, line in enumerate(text.split("\n"), 1):  # no other character ends a line of TOML
        if line.count(".") > _MAX_DOTS and not line.lstrip().startswith("#"):
            raise ConfigError(f"{shown}, line {number}: more than {_MAX_DOTS} dots in one line", hint=_MEND)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # The parser's own sentence may quote the file; its position does not.
        place = re.search(r"\(at (line \d+, column \d+|end of document)\)$", str(error))
        raise ConfigError(f"{shown} is not TOML (at {place[1] if place else 'an unknown place'})", hint=_MEND) from None


def _misshapen(name: str, table: object) -> Iterable[str]:
    if not re.fullmatch(_NAME, name):
        yield "a profile's name is made of letters, digits, - and _"
    elif not isinstance(table, dict):
        yield f"profiles.{name} must be a table: [profiles.{name}]"
    else:
        for key, value in table.items():
            items = value if isinstance(value, list) else [value]
            if any(isinstance(item, (dict, list)) for item in items):
                yield f"[profiles.{name}] {_show_key(key)} is nested, and profiles are flat"


def _show_key(key: str) -> str:
    # A line that lost its beginning can put a secret where a name should be: only what looks like a name is shown.
    return key if re.fullmatch(_LOOKS_LIKE_A_KEY, key) else "(not shown: it does not look like a name)"


# --- editing ---------------------------------------------------------------------------------------------------------

_REWRITTEN = "the file had to be written anew: its comments are gone"
_HEADER = r"[ \t]*\["
_DEFAULT = r"""([ \t]*default[ \t]*=[ \t]*)(?:"[^"\\\n]*"|'[^'\n]*')([ \t]*(?:#.*)?\r?\n?)"""


def refuse_name(document: Document, name: str) -> None:
    """Raise InputError when a new profile cannot have this name: it is taken, or is not a name."""
    if not re.fullmatch(_NAME, name):
        raise InputError("a profile's name is made of letters, digits, - and _ (at most 64)")
    if name in document.tables:
        raise InputError(
            f"there is a profile {name} already",
            hint=f"take another name, or remove it first: smscli profile remove {name}",
        )


def add(document: Document, name: str, values: Mapping[str, object], *, make_default: bool) -> Edit:
    """Return the file's text with one more profile at its end, comments kept.

    Raises InputError for a name that ``refuse_name`` refuses.
    """
    import tomli_w  # only `profile add` writes a table

    refuse_name(document, name)
    text = _set_default(document.text, name) if make_default else document.text
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    wanted = Document("", {**document.tables, name: values}, name if make_default else document.default)
    return _verified(text + gap + tomli_w.dumps({"profiles": {name: values}}), wanted)


def use(document: Document, name: str) -> Edit:
    """Return the file's text with ``name`` as the default profile; raises ConfigError when there is none of it."""
    _table(document, name)
    return _verified(_set_default(document.text, name), Document("", document.tables, name))


def remove(document: Document, name: str) -> Edit:
    """Return the file's text without the profile (and without the default, when it was that one).

    Comments outside the profile's table stay. Raises ConfigError when there is no such profile.
    """
    _table(document, name)
    lines = document.text.splitlines(keepends=True)
    header = re.compile(rf"""[ \t]*\[[ \t]*profiles[ \t]*\.[ \t]*["']?{name}["']?[ \t]*\]""")
    start = next((index for index, line in enumerate(lines) if header.match(line)), len(lines))
    end = next((index for index in range(start + 1, len(lines)) if re.match(_HEADER, lines[index])), len(lines))
    while end > start + 1 and re.match(r"[ \t]*(#|$)", lines[end - 1]):
        end -= 1  # a comment above the next table belongs to that one
    text = "".join(lines[:start] + lines[end:])
    is_default = document.default == name
    tables = {other: table for other, table in document.tables.items() if other != name}
    return _verified(
        (_set_default(text, None) if is_default else text).lstrip("\r\n"),
        Document("", tables, None if is_default else document.default),
    )


def _set_default(text: str, name: str | None) -> str:
    """Return ``text`` with the ``default`` line changed, put in, or (for None) taken out."""
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if re.match(_HEADER, line):
            break
        if found := re.fullmatch(_DEFAULT, line):
            lines[index] = f'{found[1]}"{name}"{found[2]}' if name else ""
            return "".join(lines)
    if name is None:
        return text
    # Below a comment that heads the file, above everything else.
    heading = re.match(r"(?:[ \t]*#.*\n)*(?=[ \t]*\n)", text)
    at = heading.end() if heading else 0
    return f'{text[:at]}default = "{name}"\n{text[at:]}'


def _verified(text: str, wanted: Document) -> Edit:
    """Return the edited text when it reads as what is wanted; else the whole file written anew, with a note.

    Editing lines is only a guess at TOML (inline tables, strings that look like headers); reading it back is not.
    """
    try:
        made = _document(text, "the edited file")
    except ConfigError:
        made = None
    if made is not None and (made.tables, made.default) == (wanted.tables, wanted.default):
        return Edit(text)
    import tomli_w  # rarely needed

    default = {"default": wanted.default} if wanted.default is not None else {}
    return Edit(tomli_w.dumps({**default, "profiles": wanted.tables}), _REWRITTEN)


# --- what a profile may hold -----------------------------------------------------------------------------------------


class SettingError(ValueError):
    """What is wrong with a setting's value, as the end of a sentence that begins with its name. Never the value."""


class Setting(Record):
    """A setting that every vendor shares. ``check`` returns the value or raises SettingError with what it must be.

    ``read`` turns the text of an option or variable into what TOML would have held.
    """

    name: str
    help: str
    check: Callable[[Any], object]
    read: Callable[[str], object] = str


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise SettingError("must be a text in quotes")
    if not value.strip():
        raise SettingError("is empty")
    if visible(value) != value:
        raise SettingError("holds a line break or another character that cannot be seen")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise SettingError('must be a list of texts: ["+37061234567"]')
    return tuple(_text(item) for item in value)


def _sender(value: object) -> str:
    try:
        return SenderId(_text(value)).value
    except InputError as error:
        raise SettingError(f"must be a sender ID: {error.hint}") from None


def _region(value: object) -> str:
    text = _text(value).upper()
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise SettingError('must be a country of two letters (ISO 3166): "LT"')
    return text


def _time_zone(value: object) -> str:
    from zoneinfo import ZoneInfo  # only a profile that sets one pays for it

    name = _text(value)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown here; not a name; the name of a directory
        raise SettingError('must be a time zone this machine knows: "Europe/Vilnius"') from None
    return name


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise SettingError("must be a number of seconds above 0, at most 3600")
    return float(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingError("must be a whole number from 1")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise SettingError("must be true or false")
    return value


def _read_flag(text: str) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)


def _read_number(text: str) -> object:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _base_url(value: object) -> str:
    """Return a directory URL; plain http only to this machine: a signature read on the way can be used."""
    text = _text(value)
    if re.fullmatch(_BARE_HOST, text):
        text = f"https://{text}"
    parts = _url_parts(text)
    if "@" in parts[1] or "?" in text or "#" in text:
        raise SettingError("must be a plain address, without user, query or fragment")
    if parts[0] != "https" and not (parts[0] == "http" and is_loopback(parts[2])):
        raise SettingError("must begin with https:// (http:// only for this machine)")
    return text if text.endswith("/") else f"{text}/"


def _address(provider: Provider, value: object, *, sandbox: bool = False) -> str:
    """Return the directory URL of a vendor's scripts, its usual path where a host is named alone.

    ``sandbox``: an emulator is meant, and no vendor's own host is one.
    """
    url = _base_url(value)
    parts = urlsplit(url)
    if sandbox and _is_vendors_own(parts.hostname or ""):
        raise SettingError("is a vendor's own address, and a vendor is no sandbox: leave out one of the two")
    return url.rstrip("/") + provider.usual_path if parts.path == "/" else url


def _is_vendors_own(host: str) -> bool:
    homes = (urlsplit(providers.get(name).base_url or "").hostname for name in providers.names())
    domains = [home.removeprefix("www.") for home in homes if home]
    return any(f".{host}".rstrip(".").endswith(f".{domain}") for domain in domains)


def _proxy(value: object) -> Secret:
    text = _text(value)
    if _url_parts(text)[0] not in ("http", "https"):
        raise SettingError("must be a URL that begins with http:// or https://")
    return Secret(text)


def _url_parts(text: str) -> tuple[str, str, str]:
    """Return scheme, authority and host name."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or re.search(r"[\s\\\\]", text):
        raise SettingError("must be a URL: https://HOST/")
    return parts.scheme, parts.netloc, host


SETTINGS = (
    Setting("base_url", "address of the vendor's scripts, a directory; of a host alone, the usual one", _base_url),
    Setting("sandbox", "an emulator is reached: the built-in one, or the one at base_url", _flag, _read_flag),
    Setting("sender", "sender ID used when none is given", _sender),
    Setting(
        "to", "recipients used when none are given", _texts, lambda text: [item.strip() for item in text.split(",")]
    ),
    Setting("region", "country of numbers written without a country code", _region),
    Setting("time_zone", "zone of times written without one", _time_zone),
    Setting("timeout", "seconds for a whole call", _seconds, _read_number),
    Setting("batch_size", "recipients in one request", _count, _read_number),
    Setting("proxy", "HTTP proxy, with its password when it has one", _proxy),
    Setting("ca_file", "certificates to trust instead of the usual ones", _text),
    Setting("store_text", "keep whole texts in the journal, not only their length and hash", _flag, _read_flag),
)


def check(provider: Provider, name: str, text: str) -> None:
    """Raise SettingError when a text cannot be the vendor's field, or the setting, of that name."""
    for one in provider.fields:
        if one.name == name:
            _fits(one, text)
            return
    if name == "base_url":
        _address(provider, text)
    else:
        setting = next(setting for setting in SETTINGS if setting.name == name)
        setting.check(setting.read(text))


def _fits(one: Field, value: object) -> str:
    text = _text(value)
    if one.choices and text not in one.choices:
        raise SettingError(f"must be one of: {', '.join(one.choices)}")
    if one.pattern and not re.fullmatch(one.pattern, text):
        raise SettingError(f"must look like {one.example}" if one.example else "is not of the form the vendor asks for")
    return text


# --- which value wins ------------------------------------------------------------------------------------------------


@unique
class Need(Enum):
    """What a command cannot do without. What it does not need may be missing, but never wrong."""

    ACCOUNT = "everything the vendor asks for"
    KEY = "the signing key alone (offline signatures)"
    ADDRESS = "the vendor's address alone (its clock)"


class _Layer(Record):
    """One place that settings come from; ``words`` say which, ``textual`` that its values are yet to be read."""

    values: Mapping[str, object]
    words: str
    textual: bool = True

    def __repr__(self) -> str:
        return f"_Layer({self.words!r}, {list(self.values)})"

    def source(self, name: str) -> str:
        return self.words.format(option=name.replace("_", "-"), variable=name.upper())


def resolve(
    document: Document,
    *,
    named: str | None = None,
    options: Mapping[str, object] | None = None,
    environ: Mapping[str, str],
    key: SecretSource | None = None,
    need: Need = Need.ACCOUNT,
) -> Profile:
    """Return the settings of one call, each with the layer that won it.

    ``named`` is the profile named on the command line: it is never mixed with ``SMSCLI_<FIELD>`` variables. Without
    it, variables win over the profile picked by ``SMSCLI_PROFILE`` or by the file's ``default``; the default takes
    no part when an option or variable asks for another vendor. ``options`` are the command line's values by setting
    name (None: not given), ``key`` is a secret given on the command line. An empty variable counts as unset.

    Raises ConfigError with every problem at once, and with the variables whose names are nearly right; InputError
    when the mistake is in an option.
    """
    with _naming_misspelt({} if named is not None else environ):
        given = {name: value for name, value in (options or {}).items() if value is not None}
        name, layers = _layers(document, named, given, environ)
        reading = _Reading(*_provider(name, layers), name, layers, need)
        settings = {one.name: reading.setting(one) for one in SETTINGS if one.name != "base_url"}
        settings["base_url"] = reading.base_url(sandbox=settings["sandbox"] is True)
        fields = {one.name: reading.field(one) for one in reading.provider.fields if not one.secret}
        source = reading.secret(key)
        reading.refuse_strangers()
        if reading.problems:
            whose = f"profile {name}" if name else "this account"
            raise ConfigError(f"{whose} cannot be used", hint=_where_to_mend(name), problems=reading.problems)
    return Profile(
        name=name,
        provider=reading.provider.name,
        secret=source,
        fields=_set(fields),
        sources=reading.sources,
        **_set(settings),
    )


@contextmanager
def _naming_misspelt(environ: Mapping[str, str]) -> Iterator[None]:
    """Add to a ConfigError the variables that are set and not read, and the unset ones that were meant instead."""
    try:
        yield
    except ConfigError as error:
        known = {name.upper(): f"SMSCLI_{name.upper()}" for name in _variables()}
        ours = (name for name, value in environ.items() if value and name.upper().startswith("SMSCLI"))
        for name in sorted(set(ours) - set(known.values())):
            for meant in _near(name.upper().removeprefix("SMSCLI").strip("_"), known):
                if not environ.get(known[meant]):
                    error.problems += (f"{visible(name)} is set but not read: did you mean {known[meant]}?",)
        raise


def _variables() -> Iterator[str]:
    """Return the name of every variable that smscli reads, as far as it can name one that was misspelt."""
    yield from ("profile", "provider", "config", "state_dir", "output")
    yield from (one.name for one in SETTINGS)
    for vendor in map(providers.get, providers.names()):
        for one in vendor.fields:
            yield from (one.name, f"{one.name}_file", f"{one.name}_command") if one.secret else (one.name,)


def _layers(
    document: Document, named: str | None, given: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[str | None, list[_Layer]]:
    """Return the name of the profile that takes part, if one does, and the layers, the strongest first."""
    options = _layer(given, "option --{option}")
    if named is not None:
        return named, [options, _layer(_table(document, named), f"profile {named}", textual=False)]
    variables = {
        name.removeprefix("SMSCLI_").lower(): value
        for name, value in environ.items()
        if name.startswith("SMSCLI_") and name.isupper() and value
    }
    environment = _layer(variables, "environment SMSCLI_{variable}")
    picked = variables.get("profile", document.default)
    if picked is None:
        return None, [options, environment]
    if "profile" not in variables and picked not in document.tables:
        # The name itself is not shown: it is a value of the file like any other.
        known = ", ".join(document.tables) or "none"
        raise ConfigError("the file's default profile is not in it", hint=f"smscli profile use NAME; profiles: {known}")
    table = _layer(_table(document, picked), f"profile {picked}", textual=False)
    # An option outweighs both ways of picking; a variable only the file's default (against SMSCLI_PROFILE it is a
    # contradiction within one layer, told below).
    wish = options.values.get("provider") or (None if "profile" in variables else environment.values.get("provider"))
    if wish is not None and wish != table.values.get("provider"):
        return None, [options, environment]
    return picked, [options, environment, table]


def _layer(values: Mapping[str, object], words: str, *, textual: bool = True) -> _Layer:
    """Return a layer in which a vendor, however it is written, has its own name."""
    written = values.get("provider")
    vendor = providers.find(written) if isinstance(written, str) else None
    return _Layer({**values, "provider": vendor.name} if vendor else values, words, textual)


def _table(document: Document, name: str) -> Mapping[str, object]:
    if name in document.tables:
        return document.tables[name]
    known = ", ".join(document.tables)
    raise ConfigError(
        f"there is no profile {visible(name)!r}",
        hint=f"profiles: {known}{_nearest(name, document.tables)}" if known else "add one: smscli profile add NAME",
    )


def _provider(name: str | None, layers: list[_Layer]) -> tuple[Provider, str]:
    """Return the vendor, and the layer that chose it."""
    choosing = [layer for layer in layers if "provider" in layer.values]
    if not choosing:
        whose = f"profile {name} names no provider" if name else "no provider is named"
        raise ConfigError(whose, hint=f"{_where_to_mend(name)}; {_vendors()}")
    first, last = choosing[0], choosing[-1]
    wish, source = first.values["provider"], first.source("provider")
    if not last.textual and wish != last.values["provider"]:
        raise ConfigError(f"{source} asks for another provider than {last.source('provider')}", hint="name one of them")
    if first is layers[0]:
        return providers.get(str(wish)), source
    with suppress(InputError):
        return providers.get(wish if isinstance(wish, str) else ""), source
    raise ConfigError(f"{source}: there is no such provider", hint=_vendors())


def _vendors() -> str:
    return f"providers: {', '.join(providers.names())}"


class _Reading:
    """One pass over the layers: the values that win, where they come from, and everything that is wrong."""

    def __init__(self, provider: Provider, chosen_by: str, name: str | None, layers: list[_Layer], need: Need) -> None:
        self.provider = provider
        self.sources = {"provider": chosen_by}
        self.problems: list[str] = []
        self._table = f"[profiles.{name}]" if name else "a profile"
        self._layers = layers
        self._need = need

    def setting(self, setting: Setting) -> Any:
        """Return the value of a common setting, or None when it is not set."""
        value = self._value(setting.name, setting.check, setting.read)
        limit = self.provider.batch_limit
        if setting.name == "batch_size" and value is not None and value > limit:
            self.problems.append(f"batch_size must be at most {limit} for {self.provider.title}")
        return value

    def base_url(self, *, sandbox: bool) -> str:
        """Return the vendor's address, or that of a sandbox; empty for the one in this process.

        An address from a weaker layer than the one that says "sandbox" is that of the vendor, and is not used.
        """
        if sandbox and self._rank("base_url") > self._rank("sandbox"):
            return ""
        value = self._value("base_url", lambda value: _address(self.provider, value, sandbox=sandbox), str)
        return (value or "") if "base_url" in self.sources else self._usual_base_url()

    def field(self, one: Field) -> str | None:
        """Return the value of one of the vendor's own fields, its default, or None."""
        value: str | None = self._value(one.name, lambda value: _fits(one, value), str)
        if one.name in self.sources:
            return value
        if one.default is not None:
            self.sources[one.name] = BUILT_IN
        elif one.required and self._need is Need.ACCOUNT:
            self._miss(one.name, one.help, one.name)
        return one.default

    def secret(self, key: SecretSource | None) -> SecretSource:
        """Return where the vendor's secret comes from: the strongest layer that has one of its three spellings."""
        name = self.provider.secret_field.name
        if key is not None:
            self.sources[name] = "option"
            return key
        spellings: dict[str, tuple[Callable[[Any], SecretSource], Callable[[str], object]]] = {
            name: (_key, str),
            f"{name}_file": (_key_file, _whole_path),
            f"{name}_command": (_key_command, str),
        }
        for layer in self._layers:
            used = [spelling for spelling in spellings if spelling in layer.values]
            if len(used) > 1:
                self.problems.append(f"{' and '.join(used)} are both set ({layer.source(used[0])}): keep one")
            if used:
                return self._value(used[0], *spellings[used[0]]) or _NO_SECRET
        if self._need is not Need.ADDRESS:
            self._miss(name, self.provider.secret_field.help, f"{name}, {name}_command or {name}_file")
        return _NO_SECRET

    def refuse_strangers(self) -> None:
        """Note every setting of the profile that this vendor does not have; raise InputError for such an option."""
        name = self.provider.secret_field.name
        known = {"provider", f"{name}_file", f"{name}_command"}
        known |= {one.name for one in SETTINGS} | {one.name for one in self.provider.fields}
        for layer in self._layers:
            for key in sorted(layer.values.keys() - known):
                if not layer.textual:
                    self.problems.append(f"{_show_key(key)} is not a setting{_nearest(key, known)}")
                elif layer is self._layers[0]:
                    raise InputError(f"{self.provider.title} has no {layer.source(key)}")

    def _rank(self, name: str) -> int:
        """Return how many layers are stronger than the one that has the setting."""
        return next((rank for rank, layer in enumerate(self._layers) if name in layer.values), len(self._layers))

    def _value(self, name: str, check: Callable[[Any], Any], read: Callable[[str], object]) -> Any:
        rank = self._rank(name)
        if rank == len(self._layers):
            return None
        layer = self._layers[rank]
        self.sources[name] = layer.source(name)
        value = layer.values[name]
        try:
            return check(read(value) if layer.textual and isinstance(value, str) else value)
        except SettingError as error:
            if layer is self._layers[0]:
                raise InputError(f"{layer.source(name)} {error}") from None
            self.problems.append(f"{name} {error} ({layer.source(name)})")
            return None

    def _usual_base_url(self) -> str:
        if self.provider.base_url is not None:
            self.sources["base_url"] = BUILT_IN
        elif self._need is not Need.KEY:
            self._miss("base_url", self.provider.base_url_hint or "the vendor names no address", "base_url")
        return self.provider.base_url or ""

    def _miss(self, name: str, what: str, spellings: str) -> None:
        variable = f"SMSCLI_{name.upper()}"
        self.problems.append(
            f"{name} is missing ({what}): set {spellings} in {self._table}, or {variable} in the environment"
            + (" (not read with -p)" if len(self._layers) == 2 and not self._layers[1].textual else "")
        )


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _nearest(name: str, known: Iterable[str]) -> str:
    return "".join(f"; did you mean {near}?" for near in _near(name.lower().replace("-", "_"), known))


def _near(name: str, known: Iterable[str]) -> list[str]:
    """Return the name that was probably meant, if there is one."""
    from difflib import get_close_matches  # only for those who mistyped

    return get_close_matches(name, known, n=1)


def _where_to_mend(name: str | None) -> str:
    if name is None:
        return "set the variables, or add a profile: smscli profile add NAME; without an account, try --sandbox"
    return "the file is where `smscli profile path` says"


def values(profile: Profile) -> dict[str, object]:
    """Return everything that is set, by the name it has in the file; what is secret stays a ``Secret``."""
    name, where = providers.get(profile.provider).secret_field.name, profile.secret
    everything = {
        "provider": profile.provider,
        **profile.fields,
        name: where.value,
        f"{name}_file": where.path,
        f"{name}_command": where.argv,
        **{one.name: getattr(profile, one.name) for one in SETTINGS},
    }
    return {key: value for key, value in everything.items() if key in profile.sources}


# --- secrets ---------------------------------------------------------------------------------------------------------

_NO_SECRET = SecretSource("none")


def _key(value: object) -> SecretSource:
    return SecretSource("value", Secret(_text(value)))


def _key_file(value: object) -> SecretSource:
    name = _text(value)
    if not name.startswith(("/", "~")):
        raise SettingError("must be a whole path: it begins with / or ~")
    return SecretSource("file", path=name)


def _whole_path(text: str) -> str:
    # What stands in a variable or option is meant from where the command was called.
    return text if text.startswith("~") else os.path.abspath(text)  # noqa: PTH100  (".." goes too)


def _key_command(value: object) -> SecretSource:
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(item, str) and "\0" not in item for item in value)
    ):
        raise SettingError('must be a list of arguments in a profile: ["pass", "show", "sms"]')
    return SecretSource("command", argv=tuple(value))


def secret(profile: Profile, *, environ: Mapping[str, str], seconds: float = COMMAND_SECONDS) -> Secret:
    """Return the profile's secret, fetched from where it is kept.

    A file must be as private as the profile file. A command is started without a shell, without ``SMSCLI_*``
    variables and without our stdin; it has ``seconds`` and 4 KiB of output, and its stderr is ours. One trailing line
    break is not part of the secret. Raises ConfigError.
    """
    name = providers.get(profile.provider).secret_field.name
    where = profile.secret
    if where.kind == "value" and where.value is not None:
        return where.value
    if where.kind == "file" and where.path is not None:
        what = f"{name}_file"
        content = _read_key_file(_expand(where.path, what), what)
    elif where.kind == "command":
        what = f"{name}_command"
        content = _run(where.argv, environ, what, seconds)
    else:
        raise ConfigError(f"{name} is missing", hint=f"set {name}, {name}_command or {name}_file in a profile")
    try:
        return Secret(_text(re.sub(r"\r?\n\Z", "", content.decode())))
    except UnicodeDecodeError:
        raise ConfigError(f"what the {what} gives is not UTF-8 text") from None
    except SettingError as error:
        raise ConfigError(f"what the {what} gives {error}", hint="it must be the secret alone, on one line") from None


def account(profile: Profile, secret: Secret) -> Account:
    """Return what a request builder may know: address, secret and the vendor's own values."""
    return Account(profile.base_url, secret, profile.fields)


def _read_key_file(path: Path, what: str) -> bytes:
    from smscli import private

    try:
        return private.read(path, MAX_SECRET, f"the {what}")
    except FileNotFoundError:
        raise ConfigError(f"the {what} {_show(path)} does not exist") from None


def _run(argv: tuple[str, ...], environ: Mapping[str, str], what: str, seconds: float) -> bytes:
    """Return what the command prints; kill it, with all it started, when it takes too long or prints too much."""
    import signal  # only profiles with a command pay for these
    import subprocess

    # The command needs HOME and PATH, and none of our secrets.
    environment = {name: value for name, value in environ.items() if not name.startswith("SMSCLI_")}
    deadline = monotonic() + seconds
    try:
        child = subprocess.Popen(  # noqa: S603  (the user's own command, from a file only the user can change)
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "an argument that cannot be passed on"
        raise ConfigError(f"the {what} cannot be started: {reason}") from None
    with child:
        try:
            output = _read_until(child.stdout, deadline, what)
            status = child.wait(max(0.0, deadline - monotonic()))
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            if isinstance(error, TimeoutError | subprocess.TimeoutExpired):
                raise ConfigError(f"the {what} took longer than {seconds:g} seconds") from None
            raise
    if status != 0:
        raise ConfigError(f"the {what} ended with status {status}")
    return output


def _read_until(pipe: IO[bytes] | None, deadline: float, what: str) -> bytes:
    from select import POLLIN, poll  # only profiles with a command pay for it

    assert pipe is not None  # noqa: S101  (Popen was asked for one)
    watch = poll()
    watch.register(pipe, POLLIN)
    output = b""
    while len(output) <= MAX_SECRET:
        if not watch.poll(max(0.0, deadline - monotonic()) * 1000):
            raise TimeoutError
        chunk = os.read(pipe.fileno(), MAX_SECRET + 1)
        if not chunk:
            return output
        output += chunk
    raise ConfigError(f"the {what} printed more than {MAX_SECRET} bytes")

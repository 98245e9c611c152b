"""What a profile may hold: the table of settings that every vendor shares, and the checks of every value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from smscli import providers
from smscli.errors import InputError
from smscli.model import Field, Secret, SenderId, visible
from smscli.providers import Provider
from smscli.record import Record
from smscli.wire import is_loopback

_BARE_HOST = r"(?:localhost|[\w-]+(?:\.[\w-]+)+)(?::\d+)?/?"


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


def check(provider: Provider, name: str, text: str) -> None:
    """Raise SettingError when a text cannot be the vendor's field, or the setting, of that name."""
    for field in provider.fields:
        if field.name == name:
            check_field(field, text)
            return
    if name == "base_url":
        check_address(provider, text)
    else:
        setting = next(setting for setting in SETTINGS if setting.name == name)
        setting.check(setting.read(text))


def check_field(field: Field, value: object) -> str:
    """Return the value of a vendor's own field; raise SettingError."""
    text = check_text(value)
    if field.choices and text not in field.choices:
        raise SettingError(f"must be one of: {', '.join(field.choices)}")
    if field.pattern and not re.fullmatch(field.pattern, text):
        raise SettingError(
            f"must look like {field.example}" if field.example else "is not of the form the vendor asks for"
        )
    return text


def check_address(provider: Provider, value: object, *, sandbox: bool = False) -> str:
    """Return the directory URL of a vendor's scripts, its usual path where a host is named alone.

    ``sandbox``: an emulator is meant, and no vendor's own host is one.
    """
    url = _base_url(value)
    parts = urlsplit(url)
    if sandbox and _is_vendors_own(parts.hostname or ""):
        raise SettingError("is a vendor's own address, and a vendor is no sandbox: leave out one of the two")
    return url.rstrip("/") + provider.usual_path if parts.path == "/" else url


def check_text(value: object) -> str:
    """Return a text of one line; raise SettingError."""
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
    return tuple(check_text(item) for item in value)


def _sender(value: object) -> str:
    try:
        return SenderId(check_text(value)).value
    except InputError as error:
        raise SettingError(f"must be a sender ID: {error.hint}") from None


def _region(value: object) -> str:
    text = check_text(value).upper()
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise SettingError('must be a country of two letters (ISO 3166): "LT"')
    return text


def _time_zone(value: object) -> str:
    from zoneinfo import ZoneInfo  # only a profile that sets one pays for it

    name = check_text(value)
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


def _base_url(value: object) -> str:
    """Return a directory URL; plain http only to this machine: a signature read on the way can be used."""
    text = check_text(value)
    if re.fullmatch(_BARE_HOST, text):
        text = f"https://{text}"
    parts = _url(text)
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise SettingError("must be a plain address, without user, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise SettingError("must begin with https:// (http:// only for this machine)")
    return text if text.endswith("/") else f"{text}/"


def _proxy(value: object) -> Secret:
    text = check_text(value)
    if _url(text).scheme not in ("http", "https"):
        raise SettingError("must be a URL that begins with http:// or https://")
    return Secret(text)


def _url(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port  # asking for the port checks it
    except ValueError:
        host = None
    if not host or re.search(r"[\s\\]", text):
        raise SettingError("must be a URL: https://HOST/")
    return parts


def _is_vendors_own(host: str) -> bool:
    homes = (urlsplit(providers.get(name).base_url or "").hostname for name in providers.names())
    domains = [home.removeprefix("www.") for home in homes if home]
    return any(f".{host}".rstrip(".").endswith(f".{domain}") for domain in domains)


def _read_flag(text: str) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)


def _read_number(text: str) -> object:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _read_list(text: str) -> object:
    return [item.strip() for item in text.split(",")]


SETTINGS = (
    Setting("base_url", "address of the vendor's scripts, a directory; of a host alone, the usual one", _base_url),
    Setting("sandbox", "an emulator is reached: the built-in one, or the one at base_url", _flag, _read_flag),
    Setting("sender", "sender ID used when none is given", _sender),
    Setting("to", "recipients used when none are given", _texts, _read_list),
    Setting("region", "country of numbers written without a country code", _region),
    Setting("time_zone", "zone in which the vendor reads and tells times", _time_zone),
    Setting("timeout", "seconds for a whole call", _seconds, _read_number),
    Setting("batch_size", "recipients in one request", _count, _read_number),
    Setting("confirm_above", "recipients up to which nothing has to be confirmed", _count, _read_number),
    Setting("fallback", "profiles that take over what this one cannot send", _texts, _read_list),
    Setting("proxy", "HTTP proxy, with its password when it has one", _proxy),
    Setting("ca_file", "certificates to trust instead of the usual ones", check_text),
    Setting("store_text", "keep whole texts in the journal, not only their length and hash", _flag, _read_flag),
)

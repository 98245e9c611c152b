"""Which value wins: the layers that settings come from, and everything that is wrong with what they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum, unique
from typing import Any

from smscli import providers
from smscli.errors import ConfigError, InputError
from smscli.model import Field, Profile, SecretSource, SecretValue, visible
from smscli.profiles._file import Document, nearest, suggestion, visible_key
from smscli.profiles._secrets import (
    CREDENTIAL,
    KEYRING,
    Keyring,
    credential,
    credential_name,
    spelling,
    spellings,
)
from smscli.profiles._settings import SETTINGS, Setting, SettingError, check_address, check_field
from smscli.providers import Provider
from smscli.record import Record

BUILT_IN = "built-in"
"""The weakest layer, in the words of ``Profile.sources``."""


@unique
class Need(Enum):
    """What a command cannot do without. What it does not need may be missing, but never wrong."""

    ACCOUNT = "everything the vendor asks for"
    KEY = "the signing key alone (offline signatures)"
    ADDRESS = "the vendor's address alone (its clock)"


class _Layer(Record):
    """One place that settings come from; ``label`` says which, ``textual`` that its values are yet to be read."""

    values: Mapping[str, object]
    label: str
    textual: bool = True

    def __repr__(self) -> str:
        return f"_Layer({self.label!r}, {list(self.values)})"

    def source(self, name: str) -> str:
        return self.label.format(option=name.replace("_", "-"), variable=name.upper())


def resolve(
    document: Document,
    *,
    named: str | None = None,
    options: Mapping[str, object] | None = None,
    environ: Mapping[str, str],
    key: SecretSource | None = None,
    need: Need = Need.ACCOUNT,
    credentials: str | None = None,
    keyring: Keyring | None = None,
) -> Profile:
    """Return the settings of one call, each with the layer that won it.

    ``named`` is the profile named on the command line: it is never mixed with ``SMSCLI_<FIELD>`` variables. Without
    it, variables win over the profile picked by ``SMSCLI_PROFILE`` or by the file's ``default``; the default takes
    no part when an option or variable asks for another vendor. ``options`` are the command line's values by setting
    name (None: not given), ``key`` is a secret given on the command line. An empty variable counts as unset. What none
    of them gives is looked for in the directory ``credentials``, as systemd fills it, and then, for a profile that
    cannot do without it, in the ``keyring``.

    Raises ConfigError with every problem at once, and with the variables whose names are nearly right; InputError
    when the mistake is in an option.
    """
    with _naming_misspelt({} if named is not None else environ):
        name, layers = _layers(document, named, _without_none(options or {}), environ)
        reading = _Reading(*_provider(name, layers), name, layers, need, credentials, keyring)
        settings = {setting.name: reading.setting(setting) for setting in SETTINGS if setting.name != "base_url"}
        settings["base_url"] = reading.base_url(sandbox=settings["sandbox"] is True)
        fields = {field.name: reading.field(field) for field in reading.provider.fields if not field.secret}
        secret = reading.secret(reading.provider.secret_field, key)
        sent_secrets = {field.name: reading.secret(field) for field in reading.provider.secret_fields if field.sent}
        reading.refuse_unknown()
        if reading.problems:
            whose = f"profile {name}" if name else "this account"
            raise ConfigError(f"{whose} cannot be used", hint=_where_to_mend(name), problems=reading.problems)
    return Profile(
        name=name,
        provider=reading.provider.name,
        secret=secret,
        fields=_without_none(fields),
        sent_secrets=_without_none(sent_secrets),
        sources=reading.sources,
        **_without_none(settings),
    )


def values(profile: Profile) -> dict[str, object]:
    """Return everything that is set, by the name it has in the file; what is secret stays a ``Secret``."""
    secrets = {providers.get(profile.provider).secret_field.name: profile.secret, **profile.sent_secrets}
    everything = {
        "provider": profile.provider,
        **profile.fields,
        **dict(spelling(name, source) for name, source in secrets.items() if source),
        **{setting.name: getattr(profile, setting.name) for setting in SETTINGS},
    }
    return {key: value for key, value in everything.items() if key in profile.sources}


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@contextmanager
def _naming_misspelt(environ: Mapping[str, str]) -> Iterator[None]:
    """Add to a ConfigError the variables that are set and not read, and the unset ones that were meant instead."""
    try:
        yield
    except ConfigError as error:
        error.problems += misspelt(environ)
        raise


def misspelt(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence about each variable that is set and not read, where an unset one was meant instead."""
    known = {name.upper(): f"SMSCLI_{name.upper()}" for name in _variables()}
    ours = (name for name, value in environ.items() if value and name.upper().startswith("SMSCLI"))
    return tuple(
        f"{visible(name)} is set but not read: did you mean {known[meant]}?"
        for name in sorted(set(ours) - set(known.values()))
        for meant in nearest(name.upper().removeprefix("SMSCLI").strip("_"), known)
        if not environ.get(known[meant])
    )


def _variables() -> Iterator[str]:
    """Return the name of every variable that smscli reads, as far as it can name one that was misspelt."""
    yield from ("profile", "provider", "config", "state_dir", "output")
    yield from (setting.name for setting in SETTINGS)
    for vendor in map(providers.get, providers.names()):
        for field in vendor.fields:
            yield from spellings(field.name) if field.secret else (field.name,)


def _layers(
    document: Document, named: str | None, values: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[str | None, list[_Layer]]:
    """Return the name of the profile that takes part, if one does, and the layers, the strongest first."""
    options = _layer(values, "option --{option}")
    if named is not None:
        return named, [options, _layer(document.table(named), f"profile {named}", textual=False)]
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
    table = _layer(document.table(picked), f"profile {picked}", textual=False)
    # An option outweighs both ways of picking; a variable only the file's default (against SMSCLI_PROFILE it is a
    # contradiction within one layer, refused below).
    vendor = options.values.get("provider") or (None if "profile" in variables else environment.values.get("provider"))
    if vendor is not None and vendor != table.values.get("provider"):
        return None, [options, environment]
    return picked, [options, environment, table]


def _layer(values: Mapping[str, object], label: str, *, textual: bool = True) -> _Layer:
    """Return a layer in which a vendor, however it is written, has its own name."""
    name = values.get("provider")
    vendor = providers.find(name) if isinstance(name, str) else None
    return _Layer({**values, "provider": vendor.name} if vendor else values, label, textual)


def _provider(name: str | None, layers: list[_Layer]) -> tuple[Provider, str]:
    """Return the vendor, and the layer that chose it."""
    choosing = [layer for layer in layers if "provider" in layer.values]
    if not choosing:
        whose = f"profile {name} names no provider" if name else "no provider is named"
        raise ConfigError(whose, hint=f"{_where_to_mend(name)}; {_vendors()}")
    first, last = choosing[0], choosing[-1]
    name_of_vendor, source = first.values["provider"], first.source("provider")
    if not last.textual and name_of_vendor != last.values["provider"]:
        raise ConfigError(f"{source} asks for another provider than {last.source('provider')}", hint="name one of them")
    if first is layers[0]:
        return providers.get(str(name_of_vendor)), source
    with suppress(InputError):
        return providers.get(name_of_vendor if isinstance(name_of_vendor, str) else ""), source
    raise ConfigError(f"{source}: there is no such provider", hint=_vendors())


def _vendors() -> str:
    return f"providers: {', '.join(providers.names())}"


class _Reading:
    """One pass over the layers: the values that win, where they come from, and everything that is wrong."""

    def __init__(
        self, provider: Provider, chosen_by: str, name: str | None, layers: list[_Layer], need: Need,
        credentials: str | None, keyring: Keyring | None,
    ) -> None:  # fmt: skip
        self.provider = provider
        self.sources = {"provider": chosen_by}
        self.problems: list[str] = []
        self._name = name
        self._table = f"[profiles.{name}]" if name else "a profile"
        self._layers = layers
        self._need = need
        self._credentials = credentials
        self._keyring = keyring

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
        value = self._value("base_url", lambda value: check_address(self.provider, value, sandbox=sandbox), str)
        if "base_url" not in self.sources:
            what = self.provider.base_url_hint or "the vendor names no address"
            value = self._default("base_url", self.provider.base_url, what, required=self._need is not Need.KEY)
        return value or ""

    def field(self, field: Field) -> str | None:
        """Return the value of one of the vendor's own fields, its default, or None."""
        value: str | None = self._value(field.name, lambda value: check_field(field, value), str)
        if field.name in self.sources:
            return value
        required = field.required and self._need is Need.ACCOUNT
        return self._default(field.name, field.default, field.help, required=required)

    def secret(self, field: Field, key: SecretSource | None = None) -> SecretSource | None:
        """Return where a secret comes from: the strongest layer that has one of its three spellings, or a store."""
        name = field.name
        if key is not None:
            self.sources[name] = "option"
            return key
        ways = spellings(name)
        for layer in self._layers:
            used = [way for way in ways if way in layer.values]
            if len(used) > 1:
                self.problems.append(f"{' and '.join(used)} are both set ({layer.source(used[0])}): keep one")
            if used:
                source: SecretSource | None = self._value(used[0], *ways[used[0]])
                return source
        required = self._need is Need.ACCOUNT if field.sent else self._need is not Need.ADDRESS
        return self._stored(field, required=required)

    def _stored(self, field: Field, *, required: bool) -> SecretSource | None:
        name, reasons = field.name, []
        if self._credentials:
            if given := credential(self._credentials, name, self._name):
                self.sources[f"{name}_file"] = CREDENTIAL
                return given
            reasons.append(f"systemd gives no credential {credential_name(name, self._name)}")
        if not required:
            return None
        if self._keyring and self._name:
            try:
                secret = self._keyring.get(self._name, name)
            except ConfigError as error:
                reasons.append(error.message)
            else:
                self.sources[name] = KEYRING
                return SecretValue(secret)
        self._miss(name, field.help, f"{name}, {name}_command or {name}_file", reasons)
        return None

    def refuse_unknown(self) -> None:
        """Note every setting of the profile that this vendor does not have; raise InputError for such an option."""
        known = {"provider", *(way for field in self.provider.secret_fields for way in spellings(field.name))}
        known |= {setting.name for setting in SETTINGS} | {field.name for field in self.provider.fields}
        for layer in self._layers:
            for key in sorted(layer.values.keys() - known):
                if not layer.textual:
                    self.problems.append(f"{visible_key(key)} is not a setting{suggestion(key, known)}")
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

    def _default(self, name: str, default: str | None, what: str, *, required: bool) -> str | None:
        if default is not None:
            self.sources[name] = BUILT_IN
        elif required:
            self._miss(name, what, name)
        return default

    def _miss(self, name: str, what: str, ways: str, reasons: Iterable[str] = ()) -> None:
        variable = f"SMSCLI_{name.upper()}"
        self.problems.append(
            f"{name} is missing ({what}): set {ways} in {self._table}, or {variable} in the environment"
            + (" (not read with -p)" if len(self._layers) == 2 and not self._layers[1].textual else "")
            + "".join(f"; {reason}" for reason in reasons)
        )


def _where_to_mend(name: str | None) -> str:
    if name is None:
        return "set the variables, or add a profile: smscli profile add NAME; without an account, try --sandbox"
    return "the file is where `smscli profile path` says"

"""The three spellings of a secret, and fetching it: from the profile itself, a file, or a command."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import IO, Any

from smscli import providers
from smscli.errors import ConfigError
from smscli.model import Profile, Secret, SecretCommand, SecretFile, SecretSource, SecretValue, visible
from smscli.profiles._file import expanded, is_command
from smscli.profiles._settings import SettingError, check_text

MAX_SECRET = 4 * 1024
"""Bytes of a secret, and of what a secret command may print."""

COMMAND_SECONDS = 10.0
"""Wall time a secret command may take."""


def spellings(name: str) -> dict[str, tuple[Callable[[Any], SecretSource], Callable[[str], object]]]:
    """Return the three settings that give a secret, each with its check and its reader, as a ``Setting`` has them."""
    return {
        name: (lambda value: SecretValue(Secret(check_text(value))), str),
        f"{name}_file": (_check_file, _whole_path),
        f"{name}_command": (_check_command, str),
    }


def spelling(name: str, source: SecretSource) -> tuple[str, object]:
    """Return the setting that gives this source, and its value."""
    match source:
        case SecretValue():
            return name, source.value
        case SecretFile():
            return f"{name}_file", source.path
        case SecretCommand():
            return f"{name}_command", source.argv


def secret(profile: Profile, *, environ: Mapping[str, str], seconds: float = COMMAND_SECONDS) -> Secret:
    """Return the profile's secret, fetched from where it lies.

    A file must be as private as the profile file. A command is started without a shell, without ``SMSCLI_*``
    variables and without our stdin; it has ``seconds`` and 4 KiB of output, and its stderr is ours. One trailing line
    break is not part of the secret. Raises ConfigError.
    """
    return _fetch(providers.get(profile.provider).secret_field.name, profile.secret, environ, seconds)


def sent_secrets(profile: Profile, *, environ: Mapping[str, str]) -> dict[str, Secret]:
    """Return the profile's secrets that travel in requests, by field name, fetched as ``secret`` does."""
    return {name: _fetch(name, source, environ, COMMAND_SECONDS) for name, source in profile.sent_secrets.items()}


def journal_password(argv: tuple[str, ...], *, environ: Mapping[str, str]) -> Secret:
    """Return what the profile file's ``journal_password_command`` prints; it is run as ``secret`` runs its command."""
    return _fetch("journal_password", SecretCommand(argv), environ, COMMAND_SECONDS)


def _fetch(name: str, source: SecretSource | None, environ: Mapping[str, str], seconds: float) -> Secret:
    match source:
        case SecretValue():
            return source.value
        case SecretFile():
            what = f"{name}_file"
            content = _read_file(source.path, what)
        case SecretCommand():
            what = f"{name}_command"
            content = _run(source.argv, environ, what, seconds)
        case None:
            raise ConfigError(f"{name} is missing", hint=f"set {name}, {name}_command or {name}_file in a profile")
    try:
        return Secret(check_text(re.sub(r"\r?\n\Z", "", content.decode())))
    except UnicodeDecodeError:
        raise ConfigError(f"what the {what} gives is not UTF-8 text") from None
    except SettingError as error:
        raise ConfigError(f"what the {what} gives {error}", hint="it must be the secret alone, on one line") from None


def _check_file(value: object) -> SecretFile:
    name = check_text(value)
    if not name.startswith(("/", "~")):
        raise SettingError("must be a whole path: it begins with / or ~")
    return SecretFile(name)


def _whole_path(text: str) -> str:
    # What stands in a variable or option is meant from where the command was called.
    return text if text.startswith("~") else os.path.abspath(text)  # noqa: PTH100  (".." goes too)


def _check_command(value: object) -> SecretCommand:
    if not isinstance(value, list) or not is_command(value):
        raise SettingError('must be a list of arguments in a profile: ["pass", "show", "sms"]')
    return SecretCommand(tuple(value))


def _read_file(name: str, what: str) -> bytes:
    from smscli import private

    path = expanded(name, what)
    try:
        return private.read(path, MAX_SECRET, f"the {what}")
    except FileNotFoundError:
        raise ConfigError(f"the {what} {visible(str(path))} does not exist") from None


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

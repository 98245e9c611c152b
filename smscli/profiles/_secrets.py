"""The three spellings of a secret, and fetching it: from the profile itself, a file, a command, or a store.

Two stores are looked into when no layer of settings gives a secret: what systemd hands to a service, then the keyring
of the operating system. The keyring is spoken with by another process (``_keyring.py``): a locked one may never answer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import IO, Any

from smscli import providers
from smscli.errors import ConfigError
from smscli.model import (
    Profile,
    Secret,
    SecretCommand,
    SecretCredential,
    SecretFile,
    SecretSource,
    SecretValue,
    visible,
)
from smscli.profiles._file import expanded, is_command
from smscli.profiles._settings import SettingError, check_text
from smscli.record import Record

MAX_SECRET = 4 * 1024
"""Bytes of a secret, and of what a secret command may print."""

COMMAND_SECONDS = 10.0
"""Wall time a secret command may take, and each word with the keyring."""

CREDENTIAL, KEYRING = "systemd credential", "keyring"
"""The two stores, in the words of ``Profile.sources``."""

_ALONE = "it must be the secret alone, on one line"
_BY_HAND = "run it yourself: it must print the secret alone, without a question, and end with status 0"
_TROUBLE = {  # by the exit status of _keyring.py
    3: "has no {entry}",
    4: "needs another package: pip install 'smscli[keyring]'",
    5: "has no backend on this machine",
    6: "is locked",
    7: "does not keep what it is given",
    8: "has another secret as {entry} already, which it keeps",
}


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
        case SecretFile() | SecretCredential():
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


def sent_secrets(
    profile: Profile, *, environ: Mapping[str, str], seconds: float = COMMAND_SECONDS
) -> dict[str, Secret]:
    """Return the profile's secrets that travel in requests, by field name, fetched as ``secret`` does."""
    return {name: _fetch(name, source, environ, seconds) for name, source in profile.sent_secrets.items()}


def doubt(secret: Secret) -> str | None:
    """Return what makes a key look mistyped, without a character of it; None for one of printable ASCII."""
    text = secret.reveal()
    if text.isascii() and text.isprintable() and text == text.strip():
        return None
    import unicodedata

    alphabets = {unicodedata.name(one, "").partition(" ")[0].capitalize() for one in text if one.isalpha()}
    if text != text.strip():
        what = "white space at its beginning or end"
    elif "Latin" in alphabets and alphabets & {"Cyrillic", "Greek"}:
        what = f"{' and '.join(sorted(alphabets & {'Cyrillic', 'Greek'}))} letters among Latin ones, which look alike"
    else:
        what = "control characters" if text.isascii() else "characters beyond ASCII"
    return f"the key holds {what}; if it was typed or copied so by mistake, no signature will be right"


def journal_password(argv: tuple[str, ...], *, environ: Mapping[str, str], seconds: float = COMMAND_SECONDS) -> Secret:
    """Return what the profile file's ``journal_password_command`` prints; it is run as ``secret`` runs its command."""
    return _fetch("journal_password", SecretCommand(argv), environ, seconds)


def credential(directory: str, name: str, profile: str | None) -> SecretCredential | None:
    """Return the secret that systemd has put into the directory, if it has: ``smscli.<profile>.<field>``.

    Without a profile it is ``smscli.<field>``.
    """
    path = f"{directory}/{credential_name(name, profile)}"
    return SecretCredential(path) if os.path.lexists(path) else None


def credential_name(name: str, profile: str | None) -> str:
    """Return the name of a secret among the credentials of a service."""
    return ".".join(filter(None, ("smscli", profile, name)))


class Keyring(Record):
    """The keyring of the operating system, where a profile's secrets are entries of the service ``smscli``.

    An entry's user is ``<profile>/<field>``. Every method raises ConfigError, with a sentence about the keyring, when
    it cannot be used, or does not answer within ``seconds``.
    """

    environ: Mapping[str, str]
    seconds: float = COMMAND_SECONDS

    def get(self, profile: str, name: str) -> Secret:
        """Return the secret; a missing entry is a ConfigError, too."""
        return _text(self._ask("get", profile, name), "keyring")

    def put(self, profile: str, name: str, secret: Secret) -> None:
        """Write the secret down; an entry that holds another one is a ConfigError: whose it is, nobody knows."""
        self._ask("put", profile, name, secret.reveal().encode())

    def discard(self, profile: str, name: str) -> None:
        """Take the entry away. Where there is none, no keyring or no package for one, there is nothing to do."""
        self._ask("discard", profile, name, harmless=(3, 4, 5))

    def _ask(self, what: str, profile: str, name: str, secret: bytes = b"", harmless: tuple[int, ...] = ()) -> bytes:
        import subprocess
        import sys

        entry = f"{profile}/{name}"
        program = os.path.join(os.path.dirname(__file__), "_keyring.py")  # noqa: PTH118,PTH120  (pathlib costs more)
        # -P: a module that lies in the working directory is nobody's keyring. What a backend says may repeat a secret.
        argv = (sys.executable, "-P", program, str(self.seconds + 1), what, entry)
        status, answer = _run(argv, self.environ, "keyring", self.seconds, secret, stderr=subprocess.DEVNULL)
        if status and status not in harmless:
            trouble = _TROUBLE.get(status, "cannot be used ({answer})")
            reason = answer.decode("ascii", "replace") if answer.isalnum() else f"status {status}"
            raise ConfigError(f"the keyring {trouble.format(entry=entry, answer=reason)}")
        return answer


def _fetch(name: str, source: SecretSource | None, environ: Mapping[str, str], seconds: float) -> Secret:
    match source:
        case SecretValue():
            return source.value
        case SecretFile():
            what = f"{name}_file"
            content = _read_file(source.path, what)
        case SecretCommand():
            what = f"{name}_command"
            try:
                status, content = _run(source.argv, environ, what, seconds)
            except ConfigError as error:
                error.hint = error.hint or _BY_HAND
                raise
            if status != 0:
                raise ConfigError(f"the {what} ended with status {status}", hint=_BY_HAND)
        case SecretCredential():
            what = CREDENTIAL
            content = _read_file(source.path, what, granted=True)
        case None:
            raise ConfigError(f"{name} is missing", hint=f"set {name}, {name}_command or {name}_file in a profile")
    return _text(content, what)


def _text(content: bytes, what: str) -> Secret:
    try:
        return Secret(check_text(re.sub(r"\r?\n\Z", "", content.decode())))
    except UnicodeDecodeError:
        raise ConfigError(f"what the {what} gives is not UTF-8 text", hint=_ALONE) from None
    except SettingError as error:
        raise ConfigError(f"what the {what} gives {error}", hint=_ALONE) from None


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


def _read_file(name: str, what: str, *, granted: bool = False) -> bytes:
    from smscli import private

    path = expanded(name, what)
    try:
        return private.read(path, MAX_SECRET, f"the {what}", granted=granted)
    except FileNotFoundError:
        hint = f"write the secret to it, for you alone to read, or correct the path of the {what}"
        raise ConfigError(f"the {what} {visible(str(path))} does not exist", hint=hint) from None


def _run(
    argv: tuple[str, ...], environ: Mapping[str, str], what: str, seconds: float, stdin: bytes = b"",
    *, stderr: int | None = None,
) -> tuple[int, bytes]:  # fmt: skip
    """Return how the command ends and what it prints; kill it, with all it started, when that is too late or too much.

    ``stdin`` fits into a pipe.
    """
    import signal  # only profiles with a command pay for these
    import subprocess
    import sys

    if sys.platform == "win32":
        raise ConfigError(
            f"the {what} cannot be asked: on Windows nothing here could end it in time",
            hint="give the secret in the environment, or in a file (api_key_file)",
        )
    # The command needs HOME and PATH, and none of our secrets.
    environment = {name: value for name, value in environ.items() if not name.startswith("SMSCLI_")}
    deadline = monotonic() + seconds
    try:
        child = subprocess.Popen(  # noqa: S603  (the user's own command, from a file only the user can change)
            argv, env=environment, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=stderr, bufsize=0, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "an argument that cannot be passed on"
        raise ConfigError(f"the {what} cannot be started: {reason}") from None
    with child:
        try:
            if child.stdin is not None:
                with suppress(BrokenPipeError), child.stdin as pipe:
                    pipe.write(stdin)
            output = _read_until(child.stdout, deadline, what)
            status = child.wait(max(0.0, deadline - monotonic()))
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            if isinstance(error, TimeoutError | subprocess.TimeoutExpired):
                raise ConfigError(f"the {what} took longer than {seconds:g} seconds") from None
            raise
    return status, output


def _read_until(pipe: IO[bytes] | None, deadline: float, what: str) -> bytes:
    import select  # only profiles with a command pay for it
    import sys

    if sys.platform == "win32":  # where nothing was started
        raise TimeoutError
    assert pipe is not None  # noqa: S101  (Popen was asked for one)
    watch = select.poll()
    watch.register(pipe, select.POLLIN)
    output = b""
    while len(output) <= MAX_SECRET:
        if not watch.poll(max(0.0, deadline - monotonic()) * 1000):
            raise TimeoutError
        chunk = os.read(pipe.fileno(), MAX_SECRET + 1)
        if not chunk:
            return output
        output += chunk
    raise ConfigError(f"the {what} printed more than {MAX_SECRET} bytes")

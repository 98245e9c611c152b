"""Every way a command can end, and the exit status it ends with.

This module owns the error tree, the causes and the exit codes; it must not import any other.
One boundary (``smscli.cli.main``) turns an error into its exit status; nothing else exits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum, StrEnum, unique
from typing import ClassVar


@unique
class ExitCode(IntEnum):
    """The exit statuses scripts rely on; they change only with a major version."""

    OK = 0
    INTERNAL = 1
    INPUT = 2
    CONFIG = 3
    AUTHENTICATION = 4
    REJECTED = 5
    UNREACHABLE = 6
    UNKNOWN = 7
    PARTIAL = 8
    CONFLICT = 9


@unique
class Cause(StrEnum):
    """Why a recipient was not sent to, or why nobody knows. ``ERROR_OF`` says how a command ends for it."""

    INPUT = "input"
    """It cannot be sent like this."""
    CONFIG = "config"
    """Profile or journal cannot be used."""
    CREDENTIALS = "credentials"
    """The vendor refused login, key, signature or address."""
    REFUSED = "refused"
    """The vendor said no, and would say it again."""
    STALE = "stale"
    """The vendor did not process it, as it documents, and a new signature may cure that."""
    BUSY = "busy"
    """The vendor did not process it, as it documents, and asks for patience."""
    UNREACHABLE = "unreachable"
    """Nothing left for the vendor."""
    CONFLICT = "conflict"
    """A guard of smscli's own was against it."""
    UNKNOWN = "unknown"
    """It may have been sent."""


class SmscliError(Exception):
    """An end that smscli foresaw.

    ``message`` says what was wrong and where, ``hint`` what to do about it, ``code`` is the vendor's own error
    code when it gave one, ``problems`` lists the single findings when several were made at once, ``wait`` is the
    seconds after which another try may go better, where the vendor says so.
    None of these may hold a secret, a signature or a full URL.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    cause: ClassVar[Cause]
    wait: float | None = None

    def __init__(
        self, message: str, *, hint: str | None = None, code: str | None = None, problems: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.problems = tuple(problems)

    @property
    def name(self) -> str:
        """What scripts know it by: the nearest name in this module, whatever a module of its own calls it."""
        return next(kind.__name__ for kind in type(self).__mro__ if kind.__module__ == __name__)


class InputError(SmscliError):
    """Bad option, number, sender, text or file. Nothing was sent."""

    exit_code = ExitCode.INPUT
    cause = Cause.INPUT


class ConfigError(SmscliError):
    """Profile, credentials or journal are unusable. Nothing was sent."""

    exit_code = ExitCode.CONFIG
    cause = Cause.CONFIG


class AuthenticationError(SmscliError):
    """The vendor refused login, key, signature or address."""

    exit_code = ExitCode.AUTHENTICATION
    cause = Cause.CREDENTIALS


class RejectedError(SmscliError):
    """The vendor said no, and the same call will be refused again."""

    exit_code = ExitCode.REJECTED
    cause = Cause.REFUSED


class UnreachableError(SmscliError):
    """Certainly nothing was sent: rerunning the same command is safe."""

    exit_code = ExitCode.UNREACHABLE
    cause = Cause.UNREACHABLE


class OutcomeUnknownError(SmscliError):
    """The message may have been sent. Only a person may decide to send it again."""

    exit_code = ExitCode.UNKNOWN
    cause = Cause.UNKNOWN


class PartialError(SmscliError):
    """Some recipients were accepted, others were not, none is unknown."""

    exit_code = ExitCode.PARTIAL


class ConflictError(SmscliError):
    """The key was used for other content, is in flight elsewhere, or a guard refused the call."""

    exit_code = ExitCode.CONFLICT
    cause = Cause.CONFLICT


class UnsupportedError(ConflictError):
    """The vendor has no such operation."""


ERROR_OF: Mapping[Cause, type[SmscliError]] = {
    error.cause: error
    for error in (
        InputError,
        ConfigError,
        AuthenticationError,
        RejectedError,
        UnreachableError,
        OutcomeUnknownError,
        ConflictError,
    )
} | {Cause.STALE: UnreachableError, Cause.BUSY: UnreachableError}
"""The error, and with it the exit status, that a cause ends in."""

"""What an exchange that went wrong means: not sent, with proof, or unknown; in words of our own."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import urllib3  # noqa: TID253  (this package is loaded by the commands that need a network, and by no other)

from smscli.errors import ConfigError, OutcomeUnknownError, SmscliError, UnreachableError
from smscli.model import visible
from smscli.transport._metered import Meter, Stage, Stop, TooLateError, TooLongError

_LOOK_UP = "check the network, the name server and base_url; running the same command again is safe"
_KEEP = "do not send again before you know: ask the vendor, or look for the message in its panel"

E = TypeVar("E", bound=BaseException)


class Exchange(NamedTuple):
    """One that went wrong: the vendor's host and port, the proxy's, the time allowed, the meter."""

    vendor: str
    proxy: str | None
    seconds: float
    meter: Meter

    def verdict(self, ending: Exception | Stop) -> SmscliError:
        """Return UnreachableError or ConfigError when no byte left, else OutcomeUnknownError."""
        if not self.meter.proved:
            return self._unknown(ending)
        if isinstance(ending, Stop):
            return UnreachableError(f"{self._stopped(ending)}; nothing was sent", hint=_LOOK_UP)
        if isinstance(ending, TooLateError):
            return UnreachableError(
                "the signed timestamp had become too old before the first byte could leave; nothing was sent",
                hint="run the same command again; if this persists, the connection is too slow for this vendor",
            )
        certificate = cause(ending, ssl.SSLCertVerificationError)
        if certificate:
            return ConfigError(
                f"the certificate shown by {self._peer} was not accepted:"
                f" {visible(certificate.verify_message)}; nothing was sent",
                hint="somebody may be in between; check base_url and the clock, or set ca_file to the CA behind it",
            )
        return self._refused_by_proxy(ending) or UnreachableError(
            f"{self._peer}: {_words(ending)}; nothing was sent", hint=_LOOK_UP
        )

    @property
    def _peer(self) -> str:
        return f"{self.vendor} (through proxy {self.proxy})" if self.proxy else self.vendor

    def _refused_by_proxy(self, error: Exception) -> SmscliError | None:
        if not self.proxy:
            return None
        if cause(error, ConnectionRefusedError):
            return ConfigError(
                f"the proxy {self.proxy} refused the connection; nothing was sent",
                hint="check the proxy setting or the variables https_proxy and all_proxy",
            )
        # http.client tells the proxy's status only in these words.
        matches = (re.match(r"Tunnel connection failed: (\d{3})", str(e)) for e in _chain(error) if type(e) is OSError)
        status = next((match[1] for match in matches if match), "")
        if status == "407":
            return ConfigError(
                f"the proxy {self.proxy} wants a user name and password; nothing was sent",
                hint="set the proxy as http://USER:PASSWORD@HOST:PORT",
            )
        if status.startswith("5"):
            text = f"the proxy {self.proxy} could not reach {self.vendor} (status {status}); nothing was sent"
            return UnreachableError(text, hint=_LOOK_UP)
        if status:
            return ConfigError(
                f"the proxy {self.proxy} refuses to connect to {self.vendor} (status {status}); nothing was sent",
                hint="ask whoever runs the proxy to allow this host",
            )
        return None

    def _unknown(self, ending: Exception | Stop) -> SmscliError:
        what = self._stopped(ending) if isinstance(ending, Stop) else f"{self._peer}: {_words(ending)}"
        return OutcomeUnknownError(f"{what}; the request had left, so it may have been carried out", hint=_KEEP)

    def _stopped(self, stop: Stop) -> str:
        doing = {
            Stage.CONNECTING: f"no connection to {self._peer}, name look-up included",
            Stage.SECURING: f"connected to {self._peer}, but TLS or the proxy's tunnel was not ready",
            Stage.WAITING: f"no answer from {self._peer}",
            Stage.READING: f"no complete answer from {self._peer}",
        }[self.meter.stage]
        return f"{doing} within {self.seconds:.3g} s" if stop is Stop.DEADLINE else f"interrupted: {doing}"


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (urllib3.exceptions.NameResolutionError, "its name cannot be looked up"),
    (ConnectionRefusedError, "it refused the connection"),
    (http.client.RemoteDisconnected, "it closed the connection without an answer"),
    (ConnectionResetError, "it reset the connection"),
    (BrokenPipeError, "it closed the connection"),
    (urllib3.exceptions.InvalidChunkLength, "its answer is not proper HTTP"),
    (http.client.IncompleteRead, "its answer ended early"),
    (TimeoutError, "it was silent too long"),
    (http.client.HTTPException, "its answer is not proper HTTP"),
    (urllib3.exceptions.InvalidHeader, "its answer is not proper HTTP"),
)


def _words(error: Exception) -> str:
    """Return what happened in words of our own: the library's hold the URL."""
    if isinstance(error, TooLongError):
        return str(error)
    for kind, words in _WORDS:
        if cause(error, kind):
            return words
    tls = cause(error, ssl.SSLError)
    if tls:
        return f"TLS failed ({visible((tls.reason or 'no reason given').replace('_', ' ').lower())})"
    system = next((e.strerror for e in _chain(error) if isinstance(e, OSError) and e.strerror), None)
    return visible(system) if system else f"an unexpected {type(error).__name__}"


def cause(error: BaseException, kind: type[E]) -> E | None:
    """Return the error of this kind that stands behind another one, or is it."""
    return next((e for e in _chain(error) if isinstance(e, kind)), None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that stand behind it: the libraries wrap by cause, context and argument."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        behind = (current.__cause__, current.__context__, *current.args)
        waiting.extend(e for e in behind if isinstance(e, BaseException))

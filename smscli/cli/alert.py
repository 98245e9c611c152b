"""The text about a command that has ended: what happened in few words, and the end of its output where there is room.

This module is pure. Nothing is sent.
"""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from smscli.errors import InputError
from smscli.rewriting import ELLIPSIS, shorten
from smscli.segments import measure

FIELDS = ("host", "command", "status", "signal", "duration", "output")
"""What a template may name."""
_COMMAND = 80
"""Characters of the command line that a text shows."""
_PART = 160
"""No part has more characters."""

_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # CSI: colours, the cursor
    r"|[\]PX^_].*?(?:\x07|\x1b\\|\Z)"  # OSC and other strings: titles, links
    r"|[ -/]*[0-~])"  # one letter
    r"|\x9b[0-?]*[ -/]*[@-~]",
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Event:
    """A command that has ended.

    ``status`` is the one that a shell has, ``seconds`` how long it ran, ``output`` the end of what it printed.
    ``problem`` says why it could not be started; ``recovered``: the time before, it failed.
    """

    host: str
    argv: Sequence[str]
    status: int
    signal: int | None
    seconds: float
    output: bytes
    problem: str | None = None
    recovered: bool = False


def usual_template(event: Event, *, stable: bool) -> str:
    """Return the template of who gives none; a ``stable`` one has nothing that differs from run to run by itself."""
    after = "" if stable else " after {duration}"
    output = "" if stable else "\n{output}"
    if event.problem is not None:
        return "{host}: {command} could not be started: " + _braced(event.problem)
    if event.signal is not None:
        return f"{{host}}: {{command}} was ended by {{signal}}{after}{output}"
    if event.status:
        return f"{{host}}: {{command}} failed with status {{status}}{after}{output}"
    return f"{{host}}: {{command}} {'works again' if event.recovered else 'is done'}{after}"


def checked(template: str) -> str:
    """Return the template; raise InputError when it names what there is not."""
    from smscli.lists import Template

    unknown = [name for name in Template(template).names if name not in FIELDS]
    if unknown:
        raise InputError(f"--text: {{{unknown[0]}}} is no field", hint=f"fields: {', '.join(FIELDS)}")
    if not template.strip():
        raise InputError("--text is empty")
    return template


def text(event: Event, template: str, *, tail: int, parts: int) -> str:
    """Return the text in at most so many parts, with at most ``tail`` lines of output.

    What does not fit is left out of the output first, its oldest lines before its newest, then of the end of the
    command, then of that of the host's name: what happened stays.
    """
    from smscli.lists import Template

    filling = Template(template)
    values = {
        "host": _clean(event.host),
        "command": _short(_clean(shlex.join(event.argv))),
        "status": str(event.status),
        "signal": _signal_name(event.signal),
        "duration": duration(event.seconds),
        "output": "",
    }

    def filled(**shortened: str) -> str:
        return filling.merge(values | shortened).strip()

    def candidates() -> Iterator[str]:
        for output in _shorter_and_shorter(readable(event.output).splitlines()[-tail:] if tail else [], parts):
            yield filled(output=output)
        for command in _cuts(values["command"]):
            values["command"] = command
            yield filled()
        for host in _cuts(values["host"]):
            yield filled(host=host)

    fitting = next((candidate for candidate in candidates() if measure(candidate).parts <= parts), None)
    return shorten(filled(), parts) if fitting is None else fitting


def readable(output: bytes) -> str:
    """Return output as a person would have seen it: the last state of each line, without what steers a terminal.

    Empty lines and those that are only blanks are left out.
    """
    lines = (
        _CONTROL.sub("", _overwritten(line)).replace("\t", " ").rstrip()
        for line in _ESCAPE.sub("", output.decode("utf-8", "replace")).replace("\ufffd", "?").split("\n")
    )
    return "\n".join(line for line in lines if line.strip())


def duration(seconds: float) -> str:
    """Return a time in the two units that matter: ``12s``, ``5m 3s``, ``2h 10m``, ``3d 4h``."""
    whole = round(seconds)
    units = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
    for (size, name), (less, smaller) in pairwise(units):
        if whole >= size:
            return f"{whole // size}{name} {whole % size // less}{smaller}"
    return f"{whole}s"


def _overwritten(line: str) -> str:
    """Return what a carriage return has left of a line (a bar of progress)."""
    return next((state for state in reversed(line.split("\r")) if state.strip()), "")


def _shorter_and_shorter(lines: Sequence[str], parts: int) -> Iterator[str]:
    """Yield the output in ever fewer lines, the last one in ever fewer characters, and nothing in the end."""
    lines = lines[-parts * _PART :]  # a line has a character, and its break
    for first in range(len(lines)):
        if sum(map(len, lines[first:])) <= parts * _PART:
            yield "\n".join(lines[first:])
    if lines:
        yield from _cuts(lines[-1][: parts * _PART])
    yield ""


def _cuts(text: str) -> Iterator[str]:
    """Yield what is shorter than the text: ever fewer characters as readers see them, down to one, and an ellipsis."""
    from wcwidth import iter_graphemes

    characters = list(iter_graphemes(text.removesuffix(ELLIPSIS)))
    for end in range(len(characters) - 1, 0, -1):
        shorter = "".join(characters[:end]).rstrip() + ELLIPSIS
        if len(shorter) < len(text):
            yield shorter


def _short(command: str) -> str:
    return command if len(command) <= _COMMAND else command[: _COMMAND - len(ELLIPSIS)].rstrip() + ELLIPSIS


def _clean(text: str) -> str:
    """Return words as one line without controls; what is no UTF-8 shows as a question mark."""
    line = text.encode("utf-8", "replace").decode()
    return _CONTROL.sub("", line.replace("\n", " ").replace("\t", " "))


def _braced(words: str) -> str:
    return words.replace("{", "{{").replace("}", "}}")


def _signal_name(number: int | None) -> str:
    if number is None:
        return ""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time one
        return f"signal {number}"

"""The commands of a text that are HTTP clients -> what they send: for which shell they were written, which clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from smscli.capture import _cmd, _shell
from smscli.capture._curl import curl
from smscli.capture._httpie import httpie
from smscli.capture._request import RawRequest
from smscli.capture._shell import Command
from smscli.capture._wget import wget
from smscli.errors import InputError

_CLIENTS: dict[str, Callable[[Command], list[RawRequest]]] = {
    "curl": curl, "wget": wget, "http": httpie, "https": httpie, "xh": httpie,
}  # fmt: skip
_NAMED = re.compile(r"(?m)(?:^|[\s;&|({`])(?:[^\s\"'`;&|({]*[/\\])?(?:curl|wget|https?|xh)(?:\.exe)?[ \t\\^`]")
_MOST = 500
# Words that may stand before the name of a command.
_BEFORE = re.compile(r"(?:exec|command|export|local|declare|readonly|if|then|else|elif|do|while|until|!|\{)$|\w+=")
# Commands that run another one, behind options of their own.
_RUNNERS = frozenset(("sudo", "time", "env", "nohup", "timeout", "nice", "ionice", "xargs", "watch", "strace"))


def names_command(text: str) -> bool:
    """Return whether one of the clients stands in a text as a command does."""
    return bool(_NAMED.search(text))


def commands(text: str) -> list[RawRequest]:
    """Return the requests of the clients in a text; none when there is none. InputError names an open quote's line."""
    if not names_command(text):
        return []
    # A backtick is PowerShell's way to go on in the next line.
    read = _cmd.commands(text) if _cmd.is_cmd(text) else _shell.commands(re.sub(r"[ \t]`\r?\n", " \\\n", text))
    requests: list[RawRequest] = []
    for command in read:
        requests += _requests(command)
        if len(requests) > _MOST:
            raise InputError(f"the captured commands make more than {_MOST} requests", hint="give some of them")
    return requests


def _requests(command: Command) -> Iterable[RawRequest]:
    runs = False
    for index, word in enumerate(command.words):
        name = re.split(r"[/\\]", word)[-1].removesuffix(".exe")
        if name in _CLIENTS:
            words = (name, *command.words[index + 1 :])
            own = Command(words, command.line, command.stdin, command.notes)
            return _CLIENTS[name](own)
        runs = runs or name in _RUNNERS
        if not runs and not _BEFORE.match(word):
            break
    return ()

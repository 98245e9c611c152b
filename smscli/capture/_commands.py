"""The commands of a text that are HTTP clients -> what they send: for which shell they were written, which clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from smscli.capture import _cmd, _shell
from smscli.capture._curl import curl
from smscli.capture._httpie import httpie
from smscli.capture._request import RawRequest
from smscli.capture._shell import CLIENT, Command
from smscli.capture._wget import wget
from smscli.errors import InputError

_CLIENTS: dict[str, Callable[[Command], list[RawRequest]]] = {
    "curl": curl, "wget": wget, "http": httpie, "https": httpie, "xh": httpie,
}  # fmt: skip
_NAMED = re.compile(
    r"(?m)(?:^|[\s;&|({`]|(?:\s-l?c|\beval|\b(?:ssh|watch)\b[^\n\"']{0,200})[ \t][\"'])"
    rf"(?:[^\s\"'`;&|({{]*[/\\])?{CLIENT}(?:\.exe|:[\w.-]+)?[ \t\\^`]"
)
_MOST = 500
# Words that may stand before the name of a command.
_BEFORE = re.compile(r"(?:exec|command|export|local|declare|readonly|if|then|else|elif|do|while|until|!|\{)$|\w+=")
# Commands that run another one, behind options of their own.
_RUNNERS = frozenset((
    "sudo", "doas", "time", "env", "nohup", "timeout", "nice", "ionice", "xargs", "strace",
    "docker", "podman", "kubectl",
))  # fmt: skip
# Commands that give words to a shell, which reads them once more: one of them, or all that follow.
_SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh", "su"))
_JOINING = frozenset(("ssh", "eval", "watch"))


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
    runners: set[str] = set()
    for index, word in enumerate(command.words):
        if runners and word.startswith("-"):
            continue
        name = re.split(r"[/\\]", word)[-1].removesuffix(".exe")
        client = name.partition(":")[0] if runners else name  # an image of a container has its version there
        if runners & _JOINING and (client in _CLIENTS or names_command(word)):
            return _read_again(" ".join(command.words[index:]), command)
        if client in _CLIENTS:
            return _CLIENTS[client](replace(command, words=(client, *command.words[index + 1 :])))
        if runners & _SHELLS and names_command(word):
            return _read_again(word, command)
        if name in _RUNNERS | _SHELLS | _JOINING:
            runners.add(name)
        if not runners and not _BEFORE.match(word):
            break
    return ()


def _read_again(text: str, outer: Command) -> Iterable[RawRequest]:
    """Yield the requests of what another shell runs; it has the stdin of the command that starts it."""
    for inner in _shell.commands(text, outer.line):
        stdin = outer.stdin if inner.stdin is None else inner.stdin
        yield from _requests(replace(inner, stdin=stdin, notes=(*outer.notes, *inner.notes)))

"""The commands of a text that are HTTP clients -> what they send: for which shell they were written, which clients."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
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
MAX_SCRIPT = 128 * 1024
"""Characters that are read as one script; of a longer text only the lines of its commands are."""

_NAME = (
    r"(?:^|[\s;&|({`]|(?:\s-l?c|\beval|\b(?:ssh|watch)\b[^\n\"']{0,200})[ \t][\"'])"
    rf"(?:[^\s\"'`;&|({{]*[/\\])?{CLIENT}(?:\.exe|:[\w.-]+)?[ \t\\^`]"
)
_NAMED = re.compile(f"(?m){_NAME}")
_PASSAGE = re.compile(
    rf"(?m)^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*=(?:'[^'\n]*'|\"[^\"\n]*\"|[^\s'\"]*)[ \t]*;?[ \t]*$|{_NAME}"
)
_SWALLOWED = re.compile(rf"\n[ \t]*(?:[^\s\"']*/)?{CLIENT}[ \t]+[^\s]")
_MOST = 10_000
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
    """Return the requests of the clients in a text; none when there is none. InputError names an open quote's line.

    Of a long text, or one where prompts tell commands from what they printed, a command that cannot be read has a
    fault: the next one may be sound.
    """
    if not names_command(text):
        return []
    if len(text) <= MAX_SCRIPT or _cmd.is_batch(text):
        try:
            return _counted(map(_requests, _read(text, 1, {})))
        except InputError:
            if not _shell.PROMPT.search(text):
                raise
    return commands_by_line(text)


def commands_by_line(text: str) -> list[RawRequest]:
    """Return the requests of the clients in a text, each command read alone; one that cannot be read has a fault."""
    return _counted(_passages(text))


def _counted(read: Iterable[Iterable[RawRequest]]) -> list[RawRequest]:
    requests: list[RawRequest] = []
    for more in read:
        requests += more
        if len(requests) > _MOST:
            raise InputError(f"the captured commands make more than {_MOST} requests", hint="give some of them")
    return requests


def _read(text: str, line: int, variables: dict[str, str]) -> Iterator[Command]:
    """Yield the commands of a text that begins in a line of the capture; ``variables`` are those that are set."""
    if _cmd.is_cmd(text):
        return (replace(command, line=command.line + line - 1) for command in _cmd.commands(text))
    # A backtick is PowerShell's way to go on in the next line.
    return _shell.commands(re.sub(r"[ \t]`\r?\n", " \\\n", text), line, variables)


def _passages(text: str) -> Iterator[list[RawRequest]]:
    """Yield the requests of each line that names a client and of those in which its command goes on."""
    text = re.sub(r"[ \t]`\n", " \\\n", text.replace("\r\n", "\n"))
    variables: dict[str, str] = {}
    at, line = 0, 1
    while named := _PASSAGE.search(text, at):
        begin = text.rfind("\n", at, named.end() - 1) + 1 or at
        line += text.count("\n", at, begin)
        at = _shell.end(text, begin, begin + MAX_SCRIPT)
        passage = text[begin:at]
        try:
            yield [request for command in _read(passage, line, variables) for request in _requests(command)]
        except InputError as error:
            is_cut = at == begin + MAX_SCRIPT < len(text)  # its quote may well be closed behind
            fault = f"it is longer than {MAX_SCRIPT} characters" if is_cut else error.message
            yield [RawRequest("command", place=f"line {line}", body=passage, fault=fault)]
        line += text.count("\n", begin, at)


def _requests(command: Command) -> Iterable[RawRequest]:
    """Return what a command sends; InputError where a quote in it goes on over a line that is a command of its own."""
    runners: set[str] = set()
    for index, word in enumerate(command.words):
        if runners and word.startswith("-"):
            continue
        name = re.split(r"[/\\]", word)[-1].removesuffix(".exe")
        client = name.partition(":")[0] if runners else name  # an image of a container has its version there
        if runners & _JOINING and (client in _CLIENTS or names_command(word)):
            return _read_again(" ".join(command.words[index:]), command)
        if client in _CLIENTS:
            _check_quotes(command)
            return _CLIENTS[client](replace(command, words=(client, *command.words[index + 1 :])))
        if runners & _SHELLS and names_command(word):
            return _read_again(word, command)
        if name in _RUNNERS | _SHELLS | _JOINING:
            runners.add(name)
        if not runners and not _BEFORE.match(word):
            break
    if runners & {"ssh", *_SHELLS} and command.stdin is not None and names_command(command.stdin):
        return _read_again(command.stdin, replace(command, line=command.line + 1, stdin=None))
    _check_quotes(command)
    return ()


def _check_quotes(command: Command) -> None:
    """Refuse what an apostrophe in the output between commands makes of them; who prints may print a command."""
    if command.words[0] not in ("echo", "printf") and any(map(_SWALLOWED.search, command.words)):
        raise InputError(
            f"a quote behind line {command.line} of the captured commands goes on over a line that begins with one",
            hint="give the commands without what was printed between them",
        )


def _read_again(text: str, outer: Command) -> Iterable[RawRequest]:
    """Yield the requests of what another shell runs; it has the stdin of the command that starts it."""
    for inner in _shell.commands(text, outer.line):
        stdin = outer.stdin if inner.stdin is None else inner.stdin
        yield from _requests(replace(inner, stdin=stdin, notes=(*outer.notes, *inner.notes)))

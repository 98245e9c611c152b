"""Command lines of Windows' cmd -> the words that a program gets.

Two parsers read them, one after the other: cmd (carets, quotes, operators), then the C run-time of the program.
Browsers put a caret before each quote, so that cmd sees none, and double each backslash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smscli.capture._request import to_bytes, to_text
from smscli.capture._shell import Command
from smscli.errors import InputError

_PROMPT = re.compile(r"(?m)^[A-Za-z]:\\[^>\n]*>[ \t]*")
_ARGUMENT = re.compile(r'(?P<quotes>\\*")|(?P<blank>[ \t]+)|(?P<plain>\\+|[^\\" \t]+)')
_BATCH = re.compile(r"(?mi)^[ \t]*@echo[ \t]+off\b")


def is_cmd(text: str) -> bool:
    """Return whether a text was written for cmd: carets before quotes or line ends, quoted %, its prompt."""
    return bool(re.search(r'\^"|\^\r?\n|"%"', text) or _PROMPT.match(text) or is_batch(text))


def is_batch(text: str) -> bool:
    """Return whether a text is a batch file, all of it for cmd."""
    return bool(_BATCH.search(text))


def commands(text: str) -> Iterator[Command]:
    """Yield the commands of a text; raise InputError, with the line, for an open quote."""
    text = _PROMPT.sub("", text.replace("\r\n", "\n"))
    if is_batch(text):
        text = text.replace("%%", "%")  # a file, where a lone % begins an argument or a variable
    doubled = '^"' in text
    for line, command in _split(text):
        words = _arguments(command, line)
        if words and not re.match(r"(?i)rem$|::", words[0]):
            yield Command(tuple(word.replace("\\\\", "\\") if doubled else word for word in words), line)


def _split(text: str) -> Iterator[tuple[int, str]]:
    """Yield each command as cmd hands it on, its carets used up, with the number of its line."""
    line = began = 1
    quoted = False
    passed: list[str] = []
    at = 0
    while at < len(text):
        character = text[at]
        at += 1
        if character == "^" and not quoted:
            if text[at : at + 1] == "\n":  # it joins two lines, and the character behind them is only itself
                line, at = line + 1, at + 1
            character = text[at : at + 1]
            at += 1
        elif character == '"':
            quoted = not quoted
        elif character == "\n" or (character in "&|<>" and not quoted):
            yield began, "".join(passed)
            passed, quoted = [], False
            line += character == "\n"
            began = line
            continue
        line += character == "\n"
        passed.append(character)
    yield began, "".join(passed)


def _arguments(command: str, line: int) -> list[str]:
    r"""Return what the C run-time makes of a command line: ``\\"`` and, inside quotes, ``""`` are a quote."""
    words: list[str] = []
    word: str | None = None
    quoted = False
    at = 0
    while match := _ARGUMENT.match(command, at):
        at = match.end()
        if match["blank"] and not quoted:
            words += [] if word is None else [word]
            word = None
        elif match["quotes"]:
            backslashes = len(match[0]) - 1
            word = (word or "") + "\\" * (backslashes // 2)
            if backslashes % 2:
                word += '"'
            elif quoted and command[at : at + 1] == '"':
                word, at = word + '"', at + 1
            else:
                quoted = not quoted
        else:
            word = (word or "") + match[0]
    if quoted:
        raise InputError(f"a quote in line {line} of the captured command is not closed", hint="copy the whole command")
    return [to_text(to_bytes(one)) for one in (*words, *([] if word is None else [word]))]

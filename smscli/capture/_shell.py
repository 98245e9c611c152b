"""Command lines of a POSIX shell -> the words that a program gets, with the line where its command began.

What a shell would look up or run (``$NAME``, ``$(…)``) is filled in where the text itself says it, and named where not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from smscli.capture._request import to_bytes, to_text
from smscli.errors import InputError
from smscli.model import visible

_SIMPLE_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
}
_SUBSTITUTION = r"""\$\((?:[^()"']|"[^"]*"|'[^']*'|\([^()]*\))*\)|`(?:[^`\\]|\\[\s\S])*`"""
_EXPANSION = rf"{_SUBSTITUTION}|\$\{{[^{{}}]*\}}|\$[A-Za-z_]\w*|\$[0-9@*#?$!-]"
_PIECES = re.compile(
    rf"""(?P<joined>\\\n)
    |(?P<escaped>\\[\s\S])
    |(?P<single>'[^']*')
    |(?P<ansi>\$'(?:[^'\\]|\\[\s\S])*')
    |(?P<double>\$?"(?:[^"\\$`]|\\[\s\S]|{_SUBSTITUTION}|\$(?!\())*")
    |(?P<expansion>{_EXPANSION})
    |(?P<open>\$?["'`])
    |(?P<comment>(?:(?<=[\s;])|(?<![\s\S]))\#[^\n]*)
    |(?P<heredoc><<-?[ \t]*(?P<quote>["']?)(?P<mark>\w+)(?P=quote))
    |(?P<herestring><<<[ \t]*)
    |(?P<redirection>(?:(?<![^\s])\d+|&)?(?:>>|>\||>&|<&|>|<)[ \t]*&?)
    |(?P<operator>&&|\|\||\|&|[;&|()\n])
    |(?P<blank>[ \t]+)
    |(?P<plain>(?:[^\s\\'"$`;&|()<>#]|(?<=[^\s;])\#)+|[\s\S])""",
    re.VERBOSE,
)
CLIENT = "(?:curl|wget|https?|xh)"
"""The names of commands that are HTTP clients, for a pattern."""

PROMPT = re.compile(rf"(?m)^[ \t]*(?:[$%>]|[+]+|[\w.-]+@[\w.-]\S*[$%#])[ \t]+(?=(?:\S*/)?{CLIENT}\s)")
# Five fields of a time, or @daily; the user of a system's crontab is one word before the client.
_CRON = re.compile(
    r"(?m)^[ \t]*(?:@[a-z]+|(?:[\d*,/-]+[ \t]+){3}[\w*,/-]+[ \t]+[\w*,/-]+)[ \t]+"
    rf"(?:[a-z_][\w-]*[ \t]+(?=(?:\S*/)?{CLIENT}[ \t]))?(.*\b{CLIENT}[ \t].*)$"
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its words, the number of the line where it began, its stdin where the text has it, and doubts."""

    words: tuple[str, ...]
    line: int
    stdin: str | None = None
    notes: tuple[str, ...] = ()


def end(text: str, at: int, limit: int) -> int:
    """Return where the command that begins at a place ends, its here-document with it; before ``limit``."""
    text, first = text[at:limit], at
    at, mark = 0, ""
    while at < len(text):
        match = _PIECES.match(text, at)
        assert match is not None  # noqa: S101  (the last alternative takes any character)
        if match.lastgroup == "open":  # it is refused with its line; the next one may be sound
            return first + (text.find("\n", at) + 1 or len(text))
        mark = match["mark"] or mark
        at = match.end()
        if match[0] == "\n" and text[at - 2 : at - 1] != "^":
            closed = re.compile(rf"(?m)^[ \t]*{mark}(?:\n|\Z)").search(text, at) if mark else None
            return first + (closed.end() if closed else at)
    return first + len(text)


def commands(text: str, line: int = 1, variables: dict[str, str] | None = None) -> Iterator[Command]:
    """Yield the commands of a script, a crontab or a pasted line, which begins in a line of the capture.

    ``variables`` are those that are set; those that the text sets are added.
    InputError says in which line a quote is open, or cron would cut the command.
    """
    text = PROMPT.sub("", text.replace("\r\n", "\n"))
    text = _CRON.sub(lambda match: _from_crontab(match, line), text)
    yield from _Reading(text, line, {} if variables is None else variables).commands()


def _from_crontab(match: re.Match[str], first_line: int) -> str:
    """Return the command of a line of a crontab, where a backslash keeps a percent sign. (crontab(5))"""
    if re.search(r"(?<!\\)%", match[1]):
        line = first_line + match.string.count("\n", 0, match.start())
        raise InputError(f"line {line}: cron ends a command at its first %", hint="write \\% in a crontab")
    return match[1].replace("\\%", "%")


def _output(words: Sequence[str], stdin: str | None) -> str | None:
    """Return what a command writes into a pipe, where that is sure: shells differ about backslashes."""
    if words in (["cat"], ["cat", "-"]):
        return stdin
    if words[:1] == ["echo"]:
        bare = words[1:2] == ["-n"]
        text = " ".join(words[2 if bare else 1 :]) + ("" if bare else "\n")
    elif words[:1] == ["printf"] and len(words) == 2 and "%" not in words[1]:
        text = words[1]
    elif words[:1] == ["printf"] and len(words) == 3 and words[1] in ("%s", "%s\\n"):
        text = words[2] + ("\n" if words[1] != "%s" else "")
    else:
        return None
    return None if "\\" in text or text.startswith("-") else text


@dataclass
class _Reading:
    """A script being read: the variables that it has set so far, and the command that is being read."""

    text: str
    first_line: int
    variables: dict[str, str]
    words: list[str] = field(default_factory=list)
    word: str | None = None
    notes: list[str] = field(default_factory=list)
    inner: list[Command] = field(default_factory=list)
    stdin: str | None = None
    cuts: list[tuple[int, int]] = field(default_factory=list)
    began: int = 0
    target: str = ""

    def commands(self) -> Iterator[Command]:
        at = 0
        while at < len(self.text):
            match = _PIECES.match(self.text, at)
            assert match is not None  # noqa: S101  (the last alternative takes any character)
            kind, piece = str(match.lastgroup), match[0]  # of groups in one another the outer one
            if self.word is not None and (kind == "comment" or (kind == "redirection" and piece[0].isdigit())):
                kind, piece = "plain", piece[0]  # behind an escaped blank it is part of a word
            start, at = at, at + len(piece)
            if kind == "heredoc":
                at = self._take_heredoc(match)
            elif kind == "operator":
                yield from self._end(piece, at)
            else:
                self._take(kind, piece, start)
        yield from self._end("", at)

    def _line(self, at: int) -> int:
        cut = sum(lines for start, lines in self.cuts if start < at)
        return self.first_line + cut + self.text.count("\n", 0, at)

    def _take(self, kind: str, piece: str, at: int) -> None:
        if kind in ("joined", "comment"):
            return
        if kind == "blank":
            self._end_word()
        elif kind in ("redirection", "herestring"):
            self._end_word()
            self.target = kind
        elif kind == "open":
            raise InputError(
                f"a quote in line {self._line(at)} of the captured command is not closed", hint="copy the whole command"
            )
        else:
            if not self.words and self.word is None:
                self.began = self._line(at)
            self.word = (self.word or "") + self._value(kind, piece, at)

    def _value(self, kind: str, piece: str, at: int) -> str:
        if kind == "escaped":
            return piece[1:]
        if kind == "single":
            return piece[1:-1]
        if kind == "ansi":
            return unescape(piece[2:-1])
        if kind == "double":
            inner = piece.removeprefix("$")[1:-1]
            parts = re.compile(rf'\\([$`"\\])|(\\\n)|({_EXPANSION})')
            return parts.sub(
                lambda match: match[1] or ("" if match[2] else self._expand(match[3], at, quoted=True)), inner
            )
        return self._expand(piece, at) if kind == "expansion" else piece

    def _expand(self, expression: str, at: int, *, quoted: bool = False) -> str:
        name, _, usual = expression[1:].strip("{}").partition(":-")
        if name in self.variables:
            return self.variables[name]
        if usual:
            return usual
        line = self._line(at)
        if expression.startswith(("$(", "`")):
            inside = expression[2:-1]
            if expression.startswith("`"):  # which takes backslashes away before the inner shell reads
                inside = re.sub(r'\\([$`\\"])' if quoted else r"\\([$`\\])", r"\1", expression[1:-1])
            self.inner += _Reading(inside, line, self.variables).commands()
            expression = "$(…)"
        self.notes.append(f"line {line}: {visible(expression)} is not in the capture; it is left as it is written")
        return expression

    def _end_word(self) -> None:
        word, self.word = self.word, None
        if word is None:
            return
        word = to_text(to_bytes(word))
        if self.target == "herestring":
            self.stdin = f"{word}\n"
        elif not self.target:
            self.words.append(word)
        self.target = ""

    def _take_heredoc(self, match: re.Match[str]) -> int:
        """Take the lines up to the mark, and cut them out of the text; return where reading goes on."""
        self._end_word()
        start = self.text.find("\n", match.end())
        mark = re.compile(rf"(?m)^[ \t]*{match['mark']}$").search(self.text, start + 1) if start >= 0 else None
        if mark is None:
            raise InputError(f"the here-document in line {self._line(match.start())} of the capture is not closed")
        text = self.text[start + 1 : mark.start()]
        self.stdin = text if match["quote"] else re.sub(
            _EXPANSION, lambda found: self._expand(found[0], start), text
        )  # fmt: skip
        self.cuts.append((start, self.text.count("\n", start, mark.end())))
        self.text = self.text[:start] + self.text[mark.end() :]
        return match.end()

    def _end(self, operator: str, at: int) -> Iterator[Command]:
        self._end_word()
        words, notes, inner = self.words, self.notes, self.inner
        while words and re.fullmatch(r"(?s)[A-Za-z_]\w*\+?=.*", words[0]):
            name, _, value = words[0].partition("=")
            self.variables[name] = value
            words = words[1:]
        if words and words[0] in ("export", "local", "declare", "readonly"):
            self.variables.update((name, value) for name, _, value in (word.partition("=") for word in words[1:]))
        if operator == "&" and any("?" in word and "://" in word for word in words):
            notes.append(
                f"line {self._line(at)}: the shell ends the command at &, and what follows is not sent: "
                "the address needs quotes"
            )
        stdin, is_blank_line = self.stdin, not self.words and operator == "\n"
        if not is_blank_line:  # behind a | a command may go on there
            self.stdin = _output(words, stdin) if operator in ("|", "|&") else None
        self.words, self.inner = [], []
        self.notes = [] if self.stdin is None else list(notes)
        yield from inner
        if words:
            yield Command(tuple(words), self.began, stdin, tuple(notes))


def unescape(text: str) -> str:
    r"""Return what bash makes of the inside of ``$'…'``; ``\xHH`` and octals are bytes."""

    def replace(match: re.Match[str]) -> str:
        if match[1] or match[2]:
            code = int(match[1] or match[2], 16 if match[1] else 8) & 0xFF
            return chr(code) if code < 0x80 else chr(0xDC00 + code)
        if match[3]:
            return chr(min(int(match[3][1:], 16), 0x10FFFF))
        return chr(ord(match[4][1].upper()) ^ 64) if match[4] else _SIMPLE_ESCAPES.get(match[5], match[5])

    return re.sub(
        r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8})|(c[A-Za-z@\[\]^_?])|([\s\S]))",
        replace, text,
    )  # fmt: skip

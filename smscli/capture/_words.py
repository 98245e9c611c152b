"""The words of a command -> options with their values, as getopt and curl read them."""

from __future__ import annotations

from collections.abc import Iterator

from smscli.capture._options import Grammar
from smscli.errors import InputError
from smscli.model import visible

_MOST_WORDS = 1000


def options(words: tuple[str, ...], grammar: Grammar, line: int, notes: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (long name, value); what is no option has the name "". A value that is missing is InputError."""
    if len(words) > _MOST_WORDS:
        raise InputError(
            f"line {line}: the captured command has more than {_MOST_WORDS} words", hint="give one request"
        )
    rest = iter(words)
    for word in rest:
        if word == "--":
            yield from (("", value) for value in rest)
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            name = _full(name, grammar, line, notes)
            if equals and not grammar.equals:
                notes.append(f"line {line}: {grammar.tool} itself wants a space after --{name}, not =")
            takes_value = name.removeprefix("expand-") in grammar.values
            yield name, (value if equals else _next(rest, name, grammar, line)) if takes_value else ""
        elif word.startswith("-") and len(word) > 1:
            yield from _short(word[1:], rest, grammar, line, notes)
        else:
            yield "", word


def _short(
    letters: str, rest: Iterator[str], grammar: Grammar, line: int, notes: list[str]
) -> Iterator[tuple[str, str]]:
    for index, letter in enumerate(letters):
        if grammar.strict and letter not in grammar.letters:
            notes.append(f"line {line}: {grammar.tool} has no option -{visible(letter)}; it is passed over")
        name = grammar.letters.get(letter, letter)
        if name in grammar.values:
            yield name, letters[index + 1 :] or _next(rest, name, grammar, line)
            return
        yield name, ""


def _next(rest: Iterator[str], name: str, grammar: Grammar, line: int) -> str:
    value = next(rest, None)
    if value is None:
        raise InputError(f"line {line}: --{name} of {grammar.tool} lacks its value", hint="copy the whole command")
    return value


def _full(name: str, grammar: Grammar, line: int, notes: list[str]) -> str:
    """Return the whole name of an option that may be abbreviated; InputError when it could be one of several."""
    if grammar.tool == "curl" and name.startswith("expand-"):
        return f"expand-{_full(name[7:], grammar, line, notes)}"
    known = grammar.values | grammar.flags
    if name in known or name.removeprefix("no-") in grammar.flags:
        return name
    longer = sorted(one for one in known if one.startswith(name))
    if len(longer) == 1:
        return longer[0]
    if grammar.strict and longer:
        several = ", ".join(f"--{one}" for one in longer)
        raise InputError(
            f"line {line}: --{visible(name)} of {grammar.tool} may be any of {several}", hint="write it out"
        )
    if grammar.strict:
        notes.append(f"line {line}: {grammar.tool} has no option --{visible(name)}; it is passed over")
    return name

"""The text of a send: where it comes from, what cannot be one, and the options of every command that takes one.

Nothing is sent. ``smscli.cli.cost`` knows more of a text; a plain send does not load it.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Annotated

import typer

from smscli.cli import inputs
from smscli.errors import ConflictError, InputError
from smscli.runtime import Runtime
from smscli.segments import Alphabet, Segmentation, is_gsm

Text = Annotated[str | None, typer.Argument(metavar="TEXT", help="The text; - or nothing reads it from a pipe.")]
TextFile = Annotated[
    str | None, typer.Option("--text-file", metavar="FILE", help="Read the text from a file (- for stdin).")
]
Transliterate = Annotated[
    bool,
    typer.Option("--transliterate", help="Write what GSM-7 lacks in letters that it has (’ as ', ş as s, Я as Ya)."),
]
Fit = Annotated[
    int | None,
    typer.Option("--fit", metavar="N", min=1, help="Shorten the text to N parts; a shortened one ends in ..."),
]
MaxParts = Annotated[int | None, typer.Option("--max-parts", metavar="N", min=1, help="Refuse a text of more parts.")]
Price = Annotated[
    bool, typer.Option("--price", help="Ask the vendor what it wants for this text; nothing is sent or charged.")
]


def read(runtime: Runtime, text: str | None, text_file: str | None) -> str:
    """Return the text as it came. stdin is read for ``-``, or without a text when it is a pipe or a file."""
    if text is not None and text_file is not None and text != "-":
        raise InputError("both TEXT and --text-file were given", hint="give one of them")
    if text is not None and text != "-":
        return text
    if text_file is not None and text_file != "-":
        return inputs.read_file(Path(text_file), "--text-file")
    if "-" not in (text, text_file) and not inputs.is_piped(runtime):
        raise InputError("no text", hint="give TEXT, --text-file FILE, or a pipe")
    return inputs.read_stdin(runtime, "the text")


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the text as it will be signed and sent, with a note when it is not as it came."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError("the text is not UTF-8", hint="convert it: iconv -t UTF-8")
    if "\0" in text:
        raise InputError("the text holds a NUL character")
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    if not unified.strip():
        raise InputError("the text is empty")
    return unified, ("CR LF became LF",) if unified != text else ()


def refuse_parts(size: Segmentation, most: int | None) -> None:
    """Raise ConflictError when the text has more parts than are allowed."""
    if most is not None and size.parts > most:
        ways = "--fit, --transliterate" if size.alphabet is Alphabet.UCS_2 else "--fit"
        hint = f"{size.alphabet}, {size.units} units: shorten it ({ways}), or allow more with --max-parts"
        raise ConflictError(f"the text has {size.parts} parts, more than {most}", hint=hint)


def surprise(text: str, size: Segmentation) -> str:
    """Return in words that a text has several parts, and why so many."""
    culprit = next(((place, one) for place, one in enumerate(text, 1) if not is_gsm(one)), None)
    why = f" because of {named(culprit[1])} at {culprit[0]}" if culprit else ""
    return f"the text takes {counted(size.parts, 'part')} for each recipient: {size.alphabet}{why}, {size.units} units"


def named(character: str) -> str:
    """Return a character with its code point, or that alone where the character could not be seen."""
    code_point = f"U+{ord(character):04X}"
    return f"{character} ({code_point})" if drawn(character) else code_point


def drawn(character: str) -> str:
    """Return a character where it can be seen alone: no mark, blank or control can."""
    return character if unicodedata.category(character)[0] in "LNPS" else ""


def counted(count: int, noun: str) -> str:
    """Return a number of things in words: ``1 part``, ``2 parts``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"

"""Man pages in mdoc(7), in pure ASCII: the pieces that a page is put together of. It knows no command."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence

from smscli import __version__

DATE = "November 26, 2026"
"""When what the pages say was last looked over; a release sets it."""
_WIDTH = 78


def page(name: str, line: str, synopsis: Sequence[str], sections: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Return a page; ``sections`` are titles with pieces, of which those without any are left out."""
    command, *words = synopsis
    blocks = [
        f".Dd {DATE}\n.Dt {name.upper()} 1\n.Os smscli {__version__}\n",
        f".Sh NAME\n.Nm {name}\n.Nd {plain(line.removesuffix('.'))}\n",
        f".Sh SYNOPSIS\n.Nm {command}\n{_text(' '.join(words))}",
    ]
    for title, pieces in sections:
        if filled := [piece for piece in pieces if piece]:
            blocks += [f".Sh {title}\n", *filled]
    return "".join(blocks)


def paragraphs(texts: Iterable[str]) -> str:
    """Return prose."""
    return ".Pp\n".join(map(_text, texts))


def listed(entries: Iterable[tuple[str, str]], spell: Callable[[str], str]) -> str:
    """Return entries and what they mean; ``spell`` gives the macros of an entry."""
    items = "".join(f".It {spell(term)}\n{_text(text)}" for term, text in entries)
    return f".Bl -tag -width Ds\n{items}.El\n" if items else ""


def titled(title: str, piece: str) -> str:
    """Return a piece under a title of its own, if it has one."""
    return f".Ss {plain(title)}\n{piece}" if title and piece else piece


def literal(lines: Sequence[str]) -> str:
    """Return lines as they are typed."""
    typed = "".join(f"{_escaped(line, typed=True)}\n" for line in lines)
    return f".Bd -literal -offset indent\n{typed}.Ed\n"


def options(term: str) -> str:
    """Return the macros of options and arguments as help spells them: ``-t, --to NUMBER``."""
    words: list[str] = []
    for word in re.findall(r"[^\s,]+|,", term):
        if word.startswith("-"):
            words += ["Fl", word[1:]]
        elif word in (",", "/"):
            words.append(word)
        else:
            words += ["Ar", _escaped(word)]
    return " ".join(words)


def variables(term: str) -> str:
    """Return the macros of variables of the environment."""
    return f"Ev {' , Ev '.join(term.split(', '))}"


def place(term: str) -> str:
    """Return the macro of a member or field."""
    return f"Va {term}"


def path(term: str) -> str:
    """Return the macro of a file."""
    return f"Pa {term}"


def plain(text: str) -> str:
    """Return words for the line of a macro, where a short one may be the name of another."""
    return re.sub(r"(?<!\S)[A-Z%][a-z0-9]{0,2}(?!\S)", r"\\&\g<0>", _escaped(text)).replace('"', "\\(dq")


def references(names: Iterable[str]) -> str:
    """Return references to pages, in the order that lint wants."""
    return " ,\n".join(f".Xr {name} 1" for name in sorted(names)) + "\n"


def reference(name: str) -> str:
    """Return the macro of a reference in a list."""
    return f"Xr {name} 1"


def _text(text: str) -> str:
    """Return prose, each sentence on lines of its own: a formatter sets a wider space behind it."""
    lines: list[str] = []
    for sentence in re.split(r"(?<=[.;:?]) (?=[A-Z\[])", text):
        lines += textwrap.wrap(sentence, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(f"{_escaped(line)}\n" for line in lines)


def _escaped(text: str, *, typed: bool = False) -> str:
    """Return a line that no macro hides in; what is typed keeps its hyphens, or it could not be pasted."""
    text = text.replace("\\", "\\e")
    if typed:
        text = re.sub(r"['`^~-]", lambda match: _TYPED[match[0]], text)
    else:
        text = re.sub(r"(?<![\w-])--?\w[\w-]*", lambda match: match[0].replace("-", "\\-"), text)
    text = re.sub(r"[^\x00-\x7f]", lambda match: f"\\[u{ord(match[0]):04X}]", text)
    return f"\\&{text}" if text.startswith((".", "'")) else text


_TYPED = {"-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}

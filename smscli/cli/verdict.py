"""A diagnosis as a person reads it: the verdict, what to do, and the two hashed strings with their difference marked.

This module lays out; it compares nothing but the two strings that it draws. Both come with every key masked.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from smscli.diagnosis import Diagnosis, Explanation, Finding, latin_twin
from smscli.model import MASK, visible
from smscli.overlay import lay_over
from smscli.render import cell_width, paint, wrap

_GLYPHS = {" ": "·", "\n": "⏎", "\r": "␍", "\t": "⇥"}
_SHORT = {"\u00a0": "NBSP", "\u202f": "NNBSP", "\u200b": "ZWSP", "\ufeff": "BOM", "\u00ad": "SHY", "\u200d": "ZWJ"}
_NAMES = {" ": "a space", "\n": "a line feed", "\r": "a carriage return", "\t": "a tab", "\ufeff": "a byte order mark"}

# What is compared character by character; of longer stretches only beginning and end are.
_LONGEST_MIDDLE = 400
_LONGEST_WHOLE = 2000  # characters
_CHANCE = 3  # letters that two words share by chance
_SHORT_VALUE = 24
_MOST_NAMED = 4
_MOST_OTHERS = 3

NEXT = "compare the right string with the one that the other program hashes; --explain --hex shows it byte by byte"
SUSPECT_KEY = (
    "the values are letters, digits and dots alone, which few programs spell otherwise, so suspect the key: copy it "
    "anew from the vendor's page, and try older ones with --also-key-file FILE"
)


@dataclass(frozen=True, slots=True)
class Strings:
    """The right string, with the key masked, and where each parameter stands in it: name, first place, end."""

    right: str
    places: tuple[tuple[str, int, int], ...] = ()


def draw(diagnosis: Diagnosis, vendor: str, signature: str, strings: Strings, width: int, colour: int) -> str:
    """Return the lines for a terminal of ``width`` columns that has ``colour`` colours (0: none)."""
    best, *others = diagnosis.explanations or (None,)
    lines = [*_labelled("error: ", _headline(diagnosis, vendor), width, paint("error:", colour, "failed"))]
    if best is not None:
        lines += _findings(best.findings, width)
    else:
        lines += _labelled("  next: ", f"{SUSPECT_KEY if diagnosis.suspect else NEXT}.", width)
    right = "right for what was sent" if best is not None and _is_sending(best) else "the right signature"
    if diagnosis.expected == signature:
        lines += ["", *_signatures([("the signature", signature, "accepted")], width, colour), ""]
    else:
        rows = [("the refused signature", diagnosis.expected, "failed"), (right, signature, "accepted")]
        lines += ["", *_signatures(rows, width, colour), ""]
    lines += _strings(best, strings, width, colour)
    if best is None:
        tried = f"{'; '.join(diagnosis.families)}: alone and in pairs, {diagnosis.tried} combinations"
        lines += ["", *_labelled("  tried: ", tried + (", not all." if diagnosis.cut else "."), width)]
    elif others:
        lines += ["", *_labelled("  ", "or else, for the value cannot tell which is true:", width)]
        for other in others[:_MOST_OTHERS]:
            lines += _labelled("  - ", " ".join(f"{each.sentence} {each.fix}" for each in other.findings), width)
        if len(others) > _MOST_OTHERS:
            lines.append(f"  and {len(others) - _MOST_OTHERS} more: -o json")
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _headline(diagnosis: Diagnosis, vendor: str) -> str:
    """Return the verdict in one sentence."""
    if not diagnosis.explanations:
        return f"the signature does not match ({vendor}), and no known mistake explains it"
    if _is_sending(diagnosis.explanations[0]):
        return f"the signature is right for what was meant, but something else was sent ({vendor})"
    return f"the signature does not match ({vendor})"


def _is_sending(explanation: Explanation) -> bool:
    return all(finding.kind == "sending" for finding in explanation.findings)


def _labelled(label: str, text: str, width: int, painted: str = "") -> Iterator[str]:
    """Give a text behind a label, its further lines indented; ``painted`` is the word of the label in colour."""
    indent = " " * len(label) if label.startswith(" ") else "  "
    first, *more = wrap(label + text, width)
    yield first.replace(label.rstrip(), painted, 1) if painted else first
    for line in wrap(" ".join(more), width - len(indent)) if more else ():
        yield f"{indent}{line}"


def _findings(findings: Sequence[Finding], width: int) -> Iterator[str]:
    fixes: dict[str, None] = {}
    for finding in findings:
        yield from _labelled("  cause: ", visible(finding.sentence), width)
        fixes[finding.fix] = None
    for fix in fixes:
        yield from _labelled("  fix:   ", visible(fix), width)


def _signatures(rows: Sequence[tuple[str, str, str]], width: int, colour: int) -> Iterator[str]:
    longest = max(len(label) for label, *_ in rows)
    for label, value, meaning in rows:
        if longest + 4 + len(value) <= width:
            yield f"  {label:<{longest}}  {paint(visible(value), colour, meaning)}"
        else:
            yield from (f"  {label}", f"    {paint(visible(value), colour, meaning)}")


# --- the two strings -------------------------------------------------------------------------------------------------


def _strings(best: Explanation | None, strings: Strings, width: int, colour: int) -> Iterator[str]:
    if best is None:
        yield from _whole("right", strings.right, width, colour)
        yield from _legend(strings.right, (), width)
        return
    wrong, right = best.string, strings.right
    if wrong == right:
        if _is_sending(best):
            yield from _line("hashed", right, [], 0, width, colour, "accepted", "")
            yield from _legend(right, (), width)
            return
        keyed = any(finding.name.startswith("key") for finding in best.findings) and MASK in right
        at = right.rfind(MASK)
        span = [(at, at + len(MASK))] if keyed else []
        yield from _line("both", right, span, max(at, 0) if keyed else 0, width, colour, "failed", "the key")
        if not keyed:
            yield from _labelled("  ", "The string is right; what was made of it is not.", width)
        yield from _legend(right, (), width)
        return
    gone, come = _whole_value(*_differences(wrong, right), strings.places)
    first = min((span[0] for span in gone), default=0)
    touched = _touched(strings.places, come)
    about = [name for name, *_ in strings.places if best.findings[0].sentence.startswith((f"{name} ", f"{name}:"))]
    named = ", ".join(about[:1] or touched[:3])
    labels = ("meant", "sent") if _is_sending(best) else ("signed", "right")
    yield from _line(labels[0], wrong, gone, first, width, colour, "failed", "" if come else named)
    yield from _line(labels[1], right, come, first, width, colour, "accepted", named)
    marked = "".join([*(wrong[a:b] for a, b in gone), *(right[a:b] for a, b in come)])
    alike = (one for one in dict.fromkeys(marked) if unicodedata.combining(one) or _looks_alike(one, marked))
    yield from _legend(wrong + right, alike, width)


def _differences(wrong: str, right: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return what is in the one string and not in the other, as places: of the wrong one, then of the right one."""
    gone: list[tuple[int, int]] = []
    come: list[tuple[int, int]] = []
    here = there = 0
    for one, other in lay_over(wrong, right, _LONGEST_MIDDLE, _CHANCE)[0]:
        if one != other:
            gone.append((here, here + len(one)))
            come.append((there, there + len(other)))
        here, there = here + len(one), there + len(other)
    return gone, come


def _whole_value(
    gone: list[tuple[int, int]], come: list[tuple[int, int]], places: Iterable[tuple[str, int, int]]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Widen a lone difference inside a short value to the value, which is what a reader compares."""
    if len(come) == 1:
        (a, b), (c, d) = gone[0], come[0]
        for _, begin, end in places:
            if begin <= c < d <= end and end - begin <= _SHORT_VALUE:
                return [(a - (c - begin), b + end - d)], [(begin, end)]
    return gone, come


def _touched(places: Iterable[tuple[str, int, int]], spans: Sequence[tuple[int, int]]) -> list[str]:
    return [
        visible(name)
        for name, begin, end in places
        if any((a < end and b > begin) or begin <= a == b <= end for a, b in spans)
    ]


def _glyph(character: str, *, apart: bool) -> str:
    """Return what stands for a character; ``apart`` shows a combining mark by itself."""
    if character in _GLYPHS:
        return _GLYPHS[character]
    unseen = not character.isprintable() or (apart and unicodedata.combining(character))
    return f"<{_SHORT.get(character, f'U+{ord(character):04X}')}>" if unseen else character


def _whole(label: str, text: str, width: int, colour: int) -> Iterator[str]:
    """Give a string that is to be read through on as many lines as it takes, if it is no longer than messages are."""
    room, line = max(width - 10, 12), ""
    for place, glyph in enumerate([_glyph(one, apart=False) for one in text[:_LONGEST_WHOLE]]):
        if place and cell_width(line + glyph) > room:
            yield f"  {label:<6}  {paint(line, colour, 'accepted')}"
            label, line = "", ""
        line += glyph
    yield f"  {label:<6}  {paint(line, colour, 'accepted')}{'…' if len(text) > _LONGEST_WHOLE else ''}"


def _line(
    label: str,
    text: str,
    spans: Sequence[tuple[int, int]],
    first: int,
    width: int,
    colour: int,
    meaning: str,
    name: str,
) -> Iterator[str]:
    """Give a string around its first difference, and the marks below it."""
    room = max(width - 10, 12)
    glyphs = [_glyph(one, apart=any(a <= index < b for a, b in spans)) for index, one in enumerate(text)]
    start = 0
    if sum(map(cell_width, glyphs)) > room:
        start = max(0, first - room // 3)
    shown, marks, left = ["…"] if start else [], [" "] if start else [], room - bool(start)
    index = start
    for index in range(start, len(glyphs) + 1):
        inside = [(a, b) for a, b in spans if a <= index < b or (a == b == index)]
        if index == len(glyphs):
            marks += ["^"] if inside else []
            break
        cells = cell_width(glyphs[index])
        if cells > left - (index + 1 < len(glyphs)):
            shown.append("…")
            break
        left -= cells
        whole = any(b > a for a, b in inside)
        shown.append(paint(glyphs[index], colour, meaning) if whole else glyphs[index])
        # What is missing here has no width: one caret points to where it was.
        marks.append("^" * cells if whole else ("^" if inside else " ").ljust(cells))
    yield f"  {label:<6}  {''.join(shown)}"
    caret = "".join(marks).rstrip()
    if caret:
        before = len(caret) - len(caret.lstrip()) - len(name) - 1
        if not name or len(caret) + len(name) + 1 <= room:
            yield f"          {_painted(caret, colour, meaning)}{name and ' '}{name}"
        elif before >= 0:
            yield f"          {' ' * before}{name} {paint(caret.lstrip(), colour, meaning)}"
        else:
            yield f"          {_painted(caret, colour, meaning)}"
            yield from _labelled(" " * 10, name, width)


def _painted(marks: str, colour: int, meaning: str) -> str:
    """Return carets in colour, the blanks before them without."""
    blanks = len(marks) - len(marks.lstrip())
    return marks[:blanks] + paint(marks[blanks:], colour, meaning)


def _legend(text: str, marked: Iterable[str], width: int) -> Iterator[str]:
    """Give what the glyphs stand for, and the names of letters that look like others."""
    unseen = [one for one in dict.fromkeys(text) if one in _GLYPHS or not one.isprintable()]
    named = [one for one in marked if not one.isascii() and one not in unseen]
    words = [
        f"{_glyph(one, apart=True)} is {_named(one)}" for one in islice((*unseen, *named), _MOST_NAMED + len(unseen))
    ]
    if words:
        yield from _labelled("  ", "; ".join(words), width)


def _looks_alike(letter: str, marked: str) -> bool:
    twin = latin_twin(letter)
    return twin is not None and twin in marked


def _named(character: str) -> str:
    code = f"U+{ord(character):04X}"
    if character in _NAMES:
        return _NAMES[character] if ord(character) < 128 else f"{code} {_NAMES[character]}"
    return f"{code} {unicodedata.name(character, 'without a name').lower()}"

"""What the expected value may be: hex, or hex written in a wrong form. The mistakes of writing stand here.

A form is told from the value alone, before any recipe is tried; what is no form of a signature is refused here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from smscli.diagnosis._findings import Finding
from smscli.diagnosis._recipe import HEX_LENGTHS
from smscli.errors import InputError
from smscli.providers import Provider

_SHORTEST_CUT = 16
"""Hex characters. Fewer would match by chance: 200 000 tries against 16**8 values are one in 20 000."""


class Form(NamedTuple):
    """One reading of the expected value: the hex to look for, and the mistake in its form, if it is one."""

    target: str
    findings: tuple[Finding, ...] = ()
    cut: bool = False
    spell: Callable[[str], str] | None = None

    @property
    def plain(self) -> bool:
        """Whether the value is written as it should be."""
        return not self.findings

    def fits(self, outcome: str) -> bool:
        """Tell whether the target stands in the outcome as this form says."""
        if self.spell is not None:
            return self.spell(outcome) == self.target
        return self.target in outcome and (len(self.target) < len(outcome)) is self.cut


_AROUND = "\"' \t\r\n"
_NUMBERS = r"\[?-?[0-9]{1,3}(?:[, ] ?-?[0-9]{1,3}){15,31}\]?"


def clean(expected: str) -> str:
    """Return a typed value without the white space and quotes that copying brings along."""
    bare = expected.strip(_AROUND)
    return bare if re.fullmatch(_NUMBERS, bare) else re.sub(r"\s+", "", expected).strip("\"'")


def _bare(expected: str) -> tuple[str, Finding]:
    """Return a value without what stood around it, and the finding for that."""
    for pattern, finding in ((_COLUMN, _FILE_COLUMN), (_WORDS, _OPENSSL_WORDS)):
        if match := re.fullmatch(pattern, expected.strip(_AROUND)):
            return match[1], finding
    return clean(expected), _SURROUNDED


def forms(expected: str, signature: str, provider: Provider) -> list[Form]:
    """Return every reading of the value as it was sent; raise InputError when it cannot be a signature, with why."""
    bare, beside = _bare(expected)
    if bare != expected:
        return [form._replace(findings=(beside, *form.findings)) for form in forms(bare, signature, provider)]
    lengths = sorted({*HEX_LENGTHS.values(), len(signature)})
    title, own = provider.title, len(signature)
    compact = expected.replace("-", "").replace(":", "")
    if not re.fullmatch(r"[0-9a-fA-F]+", compact):
        readings = _encoded(expected, lengths)
        if not readings:
            raise InputError(
                f"the expected value is not a signature of {title}: neither hex nor the base64 of a digest",
                hint=f"{title}'s signature is {own} characters of 0-9 and a-f",
            )
        return readings
    hexadecimal = compact.lower()
    findings: tuple[Finding, ...] = ()
    if compact != expected:
        findings = (Finding("punctuated", "The hex digits were written with dashes or colons.", "Write hex alone."),)
    elif hexadecimal != expected:
        findings = (Finding("upper-case", "The hex was written in capital letters.", "Write the hex in lower case."),)
    if len(compact) in lengths:
        readings = [Form(hexadecimal, findings)]
    elif _SHORTEST_CUT <= len(compact) < own:
        readings = [Form(hexadecimal, (_ZEROS,), spell=spell) for spell in (loose, _without_leading_zeros)]
    elif own < len(compact) <= 4 * own and "ffffff" in hexadecimal:
        readings = [Form(hexadecimal, (_SIGNED,), spell=sign_extended)]
    else:
        short = " (too short to be told from chance)" if len(compact) < _SHORTEST_CUT else ""
        raise InputError(
            f"the expected value is not a signature of {title}: it has {len(compact)} characters{short}",
            hint=f"{title}'s signature is {own} characters of 0-9 and a-f",
        )
    return readings if findings else [*readings, *_otherwise(hexadecimal, lengths)]


def _otherwise(hexadecimal: str, lengths: Sequence[int]) -> Iterator[Form]:
    """Yield what hex that is written as it should be may be besides."""
    count = len(hexadecimal)
    if count < lengths[-1]:
        cut = Finding("truncated", f"Only {count} characters of the signature were kept.", "Keep the whole digest.")
        yield Form(hexadecimal, (cut,), cut=True)
    if count in lengths:
        yield Form(re.sub("(.)(.)", r"\2\1", hexadecimal), (_SWAPPED,))


_COLUMN = r"\\?([0-9a-fA-F]{32,128})(?:\s+\*?(?:-|stdin|\S*[./]\S*)|\*?-|\*stdin)"  # typed ones have lost their spaces
_WORDS = r"[\w-]*\s?\([^()]{0,200}\)\s?=\s?([0-9a-fA-F]{32,128})"
_ALONE = "Send the digest alone (shell: md5sum | cut -d' ' -f1; openssl dgst -r | cut -d' ' -f1)."
_FILE_COLUMN = Finding("file-column", "The file column of md5sum or sha1sum stood behind the signature.", _ALONE)
_OPENSSL_WORDS = Finding("file-column", "The words of openssl dgst stood before the signature.", _ALONE)
_SURROUNDED = Finding(
    "surrounded",
    "A line feed, blanks or quotes stood around the signature, or in it.",
    "Send the digest alone (shell: cut -d' ' -f1, printf %s; Perl: chomp; Python: strip; JSON: no second encoding).",
)
_PRINTED = Finding(
    "bytes-printed",
    "The bytes of the digest were printed as numbers, not written in hex.",
    "Write the digest in hex (Go: hex.EncodeToString; Java: HexFormat.of().formatHex; Python: hexdigest()).",
)
_ZEROS = Finding(
    "zeros-dropped",
    "The zeros in front of small bytes were dropped as the digest was written in hex.",
    'Write every byte as two digits (Java: HexFormat.of().formatHex, String.format("%02x"); JavaScript: '
    "padStart(2, '0')).",
)
_SIGNED = Finding(
    "bytes-signed",
    "Bytes above 127 were written as negative numbers (ffffff8a) in hex.",
    "Write every byte as two digits (Java: Integer.toHexString(b & 0xff) with its zero, or HexFormat).",
)
_SWAPPED = Finding(
    "nibbles-swapped",
    "The two digits of each byte were swapped as the digest was written in hex.",
    'Write the high half of each byte first (Perl: unpack "H*", not "h*"; PHP: bin2hex).',
)


def loose(outcome: str) -> str:
    """Return hex without the zeros in front of small bytes."""
    return "".join(f"{byte:x}" for byte in bytes.fromhex(outcome))


def _without_leading_zeros(outcome: str) -> str:
    return outcome.lstrip("0")


def sign_extended(outcome: str) -> str:
    """Return hex as of signed bytes, those above 127 negative numbers of 32 bits."""
    return "".join(f"ffffff{byte:x}" if byte > 127 else f"{byte:x}" for byte in bytes.fromhex(outcome))


def _encoded(expected: str, lengths: Sequence[int]) -> list[Form]:
    if re.fullmatch(_NUMBERS, expected):
        digest = "".join(f"{int(number) & 0xFF:02x}" for number in re.findall("-?[0-9]+", expected))
        return [Form(digest, (_PRINTED,))] if len(digest) in lengths else []
    text = unquote(expected).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return []
    fix = "Send the digest as lower-case hex."
    if len(decoded) in lengths and re.fullmatch(rb"[0-9a-f]+", decoded):
        finding = Finding("base64-of-hex", "The hex text of the digest was encoded in base64 once more.", fix)
        return [Form(decoded.decode(), (finding,))]
    if len(decoded) * 2 in lengths:
        finding = Finding("base64", "The raw digest was written in base64, not in hex.", fix)
        return [Form(decoded.hex(), (finding,))]
    return []


def outcome_lengths(readings: Iterable[Form]) -> frozenset[int]:
    """Return how long an outcome can be that one of these forms fits."""
    if any(form.spell for form in readings):
        return frozenset(HEX_LENGTHS.values())
    exact = {len(form.target) for form in readings if not form.cut}
    longer = {length for form in readings if form.cut for length in HEX_LENGTHS.values() if length > len(form.target)}
    return frozenset(exact | longer)

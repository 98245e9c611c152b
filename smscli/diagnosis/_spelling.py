"""Mistakes in the spelling of values: escapes, Unicode forms, white space, and what languages print for a value."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable
from functools import partial
from html.entities import codepoint2name
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from smscli.diagnosis._mistake import Mistake, Stage
from smscli.diagnosis._respelling import EIGHT_BIT, PERCENT, Spelling, html_safe, respelled


def _spelled(
    name: str, sentence: str, fix: str, *spellings: tuple[str, Spelling], alternatives: bool = True
) -> Mistake:
    return Mistake(name, Stage.VALUES, sentence, fix, respelled(spellings, alternatives=alternatives))


# --- functions that several rows below need --------------------------------------------------------------------------


def _twice(spell: Spelling) -> Spelling:
    return lambda text: spell(spell(text))


def _percent_in(charset: str, encode: Callable[..., str]) -> Spelling:
    return lambda text: text if text.isascii() else encode(text, encoding=charset, errors="replace")


_FULL = (partial(quote, safe=""), quote_plus, partial(quote_plus, safe="*"))


def _line_ends(end: str) -> Spelling:
    return lambda text: re.sub("\r\n|\r|\n", lambda _: end, text)  # a function: a template reads escapes


def _html_entities(text: str) -> str:
    names = {chr(code): f"&{name};" for code, name in codepoint2name.items() if code > 127}
    return "".join(names.get(character, character) for character in html.escape(text).replace("&#x27;", "&#039;"))


def _quoted_json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _mojibake(charset: str) -> Spelling:
    return lambda text: text.encode().decode(charset, "replace")


def _dumped(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return re.sub(r"[^\x00-\x7f]", lambda match: f"\\u{ord(match[0]):04X}", quoted).replace("#", "\\#")


def _word(value: str, word: str) -> tuple[str, Spelling]:
    return word, lambda text: word if text == value else text


_PADDED = "{0}: signed with {1}, but sent without."
_UNPADDED = "Trim before both signing and sending; files, shells and forms append line ends and blanks."

# --- the mistakes, most likely first ---------------------------------------------------------------------------------

SPELLING = (
    _spelled(
        "percent-encoded",
        "{0}: percent-encoded before signing (as by {1}).",
        "{values}; {encoding}.",
        *PERCENT.items(),
        ("a replacement of spaces", lambda text: text.replace(" ", "%20")),
    ),
    _spelled(
        "percent-encoded-twice",
        "{0}: percent-encoded twice before signing (as by {1}).",
        "{values}; the HTTP library encodes them once, on its own.",
        *((library, _twice(encode)) for library, encode in PERCENT.items()),
    ),
    _spelled(
        "percent-encoded-charset",
        "{0}: encoded in {1} and percent-encoded before signing.",
        "{values}, in UTF-8.",
        *((charset, _percent_in(charset, encode)) for charset in EIGHT_BIT for encode in (quote, quote_plus)),
    ),
    _spelled(
        "percent-encoded-charset",
        "{0}: encoded in {1} and percent-encoded before signing.",
        "{values}, in UTF-8.",
        *((charset, partial(encode, encoding=charset, errors="replace")) for charset in EIGHT_BIT for encode in _FULL),
    )._replace(alone=True),
    _spelled(
        "space-for-plus",
        "{0}: a space instead of + in the string that was signed.",
        "Sign the + itself, and send it as %2B.",
        ("", lambda text: text.replace("+", " ")),
    ),
    _spelled(
        "percent-decoded",
        "{0}: percent-decoded before signing, though it is sent with these characters.",
        "Sign the value as it is meant; decode nothing that was not encoded.",
        ("unquote", unquote),
        ("unquote_plus", unquote_plus),
    ),
    _spelled(
        "plus-for-space",
        "{0}: + instead of a space in the string that was signed.",
        "Sign the space itself; + stands for it in URLs and forms only.",
        ("", lambda text: text.replace(" ", "+")),
    ),
    _spelled(
        "nfd",
        "{0}: letters taken apart into base and accent (Unicode NFD) before signing.",
        "Sign and send the same Unicode form; NFC is what keyboards produce.",
        ("", partial(unicodedata.normalize, "NFD")),
    ),
    _spelled(
        "nfc",
        "{0}: letters composed (Unicode NFC) before signing, though sent decomposed.",
        "Normalise once, before both signing and sending.",
        ("", partial(unicodedata.normalize, "NFC")),
    ),
    _spelled(
        "trimmed",
        "{0}: white space at its ends cut off before signing ({1}).",
        "Trim before both signing and sending, or not at all.",
        ("both ends", str.strip),
        ("the end", str.rstrip),
        ("the line end", lambda text: text.rstrip("\r\n")),
    ),
    _spelled(
        "line-ends",
        "{0}: other line ends than those sent ({1}).",
        "Sign the text with exactly the line ends that are sent; HTML forms turn LF into CRLF.",
        ("CRLF", _line_ends("\r\n")),
        ("LF", _line_ends("\n")),
        ("CR", _line_ends("\r")),
        ("a space", _line_ends(" ")),
        ("none", _line_ends("")),
        ("backslash and n", _line_ends("\\n")),
        ("<br>", _line_ends("<br>\n")),
        ("<br />", _line_ends("<br />\n")),
        ("<br> alone", _line_ends("<br>")),
        ("LF for backslash and n", lambda text: text.replace("\\n", "\n")),
    ),
    _spelled(
        "trimmed",
        "{0}: white space was thrown together before signing ({1}).",
        'Quote variables in a shell ("$text"), and change the text before both signing and sending, or not at all.',
        ("each run of it one blank", lambda text: re.sub(r"[ \t-\r]+", " ", text).strip(" ")),
        ("each run of blanks one", lambda text: re.sub(" +", " ", text).strip(" ")),
        ("none left", lambda text: re.sub(r"[ \t-\r]+", "", text)),
    )._replace(alone=True),
    _spelled(
        "padded",
        _PADDED,
        _UNPADDED,
        ("a line feed behind it", "{}\n".format),
        ("CRLF behind it", "{}\r\n".format),
        ("a space behind it", "{} ".format),
    ),
    _spelled(
        "padded",
        _PADDED,
        _UNPADDED,
        ("a space on both sides", " {} ".format),
        ("a space before it", " {}".format),
        ("a tab behind it", "{}\t".format),
        ("a line feed before it", "\n{}".format),
    )._replace(alone=True),
    _spelled(
        "html-escaped",
        "{0}: HTML-escaped before signing.",
        "Sign the plain text; &amp; belongs to HTML only.",
        ("&, <, >", partial(html.escape, quote=False)),
        ("&, <, > and quotes", html.escape),
        ("PHP's htmlspecialchars", lambda text: html.escape(text).replace("&#x27;", "&#039;")),
        ("PHP's htmlentities", _html_entities),
        ("Jinja and Django", lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")),
        ("&", lambda text: text.replace("&", "&amp;")),
        (
            "PHP's FILTER_SANITIZE_SPECIAL_CHARS",
            lambda text: re.sub("[&<>\"'\x00-\x1f]", lambda m: f"&#{ord(m[0])};", text),
        ),
        ("&, <, > and double quotes", lambda text: html.escape(text, quote=False).replace('"', "&quot;")),
        ("Ruby's escapeHTML", lambda text: html.escape(text).replace("&#x27;", "&#39;")),
        ("numeric entities", lambda text: text.encode("ascii", "xmlcharrefreplace").decode()),
    ),
    _spelled(
        "html-unescaped",
        "{0}: HTML entities turned into characters before signing.",
        "Sign the value that is sent.",
        ("", html.unescape),
    ),
    _spelled(
        "backslashed",
        "{0}: escaped as {1} before signing.",
        "Sign the plain text; escapes belong to JSON and source code.",
        ("JSON", _quoted_json),
        ("PHP's json_encode", lambda text: _quoted_json(text).replace("/", "\\/")),
        ("JSON in UTF-8", lambda text: json.dumps(text, ensure_ascii=False)[1:-1]),
        ("bash's printf %q", lambda text: re.sub(r"([^\w@%+=:,./-])", r"\\\1", text)),
        ("PHP's addslashes", lambda text: re.sub(r"([\\'\"])", r"\\\1", text)),
    ),
    _spelled(
        "quoted",
        "{0}: signed with {1} quotes around it.",
        "Take the quotes off; a shell or .env file left them there.",
        ("double", '"{}"'.format),
        ("single", "'{}'".format),
        ("JSON's double", lambda text: json.dumps(text, ensure_ascii=False)),
        ("JSON's or Go's double, in ASCII", json.dumps),
        ("Ruby's double, in ASCII", _dumped),
        ("Go's JSON double", lambda text: html_safe(json.dumps(text, ensure_ascii=False))),
        ("PHP's single", lambda text: "'" + re.sub(r"([\\'])", r"\\\1", text) + "'"),
        ("a shell's single", lambda text: "'" + text.replace("'", "'\\''") + "'"),
    ),
    _spelled(
        "letter-case",
        "{0}: letters changed to {1} before signing.",
        "Sign the value with the letters that are sent.",
        ("lower case", str.lower),
        ("upper case", str.upper),
        ("Turkish lower case", lambda text: text.replace("I", "ı").replace("İ", "i").lower()),
        ("Turkish upper case", lambda text: text.replace("i", "İ").replace("ı", "I").upper()),
        ("i for the Turkish ı", lambda text: text.replace("ı", "i").replace("İ", "I")),
        ("the other case each", str.swapcase),
        ("small ASCII letters", lambda text: re.sub("[A-Z]+", lambda m: m[0].lower(), text)),
        ("capital ASCII letters", lambda text: re.sub("[a-z]+", lambda m: m[0].upper(), text)),
        ("a first capital", lambda text: text[:1].upper() + text[1:].lower()),
        ("a first capital", lambda text: text[:1].upper() + text[1:]),
        alternatives=False,
    ),
    _spelled(
        "utf-8-twice",
        "{0}: UTF-8 bytes taken for {1} and encoded once more.",
        "Encode once; the text was UTF-8 already.",
        *((charset, _mojibake(charset)) for charset in ("latin-1", "windows-1252", "windows-1251")),
    ),
    _spelled(
        "empty-as-word",
        "{0}: nothing was signed as the word {1}.",
        "An absent value is left out of the request and the string, or is an empty string in both.",
        *(_word("", word) for word in ("null", "None", "nil", "undefined", "false", "False", "0", "NULL")),
    ),
    _spelled(
        "boolean-as-word",
        "{0}: signed as the word {1}.",
        "Turn truth values into the text that is sent before signing.",
        *(_word("1", word) for word in ("true", "True", "TRUE")),
        *(_word("0", word) for word in ("false", "False", "FALSE", "")),
        *(_word(word, "1") for word in ("true", "True")),
        *(_word(word, "0") for word in ("false", "False")),
    ),
)

"""The answer as a person sees it: verdict, fix, both strings with their difference, at every width."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from smscli.cli import verdict
from smscli.diagnosis import Diagnosis, Explanation, Finding
from smscli.model import Pairs
from tests.conftest import Ran

KEY = "your_api_key_here"


def md5(text: str) -> str:
    """MD5 of UTF-8."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture
def answer(smscli: Callable[..., Ran]) -> Callable[..., list[str]]:
    """Return the lines that a terminal shows when a LightSMS signature over ``pairs`` is held against another."""

    def call(pairs: Pairs, wrong: str, *options: str, width: int = 80, **environ: str) -> list[str]:
        environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_API_KEY": KEY, "COLUMNS": str(width), **environ}
        words = [f"{name}={value}" for name, value in pairs]
        return smscli("sign", *words, "--expect", wrong, "-o", "table", *options, environ=environ).out.splitlines()

    return call


ME = ("login", "me")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_verdict_then_fix_then_the_strings(answer: Callable[..., list[str]], width: int) -> None:
    """In this order, nothing broken, no line wider than the terminal, the carets below the value that differs."""
    lines = answer((ME, ("text", "naive")), md5(f"menaïve{KEY}".replace("ï", "i") + " "), width=width)
    text = "\n".join(lines)
    order = ["error:", "cause:", "fix:", "the refused signature", "the right signature"]
    assert [text.index(one) for one in order] == sorted(text.index(one) for one in order)
    assert max(map(len, lines)) <= width


def test_the_difference_is_marked_and_named(answer: Callable[..., list[str]]) -> None:
    """Whole values are marked, each below its own string, with the name of the parameter."""
    lines = answer((ME, ("text", "Hello")), md5(f"mehello{KEY}"))
    at = next(index for index, line in enumerate(lines) if line.startswith("  signed"))
    assert lines[at : at + 4] == [
        "  signed  mehello***",
        "            ^^^^^",
        "  right   meHello***",
        "            ^^^^^ text",
    ]


@pytest.mark.parametrize(
    ("sent", "signed", "drawn", "named"),
    [
        ("a\u00a0b", "a b", "mea<NBSP>b***", "<NBSP> is U+00A0 no-break space"),
        ("a\nb", "a\r\nb", "mea⏎b***", "⏎ is a line feed"),
        ("a\u200bb", "ab", "mea<ZWSP>b***", "<ZWSP> is U+200B zero width space"),
        ("\ufeffab", "ab", "me<BOM>ab***", "<BOM> is U+FEFF a byte order mark"),
        ("café", "cafe\u0301", "mecafé***", "<U+0301> is U+0301 combining acute accent"),
        ("р1", "p1", "meр1***", "р is U+0440 cyrillic small letter er"),
        ("two words", "two+words", "metwo·words***", "· is a space"),
    ],
)  # fmt: skip
def test_what_cannot_be_seen_is_drawn_and_named(
    answer: Callable[..., list[str]], sent: str, signed: str, drawn: str, named: str
) -> None:
    """Spaces, line ends, invisible and combining characters, and letters that look like others."""
    text = "\n".join(answer((ME, ("text", sent)), md5(f"me{signed}{KEY}"), width=120))
    assert f"  right   {drawn}" in text
    assert named in text


def test_a_long_string_is_shown_around_its_difference(answer: Callable[..., list[str]]) -> None:
    """Both begin at the same place, and say with … that there is more."""
    text = "x" * 200 + "A" + "y" * 200
    lines = answer((ME, ("text", text)), md5(f"me{'x' * 200}a{'y' * 200}{KEY}"), width=60)
    signed, carets, right, _ = lines[next(i for i, line in enumerate(lines) if line.startswith("  signed")) :][:4]
    assert signed.index("a") == carets.index("^") == right.index("A")
    assert all(line.count("…") == 2 and len(line) <= 60 for line in (signed.partition("signed")[2], right[8:]))


def test_far_apart_differences_of_long_strings_are_one(answer: Callable[..., list[str]]) -> None:
    """Two strings that share little are not compared letter by letter."""
    lines = answer((ME, ("text", "жhello" * 100)), md5(f"me{'%D0%B6hello' * 100}{KEY}"))
    carets = [line.removesuffix(" text").strip() for line in lines if "^" in line]
    assert len(carets) == 2
    assert all(set(each) == {"^"} for each in carets), carets


def test_the_same_string_points_to_the_key_or_the_digest(answer: Callable[..., list[str]]) -> None:
    """Where the strings do not differ, what differs is said."""
    keyed = answer((ME,), md5(f"me{KEY.upper()}"))
    at = next(index for index, line in enumerate(keyed) if line.startswith("  both"))
    assert keyed[at : at + 2] == ["  both    me***", "            ^^^ the key"]
    digest = "\n".join(answer((ME,), hashlib.sha1(f"me{KEY}".encode(), usedforsecurity=False).hexdigest()))
    assert "The string is right; what was made of it is not." in digest


def test_nothing_found_says_what_to_do_next(answer: Callable[..., list[str]]) -> None:
    """The key is suspected where the string leaves no choice; what was tried is told in words."""
    text = " ".join(" ".join(answer((ME,), "0" * 32)).split())
    assert "no known mistake explains it" in text
    assert "suspect the key" in text
    assert "tried: parameters left out" in text
    assert "wrong-digest" not in text
    assert "compare the right string" in " ".join(" ".join(answer((ME, ("text", "a b")), "0" * 32)).split())


def test_further_explanations_come_last_and_are_few(answer: Callable[..., list[str]]) -> None:
    """Three at most; the rest is counted."""
    lines = answer((*((name, "7") for name in "abcdef"),), md5(f"77777{KEY}"))
    at = next(index for index, line in enumerate(lines) if "or else" in line)
    assert sum(line.startswith("  - ") for line in lines[at:]) == 3
    assert lines[-1] == "  and 2 more: -o json"


def test_every_stage_follows_where_it_was_asked_for(answer: Callable[..., list[str]]) -> None:
    """--explain: the drawing, then the table of stages."""
    lines = answer((ME,), md5(f"me{KEY} "), "--explain", width=100)
    assert lines[0].startswith("error:")
    assert any("joined values" in line for line in lines)


def test_colours_mark_the_same_places(answer: Callable[..., list[str]]) -> None:
    """On a terminal with colours the words and carets are the same ones."""
    pairs, wrong = (ME, ("text", "Hello")), md5(f"mehello{KEY}")
    painted = answer(pairs, wrong, FORCE_COLOR="1")
    assert any("\x1b[" in line for line in painted)
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in painted] == answer(pairs, wrong)


def test_a_damaged_request_is_no_wrong_signature() -> None:
    """The verdict says that the signature is right and the sending is not."""
    finding = Finding("plus-unescaped", "text: + was sent as it is.", "Write %2B.", "sending")
    diagnosis = Diagnosis(False, "0" * 32, (Explanation((finding,), "a+b***", "a+b***"),), 1, False, ())
    text = verdict.draw(diagnosis, "lightsms", "1" * 32, verdict.Strings("a b***", (("text", 0, 3),)), 80, 0)
    whole = " ".join(text.split())
    assert whole.startswith("error: the signature is right for what was meant, but something else was sent (lightsms)")
    assert "right for what was sent 1111" in whole
    assert "meant a+b*** ^^^ sent a·b*** ^^^ text" in whole


def test_of_a_right_signature_that_is_refused_one_string_is_drawn() -> None:
    """There is nothing to compare: signature and string are right."""
    finding = Finding("wire-charset", "text: sent in another charset.", "Send UTF-8.", "sending")
    diagnosis = Diagnosis(False, "1" * 32, (Explanation((finding,), "a b***", "a b***"),), 1, False, ())
    text = verdict.draw(diagnosis, "lightsms", "1" * 32, verdict.Strings("a b***", (("text", 0, 3),)), 80, 0)
    whole = " ".join(text.split())
    assert f"the signature {'1' * 32} hashed a·b***" in whole
    assert "refused" not in whole
    assert "^" not in whole


@pytest.mark.parametrize(
    ("text", "wrong", "below"),
    [
        ("Hello there, dear world of words", "hello there, dear world of words", "            ^ message"),
        ("a long text of some word ", "a long text of some word", " " * 28 + "message ^"),
        ("a long text of words ", "a long text of words", " " * 10 + "message"),
    ],
)
def test_the_name_of_what_differs_is_said_where_it_has_room(
    answer: Callable[..., list[str]], text: str, wrong: str, below: str
) -> None:
    """Behind the marks, before them, or below."""
    lines = answer((ME, ("message", text)), md5(f"me{wrong}{KEY}"), width=40)
    assert below in lines, lines
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("width", [40, 80])
def test_a_string_that_nothing_explains_is_shown_whole(answer: Callable[..., list[str]], width: int) -> None:
    """It is what there is to compare; what to do next is said once."""
    text = " ".join("words and more of them" for _ in range(9))
    lines = answer((ME, ("text", text)), "0" * 32, width=width)
    start = next(index for index, line in enumerate(lines) if line.startswith("  right "))
    shown = "".join(line[10:] for line in lines[start : lines.index("", start)] if not line.startswith("  · "))
    assert shown == f"me{text}***".replace(" ", "·")
    assert max(map(len, lines)) <= width


def test_what_to_do_next_is_said_once(smscli: Callable[..., Ran]) -> None:
    """In the drawing, or as the hint of the error where nothing is drawn."""
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_API_KEY": KEY}
    for output in ("table", "plain"):
        ran = smscli("sign", "login=a b", "--expect", "0" * 32, "-o", output, environ=environ)
        assert " ".join((ran.out + ran.err).split()).count("compare the right string") == 1


def test_an_older_key_is_tried(smscli: Callable[..., Ran], tmp_path: Path) -> None:
    """--also-key-file names a rotated key, and never shows it."""
    old = tmp_path / "old"
    old.touch(mode=0o600)
    old.write_text("key-before-rotation\n")
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_API_KEY": KEY}
    ran = smscli(
        "sign", "login=me", "--expect", md5("mekey-before-rotation"), "--also-key-file", str(old), environ=environ
    )
    assert ran.code == 4
    assert f"The key was that of {old}." in ran.out
    assert "key-before-rotation" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("s\u0435cret", "Cyrillic letters among Latin ones"),
        ("s\u03bfcret", "Greek letters among Latin ones"),
        ("secret\u00a0", "white space at its beginning or end"),
        ("ключ", "characters beyond ASCII"),
        ("secret", None),
    ],
)
def test_a_key_with_look_alikes_is_warned_of(smscli: Callable[..., Ran], key: str, words: str | None) -> None:
    """When it signs, without a character of it."""
    environ = {"SMSCLI_PROVIDER": "lightsms", "SMSCLI_API_KEY": key, "SMSCLI_LOGIN": "me"}
    err = smscli("sign", "login=me", environ=environ).err
    assert (f"warning: the key holds {words}" in err) if words else ("warning" not in err)
    assert key not in err

"""``smscli count``, the same facts in a dry run, and the options that change a text before it is signed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import Ran, on_a_terminal

Run = Callable[..., Ran]

TO = "+37061234567"
DEAR = "It’s done – see you at 5 " + "abc " * 30
CYRILLIC = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 3


@pytest.fixture
def count(smscli: Run) -> Callable[..., Any]:
    """Count, and give back the facts."""
    return lambda *argv, **world: smscli("count", "-o", "json", *argv, **world).json["data"]


def signed_text(ran: Ran) -> str:
    """Return the text of the first request that would be sent."""
    return str(next(pair["value"] for pair in ran.json["data"]["requests"][0]["query"] if pair["name"] == "text"))


# --- what is told -----------------------------------------------------------------------------------------------------


def test_a_script_gets_parts_alphabet_and_units(smscli: Run) -> None:
    """Three cells on one line, for cut and read; no account, no network, no note."""
    assert smscli("count", DEAR) == Ran(0, "3\tUCS-2\t145\n", "")
    assert smscli("count", "€5").out == "1\tGSM-7\t3\n"
    assert smscli("count", stdin=b"a" * 161).out == "2\tGSM-7\t161\n"


def test_a_text_file_and_a_dash_are_read_as_send_reads_them(smscli: Run, tmp_path: Path) -> None:
    """One line break at the end is not part of it; CR LF is one unit."""
    (tmp_path / "text").write_bytes(b"one\r\ntwo\r\n")
    for ran in (smscli("count", "--text-file", str(tmp_path / "text")), smscli("count", "-", stdin=b"one\r\ntwo\n")):
        assert ran == Ran(0, "1\tGSM-7\t7\n", "smscli: CR LF became LF\n")


@pytest.mark.parametrize("text", ["", " \n", "a\0b", "\udcff"])
def test_what_send_would_not_take_is_not_counted(smscli: Run, text: str) -> None:
    """Exit 2."""
    assert smscli("count", text).code == 2


def test_every_part_is_told_with_its_text(count: Callable[..., Any]) -> None:
    """Where it breaks: together the parts are the text."""
    data = count(DEAR)
    assert [part["units"] for part in data["segments"]] == [67, 67, 11]
    assert "".join(part["text"] for part in data["segments"]) == data["text"] == DEAR
    assert (data["alphabet"], data["units"], data["parts"], data["units_left"]) == ("UCS-2", 145, 3, 56)


def test_every_dear_character_is_told_with_what_replacing_it_would_do(count: Callable[..., Any]) -> None:
    """Place, code point, name and replacement of each; and the measure of the text with all replaced."""
    data = count(f"a\n{DEAR}")
    assert data["outside_gsm7"] == [
        {
            "character": "’", "code_point": "U+2019", "name": "RIGHT SINGLE QUOTATION MARK", "index": 5, "line": 2,
            "column": 3, "indexes": [5], "replacement": "'",
        },
        {
            "character": "–", "code_point": "U+2013", "name": "EN DASH", "index": 13, "line": 2, "column": 11,
            "indexes": [13], "replacement": "-",
        },
    ]  # fmt: skip
    text = f"a\n{DEAR}".replace("’", "'").replace("–", "-")
    assert data["transliterated"] == {"text": text, "alphabet": "GSM-7", "units": 147, "parts": 1, "units_left": 13}


def test_a_text_of_gsm_7_has_nothing_to_replace(count: Callable[..., Any]) -> None:
    """Euro and brackets are two units, and no reason for another alphabet."""
    data = count("€[]")
    assert (data["outside_gsm7"], data["transliterated"], data["units"]) == ([], None, 6)


def test_json_and_xml_say_the_same(smscli: Run, count: Callable[..., Any]) -> None:
    """Two spellings of one tree."""
    data = ET.fromstring(smscli("count", DEAR, "-o", "xml").out).find("data")  # noqa: S314  (the program's own)
    assert data is not None
    assert list(count(DEAR)) == [element.tag for element in data]
    assert [element.text for element in data.findall("outside_gsm7/item/code_point")] == ["U+2019", "U+2013"]


def test_a_person_reads_the_verdict_first(smscli: Run) -> None:
    """What it costs, why, and what would help."""
    table = smscli("count", DEAR, terminal=True, environ={"COLUMNS": "200"}).out.splitlines()
    assert table[0] == (
        "3 parts, UCS-2: 145 units, 56 more fit into the last part. 2 characters are not in GSM-7; "
        "with --transliterate it would be 1 part, GSM-7, 145 units"
    )
    assert any('│ 67 units, ends with "…abc abc abc ab" ' in line for line in table)
    assert any("│ U+2019 RIGHT SINGLE QUOTATION MARK at 3: replace it by '" in line for line in table)


LACKING = "not in GSM-7; with --transliterate it"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("hi", "1 part, GSM-7: 2 units, 158 more fit"),
        ("a" * 160, "1 part, GSM-7: 160 units, no more fit"),
        ("中\ue000", f"1 part, UCS-2: 2 units, 68 more fit. 2 characters are {LACKING} stays at 1 part, UCS-2"),
        ("’", f"1 part, UCS-2: 1 unit, 69 more fit. 1 character is {LACKING} would be 1 part, GSM-7, 1 unit"),
    ],
    ids=["cheap", "full", "hopeless", "one"],
)
def test_the_verdict_is_one_sentence_or_two(smscli: Run, text: str, verdict: str) -> None:
    """And the whole of what is said where nothing breaks and nothing is dear."""
    lines = smscli("count", text, terminal=True, environ={"COLUMNS": "200"}).out.splitlines()
    assert lines[0] == verdict
    assert (len(lines) == 1) == (text in ("hi", "a" * 160))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("’\n’ ’’’", "at 1, 3, 5 and 2 more: replace it by '"),
        ("\n’", "U+2019 RIGHT SINGLE QUOTATION MARK at 2 (line 2, column 1): replace it by '"),
        ("a\u00a0b", "NO-BREAK SPACE at 2: replace it by a blank"),
        ("e\u0301", "join it with its letter, or leave it out"),
        ("\u200d👍", "ZERO WIDTH JOINER at 1: leave it out"),
        ("\ue000", "U+E000 at 1: GSM-7 has nothing like it"),
    ],
)
def test_a_character_is_explained_in_words(smscli: Run, text: str, words: str) -> None:
    """Also where it cannot be seen."""
    ran = smscli("count", text, terminal=True, environ={"COLUMNS": "200"})
    assert words in ran.out


def test_a_table_stays_short(smscli: Run) -> None:
    """Of thirty Cyrillic letters and forty parts a person wants the first ten; JSON has all."""
    out = smscli("count", CYRILLIC * 16, terminal=True).out
    assert "more: -o json lists all" in out
    assert len([line for line in out.splitlines() if line.startswith("│ part ")]) == 11


@pytest.mark.parametrize("columns", ["40", "80", "120"])
@pytest.mark.parametrize(
    "text", [DEAR, CYRILLIC, "a" * 400, "中" * 200], ids=["quotes", "cyrillic", "one word", "wide"]
)
def test_no_screen_is_wider_than_the_terminal(smscli: Run, text: str, columns: str) -> None:
    """Wide characters take two columns."""
    for line in smscli("count", text, terminal=True, environ={"COLUMNS": columns, "NO_COLOR": "1"}).out.splitlines():
        assert sum(2 if "\u4e00" <= character <= "\u9fff" else 1 for character in line) <= int(columns), line


def test_a_dry_run_tells_the_same(smscli: Run, count: Callable[..., Any]) -> None:
    """All of it in the tree, behind the request on the lines, and the verdict above the table."""
    argv = ("send", "--sandbox", "--dry-run", "--to", TO, DEAR)
    facts = count(DEAR)
    data = smscli(*argv, "-o", "json").json["data"]
    assert {name: data[name] for name in facts} == facts
    lines = smscli(*argv).lines
    assert lines[0][0] == "request"
    assert [line for line in lines if line[0] in ("text", "part", "character")] == [
        ["text", "alphabet", "UCS-2"], ["text", "units", "145"], ["text", "parts", "3"], ["text", "units_left", "56"],
        *(["part", str(number), part["text"]] for number, part in enumerate(facts["segments"], 1)),
        ["character", "U+2019", "3"], ["character", "U+2013", "11"],
    ]  # fmt: skip
    assert smscli(*argv, terminal=True).out.startswith("3 parts, UCS-2: 145 units")


# --- guards and changes -----------------------------------------------------------------------------------------------


def test_max_parts_is_a_status_and_the_facts_are_shown_all_the_same(smscli: Run) -> None:
    """Exit 9, as of send: a script that guards a template wants to know why."""
    ran = smscli("count", DEAR, "--max-parts", "2")
    assert (ran.code, ran.out) == (9, "3\tUCS-2\t145\n")
    assert "the text has 3 parts, more than 2" in ran.err
    assert smscli("count", DEAR, "--max-parts", "3").code == 0
    assert smscli("count", DEAR, "--max-parts", "1", "--transliterate").code == 0


def test_transliterating_is_told_and_saves(smscli: Run) -> None:
    """Which character became what, and what that saved; without the option nothing changes."""
    ran = smscli("count", "--transliterate", DEAR)
    assert (ran.code, ran.out) == (0, "1\tGSM-7\t145\n")
    assert ran.err == "smscli: the text was transliterated to 1 part instead of 3: ’ as ', – as -\n"
    assert smscli("count", "--transliterate", "plain").err == ""
    assert "letters were joined with their marks" in smscli("count", "--transliterate", "cafe\u0301").err
    assert "U+00A0 as a blank, U+200D as nothing" in smscli("count", "--transliterate", "a\u00a0b\u200d").err


def test_what_nothing_stands_for_stays_and_is_told(smscli: Run) -> None:
    """And the alphabet with it."""
    ran = smscli("count", "--transliterate", "’\ue000ا")
    assert ran.out == "1\tUCS-2\t3\n"
    assert "GSM-7 has nothing like U+E000, ا (U+0627): the text stays UCS-2" in ran.err


def test_a_text_of_which_nothing_would_be_left_is_none(smscli: Run) -> None:
    """Joiners alone."""
    assert smscli("count", "--transliterate", "\u200d").code == 2


def test_fit_shortens_and_tells_what_was_cut(smscli: Run, count: Callable[..., Any]) -> None:
    """The rest stands on stderr, as far as it is short."""
    text = "a" * 150 + " and the end of it"
    ran = smscli("count", "--fit", "1", text)
    assert ran.out == "1\tGSM-7\t160\n"
    assert ran.err == "smscli: the text was shortened to 1 part; left out, 11 characters: 'e end of it'\n"
    assert count("--fit", "1", text)["text"] == "a" * 150 + " and th..."
    assert smscli("count", "--fit", "2", text).err == ""
    assert len(smscli("count", "--fit", "1", "a" * 9000).err) < 400


def test_fit_comes_after_transliterating(smscli: Run) -> None:
    """So that no more is cut than must be."""
    assert "shortened" not in smscli("count", "--transliterate", "--fit", "1", DEAR).err
    assert "shortened" in smscli("count", "--fit", "1", DEAR).err
    ran = smscli("count", "--transliterate", "--fit", "1", "a" * 200 + "\ue000")
    assert (ran.out, "UCS-2" in ran.err) == ("1\tGSM-7\t160\n", False), "what is cut off does not stay"


def test_the_note_says_how_many_parts_are_left(smscli: Run) -> None:
    """With what made it UCS-2 cut off, two parts may become one."""
    ran = smscli("count", "--fit", "2", "a" * 130 + "😀" * 9)
    assert (ran.out, "shortened to 1 part;" in ran.err) == ("1\tGSM-7\t133\n", True)


def test_one_character_that_does_not_fit_is_exit_2(smscli: Run) -> None:
    """An ellipsis alone is no text."""
    ran = smscli("count", "--fit", "1", "e" + "\u0301" * 90)
    assert (ran.code, "not even the first character fits" in ran.err) == (2, True)


@pytest.mark.parametrize("option", [("--transliterate",), ("--fit", "1")], ids=lambda option: option[0])
def test_what_is_signed_is_the_changed_text(smscli: Run, count: Callable[..., Any], option: tuple[str, ...]) -> None:
    """And the note says so; the journal's content is that, too."""
    ran = smscli("send", "--sandbox", "--dry-run", "--to", TO, DEAR, *option, "-o", "json")
    assert signed_text(ran) == count(DEAR, *option)["text"] != DEAR
    assert "what is signed and recorded is the changed text" in ran.err
    key = ("send", "--sandbox", "--to", TO, "--key", "k")
    assert smscli(*key, DEAR, *option).code == 0
    assert smscli(*key, count(DEAR, *option)["text"]).code == 0, "the same content: its receipt"
    assert smscli(*key, DEAR).code == 9, "other content"


def test_without_the_options_no_text_is_changed(smscli: Run) -> None:
    """Opt-in, both."""
    ran = smscli("send", "--sandbox", "--dry-run", "--to", TO, DEAR, "-o", "json")
    assert (signed_text(ran), "changed" in ran.err) == (DEAR, False)
    ran = smscli("send", "--sandbox", "--dry-run", "--to", TO, "a\r\nb")
    assert (ran.err.count("CR LF became LF"), "changed" in ran.err) == (1, False)


def test_send_refuses_after_shortening(smscli: Run) -> None:
    """The guard sees what would be sent."""
    argv = ("send", "--sandbox", "--dry-run", "--to", TO, DEAR, "--max-parts", "1")
    assert smscli(*argv).code == 9
    assert smscli(*argv, "--fit", "1").code == 0
    assert smscli(*argv, "--fit", "2").code == 9


# --- before a send ----------------------------------------------------------------------------------------------------


def screen(tmp_path: Path, *argv: str) -> str:
    """Return what a person sees of a send."""
    environ = {"HOME": str(tmp_path), "SMSCLI_STATE_DIR": str(tmp_path / "state"), "COLUMNS": "200"}
    code, shown = on_a_terminal(["send", "--sandbox", "--to", TO, *argv], environ, [])
    assert code == 0, shown
    return shown


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_person_is_told_of_several_parts_before_they_are_sent(tmp_path: Path) -> None:
    """With the character that is to blame; not for one part, not with -q, and not for a receipt."""
    note = "the text takes 3 parts for each recipient: UCS-2 because of ’ (U+2019) at 3, 145 units"
    shown = screen(tmp_path, DEAR, "--key", "k")
    assert -1 < shown.find(note) < shown.find("accepted by")
    assert "parts for each" not in screen(tmp_path, DEAR, "--key", "k")
    assert "parts for each" not in screen(tmp_path, DEAR, "-q")
    assert "part for each" not in screen(tmp_path, "short")
    assert "2 parts for each recipient: GSM-7, 161 unit" in screen(tmp_path, "a" * 161)


def test_nothing_is_said_in_a_pipe_or_cron(smscli: Run) -> None:
    """Nobody is there to stop it; cron would mail it."""
    assert "parts for each" not in smscli("send", "--sandbox", "--to", TO, DEAR).err

"""One tree, four spellings: nothing is lost, nothing steers, and the envelope is what scripts rely on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len  # noqa: TID253  (the tests may load what they like)

from smscli.errors import (
    AuthenticationError,
    ConfigError,
    ConflictError,
    InputError,
    OutcomeUnknownError,
    PartialError,
    RejectedError,
    SmscliError,
    UnreachableError,
    UnsupportedError,
)
from smscli.model import visible
from smscli.render import ENVELOPE_VERSION, Output, Result, Table, Tree, explain, failure, pieces

SGR = re.compile(r"\x1b\[[0-9;]*m")
ENVELOPE = ["version", "command", "status", "exit_code", "data", "error"]
ERROR = ["type", "message", "hint", "code", "problems"]

# What steers a terminal or reorders a line; the bidi controls, and everything that ends a line but LF itself.
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

NASTY = (
    "[/x]",
    "[bold]not bold[/bold]",
    "[link=https://evil.example]here[/link]",
    ":warning:",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;https://evil.example\x07here\x1b]8;;\x07",
    "\x9b31m",
    "a\tb\nc\r\nd\x0be\x0cf\x1cg\x85h\u2028i",
    "\x00\x08\x7f",
    "👨‍👩‍👧 🇱🇹 ❤️",
    "שלום עולם مرحبا",
    "\u202egnp.exe\u202c \u2066x\u2069",
    "\ufeff\ufffe\uffff",
    "\ud800",
    "<a href='x'>&amp;]]></a>",
    "\\x1b\\n",
    " leading and trailing ",
    "",
    "ąčęėįšųūž ñ Привет 你好 ＡＢ",
)
texts = st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=20))
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def paired(tree: Tree) -> Tree:
    """Return the tree as JSON can hold it: two halves of a surrogate pair side by side are one character."""
    if isinstance(tree, str):
        return tree.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(tree, Mapping):
        return {str(paired(name)): paired(value) for name, value in tree.items()}
    if isinstance(tree, Sequence):
        return [paired(value) for value in tree]
    return tree


def sayable(tree: Tree) -> object:
    """Return the tree as XML can hold it: text and structure, without types."""
    if tree is None or tree in ("", [], {}):
        return None
    if isinstance(tree, str):
        return re.sub("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]", lambda match: visible(match[0]), tree)
    if isinstance(tree, Mapping):
        return [(sayable(name) or "", sayable(value)) for name, value in tree.items()]
    if isinstance(tree, Sequence):
        return [("item", sayable(value)) for value in tree]
    return json.dumps(tree)


def read(element: ET.Element) -> object:
    """Return what an XML element says, in the form of ``sayable``."""
    if len(element):
        return [(child.get("name", "") if child.tag == "entry" else child.tag, read(child)) for child in element]
    return element.text


def render(result: Result, command: str, output: Output, *, width: int = 80, colour: int = 0) -> str:
    """Return what is written, as a whole."""
    return "".join(pieces(result, command, output, width=width, colour=colour))


def parse(document: str) -> ET.Element:
    """Return the root of a document that this program has written."""
    return ET.fromstring(document)  # noqa: S314  (written a moment ago, by the function under test)


# --- JSON and XML ----------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(trees)
def test_json_is_ascii_and_reads_back_the_same(tree: Tree) -> None:
    """Whatever the data, the document is ASCII, parses, and holds it."""
    document = render(Result(data=tree), "send", Output.JSON)
    assert document.isascii()
    assert document.endswith("}\n")
    assert not STEERS.search(document)
    assert paired(json.loads(document)["data"]) == paired(tree)


@settings(max_examples=200)
@given(trees)
def test_xml_is_ascii_and_says_the_same_tree(tree: Tree) -> None:
    """The XML has the envelope of the JSON; what XML cannot say at all becomes a visible escape."""
    document = render(Result(data={"tree": tree}), "send", Output.XML)
    assert document.isascii()
    assert not STEERS.search(document)
    root = parse(document)
    assert root.tag == "smscli"
    assert [child.tag for child in root] == ENVELOPE
    (said,) = root.findall("data/tree")
    assert read(said) == sayable(tree)


def test_nothing_and_empty_differ_in_xml() -> None:
    """A missing value is marked; an empty text is not."""
    root = parse(render(Result(data={"none": None, "empty": ""}), "send", Output.XML))
    assert [child.get("nil") for child in root.findall("data/*")] == ["true", None]


@pytest.mark.parametrize("output", [Output.JSON, Output.XML])
@pytest.mark.parametrize(
    ("result", "status", "code"),
    [
        (Result(data={"a": 1}), "ok", 0),
        (failure(PartialError("2 of 3"))._replace(data={"a": 1}), "partial", 8),
        (failure(InputError("bad number")), "error", 2),
        (failure(ConfigError("two problems", problems=["one", "two"])), "error", 3),
        (failure(AuthenticationError("wrong key", code="6")), "error", 4),
        (failure(RejectedError("no")), "error", 5),
        (failure(UnreachableError("no route")), "error", 6),
        (failure(OutcomeUnknownError("silence", hint="look")), "error", 7),
        (failure(ConflictError("busy")), "error", 9),
        (failure(UnsupportedError("no clock")), "error", 9),
        (failure(SmscliError("a bug")), "error", 1),
        (Result(data={"a": 1}, exit_code=130), "error", 130),
    ],
)
def test_the_envelope_has_the_same_keys_always(result: Result, status: str, code: int, output: Output) -> None:
    """Scripts rely on these six keys, in success and in failure, and on the five of an error."""
    document = render(result, "send", output)
    if output is Output.JSON:
        tree = json.loads(document)
        assert list(tree) == ENVELOPE
        assert (tree["version"], tree["command"]) == (ENVELOPE_VERSION, "send")
        assert (tree["status"], tree["exit_code"]) == (status, code)
        if result.error:
            assert list(tree["error"]) == ERROR
            assert tree["error"]["type"] == type(result.error).__name__
            assert tree["error"]["problems"] == list(result.error.problems)
        else:
            assert tree["error"] is None
    else:
        root = parse(document)
        assert [child.tag for child in root] == ENVELOPE
        assert (root.findtext("status"), root.findtext("exit_code")) == (status, str(code))
        assert [child.tag for child in root.findall("error/*")] == (ERROR if result.error else [])


def test_the_envelope_is_version_one() -> None:
    """The number changes with the shape."""
    assert ENVELOPE_VERSION == 1


def test_a_name_that_is_no_xml_name_moves_into_an_attribute() -> None:
    """``recipient[]`` stays readable by a machine."""
    root = parse(render(Result(data={"recipient[]": "5"}), "sign", Output.XML))
    assert [(child.tag, child.attrib, child.text) for child in root.findall("data/*")] == [
        ("entry", {"name": "recipient[]"}, "5")
    ]


# --- plain -----------------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.lists(st.lists(texts, min_size=1, max_size=4), max_size=4))
def test_plain_is_one_line_a_row_with_tabs_between(rows: list[list[str]]) -> None:
    """A cell cannot make another cell or line, and what could steer is escaped."""
    document = render(Result(lines=tuple(map(tuple, rows))), "send", Output.PLAIN)
    assert not STEERS.search(document)
    assert [line.split("\t") for line in document.split("\n")[:-1]] == [[visible(cell) for cell in row] for row in rows]


def test_a_document_of_its_own_stands_as_it_is() -> None:
    """A script is printed, not a table of its lines; in JSON it stays data."""
    result = Result(data={"script": "complete\n"}, text="complete\n", lines=(("x",),))
    assert render(result, "completion", Output.PLAIN) == "complete\n"
    assert render(result, "completion", Output.TABLE) == "complete\n"
    assert json.loads(render(result, "completion", Output.JSON))["data"] == {"script": "complete\n"}


def test_an_error_prints_nothing_on_stdout_unless_a_machine_reads() -> None:
    """Plain and table speak of errors on stderr alone."""
    assert render(failure(InputError("bad")), "send", Output.PLAIN) == ""
    assert render(failure(InputError("bad")), "send", Output.TABLE) == ""


# --- table -----------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=3), texts)
def test_a_table_shows_every_cell_and_nothing_that_steers(rows: list[tuple[str, str]], title: str) -> None:
    """Wide enough, each cell stands on its line letter for letter: no markup, no emoji codes, no links."""
    table = Table(("first", "second"), tuple(rows), title=title or None)
    document = render(Result(table=table), "send", Output.TABLE, width=2000)
    assert not STEERS.search(document)
    shown = [line.split("│")[1:3] for line in document.split("\n") if line.startswith("│")][1:]
    assert "│" in document
    if not any("│" in cell for row in rows for cell in row):
        assert [[cell.strip() for cell in row] for row in shown] == [[visible(c).strip() for c in row] for row in rows]


WORDS = st.text(st.characters(exclude_characters=" │╭╮╰╯├┤"), min_size=1, max_size=8) | st.sampled_from(
    ("你好世界", "👨‍👩‍👧")
)
IDS = st.sampled_from(("1234567890123456789012", "3cc9182c217056843e5bc0783ea9776e1f2d3c4b", "k" * 255, "+37061234567"))
PROSE = st.lists(WORDS, min_size=1, max_size=12).map(" ".join)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Draw a table of ids and prose, in the shapes that commands declare."""
    kinds = draw(st.lists(st.sampled_from((IDS, PROSE)), min_size=1, max_size=6))
    rows = draw(st.lists(st.tuples(*kinds), min_size=1, max_size=4))
    columns = tuple(f"c{number}" for number in range(len(kinds)))
    prose = tuple(name for name, kind in zip(columns, kinds, strict=True) if kind is PROSE)
    return Table(columns, tuple(rows), draw(st.none() | PROSE), prose, facts=draw(st.booleans()))


@settings(max_examples=300, deadline=None)
@given(tables(), st.integers(20, 200), st.sampled_from((0, 16, 256)))
def test_at_any_width_no_word_is_broken_and_none_is_lost(table: Table, width: int, colours: int) -> None:
    """Ids and words stand on one line each, in as many copies as there are; below 60 columns there is no box."""
    document = SGR.sub("", render(Result(table=table), "send", Output.TABLE, width=width, colour=colours))
    lines = document.split("\n")
    told = [word for line in lines for word in re.split("[ │]", line)]
    wanted = [word for row in table.rows for cell in row for word in visible(cell).split(" ") if word]
    for word in set(wanted):
        assert told.count(word) + told.count(f"{word}:") >= wanted.count(word)
    boxed = document.count("╭") == document.count("╯") == 1
    assert boxed or not re.search("[│╭╮╰╯├┤]", document)
    assert not (boxed and width < 60)
    if boxed:
        assert {cell_len(line) for line in lines if line[:1] in set("│╭├╰")} == {cell_len(lines[-2])}
        assert cell_len(lines[-2]) <= width


@pytest.mark.parametrize("width", [20, 59, 60, 80, 120])
def test_a_cell_that_is_no_prose_stays_whole_with_its_blanks(width: int) -> None:
    """A time, a price or a key with blanks is pasted from one line."""
    cells = ("2031-10-03 17:00:00", "a key of several words, as somebody named it")
    document = render(Result(table=Table(("when", "key"), (cells,))), "journal", Output.TABLE, width=width)
    assert all(any(cell in line for line in document.split("\n")) for cell in cells)


def test_a_box_that_would_break_an_id_becomes_a_list_and_prose_wraps_first() -> None:
    """At 80 columns prose gives way; where that is not enough, each row is a group of lines."""
    rows = (("5" * 22, "far too many words to stand on one line of a narrow column"), ("6" * 22, ""))
    boxed = render(Result(table=Table(("id", "why"), rows, prose=("why",))), "send", Output.TABLE, width=60)
    assert boxed == (
        "╭────────────────────────┬─────────────────────────────────╮\n"
        "│ id                     │ why                             │\n"
        "├────────────────────────┼─────────────────────────────────┤\n"
        "│ 5555555555555555555555 │ far too many words to stand on  │\n"
        "│                        │ one line of a narrow column     │\n"
        "│ 6666666666666666666666 │                                 │\n"
        "╰────────────────────────┴─────────────────────────────────╯\n"
    )
    listed = render(Result(table=Table(("id", "why"), rows, "verdict", ("why",))), "send", Output.TABLE, width=30)
    assert listed == (
        "verdict\nid: 5555555555555555555555\nwhy: far too many words to\n  stand on one line of a\n  narrow column\n"
        "\nid: 6666666666666666666666\n"
    )


def test_facts_are_one_line_each() -> None:
    """What names a fact stands before it, without the headings; one too wide goes below its name, whole."""
    rows = (("query", "login", "me"), ("curl", "", "curl it"), ("signature", "sign", "0" * 40))
    table = Table(("what", "name", "value"), rows, prose=("value",), facts=True)
    assert render(Result(table=table), "sign", Output.TABLE, width=40) == (
        f"query login: me\ncurl: curl it\nsignature sign:\n  {'0' * 40}\n"
    )


def test_a_table_without_rows_is_not_drawn() -> None:
    """Nothing is nothing; the command says so in a note."""
    assert render(Result(table=Table(("key", "number"), ())), "journal list", Output.TABLE) == ""


# --- colour -----------------------------------------------------------------------------------------------------------

OUTCOMES = ["SENT", "REFUSED", "NOT_SENT", "UNKNOWN", "IN_FLIGHT", "ok", "error"]
XTERM = {30: 0x000000, 41: 0xCD0000, 42: 0x00CD00, 43: 0xCDCD00, 44: 0x0000EE, 97: 0xFFFFFF}
VGA = {30: 0x000000, 41: 0xAA0000, 42: 0x00AA00, 43: 0xAA5500, 44: 0x0000AA, 97: 0xFFFFFF}


def luminance(colour: int) -> float:
    """Return the relative luminance of an RGB colour (WCAG 2.2)."""
    parts = [(colour >> shift & 0xFF) / 255 for shift in (16, 8, 0)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: int, other: int) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def cube(number: int) -> int:
    """Return the RGB colour of a number of the 6x6x6 cube, which is the same on every terminal of 256 colours."""
    levels = (0, 95, 135, 175, 215, 255)
    red, green, blue = (levels[(number - 16) // step % 6] for step in (36, 6, 1))
    return red << 16 | green << 8 | blue


def codes(word: str, colours: int) -> list[int]:
    """Return the SGR parameters that a word in a table is drawn with."""
    result = Result(table=Table(("outcome",), ((word,),)))
    found = re.search(rf"\x1b\[([0-9;]+)m{word}\x1b\[0m", render(result, "send", Output.TABLE, colour=colours))
    assert found
    return [int(code) for code in found[1].split(";")]


@pytest.mark.parametrize("word", OUTCOMES)
def test_of_256_colours_those_are_taken_that_are_read_on_black_and_on_white(word: str) -> None:
    """No colour has more than 4.58 on both: at least 4 on either is asked of ours."""
    *kind, number = codes(word, 256)
    assert kind == [38, 5]
    assert min(contrast(cube(number), 0x000000), contrast(cube(number), 0xFFFFFF)) >= 4


@pytest.mark.parametrize("palette", [XTERM, VGA], ids=["xterm", "VGA"])
@pytest.mark.parametrize("word", OUTCOMES)
def test_of_16_colours_a_word_brings_its_background(word: str, palette: dict[int, int]) -> None:
    """Yellow on white and blue on black cannot be read on many terminals; on its own ground each word can."""
    letters, ground = codes(word, 16)
    assert contrast(palette[letters], palette[ground]) >= 3.9


@pytest.mark.parametrize("colours", [16, 256])
def test_colours_have_four_meanings(colours: int) -> None:
    """Accepted; refused or failed; unknown, which needs a person; still going on."""
    shown = {word: tuple(codes(word, colours)) for word in OUTCOMES}
    assert shown["SENT"] == shown["ok"]
    assert shown["REFUSED"] == shown["NOT_SENT"] == shown["error"]
    assert len({shown[word] for word in ("SENT", "REFUSED", "UNKNOWN", "IN_FLIGHT")}) == 4


@pytest.mark.parametrize("width", [40, 80])
def test_without_colours_there_is_no_escape_sequence(width: int) -> None:
    """In a box and in a list."""
    result = Result(table=Table(("outcome",), tuple((word,) for word in OUTCOMES)))
    assert "\x1b[" in render(result, "send", Output.TABLE, width=width, colour=256)
    assert "\x1b" not in render(result, "send", Output.TABLE, width=width)


def test_colour_does_not_open_the_door_to_other_sequences() -> None:
    """Only the renderer's own SGR sequences are there, the data's are escaped."""
    document = render(Result(table=Table(("text",), tuple((n,) for n in NASTY))), "send", Output.TABLE, colour=256)
    assert not STEERS.search(SGR.sub("", document))


def test_a_result_without_a_table_falls_back_to_lines() -> None:
    """On a terminal a command without a table prints what it prints in a pipe."""
    assert render(Result(lines=(("a", "b"),)), "sign", Output.TABLE) == "a\tb\n"


# --- errors for people -----------------------------------------------------------------------------------------------


@given(texts, st.lists(texts, max_size=3), texts)
def test_an_explanation_never_steers(message: str, problems: list[str], hint: str) -> None:
    """Message, problems and hint are escaped; every line stays one."""
    text = explain(ConfigError(message, hint=hint, problems=problems))
    assert not STEERS.search(text)
    assert text.startswith(f"smscli: {visible(message)}\n")
    assert text.endswith("\n")


def test_an_explanation_lists_everything() -> None:
    """What, every problem, what to do."""
    error = ConfigError("profile work cannot be used", problems=["no login", "no key"], hint="edit it\nor remove it")
    assert explain(error) == (
        "smscli: profile work cannot be used\n  - no login\n  - no key\n  hint: edit it\n  hint: or remove it\n"
    )


def test_amounts_are_not_floats() -> None:
    """A decimal is text in the tree: no format may round money."""
    with pytest.raises(TypeError):
        render(Result(data={"amount": Decimal("0.1")}), "balance", Output.JSON)  # type: ignore[dict-item]

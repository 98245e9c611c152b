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
from smscli.render import ENVELOPE_VERSION, Output, Result, Table, Tree, explain, failure, render

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
        (failure(PartialError("2 of 3"), {"a": 1}), "partial", 8),
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


@pytest.mark.parametrize("width", [0, 1, 20, 40])
@pytest.mark.parametrize("nasty", NASTY)
def test_a_narrow_table_folds_and_loses_nothing(nasty: str, width: int) -> None:
    """At twenty columns the letters are all there, in order, and no line is longer."""
    document = render(Result(table=Table(("n",), ((nasty,),))), "send", Output.TABLE, width=width)
    lines = document.split("\n")
    body = "".join(line.strip("│").strip() for line in lines if line.startswith("│"))
    wanted = re.sub(r"\s", "", "n" + visible(nasty))
    assert re.sub(r"\s", "", body) == wanted
    assert max(map(len, lines)) <= max(width, 20)


def test_where_columns_have_no_room_the_cells_stand_below_each_other() -> None:
    """Many columns on a narrow terminal would be drawn without any width, and hide what they hold."""
    table = Table(tuple("abcdef"), (("one", "two", "three", "four", "five", "six"),) * 2, title="the title")
    narrow = render(Result(table=table), "send", Output.TABLE, width=20)
    rows = [re.findall(r"[a-z]+", line) for line in narrow.split("\n") if line.startswith("│")]
    assert rows[1:] == [list(pair) for pair in zip("abcdef", table.rows[0], strict=True)] * 2
    wide = render(Result(table=table), "send", Output.TABLE, width=60)
    assert "one" in wide.split("\n")[4]
    assert "six" in wide.split("\n")[4]


@pytest.mark.parametrize("word", ["SENT", "REFUSED", "NOT_SENT", "UNKNOWN", "ok"])
def test_colour_is_added_only_when_asked_for(word: str) -> None:
    """With colour the outcome stands out; without there is no escape sequence at all."""
    result = Result(table=Table(("outcome",), ((word,),)))
    assert "\x1b[" in render(result, "send", Output.TABLE, colour=True)
    assert "\x1b" not in render(result, "send", Output.TABLE, colour=False)


def test_colour_does_not_open_the_door_to_other_sequences() -> None:
    """Only the renderer's own SGR sequences are there, the data's are escaped."""
    document = render(Result(table=Table(("text",), tuple((n,) for n in NASTY))), "send", Output.TABLE, colour=True)
    assert not STEERS.search(re.sub(r"\x1b\[[0-9;]*m", "", document))


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

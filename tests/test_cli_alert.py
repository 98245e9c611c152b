"""The text about a command: what is in it, and what is left out where there is no room."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smscli.cli.alert import Event, checked, duration, readable, text, usual_template
from smscli.errors import InputError
from smscli.segments import measure

FAILED = Event("db1", ["make", "-C", "my dir"], 2, None, 63.4, b"one\ntwo\nthree\n")


def usual(event: Event, *, tail: int = 5, parts: int = 2, stable: bool = False) -> str:
    """Return the text of who gives no template."""
    return text(event, usual_template(event, stable=stable), tail=tail, parts=parts)


def test_the_usual_texts_say_what_happened() -> None:
    """Short, in one language with the rest of the program, and without a word too many."""
    assert usual(FAILED) == "db1: make -C 'my dir' failed with status 2 after 1m 3s\none\ntwo\nthree"
    assert usual(replace(FAILED, status=137, signal=9), tail=1) == (
        "db1: make -C 'my dir' was ended by SIGKILL after 1m 3s\nthree"
    )
    assert usual(replace(FAILED, status=168, signal=40, output=b"")) == (
        "db1: make -C 'my dir' was ended by signal 40 after 1m 3s"
    )
    assert usual(replace(FAILED, status=0)) == "db1: make -C 'my dir' is done after 1m 3s"
    assert usual(replace(FAILED, status=0, recovered=True)) == "db1: make -C 'my dir' works again after 1m 3s"
    assert usual(replace(FAILED, status=127, problem="No such {file}")) == (
        "db1: make -C 'my dir' could not be started: No such {file}"
    )


def test_a_stable_text_has_nothing_that_differs_by_itself() -> None:
    """``--once`` compares texts: neither how long it took nor what was printed is in one."""
    again = replace(FAILED, seconds=99.0, output=b"12:01 something else")
    assert usual(FAILED, stable=True) == usual(again, stable=True) == "db1: make -C 'my dir' failed with status 2"


def test_a_template_has_every_field_and_braces() -> None:
    """What a field holds is not read again."""
    event = replace(FAILED, status=143, signal=15, output=b"{status}\n")
    wanted = "{x} db1|make -C 'my dir'|143|SIGTERM|1m 3s|{status}"
    assert text(event, "{{x}} {host}|{command}|{status}|{signal}|{duration}|{output}", tail=5, parts=2) == wanted
    assert text(FAILED, "[{signal}]", tail=0, parts=1) == "[]"


@pytest.mark.parametrize("template", ["{user}", "{", "{host!r}", "{host.real}", " \n"])
def test_a_template_that_cannot_be_filled_in_is_refused_before(template: str) -> None:
    """Not when the command has failed."""
    with pytest.raises(InputError):
        checked(template)
    assert checked("{host} {output}") == "{host} {output}"


def test_output_is_what_a_person_has_seen_last() -> None:
    """No colours, titles, links, bars that were overwritten, and nothing that steers a terminal or turns a line."""
    output = (
        b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\r\n"
        b" 10%\r 50%\r100%\r\n\n   \n\x1b(Btab\there\x08\x00\xe2\x80\xae\x9b\n\xff\xfe Gr\xc3\xbc\xc3\x9fe"
    )
    assert readable(output) == "red link\n100%\ntab here?\n?? Grüße"


@given(st.binary(max_size=300))
def test_readable_output_steers_nothing(output: bytes) -> None:
    """Whatever came out."""
    shown = readable(output)
    assert not set(shown) & {*map(chr, range(9)), *map(chr, range(11, 32)), *map(chr, range(127, 160))}


def test_the_oldest_lines_go_first() -> None:
    """Whole lines, until the rest fits."""
    event = replace(FAILED, output=b"".join(b"line %d %s\n" % (n, b"x" * 60) for n in range(5)))
    short = usual(event, parts=1)
    assert short.splitlines()[1:] == [f"line 4 {'x' * 60}"]
    assert len(usual(event, parts=2).splitlines()) == 4
    assert usual(event, parts=9).count("\n") == 5


def test_a_last_line_without_room_is_cut_between_characters_as_readers_see_them() -> None:
    """And ends in three dots; a flag is not halved."""
    event = replace(FAILED, output="🇱🇹".encode() * 200)
    cut = usual(event, parts=1)
    assert measure(cut).parts == 1
    assert set(cut.splitlines()[1].removesuffix("...")) == set("🇱🇹")
    assert cut.splitlines()[1].removesuffix("...").replace("🇱🇹", "") == ""


def test_a_text_that_does_not_fit_without_its_output_is_cut_itself() -> None:
    """As little as has to be: the command, the host, and of a template's own words the end."""
    event = replace(FAILED, argv=["x" * 300], host="h" * 200)
    cut = usual(event, parts=1)
    assert (measure(cut).units, cut) == (160, f"{'h' * 118}...: x... failed with status 2 after 1m 3s")
    assert usual(replace(event, host="h" * 50), parts=1).startswith(f"{'h' * 50}: {'x' * 72}... failed")
    assert f"db1: {'x' * 77}... failed" in usual(replace(event, host="db1"), parts=2)
    assert text(event, "{command} " + "y" * 200, tail=0, parts=1) == f"x... {'y' * 152}..."


def test_a_command_that_an_ellipsis_would_only_lengthen_stays() -> None:
    """Nothing is gained by `l...` for `ls`."""
    event = replace(FAILED, argv=["ls"], host="db1")
    assert text(event, "{host}: {command} " + "y" * 200, tail=0, parts=1) == f"db1: ls {'y' * 149}..."


@pytest.mark.parametrize("word", ["make ", "žemė ", "🇱🇹 "])
@pytest.mark.parametrize("host", ["db1", "ž" * 40, "h" * 255])
def test_what_happened_is_never_cut_away_for_the_words_of_the_command(word: str, host: str) -> None:
    """In whichever alphabet: the command is cut, and after it the host."""
    event = replace(FAILED, host=host, argv=["sh", "-c", f"echo {word * 40}"], status=9)
    for parts in (1, 2):
        made = usual(event, parts=parts)
        assert measure(made).parts <= parts
        assert " failed with status 9 after 1m 3s" in made
        assert host != "db1" or made.startswith("db1: sh -c 'echo ")
        assert "was ended by SIGKILL" in usual(replace(event, status=137, signal=9), parts=parts)
        assert "works again" in usual(replace(event, status=0, recovered=True), parts=parts)


@given(st.binary(max_size=2000), st.integers(0, 9), st.integers(1, 3))
def test_no_text_has_more_parts_than_wanted(output: bytes, tail: int, parts: int) -> None:
    """Or more lines than asked for."""
    made = usual(replace(FAILED, output=output), tail=tail, parts=parts)
    assert measure(made).parts <= parts
    assert len(made.split("\n")) <= tail + 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0s"), (12, "12s"), (303, "5m 3s"), (7800, "2h 10m"), (273_600, "3d 4h"), (3599.6, "1h 0m")],
)
def test_a_duration_has_the_two_units_that_matter(seconds: float, words: str) -> None:
    """Rounded to the second."""
    assert duration(seconds) == words

"""How far a long job has come, as it is shown on a terminal and elsewhere; a clock that the test moves."""

from __future__ import annotations

import io
import re

import pytest

from smscli.progress import Bar, Lines, pace
from tests.conftest import Stream


class Clock:
    """Seconds that stand still until a test moves them."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


# --- elsewhere: a line a minute ---------------------------------------------------------------------------------------


def test_a_line_comes_once_a_minute(clock: Clock) -> None:
    """A log is not flooded, and cron is not mailed about a short job."""
    lines: list[str] = []
    progress = Lines(1000, 0, clock, lines.append)
    for second in range(150):
        clock.now = 100.0 + second
        progress.show(second, "words")
    progress.close()
    assert lines == [
        "60 of 1000: words; 1/s, 15 min left",
        "120 of 1000: words; 1/s, 14 min left",
    ]


def test_what_was_done_before_counts_and_is_not_taken_for_speed(clock: Clock) -> None:
    """A job that was taken up is at 960 of 1000 from its beginning."""
    lines: list[str] = []
    progress = Lines(1000, 900, clock, lines.append)
    clock.now += 60
    progress.show(60, "words")
    assert lines == ["960 of 1000: words; 1/s, 40 s left"]


# --- on a terminal: a bar ---------------------------------------------------------------------------------------------


def drawn(clock: Clock, width: int, words: str = "7 SENT", *, colour: bool = False) -> str:
    """Return what a bar writes that is shown once."""
    stream = Stream(terminal=True)
    bar = Bar(30, 10, clock, stream, width, colour=colour)
    clock.now += 2
    bar.show(7, words)
    bar.close()
    return stream.text()


def screen(written: str) -> list[str]:
    """Return the lines as they stood on the screen, one after the other."""
    return [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line) for line in re.split(r"[\r\n]", written)]


@pytest.mark.parametrize("width", [40, 59, 60, 80, 120])
def test_a_bar_fits_the_terminal_and_says_how_far_it_is(clock: Clock, width: int) -> None:
    """Below 60 columns the words alone."""
    lines = screen(drawn(clock, width))
    assert max(map(len, lines)) <= width
    last = next(line for line in lines if "SENT" in line)
    assert "17/30 7 SENT; 3.5/s, 4 s left" in last
    assert ("━" in last) is (width >= 60)


def test_a_bar_is_gone_in_the_end(clock: Clock) -> None:
    """Its line is erased, and the cursor is back."""
    written = drawn(clock, 80)
    assert written.endswith("\x1b[2K")
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h")


def test_a_bar_has_no_colour_that_means_something(clock: Clock) -> None:
    """Red is refused and green is accepted: a bar is neither."""
    for colour in (True, False):
        codes = re.findall(r"\x1b\[([0-9;]*)m", drawn(clock, 80, colour=colour))
        assert {code for found in codes for code in found.split(";")} <= {"", "0", "1", "2"}


def test_words_are_shown_as_they_are(clock: Clock) -> None:
    """What looks like markup is none."""
    assert "[red]7[/x]" in drawn(clock, 80, "[red]7[/x]")


def test_a_bar_is_not_drawn_more_often_than_one_can_see(clock: Clock) -> None:
    """Five times a second at most."""
    stream = Stream(terminal=True)
    bar = Bar(30, 0, clock, stream, 80, colour=False)
    before = stream.text()
    for _ in range(100):
        clock.now += 0.001
        bar.show(1, "words")
    assert stream.text() == before
    clock.now += 0.2
    bar.show(1, "words")
    assert stream.text() != before
    bar.close()


class Gone(io.StringIO):
    """A terminal that is closed under the program."""

    def write(self, _text: str) -> int:
        """Fail as a terminal does."""
        raise OSError(5, "Input/output error")


def test_a_terminal_that_has_gone_does_not_end_the_job(clock: Clock) -> None:
    """It is about money: who watches is not needed for it."""
    bar = Bar(30, 0, clock, Gone(), 80, colour=False)
    for _ in range(3):
        clock.now += 1
        bar.show(1, "words")
    bar.close()


def test_a_terminal_that_knows_no_bar_characters_gets_others(clock: Clock) -> None:
    """LANG=C."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    bar = Bar(30, 0, clock, stream, 80, colour=False)
    clock.now += 1
    bar.show(15, "words")
    bar.close()
    stream.seek(0)
    assert "15/30 words" in stream.read()


# --- how fast ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("done", "left", "seconds", "words"),
    [
        (0, 10, 5.0, "beginning"),
        (3, 10, 0.0, "beginning"),
        (10, 10, 5.0, "2/s, 5 s left"),
        (1, 3, 3.0, "0.333/s, 9 s left"),
        (1, 99, 1.0, "1/s, 99 s left"),
        (1, 100, 1.0, "1/s, 1 min left"),
        (1, 5999, 1.0, "1/s, 99 min left"),
        (1, 6000, 1.0, "1/s, 1 h 40 min left"),
        (5000, 0, 1.0, "5000/s, 0 s left"),
        (12345, 10, 1.0, "12345/s, 0 s left"),
        (10, -3, 1.0, "10/s, 0 s left"),
    ],
)
def test_pace_is_said_in_words_of_a_useful_size(done: int, left: int, seconds: float, words: str) -> None:
    """No power of ten, and no time below nothing."""
    assert pace(done, left, seconds) == words

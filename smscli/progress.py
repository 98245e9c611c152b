"""How far a long job has come: a bar on a terminal, a line a minute elsewhere. It must not know what the job does.

``total`` is how much there is, ``before`` how much of it was done before; what is shown as done comes on top of that.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

_EVERY_SECONDS = 60.0
_REDRAW_SECONDS = 0.2


class Lines:
    """A line a minute; ``write`` puts it out."""

    def __init__(self, total: int, before: int, monotonic: Callable[[], float], write: Callable[[str], object]) -> None:
        self._total = total
        self._before = before
        self._monotonic = monotonic
        self._write = write
        self._began = self._latest = monotonic()

    def show(self, done: int, words: str) -> None:
        """Say how much is done, with some words about it, if it is time to."""
        now = self._monotonic()
        if now - self._latest >= _EVERY_SECONDS:
            self._latest = now
            left = self._total - self._before - done
            self._write(f"{self._before + done} of {self._total}: {words}; {pace(done, left, now - self._began)}")

    def close(self) -> None:
        """Say nothing more."""


class Bar:
    """A bar on a terminal, redrawn a few times a second and gone in the end. ``colour`` says whether any is wanted."""

    def __init__(
        self, total: int, before: int, monotonic: Callable[[], float], stream: TextIO, width: int, *, colour: bool
    ) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(
            file=stream, width=width, height=25, force_terminal=True, no_color=not colour, highlight=False,
            markup=False, emoji=False, legacy_windows=False,
        )  # fmt: skip
        # Neither red nor green, which say refused and accepted.
        bar = BarColumn(complete_style="bold", finished_style="bold", style="dim", pulse_style="dim")
        count = TextColumn("{task.completed:.0f}/{task.total:.0f}", markup=False)
        columns = (count,) if width < 60 else (bar, count)
        self._progress = Progress(
            *columns, TextColumn("{task.fields[words]}", markup=False),
            console=console, auto_refresh=False, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task("", total=total, completed=before, words="")
        self._total = total
        self._before = before
        self._monotonic = monotonic
        self._began = self._latest = monotonic()
        self._is_open = True
        with suppress(OSError, ValueError):
            self._progress.start()

    def show(self, done: int, words: str) -> None:
        """Draw how much is done, with some words about it, if it is time to."""
        now = self._monotonic()
        if self._is_open and now - self._latest >= _REDRAW_SECONDS:
            self._latest = now
            words = f"{words}; {pace(done, self._total - self._before - done, now - self._began)}"
            try:
                self._progress.update(self._task, completed=self._before + done, words=words, refresh=True)
            except (OSError, ValueError):  # nobody looks any more
                self._is_open = False

    def close(self) -> None:
        """Take the bar away."""
        with suppress(OSError, ValueError):
            self._progress.stop()


def pace(done: int, left: int, seconds: float) -> str:
    """Return how many a second that is, and how long the rest will take."""
    if not done or seconds <= 0:
        return "beginning"
    rate = done / seconds
    digits = f"{rate:.0f}" if rate >= 100 else f"{rate:.3g}"  # 5000, not 5e+03
    return f"{digits}/s, {_length(max(left, 0) / rate)} left"


def _length(seconds: float) -> str:
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 6000 else f"{whole // 3600} h {whole % 3600 // 60} min"

"""The figures of the rig: what a run found, in words, repeated in its summary."""

from __future__ import annotations


def figure(text: str) -> None:
    """Print one result of the rig as a line of its own."""
    print(f"\nfigure: {text}")  # noqa: T201  (the rig's figures are its result)

"""What the tests hold of one vendor a second time, read from its pages, with nothing of ``smscli`` in it.

Each module beside this one is named after a vendor (the first of its platform) and has all of this; who has none is
skipped where a second opinion is needed. The modules import nothing of the tests but ``_strict``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple, Protocol

Pair = tuple[str, str]


class Sent(NamedTuple):
    """What a request asks to be sent: recipients as spelled, text, sender, and the stamp or nothing."""

    recipients: list[str]
    text: str
    sender: str
    stamp: str


class Oracle(Protocol):
    """One vendor, read a second time."""

    KEY: str
    """The key that the vendor's pages print."""

    # --- the server (tests/vendor.py) --------------------------------------------------------------------------------

    def operation(self, script: str, given: Mapping[str, str]) -> str:
        """Return ``send``, ``balance``, ``timestamp`` or ``price``.

        ``script`` is the last part of the path, without ``.php``.
        """

    def sent(self, pairs: Sequence[Pair]) -> Sent:
        """Return what a request asks to be sent."""

    def success(self, operation: str, recipients: list[str], given: Mapping[str, str], ids: list[str]) -> object:
        """Return the documented success, to be written as JSON; ``ids`` are digits, one a recipient."""

    def refusal(self, given: Mapping[str, str], is_signed: bool, now: float) -> object | None:
        """Return the documented refusal of a wrong signature or an old stamp, None for a request that has neither."""

    # --- answers (tests/rig) -----------------------------------------------------------------------------------------

    def judge(self, text: str, to: tuple[str, ...], stamp: str) -> dict[str, str]:
        """Return the id of every recipient that this answer proves to be accepted; ValueError: it is no JSON."""

    def documented(self, to: tuple[str, ...]) -> list[str]:
        """Return documented answers about these recipients: successes, refusals, and what stands between."""

    def long_answers(self, size: int) -> Mapping[str, str]:
        """Return the worst that this vendor's answers can be, about ``size`` characters each."""

    TRUE_BUT_LONG: tuple[str, ...]
    """Those of them that are true, if they fit."""

    REFUSALS: Mapping[str, int]
    """What is documented as a refusal, and the status it comes to: wrong key (4) or a no for good (5)."""

    ACCOUNT_REFUSALS: Mapping[str, bool]
    """Refusals of a send, each with whether it is for a reason of the account or the service: login, funds, sender,
    destination. The others are about number or text, or about the request itself."""

    STALE: Mapping[int, str]
    """The refusals that a new stamp cures, by their code."""

    SOME_REFUSALS: tuple[str, ...]
    """A few refusals of different kinds, for a long run; none: what the emulator says of a wrong signature."""

    half_refused: Callable[[Any, str], Any] | None
    """Change the success for two into one that refuses the second, whose digits are given; None: it is all or none."""

    # --- a program that signs (tests/wrong_programs.py) --------------------------------------------------------------

    def parameters(self, random: Random, texts: Sequence[str]) -> list[Pair]:
        """Return the parameters of a valid request, unsigned, in any order."""

    def ordered(self, pairs: list[Pair]) -> list[Pair]:
        """Return them in the order in which they are joined."""

    PROGRAM: Mapping[str, Any]
    """The attributes of a program that signs correctly."""

    FAMILY: str
    """Who makes the same mistakes in hashing: ``separated``, ``glued`` or ``hmac``."""

    ADDED: frozenset[Pair]
    """Parameters that programs sign without sending them."""

    STAMP_NAME: str
    """The parameter of the stamp, empty where there is none."""

    REPEATED: str
    """The parameter that stands once for each of several recipients, empty where they are joined by commas."""

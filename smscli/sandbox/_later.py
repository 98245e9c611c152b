"""Replies that are not ready: what is missing, and how to go on when it is there. Whoever brings the request waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from smscli.sandbox._checking import Question
from smscli.sandbox._desk import Caught
from smscli.sandbox._raw import RawReply


@dataclass(frozen=True, slots=True)
class Diagnosing:
    """A reply that wants to say why a signature is wrong: ``answer`` the question, anywhere, then ``finish``."""

    question: Question
    finish: Callable[[str], RawReply]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A reply to what may not have come yet: ``look`` is called with each new entry until it gives one.

    ``search`` looks through what is there, for entries that came before anybody listened; ``give_up`` makes the reply
    when ``seconds`` have passed.
    """

    seconds: float
    search: Callable[[], RawReply | None]
    look: Callable[[Caught], RawReply | None]
    give_up: Callable[[], RawReply]


@dataclass(frozen=True, slots=True)
class Streaming:
    """A reply without an end: ``first`` pieces, then one for each event."""

    first: tuple[bytes, ...]
    event: Callable[[str, Caught | None], bytes]

    @property
    def reply(self) -> RawReply:
        """The reply as far as it is known: head and ``first``; it has no length."""
        return RawReply(200, (("Content-Type", "text/event-stream"),), iter(self.first))


@dataclass(frozen=True, slots=True)
class Passing:
    """A request that goes on to a vendor: ``run`` it, in a thread, or ``refuse`` it, with the reason.

    Both give the reply, and have noted what became of it by then.
    """

    run: Callable[[], RawReply | Diagnosing]
    refuse: Callable[[str], RawReply]


Later = Diagnosing | Waiting | Streaming | Passing

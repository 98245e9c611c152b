"""The checker: holds the journal against the oracle after a run, and says every way in which they disagree.

The vendor's oracle is the truth, the journal is what smscli claims. In the words of a Jepsen set checker: what was
acknowledged must be there, what was reported as failed must not be there, and nothing may be there twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from smscli.journal import Journal, JournalEntry, State
from smscli.model import MSISDN
from tests.vendor import Accepted


@dataclass(frozen=True)
class Tally:
    """How many recipients a job has, in each state, and how many of them the vendor accepted."""

    planned: int
    sent: int
    refused: int
    not_sent: int
    unknown: int
    accepted: int


def check(journal: Path, key: str, planned: Sequence[MSISDN], accepted: Iterable[Accepted]) -> Tally:
    """Return the tally of one key whose processes have ended; fail with all that is wrong.

    ``accepted`` is the part of the oracle that belongs to this key. A journal or a key that does not exist means that
    nobody was to be sent anything yet.
    """
    oracle = Counter(_msisdn(one) for one in accepted)
    entries = {entry.submission.to: entry for entry in read(journal, key)}
    wrong = [f"{number} was accepted {count} times" for number, count in oracle.items() if count > 1]
    wrong += [f"{number} was accepted, and nobody asked for it" for number in oracle.keys() - set(planned)]
    if entries:
        wrong += [f"{number} is not accounted for" for number in set(planned) - entries.keys()]
        wrong += [f"{number} is in the journal, and nobody asked for it" for number in entries.keys() - set(planned)]
    elif oracle:
        wrong.append(f"{len(oracle)} accepted, and the journal knows no such key")
    for number, entry in entries.items():
        wrong += _disagreements(number, entry, number in oracle)
    assert not wrong, f"key {key}: " + "; ".join(wrong[:20])
    states = Counter(entry.state for entry in entries.values())
    states[State.NOT_SENT] += len(planned) - len(entries)
    tally = Tally(
        planned=len(planned),
        sent=states[State.SENT],
        refused=states[State.REFUSED],
        not_sent=states[State.NOT_SENT],
        unknown=states[State.UNKNOWN],
        accepted=len(oracle),
    )
    accounted = tally.sent + tally.refused + tally.not_sent + tally.unknown
    assert accounted == tally.planned, f"{accounted} states for {tally.planned} recipients: {states}"
    return tally


def read(journal: Path, key: str) -> tuple[JournalEntry, ...]:
    """Return the entries of a key whose processes have ended; none when there is no such journal or key.

    Opening the journal is what turns the in-flight entries of the dead into UNKNOWN; nothing is created.
    """
    if not journal.exists():
        return ()
    with Journal(journal, now=time.time) as opened:
        assert opened.check() == ()
        return tuple(entry for entry in opened.stream() if entry.key == key)


def _disagreements(number: MSISDN, entry: JournalEntry, accepted: bool) -> list[str]:
    wrong = []
    if entry.state is State.IN_FLIGHT:
        wrong.append(f"{number} is in flight, and nobody is sending")
    if entry.state is State.SENT and not accepted:
        wrong.append(f"{number} is SENT, and was never accepted")
    if entry.state is State.SENT and not entry.submission.message_id:
        wrong.append(f"{number} is SENT without an id")
    if entry.state in (State.NOT_SENT, State.REFUSED) and accepted:
        wrong.append(f"{number} is {entry.state}, and was accepted")
    return wrong


def _msisdn(one: Accepted) -> MSISDN:
    # Mesajlarim takes the ten national digits of a Turkish number.
    return MSISDN(f"90{one.recipient}" if one.provider == "mesajlarim" else one.recipient)
